//! Hints in an open manifest on the other dependencies through which a finding comes, one on each line.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde_json::json;
use tower_lsp::ls_types::{Diagnostic, DiagnosticSeverity, Location as LspLocation, Range};

use super::{lsp_location, severity, shown_location};
use crate::{
    gate::Verdict,
    ide::other_dependencies::{self, OtherFinding},
    lsp::session::SessionState,
    verdict::{Finding, Location},
};

/// What is shown on one line.
struct LineHint {
    range: Range,
    findings: Vec<OtherFinding>,
    ids: Vec<String>,
}

/// The hints of an open manifest.
pub(super) fn hints(file: &Utf8Path, state: &SessionState) -> Vec<Diagnostic> {
    let is_open = state.documents.get(file).is_some();
    if !is_open || file.file_name() != Some("Cargo.toml") || !state.settings.other_dependencies {
        return Vec::new();
    }
    let mut lines: BTreeMap<u32, LineHint> = BTreeMap::new();
    for verdict in state.verdicts.values() {
        for (_, finding) in verdict.findings_in(file) {
            add(&mut lines, file, finding, verdict, state);
        }
    }
    lines.values().map(|hint| diagnostic(hint, state)).collect()
}

fn add(
    lines: &mut BTreeMap<u32, LineHint>,
    file: &Utf8Path,
    finding: &Finding,
    verdict: &Verdict,
    state: &SessionState,
) {
    let is_here = |location: &&Location| location.file == file;
    if finding.locations.len() < 2 {
        return;
    }
    let Some(shown) = shown_location(finding, state) else { return };
    if !is_problem(finding, shown, state) {
        return;
    }
    let Some(shown_at) = lsp_location(shown, state) else { return };
    let name = shown.file.strip_prefix(&verdict.workspace.root).unwrap_or(&shown.file);
    let line = shown_at.range.start.line;
    for location in finding.locations.iter().filter(is_here).filter(|one| !one.is_at(shown)) {
        let Some(LspLocation { range, .. }) = lsp_location(location, state) else { continue };
        // The finding itself is on this line.
        if shown.file == file && range.start.line == line {
            continue;
        }
        let hint = lines.entry(range.start.line).or_insert_with(|| LineHint {
            range,
            findings: Vec::new(),
            ids: Vec::new(),
        });
        let other = OtherFinding::new(finding, location, format!("{name}:{}", line + 1));
        // Two workspaces may share the manifest.
        if !hint.findings.contains(&other) {
            hint.findings.push(other);
        }
        let id = finding.id();
        if !hint.ids.contains(&id) {
            hint.ids.push(id);
        }
    }
}

/// Whether a finding is shown as an error or a warning.
fn is_problem(finding: &Finding, shown: &Location, state: &SessionState) -> bool {
    let severity = severity(finding, shown, state);
    severity.is_some_and(|severity| severity <= DiagnosticSeverity::WARNING)
}

fn diagnostic(hint: &LineHint, state: &SessionState) -> Diagnostic {
    Diagnostic {
        range: hint.range,
        severity: Some(DiagnosticSeverity::HINT),
        source: Some("supercargo".to_owned()),
        message: other_dependencies::hint(&hint.findings),
        data: state.features.diagnostic_data.then(|| json!({ "findings": hint.ids })),
        ..Diagnostic::default()
    }
}
