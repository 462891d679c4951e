//! Where a check reports its progress, and what can cancel it.

use super::Verdict;

/// Where a check reports its progress, and what can cancel it.
pub trait Progress {
    /// A step that may take long begins; `message` is a sentence.
    fn report(&self, message: &str);

    /// Whether the verdict is no longer needed. Called while cargo runs.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Whether another check of the same workspace waits. Called between the command lines of CI.
    fn is_outdated(&self) -> bool {
        false
    }

    /// The findings that are known while cargo resolves, if there was an exact verdict before, and while further command
    /// lines of CI are checked.
    fn provisional_verdict(&self, verdict: Verdict) {
        drop(verdict);
    }
}

impl<F: Fn(&str)> Progress for F {
    fn report(&self, message: &str) {
        self(message);
    }
}
