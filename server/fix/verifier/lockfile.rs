//! Brings a missing or outdated lockfile up to date with the manifests, as cargo would without `--locked`.

use super::{CheckedTexts, FixVerifier, NotVerified, with_line_endings_of};
use crate::{
    fix::{Fix, FixKind, FixResult, NoFixReason, cargo_message::cargo_message},
    gate::Texts as _,
    resolve::ResolveError,
    verdict::{Code, Finding, Severity},
};

/// Whether an update of the lockfile clears a finding.
pub(crate) fn is_about_lockfile(finding: &Finding) -> bool {
    matches!(finding.code, Some(Code::StaleLockFile | Code::NoLockFile))
}

impl FixVerifier<'_> {
    /// The lockfile that cargo would write, for a finding that it is missing or out of date. Only entries that the manifests
    /// require to change move.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`]. If it is not verified, the result has the reason.
    pub fn lockfile_fixes(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<FixResult, NotVerified> {
        if !is_about_lockfile(finding) {
            return Ok(FixResult::default());
        }
        match self.lockfile_fix(current, finding) {
            Ok(fix) => Ok(FixResult { fixes: vec![fix], no_fix_reason: None }),
            Err(NotVerified::Canceled) => Err(NotVerified::Canceled),
            Err(NotVerified::Because(reason)) => {
                Ok(FixResult { fixes: Vec::new(), no_fix_reason: Some(reason) })
            }
        }
    }

    fn lockfile_fix(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<Fix, NotVerified> {
        let lockfile = current.verdict.workspace.lockfile();
        let keep_going = || !self.progress.is_cancelled();
        let written = self.gate.lockfile_with(&self.options.resolver, current.texts, &keep_going);
        let written = written.map_err(|error| match error {
            ResolveError::Canceled { .. } => NotVerified::Canceled,
            error => NotVerified::Because(cargo_message(&error)),
        })?;
        let mut texts = current.texts.clone();
        let action = if let Ok(locked) = texts.read(&lockfile) {
            let unreadable = |error: std::io::Error| {
                let (file, error) = (lockfile.clone(), error.to_string());
                NoFixReason::Unreadable { file, error }
            };
            texts.set(&lockfile, with_line_endings_of(&locked, &written)).map_err(unreadable)?;
            "update `Cargo.lock` to what the manifests require"
        } else {
            texts.create(&lockfile, written);
            "create `Cargo.lock`"
        };
        let Some(verification) = self.verify_texts(current, &texts)? else {
            return Err(NoFixReason::LockfileCheckIncomplete.into());
        };
        let mut remaining = verification.verdict.findings.iter();
        if remaining.any(|one| one.code == finding.code) {
            return Err(NoFixReason::LockfileChangesAgain.into());
        }
        let new = verification.introduced.iter().find(|one| one.severity == Severity::Error);
        if let Some(new) = new {
            return Err(NoFixReason::Introduces(new.message.clone()).into());
        }
        Ok(Fix::new(FixKind::Lockfile, action, None, texts, verification))
    }
}
