//! What can be said on the command line.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::{
    fix::{PackageSelector, FixKind},
    text::Links,
    verdict::{Check, CheckSet},
};

/// The verdict of cargo-deny on the line that can mend it.
#[derive(Debug, Parser)]
#[command(name = "supercargo", version, max_term_width = 100)]
pub(super) struct Arguments {
    /// Say what is being done, on standard error; twice for more.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(super) verbose: u8,

    #[command(subcommand)]
    pub(super) word: Word,
}

#[derive(Debug, Subcommand)]
pub(super) enum Word {
    /// Judge workspaces as `cargo deny check advisories bans licenses sources` would.
    ///
    /// Exits with cargo-deny's bits (1 advisories, 2 bans, 4 licenses, 8 sources; all workspaces
    /// together), with 64 for wrong usage and with 70 when no verdict could be reached.
    Check(CheckArguments),
    /// Do what clears findings and was proved: upgrades first, and what else is allowed.
    ///
    /// A change was resolved by cargo and judged in a copy: it clears a finding and brings no new
    /// error. Changes `Cargo.toml` and `Cargo.lock`, the policy only with --allow, and never adds an
    /// ignore. Says of everything that stays why. Exits like `check` on what remains.
    Fix(FixArguments),
    /// Say what a word means: a code, an advisory's id, a package here, an SPDX license or exception, a
    /// key of the policy.
    ///
    /// Opens no connection with --offline and fetches no advisories without it. An unknown word is
    /// answered with the nearest known ones and exit code 64.
    Explain(ExplainArguments),
    /// Write a `deny.toml` for a workspace that has no policy: what its packages need and no more.
    ///
    /// It is judged before it is written. Vulnerabilities, withdrawn and unmaintained packages stay
    /// findings, and copyleft licenses are named in a comment instead of being allowed: they deserve a
    /// decision. Never overwrites: where a policy rules already, that is said, with exit code 73.
    Init(InitArguments),
    /// Look at the advisory databases or fetch them.
    Db(DbArguments),
    /// Look at what is kept between runs or delete it.
    Cache {
        #[command(subcommand)]
        word: CacheWord,
    },
    /// Write what a shell needs to complete words and options.
    ///
    /// For instance `supercargo completions bash > ~/.local/share/bash-completion/completions/supercargo`.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Serve an editor over standard input and output.
    Lsp(LspArguments),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(super) enum CacheWord {
    /// Say where it is and how much.
    Status,
    /// Delete it.
    Clean,
}

#[derive(Debug, Args)]
pub(super) struct LspArguments {
    /// Accepted for clients that always say so; there is no other way to speak.
    #[arg(long)]
    stdio: bool,

    /// Neither use nor keep results of earlier runs.
    #[arg(long)]
    pub(super) no_cache: bool,
}

/// Which workspaces are judged, and by what.
#[derive(Debug, Args)]
pub(super) struct GateArguments {
    /// Folders or manifests; a folder without a `Cargo.toml` stands for every workspace below it.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<Utf8PathBuf>,

    /// The manifest to judge, as for cargo-deny.
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    pub(super) manifest_path: Option<Utf8PathBuf>,

    /// Also judge the workspaces nested below one.
    #[arg(long)]
    pub(super) all: bool,

    /// Judge all members, also where the manifest is that of one package.
    #[arg(long)]
    pub(super) workspace: bool,

    /// The checks to run.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    pub(super) only: Vec<CheckName>,

    /// The policy to use instead of the one that is found.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<Utf8PathBuf>,

    /// A folder of advisories in RustSec's layout to use instead of the databases of the policy.
    #[arg(long, value_name = "DIR")]
    pub(super) db: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) network: NetworkArguments,

    /// Neither use nor keep results of earlier runs.
    #[arg(long)]
    pub(super) no_cache: bool,

    /// Folders with these names are not searched for workspaces; replaces the usual list (target,
    /// `node_modules`, vendor, `third_party`, fixtures, testdata, test-data, `test_data`).
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) exclude_dir: Option<Vec<String>>,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) gate: GateArguments,

    /// Findings of supercargo's own fail the run too, with exit bit 16: warnings, and everything that
    /// is said about the policy.
    #[arg(long)]
    pub(super) strict: bool,

    /// Require that `Cargo.lock` fits as it is.
    #[arg(long)]
    pub(super) locked: bool,

    /// Both --locked and --offline.
    #[arg(long)]
    pub(super) frozen: bool,

    /// How findings are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct FixArguments {
    #[command(flatten)]
    pub(super) gate: GateArguments,

    /// Write nothing: show the changes.
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Only what is found about this package; may be given several times.
    #[arg(long = "package", short, value_name = "NAME[@VERSION]")]
    pub(super) packages: Vec<PackageSelector>,

    /// Also upgrade to versions that are not compatible by their number. They are proved to
    /// resolve, not to compile.
    #[arg(long)]
    pub(super) breaking: bool,

    /// Also change the policy: state licenses that texts tell (clarify), permit a license or a
    /// source for one package and version (exception). Also write the files that symbolic links in
    /// the workspace point to (links); without it such a file is not written.
    #[arg(long, value_enum, value_name = "REMEDIES", value_delimiter = ',')]
    pub(super) allow: Vec<Allowed>,

    /// Also run `cargo check` on the result, in a copy; nothing is written where it fails. Runs the
    /// build scripts of all packages.
    #[arg(long)]
    pub(super) build: bool,

    /// How it is told.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// `vulnerability`, `RUSTSEC-2024-0001`, `time@0.3.44`, `MPL-2.0`, `licenses.confidence-threshold`, ..
    #[arg(value_name = "WORD")]
    pub(super) word: String,

    /// The workspace whose packages are meant, or a folder in it.
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(super) path: Utf8PathBuf,

    /// A folder of advisories in RustSec's layout to use instead of the databases of the policy.
    #[arg(long, value_name = "DIR")]
    pub(super) db: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) network: NetworkArguments,

    /// Neither use nor keep results of earlier runs.
    #[arg(long)]
    pub(super) no_cache: bool,
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The folder of the workspace, or its manifest.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) path: Utf8PathBuf,

    /// Write to standard output instead, also where there is a policy.
    #[arg(long)]
    pub(super) print: bool,

    /// A folder of advisories in RustSec's layout to use instead of the usual database.
    #[arg(long, value_name = "DIR")]
    pub(super) db: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(super) network: NetworkArguments,

    /// Neither use nor keep results of earlier runs.
    #[arg(long)]
    pub(super) no_cache: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Allowed {
    Clarify,
    Exception,
    Links,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct NetworkArguments {
    /// Use no network.
    #[arg(long)]
    pub(super) offline: bool,
}

#[derive(Debug, Args)]
pub(super) struct DbArguments {
    #[command(subcommand)]
    pub(super) word: DbWord,

    /// The folder or manifest whose policy names the databases.
    #[arg(long, value_name = "PATH", default_value = ".", global = true)]
    pub(super) path: Utf8PathBuf,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum DbWord {
    /// Fetch the databases now.
    Update,
    /// Say where they are, how old, and whether they can be read.
    Status,
    /// Write the advisories that are on this machine into one file, which a build with the feature
    /// `snapshot` makes a part of the program.
    Pack {
        /// Where to.
        file: Utf8PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Human,
    /// One JSON record a line.
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
    /// Those that `init` judges by.
    pub(super) fn of_init(arguments: &InitArguments) -> Self {
        Self::plain(arguments.db.as_ref(), arguments.network, arguments.no_cache)
    }

    /// Those that `explain` judges by.
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

    /// The checks that are meant: all, when none is named.
    pub(super) fn checks(&self) -> CheckSet {
        if self.only.is_empty() {
            return CheckSet::ALL;
        }
        let checks: Vec<_> = self.only.iter().map(|name| name.check()).collect();
        CheckSet::of(&checks)
    }
}

impl FixArguments {
    /// What becomes of files that are reached through links.
    pub(super) fn links(&self) -> Links {
        if self.allow.contains(&Allowed::Links) { Links::Followed } else { Links::Refused }
    }

    /// What of the policy may be changed.
    pub(super) fn remedies(&self) -> Vec<FixKind> {
        let remedy = |allowed: &Allowed| match allowed {
            Allowed::Clarify => Some(FixKind::Clarify),
            Allowed::Exception => Some(FixKind::Exception),
            Allowed::Links => None,
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
