//! Features of the packages of an entry, and of the workspace members.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CompletionBuilder,
    edit::InsertionPoint,
    is_listed,
    item::{Rank, SuggestionKind},
};
use crate::policy::rich_text::RichText;

impl CompletionBuilder<'_> {
    /// Suggests features in `allow`, `deny` and `required-features` of an entry.
    pub(super) fn features(&mut self, insertion: &InsertionPoint<'_>, others: &[&str], key: &str) {
        // A feature cannot be in both lists.
        let level = self.cursor.level();
        let opposite = match key {
            "allow" => level.map_or(&[][..], |level| level.list("deny")),
            "deny" => level.map_or(&[][..], |level| level.list("allow")),
            _ => &[],
        };
        let mut features: BTreeMap<&str, bool> = BTreeMap::new();
        for package in self.named() {
            let enabled: BTreeSet<&str> = package.enabled.iter().map(|one| &**one).collect();
            for feature in package.features.iter().map(|one| &**one).chain(enabled.iter().copied())
            {
                *features.entry(feature).or_default() |= enabled.contains(feature);
            }
        }
        for (feature, enabled) in features {
            if is_listed(others, feature) || opposite.iter().any(|one| one == feature) {
                continue;
            }
            let Some(edit) = insertion.string(feature) else { continue };
            let rank = if enabled { Rank::Required } else { Rank::Usual };
            let item = edit.item(feature, SuggestionKind::Feature, rank);
            let about = if enabled { "Enabled in the graph." } else { "Not enabled in the graph." };
            self.items.push(
                item.detail(if enabled { "enabled" } else { "not enabled" })
                    .about(RichText::default().text(about)),
            );
        }
    }

    /// Suggests features in `graph.features`.
    pub(super) fn own_features(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let mut features: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in self.facts.graph.packages.iter().filter(|package| package.member) {
            for feature in &package.features {
                features.entry(feature).or_default().push(&package.name);
            }
        }
        for (feature, owners) in features {
            if is_listed(others, feature) {
                continue;
            }
            let Some(edit) = insertion.string(feature) else { continue };
            let item = edit.item(feature, SuggestionKind::Feature, Rank::Usual);
            self.items.push(item.detail(format!("of {}", owners.join(", "))));
        }
    }
}
