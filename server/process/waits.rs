//! Waits for locks that other programs hold. One that takes longer than a second is reported, with what is waited
//! for, and none is longer than a limit.

use std::{
    fmt,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tame_index::{
    Error,
    utils::flock::{FileLock, FileLockError, LockError, LockOptions},
};

/// How long a wait takes before it is reported.
const REPORT_DELAY: Duration = Duration::from_secs(1);

/// How often a lock is tried.
const TRY_INTERVAL: Duration = Duration::from_millis(20);

/// How long to wait for another program's lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// The words of cargo before the name of the lock that it waits for.
const CARGO_BLOCKED: &[u8] = b"waiting for file lock on ";

/// The longest name of a lock that is shown.
const NAME_LIMIT: usize = 80;

/// A wait that has taken longer than a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait<'w> {
    /// What is waited for, as a sentence.
    For(&'w str),
    /// The wait is over.
    Over,
}

/// Where waits are reported.
#[derive(Clone, Default)]
pub struct WaitReports(Option<Report>);

type Report = Arc<dyn Fn(Wait<'_>) + Send + Sync>;

impl fmt::Debug for WaitReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitReports").field(&self.0.is_some()).finish()
    }
}

impl WaitReports {
    /// Calls `report` for each wait, from any thread.
    pub(super) fn to(report: impl Fn(Wait<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(report)))
    }

    fn report(&self, wait: Wait<'_>) {
        if let Wait::For(sentence) = wait {
            tracing::info!("{sentence}");
        }
        if let Some(report) = &self.0 {
            report(wait);
        }
    }

    /// Takes a lock, called `what` in reports. Fails after [`LOCK_TIMEOUT`] if another program holds it.
    pub(crate) fn lock(&self, options: &LockOptions<'_>, what: &str) -> Result<FileLock, Error> {
        let deadline = Instant::now() + LOCK_TIMEOUT;
        let mut wait = LockWait::new(self);
        loop {
            match options.try_lock() {
                Err(error) if is_held(&error) && Instant::now() < deadline => {
                    wait.update(Some(&format!(
                        "waiting for the lock of {what}, which another program holds"
                    )));
                    thread::sleep(TRY_INTERVAL);
                }
                result => return result,
            }
        }
    }
}

fn is_held(error: &Error) -> bool {
    matches!(error, Error::Lock(FileLockError { source: LockError::Contested, .. }))
}

/// Why a lock could not be taken, as a part of a sentence.
pub(crate) fn lock_failure(error: &Error) -> String {
    match error {
        Error::Lock(FileLockError { source: LockError::Contested, .. }) => {
            format!("another program has held it for {} seconds", LOCK_TIMEOUT.as_secs())
        }
        Error::Lock(FileLockError { source: LockError::Readonly, .. }) => {
            "the folder is read-only".to_owned()
        }
        Error::Lock(FileLockError { source, .. }) => source.to_string(),
        other => other.to_string(),
    }
}

/// What a program waits for now.
pub(super) struct LockWait<'w> {
    reports: &'w WaitReports,
    /// The current wait, when it began, and whether it was reported.
    current: Option<(String, Instant, bool)>,
}

impl<'w> LockWait<'w> {
    pub(super) fn new(reports: &'w WaitReports) -> Self {
        Self { reports, current: None }
    }

    /// Reports that the program waits with this sentence, if it has done so for a while.
    pub(super) fn update(&mut self, sentence: Option<&str>) {
        if self.current.as_ref().map(|(current, ..)| current.as_str()) != sentence {
            self.end();
            self.current = sentence.map(|one| (one.to_owned(), Instant::now(), false));
        }
        if let Some((sentence, since, reported)) = &mut self.current
            && !*reported
            && since.elapsed() >= REPORT_DELAY
        {
            *reported = true;
            self.reports.report(Wait::For(sentence));
        }
    }

    fn end(&mut self) {
        if let Some((_, _, true)) = self.current.take() {
            self.reports.report(Wait::Over);
        }
    }
}

impl Drop for LockWait<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// The sentence for the lock that cargo waits for, if that is the last line of its standard error.
pub(super) fn cargo_wait(stderr: &[u8]) -> Option<String> {
    let last = stderr.trim_ascii_end().rsplit(|byte| *byte == b'\n').next()?;
    let at = last.windows(CARGO_BLOCKED.len()).position(|words| words == CARGO_BLOCKED)?;
    let name = &last[at + CARGO_BLOCKED.len()..];
    let name: String = String::from_utf8_lossy(name).chars().take(NAME_LIMIT).collect();
    Some(format!("waiting for the lock of cargo's {}, which another cargo holds", name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_waits_until_it_writes_another_line() {
        let blocked = "    Blocking waiting for file lock on package cache\n";
        let sentence = "waiting for the lock of cargo's package cache, which another cargo holds";
        assert_eq!(cargo_wait(blocked.as_bytes()).as_deref(), Some(sentence));
        let after_others = format!("warning: a\n{blocked}");
        assert_eq!(cargo_wait(after_others.as_bytes()).as_deref(), Some(sentence));
        let other = blocked.replace("package cache", "build directory");
        assert!(
            cargo_wait(other.as_bytes()).expect("it waits").contains("cargo's build directory,")
        );
        let went_on = format!("{blocked}    Updating crates.io index\n");
        assert_eq!(cargo_wait(went_on.as_bytes()), None);
        assert_eq!(cargo_wait(b""), None);
    }
}
