//! The license texts of a package: which ones cargo-deny reads, their hashes as it computes them, and
//! the licenses that they contain.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::{Krate, Krates, licenses::cfg::ValidConfig};
use spdx::detection::{
    Store, TextData,
    scan::{ScanMode, Scanner},
};
use toml::de::DeTable;

use super::{Code, Finding, PackageRef, PolicyText, Severity, manifests::package_ref, own_finding};
use crate::{
    facts::is_unpacked_package,
    limits,
    model::tree,
    text::{Span, read_at_most},
};

/// The minimum similarity of a text to a license: cargo-deny's default.
const SIMILAR: f32 = 0.8;

/// The minimum similarity of a part of a text. Higher, because short parts match more easily.
const PART_SIMILAR: f32 = 0.9;

/// Below this similarity a text matches no license (as in cargo-deny's scanner).
const DISSIMILAR: f32 = 0.5;

/// Longer texts, in bytes, are not searched for several licenses.
const MAX_SEARCHED_BYTES: usize = 256 << 10;

/// Between the found licenses, only runs of this many lines are searched.
const MIN_RUN: usize = 5;
const MAX_RUN: usize = 600;

/// The number of steps into which such a run is divided; the work grows with its square.
const STEPS: usize = 24;

/// The folder of a package, and the license fields of its manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageFolder {
    /// The folder of its manifest.
    pub folder: Utf8PathBuf,
    /// `package.license`
    pub license: Option<String>,
    /// `package.license-file`
    pub license_file: Option<Utf8PathBuf>,
}

/// A license text.
#[derive(Clone, Debug)]
pub(crate) struct LicenseFile {
    /// The path relative to the package's folder.
    pub(crate) path: Utf8PathBuf,
    /// The `hash` of a clarification.
    pub(crate) hash: u32,
    content: String,
}

/// The licenses that a text contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recognized {
    /// The text is this license.
    One(&'static str),
    /// It consists mostly of these licenses.
    Several(Vec<&'static str>),
    /// It contains these licenses and other text, which may be another license.
    Among(Vec<&'static str>),
    /// It is slightly similar to this license.
    Perhaps(&'static str),
    /// It is similar to no license.
    Unknown,
}

/// The folders of all packages.
pub(super) fn folders(krates: &Krates) -> BTreeMap<PackageRef, PackageFolder> {
    let folder = |krate: &Krate| {
        let folder = PackageFolder {
            folder: krate.manifest_path.parent()?.to_owned(),
            license: krate.license.clone(),
            license_file: krate.license_file.clone(),
        };
        Some((package_ref(krate), folder))
    };
    krates.krates().filter_map(folder).collect()
}

/// The files that cargo-deny reads, sorted; empty if the folder cannot be read.
pub(crate) fn license_files(package: &PackageFolder) -> Vec<LicenseFile> {
    let mut paths: Vec<Utf8PathBuf> = Vec::new();
    for entry in package.folder.read_dir_utf8().into_iter().flatten().flatten() {
        let name = entry.file_name();
        if is_license_name(name) && entry.path().is_file() {
            paths.push(name.into());
        }
    }
    if let Some(file) = &package.license_file
        && !paths.iter().any(|path| path.ends_with(file))
    {
        paths.push(file.clone());
    }
    paths.sort();
    paths.truncate(limits::LICENSE_TEXTS);
    paths.into_iter().filter_map(|path| license_file(&package.folder, path)).collect()
}

/// Whether cargo-deny reads a package's license texts: if the license expression is absent or invalid
/// even in lax mode.
pub(super) fn needs_text(license: Option<&str>) -> bool {
    license
        .is_none_or(|license| spdx::Expression::parse_mode(license, spdx::ParseMode::LAX).is_err())
}

/// Whether cargo-deny treats a file next to the manifest as a license text.
pub(super) fn is_license_name(name: &str) -> bool {
    name.starts_with("LICENSE") || name.starts_with("COPYING")
}

/// Reads a license file; `None` if it cannot be read.
pub(crate) fn license_file(folder: &Utf8Path, path: Utf8PathBuf) -> Option<LicenseFile> {
    let content = normalized(&read_at_most(&folder.join(&path), limits::LICENSE_TEXT).ok()?);
    Some(LicenseFile { hash: cargo_deny::hash(content.as_bytes()), content, path })
}

/// Normalizes a text as cargo-deny does: every line ends with one `\n`, and the text ends before the
/// first line that is not UTF-8.
fn normalized(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 1);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { break };
        text.push_str(line.trim_end_matches(['\r', '\n']));
        text.push('\n');
    }
    text
}

/// The licenses that each text contains. The results are cached; the texts of all licenses, which they
/// are compared with, are loaded and dropped.
pub(crate) fn recognized(files: &[LicenseFile]) -> Vec<Recognized> {
    static CACHE: Mutex<BTreeMap<(u32, usize), Recognized>> = Mutex::new(BTreeMap::new());
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let key = |file: &LicenseFile| (file.hash, file.content.len());
    if files.iter().any(|file| !cache.contains_key(&key(file))) {
        let store = Store::load_inline().unwrap_or_default();
        for file in files {
            cache.entry(key(file)).or_insert_with(|| recognize(&file.content, &store));
        }
    }
    files.iter().map(|file| cache.get(&key(file)).cloned().unwrap_or(Recognized::Unknown)).collect()
}

fn recognize(content: &str, store: &Store) -> Recognized {
    let text = TextData::new(content);
    let scanner = Scanner::new(store).confidence_threshold(DISSIMILAR);
    let whole = scanner.scan(&text);
    let whole_id = whole.license.and_then(|found| identified(found.name, content));
    if let Some(id) = whole_id.filter(|_| whole.score >= SIMILAR) {
        return Recognized::One(id);
    }
    if content.len() <= MAX_SEARCHED_BYTES {
        let (parts, covered) = parts(&text, content, store);
        if !parts.is_empty() {
            return if covered { Recognized::Several(parts) } else { Recognized::Among(parts) };
        }
    }
    whole_id.map_or(Recognized::Unknown, Recognized::Perhaps)
}

/// The licenses that a text contains one after the other, in order, and whether it contains little
/// else.
fn parts(text: &TextData, content: &str, store: &Store) -> (Vec<&'static str>, bool) {
    let count = text.lines().len();
    let mut covered: Vec<bool> = text.lines().iter().map(|line| line.trim().is_empty()).collect();
    let mut found: Vec<(usize, &'static str)> = Vec::new();
    let mut take = |scanner: &Scanner<'_>, text: &TextData, start: usize| {
        for part in scanner.scan(text).containing {
            let Some(id) = identified(part.license.name, content) else { continue };
            let lines = start + part.line_range.0..(start + part.line_range.1).min(count);
            found.push((lines.start, id));
            covered.get_mut(lines).into_iter().flatten().for_each(|line| *line = true);
        }
        covered.clone()
    };
    // The most similar first: parts of a longer license are similar to shorter ones.
    let first = Scanner::new(store).confidence_threshold(PART_SIMILAR).optimize(true);
    let open = take(&first, text, 0);
    for (start, lines) in runs(text.lines(), &open) {
        let step_size = (lines.len() / STEPS).max(3);
        let mode = ScanMode::TopDown { step_size };
        let scanner = Scanner::with_scan_mode(store, mode).confidence_threshold(SIMILAR);
        take(&scanner, &TextData::new(&lines.join("\n")), start);
    }
    found.sort_by_key(|(start, _)| *start);
    let mut ids: Vec<&'static str> = Vec::new();
    for (_, id) in found {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let open = covered.iter().filter(|covered| !**covered).count();
    (ids, open * 10 <= count)
}

/// The runs of uncovered lines, each with the index of its first line.
fn runs<'l>(lines: &'l [String], covered: &[bool]) -> Vec<(usize, &'l [String])> {
    let is_end = |at: usize| covered[at] && !lines[at].trim().is_empty();
    let mut runs = Vec::new();
    let mut start = 0;
    for at in 0..=lines.len() {
        if at < lines.len() && !is_end(at) {
            continue;
        }
        if (MIN_RUN..=MAX_RUN).contains(&(at - start)) {
            runs.push((start, &lines[start..at]));
        }
        start = at + 1;
    }
    runs
}

/// cargo-deny identifies texts similar to "Pixar" as Apache-2.0, on which that license is based.
fn identified(name: &str, content: &str) -> Option<&'static str> {
    let is_pixar = content.trim_start().starts_with("Modified Apache 2.0 License");
    let name = if name == "Pixar" && !is_pixar { "Apache-2.0" } else { name };
    spdx::license_id(name).map(|id| id.name)
}

/// Whether a package whose files may change has its license texts clarified.
pub(super) fn clarifies_local_package(krates: &Krates, config: &ValidConfig) -> bool {
    let is_clarified = |krate: &Krate| {
        config.clarifications.iter().any(|one| cargo_deny::match_krate(krate, &one.spec))
    };
    !config.clarifications.is_empty()
        && krates.krates().any(|krate| has_changing_files(krate) && is_clarified(krate))
}

/// Whether the files of a package may change.
pub(super) fn has_changing_files(krate: &Krate) -> bool {
    krate.source.is_none() || !is_unpacked_package(&krate.manifest_path)
}

/// The clarifications that no longer apply to packages in the graph, because a text has another hash.
/// cargo-deny ignores them silently (EmbarkStudios/cargo-deny#577).
pub(super) fn outdated_clarifications(
    krates: &Krates,
    config: &ValidConfig,
    policy: &PolicyText,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.clarifications.is_empty() {
        return findings;
    }
    let (parsed, _) = tree::parse(policy.text.as_str());
    for krate in krates.krates() {
        let Some(folder) = krate.manifest_path.parent() else { continue };
        let clarified_files = config
            .clarifications
            .iter()
            .filter(|one| cargo_deny::match_krate(krate, &one.spec))
            .map(|one| {
                let files = one.license_files.iter().map(|file| {
                    let read = license_file(folder, file.path.value.clone());
                    (file, read.map(|read| read.hash))
                });
                files.collect::<Vec<_>>()
            });
        let clarified_files: Vec<_> = clarified_files.collect();
        // A package may have several, for different versions of its texts.
        let applies = |files: &Vec<(&_, _)>| {
            let matches_hash =
                |(file, hash): &(&cargo_deny::licenses::cfg::FileSource, Option<u32>)| {
                    *hash == Some(file.hash)
                };
            files.iter().all(matches_hash)
        };
        if clarified_files.iter().any(applies) {
            continue;
        }
        for (file, hash) in clarified_files.into_iter().flatten() {
            if hash.is_none_or(|hash| hash == file.hash) {
                continue;
            }
            let Some(span) = hash_span(parsed.get_ref(), file.path.span.start) else { continue };
            findings.push(outdated_finding(krate, &file.path.value, span, policy));
        }
    }
    findings
}

fn outdated_finding(krate: &Krate, path: &Utf8Path, span: Span, policy: &PolicyText) -> Finding {
    let message = format!(
        "this clarification does not apply: the hash of `{path}` in `{}` {} has changed",
        krate.name, krate.version
    );
    let locations = vec![policy.location(span)];
    let mut finding =
        own_finding(Code::ClarificationOutdated, Severity::Warning, message, locations);
    finding.remedy =
        Some("review the text, and update `hash` if the expression is still correct".into());
    finding.packages.push(package_ref(krate));
    finding
}

/// The hash that belongs to the path that starts at `path`.
fn hash_span(policy: &DeTable<'_>, path: usize) -> Option<Span> {
    let clarify = tree::array(tree::table(policy, "licenses")?, "clarify").iter();
    let files = clarify.filter_map(|one| one.get_ref().as_table());
    let mut files = files.flat_map(|one| tree::array(one, "license-files"));
    files.find_map(|file| {
        let file = file.get_ref().as_table()?;
        let span = file.get("path")?.span();
        span.contains(&path).then(|| file.get("hash").map(toml::Spanned::span))?
    })
}

/// License texts for tests.
#[cfg(test)]
pub(crate) const MIT: &str = include_str!("../../LICENSE-MIT");
#[cfg(test)]
pub(crate) const ISC: &str = "Copyright 2015 An Author.

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is
hereby granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE
INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF
USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT
OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_equal_those_of_cargo_deny() {
        let hash = |text: &[u8]| cargo_deny::hash(normalized(text).as_bytes());
        assert_eq!(hash(b"a\nb\n"), hash(b"a\r\nb"));
        assert_eq!(hash(b"a\n\xff\nb\n"), hash(b"a\n"));
        assert_eq!(hash(b""), 0x02cc_5d05);
        assert_ne!(hash(b"a \n"), hash(b"a\n"));
    }

    fn recognize_text(content: &str) -> Recognized {
        recognize(content, &Store::load_inline().expect("the texts"))
    }

    #[test]
    fn text_is_recognized_by_similarity() {
        let (mit, isc) = (MIT, ISC);
        assert_eq!(recognize_text(mit), Recognized::One("MIT"));
        assert_eq!(recognize_text("Do as you like."), Recognized::Unknown);
        let both = format!("{mit}\n\n{isc}\n");
        assert_eq!(recognize_text(&both), Recognized::Several(vec!["MIT", "ISC"]));
        let words = "This file speaks of many things.\nSome of them are licenses.\n".repeat(20);
        let more = format!("{words}\n{mit}\n{words}\n{isc}\n{words}");
        assert_eq!(recognize_text(&more), Recognized::Among(vec!["MIT", "ISC"]));
    }
}
