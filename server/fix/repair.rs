//! One fix after the other, until nothing more can be proved.

use std::collections::BTreeMap;

use super::{
    Fix, FixOptions, Judged, NotProved, Prover, Tried, proof, prover::UNLOCKED, upgrade::Target,
};
use crate::{
    gate::Verdict,
    verdict::{Check, Finding, PackageRef},
};

/// A finding that stays.
#[derive(Clone, Debug)]
pub struct Remaining {
    /// Which.
    pub finding: Finding,
    /// Why nothing was done about it, a sentence without its end; `None` where there is no plan for
    /// its kind.
    pub reason: Option<String>,
}

/// What was done for one workspace, and what was not.
#[derive(Clone, Debug)]
pub struct Repair {
    /// What was proved, in the order in which it was done.
    pub fixes: Vec<Fix>,
    /// The errors and warnings that stay.
    pub remaining: Vec<Remaining>,
    /// All changes together.
    pub texts: Tried,
    /// The verdict on them.
    pub verdict: Verdict,
}

/// Upgrades one package after the other, starting from `texts`. `None` where nobody waits any more.
pub fn repair(prover: &mut Prover<'_>, fix: FixOptions, texts: Tried) -> Option<Repair> {
    let verdict = prover.gate.judge(prover.options, &texts, prover.databases, prover.audience)?;
    let mut repair = Repair { fixes: Vec::new(), remaining: Vec::new(), texts, verdict };
    let mut given_up: BTreeMap<PackageRef, String> = BTreeMap::new();
    // Upgrades start from what is locked.
    let is_locked = repair.verdict.workspace.lock_file().is_file();
    let mut hopeful = repair.verdict.reached && is_locked;
    while std::mem::take(&mut hopeful) {
        // What stood in the way in the round before may stand there no more.
        given_up.clear();
        while let Some(target) = Target::all(&repair.verdict.findings)
            .into_iter()
            .find(|target| !given_up.contains_key(&target.package))
        {
            let name = &target.package.name;
            prover.audience.doing(&format!("looking for an upgrade of {name}"));
            let now = Judged { verdict: &repair.verdict, texts: &repair.texts };
            match prover.upgrade(now, fix, &target) {
                Ok(fix) => {
                    hopeful = true;
                    repair.texts = fix.texts.clone();
                    repair.verdict = fix.proof.verdict.clone();
                    repair.fixes.push(fix);
                }
                Err(NotProved::Because(reason)) => {
                    given_up.insert(target.package, reason);
                }
                Err(NotProved::Unwanted) => return None,
            }
        }
    }
    let counted = repair.verdict.findings.iter().filter(|finding| proof::counts(finding));
    let remaining = counted.map(|finding| Remaining {
        reason: match finding.packages.as_slice() {
            [_] if finding.check == Check::Advisories && !is_locked => Some(UNLOCKED.to_owned()),
            [package] if finding.check == Check::Advisories => given_up.get(package).cloned(),
            _ => None,
        },
        finding: finding.clone(),
    });
    repair.remaining = remaining.collect();
    Some(repair)
}
