//! Licenses: first those in the graph with their number of packages, then all others on the SPDX list.

use std::{collections::BTreeSet, sync::LazyLock};

use spdx::{
    Expression, LicenseId, Licensee, ParseMode,
    identifiers::{EXCEPTIONS, LICENSES},
};

use super::{
    CompletionBuilder,
    edit::InsertionPoint,
    is_listed,
    item::{Rank, SuggestionKind, SuggestionSubject},
};
use crate::policy::{cursor::ValueContext, rich_text::RichText};

/// cargo-deny accepts deprecated names in its lists.
const ENTRY: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// A license on the SPDX list.
struct SpdxLicense {
    id: LicenseId,
    /// Whether it is valid in a strict expression
    in_expressions: bool,
}

/// The licenses that cargo-deny accepts in its lists.
static SPDX_LICENSES: LazyLock<Vec<SpdxLicense>> = LazyLock::new(|| {
    let all = LICENSES.iter().filter_map(|license| spdx::license_id(license.name));
    let accepted = all.filter(|id| licensee(id.name).is_some());
    accepted
        .map(|id| SpdxLicense { id, in_expressions: Expression::parse(id.name).is_ok() })
        .collect()
});

/// Parses an entry of a list of licenses like cargo-deny.
pub(super) fn licensee(text: &str) -> Option<Licensee> {
    Licensee::parse_mode(text, ENTRY).ok()
}

impl CompletionBuilder<'_> {
    /// Suggests entries of a list of licenses.
    pub(super) fn licenses(
        &mut self,
        insertion: &InsertionPoint<'_>,
        context: &ValueContext,
        others: &[&str],
    ) {
        // An exception is for the packages that it matches, the list for all.
        let is_exception = context.path.iter().any(|name| name == "exceptions");
        let needed: BTreeSet<String> = if is_exception {
            self.named().iter().flat_map(|one| &one.terms).map(ToString::to_string).collect()
        } else {
            self.facts.graph.terms.keys().map(ToString::to_string).collect()
        };
        if let Some((license, _)) = insertion.typed().split_once(" WITH ") {
            self.with_exception(license, insertion, &needed, others);
            return;
        }
        for term in &needed {
            if is_listed(others, term) || licensee(term).is_none() {
                continue;
            }
            let Some(edit) = insertion.string(term) else { continue };
            let item = edit.item(term.as_str(), SuggestionKind::License, Rank::Required);
            self.items.push(item.detail(self.counted(term)).of(SuggestionSubject::License));
        }
        for license in SPDX_LICENSES.iter() {
            let name = license.id.name;
            if needed.contains(name) || is_listed(others, name) {
                continue;
            }
            let Some(edit) = insertion.string(name) else { continue };
            let rank =
                if self.facts.graph.packages.is_empty() { Rank::Other } else { Rank::Unused };
            let item =
                edit.item(name, SuggestionKind::License, rank).of(SuggestionSubject::License);
            self.items.push(item.detail(match rank {
                Rank::Unused => "no package uses it".to_owned(),
                _ => license.id.full_name.to_owned(),
            }));
        }
    }

    /// Suggests exceptions after `LICENSE WITH`.
    fn with_exception(
        &mut self,
        license: &str,
        insertion: &InsertionPoint<'_>,
        needed: &BTreeSet<String>,
        others: &[&str],
    ) {
        for exception in EXCEPTIONS {
            let term = format!("{license} WITH {}", exception.name);
            if is_listed(others, &term) || licensee(&term).is_none() {
                continue;
            }
            let rank = if needed.contains(&term) { Rank::Required } else { Rank::Unused };
            let Some(edit) = insertion.string(&term) else { continue };
            let item = edit.item(term.as_str(), SuggestionKind::License, rank);
            self.items.push(item.detail(self.counted(&term)).of(SuggestionSubject::License));
        }
    }

    /// Suggests the last word of an expression: a license after an operator, an exception after `WITH`.
    pub(super) fn expressions(&mut self, insertion: &InsertionPoint<'_>) {
        let typed = insertion.typed();
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
                    let Some(edit) = insertion.word(self.text, start, exception.name) else {
                        continue;
                    };
                    let rank = if count.is_some() { Rank::Usual } else { Rank::Other };
                    let item = edit.item(exception.name, SuggestionKind::License, rank);
                    self.items.push(item.of(SuggestionSubject::License));
                }
            }
            Some(&("AND" | "OR")) | None => {
                for license in SPDX_LICENSES.iter().filter(|license| license.in_expressions) {
                    let name = license.id.name;
                    let Some(edit) = insertion.word(self.text, start, name) else { continue };
                    let is_in_graph = self.facts.graph.licenses.contains_key(name);
                    let rank = if is_in_graph { Rank::Usual } else { Rank::Other };
                    let item = edit.item(name, SuggestionKind::License, rank);
                    let detail = if is_in_graph { self.counted(name) } else { String::new() };
                    self.items.push(item.detail(detail).of(SuggestionSubject::License));
                }
            }
            // After a license, the user types an operator first.
            Some(_) => {}
        }
    }

    /// The number of packages with a license.
    fn counted(&self, term: &str) -> String {
        match self.facts.graph.terms.get(term).copied().unwrap_or_default() {
            0 => "no package uses it".to_owned(),
            1 => "1 package".to_owned(),
            count => format!("{count} packages"),
        }
    }

    pub(super) fn license_description(&self, term: &str) -> RichText {
        let (license, exception) = match term.split_once(" WITH ") {
            Some((license, exception)) => (license, Some(exception)),
            None => (term, None),
        };
        let mut text = RichText::default();
        if let Some(id) = spdx::license_id(license) {
            text = text.text(id.full_name);
            let properties = [
                (id.is_osi_approved(), "OSI approved"),
                (id.is_fsf_free_libre(), "FSF free/libre"),
                (id.is_copyleft(), "copyleft"),
                (id.is_deprecated(), "deprecated by SPDX"),
            ];
            for (_, what) in properties.into_iter().filter(|(holds, _)| *holds) {
                text = text.text(" · ").text(what);
            }
        }
        if let Some(exception) = exception {
            text = text.text(" with ").text(exception);
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
            0 => text,
            count if count <= 5 => text.paragraph().text("Used by ").text(users.join(", ")),
            count => text.paragraph().text(format!(
                "Used by {} and {} more packages",
                users[..5].join(", "),
                count - 5
            )),
        }
    }
}
