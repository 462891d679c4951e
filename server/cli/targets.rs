//! Turns the arguments of the commands into workspaces and options of the gate.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::{arguments::GateArguments, logging};
use crate::{
    cache::Cache,
    facts::RefreshPolicy,
    gate::GateOptions,
    process::Children,
    resolve::Resolver,
    verdict::DenyOptions,
    workspace::{Discovery, DiscoveryOptions, PolicyFiles, Workspace, lexical},
};

/// A younger database was just fetched by another run.
const FRESH_DATABASE: Duration = Duration::from_secs(60 * 60);

/// What to check, and where cargo-deny would find it.
#[derive(Debug)]
pub(super) struct RunOptions<'a> {
    /// The options of cargo-deny, with paths as they are written.
    pub(super) deny: DenyOptions,
    /// `--manifest-path`.
    pub(super) manifest_path: Option<&'a Utf8Path>,
    /// `--db`.
    pub(super) db: Option<&'a Utf8Path>,
    pub(super) no_cache: bool,
    /// Also report cargo-deny's helps.
    pub(super) helps: bool,
    /// Also gather all dependencies between packages.
    pub(super) dependency_graph: bool,
}

impl<'a> RunOptions<'a> {
    /// The options of a command that checks.
    pub(super) fn of(arguments: &'a GateArguments, deny: DenyOptions) -> Self {
        let GateArguments { manifest_path, db, no_cache, .. } = arguments;
        let (manifest_path, db) = (manifest_path.as_deref(), db.as_deref());
        Self { deny, manifest_path, db, no_cache: *no_cache, helps: false, dependency_graph: false }
    }
}

pub(super) fn gate_options(run_options: RunOptions<'_>) -> anyhow::Result<GateOptions> {
    let RunOptions { mut deny, manifest_path, db, no_cache, helps, dependency_graph } = run_options;
    for path in [&mut deny.config, &mut deny.metadata_path].into_iter().flatten() {
        *path = absolute(path)?;
    }
    let (offline, locked) = (deny.offline, deny.locked);
    Ok(GateOptions {
        deny,
        policy_files: manifest_path.map(lexical_policy_files).transpose()?,
        advisories: db.map(absolute).transpose()?,
        refresh: if offline {
            RefreshPolicy::Never
        } else {
            RefreshPolicy::OlderThan(FRESH_DATABASE)
        },
        helps,
        releases: false,
        dependency_graph,
        skip_licenses_without_policy: false,
        other_uses: Arc::default(),
        command_lines: Vec::new(),
        gate_versions: Vec::new(),
        resolver: Resolver {
            cargo: Resolver::default_cargo(),
            offline,
            locked,
            children: Children::default().reporting_waits(logging::waiting),
            cache: if no_cache { Cache::off() } else { Cache::of_user() },
        },
    })
}

/// cargo-deny searches the parents in the path as given: for a relative path it never leaves the current
/// folder.
fn lexical_policy_files(manifest: &Utf8Path) -> anyhow::Result<PolicyFiles> {
    let PolicyFiles { policy, exceptions } = PolicyFiles::find(manifest);
    Ok(PolicyFiles {
        policy: policy.as_deref().map(absolute).transpose()?,
        exceptions: exceptions.as_deref().map(absolute).transpose()?,
    })
}

/// The workspaces to check.
#[derive(Default)]
pub(super) struct Selection {
    /// Each once.
    pub(super) workspaces: Vec<Workspace>,
    /// The named folders, and the roots of the workspaces.
    pub(super) folders: Vec<Utf8PathBuf>,
    /// The errors about arguments that do not exist; they were already printed.
    pub(super) missing: Vec<String>,
}

pub(super) fn select_workspaces(arguments: &GateArguments) -> anyhow::Result<Selection> {
    let mut selection = Selection::default();
    if let Some(manifest) = &arguments.manifest_path {
        selection.workspaces.push(of_manifest(manifest)?);
        selection.add_roots();
        return Ok(selection);
    }
    let mut options = DiscoveryOptions { nested: arguments.all, ..DiscoveryOptions::default() };
    if let Some(excluded) = &arguments.exclude_dir {
        options.excluded.clone_from(excluded);
    }
    let here = [Utf8PathBuf::from(".")];
    let mut paths: Vec<_> = arguments.paths().collect();
    if paths.is_empty() {
        paths.extend(&here);
    }
    for path in paths {
        match below(path, &options) {
            Ok(found) => {
                selection.folders.extend(absolute(path).ok().filter(|path| path.is_dir()));
                for workspace in found {
                    if !selection.workspaces.contains(&workspace) {
                        selection.workspaces.push(workspace);
                    }
                }
            }
            // The other workspaces are still checked.
            Err(error) => {
                let error = format!("{error:#}");
                logging::error(&error);
                selection.missing.push(error);
            }
        }
    }
    selection.add_roots();
    Ok(selection)
}

impl Selection {
    /// The lockfile of a member is in the folder of its root.
    fn add_roots(&mut self) {
        self.folders.extend(self.workspaces.iter().map(|workspace| workspace.root.clone()));
    }
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
        logging::error(&format!("`{path}` has too many files to search all of them"));
    }
    if discovery.workspaces.is_empty() {
        bail!(
            "could not find `Cargo.toml` or a policy in `{path}` or below (git-ignored folders and folders named {} are \
             not searched)",
            options.excluded.join(", ")
        );
    }
    Ok(discovery.workspaces)
}

fn of_manifest(manifest: &Utf8Path) -> anyhow::Result<Workspace> {
    if manifest.file_name() != Some("Cargo.toml") {
        bail!("`{manifest}` is neither a folder nor a `Cargo.toml`");
    }
    if !manifest.is_file() {
        bail!("`{manifest}` does not exist");
    }
    Ok(Workspace::of_manifest(&absolute(manifest)?))
}

/// Makes a path absolute without resolving links: cargo-deny searches the path as given for policies.
pub(super) fn absolute(path: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let here = std::env::current_dir().context("could not determine the current folder")?;
    let here = Utf8PathBuf::from_path_buf(here)
        .map_err(|path| anyhow::anyhow!("the path `{}` is not UTF-8", path.display()))?;
    Ok(lexical(&here.join(path)))
}
