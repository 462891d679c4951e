//! Finds the commands of a repository that run cargo-deny: its gates in the continuous integration, and those that
//! people run.
//!
//! Workflows and composite actions of GitHub, GitLab's and other YAML, Makefiles, Justfiles, cargo-make, aliases of
//! cargo, hooks of git, shell scripts, and the Rust source of an xtask are read as text. Nothing is run, and no network
//! is used. What depends on a value that is not in the repository is not guessed: it is an [`UnresolvedGate`] with the
//! reason.
//!
//! The words of a command are read by [`crate::deny_command`].

mod kept;
mod reason;
mod script_text;
mod search;
mod shell;
mod variables;
mod yaml;

use std::{collections::BTreeSet, fmt, io};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::{deny_command::DenyCheck, text::SourceText, workspace::Workspace};

pub(crate) use kept::find_gates_or_kept;
pub use reason::UnresolvedReason;
pub(crate) use search::quoted;
pub use search::{EngineVersion, VersionNumber, root_around};
pub use yaml::YamlError;

/// Reads a file, from an editor's buffers first.
pub type ReadText<'r> = &'r dyn Fn(&Utf8Path) -> io::Result<SourceText>;

/// All commands of a repository that run cargo-deny.
#[derive(Clone, Debug, Default)]
pub struct GateSearch {
    /// In the order of their files and lines; those of a matrix in the order of its values.
    pub gates: Vec<DiscoveredGate>,
    /// Commands that cannot be run as they are written, or whose words are not known.
    pub unresolved: Vec<UnresolvedGate>,
    /// The files that were read: another search finds the same while they and [`Self::searched`] are unchanged.
    pub files_read: BTreeSet<Utf8PathBuf>,
    /// The folders near to the root in which such files were looked for.
    pub folders: BTreeSet<Utf8PathBuf>,
    /// All folders in which they were looked for; none if the result is that of an earlier search.
    pub searched: Vec<Utf8PathBuf>,
}

/// A command that checks a workspace with cargo-deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredGate {
    /// Where it is written.
    pub at: FileLine,
    /// What kind of file it is in.
    pub source: GateSource,
    /// The line that runs the file, recipe or alias in which it is written.
    pub called_from: Option<FileLine>,
    /// The version of cargo-deny, if the repository says which.
    pub version: Option<EngineVersion>,
    /// The folder that it runs in.
    pub folder: Utf8PathBuf,
    /// The words after `cargo deny`.
    pub words: Vec<String>,
    /// The same as options.
    pub check: DenyCheck,
    /// The workspace that it checks.
    pub workspace: Workspace,
    /// Its failure is ignored (`continue-on-error`, `|| true`).
    pub reports_only: bool,
}

/// A command that runs cargo-deny, but not with words and in a folder that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnresolvedGate {
    /// Where it is written.
    pub at: FileLine,
    /// What kind of file it is in.
    pub source: GateSource,
    /// The line that runs the file, recipe or alias in which it is written.
    pub called_from: Option<FileLine>,
    /// The version of cargo-deny, if the repository says which.
    pub version: Option<EngineVersion>,
    /// The command as far as it is known.
    pub command: String,
    /// Why it is not resolved.
    pub reason: UnresolvedReason,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileLine {
    /// The file.
    pub file: Utf8PathBuf,
    /// From 1.
    pub line: u32,
}

impl FileLine {
    /// The same with the file relative to a folder.
    pub fn below(&self, folder: &Utf8Path) -> String {
        let file = self.file.strip_prefix(folder).unwrap_or(&self.file);
        format!("{file}:{}", self.line)
    }
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The kind of file that a command is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GateSource {
    /// A workflow or composite action of GitHub that uses cargo-deny's action.
    Action,
    /// A `run` step of a workflow or composite action.
    Workflow,
    /// GitLab's pipeline.
    GitLab,
    /// Another YAML file with commands.
    Yaml,
    /// A hook of pre-commit.
    PreCommit,
    /// A `Makefile`.
    Make,
    /// A `Justfile`.
    Just,
    /// A task in a TOML file: of cargo-make, mise, pixi or a runner of `pyproject.toml`.
    Task,
    /// An alias in cargo's configuration.
    CargoAlias,
    /// A shell script.
    Script,
    /// Rust source.
    Rust,
}

impl GateSource {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Workflow => "workflow",
            Self::GitLab => "gitlab",
            Self::Yaml => "yaml",
            Self::PreCommit => "pre-commit",
            Self::Make => "make",
            Self::Just => "just",
            Self::Task => "task",
            Self::CargoAlias => "cargo-alias",
            Self::Script => "script",
            Self::Rust => "rust",
        }
    }

    /// Whether it is a file that a service runs, not people.
    pub fn is_ci(self) -> bool {
        matches!(self, Self::Action | Self::Workflow | Self::GitLab | Self::Yaml)
    }
}

/// Finds all gates of the repository with this root.
pub fn find_gates(root: &Utf8Path, read: ReadText<'_>) -> GateSearch {
    search::run(root, read)
}

#[cfg(test)]
mod samples;
