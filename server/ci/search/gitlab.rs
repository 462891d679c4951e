//! GitLab's pipeline: scripts of jobs with what they extend ("CI/CD YAML syntax reference", GitLab Docs).

use std::{collections::BTreeMap, rc::Rc};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    GateSource, Search,
    interpreter::ShellState,
    repository::CiFiles,
    script_text::ScriptText,
    yaml::{self, YamlNode},
};
use crate::{limits, workspace::lexical};

/// How far `extends` and `!reference` are followed.
const DEPTH: usize = 11;

/// Keys at the top that are no jobs.
const GLOBAL: [&str; 9] = [
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "before_script",
    "after_script",
    "cache",
];

/// The jobs of a pipeline, those of included files too, with the file of each.
#[derive(Default)]
struct Pipeline {
    jobs: BTreeMap<String, (Utf8PathBuf, Rc<YamlNode>)>,
    /// In the order of the files.
    names: Vec<String>,
    tops: Vec<Rc<YamlNode>>,
}

pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    for path in &files.gitlab {
        let mut pipeline = Pipeline::default();
        read(search, path, &mut pipeline, 0);
        for name in pipeline.names.clone() {
            job(search, &pipeline, &name);
        }
    }
}

fn read(search: &mut Search<'_>, path: &Utf8Path, pipeline: &mut Pipeline, depth: usize) {
    let Some(text) = search.text(path) else { return };
    let documents = match yaml::documents(text.as_str()) {
        Ok(documents) => documents,
        Err(reason) => {
            if text.as_str().contains("deny") {
                search.unreadable(path, reason.into());
            }
            return;
        }
    };
    for document in documents {
        for included in local_includes(&document) {
            if depth < DEPTH && pipeline.tops.len() < limits::CI_COMBINATIONS {
                let path = lexical(&search.root.join(included.trim_start_matches('/')));
                read(search, &path, pipeline, depth + 1);
            }
        }
        let yaml::YamlValue::Map(entries) = &document.value else { continue };
        for (name, node) in entries.iter().filter(|(name, _)| !GLOBAL.contains(&name.as_str())) {
            let job = (path.to_owned(), Rc::clone(node));
            if pipeline.jobs.insert(name.clone(), job).is_none() {
                pipeline.names.push(name.clone());
            }
        }
        pipeline.tops.push(document);
    }
}

/// The files of this repository that are included.
fn local_includes(document: &YamlNode) -> Vec<String> {
    let Some(include) = document.get("include") else { return Vec::new() };
    let of_node = |node: &YamlNode| -> Option<String> {
        let path = node.text().or_else(|| node.text_of("local"))?;
        (!path.contains("://") && !path.contains('*')).then(|| path.to_owned())
    };
    let several = include.items().iter().filter_map(|item| of_node(item));
    several.chain(of_node(include)).collect()
}

impl Pipeline {
    /// A key of a job or of what it extends, with the file.
    fn key(&self, name: &str, key: &str, depth: usize) -> Option<(&Utf8Path, &YamlNode)> {
        let (file, job) = self.jobs.get(name)?;
        if let Some(value) = job.get(key) {
            return Some((file, value));
        }
        let depth = depth.checked_sub(1)?;
        let extended = job.get("extends")?;
        let single = extended.text().into_iter();
        let names: Vec<_> =
            extended.items().iter().filter_map(|item| item.text()).chain(single).collect();
        // The last one takes precedence.
        names.into_iter().rev().find_map(|name| self.key(name, key, depth))
    }

    /// The variables of a job: of the pipeline, of what it extends, its own.
    fn variables(&self, name: &str, depth: usize, found: &mut Vec<(String, String)>) {
        let Some((_, job)) = self.jobs.get(name) else { return };
        if let (Some(extended), Some(depth)) = (job.get("extends"), depth.checked_sub(1)) {
            let single = extended.text().into_iter();
            for name in extended.items().iter().filter_map(|item| item.text()).chain(single) {
                self.variables(name, depth, found);
            }
        }
        variables(job.get("variables"), found);
    }

    /// The commands of a list; `!reference [job, key]` has those of another job.
    fn commands(&self, node: &YamlNode, depth: usize) -> Vec<ScriptText> {
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        if node.tag.as_deref() == Some("reference") {
            let path: Vec<_> = node.items().iter().filter_map(|item| item.text()).collect();
            let [name, key] = path.as_slice() else { return Vec::new() };
            let found = self.key(name, key, DEPTH);
            return found.map(|(_, node)| self.commands(node, depth)).unwrap_or_default();
        }
        match node.script() {
            Some(script) => vec![script.clone()],
            None => node.items().iter().flat_map(|item| self.commands(item, depth)).collect(),
        }
    }
}

fn variables(node: Option<&YamlNode>, found: &mut Vec<(String, String)>) {
    for (name, value) in node.map(YamlNode::entries).unwrap_or_default() {
        let text = value.text().or_else(|| value.text_of("value"));
        found.extend(text.map(|text| (name.to_owned(), text.to_owned())));
    }
}

fn job(search: &mut Search<'_>, pipeline: &Pipeline, name: &str) {
    // A hidden job is only there to be extended.
    if name.starts_with('.') || search.is_over() {
        return;
    }
    let Some((file, _)) = pipeline.key(name, "script", DEPTH) else { return };
    let (own, node) = &pipeline.jobs[name];
    let mut all = Vec::new();
    for top in &pipeline.tops {
        variables(top.get("variables"), &mut all);
    }
    pipeline.variables(name, DEPTH, &mut all);
    let before = pipeline.key(name, "before_script", DEPTH).map(|(_, node)| node).or_else(|| {
        pipeline.tops.iter().rev().find_map(|top| {
            top.get("before_script").or_else(|| top.get("default")?.get("before_script"))
        })
    });
    let script = pipeline.key(name, "script", DEPTH).map(|(_, node)| node);
    let file = if node.get("script").is_some() { own.as_path() } else { file };
    let commands: Vec<_> = [before, script]
        .into_iter()
        .flatten()
        .flat_map(|node| pipeline.commands(node, DEPTH))
        .collect();
    let script = ScriptText::joined(&commands);
    let mut origin = search.origin(file, GateSource::GitLab);
    origin.only_new = false;
    let allowed = pipeline.key(name, "allow_failure", DEPTH).map(|(_, node)| node);
    origin.reports_only =
        allowed.is_some_and(|node| node.text() == Some("true") || node.get("exit_codes").is_some());
    let matrix = pipeline.key(name, "parallel", DEPTH).and_then(|(_, node)| node.get("matrix"));
    for combination in combinations(matrix) {
        let mut shell = ShellState::at(&search.root, search.root.clone());
        // "The script is run with `set -eo pipefail`" (GitLab Runner, "Shells").
        (shell.stops, shell.pipefail) = (true, true);
        for (name, value) in all.iter().chain(&combination) {
            let value = resolved(value, &all);
            shell.variables.set_text(name, &value);
        }
        search.run_script(&script, &mut shell, &origin);
    }
}

/// A value with the variables in it that are known.
fn resolved(value: &str, all: &[(String, String)]) -> String {
    let mut value = value.to_owned();
    for (name, text) in all.iter().rev() {
        if !value.contains('$') {
            break;
        }
        value = value.replace(&format!("${{{name}}}"), text).replace(&format!("${name}"), text);
        if value.len() > 1 << 16 {
            break;
        }
    }
    value
}

/// The variables of each run of `parallel: matrix`.
fn combinations(matrix: Option<&YamlNode>) -> Vec<Vec<(String, String)>> {
    let Some(matrix) = matrix else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for entry in matrix.items() {
        let mut runs: Vec<Vec<(String, String)>> = vec![Vec::new()];
        for (name, values) in entry.entries() {
            let single = values.text().into_iter();
            let values: Vec<_> =
                values.items().iter().filter_map(|item| item.text()).chain(single).collect();
            let product = runs.iter().flat_map(|run| {
                values.iter().map(|value| {
                    let mut run = run.clone();
                    run.push((name.to_owned(), (*value).to_owned()));
                    run
                })
            });
            runs = product.take(limits::CI_COMBINATIONS).collect();
        }
        all.extend(runs);
    }
    all.truncate(limits::CI_COMBINATIONS);
    all
}
