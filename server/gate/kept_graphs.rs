//! The graphs that are kept for the next check: one for each command line of CI, as far as memory allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use camino::Utf8PathBuf;

use super::{Texts, unsaved::Unsaved};
use crate::{
    model::fingerprint::FileFingerprint,
    resolve::{GraphFingerprint, LockState, MetadataOptions, Originals, RecordedInputs},
    text::SourceText,
    verdict::{Engine, EngineThread, GraphOptions, LoadedPolicy},
};

/// The most packages in all graphs together. A single graph may have more.
const MOST_PACKAGES: usize = 6_000;

/// The inputs of a graph, except the files on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GraphKey {
    pub(super) options: GraphOptions,
    /// The fingerprints of unsaved manifests and lockfiles, where they are not those of the files on disk.
    pub(super) unsaved: BTreeMap<Utf8PathBuf, FileFingerprint>,
}

impl GraphKey {
    pub(super) fn new(loaded: &LoadedPolicy, unsaved: &Unsaved) -> Self {
        Self { options: loaded.graph.clone(), unsaved: unsaved.fingerprints.clone() }
    }

    /// Whether cargo resolves the same for both.
    pub(super) fn resolves_as(&self, other: &Self) -> bool {
        self.options.metadata == other.options.metadata && self.unsaved == other.unsaved
    }

    /// The options of the resolution of which the graphs of all targets are made.
    pub(super) fn for_all_targets(&self) -> MetadataOptions {
        MetadataOptions { platform: None, ..self.options.metadata.clone() }
    }
}

/// A graph, and what is known about its resolution.
#[derive(Debug)]
pub(super) struct KeptGraph {
    pub(super) key: GraphKey,
    pub(super) lock: LockState,
    /// An unsaved text was resolved, so the verdict is not that of the files on disk.
    pub(super) edited: bool,
    /// The inputs of the resolution, if it is that of the files on disk.
    pub(super) inputs: RecordedInputs,
    /// The manifests of the local packages.
    pub(super) local_manifests: Arc<[Utf8PathBuf]>,
    /// While this stays the same, so does the graph.
    pub(super) fingerprint: Option<GraphFingerprint>,
    pub(super) engine: Engine,
    pub(super) was_checked: bool,
    /// The manifests of which the engine has been given a text.
    pub(super) given: BTreeSet<Utf8PathBuf>,
}

impl KeptGraph {
    /// The texts of manifests for the next check: the unsaved ones, and those on disk where there was an unsaved one before.
    pub(super) fn manifests_with(
        &mut self,
        mut unsaved: BTreeMap<Utf8PathBuf, SourceText>,
        texts: &dyn Texts,
    ) -> BTreeMap<Utf8PathBuf, SourceText> {
        self.given.extend(unsaved.keys().cloned());
        for path in &self.given {
            if !unsaved.contains_key(path)
                && let Ok(text) = texts.read(path)
            {
                unsaved.insert(path.clone(), text);
            }
        }
        unsaved
    }

    /// Whether the graph is also that of these options and fingerprint.
    pub(super) fn is_for(
        &self,
        options: &GraphOptions,
        fingerprint: Option<&GraphFingerprint>,
    ) -> bool {
        self.key.options == *options
            && fingerprint.is_some()
            && self.fingerprint.as_ref() == fingerprint
    }
}

/// The graphs of one workspace.
#[derive(Debug)]
pub(super) struct KeptGraphs {
    /// The most packages in all of them together.
    most_packages: usize,
    /// In the order in which they were made.
    graphs: Vec<Kept>,
    /// How many the last complete check had, with those that were dropped to save memory.
    complete: usize,
    /// How many of this check were dropped to save memory.
    dropped: usize,
    /// How many command lines of this check have had their graph.
    served: usize,
}

#[derive(Debug)]
struct Kept {
    graph: KeptGraph,
    /// It was used in this check.
    is_used: bool,
}

impl KeptGraphs {
    pub(super) fn new() -> Self {
        Self {
            most_packages: MOST_PACKAGES,
            graphs: Vec::new(),
            complete: 0,
            dropped: 0,
            served: 0,
        }
    }

    /// Keeps only one.
    pub(super) fn one() -> Self {
        Self { most_packages: 0, ..Self::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.graphs.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.graphs.clear();
    }

    /// Begins a check.
    pub(super) fn begin(&mut self) {
        (self.dropped, self.served) = (0, 0);
        for kept in &mut self.graphs {
            kept.is_used = false;
        }
    }

    /// Ends the check of so many command lines: drops the graphs that it has not used. Where there was none for one of them,
    /// as the policy or the manifests have errors, all are those of the next check.
    pub(super) fn end(&mut self, lines: usize) {
        if self.served < lines {
            return;
        }
        self.graphs.retain(|kept| kept.is_used);
        self.complete = self.graphs.len() + self.dropped;
    }

    /// Whether there is a graph of this key.
    pub(super) fn has(&self, key: &GraphKey) -> bool {
        self.graphs.iter().any(|kept| kept.graph.key == *key)
    }

    /// The graph of this key.
    pub(super) fn get_mut(&mut self, key: &GraphKey) -> Option<&mut KeptGraph> {
        self.graphs.iter_mut().map(|kept| &mut kept.graph).find(|graph| graph.key == *key)
    }

    /// Whether there is a graph of this key, which is used from now on.
    pub(super) fn uses(&mut self, key: &GraphKey) -> bool {
        let found = self.graphs.iter_mut().find(|kept| kept.graph.key == *key);
        let found = found.map(|kept| kept.is_used = true).is_some();
        self.served += usize::from(found);
        found
    }

    /// The graph of these options and this fingerprint.
    pub(super) fn find(
        &self,
        options: &GraphOptions,
        fingerprint: Option<&GraphFingerprint>,
    ) -> Option<&KeptGraph> {
        let mut all = self.graphs.iter().map(|kept| &kept.graph);
        all.find(|graph| graph.is_for(options, fingerprint))
    }

    /// The same, taken out. Another graph of these options is outdated, and dropped.
    pub(super) fn take(
        &mut self,
        options: &GraphOptions,
        fingerprint: Option<&GraphFingerprint>,
    ) -> Option<KeptGraph> {
        let at = self.graphs.iter().position(|kept| kept.graph.key.options == *options)?;
        Some(self.graphs.remove(at).graph).filter(|graph| graph.is_for(options, fingerprint))
    }

    /// Adds a graph that is used. If there are too many packages then, it replaces others: unused ones, then the newest, so
    /// that the first ones stay for the next check.
    pub(super) fn put(&mut self, graph: KeptGraph) {
        let packages = graph.engine.packages;
        let is_too_much = |graphs: &[Kept]| {
            let all = graphs.iter().map(|kept| kept.graph.engine.packages);
            all.sum::<usize>() + packages > self.most_packages
        };
        while is_too_much(&self.graphs) {
            let unused = self.graphs.iter().rposition(|kept| !kept.is_used);
            self.dropped += usize::from(unused.is_none());
            let Some(at) = unused.or_else(|| self.graphs.len().checked_sub(1)) else { break };
            self.graphs.remove(at);
        }
        self.graphs.push(Kept { graph, is_used: true });
        self.served += 1;
    }

    /// Whether all graphs of the last complete check are there, and of this fingerprint.
    pub(super) fn are_all_for(&self, fingerprint: &GraphFingerprint) -> bool {
        let mut all = self.graphs.iter().map(|kept| &kept.graph);
        !self.graphs.is_empty()
            && self.graphs.len() == self.complete
            && all.all(|graph| graph.fingerprint.as_ref() == Some(fingerprint))
    }

    /// Prepares the graphs that may be made of a resolution with these options, while cargo resolves these copies.
    pub(super) fn prepare(&self, options: &MetadataOptions, originals: &Originals) {
        for Kept { graph, .. } in &self.graphs {
            if graph.key.for_all_targets() == *options {
                graph.engine.prepare(originals.clone());
            }
        }
    }

    /// Lets the threads of outdated graphs end: cargo has resolved something of this fingerprint, so the others of its
    /// resolution are outdated; if the first one of a check is a new resolution, all are.
    pub(super) fn end_outdated(
        &mut self,
        key: &GraphKey,
        fingerprint: &GraphFingerprint,
    ) -> Vec<EngineThread> {
        let resolution = key.for_all_targets();
        let is_other = |kept: &Kept| kept.graph.key.for_all_targets() != resolution;
        let is_new = self.graphs.iter().all(|kept| !kept.is_used && is_other(kept));
        let is_outdated = |kept: &mut Kept| {
            let graph = &kept.graph;
            !kept.is_used
                && (is_new || !is_other(kept) && graph.fingerprint.as_ref() != Some(fingerprint))
        };
        let outdated = self.graphs.extract_if(.., is_outdated);
        outdated.map(|kept| kept.graph.engine.shut_down()).collect()
    }
}
