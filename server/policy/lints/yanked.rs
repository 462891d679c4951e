//! `ignore` with a package: it is ignored that versions were withdrawn, not their advisories.

use super::{Read, entries::Entry, shown};
use crate::{
    policy::entries::{List, is_id},
    verdict::{Check, Code, Finding, Severity},
};

pub(super) fn not_ignored<'r>(
    read: &'r Read<'_>,
    entries: &'r [Entry],
) -> impl Iterator<Item = Finding> + 'r {
    let entries = entries.iter().filter(|entry| entry.list == List::Ignore && !entry.is_advisory());
    entries.filter_map(|entry| {
        let unmatched = read.found(Code::YankedNotDetected, &entry.span).next()?;
        let name = entry.package()?.value;
        let said = shown(&entry.subject.value);
        let capitals = said.to_ascii_uppercase();
        let looks_like_id =
            |id: &str| ["RUSTSEC-", "CVE-", "GHSA-"].iter().any(|one| id.starts_with(one));
        let (severity, message, remedy) = if looks_like_id(&capitals) && is_id(&capitals) {
            (
                Severity::Warning,
                format!("`{said}` is read as the name of a package"),
                format!("ids are written in capitals: `{capitals}`"),
            )
        } else if read.judged.findings.iter().any(|finding| {
            finding.check == Check::Advisories
                && finding.advisory.is_some()
                && finding.severity >= Severity::Warning
                && finding.packages.iter().any(|package| package.name == name)
        }) {
            (
                Severity::Warning,
                format!(
                    "this only ignores that a version of `{name}` was yanked, not its advisories"
                ),
                "an advisory is ignored by its id".to_owned(),
            )
        } else if unmatched.severity < Severity::Warning {
            // Otherwise cargo-deny says so.
            (
                Severity::Help,
                format!("no `{name}` was yanked, so that this ignores nothing"),
                "remove the entry".to_owned(),
            )
        } else {
            return None;
        };
        let mut finding =
            read.said(Code::IgnoresNothing, severity, entry.subject.span.clone(), message);
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
    fn an_id_in_small_letters_is_a_package() {
        let policy = "[advisories]\nignore = [\"$0rustsec-2020-0001\"]\n";
        let sample = Sample::new(policy).with(Code::YankedNotDetected, Severity::Warning, &[]);
        assert_eq!(covered(&sample, Severity::Warning), ["rustsec-2020-0001"]);
    }

    #[test]
    fn a_package_with_advisories_was_meant_otherwise() {
        let policy = "[advisories]\nignore = [{ crate = \"$0single\" }]\n";
        let sample = Sample::new(policy).with(Code::YankedNotDetected, Severity::Warning, &[]);
        assert_eq!(covered(&sample, Severity::Warning), [""; 0], "cargo-deny says so");
        let sample = sample.advised("single");
        assert_eq!(covered(&sample, Severity::Warning), ["single"]);
    }

    #[test]
    fn what_cargo_deny_was_told_not_to_say_is_a_hint() {
        let policy =
            "[advisories]\nunused-ignored-advisory = \"allow\"\nignore = [\"$0single@1\"]\n";
        let sample = Sample::new(policy).with(Code::YankedNotDetected, Severity::Note, &[]);
        assert_eq!(covered(&sample, Severity::Help), ["single@1"]);
        let sample = Sample::new(policy).with(Code::YankedIgnored, Severity::Note, &[]);
        assert_eq!(covered(&sample, Severity::Help), [""; 0]);
    }
}
