//! Runs `cargo check` on a resolution, in a copy with the real sources.
//!
//! This runs build scripts and macros of packages, so only on request.

use std::{collections::BTreeMap, io};

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;
use serde::Deserialize;

use super::{BufferCopy, ResolveError, Resolver, TARGET_VARIABLES, scratch::CopyResult, wrappers};
use crate::{
    process::{self, RunError},
    text::SourceText,
    workspace::Workspace,
};

/// Folders that are not copied, as the compiler does not need them.
const SKIPPED_FOLDERS: [&str; 3] = ["target", ".git", "node_modules"];

/// How many bytes of sources are copied, and how many files.
const MAX_BYTES: u64 = 4 << 30;
const MAX_FILES: usize = 500_000;

/// The result of `cargo check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildResult {
    /// It compiles.
    Passed,
    /// It does not compile, with the first error.
    Failed(String),
}

/// A line of `cargo check --message-format json`.
#[derive(Deserialize)]
struct Line {
    message: Option<CargoMessage>,
}

#[derive(Deserialize)]
struct CargoMessage {
    level: String,
    rendered: Option<String>,
}

impl BufferCopy {
    /// Checks all members with these texts instead of those on disk. `folders` are those of the local packages.
    ///
    /// # Errors
    ///
    /// When the sources cannot be copied, or cargo cannot be run, takes too long or is canceled.
    pub(crate) fn check(
        &mut self,
        resolver: &Resolver,
        workspace: &Workspace,
        buffers: &BTreeMap<Utf8PathBuf, SourceText>,
        folders: &[Utf8PathBuf],
        keep_running: &dyn Fn() -> bool,
    ) -> Result<BuildResult, ResolveError> {
        self.copy_all_sources(workspace, folders, keep_running)?;
        self.write(buffers)?;
        let manifest = self.manifest_in_copy();
        let folder = manifest.parent().unwrap_or(Utf8Path::new("."));
        let mut command = process::cargo(&resolver.cargo, resolver.offline);
        command.args(["check", "--workspace", "--message-format", "json"]);
        if resolver.offline {
            command.arg("--offline");
        }
        // Deleted with the copy.
        for name in TARGET_VARIABLES {
            command.env(name, self.target());
        }
        command.current_dir(folder);
        wrappers::turn_off(&mut command, folder);
        let output = resolver.children.confined(&[]).run_while(command, |_| false, keep_running);
        let manifest = || workspace.manifest.clone();
        let output = output.map_err(|error| match error {
            RunError::Start(source) => {
                ResolveError::NoCargo { program: resolver.cargo.clone(), source }
            }
            RunError::TimedOut { seconds, waiting } => {
                ResolveError::TimedOut { manifest: manifest(), seconds, waiting }
            }
            RunError::Canceled => ResolveError::Canceled { manifest: manifest() },
        })?;
        if output.success {
            return Ok(BuildResult::Passed);
        }
        let lines = output.stdout.lines();
        let mut messages =
            lines.filter_map(|line| serde_json::from_str::<Line>(line).ok()?.message);
        let error = messages.find(|message| message.level == "error");
        let error = error.and_then(|message| message.rendered).unwrap_or(output.stderr);
        Ok(BuildResult::Failed(self.map_back(error.trim())))
    }

    /// Copies the sources of the workspace and of the local packages in these folders.
    pub(super) fn copy_all_sources(
        &self,
        workspace: &Workspace,
        folders: &[Utf8PathBuf],
        keep_running: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let mut limits = CopyLimits { bytes: MAX_BYTES, files: MAX_FILES };
        for folder in folders.iter().chain([&workspace.root]) {
            self.copy_sources(folder, workspace, &mut limits, keep_running)?;
        }
        Ok(())
    }

    /// Copies a folder, except for manifests and configuration, which are in the copy already. Links to files are copied as
    /// files; links to folders are not followed.
    fn copy_sources(
        &self,
        folder: &Utf8Path,
        workspace: &Workspace,
        limits: &mut CopyLimits,
        keep_running: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let real = folder.canonicalize_utf8().unwrap_or_else(|_| folder.to_owned());
        let mut walk = WalkBuilder::new(&real);
        walk.standard_filters(false).filter_entry(|entry| {
            !(entry.file_type().is_some_and(|kind| kind.is_dir())
                && SKIPPED_FOLDERS.iter().any(|name| entry.file_name() == *name))
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
            // Cargo uses the name of the link for a member or dependency that is a link.
            let through_link = Some(folder.join(below)).filter(|_| folder != real);
            for named in [Some(path.to_owned()), through_link].into_iter().flatten() {
                let copied = self.copy_source(path, &named, limits.bytes)?;
                limits.take(copied, path)?;
            }
        }
        Ok(())
    }
}

/// How much may still be copied.
struct CopyLimits {
    bytes: u64,
    files: usize,
}

impl CopyLimits {
    fn take(&mut self, copied: CopyResult, path: &Utf8Path) -> Result<(), ResolveError> {
        let bytes = match copied {
            CopyResult::Whole(bytes) if self.files > 0 => bytes,
            CopyResult::NotRegular => return Ok(()),
            CopyResult::Whole(_) | CopyResult::TooLong => {
                let limit = format!("the sources exceed {MAX_FILES} files or {MAX_BYTES} bytes");
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
