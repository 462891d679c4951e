//! `--format human`: each finding under its source line, then a line for each check.

use std::collections::{BTreeMap, HashSet};

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Report, Snippet};
use anstyle::{AnsiColor, Style};
use camino::{Utf8Path, Utf8PathBuf};

use super::{
    exit_code::Compared,
    shown::ShownFindings,
    targets::absolute,
    terminal::{escaped, escaped_line, replace_unsafe},
};
use crate::{
    compare::{Comparison, Group},
    gate::{Verdict, errors_and_warnings},
    text::FilePath,
    verdict::{Check, CheckSet, Code, Counts, Finding, Location, Role, Severity},
};

/// How many locations of a finding are shown.
const MAX_LOCATIONS: usize = 3;

/// How many notes of a finding are shown.
const MAX_NOTES: usize = 8;

/// How many lines of cargo's explanation of a failure are shown.
const MAX_FAILURE_NOTES: usize = 40;

pub(super) struct HumanPrinter {
    /// The folder that shown paths are relative to.
    here: Utf8PathBuf,
    /// The printed findings about policies, which several workspaces may have: code, message, file and position.
    printed: HashSet<(Option<Code>, String, FilePath, usize)>,
}

impl HumanPrinter {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self { here: absolute(Utf8Path::new("."))?, printed: HashSet::new() })
    }

    /// The shown findings of a verdict and its summary, which is left out if nothing is shown. A finding about a policy
    /// that an earlier workspace has, too, is only counted.
    pub(super) fn verdict(
        &mut self,
        verdict: &Verdict,
        checks: CheckSet,
        first: bool,
        shown: ShownFindings,
        compared: Option<Compared<'_>>,
    ) -> String {
        let comparison = compared.map(|compared| compared.comparison);
        let mut text = String::new();
        let prints_summary = shown.lowest_severity.is_some() || shown.stats;
        if !first && prints_summary {
            text.push('\n');
        }
        let mut repeated: BTreeMap<&Utf8Path, usize> = BTreeMap::new();
        for finding in self.shown(verdict, shown, comparison) {
            if let Some(location) = finding.locations.first()
                && verdict.uses_policy_file(&location.file)
            {
                let file = location.file.clone();
                let key = (finding.code, finding.message.clone(), file, location.span.start);
                if !self.printed.insert(key) {
                    *repeated.entry(&location.file).or_default() += 1;
                    continue;
                }
            }
            text.push_str(&self.finding(finding, shown, None));
            text.push_str("\n\n");
        }
        for loosened in comparison.iter().flat_map(|comparison| &comparison.loosened) {
            if shown.has(&loosened.finding) {
                let cause = loosened.cause(&|file| self.shown_path(file));
                let note = format!("only changes of the policy hide it: {cause}");
                text.push_str(&self.finding(&loosened.finding, shown, Some(note)));
                text.push_str("\n\n");
            }
        }
        if let Some(comparison) = comparison {
            text.push_str(&fixed(&comparison.fixed, shown));
        }
        if prints_summary {
            text.push_str(&self.summary(verdict, checks, shown, &repeated, compared));
        }
        text
    }

    /// The findings of a workspace that the checkout does not have any more.
    pub(super) fn removed(
        &self,
        folder: &Utf8Path,
        findings: &[Finding],
        shown: ShownFindings,
    ) -> String {
        let folder = self.shown_path(folder);
        format!("\n{folder} is no workspace any more\n{}", fixed(findings, shown))
    }

    /// Errors first, then by location; with a comparison, only the new ones.
    fn shown<'v>(
        &self,
        verdict: &'v Verdict,
        shown: ShownFindings,
        comparison: Option<&'v Comparison>,
    ) -> Vec<&'v Finding> {
        let all = match comparison {
            Some(comparison) => comparison.findings(verdict, Group::New),
            None => verdict.findings.iter().collect(),
        };
        let mut list: Vec<_> = all
            .into_iter()
            .filter(|finding| shown.has(finding))
            .filter(|finding| !verdict.rejects_without_policy(finding))
            .collect();
        list.sort_by_key(|finding| {
            let location = finding.locations.first();
            (
                std::cmp::Reverse(finding.severity),
                finding.check,
                location.map(|location| (self.shown_path(&location.file), location.span.start)),
            )
        });
        list
    }

    fn finding(&self, finding: &Finding, shown: ShownFindings, note: Option<String>) -> String {
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note | Severity::Help => Level::NOTE,
        };
        let link = finding.link().map(|link| escaped_line(&link).into_owned());
        let mut title = level.primary_title(escaped(&finding.message));
        if let Some(code) = finding.shown_code() {
            title = title.id(code);
            if let Some(link) = &link {
                title = title.id_url(link.as_str());
            }
        }
        let primary: Vec<_> =
            finding.locations.iter().filter(|location| location.role == Role::Primary).collect();
        let mut group = title.elements(
            by_file(&primary[..primary.len().min(MAX_LOCATIONS)])
                .into_iter()
                .map(|locations| self.source(&locations)),
        );
        let named = |name: &'static str, text: String| {
            Level::NOTE.with_name(name).message(escaped(&text).into_owned())
        };
        if primary.len() > MAX_LOCATIONS {
            let more = primary.len() - MAX_LOCATIONS;
            let dependencies = if more == 1 { "dependency" } else { "dependencies" };
            group = group.element(named("note", format!("and {more} more {dependencies}")));
        }
        for path in finding.shortest_paths().into_iter().filter(|_| shown.paths) {
            group = group.element(named("via", path));
        }
        if let Some(note) = note {
            group = group.element(named("note", note));
        }
        if let Some(gates) = finding.gates_text() {
            group = group.element(named("note", gates));
        }
        for note in shown_notes(finding) {
            group = group.element(named("note", note));
        }
        if let Some(remedy) = &finding.remedy {
            group = group.element(Level::HELP.message(escaped(remedy)));
        }
        if let (Some(_), Some(link)) = (&finding.advisory, &link) {
            group = group.element(named("see", link.clone()));
        }
        let report: Report<'_> = &[group];
        replace_unsafe(&Renderer::styled().render(report))
    }

    fn source<'f>(&self, locations: &[&'f Location]) -> Element<'f> {
        let first = locations[0];
        if first.text.as_str().is_empty() {
            return Origin::path(self.shown_path(&first.file)).into();
        }
        let text = &first.text;
        let len = text.as_str().len();
        let spans: Vec<_> = locations
            .iter()
            .map(|location| location.span.start.min(len)..location.span.end.min(len))
            .collect();
        // Only their lines: the renderer reads all of a source for each finding.
        let start = spans.iter().map(|span| span.start).min().unwrap_or_default();
        let end = spans.iter().map(|span| span.end).max().unwrap_or_default();
        // A span may end after the carriage return of its line.
        let lines = text.line_span(start).start..text.line_span(end).end.max(end);
        let annotations = spans.into_iter().map(|span| {
            AnnotationKind::Primary.span(span.start - lines.start..span.end - lines.start)
        });
        let line = text.line_column(lines.start).line;
        Snippet::source(&text.as_str()[lines.clone()])
            .line_start(usize::try_from(line).unwrap_or(usize::MAX))
            .path(self.shown_path(&first.file))
            .annotations(annotations)
            .into()
    }

    fn shown_path(&self, path: &Utf8Path) -> String {
        escaped_line(path.strip_prefix(&self.here).unwrap_or(path).as_str()).into_owned()
    }

    fn summary(
        &self,
        verdict: &Verdict,
        checks: CheckSet,
        shown: ShownFindings,
        repeated: &BTreeMap<&Utf8Path, usize>,
        compared: Option<Compared<'_>>,
    ) -> String {
        let folder = self.shown_path(verdict.workspace.folder());
        let folder = if folder.is_empty() { "." } else { &folder };
        let policy = match &verdict.policy {
            Some(policy) => format!("policy {}", self.shown_path(policy)),
            None => "no policy found: cargo-deny's defaults".to_owned(),
        };
        let code = compared.map_or_else(|| verdict.exit_code(), |compared| compared.code);
        let (style, state) = match code {
            0 if compared.is_some() => (good(), "passes"),
            // A gate that only reports may have errors.
            0 if verdict.counts.values().any(|counts| counts.errors > 0) => (good(), "passes"),
            0 => (good(), "clean"),
            crate::gate::NO_VERDICT => (bad(), "no verdict"),
            _ => (bad(), "fails"),
        };
        let packages = match verdict.packages {
            0 => String::new(),
            1 => ", 1 package".to_owned(),
            count => format!(", {count} packages"),
        };
        let mut text = format!("{folder} ({policy}{packages})\n");
        for gate in &verdict.gates {
            let result = match gate.exit_code {
                0 => "passes",
                crate::gate::NO_VERDICT => "has no verdict",
                _ if gate.blocks => "fails",
                _ => "fails, but does not fail CI",
            };
            let (name, options) = (gate.name.to_string(), gate.options.to_string());
            let (name, options) = (escaped_line(&name), escaped_line(&options));
            text.push_str(&format!("  {name}: `cargo deny {options}` {result}\n"));
        }
        for finding in &verdict.findings {
            if finding.check == Check::Supercargo && finding.severity == Severity::Note {
                text.push_str(&format!("  note: {}\n", escaped(&finding.message)));
            }
        }
        for (file, count) in repeated {
            let are = if *count == 1 { "finding" } else { "findings" };
            let verb = if *count == 1 { "is" } else { "are" };
            let file = self.shown_path(file);
            text.push_str(&format!("  note: {count} {are} about `{file}` {verb} listed above\n"));
        }
        if let Some(sentence) = verdict.rejected_without_policy() {
            text.push_str(&format!("  note: {sentence}\n"));
        }
        let mut line = |check| text.push_str(&check_line(check, verdict, shown.stats));
        if verdict.counts.contains_key(&Check::Config) {
            verdict.counts.keys().copied().for_each(&mut line);
            text.push_str("  note: no workspace uses this policy: checked its text\n");
        } else {
            checks.iter().for_each(&mut line);
        }
        let uncounted = verdict.totals().uncounted;
        if let Some(counts) = errors_and_warnings(uncounted.errors, uncounted.warnings) {
            text.push_str(&format!("  supercargo  {counts}, not counted by cargo-deny\n"));
        }
        if let Some(Compared { comparison, .. }) = compared {
            text.push_str(&format!("  {}\n", escaped(&comparison.text(verdict))));
        }
        text.push_str(&format!("  gate: {style}{state}{style:#}\n"));
        text
    }
}

/// A line for each finding that only the base has.
fn fixed(findings: &[Finding], shown: ShownFindings) -> String {
    let style = good();
    let mut lines = String::new();
    for finding in findings.iter().filter(|finding| shown.has(finding)) {
        let code = finding.shown_code().map(|code| format!("[{code}]")).unwrap_or_default();
        let message = escaped_line(&finding.message);
        lines.push_str(&format!("{style}fixed{style:#}{code}: {message}\n"));
    }
    if lines.is_empty() { lines } else { format!("{lines}\n") }
}

fn check_line(check: Check, verdict: &Verdict, stats: bool) -> String {
    let name = check.name();
    let Some(counts) = verdict.counts.get(&check) else {
        let style = bad();
        return format!("  {name:<10}  {style}not checked{style:#}\n");
    };
    let Counts { errors, warnings, notes, helps } = *counts;
    let plural = |count: u32, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let words = errors_and_warnings(errors, warnings).unwrap_or_else(|| "clean".to_owned());
    let style = match (errors, warnings) {
        (0, 0) => good(),
        (0, _) => AnsiColor::Yellow.on_default(),
        _ => bad(),
    };
    let words = if stats {
        let notes = plural(notes + helps, "note");
        format!("{}, {}, {notes}", plural(errors, "error"), plural(warnings, "warning"))
    } else {
        words
    };
    format!("  {name:<10}  {style}{words}{style:#}\n")
}

fn good() -> Style {
    AnsiColor::Green.on_default()
}

fn bad() -> Style {
    AnsiColor::Red.on_default().bold()
}

fn by_file<'p>(locations: &[&'p Location]) -> Vec<Vec<&'p Location>> {
    let mut groups: Vec<Vec<&Location>> = Vec::new();
    for location in locations {
        match groups.iter_mut().find(|group| group[0].file == location.file) {
            Some(group) => group.push(location),
            None => groups.push(vec![location]),
        }
    }
    groups
}

/// The notes to show. The texts of advisories are on their pages.
fn shown_notes(finding: &Finding) -> Vec<String> {
    if finding.advisory.is_some() {
        return Vec::new();
    }
    let mut shown: Vec<String> = Vec::new();
    for note in &finding.notes {
        // cargo-deny lists the facts about a license below its name.
        match (note.strip_prefix("  - "), shown.last_mut()) {
            (Some(item), Some(list)) if list.ends_with(':') => list.push_str(&format!(" {item}")),
            (Some(item), Some(list)) => list.push_str(&format!(", {item}")),
            _ => shown.push(note.clone()),
        }
    }
    // cargo's explanation of a failure is shown whole.
    let is_failure = finding.code == Some(Code::ResolutionFailed);
    shown.truncate(if is_failure { MAX_FAILURE_NOTES } else { MAX_NOTES });
    shown
}
