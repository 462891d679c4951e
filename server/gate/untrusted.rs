//! Checks an untrusted workspace without starting a program: the cached verdict, else the vulnerabilities of
//! what `Cargo.lock` lists.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use camino::{Utf8Path, Utf8PathBuf};

use super::{CheckRun, Databases, Gate, GateOptions, Texts, Verdict, over_limit::exceeded};
use crate::{
    facts::RefreshPolicy,
    model::{lockfile::Lockfile, manifest::Manifest},
    resolve::Resolver,
    verdict::{Check, CheckSet, Counts, DenyOptions, LockedManifest, unresolved},
    workspace::{MemberFolders, Workspace, lexical},
};

/// The end of the message of each finding: the lockfile lists what any feature and any target needs.
const NOT_RESOLVED: &str =
    " (in `Cargo.lock`; whether the enabled features and checked targets use it is not known)";

impl Gate {
    /// Checks without starting a program or opening a connection. Reports only vulnerabilities, unless there
    /// is a cached verdict.
    pub fn check_untrusted(
        &mut self,
        options: &GateOptions,
        texts: &dyn Texts,
        databases: &Databases,
    ) -> Verdict {
        if let Some(verdict) = self.recall(options, texts) {
            return verdict;
        }
        let advisories = [Check::Advisories].into_iter();
        let advisories: Vec<_> =
            advisories.filter(|check| options.deny.checks.contains(*check)).collect();
        let options = GateOptions {
            deny: DenyOptions { checks: CheckSet::of(&advisories), ..options.deny.clone() },
            refresh: RefreshPolicy::Never,
            resolver: Resolver {
                cache: options.resolver.cache.on_disk_only(),
                ..options.resolver.clone()
            },
            ..options.clone()
        };
        let mut run = CheckRun::new(&self.workspace, &options);
        let Some(policy) = run.read_policy(&options, texts) else { return run.verdict };
        if self.workspace.is_policy_alone() {
            return self.check_policy_alone(
                run,
                &policy,
                &options,
                texts,
                databases,
                &|_: &str| {},
            );
        }
        let Some(loaded) = run.load_policy(&policy, &options) else { return run.verdict };
        let Some(database) = run.database(&loaded, &options, databases, texts, &|_| {}) else {
            return run.verdict;
        };
        let limits = exceeded(&self.workspace, texts);
        run.verdict.findings.extend(limits.warnings);
        run.verdict.findings.extend(limits.failures);
        let lock = texts.read(&self.workspace.lockfile()).ok();
        let lock = lock.and_then(|text| Lockfile::graph(text.as_str()));
        let Some(lock) = lock else { return run.verdict };
        let manifests = manifests(&self.workspace, texts);
        let mut findings = unresolved(&manifests, &lock, &database, &loaded.ignored);
        let mut counts = Counts::default();
        for finding in &mut findings {
            finding.message.push_str(NOT_RESOLVED);
            if let Some(code) = finding.code {
                finding.severity = options.deny.levels.severity(code, finding.severity);
            }
            counts.add(finding.severity);
        }
        run.verdict.counts = BTreeMap::from([(Check::Advisories, counts)]);
        run.verdict.packages = lock.len();
        run.verdict.findings.extend(findings);
        run.verdict
    }
}

/// The readable manifests of the workspace and of its path dependencies.
fn manifests(workspace: &Workspace, texts: &dyn Texts) -> Vec<LockedManifest> {
    let mut queue: VecDeque<Utf8PathBuf> =
        VecDeque::from([workspace.root.join("Cargo.toml"), workspace.manifest.clone()]);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(path) = queue.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let Ok(text) = texts.read(&path) else { continue };
        let folder = path.parent().unwrap_or(Utf8Path::new(""));
        let model = Manifest::parse(text.as_str());
        if let Some(table) = &model.workspace {
            queue.extend(MemberFolders::of(folder, &table.members).manifests());
        }
        let paths = model.all_dependencies().filter_map(|declared| declared.path.as_ref());
        queue.extend(paths.map(|path| lexical(&folder.join(&path.value)).join("Cargo.toml")));
        found.push(LockedManifest { path, text });
    }
    found
}
