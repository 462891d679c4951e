//! Why cargo-deny refuses a command line.

use std::fmt;

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use semver::Version;

use super::syntax::{self, Accepting, Syntax};
use crate::verdict::{Code, LintLevelError, sanitize};

/// Why a version of cargo-deny refuses a command line. Shown as one sentence without a final period, which says what
/// another version does with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyRefusal {
    syntax: Syntax,
    reason: RefusalReason,
    remedy: Option<Remedy>,
}

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum RefusalReason {
    #[error("unexpected argument `{0}`")]
    UnexpectedArgument(String),
    #[error("`{0}` needs a value")]
    NoValue(String),
    #[error("`{value}` is not a value of `{argument}`")]
    NotAValue { value: String, argument: String },
    #[error("`{0}` is not the name of a check")]
    NotACheck(String),
    #[error("no command `{0}`")]
    NoCommand(String),
    #[error("the command is missing, such as `{}`", syntax::CHECK)]
    MissingCommand,
    #[error("`{0}` is given twice")]
    GivenTwice(String),
    #[error("`{argument}` cannot be used with `{before}`")]
    Conflict { argument: String, before: String },
    #[error(transparent)]
    Level(LintLevelError),
    #[error("it does not have the code `{0}`")]
    NewerCode(&'static str),
    /// In the parser's words.
    #[error("{0}")]
    Other(String),
}

/// How a refused command line is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Remedy {
    #[error("{0}")]
    OtherVersions(Accepting),
    #[error("put `{0}` before `check` since version 0.20")]
    BeforeCheck(String),
    #[error("put `{0}` behind `check`, or use version 0.20")]
    BehindCheck(String),
    #[error("version 0.20 removed it: put `--offline` before `check` instead")]
    Offline,
    #[error("version 0.20 removed it: leave it out")]
    LeaveOut,
    #[error("name one target, or several in `graph.targets` of the policy")]
    OneTarget,
    #[error("version 0.20 accepts only targets of the compiler")]
    KnownTarget,
    #[error("version 0.20 calls it `{0}`")]
    Renamed(&'static str),
}

impl DenyRefusal {
    /// Why this version refuses the words.
    pub(super) fn of(syntax: Syntax, words: &[String], error: &Error) -> Self {
        let remedy = syntax.accepting(words).map(|accepting| {
            let named = Remedy::of(&syntax, &accepting, error);
            named.unwrap_or(Remedy::OtherVersions(accepting))
        });
        Self { syntax, reason: RefusalReason::of(error), remedy }
    }

    /// Why this version refuses an option for a level.
    pub(super) fn of_level(syntax: Syntax, error: LintLevelError) -> Self {
        Self { syntax, reason: RefusalReason::Level(error), remedy: None }
    }

    /// This version does not have a code, which is a later one's.
    pub(super) fn of_code(syntax: Syntax, code: Code, since: Version) -> Self {
        let remedy = Some(Remedy::OtherVersions(Accepting::From(since)));
        Self { syntax, reason: RefusalReason::NewerCode(code.name()), remedy }
    }
}

impl std::error::Error for DenyRefusal {}

impl fmt::Display for DenyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refuses it: {}", self.syntax, self.reason)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl RefusalReason {
    fn of(error: &Error) -> Self {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => sanitize(text),
            Some(ContextValue::Strings(texts)) => sanitize(&texts.join(" ")),
            _ => String::new(),
        };
        let first_word = |text: String| text.split(' ').next().unwrap_or_default().to_owned();
        let argument = first_word(context(ContextKind::InvalidArg));
        match error.kind() {
            ErrorKind::UnknownArgument => Self::UnexpectedArgument(argument),
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
                let value = context(ContextKind::InvalidValue);
                if value.is_empty() {
                    Self::NoValue(argument)
                } else if argument.starts_with('-') {
                    Self::NotAValue { value, argument }
                } else {
                    Self::NotACheck(value)
                }
            }
            ErrorKind::InvalidSubcommand => {
                Self::NoCommand(context(ContextKind::InvalidSubcommand))
            }
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Self::MissingCommand
            }
            ErrorKind::ArgumentConflict => {
                let before = first_word(context(ContextKind::PriorArg));
                if before == argument {
                    Self::GivenTwice(argument)
                } else {
                    Self::Conflict { argument, before }
                }
            }
            _ => {
                let text = error.to_string();
                let line = text.lines().next().unwrap_or_default();
                let line = sanitize(line.strip_prefix("error: ").unwrap_or(line));
                Self::Other(line.replace('\'', "`"))
            }
        }
    }
}

impl Remedy {
    /// What to change so that this version accepts it.
    fn of(syntax: &Syntax, accepting: &Accepting, error: &Error) -> Option<Self> {
        let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else {
            return None;
        };
        let value = match error.get(ContextKind::InvalidValue) {
            Some(ContextValue::String(value)) => value.as_str(),
            _ => "",
        };
        let named = named.split([' ', '=']).next().unwrap_or_default();
        if !syntax.is_refactored() {
            let is_moved = matches!(named, "--config" | "--metadata-path");
            let is_later = matches!(accepting, Accepting::From(_));
            return (is_moved && is_later).then(|| Self::BehindCheck(named.to_owned()));
        }
        Some(match (named, value) {
            ("--config" | "-c", _) => Self::BeforeCheck("--config".to_owned()),
            ("--metadata-path" | "--exclude-dev", _) => Self::BeforeCheck(named.to_owned()),
            ("--disable-fetch" | "-d", _) => Self::Offline,
            ("--allow-git-index", _) => Self::LeaveOut,
            ("--target", "") => Self::OneTarget,
            ("--target", _) => Self::KnownTarget,
            (_, "ban") => Self::Renamed("bans"),
            (_, "license") => Self::Renamed("licenses"),
            _ => return None,
        })
    }
}
