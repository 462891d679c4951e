//! Why packages are in the graph: the part of it that is above them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{DependencyEdge, DependencyGraph, PackageRef};

/// The packages on dependency paths from members to some packages, and the dependencies between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhyGraph<'g> {
    /// The packages, sorted.
    pub nodes: Vec<WhyNode<'g>>,
    /// The dependencies between them, sorted.
    pub edges: Vec<WhyEdge<'g>>,
    /// How many packages are left out.
    pub left_out: usize,
}

/// A package of a [`WhyGraph`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNode<'g> {
    /// The package.
    pub package: &'g PackageRef,
    /// Whether it is a member of the workspace.
    pub is_member: bool,
    /// Whether it is one of the packages that the graph is about.
    pub is_subject: bool,
    /// How many packages that depend on it are left out.
    pub left_out: usize,
}

/// All dependencies of one package on another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyEdge<'g> {
    /// The index of the package that depends on the other.
    pub dependent: usize,
    /// The index of the other.
    pub dependency: usize,
    /// At least one.
    pub dependencies: Vec<&'g DependencyEdge>,
}

/// A graph in which dependents are found quickly.
#[derive(Debug)]
pub struct Dependents<'g> {
    graph: &'g DependencyGraph,
    /// The dependents of each package, sorted.
    of: Vec<Vec<usize>>,
}

impl<'g> Dependents<'g> {
    /// The dependents in a graph.
    pub fn of(graph: &'g DependencyGraph) -> Self {
        let mut of = vec![Vec::new(); graph.packages.len()];
        for edge in &graph.edges {
            of[edge.dependency].push(edge.dependent);
        }
        for dependents in &mut of {
            dependents.sort_unstable();
            dependents.dedup();
        }
        Self { graph, of }
    }

    /// The graph above `packages`, with so many packages at most; `None` if it has none of them. If some are left out, the
    /// shortest path from a member to each of `packages` stays, then those that are nearest to them.
    pub fn why(&self, packages: &[PackageRef], most: usize) -> Option<WhyGraph<'g>> {
        let subjects: BTreeSet<usize> =
            packages.iter().filter_map(|package| self.graph.index(package)).collect();
        if subjects.is_empty() {
            return None;
        }
        let mut all: Vec<usize> = Vec::new();
        let mut seen: BTreeSet<usize> = subjects.clone();
        let mut queue: VecDeque<usize> = subjects.iter().copied().collect();
        while let Some(at) = queue.pop_front() {
            all.push(at);
            queue.extend(self.of[at].iter().copied().filter(|dependent| seen.insert(*dependent)));
        }
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        if all.len() > most {
            for subject in subjects.iter().take(most) {
                kept.insert(*subject);
            }
            for subject in &subjects {
                let path = self.shortest_path(*subject);
                let added = path.iter().filter(|at| !kept.contains(at)).count();
                if kept.len() + added <= most {
                    kept.extend(path);
                }
            }
        }
        for at in &all {
            if kept.len() >= most {
                break;
            }
            kept.insert(*at);
        }
        Some(self.with_nodes(&kept, &subjects, all.len() - kept.len()))
    }

    fn with_nodes(
        &self,
        kept: &BTreeSet<usize>,
        subjects: &BTreeSet<usize>,
        left_out: usize,
    ) -> WhyGraph<'g> {
        let position: BTreeMap<usize, usize> =
            kept.iter().enumerate().map(|(position, at)| (*at, position)).collect();
        let nodes = kept.iter().map(|at| {
            let one = &self.graph.packages[*at];
            WhyNode {
                package: &one.package,
                is_member: one.is_member,
                is_subject: subjects.contains(at),
                left_out: self.of[*at].iter().filter(|one| !kept.contains(one)).count(),
            }
        });
        let mut between: BTreeMap<(usize, usize), Vec<&DependencyEdge>> = BTreeMap::new();
        for at in kept {
            for edge in self.edges_of(*at) {
                if let Some(dependency) = position.get(&edge.dependency) {
                    between.entry((position[at], *dependency)).or_default().push(edge);
                }
            }
        }
        let edges = between.into_iter().map(|((dependent, dependency), dependencies)| WhyEdge {
            dependent,
            dependency,
            dependencies,
        });
        WhyGraph { nodes: nodes.collect(), edges: edges.collect(), left_out }
    }

    /// The package with an index.
    pub fn package(&self, at: usize) -> &'g PackageRef {
        &self.graph.packages[at].package
    }

    /// The dependencies on a package, sorted.
    pub fn edges_to(&self, package: &PackageRef) -> impl Iterator<Item = &'g DependencyEdge> {
        let at = self.graph.index(package);
        let dependents = at.map_or(&[][..], |at| self.of[at].as_slice());
        let edges = dependents.iter().flat_map(|dependent| self.edges_of(*dependent));
        edges.filter(move |edge| Some(edge.dependency) == at)
    }

    /// The dependencies of a package: the edges are sorted by their dependents.
    fn edges_of(&self, dependent: usize) -> &'g [DependencyEdge] {
        let edges = &self.graph.edges;
        let start = edges.partition_point(|edge| edge.dependent < dependent);
        let count = edges[start..].partition_point(|edge| edge.dependent == dependent);
        &edges[start..start + count]
    }

    /// A shortest path from a package up to a member, both included.
    fn shortest_path(&self, package: usize) -> Vec<usize> {
        let mut next: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([package]);
        while let Some(at) = queue.pop_front() {
            if self.graph.packages[at].is_member {
                return std::iter::successors(Some(at), |at| (*at != package).then(|| next[at]))
                    .collect();
            }
            for dependent in &self.of[at] {
                if *dependent != package && !next.contains_key(dependent) {
                    next.insert(*dependent, at);
                    queue.push_back(*dependent);
                }
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;
    use crate::verdict::{DependencyKind, GraphPackage};

    fn package(name: &str) -> PackageRef {
        PackageRef { name: name.to_owned(), version: Version::new(1, 0, 0), source: None }
    }

    /// A graph of lines `a -> b c`; packages in capitals are members.
    fn graph(lines: &[&str]) -> DependencyGraph {
        let pairs = lines.iter().flat_map(|line| {
            let (dependent, rest) = line.split_once(" -> ").expect("an arrow");
            rest.split(' ').map(move |dependency| (dependent, dependency))
        });
        let names: BTreeSet<_> = pairs.clone().flat_map(|(one, other)| [one, other]).collect();
        let names: Vec<_> = names.into_iter().collect();
        let at = |name: &str| names.iter().position(|one| *one == name).expect("a package");
        let mut edges: Vec<_> = pairs
            .map(|(dependent, dependency)| DependencyEdge {
                dependent: at(dependent),
                dependency: at(dependency),
                kind: DependencyKind::Normal,
                requirement: "^1".to_owned(),
                target: None,
                is_optional: false,
                features: Vec::new(),
            })
            .collect();
        edges.sort();
        let packages = names.iter().map(|name| GraphPackage {
            package: package(name),
            is_member: name.chars().all(char::is_uppercase),
        });
        DependencyGraph { packages: packages.collect(), edges }
    }

    fn check(lines: &[&str], names: &[&str], most: usize, expected: &str) {
        let graph = graph(lines);
        let packages: Vec<_> = names.iter().map(|name| package(name)).collect();
        let why = Dependents::of(&graph).why(&packages, most).expect("a graph");
        let name = |at: usize| why.nodes[at].package.name.as_str();
        let edges = why
            .edges
            .iter()
            .map(|edge| format!("{}>{}", name(edge.dependent), name(edge.dependency)));
        let mut shown: Vec<_> = edges.collect();
        let stubs = why.nodes.iter().filter(|node| node.left_out > 0);
        shown.extend(stubs.map(|node| format!("{}+{}", node.package.name, node.left_out)));
        shown.extend((why.left_out > 0).then(|| format!("{} left out", why.left_out)));
        assert_eq!(shown.join(" "), expected);
    }

    const LINES: [&str; 6] = ["A -> B a", "B -> c", "a -> b x", "b -> c", "c -> d", "x -> y"];

    #[test]
    fn graph_has_all_packages_on_paths_to_the_package_and_no_others() {
        check(&LINES, &["c"], 9, "A>B A>a B>c a>b b>c");
        check(&LINES, &["b", "x"], 9, "A>a a>b a>x");
        check(&LINES, &["A"], 9, "");
    }

    #[test]
    fn graph_with_a_limit_keeps_a_path_from_a_member_and_says_what_is_left_out() {
        check(&LINES, &["d"], 4, "B>c b>c c>d B+1 b+1 2 left out");
        check(&LINES, &["d"], 3, "B>c c>d B+1 c+1 3 left out");
        check(&LINES, &["d"], 1, "d+1 5 left out");
    }

    #[test]
    fn cycle_of_dev_dependencies_has_an_end() {
        check(&["A -> b", "b -> c", "c -> b"], &["c"], 9, "A>b b>c c>b");
    }
}
