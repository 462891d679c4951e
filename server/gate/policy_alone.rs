//! Checks a policy that rules no workspace: its syntax, keys, values and advisory ids, and our lints of its text.

use std::{collections::BTreeMap, sync::Arc};

use super::{CheckRun, Databases, Gate, GateOptions, Texts, Verdict, failures};
use crate::{
    policy::without_entries,
    process::TemporaryFolder,
    resolve::{Resolution, ResolveError},
    text::SourceText,
    verdict::{
        Check, CheckResults, CheckSet, Code, Counts, Engine, EngineRequest, Finding, LintLevels,
        LoadedPolicy, PolicyText, Severity,
    },
    workspace::Workspace,
};

/// How often a policy is loaded again without what was refused.
const ROUNDS: usize = 16;

impl Gate {
    /// Completes a run for a policy that rules no workspace. cargo-deny's library checks it with a graph of one package
    /// without dependencies; what it says about that graph is dropped.
    pub(super) fn check_policy_alone(
        &mut self,
        mut run: CheckRun,
        original: &PolicyText,
        options: &GateOptions,
        texts: &dyn Texts,
        databases: &Databases,
        report: &dyn Fn(&str),
    ) -> Verdict {
        run.checks = CheckSet::of(&[Check::Advisories]);
        let (findings, usable) = load_repeatedly(original);
        let is_refused = findings.iter().any(|finding| finding.severity == Severity::Error);
        run.verdict.findings.extend(findings);
        let Some((policy, loaded)) = usable else { return run.verdict };
        let (policy, loaded) = (&policy, &loaded);
        let database = run.database(loaded, options, databases, texts, report);
        let is_complete = database.is_some() && !is_refused;
        let request = EngineRequest {
            policy: policy.clone(),
            database,
            index: databases.index(),
            manifests: BTreeMap::new(),
            checks: run.checks,
            levels: LintLevels::default(),
            helps: false,
            releases: false,
            dependency_graph: false,
            waits: options.resolver.children.waits().clone(),
            licenses: None,
        };
        let results = self.check_empty_package(request, loaded, options, texts);
        match results {
            Ok(mut results) => {
                results.findings.retain(|finding| finding.code == Some(Code::UnknownAdvisory));
                results.graph = Arc::default();
                let index = databases.index();
                let lints =
                    self.lints.lint(policy, &results, index, &self.workspace, options, texts);
                let mut found: Vec<_> = results.findings.into_iter().chain(lints).collect();
                for location in found.iter_mut().flat_map(|finding| &mut finding.locations) {
                    if location.file == original.name() {
                        location.text = original.text.clone();
                    }
                }
                run.verdict.findings.extend(found);
                run.verdict.complete = is_complete;
            }
            Err(failure) => run.fail(*failure),
        }
        let findings = &run.verdict.findings;
        run.verdict.counts =
            [Check::Advisories, Check::Config].map(|check| (check, counts(findings, check))).into();
        run.verdict
    }

    /// The checks of a package without dependencies, in a temporary folder.
    fn check_empty_package(
        &self,
        request: EngineRequest,
        loaded: &LoadedPolicy,
        options: &GateOptions,
        texts: &dyn Texts,
    ) -> Result<CheckResults, Box<Finding>> {
        let failed = |error: &ResolveError| {
            Box::new(failures::resolution(&self.workspace, error, &options.resolver, texts))
        };
        let scratch =
            |source| ResolveError::Scratch { path: self.workspace.manifest.clone(), source };
        let folder = TemporaryFolder::new(&options.resolver.children);
        let folder = folder
            .map_err(|error| failed(&ResolveError::temporary(error, &self.workspace.manifest)))?;
        let root = folder.path().to_owned();
        let workspace = Workspace { manifest: root.join("Cargo.toml"), root };
        std::fs::write(&workspace.manifest, "[package]\nname = \"policy\"\nversion = \"0.0.0\"\n")
            .map_err(|error| failed(&scratch(error)))?;
        let resolution =
            Resolution::of_empty_package(&workspace).map_err(|error| failed(&error))?;
        Engine::start(&workspace, resolution, &loaded.graph, &Arc::default())
            .and_then(|engine| engine.check(&workspace, request))
            .map_err(|error| Box::new(failures::engine(&self.workspace, &error, texts)))
    }
}

/// The policy with the findings of all its mistakes: after each refusal it is loaded again without the refused entries.
pub(super) fn load_repeatedly(
    policy: &PolicyText,
) -> (Vec<Finding>, Option<(PolicyText, LoadedPolicy)>) {
    let mut current = policy.clone();
    let mut all: Vec<Finding> = Vec::new();
    for _ in 0..ROUNDS {
        let (found, loaded) = match current.load() {
            Ok(loaded) => (loaded.findings.clone(), Some(loaded)),
            Err(found) => (found, None),
        };
        let is_new = |finding: &Finding| {
            let at = |known: &Finding| {
                known.message == finding.message
                    && known
                        .locations
                        .iter()
                        .map(|location| &location.span)
                        .eq(finding.locations.iter().map(|location| &location.span))
            };
            !all.iter().any(at)
        };
        let mut new: Vec<_> = found.into_iter().filter(is_new).collect();
        // Their spans are those of the text itself.
        for location in new.iter_mut().flat_map(|finding| &mut finding.locations) {
            if location.file == policy.name() {
                location.text = policy.text.clone();
            }
        }
        let refused = new.iter().filter(|finding| finding.severity == Severity::Error);
        let refused = refused.flat_map(|finding| &finding.locations);
        let refused: Vec<_> = refused.map(|location| location.span.start).collect();
        all.extend(new);
        if let Some(loaded) = loaded {
            return (all, Some((current, loaded)));
        }
        let without = without_entries(current.text.as_str(), &refused);
        match without.filter(|without| without != current.text.as_str()) {
            Some(without) => current.text = SourceText::new(&without),
            None => break,
        }
    }
    (all, None)
}

fn counts(findings: &[Finding], check: Check) -> Counts {
    let of = |severity| {
        let all = findings
            .iter()
            .filter(|finding| finding.severity == severity && finding.check == check);
        u32::try_from(all.count()).unwrap_or(u32::MAX)
    };
    Counts {
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        notes: of(Severity::Note),
        helps: of(Severity::Help),
    }
}
