//! Hover: facts about the dependency or finding under the cursor.

use std::sync::Arc;

use camino::Utf8Path;

use super::{markup::Markup, message, untrusted_markdown};
use crate::{
    gate::Verdict,
    text::{SourceText, Span},
    verdict::{
        AdvisoryFacts, Check, Code, Finding, Location, ResolvedDependency, Role, Severity, sanitize,
    },
};

/// The maximum number of findings that are shown.
const MAX_FINDINGS: usize = 10;

/// The maximum number of lines of cargo's explanation of a failure.
const MAX_FAILURE_NOTES: usize = 40;

/// The maximum length of an advisory's description, in characters.
const MAX_DESCRIPTION: usize = 600;

/// The maximum length of a package's description, in characters.
const MAX_LEAD: usize = 300;

/// A hover text and its span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hover {
    pub(crate) text: Markup,
    pub(crate) span: Span,
}

/// The hover at `offset` of `file`. `moved` maps a span of the checked text to the current text, if
/// its line still exists.
pub(crate) fn hover(
    file: &Utf8Path,
    offset: usize,
    verdicts: &[Arc<Verdict>],
    moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
) -> Option<Hover> {
    let at = |text: &SourceText, span: &Span| {
        let span = moved(text, span)?;
        (span.start <= offset && offset <= span.end).then_some(span)
    };
    for verdict in verdicts {
        let declared = verdict.declared_in(file).find_map(|one| {
            let span = at(&one.text, &one.location).or_else(|| at(&one.text, &one.key))?;
            Some((one, span))
        });
        if let Some((declared, span)) = declared {
            return Some(Hover { text: dependency(declared, verdict), span });
        }
    }
    findings(file, offset, verdicts, moved, &|_| false)
}

/// The findings at `offset` of `file` that are not on a dependency, without those to `leave_out`.
pub(super) fn findings(
    file: &Utf8Path,
    offset: usize,
    verdicts: &[Arc<Verdict>],
    moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
    leave_out: &dyn Fn(&Finding) -> bool,
) -> Option<Hover> {
    let mut texts: Vec<Markup> = Vec::new();
    let mut more = 0;
    let mut hovered = None;
    for verdict in verdicts {
        for (_, finding) in verdict.findings_in(file).filter(|(_, finding)| !leave_out(finding)) {
            let mut here = finding.locations.iter().filter(|location| location.file == file);
            let found = here.find_map(|location| {
                let span = moved(&location.text, &location.span)?;
                (span.start <= offset && offset <= span.end).then_some((location, span))
            });
            let Some((location, span)) = found else { continue };
            hovered.get_or_insert(span);
            let text = finding_with_ignored_advisory(finding, location, verdict);
            // Two workspaces may share a policy.
            if texts.contains(&text) {
                continue;
            }
            if texts.len() == MAX_FINDINGS {
                more += 1;
                continue;
            }
            texts.push(text);
        }
    }
    let join = |all: Markup, one| if all.is_empty() { one } else { all.paragraph().then(one) };
    let mut text = texts.into_iter().fold(Markup::default(), join);
    if more > 0 {
        text = text.paragraph().text(format!("and {more} more findings"));
    }
    hovered.map(|span| Hover { text, span })
}

/// A direct dependency: its package and its findings.
fn dependency(declared: &ResolvedDependency, verdict: &Verdict) -> Markup {
    let package = &declared.package;
    let mut text =
        Markup::default().strong(&package.name).text(" ").text(package.version.to_string());
    if let Some(license) = &declared.license {
        text = text.text(" · ").text(sanitize(license));
    }
    text = text.text(match &package.source {
        None => " · local".to_owned(),
        Some(source) if source.contains("rust-lang/crates.io-index") => String::new(),
        Some(source) => format!(" · {}", sanitize(source)),
    });
    if let Some(description) = &declared.description {
        text = text.paragraph().then(untrusted_markdown::paragraph(&lead(description)));
    }
    let others = declared.dependents.saturating_sub(1);
    text = text.paragraph().text(match others {
        0 => "no other package depends on it directly".to_owned(),
        1 => "1 other package depends on it directly".to_owned(),
        _ => format!("{others} other packages depend on it directly"),
    });
    if !declared.features.is_empty() {
        text = text.line().text("features: ").code(declared.features.join(", "));
    }
    let mut shown = 0;
    let mut hidden = 0;
    for (_, finding) in verdict.findings_in(&declared.file) {
        let location = finding.locations.iter().find(|location| {
            location.file == declared.file
                && (location.span == declared.location || location.span == declared.key)
        });
        let Some(location) = location else { continue };
        if finding.severity < Severity::Warning && finding.check != Check::Supercargo {
            continue;
        }
        if shown == MAX_FINDINGS {
            hidden += 1;
            continue;
        }
        shown += 1;
        text = text.paragraph().then(finding_text_at(finding, location));
    }
    if hidden > 0 {
        text = text.paragraph().text(format!("and {hidden} more findings"));
    }
    text
}

/// A finding that is not on a dependency, but on an entry of the policy or a package's name.
fn finding_with_ignored_advisory(
    finding: &Finding,
    location: &Location,
    verdict: &Verdict,
) -> Markup {
    let mut text = finding_text_at(finding, location);
    if finding.code == Some(Code::AdvisoryIgnored) {
        // The ignored advisory is another finding, which has the facts.
        let id = location.text.as_str().get(location.span.clone()).unwrap_or_default();
        for other in &verdict.findings {
            let Some(advisory) = other.advisory.as_ref().filter(|advisory| advisory.id == id)
            else {
                continue;
            };
            let package = other.packages.first();
            let name = package.map(|package| format!("{} {}", package.name, package.version));
            text = text
                .paragraph()
                .text("ignored for ")
                .code(name.unwrap_or_default())
                .paragraph()
                .then(facts(advisory));
        }
    }
    text
}

fn finding_text_at(finding: &Finding, location: &Location) -> Markup {
    finding_text_with(finding, Some(location))
}

/// A finding without a location.
pub(super) fn finding_text(finding: &Finding) -> Markup {
    finding_text_with(finding, None)
}

fn finding_text_with(finding: &Finding, location: Option<&Location>) -> Markup {
    let label = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
        Severity::Help => "hint",
    };
    let mut text = Markup::default().strong(label).text(" ");
    if let Some(code) = finding.shown_code() {
        text = match finding.link() {
            Some(link) => text.link(code, link),
            None => text.code(code),
        };
        text = text.line();
    }
    text = text.text(finding.message.replace('`', ""));
    if let Some(via) = location.and_then(|location| message::via(finding, location)) {
        text = text.line().text("via ").text(via);
    }
    if location.is_some_and(|location| location.role == Role::Inherited) {
        text = text.line().text("the requirement is in the workspace manifest");
    }
    if let (Some(location), Some(primary)) = (location, finding.locations.first())
        && !primary.is_at(location)
        && location.role != Role::Inherited
        && location.file.file_name() == Some("Cargo.toml")
    {
        let line = primary.text.line_column(primary.span.start).line;
        let folder = primary.file.parent().and_then(Utf8Path::file_name).unwrap_or_default();
        let name = primary.file.file_name().unwrap_or_default();
        text = text.line().text(format!("reported at {folder}/{name}:{line}"));
    }
    if let Some(remedy) = &finding.remedy {
        text = text.line().text("→ ").text(remedy.replace('`', ""));
    }
    if let Some(advisory) = &finding.advisory {
        text = text.paragraph().then(facts(advisory));
    } else {
        // The explanation of a failure is the only one that there is.
        let notes =
            if finding.code == Some(Code::ResolutionFailed) { MAX_FAILURE_NOTES } else { 4 };
        for note in finding.notes.iter().take(notes) {
            text = text.line().text(note);
        }
    }
    text
}

pub(super) fn facts(advisory: &AdvisoryFacts) -> Markup {
    let mut text =
        Markup::default().strong(untrusted_markdown::plain_text(&sanitize(&advisory.title)));
    let mut facts = vec![advisory.kind.name().to_owned()];
    facts.extend(advisory.severity.as_ref().map(|severity| format!("severity {severity}")));
    facts.push(format!("published {}", advisory.date));
    facts.extend(advisory.aliases.iter().map(|alias| sanitize(alias)));
    text = text.line().text(facts.join(" · ")).line();
    text = text.text(match advisory.patched_versions() {
        None => "no patched version".to_owned(),
        Some(patched) => format!("patched: {patched}"),
    });
    if let Some(unaffected) = advisory.unaffected_versions() {
        text = text.text(format!(" · unaffected: {unaffected}"));
    }
    if !advisory.functions.is_empty() {
        text = text.line().text("affected functions: ").code(advisory.functions.join(", "));
    }
    let description = sanitize(&advisory.description);
    let mut short: String = description.chars().take(MAX_DESCRIPTION).collect();
    if short.len() < description.len() {
        short.push('…');
    }
    for paragraph in short.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        text = text.paragraph().then(untrusted_markdown::paragraph(paragraph));
    }
    if let Some(link) = advisory.link() {
        text = text.paragraph().link(&advisory.id, link);
    }
    if let Some(url) = &advisory.url {
        text = text.text(" · ").link("announcement", url);
    }
    text
}

/// The first paragraph of a package's description, on one line and capped.
pub(super) fn lead(description: &str) -> String {
    let text = sanitize(description);
    let lines = text.trim().lines().map(str::trim).take_while(|line| !line.is_empty());
    let paragraph = lines.collect::<Vec<_>>().join(" ");
    let mut short: String = paragraph.chars().take(MAX_LEAD).collect();
    if short.len() < paragraph.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_is_shortened_to_its_first_paragraph() {
        assert_eq!(lead("An implementation.\n"), "An implementation.");
        assert_eq!(lead("\nIt does this\n  and that.\n\nMore of it.\n"), "It does this and that.");
        assert_eq!(lead(&"long ".repeat(200)).chars().count(), MAX_LEAD + 1);
        assert_eq!(lead(""), "");
    }
}
