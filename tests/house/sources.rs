//! The files of the repository.

use std::{fs, path::Path};

/// The files below `top`, which may be a file: paths from `root` with `/`, in order, without what has one of the names in
/// `left_out`.
pub(crate) fn below(root: &Path, top: &str, left_out: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![top.to_owned()];
    while let Some(path) = open.pop() {
        if left_out.iter().any(|name| path.rsplit('/').next() == Some(name)) {
            continue;
        }
        let on_disk = root.join(&path);
        if on_disk.is_dir() {
            let entries = fs::read_dir(on_disk).expect("a folder");
            let names = entries.map(|entry| entry.expect("an entry").file_name());
            open.extend(names.map(|name| format!("{path}/{}", name.to_string_lossy())));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
