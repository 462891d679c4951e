//! Facts about the graph besides findings: its packages, and how many use each license.
//!
//! Plain values for hovers and completion. Computed once per graph; equal strings are shared.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use cargo_deny::{Krate, Krates, Source};
use krates::NodeId;
use semver::{Version, VersionReq};
use spdx::{Expression, Licensee, ParseMode};

use super::{PackageRef, license_files::needs_text, manifests::package_ref};
use crate::model::lockfile::is_registry;

/// The packages of a graph and counts over them; empty if there is no graph (yet).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphFacts {
    /// Every package, by name, then version.
    pub packages: Vec<PackageFacts>,
    /// The number of packages whose license expressions contain each term, as in an `allow` entry:
    /// `MIT`, `Apache-2.0 WITH LLVM-exception`. Names are canonical.
    pub terms: BTreeMap<Arc<str>, usize>,
    /// The number of packages for each license, with or without an exception.
    pub licenses: BTreeMap<Arc<str>, usize>,
    /// The number of packages for each exception.
    pub exceptions: BTreeMap<Arc<str>, usize>,
    /// The registries in `package.publish` of members, each with the names of those members.
    pub published_to: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// The packages that no registry lists, with what they require.
    pub unlisted: Vec<UnlistedPackage>,
}

/// A package of the workspace, of a git repository or of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnlistedPackage {
    /// The package.
    pub package: PackageRef,
    /// Its dependencies on packages of registries.
    pub dependencies: Vec<StatedDependency>,
    /// Its features with what they enable.
    pub features: BTreeMap<String, Vec<String>>,
}

/// A dependency as its manifest states it, with what it inherits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedDependency {
    /// The name in the manifest.
    pub key: String,
    /// The name of the package.
    pub package: String,
    /// The source of the package, as lockfiles state it.
    pub source: String,
    /// The requirement.
    pub requirement: VersionReq,
    /// It is optional.
    pub optional: bool,
    /// Its default features are enabled.
    pub default_features: bool,
    /// The features that are enabled.
    pub features: Vec<String>,
}

/// One package of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageFacts {
    /// Its name.
    pub name: Arc<str>,
    /// Its version.
    pub version: Version,
    /// Its source as in [`PackageRef`], absent for local packages.
    pub source: Option<Arc<str>>,
    /// The license expression in its manifest. Clarifications and licenses that are found in texts
    /// depend on the policy and are not included.
    pub license: Option<Arc<str>>,
    /// The terms of that expression; empty if it is absent or invalid.
    pub terms: Vec<Arc<str>>,
    /// Whether cargo-deny has to read its license texts.
    pub needs_text: bool,
    /// Its features, sorted, including those of optional dependencies.
    pub features: Vec<Arc<str>>,
    /// The enabled features, sorted.
    pub enabled: Vec<Arc<str>>,
    /// Whether it is a member of the workspace.
    pub member: bool,
    /// Whether it is a direct dependency of a local package.
    pub direct: bool,
    /// Whether it has a build script.
    pub build_script: bool,
    /// The number of packages that depend on it directly.
    pub dependents: usize,
    /// Its dependent on a shortest path from a member, as an index into [`GraphFacts::packages`].
    pub via: Option<usize>,
}

impl PackageFacts {
    /// The package as findings name it.
    pub fn package(&self) -> PackageRef {
        PackageRef {
            name: self.name.to_string(),
            version: self.version.clone(),
            source: self.source.as_deref().map(str::to_owned),
        }
    }

    /// Whether its source is crates.io.
    pub fn is_from_crates_io(&self) -> bool {
        self.source.as_deref().is_some_and(|source| {
            source.contains("rust-lang/crates.io-index") || source.contains("index.crates.io")
        })
    }
}

impl GraphFacts {
    /// All versions of a package, the lowest first.
    pub fn versions(&self, name: &str) -> &[PackageFacts] {
        let start = self.packages.partition_point(|package| *package.name < *name);
        let rest = &self.packages[start..];
        &rest[..rest.partition_point(|package| *package.name == *name)]
    }

    /// That package.
    pub fn package(&self, requested: &PackageRef) -> Option<&PackageFacts> {
        self.versions(&requested.name).iter().find(|package| {
            package.version == requested.version
                && package.source.as_deref() == requested.source.as_deref()
        })
    }

    /// The packages whose license expressions contain a term that `licensee`, an entry of an `allow`
    /// list, satisfies. Empty if it cannot be parsed.
    pub fn with_license(&self, licensee: &str) -> Vec<&PackageFacts> {
        let Ok(licensee) = Licensee::parse_mode(licensee, ALLOW_MODE) else { return Vec::new() };
        let satisfied: HashSet<&str> = self
            .terms
            .keys()
            .filter(|term| {
                let parsed = Expression::parse_mode(term, MANIFEST_MODE);
                parsed.is_ok_and(|one| one.requirements().all(|one| licensee.satisfies(&one.req)))
            })
            .map(|term| &**term)
            .collect();
        let names =
            |package: &&PackageFacts| package.terms.iter().any(|term| satisfied.contains(&**term));
        self.packages.iter().filter(names).collect()
    }

    /// A shortest path from a member to a package, both included.
    pub fn path(&self, package: &PackageFacts) -> Vec<&PackageFacts> {
        let same = |one: &PackageFacts| std::ptr::eq(one, package);
        let mut path: Vec<&PackageFacts> = self.packages.iter().filter(|one| same(one)).collect();
        while let Some(via) = path.last().and_then(|last| self.packages.get(last.via?)) {
            path.push(via);
        }
        path.reverse();
        path
    }
}

/// cargo-deny parses license expressions in strict mode, then in lax mode.
const MANIFEST_MODE: ParseMode = ParseMode::LAX;

/// Entries of `allow` may use deprecated names.
const ALLOW_MODE: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// Gathers the facts of a graph, in one pass over its edges.
pub(super) fn graph_facts(krates: &Krates) -> GraphFacts {
    let mut strings = StringInterner::default();
    let mut nodes: Vec<(NodeId, &Krate)> =
        krates.krates().filter_map(|krate| Some((krates.nid_for_kid(&krate.id)?, krate))).collect();
    nodes.sort_by(|(_, a), (_, b)| (&a.name, &a.version, &a.id).cmp(&(&b.name, &b.version, &b.id)));
    let index: HashMap<NodeId, usize> =
        nodes.iter().enumerate().map(|(index, (node, _))| (*node, index)).collect();
    let mut facts = GraphFacts::default();
    let members: HashSet<NodeId> = krates
        .workspace_members()
        .filter_map(|member| match member {
            krates::Node::Krate { id, .. } => krates.nid_for_kid(id),
            krates::Node::Feature { .. } => None,
        })
        .collect();
    let mut terms_by_license: HashMap<&str, Vec<Arc<str>>> = HashMap::new();
    for (node, krate) in &nodes {
        if members.contains(node) {
            for registry in krate.publish.iter().flatten() {
                let members = facts.published_to.entry(strings.shared(registry)).or_default();
                members.push(strings.shared(&krate.name));
            }
        }
        let license = krate.license.as_deref();
        let terms = license.map(|license| match terms_by_license.get(license) {
            Some(terms) => terms.clone(),
            None => terms_by_license.entry(license).or_insert(terms(license, &mut strings)).clone(),
        });
        let enabled = krates.get_enabled_features(&krate.id);
        let enabled = enabled.into_iter().flatten().map(|feature| strings.shared(feature));
        let mut enabled: Vec<_> = enabled.collect();
        enabled.sort();
        facts.packages.push(PackageFacts {
            name: strings.shared(&krate.name),
            version: krate.version.clone(),
            source: krate.source.as_ref().map(|source| strings.shared(&source.to_string())),
            license: license.map(|license| strings.shared(license)),
            terms: terms.unwrap_or_default(),
            needs_text: needs_text(license),
            features: krate.features.keys().map(|feature| strings.shared(feature)).collect(),
            enabled,
            member: members.contains(node),
            direct: false,
            build_script: krate.targets.iter().any(krates::cm::Target::is_custom_build),
            dependents: 0,
            via: None,
        });
    }
    facts.link(krates, &nodes, &index);
    facts.count(&mut strings);
    let unlisted = nodes.iter().map(|(_, krate)| *krate).filter(|one| !is_from_registry(one));
    facts.unlisted = unlisted.map(unlisted_package).collect();
    facts
}

fn is_from_registry(krate: &Krate) -> bool {
    krate.source.as_ref().is_some_and(Source::is_registry)
}

fn unlisted_package(krate: &Krate) -> UnlistedPackage {
    let dependencies = krate.deps.iter().filter_map(|one| {
        Some(StatedDependency {
            key: one.rename.clone().unwrap_or_else(|| one.name.clone()),
            package: one.name.clone(),
            source: one.source.clone().filter(|source| is_registry(source))?,
            requirement: one.req.clone(),
            optional: one.optional,
            default_features: one.uses_default_features,
            features: one.features.clone(),
        })
    });
    UnlistedPackage {
        package: package_ref(krate),
        dependencies: dependencies.collect(),
        features: krate.features.clone(),
    }
}

impl GraphFacts {
    /// Computes dependents and shortest paths.
    fn link(
        &mut self,
        krates: &Krates,
        nodes: &[(NodeId, &Krate)],
        index: &HashMap<NodeId, usize>,
    ) {
        let dependencies: Vec<Vec<usize>> = nodes
            .iter()
            .map(|(node, krate)| {
                let direct = krates.direct_dependencies(*node).into_iter();
                let mut targets: Vec<_> =
                    direct.filter_map(|one| index.get(&one.node_id).copied()).collect();
                targets.sort_unstable();
                targets.dedup();
                for target in &targets {
                    self.packages[*target].dependents += 1;
                    self.packages[*target].direct |= krate.source.is_none();
                }
                targets
            })
            .collect();
        let members = (0..self.packages.len()).filter(|at| self.packages[*at].member);
        let mut queue: VecDeque<usize> = members.collect();
        let mut seen: HashSet<usize> = queue.iter().copied().collect();
        while let Some(at) = queue.pop_front() {
            for target in &dependencies[at] {
                if seen.insert(*target) {
                    self.packages[*target].via = Some(at);
                    queue.push_back(*target);
                }
            }
        }
    }

    /// Facts from packages that were gathered before, sorted by name.
    pub(crate) fn of(packages: Vec<PackageFacts>) -> Self {
        let mut facts = Self { packages, ..Self::default() };
        facts.count(&mut StringInterner::default());
        facts
    }

    fn count(&mut self, strings: &mut StringInterner) {
        for package in &self.packages {
            let mut licenses = HashSet::new();
            let mut exceptions = HashSet::new();
            for term in &package.terms {
                *self.terms.entry(Arc::clone(term)).or_default() += 1;
                let (license, exception) = match term.split_once(" WITH ") {
                    Some((license, exception)) => (license, Some(exception)),
                    None => (&**term, None),
                };
                licenses.insert(license);
                exceptions.extend(exception);
            }
            for license in licenses {
                *self.licenses.entry(strings.shared(license)).or_default() += 1;
            }
            for exception in exceptions {
                *self.exceptions.entry(strings.shared(exception)).or_default() += 1;
            }
        }
    }
}

/// The distinct terms of an expression, in order.
fn terms(license: &str, strings: &mut StringInterner) -> Vec<Arc<str>> {
    let Ok(expression) = Expression::parse_mode(license, MANIFEST_MODE) else { return Vec::new() };
    let mut terms: Vec<Arc<str>> = Vec::new();
    for one in expression.requirements() {
        let term = strings.shared(&one.req.to_string());
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms
}

/// A string interner.
#[derive(Default)]
struct StringInterner(HashSet<Arc<str>>);

impl StringInterner {
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(terms_by_license) = self.0.get(text) {
            return Arc::clone(terms_by_license);
        }
        let text: Arc<str> = text.into();
        self.0.insert(Arc::clone(&text));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, license: &str, via: Option<usize>) -> PackageFacts {
        PackageFacts {
            name: name.into(),
            version: version.parse().expect("a version"),
            source: None,
            license: Some(license.into()),
            terms: terms(license, &mut StringInterner::default()),
            needs_text: needs_text(Some(license)),
            features: Vec::new(),
            enabled: Vec::new(),
            member: via.is_none(),
            direct: false,
            build_script: false,
            dependents: 0,
            via,
        }
    }

    fn facts() -> GraphFacts {
        let mut facts = GraphFacts {
            packages: vec![
                package("app", "0.1.0", "MIT/Apache-2.0", None),
                package("llvm", "1.0.0", "Apache-2.0 WITH LLVM-exception", Some(4)),
                package("llvm", "2.0.0", "GPL-3.0+", Some(0)),
                package("odd", "1.0.0", "see the file", Some(0)),
                package("parent", "1.0.0", "MIT AND (MIT OR Zlib)", Some(0)),
            ],
            ..GraphFacts::default()
        };
        facts.count(&mut StringInterner::default());
        facts
    }

    #[test]
    fn licenses_and_exceptions_are_counted_once_per_package() {
        let facts = facts();
        let all = |counts: &BTreeMap<Arc<str>, usize>| {
            let all: Vec<_> =
                counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            all.join(", ")
        };
        assert_eq!(
            all(&facts.terms),
            "Apache-2.0 1, Apache-2.0 WITH LLVM-exception 1, GPL-3.0-or-later 1, MIT 2, Zlib 1"
        );
        assert_eq!(all(&facts.licenses), "Apache-2.0 2, GPL-3.0-or-later 1, MIT 2, Zlib 1");
        assert_eq!(all(&facts.exceptions), "LLVM-exception 1");
    }

    #[test]
    fn package_with_several_versions_is_found_by_its_version_and_source() {
        let facts = facts();
        let of = |version: &str, source: Option<&str>| {
            let (name, version) = ("llvm".into(), version.parse().expect("a version"));
            let package = PackageRef { name, version, source: source.map(Into::into) };
            facts.package(&package).map(|found| found.version.to_string())
        };
        assert_eq!(of("1.0.0", None).as_deref(), Some("1.0.0"));
        assert_eq!(of("2.0.0", None).as_deref(), Some("2.0.0"));
        assert_eq!(of("3.0.0", None), None);
        assert_eq!(of("1.0.0", Some("registry")), None);
    }

    #[test]
    fn an_entry_finds_the_packages_whose_terms_it_satisfies() {
        let facts = facts();
        let names = |entry: &str| {
            let with_license = facts.with_license(entry);
            with_license
                .iter()
                .map(|one| format!("{} {}", one.name, one.version))
                .collect::<Vec<_>>()
        };
        assert_eq!(names("MIT"), ["app 0.1.0", "parent 1.0.0"]);
        assert_eq!(names("Apache-2.0"), ["app 0.1.0"]);
        assert_eq!(names("Apache-2.0 WITH LLVM-exception"), ["llvm 1.0.0"]);
        assert_eq!(names("GPL-3.0-or-later"), ["llvm 2.0.0"]);
        assert!(names("0BSD").is_empty());
        assert!(names("no license").is_empty());
    }

    #[test]
    fn versions_and_paths_are_found() {
        let facts = facts();
        assert_eq!(facts.versions("llvm").len(), 2);
        assert!(facts.versions("l").is_empty());
        let path = facts.path(&facts.packages[1]);
        assert_eq!(
            path.iter().map(|one| &*one.name).collect::<Vec<_>>(),
            ["app", "parent", "llvm"]
        );
    }
}
