//! Entries that name a package and no version, where there is one version.

use super::{Read, entries::Entry};
use crate::{
    policy::entries::List,
    verdict::{Code, Finding, Severity},
};

pub(super) fn entries<'r>(
    read: &'r Read<'_>,
    entries: &'r [Entry],
) -> impl Iterator<Item = Finding> + 'r {
    entries.iter().filter_map(|entry| {
        let name = entry.package()?.value;
        if entry.is_versioned() {
            return None;
        }
        let [package] = read.judged.graph.versions(name) else { return None };
        let is_used = match entry.list {
            // Only what cargo-deny found by it.
            List::Ignore => read.found(Code::YankedIgnored, &entry.span).next().is_some(),
            _ => !read.is_without_effect(entry),
        };
        // The version of a package of one's own is no news.
        if !is_used || package.source.is_none() {
            return None;
        }
        let version = &package.version;
        let message = format!("this entry holds for every `{name}`, and only {version} is there");
        let mut finding =
            read.said(Code::BroadEntry, Severity::Help, entry.subject.span.clone(), message);
        finding.remedy = Some(format!("name the version: `{name}@{version}`"));
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
    fn a_package_without_a_version_that_is_there_once() {
        broad(
            "[bans]\nskip = [\"single\", { crate = \"double\" }, \"absent\"]\nskip-tree = [{ name = \"single\" }]\n\
             [licenses]\nexceptions = [{ crate = \"single\", allow = [] }, { name = \"own\", allow = [] }]\n",
            &["single", "single", "single"],
        );
        broad("exceptions = [{ crate = \"single\", allow = [] }]\n", &["single"]);
        // Half typed.
        broad("[bans]\nskip = [\"single", &["single"]);
    }

    #[test]
    fn versions_are_narrow() {
        broad(
            "[bans]\nskip = [\"single@1\", \"single:1\", { name = \"single\", version = \"1\" }]\n",
            &[],
        );
    }

    #[test]
    fn what_has_no_effect_is_cargo_denys_to_say() {
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
