//! Commands in TOML: tasks of cargo-make, mise, pixi and runners of `pyproject.toml`, and aliases of cargo.

use std::{collections::BTreeMap, rc::Rc};

use camino::{Utf8Path, Utf8PathBuf};
use toml::de::{DeTable, DeValue};

use super::{
    FileLine, GateSource, Search, UnresolvedReason,
    interpreter::{Call, Origin, ShellState},
    repository::CiFiles,
    script_text::ScriptText,
    shell::is_name,
    variables::{ExpandedWord, VariableValue},
    versions::{EngineVersion, VersionNumber},
};
use crate::{model::tree, workspace::lexical};

/// How many tasks call each other.
const DEPTH: usize = 8;

/// The tasks of a file.
#[derive(Debug, Default)]
pub(super) struct TaskFile {
    tasks: BTreeMap<String, Task>,
    environment: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default)]
struct Task {
    scripts: Vec<ScriptText>,
    dependencies: Vec<String>,
    folder: Option<String>,
    environment: BTreeMap<String, String>,
    ignores_errors: bool,
    version: Option<(VersionNumber, u32)>,
}

pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    for path in &files.tasks {
        let Some(text) = search.text(path) else { continue };
        if !text.as_str().contains("deny") {
            continue;
        }
        let Some(tasks) = open(search, path) else { continue };
        let origin = search.origin(path, GateSource::Task);
        for name in tasks.tasks.keys() {
            let shell = ShellState::at(&search.root, folder_of(path, &search.root));
            run_task(search, path, &tasks, name, &shell, &origin, DEPTH, false);
        }
    }
}

/// The folder that the tasks of a file run in.
fn folder_of(path: &Utf8Path, root: &Utf8Path) -> Utf8PathBuf {
    let folder = path.parent().unwrap_or(root);
    let is_below = folder.file_name() == Some(".config");
    folder.parent().filter(|_| is_below).unwrap_or(folder).to_owned()
}

fn open(search: &mut Search<'_>, path: &Utf8Path) -> Option<Rc<TaskFile>> {
    if let Some(known) = search.task_files.get(path) {
        return Some(Rc::clone(known));
    }
    let text = search.text(path)?;
    let text = text.as_str();
    let (parsed, _) = tree::parse(text);
    let lines = ScriptText::whole(1, text);
    let mut file = TaskFile::default();
    if let Some(environment) = tree::table(parsed.get_ref(), "env") {
        file.environment = texts(environment);
    }
    for tasks in task_tables(parsed.get_ref()) {
        for (name, value) in tasks {
            let task = match value.get_ref() {
                DeValue::Table(table) => task(text, table, &lines),
                // mise, pixi: `name = "command"`.
                _ => Task { scripts: scripts(text, value, &lines), ..Task::default() },
            };
            let mut name = name.get_ref().to_string();
            // Another environment has a task of the same name.
            while file.tasks.contains_key(&name) {
                name.push('\'');
            }
            file.tasks.insert(name, task);
        }
    }
    let file = Rc::new(file);
    search.task_files.insert(path.to_owned(), Rc::clone(&file));
    Some(file)
}

/// The tables of tasks: `[tasks]`, and those of pixi's features and of the runners of `pyproject.toml`.
fn task_tables<'t, 'i>(root: &'t DeTable<'i>) -> Vec<&'t DeTable<'i>> {
    const PATHS: [&[&str]; 9] = [
        &["tasks"],
        &["feature", "*", "tasks"],
        &["tool", "pixi", "tasks"],
        &["tool", "pixi", "feature", "*", "tasks"],
        &["tool", "poe", "tasks"],
        &["tool", "pdm", "scripts"],
        &["tool", "hatch", "envs", "*", "scripts"],
        &["tool", "rye", "scripts"],
        &["tool", "taskipy", "tasks"],
    ];
    let mut found = Vec::new();
    for path in PATHS {
        let mut tables = vec![root];
        for name in path {
            let below = |table: &&'t DeTable<'i>| match *name {
                "*" => table.values().filter_map(|value| value.get_ref().as_table()).collect(),
                name => tree::table(table, name).into_iter().collect::<Vec<_>>(),
            };
            tables = tables.iter().flat_map(below).collect();
        }
        found.extend(tables);
    }
    found
}

fn texts(table: &DeTable<'_>) -> BTreeMap<String, String> {
    let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
    table
        .iter()
        .filter_map(|(name, value)| Some((name.get_ref().to_string(), text(value.get_ref())?)))
        .collect()
}

fn task(text: &str, table: &DeTable<'_>, lines: &ScriptText) -> Task {
    let string = |key: &str| tree::string(text, table, key).map(|found| found.value);
    let mut task = Task {
        folder: string("cwd").or_else(|| string("dir")),
        ignores_errors: table.get("ignore_errors").and_then(|value| value.get_ref().as_bool())
            == Some(true),
        ..Task::default()
    };
    for key in ["dependencies", "depends", "depends-on", "run_task"] {
        match table.get(key).map(toml::Spanned::get_ref) {
            Some(DeValue::String(name)) => task.dependencies.push(name.to_string()),
            _ => task
                .dependencies
                .extend(tree::strings(text, table, key).into_iter().map(|name| name.value)),
        }
    }
    if let Some(environment) = tree::table(table, "env") {
        task.environment = texts(environment);
    }
    if let Some(installed) = tree::table(table, "install_crate") {
        let name = tree::string(text, installed, "crate_name");
        let version = ["version", "min_version"]
            .into_iter()
            .find_map(|key| tree::string(text, installed, key))
            .filter(|_| name.is_some_and(|name| name.value == "cargo-deny"));
        task.version = version.and_then(|version| {
            Some((VersionNumber::parse(&version.value)?, lines.line(version.span.start)))
        });
    }
    for key in ["script", "run", "cmd", "shell"] {
        let Some(value) = table.get(key) else { continue };
        if key == "cmd" && matches!(value.get_ref(), DeValue::Array(_)) {
            // pixi: the words of one command.
            let words = tree::strings(text, table, key);
            let words: Vec<_> =
                words.iter().map(|word| super::gates::quoted(&word.value)).collect();
            let line = lines.line(value.span().start);
            task.scripts.push(ScriptText::at(line, &words.join(" ")));
        } else {
            task.scripts.extend(scripts(text, value, lines));
        }
    }
    if let Some(command) = tree::string(text, table, "command") {
        let arguments = tree::strings(text, table, "args");
        let mut words = vec![super::gates::quoted(&command.value)];
        words.extend(arguments.iter().map(|word| quoted_unless_variable(&word.value)));
        task.scripts.push(ScriptText::at(lines.line(command.span.start), &words.join(" ")));
    }
    task
}

/// cargo-make replaces `${NAME}` in arguments.
fn quoted_unless_variable(word: &str) -> String {
    let inner = word.strip_prefix("${").and_then(|word| word.strip_suffix('}'));
    match inner {
        Some(name) if name.starts_with('@') || is_name(name) => word.to_owned(),
        _ => super::gates::quoted(word),
    }
}

/// A text, or a list of texts.
fn scripts(text: &str, value: &toml::Spanned<DeValue<'_>>, lines: &ScriptText) -> Vec<ScriptText> {
    let one = |value: &toml::Spanned<DeValue<'_>>| {
        let string = tree::string_value(text, value)?;
        let start = string.span.start;
        // The first line of a text of several lines begins after its quotes.
        let skipped = usize::from(text[start..].starts_with('\n'));
        let line = lines.line(start + skipped);
        Some(ScriptText::whole(line, string.value.strip_prefix('\n').unwrap_or(&string.value)))
    };
    match value.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(one).collect(),
        _ => one(value).into_iter().collect(),
    }
}

#[expect(clippy::too_many_arguments, reason = "a recursion over the tasks of one file")]
fn run_task(
    search: &mut Search<'_>,
    path: &Utf8Path,
    file: &TaskFile,
    name: &str,
    shell: &ShellState,
    origin: &Origin,
    depth: usize,
    with_dependencies: bool,
) {
    let Some(task) = file.tasks.get(name) else { return };
    let Some(depth) = depth.checked_sub(1) else { return };
    if search.is_over() {
        return;
    }
    if with_dependencies {
        for name in &task.dependencies {
            run_task(search, path, file, name, shell, origin, depth, true);
        }
    }
    let mut shell = shell.clone();
    for (name, value) in file.environment.iter().chain(&task.environment) {
        let value = if value.contains("${") {
            VariableValue::Unknown(UnresolvedReason::Value(format!("${name}")))
        } else {
            VariableValue::Text(value.clone())
        };
        shell.variables.set(name, value);
    }
    if let Some((number, line)) = task.version {
        let from = FileLine { file: path.to_owned(), line };
        shell.version = Some(EngineVersion { number, from });
    }
    if let Some(folder) = &task.folder {
        let word = if folder.contains('$') {
            let reason = UnresolvedReason::Folder(folder.clone());
            ExpandedWord::Unknown { written: folder.clone(), reason }
        } else {
            ExpandedWord::Known(folder.clone())
        };
        shell.enter_below(&word);
    }
    shell.stops = true;
    let origin =
        Origin { reports_only: origin.reports_only || task.ignores_errors, ..origin.clone() };
    search.run_script(&ScriptText::joined(&task.scripts), &mut shell, &origin);
}

/// `cargo make [--makefile file] task`
pub(super) fn call(
    search: &mut Search<'_>,
    words: &[ExpandedWord],
    call: &Call<'_>,
    shell: &ShellState,
) {
    let Ok(mut folder) = shell.folder.clone() else { return };
    let mut name = "Makefile.toml".to_owned();
    let mut rest = words.iter().map(ExpandedWord::shown);
    let mut task = None;
    while let Some(word) = rest.next() {
        match word {
            "--makefile" => rest.next().unwrap_or_default().clone_into(&mut name),
            "--cwd" => folder = folder.join(rest.next().unwrap_or_default()),
            "-p" | "--profile" | "-l" | "--loglevel" | "-e" | "--env" => {
                rest.next();
            }
            _ if word.starts_with('-') => {}
            _ => {
                task = Some(word.to_owned());
                break;
            }
        }
    }
    let path = lexical(&folder.join(&name));
    let path = if path.is_file() { path } else { search.root.join(&name) };
    let origin = call.origin.calls(call.line, &path, GateSource::Task);
    if origin.depth > DEPTH {
        return;
    }
    let Some(file) = open(search, &path) else { return };
    let mut inside = shell.clone();
    inside.enter(Ok(lexical(&folder)));
    inside.variables.arguments = rest.map(str::to_owned).collect();
    let task = task.unwrap_or_else(|| "default".to_owned());
    run_task(search, &path, &file, &task, &inside, &origin, DEPTH, true);
}

/// An alias of cargo's configuration.
pub(super) struct CargoAlias {
    pub(super) at: FileLine,
    pub(super) words: Vec<String>,
}

/// The alias of this name for commands in the current folder ("Configuration", The Cargo Book).
pub(super) fn alias(search: &mut Search<'_>, name: &str, shell: &ShellState) -> Option<CargoAlias> {
    let folder = shell.folder.clone().unwrap_or_else(|_| search.root.clone());
    let root = search.root.clone();
    let folders: Vec<_> = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(&root))
        .map(Utf8Path::to_owned)
        .collect();
    for folder in folders {
        for file in ["config.toml", "config"] {
            let path = folder.join(".cargo").join(file);
            if !path.is_file() {
                continue;
            }
            let found = aliases(search, &path).into_iter().find(|(alias, _)| alias == name);
            if let Some((_, alias)) = found {
                return Some(alias);
            }
        }
    }
    None
}

fn aliases(search: &mut Search<'_>, path: &Utf8Path) -> Vec<(String, CargoAlias)> {
    let Some(text) = search.text(path) else { return Vec::new() };
    let text = text.as_str();
    if !text.contains("alias") {
        return Vec::new();
    }
    let (parsed, _) = tree::parse(text);
    let Some(table) = tree::table(parsed.get_ref(), "alias") else { return Vec::new() };
    let lines = ScriptText::whole(1, text);
    let read = |(name, value): (
        &toml::Spanned<std::borrow::Cow<'_, str>>,
        &toml::Spanned<DeValue<'_>>,
    )| {
        // Cargo splits at spaces; quotes have no meaning.
        let words: Vec<String> = match value.get_ref() {
            DeValue::String(words) => words.split_whitespace().map(str::to_owned).collect(),
            DeValue::Array(items) => {
                items.iter().filter_map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
            }
            _ => return None,
        };
        let at = FileLine { file: path.to_owned(), line: lines.line(name.span().start) };
        Some((name.get_ref().to_string(), CargoAlias { at, words }))
    };
    table.iter().filter_map(read).collect()
}

/// Aliases for cargo-deny that no command uses.
pub(super) fn unused_aliases(search: &mut Search<'_>, files: &CiFiles) {
    for path in &files.cargo {
        for (_, alias) in aliases(search, path) {
            if search.used_aliases.contains(&alias.at) {
                continue;
            }
            let origin = search.origin(path, GateSource::CargoAlias);
            let folder =
                path.parent().and_then(Utf8Path::parent).unwrap_or(&search.root).to_owned();
            let mut shell = ShellState::at(&search.root, folder);
            let mut words = vec![ExpandedWord::Known("cargo".to_owned())];
            words.extend(alias.words.into_iter().map(ExpandedWord::Known));
            let call = Call { words: &words, line: alias.at.line, origin: &origin };
            if words.get(1).and_then(ExpandedWord::known) == Some("deny") {
                search.call(&call, &mut shell);
            }
        }
    }
}
