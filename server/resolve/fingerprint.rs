//! What cargo's answer says besides the requirements that manifests state. While that stays the
//! same, so does the graph of packages: what was linked once need not be linked again.

use krates::cm::Metadata;
use twox_hash::xxhash3_128::Hasher;

/// A requirement in cargo's answer: nothing else looks like it, since quotes within strings are escaped.
const REQUIREMENT: &str = "\"req\":\"";

/// Stands for an answer of `cargo metadata` but for requirements. Only whether one accepts any
/// version counts of them: cargo-deny asks for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphFingerprint(u128);

impl GraphFingerprint {
    /// Of an answer as cargo wrote it.
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

/// Whether more than the names decide which declaration of a local package a dependency belongs to:
/// then requirements do, and the graph with them.
pub(super) fn needs_requirements(metadata: &Metadata) -> bool {
    let Some(resolve) = &metadata.resolve else { return true };
    let plain = |name: &str| name.replace('-', "_");
    let locals = metadata.packages.iter().filter(|package| package.source.is_none());
    let mut nodes = locals.filter_map(|package| {
        let node = resolve.nodes.iter().find(|node| node.id == package.id)?;
        Some((package, node))
    });
    nodes.any(|(package, node)| {
        node.deps.iter().any(|dependency| {
            let target = metadata.packages.iter().find(|one| one.id == dependency.pkg);
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
    fn requirements_do_not_count_unless_they_accept_anything() {
        let answer = |requirement: &str, features: &str| {
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
            answer("^1", ""),
            answer("=1.0.2", ""),
            "what stands in a text is no requirement"
        );
    }
}
