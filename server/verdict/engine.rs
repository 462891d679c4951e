//! The engine: a thread that owns one graph, everything that borrows from it, and runs the checks.
//! After a change of the policy only the checks run again; the graph stays.

mod declared_dependencies;
mod deny_graph;
mod gathered_licenses;
mod graph_cache;
mod graph_states;
mod placed_graph;

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

use camino::Utf8PathBuf;
use krates::cm::Metadata;

use super::{
    CheckResults, EngineRequest, GraphOptions, graph, license_limits,
    manifest_store::ManifestStore,
    manifests::{UserPaths, read_lockfile},
    message_text::sanitize,
};
use crate::{
    cache::Inputs,
    resolve::{Originals, Resolution},
    threads::{self, Activity},
    workspace::Workspace,
};
use declared_dependencies::DeclaredDependencies;
use graph_cache::GraphCache;
use graph_states::{GraphState, GraphStates};
use placed_graph::PlacedGraph;

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
    /// Whether the licenses check needs the texts of all licenses, which are slow to load.
    pub(crate) needs_license_store: bool,
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
    /// Cargo has not resolved the workspace.
    NoMetadata,
    /// It cannot be built.
    InvalidGraph(krates::Error),
    /// The thread panicked.
    Panicked(threads::Panic),
}

/// Facts about a built graph.
struct EngineReady {
    packages: usize,
    index_files: BTreeSet<Utf8PathBuf>,
    inputs: Option<Inputs>,
    needs_license_store: bool,
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
                let _ = ready.send(Err(StartError::Panicked(panic)));
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
            Ok(Ok(EngineReady { packages, index_files, inputs, needs_license_store })) => {
                let index_files = index_files.into();
                Ok(Self { commands, thread, packages, index_files, inputs, needs_license_store })
            }
            Ok(Err(StartError::NoMetadata)) => Err(EngineError::Graph {
                manifest: manifest(),
                message: "there is no metadata".to_owned(),
            }),
            Ok(Err(StartError::InvalidGraph(error))) => {
                Err(EngineError::Graph { manifest: manifest(), message: error.to_string() })
            }
            Ok(Err(StartError::Panicked(panic))) => {
                Err(EngineError::Failed { manifest: manifest(), message: sanitize(&panic.message) })
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
        let _ = ready.send(Err(StartError::NoMetadata));
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
        Err(error) => {
            let _ = ready.send(Err(StartError::InvalidGraph(error)));
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
