//! The result of a check.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{NO_VERDICT, OtherUses, PolicyUse, Totals, by_file::ByFile, policy_use};
use crate::{
    policy::effects::EffectInput,
    verdict::{
        Check, Code, Counts, DenyOptions, DependencyGraph, Finding, GateName, GraphFacts,
        MatchedEntry, PackageFolder, PackageRef, ResolvedDependency, WithheldFinding,
    },
    workspace::Workspace,
};

/// The result of one of several gates of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// How it is named.
    pub name: GateName,
    /// The options of cargo-deny.
    pub options: DenyOptions,
    /// Whether its failure fails CI; some gates only report.
    pub blocks: bool,
    /// cargo-deny's exit code, or [`NO_VERDICT`].
    pub exit_code: u8,
}

/// The result of a check.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The checked workspace.
    pub workspace: Workspace,
    /// The policy.
    pub policy: Option<Utf8PathBuf>,
    /// The file that adds license exceptions to it.
    pub exceptions: Option<Utf8PathBuf>,
    /// All findings, including the reasons why a check could not run.
    pub findings: Vec<Finding>,
    /// cargo-deny's counts for every check that ran.
    pub counts: BTreeMap<Check, Counts>,
    /// Whether all requested checks ran.
    pub complete: bool,
    /// How many packages were checked; 0 without a graph.
    pub packages: usize,
    /// The packages that the workspace's dependencies resolved to.
    pub declared: Arc<Vec<ResolvedDependency>>,
    /// The folders of the graph's packages; empty without a graph.
    pub folders: Arc<BTreeMap<PackageRef, PackageFolder>>,
    /// Facts about the graph; empty without one, and in a cached verdict.
    pub graph: Arc<GraphFacts>,
    /// All dependencies between packages, if they were requested.
    pub dependencies: Option<Arc<DependencyGraph>>,
    /// What policy entries match, where no finding says so.
    pub matched: Vec<MatchedEntry>,
    /// The files of cargo's index that it depends on, as far as they are known.
    pub index_files: Arc<BTreeSet<Utf8PathBuf>>,
    /// When the advisories were fetched, `YYYY-MM-DD`; `None` for a plain folder or none.
    pub database_date: Option<String>,
    /// What the workspace says about the entries of its policy.
    pub policy_use: PolicyUse,
    /// The gates that were united, if CI has more than one; the findings name those that report them.
    pub gates: Vec<GateOutcome>,
    /// The findings about entries of the policy that other workspaces need; not counted.
    pub withheld: Vec<WithheldFinding>,
    /// Its findings and dependencies by file.
    pub by_file: ByFile,
}

impl Verdict {
    /// The verdict of a check that has not begun.
    pub(crate) fn empty(workspace: Workspace) -> Self {
        Self {
            workspace,
            policy: None,
            exceptions: None,
            findings: Vec::new(),
            counts: BTreeMap::new(),
            complete: false,
            packages: 0,
            declared: Arc::default(),
            folders: Arc::default(),
            graph: Arc::default(),
            dependencies: None,
            matched: Vec::new(),
            index_files: Arc::default(),
            database_date: None,
            policy_use: PolicyUse::default(),
            gates: Vec::new(),
            withheld: Vec::new(),
            by_file: ByFile::default(),
        }
    }

    /// Whether a file is its policy or exceptions file.
    pub(crate) fn uses_policy_file(&self, file: &Utf8Path) -> bool {
        self.policy.as_deref() == Some(file) || self.exceptions.as_deref() == Some(file)
    }

    /// Whether a finding is reported only because there is no policy: then every license is rejected.
    pub(crate) fn rejects_without_policy(&self, finding: &Finding) -> bool {
        self.policy.is_none() && finding.code == Some(Code::Rejected)
    }

    /// The sentence about all those findings together; `None` if there are none.
    pub(crate) fn rejected_without_policy(&self) -> Option<String> {
        let rejected = self.findings.iter().filter(|finding| self.rejects_without_policy(finding));
        let packages = match rejected.count() {
            0 => return None,
            1 => "1 package is".to_owned(),
            count => format!("{count} packages are"),
        };
        Some(format!(
            "no license is allowed without a policy, so {packages} rejected; create one with `supercargo init`"
        ))
    }

    /// The input for the effects of policy entries.
    pub(crate) fn effect_input(&self) -> EffectInput<'_> {
        let Self { findings, counts, graph, matched, withheld, .. } = self;
        EffectInput { findings, counts, graph, matched, withheld }
    }

    /// The verdict of the workspace alone: with the findings that were withheld because of others.
    pub(crate) fn with_withheld(&self) -> Self {
        policy_use::with_withheld(self)
    }

    /// The verdict of the workspace with what other workspaces need of the policy.
    #[must_use]
    pub fn with_other_uses(&self, others: &OtherUses) -> Self {
        let mut verdict = policy_use::with_withheld(self);
        policy_use::withhold(&mut verdict, others);
        verdict
    }

    /// The numbers of its errors and warnings.
    pub fn totals(&self) -> Totals {
        Totals::new(&self.counts, &self.findings)
    }

    /// cargo-deny's exit code, or [`NO_VERDICT`].
    pub fn exit_code(&self) -> u8 {
        let blocking = self.gates.iter().filter(|gate| gate.blocks).map(|gate| gate.exit_code);
        match (self.complete, self.gates.is_empty()) {
            (_, false) if blocking.clone().any(|code| code == NO_VERDICT) => NO_VERDICT,
            (_, false) => blocking.fold(0, |all, one| all | one),
            (true, true) => Counts::exit_code(&self.counts),
            (false, true) => NO_VERDICT,
        }
    }
}
