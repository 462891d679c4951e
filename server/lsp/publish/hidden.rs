//! Diagnostics on entries of the policy that hide findings which the policy of the base reports.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde_json::{Value, json};
use tower_lsp::ls_types::{Diagnostic, DiagnosticSeverity};

use super::lsp_location;
use crate::{
    compare::{Group, LoosenedFinding},
    ide::message,
    lsp::{session::SessionState, settings::CodeLevel},
    verdict::Severity,
};

/// The diagnostics in a policy: one for each entry, whatever it hides. They are information, since they are no findings of
/// the gate.
pub(super) fn diagnostics(file: &Utf8Path, state: &SessionState) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = Vec::new();
    for comparison in state.comparisons.values() {
        let mut entries: BTreeMap<(usize, &str), Vec<&LoosenedFinding>> = BTreeMap::new();
        for hidden in &comparison.comparison.loosened {
            let level = state.settings.level(hidden.finding.check, hidden.finding.code);
            let entry = hidden.change.entry.as_ref().filter(|entry| entry.file == *file);
            if let Some(entry) = entry.filter(|_| level != Some(CodeLevel::Off)) {
                let key = (entry.span.start, hidden.change.what.as_str());
                entries.entry(key).or_default().push(hidden);
            }
        }
        for hidden in entries.values() {
            // Several workspaces may share the policy.
            let shown = diagnostic(hidden, &comparison.name, state);
            all.extend(shown.filter(|shown| !all.contains(shown)));
        }
    }
    all
}

fn diagnostic(hidden: &[&LoosenedFinding], base: &str, state: &SessionState) -> Option<Diagnostic> {
    let first = hidden.first()?;
    let entry = first.change.entry.as_ref()?;
    let of = |severity| hidden.iter().filter(|one| one.finding.severity == severity).count();
    let kind = match (of(Severity::Error), hidden.len()) {
        (1, 1) => "an error".to_owned(),
        (0, 1) => "a warning".to_owned(),
        (0, count) => format!("{count} warnings"),
        (errors, count) if errors == count => format!("{count} errors"),
        (_, count) => format!("{count} errors and warnings"),
    };
    let problem = message::problem(&first.finding);
    let more = match hidden.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let what = &first.change.what;
    // `` `key = 1`, which was `2` ``
    let comma = if what.contains(", ") { "," } else { "" };
    let data = state.features.diagnostic_data.then(|| data(first));
    Some(Diagnostic {
        range: lsp_location(entry, state)?.range,
        severity: Some(DiagnosticSeverity::INFORMATION),
        source: Some("supercargo".to_owned()),
        message: format!("{what}{comma} hides {kind} that {base} reports: {problem}{more}"),
        data,
        ..Diagnostic::default()
    })
}

/// As in the data of findings, without dependency path.
fn data(hidden: &LoosenedFinding) -> Value {
    let LoosenedFinding { finding, change } = hidden;
    let package = finding.packages.first();
    json!({
        "id": finding.id(),
        "check": finding.check.name(),
        "message": message::problem(finding),
        "title": message::title(finding),
        "remedy": change.what,
        "package": package.map(|one| json!({"name": one.name, "version": one.version})),
        "path": [],
        "otherPaths": 0,
        "group": Group::PolicyLoosened.name(),
    })
}
