//! The reason why a package cannot be upgraded.

use semver::Version;

use crate::verdict::PackageRef;

/// How many packages a reason names.
const MAX_NAMED: usize = 3;

/// Why a package cannot move to a version that clears its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Blocker {
    /// Even the newest version of a dependent requires a version with the findings.
    Requires { dependent: String, newest: Version, package: String, requirement: String },
    /// A direct dependency would have to move to a version that is not compatible.
    Breaking { package: String, from: Version, first: Version },
}

impl Blocker {
    pub(super) fn breaking(package: &PackageRef, first: &Version) -> Self {
        Self::Breaking {
            package: package.name.clone(),
            from: package.version.clone(),
            first: first.clone(),
        }
    }
}

/// Why a package cannot be upgraded: a sentence without a final period.
pub(super) fn blocked_reason(target: &PackageRef, blockers: &[Blocker]) -> String {
    let mut requiring = Vec::new();
    let mut breaking = Vec::new();
    for blocker in blockers {
        match blocker {
            Blocker::Requires { dependent, newest, package, requirement } => {
                requiring.push(format!(
                    "`{dependent}` {newest} (newest) requires `{package}` {requirement}"
                ));
            }
            Blocker::Breaking { package, from, first } => {
                breaking.push(format!("`{package}` {from} -> {first} or later"));
            }
        }
    }
    let listed = |mut all: Vec<String>| {
        let more = all.len().saturating_sub(MAX_NAMED);
        all.truncate(MAX_NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}", all.join(", "))
    };
    match (requiring.is_empty(), breaking.is_empty()) {
        (false, _) => listed(requiring),
        (true, false) => format!(
            "only a breaking upgrade fixes it: {}; pass `--breaking` to try it",
            listed(breaking)
        ),
        (true, true) => format!(
            "no release of the crates that depend on `{}` accepts a fixed version",
            target.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirement_is_named_before_breaking_upgrade() {
        let target = PackageRef {
            name: "time".into(),
            version: semver::Version::new(0, 1, 0),
            source: None,
        };
        let requires = Blocker::Requires {
            dependent: "a".into(),
            newest: Version::new(1, 2, 0),
            package: "time".into(),
            requirement: "^0.1".into(),
        };
        let breaking = Blocker::breaking(&target, &Version::new(0, 2, 0));
        assert_eq!(
            blocked_reason(&target, &[breaking.clone(), requires]),
            "`a` 1.2.0 (newest) requires `time` ^0.1"
        );
        assert_eq!(
            blocked_reason(&target, &[breaking]),
            "only a breaking upgrade fixes it: `time` 0.1.0 -> 0.2.0 or later; pass `--breaking` to try it"
        );
    }
}
