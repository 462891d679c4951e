//! The page with the figures.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cases::{SINGLES, Single};
use super::{Said, State, WAYS, Way, Workspace};

const HEAD: &str = "\
# What `fix` makes of real workspaces

Written by `cargo xtask fixes`. Each way starts from the workspace as it was; what is left is what the real cargo-deny 0.20.2 finds
with the whole advisory database and a policy that denies every advisory (`unmaintained = \"all\"`, `unsound = \"all\"`,
`yanked = \"deny\"`). An entry has moved where the lock file holds another version of it, or none, afterwards.

* `fix`, `fix --breaking`: `supercargo fix --only advisories`. Breaking upgrades are proved to resolve, not to compile.
* vulnerabilities alone: `fix --breaking` by a policy in which nothing else fails, as `cargo audit fix` looks at nothing else.
* `update -p`: one `cargo update` that names every package with an error.
* `update`: `cargo update`, everything.
* `audit fix`: `cargo audit fix` of the cargo-audit that `cargo install cargo-audit --features fix` gives.

";

pub(super) fn of(workspaces: &[Workspace]) -> String {
    let mut page = HEAD.to_owned();
    let count = |state: &State| (state.vulnerabilities.len(), state.errors.len());
    table(&mut page, "Vulnerabilities that stay", workspaces, &|one| count(one).0);
    table(
        &mut page,
        "Errors of advisories that stay (with unmaintained, unsound, withdrawn)",
        workspaces,
        &|one| count(one).1,
    );
    moved(&mut page, workspaces);
    cases(&mut page, workspaces);
    word(&mut page, workspaces);
    page
}

fn cases(page: &mut String, workspaces: &[Workspace]) {
    let names = SINGLES.map(|way| match way {
        Single::Fix => "`fix -p`",
        Single::Update => "`update -p`",
        Single::AuditFix => "`audit fix`",
    });
    let _ = writeln!(
        page,
        "## One package at a time\n\nHow many lock entries move until cargo-deny finds none of the \
         errors about that package any more,\nin no version that came in its place; – where the way leaves one. `audit fix` with all other \
         advisories ignored.\n\n| workspace | package | {} | no more than the others |\n|---|---|{}---|",
        names.join(" | "),
        "---|".repeat(SINGLES.len()),
    );
    for workspace in workspaces {
        for case in &workspace.cases {
            let moved = |way| case.moved.get(&way).map_or_else(|| "–".to_owned(), usize::to_string);
            let cells = SINGLES.map(moved).join(" | ");
            let smallest = if case.is_smallest() { "yes" } else { "**no**" };
            let _ =
                writeln!(page, "| {} | {} | {cells} | {smallest} |", workspace.name, case.package);
        }
    }
    page.push('\n');
}

fn name(way: Way) -> &'static str {
    match way {
        Way::Fix => "`fix`",
        Way::FixBreaking => "`fix --breaking`",
        Way::FixVulnerable => "vulnerabilities alone",
        Way::UpdateNamed => "`update -p`",
        Way::UpdateAll => "`update`",
        Way::AuditFix => "`audit fix`",
    }
}

fn result(workspace: &Workspace, way: Way) -> Option<&(State, Said)> {
    workspace.results.get(&way)?.as_ref()
}

fn header(page: &mut String, title: &str, first: &str) {
    let ways: Vec<_> = WAYS.iter().map(|way| name(*way)).collect();
    let _ = writeln!(page, "## {title}\n\n| workspace | {first} | {} |", ways.join(" | "));
    let _ = writeln!(page, "|---|---|{}", "---|".repeat(WAYS.len()));
}

fn row(page: &mut String, name: &str, before: usize, cells: &[Option<usize>]) {
    let cells = cells.iter().map(|cell| cell.map_or_else(|| "–".to_owned(), |n| n.to_string()));
    let _ = writeln!(page, "| {name} | {before} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

fn table(
    page: &mut String,
    title: &str,
    workspaces: &[Workspace],
    count: &dyn Fn(&State) -> usize,
) {
    header(page, title, "before");
    let cell = |workspace: &Workspace, way| result(workspace, way).map(|(state, _)| count(state));
    for workspace in workspaces {
        let cells = WAYS.map(|way| cell(workspace, way));
        row(page, &workspace.name, count(&workspace.before), &cells);
    }
    let sum = WAYS.map(|way| workspaces.iter().map(|one| cell(one, way)).sum());
    let before = workspaces.iter().map(|one| count(&one.before)).sum();
    row(page, "**all**", before, &sum);
    page.push('\n');
}

fn moved(page: &mut String, workspaces: &[Workspace]) {
    header(page, "Lock entries that move", "entries");
    let cell = |workspace: &Workspace, way| {
        let (state, _) = result(workspace, way)?;
        Some(changed(&workspace.before.entries, &state.entries))
    };
    for workspace in workspaces {
        let cells = WAYS.map(|way| cell(workspace, way));
        row(page, &workspace.name, workspace.before.entries.len(), &cells);
    }
    let sum = WAYS.map(|way| workspaces.iter().map(|one| cell(one, way)).sum());
    let before = workspaces.iter().map(|one| one.before.entries.len()).sum();
    row(page, "**all**", before, &sum);
    page.push('\n');
}

/// The entries that are others or gone.
fn changed(before: &BTreeSet<(String, String)>, after: &BTreeSet<(String, String)>) -> usize {
    before.difference(after).count()
}

fn word(page: &mut String, workspaces: &[Workspace]) {
    page.push_str(
        "## Whether it keeps its word\n\nOf the errors before: cleared, or left with a reason that \
         is told; and where cargo-deny finds another error afterwards than `fix` said.\n\n\
         | workspace | way | fixes | errors before | cleared | left with a reason | without | differences |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for workspace in workspaces {
        for way in [Way::Fix, Way::FixBreaking] {
            let Some((_, said)) = result(workspace, way) else { continue };
            let (before, left) = (workspace.before.errors.len(), said.remaining.len());
            let differences = workspace.differences(way);
            let differences =
                if differences.is_empty() { "none".to_owned() } else { differences.join(", ") };
            let _ = writeln!(
                page,
                "| {} | {} | {} | {before} | {} | {} | {} | {differences} |",
                workspace.name,
                name(way),
                said.fixes,
                before.saturating_sub(left),
                left - said.unexplained.min(left),
                said.unexplained,
            );
        }
    }
}
