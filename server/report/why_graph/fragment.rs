//! A graph as a part of an HTML page.

use super::{
    drawing::{ARROW, drawing},
    list::lines,
};
use crate::{
    policy::effects::counted,
    report::markup::{escaped, package},
    verdict::WhyGraph,
};

/// The drawing of a graph and the list of its dependencies, for a page whose style names the classes of the report's style. A node
/// for whose index `is_link` holds is a link to `#node-` and the index.
pub(crate) fn fragment(graph: &WhyGraph<'_>, is_link: &dyn Fn(usize) -> bool) -> String {
    let subjects = graph.nodes.iter().filter(|node| node.is_subject);
    let names: Vec<_> = subjects.map(|node| package(node.package)).collect();
    let label = escaped(&format!("Dependency graph of {}", names.join(", ")));
    let link = |at: usize| is_link(at).then(|| format!("#node-{at}"));
    let picture = drawing(graph, &link).map(|drawing| {
        let svg = drawing.frame.svg("group", &label, &drawing.content);
        format!("{ARROW}{}", scrollable(&label, &svg))
    });
    let count = counted(graph.nodes.len(), "package");
    let left_out = left_out_note(graph);
    let list = list_of_dependencies(graph);
    format!(
        "{}<p class=\"note\">{count}</p>{left_out}<section class=\"list\"><h2>Dependencies</h2>{list}</section>",
        picture.unwrap_or_default(),
    )
}

/// A drawing that has its own scroll bars; the label is a part of an attribute.
pub(in crate::report) fn scrollable(label: &str, svg: &str) -> String {
    format!("<div class=\"graph\" tabindex=\"0\" role=\"group\" aria-label=\"{label}\">{svg}</div>")
}

/// How many packages are left out; empty if there are none.
pub(in crate::report) fn left_out_note(graph: &WhyGraph<'_>) -> String {
    match graph.left_out {
        0 => String::new(),
        1 => "<p class=\"note\">1 package on other dependency paths is not shown.</p>".to_owned(),
        count => format!(
            "<p class=\"note\">{count} packages on other dependency paths are not shown.</p>"
        ),
    }
}

/// The dependencies as a list, an item for each package that depends on others.
pub(in crate::report) fn list_of_dependencies(graph: &WhyGraph<'_>) -> String {
    let items: Vec<_> = lines(graph).iter().map(|line| format!("<li>{line}</li>")).collect();
    format!("<ul>{}</ul>", items.concat())
}

#[cfg(test)]
mod tests {
    use quick_xml::{Reader, events::Event};
    use semver::Version;

    use super::*;
    use crate::verdict::{
        DependencyEdge, DependencyGraph, DependencyKind, Dependents, GraphPackage, PackageRef,
    };

    /// `app`, which depends on a package with this name.
    fn of_package_named(name: &str) -> String {
        let package = |name: &str| PackageRef {
            name: name.to_owned(),
            version: Version::new(1, 0, 0),
            source: None,
        };
        let node = |name: &str, is_member| GraphPackage { package: package(name), is_member };
        let edge = DependencyEdge {
            dependent: 0,
            dependency: 1,
            kind: DependencyKind::Normal,
            requirement: name.to_owned(),
            target: Some(name.to_owned()),
            is_optional: true,
            features: vec![name.to_owned()],
        };
        let packages = vec![node("!", true), node(name, false)];
        let graph = DependencyGraph { packages, edges: vec![edge] };
        let why = Dependents::of(&graph).why(&[package(name)], 9).expect("a graph");
        fragment(&why, &|at| at == 0)
    }

    #[test]
    fn names_stay_text_and_only_declared_packages_are_links() {
        let hostile =
            "x<script>alert(1)</script>\"'><a href=\"#node-1\" onclick='x'>&amp;\u{202e}\n";
        for name in ["x", hostile] {
            let page = format!("<page>{}</page>", of_package_named(name));
            let mut reader = Reader::from_str(&page);
            let mut links = Vec::new();
            loop {
                match reader.read_event().expect("well-formed XML") {
                    Event::Start(start) | Event::Empty(start) => {
                        let element = start.name();
                        assert_ne!(element.as_ref(), "script");
                        for attribute in start.attributes() {
                            let attribute = attribute.expect("an attribute");
                            assert!(!attribute.key.as_ref().starts_with("on"), "{page}");
                            if element.as_ref() == "a" {
                                links.push(attribute.value.into_owned());
                            }
                        }
                    }
                    Event::Eof => break,
                    _ => {}
                }
            }
            assert_eq!(links, ["#node-0"], "{page}");
            assert!(!page.contains('\u{202e}'));
        }
    }
}
