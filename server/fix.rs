//! Fixes: each was carried out in a scratch copy, resolved by cargo and judged by the gate before
//! anybody hears of it. Nothing of the user's is written here but by [`Tried::write`].
//!
//! A plan says what could be done ([`upgrade`], [`policy`]); the [`Prover`] carries it out and has it
//! judged; [`Fix`] is what was proved. [`repair`] does one after the other.

mod document;
mod manifest;
pub mod policy;
mod proof;
mod prover;
mod refusal;
mod remedy;
mod repair;
mod requirement;
mod tried;
mod upgrade;
mod wanted;

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use semver::Version;

use crate::{
    gate::Verdict,
    text::Span,
    verdict::{Finding, PackageRef},
};
#[doc(hidden)]
pub use manifest::fuzz_manifest;
pub(crate) use manifest::is_about_manifests;
pub use proof::{MovedEntry, Proof};
pub use prover::{Created, NotProved, Prover};
pub use remedy::Remedy;
pub use repair::{Remaining, Repair, repair};
pub(crate) use tried::write_new;
pub use tried::{Change, Tried};
pub use upgrade::Vanished;
pub use wanted::{Named, Wanted};

/// What may be done to get the gate clean.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixOptions {
    /// Also versions that cargo does not take for compatible. They are proved to resolve, not to
    /// compile.
    pub breaking: bool,
}

/// A verdict, and the texts that it was reached on.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'j> {
    /// The verdict.
    pub verdict: &'j Verdict,
    /// The texts.
    pub texts: &'j Tried,
}

/// A change that was proved.
#[derive(Clone, Debug)]
pub struct Fix {
    /// What kind of remedy it is.
    pub remedy: Remedy,
    /// What it does and what it clears, for a menu.
    pub title: String,
    /// What it does, without what that clears and brings.
    what: String,
    /// The other version, where it is an upgrade.
    pub upgrade: Option<Upgrade>,
    /// The changed texts.
    pub texts: Tried,
    /// What they lead to.
    pub proof: Proof,
    /// What the user has to fill in: a span of the changed text of a file.
    pub to_fill_in: Option<(Utf8PathBuf, Span)>,
}

/// Another version of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// What was locked: the package that the finding is about or, where that is not needed any more,
    /// the one that does without it.
    pub package: PackageRef,
    /// What is locked with it.
    pub to: Version,
    /// Cargo does not take it for compatible, or what had to move for it.
    pub breaking: bool,
    /// The other packages that had to move for it and where they are now, those that manifests of
    /// the workspace require first.
    pub through: Vec<(PackageRef, Version)>,
    /// The features that declarations no longer ask for, since the new version has them no longer.
    pub without: Vec<Vanished>,
    /// The Rust that it asks for, where that is newer than the one that the workspace states.
    pub rust: Option<Version>,
}

/// What can be done about a finding.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What was proved, in the order of remedies.
    pub fixes: Vec<Fix>,
    /// Why no other version or, for what manifests say, no other declaration helps: a sentence without
    /// its end. `None` where one does, or where the finding is about neither.
    pub none: Option<String>,
}

impl Fix {
    fn new(
        remedy: Remedy,
        what: &str,
        upgrade: Option<Upgrade>,
        texts: Tried,
        proof: Proof,
    ) -> Self {
        let admitted = if remedy == Remedy::Allow { admitted(&proof) } else { String::new() };
        let title = format!("{what}{admitted}{}", consequences(&proof));
        let what = what.to_owned();
        Self { remedy, title, what, upgrade, texts, proof, to_fill_in: None }
    }

    /// Whether it changes the same files in the same way.
    fn is_like(&self, other: &Self) -> bool {
        let after = |fix: &Self| -> Vec<_> {
            let changes = fix.texts.changes().iter();
            changes.map(|(path, change)| (path.clone(), change.after.clone())).collect()
        };
        after(self) == after(other)
    }

    /// Whether it brings warnings or errors that were not there before.
    pub fn brings_findings(&self) -> bool {
        !self.proof.introduced.is_empty()
    }
}

/// How many packages a license or source for all newly admits.
fn admitted(proof: &Proof) -> String {
    let packages: BTreeSet<_> = proof.cleared.iter().flat_map(|one| &one.packages).collect();
    match packages.len() {
        0 => String::new(),
        1 => ", newly admitting 1".to_owned(),
        count => format!(", newly admitting {count}"),
    }
}

/// How many codes are named.
const NAMED: usize = 3;

/// What a change clears and brings, in brackets.
fn consequences(proof: &Proof) -> String {
    let told = |word: &str, findings: &[Finding]| {
        let mut codes: Vec<&str> = Vec::new();
        for finding in findings {
            let code = finding.shown_code().unwrap_or(finding.check.name());
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        let more = codes.len().saturating_sub(NAMED);
        codes.truncate(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        (!codes.is_empty()).then(|| format!("{word} {}{more}", codes.join(", ")))
    };
    let cleared = told("clears", &proof.cleared);
    let brought = told("brings", &proof.introduced);
    let told: Vec<_> = cleared.into_iter().chain(brought).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
}
