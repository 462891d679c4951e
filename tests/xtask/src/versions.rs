//! `cargo xtask versions`: whether each key and value of the policy, each option and each code is accepted by exactly the
//! versions of cargo-deny that we name (`tests/parity/versions.jsonl` and `command_lines.jsonl`, written by `tests/house`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{commands, tools};

/// The versions that are installed if no programs are given.
const VERSIONS: [&str; 5] = ["0.14.24", "0.16.4", "0.18.9", "0.19.9", "0.20.2"];

/// A policy or a command line.
#[derive(Deserialize)]
struct Probe {
    key: Option<String>,
    #[serde(default)]
    policy: String,
    #[serde(default = "plain_command")]
    command: String,
    since: Option<String>,
    until: Option<String>,
}

fn plain_command() -> String {
    "--offline check sources".to_owned()
}

fn read_probes(root: &Path, name: &str) -> Result<Vec<Probe>> {
    let text = fs::read_to_string(root.join("tests/parity").join(name))?;
    let probes = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    probes.with_context(|| format!("could not read {name}"))
}

/// With paths of installed programs, only these are run.
pub(crate) fn run(programs: &[String]) -> Result<bool> {
    let root = tools::root()?;
    let mut probes = read_probes(&root, "versions.jsonl")?;
    probes.extend(read_probes(&root, "command_lines.jsonl")?);
    let programs = if programs.is_empty() {
        VERSIONS.into_iter().filter_map(|version| install(&root, version)).collect()
    } else {
        programs.iter().map(PathBuf::from).collect::<Vec<_>>()
    };
    let package = tempfile::tempdir().context("could not create a folder")?;
    let folder = package.path();
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let manifest = "[package]\nname = \"probe\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
                    [features]\ntls = []\n";
    fs::write(folder.join("Cargo.toml"), manifest)?;
    let mut differences = 0;
    for program in &programs {
        let version = commands::output(Command::new(program).arg("--version"))?;
        let Some(version) = version.trim().strip_prefix("cargo-deny ").map(str::to_owned) else {
            bail!("`{}` is not cargo-deny", program.display());
        };
        let number = numbers(&version);
        for probe in &probes {
            fs::write(folder.join("deny.toml"), &probe.policy)?;
            let mut command = Command::new(program);
            command.current_dir(folder).args(probe.command.split(' '));
            let captured = commands::capture(&mut command)?;
            let accepts = captured.exit_code == Some(0);
            let is_known = probe.since.as_deref().is_none_or(|since| numbers(since) <= number);
            let is_kept = probe.until.as_deref().is_none_or(|until| number < numbers(until));
            if accepts != (is_known && is_kept) {
                differences += 1;
                let does = if accepts { "accepts" } else { "rejects" };
                let what = probe.key.as_ref().unwrap_or(&probe.command);
                println!("cargo-deny {version} {does} `{what}`");
            }
        }
        println!("cargo-deny {version}: {} policies and command lines", probes.len());
    }
    println!("{differences} differences");
    Ok(differences == 0)
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// A version that no longer compiles is left out.
fn install(root: &Path, version: &str) -> Option<PathBuf> {
    let folder = root.join("target/tools/versions").join(version);
    let binary = folder.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if binary.is_file() {
        return Some(binary);
    }
    let mut install = tools::cargo(root);
    install.args([
        "--config",
        "profile.release.lto=false",
        "--config",
        "profile.release.opt-level=1",
    ]);
    install.args(["install", "cargo-deny", "--locked", "--version", version, "--root"]);
    install.arg(&folder).arg("--target-dir").arg(root.join("target/tools-build"));
    let installed = commands::show(&mut install).unwrap_or(false);
    if !installed {
        println!("could not install cargo-deny {version}; it is left out");
    }
    installed.then_some(binary)
}
