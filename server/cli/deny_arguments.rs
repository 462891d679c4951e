//! The options of `cargo deny` and `cargo deny check` on our command line.

use cfg_expr::targets::get_builtin_target_by_triple;
use clap::{Args, ValueEnum};

use crate::verdict::{Check, CheckSet, DenyOptions, LintLevel, LintLevels, Severity};

/// The name of all checks.
const ALL_CHECKS: &str = "all";

/// What belongs to the graph.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Options of cargo-deny")]
pub(super) struct GraphArguments {
    /// Check all members of the workspace, even if the manifest is that of one package.
    #[arg(long)]
    workspace: bool,

    /// Activate all features.
    #[arg(long)]
    all_features: bool,

    /// Do not activate the `default` feature.
    #[arg(long)]
    no_default_features: bool,

    /// Features to activate, instead of `graph.features` of the policy; can be repeated.
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    features: Vec<String>,

    /// Check only what this target needs, instead of `graph.targets` of the policy; can be repeated.
    #[arg(long, short = 't', value_name = "TRIPLE", value_parser = target)]
    target: Vec<String>,

    /// Exclude this package and what only it needs; can be repeated.
    #[arg(long, value_name = "CRATE")]
    exclude: Vec<String>,

    /// Exclude the dev-dependencies of members.
    #[arg(long)]
    exclude_dev: bool,

    /// Exclude members with `publish = false`, unless another member depends on them.
    #[arg(long)]
    exclude_unpublished: bool,
}

/// The levels of codes. `-A` is apart: `fix` has another `--allow`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Options of cargo-deny")]
pub(super) struct LevelArguments {
    /// Report findings of this code as warnings, or all findings of a level: `allowed`, `warnings` or
    /// `denied`.
    #[arg(short = 'W', long, value_name = "CODE")]
    warn: Vec<String>,

    /// Report findings of this code as errors, or all findings of a level: `-D warnings`.
    #[arg(short = 'D', long, value_name = "CODE")]
    deny: Vec<String>,
}

/// What changes only the output.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Options of cargo-deny")]
pub(super) struct OutputArguments {
    /// Do not show dependency paths.
    #[arg(long)]
    pub(super) hide_inclusion_graph: bool,

    /// Show the number of errors, warnings and notes of every check.
    #[arg(short = 's', long)]
    pub(super) show_stats: bool,

    /// Show findings of this level and above: `warn` by default, `info` for notes, `debug` for all. All are
    /// counted. JSON has all of them by default.
    #[arg(short = 'L', long, value_name = "LEVEL", value_enum)]
    pub(super) log_level: Option<LogLevel>,

    /// Color the output.
    #[arg(short = 'c', long, value_name = "WHEN", value_enum, default_value_t = ColorWhen::Auto)]
    pub(super) color: ColorWhen,

    #[arg(long, hide = true)]
    audit_compatible_output: bool,

    #[arg(long, value_name = "DEPTH", hide = true)]
    feature_depth: Option<String>,

    #[arg(short = 'g', long, value_name = "DIR", hide = true)]
    graph: Option<String>,
}

/// cargo-deny's log levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// When the output is colored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    /// At a terminal.
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckName {
    Advisories,
    Bans,
    Licenses,
    Sources,
}

impl GraphArguments {
    /// The options of cargo-deny.
    pub(super) fn deny_options(&self) -> DenyOptions {
        DenyOptions {
            workspace: self.workspace,
            exclude: self.exclude.clone(),
            targets: self.target.clone(),
            all_features: self.all_features,
            no_default_features: self.no_default_features,
            features: self.features.clone(),
            exclude_dev: self.exclude_dev,
            exclude_unpublished: self.exclude_unpublished,
            ..DenyOptions::default()
        }
        .normalized()
    }
}

impl LevelArguments {
    /// Adds the levels to others.
    ///
    /// # Errors
    ///
    /// A sentence about a level that cargo-deny refuses.
    pub(super) fn add_to(&self, levels: &mut LintLevels) -> Result<(), String> {
        for (level, words) in [(LintLevel::Warn, &self.warn), (LintLevel::Deny, &self.deny)] {
            for word in words {
                levels.set(word, level).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

impl OutputArguments {
    /// The sentence about an option that has no counterpart here.
    pub(super) fn unsupported(&self, json: bool) -> Option<String> {
        let sentence = if self.graph.is_some() {
            "`--graph` is not supported: no graphs are written; run `cargo deny check --graph DIR bans`"
        } else if self.feature_depth.is_some() {
            "`--feature-depth` is not supported: dependency paths are shown without features; leave it out"
        } else if self.audit_compatible_output && json {
            "`--audit-compatible-output` is not supported: the JSON of cargo-audit is not written; leave it out"
        } else {
            return None;
        };
        Some(sentence.to_owned())
    }

    /// The lowest severity to show; `None` to show no finding.
    pub(super) fn lowest_severity(&self, default: Severity) -> Option<Severity> {
        match self.log_level {
            None => Some(default),
            Some(LogLevel::Off) => None,
            Some(LogLevel::Error) => Some(Severity::Error),
            Some(LogLevel::Warn) => Some(Severity::Warning),
            Some(LogLevel::Info) => Some(Severity::Note),
            Some(LogLevel::Debug | LogLevel::Trace) => Some(Severity::Help),
        }
    }

    /// The verbosity of the log.
    pub(super) fn verbosity(&self) -> u8 {
        match self.log_level {
            Some(LogLevel::Info) => 1,
            Some(LogLevel::Debug | LogLevel::Trace) => 2,
            _ => 0,
        }
    }

    /// Applies `--color` to all output of the program.
    pub(super) fn apply_color(&self) {
        let choice = match self.color {
            ColorWhen::Auto => return,
            ColorWhen::Always => anstream::ColorChoice::Always,
            ColorWhen::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// Whether a word is the name of a check, or that of all.
pub(super) fn is_check(word: &str) -> bool {
    word == ALL_CHECKS || CheckName::from_str(word, false).is_ok()
}

/// The checks that words or `--only` name: all if neither does.
pub(super) fn checks<'w>(words: impl Iterator<Item = &'w str>, only: &[CheckName]) -> CheckSet {
    let named: Vec<_> = words.filter(|word| is_check(word)).collect();
    if named.contains(&ALL_CHECKS) || named.is_empty() && only.is_empty() {
        return CheckSet::ALL;
    }
    let words = named.iter().filter_map(|word| CheckName::from_str(word, false).ok());
    CheckSet::of(&words.chain(only.iter().copied()).map(CheckName::check).collect::<Vec<_>>())
}

fn target(triple: &str) -> Result<String, &'static str> {
    match get_builtin_target_by_triple(triple) {
        Some(_) => Ok(triple.to_owned()),
        None => Err("not a target of the compiler; see `rustc --print target-list`"),
    }
}

impl CheckName {
    fn check(self) -> Check {
        match self {
            Self::Advisories => Check::Advisories,
            Self::Bans => Check::Bans,
            Self::Licenses => Check::Licenses,
            Self::Sources => Check::Sources,
        }
    }
}
