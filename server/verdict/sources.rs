//! The sources of packages in messages and in arguments of cargo: one name and version may come from crates.io, from
//! another registry and from a fork.

use super::PackageRef;

/// How many characters of a commit are shown.
const COMMIT_LENGTH: usize = 7;

/// Crates.io as in a lockfile: its git index, and its sparse one.
pub(super) const CRATES_IO: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// The name of a source as in a lockfile: `crates.io`, `git https://..`, `registry https://..`, `path`.
pub(crate) fn source_name(source: Option<&str>) -> String {
    let Some(source) = source else { return "path".to_owned() };
    if CRATES_IO.contains(&source) {
        return "crates.io".to_owned();
    }
    let without_commit = source.split('#').next().unwrap_or(source);
    let Some((kind, url)) = without_commit.split_once('+') else { return source.to_owned() };
    let kind = if kind == "sparse" { "registry" } else { kind };
    let url = url.split('?').next().unwrap_or(url);
    format!("{kind} {url}")
}

/// The name of a source with the branch, tag or revision and the commit.
fn full_source_name(source: Option<&str>) -> String {
    let name = source_name(source);
    let Some(source) = source else { return name };
    let (before, commit) = source.split_once('#').unwrap_or((source, ""));
    let named = before.split_once('?').map(|(_, named)| format!("?{named}")).unwrap_or_default();
    let commit: String = commit.chars().take(COMMIT_LENGTH).collect();
    let commit = if commit.is_empty() { commit } else { format!("#{commit}") };
    format!("{name}{named}{commit}")
}

/// The source of a package, if name and version alone do not distinguish it from one of the others.
pub(crate) fn distinguishing_source<'p>(
    package: &PackageRef,
    others: impl IntoIterator<Item = &'p PackageRef>,
) -> Option<String> {
    let is_same = |one: &&PackageRef| {
        one.name == package.name && one.version == package.version && one.source != package.source
    };
    let same: Vec<_> = others.into_iter().filter(is_same).collect();
    let name = source_name(package.source.as_deref());
    let is_clear = same.iter().all(|one| source_name(one.source.as_deref()) != name);
    let full = || full_source_name(package.source.as_deref());
    (!same.is_empty()).then(|| if is_clear { name } else { full() })
}

/// The versions of packages with one name, each with its source where another one has the same version.
pub(crate) fn versions(packages: &[PackageRef]) -> Vec<String> {
    let version = |package: &PackageRef| match distinguishing_source(package, packages) {
        Some(source) => format!("{} ({source})", package.version),
        None => package.version.to_string(),
    };
    packages.iter().map(version).collect()
}

/// Name and version of a package as an argument of `cargo update`, with the source where one of the others has the same.
pub(crate) fn exact_spec<'p>(
    package: &PackageRef,
    others: impl IntoIterator<Item = &'p PackageRef>,
) -> String {
    let PackageRef { name, version, source } = package;
    let is_needed = distinguishing_source(package, others).is_some();
    match source.as_deref().filter(|_| is_needed) {
        Some(source) => {
            let source = source.split('#').next().unwrap_or(source);
            format!("{source}#{name}@{version}")
        }
        None => format!("{name}@{version}"),
    }
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;

    fn package(version: &str, source: &str) -> PackageRef {
        PackageRef {
            name: "time".to_owned(),
            version: Version::parse(version).expect("a version"),
            source: (!source.is_empty()).then(|| source.to_owned()),
        }
    }

    const GIT: &str = "git+https://example.org/time?branch=x#0123456789abcdef";
    const OTHER_GIT: &str = "git+https://example.org/time?branch=x#fedcba9876543210";

    #[test]
    fn source_is_named_where_name_and_version_are_the_same() {
        let shown = |sources: &[&str]| {
            let packages: Vec<_> = sources.iter().map(|source| package("0.3.44", source)).collect();
            versions(&packages)
        };
        assert_eq!(
            shown(&[GIT, CRATES_IO[0], ""]),
            ["0.3.44 (git https://example.org/time)", "0.3.44 (crates.io)", "0.3.44 (path)"]
        );
        assert_eq!(
            shown(&[GIT, OTHER_GIT]),
            [
                "0.3.44 (git https://example.org/time?branch=x#0123456)",
                "0.3.44 (git https://example.org/time?branch=x#fedcba9)"
            ]
        );
        assert_eq!(
            shown(&["sparse+https://example.org/index/", CRATES_IO[1]]),
            ["0.3.44 (registry https://example.org/index/)", "0.3.44 (crates.io)"]
        );
        let different = [package("0.1.45", GIT), package("0.3.44", CRATES_IO[0])];
        assert_eq!(versions(&different), ["0.1.45", "0.3.44"]);
    }

    #[test]
    fn argument_of_cargo_update_has_the_source_where_it_is_needed() {
        let (fork, registry) = (package("0.3.44", GIT), package("0.3.44", CRATES_IO[0]));
        assert_eq!(
            exact_spec(&fork, [&fork, &registry]),
            "git+https://example.org/time?branch=x#time@0.3.44"
        );
        assert_eq!(exact_spec(&fork, [&fork, &package("0.1.0", GIT)]), "time@0.3.44");
    }
}
