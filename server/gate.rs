//! Checks one workspace from end to end: policy, resolution, graph, database, checks. Keeps what the next
//! check can use.

mod by_file;
mod ci_lines;
mod databases;
mod failures;
mod lints;
mod options;
mod over_limit;
mod policy_alone;
mod policy_use;
mod progress;
mod run;
mod several;
mod stored_findings;
mod texts;
mod totals;
mod united;
mod untrusted;
mod verdict;
mod verdict_cache;

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

use camino::Utf8PathBuf;

pub use crate::policy::lints::GateVersion;
use crate::{
    cache::Inputs,
    facts::RefreshPolicy,
    model::fingerprint::FileFingerprint,
    resolve::{
        BufferCopy, GraphFingerprint, LockState, MetadataOptions, Resolution, ResolveError,
        ResolveHooks, Resolver,
    },
    text::SourceText,
    threads::{self, Activity},
    verdict::{
        Check, Database, Engine, EngineError, EngineRequest, Finding, GraphOptions, LintLevels,
        LoadedPolicy, LockedVersions, ProvisionalInput, Severity, load_license_texts_if_needed,
        provisional,
    },
    workspace::Workspace,
};
pub use ci_lines::gate_versions;
pub use databases::Databases;
pub(crate) use failures::{is_manifest_syntax, manifest_syntax};
use lints::LintFacts;
pub use options::GateOptions;
use over_limit::{Exceeded, exceeded};
pub use policy_use::{OtherUses, PolicyUse};
pub use progress::Progress;
use run::CheckRun;
pub use several::CommandLine;
pub use texts::{OnDisk, Texts, resolves_equally};
use texts::{ResolvedTexts, fingerprint};
pub use totals::{Totals, errors_and_warnings};
use united::GateVerdict;
pub use verdict::{GateOutcome, Verdict};

/// The exit code of a run that reached no verdict (`EX_SOFTWARE` of `sysexits.h`).
pub const NO_VERDICT: u8 = 70;

/// The gate of one workspace.
#[derive(Debug)]
pub struct Gate {
    workspace: Workspace,
    kept: Option<KeptGraph>,
    /// Why the last resolution failed, with locations in the resolved texts. Not repeated until the key
    /// changes.
    failed_resolution: Option<FailedResolution>,
    /// Why the last check could not resolve.
    resolve_error: Option<Arc<ResolveError>>,
    /// The copy in which unsaved manifests are resolved. Outlives the engine, which reads from it.
    copy: Option<BufferCopy>,
    /// The last unsaved texts without syntax errors; a manifest with errors does not replace its last one.
    valid_buffers: BTreeMap<Utf8PathBuf, SourceText>,
    /// The key and the inputs of the last verdict, if it may be cached.
    cacheable: Option<(String, Inputs)>,
    /// The key and the inputs of the verdict that was cached last.
    cached: Option<(String, Inputs)>,
    /// The last complete verdict.
    last_complete: Option<Arc<Verdict>>,
    /// The versions in the lockfile that was read last, with its text.
    locked: Option<(SourceText, Arc<LockedVersions>)>,
    /// What was read for lints of the policy.
    lints: LintFacts,
    /// The engine panicked during the last check.
    engine_panicked: bool,
    /// What exceeded the limits in the last resolution.
    exceeded: Exceeded,
    /// The command lines of the last check were several: they share a resolution.
    has_several_lines: bool,
    /// The index of the command line whose graph is kept.
    kept_line: usize,
    /// The last resolution, while it is used for several command lines.
    shared_resolution: Option<SharedResolution>,
    /// The last verdict of each command line of CI, if there are several.
    line_verdicts: Vec<GateVerdict>,
}

/// A resolution that several command lines use.
#[derive(Debug)]
struct SharedResolution {
    options: MetadataOptions,
    unsaved: BTreeMap<Utf8PathBuf, FileFingerprint>,
    resolution: Resolution,
}

/// A resolution that failed.
#[derive(Debug)]
struct FailedResolution {
    key: GraphKey,
    finding: Finding,
    error: Arc<ResolveError>,
}

#[derive(Debug)]
struct KeptGraph {
    key: GraphKey,
    lock: LockState,
    /// An unsaved text was resolved, so the verdict is not that of the files on disk.
    edited: bool,
    /// The inputs of the resolution, if it is that of the files on disk.
    inputs: Option<Inputs>,
    /// The manifests of the local packages.
    local_manifests: Arc<[Utf8PathBuf]>,
    /// While this stays the same, so does the graph.
    fingerprint: Option<GraphFingerprint>,
    engine: Engine,
}

impl KeptGraph {
    /// Whether the graph is also that of this key and fingerprint.
    fn is_for(&self, key: &GraphKey, fingerprint: Option<&GraphFingerprint>) -> bool {
        self.key.options == key.options
            && fingerprint.is_some()
            && self.fingerprint.as_ref() == fingerprint
    }
}

/// The result of building the graph.
enum GraphState {
    /// It is the kept graph.
    Ready,
    /// There is no graph; the run has the reason.
    Failed,
    /// The check was canceled.
    Canceled,
}

/// The inputs of a graph, except the files on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct GraphKey {
    options: GraphOptions,
    /// The fingerprints of unsaved manifests and lockfiles.
    unsaved: BTreeMap<Utf8PathBuf, FileFingerprint>,
}

impl GraphKey {
    fn new(loaded: &LoadedPolicy, buffers: &BTreeMap<Utf8PathBuf, SourceText>) -> Self {
        let unsaved = buffers.iter().map(|(path, text)| (path.clone(), fingerprint(path, text)));
        Self { options: loaded.graph.clone(), unsaved: unsaved.collect() }
    }

    /// Whether cargo resolves the same for both.
    fn resolves_as(&self, other: &Self) -> bool {
        self.options.metadata == other.options.metadata && self.unsaved == other.unsaved
    }
}

impl Gate {
    /// A gate without any results.
    pub fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            kept: None,
            failed_resolution: None,
            resolve_error: None,
            copy: None,
            valid_buffers: BTreeMap::new(),
            cacheable: None,
            cached: None,
            last_complete: None,
            locked: None,
            lints: LintFacts::default(),
            engine_panicked: false,
            exceeded: Exceeded::default(),
            has_several_lines: false,
            kept_line: 0,
            shared_resolution: None,
            line_verdicts: Vec::new(),
        }
    }

    /// A gate to replace one that has panicked; it keeps the last verdict and buffers.
    pub(crate) fn restarted(&self) -> Self {
        let mut gate = Self::new(self.workspace.clone());
        gate.last_complete.clone_from(&self.last_complete);
        gate.valid_buffers.clone_from(&self.valid_buffers);
        gate
    }

    /// The workspace that it checks.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Sets the verdict from which provisional verdicts are computed, if it is complete.
    pub fn set_baseline(&mut self, verdict: Arc<Verdict>) {
        if verdict.complete {
            self.last_complete = Some(verdict);
        }
    }

    /// Caches the last verdict for later runs, if it is that of the files on disk.
    pub fn remember(&mut self, options: &GateOptions, verdict: &Verdict) {
        let Some(cacheable) = self.cacheable.take() else { return };
        if self.cached.as_ref() != Some(&cacheable) {
            let alone = policy_use::with_withheld(verdict);
            verdict_cache::remember(options, &cacheable.0, &cacheable.1, &alone);
            self.cached = Some(cacheable);
        }
    }

    /// Whether the engine panicked during the last check; the next check starts a new one.
    pub(crate) fn engine_panicked(&self) -> bool {
        self.engine_panicked
    }

    /// Whether a graph and its thread are kept for the next check.
    pub(crate) fn has_graph(&self) -> bool {
        self.kept.is_some()
    }

    /// Drops what only makes the next check faster: the graph, its thread, and the copy.
    pub(crate) fn release_memory(&mut self) {
        self.kept = None;
        self.copy = None;
        self.shared_resolution = None;
        self.locked = None;
        self.lints = LintFacts::default();
    }

    /// Makes the next check resolve again, as manifests or the lockfile have changed.
    pub fn forget_graph(&mut self) {
        self.kept = None;
        self.failed_resolution = None;
        self.copy = None;
        self.shared_resolution = None;
        self.cached = None;
    }

    /// Checks the workspace with one command line; `None` if canceled.
    fn check_with(
        &mut self,
        options: &GateOptions,
        texts: &dyn Texts,
        databases: &Databases,
        progress: &dyn Progress,
    ) -> Option<Verdict> {
        self.cacheable = None;
        self.engine_panicked = false;
        // Taken before any file of the index is read.
        let index = databases.index();
        let mut run = CheckRun::new(&self.workspace, options);
        let Some(policy) = run.read_policy(options, texts) else { return Some(run.verdict) };
        if self.workspace.is_policy_alone() {
            let report = |message: &str| progress.report(message);
            return Some(self.check_policy_alone(run, &policy, options, texts, databases, &report));
        }
        let Some(loaded) = run.load_policy(&policy, options) else { return Some(run.verdict) };
        if loaded.std_replacements && options.refresh != RefreshPolicy::Never {
            progress.report("fetching the data about replacements in the standard library");
            crate::verdict::sync_std_replacements();
        }
        let source = options.database_source(&loaded);
        let buffers = self.update_valid_buffers(texts);
        let key = GraphKey::new(&loaded, &buffers);
        let resolves = self.needs_resolution(&key);
        if resolves && let Some(exact) = self.last_complete.clone() {
            let database = databases.opened(&source);
            let locked = self.locked_versions(texts);
            progress.provisional_verdict(provisional_verdict(
                &exact,
                &loaded,
                database.as_deref(),
                locked.as_deref(),
                &options.deny.levels,
                texts,
            ));
        }
        if resolves {
            self.exceeded = exceeded(&self.workspace, texts);
        }
        run.verdict.findings.extend(self.exceeded.warnings.iter().cloned());
        if !self.exceeded.failures.is_empty() {
            self.kept = None;
            run.verdict.findings.extend(self.exceeded.failures.iter().cloned());
            return Some(run.verdict);
        }
        if resolves && run.checks.contains(Check::Licenses) {
            let doing = Activity::to("loading license texts for", self.workspace.manifest.as_str());
            let lockfile = self.workspace.lockfile();
            // The check waits for them if it needs them.
            let _ = threads::spawn("license-texts", None, doing, move || {
                load_license_texts_if_needed(&lockfile);
            });
        }
        let graph = std::thread::scope(|scope| {
            // Open the advisories while cargo runs.
            if resolves && run.checks.contains(Check::Advisories) {
                let opening =
                    Activity::to("opening the advisories of", self.workspace.manifest.as_str());
                threads::scoped(scope, opening, || databases.prepare(&source, options));
            }
            self.build_graph(key, &buffers, options, texts, &mut run, progress)
        });
        match graph {
            GraphState::Ready => {}
            GraphState::Failed => return Some(run.verdict),
            GraphState::Canceled => return None,
        }
        let Some(kept) = &self.kept else { return Some(run.verdict) };
        run.verdict.packages = kept.engine.packages;
        run.verdict.index_files = Arc::clone(&kept.engine.index_files);
        // While a manifest is edited, a lockfile that does not match is expected.
        if !kept.edited || kept.lock == LockState::Missing {
            run.report_lock_state(kept.lock, &self.workspace, texts);
        }
        let on_disk =
            kept.key.unsaved.is_empty() && kept.lock == LockState::UpToDate && policy.is_on_disk();
        let inputs = kept.inputs.as_ref().zip(kept.engine.inputs.as_ref()).filter(|_| on_disk);
        let cacheable = inputs.and_then(|(resolved, read)| {
            let key = verdict_cache::key(&self.workspace, options, &policy, &loaded)?;
            let others = verdict_cache::other_inputs(&policy, &source, texts);
            Some((key, resolved.clone().and(read.clone()).and(others)))
        });
        let report = |message: &str| progress.report(message);
        let database = run.database(&loaded, options, databases, texts, &report);
        let checks = run.checks;
        let request = EngineRequest {
            policy: policy.clone(),
            database,
            index,
            manifests: buffers,
            checks,
            levels: options.deny.levels.clone(),
            helps: options.helps,
            releases: options.releases,
            waits: options.resolver.children.waits().clone(),
        };
        match kept.engine.check(&self.workspace, request) {
            Ok(results) => {
                let lints_run = loaded.left_out.is_empty();
                // No lints for a policy whose lists exceed the limits.
                let lint_findings = lints_run.then(|| {
                    self.lints.lint(&policy, &results, index, &self.workspace, options, texts)
                });
                let lint_findings = lint_findings.unwrap_or_default();
                let reads_other_files = results.clarifies_local_package;
                run.finish(results);
                run.verdict.findings.extend(lint_findings);
                run.withhold(&policy, options);
                self.cacheable = cacheable.filter(|_| run.verdict.complete && !reads_other_files);
            }
            Err(error) => {
                self.engine_panicked = true;
                run.fail(failures::engine(&self.workspace, &error, texts));
                self.kept = None;
            }
        }
        Some(run.verdict)
    }

    /// The versions in the lockfile; `None` if it cannot be read.
    fn locked_versions(&mut self, texts: &dyn Texts) -> Option<Arc<LockedVersions>> {
        let text = texts.read(&self.workspace.lockfile()).ok()?;
        if self.locked.as_ref().is_none_or(|(known, _)| *known != text) {
            let versions = LockedVersions::read(&text);
            self.locked = versions.map(|versions| (text, Arc::new(versions)));
        }
        self.locked.as_ref().map(|(_, versions)| Arc::clone(versions))
    }

    /// The lockfile that cargo writes in a scratch copy with these texts.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, fails, or is canceled.
    pub(crate) fn lockfile_with(
        &mut self,
        resolver: &Resolver,
        texts: &dyn Texts,
        keep_running: &dyn Fn() -> bool,
    ) -> Result<SourceText, ResolveError> {
        let copy = Self::copy(&mut self.copy, resolver, &self.workspace)?;
        copy.lockfile_with(resolver, &self.workspace, &texts.unsaved(), keep_running)
    }

    /// Lets cargo fetch the registries' current versions.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, cannot reach a registry, or is canceled.
    pub(crate) fn refresh_index(
        &mut self,
        resolver: &Resolver,
        keep_running: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let copy = Self::copy(&mut self.copy, resolver, &self.workspace)?;
        copy.refresh_index(resolver, &self.workspace, keep_running)
    }

    /// Why the last check could not resolve the workspace; `None` if it could.
    pub(crate) fn resolve_error(&self) -> Option<&ResolveError> {
        self.resolve_error.as_deref()
    }

    /// Makes the next check resolve again, though the same texts have failed: cargo has more index entries now.
    pub(crate) fn forget_failed_resolution(&mut self) {
        self.failed_resolution = None;
    }

    /// The lockfile of the scratch copy after the last check.
    pub(crate) fn scratch_lockfile(&self) -> Option<SourceText> {
        self.copy.as_ref()?.lockfile()
    }

    fn copy<'c>(
        copy: &'c mut Option<BufferCopy>,
        resolver: &Resolver,
        workspace: &Workspace,
    ) -> Result<&'c mut BufferCopy, ResolveError> {
        match copy {
            Some(copy) => Ok(copy),
            None => Ok(copy.insert(BufferCopy::of(&resolver.children, workspace)?)),
        }
    }

    /// Whether cargo has to resolve.
    fn needs_resolution(&self, key: &GraphKey) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.key != *key)
            && self.failed_resolution.as_ref().is_none_or(|failed| !failed.key.resolves_as(key))
    }

    /// Resolves and builds the graph, unless the kept one has this key.
    fn build_graph(
        &mut self,
        key: GraphKey,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        options: &GateOptions,
        texts: &dyn Texts,
        run: &mut CheckRun,
        progress: &dyn Progress,
    ) -> GraphState {
        if self.kept.as_ref().is_some_and(|kept| kept.key == key) {
            return GraphState::Ready;
        }
        if let Some(failed) =
            self.failed_resolution.as_ref().filter(|failed| failed.key.resolves_as(&key))
        {
            run.fail(failures::followed(&failed.finding, texts));
            self.resolve_error = Some(Arc::clone(&failed.error));
            return GraphState::Failed;
        }
        progress.report("resolving dependencies");
        let keep_running = || !progress.is_cancelled();
        let (old, ending) = (Cell::new(self.kept.take()), Cell::new(None));
        // Drop the old graph while cargo's output is parsed, so that only one is in memory.
        let is_known = |fingerprint: &GraphFingerprint| match old.take() {
            Some(kept) if kept.is_for(&key, Some(fingerprint)) => {
                old.set(Some(kept));
                true
            }
            other => {
                ending.set(other.map(|old| old.engine.shut_down()));
                false
            }
        };
        let copied = |originals| {
            let kept = old.take();
            if let Some(kept) = kept.as_ref().filter(|kept| kept.key.options == key.options) {
                kept.engine.prepare(originals);
            }
            old.set(kept);
        };
        let hooks =
            ResolveHooks { keep_running: &keep_running, copied: &copied, is_known: &is_known };
        let resolution = self.shared_or_resolved(options, &key, buffers, &hooks);
        self.kept = old.take();
        let resolution = match resolution {
            Ok(resolution) => resolution,
            Err(ResolveError::Canceled { .. }) => return GraphState::Canceled,
            Err(error) => {
                let resolved = ResolvedTexts { buffers, rest: texts };
                let finding =
                    failures::resolution(&self.workspace, &error, &options.resolver, &resolved);
                run.fail(failures::followed(&finding, texts));
                let error = Arc::new(error);
                self.resolve_error = Some(Arc::clone(&error));
                self.failed_resolution = Some(FailedResolution { key, finding, error });
                return GraphState::Failed;
            }
        };
        let old =
            self.kept.take().filter(|kept| kept.is_for(&key, resolution.fingerprint.as_ref()));
        drop(ending);
        let (lock, inputs) = (resolution.lock, resolution.inputs.clone());
        let fingerprint = resolution.fingerprint.clone();
        let local_manifests = match (&old, resolution.local_manifests()) {
            (_, Some(read)) => read.into(),
            (Some(old), None) => Arc::clone(&old.local_manifests),
            (None, None) => Arc::default(),
        };
        let comes_from = |path| resolution.comes_from(path, &self.workspace, &local_manifests);
        let edited = buffers.keys().any(|path| comes_from(path));
        let engine = match old {
            Some(old) => old.engine.with_new_requirements(&self.workspace, resolution.originals),
            None => Engine::start(&self.workspace, resolution, &key.options),
        };
        match engine {
            Ok(engine) => {
                self.kept = Some(KeptGraph {
                    key,
                    lock,
                    edited,
                    inputs,
                    local_manifests,
                    fingerprint,
                    engine,
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

    /// The resolution of another command line, if it is the same, else a new one.
    fn shared_or_resolved(
        &mut self,
        options: &GateOptions,
        key: &GraphKey,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        hooks: &ResolveHooks<'_>,
    ) -> Result<Resolution, ResolveError> {
        if !self.has_several_lines {
            return self.resolve(&options.resolver, &key.options, buffers, hooks);
        }
        // Cargo takes as long for each target as for all of them together.
        let mut unfiltered = key.options.clone();
        let platform = unfiltered.metadata.platform.take();
        let is_known = self.shared_resolution.as_ref().is_some_and(|shared| {
            shared.options == unfiltered.metadata && shared.unsaved == key.unsaved
        });
        if !is_known {
            self.shared_resolution = None;
            // The metadata is used for several graphs.
            let is_known = |fingerprint: &GraphFingerprint| {
                (hooks.is_known)(fingerprint);
                false
            };
            let hooks = ResolveHooks { is_known: &is_known, ..*hooks };
            let resolution = self.resolve(&options.resolver, &unfiltered, buffers, &hooks)?;
            self.shared_resolution = Some(SharedResolution {
                options: unfiltered.metadata,
                unsaved: key.unsaved.clone(),
                resolution,
            });
        }
        let shared = self.shared_resolution.as_ref().map(|shared| &shared.resolution);
        let for_target = match (&platform, shared) {
            (Some(triple), Some(shared)) => shared.for_target(triple, &self.workspace),
            (None, Some(shared)) => Some(shared.clone()),
            (_, None) => None,
        };
        match for_target {
            Some(resolution) => Ok(resolution),
            None => self.resolve(&options.resolver, &key.options, buffers, hooks),
        }
    }

    fn resolve(
        &mut self,
        resolver: &Resolver,
        graph: &GraphOptions,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        hooks: &ResolveHooks<'_>,
    ) -> Result<Resolution, ResolveError> {
        if buffers.is_empty() || graph.metadata.file.is_some() {
            return resolver.resolve(&self.workspace, &graph.metadata, hooks);
        }
        let copy = Self::copy(&mut self.copy, resolver, &self.workspace)?;
        copy.resolve(resolver, &self.workspace, &graph.metadata, buffers, hooks)
    }

    /// Updates and returns the unsaved texts. For a manifest with syntax errors the last valid text stays.
    fn update_valid_buffers(&mut self, texts: &dyn Texts) -> BTreeMap<Utf8PathBuf, SourceText> {
        let unsaved = texts.unsaved();
        self.valid_buffers.retain(|path, _| unsaved.contains_key(path));
        for (path, text) in unsaved {
            if path.file_name() != Some("Cargo.toml")
                || FileFingerprint::of_manifest(text.as_str()).is_some()
            {
                self.valid_buffers.insert(path, text);
            }
        }
        self.valid_buffers.clone()
    }
}

/// The findings that are known before cargo has resolved, computed from the last complete verdict.
fn provisional_verdict(
    exact: &Verdict,
    loaded: &LoadedPolicy,
    database: Option<&Database>,
    lock: Option<&LockedVersions>,
    levels: &LintLevels,
    texts: &dyn Texts,
) -> Verdict {
    let input = ProvisionalInput {
        findings: &exact.findings,
        declared: &exact.declared,
        text: &|path| texts.read(path).ok(),
        lock,
        database,
        ignored: &loaded.ignored,
        levels,
    };
    let mut verdict = exact.clone();
    verdict.findings = provisional(&input);
    if let Some(counts) = verdict.counts.get_mut(&Check::Advisories) {
        let of = |severity| {
            let all = verdict.findings.iter().filter(|finding| {
                finding.check == Check::Advisories && finding.severity == severity
            });
            u32::try_from(all.count()).unwrap_or(u32::MAX)
        };
        (counts.errors, counts.warnings) = (of(Severity::Error), of(Severity::Warning));
    }
    verdict
}
