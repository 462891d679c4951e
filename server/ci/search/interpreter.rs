//! Follows the commands of scripts to those that run cargo-deny: through folders, variables, functions, and what they
//! call. Nothing is run.

use std::{collections::BTreeMap, rc::Rc};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    FileLine, FoundCommand, GateSource, Search, UnresolvedReason,
    inner_commands::{
        ENVIRONMENTS, behind_separator, called_in_environment, executed_by_find, with_added_words,
    },
    script_text::ScriptText,
    shell::{
        self, AssignedValue, Assignment, CommandList, Connector, ListItem, ShellCommand, Word,
        WordPart,
    },
    variables::{ExpandedWord, VariableValue, Variables, shorten},
    versions::{self, EngineVersion},
};
use crate::workspace::lexical;

/// How many files, recipes and functions call each other.
const CALLS: usize = 8;

/// What a script depends on, and what its commands change.
#[derive(Clone, Debug)]
pub(super) struct ShellState {
    /// The current folder, or why it is not known.
    pub(super) folder: Result<Utf8PathBuf, UnresolvedReason>,
    pub(super) variables: Variables,
    /// A pipeline fails with any of its commands.
    pub(super) pipefail: bool,
    /// A command that fails ends the script.
    pub(super) stops: bool,
    /// What was installed before.
    pub(super) version: Option<EngineVersion>,
    functions: BTreeMap<String, Rc<CommandList>>,
}

impl ShellState {
    pub(super) fn at(root: &Utf8Path, folder: Utf8PathBuf) -> Self {
        let mut variables = Variables::default();
        variables.set_root(root.as_str());
        for name in [
            "GITHUB_WORKSPACE",
            "CI_PROJECT_DIR",
            "BUILD_SOURCESDIRECTORY",
            "CARGO_MAKE_WORKING_DIRECTORY",
        ] {
            variables.set_text(name, root.as_str());
        }
        let mut state = Self {
            folder: Ok(Utf8PathBuf::new()),
            variables,
            pipefail: false,
            stops: false,
            version: None,
            functions: BTreeMap::new(),
        };
        state.enter(Ok(folder));
        state
    }

    pub(super) fn enter(&mut self, folder: Result<Utf8PathBuf, UnresolvedReason>) {
        self.variables.set_current_folder(folder.as_ref().ok().map(|folder| folder.as_str()));
        self.folder = folder;
    }

    /// Changes to a folder that is relative to the current one.
    pub(super) fn enter_below(&mut self, path: &ExpandedWord) {
        let folder = match (path, &self.folder) {
            (_, Err(reason)) => Err(reason.clone()),
            (ExpandedWord::Unknown { reason, .. }, _) => {
                Err(UnresolvedReason::PartOfFolder(Box::new(reason.clone())))
            }
            (ExpandedWord::Known(path), Ok(folder)) => Ok(lexical(&folder.join(path))),
        };
        self.enter(folder);
    }
}

/// Where the text of a script comes from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) file: Utf8PathBuf,
    pub(super) source: GateSource,
    pub(super) called_from: Option<FileLine>,
    /// Whatever fails in it is ignored.
    pub(super) reports_only: bool,
    /// Lines that were reached from elsewhere do not count again.
    pub(super) only_new: bool,
    /// How many calls led to it.
    pub(super) depth: usize,
}

impl Origin {
    fn at(&self, line: u32) -> FileLine {
        FileLine { file: self.file.clone(), line }
    }

    /// The origin of what a line calls in another file.
    pub(super) fn calls(&self, line: u32, file: &Utf8Path, source: GateSource) -> Self {
        Self {
            file: file.to_owned(),
            source,
            called_from: self.called_from.clone().or_else(|| Some(self.at(line))),
            reports_only: self.reports_only,
            only_new: self.only_new,
            depth: self.depth + 1,
        }
    }
}

/// A command with its words and where it is.
pub(super) struct Call<'c> {
    pub(super) words: &'c [ExpandedWord],
    pub(super) line: u32,
    pub(super) origin: &'c Origin,
}

/// Programs that run the command behind them, with the options that take a value.
const WRAPPERS: [(&str, &[&str]); 18] = [
    ("sudo", &["-u", "-g"]),
    ("env", &["-u", "-C", "--unset"]),
    ("time", &[]),
    ("nice", &["-n"]),
    ("ionice", &["-c", "-n"]),
    ("nohup", &[]),
    ("exec", &[]),
    ("command", &[]),
    ("builtin", &[]),
    ("timeout", &["-s", "-k", "--signal"]),
    ("gtimeout", &["-s", "-k"]),
    ("retry", &["-t", "-d"]),
    ("travis_retry", &[]),
    ("chronic", &[]),
    ("stdbuf", &["-o", "-e", "-i"]),
    ("eatmydata", &[]),
    ("caffeinate", &[]),
    ("then", &[]),
];

/// Programs that only mention what is behind them.
const MENTIONS: [&str; 14] = [
    "echo", "printf", "grep", "rg", "which", "type", "test", "[", "[[", "git", "sed", "awk",
    "hash", "alias",
];

/// Options of cargo, before its command, that take a value.
const CARGO_VALUES: [&str; 4] = ["--color", "--config", "-Z", "--explain"];

impl Search<'_> {
    /// Looks for cargo-deny in a script.
    pub(super) fn run_script(
        &mut self,
        script: &ScriptText,
        shell: &mut ShellState,
        origin: &Origin,
    ) {
        if origin.depth > CALLS || self.is_over() {
            return;
        }
        let list = shell::parse(&script.text);
        self.run_list(&list, script, shell, origin);
    }

    fn run_list(
        &mut self,
        list: &[ListItem],
        script: &ScriptText,
        shell: &mut ShellState,
        origin: &Origin,
    ) {
        for (index, item) in list.iter().enumerate() {
            if self.is_over() {
                return;
            }
            let ignored = status_is_ignored(list, index, shell);
            let origin = Origin { reports_only: origin.reports_only || ignored, ..origin.clone() };
            self.run_command(&item.command, script, shell, &origin);
        }
    }

    fn run_command(
        &mut self,
        command: &ShellCommand,
        script: &ScriptText,
        shell: &mut ShellState,
        origin: &Origin,
    ) {
        match command {
            ShellCommand::Simple { assignments, words } => {
                self.simple(assignments, words, script, shell, origin);
            }
            ShellCommand::Group { list, subshell: true } => {
                self.run_list(list, script, &mut shell.clone(), origin);
            }
            ShellCommand::Group { list, subshell: false } => {
                self.run_list(list, script, shell, origin);
            }
            ShellCommand::For { name, items, body } => {
                let items: Vec<_> =
                    items.iter().flat_map(|item| shell.variables.expand(item)).collect();
                if items.is_empty() {
                    let reason = UnresolvedReason::LoopValues(name.clone());
                    shell.variables.set(name, VariableValue::Unknown(reason));
                    self.run_list(body, script, shell, origin);
                }
                for item in items {
                    let value = match item {
                        ExpandedWord::Known(text) if text.contains(['*', '?', '[']) => {
                            VariableValue::Unknown(UnresolvedReason::Files(text))
                        }
                        ExpandedWord::Known(text) => VariableValue::Text(text),
                        ExpandedWord::Unknown { reason, .. } => VariableValue::Unknown(reason),
                    };
                    shell.variables.set(name, value);
                    self.run_list(body, script, shell, origin);
                }
            }
            ShellCommand::Branches(branches) => {
                let before = shell.clone();
                for branch in branches {
                    let mut inside = before.clone();
                    inside.version.clone_from(&shell.version);
                    self.run_list(branch, script, &mut inside, origin);
                    shell.variables.merge(&inside.variables);
                    shell.version = inside.version;
                    shell.functions.extend(inside.functions);
                }
            }
            ShellCommand::Function { name, body } => {
                shell.functions.insert(name.clone(), Rc::clone(body));
            }
        }
    }

    fn simple(
        &mut self,
        assignments: &[Assignment],
        words: &[Word],
        script: &ScriptText,
        shell: &mut ShellState,
        origin: &Origin,
    ) {
        if !self.step() {
            return;
        }
        let assigned = assignments.iter().flat_map(|one| match &one.value {
            AssignedValue::Word(word) => std::slice::from_ref(word),
            AssignedValue::List(words) => words.as_slice(),
        });
        for part in words.iter().chain(assigned).flat_map(|word| &word.parts) {
            if let WordPart::Substitution { script: inside, at } = part {
                let origin = Origin { depth: origin.depth + 1, ..origin.clone() };
                self.run_script(&script.part(*at, inside), &mut shell.clone(), &origin);
            }
        }
        let mut inside;
        let shell = if words.is_empty() || assignments.is_empty() {
            shell
        } else {
            // They hold for this command only.
            inside = shell.clone();
            &mut inside
        };
        for assignment in assignments {
            assign(assignment, &mut shell.variables);
        }
        let Some(first) = words.first() else { return };
        let expanded: Vec<_> = words.iter().flat_map(|word| shell.variables.expand(word)).collect();
        let line = script.line(first.at);
        self.call(&Call { words: &expanded, line, origin }, shell);
    }

    /// A command whose words are known.
    pub(super) fn call(&mut self, call: &Call<'_>, shell: &mut ShellState) {
        let words = without_wrappers(call.words, shell);
        let Some(ExpandedWord::Known(first)) = words.first() else {
            self.deny(call, words, shell);
            return;
        };
        if let Some(version) = versions::installed_by(words, &call.origin.at(call.line)) {
            // `mise exec cargo-deny@0.18.6 -- cargo deny check`
            match behind_separator(words) {
                Some(command) => {
                    let mut inside = shell.clone();
                    inside.version = Some(version);
                    self.inner(command, call, &mut inside);
                }
                None => shell.version = Some(version),
            }
            return;
        }
        if let Some(body) = shell.functions.get(first).cloned() {
            self.function(&body, call, words, shell);
            return;
        }
        let program = Utf8Path::new(first).file_name().unwrap_or(first);
        let program = program.strip_suffix(".exe").unwrap_or(program);
        let rest = &words[1..];
        match program {
            "cd" | "pushd" | "Set-Location" => {
                let path = rest.iter().find(|word| word.known().is_none_or(|word| word != "--"));
                match path {
                    Some(ExpandedWord::Known(path)) if path == "-" => {
                        shell.enter(Err(UnresolvedReason::PreviousFolder));
                    }
                    Some(path) => shell.enter_below(path),
                    None => {}
                }
            }
            "popd" => shell.enter(Ok(self.root.clone())),
            "set" => set_options(rest, shell),
            "export" | "declare" | "local" | "readonly" | "typeset" => {
                for word in rest {
                    export(word, &mut shell.variables);
                }
            }
            "unset" => {
                for name in rest.iter().filter_map(ExpandedWord::known) {
                    shell.variables.set_text(name, "");
                }
            }
            "eval" => {
                let text: Vec<_> = rest.iter().map(ExpandedWord::shown).collect();
                self.nested(&text.join(" "), call, shell);
            }
            "bash" | "sh" | "zsh" | "dash" | "source" | "." | "pwsh" => {
                self.shell_program(program, rest, call, shell);
            }
            "make" | "gmake" => self.call_make(rest, call, shell),
            "just" => self.call_just(rest, call, shell),
            "xargs" | "parallel" => self.inner(&with_added_words(program, rest), call, shell),
            "find" => self.inner(&executed_by_find(rest), call, shell),
            _ if MENTIONS.contains(&program) => {}
            "cargo" if self.cargo(rest, call, shell) => {}
            _ if self.deny(call, words, shell) => {}
            _ if ENVIRONMENTS.contains(&program) => self.environment(program, rest, call, shell),
            _ => self.script_file(first, rest, call, shell),
        }
    }

    /// A command in another environment.
    fn environment(
        &mut self,
        program: &str,
        rest: &[ExpandedWord],
        call: &Call<'_>,
        shell: &ShellState,
    ) {
        let mut inside = shell.clone();
        let is = |word: &ExpandedWord, names: &[&str]| names.contains(&word.shown());
        let script = rest.iter().position(|word| is(word, &["--run", "--command"]));
        if let Some(script) =
            script.and_then(|at| rest.get(at + 1)).filter(|_| program == "nix-shell")
        {
            self.nested(script.shown(), call, &mut inside);
        } else if let Some(command) = called_in_environment(rest) {
            self.inner(command, call, &mut inside);
        } else if let Some(run) = rest.iter().position(|word| is(word, &["run", "r"]))
            && rest[run..].iter().any(|word| is(word, &["cargo-deny", "cargo_deny"]))
        {
            // A task of that name.
            let words: Vec<_> = call.words.iter().map(ExpandedWord::shown).collect();
            let reason = UnresolvedReason::RunBy(shorten(&words.join(" ")));
            let written = "..".to_owned();
            let program = ExpandedWord::Known("cargo-deny".to_owned());
            self.deny(call, &[program, ExpandedWord::Unknown { written, reason }], shell);
        }
    }

    /// A command that another one runs.
    fn inner(&mut self, words: &[ExpandedWord], call: &Call<'_>, shell: &mut ShellState) {
        if call.origin.depth >= CALLS || words.is_empty() {
            return;
        }
        let origin = Origin { depth: call.origin.depth + 1, ..call.origin.clone() };
        self.call(&Call { words, line: call.line, origin: &origin }, shell);
    }

    fn function(
        &mut self,
        body: &CommandList,
        call: &Call<'_>,
        words: &[ExpandedWord],
        shell: &mut ShellState,
    ) {
        if call.origin.depth >= CALLS {
            return;
        }
        let before = std::mem::take(&mut shell.variables.arguments);
        shell.variables.arguments = arguments(&words[1..]);
        let origin = Origin { depth: call.origin.depth + 1, ..call.origin.clone() };
        // The line of the call: each may have other words.
        let script = ScriptText::at(call.line, "");
        self.run_list(body, &script, shell, &origin);
        shell.variables.arguments = before;
    }

    /// Commands in a text of the command line.
    fn nested(&mut self, text: &str, call: &Call<'_>, shell: &mut ShellState) {
        let origin = Origin { depth: call.origin.depth + 1, ..call.origin.clone() };
        self.run_script(&ScriptText::at(call.line, text), shell, &origin);
    }

    fn shell_program(
        &mut self,
        program: &str,
        rest: &[ExpandedWord],
        call: &Call<'_>,
        shell: &mut ShellState,
    ) {
        let sourced = ["source", "."].contains(&program);
        let mut words = rest.iter().enumerate();
        while let Some((index, word)) = words.next() {
            let Some(text) = word.known() else {
                self.deny(call, rest, shell);
                return;
            };
            if text.starts_with('-') && text.len() > 1 && !sourced {
                if text.ends_with('c') && !text.starts_with("--") || text == "-Command" {
                    let Some((_, script)) = words.next() else { return };
                    let mut inside = shell.clone();
                    inside.pipefail = false;
                    inside.stops = text.contains('e');
                    self.nested(script.shown(), call, &mut inside);
                    return;
                }
                if ["-o", "-O", "+o"].contains(&text) {
                    words.next();
                }
                continue;
            }
            let arguments = &rest[index + 1..];
            if sourced {
                self.file(text, arguments, call, shell);
            } else {
                self.file(text, arguments, call, &mut shell.clone());
            }
            return;
        }
    }

    /// A script that is a command itself: `./ci/deny.sh`.
    fn script_file(
        &mut self,
        name: &str,
        arguments: &[ExpandedWord],
        call: &Call<'_>,
        shell: &ShellState,
    ) {
        if name.contains('/') || Utf8Path::new(name).extension() == Some("sh") {
            self.file(name, arguments, call, &mut shell.clone());
        }
    }

    fn file(
        &mut self,
        name: &str,
        words: &[ExpandedWord],
        call: &Call<'_>,
        shell: &mut ShellState,
    ) {
        let Ok(folder) = &shell.folder else { return };
        if call.origin.depth >= CALLS {
            return;
        }
        let path = lexical(&folder.join(name));
        if !path.is_file() && !path.starts_with(&self.root) {
            return;
        }
        let Some(text) = self.text(&path) else { return };
        let text = text.as_str();
        // Programs in other languages are not read.
        let first = text.lines().next().unwrap_or_default();
        let other = first.starts_with("#!") && !first.contains("sh");
        if other || text.contains('\0') {
            return;
        }
        let folder = path.parent().map_or("", Utf8Path::as_str);
        shell.variables.set_script(name, folder);
        shell.variables.arguments = arguments(words);
        shell.stops = first.starts_with("#!") && first.contains(" -e");
        let origin = call.origin.calls(call.line, &path, GateSource::Script);
        self.run_script(&ScriptText::whole(1, text), shell, &origin);
    }

    /// Commands of cargo that are an alias, or that run tasks. `false` if it is none.
    fn cargo(&mut self, rest: &[ExpandedWord], call: &Call<'_>, shell: &ShellState) -> bool {
        let Some(command) = cargo_command(rest) else { return false };
        let Some(name) = rest[command].known() else { return false };
        let behind = &rest[command + 1..];
        match name {
            "make" => {
                self.call_toml_tasks(behind, call, shell);
                return true;
            }
            "deny" => return false,
            "run" | "r" => {
                let package = behind.iter().filter_map(ExpandedWord::known);
                if package.into_iter().any(|word| word.contains("xtask")) {
                    self.xtask_from.get_or_insert(call.origin.at(call.line));
                }
                return false;
            }
            _ => {}
        }
        if call.origin.depth >= CALLS {
            return false;
        }
        let Some(alias) = self.alias(name, shell) else { return false };
        self.used_aliases.insert(alias.at.clone());
        let mut words = vec![ExpandedWord::Known("cargo".to_owned())];
        words.extend(alias.words.into_iter().map(ExpandedWord::Known));
        words.extend(behind.iter().cloned());
        let origin = Origin { depth: call.origin.depth + 1, ..call.origin.clone() };
        let call = Call { words: &words, line: call.line, origin: &origin };
        self.call(&call, &mut shell.clone());
        true
    }

    /// Adds the command if it runs cargo-deny.
    fn deny(&mut self, call: &Call<'_>, words: &[ExpandedWord], shell: &ShellState) -> bool {
        let Some((begin, folder)) = deny_words(words) else { return false };
        let at = call.origin.at(call.line);
        let words = &words[begin..];
        let is_known = words.iter().all(|word| word.known().is_some());
        let checks = words.iter().any(|word| word.known().is_some_and(|word| word == "check"));
        if is_known && !checks || call.origin.only_new && self.is_reached(&at) {
            return true;
        }
        let mut inside = shell.clone();
        if let Some(folder) = folder {
            inside.enter_below(&folder);
        }
        self.add(FoundCommand {
            at,
            source: call.origin.source,
            called_from: call.origin.called_from.clone(),
            folder: inside.folder,
            words: words.to_vec(),
            version: shell.version.clone(),
            reports_only: call.origin.reports_only,
        });
        true
    }
}

/// The words as arguments of a script or function; one that is not known stays as it is written.
fn arguments(words: &[ExpandedWord]) -> Vec<String> {
    words.iter().map(|word| word.shown().to_owned()).collect()
}

fn assign(assignment: &Assignment, variables: &mut Variables) {
    let Assignment { name, value, append } = assignment;
    let mut value = match value {
        AssignedValue::Word(word) => variables.expand_to_text(word),
        AssignedValue::List(words) => {
            let expanded: Vec<_> = words.iter().flat_map(|word| variables.expand(word)).collect();
            let unknown = expanded.iter().find_map(|word| match word {
                ExpandedWord::Unknown { reason, .. } => Some(reason.clone()),
                ExpandedWord::Known(_) => None,
            });
            match unknown {
                Some(reason) => VariableValue::Unknown(reason),
                None => VariableValue::List(arguments(&expanded)),
            }
        }
    };
    if *append {
        value = match (variables.get(name).cloned(), value) {
            (None, value) => value,
            (Some(VariableValue::Text(before)), VariableValue::Text(after)) => {
                VariableValue::Text(before + &after)
            }
            (Some(VariableValue::List(mut before)), VariableValue::List(after)) => {
                before.extend(after);
                VariableValue::List(before)
            }
            (Some(VariableValue::Unknown(reason)), _) | (_, VariableValue::Unknown(reason)) => {
                VariableValue::Unknown(reason)
            }
            _ => VariableValue::Unknown(UnresolvedReason::Value(format!("${name}"))),
        };
    }
    variables.set(name, value);
}

fn export(word: &ExpandedWord, variables: &mut Variables) {
    let Some((name, value)) = word.shown().split_once('=') else { return };
    let value = match word {
        ExpandedWord::Known(_) => VariableValue::Text(value.to_owned()),
        ExpandedWord::Unknown { reason, .. } => VariableValue::Unknown(reason.clone()),
    };
    variables.set(name, value);
}

fn set_options(words: &[ExpandedWord], shell: &mut ShellState) {
    let words: Vec<_> = words.iter().map(ExpandedWord::shown).collect();
    for (index, word) in words.iter().enumerate() {
        let on = word.starts_with('-');
        if !on && !word.starts_with('+') {
            continue;
        }
        if word.contains('e') {
            shell.stops = on;
        }
        if word.ends_with('o') {
            match words.get(index + 1).copied() {
                Some("pipefail") => shell.pipefail = on,
                Some("errexit") => shell.stops = on,
                _ => {}
            }
        }
    }
}

/// The command behind `sudo`, `env A=b`, `nix develop -c`, ..
fn without_wrappers<'w>(
    mut words: &'w [ExpandedWord],
    shell: &mut ShellState,
) -> &'w [ExpandedWord] {
    loop {
        let Some(first) = words.first().and_then(ExpandedWord::known) else { return words };
        let program = Utf8Path::new(first).file_name().unwrap_or(first);
        let Some((_, values)) = WRAPPERS.iter().find(|(name, _)| *name == program) else {
            return words;
        };
        let mut rest = &words[1..];
        while let Some(word) = rest.first() {
            let text = word.shown();
            let is_value = text.contains('=') && !text.starts_with('-') && program == "env";
            if is_value {
                export(word, &mut shell.variables);
                rest = &rest[1..];
            } else if values.contains(&text) {
                rest = rest.get(2..).unwrap_or_default();
            } else if text.starts_with('-')
                || ["timeout", "gtimeout"].contains(&program)
                    && text.starts_with(|c: char| c.is_ascii_digit())
            {
                rest = &rest[1..];
            } else {
                break;
            }
        }
        words = rest;
    }
}

/// The index of cargo's command among the words behind `cargo`.
fn cargo_command(words: &[ExpandedWord]) -> Option<usize> {
    let mut index = 0;
    while let Some(word) = words.get(index) {
        let text = word.shown();
        if CARGO_VALUES.contains(&text) || text == "-C" {
            index += 2;
        } else if text.starts_with('+') || text.starts_with('-') {
            index += 1;
        } else {
            return Some(index);
        }
    }
    None
}

/// Where the words for cargo-deny begin, and the folder of `cargo -C`.
fn deny_words(words: &[ExpandedWord]) -> Option<(usize, Option<ExpandedWord>)> {
    let text = |index: usize| words.get(index).map(ExpandedWord::shown);
    for (index, word) in words.iter().enumerate() {
        // Of the program itself only the folder may be unknown: `$HOME/.cargo/bin/cargo-deny`.
        let Some(word) = word.known().or_else(|| (index == 0).then(|| word.shown())) else {
            continue;
        };
        // nix: `nixpkgs#cargo-deny`.
        let word = word.rsplit_once('#').map_or(word, |(_, name)| name);
        let program = Utf8Path::new(word).file_name().unwrap_or(word);
        match program.strip_suffix(".exe").unwrap_or(program) {
            "cargo" | "$CARGO" => {
                let behind = &words[index + 1..];
                let Some(command) = cargo_command(behind) else { continue };
                if behind[command].known() == Some("deny") {
                    let folder = behind[..command].iter().position(|word| word.shown() == "-C");
                    let folder = folder.and_then(|at| behind.get(at + 1).cloned());
                    return Some((index + command + 2, folder));
                }
            }
            "cargo-deny" => {
                let begin = index + 1 + usize::from(text(index + 1) == Some("--"));
                let checks = words[begin..].iter().any(|word| word.shown() == "check");
                if index == 0 || checks {
                    return Some((begin, None));
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether the script goes on and passes when a command of a list fails.
fn status_is_ignored(list: &[ListItem], index: usize, shell: &ShellState) -> bool {
    let item = &list[index];
    if item.piped && !shell.pipefail {
        return true;
    }
    // The next command that runs when this one fails.
    let mut at = index;
    while at < list.len() && (list[at].piped || list[at].next == Connector::And) {
        at += 1;
    }
    let Some(last) = list.get(at) else { return false };
    if last.next == Connector::Or {
        let otherwise = list[at + 1..].first();
        return otherwise.is_some_and(|item| !may_fail(&item.command));
    }
    let later = &list[at + 1..];
    if shell.stops || later.is_empty() {
        return false;
    }
    // The last command decides, unless one looks at the status of this one.
    let is_looked_at = later.iter().any(|item| looks_at_status(&item.command));
    let last = later.last().map(|item| &item.command);
    !is_looked_at && last.is_some_and(|last| !may_fail(last))
}

/// Whether a command fails, or may.
fn may_fail(command: &ShellCommand) -> bool {
    match command {
        ShellCommand::Simple { words, .. } => {
            let text = |index: usize| words.get(index).and_then(Word::plain);
            match text(0) {
                Some("true" | ":" | "echo" | "printf" | "cat" | "sleep") => false,
                Some("exit" | "return") => text(1) != Some("0"),
                // Only assignments: a flag for later.
                _ => true,
            }
        }
        ShellCommand::Group { list, .. } | ShellCommand::For { body: list, .. } => {
            list.iter().any(|item| may_fail(&item.command))
        }
        ShellCommand::Branches(branches) => {
            branches.iter().flatten().any(|item| may_fail(&item.command))
        }
        ShellCommand::Function { .. } => false,
    }
}

fn looks_at_status(command: &ShellCommand) -> bool {
    let asks = |word: &Word| {
        word.parts.iter().any(|part| matches!(part, WordPart::Variable { name, .. } if name == "?"))
    };
    match command {
        ShellCommand::Simple { assignments, words } => {
            words.iter().any(asks)
                || words.first().and_then(Word::plain) == Some("exit")
                || assignments.iter().any(|one| match &one.value {
                    AssignedValue::Word(word) => asks(word),
                    AssignedValue::List(words) => words.iter().any(asks),
                })
        }
        ShellCommand::Group { list, .. } | ShellCommand::For { body: list, .. } => {
            list.iter().any(|item| looks_at_status(&item.command))
        }
        ShellCommand::Branches(branches) => {
            branches.iter().flatten().any(|item| looks_at_status(&item.command))
        }
        ShellCommand::Function { .. } => false,
    }
}
