//! Reads what the checks will need while cargo resolves: the lockfile names most packages of the graph. It only saves time:
//! all of it is read again where a file has changed since, or where the graph has other packages.

use std::sync::LazyLock;

use regex::Regex;
use semver::Version;

use super::{index, license_lines, license_texts, sources};
use crate::{
    facts::unpacked_packages,
    model::lockfile::{LockEntry, Lockfile},
    process::Children,
    text::read_to_string,
    workspace::{DecidingFiles, Workspace},
};

static PACKAGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*\[\s*package\s*\]").ok());

/// A license expression, or where it is inherited from.
static LICENSE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*license\s*[.=]").ok());

/// Reads the entries of cargo's index for the packages of the lockfile; with `licenses` also their license lines, and
/// the texts of all licenses if a package states no license expression. `children` start what is needed for that.
pub(crate) fn prefetch(workspace: &Workspace, licenses: bool, children: &Children) {
    let Ok(text) = read_to_string(&workspace.lockfile()) else { return };
    let packages = Lockfile::entries(&text);
    let mut requested = index::RequestedVersions::new();
    for package in &packages {
        let source = package.source.as_deref().filter(|source| sources::CRATES_IO.contains(source));
        if let (Some(_), Ok(version)) = (source, Version::parse(&package.version.value)) {
            requested.entry(package.name.value.clone()).or_default().insert(version);
        }
    }
    index::prefetch(&workspace.root, &requested, children);
    // Both are evaluated: the first one reads what the check needs.
    if licenses && (is_unlicensed_unpacked(&packages) | is_unlicensed_local(workspace)) {
        license_texts::store();
    }
}

/// Whether an unpacked package states no license expression. Reads the license lines of all.
fn is_unlicensed_unpacked(packages: &[LockEntry]) -> bool {
    let unpacked = unpacked_packages();
    let packages = packages.iter().filter(|one| one.source.is_some());
    let manifests = packages.flat_map(|one| {
        let name = format!("{}-{}", one.name.value, one.version.value);
        unpacked.iter().map(move |all| all.join(&name).join("Cargo.toml"))
    });
    let lines = manifests.filter_map(|manifest| license_lines::line_of(&manifest));
    lines.filter(String::is_empty).count() > 0
}

/// Whether a member or a path dependency states no license expression.
fn is_unlicensed_local(workspace: &Workspace) -> bool {
    let (Some(package), Some(license)) = (PACKAGE.as_ref(), LICENSE.as_ref()) else { return false };
    DecidingFiles::manifests_of(workspace).iter().any(|manifest| {
        let text = read_to_string(manifest);
        text.is_ok_and(|text| package.is_match(&text) && !license.is_match(&text))
    })
}
