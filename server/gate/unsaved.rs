//! The unsaved texts of a check.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::texts::{OnDisk, Texts, fingerprint};
use crate::{model::fingerprint::FileFingerprint, text::SourceText};

/// Unsaved manifests and lockfiles.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsaved {
    /// Those without syntax errors. For a manifest with errors, its last valid text.
    pub(super) valid: BTreeMap<Utf8PathBuf, SourceText>,
    /// Those that cargo resolves to something else than the files on disk: most edits change the layout only, at first.
    pub(super) differing: BTreeMap<Utf8PathBuf, SourceText>,
    /// The fingerprints of the differing ones.
    pub(super) fingerprints: BTreeMap<Utf8PathBuf, FileFingerprint>,
}

impl Unsaved {
    /// Those of `texts`, after a check that had `valid` ones.
    pub(super) fn of(texts: &dyn Texts, mut valid: BTreeMap<Utf8PathBuf, SourceText>) -> Self {
        let unsaved = texts.unsaved();
        valid.retain(|path, _| unsaved.contains_key(path));
        for (path, text) in unsaved {
            if path.file_name() != Some("Cargo.toml")
                || FileFingerprint::of_manifest(text.as_str()).is_some()
            {
                valid.insert(path, text);
            }
        }
        let mut unsaved = Self { valid, ..Self::default() };
        for (path, text) in &unsaved.valid {
            let now = fingerprint(path, text);
            if of_disk(path).as_ref() != Some(&now) {
                unsaved.fingerprints.insert(path.clone(), now);
                unsaved.differing.insert(path.clone(), text.clone());
            }
        }
        unsaved
    }
}

fn of_disk(path: &Utf8Path) -> Option<FileFingerprint> {
    OnDisk.read(path).ok().map(|text| fingerprint(path, &text))
}
