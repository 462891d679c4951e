//! Manifests that belong to several workspaces, as that of a package on which the workspace of its fuzz targets depends:
//! findings and actions name the workspace where the others do not have the same.

use camino::Utf8Path;

use super::session::SessionState;
use crate::{gate::Verdict, workspace::Workspace};

/// The workspaces that are checked with a manifest; none if there is only one.
pub(super) fn workspaces_of<'s>(
    file: &Utf8Path,
    state: &'s SessionState,
) -> Vec<(&'s Workspace, &'s Verdict)> {
    if file.file_name() != Some("Cargo.toml") {
        return Vec::new();
    }
    let is_used = |workspace: &Workspace, verdict: &Verdict| {
        workspace.manifest == file || verdict.declares_in(file)
    };
    let used = state.verdicts.iter().filter(|(workspace, verdict)| is_used(workspace, verdict));
    let used: Vec<_> = used.map(|(workspace, verdict)| (workspace, &**verdict)).collect();
    if used.len() < 2 { Vec::new() } else { used }
}

/// The folder of a workspace as it is named to the user: relative to the innermost open folder that contains it.
pub(super) fn name_of(workspace: &Workspace, state: &SessionState) -> String {
    let folder = workspace.folder();
    let below = state.folders.iter().filter_map(|open| folder.strip_prefix(open).ok());
    match below.min_by_key(|below| below.as_str().len()) {
        Some(below) if below.as_str().is_empty() => ".".to_owned(),
        Some(below) => below.to_string(),
        None => folder.to_string(),
    }
}
