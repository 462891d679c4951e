//! The engine: a thread that owns one graph and everything that borrows from it, and answers
//! questions about it. A changed policy costs a question, not a graph.

mod linked;

use std::{
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
    diag::{ErrorSink, Files, KrateSpans, Pack, Severity as DenySeverity},
    licenses::{self, Gatherer},
    sources,
};
use codespan_reporting::files::Files as _;
use krates::cm::Metadata;

use super::{
    Check, CheckSet, Code, Counts, Database, Finding, GraphFacts, GraphOptions, Matched,
    PackageFolder, PackageRef, PolicyText, Severity,
    collect::{self, Context},
    declared::{Declared, declared},
    graph, license_files, license_limits,
    license_lines::LicenseLines,
    locations::LocationIndex,
    manifests::{LocalManifest, Locked, Manifests, Names},
    matched,
    memory::{self, Memory},
    policy::Config,
    releases::Listings,
    words::{harmless, listed},
};
use crate::{
    cache::Inputs,
    resolve::Resolution,
    text::SourceText,
    threads::{self, Doing},
    workspace::Workspace,
};
use linked::Linked;
pub(super) use linked::needs_text;

/// The checks walk deep graphs recursively.
const STACK: usize = 32 << 20;

const UNEXPECTED_END: &str = "it stopped unexpectedly";

/// A running engine. Dropping it ends the thread and waits until its memory is free: the next one
/// takes its place.
#[derive(Debug)]
pub struct Engine {
    told: mpsc::Sender<Told>,
    /// Dropped after the questions, whose end ends the thread.
    ending: Ending,
    /// How many packages the graph has.
    pub packages: usize,
    /// The files of crates.io's index that it reads.
    pub index_files: Arc<BTreeSet<Utf8PathBuf>>,
    /// What it reads besides what was resolved; `None` where that cannot be told.
    pub(crate) inputs: Option<Inputs>,
}

/// A question, and where its answer goes.
type Asked = (Question, mpsc::Sender<Answer>);

/// What the thread is told.
enum Told {
    Asked(Box<Asked>),
    Renewed(Renewal),
}

/// Manifests say other requirements, and cargo resolves them alike.
struct Renewal {
    /// Where the manifests are of which copies were resolved.
    originals: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    /// Who waits until they are read.
    ready: mpsc::Sender<Result<Ready, Unready>>,
}

/// Why there is no graph.
enum Unready {
    /// It cannot be built.
    Refused(String),
    /// The thread panicked.
    Broke(String),
}

/// What is known once the graph is built.
struct Ready {
    packages: usize,
    index_files: BTreeSet<Utf8PathBuf>,
    inputs: Option<Inputs>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The policy; its `[graph]` must be the one that the engine was started with.
    pub policy: PolicyText,
    /// The advisories, where they are wanted and can be had.
    pub database: Option<Arc<Database>>,
    /// Another number whenever cargo's index has changed on disk.
    pub index: u64,
    /// How manifests are written that say the same as when the graph was built, by their paths.
    pub manifests: BTreeMap<Utf8PathBuf, SourceText>,
    /// Which checks.
    pub checks: CheckSet,
    /// Also list what is merely told (cargo-deny's helps: every accepted license). Those that come
    /// from an entry of the policy are always listed.
    pub helps: bool,
    /// Also tell what cargo's index cache says of the versions of declared packages.
    pub releases: bool,
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The findings, check by check, each in cargo-deny's order.
    pub findings: Vec<Finding>,
    /// How many there are, for every check that came to its end.
    pub counts: BTreeMap<Check, Counts>,
    /// What the declarations of the workspace resolved to.
    pub declared: Arc<Vec<Declared>>,
    /// Where the packages of the graph are.
    pub folders: Arc<BTreeMap<PackageRef, PackageFolder>>,
    /// What the graph tells besides findings.
    pub graph: Arc<GraphFacts>,
    /// What entries of the policy match, where no finding tells.
    pub matched: Vec<Matched>,
}

/// Why there is no engine or no answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The graph could not be built.
    #[error("build the package graph of `{manifest}`: {message}")]
    Graph {
        /// The judged manifest.
        manifest: Utf8PathBuf,
        /// What is wrong.
        message: String,
    },
    /// It broke off.
    #[error("check `{manifest}`: the engine failed ({message})")]
    Broke {
        /// The judged manifest.
        manifest: Utf8PathBuf,
        /// What is known of why.
        message: String,
    },
}

impl Engine {
    /// Builds the graph of a resolved workspace and waits until it stands.
    ///
    /// # Errors
    ///
    /// When the graph cannot be built.
    pub fn start(
        workspace: &Workspace,
        resolution: Resolution,
        options: &GraphOptions,
    ) -> Result<Self, EngineError> {
        let (told, heard) = mpsc::channel();
        let (ready, built) = mpsc::channel();
        let (workspace_for_thread, options) = (workspace.clone(), options.clone());
        let broke =
            |message: String| EngineError::Broke { manifest: workspace.manifest.clone(), message };
        let doing = Doing::to("running the checks on", workspace.manifest.as_str());
        let doing_for_thread = doing.clone();
        let thread = threads::spawn("engine", Some(STACK), doing, move || {
            let workspace = workspace_for_thread;
            let run = || run(&workspace, resolution, &options, &ready, &heard);
            if let Err(panic) = threads::caught(&doing_for_thread, run) {
                let _ = ready.send(Err(Unready::Broke(harmless(&panic.message))));
            }
        });
        let thread = thread.map_err(|error| broke(error.to_string()))?;
        Self::ready(workspace, told, Ending(Some(thread)), &built)
    }

    /// The same graph, where manifests say other requirements and cargo resolves them alike.
    ///
    /// # Errors
    ///
    /// When the engine breaks off.
    pub(crate) fn renewed(
        self,
        workspace: &Workspace,
        originals: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    ) -> Result<Self, EngineError> {
        let Self { told, ending, .. } = self;
        let (ready, built) = mpsc::channel();
        // Nobody who listens says so below.
        let _ = told.send(Told::Renewed(Renewal { originals, ready }));
        Self::ready(workspace, told, ending, &built)
    }

    fn ready(
        workspace: &Workspace,
        told: mpsc::Sender<Told>,
        ending: Ending,
        built: &mpsc::Receiver<Result<Ready, Unready>>,
    ) -> Result<Self, EngineError> {
        let manifest = || workspace.manifest.clone();
        match built.recv() {
            Ok(Ok(Ready { packages, index_files, inputs })) => {
                Ok(Self { told, ending, packages, index_files: index_files.into(), inputs })
            }
            Ok(Err(Unready::Refused(message))) => {
                Err(EngineError::Graph { manifest: manifest(), message })
            }
            Ok(Err(Unready::Broke(message))) => {
                Err(EngineError::Broke { manifest: manifest(), message })
            }
            Err(_) => Err(EngineError::Broke {
                manifest: manifest(),
                message: UNEXPECTED_END.to_owned(),
            }),
        }
    }

    /// Judges, and waits for the answer.
    ///
    /// # Errors
    ///
    /// When the engine has broken off.
    pub fn ask(&self, workspace: &Workspace, question: Question) -> Result<Answer, EngineError> {
        let broke = || EngineError::Broke {
            manifest: workspace.manifest.clone(),
            message: UNEXPECTED_END.to_owned(),
        };
        let (reply, answer) = mpsc::channel();
        let asked = self.told.send(Told::Asked(Box::new((question, reply))));
        asked.ok().and_then(|()| answer.recv().ok()).ok_or_else(broke)
    }

    /// Lets the thread end, without waiting for it.
    pub(crate) fn end(self) -> Ending {
        self.ending
    }
}

/// A thread that ends. Dropping it waits until its memory is free.
#[derive(Debug)]
pub(crate) struct Ending(Option<thread::JoinHandle<Result<(), threads::Panic>>>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

/// A graph with where its manifests say what.
struct Graph<'g> {
    linked: &'g Linked<'g>,
    krates: &'g Krates,
    spans: KrateSpans<'g>,
    /// The files that the spans refer to, after the policy, in the order of their ids.
    files: Vec<(Utf8PathBuf, String)>,
}

/// Everything that is made once for manifests as they are written.
struct Placed<'p, 'g> {
    graph: &'p Graph<'g>,
    locations: LocationIndex<'p>,
    memory: Memory,
    own_findings: Vec<Finding>,
    declared: Arc<Vec<Declared>>,
    /// The same with what the index cache says; made when first asked for.
    released: OnceLock<Arc<Vec<Declared>>>,
    manifests: &'p Manifests,
}

fn run(
    workspace: &Workspace,
    resolution: Resolution,
    options: &GraphOptions,
    ready: &mpsc::Sender<Result<Ready, Unready>>,
    heard: &mpsc::Receiver<Told>,
) {
    let Resolution { mut metadata, mut originals, .. } = resolution;
    let refused = license_limits::without_unusable(&mut metadata);
    let mut ready = ready.clone();
    let members = members(&metadata);
    let folder = workspace.folder();
    let began = Instant::now();
    let (built, lock) = thread::scope(|scope| {
        let names = Names::new(workspace, &originals);
        let reading = Doing::to("reading the lock file of", workspace.manifest.as_str());
        let lock = threads::scoped(scope, reading, move || Locked::read(workspace, &names));
        let built = graph::build(metadata, options, folder);
        (built, lock.join().ok().and_then(Result::ok).flatten())
    });
    let (krates, crates_io) = match built {
        Ok(built) => built,
        Err(message) => {
            let _ = ready.send(Err(Unready::Refused(message)));
            return;
        }
    };
    tracing::debug!("linked {} packages after {:?}", krates.len(), began.elapsed());
    let unjudged = members.iter().filter(|(id, _)| krates.nid_for_kid(id).is_none());
    let unjudged: Vec<_> = unjudged.map(|(_, manifest)| manifest.as_path()).collect();
    let linked = Linked::new(&krates, crates_io, folder, refused);
    let mut lock = Some(lock);
    loop {
        let began = Instant::now();
        let names = Names::new(workspace, &originals);
        let lock = lock.take().unwrap_or_else(|| Locked::read(workspace, &names));
        let manifests = Manifests::read(&krates, workspace, &names, lock, unjudged.iter().copied());
        let graph = Graph::new(&linked);
        tracing::debug!("placed them in {:?}", began.elapsed());
        if ready.send(Ok(linked.ready())).is_err() {
            return;
        }
        let Some(renewed) = serve(&graph, manifests, heard) else { return };
        Renewal { originals, ready } = renewed;
    }
}

/// Answers questions until manifests say other requirements. `None` when nobody will ask any more.
fn serve(
    graph: &Graph<'_>,
    mut manifests: Manifests,
    heard: &mpsc::Receiver<Told>,
) -> Option<Renewal> {
    let mut next = None;
    loop {
        next = match Placed::new(graph, &manifests).answer_all(next, heard)? {
            // Written otherwise, they say the same: the graph stays.
            Told::Asked(asked) => {
                manifests.rewrite(&asked.0.manifests);
                Some(asked)
            }
            Told::Renewed(renewal) => return Some(renewal),
        };
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

impl<'g> Graph<'g> {
    fn new(linked: &'g Linked<'g>) -> Self {
        let krates = linked.krates;
        let mut files = Files::new();
        // The policy's id is taken before those of the files that the spans refer to.
        files.add("", "");
        let root = krates.workspace_root().as_str();
        let spans = KrateSpans::synthesize(krates, root, &mut files);
        let mut listed = Vec::new();
        for id in 1.. {
            let Ok(name) = files.name(id) else { break };
            listed.push((name.to_owned(), files.source(id).to_owned()));
        }
        Self { linked, krates, spans, files: listed }
    }

    fn run_checks(
        &self,
        config: Config,
        question: &Question,
        checks: CheckSet,
        files: &mut Files,
    ) -> Vec<(Check, CheckResult)> {
        let wants = |check| checks.contains(check);
        if wants(Check::Licenses) {
            let lines = || LicenseLines::read(self.krates);
            self.linked.license_lines.get_or_init(lines).add_to(files);
        }
        let gathered = wants(Check::Licenses).then(|| {
            guarded(|| {
                Gatherer::default()
                    .with_store(self.linked.license_store())
                    .with_confidence_threshold(config.licenses.confidence_threshold)
                    .gather(self.krates, files, &config.licenses)
            })
        });
        let files = &*files;
        let mut results = Vec::new();
        if wants(Check::Advisories)
            && let Some(database) = &question.database
        {
            results.push((
                Check::Advisories,
                self.advisories(config.advisories, database, files, question),
            ));
        }
        if wants(Check::Bans) {
            let result =
                collected(|sink| bans::check(self.context(config.bans, files), None, sink));
            results.push((Check::Bans, result));
        }
        match gathered {
            Some(Ok(summary)) => {
                let result = collected(|sink| {
                    licenses::check(self.context(config.licenses, files), summary, sink);
                });
                results.push((Check::Licenses, result));
            }
            Some(Err(broken)) => {
                results.push((
                    Check::Licenses,
                    CheckResult { packs: Vec::new(), broken: Some(broken) },
                ));
            }
            None => {}
        }
        if wants(Check::Sources) {
            let result =
                collected(|sink| sources::check(self.context(config.sources, files), sink));
            results.push((Check::Sources, result));
        }
        results
    }

    fn advisories(
        &self,
        config: advisories::cfg::ValidConfig,
        database: &Database,
        files: &Files,
        question: &Question,
    ) -> CheckResult {
        let result = self.advisories_of(config, database, files, question.index);
        // cargo-deny breaks off when a package is affected by an advisory of a kind that it does
        // not know. The others are judged all the same, and it is said which was not.
        let Some(broken) = &result.broken else { return result };
        let is_there = |name: &str| self.krates.krates_by_name(name).next().is_some();
        let Some((known, left_out)) = database.without_unknown_kinds(is_there) else {
            return result;
        };
        let again =
            question.policy.parse(0, &mut Files::new()).ok().and_then(|parsed| parsed.config);
        let Some(again) = again else { return result };
        let packs = self.advisories_of(again.advisories, &known, files, question.index).packs;
        let broken = format!("{broken}; not checked: {}", listed(&left_out));
        CheckResult { packs, broken: Some(broken) }
    }

    fn advisories_of(
        &self,
        config: advisories::cfg::ValidConfig,
        database: &Database,
        files: &Files,
        index: u64,
    ) -> CheckResult {
        let wants_index = !config.disable_yank_checking;
        collected(move |mut sink| {
            let context = self.context(config, files);
            let indices = match wants_index.then(|| self.linked.index_entries(index)) {
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

impl<'p, 'g> Placed<'p, 'g> {
    fn new(graph: &'p Graph<'g>, manifests: &'p Manifests) -> Self {
        Self {
            graph,
            locations: LocationIndex::new(graph.krates, manifests),
            memory: Memory::default(),
            own_findings: manifests.unjudged.iter().map(not_judged).collect(),
            declared: Arc::new(declared(graph.krates, manifests, &|_| None)),
            released: OnceLock::new(),
            manifests,
        }
    }

    /// Answers questions, the `first` one first, up to what asks for manifests that are written or
    /// say otherwise, which it gives back. `None` when nobody will ask any more.
    fn answer_all(&self, first: Option<Box<Asked>>, heard: &mpsc::Receiver<Told>) -> Option<Told> {
        for told in first.map(Told::Asked).into_iter().chain(heard) {
            match told {
                Told::Asked(asked) if self.manifests.are_written_as(&asked.0.manifests) => {
                    // Whoever asked may have lost interest.
                    let _ = asked.1.send(self.answer(&asked.0));
                }
                other => return Some(other),
            }
        }
        None
    }

    fn answer(&self, question: &Question) -> Answer {
        threads::failpoint("engine");
        let began = Instant::now();
        let mut files = Files::new();
        let policy_id = files.add(question.policy.name(), question.policy.text.as_str());
        for (name, source) in &self.graph.files {
            files.add(name.clone(), source.clone());
        }
        let Ok(parsed) = question.policy.parse(policy_id, &mut files) else {
            return Answer::default();
        };
        let Some(mut config) = parsed.config else { return Answer::default() };
        let mut answer = Answer {
            findings: self.own_findings.clone(),
            declared: Arc::clone(&self.declared),
            folders: Arc::clone(&self.graph.linked.folders),
            graph: self.graph.linked.facts(),
            ..Answer::default()
        };
        let mut texts = license_limits::Texts::default();
        if question.checks.contains(Check::Licenses) {
            texts = license_limits::examine(
                self.graph.krates,
                &mut config.licenses,
                &self.graph.linked.refused,
                &question.policy,
                &self.locations,
            );
            let outdated =
                license_files::outdated(self.graph.krates, &config.licenses, &question.policy);
            answer.findings.extend(outdated);
            answer.matched =
                matched::exceptions(self.graph.krates, &config.licenses, &question.policy, &files);
        }
        let mut keys = memory::keys(question).unwrap_or_default();
        let mut told = BTreeMap::new();
        let mut asked = question.checks;
        for check in question.checks.iter() {
            let known =
                keys.get(&check).and_then(|key| self.memory.recall(check, key, &question.policy));
            if let Some(known) = known {
                told.insert(check, known);
                asked = asked.without(check);
            }
        }
        // The licenses of the other packages are checked; a verdict on all there is not.
        let incomplete = (!texts.findings.is_empty()).then_some(Check::Licenses);
        answer.findings.append(&mut texts.findings);
        if texts.stops {
            asked = asked.without(Check::Licenses);
            told.remove(&Check::Licenses);
        }
        let results = self.graph.run_checks(config, question, asked, &mut files);
        tracing::debug!("judged after {:?}", began.elapsed());
        let context = Context {
            krates: self.graph.krates,
            locations: &self.locations,
            policy: &question.policy,
            policy_id,
            files: &files,
            database: question.database.as_deref(),
        };
        for (check, result) in results {
            let (findings, counts) = findings_of(&result, check, question.helps, &context);
            if let Some(broken) = result.broken {
                self.memory.forget(check);
                answer.findings.extend(findings);
                answer.findings.push(self.broken_check(check, &broken));
                continue;
            }
            if let Some(key) = keys.remove(&check) {
                self.memory.remember(check, key, &question.policy, &findings, counts);
            }
            told.insert(check, (findings, counts));
        }
        for check in Check::JUDGED {
            if let Some((findings, counts)) = told.remove(&check) {
                answer.findings.extend(findings);
                if incomplete != Some(check) {
                    answer.counts.insert(check, counts);
                }
            }
        }
        tracing::debug!("{} findings after {:?}", answer.findings.len(), began.elapsed());
        if question.releases {
            answer.declared = self.with_releases();
        }
        answer
    }

    /// The declarations with what the index cache says of their packages.
    fn with_releases(&self) -> Arc<Vec<Declared>> {
        let made = || {
            let listings = Listings::read(self.graph.krates);
            Arc::new(declared(self.graph.krates, self.manifests, &|krate| listings.of(krate)))
        };
        Arc::clone(self.released.get_or_init(made))
    }

    fn broken_check(&self, check: Check, broken: &str) -> Finding {
        own(
            Code::CheckFailed,
            Severity::Error,
            format!("the {} check failed: {broken}", check.name()),
            vec![self.locations.manifests.judged.head()],
        )
    }
}

/// The findings of a check and how many cargo-deny counts.
fn findings_of(
    result: &CheckResult,
    check: Check,
    helps: bool,
    context: &Context<'_>,
) -> (Vec<Finding>, Counts) {
    let mut counts = Counts::default();
    let mut findings = Vec::new();
    for diag in result.packs.iter().flat_map(Pack::iter) {
        match diag.diag.severity {
            DenySeverity::Error => counts.errors += 1,
            DenySeverity::Warning => counts.warnings += 1,
            DenySeverity::Note => counts.notes += 1,
            DenySeverity::Help => counts.helps += 1,
            DenySeverity::Bug => {}
        }
        if helps || diag.diag.severity != DenySeverity::Help || context.is_labeled(diag) {
            findings.push(collect::from_check(diag, check, context));
        }
    }
    (findings, counts)
}

struct CheckResult {
    packs: Vec<Pack>,
    broken: Option<String>,
}

/// Runs a check and keeps what it found, also when it breaks off.
fn collected(check: impl FnOnce(ErrorSink)) -> CheckResult {
    let (sender, receiver) = crossbeam::channel::unbounded();
    let broken = guarded(|| check(ErrorSink { overrides: None, channel: sender })).err();
    CheckResult { packs: receiver.into_iter().collect(), broken }
}

fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    threads::guarded(work).map_err(|panic| harmless(&panic.message))
}

fn not_judged(local: &LocalManifest) -> Finding {
    let message = "this member is not checked: it is not in the graph of the checked package";
    let mut finding =
        own(Code::MemberNotJudged, Severity::Help, message.to_owned(), vec![local.head()]);
    finding.remedy = Some("set the option `workspace` to check all members".to_owned());
    finding
}

/// A finding of our own.
pub(crate) fn own(
    code: Code,
    severity: Severity,
    message: String,
    locations: Vec<super::Location>,
) -> Finding {
    Finding {
        check: Check::Supercargo,
        code: Some(code),
        severity,
        message,
        remedy: None,
        packages: Vec::new(),
        advisory: None,
        locations,
        paths: Vec::new(),
        path_count: 0,
        notes: Vec::new(),
        related: Vec::new(),
    }
}
