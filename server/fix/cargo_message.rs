//! The text of cargo's errors, shortened to the lines that say what to do.

use semver::VersionReq;

use super::{NoFixReason, NotVerified, solver::UpgradeStep};
use crate::resolve::{ResolveError, Resolver};

/// How many lines of an error are shown.
const MAX_LINES: usize = 10;

/// The lines that cargo writes next to an error start with these.
const STATUS_PREFIXES: [&str; 8] = [
    "Updating ",
    "Locking ",
    "Adding ",
    "Downloading ",
    "Downloaded ",
    "Blocking ",
    "note: ",
    "warning: ",
];

/// The steps of the plan if cargo runs offline; `None` with a network.
#[derive(Clone, Copy)]
pub(super) struct OfflineSteps<'s>(Option<&'s [UpgradeStep]>);

impl<'s> OfflineSteps<'s> {
    pub(super) fn of(resolver: &Resolver, steps: &'s [UpgradeStep]) -> Self {
        Self(resolver.offline.then_some(steps))
    }
}

/// Why cargo wrote no lockfile.
pub(super) fn not_verified(error: &ResolveError, offline: OfflineSteps<'_>) -> NotVerified {
    match error {
        ResolveError::Canceled { .. } => NotVerified::Canceled,
        ResolveError::Cargo { stderr, .. } => NotVerified::Because(shortened(stderr, offline)),
        other => NotVerified::Because(NoFixReason::Resolve(other.to_string())),
    }
}

/// The text of an error, in cargo's words if it comes from cargo.
pub(super) fn cargo_message(error: &ResolveError) -> NoFixReason {
    match error {
        ResolveError::Cargo { stderr, .. } => shortened(stderr, OfflineSteps(None)),
        other => NoFixReason::Resolve(other.to_string()),
    }
}

fn shortened(stderr: &str, OfflineSteps(steps): OfflineSteps<'_>) -> NoFixReason {
    let lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<_> = lines
        .filter(|line| !STATUS_PREFIXES.iter().any(|prefix| line.starts_with(prefix)))
        .filter(|line| *line != "Caused by:")
        .map(|line| line.trim_start_matches("error: ").trim_start_matches("... "))
        .collect();
    if let Some(steps) = steps
        && let Some(missing) = missing_package(&lines, steps)
    {
        return NoFixReason::Offline { missing };
    }
    let more = lines.len() > MAX_LINES;
    lines.truncate(MAX_LINES);
    let end = if more { "; .." } else { "" };
    let words = lines.join("; ").replace(".;", ";");
    NoFixReason::Cargo(format!("{}{end}", words.trim_end_matches('.')))
}

/// The package that cargo would have to download.
fn missing_package(lines: &[&str], steps: &[UpgradeStep]) -> Option<String> {
    let unselected = lines.iter().find_map(|line| {
        line.strip_prefix("failed to select a version for the requirement `")
            .and_then(|line| line.split_once('`'))
    });
    let absent = lines.iter().find_map(|line| {
        line.strip_prefix("no matching package named `").and_then(|line| line.split_once('`'))
    });
    if let Some((dependency, _)) = unselected {
        let (name, requirement) = dependency.split_once(" = ")?;
        let requirement = requirement.trim_matches('"');
        let accepted = VersionReq::parse(requirement).ok();
        let is_step = |step: &&UpgradeStep| {
            let accepts = accepted.as_ref().is_some_and(|accepted| accepted.matches(&step.to));
            step.package.name == name && accepts
        };
        return Some(match steps.iter().find(is_step) {
            Some(step) => format!("`{name}` {}", step.to),
            None => format!("a version of `{name}` that matches `{requirement}`"),
        });
    }
    // A package that is downloaded for its manifest, not for the index: `failed to download `time v0.3.47``.
    let archive = lines.iter().find_map(|line| {
        let (package, _) = line.strip_prefix("failed to download `")?.split_once('`')?;
        let (name, version) = package.split_once(" v")?;
        Some(format!("`{name}` {version}"))
    });
    archive.or_else(|| absent.map(|(name, _)| format!("`{name}`")))
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
    fn explanation_of_cargo_is_kept() {
        assert_eq!(
            shortened(LINKS, OfflineSteps(None)).to_string(),
            "cargo: failed to select a version for `libgit2-sys`; required by package `git2 v0.19.0`; \
             which satisfies dependency `git2 = \"=0.19.0\"` of package `m v0.1.0 (/w)`; \
             versions that meet the requirements `^0.17` are: 0.17.0+1.8.1; \
             package `libgit2-sys` links to the native library `git2`, but it conflicts with a previous package"
        );
    }

    #[test]
    fn missing_package_is_named_offline() {
        let package =
            PackageRef { name: "time".into(), version: Version::new(0, 3, 44), source: None };
        let to = Version::new(0, 3, 47);
        let steps = [UpgradeStep { package, to, is_direct: false, is_breaking: false }];
        let check = |requirement: &str, expected: &str| {
            let stderr = format!(
                "error: failed to select a version for the requirement `{requirement}`\n\
                 candidate versions found which didn't match: 0.3.44\n"
            );
            let message = shortened(&stderr, OfflineSteps(Some(&steps))).to_string();
            assert!(message.contains(expected), "{message}");
        };
        check("time = \"=0.3.47\"", "offline: `time` 0.3.47 is not downloaded");
        check("num = \"^0.2\"", "a version of `num` that matches `^0.2` is not");
    }
}
