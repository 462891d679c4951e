//! The page and the schema of the settings, made from the struct that the server reads.

use std::fmt::Write as _;

use serde_json::Value;
use supercargo::lsp::settings_schema;

use crate::pages::fresh;

#[test]
fn settings_schema_is_up_to_date() {
    let schema = serde_json::to_string_pretty(&settings_schema()).expect("a schema is JSON");
    fresh("server/docs/settings.schema.json", &format!("{schema}\n"));
}

#[test]
fn settings_page_is_up_to_date() {
    let mut page = String::from(
        "# Settings\n\n\
         All settings of the language server, read from these sources, of which later ones override \
         earlier ones:\n\n\
         1. the defaults;\n\
         2. `initializationOptions`, an object with these keys, alone or below the key `supercargo`;\n\
         3. the section `supercargo` of the client's configuration: the server requests it \
         (`workspace/configuration`) at the start and after each `workspace/didChangeConfiguration`. If \
         the client does not support that request, the settings in the notification are used.\n\n\
         A setting that is null or absent has the value of the source before. All errors are shown in \
         one message, and the valid settings are used. A change takes effect at once, and only the \
         affected work is repeated. The server does not wait for the client's configuration: settings \
         that must hold from the start, such as `offline`, belong in `initializationOptions`.\n\n\
         Settings marked with ¹ are read from `initializationOptions` only, where a client must put \
         only what the user has set: the configuration may come from a file of the repository, which \
         must not decide which programs are started.\n\n\
         Settings marked with ² can hide findings. In a workspace that is not trusted they are read \
         from `initializationOptions` only as well, and VS Code reads them from no file of the \
         workspace. `checks` and `codes` change what the editor shows, never the gate; the options of \
         cargo-deny (`allFeatures`, `targets`, `levels`, ..) change the gate itself.\n\n\
         [`settings.schema.json`](settings.schema.json) is the same as a JSON Schema. Both are generated \
         from `Settings` in `server/lsp/settings.rs` by `cargo test --test house`.\n\n\
         | setting | type | default | meaning |\n|---|---|---|---|\n",
    );
    let mut footnotes = false;
    rows(&settings_schema(), "", &mut page, &mut footnotes, "");
    assert!(footnotes, "no setting is read from `initializationOptions` only");
    page.push_str(
        "\nAn example:\n\n```json\n{\n  \"offline\": true,\n  \"codes\": {\"duplicate\": \"hint\", \
         \"supercargo::stale-lock-file\": \"off\"},\n  \"hints\": {\"newest\": false}\n}\n```\n",
    );
    fresh("server/docs/settings.md", &page);
}

/// Every setting says whether a repository may set it.
#[test]
fn every_setting_states_whether_a_repository_may_set_it() {
    for (name, rule) in settings_schema()["properties"].as_object().expect("settings") {
        let decided = [&rule["x-weakens"], &rule["x-initialization-options-only"]];
        let decided: Vec<_> = decided.into_iter().filter(|one| one.is_boolean()).collect();
        assert_eq!(
            decided.len(),
            1,
            "`{name}`: say `x-weakens` or `x-initialization-options-only`"
        );
    }
}

#[test]
fn vs_code_reads_no_weakening_setting_from_an_untrusted_workspace() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/editors/vscode/package.json");
    let manifest = std::fs::read_to_string(path).expect("the extension has a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("a manifest is JSON");
    let restricted = &manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"];
    let restricted: Vec<_> = restricted.as_array().expect("settings").iter().map(bare).collect();
    let properties = &manifest["contributes"]["configuration"]["properties"];
    let schema = settings_schema();
    let mut weakening = 0;
    for (id, property) in properties.as_object().expect("settings") {
        let root = id.split('.').nth(1).expect("a name");
        let rule = &schema["properties"][root];
        let of_user_only = root == "server" || rule["x-initialization-options-only"] == true;
        let weakens = rule["x-weakens"] == true;
        weakening += usize::from(weakens);
        assert_eq!(property["scope"] == "machine", of_user_only, "{id}");
        assert_eq!(restricted.contains(&id.as_str()), of_user_only || weakens, "{id}");
    }
    assert!(weakening >= 9, "{weakening}");
}

fn rows(object: &Value, prefix: &str, page: &mut String, footnotes: &mut bool, weakens: &str) {
    for (name, rule) in object["properties"].as_object().expect("settings") {
        let at_start_only = rule["x-initialization-options-only"] == true;
        *footnotes |= at_start_only;
        let mark = match &rule["x-weakens"] {
            _ if at_start_only => "¹",
            Value::Bool(true) => "²",
            // Nested settings inherit the mark of their object.
            _ => weakens,
        };
        let nested =
            rule["properties"].is_object() && !["codes", "levels"].contains(&name.as_str());
        if nested {
            rows(rule, &format!("{prefix}{name}."), page, footnotes, mark);
            continue;
        }
        let description = rule["description"].as_str().expect("a setting has a description");
        let default = match &rule["default"] {
            Value::Null => String::new(),
            Value::Array(names) => {
                let names: Vec<_> = names.iter().map(|name| format!("`{}`", bare(name))).collect();
                names.join(", ")
            }
            value => format!("`{value}`"),
        };
        let kind = kind(name, rule);
        let _ = writeln!(page, "| `{prefix}{name}`{mark} | {kind} | {default} | {description} |");
    }
}

fn bare(name: &Value) -> &str {
    name.as_str().expect("a name")
}

fn kind(name: &str, rule: &Value) -> String {
    if name == "levels" {
        return "[code](codes.md), `allowed`, `warnings` or `denied` to `allow`, `warn`, `deny`"
            .to_owned();
    }
    if name == "codes" {
        let shown = rule["properties"]["yanked"]["enum"].as_array().expect("severities");
        let shown: Vec<_> = shown.iter().map(|shown| format!("`{}`", bare(shown))).collect();
        return format!("[code](codes.md) to {}", shown.join(", "));
    }
    let kind = match &rule["type"] {
        Value::String(kind) => kind.as_str(),
        kinds => kinds[0].as_str().expect("a type"),
    };
    match (kind, rule["maximum"].as_u64()) {
        ("boolean", _) => "true or false".to_owned(),
        ("integer", Some(most)) => format!("0 to {most}"),
        ("array", _) => "names".to_owned(),
        ("string", _) => rule["format"].as_str().expect("a format").to_owned(),
        other => panic!("unknown type {other:?}"),
    }
}
