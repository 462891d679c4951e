//! Where a package's findings are reported, and through which dependency paths.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use camino::Utf8PathBuf;
use cargo_deny::Krates;
use krates::NodeId;

use super::{
    Location, LocationRule, PackageRef, Role,
    manifests::{Manifests, package_ref},
    paths::{self, DirectDependency, InclusionPaths, Paths},
};
use crate::{limits, text::Span};

/// The locations of one package.
#[derive(Clone, Debug, Default)]
pub(super) struct PackageLocations {
    pub(super) locations: Vec<Location>,
    pub(super) paths: Vec<Vec<PackageRef>>,
    pub(super) count: u64,
    /// A clause about what was left out.
    pub(super) omission: Option<String>,
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
    cache: RefCell<HashMap<(NodeId, bool), Rc<PackageLocations>>>,
}

impl<'g> LocationIndex<'g> {
    pub(super) fn new(krates: &'g Krates, manifests: &'g Manifests) -> Self {
        Self {
            krates,
            manifests,
            paths: Paths::new(krates),
            resolved: RefCell::default(),
            cache: RefCell::default(),
        }
    }

    /// The locations of a package, the nearest first.
    pub(super) fn of(&self, package: NodeId, rule: LocationRule) -> Rc<PackageLocations> {
        let key = (package, rule == LocationRule::Source);
        if let Some(cached) = self.cache.borrow().get(&key) {
            return Rc::clone(cached);
        }
        let found = Rc::new(self.find(package, rule));
        self.cache.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    fn find(&self, package: NodeId, rule: LocationRule) -> PackageLocations {
        let inclusion = self.paths.inclusion_paths(package);
        let local = paths::krate(self.krates, package).is_some_and(|krate| krate.source.is_none());
        if local && (inclusion.direct.is_empty() || self.paths.is_member(package)) {
            let head = self.manifests.of_node(package).map(super::manifests::LocalManifest::head);
            return PackageLocations {
                locations: head.into_iter().collect(),
                ..PackageLocations::default()
            };
        }
        // A direct dependency is reported only at its own requirement, not at others that lead to it.
        let is_direct = inclusion.direct.iter().any(|dependency| dependency.child == package);
        let InclusionPaths { direct, count, truncated } = inclusion;
        let relevant = direct.iter().filter(|dependency| !is_direct || dependency.child == package);
        let mut found = PackageLocations { count, ..PackageLocations::default() };
        let mut seen = SeenLocations::default();
        let (mut more, mut unlisted) = (0, None);
        for dependency in relevant {
            if found.locations.len() >= limits::LOCATIONS {
                more += 1;
                continue;
            }
            let via = dependency.path.as_ref().map(|_| found.paths.len());
            for location in self.direct_dependency_locations(dependency, rule) {
                if seen.insert(&location) {
                    found.locations.push(Location { via, ..location });
                }
            }
            match &dependency.path {
                Some(path) => found.paths.push(self.names(path)),
                None => unlisted = unlisted.max(Some(dependency.length)),
            }
        }
        // The lines to change come before those that inherit them.
        found.locations.sort_by_key(|location| location.role == Role::Inherited);
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

    fn names(&self, path: &[NodeId]) -> Vec<PackageRef> {
        path.iter().filter_map(|node| paths::krate(self.krates, *node)).map(package_ref).collect()
    }
}

/// A set of locations.
#[derive(Default)]
pub(super) struct SeenLocations(HashMap<Utf8PathBuf, HashSet<Span>>);

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
