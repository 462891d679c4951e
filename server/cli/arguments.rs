//! The arguments of the command line.

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};
use clap_complete::Shell;

use super::{
    deny_arguments::{
        CheckName, GraphArguments, LevelArguments, OutputArguments, checks, is_check,
    },
    report_arguments::{CheckFormat, ReportArguments},
};
use crate::{
    fix::{FixKind, FixOptions, PackageSelector},
    text::Links,
    verdict::{DenyOptions, LintLevel, LintLevels},
};

/// Shows what `cargo deny check` reports on the lines of `Cargo.toml` and `deny.toml`.
#[derive(Debug, Parser)]
#[command(name = "supercargo", version, max_term_width = 100)]
pub(super) struct Arguments {
    /// Log to standard error; twice for more.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(super) verbose: u8,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check workspaces as `cargo deny check advisories bans licenses sources` does.
    ///
    /// Takes the options of `cargo deny` and of `cargo deny check`, in any order. They mean the same: targets
    /// and features replace those in `[graph]` of the policy, the others add to it.
    ///
    /// The exit code has cargo-deny's bits for all workspaces together (1 advisories, 2 bans,
    /// 4 licenses, 8 sources). It is 64 for wrong usage, 73 if a report could not be written, and 70 if a check
    /// could not run.
    Check(Box<CheckArguments>),
    /// Apply verified fixes: upgrades first, then what `--allow` permits.
    ///
    /// Each fix is resolved by cargo and checked in a copy first: it removes a finding and adds no new
    /// error. Changes `Cargo.toml` and `Cargo.lock`, the policy only with `--allow`, and never adds to
    /// `advisories.ignore`. Lists the remaining findings with the reason why each has no fix. The exit
    /// code is that of `check` for the remaining findings.
    Fix(FixArguments),
    /// Explain a code, an advisory, a package of the workspace, an SPDX license or exception, or a key of
    /// `deny.toml`.
    ///
    /// Never fetches advisories, and uses no network at all with `--offline`. For an unknown term, lists
    /// similar ones and exits with 64.
    Explain(ExplainArguments),
    /// List the commands of a repository that run cargo-deny.
    ///
    /// Reads workflows and composite actions of GitHub, GitLab's and other pipelines, Makefiles, Justfiles,
    /// shell scripts, tasks of cargo-make, mise, pixi and `pyproject.toml`, hooks of git, aliases of cargo,
    /// and the source of an xtask. Runs none of them. Shows the line, the version of cargo-deny, the folder,
    /// the options and the workspace of each, and the reason for what depends on a value that is not in the
    /// repository.
    Gates(GatesArguments),
    /// Write a `deny.toml` that allows only what the packages of the workspace need.
    ///
    /// The policy is checked before it is written. Vulnerabilities, yanked and unmaintained packages stay
    /// findings, and copyleft licenses are listed in a comment instead of being allowed. Never overwrites
    /// a policy: if there is one already, exits with 73.
    Init(InitArguments),
    /// Show or fetch the advisory databases.
    Db(DbArguments),
    /// Show or delete the cache.
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Generate shell completions.
    ///
    /// For example `supercargo completions bash > ~/.local/share/bash-completion/completions/supercargo`.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Run the language server over standard input and output.
    Lsp(LspArguments),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(super) enum CacheCommand {
    /// Show where the cache is and its size.
    Status,
    /// Delete the cache.
    Clean,
}

#[derive(Debug, Args)]
pub(super) struct LspArguments {
    /// Accepted for compatibility; standard input and output are always used.
    #[arg(long)]
    stdio: bool,

    /// Do not use the cache.
    #[arg(long)]
    pub(super) no_cache: bool,
}

/// Which workspaces to check, and how.
#[derive(Debug, Args)]
pub(super) struct GateArguments {
    /// Names of checks (advisories, bans, licenses, sources, all), and folders or manifests; for a folder
    /// without a `Cargo.toml`, all workspaces below it. A folder with the name of a check is `./bans`.
    #[arg(value_name = "CHECK|PATH")]
    words: Vec<Utf8PathBuf>,

    /// Path to the `Cargo.toml` to check, as in cargo-deny.
    #[arg(long, value_name = "FILE")]
    pub(super) manifest_path: Option<Utf8PathBuf>,

    /// Also check workspaces that are nested in other workspaces.
    #[arg(long)]
    pub(super) all: bool,

    /// Check each workspace with the options of every command of the repository's CI that runs cargo-deny on it
    /// (see `supercargo gates`), and unite the findings.
    #[arg(long, conflicts_with_all = ["manifest_path", "config"])]
    pub(super) as_ci: bool,

    /// The checks to run, besides those that are named as words.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    only: Vec<CheckName>,

    /// Path to the policy, instead of looking for one; relative to the current folder.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<Utf8PathBuf>,

    /// A folder of advisories in RustSec's layout to use instead of the databases of the policy.
    #[arg(long, value_name = "DIR")]
    pub(super) db: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) network: NetworkArguments,

    /// Do not use the cache.
    #[arg(long)]
    pub(super) no_cache: bool,

    /// Names of folders in which not to search for workspaces; replaces the default list (target,
    /// `node_modules`, vendor, `third_party`, fixtures, testdata, test-data, `test_data`).
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) exclude_dir: Option<Vec<String>>,

    #[command(flatten)]
    pub(super) graph: GraphArguments,

    #[command(flatten)]
    levels: LevelArguments,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) gate: GateArguments,

    /// Report findings of this code as notes, or all findings of a level: `allowed`, `warnings` or `denied`.
    #[arg(
        short = 'A',
        long = "allow",
        value_name = "CODE",
        help_heading = "Options of cargo-deny"
    )]
    allowed_codes: Vec<String>,

    /// A file with the output of `cargo metadata` to use instead of running cargo.
    #[arg(long, value_name = "FILE", help_heading = "Options of cargo-deny")]
    metadata_path: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) output: OutputArguments,

    /// Also fail for supercargo's own findings, with exit bit 16: warnings, and every finding about the
    /// policy.
    #[arg(long)]
    pub(super) strict: bool,

    /// Also run this cargo-deny (an absolute path, or a name in `PATH`) on each workspace, with the same
    /// options, and show where its verdict differs: a line for each finding that only one of both has.
    ///
    /// It may write to the home folder of cargo, but not to the workspace where the system can prevent it,
    /// so the lockfile has to be up to date. The exit code is that of the check, or 70 if the program has no
    /// verdict.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["db", "as_ci"])]
    pub(super) engine: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) base: BaseArguments,

    /// Require that `Cargo.lock` is up to date.
    #[arg(long)]
    pub(super) locked: bool,

    /// Equivalent to both `--locked` and `--offline`.
    #[arg(long)]
    pub(super) frozen: bool,

    /// Output format on standard output.
    #[arg(short, long, value_enum, default_value_t = CheckFormat::Auto)]
    pub(super) format: CheckFormat,

    #[command(flatten)]
    pub(super) reports: ReportArguments,
}

/// What to compare with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparison")]
pub(super) struct BaseArguments {
    /// Compare with a branch, tag or commit: show the findings that it does not have, and fail only for new
    /// errors. `auto` is the base of the pull request or push that CI runs for.
    ///
    /// Its files are read from git's objects, and both sides are checked with the same options and
    /// advisories. A finding is the same if check, code, package, advisory and cause are; its line and the
    /// version may differ.
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["engine", "metadata_path"])]
    pub(super) base: Option<String>,

    /// Compare with the commit at which the current branch has left `--base`, not with its tip.
    #[arg(long, requires = "base")]
    pub(super) merge_base: bool,

    /// Which errors fail the run.
    #[arg(long, value_enum, value_name = "ERRORS", default_value_t = BaseGate::New, requires = "base")]
    pub(super) base_gate: BaseGate,

    /// Do not fail for errors that only the changes of the policy since `--base` hide.
    #[arg(long, requires = "base")]
    pub(super) allow_policy_changes: bool,
}

impl BaseArguments {
    /// Why a policy cannot be used: a pipe is empty when it is read again.
    fn conflict(&self, config: Option<&Utf8Path>) -> Option<String> {
        let pipe = config.filter(|config| config.exists() && !config.is_file());
        let pipe = pipe.filter(|_| self.base.is_some())?;
        Some(format!("`{pipe}` is not a file: `--base` reads the policy more than once"))
    }
}

/// Which errors fail a run with `--base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BaseGate {
    /// Those that the base does not have.
    New,
    /// All.
    All,
}

#[derive(Debug, Args)]
pub(super) struct FixArguments {
    #[command(flatten)]
    pub(super) gate: GateArguments,

    /// Show the changes without writing them.
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Fix only findings about this package; can be repeated.
    #[arg(long = "package", short, value_name = "NAME[@VERSION]")]
    pub(super) packages: Vec<PackageSelector>,

    /// Also upgrade to semver-incompatible versions. They are verified to resolve, not to compile.
    #[arg(long)]
    pub(super) breaking: bool,

    /// Also change the policy: add a clarification for a license text (clarify), allow a license or a
    /// source for one version of a package (exception). Or write files that symbolic links in the
    /// workspace point to (links), or manifests and lockfiles outside of the named folders and in
    /// vendored copies (outside). Or upgrade to versions that require a newer Rust than the workspace's
    /// `rust-version` (rust-version). Or replace packages by the successors that their advisories name
    /// (replacement); combine it with `--build`.
    #[arg(long, value_enum, value_name = "REMEDIES", value_delimiter = ',')]
    pub(super) allow: Vec<AllowedChange>,

    /// Report findings of this code as notes, as `-A` of `cargo deny check`; `--allow` has another meaning
    /// here.
    #[arg(short = 'A', value_name = "CODE", help_heading = "Options of cargo-deny")]
    allowed_codes: Vec<String>,

    /// Also run `cargo check` on the result, in a copy, and write nothing if it fails. This runs build
    /// scripts.
    #[arg(long)]
    pub(super) build: bool,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct GatesArguments {
    /// The repository, or a folder or file in it.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) path: Utf8PathBuf,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// For example `vulnerability`, `RUSTSEC-2024-0001`, `time@0.3.44`, `MPL-2.0`, `licenses.confidence-threshold`
    #[arg(value_name = "TERM")]
    pub(super) term: String,

    /// The workspace, or a folder in it.
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(super) path: Utf8PathBuf,

    /// Path to the policy, instead of looking for one; relative to the current folder.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<Utf8PathBuf>,

    /// A folder of advisories in RustSec's layout to use instead of the databases of the policy.
    #[arg(long, value_name = "DIR")]
    pub(super) db: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) network: NetworkArguments,

    /// Do not use the cache.
    #[arg(long)]
    pub(super) no_cache: bool,

    #[command(flatten)]
    pub(super) graph: GraphArguments,
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The folder of the workspace, or its manifest.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) path: Utf8PathBuf,

    /// Print the file instead of writing it, even if there is one.
    #[arg(long)]
    pub(super) print: bool,

    /// Instead of a policy, write the file that runs `supercargo check` in a CI system or before each commit, at the
    /// root of the repository. Never changes a file that exists.
    #[arg(long, value_enum, value_name = "SYSTEM", conflicts_with_all = ["strict", "db"])]
    pub(super) ci: Option<CiSystem>,

    /// Deny duplicate versions, except for those that the workspace has now.
    #[arg(long)]
    pub(super) strict: bool,

    /// A folder of advisories in RustSec's layout to use instead of the default database.
    #[arg(long, value_name = "DIR")]
    pub(super) db: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) network: NetworkArguments,

    /// Do not use the cache.
    #[arg(long)]
    pub(super) no_cache: bool,

    #[command(flatten)]
    pub(super) graph: GraphArguments,
}

/// What `init --ci` writes a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CiSystem {
    /// A workflow of GitHub Actions: `.github/workflows/supercargo.yml`.
    Github,
    /// A job of GitLab CI: `.gitlab-ci.yml`.
    Gitlab,
    /// A hook of pre-commit: `.pre-commit-config.yaml`.
    PreCommit,
    /// A hook of lefthook: `lefthook.yml`.
    Lefthook,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AllowedChange {
    Clarify,
    Exception,
    Links,
    Outside,
    Replacement,
    RustVersion,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct NetworkArguments {
    /// Run without accessing the network.
    #[arg(long)]
    pub(super) offline: bool,
}

#[derive(Debug, Args)]
pub(super) struct DbArguments {
    #[command(subcommand)]
    pub(super) command: DbCommand,

    /// The folder or manifest whose policy names the databases.
    #[arg(long, value_name = "PATH", default_value = ".", global = true)]
    pub(super) path: Utf8PathBuf,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Fetch the databases now.
    Update,
    /// Show where they are, how old they are, and whether they can be read.
    Status,
    /// Write the local advisories to one file, for a build with the feature `snapshot` to include.
    Pack {
        /// The file to write.
        file: Utf8PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text.
    Human,
    /// One JSON record per line.
    Json,
}

impl Arguments {
    /// How much is logged: as much as `--verbose` says, or `--log-level` of `check`.
    pub(super) fn verbosity(&self) -> u8 {
        match &self.command {
            Command::Check(arguments) => self.verbose.max(arguments.output.verbosity()),
            _ => self.verbose,
        }
    }

    /// Checks what the definition of the arguments cannot express.
    pub(super) fn validate(&self) -> Result<(), clap::Error> {
        let (gate, problem) = match &self.command {
            Command::Check(arguments) => (
                &arguments.gate,
                arguments
                    .deny_options()
                    .err()
                    .or_else(|| arguments.unsupported())
                    .or_else(|| arguments.reports.conflict(arguments.format))
                    .or_else(|| arguments.base.conflict(arguments.gate.config.as_deref())),
            ),
            Command::Fix(arguments) => (&arguments.gate, arguments.deny_options().err()),
            _ => return Ok(()),
        };
        let conflict = || {
            let conflicts = gate.manifest_path.is_some() && gate.paths().next().is_some();
            conflicts.then(|| "`--manifest-path` cannot be used with a path".to_owned())
        };
        match problem.or_else(conflict) {
            Some(problem) => Err(Self::command().error(ErrorKind::ValueValidation, problem)),
            None => Ok(()),
        }
    }
}

impl GateArguments {
    /// The folders and manifests to check.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Utf8PathBuf> {
        self.words.iter().filter(|word| !is_check(word.as_str()))
    }

    /// The options of cargo-deny, with paths as they are written. The levels in `allowed` come first.
    ///
    /// # Errors
    ///
    /// A sentence about a level that cargo-deny refuses.
    fn deny_options(&self, allowed: &[String]) -> Result<DenyOptions, String> {
        let mut levels = LintLevels::default();
        for word in allowed {
            levels.set(word, LintLevel::Allow).map_err(|error| error.to_string())?;
        }
        self.levels.add_to(&mut levels)?;
        let options = DenyOptions {
            config: self.config.clone(),
            offline: self.network.offline,
            checks: checks(self.words.iter().map(|word| word.as_str()), &self.only),
            levels,
            ..self.graph.deny_options()
        };
        Ok(options.normalized())
    }
}

impl FixArguments {
    /// The options of cargo-deny.
    ///
    /// # Errors
    ///
    /// A sentence about a level that cargo-deny refuses.
    pub(super) fn deny_options(&self) -> Result<DenyOptions, String> {
        self.gate.deny_options(&self.allowed_codes)
    }

    /// Whether to write files that symbolic links point to.
    pub(super) fn links(&self) -> Links {
        let follows = self.allow.contains(&AllowedChange::Links) || self.outside();
        if follows { Links::Followed } else { Links::Refused }
    }

    /// Whether to change what lies outside of the named folders.
    pub(super) fn outside(&self) -> bool {
        self.allow.contains(&AllowedChange::Outside)
    }

    /// Which upgrades are allowed.
    pub(super) fn upgrades(&self) -> FixOptions {
        let newer_rust = self.allow.contains(&AllowedChange::RustVersion);
        FixOptions { breaking: self.breaking, newer_rust }
    }

    /// The kinds of policy fixes that are allowed.
    pub(super) fn remedies(&self) -> Vec<FixKind> {
        let remedy = |allowed: &AllowedChange| match allowed {
            AllowedChange::Clarify => Some(FixKind::Clarify),
            AllowedChange::Exception => Some(FixKind::Exception),
            AllowedChange::Replacement => Some(FixKind::Replacement),
            AllowedChange::Links | AllowedChange::Outside | AllowedChange::RustVersion => None,
        };
        self.allow.iter().filter_map(remedy).collect()
    }
}

impl CheckArguments {
    /// The options of cargo-deny.
    ///
    /// # Errors
    ///
    /// A sentence about a level that cargo-deny refuses.
    pub(super) fn deny_options(&self) -> Result<DenyOptions, String> {
        let options = self.gate.deny_options(&self.allowed_codes)?;
        Ok(DenyOptions {
            metadata_path: self.metadata_path.clone(),
            locked: self.locked || self.frozen,
            offline: options.offline || self.frozen,
            ..options
        })
    }

    /// The format of the findings on standard output; `None` if a report takes it.
    pub(super) fn printed(&self) -> Option<Format> {
        match self.format {
            CheckFormat::Json => Some(Format::Json),
            CheckFormat::Human => Some(Format::Human),
            CheckFormat::Auto => (!self.reports.take_stdout()).then_some(Format::Human),
        }
    }

    /// Why an option of cargo-deny for its output has no counterpart here.
    fn unsupported(&self) -> Option<String> {
        self.output.unsupported(self.format == CheckFormat::Json)
    }
}

impl ExplainArguments {
    /// The options of cargo-deny.
    pub(super) fn deny_options(&self) -> DenyOptions {
        let config = self.config.clone();
        DenyOptions { config, offline: self.network.offline, ..self.graph.deny_options() }
    }
}

impl InitArguments {
    /// The options of cargo-deny.
    pub(super) fn deny_options(&self) -> DenyOptions {
        DenyOptions { offline: self.network.offline, ..self.graph.deny_options() }
    }
}
