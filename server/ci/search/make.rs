//! Makefiles: the recipes of their targets, with variables ("GNU make", 4 to 6, 8 and 10).

mod expansion;

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    GateSource, Search,
    interpreter::{Call, Origin, ShellState},
    repository::CiFiles,
    script_text::ScriptText,
    variables::ExpandedWord,
};
use crate::workspace::lexical;
use expansion::{OwnVariables, escaped, expand, stem};

/// What a recipe line has that runs cargo-deny, or calls something that may.
const CALLS: [&str; 6] = ["deny", "cargo", "make", "just", "sh", "/"];

/// How many pattern rules are read, and how many targets of one.
const PATTERNS: usize = 200;

/// How many files include each other.
const INCLUDES: usize = 8;

/// A Makefile with those that it includes.
#[derive(Debug, Default)]
pub(super) struct Makefile {
    variables: BTreeMap<String, MakeVariable>,
    rules: Vec<MakeRule>,
    /// The rules of each target.
    by_target: BTreeMap<String, Vec<usize>>,
    /// The rules whose target has a `%`, with it.
    patterns: Vec<(String, usize)>,
    /// What other rules need, by which the stems of patterns are known.
    needed: BTreeSet<String>,
    /// How many variables and functions were expanded.
    expanded: Cell<usize>,
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
    /// The target pattern of a static pattern rule: `targets: pattern: prerequisites`.
    pattern: Option<String>,
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
        let none = OwnVariables::new();
        for rule in makefile.rules.iter().filter(|rule| rule.file == *path) {
            shell.version = None;
            let calls = rule.recipe.iter().any(|(_, line)| makefile.may_call(line, &none));
            let made = if calls { makefile.made_by(rule) } else { Vec::new() };
            for made in made {
                run_rule(search, &makefile, rule, &made, &none, &mut shell, &origin);
            }
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
    makefile.index();
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
    let colon = colon_of_rule(statement)?;
    let (targets, rest) = (&statement[..colon], &statement[colon + 1..]);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let targets: Vec<_> =
        words_outside_of_parentheses(targets).into_iter().map(str::to_owned).collect();
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
    let (pattern, prerequisites) = match prerequisites.split_once(':') {
        Some((pattern, rest)) if pattern.contains('%') => (Some(pattern.trim().to_owned()), rest),
        _ => (None, prerequisites),
    };
    rule.pattern = pattern;
    let names = words_outside_of_parentheses(prerequisites).into_iter().filter(|name| *name != "|");
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

    /// Finds the rules of each target, once all variables are known.
    fn index(&mut self) {
        let none = OwnVariables::new();
        let mut by_target = BTreeMap::<_, Vec<_>>::new();
        let mut patterns = Vec::new();
        let mut needed = BTreeSet::new();
        for (index, rule) in self.rules.iter().enumerate() {
            for target in self.names(&rule.targets, &none) {
                if target.contains('%') {
                    if !rule.recipe.is_empty() && patterns.len() < PATTERNS {
                        patterns.push((target, index));
                    }
                } else {
                    by_target.entry(target).or_default().push(index);
                }
            }
            needed.extend(self.names(&rule.prerequisites, &none));
        }
        (self.by_target, self.patterns, self.needed) = (by_target, patterns, needed);
    }

    /// The names in a list with variables.
    fn names(&self, written: &[String], own: &OwnVariables) -> Vec<String> {
        let mut names = Vec::new();
        for text in written {
            if text.contains('$') {
                names.extend(expand(self, text, own).split_whitespace().map(str::to_owned));
            } else {
                names.push(text.clone());
            }
        }
        names
    }

    /// What a rule makes: a target each where its recipe uses the name, else the first.
    fn made_by(&self, rule: &MakeRule) -> Vec<Made> {
        let targets = self.names(&rule.targets, &OwnVariables::new());
        let uses_name = rule.recipe.iter().any(|(_, command)| {
            ["$@", "$*", "$(@", "$(*", "${@"].iter().any(|name| command.contains(name))
        });
        let mut made = Vec::new();
        for target in targets {
            if target.contains('%') {
                let names = self.needed.iter().chain(self.by_target.keys());
                let names = names.filter(|name| !name.contains('%'));
                let stems = names.filter_map(|name| Some((name, stem(&target, name)?)));
                let stems: BTreeMap<_, _> = stems.take(PATTERNS).collect();
                let before = made.len();
                made.extend(stems.into_iter().map(|(name, stem)| Made {
                    target: Some(name.clone()),
                    stem: Some(stem.to_owned()),
                }));
                if made.len() == before {
                    made.push(Made { target: None, stem: None });
                }
            } else {
                made.push(Made::of(rule, target));
            }
        }
        if !uses_name {
            made.truncate(1);
        }
        made
    }

    /// The rules that make a target, and whether by a pattern.
    fn rules_of(&self, target: &str) -> Vec<(&MakeRule, Made)> {
        let explicit = self.by_target.get(target).map(Vec::as_slice).unwrap_or_default();
        let explicit = explicit.iter().map(|index| &self.rules[*index]);
        let mut rules: Vec<_> =
            explicit.map(|rule| (rule, Made::of(rule, target.to_owned()))).collect();
        if rules.iter().all(|(rule, _)| rule.recipe.is_empty()) {
            let mut patterns = self.patterns.iter().filter_map(|(pattern, index)| {
                let stem = stem(pattern, target)?.to_owned();
                let made = Made { target: Some(target.to_owned()), stem: Some(stem) };
                Some((&self.rules[*index], made))
            });
            rules.extend(patterns.find(|(rule, _)| !rule.recipe.is_empty()));
        }
        rules
    }
}

/// What a rule makes.
struct Made {
    /// Not known for a pattern that nothing needs.
    target: Option<String>,
    /// The part of it that the pattern has `%` for.
    stem: Option<String>,
}

impl Made {
    /// The target of a rule that names it.
    fn of(rule: &MakeRule, target: String) -> Self {
        let stem = rule.pattern.as_ref().and_then(|pattern| stem(pattern, &target));
        Self { stem: stem.map(str::to_owned), target: Some(target) }
    }

    /// A prerequisite of this target.
    fn needs(&self, name: &str) -> String {
        match &self.stem {
            Some(stem) => name.replacen('%', stem, 1),
            None => name.to_owned(),
        }
    }
}

/// The offset of the colon behind the targets.
fn colon_of_rule(statement: &str) -> Option<usize> {
    let mut open = 0_usize;
    statement.char_indices().find_map(|(at, c)| {
        match c {
            '(' | '{' => open += 1,
            ')' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        (c == ':' && open == 0).then_some(at)
    })
}

/// Words, where spaces in `$( .. )` separate nothing.
fn words_outside_of_parentheses(text: &str) -> Vec<&str> {
    let mut open = 0_usize;
    let parts = text.split(|c: char| {
        match c {
            '(' | '{' => open += 1,
            ')' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        open == 0 && c.is_whitespace()
    });
    parts.filter(|word| !word.is_empty()).collect()
}

fn run_rule(
    search: &mut Search<'_>,
    makefile: &Makefile,
    rule: &MakeRule,
    made: &Made,
    given: &OwnVariables,
    shell: &mut ShellState,
    origin: &Origin,
) {
    if !rule.recipe.iter().any(|(_, command)| makefile.may_call(command, given)) {
        return;
    }
    let mut own = OwnVariables::new();
    own.extend(made.target.iter().map(|target| ("@".to_owned(), escaped(target))));
    own.extend(made.stem.iter().map(|stem| ("*".to_owned(), escaped(stem))));
    let needed = makefile.names(&rule.prerequisites, &own);
    let needed: Vec<_> = needed.iter().map(|name| escaped(&made.needs(name))).collect();
    own.extend(needed.first().map(|first| ("<".to_owned(), first.clone())));
    own.insert("^".to_owned(), needed.join(" "));
    let target = made.target.as_ref();
    for index in target.and_then(|target| makefile.by_target.get(target)).into_iter().flatten() {
        own.extend(makefile.rules[*index].variables.iter().cloned());
    }
    own.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    let origin = Origin { file: rule.file.clone(), ..origin.clone() };
    let mut lines = Vec::new();
    for (line, command) in &rule.recipe {
        let (command, is_ignored) = without_prefixes(command);
        let expanded = expand(makefile, command, &own);
        // A variable of several lines is a command each.
        for (_, part) in logical_lines(&expanded) {
            let (part, ignored) = without_prefixes(&part);
            lines.push((*line, is_ignored || ignored, part.to_owned()));
        }
    }
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

/// A command without `@`, `-` and `+`, and whether `-` is one of them: its failure is ignored.
fn without_prefixes(command: &str) -> (&str, bool) {
    let mut command = command.trim_start();
    let mut is_ignored = false;
    while let Some(rest) = command.strip_prefix(['@', '-', '+']) {
        is_ignored |= command.starts_with('-');
        command = rest.trim_start();
    }
    (command, is_ignored)
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
    let mut given = OwnVariables::new();
    let mut targets = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.shown();
        if let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.starts_with('-'))
        {
            let value = match word {
                ExpandedWord::Known(_) => escaped(value),
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
    given: &OwnVariables,
    shell: &mut ShellState,
    origin: &Origin,
    done: &mut BTreeSet<String>,
) {
    const LONGEST: usize = 10_000;
    // Prerequisites are put before what needs them; no recursion, since a chain of them may be long.
    let mut open = vec![(target.to_owned(), false)];
    while let Some((target, is_ready)) = open.pop() {
        let rules = makefile.rules_of(&target);
        if is_ready {
            for (rule, made) in rules {
                run_rule(search, makefile, rule, &made, given, shell, origin);
            }
            continue;
        }
        if done.len() > LONGEST || !done.insert(target.clone()) {
            continue;
        }
        open.push((target.clone(), true));
        let mut prerequisites = Vec::new();
        for (rule, made) in rules {
            let names = makefile.names(&rule.prerequisites, given);
            prerequisites.extend(names.iter().map(|name| (made.needs(name), false)));
        }
        open.extend(prerequisites.into_iter().rev());
    }
}
