//! The dependencies of a graph of packages as lines of text.

use crate::{
    report::markup::{escaped, package},
    verdict::{DependencyEdge, DependencyKind, WhyEdge, WhyGraph},
};

/// All dependencies of a graph, a line for each package: `app 0.1.0 → cookie 0.18.1 (^0.18, build), time 0.3.44 (^0.3)`.
pub(in crate::report) fn lines(graph: &WhyGraph<'_>) -> Vec<String> {
    let name = |at: usize| package(graph.nodes[at].package);
    let of_one = |edges: &[WhyEdge<'_>]| {
        let all = edges.iter().map(|edge| {
            let each: Vec<_> = edge.dependencies.iter().map(|one| conditions(one)).collect();
            format!("{} ({})", name(edge.dependency), each.join("; "))
        });
        let all: Vec<_> = all.collect();
        escaped(&format!("{} → {}", name(edges[0].dependent), all.join(", ")))
    };
    graph.edges.chunk_by(|one, next| one.dependent == next.dependent).map(of_one).collect()
}

/// The requirement, and under which conditions it counts: `^0.18, build, feature tls, cfg(unix)`.
pub(in crate::report) fn conditions(edge: &DependencyEdge) -> String {
    let mut all = vec![edge.requirement.clone()];
    all.extend((edge.kind != DependencyKind::Normal).then(|| edge.kind.name().to_owned()));
    all.extend(features(edge));
    all.extend(edge.target.clone());
    all.join(", ")
}

pub(super) fn features(edge: &DependencyEdge) -> Option<String> {
    match edge.features.as_slice() {
        [] if edge.is_optional => Some("optional".to_owned()),
        [] => None,
        [feature] => Some(format!("feature {feature}")),
        features => Some(format!("features {}", features.join(" "))),
    }
}
