//! Upgrades that were verified for another finding, and are this one's, too.

use std::{collections::BTreeSet, iter};

use super::{CheckedTexts, Fix};
use crate::{
    fix::{upgrade::UpgradeTarget, verification::is_cargo_deny_problem},
    verdict::{Check, Finding, PackageRef},
};

/// A known fix that clears the finding and the others about the package, and upgrades only the one direct dependency
/// that brings it.
pub(super) fn known_fix<'k>(
    known: &[&'k Fix],
    current: CheckedTexts<'_>,
    finding: &Finding,
    target: &UpgradeTarget,
) -> Option<&'k Fix> {
    let declared: BTreeSet<&PackageRef> =
        current.verdict.declared.iter().map(|one| &one.package).collect();
    let brings = |direct: &PackageRef| {
        finding.packages.contains(direct)
            || finding.paths.iter().any(|path| path.get(1) == Some(direct))
    };
    let about_it: Vec<&Finding> = current
        .verdict
        .findings
        .iter()
        .filter(|one| is_cargo_deny_problem(one) && one.check != Check::Bans)
        .filter(|one| one.packages.contains(&target.package))
        .collect();
    known.iter().copied().find(|fix| {
        let Some(upgrade) = &fix.upgrade else { return false };
        let others = upgrade.other_upgrades.iter().map(|(package, _)| package);
        let upgraded: BTreeSet<&PackageRef> = iter::once(&upgrade.package).chain(others).collect();
        let mut direct = upgraded.intersection(&declared);
        !upgrade.breaking.is_empty()
            && matches!((direct.next(), direct.next()), (Some(one), None) if brings(one))
            && fix.verification.clears(finding)
            && about_it.iter().all(|one| fix.verification.clears(one))
    })
}
