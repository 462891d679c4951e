//! Why cargo-deny refuses a command line, as one sentence.

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::syntax::{self, Syntax};
use crate::verdict::sanitize;

/// The sentence for a command line that this version refuses.
pub(super) fn sentence(syntax: &Syntax, words: &[String], error: &Error) -> String {
    let refused = format!("{syntax} refuses it: {}", reason(error));
    let other = syntax.other();
    if other.command().try_get_matches_from(words).is_err() {
        return refused;
    }
    match cure(syntax, error) {
        Some(cure) => format!("{refused}; {cure}"),
        None if syntax.is_refactored() => format!("{refused}; versions before 0.20 accept it"),
        None => format!("{refused}; versions from 0.20 on accept it"),
    }
}

fn reason(error: &Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => sanitize(text),
        Some(ContextValue::Strings(texts)) => sanitize(&texts.join(" ")),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let argument = argument.split(' ').next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => format!("unexpected argument `{argument}`"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = context(ContextKind::InvalidValue);
            match (value.as_str(), argument.starts_with('-')) {
                ("", _) => format!("`{argument}` needs a value"),
                (value, true) => format!("`{value}` is not a value of `{argument}`"),
                (value, false) => format!("`{value}` is not the name of a check"),
            }
        }
        ErrorKind::InvalidSubcommand => {
            format!("no command `{}`", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            format!("the command is missing, such as `{}`", syntax::CHECK)
        }
        ErrorKind::ArgumentConflict => {
            let before = context(ContextKind::PriorArg);
            let before = before.split(' ').next().unwrap_or_default();
            if before == argument {
                format!("`{argument}` is given twice")
            } else {
                format!("`{argument}` cannot be used with `{before}`")
            }
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            sanitize(line.strip_prefix("error: ").unwrap_or(line)).replace('\'', "`")
        }
    }
}

/// What to change so that this version accepts it.
fn cure(syntax: &Syntax, error: &Error) -> Option<String> {
    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else { return None };
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.as_str(),
        _ => "",
    };
    let named = named.split([' ', '=']).next().unwrap_or_default();
    if !syntax.is_refactored() {
        return matches!(named, "--config" | "--metadata-path")
            .then(|| format!("put `{named}` behind `check`, or use version 0.20"));
    }
    let cure = match (named, value) {
        ("--config" | "-c", _) => "put `--config` before `check` since version 0.20",
        ("--metadata-path" | "--exclude-dev", _) => {
            return Some(format!("put `{named}` before `check` since version 0.20"));
        }
        ("--disable-fetch" | "-d", _) => {
            "version 0.20 removed it: put `--offline` before `check` instead"
        }
        ("--allow-git-index", _) => "version 0.20 removed it: leave it out",
        ("--target", "") => "name one target, or several in `graph.targets` of the policy",
        ("--target", _) => "version 0.20 accepts only targets of the compiler",
        (_, "ban") => "version 0.20 calls it `bans`",
        (_, "license") => "version 0.20 calls it `licenses`",
        _ => return None,
    };
    Some(cure.to_owned())
}
