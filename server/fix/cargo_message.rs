//! Cargo's refusals, in cargo's words and whole enough to act on.

use super::{
    NotVerified,
    upgrade::{PIN, UpgradeStep},
};
use crate::resolve::{ResolveError, Resolver};

/// How much of it is told.
const LINES: usize = 10;

/// What cargo writes beside the refusal.
const BESIDE: [&str; 7] =
    ["Updating ", "Locking ", "Adding ", "Downloading ", "Blocking ", "note: ", "warning: "];

/// What is wanted without a network; `None` with one.
#[derive(Clone, Copy)]
pub(super) struct Offline<'s>(Option<&'s [UpgradeStep]>);

impl<'s> Offline<'s> {
    pub(super) fn of(resolver: &Resolver, steps: &'s [UpgradeStep]) -> Self {
        Self(resolver.offline.then_some(steps))
    }
}

/// Why cargo made no lock file.
pub(super) fn refused(error: &ResolveError, offline: Offline<'_>) -> NotVerified {
    match error {
        ResolveError::Unwanted { .. } => NotVerified::Unwanted,
        ResolveError::Cargo { stderr, .. } => NotVerified::Because(told(stderr, offline)),
        other => NotVerified::Because(other.to_string()),
    }
}

/// A refusal, in cargo's words where they are its own.
pub(super) fn in_cargos_words(error: &ResolveError) -> String {
    match error {
        ResolveError::Cargo { stderr, .. } => told(stderr, Offline(None)),
        other => other.to_string(),
    }
}

fn told(stderr: &str, Offline(wanted): Offline<'_>) -> String {
    let lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<_> = lines
        .filter(|line| !BESIDE.iter().any(|beside| line.starts_with(beside)))
        .filter(|line| *line != "Caused by:" && !line.contains(PIN))
        .map(|line| line.trim_start_matches("error: ").trim_start_matches("... "))
        .collect();
    if let Some(wanted) = wanted
        && let Some(missing) = missing(&lines, wanted)
    {
        return format!(
            "not proved: offline, and {missing} is not on this machine (with a network connection cargo fetches it)"
        );
    }
    let more = lines.len() > LINES;
    lines.truncate(LINES);
    let end = if more { "; .." } else { "" };
    format!("cargo: {}{end}", lines.join("; ").replace(".;", ";").trim_end_matches('.'))
}

/// What cargo would have to fetch.
fn missing(lines: &[&str], wanted: &[UpgradeStep]) -> Option<String> {
    let selected = lines.iter().find_map(|line| {
        line.strip_prefix("failed to select a version for the requirement `")
            .and_then(|line| line.split_once('`'))
    });
    let absent = lines.iter().find_map(|line| {
        line.strip_prefix("no matching package named `").and_then(|line| line.split_once('`'))
    });
    if let Some((requirement, _)) = selected {
        let (name, stated) = requirement.split_once(" = ")?;
        let stated = stated.trim_matches('"');
        let version = stated.strip_prefix('=').unwrap_or(stated);
        let is_wanted = |step: &&UpgradeStep| step.package.name == name && step.to.to_string() == version;
        return Some(match wanted.iter().find(is_wanted) {
            Some(step) => format!("`{name}` {}", step.to),
            None => format!("a version of `{name}` that meets `{stated}`"),
        });
    }
    absent.map(|(name, _)| format!("`{name}`"))
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;
    use crate::verdict::PackageRef;

    const LINKS: &str = "    Updating crates.io index
error: failed to select a version for `libgit2-sys`.
    ... required by package `git2 v0.19.0`
    ... which satisfies dependency `git2 = \"=0.19.0\"` of package `m v0.1.0 (/w)`
versions that meet the requirements `^0.17` are: 0.17.0+1.8.1

package `libgit2-sys` links to the native library `git2`, but it conflicts with a previous package
";

    #[test]
    fn all_that_cargo_explains_is_told() {
        assert_eq!(
            told(LINKS, Offline(None)),
            "cargo: failed to select a version for `libgit2-sys`; required by package `git2 v0.19.0`; \
             which satisfies dependency `git2 = \"=0.19.0\"` of package `m v0.1.0 (/w)`; \
             versions that meet the requirements `^0.17` are: 0.17.0+1.8.1; \
             package `libgit2-sys` links to the native library `git2`, but it conflicts with a previous package"
        );
    }

    #[test]
    fn what_is_not_on_this_machine_is_named() {
        let package = PackageRef { name: "time".into(), version: "0.3.44".into(), source: None };
        let steps = [UpgradeStep { package, to: Version::new(0, 3, 47), declared: false }];
        let check = |requirement: &str, expected: &str| {
            let stderr = format!(
                "error: failed to select a version for the requirement `{requirement}`\n\
                 candidate versions found which didn't match: 0.3.44\n"
            );
            let told = told(&stderr, Offline(Some(&steps)));
            assert!(told.contains(expected), "{told}");
        };
        check("time = \"=0.3.47\"", "offline, and `time` 0.3.47 is not");
        check("num = \"^0.2\"", "a version of `num` that meets `^0.2` is not");
    }
}
