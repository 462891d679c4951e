//! The license texts of a package: which ones cargo-deny looks at, their hashes as it computes them,
//! and what licenses can be told from them where it cannot.

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
    limits,
    model::tree,
    text::{Span, read_at_most},
};

/// From this on a text is taken for the license that it is most like: cargo-deny's default.
const ALIKE: f32 = 0.8;

/// Parts of a text have less around them that could be like anything.
const PART_ALIKE: f32 = 0.9;

/// Below this it is like none (cargo-deny's scanner).
const UNLIKE: f32 = 0.5;

/// Longer texts are not searched for several licenses.
const LONGEST: usize = 256 << 10;

/// Nor are shorter and longer runs of lines between those that were found.
const SHORTEST: usize = 5;
const MOST_LINES: usize = 600;

/// Into how many steps such a run is divided: the work is their square.
const STEPS: usize = 24;

/// Where a package's files are, and what its manifest says of its license.
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
    /// Below the package's folder.
    pub(crate) path: Utf8PathBuf,
    /// What a clarification states of it.
    pub(crate) hash: u32,
    content: String,
}

/// What can be told from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recognized {
    /// It is this license.
    One(&'static str),
    /// It holds these, and they make up most of it.
    Several(Vec<&'static str>),
    /// It holds these, and more than them: whether that is a license cannot be told.
    Among(Vec<&'static str>),
    /// It is a little like this one.
    Perhaps(&'static str),
    /// It is like none.
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

/// The files that cargo-deny looks at, sorted; none where the folder cannot be read.
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

/// One of them; `None` where it cannot be read.
pub(crate) fn license_file(folder: &Utf8Path, path: Utf8PathBuf) -> Option<LicenseFile> {
    let content = normalized(&read_at_most(&folder.join(&path), limits::LICENSE_TEXT).ok()?);
    Some(LicenseFile { hash: cargo_deny::hash(content.as_bytes()), content, path })
}

/// As cargo-deny reads it: every line ends with one `\n`, nothing counts from the first line on that
/// is not UTF-8.
fn normalized(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 1);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { break };
        text.push_str(line.trim_end_matches(['\r', '\n']));
        text.push('\n');
    }
    text
}

/// What licenses each text is or holds. The texts of all licenses are read for it and forgotten
/// again; what was recognized is kept.
pub(crate) fn recognized(files: &[LicenseFile]) -> Vec<Recognized> {
    static KNOWN: Mutex<BTreeMap<(u32, usize), Recognized>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = |file: &LicenseFile| (file.hash, file.content.len());
    if files.iter().any(|file| !known.contains_key(&key(file))) {
        let store = Store::load_inline().unwrap_or_default();
        for file in files {
            known.entry(key(file)).or_insert_with(|| recognize(&file.content, &store));
        }
    }
    files.iter().map(|file| known.get(&key(file)).cloned().unwrap_or(Recognized::Unknown)).collect()
}

fn recognize(content: &str, store: &Store) -> Recognized {
    let text = TextData::new(content);
    let scanner = Scanner::new(store).confidence_threshold(UNLIKE);
    let whole = scanner.scan(&text);
    let whole_id = whole.license.and_then(|found| identified(found.name, content));
    if let Some(id) = whole_id.filter(|_| whole.score >= ALIKE) {
        return Recognized::One(id);
    }
    if content.len() <= LONGEST {
        let (parts, covered) = parts(&text, content, store);
        if !parts.is_empty() {
            return if covered { Recognized::Several(parts) } else { Recognized::Among(parts) };
        }
    }
    whole_id.map_or(Recognized::Unknown, Recognized::Perhaps)
}

/// The licenses that stand in a text one after the other, in their order, and whether nothing but
/// them does.
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
    // The most alike first: parts of a longer license are like shorter ones.
    let first = Scanner::new(store).confidence_threshold(PART_ALIKE).optimize(true);
    let open = take(&first, text, 0);
    for (start, lines) in runs(text.lines(), &open) {
        let step_size = (lines.len() / STEPS).max(3);
        let mode = ScanMode::TopDown { step_size };
        let scanner = Scanner::with_scan_mode(store, mode).confidence_threshold(ALIKE);
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

/// The runs of lines, with where each starts, of which none is covered but blank ones.
fn runs<'l>(lines: &'l [String], covered: &[bool]) -> Vec<(usize, &'l [String])> {
    let is_end = |at: usize| covered[at] && !lines[at].trim().is_empty();
    let mut runs = Vec::new();
    let mut start = 0;
    for at in 0..=lines.len() {
        if at < lines.len() && !is_end(at) {
            continue;
        }
        if (SHORTEST..=MOST_LINES).contains(&(at - start)) {
            runs.push((start, &lines[start..at]));
        }
        start = at + 1;
    }
    runs
}

/// cargo-deny takes what is most like "Pixar" for Apache-2.0, which that text is made from.
fn identified(name: &str, content: &str) -> Option<&'static str> {
    let is_pixar = content.trim_start().starts_with("Modified Apache 2.0 License");
    let name = if name == "Pixar" && !is_pixar { "Apache-2.0" } else { name };
    spdx::license_id(name).map(|id| id.name)
}

/// The clarifications of packages in the graph that hold no more, because a text has another hash:
/// cargo-deny passes over them in silence (EmbarkStudios/cargo-deny#577).
pub(super) fn outdated(krates: &Krates, config: &ValidConfig, policy: &PolicyText) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.clarifications.is_empty() {
        return findings;
    }
    let (parsed, _) = tree::parse(policy.text.as_str());
    for krate in krates.krates() {
        let Some(folder) = krate.manifest_path.parent() else { continue };
        let about = config
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
        let about: Vec<_> = about.collect();
        // Several may speak of a package, each of other versions of its texts.
        let holds = |files: &Vec<(&_, _)>| {
            let fits = |(file, hash): &(&cargo_deny::licenses::cfg::FileSource, Option<u32>)| {
                *hash == Some(file.hash)
            };
            files.iter().all(fits)
        };
        if about.iter().any(holds) {
            continue;
        }
        for (file, hash) in about.into_iter().flatten() {
            if hash.is_none_or(|hash| hash == file.hash) {
                continue;
            }
            let Some(span) = hash_span(parsed.get_ref(), file.path.span.start) else { continue };
            findings.push(changed_text(krate, &file.path.value, span, policy));
        }
    }
    findings
}

fn changed_text(krate: &Krate, path: &Utf8Path, span: Span, policy: &PolicyText) -> Finding {
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

/// The hash beside the path that starts at `path`.
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
pub(crate) const ISC: &str = "Copyright 2015 Somebody.

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
    fn hashes_are_cargo_denys() {
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
    fn a_text_is_told_by_what_it_is_most_like() {
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
