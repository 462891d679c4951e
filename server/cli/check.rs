//! `supercargo check`: judge workspaces and exit like cargo-deny.

use std::{process::ExitCode, time::Duration};

use super::{
    arguments::{CheckArguments, Format},
    human::Human,
    json, logging,
    meant::{Manner, Meant, gate_options, workspaces},
};
use crate::{
    gate::{Databases, Gate, NO_VERDICT, OnDisk, Verdict},
    verdict::{Check, Finding, LocationRule, Severity},
};

/// How long the end may take: temporary files are deleted.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The exit bit for findings of our own under `--strict`.
const OWN_FINDINGS: u8 = 16;

/// Runs the word.
///
/// # Errors
///
/// When there is nothing to judge.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let Meant { workspaces, missing } = workspaces(&arguments.gate)?;
    let manner = Manner {
        offline: arguments.offline(),
        locked: arguments.locked(),
        helps: arguments.format == Format::Json,
    };
    let options = gate_options(&arguments.gate, manner)?;
    let databases = Databases::default();
    let human = Human::new()?;
    let mut code = if missing { NO_VERDICT } else { 0 };
    for (index, workspace) in workspaces.iter().enumerate() {
        let mut gate = Gate::new(workspace.clone());
        let Some(verdict) = gate.judge(&options, &OnDisk, &databases, &logging::tell) else {
            continue;
        };
        match arguments.format {
            Format::Human => human.verdict(&verdict, options.checks, index == 0, arguments.strict),
            Format::Json => json::verdict(&verdict, options.checks)?,
        }
        code = combined(code, exit_code(&verdict, arguments.strict));
    }
    // What was unpacked is deleted by those who used it.
    drop(databases);
    options.resolver.children.wait_until_unused(PATIENCE);
    Ok(ExitCode::from(code))
}

fn exit_code(verdict: &Verdict, strict: bool) -> u8 {
    let code = verdict.exit_code();
    let own = verdict.findings.iter().any(is_counted_strictly);
    if strict && own && code != NO_VERDICT { code | OWN_FINDINGS } else { code }
}

/// Whether a finding of our own fails a strict run: warnings, and all that is said about the policy.
pub(super) fn is_counted_strictly(finding: &Finding) -> bool {
    let is_about_policy =
        || finding.code.is_some_and(|code| code.placing() == LocationRule::Policy);
    finding.check == Check::Supercargo
        && (finding.severity >= Severity::Warning || is_about_policy())
}

/// The bits of all workspaces; a missing verdict hides every other result.
pub(super) fn combined(a: u8, b: u8) -> u8 {
    if a == NO_VERDICT || b == NO_VERDICT { NO_VERDICT } else { a | b }
}
