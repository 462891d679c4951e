//! The reports of `check`: SARIF, Code Quality of GitLab, `JUnit`, annotations and summary of GitHub.

mod sarif;
mod schema;

use std::collections::BTreeSet;

use expect_test::expect;
use quick_xml::{Reader, events::Event};
use serde_json::Value;

use crate::harness::{Run, World};

/// Findings of all checks, an ignored advisory with its reason, and notes.
const WORKSPACE: &str = r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- crate: session 2.0.0 -> cookie 0.18
#- crate: syn 1.0.0
#- crate: syn 2.0.0
#- crate: derive 1.0.0 -> syn 1
#- crate: gnu 1.0.0 (GPL-3.0-only)
#- crate: paste 1.0.15
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47, ^0.2.99: A crafted date can exhaust the stack
#- advisory: RUSTSEC-2024-0436 paste unmaintained: paste is no longer maintained
#- Cargo.toml
[workspace]
members = ["core", "app"]
exclude = ["clean"]
resolver = "2"

[workspace.dependencies]
paste = "1.0"
#- core/Cargo.toml
[package]
name = "core-lib"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
paste.workspace = true
session = "2"
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
core-lib = { path = "../core", version = "0.1" }
cookie = "0.18"
derive = "1"
gnu = { version = "1" }
syn = "2"
#- deny.toml
[advisories]
ignore = [{ id = "RUSTSEC-2024-0436", reason = "used in macros only: no harm" }, "RUSTSEC-2000-0001"]

[licenses]
allow = ["MIT", "Zlib"]

[bans]
multiple-versions = "deny"
"#;

/// A second workspace, in a folder of its own.
const CLEAN: &str = r#"
#- clean/Cargo.toml
[package]
name = "clean"
version = "0.1.0"
edition = "2021"
license = "MIT"
#- clean/deny.toml
[licenses]
allow = ["MIT"]
"#;

/// All reports in files.
const ALL: &str =
    "--sarif ../out/s.sarif --gitlab ../out/g.json --junit ../out/j.xml --summary ../out/s.md";

fn with_output(mut world: World) -> World {
    world.folder("../out");
    world.let_write("../out");
    world
}

fn world() -> World {
    with_output(World::locked(WORKSPACE))
}

fn json(world: &World, path: &str) -> Value {
    serde_json::from_str(&world.read(path)).expect("JSON")
}

/// The lines of the output that the runner of GitHub Actions would take for commands.
fn commands(run: &Run) -> Vec<&str> {
    let is_named = |rest: &str| rest.contains("::");
    let is_command = |line: &&str| {
        line.trim_start().strip_prefix("::").is_some_and(is_named) || line.contains("##[")
    };
    run.stdout.split(['\n', '\r']).filter(is_command).collect()
}

/// The names and attributes of all elements, after the document was read to its end.
fn elements(text: &str) -> Vec<String> {
    let mut reader = Reader::from_str(text);
    let mut found = Vec::new();
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(element) | Event::Empty(element) => {
                for attribute in element.attributes() {
                    attribute.expect("an attribute");
                }
                found.push(str::to_owned(&element));
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn all_reports_are_written_in_one_run_and_the_output_and_exit_code_stay() {
    let world = world();
    let without = world.human("");
    let with = world.human(ALL);
    assert_eq!((&with.stdout, &with.stderr, with.code), (&without.stdout, &without.stderr, 7));
    for file in ["s.sarif", "g.json", "j.xml", "s.md"] {
        assert!(world.read(&format!("../out/{file}")).ends_with('\n'), "{file}");
    }
    // Again, over the files.
    let first = world.read("../out/s.sarif");
    assert_eq!(world.human(ALL).code, 7);
    assert_eq!(world.read("../out/s.sarif"), first);
    // The records of `--format json` stay the same, too.
    let records = world.human("--format json");
    assert_eq!(world.human(&format!("--format json {ALL}")).stdout, records.stdout);
}

#[test]
fn code_quality_has_errors_and_warnings_with_fingerprints_of_their_own() {
    let world = world();
    world.human(ALL);
    let entries = json(&world, "../out/g.json");
    let entries = entries.as_array().expect("a list");
    let mut lines = String::new();
    let mut fingerprints = BTreeSet::new();
    for entry in entries {
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).expect("a text");
        fingerprints.insert(text("/fingerprint").to_owned());
        lines.push_str(&format!(
            "{} {} {}:{} {}\n",
            text("/severity"),
            text("/check_name"),
            text("/location/path"),
            entry["location"]["lines"]["begin"],
            text("/description"),
        ));
    }
    assert_eq!(fingerprints.len(), entries.len());
    expect![[r#"
        major RUSTSEC-2026-0009 app/Cargo.toml:9 `time` 0.3.44 has a vulnerability: A crafted date can exhaust the stack; via app 0.1.0 -> cookie 0.18.1 -> time 0.3.44 (and 1 other path); help: upgrade to >=0.3.47 or ^0.2.99
        major duplicate app/Cargo.toml:10 found 2 versions of `syn`: 1.0.0 and 2.0.0; via app 0.1.0 -> derive 1.0.0 -> syn 1.0.0; help: upgrade the dependencies that require the older one
        major rejected app/Cargo.toml:11 `gnu` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow; help: replace this dependency, or add an exception for it
        minor advisory-not-detected deny.toml:2 `RUSTSEC-2000-0001` matches no crate in the graph; help: remove this `ignore` entry
        minor license-not-encountered deny.toml:5 unused license `Zlib`: no crate in the graph uses it; help: remove it from `allow`
    "#]]
    .assert_eq(&lines);
}

#[test]
fn junit_has_a_suite_for_each_check_of_each_workspace() {
    let world = with_output(World::locked(WORKSPACE).with(CLEAN));
    world.lock("clean");
    assert_eq!(world.human(&format!("app/Cargo.toml clean {ALL}")).code, 7);
    let text = world.read("../out/j.xml");
    let shown: Vec<_> = elements(&text)
        .into_iter()
        .map(|element| element.split(" file=").next().unwrap_or_default().to_owned())
        .collect();
    expect![[r#"
        testsuites name="supercargo" tests="8" failures="3" errors="0"
        testsuite name="app: advisories" tests="1" failures="1" errors="0"
        testcase name="time 0.3.44: RUSTSEC-2026-0009" classname="app.advisories"
        failure message="`time` 0.3.44 has a vulnerability: A crafted date can exhaust the stack" type="RUSTSEC-2026-0009"
        system-out
        testsuite name="app: bans" tests="1" failures="1" errors="0"
        testcase name="syn: duplicate" classname="app.bans"
        failure message="found 2 versions of `syn`: 1.0.0 and 2.0.0" type="duplicate"
        testsuite name="app: licenses" tests="1" failures="1" errors="0"
        testcase name="gnu 1.0.0: rejected" classname="app.licenses"
        failure message="`gnu` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow" type="rejected"
        system-out
        testsuite name="app: sources" tests="1" failures="0" errors="0"
        testcase name="sources" classname="app.sources"
        testsuite name="clean: advisories" tests="1" failures="0" errors="0"
        testcase name="advisories" classname="clean.advisories"
        testsuite name="clean: bans" tests="1" failures="0" errors="0"
        testcase name="bans" classname="clean.bans"
        testsuite name="clean: licenses" tests="1" failures="0" errors="0"
        testcase name="licenses" classname="clean.licenses"
        testsuite name="clean: sources" tests="1" failures="0" errors="0"
        testcase name="sources" classname="clean.sources""#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn summary_has_the_state_of_each_workspace_and_a_table_for_each_check() {
    let world = with_output(World::locked(WORKSPACE).with(CLEAN));
    world.lock("clean");
    world.human(&format!("app/Cargo.toml clean {ALL}"));
    expect![[r#"
        ## Supercargo: failed

        | workspace | result | policy | packages |
        |---|---|---|--:|
        | <code>app</code> | **failed**: 3 errors, 2 warnings | <code>deny.toml</code> | 10 |
        | <code>clean</code> | passed | <code>clean/deny.toml</code> | 1 |

        ### <code>app</code>

        #### advisories: 1 error, 1 warning

        | | finding | location | what to do |
        |---|---|---|---|
        | error | [RUSTSEC-2026-0009](https://rustsec.org/advisories/RUSTSEC-2026-0009): <code>time</code> 0.3.44 has a vulnerability: A crafted date can exhaust the stack | <code>app/Cargo.toml:9</code> and 1 more | upgrade to &#62;=0.3.47 or &#94;0.2.99 |
        | warning | [advisory-not-detected](https://embarkstudios.github.io/cargo-deny/checks/advisories/diags.html#advisory-not-detected): <code>RUSTSEC-2000-0001</code> matches no crate in the graph | <code>deny.toml:2</code> | remove this <code>ignore</code> entry |

        <details><summary>1 dependency path</summary>

        <pre>
        app 0.1.0 -&gt; cookie 0.18.1 -&gt; time 0.3.44 (and 1 other path)
        </pre>

        </details>

        #### bans: 1 error

        | | finding | location | what to do |
        |---|---|---|---|
        | error | [duplicate](https://embarkstudios.github.io/cargo-deny/checks/bans/diags.html#duplicate): found 2 versions of <code>syn</code>: 1.0.0 and 2.0.0 | <code>app/Cargo.toml:10</code> and 1 more | upgrade the dependencies that require the older one |

        <details><summary>1 dependency path</summary>

        <pre>
        app 0.1.0 -&gt; derive 1.0.0 -&gt; syn 1.0.0
        </pre>

        </details>

        #### licenses: 1 error, 1 warning

        | | finding | location | what to do |
        |---|---|---|---|
        | error | [rejected](https://embarkstudios.github.io/cargo-deny/checks/licenses/diags.html#rejected): <code>gnu</code> 1.0.0 is licensed under <code>GPL-3.0-only</code>, which the policy does not allow | <code>app/Cargo.toml:11</code> | replace this dependency, or add an exception for it |
        | warning | [license-not-encountered](https://embarkstudios.github.io/cargo-deny/checks/licenses/diags.html#license-not-encountered): unused license <code>Zlib</code>: no crate in the graph uses it | <code>deny.toml:5</code> | remove it from <code>allow</code> |

        #### To fix

        These commands show the verified upgrades; without `--dry-run` they apply them. For each finding that remains they give the reason.

        <pre>
        supercargo fix --dry-run app
        </pre>
    "#]]
    .assert_eq(&world.read("../out/s.md"));
}

#[test]
fn annotations_come_after_the_text() {
    let world = world();
    let run = world.human("--github");
    assert_eq!(run.code, 7);
    assert!(run.stdout.starts_with(&world.human("").stdout));
    expect![[r#"
        ::error file=app/Cargo.toml,line=9,endLine=9,col=11,endColumn=15,title=RUSTSEC-2026-0009 (advisories)::`time` 0.3.44 has a vulnerability: A crafted date can exhaust the stack%0Avia app 0.1.0 -> cookie 0.18.1 -> time 0.3.44 (and 1 other path)%0Ahelp: upgrade to >=0.3.47 or ^0.2.99%0Ahttps://rustsec.org/advisories/RUSTSEC-2026-0009
        ::error file=app/Cargo.toml,line=10,endLine=10,col=11,endColumn=12,title=duplicate (bans)::found 2 versions of `syn`: 1.0.0 and 2.0.0%0Avia app 0.1.0 -> derive 1.0.0 -> syn 1.0.0%0Ahelp: upgrade the dependencies that require the older one
        ::error file=app/Cargo.toml,line=11,endLine=11,col=20,endColumn=21,title=rejected (licenses)::`gnu` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow%0Ahelp: replace this dependency, or add an exception for it
        ::warning file=deny.toml,line=2,endLine=2,col=83,endColumn=100,title=advisory-not-detected (advisories)::`RUSTSEC-2000-0001` matches no crate in the graph%0Ahelp: remove this `ignore` entry
        ::warning file=deny.toml,line=5,endLine=5,col=18,endColumn=22,title=license-not-encountered (licenses)::unused license `Zlib`: no crate in the graph uses it%0Ahelp: remove it from `allow`"#]]
    .assert_eq(&commands(&run).join("\n"));
}

#[test]
fn at_most_ten_annotations_of_a_level_are_printed_and_the_others_are_counted() {
    let world = world();
    let unused: Vec<_> = (10..24).map(|number| format!("\"RUSTSEC-2000-00{number}\"")).collect();
    world.edit("deny.toml", "\"RUSTSEC-2000-0001\"", &unused.join(", "));
    let run = world.human("--github");
    let count = |start: &str| commands(&run).iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((count("::error "), count("::warning "), count("::notice ")), (3, 10, 1));
    let last = commands(&run).pop().unwrap_or_default();
    // Each of them is in no database either.
    assert_eq!(last, "::notice title=supercargo::not annotated: 19 warnings; see the log");
}

#[test]
fn github_actions_get_annotations_and_a_summary_by_themselves() {
    let mut world = world();
    let text = world.human("").stdout;
    world.set("GITHUB_ACTIONS", "true");
    world.set("GITHUB_STEP_SUMMARY", &world.path("../out/step.md"));
    world.write("../out/step.md", "# Before\n\n");
    let run = world.human("");
    assert_eq!(run.code, 7);
    assert!(run.stdout.starts_with(&text) && run.stdout.contains("\n::error file=app/Cargo.toml"));
    let summary = world.read("../out/step.md");
    assert!(summary.starts_with("# Before\n\n## Supercargo: failed\n"), "{summary}");
    // Where the same file is named, it is there once more, not replaced.
    world.human(&format!("--summary {}", world.path("../out/step.md")));
    assert_eq!(world.read("../out/step.md").matches("## Supercargo").count(), 2);
    // A format that is named is all that is printed.
    let human = world.human("--format human");
    assert_eq!(human.stdout, text);
    assert!(!world.human("--format json").stdout.contains("\n::"));
    assert_eq!(world.read("../out/step.md").matches("## Supercargo").count(), 2);
    // A report takes standard output.
    let run = world.human("--sarif -");
    assert!(run.stdout.starts_with('{') && run.stdout.lines().count() == 1);
    assert_eq!(world.read("../out/step.md").matches("## Supercargo").count(), 3);
    // No option asked for a summary that cannot be written.
    world.set("GITHUB_STEP_SUMMARY", &world.path("../out/missing/step.md"));
    let run = world.human("");
    assert_eq!(run.code, 7);
    expect![[r#"
        warning: could not add the summary to `[world]/out/missing/step.md`: No such file or directory (os error 2)
    "#]]
    .assert_eq(&run.stderr);
}

#[test]
fn gitlab_ci_gets_the_text() {
    let mut world = world();
    let text = world.human("").stdout;
    world.set("GITLAB_CI", "true");
    assert_eq!(world.human("").stdout, text);
    assert_eq!(world.human("--format auto").stdout, text);
}

#[test]
fn a_report_alone_can_take_standard_output() {
    let world = world();
    world.human(ALL);
    for (option, file) in [
        ("--sarif", "s.sarif"),
        ("--gitlab", "g.json"),
        ("--junit", "j.xml"),
        ("--summary", "s.md"),
    ] {
        for stdout in ["-", "/dev/stdout"] {
            let run =
                world.run(&["check", "--offline", "--db", &world.path("../db"), option, stdout]);
            assert_eq!((run.code, run.stderr.as_str()), (7, ""));
            // Paths of the world are tidied in what is printed.
            let written = world.read(&format!("../out/{file}"));
            assert_eq!(run.stdout, written.replace(&world.path(""), "[work]"));
        }
    }
}

#[test]
fn two_users_of_standard_output_or_of_one_file_are_wrong_usage() {
    let world = world();
    for (words, sentence) in [
        ("--sarif - --junit -", "`--sarif -` and `--junit -` cannot both use standard output"),
        (
            "--sarif - --format json",
            "`--sarif -` and `--format json` cannot both use standard output",
        ),
        (
            "--summary - --format human",
            "`--summary -` and `--format human` cannot both use standard output",
        ),
        (
            "--github --format json",
            "`--github` and `--format json` cannot both use standard output",
        ),
        ("--github --gitlab -", "`--gitlab -` and `--github` cannot both use standard output"),
        ("--sarif x --junit x", "`--sarif` and `--junit` cannot write the same file"),
    ] {
        let run = world.human(words);
        assert_eq!((run.code, run.stdout.as_str()), (64, ""), "{words}");
        assert!(run.stderr.contains(sentence), "{words}: {}", run.stderr);
    }
}

#[test]
fn report_that_cannot_be_written_is_named_and_the_others_are_written() {
    let world = world();
    let text = world.human("").stdout;
    let words = "--sarif ../out/missing/s.sarif --junit ../out --gitlab ../out/g.json";
    let run = world.human(words);
    assert_eq!((run.code, &run.stdout), (73, &text));
    assert_eq!(json(&world, "../out/g.json").as_array().map(Vec::len), Some(5));
    expect![[r#"
        error: could not write `../out/missing/s.sarif` for `--sarif`: there is no folder `[world]/out/missing`
        error: could not write `../out` for `--junit`: it is a folder
    "#]]
    .assert_eq(&run.stderr);
    // A gate that passes does not hide it, and a missing verdict is worse.
    assert_eq!(world.human(&format!("sources {words}")).code, 73);
    world.write("deny.toml", "[bans]\nmultiple-versions = 1\n");
    assert_eq!(world.human(words).code, 70);
}

#[test]
fn run_without_a_verdict_is_reported_as_such() {
    let world = world();
    world.write("deny.toml", "[licenses]\nallow = [\"MIT\"]\nallowed = []\n");
    assert_eq!(world.human(ALL).code, 70);
    let run = &json(&world, "../out/s.sarif")["runs"][0];
    expect![[r#"
        {
          "executionSuccessful": false,
          "exitCode": 70,
          "toolExecutionNotifications": [
            {
              "descriptor": {
                "id": "unexpected-keys"
              },
              "level": "error",
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "deny.toml",
                      "uriBaseId": "%SRCROOT%"
                    },
                    "region": {
                      "endColumn": 8,
                      "endLine": 3,
                      "startColumn": 1,
                      "startLine": 3
                    }
                  }
                }
              ],
              "message": {
                "text": "unknown key `allowed`; expected one of `version`, `private`, `unlicensed`, `allow-osi-fsf-free`, `copyleft`, `default`, `confidence-threshold`, `deny`, `allow`, `unused-allowed-license`, `clarify`, `exceptions`, `unused-license-exception`, `include-dev`, `include-build`; help: use `allow` instead"
              }
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&run["invocations"][0]).expect("JSON"));
    let entries = json(&world, "../out/g.json");
    assert_eq!(
        (&entries[0]["severity"], &entries[0]["check_name"]),
        (&"blocker".into(), &"unexpected-keys".into())
    );
    let summary = world.read("../out/s.md");
    assert!(summary.starts_with("## Supercargo: no verdict\n"), "{summary}");
    let errors = elements(&world.read("../out/j.xml"));
    let errors: Vec<_> = errors.iter().filter(|element| element.starts_with("error ")).collect();
    assert_eq!(errors.len(), 5, "{errors:?}");
    assert!(errors[0].starts_with("error message=\"advisories could not run\""), "{errors:?}");
}

#[test]
fn folder_that_does_not_exist_is_in_all_reports() {
    let world = world();
    let run = world.human(&format!("missing {ALL} --github"));
    assert_eq!((run.code, run.stderr.as_str()), (70, "error: `missing` does not exist\n"));
    let sarif = json(&world, "../out/s.sarif");
    assert_eq!(schema_errors(&sarif), [""; 0]);
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let sentence = "`missing` does not exist";
    assert_eq!(invocation["toolExecutionNotifications"][0]["message"]["text"], sentence);
    let entries = json(&world, "../out/g.json");
    assert_eq!(
        (&entries[0]["description"], &entries[0]["severity"]),
        (&sentence.into(), &"blocker".into())
    );
    assert!(world.read("../out/j.xml").contains("<error message=\"`missing` does not exist\""));
    assert!(world.read("../out/s.md").contains("* **error:** <code>missing</code> does not exist"));
    assert_eq!(commands(&run), ["::error title=supercargo::`missing` does not exist"]);
}

#[test]
fn policy_finding_of_two_workspaces_is_listed_once() {
    let members = "#- a/Cargo.toml\n[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
                   #- b/Cargo.toml\n[package]\nname = \"b\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
                   #- deny.toml\n[licenses]\nallow = [\"MIT\", \"Zlib\"]\n";
    let world = with_output(World::new(members));
    world.lock("a");
    world.lock("b");
    let run = world.human(&format!("{ALL} --github"));
    assert_eq!(run.code, 0);
    assert_eq!(commands(&run).len(), 1, "{}", run.stdout);
    assert_eq!(json(&world, "../out/g.json").as_array().map(Vec::len), Some(1));
    // SARIF has what `--format json` has.
    let results = &json(&world, "../out/s.sarif")["runs"][0]["results"];
    let zlib = |result: &&Value| result["ruleId"] == "license-not-encountered";
    let results: Vec<_> = results.as_array().expect("results").iter().filter(zlib).collect();
    assert_eq!(results.len(), 2);
    assert_ne!(results[0]["partialFingerprints"], results[1]["partialFingerprints"]);
}

#[test]
fn without_a_policy_rejected_licenses_are_one_entry() {
    let world = world();
    world.delete("deny.toml");
    let run = world.human(&format!("licenses {ALL} --github"));
    assert_eq!(run.code, 4);
    let entries = json(&world, "../out/g.json");
    assert_eq!(entries.as_array().map(Vec::len), Some(1));
    let sentence = "no license is allowed without a policy, so 10 packages are rejected; create one with `supercargo init`";
    assert_eq!(entries[0]["description"], sentence);
    assert!(world.read("../out/j.xml").contains(&format!("<failure message=\"{sentence}\"")));
    assert_eq!(commands(&run), [format!("::notice title=supercargo::{sentence}")]);
    assert_eq!(
        json(&world, "../out/s.sarif")["runs"][0]["results"].as_array().map(Vec::len),
        Some(10)
    );
}

#[cfg(unix)]
#[test]
fn hostile_names_stay_text() {
    let folder = "::error title=x,::y\u{202e}|<b>`a`%0A##[warning]";
    let world = with_output(World::new(&format!(
        "#- {folder}/Cargo.toml\n[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
         #- {folder}/deny.toml\n[licenses]\nallow = [\"MIT\"]\n[[bans.skip]]\ncrate = \"x\"\n\
         reason = \"](https://x.org) ::set-env::\"\n[bans]\n\"<img src=x> | [x](https://x.org)\\n::stop-commands::x\" = 1\n"
    )));
    let run = world.human(&format!("{ALL} --github"));
    assert_eq!(run.code, 70);
    // Between the first command and the one with its word, the runner reads none.
    let lines = commands(&run);
    let token = lines[0].strip_prefix("::stop-commands::").expect("commands are off");
    let on = lines.iter().position(|line| *line == format!("::{token}::")).expect("on again");
    assert!(lines[1..on].iter().all(|line| !line.contains(token)));
    for line in &lines[on + 1..] {
        assert!(line.starts_with("::error ") || line.starts_with("::notice "), "{line}");
        assert!(!line[2..].split("::").next().unwrap_or_default().contains('\u{202e}'));
    }
    let sarif = json(&world, "../out/s.sarif");
    assert_eq!(schema_errors(&sarif), [""; 0]);
    let result = &sarif["runs"][0]["results"][0];
    let text = result["message"]["text"].as_str().unwrap_or_default();
    assert!(text.contains("[x] (https://x.org)") && !text.contains('\n'), "{text}");
    assert!(!world.read("../out/s.sarif").contains('\u{202e}'));
    let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str();
    expect![
        "%3A%3Aerror%20title=x,%3A%3Ay%E2%80%AE%7C%3Cb%3E%60a%60%250A%23%23%5Bwarning%5D/deny.toml"
    ]
    .assert_eq(uri.unwrap_or_default());
    elements(&world.read("../out/j.xml"));
    let summary = world.read("../out/s.md");
    for markup in ["<b>", "<img", "](https://x.org)", "`a`", "\u{202e}", "y|"] {
        assert!(!summary.contains(markup), "{markup}: {summary}");
    }
    json(&world, "../out/g.json");
}

#[test]
fn with_a_base_new_findings_are_listed_and_the_others_are_counted() {
    let world = world();
    world.git("", &["init", "--quiet", "--initial-branch=main"]);
    world.git("", &["add", "."]);
    world.git("", &["commit", "--quiet", "--message=all"]);
    world.edit("deny.toml", "\"Zlib\"", "\"ISC\"");
    world.edit(
        "deny.toml",
        "\"RUSTSEC-2000-0001\"",
        "{ id = \"RUSTSEC-2026-0009\", reason = \"later\" }",
    );
    world.human(ALL);
    let plain = json(&world, "../out/s.sarif");
    let run = world.human(&format!("--base HEAD --github {ALL}"));
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    expect![[r#"
        ::error file=app/Cargo.toml,line=9,endLine=9,col=11,endColumn=15,title=RUSTSEC-2026-0009 (advisories)::`time` 0.3.44 has a vulnerability: A crafted date can exhaust the stack%0Avia app 0.1.0 -> cookie 0.18.1 -> time 0.3.44 (and 1 other path)%0Aonly changes of the policy hide it: new `ignore` entry for `RUSTSEC-2026-0009` (deny.toml:2), reason: later%0Ahelp: upgrade to >=0.3.47 or ^0.2.99%0Ahttps://rustsec.org/advisories/RUSTSEC-2026-0009
        ::warning file=deny.toml,line=5,endLine=5,col=18,endColumn=21,title=license-not-encountered (licenses)::unused license `ISC`: no crate in the graph uses it%0Ahelp: remove it from `allow`
        ::notice title=supercargo::already there: 2 findings%0Afixed: 2 findings"#]]
    .assert_eq(&commands(&run).join("\n"));
    let sarif = json(&world, "../out/s.sarif");
    assert_eq!(schema_errors(&sarif), [""; 0]);
    let fingerprints = |sarif: &Value| -> Vec<String> {
        let results = sarif["runs"][0]["results"].as_array().expect("results").clone();
        results.iter().map(|result| result["partialFingerprints"].to_string()).collect()
    };
    // The ignored advisory is there as a note, and as the error that the base has.
    let (before, after) = (fingerprints(&plain), fingerprints(&sarif));
    assert_eq!((&after[..before.len()], after.len()), (&before[..], before.len() + 1));
    assert_eq!(after.iter().collect::<BTreeSet<_>>().len(), after.len());
    let states: Vec<_> = sarif["runs"][0]["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter(|result| result["level"] == "error" || result["level"] == "warning")
        .map(|result| {
            let text = |name: &str| result[name].as_str().unwrap_or_default();
            format!("{} {}", text("ruleId"), text("baselineState"))
        })
        .collect();
    expect![[r#"
        duplicate unchanged
        rejected unchanged
        license-not-encountered new
        RUSTSEC-2026-0009 new"#]]
    .assert_eq(&states.join("\n"));
    // GitLab itself compares the reports of two commits.
    assert_eq!(json(&world, "../out/g.json").as_array().map(Vec::len), Some(4));
    let head = world.git("", &["rev-parse", "--short=9", "HEAD"]);
    let summary = world.read("../out/s.md").replace(&head, "[head]");
    let is_shown = |line: &&str| {
        ["**", "| <code>", "| error | [RUSTSEC"].iter().any(|start| line.starts_with(start))
    };
    let lines: Vec<_> = summary.lines().filter(is_shown).collect();
    expect![[r#"
        | <code>.</code> | **failed**: 2 errors, 1 warning; since HEAD ([head]): 1 warning new; 1 error hidden by changes of the policy; 2 warnings fixed; 2 errors already there | <code>deny.toml</code> | 10 |
        | error | [RUSTSEC-2026-0009](https://rustsec.org/advisories/RUSTSEC-2026-0009): <code>time</code> 0.3.44 has a vulnerability: A crafted date can exhaust the stack; only changes of the policy hide it: new <code>ignore</code> entry for <code>RUSTSEC-2026-0009</code> (deny.toml:2), reason: later | <code>app/Cargo.toml:9</code> and 1 more | upgrade to &#62;=0.3.47 or &#94;0.2.99 |"#]]
    .assert_eq(&lines.join("\n"));
}

#[cfg(unix)]
#[test]
fn error_with_a_command_in_it_has_no_effect_on_the_runner() {
    let mut world = world();
    let run = |world: &World| world.run(&["check", "missing\n::add-mask::x"]).stderr;
    assert_eq!(run(&world), "error: `missing\n::add-mask::x` does not exist\n");
    world.set("GITHUB_ACTIONS", "true");
    let text = run(&world);
    let lines: Vec<_> = text.lines().collect();
    let token = lines[0].strip_prefix("::stop-commands::").expect("commands are off");
    assert_eq!(
        lines[1..],
        ["error: `missing", "::add-mask::x` does not exist", &format!("::{token}::")]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn report_can_go_to_a_pipe() {
    let mut world = world();
    world.let_write("out");
    let db = world.path("../db");
    let run = world.run_in_shell(&format!(
        "mkfifo ../out/pipe; cat ../out/pipe > ../out/copy & \
         \"$0\" check --offline --db {db} --sarif ../out/pipe --gitlab /dev/stderr; code=$?; wait; exit $code"
    ));
    assert_eq!(run.code, 7);
    world.human(ALL);
    assert_eq!(world.read("../out/copy"), world.read("../out/s.sarif"));
    assert!(run.stderr.starts_with("[\n"), "{}", run.stderr);
}

fn schema_errors(sarif: &Value) -> Vec<String> {
    let text = include_str!("../fixtures/sarif/sarif-schema-2.1.0.json");
    let schema = serde_json::from_str(text).expect("the schema is JSON");
    schema::errors(&schema, sarif)
}
