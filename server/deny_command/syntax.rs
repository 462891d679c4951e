//! The options of cargo-deny's program and of its commands, by version.

use std::fmt;

use cfg_expr::targets::get_builtin_target_by_triple;
use clap::{Arg, ArgAction, Command, builder::PossibleValuesParser, value_parser};
use semver::Version;

use crate::verdict::{Check, LintLevel};

/// The name of the command.
pub(super) const CHECK: &str = "check";

/// The name of all four checks.
pub(super) const ALL_CHECKS: &str = "all";

/// The other commands. Their options do not matter: they check nothing.
pub(super) const OTHERS: [&str; 3] = ["fetch", "init", "list"];

/// The version whose command line is read if none is known: the one whose library is used.
const CURRENT: Version = Version::new(0, 20, 2);

/// The versions that changed the command line.
const REFACTORED: Version = Version::new(0, 20, 0);
const CONFIG_FROM_FOLDER: Version = Version::new(0, 19, 0);
const SARIF: Version = Version::new(0, 18, 5);
const METADATA_PATH: Version = Version::new(0, 18, 4);
const EXCLUDE_UNPUBLISHED: Version = Version::new(0, 16, 2);
const EXCLUDE_DEV: Version = Version::new(0, 14, 2);
const ALLOW_GIT_INDEX: Version = Version::new(0, 14, 0);
const LEVELS: Version = Version::new(0, 13, 0);
pub(super) const OLDEST: Version = Version::new(0, 0, 0);

/// The first version of each command line that is read, the oldest first.
pub(super) static CHANGES: [Version; 8] = [
    OLDEST,
    LEVELS,
    ALLOW_GIT_INDEX,
    EXCLUDE_DEV,
    EXCLUDE_UNPUBLISHED,
    METADATA_PATH,
    SARIF,
    REFACTORED,
];

/// The command line of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Syntax(Version);

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo-deny {}", self.0)
    }
}

/// Which versions accept what one refuses: the version with which that begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Accepting {
    From(Version),
    Before(Version),
}

impl fmt::Display for Accepting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |version: &Version| match version.patch {
            0 => format!("{}.{}", version.major, version.minor),
            _ => version.to_string(),
        };
        match self {
            Self::From(version) => write!(f, "versions from {} on accept it", short(version)),
            Self::Before(version) => write!(f, "versions before {} accept it", short(version)),
        }
    }
}

impl Syntax {
    pub(super) fn of(version: Option<&Version>) -> Self {
        Self(version.cloned().unwrap_or(CURRENT))
    }

    /// Whether it is the command line of 0.20 and later.
    pub(super) fn is_refactored(&self) -> bool {
        self.0 >= REFACTORED
    }

    pub(super) fn version(&self) -> &Version {
        &self.0
    }

    /// The nearest versions that accept the words: later ones, else earlier ones.
    pub(super) fn accepting(&self, words: &[String]) -> Option<Accepting> {
        let accepts =
            |version: &Version| Self(version.clone()).command().try_get_matches_from(words).is_ok();
        let later = CHANGES.iter().find(|change| **change > self.0 && accepts(change));
        if let Some(change) = later {
            return Some(Accepting::From(change.clone()));
        }
        let mut earlier = CHANGES.windows(2).rev().filter(|pair| pair[1] <= self.0);
        earlier.find(|pair| accepts(&pair[0])).map(|pair| Accepting::Before(pair[1].clone()))
    }

    /// Whether a relative `--config` starts in the folder of the manifest.
    pub(super) fn config_from_manifest(&self) -> bool {
        self.0 < CONFIG_FROM_FOLDER
    }

    /// The definition of the command line.
    pub(super) fn command(&self) -> Command {
        let mut program = Command::new("cargo-deny")
            .no_binary_name(true)
            .version("0")
            .subcommand_required(true)
            .args([
                choice("log-level", &["off", "error", "warn", "info", "debug", "trace"])
                    .short('L')
                    .ignore_case(!self.is_refactored()),
                choice("color", &["auto", "always", "never"]).short('c'),
                choice("format", self.formats()).short('f'),
                text("manifest-path"),
                flag("workspace"),
                list("exclude"),
                self.target(),
                flag("all-features"),
                flag("no-default-features"),
                list("features").value_delimiter(','),
                flag("frozen"),
                flag("locked"),
                flag("offline"),
            ]);
        if self.0 >= EXCLUDE_DEV {
            program = program.arg(flag("exclude-dev"));
        }
        if self.0 >= EXCLUDE_UNPUBLISHED {
            program = program.arg(flag("exclude-unpublished"));
        }
        if self.is_refactored() {
            program = program.args([text("config"), text("metadata-path")]);
        } else if self.0 >= ALLOW_GIT_INDEX {
            program = program.arg(flag("allow-git-index"));
        }
        for name in OTHERS {
            let words = Arg::new("words").num_args(0..).trailing_var_arg(true);
            program = program.subcommand(Command::new(name).arg(words.allow_hyphen_values(true)));
        }
        program.subcommand(self.check())
    }

    fn check(&self) -> Command {
        let levels = LintLevel::ALL.map(|level| {
            let short = level.option().chars().last();
            list(level.name()).short(short)
        });
        let depth = Arg::new("feature-depth")
            .long("feature-depth")
            .conflicts_with("hide-inclusion-graph")
            .value_parser(value_parser!(u32));
        let which = Arg::new("which")
            .action(ArgAction::Append)
            .value_parser(PossibleValuesParser::new(self.check_names()))
            .ignore_case(false);
        let mut check = Command::new(CHECK).args([
            text("graph").short('g'),
            flag("hide-inclusion-graph"),
            flag("audit-compatible-output"),
            flag("show-stats").short('s'),
            which,
        ]);
        if self.0 >= LEVELS {
            check = check.args(levels).arg(depth);
        }
        if self.is_refactored() {
            return check;
        }
        check = check.args([text("config").short('c'), flag("disable-fetch").short('d')]);
        if self.0 >= EXCLUDE_DEV {
            check = check.arg(flag("exclude-dev"));
        }
        if self.0 >= METADATA_PATH { check.arg(text("metadata-path")) } else { check }
    }

    fn check_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = Check::CARGO_DENY.map(Check::name).to_vec();
        names.push(ALL_CHECKS);
        if !self.is_refactored() {
            names.extend(["ban", "license"]);
        }
        names
    }

    fn formats(&self) -> &'static [&'static str] {
        if self.0 >= SARIF { &["human", "json", "sarif"] } else { &["human", "json"] }
    }

    /// One triple that the compiler knows; before 0.20 any number of any triples.
    fn target(&self) -> Arg {
        let target = text("target").short('t');
        if !self.is_refactored() {
            return target.action(ArgAction::Append);
        }
        target.value_parser(|triple: &str| match get_builtin_target_by_triple(triple) {
            Some(_) => Ok(triple.to_owned()),
            None => Err("not a target triple of the compiler"),
        })
    }
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

fn text(name: &'static str) -> Arg {
    Arg::new(name).long(name)
}

fn list(name: &'static str) -> Arg {
    text(name).action(ArgAction::Append)
}

fn choice(name: &'static str, choices: &'static [&'static str]) -> Arg {
    text(name).value_parser(PossibleValuesParser::new(choices))
}
