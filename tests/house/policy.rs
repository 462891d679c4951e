//! The documentation page and the JSON Schema of `deny.toml`, generated from the schema.

use supercargo::policy;

use crate::pages::fresh;

#[test]
fn policy_json_schema_is_up_to_date() {
    let schema = serde_json::to_string_pretty(&policy::json_schema()).expect("a schema is JSON");
    fresh("editors/schema/deny.schema.json", &format!("{schema}\n"));
}

#[test]
fn policy_page_is_up_to_date() {
    fresh("server/docs/deny-toml.md", &policy::page());
}
