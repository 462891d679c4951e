//! Errors of replacing files, with the files' state after the failure.

use std::{error::Error, fmt, io, path::PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

use super::attributes::attribute;

/// Why files were not replaced, their state (read again after the failure), and what to do.
#[derive(Debug)]
pub struct WriteError {
    pub(super) cause: WriteErrorCause,
    /// Each file.
    pub(super) files: Vec<(Utf8PathBuf, FileState)>,
    /// Temporary files that could not be deleted.
    pub(super) left: Vec<PathBuf>,
}

/// Why files were not replaced.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteErrorCause {
    #[error("`{path}` has changed since it was read")]
    Changed { path: Utf8PathBuf },
    #[error("`{path}` was deleted after it was read")]
    Deleted { path: Utf8PathBuf },
    #[error("`{path}` already exists")]
    Exists { path: Utf8PathBuf },
    #[error("{}", through_link(path, link, to))]
    Link { path: Utf8PathBuf, link: Utf8PathBuf, to: Utf8PathBuf },
    #[error("`{path}` is not a regular file")]
    NotRegular { path: Utf8PathBuf },
    #[error("`{one}` and `{other}` are the same file")]
    Same { one: Utf8PathBuf, other: Utf8PathBuf },
    #[error("`{path}` is read-only")]
    ReadOnly { path: Utf8PathBuf },
    #[error("`{path}` is {attribute}")]
    Attribute { path: Utf8PathBuf, attribute: &'static str },
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix is asked for that"))]
    #[error("could not keep the owner of `{path}` (user {user}, group {group})")]
    Owner { path: Utf8PathBuf, user: u32, group: u32 },
    #[error("could not read `{path}`: {}", reason(source))]
    Read { path: Utf8PathBuf, source: io::Error },
    #[error("could not write `{path}`: {}", reason(source))]
    Write { path: Utf8PathBuf, source: io::Error },
    #[error("could not create a file in `{folder}`: {}", reason(source))]
    Folder { folder: Utf8PathBuf, source: io::Error },
    #[error("could not create a file in `{folder}`: the folder is {attribute}")]
    FolderAttribute { folder: Utf8PathBuf, attribute: &'static str },
    #[error("could not replace `{path}`: {}", reason(source))]
    Replace { path: Utf8PathBuf, source: io::Error },
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix is asked for that"))]
    #[error("could not flush the folder `{folder}` to the disk: {}", reason(source))]
    Flush { folder: Utf8PathBuf, source: io::Error },
}

/// The state of a file after a failure.
#[derive(Debug)]
pub(super) enum FileState {
    /// It has its old content.
    AsBefore,
    /// It has its new content.
    New {
        /// Where the old one is.
        old: Option<PathBuf>,
    },
    /// It has other content.
    Other { old: Option<PathBuf> },
    /// It could not be read.
    Unknown { source: io::Error, old: Option<PathBuf> },
}

impl WriteErrorCause {
    /// No file could be created in a folder.
    pub(super) fn in_folder(folder: &Utf8Path, source: io::Error) -> Self {
        let folder = folder.to_owned();
        match attribute(&folder) {
            Some(attribute) => Self::FolderAttribute { folder, attribute },
            None => Self::Folder { folder, source },
        }
    }

    /// What the user can do about it.
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Changed { .. } | Self::Deleted { .. } => "run the command again".to_owned(),
            Self::Link { link, .. } => format!(
                "replace the link `{link}` with what it points to, or pass `--allow links` to write \
                 there"
            ),
            Self::ReadOnly { .. } => "make it writable and run the command again".to_owned(),
            Self::Attribute { path: at, attribute }
            | Self::FolderAttribute { folder: at, attribute } => {
                let letter = if *attribute == "immutable" { "i" } else { "a" };
                format!("run `chattr -{letter} {at}` first")
            }
            Self::Owner { .. } => {
                "run the command as that user, or change the owner of the file".to_owned()
            }
            Self::Folder { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "make the folder writable, as whole files are replaced".to_owned()
            }
            Self::Folder { source, .. }
            | Self::Write { source, .. }
            | Self::Replace { source, .. }
                if is_about_space(source) =>
            {
                "free some space and run the command again".to_owned()
            }
            _ => return None,
        })
    }

    fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Read { source, .. }
            | Self::Write { source, .. }
            | Self::Folder { source, .. }
            | Self::Replace { source, .. }
            | Self::Flush { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Error for WriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.io().map(|error| error as _)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; ", self.cause)?;
        if self.files.iter().all(|(_, state)| matches!(state, FileState::AsBefore)) {
            f.write_str("nothing was changed")?;
        } else {
            let states = self.files.iter().map(|(path, state)| state.of(path));
            let states: Vec<_> = states.collect();
            write!(f, "the other changes could not be undone: {}", states.join(", "))?;
        }
        for path in &self.left {
            write!(f, "; could not delete `{}`; delete it", path.display())?;
        }
        self.cause.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl FileState {
    fn of(&self, path: &Utf8Path) -> String {
        let (holds, old) = match self {
            Self::AsBefore => return format!("`{path}` is unchanged"),
            Self::New { old } => ("has its new content".to_owned(), old),
            Self::Other { old } => ("was changed by another program".to_owned(), old),
            Self::Unknown { source, old } => (format!("could not be read ({source})"), old),
        };
        let old = old.as_ref();
        let old =
            old.map_or_else(String::new, |old| format!(" (the old one is in `{}`)", old.display()));
        format!("`{path}` {holds}{old}")
    }
}

fn through_link(path: &Utf8Path, link: &Utf8Path, to: &Utf8Path) -> String {
    if path == link {
        format!("`{path}` is a symbolic link to `{to}`")
    } else {
        format!("`{path}` is reached through `{link}`, a symbolic link to `{to}`")
    }
}

fn is_about_space(source: &io::Error) -> bool {
    matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A plain message for common system errors.
fn reason(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is mounted read-only".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => source.to_string(),
    }
}
