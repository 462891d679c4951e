//! Entries that match every version of a package, where the graph has only one.

use super::{LintContext, entries::CommentedEntry};
use crate::{
    policy::entries::PolicyList,
    verdict::{Code, Finding, Severity},
};

pub(super) fn entries<'r>(
    context: &'r LintContext<'_>,
    entries: &'r [CommentedEntry],
) -> impl Iterator<Item = Finding> + 'r {
    entries.iter().filter_map(|entry| {
        let name = entry.package()?.value;
        if entry.is_versioned() {
            return None;
        }
        let [package] = context.input.graph.versions(name) else { return None };
        let is_used = match entry.list {
            // Only if cargo-deny ignored a yanked version because of it.
            PolicyList::Ignore => {
                context.with_code(Code::YankedIgnored, &entry.span).next().is_some()
            }
            _ => !context.is_without_effect(entry),
        };
        // Versions of local packages change all the time.
        if !is_used || package.source.is_none() {
            return None;
        }
        let version = &package.version;
        let message = format!(
            "this entry matches every version of `{name}`, but the graph has only {version}"
        );
        let mut finding =
            context.finding(Code::BroadEntry, Severity::Help, entry.subject.span.clone(), message);
        finding.remedy = Some(format!("narrow it to `{name}@{version}`"));
        finding.packages = vec![package.package()];
        Some(finding)
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        policy::lints::samples::{Sample, check},
        verdict::{Code, Severity},
    };

    fn broad(policy: &str, expected: &[&str]) {
        check(policy, Code::BroadEntry, Severity::Help, expected);
    }

    #[test]
    fn entry_without_version_is_reported_if_the_graph_has_one_version() {
        broad(
            "[bans]\nskip = [\"single\", { crate = \"double\" }, \"absent\"]\nskip-tree = [{ name = \"single\" }]\n\
             [licenses]\nexceptions = [{ crate = \"single\", allow = [] }, { name = \"own\", allow = [] }]\n",
            &["single", "single", "single"],
        );
        broad("exceptions = [{ crate = \"single\", allow = [] }]\n", &["single"]);
        // Half typed
        broad("[bans]\nskip = [\"single", &["single"]);
    }

    #[test]
    fn entry_with_version_is_not_reported() {
        broad(
            "[bans]\nskip = [\"single@1\", \"single:1\", { name = \"single\", version = \"1\" }]\n",
            &[],
        );
    }

    #[test]
    fn entry_without_effect_is_left_to_cargo_deny() {
        let policy = "[bans]\nskip = [\"$0single\"]\n";
        let found = |code| {
            let sample = Sample::new(policy).with(code, Severity::Warning, &[]);
            sample.covered(Code::BroadEntry, Severity::Help)
        };
        assert_eq!(found(Code::UnnecessarySkip), [""; 0]);
        assert_eq!(found(Code::Skipped), ["single"]);
        let sample = Sample::new("[advisories]\nignore = [\"$0single\"]\n");
        assert_eq!(sample.covered(Code::BroadEntry, Severity::Help), [""; 0]);
        let sample = sample.with(Code::YankedIgnored, Severity::Note, &[]);
        assert_eq!(sample.covered(Code::BroadEntry, Severity::Help), ["single"]);
    }
}
