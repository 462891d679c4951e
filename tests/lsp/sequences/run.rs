//! A server in a generated world, and the effects of each step.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    Cargo,
    layouts::Layout,
    recorder,
    steps::{Kind, Step},
    texts,
};
use crate::dice::Dice;
use crate::harness::{Change, Client, Editor, Session, Shown, TEST_TIMEOUT, World};

/// The compared parts of a diagnostic.
type ComparedDiagnostic = ((u32, u32), (u32, u32), u8, Option<String>, String);

/// The shown diagnostics, by file; files without any are omitted.
type All = BTreeMap<String, BTreeSet<ComparedDiagnostic>>;

pub(super) struct Run {
    pub(super) seed: u64,
    /// How long it may take to reach the right findings.
    pub(super) limit: Duration,
    pub(super) client: Client,
    editor: Editor,
    layout: Layout,
    /// The folders that the editor has open.
    folders: Vec<String>,
    trusted: bool,
    /// The texts on disk so far, by file.
    past: BTreeMap<String, BTreeSet<String>>,
    /// The last complete text of each open manifest.
    whole: BTreeMap<String, String>,
    /// The texts of deleted files.
    deleted: BTreeMap<String, String>,
    /// The diagnostics at the last comparison, and whether they must be complete.
    agreed: Option<(All, bool)>,
    /// The user's settings.
    pub(super) settings: Value,
    /// Open documents whose text the server may not know.
    pub(super) odd: BTreeSet<String>,
    log: String,
}

impl Run {
    pub(super) fn start(seed: u64, cargo: Cargo) -> Self {
        let mut dice = Dice(seed);
        let layout = Layout::of(&mut dice);
        let mut world = World::new(&layout.fixture);
        for folder in &layout.workspaces {
            // The first requirements may have no matching version.
            let _ = world.try_lock(folder);
        }
        // A panic message has the location.
        world.set("RUST_BACKTRACE", "1");
        match cargo {
            Cargo::Real => {}
            #[cfg(unix)]
            Cargo::Recorded => recorder::use_fake_cargo(&mut world),
        }
        let editor = *dice.pick(&Editor::ALL);
        let folders = layout.folders.clone();
        let client = session(&world, editor, &folders).start();
        let mut run = Self {
            seed,
            limit: TEST_TIMEOUT,
            client,
            editor,
            layout,
            folders,
            trusted: true,
            past: BTreeMap::new(),
            whole: BTreeMap::new(),
            deleted: BTreeMap::new(),
            agreed: None,
            settings: Value::Null,
            odd: BTreeSet::new(),
            log: String::new(),
        };
        for file in run.files() {
            run.note_disk(&file);
        }
        run
    }

    /// Ends the server as its editor does.
    pub(super) fn end(mut self) {
        self.client.ignore_all();
        self.client.end();
    }

    /// Kills the server.
    pub(super) fn give_up(self) {
        self.client.kill();
    }

    /// The world and the steps in it.
    pub(super) fn log(&self) -> String {
        format!("as {:?} in\n{}\n{}", self.editor, self.layout.fixture, self.log)
    }

    pub(super) fn go(&mut self, steps: &[Step]) -> Result<(), String> {
        self.assert_stays_equal()?;
        self.agreed = None;
        for step in steps {
            let mut dice = Dice(step.seed);
            self.note(&format!("{:?}", step.kind));
            if !matches!(step.kind, Kind::OddEdit | Kind::OddRequest | Kind::OddNotification) {
                self.send_whole_texts();
            }
            match step.kind {
                Kind::Open => self.open(&mut dice),
                Kind::Close => self.close(&mut dice),
                Kind::Edit => self.edit(1, &mut dice),
                Kind::Burst => self.edit(2 + dice.clone().roll(6), &mut dice),
                Kind::Replace => self.replace(&mut dice),
                Kind::Pair => self.pair(&mut dice),
                Kind::Save => self.save(&mut dice),
                Kind::Undo => self.undo(&mut dice),
                Kind::Outside => self.outside(&mut dice),
                Kind::Toggle => self.toggle(&mut dice),
                Kind::Lock => self.lock(&mut dice),
                Kind::Advise => self.advise(&mut dice),
                Kind::Yank => self.yank(),
                Kind::Folder => self.folder(&mut dice),
                Kind::Trust => self.trust(!self.trusted),
                Kind::Ask => self.send_request(),
                Kind::Settle => self.settle(),
                Kind::Restart => self.restart(),
                Kind::Compare => self.compare()?,
                Kind::OddEdit => self.invalid_edit(&mut dice),
                Kind::OddRequest => self.invalid_request(&mut dice),
                Kind::OddNotification => self.invalid_notification(&mut dice),
                Kind::OddText => self.unusual_text(&mut dice),
                Kind::Settings => self.random_settings(&mut dice),
            }
            self.client.receive_until(Instant::now());
        }
        let log = self.client.process().log();
        if log.contains("panicked") { Err(format!("the server panicked:\n{log}")) } else { Ok(()) }
    }

    pub(super) fn note(&mut self, what: &str) {
        let _ = writeln!(self.log, "{what}");
    }

    /// All files that an editor may open.
    pub(super) fn files(&self) -> Vec<String> {
        let locks = self.layout.workspaces.iter().map(|folder| inside(folder, "Cargo.lock"));
        [self.layout.manifests.clone(), self.layout.policies.clone(), locks.collect()].concat()
    }

    fn note_disk(&mut self, file: &str) {
        if let Some(text) = self.client.world.try_read(file) {
            self.past.entry(file.to_owned()).or_default().insert(text);
        }
    }

    fn write(&mut self, file: &str, text: &str) {
        self.note_disk(file);
        self.client.world.write(file, text);
        self.note_disk(file);
    }

    pub(super) fn one_open(&self, dice: &mut Dice) -> Option<String> {
        let open = self.client.open_documents();
        (!open.is_empty()).then(|| dice.pick(&open).clone())
    }

    fn open(&mut self, dice: &mut Dice) {
        let open = self.client.open_documents();
        let files: Vec<_> = self.files().into_iter().filter(|file| !open.contains(file)).collect();
        if files.is_empty() {
            return;
        }
        let file = dice.pick(&files).clone();
        let Some(mut text) = self.client.world.try_read(&file) else { return };
        if dice.once_in(4) {
            // As an unsaved text that the editor has kept over a restart.
            text = edited(&file, &text, dice);
        }
        if text.is_empty() {
            return;
        }
        self.note(&format!("  open `{file}`"));
        self.client.open_with(&file, "toml", &text);
        self.see_whole(&file);
    }

    fn close(&mut self, dice: &mut Dice) {
        let Some(file) = self.one_open(dice) else { return };
        self.note(&format!("  close `{file}`"));
        self.client.close(&file);
        self.whole.remove(&file);
    }

    pub(super) fn see_whole(&mut self, file: &str) {
        let text = self.client.text(file);
        if texts::is_whole(&text) {
            self.whole.insert(file.to_owned(), text);
        }
    }

    fn edit(&mut self, times: usize, dice: &mut Dice) {
        if self.one_open(&mut dice.clone()).is_none() {
            self.open(&mut dice.clone());
        }
        let Some(file) = self.one_open(dice) else { return };
        for _ in 0..times {
            let text = self.client.text(&file);
            let new = edited(&file, &text, dice);
            self.rewrite(&file, &new);
        }
    }

    /// As the editor sends it.
    fn rewrite(&mut self, file: &str, new: &str) {
        let text = self.client.text(file);
        if new == text || new.is_empty() {
            return;
        }
        self.note(&format!("  edit `{file}`:\n{}", difference(&text, new)));
        self.client.replace(file, &text, new);
        self.see_whole(file);
    }

    fn replace(&mut self, dice: &mut Dice) {
        let Some(file) = self.one_open(dice) else { return };
        let text = self.client.text(&file);
        let new = edited(&file, &text, dice);
        if !new.is_empty() {
            self.note(&format!("  replace `{file}`:\n{}", difference(&text, &new)));
            self.client.change(&file, &[Change::whole(&new)]);
            self.see_whole(&file);
        }
    }

    /// The text of the closed document no longer counts, that of the other still does.
    fn pair(&mut self, dice: &mut Dice) {
        let manifests = self.layout.manifests.clone();
        let first = dice.roll(manifests.len());
        let Some(other) = (0..manifests.len()).find(|at| *at != first) else { return };
        for at in [other, first] {
            let file = &manifests[at];
            if !self.client.open_documents().contains(file) {
                let Some(text) = self.client.world.try_read(file) else { return };
                self.note(&format!("  open `{file}`"));
                self.client.open_with(file, "toml", &text);
                self.see_whole(file);
            }
            let text = self.client.text(file);
            let new = edited(file, &text, dice);
            self.rewrite(file, &new);
        }
        self.settle();
        let file = &manifests[first];
        self.note(&format!("  close `{file}`"));
        self.client.close(file);
        self.whole.remove(file);
    }

    fn save(&mut self, dice: &mut Dice) {
        let Some(file) = self.one_open(dice) else { return };
        self.note(&format!("  save `{file}`"));
        self.note_disk(&file);
        self.client.save(&file);
        self.note_disk(&file);
    }

    fn undo(&mut self, dice: &mut Dice) {
        let Some(file) = self.one_open(dice) else { return };
        if let Some(text) = self.client.world.try_read(&file) {
            self.rewrite(&file, &text);
        }
    }

    fn outside(&mut self, dice: &mut Dice) {
        let files = [self.layout.manifests.clone(), self.layout.policies.clone()].concat();
        let file = dice.pick(&files).clone();
        let Some(text) = self.client.world.try_read(&file) else { return };
        let new = edited(&file, &text, dice);
        if new.is_empty() {
            return;
        }
        self.note(&format!("  on disk `{file}`:\n{}", difference(&text, &new)));
        if dice.once_in(2) {
            self.write(&file, &new);
        } else {
            // Replace the file.
            self.client.world.write(&format!("{file}.new"), &new);
            self.client.world.rename(&format!("{file}.new"), &file);
            self.note_disk(&file);
        }
        if dice.once_in(2) {
            self.client.notify_changed(&file, 2);
        }
    }

    fn toggle(&mut self, dice: &mut Dice) {
        let locks = self.layout.workspaces.iter().map(|folder| inside(folder, "Cargo.lock"));
        let files: Vec<_> = locks.chain(self.layout.policies.iter().cloned()).collect();
        let file = dice.pick(&files).clone();
        let kind = if let Some(text) = self.client.world.try_read(&file) {
            self.note(&format!("  delete `{file}`"));
            self.note_disk(&file);
            self.client.world.delete(&file);
            self.deleted.insert(file.clone(), text);
            3
        } else {
            let Some(text) = self.deleted.remove(&file) else { return };
            self.note(&format!("  restore `{file}`"));
            self.write(&file, &text);
            1
        };
        if dice.once_in(2) {
            self.client.notify_changed(&file, kind);
        }
    }

    fn lock(&mut self, dice: &mut Dice) {
        let folder = dice.pick(&self.layout.workspaces).clone();
        let file = inside(&folder, "Cargo.lock");
        self.note_disk(&file);
        let locked = self.client.world.try_lock(&folder).is_ok();
        self.note(&format!("  lock `{folder}`: {locked}"));
        self.note_disk(&file);
    }

    fn advise(&mut self, dice: &mut Dice) {
        let (id, package) =
            *dice.pick(&[("RUSTSEC-2026-0100", "isc"), ("RUSTSEC-2026-0101", "gpl")]);
        let file = format!("../db/crates/{package}/{id}.md");
        let world = &self.client.world;
        let what = match dice.roll(3) {
            0 => format!("#- advisory: {id} {package}: One"),
            1 => format!("#- advisory: {id} {package} patched >=1: Another"),
            _ => {
                if world.try_read(&file).is_some() {
                    world.delete(&file);
                }
                format!("#- no {id}")
            }
        };
        if what.starts_with("#- advisory") {
            world.add(&what);
        }
        self.note(&format!("  {what}"));
    }

    fn yank(&mut self) {
        let index = "../cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache/pl/ai/plain";
        let text = self.client.world.read(index);
        let (old, new) = if text.contains("\"yanked\":true") {
            ("\"yanked\":true", "\"yanked\":false")
        } else {
            ("\"yanked\":false", "\"yanked\":true")
        };
        self.client.world.edit(index, old, new);
        self.note(&format!("  plain is {new}"));
    }

    fn folder(&mut self, dice: &mut Dice) {
        if self.layout.folders.len() < 2 {
            return;
        }
        let folder = dice.pick(&self.layout.folders).clone();
        let listed = json!([{"uri": self.client.world.uri(&folder), "name": folder}]);
        let event = if self.folders.contains(&folder) {
            self.folders.retain(|open| *open != folder);
            json!({"added": [], "removed": listed})
        } else {
            self.folders.push(folder.clone());
            json!({"added": listed, "removed": []})
        };
        self.note(&format!("  folders {:?}", self.folders));
        self.client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
    }

    fn trust(&mut self, trusted: bool) {
        self.trusted = trusted;
        self.note(&format!("  trusted: {trusted}"));
        self.client.notify("supercargo/didChangeTrust", json!({"trusted": trusted}));
    }

    fn send_request(&mut self) {
        let uri = self.client.world.uri(&self.layout.manifests[0]);
        let position = json!({"line": 0, "character": 0});
        let params = json!({"textDocument": {"uri": uri}, "position": position});
        self.client.request("textDocument/hover", params).expect("a hover is answered");
    }

    fn settle(&mut self) {
        let deadline = Instant::now() + TEST_TIMEOUT;
        while !is_finished(&self.client, &self.checked_folders()) {
            assert!(Instant::now() < deadline, "no final status");
            self.client.receive_until(Instant::now() + Duration::from_millis(2));
        }
    }

    fn restart(&mut self) {
        let world = self.client.world.clone();
        let open = self.buffers();
        self.client.receive_until(Instant::now());
        self.client.ignore_all();
        self.client.end();
        self.trusted = true;
        let session = session(&world, self.editor, &self.folders).settings(self.settings.clone());
        self.client = session.start();
        for (file, text) in &open {
            self.client.open_with(file, "toml", text);
        }
    }

    fn buffers(&mut self) -> Vec<(String, String)> {
        let open = self.client.open_documents();
        open.into_iter().map(|file| (file.clone(), self.client.text(&file))).collect()
    }

    /// The folders of the checked workspaces: those of the open folders and documents.
    fn checked_folders(&self) -> Vec<String> {
        let open = self.client.open_documents();
        let mut checked = self.layout.workspaces.clone();
        checked.retain(|folder| {
            let is_inside = self.folders.iter().any(|open| open.is_empty() || open == folder);
            is_inside || open.iter().any(|file| file.starts_with(&format!("{folder}/")))
        });
        let outside = "../beside/Cargo.toml".to_owned();
        checked.extend(open.contains(&outside).then(|| "../beside".to_owned()));
        checked
    }

    /// Closes or completes documents that depend on the past.
    fn heal(&mut self) {
        if !self.trusted {
            self.trust(true);
        }
        for (file, _) in self.buffers() {
            let Some(disk) = self.client.world.try_read(&file) else {
                self.note(&format!("  close `{file}`, which is deleted"));
                self.client.close(&file);
                self.whole.remove(&file);
                continue;
            };
            let is_half_typed =
                !file.ends_with("Cargo.lock") && !texts::is_whole(&self.client.text(&file));
            if is_half_typed {
                let whole = self.whole.get(&file).unwrap_or(&disk).clone();
                self.rewrite(&file, &whole);
            }
            // The server may take it for a document without edits.
            let text = self.client.text(&file);
            let is_overtaken =
                text != disk && self.past.get(&file).is_some_and(|past| past.contains(&text));
            if is_overtaken {
                self.rewrite(&file, &disk);
            }
        }
    }

    fn compare(&mut self) -> Result<(), String> {
        self.heal();
        let world = self.client.world.clone();
        let checked = self.checked_folders();
        let fresh = session(&world, self.editor, &self.folders).settings(self.settings.clone());
        let mut fresh = fresh.argument("--no-cache").start();
        for (file, text) in self.buffers() {
            fresh.open_with(&file, "toml", &text);
        }
        let deadline = Instant::now() + self.limit;
        let last = loop {
            let moment = Duration::from_millis(2);
            fresh.receive_until(Instant::now() + moment);
            self.client.receive_until(Instant::now() + moment);
            let are_settled = is_finished(&fresh, &checked) && is_finished(&self.client, &checked);
            let is_all = checked.iter().all(|folder| fresh.state_of(folder) == Some("exact"));
            let expected = all(&fresh);
            let mut differing = differing(&expected, &all(&self.client), is_all);
            if is_all && self.shows_everything() {
                differing.push_str(&miscounted(&fresh, &checked));
                differing.push_str(&miscounted(&self.client, &checked));
            }
            if are_settled && differing.is_empty() {
                self.agreed = Some((expected, is_all));
                break None;
            }
            if Instant::now() > deadline {
                break Some(differing);
            }
        };
        let states = |client: &Client| -> Vec<String> {
            let state = |folder: &String| format!("{folder} {:?}", client.state_of(folder));
            checked.iter().map(state).collect()
        };
        let states_of_both = (states(&self.client), states(&fresh));
        fresh.end_while_another_runs();
        if let Some(differing) = last {
            return Err(format!(
                "{differing}\nthe server: {:?}\na fresh one: {:?}",
                states_of_both.0, states_of_both.1
            ));
        }
        self.send_request();
        self.assert_stays_equal()
    }

    /// Whether no setting hides findings or changes their severity.
    fn shows_everything(&self) -> bool {
        self.settings["checks"].is_null() && self.settings["codes"].is_null()
    }

    /// Publications in flight at the comparison may be shown for a moment; then they must be right again.
    fn assert_stays_equal(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + self.limit;
        self.client.receive_until(Instant::now());
        let Some((expected, is_all)) = &self.agreed else { return Ok(()) };
        loop {
            let differing = differing(expected, &all(&self.client), *is_all);
            if differing.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("the findings have changed again:\n{differing}"));
            }
            self.client.receive_until(Instant::now() + Duration::from_millis(2));
        }
    }
}

fn session(world: &World, editor: Editor, folders: &[String]) -> Session {
    let folders: Vec<_> = folders.iter().map(String::as_str).collect();
    Session::of(world.clone()).editor(editor).folders(&folders)
}

fn inside(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn edited(file: &str, text: &str, dice: &mut Dice) -> String {
    if text.is_empty() || file.ends_with("Cargo.lock") {
        text.to_owned()
    } else if file.ends_with("Cargo.toml") {
        texts::edited_manifest(text, file.starts_with("crates/"), dice)
    } else {
        texts::edited_policy(text, dice)
    }
}

/// Whether the last statuses are final.
fn is_finished(client: &Client, checked: &[String]) -> bool {
    let is_final = |state: &str| ["exact", "failed", "untrusted"].contains(&state);
    checked.iter().all(|folder| client.state_of(folder).is_some_and(is_final))
}

/// Each error and warning of a verdict is shown once: the statuses count as many as are published. Workspaces
/// may share files, in which the same finding is shown once for all of them.
fn miscounted(client: &Client, checked: &[String]) -> String {
    let shown = client.shown();
    let diagnostics = shown.values().flat_map(|shown| &shown.diagnostics);
    let published = diagnostics.filter(|one| one.severity <= 2).count() as u64;
    let counts_of = |folder: &String| -> u64 {
        let Some(status) = client.status_of(folder) else { return 0 };
        let checks = status["checks"].as_object().into_iter().flat_map(|checks| checks.values());
        let counts = checks.chain([&status["uncounted"]]);
        let both = counts.flat_map(|counts| [&counts["errors"], &counts["warnings"]]);
        both.filter_map(Value::as_u64).sum()
    };
    let counted: u64 = checked.iter().map(counts_of).sum();
    let is_right = match checked.len() as u64 {
        1 => counted == published,
        workspaces => published <= counted && counted <= published * workspaces,
    };
    if is_right {
        return String::new();
    }
    format!("  {published} errors and warnings are published, the statuses count {counted}\n")
}

fn all(client: &Client) -> All {
    let compared = |shown: &Shown| -> BTreeSet<ComparedDiagnostic> {
        let diagnostics = shown.diagnostics.iter().map(|one| {
            let (start, end) = (one.range.start, one.range.end);
            let location = ((start.line, start.character), (end.line, end.character));
            (location.0, location.1, one.severity, one.code.clone(), one.message.clone())
        });
        diagnostics.collect()
    };
    let shown = client.shown();
    let all = shown
        .into_iter()
        .map(|(file, shown)| (client.world.with_placeholders(file), compared(shown)));
    all.filter(|(_, shown)| !shown.is_empty()).collect()
}

/// The missing diagnostics and, where the set must be complete, the unexpected ones. Without a verdict
/// the last one is still shown; only the failure must be there.
fn differing(expected: &All, shown: &All, is_all: bool) -> String {
    let mut words = String::new();
    let is_compared = |file: &str| is_all || file.ends_with("deny.toml");
    let refusals = [expected, shown].map(|all| {
        let diagnostics = all.values().flatten();
        let refusals = diagnostics
            .filter(|(.., code, _)| code.as_deref() == Some("supercargo::resolution-failed"))
            .map(|(.., message)| message.as_str());
        refusals.collect::<Vec<_>>()
    });
    // With errors in several manifests, cargo reports any of them.
    if !is_all && !refusals[0].is_empty() && refusals[1].is_empty() {
        let _ = writeln!(words, "  only a fresh server shows {:?}", refusals[0]);
    }
    // These errors come from an incomplete copy of the workspace, never from the workspace.
    for refusal in refusals
        .iter()
        .flatten()
        .filter(|words| words.contains("no targets") || words.contains("No such file"))
    {
        let _ = writeln!(words, "  one of them says: {refusal}");
    }
    let none = BTreeSet::new();
    let files: BTreeSet<_> = expected.keys().chain(shown.keys()).collect();
    for file in files {
        let expected = expected.get(file).unwrap_or(&none);
        let shown = shown.get(file).unwrap_or(&none);
        for one in expected.difference(shown).filter(|_| is_compared(file)) {
            let _ = writeln!(words, "  only a fresh server shows in {file}: {one:?}");
        }
        for one in shown.difference(expected).filter(|_| is_all) {
            let _ = writeln!(words, "  a fresh server does not show in {file}: {one:?}");
        }
    }
    words
}

/// The lines that differ.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let same = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = same.take_while(|(old, new)| old == new).count();
    let lines = |mark: &str, lines: &[&str]| -> String {
        let lines = &lines[start..lines.len() - end];
        let marked = lines.iter().map(|line| format!("    {mark}{start} {line}\n"));
        marked.collect::<Vec<_>>().concat()
    };
    lines("-", &old) + &lines("+", &new)
}
