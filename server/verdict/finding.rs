//! A finding as a plain value, which the language server and the command line both render.

use std::{collections::BTreeMap, sync::Arc};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::{AdvisoryFacts, Code};
use crate::text::{SourceText, Span};

/// How much a finding weighs; only errors fail the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Lowest.
    Help,
    /// Told, counts as nothing.
    Note,
    /// Shown, does not fail the gate.
    Warning,
    /// Fails the gate.
    Error,
}

/// Which check a finding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Check {
    /// Vulnerabilities, unmaintained and yanked packages.
    Advisories,
    /// Banned and duplicate packages, features, build scripts.
    Bans,
    /// License expressions and texts.
    Licenses,
    /// Registries and git repositories.
    Sources,
    /// The policy itself.
    Config,
    /// Findings of our own.
    Supercargo,
}

impl Check {
    /// The four checks of cargo-deny, in the order in which they are reported.
    pub const JUDGED: [Self; 4] = [Self::Advisories, Self::Bans, Self::Licenses, Self::Sources];

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advisories => "advisories",
            Self::Bans => "bans",
            Self::Licenses => "licenses",
            Self::Sources => "sources",
            Self::Config => "config",
            Self::Supercargo => "supercargo",
        }
    }

    /// The bit that this check sets in cargo-deny's exit code when it has an error.
    pub fn exit_bit(self) -> u8 {
        match self {
            Self::Advisories => 1,
            Self::Bans => 2,
            Self::Licenses => 4,
            Self::Sources => 8,
            Self::Config | Self::Supercargo => 0,
        }
    }
}

impl Severity {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One version of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageRef {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its source as in the lock file, absent for local packages.
    pub source: Option<String>,
}

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// The line that can mend the finding.
    Mend,
    /// A member's `x.workspace = true`, which points to the line that can mend it.
    Pointer,
}

/// A span of a file, with the text version that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The file, absolute.
    pub file: Utf8PathBuf,
    /// The text that was judged. Not serialized: it is the file's.
    #[serde(skip)]
    pub text: SourceText,
    /// Where in it.
    pub span: Span,
    /// What it is for.
    pub role: Role,
    /// Which of the finding's paths runs through this declaration.
    pub via: Option<usize>,
}

impl Location {
    /// Whether both are the same span of the same file.
    pub fn is_at(&self, other: &Self) -> bool {
        self.file == other.file && self.span == other.span
    }
}

/// Another place that explains a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Where.
    pub location: Location,
    /// What it has to do with the finding.
    pub message: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which check it comes from.
    pub check: Check,
    /// What kind of finding it is; some findings about the policy have no code in cargo-deny.
    pub code: Option<Code>,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence: package, version and what is wrong.
    pub message: String,
    /// What to do about it, the end of a sentence.
    pub remedy: Option<String>,
    /// The packages that it is about, all versions of a duplicate.
    pub packages: Vec<PackageRef>,
    /// The advisory, for findings that are one.
    pub advisory: Option<Arc<AdvisoryFacts>>,
    /// Where it belongs, the first place first; never empty for findings of a readable workspace.
    pub locations: Vec<Location>,
    /// Why the package is there: the shortest path through each declaration that brings it, from
    /// a member to the package (see [`Location::via`]).
    pub paths: Vec<Vec<PackageRef>>,
    /// How many paths there are in all.
    pub path_count: u64,
    /// What cargo-deny explains further.
    pub notes: Vec<String>,
    /// Other places that explain it.
    pub related: Vec<Related>,
}

impl Finding {
    /// The advisory's page, or the page of cargo-deny that explains the code; our own have none.
    pub fn link(&self) -> Option<String> {
        match &self.advisory {
            Some(advisory) => advisory.link(),
            None => self.code.filter(|code| code.check() != Check::Supercargo).map(Code::link),
        }
    }

    /// What is shown as the code: the advisory's id, else the code's name.
    pub fn shown_code(&self) -> Option<&str> {
        match &self.advisory {
            Some(advisory) => Some(&advisory.id),
            None => self.code.map(Code::name),
        }
    }
}

/// How many findings of each severity a check has, as cargo-deny counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Errors.
    pub errors: u32,
    /// Warnings.
    pub warnings: u32,
    /// Notes.
    pub notes: u32,
    /// Helps.
    pub helps: u32,
}

impl Counts {
    /// The exit code that cargo-deny would end with.
    pub fn exit_code(counts: &BTreeMap<Check, Self>) -> u8 {
        let failed = counts.iter().filter(|(_, counts)| counts.errors > 0);
        failed.fold(0, |code, (check, _)| code | check.exit_bit())
    }
}
