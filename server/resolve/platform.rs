//! What `cargo metadata --filter-platform` leaves out, taken from its output without that option: CI may check one
//! workspace for many targets, and cargo takes as long for each.

use std::collections::{HashMap, HashSet, VecDeque};

use krates::{
    cfg_expr::{
        Expression,
        expr::Predicate,
        targets::{TargetInfo, get_builtin_target_by_triple},
    },
    cm::{Metadata, NodeDep},
};

/// The output for one target, with cargo's rule: a dependency stays if one of its tables applies to the target, and a
/// package if a member reaches it. `None` if only the compiler knows that, as for `cfg(target_feature)` and
/// configuration options of the user.
pub(super) fn for_target(metadata: &Metadata, triple: &str) -> Option<Metadata> {
    let target = get_builtin_target_by_triple(triple)?;
    let resolve = metadata.resolve.as_ref()?;
    let mut applies: HashMap<&str, bool> = HashMap::new();
    let mut deps: HashMap<&str, Vec<&NodeDep>> = HashMap::new();
    for node in &resolve.nodes {
        let mut kept = Vec::new();
        for dep in &node.deps {
            let mut is_kept = false;
            for table in dep.dep_kinds.iter().map(|kind| kind.target.as_deref()) {
                is_kept |= match table {
                    None => true,
                    Some(table) => match applies.get(table) {
                        Some(known) => *known,
                        None => *applies.entry(table).or_insert(table_applies(table, target)?),
                    },
                };
            }
            if is_kept {
                kept.push(dep);
            }
        }
        deps.insert(&node.id.repr, kept);
    }
    let mut reached: HashSet<&str> = HashSet::new();
    let mut queue: VecDeque<&str> =
        metadata.workspace_members.iter().map(|id| id.repr.as_str()).collect();
    while let Some(id) = queue.pop_front() {
        if reached.insert(id) {
            let of_package = deps.get(id).into_iter().flatten();
            queue.extend(of_package.map(|dep| dep.pkg.repr.as_str()));
        }
    }
    let mut filtered = metadata.clone();
    filtered.packages.retain(|package| reached.contains(package.id.repr.as_str()));
    if let Some(resolve) = &mut filtered.resolve {
        resolve.nodes.retain(|node| reached.contains(node.id.repr.as_str()));
        for node in &mut resolve.nodes {
            let kept: HashSet<(&str, &str)> = deps
                .get(node.id.repr.as_str())
                .into_iter()
                .flatten()
                .map(|dep| (dep.pkg.repr.as_str(), dep.name.as_str()))
                .collect();
            node.deps.retain(|dep| kept.contains(&(dep.pkg.repr.as_str(), dep.name.as_str())));
            let ids: HashSet<&str> = kept.iter().map(|(id, _)| *id).collect();
            node.dependencies.retain(|id| ids.contains(id.repr.as_str()));
        }
    }
    Some(filtered)
}

/// Whether the table `[target.<table>.dependencies]` applies to a target; `None` if only the compiler knows.
fn table_applies(table: &str, target: &TargetInfo) -> Option<bool> {
    if !table.starts_with("cfg(") {
        return Some(table == target.triple.as_str());
    }
    let expression = Expression::parse(table).ok()?;
    let is_known = expression.predicates().all(|predicate| {
        matches!(
            predicate,
            Predicate::Target(_)
                | Predicate::Test
                | Predicate::DebugAssertions
                | Predicate::Feature(_)
        )
    });
    is_known.then(|| {
        expression.eval(|predicate| match predicate {
            Predicate::Target(predicate) => predicate.matches(target),
            // What `rustc --print cfg` lists.
            Predicate::DebugAssertions => true,
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_apply_as_the_compiler_says() {
        let target = |triple| get_builtin_target_by_triple(triple).expect("a target");
        let linux = target("x86_64-unknown-linux-gnu");
        let windows = target("x86_64-pc-windows-msvc");
        for (table, on_linux, on_windows) in [
            ("cfg(windows)", Some(false), Some(true)),
            ("cfg(not(target_os = \"windows\"))", Some(true), Some(false)),
            ("cfg(all(unix, target_arch = \"x86_64\"))", Some(true), Some(false)),
            ("x86_64-pc-windows-msvc", Some(false), Some(true)),
            ("cfg(test)", Some(false), Some(false)),
            ("cfg(target_feature = \"sse2\")", None, None),
            ("cfg(loom)", None, None),
            ("cfg(any(windows, tokio_unstable))", None, None),
        ] {
            assert_eq!(table_applies(table, linux), on_linux, "{table}");
            assert_eq!(table_applies(table, windows), on_windows, "{table}");
        }
    }
}
