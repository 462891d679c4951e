//! Reserves standard input and output for the protocol.
//!
//! Libraries may write to standard output, a child process may inherit it, and a file of a repository
//! may be a link to `/dev/stdin`, so that reading the file takes messages of the client. Therefore the
//! protocol moves to private descriptors, which no child inherits, before any thread is started. Then
//! standard input is empty, and output to standard output goes to the log.

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

    /// The input and output of the protocol. They are used with blocking calls on other threads, as
    /// tokio does with the standard ones: pipes, sockets (those of Node), terminals and files support
    /// that.
    ///
    /// # Errors
    ///
    /// If no descriptor is left, or `/dev/null` cannot be opened.
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

/// On Windows a child inherits standard handles only on request, which `crate::process` never makes,
/// and no file is a link to them. So they are kept.
#[cfg(not(unix))]
mod elsewhere {
    use std::io;

    use tokio::io::{Stdin, Stdout, stdin, stdout};

    #[expect(clippy::unnecessary_wraps, reason = "it can fail on Unix")]
    pub(in crate::lsp) fn take() -> io::Result<(Stdin, Stdout)> {
        Ok((stdin(), stdout()))
    }
}
