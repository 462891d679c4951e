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

/// `cargo xtask versions` gives these policies to other versions of cargo-deny.
#[test]
fn probes_of_other_versions_are_fresh() {
    fresh("tests/parity/versions.jsonl", &lines(&supercargo::policy::probes()));
}

/// `cargo xtask versions` gives these command lines to other versions of cargo-deny.
#[test]
fn command_lines_for_other_versions_are_fresh() {
    fresh("tests/parity/command_lines.jsonl", &lines(&supercargo::deny_command::probes()));
}

fn lines<T: serde::Serialize>(records: &[T]) -> String {
    let lines = records.iter().map(|record| serde_json::to_string(record).expect("a record"));
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}
