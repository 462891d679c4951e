//! Common target features by the architecture of the triple. `rustc --print target-features` has the
//! whole list; cargo-deny accepts any word.

use cfg_expr::targets::{Arch, get_builtin_target_by_triple};

use super::{
    CompletionBuilder,
    edit::InsertionPoint,
    is_listed,
    item::{Rank, SuggestionKind},
};

const ARM: &[&str] =
    &["aes", "crc", "dotprod", "fp16", "lse", "neon", "rcpc", "sha2", "sha3", "sve"];

const RISCV: &[&str] = &["a", "c", "d", "f", "m", "v", "zba", "zbb", "zbs"];

const WASM: &[&str] = &[
    "atomics",
    "bulk-memory",
    "exception-handling",
    "multivalue",
    "mutable-globals",
    "nontrapping-fptoint",
    "reference-types",
    "relaxed-simd",
    "sign-ext",
    "simd128",
    "tail-call",
];

const X86: &[&str] = &[
    "adx",
    "aes",
    "avx",
    "avx2",
    "avx512f",
    "bmi1",
    "bmi2",
    "crt-static",
    "f16c",
    "fma",
    "lzcnt",
    "movbe",
    "pclmulqdq",
    "popcnt",
    "rdrand",
    "rdseed",
    "sha",
    "sse",
    "sse2",
    "sse3",
    "sse4.1",
    "sse4.2",
    "ssse3",
];

impl CompletionBuilder<'_> {
    /// Suggests `features` in an entry of `graph.targets`.
    pub(super) fn target_features(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let triple = self.cursor.levels.iter().rev().find_map(|level| level.string("triple"));
        let known =
            triple.and_then(get_builtin_target_by_triple).map(|target| features(&target.arch));
        let all = || [ARM, RISCV, WASM, X86].concat();
        let mut features = known.map_or_else(all, <[&str]>::to_vec);
        features.sort_unstable();
        features.dedup();
        for feature in features {
            if is_listed(others, feature) {
                continue;
            }
            let Some(edit) = insertion.string(feature) else { continue };
            self.items.push(edit.item(feature, SuggestionKind::Feature, Rank::Usual));
        }
    }
}

fn features(arch: &Arch) -> &'static [&'static str] {
    match arch.0.as_ref() {
        "aarch64" | "arm" | "arm64ec" => ARM,
        "riscv32" | "riscv64" => RISCV,
        "wasm32" | "wasm64" => WASM,
        "x86" | "x86_64" => X86,
        _ => &[],
    }
}
