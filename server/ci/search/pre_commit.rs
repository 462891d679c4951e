//! Hooks of pre-commit: cargo-deny's own, and local ones.

use camino::Utf8PathBuf;

use super::{
    FileLine, FoundCommand, GateSource, Search, action,
    interpreter::ShellState,
    repository::CiFiles,
    script_text::ScriptText,
    variables::ExpandedWord,
    versions::{EngineVersion, VersionNumber},
    yaml::{self, YamlNode},
};

/// The arguments of cargo-deny's own hook, if none are given.
const DEFAULT: &str = "--all-features check";

pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    for path in &files.pre_commit {
        let Some(text) = search.text(path) else { continue };
        match yaml::documents(text.as_str()) {
            Ok(documents) => {
                for document in documents {
                    let repositories = document.get("repos").map_or(&*document, |repos| repos);
                    for repository in repositories.items() {
                        hooks(search, path, repository);
                    }
                }
            }
            Err(reason) if text.as_str().contains("deny") => search.unreadable(path, reason.into()),
            Err(_) => {}
        }
    }
}

fn hooks(search: &mut Search<'_>, path: &Utf8PathBuf, repository: &YamlNode) {
    let source = repository.text_of("repo").unwrap_or_default();
    let is_own = source.trim_end_matches('/').trim_end_matches(".git").ends_with("/cargo-deny");
    let version = repository.get("rev").filter(|_| is_own).and_then(|rev| {
        let number = VersionNumber::parse(rev.text()?)?;
        Some(EngineVersion { number, from: FileLine { file: path.clone(), line: rev.line } })
    });
    for hook in repository.get("hooks").map(YamlNode::items).unwrap_or_default() {
        let given = hook.get("args").map(|args| {
            let texts = args.items().iter().filter_map(|item| item.text());
            texts.map(|text| ExpandedWord::Known(text.to_owned())).collect::<Vec<_>>()
        });
        let mut origin = search.origin(path, GateSource::PreCommit);
        origin.only_new = false;
        if is_own && hook.text_of("id") == Some("cargo-deny") {
            let at = FileLine {
                file: path.clone(),
                line: hook.get("id").map_or(hook.line, |id| id.line),
            };
            search.add(FoundCommand {
                at,
                source: GateSource::PreCommit,
                called_from: None,
                folder: Ok(search.root.clone()),
                words: given.unwrap_or_else(|| action::words(DEFAULT)),
                version: version.clone(),
                reports_only: false,
            });
        } else if let Some(entry) = hook.get("entry").and_then(YamlNode::script) {
            let words = given.unwrap_or_default();
            let words: Vec<_> =
                words.iter().map(|word| super::gates::quoted(word.shown())).collect();
            let mut script = ScriptText::clone(entry);
            script.text = format!("{} {}", script.text.trim_end(), words.join(" "));
            let mut shell = ShellState::at(&search.root, search.root.clone());
            shell.stops = true;
            search.run_script(&script, &mut shell, &origin);
        }
    }
}
