//! Upgrades that clear an ignored advisory, together with the removal of its `ignore` entry.

use super::{CheckedTexts, FixVerifier, NotVerified, PolicyFacts, policy};
use crate::{
    fix::{Fix, FixResult, Verification},
    text::SourceText,
    verdict::{Finding, Severity},
};

impl FixVerifier<'_> {
    /// The verified upgrades that clear an advisory which the policy ignores. Each also removes the entry.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`].
    pub fn upgrades_instead_of_ignoring(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<FixResult, NotVerified> {
        let no_result = Ok(FixResult::default());
        let (Some(policy), Some(location)) =
            (self.policy_text(current, finding), finding.locations.first())
        else {
            return no_result;
        };
        let id = location.text.as_str().get(location.span.clone()).unwrap_or_default().to_owned();
        let facts = PolicyFacts { policy: &policy, packages: &current.verdict.folders };
        let Some(without) = policy::plans(finding, &facts).into_iter().next() else {
            return no_result;
        };
        let mut texts = current.texts.clone();
        if texts.set(policy.name(), SourceText::new(&without.after)).is_err() {
            return no_result;
        }
        if !self.keeps_other_workspaces(policy.name(), current.texts, &texts)? {
            return no_result;
        }
        let verdict = self.check_texts(&texts)?;
        let shown = verdict.findings.iter().find(|one| {
            one.severity == Severity::Error
                && one.advisory.as_ref().is_some_and(|advisory| advisory.id == id)
        });
        let Some(shown) = shown.filter(|_| verdict.complete) else { return no_result };
        let base = CheckedTexts { verdict: &verdict, texts: &texts };
        let mut result = self.upgrades(base, shown)?;
        let fixes = std::mem::take(&mut result.fixes);
        result.fixes = fixes.into_iter().filter_map(|fix| unignored(current, &id, fix)).collect();
        Ok(result)
    }
}

/// The same fix, compared with the current verdict.
fn unignored(current: CheckedTexts<'_>, id: &str, fix: Fix) -> Option<Fix> {
    let verification = Verification::of(current, &fix.texts, fix.verification.verdict)?;
    if verification.introduced.iter().any(|new| new.severity == Severity::Error) {
        return None;
    }
    // `clears` would be empty: the advisory was ignored before.
    let action = format!("{} and remove `{id}` from `advisories.ignore`", fix.action);
    Some(Fix::new(fix.kind, &action, fix.upgrade, fix.texts, verification))
}
