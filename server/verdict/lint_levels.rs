//! The levels that `-A`, `-W` and `-D` of `cargo deny check` give to codes and severities.

use std::{collections::BTreeMap, fmt};

use cargo_deny::diag::{DiagnosticCode, DiagnosticOverrides, Severity as DenySeverity};
use serde::{Deserialize, Serialize};

use super::{Code, Severity};

/// A level on cargo-deny's command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LintLevel {
    /// `-A`, `--allow`: a note.
    Allow,
    /// `-W`, `--warn`: a warning.
    Warn,
    /// `-D`, `--deny`: an error.
    Deny,
}

impl LintLevel {
    /// All levels, in the order in which cargo-deny reads them.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Warn, Self::Deny];

    /// The name: `allow`, `warn` or `deny`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }

    /// The short option: `-A`, `-W` or `-D`.
    pub fn option(self) -> &'static str {
        match self {
            Self::Allow => "-A",
            Self::Warn => "-W",
            Self::Deny => "-D",
        }
    }

    /// cargo-deny's word for all diagnostics of this level, which can replace a code: `-D warnings`.
    pub fn group(self) -> &'static str {
        match self {
            Self::Allow => "allowed",
            Self::Warn => "warnings",
            Self::Deny => "denied",
        }
    }

    /// The level of a group.
    pub fn of_group(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.group() == word)
    }

    fn own_severity(self) -> Severity {
        match self {
            Self::Allow => Severity::Note,
            Self::Warn => Severity::Warning,
            Self::Deny => Severity::Error,
        }
    }

    fn severity(self) -> DenySeverity {
        match self {
            Self::Allow => DenySeverity::Note,
            Self::Warn => DenySeverity::Warning,
            Self::Deny => DenySeverity::Error,
        }
    }
}

/// The levels of one command line. A diagnostic gets the level of its code; if its level is then one of
/// `groups`, it gets that one's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct LintLevels {
    /// The levels of codes.
    pub codes: BTreeMap<Code, LintLevel>,
    /// The levels that replace another level.
    pub groups: BTreeMap<LintLevel, LintLevel>,
}

/// Why cargo-deny refuses a level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LintLevelError {
    /// Neither a code nor a group.
    #[error("`{0}` is neither a code of cargo-deny nor one of `allowed`, `warnings` and `denied`")]
    Unknown(String),
    /// It has a level already.
    #[error("`{word}` has the level `{}` already; give it one level", level.name())]
    GivenTwice {
        /// The code or group.
        word: String,
        /// Its level.
        level: LintLevel,
    },
}

impl LintLevels {
    /// Gives a level to a code or group.
    ///
    /// # Errors
    ///
    /// As in cargo-deny: for a word that is neither, and for a second level of the same word.
    pub fn set(&mut self, word: &str, level: LintLevel) -> Result<(), LintLevelError> {
        let before = if let Some(group) = LintLevel::of_group(word) {
            self.groups.insert(group, level)
        } else {
            let code = code(word).ok_or_else(|| LintLevelError::Unknown(word.to_owned()))?;
            self.codes.insert(code, level)
        };
        match before {
            Some(level) => Err(LintLevelError::GivenTwice { word: word.to_owned(), level }),
            None => Ok(()),
        }
    }

    /// The words that can have a level, each with its meaning: the groups, then the codes.
    pub fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
        let groups = LintLevel::ALL.map(|level| {
            let what = match level {
                LintLevel::Allow => "all notes",
                LintLevel::Warn => "all warnings",
                LintLevel::Deny => "all errors",
            };
            (level.group(), what)
        });
        let codes = Code::ALL.iter().filter(|known| code(known.name()).is_some());
        groups.into_iter().chain(codes.map(|code| (code.name(), code.description())))
    }

    /// The words that have a level, with it.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, LintLevel)> {
        let codes = self.codes.iter().map(|(code, level)| (code.name(), *level));
        codes.chain(self.groups.iter().map(|(group, level)| (group.group(), *level)))
    }

    /// Whether no level is given.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty() && self.groups.is_empty()
    }

    /// The words on cargo-deny's command line.
    pub fn words(&self) -> Vec<String> {
        let all: Vec<_> = self.iter().collect();
        let mut words = Vec::new();
        for level in LintLevel::ALL {
            for (word, _) in all.iter().filter(|(_, given)| *given == level) {
                words.extend([level.option().to_owned(), (*word).to_owned()]);
            }
        }
        words
    }

    /// The severity of a finding of this code that has `severity` without levels. cargo-deny does the same
    /// for its own diagnostics.
    pub(crate) fn severity(&self, code: Code, severity: Severity) -> Severity {
        let severity = self.codes.get(&code).map_or(severity, |level| level.own_severity());
        let group = LintLevel::ALL.into_iter().find(|level| level.own_severity() == severity);
        let level = group.and_then(|group| self.groups.get(&group));
        level.map_or(severity, |level| level.own_severity())
    }

    /// The same for cargo-deny's checks; `None` if no level is given.
    pub(super) fn overrides(&self) -> Option<DiagnosticOverrides> {
        if self.is_empty() {
            return None;
        }
        let codes = self.codes.iter().map(|(code, level)| (code.name(), level.severity()));
        let groups = self.groups.iter().map(|(group, level)| (group.severity(), level.severity()));
        Some(DiagnosticOverrides {
            code_overrides: codes.collect(),
            level_overrides: groups.collect(),
        })
    }
}

impl fmt::Display for LintLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

/// The code, if it is one of cargo-deny's diagnostics.
fn code(word: &str) -> Option<Code> {
    let code = word.parse::<DiagnosticCode>().ok()?;
    Code::by_name(code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_is_that_of_the_code_and_then_of_the_group() {
        let mut levels = LintLevels::default();
        let all = [Severity::Error, Severity::Warning, Severity::Note, Severity::Help];
        for severity in all {
            assert_eq!(levels.severity(Code::Yanked, severity), severity);
        }
        levels.set("yanked", LintLevel::Warn).expect("a code");
        levels.set("warnings", LintLevel::Deny).expect("a group");
        levels.set("denied", LintLevel::Allow).expect("a group");
        for severity in all {
            assert_eq!(levels.severity(Code::Yanked, severity), Severity::Error);
        }
        let others = all.map(|severity| levels.severity(Code::Banned, severity));
        assert_eq!(others, [Severity::Note, Severity::Error, Severity::Note, Severity::Help]);
    }

    #[test]
    fn level_is_of_a_code_or_a_group_and_given_once() {
        let mut levels = LintLevels::default();
        assert_eq!(levels.set("unmaintained", LintLevel::Warn), Ok(()));
        assert_eq!(levels.set("warnings", LintLevel::Deny), Ok(()));
        assert_eq!(levels.set("duplicate", LintLevel::Allow), Ok(()));
        assert_eq!(levels.to_string(), "-A duplicate -W unmaintained -D warnings");
        for unknown in ["loud", "policy-syntax", "supercargo::no-policy", "wanted", ""] {
            let refused = levels.set(unknown, LintLevel::Deny);
            assert_eq!(refused, Err(LintLevelError::Unknown(unknown.to_owned())));
        }
        let twice = levels.set("unmaintained", LintLevel::Warn);
        assert_eq!(
            twice.map_err(|error| error.to_string()),
            Err("`unmaintained` has the level `warn` already; give it one level".to_owned())
        );
    }
}
