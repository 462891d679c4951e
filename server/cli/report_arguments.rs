//! The options of `check` for what it writes besides its findings on standard output.

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueEnum};

/// The names of standard output in place of a file.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// The outputs besides standard output. `-` as FILE is standard output.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Reports")]
pub(super) struct ReportArguments {
    /// Write the findings of `--format json` as SARIF 2.1.0, for code scanning. With `--log-level warn` it has only
    /// errors and warnings. `-` is standard output, for this and the other reports; nothing else is printed
    /// there then.
    ///
    /// The report is written in the same run and also if a check could not run. A report that cannot be
    /// written is an error: the others are still written, and the exit code is 73 (or 70 if a check could
    /// not run).
    #[arg(long, value_name = "FILE")]
    sarif: Option<Utf8PathBuf>,

    /// Write the errors and warnings as a Code Quality report of GitLab.
    #[arg(long, value_name = "FILE")]
    gitlab: Option<Utf8PathBuf>,

    /// Write a JUnit report: a suite for each check, with errors as failures.
    #[expect(clippy::doc_markdown, reason = "a name in the help")]
    #[arg(long, value_name = "FILE")]
    junit: Option<Utf8PathBuf>,

    /// Write a summary in Markdown, of at most 1 MB.
    #[arg(long, value_name = "FILE")]
    summary: Option<Utf8PathBuf>,

    /// Write a report for people as one HTML file of at most 1 MB, which needs no network and no script: the
    /// findings with their dependency graphs and verified fixes, the effect of each entry of the policy, and the packages
    /// by license.
    ///
    /// Fixes are searched after the check, as by `supercargo fix --dry-run`, for 30 seconds at most. With `--sarif` in
    /// the same run, its results have them, too.
    #[arg(long, value_name = "FILE")]
    report: Option<Utf8PathBuf>,

    /// Print annotations for GitHub Actions: errors first, at most 10 of a level.
    #[arg(long)]
    pub(super) github: bool,
}

/// The formats of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportFormat {
    Sarif,
    Gitlab,
    Junit,
    Summary,
    Html,
}

/// The format of `check` on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// Text, unless a report takes standard output. Under GitHub Actions also `--github`, and the summary is
    /// added to `GITHUB_STEP_SUMMARY`. Under GitLab CI only text: GitLab reads files, see `--gitlab`.
    Auto,
    /// Text.
    Human,
    /// One JSON record per line.
    Json,
}

impl ReportFormat {
    /// The option that asks for it.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Sarif => "--sarif",
            Self::Gitlab => "--gitlab",
            Self::Junit => "--junit",
            Self::Summary => "--summary",
            Self::Html => "--report",
        }
    }
}

/// Whether a path is standard output.
pub(super) fn is_stdout(path: &Utf8Path) -> bool {
    STDOUT.contains(&path.as_str())
}

impl ReportArguments {
    /// The reports with their files.
    pub(super) fn files(&self) -> impl Iterator<Item = (ReportFormat, &Utf8Path)> {
        let all = [
            (ReportFormat::Sarif, &self.sarif),
            (ReportFormat::Gitlab, &self.gitlab),
            (ReportFormat::Junit, &self.junit),
            (ReportFormat::Summary, &self.summary),
            (ReportFormat::Html, &self.report),
        ];
        all.into_iter().filter_map(|(format, file)| Some((format, file.as_deref()?)))
    }

    /// Whether a report goes to standard output.
    pub(super) fn take_stdout(&self) -> bool {
        self.files().any(|(_, file)| is_stdout(file))
    }

    /// Why these options cannot be used together.
    pub(super) fn conflict(&self, format: CheckFormat) -> Option<String> {
        let mut users: Vec<_> = self
            .files()
            .filter(|(_, file)| is_stdout(file))
            .map(|(format, file)| format!("`{} {file}`", format.option()))
            .collect();
        // Annotations come after the text.
        users.extend(self.github.then(|| "`--github`".to_owned()));
        match format {
            CheckFormat::Json => users.push("`--format json`".to_owned()),
            CheckFormat::Human if self.take_stdout() => users.push("`--format human`".to_owned()),
            _ => {}
        }
        if let [one, other, ..] = users.as_slice() {
            return Some(format!("{one} and {other} cannot both use standard output"));
        }
        let files: Vec<_> = self.files().collect();
        files.iter().enumerate().find_map(|(at, (format, file))| {
            let (other, _) = files[..at].iter().find(|(_, other)| other == file)?;
            Some(format!(
                "`{}` and `{}` cannot write the same file",
                other.option(),
                format.option()
            ))
        })
    }
}
