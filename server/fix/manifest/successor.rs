//! Replaces a package without a maintained version by another one, under the same name in the code: `users = { version = ..,
//! package = "uzers" }` (The Cargo Book, "Renaming dependencies in Cargo.toml").

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::{CheckedTexts, FixKind, ManifestPlan, shared::path_to_dependency};
use crate::{
    fix::document::{TomlDocument, TomlNode, TomlStep, value::Value},
    gate::Texts as _,
    text::SourceText,
    verdict::PackageRef,
};

/// The keys of a dependency that is not looked up by its name in crates.io.
const OTHER_SOURCES: [&str; 5] = ["path", "git", "registry", "registry-index", "workspace"];

/// The plan that replaces a package in all manifests by a version of its successor. `None` if the workspace does not
/// depend on it directly, or not on crates.io's.
pub(in crate::fix) fn plan(
    package: &PackageRef,
    (successor, version): (&str, &str),
    current: CheckedTexts<'_>,
) -> Option<ManifestPlan> {
    let mut after: BTreeMap<Utf8PathBuf, SourceText> = BTreeMap::new();
    let declared = current.verdict.declared.iter().filter(|one| one.package == *package);
    for one in declared {
        let before = current.texts.read(&one.file).ok()?;
        // A changed text is checked again first.
        if before != one.text {
            return None;
        }
        let document = TomlDocument::read(before.as_str())?;
        let path = path_to(&document, one.key.start)?;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let text = after.get(one.file.as_path()).cloned().unwrap_or(before);
        let document = TomlDocument::read(text.as_str())?;
        if inherits(&document, &path) {
            continue;
        }
        let replaced = replaced(&document, &path, successor, version)?;
        after.insert(one.file.to_path_buf(), SourceText::new(&replaced));
    }
    let PackageRef { name, .. } = package;
    let title = format!(
        "replace `{name}` with `{successor}` {version}, which its advisory names; it resolves but was not compiled"
    );
    (!after.is_empty()).then_some(ManifestPlan { kind: FixKind::Replacement, title, after })
}

/// The keys that lead to the dependency at an offset.
fn path_to(document: &TomlDocument<'_>, offset: usize) -> Option<Vec<String>> {
    let all = ["workspace", "dependencies"];
    let shared = document.node(&all).into_iter().flat_map(TomlNode::entries);
    let shared = shared.filter(|entry| entry.key_span.contains(&offset));
    let keys = |key: &str| [&all[..], &[key]].concat().into_iter().map(str::to_owned).collect();
    let shared = shared.map(|entry| keys(&entry.key)).next();
    let own = || {
        let steps = path_to_dependency(document, offset)?;
        steps
            .into_iter()
            .map(|step| match step {
                TomlStep::Key(key) => Some(key),
                TomlStep::Index(_) => None,
            })
            .collect()
    };
    shared.or_else(own)
}

/// Whether the dependency is the one of the workspace, which is changed at its own place.
fn inherits(document: &TomlDocument<'_>, path: &[&str]) -> bool {
    document.value(path).is_some_and(|value| value.get("workspace").is_some())
}

/// The text with another package for a dependency.
fn replaced(
    document: &TomlDocument<'_>,
    path: &[&str],
    successor: &str,
    version: &str,
) -> Option<String> {
    let value = document.value(path)?;
    if OTHER_SOURCES.iter().any(|key| value.get(key).is_some()) {
        return None;
    }
    if value.is_str() {
        let text = format!("{{ version = \"{version}\", package = \"{successor}\" }}");
        let new = [("version", version), ("package", successor)];
        let new = toml::Table::from_iter(new.map(|(key, value)| (key.to_owned(), value.into())));
        return Some(document.replaced(&steps_of(path), &text, new.into())?.text);
    }
    let at = |key: &'static str| [path, &[key]].concat();
    let with_version = set(document, &at("version"), version)?;
    set(&TomlDocument::read(&with_version)?, &at("package"), successor)
}

/// The text with a string under these keys.
fn set(document: &TomlDocument<'_>, path: &[&str], value: &str) -> Option<String> {
    let edited = match document.node(path) {
        Some(_) => document.replaced(&steps_of(path), &format!("\"{value}\""), value.into())?,
        None => document.with_setting(path, &Value::text(value))?,
    };
    Some(edited.text)
}

fn steps_of(path: &[&str]) -> Vec<TomlStep> {
    path.iter().map(|key| TomlStep::Key((*key).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_is_replaced_in_every_layout() {
        let check = |before: &str, path: &[&str], after: Option<&str>| {
            let document = TomlDocument::read(before).expect("a valid text");
            assert_eq!(replaced(&document, path, "uzers", "0.12.1").as_deref(), after, "{before}");
        };
        let path = ["dependencies", "users"];
        check(
            "[dependencies]\nusers = '0.11' # who\n",
            &path,
            Some("[dependencies]\nusers = { version = \"0.12.1\", package = \"uzers\" } # who\n"),
        );
        check(
            "[dependencies]\nusers = { version = \"0.11\", features = [\"cache\"] }\n",
            &path,
            Some(
                "[dependencies]\nusers = { version = \"0.12.1\", features = [\"cache\"], package = \"uzers\" }\n",
            ),
        );
        check(
            "[dependencies.users]\nversion = \"0.11\" # who\n\n[features]\n",
            &path,
            Some(
                "[dependencies.users]\nversion = \"0.12.1\" # who\npackage = \"uzers\"\n\n[features]\n",
            ),
        );
        check(
            "[dependencies]\nwho = { version = \"0.11\", package = \"users\" }\n",
            &["dependencies", "who"],
            Some("[dependencies]\nwho = { version = \"0.12.1\", package = \"uzers\" }\n"),
        );
        for other in ["path = \"users\"", "git = \"https://example.org/users\"", "registry = \"a\""]
        {
            check(
                &format!("[dependencies]\nusers = {{ version = \"0.11\", {other} }}\n"),
                &path,
                None,
            );
        }
    }
}
