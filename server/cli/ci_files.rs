//! `supercargo init --ci`: the file that runs the check in a CI system or before each commit.

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context as _, bail};
use camino::Utf8Path;

use super::{
    arguments::CiSystem,
    exit_code::NOT_CREATED,
    logging,
    targets::absolute,
    terminal::{escaped, escaped_line},
};
use crate::{ci::root_around, fix::write_new};

/// This program's version, which the files install.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the program was published from; empty in a build from a clone.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

impl CiSystem {
    /// The file, relative to the root of the repository.
    fn path(self) -> &'static str {
        match self {
            Self::Github => ".github/workflows/supercargo.yml",
            Self::Gitlab => ".gitlab-ci.yml",
            Self::PreCommit => ".pre-commit-config.yaml",
            Self::Lefthook => "lefthook.yml",
        }
    }

    /// The names of a file that the system reads instead.
    fn other_names(self) -> &'static [&'static str] {
        match self {
            Self::Github => &[".github/workflows/supercargo.yaml"],
            Self::Gitlab => &[],
            Self::PreCommit => &[".pre-commit-config.yml"],
            Self::Lefthook => {
                &["lefthook.yaml", ".lefthook.yml", ".lefthook.yaml", "lefthook.toml"]
            }
        }
    }

    fn text(self) -> String {
        let text = match self {
            Self::Github => github(),
            Self::Gitlab => include_str!("ci_files/gitlab.yml").to_owned(),
            Self::PreCommit => include_str!("ci_files/pre_commit.yml").to_owned(),
            Self::Lefthook => include_str!("ci_files/lefthook.yml").to_owned(),
        };
        text.replace("@VERSION@", VERSION)
    }
}

/// The action where it was published, else the steps that it consists of.
fn github() -> String {
    let steps = match REPOSITORY.strip_prefix("https://github.com/") {
        Some(repository) => include_str!("ci_files/github_action.yml")
            .replace("@REPOSITORY@", repository.trim_end_matches('/')),
        None => include_str!("ci_files/github_install.yml").to_owned(),
    };
    include_str!("ci_files/github.yml").replace("@STEPS@\n", &steps)
}

/// Writes the file at the root of the repository around `path`, or prints it.
///
/// # Errors
///
/// When `path` does not exist, or standard output cannot be written.
pub(super) fn run(system: CiSystem, path: &Utf8Path, print: bool) -> anyhow::Result<ExitCode> {
    let text = system.text();
    let mut out = std::io::stdout().lock();
    if print {
        out.write_all(text.as_bytes()).context("could not write to standard output")?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = absolute(path)?;
    let folder = if path.is_file() { path.parent().unwrap_or(&path) } else { &path };
    if !folder.is_dir() {
        bail!("`{folder}` does not exist");
    }
    let root = root_around(folder);
    let here = absolute(Utf8Path::new("."))?;
    let shown = |path: &Utf8Path| {
        escaped_line(path.strip_prefix(&here).unwrap_or(path).as_str()).into_owned()
    };
    let names = [&[system.path()], system.other_names()].concat();
    let existing = names.iter().map(|name| root.join(name)).find(|path| path.exists());
    if let Some(existing) = existing {
        logging::error(&format!(
            "`{}` exists already and is not changed; add to it what `--print` shows",
            shown(&existing)
        ));
        return Ok(ExitCode::from(NOT_CREATED));
    }
    let file = root.join(system.path());
    if let Err(error) = create(&root, &file, &text) {
        logging::error(&format!("could not create `{}`: {error}", shown(&file)));
        return Ok(ExitCode::from(NOT_CREATED));
    }
    let text = format!("created {} for supercargo {VERSION}\n", shown(&file));
    out.write_all(escaped(&text).as_bytes()).context("could not write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// Creates the file and its folders, through no link.
fn create(root: &Utf8Path, file: &Utf8Path, text: &str) -> anyhow::Result<()> {
    let mut folders = file.ancestors().skip(1).take_while(|folder| *folder != root);
    if let Some(link) = folders.find(|folder| folder.is_symlink()) {
        bail!("`{link}` is a symbolic link");
    }
    std::fs::create_dir_all(file.parent().unwrap_or(root))?;
    write_new(file, text)?;
    Ok(())
}
