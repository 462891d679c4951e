//! The requirements that cargo's resolver names when it cannot select a version.

use camino::{Utf8Path, Utf8PathBuf};

/// The start of the line about the requirements that were to be met.
const MET: &str = "versions that meet the requirements `";

/// A requirement: what a package depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedRequirement<'l> {
    /// The package that is required.
    pub(super) package: &'l str,
    /// The requirement in cargo's normal form, where cargo prints it.
    pub(super) requirement: Option<&'l str>,
    /// The package that requires it.
    pub(super) by: &'l str,
    /// The manifest of that package, if it is a local one.
    pub(super) manifest: Option<Utf8PathBuf>,
}

impl NamedRequirement<'_> {
    /// `` `time = "=0.3.36"` of `m` ``.
    fn words(&self) -> String {
        match self.requirement {
            Some(requirement) => format!("`{} = \"{requirement}\"` of `{}`", self.package, self.by),
            None => format!("`{}` of `{}`", self.package, self.by),
        }
    }
}

/// What cargo says about a package for which it cannot select a version.
#[derive(Debug)]
pub(super) struct Conflict<'l> {
    /// The requirements through which the package is needed, the package's own first.
    pub(super) wanted: Vec<NamedRequirement<'l>>,
    /// The requirements of each package that was selected before and is in the way.
    pub(super) selected: Vec<Vec<NamedRequirement<'l>>>,
    /// Why both together are impossible, if not for their versions.
    links: Option<&'l str>,
}

impl<'l> Conflict<'l> {
    /// Reads the paragraphs after "failed to select a version".
    pub(super) fn read(lines: &[&'l str]) -> Option<Self> {
        let start = lines.iter().position(|line| missing_package(line).is_some())?;
        let (mut package, mut requirement) = missing_package(lines[start])?;
        let lines = &lines[start + 1..];
        if let Some(met) = lines.iter().find_map(|line| line.trim().strip_prefix(MET)) {
            requirement = met.split('`').next();
        }
        let mut conflict = Self { wanted: Vec::new(), selected: Vec::new(), links: None };
        for line in lines.iter().map(|line| line.trim()) {
            let line = line.strip_prefix("... ").unwrap_or(line);
            if line.contains(" links to the native library ") {
                conflict.links = Some(line.trim_end_matches(':'));
            } else if let Some(by) = line.strip_prefix("required by package `") {
                let (by, manifest) = package_id(by);
                let current = conflict.selected.last_mut().unwrap_or(&mut conflict.wanted);
                current.push(NamedRequirement { package, requirement, by, manifest });
            } else if let Some(earlier) = earlier_package(line) {
                (package, requirement) = (package_id(earlier).0, None);
                conflict.selected.push(Vec::new());
            } else if let Some(met) = satisfied(line) {
                conflict.selected.last_mut().unwrap_or(&mut conflict.wanted).push(met);
            }
        }
        Some(conflict)
    }

    /// What is in the way, one clause.
    pub(super) fn reason(&self) -> Option<String> {
        if let Some(links) = self.links {
            return Some(links.to_owned());
        }
        let (wanted, selected) = (self.wanted.first()?, self.selected.first()?.first()?);
        Some(format!("{} conflicts with {}", wanted.words(), selected.words()))
    }
}

/// The package that has no suitable version, and the requirement.
fn missing_package(line: &str) -> Option<(&str, Option<&str>)> {
    let line = line.trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let quoted = |prefix| line.strip_prefix(prefix)?.split('`').next();
    if let Some(dependency) = quoted("failed to select a version for the requirement `") {
        let (package, requirement) = dependency.split_once(" = ")?;
        return Some((package, Some(requirement.trim_matches('"'))));
    }
    let package = quoted("failed to select a version for `")
        .or_else(|| quoted("no matching package named `"))
        .or_else(|| quoted("searched package name: `"))?;
    Some((package, None))
}

/// A package that was selected before: "previously selected package `x v1.0.0`", or the line below a `links` conflict.
fn earlier_package(line: &str) -> Option<&str> {
    let line = line.strip_prefix("previously selected ").unwrap_or(line);
    line.strip_prefix("package `")?.strip_suffix('`')
}

/// "which satisfies dependency `time = "^0.3"` (locked to 0.3.36) of package `m v0.1.0 (/w)`", and path and git
/// dependencies.
fn satisfied(line: &str) -> Option<NamedRequirement<'_>> {
    let (kind, rest) = line.strip_prefix("which satisfies ")?.split_once('`')?;
    if !kind.trim_end().ends_with("dependency") {
        return None;
    }
    let (dependency, rest) = rest.split_once('`')?;
    let (_, by) = rest.split_once("of package `")?;
    let (package, requirement) = match dependency.split_once(" = ") {
        Some((package, requirement)) => (package, Some(requirement.trim_matches('"'))),
        None => (dependency, None),
    };
    let (by, manifest) = package_id(by);
    Some(NamedRequirement { package, requirement, by, manifest })
}

/// The name in ``m v0.1.0 (/w)` ``, and the manifest of a local package.
fn package_id(id: &str) -> (&str, Option<Utf8PathBuf>) {
    let id = id.split('`').next().unwrap_or(id);
    let name = id.split(' ').next().unwrap_or(id);
    let folder = id.split_once(" (").and_then(|(_, folder)| folder.strip_suffix(')'));
    let local = folder.map(Utf8Path::new).filter(|folder| folder.is_absolute());
    (name, local.map(|folder| folder.join("Cargo.toml")))
}

/// Whether a requirement in a manifest is the one that cargo prints, which writes a missing operator as `^`.
pub(super) fn is_same_requirement(written: &str, printed: &str) -> bool {
    let normal = |requirement: &str| {
        let parts = requirement.split(',').map(|part| part.trim().trim_start_matches('^'));
        parts.map(|part| part.replace(' ', "")).collect::<Vec<_>>()
    };
    normal(written) == normal(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSITIVE: &str = r#"error: failed to select a version for `deranged`.
    ... required by package `time v0.3.36`
    ... which satisfies dependency `time = "=0.3.36"` (locked to 0.3.36) of package `demo v0.1.0 (/w)`
versions that meet the requirements `^0.3.9` are: 0.3.11, 0.3.10, 0.3.9

all possible versions conflict with previously selected packages.

  previously selected package `deranged v0.3.0`
    ... which satisfies dependency `deranged = "=0.3.0"` of package `demo v0.1.0 (/w)`

failed to select a version for `deranged` which could resolve this conflict"#;

    #[test]
    fn both_chains_of_a_conflict_are_read() {
        let lines: Vec<_> = TRANSITIVE.lines().collect();
        let conflict = Conflict::read(&lines).expect("a conflict");
        assert_eq!(
            conflict.reason().as_deref(),
            Some(
                "`deranged = \"^0.3.9\"` of `time` conflicts with `deranged = \"=0.3.0\"` of `demo`"
            )
        );
        let local = conflict.wanted.iter().find(|wanted| wanted.manifest.is_some());
        assert_eq!(local.map(|local| local.package), Some("time"));
    }

    #[test]
    fn requirements_are_compared_in_normal_form() {
        assert!(is_same_requirement("1.2", "^1.2"));
        assert!(is_same_requirement(">= 1, <2", ">=1, <2"));
        assert!(!is_same_requirement("=1.2", "^1.2"));
    }
}
