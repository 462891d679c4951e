//! The package graph, built as cargo-deny builds it.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use cargo_deny::Krates;
use krates::{Builder, DepKind, Scope, cm::Metadata};

use super::index::{self, CratesIo};
use crate::resolve::MetadataOptions;

/// Everything in a policy and on the command line that shapes the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GraphOptions {
    /// What cargo is told.
    pub metadata: MetadataOptions,
    /// Target triples with their target features; empty for all targets.
    pub targets: Vec<(String, Vec<String>)>,
    /// Packages left out, as cargo package ids.
    pub exclude: Vec<String>,
    /// Leave out dev-dependencies.
    pub exclude_dev: bool,
    /// Leave out members with `publish = false`.
    pub exclude_unpublished: bool,
    /// Judge all members even where the judged manifest is one package.
    pub workspace: bool,
}

/// Builds the graph (`KrateContext::gather_krates` of cargo-deny's binary). `folder` is where
/// cargo's configuration is looked for.
/// Also gives what was read of crates.io's index, where it could be.
///
/// The error is a sentence fragment for people.
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
    let mut wanted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for package in &metadata.packages {
        wanted.entry(package.name.clone()).or_default().insert(package.version.clone());
    }
    let crates_io = index::features_from_index(&mut builder, folder, wanted);
    if let Err(error) = &crates_io {
        tracing::warn!("could not read cargo's index, features may be incomplete: {error}");
    }
    let krates = builder.build_with_metadata(metadata, krates::NoneFilter);
    Ok((krates.map_err(|error| error.to_string())?, crates_io.ok()))
}
