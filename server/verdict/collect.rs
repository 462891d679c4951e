//! Converts cargo-deny's diagnostics to findings: package, code, locations and message.

use std::{cell::OnceCell, collections::HashMap, rc::Rc, sync::Arc};

use cargo_deny::{
    Krates,
    diag::{Diag, Diagnostic, FileId, Files, Label, Pack, Severity as DenySeverity},
};
use codespan_reporting::{diagnostic::LabelStyle, files::Files as _};
use krates::NodeId;

use super::{
    Check, Code, Database, DependencyPath, Finding, Location, LocationRule, PackageRef, PolicyText,
    Related, Role, Severity,
    locations::{LocationIndex, SeenLocations},
    manifests::package_ref,
    message_text::{format_deny_message, sanitize},
    paths, sources,
};
use crate::text::{Edit, Edits, FilePath, SourceText, Span};

mod known_defects;
mod sentences;

/// The inputs for the conversion of a diagnostic.
pub(super) struct Context<'a> {
    pub(super) krates: &'a Krates,
    pub(super) locations: &'a LocationIndex<'a>,
    pub(super) policy: &'a PolicyText,
    pub(super) policy_id: FileId,
    pub(super) files: &'a Files,
    pub(super) database: Option<&'a Database>,
    /// Where the policy lists the allowed licenses, once it is known.
    pub(super) allow_list: OnceCell<Option<Location>>,
}

impl Context<'_> {
    /// Whether a diagnostic points to an entry of the policy.
    pub(super) fn is_labeled(&self, diag: &Diag) -> bool {
        diag.diag.labels.iter().any(|label| label.file_id == self.policy_id)
    }
}

/// A label, with its location if that is in a file of the user.
struct ResolvedLabel {
    location: Option<(LabelTarget, Location)>,
    primary: bool,
    /// The text under the label.
    text: String,
    message: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LabelTarget {
    Policy,
    Manifest,
}

/// cargo-deny does not count a `bug`; it is shown as a warning.
pub(super) fn severity_of(severity: DenySeverity) -> Severity {
    match severity {
        DenySeverity::Error => Severity::Error,
        DenySeverity::Warning | DenySeverity::Bug => Severity::Warning,
        DenySeverity::Note => Severity::Note,
        DenySeverity::Help => Severity::Help,
    }
}

/// Converts a diagnostic about the policy, before a graph exists.
pub(super) fn from_config(
    diagnostic: &Diagnostic,
    policy: &PolicyText,
    policy_id: FileId,
    files: &Files,
) -> Finding {
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|label| resolve_label(label, policy, policy_id, files, None))
        .collect();
    let mut locations = label_locations(&labels, LabelTarget::Policy);
    // Duplicates and unknown keys have to be fixed at each location.
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
        severity: severity_of(diagnostic.severity),
        message: sentences::policy_message(diagnostic, &labels),
        remedy: sentences::nearest(diagnostic, &labels),
        packages: Vec::new(),
        advisory: None,
        locations,
        paths: Vec::new(),
        path_count: 0,
        notes: sentences::policy_notes(diagnostic, &labels),
        related: label_messages(&labels),
        gates: Vec::new(),
        silent_gates: Vec::new(),
    }
}

/// What cargo-deny says about each of several locations in the policy.
fn label_messages(labels: &[ResolvedLabel]) -> Vec<Related> {
    let several = labels.iter().filter(|label| labels.len() > 1 && !label.message.is_empty());
    let located = several.filter_map(|label| {
        let (_, location) = label.location.as_ref()?;
        Some(Related { location: location.clone(), message: label.message.clone() })
    });
    located.collect()
}

/// Sets the message and remedy of a finding to those of its advisory.
/// `package` names the package where its version is not known.
pub(super) fn apply_advisory_message(finding: &mut Finding, package: Option<String>) {
    if let Some(sentence) = sentences::advisory(finding, package) {
        finding.message = sentence.message.unwrap_or_default();
        finding.remedy = sentence.remedy;
    }
}

/// Converts a diagnostic of one of the checks. `pack` has all diagnostics about the same package.
pub(super) fn from_check(diag: &Diag, pack: &Pack, check: Check, context: &Context<'_>) -> Finding {
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
            resolve_label(
                label,
                context.policy,
                context.policy_id,
                context.files,
                Some(context.locations),
            )
        })
        .collect();
    let advisory = advisory(diag, context.database);
    let parents = parents(diag, pack, &nodes, context.krates);
    let placement = locate(code, &nodes, &parents, &labels, context);
    let mut finding = Finding {
        check,
        code,
        severity: severity_of(diag.diag.severity),
        message: String::new(),
        remedy: None,
        advisory,
        locations: placement.locations,
        paths: placement.paths,
        path_count: placement.count,
        notes: notes(diag),
        related: related(code, &packages, &labels, context),
        gates: Vec::new(),
        silent_gates: Vec::new(),
        packages,
    };
    // A related location that is also a location of the finding adds nothing.
    let Finding { related, locations, .. } = &mut finding;
    related.retain(|related| !locations.iter().any(|location| location.is_at(&related.location)));
    let sentence = match code {
        Some(Code::Wildcard) => {
            let values = labels.iter().filter(|label| label.primary);
            let values = values.filter_map(|label| label.location.as_ref());
            let named =
                values.filter_map(|(_, value)| context.locations.manifests.dependency_in(value));
            sentences::wildcards(&finding, &diag.diag.message, &named.collect::<Vec<_>>())
        }
        _ => sentences::check_message(&finding, &diag.diag.message, &labels),
    };
    finding.message = sentence
        .message
        .unwrap_or_else(|| format_deny_message(&diag.diag.message, &finding.packages));
    // cargo-deny shows the package below its message; ours have to name it.
    if let Some(package) = finding.packages.first()
        && !finding.message.contains(&format!("`{}`", package.name))
    {
        finding.message = format!("`{}` {}: {}", package.name, package.version, finding.message);
    }
    finding.remedy = sentence.remedy;
    name_source(&mut finding, context.krates);
    sentences::keep_reasons(&mut finding, &labels);
    known_defects::correct(&mut finding, &labels, context);
    append_omission(&mut finding, placement.omission.as_deref());
    finding
}

/// Adds the source of the package to the message, and what `cargo update` needs to the remedy, where the graph has the same
/// name or version several times.
fn name_source(finding: &mut Finding, krates: &Krates) {
    let [package] = finding.packages.as_slice() else { return };
    let others: Vec<_> =
        krates.krates_by_name(&package.name).map(|one| package_ref(one.krate)).collect();
    if others.len() < 2 {
        return;
    }
    let (name, version) = (&package.name, &package.version);
    if let Some(source) = sources::distinguishing_source(package, &others)
        && finding.check != Check::Sources
    {
        let named = format!("`{name}` {version}");
        let source = sanitize(&source);
        finding.message = finding.message.replacen(&named, &format!("{named} ({source})"), 1);
    }
    let spec = sources::exact_spec(package, &others);
    if let Some(remedy) = &mut finding.remedy {
        let by_name = format!("`cargo update {name}`");
        *remedy = remedy.replace(&by_name, &format!("`cargo update {}`", sanitize(&spec)));
    }
}

/// Adds to the message which locations or dependency paths were left out.
pub(super) fn append_omission(finding: &mut Finding, omission: Option<&str>) {
    if let Some(omission) = omission {
        finding.message.push_str(&format!(" ({omission})"));
    }
}

fn notes(diag: &Diag) -> Vec<String> {
    diag.diag
        .notes
        .iter()
        .map(|note| sanitize(note.trim_end()))
        .filter(|note| !note.is_empty())
        .collect()
}

fn nodes(diag: &Diag, krates: &Krates) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    for graph_node in &diag.graph_nodes {
        // cargo-deny shows nothing for a feature that is not a node of the graph.
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
    paths: Vec<DependencyPath>,
    count: u64,
    /// A clause about what was left out.
    omission: Option<String>,
}

/// The packages because of which a banned package with wrappers is banned: those that depend on it and are
/// no wrapper. Empty where all that depend on it count.
fn parents(diag: &Diag, pack: &Pack, nodes: &[NodeId], krates: &Krates) -> Vec<NodeId> {
    let has_code = |diag: &Diag, code: Code| diag.code.is_some_and(|it| it.as_str() == code.name());
    let is_unmatched = |diag: &Diag| has_code(diag, Code::UnmatchedWrapper);
    let entry = |diag: &Diag| diag.diag.labels.first().map(|label| label.range.clone());
    // cargo-deny names the parent in the message only.
    let messages: Vec<&str> = match (is_unmatched(diag), has_code(diag, Code::Banned)) {
        (true, _) => vec![&diag.diag.message],
        (false, true) => {
            let same_entry =
                pack.iter().filter(|one| is_unmatched(one) && entry(one) == entry(diag));
            same_entry.map(|one| one.diag.message.as_str()).collect()
        }
        (false, false) => return Vec::new(),
    };
    let Some(node) = nodes.first() else { return Vec::new() };
    let dependents = krates.direct_dependents(*node).into_iter();
    let mut parents: Vec<_> = dependents
        .filter(|dependent| {
            let named = format!("direct parent '{}' of", dependent.krate);
            messages.iter().any(|message| message.starts_with(&named))
        })
        .map(|dependent| dependent.node_id)
        .collect();
    parents.sort_unstable();
    parents.dedup();
    parents
}

fn locate(
    code: Option<Code>,
    nodes: &[NodeId],
    parents: &[NodeId],
    labels: &[ResolvedLabel],
    context: &Context<'_>,
) -> Placement {
    let rule = code.map_or(LocationRule::Policy, Code::location_rule);
    let mut placement = Placement::default();
    match rule {
        LocationRule::Package
        | LocationRule::Source
        | LocationRule::Dependents
        | LocationRule::Oldest => {
            let mut seen = SeenLocations::default();
            let mut nodes = nodes.to_vec();
            if rule == LocationRule::Oldest {
                nodes.sort_by_key(|node| {
                    paths::krate(context.krates, *node).map(|krate| krate.version.clone())
                });
            }
            for node in &nodes {
                let found = if parents.is_empty() {
                    context.locations.of(*node, rule)
                } else {
                    Rc::new(context.locations.through(*node, rule, parents))
                };
                let earlier = placement.paths.len();
                placement.omission = placement.omission.or_else(|| found.omission.clone());
                for location in &found.locations {
                    if seen.insert(location) {
                        let via = location.via.map(|via| via + earlier);
                        placement.locations.push(Location { via, ..location.clone() });
                    }
                }
                placement.paths.extend(found.paths.iter().cloned());
                placement.count = placement.count.saturating_add(found.count);
            }
            placement.locations.sort_by_key(|location| location.role == Role::Inherited);
            if is_about_the_license(code) {
                prefer_license_fields(&mut placement.locations, &nodes, context);
            }
        }
        LocationRule::Policy => placement.locations = label_locations(labels, LabelTarget::Policy),
        LocationRule::Manifest if code == Some(Code::Wildcard) => {
            placement.locations = requirements(labels, context);
        }
        LocationRule::Manifest => {
            placement.locations = label_locations(labels, LabelTarget::Manifest);
        }
        LocationRule::Workspace => {}
    }
    if placement.locations.is_empty() {
        placement.locations = label_locations(labels, LabelTarget::Manifest);
    }
    if placement.locations.is_empty() {
        placement.locations = label_locations(labels, LabelTarget::Policy);
    }
    if placement.locations.is_empty() {
        placement.locations.push(context.locations.manifests.checked.head());
    }
    placement
}

/// The locations of requirements. cargo-deny points to the whole value if there is no requirement, or
/// if it is inherited from the workspace.
fn requirements(labels: &[ResolvedLabel], context: &Context<'_>) -> Vec<Location> {
    let mut locations: Vec<Location> = Vec::new();
    for value in label_locations(labels, LabelTarget::Manifest) {
        for location in context.locations.manifests.dependency_locations_in(value) {
            if !locations.iter().any(|known| known.is_at(&location)) {
                locations.push(location);
            }
        }
    }
    locations.sort_by_key(|location| location.role == Role::Inherited);
    locations
}

fn is_about_the_license(code: Option<Code>) -> bool {
    code.is_some_and(|code| code.check() == Check::Licenses)
}

/// For local packages, moves locations from the package name to the license field.
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

/// The locations of the primary labels with this target, else of the other labels with it.
fn label_locations(labels: &[ResolvedLabel], target: LabelTarget) -> Vec<Location> {
    let of_kind = |primary: Option<bool>| {
        let labels = labels
            .iter()
            .filter(move |label| primary.is_none_or(|primary| label.primary == primary));
        let mut locations: Vec<Location> = Vec::new();
        for (kind, location) in labels.filter_map(|label| label.location.as_ref()) {
            if *kind == target && !locations.iter().any(|known: &Location| known.is_at(location)) {
                locations.push(location.clone());
            }
        }
        locations
    };
    let primary = of_kind(Some(true));
    if primary.is_empty() { of_kind(None) } else { primary }
}

fn related(
    code: Option<Code>,
    packages: &[PackageRef],
    labels: &[ResolvedLabel],
    context: &Context<'_>,
) -> Vec<Related> {
    let lock_entries =
        packages.iter().filter_map(|package| context.locations.manifests.lock_entry(package));
    let resolve_label = labels.iter().filter_map(|label| {
        let (_, location) = label.location.as_ref()?;
        let message =
            if label.message.is_empty() { label.text.clone() } else { label.message.clone() };
        Some(Related { location: location.clone(), message })
    });
    // cargo-deny's labels of a rejected license are in the package's license expression.
    let allow_list = context.allow_list.get_or_init(|| context.policy.license_allow_list());
    let allow_list = allow_list.iter().filter(|_| code == Some(Code::Rejected)).map(|location| {
        let message = "the policy allows these licenses".to_owned();
        Related { location: location.clone(), message }
    });
    lock_entries.chain(allow_list).chain(resolve_label).collect()
}

/// Links the findings of ignored advisories to the entries that ignore them.
pub(super) fn link_ignored(findings: &mut [Finding]) {
    let ignored = findings.iter().filter(|finding| finding.code == Some(Code::AdvisoryIgnored));
    let mut entries: HashMap<(String, Vec<PackageRef>), Location> = HashMap::new();
    for finding in ignored {
        let Some(location) = finding.locations.first() else { continue };
        let Some(id) = location.text.as_str().get(location.span.clone()) else { continue };
        entries.insert((id.to_owned(), finding.packages.clone()), location.clone());
    }
    for finding in findings {
        let Some(advisory) = &finding.advisory else { continue };
        let key = (advisory.id.clone(), finding.packages.clone());
        if let Some(location) = entries.get(&key) {
            let message = "the policy ignores it here".to_owned();
            finding.related.push(Related { location: location.clone(), message });
        }
    }
}

fn resolve_label(
    label: &Label,
    policy: &PolicyText,
    policy_id: FileId,
    files: &Files,
    locations: Option<&LocationIndex<'_>>,
) -> ResolvedLabel {
    let source = files.source(label.file_id);
    let text = source.get(label.range.clone()).unwrap_or_default().trim_matches('"');
    let location = (|| {
        if label.file_id == policy_id {
            return Some((LabelTarget::Policy, policy.location(label.range.clone())));
        }
        let name = codespan_name(files, label.file_id)?;
        let span = without_byte_order_mark(source, &label.range);
        if let Some(file) = policy.exceptions.as_ref().filter(|file| file.is_called(name)) {
            let text = file.text().filter(|text| text.as_str() == source);
            let text = text.cloned().unwrap_or_else(|| SourceText::new(source));
            let location = Location {
                file: FilePath::from(&file.path),
                text,
                span,
                role: Role::Primary,
                via: None,
            };
            return Some((LabelTarget::Policy, location));
        }
        let manifest = locations?.manifests.at(name)?;
        // The layout may have changed since the graph was built.
        let mut edits = Edits::default();
        edits.push(Edit::between(source.trim_start_matches('\u{feff}'), manifest.text.as_str()));
        Some((LabelTarget::Manifest, manifest.location(edits.moved(&span), Role::Primary)))
    })();
    ResolvedLabel {
        location,
        primary: label.style == LabelStyle::Primary,
        text: sanitize(text),
        message: sanitize(&label.message),
    }
}

/// Converts a span of a file to our texts, which have no byte order mark.
pub(super) fn without_byte_order_mark(source: &str, span: &Span) -> Span {
    let shift = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    span.start.saturating_sub(shift)..span.end.saturating_sub(shift)
}

pub(super) fn codespan_name(files: &Files, id: FileId) -> Option<&camino::Utf8Path> {
    files.name(id).ok()
}
