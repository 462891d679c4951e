//! The job summary in Markdown: the state of each workspace, a table for each check, dependency paths, and the commands to run
//! next. All texts of a repository are escaped.

mod escape;

use super::{
    CheckedWorkspace, Report, ReportedFinding, WorkspaceState,
    headings::{ABOUT_FIX_COMMANDS, CHECKS, fix_commands, numbers, repeated, state_of_all, title},
    text::{code, first_line, relative_file},
};
use crate::{compare::Group, policy::effects::counted, verdict::Check};
use escape::{code_span, escaped, html, message};

/// The maximum length in bytes; GitHub takes 1 MiB for a step.
const MAX_LENGTH: usize = 1_000_000;

/// What is kept for the sentence about what was left out.
const RESERVED: usize = 1_000;

/// A text with a maximum length.
struct Page {
    text: String,
    /// How many findings were left out.
    left_out: usize,
    is_full: bool,
}

impl Page {
    /// Adds a part, or nothing of it if it is too long.
    fn push(&mut self, part: &str) -> bool {
        if self.text.len() + part.len() > MAX_LENGTH - RESERVED {
            self.is_full = true;
            return false;
        }
        self.text.push_str(part);
        true
    }
}

/// The text of the page.
pub(crate) fn summary(report: &Report<'_>) -> String {
    let mut page = Page { text: String::new(), left_out: 0, is_full: false };
    page.push(&format!("## Supercargo: {}\n\n", state_of_all(report)));
    for failure in &report.failures {
        page.push(&format!("* **error:** {}\n", message(failure)));
    }
    if !report.failures.is_empty() {
        page.push("\n");
    }
    if !report.workspaces.is_empty() {
        page.push("| workspace | result | policy | packages |\n|---|---|---|--:|\n");
        for workspace in &report.workspaces {
            page.push(&overview(report, workspace));
        }
        page.push("\n");
    }
    for workspace in &report.workspaces {
        add_workspace(&mut page, report, workspace);
    }
    add_commands(&mut page, report);
    if page.is_full {
        let sentence = match page.left_out {
            0 => "Parts of this summary are left out".to_owned(),
            1 => "1 finding is left out".to_owned(),
            count => format!("{count} findings are left out"),
        };
        page.text.push_str(&format!(
            "\n**{sentence}: a summary has at most 1 MB.** The log of the job and `--sarif FILE` have all of them.\n"
        ));
    }
    page.text
}

fn overview(report: &Report<'_>, workspace: &CheckedWorkspace<'_>) -> String {
    let state = match workspace.state() {
        WorkspaceState::Passed => "passed",
        WorkspaceState::Failed => "**failed**",
        WorkspaceState::NoVerdict => "**no verdict**",
    };
    let mut result = match workspace.verdict.totals().text() {
        Some(numbers) => format!("{state}: {numbers}"),
        None => state.to_owned(),
    };
    if let Some(compared) = &workspace.compared {
        result.push_str(&format!("; {}", message(compared)));
    }
    let policy = match &workspace.verdict.policy {
        Some(policy) => code_span(&relative_file(report.root, policy)),
        None => "none found".to_owned(),
    };
    let packages = match workspace.verdict.packages {
        0 => String::new(),
        count => count.to_string(),
    };
    format!("| {} | {result} | {policy} | {packages} |\n", code_span(&workspace.folder))
}

fn add_workspace(page: &mut Page, report: &Report<'_>, workspace: &CheckedWorkspace<'_>) {
    let has_several = report.workspaces.len() > 1;
    let rejected = workspace.verdict.rejected_without_policy();
    let is_empty = workspace.listed.is_empty() && rejected.is_none() && workspace.repeated == 0;
    if is_empty {
        return;
    }
    if has_several {
        page.push(&format!("### {}\n\n", code_span(&workspace.folder)));
    }
    if let Some(sentence) = rejected {
        page.push(&format!("{}.\n\n", message(&sentence)));
    }
    if let Some(findings) = repeated(workspace) {
        page.push(&format!("{findings}.\n\n"));
    }
    let groups = Group::ALL.map(Some).into_iter().chain([None]);
    for group in groups {
        let of_group = || workspace.listed.iter().filter(move |one| one.group == group);
        if of_group().next().is_none() {
            continue;
        }
        let is_folded = group == Some(Group::AlreadyThere);
        match group {
            Some(group) if is_folded => {
                let count = counted(of_group().count(), "finding");
                page.push(&format!("<details><summary>{}: {count}</summary>\n\n", title(group)));
            }
            Some(group) => {
                page.push(&format!("### {}\n\n", title(group)));
            }
            None => {}
        }
        for check in CHECKS {
            let all: Vec<_> = of_group().filter(|one| one.finding.check == check).collect();
            if !all.is_empty() {
                add_table(page, report, check, &all);
            }
        }
        if is_folded {
            page.push("</details>\n\n");
        }
    }
}

fn add_table(page: &mut Page, report: &Report<'_>, check: Check, all: &[&ReportedFinding<'_>]) {
    let head = format!(
        "#### {}: {}\n\n| | finding | location | what to do |\n|---|---|---|---|\n",
        check.name(),
        numbers(check, all)
    );
    if !page.push(&head) {
        page.left_out += all.len();
        return;
    }
    for (at, one) in all.iter().enumerate() {
        if !page.push(&row(report, one)) {
            page.left_out += all.len() - at;
            break;
        }
    }
    page.push("\n");
    if report.paths {
        add_paths(page, all);
    }
}

fn row(report: &Report<'_>, one: &ReportedFinding<'_>) -> String {
    let finding = one.finding;
    let code = escaped(code(finding));
    let code = match finding.link().as_deref().and_then(escape::address) {
        Some(address) => format!("[{code}]({address})"),
        None => code,
    };
    let location = finding.locations.first().map_or(String::new(), |at| {
        code_span(&format!("{}:{}", relative_file(report.root, &at.file), first_line(at)))
    });
    let more = match finding.locations.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let gates =
        finding.gates_text().map_or(String::new(), |gates| format!(" ({})", escaped(&gates)));
    let note = one.note.as_deref().map_or(String::new(), |note| format!("; {}", message(note)));
    let remedy = finding.remedy.as_deref().map(message).unwrap_or_default();
    format!(
        "| {} | {code}: {}{note}{gates} | {location}{more} | {remedy} |\n",
        finding.severity.name(),
        message(&finding.message)
    )
}

/// The dependency paths of a table, folded.
fn add_paths(page: &mut Page, all: &[&ReportedFinding<'_>]) {
    let mut lines: Vec<_> =
        all.iter().flat_map(|one| one.finding.shortest_paths()).map(|path| html(&path)).collect();
    let mut known = std::collections::HashSet::new();
    lines.retain(|line| known.insert(line.clone()));
    if lines.is_empty() {
        return;
    }
    let paths = counted(lines.len(), "dependency path");
    page.push(&format!(
        "<details><summary>{paths}</summary>\n\n<pre>\n{}\n</pre>\n\n</details>\n\n",
        lines.join("\n")
    ));
}

/// The commands that fix findings, or show why not.
fn add_commands(page: &mut Page, report: &Report<'_>) {
    let commands = fix_commands(report);
    if commands.is_empty() {
        return;
    }
    let lines = commands.join("\n");
    page.push(&format!("#### To fix\n\n{ABOUT_FIX_COMMANDS}\n\n<pre>\n{}\n</pre>\n", html(&lines)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_that_is_too_long_is_left_out() {
        let mut page = Page { text: String::new(), left_out: 0, is_full: false };
        assert!(page.push("a"));
        assert!(!page.push(&"b".repeat(MAX_LENGTH)));
        assert!(page.push("c") && page.is_full);
        assert_eq!(page.text, "ac");
    }
}
