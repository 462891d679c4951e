//! Completion in a policy: collects the facts of its verdicts, and formats the documentation of items.

use std::{collections::BTreeMap, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

use super::markup::Markup;
use crate::{
    gate::Verdict,
    policy::{
        CompletionFacts, CompletionRequest, Completions, PackageFiles, complete,
        rich_text::RichTextPart,
    },
    verdict::{
        AdvisoryTitle, Finding, GraphFacts, PackageFacts, PackageFolder, PackageRef, license_files,
    },
};

/// The maximum number of files of a package that are offered.
const MAX_FILES: usize = 500;

/// The maximum number of folder entries that are read for them.
const MAX_ENTRIES: usize = 5_000;

/// The completions at `offset` of a policy's text.
pub(crate) fn completions(
    text: &str,
    offset: usize,
    wanted: CompletionRequest,
    verdicts: &[Arc<Verdict>],
    advisories: &[AdvisoryTitle],
) -> Completions {
    let folders = Folders(verdicts);
    let complete_with = |graph: &GraphFacts, findings: &[Finding]| {
        complete(
            text,
            offset,
            wanted,
            CompletionFacts { graph, findings, advisories, files: &folders },
        )
    };
    match verdicts {
        [] => complete_with(&GraphFacts::default(), &[]),
        [verdict] => complete_with(&verdict.graph, &verdict.findings),
        several => {
            let graph = merge_graphs(several.iter().map(|verdict| &*verdict.graph));
            let findings: Vec<Finding> =
                several.iter().flat_map(|verdict| &verdict.findings).cloned().collect();
            complete_with(&graph, &findings)
        }
    }
}

/// Merges the graphs of workspaces with one policy, each package once. Dependency paths are dropped,
/// because each is valid in one workspace only.
fn merge_graphs<'g>(graphs: impl Iterator<Item = &'g GraphFacts>) -> GraphFacts {
    let all: Vec<&PackageFacts> = graphs.flat_map(|graph| &graph.packages).collect();
    let mut merged: BTreeMap<(&str, &Version, Option<&str>), PackageFacts> = BTreeMap::new();
    for package in all {
        let key = (&*package.name, &package.version, package.source.as_deref());
        match merged.get_mut(&key) {
            None => {
                merged.insert(key, PackageFacts { via: None, ..package.clone() });
            }
            Some(package_facts) => {
                package_facts.enabled.extend(package.enabled.iter().cloned());
                package_facts.enabled.sort();
                package_facts.enabled.dedup();
                package_facts.member |= package.member;
            }
        }
    }
    GraphFacts::of(merged.into_values().collect())
}

/// The files of the packages on disk.
struct Folders<'v>(&'v [Arc<Verdict>]);

impl Folders<'_> {
    fn folder(&self, package: &PackageRef) -> Option<&PackageFolder> {
        self.0.iter().find_map(|verdict| verdict.folders.get(package))
    }
}

impl PackageFiles for Folders<'_> {
    fn licenses(&self, package: &PackageRef) -> Vec<(Utf8PathBuf, u32)> {
        let files = self.folder(package).map(license_files).unwrap_or_default();
        files.into_iter().map(|file| (file.path, file.hash)).collect()
    }

    fn paths(&self, package: &PackageRef) -> Vec<Utf8PathBuf> {
        self.folder(package).map(|folder| files_below(&folder.folder)).unwrap_or_default()
    }
}

/// The files below a folder, relative to it, without `.git` and `target`.
fn files_below(root: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    let mut entries_read = 0;
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
            entries_read += 1;
            if entries_read > MAX_ENTRIES || files.len() == MAX_FILES {
                return files;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            if kind.is_dir() && !matches!(name, ".git" | "target") {
                folders.push(entry.path().to_owned());
            } else if kind.is_file()
                && let Ok(path) = entry.path().strip_prefix(root)
            {
                // Policies use slashes on every platform.
                files.push(path.as_str().replace('\\', "/").into());
            }
        }
    }
    files
}

/// Formats the documentation of an item.
pub(crate) fn markup(words: &[RichTextPart]) -> Markup {
    words.iter().fold(Markup::default(), |markup, word| match word {
        RichTextPart::Text(text) => markup.text(text),
        RichTextPart::Code(text) => markup.code(text),
        RichTextPart::Toml(text) => markup.block(text),
        RichTextPart::Paragraph => markup.paragraph(),
    })
}
