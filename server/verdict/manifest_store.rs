//! The manifests and the lockfile that the graphs of one workspace have in common: each text is parsed once for all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use camino::{Utf8Path, Utf8PathBuf};

use super::local_files::{LocalManifest, LockfileIndex};
use crate::text::{FilePath, SourceText};

/// Those that were read last, by the path that cargo uses.
#[derive(Default)]
pub struct ManifestStore {
    manifests: Mutex<HashMap<Utf8PathBuf, Arc<LocalManifest>>>,
    lockfile: Mutex<Option<Arc<LockfileIndex>>>,
}

impl std::fmt::Debug for ManifestStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManifestStore").finish_non_exhaustive()
    }
}

impl ManifestStore {
    /// The manifest that cargo reads at `real` and the user names `path`, with a text.
    pub(super) fn manifest(
        &self,
        real: &Utf8Path,
        path: FilePath,
        text: SourceText,
    ) -> Arc<LocalManifest> {
        let known = || {
            let manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
            manifests.get(real).cloned()
        };
        let known = known().filter(|one| one.path == path && one.text == text);
        known.unwrap_or_else(|| {
            let new = Arc::new(LocalManifest::new(real, path, text));
            let mut manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
            manifests.insert(real.to_owned(), Arc::clone(&new));
            new
        })
    }

    /// The lockfile that the user names `path`, with a text.
    pub(super) fn lockfile(&self, path: FilePath, text: SourceText) -> Arc<LockfileIndex> {
        let known = || self.lockfile.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = known().filter(|one| one.path == path && one.text == text);
        known.unwrap_or_else(|| {
            let new = Arc::new(LockfileIndex::new(path, text));
            let mut lockfile = self.lockfile.lock().unwrap_or_else(PoisonError::into_inner);
            *lockfile = Some(Arc::clone(&new));
            new
        })
    }
}
