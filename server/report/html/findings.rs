//! The findings, by check and by package.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{fixes::Fixes, graphs::Graphs};
use crate::{
    compare::Group,
    policy::effects::counted,
    report::{
        CheckedWorkspace, Report, ReportedFinding,
        headings::{CHECKS, numbers, repeated, title},
        markup::{code, escaped, link, message, package},
        text::{code as code_of, first_line, relative_file},
    },
    verdict::{Check, PackageRef, Severity},
};

/// If there are so many errors at most, their graphs are unfolded.
const MOST_OPEN_GRAPHS: usize = 8;

/// The maximum numbers of packages in a graph; the first one with which all graphs have room is taken.
const MOST_PACKAGES: [usize; 4] = [20, 16, 13, 10];

/// The maximum number if there is no room for all of these.
const FEWEST_PACKAGES: usize = 7;

/// The maximum length of the list of packages.
const LONGEST_INDEX: usize = 100_000;

const INDEX_END: &str = "</tbody></table></details></section>";

/// What is kept for the sentences about what is left out.
const RESERVED: usize = 2_000;

/// A finding of a workspace.
struct Item<'r, 'a> {
    /// The index of its workspace.
    workspace: usize,
    one: &'r ReportedFinding<'a>,
    /// Its markup without the graph and the end of the element.
    start: String,
    graph: String,
    /// There was no room for it.
    is_left_out: bool,
}

/// The findings of a report that has room for so many bytes of them, and the list of their packages.
pub(super) fn sections(report: &Report<'_>, fixes: &mut Fixes<'_>, room: usize) -> String {
    let mut graphs = Graphs::of(report);
    let mut items = Vec::new();
    for (workspace, checked) in report.workspaces.iter().enumerate() {
        items.extend(in_order(checked).into_iter().map(|one| Item {
            workspace,
            one,
            start: String::new(),
            graph: String::new(),
            is_left_out: true,
        }));
    }
    let headings = listed(report, &items, 0).len();
    for (number, item) in items.iter_mut().enumerate() {
        item.start = start(report, &graphs, item.workspace, number, item.one);
        if item.one.group != Some(Group::Fixed) {
            item.start.push_str(&fixes.of_finding(item.workspace, item.one.finding));
        }
    }
    // The most important ones come first where there is not enough room.
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|at| (!items[*at].one.is_news(), Reverse(items[*at].one.finding.severity)));
    let mut left = room.saturating_sub(headings + RESERVED);
    for at in &order {
        let length = items[*at].start.len() + "</li>".len();
        items[*at].is_left_out = length > left;
        left = left.saturating_sub(length);
    }
    let index = packages(&items, left.min(LONGEST_INDEX));
    let left = left - index.len();
    let without_graph = add_graphs(&mut items, &order, &mut graphs, left);
    let mut text = listed(report, &items, without_graph);
    text.push_str(&index);
    text
}

/// Adds the graphs that have room in so many bytes, in this order. Returns how many have none.
fn add_graphs(
    items: &mut [Item<'_, '_>],
    order: &[usize],
    graphs: &mut Graphs<'_>,
    room: usize,
) -> usize {
    let is_shown = |at: &&usize| {
        let Item { one, is_left_out, .. } = &items[**at];
        !is_left_out && one.group != Some(Group::Fixed) && !one.finding.packages.is_empty()
    };
    let order: Vec<usize> = order.iter().filter(is_shown).copied().collect();
    let errors = order.iter().filter(|at| items[**at].one.finding.severity == Severity::Error);
    let are_few = errors.count() <= MOST_OPEN_GRAPHS;
    let findings = || order.iter().map(|at| (items[*at].workspace, items[*at].one.finding));
    let has_room = |most: &usize| graphs.length(findings(), *most) <= room;
    let most = MOST_PACKAGES.into_iter().find(has_room).unwrap_or(FEWEST_PACKAGES);
    let mut left = room;
    for (done, at) in order.iter().enumerate() {
        let Item { workspace, one, .. } = items[*at];
        let is_open = are_few && one.finding.severity == Severity::Error;
        let graph = graphs.html(workspace, one.finding, most, is_open);
        if graph.len() > left {
            return order.len() - done;
        }
        left -= graph.len();
        items[*at].graph = graph;
    }
    0
}

/// The findings in the order of the page: by group, then by check.
fn in_order<'r, 'a>(workspace: &'r CheckedWorkspace<'a>) -> Vec<&'r ReportedFinding<'a>> {
    let position = |check| CHECKS.iter().position(|one| *one == check);
    let group = |group| Group::ALL.iter().position(|one| Some(*one) == group);
    let mut all: Vec<_> = workspace.listed.iter().collect();
    all.sort_by_key(|one| (group(one.group), position(one.finding.check)));
    all
}

fn listed(report: &Report<'_>, items: &[Item<'_, '_>], without_graph: usize) -> String {
    let mut text = String::from("<section><h2 id=\"findings\">Findings</h2>");
    let left_out = items.iter().filter(|item| item.is_left_out).count();
    let notes = [(left_out, "finding"), (without_graph, "dependency graph")];
    for (count, what) in notes.into_iter().filter(|(count, _)| *count > 0) {
        let all = counted(count, what);
        text.push_str(&format!(
            "<p class=\"note\">{all} left out: a report has at most 1 MB. <code>--format json</code> has all findings.</p>"
        ));
    }
    if items.iter().any(|item| !item.graph.is_empty()) {
        text.push_str(
            "<p class=\"note\">In a dependency graph, an arrow leads from a package to one that it depends on, with the requirement, the \
             kind if it is not normal, and the feature that activates an optional dependency. Members of the workspace have a \
             thick border.</p>",
        );
    }
    let mut is_empty = true;
    for (at, workspace) in report.workspaces.iter().enumerate() {
        let of_workspace: Vec<_> =
            items.iter().enumerate().filter(|(_, item)| item.workspace == at).collect();
        let about: Vec<_> = workspace
            .verdict
            .rejected_without_policy()
            .into_iter()
            .chain(repeated(workspace))
            .map(|sentence| format!("<p>{}.</p>", message(&sentence)))
            .collect();
        if of_workspace.is_empty() && about.is_empty() {
            continue;
        }
        is_empty = false;
        let mut level = 3;
        if report.workspaces.len() > 1 {
            text.push_str(&format!("<section><h3>{}</h3>", code(&workspace.folder)));
            level += 1;
        }
        text.push_str(&about.concat());
        for group in Group::ALL.map(Some).into_iter().chain([None]) {
            let of_group: Vec<_> =
                of_workspace.iter().filter(|(_, item)| item.one.group == group).collect();
            if of_group.is_empty() {
                continue;
            }
            let mut level = level;
            if let Some(group) = group {
                let (start, title) =
                    (if group == Group::AlreadyThere { "" } else { " open=\"\"" }, title(group));
                let count = counted(of_group.len(), "finding");
                text.push_str(&format!(
                    "<details class=\"group\"{start}><summary><h{level}>{title}</h{level}> {count}</summary>"
                ));
                level += 1;
            }
            for check in CHECKS {
                let all: Vec<_> =
                    of_group.iter().filter(|(_, item)| item.one.finding.check == check).collect();
                if !all.is_empty() {
                    let ones: Vec<_> = all.iter().map(|(_, item)| item.one).collect();
                    let heading = format!("{}: {}", check.name(), numbers(check, &ones));
                    text.push_str(&format!(
                        "<section class=\"check\"><h{level}>{heading}</h{level}><ul class=\"findings\">"
                    ));
                    for (_, item) in all.iter().filter(|(_, item)| !item.is_left_out) {
                        text.push_str(&item.start);
                        text.push_str(&item.graph);
                        text.push_str("</li>");
                    }
                    text.push_str("</ul></section>");
                }
            }
            if group.is_some() {
                text.push_str("</details>");
            }
        }
        if report.workspaces.len() > 1 {
            text.push_str("</section>");
        }
    }
    if is_empty {
        text.push_str("<p>There are no findings.</p>");
    }
    text.push_str("</section>");
    text
}

/// The beginning of the element of a finding.
fn start(
    report: &Report<'_>,
    graphs: &Graphs<'_>,
    workspace: usize,
    number: usize,
    one: &ReportedFinding<'_>,
) -> String {
    let finding = one.finding;
    let severity = finding.severity.name();
    let mut text = format!(
        "<li id=\"f{number}\" data-severity=\"{severity}\" data-check=\"{}\"><p class=\"head\"><span class=\"severity {severity}\">{severity}</span> \
         {}: {}</p>",
        finding.check.name(),
        link(finding.link().as_deref(), &escaped(code_of(finding))),
        message(&finding.message),
    );
    if let Some(at) = finding.locations.first() {
        let location = format!("{}:{}", relative_file(report.root, &at.file), first_line(at));
        let more = match finding.locations.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        text.push_str(&format!("<p class=\"at\">{}{more}</p>", code(&location)));
    }
    if let Some(note) = &one.note {
        text.push_str(&format!("<p>{}</p>", message(note)));
    }
    if let Some(gates) = finding.gates_text() {
        text.push_str(&format!("<p>{}</p>", escaped(&gates)));
    }
    if let Some(remedy) = &finding.remedy {
        text.push_str(&format!("<p class=\"help\"><b>help:</b> {}</p>", message(remedy)));
    }
    if report.paths {
        for path in finding.shortest_paths() {
            text.push_str(&format!("<p class=\"via\">via {}</p>", escaped(&path)));
        }
    }
    text.push_str(&graphs.versions(workspace, finding));
    text
}

/// The packages with their findings, in at most so many bytes.
fn packages(items: &[Item<'_, '_>], most: usize) -> String {
    let mut by_package: BTreeMap<&str, (BTreeSet<&PackageRef>, Vec<usize>)> = BTreeMap::new();
    for (at, item) in items.iter().enumerate().filter(|(_, item)| !item.is_left_out) {
        for package in &item.one.finding.packages {
            let (versions, findings) = by_package.entry(&package.name).or_default();
            versions.insert(package);
            if findings.last() != Some(&at) {
                findings.push(at);
            }
        }
    }
    if by_package.is_empty() {
        return String::new();
    }
    let count = by_package.len();
    let mut rows: Vec<(Severity, String)> = Vec::new();
    for (versions, findings) in by_package.into_values() {
        let names: Vec<_> = versions.iter().map(|one| escaped(&package(one))).collect();
        let links = findings.iter().map(|at| {
            let finding = items[*at].one.finding;
            format!(
                "<a href=\"#f{at}\">{} {}</a>",
                finding.severity.name(),
                escaped(code_of(finding))
            )
        });
        let links: Vec<_> = links.collect();
        let severities = findings.iter().map(|at| items[*at].one.finding.severity);
        rows.push((
            severities.max().unwrap_or(Severity::Help),
            format!("<tr><td>{}</td><td>{}</td></tr>", names.join("<br/>"), links.join("<br/>")),
        ));
    }
    rows.sort_by_key(|(severity, _)| Reverse(*severity));
    let mut text = format!(
        "<section><h2 id=\"packages\">Packages with findings</h2><details><summary>{}</summary><table class=\"wide\">\
         <thead><tr><th scope=\"col\">package</th><th scope=\"col\">findings</th></tr></thead><tbody>",
        counted(count, "package")
    );
    let mut left_out = 0;
    for (_, row) in rows {
        if text.len() + row.len() + INDEX_END.len() + RESERVED > most {
            left_out += 1;
        } else {
            text.push_str(&row);
        }
    }
    if left_out > 0 {
        text.push_str(&format!(
            "<tr><td colspan=\"2\">{} left out</td></tr>",
            counted(left_out, "package")
        ));
    }
    text.push_str(INDEX_END);
    if text.len() > most { String::new() } else { text }
}

/// The checks and severities that there are, for the filters.
pub(super) fn kinds(report: &Report<'_>) -> (BTreeSet<Reverse<Severity>>, Vec<Check>) {
    let all = || report.workspaces.iter().flat_map(|one| &one.listed).map(|one| one.finding);
    let severities = all().map(|finding| Reverse(finding.severity)).collect();
    let checks = CHECKS.into_iter().filter(|check| all().any(|one| one.check == *check));
    (severities, checks.collect())
}
