//! Runs the checks on a graph, and gives their findings locations in one state of the manifests.

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
    sync::{Arc, mpsc},
    time::Instant,
};

use cargo_deny::diag::{Diag, Pack, Severity as DenySeverity};

use super::{
    EngineCommand, PendingCheck, StateChange,
    declared_dependencies::DeclaredDependencies,
    deny_graph::{DenyGraph, DenyOutput},
    gathered_licenses::{GatherInputs, Gathered, GatheredLicenses, can_be_gathered_ahead},
};
use crate::{
    resolve::Originals,
    threads,
    verdict::{
        Check, CheckResults, Code, Counts, EngineRequest, Finding, PolicyText, Severity,
        check_cache::{self, CheckCache},
        collect::{self, Context},
        dependency_graph::dependency_graph,
        license_files, license_limits,
        local_files::LocalManifest,
        locations::LocationIndex,
        manifests::Manifests,
        matched, own_finding,
    },
};

/// A graph with the locations of its dependencies in one state of the manifests.
pub(super) struct PlacedGraph<'p, 'g> {
    graph: &'p DenyGraph<'g>,
    locations: LocationIndex<'p>,
    check_cache: CheckCache,
    own_findings: Vec<Finding>,
    declared: &'p DeclaredDependencies,
    manifests: &'p Manifests,
    gathered: &'p GatheredLicenses<'g>,
    /// The policy of the last check, if licenses can be gathered ahead for it.
    pub(super) gathered_policy: RefCell<Option<PolicyText>>,
}

impl<'p, 'g> PlacedGraph<'p, 'g> {
    pub(super) fn new(
        graph: &'p DenyGraph<'g>,
        manifests: &'p Manifests,
        gathered: &'p GatheredLicenses<'g>,
        declared: &'p DeclaredDependencies,
    ) -> Self {
        Self {
            graph,
            locations: LocationIndex::new(graph.krates, manifests),
            check_cache: CheckCache::default(),
            own_findings: manifests.unchecked.iter().map(|one| unchecked_member(one)).collect(),
            declared,
            manifests,
            gathered,
            gathered_policy: RefCell::default(),
        }
    }

    /// Runs checks, `first` one first, and returns the first change of manifests that is needed. `None` when the channel is
    /// closed.
    pub(super) fn run_checks(
        &self,
        first: Option<Box<PendingCheck>>,
        commands: &mpsc::Receiver<EngineCommand>,
        prepare: &mut dyn FnMut(Originals),
    ) -> Option<StateChange> {
        for command in first.map(EngineCommand::Check).into_iter().chain(commands) {
            match command {
                EngineCommand::Check(pending)
                    if self.manifests.match_texts(&pending.0.manifests) =>
                {
                    let results = self.check(&pending.0);
                    // Texts that must not be read, and clarifications with them, make the check incomplete.
                    let is_complete = results.counts.contains_key(&Check::Licenses);
                    // The caller may have given up.
                    let _ = pending.1.send(results);
                    if is_complete {
                        self.gathered.prepare_next(self.graph, &pending.0);
                        let can_be = can_be_gathered_ahead(&pending.0);
                        self.gathered_policy.replace(can_be.then_some(pending.0.policy));
                    }
                }
                EngineCommand::Check(pending) => return Some(StateChange::Layout(pending)),
                EngineCommand::Prepare(originals) => prepare(originals),
                EngineCommand::UpdateRequirements(update) => {
                    return Some(StateChange::Requirements(update));
                }
            }
        }
        None
    }

    fn check(&self, request: &EngineRequest) -> CheckResults {
        threads::failpoint("engine");
        let ahead = self.gathered.take(request);
        let results = self.check_with(request, ahead);
        results.or_else(|| self.check_with(request, None)).unwrap_or_default()
    }

    /// Runs the checks, with licenses that were gathered ahead. `None` if these are of another policy.
    fn check_with(
        &self,
        request: &EngineRequest,
        ahead: Option<Gathered<'g>>,
    ) -> Option<CheckResults> {
        let began = Instant::now();
        let (mut files, policy_id, ahead) = if let Some(ahead) = ahead {
            let Gathered { mut files, policy_id, summary, inputs } = ahead;
            files.update(policy_id, request.policy.text.as_str());
            (files, policy_id, Some((summary, inputs)))
        } else {
            let (files, policy_id) = self.graph.files_with(&request.policy);
            (files, policy_id, None)
        };
        let parsed = match request.policy.parse(policy_id, &mut files) {
            Ok(parsed) => parsed,
            Err(_) if ahead.is_some() => return None,
            Err(finding) => {
                return Some(CheckResults { findings: vec![*finding], ..CheckResults::default() });
            }
        };
        let Some(mut config) = parsed.config else { return Some(CheckResults::default()) };
        let mut results = CheckResults {
            findings: self.own_findings.clone(),
            declared: self.declared.get(self.graph.krates, self.manifests, request.releases),
            folders: Arc::clone(&self.graph.cache.folders),
            graph: self.graph.cache.facts(),
            dependencies: request
                .dependency_graph
                .then(|| Arc::new(dependency_graph(self.graph.krates))),
            ..CheckResults::default()
        };
        let mut texts = license_limits::UnusableTexts::default();
        if request.checks.contains(Check::Licenses) {
            texts = license_limits::examine(
                self.graph.krates,
                &mut config.licenses,
                &self.graph.cache.refused,
                &request.policy,
                &self.locations,
            );
            let outdated = license_files::outdated_clarifications(
                self.graph.krates,
                &config.licenses,
                &request.policy,
            );
            results.findings.extend(outdated);
            results.clarifies_local_package =
                license_files::clarifies_local_package(self.graph.krates, &config.licenses);
            results.matched =
                matched::exceptions(self.graph.krates, &config.licenses, &request.policy, &files);
        }
        if let Some((_, inputs)) = &ahead
            && *inputs != GatherInputs::of(self.graph.krates, &config.licenses)
        {
            return None;
        }
        let mut inputs = check_cache::check_inputs(request).unwrap_or_default();
        if let Some(known) = &request.licenses
            && let Some(inputs) = inputs.get(&Check::Licenses)
        {
            self.check_cache.insert_known(Check::Licenses, inputs, &request.policy, known);
        }
        let mut completed = BTreeMap::new();
        let mut to_run = request.checks;
        for check in request.checks.iter() {
            let cached = inputs
                .get(&check)
                .and_then(|inputs| self.check_cache.get(check, inputs, &request.policy));
            if let Some(cached) = cached {
                completed.insert(check, cached);
                to_run = to_run.without(check);
            }
        }
        // The licenses of the other packages are checked, but the check is incomplete.
        let incomplete = (!texts.findings.is_empty()).then_some(Check::Licenses);
        results.findings.append(&mut texts.findings);
        if texts.prevent_check {
            to_run = to_run.without(Check::Licenses);
            completed.remove(&Check::Licenses);
        }
        let (ahead, unused) =
            if to_run.contains(Check::Licenses) { (ahead, None) } else { (None, ahead) };
        let summary = ahead.map(|(summary, _)| summary);
        let outputs = self.graph.run_checks(config, request, to_run, &mut files, summary);
        tracing::debug!("ran the checks in {:?}", began.elapsed());
        let context = Context {
            krates: self.graph.krates,
            locations: &self.locations,
            policy: &request.policy,
            policy_id,
            files: &files,
            database: request.database.as_deref(),
            allow_list: OnceCell::new(),
        };
        let found = findings_of(&outputs, request.helps, &context);
        for ((check, output), (findings, counts)) in outputs.into_iter().zip(found) {
            if let Some(failure) = output.failure {
                self.check_cache.remove(check);
                results.findings.extend(findings);
                results.findings.push(self.failed_check(check, &failure));
                continue;
            }
            if let Some(inputs) = inputs.remove(&check) {
                self.check_cache.insert(check, inputs, &request.policy, &findings, counts);
            }
            completed.insert(check, (findings, counts));
        }
        for check in Check::CARGO_DENY {
            if let Some((findings, counts)) = completed.remove(&check) {
                results.findings.extend(findings);
                if incomplete != Some(check) {
                    results.counts.insert(check, counts);
                }
            }
        }
        tracing::debug!("{} findings after {:?}", results.findings.len(), began.elapsed());
        if let Some((summary, inputs)) = unused {
            self.gathered.put_back(Gathered { files, policy_id, summary, inputs });
        }
        Some(results)
    }

    fn failed_check(&self, check: Check, failure: &str) -> Finding {
        own_finding(
            Code::CheckFailed,
            Severity::Error,
            format!("the {} check failed: {failure}", check.name()),
            vec![self.locations.manifests.checked.head()],
        )
    }
}

/// The findings of each check, and their number as cargo-deny counts them. The dependency paths of all findings have a limit:
/// those of helps, such as accepted licenses, come last.
fn findings_of(
    outputs: &[(Check, DenyOutput)],
    helps: bool,
    context: &Context<'_>,
) -> Vec<(Vec<Finding>, Counts)> {
    let mut found: Vec<(Vec<Option<Finding>>, Counts)> = Vec::new();
    for (check, output) in outputs {
        let mut counts = Counts::default();
        let mut findings = Vec::new();
        for (pack, diag) in diags_of(output) {
            match diag.diag.severity {
                DenySeverity::Error => counts.errors += 1,
                DenySeverity::Warning => counts.warnings += 1,
                DenySeverity::Note => counts.notes += 1,
                DenySeverity::Help => counts.helps += 1,
                DenySeverity::Bug => {}
            }
            let is_help = diag.diag.severity == DenySeverity::Help;
            findings.push((!is_help).then(|| collect::from_check(diag, pack, *check, context)));
        }
        found.push((findings, counts));
    }
    for ((check, output), (findings, _)) in outputs.iter().zip(&mut found) {
        for ((pack, diag), finding) in diags_of(output).zip(findings) {
            if finding.is_none() && (helps || context.is_labeled(diag)) {
                *finding = Some(collect::from_check(diag, pack, *check, context));
            }
        }
    }
    let complete = found.into_iter().map(|(findings, counts)| {
        let mut findings: Vec<_> = findings.into_iter().flatten().collect();
        collect::link_ignored(&mut findings);
        (findings, counts)
    });
    complete.collect()
}

fn diags_of(output: &DenyOutput) -> impl Iterator<Item = (&Pack, &Diag)> {
    output.packs.iter().flat_map(|pack| pack.iter().map(move |diag| (pack, diag)))
}

fn unchecked_member(local: &LocalManifest) -> Finding {
    let message = "this member is not checked: it is not in the graph of the checked package";
    let mut finding =
        own_finding(Code::MemberNotChecked, Severity::Help, message.to_owned(), vec![local.head()]);
    finding.remedy = Some("set the option `workspace` to check all members".to_owned());
    finding
}
