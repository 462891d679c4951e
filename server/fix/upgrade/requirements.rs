//! Changes the requirements in manifests: those that reject the new version are raised. While cargo
//! writes the lockfile, every package of the plan is pinned.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use semver::VersionReq;

use super::UpgradeStep;
use crate::{
    fix::{Overlay, requirement},
    gate::{Texts as _, Verdict},
    model::{manifest::Manifest, versions::without_build},
    text::{SourceText, Span},
};

/// Whether requirements are raised that accept the new version but name the locked one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fix) enum RequirementUpdate {
    /// They are raised, so that they no longer resolve to the old version.
    Raise,
    /// They stay, and only the lockfile changes.
    KeepAccepting,
}

/// Manifests with raised requirements.
pub(in crate::fix) struct RaisedRequirements {
    /// The texts that are verified and written.
    pub(in crate::fix) texts: Overlay,
    /// The same with every package of the plan pinned, so that cargo has no choice.
    pub(in crate::fix) pinned: Overlay,
    /// Requirements were raised that accept the new version, and none that reject it.
    pub(in crate::fix) raised_accepting: bool,
    /// The package whose manifest has additional pins, and the pinned packages.
    pub(in crate::fix) pins: Option<(String, Vec<UpgradeStep>)>,
}

/// The span of a requirement, the raised requirement, and the pin.
type RequirementEdit = (Span, Option<String>, String);

/// The prefix of the names of additional pins.
pub(in crate::fix) const PIN: &str = "supercargo-pin-";

/// Raises the requirements that reject the versions of `steps` or name the locked ones. Requirements of the
/// packages in `pins` stay as they are and are only pinned. `verdict` belongs to `texts`.
///
/// # Errors
///
/// Why a requirement cannot be raised: a sentence without a final period.
pub(in crate::fix) fn with_requirements(
    texts: &Overlay,
    verdict: &Verdict,
    steps: &[UpgradeStep],
    pins: &[UpgradeStep],
    update: RequirementUpdate,
) -> Result<RaisedRequirements, String> {
    let mut raised = RaisedRequirements {
        texts: texts.clone(),
        pinned: texts.clone(),
        raised_accepting: false,
        pins: None,
    };
    let mut locations: BTreeMap<&Utf8PathBuf, Vec<RequirementEdit>> = BTreeMap::new();
    let mut forbidden = false;
    let mut pinned_elsewhere = Vec::new();
    let all = steps.iter().map(|step| (step, false)).chain(pins.iter().map(|step| (step, true)));
    for (step, is_pin_only) in all {
        let UpgradeStep { package, to: version, .. } = step;
        let pin = format!("={}", without_build(version));
        let mut is_stated = false;
        for one in verdict.declared.iter().filter(|one| one.package == *package) {
            let file = &one.file;
            let shown = file.strip_prefix(verdict.workspace.folder()).unwrap_or(file);
            let Some(stated) = one.text.as_str().get(one.location.clone()) else { continue };
            // An inherited dependency has its requirement in the workspace manifest.
            let Some(parsed) = VersionReq::parse(stated).ok().filter(|_| one.key != one.location)
            else {
                continue;
            };
            is_stated = true;
            let accepts = parsed.matches(version);
            let names_locked = requirement::names_version(stated, &package.version.to_string());
            let would_raise = !is_pin_only
                && !(accepts && (update == RequirementUpdate::KeepAccepting || !names_locked));
            let refusal =
                would_raise.then(|| texts.refusal(file, &verdict.workspace.root)).flatten();
            if let Some(reason) = &refusal {
                if !accepts {
                    return Err(reason.clone());
                }
                let name = &package.name;
                raised
                    .texts
                    .leave_out(format!("the requirement of `{name}` was not raised: {reason}"));
            }
            let is_kept = !would_raise || refusal.is_some();
            let changed = requirement::raised(stated, version).filter(|_| !is_kept);
            if changed.is_none() && !accepts {
                let line = one.text.line_column(one.location.start).line;
                return Err(format!(
                    "the requirement `{stated}` ({shown}:{line}) does not accept {version}"
                ));
            }
            forbidden |= !accepts;
            raised.raised_accepting |= !is_kept && accepts;
            if texts.read(file).ok().is_none_or(|now| now.as_str() != one.text.as_str()) {
                return Err(format!("`{shown}` has changed since the check"));
            }
            let locations = locations.entry(file).or_default();
            if !locations.iter().any(|(span, ..)| *span == one.location) {
                locations.push((one.location.clone(), changed, pin.clone()));
            }
        }
        if !is_stated {
            pinned_elsewhere.push(step.clone());
        }
    }
    raised.raised_accepting &= !forbidden;
    for (file, mut locations) in locations {
        let unreadable = |error| format!("could not read `{file}`: {error}");
        let now = texts.read(file).map_err(unreadable)?;
        let (mut edited, mut pinned) = (now.as_str().to_owned(), now.as_str().to_owned());
        locations.sort_by_key(|(span, ..)| std::cmp::Reverse(span.start));
        for (span, changed, pin) in locations {
            pinned.replace_range(span.clone(), &pin);
            if let Some(changed) = changed {
                edited.replace_range(span, &changed);
            }
        }
        raised.texts.set(file, SourceText::new(&edited)).map_err(unreadable)?;
        raised.pinned.set(file, SourceText::new(&pinned)).map_err(unreadable)?;
    }
    if !pinned_elsewhere.is_empty() {
        let (manifest, local) = local_package(texts, verdict)
            .ok_or_else(|| "the workspace has no member to pin versions in".to_owned())?;
        let unreadable = |error| format!("could not read `{manifest}`: {error}");
        let text = raised.pinned.read(&manifest).map_err(unreadable)?;
        let text = format!("{}{}", text.as_str(), pin_tables(&pinned_elsewhere));
        raised.pinned.set(&manifest, SourceText::new(&text)).map_err(unreadable)?;
        raised.pins = Some((local, pinned_elsewhere));
    }
    Ok(raised)
}

/// A manifest of the workspace with a package, preferably the checked one, and the package's name. (The
/// folders of a verdict on buffers are those of the copy.)
fn local_package(texts: &Overlay, verdict: &Verdict) -> Option<(Utf8PathBuf, String)> {
    let workspace = &verdict.workspace;
    let mut manifests = vec![workspace.manifest.clone()];
    manifests.extend(verdict.declared.iter().map(|one| one.file.clone()));
    manifests.retain(|manifest| manifest.starts_with(&workspace.root));
    manifests.into_iter().find_map(|manifest| {
        let text = texts.read(&manifest).ok()?;
        let name = Manifest::parse(text.as_str()).package?.name?.value;
        Some((manifest, name))
    })
}

/// Dependencies for no target that pin versions, so that cargo has no choice.
fn pin_tables(steps: &[UpgradeStep]) -> String {
    let mut text = "\n".to_owned();
    for (index, UpgradeStep { package, to, .. }) in steps.iter().enumerate() {
        let version = without_build(to);
        text.push_str(&format!(
            "\n[target.'cfg(any())'.dependencies.{PIN}{index}]\npackage = \"{}\"\n\
             version = \"={version}\"\ndefault-features = false\n",
            package.name
        ));
        let crates_io = format!("registry+{}", tame_index::CRATES_IO_INDEX);
        if let Some(source) = package.source.as_ref().filter(|source| **source != crates_io) {
            let index = source.strip_prefix("registry+").unwrap_or(source);
            text.push_str(&format!("registry-index = \"{index}\"\n"));
        }
    }
    text
}

/// The lockfile without the dependencies that only the pins add to the entry of `local`.
pub(in crate::fix) fn without_pins(
    lock: &SourceText,
    local: &str,
    pins: &[UpgradeStep],
) -> SourceText {
    let mut text = String::new();
    for (index, entry) in lock.as_str().split("[[package]]").enumerate() {
        if index > 0 {
            text.push_str("[[package]]");
        }
        let line = |line: &str| entry.lines().any(|one| one == line);
        let is_local = line(&format!("name = \"{local}\""))
            && !entry.lines().any(|line| line.starts_with("source = "));
        if index == 0 || !is_local {
            text.push_str(entry);
            continue;
        }
        let is_pin = |line: &str| {
            let named = line.trim().trim_matches([',', '"']);
            let mut words = named.split(' ');
            let (name, version) = (words.next(), words.next());
            pins.iter().any(|pin| {
                name == Some(&pin.package.name)
                    && version.is_none_or(|version| version == pin.to.to_string())
            })
        };
        let without: String = entry.split_inclusive('\n').filter(|line| !is_pin(line)).collect();
        text.push_str(&without.replace("dependencies = [\n]\n", ""));
    }
    SourceText::new(&text)
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;
    use crate::verdict::PackageRef;

    #[test]
    fn pins_are_removed_from_the_lockfile() {
        let package = |name: &str| PackageRef {
            name: name.into(),
            version: Version::new(0, 1, 0),
            source: None,
        };
        let step =
            UpgradeStep { package: package("time"), to: Version::new(0, 3, 47), is_direct: false };
        let check = |before: &str, after: &str| {
            let lock = |depends: &str| {
                SourceText::new(&format!(
                    "version = 4\n\n[[package]]\nname = \"m\"\nversion = \"0.1.0\"\n{depends}\n\
                     [[package]]\nname = \"n\"\nversion = \"0.1.0\"\ndependencies = [\n \"time\",\n]\n"
                ))
            };
            let without = without_pins(&lock(before), "m", std::slice::from_ref(&step));
            assert_eq!(without.as_str(), lock(after).as_str());
        };
        check("dependencies = [\n \"time\",\n]\n", "");
        check(
            "dependencies = [\n \"a\",\n \"time 0.1.45\",\n \"time 0.3.47\",\n]\n",
            "dependencies = [\n \"a\",\n \"time 0.1.45\",\n]\n",
        );
    }
}
