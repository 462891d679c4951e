//! The SVG of a graph of packages.

use super::{
    layout::{Direction, EdgeSize, Layout, Position, RANK_SPACE, Size, layout},
    list::features,
};
use crate::{
    policy::effects::counted,
    report::markup::{escaped, package, shortened},
    verdict::{DependencyKind, WhyEdge, WhyGraph, WhyNode},
};

/// The head of the arrows of all graphs of a page.
pub(in crate::report) const ARROW: &str = "<svg width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" \
     markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs></svg>";

/// The maximum number of characters on a line of a node or of a label.
const LONGEST_LINE: usize = 34;

/// The width of a character of the monospaced fonts that the style names, at the size of a node and of a label.
const NODE_CHARACTER: f64 = 7.3;
const LABEL_CHARACTER: f64 = 6.1;

/// The width that a graph has on a page of a wide window.
const PAGE_WIDTH: f64 = 1100.0;

/// How small a graph is drawn that has no space on a page.
const SMALLEST_SCALE: f64 = 0.8;

/// How far from a bend its round corner begins.
const CORNER: f64 = 20.0;

/// The heights of a line.
const NODE_LINE: f64 = 15.0;
const LABEL_LINE: f64 = 12.0;

/// A drawn graph.
pub(in crate::report) struct Drawing {
    /// The content of the `svg` element.
    pub(in crate::report) content: String,
    pub(in crate::report) frame: Frame,
}

/// The sizes of a drawn graph.
#[derive(Clone, Copy)]
pub(in crate::report) struct Frame {
    size: Size,
    /// A wide graph is smaller on the page.
    scale: f64,
}

impl Frame {
    /// An `svg` element with this content. The label is a part of an attribute; the role is `img` if the content has no links.
    pub(in crate::report) fn svg(self, role: &str, label: &str, content: &str) -> String {
        let Self { size: Size { width, height }, scale } = self;
        format!(
            "<svg role=\"{role}\" aria-label=\"{label}\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\">{content}</svg>",
            whole(width * scale),
            whole(height * scale),
            whole(width),
            whole(height),
        )
    }
}

/// Draws a graph; `None` if no layout can be computed. `link` is the address of a node by its index, if it is a link; it is a
/// part of an attribute.
pub(in crate::report) fn drawing(
    graph: &WhyGraph<'_>,
    link: &dyn Fn(usize) -> Option<String>,
) -> Option<Drawing> {
    let nodes: Vec<Vec<String>> = graph.nodes.iter().map(node_lines).collect();
    let sizes: Vec<Size> = nodes
        .iter()
        .map(|lines| {
            let Size { width, height } = size(lines, NODE_CHARACTER, NODE_LINE);
            Size { width: width + 16.0, height: height + 9.0 }
        })
        .collect();
    // A dev-dependency of a package on itself is listed only.
    let edges: Vec<&WhyEdge<'_>> =
        graph.edges.iter().filter(|edge| edge.dependent != edge.dependency).collect();
    let labels: Vec<Vec<String>> = edges.iter().map(|edge| edge_lines(edge)).collect();
    let edge_sizes: Vec<EdgeSize> = edges
        .iter()
        .zip(&labels)
        .map(|(edge, lines)| {
            let Size { width, height } = size(lines, LABEL_CHARACTER, LABEL_LINE);
            let label = Size { width: width + 8.0, height: height + 2.0 };
            EdgeSize { from: edge.dependent, to: edge.dependency, label }
        })
        .collect();
    let Layout { size, nodes: centers, edges: bends } =
        layout(&sizes, &edge_sizes, direction(&sizes, &edge_sizes))?;
    let mut content = String::new();
    for (edge, (bends, _)) in edges.iter().zip(&bends) {
        let class = if is_only_for_build_or_tests(edge) { " class=\"o\"" } else { "" };
        content.push_str(&format!("<path{class} d=\"{}\"/>", curve(bends)));
    }
    // Labels are above all lines.
    for (lines, (_, center)) in labels.iter().zip(&bends) {
        content.push_str(&text("e", lines, *center, LABEL_LINE));
    }
    let all = graph.nodes.iter().zip(&nodes).zip(&centers).zip(&sizes);
    for (at, (((node, lines), center), size)) in all.enumerate() {
        let (x, y) = (center.x - size.width / 2.0, center.y - size.height / 2.0);
        let class = match node {
            WhyNode { is_subject: true, .. } => "s",
            WhyNode { is_member: true, .. } => "m",
            _ => "n",
        };
        let (start, end) = link(at)
            .map_or((String::new(), ""), |address| (format!("<a href=\"{address}\">"), "</a>"));
        content.push_str(&format!(
            "{start}<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>{}{end}",
            whole(x),
            whole(y),
            whole(size.width),
            whole(size.height),
            text("p", lines, *center, NODE_LINE),
        ));
    }
    let scale = (PAGE_WIDTH / size.width).clamp(SMALLEST_SCALE, 1.0);
    Some(Drawing { content, frame: Frame { size, scale } })
}

/// From left to right, if the longest dependency path has space on a page.
fn direction(nodes: &[Size], edges: &[EdgeSize]) -> Direction {
    let mut ends: Vec<f64> = nodes.iter().map(|size| size.width).collect();
    // Cycles have no longest path: there are no more rounds than nodes.
    for _ in nodes {
        for EdgeSize { from, to, label } in edges {
            ends[*to] = ends[*to].max(ends[*from] + RANK_SPACE + label.width + nodes[*to].width);
        }
    }
    if ends.iter().all(|end| *end <= PAGE_WIDTH) { Direction::Right } else { Direction::Down }
}

fn is_only_for_build_or_tests(edge: &WhyEdge<'_>) -> bool {
    edge.dependencies.iter().all(|one| one.kind != DependencyKind::Normal)
}

fn node_lines(node: &WhyNode<'_>) -> Vec<String> {
    let name = shortened(&package(node.package), LONGEST_LINE);
    let more = (node.left_out > 0).then(|| format!("+ {}", counted(node.left_out, "dependent")));
    [name].into_iter().chain(more).collect()
}

/// The requirements, then the kinds other than normal and the features.
fn edge_lines(edge: &WhyEdge<'_>) -> Vec<String> {
    let mut requirements: Vec<&str> = Vec::new();
    let mut kinds: Vec<&str> = Vec::new();
    let mut more: Vec<String> = Vec::new();
    for one in &edge.dependencies {
        if !requirements.contains(&one.requirement.as_str()) {
            requirements.push(&one.requirement);
        }
        if !kinds.contains(&one.kind.name()) {
            kinds.push(one.kind.name());
        }
        more.extend(features(one).filter(|features| !more.contains(features)));
    }
    let mut lines = vec![requirements.join(" and ")];
    if kinds != ["normal"] {
        lines.push(kinds.join(" and "));
    }
    lines.extend(more);
    lines.iter().map(|line| shortened(line, LONGEST_LINE)).collect()
}

fn size(lines: &[String], character: f64, line: f64) -> Size {
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    Size { width: number(longest) * character, height: number(lines.len()) * line }
}

/// A text of several lines around a center.
fn text(class: &str, lines: &[String], center: Position, line: f64) -> String {
    let top = center.y - number(lines.len()) * line / 2.0 + line * 0.75;
    let lines = lines.iter().enumerate().map(|(at, one)| {
        let y = whole(top + number(at) * line);
        format!(
            "<text class=\"{class}\" x=\"{}\" y=\"{y}\">{}</text>",
            whole(center.x),
            escaped(one)
        )
    });
    lines.collect()
}

/// A line through all bends, with round corners.
fn curve(bends: &[Position]) -> String {
    let point = |at: Position| format!("{} {}", whole(at.x), whole(at.y));
    let [first, inner @ .., last] = bends else { return String::new() };
    let mut path = format!("M{}", point(*first));
    let mut before = *first;
    for (at, bend) in inner.iter().enumerate() {
        let next = inner.get(at + 1).unwrap_or(last);
        let (start, end) = (towards(*bend, before), towards(*bend, *next));
        path.push_str(&format!("L{}Q{} {}", point(start), point(*bend), point(end)));
        before = *bend;
    }
    path.push_str(&format!("L{}", point(*last)));
    path
}

/// The position at which a round corner begins or ends.
fn towards(bend: Position, other: Position) -> Position {
    let (x, y) = (other.x - bend.x, other.y - bend.y);
    let length = x.hypot(y).max(1.0);
    let part = (CORNER / length).min(0.5);
    Position { x: bend.x + x * part, y: bend.y + y * part }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A coordinate in whole pixels.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is within the range"
)]
fn whole(coordinate: f64) -> u32 {
    coordinate.round().clamp(0.0, 1e6) as u32
}
