//! The titles of upgrades.

use semver::Version;

use super::{UpgradeContext, verify_upgrade::UpgradeChange};
use crate::{
    fix::{
        Fix, FixKind, Overlay, RemovedFeatures, Upgrade, Verification,
        upgrade::{LockGraph, UpgradePlan, UpgradeTarget},
    },
    verdict::PackageRef,
};

impl UpgradeContext<'_> {
    /// The version of a package after an upgrade; `None` if it is removed.
    pub(super) fn version_after(
        &self,
        target: &UpgradeTarget,
        plan: &UpgradePlan,
        after: &LockGraph,
    ) -> Option<Version> {
        let name = &target.package.name;
        if let Some(step) = plan.steps.iter().find(|step| step.package == target.package) {
            return Some(step.to.clone());
        }
        let before: Vec<_> = self.locked.versions(name).collect();
        let new = after.versions(name).filter(|version| !before.contains(version));
        new.max().cloned()
    }

    pub(super) fn fix(
        &self,
        target: &UpgradeTarget,
        change: &UpgradeChange<'_>,
        texts: Overlay,
        verification: Verification,
    ) -> Fix {
        let UpgradeChange { plan, to, lockfile_only, removed_features } = change.clone();
        let others = plan.steps.iter().filter(|step| step.package != target.package);
        let other_upgrades: Vec<_> =
            others.map(|step| (step.package.clone(), step.to.clone())).collect();
        let is_step = |package: &PackageRef| plan.steps.iter().any(|one| one.package == *package);
        let mut action = if is_step(&target.package) && other_upgrades.is_empty() {
            let PackageRef { name, version, .. } = &target.package;
            let to = to.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("upgrade `{name}` {version} to {to}")
        } else {
            let purpose = match &to {
                Some(to) => format!("to get `{}` {to}", target.package.name),
                None => format!("to remove `{}`", target.package.name),
            };
            format!("upgrade {} {purpose}", upgraded(&other_upgrades))
        };
        if lockfile_only {
            action.push_str(" in `Cargo.lock` only");
        }
        action.push_str(&without_features(&removed_features));
        let rust =
            plan.steps.iter().filter_map(|step| self.versions.newer_rust(&step.package, &step.to));
        let rust = rust.max();
        action.push_str(&required_rust(rust.as_ref(), self.versions.rust.as_ref()));
        if plan.is_breaking() {
            action.push_str(&format!(
                ", a breaking upgrade{} that resolves but was not compiled",
                self.skipped_ranges(plan)
            ));
        }
        let lead = to.map(|to| (target.package.clone(), to));
        let mut other_upgrades = other_upgrades;
        let lead = lead.or_else(|| other_upgrades.pop());
        let upgrade = lead.map(|(package, to)| Upgrade {
            package,
            to,
            breaking: plan.is_breaking(),
            other_upgrades,
            removed_features,
            rust,
        });
        Fix::new(FixKind::Upgrade, &action, upgrade, texts, verification)
    }

    /// The semver ranges that a breaking plan skips: each may need other changes of the code.
    fn skipped_ranges(&self, plan: &UpgradePlan) -> String {
        let broken = plan.steps.iter().find(|step| step.is_direct && step.is_breaking());
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
