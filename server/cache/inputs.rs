//! The inputs of a cached result, to check whether it is still valid.

use std::{
    collections::BTreeSet,
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::hash;

/// An input of a result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Input {
    /// The text of a file.
    Text(Utf8PathBuf),
    /// The size and time of a file that is written only by programs.
    Stamp(Utf8PathBuf),
    /// Whether a path exists.
    There(Utf8PathBuf),
    /// The names in a folder.
    Names(Utf8PathBuf),
    /// The sizes and times of all files below a folder.
    Tree(Utf8PathBuf),
}

/// All inputs of a result, each with its state at that time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs(Vec<(Input, Option<String>)>);

impl Inputs {
    /// Inputs with their current state. `text` reads a file.
    pub(crate) fn now(
        inputs: BTreeSet<Input>,
        text: &dyn Fn(&Utf8Path) -> Option<Vec<u8>>,
    ) -> Self {
        let stated = inputs.into_iter().map(|input| {
            let state = input.state(text);
            (input, state)
        });
        Self(stated.collect())
    }

    /// Whether all texts were last written before `time`, so that what was computed since then was computed from these.
    pub(crate) fn were_written_before(&self, time: SystemTime) -> bool {
        let texts = self.0.iter().filter_map(|(input, _)| match input {
            Input::Text(path) => Some(path),
            _ => None,
        });
        texts.into_iter().all(|path| {
            let written = fs::metadata(path).and_then(|data| data.modified());
            written.is_ok_and(|written| written < time) || !path.exists()
        })
    }

    /// Whether no input has changed.
    pub(crate) fn hold(&self, text: &dyn Fn(&Utf8Path) -> Option<Vec<u8>>) -> bool {
        self.0.iter().all(|(input, state)| {
            let same = input.state(text) == *state;
            if !same {
                tracing::debug!("changed since it was cached: {input:?}");
            }
            same
        })
    }

    /// Adds other inputs.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The files whose texts are inputs.
    pub(crate) fn texts(&self) -> BTreeSet<Utf8PathBuf> {
        let texts = self.0.iter().filter_map(|(input, _)| match input {
            Input::Text(path) => Some(path.clone()),
            _ => None,
        });
        texts.collect()
    }

    /// The files whose sizes and times are inputs.
    pub(crate) fn stamps(&self) -> BTreeSet<Utf8PathBuf> {
        let stamps = self.0.iter().filter_map(|(input, _)| match input {
            Input::Stamp(path) => Some(path.clone()),
            _ => None,
        });
        stamps.collect()
    }
}

impl Input {
    /// Its state; `None` if it does not exist.
    fn state(&self, text: &dyn Fn(&Utf8Path) -> Option<Vec<u8>>) -> Option<String> {
        match self {
            Self::Text(path) => text(path).map(|bytes| hash(&bytes)),
            Self::Stamp(path) => stamp(path),
            Self::There(path) => path.exists().then(String::new),
            Self::Names(folder) => {
                let entries = folder.read_dir_utf8().ok()?.flatten();
                let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_owned()).collect();
                names.sort();
                Some(hash(names.join("\0").as_bytes()))
            }
            Self::Tree(folder) => {
                let mut all = String::new();
                tree(folder, &mut all)?;
                Some(hash(all.as_bytes()))
            }
        }
    }
}

fn stamp(path: &Utf8Path) -> Option<String> {
    let data = fs::metadata(path).ok()?;
    let time = data.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(format!("{} {}", data.len(), time.as_nanos()))
}

fn tree(folder: &Utf8Path, all: &mut String) -> Option<()> {
    let mut entries: Vec<_> = folder.read_dir_utf8().ok()?.flatten().collect();
    entries.sort_by(|a, b| a.file_name().cmp(b.file_name()));
    for entry in entries {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // A clone's own files change without its content.
            if entry.file_name() != ".git" {
                tree(path, all);
            }
        } else if let Some(stamp) = stamp(path) {
            all.push_str(&format!("{path}\0{stamp}\n"));
        }
    }
    Some(())
}

/// The bytes of a file on disk.
pub(crate) fn on_disk(path: &Utf8Path) -> Option<Vec<u8>> {
    crate::text::read(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_change_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
        let path = |name: &str| root.join(name);
        let inputs = || {
            let mut inputs = BTreeSet::from([
                Input::Text(path("text")),
                Input::Text(path("absent")),
                Input::Stamp(path("stamped")),
                Input::There(path("there")),
                Input::Names(path("names")),
                Input::Tree(path("tree")),
            ]);
            inputs.insert(Input::Names(path("no-folder")));
            inputs
        };
        let changes: [(&str, &dyn Fn()); 6] = [
            ("text", &|| fs::write(path("text"), "other").expect("written")),
            ("absent", &|| fs::write(path("absent"), "").expect("written")),
            ("stamped", &|| fs::write(path("stamped"), "longer").expect("written")),
            ("there", &|| fs::remove_file(path("there")).expect("removed")),
            ("names", &|| fs::write(path("names/new"), "").expect("written")),
            ("tree", &|| fs::write(path("tree/below/x"), "longer").expect("written")),
        ];
        for (name, change) in changes {
            let _ = fs::remove_dir_all(&root);
            fs::create_dir_all(path("names")).expect("made");
            fs::create_dir_all(path("tree/below")).expect("made");
            for file in ["text", "stamped", "there", "names/one", "tree/below/x"] {
                fs::write(path(file), "1").expect("written");
            }
            let before = Inputs::now(inputs(), &on_disk);
            assert!(before.hold(&on_disk));
            fs::write(path("text"), "1").expect("the same text");
            assert!(before.hold(&on_disk));
            change();
            assert!(!before.hold(&on_disk), "{name} is not seen");
        }
    }
}
