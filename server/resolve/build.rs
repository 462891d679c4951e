//! Whether what was resolved also compiles: `cargo check` in a copy with the real sources.
//!
//! This runs build scripts and macros of packages: only for who asked for it.

use std::{collections::BTreeMap, fs};

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;
use serde::Deserialize;

use super::{BufferCopy, ResolveError, Resolver};
use crate::{
    process::{self, RunError},
    text::SourceText,
    workspace::Workspace,
};

/// Folders that are not copied: what is in them is made anew, or no matter of the compiler.
const LEFT_OUT: [&str; 3] = ["target", ".git", "node_modules"];

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
        wanted: &dyn Fn() -> bool,
    ) -> Result<Built, ResolveError> {
        for folder in folders.iter().chain([&workspace.root]) {
            self.copy_sources(&folder.canonicalize_utf8().unwrap_or_else(|_| folder.clone()))?;
        }
        self.write(resolver, buffers, wanted)?;
        let manifest = self.mirrored_manifest();
        let folder = manifest.parent().unwrap_or(Utf8Path::new("."));
        let mut command = process::cargo(&resolver.cargo, resolver.offline);
        command.args(["check", "--workspace", "--message-format", "json"]);
        if resolver.offline {
            command.arg("--offline");
        }
        // Goes with the copy.
        let target = folder.join(".supercargo-target");
        command.env("CARGO_TARGET_DIR", &target).env("CARGO_BUILD_BUILD_DIR", &target);
        command.current_dir(folder);
        let output = resolver.children.confined(&[]).run_while(command, |_| false, wanted);
        let manifest = || workspace.manifest.clone();
        let output = output.map_err(|error| match error {
            RunError::Start(source) => {
                ResolveError::NoCargo { program: resolver.cargo.clone(), source }
            }
            RunError::TimedOut { seconds } => {
                ResolveError::TimedOut { manifest: manifest(), seconds }
            }
            RunError::Unwanted => ResolveError::Unwanted { manifest: manifest() },
        })?;
        if output.success {
            return Ok(Built::Fine);
        }
        let lines = output.stdout.lines();
        let mut messages =
            lines.filter_map(|line| serde_json::from_str::<Line>(line).ok()?.message);
        let error = messages.find(|message| message.level == "error");
        let error = error.and_then(|message| message.rendered).unwrap_or(output.stderr);
        Ok(Built::Fails(self.unmirrored(error.trim())))
    }

    /// Everything in a folder but what cargo decides by, which is there.
    fn copy_sources(&self, folder: &Utf8Path) -> Result<(), ResolveError> {
        let failed =
            |path: &Utf8Path, source| ResolveError::Scratch { path: path.to_owned(), source };
        let mut walk = WalkBuilder::new(folder);
        walk.standard_filters(false).filter_entry(|entry| {
            !(entry.file_type().is_some_and(|kind| kind.is_dir())
                && LEFT_OUT.iter().any(|name| entry.file_name() == *name))
        });
        for entry in walk.build().flatten() {
            let Some(path) = Utf8Path::from_path(entry.path()) else { continue };
            if !path.is_file() {
                continue;
            }
            let copy = self.mirrored(path);
            let parent = copy.parent().unwrap_or(&copy);
            fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
            // What stands there may be a link to the original.
            let _ = fs::remove_file(&copy);
            fs::copy(path, &copy).map_err(|source| failed(path, source))?;
        }
        Ok(())
    }
}
