//! Invariants of adapted configurations, asserted by tests and by the fuzzer.

use camino::{Utf8Path, Utf8PathBuf};
use toml_edit::{DocumentMut, Item, TableLike};

use super::{SOURCE_PATH_KEYS, base_of, for_copy, included, local_packages, normalized};

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
    let copied = for_copy(text, base);
    match text.parse::<DocumentMut>() {
        Err(_) => assert_eq!(copied, text, "invalid TOML stays as it is"),
        Ok(before) => {
            let after = copied.parse::<DocumentMut>();
            let after = after.unwrap_or_else(|error| panic!("{error}:\n{text}\n{copied}"));
            assert_eq!(for_copy(&copied, base), copied, "it changes again:\n{text}");
            for source in tables(after.get("source")) {
                for path in SOURCE_PATH_KEYS.iter().filter_map(|key| source.get(key)?.as_str()) {
                    assert!(Utf8Path::new(path).is_absolute(), "`{path}`:\n{text}\n{copied}");
                }
            }
            let (before, after) = (rest(before), rest(after));
            assert_eq!(before, after, "it differs:\n{text}\n{copied}");
        }
    }
    for path in local_packages(text, base) {
        assert_eq!(path.file_name(), Some("Cargo.toml"));
        assert_normal(&path);
    }
    for path in &included(text, file) {
        assert_normal(path);
    }
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
