//! Command lines of cargo-deny: the words after `cargo deny`, read as its own program reads them.
//!
//! Options of the program come before the command, options of `check` behind it. Version 0.20 moved and
//! removed some of them ([`syntax`]); an older version is read with its own options. Nothing is run, and no
//! file is read.

mod probes;
mod refusal;
mod syntax;

use camino::Utf8PathBuf;
use clap::{ArgMatches, error::ErrorKind};
use semver::Version;

use crate::verdict::{Check, CheckSet, DenyOptions, LintLevel, LintLevels};
pub use probes::{CommandProbe, probes};
pub use refusal::DenyRefusal;
use syntax::Syntax;

/// A command line of cargo-deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenyCommand {
    /// `cargo deny check`.
    Check(Box<DenyCheck>),
    /// Another command, which checks nothing: `fetch`, `init`, `list` or `help`.
    NotACheck(String),
}

/// A command line of `cargo deny check`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenyCheck {
    /// What changes the verdict.
    pub options: DenyOptions,
    /// What changes only the output.
    pub output: DenyOutput,
}

/// The options of `cargo deny check` that change only its output, and those of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenyOutput {
    /// `--format`; `human` by default.
    pub format: DenyFormat,
    /// `--log-level`: diagnostics below it are counted, but not printed.
    pub log_level: Option<String>,
    /// `--color`.
    pub color: Option<String>,
    /// `--hide-inclusion-graph`.
    pub hide_inclusion_graph: bool,
    /// `--show-stats`.
    pub show_stats: bool,
    /// `--audit-compatible-output`.
    pub audit_compatible_output: bool,
    /// `--feature-depth`.
    pub feature_depth: Option<u32>,
    /// `--graph`: the folder for graphs of duplicates.
    pub graph: Option<Utf8PathBuf>,
}

/// The output format of cargo-deny.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DenyFormat {
    /// Text.
    #[default]
    Human,
    /// One JSON record per line.
    Json,
    /// One SARIF log. cargo-deny counts nothing in this format, so the command fails only if a check
    /// cannot run.
    Sarif,
}

impl DenyCheck {
    /// Whether cargo-deny exits with 0 whatever it finds.
    pub fn passes_always(&self) -> bool {
        self.output.format == DenyFormat::Sarif
    }
}

impl DenyCommand {
    /// Reads the words after `cargo deny` or `cargo-deny`, as cargo-deny of this version does; without a
    /// version, as 0.20.2.
    ///
    /// # Errors
    ///
    /// Why that version refuses them. If another version accepts them, it says so.
    pub fn parse(words: &[String], version: Option<&Version>) -> Result<Self, Box<DenyRefusal>> {
        let syntax = Syntax::of(version);
        let mut matches = match syntax.command().try_get_matches_from(words) {
            Ok(matches) => matches,
            Err(error)
                if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
            {
                return Ok(Self::NotACheck("help".to_owned()));
            }
            Err(error) => return Err(Box::new(DenyRefusal::of(syntax, words, &error))),
        };
        let Some((name, mut below)) = matches.remove_subcommand() else {
            return Ok(Self::NotACheck("help".to_owned()));
        };
        if name != syntax::CHECK {
            return Ok(Self::NotACheck(name));
        }
        let refused = |error| Box::new(DenyRefusal::of_level(syntax.clone(), error));
        let levels = levels(&mut below).map_err(refused)?;
        for code in levels.codes.keys() {
            if let Some(since) = code.since().filter(|since| since > syntax.version()) {
                return Err(Box::new(DenyRefusal::of_code(syntax, *code, since)));
            }
        }
        // What 0.20 moved to the program is an option of `check` in older versions.
        let mut moved = |name| path(&mut matches, name).or_else(|| path(&mut below, name));
        let (config, metadata_path) = (moved("config"), moved("metadata-path"));
        let frozen = flag(&matches, "frozen");
        let options = DenyOptions {
            manifest_path: path(&mut matches, "manifest-path"),
            metadata_path,
            config_from_manifest: config.is_some() && syntax.config_from_manifest(),
            config,
            workspace: flag(&matches, "workspace"),
            exclude: many(&mut matches, "exclude"),
            targets: many(&mut matches, "target"),
            all_features: flag(&matches, "all-features"),
            no_default_features: flag(&matches, "no-default-features"),
            features: many(&mut matches, "features"),
            locked: frozen || flag(&matches, "locked"),
            offline: frozen || flag(&matches, "offline") || flag(&below, "disable-fetch"),
            exclude_dev: flag(&matches, "exclude-dev") || flag(&below, "exclude-dev"),
            exclude_unpublished: flag(&matches, "exclude-unpublished"),
            checks: checks(&many(&mut below, "which")),
            levels,
        };
        let output = DenyOutput {
            format: match matches.get_one::<String>("format").map(String::as_str) {
                Some("json") => DenyFormat::Json,
                Some("sarif") => DenyFormat::Sarif,
                _ => DenyFormat::Human,
            },
            log_level: matches.remove_one("log-level"),
            color: matches.remove_one("color"),
            hide_inclusion_graph: flag(&below, "hide-inclusion-graph"),
            show_stats: flag(&below, "show-stats"),
            audit_compatible_output: flag(&below, "audit-compatible-output"),
            feature_depth: below.try_remove_one("feature-depth").ok().flatten(),
            graph: path(&mut below, "graph"),
        };
        Ok(Self::Check(Box::new(DenyCheck { options: options.normalized(), output })))
    }
}

fn levels(below: &mut ArgMatches) -> Result<LintLevels, crate::verdict::LintLevelError> {
    let mut levels = LintLevels::default();
    for level in LintLevel::ALL {
        for word in many(below, level.name()) {
            levels.set(&word, level)?;
        }
    }
    Ok(levels)
}

fn checks(words: &[String]) -> CheckSet {
    if words.is_empty() || words.iter().any(|word| word == syntax::ALL_CHECKS) {
        return CheckSet::ALL;
    }
    let is_named = |check: &Check| {
        // Older versions also have `ban` and `license`.
        words.iter().any(|word| check.name() == word || check.name() == format!("{word}s"))
    };
    CheckSet::of(&Check::CARGO_DENY.into_iter().filter(is_named).collect::<Vec<_>>())
}

/// Whether a flag is given; `false` for one that this version does not have.
fn flag(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or_default()
}

fn path(matches: &mut ArgMatches, name: &str) -> Option<Utf8PathBuf> {
    matches.try_remove_one::<String>(name).ok().flatten().map(Utf8PathBuf::from)
}

fn many(matches: &mut ArgMatches, name: &str) -> Vec<String> {
    matches.try_remove_many(name).ok().flatten().into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
