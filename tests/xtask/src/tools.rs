//! The programs that the tasks work with: the real cargo-deny, in one exact version, and our own binary.

use std::env::{self, consts::EXE_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::commands;

/// The version whose verdict supercargo gives; `Cargo.toml` pins the library to the same one.
const CARGO_DENY: &str = "0.20.2";

/// The repository's root: `cargo run` names the folder of this crate, `tests/xtask`.
pub(crate) fn root() -> Result<PathBuf> {
    let here = match env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => PathBuf::from(folder).join("../.."),
        None => PathBuf::from("."),
    };
    here.canonicalize().context("could not find the repository's root")
}

/// The cargo that runs the tasks of this repository.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// The cargo that compiles this workspace for tests, with the compiler of `cargo clippy`: it warns as clippy does while it compiles, which
/// `cargo clippy` can only do in a compilation of its own. Cargo keeps the results apart from those of the plain compiler.
pub(crate) fn linting_cargo(root: &Path) -> Result<Command> {
    let mut command = cargo(root);
    let installed =
        PathBuf::from(command.get_program()).with_file_name(format!("clippy-driver{EXE_SUFFIX}"));
    let compiler = if installed.is_file() { installed } else { "clippy-driver".into() };
    if commands::output(Command::new(&compiler).arg("--version")).is_err() {
        bail!("could not find clippy; install it with `rustup component add clippy`");
    }
    // As `cargo clippy -- -D warnings` sets them.
    command.env("RUSTC_WORKSPACE_WRAPPER", compiler).env("CLIPPY_ARGS", "-Dwarnings");
    Ok(command)
}

/// The real cargo-deny for tests, installed in `target/tools` if it is not there in the right version. It is built
/// without link-time optimization and with libraries that are not optimized, which takes half of the time.
pub(crate) fn cargo_deny(root: &Path) -> Result<PathBuf> {
    let profile = [
        "profile.release.lto=false",
        "profile.release.codegen-units=16",
        "profile.release.opt-level=2",
        "profile.release.package.\"*\".opt-level=0",
    ];
    install_cargo_deny(root, "target/tools", &profile)
}

/// The real cargo-deny for benchmarks, as its users install it, in `target/tools/released`.
pub(crate) fn released_cargo_deny(root: &Path) -> Result<PathBuf> {
    install_cargo_deny(root, "target/tools/released", &[])
}

fn install_cargo_deny(root: &Path, folder: &str, configuration: &[&str]) -> Result<PathBuf> {
    let tools = root.join(folder);
    let binary = tools.join("bin").join(format!("cargo-deny{EXE_SUFFIX}"));
    if version(&binary).as_deref() == Some(CARGO_DENY) {
        return Ok(binary);
    }

    println!("installing cargo-deny {CARGO_DENY} into {folder}, which takes some minutes");
    let mut install = cargo(root);
    for setting in configuration {
        install.args(["--config", setting]);
    }
    install.args([
        "install",
        "cargo-deny",
        "--version",
        CARGO_DENY,
        "--locked",
        "--force",
        "--root",
    ]);
    install.arg(&tools).arg("--target-dir").arg(root.join("target/tools-build"));
    let installed = commands::show(&mut install)?;
    if !installed || version(&binary).as_deref() != Some(CARGO_DENY) {
        bail!("could not install cargo-deny {CARGO_DENY}");
    }
    Ok(binary)
}

/// The cargo-audit with `fix` under `target/tools`, where it is there or can be installed.
pub(crate) fn cargo_audit(root: &Path) -> Option<PathBuf> {
    let tools = root.join("target/tools");
    let binary = tools.join("bin").join(format!("cargo-audit{EXE_SUFFIX}"));
    if binary.is_file() {
        return Some(binary);
    }
    println!("installing cargo-audit into target/tools, which takes some minutes");
    let mut install = cargo(root);
    install.args(["install", "cargo-audit", "--features", "fix", "--locked", "--root"]);
    install.arg(&tools).arg("--target-dir").arg(root.join("target/tools-build"));
    let installed = commands::show(&mut install).unwrap_or(false);
    (installed && binary.is_file()).then_some(binary)
}

/// Our own binary: the one that `SUPERCARGO_BIN` names, else a fresh build with the checks of the tests.
pub(crate) fn supercargo(root: &Path) -> Result<PathBuf> {
    if let Some(named) = env::var_os("SUPERCARGO_BIN") {
        let binary = PathBuf::from(named);
        if !binary.is_file() {
            bail!("SUPERCARGO_BIN names no file: {}", binary.display());
        }
        return std::path::absolute(&binary).context("could not resolve SUPERCARGO_BIN");
    }

    // As a part of the tests: by itself it has other features of some libraries, which are compiled again for it.
    let built = ["test", "--quiet", "--workspace", "--test", "cli", "--no-run"];
    if !commands::show(linting_cargo(root)?.args(built))? {
        bail!("could not build supercargo");
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Ok(root.join(target).join("debug").join(format!("supercargo{EXE_SUFFIX}")))
}

/// What `cargo-deny --version` says, or nothing when the program is absent or broken.
fn version(binary: &Path) -> Option<String> {
    let text = commands::output(Command::new(binary).arg("--version")).ok()?;
    Some(text.trim().strip_prefix("cargo-deny ")?.to_owned())
}
