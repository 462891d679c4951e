//! The order and the titles of what reports for people list, and the commands to run next.

use super::{CheckedWorkspace, Report, ReportedFinding, WorkspaceState, text::line};
use crate::{
    ci::quoted,
    compare::Group,
    gate::errors_and_warnings,
    policy::effects::counted,
    verdict::{Check, Severity},
};

/// The checks in the order in which they are listed.
pub(super) const CHECKS: [Check; 6] = [
    Check::Supercargo,
    Check::Config,
    Check::Advisories,
    Check::Bans,
    Check::Licenses,
    Check::Sources,
];

/// The result of the run.
pub(super) fn state_of_all(report: &Report<'_>) -> &'static str {
    match report.exit_code {
        0 => "passed",
        _ if !report.has_verdict() => "no verdict",
        _ => "failed",
    }
}

/// The title of the findings of a group.
pub(super) fn title(group: Group) -> &'static str {
    match group {
        Group::New => "New",
        Group::PolicyLoosened => "Hidden by changes of the policy",
        Group::AlreadyThere => "Already there",
        Group::Fixed => "Fixed",
    }
}

/// `2 errors, 1 warning` of a check, and whether cargo-deny counts them.
pub(super) fn numbers(check: Check, all: &[&ReportedFinding<'_>]) -> String {
    let of = |severity| {
        let count = all.iter().filter(|one| one.finding.severity == severity).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let numbers = errors_and_warnings(of(Severity::Error), of(Severity::Warning));
    let numbers = numbers.unwrap_or_else(|| counted(all.len(), "note"));
    let not_counted = match check {
        Check::Supercargo | Check::Config => ", not counted by cargo-deny",
        _ => "",
    };
    format!("{numbers}{not_counted}")
}

/// The sentence about findings that an earlier workspace has, too; `None` without any.
pub(super) fn repeated(workspace: &CheckedWorkspace<'_>) -> Option<String> {
    match workspace.repeated {
        0 => None,
        1 => Some("1 finding about the policy is listed above".to_owned()),
        count => Some(format!("{count} findings about the policy are listed above")),
    }
}

/// What the commands of [`fix_commands`] do.
pub(super) const ABOUT_FIX_COMMANDS: &str = "These commands show the verified upgrades; without `--dry-run` they apply them. \
     For each finding that remains they give the reason.";

/// The commands that fix findings, or show why not.
pub(super) fn fix_commands(report: &Report<'_>) -> Vec<String> {
    let is_failed = |one: &&CheckedWorkspace<'_>| {
        one.state() == WorkspaceState::Failed && !one.listed.is_empty()
    };
    let failed: Vec<_> = report.workspaces.iter().filter(is_failed).collect();
    let all_fail = failed.len() == report.workspaces.len();
    let folders: Vec<_> = if all_fail && failed.len() > 1 {
        vec![".".to_owned()]
    } else {
        failed.iter().map(|workspace| workspace.folder.clone()).collect()
    };
    folders.iter().map(|folder| fix_command_with(" --dry-run", folder)).collect()
}

/// The command that makes the verified fixes of the workspace in a folder.
pub(super) fn fix_command(folder: &str) -> String {
    fix_command_with("", folder)
}

fn fix_command_with(options: &str, folder: &str) -> String {
    match folder {
        "." => format!("supercargo fix{options}"),
        folder => format!("supercargo fix{options} {}", quoted(&line(folder))),
    }
}
