//! One workspace judged from end to end: policy, resolution, graph, database, checks. What can be
//! kept between two verdicts is kept.

mod databases;
mod lints;
mod remembered;
mod run;
mod troubles;
mod untrusted;
mod unusable;

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    cache::Inputs,
    facts::RefreshPolicy,
    model::essence::Essence,
    policy::effects::Judged,
    resolve::{BufferCopy, LockState, Resolution, ResolveError, Resolver, Shape, Wait},
    text::{SourceText, read_named, read_to_string},
    threads::{self, Doing},
    verdict::{
        Check, CheckSet, Counts, Database, DatabaseSettings, DatabaseSource, Declared, Engine,
        EngineError, Finding, GraphFacts, GraphOptions, Known, LoadedPolicy, LockedVersions,
        Matched, PackageFolder, PackageRef, Question, Severity, provisional,
    },
    workspace::{PolicyFiles, Workspace},
};
pub use databases::Databases;
use lints::Lints;
use run::Run;
use unusable::{Exceeded, exceeded};

/// The exit code of a run that reached no verdict (`EX_SOFTWARE` of `sysexits.h`).
pub const NO_VERDICT: u8 = 70;

/// What is judged and how.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// Which checks.
    pub checks: CheckSet,
    /// Judge all members, also where the manifest is that of one package.
    pub workspace: bool,
    /// A policy to use instead of the one that is found.
    pub config: Option<Utf8PathBuf>,
    /// The policy files, where they were looked up already in a way of the caller's.
    pub policy_files: Option<PolicyFiles>,
    /// A folder with advisories to use instead of those that the policy names.
    pub advisories: Option<Utf8PathBuf>,
    /// When advisory databases are fetched.
    pub refresh: RefreshPolicy,
    /// Also list what is merely told.
    pub helps: bool,
    /// Also tell what cargo's index cache says of the versions of declared packages.
    pub releases: bool,
    /// Without a policy, leave licenses out rather than rejecting every one.
    pub gentle_without_policy: bool,
    /// How cargo is run.
    pub resolver: Resolver,
}

impl GateOptions {
    /// Which advisories are judged by.
    fn database_source(&self, loaded: &LoadedPolicy) -> DatabaseSource {
        if let Some(folder) = &self.advisories {
            return DatabaseSource::Folder(folder.clone());
        }
        let offline = self.refresh == RefreshPolicy::Never;
        DatabaseSource::Managed(DatabaseSettings { offline, ..loaded.databases.clone() })
    }
}

/// What a gate says.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What was judged.
    pub workspace: Workspace,
    /// The policy that was found.
    pub policy: Option<Utf8PathBuf>,
    /// The file that adds license exceptions to it.
    pub exceptions: Option<Utf8PathBuf>,
    /// Everything that was found, and why what could not be judged was not.
    pub findings: Vec<Finding>,
    /// cargo-deny's counts for every check that came to its end.
    pub counts: BTreeMap<Check, Counts>,
    /// Whether every check that was wanted came to its end.
    pub reached: bool,
    /// How many packages were judged; 0 where there is no graph.
    pub packages: usize,
    /// What the declarations of the workspace resolved to.
    pub declared: Arc<Vec<Declared>>,
    /// Where the packages of the graph are; none where there is no graph.
    pub folders: Arc<BTreeMap<PackageRef, PackageFolder>>,
    /// What the graph tells besides findings; empty where there is none, and in a verdict of an
    /// earlier run.
    pub graph: Arc<GraphFacts>,
    /// What entries of the policy match, where no finding tells.
    pub matched: Vec<Matched>,
    /// The files of cargo's index that it was made from, as far as that can be told.
    pub index_files: Arc<BTreeSet<Utf8PathBuf>>,
    /// When the advisories were fetched, `YYYY-MM-DD`; `None` for a plain folder or none.
    pub database_date: Option<String>,
}

impl Verdict {
    /// Whether a file is the policy that it was judged by, or adds exceptions to that.
    pub(crate) fn is_ruled_by(&self, file: &Utf8Path) -> bool {
        self.policy.as_deref() == Some(file) || self.exceptions.as_deref() == Some(file)
    }

    /// What it tells of the policy's entries.
    pub(crate) fn judged(&self) -> Judged<'_> {
        let Self { findings, counts, graph, matched, .. } = self;
        Judged { findings, counts, graph, matched }
    }

    /// cargo-deny's exit code, or [`NO_VERDICT`].
    pub fn exit_code(&self) -> u8 {
        if self.reached { Counts::exit_code(&self.counts) } else { NO_VERDICT }
    }
}

/// Where texts come from: the disk, or an editor's buffers over it.
pub trait Texts {
    /// The text of a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not UTF-8.
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText>;

    /// The text of a file that was named to the program by the one who runs it, not by a repository:
    /// on a command line that may be a pipe.
    ///
    /// # Errors
    ///
    /// The same.
    fn read_named(&self, path: &Utf8Path) -> io::Result<SourceText> {
        self.read(path)
    }

    /// The workspace's manifests and lock file as far as their texts are not those on disk.
    fn unsaved(&self) -> BTreeMap<Utf8PathBuf, SourceText> {
        BTreeMap::new()
    }
}

/// The files as they are on disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnDisk;

impl Texts for OnDisk {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        read_to_string(path).map(|text| SourceText::new(&text))
    }

    fn read_named(&self, path: &Utf8Path) -> io::Result<SourceText> {
        read_named(path).map(|text| SourceText::new(&text))
    }
}

/// The texts that cargo resolves: of manifests and lock files the whole buffers over the disk.
struct Resolved<'t> {
    buffers: &'t BTreeMap<Utf8PathBuf, SourceText>,
    below: &'t dyn Texts,
}

impl Texts for Resolved<'_> {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        match self.buffers.get(path) {
            Some(text) => Ok(text.clone()),
            None if matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock")) => {
                OnDisk.read(path)
            }
            None => self.below.read(path),
        }
    }
}

/// Whoever waits for a verdict.
pub trait Audience {
    /// Something that may take long begins; `message` is a sentence.
    fn doing(&self, message: &str);

    /// Whether the verdict is still wanted. Asked while cargo runs.
    fn still_waits(&self) -> bool {
        true
    }

    /// What can be told while cargo resolves, if there was an exact verdict before.
    fn meanwhile(&self, verdict: Verdict) {
        drop(verdict);
    }
}

impl<F: Fn(&str)> Audience for F {
    fn doing(&self, message: &str) {
        self(message);
    }
}

/// Whether cargo would resolve the same with either texts. A half-typed text resolves nothing.
pub fn resolve_alike(before: &dyn Texts, after: &dyn Texts) -> bool {
    let (before, after) = (before.unsaved(), after.unsaved());
    let alike = |path: &Utf8PathBuf, text: &SourceText| match before.get(path) {
        Some(before) => before == text || essence(path, before) == essence(path, text),
        None => false,
    };
    let is_whole = |path: &Utf8PathBuf, text: &SourceText| {
        path.file_name() != Some("Cargo.toml") || Essence::of_manifest(text.as_str()).is_some()
    };
    before.keys().all(|path| after.contains_key(path))
        && after.iter().all(|(path, text)| alike(path, text) || !is_whole(path, text))
}

/// The gate of one workspace.
#[derive(Debug)]
pub struct Gate {
    workspace: Workspace,
    kept: Option<Kept>,
    /// Why the last resolution failed, its places in the texts that were resolved: not tried again
    /// before something changes.
    refused: Option<(GraphKey, Finding)>,
    /// The copy in which unsaved manifests are resolved. Outlives the engine, which reads from it.
    copy: Option<BufferCopy>,
    /// The last unsaved texts that were whole: a half-typed one judges nothing anew.
    whole: BTreeMap<Utf8PathBuf, SourceText>,
    /// The key and the inputs of the last verdict, where it may be kept on disk.
    judged: Option<(String, Inputs)>,
    /// The key and the inputs of the verdict that was kept last.
    remembered: Option<(String, Inputs)>,
    /// The last exact verdict.
    exact: Option<Arc<Verdict>>,
    /// What was read for what is said about the policy.
    lints: Lints,
    /// The last verdict ended with a panic of the engine.
    broke: bool,
    /// What of the workspace exceeded the limits when it was resolved last.
    exceeded: Exceeded,
}

#[derive(Debug)]
struct Kept {
    key: GraphKey,
    lock: LockState,
    /// An unsaved text was resolved: the verdict is not that of the files on disk.
    edited: bool,
    /// What was resolved from files on disk was resolved from these.
    inputs: Option<Inputs>,
    /// While cargo answers so, the graph stays.
    shape: Option<Shape>,
    engine: Engine,
}

impl Kept {
    /// Whether the graph is also the one of an answer of this shape.
    fn is_for(&self, key: &GraphKey, shape: Option<&Shape>) -> bool {
        self.key.options == key.options && shape.is_some() && self.shape.as_ref() == shape
    }
}

/// What became of the wish for a graph.
enum Graph {
    /// It is the kept one.
    Built,
    /// There is none; the run says why.
    Failed,
    /// Nobody waits for it any more.
    Unwanted,
}

/// Everything besides the disk that decides a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
struct GraphKey {
    options: GraphOptions,
    /// What the unsaved manifests and lock files say.
    unsaved: BTreeMap<Utf8PathBuf, Essence>,
}

impl GraphKey {
    fn new(loaded: &LoadedPolicy, buffers: &BTreeMap<Utf8PathBuf, SourceText>) -> Self {
        let unsaved = buffers.iter().map(|(path, text)| (path.clone(), essence(path, text)));
        Self { options: loaded.graph.clone(), unsaved: unsaved.collect() }
    }
}

impl Gate {
    /// A gate that has judged nothing yet.
    pub fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            kept: None,
            refused: None,
            copy: None,
            whole: BTreeMap::new(),
            judged: None,
            remembered: None,
            exact: None,
            lints: Lints::default(),
            broke: false,
            exceeded: Exceeded::default(),
        }
    }

    /// A gate that takes the place of one that has panicked: it knows what was shown and typed.
    pub(crate) fn anew(&self) -> Self {
        let mut anew = Self::new(self.workspace.clone());
        anew.exact.clone_from(&self.exact);
        anew.whole.clone_from(&self.whole);
        anew
    }

    /// The workspace that it judges.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The verdict of an earlier run, if nothing that it was made from has changed. Starts no
    /// program and opens no connection.
    pub fn recall(&self, options: &GateOptions, texts: &dyn Texts) -> Option<Verdict> {
        let mut run = Run::new(&self.workspace, options);
        let policy = run.read_policy(options, texts)?;
        let loaded = run.load_policy(&policy, options)?;
        if !options.database_source(&loaded).is_fresh_enough() {
            return None;
        }
        let key = remembered::key(&self.workspace, options, &policy, &loaded)?;
        remembered::recall(&options.resolver.cache, &key, &self.workspace, texts)
    }

    /// What is told while cargo resolves starts from this exact verdict.
    pub fn start_from(&mut self, verdict: Arc<Verdict>) {
        if verdict.reached {
            self.exact = Some(verdict);
        }
    }

    /// Keeps the verdict for later runs, if it is the exact one on the files as they are on disk.
    pub fn remember(&mut self, options: &GateOptions, verdict: &Verdict) {
        let Some(judged) = self.judged.take() else { return };
        if self.remembered.as_ref() != Some(&judged) {
            remembered::remember(&options.resolver.cache, &judged.0, &judged.1, verdict);
            self.remembered = Some(judged);
        }
    }

    /// Whether the last verdict ended with a panic of the engine, which the next one starts anew.
    pub(crate) fn broke(&self) -> bool {
        self.broke
    }

    /// Whether a graph and its thread are kept for the next verdict.
    pub(crate) fn is_warm(&self) -> bool {
        self.kept.is_some()
    }

    /// Gives back the memory, the thread and the files that only make the next verdict faster.
    pub(crate) fn rest(&mut self) {
        self.kept = None;
        self.copy = None;
        self.lints = Lints::default();
    }

    /// Manifests or the lock file have changed: the next verdict resolves anew.
    pub fn forget_graph(&mut self) {
        self.kept = None;
        self.refused = None;
        self.copy = None;
        self.remembered = None;
    }

    /// Judges; `None` when the audience no longer waits.
    pub fn judge(
        &mut self,
        options: &GateOptions,
        texts: &dyn Texts,
        databases: &Databases,
        audience: &dyn Audience,
    ) -> Option<Verdict> {
        self.judged = None;
        self.broke = false;
        // Before anything of it is read.
        let index = databases.index();
        let mut run = Run::new(&self.workspace, options);
        let Some(policy) = run.read_policy(options, texts) else { return Some(run.verdict) };
        let Some(loaded) = run.load_policy(&policy, options) else { return Some(run.verdict) };
        if loaded.std_replacements && options.refresh != RefreshPolicy::Never {
            audience.doing("fetching the data about replacements in the standard library");
            crate::verdict::sync_std_replacements();
        }
        let source = options.database_source(&loaded);
        let buffers = self.whole_buffers(texts);
        let wanted = GraphKey::new(&loaded, &buffers);
        let resolves = self.needs_resolution(&wanted);
        if resolves {
            self.exceeded = exceeded(&self.workspace, texts);
        }
        run.verdict.findings.extend(self.exceeded.warnings.iter().cloned());
        if !self.exceeded.failures.is_empty() {
            self.kept = None;
            run.verdict.findings.extend(self.exceeded.failures.iter().cloned());
            return Some(run.verdict);
        }
        if resolves && let Some(exact) = self.exact.clone() {
            let database = databases.opened(&source);
            audience.meanwhile(meanwhile(&exact, &loaded, database.as_deref(), texts));
        }
        let graph = std::thread::scope(|scope| {
            // Cargo and the advisories are read side by side.
            if resolves && run.checks.contains(Check::Advisories) {
                let opening =
                    Doing::to("opening the advisories of", self.workspace.manifest.as_str());
                threads::scoped(scope, opening, || databases.prepare(&source, options));
            }
            self.build_graph(wanted, &buffers, options, texts, &mut run, audience)
        });
        match graph {
            Graph::Built => {}
            Graph::Failed => return Some(run.verdict),
            Graph::Unwanted => return None,
        }
        let Some(kept) = &self.kept else { return Some(run.verdict) };
        run.verdict.packages = kept.engine.packages;
        run.verdict.index_files = Arc::clone(&kept.engine.index_files);
        // A lock file that does not fit what is being typed is no news.
        if !kept.edited || kept.lock == LockState::Missing {
            run.say_lock_state(kept.lock, &self.workspace, texts);
        }
        let on_disk =
            kept.key.unsaved.is_empty() && kept.lock == LockState::Sound && policy.is_on_disk();
        let inputs = kept.inputs.as_ref().zip(kept.engine.inputs.as_ref()).filter(|_| on_disk);
        let kept_as = inputs.and_then(|(resolved, read)| {
            let key = remembered::key(&self.workspace, options, &policy, &loaded)?;
            let others = remembered::other_inputs(&policy, &source, texts);
            Some((key, resolved.clone().and(read.clone()).and(others)))
        });
        let tell = |message: &str| audience.doing(message);
        let database = run.database(&loaded, options, databases, texts, &tell);
        let checks = run.checks;
        let question = Question {
            policy: policy.clone(),
            database,
            index,
            manifests: buffers,
            checks,
            helps: options.helps,
            releases: options.releases,
        };
        match kept.engine.ask(&self.workspace, question) {
            Ok(answer) => {
                let lints = loaded.left_out.is_empty();
                // What is said of each entry would have no end in a list that is too long.
                let said = lints.then(|| {
                    self.lints.of(&policy, &answer, index, &self.workspace, options, texts)
                });
                let said = said.unwrap_or_default();
                run.finish(answer);
                run.verdict.findings.extend(said);
                self.judged = kept_as.filter(|_| run.verdict.reached);
            }
            Err(error) => {
                self.broke = true;
                run.fail(troubles::engine(&self.workspace, &error, texts));
                self.kept = None;
            }
        }
        Some(run.verdict)
    }

    /// The lock file that cargo writes in a scratch copy with these texts.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, refuses the manifests, or is no longer wanted.
    pub(crate) fn lock_file_with(
        &mut self,
        resolver: &Resolver,
        texts: &dyn Texts,
        wanted: &dyn Fn() -> bool,
    ) -> Result<SourceText, ResolveError> {
        let copy = Self::copy(&mut self.copy, resolver, &self.workspace, wanted)?;
        copy.lock_file_with(resolver, &self.workspace, &texts.unsaved(), wanted)
    }

    /// Lets cargo ask the registries which versions there are now.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, cannot reach a registry, or is no longer wanted.
    pub(crate) fn refresh_index(
        &mut self,
        resolver: &Resolver,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let copy = Self::copy(&mut self.copy, resolver, &self.workspace, wanted)?;
        copy.refresh_index(resolver, &self.workspace, wanted)
    }

    /// The lock file of the scratch copy, as cargo has left it after what was judged last.
    pub(crate) fn scratch_lock_file(&self) -> Option<SourceText> {
        self.copy.as_ref()?.lock_file()
    }

    fn copy<'c>(
        copy: &'c mut Option<BufferCopy>,
        resolver: &Resolver,
        workspace: &Workspace,
        wanted: &dyn Fn() -> bool,
    ) -> Result<&'c mut BufferCopy, ResolveError> {
        match copy {
            Some(copy) => Ok(copy),
            None => Ok(copy.insert(BufferCopy::of(resolver, workspace, wanted)?)),
        }
    }

    /// Whether cargo has to be asked.
    fn needs_resolution(&self, wanted: &GraphKey) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.key != *wanted)
            && self.refused.as_ref().is_none_or(|(refused, _)| refused != wanted)
    }

    /// Resolves and builds the graph unless the kept one is the right one.
    fn build_graph(
        &mut self,
        key: GraphKey,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        options: &GateOptions,
        texts: &dyn Texts,
        run: &mut Run,
        audience: &dyn Audience,
    ) -> Graph {
        if self.kept.as_ref().is_some_and(|kept| kept.key == key) {
            return Graph::Built;
        }
        if let Some((_, finding)) = self.refused.as_ref().filter(|(refused, _)| *refused == key) {
            run.fail(troubles::followed(finding, texts));
            return Graph::Failed;
        }
        audience.doing("resolving dependencies");
        let wanted = || audience.still_waits();
        let (old, ending) = (Cell::new(self.kept.take()), Cell::new(None));
        // Two graphs need not be in memory at once: the old one goes while the answer is read.
        let answered = |shape: &Shape| match old.take() {
            Some(kept) if kept.is_for(&key, Some(shape)) => old.set(Some(kept)),
            other => ending.set(other.map(|old| old.engine.end())),
        };
        let wait = Wait { wanted: &wanted, answered: &answered };
        let resolution = self.resolve(&options.resolver, &key.options, buffers, &wait);
        self.kept = old.take();
        let resolution = match resolution {
            Ok(resolution) => resolution,
            Err(ResolveError::Unwanted { .. }) => return Graph::Unwanted,
            Err(error) => {
                let resolved = Resolved { buffers, below: texts };
                let finding = troubles::resolution(&self.workspace, &error, &resolved);
                run.fail(troubles::followed(&finding, texts));
                self.refused = Some((key, finding));
                return Graph::Failed;
            }
        };
        let old = self.kept.take().filter(|kept| kept.is_for(&key, resolution.shape.as_ref()));
        drop(ending);
        let (lock, inputs) = (resolution.lock, resolution.inputs.clone());
        let shape = resolution.shape.clone();
        let edited = buffers.keys().any(|path| resolution.comes_from(path, &self.workspace));
        let engine = match old {
            Some(old) => old.engine.renewed(&self.workspace, resolution.originals),
            None => Engine::start(&self.workspace, resolution, &key.options),
        };
        match engine {
            Ok(engine) => {
                self.kept = Some(Kept { key, lock, edited, inputs, shape, engine });
                Graph::Built
            }
            Err(error) => {
                self.broke = matches!(error, EngineError::Broke { .. });
                run.fail(troubles::engine(&self.workspace, &error, texts));
                Graph::Failed
            }
        }
    }

    fn resolve(
        &mut self,
        resolver: &Resolver,
        graph: &GraphOptions,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        wait: &Wait<'_>,
    ) -> Result<Resolution, ResolveError> {
        if buffers.is_empty() {
            return resolver.resolve(&self.workspace, &graph.metadata, wait);
        }
        let copy = Self::copy(&mut self.copy, resolver, &self.workspace, wait.wanted)?;
        copy.resolve(resolver, &self.workspace, &graph.metadata, buffers, wait)
    }

    /// The unsaved texts; for one that is half typed the last one that was whole, if any.
    fn whole_buffers(&mut self, texts: &dyn Texts) -> BTreeMap<Utf8PathBuf, SourceText> {
        let unsaved = texts.unsaved();
        self.whole.retain(|path, _| unsaved.contains_key(path));
        for (path, text) in unsaved {
            if path.file_name() != Some("Cargo.toml")
                || Essence::of_manifest(text.as_str()).is_some()
            {
                self.whole.insert(path, text);
            }
        }
        self.whole.clone()
    }
}

/// What can be told before cargo has resolved, starting from the last exact verdict.
fn meanwhile(
    exact: &Verdict,
    loaded: &LoadedPolicy,
    database: Option<&Database>,
    texts: &dyn Texts,
) -> Verdict {
    let lock = texts.read(&exact.workspace.lock_file()).ok();
    let lock = lock.and_then(|text| LockedVersions::read(&text));
    let known = Known {
        findings: &exact.findings,
        declared: &exact.declared,
        text: &|path| texts.read(path).ok(),
        lock: lock.as_ref(),
        database,
        ignored: &loaded.ignored,
    };
    let mut verdict = exact.clone();
    verdict.findings = provisional(&known);
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

fn essence(path: &Utf8Path, text: &SourceText) -> Essence {
    let manifest = (path.file_name() == Some("Cargo.toml"))
        .then(|| Essence::of_manifest(text.as_str()))
        .flatten();
    manifest.unwrap_or_else(|| Essence::of_text(text.as_str()))
}
