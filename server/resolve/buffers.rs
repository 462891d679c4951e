//! Resolves the texts in an editor's buffers, in a scratch copy that is kept between edits.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    CargoWorkingDir, LockState, MetadataOptions, Originals, RecordedInputs, Resolution,
    ResolveError, ResolveHooks, Resolver, parse_new_metadata,
    scratch::{CopyResult, Scratch, real},
};
use crate::{
    process::Children,
    text::{SourceText, read_to_string},
    workspace::Workspace,
};

/// A scratch copy of one workspace, to which unsaved texts are written.
pub struct BufferCopy {
    scratch: Scratch,
    /// The workspace with real paths, as the copy uses them.
    real: Workspace,
}

impl std::fmt::Debug for BufferCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BufferCopy").field("of", &self.real).finish_non_exhaustive()
    }
}

impl BufferCopy {
    /// Copies the workspace as it is on disk.
    ///
    /// # Errors
    ///
    /// When the copy cannot be written.
    pub fn of(children: &Children, workspace: &Workspace) -> Result<Self, ResolveError> {
        let real = workspace.real();
        Ok(Self { scratch: Scratch::of(children, &real)?, real })
    }

    /// Resolves the workspace with these texts instead of those on disk. The paths of local packages in
    /// the result are those of the copy: see [`Resolution::originals`].
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, fails, takes too long or is canceled.
    pub fn resolve(
        &mut self,
        resolver: &Resolver,
        workspace: &Workspace,
        options: &MetadataOptions,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        hooks: &ResolveHooks<'_>,
    ) -> Result<Resolution, ResolveError> {
        self.write(buffers)?;
        let lockfile = self.scratch.path_in_copy(&self.real.lockfile());
        let manifest = self.manifest_in_copy();
        let run_in = CargoWorkingDir { manifest: &manifest, copy: Some(self.scratch.root()) };
        let originals =
            Originals { paths: self.scratch.originals(), texts: self.scratch.adapted_manifests() };
        (hooks.copied)(originals.clone());
        let json = resolver
            .metadata(run_in, options, false, hooks.keep_running)
            .map_err(|error| self.map_error_back(workspace, error))?;
        let given = [self.real.lockfile(), workspace.lockfile()];
        let given = given.iter().find_map(|path| buffers.get(path));
        let before = given.map(|text| text.as_str().to_owned());
        let before = before.or_else(|| read_to_string(&self.real.lockfile()).ok());
        let after = read_to_string(&lockfile).unwrap_or_default();
        let lock = match &before {
            None => LockState::Missing,
            Some(before) if *before == after => LockState::UpToDate,
            Some(_) => LockState::Stale,
        };
        let (metadata, fingerprint) = parse_new_metadata(&workspace.manifest, &json, hooks)?;
        Ok(Resolution { metadata, lock, originals, fingerprint, inputs: RecordedInputs::unknown() })
    }

    /// The lockfile that cargo writes with these texts instead of those on disk. Locked versions stay
    /// where the manifests allow it.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, fails, takes too long or is canceled.
    pub(crate) fn lockfile_with(
        &mut self,
        resolver: &Resolver,
        workspace: &Workspace,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        keep_running: &dyn Fn() -> bool,
    ) -> Result<SourceText, ResolveError> {
        self.write(buffers)?;
        self.update(resolver, workspace, &["--workspace"], keep_running)?;
        self.lockfile().ok_or_else(|| ResolveError::Scratch {
            path: self.scratch.path_in_copy(&self.real.lockfile()),
            source: std::io::Error::other("cargo wrote no lockfile"),
        })
    }

    /// Lets cargo fetch the registries' current versions of the locked packages.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, cannot reach a registry, takes too long or is canceled.
    pub(crate) fn refresh_index(
        &self,
        resolver: &Resolver,
        workspace: &Workspace,
        keep_running: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        self.update(resolver, workspace, &["--dry-run"], keep_running)
    }

    fn update(
        &self,
        resolver: &Resolver,
        workspace: &Workspace,
        how: &[&str],
        keep_running: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let manifest = self.manifest_in_copy();
        let run_in = CargoWorkingDir { manifest: &manifest, copy: Some(self.scratch.root()) };
        let args = [&["update", "--manifest-path", "Cargo.toml"], how].concat();
        let args: Vec<_> = args.into_iter().map(str::to_owned).collect();
        let output = resolver.run(run_in, &args, keep_running);
        output.map(drop).map_err(|error| self.map_error_back(workspace, error))
    }

    /// The lockfile as cargo left it.
    pub(crate) fn lockfile(&self) -> Option<SourceText> {
        let lockfile = self.scratch.path_in_copy(&self.real.lockfile());
        read_to_string(&lockfile).ok().map(|text| SourceText::new(&text))
    }

    /// Maps the paths in cargo's error back to the workspace.
    fn map_error_back(&self, workspace: &Workspace, error: ResolveError) -> ResolveError {
        match error {
            ResolveError::Cargo { stderr, .. } => ResolveError::Cargo {
                manifest: workspace.manifest.clone(),
                stderr: self.scratch.map_back(&stderr),
            },
            other => other,
        }
    }

    /// Cargo's target folder in the copy.
    pub(super) fn target(&self) -> Utf8PathBuf {
        self.scratch.target()
    }

    /// Copies a source file of at most `limit` bytes, under the name that cargo uses for it.
    pub(super) fn copy_source(
        &self,
        original: &Utf8Path,
        named: &Utf8Path,
        limit: u64,
    ) -> Result<CopyResult, ResolveError> {
        self.scratch.copy_source(original, named, limit)
    }

    /// The copy of the checked manifest.
    pub(super) fn manifest_in_copy(&self) -> Utf8PathBuf {
        self.scratch.path_in_copy(&self.real.manifest)
    }

    /// Maps the copy's paths in a text back to the workspace.
    pub(super) fn map_back(&self, text: &str) -> String {
        self.scratch.map_back(text)
    }

    /// Writes these texts to the copy instead of those on disk, and restores all others.
    pub(super) fn write(
        &mut self,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
    ) -> Result<(), ResolveError> {
        // The same file may be open under several names.
        let unsaved = buffers.iter().map(|(path, text)| (real(path), text.clone()));
        self.scratch.update(&self.real, unsaved.collect())
    }
}
