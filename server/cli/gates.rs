//! `supercargo gates`: lists the commands of a repository that run cargo-deny.

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context as _, bail};
use camino::Utf8Path;
use serde::Serialize;

use super::{
    arguments::{Format, GatesArguments},
    json::line,
    targets::absolute,
    terminal::{escaped, escaped_line},
};
use crate::{
    ci::{self, DiscoveredGate, EngineVersion, FileLine, GateSearch, UnresolvedGate},
    gate::{OnDisk, Texts as _},
    policy::effects::counted,
};

/// Runs the command.
///
/// # Errors
///
/// If the folder does not exist, or the output cannot be written.
pub(super) fn run(arguments: &GatesArguments) -> anyhow::Result<ExitCode> {
    let path = absolute(&arguments.path)?;
    if !path.exists() {
        bail!("`{}` does not exist", arguments.path);
    }
    let root = ci::root_around(&path);
    let search = ci::find_gates(&root, &|path| OnDisk.read(path));
    let output = match arguments.format {
        Format::Human => {
            let here = absolute(Utf8Path::new("."))?;
            escaped(&human(&search, &root, &here)).into_owned().into_bytes()
        }
        Format::Json => json(&search)?,
    };
    let mut out = std::io::stdout().lock();
    out.write_all(&output)
        .and_then(|()| out.flush())
        .context("could not write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn human(search: &GateSearch, root: &Utf8Path, here: &Utf8Path) -> String {
    let mut text = String::new();
    let shown = |path: &Utf8Path| {
        let inner = path.strip_prefix(here).unwrap_or(path);
        let inner = if inner.as_str().is_empty() { Utf8Path::new(".") } else { inner };
        escaped_line(inner.as_str()).into_owned()
    };
    let at = |at: &FileLine| format!("{}:{}", shown(&at.file), at.line);
    let version = |version: Option<&EngineVersion>| match version {
        Some(version) => format!("cargo-deny {} ({})", version.number, at(&version.from)),
        None => "cargo-deny of an unknown version".to_owned(),
    };
    let called = |from: Option<&FileLine>| {
        from.map_or(String::new(), |from| format!(", called by {}", at(from)))
    };
    for gate in &search.gates {
        let words: Vec<_> = gate.words.iter().map(|word| ci::quoted(word)).collect();
        text.push_str(&format!(
            "{}: cargo deny {}\n",
            at(&gate.at),
            escaped_line(&words.join(" "))
        ));
        text.push_str(&format!(
            "  workspace `{}`, in `{}`, {}{}{}\n",
            shown(&gate.workspace.manifest),
            shown(&gate.folder),
            version(gate.version.as_ref()),
            called(gate.called_from.as_ref()),
            if gate.reports_only { ", reports without failing" } else { "" },
        ));
    }
    for gate in &search.unresolved {
        let command = match gate.command.as_str() {
            "" => String::new(),
            command => format!("{}\n  ", escaped_line(command)),
        };
        text.push_str(&format!(
            "{}: {command}not resolved: {}{}\n",
            at(&gate.at),
            escaped_line(&gate.reason.to_string()),
            called(gate.called_from.as_ref()),
        ));
    }
    text.push_str(&match (search.gates.len(), search.unresolved.len()) {
        (0, 0) => format!("no command in `{}` runs cargo-deny\n", shown(root)),
        (gates, 0) => format!("{}\n", counted(gates, "gate")),
        (gates, others) => format!("{}, {others} not resolved\n", counted(gates, "gate")),
    });
    text
}

#[derive(Serialize)]
struct GateRecord<'a> {
    r#type: &'static str,
    file: &'a str,
    line: u32,
    source: &'static str,
    called_from: Option<LineRecord<'a>>,
    version: Option<VersionRecord<'a>>,
    folder: &'a str,
    words: &'a [String],
    workspace: &'a str,
    manifest: &'a str,
    reports_only: bool,
    options: OptionsRecord<'a>,
}

/// The options that change the verdict.
#[derive(Serialize)]
struct OptionsRecord<'a> {
    checks: Vec<&'static str>,
    all_features: bool,
    no_default_features: bool,
    features: &'a [String],
    targets: &'a [String],
    exclude: &'a [String],
    exclude_dev: bool,
    exclude_unpublished: bool,
    workspace: bool,
    config: Option<&'a str>,
    levels: Vec<String>,
    locked: bool,
    offline: bool,
}

#[derive(Serialize)]
struct UnresolvedRecord<'a> {
    r#type: &'static str,
    file: &'a str,
    line: u32,
    source: &'static str,
    called_from: Option<LineRecord<'a>>,
    version: Option<VersionRecord<'a>>,
    command: &'a str,
    reason: String,
}

#[derive(Serialize)]
struct LineRecord<'a> {
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct VersionRecord<'a> {
    number: String,
    file: &'a str,
    line: u32,
}

fn json(search: &GateSearch) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for gate in &search.gates {
        line(&mut lines, &gate_record(gate))?;
    }
    for gate in &search.unresolved {
        line(&mut lines, &unresolved_record(gate))?;
    }
    Ok(lines)
}

fn line_record(at: &FileLine) -> LineRecord<'_> {
    LineRecord { file: at.file.as_str(), line: at.line }
}

fn version_record(version: &EngineVersion) -> VersionRecord<'_> {
    let EngineVersion { number, from } = version;
    VersionRecord { number: number.to_string(), file: from.file.as_str(), line: from.line }
}

fn gate_record(gate: &DiscoveredGate) -> GateRecord<'_> {
    let options = &gate.check.options;
    GateRecord {
        r#type: "gate",
        file: gate.at.file.as_str(),
        line: gate.at.line,
        source: gate.source.name(),
        called_from: gate.called_from.as_ref().map(line_record),
        version: gate.version.as_ref().map(version_record),
        folder: gate.folder.as_str(),
        words: &gate.words,
        workspace: gate.workspace.root.as_str(),
        manifest: gate.workspace.manifest.as_str(),
        reports_only: gate.reports_only,
        options: OptionsRecord {
            checks: options.checks.iter().map(crate::verdict::Check::name).collect(),
            all_features: options.all_features,
            no_default_features: options.no_default_features,
            features: &options.features,
            targets: &options.targets,
            exclude: &options.exclude,
            exclude_dev: options.exclude_dev,
            exclude_unpublished: options.exclude_unpublished,
            workspace: options.workspace,
            config: options.config.as_ref().map(|path| path.as_str()),
            levels: options.levels.words(),
            locked: options.locked,
            offline: options.offline,
        },
    }
}

fn unresolved_record(gate: &UnresolvedGate) -> UnresolvedRecord<'_> {
    UnresolvedRecord {
        r#type: "unresolved-gate",
        file: gate.at.file.as_str(),
        line: gate.at.line,
        source: gate.source.name(),
        called_from: gate.called_from.as_ref().map(line_record),
        version: gate.version.as_ref().map(version_record),
        command: &gate.command,
        reason: gate.reason.to_string(),
    }
}
