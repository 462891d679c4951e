//! The search: what is read first, what was found, and its limits.

mod action;
mod gates;
mod generic;
mod github;
mod gitlab;
mod inner_commands;
mod interpreter;
mod just;
mod make;
mod pre_commit;
mod repository;
mod rust_source;
mod scripts;
mod toml_tasks;
mod versions;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    DiscoveredGate, FileLine, GateSearch, GateSource, ReadText, UnresolvedGate, UnresolvedReason,
    script_text, shell, variables, yaml,
};
use crate::{limits, text::SourceText};
pub(crate) use gates::quoted;
use interpreter::{Call, Origin, ShellState};
use just::Justfile;
use make::Makefile;
use repository::CiFiles;
pub use repository::root_around;
use toml_tasks::{CargoAlias, TaskFile};
use variables::ExpandedWord;
pub use versions::{EngineVersion, VersionNumber};

/// The state of a search.
pub(super) struct Search<'r> {
    root: Utf8PathBuf,
    read: ReadText<'r>,
    texts: BTreeMap<Utf8PathBuf, Option<SourceText>>,
    result: GateSearch,
    found: Vec<FoundCommand>,
    /// The commands that were found, so that each is listed once.
    seen: BTreeMap<SeenCommand, usize>,
    /// The lines of commands that were found, with the file that was read then.
    reached: BTreeMap<FileLine, usize>,
    /// Counts the files that are read because nothing calls them.
    generation: usize,
    /// How many commands may still be read.
    steps: usize,
    /// What is installed for all commands without an own version.
    installed: Option<EngineVersion>,
    makefiles: BTreeMap<Utf8PathBuf, Rc<Makefile>>,
    justfiles: BTreeMap<Utf8PathBuf, Rc<Justfile>>,
    task_files: BTreeMap<Utf8PathBuf, Rc<TaskFile>>,
    /// The first line that runs the repository's xtask.
    xtask_from: Option<FileLine>,
    /// Aliases that a command uses.
    used_aliases: BTreeSet<FileLine>,
}

/// File, line, folder, and words.
type SeenCommand = (FileLine, String, Vec<String>);

/// A command that runs cargo-deny.
#[derive(Clone, Debug)]
pub(super) struct FoundCommand {
    at: FileLine,
    source: GateSource,
    called_from: Option<FileLine>,
    folder: Result<Utf8PathBuf, UnresolvedReason>,
    /// The words after `cargo deny`.
    words: Vec<ExpandedWord>,
    version: Option<EngineVersion>,
    reports_only: bool,
}

pub(super) fn run(root: &Utf8Path, read: ReadText<'_>) -> GateSearch {
    let mut search = Search {
        root: root.to_owned(),
        read,
        texts: BTreeMap::new(),
        result: GateSearch::default(),
        found: Vec::new(),
        seen: BTreeMap::new(),
        reached: BTreeMap::new(),
        generation: 0,
        steps: limits::CI_COMMANDS,
        installed: None,
        makefiles: BTreeMap::new(),
        justfiles: BTreeMap::new(),
        task_files: BTreeMap::new(),
        xtask_from: None,
        used_aliases: BTreeSet::new(),
    };
    let files = CiFiles::of(root, &mut search.result);
    search.installed = versions::of_files(&mut search, &files);
    // What the continuous integration runs comes first, so that the rest is known to be called or not.
    github::run(&mut search, &files);
    gitlab::run(&mut search, &files);
    generic::run(&mut search, &files);
    pre_commit::run(&mut search, &files);
    just::run(&mut search, &files);
    make::run(&mut search, &files);
    toml_tasks::run(&mut search, &files);
    rust_source::run(&mut search, &files);
    scripts::run(&mut search, &files);
    toml_tasks::unused_aliases(&mut search, &files);
    search.finish()
}

/// What commands of a script call, which leads back to scripts.
impl Search<'_> {
    fn call_make(&mut self, words: &[ExpandedWord], call: &Call<'_>, shell: &mut ShellState) {
        make::call(self, words, call, shell);
    }

    fn call_just(&mut self, words: &[ExpandedWord], call: &Call<'_>, shell: &mut ShellState) {
        just::call(self, words, call, shell);
    }

    fn call_toml_tasks(&mut self, words: &[ExpandedWord], call: &Call<'_>, shell: &ShellState) {
        toml_tasks::call(self, words, call, shell);
    }

    fn alias(&mut self, name: &str, shell: &ShellState) -> Option<CargoAlias> {
        toml_tasks::alias(self, name, shell)
    }
}

impl Search<'_> {
    /// The text of a file of the repository.
    fn text(&mut self, path: &Utf8Path) -> Option<SourceText> {
        if let Some(known) = self.texts.get(path) {
            return known.clone();
        }
        let is_inside = path.starts_with(&self.root);
        let text = if is_inside && self.texts.len() < limits::CI_FILES {
            self.result.files_read.insert(path.to_owned());
            match (self.read)(path) {
                Ok(text) => Some(text),
                Err(error) => {
                    if error.kind() != std::io::ErrorKind::NotFound && path.is_file() {
                        self.unreadable(path, UnresolvedReason::Unreadable(error.to_string()));
                    }
                    None
                }
            }
        } else {
            None
        };
        self.texts.insert(path.to_owned(), text.clone());
        text
    }

    /// Reports a file that could not be read.
    fn unreadable(&mut self, path: &Utf8Path, reason: UnresolvedReason) {
        let at = FileLine { file: path.to_owned(), line: 1 };
        self.unresolved(at, GateSource::Yaml, reason);
    }

    fn unresolved(&mut self, at: FileLine, source: GateSource, reason: UnresolvedReason) {
        let command = String::new();
        let gate = UnresolvedGate { at, source, called_from: None, version: None, command, reason };
        if !self.result.unresolved.contains(&gate)
            && self.result.unresolved.len() < limits::CI_GATES
        {
            self.result.unresolved.push(gate);
        }
    }

    /// Counts a command; `false` if there are too many.
    fn step(&mut self) -> bool {
        if self.steps == 1 {
            let at = FileLine { file: self.root.clone(), line: 1 };
            self.unresolved(at, GateSource::Script, UnresolvedReason::TooManyCommands);
        }
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }

    /// Whether there are commands left to read.
    fn is_over(&self) -> bool {
        self.steps <= 1
    }

    /// Adds a command that runs cargo-deny.
    fn add(&mut self, command: FoundCommand) {
        self.reached.entry(command.at.clone()).or_insert(self.generation);
        let folder = match &command.folder {
            Ok(folder) => folder.to_string(),
            Err(reason) => format!("? {reason}"),
        };
        let words = command.words.iter().map(|word| word.shown().to_owned()).collect();
        let key = (command.at.clone(), folder, words);
        if let Some(index) = self.seen.get(&key) {
            self.found[*index].reports_only &= command.reports_only;
            return;
        }
        if self.found.len() >= limits::CI_GATES {
            self.unresolved(command.at, command.source, UnresolvedReason::TooManyGates);
            self.steps = 1;
            return;
        }
        self.seen.insert(key, self.found.len());
        self.found.push(command);
    }

    /// Whether a command on this line was found in a file that was read before.
    fn is_reached(&self, at: &FileLine) -> bool {
        self.reached.get(at).is_some_and(|generation| *generation < self.generation)
    }

    /// The origin of a file that nothing calls, as far as is known.
    fn origin(&mut self, file: &Utf8Path, source: GateSource) -> Origin {
        self.generation += 1;
        Origin {
            file: file.to_owned(),
            source,
            called_from: None,
            reports_only: false,
            only_new: true,
            depth: 0,
        }
    }

    fn finish(mut self) -> GateSearch {
        let installed = self.installed.take();
        let mut workspaces = BTreeMap::new();
        for mut command in std::mem::take(&mut self.found) {
            if command.version.is_none() && command.source != GateSource::Action {
                command.version.clone_from(&installed);
            }
            match gates::resolve(command, &self.root, &mut workspaces) {
                gates::Resolved::Gate(gate) => self.result.gates.push(*gate),
                gates::Resolved::Unresolved(gate) => self.result.unresolved.push(*gate),
                gates::Resolved::NotACheck => {}
            }
        }
        self.result.gates.sort_by(|one, other| one.at.cmp(&other.at));
        self.result.unresolved.sort_by(|one, other| one.at.cmp(&other.at));
        self.result
    }
}
