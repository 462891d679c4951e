//! Policies that rule several workspaces. An entry that one workspace does not need may be needed by another one, so a
//! finding that an entry has no effect is reported only when no workspace needs the entry.
//!
//! Errors are never withheld: the gate of the workspace fails because of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};

use super::Verdict;
use crate::{
    text::{FilePath, SourceText, relocate},
    verdict::{
        Check, Code, Finding, Location, PolicyText, Severity, WithheldFinding, WithheldReason,
    },
    workspace::Workspace,
};

/// What one workspace says about the entries of its policy files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyUse {
    /// The policy and its exceptions, with the texts that were checked.
    files: BTreeMap<Utf8PathBuf, SourceText>,
    /// The checks that finished.
    checks: BTreeSet<Check>,
    /// The entries that it does not need, by file and the start of the span, with the check that says so.
    unneeded: BTreeMap<(Utf8PathBuf, usize), Check>,
    /// The messages about entries that only one package needs.
    narrow: BTreeMap<(Utf8PathBuf, usize), String>,
}

/// The use of a policy by the other workspaces that it rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherUses {
    /// The other workspaces; `None` for one that has not been checked yet.
    pub workspaces: BTreeMap<Workspace, Option<PolicyUse>>,
    /// Workspaces that are not checked because there are too many, or that have not been searched for yet.
    pub more: usize,
}

/// What one workspace says about one finding of another one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Needed,
    NotNeeded,
    Unknown,
}

impl PolicyUse {
    /// The policy and its exceptions, with the texts that were checked.
    pub(crate) fn files(&self) -> &BTreeMap<Utf8PathBuf, SourceText> {
        &self.files
    }

    /// What a verdict says, before findings are withheld.
    pub(super) fn of(verdict: &Verdict, policy: &PolicyText) -> Self {
        let mut files = BTreeMap::new();
        files.extend(policy.path.clone().map(|path| (path, policy.text.clone())));
        if let Some(exceptions) = &policy.exceptions
            && let Some(text) = exceptions.text()
        {
            files.insert(exceptions.path.clone(), text.clone());
        }
        Self::of_files(verdict, files)
    }

    fn of_files(verdict: &Verdict, files: BTreeMap<Utf8PathBuf, SourceText>) -> Self {
        let mut result =
            Self { files, checks: verdict.counts.keys().copied().collect(), ..Self::default() };
        for finding in &verdict.findings {
            let Some(location) = finding.locations.first() else { continue };
            if !result.files.contains_key(location.file.as_path()) {
                continue;
            }
            if is_unneeded(finding.code) {
                result.unneeded.insert(entry(location), finding.check);
            } else if finding.code == Some(Code::AllowedForOne) {
                result.narrow.insert(entry(location), finding.message.clone());
            }
        }
        result
    }

    /// What several gates of one workspace say together: an entry is not needed if none of them needs it.
    pub(super) fn common(uses: &[&Self]) -> Self {
        let mut result = Self::default();
        for one in uses {
            result.files.extend(one.files.iter().map(|(path, text)| (path.clone(), text.clone())));
            result.checks.extend(&one.checks);
            result.unneeded.extend(one.unneeded.clone());
            result.narrow.extend(one.narrow.clone());
        }
        result.unneeded.retain(|entry, check| {
            uses.iter().all(|one| {
                one.unneeded.contains_key(entry)
                    || !one.checks.contains(check)
                    || !one.files.contains_key(&entry.0)
            })
        });
        result.narrow.retain(|entry, message| {
            uses.iter().all(|one| {
                one.narrow.get(entry) == Some(message)
                    || one.unneeded.contains_key(entry)
                    || !one.files.contains_key(&entry.0)
            })
        });
        result
    }

    /// Whether the workspace has entries that it does not need, so that it matters what others need.
    pub fn asks_others(&self) -> bool {
        !self.unneeded.is_empty() || !self.narrow.is_empty()
    }

    /// Whether the workspace is checked with this policy file.
    pub(super) fn has_file(&self, file: &Utf8Path) -> bool {
        self.files.contains_key(file)
    }

    /// Whether only one package needs the entry of a finding.
    pub(super) fn is_narrow(&self, location: &Location) -> bool {
        self.narrow.contains_key(&entry(location))
    }

    /// Whether both are about the same texts of the policy.
    pub(crate) fn has_same_files(&self, other: &Self) -> bool {
        self.files == other.files
    }

    fn of_entry(&self, finding: &Finding, location: &Location) -> Use {
        let check = match finding.check {
            // Our own findings about entries need the check of the entry's list.
            Check::Supercargo => Check::Licenses,
            check => check,
        };
        let Some(text) = self.files.get(location.file.as_path()) else {
            // It reads another file, so it has no entry here.
            return Use::NotNeeded;
        };
        if *text != location.text || !self.checks.contains(&check) {
            return Use::Unknown;
        }
        let entry = entry(location);
        let is_unneeded = self.unneeded.contains_key(&entry)
            || finding.code == Some(Code::AllowedForOne)
                && self.narrow.get(&entry) == Some(&finding.message);
        if is_unneeded { Use::NotNeeded } else { Use::Needed }
    }
}

/// Withholds the findings about entries that other workspaces need, or may need.
pub(super) fn withhold(verdict: &mut Verdict, others: &OtherUses) {
    if others.workspaces.is_empty() && others.more == 0 {
        return;
    }
    let findings = std::mem::take(&mut verdict.findings);
    for (index, finding) in findings.into_iter().enumerate() {
        let reason = match finding.locations.first() {
            Some(location) if concerns_an_entry(&finding) => others.reason(&finding, location),
            _ => None,
        };
        let Some(reason) = reason else {
            verdict.findings.push(finding);
            continue;
        };
        if let Some(counts) = verdict.counts.get_mut(&finding.check) {
            counts.remove(finding.severity);
        }
        verdict.withheld.push(WithheldFinding { index, finding, reason });
    }
}

/// The verdict of the workspace alone, with the findings that were withheld.
pub(super) fn with_withheld(verdict: &Verdict) -> Verdict {
    let mut all = verdict.clone();
    for withheld in std::mem::take(&mut all.withheld) {
        if matches!(withheld.reason, WithheldReason::NeededByGates(_)) {
            all.withheld.push(withheld);
            continue;
        }
        if let Some(counts) = all.counts.get_mut(&withheld.finding.check) {
            counts.add(withheld.finding.severity);
        }
        let index = withheld.index.min(all.findings.len());
        all.findings.insert(index, withheld.finding);
    }
    all
}

/// The texts that a verdict is about: those of its policy, and of the files with findings.
pub(super) fn texts_of(verdict: &Verdict) -> HashMap<FilePath, SourceText> {
    let located = verdict.findings.iter().flat_map(|finding| &finding.locations);
    let located = located.map(|location| (location.file.clone(), location.text.clone()));
    let of_policy = verdict.policy_use.files.iter();
    let of_policy = of_policy.map(|(path, text)| (FilePath::from(path.as_path()), text.clone()));
    located.chain(of_policy).collect()
}

/// The verdict with its findings moved to the texts of another one on the same policy; without those whose lines are gone.
pub(super) fn moved_to(
    mut verdict: Verdict,
    now: &Verdict,
    texts: &HashMap<FilePath, SourceText>,
) -> Verdict {
    let moved = |location: &mut Location| {
        let Some(text) = texts.get(&location.file).filter(|text| **text != location.text) else {
            return true;
        };
        let Some(span) = relocate(&location.text, text, &location.span) else { return false };
        (location.text, location.span) = (text.clone(), span);
        true
    };
    verdict.findings.retain_mut(|finding| {
        finding.related.retain_mut(|related| moved(&mut related.location));
        finding.locations.retain_mut(moved);
        !finding.locations.is_empty()
    });
    verdict.policy_use = PolicyUse::of_files(&verdict, now.policy_use.files.clone());
    verdict
}

impl OtherUses {
    /// Why a finding about an entry is not reported; `None` if it is.
    fn reason(&self, finding: &Finding, location: &Location) -> Option<WithheldReason> {
        let folder = location.file.parent().unwrap_or(&location.file);
        let (mut needed_by, mut checked) = (Vec::new(), 1);
        for (workspace, policy_use) in &self.workspaces {
            match policy_use.as_ref().map_or(Use::Unknown, |one| one.of_entry(finding, location)) {
                Use::Needed => needed_by.push(name_of(workspace, folder)),
                Use::NotNeeded => checked += 1,
                Use::Unknown => {}
            }
        }
        let all = self.workspaces.len() + 1 + self.more;
        if !needed_by.is_empty() {
            Some(WithheldReason::NeededBy(needed_by))
        } else if checked < all {
            Some(WithheldReason::NotAllChecked { checked, all })
        } else {
            None
        }
    }
}

/// The folder of a workspace relative to the policy's, `.` for the same folder.
pub(crate) fn name_of(workspace: &Workspace, folder: &Utf8Path) -> String {
    // `.cargo/deny.toml` rules the folder above.
    let folder = match folder.file_name() {
        Some(".cargo") => folder.parent().unwrap_or(folder),
        _ => folder,
    };
    match workspace.folder().strip_prefix(folder) {
        Ok(below) if below.as_str().is_empty() => ".".to_owned(),
        Ok(below) => below.to_string(),
        Err(_) => workspace.folder().to_string(),
    }
}

fn entry(location: &Location) -> (Utf8PathBuf, usize) {
    (location.file.to_path_buf(), location.span.start)
}

fn is_unneeded(code: Option<Code>) -> bool {
    code.is_some_and(Code::is_without_effect)
}

fn concerns_an_entry(finding: &Finding) -> bool {
    finding.severity != Severity::Error
        && (is_unneeded(finding.code) || finding.code == Some(Code::AllowedForOne))
}
