//! One verdict in the making: what is read, loaded and opened for it, and why what was not.

use std::{collections::BTreeMap, sync::Arc};

use super::{Databases, GateOptions, Texts, Verdict, troubles};
use crate::{
    resolve::LockState,
    text::SourceText,
    verdict::{
        Answer, Check, CheckSet, Code, Database, ExceptionsFile, Finding, LoadedPolicy, PolicyText,
        Severity,
    },
    workspace::{PolicyFiles, Workspace},
};

/// One verdict in the making.
pub(super) struct Run {
    pub(super) verdict: Verdict,
    /// The checks that can be made.
    pub(super) checks: CheckSet,
    /// Those that are expected.
    wanted: CheckSet,
}

impl Run {
    pub(super) fn new(workspace: &Workspace, options: &GateOptions) -> Self {
        Self {
            verdict: Verdict {
                workspace: workspace.clone(),
                policy: None,
                exceptions: None,
                findings: Vec::new(),
                counts: BTreeMap::new(),
                reached: false,
                packages: 0,
                declared: Arc::default(),
                folders: Arc::default(),
                graph: Arc::default(),
                matched: Vec::new(),
                index_files: Arc::default(),
                database_date: None,
            },
            checks: options.checks,
            wanted: options.checks,
        }
    }

    pub(super) fn fail(&mut self, finding: Finding) {
        self.verdict.findings.push(finding);
    }

    /// The policy by cargo-deny's look-up, or the one that was named.
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
        let path = match &options.config {
            // A named policy that does not exist is an empty one, as in cargo-deny.
            Some(named) if !named.exists() => {
                tracing::error!("the policy `{named}` does not exist: cargo-deny's defaults hold");
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
            if options.gentle_without_policy {
                self.checks = self.checks.without(Check::Licenses);
                self.wanted = self.checks;
                self.fail(troubles::no_policy(&self.verdict.workspace, texts));
            }
            return Some(PolicyText::none(exceptions));
        };
        self.verdict.policy = Some(path.clone());
        let text = match &options.config {
            Some(named) => texts.read_named(named),
            None => texts.read(&path),
        };
        match text {
            Ok(text) => Some(PolicyText { path: Some(path), text, exceptions }),
            Err(error) => {
                self.fail(troubles::unreadable(&path, &error));
                None
            }
        }
    }

    pub(super) fn load_policy(
        &mut self,
        policy: &PolicyText,
        options: &GateOptions,
    ) -> Option<LoadedPolicy> {
        match policy.load(options.workspace) {
            Ok(loaded) => {
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

    pub(super) fn say_lock_state(
        &mut self,
        lock: LockState,
        workspace: &Workspace,
        texts: &dyn Texts,
    ) {
        let (code, message) = match lock {
            LockState::Sound => return,
            LockState::Missing => (
                Code::NoLockFile,
                "there is no `Cargo.lock`: what is judged was resolved just now and may change",
            ),
            LockState::Stale => (
                Code::StaleLockFile,
                "`Cargo.lock` does not fit the manifests: what is judged was resolved just now",
            ),
        };
        let location = troubles::head(&workspace.manifest, texts);
        self.verdict.findings.push(crate::verdict::own(
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
        tell: &dyn Fn(&str),
    ) -> Option<Arc<Database>> {
        if !self.checks.contains(Check::Advisories) {
            return None;
        }
        let source = options.database_source(loaded);
        match databases.open(&source, options.refresh, &options.resolver, tell) {
            Ok(database) => {
                let date = database.fetched.map(|time| time.strftime("%Y-%m-%d").to_string());
                if let Some(reason) = &database.stand_in {
                    let (workspace, date) = (&self.verdict.workspace, date.as_deref());
                    let told = troubles::stand_in(workspace, reason, date, texts);
                    self.verdict.findings.push(told);
                }
                self.verdict.database_date = date;
                Some(database)
            }
            Err(error) => {
                self.fail(troubles::no_database(&self.verdict.workspace, &error, texts));
                self.checks = self.checks.without(Check::Advisories);
                None
            }
        }
    }

    pub(super) fn finish(&mut self, answer: Answer) {
        self.verdict.reached = self.wanted.iter().all(|check| answer.counts.contains_key(&check));
        self.verdict.findings.extend(answer.findings);
        self.verdict.counts = answer.counts;
        self.verdict.declared = answer.declared;
        self.verdict.folders = answer.folders;
        self.verdict.graph = answer.graph;
        self.verdict.matched = answer.matched;
    }
}
