//! Fixes: each was carried out in a scratch copy, resolved by cargo and judged by the gate before
//! anybody hears of it. Nothing of the user's is written here but by [`Overlay::write`].
//!
//! A plan says what could be done ([`upgrade`], [`policy`]); the [`FixVerifier`] carries it out and has it
//! judged; [`Fix`] is what was proved. [`fix_all`] does one after the other.

mod document;
mod manifest;
pub mod policy;
mod verification;
mod verifier;
mod cargo_message;
mod kind;
mod fix_all;
mod requirement;
mod overlay;
mod upgrade;
mod scope;

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
pub use verification::{MovedEntry, Verification};
pub use verifier::{CreatedPolicy, NotVerified, FixVerifier};
pub use kind::FixKind;
pub use fix_all::{RemainingFinding, FixReport, fix_all};
pub(crate) use overlay::write_new;
pub use overlay::{FileChange, Overlay};
pub use upgrade::RemovedFeatures;
pub use scope::{PackageSelector, FixScope};

/// What may be done to get the gate clean.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixOptions {
    /// Also versions that cargo does not take for compatible. They are proved to resolve, not to
    /// compile.
    pub breaking: bool,
}

/// A verdict, and the texts that it was reached on.
#[derive(Clone, Copy, Debug)]
pub struct CheckedTexts<'j> {
    /// The verdict.
    pub verdict: &'j Verdict,
    /// The texts.
    pub texts: &'j Overlay,
}

/// A change that was proved.
#[derive(Clone, Debug)]
pub struct Fix {
    /// What kind of remedy it is.
    pub kind: FixKind,
    /// What it does and what it clears, for a menu.
    pub title: String,
    /// What it does, without what that clears and brings.
    what: String,
    /// The other version, where it is an upgrade.
    pub upgrade: Option<Upgrade>,
    /// The changed texts.
    pub texts: Overlay,
    /// What they lead to.
    pub verification: Verification,
    /// What the user has to fill in: a span of the changed text of a file.
    pub placeholder: Option<(Utf8PathBuf, Span)>,
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
    pub without: Vec<RemovedFeatures>,
    /// The Rust that it asks for, where that is newer than the one that the workspace states.
    pub rust: Option<Version>,
}

/// What can be done about a finding.
#[derive(Clone, Debug, Default)]
pub struct FixResult {
    /// What was proved, in the order of remedies.
    pub fixes: Vec<Fix>,
    /// Why no other version or, for what manifests say, no other declaration helps: a sentence without
    /// its end. `None` where one does, or where the finding is about neither.
    pub none: Option<String>,
}

impl Fix {
    fn new(
        kind: FixKind,
        what: &str,
        upgrade: Option<Upgrade>,
        texts: Overlay,
        verification: Verification,
    ) -> Self {
        let admitted = if kind == FixKind::Allow { admitted(&verification) } else { String::new() };
        let title = format!("{what}{admitted}{}", consequences(&verification));
        let what = what.to_owned();
        Self { kind, title, what, upgrade, texts, verification, placeholder: None }
    }

    /// Whether it changes the same files in the same way.
    fn has_same_edits(&self, other: &Self) -> bool {
        let after = |fix: &Self| -> Vec<_> {
            let changes = fix.texts.changes().iter();
            changes.map(|(path, change)| (path.clone(), change.after.clone())).collect()
        };
        after(self) == after(other)
    }

    /// Whether it brings warnings or errors that were not there before.
    pub fn introduces_findings(&self) -> bool {
        !self.verification.introduced.is_empty()
    }
}

/// How many packages a license or source for all newly admits.
fn admitted(verification: &Verification) -> String {
    let packages: BTreeSet<_> = verification.cleared.iter().flat_map(|one| &one.packages).collect();
    match packages.len() {
        0 => String::new(),
        1 => ", newly admitting 1".to_owned(),
        count => format!(", newly admitting {count}"),
    }
}

/// How many codes are named.
const NAMED: usize = 3;

/// What a change clears and brings, in brackets.
fn consequences(verification: &Verification) -> String {
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
    let cleared = told("clears", &verification.cleared);
    let brought = told("brings", &verification.introduced);
    let told: Vec<_> = cleared.into_iter().chain(brought).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
}
