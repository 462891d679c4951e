use super::*;

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
    (folder, path)
}

fn names(folder: &Utf8Path) -> Vec<String> {
    let entries = folder.read_dir_utf8().expect("a folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn leftovers_are_deleted_unless_they_are_in_use() {
    let (_guard, folder) = folder();
    let ours = [".supercargo-aB3dE6.tmp", ".supercargo-000000.tmp"];
    let others =
        [".supercargo-old-aB3dE6", ".supercargo-aB3dE.tmp", ".supercargo.toml", "Cargo.toml"];
    for name in ours.iter().chain(&others) {
        fs::write(folder.join(name), "").expect("written");
    }
    let locks = FolderLock::of(&folder);
    assert!(locks.is_some());
    delete_leftovers(&folder);
    assert_eq!(names(&folder).len(), ours.len() + others.len());
    drop(locks);
    delete_leftovers(&folder);
    let mut left = others.map(str::to_owned);
    left.sort();
    assert_eq!(names(&folder), left);
}

#[cfg(unix)]
#[test]
fn a_link_among_the_folders_is_one_too_unless_the_user_works_behind_it() {
    let (_guard, folder) = folder();
    let folder = folder.canonicalize_utf8().expect("there");
    fs::create_dir_all(folder.join("real/a")).expect("made");
    fs::write(folder.join("real/a/Cargo.toml"), "old").expect("written");
    std::os::unix::fs::symlink("real", folder.join("work")).expect("a link");
    std::os::unix::fs::symlink("a", folder.join("real/b")).expect("a link");
    let old = SourceText::new("old");
    let write = |path: &str, base: &str, links| {
        let path = folder.join(path);
        let new = Replacement { path: &path, before: ExpectedContent::Text(&old), after: b"new" };
        let written = write_all(&[new], &folder.join(base), links);
        written.map_err(|error| error.to_string().replace(folder.as_str(), ""))
    };
    let error = write("work/b/Cargo.toml", "work", Links::Refused).expect_err("a link");
    assert_eq!(
        error,
        "`/work/b/Cargo.toml` is reached through `/work/b`, a symbolic link to `a`; nothing was \
         changed; replace the link `/work/b` with what it points to, or pass `--allow links` to \
         write there"
    );
    assert!(write("work/b/Cargo.toml", "work/c", Links::Refused).is_err());
    write("work/a/Cargo.toml", "work", Links::Refused).expect("the user works there");
    fs::write(folder.join("real/a/Cargo.toml"), "old").expect("written");
    write("work/b/Cargo.toml", "work", Links::Followed).expect("it may");
    assert_eq!(fs::read(folder.join("real/a/Cargo.toml")).expect("there"), b"new");
    assert!(folder.join("real/b").is_symlink());
}

#[test]
fn one_file_is_not_replaced_twice() {
    let (_guard, folder) = folder();
    let path = folder.join("a");
    fs::write(&path, "old").expect("written");
    let new = Replacement { path: &path, before: ExpectedContent::Bytes(b"old"), after: b"new" };
    let error = write_all(&[new, new], &folder, Links::Refused).expect_err("the same");
    let text = error.to_string().replace(folder.as_str(), "");
    assert_eq!(text, "`/a` and `/a` are the same file; nothing was changed");
    assert_eq!(fs::read(&path).expect("there"), b"old");
}
