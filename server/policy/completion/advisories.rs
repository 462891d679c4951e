//! Advisories: those that are found now first, then all that the databases know.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Maker, abouts,
    edit::{Spot, quoted},
    is_there,
    item::{ItemKind, Rank, Template},
    packages::entry,
};
use crate::{
    policy::{NO_REASON, cursor::ListContext, words::Words},
    verdict::{Finding, Severity, harmless},
};

impl<'m> Maker<'m> {
    /// Ids alone.
    pub(super) fn advisories(&mut self, spot: &Spot<'_>, others: &[&str]) {
        let found = self.found_advisories();
        for (id, findings) in &found {
            if is_there(others, id) {
                continue;
            }
            let Some(edit) = spot.string(id) else { continue };
            let item = edit.item(*id, ItemKind::Advisory, Rank::Finding);
            self.items.push(item.detail(packages(findings)).about(told(findings)));
        }
        for known in self.facts.advisories {
            if found.contains_key(known.id.as_str()) || is_there(others, &known.id) {
                continue;
            }
            let Some(edit) = spot.string(&known.id) else { continue };
            let title =
                Words::default().code(&*known.package).text(": ").text(harmless(&known.title));
            let item = edit.item(known.id.as_str(), ItemKind::Advisory, Rank::Unused).about(title);
            self.items.push(item.detail(format!("{}; matches nothing now", known.package)));
        }
    }

    /// `{ id = "..", reason = ".." }` for those that are found now.
    pub(super) fn advisory_entries(&mut self, spot: &Spot<'_>, list: &ListContext) {
        let others = abouts(list);
        for (id, findings) in self.found_advisories() {
            if is_there(&others, id) {
                continue;
            }
            let template = Template::from("{ id = ").text(quoted(id)).text(", reason = \"");
            let template = template.stop(NO_REASON).text("\" }");
            let label = format!("{{ id = \"{id}\", reason }}");
            let item = entry(spot, template, id).item(label, ItemKind::Advisory, Rank::Finding);
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

fn told(findings: &[&Finding]) -> Words {
    let mut words = Words::default();
    for finding in findings.iter().take(3) {
        words = words.paragraph().text(harmless(&finding.message));
        if let Some(remedy) = &finding.remedy {
            words = words.text("; ").text(harmless(remedy));
        }
    }
    words
}
