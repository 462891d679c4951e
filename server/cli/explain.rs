//! `supercargo explain`: what a code, an advisory, a package, a license or a key of the policy is.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;
use camino::Utf8Path;

use super::{
    USAGE,
    arguments::{ExplainArguments, GateArguments},
    check::PATIENCE,
    logging,
    meant::{Manner, absolute, gate_options},
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
        harmless, listed,
    },
    workspace::{PolicyFiles, Workspace},
};

/// Runs the word.
///
/// # Errors
///
/// When nobody reads what is said.
pub(super) fn run(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let word = arguments.word.trim();
    let mut told: Vec<Markup> = explain::code(word).into_iter().collect();
    told.extend(explain::key(word));
    let workspace = workspace(&arguments.path)?;
    let is_package_too = || workspace.as_ref().is_some_and(|workspace| is_locked(workspace, word));
    if !told.is_empty() && !is_package_too() {
        return tell(&told);
    }
    if is_advisory(word) {
        return advisory(word, arguments, workspace.as_ref());
    }
    // What a license is needs no workspace, but who names it does.
    let verdict = workspace.as_ref().and_then(|workspace| judged(workspace, arguments));
    let graph = verdict.as_ref().map(|verdict| &*verdict.graph);
    told.extend(explain::spdx(word, graph));
    if let Some(verdict) = &verdict {
        told.extend(explain::package(word, verdict));
    }
    if !told.is_empty() {
        return tell(&told);
    }
    let mut tried = vec![
        "a code".to_owned(),
        "a key of the policy".to_owned(),
        "an advisory's id".to_owned(),
        "a license of SPDX's list".to_owned(),
    ];
    let here = match (&workspace, &graph) {
        (None, _) => "; packages were not looked for: there is no workspace here",
        (Some(_), Some(graph)) if !graph.packages.is_empty() => {
            tried.push("a package here".to_owned());
            ""
        }
        _ => "; packages were not looked for: this workspace cannot be resolved",
    };
    let (last, first) =
        tried.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
    let mut words = format!("`{}` is not {} or {last}{here}", harmless(word), first.join(", "));
    let near: Vec<_> =
        explain::nearest(word, graph).into_iter().map(|name| format!("`{name}`")).collect();
    if !near.is_empty() {
        words.push_str(&format!("; nearest are {}", listed(&near)));
    }
    logging::complain(&words);
    Ok(ExitCode::from(USAGE))
}

fn tell(told: &[Markup]) -> anyhow::Result<ExitCode> {
    let texts = told.iter().map(|text| escaped(text.plain().trim_end()).into_owned());
    let texts: Vec<_> = texts.collect();
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{}\n", texts.join("\n\n")).as_bytes())
        .and_then(|()| out.flush())
        .context("standard output cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a package of that name is in the lock file: it may be called as a key is.
fn is_locked(workspace: &Workspace, word: &str) -> bool {
    let lock = OnDisk.read(&workspace.lock_file());
    lock.is_ok_and(|text| text.as_str().contains(&format!("\nname = \"{word}\"")))
}

/// The workspace at a path, or the one that it stands in.
fn workspace(path: &Utf8Path) -> anyhow::Result<Option<Workspace>> {
    let path = absolute(path)?;
    let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
    let manifests = folder.into_iter().flat_map(Utf8Path::ancestors);
    let manifest = manifests.map(|folder| folder.join("Cargo.toml")).find(|path| path.is_file());
    Ok(manifest.map(|manifest| Workspace::of_manifest(&manifest)))
}

fn options(arguments: &ExplainArguments) -> Option<GateOptions> {
    let manner = Manner { offline: arguments.network.offline, locked: false, helps: false };
    let options = gate_options(&GateArguments::of_explain(arguments), manner).ok()?;
    // Who asks what a word means does not ask for news.
    Some(GateOptions { refresh: RefreshPolicy::Never, ..options })
}

fn judged(workspace: &Workspace, arguments: &ExplainArguments) -> Option<Verdict> {
    let options = options(arguments)?;
    let databases = Databases::default();
    let mut gate = Gate::new(workspace.clone());
    let verdict = gate.judge(&options, &OnDisk, &databases, &logging::tell);
    drop(gate);
    drop(databases);
    options.resolver.children.wait_until_unused(PATIENCE);
    verdict
}

/// Whether a word has the shape of an id: `RUSTSEC-2024-0001`, in any letters.
fn is_advisory(word: &str) -> bool {
    let kinds = ["RUSTSEC-", "CVE-", "GHSA-"];
    kinds.iter().any(|kind| word.len() > kind.len() && word.to_ascii_uppercase().starts_with(kind))
}

fn advisory(
    word: &str,
    arguments: &ExplainArguments,
    workspace: Option<&Workspace>,
) -> anyhow::Result<ExitCode> {
    let children = Children::default();
    let opened = database(arguments, workspace, &children);
    let said = match opened {
        Ok(database) => {
            if let Some(facts) = facts(&database, word) {
                tell(&[explain::advisory(&facts)])
            } else {
                logging::complain(&format!(
                    "`{}` is in no advisory database here ({} advisories are); `supercargo db update` \
                     fetches new ones",
                    harmless(word),
                    database.len()
                ));
                Ok(ExitCode::from(USAGE))
            }
        }
        Err(error) => {
            logging::complain(&format!("could not look for `{}`: {error}", harmless(word)));
            Ok(ExitCode::from(NO_VERDICT))
        }
    };
    children.wait_until_unused(PATIENCE);
    said
}

/// The advisory of that id, also by the name that it has elsewhere.
fn facts(database: &Database, word: &str) -> Option<AdvisoryFacts> {
    database.advisory(word).or_else(|| database.advisory_known_as(word))
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
        let loaded = workspace.and_then(policy).and_then(|policy| policy.load(false).ok());
        match loaded.or_else(|| PolicyText::none(None).load(false).ok()) {
            Some(loaded) => DatabaseSource::Managed(loaded.databases),
            None => DatabaseSource::Folder(Utf8Path::new(".").to_owned()),
        }
    };
    source.open(RefreshPolicy::Never, children, &cache, &logging::tell)
}

fn policy(workspace: &Workspace) -> Option<PolicyText> {
    let PolicyFiles { policy, exceptions } = workspace.policy_files();
    let exceptions = exceptions.map(ExceptionsFile::on_disk);
    let path = policy?;
    let text = OnDisk.read(&path).ok()?;
    Some(PolicyText { path: Some(path), text, exceptions })
}
