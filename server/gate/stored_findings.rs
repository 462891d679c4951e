//! The form in which the findings and dependencies of a verdict are kept on disk: each file, package, dependency path and
//! description is written once, however many locations there are. A workspace of a thousand packages has ten thousand.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    text::{FilePath, SourceText},
    verdict::{DependencyPath, Finding, Location, PackageRef, Related, ResolvedDependency, Role},
};

/// Findings and dependencies with tables of what they have in common. Texts are not kept: they are the contents of the files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredFindings {
    files: Vec<FilePath>,
    packages: Vec<PackageRef>,
    /// The packages of each path.
    paths: Vec<Vec<usize>>,
    findings: Vec<StoredFinding>,
    /// Without what depends on the manifest.
    resolved: Vec<ResolvedDependency>,
    declared: Vec<StoredDependency>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredFinding {
    /// Without the following.
    finding: Finding,
    locations: Vec<StoredLocation>,
    related: Vec<(StoredLocation, String)>,
    paths: Vec<usize>,
}

/// The index of the file, the span, whether it only inherits, and [`Location::via`].
#[derive(Debug, Serialize, Deserialize)]
struct StoredLocation(usize, usize, usize, bool, Option<usize>);

/// The indexes of the file and of the resolved dependency, the span of the key and that of the location.
#[derive(Debug, Serialize, Deserialize)]
struct StoredDependency(usize, usize, [usize; 2], [usize; 2]);

/// A table without duplicates.
struct Table<T> {
    all: Vec<T>,
    indexes: HashMap<T, usize>,
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn new() -> Self {
        Self { all: Vec::new(), indexes: HashMap::new() }
    }

    fn index(&mut self, value: &T) -> usize {
        if let Some(known) = self.indexes.get(value) {
            return *known;
        }
        self.all.push(value.clone());
        self.indexes.insert(value.clone(), self.all.len() - 1);
        self.all.len() - 1
    }
}

impl StoredFindings {
    /// Findings and dependencies in this form.
    pub(super) fn of<'f>(
        findings: impl Iterator<Item = &'f Finding>,
        declared: &[ResolvedDependency],
    ) -> Self {
        let (mut files, mut packages, mut paths) = (Table::new(), Table::new(), Table::new());
        let mut location = |one: &Location| {
            let is_inherited = one.role == Role::Inherited;
            StoredLocation(
                files.index(&one.file),
                one.span.start,
                one.span.end,
                is_inherited,
                one.via,
            )
        };
        let findings = findings.map(|finding| {
            let locations = finding.locations.iter().map(&mut location).collect();
            let related = finding.related.iter();
            let related = related.map(|one| (location(&one.location), one.message.clone()));
            let related = related.collect();
            let paths = finding.paths.iter().map(|path: &DependencyPath| {
                paths.index(&path.iter().map(|one| packages.index(one)).collect::<Vec<_>>())
            });
            let paths = paths.collect();
            StoredFinding { finding: without_details(finding), locations, related, paths }
        });
        let findings = findings.collect();
        let (mut resolved, mut known): (Vec<ResolvedDependency>, HashMap<&PackageRef, Vec<usize>>) =
            (Vec::new(), HashMap::new());
        let declared = declared.iter().map(|one| {
            let same = known.entry(&one.package).or_default();
            let equal = same.iter().find(|index| has_same_resolution(one, &resolved[**index]));
            let index = equal.copied().unwrap_or_else(|| {
                same.push(resolved.len());
                resolved.push(ResolvedDependency {
                    file: FilePath::from(""),
                    text: SourceText::default(),
                    key: 0..0,
                    location: 0..0,
                    ..one.clone()
                });
                resolved.len() - 1
            });
            let span = |span: &std::ops::Range<usize>| [span.start, span.end];
            let file = files.index(&one.file);
            StoredDependency(file, index, span(&one.key), span(&one.location))
        });
        let declared = declared.collect();
        Self {
            files: files.all,
            packages: packages.all,
            paths: paths.all,
            findings,
            resolved,
            declared,
        }
    }

    /// The files with locations.
    pub(super) fn files(&self) -> &[FilePath] {
        &self.files
    }

    /// The findings and dependencies. `text_of` reads a file; `None` if one cannot be read, or if an index is wrong.
    pub(super) fn restored(
        self,
        text_of: impl Fn(&FilePath) -> Option<SourceText>,
    ) -> Option<(Vec<Finding>, Vec<ResolvedDependency>)> {
        let texts: Option<Vec<_>> = self.files.iter().map(text_of).collect();
        let (texts, files) = (texts?, self.files);
        let location = |stored: StoredLocation| {
            let StoredLocation(file, start, end, is_inherited, via) = stored;
            Some(Location {
                file: files.get(file)?.clone(),
                text: texts.get(file)?.clone(),
                span: start..end,
                role: if is_inherited { Role::Inherited } else { Role::Primary },
                via,
            })
        };
        let path = |indexes: &Vec<usize>| {
            let packages = indexes.iter().map(|index| self.packages.get(*index).cloned());
            packages.collect::<Option<DependencyPath>>()
        };
        let paths: Option<Vec<_>> = self.paths.iter().map(path).collect();
        let paths = paths?;
        let findings = self.findings.into_iter().map(|stored| {
            let StoredFinding { mut finding, locations, related, paths: indexes } = stored;
            finding.locations = locations.into_iter().map(location).collect::<Option<_>>()?;
            let related = related
                .into_iter()
                .map(|(stored, message)| Some(Related { location: location(stored)?, message }));
            finding.related = related.collect::<Option<_>>()?;
            let shared = indexes.into_iter().map(|index| paths.get(index).map(Arc::clone));
            finding.paths = shared.collect::<Option<_>>()?;
            Some(finding)
        });
        let findings = findings.collect::<Option<_>>()?;
        let declared = self.declared.into_iter().map(|stored| {
            let StoredDependency(file, index, key, location) = stored;
            Some(ResolvedDependency {
                file: files.get(file)?.clone(),
                text: texts.get(file)?.clone(),
                key: key[0]..key[1],
                location: location[0]..location[1],
                ..self.resolved.get(index)?.clone()
            })
        });
        Some((findings, declared.collect::<Option<_>>()?))
    }
}

/// A finding without what the tables have.
fn without_details(finding: &Finding) -> Finding {
    Finding {
        check: finding.check,
        code: finding.code,
        severity: finding.severity,
        message: finding.message.clone(),
        remedy: finding.remedy.clone(),
        packages: finding.packages.clone(),
        advisory: finding.advisory.clone(),
        locations: Vec::new(),
        paths: Vec::new(),
        path_count: finding.path_count,
        notes: finding.notes.clone(),
        related: Vec::new(),
        gates: finding.gates.clone(),
        silent_gates: finding.silent_gates.clone(),
    }
}

/// Whether two dependencies differ at most in where they are declared.
fn has_same_resolution(one: &ResolvedDependency, other: &ResolvedDependency) -> bool {
    let ResolvedDependency {
        file: _,
        text: _,
        key: _,
        location: _,
        package,
        license,
        description,
        repository,
        releases,
        features,
        dependents,
    } = one;
    *package == other.package
        && *license == other.license
        && *description == other.description
        && *repository == other.repository
        && *releases == other.releases
        && *features == other.features
        && *dependents == other.dependents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Code, Severity, own_finding};

    const TEXT: &str = "[dependencies]\ntime = \"0.1\"\n";

    fn package(name: &str) -> PackageRef {
        PackageRef { name: name.to_owned(), version: semver::Version::new(1, 0, 0), source: None }
    }

    fn finding(message: &str, files: &[&str]) -> Finding {
        let location = |file: &&str| Location {
            file: FilePath::from(*file),
            text: SourceText::new(TEXT),
            span: 15..19,
            role: if file.ends_with('i') { Role::Inherited } else { Role::Primary },
            via: Some(0),
        };
        let locations: Vec<_> = files.iter().map(location).collect();
        let related = Related { location: locations[0].clone(), message: "locked".to_owned() };
        let mut finding =
            own_finding(Code::NoLockFile, Severity::Warning, message.to_owned(), locations);
        finding.paths = vec![[package("m"), package("time")].into(); 2];
        finding.related = vec![related];
        finding
    }

    fn dependency(file: &str, features: &[&str]) -> ResolvedDependency {
        ResolvedDependency {
            file: FilePath::from(file),
            text: SourceText::new(TEXT),
            key: 15..19,
            location: 22..27,
            package: package("time"),
            license: Some("MIT".to_owned()),
            description: None,
            repository: None,
            releases: None,
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
            dependents: 2,
        }
    }

    #[test]
    fn findings_and_dependencies_are_restored_from_one_copy_of_what_they_share() {
        let findings = [finding("one", &["/w/a", "/w/i"]), finding("two", &["/w/a"])];
        let declared =
            [dependency("/w/a", &[]), dependency("/w/i", &[]), dependency("/w/i", &["std"])];
        let stored = StoredFindings::of(findings.iter(), &declared);
        let counts = (stored.files.len(), stored.packages.len(), stored.paths.len());
        assert_eq!((counts, stored.resolved.len()), ((2, 2, 1), 2));
        let json = serde_json::to_string(&stored).expect("it has no maps");
        let read = || serde_json::from_str::<StoredFindings>(&json).expect("the same");
        let restored = read().restored(|_| Some(SourceText::new(TEXT))).expect("it is complete");
        assert_eq!(restored, (findings.to_vec(), declared.to_vec()));
        assert!(Arc::ptr_eq(&restored.0[0].paths[0], &restored.0[1].paths[1]));
        // A file is gone, or the entry was changed.
        assert!(
            read().restored(|file| (file.as_str() != "/w/i").then(SourceText::default)).is_none()
        );
        let mut wrong = read();
        wrong.packages.pop();
        assert!(wrong.restored(|_| Some(SourceText::default())).is_none());
    }
}
