//! The schema as a documentation page.

use super::{CARGO_DENY, EXCEPTIONS, POLICY, SchemaKey, SchemaTable, ValueType};

/// `server/docs/deny-toml.md`
pub fn page() -> String {
    let mut page = format!(
        "# `deny.toml`\n\n\
         Every table and key that cargo-deny {CARGO_DENY} accepts, as shown by completion and hover. This page and \
         [`deny.schema.json`](../../editors/schema/deny.schema.json) are generated from `server/policy/schema` by \
         `cargo test --test house`; another test compares the schema with cargo-deny.\n\n\
         A package spec is `name` (every version), `name@1.2.3` (exactly this version), `name@1.2` (every 1.2.x) or \
         `name:^1.2` (a requirement as in `Cargo.toml`). Tables have it under `crate`, or as `name` and `version`.\n",
    );
    section(&mut page, "The file", &POLICY, &mut Vec::new());
    page.push_str("\n## `deny.exceptions.toml`\n\nLicense exceptions in a separate file.\n");
    rows(&mut page, &EXCEPTIONS);
    page
}

/// A table, followed by its subtables.
fn section(
    page: &mut String,
    title: &str,
    table: &'static SchemaTable,
    path: &mut Vec<&'static str>,
) {
    page.push_str(&format!("\n## {title}\n"));
    if let Some(key) = POLICY.at(path) {
        page.push_str(&format!("\n{}\n", key.about));
        if !key.example.is_empty() {
            page.push_str(&format!("\n```toml\n{}```\n", key.example));
        }
    }
    rows(page, table);
    for key in table.keys().filter(|key| key.is_current()) {
        let Some(below) = key.value.table() else { continue };
        path.push(key.name);
        // Tables with only these keys need no section.
        if below.keys().any(|key| !["id", "crate", "name", "version", "reason"].contains(&key.name))
        {
            let name = path.join(".");
            let title = if matches!(key.value, ValueType::Table(_)) {
                format!("`[{name}]`")
            } else {
                format!("`[[{name}]]`")
            };
            section(page, &title, below, path);
        }
        path.pop();
    }
}

fn rows(page: &mut String, table: &'static SchemaTable) {
    page.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in table.keys() {
        page.push_str(&row(key));
    }
}

fn row(key: &SchemaKey) -> String {
    let default = match (key.default, key.absent) {
        (Some(default), _) => format!("`{default}`"),
        (None, Some(absent)) => absent.to_owned(),
        (None, None) if key.required => "required".to_owned(),
        (None, None) => String::new(),
    };
    let status = key.status_note().map(|note| format!(" *{note}*")).unwrap_or_default();
    let mut choices = String::new();
    // The levels and scopes are the same for all keys and not repeated here.
    if key.name == "highlight" || key.name == "required-git-spec" {
        for choice in key.value.choices() {
            choices.push_str(&format!("<br>`{}`: {}", choice.value, choice.about));
        }
    }
    let (name, value, about) = (key.name, key.value.description(), key.about);
    format!("| `{name}` | {value} | {default} | {about}{choices}{status} |\n")
}
