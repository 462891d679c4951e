//! One fix after the other, until nothing more can be proved.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    FixResult, Fix, CheckedTexts, NotVerified, FixVerifier, FixKind, Overlay, FixScope, is_about_manifests, proof,
    prover::{UpgradeContext, NO_LOCKFILE},
    refusal,
    upgrade::{PackageVersions, TargetScope, UpgradeTarget, alternatives},
};
use crate::{
    gate::Verdict,
    verdict::{AdvisoryKind, Check, Code, Finding, PackageRef},
};

/// How many packages are tried for the sake of their license alone: each is as long as an upgrade,
/// and few state another license one day.
const FOR_LICENSES: usize = 16;

/// A finding that stays.
#[derive(Clone, Debug)]
pub struct RemainingFinding {
    /// Which.
    pub finding: Finding,
    /// Why nothing was done about it, a sentence without its end.
    pub reason: Option<String>,
}

/// What was done for one workspace, and what was not.
#[derive(Clone, Debug)]
pub struct FixReport {
    /// What was proved, in the order in which it was done.
    pub fixes: Vec<Fix>,
    /// The errors and warnings that stay.
    pub remaining: Vec<RemainingFinding>,
    /// All changes together.
    pub texts: Overlay,
    /// The verdict before them.
    pub before: Verdict,
    /// The verdict on them.
    pub verdict: Verdict,
    /// Why the registries could not be asked for new versions, where that was tried.
    pub old_index: Option<String>,
}

/// Upgrades one package after the other, starting from `texts`; then states in the manifests more
/// precisely what is meant, and does what of the allowed remedies clears what is left and leaves
/// nothing to fill in. `None` where nobody waits any more.
pub fn repair(prover: &mut FixVerifier<'_>, wanted: &FixScope, texts: Overlay) -> Option<FixReport> {
    let verdict = prover.gate.judge(prover.options, &texts, prover.databases, prover.audience)?;
    let repair = FixReport {
        fixes: Vec::new(),
        remaining: Vec::new(),
        texts,
        before: verdict.clone(),
        verdict,
        old_index: None,
    };
    let mut work = Work {
        prover,
        wanted,
        repair,
        given_up: BTreeMap::new(),
        tried: BTreeSet::new(),
        not_said: Vec::new(),
    };
    // Upgrades start from what is locked.
    let is_locked = work.repair.verdict.workspace.lock_file().is_file();
    if work.repair.verdict.reached && is_locked {
        work.refresh_index();
        work.upgrades()?;
    }
    if work.repair.verdict.reached {
        work.said_otherwise()?;
    }
    Some(work.end(is_locked))
}

struct Work<'w, 'p> {
    prover: &'w mut FixVerifier<'p>,
    wanted: &'w FixScope,
    repair: FixReport,
    /// Why the packages stay.
    given_up: BTreeMap<PackageRef, String>,
    /// What was asked of manifests and policy to no avail, and why the manifests stay.
    not_said: Vec<(Finding, Option<String>)>,
    /// The packages that were tried for their license.
    tried: BTreeSet<PackageRef>,
}

impl Work<'_, '_> {
    /// What cargo knows of the registries may be old.
    fn refresh_index(&mut self) {
        let resolver = &self.prover.options.resolver;
        if resolver.offline || UpgradeTarget::all(&self.repair.verdict.findings, TargetScope::Needed).is_empty()
        {
            return;
        }
        self.prover.audience.doing("asking the registries for new versions");
        let audience = self.prover.audience;
        if let Err(error) = self.prover.gate.refresh_index(resolver, &|| audience.still_waits()) {
            self.repair.old_index = Some(refusal::in_cargos_words(&error));
        }
    }

    fn upgrades(&mut self) -> Option<()> {
        let histories = PackageVersions::of(&self.repair.verdict, &self.repair.texts);
        let mut hopeful = true;
        while std::mem::take(&mut hopeful) {
            // What stood in the way in the round before may stand there no more.
            self.given_up.clear();
            while let Some(target) = self.next() {
                let name = &target.package.name;
                self.prover.audience.doing(&format!("looking for an upgrade of {name}"));
                let now = CheckedTexts { verdict: &self.repair.verdict, texts: &self.repair.texts };
                let ground = UpgradeContext::of(now, &histories);
                match self.prover.upgrade(&ground, self.wanted.fix, &target) {
                    Ok(fix) => {
                        hopeful = true;
                        self.repair.texts = fix.texts.clone();
                        self.repair.verdict = fix.verification.verdict.clone();
                        self.repair.fixes.push(fix);
                    }
                    Err(NotVerified::Because(reason)) => {
                        self.given_up.insert(target.package, reason);
                    }
                    Err(NotVerified::Unwanted) => return None,
                }
            }
        }
        Some(())
    }

    /// What is to be tried next.
    fn next(&mut self) -> Option<UpgradeTarget> {
        for target in UpgradeTarget::all(&self.repair.verdict.findings, TargetScope::Needed) {
            if self.given_up.contains_key(&target.package) || !self.wanted.names(&target.package) {
                continue;
            }
            if target.is_only_about_license() {
                if self.tried.len() >= FOR_LICENSES || self.tried.contains(&target.package) {
                    continue;
                }
                self.tried.insert(target.package.clone());
            }
            return Some(target);
        }
        None
    }

    /// What manifests and policy could say: the former always, since it permits nothing that was not
    /// permitted before.
    fn said_otherwise(&mut self) -> Option<()> {
        while let Some(finding) = self.next_to_say() {
            let mut answer = match self.said_otherwise_about(&finding) {
                Ok(answer) => answer,
                Err(NotVerified::Unwanted) => return None,
                Err(NotVerified::Because(reason)) => {
                    FixResult { none: Some(reason), ..FixResult::default() }
                }
            };
            if answer.fixes.is_empty() {
                self.not_said.push((finding, answer.none));
            } else {
                let fix = answer.fixes.swap_remove(0);
                self.repair.texts = fix.texts.clone();
                self.repair.verdict = fix.verification.verdict.clone();
                self.repair.fixes.push(fix);
            }
        }
        Some(())
    }

    /// The first finding that may go when something is said otherwise.
    fn next_to_say(&self) -> Option<Finding> {
        let findings = self.repair.verdict.findings.iter();
        let mut hopeful = findings.filter(|one| {
            verification::is_cargo_deny_problem(one)
                && (!self.wanted.allowed.is_empty() || is_about_manifests(one))
                && self.wanted.names_any_of(one)
        });
        hopeful.find(|one| !self.not_said.iter().any(|(said, _)| said == *one)).cloned()
    }

    /// What is proved and allowed.
    fn said_otherwise_about(&mut self, finding: &Finding) -> Result<FixResult, NotVerified> {
        let now = CheckedTexts { verdict: &self.repair.verdict, texts: &self.repair.texts };
        let mut answer = self.prover.manifest_fixes(now, finding)?;
        let allowed = &self.wanted.allowed;
        if answer.fixes.is_empty() && !allowed.is_empty() {
            let is_allowed = |fix: &Fix| {
                allowed.contains(&fix.kind)
                    && fix.kind != FixKind::Ignore
                    && fix.placeholder.is_none()
                    && fix.verification.clears(finding)
            };
            let stated = self.prover.policy_fixes(now, finding)?;
            answer.fixes.extend(stated.into_iter().filter(is_allowed));
        }
        Ok(answer)
    }

    fn end(mut self, is_locked: bool) -> FixReport {
        let counted = self.repair.verdict.findings.iter().filter(|one| verification::is_cargo_deny_problem(one));
        let remaining = counted.map(|finding| RemainingFinding {
            reason: Some(self.reason(finding, is_locked)),
            finding: finding.clone(),
        });
        self.repair.remaining = remaining.collect();
        self.repair
    }

    /// Why a finding stays.
    fn reason(&self, finding: &Finding, is_locked: bool) -> String {
        if !self.wanted.names_any_of(finding) {
            return "it is about no package that `--package` names".to_owned();
        }
        let allowed = &self.wanted.allowed;
        let about = finding.packages.first();
        let advised = finding.check == Check::Advisories && about.is_some();
        if advised && !is_locked {
            return NO_LOCKFILE.to_owned();
        }
        let tried = finding.packages.iter().find_map(|one| self.given_up.get(one));
        if let Some(reason) = &tried {
            let policy = policy_reason(finding, allowed);
            return match policy {
                Some(policy) if !advised => format!("{reason}; {policy}"),
                _ => (*reason).clone(),
            };
        }
        if let Some(advisory) = finding.advisory.as_ref().filter(|one| one.patched.is_empty()) {
            let instead = alternatives(advisory).map_or_else(String::new, |named| {
                format!("; the advisory names alternatives: {named}")
            });
            return match advisory.kind {
                AdvisoryKind::Unmaintained => {
                    format!("nobody maintains `{}` any more{instead}", advisory.package)
                }
                _ => format!("no version of `{}` is patched{instead}", advisory.package),
            };
        }
        let not_said = self.not_said.iter().find(|(said, _)| said == finding);
        if let Some((_, Some(reason))) = not_said {
            return reason.clone();
        }
        policy_reason(finding, allowed).or_else(|| finding.remedy.clone()).unwrap_or_else(|| {
            "no change of versions clears it: it is for you to decide".to_owned()
        })
    }
}

/// What the command line does not do by itself about a matter of the policy.
fn policy_reason(finding: &Finding, allowed: &[FixKind]) -> Option<String> {
    let unless = |remedy: FixKind, done: &str, otherwise: &str| {
        Some(if allowed.contains(&remedy) { done.to_owned() } else { otherwise.to_owned() })
    };
    let is_local = finding.packages.first().is_some_and(|package| package.source.is_none());
    match finding.code? {
        Code::Unlicensed | Code::NoLicenseField | Code::EmptyLicenseField if is_local => {
            Some("state a license in its manifest (`license = \"..\"`)".to_owned())
        }
        Code::Unlicensed | Code::NoLicenseField | Code::EmptyLicenseField | Code::GatherFailure => {
            unless(
                FixKind::Clarify,
                "its texts do not tell its license for certain: clarify it by hand",
                "`--allow clarify` states its license in the policy where its texts tell it",
            )
        }
        Code::Rejected => unless(
            FixKind::Exception,
            "no exception for this package and version clears it",
            "`--allow exception` permits its license for this package and version",
        ),
        Code::Duplicate => {
            Some("what requires the older version admits none of the others".to_owned())
        }
        _ => None,
    }
}
