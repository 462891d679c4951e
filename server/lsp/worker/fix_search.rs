//! Looks for fixes of the findings of the last verdict: upgrades in the background, all kinds of fixes
//! when a client requests them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use tokio::sync::mpsc;

use super::inbox::Inbox;
use crate::{
    fix::{
        CheckedTexts, EditableFolders, Fix, FixOptions, FixResult, FixScope, FixVerifier,
        NoFixReason, NotVerified, Outside, Overlay, fix_all, is_about_lockfile,
    },
    gate::{Databases, Gate, Progress, Texts as _, Verdict},
    lsp::event::{CheckRequest, Event, FixRequest},
    text::{FilePath, SourceText},
    threads::{self, Activity},
    verdict::{Check, Code, Finding, PackageRef, Severity},
    workspace::Workspace,
};

/// The search for fixes of one workspace.
pub(super) struct FixSearch {
    workspace: Workspace,
    databases: Arc<Databases>,
    events: mpsc::UnboundedSender<Event>,
    /// The last verdict and its texts.
    target: Option<SearchTarget>,
    /// The findings whose package has no known upgrade yet, by their index.
    todo: VecDeque<usize>,
    /// Checks changed manifests and lockfiles. It takes memory, so it is dropped after a search.
    trial_gate: Option<Gate>,
    /// The upgrades that were found.
    upgrades: UpgradeCache,
}

/// How urgent a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Priority {
    /// No client waits for it.
    Background,
    /// A client waits for it.
    Requested,
}

/// A verdict and the texts that were checked.
struct SearchTarget {
    request: CheckRequest,
    verdict: Arc<Verdict>,
    texts: Overlay,
}

/// Upgrades by package, and the key for which they are valid.
#[derive(Default)]
struct UpgradeCache {
    key: Option<UpgradeKey>,
    by_package: BTreeMap<PackageRef, FixResult>,
}

/// The inputs of upgrades: the texts that they change, and the findings.
#[derive(PartialEq)]
struct UpgradeKey {
    unsaved: BTreeMap<camino::Utf8PathBuf, SourceText>,
    lock: Option<SourceText>,
    manifests: Vec<(FilePath, SourceText)>,
    findings: BTreeSet<(Check, Severity, Option<String>, Vec<PackageRef>)>,
}

impl UpgradeKey {
    fn of(target: &SearchTarget) -> Self {
        let verdict = &target.verdict;
        let lock = target.texts.read(&verdict.workspace.lockfile()).ok();
        let mut manifests: Vec<_> =
            verdict.declared.iter().map(|one| (one.file.clone(), one.text.clone())).collect();
        manifests.dedup();
        let findings = verdict.findings.iter().map(|finding| {
            let code = finding.shown_code().map(str::to_owned);
            (finding.check, finding.severity, code, finding.packages.clone())
        });
        Self { unsaved: target.texts.unsaved(), lock, manifests, findings: findings.collect() }
    }
}

impl FixSearch {
    pub(super) fn new(
        workspace: Workspace,
        databases: Arc<Databases>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        Self {
            workspace,
            databases,
            events,
            target: None,
            todo: VecDeque::new(),
            trial_gate: None,
            upgrades: UpgradeCache::default(),
        }
    }

    /// Ends the search: there will be a new verdict.
    pub(super) fn stop(&mut self) {
        self.target = None;
        self.todo.clear();
    }

    /// Starts the search for a new verdict.
    pub(super) fn start(&mut self, request: CheckRequest, verdict: Arc<Verdict>) {
        // The files of which the scratch copy was made may have changed.
        self.trial_gate = None;
        self.todo.clear();
        if !verdict.complete {
            return;
        }
        let folders = editable(&request, &verdict, Outside::Announced);
        let texts = Overlay::over(request.buffers.0.clone().into_iter().collect()).within(folders);
        let target = SearchTarget { request, verdict, texts };
        let key = UpgradeKey::of(&target);
        if self.upgrades.key.as_ref() != Some(&key) {
            self.upgrades = UpgradeCache { key: Some(key), ..UpgradeCache::default() };
        }
        let mut seen = BTreeSet::new();
        let findings = target.verdict.findings.iter().enumerate();
        let mut todo: Vec<_> = findings
            .filter(|(_, finding)| {
                target.request.proves_when_idle && finding.severity >= Severity::Warning
            })
            .filter(|(_, finding)| finding.check == Check::Advisories)
            .filter(|(_, finding)| finding.packages.first().is_some_and(|one| seen.insert(one)))
            .map(|(index, finding)| (finding.severity, index))
            .collect();
        todo.sort_by_key(|(severity, index)| (std::cmp::Reverse(*severity), *index));
        self.todo = todo.into_iter().map(|(_, index)| index).collect();
        self.target = Some(target);
    }

    pub(super) fn has_more(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Whether it keeps a gate that makes the next search faster.
    pub(super) fn has_cache(&self) -> bool {
        self.trial_gate.is_some()
    }

    /// Drops that gate.
    pub(super) fn drop_cache(&mut self) {
        self.trial_gate = None;
    }

    /// Looks for the next upgrade, while no message comes and it `may_continue`.
    pub(super) fn search_next(&mut self, inbox: &Inbox, may_continue: &dyn Fn() -> bool) {
        let Some(index) = self.todo.pop_front() else { return };
        let Some(finding) =
            self.target.as_ref().and_then(|target| target.verdict.findings.get(index)).cloned()
        else {
            return;
        };
        // A fix request interrupts this search, which is then repeated.
        let may_continue = || inbox.is_empty() && may_continue();
        let result = self.find_upgrades(&finding, Priority::Background, &may_continue);
        if matches!(result, Err(NotVerified::Canceled)) && inbox.has_no_check_request() {
            self.todo.push_front(index);
        }
        if self.todo.is_empty() {
            self.trial_gate = None;
        }
        self.send_upgrade_count();
    }

    /// Handles a request for fixes of the last verdict.
    pub(super) fn handle(&mut self, request: FixRequest, gate: &mut Gate, inbox: &Inbox) {
        match request {
            FixRequest::Findings { verdict, findings } => {
                let mut rest = VecDeque::from(findings);
                while self.is_current(&verdict)
                    && inbox.has_no_check_request()
                    && let Some(index) = rest.pop_front()
                {
                    self.find_fixes(&verdict, index, gate, inbox);
                    if inbox.has_fix_request() && !rest.is_empty() {
                        let findings = rest.into();
                        inbox.postpone(FixRequest::Findings { verdict, findings });
                        return;
                    }
                }
            }
            FixRequest::All { verdict, reply } => {
                if !self.is_current(&verdict) {
                    return;
                }
                let may_continue = || inbox.has_no_check_request();
                let report =
                    self.with_verifier(Priority::Requested, &may_continue, |verifier, target| {
                        // No title says what it changes.
                        let folders = editable(&target.request, &target.verdict, Outside::Refused);
                        let texts = target.texts.clone().within(folders);
                        fix_all(verifier, &FixScope::default(), texts).ok_or(NotVerified::Canceled)
                    });
                if let Ok(report) = report {
                    let _ = reply.send(report);
                }
            }
        }
        if self.todo.is_empty() {
            self.trial_gate = None;
        }
    }

    fn is_current(&self, verdict: &Arc<Verdict>) -> bool {
        self.target.as_ref().is_some_and(|target| Arc::ptr_eq(&target.verdict, verdict))
    }

    /// Sends the fixes of one finding.
    fn find_fixes(&mut self, verdict: &Arc<Verdict>, index: usize, gate: &mut Gate, inbox: &Inbox) {
        let Some(finding) = verdict.findings.get(index) else { return };
        let may_continue = || inbox.has_no_check_request();
        let mut result = match self.find_upgrades(finding, Priority::Requested, &may_continue) {
            Ok(result) => result,
            Err(NotVerified::Canceled) => return,
            Err(NotVerified::Because(why)) => {
                FixResult { no_fix_reason: Some(why), ..FixResult::default() }
            }
        };
        let of_manifests =
            self.with_verifier(Priority::Requested, &may_continue, |verifier, target| {
                let now = CheckedTexts { verdict: &target.verdict, texts: &target.texts };
                if is_about_lockfile(finding) {
                    return verifier.lockfile_fixes(now, finding);
                }
                let mut result = verifier.manifest_fixes(now, finding)?;
                result.fixes.extend(verifier.replacements(now, finding)?);
                Ok(result)
            });
        match of_manifests {
            Ok(of_manifests) => {
                result.fixes.extend(of_manifests.fixes);
                result.no_fix_reason = result.no_fix_reason.or(of_manifests.no_fix_reason);
            }
            Err(NotVerified::Canceled) => return,
            Err(NotVerified::Because(_)) => {}
        }
        // Other workspaces may use the changed manifests.
        let brought = self.with_verifier(Priority::Requested, &may_continue, |verifier, target| {
            let mut fixes = result.fixes.clone();
            for fix in &mut fixes {
                verifier.bring_lockfiles_along(&target.texts, fix)?;
            }
            Ok(fixes)
        });
        match brought {
            Ok(fixes) => result.fixes = fixes,
            Err(NotVerified::Canceled) => return,
            Err(NotVerified::Because(_)) => {}
        }
        let Some(target) = &self.target else { return };
        let progress = UntilCheckRequest(&may_continue);
        let mut verifier = FixVerifier {
            gate,
            options: &target.request.options,
            databases: &self.databases,
            progress: &progress,
        };
        let now = CheckedTexts { verdict: &target.verdict, texts: &target.texts };
        let of_policy =
            threads::catch_panic(&self.activity(), || verifier.policy_fixes(now, finding));
        match of_policy {
            Ok(Ok(fixes)) => result.fixes.extend(fixes),
            Ok(Err(_)) => return,
            // The panic is logged; the other fixes are valid.
            Err(_) => *gate = gate.restarted(),
        }
        result.fixes.sort_by_key(|fix| (fix.kind, fix.introduces_findings()));
        let event = Event::FixesFound {
            workspace: self.workspace.clone(),
            verdict: Arc::clone(verdict),
            finding: index,
            result: Arc::new(result),
        };
        let _ = self.events.send(event);
    }

    /// The upgrades of the package of a finding, from the cache or a new search.
    fn find_upgrades(
        &mut self,
        finding: &Finding,
        priority: Priority,
        may_continue: &dyn Fn() -> bool,
    ) -> Result<FixResult, NotVerified> {
        if finding.check == Check::Supercargo {
            // The only one of our findings that an upgrade can fix.
            return match finding.code {
                Some(Code::IgnoreHasFix) => {
                    self.with_verifier(priority, may_continue, |verifier, target| {
                        let now = CheckedTexts { verdict: &target.verdict, texts: &target.texts };
                        verifier.upgrades_instead_of_ignoring(now, finding)
                    })
                }
                _ => Ok(FixResult::default()),
            };
        }
        let package = match finding.packages.as_slice() {
            [package] => Some(package),
            _ => None,
        };
        if let Some(cached) = package.and_then(|package| self.upgrades.by_package.get(package)) {
            return Ok(cached.clone());
        }
        let upgrades = std::mem::take(&mut self.upgrades);
        let known: Vec<&Fix> =
            upgrades.by_package.values().flat_map(|result| &result.fixes).collect();
        let result = self.with_verifier(priority, may_continue, |verifier, target| {
            let now = CheckedTexts { verdict: &target.verdict, texts: &target.texts };
            verifier.upgrades_or_known(now, finding, FixOptions::default(), &known)
        });
        self.upgrades = upgrades;
        let result = result?;
        if let Some(package) = package {
            self.upgrades.by_package.insert(package.clone(), result.clone());
        }
        Ok(result)
    }

    /// Runs `search` with a verifier that has a gate of its own.
    fn with_verifier<T>(
        &mut self,
        priority: Priority,
        may_continue: &dyn Fn() -> bool,
        mut search: impl FnMut(&mut FixVerifier<'_>, &SearchTarget) -> Result<T, NotVerified>,
    ) -> Result<T, NotVerified> {
        let activity = self.activity();
        let target = self.target.as_ref().ok_or(NotVerified::Canceled)?;
        let progress = UntilCheckRequest(may_continue);
        let mut options = target.request.options.clone();
        if priority == Priority::Background {
            options.resolver.children = options.resolver.children.low_priority();
        }
        // After a panic once more, with a new gate.
        for _ in 0..2 {
            let gate =
                self.trial_gate.get_or_insert_with(|| Gate::for_trials(self.workspace.clone()));
            let databases = &self.databases;
            let mut verifier =
                FixVerifier { gate, options: &options, databases, progress: &progress };
            let found = threads::catch_panic(&activity, || {
                threads::failpoint("fix-search");
                search(&mut verifier, target)
            });
            match found {
                Ok(found) => return found,
                Err(_) => self.trial_gate = None,
            }
        }
        Err(NotVerified::Because(NoFixReason::Panicked))
    }

    fn activity(&self) -> Activity {
        Activity::to("looking for fixes for", self.workspace.manifest.as_str())
    }

    /// Sends how many packages have a verified upgrade.
    fn send_upgrade_count(&self) {
        let Some(target) = &self.target else { return };
        let upgrades = self.upgrades.by_package.values();
        let count = upgrades.filter(|result| !result.fixes.is_empty()).count();
        let event = Event::UpgradesVerified {
            workspace: self.workspace.clone(),
            verdict: Arc::clone(&target.verdict),
            count,
        };
        let _ = self.events.send(event);
    }
}

/// The open folders and the workspace itself.
fn editable(request: &CheckRequest, verdict: &Verdict, outside: Outside) -> Arc<EditableFolders> {
    // Without an open folder there is no other limit than what the user has opened.
    if request.folders.is_empty() {
        return Arc::default();
    }
    let folders = request.folders.iter().chain([&verdict.workspace.root]).cloned();
    // An editor writes what a link leads to.
    Arc::new(EditableFolders::below(folders, outside).following_links())
}

/// Reports nothing, and is cancelled when the closure returns false.
pub(super) struct UntilCheckRequest<'a>(pub(super) &'a dyn Fn() -> bool);

impl Progress for UntilCheckRequest<'_> {
    fn report(&self, _: &str) {}

    fn is_cancelled(&self) -> bool {
        !self.0()
    }
}
