//! `supercargo check`: judge workspaces and exit like cargo-deny.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::{
    arguments::{CheckArguments, Format},
    human::Human,
    json, logging,
};
use crate::{
    cache::Cache,
    facts::RefreshPolicy,
    gate::{Databases, Gate, GateOptions, NO_VERDICT, OnDisk, Verdict},
    process::Children,
    resolve::Resolver,
    verdict::{Check, Severity},
    workspace::{Discovery, DiscoveryOptions, PolicyFiles, Workspace, lexical},
};

/// A database that is younger was fetched by another run just now.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// How long the end may take: temporary files are deleted.
const PATIENCE: Duration = Duration::from_secs(2);

/// The exit bit for findings of our own under `--strict`.
const OWN_FINDINGS: u8 = 16;

/// Runs the word.
///
/// # Errors
///
/// When there is nothing to judge.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let Meant { workspaces, missing } = workspaces(arguments)?;
    let options = gate_options(arguments)?;
    let databases = Databases::default();
    let human = Human::new()?;
    let mut code = if missing { NO_VERDICT } else { 0 };
    for (index, workspace) in workspaces.iter().enumerate() {
        let mut gate = Gate::new(workspace.clone());
        let Some(verdict) = gate.judge(&options, &OnDisk, &databases, &logging::tell) else {
            continue;
        };
        match arguments.format {
            Format::Human => human.verdict(&verdict, options.checks, index == 0),
            Format::Json => json::verdict(&verdict, options.checks)?,
        }
        code = combined(code, exit_code(&verdict, arguments.strict));
    }
    // What was unpacked is deleted by those who used it.
    drop(databases);
    options.resolver.children.wait_until_unused(PATIENCE);
    Ok(ExitCode::from(code))
}

fn exit_code(verdict: &Verdict, strict: bool) -> u8 {
    let code = verdict.exit_code();
    let own = verdict
        .findings
        .iter()
        .any(|finding| finding.check == Check::Supercargo && finding.severity >= Severity::Warning);
    if strict && own && code != NO_VERDICT { code | OWN_FINDINGS } else { code }
}

/// The bits of all workspaces; a missing verdict hides every other result.
fn combined(a: u8, b: u8) -> u8 {
    if a == NO_VERDICT || b == NO_VERDICT { NO_VERDICT } else { a | b }
}

fn gate_options(arguments: &CheckArguments) -> anyhow::Result<GateOptions> {
    let offline = arguments.offline();
    Ok(GateOptions {
        checks: arguments.checks(),
        workspace: arguments.workspace,
        config: arguments.config.as_deref().map(absolute).transpose()?,
        policy_files: arguments.manifest_path.as_deref().map(lexical_policy_files).transpose()?,
        advisories: arguments.db.as_deref().map(absolute).transpose()?,
        refresh: if offline { RefreshPolicy::Never } else { RefreshPolicy::OlderThan(FRESH) },
        helps: arguments.format == Format::Json,
        releases: false,
        gentle_without_policy: false,
        resolver: Resolver {
            cargo: Resolver::default_cargo(),
            offline,
            locked: arguments.locked(),
            children: Children::default(),
            cache: if arguments.no_cache { Cache::off() } else { Cache::of_user() },
        },
    })
}

/// cargo-deny walks upwards along the path as it was given: from a relative one it never leaves
/// the current folder.
fn lexical_policy_files(manifest: &Utf8Path) -> anyhow::Result<PolicyFiles> {
    let PolicyFiles { policy, exceptions } = PolicyFiles::find(manifest);
    Ok(PolicyFiles {
        policy: policy.as_deref().map(absolute).transpose()?,
        exceptions: exceptions.as_deref().map(absolute).transpose()?,
    })
}

/// What is to be judged.
#[derive(Default)]
struct Meant {
    /// Each once.
    workspaces: Vec<Workspace>,
    /// Something was named that is not there; that has been said.
    missing: bool,
}

fn workspaces(arguments: &CheckArguments) -> anyhow::Result<Meant> {
    let mut meant = Meant::default();
    if let Some(manifest) = &arguments.manifest_path {
        meant.workspaces.push(of_manifest(manifest)?);
        return Ok(meant);
    }
    let mut options = DiscoveryOptions { nested: arguments.all, ..DiscoveryOptions::default() };
    if let Some(excluded) = &arguments.exclude_dir {
        options.excluded.clone_from(excluded);
    }
    let here = [Utf8PathBuf::from(".")];
    let paths = if arguments.paths.is_empty() { &here[..] } else { &arguments.paths };
    for path in paths {
        match below(path, &options) {
            Ok(found) => {
                for workspace in found {
                    if !meant.workspaces.contains(&workspace) {
                        meant.workspaces.push(workspace);
                    }
                }
            }
            // The others are judged all the same.
            Err(error) => {
                logging::complain(&format!("{error:#}"));
                meant.missing = true;
            }
        }
    }
    Ok(meant)
}

fn below(path: &Utf8Path, options: &DiscoveryOptions) -> anyhow::Result<Vec<Workspace>> {
    if path.is_file() {
        return Ok(vec![of_manifest(path)?]);
    }
    if !path.is_dir() {
        bail!("`{path}` does not exist");
    }
    let discovery = Discovery::below(&absolute(path)?, options);
    if discovery.truncated {
        logging::complain(&format!("`{path}` holds too many files to search all of them"));
    }
    if discovery.workspaces.is_empty() {
        bail!(
            "there is no `Cargo.toml` in `{path}` or below it (folders that git ignores, and those \
             named {}, were left out)",
            options.excluded.join(", ")
        );
    }
    Ok(discovery.workspaces)
}

fn of_manifest(manifest: &Utf8Path) -> anyhow::Result<Workspace> {
    if manifest.file_name() != Some("Cargo.toml") {
        bail!("`{manifest}` is no folder and no `Cargo.toml`");
    }
    if !manifest.is_file() {
        bail!("there is no `{manifest}`");
    }
    Ok(Workspace::of_manifest(&absolute(manifest)?))
}

/// `path` from the current folder, lexically: cargo-deny looks for policies along the path as it
/// is given.
pub(super) fn absolute(path: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let here = std::env::current_dir().context("the current folder cannot be told")?;
    let here = Utf8PathBuf::from_path_buf(here)
        .map_err(|path| anyhow::anyhow!("the path `{}` is not UTF-8", path.display()))?;
    Ok(lexical(&here.join(path)))
}
