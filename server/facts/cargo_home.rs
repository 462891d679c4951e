//! The paths of files in cargo's home that affect verdicts: its configuration, and its cache of the index with yanked
//! versions. Cargo and cargo-deny read them.

use std::collections::{BTreeSet, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::lockfile::Lockfile;

/// The configuration files in cargo's home, which may not exist.
pub fn configuration_files() -> Vec<Utf8PathBuf> {
    let home = tame_index::utils::cargo_home().into_iter();
    home.flat_map(|home| ["config.toml", "config"].map(|name| home.join(name))).collect()
}

/// The files of cargo's index cache for the packages of a lockfile. A file that does not exist yet is listed for every local
/// index.
pub fn index_files(lockfile: &str) -> BTreeSet<Utf8PathBuf> {
    index_folder().map(|folder| files_in(&folder, lockfile)).unwrap_or_default()
}

/// Whether a file belongs to cargo's index.
pub fn is_index_file(path: &Utf8Path) -> bool {
    index_folder().is_some_and(|folder| path.starts_with(folder))
}

/// The folders in which cargo unpacks the packages of registries, each in a folder `name-version`.
pub(crate) fn unpacked_packages() -> Vec<Utf8PathBuf> {
    let home = tame_index::utils::cargo_home().ok();
    let folders = home.and_then(|home| home.join("registry/src").read_dir_utf8().ok());
    folders.into_iter().flatten().flatten().map(|folder| folder.path().to_owned()).collect()
}

/// The file names of the archives that cargo has downloaded from registries, each `name-version.crate`.
pub(crate) fn downloaded_archives() -> HashSet<String> {
    let home = tame_index::utils::cargo_home().ok();
    let registries = home.and_then(|home| home.join("registry/cache").read_dir_utf8().ok());
    let folders = registries.into_iter().flatten().flatten();
    let archives = folders.filter_map(|folder| folder.path().read_dir_utf8().ok()).flatten();
    archives.flatten().map(|archive| archive.file_name().to_owned()).collect()
}

/// Whether a manifest belongs to a package that cargo has unpacked or checked out in its home, where its files do not change.
pub(crate) fn is_unpacked_package(manifest: &Utf8Path) -> bool {
    let home = tame_index::utils::cargo_home().ok();
    home.is_some_and(|home| {
        let folders = ["registry/src", "git/checkouts"];
        folders.into_iter().any(|folder| manifest.starts_with(home.join(folder)))
    })
}

fn index_folder() -> Option<Utf8PathBuf> {
    tame_index::utils::cargo_home().ok().map(|home| home.join("registry/index"))
}

fn files_in(folder: &Utf8Path, lockfile: &str) -> BTreeSet<Utf8PathBuf> {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    let caches: Vec<_> = entries.map(|entry| entry.path().join(".cache")).collect();
    let lock = Lockfile::entries(lockfile);
    let from_a_registry = |source: &str| source.contains("registry+") || source.contains("sparse+");
    let entries = lock.iter().filter(|entry| {
        entry.source.as_deref().is_some_and(from_a_registry) && entry.name.value.is_ascii()
    });
    let names: BTreeSet<_> = entries.map(|entry| entry.name.value.to_lowercase()).collect();
    let mut files = BTreeSet::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        let all: Vec<_> = caches.iter().map(|cache| cache.join(below_a_cache(name))).collect();
        let there: Vec<_> = all.iter().filter(|file| file.is_file()).cloned().collect();
        files.extend(if there.is_empty() { all } else { there });
    }
    files
}

/// The path of a package in an index (The Cargo Book, "Index Format").
fn below_a_cache(name: &str) -> Utf8PathBuf {
    match name.len() {
        short @ (1 | 2) => format!("{short}/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_files_are_existing_or_possible_ones() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let index = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for file in ["one/.cache/ti/me/time", "two/.cache/1/x"] {
            let path = index.join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, "").expect("write");
        }
        let entry = |name: &str, source: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{source}\n")
        };
        let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        let lock = format!(
            "version = 4\n{}{}{}",
            entry("Time", source),
            entry("syn", source),
            entry("app", "")
        );
        let files = files_in(index, &lock);
        let files: Vec<_> =
            files.iter().map(|file| file.strip_prefix(index).expect("below").as_str()).collect();
        let expected = ["one/.cache/3/s/syn", "one/.cache/ti/me/time", "two/.cache/3/s/syn"];
        assert_eq!(files, expected);
    }
}
