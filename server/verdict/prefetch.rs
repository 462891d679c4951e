//! Reads what the checks will need while cargo resolves: the lockfile names most packages of the graph. It only saves time:
//! all of it is read again where a file has changed since, or where the graph has other packages.

use camino::Utf8Path;
use semver::Version;

use super::{index, license_lines, license_texts, sources};
use crate::{facts::unpacked_packages, model::lockfile::Lockfile, text::read_to_string};

/// Reads the license lines of the unpacked packages of a lockfile, the texts of licenses if one has no license expression,
/// and the entries of cargo's index. `root` is where the search for cargo's configuration starts.
pub(crate) fn prefetch(lockfile: &Utf8Path, root: &Utf8Path, with_licenses: bool) {
    let Ok(text) = read_to_string(lockfile) else { return };
    let packages = Lockfile::entries(&text);
    if with_licenses {
        let unpacked = unpacked_packages();
        let mut lacks_license = false;
        for package in packages.iter().filter(|one| one.source.is_some()) {
            let name = format!("{}-{}", package.name.value, package.version.value);
            for all in &unpacked {
                let line = license_lines::line_of(&all.join(&name).join("Cargo.toml"));
                lacks_license |= line.is_some_and(|line| line.is_empty());
            }
        }
        if lacks_license {
            license_texts::store();
        }
    }
    let mut requested = index::RequestedVersions::new();
    for package in &packages {
        let source = package.source.as_deref().filter(|source| sources::CRATES_IO.contains(source));
        if let (Some(_), Ok(version)) = (source, Version::parse(&package.version.value)) {
            requested.entry(package.name.value.clone()).or_default().insert(version);
        }
    }
    index::prefetch(root, &requested);
}
