//! `ignore` entries for a package: they ignore yanked versions, not advisories.

use super::{LintContext, entries::CommentedEntry, shown};
use crate::{
    policy::entries::{PolicyList, is_id},
    verdict::{Check, Code, Finding, Severity},
};

pub(super) fn not_ignored<'r>(
    context: &'r LintContext<'_>,
    entries: &'r [CommentedEntry],
) -> impl Iterator<Item = Finding> + 'r {
    let entries =
        entries.iter().filter(|entry| entry.list == PolicyList::Ignore && !entry.is_advisory());
    entries.filter_map(|entry| {
        let unmatched = context.with_code(Code::YankedNotDetected, &entry.span).next()?;
        let name = entry.package()?.value;
        let subject = shown(&entry.subject.value);
        let capitals = subject.to_ascii_uppercase();
        let looks_like_id =
            |id: &str| ["RUSTSEC-", "CVE-", "GHSA-"].iter().any(|one| id.starts_with(one));
        let (severity, message, remedy) = if looks_like_id(&capitals) && is_id(&capitals) {
            (
                Severity::Warning,
                format!("`{subject}` is read as a package name, not as an advisory id"),
                format!("write the id in capitals: `{capitals}`"),
            )
        } else if context.input.findings.iter().any(|finding| {
            finding.check == Check::Advisories
                && finding.advisory.is_some()
                && finding.severity >= Severity::Warning
                && finding.packages.iter().any(|package| package.name == name)
        }) {
            (
                Severity::Warning,
                format!("this entry only ignores yanked versions of `{name}`, not its advisories"),
                "list the id of an advisory to ignore it".to_owned(),
            )
        } else if unmatched.severity < Severity::Warning {
            // Otherwise cargo-deny reports it.
            (
                Severity::Help,
                format!(
                    "this entry ignores nothing: no version of `{name}` in the graph is yanked"
                ),
                "remove this entry".to_owned(),
            )
        } else {
            return None;
        };
        let mut finding =
            context.finding(Code::IgnoresNothing, severity, entry.subject.span.clone(), message);
        finding.remedy = Some(remedy);
        Some(finding)
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        policy::lints::samples::Sample,
        verdict::{Code, Severity},
    };

    fn covered(sample: &Sample, severity: Severity) -> Vec<String> {
        sample.covered(Code::IgnoresNothing, severity)
    }

    #[test]
    fn lowercase_id_is_reported_as_a_package_name() {
        let policy = "[advisories]\nignore = [\"$0rustsec-2020-0001\"]\n";
        let sample = Sample::new(policy).with(Code::YankedNotDetected, Severity::Warning, &[]);
        assert_eq!(covered(&sample, Severity::Warning), ["rustsec-2020-0001"]);
    }

    #[test]
    fn entry_for_a_package_with_advisories_is_a_warning() {
        let policy = "[advisories]\nignore = [{ crate = \"$0single\" }]\n";
        let sample = Sample::new(policy).with(Code::YankedNotDetected, Severity::Warning, &[]);
        assert_eq!(covered(&sample, Severity::Warning), [""; 0], "cargo-deny reports it");
        let sample = sample.advised("single");
        assert_eq!(covered(&sample, Severity::Warning), ["single"]);
    }

    #[test]
    fn unmatched_entry_that_cargo_deny_hides_is_a_hint() {
        let policy =
            "[advisories]\nunused-ignored-advisory = \"allow\"\nignore = [\"$0single@1\"]\n";
        let sample = Sample::new(policy).with(Code::YankedNotDetected, Severity::Note, &[]);
        assert_eq!(covered(&sample, Severity::Help), ["single@1"]);
        let sample = Sample::new(policy).with(Code::YankedIgnored, Severity::Note, &[]);
        assert_eq!(covered(&sample, Severity::Help), [""; 0]);
    }
}
