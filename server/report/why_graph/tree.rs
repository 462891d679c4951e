//! A graph as plain text: the packages with what depends on them below, as `cargo tree --invert` shows it.

use std::collections::BTreeSet;

use super::list::conditions;
use crate::{
    policy::effects::counted,
    report::{markup::package, text::line},
    verdict::{WhyEdge, WhyGraph},
};

/// The tree of each package that the graph is about. Below a package are those that depend on it, each with its requirements;
/// a package whose dependents are shown above has a `(*)`, as in cargo's tree.
pub(crate) fn tree(graph: &WhyGraph<'_>) -> String {
    let mut tree = Tree { graph, shown: BTreeSet::new(), text: String::new() };
    for (at, node) in graph.nodes.iter().enumerate() {
        if !node.is_subject {
            continue;
        }
        if !tree.text.is_empty() {
            tree.text.push('\n');
        }
        tree.text.push_str(&line(&package(node.package)));
        tree.end_of_line(at, "");
    }
    match graph.left_out {
        0 => {}
        1 => tree.text.push_str("\n1 package on other dependency paths is not shown\n"),
        count => {
            let note = format!("\n{count} packages on other dependency paths are not shown\n");
            tree.text.push_str(&note);
        }
    }
    tree.text
}

struct Tree<'t, 'g> {
    graph: &'t WhyGraph<'g>,
    /// The packages whose dependents are shown.
    shown: BTreeSet<usize>,
    text: String,
}

impl<'t, 'g> Tree<'t, 'g> {
    /// Ends the line of a package and adds its dependents; `indent` begins each of their lines. As deep as the graph has
    /// packages.
    fn end_of_line(&mut self, at: usize, indent: &str) {
        let dependents: Vec<&'t WhyEdge<'g>> = self.dependents(at).collect();
        let left_out = self.graph.nodes[at].left_out;
        let has_more = !dependents.is_empty() || left_out > 0;
        if has_more && !self.shown.insert(at) {
            self.text.push_str(" (*)\n");
            return;
        }
        self.text.push('\n');
        for (number, edge) in dependents.iter().enumerate() {
            let is_last = number + 1 == dependents.len() && left_out == 0;
            let (branch, below) =
                if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
            let each: Vec<_> = edge.dependencies.iter().map(|one| conditions(one)).collect();
            let name = package(self.graph.nodes[edge.dependent].package);
            let name = line(&format!("{name} ({})", each.join("; ")));
            self.text.push_str(&format!("{indent}{branch}{name}"));
            self.end_of_line(edge.dependent, &format!("{indent}{below}"));
        }
        if left_out > 0 {
            let more = counted(left_out, "dependent");
            self.text.push_str(&format!("{indent}└── and {more} not shown\n"));
        }
    }

    /// The dependencies on a package, without its own: tests of a package may depend on itself.
    fn dependents(&self, at: usize) -> impl Iterator<Item = &'t WhyEdge<'g>> {
        let edges = self.graph.edges.iter();
        edges.filter(move |edge| edge.dependency == at && edge.dependent != at)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use semver::Version;

    use super::*;
    use crate::verdict::{
        DependencyEdge, DependencyGraph, DependencyKind, Dependents, GraphPackage, PackageRef,
    };

    fn named(name: &str) -> PackageRef {
        PackageRef { name: name.to_owned(), version: Version::new(1, 0, 0), source: None }
    }

    /// The tree of `subjects` in a graph of the packages `names` with these dependencies, with so many packages at most.
    fn check(
        names: &[&str],
        edges: &[(usize, usize, DependencyKind)],
        subjects: &[&str],
        most: usize,
        expected: &Expect,
    ) {
        let packages =
            names.iter().map(|name| GraphPackage { package: named(name), is_member: *name == "a" });
        let edges = edges.iter().map(|(dependent, dependency, kind)| DependencyEdge {
            dependent: *dependent,
            dependency: *dependency,
            kind: *kind,
            requirement: "^1".to_owned(),
            target: None,
            is_optional: false,
            features: Vec::new(),
        });
        let graph = DependencyGraph { packages: packages.collect(), edges: edges.collect() };
        let subjects: Vec<_> = subjects.iter().map(|name| named(name)).collect();
        let why = Dependents::of(&graph).why(&subjects, most).expect("a graph");
        expected.assert_eq(&tree(&why));
    }

    use DependencyKind::{Build, Dev, Normal};

    #[test]
    fn dependents_are_below_each_package_and_are_listed_once() {
        let edges = [(0, 1, Normal), (0, 2, Normal), (1, 3, Normal), (2, 3, Build), (2, 3, Normal)];
        check(
            &["a", "b", "c", "d"],
            &edges,
            &["d"],
            9,
            &expect![[r"
                d 1.0.0
                ├── b 1.0.0 (^1)
                │   └── a 1.0.0 (^1)
                └── c 1.0.0 (^1, build; ^1)
                    └── a 1.0.0 (^1)
            "]],
        );
        let edges = [(0, 1, Normal), (1, 2, Normal), (1, 3, Normal), (2, 3, Normal)];
        check(
            &["a", "b", "c", "d"],
            &edges,
            &["c", "d"],
            9,
            &expect![[r"
                c 1.0.0
                └── b 1.0.0 (^1)
                    └── a 1.0.0 (^1)

                d 1.0.0
                ├── b 1.0.0 (^1) (*)
                └── c 1.0.0 (^1) (*)
            "]],
        );
    }

    #[test]
    fn cycle_of_dev_dependencies_has_an_end() {
        let edges = [(0, 1, Normal), (0, 0, Dev), (1, 2, Normal), (2, 1, Dev)];
        check(
            &["a", "b", "c"],
            &edges,
            &["c"],
            9,
            &expect![[r"
                c 1.0.0
                └── b 1.0.0 (^1)
                    ├── a 1.0.0 (^1)
                    └── c 1.0.0 (^1, dev) (*)
            "]],
        );
    }

    #[test]
    fn packages_that_are_left_out_are_counted() {
        let edges = [(0, 1, Normal), (0, 2, Normal), (1, 3, Normal), (2, 3, Normal)];
        check(
            &["a", "b", "c", "d"],
            &edges,
            &["d"],
            3,
            &expect![[r"
                d 1.0.0
                ├── b 1.0.0 (^1)
                │   └── a 1.0.0 (^1)
                └── and 1 dependent not shown

                1 package on other dependency paths is not shown
            "]],
        );
    }

    #[test]
    fn hostile_names_stay_on_their_line() {
        let edges = [(0, 1, Normal)];
        check(
            &["a", "b\n\u{202e}c\u{1b}[2J"],
            &edges,
            &["b\n\u{202e}c\u{1b}[2J"],
            9,
            &expect![[r"
                b �c�[2J 1.0.0
                └── a 1.0.0 (^1)
            "]],
        );
    }
}
