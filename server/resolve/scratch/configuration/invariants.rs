//! Invariants of adapted configurations, asserted by tests and by the fuzzer.

use camino::{Utf8Path, Utf8PathBuf};
use toml_edit::{DocumentMut, Item, TableLike};

use super::{
    CERTIFICATE_KEYS, PROGRAM_KEYS, SOURCE_PATH_KEYS, base_of, for_copy, included, normalized,
    overrides, patches,
};

/// Adapts an arbitrary configuration for the copy.
///
/// # Panics
///
/// When the result is invalid TOML although the input was valid, has a relative path of a source, differs otherwise, or
/// changes when it is adapted again; when a path in it is not absolute or contains `..`.
#[doc(hidden)]
pub fn fuzz_configuration(text: &str) {
    let file = Utf8Path::new("/w/a/.cargo/config.toml");
    let base = base_of(file);
    let copied = for_copy(text, base, &adapted_path);
    match text.parse::<DocumentMut>() {
        Err(_) => assert_eq!(copied, text, "invalid TOML stays as it is"),
        Ok(before) => {
            let after = copied.parse::<DocumentMut>();
            let after = after.unwrap_or_else(|error| panic!("{error}:\n{text}\n{copied}"));
            assert_eq!(for_copy(&copied, base, &adapted_path), copied, "it changes again:\n{text}");
            for source in tables(after.get("source")) {
                for path in SOURCE_PATH_KEYS.iter().filter_map(|key| source.get(key)?.as_str()) {
                    assert!(Utf8Path::new(path).is_absolute(), "`{path}`:\n{text}\n{copied}");
                }
            }
            for packages in tables(after.get("patch")) {
                let packages = packages.iter().filter_map(|(_, package)| package.as_table_like());
                for path in packages.filter_map(|package| package.get("path")?.as_str()) {
                    assert_eq!(adapted_path(path), None, "`{path}` leads out:\n{text}\n{copied}");
                }
            }
            let (before, after) = (rest(before), rest(after));
            assert_eq!(before, after, "it differs:\n{text}\n{copied}");
        }
    }
    for path in patches(text, base) {
        assert_eq!(path.file_name(), Some("Cargo.toml"));
        assert_normal(&path);
    }
    for path in &overrides(text, base) {
        assert_normal(path);
    }
    for path in &included(text, file) {
        assert_normal(path);
    }
}

/// Leads absolute paths below `/copy`.
fn adapted_path(path: &str) -> Option<Utf8PathBuf> {
    let leads_out = path.starts_with('/') && !path.starts_with("/copy/");
    leads_out.then(|| format!("/copy{path}").into())
}

fn assert_normal(path: &Utf8PathBuf) {
    assert!(path.is_absolute() && normalized(path) == *path, "`{path}`");
}

fn tables(item: Option<&Item>) -> impl Iterator<Item = &dyn TableLike> {
    let table = item.and_then(Item::as_table_like);
    let items = table.into_iter().flat_map(|table| table.iter().map(|(_, item)| item));
    items.filter_map(Item::as_table_like)
}

/// Everything but what is named anew, without its layout.
fn rest(mut document: DocumentMut) -> String {
    let root = document.as_table_mut();
    for (section, keys) in [("source", &SOURCE_PATH_KEYS[..]), ("registries", &["index"][..])] {
        let table = root.get_mut(section).and_then(Item::as_table_like_mut);
        for (_, item) in table.into_iter().flat_map(TableLike::iter_mut) {
            for key in keys {
                if let Some(table) = item.as_table_like_mut()
                    && table.get(key).is_some_and(Item::is_str)
                {
                    table.remove(key);
                }
            }
        }
    }
    for (section, keys) in [("build", &PROGRAM_KEYS[..]), ("http", &CERTIFICATE_KEYS[..])] {
        if let Some(table) = root.get_mut(section).and_then(Item::as_table_like_mut) {
            for key in keys {
                if table.get(key).is_some_and(Item::is_str) {
                    table.remove(key);
                }
            }
        }
    }
    let patches = root.get_mut("patch").and_then(Item::as_table_like_mut);
    for (_, item) in patches.into_iter().flat_map(TableLike::iter_mut) {
        let packages = item.as_table_like_mut();
        for (_, package) in packages.into_iter().flat_map(TableLike::iter_mut) {
            if let Some(package) = package.as_table_like_mut()
                && package.get("path").is_some_and(Item::is_str)
            {
                package.remove("path");
            }
        }
    }
    if let Some(paths) = root.get_mut("paths").and_then(Item::as_array_mut) {
        for path in paths.iter_mut().filter(|path| path.is_str()) {
            *path = "".into();
        }
    }
    if let Some(resolver) = root.get_mut("resolver").and_then(Item::as_table_like_mut) {
        resolver.remove("lockfile-path");
    }
    // Its values as a parser sees them: what is removed leaves blanks.
    let values = toml::from_str::<toml::Table>(&document.to_string());
    values.map_or_else(|error| error.to_string(), |table| format!("{table:?}"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn configurations_in_every_layout_are_made_for_the_copy() {
        let values = [
            "\"third_party\"",
            "'../up'",
            "\"/abs/x\"",
            "\"\"",
            "\".\"",
            "7",
            "[\"a\"]",
            "{ path = \"a\" }",
            "\"\"\"\nx\"\"\"",
            "\"a\\u002e\\\\b\"",
            "\"file:../index\"",
            "\"sparse+file:./i\"",
            "\"../../../../..\"",
            "[{ path = \"one.toml\", optional = true }]",
            "true",
        ];
        for value in values {
            for text in [
                format!("[source.v]\ndirectory = {value} # why\n"),
                format!("source.v.directory = {value}\nsource.v.local-registry = {value}"),
                format!("source = {{ v = {{ directory = {value}, x = 1 }} }}\n"),
                format!(
                    "[source]\nv = {{ local-registry = {value} }}\n[source.w]\ndirectory = \"w\"\n"
                ),
                format!("[[source]]\ndirectory = {value}\n"),
                format!("[registries.r]\nindex = {value}\n[registries]\ns.index = {value}\n"),
                format!("include = {value}\npaths = [{value}]\npaths2 = {value}\n"),
                format!("[[include]]\npath = {value}\n"),
                format!(
                    "[resolver]\nlockfile-path = {value}\nincompatible-rust-versions = \"allow\"\n"
                ),
                format!(
                    "[patch.crates-io]\nx = {{ path = {value} }}\n[patch.\"https://a\"]\ny.path = {value}\n"
                ),
                format!("[build]\nrustc = {value}\n[http]\ncainfo = {value}\n"),
                format!("paths = [{value}, {value}] # two\npatch.a.b.path = {value}\n"),
                format!("source = {value}\n"),
                format!("resolver = {value}\nregistries = {value}\n"),
            ] {
                fuzz_configuration(&text);
                fuzz_configuration(&text.replace('\n', "\r\n"));
                for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                    fuzz_configuration(&text[..cut]);
                }
            }
        }
        for text in ["", "\u{feff}", "a = \"", "[source", "source.\"\".directory = \"x\"\n"] {
            fuzz_configuration(text);
        }
    }
}
