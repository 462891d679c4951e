//! `Cargo.lock` as a value: its entries and where they stand.

use std::str::FromStr;

use toml::de::DeTable;

use super::tree;
use crate::text::{Span, Spanned};

/// A lock file, as far as it can be understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lockfile {
    /// The lock entries in the order of the file.
    pub entries: Vec<LockEntry>,
    /// Why cargo could not use it, with the place; `None` for a sound file.
    pub error: Option<Spanned<String>>,
}

/// One `[[package]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEntry {
    /// The package's name.
    pub name: Spanned<String>,
    /// Its locked version.
    pub version: Spanned<String>,
    /// Its source, absent for packages of the workspace and path dependencies.
    pub source: Option<String>,
}

impl Lockfile {
    /// Reads a lock file. Never fails: see [`Lockfile::error`].
    pub fn parse(text: &str) -> Self {
        if let Some(span) = conflict_marker(text) {
            let value = "the lock file holds the markers of an unfinished merge".to_owned();
            return Self { entries: Vec::new(), error: Some(Spanned { value, span }) };
        }
        let (root, errors) = tree::parse(text);
        let root = root.get_ref();
        let entries = entries(text, root);
        let syntax = errors
            .into_iter()
            .next()
            .map(|error| Spanned { value: error.message, span: error.span });
        let error = syntax.or_else(|| wrong_version(&entries)).or_else(|| {
            // What else the file means (sources, the format's own version) is judged by the library
            // that knows the format.
            let error = cargo_lock::Lockfile::from_str(text).err()?;
            let span = tree::entry(root, "version").map_or(0..0, |(_, value)| value.span());
            Some(Spanned { value: last_line(&error.to_string()), span })
        });
        Self { entries, error }
    }

    /// The lock entries alone, whether or not cargo could use the file.
    pub fn entries(text: &str) -> Vec<LockEntry> {
        entries(text, tree::parse(text).0.get_ref())
    }

    /// The entry of a package. Two sources may lock the same version: `source` decides then.
    pub fn entry(&self, name: &str, version: &str, source: Option<&str>) -> Option<&LockEntry> {
        let mut same = self
            .entries
            .iter()
            .filter(|entry| entry.name.value == name && entry.version.value == version);
        let first = same.clone().next();
        same.find(|entry| entry.source.as_deref() == source).or(first)
    }
}

fn entries(text: &str, root: &DeTable<'_>) -> Vec<LockEntry> {
    let packages = tree::array(root, "package").iter().filter_map(|value| {
        let table = value.get_ref().as_table()?;
        Some(LockEntry {
            name: tree::string(text, table, "name")?,
            version: tree::string(text, table, "version")?,
            source: tree::string(text, table, "source").map(|source| source.value),
        })
    });
    packages.collect()
}

fn wrong_version(entries: &[LockEntry]) -> Option<Spanned<String>> {
    entries.iter().find_map(|entry| {
        let error = semver::Version::parse(&entry.version.value).err()?;
        let value = format!("`{}` is no version: {error}", entry.version.value);
        Some(Spanned { value, span: entry.version.span.clone() })
    })
}

/// The library's errors repeat the text; what is wrong with it comes last.
fn last_line(error: &str) -> String {
    let line = error.trim_end().lines().next_back().unwrap_or_default();
    line.trim_start_matches("parse error: ").to_owned()
}

fn conflict_marker(text: &str) -> Option<Span> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>") {
            return Some(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"version = 4

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

[[package]]
name = "a"
version = "2.0.0"

[[package]]
name = "m"
version = "0.1.0"
dependencies = ["a 1.0.0", "a 2.0.0"]
"#;

    #[test]
    fn two_versions_of_one_crate_are_two_entries() {
        let lock = Lockfile::parse(SOUND);
        assert_eq!(lock.error, None);
        let entry = lock.entry("a", "2.0.0", None).expect("a 2.0.0");
        assert_eq!(&SOUND[entry.version.span.clone()], "2.0.0");
        assert!(lock.entry("a", "3.0.0", None).is_none());
    }

    #[test]
    fn merge_markers_are_named_where_they_stand() {
        let text =
            SOUND.replace("[[package]]\nname = \"m\"", "<<<<<<< HEAD\n[[package]]\nname = \"m\"");
        let error = Lockfile::parse(&text).error.expect("an error");
        assert!(error.value.contains("unfinished merge"));
        assert_eq!(&text[error.span], "<<<<<<< HEAD");
    }

    #[test]
    fn a_truncated_file_keeps_its_whole_entries_and_says_what_is_wrong() {
        let cut = &SOUND[..SOUND.find("[[package]]\nname = \"m\"").expect("m") + 20];
        let lock = Lockfile::parse(cut);
        assert!(lock.error.is_some());
        assert!(lock.entry("a", "1.0.0", None).is_some());
    }

    #[test]
    fn an_unknown_format_version_is_said_at_the_version() {
        let text = SOUND.replace("version = 4", "version = 99");
        let error = Lockfile::parse(&text).error.expect("an error");
        assert_eq!(error.value, "invalid Cargo.lock format version: `99`");
        assert_eq!(&text[error.span], "99");
    }

    #[test]
    fn a_locked_version_that_is_none_is_said_at_it() {
        let text = SOUND.replace("version = \"2.0.0\"", "version = \"two\"");
        let error = Lockfile::parse(&text).error.expect("an error");
        assert_eq!(&text[error.span], "two");
    }
}
