//! Workspaces that were moved: the checkout has them in another folder than the base.

use std::cmp::Reverse;

use super::{Base, Matches, Side};
use crate::{gate::Verdict, workspace::Workspace};

impl Base {
    /// The folder of a workspace of the base in the checkout, if the checkout has no workspace there.
    pub fn left_folder(&self, before: &Workspace) -> Option<Workspace> {
        let manifest = self.path_in_checkout(&before.manifest)?;
        let root = self.path_in_checkout(&before.root)?;
        (!manifest.is_file()).then_some(Workspace { manifest, root })
    }

    /// Where the checkout would have a workspace if it had not been moved: `before` is the same one in the base. The base has its
    /// policy there.
    pub fn unmoved(&self, workspace: &Workspace, before: &Workspace) -> Workspace {
        self.left_folder(before).unwrap_or_else(|| workspace.clone())
    }
}

/// Which of the verdicts on workspaces whose folders the checkout does not have is about the same workspace as `verdict`: the
/// index of the one with most of its findings, the first of several; `None` if none has any.
pub fn moved<'v>(
    verdict: &Verdict,
    gone: impl Iterator<Item = &'v Verdict>,
    base: &Base,
) -> Option<usize> {
    let same = |before: &Verdict| {
        let head = Side { findings: &verdict.findings, root: base.checkout() };
        let matches = Matches::of(head, Side { findings: &before.findings, root: base.root() });
        matches.of_head.iter().flatten().count()
    };
    let all = gone.map(same).enumerate().filter(|(_, same)| *same > 0);
    all.max_by_key(|(at, same)| (*same, Reverse(*at))).map(|(at, _)| at)
}
