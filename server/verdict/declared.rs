//! What each declaration of the workspace resolved to, for hover and hints.

use camino::Utf8PathBuf;
use cargo_deny::Krates;
use serde::{Deserialize, Serialize};

use super::{
    PackageRef,
    manifests::{LocalManifest, Manifests, package_ref},
    paths,
};
use crate::{
    model::manifest::Declaration,
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
    pub place: Span,
    /// What it resolved to.
    pub package: PackageRef,
    /// The package's licence expression.
    pub license: Option<String>,
    /// What the package says of itself; from outside.
    pub description: Option<String>,
    /// The features that are enabled.
    pub features: Vec<String>,
    /// How many packages of the graph depend on it directly.
    pub dependents: usize,
}

/// The declarations of all local manifests, in a stable order.
pub(super) fn declared(krates: &Krates, manifests: &Manifests) -> Vec<Declared> {
    let mut all = Vec::new();
    for local in krates.krates().filter(|krate| krate.source.is_none()) {
        let Some(node) = krates.nid_for_kid(&local.id) else { continue };
        let Some(manifest) = manifests.of_node(node) else { continue };
        for (index, dependency) in local.deps.iter().enumerate() {
            let resolved = krates.resolved_dependency(node, index);
            let Some(target) = resolved.and_then(|krate| krates.nid_for_kid(&krate.id)) else {
                continue;
            };
            let Some(declaration) = manifest.declaration(dependency) else { continue };
            all.extend(one(krates, manifest, declaration, target));
            if let Some((root, origin)) = manifests.origin(manifest, declaration) {
                all.extend(one(krates, root, origin, target));
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
    declaration: &Declaration,
    target: krates::NodeId,
) -> Option<Declared> {
    let krate = paths::krate(krates, target)?;
    let features = krates.get_enabled_features(&krate.id);
    Some(Declared {
        file: manifest.path.clone(),
        text: manifest.text.clone(),
        key: declaration.key.span.clone(),
        place: declaration.place(),
        package: package_ref(krate),
        license: krate.license.clone(),
        description: krate.description.clone(),
        features: features.map(|all| all.iter().cloned().collect()).unwrap_or_default(),
        dependents: krates.direct_dependents(target).len(),
    })
}
