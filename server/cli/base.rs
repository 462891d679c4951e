//! `check --base`: checks the workspaces of an earlier commit, too, and compares.

use std::{collections::BTreeSet, rc::Rc};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    arguments::{BaseGate, CheckArguments, GateArguments},
    logging,
    shared_policy::SharedPolicies,
    targets::absolute,
};
use crate::{
    compare::{Base, BaseError, BaseRequest, Comparison, Matches, Side},
    gate::{Databases, GateOptions, OnDisk, Texts as _, Verdict},
    verdict::{Finding, Severity},
    workspace::{Discovery, DiscoveryOptions, Workspace},
};

/// The comparisons of a run. The workspaces may be in several repositories.
pub(super) struct BaseComparisons<'o> {
    request: BaseRequest,
    arguments: &'o GateArguments,
    options: &'o GateOptions,
    databases: &'o Databases,
    repositories: Vec<BaseOfRepository<'o>>,
    /// Whether errors that only the changes of the policy hide fail the run.
    loosened_fails: bool,
    /// Which errors fail the run.
    gate: BaseGate,
}

struct BaseOfRepository<'o> {
    base: Rc<Base>,
    shared: SharedPolicies<'o>,
    /// The workspaces of the base that the arguments select.
    workspaces: Vec<Workspace>,
    compared: BTreeSet<Workspace>,
}

impl<'o> BaseComparisons<'o> {
    /// As the arguments say; `None` without `--base`.
    pub(super) fn of(
        arguments: &'o CheckArguments,
        options: &'o GateOptions,
        databases: &'o Databases,
    ) -> Option<Self> {
        let base = &arguments.base;
        Some(Self {
            request: BaseRequest { revision: base.base.clone()?, merge_base: base.merge_base },
            arguments: &arguments.gate,
            options,
            databases,
            repositories: Vec::new(),
            loosened_fails: !base.allow_policy_changes,
            gate: base.base_gate,
        })
    }

    /// Compares a verdict with that on the base. `head` checks the workspaces of the checkout.
    ///
    /// # Errors
    ///
    /// When the base cannot be read or has no verdict.
    pub(super) fn compare(
        &mut self,
        verdict: &Verdict,
        head: &mut SharedPolicies<'o>,
    ) -> Result<Comparison, BaseError> {
        let workspace = &verdict.workspace;
        let at = self.repository_of(workspace)?;
        let before = self.repositories[at].verdict_before(verdict)?;
        let base = self.repositories[at].base.clone();
        let mut comparison = Comparison::new(verdict, before.as_ref(), &base);
        if before.is_some_and(|before| has_other_policy(&before, verdict))
            && let Some(strict) = head.verdict_with_base_policy(workspace, &base)
        {
            comparison.add_loosened(verdict, &strict, &base);
        }
        Ok(comparison)
    }

    /// The exit code of a workspace.
    pub(super) fn exit_code(&self, comparison: &Comparison, verdict: &Verdict) -> u8 {
        let new = comparison.exit_code(verdict, self.loosened_fails);
        match self.gate {
            BaseGate::New => new,
            BaseGate::All => new | verdict.exit_code(),
        }
    }

    /// The folders of the workspaces that the checkout does not have any more, with their errors and warnings.
    pub(super) fn removed(&mut self) -> Vec<(Utf8PathBuf, Vec<Finding>)> {
        let mut removed = Vec::new();
        for repository in &mut self.repositories {
            for workspace in repository.without_counterpart() {
                let Ok(before) = repository.checked(&workspace) else { continue };
                let folder = repository.base.path_in_checkout(workspace.folder());
                let findings = Comparison::removed(&before, &repository.base);
                removed.push((folder.unwrap_or_default(), findings));
            }
        }
        removed.retain(|(_, findings)| {
            findings.iter().any(|finding| finding.severity >= Severity::Warning)
        });
        removed
    }

    /// The index of the repository of a workspace.
    fn repository_of(&mut self, workspace: &Workspace) -> Result<usize, BaseError> {
        let known =
            self.repositories.iter().position(|one| one.base.has_folder(workspace.folder()));
        if let Some(known) = known {
            return Ok(known);
        }
        let resolver = &self.options.resolver;
        let base =
            Base::of(workspace.folder(), &self.request, &resolver.cache, &resolver.children)?;
        let base = Rc::new(base);
        let workspaces = self.selected_in(&base);
        let shared = SharedPolicies::of_base(
            self.arguments,
            &workspaces,
            self.options,
            self.databases,
            base.clone(),
        );
        let compared = BTreeSet::new();
        self.repositories.push(BaseOfRepository { base, shared, workspaces, compared });
        Ok(self.repositories.len() - 1)
    }

    /// The workspaces of the base that the arguments would select.
    fn selected_in(&self, base: &Base) -> Vec<Workspace> {
        let mut options =
            DiscoveryOptions { nested: self.arguments.all, ..DiscoveryOptions::default() };
        if let Some(excluded) = &self.arguments.exclude_dir {
            options.excluded.clone_from(excluded);
        }
        let here = [Utf8PathBuf::from(".")];
        let mut paths: Vec<&Utf8Path> = match &self.arguments.manifest_path {
            Some(manifest) => vec![manifest],
            None => self.arguments.paths().map(Utf8PathBuf::as_path).collect(),
        };
        if paths.is_empty() {
            paths.extend(here.iter().map(Utf8PathBuf::as_path));
        }
        let mut found: Vec<Workspace> = Vec::new();
        for path in paths {
            let Some(path) = absolute(path).ok().and_then(|path| base.path_of(&path)) else {
                continue;
            };
            let workspaces = if path.is_dir() {
                Discovery::below(&path, &options).workspaces
            } else if path.is_file() {
                vec![Workspace::of_manifest(&path)]
            } else {
                Vec::new()
            };
            for workspace in workspaces {
                if !found.contains(&workspace) {
                    found.push(workspace);
                }
            }
        }
        found
    }
}

impl BaseOfRepository<'_> {
    /// The verdict on the same workspace of the base; of one that was moved, if it is not in its folder. `None` if the
    /// base does not have it.
    fn verdict_before(&mut self, verdict: &Verdict) -> Result<Option<Verdict>, BaseError> {
        if let Some(before) = self.base.workspace(&verdict.workspace) {
            return self.checked(&before).map(Some);
        }
        let mut best: Option<(usize, Verdict)> = None;
        for workspace in self.without_counterpart() {
            let before = self.checked(&workspace)?;
            self.compared.remove(&workspace);
            let head = Side { findings: &verdict.findings, root: self.base.checkout() };
            let matches =
                Matches::of(head, Side { findings: &before.findings, root: self.base.root() });
            let same = matches.of_head.iter().flatten().count();
            if same > best.as_ref().map_or(0, |(most, _)| *most) {
                best = Some((same, before));
            }
        }
        let best = best.map(|(_, verdict)| verdict);
        self.compared.extend(best.iter().map(|verdict| verdict.workspace.clone()));
        Ok(best)
    }

    /// The workspaces of the base that are not compared and whose folders the checkout does not have.
    fn without_counterpart(&self) -> Vec<Workspace> {
        let is_gone = |workspace: &&Workspace| {
            let manifest = self.base.path_in_checkout(&workspace.manifest);
            !self.compared.contains(*workspace)
                && manifest.is_some_and(|manifest| !manifest.is_file())
        };
        self.workspaces.iter().filter(is_gone).cloned().collect()
    }

    fn checked(&mut self, workspace: &Workspace) -> Result<Verdict, BaseError> {
        logging::progress(&format!("checking {}", self.base.shown_name()));
        self.compared.insert(workspace.clone());
        let without_verdict =
            |reason: String| BaseError::NoVerdict { name: self.base.shown_name(), reason };
        match self.shared.verdict(workspace) {
            Some(verdict) if verdict.complete => Ok(verdict),
            Some(verdict) => {
                let mut errors = verdict.findings.iter().filter(|finding| {
                    finding.severity == Severity::Error && finding.check.exit_bit() == 0
                });
                let reason = errors.next().map_or_else(
                    || "not all checks could run".to_owned(),
                    |finding| finding.message.replace(self.base.root().as_str(), ""),
                );
                Err(without_verdict(reason))
            }
            None => Err(without_verdict("canceled".to_owned())),
        }
    }
}

/// Whether the text of a policy file has changed. Without a policy on the base there is nothing that could be hidden.
fn has_other_policy(before: &Verdict, now: &Verdict) -> bool {
    let text = |file: &Option<Utf8PathBuf>| {
        let text = file.as_ref().and_then(|file| OnDisk.read_named(file).ok());
        text.map(|text| text.as_str().to_owned())
    };
    before.policy.is_some()
        && (text(&before.policy) != text(&now.policy)
            || text(&before.exceptions) != text(&now.exceptions))
}
