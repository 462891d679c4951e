//! The diagnostics of one file, from all verdicts and the client's text.

use camino::Utf8Path;
use serde_json::{Value, json};
use tower_lsp::ls_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag,
    Location as LspLocation, NumberOrString,
};

use super::{
    convert::{self, uri_of},
    session::SessionState,
};
use crate::{
    ide::message,
    text::Span,
    verdict::{Code, Finding, Location, Role},
};

/// How many related locations are sent.
const MAX_RELATED: usize = 8;

/// All diagnostics of `file`, in a stable order.
pub(super) fn diagnostics(file: &Utf8Path, state: &SessionState) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = Vec::new();
    for verdict in state.verdicts.values() {
        for finding in &verdict.findings {
            for location in finding.locations.iter().filter(|location| location.file == file) {
                all.extend(diagnostic(finding, location, state));
            }
        }
    }
    all.sort_by(|a, b| order(a).cmp(&order(b)));
    // Two workspaces may share a manifest or a policy, and cargo-deny reports some findings twice at
    // two severities: the more severe one comes first.
    all.dedup_by(|later, first| {
        later.range == first.range && later.code == first.code && later.message == first.message
    });
    all
}

fn order(diagnostic: &Diagnostic) -> (u32, u32, &str, u8) {
    let start = diagnostic.range.start;
    let severity = match diagnostic.severity {
        Some(DiagnosticSeverity::ERROR) => 1,
        Some(DiagnosticSeverity::WARNING) => 2,
        Some(DiagnosticSeverity::INFORMATION) => 3,
        _ => 4,
    };
    (start.line, start.character, &diagnostic.message, severity)
}

/// Whether a finding is shown at one of its locations.
pub(super) fn is_shown(finding: &Finding, location: &Location, state: &SessionState) -> bool {
    severity(finding, location, state).is_some()
}

fn severity(
    finding: &Finding,
    location: &Location,
    state: &SessionState,
) -> Option<DiagnosticSeverity> {
    let chosen = state.settings.level(finding.check, finding.code);
    convert::severity(finding, location.role, state.settings.notes, chosen)
}

fn diagnostic(finding: &Finding, location: &Location, state: &SessionState) -> Option<Diagnostic> {
    let features = &state.features;
    let severity = severity(finding, location, state)?;
    let link = finding.link().filter(|_| features.code_description);
    Some(Diagnostic {
        range: lsp_location(location, state)?.range,
        severity: Some(severity),
        code: finding.shown_code().map(|code| NumberOrString::String(code.to_owned())),
        code_description: link
            .and_then(|link| link.parse().ok())
            .map(|href| CodeDescription { href }),
        source: Some("supercargo".to_owned()),
        message: message::at_location(finding, location),
        related_information: features
            .related_information
            .then(|| related(finding, location, state))
            .filter(|related| !related.is_empty()),
        tags: finding
            .code
            .and_then(tag)
            .filter(|tag| features.tags.contains(tag))
            .map(|tag| vec![tag]),
        data: features.diagnostic_data.then(|| data(finding, location)),
    })
}

/// `Diagnostic.data`, from which a client can make its own message: `message` (only the problem),
/// `title` (the advisory's, or null), `remedy` (or null), `check`, `package` (`name` and `version`, or
/// null), `path` (a dependency path, from a member on, each `name version`), and `otherPaths` (how many
/// other paths there are).
fn data(finding: &Finding, location: &Location) -> Value {
    let package = finding.packages.first();
    let path = location.via.and_then(|via| finding.paths.get(via));
    let others = path.map_or(0, |_| finding.path_count.saturating_sub(1));
    let path = path.into_iter().flatten().map(|one| format!("{} {}", one.name, one.version));
    json!({
        "check": finding.check.name(),
        "message": message::problem(finding),
        "title": message::title(finding),
        "remedy": message::remedy(finding, location),
        "package": package.map(|one| json!({"name": one.name, "version": one.version})),
        "path": path.collect::<Vec<_>>(),
        "otherPaths": others,
    })
}

/// Policy entries without effect and unknown keys are faded, deprecated keys are struck through.
fn tag(code: Code) -> Option<DiagnosticTag> {
    match code {
        Code::UnusedWorkspaceDependency
        | Code::UnknownAdvisory
        | Code::UnknownFeature
        | Code::UnexpectedKeys => Some(DiagnosticTag::UNNECESSARY),
        code if code.is_without_effect() => Some(DiagnosticTag::UNNECESSARY),
        Code::Deprecated => Some(DiagnosticTag::DEPRECATED),
        _ => None,
    }
}

fn related(
    finding: &Finding,
    location: &Location,
    state: &SessionState,
) -> Vec<DiagnosticRelatedInformation> {
    let others = finding
        .locations
        .iter()
        .filter(|other| other.role == Role::Primary && !other.is_at(location))
        .map(|other| (other, "the same finding".to_owned()));
    let explained =
        finding.related.iter().map(|related| (&related.location, related.message.clone()));
    let (_, unshown) = message::explanation(finding);
    let unshown = unshown.into_iter().map(|line| (location, line));
    let all = explained.chain(unshown).chain(others).filter_map(|(location, message)| {
        Some(DiagnosticRelatedInformation { location: lsp_location(location, state)?, message })
    });
    all.take(MAX_RELATED).collect()
}

/// A location in the client's text; `None` where it no longer exists there.
pub(super) fn lsp_location(location: &Location, state: &SessionState) -> Option<LspLocation> {
    let encoding = state.features.encoding;
    let document = state.documents.get(&location.file);
    let (text, span): (_, Span) = match document {
        Some(document) => (document.text(), document.current_span(&location.text, &location.span)?),
        None => (&location.text, location.span.clone()),
    };
    let uri = state.documents.uri(&location.file).or_else(|| uri_of(&location.file))?;
    Some(LspLocation { uri, range: convert::range(text, &span, encoding) })
}
