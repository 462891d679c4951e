//! Opens files without following links, and reads their attributes.

use std::{fs, io, path::Path};

use camino::Utf8Path;

/// Opens a file for reading, without following a link or waiting for a pipe.
#[cfg(unix)]
pub(super) fn open_regular(path: &Path) -> io::Result<fs::File> {
    use rustix::fs::{Mode, OFlags, open};

    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?.into())
}

/// Opens a file for reading.
#[cfg(not(unix))]
pub(super) fn open_regular(path: &Path) -> io::Result<fs::File> {
    fs::File::open(path)
}

/// The attribute that forbids even root to replace a file, or to create one in a folder (`chattr`).
#[cfg(target_os = "linux")]
pub(super) fn attribute(path: &Utf8Path) -> Option<&'static str> {
    use rustix::fs::{IFlags, ioctl_getflags};

    let flags = ioctl_getflags(open_regular(path.as_std_path()).ok()?).ok()?;
    if flags.contains(IFlags::IMMUTABLE) {
        return Some("immutable");
    }
    flags.contains(IFlags::APPEND).then_some("append-only")
}

/// On other systems, the operation itself fails.
#[cfg(not(target_os = "linux"))]
pub(super) fn attribute(_: &Utf8Path) -> Option<&'static str> {
    None
}
