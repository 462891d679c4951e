//! `init --ci`, and the action of GitHub: their files do what they say.

use crate::harness::World;

const WORKSPACE: &str = "
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- crate: mpl 1.0.0 (MPL-2.0)
#- Cargo.toml
[package]
name = \"m\"
version = \"0.1.0\"
edition = \"2021\"
license = \"MIT\"

[dependencies]
gpl = \"1\"
#- deny.toml
[licenses]
allow = [\"MIT\"]
";

const FILES: [(&str, &str); 4] = [
    ("github", ".github/workflows/supercargo.yml"),
    ("gitlab", ".gitlab-ci.yml"),
    ("pre-commit", ".pre-commit-config.yaml"),
    ("lefthook", "lefthook.yml"),
];

fn commit(world: &World) {
    world.git("", &["add", "--all"]);
    world.git("", &["commit", "--quiet", "--message", "commit"]);
}

/// A repository, and a change that brings one new finding.
fn repository() -> World {
    let world = World::locked(WORKSPACE);
    world.git("", &["init", "--quiet", "--initial-branch=main"]);
    commit(&world);
    world
}

fn add_finding(world: &World) {
    world.edit("Cargo.toml", "gpl = \"1\"", "gpl = \"1\"\nmpl = \"1\"");
    world.lock("");
}

#[test]
fn file_is_written_at_the_root_and_never_over_another_one() {
    let mut world = repository();
    world.folder("crates/x");
    for (system, file) in FILES {
        world.let_write(file.split('/').next().expect("a name"));
        let printed = world.run(&["init", "--ci", system, "--print"]);
        assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
        let run = world.run_that_writes_anywhere(&["init", "crates/x", "--ci", system]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert_eq!(run.stdout, format!("created {file} for supercargo 0.1.0\n"));
        assert_eq!(world.read(file), printed.stdout);
        assert!(!printed.stdout.contains('@') || !printed.stdout.contains("@VERSION@"));
        // Again, over a changed one.
        world.write(file, "mine: true\n");
        let again = world.run(&["init", "--ci", system]);
        assert_eq!(again.code, 73);
        let words = format!(
            "error: `{file}` exists already and is not changed; add to it what `--print` shows\n"
        );
        assert_eq!(again.stderr, words);
        assert_eq!(world.read(file), "mine: true\n");
    }
    world.delete(".github/workflows/supercargo.yml");
    world.write(".github/workflows/supercargo.yaml", "mine: true\n");
    assert_eq!(world.run(&["init", "--ci", "github"]).code, 73);
}

#[test]
fn files_are_valid_yaml() {
    let world = repository();
    for (system, _) in FILES {
        let text = world.run(&["init", "--ci", system, "--print"]).stdout;
        for event in saphyr_parser::Parser::new_from_str(&text) {
            event.expect(system);
        }
    }
}

#[cfg(unix)]
#[test]
fn no_file_is_written_through_a_link() {
    let world = repository();
    world.folder("../outside");
    std::os::unix::fs::symlink("../outside", world.path(".github")).expect("a link");
    let run = world.run(&["init", "--ci", "github"]);
    assert_eq!(run.code, 73);
    assert!(run.stderr.contains("is a symbolic link"), "{}", run.stderr);
}

/// The hooks let old findings pass and stop new ones.
#[test]
fn command_of_the_hooks_fails_for_new_findings_only() {
    let world = repository();
    let database = world.path("../db");
    for system in ["pre-commit", "lefthook"] {
        let text = world.run(&["init", "--ci", system, "--print"]).stdout;
        assert!(text.contains("supercargo check --base HEAD"), "{text}");
    }
    let hook = ["check", "--base", "HEAD", "--offline", "--db", &database];
    assert_eq!(world.run(&hook).code, 0);
    add_finding(&world);
    assert_eq!(world.run(&hook).code, 4);
}

#[cfg(unix)]
mod action {
    use std::{fs, process::Command};

    use super::{World, add_finding, commit, repository};

    fn file(name: &str) -> String {
        format!("{}/editors/github-action/{name}", crate::harness::repository())
    }

    /// A release with the built program, as the release workflow packs it.
    fn release(world: &World) {
        let name = "supercargo-0.1.0-x86_64-unknown-linux-musl";
        let folder = "../release/releases/download/v0.1.0";
        world.write(&format!("{folder}/{name}/supercargo"), "#!/bin/sh\necho released\n");
        world.make_executable(&format!("{folder}/{name}/supercargo"));
        let script = format!(
            "tar -czf {name}.tar.gz {name} && rm -r {name} && sha256sum -- * > /tmp/none 2>/dev/null; \
             sha256sum -- *.tar.gz > SHA256SUMS"
        );
        let script = script.replace("&& sha256sum -- * > /tmp/none 2>/dev/null; ", "&& ");
        let done =
            Command::new("sh").args(["-c", &script]).current_dir(world.path(folder)).status();
        assert!(done.expect("a shell").success());
    }

    fn install(world: &World, system: &str) -> (i32, String) {
        world.write("../github_path", "");
        let output = Command::new("bash")
            .arg(file("install.sh"))
            .env_remove("GH_TOKEN")
            .env("SUPERCARGO_REPOSITORY", format!("file://{}", world.path("../release")))
            .env("RUNNER_OS", system)
            .env("RUNNER_ARCH", "X64")
            .env("RUNNER_TEMP", world.path("../runner"))
            .env("GITHUB_PATH", world.path("../github_path"))
            .output()
            .expect("bash runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().expect("a code"), text)
    }

    #[test]
    fn released_program_is_installed_if_its_checksum_is_the_released_one() {
        let world = repository();
        release(&world);
        world.folder("../runner");
        assert_eq!(install(&world, "Linux"), (0, String::new()));
        let path = world.read("../github_path");
        let output = Command::new(format!("{}/supercargo", path.trim())).output();
        assert_eq!(output.expect("it runs").stdout, b"released\n");
        // There is none for this system.
        let (code, output) = install(&world, "macOS");
        assert_eq!(code, 70);
        assert!(
            output.starts_with("::error::could not download supercargo-0.1.0-x86_64-apple"),
            "{output}"
        );
        assert_eq!(install(&world, "Plan9").0, 70);
        // It was replaced.
        let archive =
            "../release/releases/download/v0.1.0/supercargo-0.1.0-x86_64-unknown-linux-musl.tar.gz";
        let mut bytes = fs::read(world.path(archive)).expect("the archive");
        bytes.push(0);
        world.write(archive, bytes);
        let (code, output) = install(&world, "Linux");
        assert_eq!(code, 70);
        assert!(output.starts_with("::error::the checksum of supercargo-0.1.0-x86_64"), "{output}");
        assert_eq!(world.read("../github_path"), "");
    }

    /// Runs the step that checks, in a clone as `actions/checkout` makes it: one commit.
    fn check(world: &World, event: &str, inputs: &[(&str, &str)]) -> (i32, String, String) {
        world.write("../github_output", "");
        world.write("../github_summary", "");
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_supercargo"));
        let folder = program.parent().expect("a folder").display();
        let mut command = Command::new("bash");
        command
            .arg(file("check.sh"))
            .current_dir(world.path("../clone"))
            .envs(["HOME", "TMPDIR", "CARGO_HOME"].map(|name| (name, world.variable(name))))
            .env("PATH", format!("{folder}:{}", world.variable("PATH")))
            .env("SUPERCARGO_CACHE_DIR", world.path("../cache"))
            .env("INPUT_ARGS", format!("--offline --db {}", world.path("../db")))
            .env("INPUT_BASE", "auto")
            .env("GITHUB_EVENT_NAME", event)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", world.path("../github_summary"))
            .env("GITHUB_OUTPUT", world.path("../github_output"));
        if event == "pull_request" {
            command.env("GITHUB_BASE_REF", "main");
        }
        let output = command.envs(inputs.iter().copied()).output().expect("bash runs");
        assert_eq!(output.status.code(), Some(0), "the last step fails, not this one");
        let outputs = world.read("../github_output");
        let code = outputs.lines().find_map(|line| line.strip_prefix("exit-code="));
        let code = code.expect("an exit code").parse().expect("a number");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (code, outputs, text(&output.stdout) + &text(&output.stderr))
    }

    #[test]
    fn pull_request_is_compared_with_its_base_that_the_action_fetches() {
        let world = repository();
        world.git("", &["switch", "--quiet", "--create", "topic"]);
        add_finding(&world);
        commit(&world);
        let url = format!("file://{}", world.path(""));
        let clone = ["clone", "--quiet", "--depth=1", "--branch=topic", &url, "clone"];
        world.git("..", &clone);
        let (code, outputs, text) = check(&world, "pull_request", &[("INPUT_SARIF", "out.sarif")]);
        assert_eq!(code, 4, "{text}");
        assert!(text.contains("1 error new; 1 error already there"), "{text}");
        assert!(
            outputs.contains(&format!("sarif={}/out.sarif", world.path("../clone"))),
            "{outputs}"
        );
        assert!(world.read("../clone/out.sarif").contains("\"baselineState\""));
        assert!(world.read("../github_summary").contains("mpl"));
        // Without a summary and SARIF.
        let (code, outputs, _) = check(&world, "pull_request", &[("INPUT_SUMMARY", "false")]);
        assert_eq!((code, outputs.as_str()), (4, "exit-code=4\n"));
        assert_eq!(world.read("../github_summary"), "");
        // A push has no base; without the new finding the pull request passes.
        let (code, _, text) = check(&world, "push", &[]);
        assert_eq!(code, 4);
        assert!(!text.contains("already there"), "{text}");
        world.git("../clone", &["checkout", "--quiet", "origin/main"]);
        assert_eq!(check(&world, "pull_request", &[]).0, 0);
        assert_eq!(check(&world, "push", &[]).0, 4);
        // Arguments are split at blanks and nothing else.
        let database = world.path("../db");
        let arguments = format!("advisories --offline --db {database}");
        assert_eq!(check(&world, "push", &[("INPUT_ARGS", &arguments)]).0, 0);
        let arguments = format!("--offline --db {database} $(touch${{IFS}}started) *");
        assert_eq!(check(&world, "push", &[("INPUT_ARGS", &arguments)]).0, 70);
        assert!(!std::path::Path::new(&world.path("../clone/started")).exists());
    }
}
