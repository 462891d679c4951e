//! An upgrade that makes an ignore needless, together with the end of the ignore.

use super::{FixOptions, CheckedTexts, NotVerified, PolicyFacts, FixVerifier, policy};
use crate::{
    fix::{FixResult, Fix, Verification},
    text::SourceText,
    verdict::{Finding, Severity},
};

impl FixVerifier<'_> {
    /// The versions that clear an advisory which the policy ignores, each proved without the entry.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Unwanted`] when nobody waits any more.
    pub fn upgrades_instead_of_ignoring(
        &mut self,
        now: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<FixResult, NotVerified> {
        let nothing = Ok(FixResult::default());
        let (Some(policy), Some(location)) =
            (self.policy_text(now, finding), finding.locations.first())
        else {
            return nothing;
        };
        let id = location.text.as_str().get(location.span.clone()).unwrap_or_default().to_owned();
        let facts = PolicyFacts { policy: &policy, packages: &now.verdict.folders };
        let Some(without) = policy::plans(finding, &facts).into_iter().next() else {
            return nothing;
        };
        let mut texts = now.texts.clone();
        if texts.set(policy.name(), SourceText::new(&without.after)).is_err() {
            return nothing;
        }
        let verdict = self.verdict_on(&texts)?;
        let shown = verdict.findings.iter().find(|one| {
            one.severity == Severity::Error
                && one.advisory.as_ref().is_some_and(|advisory| advisory.id == id)
        });
        let Some(shown) = shown.filter(|_| verdict.reached) else { return nothing };
        let base = CheckedTexts { verdict: &verdict, texts: &texts };
        let mut answer = self.upgrades(base, shown, FixOptions::default())?;
        let fixes = std::mem::take(&mut answer.fixes);
        answer.fixes = fixes.into_iter().filter_map(|fix| instead(now, &id, fix)).collect();
        Ok(answer)
    }
}

/// The same fix against what is there now.
fn instead(now: CheckedTexts<'_>, id: &str, fix: Fix) -> Option<Fix> {
    let proof = Verification::of(now, &fix.texts, fix.verification.verdict)?;
    if proof.introduced.iter().any(|new| new.severity == Severity::Error) {
        return None;
    }
    // What it clears was not counted while it was ignored.
    let what = format!("{} and ignore `{id}` no longer", fix.what);
    Some(Fix::new(fix.kind, &what, fix.upgrade, fix.texts, proof))
}
