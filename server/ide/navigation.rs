//! Definitions and references of the names in a policy or manifest: dependencies, lock entries, and
//! entries of the policy.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    gate::Verdict,
    model::{
        lockfile::Lockfile,
        manifest::{Dependency, Manifest},
    },
    policy::{
        effects::Effects,
        entries::{PolicyEntry, PolicyList, entries},
    },
    text::{SourceText, Span},
    verdict::{Location, PackageRef, ResolvedDependency, Role},
    workspace::{is_exceptions, is_policy},
};

/// The verdicts and texts of a session.
pub(crate) struct SessionView<'v> {
    pub(crate) verdicts: &'v [std::sync::Arc<Verdict>],
    /// The current text of a file: in its buffer, else on disk.
    pub(crate) text: &'v dyn Fn(&Utf8Path) -> Option<SourceText>,
    /// Maps a span of the checked text of a file to its current text.
    pub(crate) moved: &'v dyn Fn(&Utf8Path, &SourceText, &Span) -> Option<Span>,
}

/// The definitions of the name at `offset` of `file`: of a crate in a policy its dependencies in the
/// manifests, else its lock entries; of an inherited dependency the workspace dependency; of another
/// dependency its lock entry.
pub(crate) fn definitions(view: &SessionView<'_>, file: &Utf8Path, offset: usize) -> Vec<Location> {
    if is_policy_file(file) {
        let names = view.named_in_policy(file, offset);
        let declared = view.dependencies(&names, |verdict| verdict.uses_policy_file(file));
        if !declared.is_empty() {
            return declared;
        }
        return view
            .ruled_by(file)
            .flat_map(|verdict| view.locked(verdict, &names, None))
            .collect();
    }
    let Some(text) = (view.text)(file) else { return Vec::new() };
    let manifest = Manifest::parse(text.as_str());
    let Some(declared) = dependency_at(&manifest, offset) else { return Vec::new() };
    if declared.inherits.is_some() {
        return view.origin(file, &manifest, declared).into_iter().collect();
    }
    if let Some(path) = &declared.path
        && let Some(location) = view.head(file, &path.value)
    {
        return vec![location];
    }
    let names = BTreeSet::from([declared.package.clone()]);
    let mut found = Vec::new();
    for verdict in view.verdicts {
        for one in view.resolved(verdict, file, declared) {
            found.extend(view.locked(verdict, &names, Some(&one.package)));
        }
    }
    deduplicated(found)
}

/// The entries of policies about the package at `offset` of `file`, and its dependencies in the manifests
/// if `include_dependencies`.
pub(crate) fn references(
    view: &SessionView<'_>,
    file: &Utf8Path,
    offset: usize,
    include_dependencies: bool,
) -> Vec<Location> {
    let names = if is_policy_file(file) {
        view.named_in_policy(file, offset)
    } else {
        let Some(text) = (view.text)(file) else { return Vec::new() };
        let manifest = Manifest::parse(text.as_str());
        dependency_at(&manifest, offset).map(|one| one.package.clone()).into_iter().collect()
    };
    if names.is_empty() {
        return Vec::new();
    }
    let concerned = |verdict: &Verdict| {
        verdict.uses_policy_file(file)
            || verdict.declares_in(file)
            || verdict.workspace.manifest == file
    };
    let mut found = Vec::new();
    for verdict in view.verdicts.iter().filter(|verdict| concerned(verdict)) {
        found.extend(view.policy_entries(verdict, &names));
    }
    if include_dependencies {
        found.extend(view.dependencies(&names, concerned));
    }
    deduplicated(found)
}

/// Whether a file is a policy or an exceptions file.
fn is_policy_file(file: &Utf8Path) -> bool {
    is_policy(file) || is_exceptions(file)
}

/// The dependency whose key or value contains `offset`.
fn dependency_at(manifest: &Manifest, offset: usize) -> Option<&Dependency> {
    manifest.all_dependencies().find(|one| {
        let values = [&one.requirement, &one.git, &one.path];
        let values = values.into_iter().flatten().map(|value| &value.span);
        let mut spans = values.chain(&one.inherits).chain([&one.key.span]);
        spans.any(|span| span.start <= offset && offset <= span.end)
    })
}

impl SessionView<'_> {
    /// The packages that the entry at `offset` of a policy names, or whose findings it suppresses.
    pub(super) fn named_in_policy(&self, file: &Utf8Path, offset: usize) -> BTreeSet<String> {
        let Some(text) = (self.text)(file) else { return BTreeSet::new() };
        let entries = entries(text.as_str());
        let at = |entry: &&PolicyEntry| {
            entry.subject.span.start <= offset && offset <= entry.subject.span.end
        };
        let Some(entry) = entries.iter().find(at) else { return BTreeSet::new() };
        if let Some(package) = entry.package() {
            return BTreeSet::from([package.value.to_owned()]);
        }
        if !entry.is_advisory() {
            return BTreeSet::new();
        }
        let effects = self
            .ruled_by(file)
            .filter_map(|verdict| self.effects(verdict, file, &entries).of(entry));
        effects.flat_map(|effect| effect.packages).map(|package| package.name).collect()
    }

    fn ruled_by(&self, policy: &Utf8Path) -> impl Iterator<Item = &Verdict> {
        let ours = move |verdict: &&Verdict| verdict.uses_policy_file(policy);
        self.verdicts.iter().map(AsRef::as_ref).filter(ours)
    }

    fn effects<'e>(
        &self,
        verdict: &'e Verdict,
        file: &Utf8Path,
        entries: &[PolicyEntry],
    ) -> Effects<'e> {
        Effects::new(entries, file, verdict.effect_input(), &|text, span| {
            (self.moved)(file, text, span)
        })
    }

    /// The dependencies on packages with these names.
    fn dependencies(
        &self,
        names: &BTreeSet<String>,
        concerned: impl Fn(&Verdict) -> bool,
    ) -> Vec<Location> {
        let verdicts = self.verdicts.iter().filter(|verdict| concerned(verdict));
        let declared = verdicts.flat_map(|verdict| verdict.declared.iter());
        let matching = declared.filter(|one| names.contains(&one.package.name));
        deduplicated(matching.map(|one| location(&one.file, &one.text, &one.key)).collect())
    }

    /// The resolved dependencies of a dependency of a manifest in a verdict.
    fn resolved<'r>(
        &'r self,
        verdict: &'r Verdict,
        file: &'r Utf8Path,
        declared: &'r Dependency,
    ) -> impl Iterator<Item = &'r ResolvedDependency> {
        verdict.declared_in(file).filter(move |one| {
            (self.moved)(file, &one.text, &one.key).as_ref() == Some(&declared.key.span)
        })
    }

    /// The lock entries of packages with these names, or only that of `package`.
    fn locked(
        &self,
        verdict: &Verdict,
        names: &BTreeSet<String>,
        package: Option<&PackageRef>,
    ) -> Vec<Location> {
        let path = verdict.workspace.lockfile();
        let Some(text) = (self.text)(&path) else { return Vec::new() };
        let entries = Lockfile::entries(text.as_str());
        let package = package.map(|package| (package, package.version.to_string()));
        let matching = entries.iter().filter(|entry| {
            names.contains(&entry.name.value)
                && package.as_ref().is_none_or(|(package, version)| {
                    entry.version.value == *version && package.has_source(entry.source.as_deref())
                })
        });
        matching.map(|entry| location(&path, &text, &entry.name.span)).collect()
    }

    /// The workspace dependency that a member inherits.
    fn origin(
        &self,
        file: &Utf8Path,
        manifest: &Manifest,
        declared: &Dependency,
    ) -> Option<Location> {
        if let Some(origin) = manifest.inherited(declared) {
            let text = (self.text)(file)?;
            return Some(location(file, &text, &origin.key.span));
        }
        let known = self
            .verdicts
            .iter()
            .find(|verdict| verdict.workspace.manifest == file || verdict.declares_in(file));
        let root = known.map(|verdict| verdict.workspace.root.clone());
        let stated = || {
            let named = manifest.package.as_ref()?.workspace.as_ref()?;
            Some(joined(file.parent()?, &named.value))
        };
        let above = || {
            file.parent()?.ancestors().skip(1).map(Utf8Path::to_owned).find(|folder| {
                let text = (self.text)(&folder.join("Cargo.toml"));
                text.is_some_and(|text| Manifest::parse(text.as_str()).workspace.is_some())
            })
        };
        let root = stated().or(root).or_else(above)?.join("Cargo.toml");
        let text = (self.text)(&root)?;
        let root_manifest = Manifest::parse(text.as_str());
        let origin = root_manifest.inherited(declared)?;
        Some(location(&root, &text, &origin.key.span))
    }

    /// The package name in the manifest of a path dependency.
    fn head(&self, file: &Utf8Path, folder: &str) -> Option<Location> {
        let path = joined(file.parent()?, folder).join("Cargo.toml");
        let text = (self.text)(&path)?;
        let head = Manifest::parse(text.as_str()).head();
        Some(location(&path, &text, &head))
    }

    /// The entries of a verdict's policy about packages with these names.
    fn policy_entries(&self, verdict: &Verdict, names: &BTreeSet<String>) -> Vec<Location> {
        let files = verdict.policy.iter().chain(&verdict.exceptions);
        files.flat_map(|file| self.entries_of(verdict, file, names)).collect()
    }

    /// The same for one of its files.
    fn entries_of(
        &self,
        verdict: &Verdict,
        policy: &Utf8Path,
        names: &BTreeSet<String>,
    ) -> Vec<Location> {
        let Some(text) = (self.text)(policy) else { return Vec::new() };
        let entries = entries(text.as_str());
        let effects = self.effects(verdict, policy, &entries);
        let concerns = |entry: &&PolicyEntry| match entry.package() {
            Some(package) => names.contains(package.value),
            None => {
                entry.list == PolicyList::Ignore
                    && effects.of(entry).is_some_and(|effect| {
                        effect.packages.iter().any(|package| names.contains(&package.name))
                    })
            }
        };
        let concerned = entries.iter().filter(concerns);
        concerned.map(|entry| location(policy, &text, &entry.subject.span)).collect()
    }
}

fn location(file: &Utf8Path, text: &SourceText, span: &Span) -> Location {
    let (file, text, span) = (file.to_owned(), text.clone(), span.clone());
    Location { file: file.into(), text, span, role: Role::Primary, via: None }
}

/// Joins a folder and a relative path, and removes `..`.
fn joined(folder: &Utf8Path, path: &str) -> Utf8PathBuf {
    let mut all = folder.to_owned();
    for part in Utf8Path::new(path).components() {
        match part {
            camino::Utf8Component::ParentDir => {
                all.pop();
            }
            camino::Utf8Component::CurDir => {}
            part => all.push(part),
        }
    }
    all
}

fn deduplicated(locations: Vec<Location>) -> Vec<Location> {
    let mut found: Vec<Location> = Vec::new();
    for location in locations {
        if !found.iter().any(|known| known.is_at(&location)) {
            found.push(location);
        }
    }
    found
}
