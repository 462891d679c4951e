//! The verdicts of several command lines on one workspace, united: CI may check it several times, with other features or
//! for other targets.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{GateOutcome, PolicyUse, Verdict};
use crate::{
    text::{FilePath, Span},
    verdict::{
        Check, Code, Counts, DependencyGraph, Finding, GateName, Location, LocationRule,
        PackageRef, Severity, WithheldFinding, WithheldReason,
    },
};

/// A verdict and the gate that it is of.
#[derive(Clone, Debug)]
pub(super) struct GateVerdict {
    pub(super) outcome: GateOutcome,
    pub(super) verdict: Verdict,
}

/// What makes two findings of different gates the same, whatever their severities.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FindingKey {
    check: Check,
    code: Option<Code>,
    message: String,
    advisory: Option<String>,
    packages: Vec<PackageRef>,
    at: Option<(FilePath, usize, usize)>,
}

impl FindingKey {
    fn of(finding: &Finding) -> Self {
        let at = finding.locations.first().map(|location| {
            let Span { start, end } = location.span.clone();
            (location.file.clone(), start, end)
        });
        // Where a package is reported depends on the graph; entries and manifests are the same for all gates.
        let rule = finding.code.map(Code::location_rule);
        let is_placed = matches!(rule, Some(LocationRule::Package | LocationRule::Source));
        Self {
            check: finding.check,
            code: finding.code,
            message: finding.message.clone(),
            advisory: finding.advisory.as_ref().map(|advisory| advisory.id.clone()),
            packages: finding.packages.clone(),
            at: at.filter(|_| !is_placed),
        }
    }
}

/// The findings with one key: for each occurrence, the most severe finding and the gates that have it.
type Occurrences = Vec<(Finding, BTreeSet<usize>)>;

/// Unites verdicts on the same texts. A finding is reported if one gate reports it; that an entry of the policy has no
/// effect, only if all do. `None` without a verdict.
pub(super) fn unite(verdicts: Vec<GateVerdict>) -> Option<Verdict> {
    let largest =
        (0..verdicts.len()).max_by_key(|at| (verdicts[*at].verdict.packages, Reverse(*at)));
    let mut united = verdicts[largest?].verdict.clone();
    let mut order: Vec<FindingKey> = Vec::new();
    let mut known: BTreeMap<FindingKey, Occurrences> = BTreeMap::new();
    for (gate, GateVerdict { verdict, .. }) in verdicts.iter().enumerate() {
        let mut by_key: BTreeMap<FindingKey, Vec<&Finding>> = BTreeMap::new();
        for finding in &verdict.findings {
            let key = FindingKey::of(finding);
            if !known.contains_key(&key) && !by_key.contains_key(&key) {
                order.push(key.clone());
            }
            by_key.entry(key).or_default().push(finding);
        }
        for (key, mut findings) in by_key {
            findings.sort_by_key(|finding| Reverse(finding.severity));
            let occurrences = known.entry(key).or_default();
            for (position, finding) in findings.into_iter().enumerate() {
                match occurrences.get_mut(position) {
                    None => occurrences.push((finding.clone(), BTreeSet::from([gate]))),
                    Some((before, gates)) if finding.severity > before.severity => {
                        *before = finding.clone();
                        *gates = BTreeSet::from([gate]);
                    }
                    Some((before, gates)) if finding.severity == before.severity => {
                        gates.insert(gate);
                    }
                    Some(_) => {}
                }
            }
        }
    }
    // The gates that could have reported a finding.
    let could_report = |finding: &Finding| -> BTreeSet<usize> {
        let ours = matches!(finding.check, Check::Config | Check::Supercargo);
        let policy = finding.locations.first().filter(|one| is_policy(one, &verdicts));
        let could = |(gate, GateVerdict { verdict, .. }): (usize, &GateVerdict)| {
            let ran = ours || verdict.counts.contains_key(&finding.check);
            let reads = policy.is_none_or(|at| verdict.policy_use.has_file(&at.file));
            (ran && reads).then_some(gate)
        };
        verdicts.iter().enumerate().filter_map(could).collect()
    };
    let uses: Vec<_> = verdicts.iter().map(|one| &one.verdict.policy_use).collect();
    let policy_use = PolicyUse::common(&uses);
    united.findings.clear();
    united.withheld.clear();
    let mut index = 0;
    for key in order {
        for (mut finding, gates) in known.remove(&key).unwrap_or_default() {
            let silent: Vec<_> = could_report(&finding)
                .difference(&gates)
                .map(|gate| name(&verdicts, *gate))
                .collect();
            if is_unneeded(&finding) && !silent.is_empty() {
                let names = silent.iter().map(GateName::to_string).collect();
                let reason = WithheldReason::NeededByGates(names);
                united.withheld.push(WithheldFinding { index, finding, reason });
            } else if !is_narrow_elsewhere(&finding, &policy_use) {
                if !silent.is_empty() && !is_advice_on_the_policy(&finding, &verdicts) {
                    finding.gates = gates.iter().map(|gate| name(&verdicts, *gate)).collect();
                    finding.silent_gates = silent;
                }
                united.findings.push(finding);
            }
            index += 1;
        }
    }
    united.policy_use = policy_use;
    let graphs: Vec<_> =
        verdicts.iter().filter_map(|one| one.verdict.dependencies.clone()).collect();
    united.dependencies = (!graphs.is_empty())
        .then(|| Arc::new(DependencyGraph::united(graphs.iter().map(Arc::as_ref))));
    united.counts = counts(&verdicts, &united.findings);
    united.complete = verdicts.iter().all(|one| one.verdict.complete);
    united.gates = verdicts.into_iter().map(|one| one.outcome).collect();
    Some(united)
}

/// Whether a finding says that an entry of the policy has no effect. Errors fail CI, so they are always reported.
fn is_unneeded(finding: &Finding) -> bool {
    finding.severity != Severity::Error && finding.code.is_some_and(Code::is_without_effect)
}

/// Whether a finding says that only one package needs an entry, but other gates have another package that does.
fn is_narrow_elsewhere(finding: &Finding, policy_use: &PolicyUse) -> bool {
    finding.code == Some(Code::AllowedForOne)
        && finding.locations.first().is_some_and(|location| !policy_use.is_narrow(location))
}

fn name(verdicts: &[GateVerdict], gate: usize) -> GateName {
    verdicts[gate].outcome.name.clone()
}

/// Whether a finding is one of our own in a policy: it decides no gate, so it does not matter which has it.
fn is_advice_on_the_policy(finding: &Finding, verdicts: &[GateVerdict]) -> bool {
    finding.check == Check::Supercargo
        && finding.locations.first().is_some_and(|location| is_policy(location, verdicts))
}

fn is_policy(location: &Location, verdicts: &[GateVerdict]) -> bool {
    verdicts.iter().any(|one| one.verdict.policy_use.has_file(&location.file))
}

/// The counts of the united findings, for each check that ran in a gate.
fn counts(verdicts: &[GateVerdict], findings: &[Finding]) -> BTreeMap<Check, Counts> {
    let checks: BTreeSet<_> =
        verdicts.iter().flat_map(|one| one.verdict.counts.keys().copied()).collect();
    let count = |check: Check| {
        let mut counts = Counts::default();
        let counted = |finding: &&Finding| {
            // cargo-deny does not count its own failures.
            finding.check == check && finding.code != Some(Code::UnresolvedWorkspaceDependency)
        };
        for finding in findings.iter().filter(counted) {
            counts.add(finding.severity);
        }
        (check, counts)
    };
    checks.into_iter().map(count).collect()
}
