//! `--format json`: one record a line, what was done and what remains. The structures here are the
//! format; nothing else is serialized.

use std::io::Write as _;

use anyhow::Context as _;
use serde::Serialize;

use super::Done;
use crate::{
    cli::json::{Package, line, package},
    fix::{Fix, RemainingFinding, FixKind},
    resolve::Built,
    verdict::{Code, Finding, Severity, harmless},
};

#[derive(Serialize)]
struct FixRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    remedy: &'static str,
    title: &'a str,
    package: Option<Package<'a>>,
    to: Option<String>,
    breaking: bool,
    /// The Rust that it needs, where that is newer than the workspace states.
    rust: Option<String>,
    through: Vec<Move<'a>>,
    /// The features that are no longer asked for.
    without: Vec<Without<'a>>,
    cleared: Vec<Told<'a>>,
    introduced: Vec<Told<'a>>,
    moved: Vec<Move<'a>>,
}

#[derive(Serialize)]
struct Move<'a> {
    name: &'a str,
    before: Option<&'a str>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Without<'a> {
    name: &'a str,
    features: &'a [String],
}

#[derive(Serialize)]
struct Told<'a> {
    check: &'static str,
    code: Option<&'static str>,
    severity: &'static str,
    message: &'a str,
    packages: Vec<Package<'a>>,
    advisory: Option<&'a str>,
}

#[derive(Serialize)]
struct RemainingRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    #[serde(flatten)]
    finding: Told<'a>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct SummaryRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    /// The files that were changed, or would be.
    files: Vec<&'a str>,
    written: bool,
    /// Whether a verdict was reached.
    reached: bool,
    /// Where that was asked.
    builds: Option<bool>,
    build_error: Option<&'a str>,
    /// Why the registries could not be asked for new versions.
    old_index: Option<&'a str>,
    exit_code: u8,
}

/// Writes it to standard output.
///
/// # Errors
///
/// When that cannot be written.
pub(super) fn tell(done: &Done<'_>) -> anyhow::Result<()> {
    let repair = done.repair;
    let workspace = repair.verdict.workspace.folder().as_str();
    let mut lines = Vec::new();
    for fix in &repair.fixes {
        line(&mut lines, &fix_record(workspace, fix))?;
    }
    for RemainingFinding { finding, reason } in &repair.remaining {
        let reason = reason.as_deref().map(harmless);
        let finding = told(finding);
        line(&mut lines, &RemainingRecord { r#type: "remaining", workspace, finding, reason })?;
    }
    if !repair.verdict.reached {
        let errors = repair.verdict.findings.iter();
        for finding in errors.filter(|finding| finding.severity == Severity::Error) {
            let (finding, reason) = (told(finding), None);
            line(&mut lines, &RemainingRecord { r#type: "remaining", workspace, finding, reason })?;
        }
    }
    let files: Vec<_> = repair.texts.changes().keys().map(|path| path.as_str()).collect();
    let summary = SummaryRecord {
        r#type: "summary",
        workspace,
        written: !files.is_empty() && !done.dry_run && !done.is_refused(),
        files,
        reached: repair.verdict.reached,
        builds: done.built.as_ref().map(|built| *built == Built::Fine),
        build_error: match &done.built {
            Some(Built::Fails(error)) => Some(error),
            _ => None,
        },
        old_index: repair.old_index.as_deref(),
        exit_code: done.exit_code(),
    };
    line(&mut lines, &summary)?;
    let mut out = std::io::stdout().lock();
    out.write_all(&lines).and_then(|()| out.flush()).context("standard output cannot be written")
}

fn fix_record<'a>(workspace: &'a str, fix: &'a Fix) -> FixRecord<'a> {
    let upgrade = fix.upgrade.as_ref();
    let through = upgrade.into_iter().flat_map(|upgrade| &upgrade.through);
    FixRecord {
        r#type: "fix",
        workspace,
        remedy: match fix.kind {
            FixKind::Upgrade => "upgrade",
            FixKind::Manifest => "manifest",
            FixKind::Clarify => "clarify",
            FixKind::Exception => "exception",
            FixKind::Allow => "allow",
            FixKind::Policy => "policy",
            FixKind::Ignore => "ignore",
        },
        title: &fix.title,
        package: upgrade.map(|upgrade| package(&upgrade.package)),
        to: upgrade.map(|upgrade| upgrade.to.to_string()),
        breaking: upgrade.is_some_and(|upgrade| upgrade.breaking),
        rust: upgrade.and_then(|upgrade| upgrade.rust.as_ref()).map(ToString::to_string),
        through: through
            .map(|(package, to)| Move {
                name: &package.name,
                before: Some(&package.version),
                after: Some(to.to_string()),
            })
            .collect(),
        without: upgrade
            .into_iter()
            .flat_map(|upgrade| &upgrade.without)
            .map(|one| Without { name: &one.package, features: &one.features })
            .collect(),
        cleared: fix.verification.cleared.iter().map(told).collect(),
        introduced: fix.verification.introduced.iter().map(told).collect(),
        moved: fix
            .verification
            .moved
            .iter()
            .map(|moved| Move {
                name: &moved.name,
                before: moved.before.as_deref(),
                after: moved.after.clone(),
            })
            .collect(),
    }
}

fn told(finding: &Finding) -> Told<'_> {
    Told {
        check: finding.check.name(),
        code: finding.code.map(Code::name),
        severity: finding.severity.name(),
        message: &finding.message,
        packages: finding.packages.iter().map(package).collect(),
        advisory: finding.advisory.as_ref().map(|advisory| advisory.id.as_str()),
    }
}
