//! SARIF: valid, with exactly the findings of `--format json`, and fingerprints that stay.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{ALL, CLEAN, WORKSPACE, json, schema_errors, with_output, world};
use crate::harness::World;

/// The results of the run in `../out/s.sarif`, which is valid.
fn results(world: &World) -> Vec<Value> {
    let sarif = json(world, "../out/s.sarif");
    assert_eq!(schema_errors(&sarif), [""; 0]);
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let ids: BTreeSet<_> = rules.iter().map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids.len(), rules.len());
    let results = run["results"].as_array().expect("results").clone();
    for result in &results {
        let index = result["ruleIndex"].as_u64().and_then(|index| usize::try_from(index).ok());
        assert_eq!(rules[index.expect("an index")]["id"], result["ruleId"]);
    }
    results
}

/// The fingerprints by message; each is there once.
fn fingerprints(world: &World) -> BTreeMap<String, String> {
    let of = |result: &Value| {
        let fingerprint = result["partialFingerprints"]["supercargoFinding/v1"].as_str();
        (fingerprint.expect("a fingerprint").to_owned(), result["message"]["text"].to_string())
    };
    let results = results(world);
    let all: BTreeMap<_, _> = results.iter().map(of).collect();
    assert_eq!(all.len(), results.len());
    all
}

/// What both formats have of a finding, as a line.
fn described(
    check: &Value,
    code: &Value,
    severity: &Value,
    message: &str,
    at: Option<(String, [&Value; 4])>,
) -> String {
    let at = at.map(|(file, numbers)| format!("{file} {numbers:?}"));
    format!("{check} {code} {severity} {message} {at:?}")
}

/// The findings of both formats, sorted.
fn both(world: &World, words: &str) -> (Vec<String>, Vec<String>) {
    let records = world.human(&format!("--format json --sarif ../out/s.sarif {words}")).stdout;
    let records = records.lines().map(|line| serde_json::from_str(line).expect("a record"));
    let records: Vec<Value> =
        records.filter(|record: &Value| record["type"] == "finding").collect();
    let mut expected: Vec<_> = records
        .iter()
        .map(|record| {
            let at = &record["location"];
            let file = at["file"].as_str().map(|file| file.replace("[work]/", ""));
            let (start, end) = (&at["start"], &at["end"]);
            let numbers = [&start["line"], &start["column"], &end["line"], &end["column"]];
            let message = record["message"].as_str().expect("a message");
            described(
                &record["check"],
                &record["code"],
                &record["severity"],
                message,
                file.map(|file| (file, numbers)),
            )
        })
        .collect();
    let results = results(world);
    let mut found: Vec<_> = results
        .iter()
        .map(|result| {
            let properties = &result["properties"];
            let at = &result["locations"][0]["physicalLocation"];
            let region = &at["region"];
            let numbers = [
                &region["startLine"],
                &region["startColumn"],
                &region["endLine"],
                &region["endColumn"],
            ];
            let text = result["message"]["text"].as_str().expect("a text");
            let message = text.split("; via ").next().unwrap_or_default();
            let message = message.split("; help: ").next().unwrap_or_default();
            let file = at["artifactLocation"]["uri"].as_str().map(str::to_owned);
            described(
                &properties["check"],
                &properties["code"],
                &properties["severity"],
                message,
                file.map(|file| (file, numbers)),
            )
        })
        .collect();
    expected.sort();
    found.sort();
    (expected, found)
}

#[test]
fn sarif_has_exactly_the_findings_of_json() {
    let world = with_output(World::locked(WORKSPACE).with(CLEAN));
    world.lock("clean");
    for words in
        ["", ". clean", "--log-level warn", "--log-level off", "bans", "--all-features -D warnings"]
    {
        let (expected, found) = both(&world, words);
        assert_eq!(found, expected, "{words}");
        assert_eq!(expected.is_empty(), words.ends_with("off"), "{words}");
    }
    // Also where the text is printed, which has no accepted licenses.
    let (expected, _) = both(&world, "");
    world.human(ALL);
    assert_eq!(results(&world).len(), expected.len());
    assert!(results(&world).iter().any(|result| result["ruleId"] == "accepted"));
}

#[test]
fn ignored_advisory_is_suppressed_with_the_reason_of_the_policy() {
    let world = world();
    world.human(ALL);
    let results = results(&world);
    let suppressed: Vec<_> = results.iter().filter(|it| it.get("suppressions").is_some()).collect();
    let [result] = suppressed[..] else { panic!("{suppressed:?}") };
    assert_eq!(
        (&result["ruleId"], &result["level"]),
        (&"RUSTSEC-2024-0436".into(), &"note".into())
    );
    assert_eq!(
        result["suppressions"],
        serde_json::json!([{ "kind": "external", "justification": "used in macros only: no harm" }])
    );
}

/// A file with the replacements of a fix, which are about whole lines.
fn replaced(text: &str, replacements: &Value) -> String {
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    for one in replacements.as_array().expect("replacements").iter().rev() {
        let region = &one["deletedRegion"];
        assert_eq!((&region["startColumn"], &region["endColumn"]), (&1.into(), &1.into()));
        let line = |name: &str| {
            let line = region[name].as_u64().and_then(|line| usize::try_from(line).ok());
            line.expect("a line") - 1
        };
        let text = one["insertedContent"]["text"].as_str().unwrap_or_default();
        lines.splice(line("startLine")..line("endLine"), [text.to_owned()]);
    }
    lines.concat()
}

#[test]
fn verified_fixes_that_the_run_has_are_replacements() {
    let world = world().with("#- crate: time 0.3.47\n");
    world.human("--sarif ../out/s.sarif");
    assert!(results(&world).iter().all(|result| result.get("fixes").is_none()));
    world.human("--sarif ../out/s.sarif --report ../out/r.html");
    let results = results(&world);
    let fixed: Vec<_> = results.iter().filter(|it| it.get("fixes").is_some()).collect();
    let [result] = fixed[..] else { panic!("{fixed:#?}") };
    assert_eq!(result["ruleId"], "RUSTSEC-2026-0009");
    let fix = &result["fixes"][0];
    assert_eq!(fix["description"]["text"], "upgrade `time` 0.3.44 to 0.3.47");
    let changes = fix["artifactChanges"].as_array().expect("changes");
    let after: Vec<_> = changes
        .iter()
        .map(|change| {
            let file = change["artifactLocation"]["uri"].as_str().expect("a file");
            (file, replaced(&world.read(file), &change["replacements"]))
        })
        .collect();
    world.run_that_writes(&["fix", "--offline", "--db", &world.path("../db")]);
    assert!(!after.is_empty());
    for (file, text) in after {
        assert_eq!(world.read(file), text, "{file}");
    }
}

#[test]
fn dependency_paths_are_related_locations() {
    let world = world();
    world.human(ALL);
    let results = results(&world);
    let time = results.iter().find(|it| it["ruleId"] == "RUSTSEC-2026-0009").expect("a result");
    let related: Vec<_> = time["relatedLocations"]
        .as_array()
        .expect("locations")
        .iter()
        .map(|it| {
            let at = &it["physicalLocation"];
            let file = at["artifactLocation"]["uri"].as_str().unwrap_or_default();
            let text = it["message"]["text"].as_str().unwrap_or_default();
            format!("{file}:{} {text}", at["region"]["startLine"])
        })
        .collect();
    assert_eq!(
        related[0],
        "core/Cargo.toml:9 also through core-lib 0.1.0 -> session 2.0.0 -> cookie 0.18.1 -> time 0.3.44"
    );
    assert!(related[1].ends_with("`time` 0.3.44 is locked here"), "{related:?}");
    world.human(&format!("{ALL} --hide-inclusion-graph"));
    assert!(!world.read("../out/s.sarif").contains(" -> "));
}

#[test]
fn rules_have_help_level_and_score() {
    let world = world();
    let path = "../db/crates/time/RUSTSEC-2026-0009.md";
    world.edit(
        path,
        "date = \"2026-02-05\"\n",
        "date = \"2026-02-05\"\ncvss = \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H\"\n",
    );
    world.human(ALL);
    let sarif = json(&world, "../out/s.sarif");
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules").clone();
    let rule = |id: &str| rules.iter().find(|rule| rule["id"] == id).expect("a rule").clone();
    let time = rule("RUSTSEC-2026-0009");
    assert_eq!(time["shortDescription"]["text"], "time: A crafted date can exhaust the stack");
    assert_eq!(time["helpUri"], "https://rustsec.org/advisories/RUSTSEC-2026-0009");
    assert_eq!(time["defaultConfiguration"]["level"], "error");
    assert_eq!(time["properties"]["security-severity"], "7.5");
    assert_eq!(
        time["properties"]["tags"],
        serde_json::json!(["advisories", "security", "vulnerability"])
    );
    let paste = rule("RUSTSEC-2024-0436");
    assert_eq!(paste["defaultConfiguration"]["level"], "note");
    assert_eq!(paste["properties"].get("security-severity"), None);
    for rule in &rules {
        for pointer in ["/shortDescription/text", "/help/text", "/help/markdown"] {
            let text = rule.pointer(pointer).and_then(Value::as_str);
            assert!(text.is_some_and(|text| !text.is_empty()), "{rule}");
        }
    }
}

#[test]
fn fingerprints_survive_moves_and_differ() {
    let first = world();
    first.human(ALL);
    let expected = fingerprints(&first);
    // Another folder, which is a checkout above the workspace.
    let second = with_output(World::new(&moved(WORKSPACE)));
    second.lock("inner");
    second.git("inner", &["init", "--quiet"]);
    let db = second.path("../db");
    let words = ["check", "--offline", "--db", &db, "--sarif", "../../out/s.sarif"];
    let run = second.run_program(env!("CARGO_BIN_EXE_supercargo"), &second.path("inner"), &words);
    assert_eq!(run.code, 7);
    assert_eq!(fingerprints(&second), expected);
    // Ten more lines, and another layout.
    let lines = "# a comment\n".repeat(10);
    for file in ["Cargo.toml", "app/Cargo.toml", "core/Cargo.toml", "deny.toml"] {
        first.write(file, format!("{lines}{}", first.read(file)));
    }
    first.edit(
        "app/Cargo.toml",
        "gnu = { version = \"1\" }",
        "gnu    =   { version   =    \"1\" }  # here",
    );
    first.edit("app/Cargo.toml", "[dependencies]\n", "");
    first.edit("app/Cargo.toml", "core-lib = {", "[dependencies]\n\nsyn = \"2\"\ncore-lib = {");
    first.edit("app/Cargo.toml", "# here\nsyn = \"2\"\n", "# here\n");
    first.edit(
        "deny.toml",
        "[{ id = \"RUSTSEC-2024-0436\", reason",
        "[\n    { id  = 'RUSTSEC-2024-0436',   reason",
    );
    first.human(ALL);
    let after = fingerprints(&first);
    let keys = |all: &BTreeMap<String, String>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&after), keys(&expected));
}

/// The same files in the folder `inner`.
fn moved(fixture: &str) -> String {
    let lines = fixture.lines().map(|line| match line.strip_prefix("#- ") {
        Some(rest) if !rest.starts_with("crate: ") && !rest.starts_with("advisory: ") => {
            format!("#- inner/{rest}\n")
        }
        _ => format!("{line}\n"),
    });
    lines.collect()
}
