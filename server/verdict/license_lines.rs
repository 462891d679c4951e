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

use camino::Utf8PathBuf;
use cargo_deny::{Krates, diag::Files};
use rayon::prelude::*;
use regex::Regex;

/// What cargo-deny searches for (`LICENSE_RX` of its `licenses::gather`).
const LICENSE: &str = r#"license\s*=\s*["']([^"']*)["']"#;

/// The lines that this process has read, each with the size and time of its manifest.
static CACHE: LazyLock<RwLock<HashMap<Utf8PathBuf, (ManifestStamp, String)>>> =
    LazyLock::new(RwLock::default);

type ManifestStamp = (u64, Option<SystemTime>);

/// A short text per manifest in which the same search finds the same match.
#[derive(Debug)]
pub(super) struct LicenseLines(Vec<(Utf8PathBuf, String)>);

impl LicenseLines {
    pub(super) fn read(krates: &Krates) -> Self {
        let Ok(pattern) = Regex::new(LICENSE) else { return Self(Vec::new()) };
        let packages: Vec<_> = krates.krates().filter(|krate| krate.source.is_some()).collect();
        let cached = CACHE.read().unwrap_or_else(PoisonError::into_inner);
        let read = packages.into_par_iter().filter_map(|krate| {
            let path = &krate.manifest_path;
            let data = fs::metadata(path).ok()?;
            let stamp = (data.len(), data.modified().ok());
            if let Some((_, line)) = cached.get(path).filter(|(then, _)| *then == stamp) {
                return Some((path.clone(), (stamp, line.clone())));
            }
            let text = fs::read_to_string(path).ok()?;
            let line = pattern.find(&text).map(|found| found.as_str().to_owned());
            Some((path.clone(), (stamp, line.unwrap_or_default())))
        });
        let read: Vec<_> = read.collect();
        let lines = read.iter().map(|(path, (_, line))| (path.clone(), line.clone())).collect();
        drop(cached);
        CACHE.write().unwrap_or_else(PoisonError::into_inner).extend(read);
        Self(lines)
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
