//! The direct dependencies of the workspace and the packages they resolved to, for hovers and hints.

use std::collections::HashMap;

use cargo_deny::{Krate, Krates};
use serde::{Deserialize, Serialize};

use super::{
    PackageRef, Releases,
    local_files::LocalManifest,
    manifests::{Manifests, package_ref},
    paths,
    releases::ListedVersion,
};
use crate::{
    model::manifest::Dependency,
    text::{FilePath, SourceText, Span},
};

/// A direct dependency and the package it resolved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedDependency {
    /// The manifest.
    pub file: FilePath,
    /// Its text when the graph was built. Not serialized: it is the content of the file.
    #[serde(skip)]
    pub text: SourceText,
    /// The key of the dependency.
    pub key: Span,
    /// The span at which its findings are reported.
    pub location: Span,
    /// The package it resolved to.
    pub package: PackageRef,
    /// The package's license expression.
    pub license: Option<String>,
    /// The package's description; untrusted.
    pub description: Option<String>,
    /// The package's repository; untrusted.
    pub repository: Option<String>,
    /// The versions in cargo's index cache, if requested and known.
    pub releases: Option<Releases>,
    /// The enabled features.
    pub features: Vec<String>,
    /// The number of packages that depend on it directly.
    pub dependents: usize,
}

/// The dependencies in all local manifests, in a stable order. `versions` returns the versions of a
/// package, if known.
pub(super) fn resolved_dependencies<'g, 'v>(
    krates: &'g Krates,
    manifests: &Manifests,
    versions: &dyn Fn(&'g Krate) -> Option<&'v [ListedVersion]>,
) -> Vec<ResolvedDependency> {
    let mut all = Vec::new();
    let mut dependents: HashMap<krates::NodeId, usize> = HashMap::new();
    for local in krates.krates().filter(|krate| krate.source.is_none()) {
        let Some(node) = krates.nid_for_kid(&local.id) else { continue };
        let Some(manifest) = manifests.of_node(node) else { continue };
        for (index, unresolved) in local.deps.iter().enumerate() {
            let Some(krate) = krates.resolved_dependency(node, index) else { continue };
            let Some(target) = krates.nid_for_kid(&krate.id) else { continue };
            let Some(dependency) = manifest.dependency(unresolved) else { continue };
            let origin = manifests.origin(manifest, dependency);
            // The requirement may have changed since the graph was built.
            let stated = origin.map_or(dependency, |(_, origin)| origin).requirement.as_ref();
            let stated = stated.and_then(|stated| stated.value.parse().ok());
            let requirement = stated.unwrap_or_else(|| unresolved.req.clone());
            let releases = versions(krate).and_then(|listed| {
                Releases::of(listed, &krate.version, &requirement, local.rust_version.as_ref())
            });
            let dependents =
                *dependents.entry(target).or_insert_with(|| krates.direct_dependents(target).len());
            let resolved = |manifest, dependency| {
                let resolved =
                    resolved_dependency(krates, manifest, dependency, target, dependents)?;
                Some(ResolvedDependency { releases: releases.clone(), ..resolved })
            };
            all.extend(resolved(manifest, dependency));
            if let Some((root, origin)) = origin {
                all.extend(resolved(root, origin));
            }
        }
    }
    let mut by_file: HashMap<FilePath, Vec<ResolvedDependency>> = HashMap::new();
    for one in all {
        by_file.entry(one.file.clone()).or_default().push(one);
    }
    // To compare paths takes longer than all the rest.
    let mut by_file: Vec<_> = by_file.into_iter().collect();
    by_file.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (_, here) in &mut by_file {
        here.sort_by_key(|one| one.key.start);
        here.dedup();
    }
    by_file.into_iter().flat_map(|(_, here)| here).collect()
}

fn resolved_dependency(
    krates: &Krates,
    manifest: &LocalManifest,
    dependency: &Dependency,
    target: krates::NodeId,
    dependents: usize,
) -> Option<ResolvedDependency> {
    let krate = paths::krate(krates, target)?;
    let features = krates.get_enabled_features(&krate.id);
    Some(ResolvedDependency {
        file: manifest.path.clone(),
        text: manifest.text.clone(),
        key: dependency.key.span.clone(),
        location: dependency.location(),
        package: package_ref(krate),
        license: krate.license.clone(),
        description: krate.description.clone(),
        repository: krate.repository.clone(),
        releases: None,
        features: features.map(|all| all.iter().cloned().collect()).unwrap_or_default(),
        dependents,
    })
}
