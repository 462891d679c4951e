//! What a base uses outside of its repository: packages by path, and configurations of cargo in the folders above. They
//! belong to no commit, so the base uses them as they are now.
//!
//! The files of a base are at the same path as those of the checkout, below a folder of ours in place of the root of the
//! file system. There, links lead to what is outside, and relative paths stay as they are.

use std::{collections::BTreeSet, fs, io};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use toml::de::{DeTable, DeValue};

use crate::{
    limits,
    model::{manifest::Manifest, tree},
    text::read_to_string,
    workspace::{CONFIGURATION_NAMES, lexical},
};

/// The name of the folder in place of the root of the file system.
const ROOT: &str = "root";

/// The name of the file that lists what the base's files name outside of the repository.
const LIST: &str = "outside";

/// The folder of ours for the root of the file system.
#[derive(Clone, Debug)]
pub(super) struct OutsideLinks {
    root: Utf8PathBuf,
}

impl OutsideLinks {
    /// In the folder of a base.
    pub(super) fn below(folder: &Utf8Path) -> Self {
        Self { root: folder.join(ROOT) }
    }

    /// Where a file or folder is below it.
    pub(super) fn path_of(&self, path: &Utf8Path) -> Utf8PathBuf {
        let names = path.components().filter_map(|component| match component {
            Utf8Component::Normal(name) => Some(name),
            _ => None,
        });
        self.root.join(names.collect::<Utf8PathBuf>())
    }

    /// The file or folder that has this path below it.
    pub(super) fn original(&self, path: &Utf8Path, checkout: &Utf8Path) -> Option<Utf8PathBuf> {
        let start = checkout.components().take_while(|component| {
            matches!(component, Utf8Component::Prefix(_) | Utf8Component::RootDir)
        });
        Some(start.collect::<Utf8PathBuf>().join(path.strip_prefix(&self.root).ok()?))
    }

    /// A message with the original paths.
    pub(super) fn with_originals(&self, message: &str) -> String {
        message.replace(self.root.as_str(), "")
    }

    /// Lists what the files of a base name outside of the repository. They were just written for the checkout.
    pub(super) fn list(folder: &Utf8Path, checkout: &Utf8Path) -> io::Result<()> {
        let base = Self::below(folder).path_of(checkout);
        let mut outside = BTreeSet::new();
        let files = ignore::WalkBuilder::new(&base).standard_filters(false).build();
        for file in files.filter_map(|file| Utf8PathBuf::from_path_buf(file.ok()?.into_path()).ok())
        {
            let Ok(inner) = file.strip_prefix(&base) else { continue };
            let original = checkout.join(inner);
            outside.extend(named_in(&file, &original).filter(|path| !path.starts_with(checkout)));
        }
        let lines: Vec<_> = outside.iter().map(|path| path.as_str()).collect();
        fs::write(folder.join(LIST), lines.join("\n"))
    }

    /// Makes the links to what is listed, to what that uses itself, and to the configurations above the checkout. Where a
    /// link cannot be made, cargo names the file that it misses.
    pub(super) fn make(&self, checkout: &Utf8Path) {
        // Cargo reads that of its home anyway.
        let cargo_home = tame_index::utils::cargo_home().ok();
        let list = self.root.parent().map(|folder| folder.join(LIST));
        let list = list.and_then(|list| fs::read_to_string(list).ok()).unwrap_or_default();
        let mut waiting: Vec<Utf8PathBuf> = list.lines().map(Utf8PathBuf::from).collect();
        for folder in checkout.ancestors().skip(1) {
            for configuration in CONFIGURATION_NAMES.map(|name| folder.join(name)) {
                let is_home = configuration.parent() == cargo_home.as_deref();
                if !is_home && configuration.is_file() {
                    waiting.extend(configuration.parent().map(Utf8Path::to_owned));
                    waiting.extend(named_in(&configuration, &configuration));
                }
            }
        }
        let mut seen = BTreeSet::new();
        while let Some(path) = waiting.pop() {
            if seen.len() >= limits::BASE_LINKS
                || path.starts_with(checkout)
                || !seen.insert(path.clone())
            {
                continue;
            }
            self.link(&path, checkout);
            let manifest = path.join("Cargo.toml");
            waiting.extend(named_in(&manifest, &manifest));
        }
    }

    /// Makes the link at the folder in which the way to `path` leaves that to the checkout. A package may belong to a
    /// workspace in that folder.
    fn link(&self, path: &Utf8Path, checkout: &Utf8Path) {
        let common = path.ancestors().find(|folder| checkout.starts_with(folder));
        let Some(common) = common else { return };
        let name = path.strip_prefix(common).ok().and_then(|rest| rest.iter().next());
        let root_manifest = common.join("Cargo.toml");
        let manifest = root_manifest.is_file().then_some("Cargo.toml");
        for name in name.into_iter().chain(manifest) {
            let (original, link) = (common.join(name), self.path_of(&common.join(name)));
            match symlink(&original, &link) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => tracing::debug!("could not link `{link}` to `{original}`: {error}"),
            }
        }
    }
}

/// The paths that a manifest or a configuration names, if `file` is one. It is relative to `original`.
fn named_in(file: &Utf8Path, original: &Utf8Path) -> impl Iterator<Item = Utf8PathBuf> {
    let mut named = Vec::new();
    let folder = original.parent().unwrap_or(original).to_owned();
    if file.file_name() == Some("Cargo.toml") {
        let text = read_to_string(file).unwrap_or_default();
        let manifest = Manifest::parse(&text);
        let dependencies = manifest.all_dependencies();
        named.extend(dependencies.filter_map(|one| Some(one.path.as_ref()?.value.clone())));
    }
    let mut from = folder;
    if CONFIGURATION_NAMES.iter().any(|name| file.ends_with(name)) {
        let text = read_to_string(file).unwrap_or_default();
        strings(tree::parse(&text).0.get_ref(), &mut named);
        // Paths in a configuration are relative to the parent of its folder.
        from = from.parent().unwrap_or(&from).to_owned();
        named.retain(|path| from.join(path).exists());
    }
    named.into_iter().map(move |path| lexical(&from.join(path)))
}

/// The strings in a table, however deep.
fn strings(table: &DeTable<'_>, all: &mut Vec<String>) {
    let mut waiting: Vec<&DeValue<'_>> = table.values().map(toml::Spanned::get_ref).collect();
    while let Some(value) = waiting.pop() {
        match value {
            DeValue::String(text) => all.push(text.to_string()),
            DeValue::Array(items) => waiting.extend(items.iter().map(toml::Spanned::get_ref)),
            DeValue::Table(table) => waiting.extend(table.values().map(toml::Spanned::get_ref)),
            _ => {}
        }
    }
}

#[cfg(unix)]
fn symlink(original: &Utf8Path, link: &Utf8Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

#[cfg(windows)]
fn symlink(original: &Utf8Path, link: &Utf8Path) -> io::Result<()> {
    if original.is_dir() {
        std::os::windows::fs::symlink_dir(original, link)
    } else {
        std::os::windows::fs::symlink_file(original, link)
    }
}
