//! The files that the user can edit: the manifests of local packages, and the lockfile.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Location, PackageRef, Related, Role};
use crate::{
    model::{
        lockfile::{LockEntry, Lockfile},
        manifest::{Dependency, DependencyTable, Manifest},
    },
    text::{FilePath, SourceText, Span},
};

/// A manifest that the user can edit.
pub(super) struct LocalManifest {
    /// The path that cargo uses.
    pub(super) real: Utf8PathBuf,
    /// The path that the user uses: the workspace may have been opened through a symbolic link.
    pub(super) path: FilePath,
    pub(super) text: SourceText,
    pub(super) model: Manifest,
}

/// The entries of the lockfile.
pub(super) struct LockfileIndex {
    pub(super) path: FilePath,
    pub(super) text: SourceText,
    entries: Vec<LockEntry>,
    /// The entries of a name and a version.
    by_version: HashMap<(String, String), Vec<usize>>,
}

impl LocalManifest {
    /// A text of the manifest that cargo reads at `real` and the user names `path`.
    pub(super) fn new(real: &Utf8Path, path: FilePath, text: SourceText) -> Self {
        let model = Manifest::parse(text.as_str());
        Self { real: real.to_owned(), path, text, model }
    }

    pub(super) fn location(&self, span: Span, role: Role) -> Location {
        Location { file: self.path.clone(), text: self.text.clone(), span, role, via: None }
    }

    pub(super) fn head(&self) -> Location {
        self.location(self.model.head(), Role::Primary)
    }

    /// The dependency for a dependency in cargo's metadata.
    pub(super) fn dependency(&self, described: &krates::cm::Dependency) -> Option<&Dependency> {
        let table = match described.kind {
            krates::cm::DependencyKind::Normal => DependencyTable::Normal,
            krates::cm::DependencyKind::Development => DependencyTable::Dev,
            krates::cm::DependencyKind::Build => DependencyTable::Build,
        };
        let key = described.rename.as_ref().unwrap_or(&described.name);
        let mut same = self
            .model
            .dependencies
            .iter()
            .filter(|declared| declared.table == table && declared.key.value == *key);
        let target = described.target.as_deref().map(without_layout);
        let first = same.clone().next();
        same.find(|declared| declared.target.as_deref().map(without_layout) == target).or(first)
    }
}

impl LockfileIndex {
    /// The entries in a text.
    pub(super) fn new(path: FilePath, text: SourceText) -> Self {
        let entries = Lockfile::entries(text.as_str());
        let mut by_version: HashMap<_, Vec<_>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let version = (entry.name.value.clone(), entry.version.value.clone());
            by_version.entry(version).or_default().push(index);
        }
        Self { path, text, entries, by_version }
    }

    /// The entry of a package.
    pub(super) fn entry(&self, package: &PackageRef) -> Option<Related> {
        let Self { path, text, entries, by_version } = self;
        // Two sources may lock the same version.
        let same = by_version.get(&(package.name.clone(), package.version.to_string()))?;
        let of_source = same.iter().find(|index| entries[**index].source == package.source);
        let entry = &entries[*of_source.or(same.first())?];
        let location = Location {
            file: path.clone(),
            text: text.clone(),
            span: entry.version.span.clone(),
            role: Role::Primary,
            via: None,
        };
        Some(Related {
            location,
            message: format!("`{}` {} is locked here", package.name, package.version),
        })
    }
}

/// Removes layout: cargo prints `cfg` expressions in its own.
fn without_layout(target: &str) -> String {
    target.chars().filter(|c| !c.is_whitespace()).map(|c| if c == '\'' { '"' } else { c }).collect()
}
