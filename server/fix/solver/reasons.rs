//! Why there is no plan, from the conflict that the solver found.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
};

use resolvo::{
    NameId, Requirement, SolvableId,
    conflict::{ConflictCause, ConflictEdge, ConflictGraph, ConflictNode},
};
use semver::Version;

use super::{
    direct::Unlisted,
    packages::{CrateId, Required},
    provider::{Candidate, Name, Provider, Set},
};

/// A requirement that is in the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::fix) struct Obstacle {
    /// Who states it; `None` for the workspace.
    pub(in crate::fix) dependent: Option<(String, Version)>,
    /// Whether that is its newest version.
    pub(in crate::fix) is_newest: bool,
    /// The required package.
    pub(in crate::fix) package: String,
    /// The requirement, as cargo shows it.
    pub(in crate::fix) requirement: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dependent, is_newest, package, requirement } = self;
        let newest = if *is_newest { " (newest)" } else { "" };
        match dependent {
            Some((name, version)) => {
                write!(f, "`{name}` {version}{newest} requires `{package}` {requirement}")
            }
            None => write!(f, "the workspace requires `{package}` {requirement}"),
        }
    }
}

/// How many obstacles are collected.
const MAX_OBSTACLES: usize = 8;

/// The names whose candidates the proof of a conflict counts on. As long as none of them gets another candidate, there is
/// no solution.
pub(super) fn names_of(
    graph: &ConflictGraph<SolvableId>,
    provider: &Provider<'_>,
) -> HashSet<NameId> {
    let mut names = HashSet::new();
    for edge in graph.graph.edge_weights() {
        let ConflictEdge::Requires(requirement) = edge else { continue };
        match requirement {
            Requirement::Single(set) => {
                names.insert(provider.pool.resolve_version_set_package_name(*set));
            }
            Requirement::Union(union) => {
                let sets = provider.pool.resolve_version_set_union(*union);
                names.extend(sets.map(|set| provider.pool.resolve_version_set_package_name(set)));
            }
        }
    }
    names
}

/// The requirements whose candidates are all rejected.
pub(super) fn obstacles(
    graph: &ConflictGraph<SolvableId>,
    provider: &Provider<'_>,
    unlisted: &[Unlisted],
) -> Vec<Obstacle> {
    let is_excluded =
        |edge: &ConflictEdge| matches!(edge, ConflictEdge::Conflict(ConflictCause::Excluded));
    let mut found = BTreeSet::new();
    for edge in graph.graph.edge_indices() {
        let Some((from, to)) = graph.graph.edge_endpoints(edge) else { continue };
        let ConflictEdge::Requires(requirement) = graph.graph[edge] else { continue };
        let is_absent = graph.unresolved_node == Some(to);
        if !is_absent && !graph.graph.edges(to).any(|edge| is_excluded(edge.weight())) {
            continue;
        }
        let Requirement::Single(set) = requirement else { continue };
        let name = provider.pool.resolve_version_set_package_name(set);
        let Name::Package(required, _) = provider.pool.resolve_package_name(name) else { continue };
        let Set::Matching(requirement) = provider.pool.resolve_version_set(set) else { continue };
        let dependent = match graph.graph[from] {
            ConflictNode::Solvable(one) => dependent(provider, one),
            _ => None,
        };
        let states_it =
            |one: &Required| one.package == *required && one.requirement == *requirement;
        let owner = unlisted.iter().filter(|_| dependent.is_none());
        let mut owner = owner.filter(|one| one.required.iter().any(states_it));
        let owner = owner.next().map(|one| {
            let package = &provider.packages.lockfile()[one.position];
            (package.name.clone(), package.version.clone())
        });
        let is_newest = dependent.as_ref().is_some_and(|(id, version)| {
            let versions = provider.packages.versions(*id);
            let mut later = versions.iter().filter(|one| *one > version && one.pre.is_empty());
            later.all(|one| provider.packages.release(*id, one).yanked)
        });
        found.insert(Obstacle {
            dependent: dependent
                .map(|(id, version)| (provider.packages.name(id), version))
                .or(owner),
            is_newest,
            package: provider.packages.name(*required),
            requirement: requirement.to_string(),
        });
        if found.len() >= MAX_OBSTACLES {
            break;
        }
    }
    found.into_iter().collect()
}

fn dependent(provider: &Provider<'_>, solvable: SolvableId) -> Option<(CrateId, Version)> {
    match &provider.pool.resolve_solvable(solvable).record {
        Candidate::Package(id, version)
        | Candidate::Feature { id, version, .. }
        | Candidate::Enabled { id, version, .. } => Some((*id, version.clone())),
        _ => None,
    }
}
