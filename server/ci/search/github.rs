//! Workflows and composite actions of GitHub.
//!
//! Expressions are evaluated as far as their values are in the file ("Evaluate expressions in workflows and actions",
//! GitHub Docs); each combination of a matrix is a run of its own.

mod expressions;
mod matrix;

use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    FileLine, FoundCommand, GateSource, Search, UnresolvedReason,
    action::{self, ActionInputs},
    interpreter::{Origin, ShellState},
    repository::CiFiles,
    script_text::ScriptText,
    variables::VariableValue,
    versions::{self, EngineVersion, VersionNumber},
    yaml::{self, YamlNode, YamlValue},
};
use crate::workspace::lexical;
use expressions::Context;

/// How many workflows and actions use each other.
const USES: usize = 6;

/// A file of GitHub that is read.
struct GitHubFile {
    path: Utf8PathBuf,
    lines: Vec<String>,
    root: Rc<YamlNode>,
}

/// What the steps of a job have in common.
#[derive(Clone)]
struct Job {
    context: Context,
    origin: Origin,
    /// `defaults.run.working-directory`
    folder: Option<String>,
    /// `defaults.run.shell`
    shell: Option<String>,
    /// The folder that `actions/checkout` writes to.
    checkout: Option<String>,
    version: Option<EngineVersion>,
    uses: usize,
}

pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    let workflows: Vec<_> = files.workflows.iter().filter_map(|path| open(search, path)).collect();
    let (called, others): (Vec<_>, Vec<_>) = workflows.into_iter().partition(is_called);
    for file in others {
        let mut origin = search.origin(&file.path, GateSource::Workflow);
        origin.only_new = false;
        workflow(search, &file, Context::default(), &origin, 0);
    }
    // Those that other workflows call were read with the inputs that they give.
    for file in called {
        let origin = search.origin(&file.path, GateSource::Workflow);
        workflow(search, &file, Context::default(), &origin, 0);
    }
    for path in &files.actions {
        let Some(file) = open(search, path) else { continue };
        let origin = search.origin(path, GateSource::Workflow);
        composite(search, &file, new_job(Context::default(), origin, 0));
    }
}

fn new_job(context: Context, origin: Origin, uses: usize) -> Job {
    Job { context, origin, folder: None, shell: None, checkout: None, version: None, uses }
}

fn open(search: &mut Search<'_>, path: &Utf8Path) -> Option<GitHubFile> {
    let text = search.text(path)?;
    let root = match yaml::documents(text.as_str()) {
        Ok(mut documents) if !documents.is_empty() => documents.remove(0),
        Ok(_) => return None,
        Err(reason) => {
            if text.as_str().contains("deny") {
                search.unreadable(path, reason.into());
            }
            return None;
        }
    };
    let lines = text.as_str().lines().map(str::to_owned).collect();
    Some(GitHubFile { path: path.to_owned(), lines, root })
}

fn triggers(file: &GitHubFile) -> Option<&YamlNode> {
    // YAML 1.1 reads `on` as a boolean, YAML 1.2 does not.
    file.root.get("on").or_else(|| file.root.get("true"))
}

fn is_called(file: &GitHubFile) -> bool {
    triggers(file).is_some_and(|on| match &on.value {
        YamlValue::Scalar(text) => text.text == "workflow_call",
        YamlValue::List(items) => items.iter().any(|item| item.text() == Some("workflow_call")),
        _ => on.entries().iter().any(|(name, _)| *name == "workflow_call"),
    })
}

/// The defaults of inputs that are not given.
fn default_inputs(inputs: Option<&YamlNode>, context: &mut Context) {
    context.know("inputs");
    for (name, input) in inputs.map(YamlNode::entries).unwrap_or_default() {
        let name = format!("inputs.{name}");
        if context.has(&name) {
            continue;
        }
        let is_required = input.text_of("required") == Some("true");
        match input.text_of("default") {
            Some(default) => context.set_text(&name, default),
            None if is_required => context.forget(&name),
            None => context.set_text(&name, ""),
        }
    }
}

/// Adds the values of `env`.
fn environment(env: Option<&YamlNode>, context: &mut Context) {
    for (name, value) in env.map(YamlNode::entries).unwrap_or_default() {
        let value = match value.text() {
            Some(text) => context.substituted(text),
            None => String::new(),
        };
        context.set_text(&format!("env.{name}"), &value);
    }
}

fn workflow(
    search: &mut Search<'_>,
    file: &GitHubFile,
    mut context: Context,
    origin: &Origin,
    uses: usize,
) {
    for trigger in ["workflow_call", "workflow_dispatch"] {
        let inputs = triggers(file).and_then(|on| on.get(trigger)?.get("inputs"));
        default_inputs(inputs, &mut context);
    }
    context.set_text("github.workspace", search.root.as_str());
    environment(file.root.get("env"), &mut context);
    let mut job = new_job(context, origin.clone(), uses);
    run_defaults(&file.root, &mut job);
    let jobs = file.root.get("jobs").map(YamlNode::entries).unwrap_or_default();
    for (_, node) in jobs {
        let matrix = node.get("strategy").and_then(|strategy| strategy.get("matrix"));
        for context in matrix::combinations(matrix, &job.context) {
            if search.is_over() {
                return;
            }
            run_job(search, file, node, Job { context, ..job.clone() });
        }
    }
}

fn run_defaults(node: &YamlNode, job: &mut Job) {
    let Some(run) = node.get("defaults").and_then(|defaults| defaults.get("run")) else { return };
    if let Some(folder) = run.text_of("working-directory") {
        job.folder = Some(job.context.substituted(folder));
    }
    if let Some(shell) = run.text_of("shell") {
        job.shell = Some(shell.to_owned());
    }
}

fn run_job(search: &mut Search<'_>, file: &GitHubFile, node: &YamlNode, mut job: Job) {
    if is_skipped(node, &job.context) {
        return;
    }
    environment(node.get("env"), &mut job.context);
    run_defaults(node, &mut job);
    job.origin.reports_only |= continues(node, &job.context);
    if let Some(uses) = node.text_of("uses") {
        let at = FileLine {
            file: file.path.clone(),
            line: node.get("uses").map_or(1, |uses| uses.line),
        };
        call_workflow(search, uses, node.get("with"), &at, &job);
        return;
    }
    steps(search, file, node.get("steps"), &mut job);
}

fn is_skipped(node: &YamlNode, context: &Context) -> bool {
    let condition = node.text_of("if");
    condition.and_then(|condition| context.condition(condition)) == Some(false)
}

fn continues(node: &YamlNode, context: &Context) -> bool {
    let value = node.text_of("continue-on-error");
    value.and_then(|value| context.condition(value)) == Some(true)
}

/// `uses: ./.github/workflows/x.yml` of a job.
fn call_workflow(
    search: &mut Search<'_>,
    uses: &str,
    with: Option<&YamlNode>,
    at: &FileLine,
    job: &Job,
) {
    let Some(path) = uses.strip_prefix("./").filter(|_| job.uses < USES) else { return };
    let path = lexical(&search.root.join(path));
    let Some(file) = open(search, &path) else { return };
    let context = inputs_of(with, &job.context);
    let mut origin = job.origin.clone();
    origin.called_from.get_or_insert(at.clone());
    origin.file = path;
    workflow(search, &file, context, &origin, job.uses + 1);
}

fn inputs_of(with: Option<&YamlNode>, context: &Context) -> Context {
    let mut inside = Context::default();
    for (name, value) in with.map(YamlNode::entries).unwrap_or_default() {
        let value = context.substituted(value.text().unwrap_or_default());
        inside.set_text(&format!("inputs.{name}"), &value);
    }
    inside
}

/// The steps of a composite action.
fn composite(search: &mut Search<'_>, file: &GitHubFile, mut job: Job) {
    let Some(runs) = file.root.get("runs") else { return };
    default_inputs(file.root.get("inputs"), &mut job.context);
    job.context.set_text("github.workspace", search.root.as_str());
    job.context.set_text("github.action_path", file.path.parent().map_or("", Utf8Path::as_str));
    steps(search, file, runs.get("steps"), &mut job);
}

fn steps(search: &mut Search<'_>, file: &GitHubFile, steps: Option<&YamlNode>, job: &mut Job) {
    for step in steps.map(YamlNode::items).unwrap_or_default() {
        if search.is_over() {
            return;
        }
        if is_skipped(step, &job.context) {
            continue;
        }
        let mut here = job.clone();
        environment(step.get("env"), &mut here.context);
        here.origin.reports_only |= continues(step, &here.context);
        if let Some(uses) = step.get("uses") {
            uses_step(search, file, step, uses, &here, job);
        } else if let Some(script) = step.get("run").and_then(YamlNode::script) {
            let version = run_step(search, step, script, &here);
            job.version = version;
        }
    }
}

/// The folder that a step names, from the folder of the checkout.
fn folder(
    search: &Search<'_>,
    named: Option<&str>,
    job: &Job,
) -> Result<Utf8PathBuf, UnresolvedReason> {
    let root = &search.root;
    let Some(named) = named else { return Ok(root.clone()) };
    if named.contains("${{") {
        return Err(UnresolvedReason::Folder(named.to_owned()));
    }
    let path = Utf8Path::new(named.trim_end_matches('/'));
    let path = path.strip_prefix(".").unwrap_or(path);
    let inner = job.checkout.as_deref().and_then(|checkout| path.strip_prefix(checkout).ok());
    Ok(lexical(&root.join(inner.unwrap_or(path))))
}

/// Returns the version that is installed after the step.
fn run_step(
    search: &mut Search<'_>,
    step: &YamlNode,
    script: &ScriptText,
    job: &Job,
) -> Option<EngineVersion> {
    let script = job.context.substituted_script(script);
    let own = step.text_of("working-directory").map(|folder| job.context.substituted(folder));
    let named = own.or_else(|| job.folder.clone());
    let mut shell = ShellState::at(&search.root, search.root.clone());
    shell.enter(folder(search, named.as_deref(), job));
    shell.version.clone_from(&job.version);
    for (name, value) in job.context.environment() {
        let value = if value.contains("${{") {
            VariableValue::Unknown(UnresolvedReason::Value(value.to_owned()))
        } else {
            VariableValue::Text(value.to_owned())
        };
        shell.variables.set(name, value);
    }
    if let Some(path) = job.context.text("github.action_path") {
        shell.variables.set_text("GITHUB_ACTION_PATH", path);
    }
    // GitHub Docs, "Workflow syntax", `jobs.<job_id>.steps[*].shell`.
    match step.text_of("shell").or(job.shell.as_deref()) {
        Some(custom) if custom.contains("{0}") => {
            shell.stops = custom.contains(" -e") || custom.contains("errexit");
            shell.pipefail = custom.contains("pipefail");
        }
        Some("bash") => (shell.stops, shell.pipefail) = (true, true),
        _ => shell.stops = true,
    }
    search.run_script(&script, &mut shell, &job.origin);
    shell.version
}

/// A step with an action.
fn uses_step(
    search: &mut Search<'_>,
    file: &GitHubFile,
    step: &YamlNode,
    uses: &YamlNode,
    here: &Job,
    job: &mut Job,
) {
    let Some(named) = uses.text() else { return };
    let with = step.get("with");
    let at = FileLine { file: file.path.clone(), line: uses.line };
    let input = |name: &str| {
        let value = with?.get(name)?;
        Some(here.context.substituted(value.text().unwrap_or_default()))
    };
    if let Some(path) =
        named.strip_prefix("./").or_else(|| named.strip_prefix("${{ github.action_path }}/"))
    {
        let base = if named.starts_with("./") {
            search.root.clone()
        } else {
            file.path.parent().unwrap_or(&file.path).to_owned()
        };
        local_action(search, &lexical(&base.join(path)), with, &at, here);
        return;
    }
    let (name, reference) = named.split_once('@').unwrap_or((named, ""));
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "embarkstudios/cargo-deny-action" => {
            let line = (uses.line as usize).checked_sub(1).and_then(|line| file.lines.get(line));
            let comment = line.and_then(|line| line.rsplit_once('#')).map(|(_, comment)| comment);
            let version = action::version(reference, comment)
                .map(|number| EngineVersion { number, from: at.clone() });
            let inputs = ActionInputs {
                command: input("command"),
                arguments: input("arguments"),
                command_arguments: input("command-arguments"),
                manifest_path: input("manifest-path"),
                log_level: input("log-level"),
            };
            search.add(FoundCommand {
                at,
                source: GateSource::Action,
                called_from: here.origin.called_from.clone(),
                folder: Ok(search.root.clone()),
                words: inputs.words(),
                version,
                reports_only: here.origin.reports_only,
            });
            return;
        }
        "actions/checkout" => {
            if input("repository").is_none() {
                job.checkout = input("path").filter(|path| path != "." && !path.contains("${{"));
            }
            return;
        }
        _ => {}
    }
    // Actions that run a command of cargo.
    if name.contains("cargo") && input("command").as_deref() == Some("deny") {
        let mut words = vec![];
        for key in ["args", "arguments"] {
            words.extend(action::words(&input(key).unwrap_or_default()));
        }
        let named = input("working-directory");
        search.add(FoundCommand {
            at,
            source: GateSource::Workflow,
            called_from: here.origin.called_from.clone(),
            folder: folder(search, named.as_deref(), here),
            words,
            version: job.version.clone(),
            reports_only: here.origin.reports_only,
        });
        return;
    }
    if let Some(number) = installed_by_action(with, &here.context, reference) {
        let from = FileLine { line: with.map_or(uses.line, line_of_tool), ..at };
        job.version = Some(EngineVersion { number, from });
    }
}

/// The line of the input that names cargo-deny.
fn line_of_tool(with: &YamlNode) -> u32 {
    let named = with
        .entries()
        .into_iter()
        .find(|(_, value)| value.text().is_some_and(|text| text.contains("cargo-deny")));
    named.map_or(with.line, |(_, value)| {
        value.script().map_or(value.line, |script| {
            script.line(script.text.find("cargo-deny").unwrap_or_default())
        })
    })
}

/// The version that an action such as `taiki-e/install-action` installs.
fn installed_by_action(
    with: Option<&YamlNode>,
    context: &Context,
    reference: &str,
) -> Option<VersionNumber> {
    if let Some(version) = reference.strip_prefix("cargo-deny@") {
        return VersionNumber::parse(version);
    }
    let entries = with?.entries();
    let text = |name: &str| {
        let value = entries.iter().find(|(key, _)| *key == name)?.1.text()?;
        Some(context.substituted(value))
    };
    if text("crate").as_deref() == Some("cargo-deny") {
        return VersionNumber::parse(&text("version")?);
    }
    entries
        .iter()
        .find_map(|(_, value)| versions::in_tool_list(&context.substituted(value.text()?)))
}

fn local_action(
    search: &mut Search<'_>,
    folder: &Utf8Path,
    with: Option<&YamlNode>,
    at: &FileLine,
    job: &Job,
) {
    if job.uses >= USES {
        return;
    }
    let names = ["action.yml", "action.yaml"];
    let Some(path) = names.map(|name| folder.join(name)).into_iter().find(|path| path.is_file())
    else {
        return;
    };
    let Some(file) = open(search, &path) else { return };
    let mut origin = job.origin.clone();
    origin.called_from.get_or_insert(at.clone());
    origin.file = path;
    let mut inside = new_job(inputs_of(with, &job.context), origin, job.uses + 1);
    for (name, value) in job.context.environment() {
        inside.context.set_text(&format!("env.{name}"), value);
    }
    inside.version.clone_from(&job.version);
    composite(search, &file, inside);
}
