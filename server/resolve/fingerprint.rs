//! A fingerprint of cargo's output without the version requirements. While it stays the same, the graph of packages can
//! be reused.

use std::collections::HashMap;

use krates::cm::Metadata;
use twox_hash::xxhash3_128::Hasher;

/// The start of a requirement in cargo's output; unambiguous, since quotes in strings are escaped.
const REQUIREMENT: &str = "\"req\":\"";

/// A hash of the output of `cargo metadata` without version requirements, except for whether each is `*`, which
/// cargo-deny checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphFingerprint(u128);

impl GraphFingerprint {
    /// Of cargo's output.
    pub(super) fn of(json: &str) -> Self {
        let mut hasher = Hasher::new();
        let mut rest = json;
        while let Some((before, after)) = rest.split_once(REQUIREMENT) {
            let (requirement, after) = after.split_once('"').unwrap_or((after, ""));
            hasher.write(before.as_bytes());
            hasher.write(if requirement == "*" { b"*" } else { b"=" });
            rest = after;
        }
        hasher.write(rest.as_bytes());
        Self(hasher.finish_128())
    }
}

/// Whether a dependency in the graph belongs to a dependency in a manifest by its requirement, not only by its name. Then
/// the graph depends on requirements.
pub(super) fn needs_requirements(metadata: &Metadata) -> bool {
    let Some(resolve) = &metadata.resolve else { return true };
    let plain = |name: &str| name.replace('-', "_");
    let by_id: HashMap<_, _> = metadata.packages.iter().map(|one| (&one.id, one)).collect();
    let nodes = resolve.nodes.iter().filter_map(|node| Some((*by_id.get(&node.id)?, node)));
    let mut nodes = nodes.filter(|(package, _)| package.source.is_none());
    nodes.any(|(package, node)| {
        node.deps.iter().any(|dependency| {
            let target = by_id.get(&dependency.pkg);
            let names = [Some(plain(&dependency.name)), target.map(|one| plain(&one.name))];
            let fitting = package.dependencies.iter().filter(|declared| {
                let name = plain(declared.rename.as_ref().unwrap_or(&declared.name));
                names.iter().flatten().any(|one| *one == name)
            });
            let fitting: Vec<_> = fitting.collect();
            let same = |a: &krates::cm::Dependency, b: &krates::cm::Dependency| {
                a.kind == b.kind && a.target == b.target
            };
            let mut later = fitting.iter().enumerate();
            later.any(|(at, one)| fitting[..at].iter().any(|before| same(before, one)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_ignores_requirements_except_any_version() {
        let with_string = |requirement: &str, features: &str| {
            GraphFingerprint::of(&format!(
                "{{\"dependencies\":[{{\"name\":\"a\",\"req\":\"{requirement}\",\"features\":[{features}]}}],\
                 \"description\":\"\\\"req\\\":\\\"{requirement}\\\"\"}}"
            ))
        };
        let plain = |requirement: &str, features: &str| {
            GraphFingerprint::of(&format!(
                "{{\"dependencies\":[{{\"name\":\"a\",\"req\":\"{requirement}\",\"features\":[{features}]}}]}}"
            ))
        };
        assert_eq!(plain("^1", ""), plain("=1.0.2", ""));
        assert_ne!(plain("^1", ""), plain("*", ""));
        assert_ne!(plain("^1", ""), plain("^1", "\"f\""));
        assert_ne!(
            with_string("^1", ""),
            with_string("=1.0.2", ""),
            "a string is not a requirement"
        );
    }
}
