//! The one line of each registry manifest that cargo-deny's license check reads.
//!
//! cargo-deny reads the manifest of every package on each run to label the license expression. Here
//! the line is read once per manifest, and again after a change, and passed to cargo-deny.

use std::{
    collections::{HashMap, HashSet},
    fs,
    sync::{LazyLock, PoisonError, RwLock},
    time::SystemTime,
};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::{Krates, diag::Files};
use rayon::prelude::*;
use regex::Regex;

/// What cargo-deny searches for (`LICENSE_RX` of its `licenses::gather`).
const LICENSE: &str = r#"license\s*=\s*["']([^"']*)["']"#;

/// The lines that this process has read, each with the size and time of its manifest.
static CACHE: LazyLock<RwLock<HashMap<Utf8PathBuf, (ManifestStamp, String)>>> =
    LazyLock::new(RwLock::default);

type ManifestStamp = (u64, Option<SystemTime>);

static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(LICENSE).ok());

/// The line of a manifest, which is empty if there is none; `None` if it cannot be read.
pub(super) fn line_of(manifest: &Utf8Path) -> Option<String> {
    let data = fs::metadata(manifest).ok()?;
    let stamp = (data.len(), data.modified().ok());
    let cached = CACHE.read().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, line)) = cached.get(manifest).filter(|(then, _)| *then == stamp) {
        return Some(line.clone());
    }
    drop(cached);
    let text = fs::read_to_string(manifest).ok()?;
    let line = PATTERN.as_ref()?.find(&text).map(|found| found.as_str().to_owned());
    let line = line.unwrap_or_default();
    let mut cached = CACHE.write().unwrap_or_else(PoisonError::into_inner);
    cached.insert(manifest.to_owned(), (stamp, line.clone()));
    Some(line)
}

/// A short text per manifest in which the same search finds the same match.
#[derive(Debug)]
pub(super) struct LicenseLines(Vec<(Utf8PathBuf, String)>);

impl LicenseLines {
    pub(super) fn read(krates: &Krates) -> Self {
        let packages: Vec<_> = krates.krates().filter(|krate| krate.source.is_some()).collect();
        let paths = packages.into_par_iter().map(|krate| &krate.manifest_path);
        let lines = paths.filter_map(|path| Some((path.clone(), line_of(path)?)));
        Self(lines.collect())
    }

    /// The texts without those of files that the check has anyway.
    pub(super) fn without(&self, known: &[(Utf8PathBuf, String)]) -> Self {
        // As strings: to compare paths takes longer.
        let known: HashSet<_> = known.iter().map(|(path, _)| path.as_str()).collect();
        let others = self.0.iter().filter(|(path, _)| !known.contains(path.as_str()));
        Self(others.cloned().collect())
    }

    /// Passes the texts to the check, which has none of these files.
    pub(super) fn add_to(&self, files: &mut Files) {
        for (path, line) in &self.0 {
            files.add(path.clone(), line.clone());
        }
    }
}
