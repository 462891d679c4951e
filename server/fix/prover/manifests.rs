//! Proves what a manifest could say more precisely.

use super::{Fix, Judged, NotProved, Prover, in_lines_of};
use crate::{
    fix::manifest::{self, ManifestPlan},
    gate::Texts as _,
    verdict::{Finding, Severity},
};

impl Prover<'_> {
    /// What the manifests could state more precisely, or leave out.
    ///
    /// # Errors
    ///
    /// [`NotProved::Unwanted`] when nobody waits any more.
    pub fn manifest_fixes(
        &mut self,
        now: Judged<'_>,
        finding: &Finding,
    ) -> Result<Vec<Fix>, NotProved> {
        let mut fixes = Vec::new();
        for plan in manifest::plans(finding, now) {
            fixes.extend(self.manifest_fix(now, finding, &plan)?);
        }
        Ok(fixes)
    }

    fn manifest_fix(
        &mut self,
        now: Judged<'_>,
        finding: &Finding,
        plan: &ManifestPlan,
    ) -> Result<Option<Fix>, NotProved> {
        let mut texts = now.texts.clone();
        for (file, after) in &plan.after {
            if texts.set(file, after.clone()).is_err() {
                return Ok(None);
            }
        }
        let Some(mut proof) = self.proof(now, &texts)? else { return Ok(None) };
        let lock_file = now.verdict.workspace.lock_file();
        if let (Ok(locked), Some(left)) = (texts.read(&lock_file), self.gate.scratch_lock_file())
            && in_lines_of(&locked, &left) != locked
        {
            // Cargo writes it otherwise: that belongs to the edit, and is what is judged.
            if texts.set(&lock_file, in_lines_of(&locked, &left)).is_err() {
                return Ok(None);
            }
            let Some(with_lock) = self.proof(now, &texts)? else { return Ok(None) };
            proof = with_lock;
        }
        let brings_errors = proof.introduced.iter().any(|new| new.severity == Severity::Error);
        if !proof.clears(finding) || brings_errors {
            return Ok(None);
        }
        Ok(Some(Fix::new(ManifestPlan::REMEDY, &plan.title, None, texts, proof)))
    }
}
