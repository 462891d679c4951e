//! One workspace judged from end to end: policy, resolution, graph, database, checks. What can be
//! kept between two verdicts is kept.

mod databases;
mod troubles;

use std::{collections::BTreeMap, fs, io, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    facts::RefreshPolicy,
    model::essence::Essence,
    resolve::{BufferCopy, LockState, Resolution, ResolveError, Resolver},
    text::SourceText,
    verdict::{
        Answer, Check, CheckSet, Code, Counts, Database, DatabaseSource, Declared, Engine, Finding,
        GraphOptions, LoadedPolicy, PolicyText, Question, Severity,
    },
    workspace::{PolicyFiles, Workspace},
};
pub use databases::Databases;

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
    /// Without a policy, leave licences out rather than rejecting every one.
    pub gentle_without_policy: bool,
    /// How cargo is run.
    pub resolver: Resolver,
}

/// What a gate says.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What was judged.
    pub workspace: Workspace,
    /// The policy that was found.
    pub policy: Option<Utf8PathBuf>,
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
}

impl Verdict {
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

    /// The manifests and lock files of a workspace whose texts are not those on disk.
    fn unsaved(&self, workspace: &Workspace) -> BTreeMap<Utf8PathBuf, SourceText> {
        let _ = workspace;
        BTreeMap::new()
    }
}

/// The files as they are on disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnDisk;

impl Texts for OnDisk {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        fs::read_to_string(path).map(|text| SourceText::new(&text))
    }
}

/// The gate of one workspace.
#[derive(Debug)]
pub struct Gate {
    workspace: Workspace,
    kept: Option<Kept>,
    /// Why the last resolution failed: not tried again before something changes.
    refused: Option<(GraphKey, Finding)>,
    /// The copy in which unsaved manifests are resolved. Outlives the engine, which reads from it.
    copy: Option<BufferCopy>,
    /// The last unsaved texts that were whole: a half-typed one judges nothing anew.
    whole: BTreeMap<Utf8PathBuf, SourceText>,
}

#[derive(Debug)]
struct Kept {
    key: GraphKey,
    lock: LockState,
    engine: Engine,
}

/// Everything besides the disk that decides a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
struct GraphKey {
    options: GraphOptions,
    /// What the unsaved manifests and lock files say.
    unsaved: BTreeMap<Utf8PathBuf, Essence>,
}

impl Gate {
    /// A gate that has judged nothing yet.
    pub fn new(workspace: Workspace) -> Self {
        Self { workspace, kept: None, refused: None, copy: None, whole: BTreeMap::new() }
    }

    /// The workspace that it judges.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Manifests or the lock file have changed: the next verdict resolves anew.
    pub fn forget_graph(&mut self) {
        self.kept = None;
        self.refused = None;
        self.copy = None;
    }

    /// Judges. `tell` is called with a sentence before something that takes long.
    pub fn judge(
        &mut self,
        options: &GateOptions,
        texts: &dyn Texts,
        databases: &Databases,
        tell: &dyn Fn(&str),
    ) -> Verdict {
        let mut run = Run::new(&self.workspace, options);
        let Some(policy) = run.read_policy(options, texts) else { return run.verdict };
        let Some(loaded) = run.load_policy(&policy, options) else { return run.verdict };
        if loaded.std_replacements && options.refresh != RefreshPolicy::Never {
            tell("fetching the data about replacements in the standard library");
            crate::verdict::sync_std_replacements();
        }
        self.build_graph(&loaded, options, texts, &mut run, tell);
        let Some(kept) = &self.kept else { return run.verdict };
        run.verdict.packages = kept.engine.packages;
        // A lock file that does not fit what is being typed is no news.
        if kept.key.unsaved.is_empty() {
            run.say_lock_state(kept.lock, &self.workspace, texts);
        }
        let database = run.database(&loaded, options, databases, texts, tell);
        let checks = run.checks;
        let index = databases.index();
        let question = Question { policy, database, index, checks, helps: options.helps };
        match kept.engine.ask(&self.workspace, question) {
            Ok(answer) => run.finish(answer),
            Err(error) => {
                run.fail(troubles::engine(&self.workspace, &error, texts));
                self.kept = None;
            }
        }
        run.verdict
    }

    /// Resolves and builds the graph unless the kept one is the right one.
    fn build_graph(
        &mut self,
        loaded: &LoadedPolicy,
        options: &GateOptions,
        texts: &dyn Texts,
        run: &mut Run,
        tell: &dyn Fn(&str),
    ) {
        let buffers = self.whole_buffers(texts);
        let unsaved = buffers.iter().map(|(path, text)| (path.clone(), essence(path, text)));
        let key = GraphKey { options: loaded.graph.clone(), unsaved: unsaved.collect() };
        if self.kept.as_ref().is_some_and(|kept| kept.key == key) {
            return;
        }
        self.kept = None;
        if let Some((_, finding)) = self.refused.as_ref().filter(|(refused, _)| *refused == key) {
            run.fail(finding.clone());
            return;
        }
        tell("resolving dependencies");
        let resolution = match self.resolve(&options.resolver, &loaded.graph, &buffers) {
            Ok(resolution) => resolution,
            Err(error) => {
                let finding = troubles::resolution(&self.workspace, &error, texts);
                self.refused = Some((key, finding.clone()));
                run.fail(finding);
                return;
            }
        };
        let lock = resolution.lock;
        match Engine::start(&self.workspace, resolution, &loaded.graph) {
            Ok(engine) => self.kept = Some(Kept { key, lock, engine }),
            Err(error) => run.fail(troubles::engine(&self.workspace, &error, texts)),
        }
    }

    fn resolve(
        &mut self,
        resolver: &Resolver,
        graph: &GraphOptions,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
    ) -> Result<Resolution, ResolveError> {
        if buffers.is_empty() {
            return resolver.resolve(&self.workspace, &graph.metadata);
        }
        let copy = match &mut self.copy {
            Some(copy) => copy,
            None => self.copy.insert(BufferCopy::of(resolver, &self.workspace)?),
        };
        copy.resolve(resolver, &self.workspace, &graph.metadata, buffers)
    }

    /// The unsaved texts; for one that is half typed the last one that was whole, if any.
    fn whole_buffers(&mut self, texts: &dyn Texts) -> BTreeMap<Utf8PathBuf, SourceText> {
        let unsaved = texts.unsaved(&self.workspace);
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

fn essence(path: &Utf8Path, text: &SourceText) -> Essence {
    let manifest = (path.file_name() == Some("Cargo.toml"))
        .then(|| Essence::of_manifest(text.as_str()))
        .flatten();
    manifest.unwrap_or_else(|| Essence::of_text(text.as_str()))
}

/// One verdict in the making.
struct Run {
    verdict: Verdict,
    checks: CheckSet,
    wanted: CheckSet,
}

impl Run {
    fn new(workspace: &Workspace, options: &GateOptions) -> Self {
        Self {
            verdict: Verdict {
                workspace: workspace.clone(),
                policy: None,
                findings: Vec::new(),
                counts: BTreeMap::new(),
                reached: false,
                packages: 0,
                declared: Arc::default(),
            },
            checks: options.checks,
            wanted: options.checks,
        }
    }

    fn fail(&mut self, finding: Finding) {
        self.verdict.findings.push(finding);
    }

    /// The policy by cargo-deny's look-up, or the one that was named.
    fn read_policy(&mut self, options: &GateOptions, texts: &dyn Texts) -> Option<PolicyText> {
        let found = options.policy_files.clone();
        let PolicyFiles { policy, exceptions } =
            found.unwrap_or_else(|| self.verdict.workspace.policy_files());
        let path = match &options.config {
            // A named policy that does not exist is an empty one, as in cargo-deny.
            Some(named) if !named.exists() => {
                tracing::error!("the policy `{named}` does not exist: cargo-deny's defaults hold");
                return Some(PolicyText {
                    path: Some(named.clone()),
                    text: SourceText::new(""),
                    exceptions,
                });
            }
            Some(named) => Some(named.clone()),
            None => policy,
        };
        let Some(path) = path else {
            if options.gentle_without_policy {
                self.checks = self.checks.without(Check::Licenses);
                self.wanted = self.checks;
                self.fail(troubles::no_policy(&self.verdict.workspace, texts));
            }
            return Some(PolicyText::none(exceptions));
        };
        self.verdict.policy = Some(path.clone());
        match texts.read(&path) {
            Ok(text) => Some(PolicyText { path: Some(path), text, exceptions }),
            Err(error) => {
                self.fail(troubles::unreadable(&path, &error));
                None
            }
        }
    }

    fn load_policy(&mut self, policy: &PolicyText, options: &GateOptions) -> Option<LoadedPolicy> {
        match policy.load(options.workspace) {
            Ok(loaded) => {
                self.verdict.findings.extend(loaded.findings.iter().cloned());
                Some(loaded)
            }
            Err(findings) => {
                self.verdict.findings.extend(findings);
                None
            }
        }
    }

    fn say_lock_state(&mut self, lock: LockState, workspace: &Workspace, texts: &dyn Texts) {
        let (code, message) = match lock {
            LockState::Sound => return,
            LockState::Missing => (
                Code::NoLockFile,
                "there is no `Cargo.lock`: what is judged was resolved just now and may change",
            ),
            LockState::Stale => (
                Code::StaleLockFile,
                "`Cargo.lock` does not fit the manifests: what is judged was resolved just now",
            ),
        };
        let place = troubles::head(&workspace.manifest, texts);
        self.verdict.findings.push(crate::verdict::own(
            code,
            Severity::Note,
            message.to_owned(),
            vec![place],
        ));
    }

    fn database(
        &mut self,
        loaded: &LoadedPolicy,
        options: &GateOptions,
        databases: &Databases,
        texts: &dyn Texts,
        tell: &dyn Fn(&str),
    ) -> Option<Arc<Database>> {
        if !self.checks.contains(Check::Advisories) {
            return None;
        }
        let source = match &options.advisories {
            Some(folder) => DatabaseSource::Folder(folder.clone()),
            None => DatabaseSource::Managed(loaded.databases.clone()),
        };
        match databases.open(&source, options.refresh, &options.resolver.children, tell) {
            Ok(database) => Some(database),
            Err(error) => {
                self.fail(troubles::no_database(&self.verdict.workspace, &error, texts));
                self.checks = self.checks.without(Check::Advisories);
                None
            }
        }
    }

    fn finish(&mut self, answer: Answer) {
        self.verdict.reached = self.wanted.iter().all(|check| answer.counts.contains_key(&check));
        self.verdict.findings.extend(answer.findings);
        self.verdict.counts = answer.counts;
        self.verdict.declared = answer.declared;
    }
}
