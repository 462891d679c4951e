//! Standard input and output, which are the protocol's alone.
//!
//! Libraries may write to standard output, a child may inherit it, and a file of a repository may be
//! a link to `/dev/stdin`: whoever reads it would take the client's messages away. So the protocol
//! moves to private descriptors, which no child inherits, before any thread is started. Then nothing
//! is left to read on standard input, and what is written to standard output goes into the log.

#[cfg(unix)]
pub(super) use unix::take;

#[cfg(not(unix))]
pub(super) use elsewhere::take;

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        io::{self, stderr, stdin, stdout},
    };

    use rustix::{
        io::fcntl_dupfd_cloexec,
        stdio::{dup2_stdin, dup2_stdout},
    };

    /// The first descriptor behind the three that have names.
    const PRIVATE: i32 = 3;

    /// What the client writes, and what it reads. They are read and written by blocking calls beside
    /// the runtime, as tokio does with the standard ones: pipes, sockets (those of Node), terminals
    /// and files all allow that.
    ///
    /// # Errors
    ///
    /// When no descriptor is left, or `/dev/null` cannot be opened.
    pub(in crate::lsp) fn take() -> io::Result<(tokio::fs::File, tokio::fs::File)> {
        let nothing = File::open("/dev/null")?;
        let input = fcntl_dupfd_cloexec(stdin(), PRIVATE)?;
        let output = fcntl_dupfd_cloexec(stdout(), PRIVATE)?;
        dup2_stdin(nothing)?;
        dup2_stdout(stderr())?;
        let private = |descriptor| tokio::fs::File::from_std(File::from(descriptor));
        Ok((private(input), private(output)))
    }
}

/// Windows gives its standard handles to children only where they are asked for, which
/// `crate::process` never does, and has no links to them in its file system. So they stay.
#[cfg(not(unix))]
mod elsewhere {
    use std::io;

    use tokio::io::{Stdin, Stdout, stdin, stdout};

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(in crate::lsp) fn take() -> io::Result<(Stdin, Stdout)> {
        Ok((stdin(), stdout()))
    }
}
