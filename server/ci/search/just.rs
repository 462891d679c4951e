//! Justfiles: the commands of their recipes ("Just Programmer's Manual").

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    GateSource, Search, UnresolvedReason,
    interpreter::{Call, Origin, ShellState},
    repository::CiFiles,
    script_text::ScriptText,
    variables::{ExpandedWord, VariableValue},
};
use crate::workspace::lexical;

/// How many files import each other, and how many recipes call each other.
const DEPTH: usize = 8;

/// A Justfile with those that it imports.
#[derive(Debug, Default)]
pub(super) struct Justfile {
    variables: BTreeMap<String, Option<String>>,
    exported: BTreeSet<String>,
    exports_all: bool,
    aliases: BTreeMap<String, String>,
    recipes: Vec<Recipe>,
    /// `set working-directory`
    folder: Option<String>,
    pipefail: bool,
}

#[derive(Debug, Default)]
struct Recipe {
    file: Utf8PathBuf,
    name: String,
    parameters: Vec<Parameter>,
    before: Vec<Vec<String>>,
    after: Vec<Vec<String>>,
    lines: Vec<(u32, String)>,
    /// `[working-directory: 'x']`
    folder: Option<String>,
    /// `[no-cd]`
    no_cd: bool,
}

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    default: Option<String>,
    /// It takes all further arguments; `*` needs none.
    variadic: Option<char>,
}

pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    for path in &files.just {
        let Some(text) = search.text(path) else { continue };
        if !text.as_str().contains("deny") {
            continue;
        }
        let Some(justfile) = open(search, path) else { continue };
        let origin = search.origin(path, GateSource::Just);
        let folder = path.parent().unwrap_or(&search.root).to_owned();
        // What another recipe calls with arguments is not also listed without them.
        let called: BTreeSet<&str> = justfile.called();
        let (last, first): (Vec<_>, Vec<_>) = justfile
            .recipes
            .iter()
            .filter(|recipe| recipe.file == *path)
            .partition(|recipe| called.contains(recipe.name.as_str()));
        for recipe in first.into_iter().chain(last) {
            let shell = ShellState::at(&search.root, folder.clone());
            let mut run = JustRun { search, justfile: &justfile, folder: &folder, origin: &origin };
            run.recipe(recipe, &[], &shell, 0);
        }
    }
}

fn open(search: &mut Search<'_>, path: &Utf8Path) -> Option<Rc<Justfile>> {
    if let Some(known) = search.justfiles.get(path) {
        return Some(Rc::clone(known));
    }
    let mut justfile = Justfile::default();
    read(search, path, &mut justfile, DEPTH)?;
    let justfile = Rc::new(justfile);
    search.justfiles.insert(path.to_owned(), Rc::clone(&justfile));
    Some(justfile)
}

fn read(
    search: &mut Search<'_>,
    path: &Utf8Path,
    justfile: &mut Justfile,
    depth: usize,
) -> Option<()> {
    let text = search.text(path)?;
    let mut recipe: Option<Recipe> = None;
    let mut attributes = Vec::new();
    for (number, line) in (1_u32..).zip(text.as_str().lines()) {
        if line.starts_with([' ', '\t']) {
            if let Some(recipe) = &mut recipe {
                recipe.lines.push((number, line.trim().to_owned()));
            }
            continue;
        }
        let statement = line.trim_end();
        if statement.is_empty() {
            if let Some(recipe) = &mut recipe {
                recipe.lines.push((number, String::new()));
            }
            continue;
        }
        if statement.starts_with('#') {
            continue;
        }
        justfile.recipes.extend(recipe.take());
        if statement.starts_with('[') {
            attributes.push(statement.to_owned());
            continue;
        }
        if justfile.setting(statement) {
            continue;
        }
        if let Some(import) =
            statement.strip_prefix("import ").or(statement.strip_prefix("import? "))
        {
            if let (Some(name), Some(depth)) = (string(import), depth.checked_sub(1)) {
                let folder = path.parent().unwrap_or(path);
                read(search, &lexical(&folder.join(name)), justfile, depth);
            }
            continue;
        }
        recipe = header(path, statement, &justfile.variables);
        if let Some(recipe) = &mut recipe {
            for attribute in attributes.drain(..) {
                recipe.no_cd |= attribute.contains("no-cd");
                if let Some((_, value)) = attribute.split_once("working-directory") {
                    let value = value.trim_start_matches([':', '(', ' ']);
                    recipe.folder = string(value);
                }
            }
        }
    }
    justfile.recipes.extend(recipe);
    Some(())
}

impl Justfile {
    /// Reads a setting, alias or variable.
    fn setting(&mut self, statement: &str) -> bool {
        if let Some(rest) = statement.strip_prefix("set ") {
            let (name, value) = rest.split_once(":=").unwrap_or((rest, "true"));
            match name.trim() {
                "working-directory" => self.folder = string(value),
                "export" => self.exports_all = value.trim() == "true",
                "shell" => self.pipefail = value.contains("pipefail"),
                _ => {}
            }
            return true;
        }
        if let Some(rest) = statement.strip_prefix("alias ") {
            if let Some((name, target)) = rest.split_once(":=") {
                self.aliases.insert(name.trim().to_owned(), target.trim().to_owned());
            }
            return true;
        }
        let exported = statement.strip_prefix("export ");
        let Some((name, value)) = exported.unwrap_or(statement).split_once(":=") else {
            return false;
        };
        let name = name.trim();
        let is_name = |c: char| c.is_alphanumeric() || "_-".contains(c);
        if !name.chars().all(is_name) {
            return false;
        }
        if exported.is_some() {
            self.exported.insert(name.to_owned());
        }
        let value = self.expression(value, &BTreeMap::new());
        self.variables.insert(name.to_owned(), value);
        true
    }

    /// The value of an expression of texts and variables; `None` for anything else.
    fn expression(&self, text: &str, own: &BTreeMap<String, String>) -> Option<String> {
        let mut result = String::new();
        let mut rest = text.trim();
        loop {
            let (value, after) = self.operand(rest, own)?;
            result.push_str(&value);
            rest = after.trim_start();
            match rest.chars().next() {
                None | Some('#') => return Some(result),
                Some('+') => rest = rest[1..].trim_start(),
                Some('/') => {
                    result.push('/');
                    rest = rest[1..].trim_start();
                }
                Some(_) => return None,
            }
            if result.len() > 1 << 16 {
                return None;
            }
        }
    }

    fn operand<'t>(
        &self,
        text: &'t str,
        own: &BTreeMap<String, String>,
    ) -> Option<(String, &'t str)> {
        if text.starts_with(['\'', '"']) {
            return string_and_rest(text);
        }
        let is_name = |c: char| c.is_alphanumeric() || "_-".contains(c);
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if let Some(inside) = rest.strip_prefix('(') {
            let (arguments, rest) = inside.split_once(')')?;
            let value = match name {
                "justfile_directory"
                | "justfile_dir"
                | "invocation_directory"
                | "source_directory" => "$PWD".to_owned(),
                // The default of a variable of the environment.
                "env_var_or_default" | "env" => {
                    let (_, default) = arguments.split_once(',')?;
                    string(default)?
                }
                "quote" => self.expression(arguments, own)?,
                "just_executable" => "just".to_owned(),
                _ => return None,
            };
            return Some((value, rest));
        }
        let value =
            own.get(name).cloned().or_else(|| self.variables.get(name).cloned().flatten())?;
        Some((value, rest))
    }

    /// A line with its `{{ .. }}`; what is not known becomes `${{ .. }}`.
    fn expand(&self, line: &str, own: &BTreeMap<String, String>) -> String {
        let line = ScriptText::at(1, &line.replace("{{{{", "{"));
        let line = line.replaced(["{{", "}}"], |inside| {
            let value = self.expression(inside, own);
            Some(value.unwrap_or_else(|| format!("${{{{ {} }}}}", inside.trim())))
        });
        line.text
    }

    fn find(&self, name: &str) -> Option<&Recipe> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        // The last one takes precedence.
        self.recipes.iter().rev().find(|recipe| recipe.name == name)
    }

    /// The recipes that others call.
    fn called(&self) -> BTreeSet<&str> {
        let calls =
            self.recipes.iter().flat_map(|recipe| recipe.before.iter().chain(&recipe.after));
        calls.filter_map(|call| call.first().map(String::as_str)).collect()
    }
}

/// A text in quotes at the start.
fn string(text: &str) -> Option<String> {
    string_and_rest(text.trim()).map(|(text, _)| text)
}

fn string_and_rest(text: &str) -> Option<(String, &str)> {
    for quote in ["'''", "\"\"\"", "'", "\""] {
        let Some(inside) = text.strip_prefix(quote) else { continue };
        let end = inside.find(quote)?;
        let value = inside[..end].trim_start_matches('\n').to_owned();
        return Some((value, &inside[end + quote.len()..]));
    }
    None
}

/// `name parameters: dependencies && later`
fn header(
    path: &Utf8Path,
    statement: &str,
    variables: &BTreeMap<String, Option<String>>,
) -> Option<Recipe> {
    let at = colon(statement)?;
    let (left, right) = (&statement[..at], &statement[at + 1..]);
    let left = left.trim().trim_start_matches('@');
    let mut words = split(left).into_iter();
    let name = words.next()?;
    let mut recipe = Recipe { file: path.to_owned(), name, ..Recipe::default() };
    for word in words {
        let (name, default) = match word.split_once('=') {
            Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
            None => (word, None),
        };
        let name = name.trim_start_matches('$');
        let variadic = name.chars().next().filter(|c| "*+".contains(*c));
        let name = name.trim_start_matches(['*', '+', '$']).to_owned();
        let default = default.map(|default| {
            string(&default)
                .or_else(|| variables.get(&default).cloned().flatten())
                .unwrap_or(default)
        });
        recipe.parameters.push(Parameter { name, default, variadic });
    }
    let right = right.split(" #").next().unwrap_or_default();
    let (before, after) = right.split_once("&&").unwrap_or((right, ""));
    recipe.before = dependencies(before);
    recipe.after = dependencies(after);
    Some(recipe)
}

/// The colon after the parameters, outside of quotes.
fn colon(statement: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in statement.char_indices() {
        match (c, quote) {
            (_, Some(closing)) if c == closing => quote = None,
            ('\'' | '"', None) => quote = Some(c),
            (':', None) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Words with quotes that stay.
fn split(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in text.chars() {
        if quote.is_none() && [' ', '\t'].contains(&c) {
            words.push(String::new());
            continue;
        }
        match quote {
            Some(closing) if c == closing => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => {}
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `one two (three "x")`
fn dependencies(text: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('(') {
            let (call, after) = inside.split_once(')').unwrap_or((inside, ""));
            all.push(split(call));
            rest = after.trim_start();
        } else {
            let end = rest.find([' ', '\t', '(']).unwrap_or(rest.len());
            all.push(vec![rest[..end].to_owned()]);
            rest = rest[end..].trim_start();
        }
    }
    all
}

/// A run of recipes of one Justfile.
struct JustRun<'s, 'r, 'j> {
    search: &'s mut Search<'r>,
    justfile: &'j Justfile,
    /// The folder of the Justfile
    folder: &'j Utf8Path,
    origin: &'j Origin,
}

impl JustRun<'_, '_, '_> {
    fn recipe(&mut self, recipe: &Recipe, arguments: &[String], shell: &ShellState, depth: usize) {
        if depth > DEPTH || self.search.is_over() {
            return;
        }
        let own = own_values(recipe, arguments);
        self.dependencies(&recipe.before, &own, shell, depth);
        self.body(recipe, &own, shell);
        self.dependencies(&recipe.after, &own, shell, depth);
    }

    fn dependencies(
        &mut self,
        calls: &[Vec<String>],
        own: &BTreeMap<String, String>,
        shell: &ShellState,
        depth: usize,
    ) {
        let justfile = self.justfile;
        for call in calls {
            let Some(recipe) = call.first().and_then(|name| justfile.find(name)) else { continue };
            let value = |text: &String| {
                justfile.expression(text, own).unwrap_or_else(|| format!("${{{{ {text} }}}}"))
            };
            let arguments: Vec<_> = call[1..].iter().map(value).collect();
            self.recipe(recipe, &arguments, shell, depth + 1);
        }
    }

    fn body(&mut self, recipe: &Recipe, own: &BTreeMap<String, String>, shell: &ShellState) {
        let justfile = self.justfile;
        let mut shell = shell.clone();
        if !recipe.no_cd {
            let below = justfile.folder.as_deref().unwrap_or(".");
            let folder = self.folder.join(below).join(recipe.folder.as_deref().unwrap_or("."));
            shell.enter(Ok(lexical(&folder)));
        }
        for (name, value) in &justfile.variables {
            if justfile.exports_all || justfile.exported.contains(name) {
                let value = match value {
                    Some(text) => VariableValue::Text(text.clone()),
                    None => VariableValue::Unknown(UnresolvedReason::Value(format!("${name}"))),
                };
                shell.variables.set(name, value);
            }
        }
        for (name, value) in own {
            shell.variables.set_text(name, value);
        }
        shell.pipefail = justfile.pipefail;
        let origin = Origin { file: recipe.file.clone(), ..self.origin.clone() };
        let first = recipe.lines.iter().find(|(_, line)| !line.is_empty());
        if first.is_some_and(|(_, line)| line.starts_with("#!")) {
            self.script(recipe, own, &mut shell, &origin);
            return;
        }
        let mut lines = recipe.lines.iter();
        while let Some((number, line)) = lines.next() {
            let mut whole = line.clone();
            while whole.ends_with('\\') {
                let Some((_, next)) = lines.next() else { break };
                whole.push('\n');
                whole.push_str(next);
            }
            let command = whole.trim_start_matches(['@', '-']);
            let prefix = &whole[..whole.len() - command.len()];
            let ignored = prefix.contains('-');
            let origin = Origin { reports_only: origin.reports_only || ignored, ..origin.clone() };
            let command = justfile.expand(command, own);
            // Each line has a shell of its own.
            let mut inside = shell.clone();
            self.search.run_script(&ScriptText::whole(*number, &command), &mut inside, &origin);
            shell.version = inside.version;
        }
    }

    /// A recipe that is a script.
    fn script(
        &mut self,
        recipe: &Recipe,
        own: &BTreeMap<String, String>,
        shell: &mut ShellState,
        origin: &Origin,
    ) {
        let lines = || recipe.lines.iter().filter(|(_, line)| !line.is_empty());
        let Some((_, first)) = lines().next() else { return };
        if !first.contains("sh") {
            return;
        }
        shell.stops = first.contains(" -e");
        let parts: Vec<_> = lines()
            .skip(1)
            .map(|(number, line)| ScriptText::at(*number, &self.justfile.expand(line, own)))
            .collect();
        self.search.run_script(&ScriptText::joined(&parts), shell, origin);
    }
}

/// The values of the parameters.
fn own_values(recipe: &Recipe, arguments: &[String]) -> BTreeMap<String, String> {
    let mut rest = arguments.iter();
    let mut own = BTreeMap::new();
    for parameter in &recipe.parameters {
        let default = || {
            let none = parameter.variadic.is_some().then(String::new);
            parameter.default.clone().or(none)
        };
        let value = if parameter.variadic.is_some() {
            let all: Vec<_> = rest.by_ref().cloned().collect();
            if all.is_empty() { default() } else { Some(all.join(" ")) }
        } else {
            rest.next().cloned().or_else(default)
        };
        let unknown = || format!("${{{{ {} }}}}", parameter.name);
        own.insert(parameter.name.clone(), value.unwrap_or_else(unknown));
    }
    own
}

/// `just [-f file] [-d folder] recipe arguments..`
pub(super) fn call(
    search: &mut Search<'_>,
    words: &[ExpandedWord],
    call: &Call<'_>,
    shell: &mut ShellState,
) {
    let Ok(here) = shell.folder.clone() else { return };
    let mut file = None;
    let mut folder = None;
    let mut rest = words;
    while let Some(word) =
        rest.first().map(ExpandedWord::shown).filter(|word| word.starts_with('-'))
    {
        let value = rest.get(1).map(ExpandedWord::shown);
        match word {
            "-f" | "--justfile" => {
                file = value.map(|file| here.join(file));
                rest = &rest[1..];
            }
            "-d" | "--working-directory" => {
                folder = value.map(|folder| here.join(folder));
                rest = &rest[1..];
            }
            _ => {}
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    let names = ["justfile", "Justfile", ".justfile", "JUSTFILE"];
    let found = || {
        let above = here.ancestors().take_while(|folder| folder.starts_with(&search.root));
        let mut paths = above.flat_map(|folder| names.map(|name| folder.join(name)));
        paths.find(|path| path.is_file())
    };
    let Some(path) = file.or_else(found).map(|path| lexical(&path)) else { return };
    let origin = call.origin.calls(call.line, &path, GateSource::Just);
    if origin.depth > DEPTH {
        return;
    }
    let Some(justfile) = open(search, &path) else { return };
    let folder = folder.unwrap_or_else(|| path.parent().unwrap_or(&path).to_owned());
    let mut inside = shell.clone();
    inside.stops = false;
    let words: Vec<String> = rest.iter().map(|word| word.shown().to_owned()).collect();
    let mut run = JustRun { search, justfile: &justfile, folder: &folder, origin: &origin };
    let mut words = words.as_slice();
    if words.is_empty()
        && let Some(first) = justfile.recipes.first()
    {
        run.recipe(first, &[], &inside, 0);
    }
    while let Some((name, arguments)) = words.split_first() {
        words = arguments;
        let Some(recipe) = justfile.find(name) else { continue };
        let takes_all = recipe.parameters.iter().any(|parameter| parameter.variadic.is_some());
        let takes =
            if takes_all { arguments.len() } else { recipe.parameters.len().min(arguments.len()) };
        run.recipe(recipe, &arguments[..takes], &inside, 0);
        words = &arguments[takes..];
    }
}
