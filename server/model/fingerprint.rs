//! What of a manifest decides the resolution and where its findings stand: a value that comments,
//! layout and descriptions do not change.

use std::hash::{DefaultHasher, Hash, Hasher};

use toml::{Table, Value};

use super::manifest::{Dependency, Manifest};

/// A digest of the part of a manifest that can change what cargo resolves or what is judged about
/// the package itself. Equal digests mean that nothing has to be resolved anew. Stable within one
/// run of the program only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileFingerprint(u64);

/// Keys of `[package]` that cargo resolves and cargo-deny judges nothing by.
const WORDS: [&str; 11] = [
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

/// Tables that say how to build, not what.
const BUILDING: [&str; 3] = ["profile", "lints", "badges"];

impl FileFingerprint {
    /// `None` while the text is no valid TOML.
    pub fn of_manifest(text: &str) -> Option<Self> {
        let mut table: Table = text.parse().ok()?;
        for key in BUILDING {
            table.remove(key);
        }
        if let Some(Value::Table(package)) = table.get_mut("package") {
            words_removed(package);
        }
        if let Some(Value::Table(workspace)) = table.get_mut("workspace") {
            for key in ["metadata", "lints"] {
                workspace.remove(key);
            }
            if let Some(Value::Table(package)) = workspace.get_mut("package") {
                words_removed(package);
            }
        }
        let value = Self::of_value(&Value::Table(table));
        let mut hasher = DefaultHasher::new();
        (value, forms(text)).hash(&mut hasher);
        Some(Self(hasher.finish()))
    }

    /// Of any text: every byte counts.
    pub fn of_text(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Of a value: layout, comments and the order of keys do not count.
    pub(crate) fn of_value(value: &Value) -> Self {
        let mut hasher = DefaultHasher::new();
        hash(value, &mut hasher);
        Self(hasher.finish())
    }
}

/// What stands before each place of a finding on its line, in the order of the file and without
/// blanks and quotes. An edit moves places; it cannot tell where they are after declarations have
/// changed their order (the manifest was sorted) or their form (a table in place of a requirement).
fn forms(text: &str) -> Vec<String> {
    let manifest = Manifest::parse(text);
    let declared = manifest.all_dependencies().map(Dependency::location);
    let package = manifest.package.iter().flat_map(|package| [&package.name, &package.license]);
    let package = package.flatten().map(|value| value.span.clone());
    let mut starts: Vec<_> = declared.chain(package).map(|span| span.start).collect();
    starts.sort_unstable();
    let form = |start: &usize| {
        let line = text[..*start].rsplit('\n').next().unwrap_or_default();
        line.replace([' ', '\t', '"', '\''], "")
    };
    starts.iter().map(form).collect()
}

fn words_removed(package: &mut Table) {
    for key in WORDS {
        package.remove(key);
    }
    // cargo-deny reads one table of the metadata.
    let Some(Value::Table(mut metadata)) = package.remove("metadata") else { return };
    if let Some(kept) = metadata.remove("cargo-deny") {
        package.insert("metadata".to_owned(), kept);
    }
}

/// Keys in their order, so that the order of the file does not count.
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
    fn comments_layout_and_descriptions_change_nothing() {
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
    fn where_declarations_stand_changes_it() {
        assert!(!same(|text| text.replace("a = \"1\"\n", "") + "a = \"1\"\n"));
        assert!(!same(|text| text.replace("a = \"1\"", "a = { version = \"1\" }")));
        assert!(!same(|text| text.replace("a = \"1\"", "a.version = \"1\"")));
        assert!(same(|text| text.replace("a = \"1\"", "a  =  '1' # why")));
    }

    #[test]
    fn what_cargo_resolves_and_cargo_deny_judges_changes_it() {
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
    fn a_broken_manifest_has_none() {
        assert_eq!(FileFingerprint::of_manifest("[package\nname = \"m\"\n"), None);
    }
}
