//! What a program said about a workspace, in the form in which the two programs are compared.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// One diagnostic, without its texts and positions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// `advisories`, `bans`, `licenses`, `sources`, or `config` for the policy itself.
    pub(crate) check: String,
    pub(crate) code: Option<String>,
    pub(crate) severity: String,
    /// Name and version of every package that it speaks of, sorted.
    pub(crate) packages: Vec<(String, String)>,
    pub(crate) advisory: Option<String>,
}

/// How many diagnostics of each severity a check had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) notes: usize,
    pub(crate) helps: usize,
}

/// What one run of one program yielded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) findings: Vec<Finding>,
    /// Per check that ran; `None` when no verdict was reached.
    pub(crate) summary: Option<BTreeMap<String, Counts>>,
    /// `None` when a signal ended the program.
    pub(crate) exit_code: Option<i32>,
    /// What the program said besides, for people who look for the reason of a difference.
    pub(crate) remarks: Vec<String>,
}

impl Finding {
    /// Sorts and removes repetitions, so that the order in which packages are listed does not matter.
    pub(crate) fn new(
        check: &str,
        code: Option<String>,
        severity: &str,
        mut packages: Vec<(String, String)>,
        advisory: Option<String>,
    ) -> Self {
        packages.sort();
        packages.dedup();
        Self { check: check.to_owned(), code, severity: severity.to_owned(), packages, advisory }
    }

    /// The code, or `none` for a diagnostic that has none.
    pub(crate) fn code(&self) -> &str {
        self.code.as_deref().unwrap_or("none")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.check, self.severity, self.code())?;
        if let Some(advisory) = &self.advisory {
            write!(f, " {advisory}")?;
        }
        for (number, (name, version)) in self.packages.iter().enumerate() {
            let separator = if number == 0 { ":" } else { "," };
            write!(f, "{separator} {name} {version}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { errors, warnings, notes, helps } = self;
        write!(f, "{errors} errors, {warnings} warnings, {notes} notes, {helps} helps")
    }
}

impl Outcome {
    /// The exit code for people.
    pub(crate) fn exit(&self) -> String {
        self.exit_code.map_or_else(|| "signal".to_owned(), |code| code.to_string())
    }
}
