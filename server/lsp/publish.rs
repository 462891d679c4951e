//! The diagnostics of one file, from all verdicts and the client's text: each finding once, at its primary
//! location.

mod changes;
mod hidden;
mod other_dependencies;
mod related;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use tower_lsp::ls_types::{
    CodeDescription, Diagnostic, DiagnosticSeverity, DiagnosticTag, Location as LspLocation,
    NumberOrString,
};

use super::{
    convert::{self, uri_of},
    documents::DocumentKind,
    session::SessionState,
    shared_file,
};
use crate::{
    compare::Group,
    gate::{Verdict, is_manifest_syntax, manifest_syntax},
    ide::message,
    text::Span,
    verdict::{Code, Finding, Location, Role},
    workspace::Workspace,
};

pub(super) use changes::{FileChange, changed_files};

/// All diagnostics of `file`, in a stable order.
pub(super) fn diagnostics(file: &Utf8Path, state: &SessionState) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = Vec::new();
    let mut keys: Vec<DiagnosticKey> = Vec::new();
    let mut groups: Vec<Option<Group>> = Vec::new();
    // How often each is shown, and where first.
    let mut known: BTreeMap<DiagnosticKey, (usize, usize)> = BTreeMap::new();
    let typed = typed_error(file, state);
    let sharing = shared_file::workspaces_of(file, state);
    let mut of_workspaces: BTreeMap<DiagnosticKey, BTreeSet<&Workspace>> = BTreeMap::new();
    for (workspace, verdict) in &state.verdicts {
        let mut of_verdict: BTreeMap<DiagnosticKey, usize> = BTreeMap::new();
        for (id, group, diagnostic) in findings_in(file, verdict, &typed, state) {
            // Two workspaces may share a manifest or a policy: the same finding is shown once. Within a
            // verdict each finding counts, as in the gate.
            let key = DiagnosticKey::of(&diagnostic, id);
            let count = of_verdict.entry(key.clone()).or_default();
            *count += 1;
            let (shown, first) = known.entry(key.clone()).or_insert((0, all.len()));
            if *count > *shown {
                *shown = *count;
                keys.push(key.clone());
                all.push(diagnostic);
                groups.push(group);
            } else if group == Some(Group::New) {
                // It may be new in one of them only.
                groups[*first] = group;
            }
            of_workspaces.entry(key).or_default().insert(workspace);
        }
    }
    if !sharing.is_empty() {
        for (diagnostic, key) in all.iter_mut().zip(&keys) {
            let Some(having) = of_workspaces.get(key) else { continue };
            if having.len() >= sharing.len() {
                continue;
            }
            let names: Vec<_> = having
                .iter()
                .map(|workspace| format!("`{}`", shared_file::name_of(workspace, state)))
                .collect();
            diagnostic.message.push_str(&format!(" (in workspace {})", names.join(", ")));
        }
    }
    for (diagnostic, group) in all.iter_mut().zip(groups) {
        mark(diagnostic, group);
    }
    all.extend(hidden::diagnostics(file, state));
    all.extend(other_dependencies::hints(file, state));
    if let Some(finding) = &typed.finding {
        let shown = finding.locations.iter().filter_map(|at| diagnostic(finding, at, state));
        all.extend(shown);
    }
    all.sort_by(|a, b| order(a).cmp(&order(b)));
    all
}

/// Whether the message of a diagnostic may name a line of another file.
pub(super) fn may_name_lines(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Some(DiagnosticSeverity::HINT)
}

/// Whether diagnostics differ at most in the positions of their related locations in other files.
pub(super) fn are_same_but_for_links(one: &[Diagnostic], other: &[Diagnostic]) -> bool {
    let is_same = |(one, other): (&Diagnostic, &Diagnostic)| {
        let links = |diagnostic: &Diagnostic| -> Vec<_> {
            let links = diagnostic.related_information.iter().flatten();
            links.map(|link| (link.location.uri.clone(), link.message.clone())).collect()
        };
        let related_information = other.related_information.clone();
        links(one) == links(other) && Diagnostic { related_information, ..one.clone() } == *other
    };
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

/// What a message begins with if the base does not have the finding: at the end it would be cut off in many editors.
const NEW: &str = "new: ";

/// Marks the diagnostic of a finding with its group, if there is a comparison.
fn mark(diagnostic: &mut Diagnostic, group: Option<Group>) {
    let Some(group) = group else { return };
    let is_finding = matches!(
        diagnostic.severity,
        Some(DiagnosticSeverity::ERROR | DiagnosticSeverity::WARNING)
    );
    if group == Group::New && is_finding {
        diagnostic.message.insert_str(0, NEW);
    }
    if let Some(data) = diagnostic.data.as_mut().and_then(Value::as_object_mut) {
        data.insert("group".to_owned(), group.name().into());
    }
}

/// The findings of a verdict whose primary location is in `file`, each with its id and its group in the comparison.
fn findings_in<'v>(
    file: &'v Utf8Path,
    verdict: &'v Verdict,
    typed: &'v TypedError,
    state: &'v SessionState,
) -> impl Iterator<Item = (String, Option<Group>, Diagnostic)> + 'v {
    let comparison = state.comparisons.get(&verdict.workspace);
    verdict.findings_in(file).filter_map(move |(index, finding)| {
        let is_here = |location: &&Location| location.file == file;
        if typed.is_known && is_about_syntax_of(file, finding) {
            return None;
        }
        let location = shown_location(finding, state).filter(is_here)?;
        let group = comparison.and_then(|comparison| comparison.group(index));
        Some((finding.id(), group, diagnostic(finding, location, state)?))
    })
}

/// What makes two diagnostics of a file the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct DiagnosticKey {
    start: (u32, u32),
    end: (u32, u32),
    severity: u8,
    /// Of the finding: it is the same finding in two workspaces, whatever the dependency paths in its messages.
    id: String,
}

impl DiagnosticKey {
    fn of(diagnostic: &Diagnostic, id: String) -> Self {
        let (start, end) = (diagnostic.range.start, diagnostic.range.end);
        Self {
            start: (start.line, start.character),
            end: (end.line, end.character),
            severity: severity_order(diagnostic),
            id,
        }
    }
}

fn order(diagnostic: &Diagnostic) -> (u32, u32, &str, u8) {
    let start = diagnostic.range.start;
    (start.line, start.character, &diagnostic.message, severity_order(diagnostic))
}

fn severity_order(diagnostic: &Diagnostic) -> u8 {
    match diagnostic.severity {
        Some(DiagnosticSeverity::ERROR) => 1,
        Some(DiagnosticSeverity::WARNING) => 2,
        Some(DiagnosticSeverity::INFORMATION) => 3,
        _ => 4,
    }
}

/// Where a finding is shown: at its primary location or, while that line is deleted in the client's text,
/// at the next one.
fn shown_location<'f>(finding: &'f Finding, state: &SessionState) -> Option<&'f Location> {
    let exists = |location: &&Location| {
        state
            .documents
            .get(&location.file)
            .is_none_or(|document| document.current_span(&location.text, &location.span).is_some())
    };
    let of_role = |role| finding.locations.iter().filter(move |location| location.role == role);
    of_role(Role::Primary).find(exists).or_else(|| of_role(Role::Inherited).find(exists))
}

/// The syntax error of a manifest as it is typed: cargo is not asked about such a text, and the findings of
/// the last complete text stay.
#[derive(Default)]
struct TypedError {
    /// The text is known, so that the error of an older text is none of this one.
    is_known: bool,
    finding: Option<Finding>,
}

/// Whether a manifest of a workspace has a syntax error in its buffer: until it is completed, no new verdict comes.
pub(super) fn has_broken_manifest(verdict: &Verdict, state: &SessionState) -> bool {
    let root = verdict.workspace.root.join("Cargo.toml");
    let is_part = |file: &Utf8PathBuf| {
        *file == root || *file == verdict.workspace.manifest || verdict.declares_in(file)
    };
    let open = state.documents.paths();
    open.iter().filter(|file| is_part(file)).any(|file| typed_error(file, state).finding.is_some())
}

fn typed_error(file: &Utf8Path, state: &SessionState) -> TypedError {
    let is_manifest = DocumentKind::of(file) == Some(DocumentKind::Manifest);
    let Some(document) = state.documents.get(file).filter(|_| is_manifest) else {
        return TypedError::default();
    };
    TypedError { is_known: true, finding: manifest_syntax(file, document.text()) }
}

fn is_about_syntax_of(file: &Utf8Path, finding: &Finding) -> bool {
    finding.locations.first().is_some_and(|location| location.file == file)
        && is_manifest_syntax(finding)
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
            .then(|| related::of(finding, location, state))
            .filter(|related| !related.is_empty()),
        tags: finding
            .code
            .and_then(tag)
            .filter(|tag| features.tags.contains(tag))
            .map(|tag| vec![tag]),
        data: features.diagnostic_data.then(|| data(finding, location)),
    })
}

/// `Diagnostic.data`, from which a client can make its own message: `id`, `message` (only the problem),
/// `title` (the advisory's, or null), `remedy` (or null), `check`, `package` (`name` and `version`, or
/// null), `path` (a dependency path, from a member on, each `name version`), and `otherPaths` (how many
/// other paths there are).
fn data(finding: &Finding, location: &Location) -> Value {
    let package = finding.packages.first();
    let path = location.via.and_then(|via| finding.paths.get(via));
    let others = path.map_or(0, |_| finding.path_count.saturating_sub(1));
    let path = path
        .into_iter()
        .flat_map(|path| path.iter())
        .map(|one| format!("{} {}", one.name, one.version));
    json!({
        "id": finding.id(),
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

/// A location in the client's text; `None` where it no longer exists there.
pub(super) fn lsp_location(location: &Location, state: &SessionState) -> Option<LspLocation> {
    let encoding = state.features.encoding;
    let documents = &state.documents;
    let document = documents.get(&location.file);
    let document = document.or_else(|| documents.closed(&location.file, &location.text));
    let (text, span): (_, Span) = match document {
        Some(document) => (document.text(), document.current_span(&location.text, &location.span)?),
        None => (&location.text, location.span.clone()),
    };
    let uri = state.documents.uri(&location.file).or_else(|| uri_of(&location.file))?;
    Some(LspLocation { uri, range: convert::range(text, &span, encoding) })
}
