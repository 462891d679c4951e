//! From cargo-deny's diagnostics to findings: which package, which code, which place.

use std::sync::Arc;

use cargo_deny::{
    Krates,
    diag::{Diag, Diagnostic, FileId, Files, Label, Severity as DenySeverity},
};
use codespan_reporting::{diagnostic::LabelStyle, files::Files as _};
use krates::NodeId;

use super::{
    Check, Code, Database, Finding, Location, LocationRule, PackageRef, PolicyText, Related, Role,
    Severity,
    locations::{Known, LocationIndex},
    manifests::package_ref,
    paths,
    policy::config_severity,
    words::{harmless, tidied},
};
use crate::text::{Edit, Edits, SourceText, Span};

mod sentences;

/// What a diagnostic is read with.
pub(super) struct Context<'a> {
    pub(super) krates: &'a Krates,
    pub(super) locations: &'a LocationIndex<'a>,
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
    location: Option<(Target, Location)>,
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
    let mut locations = chosen(&labels, Target::Policy);
    // What the policy holds twice, or holds without knowing it, is to be mended at each place.
    for label in &labels {
        if let Some((_, location)) = &label.location
            && !locations.iter().any(|known| known.is_at(location))
        {
            locations.push(location.clone());
        }
    }
    if locations.is_empty() {
        locations.push(policy.location(0..0));
    }
    Finding {
        check: Check::Config,
        code: diagnostic.code.as_deref().and_then(Code::by_name),
        severity: config_severity(diagnostic),
        message: sentences::about_policy(diagnostic, &labels),
        remedy: sentences::nearest(diagnostic, &labels),
        packages: Vec::new(),
        advisory: None,
        locations,
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
            labeled(
                label,
                context.policy,
                context.policy_id,
                context.files,
                Some(context.locations),
            )
        })
        .collect();
    let advisory = advisory(diag, context.database);
    let placed = locate(code, &nodes, &labels, context);
    let mut finding = Finding {
        check,
        code,
        severity: severity_of(diag.diag.severity),
        message: String::new(),
        remedy: None,
        advisory,
        locations: placed.locations,
        paths: placed.paths,
        path_count: placed.count,
        notes: notes(diag),
        related: related(&packages, &labels, context),
        packages,
    };
    // A related place that is the finding's own says nothing new.
    let Finding { related, locations, .. } = &mut finding;
    related.retain(|related| !locations.iter().any(|location| location.is_at(&related.location)));
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
struct Placement {
    locations: Vec<Location>,
    paths: Vec<Vec<PackageRef>>,
    count: u64,
    /// What was left out, a sentence.
    cut: Option<String>,
}

fn locate(
    code: Option<Code>,
    nodes: &[NodeId],
    labels: &[Labeled],
    context: &Context<'_>,
) -> Placement {
    let placing = code.map_or(LocationRule::Policy, Code::placing);
    let mut placed = Placement::default();
    match placing {
        LocationRule::Package | LocationRule::Source => {
            let mut known = Known::default();
            for node in nodes {
                let found = context.locations.of(*node, placing);
                let earlier = placed.paths.len();
                placed.cut = placed.cut.or_else(|| found.cut.clone());
                for location in &found.locations {
                    if known.insert(location) {
                        let via = location.via.map(|via| via + earlier);
                        placed.locations.push(Location { via, ..location.clone() });
                    }
                }
                placed.paths.extend(found.paths.iter().cloned());
                placed.count = placed.count.saturating_add(found.count);
            }
            placed.locations.sort_by_key(|location| location.role == Role::Pointer);
            if is_about_the_license(code) {
                prefer_license_fields(&mut placed.locations, nodes, context);
            }
        }
        LocationRule::Policy => placed.locations = chosen(labels, Target::Policy),
        LocationRule::Manifest if code == Some(Code::Wildcard) => {
            placed.locations = requirements(labels, context);
        }
        LocationRule::Manifest => placed.locations = chosen(labels, Target::Manifest),
        LocationRule::Workspace => {}
    }
    if placed.locations.is_empty() {
        placed.locations = chosen(labels, Target::Manifest);
    }
    if placed.locations.is_empty() {
        placed.locations = chosen(labels, Target::Policy);
    }
    if placed.locations.is_empty() {
        placed.locations.push(context.locations.manifests.judged.head());
    }
    placed
}

/// cargo-deny points to the whole value where there is no requirement, also where the requirement
/// is the workspace's.
fn requirements(labels: &[Labeled], context: &Context<'_>) -> Vec<Location> {
    let mut locations: Vec<Location> = Vec::new();
    for value in chosen(labels, Target::Manifest) {
        for location in context.locations.manifests.declared_in(value) {
            if !locations.iter().any(|known| known.is_at(&location)) {
                locations.push(location);
            }
        }
    }
    locations.sort_by_key(|location| location.role == Role::Pointer);
    locations
}

fn is_about_the_license(code: Option<Code>) -> bool {
    code.is_some_and(|code| code.check() == Check::Licenses)
}

/// A local package states its license itself: the finding stands there.
fn prefer_license_fields(locations: &mut [Location], nodes: &[NodeId], context: &Context<'_>) {
    for node in nodes {
        let Some(manifest) = context.locations.manifests.of_node(*node) else { continue };
        let Some(package) = &manifest.model.package else { continue };
        let Some(license) = package.license.as_ref().or(package.license_file.as_ref()) else {
            continue;
        };
        let head = manifest.head();
        for location in locations.iter_mut().filter(|location| location.is_at(&head)) {
            location.span = license.span.clone();
        }
    }
}

/// The primary labels of the wanted kind, else the others of that kind.
fn chosen(labels: &[Labeled], target: Target) -> Vec<Location> {
    let of_kind = |primary: Option<bool>| {
        let meant =
            labels.iter().filter(move |label| primary.is_none_or(|wanted| label.primary == wanted));
        let mut locations: Vec<Location> = Vec::new();
        for (kind, location) in meant.filter_map(|label| label.location.as_ref()) {
            if *kind == target && !locations.iter().any(|known: &Location| known.is_at(location)) {
                locations.push(location.clone());
            }
        }
        locations
    };
    let primary = of_kind(Some(true));
    if primary.is_empty() { of_kind(None) } else { primary }
}

fn related(packages: &[PackageRef], labels: &[Labeled], context: &Context<'_>) -> Vec<Related> {
    let locked =
        packages.iter().filter_map(|package| context.locations.manifests.lock_entry(package));
    let labeled = labels.iter().filter_map(|label| {
        let (_, location) = label.location.as_ref()?;
        let message =
            if label.message.is_empty() { label.text.clone() } else { label.message.clone() };
        Some(Related { location: location.clone(), message })
    });
    locked.chain(labeled).collect()
}

fn labeled(
    label: &Label,
    policy: &PolicyText,
    policy_id: FileId,
    files: &Files,
    locations: Option<&LocationIndex<'_>>,
) -> Labeled {
    let source = files.source(label.file_id);
    let text = source.get(label.range.clone()).unwrap_or_default().trim_matches('"');
    let location = (|| {
        if label.file_id == policy_id {
            return Some((Target::Policy, policy.location(label.range.clone())));
        }
        let name = codespan_name(files, label.file_id)?;
        let span = without_mark(source, &label.range);
        if let Some(file) = policy.exceptions.as_ref().filter(|file| file.is_called(name)) {
            let text = file.text().filter(|text| text.as_str() == source);
            let text = text.cloned().unwrap_or_else(|| SourceText::new(source));
            let location =
                Location { file: file.path.clone(), text, span, role: Role::Mend, via: None };
            return Some((Target::Policy, location));
        }
        let manifest = locations?.manifests.at(name)?;
        // It may be written otherwise by now.
        let mut edits = Edits::default();
        edits.push(Edit::between(source.trim_start_matches('\u{feff}'), manifest.text.as_str()));
        Some((Target::Manifest, manifest.location(edits.moved(&span), Role::Mend)))
    })();
    Labeled {
        location,
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
