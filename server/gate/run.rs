//! Collects a verdict: reads the policy, opens the database, and records failures.

use std::sync::Arc;

use super::{Databases, GateOptions, PolicyUse, Texts, Verdict, failures, policy_use::withhold};
use crate::{
    resolve::LockState,
    text::SourceText,
    verdict::{
        Check, CheckResults, CheckSet, Code, Database, ExceptionsFile, Finding, LoadedPolicy,
        PolicyText, Severity,
    },
    workspace::{PolicyFiles, Workspace},
};

/// A verdict that is being collected.
pub(super) struct CheckRun {
    pub(super) verdict: Verdict,
    /// The checks that can run.
    pub(super) checks: CheckSet,
    /// The checks that the verdict needs to be complete.
    requested: CheckSet,
}

impl CheckRun {
    pub(super) fn new(workspace: &Workspace, options: &GateOptions) -> Self {
        Self {
            verdict: Verdict::empty(workspace.clone()),
            checks: options.deny.checks,
            requested: options.deny.checks,
        }
    }

    pub(super) fn fail(&mut self, finding: Finding) {
        self.verdict.findings.push(finding);
    }

    /// Reads the policy that cargo-deny would find, or the given one.
    pub(super) fn read_policy(
        &mut self,
        options: &GateOptions,
        texts: &dyn Texts,
    ) -> Option<PolicyText> {
        let found = options.policy_files.clone();
        let PolicyFiles { policy, exceptions } =
            found.unwrap_or_else(|| self.verdict.workspace.policy_files());
        self.verdict.exceptions.clone_from(&exceptions);
        let exceptions = exceptions.map(|path| {
            let text = texts.read(&path);
            ExceptionsFile::with(path, text, &options.resolver.children)
        });
        let path = match &options.deny.config {
            // As in cargo-deny, a given policy that does not exist is empty.
            Some(named) if !named.exists() => {
                tracing::error!("the policy `{named}` does not exist; using cargo-deny's defaults");
                return Some(PolicyText {
                    path: Some(named.clone()),
                    text: SourceText::new(""),
                    exceptions,
                });
            }
            Some(named) => Some(named.clone()),
            None => policy,
        };
        let Some(path) = path else {
            if options.skip_licenses_without_policy {
                self.checks = self.checks.without(Check::Licenses);
                self.requested = self.checks;
                self.fail(failures::no_policy(&self.verdict.workspace, texts));
            }
            return Some(PolicyText::none(exceptions));
        };
        self.verdict.policy = Some(path.clone());
        let text = match &options.deny.config {
            Some(named) => texts.read_named(named),
            None => texts.read(&path),
        };
        match text {
            Ok(text) => Some(PolicyText { path: Some(path), text, exceptions }),
            Err(error) => {
                self.fail(failures::unreadable(&path, &error));
                None
            }
        }
    }

    pub(super) fn load_policy(
        &mut self,
        policy: &PolicyText,
        options: &GateOptions,
    ) -> Option<LoadedPolicy> {
        match policy.load() {
            Ok(mut loaded) => {
                loaded.graph = loaded.graph.with(&options.deny);
                self.verdict.findings.extend(loaded.findings.iter().cloned());
                for check in &loaded.left_out {
                    self.checks = self.checks.without(*check);
                }
                Some(loaded)
            }
            Err(findings) => {
                self.verdict.findings.extend(findings);
                None
            }
        }
    }

    pub(super) fn report_lock_state(
        &mut self,
        lock: LockState,
        workspace: &Workspace,
        texts: &dyn Texts,
    ) {
        let (code, message) = match lock {
            LockState::UpToDate => return,
            LockState::Missing => (
                Code::NoLockFile,
                "no `Cargo.lock`: checked a fresh resolution, results may change",
            ),
            LockState::Stale => (
                Code::StaleLockFile,
                "`Cargo.lock` is out of date: checked a fresh resolution, results may change",
            ),
        };
        let location = failures::head(&workspace.manifest, texts);
        self.verdict.findings.push(crate::verdict::own_finding(
            code,
            Severity::Note,
            message.to_owned(),
            vec![location],
        ));
    }

    pub(super) fn database(
        &mut self,
        loaded: &LoadedPolicy,
        options: &GateOptions,
        databases: &Databases,
        texts: &dyn Texts,
        report: &dyn Fn(&str),
    ) -> Option<Arc<Database>> {
        if !self.checks.contains(Check::Advisories) {
            return None;
        }
        let source = options.database_source(loaded);
        match databases.open(&source, options.refresh, &options.resolver, report) {
            Ok(database) => {
                let date = database.fetched.map(|time| time.strftime("%Y-%m-%d").to_string());
                if let Some(reason) = &database.fallback_reason {
                    let (workspace, date) = (&self.verdict.workspace, date.as_deref());
                    let finding = failures::built_in_advisories(workspace, reason, date, texts);
                    self.verdict.findings.push(finding);
                }
                self.verdict.database_date = date;
                Some(database)
            }
            Err(error) => {
                self.fail(failures::no_database(&self.verdict.workspace, &error, texts));
                self.checks = self.checks.without(Check::Advisories);
                None
            }
        }
    }

    /// Withholds findings about entries of the policy that other workspaces need.
    pub(super) fn withhold(&mut self, policy: &PolicyText, options: &GateOptions) {
        self.verdict.policy_use = PolicyUse::of(&self.verdict, policy);
        withhold(&mut self.verdict, &options.other_uses);
    }

    pub(super) fn finish(&mut self, results: CheckResults) {
        self.verdict.complete =
            self.requested.iter().all(|check| results.counts.contains_key(&check));
        self.verdict.findings.extend(results.findings);
        self.verdict.counts = results.counts;
        self.verdict.declared = results.declared;
        self.verdict.folders = results.folders;
        self.verdict.graph = results.graph;
        self.verdict.dependencies = results.dependencies;
        self.verdict.matched = results.matched;
    }
}
