//! `supercargo fix`: upgrade what is proved, and say what was done and what remains.

use std::{collections::BTreeSet, io::Write as _, process::ExitCode};

use anstyle::{AnsiColor, Style};
use camino::Utf8Path;
use similar::TextDiff;

use super::{
    arguments::FixArguments,
    check::{PATIENCE, combined},
    logging,
    meant::{Manner, Meant, absolute, gate_options, workspaces},
};
use crate::{
    fix::{Fix, FixOptions, MovedEntry, Prover, Remaining, Repair, Tried, Upgrade, repair},
    gate::{Databases, Gate, NO_VERDICT},
    verdict::{Finding, Severity, harmless},
};

/// Runs the word.
///
/// # Errors
///
/// When there is nothing to judge.
pub(super) fn run(arguments: &FixArguments) -> anyhow::Result<ExitCode> {
    let Meant { workspaces, missing } = workspaces(&arguments.gate)?;
    let manner = Manner { offline: arguments.gate.network.offline, locked: false, helps: false };
    let options = gate_options(&arguments.gate, manner)?;
    let databases = Databases::default();
    let here = absolute(Utf8Path::new("."))?;
    let fix = FixOptions { breaking: arguments.breaking };
    let mut code = if missing { NO_VERDICT } else { 0 };
    for workspace in &workspaces {
        let mut gate = Gate::new(workspace.clone());
        let mut prover = Prover {
            gate: &mut gate,
            options: &options,
            databases: &databases,
            audience: &logging::tell,
        };
        let Some(repair) = repair(&mut prover, fix, Tried::default()) else { continue };
        let shown = Shown { here: &here, dry_run: arguments.dry_run };
        let written = if arguments.dry_run { Ok(()) } else { repair.texts.write() };
        if let Err(error) = written {
            logging::complain(&error.to_string());
            code = NO_VERDICT;
            continue;
        }
        let _ = anstream::stdout().lock().write_all(shown.repair(&repair).as_bytes());
        code = combined(code, repair.verdict.exit_code());
    }
    // What was unpacked is deleted by those who used it.
    drop(databases);
    options.resolver.children.wait_until_unused(PATIENCE);
    Ok(ExitCode::from(code))
}

/// How a repair is shown.
struct Shown<'s> {
    /// Paths are shown from here.
    here: &'s Utf8Path,
    dry_run: bool,
}

impl Shown<'_> {
    fn repair(&self, repair: &Repair) -> String {
        let mut text = String::new();
        if self.dry_run {
            for (path, change) in repair.texts.changes() {
                let path = self.path(path);
                let diff = TextDiff::from_lines(change.before.as_str(), change.after.as_str());
                let header = (format!("a/{path}"), format!("b/{path}"));
                let diff = diff.unified_diff().header(&header.0, &header.1).to_string();
                text.push_str(&diff);
                text.push('\n');
            }
        }
        let folder = self.path(repair.verdict.workspace.folder());
        text.push_str(if folder.is_empty() { "." } else { &folder });
        text.push('\n');
        for fix in &repair.fixes {
            text.push_str(&self.fix(fix));
        }
        if repair.verdict.reached {
            repair.remaining.iter().for_each(|remaining| text.push_str(&remains(remaining)));
        } else {
            let style = red();
            let errors = repair.verdict.findings.iter();
            for finding in errors.filter(|finding| finding.severity == Severity::Error) {
                text.push_str(&format!("  {style}error{style:#}: {}\n", told(finding)));
                if let Some(place) = finding.places.first() {
                    let line = place.text.line_column(place.span.start).line;
                    text.push_str(&format!("    {}:{line}\n", self.path(&place.file)));
                }
            }
        }
        text.push_str(&self.end(repair));
        text
    }

    fn fix(&self, fix: &Fix) -> String {
        let style = AnsiColor::Green.on_default();
        let done = if self.dry_run { "would upgrade" } else { "upgraded" };
        let Fix { upgrade: Some(Upgrade { package, to, breaking }), proof, .. } = fix else {
            return String::new();
        };
        let breaking = if *breaking {
            ", a breaking upgrade: it resolves, whether it compiles is not known"
        } else {
            ""
        };
        let mut text = format!(
            "  {style}{done}{style:#} {} {} -> {to}{breaking}\n",
            package.name, package.version
        );
        for (word, findings) in [("clears", &proof.cleared), ("brings", &proof.introduced)] {
            // cargo-deny says some things twice at two severities.
            let told: BTreeSet<_> = findings.iter().map(told).collect();
            for told in told {
                text.push_str(&format!("    {word} {told}\n"));
            }
        }
        let others = proof.moved.iter().filter(|moved| moved.name != package.name);
        let others: Vec<_> = others.map(moved).collect();
        if !others.is_empty() {
            text.push_str(&format!("    moves also {}\n", others.join(", ")));
        }
        text
    }

    fn end(&self, repair: &Repair) -> String {
        let (style, state) = match repair.verdict.exit_code() {
            0 => (AnsiColor::Green.on_default(), "clean"),
            NO_VERDICT => (red(), "no verdict"),
            _ => (red(), "fails"),
        };
        let count = repair.texts.changes().len();
        let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        let done = match (count, self.dry_run) {
            (0, _) => "nothing to change".to_owned(),
            (_, true) => format!("{files} would change"),
            (_, false) => format!("{files} changed"),
        };
        let would = if self.dry_run && count > 0 { " then" } else { "" };
        format!("  {done}; gate{would}: {style}{state}{style:#}\n")
    }

    fn path(&self, path: &Utf8Path) -> String {
        path.strip_prefix(self.here).unwrap_or(path).to_string()
    }
}

fn remains(remaining: &Remaining) -> String {
    let (style, word) = match remaining.finding.severity {
        Severity::Error => (red(), "error"),
        _ => (AnsiColor::Yellow.on_default(), "warning"),
    };
    let mut text = format!("  {style}{word} stays{style:#}: {}\n", told(&remaining.finding));
    let why = remaining.reason.as_ref().or(remaining.finding.remedy.as_ref());
    if let Some(why) = why {
        text.push_str(&format!("    {}\n", harmless(why)));
    }
    text
}

fn told(finding: &Finding) -> String {
    let code = finding.shown_code().unwrap_or(finding.check.name());
    format!("{code}: {}", harmless(&finding.message))
}

fn moved(moved: &MovedEntry) -> String {
    match (&moved.before, &moved.after) {
        (Some(before), Some(after)) => format!("{} {before} -> {after}", moved.name),
        (Some(before), None) => format!("{} {before} (gone)", moved.name),
        (None, after) => format!("{} {} (new)", moved.name, after.as_deref().unwrap_or_default()),
    }
}

fn red() -> Style {
    AnsiColor::Red.on_default().bold()
}
