//! What to check, and how.

use std::sync::Arc;

use camino::Utf8PathBuf;

use super::{CommandLine, OtherUses};
use crate::{
    facts::RefreshPolicy,
    policy::lints::GateVersion,
    resolve::Resolver,
    verdict::{Check, CheckSet, DatabaseSettings, DatabaseSource, DenyOptions, LoadedPolicy},
    workspace::PolicyFiles,
};

/// What to check, and how.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// The options of cargo-deny: which checks, levels, what belongs to the graph. Its paths are absolute.
    pub deny: DenyOptions,
    /// The policy files, if the caller has already looked them up.
    pub policy_files: Option<PolicyFiles>,
    /// A folder with advisories to use instead of the policy's databases.
    pub advisories: Option<Utf8PathBuf>,
    /// When advisory databases are fetched.
    pub refresh: RefreshPolicy,
    /// Also report cargo-deny's helps.
    pub helps: bool,
    /// Also look up newer and yanked versions of direct dependencies in cargo's index cache.
    pub releases: bool,
    /// Also gather all dependencies between packages. A verdict that has them is never a cached one.
    pub dependency_graph: bool,
    /// Without a policy, skip the license check instead of rejecting every license.
    pub skip_licenses_without_policy: bool,
    /// What the other workspaces with the same policy need of it.
    pub other_uses: Arc<OtherUses>,
    /// The command lines of CI; their verdicts are united. Without any, the options above are used.
    pub command_lines: Vec<CommandLine>,
    /// The versions of cargo-deny that CI runs on the workspace, as far as they are known.
    pub gate_versions: Vec<GateVersion>,
    /// How cargo is run.
    pub resolver: Resolver,
}

impl GateOptions {
    /// The advisories to check against.
    pub(super) fn database_source(&self, loaded: &LoadedPolicy) -> DatabaseSource {
        if let Some(folder) = &self.advisories {
            return DatabaseSource::Folder(folder.clone());
        }
        let offline = self.refresh == RefreshPolicy::Never;
        DatabaseSource::Managed(DatabaseSettings { offline, ..loaded.databases.clone() })
    }

    /// The checks of all command lines.
    pub fn checks(&self) -> CheckSet {
        if self.command_lines.is_empty() {
            return self.deny.checks;
        }
        let run =
            |check: &Check| self.command_lines.iter().any(|one| one.deny.checks.contains(*check));
        CheckSet::of(&Check::CARGO_DENY.into_iter().filter(run).collect::<Vec<_>>())
    }

    /// The same for one command line.
    pub(super) fn of_command_line(&self, line: &CommandLine) -> Self {
        Self {
            deny: line.deny.clone(),
            command_lines: Vec::new(),
            other_uses: Arc::default(),
            ..self.clone()
        }
    }
}
