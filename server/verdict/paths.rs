//! Why a package is in the graph: the shortest ways from the members to it, and their number.
//!
//! A graph may be as large and as deep as a repository makes it. Nothing here calls itself; a walk
//! keeps the next step of each node, and paths are built only for findings. The work and the memory
//! of all answers together end at [`limits::PATH_STEPS`] and [`limits::PATH_NODES`]: then a package
//! has only its nearest entrance.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    rc::Rc,
};

use cargo_deny::{Krate, Krates};
use krates::{Node, NodeId};

use crate::limits;

/// A local package and the dependency of it through which a package comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entrance {
    /// The local package.
    pub(super) local: NodeId,
    /// What it depends on.
    pub(super) child: NodeId,
    /// From a root of the graph over `local` and `child` to the package; `None` where it is too long
    /// or there are too many.
    pub(super) path: Option<Vec<NodeId>>,
    /// How many packages are on that path.
    pub(super) length: usize,
}

/// Everything about why a package is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Why {
    /// The nearest first.
    pub(super) entrances: Vec<Entrance>,
    /// In how many ways the local packages reach it; saturates.
    pub(super) count: u64,
    /// There may be more entrances than these.
    pub(super) cut: bool,
}

/// Answers for the packages of one graph.
pub(super) struct Paths<'g> {
    krates: &'g Krates,
    members: HashSet<NodeId>,
    dependents: RefCell<HashMap<NodeId, Rc<[NodeId]>>>,
    /// The shortest way from a root of the graph to a local package.
    from_roots: RefCell<HashMap<NodeId, Rc<[NodeId]>>>,
    counts: RefCell<HashMap<NodeId, u64>>,
    nearest: OnceCell<HashMap<NodeId, NodeId>>,
    /// How many edges may still be looked at.
    steps: Cell<usize>,
    /// How many nodes all paths may still have.
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

    /// Looks from `package` towards the members. Local packages are entrances and are not passed
    /// through: a finding belongs to the manifest that is nearest to it.
    pub(super) fn why(&self, package: NodeId) -> Why {
        let mut walk = Walk::default();
        walk.queue.push_back(package);
        walk.seen.insert(package);
        let mut entrances = BTreeMap::new();
        while let Some(node) = walk.queue.pop_front() {
            if self.steps.get() == 0 {
                return self.nearest(package);
            }
            for dependent in self.dependents(node).iter().copied() {
                if self.is_local(dependent) {
                    let order = entrances.len();
                    entrances.entry((dependent, node)).or_insert(order);
                } else {
                    walk.reach(dependent, node);
                }
            }
        }
        let mut found: Vec<_> = entrances.into_iter().collect();
        found.sort_by_key(|(_, order)| *order);
        let entrances =
            found.into_iter().map(|((local, child), _)| self.entrance(local, child, &walk.next));
        let mut entrances: Vec<_> = entrances.collect();
        entrances.sort_by_key(|entrance| entrance.length);
        Why { entrances, count: self.count(package), cut: false }
    }

    /// The nearest entrance alone: one walk over the graph finds those of all packages.
    fn nearest(&self, package: NodeId) -> Why {
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
        // Backwards from the package, and turned around.
        let mut next = HashMap::new();
        let (mut at, mut child) = (package, package);
        while let Some(before) = steps.get(&at) {
            next.insert(*before, at);
            (child, at) = (at, *before);
        }
        next.remove(&at);
        let entrances = if at == package { vec![] } else { vec![self.entrance(at, child, &next)] };
        Why { count: entrances.len() as u64, entrances, cut: true }
    }

    /// `next` leads from `child` to the package.
    fn entrance(&self, local: NodeId, child: NodeId, next: &HashMap<NodeId, NodeId>) -> Entrance {
        let to_local = self.path_from_root(local);
        let from_child = || std::iter::successors(Some(child), |at| next.get(at).copied());
        let length = to_local.len() + from_child().count();
        let may = length <= limits::PATH_LENGTH && length <= self.nodes.get();
        let path = may.then(|| {
            self.nodes.set(self.nodes.get() - length);
            to_local.iter().copied().chain(from_child()).collect()
        });
        Entrance { local, child, path, length }
    }

    /// The shortest way from a root of the graph to a local package, both included.
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

    /// In how many ways local packages reach a node. A cycle through dev-dependencies is no further
    /// way.
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
                let ways = if local { 1 } else { counts.get(dependent).copied().unwrap_or(0) };
                total.saturating_add(ways)
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
    /// The step back from each node that was reached.
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
        let metadata = serde_json::from_str(&metadata.to_string()).expect("as cargo says it");
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
        let why = paths.why(node(&krates, COUNT - 1));
        assert_eq!((why.count, why.entrances.len()), (1, 1));
        assert_eq!((why.entrances[0].length, &why.entrances[0].path), (COUNT + 1, &None));
        let near = paths.why(node(&krates, 5));
        assert_eq!(near.entrances[0].path.as_ref().map(Vec::len), Some(7));
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
        let mut cut = 0;
        for number in 0..COUNT {
            let why = paths.why(node(&krates, number));
            assert_eq!(why.entrances.len(), 1);
            let Some(path) = &why.entrances[0].path else { continue };
            assert_eq!(
                (path.first(), path.last()),
                (Some(&why.entrances[0].local), Some(&node(&krates, number)))
            );
            cut += usize::from(why.cut);
        }
        assert!(cut > 0 && cut < COUNT, "{cut}");
        assert_eq!(paths.steps.get(), 0);
    }
}
