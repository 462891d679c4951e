//! Compares sets of versions: whether all versions that match one requirement also match others.
//!
//! A pre-release counts as the release that follows it.

use semver::{Comparator, Op, Version, VersionReq};

/// The versions from `from` (inclusive) to `to` (exclusive, or no end).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Interval {
    from: Version,
    to: Option<Version>,
}

/// How many of the versions that match a requirement are in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of them.
    All,
    /// Some, or unknown.
    Some,
    /// None.
    None,
}

/// How many of the versions that match `requirement` also match one of `others`.
pub fn share(requirement: &VersionReq, others: &[VersionReq]) -> Share {
    let Some(required) = interval(requirement) else { return Share::Some };
    let mut covered: Vec<_> = others.iter().filter_map(interval).collect();
    covered.retain(|one| {
        let begins = required.to.as_ref().is_none_or(|to| one.from < *to);
        let ends = one.to.as_ref().is_some_and(|to| *to <= required.from);
        begins && !ends
    });
    if covered.is_empty() {
        return Share::None;
    }
    covered.sort_by(|a, b| a.from.cmp(&b.from));
    let mut end = required.from;
    for one in covered {
        if one.from > end {
            return Share::Some;
        }
        match one.to {
            None => return Share::All,
            Some(to) => end = end.max(to),
        }
    }
    if required.to.is_some_and(|to| to <= end) { Share::All } else { Share::Some }
}

/// The only version that matches a requirement such as `=1.2.3`.
pub fn pinned(requirement: &VersionReq) -> Option<Version> {
    match requirement.comparators.as_slice() {
        [Comparator { op: Op::Exact, major, minor: Some(minor), patch: Some(patch), pre }] => {
            let mut version = Version::new(*major, *minor, *patch);
            version.pre = pre.clone();
            Some(version)
        }
        _ => None,
    }
}

/// The versions that match all comparators; `None` if there are none.
fn interval(requirement: &VersionReq) -> Option<Interval> {
    let mut all = Interval { from: Version::new(0, 0, 0), to: None };
    for comparator in &requirement.comparators {
        let one = of(comparator);
        all.from = all.from.max(one.from);
        all.to = match (all.to, one.to) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    all.to.as_ref().is_none_or(|to| all.from < *to).then_some(all)
}

/// Follows The Cargo Book, "Specifying Dependencies".
fn of(comparator: &Comparator) -> Interval {
    let Comparator { op, major, minor, patch, .. } = comparator;
    let first = Version::new(*major, minor.unwrap_or(0), patch.unwrap_or(0));
    // The first version after all that match as a prefix.
    let after = match (minor, patch) {
        (None, _) => Version::new(major + 1, 0, 0),
        (Some(minor), None) => Version::new(*major, minor + 1, 0),
        (Some(minor), Some(patch)) => Version::new(*major, *minor, patch + 1),
    };
    let between = |from, to| Interval { from, to: Some(to) };
    match op {
        Op::Greater => Interval { from: after, to: None },
        Op::GreaterEq => Interval { from: first, to: None },
        Op::Less => between(Version::new(0, 0, 0), first),
        Op::LessEq => between(Version::new(0, 0, 0), after),
        Op::Tilde => {
            let to = match minor {
                Some(minor) => Version::new(*major, minor + 1, 0),
                None => Version::new(major + 1, 0, 0),
            };
            between(first, to)
        }
        Op::Caret => {
            let to = match (major, minor, patch) {
                (0, Some(0), Some(patch)) => Version::new(0, 0, patch + 1),
                (0, Some(minor), _) => Version::new(0, minor + 1, 0),
                _ => Version::new(major + 1, 0, 0),
            };
            between(first, to)
        }
        // `=1.2.3`, `1.2.*`, and any future operator.
        _ => between(first, after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn req(text: &str) -> VersionReq {
        text.parse().expect("a requirement")
    }

    fn shared(requirement: &str, others: &[&str]) -> Share {
        share(&req(requirement), &others.iter().map(|other| req(other)).collect::<Vec<_>>())
    }

    #[test]
    fn patched_ranges_cover_requirements() {
        assert_eq!(shared("0.3.47", &[">=0.3.47"]), Share::All);
        assert_eq!(shared("0.3", &[">=0.3.47"]), Share::Some);
        assert_eq!(shared("0.2", &[">=0.3.47"]), Share::None);
        assert_eq!(shared("0.2", &[">=0.3.47", "<0.3.6"]), Share::All);
        assert_eq!(shared("=0.3.44", &[">=0.3.47", "^0.2.3"]), Share::None);
        assert_eq!(shared("1.2", &["^1.2.5", ">=2"]), Share::Some);
        assert_eq!(shared(">=1.2.5", &["^1.2.5", ">=2"]), Share::All);
        assert_eq!(shared(">=1.2.5", &["^1.2.5", ">=2.1"]), Share::Some);
        assert_eq!(shared("1", &[]), Share::None);
        assert_eq!(shared("*", &[">=0.0.0"]), Share::All);
        assert_eq!(shared(">2, <1", &[">=1"]), Share::Some);
    }

    #[test]
    fn interval_of_every_operator_matches_semver() {
        for (written, inside, outside) in [
            ("1.2.3", "1.9.0", "2.0.0"),
            ("0.2.3", "0.2.9", "0.3.0"),
            ("0.0.3", "0.0.3", "0.0.4"),
            ("0.0", "0.0.9", "0.1.0"),
            ("0", "0.9.0", "1.0.0"),
            ("~1.2.3", "1.2.9", "1.3.0"),
            ("~1", "1.9.0", "2.0.0"),
            ("=1.2", "1.2.9", "1.3.0"),
            ("1.2.*", "1.2.9", "1.3.0"),
            ("<1.2", "1.1.9", "1.2.0"),
            ("<=1.2", "1.2.9", "1.3.0"),
            (">1.2", "1.3.0", "1.2.9"),
            (">=1.2, <1.5", "1.4.9", "1.5.0"),
        ] {
            let requirement = req(written);
            let within = |version: &str| {
                let version: Version = version.parse().expect("a version");
                let all = interval(&requirement).expect("not empty");
                assert_eq!(
                    requirement.matches(&version),
                    all.from <= version && all.to.is_none_or(|to| version < to),
                    "{written} {version}"
                );
                requirement.matches(&version)
            };
            assert!(within(inside) && !within(outside), "{written}");
        }
    }

    #[test]
    fn only_an_exact_full_version_is_pinned() {
        assert_eq!(pinned(&req("=1.2.3")), Some(Version::new(1, 2, 3)));
        for other in ["1.2.3", "=1.2", ">=1.2.3", "=1.2.3, <2"] {
            assert_eq!(pinned(&req(other)), None);
        }
    }
}
