//! The page and the JSON Schema of `deny.toml`, made from the table that completion and hover read.

use supercargo::policy;

use crate::pages::fresh;

#[test]
fn the_schema_of_the_policy_is_fresh() {
    let schema = serde_json::to_string_pretty(&policy::json_schema()).expect("a schema is JSON");
    fresh("editors/schema/deny.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_page_of_the_policy_is_fresh() {
    fresh("server/docs/deny-toml.md", &policy::page());
}
