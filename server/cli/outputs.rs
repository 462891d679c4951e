//! Writes the reports of `check`.

use std::{
    env, fs,
    io::{self, Write as _},
};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::{
    arguments::{CheckArguments, Format},
    logging,
    report_arguments::{CheckFormat, ReportFormat, is_stdout},
    shown::ShownFindings,
    targets::absolute,
};
use crate::{
    compare::Comparison,
    gate::Verdict,
    report::{
        Filters, GITHUB_RESULTS, Report, WorkspaceFixes, annotations, code_quality, html, junit,
        sarif, summary,
    },
    text::{ExpectedContent, Links, Replacement, write_all},
    verdict::CheckSet,
};

/// What a run of `check` writes besides its findings on standard output.
pub(super) struct Outputs<'a> {
    arguments: &'a CheckArguments,
    annotations: bool,
    /// The file of GitHub Actions to which the summary is added.
    step_summary: Option<Utf8PathBuf>,
    /// Whether the runner of GitHub Actions reads the output.
    in_actions: bool,
}

/// A workspace that was checked.
pub(super) struct Checked {
    pub(super) verdict: Verdict,
    pub(super) checks: CheckSet,
    pub(super) exit_code: u8,
    /// With `--base`.
    pub(super) comparison: Option<Comparison>,
    /// If a report shows them.
    pub(super) fixes: Option<WorkspaceFixes>,
}

/// What a run found.
#[derive(Default)]
pub(super) struct CheckedRun {
    /// Kept only if there are reports.
    pub(super) workspaces: Vec<Checked>,
    /// Why there is no verdict, besides the findings.
    pub(super) failures: Vec<String>,
    pub(super) exit_code: u8,
}

impl<'a> Outputs<'a> {
    /// As the arguments and the environment say.
    pub(super) fn of(arguments: &'a CheckArguments) -> Self {
        let in_actions = logging::in_github_actions();
        let is_automatic = in_actions && arguments.format == CheckFormat::Auto;
        let step_summary = env::var("GITHUB_STEP_SUMMARY").ok().filter(|path| !path.is_empty());
        let takes_stdout = arguments.reports.take_stdout();
        Self {
            arguments,
            annotations: arguments.reports.github || is_automatic && !takes_stdout,
            step_summary: step_summary.filter(|_| is_automatic).map(Utf8PathBuf::from),
            in_actions,
        }
    }

    /// Whether there are any.
    pub(super) fn are_needed(&self) -> bool {
        self.annotations
            || self.step_summary.is_some()
            || self.arguments.reports.files().next().is_some()
    }

    /// Whether a report has all findings, not only errors and warnings.
    pub(super) fn need_records(&self) -> bool {
        self.arguments.reports.files().any(|(format, _)| format == ReportFormat::Sarif)
    }

    /// Whether a report has the dependencies between packages, and the verified fixes.
    pub(super) fn need_page(&self) -> bool {
        self.arguments.reports.files().any(|(format, _)| format == ReportFormat::Html)
    }

    /// A text for the log: the runner of GitHub Actions must not find a command in it.
    pub(super) fn for_log(&self, text: String) -> String {
        logging::for_log(text, self.in_actions || self.annotations)
    }

    /// Writes all of them.
    ///
    /// # Returns
    ///
    /// Whether all were written; errors were printed.
    pub(super) fn write(&self, run: &CheckedRun) -> bool {
        if !self.are_needed() {
            return true;
        }
        let root = match checkout_root() {
            Ok(root) => root,
            Err(error) => {
                logging::error(&format!("{error:#}"));
                return false;
            }
        };
        let [records, listed] =
            [Format::Json, Format::Human].map(|format| ShownFindings::of(self.arguments, format));
        let mut report = Report::new(&root, listed.paths);
        report.failures.clone_from(&run.failures);
        report.exit_code = run.exit_code;
        for Checked { verdict, checks, exit_code, comparison, fixes } in &run.workspaces {
            let filters = Filters {
                records: &|finding| records.has(finding),
                listed: &|finding| listed.has(finding),
            };
            let (comparison, fixes) = (comparison.as_ref(), fixes.as_ref());
            report.add(verdict, *checks, *exit_code, comparison, fixes, filters);
        }
        let mut all_written = true;
        for (format, file) in self.arguments.reports.files() {
            if let Err(error) = write_report(&report, format, file) {
                let option = format.option();
                logging::error(&format!("could not write `{file}` for `{option}`: {error:#}"));
                all_written = false;
            }
        }
        if self.annotations
            && let Err(error) = print(&annotations(&report))
        {
            logging::error(&format!("could not print annotations: {error:#}"));
            all_written = false;
        }
        if let Some(file) = self.step_summary.as_deref().filter(|file| !self.is_summary(file))
            && let Err(error) = append(file, &summary(&report))
        {
            // No option asked for it.
            logging::warn(&format!("could not add the summary to `{file}`: {error:#}"));
        }
        all_written
    }

    /// Whether `--summary` names the file of GitHub Actions.
    fn is_summary(&self, file: &Utf8Path) -> bool {
        self.arguments.reports.files().any(|one| one == (ReportFormat::Summary, file))
    }
}

fn write_report(report: &Report<'_>, format: ReportFormat, file: &Utf8Path) -> anyhow::Result<()> {
    let text = match format {
        ReportFormat::Sarif => {
            warn_about_results(report);
            sarif(report)?
        }
        ReportFormat::Gitlab => code_quality(report)?,
        ReportFormat::Junit => junit(report)?,
        ReportFormat::Summary => summary(report),
        ReportFormat::Html => html(report),
    };
    let is_step_summary = format == ReportFormat::Summary
        && env::var("GITHUB_STEP_SUMMARY").is_ok_and(|path| path == *file);
    if is_stdout(file) {
        print(&text)
    } else if is_step_summary {
        append(file, &text)
    } else {
        write_file(file, text.as_bytes())
    }
}

/// The nearest folder with `.git` at or above the current one, else the current one.
fn checkout_root() -> anyhow::Result<Utf8PathBuf> {
    let here = absolute(Utf8Path::new("."))?;
    let found = here.ancestors().find(|folder| folder.join(".git").exists());
    Ok(found.unwrap_or(&here).to_owned())
}

/// GitHub refuses a file with more results.
fn warn_about_results(report: &Report<'_>) {
    let count: usize = report.workspaces.iter().map(|workspace| workspace.records.len()).sum();
    if count > GITHUB_RESULTS {
        logging::warn(&format!(
            "the SARIF file has {count} results, and GitHub accepts {GITHUB_RESULTS} at most; leave out some with \
             `--log-level warn` or `--log-level error`"
        ));
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("could not write to standard output")
}

fn append(file: &Utf8Path, text: &str) -> anyhow::Result<()> {
    let mut file = fs::File::options().append(true).create(true).open(file)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// Replaces a file, or writes to what is no file, such as a pipe.
fn write_file(file: &Utf8Path, content: &[u8]) -> anyhow::Result<()> {
    let path = absolute(file)?;
    let old = match fs::metadata(&path) {
        Ok(there) if there.is_dir() => bail!("it is a folder"),
        Ok(there) if !there.is_file() => {
            return Ok(fs::File::options().write(true).open(&path)?.write_all(content)?);
        }
        Ok(_) => Some(fs::read(&path)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let before = match &old {
        Some(bytes) => ExpectedContent::Bytes(bytes),
        None => ExpectedContent::Absent,
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        bail!("there is no folder `{folder}`");
    }
    let replacement = Replacement { path: &path, before, after: content };
    let written = write_all(&[replacement], &absolute(Utf8Path::new("."))?, Links::Followed);
    // Its sentence has its causes.
    let written = written.map_err(|error| anyhow::anyhow!("{error}"))?;
    for note in &written.notes {
        logging::warn(note);
    }
    Ok(())
}
