//! Whether files are what they were: not only their bytes, also inodes, modes and times.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt as _,
};

use camino::{Utf8Path, Utf8PathBuf};

/// The folders of a world that programs may write to.
const WRITTEN: [&str; 3] = ["cargo", "home", "temp"];

/// Everything in a world but what programs may write to.
#[derive(Debug)]
pub(crate) struct Untouched {
    world: Utf8PathBuf,
    files: BTreeMap<Utf8PathBuf, (String, Vec<u8>)>,
}

impl Untouched {
    /// What is there now.
    pub(crate) fn now(world: &str) -> Self {
        let world = Utf8PathBuf::from(world);
        Self { files: snapshot(&world), world }
    }

    /// Fails where anything has changed since.
    pub(crate) fn assert(&self) {
        let now = snapshot(&self.world);
        let paths: BTreeSet<_> = self.files.keys().chain(now.keys()).collect();
        let changed: Vec<_> = paths
            .into_iter()
            .filter(|path| self.files.get(*path) != now.get(*path))
            .map(|path| {
                let about = |files: &BTreeMap<Utf8PathBuf, (String, Vec<u8>)>| {
                    files.get(path).map_or_else(
                        || "not there".to_owned(),
                        |(data, bytes)| format!("{data} {:?}", String::from_utf8_lossy(bytes)),
                    )
                };
                format!("{path}\n  was {}\n  is  {}", about(&self.files), about(&now))
            })
            .collect();
        assert!(changed.is_empty(), "changed:\n{}", changed.join("\n"));
    }
}

fn snapshot(world: &Utf8Path) -> BTreeMap<Utf8PathBuf, (String, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![world.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().expect("a folder") {
            let path = entry.expect("an entry").path().to_owned();
            let below = path.strip_prefix(world).expect("below the world");
            if WRITTEN.iter().any(|name| below == *name) {
                continue;
            }
            let data = fs::symlink_metadata(&path).expect("it is there");
            let bytes = if data.is_file() {
                fs::read(&path).expect("it can be read")
            } else if data.is_symlink() {
                fs::read_link(&path).expect("a link").to_string_lossy().into_owned().into_bytes()
            } else {
                Vec::new()
            };
            let times = (data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec());
            let about = format!("mode {:o} inode {} times {times:?}", data.mode(), data.ino());
            all.insert(path.clone(), (about, bytes));
            if data.is_dir() {
                folders.push(path);
            }
        }
    }
    all
}
