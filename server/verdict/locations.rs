//! Where a package's findings belong, and why the package is there.

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
    paths::{self, Entrance, Paths, Why},
};
use crate::{limits, text::Span};

/// The places of one package.
#[derive(Clone, Debug, Default)]
pub(super) struct PackageLocations {
    pub(super) locations: Vec<Location>,
    pub(super) paths: Vec<Vec<PackageRef>>,
    pub(super) count: u64,
    /// What was left out, a sentence.
    pub(super) cut: Option<String>,
}

/// What the dependencies of a local package resolved to: their indices.
type Resolved = HashMap<NodeId, Vec<usize>>;

/// Answers for the packages of one graph, and remembers its answers.
pub(super) struct LocationIndex<'g> {
    krates: &'g Krates,
    pub(super) manifests: &'g Manifests,
    paths: Paths<'g>,
    /// The indices of what each local package depends on, by what they resolved to.
    resolved: RefCell<HashMap<NodeId, Rc<Resolved>>>,
    known: RefCell<HashMap<(NodeId, bool), Rc<PackageLocations>>>,
}

impl<'g> LocationIndex<'g> {
    pub(super) fn new(krates: &'g Krates, manifests: &'g Manifests) -> Self {
        Self {
            krates,
            manifests,
            paths: Paths::new(krates),
            resolved: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// The places of a package, the nearest first.
    pub(super) fn of(&self, package: NodeId, placing: LocationRule) -> Rc<PackageLocations> {
        let key = (package, placing == LocationRule::Source);
        if let Some(known) = self.known.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.find(package, placing));
        self.known.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    fn find(&self, package: NodeId, placing: LocationRule) -> PackageLocations {
        let why = self.paths.why(package);
        let local = paths::krate(self.krates, package).is_some_and(|krate| krate.source.is_none());
        if local && (why.entrances.is_empty() || self.paths.is_member(package)) {
            let head = self.manifests.of_node(package).map(super::manifests::LocalManifest::head);
            return PackageLocations {
                locations: head.into_iter().collect(),
                ..PackageLocations::default()
            };
        }
        // What a manifest declares itself is mended there, however else it comes in.
        let direct = why.entrances.iter().any(|entrance| entrance.child == package);
        let Why { entrances, count, cut } = why;
        let meant = entrances.iter().filter(|entrance| !direct || entrance.child == package);
        let mut found = PackageLocations { count, ..PackageLocations::default() };
        let mut known = Known::default();
        let (mut more, mut unlisted) = (0, None);
        for entrance in meant {
            if found.locations.len() >= limits::LOCATIONS {
                more += 1;
                continue;
            }
            let via = entrance.path.as_ref().map(|_| found.paths.len());
            for location in self.entrance_places(entrance, placing) {
                if known.insert(&location) {
                    found.locations.push(Location { via, ..location });
                }
            }
            match &entrance.path {
                Some(path) => found.paths.push(self.names(path)),
                None => unlisted = unlisted.max(Some(entrance.length)),
            }
        }
        // Lines that can mend it come before those that point to them.
        found.locations.sort_by_key(|location| location.role == Role::Pointer);
        found.cut = if more > 0 {
            Some(format!("{more} more dependencies that require it are not listed"))
        } else if let Some(length) = unlisted {
            Some(format!("a dependency path of {length} packages is not listed"))
        } else {
            cut.then(|| "the graph is too large to list more than one dependency path".to_owned())
        };
        found
    }

    fn entrance_places(&self, entrance: &Entrance, placing: LocationRule) -> Vec<Location> {
        let Some(manifest) = self.manifests.of_node(entrance.local) else { return Vec::new() };
        let Some(local) = paths::krate(self.krates, entrance.local) else { return Vec::new() };
        let mut locations: Vec<Location> = Vec::new();
        let resolved = self.resolved(entrance.local);
        for index in resolved.get(&entrance.child).into_iter().flatten() {
            let Some(declared) = manifest.dependency(&local.deps[*index]) else { continue };
            let found = match placing {
                LocationRule::Source => self.manifests.source_places(manifest, declared),
                _ => self.manifests.locations(manifest, declared),
            };
            locations.extend(found);
        }
        if locations.is_empty() { vec![manifest.head()] } else { locations }
    }

    fn resolved(&self, local: NodeId) -> Rc<HashMap<NodeId, Vec<usize>>> {
        if let Some(known) = self.resolved.borrow().get(&local) {
            return Rc::clone(known);
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

/// Which places there are already.
#[derive(Default)]
pub(super) struct Known(HashMap<Utf8PathBuf, HashSet<Span>>);

impl Known {
    /// Whether the place is a new one.
    pub(super) fn insert(&mut self, location: &Location) -> bool {
        if let Some(spans) = self.0.get_mut(&location.file) {
            return spans.insert(location.span.clone());
        }
        self.0.insert(location.file.clone(), HashSet::from([location.span.clone()]));
        true
    }
}
