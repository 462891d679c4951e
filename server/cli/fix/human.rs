//! What `fix` has done, for people.

use std::{collections::BTreeSet, io::Write as _};

use anstyle::{AnsiColor, Style};
use camino::Utf8Path;
use similar::TextDiff;

use super::Done;
use crate::{
    cli::terminal::{escaped, escaped_line},
    fix::{Fix, MovedEntry, RemainingFinding, FixKind, Upgrade, RemovedFeatures},
    gate::NO_VERDICT,
    resolve::Built,
    verdict::{Finding, Severity, harmless},
};

/// Writes it to standard output, paths as they are from `here`.
pub(super) fn tell(done: &Done<'_>, here: &Utf8Path) {
    let shown = Shown { here, done };
    // Nobody reads any more when this fails.
    let _ = anstream::stdout().lock().write_all(shown.repair().as_bytes());
}

/// How a repair is shown.
struct Shown<'s> {
    /// Paths are shown from here.
    here: &'s Utf8Path,
    done: &'s Done<'s>,
}

impl Shown<'_> {
    fn repair(&self) -> String {
        let repair = self.done.repair;
        let mut text = String::new();
        if self.done.dry_run {
            for (path, change) in repair.texts.changes() {
                let path = self.path(path);
                let diff = TextDiff::from_lines(change.before.as_str(), change.after.as_str());
                let header = (format!("a/{path}"), format!("b/{path}"));
                let diff = diff.unified_diff().header(&header.0, &header.1).to_string();
                text.push_str(&escaped(&diff));
                text.push('\n');
            }
        }
        let folder = self.path(repair.verdict.workspace.folder());
        text.push_str(if folder.is_empty() { "." } else { &folder });
        text.push('\n');
        if let Some(why) = &repair.old_index {
            let style = AnsiColor::Yellow.on_default();
            text.push_str(&format!(
                "  {style}warning{style:#}: the registries could not be asked for new versions\n    {}\n",
                harmless(why)
            ));
        }
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
                if let Some(location) = finding.locations.first() {
                    let line = location.text.line_column(location.span.start).line;
                    text.push_str(&format!("    {}:{line}\n", self.path(&location.file)));
                }
            }
        }
        text.push_str(&self.end());
        text
    }

    fn fix(&self, fix: &Fix) -> String {
        let style = AnsiColor::Green.on_default();
        let would = self.done.dry_run || self.done.is_refused();
        let Fix { upgrade, proof, title, .. } = fix;
        let mut text = if let Some(Upgrade { package, to, breaking, through, without, rust }) =
            upgrade
        {
            let done = if would { "would upgrade" } else { "upgraded" };
            let breaking = if *breaking {
                ", a breaking upgrade: it resolves, whether it compiles is not known"
            } else {
                ""
            };
            let package =
                escaped_line(&format!("{} {} -> {to}", package.name, package.version)).into_owned();
            let mut text = format!("  {style}{done}{style:#} {package}{breaking}\n");
            for (parent, to) in through {
                let line = format!("for it {} {} -> {to}", parent.name, parent.version);
                text.push_str(&format!("    {}\n", escaped_line(&line)));
            }
            for RemovedFeatures { package, features } in without {
                let features = features.join(", ");
                let line = format!("without {features}, which {package} has no longer");
                text.push_str(&format!("    {}\n", escaped_line(&line)));
            }
            if let Some(rust) = rust {
                let rust = escaped_line(&rust.to_string()).into_owned();
                text.push_str(&format!("    needs Rust {rust}, newer than the workspace states\n"));
            }
            text
        } else {
            let done = if would { "would change" } else { "changed" };
            let what = match fix.kind {
                FixKind::Manifest => "the manifests",
                _ => "the policy",
            };
            format!("  {style}{done} {what}{style:#}: {}\n", harmless(title))
        };
        for (word, findings) in [("clears", &proof.cleared), ("brings", &proof.introduced)] {
            // cargo-deny says some things twice at two severities.
            let told: BTreeSet<_> = findings.iter().map(told).collect();
            for told in told {
                text.push_str(&format!("    {word} {told}\n"));
            }
        }
        let meant = |name: &str| {
            upgrade.iter().any(|upgrade| {
                let through = upgrade.through.iter().any(|(parent, _)| parent.name == name);
                upgrade.package.name == name || through
            })
        };
        let others = proof.moved.iter().filter(|moved| !meant(&moved.name));
        let others: Vec<_> = others.map(moved).collect();
        if !others.is_empty() {
            text.push_str(&format!("    moves also {}\n", escaped_line(&others.join(", "))));
        }
        text
    }

    fn end(&self) -> String {
        let Done { repair, dry_run, built } = self.done;
        let mut text = match built {
            None => String::new(),
            Some(Built::Fine) => "  `cargo check` passes with it\n".to_owned(),
            Some(Built::Fails(error)) => {
                let lines = harmless(error);
                let lines: Vec<_> = lines.lines().map(|line| format!("    {line}\n")).collect();
                let style = red();
                format!(
                    "  {style}does not compile{style:#}, nothing was changed:\n{}",
                    lines.concat()
                )
            }
        };
        let (style, state) = match self.done.exit_code() {
            0 => (AnsiColor::Green.on_default(), "clean"),
            NO_VERDICT => (red(), "no verdict"),
            _ => (red(), "fails"),
        };
        let count = repair.texts.changes().len();
        let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        let done = match (count, dry_run) {
            (0, _) => "nothing to change".to_owned(),
            _ if self.done.is_refused() => "nothing changed".to_owned(),
            (_, true) => format!("{files} would change"),
            (_, false) => format!("{files} changed"),
        };
        let would = *dry_run && count > 0 && !self.done.is_refused();
        let would = if would { " then" } else { "" };
        text.push_str(&format!("  {done}; gate{would}: {style}{state}{style:#}\n"));
        text
    }

    fn path(&self, path: &Utf8Path) -> String {
        escaped_line(path.strip_prefix(self.here).unwrap_or(path).as_str()).into_owned()
    }
}

fn remains(remaining: &RemainingFinding) -> String {
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
