//! Why a command that runs cargo-deny, or a part of it, is not known.

use camino::Utf8PathBuf;

use super::yaml::YamlError;
use crate::{deny_command::DenyRefusal, limits};

/// Why a gate is not resolved. Shown as a sentence without a final period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnresolvedReason {
    /// A value is not in the repository: how it is written.
    #[error("the value of `{0}` is not known")]
    Value(String),
    /// The items of a loop are not in the repository: its variable.
    #[error("the values of `${0}` are not known")]
    LoopValues(String),
    /// The files that a pattern matches are not listed.
    #[error("the files of `{0}` are not known")]
    Files(String),
    /// Another program runs it in a way that is not read: its command.
    #[error("what `{0}` runs is not known")]
    RunBy(String),
    /// A program adds words to the command that are not in the repository: its name.
    #[error("the words that `{0}` adds are not known")]
    AddedWords(String),
    /// A variable has other values in other branches of a script.
    #[error("`${0}` depends on a condition")]
    Condition(String),
    /// The output of a command would be the value.
    #[error("`{0}` is not run")]
    NotRun(String),
    /// A folder is not in the repository: how it is written.
    #[error("the folder `{0}` is not known")]
    Folder(String),
    /// The folder of `cd -`.
    #[error("the folder of `cd -` is not known")]
    PreviousFolder,
    /// The script changes to a folder of which a part is not known.
    #[error("unknown folder: {0}")]
    PartOfFolder(Box<Self>),
    /// The folder is not below the root of the repository.
    #[error("the folder is outside of the repository")]
    OutsideOfRepository,
    /// The folder does not exist; relative to the root.
    #[error("the folder `{0}` does not exist")]
    NoFolder(Utf8PathBuf),
    /// The manifest that the command names does not exist; relative to the root.
    #[error("the manifest `{0}` does not exist")]
    NoManifest(Utf8PathBuf),
    /// The folder has no manifest; relative to the root.
    #[error("the folder `{0}` has no `Cargo.toml`")]
    FolderWithoutManifest(Utf8PathBuf),
    /// cargo-deny refuses the words.
    #[error(transparent)]
    Refused(#[from] Box<DenyRefusal>),
    /// A file is not readable; the operating system's text.
    #[error("could not read the file: {0}")]
    Unreadable(String),
    /// A file is not the YAML that is read.
    #[error("could not read the file: {0}")]
    Yaml(#[from] YamlError),
    /// The sentence of an earlier search, whose result is kept.
    #[error("{0}")]
    Earlier(String),
    /// The search has ended at its limit.
    #[error("more than {} commands: not all were searched", limits::CI_COMMANDS)]
    TooManyCommands,
    /// The list of gates has ended at its limit.
    #[error("more than {} commands run cargo-deny", limits::CI_GATES)]
    TooManyGates,
}
