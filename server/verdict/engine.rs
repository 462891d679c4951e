//! The engine: a thread that owns one graph, everything that borrows from it, and runs the checks.
//! After a change of the policy only the checks run again; the graph stays.

mod declared_dependencies;
mod gathered_licenses;
mod graph_cache;
mod graph_states;

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::Instant,
};

use camino::Utf8PathBuf;
use cargo_deny::{
    CheckCtx, Krates,
    advisories::{self, Indices, NoneReporter},
    bans,
    diag::{ErrorSink, FileId, Files, KrateSpans, Pack, Severity as DenySeverity},
    licenses::{self, Gatherer},
    sources,
};
use codespan_reporting::files::Files as _;
use krates::cm::Metadata;

use super::{
    Check, CheckResults, CheckSet, Code, Counts, Database, EngineRequest, Finding, GraphOptions,
    LintLevels, PolicyText, Severity,
    check_cache::{self, CheckCache},
    collect::{self, Context},
    graph, license_files, license_limits,
    license_lines::LicenseLines,
    local_files::{LocalManifest, LockfileIndex},
    locations::LocationIndex,
    manifest_store::ManifestStore,
    manifests::{Manifests, UserPaths, read_lockfile},
    matched,
    message_text::{join_with_and, sanitize},
    own_finding,
    policy::DenyConfig,
};
use crate::{
    cache::Inputs,
    resolve::{Originals, Resolution},
    threads::{self, Activity},
    workspace::Workspace,
};
use declared_dependencies::DeclaredDependencies;
use gathered_licenses::{GatherInputs, Gathered, GatheredLicenses, can_be_gathered_ahead};
use graph_cache::GraphCache;
use graph_states::{GraphState, GraphStates};

/// The checks walk deep graphs recursively.
const STACK: usize = 32 << 20;

const UNEXPECTED_END: &str = "it stopped unexpectedly";

/// A running engine. Dropping it ends the thread and waits until its memory is free, before the next
/// engine allocates its own.
#[derive(Debug)]
pub struct Engine {
    commands: mpsc::Sender<EngineCommand>,
    /// Dropped after `commands`: closing the channel ends the thread.
    thread: EngineThread,
    /// The number of packages in the graph.
    pub packages: usize,
    /// The files of cargo's copy of crates.io's index that it reads.
    pub index_files: Arc<BTreeSet<Utf8PathBuf>>,
    /// What it reads besides the resolution; `None` if that is unknown.
    pub(crate) inputs: Option<Inputs>,
}

/// A request and the channel for its results.
type PendingCheck = (EngineRequest, mpsc::Sender<CheckResults>);

/// The messages to the thread.
enum EngineCommand {
    Check(Box<PendingCheck>),
    /// Cargo is resolving these copies: an update with them will probably come.
    Prepare(Originals),
    UpdateRequirements(RequirementsUpdate),
}

/// What the next check needs.
enum StateChange {
    /// Only the layout of manifests has changed: the graph stays.
    Layout(Box<PendingCheck>),
    Requirements(RequirementsUpdate),
}

/// New requirements in the manifests, which cargo resolves to the same packages.
struct RequirementsUpdate {
    /// The originals of the copies that were resolved.
    originals: Originals,
    /// Receives the result when the manifests are read.
    ready: mpsc::Sender<Result<EngineReady, StartError>>,
}

/// Why there is no graph.
enum StartError {
    /// It cannot be built.
    InvalidGraph(String),
    /// The thread panicked.
    Panicked(String),
}

/// Facts about a built graph.
struct EngineReady {
    packages: usize,
    index_files: BTreeSet<Utf8PathBuf>,
    inputs: Option<Inputs>,
}

/// Why the engine did not start or returned no results.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The graph could not be built.
    #[error("build the package graph of `{manifest}`: {message}")]
    Graph {
        /// The checked manifest.
        manifest: Utf8PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The thread panicked or ended.
    #[error("check `{manifest}`: the engine failed ({message})")]
    Failed {
        /// The checked manifest.
        manifest: Utf8PathBuf,
        /// What is known about the reason.
        message: String,
    },
}

impl Engine {
    /// Builds the graph of a resolved workspace and waits until it is ready. `store` has the manifests of its other graphs.
    ///
    /// # Errors
    ///
    /// When the graph cannot be built.
    pub fn start(
        workspace: &Workspace,
        resolution: Resolution,
        options: &GraphOptions,
        store: &Arc<ManifestStore>,
    ) -> Result<Self, EngineError> {
        let (commands, received) = mpsc::channel();
        let (ready, built) = mpsc::channel();
        let (workspace_for_thread, options) = (workspace.clone(), options.clone());
        let store = Arc::clone(store);
        let failed =
            |message: String| EngineError::Failed { manifest: workspace.manifest.clone(), message };
        let doing = Activity::to("running the checks on", workspace.manifest.as_str());
        let doing_for_thread = doing.clone();
        let thread = threads::spawn("engine", Some(STACK), doing, move || {
            let workspace = workspace_for_thread;
            let run = || run(&workspace, resolution, &options, &store, &ready, &received);
            if let Err(panic) = threads::catch_panic(&doing_for_thread, run) {
                let _ = ready.send(Err(StartError::Panicked(sanitize(&panic.message))));
            }
        });
        let thread = thread.map_err(|error| failed(error.to_string()))?;
        Self::wait_until_ready(workspace, commands, EngineThread(Some(thread)), &built)
    }

    /// Keeps the graph after a change of requirements that cargo resolves to the same packages.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub(crate) fn with_new_requirements(
        self,
        workspace: &Workspace,
        originals: Originals,
    ) -> Result<Self, EngineError> {
        let Self { commands, thread, .. } = self;
        let (ready, built) = mpsc::channel();
        let update = RequirementsUpdate { originals, ready };
        // If the thread has ended, `wait_until_ready` reports it.
        let _ = commands.send(EngineCommand::UpdateRequirements(update));
        Self::wait_until_ready(workspace, commands, thread, &built)
    }

    /// Prepares the update of [`Self::with_new_requirements`] while cargo resolves these copies.
    pub(crate) fn prepare(&self, originals: Originals) {
        // If the thread has ended, the next check reports it.
        let _ = self.commands.send(EngineCommand::Prepare(originals));
    }

    fn wait_until_ready(
        workspace: &Workspace,
        commands: mpsc::Sender<EngineCommand>,
        thread: EngineThread,
        built: &mpsc::Receiver<Result<EngineReady, StartError>>,
    ) -> Result<Self, EngineError> {
        let manifest = || workspace.manifest.clone();
        match built.recv() {
            Ok(Ok(EngineReady { packages, index_files, inputs })) => {
                Ok(Self { commands, thread, packages, index_files: index_files.into(), inputs })
            }
            Ok(Err(StartError::InvalidGraph(message))) => {
                Err(EngineError::Graph { manifest: manifest(), message })
            }
            Ok(Err(StartError::Panicked(message))) => {
                Err(EngineError::Failed { manifest: manifest(), message })
            }
            Err(_) => Err(EngineError::Failed {
                manifest: manifest(),
                message: UNEXPECTED_END.to_owned(),
            }),
        }
    }

    /// Runs the checks and waits for the results.
    ///
    /// # Errors
    ///
    /// When the engine has failed.
    pub fn check(
        &self,
        workspace: &Workspace,
        request: EngineRequest,
    ) -> Result<CheckResults, EngineError> {
        let failed = || EngineError::Failed {
            manifest: workspace.manifest.clone(),
            message: UNEXPECTED_END.to_owned(),
        };
        let (reply, results) = mpsc::channel();
        let sent = self.commands.send(EngineCommand::Check(Box::new((request, reply))));
        sent.ok().and_then(|()| results.recv().ok()).ok_or_else(failed)
    }

    /// Lets the thread end, without waiting for it.
    pub(crate) fn shut_down(self) -> EngineThread {
        self.thread
    }
}

/// The engine's thread. Dropping it waits until the thread has ended and its memory is free.
#[derive(Debug)]
pub(crate) struct EngineThread(Option<thread::JoinHandle<Result<(), threads::Panic>>>);

impl Drop for EngineThread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

/// A graph with the text spans that cargo-deny makes for it.
struct DenyGraph<'g> {
    cache: &'g GraphCache<'g>,
    krates: &'g Krates,
    spans: KrateSpans<'g>,
    /// The files that the spans refer to, after the policy, in the order of their ids.
    files: Vec<(Utf8PathBuf, String)>,
    /// Those of the cache for other files.
    license_lines: OnceLock<LicenseLines>,
}

/// A graph with the locations of its dependencies in one state of the manifests.
struct PlacedGraph<'p, 'g> {
    graph: &'p DenyGraph<'g>,
    locations: LocationIndex<'p>,
    check_cache: CheckCache,
    own_findings: Vec<Finding>,
    declared: &'p DeclaredDependencies,
    manifests: &'p Manifests,
    gathered: &'p GatheredLicenses<'g>,
    /// The policy of the last check, if licenses can be gathered ahead for it.
    gathered_policy: RefCell<Option<PolicyText>>,
}

fn run(
    workspace: &Workspace,
    resolution: Resolution,
    options: &GraphOptions,
    store: &Arc<ManifestStore>,
    ready: &mpsc::Sender<Result<EngineReady, StartError>>,
    commands: &mpsc::Receiver<EngineCommand>,
) {
    let Resolution { metadata, originals, .. } = resolution;
    let mut ready = ready.clone();
    let Some(mut metadata) = metadata else {
        let _ = ready.send(Err(StartError::InvalidGraph("there is no metadata".to_owned())));
        return;
    };
    let refused = license_limits::without_unusable(&mut metadata);
    let members = members(&metadata);
    let folder = workspace.folder();
    let began = Instant::now();
    let (built, lock) = thread::scope(|scope| {
        let names = UserPaths::new(workspace, &originals);
        let reading = Activity::to("reading the lock file of", workspace.manifest.as_str());
        let lock = threads::scoped(scope, reading, move || read_lockfile(workspace, &names, store));
        let built = graph::build(metadata, options, folder);
        (built, lock.join().ok().and_then(Result::ok).flatten())
    });
    let (krates, crates_io) = match built {
        Ok(built) => built,
        Err(message) => {
            let _ = ready.send(Err(StartError::InvalidGraph(message)));
            return;
        }
    };
    tracing::debug!("built the graph of {} packages in {:?}", krates.len(), began.elapsed());
    let cache = GraphCache::new(&krates, crates_io, folder, refused);
    let states = GraphStates::new(workspace, &cache, &members, store);
    let mut state = states.read(originals, lock);
    loop {
        if ready.send(Ok(cache.ready())).is_err() {
            return;
        }
        let Some((update, prepared)) = serve(&mut state, &states, commands) else { return };
        let RequirementsUpdate { originals, ready: next_ready } = update;
        ready = next_ready;
        let current = prepared.filter(|prepared| states.is_current(prepared, &originals));
        state = current.unwrap_or_else(|| {
            let lock = states.read_lock(&originals);
            states.read(originals, lock)
        });
    }
}

/// Runs checks until the requirements in the manifests change; returns what was prepared for that, too. `None` when the
/// channel is closed.
fn serve<'g>(
    state: &mut GraphState<'g>,
    states: &GraphStates<'g>,
    commands: &mpsc::Receiver<EngineCommand>,
) -> Option<(RequirementsUpdate, Option<GraphState<'g>>)> {
    let mut next = None;
    let mut prepared = None;
    loop {
        let GraphState { graph, manifests, gathered, declared, .. } = &*state;
        let placed = PlacedGraph::new(graph, manifests, gathered, declared);
        let change = placed.run_checks(next.take(), commands, &mut |originals| {
            let lock = states.read_lock(&originals);
            let read = states.read(originals, lock);
            if let Some(policy) = &*placed.gathered_policy.borrow() {
                read.gathered.prepare(&read.graph, policy);
            }
            declared.prepare_as(&read.declared, graph.krates, &read.manifests);
            prepared = Some(read);
        });
        drop(placed);
        match change? {
            StateChange::Layout(pending) => {
                state.manifests.update_texts(&pending.0.manifests);
                state.declared = DeclaredDependencies::default();
                next = Some(pending);
            }
            StateChange::Requirements(update) => return Some((update, prepared)),
        }
    }
}

/// The ids and manifests of all members.
fn members(metadata: &Metadata) -> Vec<(krates::Kid, Utf8PathBuf)> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.id.clone().into(), package.manifest_path.clone()))
        .collect()
}

impl<'g> DenyGraph<'g> {
    fn new(cache: &'g GraphCache<'g>) -> Self {
        let krates = cache.krates;
        let mut files = Files::new();
        // The policy's id is taken before those of the files that the spans refer to.
        files.add("", "");
        let root = krates.workspace_root().as_str();
        let spans = KrateSpans::synthesize(krates, root, &mut files);
        let mut span_files = Vec::new();
        for id in 1.. {
            let Ok(name) = files.name(id) else { break };
            span_files.push((name.to_owned(), files.source(id).to_owned()));
        }
        Self { cache, krates, spans, files: span_files, license_lines: OnceLock::new() }
    }

    fn run_checks(
        &self,
        config: DenyConfig,
        request: &EngineRequest,
        checks: CheckSet,
        files: &mut Files,
        summary: Option<licenses::Summary<'g>>,
    ) -> Vec<(Check, DenyOutput)> {
        let is_enabled = |check| checks.contains(check);
        let gathered = is_enabled(Check::Licenses)
            .then(|| summary.map_or_else(|| self.gather(&config.licenses, files), Ok));
        let (files, levels) = (&*files, &request.levels);
        let mut results = Vec::new();
        if is_enabled(Check::Advisories)
            && let Some(database) = &request.database
        {
            results.push((
                Check::Advisories,
                self.check_advisories(config.advisories, database, files, request),
            ));
        }
        if is_enabled(Check::Bans) {
            let result = collected(levels, |sink| {
                bans::check(self.context(config.bans, files), None, sink);
            });
            results.push((Check::Bans, result));
        }
        match gathered {
            Some(Ok(summary)) => {
                let result = collected(levels, |sink| {
                    licenses::check(self.context(config.licenses, files), summary, sink);
                });
                results.push((Check::Licenses, result));
            }
            Some(Err(failure)) => {
                results.push((
                    Check::Licenses,
                    DenyOutput { packs: Vec::new(), failure: Some(failure) },
                ));
            }
            None => {}
        }
        if is_enabled(Check::Sources) {
            let result = collected(levels, |sink| {
                sources::check(self.context(config.sources, files), sink);
            });
            results.push((Check::Sources, result));
        }
        results
    }

    /// The files to which diagnostics refer, and the id of the policy among them.
    fn files_with(&self, policy: &PolicyText) -> (Files, FileId) {
        let mut files = Files::new();
        let policy_id = files.add(policy.name(), policy.text.as_str());
        for (name, source) in &self.files {
            files.add(name.clone(), source.clone());
        }
        (files, policy_id)
    }

    /// Gathers the licenses of all packages. The error is the message of a panic.
    fn gather(
        &self,
        config: &licenses::cfg::ValidConfig,
        files: &mut Files,
    ) -> Result<licenses::Summary<'g>, String> {
        let lines = || {
            let all = self.cache.license_lines.get_or_init(|| LicenseLines::read(self.krates));
            all.without(&self.files)
        };
        self.license_lines.get_or_init(lines).add_to(files);
        catch_and_warn(|| {
            Gatherer::default()
                .with_store(self.cache.license_store())
                .with_confidence_threshold(config.confidence_threshold)
                .gather(self.krates, files, config)
        })
    }

    fn check_advisories(
        &self,
        config: advisories::cfg::ValidConfig,
        database: &Database,
        files: &Files,
        request: &EngineRequest,
    ) -> DenyOutput {
        let result = self.run_advisories(config, database, files, request);
        // cargo-deny panics when an advisory of an unknown kind affects a package. The other
        // advisories are checked all the same, and the message names those that were not.
        let Some(failure) = &result.failure else { return result };
        let is_there = |name: &str| self.krates.krates_by_name(name).next().is_some();
        let Some((supported, left_out)) = database.without_unknown_kinds(is_there) else {
            return result;
        };
        let again =
            request.policy.parse(0, &mut Files::new()).ok().and_then(|parsed| parsed.config);
        let Some(again) = again else { return result };
        let packs = self.run_advisories(again.advisories, &supported, files, request).packs;
        let failure = format!("{failure}; not checked: {}", join_with_and(&left_out));
        DenyOutput { packs, failure: Some(failure) }
    }

    fn run_advisories(
        &self,
        config: advisories::cfg::ValidConfig,
        database: &Database,
        files: &Files,
        request: &EngineRequest,
    ) -> DenyOutput {
        let needs_index = !config.disable_yank_checking;
        collected(&request.levels, move |mut sink| {
            let context = self.context(config, files);
            let indices = match needs_index
                .then(|| self.cache.index_entries(request.index, &request.waits))
            {
                None => None,
                Some(Ok(entries)) => Some(Indices { indices: Vec::new(), cache: entries }),
                Some(Err(error)) => {
                    sink.push(context.diag_for_index_load_failure(format!(
                        "unable to find cargo home directory: {error}"
                    )));
                    None
                }
            };
            advisories::check(
                context,
                &database.set,
                None::<NoneReporter>,
                cargo_deny::SerializeAdvisory::Json,
                indices,
                sink,
            );
        })
    }

    fn context<'c, C>(&'c self, cfg: C, files: &'c Files) -> CheckCtx<'c, C>
    where
        'g: 'c,
    {
        CheckCtx {
            cfg,
            krates: self.krates,
            krate_spans: &self.spans,
            colorize: false,
            log_level: log::LevelFilter::Warn,
            files,
        }
    }
}

impl<'p, 'g> PlacedGraph<'p, 'g> {
    fn new(
        graph: &'p DenyGraph<'g>,
        manifests: &'p Manifests,
        gathered: &'p GatheredLicenses<'g>,
        declared: &'p DeclaredDependencies,
    ) -> Self {
        Self {
            graph,
            locations: LocationIndex::new(graph.krates, manifests),
            check_cache: CheckCache::default(),
            own_findings: manifests.unchecked.iter().map(|one| unchecked_member(one)).collect(),
            declared,
            manifests,
            gathered,
            gathered_policy: RefCell::default(),
        }
    }

    /// Runs checks, `first` one first, and returns the first change of manifests that is needed. `None` when the channel is
    /// closed.
    fn run_checks(
        &self,
        first: Option<Box<PendingCheck>>,
        commands: &mpsc::Receiver<EngineCommand>,
        prepare: &mut dyn FnMut(Originals),
    ) -> Option<StateChange> {
        for command in first.map(EngineCommand::Check).into_iter().chain(commands) {
            match command {
                EngineCommand::Check(pending)
                    if self.manifests.match_texts(&pending.0.manifests) =>
                {
                    let results = self.check(&pending.0);
                    // Texts that must not be read, and clarifications with them, make the check incomplete.
                    let is_complete = results.counts.contains_key(&Check::Licenses);
                    // The caller may have given up.
                    let _ = pending.1.send(results);
                    if is_complete {
                        self.gathered.prepare_next(self.graph, &pending.0);
                        let can_be = can_be_gathered_ahead(&pending.0);
                        self.gathered_policy.replace(can_be.then_some(pending.0.policy));
                    }
                }
                EngineCommand::Check(pending) => return Some(StateChange::Layout(pending)),
                EngineCommand::Prepare(originals) => prepare(originals),
                EngineCommand::UpdateRequirements(update) => {
                    return Some(StateChange::Requirements(update));
                }
            }
        }
        None
    }

    fn check(&self, request: &EngineRequest) -> CheckResults {
        threads::failpoint("engine");
        let ahead = self.gathered.take(request);
        let results = self.check_with(request, ahead);
        results.or_else(|| self.check_with(request, None)).unwrap_or_default()
    }

    /// Runs the checks, with licenses that were gathered ahead. `None` if these are of another policy.
    fn check_with(
        &self,
        request: &EngineRequest,
        ahead: Option<Gathered<'g>>,
    ) -> Option<CheckResults> {
        let began = Instant::now();
        let (mut files, policy_id, ahead) = if let Some(ahead) = ahead {
            let Gathered { mut files, policy_id, summary, inputs } = ahead;
            files.update(policy_id, request.policy.text.as_str());
            (files, policy_id, Some((summary, inputs)))
        } else {
            let (files, policy_id) = self.graph.files_with(&request.policy);
            (files, policy_id, None)
        };
        let Ok(parsed) = request.policy.parse(policy_id, &mut files) else {
            return Some(CheckResults::default());
        };
        let Some(mut config) = parsed.config else { return Some(CheckResults::default()) };
        let mut results = CheckResults {
            findings: self.own_findings.clone(),
            declared: self.declared.get(self.graph.krates, self.manifests, request.releases),
            folders: Arc::clone(&self.graph.cache.folders),
            graph: self.graph.cache.facts(),
            ..CheckResults::default()
        };
        let mut texts = license_limits::UnusableTexts::default();
        if request.checks.contains(Check::Licenses) {
            texts = license_limits::examine(
                self.graph.krates,
                &mut config.licenses,
                &self.graph.cache.refused,
                &request.policy,
                &self.locations,
            );
            let outdated = license_files::outdated_clarifications(
                self.graph.krates,
                &config.licenses,
                &request.policy,
            );
            results.findings.extend(outdated);
            results.clarifies_local_package =
                license_files::clarifies_local_package(self.graph.krates, &config.licenses);
            results.matched =
                matched::exceptions(self.graph.krates, &config.licenses, &request.policy, &files);
        }
        if let Some((_, inputs)) = &ahead
            && *inputs != GatherInputs::of(self.graph.krates, &config.licenses)
        {
            return None;
        }
        let mut inputs = check_cache::check_inputs(request).unwrap_or_default();
        let mut completed = BTreeMap::new();
        let mut to_run = request.checks;
        for check in request.checks.iter() {
            let cached = inputs
                .get(&check)
                .and_then(|inputs| self.check_cache.get(check, inputs, &request.policy));
            if let Some(cached) = cached {
                completed.insert(check, cached);
                to_run = to_run.without(check);
            }
        }
        // The licenses of the other packages are checked, but the check is incomplete.
        let incomplete = (!texts.findings.is_empty()).then_some(Check::Licenses);
        results.findings.append(&mut texts.findings);
        if texts.prevent_check {
            to_run = to_run.without(Check::Licenses);
            completed.remove(&Check::Licenses);
        }
        let (ahead, unused) =
            if to_run.contains(Check::Licenses) { (ahead, None) } else { (None, ahead) };
        let summary = ahead.map(|(summary, _)| summary);
        let outputs = self.graph.run_checks(config, request, to_run, &mut files, summary);
        tracing::debug!("ran the checks in {:?}", began.elapsed());
        let context = Context {
            krates: self.graph.krates,
            locations: &self.locations,
            policy: &request.policy,
            policy_id,
            files: &files,
            database: request.database.as_deref(),
            allow_list: OnceCell::new(),
        };
        for (check, output) in outputs {
            let (findings, counts) = findings_of(&output, check, request.helps, &context);
            if let Some(failure) = output.failure {
                self.check_cache.remove(check);
                results.findings.extend(findings);
                results.findings.push(self.failed_check(check, &failure));
                continue;
            }
            if let Some(inputs) = inputs.remove(&check) {
                self.check_cache.insert(check, inputs, &request.policy, &findings, counts);
            }
            completed.insert(check, (findings, counts));
        }
        for check in Check::CARGO_DENY {
            if let Some((findings, counts)) = completed.remove(&check) {
                results.findings.extend(findings);
                if incomplete != Some(check) {
                    results.counts.insert(check, counts);
                }
            }
        }
        tracing::debug!("{} findings after {:?}", results.findings.len(), began.elapsed());
        if let Some((summary, inputs)) = unused {
            self.gathered.put_back(Gathered { files, policy_id, summary, inputs });
        }
        Some(results)
    }

    fn failed_check(&self, check: Check, failure: &str) -> Finding {
        own_finding(
            Code::CheckFailed,
            Severity::Error,
            format!("the {} check failed: {failure}", check.name()),
            vec![self.locations.manifests.checked.head()],
        )
    }
}

/// The findings of a check, and their number as cargo-deny counts them.
fn findings_of(
    output: &DenyOutput,
    check: Check,
    helps: bool,
    context: &Context<'_>,
) -> (Vec<Finding>, Counts) {
    let mut counts = Counts::default();
    let mut findings = Vec::new();
    let diags = output.packs.iter().flat_map(|pack| pack.iter().map(move |diag| (pack, diag)));
    for (pack, diag) in diags {
        match diag.diag.severity {
            DenySeverity::Error => counts.errors += 1,
            DenySeverity::Warning => counts.warnings += 1,
            DenySeverity::Note => counts.notes += 1,
            DenySeverity::Help => counts.helps += 1,
            DenySeverity::Bug => {}
        }
        if helps || diag.diag.severity != DenySeverity::Help || context.is_labeled(diag) {
            findings.push(collect::from_check(diag, pack, check, context));
        }
    }
    collect::link_ignored(&mut findings);
    (findings, counts)
}

/// The diagnostics of one of cargo-deny's checks.
struct DenyOutput {
    packs: Vec<Pack>,
    /// The message of the panic that ended it early.
    failure: Option<String>,
}

/// Runs a check and keeps its diagnostics, even if it panics. cargo-deny gives them the levels.
fn collected(levels: &LintLevels, check: impl FnOnce(ErrorSink)) -> DenyOutput {
    let (sender, receiver) = crossbeam::channel::unbounded();
    let overrides = levels.overrides().map(Arc::new);
    let failure = catch_and_warn(|| check(ErrorSink { overrides, channel: sender })).err();
    DenyOutput { packs: receiver.into_iter().collect(), failure }
}

fn catch_and_warn<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    threads::catch_and_warn(work).map_err(|panic| sanitize(&panic.message))
}

fn unchecked_member(local: &LocalManifest) -> Finding {
    let message = "this member is not checked: it is not in the graph of the checked package";
    let mut finding =
        own_finding(Code::MemberNotChecked, Severity::Help, message.to_owned(), vec![local.head()]);
    finding.remedy = Some("set the option `workspace` to check all members".to_owned());
    finding
}
