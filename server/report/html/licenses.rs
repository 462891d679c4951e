//! The packages by license.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::report::markup::{code, escaped, package};
use crate::{
    policy::{effects::counted, licenses::PackagesByLicense},
    report::Report,
};

/// The section about the packages of all workspaces, in about so many bytes at most; empty without any.
pub(super) fn section(report: &Report<'_>, most: usize) -> String {
    let mut by_license = PackagesByLicense::new();
    for facts in report.workspaces.iter().flat_map(|one| &one.verdict.graph.packages) {
        let license = facts.license.as_deref().unwrap_or_default().to_owned();
        by_license.entry(license).or_default().push(facts.package());
    }
    if by_license.is_empty() {
        return String::new();
    }
    for packages in by_license.values_mut() {
        packages.sort();
        packages.dedup();
    }
    let mut all: Vec<_> = by_license.into_iter().collect();
    all.sort_by_key(|(_, packages)| Reverse(packages.len()));
    let mut text = String::from(
        "<section><h2 id=\"licenses\">Packages by license</h2><p class=\"note\">As their manifests state it. The license check also reads \
         license texts and follows the clarifications of the policy.</p>",
    );
    let mut left_out = BTreeMap::new();
    for (license, packages) in &all {
        let title = match license.as_str() {
            "" => "no license expression".to_owned(),
            license => code(license),
        };
        let names: Vec<_> = packages.iter().map(|one| escaped(&package(one))).collect();
        let part = format!(
            "<details><summary>{title} {}</summary><p class=\"names\">{}</p></details>",
            counted(packages.len(), "package"),
            names.join(", ")
        );
        if text.len() + part.len() > most {
            left_out.insert(license, packages.len());
        } else {
            text.push_str(&part);
        }
    }
    if !left_out.is_empty() {
        let packages = counted(left_out.values().sum(), "package");
        text.push_str(&format!("<p class=\"note\">{packages} with other licenses left out.</p>"));
    }
    text.push_str("</section>");
    text
}
