//! Prints the result of a comparison.

use super::job::Run;
use super::outcome::Outcome;

/// Prints every problem, a line for each workspace and the total; `true` when there is no problem.
pub(crate) fn print(runs: &[Run]) -> bool {
    let mut lines = Vec::new();
    let (mut compared, mut found, mut failed) = (0, 0, 0);
    for run in runs {
        let problems = run.problems();
        if run.ours.is_none() {
            print_verdict(run);
        }
        print_problems(run, &problems);

        compared += run.theirs.findings.len();
        found += problems.len();
        failed += usize::from(!problems.is_empty());
        lines.push(line(run, problems.len()));
    }

    println!("\nfindings  differences  cargo-deny  supercargo  workspace");
    for line in lines {
        println!("{line}");
    }
    println!(
        "\n{} workspaces, {compared} findings compared, {found} differences in {failed} workspaces",
        runs.len()
    );
    found == 0
}

fn line(run: &Run, differences: usize) -> String {
    let ours = run.ours.as_ref().map_or_else(|| "not run".to_owned(), exit);
    let findings = run.theirs.findings.len();
    format!("{findings:>8}  {differences:>11}  {:>10}  {ours:>10}  {}", exit(&run.theirs), run.name)
}

/// The exit code, marked when it is not that of a verdict.
fn exit(outcome: &Outcome) -> String {
    let verdict = if outcome.summary.is_some() { "" } else { " (none)" };
    format!("{}{verdict}", outcome.exit())
}

fn print_problems(run: &Run, problems: &[String]) {
    if problems.is_empty() {
        return;
    }
    println!("\n{}:", run.name);
    for problem in problems {
        println!("  {problem}");
    }
    // Without a verdict, the reason is in what the program said besides.
    for (program, outcome) in [("cargo-deny", Some(&run.theirs)), ("supercargo", run.ours.as_ref())]
    {
        let Some(outcome) = outcome.filter(|outcome| outcome.summary.is_none()) else { continue };
        for remark in &outcome.remarks {
            println!("  {program} said: {remark}");
        }
    }
}

/// What cargo-deny says, for those who write cases.
fn print_verdict(run: &Run) {
    println!("\n{}: exit {}", run.name, exit(&run.theirs));
    for finding in &run.theirs.findings {
        println!("  {finding}");
    }
    if run.theirs.summary.is_none() {
        for remark in &run.theirs.remarks {
            println!("  said: {remark}");
        }
    }
}
