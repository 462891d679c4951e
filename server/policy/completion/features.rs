//! Features of the packages that an entry names, and of the workspace's own.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CompletionBuilder,
    edit::Spot,
    is_there,
    item::{SuggestionKind, Rank},
};
use crate::policy::rich_text::RichText;

impl CompletionBuilder<'_> {
    /// In `allow`, `deny` and `required-features` of an entry.
    pub(super) fn features(&mut self, spot: &InsertionPoint<'_>, others: &[&str], key: &str) {
        // What one list allows the other cannot deny.
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
            if is_there(others, feature) || opposite.iter().any(|one| one == feature) {
                continue;
            }
            let Some(edit) = spot.string(feature) else { continue };
            let rank = if enabled { Rank::Required } else { Rank::Usual };
            let item = edit.item(feature, SuggestionKind::Feature, rank);
            let words = if enabled { "It is on in the graph." } else { "It is off in the graph." };
            self.items.push(
                item.detail(if enabled { "on" } else { "off" }).about(RichText::default().text(words)),
            );
        }
    }

    /// In `graph.features`.
    pub(super) fn own_features(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
        let mut features: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in self.facts.graph.packages.iter().filter(|package| package.member) {
            for feature in &package.features {
                features.entry(feature).or_default().push(&package.name);
            }
        }
        for (feature, owners) in features {
            if is_there(others, feature) {
                continue;
            }
            let Some(edit) = spot.string(feature) else { continue };
            let item = edit.item(feature, SuggestionKind::Feature, Rank::Usual);
            self.items.push(item.detail(format!("of {}", owners.join(", "))));
        }
    }
}
