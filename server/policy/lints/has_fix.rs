//! Ignored advisories that an upgrade within the requirement fixes.

use super::{LintContext, entries::CommentedEntry, shown};
use crate::verdict::{Code, Finding, Severity};

pub(super) fn ignored<'r>(
    context: &'r LintContext<'_>,
    entries: &'r [CommentedEntry],
) -> impl Iterator<Item = Finding> + 'r {
    entries.iter().filter(|entry| entry.is_advisory()).filter_map(|entry| {
        let id = &entry.subject.value;
        let (package, to) = context.input.reachable.get(id)?;
        let message = format!(
            "`{}` no longer needs to be ignored: `{}` {to} fixes it and satisfies the requirement",
            shown(id),
            package.name
        );
        let mut finding = context.finding(
            Code::IgnoreHasFix,
            Severity::Warning,
            entry.subject.span.clone(),
            message,
        );
        finding.remedy = Some(format!("upgrade `{}` and remove this entry", package.name));
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
    fn ignored_advisory_with_a_reachable_fix_is_a_warning() {
        let policy = "[advisories]\nignore = [\"A-1\", { id = \"A-2\", reason = \"r\" }]\n";
        let sample = Sample::new(policy);
        assert_eq!(sample.covered(Code::IgnoreHasFix, Severity::Warning), [""; 0]);
        let sample = sample.reachable("A-2", "single", "1.0.1");
        assert_eq!(sample.covered(Code::IgnoreHasFix, Severity::Warning), ["A-2"]);
    }
}
