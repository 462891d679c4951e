//! What requirements and lock file already tell about an edit, while cargo resolves it.
//!
//! Starts from the last exact verdict: nothing is said about a package that is not in its graph, so
//! what no feature and no target builds does not flash. The exact verdict replaces it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use semver::{Version, VersionReq};

use super::{
    AdvisoryFacts, AdvisoryKind, Check, Code, Database, Finding, Location, PackageRef,
    ResolvedDependency, Role, Severity, collect,
};
use crate::{
    model::{
        lockfile::Lockfile,
        manifest::{Dependency, Manifest},
        versions::{Share, pinned, share},
    },
    text::SourceText,
};

/// What is known while cargo resolves.
pub(crate) struct ProvisionalInput<'a> {
    /// The findings of the last exact verdict.
    pub(crate) findings: &'a [Finding],
    /// What the declarations resolved to in it.
    pub(crate) declared: &'a [ResolvedDependency],
    /// The text of a manifest as it is now.
    pub(crate) text: &'a dyn Fn(&Utf8Path) -> Option<SourceText>,
    /// The packages of the lock file as it is now, where it can be read.
    pub(crate) lock: Option<&'a LockedVersions>,
    pub(crate) database: Option<&'a Database>,
    /// The advisories that the policy ignores.
    pub(crate) ignored: &'a [String],
}

/// The versions of each package in a lock file.
pub(crate) struct LockedVersions(HashMap<String, Vec<Version>>);

impl LockedVersions {
    /// Reads a lock file; `None` where it is not sound.
    pub(crate) fn read(text: &SourceText) -> Option<Self> {
        let mut versions: HashMap<String, Vec<Version>> = HashMap::new();
        for package in Lockfile::graph(text.as_str())? {
            versions.entry(package.name).or_default().push(package.version);
        }
        Some(Self(versions))
    }

    fn of(&self, name: &str) -> &[Version] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A declaration whose package is about to be another version.
struct ChangedDependency<'a> {
    one: &'a ResolvedDependency,
    /// The manifest as it is now, and the declaration's place in it.
    location: Location,
    version: NextVersion,
}

/// What a declaration will resolve to.
enum NextVersion {
    /// This version.
    Exactly(Version),
    /// One that meets the requirement.
    Meeting(VersionReq),
}

/// The findings that hold as far as can be told.
pub(crate) fn provisional(input: &ProvisionalInput<'_>) -> Vec<Finding> {
    let changed = changed(input);
    let mut findings: Vec<Finding> = input.findings.to_vec();
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
            changed.one.package == *package
                && match (&advisory, finding.code) {
                    (Some(advisory), _) => changed.version.share_of_safe(advisory) == Share::All,
                    // Cargo chooses no yanked version.
                    (None, code) => code == Some(Code::Yanked),
                }
        });
        let fixed: Vec<_> = fixed.map(|changed| changed.one).collect();
        finding.locations.retain(|location| {
            !fixed.iter().any(|one| one.file == location.file && one.location == location.span)
        });
        if finding.locations.iter().all(|location| location.role == Role::Inherited) {
            finding.locations.clear();
        }
    }
    findings.retain(|finding| finding.check != Check::Advisories || !finding.locations.is_empty());
    for changed in &changed {
        for advisory in input.vulnerabilities(changed) {
            let here = |finding: &Finding| {
                finding.advisory.as_ref().is_some_and(|input| input.id == advisory.id)
                    && finding.locations.iter().any(|location| {
                        location.file == changed.one.file && location.span == changed.one.location
                    })
            };
            if !findings.iter().any(here) {
                findings.push(vulnerability(changed, advisory));
            }
        }
    }
    findings
}

impl ProvisionalInput<'_> {
    /// Whether a package is no longer locked.
    fn is_gone(&self, package: &PackageRef) -> bool {
        self.lock.is_some_and(|lock| {
            package.source.is_some()
                && !lock
                    .of(&package.name)
                    .iter()
                    .any(|version| version.to_string() == package.version)
        })
    }

    /// The vulnerabilities that a changed declaration is certain to have.
    fn vulnerabilities(&self, changed: &ChangedDependency<'_>) -> Vec<Arc<AdvisoryFacts>> {
        let all = self.database.map(|database| database.advisories_of(&changed.one.package.name));
        let all = all.into_iter().flatten().filter(|advisory| {
            advisory.kind == AdvisoryKind::Vulnerability
                && !self.ignored.contains(&advisory.id)
                && changed.version.share_of_safe(advisory) == Share::None
        });
        all.map(Arc::new).collect()
    }
}

/// The declarations that will resolve to another version of their package than they did.
fn changed<'a>(input: &ProvisionalInput<'a>) -> Vec<ChangedDependency<'a>> {
    let mut manifests: BTreeMap<&Utf8PathBuf, Option<(Manifest, Manifest, SourceText)>> =
        BTreeMap::new();
    let mut all = Vec::new();
    for one in input.declared.iter().filter(|one| is_from_registry(&one.package)) {
        let read = manifests.entry(&one.file).or_insert_with(|| {
            let text = (input.text)(&one.file)?;
            Some((Manifest::parse(one.text.as_str()), Manifest::parse(text.as_str()), text))
        });
        let Some((before, now, text)) = read else { continue };
        let Some(dependency) = same_dependency(before, now, one) else { continue };
        let Some(version) = input.next(one, dependency) else { continue };
        let location = Location {
            file: one.file.clone(),
            text: text.clone(),
            span: dependency.location(),
            role: Role::Primary,
            via: None,
        };
        all.push(ChangedDependency { one, location, version });
    }
    all
}

/// The declaration of the new manifest that `one` is in the old.
fn same_dependency<'m>(
    before: &Manifest,
    now: &'m Manifest,
    one: &ResolvedDependency,
) -> Option<&'m Dependency> {
    let old = before.all_dependencies().find(|declared| declared.key.span == one.key)?;
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
    /// What a declaration will resolve to, if that is not what it did.
    fn next(&self, one: &ResolvedDependency, dependency: &Dependency) -> Option<NextVersion> {
        let requirement = dependency.requirement.as_ref()?;
        let requirement = VersionReq::parse(&requirement.value).ok()?;
        let before = Version::parse(&one.package.version).ok()?;
        let locked: BTreeSet<_> = match self.lock {
            Some(lock) => lock.of(&one.package.name).iter().cloned().collect(),
            None => BTreeSet::from([before.clone()]),
        };
        let meeting = locked.iter().filter(|version| requirement.matches(version));
        let next = match meeting.clone().find(|version| **version == before) {
            Some(_) => return None,
            // Cargo keeps what is locked.
            None => match meeting.max() {
                Some(version) => NextVersion::Exactly(version.clone()),
                None => pinned(&requirement)
                    .map_or(NextVersion::Meeting(requirement), NextVersion::Exactly),
            },
        };
        Some(next)
    }
}

impl NextVersion {
    /// How many of the versions that it may be do not have the advisory.
    fn share_of_safe(&self, advisory: &AdvisoryFacts) -> Share {
        let safe = advisory.patched.iter().chain(&advisory.unaffected);
        let safe: Vec<VersionReq> = safe.filter_map(|text| text.parse().ok()).collect();
        match self {
            Self::Exactly(version) if safe.iter().any(|one| one.matches(version)) => Share::All,
            Self::Exactly(_) => Share::None,
            Self::Meeting(requirement) => share(requirement, &safe),
        }
    }
}

fn vulnerability(changed: &ChangedDependency<'_>, advisory: Arc<AdvisoryFacts>) -> Finding {
    let version = match &changed.version {
        NextVersion::Exactly(version) => version.to_string(),
        NextVersion::Meeting(requirement) => requirement.to_string(),
    };
    let package = PackageRef { version, ..changed.one.package.clone() };
    let mut finding = Finding {
        check: Check::Advisories,
        code: Some(Code::Vulnerability),
        severity: Severity::Error,
        message: String::new(),
        remedy: None,
        packages: vec![package],
        advisory: Some(advisory),
        locations: vec![changed.location.clone()],
        paths: Vec::new(),
        path_count: 0,
        notes: Vec::new(),
        related: Vec::new(),
    };
    collect::apply_advisory_message(&mut finding);
    finding
}

fn is_from_registry(package: &PackageRef) -> bool {
    package.source.as_ref().is_some_and(|source| !source.starts_with("git+"))
}
