//! Target triples: first the common ones, then all others of rustc.

use cfg_expr::targets::ALL_BUILTINS;

use super::{
    CompletionBuilder,
    edit::InsertionPoint,
    is_listed,
    item::{Rank, SuggestionKind},
};

/// Tier 1 targets and other common ones.
const FIRST: [&str; 8] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-pc-windows-msvc",
    "x86_64-unknown-linux-musl",
    "wasm32-unknown-unknown",
];

impl CompletionBuilder<'_> {
    pub(super) fn triples(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let all = ALL_BUILTINS.iter().map(|target| target.triple.as_str());
        let all = all.filter(|triple| !FIRST.contains(triple));
        let first = FIRST.into_iter().map(|triple| (triple, Rank::Usual));
        for (triple, rank) in first.chain(all.map(|triple| (triple, Rank::Other))) {
            if is_listed(others, triple) {
                continue;
            }
            let Some(edit) = insertion.string(triple) else { continue };
            self.items.push(edit.item(triple, SuggestionKind::Target, rank));
        }
    }
}
