//! Watches the input files of checks, in every editor the same way, and reports each change on disk once
//! to the main loop.
//!
//! A thread owns the system's watches. An event of the system only wakes it; the [stamps](stamps) of
//! the files show which of them have changed. Reports of the client take the same way, so no change
//! is reported twice, and changes that belong together (a branch switch) are reported together.

mod folders;
mod plan;
mod stamps;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc as channel},
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use notify::EventKind;
use tokio::sync::mpsc;

use super::event::Event;
use crate::{
    threads::{self, Activity},
    workspace::{DecidingFiles, Workspace},
};
use folders::WatchedFolders;
use plan::{WatchPlan, WatchReason, contains_below, inputs_of};
use stamps::{FileStamp, Stamps};

pub(super) use plan::WatchSet;

/// Changes within such a pause are reported together.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest delay of a report.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// How often files are polled that cannot be watched.
const POLL_INTERVAL: Duration = Duration::from_millis(1500);

/// The main loop's end of the watching thread. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct FileWatch {
    messages: channel::Sender<WatchMessage>,
    events: mpsc::UnboundedSender<Event>,
    files: Arc<WatchedFiles>,
    watch_set: WatchSet,
}

/// What is known of the watched files, shared by the main loop and the thread.
#[derive(Debug, Default)]
pub(super) struct WatchedFiles {
    stamps: Stamps,
    /// The input files of each watched workspace.
    inputs: Mutex<BTreeMap<Workspace, Arc<DecidingFiles>>>,
    /// The input files of each workspace that was found, until it is watched.
    found: Mutex<BTreeMap<Workspace, Arc<FoundInputs>>>,
}

/// The input files of a workspace that was found. The folder and each opened file is searched for at the same time; the
/// first search lists the files, which takes long in a large workspace.
#[derive(Debug)]
struct FoundInputs {
    since: Instant,
    listed: OnceLock<DecidingFiles>,
}

#[derive(Debug)]
enum WatchMessage {
    SetWatch(WatchSet),
    /// The client reports changes of files.
    Reported(Vec<Utf8PathBuf>),
    /// The system reports changes. If a watched folder is `gone`, a later one is a new folder.
    Touched {
        paths: Vec<PathBuf>,
        gone: bool,
        at: Instant,
    },
    /// The system has lost events.
    EventsLost,
    End,
}

impl FileWatch {
    pub(super) fn start(events: mpsc::UnboundedSender<Event>) -> Self {
        let (messages, received) = channel::channel();
        let files = Arc::<WatchedFiles>::default();
        let watch = Self {
            messages,
            events: events.clone(),
            files: Arc::clone(&files),
            watch_set: WatchSet::default(),
        };
        let sender = watch.messages.clone();
        let mut mailbox = Mailbox::new(received, events.clone());
        // After a panic it starts again with the last watch set.
        let run = move || {
            let sender = sender.clone();
            let activity = Activity::just("receiving file events");
            let system = notify::recommended_watcher(move |event| {
                if threads::catch_panic(&activity, || forward(&sender, event)).is_err() {
                    let _ = sender.send(WatchMessage::EventsLost);
                }
            });
            let folders = WatchedFolders::new(system);
            Watcher::new(&mut mailbox, events.clone(), Arc::clone(&files), folders).run();
        };
        if let Err(error) = threads::supervised("watch", Activity::just("watching files"), run) {
            tracing::error!("could not watch files: {error}");
        }
        watch
    }

    /// Replaces the watch set.
    pub(super) fn set(&mut self, watch_set: WatchSet) {
        if self.watch_set != watch_set {
            self.watch_set = watch_set.clone();
            let _ = self.messages.send(WatchMessage::SetWatch(watch_set));
        }
    }

    /// The client reports changed files. [`Event::FilesChanged`] comes if they have really changed.
    pub(super) fn files_reported(&self, paths: Vec<Utf8PathBuf>) {
        if let Err(channel::SendError(WatchMessage::Reported(paths))) =
            self.messages.send(WatchMessage::Reported(paths))
        {
            // The thread has ended.
            let _ = self.events.send(Event::FilesChanged(paths));
        }
    }

    /// The files whose change is new, with their stamps before, where those are known, and now.
    pub(super) fn new_changes(
        &self,
        paths: Vec<Utf8PathBuf>,
    ) -> BTreeMap<Utf8PathBuf, (Option<FileStamp>, FileStamp)> {
        self.files.stamps.new_changes(paths)
    }

    /// Whether a file is an input of the check of a workspace.
    pub(super) fn is_input(&self, workspace: &Workspace, path: &Utf8Path) -> bool {
        if let Some(inputs) = self.files.inputs().get(workspace) {
            return inputs.files.contains(path);
        }
        let found = self.files.found().get(workspace).cloned();
        found
            .as_ref()
            .and_then(|found| found.listed.get())
            .is_some_and(|inputs| inputs.files.contains(path))
    }

    pub(super) fn watched_files(&self) -> Arc<WatchedFiles> {
        Arc::clone(&self.files)
    }
}

impl Drop for FileWatch {
    fn drop(&mut self) {
        let _ = self.messages.send(WatchMessage::End);
    }
}

impl WatchedFiles {
    /// Takes the stamps of the input files of workspaces before they are checked: later changes are
    /// reported.
    pub(super) fn note_workspaces(&self, workspaces: &[Workspace]) {
        for workspace in workspaces {
            if !self.inputs().contains_key(workspace) {
                let found = self.found_inputs(workspace);
                let inputs = found.listed.get_or_init(|| inputs_of(workspace));
                self.stamps.note(&inputs.files);
            }
        }
    }

    /// The same for workspaces that may appear in a folder.
    pub(super) fn note_folder(&self, folder: &Utf8Path) {
        self.stamps.note(&DecidingFiles::of_folder(folder).files);
    }

    /// Those of a search that has just begun, or new ones.
    fn found_inputs(&self, workspace: &Workspace) -> Arc<FoundInputs> {
        let mut found = self.found();
        let recent = found.get(workspace).filter(|found| found.since.elapsed() < PAUSE);
        let inputs = recent.cloned().unwrap_or_else(|| {
            Arc::new(FoundInputs { since: Instant::now(), listed: OnceLock::new() })
        });
        found.insert(workspace.clone(), Arc::clone(&inputs));
        inputs
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<Workspace, Arc<FoundInputs>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inputs(&self) -> MutexGuard<'_, BTreeMap<Workspace, Arc<DecidingFiles>>> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forwards an event of the system.
fn forward(messages: &channel::Sender<WatchMessage>, event: notify::Result<notify::Event>) {
    let message = match event {
        Ok(event) if event.need_rescan() => WatchMessage::EventsLost,
        // Read access.
        Ok(notify::Event { kind: EventKind::Access(_), .. }) => return,
        Ok(event) => {
            let moved = matches!(event.kind, EventKind::Modify(notify::event::ModifyKind::Name(_)));
            let gone = moved || event.kind.is_remove();
            WatchMessage::Touched { paths: event.paths, gone, at: Instant::now() }
        }
        Err(error) => {
            tracing::info!("error while watching files: {error}");
            WatchMessage::EventsLost
        }
    };
    let _ = messages.send(message);
}

/// The messages of one round.
#[derive(Debug, Default)]
struct Round {
    watch_set: Option<WatchSet>,
    /// Reported by the client.
    reported: Vec<Utf8PathBuf>,
    /// Reported by the system, with the time of the last event.
    touched: BTreeMap<Utf8PathBuf, Instant>,
    /// Events were lost: every file may have changed.
    events_lost: bool,
}

/// The state that survives a panic of the watcher.
struct Mailbox {
    messages: channel::Receiver<WatchMessage>,
    events: mpsc::UnboundedSender<Event>,
    /// The last watch set.
    watch_set: Option<WatchSet>,
    /// Reports of the client that are not passed on yet.
    reported: Vec<Utf8PathBuf>,
}

impl Mailbox {
    fn new(
        messages: channel::Receiver<WatchMessage>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        Self { messages, events, watch_set: None, reported: Vec::new() }
    }
}

impl Drop for Mailbox {
    /// Sends the reports of the client to the main loop even when the watcher has failed.
    fn drop(&mut self) {
        let mut reported = std::mem::take(&mut self.reported);
        for message in self.messages.try_iter() {
            if let WatchMessage::Reported(paths) = message {
                reported.extend(paths);
            }
        }
        if !reported.is_empty() {
            let _ = self.events.send(Event::FilesChanged(reported));
        }
    }
}

struct Watcher<'m> {
    mailbox: &'m mut Mailbox,
    events: mpsc::UnboundedSender<Event>,
    files: Arc<WatchedFiles>,
    folders: WatchedFolders,
    watch_set: WatchSet,
    inputs: BTreeMap<WatchReason, Arc<DecidingFiles>>,
    plan: WatchPlan,
    /// Changed files without an event of the system: they may be incomplete.
    polled: Vec<Utf8PathBuf>,
}

impl<'m> Watcher<'m> {
    fn new(
        mailbox: &'m mut Mailbox,
        events: mpsc::UnboundedSender<Event>,
        files: Arc<WatchedFiles>,
        folders: WatchedFolders,
    ) -> Self {
        let (watch_set, inputs) = (WatchSet::default(), BTreeMap::new());
        let (plan, polled) = (WatchPlan::default(), Vec::new());
        Self { mailbox, events, files, folders, watch_set, inputs, plan, polled }
    }

    fn run(mut self) {
        // After a panic of the watcher before this one, every file may have changed.
        let mailbox = &self.mailbox;
        let (watch_set, reported) = (mailbox.watch_set.clone(), mailbox.reported.clone());
        if watch_set.is_some() || !reported.is_empty() {
            let events_lost = true;
            self.handle(Round { watch_set, reported, events_lost, ..Round::default() });
        }
        while let Some(round) = self.collect() {
            self.handle(round);
        }
    }

    /// Waits for a message and then for a pause; `None` at the end.
    fn collect(&mut self) -> Option<Round> {
        let reported = std::mem::take(&mut self.polled);
        let has_changes = !reported.is_empty();
        let mut round = Round { reported, ..Round::default() };
        let next_poll = self.folders.needs_polling().then(|| Instant::now() + POLL_INTERVAL);
        let mut last = has_changes.then(|| Instant::now() + MAX_DELAY);
        let mut until = if has_changes { Some(Instant::now() + PAUSE) } else { next_poll };
        loop {
            let message = match until {
                None => self.mailbox.messages.recv().ok()?,
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    match self.mailbox.messages.recv_timeout(left) {
                        Ok(message) => message,
                        Err(channel::RecvTimeoutError::Timeout) => return Some(round),
                        Err(channel::RecvTimeoutError::Disconnected) => return None,
                    }
                }
            };
            match message {
                WatchMessage::End => return None,
                WatchMessage::SetWatch(watch_set) => {
                    self.mailbox.watch_set = Some(watch_set.clone());
                    round.watch_set = Some(watch_set);
                    if last.is_none() {
                        // With many workspaces the next watch set comes before this one is watched.
                        until = Some(Instant::now());
                    }
                    continue;
                }
                WatchMessage::Reported(paths) => {
                    self.mailbox.reported.extend(paths.iter().cloned());
                    round.reported.extend(paths);
                }
                WatchMessage::Touched { paths, gone, at } => {
                    if !self.touches(&paths, gone, at, &mut round) {
                        continue;
                    }
                }
                WatchMessage::EventsLost => round.events_lost = true,
            }
            let now = Instant::now();
            let last = *last.get_or_insert(now + MAX_DELAY);
            until = Some(last.min(now + PAUSE));
        }
    }

    /// Whether any of the paths may be an input.
    fn touches(&mut self, paths: &[PathBuf], gone: bool, at: Instant, round: &mut Round) -> bool {
        let mut any = false;
        for path in paths.iter().filter_map(|path| Utf8Path::from_path(path)) {
            for path in self.folders.spellings(path) {
                let is_lost = gone && self.folders.is_watched(&path);
                if is_lost {
                    self.folders.drop(&path);
                }
                if is_lost || self.plan.includes(&path) {
                    round.touched.insert(path, at);
                    any = true;
                }
            }
        }
        any
    }

    fn handle(&mut self, round: Round) {
        let Round { watch_set, reported, touched, events_lost } = round;
        threads::failpoint("watch");
        if let Some(watch_set) = watch_set {
            self.watch_set = watch_set;
        }
        let no_reports = reported.is_empty() && touched.is_empty();
        let check_all = events_lost || no_reports && self.folders.needs_polling();
        let paths = touched.keys().cloned().collect();
        let former_inputs = self.renew_inputs(&reported, &paths, check_all);
        self.folders.set(&self.plan.folders);
        // Includes changes before a folder was watched.
        let files = self.plan.files.iter().chain(&former_inputs);
        let mut changed: BTreeSet<_> = self.files.stamps.differing(files).into_iter().collect();
        if no_reports && !check_all && !changed.is_empty() {
            self.renew_inputs(&[], &changed, false);
            self.folders.set(&self.plan.folders);
        }
        // A new folder may have had a file for a while.
        for (path, at) in &touched {
            let files = self.plan.files.iter().chain(&former_inputs);
            let below = files.filter(|file| file.starts_with(path));
            let missed = below.filter(|file| self.files.stamps.mark_missed(file, *at));
            changed.extend(missed.cloned().collect::<Vec<_>>());
        }
        if no_reports && !check_all {
            self.polled.extend(changed);
            return;
        }
        changed.extend(reported);
        if !changed.is_empty() {
            threads::failpoint("changes");
            let _ = self.events.send(Event::FilesChanged(changed.into_iter().collect()));
            self.mailbox.reported.clear();
        }
    }

    /// Determines the input files again where they may have changed. Returns the former ones: they may
    /// be deleted.
    fn renew_inputs(
        &mut self,
        reported: &[Utf8PathBuf],
        touched: &BTreeSet<Utf8PathBuf>,
        check_all: bool,
    ) -> BTreeSet<Utf8PathBuf> {
        let mut before = std::mem::take(&mut self.inputs);
        let mut former_inputs = BTreeSet::new();
        for reason in self.watch_set.reasons() {
            let known = before.remove(&reason);
            let are_facts = matches!(
                reason,
                WatchReason::Databases
                    | WatchReason::Policies
                    | WatchReason::Index
                    | WatchReason::Gates
                    | WatchReason::Bases
            );
            let may_differ = are_facts
                || known.as_ref().is_none_or(|inputs| {
                    check_all || reported.iter().chain(touched).any(|path| may_change(inputs, path))
                });
            let inputs = match known {
                Some(known) if !may_differ => known,
                known => {
                    let inputs = Arc::new(self.watch_set.inputs(&reason));
                    // A file that has just appeared is reported. A file that has become an input was
                    // checked together with what made it one. Databases and the index are known only
                    // after a check and may have changed since; a report of them needs no resolution.
                    let anything = check_all || are_facts && reason != WatchReason::Gates;
                    // A file may appear between a search for gates and the watch set that follows from it.
                    let is_new_gate_file = |file: &Utf8PathBuf, known: &DecidingFiles| {
                        reason == WatchReason::Gates
                            && !known.files.contains(file)
                            && file.parent().is_some_and(|at| known.search_folders.contains(at))
                    };
                    let appeared = |file: &&Utf8PathBuf| {
                        known.as_ref().is_some_and(|known| {
                            anything
                                || is_new_gate_file(file, known)
                                || touched.iter().any(|path| file.starts_with(path))
                        })
                    };
                    let noted = inputs.files.iter().filter(|file| !appeared(file));
                    self.files.stamps.note(noted);
                    let known =
                        known.iter().flat_map(|known| known.files.difference(&inputs.files));
                    former_inputs.extend(known.cloned());
                    inputs
                }
            };
            self.inputs.insert(reason, inputs);
        }
        self.plan = WatchPlan::of(&self.inputs);
        for dropped in before.values() {
            let dropped = dropped.files.difference(&self.plan.files);
            self.files.stamps.remove(dropped);
        }
        let of_workspaces = self.inputs.iter().filter_map(|(reason, inputs)| match reason {
            WatchReason::Workspace(workspace) => Some((workspace.clone(), Arc::clone(inputs))),
            _ => None,
        });
        *self.files.inputs() = of_workspaces.collect();
        former_inputs
    }
}

/// Whether a change of a path may add or remove input files.
fn may_change(inputs: &DecidingFiles, path: &Utf8Path) -> bool {
    contains_below(&inputs.files, path)
        || path.parent().is_some_and(|folder| inputs.search_folders.contains(folder))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Watched {
        _folder: tempfile::TempDir,
        root: Utf8PathBuf,
        messages: channel::Sender<WatchMessage>,
        events: mpsc::UnboundedReceiver<Event>,
    }

    /// A watched workspace.
    fn watched(
        system: impl FnOnce(channel::Sender<WatchMessage>) -> notify::Result<notify::RecommendedWatcher>,
    ) -> Watched {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("it exists");
        let root = Utf8PathBuf::from_path_buf(root).expect("UTF-8");
        fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"*\"]\n").expect("write");
        let (messages, received) = channel::channel();
        let (sender, events) = mpsc::unbounded_channel();
        let files = Arc::<WatchedFiles>::default();
        let workspace = Workspace::of_manifest(&root.join("Cargo.toml"));
        files.note_workspaces(std::slice::from_ref(&workspace));
        let folders = WatchedFolders::new(system(messages.clone()));
        let mut mailbox = Mailbox::new(received, sender.clone());
        std::thread::spawn(move || Watcher::new(&mut mailbox, sender, files, folders).run());
        let workspaces = BTreeSet::from([workspace]);
        let watch_set = WatchSet { workspaces, ..WatchSet::default() };
        messages.send(WatchMessage::SetWatch(watch_set)).expect("it runs");
        Watched { _folder: folder, root, messages, events }
    }

    impl Watched {
        fn changed(&mut self) -> Vec<Utf8PathBuf> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let event = runtime.expect("a runtime").block_on(async {
                tokio::time::timeout(Duration::from_secs(60), self.events.recv()).await
            });
            match event {
                Ok(Some(Event::FilesChanged(paths))) => paths,
                other => panic!("{other:?}"),
            }
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            let _ = self.messages.send(WatchMessage::End);
        }
    }

    #[test]
    fn files_are_polled_where_they_cannot_be_watched() {
        let mut watched = watched(|_| Err(notify::Error::generic("no more watches")));
        let lockfile = watched.root.join("Cargo.lock");
        fs::write(&lockfile, "version = 4\n").expect("write");
        assert_eq!(watched.changed(), [lockfile]);
        // A change that the main loop has not handled is reported again, with later ones.
        let member = watched.root.join("new/Cargo.toml");
        fs::create_dir(watched.root.join("new")).expect("folder");
        fs::write(&member, "[package]\nname = \"new\"\n").expect("write");
        while !watched.changed().contains(&member) {}
    }

    #[test]
    fn reports_of_the_client_are_merged_with_those_of_the_system() {
        let mut watched =
            watched(|messages| notify::recommended_watcher(move |event| forward(&messages, event)));
        let elsewhere = Utf8PathBuf::from("/elsewhere/Cargo.toml");
        let lockfile = watched.root.join("Cargo.lock");
        fs::write(&lockfile, "version = 4\n").expect("write");
        watched.messages.send(WatchMessage::Reported(vec![elsewhere.clone()])).expect("it runs");
        let mut changed = BTreeSet::new();
        while changed.len() < 2 {
            changed.extend(watched.changed());
        }
        assert_eq!(changed, BTreeSet::from([elsewhere, lockfile]));
    }

    #[test]
    fn read_access_is_ignored() {
        let (messages, received) = channel::channel();
        let opened = EventKind::Access(notify::event::AccessKind::Any);
        forward(&messages, Ok(notify::Event::new(opened)));
        assert!(received.try_recv().is_err());
        forward(&messages, Ok(notify::Event::new(EventKind::Any)));
        assert!(received.try_recv().is_ok());
    }
}
