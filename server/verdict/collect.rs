//! From cargo-deny's diagnostics to findings: which package, which code, which place.

use std::sync::Arc;

use cargo_deny::{
    Krates,
    diag::{Diag, Diagnostic, FileId, Files, Label, Severity as DenySeverity},
};
use codespan_reporting::{diagnostic::LabelStyle, files::Files as _};
use krates::NodeId;

use super::{
    Check, Code, Database, Finding, PackageRef, Place, Placing, PolicyText, Related, Role,
    Severity,
    manifests::package_ref,
    paths,
    places::{Known, Places},
    policy::config_severity,
    words::{harmless, tidied},
};
use crate::text::{Edit, Edits, SourceText, Span};

mod sentences;

/// What a diagnostic is read with.
pub(super) struct Context<'a> {
    pub(super) krates: &'a Krates,
    pub(super) places: &'a Places<'a>,
    pub(super) policy: &'a PolicyText,
    pub(super) policy_id: FileId,
    pub(super) files: &'a Files,
    pub(super) database: Option<&'a Database>,
}

impl Context<'_> {
    /// Whether a diagnostic points to an entry of the policy.
    pub(super) fn is_labeled(&self, diag: &Diag) -> bool {
        diag.diag.labels.iter().any(|label| label.file_id == self.policy_id)
    }
}

/// A label with the place that it stands for, if that is in a file of the user's.
struct Labeled {
    place: Option<(Target, Place)>,
    primary: bool,
    /// The text that the label covers.
    text: String,
    message: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Policy,
    Manifest,
}

/// cargo-deny counts a `bug` as nothing; it is shown as a warning.
pub(super) fn severity_of(severity: DenySeverity) -> Severity {
    match severity {
        DenySeverity::Error => Severity::Error,
        DenySeverity::Warning | DenySeverity::Bug => Severity::Warning,
        DenySeverity::Note => Severity::Note,
        DenySeverity::Help => Severity::Help,
    }
}

/// A finding from a diagnostic about the policy, before any graph exists.
pub(super) fn from_config(
    diagnostic: &Diagnostic,
    policy: &PolicyText,
    policy_id: FileId,
    files: &Files,
) -> Finding {
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|label| labeled(label, policy, policy_id, files, None))
        .collect();
    let mut places = chosen(&labels, Target::Policy);
    // What the policy holds twice, or holds without knowing it, is to be mended at each place.
    for label in &labels {
        if let Some((_, place)) = &label.place
            && !places.iter().any(|known| known.is_at(place))
        {
            places.push(place.clone());
        }
    }
    if places.is_empty() {
        places.push(policy.place(0..0));
    }
    Finding {
        check: Check::Config,
        code: diagnostic.code.as_deref().and_then(Code::by_name),
        severity: config_severity(diagnostic),
        message: sentences::about_policy(diagnostic, &labels),
        remedy: sentences::nearest(diagnostic, &labels),
        packages: Vec::new(),
        advisory: None,
        places,
        paths: Vec::new(),
        path_count: 0,
        notes: diagnostic.notes.iter().map(|note| harmless(note)).collect(),
        related: Vec::new(),
    }
}

/// Gives a finding the words of its advisory.
pub(super) fn say_advisory(finding: &mut Finding) {
    if let Some(sentence) = sentences::advisory(finding) {
        finding.message = sentence.message.unwrap_or_default();
        finding.remedy = sentence.remedy;
    }
}

/// A finding from a diagnostic of one of the checks.
pub(super) fn from_check(diag: &Diag, check: Check, context: &Context<'_>) -> Finding {
    let code = diag.code.and_then(|code| Code::by_name(code.as_str()));
    let nodes = nodes(diag, context.krates);
    let packages: Vec<PackageRef> = nodes
        .iter()
        .filter_map(|node| paths::krate(context.krates, *node))
        .map(package_ref)
        .collect();
    let labels: Vec<_> = diag
        .diag
        .labels
        .iter()
        .map(|label| {
            labeled(label, context.policy, context.policy_id, context.files, Some(context.places))
        })
        .collect();
    let advisory = advisory(diag, context.database);
    let placed = place(code, &nodes, &labels, context);
    let mut finding = Finding {
        check,
        code,
        severity: severity_of(diag.diag.severity),
        message: String::new(),
        remedy: None,
        advisory,
        places: placed.places,
        paths: placed.paths,
        path_count: placed.count,
        notes: notes(diag),
        related: related(&packages, &labels, context),
        packages,
    };
    // A related place that is the finding's own says nothing new.
    let Finding { related, places, .. } = &mut finding;
    related.retain(|related| !places.iter().any(|place| place.is_at(&related.place)));
    let sentence = sentences::of(&finding, &diag.diag.message, &labels);
    finding.message =
        sentence.message.unwrap_or_else(|| tidied(&diag.diag.message, &finding.packages));
    // cargo-deny draws the package below its sentence; ours have to name it.
    if let Some(package) = finding.packages.first()
        && !finding.message.contains(&format!("`{}`", package.name))
    {
        finding.message = format!("`{}` {}: {}", package.name, package.version, finding.message);
    }
    finding.remedy = sentence.remedy;
    say_cut(&mut finding, placed.cut.as_deref());
    finding
}

/// Says what of a finding's locations and dependency paths was left out.
pub(super) fn say_cut(finding: &mut Finding, cut: Option<&str>) {
    if let Some(cut) = cut {
        finding.message.push_str(&format!(" ({cut})"));
    }
}

fn notes(diag: &Diag) -> Vec<String> {
    diag.diag
        .notes
        .iter()
        .map(|note| harmless(note.trim_end()))
        .filter(|note| !note.is_empty())
        .collect()
}

fn nodes(diag: &Diag, krates: &Krates) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    for graph_node in &diag.graph_nodes {
        // cargo-deny shows nothing for a feature that is no node of the graph.
        if krates.get_node(&graph_node.kid, graph_node.feature.as_deref()).is_none() {
            continue;
        }
        if let Some(node) = krates.nid_for_kid(&graph_node.kid)
            && !nodes.contains(&node)
        {
            nodes.push(node);
        }
    }
    nodes
}

fn advisory(diag: &Diag, database: Option<&Database>) -> Option<Arc<super::AdvisoryFacts>> {
    let Some(cargo_deny::diag::SerializedAdvisory::Json(json)) = &diag.advisory else {
        return None;
    };
    let id = json.get("id")?.as_str()?;
    database?.advisory(id).map(Arc::new)
}

#[derive(Default)]
struct Placed {
    places: Vec<Place>,
    paths: Vec<Vec<PackageRef>>,
    count: u64,
    /// What was left out, a sentence.
    cut: Option<String>,
}

fn place(
    code: Option<Code>,
    nodes: &[NodeId],
    labels: &[Labeled],
    context: &Context<'_>,
) -> Placed {
    let placing = code.map_or(Placing::Policy, Code::placing);
    let mut placed = Placed::default();
    match placing {
        Placing::Package | Placing::Source => {
            let mut known = Known::default();
            for node in nodes {
                let found = context.places.of(*node, placing);
                let earlier = placed.paths.len();
                placed.cut = placed.cut.or_else(|| found.cut.clone());
                for place in &found.places {
                    if known.insert(place) {
                        let via = place.via.map(|via| via + earlier);
                        placed.places.push(Place { via, ..place.clone() });
                    }
                }
                placed.paths.extend(found.paths.iter().cloned());
                placed.count = placed.count.saturating_add(found.count);
            }
            placed.places.sort_by_key(|place| place.role == Role::Pointer);
            if is_about_the_license(code) {
                prefer_license_fields(&mut placed.places, nodes, context);
            }
        }
        Placing::Policy => placed.places = chosen(labels, Target::Policy),
        Placing::Manifest if code == Some(Code::Wildcard) => {
            placed.places = requirements(labels, context);
        }
        Placing::Manifest => placed.places = chosen(labels, Target::Manifest),
        Placing::Workspace => {}
    }
    if placed.places.is_empty() {
        placed.places = chosen(labels, Target::Manifest);
    }
    if placed.places.is_empty() {
        placed.places = chosen(labels, Target::Policy);
    }
    if placed.places.is_empty() {
        placed.places.push(context.places.manifests.judged.head());
    }
    placed
}

/// cargo-deny points to the whole value where there is no requirement, also where the requirement
/// is the workspace's.
fn requirements(labels: &[Labeled], context: &Context<'_>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for value in chosen(labels, Target::Manifest) {
        for place in context.places.manifests.declared_in(value) {
            if !places.iter().any(|known| known.is_at(&place)) {
                places.push(place);
            }
        }
    }
    places.sort_by_key(|place| place.role == Role::Pointer);
    places
}

fn is_about_the_license(code: Option<Code>) -> bool {
    code.is_some_and(|code| code.check() == Check::Licenses)
}

/// A local package states its license itself: the finding stands there.
fn prefer_license_fields(places: &mut [Place], nodes: &[NodeId], context: &Context<'_>) {
    for node in nodes {
        let Some(manifest) = context.places.manifests.of_node(*node) else { continue };
        let Some(package) = &manifest.model.package else { continue };
        let Some(license) = package.license.as_ref().or(package.license_file.as_ref()) else {
            continue;
        };
        let head = manifest.head();
        for place in places.iter_mut().filter(|place| place.is_at(&head)) {
            place.span = license.span.clone();
        }
    }
}

/// The primary labels of the wanted kind, else the others of that kind.
fn chosen(labels: &[Labeled], target: Target) -> Vec<Place> {
    let of_kind = |primary: Option<bool>| {
        let meant =
            labels.iter().filter(move |label| primary.is_none_or(|wanted| label.primary == wanted));
        let mut places: Vec<Place> = Vec::new();
        for (kind, place) in meant.filter_map(|label| label.place.as_ref()) {
            if *kind == target && !places.iter().any(|known: &Place| known.is_at(place)) {
                places.push(place.clone());
            }
        }
        places
    };
    let primary = of_kind(Some(true));
    if primary.is_empty() { of_kind(None) } else { primary }
}

fn related(packages: &[PackageRef], labels: &[Labeled], context: &Context<'_>) -> Vec<Related> {
    let locked = packages.iter().filter_map(|package| context.places.manifests.lock_entry(package));
    let labeled = labels.iter().filter_map(|label| {
        let (_, place) = label.place.as_ref()?;
        let message =
            if label.message.is_empty() { label.text.clone() } else { label.message.clone() };
        Some(Related { place: place.clone(), message })
    });
    locked.chain(labeled).collect()
}

fn labeled(
    label: &Label,
    policy: &PolicyText,
    policy_id: FileId,
    files: &Files,
    places: Option<&Places<'_>>,
) -> Labeled {
    let source = files.source(label.file_id);
    let text = source.get(label.range.clone()).unwrap_or_default().trim_matches('"');
    let place = (|| {
        if label.file_id == policy_id {
            return Some((Target::Policy, policy.place(label.range.clone())));
        }
        let name = codespan_name(files, label.file_id)?;
        let span = without_mark(source, &label.range);
        if let Some(file) = policy.exceptions.as_ref().filter(|file| file.is_called(name)) {
            let text = file.text().filter(|text| text.as_str() == source);
            let text = text.cloned().unwrap_or_else(|| SourceText::new(source));
            let place = Place { file: file.path.clone(), text, span, role: Role::Mend, via: None };
            return Some((Target::Policy, place));
        }
        let manifest = places?.manifests.at(name)?;
        // It may be written otherwise by now.
        let mut edits = Edits::default();
        edits.push(Edit::between(source.trim_start_matches('\u{feff}'), manifest.text.as_str()));
        Some((Target::Manifest, manifest.place(edits.moved(&span), Role::Mend)))
    })();
    Labeled {
        place,
        primary: label.style == LabelStyle::Primary,
        text: harmless(text),
        message: harmless(&label.message),
    }
}

/// A span of a file as it stands in our texts: the byte order mark is no part of them.
pub(super) fn without_mark(source: &str, span: &Span) -> Span {
    let shift = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    span.start.saturating_sub(shift)..span.end.saturating_sub(shift)
}

pub(super) fn codespan_name(files: &Files, id: FileId) -> Option<&camino::Utf8Path> {
    files.name(id).ok()
}
