//! The package graph, built as cargo-deny builds it.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use cargo_deny::Krates;
use krates::{Builder, DepKind, Scope, cm::Metadata};

use super::{
    DenyOptions,
    index::{self, CratesIo},
};
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

impl GraphOptions {
    /// Whether an excluded package is not a package id: it is skipped with a warning.
    pub(crate) fn has_invalid_exclusion(&self) -> bool {
        self.exclude.iter().any(|spec| spec.parse::<krates::PkgSpec>().is_err())
    }

    /// These options of a policy together with those of the command line, as in cargo-deny: targets and
    /// features of the command line replace those of the policy, all others add to them.
    #[must_use]
    pub fn with(mut self, command_line: &DenyOptions) -> Self {
        let metadata = &mut self.metadata;
        metadata.all_features |= command_line.all_features;
        metadata.no_default_features |= command_line.no_default_features;
        metadata.file.clone_from(&command_line.metadata_path);
        if !command_line.features.is_empty() {
            metadata.features.clone_from(&command_line.features);
        }
        if !command_line.targets.is_empty() {
            let targets = command_line.targets.iter();
            self.targets = targets.map(|triple| (triple.clone(), Vec::new())).collect();
            metadata.platform = only_target(&self.targets);
        }
        self.exclude.splice(0..0, command_line.exclude.iter().cloned());
        self.exclude_dev |= command_line.exclude_dev;
        self.exclude_unpublished |= command_line.exclude_unpublished;
        self.workspace |= command_line.workspace;
        self
    }
}

/// The target for which cargo filters: only if there is exactly one.
pub(super) fn only_target(targets: &[(String, Vec<String>)]) -> Option<String> {
    match targets {
        [(only, _)] => Some(only.clone()),
        _ => None,
    }
}

/// Builds the graph (as `KrateContext::gather_krates` of cargo-deny's binary does). `folder` is where
/// the search for cargo's configuration starts. Also returns the entries of crates.io's index that
/// were read, if any.
pub(super) fn build(
    metadata: Metadata,
    options: &GraphOptions,
    folder: &Utf8Path,
) -> Result<(Krates, Option<CratesIo>), krates::Error> {
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
            tracing::warn!("excluded package `{spec}` is not a package id: {error}");
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
    let krates = builder.build_with_metadata(metadata, krates::NoneFilter)?;
    Ok((krates, crates_io.ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::MetadataOptions;

    #[test]
    fn command_line_replaces_targets_and_features_and_adds_everything_else() {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let with_features = |triple: &str| (triple.to_owned(), words(&["sse2"]));
        let policy = GraphOptions {
            metadata: MetadataOptions {
                all_features: true,
                features: words(&["a"]),
                platform: Some("x".to_owned()),
                ..MetadataOptions::default()
            },
            targets: vec![with_features("x")],
            exclude: words(&["p"]),
            exclude_dev: true,
            ..GraphOptions::default()
        };
        assert_eq!(policy.clone().with(&DenyOptions::default()), policy);
        let given = DenyOptions {
            workspace: true,
            exclude: words(&["q"]),
            targets: words(&["y", "z"]),
            no_default_features: true,
            features: words(&["b"]),
            exclude_unpublished: true,
            ..DenyOptions::default()
        };
        let expected = GraphOptions {
            metadata: MetadataOptions {
                no_default_features: true,
                all_features: true,
                features: words(&["b"]),
                platform: None,
                file: None,
            },
            targets: vec![("y".to_owned(), Vec::new()), ("z".to_owned(), Vec::new())],
            exclude: words(&["q", "p"]),
            exclude_dev: true,
            exclude_unpublished: true,
            workspace: true,
        };
        assert_eq!(policy.clone().with(&given), expected);
        let one = DenyOptions { targets: words(&["y"]), ..DenyOptions::default() };
        assert_eq!(policy.with(&one).metadata.platform.as_deref(), Some("y"));
    }
}
