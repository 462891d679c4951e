//! Brings the lockfiles of other workspaces along, in which a changed manifest takes part: those of fuzz targets,
//! examples and bindings.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::{FixVerifier, NotVerified, SilentProgress, with_line_endings_of};
use crate::{
    fix::{
        Fix, MovedEntry, NoFixReason, OtherLockfileReason, Overlay, Verification,
        cargo_message::cargo_message,
        editable::real_parent,
        seeded_lockfile::{changed_entries, seeded},
        verification::moved_entries,
    },
    gate::{Gate, GateOptions, Texts as _, Verdict},
    limits,
    resolve::ResolveError,
    text::SourceText,
    verdict::{Finding, Severity, join_with_and},
    workspace::{Workspace, relative},
};

/// The lockfile of another workspace that does not fit the changed manifests as it is.
#[derive(Clone, Debug)]
pub struct OtherLockfile {
    /// Its path.
    pub path: Utf8PathBuf,
    /// What becomes of it.
    pub outcome: LockfileOutcome,
}

/// What becomes of the lockfile of another workspace.
#[derive(Clone, Debug)]
pub enum LockfileOutcome {
    /// It is part of the change.
    Updated {
        /// The lock entries that move.
        moved: Vec<MovedEntry>,
        /// The warnings and errors of its workspace that are cleared.
        cleared: Vec<Finding>,
        /// The warnings of its workspace that are new.
        introduced: Vec<Finding>,
    },
    /// It is not part of the change and no longer fits the manifests: why.
    NoLongerFits(NoFixReason),
}

impl OtherLockfile {
    /// Whether it is part of the change.
    pub fn is_updated(&self) -> bool {
        matches!(self.outcome, LockfileOutcome::Updated { .. })
    }
}

impl FixVerifier<'_> {
    /// Adds the lockfiles of other workspaces to a change of manifests, each with the least change with which cargo accepts
    /// it, where the gate of its workspace has no new error. Names the others that no longer fit.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`].
    pub(in crate::fix) fn with_other_lockfiles(
        &self,
        before: &Overlay,
        after: &mut Overlay,
    ) -> Result<Vec<OtherLockfile>, NotVerified> {
        let manifests = changed_manifests(before, after);
        if manifests.is_empty() {
            return Ok(Vec::new());
        }
        let ours = self.gate.workspace().real();
        let editable = after.shared_editable();
        let workspaces = editable.locked_workspaces(&ours.root);
        let others = workspaces.using(&manifests).filter(|one| one.real().root != ours.root);
        let mut lockfiles = Vec::new();
        for (index, other) in others.enumerate() {
            let path = other.lockfile();
            if index >= limits::OTHER_LOCKFILES {
                let reason = NoFixReason::from(OtherLockfileReason::TooMany);
                lockfiles
                    .push(OtherLockfile { path, outcome: LockfileOutcome::NoLongerFits(reason) });
                continue;
            }
            let outcome = match self.other_lockfile(other, before, after) {
                Ok(None) => continue,
                Ok(Some(outcome)) => outcome,
                Err(NotVerified::Canceled) => return Err(NotVerified::Canceled),
                Err(NotVerified::Because(reason)) => LockfileOutcome::NoLongerFits(reason),
            };
            lockfiles.push(OtherLockfile { path, outcome });
        }
        Ok(lockfiles)
    }

    /// The same for one fix, whose title says which of these lockfiles it changes, which no longer fit, and what it changes
    /// outside of the open folders.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`].
    pub fn bring_lockfiles_along(
        &self,
        before: &Overlay,
        fix: &mut Fix,
    ) -> Result<(), NotVerified> {
        fix.lockfiles = self.with_other_lockfiles(before, &mut fix.texts)?;
        let root = &self.gate.workspace().root;
        let listed = |paths: &mut dyn Iterator<Item = &Utf8PathBuf>| {
            let paths: Vec<_> = paths.map(|path| format!("`{}`", relative(root, path))).collect();
            (!paths.is_empty()).then(|| join_with_and(&paths))
        };
        let those = |is_updated: bool| {
            let those = fix.lockfiles.iter().filter(move |one| one.is_updated() == is_updated);
            listed(&mut those.map(|one| &one.path))
        };
        let outside = fix.texts.changes_outside();
        let outside: Vec<_> = outside
            .iter()
            .map(|(path, origin)| format!("`{}` ({origin})", relative(root, path)))
            .collect();
        let mut title = fix.title.clone();
        if let Some(updated) = those(true) {
            title.push_str(&format!(", and update {updated}"));
        }
        if let Some(left) = those(false) {
            title.push_str(&format!("; {left} will need an update"));
        }
        if !outside.is_empty() {
            title.push_str(&format!("; changes {}", join_with_and(&outside)));
        }
        fix.title = title;
        Ok(())
    }

    /// What becomes of the lockfile of another workspace; `None` if it fits as it is.
    fn other_lockfile(
        &self,
        other: &Workspace,
        before: &Overlay,
        after: &mut Overlay,
    ) -> Result<Option<LockfileOutcome>, NotVerified> {
        let path = other.lockfile();
        let Ok(locked) = after.read(&path) else { return Ok(None) };
        let mut gate = Gate::new(other.clone());
        let written = match self.least_change(&mut gate, &path, &locked, before, after) {
            Ok(written) => written,
            Err(NotVerified::Because(reason)) => {
                // What cargo refused before is no effect of the change.
                return match self.written_lockfile(&mut gate, before) {
                    Ok(_) => Err(reason.into()),
                    Err(ResolveError::Canceled { .. }) => Err(NotVerified::Canceled),
                    Err(_) => Ok(None),
                };
            }
            Err(NotVerified::Canceled) => return Err(NotVerified::Canceled),
        };
        if written == locked {
            return Ok(None);
        }
        let root = &self.gate.workspace().root;
        if let Some(reason) = after.refusal(&path, root) {
            return Err(NoFixReason::NotEditable(reason).into());
        }
        if !after.shared_editable().includes(&path) {
            let reason = OtherLockfileReason::NotOpen(relative(root, &path));
            return Err(NoFixReason::from(reason).into());
        }
        if path.is_symlink() && !after.shared_editable().follows_links() {
            return Err(NoFixReason::from(OtherLockfileReason::Link).into());
        }
        let mut texts = after.clone();
        texts.set(&path, written).map_err(|error| {
            let (file, error) = (path.clone(), error.to_string());
            NoFixReason::Unreadable { file, error }
        })?;
        let (old, new) = self.verdicts_of(&mut gate, before, &texts)?;
        let introduced = Verification::introduced(&old, &new);
        let error = introduced.iter().find(|finding| finding.severity == Severity::Error);
        if let Some(error) = error.filter(|_| old.complete) {
            let reason = OtherLockfileReason::Introduces(error.message.clone());
            return Err(NoFixReason::from(reason).into());
        }
        if old.complete && !new.complete {
            return Err(NoFixReason::from(OtherLockfileReason::CheckIncomplete).into());
        }
        let moved = moved_entries(before, &texts, &path);
        *after = texts;
        let cleared = Verification::introduced(&new, &old);
        Ok(Some(LockfileOutcome::Updated { moved, cleared, introduced }))
    }

    /// The lockfile that cargo writes. Where the changed manifests force an entry to move, it moves to the version that the
    /// fixed workspace has now.
    fn least_change(
        &self,
        gate: &mut Gate,
        path: &Utf8Path,
        locked: &SourceText,
        before: &Overlay,
        after: &Overlay,
    ) -> Result<SourceText, NotVerified> {
        let plain = self.written_lockfile(gate, after).map_err(|error| match error {
            ResolveError::Canceled { .. } => NotVerified::Canceled,
            error => NotVerified::Because(cargo_message(&error)),
        })?;
        let plain = with_line_endings_of(locked, &plain);
        let ours = self.gate.workspace().lockfile();
        let (Ok(old), Ok(new)) = (before.read(&ours), after.read(&ours)) else { return Ok(plain) };
        let Some(seed) = seeded(locked, &plain, &old, &new) else { return Ok(plain) };
        let mut texts = after.clone();
        if texts.set(path, seed).is_err() {
            return Ok(plain);
        }
        let seeded = match self.written_lockfile(gate, &texts) {
            Ok(written) => with_line_endings_of(locked, &written),
            Err(ResolveError::Canceled { .. }) => return Err(NotVerified::Canceled),
            Err(_) => return Ok(plain),
        };
        let is_smaller = changed_entries(locked, &seeded) <= changed_entries(locked, &plain);
        Ok(if is_smaller { seeded } else { plain })
    }

    fn written_lockfile(
        &self,
        gate: &mut Gate,
        texts: &Overlay,
    ) -> Result<SourceText, ResolveError> {
        let keep_going = || !self.progress.is_cancelled();
        gate.lockfile_with(&self.options.resolver, texts, &keep_going)
    }

    /// The verdicts on another workspace before and after.
    fn verdicts_of(
        &self,
        gate: &mut Gate,
        before: &Overlay,
        after: &Overlay,
    ) -> Result<(Verdict, Verdict), NotVerified> {
        // The policy and the commands of CI are those of the fixed workspace.
        let options = GateOptions {
            other_uses: std::sync::Arc::default(),
            policy_files: None,
            command_lines: Vec::new(),
            ..self.options.clone()
        };
        let silent = SilentProgress(self.progress);
        let mut check = |texts: &Overlay| {
            let verdict = gate.check(&options, texts, self.databases, &silent);
            verdict.ok_or(NotVerified::Canceled)
        };
        Ok((check(before)?, check(after)?))
    }
}

/// The manifests that have another text in `after`, with links resolved.
fn changed_manifests(before: &Overlay, after: &Overlay) -> BTreeSet<Utf8PathBuf> {
    let changed = after.changes().iter().filter(|(path, change)| {
        path.file_name() == Some("Cargo.toml")
            && before.read(path).is_ok_and(|text| text != change.after)
    });
    changed.map(|(path, _)| real_parent(path)).collect()
}
