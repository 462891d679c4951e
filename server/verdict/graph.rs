//! The package graph, built as cargo-deny builds it.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use cargo_deny::Krates;
use krates::{Builder, DepKind, Scope, cm::Metadata};

use super::index::{self, CratesIo};
use crate::resolve::MetadataOptions;

/// The options of a policy and of the command line for the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GraphOptions {
    /// The options for `cargo metadata`.
    pub metadata: MetadataOptions,
    /// Target triples with their target features; empty for all targets.
    pub targets: Vec<(String, Vec<String>)>,
    /// Excluded packages, as cargo package ids.
    pub exclude: Vec<String>,
    /// Exclude dev-dependencies.
    pub exclude_dev: bool,
    /// Exclude members with `publish = false`.
    pub exclude_unpublished: bool,
    /// Check all members even if the checked manifest is a single package.
    pub workspace: bool,
}

/// Builds the graph (as `KrateContext::gather_krates` of cargo-deny's binary does). `folder` is where
/// the search for cargo's configuration starts. Also returns the entries of crates.io's index that
/// were read, if any.
///
/// The error is a sentence fragment for users.
pub(super) fn build(
    metadata: Metadata,
    options: &GraphOptions,
    folder: &Utf8Path,
) -> Result<(Krates, Option<CratesIo>), String> {
    let mut builder = Builder::new();
    if !options.targets.is_empty() {
        let targets = options.targets.iter();
        builder.include_targets(
            targets.map(|(triple, features)| (krates::Target::from(triple), features.clone())),
        );
    }
    let scope = if options.exclude_dev { Scope::All } else { Scope::NonWorkspace };
    builder.ignore_kind(DepKind::Dev, scope);
    builder.workspace(options.workspace);
    let excluded = options.exclude.iter().filter_map(|spec| match spec.parse() {
        Ok(spec) => Some(spec),
        Err(error) => {
            tracing::warn!("`{spec}` in `graph.exclude` is not a package id: {error}");
            None
        }
    });
    let excluded: Vec<krates::PkgSpec> = excluded.collect();
    if !excluded.is_empty() {
        builder.exclude(excluded);
    }
    if options.exclude_unpublished {
        let published = metadata
            .workspace_packages()
            .into_iter()
            .filter(|package| !package.publish.as_ref().is_some_and(Vec::is_empty))
            .map(|package| package.manifest_path.as_std_path().to_owned())
            .collect::<Vec<_>>();
        builder.include_workspace_crates(published);
    }
    let mut requested: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for package in &metadata.packages {
        requested.entry(package.name.clone()).or_default().insert(package.version.clone());
    }
    let crates_io = index::features_from_index(&mut builder, folder, requested);
    if let Err(error) = &crates_io {
        tracing::warn!("could not read cargo's index, features may be incomplete: {error}");
    }
    let krates = builder.build_with_metadata(metadata, krates::NoneFilter);
    Ok((krates.map_err(|error| error.to_string())?, crates_io.ok()))
}
