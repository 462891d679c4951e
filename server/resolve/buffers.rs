//! Resolution of what is in an editor's buffers: a scratch copy that is kept between edits.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
};

use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

use super::{
    LockState, MetadataOptions, Resolution, ResolveError, Resolver, Wait, parse,
    scratch::{Refused, Scratch},
};
use crate::{
    model::manifest::Manifest,
    text::{SourceText, read_to_string},
    workspace::{MemberFolders, Workspace, lexical},
};

/// A lock entry that is to have another version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved<'m> {
    pub(crate) package: &'m str,
    pub(crate) from: &'m str,
    pub(crate) to: &'m Version,
}

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
    /// When cargo cannot tell its members, or the copy cannot be made.
    pub fn of(resolver: &Resolver, workspace: &Workspace) -> Result<Self, ResolveError> {
        let real = workspace.real();
        let scratch = Scratch::of(resolver, &real, Refused::IsCopied)?;
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
        self.write(resolver, buffers)?;
        let lock_file = self.scratch.mirrored(&self.real.lock_file());
        let manifest = self.scratch.mirrored(&self.real.manifest);
        let json = resolver
            .metadata(&manifest, options, false, wait.wanted)
            .map_err(|error| self.refused(workspace, error))?;
        (wait.answered)();
        let before = read_to_string(&self.real.lock_file()).ok();
        let after = fs::read_to_string(lock_file).unwrap_or_default();
        let lock = match &before {
            None => LockState::Missing,
            Some(before) if *before == after => LockState::Sound,
            Some(_) => LockState::Stale,
        };
        Ok(Resolution {
            metadata: parse(&workspace.manifest, &json)?,
            lock,
            originals: self.scratch.originals(),
            inputs: None,
        })
    }

    /// The lock file after one package has been moved to another version, with these texts in place
    /// of those on disk. Other packages stay where they are unless they cannot.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, refuses the version, takes too long or is no longer wanted.
    pub(crate) fn lock_file_with(
        &mut self,
        resolver: &Resolver,
        workspace: &Workspace,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        moved: &Moved<'_>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<SourceText, ResolveError> {
        self.write(resolver, buffers)?;
        let manifest = self.scratch.mirrored(&self.real.manifest);
        let spec = format!("{}@{}", moved.package, moved.from);
        let to = moved.to.to_string();
        let args = ["update", "--manifest-path", "Cargo.toml", "-p", &spec, "--precise", &to];
        resolver
            .run(&manifest, &args.map(str::to_owned), wanted)
            .map_err(|error| self.refused(workspace, error))?;
        self.lock_file().ok_or_else(|| ResolveError::Scratch {
            path: self.scratch.mirrored(&self.real.lock_file()),
            source: std::io::Error::other("cargo has written no lock file"),
        })
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

    fn write(
        &mut self,
        resolver: &Resolver,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
    ) -> Result<(), ResolveError> {
        // Cargo starts from the lock file of the user's each time: what an earlier edit made it
        // forget is not chosen anew.
        let lock_file = self.real.lock_file();
        self.scratch.restore(&lock_file)?;
        let real: BTreeMap<_, _> = buffers
            .iter()
            .map(|(path, text)| (path.canonicalize_utf8().unwrap_or_else(|_| path.clone()), text))
            .collect();
        for path in std::mem::take(&mut self.written) {
            if !real.contains_key(&path) {
                self.scratch.restore(&path)?;
            }
        }
        for (path, text) in real {
            if path.file_name() == Some("Cargo.toml")
                && path.is_file()
                && !self.scratch.mirrored(&path).exists()
            {
                self.scratch.copy_unread(&path)?;
            }
            self.scratch.overlay(&path, text.as_str())?;
            if path.file_name() == Some("Cargo.toml") {
                self.copy_named(resolver, &path, text.as_str())?;
            }
            self.written.insert(path);
        }
        Ok(())
    }

    /// Packages that only the unsaved text names.
    fn copy_named(
        &self,
        resolver: &Resolver,
        manifest: &Utf8Path,
        text: &str,
    ) -> Result<(), ResolveError> {
        let folder = manifest.parent().unwrap_or(manifest);
        let model = Manifest::parse(text);
        let mut wanted = VecDeque::new();
        let paths = model.all_declarations().filter_map(|declared| declared.path.as_ref());
        wanted.extend(paths.map(|path| lexical(&folder.join(&path.value)).join("Cargo.toml")));
        for members in model.workspace.iter().flat_map(|workspace| &workspace.members) {
            wanted.extend(MemberFolders::find(folder, &members.value).manifests());
        }
        let missing = wanted
            .into_iter()
            .filter(|path| path.is_file() && !self.scratch.mirrored(path).exists());
        self.scratch.copy_packages(resolver, &self.real, missing.collect())
    }
}
