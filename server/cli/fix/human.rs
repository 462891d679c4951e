//! `--format human` of `fix`.

use std::{collections::BTreeSet, io::Write as _};

use super::FixRun;
use crate::{
    cli::terminal::{escaped, escaped_line},
    fix::{
        BreakingChange, Fix, FixKind, LockfileOutcome, MovedEntry, OtherLockfile, RemainingFinding,
        RemovedFeatures, Upgrade, diff_folder, diffs,
    },
    gate::NO_VERDICT,
    resolve::BuildResult,
    verdict::{Finding, PackageRef, Severity, distinguishing_source, join_with_and, sanitize},
    workspace::relative,
};
use anstyle::{AnsiColor, Style};
use camino::Utf8Path;

/// Prints a run to standard output, with paths relative to `here`.
pub(super) fn print(fix_run: &FixRun<'_>, here: &Utf8Path) {
    let shown = FixPrinter { here, fix_run };
    // Fails if the reader has closed the pipe.
    let _ = anstream::stdout().lock().write_all(shown.report().as_bytes());
}

/// Prints a run.
struct FixPrinter<'s> {
    /// The folder that shown paths are relative to.
    here: &'s Utf8Path,
    fix_run: &'s FixRun<'s>,
}

impl FixPrinter<'_> {
    fn report(&self) -> String {
        let report = self.fix_run.report;
        let mut text = String::new();
        if self.fix_run.dry_run {
            let folder = diff_folder(&report.texts, &report.verdict.workspace);
            if folder != self.here && !report.texts.changes().is_empty() {
                let shown = escaped_line(relative(self.here, &folder).as_str()).into_owned();
                text.push_str(&format!("changes in `{shown}`, for `git apply` there:\n"));
            }
            for diff in diffs(&report.texts, &folder) {
                text.push_str(&format!("{}\n", escaped(&diff.text())));
            }
        }
        let folder = self.path(report.verdict.workspace.folder());
        text.push_str(if folder.is_empty() { "." } else { &folder });
        text.push('\n');
        if let Some(why) = &report.old_index {
            let style = AnsiColor::Yellow.on_default();
            text.push_str(&format!(
                "  {style}warning{style:#}: could not fetch new versions from the registries\n    {}\n",
                sanitize(&why.to_string())
            ));
        }
        for fix in &report.fixes {
            text.push_str(&self.fix(fix));
        }
        for lockfile in &report.lockfiles {
            text.push_str(&self.other_lockfile(lockfile));
        }
        let mut upgrades = report.fixes.iter().filter_map(|fix| fix.upgrade.as_ref());
        if upgrades.any(|upgrade| upgrade.search_was_cut) {
            text.push_str("  note: these upgrades may change more than needed: not all smaller ones were checked\n");
        }
        for reason in report.texts.left_out() {
            let style = AnsiColor::Yellow.on_default();
            text.push_str(&format!("  {style}warning{style:#}: {}\n", sanitize(reason)));
        }
        if report.verdict.complete {
            report.remaining.iter().for_each(|remaining| text.push_str(&remains(remaining)));
        } else {
            let style = red();
            let errors = report.verdict.findings.iter();
            for finding in errors.filter(|finding| finding.severity == Severity::Error) {
                text.push_str(&format!("  {style}error{style:#}: {}\n", line_of(finding)));
                if let Some(location) = finding.locations.first() {
                    let line = location.text.line_column(location.span.start).line;
                    text.push_str(&format!("    {}:{line}\n", self.path(&location.file)));
                }
                if let Some(remedy) = &finding.remedy {
                    text.push_str(&format!("    {}\n", sanitize(remedy)));
                }
            }
        }
        text.push_str(&self.end());
        text
    }

    fn fix(&self, fix: &Fix) -> String {
        let style = AnsiColor::Green.on_default();
        let would = self.fix_run.dry_run || self.fix_run.does_not_compile();
        let Fix { upgrade, verification, title, .. } = fix;
        let mut text = if let Some(Upgrade {
            package,
            to,
            breaking,
            other_upgrades,
            removed_features,
            rust,
            ..
        }) = upgrade
        {
            let done = match (would, *to < package.version) {
                (true, false) => "would upgrade",
                (false, false) => "upgraded",
                (true, true) => "would downgrade",
                (false, true) => "downgraded",
            };
            let breaks = |package: &PackageRef| match breaking.get(package) {
                Some(BreakingChange::Incompatible) => {
                    " (semver-incompatible: it resolves, but may not compile)"
                }
                Some(BreakingChange::PastBound) => {
                    " (past the upper bound of its requirement: it resolves, but may not compile)"
                }
                None => "",
            };
            let lead_breaks = breaks(package);
            let source = distinguishing_source(package, self.fix_run.report.before.folders.keys());
            let source = source.map_or_else(String::new, |source| format!(" ({source})"));
            let package = format!("{} {}{source} -> {to}", package.name, package.version);
            let package = escaped_line(&package).into_owned();
            let mut text = format!("  {style}{done}{style:#} {package}{lead_breaks}\n");
            for (parent, to) in other_upgrades {
                let line = format!("also upgrades {} {} -> {to}", parent.name, parent.version);
                text.push_str(&format!("    {}{}\n", escaped_line(&line), breaks(parent)));
            }
            for RemovedFeatures { package, features } in removed_features {
                let features = features.join(", ");
                let line = format!("removes {features}: {package} no longer has these features");
                text.push_str(&format!("    {}\n", escaped_line(&line)));
            }
            if let Some(rust) = rust {
                let rust = escaped_line(&rust.to_string()).into_owned();
                text.push_str(&format!(
                    "    requires Rust {rust}, newer than the workspace's `rust-version`\n"
                ));
            }
            text
        } else {
            let done = if would { "would change" } else { "changed" };
            let what = match fix.kind {
                FixKind::Lockfile => "the lockfile",
                FixKind::Manifest | FixKind::Removal | FixKind::Replacement => "the manifests",
                _ => "the policy",
            };
            format!("  {style}{done} {what}{style:#}: {}\n", sanitize(title))
        };
        text.push_str(&effects("fixes", &verification.cleared));
        text.push_str(&effects("introduces", &verification.introduced));
        let is_planned = |name: &str| {
            upgrade.iter().any(|upgrade| {
                let other_upgrades =
                    upgrade.other_upgrades.iter().any(|(parent, _)| parent.name == name);
                upgrade.package.name == name || other_upgrades
            })
        };
        let others = verification.moved.iter().filter(|moved| !is_planned(&moved.name));
        let others: Vec<_> = others.map(moved).collect();
        if !others.is_empty() {
            let also = if fix.kind == FixKind::Lockfile { "" } else { "also " };
            text.push_str(&format!("    {also}changes {}\n", escaped_line(&others.join(", "))));
        }
        text
    }

    fn other_lockfile(&self, lockfile: &OtherLockfile) -> String {
        let path = self.path(&lockfile.path);
        match &lockfile.outcome {
            LockfileOutcome::Updated { moved: entries, cleared, introduced } => {
                let style = AnsiColor::Green.on_default();
                let would = self.fix_run.dry_run || self.fix_run.does_not_compile();
                let done = if would { "would update" } else { "updated" };
                let entries: Vec<_> = entries.iter().map(moved).collect();
                let entries = escaped_line(&entries.join(", ")).into_owned();
                let colon = if entries.is_empty() { "" } else { ": " };
                let mut text = format!("  {style}{done}{style:#} {path}{colon}{entries}\n");
                text.push_str(&effects("fixes", cleared));
                text.push_str(&effects("introduces", introduced));
                text
            }
            LockfileOutcome::NoLongerFits(reason) => {
                let style = AnsiColor::Yellow.on_default();
                format!(
                    "  {style}warning{style:#}: `{path}` no longer fits the manifests\n    {}\n",
                    sanitize(&reason.to_string())
                )
            }
        }
    }

    /// The changed files that only `--allow outside` permits.
    fn outside(&self) -> String {
        let outside = self.fix_run.report.texts.changes_outside();
        let outside = outside.iter().map(|(path, origin)| {
            let shown = relative(self.here, path);
            format!("`{}` ({origin})", escaped_line(shown.as_str()))
        });
        let outside: Vec<_> = outside.collect();
        if outside.is_empty() {
            return String::new();
        }
        let would = self.fix_run.dry_run || self.fix_run.does_not_compile();
        let done = if would { "would change" } else { "changed" };
        format!("  {done} {}\n", join_with_and(&outside))
    }

    fn end(&self) -> String {
        let FixRun { report, dry_run, built } = self.fix_run;
        let mut text = match built {
            None => String::new(),
            Some(BuildResult::Passed) => "  `cargo check` passes\n".to_owned(),
            Some(BuildResult::Failed(error)) => {
                let lines = sanitize(error);
                let lines: Vec<_> = lines.lines().map(|line| format!("    {line}\n")).collect();
                let style = red();
                format!(
                    "  {style}does not compile{style:#}, nothing was changed:\n{}",
                    lines.concat()
                )
            }
        };
        let (style, state) = match self.fix_run.exit_code() {
            0 => (AnsiColor::Green.on_default(), "clean"),
            NO_VERDICT => (red(), "no verdict"),
            _ => (red(), "fails"),
        };
        let count = report.texts.changes().len();
        let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        let done = match (count, dry_run) {
            (0, _) => "nothing to change".to_owned(),
            _ if self.fix_run.does_not_compile() => "nothing changed".to_owned(),
            (_, true) => format!("{files} would change"),
            (_, false) => format!("{files} changed"),
        };
        let would = *dry_run && count > 0 && !self.fix_run.does_not_compile();
        let would = if would { " then" } else { "" };
        text.push_str(&self.outside());
        text.push_str(&format!("  {done}; gate{would}: {style}{state}{style:#}\n"));
        text
    }

    fn path(&self, path: &Utf8Path) -> String {
        escaped_line(path.strip_prefix(self.here).unwrap_or(path).as_str()).into_owned()
    }
}

/// The findings that a change clears or causes.
fn effects(word: &str, findings: &[Finding]) -> String {
    // cargo-deny reports some findings twice, with two severities.
    let lines: BTreeSet<_> = findings.iter().map(line_of).collect();
    let mut text = String::new();
    for line in lines {
        text.push_str(&format!("    {word} {line}\n"));
    }
    text
}

fn remains(remaining: &RemainingFinding) -> String {
    let (style, word) = match remaining.finding.severity {
        Severity::Error => (red(), "error"),
        _ => (AnsiColor::Yellow.on_default(), "warning"),
    };
    let mut text = format!("  {style}{word} remains{style:#}: {}\n", line_of(&remaining.finding));
    let reason = remaining.reason.as_ref().map(ToString::to_string);
    if let Some(why) = reason.as_ref().or(remaining.finding.remedy.as_ref()) {
        text.push_str(&format!("    {}\n", sanitize(why)));
    }
    text
}

fn line_of(finding: &Finding) -> String {
    let code = finding.shown_code().unwrap_or(finding.check.name());
    format!("{code}: {}", sanitize(&finding.message))
}

fn moved(moved: &MovedEntry) -> String {
    let source = moved.source.as_ref().map_or_else(String::new, |source| format!(" ({source})"));
    let name = format!("{}{source}", moved.name);
    match (&moved.before, &moved.after) {
        (Some(before), Some(after)) => format!("{name} {before} -> {after}"),
        (Some(before), None) => format!("{name} {before} (gone)"),
        (None, Some(after)) => format!("{name} {after} (new)"),
        (None, None) => name,
    }
}

fn red() -> Style {
    AnsiColor::Red.on_default().bold()
}
