//! The dependencies of the manifests in one state, computed on first use.

use std::sync::{Arc, OnceLock};

use cargo_deny::Krates;

use crate::verdict::{
    ResolvedDependency, manifests::Manifests, releases::VersionListings,
    resolved_dependencies::resolved_dependencies,
};

/// The dependencies, and those with the versions that cargo's index cache lists.
#[derive(Default)]
pub(super) struct DeclaredDependencies {
    plain: OnceLock<Arc<Vec<ResolvedDependency>>>,
    with_releases: OnceLock<Arc<Vec<ResolvedDependency>>>,
}

impl DeclaredDependencies {
    /// The dependencies of these manifests, which are always the same.
    pub(super) fn get(
        &self,
        krates: &Krates,
        manifests: &Manifests,
        with_releases: bool,
    ) -> Arc<Vec<ResolvedDependency>> {
        let all = if with_releases { &self.with_releases } else { &self.plain };
        let compute = || {
            let listings = with_releases.then(|| VersionListings::read(krates));
            let versions = |krate| listings.as_ref().and_then(|listings| listings.of(krate));
            Arc::new(resolved_dependencies(krates, manifests, &versions))
        };
        Arc::clone(all.get_or_init(compute))
    }

    /// Computes what was used of these for the next state of the manifests.
    pub(super) fn prepare_as(&self, next: &Self, krates: &Krates, manifests: &Manifests) {
        for (used, with_releases) in [(&self.plain, false), (&self.with_releases, true)] {
            if used.get().is_some() {
                next.get(krates, manifests, with_releases);
            }
        }
    }
}
