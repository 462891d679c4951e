//! Makefiles: the recipes of their targets, with variables ("GNU make", 5 and 6).

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    GateSource, Search,
    interpreter::{Call, Origin, ShellState},
    repository::CiFiles,
    script_text::ScriptText,
    shell::is_name,
    variables::ExpandedWord,
};
use crate::workspace::lexical;

/// How deep variables use each other.
const DEPTH: usize = 16;

/// Bytes of a recipe line with its variables.
const EXPANDED: usize = 1 << 16;

/// What a recipe line has that runs cargo-deny, or calls something that may.
const CALLS: [&str; 6] = ["deny", "cargo", "make", "just", "sh", "/"];

/// How many files include each other.
const INCLUDES: usize = 8;

/// A Makefile with those that it includes.
#[derive(Debug, Default)]
pub(super) struct Makefile {
    variables: BTreeMap<String, MakeVariable>,
    rules: Vec<MakeRule>,
    /// The rules of each target.
    by_target: BTreeMap<String, Vec<usize>>,
    one_shell: bool,
    shell_flags: bool,
}

#[derive(Clone, Debug)]
enum MakeVariable {
    Text(String),
    /// It depends on a condition.
    Unknown,
}

#[derive(Debug, Default)]
struct MakeRule {
    file: Utf8PathBuf,
    targets: Vec<String>,
    prerequisites: Vec<String>,
    /// The variables of the target
    variables: Vec<(String, String)>,
    /// The lines of the recipe, with the number of each; a line that goes on is one.
    recipe: Vec<(u32, String)>,
}

pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    for path in &files.make {
        let Some(text) = search.text(path) else { continue };
        if !text.as_str().contains("deny") {
            continue;
        }
        let Some(makefile) = open(search, path) else { continue };
        let folder = folder_of(path, &search.root);
        let origin = search.origin(path, GateSource::Make);
        let mut shell = ShellState::at(&search.root, folder);
        for rule in makefile.rules.iter().filter(|rule| rule.file == *path) {
            shell.version = None;
            run_rule(search, &makefile, rule, &BTreeMap::new(), &mut shell, &origin);
        }
    }
}

/// Make runs in the folder of its Makefile; a part that others include, in theirs.
fn folder_of(path: &Utf8Path, root: &Utf8Path) -> Utf8PathBuf {
    if path.extension() == Some("mk") {
        let above = path.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
        let names = ["Makefile", "makefile", "GNUmakefile"];
        let mut with = above.filter(|folder| names.iter().any(|name| folder.join(name).is_file()));
        return with.next().unwrap_or(root).to_owned();
    }
    path.parent().unwrap_or(root).to_owned()
}

fn open(search: &mut Search<'_>, path: &Utf8Path) -> Option<Rc<Makefile>> {
    if let Some(known) = search.makefiles.get(path) {
        return Some(Rc::clone(known));
    }
    let mut makefile = Makefile::default();
    read(search, path, &mut makefile, INCLUDES)?;
    for (index, rule) in makefile.rules.iter().enumerate() {
        for target in &rule.targets {
            makefile.by_target.entry(target.clone()).or_default().push(index);
        }
    }
    let makefile = Rc::new(makefile);
    search.makefiles.insert(path.to_owned(), Rc::clone(&makefile));
    Some(makefile)
}

fn read(
    search: &mut Search<'_>,
    path: &Utf8Path,
    makefile: &mut Makefile,
    depth: usize,
) -> Option<()> {
    let text = search.text(path)?;
    let mut rule: Option<MakeRule> = None;
    let mut conditions = 0_usize;
    let mut definition: Option<(String, String)> = None;
    for (line, logical) in logical_lines(text.as_str()) {
        if let Some((name, value)) = &mut definition {
            if logical.trim() == "endef" {
                makefile.variables.insert(name.clone(), MakeVariable::Text(value.clone()));
                definition = None;
            } else {
                value.push_str(&logical);
                value.push('\n');
            }
            continue;
        }
        if let Some(command) = logical.strip_prefix('\t') {
            if let Some(rule) = &mut rule
                && !command.trim_start().starts_with('#')
            {
                rule.recipe.push((line, command.to_owned()));
            }
            continue;
        }
        let statement = without_comment(&logical);
        let statement = statement.trim();
        let first = statement.split_whitespace().next().unwrap_or_default();
        match first {
            "" | "else" => continue,
            "ifeq" | "ifneq" | "ifdef" | "ifndef" => {
                conditions += 1;
                continue;
            }
            "endif" => {
                conditions = conditions.saturating_sub(1);
                continue;
            }
            "define" => {
                let name = statement.split_whitespace().nth(1).unwrap_or_default();
                definition = Some((name.to_owned(), String::new()));
                continue;
            }
            "include" | "-include" | "sinclude" => {
                makefile.rules.extend(rule.take());
                let Some(depth) = depth.checked_sub(1) else { continue };
                for name in statement.split_whitespace().skip(1).filter(|name| !name.contains('$'))
                {
                    let folder = path.parent().unwrap_or(path);
                    let included = lexical(&folder.join(name));
                    if included != path {
                        read(search, &included, makefile, depth);
                    }
                }
                continue;
            }
            _ => {}
        }
        if let Some((name, sign, value)) = assignment(statement) {
            makefile.assign(name, sign, value, conditions > 0);
            continue;
        }
        if let Some(next) = parse_rule(path, line, statement, makefile) {
            makefile.rules.extend(rule.take());
            rule = Some(next);
        }
    }
    makefile.rules.extend(rule);
    Some(())
}

/// Lines with the lines that they go on with; the backslashes stay, as a shell reads them.
fn logical_lines(text: &str) -> impl Iterator<Item = (u32, String)> {
    let mut lines = (1_u32..).zip(text.lines());
    std::iter::from_fn(move || {
        let (number, first) = lines.next()?;
        let mut whole = first.to_owned();
        while whole.ends_with('\\') {
            let Some((_, next)) = lines.next() else { break };
            whole.push('\n');
            whole.push_str(next);
        }
        Some((number, whole))
    })
}

fn without_comment(line: &str) -> String {
    let mut end = line.len();
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if c == '#' && !escaped {
            end = at;
            break;
        }
        escaped = c == '\\';
    }
    line[..end].replace("\\\n", " ")
}

/// `name`, `=`, and the value of an assignment.
fn assignment(statement: &str) -> Option<(&str, &str, &str)> {
    let statement =
        ["export ", "override ", "private "].iter().fold(statement, |statement, word| {
            statement.strip_prefix(word).unwrap_or(statement).trim_start()
        });
    let at = statement.find('=')?;
    let (left, value) = (&statement[..at], &statement[at + 1..]);
    let signs = ["::", ":", "?", "+", "!"];
    let sign = signs.into_iter().find(|sign| left.ends_with(sign)).unwrap_or_default();
    let name = left[..left.len() - sign.len()].trim();
    let is_name = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let is_one = !name.is_empty() && name.chars().all(is_name);
    is_one.then(|| (name, sign, value.trim()))
}

fn parse_rule(
    path: &Utf8Path,
    line: u32,
    statement: &str,
    makefile: &mut Makefile,
) -> Option<MakeRule> {
    let (targets, rest) = statement.split_once(':')?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let targets: Vec<_> = targets.split_whitespace().map(str::to_owned).collect();
    if targets.iter().any(|target| target == ".ONESHELL") {
        makefile.one_shell = true;
    }
    let mut rule = MakeRule { file: path.to_owned(), targets, ..MakeRule::default() };
    if let Some((name, _, value)) = assignment(rest.trim()) {
        rule.variables.push((name.to_owned(), value.to_owned()));
        return Some(rule);
    }
    let (prerequisites, command) = match rest.split_once(';') {
        Some((prerequisites, command)) => (prerequisites, Some(command)),
        None => (rest, None),
    };
    let names = prerequisites.split_whitespace().filter(|name| *name != "|");
    rule.prerequisites = names.map(str::to_owned).collect();
    rule.recipe.extend(command.map(|command| (line, command.to_owned())));
    Some(rule)
}

impl Makefile {
    fn assign(&mut self, name: &str, sign: &str, value: &str, conditional: bool) {
        if name == ".SHELLFLAGS" {
            self.shell_flags = value.contains("pipefail");
        }
        let before = self.variables.get(name).cloned();
        let value = match (sign, before) {
            ("?", Some(before)) => before,
            ("+", Some(MakeVariable::Text(before))) if !conditional => {
                MakeVariable::Text(format!("{before} {value}"))
            }
            ("+", Some(_)) => MakeVariable::Unknown,
            // One of two branches: which one is not known.
            (_, Some(MakeVariable::Text(before))) if conditional && before != value => {
                MakeVariable::Unknown
            }
            _ => MakeVariable::Text(value.to_owned()),
        };
        self.variables.insert(name.to_owned(), value);
    }

    /// Whether a recipe line can run cargo-deny or call something, before its variables are expanded.
    fn may_call(&self, command: &str, given: &BTreeMap<String, String>) -> bool {
        if CALLS.iter().any(|word| command.contains(word)) {
            return true;
        }
        command.match_indices(['(', '{']).any(|(at, _)| {
            let rest = &command[at + 1..];
            let name = rest.find([')', '}']).map_or(rest, |end| &rest[..end]);
            let is_plain = name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
            let of_make = ["CARGO", "MAKE"].contains(&name);
            !is_plain || of_make || self.variables.contains_key(name) || given.contains_key(name)
        })
    }

    /// A text with the values of make's variables. What is not known becomes `${{ .. }}`.
    fn expand(&self, text: &str, own: &BTreeMap<String, String>, depth: usize) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            result.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if result.len() > EXPANDED {
                return "${{ a very long variable }}".to_owned();
            }
            let Some(c) = rest.chars().next() else { break };
            if c == '$' {
                result.push('$');
                rest = &rest[1..];
                continue;
            }
            let (name, after) = match c {
                '(' | '{' => {
                    let close = if c == '(' { ')' } else { '}' };
                    match closing(&rest[1..], c, close) {
                        Some(end) => (&rest[1..=end], &rest[end + 2..]),
                        None => (rest, ""),
                    }
                }
                _ => rest.split_at(c.len_utf8()),
            };
            rest = after;
            result.push_str(&self.value(name.trim(), own, depth));
        }
        result.push_str(rest);
        result
    }

    fn value(&self, name: &str, own: &BTreeMap<String, String>, depth: usize) -> String {
        let unknown = || format!("${{{{ $({}) }}}}", name.replace('}', " "));
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        if let Some(value) = own.get(name) {
            return self.expand(value, own, depth);
        }
        match self.variables.get(name) {
            Some(MakeVariable::Text(value)) => self.expand(value, own, depth),
            Some(MakeVariable::Unknown) => unknown(),
            None => match name {
                "CARGO" => "cargo".to_owned(),
                "MAKE" => "make".to_owned(),
                "CURDIR" | "PWD" => "$PWD".to_owned(),
                "Q" | "V" | "AT" | "MAKEFLAGS" | "MFLAGS" => String::new(),
                // A variable of the environment.
                _ if is_name(name) => format!("${{{name}}}"),
                _ => unknown(),
            },
        }
    }
}

/// The offset of what closes a parenthesis that is open.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
        }
    }
    None
}

fn run_rule(
    search: &mut Search<'_>,
    makefile: &Makefile,
    rule: &MakeRule,
    given: &BTreeMap<String, String>,
    shell: &mut ShellState,
    origin: &Origin,
) {
    if !rule.recipe.iter().any(|(_, command)| makefile.may_call(command, given)) {
        return;
    }
    let mut own = BTreeMap::new();
    if let Some(target) = rule.targets.first() {
        own.insert("@".to_owned(), target.clone());
        for index in makefile.by_target.get(target).into_iter().flatten() {
            own.extend(makefile.rules[*index].variables.iter().cloned());
        }
    }
    own.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    let origin = Origin { file: rule.file.clone(), ..origin.clone() };
    let lines = rule.recipe.iter().map(|(line, command)| {
        let mut command = command.trim_start();
        let mut ignored = false;
        while let Some(rest) = command.strip_prefix(['@', '-', '+']) {
            ignored |= command.starts_with('-');
            command = rest.trim_start();
        }
        (*line, ignored, makefile.expand(command, &own, DEPTH))
    });
    let lines: Vec<_> = lines.collect();
    shell.pipefail = makefile.shell_flags;
    if makefile.one_shell {
        let parts: Vec<_> =
            lines.iter().map(|(line, _, command)| ScriptText::whole(*line, command)).collect();
        let mut inside = shell.clone();
        search.run_script(&ScriptText::joined(&parts), &mut inside, &origin);
        shell.version = inside.version;
        return;
    }
    for (line, ignored, command) in lines {
        if search.is_over() {
            return;
        }
        if !CALLS.iter().any(|word| command.contains(word)) {
            continue;
        }
        // Each line has a shell of its own.
        let mut inside = shell.clone();
        let origin = Origin { reports_only: origin.reports_only || ignored, ..origin.clone() };
        search.run_script(&ScriptText::whole(line, &command), &mut inside, &origin);
        shell.version = inside.version;
    }
}

/// `make [-C folder] [-f file] [NAME=value] target..`
pub(super) fn call(
    search: &mut Search<'_>,
    words: &[ExpandedWord],
    call: &Call<'_>,
    shell: &mut ShellState,
) {
    let Ok(folder) = shell.folder.clone() else { return };
    let mut folder = folder;
    let mut file = None;
    let mut given = BTreeMap::new();
    let mut targets = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.shown();
        if let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.starts_with('-'))
        {
            let value = match word {
                ExpandedWord::Known(_) => value.replace('$', "$$"),
                ExpandedWord::Unknown { .. } => format!("$${{{{ {name} }}}}"),
            };
            given.insert(name.to_owned(), value);
        } else if text == "-C" || text == "--directory" {
            folder = folder.join(rest.next().map_or("", ExpandedWord::shown));
        } else if let Some(below) = text.strip_prefix("--directory=") {
            folder = folder.join(below);
        } else if text == "-f" || text == "--file" || text == "--makefile" {
            file = rest.next().and_then(ExpandedWord::known);
        } else if ["-j", "-I", "-o", "-W", "-l"].contains(&text) {
            if rest.clone().next().is_some_and(|word| word.shown().parse::<u32>().is_ok()) {
                rest.next();
            }
        } else if !text.starts_with('-') {
            targets.push(text.to_owned());
        }
    }
    let names = ["GNUmakefile", "makefile", "Makefile"];
    let found = names.map(|name| folder.join(name)).into_iter().find(|path| path.is_file());
    let Some(path) = file.map(|file| folder.join(file)).or(found) else { return };
    let path = lexical(&path);
    let origin = call.origin.calls(call.line, &path, GateSource::Make);
    if origin.depth > INCLUDES {
        return;
    }
    let Some(makefile) = open(search, &path) else { return };
    if targets.is_empty() {
        let first = makefile.rules.iter().flat_map(|rule| &rule.targets);
        targets.extend(first.filter(|target| !target.starts_with('.')).take(1).cloned());
    }
    let mut inside = shell.clone();
    inside.enter(Ok(lexical(&folder)));
    inside.stops = false;
    let mut done = BTreeSet::new();
    for target in targets {
        run_target(search, &makefile, &target, &given, &mut inside, &origin, &mut done);
    }
    shell.version = inside.version;
}

/// A target after its prerequisites, each once.
fn run_target(
    search: &mut Search<'_>,
    makefile: &Makefile,
    target: &str,
    given: &BTreeMap<String, String>,
    shell: &mut ShellState,
    origin: &Origin,
    done: &mut BTreeSet<String>,
) {
    const LONGEST: usize = 10_000;
    // Prerequisites are put before what needs them; no recursion, since a chain of them may be long.
    let mut open = vec![(target.to_owned(), false)];
    while let Some((target, is_ready)) = open.pop() {
        let rules = makefile.by_target.get(&target).map(Vec::as_slice).unwrap_or_default();
        let rules = rules.iter().map(|index| &makefile.rules[*index]);
        if is_ready {
            for rule in rules {
                run_rule(search, makefile, rule, given, shell, origin);
            }
            continue;
        }
        if done.len() > LONGEST || !done.insert(target.clone()) {
            continue;
        }
        open.push((target.clone(), true));
        let prerequisites: Vec<_> = rules
            .flat_map(|rule| &rule.prerequisites)
            .map(|name| (makefile.expand(name, given, DEPTH), false))
            .collect();
        open.extend(prerequisites.into_iter().rev());
    }
}
