//! The one line of each registry manifest that cargo-deny's licence check looks at.
//!
//! cargo-deny reads the manifest of every package on each run to label the licence expression.
//! The line is read once for each manifest, and again when that has changed, and handed to it again.

use std::{
    collections::HashMap,
    fs,
    sync::{LazyLock, PoisonError, RwLock},
    time::SystemTime,
};

use camino::Utf8PathBuf;
use cargo_deny::{Krates, diag::Files};
use rayon::prelude::*;
use regex::Regex;

/// What cargo-deny searches for (`LICENSE_RX` of its `licenses::gather`).
const LICENCE: &str = r#"license\s*=\s*["']([^"']*)["']"#;

/// The lines that were read in this process, each with the size and time of its manifest.
static KNOWN: LazyLock<RwLock<HashMap<Utf8PathBuf, (Stamp, String)>>> =
    LazyLock::new(RwLock::default);

type Stamp = (u64, Option<SystemTime>);

/// A text for each manifest in which the same search finds the same words.
#[derive(Debug)]
pub(super) struct LicenceLines(Vec<(Utf8PathBuf, String)>);

impl LicenceLines {
    pub(super) fn read(krates: &Krates) -> Self {
        let Ok(pattern) = Regex::new(LICENCE) else { return Self(Vec::new()) };
        let packages: Vec<_> = krates.krates().filter(|krate| krate.source.is_some()).collect();
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        let read = packages.into_par_iter().filter_map(|krate| {
            let path = &krate.manifest_path;
            let data = fs::metadata(path).ok()?;
            let stamp = (data.len(), data.modified().ok());
            let kept = known.get(path).filter(|(then, _)| *then == stamp);
            let line = if let Some((_, line)) = kept {
                line.clone()
            } else {
                let text = fs::read_to_string(path).ok()?;
                pattern.find(&text).map(|found| found.as_str().to_owned()).unwrap_or_default()
            };
            Some((path.clone(), (stamp, line)))
        });
        let read: Vec<_> = read.collect();
        let lines = read.iter().map(|(path, (_, line))| (path.clone(), line.clone())).collect();
        drop(known);
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).extend(read);
        Self(lines)
    }

    /// Hands the texts to the check.
    pub(super) fn add_to(&self, files: &mut Files) {
        for (path, line) in &self.0 {
            if files.id_for_path(path).is_none() {
                files.add(path.clone(), line.clone());
            }
        }
    }
}
