//! Verifies that a successor can replace a package.

use super::{CheckedTexts, Fix, FixVerifier, NotVerified};
use crate::{
    fix::{
        Overlay,
        manifest::successor,
        upgrade::{LockGraph, successors},
    },
    model::versions::without_build,
    verdict::{Finding, PackageRef},
};

impl FixVerifier<'_> {
    /// The verified replacements of the package of a finding by the successors that its advisory names.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`].
    pub fn replacements(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<Vec<Fix>, NotVerified> {
        let mut fixes = Vec::new();
        let (Some(advisory), [package]) = (&finding.advisory, finding.packages.as_slice()) else {
            return Ok(fixes);
        };
        for successor in successors(advisory) {
            let Some(version) = self.newest_version(current, package, &successor)? else {
                continue;
            };
            let Some(plan) = successor::plan(package, (&successor, &version), current) else {
                continue;
            };
            match self.manifest_fix(current, finding, &plan) {
                Ok(fix) => fixes.push(fix),
                Err(NotVerified::Canceled) => return Err(NotVerified::Canceled),
                // It has other features, or findings of its own.
                Err(NotVerified::Because(reason)) => tracing::debug!("{}: {reason}", plan.title),
            }
        }
        Ok(fixes)
    }

    /// The version of a successor that cargo selects: the newest, if it has all features that are used.
    fn newest_version(
        &mut self,
        current: CheckedTexts<'_>,
        package: &PackageRef,
        successor: &str,
    ) -> Result<Option<String>, NotVerified> {
        let Some(any) = successor::plan(package, (successor, "*"), current) else {
            return Ok(None);
        };
        let mut texts: Overlay = current.texts.clone();
        for (file, after) in &any.after {
            if texts.set(file, after.clone()).is_err() {
                return Ok(None);
            }
        }
        self.check_texts(&texts)?;
        if self.gate.resolve_error().is_some() {
            return Ok(None);
        }
        let Some(written) = self.gate.scratch_lockfile() else { return Ok(None) };
        let after = LockGraph::read(&written);
        let newest = after.versions(successor).max();
        Ok(newest.map(|version| without_build(version).to_string()))
    }
}
