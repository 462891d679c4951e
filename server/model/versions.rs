//! How many of the versions that match a requirement are in a set.

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};

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

/// How many of the versions that match `requirement` are in a set. The set changes only at the versions in
/// `bounds`, so it is asked for one version of each interval between those.
pub fn share(
    requirement: &VersionReq,
    bounds: &[&VersionReq],
    is_in: impl Fn(&Version) -> bool,
) -> Share {
    let mut all: Vec<_> = samples(requirement, bounds);
    all.retain(|version| requirement.matches(version));
    let inside = all.iter().filter(|version| is_in(version)).count();
    match inside {
        0 if !all.is_empty() => Share::None,
        all_of_them if all_of_them > 0 && all_of_them == all.len() => Share::All,
        _ => Share::Some,
    }
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

/// The version without its build metadata, which requirements ignore.
pub fn without_build(version: &Version) -> Version {
    Version { build: BuildMetadata::EMPTY, ..version.clone() }
}

/// One version of each interval in which no requirement changes; and of pre-releases, which a requirement
/// matches only if it names one of the same version, those that are named, and the next after each.
fn samples(requirement: &VersionReq, bounds: &[&VersionReq]) -> Vec<Version> {
    let all: Vec<_> =
        bounds.iter().chain([&requirement]).flat_map(|one| &one.comparators).collect();
    let mut samples = vec![Version::new(0, 0, 0)];
    samples.extend(all.iter().flat_map(|comparator| edges(comparator)));
    for named in requirement.comparators.iter().filter(|one| !one.pre.is_empty()) {
        let same = |one: &&&Comparator| {
            (one.major, one.minor, one.patch) == (named.major, named.minor, named.patch)
                && !one.pre.is_empty()
        };
        for one in all.iter().filter(same) {
            let next = Prerelease::new(&format!("{}.0", one.pre)).ok();
            samples.extend(
                [Some(one.pre.clone()), next]
                    .into_iter()
                    .flatten()
                    .map(|pre| Version { pre, ..first(named) }),
            );
        }
    }
    samples
}

/// The first release of those that a comparator names.
fn first(comparator: &Comparator) -> Version {
    let Comparator { major, minor, patch, .. } = comparator;
    Version::new(*major, minor.unwrap_or(0), patch.unwrap_or(0))
}

/// All releases at which an operator can begin or end: the first one, and the next of each number.
fn edges(comparator: &Comparator) -> [Version; 4] {
    let first = first(comparator);
    let Version { major, minor, patch, .. } = first;
    [
        Version::new(major.saturating_add(1), 0, 0),
        Version::new(major, minor.saturating_add(1), 0),
        Version::new(major, minor, patch.saturating_add(1)),
        first,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn req(text: &str) -> VersionReq {
        text.parse().expect("a requirement")
    }

    fn shared(requirement: &str, others: &[&str]) -> Share {
        let others: Vec<_> = others.iter().map(|other| req(other)).collect();
        let bounds: Vec<_> = others.iter().collect();
        share(&req(requirement), &bounds, |version| {
            others.iter().any(|other| other.matches(version))
        })
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
    fn every_operator_changes_only_at_its_edges() {
        let grid = || (0..64).map(|n| Version::new(n / 16, n / 4 % 4, n % 4));
        for operator in ["", "^", "~", "=", "<", "<=", ">", ">="] {
            for numbers in
                ["0", "1", "2", "0.0", "0.2", "1.0", "1.2", "0.0.0", "0.0.2", "0.1.2", "1.2.1"]
            {
                let requirement = req(&format!("{operator}{numbers}"));
                let edges = samples(&requirement, &[]);
                for version in grid() {
                    let edge = edges.iter().filter(|edge| **edge <= version).max();
                    let edge = edge.expect("the first version is one");
                    let (at, before) = (requirement.matches(&version), requirement.matches(edge));
                    assert_eq!(at, before, "{requirement} {version} {edge}");
                }
            }
        }
        let wildcards = ["*", "1.*", "1.2.*"].map(req);
        for (requirement, version) in wildcards.iter().flat_map(|one| grid().map(move |v| (one, v)))
        {
            let edges = samples(requirement, &[]);
            let edge = edges.iter().filter(|edge| **edge <= version).max().expect("the first");
            assert_eq!(requirement.matches(&version), requirement.matches(edge), "{requirement}");
        }
    }

    #[test]
    fn share_of_pre_releases_is_that_of_named_ones() {
        assert_eq!(shared("=1.0.0-rc.1", &[">=1.0.0-rc.1"]), Share::All);
        assert_eq!(shared("=1.0.0-rc.1", &[">=1.0.0-rc.2"]), Share::None);
        assert_eq!(shared(">=1.0.0-rc.1, <1.0.0", &[">=1.0.0-rc.2"]), Share::Some);
        assert_eq!(shared(">=1.0.0-rc.2, <1.0.0", &[">=1.0.0-rc.1"]), Share::All);
        // No release and no pre-release of another version.
        assert_eq!(shared("1.0.0-rc.1", &[">=1.0.0"]), Share::Some);
    }

    #[test]
    fn only_an_exact_full_version_is_pinned() {
        assert_eq!(pinned(&req("=1.2.3")), Some(Version::new(1, 2, 3)));
        for other in ["1.2.3", "=1.2", ">=1.2.3", "=1.2.3, <2"] {
            assert_eq!(pinned(&req(other)), None);
        }
    }
}
