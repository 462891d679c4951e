//! What manifests and lock file tell without any resolution: the vulnerabilities of what is locked,
//! on the declarations through which it comes. For workspaces in which nothing may be started.
//!
//! The lock file holds what any feature and any target may build, so this may name more than the
//! exact verdict.

mod invariants;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use camino::Utf8PathBuf;
use semver::{Version, VersionReq};

use super::{
    AdvisoryFacts, AdvisoryKind, Check, Code, Database, Finding, Location, PackageRef, Role,
    Severity, collect, locations::SeenLocations,
};
use crate::{
    limits,
    model::{
        lockfile::LockedPackage,
        manifest::{Dependency, Manifest},
    },
    text::SourceText,
};

pub use invariants::fuzz_lock_file;

/// A manifest of the workspace.
pub(crate) struct LockedManifest {
    pub(crate) path: Utf8PathBuf,
    pub(crate) text: SourceText,
}

/// A declaration and what it is locked to.
struct LockedDependency {
    location: Location,
    member: PackageRef,
    /// Where in the lock file.
    locked: usize,
}

/// The vulnerabilities of the locked packages.
pub(crate) fn unresolved(
    manifests: &[LockedManifest],
    lock: &[LockedPackage],
    database: &Database,
    ignored: &[String],
) -> Vec<Finding> {
    let lock = LockGraphIndex::new(lock);
    let direct = direct(manifests, &lock);
    let titles = database.titles();
    let affected_names: HashSet<&str> = titles.iter().map(|title| title.package.as_str()).collect();
    let mut advisories: HashMap<&str, Vec<Arc<AdvisoryFacts>>> = HashMap::new();
    let mut search = LockSearch::new(&lock, &direct);
    let mut nodes = limits::PATH_NODES;
    let mut findings = Vec::new();
    for (index, package) in lock.packages.iter().enumerate() {
        let is_reachable = search.before[index] != PathStep::Never;
        if package.source.is_none()
            || !is_reachable
            || !affected_names.contains(package.name.as_str())
        {
            continue;
        }
        let about = advisories.entry(&package.name).or_insert_with(|| {
            let all = database.advisories_of(&package.name).into_iter();
            all.filter(|one| one.kind == AdvisoryKind::Vulnerability && !ignored.contains(&one.id))
                .map(Arc::new)
                .collect()
        });
        let vulnerabilities: Vec<_> =
            about.iter().filter(|advisory| !is_safe(advisory, &package.version)).collect();
        if vulnerabilities.is_empty() {
            continue;
        }
        let paths_found = search.paths_to(index, &mut nodes);
        if paths_found.found.is_empty() {
            continue;
        }
        let findings_of = |advisory: &Arc<AdvisoryFacts>| finding(package, advisory, &paths_found);
        findings.extend(vulnerabilities.into_iter().map(findings_of));
    }
    findings
}

fn is_safe(advisory: &AdvisoryFacts, version: &Version) -> bool {
    let safe = advisory.patched.iter().chain(&advisory.unaffected);
    safe.filter_map(|text| VersionReq::parse(text).ok()).any(|safe| safe.matches(version))
}

/// How a package is reached.
#[derive(Default)]
struct LockedPaths {
    /// The declarations, each with the shortest path through it.
    found: Vec<(Location, Option<Vec<PackageRef>>)>,
    /// How many there are in all.
    count: usize,
    /// What was left out, a sentence.
    omission: Option<String>,
}

/// How a package is reached from any declaration on the shortest way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathStep {
    Never,
    Directly,
    /// Through this one.
    After(usize),
}

impl PathStep {
    fn previous(self) -> Option<usize> {
        match self {
            Self::After(package) => Some(package),
            Self::Never | Self::Directly => None,
        }
    }
}

/// Looks for the declarations through which packages come.
struct LockSearch<'a> {
    lock: &'a LockGraphIndex<'a>,
    direct: &'a [LockedDependency],
    /// What comes before each package on the shortest way from any declaration, if one reaches it.
    before: Vec<PathStep>,
    /// How many edges may still be looked at.
    steps: usize,
}

impl<'a> LockSearch<'a> {
    fn new(lock: &'a LockGraphIndex<'a>, direct: &'a [LockedDependency]) -> Self {
        let mut before = vec![PathStep::Never; lock.packages.len()];
        let mut queue = VecDeque::new();
        for dependency in direct {
            if std::mem::replace(&mut before[dependency.locked], PathStep::Directly)
                == PathStep::Never
            {
                queue.push_back(dependency.locked);
            }
        }
        while let Some(at) = queue.pop_front() {
            let package = &lock.packages[at];
            for dependency in package.dependencies.iter().filter(|_| package.source.is_some()) {
                if before[*dependency] == PathStep::Never {
                    before[*dependency] = PathStep::After(at);
                    queue.push_back(*dependency);
                }
            }
        }
        Self { lock, direct, before, steps: limits::PATH_STEPS }
    }

    /// Every declaration that reaches a package, with the shortest path from it. Local packages are
    /// not passed through: they have declarations of their own. `nodes` is how many packages all paths
    /// may still have.
    fn paths_to(&mut self, package: usize, nodes: &mut usize) -> LockedPaths {
        let distances = self.distances(package);
        let mut paths_found = LockedPaths::default();
        let mut known = SeenLocations::default();
        let (mut more, mut unlisted) = (0_usize, None);
        for dependency in self.direct {
            let Some(distance) = distances.get(&dependency.locked) else { continue };
            if !known.insert(&dependency.location) {
                continue;
            }
            paths_found.count += 1;
            if paths_found.found.len() >= limits::LOCATIONS {
                more += 1;
                continue;
            }
            // The member, its dependency, and so on.
            let length = distance + 2;
            let may = length <= limits::PATH_LENGTH && length <= *nodes;
            let path = may.then(|| {
                *nodes -= length;
                let mut path = vec![dependency.member.clone()];
                path.extend(
                    self.path(dependency.locked, &distances).map(|at| self.lock.package(at)),
                );
                path
            });
            if path.is_none() {
                unlisted = unlisted.max(Some(length));
            }
            paths_found.found.push((dependency.location.clone(), path));
        }
        paths_found.omission = if more > 0 {
            Some(format!("{more} more dependencies that require it are not listed"))
        } else {
            unlisted.map(|length| format!("a dependency path of {length} packages is not listed"))
        };
        paths_found
    }

    /// How far `package` is from each that reaches it; where too much was looked at already, from
    /// those on the way from the nearest declaration.
    fn distances(&mut self, package: usize) -> HashMap<usize, usize> {
        if self.steps == 0 {
            let way = std::iter::successors(Some(package), |at| self.before[*at].previous());
            return way.zip(0..).collect();
        }
        let mut distances = HashMap::from([(package, 0)]);
        let mut queue = VecDeque::from([package]);
        while let Some(at) = queue.pop_front() {
            let next = distances[&at] + 1;
            for dependent in &self.lock.dependents[at] {
                self.steps = self.steps.saturating_sub(1);
                let passed = self.lock.packages[*dependent].source.is_some();
                if passed && !distances.contains_key(dependent) {
                    distances.insert(*dependent, next);
                    queue.push_back(*dependent);
                }
            }
        }
        distances
    }

    /// The path from `start`: at each step the first dependency that is nearer.
    fn path<'p>(
        &'p self,
        start: usize,
        distances: &'p HashMap<usize, usize>,
    ) -> impl Iterator<Item = usize> + 'p {
        std::iter::successors(Some(start), |at| {
            let nearer = distances.get(at)?.checked_sub(1)?;
            let mut dependencies = self.lock.packages[*at].dependencies.iter();
            dependencies.find(|one| distances.get(*one) == Some(&nearer)).copied()
        })
    }
}

fn finding(
    package: &LockedPackage,
    advisory: &Arc<AdvisoryFacts>,
    paths_found: &LockedPaths,
) -> Finding {
    let mut locations = Vec::new();
    let mut paths = Vec::new();
    for (location, path) in &paths_found.found {
        locations.push(Location { via: path.as_ref().map(|_| paths.len()), ..location.clone() });
        paths.extend(path.clone());
    }
    let mut finding = Finding {
        check: Check::Advisories,
        code: Some(Code::Vulnerability),
        severity: Severity::Error,
        message: String::new(),
        remedy: None,
        packages: vec![package_ref(package)],
        advisory: Some(Arc::clone(advisory)),
        path_count: paths_found.count as u64,
        locations,
        paths,
        notes: Vec::new(),
        related: Vec::new(),
    };
    collect::apply_advisory_message(&mut finding);
    collect::append_omission(&mut finding, paths_found.omission.as_deref());
    finding
}

/// The declarations that the lock file knows.
fn direct(manifests: &[LockedManifest], lock: &LockGraphIndex<'_>) -> Vec<LockedDependency> {
    let models: Vec<_> =
        manifests.iter().map(|manifest| Manifest::parse(manifest.text.as_str())).collect();
    let roots = manifests.iter().zip(&models);
    // The first root that declares a key is the one that is inherited from.
    let mut inherited: HashMap<&str, (&LockedManifest, &Dependency)> = HashMap::new();
    for (root, model) in roots {
        for same in model.workspace.iter().flat_map(|workspace| &workspace.dependencies) {
            inherited.entry(&same.key.value).or_insert((root, same));
        }
    }
    let all = manifests.iter().zip(&models);
    all.flat_map(|(manifest, model)| dependencies_of(manifest, model, &inherited, lock)).collect()
}

/// The declarations of one manifest that the lock file knows.
fn dependencies_of(
    manifest: &LockedManifest,
    model: &Manifest,
    inherited: &HashMap<&str, (&LockedManifest, &Dependency)>,
    lock: &LockGraphIndex<'_>,
) -> Vec<LockedDependency> {
    let Some(name) = model.package.as_ref().and_then(|package| package.name.as_ref()) else {
        return Vec::new();
    };
    let Some(member) = lock.local(&name.value) else { return Vec::new() };
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for dependency in &lock.packages[member].dependencies {
        by_name.entry(&lock.packages[*dependency].name).or_default().push(*dependency);
    }
    let mut found = Vec::new();
    for declared in &model.dependencies {
        // An inherited requirement stands in the root.
        let origin = declared.inherits.as_ref();
        let origin = origin.and_then(|_| inherited.get(declared.key.value.as_str()).copied());
        let (file, requirement) = origin.unwrap_or((manifest, declared));
        let wanted = requirement.requirement.as_ref();
        let wanted = wanted.and_then(|text| VersionReq::parse(&text.value).ok());
        let mut named = by_name.get(requirement.package.as_str()).into_iter().flatten().copied();
        let locked = named.find(|index| {
            let version = &lock.packages[*index].version;
            wanted.as_ref().is_none_or(|wanted| wanted.matches(version))
        });
        let Some(locked) = locked else { continue };
        let member = package_ref(&lock.packages[member]);
        let location = |file: &LockedManifest, span, role| Location {
            file: file.path.clone(),
            text: file.text.clone(),
            span,
            role,
            via: None,
        };
        found.push(LockedDependency {
            location: location(file, requirement.location(), Role::Primary),
            member: member.clone(),
            locked,
        });
        if origin.is_some() {
            let location = location(manifest, declared.location(), Role::Inherited);
            found.push(LockedDependency { location, member, locked });
        }
    }
    found
}

/// The lock file as a graph.
struct LockGraphIndex<'a> {
    packages: &'a [LockedPackage],
    /// The packages of the workspace.
    locals: HashMap<&'a str, usize>,
    dependents: Vec<Vec<usize>>,
}

impl<'a> LockGraphIndex<'a> {
    fn new(packages: &'a [LockedPackage]) -> Self {
        let mut locals = HashMap::new();
        let mut dependents = vec![Vec::new(); packages.len()];
        for (index, package) in packages.iter().enumerate() {
            if package.source.is_none() {
                locals.entry(package.name.as_str()).or_insert(index);
            }
            for dependency in &package.dependencies {
                dependents[*dependency].push(index);
            }
        }
        Self { packages, locals, dependents }
    }

    /// A package of the workspace.
    fn local(&self, name: &str) -> Option<usize> {
        self.locals.get(name).copied()
    }

    fn package(&self, index: usize) -> PackageRef {
        package_ref(&self.packages[index])
    }
}

fn package_ref(package: &LockedPackage) -> PackageRef {
    PackageRef {
        name: package.name.clone(),
        version: package.version.to_string(),
        source: package.source.clone(),
    }
}
