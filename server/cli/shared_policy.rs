//! Workspaces that share a policy: what the others need decides whether an entry of the policy has no effect.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    thread::JoinHandle,
};

use camino::Utf8PathBuf;

use super::{arguments::GateArguments, ci_gates::CiGates, logging};
use crate::{
    compare::Base,
    gate::{Databases, Gate, GateOptions, OnDisk, OtherUses, PolicyUse, Verdict},
    limits,
    threads::{self, Activity, Panic},
    workspace::{DiscoveryOptions, RuledWorkspaces, Workspace},
};

/// What is known of the workspaces that share a policy with a checked one.
pub(super) struct SharedPolicies<'o> {
    options: &'o GateOptions,
    databases: &'o Databases,
    ci: CiGates,
    /// The commit whose workspaces are checked, if it is not the checkout.
    base: Option<Arc<Base>>,
    /// `None` where one manifest, or one policy, was named: then the workspace is checked alone, as by cargo-deny.
    discovery: Option<DiscoveryOptions>,
    ruled: BTreeMap<Utf8PathBuf, RuledWorkspaces>,
    uses: BTreeMap<Workspace, Option<PolicyUse>>,
    /// The policies that rule too many other workspaces; each is reported once.
    too_large: BTreeSet<Utf8PathBuf>,
    /// The workspaces to report, with the verdicts that were needed before their turn.
    reported: BTreeMap<Workspace, Option<Verdict>>,
    freed: FreedGates,
}

/// Gates whose memory is freed while the findings are printed, which takes as long. Dropping it waits for that: they may
/// use the unpacked advisories.
#[derive(Default)]
struct FreedGates(Vec<JoinHandle<Result<(), Panic>>>);

impl FreedGates {
    fn add(&mut self, gate: Gate) {
        let doing = Activity::just("freeing memory");
        self.0.extend(threads::spawn("free", None, doing, move || drop(gate)));
    }
}

impl Drop for FreedGates {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            // A panic is in the log.
            let _ = thread.join();
        }
    }
}

impl<'o> SharedPolicies<'o> {
    pub(super) fn new(
        arguments: &GateArguments,
        reported: &[Workspace],
        options: &'o GateOptions,
        databases: &'o Databases,
    ) -> Self {
        let alone = arguments.manifest_path.is_some() || arguments.config.is_some();
        let mut discovery = DiscoveryOptions::default();
        if let Some(excluded) = &arguments.exclude_dir {
            discovery.excluded.clone_from(excluded);
        }
        Self {
            options,
            databases,
            ci: CiGates::new(arguments.as_ci),
            base: None,
            discovery: (!alone).then_some(discovery),
            ruled: BTreeMap::new(),
            uses: BTreeMap::new(),
            too_large: BTreeSet::new(),
            reported: reported.iter().map(|workspace| (workspace.clone(), None)).collect(),
            freed: FreedGates::default(),
        }
    }

    /// The same for the workspaces of a commit.
    pub(super) fn of_base(
        arguments: &GateArguments,
        reported: &[Workspace],
        options: &'o GateOptions,
        databases: &'o Databases,
        base: Arc<Base>,
    ) -> Self {
        Self { base: Some(base), ..Self::new(arguments, reported, options, databases) }
    }

    /// The options of the command line.
    pub(super) fn options(&self) -> &'o GateOptions {
        self.options
    }

    /// The options for a workspace.
    pub(super) fn options_for(&mut self, workspace: &Workspace) -> GateOptions {
        let Some(base) = &self.base else { return self.ci.options_for(workspace, self.options) };
        // The gates are those of the checkout: both sides are checked with the same options.
        let path = |path: &Utf8PathBuf| base.path_in_checkout(path).unwrap_or_else(|| path.clone());
        let now = Workspace { manifest: path(&workspace.manifest), root: path(&workspace.root) };
        base.options(&self.ci.options_for(&now, self.options), &now)
    }

    /// Checks a workspace of the checkout with the policy of its base, in which it is `before`; `None` if canceled.
    pub(super) fn verdict_with_base_policy(
        &mut self,
        workspace: &Workspace,
        base: &Base,
        before: &Workspace,
    ) -> Option<Verdict> {
        let unmoved = base.unmoved(workspace, before);
        let options = base.options(&self.options_for(workspace), &unmoved);
        self.check_with(workspace, &options)
    }

    fn check(&mut self, workspace: &Workspace) -> Option<Verdict> {
        let mut options = self.options_for(workspace);
        options.dependency_graph &= self.reported.contains_key(workspace);
        self.check_with(workspace, &options)
    }

    fn check_with(&mut self, workspace: &Workspace, options: &GateOptions) -> Option<Verdict> {
        let mut gate = Gate::new(workspace.clone());
        if let Some(verdict) = gate.recall_exact(options, &OnDisk) {
            return Some(verdict);
        }
        let verdict = gate.check(options, &OnDisk, self.databases, &logging::progress)?;
        gate.remember(options, &verdict);
        self.freed.add(gate);
        Some(verdict)
    }

    /// Checks a workspace. Findings about entries of the policy that other workspaces need are withheld; the others are
    /// checked for this if there are such findings. `None` if canceled.
    pub(super) fn verdict(&mut self, workspace: &Workspace) -> Option<Verdict> {
        let known = self.reported.get_mut(workspace).and_then(Option::take);
        let verdict = match known {
            Some(verdict) => verdict,
            None => self.check(workspace)?,
        };
        self.uses.insert(workspace.clone(), use_of(&verdict));
        if !verdict.policy_use.asks_others() {
            return Some(verdict);
        }
        let others = self.other_uses(&verdict);
        Some(verdict.with_other_uses(&others))
    }

    /// The uses of the verdict's policy by other workspaces, which are checked for this.
    fn other_uses(&mut self, verdict: &Verdict) -> Arc<OtherUses> {
        let mut others = OtherUses::default();
        let Some(discovery) = self.discovery.clone() else { return Arc::default() };
        for file in verdict.policy.iter().chain(&verdict.exceptions) {
            let ruled = self.ruled.entry(file.clone());
            let ruled = ruled.or_insert_with(|| RuledWorkspaces::of(file, &discovery)).clone();
            others.more = others.more.max(usize::from(ruled.truncated));
            let is_new = |one: &&Workspace| {
                !self.uses.contains_key(*one) && !self.reported.contains_key(*one)
            };
            let checks_others =
                ruled.workspaces.iter().filter(is_new).count() <= limits::RULED_WORKSPACES;
            if !checks_others && self.too_large.insert(file.clone()) {
                logging::warn(&format!(
                    "`{file}` rules {} workspaces: entries that may be needed by one that is not checked are not \
                     reported; check all of them together, as with `supercargo check --all FOLDER`",
                    ruled.workspaces.len()
                ));
            }
            for workspace in &ruled.workspaces {
                if workspace.manifest == verdict.workspace.manifest {
                    continue;
                }
                let is_wanted = checks_others || self.reported.contains_key(workspace);
                if is_wanted && !self.uses.contains_key(workspace) {
                    logging::progress(&format!(
                        "checking `{}`, which has the same policy",
                        workspace.folder()
                    ));
                    let checked = self.check(workspace);
                    let policy_use = checked.as_ref().and_then(use_of);
                    self.uses.insert(workspace.clone(), policy_use);
                    if let Some(reported) = self.reported.get_mut(workspace) {
                        *reported = checked;
                    }
                }
                let policy_use = self.uses.get(workspace).cloned().flatten();
                others.workspaces.insert(workspace.clone(), policy_use);
            }
        }
        Arc::new(others)
    }
}

fn use_of(verdict: &Verdict) -> Option<PolicyUse> {
    verdict.complete.then(|| verdict.policy_use.clone())
}
