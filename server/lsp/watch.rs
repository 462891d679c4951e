//! Watches the files that decide, in every editor the same: the owner is told of what has changed
//! on disk, by whomever, once.
//!
//! A thread owns the system's watches. Whatever happens to a file only wakes it; what has changed
//! is told by the files' [stamps](stamps). What the client tells comes the same way, so nothing is
//! told twice, and what belongs together (a branch that is switched) is told together.

mod folders;
mod stamps;
mod wanted;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as channel},
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use notify::EventKind;
use tokio::sync::mpsc;

use super::owner::Event;
use crate::{
    threads::{self, Doing},
    workspace::{DecidingFiles, Workspace},
};
use folders::Folders;
use stamps::{Stamp, Stamps};
use wanted::{Plan, Reason, folders_of_database, holds, of_workspace};

pub(super) use wanted::Wanted;

/// What comes within such a pause belongs together.
const PAUSE: Duration = Duration::from_millis(100);

/// Nothing is held back longer.
const LONGEST: Duration = Duration::from_secs(1);

/// How often files are looked at that cannot be watched.
const LOOK: Duration = Duration::from_millis(1500);

/// The owner's end. Dropping it ends the watching.
#[derive(Debug)]
pub(super) struct Watch {
    messages: channel::Sender<Message>,
    events: mpsc::UnboundedSender<Event>,
    known: Arc<Known>,
    wanted: Wanted,
}

/// What the owner and the thread know together.
#[derive(Debug, Default)]
pub(super) struct Known {
    stamps: Stamps,
    /// The files that decide each workspace that is watched.
    inputs: Mutex<BTreeMap<Workspace, Arc<DecidingFiles>>>,
    /// The same of those that were found, until they are watched.
    found: Mutex<BTreeMap<Workspace, DecidingFiles>>,
}

#[derive(Debug)]
enum Message {
    Want(Wanted),
    /// The client says that something happened to files.
    Told(Vec<Utf8PathBuf>),
    /// The system says so. A watched folder that is `gone` is another one when it is back.
    Touched {
        paths: Vec<PathBuf>,
        gone: bool,
        at: Instant,
    },
    /// The system has lost count.
    Lost,
    End,
}

impl Watch {
    pub(super) fn start(events: mpsc::UnboundedSender<Event>) -> Self {
        let (messages, received) = channel::channel();
        let known = Arc::<Known>::default();
        let watch = Self {
            messages,
            events: events.clone(),
            known: Arc::clone(&known),
            wanted: Wanted::default(),
        };
        let sender = watch.messages.clone();
        let mut mailbox = Mailbox::new(received, events.clone());
        // Begins anew with what was wanted when it panics.
        let run = move || {
            let sender = sender.clone();
            let passing_on = Doing::just("hearing of changed files");
            let system = notify::recommended_watcher(move |event| {
                if threads::caught(&passing_on, || tell(&sender, event)).is_err() {
                    let _ = sender.send(Message::Lost);
                }
            });
            let folders = Folders::new(system);
            Watcher::new(&mut mailbox, events.clone(), Arc::clone(&known), folders).run();
        };
        if let Err(error) = threads::supervised("watch", Doing::just("watching files"), run) {
            tracing::error!("files cannot be watched: {error}");
        }
        watch
    }

    /// Watches this and nothing else from now on.
    pub(super) fn want(&mut self, wanted: Wanted) {
        if self.wanted != wanted {
            self.wanted = wanted.clone();
            let _ = self.messages.send(Message::Want(wanted));
        }
    }

    /// The client has told of files. `Event::OnDisk` comes when they have really changed.
    pub(super) fn told(&self, paths: Vec<Utf8PathBuf>) {
        if let Err(channel::SendError(Message::Told(paths))) =
            self.messages.send(Message::Told(paths))
        {
            // Nobody watches any more.
            let _ = self.events.send(Event::OnDisk(paths));
        }
    }

    /// Those of the files whose change was not told before, with what they were before, where that
    /// is known.
    pub(super) fn news(&self, paths: Vec<Utf8PathBuf>) -> BTreeMap<Utf8PathBuf, Option<Stamp>> {
        self.known.stamps.news(paths)
    }

    /// Whether a file is one of those that decide a workspace.
    pub(super) fn decides(&self, workspace: &Workspace, path: &Utf8Path) -> bool {
        if let Some(inputs) = self.known.inputs().get(workspace) {
            return inputs.files.contains(path);
        }
        self.known.found().get(workspace).is_some_and(|inputs| inputs.files.contains(path))
    }

    pub(super) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::End);
    }
}

impl Known {
    /// Takes note of the files that decide workspaces which are going to be judged: what changes
    /// from now on is told.
    pub(super) fn note_workspaces(&self, workspaces: &[Workspace]) {
        for workspace in workspaces {
            if !self.inputs().contains_key(workspace) {
                let inputs = of_workspace(workspace);
                self.stamps.note(&inputs.files);
                self.found().insert(workspace.clone(), inputs);
            }
        }
    }

    /// The same for the workspaces that may appear in a folder.
    pub(super) fn note_folder(&self, folder: &Utf8Path) {
        self.stamps.note(&DecidingFiles::of_folder(folder).files);
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<Workspace, DecidingFiles>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inputs(&self) -> MutexGuard<'_, BTreeMap<Workspace, Arc<DecidingFiles>>> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on what the system says.
fn tell(messages: &channel::Sender<Message>, event: notify::Result<notify::Event>) {
    let message = match event {
        Ok(event) if event.need_rescan() => Message::Lost,
        // Reading changes nothing.
        Ok(notify::Event { kind: EventKind::Access(_), .. }) => return,
        Ok(event) => {
            let moved = matches!(event.kind, EventKind::Modify(notify::event::ModifyKind::Name(_)));
            let gone = moved || event.kind.is_remove();
            Message::Touched { paths: event.paths, gone, at: Instant::now() }
        }
        Err(error) => {
            tracing::info!("while watching files: {error}");
            Message::Lost
        }
    };
    let _ = messages.send(message);
}

/// What has come together.
#[derive(Debug, Default)]
struct Round {
    wanted: Option<Wanted>,
    told: Vec<Utf8PathBuf>,
    /// With when something happened to each last.
    touched: BTreeMap<Utf8PathBuf, Instant>,
    /// Anything may have happened.
    lost: bool,
}

/// What outlives a watcher that panics.
struct Mailbox {
    messages: channel::Receiver<Message>,
    events: mpsc::UnboundedSender<Event>,
    /// What was wanted last.
    wanted: Option<Wanted>,
    /// What the client has told of, until it is passed on.
    told: Vec<Utf8PathBuf>,
}

impl Mailbox {
    fn new(messages: channel::Receiver<Message>, events: mpsc::UnboundedSender<Event>) -> Self {
        Self { messages, events, wanted: None, told: Vec::new() }
    }
}

impl Drop for Mailbox {
    /// What the client has told of reaches the owner also when nobody watches any more.
    fn drop(&mut self) {
        let mut told = std::mem::take(&mut self.told);
        for message in self.messages.try_iter() {
            if let Message::Told(paths) = message {
                told.extend(paths);
            }
        }
        if !told.is_empty() {
            let _ = self.events.send(Event::OnDisk(told));
        }
    }
}

struct Watcher<'m> {
    mailbox: &'m mut Mailbox,
    events: mpsc::UnboundedSender<Event>,
    known: Arc<Known>,
    folders: Folders,
    wanted: Wanted,
    inputs: BTreeMap<Reason, Arc<DecidingFiles>>,
    plan: Plan,
    /// What was found changed without a word from the system: perhaps it is being written.
    found: Vec<Utf8PathBuf>,
}

impl<'m> Watcher<'m> {
    fn new(
        mailbox: &'m mut Mailbox,
        events: mpsc::UnboundedSender<Event>,
        known: Arc<Known>,
        folders: Folders,
    ) -> Self {
        let (wanted, inputs, plan) = (Wanted::default(), BTreeMap::new(), Plan::default());
        let found = Vec::new();
        Self { mailbox, events, known, folders, wanted, inputs, plan, found }
    }

    fn run(mut self) {
        // The one before this has panicked: anything may have happened since.
        let (wanted, told) = (self.mailbox.wanted.clone(), self.mailbox.told.clone());
        if wanted.is_some() || !told.is_empty() {
            self.go_round(Round { wanted, told, lost: true, ..Round::default() });
        }
        while let Some(round) = self.collect() {
            self.go_round(round);
        }
    }

    /// Waits until something happens and then until nothing more does; `None` at the end.
    fn collect(&mut self) -> Option<Round> {
        let mut round = Round { told: std::mem::take(&mut self.found), ..Round::default() };
        let begins = !round.told.is_empty();
        let look = self.folders.looks().then(|| Instant::now() + LOOK);
        let mut last = begins.then(|| Instant::now() + LONGEST);
        let mut until = if begins { Some(Instant::now() + PAUSE) } else { look };
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
                Message::End => return None,
                Message::Want(wanted) => {
                    self.mailbox.wanted = Some(wanted.clone());
                    round.wanted = Some(wanted);
                    if last.is_none() {
                        // With many workspaces another one is wanted before this one is watched.
                        until = Some(Instant::now());
                    }
                    continue;
                }
                Message::Told(paths) => {
                    self.mailbox.told.extend(paths.iter().cloned());
                    round.told.extend(paths);
                }
                Message::Touched { paths, gone, at } => {
                    if !self.touches(&paths, gone, at, &mut round) {
                        continue;
                    }
                }
                Message::Lost => round.lost = true,
            }
            let now = Instant::now();
            let last = *last.get_or_insert(now + LONGEST);
            until = Some(last.min(now + PAUSE));
        }
    }

    /// Whether any of the paths may decide something.
    fn touches(&mut self, paths: &[PathBuf], gone: bool, at: Instant, round: &mut Round) -> bool {
        let mut any = false;
        for path in paths.iter().filter_map(|path| Utf8Path::from_path(path)) {
            for path in self.folders.spellings(path) {
                let is_lost = gone && self.folders.is_watched(&path);
                if is_lost {
                    self.folders.drop(&path);
                }
                if is_lost || self.plan.concerns(&path) {
                    round.touched.insert(path, at);
                    any = true;
                }
            }
        }
        any
    }

    fn go_round(&mut self, round: Round) {
        let Round { wanted, told, touched, lost } = round;
        threads::failpoint("watch");
        if let Some(wanted) = wanted {
            self.wanted = wanted;
        }
        let looks = told.is_empty() && touched.is_empty();
        let lost = lost || looks && self.folders.looks();
        let paths = touched.keys().cloned().collect();
        let left_out = self.renew_inputs(&told, &paths, lost);
        self.folders.set(&self.plan.folders);
        // Also what has happened before a folder was watched.
        let files = self.plan.files.iter().chain(&left_out);
        let mut changed: BTreeSet<_> = self.known.stamps.differing(files).into_iter().collect();
        if looks && !lost && !changed.is_empty() {
            self.renew_inputs(&[], &changed, false);
            self.folders.set(&self.plan.folders);
        }
        // A folder that has appeared may have held a file for a while.
        for (path, at) in &touched {
            let files = self.plan.files.iter().chain(&left_out);
            let below = files.filter(|file| file.starts_with(path));
            let overlooked = below.filter(|file| self.known.stamps.overlooked(file, *at));
            changed.extend(overlooked.cloned().collect::<Vec<_>>());
        }
        if looks && !lost {
            self.found.extend(changed);
            return;
        }
        changed.extend(told);
        if !changed.is_empty() {
            threads::failpoint("changes");
            let _ = self.events.send(Event::OnDisk(changed.into_iter().collect()));
            self.mailbox.told.clear();
        }
    }

    /// Finds out anew which files decide, as far as that may have changed. Returns those that no
    /// longer do: they may have been deleted.
    fn renew_inputs(
        &mut self,
        told: &[Utf8PathBuf],
        touched: &BTreeSet<Utf8PathBuf>,
        lost: bool,
    ) -> BTreeSet<Utf8PathBuf> {
        let mut before = std::mem::take(&mut self.inputs);
        let mut left_out = BTreeSet::new();
        for reason in self.wanted.reasons() {
            let known = before.remove(&reason);
            let are_facts = matches!(reason, Reason::Databases | Reason::Index);
            let may_differ = are_facts
                || known.as_ref().is_none_or(|inputs| {
                    lost || told.iter().chain(touched).any(|path| may_change(inputs, path))
                });
            let inputs = match known {
                Some(known) if !may_differ => known,
                known => {
                    let inputs = Arc::new(self.wanted.inputs(&reason));
                    // What has just appeared is told; what was there and decides only now was
                    // judged with what made it decide. Facts are known only after they were
                    // asked for and may have changed since; telling costs no resolution.
                    let anything = lost || are_facts;
                    let appeared = |file: &&Utf8PathBuf| {
                        known.is_some()
                            && (anything || touched.iter().any(|path| file.starts_with(path)))
                    };
                    let noted = inputs.files.iter().filter(|file| !appeared(file));
                    self.known.stamps.note(noted);
                    let known =
                        known.iter().flat_map(|known| known.files.difference(&inputs.files));
                    left_out.extend(known.cloned());
                    inputs
                }
            };
            self.inputs.insert(reason, inputs);
        }
        self.plan = Plan::of(&self.inputs);
        for forgotten in before.values() {
            let forgotten = forgotten.files.difference(&self.plan.files);
            self.known.stamps.forget(forgotten);
        }
        let of_workspaces = self.inputs.iter().filter_map(|(reason, inputs)| match reason {
            Reason::Workspace(workspace) => Some((workspace.clone(), Arc::clone(inputs))),
            _ => None,
        });
        *self.known.inputs() = of_workspaces.collect();
        left_out
    }
}

/// Whether what happened to a path may bring or take away files that decide.
fn may_change(inputs: &DecidingFiles, path: &Utf8Path) -> bool {
    holds(&inputs.files, path)
        || path.parent().is_some_and(|folder| inputs.growing.contains(folder))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Watched {
        _folder: tempfile::TempDir,
        root: Utf8PathBuf,
        messages: channel::Sender<Message>,
        events: mpsc::UnboundedReceiver<Event>,
    }

    /// A workspace that is judged, and watched by what is returned.
    fn watched(
        system: impl FnOnce(channel::Sender<Message>) -> notify::Result<notify::RecommendedWatcher>,
    ) -> Watched {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("it exists");
        let root = Utf8PathBuf::from_path_buf(root).expect("UTF-8");
        fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"*\"]\n").expect("write");
        let (messages, received) = channel::channel();
        let (sender, events) = mpsc::unbounded_channel();
        let known = Arc::<Known>::default();
        let workspace = Workspace::of_manifest(&root.join("Cargo.toml"));
        known.note_workspaces(std::slice::from_ref(&workspace));
        let folders = Folders::new(system(messages.clone()));
        let mut mailbox = Mailbox::new(received, sender.clone());
        std::thread::spawn(move || Watcher::new(&mut mailbox, sender, known, folders).run());
        let workspaces = BTreeSet::from([workspace]);
        let wanted = Wanted { workspaces, ..Wanted::default() };
        messages.send(Message::Want(wanted)).expect("it runs");
        Watched { _folder: folder, root, messages, events }
    }

    impl Watched {
        fn told(&mut self) -> Vec<Utf8PathBuf> {
            let clock = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let event = clock.expect("a clock").block_on(async {
                tokio::time::timeout(Duration::from_secs(60), self.events.recv()).await
            });
            match event {
                Ok(Some(Event::OnDisk(paths))) => paths,
                other => panic!("{other:?}"),
            }
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            let _ = self.messages.send(Message::End);
        }
    }

    #[test]
    fn where_nothing_can_be_watched_files_are_looked_at() {
        let mut watched = watched(|_| Err(notify::Error::generic("there are no more watches")));
        let lock_file = watched.root.join("Cargo.lock");
        fs::write(&lock_file, "version = 4\n").expect("write");
        assert_eq!(watched.told(), [lock_file]);
        // What the owner has not taken note of is told again, with what has come since.
        let member = watched.root.join("new/Cargo.toml");
        fs::create_dir(watched.root.join("new")).expect("folder");
        fs::write(&member, "[package]\nname = \"new\"\n").expect("write");
        while !watched.told().contains(&member) {}
    }

    #[test]
    fn what_the_client_tells_of_is_passed_on_with_what_was_seen() {
        let mut watched =
            watched(|messages| notify::recommended_watcher(move |event| tell(&messages, event)));
        let elsewhere = Utf8PathBuf::from("/elsewhere/Cargo.toml");
        let lock_file = watched.root.join("Cargo.lock");
        fs::write(&lock_file, "version = 4\n").expect("write");
        watched.messages.send(Message::Told(vec![elsewhere.clone()])).expect("it runs");
        let mut told = BTreeSet::new();
        while told.len() < 2 {
            told.extend(watched.told());
        }
        assert_eq!(told, BTreeSet::from([elsewhere, lock_file]));
    }

    #[test]
    fn reading_wakes_nobody() {
        let (messages, received) = channel::channel();
        let opened = EventKind::Access(notify::event::AccessKind::Any);
        tell(&messages, Ok(notify::Event::new(opened)));
        assert!(received.try_recv().is_err());
        tell(&messages, Ok(notify::Event::new(EventKind::Any)));
        assert!(received.try_recv().is_ok());
    }
}
