//! Licenses: those of the graph first with how many packages state them, then all that SPDX knows.

use std::{collections::BTreeSet, sync::LazyLock};

use spdx::{
    Expression, LicenseId, Licensee, ParseMode,
    identifiers::{EXCEPTIONS, LICENSES},
};

use super::{
    CompletionBuilder,
    edit::Spot,
    is_there,
    item::{SuggestionKind, Rank, SuggestionSubject},
};
use crate::policy::{cursor::ValueContext, rich_text::RichText};

/// The names of entries may be deprecated ones, as cargo-deny reads them.
const ENTRY: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// What SPDX knows of a license.
struct SpdxLicense {
    id: LicenseId,
    /// It may stand in an expression by itself.
    strictly: bool,
}

/// The licenses that cargo-deny takes for entries.
static SPDX_LICENSES: LazyLock<Vec<SpdxLicense>> = LazyLock::new(|| {
    let all = LICENSES.iter().filter_map(|license| spdx::license_id(license.name));
    let taken = all.filter(|id| licensee(id.name).is_some());
    taken.map(|id| SpdxLicense { id, strictly: Expression::parse(id.name).is_ok() }).collect()
});

/// An entry of a list of licenses as cargo-deny reads it.
pub(super) fn licensee(text: &str) -> Option<Licensee> {
    Licensee::parse_mode(text, ENTRY).ok()
}

impl CompletionBuilder<'_> {
    /// An entry of a list of licenses.
    pub(super) fn licenses(&mut self, spot: &InsertionPoint<'_>, context: &ValueContext, others: &[&str]) {
        // What the entry is for: the packages that it names, or all.
        let is_exception = context.path.iter().any(|name| name == "exceptions");
        let wanted: BTreeSet<String> = if is_exception {
            self.named().iter().flat_map(|one| &one.terms).map(ToString::to_string).collect()
        } else {
            self.facts.graph.terms.keys().map(ToString::to_string).collect()
        };
        if let Some((license, _)) = spot.typed().split_once(" WITH ") {
            self.with_exception(license, spot, &wanted, others);
            return;
        }
        for term in &wanted {
            if is_there(others, term) || licensee(term).is_none() {
                continue;
            }
            let Some(edit) = spot.string(term) else { continue };
            let item = edit.item(term.as_str(), SuggestionKind::License, Rank::Required);
            self.items.push(item.detail(self.counted(term)).of(SuggestionSubject::License));
        }
        for known in SPDX_LICENSES.iter() {
            let name = known.id.name;
            if wanted.contains(name) || is_there(others, name) {
                continue;
            }
            let Some(edit) = spot.string(name) else { continue };
            let rank =
                if self.facts.graph.packages.is_empty() { Rank::Other } else { Rank::Unused };
            let item = edit.item(name, SuggestionKind::License, rank).of(SuggestionSubject::License);
            self.items.push(item.detail(match rank {
                Rank::Unused => "no package states it".to_owned(),
                _ => known.id.full_name.to_owned(),
            }));
        }
    }

    /// Behind `LICENSE WITH`.
    fn with_exception(
        &mut self,
        license: &str,
        spot: &InsertionPoint<'_>,
        wanted: &BTreeSet<String>,
        others: &[&str],
    ) {
        for exception in EXCEPTIONS {
            let term = format!("{license} WITH {}", exception.name);
            if is_there(others, &term) || licensee(&term).is_none() {
                continue;
            }
            let rank = if wanted.contains(&term) { Rank::Required } else { Rank::Unused };
            let Some(edit) = spot.string(&term) else { continue };
            let item = edit.item(term.as_str(), SuggestionKind::License, rank);
            self.items.push(item.detail(self.counted(&term)).of(SuggestionSubject::License));
        }
    }

    /// The last word of an expression: a license behind an operator, an exception behind `WITH`.
    pub(super) fn expressions(&mut self, spot: &InsertionPoint<'_>) {
        let typed = spot.typed();
        let start = typed.rfind([' ', '(']).map_or(0, |at| at + 1);
        let before = typed[..start].trim_end();
        let words: Vec<&str> = before.split([' ', '(']).filter(|word| !word.is_empty()).collect();
        match words.last() {
            Some(&"WITH") => {
                let license = words.iter().nth_back(1).copied().unwrap_or_default();
                for exception in EXCEPTIONS {
                    let term = format!("{license} WITH {}", exception.name);
                    if Expression::parse(&term).is_err() {
                        continue;
                    }
                    let count = self.facts.graph.exceptions.get(exception.name).copied();
                    let Some(edit) = spot.word(self.text, start, exception.name) else { continue };
                    let rank = if count.is_some() { Rank::Usual } else { Rank::Other };
                    let item = edit.item(exception.name, SuggestionKind::License, rank);
                    self.items.push(item.of(SuggestionSubject::License));
                }
            }
            Some(&("AND" | "OR")) | None => {
                for known in SPDX_LICENSES.iter().filter(|known| known.strictly) {
                    let name = known.id.name;
                    let Some(edit) = spot.word(self.text, start, name) else { continue };
                    let is_there = self.facts.graph.licenses.contains_key(name);
                    let rank = if is_there { Rank::Usual } else { Rank::Other };
                    let item = edit.item(name, SuggestionKind::License, rank);
                    let detail = if is_there { self.counted(name) } else { String::new() };
                    self.items.push(item.detail(detail).of(SuggestionSubject::License));
                }
            }
            // Behind a license comes an operator, and with it the next license.
            Some(_) => {}
        }
    }

    /// How many packages state a term.
    fn counted(&self, term: &str) -> String {
        match self.facts.graph.terms.get(term).copied().unwrap_or_default() {
            0 => "no package states it".to_owned(),
            1 => "1 package".to_owned(),
            count => format!("{count} packages"),
        }
    }

    pub(super) fn license_description(&self, term: &str) -> RichText {
        let (license, exception) = match term.split_once(" WITH ") {
            Some((license, exception)) => (license, Some(exception)),
            None => (term, None),
        };
        let mut words = RichText::default();
        if let Some(id) = spdx::license_id(license) {
            words = words.text(id.full_name);
            let said = [
                (id.is_osi_approved(), "approved by OSI"),
                (id.is_fsf_free_libre(), "free by FSF"),
                (id.is_copyleft(), "copyleft"),
                (id.is_deprecated(), "a name that SPDX has given up"),
            ];
            for (_, what) in said.into_iter().filter(|(holds, _)| *holds) {
                words = words.text(" · ").text(what);
            }
        }
        if let Some(exception) = exception {
            words = words.text(" with ").text(exception);
        }
        let users = self
            .facts
            .graph
            .packages
            .iter()
            .filter(|package| package.terms.iter().any(|one| **one == *term));
        let users: Vec<String> =
            users.map(|package| format!("{} {}", package.name, package.version)).collect();
        match users.len() {
            0 => words,
            count if count <= 5 => words.paragraph().text("Stated by ").text(users.join(", ")),
            count => words.paragraph().text(format!(
                "Stated by {}, and {} more packages",
                users[..5].join(", "),
                count - 5
            )),
        }
    }
}
