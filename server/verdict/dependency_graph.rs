//! All dependencies between the packages of a graph. Only reports and drawings need them, so they are gathered on request
//! (`EngineRequest::dependency_graph`).

use std::collections::BTreeMap;

use cargo_deny::{Krate, Krates};
use krates::{DepKind, NodeId};

use super::{PackageRef, manifests::package_ref};

/// The packages of a graph, and the dependencies between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependencyGraph {
    /// The packages, sorted.
    pub packages: Vec<GraphPackage>,
    /// The dependencies, sorted. One package may depend on another several times: as a build-dependency, too, or for
    /// another target.
    pub edges: Vec<DependencyEdge>,
}

/// A package of a graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraphPackage {
    /// The package.
    pub package: PackageRef,
    /// Whether it is a member of the workspace.
    pub is_member: bool,
}

/// A dependency of one package on another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DependencyEdge {
    /// The index of the package that depends on the other.
    pub dependent: usize,
    /// The index of the other.
    pub dependency: usize,
    /// Its kind.
    pub kind: DependencyKind,
    /// The requirement.
    pub requirement: String,
    /// The target or `cfg(..)` that it is limited to.
    pub target: Option<String>,
    /// Whether it is optional.
    pub is_optional: bool,
    /// The enabled features that activate it, if it is optional.
    pub features: Vec<String>,
}

/// The kind of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyKind {
    /// `[dependencies]`
    Normal,
    /// `[build-dependencies]`
    Build,
    /// `[dev-dependencies]`
    Dev,
}

impl DependencyKind {
    /// The name, as in cargo's options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Build => "build",
            Self::Dev => "dev",
        }
    }
}

impl DependencyGraph {
    /// The index of a package.
    pub fn index(&self, package: &PackageRef) -> Option<usize> {
        self.packages.binary_search_by(|one| one.package.cmp(package)).ok()
    }

    /// The graph of all packages and dependencies of several.
    pub(crate) fn united<'g>(graphs: impl Iterator<Item = &'g Self> + Clone) -> Self {
        let mut members: BTreeMap<&PackageRef, bool> = BTreeMap::new();
        for one in graphs.clone().flat_map(|graph| &graph.packages) {
            *members.entry(&one.package).or_default() |= one.is_member;
        }
        let packages = members
            .into_iter()
            .map(|(package, is_member)| GraphPackage { package: package.clone(), is_member });
        let mut united = Self { packages: packages.collect(), edges: Vec::new() };
        for graph in graphs {
            let index = |at: usize| united.index(&graph.packages[at].package);
            let edges = graph.edges.iter().filter_map(|edge| {
                let (dependent, dependency) = (index(edge.dependent)?, index(edge.dependency)?);
                Some(DependencyEdge { dependent, dependency, ..edge.clone() })
            });
            let edges: Vec<_> = edges.collect();
            united.edges.extend(edges);
        }
        united.edges.sort();
        united.edges.dedup();
        united
    }
}

/// Gathers the dependencies of a graph.
pub(super) fn dependency_graph(krates: &Krates) -> DependencyGraph {
    let members: Vec<NodeId> = krates
        .workspace_members()
        .filter_map(|member| match member {
            krates::Node::Krate { id, .. } => krates.nid_for_kid(id),
            krates::Node::Feature { .. } => None,
        })
        .collect();
    let mut nodes: Vec<(GraphPackage, NodeId, &Krate)> = krates
        .krates()
        .filter_map(|krate| {
            let node = krates.nid_for_kid(&krate.id)?;
            let is_member = members.contains(&node);
            Some((GraphPackage { package: package_ref(krate), is_member }, node, krate))
        })
        .collect();
    nodes.sort_by(|(one, a, _), (other, b, _)| (one, a).cmp(&(other, b)));
    let index: BTreeMap<NodeId, usize> =
        nodes.iter().enumerate().map(|(at, (_, node, _))| (*node, at)).collect();
    let mut edges = Vec::new();
    for (dependent, (_, node, krate)) in nodes.iter().enumerate() {
        for (at, dependency) in krate.deps.iter().enumerate() {
            let resolved = krates.resolved_dependency(*node, at);
            let resolved = resolved.and_then(|krate| krates.nid_for_kid(&krate.id));
            let Some(target) = resolved.and_then(|node| index.get(&node)) else { continue };
            let key = dependency.rename.as_ref().unwrap_or(&dependency.name);
            edges.push(DependencyEdge {
                dependent,
                dependency: *target,
                kind: kind(dependency.kind.into()),
                requirement: dependency.req.to_string(),
                target: dependency.target.as_ref().map(ToString::to_string),
                is_optional: dependency.optional,
                features: if dependency.optional {
                    activating_features(krates, krate, key)
                } else {
                    Vec::new()
                },
            });
        }
    }
    edges.sort();
    edges.dedup();
    let packages = nodes.into_iter().map(|(package, _, _)| package).collect();
    DependencyGraph { packages, edges }
}

fn kind(kind: DepKind) -> DependencyKind {
    match kind {
        DepKind::Normal => DependencyKind::Normal,
        DepKind::Build => DependencyKind::Build,
        DepKind::Dev => DependencyKind::Dev,
    }
}

/// The enabled features that activate the optional dependency with this key (cargo's reference, "Features": `dep:key` and
/// `key/feature` activate it, `key?/feature` does not).
fn activating_features(krates: &Krates, krate: &Krate, key: &str) -> Vec<String> {
    let activates = |enables: &String| {
        let name = enables.split_once('/').map_or(enables.as_str(), |(name, _)| name);
        name == key || name.strip_prefix("dep:") == Some(key)
    };
    let enabled = krates.get_enabled_features(&krate.id);
    let mut features: Vec<_> = enabled
        .into_iter()
        .flatten()
        .filter(|feature| {
            let enables = krate.features.get(feature.as_str());
            enables.is_some_and(|enables| enables.iter().any(activates))
        })
        .map(ToString::to_string)
        .collect();
    features.sort();
    if features.len() > 1 {
        // Another one enables the feature of the dependency itself.
        features.retain(|feature| feature != key);
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(packages: &[(&str, bool)], edges: &[(usize, usize)]) -> DependencyGraph {
        let packages = packages.iter().map(|(name, is_member)| GraphPackage {
            package: PackageRef {
                name: (*name).to_owned(),
                version: semver::Version::new(1, 0, 0),
                source: None,
            },
            is_member: *is_member,
        });
        let edges = edges.iter().map(|(dependent, dependency)| DependencyEdge {
            dependent: *dependent,
            dependency: *dependency,
            kind: DependencyKind::Normal,
            requirement: "^1".to_owned(),
            target: None,
            is_optional: false,
            features: Vec::new(),
        });
        DependencyGraph { packages: packages.collect(), edges: edges.collect() }
    }

    #[test]
    fn united_graph_has_the_packages_and_dependencies_of_all() {
        let one = graph(&[("app", true), ("b", false)], &[(0, 1)]);
        let other = graph(&[("a", false), ("app", true), ("b", false)], &[(1, 0), (1, 2)]);
        let expected = graph(&[("a", false), ("app", true), ("b", false)], &[(1, 0), (1, 2)]);
        assert_eq!(DependencyGraph::united([&one, &other].into_iter()), expected);
        assert_eq!(DependencyGraph::united([&one].into_iter()), one);
    }
}
