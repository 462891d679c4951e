//! Proves what a manifest could say more precisely.

use super::{Fix, CheckedTexts, NotVerified, FixVerifier, with_line_endings_of};
use crate::{
    fix::{
        FixResult, Verification, Overlay,
        manifest::{self, ManifestPlan},
    },
    gate::Texts as _,
    verdict::{Finding, Severity},
};

impl FixVerifier<'_> {
    /// What the manifests could state more precisely, or leave out; or why they stay as they are.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Unwanted`] when nobody waits any more. That nothing was proved is an answer.
    pub fn manifest_fixes(
        &mut self,
        now: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<FixResult, NotVerified> {
        let mut answer = FixResult::default();
        let plans = match manifest::plans(finding, now) {
            Ok(plans) => plans,
            Err(reason) => return Ok(FixResult { none: Some(reason), ..answer }),
        };
        for plan in plans {
            match self.manifest_fix(now, finding, &plan) {
                Ok(fix) => answer.fixes.push(fix),
                Err(NotVerified::Unwanted) => return Err(NotVerified::Unwanted),
                Err(NotVerified::Because(reason)) => {
                    answer.none.get_or_insert_with(|| format!("tried to {}: {reason}", plan.title));
                }
            }
        }
        if !answer.fixes.is_empty() {
            answer.none = None;
        }
        Ok(answer)
    }

    fn manifest_fix(
        &mut self,
        now: CheckedTexts<'_>,
        finding: &Finding,
        plan: &ManifestPlan,
    ) -> Result<Fix, NotVerified> {
        let unread = |error: std::io::Error| format!("a file cannot be read: {error}");
        let mut texts = now.texts.clone();
        for (file, after) in &plan.after {
            texts.set(file, after.clone()).map_err(unread)?;
        }
        let mut proof = self.manifest_proof(now, &texts)?;
        let lock_file = now.verdict.workspace.lock_file();
        if let (Ok(locked), Some(left)) = (texts.read(&lock_file), self.gate.scratch_lock_file())
            && with_line_endings_of(&locked, &left) != locked
        {
            // Cargo writes it otherwise: that belongs to the edit, and is what is judged.
            texts.set(&lock_file, with_line_endings_of(&locked, &left)).map_err(unread)?;
            proof = self.manifest_proof(now, &texts)?;
        }
        let new = proof.introduced.iter().find(|new| new.severity == Severity::Error);
        if let Some(new) = new {
            return Err(format!("it would bring: {}", new.message).into());
        }
        if !proof.clears(finding) {
            return Err("it does not clear it".to_owned().into());
        }
        Ok(Fix::new(ManifestPlan::KIND, &plan.title, None, texts, proof))
    }

    fn manifest_proof(&mut self, now: CheckedTexts<'_>, texts: &Overlay) -> Result<Verification, NotVerified> {
        let verdict = self.verdict_on(texts)?;
        // What stands in the way is said as it would be in the editor.
        let why = verdict.findings.iter().find(|one| one.severity == Severity::Error);
        let why = why.map_or_else(|| "no verdict is reached".to_owned(), |one| one.message.clone());
        Verification::of(now, texts, verdict).ok_or(NotVerified::Because(why))
    }
}
