//! The arguments of the command line.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::{
    fix::{FixKind, PackageSelector},
    text::Links,
    verdict::{Check, CheckSet},
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
    /// The exit code has cargo-deny's bits for all workspaces together (1 advisories, 2 bans,
    /// 4 licenses, 8 sources). It is 64 for wrong usage and 70 if a check could not run.
    Check(CheckArguments),
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
    /// Folders or manifests; for a folder without a `Cargo.toml`, all workspaces below it.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<Utf8PathBuf>,

    /// Path to the `Cargo.toml` to check, as in cargo-deny.
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    pub(super) manifest_path: Option<Utf8PathBuf>,

    /// Also check workspaces that are nested in other workspaces.
    #[arg(long)]
    pub(super) all: bool,

    /// Check all members of the workspace, even if the manifest is that of one package.
    #[arg(long)]
    pub(super) workspace: bool,

    /// The checks to run.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    pub(super) only: Vec<CheckName>,

    /// Path to the policy, instead of looking for one.
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
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) gate: GateArguments,

    /// Also fail for supercargo's own findings, with exit bit 16: warnings, and every finding about the
    /// policy.
    #[arg(long)]
    pub(super) strict: bool,

    /// Require that `Cargo.lock` is up to date.
    #[arg(long)]
    pub(super) locked: bool,

    /// Equivalent to both `--locked` and `--offline`.
    #[arg(long)]
    pub(super) frozen: bool,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
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
    /// workspace point to (links).
    #[arg(long, value_enum, value_name = "REMEDIES", value_delimiter = ',')]
    pub(super) allow: Vec<AllowedChange>,

    /// Also run `cargo check` on the result, in a copy, and write nothing if it fails. This runs build
    /// scripts.
    #[arg(long)]
    pub(super) build: bool,

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

    /// A folder of advisories in RustSec's layout to use instead of the databases of the policy.
    #[arg(long, value_name = "DIR")]
    pub(super) db: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) network: NetworkArguments,

    /// Do not use the cache.
    #[arg(long)]
    pub(super) no_cache: bool,
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The folder of the workspace, or its manifest.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) path: Utf8PathBuf,

    /// Print the policy instead of writing it, even if the workspace has one.
    #[arg(long)]
    pub(super) print: bool,

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AllowedChange {
    Clarify,
    Exception,
    Links,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckName {
    Advisories,
    Bans,
    Licenses,
    Sources,
}

impl GateArguments {
    /// The arguments with which `init` checks.
    pub(super) fn of_init(arguments: &InitArguments) -> Self {
        Self::plain(arguments.db.as_ref(), arguments.network, arguments.no_cache)
    }

    /// The arguments with which `explain` checks.
    pub(super) fn of_explain(arguments: &ExplainArguments) -> Self {
        Self::plain(arguments.db.as_ref(), arguments.network, arguments.no_cache)
    }

    fn plain(db: Option<&Utf8PathBuf>, network: NetworkArguments, no_cache: bool) -> Self {
        Self {
            paths: Vec::new(),
            manifest_path: None,
            all: false,
            workspace: false,
            only: Vec::new(),
            config: None,
            db: db.cloned(),
            network,
            no_cache,
            exclude_dir: None,
        }
    }

    /// The checks to run: all by default.
    pub(super) fn checks(&self) -> CheckSet {
        if self.only.is_empty() {
            return CheckSet::ALL;
        }
        let checks: Vec<_> = self.only.iter().map(|name| name.check()).collect();
        CheckSet::of(&checks)
    }
}

impl FixArguments {
    /// Whether to write files that symbolic links point to.
    pub(super) fn links(&self) -> Links {
        if self.allow.contains(&AllowedChange::Links) { Links::Followed } else { Links::Refused }
    }

    /// The kinds of policy fixes that are allowed.
    pub(super) fn remedies(&self) -> Vec<FixKind> {
        let remedy = |allowed: &AllowedChange| match allowed {
            AllowedChange::Clarify => Some(FixKind::Clarify),
            AllowedChange::Exception => Some(FixKind::Exception),
            AllowedChange::Links => None,
        };
        self.allow.iter().filter_map(remedy).collect()
    }
}

impl CheckArguments {
    pub(super) fn offline(&self) -> bool {
        self.gate.network.offline || self.frozen
    }

    pub(super) fn locked(&self) -> bool {
        self.locked || self.frozen
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
