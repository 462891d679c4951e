//! `supercargo explain`: explains a code, an advisory, a package, a license or a key of the policy.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use super::{
    CLEANUP_TIMEOUT,
    arguments::ExplainArguments,
    exit_code::USAGE,
    logging,
    targets::{RunOptions, absolute, gate_options},
    terminal::escaped,
};
use crate::{
    cache::Cache,
    facts::RefreshPolicy,
    gate::{Databases, Gate, GateOptions, NO_VERDICT, OnDisk, Texts as _, Verdict},
    ide::{explain, markup::Markup},
    process::Children,
    verdict::{
        AdvisoryFacts, Database, DatabaseError, DatabaseSource, ExceptionsFile, PolicyText,
        join_with_and, sanitize,
    },
    workspace::{PolicyFiles, Workspace},
};

/// Runs the term.
///
/// # Errors
///
/// When standard output cannot be written.
pub(super) fn run(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let term = arguments.term.trim();
    let mut explanations: Vec<Markup> = explain::code(term).into_iter().collect();
    explanations.extend(explain::key(term));
    let workspace = workspace(&arguments.path)?;
    let is_package_too = || workspace.as_ref().is_some_and(|workspace| is_locked(workspace, term));
    if !explanations.is_empty() && !is_package_too() {
        return print(&explanations);
    }
    if is_advisory(term) {
        return advisory(term, arguments, workspace.as_ref());
    }
    // The packages with a license are known only with a workspace.
    let verdict = workspace.as_ref().and_then(|workspace| verdict_of(workspace, arguments));
    let graph = verdict.as_ref().map(|verdict| &*verdict.graph);
    explanations.extend(explain::spdx(term, graph));
    if let Some(verdict) = &verdict {
        explanations.extend(explain::package(term, verdict));
    }
    if !explanations.is_empty() {
        return print(&explanations);
    }
    let mut kinds = vec![
        "a code".to_owned(),
        "a key of the policy".to_owned(),
        "an advisory id".to_owned(),
        "an SPDX license".to_owned(),
    ];
    let here = match (&workspace, &graph) {
        (None, _) => "; packages were not searched: there is no workspace here",
        (Some(_), Some(graph)) if !graph.packages.is_empty() => {
            kinds.push("a package of the workspace".to_owned());
            ""
        }
        _ => "; packages were not searched: could not resolve the workspace",
    };
    let (last, first) =
        kinds.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
    let mut message = format!("`{}` is not {} or {last}{here}", sanitize(term), first.join(", "));
    let near: Vec<_> =
        explain::nearest(term, graph).into_iter().map(|name| format!("`{name}`")).collect();
    if !near.is_empty() {
        message.push_str(&format!("; similar terms: {}", join_with_and(&near)));
    }
    logging::error(&message);
    Ok(ExitCode::from(USAGE))
}

fn print(explanations: &[Markup]) -> anyhow::Result<ExitCode> {
    let texts = explanations.iter().map(|text| escaped(text.plain().trim_end()).into_owned());
    let texts: Vec<_> = texts.collect();
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{}\n", texts.join("\n\n")).as_bytes())
        .and_then(|()| out.flush())
        .context("could not write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a package of that name is in the lockfile: its name may be that of a key.
fn is_locked(workspace: &Workspace, term: &str) -> bool {
    let lock = OnDisk.read(&workspace.lockfile());
    lock.is_ok_and(|text| text.as_str().contains(&format!("\nname = \"{term}\"")))
}

/// The workspace at a path, or the one that contains the path.
fn workspace(path: &Utf8Path) -> anyhow::Result<Option<Workspace>> {
    let path = absolute(path)?;
    let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
    let manifests = folder.into_iter().flat_map(Utf8Path::ancestors);
    let manifest = manifests.map(|folder| folder.join("Cargo.toml")).find(|path| path.is_file());
    Ok(manifest.map(|manifest| Workspace::of_manifest(&manifest)))
}

fn options(arguments: &ExplainArguments) -> Option<GateOptions> {
    let options = gate_options(RunOptions {
        deny: arguments.deny_options(),
        manifest_path: None,
        db: arguments.db.as_deref(),
        no_cache: arguments.no_cache,
        helps: false,
        dependency_graph: false,
    });
    Some(GateOptions { refresh: RefreshPolicy::Never, ..options.ok()? })
}

fn verdict_of(workspace: &Workspace, arguments: &ExplainArguments) -> Option<Verdict> {
    let options = options(arguments)?;
    let databases = Databases::default();
    let mut gate = Gate::new(workspace.clone());
    let verdict = gate.check(&options, &OnDisk, &databases, &logging::progress);
    drop(gate);
    drop(databases);
    options.resolver.children.wait_for_cleanup(CLEANUP_TIMEOUT);
    verdict
}

/// Whether a term looks like an advisory's id: `RUSTSEC-2024-0001`, in upper or lower case.
fn is_advisory(term: &str) -> bool {
    let kinds = ["RUSTSEC-", "CVE-", "GHSA-"];
    kinds.iter().any(|kind| term.len() > kind.len() && term.to_ascii_uppercase().starts_with(kind))
}

fn advisory(
    term: &str,
    arguments: &ExplainArguments,
    workspace: Option<&Workspace>,
) -> anyhow::Result<ExitCode> {
    let children = Children::default().reporting_waits(logging::waiting);
    let opened = database(arguments, workspace, &children);
    let code = match opened {
        Ok(database) => {
            if let Some(facts) = facts(&database, term) {
                print(&[explain::advisory(&facts)])
            } else {
                logging::error(&format!(
                    "no advisory `{}` in the local database ({} advisories); fetch new ones with \
                     `supercargo db update`",
                    sanitize(term),
                    database.len()
                ));
                Ok(ExitCode::from(USAGE))
            }
        }
        Err(error) => {
            logging::error(&format!("could not look up `{}`: {error}", sanitize(term)));
            Ok(ExitCode::from(NO_VERDICT))
        }
    };
    children.wait_for_cleanup(CLEANUP_TIMEOUT);
    code
}

/// The advisory with this id or alias.
fn facts(database: &Database, term: &str) -> Option<AdvisoryFacts> {
    database.advisory(term).or_else(|| database.advisory_known_as(term))
}

fn database(
    arguments: &ExplainArguments,
    workspace: Option<&Workspace>,
    children: &Children,
) -> Result<Database, DatabaseError> {
    let cache = if arguments.no_cache { Cache::off() } else { Cache::of_user() };
    let source = if let Some(folder) = &arguments.db {
        DatabaseSource::Folder(absolute(folder).unwrap_or_else(|_| folder.clone()))
    } else {
        let config = arguments.config.as_deref().and_then(|path| absolute(path).ok());
        let policy = |workspace: &Workspace| policy(workspace, config.clone());
        let loaded = workspace.and_then(policy).and_then(|policy| policy.load().ok());
        match loaded.or_else(|| PolicyText::none(None).load().ok()) {
            Some(loaded) => DatabaseSource::Managed(loaded.databases),
            None => DatabaseSource::Folder(Utf8Path::new(".").to_owned()),
        }
    };
    source.open(RefreshPolicy::Never, children, &cache, &logging::progress)
}

fn policy(workspace: &Workspace, config: Option<Utf8PathBuf>) -> Option<PolicyText> {
    let PolicyFiles { policy, exceptions } = workspace.policy_files();
    let exceptions = exceptions.map(ExceptionsFile::on_disk);
    let path = config.or(policy)?;
    let text = OnDisk.read_named(&path).ok()?;
    Some(PolicyText { path: Some(path), text, exceptions })
}
