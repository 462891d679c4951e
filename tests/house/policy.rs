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

/// `cargo xtask versions` runs other versions of cargo-deny over these policies.
#[test]
fn probes_of_other_versions_are_fresh() {
    let probes = supercargo::policy::probes();
    let lines = probes.iter().map(|probe| serde_json::to_string(probe).expect("a record"));
    let text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
    crate::pages::fresh("tests/parity/versions.jsonl", &text);
}
