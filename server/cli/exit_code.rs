//! The exit codes of the commands.

use crate::{
    compare::{Comparison, Group},
    gate::{NO_VERDICT, Verdict},
    verdict::{Check, Finding, LocationRule, Severity},
};

/// Wrong usage (`EX_USAGE` of `sysexits.h`).
pub(super) const USAGE: u8 = 64;

/// A file cannot be created (`EX_CANTCREAT` of `sysexits.h`).
pub(super) const NOT_CREATED: u8 = 73;

/// The exit bit for findings of our own under `--strict`.
const OWN_FINDINGS: u8 = 16;

/// The comparison of a workspace with its base.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compared<'c> {
    pub(super) comparison: &'c Comparison,
    /// The exit code of the workspace.
    pub(super) code: u8,
}

/// The exit code of `check` for one workspace. With a comparison, only new findings of our own count.
pub(super) fn of_check(verdict: &Verdict, strict: bool, compared: Option<Compared<'_>>) -> u8 {
    let code = compared.map_or_else(|| verdict.exit_code(), |compared| compared.code);
    let own = match compared {
        Some(Compared { comparison, .. }) => {
            comparison.findings(verdict, Group::New).into_iter().any(fails_strict_run)
        }
        None => verdict.findings.iter().any(fails_strict_run),
    };
    if strict && own && code != NO_VERDICT { code | OWN_FINDINGS } else { code }
}

/// Whether a finding of our own fails a run with `--strict`: warnings, and every finding about the policy.
pub(super) fn fails_strict_run(finding: &Finding) -> bool {
    let is_about_policy =
        || finding.code.is_some_and(|code| code.location_rule() == LocationRule::Policy);
    finding.check == Check::Supercargo
        && (finding.severity >= Severity::Warning || is_about_policy())
}

/// The exit code of a run whose reports were written or not: a missing verdict is worse than a missing report, and that is
/// worse than findings, which whatever reads the report would not get.
pub(super) fn with_reports(code: u8, all_written: bool) -> u8 {
    match (code, all_written) {
        (NO_VERDICT, _) | (_, true) => code,
        (_, false) => NOT_CREATED,
    }
}

/// The bits of several workspaces together; a missing verdict replaces every other result.
pub(super) fn combined(a: u8, b: u8) -> u8 {
    if a == NO_VERDICT || b == NO_VERDICT { NO_VERDICT } else { a | b }
}
