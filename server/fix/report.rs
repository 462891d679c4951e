//! `supercargo fix` and "Apply verified fixes": applies one fix after the other, until no further one
//! is verified.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CheckedTexts, Fix, FixKind, FixResult, FixScope, FixVerifier, NoFixReason, NotVerified,
    OtherLockfile, Overlay, PolicyReason,
    cargo_message::cargo_message,
    is_about_manifests,
    solver::PackageVersions,
    upgrade::{TargetScope, UpgradeTarget, successors, suggested_alternatives},
    verification::{is_cargo_deny_problem, is_same},
    verifier::{JointUpgrades, UpgradeContext, levels},
};
use crate::{
    gate::Verdict,
    verdict::{AdvisoryKind, Check, Code, Finding, PackageRef},
};

/// How many packages are upgraded only to find a version with another license. Each takes as long as any
/// upgrade, and few packages change their license.
const MAX_LICENSE_UPGRADES: usize = 16;

/// A finding that was not fixed.
#[derive(Clone, Debug)]
pub struct RemainingFinding {
    /// The finding.
    pub finding: Finding,
    /// Why it was not fixed.
    pub reason: Option<NoFixReason>,
}

/// The result of [`fix_all`] for one workspace.
#[derive(Clone, Debug)]
pub struct FixReport {
    /// The verified fixes, in the order in which they were applied.
    pub fixes: Vec<Fix>,
    /// The errors and warnings that were not fixed.
    pub remaining: Vec<RemainingFinding>,
    /// The changed texts of all fixes together.
    pub texts: Overlay,
    /// The verdict before the fixes.
    pub before: Verdict,
    /// The verdict after the fixes.
    pub verdict: Verdict,
    /// The lockfiles of other workspaces that do not fit the changed manifests as they are.
    pub lockfiles: Vec<OtherLockfile>,
    /// Why cargo could not update its registry index, if that was tried and failed.
    pub old_index: Option<NoFixReason>,
    /// The search was canceled: there may be more fixes, and only findings whose search has ended have a reason.
    pub is_canceled: bool,
}

impl FixReport {
    /// The position of the fix that clears a finding of the verdict before.
    pub fn fix_of(&self, finding: &Finding) -> Option<usize> {
        let fixes = || self.fixes.iter();
        let exact = fixes().position(|fix| fix.verification.clears(finding));
        exact.or_else(|| {
            // A fix before it has moved its package to a version that has the finding, too.
            let remains = self.remaining_as(finding).is_some();
            fixes().rposition(|fix| !remains && fix.verification.clears_alike(finding))
        })
    }

    /// Why a finding of the verdict before was not fixed, if that is known.
    pub fn reason_for(&self, finding: &Finding) -> Option<&NoFixReason> {
        self.remaining_as(finding)?.reason.as_ref()
    }

    fn remaining_as(&self, finding: &Finding) -> Option<&RemainingFinding> {
        self.remaining.iter().find(|one| is_same(&one.finding, finding))
    }
}

/// Upgrades one package after the other, starting from `texts`. Then changes the manifests and, with the
/// kinds that `scope` allows, the policy; changes with a placeholder are left out. `None` if
/// canceled.
pub fn fix_all(
    verifier: &mut FixVerifier<'_>,
    scope: &FixScope,
    texts: Overlay,
) -> Option<FixReport> {
    fix_until_canceled(verifier, scope, texts).filter(|report| !report.is_canceled)
}

/// The same, with the fixes that were verified before it was canceled; `None` if that was before there was a verdict.
pub fn fix_until_canceled(
    verifier: &mut FixVerifier<'_>,
    scope: &FixScope,
    texts: Overlay,
) -> Option<FixReport> {
    let verdict =
        verifier.gate.check(verifier.options, &texts, verifier.databases, verifier.progress)?;
    let report = FixReport {
        fixes: Vec::new(),
        remaining: Vec::new(),
        texts,
        before: verdict.clone(),
        verdict,
        lockfiles: Vec::new(),
        old_index: None,
        is_canceled: false,
    };
    let mut run = FixAllRun {
        original: report.texts.clone(),
        verifier,
        scope,
        report,
        failed_upgrades: BTreeMap::new(),
        impossible: BTreeMap::new(),
        license_attempts: BTreeSet::new(),
        unfixed: Vec::new(),
    };
    // Upgrades change the lockfile.
    let is_locked = run.report.verdict.workspace.lockfile().is_file();
    run.report.is_canceled = run.apply_all(is_locked).is_none();
    Some(run.into_report(is_locked))
}

struct FixAllRun<'w, 'p> {
    verifier: &'w mut FixVerifier<'p>,
    scope: &'w FixScope,
    /// The texts before the first fix.
    original: Overlay,
    report: FixReport,
    /// The packages for which no upgrade was verified, with the reason.
    failed_upgrades: BTreeMap<PackageRef, NoFixReason>,
    /// The packages that no set of versions is free of, whatever else changes, with the reason.
    impossible: BTreeMap<PackageRef, NoFixReason>,
    /// The findings that no change of manifests or policy cleared, with the reason.
    unfixed: Vec<(Finding, Option<NoFixReason>)>,
    /// The packages that were tried for their license.
    license_attempts: BTreeSet<PackageRef>,
}

impl FixAllRun<'_, '_> {
    fn apply_all(&mut self, is_locked: bool) -> Option<()> {
        if self.report.verdict.complete && is_locked {
            self.update_lockfile()?;
            self.update_index();
            self.apply_upgrades()?;
        }
        if self.report.verdict.complete {
            self.apply_other_fixes()?;
        }
        self.bring_lockfiles_along()
    }

    /// Brings an outdated lockfile up to date. A missing one is not created: a library may not have one on purpose.
    fn update_lockfile(&mut self) -> Option<()> {
        let findings = &self.report.verdict.findings;
        let Some(stale) =
            findings.iter().find(|one| one.code == Some(Code::StaleLockFile)).cloned()
        else {
            return Some(());
        };
        let current = CheckedTexts { verdict: &self.report.verdict, texts: &self.report.texts };
        let mut result = self.verifier.lockfile_fixes(current, &stale).ok()?;
        if let Some(fix) = result.fixes.pop() {
            self.apply(fix);
        }
        Some(())
    }

    /// cargo's copy of the registry index may be old.
    fn update_index(&mut self) {
        let resolver = &self.verifier.options.resolver;
        let findings = &self.report.verdict.findings;
        if resolver.offline || UpgradeTarget::all(findings, TargetScope::Needed).is_empty() {
            return;
        }
        self.verifier.progress.report("updating the registry index");
        let progress = self.verifier.progress;
        if let Err(error) = self.verifier.gate.refresh_index(resolver, &|| !progress.is_cancelled())
        {
            self.report.old_index = Some(cargo_message(&error));
        }
    }

    fn apply_upgrades(&mut self) -> Option<()> {
        let versions = PackageVersions::of(&self.report.verdict, &self.report.texts);
        self.apply_joint_upgrades(&versions)?;
        let mut progressed = true;
        while std::mem::take(&mut progressed) {
            // An upgrade in the previous round may have removed an obstacle.
            self.failed_upgrades = self.impossible.clone();
            while let Some(target) = self.next_target() {
                let name = &target.package.name;
                self.verifier.progress.report(&format!("searching for an upgrade of `{name}`"));
                let current =
                    CheckedTexts { verdict: &self.report.verdict, texts: &self.report.texts };
                let databases = self.verifier.databases;
                let context = UpgradeContext::of(current, &versions, databases);
                match self.verifier.best_upgrade(&context, self.scope.options, &target) {
                    Ok(fix) => {
                        progressed = true;
                        self.apply(fix);
                    }
                    Err(NotVerified::Because(reason)) => {
                        self.failed_upgrades.insert(target.package, reason);
                    }
                    Err(NotVerified::Canceled) => return None,
                }
            }
        }
        Some(())
    }

    /// Upgrades all packages together that can be: one resolution and one check for all of them.
    fn apply_joint_upgrades(&mut self, versions: &PackageVersions) -> Option<()> {
        let levels = levels(self.scope.options, versions.rust.as_ref());
        for (index, level) in levels.iter().enumerate() {
            let findings = &self.report.verdict.findings;
            let mut targets = UpgradeTarget::all(findings, TargetScope::Needed);
            targets.retain(|target| {
                self.scope.includes(&target.package) && !target.is_about_license()
            });
            // One alone is upgraded like those that were not possible together.
            if targets.len() < 2 && index == 0 || targets.is_empty() {
                return Some(());
            }
            self.verifier.progress.report("searching for upgrades");
            let current = CheckedTexts { verdict: &self.report.verdict, texts: &self.report.texts };
            let databases = self.verifier.databases;
            let context = UpgradeContext::of(current, versions, databases);
            let is_last = index + 1 == levels.len();
            match self.verifier.joint_upgrades(&context, level, is_last, &targets) {
                Ok(JointUpgrades { fixes, impossible }) => {
                    for fix in fixes {
                        self.apply(fix);
                    }
                    self.impossible = impossible;
                }
                Err(NotVerified::Canceled) => return None,
                Err(NotVerified::Because(reason)) => tracing::debug!("no joint upgrade: {reason}"),
            }
        }
        Some(())
    }

    fn next_target(&mut self) -> Option<UpgradeTarget> {
        for target in UpgradeTarget::all(&self.report.verdict.findings, TargetScope::Needed) {
            let package = &target.package;
            if self.failed_upgrades.contains_key(package) || !self.scope.includes(package) {
                continue;
            }
            if target.is_only_about_license() {
                let attempts = &mut self.license_attempts;
                if attempts.len() >= MAX_LICENSE_UPGRADES || attempts.contains(package) {
                    continue;
                }
                attempts.insert(package.clone());
            }
            return Some(target);
        }
        None
    }

    /// Manifest changes are always applied where they allow nothing new.
    fn apply_other_fixes(&mut self) -> Option<()> {
        while let Some(finding) = self.next_finding() {
            let mut result = match self.other_fixes(&finding) {
                Ok(result) => result,
                Err(NotVerified::Canceled) => return None,
                Err(NotVerified::Because(reason)) => {
                    FixResult { no_fix_reason: Some(reason), ..FixResult::default() }
                }
            };
            if result.fixes.is_empty() {
                self.unfixed.push((finding, result.no_fix_reason));
            } else {
                self.apply(result.fixes.swap_remove(0));
            }
        }
        Some(())
    }

    /// Other workspaces may use the changed manifests.
    fn bring_lockfiles_along(&mut self) -> Option<()> {
        let texts = &mut self.report.texts;
        match self.verifier.with_other_lockfiles(&self.original, texts) {
            Ok(lockfiles) => self.report.lockfiles = lockfiles,
            Err(_) => return None,
        }
        Some(())
    }

    fn apply(&mut self, fix: Fix) {
        self.report.texts = fix.texts.clone();
        self.report.verdict = fix.verification.verdict.clone();
        self.report.fixes.push(fix);
    }

    /// The first finding that a change of manifests or policy may clear.
    fn next_finding(&self) -> Option<Finding> {
        let findings = self.report.verdict.findings.iter();
        let mut fixable = findings.filter(|one| {
            is_cargo_deny_problem(one)
                && (!self.scope.allowed_kinds.is_empty() || is_about_manifests(one))
                && self.scope.includes_finding(one)
        });
        fixable.find(|one| !self.unfixed.iter().any(|(other, _)| other == *one)).cloned()
    }

    /// The verified and allowed changes of manifests and policy.
    fn other_fixes(&mut self, finding: &Finding) -> Result<FixResult, NotVerified> {
        let current = CheckedTexts { verdict: &self.report.verdict, texts: &self.report.texts };
        let mut result = self.verifier.manifest_fixes(current, finding)?;
        let allowed = &self.scope.allowed_kinds;
        if allowed.contains(&FixKind::Replacement) {
            result.fixes.extend(self.verifier.replacements(current, finding)?);
        }
        result.fixes.retain(|fix| fix.kind == FixKind::Manifest || allowed.contains(&fix.kind));
        if result.fixes.is_empty() && !allowed.is_empty() {
            let is_allowed = |fix: &Fix| {
                allowed.contains(&fix.kind)
                    && fix.kind != FixKind::Ignore
                    && fix.placeholder.is_none()
                    && fix.verification.clears(finding)
            };
            let policy_fixes = self.verifier.policy_fixes(current, finding)?;
            result.fixes.extend(policy_fixes.into_iter().filter(is_allowed));
        }
        Ok(result)
    }

    fn into_report(mut self, is_locked: bool) -> FixReport {
        let findings = self.report.verdict.findings.iter();
        let problems = findings.filter(|one| is_cargo_deny_problem(one));
        let remaining = problems.map(|finding| RemainingFinding {
            reason: self.is_decided(finding).then(|| self.reason_with_hint(finding, is_locked)),
            finding: finding.clone(),
        });
        self.report.remaining = remaining.collect();
        self.report
    }

    /// Whether the search for a fix of a finding has ended.
    fn is_decided(&self, finding: &Finding) -> bool {
        let failed = |one: &PackageRef| self.failed_upgrades.contains_key(one);
        !self.report.is_canceled || finding.packages.iter().any(failed)
    }

    /// Why a finding was not fixed, and whether its package can be replaced.
    fn reason_with_hint(&self, finding: &Finding, is_locked: bool) -> NoFixReason {
        let reason = self.reason(finding, is_locked);
        let has_successors =
            finding.advisory.as_ref().is_some_and(|one| !successors(one).is_empty());
        let mut declared = self.report.verdict.declared.iter();
        let is_direct = declared.any(|one| finding.packages.contains(&one.package));
        let is_allowed = self.scope.allowed_kinds.contains(&FixKind::Replacement);
        if has_successors && is_direct && !is_allowed && self.scope.includes_finding(finding) {
            return NoFixReason::Replaceable(Box::new(reason));
        }
        reason
    }

    /// Why a finding was not fixed.
    fn reason(&self, finding: &Finding, is_locked: bool) -> NoFixReason {
        if !self.scope.includes_finding(finding) {
            return NoFixReason::NotSelected;
        }
        let allowed = &self.scope.allowed_kinds;
        let is_advisory = finding.check == Check::Advisories && !finding.packages.is_empty();
        if is_advisory && !is_locked {
            return NoFixReason::NoLockfile;
        }
        let failed = finding.packages.iter().find_map(|one| self.failed_upgrades.get(one));
        if let Some(reason) = failed {
            let policy = policy_reason(finding, allowed);
            return match policy {
                Some(policy) if !is_advisory => {
                    NoFixReason::UpgradeAndPolicy { upgrade: Box::new(reason.clone()), policy }
                }
                _ => reason.clone(),
            };
        }
        if let Some(advisory) =
            finding.advisory.as_ref().filter(|one| one.affected.patched().is_empty())
        {
            let alternatives = suggested_alternatives(advisory);
            let package = advisory.package.clone();
            return match advisory.kind {
                AdvisoryKind::Unmaintained => NoFixReason::Unmaintained { package, alternatives },
                _ => NoFixReason::NotPatched { package, alternatives },
            };
        }
        let unfixed = self.unfixed.iter().find(|(other, _)| other == finding);
        if let Some((_, Some(reason))) = unfixed {
            return reason.clone();
        }
        policy_reason(finding, allowed)
            .map(NoFixReason::Policy)
            .or_else(|| finding.remedy.clone().map(NoFixReason::Remedy))
            .unwrap_or(NoFixReason::ManualDecision)
    }
}

/// Why the command line does not change the policy for a finding by itself.
fn policy_reason(finding: &Finding, allowed: &[FixKind]) -> Option<PolicyReason> {
    let unless_allowed = |kind: FixKind, failed: PolicyReason, hint: PolicyReason| {
        Some(if allowed.contains(&kind) { failed } else { hint })
    };
    let is_local = finding.packages.first().is_some_and(|package| package.source.is_none());
    match finding.code? {
        Code::Unlicensed | Code::NoLicenseField | Code::EmptyLicenseField if is_local => {
            unless_allowed(
                FixKind::Exception,
                PolicyReason::StateLicense,
                PolicyReason::StateLicenseOrAllow,
            )
        }
        Code::Unlicensed | Code::NoLicenseField | Code::EmptyLicenseField | Code::GatherFailure => {
            unless_allowed(FixKind::Clarify, PolicyReason::Clarify, PolicyReason::AllowClarify)
        }
        Code::Rejected => unless_allowed(
            FixKind::Exception,
            PolicyReason::NoException,
            PolicyReason::AllowException,
        ),
        Code::Duplicate => Some(PolicyReason::Duplicate),
        _ => None,
    }
}
