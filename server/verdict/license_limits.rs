//! License texts that cargo-deny must not read: pipes, devices, and what is too large.
//!
//! cargo-deny opens the texts of a package when its license expression is absent or cannot be parsed, or
//! when a clarification is about it (`licenses::gather`): every regular file beside the manifest whose name
//! begins with `LICENSE` or `COPYING`, the `license-file`, and the files that the clarification names. It
//! would wait for a pipe, and read a device until memory ends.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::{Krate, Krates, licenses::cfg::ValidConfig};
use krates::{Kid, cm::Metadata};

use super::{
    Check, Code, Finding, LocationRule, PolicyText, Severity,
    engine::{needs_text, own},
    license_files::is_license_name,
    locations::LocationIndex,
    manifests::package_ref,
};
use crate::{limits, text::unusable};

/// A `license-file` that was taken out of what cargo says before the graph was built.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    package: Kid,
    file: Utf8PathBuf,
    why: String,
}

/// Takes out every `license-file` that must not be read.
pub(super) fn without_unusable(metadata: &mut Metadata) -> Vec<Refused> {
    let mut refused = Vec::new();
    for package in &mut metadata.packages {
        let Some(folder) = package.manifest_path.parent() else { continue };
        let why = package.license_file.as_ref().and_then(|file| refused_text(&folder.join(file)));
        if let Some((file, why)) = package.license_file.clone().zip(why) {
            package.license_file = None;
            refused.push(Refused { package: package.id.clone().into(), file, why });
        }
    }
    refused
}

/// What must not be read of the texts.
#[derive(Default)]
pub(super) struct Texts {
    /// One finding for each file, where it is named.
    pub(super) findings: Vec<Finding>,
    /// cargo-deny cannot be kept from reading one of them.
    pub(super) stops: bool,
}

/// Looks at every text that cargo-deny would open, and takes clarifications whose files must not be read
/// out of the configuration.
pub(super) fn examine(
    krates: &Krates,
    config: &mut ValidConfig,
    refused: &[Refused],
    policy: &PolicyText,
    locations: &LocationIndex<'_>,
) -> Texts {
    let mut texts = Texts::default();
    let clarified = |krate: &Krate, config: &ValidConfig| {
        config.clarifications.iter().any(|one| cargo_deny::match_krate(krate, &one.spec))
    };
    for krate in krates.krates() {
        if !needs_text(krate.license.as_deref()) && !clarified(krate, config) {
            continue;
        }
        for one in refused.iter().filter(|one| one.package == krate.id) {
            texts.findings.push(of_package(krate, krates, &one.file, &one.why, locations));
        }
        let Some(folder) = krate.manifest_path.parent() else { continue };
        if let Some((file, why)) = beside(krate, folder) {
            texts.stops = true;
            texts.findings.push(of_package(krate, krates, &file, &why, locations));
        }
    }
    config.clarifications.retain(|clarification| {
        let about =
            krates.krates().filter(|krate| cargo_deny::match_krate(krate, &clarification.spec));
        let folders: Vec<_> = about.filter_map(|krate| krate.manifest_path.parent()).collect();
        let found = clarification.license_files.iter().find_map(|file| {
            let path = &file.path.value;
            let why = folders.iter().find_map(|folder| refused_text(&folder.join(path)))?;
            Some((file, why))
        });
        let Some((file, why)) = &found else { return true };
        let message = format!(
            "`{}` is {why}: this clarification is ignored, and the {} check is incomplete",
            file.path.value,
            Check::Licenses.name(),
        );
        let location = policy.location(file.path.span.start..file.path.span.end);
        let mut finding = own(Code::OverLimit, Severity::Error, message, vec![location]);
        finding.remedy = Some("use a license text of the package".to_owned());
        texts.findings.push(finding);
        false
    });
    texts
}

/// A text beside the manifest, or all of them, beyond the limits.
fn beside(krate: &Krate, folder: &Utf8Path) -> Option<(Utf8PathBuf, String)> {
    if let Some(file) = &krate.license_file
        && let Some(why) = refused_text(&folder.join(file))
    {
        return Some((file.clone(), why));
    }
    let (mut count, mut size) = (0, 0);
    for entry in folder.read_dir_utf8().ok()?.flatten() {
        let path = entry.path();
        if !is_license_name(entry.file_name()) || !path.is_file() {
            continue;
        }
        if let Some(why) = refused_text(path) {
            return Some((entry.file_name().into(), why));
        }
        count += 1;
        size += fs::metadata(path).map_or(0, |data| data.len());
        if count > limits::LICENSE_TEXTS || size > limits::LICENSE_TEXTS_SIZE {
            let limit = limits::bytes(limits::LICENSE_TEXTS_SIZE);
            let why = format!("one of more than {} license texts or {limit}", limits::LICENSE_TEXTS);
            return Some((entry.file_name().into(), why));
        }
    }
    None
}

fn refused_text(path: &Utf8Path) -> Option<String> {
    let why = unusable(path, limits::LICENSE_TEXT)?;
    (why.kind() == io::ErrorKind::Other).then(|| why.to_string())
}

fn of_package(
    krate: &Krate,
    krates: &Krates,
    file: &Utf8Path,
    why: &str,
    locations: &LocationIndex<'_>,
) -> Finding {
    let message = format!(
        "could not determine the license of `{}` {}: `{file}` is {why}",
        krate.name, krate.version
    );
    let node = krates.nid_for_kid(&krate.id);
    let stated = node.and_then(|node| locations.manifests.of_node(node)).map(|manifest| {
        let package = manifest.model.package.as_ref();
        let field = package.and_then(|package| package.license_file.as_ref());
        match field.filter(|field| field.value == file.as_str()) {
            Some(field) => manifest.location(field.span.clone(), super::Role::Mend),
            None => manifest.head(),
        }
    });
    let found = || node.map(|node| locations.of(node, LocationRule::Package).locations.clone());
    let locations = stated.map(|location| vec![location]).or_else(found).unwrap_or_default();
    let mut finding = own(Code::OverLimit, Severity::Error, message, locations);
    finding.remedy = Some("set `license` to an expression, or use a readable `license-file`".to_owned());
    finding.packages.push(package_ref(krate));
    finding
}
