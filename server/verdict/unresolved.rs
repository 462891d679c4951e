//! What manifests and lock file tell without any resolution: the vulnerabilities of what is locked,
//! on the declarations through which it comes. For workspaces in which nothing may be started.
//!
//! The lock file holds what any feature and any target may build, so this may name more than the
//! exact verdict.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use camino::Utf8PathBuf;
use cargo_lock::Package;
use semver::{Version, VersionReq};

use super::{
    AdvisoryFacts, AdvisoryKind, Check, Code, Database, Finding, PackageRef, Place, Role, Severity,
    collect,
};
use crate::{model::manifest::Manifest, text::SourceText};

/// A manifest of the workspace.
pub(crate) struct LockedManifest {
    pub(crate) path: Utf8PathBuf,
    pub(crate) text: SourceText,
}

/// A declaration and what it is locked to.
struct Entrance {
    place: Place,
    member: PackageRef,
    /// Where in the lock file.
    locked: usize,
}

/// The vulnerabilities of the locked packages.
pub(crate) fn unresolved(
    manifests: &[LockedManifest],
    lock: &[Package],
    database: &Database,
    ignored: &[String],
) -> Vec<Finding> {
    let lock = Lock::new(lock);
    let entrances: Vec<_> =
        manifests.iter().flat_map(|manifest| entrances(manifest, manifests, &lock)).collect();
    let mut reached: BTreeMap<usize, Vec<(usize, Vec<PackageRef>)>> = BTreeMap::new();
    for (index, entrance) in entrances.iter().enumerate() {
        for (package, path) in lock.paths_from(entrance.locked) {
            reached.entry(package).or_default().push((index, path));
        }
    }
    let mut findings = Vec::new();
    for (package, ways) in reached {
        let package = &lock.packages[package];
        if package.source.is_none() {
            continue;
        }
        for advisory in vulnerabilities(package, database) {
            if !ignored.contains(&advisory.id) {
                findings.push(finding(package, Arc::new(advisory), &ways, &entrances));
            }
        }
    }
    findings
}

fn vulnerabilities(package: &Package, database: &Database) -> Vec<AdvisoryFacts> {
    let mut all = database.advisories_of(package.name.as_str());
    all.retain(|advisory| {
        let safe = advisory.patched.iter().chain(&advisory.unaffected);
        advisory.kind == AdvisoryKind::Vulnerability
            && !safe
                .filter_map(|text| VersionReq::parse(text).ok())
                .any(|safe| safe.matches(&package.version))
    });
    all
}

fn finding(
    package: &Package,
    advisory: Arc<AdvisoryFacts>,
    ways: &[(usize, Vec<PackageRef>)],
    entrances: &[Entrance],
) -> Finding {
    let mut places = Vec::new();
    let mut paths = Vec::new();
    for (index, path) in ways {
        let Entrance { place, member, .. } = &entrances[*index];
        let place = Place { via: Some(paths.len()), ..place.clone() };
        if places.iter().any(|known: &Place| known.is_at(&place)) {
            continue;
        }
        places.push(place);
        paths.push([std::slice::from_ref(member), path.as_slice()].concat());
    }
    let mut finding = Finding {
        check: Check::Advisories,
        code: Some(Code::Vulnerability),
        severity: Severity::Error,
        message: String::new(),
        remedy: None,
        packages: vec![package_ref(package)],
        advisory: Some(advisory),
        path_count: paths.len() as u64,
        places,
        paths,
        notes: Vec::new(),
        related: Vec::new(),
    };
    collect::say_advisory(&mut finding);
    finding
}

/// The declarations of a manifest that the lock file knows.
fn entrances(manifest: &LockedManifest, all: &[LockedManifest], lock: &Lock<'_>) -> Vec<Entrance> {
    let model = Manifest::parse(manifest.text.as_str());
    let Some(name) = model.package.as_ref().and_then(|package| package.name.as_ref()) else {
        return Vec::new();
    };
    let Some(member) = lock.local(&name.value) else { return Vec::new() };
    let inherited: Vec<_> = all
        .iter()
        .filter_map(|root| {
            let workspace = Manifest::parse(root.text.as_str()).workspace?;
            Some((root, workspace.dependencies))
        })
        .collect();
    let mut found = Vec::new();
    for declared in &model.declarations {
        // An inherited requirement stands in the root.
        let origin = declared.inherits.as_ref().and_then(|_| {
            inherited.iter().find_map(|(root, dependencies)| {
                let same = dependencies.iter().find(|one| one.key.value == declared.key.value)?;
                Some((*root, same))
            })
        });
        let (file, requirement) = origin.unwrap_or((manifest, declared));
        let wanted = requirement.requirement.as_ref();
        let wanted = wanted.and_then(|text| VersionReq::parse(&text.value).ok());
        let Some(locked) = lock.dependency(member, &requirement.package, wanted.as_ref()) else {
            continue;
        };
        let member = package_ref(&lock.packages[member]);
        let place = |file: &LockedManifest, span, role| Place {
            file: file.path.clone(),
            text: file.text.clone(),
            span,
            role,
            via: None,
        };
        found.push(Entrance {
            place: place(file, requirement.place(), Role::Mend),
            member: member.clone(),
            locked,
        });
        if origin.is_some() {
            let place = place(manifest, declared.place(), Role::Pointer);
            found.push(Entrance { place, member, locked });
        }
    }
    found
}

/// The lock file as a graph.
struct Lock<'a> {
    packages: &'a [Package],
    by_name: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Lock<'a> {
    fn new(packages: &'a [Package]) -> Self {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            by_name.entry(package.name.as_str()).or_default().push(index);
        }
        Self { packages, by_name }
    }

    /// A package of the workspace.
    fn local(&self, name: &str) -> Option<usize> {
        let mut all = self.by_name.get(name)?.iter().copied();
        all.find(|index| self.packages[*index].source.is_none())
    }

    fn find(&self, name: &str, version: &Version) -> Option<usize> {
        let mut all = self.by_name.get(name)?.iter().copied();
        all.find(|index| self.packages[*index].version == *version)
    }

    fn dependencies(&self, package: usize) -> impl Iterator<Item = usize> {
        self.packages[package]
            .dependencies
            .iter()
            .filter_map(|dependency| self.find(dependency.name.as_str(), &dependency.version))
    }

    /// What a dependency of a package is locked to.
    fn dependency(&self, of: usize, name: &str, wanted: Option<&VersionReq>) -> Option<usize> {
        self.dependencies(of).find(|index| {
            let package = &self.packages[*index];
            package.name.as_str() == name
                && wanted.is_none_or(|wanted| wanted.matches(&package.version))
        })
    }

    /// Every package that is reached, with the shortest path to it. Local ones are not passed
    /// through: they have declarations of their own.
    fn paths_from(&self, start: usize) -> Vec<(usize, Vec<PackageRef>)> {
        let mut before: BTreeMap<usize, usize> = BTreeMap::new();
        let mut seen = BTreeSet::from([start]);
        let mut queue = VecDeque::from([start]);
        let mut found = Vec::new();
        while let Some(package) = queue.pop_front() {
            let mut path = vec![package_ref(&self.packages[package])];
            let mut at = package;
            while let Some(earlier) = before.get(&at) {
                path.push(package_ref(&self.packages[*earlier]));
                at = *earlier;
            }
            path.reverse();
            found.push((package, path));
            if self.packages[package].source.is_none() {
                continue;
            }
            for next in self.dependencies(package) {
                if seen.insert(next) {
                    before.insert(next, package);
                    queue.push_back(next);
                }
            }
        }
        found
    }
}

fn package_ref(package: &Package) -> PackageRef {
    PackageRef {
        name: package.name.to_string(),
        version: package.version.to_string(),
        source: package.source.as_ref().map(ToString::to_string),
    }
}
