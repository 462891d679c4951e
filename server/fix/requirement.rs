//! A requirement that is raised keeps its style: operator, blanks, how many numbers it names.

use semver::{Version, VersionReq};

/// `requirement` so that it admits `version` and begins there, as far as its style tells; `None` for
/// several comparators and upper bounds, which somebody has set on purpose.
pub(super) fn raised(requirement: &str, version: &Version) -> Option<String> {
    let named = requirement.trim_start_matches(|c: char| " \t^~=>".contains(c));
    let (before, named) = (&requirement[..requirement.len() - named.len()], named.trim_end());
    let after = &requirement[before.len() + named.len()..];
    if !named.starts_with(|c: char| c.is_ascii_digit())
        || named.contains([',', '<', ' '])
        || before.trim() == ">"
    {
        return None;
    }
    let numbers = named.split(['-', '+']).next().unwrap_or(named);
    let whole = [version.major, version.minor, version.patch].map(|number| number.to_string());
    let parts: Vec<_> = numbers
        .split('.')
        .zip(whole)
        .map(|(part, number)| if part == "*" { part.to_owned() } else { number })
        .collect();
    let exact = Version { build: semver::BuildMetadata::EMPTY, ..version.clone() }.to_string();
    let in_style =
        if parts.len() == 3 && !numbers.contains('*') { exact.clone() } else { parts.join(".") };
    [in_style, exact]
        .into_iter()
        .map(|version| format!("{before}{version}{after}"))
        .find(|raised| VersionReq::parse(raised).is_ok_and(|raised| raised.matches(version)))
}

/// Whether a requirement names this version and no other, whatever else it admits.
pub(super) fn states(requirement: &str, version: &str) -> bool {
    requirement.trim_start_matches(|c: char| " \t^~=>".contains(c)).trim_end() == version
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(requirement: &str, version: &str, expected: Option<&str>) {
        let version = Version::parse(version).expect("a version");
        assert_eq!(raised(requirement, &version).as_deref(), expected, "{requirement}");
    }

    #[test]
    fn the_style_is_kept() {
        check("0.3.44", "0.3.47", Some("0.3.47"));
        check("0.3", "0.4.1", Some("0.4"));
        check("1", "2.3.4", Some("2"));
        check("=0.3.44", "0.3.47", Some("=0.3.47"));
        check("= 0.3.44", "0.3.47", Some("= 0.3.47"));
        check(" ~1.2 ", "1.4.1", Some(" ~1.4 "));
        check("^1.2.3", "2.0.0+build", Some("^2.0.0"));
        check(">=1.2.3", "2.0.1", Some(">=2.0.1"));
        check("0.3.*", "0.4.1", Some("0.4.*"));
    }

    #[test]
    fn a_pre_release_is_named_whole() {
        check("1.0.0-rc.1", "1.0.0-rc.2", Some("1.0.0-rc.2"));
        check("1", "2.0.0-rc.2", Some("2.0.0-rc.2"));
    }

    #[test]
    fn bounds_that_somebody_has_set_stay() {
        check(">=1.2, <1.4", "1.4.0", None);
        check("<2", "2.0.0", None);
        check("<=1.3", "1.4.0", None);
        check(">1.3", "1.4.0", None);
        check("", "1.4.0", None);
        check("time", "1.4.0", None);
    }

    #[test]
    fn what_a_requirement_states() {
        assert!(states("=0.3.44", "0.3.44"));
        assert!(states("0.3.44 ", "0.3.44"));
        assert!(!states("0.3", "0.3.44"));
        assert!(!states(">=0.3.44, <1", "0.3.44"));
    }
}
