//! Where a package's findings belong, and why the package is there.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use cargo_deny::Krates;
use krates::NodeId;

use super::{
    PackageRef, Place, Placing, Role,
    manifests::{Manifests, package_ref},
    paths::{self, Entrance, Why},
};

/// The places of one package.
#[derive(Clone, Debug, Default)]
pub(super) struct PackagePlaces {
    pub(super) places: Vec<Place>,
    pub(super) paths: Vec<Vec<PackageRef>>,
    pub(super) count: u64,
}

/// Answers for the packages of one graph, and remembers its answers.
pub(super) struct Places<'g> {
    krates: &'g Krates,
    pub(super) manifests: &'g Manifests,
    known: RefCell<HashMap<(NodeId, bool), Rc<PackagePlaces>>>,
}

impl<'g> Places<'g> {
    pub(super) fn new(krates: &'g Krates, manifests: &'g Manifests) -> Self {
        Self { krates, manifests, known: RefCell::default() }
    }

    /// The places of a package, the nearest first.
    pub(super) fn of(&self, package: NodeId, placing: Placing) -> Rc<PackagePlaces> {
        let key = (package, placing == Placing::Source);
        if let Some(known) = self.known.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.find(package, placing));
        self.known.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    fn find(&self, package: NodeId, placing: Placing) -> PackagePlaces {
        let why = paths::why(self.krates, package);
        let local = paths::krate(self.krates, package).is_some_and(|krate| krate.source.is_none());
        if local && (why.entrances.is_empty() || paths::is_member(self.krates, package)) {
            let head = self.manifests.of_node(package).map(super::manifests::LocalManifest::head);
            return PackagePlaces {
                places: head.into_iter().collect(),
                ..PackagePlaces::default()
            };
        }
        // What a manifest declares itself is mended there, however else it comes in.
        let direct = why.entrances.iter().any(|entrance| entrance.child == package);
        let Why { entrances, count } = why;
        let meant = entrances.iter().filter(|entrance| !direct || entrance.child == package);
        let mut found = PackagePlaces { count, ..PackagePlaces::default() };
        for entrance in meant {
            let via = Some(found.paths.len());
            for place in self.entrance_places(entrance, placing) {
                if !found.places.iter().any(|known| known.is_at(&place)) {
                    found.places.push(Place { via, ..place });
                }
            }
            found.paths.push(self.names(&entrance.path));
        }
        // Lines that can mend it come before those that point to them.
        found.places.sort_by_key(|place| place.role == Role::Pointer);
        found
    }

    fn entrance_places(&self, entrance: &Entrance, placing: Placing) -> Vec<Place> {
        let Some(manifest) = self.manifests.of_node(entrance.local) else { return Vec::new() };
        let Some(local) = paths::krate(self.krates, entrance.local) else { return Vec::new() };
        let child = paths::krate(self.krates, entrance.child);
        let mut places: Vec<Place> = Vec::new();
        for (index, dependency) in local.deps.iter().enumerate() {
            let resolved = self.krates.resolved_dependency(entrance.local, index);
            if resolved.map(|krate| &krate.id) != child.map(|krate| &krate.id) {
                continue;
            }
            let Some(declared) = manifest.declaration(dependency) else { continue };
            let found = match placing {
                Placing::Source => self.manifests.source_places(manifest, declared),
                _ => self.manifests.places(manifest, declared),
            };
            places.extend(found);
        }
        if places.is_empty() { vec![manifest.head()] } else { places }
    }

    fn names(&self, path: &[NodeId]) -> Vec<PackageRef> {
        path.iter().filter_map(|node| paths::krate(self.krates, *node)).map(package_ref).collect()
    }
}
