//! The page with the results.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::packages::{PACKAGE_METHODS, PackageMethod};
use super::{FixMethod, FixResult, METHODS, State, Workspace};

const HEAD: &str = "\
# `fix` on real workspaces

Written by `cargo xtask fixes`. Each method starts from the original workspace. The real cargo-deny 0.20.2 counts what is left,
with the whole advisory database and a policy that denies every advisory (`unmaintained = \"all\"`, `unsound = \"all\"`,
`yanked = \"deny\"`). An entry has moved if the lockfile has another version of it, or none, afterwards. Times are those of a second run,
with all packages on the disk, one run at a time.

* `fix`, `fix --breaking`: `supercargo fix --only advisories`, the second one with `--allow rust-version`. The first one takes no version for a
  newer Rust than the workspace states; `cargo update` does. Breaking upgrades are verified to resolve, not to compile.
* vulnerabilities only: `fix --breaking` with a policy that denies only vulnerabilities, since `cargo audit fix` fixes only those.
* `update -p`: one `cargo update` that names every package with an error.
* `update`: `cargo update` for all packages.
* `audit fix`: `cargo audit fix` of cargo-audit, installed with `cargo install cargo-audit --features fix`.

";

pub(super) fn of(workspaces: &[Workspace]) -> String {
    let mut page = HEAD.to_owned();
    let count = |state: &State| (state.vulnerabilities.len(), state.errors.len());
    table(&mut page, "Remaining vulnerabilities", workspaces, &|one| count(one).0);
    table(
        &mut page,
        "Remaining advisory errors (with unmaintained, unsound, yanked)",
        workspaces,
        &|one| count(one).1,
    );
    moved(&mut page, workspaces);
    times(&mut page, workspaces);
    packages(&mut page, workspaces);
    report(&mut page, workspaces);
    page
}

fn packages(page: &mut String, workspaces: &[Workspace]) {
    let names = PACKAGE_METHODS.map(|method| match method {
        PackageMethod::Fix => "`fix -p`",
        PackageMethod::Update => "`update -p`",
        PackageMethod::AuditFix => "`audit fix`",
    });
    let _ = writeln!(
        page,
        "## One package at a time\n\nHow many lock entries each method moves to clear all errors of \
         the package,\nalso in its new version; – if an error remains. `audit fix` ignores all other \
         advisories.\n\n| workspace | package | {} | no more than the others |\n|---|---|{}---|",
        names.join(" | "),
        "---|".repeat(PACKAGE_METHODS.len()),
    );
    for workspace in workspaces {
        for package in &workspace.packages {
            let moved = |method| {
                package.moved.get(&method).map_or_else(|| "–".to_owned(), usize::to_string)
            };
            let cells = PACKAGE_METHODS.map(moved).join(" | ");
            let smallest = if package.is_smallest() { "yes" } else { "**no**" };
            let _ = writeln!(
                page,
                "| {} | {} | {cells} | {smallest} |",
                workspace.name, package.package
            );
        }
    }
    page.push('\n');
}

fn name(method: FixMethod) -> &'static str {
    match method {
        FixMethod::Fix => "`fix`",
        FixMethod::FixBreaking => "`fix --breaking`",
        FixMethod::FixVulnerable => "vulnerabilities only",
        FixMethod::UpdateNamed => "`update -p`",
        FixMethod::UpdateAll => "`update`",
        FixMethod::AuditFix => "`audit fix`",
    }
}

fn result(workspace: &Workspace, method: FixMethod) -> Option<&FixResult> {
    workspace.results.get(&method)?.as_ref()
}

fn header(page: &mut String, title: &str, first: &str) {
    let methods: Vec<_> = METHODS.iter().map(|method| name(*method)).collect();
    let _ = writeln!(page, "## {title}\n\n| workspace | {first} | {} |", methods.join(" | "));
    let _ = writeln!(page, "|---|---|{}", "---|".repeat(METHODS.len()));
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
    let cell = |workspace: &Workspace, method| {
        result(workspace, method).map(|result| count(&result.state))
    };
    for workspace in workspaces {
        let cells = METHODS.map(|method| cell(workspace, method));
        row(page, &workspace.name, count(&workspace.before), &cells);
    }
    let sum = METHODS.map(|method| workspaces.iter().map(|one| cell(one, method)).sum());
    let before = workspaces.iter().map(|one| count(&one.before)).sum();
    row(page, "**all**", before, &sum);
    page.push('\n');
}

fn moved(page: &mut String, workspaces: &[Workspace]) {
    header(page, "Moved lock entries", "entries");
    let cell = |workspace: &Workspace, method| {
        let FixResult { state, .. } = result(workspace, method)?;
        Some(changed(&workspace.before.entries, &state.entries))
    };
    for workspace in workspaces {
        let cells = METHODS.map(|method| cell(workspace, method));
        row(page, &workspace.name, workspace.before.entries.len(), &cells);
    }
    let sum = METHODS.map(|method| workspaces.iter().map(|one| cell(one, method)).sum());
    let before = workspaces.iter().map(|one| one.before.entries.len()).sum();
    row(page, "**all**", before, &sum);
    page.push('\n');
}

fn times(page: &mut String, workspaces: &[Workspace]) {
    let methods: Vec<_> = METHODS.iter().map(|method| name(*method)).collect();
    let _ = writeln!(page, "## Time in seconds\n\n| workspace | {} |", methods.join(" | "));
    let _ = writeln!(page, "|---|{}", "---|".repeat(METHODS.len()));
    for workspace in workspaces {
        let cells = METHODS.map(|method| {
            let time = result(workspace, method).map(|result| result.time.as_secs_f64());
            time.map_or_else(|| "–".to_owned(), |time| format!("{time:.1}"))
        });
        let _ = writeln!(page, "| {} | {} |", workspace.name, cells.join(" | "));
    }
    page.push('\n');
}

/// The number of entries that were replaced or removed.
fn changed(before: &BTreeSet<(String, String)>, after: &BTreeSet<(String, String)>) -> usize {
    before.difference(after).count()
}

fn report(page: &mut String, workspaces: &[Workspace]) {
    page.push_str(
        "## Whether the report is correct\n\nThe errors before: cleared, or remaining with a \
         reason; and the differences between the remaining errors that `fix` reports and cargo-deny finds.\n\n\
         | workspace | method | fixes | errors before | cleared | remaining with a reason | without | differences |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for workspace in workspaces {
        for method in [FixMethod::Fix, FixMethod::FixBreaking] {
            let Some(FixResult { output, .. }) = result(workspace, method) else { continue };
            let (before, left) = (workspace.before.errors.len(), output.remaining.len());
            let differences = workspace.differences(method);
            let differences =
                if differences.is_empty() { "none".to_owned() } else { differences.join(", ") };
            let _ = writeln!(
                page,
                "| {} | {} | {} | {before} | {} | {} | {} | {differences} |",
                workspace.name,
                name(method),
                output.fixes,
                before.saturating_sub(left),
                left - output.unexplained.min(left),
                output.unexplained,
            );
        }
    }
}
