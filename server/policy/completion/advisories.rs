//! Advisories: those that are found now first, then all that the databases know.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CompletionBuilder, subjects_of,
    edit::{InsertionPoint, quoted},
    is_there,
    item::{SuggestionKind, Rank, Snippet},
    packages::entry,
};
use crate::{
    policy::{NO_REASON, cursor::ListContext, rich_text::RichText},
    verdict::{Finding, Severity, harmless},
};

impl<'m> CompletionBuilder<'m> {
    /// Ids alone.
    pub(super) fn advisories(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
        let found = self.found_advisories();
        for (id, findings) in &found {
            if is_there(others, id) {
                continue;
            }
            let Some(edit) = spot.string(id) else { continue };
            let item = edit.item(*id, SuggestionKind::Advisory, Rank::Finding);
            self.items.push(item.detail(packages(findings)).about(told(findings)));
        }
        for known in self.facts.advisories {
            if found.contains_key(known.id.as_str()) || is_there(others, &known.id) {
                continue;
            }
            let Some(edit) = spot.string(&known.id) else { continue };
            let title =
                RichText::default().code(&*known.package).text(": ").text(harmless(&known.title));
            let item = edit.item(known.id.as_str(), SuggestionKind::Advisory, Rank::Unused).about(title);
            self.items.push(item.detail(format!("{}; matches nothing now", known.package)));
        }
    }

    /// `{ id = "..", reason = ".." }` for those that are found now.
    pub(super) fn advisory_entries(&mut self, spot: &InsertionPoint<'_>, list: &ListContext) {
        let others = subjects_of(list);
        for (id, findings) in self.found_advisories() {
            if is_there(&others, id) {
                continue;
            }
            let template = Snippet::from("{ id = ").text(quoted(id)).text(", reason = \"");
            let template = template.stop(NO_REASON).text("\" }");
            let label = format!("{{ id = \"{id}\", reason }}");
            let item = entry(spot, template, id).item(label, SuggestionKind::Advisory, Rank::Finding);
            self.items.push(item.detail(packages(&findings)).about(told(&findings)));
        }
    }

    /// The advisories that are found and not ignored, by their ids.
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

/// The packages that findings are about.
fn packages(findings: &[&Finding]) -> String {
    let all = findings.iter().flat_map(|finding| &finding.packages);
    let all: BTreeSet<String> = all.map(|one| format!("{} {}", one.name, one.version)).collect();
    all.into_iter().collect::<Vec<_>>().join(", ")
}

fn told(findings: &[&Finding]) -> RichText {
    let mut words = RichText::default();
    for finding in findings.iter().take(3) {
        words = words.paragraph().text(harmless(&finding.message));
        if let Some(remedy) = &finding.remedy {
            words = words.text("; ").text(harmless(remedy));
        }
    }
    words
}
