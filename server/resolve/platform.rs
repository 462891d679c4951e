//! What `cargo metadata --filter-platform` leaves out, taken from its output without that option: CI may check one
//! workspace for many targets, and cargo takes as long for each.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    env,
};

use camino::Utf8Path;
use krates::{
    cfg_expr::{
        Expression,
        expr::Predicate,
        targets::{Family, TargetInfo, get_builtin_target_by_triple},
    },
    cm::{Metadata, NodeDep},
};

use super::cargo_configuration::configuration_texts;

/// The options that rustc sets by itself and of which only it knows the values.
const OPTIONS_OF_RUSTC: [&str; 7] = [
    "contract_checks",
    "emscripten_wasm_eh",
    "fmt_debug",
    "overflow_checks",
    "relocation_model",
    "sanitize",
    "ub_checks",
];

/// What may set configuration options of the compiler: the flags in the environment, and cargo's configuration.
pub(super) struct CompilerFlags(Vec<String>);

impl CompilerFlags {
    /// Those of cargo when it runs in a folder.
    pub(super) fn of(folder: &Utf8Path) -> Self {
        let in_environment = env::vars_os().filter_map(|(name, value)| {
            let is_flags = name.to_str().is_some_and(is_compiler_flags);
            is_flags.then(|| value.to_string_lossy().into_owned())
        });
        Self(in_environment.chain(configuration_texts(folder)).collect())
    }

    /// Whether they may set an option: they contain it, include a file, or name one as an argument (`@flags`).
    fn may_set(&self, option: &str) -> bool {
        let names_file = |text: &str| {
            text.match_indices('@').any(|(at, _)| {
                let before = text[..at].chars().next_back();
                before.is_none_or(|before| before.is_whitespace() || "\"'\u{1f}".contains(before))
            })
        };
        self.0
            .iter()
            .any(|text| text.contains(option) || text.contains("include") || names_file(text))
    }
}

/// Whether an environment variable has flags of the compiler: `RUSTFLAGS`, or one of cargo's for it or for one target.
pub(super) fn is_compiler_flags(variable: &str) -> bool {
    variable.ends_with("RUSTFLAGS")
}

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
                let known = applies.get(table).copied();
                let applies_now = match known {
                    Some(known) => known,
                    None => table_applies(table, target, flags)?,
                };
                applies.insert(table, applies_now);
                is_kept |= applies_now;
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
    let unless = |may_be_set: bool| if may_be_set { None } else { Some(false) };
    let option = |name: &str| unless(OPTIONS_OF_RUSTC.contains(&name) || flags.may_set(name));
    Expression::parse(table).ok()?.eval(|predicate| match predicate {
        Predicate::Target(predicate) => Some(predicate.matches(target)),
        // What `rustc --print cfg` lists.
        Predicate::DebugAssertions => Some(true),
        Predicate::Test | Predicate::ProcMacro | Predicate::Feature(_) => Some(false),
        // WebAssembly has threads only where they are asked for.
        Predicate::TargetFeature("atomics") if target.families.contains(&Family::wasm) => {
            let by_default = target.triple.as_str().contains("threads");
            unless(by_default || flags.may_set("atomics") || flags.may_set("target-cpu"))
        }
        Predicate::TargetFeature(_) => None,
        Predicate::Flag(name) => option(name),
        Predicate::KeyValue { key, .. } => option(key),
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
        let flags = CompilerFlags(vec!["-C opt-level=3 --cfg loom".to_owned()]);
        let gate = "cfg(all(unix, not(any(rustix_use_libc, miri))))";
        for (table, on_linux, on_windows) in [
            ("cfg(windows)", Some(false), Some(true)),
            ("cfg(not(target_os = \"windows\"))", Some(true), Some(false)),
            ("cfg(all(unix, target_arch = \"x86_64\"))", Some(true), Some(false)),
            ("x86_64-pc-windows-msvc", Some(false), Some(true)),
            ("cfg(test)", Some(false), Some(false)),
            ("cfg(debug_assertions)", Some(true), Some(true)),
            // Only the compiler knows.
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
        let table = "cfg(all(target_family = \"wasm\", target_feature = \"atomics\"))";
        for (triple, flags, applies) in [
            ("x86_64-unknown-linux-gnu", "", Some(false)),
            ("wasm32-unknown-unknown", "", Some(false)),
            ("wasm32-unknown-unknown", "-C target-feature=+atomics", None),
            ("wasm32-unknown-unknown", "-C target-cpu=bleeding-edge", None),
            ("wasm32-wasip1-threads", "", None),
        ] {
            let flags = CompilerFlags(vec![flags.to_owned()]);
            assert_eq!(table_applies(table, target(triple), &flags), applies, "{triple}");
        }
        for (text, may_set) in [
            ("git = \"git@example.com\"", false),
            ("rustflags = [\"@flags\"]", true),
            ("-g @flags", true),
            ("-g\u{1f}@flags", true),
            ("@flags", true),
            ("include = \"other.toml\"", true),
        ] {
            assert_eq!(CompilerFlags(vec![text.to_owned()]).may_set("loom"), may_set, "{text}");
        }
    }
}
