//! Repositories whose gates are known, in many styles.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::*;
use crate::text;

/// A repository of files: `#- path` and its text.
pub(super) struct Repository {
    _folder: tempfile::TempDir,
    pub(super) root: Utf8PathBuf,
}

impl Repository {
    pub(super) fn new(files: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("it exists");
        let root = Utf8PathBuf::from_path_buf(root).expect("UTF-8");
        let repository = Self { _folder: folder, root };
        repository.write("Cargo.toml", "[package]\nname = \"p\"\n");
        for file in files.split("#- ").skip(1) {
            let (path, text) = file.split_once('\n').expect("a path and a text");
            repository.write(path, text);
        }
        repository
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("written");
    }

    pub(super) fn search(&self) -> GateSearch {
        find_gates(&self.root, &|path| {
            text::read_to_string(path).map(|text| SourceText::new(&text))
        })
    }

    /// A line for each gate and each unresolved one.
    pub(super) fn shown(&self) -> Vec<String> {
        let search = self.search();
        let version = |version: Option<&EngineVersion>| {
            version.map_or(String::new(), |version| {
                format!(" {} by {}", version.number, version.from.below(&self.root))
            })
        };
        let from = |from: Option<&FileLine>| {
            from.map_or(String::new(), |from| format!(" from {}", from.below(&self.root)))
        };
        let folder = |folder: &Utf8Path| {
            let inner = folder.strip_prefix(&self.root).expect("in the repository").as_str();
            if inner.is_empty() { ".".to_owned() } else { inner.to_owned() }
        };
        let gates = search.gates.iter().map(|gate| {
            format!(
                "{}{}{} in {}{}: {}",
                gate.at.below(&self.root),
                from(gate.called_from.as_ref()),
                version(gate.version.as_ref()),
                folder(&gate.folder),
                if gate.reports_only { ", reports only" } else { "" },
                gate.words.join(" ")
            )
        });
        let unresolved = search.unresolved.iter().map(|gate| {
            let at = gate.at.below(&self.root);
            format!("{at}{}? {}", version(gate.version.as_ref()), gate.reason)
        });
        let all = gates.chain(unresolved);
        all.map(|line| line.replace(self.root.as_str(), "ROOT")).collect()
    }
}

fn check(files: &str, expected: &[&str]) {
    let shown = Repository::new(files).shown();
    assert_eq!(shown, expected, "{files}");
}

const WORKFLOW: &str = "#- .github/workflows/ci.yml\n";

/// A workflow with one job.
fn job(text: &str) -> String {
    let indented: Vec<_> = text.lines().map(|line| format!("    {line}\n")).collect();
    let indented = indented.concat();
    format!("{WORKFLOW}on: push\njobs:\n  deny:\n{indented}")
}

#[test]
fn action_has_its_defaults() {
    check(
        &job("steps:\n  - uses: actions/checkout@v4\n  - uses: EmbarkStudios/cargo-deny-action@v2"),
        &["ci.yml:6 in .: --log-level warn --manifest-path ./Cargo.toml --all-features check"
            .replace("ci.yml", ".github/workflows/ci.yml")
            .as_str()],
    );
}

#[test]
fn action_has_its_inputs_and_the_version_of_its_pin() {
    check(
        &(job(
            "steps:\n  - uses: EmbarkStudios/cargo-deny-action@30f817c6f72275c6d54dc744fbca09ebc958599f # v2.0.12\n    with:\n      command: check bans licenses\n      arguments: --workspace\n      command-arguments: -D warnings\n      manifest-path: sub/Cargo.toml\n      log-level: error",
        ) + "#- sub/Cargo.toml\n[package]\nname = \"s\"\n"),
        &[
            ".github/workflows/ci.yml:5 0.18.3 by .github/workflows/ci.yml:5 in .: --log-level error --manifest-path sub/Cargo.toml --workspace check bans licenses -D warnings",
        ],
    );
}

#[test]
fn empty_input_of_the_action_is_not_its_default() {
    check(
        &job(
            "steps:\n  - uses: embarkstudios/cargo-deny-action@v1.6.0\n    with:\n      arguments: \"\"\n      command: check all",
        ),
        &[
            ".github/workflows/ci.yml:5 0.14.15 by .github/workflows/ci.yml:5 in .: --log-level warn --manifest-path ./Cargo.toml check all",
        ],
    );
}

#[test]
fn matrix_has_a_gate_for_each_combination() {
    check(
        &job(
            "strategy:\n  matrix:\n    include:\n      - target: wasm32-unknown-unknown\n      - target: x86_64-apple-darwin\nsteps:\n  - uses: EmbarkStudios/cargo-deny-action@v2\n    with:\n      log-level: error\n      arguments: --target  ${{ matrix.target }}",
        ),
        &[
            ".github/workflows/ci.yml:10 in .: --log-level error --manifest-path ./Cargo.toml --target wasm32-unknown-unknown check",
            ".github/workflows/ci.yml:10 in .: --log-level error --manifest-path ./Cargo.toml --target x86_64-apple-darwin check",
        ],
    );
}

#[test]
fn matrix_of_checks_reports_only_where_it_says_so() {
    check(
        &job(
            "strategy:\n  matrix:\n    checks:\n      - advisories\n      - bans licenses sources\ncontinue-on-error: ${{ matrix.checks == 'advisories' }}\nsteps:\n  - uses: EmbarkStudios/cargo-deny-action@v2.0.17\n    with:\n      command: check ${{ matrix.checks }}",
        ),
        &[
            ".github/workflows/ci.yml:11 0.19.2 by .github/workflows/ci.yml:11 in ., reports only: --log-level warn --manifest-path ./Cargo.toml --all-features check advisories",
            ".github/workflows/ci.yml:11 0.19.2 by .github/workflows/ci.yml:11 in .: --log-level warn --manifest-path ./Cargo.toml --all-features check bans licenses sources",
        ],
    );
}

#[test]
fn run_lines_have_the_version_that_was_installed_before() {
    check(
        &job(
            "env:\n  DENY: 0.18.6\nsteps:\n  - run: cargo install cargo-deny --locked --version ${{ env.DENY }}\n  - run: cargo deny check",
        ),
        &[".github/workflows/ci.yml:8 0.18.6 by .github/workflows/ci.yml:7 in .: check"],
    );
    check(
        &job(
            "steps:\n  - uses: taiki-e/install-action@v2\n    with:\n      tool: just,cargo-deny@0.16\n  - run: cargo deny --all-features check",
        ),
        &[
            ".github/workflows/ci.yml:8 0.16 by .github/workflows/ci.yml:7 in .: --all-features check",
        ],
    );
    check(
        &job("steps:\n  - uses: taiki-e/install-action@cargo-deny\n  - run: cargo deny check"),
        &[".github/workflows/ci.yml:6 in .: check"],
    );
    check(
        &job(
            "steps:\n  - uses: baptiste0928/cargo-install@v3\n    with:\n      crate: cargo-deny\n      version: \"0.14.3\"\n  - run: cargo deny check",
        ),
        &[".github/workflows/ci.yml:9 0.14.3 by .github/workflows/ci.yml:7 in .: check"],
    );
}

#[test]
fn folders_are_those_of_step_job_and_workflow() {
    let folders = "#- a/Cargo.toml\n[package]\nname = \"a\"\n#- b/Cargo.toml\n[package]\nname = \"b\"\n#- b/c/Cargo.toml\n[package]\nname = \"c\"\n";
    let workflow = "#- .github/workflows/ci.yml\ndefaults:\n  run:\n    working-directory: a\njobs:\n  one:\n    steps:\n      - run: cargo deny check\n      - run: cargo deny check\n        working-directory: ./b/\n  two:\n    defaults:\n      run:\n        working-directory: b\n    steps:\n      - run: |\n          cargo fetch\n          cd c && cargo deny \\\n            --all-features \\\n            check\n          cargo deny check bans\n      - run: (cd c; cargo-deny check licenses); cargo +stable deny check sources\n";
    check(
        &format!("{workflow}{folders}"),
        &[
            ".github/workflows/ci.yml:7 in a: check",
            ".github/workflows/ci.yml:8 in b: check",
            ".github/workflows/ci.yml:17 in b/c: --all-features check",
            ".github/workflows/ci.yml:20 in b/c: check bans",
            ".github/workflows/ci.yml:21 in b/c: check licenses",
            ".github/workflows/ci.yml:21 in b: check sources",
        ],
    );
}

#[test]
fn commands_whose_failure_is_ignored_only_report() {
    check(
        &job(
            "steps:\n  - run: cargo deny check advisories || true\n  - run: cargo deny check bans | tee log\n  - run: cargo deny check licenses | tee log\n    shell: bash\n  - run: cargo deny check sources || (echo failed; exit 1)\n  - run: cargo deny check\n    continue-on-error: true\n  - run: |\n      if ! cargo deny check bans licenses; then\n        exit 1\n      fi",
        ),
        &[
            ".github/workflows/ci.yml:5 in ., reports only: check advisories",
            ".github/workflows/ci.yml:6 in ., reports only: check bans",
            ".github/workflows/ci.yml:7 in .: check licenses",
            ".github/workflows/ci.yml:9 in .: check sources",
            ".github/workflows/ci.yml:10 in ., reports only: check",
            ".github/workflows/ci.yml:13 in .: check bans licenses",
        ],
    );
}

#[test]
fn composite_actions_and_called_workflows_have_the_inputs_of_their_callers() {
    check(
        "#- .github/actions/deny/action.yml\ninputs:\n  args:\n    default: check\nruns:\n  using: composite\n  steps:\n    - run: cargo deny ${{ inputs.args }}\n      shell: bash\n#- .github/workflows/a.yml\non: push\njobs:\n  a:\n    steps:\n      - uses: ./.github/actions/deny\n        with:\n          args: --workspace check\n  b:\n    uses: ./.github/workflows/called.yml\n    with:\n      level: -D warnings\n#- .github/workflows/called.yml\non:\n  workflow_call:\n    inputs:\n      level:\n        required: true\njobs:\n  c:\n    steps:\n      - run: cargo deny check ${{ inputs.level }}\n",
        &[
            ".github/actions/deny/action.yml:7 from .github/workflows/a.yml:5 in .: --workspace check",
            ".github/workflows/called.yml:9 from .github/workflows/a.yml:9 in .: check -D warnings",
        ],
    );
}

#[test]
fn unused_composite_action_has_its_defaults() {
    check(
        "#- .github/actions/deny/action.yml\ninputs:\n  args:\n    default: --workspace check\nruns:\n  steps:\n    - run: cargo deny ${{ inputs.args }}\n",
        &[".github/actions/deny/action.yml:6 in .: --workspace check"],
    );
}

#[test]
fn values_from_elsewhere_are_reported() {
    check(
        &job(
            "strategy:\n  matrix:\n    t: ${{ fromJSON(needs.x.outputs.t) }}\nsteps:\n  - run: cargo deny --target ${{ matrix.t }} check\n  - run: cargo deny check $EXTRA\n  - run: cargo deny check\n    working-directory: ${{ github.event.inputs.dir }}\n  - run: cargo deny check\n    working-directory: none\n  - run: cargo deny check --no-such-option\n  - run: cargo deny fetch\n  - run: echo cargo deny check",
        ),
        &[
            ".github/workflows/ci.yml:8? the value of `${{ matrix.t }}` is not known",
            ".github/workflows/ci.yml:9? the value of `$EXTRA` is not known",
            ".github/workflows/ci.yml:10? the folder `${{ github.event.inputs.dir }}` is not known",
            ".github/workflows/ci.yml:12? the folder `none` does not exist",
            ".github/workflows/ci.yml:14? cargo-deny 0.20.2 refuses it: unexpected argument `--no-such-option`",
        ],
    );
}

#[test]
fn folder_without_a_manifest_is_reported() {
    check(
        &(job(
            "steps:\n  - run: cd docs && cargo deny check\n  - run: cargo deny --manifest-path x/Cargo.toml check\n  - run: cd ../.. && cargo deny check",
        ) + "#- docs/a.md\n"),
        &[
            ".github/workflows/ci.yml:5? the folder `docs` has no `Cargo.toml`",
            ".github/workflows/ci.yml:6? the manifest `x/Cargo.toml` does not exist",
            ".github/workflows/ci.yml:7? the folder is outside of the repository",
        ],
    );
}

#[test]
fn old_command_lines_are_those_of_their_version() {
    let text = "steps:\n  - run: cargo install cargo-deny --version VERSION\n  - run: cargo deny check --config tools/deny.toml";
    check(
        &job(&text.replace("VERSION", "0.18.6")),
        &[
            ".github/workflows/ci.yml:6 0.18.6 by .github/workflows/ci.yml:5 in .: check --config tools/deny.toml",
        ],
    );
    let shown = Repository::new(&job(&text.replace("VERSION", "0.20.2"))).shown();
    assert!(
        shown[0].starts_with(
            ".github/workflows/ci.yml:6 0.20.2 by .github/workflows/ci.yml:5? cargo-deny 0.20"
        ),
        "{shown:?}"
    );
}

#[test]
fn checkout_into_a_folder_is_the_root() {
    check(
        &(job(
            "steps:\n  - uses: actions/checkout@v4\n    with:\n      path: repo\n  - run: cargo deny check\n    working-directory: repo/sub",
        ) + "#- sub/Cargo.toml\n[package]\nname = \"s\"\n"),
        &[".github/workflows/ci.yml:8 in sub: check"],
    );
}

#[test]
fn makefile_recipes_have_their_variables() {
    check(
        "#- Makefile\nFLAGS := --workspace --all-features\nCONFIG = tools/deny.toml\n\n.PHONY: lint\nlint: lint_cargo_deny\n\nlint_cargo_deny:\n\t@echo \"cargo deny check\"\n\tcargo deny $(FLAGS) --exclude-dev --exclude generator \\\n\t\tcheck licenses advisories \\\n\t\t--show-stats\n\nsoft:\n\t-cargo deny check bans\n\t@fail=0; cargo deny --workspace check 2>&1 | tail\n\tcd sub; $(CARGO) deny --target=$(TARGET) check\n#- sub/Cargo.toml\n[package]\nname = \"s\"\n",
        &[
            "Makefile:9 in .: --workspace --all-features --exclude-dev --exclude generator check licenses advisories --show-stats",
            "Makefile:14 in ., reports only: check bans",
            "Makefile:15 in ., reports only: --workspace check",
            "Makefile:16? the value of `$TARGET` is not known",
        ],
    );
}

#[test]
fn makefile_functions_and_patterns_are_expanded() {
    check(
        "#- Makefile\nDENY = $(CARGO) deny --locked\nDIRS := a b\ndefine licenses\n\t@cd $(1) && $(DENY) check licenses\n\t-cd $(1) && $(DENY) check $(2)\nendef\ndeny: $(addprefix deny-,$(DIRS))\ndeny-%:\n\t$(DENY) --manifest-path $*/Cargo.toml check bans\nall:\n\t$(call licenses,a,sources)\n\t@$(foreach dir,$(DIRS),$(DENY) --manifest-path $(dir)/Cargo.toml check &&) true\na-check b-check: %-check: $(MISSING)\n\tcd $(patsubst %-check,%,$@) && $(DENY) check $(strip  $(if $(NONE),advisories,  bans   sources))\nx: $(DIRS:=/y)\n\techo $^; cargo deny check $(shell cat checks)\n%/y:\n\tcd $(@D) && cargo deny check advisories\nNONE =\n#- a/Cargo.toml\n[package]\nname = \"a\"\n#- b/Cargo.toml\n[package]\nname = \"b\"\n",
        &[
            "Makefile:9 in .: --locked --manifest-path a/Cargo.toml check bans",
            "Makefile:9 in .: --locked --manifest-path b/Cargo.toml check bans",
            "Makefile:11 in a: --locked check licenses",
            "Makefile:11 in a, reports only: --locked check sources",
            "Makefile:12 in .: --locked --manifest-path a/Cargo.toml check",
            "Makefile:12 in .: --locked --manifest-path b/Cargo.toml check",
            "Makefile:14 in a: --locked check bans sources",
            "Makefile:14 in b: --locked check bans sources",
            "Makefile:18 in a: check advisories",
            "Makefile:18 in b: check advisories",
            "Makefile:16? the value of `${{ $(shell cat checks) }}` is not known",
        ],
    );
}

#[test]
fn makefile_functions_without_end_have_a_limit() {
    let nested = "$(foreach a,$(L),$(foreach b,$(L),$(foreach c,$(L),$(foreach d,$(L),))))";
    let list = "x ".repeat(1_000);
    check(
        &format!(
            "#- Makefile\nL = {list}\nA = $(call A,$(1)$(1))$(call A,$(1))\na:\n\tcargo deny check {nested}\nb:\n\tcargo deny $(call A,x) check\nc:\n\tcargo deny check $(call\n"
        ),
        &[
            "Makefile:4? the value of `${{ $(foreach a,$(L),$(foreach b,$(L),$(foreach c,$(L),$(f..` is not known",
            "Makefile:6? the value of `${{ a very long variable }}` is not known",
            "Makefile:8? the value of `$call` is not known",
        ],
    );
}

#[test]
fn makefile_functions_do_not_multiply_long_lists() {
    let (list, long) = ("x ".repeat(30_000), "y".repeat(60_000));
    for function in [
        "addprefix $(P),$(L)",
        "addsuffix $(P),$(L)",
        "patsubst x,$(P),$(L)",
        "subst x,$(P),$(L)",
        "foreach a,$(L),$(P)",
        "filter $(L),$(L)",
        "L:x=$(P)",
    ] {
        check(
            &format!("#- Makefile\nL = {list}\nP = {long}\na:\n\tcargo deny check $({function})\n"),
            &[&format!("Makefile:4? the value of `${{{{ $({function}) }}}}` is not known")],
        );
    }
}

#[test]
fn make_is_followed_from_a_workflow() {
    check(
        &(job(
            "steps:\n  - run: cargo install cargo-deny --version 0.18.6\n  - run: make -C tools lint EXTRA='--all-features'",
        ) + "#- tools/Makefile\nEXTRA ?=\ninclude deny.mk\nlint: deny\n#- tools/deny.mk\ndeny:\n\tcd .. && cargo deny $(EXTRA) check\nother:\n\tcd .. && cargo deny check bans\n"),
        &[
            "tools/deny.mk:2 from .github/workflows/ci.yml:6 0.18.6 by .github/workflows/ci.yml:5 in .: --all-features check",
            "tools/deny.mk:4 in .: check bans",
        ],
    );
}

#[test]
fn justfile_recipes_have_variables_parameters_and_dependencies() {
    check(
        "#- justfile\nset shell := [\"bash\", \"-c\"]\nflags := \"--workspace\" + \" --all-features\"\n\n# all\nci: fmt (audit \"bans\")\n\nfmt:\n    cargo fmt\n\naudit what *ARGS:\n    @cargo deny {{flags}} check {{what}} {{ARGS}}\n\n[no-cd]\nfree:\n    -cargo deny check\n\nscript:\n    #!/usr/bin/env bash\n    set -euo pipefail\n    for dir in a b; do\n        (cd $dir && cargo deny check sources)\n    done\n#- a/Cargo.toml\n[package]\nname = \"a\"\n#- b/Cargo.toml\n[package]\nname = \"b\"\n",
        &[
            "justfile:11 in .: --workspace --all-features check bans",
            "justfile:15 in ., reports only: check",
            "justfile:21 in a: check sources",
            "justfile:21 in b: check sources",
            "justfile:11? the value of `${{ what }}` is not known",
        ],
    );
}

#[test]
fn just_is_followed_from_a_workflow() {
    check(
        &(job(
            "steps:\n  - uses: taiki-e/install-action@v2\n    with:\n      tool: just,cargo-deny@0.18.6\n  - run: just deny licenses",
        ) + "#- Justfile\ndeny checks='all':\n    cargo deny check {{checks}}\n"),
        &[
            "Justfile:2 from .github/workflows/ci.yml:8 0.18.6 by .github/workflows/ci.yml:7 in .: check licenses",
        ],
    );
}

#[test]
fn scripts_are_followed_with_their_arguments_and_folder() {
    check(
        &(job("steps:\n  - run: ./ci/deny.sh --workspace\n  - run: bash ci/other.sh")
            + "#- ci/deny.sh\n#!/usr/bin/env bash\nset -e\ncd \"$(dirname \"$0\")/..\"\nARGS=(--all-features)\nif [ -n \"$CI\" ]; then\n  echo ci\nfi\ndeny() {\n  cargo deny \"${ARGS[@]}\" \"$@\"\n}\ndeny \"$@\" check\n#- ci/other.sh\nROOT=\"$(cd \"$(dirname \"${BASH_SOURCE[0]}\")/..\" && pwd)\"\ncargo deny --manifest-path \"$ROOT/shaders/Cargo.toml\" check\ncargo deny --all-features check\n#- shaders/Cargo.toml\n[package]\nname = \"s\"\n"),
        &[
            "ci/deny.sh:11 from .github/workflows/ci.yml:5 in .: --all-features --workspace check",
            "ci/other.sh:2 from .github/workflows/ci.yml:6 in .: --manifest-path ROOT/shaders/Cargo.toml check",
            "ci/other.sh:3 from .github/workflows/ci.yml:6 in .: --all-features check",
        ],
    );
}

#[test]
fn gitlab_jobs_have_what_they_extend() {
    check(
        "#- .gitlab-ci.yml\nvariables:\n  DENY_VERSION: \"0.16.2\"\n.base: &base\n  before_script:\n    - cargo install cargo-deny --version $DENY_VERSION\n.deny:\n  extends: .base\n  variables:\n    CHECKS: bans\n  script:\n    - cd sub\n    - cargo deny check $CHECKS\ndeny:\n  extends: .deny\n  variables:\n    CHECKS: licenses\nadvisories:\n  <<: *base\n  allow_failure: true\n  script: cargo deny check advisories\nreferenced:\n  script:\n    - !reference [advisories, script]\nmatrix:\n  parallel:\n    matrix:\n      - T: [wasm32-unknown-unknown, x86_64-apple-darwin]\n  script:\n    - cargo deny --target $T check\n#- sub/Cargo.toml\n[package]\nname = \"s\"\n",
        &[
            ".gitlab-ci.yml:12 0.16.2 by .gitlab-ci.yml:5 in sub: check licenses",
            ".gitlab-ci.yml:20 0.16.2 by .gitlab-ci.yml:5 in .: check advisories",
            ".gitlab-ci.yml:29 in .: --target wasm32-unknown-unknown check",
            ".gitlab-ci.yml:29 in .: --target x86_64-apple-darwin check",
        ],
    );
}

#[test]
fn other_yaml_has_commands_folders_and_variables() {
    let sub = "#- sub/Cargo.toml\n[package]\nname = \"s\"\n";
    check(
        &format!(
            "#- azure-pipelines.yml\nvariables:\n  level: -D warnings\nsteps:\n  - script: cargo deny check $(level)\n    workingDirectory: sub\n    continueOnError: true\n{sub}"
        ),
        &["azure-pipelines.yml:4 in sub, reports only: check -D warnings"],
    );
    check(
        &format!(
            "#- .circleci/config.yml\njobs:\n  deny:\n    environment:\n      A: --workspace\n    steps:\n      - checkout\n      - run: cargo deny $A check\n      - run:\n          name: deny\n          command: |\n            cargo deny check bans\n          working_directory: ~/project/sub\n{sub}"
        ),
        &[
            ".circleci/config.yml:7 in .: --workspace check",
            ".circleci/config.yml:11 in sub: check bans",
        ],
    );
    check(
        "#- .woodpecker.yml\nsteps:\n  - name: deny\n    image: rust\n    failure: ignore\n    commands:\n      - cargo install cargo-deny@0.19.0\n      - cargo deny check\n#- .drone.yml\nkind: pipeline\nsteps:\n- commands:\n  - cargo deny check licenses\n---\nkind: pipeline\nsteps:\n- commands: [cargo deny check bans]\n",
        &[
            ".drone.yml:4 in .: check licenses",
            ".drone.yml:8 in .: check bans",
            ".woodpecker.yml:7 0.19.0 by .woodpecker.yml:6 in ., reports only: check",
        ],
    );
    check(
        &format!(
            "#- Taskfile.yml\nvars:\n  FLAGS: --all-features\ntasks:\n  deny:\n    dir: sub\n    cmds:\n      - cargo deny {{{{.FLAGS}}}} check\n      - cmd: cargo deny check {{{{.OTHER}}}}\n{sub}"
        ),
        &[
            "Taskfile.yml:7 in sub: --all-features check",
            "Taskfile.yml:8? the value of `${{ {{.OTHER} } }}` is not known",
        ],
    );
}

#[test]
fn hooks_of_git_are_found() {
    check(
        "#- .pre-commit-config.yaml\nrepos:\n  - repo: https://github.com/EmbarkStudios/cargo-deny\n    rev: 0.16.3\n    hooks:\n      - id: cargo-deny\n      - id: cargo-deny\n        args: [\"--workspace\", \"check\", \"bans\"]\n  - repo: local\n    hooks:\n      - id: own\n        entry: cargo deny\n        args: [check, licenses]\n        language: system\n#- lefthook.yml\npre-push:\n  commands:\n    deny:\n      run: cargo deny --all-features check\n",
        &[
            ".pre-commit-config.yaml:5 0.16.3 by .pre-commit-config.yaml:3 in .: --all-features check",
            ".pre-commit-config.yaml:6 0.16.3 by .pre-commit-config.yaml:3 in .: --workspace check bans",
            ".pre-commit-config.yaml:11 in .: check licenses",
            "lefthook.yml:4 in .: --all-features check",
        ],
    );
}

#[test]
fn tasks_and_aliases_are_found() {
    check(
        "#- Makefile.toml\n[tasks.deny]\ninstall_crate = { crate_name = \"cargo-deny\", version = \"0.18.2\" }\ncommand = \"cargo\"\nargs = [\"deny\", \"--workspace\", \"check\"]\n[tasks.soft]\nignore_errors = true\nscript = '''\ncargo deny check bans\n'''\n",
        &[
            "Makefile.toml:3 0.18.2 by Makefile.toml:2 in .: --workspace check",
            "Makefile.toml:8 in ., reports only: check bans",
        ],
    );
    check(
        "#- .cargo/config.toml\n[alias]\nd = \"deny --all-features check\"\nx = [\"deny\", \"check\", \"bans\"]\n#- .gitlab-ci.yml\ndeny:\n  script: cargo d -D warnings\n",
        &[
            ".cargo/config.toml:3 in .: check bans",
            ".gitlab-ci.yml:2 in .: --all-features check -D warnings",
        ],
    );
    check(
        "#- mise.toml\n[tools]\n\"cargo:cargo-deny\" = \"0.18\"\n[tasks.deny]\nrun = [\"cargo deny check\"]\ndir = \"sub\"\n#- sub/Cargo.toml\n[package]\nname = \"s\"\n",
        &["mise.toml:4 0.18 by mise.toml:2 in sub: check"],
    );
    check(
        "#- pixi.toml\n[tasks]\ndeny = \"cargo deny check bans\"\n[tasks.all]\ncmd = [\"cargo\", \"deny\", \"--all-features\", \"check\"]\ncwd = \"sub\"\n[feature.lint.tasks]\ndeny = { cmd = \"cargo deny check sources\", depends-on = [\"all\"] }\n#- pyproject.toml\n[tool.poe.tasks]\ndeny = { shell = \"cargo deny check licenses\" }\n#- sub/Cargo.toml\n[package]\nname = \"s\"\n",
        &[
            "pixi.toml:2 in .: check bans",
            "pixi.toml:4 in sub: --all-features check",
            "pixi.toml:7 in .: check sources",
            "pyproject.toml:2 in .: check licenses",
        ],
    );
}

#[test]
fn versions_of_the_whole_repository_are_those_of_its_tools() {
    check(
        "#- .tool-versions\nrust 1.90\ncargo-deny 0.17.0\n#- Makefile\ndeny:\n\tcargo deny check\n",
        &["Makefile:2 0.17.0 by .tool-versions:2 in .: check"],
    );
    check(
        "#- Dockerfile\nFROM rust\nARG V=0.14.3\nRUN apt-get update \\\n && cargo install cargo-deny --version ${V}\n#- Makefile\ndeny:\n\tcargo deny check\n",
        &["Makefile:2 0.14.3 by Dockerfile:4 in .: check"],
    );
}

#[test]
fn messages_of_an_xtask_are_no_commands() {
    check(
        "#- xtask/src/main.rs\nfn main() {\n    println!(\"cargo-deny did not complete: {error}\");\n    println!(\"cargo-deny {version} {does} `{}`\");\n    line(\"{count}x: cargo deny {theirs} times\");\n    shown([(\"cargo-deny\", Some(&run.theirs))]);\n    Step { name: \"cargo-deny\", title: \"the real one\", run: check };\n    cmd!(sh, \"cargo deny {arguments}\");\n    install([\"install\", \"cargo-deny\", \"--version\", VERSION]);\n    run([\"cargo\", \"deny\", arguments]);\n}\n#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: cargo run -p xtask\n",
        &[
            "xtask/src/main.rs:7? the value of `${{ arguments }}` is not known",
            "xtask/src/main.rs:9? the value of `arguments` is not known",
        ],
    );
}

#[test]
fn xtask_literals_are_found() {
    check(
        "#- xtask/src/main.rs\nfn main() {\n    // \"cargo deny check\"\n    cmd!(sh, \"cargo deny --workspace check {level}\").run()?;\n    sh.cmd(\"cargo deny check bans\").run();\n    Command::new(\"cargo\").args([\"deny\", \"--all-features\", \"check\", \"licenses\"]).status()?;\n    let mut command = Command::new(\"cargo\");\n    command.arg(\"deny\").current_dir(\"sub\");\n    command.args(&[\"check\", name]);\n    run(&[\"cargo\", \"deny\", \"check\", \"sources\"]);\n}\n#- .cargo/config.toml\n[alias]\nxtask = \"run -p xtask --\"\n#- .github/workflows/ci.yml\njobs:\n  a:\n    steps:\n      - run: cargo xtask deny\n#- sub/Cargo.toml\n[package]\nname = \"s\"\n",
        &[
            "xtask/src/main.rs:4 from .github/workflows/ci.yml:4 in .: check bans",
            "xtask/src/main.rs:5 from .github/workflows/ci.yml:4 in .: --all-features check licenses",
            "xtask/src/main.rs:9 from .github/workflows/ci.yml:4 in .: check sources",
            "xtask/src/main.rs:3? the value of `${{ level }}` is not known",
            "xtask/src/main.rs:7? the value of `name` is not known",
        ],
    );
}

#[test]
fn wrapped_commands_are_found() {
    check(
        &job("steps:\n  - run: |\n      nix develop -c cargo deny check advisories\n      env A=b timeout 60 cargo deny check bans\n      bash -c 'cd sub && cargo deny check licenses'\n      docker run --rm x cargo deny check sources\n      ~/.cargo/bin/cargo-deny --all-features check\n      result=$(cargo deny --workspace check)\n      cargo --locked deny --exclude-dev check")
            .as_str()
            .to_owned()
            .add("#- sub/Cargo.toml\n[package]\nname = \"s\"\n"),
        &[
            ".github/workflows/ci.yml:6 in .: check advisories",
            ".github/workflows/ci.yml:7 in .: check bans",
            ".github/workflows/ci.yml:8 in sub: check licenses",
            ".github/workflows/ci.yml:9 in .: check sources",
            ".github/workflows/ci.yml:10 in .: --all-features check",
            ".github/workflows/ci.yml:11 in .: --workspace check",
            ".github/workflows/ci.yml:12 in .: --exclude-dev check",
        ],
    );
}

#[test]
fn commands_in_other_environments_are_found() {
    check(
        &job("steps:\n  - run: |\n      nix develop .#ci -c bash -c \"cargo deny --locked check advisories\"\n      nix develop -c just deny\n      mise exec cargo-deny@0.19.2 -- cargo deny --no-default-features check\n      \"$HOME/.cargo/bin/cargo-deny\" --features a check bans\n      ${CARGO} deny check sources\n      find . -name Cargo.toml -exec cargo deny --manifest-path {} check \\;\n      ls */Cargo.toml | xargs -I% -n 1 cargo deny --manifest-path % check\n      xargs -n1 cargo deny check < list\n      apt-get install -y make just\n      docker run x apt-get install make\n      parallel cargo deny check ::: bans sources\n      pixi run rs-check --only base_checks cargo_deny\n      mise install cargo-deny\n      nix profile install nixpkgs#cargo-deny\n      nix run nixpkgs#cargo-deny -- --workspace check\n      nix-shell -p cargo-deny --run 'cargo deny check bans'")
            .as_str()
            .to_owned()
            .add("#- justfile\ndeny:\n    cargo deny check licenses\n"),
        &[
            ".github/workflows/ci.yml:6 in .: --locked check advisories",
            ".github/workflows/ci.yml:8 0.19.2 by .github/workflows/ci.yml:8 in .: --no-default-features check",
            ".github/workflows/ci.yml:9 in .: --features a check bans",
            ".github/workflows/ci.yml:10 in .: check sources",
            ".github/workflows/ci.yml:20 in .: --workspace check",
            ".github/workflows/ci.yml:21 in .: check bans",
            "justfile:2 from .github/workflows/ci.yml:7 in .: check licenses",
            ".github/workflows/ci.yml:11? the value of `{}` is not known",
            ".github/workflows/ci.yml:12? the value of `%` is not known",
            ".github/workflows/ci.yml:13? the words that `xargs` adds are not known",
            ".github/workflows/ci.yml:16? the words that `parallel` adds are not known",
            ".github/workflows/ci.yml:17? what `pixi run rs-check --only base_checks cargo_deny` runs is not known",
        ],
    );
}

/// `text + more` in the middle of a chain.
trait Add {
    fn add(self, more: &str) -> String;
}

impl Add for String {
    fn add(self, more: &str) -> String {
        self + more
    }
}

#[test]
fn broken_and_huge_yaml_is_reported_once() {
    check(
        "#- .github/workflows/a.yml\njobs:\n  deny: [\n#- .github/workflows/b.yml\nx: [\n",
        &[
            ".github/workflows/a.yml:1? could not read the file: invalid YAML in line 3: while parsing a node, did not find expected node content",
        ],
    );
    let repository = Repository::new("");
    repository.write(".gitlab-ci.yml", &"deny: x\n".repeat(1_000_000));
    assert_eq!(
        repository.shown(),
        [".gitlab-ci.yml:1? could not read the file: larger than 4 MiB"]
    );
}

#[test]
fn calls_in_a_circle_end() {
    check(
        "#- Makefile\na: b\n\t$(MAKE) a\n\tcargo deny $(X) check\nb: a\n\tjust c\nX = $(Y)\nY = $(X)\n#- justfile\nc: d\n    make a\nd: c\n    sh s.sh\n    cargo deny check\n#- s.sh\n./s.sh\nf() { f; cargo deny check bans; }\nf\n#- .cargo/config.toml\n[alias]\ne = \"e deny check\"\n#- .gitlab-ci.yml\ng:\n  extends: g\n  script: [make a, cargo e, \"!reference [g, script]\"]\n",
        &[
            "justfile:5 from .gitlab-ci.yml:3 in .: check",
            "s.sh:3 from .gitlab-ci.yml:3 in .: check bans",
            "Makefile:3? the value of `${{ $(X) }}` is not known",
        ],
    );
}

#[test]
fn large_repositories_are_searched_quickly() {
    let repository = Repository::new("");
    let steps: Vec<_> = (0..60)
        .map(|job| {
            format!(
                "  j{job}:\n    steps:\n      - run: |\n          cargo build\n          cargo deny --exclude p{job} \
                 check\n"
            )
        })
        .collect();
    let steps = steps.concat();
    for workflow in 0..40 {
        repository
            .write(&format!(".github/workflows/w{workflow:02}.yml"), &format!("jobs:\n{steps}"));
    }
    let mut makefile = "deny:\n\tcargo deny check\n".to_owned();
    for line in 0..150_000 {
        makefile.push_str(&format!("t{line}: t{}\n\techo $(V{line})\n", line + 1));
    }
    assert!(makefile.len() > 4_000_000);
    repository.write("Makefile", &makefile);
    let began = std::time::Instant::now();
    let search = repository.search();
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert_eq!((search.gates.len(), search.unresolved.len()), (40 * 60 + 1, 0));
}

#[test]
fn every_prefix_of_a_repository_is_searched_without_panic() {
    let texts = [
        (
            ".github/workflows/ci.yml",
            "jobs:\n  a:\n    strategy:\n      matrix:\n        t: [é, b]\n    steps:\n      - run: |\n          cd é && cargo deny -t ${{ matrix.t }} check \"${A[@]}\" $(x 'é')\n",
        ),
        (
            "Makefile",
            "A = é\ndefine X\nendef\nd: A = 1\n\t@cargo deny $(A) ${A} $@ check \\\n\té\n",
        ),
        (
            "justfile",
            "a := \"é\" + 'b'\nd x='é' *y: (e \"é\")\n    cargo deny {{a}} check {{x / 'y'}}\n",
        ),
        (
            "xtask/src/main.rs",
            "fn a() { b(r#\"cargo deny check\"#, 'é', b\"deny\", \"deny\"); c.args([\"deny\", vec![\"é\"]]).arg(x) }",
        ),
        ("Makefile.toml", "[tasks.é]\ncommand = \"cargo\"\nargs = [\"deny\", \"check\", \"é\"]\n"),
        (".cargo/config.toml", "[alias]\né = \"deny check é\"\n"),
    ];
    let repository = Repository::new("");
    for (path, text) in texts {
        for (end, _) in text.char_indices().step_by(3) {
            repository.write(path, &text[..end]);
            repository.search();
        }
        repository.write(path, text);
    }
    assert!(!repository.search().gates.is_empty());
}
