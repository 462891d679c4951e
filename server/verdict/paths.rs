//! Why a package is in the graph: the shortest ways from the members to it, and their number.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use cargo_deny::{Krate, Krates};
use krates::{Node, NodeId};

/// A local package and the dependency of it through which a package comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entrance {
    /// The local package.
    pub(super) local: NodeId,
    /// What it depends on.
    pub(super) child: NodeId,
    /// From a root of the graph over `local` and `child` to the package.
    pub(super) path: Vec<NodeId>,
}

/// Everything about why a package is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Why {
    /// The nearest first.
    pub(super) entrances: Vec<Entrance>,
    /// In how many ways the local packages reach it; saturates.
    pub(super) count: u64,
}

/// The crate of a node.
pub(super) fn krate(krates: &Krates, node: NodeId) -> Option<&Krate> {
    match krates.graph().node_weight(node)? {
        Node::Krate { krate, .. } => Some(krate),
        Node::Feature { .. } => None,
    }
}

/// Looks from `package` towards the members. Local packages are entrances and are not passed
/// through: a finding belongs to the manifest that is nearest to it.
pub(super) fn why(krates: &Krates, package: NodeId) -> Why {
    let is_local = |node| krate(krates, node).is_some_and(|krate| krate.source.is_none());
    // Towards `package`, the next step from each node that was reached.
    let mut next: HashMap<NodeId, NodeId> = HashMap::new();
    let mut queue = VecDeque::from([package]);
    let mut seen = HashSet::from([package]);
    let mut entrances = BTreeMap::new();
    while let Some(node) = queue.pop_front() {
        for dependent in dependents(krates, node) {
            if is_local(dependent) {
                let order = entrances.len();
                entrances.entry((dependent, node)).or_insert(order);
            } else if seen.insert(dependent) {
                next.insert(dependent, node);
                queue.push_back(dependent);
            }
        }
    }
    let mut found: Vec<_> = entrances.into_iter().collect();
    found.sort_by_key(|(_, order)| *order);
    let entrances = found.into_iter().map(|((local, child), _)| {
        let mut path = from_a_root(krates, local);
        let mut at = child;
        path.push(at);
        while let Some(step) = next.get(&at) {
            at = *step;
            path.push(at);
        }
        Entrance { local, child, path }
    });
    let mut entrances: Vec<_> = entrances.collect();
    entrances.sort_by_key(|entrance| entrance.path.len());
    let mut counts = HashMap::new();
    let count = count(krates, package, &is_local, &mut counts, &mut HashSet::new());
    Why { entrances, count }
}

/// The shortest way from a root of the graph to a local package, both included.
fn from_a_root(krates: &Krates, local: NodeId) -> Vec<NodeId> {
    let mut next = HashMap::new();
    let mut queue = VecDeque::from([local]);
    let mut seen = HashSet::from([local]);
    let mut root = local;
    while let Some(node) = queue.pop_front() {
        if is_member(krates, node) {
            root = node;
            break;
        }
        for dependent in dependents(krates, node) {
            if seen.insert(dependent) {
                next.insert(dependent, node);
                queue.push_back(dependent);
            }
        }
    }
    let mut path = vec![root];
    while let Some(step) = next.get(path.last().unwrap_or(&root)) {
        path.push(*step);
    }
    if path.last() == Some(&local) { path } else { vec![local] }
}

/// Whether a node is a member of the workspace.
pub(super) fn is_member(krates: &Krates, node: NodeId) -> bool {
    let Some(krate) = krate(krates, node) else { return false };
    krates
        .workspace_members()
        .any(|member| matches!(member, Node::Krate { id, .. } if *id == krate.id))
}

/// The direct dependents in a stable order.
fn dependents(krates: &Krates, node: NodeId) -> Vec<NodeId> {
    let mut dependents: Vec<_> =
        krates.direct_dependents(node).into_iter().map(|dependent| dependent.node_id).collect();
    dependents.sort_unstable();
    dependents
}

fn count(
    krates: &Krates,
    node: NodeId,
    is_local: &impl Fn(NodeId) -> bool,
    known: &mut HashMap<NodeId, u64>,
    above: &mut HashSet<NodeId>,
) -> u64 {
    if let Some(count) = known.get(&node) {
        return *count;
    }
    if !above.insert(node) {
        // A cycle through dev-dependencies: no further way.
        return 0;
    }
    let total = dependents(krates, node).into_iter().fold(0u64, |total, dependent| {
        let ways =
            if is_local(dependent) { 1 } else { count(krates, dependent, is_local, known, above) };
        total.saturating_add(ways)
    });
    above.remove(&node);
    known.insert(node, total);
    total
}
