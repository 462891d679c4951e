//! A change of the policy must not break another workspace that the policy rules.

use camino::Utf8Path;

use super::{FixVerifier, NotVerified, SilentProgress};
use crate::{
    fix::{Overlay, Verification},
    gate::{Gate, GateOptions},
    verdict::Severity,
    workspace::{DiscoveryOptions, RuledWorkspaces},
};

impl FixVerifier<'_> {
    /// Whether the other workspaces with the same policy have no new error after a change of it. False if one of them
    /// cannot be checked, or if there are too many.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`].
    pub(super) fn keeps_other_workspaces(
        &self,
        policy: &Utf8Path,
        before: &Overlay,
        after: &Overlay,
    ) -> Result<bool, NotVerified> {
        let ruled = RuledWorkspaces::of(policy, &DiscoveryOptions::default());
        if ruled.are_too_many() {
            return Ok(false);
        }
        let options = GateOptions {
            other_uses: std::sync::Arc::default(),
            policy_files: None,
            ..self.options.clone()
        };
        let silent = SilentProgress(self.progress);
        let this = self.gate.workspace().manifest.clone();
        for workspace in ruled.workspaces.iter().filter(|one| one.manifest != this) {
            let mut gate = Gate::new(workspace.clone());
            let mut check = |texts: &Overlay| {
                let verdict = gate.check(&options, texts, self.databases, &silent);
                verdict.ok_or(NotVerified::Canceled)
            };
            let (old, new) = (check(before)?, check(after)?);
            if !old.complete || !new.complete {
                return Ok(false);
            }
            let introduced = Verification::introduced(&old, &new);
            if introduced.iter().any(|finding| finding.severity == Severity::Error) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
