//! Other YAML files with commands: pipelines of other services, `Taskfile.yml`, `lefthook.yml`.
//!
//! Their formats differ, but the names of their keys are much the same: a text, or a list of texts, is a script; a
//! folder, variables, and whether a failure is ignored are in the maps around it.

use camino::Utf8Path;

use super::{
    GateSource, Search, UnresolvedReason,
    interpreter::{Origin, ShellState},
    repository::CiFiles,
    script_text::ScriptText,
    variables::{ExpandedWord, VariableValue},
    yaml::{self, YamlNode, YamlValue},
};

/// Keys whose texts are commands.
const COMMANDS: [&str; 22] = [
    "run",
    "script",
    "scripts",
    "before_script",
    "after_script",
    "commands",
    "command",
    "cmds",
    "cmd",
    "bash",
    "sh",
    "powershell",
    "pwsh",
    "inlineScript",
    "install",
    "tasks",
    "test_script",
    "build_script",
    "steps",
    "build",
    "before_install",
    "entrypoint",
];

const FOLDERS: [&str; 8] = [
    "working_directory",
    "working-directory",
    "workingDirectory",
    "directory",
    "dir",
    "root",
    "workdir",
    "working_dir",
];

const VARIABLES: [&str; 5] = ["env", "environment", "variables", "vars", "env_vars"];

/// Keys that say that a failure is ignored, with their values.
const IGNORED: [(&str, &str); 5] = [
    ("continueOnError", "true"),
    ("allow_failure", "true"),
    ("allow_failures", "true"),
    ("failure", "ignore"),
    ("ignore_error", "true"),
];

pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    for path in &files.yaml {
        let Some(text) = search.text(path) else { continue };
        let documents = match yaml::documents(text.as_str()) {
            Ok(documents) => documents,
            Err(reason) => {
                if text.as_str().contains("deny") {
                    search.unreadable(path, reason.into());
                }
                continue;
            }
        };
        let mut origin = search.origin(path, GateSource::Yaml);
        origin.only_new = !is_service(path);
        let folder =
            path.parent().filter(|_| is_task_file(path)).unwrap_or(&search.root).to_owned();
        for document in documents {
            let mut shell = ShellState::at(&search.root, folder.clone());
            shell.stops = true;
            visit(search, &document, &shell, &origin, false);
        }
    }
}

/// Whether people run its commands, in its folder.
fn is_task_file(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_lowercase();
    name.starts_with("taskfile.")
}

fn is_service(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    !is_task_file(path) && !name.contains("lefthook")
}

fn visit(
    search: &mut Search<'_>,
    node: &YamlNode,
    shell: &ShellState,
    origin: &Origin,
    is_command: bool,
) {
    if search.is_over() {
        return;
    }
    match &node.value {
        YamlValue::Map(_) => map(search, node, shell, origin),
        YamlValue::List(items) => {
            let texts: Vec<_> = items.iter().filter_map(|item| item.script().cloned()).collect();
            if is_command && !texts.is_empty() {
                script(search, &ScriptText::joined(&texts), shell, origin);
            }
            for item in items.iter().filter(|item| item.script().is_none()) {
                visit(search, item, shell, origin, is_command);
            }
        }
        YamlValue::Scalar(text) if is_command => script(search, text, shell, origin),
        YamlValue::Scalar(_) | YamlValue::Null => {}
    }
}

fn map(search: &mut Search<'_>, node: &YamlNode, shell: &ShellState, origin: &Origin) {
    let mut shell = shell.clone();
    let mut origin = origin.clone();
    let entries = node.entries();
    for (_, values) in entries.iter().filter(|(name, _)| VARIABLES.contains(name)) {
        variables(values, &mut shell);
    }
    for (name, value) in &entries {
        if FOLDERS.contains(name)
            && let Some(folder) = value.text()
        {
            let folder = substituted(&ScriptText::at(1, folder), &shell).text;
            let home = ["~/project", "~/repo", "$(Build.SourcesDirectory)", "/drone/src"];
            let folder = home
                .iter()
                .find_map(|home| {
                    folder.strip_prefix(home).map(|rest| format!("{}{rest}", search.root))
                })
                .unwrap_or(folder);
            let word = if folder.contains("${{") {
                let reason = UnresolvedReason::Folder(folder.clone());
                ExpandedWord::Unknown { written: folder, reason }
            } else {
                ExpandedWord::Known(folder)
            };
            shell.enter_below(&word);
        }
        let text = value.text().unwrap_or_default();
        origin.reports_only |= IGNORED.iter().any(|(key, ignored)| key == name && *ignored == text);
    }
    // CircleCI: `run: { command: .. }`; Docker: `entrypoint: [cargo, deny]` with `args`.
    for (name, value) in entries {
        if VARIABLES.contains(&name) || FOLDERS.contains(&name) {
            continue;
        }
        visit(search, value, &shell, &origin, COMMANDS.contains(&name));
    }
}

fn variables(node: &YamlNode, shell: &mut ShellState) {
    for (name, value) in node.entries() {
        let Some(text) = value.text() else { continue };
        let text = substituted(&ScriptText::at(1, text), shell).text;
        let value = if text.contains("${{") {
            VariableValue::Unknown(UnresolvedReason::Value(name.to_owned()))
        } else {
            VariableValue::Text(text)
        };
        shell.variables.set(name, value);
    }
    // Azure: `- name: x`, `value: y`; others: `- X=y`.
    for item in node.items() {
        if let (Some(name), Some(value)) = (item.text_of("name"), item.text_of("value")) {
            shell.variables.set_text(name, value);
        } else if let Some((name, value)) = item.text().and_then(|text| text.split_once('=')) {
            shell.variables.set_text(name, value);
        }
    }
}

/// Templates of Taskfiles (`{{.NAME}}`), `CircleCI` (`<< x >>`) and Azure (`$(name)`) with their values; those that
/// are not known become `${{ .. }}`.
fn substituted(script: &ScriptText, shell: &ShellState) -> ScriptText {
    if !script.text.contains("{{") && !script.text.contains("<<") && !script.text.contains("$(") {
        return script.clone();
    }
    let unknown = |written: String| Some(format!("${{{{ {written} }}}}"));
    let value = |name: &str| shell.variables.text(name).map(str::to_owned);
    let script = script.replaced(["$(", ")"], |inside| {
        let is_name = |c: char| c.is_alphanumeric() || c == '.' || c == '_';
        if inside.chars().all(is_name) { value(inside) } else { None }
    });
    let script = if script.text.contains("${{") {
        script
    } else {
        script.replaced(["{{", "}}"], |inside| match inside.trim().trim_start_matches('.') {
            "ROOT_DIR" => shell.folder.as_ref().ok().map(ToString::to_string),
            "CLI_ARGS" => Some(String::new()),
            name => {
                value(name).or_else(|| unknown(format!("{{{{{inside}}}}}").replace("}}", "} }")))
            }
        })
    };
    script.replaced(["<<", ">>"], |inside| {
        let inside = inside.trim();
        if inside.contains('\n') || !inside.contains('.') {
            None
        } else {
            unknown(format!("<< {inside} >>"))
        }
    })
}

fn script(search: &mut Search<'_>, text: &ScriptText, shell: &ShellState, origin: &Origin) {
    let text = substituted(text, shell);
    search.run_script(&text, &mut shell.clone(), origin);
}
