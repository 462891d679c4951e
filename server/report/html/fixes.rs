//! The verified fixes: at each finding its own changes, and all changes together.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use crate::{
    fix::{ChangedLines, FileDiff, Fix, LockfileOutcome, NoFixReason},
    model::lockfile::Lockfile,
    policy::effects::counted,
    report::markup::{code, escaped, message},
    report::{
        FIX_SEARCH_TIME, FoundFixes, Report, WorkspaceFixes,
        headings::fix_command,
        text::{code as code_of, relative_file},
    },
    verdict::{Check, Finding, Severity},
};

/// The maximum number of lines of the changes at a finding.
const MOST_LINES: usize = 40;

/// The maximum length of the changes at all findings together.
const CHANGES_LENGTH: usize = 150_000;

/// How many lines of a lock entry are its own: name, version, source and checksum.
const LOCK_ENTRY_LINES: usize = 4;

/// The fixes of all workspaces of a report.
pub(super) struct Fixes<'r> {
    workspaces: Vec<Option<ChangedFiles<'r>>>,
    /// How many bytes of changes at findings have room.
    room: usize,
}

/// The fixes of a workspace with the parts of their changes.
struct ChangedFiles<'r> {
    found: &'r FoundFixes,
    files: Vec<ChangedFile<'r>>,
}

struct ChangedFile<'r> {
    diff: &'r FileDiff,
    changes: Vec<ChangedLines>,
    /// Of a lockfile: the first lines of its packages, from 0.
    entries: BTreeMap<(String, String), usize>,
}

impl<'r> Fixes<'r> {
    pub(super) fn of(report: &'r Report<'_>) -> Self {
        let found = |one: &'r WorkspaceFixes| one.found().map(ChangedFiles::of);
        let workspaces = report.workspaces.iter().map(|one| one.fixes.and_then(found)).collect();
        Self { workspaces, room: CHANGES_LENGTH }
    }

    /// The fix of a finding of the workspace with this index, or why there is none.
    pub(super) fn of_finding(&mut self, workspace: usize, finding: &Finding) -> String {
        let Some(Some(changed)) = self.workspaces.get(workspace) else { return String::new() };
        if finding.severity < Severity::Warning || finding.check == Check::Supercargo {
            return String::new();
        }
        let report = &changed.found.report;
        let Some(at) = report.fix_of(finding) else {
            let reason = report.reason_for(finding).filter(|reason| says_more(reason));
            return reason.map_or_else(String::new, |reason| {
                format!("<p><b>no verified fix:</b> {}</p>", message(&reason.to_string()))
            });
        };
        let changes = changed.at(finding);
        let changes = if changes.len() > self.room { String::new() } else { changes };
        self.room -= changes.len();
        format!(
            "<p><b>verified fix:</b> {} (<a href=\"#{}\">all changes</a>)</p>{changes}",
            message(&report.fixes[at].action),
            anchor(workspace, at)
        )
    }

    /// The section with all changes, in about so many bytes at most; empty if no fixes were searched.
    pub(super) fn section(&self, report: &Report<'_>, most: usize) -> String {
        let mut text = String::new();
        let mut left_out = 0;
        for (index, workspace) in report.workspaces.iter().enumerate() {
            let Some(fixes) = workspace.fixes else { continue };
            if text.len() > most {
                left_out += 1;
                continue;
            }
            if report.workspaces.len() > 1 {
                text.push_str(&format!("<h3>{}</h3>", code(&workspace.folder)));
            }
            match (fixes, self.workspaces.get(index)) {
                (WorkspaceFixes::Found(_), Some(Some(changed))) => {
                    let command = fix_command(&workspace.folder);
                    let room = most.saturating_sub(text.len());
                    text.push_str(&changed.all(report, index, &command, room));
                }
                (WorkspaceFixes::NotSearched(why), _) => {
                    text.push_str(&format!("<p>{}.</p>", message(&first_upper(&why.to_string()))));
                }
                _ => {}
            }
        }
        if text.is_empty() {
            return text;
        }
        if left_out > 0 {
            text.push_str(&format!(
                "<p class=\"note\">The fixes of {} are left out: a report has at most 1 MB.</p>",
                counted(left_out, "workspace")
            ));
        }
        format!("<section><h2 id=\"fixes\">Verified fixes</h2>{text}</section>")
    }
}

/// The id of a fix on the page.
fn anchor(workspace: usize, fix: usize) -> String {
    format!("x{workspace}-{fix}")
}

/// Whether a reason says more than the finding itself.
fn says_more(reason: &NoFixReason) -> bool {
    !matches!(reason, NoFixReason::Remedy(_) | NoFixReason::ManualDecision)
}

impl<'r> ChangedFiles<'r> {
    fn of(found: &'r FoundFixes) -> Self {
        let files = found.diffs.iter().map(|diff| {
            let is_lockfile = diff.file.file_name() == Some("Cargo.lock");
            let entries = if is_lockfile { entries(diff.before()) } else { BTreeMap::new() };
            ChangedFile { diff, changes: diff.changed_lines(), entries }
        });
        let mut files: Vec<_> = files.collect();
        files.sort_by_key(|file| !file.entries.is_empty());
        Self { found, files }
    }

    /// The changes at the lines of a finding and of the lock entries of its packages.
    fn at(&self, finding: &Finding) -> String {
        let mut lines = Vec::new();
        for file in &self.files {
            let own = file.at(finding);
            if !own.is_empty() {
                lines.push(format!("<b>{}</b>", escaped(file.diff.shown.as_str())));
                lines.extend(own);
            }
        }
        if lines.is_empty() {
            return String::new();
        }
        let more = lines.len().saturating_sub(MOST_LINES);
        if more > 0 {
            lines.truncate(MOST_LINES);
            lines.push(format!("… {more} more"));
        }
        format!("<pre class=\"diff\" tabindex=\"0\">{}</pre>", lines.join("\n"))
    }

    /// All fixes of the workspace and their changes.
    fn all(&self, page: &Report<'_>, workspace: usize, command: &str, most: usize) -> String {
        let report = &self.found.report;
        let mut text = if report.fixes.is_empty() {
            "<p>No fix was verified.</p>".to_owned()
        } else {
            format!(
                "<p>{} makes these changes. Cargo has resolved them and the result was checked, but it was not compiled.</p>",
                code(command)
            )
        };
        if report.is_canceled {
            text.push_str(&format!(
                "<p>The search ended after {} seconds: {} may find more.</p>",
                FIX_SEARCH_TIME.as_secs(),
                code(command)
            ));
        }
        if let Some(why) = &report.old_index {
            text.push_str(&format!(
                "<p>Could not fetch new versions from the registries, so newer ones may exist: {}.</p>",
                message(&why.to_string())
            ));
        }
        text.push_str("<ul>");
        let mut left_out = 0;
        for (at, fix) in report.fixes.iter().enumerate() {
            let item = item(fix, &anchor(workspace, at));
            if text.len() + item.len() > most {
                left_out += 1;
            } else {
                text.push_str(&item);
            }
        }
        if left_out > 0 {
            text.push_str(&format!("<li>{} left out</li>", counted_fixes(left_out)));
        }
        for other in &report.lockfiles {
            let path = code(&relative_file(page.root, &other.path));
            let outcome = match &other.outcome {
                LockfileOutcome::Updated { .. } => "is updated, too".to_owned(),
                LockfileOutcome::NoLongerFits(why) => {
                    format!("no longer fits the manifests: {}", message(&why.to_string()))
                }
            };
            text.push_str(&format!("<li>{path} {outcome}</li>"));
        }
        for reason in report.texts.left_out() {
            text.push_str(&format!("<li>{}</li>", message(reason)));
        }
        text.push_str("</ul>");
        let text = text.replace("<ul></ul>", "");
        let room = most.saturating_sub(text.len());
        text + &self.diffs(page, command, room)
    }

    /// The diffs of the files that have room in about so many bytes, the manifests first.
    fn diffs(&self, page: &Report<'_>, command: &str, most: usize) -> String {
        let mut text = String::new();
        if self.found.folder != page.root && !self.files.is_empty() {
            let folder = relative_file(page.root, &self.found.folder);
            text.push_str(&format!(
                "<p class=\"note\">Paths are relative to {}.</p>",
                code(&folder)
            ));
        }
        let mut left_out = BTreeSet::new();
        for diff in self.files.iter().map(|one| one.diff) {
            let lines = diff.text();
            let (names, changes) = lines.split_at(lines.find("\n@@").unwrap_or_default());
            let count = |sign| changes.lines().filter(|one| one.starts_with(sign)).count();
            let (added, removed) = (count('+'), count('-'));
            let open = if diff.file.file_name() == Some("Cargo.lock") { "" } else { " open=\"\"" };
            let shown = code(diff.shown.as_str());
            let changes = changes.lines().skip(1).map(line);
            let lines: Vec<_> = names.lines().map(escaped).chain(changes).collect();
            let part = format!(
                "<details{open}><summary>{shown}: {} added, {removed} removed</summary>\
                 <pre class=\"diff\" tabindex=\"0\">{}</pre></details>",
                counted(added, "line"),
                lines.join("\n")
            );
            if text.len() + part.len() > most {
                left_out.insert(shown);
            } else {
                text.push_str(&part);
            }
        }
        if !left_out.is_empty() {
            let files: Vec<_> = left_out.into_iter().take(MOST_LINES).collect();
            text.push_str(&format!(
                "<p class=\"note\">Left out, since a report has at most 1 MB: the changes of {}. {} shows them.</p>",
                files.join(", "),
                code(&format!("{command} --dry-run"))
            ));
        }
        text
    }
}

impl ChangedFile<'_> {
    /// The changed lines at the lines of a finding and of the lock entries of its packages.
    fn at(&self, finding: &Finding) -> Vec<String> {
        let mut shown = BTreeSet::new();
        let mut lines = Vec::new();
        let mut add = |own: Range<usize>, heading: Option<String>| {
            let overlaps =
                |one: &ChangedLines| one.lines.start < own.end && own.start < one.lines.end;
            let found = self.changes.iter().enumerate().filter(|(_, one)| overlaps(one));
            let found: Vec<_> = found.filter(|(at, _)| shown.insert(*at)).collect();
            // A removed entry has its name in the changes.
            let has_name = found.first().is_some_and(|(_, one)| one.lines.start <= own.start);
            lines.extend(heading.filter(|_| !found.is_empty() && !has_name));
            lines.extend(found.iter().flat_map(|(_, one)| one.text.lines()).map(line));
        };
        for location in finding.locations.iter().filter(|one| one.file == self.diff.file) {
            let at = location.text.line_column(location.span.start).line;
            let at = usize::try_from(at).unwrap_or(usize::MAX).saturating_sub(1);
            add(at..at.saturating_add(1), None);
        }
        for package in &finding.packages {
            let of_package = (package.name.clone(), package.version.to_string());
            if let Some(first) = self.entries.get(&of_package) {
                let name = escaped(&format!(" name = \"{}\"", package.name));
                add(*first..first + LOCK_ENTRY_LINES, Some(name));
            }
        }
        lines
    }
}

/// A fix with the findings that it clears or causes.
fn item(fix: &Fix, anchor: &str) -> String {
    let all = |word: &str, findings: &[Finding]| {
        // Some findings are reported twice, with two severities.
        let all: BTreeSet<_> = findings
            .iter()
            .map(|one| format!("<br/>{word} {}: {}", escaped(code_of(one)), message(&one.message)))
            .collect();
        all.into_iter().collect::<String>()
    };
    let cut = fix.upgrade.as_ref().is_some_and(|upgrade| upgrade.search_was_cut);
    format!(
        "<li id=\"{anchor}\">{}{}{}{}</li>",
        message(&fix.action),
        if cut {
            " (it may change more than needed: not all smaller upgrades were checked)"
        } else {
            ""
        },
        all("fixes", &fix.verification.cleared),
        all("introduces", &fix.verification.introduced),
    )
}

fn counted_fixes(count: usize) -> String {
    if count == 1 { "1 fix".to_owned() } else { format!("{count} fixes") }
}

/// A line of a diff.
fn line(line: &str) -> String {
    let text = escaped(line);
    match line.as_bytes().first() {
        Some(b'+') => format!("<ins>{text}</ins>"),
        Some(b'-') => format!("<del>{text}</del>"),
        _ => text,
    }
}

/// The lines of the lock entries, from 0, by name and version. Of several sources of a version the first counts.
fn entries(lockfile: &str) -> BTreeMap<(String, String), usize> {
    let mut all = BTreeMap::new();
    let (mut line, mut from) = (0, 0);
    for entry in Lockfile::entries(lockfile) {
        let at = entry.name.span.start;
        line += lockfile.get(from..at).map_or(0, |text| text.matches('\n').count());
        from = at;
        all.entry((entry.name.value, entry.version.value)).or_insert(line);
    }
    all
}

fn first_upper(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
