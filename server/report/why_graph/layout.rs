//! The positions of a small graph.
//!
//! Computed by `dagre`, a port of dagre.js with its tests: of the layout crates it alone returns the bends of edges and leaves
//! room for their labels. `rust-sugiyama` returns positions of nodes only, so that edges would cross nodes, and
//! `layout-rs` draws the SVG itself, with texts that it does not escape. `dagre` brings no package that is not there already.

use dagre::{
    EdgeLabel, GraphLabel, LayoutOptions, NodeLabel, RankDir,
    graph::{Graph, GraphOptions},
};

use crate::threads;

/// Where edges lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Direction {
    Right,
    Down,
}

/// The space between two nodes, besides that of a label.
pub(in crate::report) const RANK_SPACE: f64 = 24.0;

/// A width and a height, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Size {
    pub(in crate::report) width: f64,
    pub(in crate::report) height: f64,
}

/// A position, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Position {
    pub(in crate::report) x: f64,
    pub(in crate::report) y: f64,
}

/// An edge between two nodes, with the size of its label.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct EdgeSize {
    pub(in crate::report) from: usize,
    pub(in crate::report) to: usize,
    pub(in crate::report) label: Size,
}

/// Where everything is.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Layout {
    pub(in crate::report) size: Size,
    /// The centers of the nodes.
    pub(in crate::report) nodes: Vec<Position>,
    /// The bends of the edges and the centers of their labels.
    pub(in crate::report) edges: Vec<(Vec<Position>, Position)>,
}

/// Computes the positions; `None` if that fails. There must be no edge from a node to itself, and no two between the same
/// nodes.
pub(in crate::report) fn layout(
    nodes: &[Size],
    edges: &[EdgeSize],
    direction: Direction,
) -> Option<Layout> {
    threads::catch_and_warn(|| computed(nodes, edges, direction)).ok().flatten()
}

fn computed(nodes: &[Size], edges: &[EdgeSize], direction: Direction) -> Option<Layout> {
    let mut graph: Graph<NodeLabel, EdgeLabel> =
        Graph::with_options(GraphOptions { directed: true, multigraph: false, compound: false });
    for (at, Size { width, height }) in nodes.iter().copied().enumerate() {
        graph.set_node(at.to_string(), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for EdgeSize { from, to, label: Size { width, height } } in edges.iter().copied() {
        let label = EdgeLabel { width, height, labelpos: CENTER, ..EdgeLabel::default() };
        graph.set_edge(from.to_string(), to.to_string(), Some(label), None);
    }
    let options = LayoutOptions {
        rankdir: match direction {
            Direction::Right => RankDir::LR,
            Direction::Down => RankDir::TB,
        },
        nodesep: 14.0,
        edgesep: 10.0,
        ranksep: RANK_SPACE,
        marginx: 8.0,
        marginy: 8.0,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    let label: &GraphLabel = graph.graph_label()?;
    let size = Size { width: label.width, height: label.height };
    let position = |x: Option<f64>, y: Option<f64>| Some(Position { x: x?, y: y? });
    let centers = (0..nodes.len()).map(|at| {
        let node = graph.node(&at.to_string())?;
        position(node.x, node.y)
    });
    let bends = edges.iter().map(|edge| {
        let label = graph.edge(&edge.from.to_string(), &edge.to.to_string(), None)?;
        let points = label.points.iter().map(|point| Position { x: point.x, y: point.y });
        Some((points.collect(), position(label.x, label.y)?))
    });
    Some(Layout {
        size,
        nodes: centers.collect::<Option<_>>()?,
        edges: bends.collect::<Option<_>>()?,
    })
}

/// The label is in the middle of its edge.
const CENTER: dagre::layout::types::LabelPos = dagre::layout::types::LabelPos::Center;

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(nodes: usize, edges: &[(usize, usize)]) -> (Vec<Size>, Vec<EdgeSize>) {
        let nodes = vec![Size { width: 80.0, height: 24.0 }; nodes];
        let label = Size { width: 40.0, height: 14.0 };
        let edges = edges.iter().map(|(from, to)| EdgeSize { from: *from, to: *to, label });
        (nodes, edges.collect())
    }

    #[test]
    fn edges_lead_in_their_direction_and_their_labels_are_between_the_nodes() {
        let (nodes, edges) = sizes(3, &[(0, 1), (1, 2), (0, 2)]);
        let found = layout(&nodes, &edges, Direction::Right).expect("a layout");
        assert!(found.nodes[0].x < found.nodes[1].x && found.nodes[1].x < found.nodes[2].x);
        let (bends, label) = &found.edges[0];
        assert!(
            found.nodes[0].x + 40.0 < label.x && label.x < found.nodes[1].x - 40.0,
            "{found:?}"
        );
        assert!(bends.len() >= 2);
        assert!(found.size.width > 3.0 * 80.0, "{found:?}");
        assert_eq!(
            layout(&nodes, &edges, Direction::Right),
            Some(found),
            "it is the same each time"
        );
        let down = layout(&nodes, &edges, Direction::Down).expect("a layout");
        assert!(down.nodes[0].y < down.nodes[1].y && down.nodes[1].y < down.nodes[2].y);
    }

    #[test]
    fn cycle_and_lone_node_have_a_layout() {
        let (nodes, edges) = sizes(4, &[(0, 1), (1, 2), (2, 0)]);
        assert!(layout(&nodes, &edges, Direction::Right).is_some());
        assert!(layout(&nodes[..1], &[], Direction::Down).is_some());
    }
}
