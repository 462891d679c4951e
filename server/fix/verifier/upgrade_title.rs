//! The titles of upgrades.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::{UpgradeContext, verify_upgrade::VerifiedPlan};
use crate::{
    fix::{
        BreakingChange, Fix, FixKind, MovedEntry, RemovedFeatures, Upgrade, Verification,
        solver::{Plan, UpgradeStep},
        upgrade::{LockGraph, UpgradeTarget},
    },
    verdict::{Finding, PackageRef},
};

impl UpgradeContext<'_> {
    /// The fix of the only target of a verified plan.
    pub(super) fn fix(&self, target: &UpgradeTarget, verified: &VerifiedPlan) -> Fix {
        self.fix_with(target, verified, verified.verification.clone())
    }

    /// The fix of one target of a verified plan, with what is its own of the verification.
    fn fix_with(
        &self,
        target: &UpgradeTarget,
        verified: &VerifiedPlan,
        verification: Verification,
    ) -> Fix {
        let VerifiedPlan { plan, after, lockfile_only, removed_features, .. } = verified;
        let to = self.version_after(target, plan, after);
        let NeededSteps { steps: needed, remove } = self.needed_steps(target, plan, after);
        let others = needed.iter().filter(|step| step.package != target.package);
        let other_upgrades: Vec<_> =
            others.map(|step| (step.package.clone(), step.to.clone())).collect();
        let is_step = needed.iter().any(|one| one.package == target.package);
        let mut action = if is_step && other_upgrades.is_empty() {
            let PackageRef { name, version, .. } = &target.package;
            let to = to.as_ref().map(ToString::to_string).unwrap_or_default();
            let is_older = needed.iter().any(|step| step.to < step.package.version);
            let word = if is_older { "downgrade" } else { "upgrade" };
            format!("{word} `{name}` {version} to {to}")
        } else {
            let PackageRef { name, version, .. } = &target.package;
            let purpose = match &to {
                Some(_) if remove => format!("to remove `{name}` {version}"),
                Some(to) => format!("to get `{name}` {to}"),
                None => format!("to remove `{name}`"),
            };
            format!("upgrade {} {purpose}", upgraded(&other_upgrades))
        };
        if *lockfile_only {
            action.push_str(" in `Cargo.lock` only");
        }
        action.push_str(&without_features(removed_features));
        let rust =
            needed.iter().filter_map(|step| self.versions.newer_rust(&step.package, &step.to));
        let rust = rust.max();
        action.push_str(&required_rust(rust.as_ref(), self.versions.rust.as_ref()));
        let breaking = needed.iter().filter(|step| step.is_breaking).map(|step| {
            let leaves_range = step.leaves_range();
            let change =
                if leaves_range { BreakingChange::Incompatible } else { BreakingChange::PastBound };
            (step.package.clone(), change)
        });
        let breaking: BTreeMap<_, _> = breaking.collect();
        if !breaking.is_empty() {
            action.push_str(&format!(
                ", a breaking upgrade{} that resolves but was not compiled",
                self.skipped_ranges(&needed)
            ));
        }
        let lead = to.map(|to| (target.package.clone(), to));
        let mut other_upgrades = other_upgrades;
        let lead = lead.or_else(|| other_upgrades.pop());
        let upgrade = lead.map(|(package, to)| Upgrade {
            package,
            to,
            breaking,
            other_upgrades,
            removed_features: removed_features.clone(),
            rust,
            search_was_cut: plan.is_cut,
        });
        Fix::new(FixKind::Upgrade, &action, upgrade, verified.texts.clone(), verification)
    }

    /// The fixes of several targets of one plan: each has the findings and the steps that are its own.
    pub(super) fn split(&self, targets: &[&UpgradeTarget], verified: &VerifiedPlan) -> Vec<Fix> {
        let VerifiedPlan { plan, after, verification, .. } = verified;
        let mut cleared = verification.cleared.clone();
        let mut moved = verification.moved.clone();
        let mut fixes = Vec::new();
        let mut shown = BTreeSet::new();
        for (index, target) in targets.iter().enumerate() {
            let is_last = index + 1 == targets.len();
            let is_own = |finding: &Finding| is_last || finding.packages.contains(&target.package);
            let steps = self.needed_steps(target, plan, after).steps;
            let is_moved = |one: &MovedEntry| {
                is_last || steps.iter().any(|step| step.package.name == one.name)
            };
            let (own_cleared, rest) = cleared.into_iter().partition(|one| is_own(one));
            cleared = rest;
            let (own_moved, rest) = moved.into_iter().partition(|one| is_moved(one));
            moved = rest;
            let introduced = if is_last { verification.introduced.clone() } else { Vec::new() };
            let verdict = verification.verdict.clone();
            let own = Verification { verdict, cleared: own_cleared, introduced, moved: own_moved };
            let mut fix = self.fix_with(target, verified, own);
            if let Some(upgrade) = &mut fix.upgrade {
                // Each step once, with the first target that needs it.
                upgrade.other_upgrades.retain(|(package, _)| !shown.contains(package));
                upgrade.removed_features.retain(|removed| {
                    steps.iter().any(|step| {
                        step.package.name == removed.package && !shown.contains(&step.package)
                    })
                });
            }
            shown.extend(steps.iter().map(|step| step.package.clone()));
            fixes.push(fix);
        }
        fixes
    }

    /// The steps without which a package would stay: of itself and of its dependents before and after, direct
    /// dependencies first.
    pub(super) fn needed_steps<'v>(
        &self,
        target: &UpgradeTarget,
        plan: &'v Plan,
        after: &LockGraph,
    ) -> NeededSteps<'v> {
        let package = &target.package;
        let before: BTreeSet<_> =
            target.packages().flat_map(|one| self.locked.all_dependents(one)).collect();
        let new = self.version_after(target, plan, after);
        let new = new.map(|to| PackageRef { version: to, ..package.clone() });
        let later = new.as_ref().map(|new| after.all_dependents(new)).unwrap_or_default();
        let is_needed = |step: &&UpgradeStep| {
            let is_later = later.contains(&step.new_package());
            step.package == *package
                || before.contains(&step.package) && (new.is_none() || is_later)
                || step.is_breaking && is_later
        };
        let steps: Vec<_> = plan.steps.iter().filter(is_needed).collect();
        if !steps.is_empty() {
            return NeededSteps { steps, remove: false };
        }
        let was_dependent = |step: &&UpgradeStep| before.contains(&step.package);
        NeededSteps { steps: plan.steps.iter().filter(was_dependent).collect(), remove: true }
    }

    /// The semver ranges that a breaking plan skips: each may need other changes of the code.
    fn skipped_ranges(&self, steps: &[&UpgradeStep]) -> String {
        let broken = steps.iter().find(|step| step.is_breaking);
        let Some(step) = broken else { return String::new() };
        let ranges = self.versions.ranges_between(&step.package, &step.to);
        let named: Vec<_> = ranges.iter().take(3).map(ToString::to_string).collect();
        match (named.is_empty(), ranges.len().saturating_sub(3)) {
            (true, _) => String::new(),
            (false, 0) => format!(" past {}", named.join(", ")),
            (false, more) => format!(" past {} and {more} more", named.join(", ")),
        }
    }
}

/// The steps of a plan that are needed for one target.
pub(super) struct NeededSteps<'v> {
    pub(super) steps: Vec<&'v UpgradeStep>,
    /// The new versions of its dependents need the package no longer; another version of it stays.
    pub(super) remove: bool,
}

/// For a title: the features that the manifests no longer enable.
fn without_features(removed_features: &[RemovedFeatures]) -> String {
    let mut packages: Vec<_> = removed_features.iter().map(|one| &one.package).collect();
    packages.dedup();
    let parts = packages.into_iter().map(|package| {
        let of_it = removed_features.iter().filter(|one| one.package == *package);
        let features: Vec<_> = of_it.flat_map(|one| &one.features).map(String::as_str).collect();
        let word = if features.len() == 1 { "feature" } else { "features" };
        format!(", without the {word} `{}` that `{package}` removed", features.join("` and `"))
    });
    parts.collect()
}

/// For a title: the required Rust version, if it is newer than the workspace's.
fn required_rust(required: Option<&Version>, workspace: Option<&Version>) -> String {
    match (required, workspace) {
        (Some(required), Some(workspace)) => format!(
            ", which requires Rust {required}, newer than the workspace's `rust-version` {workspace}"
        ),
        _ => String::new(),
    }
}

/// For a title: the packages that are upgraded.
fn upgraded(other_upgrades: &[(PackageRef, Version)]) -> String {
    let named = other_upgrades.iter().take(3);
    let named = named.map(|(one, to)| format!("`{}` {} to {to}", one.name, one.version));
    let named: Vec<_> = named.collect();
    match other_upgrades.len().saturating_sub(3) {
        0 => named.join(" and "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
