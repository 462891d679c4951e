//! Ignored advisories that a version clears which the requirement admits.

use super::{Read, entries::Entry, shown};
use crate::verdict::{Code, Finding, Severity};

pub(super) fn ignored<'r>(
    read: &'r Read<'_>,
    entries: &'r [Entry],
) -> impl Iterator<Item = Finding> + 'r {
    entries.iter().filter(|entry| entry.is_advisory()).filter_map(|entry| {
        let id = &entry.subject.value;
        let (package, to) = read.judged.reachable.get(id)?;
        let message = format!(
            "`{}` need not be ignored any more: `{}` {to} does not have it, and its requirement admits that",
            shown(id),
            package.name
        );
        let mut finding = read.said(Code::IgnoreHasFix, Severity::Warning, entry.subject.span.clone(), message);
        finding.remedy = Some(format!("upgrade `{}` and remove the entry", package.name));
        finding.packages = vec![package.clone()];
        Some(finding)
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        policy::lints::samples::Sample,
        verdict::{Code, Severity},
    };

    #[test]
    fn an_ignored_advisory_with_a_version_in_reach_is_a_warning() {
        let policy = "[advisories]\nignore = [\"A-1\", { id = \"A-2\", reason = \"r\" }]\n";
        let sample = Sample::new(policy);
        assert_eq!(sample.covered(Code::IgnoreHasFix, Severity::Warning), [""; 0]);
        let sample = sample.reachable("A-2", "single", "1.0.1");
        assert_eq!(sample.covered(Code::IgnoreHasFix, Severity::Warning), ["A-2"]);
    }
}
