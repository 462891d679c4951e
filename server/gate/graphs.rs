//! Makes the graphs of a workspace: resolves, and starts an engine for each command line.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

use camino::Utf8PathBuf;

use super::{
    CheckRun, FailedResolution, Gate, GateOptions, Progress, Texts, failures,
    kept_graphs::{GraphKey, KeptGraph, KeptGraphs},
    texts::ResolvedTexts,
};
use crate::{
    model::fingerprint::FileFingerprint,
    resolve::{
        GraphFingerprint, MetadataOptions, Originals, Resolution, ResolveError, ResolveHooks,
        Resolver,
    },
    verdict::{Engine, EngineError, GraphOptions},
};

/// The result of building the graph.
pub(super) enum GraphState {
    /// It is the kept graph.
    Ready,
    /// There is no graph; the run has the reason.
    Failed,
    /// The check was canceled.
    Canceled,
}

/// A resolution that several command lines use.
#[derive(Debug)]
pub(super) struct SharedResolution {
    options: MetadataOptions,
    unsaved: BTreeMap<Utf8PathBuf, FileFingerprint>,
    resolution: Resolution,
}

impl Gate {
    /// Resolves and builds the graph of a key, unless it is kept.
    pub(super) fn build_graph(
        &mut self,
        key: &GraphKey,
        options: &GateOptions,
        texts: &dyn Texts,
        run: &mut CheckRun,
        progress: &dyn Progress,
    ) -> GraphState {
        if self.kept.uses(key) {
            return GraphState::Ready;
        }
        if let Some(failed) =
            self.failed_resolution.as_ref().filter(|failed| failed.key.resolves_as(key))
        {
            run.fail(failures::followed(&failed.finding, texts));
            self.resolve_error = Some(Arc::clone(&failed.error));
            return GraphState::Failed;
        }
        progress.report("resolving dependencies");
        let resolution = match self.resolution(key, options, progress) {
            Ok(resolution) => resolution,
            Err(ResolveError::Canceled { .. }) => return GraphState::Canceled,
            Err(error) => {
                let resolved = ResolvedTexts { buffers: &self.unsaved.differing, rest: texts };
                let finding =
                    failures::resolution(&self.workspace, &error, &options.resolver, &resolved);
                run.fail(failures::followed(&finding, texts));
                let error = Arc::new(error);
                self.resolve_error = Some(Arc::clone(&error));
                let key = key.clone();
                self.failed_resolution = Some(FailedResolution { key, finding, error });
                return GraphState::Failed;
            }
        };
        let old = self.kept.take(&key.options, resolution.fingerprint.as_ref());
        let (lock, inputs) = (resolution.lock, resolution.inputs.clone());
        let fingerprint = resolution.fingerprint.clone();
        let local_manifests = match (&old, resolution.local_manifests()) {
            (_, Some(read)) => read.into(),
            (Some(old), None) => Arc::clone(&old.local_manifests),
            (None, None) => Arc::default(),
        };
        let comes_from = |path| resolution.comes_from(path, &self.workspace, &local_manifests);
        let edited = self.unsaved.differing.keys().any(|path| comes_from(path));
        let engine = match old {
            Some(old) => old.engine.with_new_requirements(&self.workspace, resolution.originals),
            None => Engine::start(&self.workspace, resolution, &key.options, &self.manifests),
        };
        match engine {
            Ok(engine) => {
                self.kept.put(KeptGraph {
                    key: key.clone(),
                    lock,
                    edited,
                    inputs,
                    local_manifests,
                    fingerprint,
                    engine,
                    was_checked: false,
                    given: BTreeSet::new(),
                });
                GraphState::Ready
            }
            Err(error) => {
                self.engine_panicked = matches!(error, EngineError::Failed { .. });
                run.fail(failures::engine(&self.workspace, &error, texts));
                GraphState::Failed
            }
        }
    }

    /// Lets cargo resolve. Kept graphs are prepared meanwhile, and those that turn out to be outdated are dropped before its
    /// output is parsed, so that not both are in memory.
    fn resolution(
        &mut self,
        key: &GraphKey,
        options: &GateOptions,
        progress: &dyn Progress,
    ) -> Result<Resolution, ResolveError> {
        let kept = RefCell::new(mem::replace(&mut self.kept, KeptGraphs::one()));
        let ending = Cell::new(Vec::new());
        let keep_running = || !progress.is_cancelled();
        let copied = |originals: Originals| {
            kept.borrow().prepare(&key.for_all_targets(), &originals);
        };
        let has_several_lines = self.has_several_lines;
        let is_known = |fingerprint: &GraphFingerprint| {
            let mut kept = kept.borrow_mut();
            let is_known = if has_several_lines {
                kept.are_all_for(fingerprint)
            } else {
                kept.find(&key.options, Some(fingerprint)).is_some()
            };
            if !is_known {
                ending.set(kept.end_outdated(key, fingerprint));
            }
            is_known
        };
        let hooks =
            ResolveHooks { keep_running: &keep_running, copied: &copied, is_known: &is_known };
        let is_kept = |fingerprint: Option<&GraphFingerprint>| {
            kept.borrow().find(&key.options, fingerprint).is_some()
        };
        let resolution = if has_several_lines {
            self.shared_or_resolved(options, key, &hooks, &is_kept)
        } else {
            self.resolve(&options.resolver, &key.options, &hooks)
        };
        drop(ending);
        self.kept = kept.into_inner();
        resolution
    }

    /// The resolution of another command line, if it is the same, else a new one. Has no metadata if the graph is kept.
    fn shared_or_resolved(
        &mut self,
        options: &GateOptions,
        key: &GraphKey,
        hooks: &ResolveHooks<'_>,
        is_kept: &dyn Fn(Option<&GraphFingerprint>) -> bool,
    ) -> Result<Resolution, ResolveError> {
        // Cargo takes as long for each target as for all of them together.
        let for_all_targets = key.for_all_targets();
        let is_known = self.shared_resolution.as_ref().is_some_and(|shared| {
            shared.options == for_all_targets && shared.unsaved == key.unsaved
        });
        if !is_known {
            self.shared_resolution = None;
            let graph = GraphOptions { metadata: for_all_targets.clone(), ..key.options.clone() };
            let resolution = self.resolve(&options.resolver, &graph, hooks)?;
            self.shared_resolution = Some(SharedResolution {
                options: for_all_targets,
                unsaved: key.unsaved.clone(),
                resolution,
            });
        }
        let of_line = self.shared_resolution.as_ref().and_then(|shared| {
            let resolution = &shared.resolution;
            if is_kept(resolution.fingerprint.as_ref()) {
                return Some(resolution.of_known_graph());
            }
            match &key.options.metadata.platform {
                Some(triple) => resolution.for_target(triple, &self.workspace),
                None => resolution.metadata.is_some().then(|| resolution.clone()),
            }
        });
        if let Some(resolution) = of_line {
            return Ok(resolution);
        }
        let hooks = ResolveHooks { is_known: &|_| false, ..*hooks };
        self.resolve(&options.resolver, &key.options, &hooks)
    }

    fn resolve(
        &mut self,
        resolver: &Resolver,
        graph: &GraphOptions,
        hooks: &ResolveHooks<'_>,
    ) -> Result<Resolution, ResolveError> {
        let buffers = &self.unsaved.differing;
        if buffers.is_empty() || graph.metadata.file.is_some() {
            return resolver.resolve(&self.workspace, &graph.metadata, hooks);
        }
        let copy = Self::copy(&mut self.copy, resolver, &self.workspace)?;
        copy.resolve(resolver, &self.workspace, &graph.metadata, buffers, hooks)
    }
}
