//! `--format json` of `fix`: one record per line for each fix and each remaining finding. The structures here
//! are the format; nothing else is serialized.

use std::io::Write as _;

use anyhow::Context as _;
use semver::Version;
use serde::Serialize;

use super::FixRun;
use crate::{
    cli::json::{PackageRecord, line, package},
    fix::{Fix, FixKind, LockfileOutcome, MovedEntry, OtherLockfile, RemainingFinding},
    resolve::BuildResult,
    verdict::{Code, Finding, Severity, sanitize},
};

#[derive(Serialize)]
struct FixRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    remedy: &'static str,
    title: &'a str,
    package: Option<PackageRecord<'a>>,
    to: Option<String>,
    breaking: bool,
    /// The required Rust version, if newer than the workspace's.
    rust: Option<String>,
    through: Vec<MoveRecord<'a>>,
    /// The features that are removed from the dependencies.
    without: Vec<RemovedFeaturesRecord<'a>>,
    cleared: Vec<FixFindingRecord<'a>>,
    introduced: Vec<FixFindingRecord<'a>>,
    moved: Vec<MoveRecord<'a>>,
}

#[derive(Serialize)]
struct MoveRecord<'a> {
    name: &'a str,
    /// Only where the lockfile has packages of this name from several sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    before: Option<&'a Version>,
    after: Option<&'a Version>,
}

#[derive(Serialize)]
struct RemovedFeaturesRecord<'a> {
    name: &'a str,
    features: &'a [String],
}

#[derive(Serialize)]
struct FixFindingRecord<'a> {
    check: &'static str,
    code: Option<&'static str>,
    severity: &'static str,
    message: &'a str,
    packages: Vec<PackageRecord<'a>>,
    advisory: Option<&'a str>,
}

#[derive(Serialize)]
struct RemainingRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    #[serde(flatten)]
    finding: FixFindingRecord<'a>,
    reason: Option<String>,
}

/// The lockfile of another workspace in which a changed manifest takes part.
#[derive(Serialize)]
struct LockfileRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    file: &'a str,
    /// It is part of the change; else it no longer fits the manifests.
    updated: bool,
    reason: Option<String>,
    cleared: Vec<FixFindingRecord<'a>>,
    introduced: Vec<FixFindingRecord<'a>>,
    moved: Vec<MoveRecord<'a>>,
}

/// A change that was left out since it is outside of the named folders.
#[derive(Serialize)]
struct LeftOutRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct FixSummaryRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    /// The files that were changed, or would be.
    files: Vec<&'a str>,
    written: bool,
    /// Whether all checks ran.
    reached: bool,
    /// With `--build`, whether the result compiles.
    builds: Option<bool>,
    build_error: Option<&'a str>,
    /// Why new versions could not be fetched from the registries.
    old_index: Option<String>,
    exit_code: u8,
}

/// Prints a run to standard output.
///
/// # Errors
///
/// When standard output cannot be written.
pub(super) fn print(fix_run: &FixRun<'_>) -> anyhow::Result<()> {
    let report = fix_run.report;
    let workspace = report.verdict.workspace.folder().as_str();
    let mut lines = Vec::new();
    for fix in &report.fixes {
        line(&mut lines, &fix_record(workspace, fix))?;
    }
    for lockfile in &report.lockfiles {
        line(&mut lines, &lockfile_record(workspace, lockfile))?;
    }
    for reason in report.texts.left_out() {
        line(&mut lines, &LeftOutRecord { r#type: "left-out", workspace, reason })?;
    }
    for RemainingFinding { finding, reason } in &report.remaining {
        let reason = reason.as_ref().map(|reason| sanitize(&reason.to_string()));
        let finding = finding_record(finding);
        line(&mut lines, &RemainingRecord { r#type: "remaining", workspace, finding, reason })?;
    }
    if !report.verdict.complete {
        let errors = report.verdict.findings.iter();
        for finding in errors.filter(|finding| finding.severity == Severity::Error) {
            let (finding, reason) = (finding_record(finding), None);
            line(&mut lines, &RemainingRecord { r#type: "remaining", workspace, finding, reason })?;
        }
    }
    let files: Vec<_> = report.texts.changes().keys().map(|path| path.as_str()).collect();
    let summary = FixSummaryRecord {
        r#type: "summary",
        workspace,
        written: !files.is_empty() && !fix_run.dry_run && !fix_run.does_not_compile(),
        files,
        reached: report.verdict.complete,
        builds: fix_run.built.as_ref().map(|built| *built == BuildResult::Passed),
        build_error: match &fix_run.built {
            Some(BuildResult::Failed(error)) => Some(error),
            _ => None,
        },
        old_index: report.old_index.as_ref().map(ToString::to_string),
        exit_code: fix_run.exit_code(),
    };
    line(&mut lines, &summary)?;
    let mut out = std::io::stdout().lock();
    out.write_all(&lines).and_then(|()| out.flush()).context("could not write to standard output")
}

fn fix_record<'a>(workspace: &'a str, fix: &'a Fix) -> FixRecord<'a> {
    let upgrade = fix.upgrade.as_ref();
    let through = upgrade.into_iter().flat_map(|upgrade| &upgrade.other_upgrades);
    FixRecord {
        r#type: "fix",
        workspace,
        remedy: match fix.kind {
            FixKind::Lockfile => "lockfile",
            FixKind::Upgrade => "upgrade",
            FixKind::Manifest => "manifest",
            FixKind::Removal => "removal",
            FixKind::Replacement => "replacement",
            FixKind::Clarify => "clarify",
            FixKind::Exception => "exception",
            FixKind::Allow => "allow",
            FixKind::Policy => "policy",
            FixKind::Ignore => "ignore",
        },
        title: &fix.title,
        package: upgrade.map(|upgrade| package(&upgrade.package)),
        to: upgrade.map(|upgrade| upgrade.to.to_string()),
        breaking: upgrade.is_some_and(|upgrade| !upgrade.breaking.is_empty()),
        rust: upgrade.and_then(|upgrade| upgrade.rust.as_ref()).map(ToString::to_string),
        through: through
            .map(|(package, to)| MoveRecord {
                name: &package.name,
                source: None,
                before: Some(&package.version),
                after: Some(to),
            })
            .collect(),
        without: upgrade
            .into_iter()
            .flat_map(|upgrade| &upgrade.removed_features)
            .map(|one| RemovedFeaturesRecord { name: &one.package, features: &one.features })
            .collect(),
        cleared: fix.verification.cleared.iter().map(finding_record).collect(),
        introduced: fix.verification.introduced.iter().map(finding_record).collect(),
        moved: move_records(&fix.verification.moved),
    }
}

fn lockfile_record<'a>(workspace: &'a str, lockfile: &'a OtherLockfile) -> LockfileRecord<'a> {
    let mut record = LockfileRecord {
        r#type: "lockfile",
        workspace,
        file: lockfile.path.as_str(),
        updated: lockfile.is_updated(),
        reason: None,
        cleared: Vec::new(),
        introduced: Vec::new(),
        moved: Vec::new(),
    };
    match &lockfile.outcome {
        LockfileOutcome::Updated { moved, cleared, introduced } => {
            record.moved = move_records(moved);
            record.cleared = cleared.iter().map(finding_record).collect();
            record.introduced = introduced.iter().map(finding_record).collect();
        }
        LockfileOutcome::NoLongerFits(reason) => {
            record.reason = Some(sanitize(&reason.to_string()));
        }
    }
    record
}

fn move_records(moved: &[MovedEntry]) -> Vec<MoveRecord<'_>> {
    let entries = moved.iter();
    entries
        .map(|moved| MoveRecord {
            name: &moved.name,
            source: moved.source.as_deref(),
            before: moved.before.as_ref(),
            after: moved.after.as_ref(),
        })
        .collect()
}

fn finding_record(finding: &Finding) -> FixFindingRecord<'_> {
    FixFindingRecord {
        check: finding.check.name(),
        code: finding.code.map(Code::name),
        severity: finding.severity.name(),
        message: &finding.message,
        packages: finding.packages.iter().map(package).collect(),
        advisory: finding.advisory.as_ref().map(|advisory| advisory.id.as_str()),
    }
}
