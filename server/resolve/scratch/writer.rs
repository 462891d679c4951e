//! Creates and deletes all files in a copy.
//!
//! Invariant: no file outside of the copy's root is created, changed or deleted, whatever the path and whatever a program
//! has put into the copy. A path is normalized without resolving links and refused if it is not below the root; then each
//! folder is opened from its parent, without following links. A file is never written in place, but deleted and created, so
//! neither symbolic nor hard links are written through.
//!
//! (`cap-std` would do nearly the same, but it follows links that stay below the root, and brings
//! several versions of two crates into the graph; on Unix the calls that it makes are `rustix`'s.)

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::process::Children;

/// Writes below one folder.
#[derive(Debug)]
pub(crate) struct CopyWriter {
    root: Utf8PathBuf,
    #[cfg(unix)]
    folder: rustix::fd::OwnedFd,
    /// When they end, the copy is deleted: nothing more is written to it.
    children: Children,
}

/// The result of copying a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyResult {
    /// It was copied, with this many bytes.
    Whole(u64),
    /// It is not a regular file, or does not exist.
    NotRegular,
    /// It exceeds the limit.
    TooLong,
}

impl CopyWriter {
    /// The root is a folder without links in its path, in a folder of this program.
    ///
    /// # Errors
    ///
    /// When the folder cannot be opened.
    pub(crate) fn new(root: Utf8PathBuf, children: Children) -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            folder: rustix::fs::open(root.as_std_path(), unix::FOLDER, rustix::fs::Mode::empty())?,
            root,
            children,
        })
    }

    /// The folder that it writes below.
    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The path of the copy of an absolute path: below the root instead of `/`.
    pub(crate) fn path_in_copy(&self, original: &Utf8Path) -> Utf8PathBuf {
        let mut test_folders = self.root.clone();
        test_folders.extend(names(original));
        test_folders
    }

    /// The path to use in a copied file in `folder` instead of `path`, if that would lead elsewhere than to the copy of the
    /// same file: an absolute path, or one with too many `..`.
    pub(crate) fn adapted_path(&self, path: &str, folder: &Utf8Path) -> Option<Utf8PathBuf> {
        if Utf8Path::new(path).starts_with(&self.root) {
            return None;
        }
        let copy = self.path_in_copy(&normalized(&folder.join(path)));
        let leads_to = normalized(&self.path_in_copy(folder).join(path));
        (leads_to != copy).then_some(copy)
    }

    /// Creates a file and its folders.
    ///
    /// # Errors
    ///
    /// When `path` is not below the root, one of its folders is a link or a file, or on an IO error.
    pub(crate) fn create(&self, path: &Utf8Path) -> io::Result<File> {
        let (folders, name) = self.split(path)?;
        self.continues()?;
        self.create_at(&folders, &name)
    }

    /// Creates a file with this content, and its folders.
    ///
    /// # Errors
    ///
    /// Those of [`CopyWriter::create`], and when the content cannot be written.
    pub(crate) fn write(&self, path: &Utf8Path, content: &[u8]) -> io::Result<()> {
        self.create(path)?.write_all(content)
    }

    /// Copies a regular file, or the target of a link, of at most `limit` bytes. Keeps whether it is executable.
    ///
    /// # Errors
    ///
    /// Those of [`CopyWriter::create`], and when the original cannot be read.
    pub(crate) fn copy(
        &self,
        original: &Utf8Path,
        path: &Utf8Path,
        limit: u64,
    ) -> io::Result<CopyResult> {
        // Check first, as opening a pipe would block.
        if !original.is_file() {
            return Ok(CopyResult::NotRegular);
        }
        let file = File::open(original)?;
        let data = file.metadata()?;
        if !data.is_file() {
            return Ok(CopyResult::NotRegular);
        }
        if data.len() > limit {
            return Ok(CopyResult::TooLong);
        }
        let mut copy = self.create(path)?;
        let bytes = io::copy(&mut file.take(limit.saturating_add(1)), &mut copy)?;
        if bytes > limit {
            self.remove(path)?;
            return Ok(CopyResult::TooLong);
        }
        keep_mode(&data, &copy)?;
        Ok(CopyResult::Whole(bytes))
    }

    /// Creates a folder.
    ///
    /// # Errors
    ///
    /// When `path` is not below the root, one of its folders is a link or a file, or on an IO error.
    pub(crate) fn create_folder(&self, path: &Utf8Path) -> io::Result<()> {
        let (mut folders, name) = self.split(path)?;
        folders.push(name);
        self.continues()?;
        self.enter(&folders, true).map(drop)
    }

    /// Deletes a file, if it exists.
    ///
    /// # Errors
    ///
    /// When `path` is not below the root or is a folder, or on an IO error.
    pub(crate) fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        let (folders, name) = self.split(path)?;
        match self.remove_at(&folders, &name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Whether this path exists in the copy.
    pub(crate) fn has_entry(&self, path: &Utf8Path) -> bool {
        self.split(path).is_ok() && fs::symlink_metadata(path).is_ok()
    }

    fn continues(&self) -> io::Result<()> {
        if self.children.are_ending() {
            return Err(io::Error::other("the program is ending"));
        }
        Ok(())
    }

    /// The names of the folders below the root, and that of the file.
    fn split(&self, path: &Utf8Path) -> io::Result<(Vec<String>, String)> {
        let normal = normalized(path);
        let below = normal.strip_prefix(&self.root).ok().filter(|_| path.is_absolute());
        let mut names: Vec<_> = below
            .into_iter()
            .flat_map(Utf8Path::components)
            .map(|component| component.as_str().to_owned())
            .collect();
        match names.pop() {
            Some(name) => Ok((names, name)),
            None => Err(io::Error::other(format!("`{path}` is not inside the scratch copy"))),
        }
    }
}

#[cfg(unix)]
mod unix {
    use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, unlinkat};

    use super::{CopyWriter, File, io};

    /// How a folder is opened: not through a link.
    pub(super) const FOLDER: OFlags =
        OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

    impl CopyWriter {
        pub(super) fn enter(
            &self,
            folders: &[String],
            makes: bool,
        ) -> io::Result<rustix::fd::OwnedFd> {
            #[cfg(target_os = "linux")]
            if !folders.is_empty()
                && let Ok(folder) = self.enter_at_once(folders)
            {
                return Ok(folder);
            }
            let mut folder = self.folder.try_clone()?;
            for name in folders {
                if makes {
                    match mkdirat(&folder, name.as_str(), Mode::RWXU) {
                        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                folder = openat(&folder, name.as_str(), FOLDER, Mode::empty())?;
            }
            Ok(folder)
        }

        /// The same in one system call, if Linux has it. Fails if a folder does not exist.
        #[cfg(target_os = "linux")]
        fn enter_at_once(&self, folders: &[String]) -> rustix::io::Result<rustix::fd::OwnedFd> {
            use rustix::fs::{ResolveFlags, openat2};

            let inside = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);
            openat2(&self.folder, folders.join("/"), FOLDER, Mode::empty(), inside)
        }

        pub(super) fn create_at(&self, folders: &[String], name: &str) -> io::Result<File> {
            let folder = self.enter(folders, true)?;
            match unlinkat(&folder, name, AtFlags::empty()) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            // With `EXCL` a link that appears meanwhile is an error.
            let new = OFlags::CREATE.union(OFlags::EXCL).union(OFlags::WRONLY);
            let how = new.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
            let file = openat(&folder, name, how, Mode::RUSR.union(Mode::WUSR))?;
            Ok(File::from(file))
        }

        pub(super) fn remove_at(&self, folders: &[String], name: &str) -> io::Result<()> {
            let folder = self.enter(folders, false)?;
            Ok(unlinkat(&folder, name, AtFlags::empty())?)
        }
    }
}

/// On other systems, each folder is checked before it is entered. Only this program and its children write to the copy.
#[cfg(not(unix))]
impl CopyWriter {
    fn enter(&self, folders: &[String], makes: bool) -> io::Result<Utf8PathBuf> {
        let mut folder = self.root.clone();
        for name in folders {
            folder.push(name);
            match fs::symlink_metadata(&folder) {
                Ok(data) if data.is_dir() && !data.is_symlink() => {}
                Ok(_) => return Err(io::Error::other(format!("`{folder}` is not a folder"))),
                Err(error) if makes && error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir(&folder)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(folder)
    }

    fn create_at(&self, folders: &[String], name: &str) -> io::Result<File> {
        let path = self.enter(folders, true)?.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => File::create_new(path),
        }
    }

    fn remove_at(&self, folders: &[String], name: &str) -> io::Result<()> {
        fs::remove_file(self.enter(folders, false)?.join(name))
    }
}

#[cfg(unix)]
fn keep_mode(original: &fs::Metadata, copy: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let runs = original.permissions().mode() & 0o111 != 0;
    if runs { copy.set_permissions(fs::Permissions::from_mode(0o700)) } else { Ok(()) }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail on Unix")]
fn keep_mode(_: &fs::Metadata, _: &File) -> io::Result<()> {
    Ok(())
}

/// An absolute path without `.` and `..`, as cargo normalizes it: without resolving links, and `..` at the root stays at the
/// root.
pub(crate) fn normalized(path: &Utf8Path) -> Utf8PathBuf {
    let start = path.components().take_while(|component| {
        matches!(component, Utf8Component::Prefix(_) | Utf8Component::RootDir)
    });
    let mut normal: Utf8PathBuf = start.collect();
    normal.extend(names_below_prefix(path));
    normal
}

/// The components of a path without `.` and `..`; a drive is one too.
fn names(path: &Utf8Path) -> impl Iterator<Item = String> {
    let drive = match path.components().next() {
        Some(Utf8Component::Prefix(prefix)) => {
            Some(prefix.as_str().replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
        }
        _ => None,
    };
    drive.into_iter().chain(names_below_prefix(path).into_iter().map(str::to_owned))
}

fn names_below_prefix(path: &Utf8Path) -> Vec<&str> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Utf8Component::Prefix(_) | Utf8Component::RootDir | Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                names.pop();
            }
            Utf8Component::Normal(name) => names.push(name),
        }
    }
    names
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    struct TestFolders {
        _temp: tempfile::TempDir,
        outside: Utf8PathBuf,
        writer: CopyWriter,
    }

    fn test_folders() -> TestFolders {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = temp.path().canonicalize().expect("it is there");
        let path = Utf8PathBuf::from_path_buf(path).expect("UTF-8");
        let outside = path.join("outside");
        fs::create_dir(&outside).expect("a folder");
        fs::write(outside.join("file"), "original").expect("written");
        fs::create_dir_all(path.join("copy/root")).expect("folders");
        let writer = CopyWriter::new(path.join("copy/root"), Children::default()).expect("a root");
        TestFolders { _temp: temp, outside, writer }
    }

    #[test]
    fn path_with_parent_components_stays_below_the_root() {
        let TestFolders { _temp, writer, .. } = test_folders();
        let below = |path: &str| {
            let test_folders = writer.path_in_copy(path.into());
            test_folders.strip_prefix(writer.root()).expect("below the root").to_string()
        };
        assert_eq!(below("/a/b/c"), "a/b/c");
        assert_eq!(below("/a/./b/../c"), "a/c");
        assert_eq!(below("/a/../../../../x"), "x");
        assert_eq!(below("/.."), "");
        assert_eq!(normalized("/a/../../b/./c".into()), "/b/c");
        assert_eq!(normalized("/../..".into()), "/");
    }

    #[test]
    fn path_outside_of_the_root_is_refused() {
        let TestFolders { _temp, outside, writer } = test_folders();
        let root = writer.root().to_owned();
        for path in [
            outside.join("file"),
            root.join("../../outside/file"),
            root.join("a/../../../outside/file"),
            root.clone(),
            root.join("a/.."),
            "relative".into(),
            "".into(),
        ] {
            assert!(writer.write(&path, b"changed").is_err(), "{path}");
            assert!(writer.remove(&path).is_err(), "{path}");
            assert!(writer.create_folder(&path).is_err(), "{path}");
            assert!(!writer.has_entry(&path), "{path}");
        }
        assert_eq!(fs::read_to_string(outside.join("file")).expect("still there"), "original");
    }

    #[test]
    fn link_in_the_copy_is_neither_followed_nor_written_through() {
        let TestFolders { _temp, outside, writer } = test_folders();
        let root = writer.root();
        symlink(&outside, root.join("folder")).expect("a link");
        symlink(outside.join("file"), root.join("symbolic")).expect("a link");
        fs::hard_link(outside.join("file"), root.join("hard")).expect("a link");
        assert!(writer.write(&root.join("folder/file"), b"changed").is_err());
        assert!(writer.write(&root.join("folder/new"), b"changed").is_err());
        assert!(writer.create_folder(&root.join("folder/new")).is_err());
        assert!(writer.remove(&root.join("folder/file")).is_err());
        writer.write(&root.join("symbolic"), b"changed").expect("a new file");
        writer.write(&root.join("hard"), b"changed").expect("a new file");
        assert_eq!(fs::read_to_string(outside.join("file")).expect("still there"), "original");
        assert_eq!(fs::read_dir(&outside).expect("a folder").count(), 1);
        let written = |name: &str| {
            let data = fs::symlink_metadata(root.join(name)).expect("it is there");
            (data.is_file(), fs::read_to_string(root.join(name)).expect("it can be read"))
        };
        assert_eq!(written("symbolic"), (true, "changed".to_owned()));
        assert_eq!(written("hard"), (true, "changed".to_owned()));
    }

    #[test]
    fn only_regular_files_up_to_the_limit_are_copied() {
        let TestFolders { _temp, outside, writer } = test_folders();
        let to = writer.root().join("to");
        let copied = |name: &str, limit| writer.copy(&outside.join(name), &to, limit).expect("io");
        assert_eq!(copied("file", 8), CopyResult::Whole(8));
        assert_eq!(copied("file", 7), CopyResult::TooLong);
        assert_eq!(copied(".", 7), CopyResult::NotRegular);
        assert_eq!(copied("missing", 7), CopyResult::NotRegular);
        symlink("/dev/zero", outside.join("endless")).expect("a link");
        assert_eq!(copied("endless", 7), CopyResult::NotRegular);
        symlink("file", outside.join("link")).expect("a link");
        assert_eq!(copied("link", 8), CopyResult::Whole(8));
        assert!(!fs::symlink_metadata(&to).expect("it is there").is_symlink());
        fs::set_permissions(outside.join("file"), fs::Permissions::from_mode(0o555)).expect("set");
        assert_eq!(copied("file", 8), CopyResult::Whole(8));
        assert_eq!(fs::metadata(&to).expect("there").permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn remove_deletes_a_file_and_ignores_a_missing_one() {
        let TestFolders { _temp, writer, .. } = test_folders();
        let path = writer.root().join("a/b");
        writer.remove(&path).expect("nothing is there");
        writer.write(&path, b"text").expect("written");
        assert!(writer.has_entry(&path));
        writer.remove(&path).expect("removed");
        assert!(!writer.has_entry(&path));
    }
}
