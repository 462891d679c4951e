//! The exit codes of the commands.

use crate::{
    gate::{NO_VERDICT, Verdict},
    verdict::{Check, Finding, LocationRule, Severity},
};

/// Wrong usage (`EX_USAGE` of `sysexits.h`).
pub(super) const USAGE: u8 = 64;

/// A file cannot be created (`EX_CANTCREAT` of `sysexits.h`).
pub(super) const NOT_CREATED: u8 = 73;

/// The exit bit for findings of our own under `--strict`.
const OWN_FINDINGS: u8 = 16;

/// The exit code of `check` for one workspace.
pub(super) fn of_check(verdict: &Verdict, strict: bool) -> u8 {
    let code = verdict.exit_code();
    let own = verdict.findings.iter().any(fails_strict_run);
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
