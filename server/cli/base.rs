//! `check --base`: checks the workspaces of an earlier commit, too, and compares.

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
    thread,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    arguments::{BaseGate, CheckArguments, GateArguments},
    logging,
    shared_policy::SharedPolicies,
    targets::absolute,
};
use crate::{
    compare::{Base, BaseError, BaseRequest, Comparison, has_other_policy, loosened, moved},
    gate::{Databases, GateOptions, Verdict},
    threads::{self, Activity},
    verdict::{Finding, Severity},
    workspace::{Discovery, DiscoveryOptions, Workspace},
};

/// Checks the workspaces of the base, on a thread beside the checks of the checkout.
pub(super) struct BaseChecks<'o> {
    request: BaseRequest,
    arguments: &'o GateArguments,
    options: &'o GateOptions,
    databases: &'o Databases,
    repositories: Vec<BaseOfRepository<'o>>,
}

struct BaseOfRepository<'o> {
    base: Arc<Base>,
    shared: SharedPolicies<'o>,
    /// The workspaces of the base that the arguments select.
    workspaces: Vec<Workspace>,
    compared: BTreeSet<Workspace>,
}

/// A result of [`BaseChecks`].
enum BaseResult {
    /// For the workspace of the checkout with this number: the base, and the verdict on the same workspace there, if there
    /// is one.
    Before(usize, Result<(Arc<Base>, Option<Verdict>), BaseError>),
    /// The verdict on a workspace whose folder the checkout does not have.
    Gone(Arc<Base>, Verdict),
}

/// Compares the verdicts of a run.
pub(super) struct BaseComparisons {
    results: mpsc::Receiver<BaseResult>,
    /// The workspaces whose folders the checkout does not have, unless they were moved.
    gone: Vec<(Arc<Base>, Verdict)>,
    /// Whether errors that only the changes of the policy hide fail the run.
    loosened_fails: bool,
    /// Which errors fail the run.
    gate: BaseGate,
}

impl BaseComparisons {
    /// Starts to check the base; `None` without `--base`.
    pub(super) fn start<'scope, 'o: 'scope>(
        scope: &'scope thread::Scope<'scope, '_>,
        arguments: &'o CheckArguments,
        workspaces: &'o [Workspace],
        options: &'o GateOptions,
        databases: &'o Databases,
    ) -> Option<Self> {
        let base = &arguments.base;
        let request = BaseRequest { revision: base.base.clone()?, merge_base: base.merge_base };
        let (sender, results) = mpsc::channel();
        let gate = &arguments.gate;
        threads::scoped(scope, Activity::just("checking the base"), move || {
            let repositories = Vec::new();
            let checks = BaseChecks { request, arguments: gate, options, databases, repositories };
            checks.run(workspaces, &sender);
        });
        Some(Self {
            results,
            gone: Vec::new(),
            loosened_fails: !base.allow_policy_changes,
            gate: base.base_gate,
        })
    }

    /// Compares the verdict on the workspace with a number. `head` checks the workspaces of the checkout.
    ///
    /// # Errors
    ///
    /// When the base cannot be read or has no verdict.
    pub(super) fn compare(
        &mut self,
        number: usize,
        verdict: &Verdict,
        head: &mut SharedPolicies<'_>,
    ) -> Result<Comparison, BaseError> {
        let (base, mut before) = self.before(number)?;
        if before.is_none() {
            before = self.moved(&base, verdict);
        }
        let mut comparison = Comparison::new(verdict, before.as_ref(), &base);
        if let Some(before) = before.filter(|before| has_other_policy(verdict, before))
            && let Some(strict) =
                head.verdict_with_base_policy(&verdict.workspace, &base, &before.workspace)
        {
            comparison.hide(loosened(verdict, &strict, &base), &base);
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
        self.receive_gone();
        let gone = self.gone.iter().map(|(base, before)| {
            let folder = base.path_in_checkout(before.workspace.folder());
            (folder.unwrap_or_default(), Comparison::removed(before, base))
        });
        let is_shown = |finding: &Finding| finding.severity >= Severity::Warning;
        gone.filter(|(_, findings)| findings.iter().any(is_shown)).collect()
    }

    fn before(&mut self, number: usize) -> Result<(Arc<Base>, Option<Verdict>), BaseError> {
        while let Ok(result) = self.results.recv() {
            match result {
                BaseResult::Before(of, result) if of == number => return result,
                // The workspace has no verdict.
                BaseResult::Before(..) => {}
                BaseResult::Gone(base, verdict) => self.gone.push((base, verdict)),
            }
        }
        Err(BaseError::NoVerdict {
            name: "base".to_owned(),
            reason: "its check has ended early".to_owned(),
        })
    }

    /// The verdict on the workspace of the base that has most findings of this one, if it was moved.
    fn moved(&mut self, base: &Arc<Base>, verdict: &Verdict) -> Option<Verdict> {
        self.receive_gone();
        let gone = self.gone.iter().enumerate();
        let of_base: Vec<_> = gone.filter(|(_, (of, _))| Arc::ptr_eq(of, base)).collect();
        let verdicts = of_base.iter().map(|(_, (_, before))| before);
        let (at, _) = of_base[moved(verdict, verdicts, base)?];
        Some(self.gone.remove(at).1)
    }

    fn receive_gone(&mut self) {
        for result in &self.results {
            if let BaseResult::Gone(base, verdict) = result {
                self.gone.push((base, verdict));
            }
        }
    }
}

impl BaseChecks<'_> {
    fn run(mut self, workspaces: &[Workspace], sender: &mpsc::Sender<BaseResult>) {
        // Sending fails if no result is awaited.
        for (number, workspace) in workspaces.iter().enumerate() {
            let _ = sender.send(BaseResult::Before(number, self.before(workspace)));
        }
        for repository in &mut self.repositories {
            for workspace in repository.without_counterpart() {
                if let Ok(verdict) = repository.checked(&workspace) {
                    let _ = sender.send(BaseResult::Gone(repository.base.clone(), verdict));
                }
            }
        }
    }

    fn before(&mut self, workspace: &Workspace) -> Result<(Arc<Base>, Option<Verdict>), BaseError> {
        let at = self.repository_of(workspace)?;
        let repository = &mut self.repositories[at];
        let before = repository.base.workspace(workspace);
        let before = before.map(|before| repository.checked(&before)).transpose()?;
        Ok((repository.base.clone(), before))
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
        let base = Arc::new(base);
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
    /// The workspaces of the base that are not compared and whose folders the checkout does not have.
    fn without_counterpart(&self) -> Vec<Workspace> {
        let is_gone = |workspace: &&Workspace| {
            !self.compared.contains(*workspace) && self.base.left_folder(workspace).is_some()
        };
        self.workspaces.iter().filter(is_gone).cloned().collect()
    }

    fn checked(&mut self, workspace: &Workspace) -> Result<Verdict, BaseError> {
        logging::progress(&format!("checking {}", self.base.shown_name()));
        self.compared.insert(workspace.clone());
        self.base.complete(self.shared.verdict(workspace))
    }
}
