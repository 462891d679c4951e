//! Verifies changes of manifests.

use super::{CheckedTexts, Fix, FixVerifier, NotVerified, with_line_endings_of};
use crate::{
    fix::{
        FixKind, FixResult, NoFixReason, Overlay, Verification,
        manifest::{self, ManifestPlan},
    },
    gate::Texts as _,
    verdict::{Finding, Severity},
};

impl FixVerifier<'_> {
    /// The verified changes of manifests, or reason there is none.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`]. If no change is verified, the result has the reason.
    pub fn manifest_fixes(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<FixResult, NotVerified> {
        let mut result = FixResult::default();
        let plans = match manifest::plans(finding, current) {
            Ok(plans) => plans,
            Err(reason) => return Ok(FixResult { no_fix_reason: Some(reason.into()), ..result }),
        };
        for plan in plans {
            let removes_more = plan.kind == FixKind::Removal && plan.after.len() > 1;
            if removes_more && !result.fixes.is_empty() {
                continue;
            }
            match self.manifest_fix(current, finding, &plan) {
                Ok(fix) => result.fixes.push(fix),
                Err(NotVerified::Canceled) => return Err(NotVerified::Canceled),
                // The other kinds are more than the finding asks for.
                Err(NotVerified::Because(_)) if plan.kind != FixKind::Manifest => {}
                Err(NotVerified::Because(reason)) => {
                    let (title, reason) = (plan.title.clone(), Box::new(reason));
                    result.no_fix_reason.get_or_insert(NoFixReason::Change { title, reason });
                }
            }
        }
        if !result.fixes.is_empty() {
            result.no_fix_reason = None;
        }
        Ok(result)
    }

    pub(super) fn manifest_fix(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
        plan: &ManifestPlan,
    ) -> Result<Fix, NotVerified> {
        let unread = |error: std::io::Error| NoFixReason::UnreadableManifest(error.to_string());
        let mut texts = current.texts.clone();
        for (file, after) in &plan.after {
            texts.set(file, after.clone()).map_err(unread)?;
        }
        let mut verification = self.manifest_proof(current, &texts)?;
        let lockfile = current.verdict.workspace.lockfile();
        if let (Ok(locked), Some(written)) = (texts.read(&lockfile), self.gate.scratch_lockfile())
            && with_line_endings_of(&locked, &written) != locked
        {
            // cargo changes the lockfile: that is part of the fix, and checked as well.
            texts.set(&lockfile, with_line_endings_of(&locked, &written)).map_err(unread)?;
            verification = self.manifest_proof(current, &texts)?;
        }
        let new = verification.introduced.iter().find(|new| new.severity == Severity::Error);
        if let Some(new) = new {
            return Err(NoFixReason::Introduces(new.message.clone()).into());
        }
        if !verification.clears(finding) {
            return Err(NoFixReason::FindingRemains.into());
        }
        Ok(Fix::new(plan.kind, &plan.title, None, texts, verification))
    }

    fn manifest_proof(
        &mut self,
        current: CheckedTexts<'_>,
        texts: &Overlay,
    ) -> Result<Verification, NotVerified> {
        let verdict = self.check_texts(texts)?;
        // The reason is the error that the editor would show.
        let reason = verdict.findings.iter().find(|one| one.severity == Severity::Error);
        let failed = |finding: &Finding| NoFixReason::CheckFailed(finding.message.clone());
        let reason = reason.map_or(NoFixReason::CheckIncomplete, failed);
        Verification::of(current, texts, verdict).ok_or(NotVerified::Because(reason))
    }
}
