//! What an upgrade is called.

use semver::Version;

use super::{UpgradeContext, attempt::UpgradeChange};
use crate::{
    fix::{
        Fix, Verification, FixKind, Overlay, Upgrade, RemovedFeatures,
        upgrade::{LockGraph, UpgradePlan, UpgradeTarget, needs_rust},
    },
    verdict::PackageRef,
};

impl UpgradeContext<'_> {
    /// The version that a target has in the end; `None` where it is gone.
    pub(super) fn becomes(&self, target: &UpgradeTarget, plan: &UpgradePlan, after: &LockGraph) -> Option<Version> {
        let name = &target.package.name;
        if let Some(step) = plan.steps.iter().find(|step| step.package == target.package) {
            return Some(step.to.clone());
        }
        let before: Vec<_> = self.locked.versions(name).collect();
        let new = after.versions(name).filter(|version| !before.contains(version));
        new.filter_map(|version| Version::parse(version).ok()).max()
    }

    pub(super) fn fix(
        &self,
        target: &UpgradeTarget,
        change: &UpgradeChange<'_>,
        texts: Overlay,
        proof: Verification,
    ) -> Fix {
        let UpgradeChange { plan, to, lock_alone, vanished } = change.clone();
        let others = plan.steps.iter().filter(|step| step.package != target.package);
        let through: Vec<_> = others.map(|step| (step.package.clone(), step.to.clone())).collect();
        let is_step = |package: &PackageRef| plan.steps.iter().any(|one| one.package == *package);
        let mut what = if is_step(&target.package) && through.is_empty() {
            let PackageRef { name, version, .. } = &target.package;
            let to = to.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("upgrade `{name}` {version} to {to}")
        } else {
            let end = match &to {
                Some(to) => format!("so that `{}` is {to}", target.package.name),
                None => format!("to do without `{}`", target.package.name),
            };
            format!("upgrade {}, {end}", parents(&through))
        };
        if lock_alone {
            what.push_str(", in `Cargo.lock` alone");
        }
        what.push_str(&without(&vanished));
        let rust =
            plan.steps.iter().filter_map(|step| self.histories.newer_rust(&step.package, &step.to));
        let rust = rust.max();
        what.push_str(&needs_rust(rust.as_ref(), self.histories.rust.as_ref()));
        if plan.is_breaking() {
            what.push_str(&format!(
                ", a breaking one{}: it resolves, whether it compiles is not known",
                self.crossed(plan)
            ));
        }
        let lead = to.map(|to| (target.package.clone(), to));
        let mut through = through;
        let lead = lead.or_else(|| through.pop());
        let upgrade = lead.map(|(package, to)| Upgrade {
            package,
            to,
            breaking: plan.is_breaking(),
            through,
            without: vanished,
            rust,
        });
        Fix::new(FixKind::Upgrade, &what, upgrade, texts, proof)
    }

    /// The releases that a breaking plan passes, each of which may ask for other code.
    fn crossed(&self, plan: &UpgradePlan) -> String {
        let broken = plan.steps.iter().find(|step| step.declared && step.is_breaking());
        let Some(step) = broken else { return String::new() };
        let lines = self.histories.lines_between(&step.package, &step.to);
        let named: Vec<_> = lines.iter().take(3).map(ToString::to_string).collect();
        match (named.is_empty(), lines.len().saturating_sub(3)) {
            (true, _) => String::new(),
            (false, 0) => format!(" past {}", named.join(", ")),
            (false, more) => format!(" past {} and {more} more", named.join(", ")),
        }
    }
}

/// What declarations no longer ask for, in a title.
fn without(vanished: &[RemovedFeatures]) -> String {
    let mut packages: Vec<_> = vanished.iter().map(|one| &one.package).collect();
    packages.dedup();
    let told = packages.into_iter().map(|package| {
        let of_it = vanished.iter().filter(|one| one.package == *package);
        let features: Vec<_> = of_it.flat_map(|one| &one.features).map(String::as_str).collect();
        let word = if features.len() == 1 { "feature" } else { "features" };
        format!(
            ", without the {word} `{}` that `{package}` has no longer",
            features.join("` and `")
        )
    });
    told.collect()
}

fn parents(through: &[(PackageRef, Version)]) -> String {
    let named = through.iter().take(3);
    let named = named.map(|(one, to)| format!("`{}` {} to {to}", one.name, one.version));
    let named: Vec<_> = named.collect();
    match through.len().saturating_sub(3) {
        0 => named.join(" and "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
