//! Reads files of a workspace, which may be malicious.
//!
//! The type of a path is checked before it is opened, since opening a device or a pipe may have side effects, and again
//! afterwards. The limits are those of [`crate::limits`].

use std::{
    cell::Cell,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _},
};

use camino::Utf8Path;

use crate::limits;

/// The bytes of a file, up to [`limits::of_file`].
///
/// # Errors
///
/// As for [`read_at_most`].
pub(crate) fn read(path: &Utf8Path) -> io::Result<Vec<u8>> {
    read_at_most(path, limits::of_file(path))
}

/// The same as text.
///
/// # Errors
///
/// The same, and when it is not UTF-8.
pub(crate) fn read_to_string(path: &Utf8Path) -> io::Result<String> {
    text(read(path)?)
}

/// The bytes of a regular file of at most `limit` bytes.
///
/// # Errors
///
/// When it cannot be read, is not a regular file (but a pipe, a device, a folder), or is larger. The last two are
/// [`io::ErrorKind::Other`], with a text that completes "is": `larger than 16 MiB`.
pub(crate) fn read_at_most(path: &Utf8Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, size) = open_regular(path)?;
    bounded(file, size, limit)
}

/// The text of a file that the user has named. It may be a pipe, such as `/dev/stdin` or a shell's `/dev/fd/63`; waits until
/// it ends.
///
/// # Errors
///
/// When it cannot be read, is larger than [`limits::of_file`] allows or is not UTF-8.
pub(crate) fn read_named(path: &Utf8Path) -> io::Result<String> {
    let file = File::open(path)?;
    text(bounded(file, 0, limits::of_file(path))?)
}

/// Why a file must not be read, without opening it. `None` for a regular file of at most `limit` bytes, and for a file that
/// does not exist or is not accessible.
pub(crate) fn unusable(path: &Utf8Path, limit: u64) -> Option<io::Error> {
    let data = fs::metadata(path).ok()?;
    let size = regular(&data).map(|()| data.len());
    size.and_then(|size| within(size, limit)).err()
}

thread_local! {
    static IS_FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, which must not read files: in debug builds that is a panic. For code that holds a lock.
pub(crate) fn without_reading<T>(work: impl FnOnce() -> T) -> T {
    struct Allowed(bool);
    impl Drop for Allowed {
        fn drop(&mut self) {
            IS_FORBIDDEN.set(self.0);
        }
    }
    let _before = Allowed(IS_FORBIDDEN.replace(true));
    work()
}

fn open_regular(path: &Utf8Path) -> io::Result<(File, u64)> {
    debug_assert!(!IS_FORBIDDEN.get(), "`{path}` is read while a lock is held");
    regular(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // It may have become a pipe since then.
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;

        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    let file = options.open(path)?;
    let data = file.metadata()?;
    regular(&data)?;
    Ok((file, data.len()))
}

/// Reads until the end; `size` is the expected size.
fn bounded(file: File, size: u64, limit: u64) -> io::Result<Vec<u8>> {
    within(size, limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // A file may grow meanwhile, and those of `/proc` have no size.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    within(bytes.len() as u64, limit)?;
    Ok(bytes)
}

fn within(size: u64, limit: u64) -> io::Result<()> {
    if size <= limit {
        return Ok(());
    }
    Err(io::Error::other(format!("larger than {}", limits::bytes(limit))))
}

fn regular(data: &Metadata) -> io::Result<()> {
    if data.is_file() {
        Ok(())
    } else if data.is_dir() {
        Err(is_a_folder())
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

/// The error of reading a folder.
#[cfg(unix)]
fn is_a_folder() -> io::Error {
    rustix::io::Errno::ISDIR.into()
}

#[cfg(not(unix))]
fn is_a_folder() -> io::Error {
    io::ErrorKind::IsADirectory.into()
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_over_its_limit_is_refused_without_reading_it() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(temp.path()).expect("UTF-8");
        let path = folder.join("Cargo.toml");
        fs::write(&path, "12345").expect("written");
        assert_eq!(read_at_most(&path, 5).expect("within"), b"12345");
        let refused = read_at_most(&path, 4).expect_err("beyond");
        assert_eq!(refused.to_string(), "larger than 4 bytes");
        assert!(unusable(&path, 5).is_none());
        assert_eq!(unusable(&path, 4).expect("beyond").to_string(), "larger than 4 bytes");
        assert!(unusable(&folder.join("absent"), 4).is_none());
        // It takes no room on the disk.
        File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a file with a hole");
        assert_eq!(read(&path).expect_err("beyond").to_string(), "larger than 16 MiB");
        let lockfile = folder.join("Cargo.lock");
        File::create(&lockfile).and_then(|file| file.set_len(1 << 40)).expect("the same");
        assert_eq!(read(&lockfile).expect_err("beyond").to_string(), "larger than 32 MiB");
        assert!(read(folder).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_not_opened() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let pipe = Utf8Path::from_path(temp.path()).expect("UTF-8").join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("`mkfifo`");
        assert!(made.success());
        let link = |name: &str, to: &str| {
            let link = pipe.with_file_name(name);
            std::os::unix::fs::symlink(to, &link).expect("a link");
            link
        };
        let to_pipe = link("to-pipe", pipe.as_str());
        let to_zero = link("to-zero", "/dev/zero");
        for path in [pipe.clone(), to_pipe, to_zero, "/dev/zero".into(), "/dev/null".into()] {
            assert_eq!(read(&path).expect_err("refused").to_string(), "not a regular file");
            assert!(read_to_string(&path).is_err());
            assert_eq!(unusable(&path, 1).expect("refused").to_string(), "not a regular file");
        }
    }

    #[cfg(unix)]
    #[test]
    fn named_file_may_be_a_device_and_is_read_up_to_the_limit() {
        assert_eq!(read_named(Utf8Path::new("/dev/null")).expect("it is meant so"), "");
        let endless = read_named(Utf8Path::new("/dev/zero")).expect_err("it never ends");
        assert_eq!(endless.to_string(), "larger than 16 MiB");
    }
}
