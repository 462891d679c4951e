//! The dependency graphs of findings. Each graph is drawn once; further findings about the same packages refer to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    policy::effects::counted,
    report::{
        Report,
        markup::{escaped, package},
        why_graph::{Frame, conditions, drawing, left_out_note, list_of_dependencies, scrollable},
    },
    verdict::{Dependents, Finding, PackageRef, WhyGraph},
};

/// The maximum number of dependents that are listed for a version of a duplicate.
const MOST_DEPENDENTS: usize = 12;

/// About how many bytes a graph without packages has, each of its packages, and each dependency in the picture and in the
/// list.
const EMPTY_LENGTH: usize = 500;
const NODE_LENGTH: usize = 110;
const EDGE_LENGTHS: (usize, usize) = (160, 60);

/// The graphs of a report.
pub(super) struct Graphs<'a> {
    /// Of each workspace that has a graph.
    dependents: Vec<Option<Dependents<'a>>>,
    /// The number of each graph, by workspace and packages, and its sizes if it could be drawn.
    drawn: BTreeMap<(usize, Vec<PackageRef>), (usize, Option<Frame>)>,
}

impl<'a> Graphs<'a> {
    pub(super) fn of(report: &'a Report<'_>) -> Self {
        let dependents = report
            .workspaces
            .iter()
            .map(|workspace| workspace.verdict.dependencies.as_deref().map(Dependents::of));
        Self { dependents: dependents.collect(), drawn: BTreeMap::new() }
    }

    /// About how many bytes the graphs of findings in workspaces have, with so many packages at most in each.
    pub(super) fn length<'f>(
        &self,
        findings: impl Iterator<Item = (usize, &'f Finding)>,
        most: usize,
    ) -> usize {
        let mut known = BTreeSet::new();
        let lengths = findings.map(|(workspace, finding)| {
            let Some(dependents) = &self.dependents[workspace] else { return 0 };
            let Some(graph) = dependents.why(&finding.packages, most) else { return 0 };
            let list = EMPTY_LENGTH + EDGE_LENGTHS.1 * graph.edges.len();
            if known.insert((workspace, &finding.packages)) {
                list + NODE_LENGTH * graph.nodes.len() + EDGE_LENGTHS.0 * graph.edges.len()
            } else {
                list
            }
        });
        lengths.sum()
    }

    /// The graph of a finding in a workspace, with so many packages at most; empty if it has none. `is_open` if it is
    /// unfolded.
    pub(super) fn html(
        &mut self,
        workspace: usize,
        finding: &Finding,
        most: usize,
        is_open: bool,
    ) -> String {
        let Some(dependents) = &self.dependents[workspace] else { return String::new() };
        let Some(graph) = dependents.why(&finding.packages, most) else {
            return String::new();
        };
        if graph.edges.is_empty() {
            return String::new();
        }
        let names: Vec<_> = finding.packages.iter().map(package).collect();
        let label = escaped(&format!("Dependency graph of {}", names.join(", ")));
        let next = self.drawn.len() + 1;
        let key = (workspace, finding.packages.clone());
        let (frame, content) = if let Some((number, frame)) = self.drawn.get(&key) {
            (*frame, format!("<use href=\"#g{number}\"/>"))
        } else {
            let drawing = drawing(&graph, &|_| None);
            let frame = drawing.as_ref().map(|drawing| drawing.frame);
            self.drawn.insert(key, (next, frame));
            let content = drawing.map(|drawing| drawing.content).unwrap_or_default();
            (frame, format!("<g id=\"g{next}\">{content}</g>"))
        };
        let picture = frame
            .map_or(String::new(), |frame| scrollable(&label, &frame.svg("img", &label, &content)));
        folded(&graph, &picture, is_open)
    }

    /// Which package requires which version of a duplicate.
    pub(super) fn versions(&self, workspace: usize, finding: &Finding) -> String {
        let Some(dependents) = &self.dependents[workspace] else { return String::new() };
        if finding.packages.len() < 2 {
            return String::new();
        }
        let mut rows = String::new();
        for version in &finding.packages {
            let edges: Vec<_> = dependents.edges_to(version).collect();
            let named = edges.iter().take(MOST_DEPENDENTS).map(|edge| {
                let dependent = package(dependents.package(edge.dependent));
                escaped(&format!("{dependent} ({})", conditions(edge)))
            });
            let mut named: Vec<_> = named.collect();
            let more = edges.len().saturating_sub(MOST_DEPENDENTS);
            named.extend((more > 0).then(|| format!("and {more} more")));
            if !named.is_empty() {
                let name = escaped(&package(version));
                rows.push_str(&format!(
                    "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>",
                    named.join("<br/>")
                ));
            }
        }
        if rows.is_empty() {
            return rows;
        }
        format!(
            "<table class=\"versions\"><thead><tr><th scope=\"col\">version</th><th scope=\"col\">required by</th></tr></thead>\
             <tbody>{rows}</tbody></table>"
        )
    }
}

fn folded(graph: &WhyGraph<'_>, picture: &str, is_open: bool) -> String {
    let count = counted(graph.nodes.len(), "package");
    let open = if is_open { " open=\"\"" } else { "" };
    let left_out = left_out_note(graph);
    let list = list_of_dependencies(graph);
    format!(
        "<details class=\"why\"{open}><summary>Dependency graph: {count}</summary>{picture}{left_out}\
         <details class=\"list\"><summary>As a list</summary>{list}</details></details>"
    )
}
