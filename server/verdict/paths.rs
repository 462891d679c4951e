//! Why a package is in the graph: the shortest dependency paths from the members to it, and their
//! number.
//!
//! A repository can make the graph arbitrarily large and deep. Nothing here is recursive; a walk stores
//! the next step of each node, and paths are built only for findings. [`limits::PATH_STEPS`] and
//! [`limits::PATH_NODES`] limit the work and memory of all results together. Beyond them a package has
//! only its nearest direct dependency.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    rc::Rc,
};

use cargo_deny::{Krate, Krates};
use krates::{Node, NodeId};

use crate::limits;

/// A direct dependency of a local package that brings in a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DirectDependency {
    /// The local package.
    pub(super) local: NodeId,
    /// The direct dependency.
    pub(super) child: NodeId,
    /// The path from a root of the graph over `local` and `child` to the package; `None` if it is too
    /// long or there are too many.
    pub(super) path: Option<Vec<NodeId>>,
    /// The number of packages on that path.
    pub(super) length: usize,
}

/// The dependency paths that bring in a package.
#[derive(Clone, Debug, Default)]
pub(super) struct InclusionPaths {
    /// The direct dependencies, the nearest first.
    pub(super) direct: Vec<DirectDependency>,
    /// The total number of paths from local packages; saturates.
    pub(super) count: u64,
    /// There may be more direct dependencies than these.
    pub(super) truncated: bool,
}

/// Computes the paths of the packages of one graph.
pub(super) struct Paths<'g> {
    krates: &'g Krates,
    members: HashSet<NodeId>,
    dependents: RefCell<HashMap<NodeId, Rc<[NodeId]>>>,
    /// The shortest path from a root of the graph to each local package.
    from_roots: RefCell<HashMap<NodeId, Rc<[NodeId]>>>,
    counts: RefCell<HashMap<NodeId, u64>>,
    nearest: OnceCell<HashMap<NodeId, NodeId>>,
    /// The number of edges that may still be visited.
    steps: Cell<usize>,
    /// The number of nodes that all paths may still have.
    nodes: Cell<usize>,
}

/// The crate of a node.
pub(super) fn krate(krates: &Krates, node: NodeId) -> Option<&Krate> {
    match krates.graph().node_weight(node)? {
        Node::Krate { krate, .. } => Some(krate),
        Node::Feature { .. } => None,
    }
}

impl<'g> Paths<'g> {
    pub(super) fn new(krates: &'g Krates) -> Self {
        let members = krates.workspace_members().filter_map(|member| match member {
            Node::Krate { id, .. } => krates.nid_for_kid(id),
            Node::Feature { .. } => None,
        });
        Self {
            krates,
            members: members.collect(),
            dependents: RefCell::default(),
            from_roots: RefCell::default(),
            counts: RefCell::default(),
            nearest: OnceCell::new(),
            steps: Cell::new(limits::PATH_STEPS),
            nodes: Cell::new(limits::PATH_NODES),
        }
    }

    /// Whether a node is a member of the workspace.
    pub(super) fn is_member(&self, node: NodeId) -> bool {
        self.members.contains(&node)
    }

    /// Searches from `package` towards the members. The search stops at local packages: a finding
    /// belongs to the nearest manifest.
    pub(super) fn inclusion_paths(&self, package: NodeId) -> InclusionPaths {
        self.search(package, None)
    }

    /// The same, with only the paths on which one of `parents` depends on the package.
    pub(super) fn inclusion_paths_through(
        &self,
        package: NodeId,
        parents: &[NodeId],
    ) -> InclusionPaths {
        self.search(package, Some(parents))
    }

    fn search(&self, package: NodeId, parents: Option<&[NodeId]>) -> InclusionPaths {
        let is_considered = |node: NodeId, dependent: NodeId| {
            node != package || parents.is_none_or(|parents| parents.contains(&dependent))
        };
        let mut walk = Walk::default();
        walk.queue.push_back(package);
        walk.seen.insert(package);
        let mut direct = BTreeMap::new();
        while let Some(node) = walk.queue.pop_front() {
            if self.steps.get() == 0 {
                return self.nearest(package);
            }
            let dependents = self.dependents(node);
            for dependent in dependents.iter().copied().filter(|one| is_considered(node, *one)) {
                if self.is_local(dependent) {
                    let order = direct.len();
                    direct.entry((dependent, node)).or_insert(order);
                } else {
                    walk.reach(dependent, node);
                }
            }
        }
        let mut found: Vec<_> = direct.into_iter().collect();
        found.sort_by_key(|(_, order)| *order);
        let direct = found
            .into_iter()
            .map(|((local, child), _)| self.direct_dependency(local, child, &walk.next));
        let mut direct: Vec<_> = direct.collect();
        direct.sort_by_key(|direct_dependency| direct_dependency.length);
        let count = match parents {
            None => self.count(package),
            Some(parents) => parents.iter().fold(0, |count: u64, parent| {
                let paths = if self.is_local(*parent) { 1 } else { self.count(*parent) };
                count.saturating_add(paths)
            }),
        };
        InclusionPaths { direct, count, truncated: false }
    }

    /// Only the nearest direct dependency: one walk over the graph finds those of all packages.
    fn nearest(&self, package: NodeId) -> InclusionPaths {
        let steps = self.nearest.get_or_init(|| {
            let mut locals: Vec<_> = self
                .krates
                .krates()
                .filter(|krate| krate.source.is_none())
                .filter_map(|krate| self.krates.nid_for_kid(&krate.id))
                .collect();
            locals.sort_by_key(|local| !self.is_member(*local));
            let mut walk = Walk { seen: locals.iter().copied().collect(), ..Walk::default() };
            walk.queue.extend(locals);
            while let Some(node) = walk.queue.pop_front() {
                for dependency in self.krates.direct_dependencies(node) {
                    walk.reach(dependency.node_id, node);
                }
            }
            walk.next
        });
        // Follows the steps from the package back to a local package.
        let mut next = HashMap::new();
        let (mut at, mut child) = (package, package);
        while let Some(before) = steps.get(&at) {
            next.insert(*before, at);
            (child, at) = (at, *before);
        }
        next.remove(&at);
        let direct =
            if at == package { vec![] } else { vec![self.direct_dependency(at, child, &next)] };
        InclusionPaths { count: direct.len() as u64, direct, truncated: true }
    }

    /// `next` leads from `child` to the package.
    fn direct_dependency(
        &self,
        local: NodeId,
        child: NodeId,
        next: &HashMap<NodeId, NodeId>,
    ) -> DirectDependency {
        let to_local = self.path_from_root(local);
        let from_child = || std::iter::successors(Some(child), |at| next.get(at).copied());
        let length = to_local.len() + from_child().count();
        let may = length <= limits::PATH_LENGTH && length <= self.nodes.get();
        let path = may.then(|| {
            self.nodes.set(self.nodes.get() - length);
            to_local.iter().copied().chain(from_child()).collect()
        });
        DirectDependency { local, child, path, length }
    }

    /// The shortest path from a root of the graph to a local package, both included.
    fn path_from_root(&self, local: NodeId) -> Rc<[NodeId]> {
        if let Some(known) = self.from_roots.borrow().get(&local) {
            return Rc::clone(known);
        }
        let mut walk = Walk::default();
        walk.queue.push_back(local);
        walk.seen.insert(local);
        let mut root = local;
        while let Some(node) = walk.queue.pop_front() {
            if self.is_member(node) {
                root = node;
                break;
            }
            for dependent in self.dependents(node).iter().copied() {
                walk.reach(dependent, node);
            }
        }
        let path: Rc<[NodeId]> =
            std::iter::successors(Some(root), |at| walk.next.get(at).copied()).collect();
        self.from_roots.borrow_mut().insert(local, Rc::clone(&path));
        path
    }

    /// The direct dependents in a stable order.
    fn dependents(&self, node: NodeId) -> Rc<[NodeId]> {
        if let Some(known) = self.dependents.borrow().get(&node) {
            self.steps.set(self.steps.get().saturating_sub(known.len() + 1));
            return Rc::clone(known);
        }
        let direct = self.krates.direct_dependents(node).into_iter();
        let mut dependents: Vec<_> = direct.map(|dependent| dependent.node_id).collect();
        dependents.sort_unstable();
        self.steps.set(self.steps.get().saturating_sub(dependents.len() + 1));
        let dependents: Rc<[NodeId]> = dependents.into();
        self.dependents.borrow_mut().insert(node, Rc::clone(&dependents));
        dependents
    }

    fn is_local(&self, node: NodeId) -> bool {
        krate(self.krates, node).is_some_and(|krate| krate.source.is_none())
    }

    /// The number of paths from local packages to a node. A cycle through dev-dependencies does not
    /// count.
    fn count(&self, package: NodeId) -> u64 {
        let mut counts = self.counts.borrow_mut();
        let mut above = HashSet::new();
        let mut open = vec![(package, 0)];
        while let Some((node, at)) = open.last_mut() {
            let (node, dependents) = (*node, self.dependents(*node));
            if *at == 0 {
                if counts.contains_key(&node) {
                    open.pop();
                    continue;
                }
                above.insert(node);
            }
            let rest = dependents.iter().enumerate().skip(*at);
            let unknown = rest.filter(|(_, dependent)| {
                !self.is_local(**dependent)
                    && !counts.contains_key(*dependent)
                    && !above.contains(*dependent)
            });
            if let Some((index, dependent)) = unknown.map(|(index, one)| (index, *one)).next() {
                *at = index + 1;
                open.push((dependent, 0));
                continue;
            }
            let total = dependents.iter().fold(0u64, |total, dependent| {
                let local = self.is_local(*dependent);
                let paths = if local { 1 } else { counts.get(dependent).copied().unwrap_or(0) };
                total.saturating_add(paths)
            });
            above.remove(&node);
            counts.insert(node, total);
            open.pop();
        }
        counts.get(&package).copied().unwrap_or(0)
    }
}

/// A walk over the graph, the nearest nodes first.
#[derive(Default)]
struct Walk {
    queue: VecDeque<NodeId>,
    seen: HashSet<NodeId>,
    /// The next step from each visited node back to the start.
    next: HashMap<NodeId, NodeId>,
}

impl Walk {
    fn reach(&mut self, node: NodeId, from: NodeId) {
        if self.seen.insert(node) {
            self.next.insert(node, from);
            self.queue.push_back(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use krates::{Builder, NoneFilter};
    use serde_json::json;

    use super::*;

    /// A member `m` that depends on the package 0, and `count` packages that depend on those which
    /// `below` names.
    fn graph(count: usize, below: impl Fn(usize) -> Vec<usize>) -> Krates {
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        let member = "path+file:///w#m@0.1.0".to_owned();
        let package = |name: String, own: String, source: Option<&str>, below: Vec<usize>| {
            let dependencies = below.iter().map(|number| {
                json!({
                    "name": format!("p{number}"), "req": "^1", "kind": null, "optional": false,
                    "uses_default_features": true, "features": [], "source": registry,
                })
            });
            json!({
                "name": name, "version": "1.0.0", "id": own, "source": source,
                "dependencies": dependencies.collect::<Vec<_>>(), "targets": [], "features": {},
                "manifest_path": format!("/w/{name}/Cargo.toml"),
            })
        };
        let node = |own: String, below: Vec<usize>| {
            let all = below.iter().map(|number| {
                let kinds = [json!({ "kind": null, "target": null })];
                json!({ "name": format!("p{number}"), "pkg": id(*number), "dep_kinds": kinds })
            });
            let ids: Vec<_> = below.iter().map(|number| id(*number)).collect();
            let all: Vec<_> = all.collect();
            json!({ "id": own, "deps": all, "dependencies": ids, "features": [] })
        };
        let mut packages = vec![package("m".to_owned(), member.clone(), None, vec![0])];
        let mut nodes = vec![node(member.clone(), vec![0])];
        for number in 0..count {
            let name = format!("p{number}");
            packages.push(package(name, id(number), Some(registry), below(number)));
            nodes.push(node(id(number), below(number)));
        }
        let metadata = json!({
            "packages": packages, "workspace_members": [member], "version": 1,
            "resolve": { "nodes": nodes, "root": member },
            "workspace_root": "/w", "target_directory": "/w/target",
        });
        let metadata = serde_json::from_str(&metadata.to_string()).expect("valid metadata");
        Builder::new().build_with_metadata(metadata, NoneFilter).expect("a graph")
    }

    fn id(number: usize) -> String {
        format!("registry+https://github.com/rust-lang/crates.io-index#p{number}@1.0.0")
    }

    fn node(krates: &Krates, number: usize) -> NodeId {
        krates
            .nid_for_kid(&krates::Kid::from(krates::cm::PackageId { repr: id(number) }))
            .expect("it is there")
    }

    #[test]
    fn deep_graph_is_walked_without_recursion_and_long_paths_are_not_built() {
        const COUNT: usize = 10_000;
        let krates = graph(COUNT, |at| (at + 1 < COUNT).then_some(at + 1).into_iter().collect());
        let paths = Paths::new(&krates);
        let inclusion_paths = paths.inclusion_paths(node(&krates, COUNT - 1));
        assert_eq!((inclusion_paths.count, inclusion_paths.direct.len()), (1, 1));
        assert_eq!(
            (inclusion_paths.direct[0].length, &inclusion_paths.direct[0].path),
            (COUNT + 1, &None)
        );
        let near = paths.inclusion_paths(node(&krates, 5));
        assert_eq!(near.direct[0].path.as_ref().map(Vec::len), Some(7));
    }

    #[test]
    fn wide_graph_with_a_finding_on_each_package_stays_within_its_limits() {
        const COUNT: usize = 3_000;
        let below = |at: usize| -> Vec<usize> {
            (1..=11).map(|step| at + step * step).filter(|one| *one < COUNT).collect()
        };
        let krates = graph(COUNT, below);
        let paths = Paths::new(&krates);
        paths.steps.set(1_000_000);
        let mut truncated = 0;
        for number in 0..COUNT {
            let inclusion_paths = paths.inclusion_paths(node(&krates, number));
            assert_eq!(inclusion_paths.direct.len(), 1);
            let Some(path) = &inclusion_paths.direct[0].path else { continue };
            assert_eq!(
                (path.first(), path.last()),
                (Some(&inclusion_paths.direct[0].local), Some(&node(&krates, number)))
            );
            truncated += usize::from(inclusion_paths.truncated);
        }
        assert!(truncated > 0 && truncated < COUNT, "{truncated}");
        assert_eq!(paths.steps.get(), 0);
    }
}
