//! Where a package's findings are reported, and through which dependency paths.
//!
//! The first location is the primary one: of the shortest dependency path; of several the entry of the
//! workspace that members inherit, then the dependency of the root manifest, then those of the members by
//! path, then those of packages outside the workspace; within a manifest in the order of the graph.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use cargo_deny::Krates;
use krates::NodeId;

use super::{
    DependencyPath, Location, LocationRule, Role,
    manifests::{Manifests, package_ref},
    paths::{self, DirectDependency, InclusionPaths, Paths},
};
use crate::{
    limits,
    text::{FilePath, Span},
};

/// The locations of one package.
#[derive(Clone, Debug, Default)]
pub(super) struct PackageLocations {
    pub(super) locations: Vec<Location>,
    pub(super) paths: Vec<DependencyPath>,
    pub(super) count: u64,
    /// A clause about what was left out.
    pub(super) omission: Option<String>,
}

/// A location of a dependency that brings in the package.
struct BringingLocation {
    location: Location,
    /// The number of packages on the dependency path.
    length: usize,
    /// Members inherit it.
    is_shared: bool,
}

/// The dependencies of a local package: their indices, by the package they resolved to.
type Resolved = HashMap<NodeId, Vec<usize>>;

/// Computes and caches the locations of the packages of one graph.
pub(super) struct LocationIndex<'g> {
    krates: &'g Krates,
    pub(super) manifests: &'g Manifests,
    paths: Paths<'g>,
    /// The resolved dependencies of each local package.
    resolved: RefCell<HashMap<NodeId, Rc<Resolved>>>,
    /// The positions of the manifests in the order in which locations are listed.
    ranks: HashMap<FilePath, usize>,
    cache: RefCell<HashMap<(NodeId, LocationRule), Rc<PackageLocations>>>,
}

impl<'g> LocationIndex<'g> {
    pub(super) fn new(krates: &'g Krates, manifests: &'g Manifests) -> Self {
        let paths = Paths::new(krates);
        let members = manifests.nodes().filter(|(node, _)| paths.is_member(*node));
        let members: HashSet<_> = members.map(|(_, manifest)| &manifest.path).collect();
        let mut files: Vec<_> = manifests.paths().collect();
        files.sort_by_cached_key(|file| {
            (*file != manifests.root_path(), !members.contains(file), (*file).clone())
        });
        let ranks = files.into_iter().enumerate().map(|(rank, file)| (file.clone(), rank));
        let ranks = ranks.collect();
        Self {
            krates,
            manifests,
            paths,
            resolved: RefCell::default(),
            ranks,
            cache: RefCell::default(),
        }
    }

    /// The locations of a package, the primary one first.
    pub(super) fn of(&self, package: NodeId, rule: LocationRule) -> Rc<PackageLocations> {
        let key = (package, rule);
        if let Some(cached) = self.cache.borrow().get(&key) {
            return Rc::clone(cached);
        }
        let found = Rc::new(self.find(package, rule, self.paths.inclusion_paths(package)));
        self.cache.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// The same, with only the paths on which one of `parents` depends on the package.
    pub(super) fn through(
        &self,
        package: NodeId,
        rule: LocationRule,
        parents: &[NodeId],
    ) -> PackageLocations {
        self.find(package, rule, self.paths.inclusion_paths_through(package, parents))
    }

    fn find(
        &self,
        package: NodeId,
        rule: LocationRule,
        inclusion: InclusionPaths,
    ) -> PackageLocations {
        let InclusionPaths { mut direct, mut count, truncated } = inclusion;
        // A dev-dependency of a package on itself brings nothing.
        let with_itself = direct.len();
        direct.retain(|dependency| dependency.local != package);
        count = count.saturating_sub((with_itself - direct.len()) as u64);
        let local = paths::krate(self.krates, package).is_some_and(|krate| krate.source.is_none());
        let at_dependents = matches!(rule, LocationRule::Dependents | LocationRule::Oldest);
        let is_member = self.paths.is_member(package);
        if local && (direct.is_empty() || !at_dependents && is_member) {
            let head = self.manifests.of_node(package).map(super::local_files::LocalManifest::head);
            return PackageLocations {
                locations: head.into_iter().collect(),
                ..PackageLocations::default()
            };
        }
        // A direct dependency is reported only at its own requirement, not at others that lead to it.
        let is_direct = direct.iter().any(|dependency| dependency.child == package);
        direct.retain(|dependency| !is_direct || dependency.child == package);
        direct.sort_by_cached_key(|dependency| {
            let manifest = self.manifests.of_node(dependency.local);
            (dependency.length, manifest.map_or(usize::MAX, |manifest| self.rank(&manifest.path)))
        });
        let mut found = PackageLocations { count, ..PackageLocations::default() };
        let mut seen = SeenLocations::default();
        let mut locations: Vec<BringingLocation> = Vec::new();
        let (mut more, mut unlisted) = (0, None);
        for dependency in &direct {
            if locations.len() >= limits::LOCATIONS {
                more += 1;
                continue;
            }
            let via = dependency.path.as_ref().map(|_| found.paths.len());
            let mut all = self.direct_dependency_locations(dependency, rule);
            if is_member && all.iter().any(|location| location.role == Role::Inherited) {
                // A member that must not depend on another changes its own line, not the workspace's.
                all.retain(|location| location.role == Role::Inherited);
                for location in &mut all {
                    location.role = Role::Primary;
                }
            }
            let is_inherited = all.iter().any(|location| location.role == Role::Inherited);
            for location in all {
                if seen.insert(&location) {
                    let is_shared = is_inherited && location.role == Role::Primary;
                    let location = Location { via, ..location };
                    let length = dependency.length;
                    locations.push(BringingLocation { location, length, is_shared });
                }
            }
            match &dependency.path {
                Some(path) => found.paths.push(self.names(path)),
                None => unlisted = unlisted.max(Some(dependency.length)),
            }
        }
        // The primary location first, and the lines that inherit last.
        locations.sort_by_cached_key(|BringingLocation { location, length, is_shared }| {
            let is_inherited = location.role == Role::Inherited;
            (is_inherited, *length, !is_shared, self.rank(&location.file))
        });
        found.locations = locations.into_iter().map(|bringing| bringing.location).collect();
        found.omission = if more > 0 {
            Some(format!("{more} more dependencies that require it are not listed"))
        } else if let Some(length) = unlisted {
            Some(format!("a dependency path of {length} packages is not listed"))
        } else {
            truncated
                .then(|| "the graph is too large to list more than one dependency path".to_owned())
        };
        found
    }

    /// The root manifest, then the members by path, then the packages outside the workspace.
    fn rank(&self, file: &FilePath) -> usize {
        self.ranks.get(file).copied().unwrap_or(usize::MAX)
    }

    fn direct_dependency_locations(
        &self,
        dependency: &DirectDependency,
        rule: LocationRule,
    ) -> Vec<Location> {
        let Some(manifest) = self.manifests.of_node(dependency.local) else { return Vec::new() };
        let Some(local) = paths::krate(self.krates, dependency.local) else { return Vec::new() };
        let mut locations: Vec<Location> = Vec::new();
        let resolved = self.resolved(dependency.local);
        for index in resolved.get(&dependency.child).into_iter().flatten() {
            let Some(declared) = manifest.dependency(&local.deps[*index]) else { continue };
            let found = match rule {
                LocationRule::Source => self.manifests.source_locations(manifest, declared),
                _ => self.manifests.locations(manifest, declared),
            };
            locations.extend(found);
        }
        if locations.is_empty() { vec![manifest.head()] } else { locations }
    }

    fn resolved(&self, local: NodeId) -> Rc<HashMap<NodeId, Vec<usize>>> {
        if let Some(cached) = self.resolved.borrow().get(&local) {
            return Rc::clone(cached);
        }
        let mut resolved: HashMap<_, Vec<_>> = HashMap::new();
        let dependencies = paths::krate(self.krates, local).map_or(0, |krate| krate.deps.len());
        for index in 0..dependencies {
            let krate = self.krates.resolved_dependency(local, index);
            if let Some(node) = krate.and_then(|krate| self.krates.nid_for_kid(&krate.id)) {
                resolved.entry(node).or_default().push(index);
            }
        }
        let resolved = Rc::new(resolved);
        self.resolved.borrow_mut().insert(local, Rc::clone(&resolved));
        resolved
    }

    fn names(&self, path: &[NodeId]) -> DependencyPath {
        path.iter().filter_map(|node| paths::krate(self.krates, *node)).map(package_ref).collect()
    }
}

/// A set of locations.
#[derive(Default)]
pub(super) struct SeenLocations(HashMap<FilePath, HashSet<Span>>);

impl SeenLocations {
    /// Adds a location; whether it was not in the set.
    pub(super) fn insert(&mut self, location: &Location) -> bool {
        if let Some(spans) = self.0.get_mut(&location.file) {
            return spans.insert(location.span.clone());
        }
        self.0.insert(location.file.clone(), HashSet::from([location.span.clone()]));
        true
    }
}
