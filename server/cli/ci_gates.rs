//! `--as-ci`: workspaces are checked with the command lines that the repository's CI runs.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::logging;
use crate::{
    ci::{self, GateSearch},
    gate::{CommandLine, GateOptions, OnDisk, Texts as _},
    workspace::Workspace,
};

/// The searches for gates, by the root of the repository.
#[derive(Default)]
pub(super) struct CiGates {
    searches: BTreeMap<Utf8PathBuf, GateSearch>,
    /// The workspaces without a gate; each is reported once.
    without_gate: BTreeSet<Workspace>,
}

impl CiGates {
    /// The options with the command lines of CI for a workspace. Warns where there are none.
    pub(super) fn options_for(
        &mut self,
        workspace: &Workspace,
        options: &GateOptions,
    ) -> GateOptions {
        let root = ci::root_around(workspace.folder());
        let search = self.searches.entry(root.clone()).or_insert_with(|| {
            let search = ci::find_gates(&root, &|path| OnDisk.read(path));
            for unresolved in &search.unresolved {
                logging::warn(&format!(
                    "the gate in {} is not used: {}",
                    unresolved.at.below(&root),
                    unresolved.reason
                ));
            }
            search
        });
        let command_lines = CommandLine::of_workspace(search, &root, workspace);
        if command_lines.is_empty() && self.without_gate.insert(workspace.clone()) {
            logging::warn(&format!(
                "found no command in `{root}` that runs cargo-deny on `{}`; checking it with cargo-deny's defaults",
                workspace.folder()
            ));
        }
        GateOptions { command_lines, ..options.clone() }
    }
}
