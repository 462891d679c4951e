//! Which findings `check` prints, and how much of them.

use super::{
    arguments::{CheckArguments, Format},
    exit_code::fails_strict_run,
};
use crate::verdict::{Finding, Severity};

/// What is printed of a verdict.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShownFindings {
    /// The lowest severity; `None` for no finding.
    pub(super) lowest_severity: Option<Severity>,
    /// Also all findings that fail a strict run.
    pub(super) strict: bool,
    /// The dependency paths.
    pub(super) paths: bool,
    /// The counts of every check, also those of notes.
    pub(super) stats: bool,
}

impl ShownFindings {
    /// As the arguments say for a format. JSON has all findings by default.
    pub(super) fn of(arguments: &CheckArguments, format: Format) -> Self {
        let default = match format {
            Format::Human => Severity::Warning,
            Format::Json => Severity::Help,
        };
        let lowest_severity = arguments.output.lowest_severity(default);
        Self {
            lowest_severity,
            strict: arguments.strict,
            paths: !arguments.output.hide_inclusion_graph,
            stats: arguments.output.show_stats
                || lowest_severity.is_some_and(|lowest| lowest < Severity::Warning),
        }
    }

    /// Whether a finding is printed.
    pub(super) fn has(self, finding: &Finding) -> bool {
        self.lowest_severity.is_some_and(|lowest| {
            finding.severity >= lowest || self.strict && fails_strict_run(finding)
        })
    }
}
