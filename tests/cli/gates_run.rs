//! A gate that is found is what CI runs: its words, really run with cargo-deny in its folder, have the same findings as
//! `supercargo check` with the options that were read from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;

use crate::harness::{World, real_cargo_deny};

/// A workspace for which each option makes a difference, and another one in `sub`.
const WORKSPACES: &str = r#"
#- crate: time 0.3.40
#- crate: itoa 1.0.19
#- crate: devonly 1.0.0 (GPL-3.0-only)
#- crate: wasm 1.0.0 (Zlib)
#- crate: gen 1.0.0 (AGPL-3.0-only)
#- crate: own 1.0.0 (Apache-2.0)
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[workspace]
members = ["generator"]
exclude = ["sub"]
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"
[features]
default = []
net = ["dep:time"]
[dependencies]
itoa = "1"
time = { version = "=0.3.40", optional = true }
[target.'cfg(target_family = "wasm")'.dependencies]
wasm = "1"
[dev-dependencies]
devonly = "1"
#- generator/Cargo.toml
[package]
name = "generator"
version = "0.1.0"
edition = "2021"
license = "MIT"
publish = false
[dependencies]
gen = "1"
#- deny.toml
[advisories]
ignore = ["RUSTSEC-2026-0009"]
[licenses]
allow = ["MIT"]
[bans]
skip = ["absent@1.0.0"]
#- tools/deny.toml
[licenses]
allow = ["MIT", "ISC"]
[bans]
deny = ["itoa"]
#- sub/Cargo.toml
[workspace]
[package]
name = "sub"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
time = "=0.3.40"
own = "1"
#- sub/deny.toml
[licenses]
allow = ["MIT"]
"#;

/// The files of repositories, each with the number of its gates.
const REPOSITORIES: &[(usize, &str)] = &[
    // The action.
    (
        1,
        "#- .github/workflows/ci.yml\non: push\njobs:\n  deny:\n    steps:\n      - uses: actions/checkout@v4\n      - uses: EmbarkStudios/cargo-deny-action@v2\n",
    ),
    (
        1,
        "#- .github/workflows/deny.yaml\njobs:\n  deny:\n    steps:\n      - uses: EmbarkStudios/cargo-deny-action@v2\n        with:\n          command: check bans licenses\n          arguments: --workspace --exclude-dev\n          command-arguments: -D warnings\n",
    ),
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  deny:\n    steps:\n      - uses: EmbarkStudios/cargo-deny-action@v2.0.17\n        with:\n          manifest-path: sub/Cargo.toml\n          arguments: \"\"\n          log-level: error\n",
    ),
    (
        2,
        "#- .github/workflows/ci.yml\njobs:\n  deny:\n    strategy:\n      matrix:\n        checks: [advisories, bans licenses sources]\n    continue-on-error: ${{ matrix.checks == 'advisories' }}\n    steps:\n      - uses: EmbarkStudios/cargo-deny-action@v2\n        with:\n          command: check ${{ matrix.checks }}\n",
    ),
    (
        2,
        "#- .github/workflows/ci.yml\njobs:\n  deny:\n    strategy:\n      matrix:\n        include:\n          - target: wasm32-unknown-unknown\n          - target: x86_64-apple-darwin\n    steps:\n      - uses: EmbarkStudios/cargo-deny-action@v2\n        with:\n          arguments: --target ${{ matrix.target }}\n",
    ),
    // Lines that run.
    (1, "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: cargo deny check\n"),
    (
        1,
        "#- .github/workflows/ci.yml\nenv:\n  FLAGS: --all-features --exclude generator\njobs:\n  a:\n    steps:\n      - run: cargo deny $FLAGS check\n",
    ),
    (
        2,
        "#- .github/workflows/ci.yml\ndefaults:\n  run:\n    working-directory: sub\njobs:\n  a:\n    steps:\n      - run: cargo deny check licenses\n      - run: cargo deny --no-default-features check\n        working-directory: .\n",
    ),
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: |\n          cargo fetch\n          cd sub && cargo deny \\\n            --all-features \\\n            check -A vulnerability\n",
    ),
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: cargo install cargo-deny --locked --version 0.20.2\n      - run: cargo deny --config tools/deny.toml check bans\n",
    ),
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: cargo deny --features net --exclude-unpublished --workspace check\n",
    ),
    (
        2,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: cargo deny check advisories || true\n      - run: (cd sub; cargo-deny check -D unmatched-skip bans)\n",
    ),
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: nix develop -c cargo deny -t wasm32-unknown-unknown check licenses\n",
    ),
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - uses: ./.github/actions/deny\n        with:\n          args: --workspace check -W rejected\n#- .github/actions/deny/action.yml\ninputs:\n  args:\n    default: check\nruns:\n  using: composite\n  steps:\n    - run: cargo deny ${{ inputs.args }}\n      shell: bash\n",
    ),
    (
        1,
        "#- .github/workflows/a.yml\njobs:\n  b:\n    uses: ./.github/workflows/called.yml\n    with:\n      level: -D warnings\n#- .github/workflows/called.yml\non:\n  workflow_call:\n    inputs:\n      level:\n        required: true\njobs:\n  c:\n    steps:\n      - run: cargo deny check ${{ inputs.level }}\n",
    ),
    // Makefiles.
    (1, "#- Makefile\ndeny:\n\tcargo deny check\n"),
    (
        1,
        "#- Makefile\nFLAGS := --workspace --all-features\n\nlint: deny\n\ndeny:\n\t@echo \"cargo deny check\"\n\tcargo deny $(FLAGS) --exclude-dev --exclude generator \\\n\t\tcheck licenses advisories \\\n\t\t--show-stats\n",
    ),
    (
        2,
        "#- GNUmakefile\nsoft:\n\t-cargo deny check bans\n\tcd sub; cargo deny --workspace check 2>&1 | tail\n",
    ),
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: make -C tools lint EXTRA='--all-features'\n#- tools/Makefile\nEXTRA ?=\nlint:\n\tcd .. && cargo deny $(EXTRA) check\n",
    ),
    (
        1,
        "#- Makefile\nCONFIG = tools/deny.toml\ndeny:\n\tcargo deny --config=$(CONFIG) check --hide-inclusion-graph 2>/dev/null\n",
    ),
    // Justfiles.
    (
        1,
        "#- justfile\nflags := \"--workspace\" + \" --all-features\"\n\nci: (audit \"bans\")\n\naudit what:\n    @cargo deny {{flags}} check {{what}}\n",
    ),
    (1, "#- Justfile\n# all\ndeny:\n    cargo deny --all-features check -A unmatched-skip\n"),
    (
        1,
        "#- .justfile\ndeny:\n    #!/usr/bin/env bash\n    set -euo pipefail\n    cd sub\n    cargo deny check sources licenses\n",
    ),
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: just deny licenses\n#- Justfile\ndeny checks='all':\n    cargo deny check {{checks}}\n",
    ),
    // Scripts.
    (
        1,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: ./ci/deny.sh --workspace\n#- ci/deny.sh\n#!/usr/bin/env bash\nset -e\ncd \"$(dirname \"$0\")/..\"\nARGS=(--all-features)\ndeny() {\n  cargo deny \"${ARGS[@]}\" \"$@\"\n}\ndeny \"$@\" check\n",
    ),
    (
        2,
        "#- ci/check.sh\n#!/bin/sh\nfor dir in . sub; do\n  (cd $dir && cargo deny check licenses)\ndone\n",
    ),
    // Other pipelines.
    (
        2,
        "#- .gitlab-ci.yml\n.deny:\n  script:\n    - cd sub\n    - cargo deny check $CHECKS\ndeny:\n  extends: .deny\n  variables:\n    CHECKS: licenses\nmatrix:\n  parallel:\n    matrix:\n      - T: [wasm32-unknown-unknown]\n  script:\n    - cargo deny --target $T check\n",
    ),
    (
        1,
        "#- azure-pipelines.yml\nvariables:\n  level: -D warnings\nsteps:\n  - script: cargo deny check $(level)\n    workingDirectory: sub\n",
    ),
    (
        1,
        "#- .circleci/config.yml\njobs:\n  deny:\n    environment:\n      A: --workspace\n    steps:\n      - checkout\n      - run: cargo deny $A check\n",
    ),
    (
        1,
        "#- .woodpecker.yml\nsteps:\n  - name: deny\n    image: rust\n    commands:\n      - cargo deny check advisories sources\n",
    ),
    (
        1,
        "#- Taskfile.yml\nvars:\n  FLAGS: --all-features\ntasks:\n  deny:\n    dir: sub\n    cmds:\n      - cargo deny {{.FLAGS}} check\n",
    ),
    // Hooks, tasks, aliases, sources.
    (
        2,
        "#- .pre-commit-config.yaml\nrepos:\n  - repo: https://github.com/EmbarkStudios/cargo-deny\n    rev: 0.20.2\n    hooks:\n      - id: cargo-deny\n      - id: cargo-deny\n        args: [\"--workspace\", \"check\", \"bans\"]\n",
    ),
    (
        1,
        "#- lefthook.yml\npre-push:\n  commands:\n    deny:\n      run: cargo deny --all-features check\n",
    ),
    (
        1,
        "#- Makefile.toml\n[tasks.deny]\ncommand = \"cargo\"\nargs = [\"deny\", \"--workspace\", \"--exclude-unpublished\", \"check\"]\n",
    ),
    (1, "#- mise.toml\n[tasks.deny]\nrun = [\"cargo deny check\"]\ndir = \"sub\"\n"),
    (
        1,
        "#- .gitlab-ci.yml\ndeny:\n  script: cargo d -D warnings\n#- .cargo/config.toml\n[alias]\nd = \"deny --all-features check\"\n",
    ),
    (
        2,
        "#- Makefile\ndirs = . sub\ndeny: $(addprefix deny-,$(dirs))\ndeny-%:\n\tcd $* && $(CARGO) deny check licenses\n",
    ),
    (
        1,
        "#- Makefile\ndefine deny\n@cd $(1) && cargo deny $(2) check\nendef\nlint:\n\t$(call deny,sub,--all-features)\n",
    ),
    (
        2,
        "#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: |\n          nix develop -c bash -c \"cd sub && cargo deny --workspace check\"\n          \"$HOME/.cargo/bin/cargo-deny\" --exclude-dev check licenses\n",
    ),
    (
        1,
        "#- pixi.toml\n[feature.lint.tasks]\ndeny = { cmd = [\"cargo\", \"deny\", \"--all-features\", \"check\"], cwd = \"sub\" }\n",
    ),
    (
        1,
        "#- xtask/src/main.rs\nfn main() {\n    Command::new(\"cargo\").args([\"deny\", \"--all-features\", \"check\", \"licenses\"]).status();\n}\n",
    ),
];

/// Code, severity, packages. A code belongs to one check.
type Finding = (String, String, Vec<(String, String)>);

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("none").to_owned()
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn packages<'v>(all: impl Iterator<Item = &'v Value>) -> Vec<(String, String)> {
    let all: BTreeSet<_> = all.map(|it| (text(&it["name"]), text(&it["version"]))).collect();
    all.into_iter().collect()
}

fn records(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no record: {line}")))
        .collect()
}

/// What cargo-deny finds, and its exit code. The options for its output are left out.
fn theirs(world: &World, program: &str, folder: &str, words: &[String]) -> (Vec<Finding>, i32) {
    let mut command = vec!["--format", "json", "--log-level", "debug", "--offline"];
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--log-level" => drop(words.next()),
            "--hide-inclusion-graph" => {}
            word => command.push(word),
        }
    }
    let run = world.run_program(program, folder, &command);
    let mut findings: Vec<_> = records(&run.stderr)
        .iter()
        .filter(|record| record["type"] == "diagnostic")
        .map(|record| {
            let fields = &record["fields"];
            let graphs = fields["graphs"].as_array().into_iter().flatten();
            let severity = text(&fields["severity"]).replace("bug", "warning");
            (text(&fields["code"]), severity, packages(graphs.map(|graph| &graph["Krate"])))
        })
        .collect();
    findings.sort();
    assert!(run.stderr.contains("\"type\":\"summary\""), "{command:?}: {}", run.stderr);
    (findings, run.code)
}

/// What `supercargo check` finds with the options that were found, and its exit code.
fn ours(world: &World, gate: &Value, folder: &str) -> (Vec<Finding>, i32) {
    let options = &gate["options"];
    let mut words = ["check", "--offline", "--format", "json"].map(str::to_owned).to_vec();
    let named = list(&gate["words"]);
    if let Some(at) = named.iter().position(|word| word == "--manifest-path") {
        words.extend_from_slice(&named[at..at + 2]);
    }
    for name in
        ["all_features", "no_default_features", "exclude_dev", "exclude_unpublished", "workspace"]
    {
        words.extend((options[name] == true).then(|| format!("--{}", name.replace('_', "-"))));
    }
    for (name, option) in
        [("features", "--features"), ("targets", "--target"), ("exclude", "--exclude")]
    {
        words.extend(list(&options[name]).into_iter().flat_map(|it| [option.to_owned(), it]));
    }
    if let Some(config) = options["config"].as_str() {
        words.extend(["--config".to_owned(), config.to_owned()]);
    }
    words.extend(list(&options["levels"]));
    words.extend(list(&options["checks"]));
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let run = world.run_program(env!("CARGO_BIN_EXE_supercargo"), folder, &words);
    let mut findings: Vec<_> = records(&run.stdout)
        .iter()
        .filter(|record| record["type"] == "finding" && record["check"] != "supercargo")
        .map(|record| {
            let all = record["packages"].as_array().into_iter().flatten();
            (text(&record["code"]), text(&record["severity"]), packages(all))
        })
        .collect();
    findings.sort();
    (findings, run.code)
}

#[test]
fn gate_that_is_found_has_the_findings_of_its_command() {
    let Some(program) = real_cargo_deny() else { return };
    let world = World::locked(WORKSPACES);
    world.lock("sub");
    world.fetched_advisories(Duration::from_secs(60));
    assert!(REPOSITORIES.len() >= 30);
    let mut compared = BTreeMap::new();
    for (count, repository) in REPOSITORIES {
        let mut written = Vec::new();
        for file in repository.split("#- ").skip(1) {
            let (path, text) = file.split_once('\n').expect("a path and a text");
            world.write(path, text);
            written.push(path);
        }
        let run = world.run(&["gates", "--format", "json"]);
        let gates: Vec<_> =
            records(&run.stdout).into_iter().filter(|record| record["type"] == "gate").collect();
        assert_eq!(gates.len(), *count, "{repository}{}", run.stdout);
        for gate in gates {
            let folder = text(&gate["folder"]).replace("[work]", &world.path(""));
            let words = list(&gate["words"]);
            let key = (folder.clone(), words.clone(), gate["options"].to_string());
            if compared.contains_key(&key) {
                continue;
            }
            let (theirs, ours) =
                (theirs(&world, &program, &folder, &words), ours(&world, &gate, &folder));
            assert_eq!(ours, theirs, "{repository}{gate}");
            compared.insert(key, theirs);
        }
        for path in written {
            world.delete(path);
        }
    }
    // The options make a difference.
    let distinct: BTreeSet<_> = compared.values().collect();
    assert!(distinct.len() >= 15, "{} of {}", distinct.len(), compared.len());
    assert!(compared.values().any(|(_, code)| *code == 0));
}
