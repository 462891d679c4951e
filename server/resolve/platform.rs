//! What `cargo metadata --filter-platform` leaves out, taken from its output without that option: CI may check one
//! workspace for many targets, and cargo takes as long for each.

use std::collections::{HashMap, HashSet, VecDeque};

use krates::{
    cfg_expr::{
        Expression,
        expr::{Predicate, TargetPredicate},
        targets::{Family, TargetInfo, get_builtin_target_by_triple},
    },
    cm::{Metadata, NodeDep},
};

use super::compiler_flags::CompilerFlags;

/// The output for one target, with cargo's rule: a dependency stays if one of its tables applies to the target, and a
/// package if a member reaches it. `None` if only the compiler knows that, as for `cfg(target_feature)` and
/// configuration options that its flags set.
pub(super) fn for_target(
    metadata: &Metadata,
    triple: &str,
    flags: &CompilerFlags,
) -> Option<Metadata> {
    let target = get_builtin_target_by_triple(triple)?;
    let resolve = metadata.resolve.as_ref()?;
    let mut applies: HashMap<&str, bool> = HashMap::new();
    let mut deps: HashMap<&str, Vec<&NodeDep>> = HashMap::new();
    for node in &resolve.nodes {
        let mut kept = Vec::new();
        for dep in &node.deps {
            let mut is_kept = false;
            for table in dep.dep_kinds.iter().map(|kind| kind.target.as_deref()) {
                let Some(table) = table else {
                    is_kept = true;
                    continue;
                };
                is_kept |= if let Some(known) = applies.get(table) {
                    *known
                } else {
                    let now = table_applies(table, target, flags)?;
                    *applies.entry(table).or_insert(now)
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
fn table_applies(table: &str, target: &TargetInfo, flags: &CompilerFlags) -> Option<bool> {
    if !table.starts_with("cfg(") {
        return Some(table == target.triple.as_str());
    }
    let unless = |is_unknown: bool, value: bool| if is_unknown { None } else { Some(value) };
    Expression::parse(table).ok()?.eval(|predicate| match predicate {
        // Flags can change what a target has by default.
        Predicate::Target(
            predicate @ (TargetPredicate::Panic(_) | TargetPredicate::HasAtomic(_)),
        ) => unless(flags.may_change_defaults(), predicate.matches(target)),
        Predicate::Target(predicate) => Some(predicate.matches(target)),
        Predicate::DebugAssertions => unless(flags.may_change_defaults(), true),
        // WebAssembly has threads only where they are asked for.
        Predicate::TargetFeature("atomics") if target.families.contains(&Family::wasm) => {
            let by_default = target.triple.as_str().contains("threads");
            unless(by_default || flags.may_change_defaults(), false)
        }
        Predicate::TargetFeature(_) => None,
        Predicate::Flag(option) | Predicate::KeyValue { key: option, .. } => {
            unless(flags.may_set(option), false)
        }
        // `rustc --print cfg` lists none of them.
        Predicate::Test | Predicate::ProcMacro | Predicate::Feature(_) => Some(false),
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
        let flags = CompilerFlags::in_environment("--cfg loom");
        let gate = "cfg(all(unix, not(any(rustix_use_libc, miri))))";
        for (table, on_linux, on_windows) in [
            ("cfg(windows)", Some(false), Some(true)),
            ("cfg(not(target_os = \"windows\"))", Some(true), Some(false)),
            ("cfg(all(unix, target_arch = \"x86_64\"))", Some(true), Some(false)),
            ("x86_64-pc-windows-msvc", Some(false), Some(true)),
            ("cfg(test)", Some(false), Some(false)),
            // Only the compiler knows, with these flags.
            ("cfg(debug_assertions)", None, None),
            ("cfg(not(target_has_atomic = \"64\"))", None, None),
            ("cfg(target_feature = \"sse2\")", None, None),
            ("cfg(all(unix, target_feature = \"sse2\"))", None, Some(false)),
            ("cfg(overflow_checks)", None, None),
            // A flag may set it.
            ("cfg(loom)", None, None),
            ("cfg(any(windows, loom))", None, Some(true)),
            // No flag sets it.
            ("cfg(tokio_unstable)", Some(false), Some(false)),
            (gate, Some(true), Some(false)),
            ("cfg(getrandom_backend = \"custom\")", Some(false), Some(false)),
        ] {
            assert_eq!(table_applies(table, linux, &flags), on_linux, "{table}");
            assert_eq!(table_applies(table, windows, &flags), on_windows, "{table}");
        }
        let none = CompilerFlags::in_environment("");
        for (table, on_linux) in [
            ("cfg(debug_assertions)", Some(true)),
            ("cfg(not(target_has_atomic = \"64\"))", Some(false)),
            ("cfg(panic = \"unwind\")", Some(true)),
            ("cfg(loom)", Some(false)),
            ("cfg(target_feature = \"sse2\")", None),
        ] {
            assert_eq!(table_applies(table, linux, &none), on_linux, "{table}");
        }
        let table = "cfg(all(target_family = \"wasm\", target_feature = \"atomics\"))";
        for (triple, flags, applies) in [
            ("x86_64-unknown-linux-gnu", "", Some(false)),
            ("wasm32-unknown-unknown", "", Some(false)),
            ("wasm32-unknown-unknown", "-C target-feature=+atomics", None),
            ("wasm32-unknown-unknown", "-C target-cpu=bleeding-edge", None),
            ("wasm32-wasip1-threads", "", None),
        ] {
            let flags = CompilerFlags::in_environment(flags);
            assert_eq!(table_applies(table, target(triple), &flags), applies, "{triple}");
        }
    }
}
