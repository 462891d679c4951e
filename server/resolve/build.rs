//! Whether what was resolved also compiles: `cargo check` in a copy with the real sources.
//!
//! This runs build scripts and macros of packages: only for who asked for it.

use std::{collections::BTreeMap, io};

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;
use serde::Deserialize;

use super::{BufferCopy, ResolveError, Resolver, TARGET_VARIABLES, scratch::Copied};
use crate::{
    process::{self, RunError},
    text::SourceText,
    workspace::Workspace,
};

/// Folders that are not copied: what is in them is made anew, or no matter of the compiler.
const LEFT_OUT: [&str; 3] = ["target", ".git", "node_modules"];

/// How many bytes of sources are copied, and how many files.
const BYTES: u64 = 4 << 30;
const FILES: usize = 500_000;

/// What the compiler says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Built {
    /// Nothing against it.
    Fine,
    /// Its first error.
    Fails(String),
}

/// A line of `cargo check --message-format json`.
#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
}

impl BufferCopy {
    /// Checks all members with these texts in place of those on disk. `folders` are those of the
    /// local packages.
    ///
    /// # Errors
    ///
    /// When the sources cannot be copied, or cargo cannot be run, takes too long or is no longer
    /// wanted.
    pub(crate) fn check(
        &mut self,
        resolver: &Resolver,
        workspace: &Workspace,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        folders: &[Utf8PathBuf],
        keep_running: &dyn Fn() -> bool,
    ) -> Result<Built, ResolveError> {
        self.copy_all_sources(workspace, folders, keep_running)?;
        self.write(buffers, &|manifest| resolver.members(manifest, keep_running))?;
        let manifest = self.manifest_in_copy();
        let folder = manifest.parent().unwrap_or(Utf8Path::new("."));
        let mut command = process::cargo(&resolver.cargo, resolver.offline);
        command.args(["check", "--workspace", "--message-format", "json"]);
        if resolver.offline {
            command.arg("--offline");
        }
        // Goes with the copy.
        for name in TARGET_VARIABLES {
            command.env(name, self.target());
        }
        command.current_dir(folder);
        let output = resolver.children.confined(&[]).run_while(command, |_| false, keep_running);
        let manifest = || workspace.manifest.clone();
        let output = output.map_err(|error| match error {
            RunError::Start(source) => {
                ResolveError::NoCargo { program: resolver.cargo.clone(), source }
            }
            RunError::TimedOut { seconds } => {
                ResolveError::TimedOut { manifest: manifest(), seconds }
            }
            RunError::Canceled => ResolveError::Canceled { manifest: manifest() },
        })?;
        if output.success {
            return Ok(Built::Fine);
        }
        let lines = output.stdout.lines();
        let mut messages =
            lines.filter_map(|line| serde_json::from_str::<Line>(line).ok()?.message);
        let error = messages.find(|message| message.level == "error");
        let error = error.and_then(|message| message.rendered).unwrap_or(output.stderr);
        Ok(Built::Fails(self.map_back(error.trim())))
    }

    /// Copies the sources of the workspace and of the local packages in these folders.
    pub(super) fn copy_all_sources(
        &self,
        workspace: &Workspace,
        folders: &[Utf8PathBuf],
        keep_running: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let mut left = Left { bytes: BYTES, files: FILES };
        for folder in folders.iter().chain([&workspace.root]) {
            self.copy_sources(folder, workspace, &mut left, keep_running)?;
        }
        Ok(())
    }

    /// Copies everything in a folder but what cargo decides by, which is in the copy. A link to a
    /// file counts as the file, one to a folder is not followed.
    fn copy_sources(
        &self,
        folder: &Utf8Path,
        workspace: &Workspace,
        left: &mut Left,
        keep_running: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let real = folder.canonicalize_utf8().unwrap_or_else(|_| folder.to_owned());
        let mut walk = WalkBuilder::new(&real);
        walk.standard_filters(false).filter_entry(|entry| {
            !(entry.file_type().is_some_and(|kind| kind.is_dir())
                && LEFT_OUT.iter().any(|name| entry.file_name() == *name))
        });
        for entry in walk.build().flatten() {
            let Some(path) = Utf8Path::from_path(entry.path()) else { continue };
            let Ok(below) = path.strip_prefix(&real) else { continue };
            if !path.is_file() {
                continue;
            }
            if !keep_running() {
                return Err(ResolveError::Canceled { manifest: workspace.manifest.clone() });
            }
            // Cargo goes by the name of a member or dependency that is a link.
            let through_link = Some(folder.join(below)).filter(|_| folder != real);
            for named in [Some(path.to_owned()), through_link].into_iter().flatten() {
                let copied = self.copy_source(path, &named, left.bytes)?;
                left.take(copied, path)?;
            }
        }
        Ok(())
    }
}

/// How much may still be copied.
struct Left {
    bytes: u64,
    files: usize,
}

impl Left {
    fn take(&mut self, copied: Copied, path: &Utf8Path) -> Result<(), ResolveError> {
        let bytes = match copied {
            Copied::Whole(bytes) if self.files > 0 => bytes,
            Copied::NotRegular => return Ok(()),
            Copied::Whole(_) | Copied::TooLong => {
                let limit = format!("the sources are more than {FILES} files or {BYTES} bytes");
                return Err(ResolveError::Scratch {
                    path: path.to_owned(),
                    source: io::Error::other(limit),
                });
            }
        };
        self.bytes = self.bytes.saturating_sub(bytes);
        self.files -= 1;
        Ok(())
    }
}
