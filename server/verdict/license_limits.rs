//! License texts that cargo-deny must not read: pipes, devices, and large files.
//!
//! cargo-deny opens the texts of a package when its license expression is absent or cannot be parsed, or
//! when a clarification is about it (`licenses::gather`): every regular file next to the manifest whose name
//! begins with `LICENSE` or `COPYING`, the `license-file`, and the files that the clarification names. It
//! would block on a pipe, and read a device until memory is exhausted.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::{Krate, Krates, licenses::cfg::ValidConfig};
use krates::{Kid, cm::Metadata};

use super::{
    Check, Code, Finding, LocationRule, PolicyText, Severity,
    license_files::{is_license_name, needs_text},
    locations::LocationIndex,
    manifests::package_ref,
    own_finding,
};
use crate::{limits, text::unusable};

/// A `license-file` that was removed from cargo's metadata before the graph was built.
#[derive(Clone, Debug)]
pub(super) struct RefusedLicenseFile {
    package: Kid,
    file: Utf8PathBuf,
    reason: String,
}

/// Removes every `license-file` that must not be read.
pub(super) fn without_unusable(metadata: &mut Metadata) -> Vec<RefusedLicenseFile> {
    let mut refused = Vec::new();
    for package in &mut metadata.packages {
        let Some(folder) = package.manifest_path.parent() else { continue };
        let reason =
            package.license_file.as_ref().and_then(|file| refused_text(&folder.join(file)));
        if let Some((file, reason)) = package.license_file.clone().zip(reason) {
            package.license_file = None;
            refused.push(RefusedLicenseFile { package: package.id.clone().into(), file, reason });
        }
    }
    refused
}

/// The license texts that must not be read.
#[derive(Default)]
pub(super) struct UnusableTexts {
    /// One finding per file.
    pub(super) findings: Vec<Finding>,
    /// cargo-deny would read one of them anyway, so the check must not run.
    pub(super) prevent_check: bool,
}

/// Examines every text that cargo-deny would open, and removes clarifications whose files must not be
/// read from the configuration.
pub(super) fn examine(
    krates: &Krates,
    config: &mut ValidConfig,
    refused: &[RefusedLicenseFile],
    policy: &PolicyText,
    locations: &LocationIndex<'_>,
) -> UnusableTexts {
    let mut texts = UnusableTexts::default();
    let clarified = |krate: &Krate, config: &ValidConfig| {
        config.clarifications.iter().any(|one| cargo_deny::match_krate(krate, &one.spec))
    };
    for krate in krates.krates() {
        if !needs_text(krate.license.as_deref()) && !clarified(krate, config) {
            continue;
        }
        for one in refused.iter().filter(|one| one.package == krate.id) {
            texts.findings.push(package_finding(krate, krates, &one.file, &one.reason, locations));
        }
        let Some(folder) = krate.manifest_path.parent() else { continue };
        if let Some((file, reason)) = first_unusable_text(krate, folder) {
            texts.prevent_check = true;
            texts.findings.push(package_finding(krate, krates, &file, &reason, locations));
        }
    }
    config.clarifications.retain(|clarification| {
        let about =
            krates.krates().filter(|krate| cargo_deny::match_krate(krate, &clarification.spec));
        let folders: Vec<_> = about.filter_map(|krate| krate.manifest_path.parent()).collect();
        let found = clarification.license_files.iter().find_map(|file| {
            let path = &file.path.value;
            let reason = folders.iter().find_map(|folder| refused_text(&folder.join(path)))?;
            Some((file, reason))
        });
        let Some((file, reason)) = &found else { return true };
        let message = format!(
            "`{}` is {reason}: this clarification is ignored, and the {} check is incomplete",
            file.path.value,
            Check::Licenses.name(),
        );
        let location = policy.location(file.path.span.start..file.path.span.end);
        let mut finding = own_finding(Code::OverLimit, Severity::Error, message, vec![location]);
        finding.remedy = Some("use a license text of the package".to_owned());
        texts.findings.push(finding);
        false
    });
    texts
}

/// A text next to the manifest that must not be read, or that exceeds the limits together with others.
fn first_unusable_text(krate: &Krate, folder: &Utf8Path) -> Option<(Utf8PathBuf, String)> {
    if let Some(file) = &krate.license_file
        && let Some(reason) = refused_text(&folder.join(file))
    {
        return Some((file.clone(), reason));
    }
    let (mut count, mut size) = (0, 0);
    for entry in folder.read_dir_utf8().ok()?.flatten() {
        let path = entry.path();
        if !is_license_name(entry.file_name()) || !path.is_file() {
            continue;
        }
        if let Some(reason) = refused_text(path) {
            return Some((entry.file_name().into(), reason));
        }
        count += 1;
        size += fs::metadata(path).map_or(0, |data| data.len());
        if count > limits::LICENSE_TEXTS || size > limits::LICENSE_TEXTS_SIZE {
            let limit = limits::bytes(limits::LICENSE_TEXTS_SIZE);
            let reason =
                format!("one of more than {} license texts or {limit}", limits::LICENSE_TEXTS);
            return Some((entry.file_name().into(), reason));
        }
    }
    None
}

fn refused_text(path: &Utf8Path) -> Option<String> {
    let reason = unusable(path, limits::LICENSE_TEXT)?;
    (reason.kind() == io::ErrorKind::Other).then(|| reason.to_string())
}

fn package_finding(
    krate: &Krate,
    krates: &Krates,
    file: &Utf8Path,
    reason: &str,
    locations: &LocationIndex<'_>,
) -> Finding {
    let message = format!(
        "could not determine the license of `{}` {}: `{file}` is {reason}",
        krate.name, krate.version
    );
    let node = krates.nid_for_kid(&krate.id);
    let stated = node.and_then(|node| locations.manifests.of_node(node)).map(|manifest| {
        let package = manifest.model.package.as_ref();
        let field = package.and_then(|package| package.license_file.as_ref());
        match field.filter(|field| field.value == file.as_str()) {
            Some(field) => manifest.location(field.span.clone(), super::Role::Primary),
            None => manifest.head(),
        }
    });
    let found = || node.map(|node| locations.of(node, LocationRule::Package).locations.clone());
    let locations = stated.map(|location| vec![location]).or_else(found).unwrap_or_default();
    let mut finding = own_finding(Code::OverLimit, Severity::Error, message, locations);
    finding.remedy =
        Some("set `license` to an expression, or use a readable `license-file`".to_owned());
    finding.packages.push(package_ref(krate));
    finding
}
