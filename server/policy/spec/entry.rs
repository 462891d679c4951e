//! cargo-deny's package specs in policy entries: `name@1.2.3`, `{ crate = ".." }`,
//! `{ name = "..", version = ".." }`.

use super::PackageSpec;
use crate::verdict::PackageRef;

/// The spec of exactly this version: after `@`, a full version matches only itself.
pub(crate) fn exactly(package: &PackageRef) -> String {
    super::exactly(&package.name, &package.version)
}

/// Whether a policy entry matches the package.
pub(crate) fn matches(entry: &toml::Value, package: &PackageRef) -> bool {
    parts(entry).is_some_and(|spec| spec.name == package.name && spec.admits(&package.version))
}

/// Whether a policy entry matches only this version.
pub(crate) fn is_exact(entry: &toml::Value, package: &PackageRef) -> bool {
    let exact = parts(&toml::Value::String(exactly(package)));
    exact.is_some() && parts(entry) == exact
}

/// The spec of all versions that are semver-compatible with this one.
pub(crate) fn compatible(package: &PackageRef) -> String {
    let shown = match (package.version.major, package.version.minor) {
        (0, 0) => return exactly(package),
        (0, minor) => format!("{}@0.{minor}", package.name),
        (major, _) => format!("{}@{major}", package.name),
    };
    let fits = matches(&toml::Value::String(shown.clone()), package);
    if fits { shown } else { exactly(package) }
}

/// The package name of an entry, and whether the entry has a requirement.
pub(crate) fn name(entry: &toml::Value) -> Option<(String, bool)> {
    parts(entry).map(|spec| (spec.name, spec.requirement.is_some()))
}

fn parts(entry: &toml::Value) -> Option<PackageSpec> {
    let spec = entry.as_str().or_else(|| entry.get("crate")?.as_str());
    if let Some(spec) = spec {
        return PackageSpec::parse(spec);
    }
    let version =
        entry.get("version").map(|version| version.as_str().ok_or(())).transpose().ok()?;
    PackageSpec::of(entry.get("name")?.as_str()?, version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(version: &str) -> PackageRef {
        let version = version.parse().expect("a version");
        PackageRef { name: "ring".to_owned(), version, source: None }
    }

    fn matches_and_is_exact(entry: &str, version: &str) -> (bool, bool) {
        let entry = format!("x = {entry}").parse::<toml::Table>().expect("TOML");
        (matches(&entry["x"], &package(version)), is_exact(&entry["x"], &package(version)))
    }

    #[test]
    fn specs_match_as_in_cargo_deny() {
        assert_eq!(matches_and_is_exact("'ring'", "0.17.9"), (true, false));
        assert_eq!(matches_and_is_exact("'ring@0.17.9'", "0.17.9"), (true, true));
        assert_eq!(matches_and_is_exact("'ring@0.17.9'", "0.17.10"), (false, false));
        assert_eq!(matches_and_is_exact("'ring@0.17'", "0.17.10"), (true, false));
        assert_eq!(matches_and_is_exact("'ring@>=0.17.9'", "0.17.9"), (true, true));
        assert_eq!(matches_and_is_exact("'ring:0.17.9'", "0.17.10"), (true, false));
        assert_eq!(
            matches_and_is_exact("{ crate = 'ring:=0.17.9', allow = [] }", "0.17.9"),
            (true, true)
        );
        assert_eq!(
            matches_and_is_exact("{ name = 'ring', version = '0.17' }", "0.17.10"),
            (true, false)
        );
        assert_eq!(matches_and_is_exact("{ name = 'rings' }", "0.17.10"), (false, false));
        assert_eq!(matches_and_is_exact("'ring@x.y'", "0.17.10"), (false, false));
        assert_eq!(matches_and_is_exact("'ring@0.17.9-rc.1'", "0.17.9-rc.1"), (true, true));
    }

    #[test]
    fn compatible_spec_has_the_leading_version_numbers() {
        let of = |version| compatible(&package(version));
        assert_eq!(of("1.2.3"), "ring@1");
        assert_eq!(of("0.17.9"), "ring@0.17");
        assert_eq!(of("0.0.9"), "ring@0.0.9");
        assert_eq!(of("1.0.0-rc.1"), "ring@1.0.0-rc.1");
    }

    #[test]
    fn exact_spec_has_no_build_metadata() {
        let build = package("0.17.9+sha.5");
        assert_eq!(exactly(&build), "ring@0.17.9");
        assert!(matches(&toml::Value::String(exactly(&build)), &build));
    }
}
