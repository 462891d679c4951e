//! Checks one workspace from end to end: policy, resolution, graph, database, checks. Keeps what the next
//! check can use.

mod by_file;
mod ci_lines;
mod databases;
mod failures;
mod graphs;
mod kept_graphs;
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
mod unsaved;
mod untrusted;
mod verdict;
mod verdict_cache;

use std::sync::Arc;

pub use crate::policy::lints::GateVersion;
use crate::{
    cache::Inputs,
    facts::RefreshPolicy,
    resolve::{BufferCopy, LockState, ResolveError, Resolver},
    text::SourceText,
    threads::{self, Activity},
    verdict::{
        Check, Database, EngineRequest, Finding, LintLevels, LoadedPolicy, LockedVersions,
        ManifestStore, ProvisionalInput, Severity, prefetch, provisional,
    },
    workspace::Workspace,
};
pub use ci_lines::gate_versions;
pub use databases::Databases;
pub(crate) use failures::{is_manifest_syntax, manifest_syntax};
use graphs::{GraphState, SharedResolution};
use kept_graphs::{GraphKey, KeptGraphs};
use lints::LintFacts;
pub use options::GateOptions;
use over_limit::{Exceeded, exceeded};
pub(crate) use policy_use::name_of;
pub use policy_use::{OtherUses, PolicyUse};
pub use progress::Progress;
use run::CheckRun;
pub use several::CommandLine;
pub use texts::{OnDisk, Texts, resolves_equally};
pub use totals::{Totals, errors_and_warnings};
use united::GateVerdict;
use unsaved::Unsaved;
pub use verdict::{GateOutcome, Verdict};

/// The exit code of a run that reached no verdict (`EX_SOFTWARE` of `sysexits.h`).
pub const NO_VERDICT: u8 = 70;

/// The gate of one workspace.
#[derive(Debug)]
pub struct Gate {
    workspace: Workspace,
    kept: KeptGraphs,
    /// The manifests of the graphs.
    manifests: Arc<ManifestStore>,
    /// Why the last resolution failed, with locations in the resolved texts. Not repeated until the key
    /// changes.
    failed_resolution: Option<FailedResolution>,
    /// Why the last check could not resolve.
    resolve_error: Option<Arc<ResolveError>>,
    /// The copy in which unsaved manifests are resolved. Outlives the engine, which reads from it.
    copy: Option<BufferCopy>,
    /// The unsaved texts of the last check.
    unsaved: Arc<Unsaved>,
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
    /// The last resolution, while it is used for several command lines.
    shared_resolution: Option<SharedResolution>,
    /// The last verdict of each command line of CI, if there are several.
    line_verdicts: Vec<GateVerdict>,
    /// Those of the last check, which may have been one of texts that are tried out.
    checked_lines: Vec<GateVerdict>,
}

/// A resolution that failed.
#[derive(Debug)]
struct FailedResolution {
    key: GraphKey,
    finding: Finding,
    error: Arc<ResolveError>,
}

impl Gate {
    /// A gate without any results.
    pub fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            kept: KeptGraphs::new(),
            manifests: Arc::default(),
            failed_resolution: None,
            resolve_error: None,
            copy: None,
            unsaved: Arc::default(),
            cacheable: None,
            cached: None,
            last_complete: None,
            locked: None,
            lints: LintFacts::default(),
            engine_panicked: false,
            exceeded: Exceeded::default(),
            has_several_lines: false,
            shared_resolution: None,
            line_verdicts: Vec::new(),
            checked_lines: Vec::new(),
        }
    }

    /// A gate for texts that are tried out: each has graphs of its own, so only one is kept.
    pub(crate) fn for_trials(workspace: Workspace) -> Self {
        Self { kept: KeptGraphs::one(), ..Self::new(workspace) }
    }

    /// A gate to replace one that has panicked; it keeps the last verdict and buffers.
    pub(crate) fn restarted(&self) -> Self {
        let mut gate = Self::new(self.workspace.clone());
        gate.last_complete.clone_from(&self.last_complete);
        gate.unsaved = Arc::clone(&self.unsaved);
        gate
    }

    /// The workspace that it checks.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Sets the verdict from which provisional verdicts are computed, if it is complete, and keeps the verdicts of its
    /// command lines.
    pub fn set_baseline(&mut self, verdict: Arc<Verdict>) {
        self.line_verdicts = std::mem::take(&mut self.checked_lines);
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
        !self.kept.is_empty()
    }

    /// Drops what only makes the next check faster: the graph, its thread, and the copy.
    pub(crate) fn release_memory(&mut self) {
        self.drop_graphs();
        self.copy = None;
        self.shared_resolution = None;
        self.locked = None;
        self.lints = LintFacts::default();
    }

    /// Makes the next check resolve again, as manifests or the lockfile have changed.
    pub fn forget_graph(&mut self) {
        self.drop_graphs();
        self.failed_resolution = None;
        self.copy = None;
        self.shared_resolution = None;
        self.cached = None;
    }

    /// Drops the graphs and their manifests, some of which are in a copy of the workspace that may not be used again.
    fn drop_graphs(&mut self) {
        self.kept.clear();
        self.manifests = Arc::default();
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
        let key = GraphKey::new(&loaded, &self.unsaved);
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
            self.kept.clear();
            run.verdict.findings.extend(self.exceeded.failures.iter().cloned());
            return Some(run.verdict);
        }
        // What an earlier graph needed is still known.
        if resolves && !self.has_graph() {
            let doing = Activity::to("reading ahead for", self.workspace.manifest.as_str());
            let (workspace, children) = (self.workspace.clone(), options.resolver.children.clone());
            let licenses = run.checks.contains(Check::Licenses);
            // Nothing waits for it, except for the license texts where a check needs them.
            let _ = threads::spawn("prefetch", None, doing, move || {
                prefetch(&workspace, licenses, &children);
            });
        }
        let graph = std::thread::scope(|scope| {
            // Open the advisories while cargo runs.
            if resolves && run.checks.contains(Check::Advisories) {
                let opening =
                    Activity::to("opening the advisories of", self.workspace.manifest.as_str());
                threads::scoped(scope, opening, || databases.prepare(&source, options));
            }
            self.build_graph(&key, options, texts, &mut run, progress)
        });
        match graph {
            GraphState::Ready => {}
            GraphState::Failed => return Some(run.verdict),
            GraphState::Canceled => return None,
        }
        let Some(kept) = self.kept.get_mut(&key) else { return Some(run.verdict) };
        run.verdict.packages = kept.engine.packages;
        run.verdict.index_files = Arc::clone(&kept.engine.index_files);
        // While a manifest is edited, a lockfile that does not match is expected.
        if !kept.edited || kept.lock == LockState::Missing {
            run.report_lock_state(kept.lock, &self.workspace, texts);
        }
        let on_disk = self.unsaved.valid.is_empty()
            && kept.lock == LockState::UpToDate
            && policy.is_on_disk();
        let inputs = kept.engine.inputs.as_ref().filter(|_| on_disk);
        let inputs = inputs.and_then(|read| Some((kept.inputs.get()?, read)));
        let cacheable = inputs.and_then(|(resolved, read)| {
            let key = verdict_cache::key(&self.workspace, options, &policy, &loaded)?;
            let others = verdict_cache::other_inputs(&policy, &source, texts);
            Some((key, resolved.and(read.clone()).and(others)))
        });
        // Saves a restarted program the texts of all licenses for its first check.
        let is_first = !std::mem::replace(&mut kept.was_checked, true);
        let licenses = cacheable
            .as_ref()
            .filter(|_| is_first && kept.engine.needs_license_store)
            .and_then(|(key, inputs)| {
                let cache = &options.resolver.cache;
                verdict_cache::known_findings(cache, key, inputs, Check::Licenses)
            });
        let report = |message: &str| progress.report(message);
        let database = run.database(&loaded, options, databases, texts, &report);
        let checks = run.checks;
        let request = EngineRequest {
            policy: policy.clone(),
            database,
            index,
            manifests: kept.manifests_with(self.unsaved.valid.clone(), texts),
            checks,
            levels: options.deny.levels.clone(),
            helps: options.helps,
            releases: options.releases,
            dependency_graph: options.dependency_graph,
            waits: options.resolver.children.waits().clone(),
            licenses,
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
                self.kept.clear();
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
        !self.kept.has(key)
            && self.failed_resolution.as_ref().is_none_or(|failed| !failed.key.resolves_as(key))
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
        declared: &exact.declared,
        text: &|path| texts.read(path).ok(),
        lock,
        database,
        ignored: &loaded.ignored,
        levels,
    };
    let mut verdict = exact.clone();
    verdict.findings = provisional(std::mem::take(&mut verdict.findings), &input);
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
