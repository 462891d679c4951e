//! What the words that judge were told: which workspaces, and by what they are judged.

use std::time::Duration;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::{arguments::GateArguments, logging};
use crate::{
    cache::Cache,
    facts::RefreshPolicy,
    gate::GateOptions,
    process::Children,
    resolve::Resolver,
    workspace::{Discovery, DiscoveryOptions, PolicyFiles, Workspace, lexical},
};

/// A database that is younger was fetched by another run just now.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// How cargo and the network may be used, and what is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) offline: bool,
    pub(super) locked: bool,
    /// Also what is merely told.
    pub(super) helps: bool,
}

pub(super) fn gate_options(
    arguments: &GateArguments,
    manner: Manner,
) -> anyhow::Result<GateOptions> {
    let Manner { offline, locked, helps } = manner;
    Ok(GateOptions {
        checks: arguments.checks(),
        workspace: arguments.workspace,
        config: arguments.config.as_deref().map(absolute).transpose()?,
        policy_files: arguments.manifest_path.as_deref().map(lexical_policy_files).transpose()?,
        advisories: arguments.db.as_deref().map(absolute).transpose()?,
        refresh: if offline { RefreshPolicy::Never } else { RefreshPolicy::OlderThan(FRESH) },
        helps,
        releases: false,
        gentle_without_policy: false,
        resolver: Resolver {
            cargo: Resolver::default_cargo(),
            offline,
            locked,
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
pub(super) struct Meant {
    /// Each once.
    pub(super) workspaces: Vec<Workspace>,
    /// Something was named that is not there; that has been said.
    pub(super) missing: bool,
}

pub(super) fn workspaces(arguments: &GateArguments) -> anyhow::Result<Meant> {
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
