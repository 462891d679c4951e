//! Findings without a resolution: the vulnerabilities of the locked packages, at the direct
//! dependencies that bring them in. For workspaces in which no program may be started.
//!
//! The lockfile has the packages of all features and targets, so there may be more findings than in the
//! exact verdict.

mod invariants;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use camino::Utf8PathBuf;
use semver::VersionReq;

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
    text::{FilePath, SourceText},
};

pub use invariants::fuzz_lock_file;

/// A manifest of the workspace.
pub(crate) struct LockedManifest {
    pub(crate) path: Utf8PathBuf,
    pub(crate) text: SourceText,
}

/// A direct dependency and the package that it is locked to.
struct LockedDependency {
    location: Location,
    member: PackageRef,
    /// The index of its lock entry.
    locked: usize,
    /// Its position among all dependencies of the workspace.
    order: usize,
}

/// The vulnerabilities of the locked packages.
pub(crate) fn unresolved(
    manifests: &[LockedManifest],
    lock: &[LockedPackage],
    database: &Database,
    ignored: &[String],
) -> Vec<Finding> {
    let lock = LockedGraph::new(lock);
    let direct = direct_dependencies(manifests, &lock);
    let titles = database.titles();
    let affected_names: HashSet<&str> = titles.iter().map(|title| title.package.as_str()).collect();
    let mut advisories: HashMap<&str, Vec<Arc<AdvisoryFacts>>> = HashMap::new();
    let mut search = LockSearch::new(&lock, &direct);
    let mut nodes = limits::PATH_NODES;
    let mut findings = Vec::new();
    for (index, package) in lock.packages.iter().enumerate() {
        let is_reachable = search.before[index] != PathStep::Unreachable;
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
        let affects_it = |advisory: &&Arc<AdvisoryFacts>| {
            advisory.is_about_source(package.source.as_deref())
                && advisory.affects(&package.version)
        };
        let vulnerabilities: Vec<_> = about.iter().filter(affects_it).collect();
        if vulnerabilities.is_empty() {
            continue;
        }
        let paths = search.paths_to(index, &mut nodes);
        if paths.found.is_empty() {
            continue;
        }
        let findings_of = |advisory: &Arc<AdvisoryFacts>| finding(package, advisory, &paths);
        findings.extend(vulnerabilities.into_iter().map(findings_of));
    }
    findings
}

/// The dependency paths to a package.
#[derive(Default)]
struct LockedPaths {
    /// The direct dependencies, each with the shortest path through it.
    found: Vec<(Location, Option<Vec<PackageRef>>)>,
    /// The total number of direct dependencies.
    count: usize,
    /// A clause about what was left out.
    omission: Option<String>,
}

/// The previous step on the shortest path to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathStep {
    /// There is no path.
    Unreachable,
    /// It is a direct dependency.
    Direct,
    /// The package before it, by its index.
    After(usize),
}

impl PathStep {
    fn previous(self) -> Option<usize> {
        match self {
            Self::After(package) => Some(package),
            Self::Unreachable | Self::Direct => None,
        }
    }
}

/// Searches the direct dependencies that bring in a package.
struct LockSearch<'a> {
    lock: &'a LockedGraph<'a>,
    direct: &'a [LockedDependency],
    /// The previous step on the shortest path from a direct dependency to each package.
    before: Vec<PathStep>,
    /// The number of edges that may still be visited.
    steps: usize,
}

impl<'a> LockSearch<'a> {
    fn new(lock: &'a LockedGraph<'a>, direct: &'a [LockedDependency]) -> Self {
        let mut before = vec![PathStep::Unreachable; lock.packages.len()];
        let mut queue = VecDeque::new();
        for dependency in direct {
            if std::mem::replace(&mut before[dependency.locked], PathStep::Direct)
                == PathStep::Unreachable
            {
                queue.push_back(dependency.locked);
            }
        }
        while let Some(at) = queue.pop_front() {
            let package = &lock.packages[at];
            for dependency in package.dependencies.iter().filter(|_| package.source.is_some()) {
                if before[*dependency] == PathStep::Unreachable {
                    before[*dependency] = PathStep::After(at);
                    queue.push_back(*dependency);
                }
            }
        }
        Self { lock, direct, before, steps: limits::PATH_STEPS }
    }

    /// Every direct dependency that brings in a package, with the shortest path. The search stops at
    /// local packages, because they have direct dependencies of their own. `nodes` is the number of
    /// packages that all paths may still have.
    fn paths_to(&mut self, package: usize, nodes: &mut usize) -> LockedPaths {
        let distances = self.distances(package);
        let mut paths = LockedPaths::default();
        let mut seen = SeenLocations::default();
        let (mut more, mut unlisted) = (0_usize, None);
        let mut direct: Vec<_> = self
            .direct
            .iter()
            .filter_map(|one| Some((one, *distances.get(&one.locked)?)))
            .collect();
        // A direct dependency is reported only at its own requirement, not at others that lead to it.
        let is_direct = direct.iter().any(|(_, distance)| *distance == 0);
        direct.retain(|(_, distance)| !is_direct || *distance == 0);
        // The nearest first: of several the one in the root manifest, then those of the members by path.
        direct.sort_by_key(|(dependency, distance)| {
            let is_inherited = dependency.location.role == Role::Inherited;
            (is_inherited, *distance, dependency.order)
        });
        for (dependency, distance) in direct {
            if !seen.insert(&dependency.location) {
                continue;
            }
            paths.count += 1;
            if paths.found.len() >= limits::LOCATIONS {
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
            paths.found.push((dependency.location.clone(), path));
        }
        paths.omission = if more > 0 {
            Some(format!("{more} more dependencies that require it are not listed"))
        } else {
            unlisted.map(|length| format!("a dependency path of {length} packages is not listed"))
        };
        paths
    }

    /// The distance to `package` from each package that depends on it; beyond the limit, only from those
    /// on the path from the nearest direct dependency.
    fn distances(&mut self, package: usize) -> HashMap<usize, usize> {
        if self.steps == 0 {
            let path = std::iter::successors(Some(package), |at| self.before[*at].previous());
            return path.zip(0..).collect();
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
    locked: &LockedPaths,
) -> Finding {
    let mut locations = Vec::new();
    let mut paths = Vec::new();
    for (location, path) in &locked.found {
        locations.push(Location { via: path.as_ref().map(|_| paths.len()), ..location.clone() });
        paths.extend(path.clone().map(Into::into));
    }
    let mut finding = Finding {
        check: Check::Advisories,
        code: Some(Code::Vulnerability),
        severity: Severity::Error,
        message: String::new(),
        remedy: None,
        packages: vec![package_ref(package)],
        advisory: Some(Arc::clone(advisory)),
        path_count: locked.count as u64,
        locations,
        paths,
        notes: Vec::new(),
        related: Vec::new(),
        gates: Vec::new(),
        silent_gates: Vec::new(),
    };
    collect::apply_advisory_message(&mut finding, None);
    collect::append_omission(&mut finding, locked.omission.as_deref());
    finding
}

/// The direct dependencies that are in the lockfile.
fn direct_dependencies(
    manifests: &[LockedManifest],
    lock: &LockedGraph<'_>,
) -> Vec<LockedDependency> {
    let models: Vec<_> =
        manifests.iter().map(|manifest| Manifest::parse(manifest.text.as_str())).collect();
    let roots = manifests.iter().zip(&models);
    // A key is inherited from the first root that has it.
    let mut inherited: HashMap<&str, (&LockedManifest, &Dependency)> = HashMap::new();
    for (root, model) in roots {
        for same in model.workspace.iter().flat_map(|workspace| &workspace.dependencies) {
            inherited.entry(&same.key.value).or_insert((root, same));
        }
    }
    let all = manifests.iter().zip(&models);
    let mut direct: Vec<_> = all
        .flat_map(|(manifest, model)| dependencies_of(manifest, model, &inherited, lock))
        .collect();
    let root = manifests.first().map(|root| FilePath::from(&root.path));
    let mut order: Vec<usize> = (0..direct.len()).collect();
    order.sort_by_key(|index| {
        let location = &direct[*index].location;
        (Some(&location.file) != root.as_ref(), &location.file, location.span.start)
    });
    for (position, index) in order.into_iter().enumerate() {
        direct[index].order = position;
    }
    direct
}

/// The direct dependencies of one manifest that are in the lockfile.
fn dependencies_of(
    manifest: &LockedManifest,
    model: &Manifest,
    inherited: &HashMap<&str, (&LockedManifest, &Dependency)>,
    lock: &LockedGraph<'_>,
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
        // An inherited requirement is in the root manifest.
        let origin = declared.inherits.as_ref();
        let origin = origin.and_then(|_| inherited.get(declared.key.value.as_str()).copied());
        let (file, dependency) = origin.unwrap_or((manifest, declared));
        let requirement = dependency.requirement.as_ref();
        let requirement = requirement.and_then(|text| VersionReq::parse(&text.value).ok());
        let mut named = by_name.get(dependency.package.as_str()).into_iter().flatten().copied();
        let locked = named.find(|index| {
            let version = &lock.packages[*index].version;
            requirement.as_ref().is_none_or(|requirement| requirement.matches(version))
        });
        let Some(locked) = locked else { continue };
        let member = package_ref(&lock.packages[member]);
        let location = |file: &LockedManifest, span, role| Location {
            file: file.path.clone().into(),
            text: file.text.clone(),
            span,
            role,
            via: None,
        };
        found.push(LockedDependency {
            location: location(file, dependency.location(), Role::Primary),
            member: member.clone(),
            locked,
            order: 0,
        });
        if origin.is_some() {
            let location = location(manifest, declared.location(), Role::Inherited);
            found.push(LockedDependency { location, member, locked, order: 0 });
        }
    }
    found
}

/// The lockfile as a graph.
struct LockedGraph<'a> {
    packages: &'a [LockedPackage],
    /// The packages of the workspace.
    locals: HashMap<&'a str, usize>,
    dependents: Vec<Vec<usize>>,
}

impl<'a> LockedGraph<'a> {
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
        version: package.version.clone(),
        source: package.source.clone(),
    }
}
