//! The plan for a package with advisories or a withdrawn version: another version of it, the
//! smallest that clears what is known against it.

use std::{collections::BTreeMap, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_lock::Lockfile;
use semver::{BuildMetadata, Version, VersionReq};

use super::{Tried, requirement};
use crate::{
    gate::{Texts as _, Verdict},
    text::{SourceText, Span},
    verdict::{AdvisoryFacts, Check, Code, Finding, PackageRef, Release, Severity, releases},
};

/// How many versions of one kind are tried at most.
const TRIES: usize = 4;

/// A package and what is known against it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) package: PackageRef,
    pub(super) severity: Severity,
    /// The advisories that a version can clear are told by `patched` and `unaffected`.
    advisories: Vec<Arc<AdvisoryFacts>>,
    yanked: bool,
}

/// The versions that may clear a target.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidates {
    /// What cargo takes for compatible with the locked one; the smallest first.
    pub(super) compatible: Vec<Version>,
    /// The smallest of each later line.
    pub(super) breaking: Vec<Version>,
    /// Why there is none.
    pub(super) none: Option<String>,
}

impl Target {
    /// The packages of registries that findings speak against, the worst first.
    pub(super) fn all(findings: &[Finding]) -> Vec<Self> {
        let mut all: BTreeMap<PackageRef, Self> = BTreeMap::new();
        for finding in findings {
            let [package] = finding.packages.as_slice() else { continue };
            let from_registry = package.source.as_deref().is_some_and(|source| {
                source.starts_with("registry+") || source.starts_with("sparse+")
            });
            let yanked = finding.code == Some(Code::Yanked);
            let speaks = finding.check == Check::Advisories
                && finding.severity >= Severity::Warning
                && (yanked || finding.advisory.is_some());
            if !from_registry || !speaks {
                continue;
            }
            let target = all.entry(package.clone()).or_insert_with(|| Self {
                package: package.clone(),
                severity: finding.severity,
                advisories: Vec::new(),
                yanked: false,
            });
            target.severity = target.severity.max(finding.severity);
            target.yanked |= yanked;
            target.advisories.extend(finding.advisory.clone());
        }
        let mut all: Vec<_> = all.into_values().collect();
        all.sort_by_key(|target| std::cmp::Reverse(target.severity));
        all
    }

    /// The one that a finding is about.
    pub(super) fn of(findings: &[Finding], finding: &Finding) -> Option<Self> {
        let [package] = finding.packages.as_slice() else { return None };
        Self::all(findings).into_iter().find(|target| target.package == *package)
    }

    /// The versions that may clear it, by cargo's index; without that, by what the advisories say.
    pub(super) fn candidates(&self, root: &Utf8Path) -> Candidates {
        let Ok(locked) = Version::parse(&self.package.version) else {
            return Candidates::default();
        };
        let known = releases(&self.package, root);
        let (name, from_index) = (&self.package.name, known.is_some());
        let mut known = known.unwrap_or_else(|| self.lower_bounds());
        known.retain(|release| {
            release.version > locked
                && !release.yanked
                && (release.version.pre.is_empty() || !locked.pre.is_empty())
        });
        // What no version clears must not keep the others from being cleared.
        let clearable: Vec<_> = self
            .advisories
            .iter()
            .filter(|advisory| known.iter().any(|one| is_clear(advisory, &one.version)))
            .collect();
        if clearable.is_empty() && !self.yanked {
            let patched = self.advisories.iter().flat_map(|advisory| &advisory.patched).next();
            return Candidates {
                none: Some(match patched {
                    None => format!("no version of `{name}` is patched"),
                    Some(patched) if from_index => format!(
                        "no version of `{name}` that is known here meets `{patched}` (`cargo update --dry-run` asks the registry)"
                    ),
                    Some(_) => format!("cargo knows no versions of `{name}` on this machine"),
                }),
                ..Candidates::default()
            };
        }
        known.retain(|one| clearable.iter().all(|advisory| is_clear(advisory, &one.version)));
        let versions: Vec<_> = known.into_iter().map(|release| release.version).collect();
        let compatible = VersionReq::parse(&format!("^{locked}")).unwrap_or(VersionReq::STAR);
        let (mut compatible, later): (Vec<_>, Vec<_>) =
            versions.into_iter().partition(|version| compatible.matches(version));
        if compatible.len() > TRIES {
            // The newest may be the only one that fits the others.
            let newest = compatible.pop();
            compatible.truncate(TRIES - 1);
            compatible.extend(newest);
        }
        let mut breaking: Vec<Version> = Vec::new();
        for version in later {
            let same_line = |other: &Version| {
                VersionReq::parse(&format!("^{other}")).is_ok_and(|line| line.matches(&version))
            };
            if !breaking.iter().any(same_line) {
                breaking.push(version);
            }
        }
        breaking.truncate(TRIES);
        let none = (compatible.is_empty() && breaking.is_empty())
            .then(|| format!("no later version of `{name}` that is known here is clear"));
        Candidates { compatible, breaking, none }
    }

    /// The versions that the advisories name as the first patched ones.
    fn lower_bounds(&self) -> Vec<Release> {
        let patched = self.advisories.iter().flat_map(|advisory| &advisory.patched);
        let named = patched.filter_map(|requirement| {
            let first =
                requirement.split(',').next()?.trim_start_matches(['>', '=', '^', '~', ' ']);
            Some(Release { version: Version::parse(first).ok()?, yanked: false })
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by(|a, b| a.version.cmp(&b.version));
        named
    }
}

fn is_clear(advisory: &AdvisoryFacts, version: &Version) -> bool {
    advisory.patched.iter().chain(&advisory.unaffected).any(|requirement| {
        VersionReq::parse(requirement).is_ok_and(|requirement| requirement.matches(version))
    })
}

/// Manifests in which requirements were raised.
pub(super) struct Raised {
    /// What is proved, and written in the end.
    pub(super) texts: Tried,
    /// The same with every requirement of the package the version and no other, so that cargo has
    /// no choice when it writes the lock file.
    pub(super) pinned: Tried,
}

/// `verdict` was reached on `texts`. Raises the requirements that forbid `version` or state the
/// locked one.
///
/// # Errors
///
/// Why a requirement cannot be raised, a sentence without its end.
pub(super) fn with_requirements(
    texts: &Tried,
    verdict: &Verdict,
    package: &PackageRef,
    version: &Version,
) -> Result<Raised, String> {
    let mut places: BTreeMap<&Utf8PathBuf, Vec<(Span, Option<String>)>> = BTreeMap::new();
    for one in verdict.declared.iter().filter(|one| one.package == *package) {
        let file = &one.file;
        let shown = file.strip_prefix(verdict.workspace.folder()).unwrap_or(file);
        let Some(stated) = one.text.as_str().get(one.place.clone()) else { continue };
        // The place of `x.workspace = true` is its key: its requirement stands elsewhere.
        let Some(parsed) = VersionReq::parse(stated).ok().filter(|_| one.key != one.place) else {
            continue;
        };
        let stays = parsed.matches(version) && !requirement::states(stated, &package.version);
        let raised = requirement::raised(stated, version).filter(|_| !stays);
        if raised.is_none() && !parsed.matches(version) {
            let line = one.text.line_column(one.place.start).line;
            return Err(format!(
                "the requirement `{stated}` ({shown}:{line}) does not admit {version}"
            ));
        }
        if texts.read(file).ok().is_none_or(|now| now.as_str() != one.text.as_str()) {
            return Err(format!("`{shown}` has changed since it was judged"));
        }
        let places = places.entry(file).or_default();
        if !places.iter().any(|(span, _)| *span == one.place) {
            places.push((one.place.clone(), raised));
        }
    }
    let pin = format!("={}", Version { build: BuildMetadata::EMPTY, ..version.clone() });
    let mut raised = Raised { texts: texts.clone(), pinned: texts.clone() };
    for (file, mut places) in places {
        let unreadable = |error| format!("`{file}` cannot be read: {error}");
        let now = texts.read(file).map_err(unreadable)?;
        let (mut edited, mut pinned) = (now.as_str().to_owned(), now.as_str().to_owned());
        places.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        for (span, raised) in places {
            pinned.replace_range(span.clone(), &pin);
            if let Some(raised) = raised {
                edited.replace_range(span, &raised);
            }
        }
        raised.texts.set(file, SourceText::new(&edited)).map_err(unreadable)?;
        raised.pinned.set(file, SourceText::new(&pinned)).map_err(unreadable)?;
    }
    Ok(raised)
}

/// Whether the lock file holds this version of the package.
pub(super) fn locks(lock_file: &SourceText, name: &str, version: &str) -> bool {
    let lock = lock_file.as_str().parse::<Lockfile>();
    lock.is_ok_and(|lock| {
        let mut all = lock.packages.iter();
        all.any(|one| one.name.as_str() == name && one.version.to_string() == version)
    })
}

/// The packages whose requirements hold a package back.
pub(super) fn holders(lock_file: &SourceText, package: &PackageRef) -> Vec<String> {
    let Ok(lock) = lock_file.as_str().parse::<Lockfile>() else { return Vec::new() };
    let requires = |one: &&cargo_lock::Package| {
        one.dependencies.iter().any(|dependency| {
            dependency.name.as_str() == package.name
                && dependency.version.to_string() == package.version
        })
    };
    let holders = lock.packages.iter().filter(requires).filter(|one| one.source.is_some());
    holders.map(|one| format!("{} {}", one.name, one.version)).collect()
}
