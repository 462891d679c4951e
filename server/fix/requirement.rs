//! Raises a requirement and keeps its style: operator, spaces, number of components.

use semver::{Version, VersionReq};

use crate::model::versions::without_build;

/// `requirement` raised so that it accepts `version` and starts there, as far as its style allows. `None` for
/// several comparators and upper bounds, which are set on purpose.
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
    let exact = without_build(version).to_string();
    let in_style =
        if parts.len() == 3 && !numbers.contains('*') { exact.clone() } else { parts.join(".") };
    [in_style, exact]
        .into_iter()
        .map(|version| format!("{before}{version}{after}"))
        .find(|raised| VersionReq::parse(raised).is_ok_and(|raised| raised.matches(version)))
}

/// `requirement` with every part that rejects `version` raised to it, also upper bounds: `<=0.3.44` becomes
/// `<=0.3.47`.
pub(super) fn raised_past_bounds(requirement: &str, version: &Version) -> Option<String> {
    let part = |part: &str| -> Option<String> {
        let accepts = VersionReq::parse(part).ok()?.matches(version);
        if accepts {
            return Some(part.to_owned());
        }
        let named = part.trim_start_matches(|c: char| " \t<=".contains(c));
        let (before, after) = (&part[..part.len() - named.len()], &named[named.trim_end().len()..]);
        if !before.contains('<') {
            return raised(part, version);
        }
        let space = if before.ends_with(' ') { " " } else { "" };
        let start = &before[..before.len() - before.trim_start().len()];
        Some(format!("{start}<={space}{}{after}", without_build(version)))
    };
    let parts: Option<Vec<_>> = requirement.split(',').map(part).collect();
    let raised = parts?.join(",");
    VersionReq::parse(&raised).is_ok_and(|raised| raised.matches(version)).then_some(raised)
}

/// Whether a requirement names exactly this version, whatever its operator.
pub(super) fn names_version(requirement: &str, version: &str) -> bool {
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
    fn style_is_kept() {
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
    fn pre_release_is_named_completely() {
        check("1.0.0-rc.1", "1.0.0-rc.2", Some("1.0.0-rc.2"));
        check("1", "2.0.0-rc.2", Some("2.0.0-rc.2"));
    }

    #[test]
    fn upper_bounds_are_not_raised() {
        check(">=1.2, <1.4", "1.4.0", None);
        check("<2", "2.0.0", None);
        check("<=1.3", "1.4.0", None);
        check(">1.3", "1.4.0", None);
        check("", "1.4.0", None);
        check("time", "1.4.0", None);
    }

    #[test]
    fn upper_bounds_are_raised_on_request() {
        let check = |requirement: &str, version: &str, expected: Option<&str>| {
            let version = Version::parse(version).expect("a version");
            assert_eq!(raised_past_bounds(requirement, &version).as_deref(), expected);
        };
        check("<=0.3.44", "0.3.47", Some("<=0.3.47"));
        check("< 0.3.45", "0.3.47+build", Some("<= 0.3.47"));
        check(">=1.2, <1.4", "1.4.1", Some(">=1.2, <=1.4.1"));
        check("=1.2.0", "1.2.1", Some("=1.2.1"));
        check("^1.2, <1.4", "2.0.0", Some("^2.0, <=2.0.0"));
        check(">1.5", "1.4.0", None);
    }

    #[test]
    fn named_version_is_recognized() {
        assert!(names_version("=0.3.44", "0.3.44"));
        assert!(names_version("0.3.44 ", "0.3.44"));
        assert!(!names_version("0.3", "0.3.44"));
        assert!(!names_version(">=0.3.44, <1", "0.3.44"));
    }
}
