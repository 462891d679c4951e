//! The command lines with which the CI of a repository checks a workspace.

use camino::Utf8Path;

use super::{CommandLine, GateVersion};
use crate::{
    ci::{DiscoveredGate, GateSearch},
    verdict::{DenyOptions, GateName},
    workspace::Workspace,
};

/// The folder of GitHub's workflows, which names leave out.
const WORKFLOWS: &str = ".github/workflows/";

impl CommandLine {
    /// Those that a search found for a workspace, each once. What people run by hand counts only if no CI is found.
    pub fn of_workspace(search: &GateSearch, root: &Utf8Path, workspace: &Workspace) -> Vec<Self> {
        let ours: Vec<_> = search
            .gates
            .iter()
            .filter(|gate| gate.workspace.manifest == workspace.manifest)
            .collect();
        let of_ci: Vec<_> = ours.iter().copied().filter(|gate| is_run_by_ci(gate)).collect();
        let chosen = if of_ci.is_empty() { ours } else { of_ci };
        let mut lines: Vec<Self> = Vec::new();
        for gate in chosen {
            let deny = options(gate, workspace);
            let blocks = !gate.reports_only && !gate.check.passes_always();
            match lines.iter_mut().find(|line| line.deny == deny) {
                Some(same) => same.blocks |= blocks,
                None => {
                    lines.push(Self { name: name(gate, root), deny, blocks });
                }
            }
        }
        distinguish_same_names(&mut lines);
        lines
    }
}

/// The versions of cargo-deny with which a workspace is checked, where they are known.
pub fn gate_versions(
    search: &GateSearch,
    root: &Utf8Path,
    workspace: &Workspace,
) -> Vec<GateVersion> {
    let own = search.gates.iter().filter(|gate| gate.workspace.root == workspace.root);
    let versions = own.filter_map(|gate| {
        let number = gate.version.as_ref()?.number;
        Some(GateVersion {
            version: number.newest(),
            number: number.to_string(),
            at: gate.at.below(root),
        })
    });
    versions.collect()
}

fn is_run_by_ci(gate: &DiscoveredGate) -> bool {
    let is_yaml = |file: &Utf8Path| matches!(file.extension(), Some("yml" | "yaml"));
    gate.source.is_ci() || gate.called_from.as_ref().is_some_and(|from| is_yaml(&from.file))
}

/// The options that decide the verdict. Whether CI may use the network and has to have an up-to-date lockfile does not
/// decide what is checked here.
fn options(gate: &DiscoveredGate, workspace: &Workspace) -> DenyOptions {
    let deny = &gate.check.options;
    DenyOptions {
        manifest_path: None,
        // The same policy as without the option.
        config: deny
            .config_in(&gate.folder)
            .map(|path| crate::workspace::lexical(&path))
            .filter(|path| workspace.policy_files().policy.as_ref() != Some(path)),
        config_from_manifest: false,
        metadata_path: deny.metadata_path.as_ref().map(|path| gate.folder.join(path)),
        locked: false,
        offline: false,
        ..deny.clone()
    }
}

/// `ci.yml:23`, `scripts/lint.sh:4`.
fn name(gate: &DiscoveredGate, root: &Utf8Path) -> GateName {
    let line = gate.at.below(root);
    let line = line.strip_prefix(WORKFLOWS).map(str::to_owned).unwrap_or(line);
    GateName { line, variant: None }
}

/// A matrix has several command lines on one line: their names get the words that are not in all of them.
fn distinguish_same_names(lines: &mut [CommandLine]) {
    let all: Vec<_> = lines.iter().map(|one| (one.name.line.clone(), one.deny.words())).collect();
    for (line, (_, words)) in lines.iter_mut().zip(&all) {
        let same: Vec<_> = all.iter().filter(|(at, _)| *at == line.name.line).collect();
        if same.len() > 1 {
            let is_special = |word: &&String| !same.iter().all(|(_, words)| words.contains(word));
            let special: Vec<_> = words.iter().filter(is_special).map(String::as_str).collect();
            line.name.variant =
                Some(if special.is_empty() { line.deny.to_string() } else { special.join(" ") });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_matrix_are_distinguished_by_their_words() {
        let line = |name: &str, target: &str, all_features| CommandLine {
            name: GateName { line: name.to_owned(), variant: None },
            deny: DenyOptions {
                targets: vec![target.to_owned()],
                all_features,
                ..DenyOptions::default()
            },
            blocks: true,
        };
        let mut lines =
            [line("ci.yml:9", "a", true), line("ci.yml:9", "b", true), line("x.yml:1", "a", false)];
        distinguish_same_names(&mut lines);
        let names: Vec<_> = lines.iter().map(|line| line.name.to_string()).collect();
        assert_eq!(names, ["ci.yml:9 a", "ci.yml:9 b", "x.yml:1"]);
    }
}
