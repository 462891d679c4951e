//! Provisional findings after an edit, from requirements and the lockfile, while cargo resolves.
//!
//! Starts from the last exact verdict. Packages that are not in its graph are not reported, so that
//! findings about unused features and targets do not flicker. The exact verdict replaces it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use camino::Utf8Path;
use semver::{Version, VersionReq};

use super::{
    AdvisoryFacts, AdvisoryKind, Check, Code, Database, Finding, LintLevels, Location, PackageRef,
    ResolvedDependency, Role, Severity, collect,
};
use crate::{
    model::{
        lockfile::{Lockfile, is_registry},
        manifest::{Dependency, Manifest},
        versions::{Share, pinned},
    },
    text::{FilePath, SourceText},
};

/// The inputs of a provisional verdict.
pub(crate) struct ProvisionalInput<'a> {
    /// The direct dependencies in the last exact verdict.
    pub(crate) declared: &'a [ResolvedDependency],
    /// The current text of a manifest.
    pub(crate) text: &'a dyn Fn(&Utf8Path) -> Option<SourceText>,
    /// The packages of the current lockfile, if it can be read.
    pub(crate) lock: Option<&'a LockedVersions>,
    pub(crate) database: Option<&'a Database>,
    /// The advisories that the policy ignores.
    pub(crate) ignored: &'a [String],
    /// The levels of codes on the command line.
    pub(crate) levels: &'a LintLevels,
}

/// The versions of each package in a lockfile, with their sources.
#[derive(Debug)]
pub(crate) struct LockedVersions(HashMap<String, Vec<(Version, Option<String>)>>);

impl LockedVersions {
    /// Parses a lockfile; `None` if it is invalid.
    pub(crate) fn read(text: &SourceText) -> Option<Self> {
        let mut versions: HashMap<String, Vec<_>> = HashMap::new();
        for package in Lockfile::graph(text.as_str())? {
            versions.entry(package.name).or_default().push((package.version, package.source));
        }
        Some(Self(versions))
    }

    /// The versions of the package from the same source.
    fn of<'l>(&'l self, package: &'l PackageRef) -> impl Iterator<Item = &'l Version> {
        let all = self.0.get(&package.name).into_iter().flatten();
        all.filter(|(_, source)| package.has_source(source.as_deref())).map(|(version, _)| version)
    }
}

/// A dependency that will resolve to another version.
struct ChangedDependency<'a> {
    dependency: &'a ResolvedDependency,
    /// Its location in the current manifest.
    location: Location,
    version: NextVersion,
}

/// The version that a dependency will resolve to.
enum NextVersion {
    /// This version.
    Exactly(Version),
    /// A version that satisfies the requirement.
    Satisfying(VersionReq),
}

/// The findings that probably apply after the edit, made from those of the last exact verdict.
pub(crate) fn provisional(
    mut findings: Vec<Finding>,
    input: &ProvisionalInput<'_>,
) -> Vec<Finding> {
    let changed = changed(input);
    for finding in &mut findings {
        let Some(package) = finding.packages.first() else { continue };
        if finding.check != Check::Advisories || finding.locations.is_empty() {
            continue;
        }
        if input.is_gone(package) {
            finding.locations.clear();
            continue;
        }
        let advisory = finding.advisory.clone();
        let fixed = changed.iter().filter(|changed| {
            changed.dependency.package == *package
                && match (&advisory, finding.code) {
                    (Some(advisory), _) => changed.version.unaffected_share(advisory) == Share::All,
                    // Cargo never selects a yanked version.
                    (None, code) => code == Some(Code::Yanked),
                }
        });
        let fixed: Vec<_> = fixed.map(|changed| changed.dependency).collect();
        finding.locations.retain(|location| {
            !fixed.iter().any(|dependency| {
                dependency.file == location.file && dependency.location == location.span
            })
        });
        if finding.locations.iter().all(|location| location.role == Role::Inherited) {
            finding.locations.clear();
        }
    }
    findings.retain(|finding| finding.check != Check::Advisories || !finding.locations.is_empty());
    for changed in &changed {
        for advisory in input.vulnerabilities(changed) {
            let here = |finding: &Finding| {
                finding.advisory.as_ref().is_some_and(|reported| reported.id == advisory.id)
                    && finding.locations.iter().any(|location| {
                        location.file == changed.dependency.file
                            && location.span == changed.dependency.location
                    })
            };
            if findings.iter().any(here) {
                continue;
            }
            let new = vulnerability(changed, advisory, input.levels);
            // Several dependencies that bring the same version are one finding.
            let same = |known: &&mut Finding| {
                known.message == new.message
                    && known.advisory.as_ref().map(|one| &one.id)
                        == new.advisory.as_ref().map(|one| &one.id)
            };
            match findings.iter_mut().find(same) {
                Some(known) => known.locations.extend(new.locations),
                None => findings.push(new),
            }
        }
    }
    findings
}

impl ProvisionalInput<'_> {
    /// Whether a package is no longer locked.
    fn is_gone(&self, package: &PackageRef) -> bool {
        package.source.is_some() && !self.has_locked(package)
    }

    /// Whether this version is locked, as far as it is known.
    fn has_locked(&self, package: &PackageRef) -> bool {
        self.lock.is_none_or(|lock| lock.of(package).any(|version| *version == package.version))
    }

    /// The vulnerabilities that every possible version of a changed dependency has.
    fn vulnerabilities(&self, changed: &ChangedDependency<'_>) -> Vec<Arc<AdvisoryFacts>> {
        let package = &changed.dependency.package;
        let all = self.database.map(|database| database.advisories_of(&package.name));
        let all = all.into_iter().flatten().filter(|advisory| {
            advisory.kind == AdvisoryKind::Vulnerability
                && advisory.is_about_source(package.source.as_deref())
                && !self.ignored.contains(&advisory.id)
                && changed.version.unaffected_share(advisory) == Share::None
        });
        all.map(Arc::new).collect()
    }
}

/// The dependencies that will resolve to another version than before.
fn changed<'a>(input: &ProvisionalInput<'a>) -> Vec<ChangedDependency<'a>> {
    let mut texts: HashMap<&FilePath, Option<SourceText>> = HashMap::new();
    let mut manifests: HashMap<&FilePath, (Manifest, Manifest)> = HashMap::new();
    let mut all = Vec::new();
    for resolved in input.declared.iter().filter(|one| is_from_registry(&one.package)) {
        let text = texts.entry(&resolved.file).or_insert_with(|| (input.text)(&resolved.file));
        let Some(text) = text else { continue };
        // What is required as before resolves as before, as long as it is locked.
        if *text == resolved.text && input.has_locked(&resolved.package) {
            continue;
        }
        let (before, now) = manifests.entry(&resolved.file).or_insert_with(|| {
            (Manifest::parse(resolved.text.as_str()), Manifest::parse(text.as_str()))
        });
        let Some(dependency) = same_dependency(before, now, resolved) else { continue };
        let Some(version) = input.next(resolved, dependency) else { continue };
        let location = Location {
            file: resolved.file.clone(),
            text: text.clone(),
            span: dependency.location(),
            role: Role::Primary,
            via: None,
        };
        all.push(ChangedDependency { dependency: resolved, location, version });
    }
    all
}

/// The dependency of the new manifest that corresponds to `resolved` in the old manifest.
fn same_dependency<'m>(
    before: &Manifest,
    now: &'m Manifest,
    resolved: &ResolvedDependency,
) -> Option<&'m Dependency> {
    let old = before.all_dependencies().find(|declared| declared.key.span == resolved.key)?;
    now.all_dependencies().find(|new| {
        new.key.value == old.key.value
            && new.table == old.table
            && new.target == old.target
            && new.package == old.package
            && new.git.is_none()
            && new.path.is_none()
    })
}

impl ProvisionalInput<'_> {
    /// The version that a dependency will resolve to, if it differs from the previous one.
    fn next(&self, resolved: &ResolvedDependency, dependency: &Dependency) -> Option<NextVersion> {
        let requirement = dependency.requirement.as_ref()?;
        let requirement = VersionReq::parse(&requirement.value).ok()?;
        let before = &resolved.package.version;
        let locked: BTreeSet<_> = match self.lock {
            Some(lock) => lock.of(&resolved.package).cloned().collect(),
            None => BTreeSet::from([before.clone()]),
        };
        let satisfying = locked.iter().filter(|version| requirement.matches(version));
        let next = match satisfying.clone().find(|version| *version == before) {
            Some(_) => return None,
            // Cargo keeps locked versions.
            None => match satisfying.max() {
                Some(version) => NextVersion::Exactly(version.clone()),
                None => pinned(&requirement)
                    .map_or(NextVersion::Satisfying(requirement), NextVersion::Exactly),
            },
        };
        Some(next)
    }
}

impl NextVersion {
    /// Which share of the possible versions is unaffected by the advisory.
    fn unaffected_share(&self, advisory: &AdvisoryFacts) -> Share {
        match self {
            Self::Exactly(version) if advisory.affects(version) => Share::None,
            Self::Exactly(_) => Share::All,
            Self::Satisfying(requirement) => advisory.affected.share_without(requirement),
        }
    }
}

fn vulnerability(
    changed: &ChangedDependency<'_>,
    advisory: Arc<AdvisoryFacts>,
    levels: &LintLevels,
) -> Finding {
    let package = changed.dependency.package.clone();
    let (packages, named) = match &changed.version {
        NextVersion::Exactly(version) => {
            (vec![PackageRef { version: version.clone(), ..package }], None)
        }
        // Cargo has not selected a version yet.
        NextVersion::Satisfying(requirement) => {
            (Vec::new(), Some(format!("`{}` {requirement}", package.name)))
        }
    };
    let mut finding = Finding {
        check: Check::Advisories,
        code: Some(Code::Vulnerability),
        severity: levels.severity(Code::Vulnerability, Severity::Error),
        message: String::new(),
        remedy: None,
        packages,
        advisory: Some(advisory),
        locations: vec![changed.location.clone()],
        paths: Vec::new(),
        path_count: 0,
        notes: Vec::new(),
        related: Vec::new(),
        gates: Vec::new(),
        silent_gates: Vec::new(),
    };
    collect::apply_advisory_message(&mut finding, named);
    finding
}

fn is_from_registry(package: &PackageRef) -> bool {
    package.source.as_deref().is_some_and(is_registry)
}
