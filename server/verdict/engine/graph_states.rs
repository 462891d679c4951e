//! The states of a graph: the same packages with manifests that differ in their requirements.

use std::{sync::Arc, time::Instant};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    declared_dependencies::DeclaredDependencies, deny_graph::DenyGraph,
    gathered_licenses::GatheredLicenses, graph_cache::GraphCache,
};
use crate::{
    resolve::Originals,
    verdict::{
        local_files::LockfileIndex,
        manifest_store::ManifestStore,
        manifests::{Manifests, UserPaths, read_lockfile},
    },
    workspace::Workspace,
};

/// A graph with manifests in one state.
pub(super) struct GraphState<'g> {
    /// The originals of the copies that were resolved.
    originals: Originals,
    pub(super) manifests: Manifests,
    pub(super) graph: DenyGraph<'g>,
    /// The licenses for the next check.
    pub(super) gathered: GatheredLicenses<'g>,
    pub(super) declared: DeclaredDependencies,
}

/// Reads the states of one graph.
pub(super) struct GraphStates<'g> {
    workspace: &'g Workspace,
    cache: &'g GraphCache<'g>,
    /// The manifests of members that are not in the graph.
    unchecked: Vec<&'g Utf8Path>,
    store: &'g Arc<ManifestStore>,
}

impl<'g> GraphStates<'g> {
    /// `members` are the ids and the manifests of all members.
    pub(super) fn new(
        workspace: &'g Workspace,
        cache: &'g GraphCache<'g>,
        members: &'g [(krates::Kid, Utf8PathBuf)],
        store: &'g Arc<ManifestStore>,
    ) -> Self {
        let unchecked = members.iter().filter(|(id, _)| cache.krates.nid_for_kid(id).is_none());
        let unchecked = unchecked.map(|(_, manifest)| manifest.as_path()).collect();
        Self { workspace, cache, unchecked, store }
    }

    /// The state of the files as they are.
    pub(super) fn read(
        &self,
        originals: Originals,
        lock: Option<Arc<LockfileIndex>>,
    ) -> GraphState<'g> {
        let began = Instant::now();
        let names = UserPaths::new(self.workspace, &originals);
        let unchecked = self.unchecked.iter().copied();
        let krates = self.cache.krates;
        let manifests =
            Manifests::read(krates, self.workspace, &names, lock, unchecked, self.store);
        let graph = DenyGraph::new(self.cache);
        tracing::debug!("read the manifests in {:?}", began.elapsed());
        let (gathered, declared) = (GatheredLicenses::default(), DeclaredDependencies::default());
        GraphState { originals, manifests, graph, gathered, declared }
    }

    /// The lockfile of the resolution, if it can be read.
    pub(super) fn read_lock(&self, originals: &Originals) -> Option<Arc<LockfileIndex>> {
        let names = UserPaths::new(self.workspace, originals);
        read_lockfile(self.workspace, &names, self.store)
    }

    /// Whether a state that was read before cargo has resolved is that of its resolution: the same copies, with the lockfile
    /// that cargo may have written since.
    pub(super) fn is_current(&self, state: &GraphState<'_>, originals: &Originals) -> bool {
        let names = UserPaths::new(self.workspace, originals);
        state.originals == *originals && state.manifests.has_current_lock(self.workspace, &names)
    }
}
