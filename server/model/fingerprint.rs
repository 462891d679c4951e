//! Fingerprints of manifests and other files, to check whether the workspace has to be resolved again. Comments,
//! layout and descriptions do not change that of a manifest.

use std::hash::{DefaultHasher, Hash, Hasher};

use toml::{Table, Value};

use super::manifest::{Dependency, Manifest};

/// A hash of the content of a file that can change the resolution or the findings about the package itself. If it
/// stays the same, the workspace need not be resolved again. Valid within one run of the program only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileFingerprint(u64);

/// Keys of `[package]` that affect neither the resolution nor any check.
const IGNORED_PACKAGE_KEYS: [&str; 11] = [
    "authors",
    "categories",
    "default-run",
    "description",
    "documentation",
    "exclude",
    "homepage",
    "include",
    "keywords",
    "readme",
    "repository",
];

/// Tables that affect only the build.
const IGNORED_TABLES: [&str; 3] = ["profile", "lints", "badges"];

impl FileFingerprint {
    /// Of a manifest; `None` if it has syntax errors.
    pub fn of_manifest(text: &str) -> Option<Self> {
        let mut table: Table = text.parse().ok()?;
        for key in IGNORED_TABLES {
            table.remove(key);
        }
        if let Some(Value::Table(package)) = table.get_mut("package") {
            remove_ignored_keys(package);
        }
        if let Some(Value::Table(workspace)) = table.get_mut("workspace") {
            for key in ["metadata", "lints"] {
                workspace.remove(key);
            }
            if let Some(Value::Table(package)) = workspace.get_mut("package") {
                remove_ignored_keys(package);
            }
        }
        let value = Self::of_value(&Value::Table(table));
        let mut hasher = DefaultHasher::new();
        (value, line_prefixes(text)).hash(&mut hasher);
        Some(Self(hasher.finish()))
    }

    /// Of any text; every byte counts.
    pub fn of_text(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Of a TOML value; layout, comments and the order of keys do not count.
    pub(crate) fn of_value(value: &Value) -> Self {
        let mut hasher = DefaultHasher::new();
        hash(value, &mut hasher);
        Self(hasher.finish())
    }
}

/// The text before each location of a finding on its line, in the order of the file and without spaces and quotes.
/// An edit moves locations, but not correctly if dependencies change their order (the manifest was sorted) or their
/// syntax (a table instead of a requirement).
fn line_prefixes(text: &str) -> Vec<String> {
    let manifest = Manifest::parse(text);
    let declared = manifest.all_dependencies().map(Dependency::location);
    let package = manifest.package.iter().flat_map(|package| [&package.name, &package.license]);
    let package = package.flatten().map(|value| value.span.clone());
    let mut starts: Vec<_> = declared.chain(package).map(|span| span.start).collect();
    starts.sort_unstable();
    let prefix = |start: &usize| {
        let line = text[..*start].rsplit('\n').next().unwrap_or_default();
        line.replace([' ', '\t', '"', '\''], "")
    };
    starts.iter().map(prefix).collect()
}

fn remove_ignored_keys(package: &mut Table) {
    for key in IGNORED_PACKAGE_KEYS {
        package.remove(key);
    }
    // cargo-deny reads `package.metadata.cargo-deny`.
    let Some(Value::Table(mut metadata)) = package.remove("metadata") else { return };
    if let Some(kept) = metadata.remove("cargo-deny") {
        package.insert("metadata".to_owned(), kept);
    }
}

/// Sorts keys, so that their order in the file does not count.
fn hash(value: &Value, hasher: &mut impl Hasher) {
    match value {
        Value::Table(table) => {
            0u8.hash(hasher);
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            entries.len().hash(hasher);
            for (key, value) in entries {
                key.hash(hasher);
                hash(value, hasher);
            }
        }
        Value::Array(values) => {
            1u8.hash(hasher);
            values.len().hash(hasher);
            for value in values {
                hash(value, hasher);
            }
        }
        other => {
            2u8.hash(hasher);
            other.type_str().hash(hasher);
            other.to_string().hash(hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"[package]
name = "m"
version = "0.1.0"
description = "words"

[dependencies]
a = "1"
b = { version = "2", features = ["x"] }
"#;

    fn same(edit: impl Fn(&str) -> String) -> bool {
        FileFingerprint::of_manifest(MANIFEST) == FileFingerprint::of_manifest(&edit(MANIFEST))
    }

    #[test]
    fn fingerprint_ignores_comments_layout_and_descriptions() {
        assert!(same(|text| format!("# a comment\n{text}\n\n")));
        assert!(same(|text| text.replace("\"words\"", "'other words'")));
        assert!(same(|text| text
            .replace("version = \"0.1.0\"\n", "") // The keys of a table.
            .replace("[package]\n", "[package]\nversion = \"0.1.0\"\n")));
        assert!(same(|text| text.replace("{ version = \"2\", ", "{version=\"2\",")));
        assert!(same(|text| format!("{text}[profile.release]\nlto = true\n")));
        assert!(same(|text| format!("{text}[package.metadata.docs]\nall = true\n")));
    }

    #[test]
    fn fingerprint_changes_with_the_position_of_dependencies() {
        assert!(!same(|text| text.replace("a = \"1\"\n", "") + "a = \"1\"\n"));
        assert!(!same(|text| text.replace("a = \"1\"", "a = { version = \"1\" }")));
        assert!(!same(|text| text.replace("a = \"1\"", "a.version = \"1\"")));
        assert!(same(|text| text.replace("a = \"1\"", "a  =  '1' # why")));
    }

    #[test]
    fn fingerprint_changes_with_what_cargo_and_cargo_deny_read() {
        assert!(!same(|text| text.replace("\"1\"", "\"1.1\"")));
        assert!(!same(|text| text.replace("\"x\"", "\"y\"")));
        assert!(!same(|text| format!("{text}c = \"3\"\n")));
        assert!(!same(|text| text.replace("[dependencies]", "[dev-dependencies]")));
        assert!(!same(|text| text.replace("description = \"words\"", "license = \"MIT\"")));
        assert!(!same(|text| {
            format!("{text}[package.metadata.cargo-deny]\nworkspace-duplicates = []\n")
        }));
    }

    #[test]
    fn manifest_with_syntax_error_has_no_fingerprint() {
        assert_eq!(FileFingerprint::of_manifest("[package\nname = \"m\"\n"), None);
    }
}
