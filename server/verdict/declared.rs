//! What each declaration of the workspace resolved to, for hover and hints.

use camino::Utf8PathBuf;
use cargo_deny::{Krate, Krates};
use serde::{Deserialize, Serialize};

use super::{
    PackageRef, Releases,
    manifests::{LocalManifest, Manifests, package_ref},
    paths,
    releases::Listed,
};
use crate::{
    model::manifest::Dependency,
    text::{SourceText, Span},
};

/// A declaration and its package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The manifest.
    pub file: Utf8PathBuf,
    /// Its text when the graph was built. Not serialized: it is the file's.
    #[serde(skip)]
    pub text: SourceText,
    /// The declaration's key.
    pub key: Span,
    /// The place of its findings.
    pub location: Span,
    /// What it resolved to.
    pub package: PackageRef,
    /// The package's license expression.
    pub license: Option<String>,
    /// What the package says of itself; from outside.
    pub description: Option<String>,
    /// Where the package says that it is developed; from outside.
    pub repository: Option<String>,
    /// What cargo's index cache says of its versions, where it was asked and knows them.
    pub releases: Option<Releases>,
    /// The features that are enabled.
    pub features: Vec<String>,
    /// How many packages of the graph depend on it directly.
    pub dependents: usize,
}

/// The declarations of all local manifests, in a stable order. `versions` lists those of a package,
/// where they are known.
pub(super) fn declared<'g, 'v>(
    krates: &'g Krates,
    manifests: &Manifests,
    versions: &dyn Fn(&'g Krate) -> Option<&'v [Listed]>,
) -> Vec<Declared> {
    let mut all = Vec::new();
    for local in krates.krates().filter(|krate| krate.source.is_none()) {
        let Some(node) = krates.nid_for_kid(&local.id) else { continue };
        let Some(manifest) = manifests.of_node(node) else { continue };
        for (index, unresolved) in local.deps.iter().enumerate() {
            let Some(krate) = krates.resolved_dependency(node, index) else { continue };
            let Some(target) = krates.nid_for_kid(&krate.id) else { continue };
            let Some(dependency) = manifest.dependency(unresolved) else { continue };
            let origin = manifests.origin(manifest, dependency);
            // What the graph was linked with may be another requirement than it says by now.
            let stated = origin.map_or(dependency, |(_, origin)| origin).requirement.as_ref();
            let stated = stated.and_then(|stated| stated.value.parse().ok());
            let requirement = stated.unwrap_or_else(|| unresolved.req.clone());
            let releases = versions(krate).and_then(|listed| {
                Releases::of(listed, &krate.version, &requirement, local.rust_version.as_ref())
            });
            let told = |manifest, dependency| {
                let one = one(krates, manifest, dependency, target)?;
                Some(Declared { releases: releases.clone(), ..one })
            };
            all.extend(told(manifest, dependency));
            if let Some((root, origin)) = origin {
                all.extend(told(root, origin));
            }
        }
    }
    all.sort_by(|a, b| (&a.file, a.key.start).cmp(&(&b.file, b.key.start)));
    all.dedup();
    all
}

fn one(
    krates: &Krates,
    manifest: &LocalManifest,
    dependency: &Dependency,
    target: krates::NodeId,
) -> Option<Declared> {
    let krate = paths::krate(krates, target)?;
    let features = krates.get_enabled_features(&krate.id);
    Some(Declared {
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
        dependents: krates.direct_dependents(target).len(),
    })
}
