//! Reading files that may be anything: what stands in a workspace may be written by others.

use std::{
    fs,
    io::{self, Read as _},
};

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

/// The bytes of a regular file of at most `limit` bytes. Never waits for a pipe, and never holds more
/// than the limit, however the file grows meanwhile.
///
/// # Errors
///
/// When it cannot be read, is not a regular file (also behind a link), or is larger
/// ([`io::ErrorKind::FileTooLarge`]).
pub(crate) fn read_at_most(path: &Utf8Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut options = fs::File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;

        // Opening a pipe would wait for its other end, and a terminal would become ours.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        options.custom_flags(i32::from_ne_bytes(flags.to_ne_bytes()));
    }
    // Opening a device may do something: it is looked at first, and what was opened once more.
    let not_regular = || io::Error::other("not a regular file");
    if !fs::metadata(path)?.is_file() {
        return Err(not_regular());
    }
    let file = options.open(path)?;
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(not_regular());
    }
    let too_large = || {
        let message = format!("larger than {limit} bytes");
        io::Error::new(io::ErrorKind::FileTooLarge, message)
    };
    if data.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(data.len()).unwrap_or_default());
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
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
            assert_eq!(
                read_at_most(&path, 9).expect_err("refused").to_string(),
                "not a regular file"
            );
        }
        assert_eq!(read(Utf8Path::new("/dev/null")).expect("it is meant so"), b"");
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_and_nothing_that_is_not_a_regular_file() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(temp.path()).expect("UTF-8");
        let file = folder.join("file");
        fs::write(&file, "12345").expect("written");
        assert_eq!(read_at_most(&file, 5).expect("read"), b"12345");
        let error = read_at_most(&file, 4).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let link = folder.join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).expect("a link");
        for path in [&link, Utf8Path::new("/dev/zero"), folder] {
            let error = read_at_most(path, 100).expect_err("refused");
            assert_eq!(error.to_string(), "not a regular file", "{path}");
        }
    }
}
