//! The packages that a position is about, of which a dependency graph can be shown.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::navigation::SessionView;
use crate::{
    gate::Verdict,
    model::manifest::Manifest,
    text::{SourceText, Span},
    verdict::{Finding, Location, PackageRef, ResolvedDependency, Role, Severity},
};

/// A package by its name, of one version or of all that are in the graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NamedPackage {
    pub(crate) name: String,
    /// `None` for all versions.
    pub(crate) version: Option<String>,
}

impl NamedPackage {
    /// Whether it names a package.
    pub(crate) fn names(&self, package: &PackageRef) -> bool {
        let is_version = |version: &String| *version == package.version.to_string();
        self.name == package.name && self.version.as_ref().is_none_or(is_version)
    }
}

impl From<&PackageRef> for NamedPackage {
    fn from(package: &PackageRef) -> Self {
        Self { name: package.name.clone(), version: Some(package.version.to_string()) }
    }
}

/// What the line at `offset` of `file` is about, with the verdict that knows it: the packages of the errors and warnings that
/// are reported there, else the dependency or the packages that an entry of the policy names.
pub(crate) fn subject<'v>(
    view: &SessionView<'v>,
    file: &Utf8Path,
    offset: usize,
) -> Option<(&'v Verdict, Vec<NamedPackage>)> {
    let text = (view.text)(file)?;
    let line = line_at(&text, offset);
    let is_here = |checked: &SourceText, span: &Span| {
        let now = (view.moved)(file, checked, span);
        now.is_some_and(|span| line.start <= span.start && span.start < line.end)
    };
    for verdict in view.verdicts {
        let of_findings = of_findings(verdict, file, &is_here);
        if !of_findings.is_empty() {
            return Some((verdict, of_findings.into_iter().collect()));
        }
    }
    for verdict in view.verdicts {
        let is_of_line = |one: &&ResolvedDependency| {
            is_here(&one.text, &one.location) || is_here(&one.text, &one.key)
        };
        if let Some(declared) = verdict.declared_in(file).find(is_of_line) {
            return Some((verdict, vec![(&declared.package).into()]));
        }
    }
    let named = view.named_in_policy(file, offset);
    let verdict = view.verdicts.iter().find(|verdict| verdict.uses_policy_file(file))?;
    let named = named.into_iter().map(|name| NamedPackage { name, version: None });
    let named: Vec<_> = named.collect();
    (!named.is_empty()).then_some((&**verdict, named))
}

fn of_findings(
    verdict: &Verdict,
    file: &Utf8Path,
    is_here: &dyn Fn(&SourceText, &Span) -> bool,
) -> BTreeSet<NamedPackage> {
    let is_shown = |finding: &Finding| finding.severity >= Severity::Warning;
    let is_at =
        |location: &Location| location.file == file && is_here(&location.text, &location.span);
    let here = verdict
        .findings_in(file)
        .filter(|(_, finding)| is_shown(finding) && finding.locations.first().is_some_and(is_at));
    here.flat_map(|(_, finding)| &finding.packages).map(NamedPackage::from).collect()
}

/// The line with an offset, which is between characters, with its end.
fn line_at(text: &SourceText, offset: usize) -> Span {
    let text = text.as_str();
    let (before, after) = text.split_at_checked(offset).unwrap_or((text, ""));
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = before.len() + after.find('\n').unwrap_or(after.len());
    start..end + 1
}

/// Where a package is declared: the first dependency on it, or the name in the manifest of a local package. `text` reads a
/// file, from its buffer or the disk.
pub(crate) fn declared(
    package: &PackageRef,
    verdict: &Verdict,
    text: &dyn Fn(&Utf8Path) -> Option<SourceText>,
) -> Option<Location> {
    if let Some(one) = verdict.declared.iter().find(|one| one.package == *package) {
        let (file, text, span) = (one.file.clone(), one.text.clone(), one.location.clone());
        return Some(Location { file, text, span, role: Role::Primary, via: None });
    }
    let folder = verdict.folders.get(package).filter(|_| package.source.is_none())?;
    let file = folder.folder.join("Cargo.toml");
    let text = text(&file)?;
    let span = Manifest::parse(text.as_str()).head();
    Some(Location { file: file.into(), text, span, role: Role::Primary, via: None })
}
