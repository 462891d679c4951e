//! Completion in a policy: the facts of the verdicts that it rules, and the words of an item.

use std::{collections::BTreeMap, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};

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

/// How many files of a package are told.
const FILES: usize = 500;

/// How many entries of folders are looked at for them.
const LOOKED_AT: usize = 5_000;

/// What could stand at `offset` of a policy's text.
pub(crate) fn completions(
    text: &str,
    offset: usize,
    wanted: CompletionRequest,
    verdicts: &[Arc<Verdict>],
    advisories: &[AdvisoryTitle],
) -> Completions {
    let folders = Folders(verdicts);
    let told = |graph: &GraphFacts, findings: &[Finding]| {
        complete(
            text,
            offset,
            wanted,
            CompletionFacts { graph, findings, advisories, files: &folders },
        )
    };
    match verdicts {
        [] => told(&GraphFacts::default(), &[]),
        [verdict] => told(&verdict.graph, &verdict.findings),
        several => {
            let graph = together(several.iter().map(|verdict| &*verdict.graph));
            let findings: Vec<Finding> =
                several.iter().flat_map(|verdict| &verdict.findings).cloned().collect();
            told(&graph, &findings)
        }
    }
}

/// The graphs of workspaces with one policy, each package once. Why packages are there is told of
/// one workspace alone.
fn together<'g>(graphs: impl Iterator<Item = &'g GraphFacts>) -> GraphFacts {
    let all: Vec<&PackageFacts> = graphs.flat_map(|graph| &graph.packages).collect();
    let mut known: BTreeMap<(&str, &str, Option<&str>), PackageFacts> = BTreeMap::new();
    for package in all {
        let key = (&*package.name, &*package.version, package.source.as_deref());
        match known.get_mut(&key) {
            None => {
                known.insert(key, PackageFacts { via: None, ..package.clone() });
            }
            Some(seen) => {
                seen.enabled.extend(package.enabled.iter().cloned());
                seen.enabled.sort();
                seen.enabled.dedup();
                seen.member |= package.member;
            }
        }
    }
    GraphFacts::of(known.into_values().collect())
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

/// Files below a folder, relative to it; what cargo and git keep for themselves is left out.
fn files_below(root: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > LOOKED_AT || files.len() == FILES {
                return files;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            if kind.is_dir() && !matches!(name, ".git" | "target") {
                folders.push(entry.path().to_owned());
            } else if kind.is_file()
                && let Ok(path) = entry.path().strip_prefix(root)
            {
                // Policies are written with slashes everywhere.
                files.push(path.as_str().replace('\\', "/").into());
            }
        }
    }
    files
}

/// The words of an item.
pub(crate) fn markup(words: &[RichTextPart]) -> Markup {
    words.iter().fold(Markup::default(), |markup, word| match word {
        RichTextPart::Text(text) => markup.text(text),
        RichTextPart::Code(text) => markup.code(text),
        RichTextPart::Toml(text) => markup.block(text),
        RichTextPart::Paragraph => markup.paragraph(),
    })
}
