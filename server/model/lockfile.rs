//! Parses `Cargo.lock` into entries with their locations.

use std::{borrow::Cow, collections::HashMap, str::FromStr};

use semver::Version;
use toml::de::DeTable;

use super::tree;
use crate::text::{Span, Spanned};

/// A lockfile, as far as it can be parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lockfile {
    /// The lock entries in the order of the file.
    pub entries: Vec<LockEntry>,
    /// Why cargo could not use it, and where; `None` for a valid file.
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

/// Whether the source of a package is a registry.
pub(crate) fn is_registry(source: &str) -> bool {
    source.starts_with("registry+") || source.starts_with("sparse+")
}

/// A package in a lockfile with its dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LockedPackage {
    /// Its name.
    pub(crate) name: String,
    /// Its locked version.
    pub(crate) version: Version,
    /// Its source, absent for packages of the workspace and path dependencies.
    pub(crate) source: Option<String>,
    /// The indices of its dependencies, in the order of the file.
    pub(crate) dependencies: Vec<usize>,
}

/// The newest format that the library can validate. Newer ones have so far kept the names, versions and sources.
const KNOWN_FORMAT: i64 = 4;

impl Lockfile {
    /// The version of the file's format; absent in the first two formats.
    pub(crate) fn format(text: &str) -> Option<Spanned<i64>> {
        format(tree::parse(text).0.get_ref())
    }

    /// Parses a lockfile. Never fails: see [`Lockfile::error`].
    pub fn parse(text: &str) -> Self {
        if let Some(span) = conflict_marker(text) {
            let value = "found merge conflict markers".to_owned();
            return Self { entries: Vec::new(), error: Some(Spanned { value, span }) };
        }
        let (root, errors) = tree::parse(text);
        let root = root.get_ref();
        let entries = entries(text, root);
        let syntax = errors
            .into_iter()
            .next()
            .map(|error| Spanned { value: error.message, span: error.span });
        let is_newer = || format(root).is_some_and(|format| format.value > KNOWN_FORMAT);
        let error = syntax.or_else(|| wrong_version(&entries)).or_else(|| {
            // Only a newer cargo knows what is valid in a newer format.
            if is_newer() {
                let value = "invalid package entry".to_owned();
                return Self::graph(text).is_none().then_some(Spanned { value, span: 0..0 });
            }
            // Everything else (sources, the format's version) is validated by the `cargo_lock` library.
            let error = cargo_lock::Lockfile::from_str(&without_relations(text, root)).err()?;
            let span = tree::entry(root, "version").map_or(0..0, |(_, value)| value.span());
            Some(Spanned { value: last_line(&error.to_string()), span })
        });
        Self { entries, error }
    }

    /// The packages of a lockfile with their dependencies; `None` if the file is not valid. Takes time and memory
    /// in proportion to the text.
    pub(crate) fn graph(text: &str) -> Option<Vec<LockedPackage>> {
        let mut read = Some((Vec::new(), Vec::<Vec<String>>::new()));
        let is_valid = each_package(text, |_, _, table| {
            let Some((packages, required)) = &mut read else { return };
            if let Some(package) = locked_package(table) {
                packages.push(package);
                let all = tree::array(table, "dependencies").iter();
                required.push(
                    all.filter_map(|one| one.get_ref().as_str().map(str::to_owned)).collect(),
                );
            } else {
                read = None;
            }
        });
        let (mut packages, required) = read.filter(|_| is_valid)?;
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        let mut by_version: HashMap<(&str, &Version), usize> = HashMap::new();
        let mut by_source: HashMap<(&str, &Version, &str), usize> = HashMap::new();
        for (index, LockedPackage { name, version, source, .. }) in packages.iter().enumerate() {
            by_name.entry(name).or_insert(index);
            by_version.entry((name, version)).or_insert(index);
            if let Some(source) = source {
                by_source.entry((name, version, source)).or_insert(index);
            }
        }
        // `name`, `name version` or `name version (source)`, as much as is unambiguous.
        let find = |dependency: &str| {
            let mut parts = dependency.split_ascii_whitespace();
            let name = parts.next()?;
            let Some(version) = parts.next() else { return by_name.get(name).copied() };
            let version: Version = version.parse().ok()?;
            let source = parts.next().and_then(|part| part.strip_prefix('(')?.strip_suffix(')'));
            let exact = source.and_then(|source| by_source.get(&(name, &version, source)));
            exact.or_else(|| by_version.get(&(name, &version))).copied()
        };
        let found = |names: Vec<String>| names.iter().filter_map(|name| find(name)).collect();
        let dependencies: Vec<Vec<usize>> = required.into_iter().map(found).collect();
        for (package, dependencies) in packages.iter_mut().zip(dependencies) {
            package.dependencies = dependencies;
        }
        Some(packages)
    }

    /// The lock entries alone, whether or not cargo could use the file.
    pub fn entries(text: &str) -> Vec<LockEntry> {
        let mut all = Vec::new();
        each_package(text, |start, piece, table| {
            let moved = |value: Spanned<String>| {
                let span = value.span.start + start..value.span.end + start;
                Spanned { span, ..value }
            };
            let entry = entry(piece, table);
            all.extend(entry.map(|LockEntry { name, version, source }| LockEntry {
                name: moved(name),
                version: moved(version),
                source,
            }));
        });
        all
    }

    /// The entry of a package. `source` decides if two sources have the same version.
    pub fn entry(&self, name: &str, version: &str, source: Option<&str>) -> Option<&LockEntry> {
        let mut same = self
            .entries
            .iter()
            .filter(|entry| entry.name.value == name && entry.version.value == version);
        let first = same.clone().next();
        same.find(|entry| entry.source.as_deref() == source).or(first)
    }
}

fn format(root: &DeTable<'_>) -> Option<Spanned<i64>> {
    let value = root.get("version")?;
    let number = value.get_ref().as_integer()?;
    let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
    Some(Spanned { value: number, span: value.span() })
}

fn entries(text: &str, root: &DeTable<'_>) -> Vec<LockEntry> {
    packages(root).filter_map(|table| entry(text, table)).collect()
}

fn entry(text: &str, table: &DeTable<'_>) -> Option<LockEntry> {
    Some(LockEntry {
        name: tree::string(text, table, "name")?,
        version: tree::string(text, table, "version")?,
        source: tree::string(text, table, "source").map(|source| source.value),
    })
}

/// A package, with its dependencies still empty.
fn locked_package(table: &DeTable<'_>) -> Option<LockedPackage> {
    let named = |key: &str| Some(table.get(key)?.get_ref().as_str()?.to_owned());
    Some(LockedPackage {
        name: named("name")?,
        version: named("version")?.parse().ok()?,
        source: named("source"),
        dependencies: Vec::new(),
    })
}

fn packages<'t, 'i>(root: &'t DeTable<'i>) -> impl Iterator<Item = &'t DeTable<'i>> {
    tree::array(root, "package").iter().filter_map(|one| one.get_ref().as_table())
}

/// Calls `visit` for each package, with the part of the text that contains it and where that starts. Returns
/// whether everything could be parsed.
fn each_package(text: &str, mut visit: impl FnMut(usize, &str, &DeTable<'_>)) -> bool {
    let mut is_valid = true;
    for (start, piece) in pieces(text) {
        let (root, errors) = tree::parse(piece);
        is_valid &= errors.is_empty();
        packages(root.get_ref()).for_each(|table| visit(start, piece, table));
    }
    is_valid
}

/// Splits a long text into its packages, each with its start. Parsing all of it at once would take more than ten
/// times its size in memory.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    const LONG: usize = 1 << 20;
    // A multi-line string may contain `[[package]]`.
    let is_plain = !["\"\"\"", "'''"].iter().any(|quotes| text.contains(quotes));
    if text.len() <= LONG || !is_plain || tree::too_many_values(text).is_some() {
        return vec![(0, text)];
    }
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && line.trim_end() == "[[package]]" {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts[1..].iter().copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| (start, &text[start..end])).collect()
}

/// A long text without its dependency lists and old-style checksums: the library searches all packages for each
/// of them.
fn without_relations<'t>(text: &'t str, root: &DeTable<'_>) -> Cow<'t, str> {
    const FEW: usize = 256 << 10;
    if text.len() <= FEW {
        return text.into();
    }
    let mut kept = text.as_bytes().to_vec();
    let mut blank = |span: Span, instead: &[u8]| {
        if let Some(bytes) = kept.get_mut(span).filter(|bytes| bytes.len() >= instead.len()) {
            bytes.fill(b' ');
            bytes[..instead.len()].copy_from_slice(instead);
        }
    };
    for table in tree::array(root, "package").iter().filter_map(|one| one.get_ref().as_table()) {
        if let Some(list) = table.get("dependencies").filter(|one| one.get_ref().is_array()) {
            blank(list.span(), b"[]");
        }
    }
    for (key, value) in tree::table(root, "metadata").into_iter().flatten() {
        blank(key.span().start..value.span().end, b"");
    }
    String::from_utf8(kept).map_or(text.into(), Cow::Owned)
}

fn wrong_version(entries: &[LockEntry]) -> Option<Spanned<String>> {
    entries.iter().find_map(|entry| {
        let error = semver::Version::parse(&entry.version.value).err()?;
        let value = format!("invalid version `{}`: {error}", entry.version.value);
        Some(Spanned { value, span: entry.version.span.clone() })
    })
}

/// The library's errors repeat the text; the message comes last.
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

    const VALID: &str = r#"version = 4

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
    fn long_text_is_parsed_package_by_package_with_the_same_result() {
        let mut text = "version = 4\n".to_owned();
        for number in 0..12_000 {
            text.push_str(&format!(
                "\n[[package]]\nname = \"p{number}\"\nversion = \"1.0.0\"\nsource = \"registry+a\"\n\
                 dependencies = [\n \"p{}\",\n]\n",
                (number + 1) % 12_000
            ));
        }
        assert!(pieces(&text).len() > 12_000);
        let (root, errors) = tree::parse(&text);
        assert_eq!(errors, []);
        assert_eq!(Lockfile::entries(&text), entries(&text, root.get_ref()));
        let graph = Lockfile::graph(&text).expect("it is valid");
        assert_eq!((graph.len(), &*graph[7].dependencies), (12_000, &[8][..]));
        assert_eq!(Lockfile::graph(&format!("{text}[[package]]\nname = 1\n")), None);
        assert_eq!(Lockfile::graph(&format!("{text}=")), None);
        // The text is not split inside a multi-line string.
        let quoted = format!("{text}[metadata]\nx = \"\"\"\n[[package]]\n\"\"\"\n");
        assert_eq!(Lockfile::graph(&quoted).map(|graph| graph.len()), Some(12_000));
    }

    #[test]
    fn two_versions_of_one_crate_are_two_entries() {
        let lock = Lockfile::parse(VALID);
        assert_eq!(lock.error, None);
        let entry = lock.entry("a", "2.0.0", None).expect("a 2.0.0");
        assert_eq!(&VALID[entry.version.span.clone()], "2.0.0");
        assert!(lock.entry("a", "3.0.0", None).is_none());
    }

    #[test]
    fn merge_conflict_markers_are_an_error_at_the_first_one() {
        let text =
            VALID.replace("[[package]]\nname = \"m\"", "<<<<<<< HEAD\n[[package]]\nname = \"m\"");
        let error = Lockfile::parse(&text).error.expect("an error");
        assert!(error.value.contains("merge conflict"));
        assert_eq!(&text[error.span], "<<<<<<< HEAD");
    }

    #[test]
    fn truncated_file_keeps_its_complete_entries_and_has_an_error() {
        let cut = &VALID[..VALID.find("[[package]]\nname = \"m\"").expect("m") + 20];
        let lock = Lockfile::parse(cut);
        assert!(lock.error.is_some());
        assert!(lock.entry("a", "1.0.0", None).is_some());
    }

    #[test]
    fn newer_format_is_read_and_only_cargo_rejects_it() {
        let text = VALID.replace("version = 4", "version = 99");
        let lock = Lockfile::parse(&text);
        assert_eq!((lock.error, lock.entries.len()), (None, Lockfile::parse(VALID).entries.len()));
        let format = Lockfile::format(&text).expect("a version");
        assert_eq!((format.value, &text[format.span]), (99, "99"));
        let unreadable = text.replace("name = \"a\"", "name = 1");
        assert!(Lockfile::parse(&unreadable).error.is_some());
    }

    #[test]
    fn invalid_version_is_an_error_at_the_version() {
        let text = VALID.replace("version = \"2.0.0\"", "version = \"two\"");
        let error = Lockfile::parse(&text).error.expect("an error");
        assert_eq!(&text[error.span], "two");
    }

    #[test]
    fn dependencies_are_found_by_name_version_or_source() {
        let text = r#"version = 4

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://one.example/index"

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://two.example/index"

[[package]]
name = "a"
version = "2.0.0"

[[package]]
name = "b"
version = "0.1.0"
dependencies = [
 "m",
]

[[package]]
name = "m"
version = "0.1.0"
dependencies = [
 "a 1.0.0 (registry+https://two.example/index)",
 "a 2.0.0",
 "b",
 "gone",
]
"#;
        let graph = Lockfile::graph(text).expect("it is valid");
        let found: Vec<_> = graph.iter().map(|package| package.dependencies.as_slice()).collect();
        assert_eq!(found, [&[] as &[usize], &[], &[], &[4], &[1, 2, 3]]);
        assert_eq!(Lockfile::graph(&text.replace("0.1.0", "none")), None);
        assert_eq!(Lockfile::graph(&text[..text.len() - 4]), None);
    }
}
