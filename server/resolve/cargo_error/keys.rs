//! Finds the key or value of a manifest that a message of cargo names.

use toml::de::{DeTable, DeValue};

use crate::{model::tree, text::Span};

/// The tables of dependencies.
const DEPENDENCY_TABLES: [&str; 5] = [
    "dependencies",
    "dev-dependencies",
    "dev_dependencies",
    "build-dependencies",
    "build_dependencies",
];

/// A key with its value, or an item of a list.
#[derive(Debug)]
struct ManifestEntry {
    /// The keys that lead to it.
    path: Vec<String>,
    key: Span,
    /// The value, if it is a string; its span has no quotes.
    string: Option<String>,
    value: Span,
    /// It is an item of the list at this path.
    item: bool,
}

impl ManifestEntry {
    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// The name of the dependency that this is.
    fn dependency(&self) -> Option<&str> {
        let (name, tables) = self.path.split_last()?;
        let is_table = |table: &String| DEPENDENCY_TABLES.contains(&table.as_str());
        let is_patch = tables.first().is_some_and(|table| table == "patch") && tables.len() == 2;
        (!self.item && (tables.last().is_some_and(is_table) || is_patch)).then_some(name)
    }
}

/// The span that `problem`, the lines of cargo's innermost causes, is about; `None` if they name nothing in this manifest.
pub(super) fn named(text: &str, problem: &[&str]) -> Option<Span> {
    let entries = entries(text);
    let words = Words::of(problem);
    let message = problem.join("\n");
    let found = Search { entries: &entries, words: &words, message: &message };
    found
        .feature()
        .or_else(|| found.inherited())
        .or_else(|| found.platform())
        .or_else(|| found.in_dependency())
        .or_else(|| found.key_with_value())
        .or_else(|| found.key())
        .or_else(|| found.value())
}

/// The span of the feature that `problem` names in a list of features.
pub(super) fn named_feature(text: &str, problem: &str) -> Option<Span> {
    let entries = entries(text);
    let words = Words::of(&[problem]);
    Search { entries: &entries, words: &words, message: problem }.feature()
}

fn entries(text: &str) -> Vec<ManifestEntry> {
    let (root, _) = tree::parse(text);
    let mut entries = Vec::new();
    flatten(text, root.get_ref(), &mut Vec::new(), &mut entries);
    entries
}

/// The words that a message puts in quotes or parentheses.
struct Words<'m> {
    /// In the order of the message.
    quoted: Vec<&'m str>,
    /// All words.
    plain: Vec<&'m str>,
}

impl<'m> Words<'m> {
    fn of(problem: &[&'m str]) -> Self {
        let mut quoted = Vec::new();
        let mut plain = Vec::new();
        for line in problem {
            for quote in ['`', '\'', '"'] {
                quoted.extend(line.split(quote).skip(1).step_by(2));
            }
            let after = line.split('(').skip(1);
            quoted.extend(after.filter_map(|rest| rest.split_once(')')).map(|(inside, _)| inside));
            plain.extend(line.split(|c: char| c.is_whitespace() || ",.:;`'\"()".contains(c)));
        }
        quoted.retain(|word| !word.is_empty());
        plain.retain(|word| !word.is_empty());
        // "feature `edition2024` is required" is about `edition = "2024"`.
        let editions: Vec<_> =
            quoted.iter().filter_map(|word| word.strip_prefix("edition")).collect();
        if editions.iter().any(|year| !year.is_empty()) {
            quoted.extend(editions);
            quoted.push("edition");
        }
        Self { quoted, plain }
    }

    fn has(&self, word: &str) -> bool {
        self.quoted.contains(&word)
    }

    /// The first word of a quoted one: `artifact = …`.
    fn starts_one(&self, word: &str) -> bool {
        self.quoted.iter().any(|quoted| quoted.split([' ', '=', '.']).next() == Some(word))
    }
}

struct Search<'s> {
    entries: &'s [ManifestEntry],
    words: &'s Words<'s>,
    message: &'s str,
}

impl Search<'_> {
    /// The text between `prefix` and the next backtick.
    fn quoted_after(&self, prefix: &str) -> Option<&str> {
        self.message.split_once(prefix)?.1.split('`').next()
    }

    /// "feature `x` includes `dep:y`, but ..", and features of dependencies.
    fn feature(&self) -> Option<Span> {
        if let Some(included) = self.quoted_after("` includes `")
            && let Some(feature) = self.quoted_after("feature `")
        {
            let is_it = |entry: &&ManifestEntry| {
                entry.path == ["features", feature] && entry.string.as_deref() == Some(included)
            };
            return Some(self.entries.iter().find(is_it)?.value.clone());
        }
        if let Some(feature) = self.quoted_after("` with feature `")
            && let Some(package) = self.quoted_after("depends on `")
        {
            let names = [format!("{package}/{feature}"), format!("{package}?/{feature}")];
            let is_feature = |entry: &&ManifestEntry| {
                let Some(string) = entry.string.as_deref().filter(|_| entry.item) else {
                    return false;
                };
                let of_dependency = entry.path.len() >= 3
                    && entry.name() == "features"
                    && self.is_package(&entry.path[..entry.path.len() - 1], package);
                of_dependency && string == feature || names.iter().any(|name| name == string)
            };
            return Some(self.entries.iter().find(is_feature)?.value.clone());
        }
        let itself = self.quoted_after("cyclic feature dependency: feature `")?;
        let key = self.entries.iter().find(|entry| entry.path == ["features", itself])?;
        Some(key.key.clone())
    }

    /// Whether the dependency at a path is on this package.
    fn is_package(&self, dependency: &[String], package: &str) -> bool {
        dependency.last().is_some_and(|key| key == package)
            || self.entries.iter().any(|entry| {
                entry.name() == "package"
                    && entry.path.starts_with(dependency)
                    && entry.string.as_deref() == Some(package)
            })
    }

    /// "error inheriting `lints` from workspace root manifest's `workspace.lints`": the key `workspace`.
    fn inherited(&self) -> Option<Span> {
        let name = self.quoted_after("error inheriting `")?;
        // Cargo names a key of a dependency by its path: `dependency.x`.
        let name = name.rsplit('.').next().unwrap_or(name);
        let is_it = |entry: &&ManifestEntry| match entry.path.as_slice() {
            [.., parent, key] => key == "workspace" && parent == name,
            _ => false,
        };
        Some(self.entries.iter().find(is_it)?.key.clone())
    }

    /// "failed to parse `unix, windows` as a cfg expression": the key of the target's table.
    fn platform(&self) -> Option<Span> {
        let expression =
            self.message.split_once("` as a cfg expression")?.0.rsplit_once("failed to parse `")?.1;
        let is_it = |entry: &&ManifestEntry| match entry.path.as_slice() {
            [table, platform] if table == "target" => {
                let inside = platform
                    .strip_prefix("cfg(")
                    .map(|inside| inside.strip_suffix(')').unwrap_or(inside).trim());
                platform == expression || inside == Some(expression.trim())
            }
            _ => false,
        };
        Some(self.entries.iter().find(is_it)?.key.clone())
    }

    /// A key or value of a dependency that the message names.
    fn in_dependency(&self) -> Option<Span> {
        let mut found: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.dependency().is_some_and(|name| self.words.has(name)))
            .collect();
        if found.is_empty() {
            let starts = |name| self.message.split_whitespace().next() == Some(name);
            found
                .extend(self.entries.iter().filter(|entry| entry.dependency().is_some_and(starts)));
        }
        // "dev-dependencies are not allowed to be optional: `x`".
        found.sort_by_key(|entry| {
            !entry.path.iter().any(|table| self.words.plain.contains(&table.as_str()))
        });
        let within = |matches: &dyn Fn(&ManifestEntry) -> bool| {
            found.iter().find_map(|dependency| {
                self.entries.iter().find(|entry| {
                    let is_own_string = entry.path == dependency.path && entry.string.is_some();
                    let is_below = entry.path.len() > dependency.path.len();
                    entry.path.starts_with(&dependency.path)
                        && (is_below || is_own_string)
                        && matches(entry)
                })
            })
        };
        let value =
            within(&|entry| entry.string.as_deref().is_some_and(|string| self.words.has(string)));
        let value = value.map(|entry| entry.value.clone());
        let is_key = |entry: &ManifestEntry| !entry.item && entry.dependency().is_none();
        let key = || within(&|entry| is_key(entry) && self.words.starts_one(entry.name()));
        let is_plain = |entry: &ManifestEntry| self.words.plain.contains(&entry.name());
        let plain = || within(&|entry| is_key(entry) && is_plain(entry));
        value.or_else(|| key().or_else(plain).map(|entry| entry.key.clone()))
    }

    /// A key and its value that are both named: "`resolver` setting `9` is not valid".
    fn key_with_value(&self) -> Option<Span> {
        let is_it = |entry: &&ManifestEntry| {
            self.words.has(entry.name())
                && entry.string.as_deref().is_some_and(|string| self.words.has(string))
        };
        Some(self.entries.iter().find(is_it)?.value.clone())
    }

    /// A key that is named and is no dependency: its value, else the key.
    fn key(&self) -> Option<Span> {
        let by_path = |entry: &&ManifestEntry| !entry.item && self.words.has(&entry.path.join("."));
        let nested = self.entries.iter().find(|entry| entry.path.len() > 1 && by_path(entry));
        let named = self.words.quoted.iter().find_map(|word| {
            let is_it = |entry: &&ManifestEntry| {
                !entry.item && entry.dependency().is_none() && entry.name() == *word
            };
            self.entries.iter().filter(is_it).min_by_key(|entry| entry.path.len())
        });
        let entry = nested.or(named)?;
        Some(if entry.string.is_some() { entry.value.clone() } else { entry.key.clone() })
    }

    /// A value that is named.
    fn value(&self) -> Option<Span> {
        let is_it = |entry: &&ManifestEntry| {
            entry.string.as_deref().is_some_and(|string| self.words.has(string))
        };
        Some(self.entries.iter().find(is_it)?.value.clone())
    }
}

fn flatten(
    text: &str,
    table: &DeTable<'_>,
    path: &mut Vec<String>,
    entries: &mut Vec<ManifestEntry>,
) {
    let start = entries.len();
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        let mut add = |value: &toml::Spanned<DeValue<'_>>, item| {
            let string = tree::string_value(text, value);
            let span = string.as_ref().map_or_else(|| value.span(), |string| string.span.clone());
            entries.push(ManifestEntry {
                path: path.clone(),
                key: key.span(),
                string: string.map(|string| string.value),
                value: span,
                item,
            });
        };
        add(value, false);
        match value.get_ref() {
            DeValue::Table(table) => flatten(text, table, path, entries),
            DeValue::Array(items) => {
                for item in items {
                    add(item, true);
                }
                for item in items {
                    if let DeValue::Table(table) = item.get_ref() {
                        flatten(text, table, path, entries);
                    }
                }
            }
            _ => {}
        }
        path.pop();
    }
    entries[start..].sort_by_key(|entry| entry.key.start);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(manifest: &str, problem: &[&str]) -> String {
        named(manifest, problem).map_or("nothing".to_owned(), |span| manifest[span].to_owned())
    }

    const PACKAGE: &str = "[package]\nname = \"m\"\nedition = \"2027\"\nresolver = \"9\"\n";

    #[test]
    fn named_keys_and_values_of_the_package_are_found() {
        let edition = [
            "failed to parse the `edition` key",
            "this version of Cargo is older than the `2027` edition, and only supports `2015` and `2018` editions.",
        ];
        assert_eq!(at(PACKAGE, &edition), "2027");
        assert_eq!(at(PACKAGE, &["feature `edition2027` is required"]), "2027");
        assert_eq!(
            at(PACKAGE, &["`resolver` setting `9` is not valid, valid options are \"1\" or \"2\""]),
            "9"
        );
        assert_eq!(
            at("cargo-features = [\"nope\"]\n", &["unknown Cargo.toml feature `nope`"]),
            "nope"
        );
        assert_eq!(at(PACKAGE, &["something else"]), "nothing");
    }

    #[test]
    fn named_keys_of_dependencies_are_found() {
        let manifest = "[dependencies]\nother = \"1\"\nshlex = { version = \"1.x.y\", artifact = \"bin\", registry = \"corp\", optional = true, features = [\"dep:std\"] }\n";
        assert_eq!(at(manifest, &["`artifact = …` requires `-Z bindeps` (shlex)"]), "artifact");
        assert_eq!(
            at(manifest, &["registry index was not found in any configuration: `corp`"]),
            "corp"
        );
        assert_eq!(
            at(manifest, &["shlex is optional, but workspace dependencies cannot be optional"]),
            "optional"
        );
        assert_eq!(
            at(
                manifest,
                &[
                    "feature `dep:std` in dependency `shlex` is not allowed to use explicit `dep:` syntax"
                ]
            ),
            "dep:std"
        );
        assert_eq!(
            at(
                manifest,
                &["failed to parse the version requirement `1.x.y` for dependency `shlex`"]
            ),
            "1.x.y"
        );
        assert_eq!(
            at(
                manifest,
                &[
                    "dependency (shlex) specification is ambiguous. Only one of `registry` or `path` is allowed."
                ]
            ),
            "registry"
        );
    }

    #[test]
    fn named_features_are_found() {
        let manifest = "[dependencies]\nreal = { package = \"shlex\", version = \"1\", features = [\"gone\"] }\n[features]\na = [\"b\"]\nb = [\"dep:real\", \"real/none\"]\n";
        assert_eq!(
            at(
                manifest,
                &["feature `b` includes `dep:real`, but `real` is not an optional dependency"]
            ),
            "dep:real"
        );
        assert_eq!(
            at(manifest, &["cyclic feature dependency: feature `a` depends on itself"]),
            "a"
        );
        assert_eq!(
            at(
                manifest,
                &[
                    "package `m` depends on `shlex` with feature `gone` but `shlex` does not have that feature."
                ]
            ),
            "gone"
        );
        let listed = [
            "package `m` depends on `real` with feature `none` but `real` does not have that feature.",
        ];
        assert_eq!(at(manifest, &listed), "real/none");
    }

    #[test]
    fn inherited_keys_and_platforms_are_found() {
        let manifest = "[package]\nversion.workspace = true\n[lints]\nworkspace = true\n[target.'cfg(unix, windows)'.dependencies]\n[target.'cfg(unix'.dependencies]\n";
        let lints = ["error inheriting `lints` from workspace root manifest's `workspace.lints`"];
        let found = named(manifest, &lints).expect("a span");
        assert!(manifest[..found.start].ends_with("[lints]\n"));
        let version = [
            "error inheriting `version` from workspace root manifest's `workspace.package.version`",
        ];
        assert_eq!(named(manifest, &version).expect("a span").start, 18);
        assert_eq!(
            at(
                manifest,
                &["failed to parse `unix, windows` as a cfg expression: unexpected content"]
            ),
            "'cfg(unix, windows)'"
        );
        assert_eq!(
            at(
                manifest,
                &["failed to parse `cfg(unix` as a cfg expression: invalid target specifier"]
            ),
            "'cfg(unix'"
        );
    }
}
