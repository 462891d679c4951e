//! From the words of a command to the workspace that it checks.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    DiscoveredGate, FoundCommand, UnresolvedGate, UnresolvedReason, variables::ExpandedWord,
};
use crate::{
    deny_command::DenyCommand,
    workspace::{Workspace, lexical},
};

pub(super) enum Resolved {
    Gate(Box<DiscoveredGate>),
    Unresolved(Box<UnresolvedGate>),
    /// Another command of cargo-deny, such as `fetch`.
    NotACheck,
}

/// Reads the words and looks for the folder and the manifest.
pub(super) fn resolve(
    command: FoundCommand,
    root: &Utf8Path,
    workspaces: &mut BTreeMap<Utf8PathBuf, Workspace>,
) -> Resolved {
    let shown: Vec<_> = command.words.iter().map(|word| quoted(word.shown())).collect();
    let shown = format!("cargo deny {}", shown.join(" "));
    let unresolved = |reason: UnresolvedReason| {
        Resolved::Unresolved(Box::new(UnresolvedGate {
            at: command.at.clone(),
            source: command.source,
            called_from: command.called_from.clone(),
            version: command.version.clone(),
            command: shown.trim_end().to_owned(),
            reason,
        }))
    };
    let mut words = Vec::with_capacity(command.words.len());
    for word in &command.words {
        match word {
            ExpandedWord::Known(word) => words.push(word.clone()),
            ExpandedWord::Unknown { reason, .. } => return unresolved(reason.clone()),
        }
    }
    let version = command.version.as_ref().map(|version| version.number.newest());
    let check = match DenyCommand::parse(&words, version.as_ref()) {
        Ok(DenyCommand::Check(check)) => *check,
        Ok(DenyCommand::NotACheck(_)) => return Resolved::NotACheck,
        Err(refusal) => return unresolved(refusal.into()),
    };
    let folder = match &command.folder {
        Ok(folder) => lexical(folder),
        Err(reason) => return unresolved(reason.clone()),
    };
    let below = |path: &Utf8Path| match path.strip_prefix(root) {
        Ok(inner) if inner.as_str().is_empty() => Utf8PathBuf::from("."),
        Ok(inner) => inner.to_owned(),
        Err(_) => path.to_owned(),
    };
    if !folder.starts_with(root) {
        return unresolved(UnresolvedReason::OutsideOfRepository);
    }
    if !folder.is_dir() {
        return unresolved(UnresolvedReason::NoFolder(below(&folder)));
    }
    let manifest = match &check.options.manifest_path {
        Some(path) => lexical(&folder.join(path)),
        None => folder.join("Cargo.toml"),
    };
    if !manifest.is_file() {
        return unresolved(match &check.options.manifest_path {
            Some(_) => UnresolvedReason::NoManifest(below(&manifest)),
            None => UnresolvedReason::FolderWithoutManifest(below(&folder)),
        });
    }
    let known = workspaces.entry(manifest);
    let workspace = known.or_insert_with_key(|manifest| Workspace::of_manifest(manifest)).clone();
    Resolved::Gate(Box::new(DiscoveredGate {
        workspace,
        at: command.at,
        source: command.source,
        called_from: command.called_from,
        version: command.version,
        folder,
        words,
        reports_only: command.reports_only || check.passes_always(),
        check,
    }))
}

/// A word as it can be pasted into a shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_=+./:@,${}()%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
