//! Organizations whose repositories are all allowed.

use std::collections::BTreeMap;

use super::{LintContext, shown};
use crate::verdict::{Code, Finding, PackageRef, Severity};

pub(super) fn whole(context: &LintContext<'_>) -> Vec<Finding> {
    let mut by_entry: BTreeMap<(usize, usize), Vec<&PackageRef>> = BTreeMap::new();
    let allowed = context.input.findings.iter();
    let allowed = allowed.filter(|one| one.code == Some(Code::AllowedByOrganization));
    for finding in allowed {
        let here =
            |location: &&crate::verdict::Location| location.file == context.input.policy.name();
        let Some(location) = finding.locations.iter().find(here) else { continue };
        let packages = by_entry.entry((location.span.start, location.span.end)).or_default();
        packages.extend(&finding.packages);
    }
    let findings = by_entry.into_iter().filter_map(|((start, end), packages)| {
        let owner = shown(context.text.get(start..end)?.trim_matches(['"', '\'']));
        let mut sources: Vec<_> = packages
            .iter()
            .filter_map(|package| package.source.as_deref()?.split(['?', '#']).next())
            .collect();
        sources.sort_unstable();
        sources.dedup();
        let used = match sources.len() {
            1 => "1 is used".to_owned(),
            count => format!("{count} are used"),
        };
        let message = format!("all repositories of `{owner}` are allowed, but only {used}");
        let mut finding =
            context.finding(Code::WholeOrganization, Severity::Help, start..end, message);
        finding.remedy = Some("list the used repositories in `allow-git`".to_owned());
        finding.packages = packages.into_iter().cloned().collect();
        Some(finding)
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        policy::lints::samples::Sample,
        verdict::{Code, Severity},
    };

    #[test]
    fn used_organization_is_reported() {
        let sample = Sample::new("[sources.allow-org]\ngithub = [\"$0one\", \"two\"]\n");
        assert_eq!(sample.covered(Code::WholeOrganization, Severity::Help), [""; 0]);
        let sample = sample.with(Code::AllowedByOrganization, Severity::Note, &["single"]);
        assert_eq!(sample.covered(Code::WholeOrganization, Severity::Help), ["one"]);
    }
}
