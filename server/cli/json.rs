//! `--format json` of `check`: one record per line. The structures here are the format; nothing else is
//! serialized.

use std::{collections::BTreeMap, io::Write as _};

use anyhow::Context as _;
use camino::Utf8Path;
use semver::Version;
use serde::Serialize;

use super::{exit_code::Compared, shown::ShownFindings};
use crate::{
    compare::{Group, LoosenedFinding},
    gate::{GateOutcome, Verdict},
    text::LineColumn,
    verdict::{CheckSet, Finding, GateName, Location, PackageRef, Severity},
};

#[derive(Serialize)]
struct FindingRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    check: &'a str,
    code: Option<&'a str>,
    severity: &'a str,
    message: &'a str,
    remedy: Option<&'a str>,
    package: Option<PackageRecord<'a>>,
    packages: Vec<PackageRecord<'a>>,
    advisory: Option<&'a str>,
    location: Option<LocationRecord<'a>>,
    #[serde(rename = "places")]
    locations: Vec<LocationRecord<'a>>,
    paths: Vec<Vec<String>>,
    path_count: u64,
    notes: &'a [String],
    link: Option<String>,
    /// The gates that report it, if not all do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gates: Vec<String>,
    /// With `--base`: what the comparison says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'static str>,
    /// What hides it, if only the changes of the policy do.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_change: Option<PolicyChangeRecord<'a>>,
}

#[derive(Serialize)]
struct PolicyChangeRecord<'a> {
    change: &'a str,
    reason: Option<&'a str>,
    location: Option<LocationRecord<'a>>,
}

#[derive(Serialize)]
struct SummaryRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    checks: BTreeMap<&'a str, CheckCounts>,
    exit_code: u8,
    /// The gates that were united.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gates: Vec<GateRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<ComparisonRecord<'a>>,
}

/// The numbers of findings in each group, and the exit code of the workspace.
#[derive(Serialize)]
struct ComparisonRecord<'a> {
    base: &'a str,
    groups: BTreeMap<&'a str, CheckCounts>,
    exit_code: u8,
}

#[derive(Serialize)]
struct GateRecord {
    name: String,
    options: String,
    blocks: bool,
    exit_code: u8,
}

#[derive(Serialize)]
struct CheckCounts {
    errors: u32,
    warnings: u32,
    notes: u32,
    helps: u32,
}

#[derive(Serialize)]
pub(super) struct PackageRecord<'a> {
    name: &'a str,
    version: &'a Version,
    source: Option<&'a str>,
}

#[derive(Serialize)]
struct LocationRecord<'a> {
    file: &'a str,
    start: PositionRecord,
    end: PositionRecord,
}

#[derive(Serialize)]
struct PositionRecord {
    line: u32,
    column: u32,
}

/// Prints the shown findings of a verdict and, if all checks ran, its summary.
pub(super) fn verdict(
    verdict: &Verdict,
    checks: CheckSet,
    shown: ShownFindings,
    compared: Option<Compared<'_>>,
) -> anyhow::Result<()> {
    let workspace = verdict.workspace.folder().as_str();
    let comparison = compared.map(|compared| compared.comparison);
    let mut lines = Vec::new();
    let records = verdict.findings.iter().enumerate().map(|(at, finding)| {
        let group = comparison.and_then(|one| one.groups.get(at)).map(|group| group.name());
        (finding, FindingRecord { group, ..finding_record(workspace, finding) })
    });
    let loosened = comparison.iter().flat_map(|one| &one.loosened).map(|one| {
        let group = Some(Group::PolicyLoosened.name());
        let policy_change = Some(policy_change(one));
        let record = finding_record(workspace, &one.finding);
        (&one.finding, FindingRecord { group, policy_change, ..record })
    });
    let fixed = comparison.iter().flat_map(|one| &one.fixed).map(|finding| {
        let group = Some(Group::Fixed.name());
        (finding, FindingRecord { group, ..finding_record(workspace, finding) })
    });
    for (finding, mut record) in records.chain(loosened).chain(fixed) {
        if !shown.has(finding) {
            continue;
        }
        if !shown.paths {
            record.paths.clear();
        }
        line(&mut lines, &record)?;
    }
    if verdict.complete {
        let counts = checks.iter().map(|check| {
            let counts = verdict.counts.get(&check).copied().unwrap_or_default();
            let counts = CheckCounts {
                errors: counts.errors,
                warnings: counts.warnings,
                notes: counts.notes,
                helps: counts.helps,
            };
            (check.name(), counts)
        });
        let comparison = compared.map(|Compared { comparison, code }| ComparisonRecord {
            base: &comparison.base,
            groups: Group::ALL
                .iter()
                .map(|group| (group.name(), count(&comparison.findings(verdict, *group))))
                .collect(),
            exit_code: code,
        });
        let exit_code = verdict.exit_code();
        line(
            &mut lines,
            &SummaryRecord {
                r#type: "summary",
                workspace,
                checks: counts.collect(),
                exit_code,
                gates: verdict.gates.iter().map(gate_record).collect(),
                comparison,
            },
        )?;
    }
    print(&lines)
}

/// Prints the shown findings of a workspace that the checkout does not have any more.
pub(super) fn removed(
    folder: &Utf8Path,
    findings: &[Finding],
    shown: ShownFindings,
) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for finding in findings.iter().filter(|finding| shown.has(finding)) {
        let group = Some(Group::Fixed.name());
        line(&mut lines, &FindingRecord { group, ..finding_record(folder.as_str(), finding) })?;
    }
    print(&lines)
}

fn print(lines: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(lines).and_then(|()| out.flush()).context("could not write to standard output")
}

fn count(findings: &[&Finding]) -> CheckCounts {
    let of = |severity| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    CheckCounts {
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        notes: of(Severity::Note),
        helps: of(Severity::Help),
    }
}

fn policy_change(loosened: &LoosenedFinding) -> PolicyChangeRecord<'_> {
    PolicyChangeRecord {
        change: &loosened.change.what,
        reason: loosened.change.reason.as_deref(),
        location: loosened.change.entry.as_ref().map(location),
    }
}

pub(super) fn line(lines: &mut Vec<u8>, record: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *lines, record).context("could not write a finding as JSON")?;
    lines.push(b'\n');
    Ok(())
}

fn gate_record(gate: &GateOutcome) -> GateRecord {
    GateRecord {
        name: gate.name.to_string(),
        options: gate.options.to_string(),
        blocks: gate.blocks,
        exit_code: gate.exit_code,
    }
}

fn finding_record<'a>(workspace: &'a str, finding: &'a Finding) -> FindingRecord<'a> {
    FindingRecord {
        r#type: "finding",
        workspace,
        check: finding.check.name(),
        code: finding.code.map(crate::verdict::Code::name),
        severity: finding.severity.name(),
        message: &finding.message,
        remedy: finding.remedy.as_deref(),
        package: finding.packages.first().map(package),
        packages: finding.packages.iter().map(package).collect(),
        advisory: finding.advisory.as_ref().map(|advisory| advisory.id.as_str()),
        location: finding.locations.first().map(location),
        locations: finding.locations.iter().map(location).collect(),
        paths: finding.paths.iter().map(|path| path.iter().map(name_version).collect()).collect(),
        path_count: finding.path_count,
        notes: &finding.notes,
        link: finding.link(),
        gates: finding.gates.iter().map(GateName::to_string).collect(),
        group: None,
        policy_change: None,
    }
}

pub(super) fn package(package: &PackageRef) -> PackageRecord<'_> {
    PackageRecord {
        name: &package.name,
        version: &package.version,
        source: package.source.as_deref(),
    }
}

fn name_version(package: &PackageRef) -> String {
    format!("{} {}", package.name, package.version)
}

fn location(location: &Location) -> LocationRecord<'_> {
    let position = |offset| {
        let LineColumn { line, column } = location.text.line_column(offset);
        PositionRecord { line, column }
    };
    LocationRecord {
        file: location.file.as_str(),
        start: position(location.span.start),
        end: position(location.span.end),
    }
}
