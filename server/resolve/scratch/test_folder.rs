//! Folders with generated files, for the tests of copies.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, symlink},
};

use camino::{Utf8Path, Utf8PathBuf};

/// How many copies a test makes: `SUPERCARGO_COPIES`, or fewer.
pub(super) fn number_of_copies(otherwise: u64) -> u64 {
    std::env::var("SUPERCARGO_COPIES").map_or(otherwise, |number| number.parse().expect("a number"))
}

/// A small generator of numbers: the same for the same seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("small")
    }

    pub(super) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    pub(super) fn rarely(&mut self) -> bool {
        self.roll(4) == 0
    }
}

/// A temporary folder.
pub(super) struct TestFolder {
    _temp: tempfile::TempDir,
    pub(super) root: Utf8PathBuf,
}

impl TestFolder {
    pub(super) fn new() -> Self {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = temp.path().canonicalize().expect("it is there");
        let root = Utf8PathBuf::from_path_buf(root).expect("UTF-8");
        Self { _temp: temp, root }
    }

    /// Writes a file, if that is possible there. It replaces a link.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        // A link may be in the way.
        if fs::create_dir_all(path.parent().expect("a folder")).is_ok() {
            let _ = fs::remove_file(&path);
            let _ = fs::write(path, text);
        }
    }

    /// Creates a link, if that is possible there. `@` is the path of this folder.
    pub(super) fn link(&self, path: &str, end: &str) {
        let path = self.root.join(path);
        if fs::create_dir_all(path.parent().expect("a folder")).is_ok() {
            let _ = fs::remove_file(&path);
            let _ = symlink(end.replace('@', self.root.as_str()), path);
        }
    }

    /// Everything in it: kinds, bytes, inodes, modes and times.
    pub(super) fn snapshot(&self) -> BTreeMap<Utf8PathBuf, String> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            all.insert(folder.clone(), state(&folder));
            for entry in folder.read_dir_utf8().expect("a folder").flatten() {
                let path = entry.path().to_owned();
                if fs::symlink_metadata(&path).expect("it is there").is_dir() {
                    folders.push(path);
                } else {
                    all.insert(path.clone(), state(&path));
                }
            }
        }
        all
    }
}

fn state(path: &Utf8Path) -> String {
    let data = fs::symlink_metadata(path).expect("it is there");
    let content = if data.is_file() {
        fs::read_to_string(path).expect("a text")
    } else {
        fs::read_link(path).map_or_else(|_| String::new(), |to| to.display().to_string())
    };
    let (time, nanos) = (data.mtime(), data.mtime_nsec());
    let (inode, mode) = (data.ino(), data.mode());
    format!("{mode:o} {inode} {time} {nanos} {content}")
}
