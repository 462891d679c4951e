//! What the engine is asked for, and what it returns.

use std::{collections::BTreeMap, sync::Arc};

use camino::Utf8PathBuf;

use super::{
    Check, CheckSet, Counts, Database, DependencyGraph, Finding, GraphFacts, LintLevels,
    MatchedEntry, PackageFolder, PackageRef, PolicyText, ResolvedDependency,
};
use crate::{process::WaitReports, text::SourceText};

/// One run of the checks.
#[derive(Clone, Debug)]
pub struct EngineRequest {
    /// The policy; its `[graph]` must be the one that the engine was started with.
    pub policy: PolicyText,
    /// The opened advisory databases; `None` leaves out the advisories check.
    pub database: Option<Arc<Database>>,
    /// A number that changes whenever cargo's index has changed on disk.
    pub index: u64,
    /// The current texts of manifests, by path, where only comments or layout have changed since the
    /// graph was built.
    pub manifests: BTreeMap<Utf8PathBuf, SourceText>,
    /// The checks to run.
    pub checks: CheckSet,
    /// The levels of codes on the command line.
    pub levels: LintLevels,
    /// Also report cargo-deny's helps, such as every accepted license. Those that come from an entry
    /// of the policy are always reported.
    pub helps: bool,
    /// Also read the available versions of direct dependencies from cargo's index cache.
    pub releases: bool,
    /// Also gather all dependencies between packages.
    pub dependency_graph: bool,
    /// Where a wait for cargo's package cache is reported.
    pub waits: WaitReports,
    /// What the licenses check finds, if that is known and it has not run on this graph.
    pub licenses: Option<KnownFindings>,
}

/// What a check finds.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownFindings {
    /// In cargo-deny's order, with locations in the texts of the request.
    pub findings: Vec<Finding>,
    /// Their number.
    pub counts: Counts,
}

/// The results of the checks.
#[derive(Clone, Debug, Default)]
pub struct CheckResults {
    /// The findings, check by check, each in cargo-deny's order.
    pub findings: Vec<Finding>,
    /// The number of findings of every check that completed.
    pub counts: BTreeMap<Check, Counts>,
    /// The direct dependencies of the workspace and the packages they resolved to.
    pub declared: Arc<Vec<ResolvedDependency>>,
    /// The folders of the packages in the graph.
    pub folders: Arc<BTreeMap<PackageRef, PackageFolder>>,
    /// Facts about the graph that editors show.
    pub graph: Arc<GraphFacts>,
    /// All dependencies between packages, if they were requested.
    pub dependencies: Option<Arc<DependencyGraph>>,
    /// The packages that entries of the policy match, where no finding says so.
    pub matched: Vec<MatchedEntry>,
    /// The license texts of a package whose files may change were clarified: any of its files may have been read.
    pub clarifies_local_package: bool,
}
