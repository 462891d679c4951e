//! The gates of the repository's CI: with `--as-ci` workspaces are checked with their command lines, and always with regard
//! to their versions of cargo-deny.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::logging;
use crate::{
    ci::{self, GateSearch},
    gate::{CommandLine, GateOptions, gate_versions},
    workspace::Workspace,
};

/// The searches for gates, by the root of the repository.
pub(super) struct CiGates {
    /// Check with the command lines of CI.
    as_ci: bool,
    searches: BTreeMap<Utf8PathBuf, GateSearch>,
    /// The workspaces without a gate; each is reported once.
    without_gate: BTreeSet<Workspace>,
}

impl CiGates {
    pub(super) fn new(as_ci: bool) -> Self {
        Self { as_ci, searches: BTreeMap::new(), without_gate: BTreeSet::new() }
    }

    /// The options for a workspace. With `--as-ci`, warns of gates that are not used, and where there are none.
    pub(super) fn options_for(
        &mut self,
        workspace: &Workspace,
        options: &GateOptions,
    ) -> GateOptions {
        let root = ci::root_around(workspace.folder());
        let as_ci = self.as_ci;
        let search = self.searches.entry(root.clone()).or_insert_with(|| {
            let search = ci::find_gates_or_kept(&root, &options.resolver.cache);
            for unresolved in search.unresolved.iter().filter(|_| as_ci) {
                logging::warn(&format!(
                    "the gate in {} is not used: {}",
                    unresolved.at.below(&root),
                    unresolved.reason
                ));
            }
            search
        });
        let gate_versions = gate_versions(search, &root, workspace);
        if !as_ci {
            return GateOptions { gate_versions, ..options.clone() };
        }
        let command_lines = CommandLine::of_workspace(search, &root, workspace);
        if command_lines.is_empty() && self.without_gate.insert(workspace.clone()) {
            logging::warn(&format!(
                "found no command in `{root}` that runs cargo-deny on `{}`; checking it with cargo-deny's defaults",
                workspace.folder()
            ));
        }
        GateOptions { command_lines, gate_versions, ..options.clone() }
    }
}
