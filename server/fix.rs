//! Fixes: changes of manifests, `Cargo.lock` and the policy that clear findings. Each one is verified
//! before it is offered: cargo resolves it in a scratch copy and the gate checks the result. Only
//! [`Overlay::write`] and `write_new` write into the user's folders.
//!
//! A plan is a possible change ([`upgrade`], [`manifest`], [`policy`]). The [`FixVerifier`] verifies
//! plans; a [`Fix`] is a verified plan. [`fix_all`] applies one fix after the other.

mod cargo_message;
mod diff;
mod document;
mod editable;
mod kind;
mod manifest;
mod no_fix_reason;
mod overlay;
pub mod policy;
mod report;
mod requirement;
mod scope;
mod seeded_lockfile;
mod solver;
mod upgrade;
mod verification;
mod verifier;

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use semver::Version;

use crate::{
    gate::{OnDisk, Texts as _, Verdict},
    text::Span,
    verdict::{Finding, PackageRef},
};
pub use diff::{ChangedLines, FileDiff, diff_folder, diffs};
pub use editable::{EditableFolders, Outside};
pub use kind::FixKind;
#[doc(hidden)]
pub use manifest::fuzz_manifest;
pub(crate) use manifest::is_about_manifests;
pub use no_fix_reason::{
    Instead, ManifestReason, NewerRust, NoFixReason, NotChosen, OtherLockfileReason, PolicyReason,
    UpgradeProblem, UpgradeTrial,
};
pub(crate) use overlay::write_new;
pub use overlay::{FileChange, Overlay};
pub use report::{FixReport, RemainingFinding, fix_all, fix_until_canceled};
pub use scope::{FixScope, InvalidSelector, PackageSelector};
pub(crate) use solver::PackageVersions;
pub use upgrade::{NoPlanReason, RemovedFeatures};
pub use verification::{MovedEntry, Verification};
pub use verifier::{CreatedPolicy, FixVerifier, LockfileOutcome, NotVerified, OtherLockfile};
pub(crate) use verifier::{FirstUpgrades, is_about_lockfile, upgraded_package};

/// Which upgrades are allowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixOptions {
    /// Allows versions that are not semver-compatible. They are verified to resolve, not to compile.
    pub breaking: bool,
    /// Allows versions that require a newer Rust than the workspace's `rust-version`. Without it editors offer them
    /// last.
    pub newer_rust: bool,
}

/// A verdict and the texts that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct CheckedTexts<'c> {
    /// The verdict.
    pub verdict: &'c Verdict,
    /// The texts.
    pub texts: &'c Overlay,
}

/// A verified change.
#[derive(Clone, Debug)]
pub struct Fix {
    /// What kind of change it is.
    pub kind: FixKind,
    /// What it changes and which findings it clears, for a menu.
    pub title: String,
    /// The first part of the title: what it changes.
    pub action: String,
    /// The new version, for an upgrade.
    pub upgrade: Option<Upgrade>,
    /// The changed texts.
    pub texts: Overlay,
    /// The result of the check of the changed texts.
    pub verification: Verification,
    /// The lockfiles of other workspaces that do not fit the changed manifests as they are.
    pub lockfiles: Vec<OtherLockfile>,
    /// The span of a changed file that the user has to replace with text of their own.
    pub placeholder: Option<(Utf8PathBuf, Span)>,
}

/// Another version of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The locked package: the one that the finding is about or, if the upgrade removes that one, the
    /// dependent that no longer needs it.
    pub package: PackageRef,
    /// The new version.
    pub to: Version,
    /// The direct dependencies of the plan whose new versions may need other code.
    pub breaking: BTreeMap<PackageRef, BreakingChange>,
    /// The other packages of the plan with their new versions, direct dependencies first.
    pub other_upgrades: Vec<(PackageRef, Version)>,
    /// Features that the new version does not have; the manifests no longer enable them.
    pub removed_features: Vec<RemovedFeatures>,
    /// The required Rust version, if it is newer than the workspace's `rust-version`.
    pub rust: Option<Version>,
    /// The search ended before all smaller changes were tried.
    pub search_was_cut: bool,
}

/// Why a new version of a direct dependency may need other code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakingChange {
    /// It is not semver-compatible.
    Incompatible,
    /// It is, but its requirement has an upper bound, which is raised.
    PastBound,
}

/// The fixes for a finding.
#[derive(Clone, Debug, Default)]
pub struct FixResult {
    /// The verified fixes, in the order of [`FixKind`].
    pub fixes: Vec<Fix>,
    /// Why there is no upgrade or, for findings about manifests, no change of a manifest. `None` if there is
    /// one, or if the finding is about neither.
    pub no_fix_reason: Option<NoFixReason>,
}

impl Fix {
    fn new(
        kind: FixKind,
        action: &str,
        upgrade: Option<Upgrade>,
        texts: Overlay,
        verification: Verification,
    ) -> Self {
        let allowed =
            if kind == FixKind::Allow { newly_allowed(&verification) } else { String::new() };
        let title = format!("{action}{allowed}{}", effects(&verification));
        let action = action.to_owned();
        let lockfiles = Vec::new();
        Self { kind, title, action, upgrade, texts, verification, lockfiles, placeholder: None }
    }

    /// Whether it changes the same files in the same way.
    pub(crate) fn has_same_edits(&self, other: &Self) -> bool {
        let after = |fix: &Self| -> Vec<_> {
            let changes = fix.texts.changes().iter();
            changes.map(|(path, change)| (path.clone(), change.after.clone())).collect()
        };
        after(self) == after(other)
    }

    /// Whether the lockfiles of other workspaces are still those on disk from which it starts. A change of them causes no
    /// new verdict.
    pub(crate) fn has_current_lockfiles(&self) -> bool {
        let updated = self.lockfiles.iter().filter(|lockfile| lockfile.is_updated());
        let mut changes = updated.filter_map(|lockfile| {
            self.texts.changes().get(&lockfile.path).map(|change| (&lockfile.path, &change.before))
        });
        changes.all(|(path, before)| OnDisk.read(path).is_ok_and(|text| text == *before))
    }

    /// Whether it causes new warnings or errors.
    pub fn introduces_findings(&self) -> bool {
        !self.verification.introduced.is_empty()
    }
}

/// For a title: how many packages a license or source newly allows.
fn newly_allowed(verification: &Verification) -> String {
    let packages: BTreeSet<_> = verification.cleared.iter().flat_map(|one| &one.packages).collect();
    match packages.len() {
        0 => String::new(),
        1 => ", newly allows 1 crate".to_owned(),
        count => format!(", newly allows {count} crates"),
    }
}

/// How many codes a title names.
const MAX_CODES: usize = 3;

/// For a title: the codes that a change clears and introduces, in parentheses.
fn effects(verification: &Verification) -> String {
    let listed = |verb: &str, findings: &[Finding]| {
        let mut codes: Vec<&str> = Vec::new();
        for finding in findings {
            let code = finding.shown_code().unwrap_or(finding.check.name());
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        let more = codes.len().saturating_sub(MAX_CODES);
        codes.truncate(MAX_CODES);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        (!codes.is_empty()).then(|| format!("{verb} {}{more}", codes.join(", ")))
    };
    let cleared = listed("fixes", &verification.cleared);
    let introduced = listed("introduces", &verification.introduced);
    let effects: Vec<_> = cleared.into_iter().chain(introduced).collect();
    if effects.is_empty() { String::new() } else { format!(" ({})", effects.join("; ")) }
}
