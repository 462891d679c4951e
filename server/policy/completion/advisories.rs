//! Advisories: first those with findings, then all others in the databases.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CompletionBuilder,
    edit::{InsertionPoint, quoted},
    is_listed,
    item::{Rank, Snippet, SuggestionKind},
    packages::entry,
    subjects_of,
};
use crate::{
    policy::{REASON_PLACEHOLDER, cursor::ListContext, rich_text::RichText},
    verdict::{Finding, Severity, sanitize},
};

impl<'m> CompletionBuilder<'m> {
    /// Suggests ids.
    pub(super) fn advisories(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let found = self.found_advisories();
        for (id, findings) in &found {
            if is_listed(others, id) {
                continue;
            }
            let Some(edit) = insertion.string(id) else { continue };
            let item = edit.item(*id, SuggestionKind::Advisory, Rank::Finding);
            self.items.push(item.detail(packages(findings)).about(messages(findings)));
        }
        for advisory in self.facts.advisories {
            if found.contains_key(advisory.id.as_str()) || is_listed(others, &advisory.id) {
                continue;
            }
            let Some(edit) = insertion.string(&advisory.id) else { continue };
            let title = RichText::default()
                .code(&*advisory.package)
                .text(": ")
                .text(sanitize(&advisory.title));
            let item = edit
                .item(advisory.id.as_str(), SuggestionKind::Advisory, Rank::Unused)
                .about(title);
            self.items.push(item.detail(format!("{}; no match in the graph", advisory.package)));
        }
    }

    /// Suggests `{ id = "..", reason = ".." }` for advisories with findings.
    pub(super) fn advisory_entries(&mut self, insertion: &InsertionPoint<'_>, list: &ListContext) {
        let others = subjects_of(list);
        for (id, findings) in self.found_advisories() {
            if is_listed(&others, id) {
                continue;
            }
            let snippet = Snippet::from("{ id = ").text(quoted(id)).text(", reason = \"");
            let snippet = snippet.placeholder(REASON_PLACEHOLDER).text("\" }");
            let label = format!("{{ id = \"{id}\", reason }}");
            let item =
                entry(insertion, snippet, id).item(label, SuggestionKind::Advisory, Rank::Finding);
            self.items.push(item.detail(packages(&findings)).about(messages(&findings)));
        }
    }

    /// The findings of advisories that are not ignored, by id.
    fn found_advisories(&self) -> BTreeMap<&'m str, Vec<&'m Finding>> {
        let mut found: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in self.facts.findings {
            if let Some(advisory) = &finding.advisory
                && finding.severity >= Severity::Warning
            {
                found.entry(advisory.id.as_str()).or_default().push(finding);
            }
        }
        found
    }
}

/// The packages of the findings.
fn packages(findings: &[&Finding]) -> String {
    let all = findings.iter().flat_map(|finding| &finding.packages);
    let all: BTreeSet<String> = all.map(|one| format!("{} {}", one.name, one.version)).collect();
    all.into_iter().collect::<Vec<_>>().join(", ")
}

fn messages(findings: &[&Finding]) -> RichText {
    let mut words = RichText::default();
    for finding in findings.iter().take(3) {
        words = words.paragraph().text(sanitize(&finding.message));
        if let Some(remedy) = &finding.remedy {
            words = words.text("; ").text(sanitize(remedy));
        }
    }
    words
}
