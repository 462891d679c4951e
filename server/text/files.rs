//! Reading files that may be anything: what stands in a workspace may be written by others.

use std::{fs, io};

use camino::Utf8Path;

/// The bytes of a file.
///
/// # Errors
///
/// When it cannot be read, or is something that is not read to its end: a pipe that nobody may ever
/// write to, a device. What stands in `/dev` or `/proc` was named by the user on purpose.
pub(crate) fn read(path: &Utf8Path) -> io::Result<Vec<u8>> {
    refuse_endless(path)?;
    fs::read(path)
}

/// The same as text.
///
/// # Errors
///
/// The same, and when it is not UTF-8.
pub(crate) fn read_to_string(path: &Utf8Path) -> io::Result<String> {
    refuse_endless(path)?;
    fs::read_to_string(path)
}

#[cfg(unix)]
fn refuse_endless(path: &Utf8Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;

    let kind = fs::metadata(path)?.file_type();
    let endless = kind.is_fifo() || kind.is_char_device() || kind.is_socket();
    if endless && !["/dev", "/proc"].iter().any(|folder| path.starts_with(folder)) {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(())
}

/// Elsewhere pipes have names of their own.
#[cfg(not(unix))]
fn refuse_endless(_: &Utf8Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_not_waited_for() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let pipe = Utf8Path::from_path(temp.path()).expect("UTF-8").join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("`mkfifo`");
        assert!(made.success());
        let link = pipe.with_file_name("link");
        std::os::unix::fs::symlink(&pipe, &link).expect("a link");
        for path in [pipe, link] {
            assert_eq!(read(&path).expect_err("refused").to_string(), "not a regular file");
            assert!(read_to_string(&path).is_err());
        }
        assert_eq!(read(Utf8Path::new("/dev/null")).expect("it is meant so"), b"");
    }
}
