//! Resolution of what is in an editor's buffers: a scratch copy that is kept between edits.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    LockState, MetadataOptions, Resolution, ResolveError, Resolver, RunIn, Wait, read,
    scratch::{Ask, Copied, Refused, Scratch, normalized},
};
use crate::{
    model::manifest::Manifest,
    process::Children,
    text::{SourceText, read_to_string},
    workspace::{MemberFolders, Workspace},
};

/// A scratch copy of one workspace, into which unsaved texts are written.
pub struct BufferCopy {
    scratch: Scratch,
    /// The workspace by real paths, by which the copy goes.
    real: Workspace,
    /// Files whose copies hold the text of a buffer.
    written: BTreeSet<Utf8PathBuf>,
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
    /// When cargo cannot tell its members, the copy cannot be made, or it is no longer wanted.
    pub fn of(
        resolver: &Resolver,
        workspace: &Workspace,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, ResolveError> {
        let ask = |manifest: &Utf8Path| resolver.members(manifest, wanted);
        Self::with_members(&resolver.children, workspace, &ask)
    }

    /// The same with the members that `ask` gives.
    pub(super) fn with_members(
        children: &Children,
        workspace: &Workspace,
        ask: Ask<'_>,
    ) -> Result<Self, ResolveError> {
        let real = workspace.real();
        let scratch = Scratch::of(children, &real, Refused::IsCopied, ask)?;
        Ok(Self { scratch, real, written: BTreeSet::new() })
    }

    /// Resolves the workspace with these texts in place of those on disk. The paths of local
    /// packages in the answer are those of the copy: see [`Resolution::originals`].
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, refuses the workspace, takes too long or is no longer wanted.
    pub fn resolve(
        &mut self,
        resolver: &Resolver,
        workspace: &Workspace,
        options: &MetadataOptions,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        wait: &Wait<'_>,
    ) -> Result<Resolution, ResolveError> {
        self.write(buffers, &|manifest| resolver.members(manifest, wait.wanted))?;
        let lock_file = self.scratch.mirrored(&self.real.lock_file());
        let manifest = self.mirrored_manifest();
        let run_in = RunIn { manifest: &manifest, copy: Some(self.scratch.root()) };
        let json = resolver
            .metadata(run_in, options, false, wait.wanted)
            .map_err(|error| self.refused(workspace, error))?;
        let before = read_to_string(&self.real.lock_file()).ok();
        let after = read_to_string(&lock_file).unwrap_or_default();
        let lock = match &before {
            None => LockState::Missing,
            Some(before) if *before == after => LockState::Sound,
            Some(_) => LockState::Stale,
        };
        let (metadata, shape) = read(&workspace.manifest, &json, wait)?;
        Ok(Resolution { metadata, lock, originals: self.scratch.originals(), shape, inputs: None })
    }

    /// The lock file that cargo writes with these texts in place of those on disk. What is locked
    /// stays where the manifests admit it.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, refuses the manifests, takes too long or is no longer wanted.
    pub(crate) fn lock_file_with(
        &mut self,
        resolver: &Resolver,
        workspace: &Workspace,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<SourceText, ResolveError> {
        self.write(buffers, &|manifest| resolver.members(manifest, wanted))?;
        self.update(resolver, workspace, &["--workspace"], wanted)?;
        self.lock_file().ok_or_else(|| ResolveError::Scratch {
            path: self.scratch.mirrored(&self.real.lock_file()),
            source: std::io::Error::other("cargo has written no lock file"),
        })
    }

    /// Lets cargo ask the registries which versions of what is locked there are now.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, cannot reach a registry, takes too long or is no longer wanted.
    pub(crate) fn refresh_index(
        &self,
        resolver: &Resolver,
        workspace: &Workspace,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        self.update(resolver, workspace, &["--dry-run"], wanted)
    }

    fn update(
        &self,
        resolver: &Resolver,
        workspace: &Workspace,
        how: &[&str],
        wanted: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let manifest = self.mirrored_manifest();
        let run_in = RunIn { manifest: &manifest, copy: Some(self.scratch.root()) };
        let args = [&["update", "--manifest-path", "Cargo.toml"], how].concat();
        let args: Vec<_> = args.into_iter().map(str::to_owned).collect();
        let answer = resolver.run(run_in, &args, wanted);
        answer.map(drop).map_err(|error| self.refused(workspace, error))
    }

    /// The lock file as cargo has left it.
    pub(crate) fn lock_file(&self) -> Option<SourceText> {
        let lock_file = self.scratch.mirrored(&self.real.lock_file());
        read_to_string(&lock_file).ok().map(|text| SourceText::new(&text))
    }

    /// Cargo's words about the copy as words about the workspace.
    fn refused(&self, workspace: &Workspace, error: ResolveError) -> ResolveError {
        match error {
            ResolveError::Cargo { stderr, .. } => ResolveError::Cargo {
                manifest: workspace.manifest.clone(),
                stderr: self.scratch.unmirrored(&stderr),
            },
            other => other,
        }
    }

    /// Cargo's target folder in the copy.
    pub(super) fn target(&self) -> Utf8PathBuf {
        self.scratch.target()
    }

    /// Copies a source of at most `limit` bytes as it is on disk, below another name if cargo knows
    /// it by that.
    pub(super) fn copy_source(
        &self,
        original: &Utf8Path,
        named: &Utf8Path,
        limit: u64,
    ) -> Result<Copied, ResolveError> {
        self.scratch.copy_source(original, named, limit)
    }

    /// The copy of the judged manifest.
    pub(super) fn mirrored_manifest(&self) -> Utf8PathBuf {
        self.scratch.mirrored(&self.real.manifest)
    }

    /// A text about the copy as one about the workspace.
    pub(super) fn unmirrored(&self, text: &str) -> String {
        self.scratch.unmirrored(text)
    }

    /// The copy holds these texts in place of those on disk, and no others.
    pub(super) fn write(
        &mut self,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        ask: Ask<'_>,
    ) -> Result<(), ResolveError> {
        // Cargo starts from the lock file of the user's each time: what an earlier edit made it
        // forget is not chosen anew.
        let lock_file = self.real.lock_file();
        self.scratch.restore(&lock_file)?;
        self.scratch.renew_licenses()?;
        let real: BTreeMap<_, _> = buffers
            .iter()
            .map(|(path, text)| (path.canonicalize_utf8().unwrap_or_else(|_| path.clone()), text))
            .collect();
        for path in std::mem::take(&mut self.written) {
            if !real.contains_key(&path) {
                for name in self.scratch.names_of(&path) {
                    self.scratch.restore(&name)?;
                }
            }
        }
        for (path, text) in real {
            let is_manifest = path.file_name() == Some("Cargo.toml");
            if is_manifest && path.is_file() && !self.scratch.has_package(&path) {
                self.scratch.copy_unread(&path)?;
            }
            for name in self.scratch.names_of(&path) {
                self.scratch.overlay(&name, text.as_str())?;
                if is_manifest {
                    self.copy_named(&name, text.as_str(), ask)?;
                }
            }
            self.written.insert(path.clone());
        }
        Ok(())
    }

    /// Packages that only the unsaved text names.
    fn copy_named(
        &self,
        manifest: &Utf8Path,
        text: &str,
        ask: Ask<'_>,
    ) -> Result<(), ResolveError> {
        let folder = manifest.parent().unwrap_or(manifest);
        let model = Manifest::parse(text);
        let mut named = Vec::new();
        let paths = model.all_dependencies().filter_map(|declared| declared.path.as_ref());
        named.extend(paths.map(|path| normalized(&folder.join(&path.value)).join("Cargo.toml")));
        if let Some(table) = &model.workspace {
            named.extend(MemberFolders::of(folder, &table.members).manifests());
        }
        let missing =
            named.into_iter().filter(|path| path.is_file() && !self.scratch.has_package(path));
        let missing: Vec<_> = missing.collect();
        self.scratch.copy_packages(&self.real, missing, ask)
    }
}
