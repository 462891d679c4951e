//! The command line of `cargo xtask parity`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

pub(crate) const HELP: &str = "\
cargo xtask parity [OPTION..] [DIR..]

Runs the real cargo-deny and supercargo, offline, on every workspace named and prints what only one of them finds.
Without --own, --shared or DIR: the own cases.

  --own               the cases under tests/parity/cases
  --shared            the workspaces of ../shared/data/corpus.tar.xz, each with its own policy and with a strict one,
                      the latter also with options of cargo-deny;
                      cargo-deny takes minutes to print the graphs of the largest
  DIR                 the workspaces in DIR, in place, with their own policies
  --case TEXT         only workspaces whose name contains TEXT
  --without-options   the shared workspaces without options of cargo-deny, which takes a quarter of the time
  --editor            compares what the language server publishes with `check --format json`, without cargo-deny
  --seed-difference   alters one finding of ours first: the run must then fail
  --only-theirs       cargo-deny alone: print its findings and test what the cases claim
  --add-locks         write a Cargo.lock into every own case that uses a registry and has none
  --no-fetch          do not run `cargo fetch` first: all crates are there
  --keep              keep the directory with the workspaces

SUPERCARGO_BIN names the supercargo to run; without it a release build is made.
";

/// What is done with the workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Compare,
    SeedDifference,
    OnlyTheirs,
    AddLocks,
    Editor,
}

/// Where workspaces come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Own,
    Shared,
    Directory(PathBuf),
}

pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) selections: Vec<Selection>,
    pub(crate) filter: Option<String>,
    /// The shared workspaces also with options of cargo-deny.
    pub(crate) command_lines: bool,
    pub(crate) fetch: bool,
    pub(crate) keep: bool,
}

impl Options {
    /// `None` when help was asked for.
    pub(crate) fn parse(arguments: &[String]) -> Result<Option<Self>> {
        let mut options = Self {
            mode: Mode::Compare,
            selections: Vec::new(),
            filter: None,
            command_lines: true,
            fetch: true,
            keep: false,
        };

        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--own" => options.selections.push(Selection::Own),
                "--shared" => options.selections.push(Selection::Shared),
                "--case" => {
                    let text = arguments.next().context("`--case` needs a text")?;
                    options.filter = Some(text.clone());
                }
                "--seed-difference" => options.mode = Mode::SeedDifference,
                "--only-theirs" => options.mode = Mode::OnlyTheirs,
                "--without-options" => options.command_lines = false,
                "--editor" => options.mode = Mode::Editor,
                "--add-locks" => options.mode = Mode::AddLocks,
                "--no-fetch" => options.fetch = false,
                "--keep" => options.keep = true,
                "--help" | "-h" => return Ok(None),
                flag if flag.starts_with('-') => bail!("`parity` has no option `{flag}`"),
                directory => {
                    options.selections.push(Selection::Directory(PathBuf::from(directory)));
                }
            }
        }

        if options.selections.is_empty() {
            options.selections = vec![Selection::Own];
        }
        Ok(Some(options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn own_cases_are_compared_unless_something_is_named() {
        let options = parse("").expect("no option is wrong").expect("no help is asked for");
        assert_eq!(options.selections, [Selection::Own]);
        assert_eq!(options.mode, Mode::Compare);

        let options = parse("--own --case bans some/where --seed-difference");
        let options = options.expect("all options exist").expect("no help is asked for");
        assert_eq!(options.selections, [Selection::Own, Selection::Directory("some/where".into())]);
        assert_eq!(options.filter.as_deref(), Some("bans"));
        assert_eq!(options.mode, Mode::SeedDifference);
    }

    #[test]
    fn a_mistyped_option_is_no_directory() {
        assert!(parse("--onw").is_err());
        assert!(parse("--case").is_err());
        assert!(parse("--own --help").expect("help is an option").is_none());
    }
}
