//! The one line of each registry manifest that cargo-deny's licence check looks at.
//!
//! cargo-deny reads the manifest of every package on each run to label the licence expression.
//! The manifests of a registry never change, so the line is read once and handed to it again.

use std::fs;

use camino::Utf8PathBuf;
use cargo_deny::{Krates, diag::Files};
use rayon::prelude::*;
use regex::Regex;

/// What cargo-deny searches for (`LICENSE_RX` of its `licenses::gather`).
const LICENCE: &str = r#"license\s*=\s*["']([^"']*)["']"#;

/// A text for each manifest in which the same search finds the same words.
#[derive(Debug)]
pub(super) struct LicenceLines(Vec<(Utf8PathBuf, String)>);

impl LicenceLines {
    pub(super) fn read(krates: &Krates) -> Self {
        let Ok(pattern) = Regex::new(LICENCE) else { return Self(Vec::new()) };
        let packages: Vec<_> = krates.krates().filter(|krate| krate.source.is_some()).collect();
        let lines = packages.into_par_iter().filter_map(|krate| {
            let text = fs::read_to_string(&krate.manifest_path).ok()?;
            let line = pattern.find(&text).map(|found| found.as_str().to_owned());
            Some((krate.manifest_path.clone(), line.unwrap_or_default()))
        });
        Self(lines.collect())
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
