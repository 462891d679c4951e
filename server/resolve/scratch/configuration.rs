//! Adapts cargo's configuration for the copy: relative paths to files that are not in the copy become absolute.
//!
//! Pure functions of a configuration's text.

mod invariants;

use camino::{Utf8Path, Utf8PathBuf};
use toml_edit::{DocumentMut, Formatted, Item, TableLike, Value};
use url::Url;

use super::writer::normalized;
use crate::{
    model::{manifest::Manifest, tree},
    workspace::CONFIGURATION_NAMES,
};

pub use invariants::fuzz_configuration;

/// The keys of a `[source.NAME]` that are paths, relative to the configuration's folder (The Cargo
/// Book, "Configuration", `source`).
const SOURCE_PATH_KEYS: [&str; 2] = ["directory", "local-registry"];

/// The keys of `[build]` that name a program: a path, if there is a separator in it. (`rustc-wrapper` is off.)
const PROGRAM_KEYS: [&str; 3] = ["rustc", "rustc-workspace-wrapper", "rustdoc"];

/// The keys of `[http]` that are paths.
const CERTIFICATE_KEYS: [&str; 2] = ["cainfo", "proxy-cainfo"];

/// Whether a path is that of a configuration.
pub(super) fn is_configuration(path: &Utf8Path) -> bool {
    CONFIGURATION_NAMES.iter().any(|name| path.ends_with(name))
}

/// The folder that the paths in a configuration are relative to: the parent of its folder (The Cargo Book, "Config-relative
/// paths").
pub(super) fn base_of(configuration: &Utf8Path) -> &Utf8Path {
    configuration.parent().and_then(Utf8Path::parent).unwrap_or(configuration)
}

/// The text of a configuration for the copy. Vendored sources, local registries, indexes in files, programs and certificates
/// get absolute paths, packages the one that `adapted_path` returns, and `resolver.lockfile-path` is removed. Invalid TOML
/// stays as it is; cargo reports it.
pub(super) fn for_copy(
    text: &str,
    base: &Utf8Path,
    adapted_path: &dyn Fn(&str) -> Option<Utf8PathBuf>,
) -> String {
    let Ok(mut document) = text.parse::<DocumentMut>() else { return text.to_owned() };
    let mut changed = false;
    let root = document.as_table_mut();
    // The system resolves the `..` in these, perhaps behind a link.
    let absolute =
        |path: &str| Utf8Path::new(path).is_relative().then(|| base.join(path).into_string());
    let in_copy = |path: &str| adapted_path(path).map(Utf8PathBuf::into_string);
    for source in tables_below(root, "source") {
        for key in SOURCE_PATH_KEYS {
            changed |= rewrite(source, key, absolute);
        }
    }
    if let Some(build) = root.get_mut("build").and_then(Item::as_table_like_mut) {
        for key in PROGRAM_KEYS {
            let is_path = |program: &str| program.contains(['/', '\\']);
            changed |=
                rewrite(build, key, |program| absolute(program).filter(|_| is_path(program)));
        }
    }
    if let Some(http) = root.get_mut("http").and_then(Item::as_table_like_mut) {
        for key in CERTIFICATE_KEYS {
            changed |= rewrite(http, key, absolute);
        }
    }
    for patched in tables_below(root, "patch") {
        let packages = patched.iter_mut().map(|(_, item)| item);
        for package in packages.filter_map(Item::as_table_like_mut) {
            changed |= rewrite(package, "path", in_copy);
        }
    }
    if let Some(paths) = root.get_mut("paths").and_then(Item::as_array_mut) {
        for path in paths.iter_mut() {
            changed |= rewrite_value(path, in_copy);
        }
    }
    for registry in tables_below(root, "registries") {
        changed |= rewrite(registry, "index", |url| absolute_url(url, base));
    }
    // An unstable key of newer versions of cargo.
    if let Some(resolver) = root.get_mut("resolver").and_then(Item::as_table_like_mut) {
        changed |= resolver.remove("lockfile-path").is_some();
    }
    if changed { document.to_string() } else { text.to_owned() }
}

/// The `[patch]` tables of a configuration for the copy, if it has any.
pub(super) fn patches_for_copy(
    text: &str,
    base: &Utf8Path,
    adapted_path: &dyn Fn(&str) -> Option<Utf8PathBuf>,
) -> Option<String> {
    let mut document = text.parse::<DocumentMut>().ok()?;
    document.as_table_mut().retain(|key, _| key == "patch");
    let is_empty = document.as_table().is_empty();
    (!is_empty).then(|| for_copy(&document.to_string(), base, adapted_path))
}

/// The manifests of the packages in a configuration's `[patch]`.
pub(super) fn patches(text: &str, base: &Utf8Path) -> Vec<Utf8PathBuf> {
    let folders = Manifest::parse(text).patches.into_iter().filter_map(|patch| patch.path);
    folders.map(|folder| normalized(&base.join(folder.value)).join("Cargo.toml")).collect()
}

/// The folders in a configuration's `paths`.
pub(super) fn overrides(text: &str, base: &Utf8Path) -> Vec<Utf8PathBuf> {
    let (root, _) = tree::parse(text);
    let folders = tree::strings(text, root.get_ref(), "paths").into_iter();
    folders.map(|folder| normalized(&base.join(folder.value))).collect()
}

/// The configurations that one includes by a relative path (The Cargo Book, "Including extra configuration files").
pub(super) fn included(text: &str, configuration: &Utf8Path) -> Vec<Utf8PathBuf> {
    let Ok(document) = text.parse::<DocumentMut>() else { return Vec::new() };
    let folder = configuration.parent().unwrap_or(configuration);
    let paths: Vec<&str> = match document.get("include") {
        Some(Item::Value(Value::Array(all))) => all.iter().filter_map(included_path).collect(),
        Some(Item::ArrayOfTables(all)) => {
            all.iter().filter_map(|one| one.get("path")?.as_str()).collect()
        }
        Some(Item::Value(one)) => included_path(one).into_iter().collect(),
        _ => Vec::new(),
    };
    let relative = paths.into_iter().filter(|path| Utf8Path::new(path).is_relative());
    relative.map(|path| normalized(&folder.join(path))).collect()
}

fn included_path(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.as_inline_table()?.get("path")?.as_str())
}

/// The tables of the table `key`.
fn tables_below<'t>(
    root: &'t mut toml_edit::Table,
    key: &str,
) -> impl Iterator<Item = &'t mut dyn TableLike> {
    let table = root.get_mut(key).and_then(Item::as_table_like_mut);
    let items = table.into_iter().flat_map(|table| table.iter_mut().map(|(_, item)| item));
    items.filter_map(|item| item.as_table_like_mut())
}

/// Replaces the string of an entry, keeping the whitespace around it. Returns whether it changed.
fn rewrite(
    table: &mut dyn TableLike,
    key: &str,
    other: impl FnOnce(&str) -> Option<String>,
) -> bool {
    table.get_mut(key).and_then(Item::as_value_mut).is_some_and(|value| rewrite_value(value, other))
}

fn rewrite_value(value: &mut Value, other: impl FnOnce(&str) -> Option<String>) -> bool {
    let Some(new) = value.as_str().and_then(other) else { return false };
    let mut formatted = Formatted::new(new);
    *formatted.decor_mut() = value.decor().clone();
    *value = Value::String(formatted);
    true
}

/// A `file:` URL that is relative to the configuration's folder, as cargo reads it
/// (`GlobalContext::resolve_registry_index`).
fn absolute_url(url: &str, base: &Utf8Path) -> Option<String> {
    let (prefix, rest) = match url.split_once("+file:") {
        Some((prefix, rest)) => (format!("{prefix}+"), format!("file:{rest}")),
        None => (String::new(), url.to_owned()),
    };
    let as_written = Url::parse(&rest).ok().filter(|url| url.scheme() == "file")?;
    let base = Url::from_file_path(base.join("truncated")).ok()?;
    let absolute = Url::options().base_url(Some(&base)).parse(&rest).ok()?;
    (absolute != as_written).then(|| format!("{prefix}{absolute}"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn paths_of_sources_become_absolute_and_nothing_else_changes() {
        let text = r#"# ours
[source.crates-io]
replace-with = "ours" # always
[source]
ours = { directory = './third/../third_party' , x = 1 }
[source.other]
local-registry = "../up" # above
[source."far away"]
directory = "/already/absolute"
[source.web]
registry = "https://example.org/index"
[build]
target-dir = "out"
rustc-wrapper = "tools/wrap"
[registries]
near = { index = "file:index" }
full.index = "file:///full"
"#;
        let expected = text
            .replace("'./third/../third_party'", "\"/w/./third/../third_party\"")
            .replace("\"../up\"", "\"/w/../up\"")
            .replace("\"file:index\"", "\"file:///w/index\"");
        assert_eq!(for_copy(text, "/w".into(), &|_| None), expected);
        assert_eq!(for_copy(&expected, "/w".into(), &|_| None), expected);
    }

    #[test]
    fn programs_and_certificates_become_absolute_and_packages_stay_in_the_copy() {
        let text = r#"
paths = [ "near", "/far" ] # two
[build]
rustc = "tools/rustc"
rustdoc = "rustdoc"
[http]
cainfo = "certs/ca.pem"
[patch.crates-io]
a = { path = "/far/a" }
b = { path = "b" }
"#;
        let expected = text
            .replace("tools/rustc", "/w/tools/rustc")
            .replace("certs/ca.pem", "/w/certs/ca.pem")
            .replace("\"/far", "\"/copy/far");
        let adapted = |path: &str| path.starts_with("/far").then(|| format!("/copy{path}").into());
        assert_eq!(for_copy(text, "/w".into(), &adapted), expected);
    }

    #[test]
    fn invalid_configuration_stays_as_it_is() {
        for text in ["", "[source.x]\ndirectory = \"a\"\n[", "source = 1", "[source]\nx = \"y\"\n"]
        {
            assert_eq!(for_copy(text, "/w".into(), &|_| None), text);
        }
    }

    #[test]
    fn lockfile_path_is_removed() {
        let text = "[resolver]\nlockfile-path = \"/w/Cargo.lock\"\n";
        assert_eq!(for_copy(text, "/w".into(), &|_| None), "[resolver]\n");
    }

    #[test]
    fn patches_overrides_and_included_files_are_found() {
        let text = r#"
paths = ["over", "../../../.."]
include = ["one.toml", { path = "../two.toml", optional = true }, "/three.toml"]
[patch.crates-io]
log = { path = "./patched/../log" }
"#;
        assert_eq!(overrides(text, "/w/a".into()), ["/w/a/over", "/"]);
        assert_eq!(patches(text, "/w/a".into()), ["/w/a/log/Cargo.toml"]);
        let configuration = Utf8Path::new("/w/a/.cargo/config.toml");
        assert_eq!(base_of(configuration), "/w/a");
        let files = included(text, configuration);
        assert_eq!(files, ["/w/a/.cargo/one.toml", "/w/a/two.toml"]);
        assert_eq!(included("include = \"one.toml\"", configuration), ["/w/a/.cargo/one.toml"]);
    }
}
