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
        CheckedTexts, EditableFolders, FirstUpgrades, Fix, FixResult, FixScope, FixVerifier,
        NoFixReason, NotVerified, Outside, Overlay, PackageVersions, fix_all, is_about_lockfile,
        upgraded_package,
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
    /// What is left to be done in the background.
    todo: VecDeque<Step>,
    /// The packages whose first upgrades were sent for the last verdict.
    announced: BTreeSet<PackageRef>,
    /// Checks changed manifests and lockfiles. It takes memory, so it is dropped after a search.
    trial_gate: Option<Gate>,
    /// The upgrades that were found.
    upgrades: UpgradeCache,
}

/// A step of the search in the background, with the index of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Finds the first upgrade of its package.
    First(usize),
    /// Finds all upgrades of its package.
    Further(usize),
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
    /// All upgrades of a package.
    by_package: BTreeMap<PackageRef, FixResult>,
    /// The first upgrades of those of which the others are not known yet.
    first: BTreeMap<PackageRef, First>,
    /// The entries of cargo's index that were read, which take memory: dropped after a search.
    versions: Option<PackageVersions>,
}

/// The first upgrades of a package.
struct First {
    upgrades: FirstUpgrades,
    /// The same, with the lockfiles of other workspaces.
    shown: Vec<Fix>,
}

impl UpgradeCache {
    /// A fix of the first upgrades with the lockfiles of other workspaces, if these are still the same.
    fn with_lockfiles(&self, fix: &Fix) -> Option<&Fix> {
        let all = self.first.values();
        let mut all = all.flat_map(|first| first.upgrades.fixes().zip(&first.shown));
        let found = all.find(|(one, _)| one.has_same_edits(fix)).map(|(_, shown)| shown);
        found.filter(|shown| shown.has_current_lockfiles())
    }

    /// For how many packages there is an upgrade.
    fn count(&self) -> usize {
        let all = self.by_package.values().filter(|result| !result.fixes.is_empty());
        all.count() + self.first.values().filter(|first| !first.shown.is_empty()).count()
    }
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
            announced: BTreeSet::new(),
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
        self.announced.clear();
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
            .map(|(index, finding)| {
                (std::cmp::Reverse(finding.severity), !has_patched_version(finding), index)
            })
            .collect();
        todo.sort_unstable();
        let first = todo.iter().map(|(.., index)| Step::First(*index));
        self.todo = first.chain(todo.iter().map(|(.., index)| Step::Further(*index))).collect();
        self.target = Some(target);
    }

    pub(super) fn has_more(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Whether it keeps what makes the next search faster.
    pub(super) fn has_cache(&self) -> bool {
        self.trial_gate.is_some() || self.upgrades.versions.is_some()
    }

    /// Drops that.
    pub(super) fn drop_cache(&mut self) {
        self.trial_gate = None;
        self.upgrades.versions = None;
    }

    /// Does the next step in the background, while no message comes and it `may_continue`.
    pub(super) fn search_next(&mut self, inbox: &Inbox, may_continue: &dyn Fn() -> bool) {
        let Some(step) = self.todo.pop_front() else { return };
        let Some(verdict) = self.target.as_ref().map(|target| Arc::clone(&target.verdict)) else {
            return;
        };
        let (Step::First(index) | Step::Further(index)) = step;
        let Some(finding) = verdict.findings.get(index) else { return };
        // A fix request interrupts this search, which is then repeated.
        let may_continue = || inbox.is_empty() && may_continue();
        let canceled = match step {
            Step::First(_) => {
                self.find_first(finding, Priority::Background, &may_continue).is_err()
            }
            Step::Further(_) => {
                let result = self.find_upgrades(finding, Priority::Background, &may_continue);
                matches!(result, Err(NotVerified::Canceled))
            }
        };
        if canceled && inbox.has_no_check_request() {
            self.todo.push_front(step);
        }
        if self.todo.is_empty() {
            self.drop_cache();
        }
        self.send_upgrade_count();
    }

    /// Handles a request for fixes of the last verdict.
    pub(super) fn handle(&mut self, request: FixRequest, gate: &mut Gate, inbox: &Inbox) {
        match request {
            FixRequest::Findings { verdict, findings } => {
                let Some(findings) = self.find_all_first(&verdict, findings, inbox) else { return };
                let mut rest = VecDeque::from(findings);
                while self.is_current(&verdict)
                    && inbox.has_no_check_request()
                    && let Some(index) = rest.pop_front()
                {
                    let is_found = self.find_fixes(&verdict, index, gate, inbox);
                    if !is_found && inbox.has_new_fix_request() {
                        rest.push_front(index);
                    }
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
            self.drop_cache();
        }
    }

    fn is_current(&self, verdict: &Arc<Verdict>) -> bool {
        self.target.as_ref().is_some_and(|target| Arc::ptr_eq(&target.verdict, verdict))
    }

    /// Sends the first upgrades of all these findings. `None` if they are found later because a newer request has come.
    fn find_all_first(
        &mut self,
        verdict: &Arc<Verdict>,
        findings: Vec<usize>,
        inbox: &Inbox,
    ) -> Option<Vec<usize>> {
        let may_continue = || inbox.has_no_check_request();
        let mut ordered: Vec<_> =
            findings.iter().filter_map(|index| verdict.findings.get(*index)).collect();
        ordered.sort_by_key(|finding| !has_patched_version(finding));
        for finding in ordered {
            if !self.is_current(verdict) || !may_continue() {
                break;
            }
            let searched = self.find_first(finding, Priority::Requested, &may_continue);
            if searched.is_ok_and(|searched| searched) && inbox.has_new_fix_request() {
                let verdict = Arc::clone(verdict);
                inbox.postpone(FixRequest::Findings { verdict, findings });
                return None;
            }
        }
        Some(findings)
    }

    /// Sends the fixes of one finding; `false` if another request interrupted the search.
    fn find_fixes(
        &mut self,
        verdict: &Arc<Verdict>,
        index: usize,
        gate: &mut Gate,
        inbox: &Inbox,
    ) -> bool {
        let Some(finding) = verdict.findings.get(index) else { return true };
        // The first upgrade on the user's new line comes before all fixes of the old one.
        let may_continue = || inbox.has_no_check_request() && !inbox.has_new_fix_request();
        let mut result = match self.find_upgrades(finding, Priority::Requested, &may_continue) {
            Ok(result) => result,
            Err(NotVerified::Canceled) => return false,
            Err(NotVerified::Because(why)) => {
                FixResult { no_fix_reason: Some(why), ..FixResult::default() }
            }
        };
        let of_manifests =
            self.with_verifier(Priority::Requested, &may_continue, |verifier, target| {
                let now = CheckedTexts { verdict: &target.verdict, texts: &target.texts };
                let mut result = if is_about_lockfile(finding) {
                    verifier.lockfile_fixes(now, finding)?
                } else {
                    let mut result = verifier.manifest_fixes(now, finding)?;
                    result.fixes.extend(verifier.replacements(now, finding)?);
                    result
                };
                bring_lockfiles_along(verifier, target, &mut result.fixes)?;
                Ok(result)
            });
        match of_manifests {
            Ok(of_manifests) => {
                result.fixes.extend(of_manifests.fixes);
                result.no_fix_reason = result.no_fix_reason.or(of_manifests.no_fix_reason);
            }
            Err(NotVerified::Canceled) => return false,
            Err(NotVerified::Because(_)) => {}
        }
        let Some(target) = &self.target else { return true };
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
            Ok(Err(_)) => return false,
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
        true
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
                        let mut result = verifier.upgrades_instead_of_ignoring(now, finding)?;
                        bring_lockfiles_along(verifier, target, &mut result.fixes)?;
                        Ok(result)
                    })
                }
                _ => Ok(FixResult::default()),
            };
        }
        let package = upgraded_package(finding);
        let cached = package.and_then(|package| self.upgrades.by_package.get(package));
        if let Some(cached) = cached
            && cached.fixes.iter().all(Fix::has_current_lockfiles)
        {
            return Ok(cached.clone());
        }
        self.find_first(finding, priority, may_continue)?;
        let versions = self.take_versions()?;
        let upgrades = std::mem::take(&mut self.upgrades);
        let first = package.and_then(|package| upgrades.first.get(package));
        let known: Vec<&Fix> =
            upgrades.by_package.values().flat_map(|result| &result.fixes).collect();
        let result = self.with_verifier(priority, may_continue, |verifier, target| {
            let now = CheckedTexts { verdict: &target.verdict, texts: &target.texts };
            let searched;
            let first = if let Some(first) = first {
                &first.upgrades
            } else {
                searched = verifier.first_upgrades(now, finding, &versions)?;
                &searched
            };
            let mut result = verifier.further_upgrades(now, finding, &versions, first, &known)?;
            for fix in &mut result.fixes {
                match upgrades.with_lockfiles(fix) {
                    Some(known) => *fix = known.clone(),
                    None => verifier.bring_lockfiles_along(&target.texts, fix)?,
                }
            }
            Ok(result)
        });
        self.upgrades = UpgradeCache { versions: Some(versions), ..upgrades };
        let result = result?;
        if let Some(package) = package {
            self.upgrades.by_package.insert(package.clone(), result.clone());
            self.upgrades.first.remove(package);
        }
        Ok(result)
    }

    /// Finds the first upgrades of the only package of a finding, and sends them for all findings about it. Returns
    /// whether it has searched.
    fn find_first(
        &mut self,
        finding: &Finding,
        priority: Priority,
        may_continue: &dyn Fn() -> bool,
    ) -> Result<bool, NotVerified> {
        let Some(package) = upgraded_package(finding) else { return Ok(false) };
        let UpgradeCache { by_package, first, .. } = &self.upgrades;
        let searches = !by_package.contains_key(package) && !first.contains_key(package);
        if searches {
            let versions = self.take_versions()?;
            let first = self.with_verifier(priority, may_continue, |verifier, target| {
                let now = CheckedTexts { verdict: &target.verdict, texts: &target.texts };
                let upgrades = verifier.first_upgrades(now, finding, &versions)?;
                let mut shown: Vec<_> = upgrades.fixes().cloned().collect();
                bring_lockfiles_along(verifier, target, &mut shown)?;
                Ok(First { upgrades, shown })
            });
            self.upgrades.versions = Some(versions);
            self.upgrades.first.insert(package.clone(), first?);
        }
        if self.announced.insert(package.clone()) {
            self.send_first(package);
        }
        Ok(searches)
    }

    fn take_versions(&mut self) -> Result<PackageVersions, NotVerified> {
        let target = self.target.as_ref().ok_or(NotVerified::Canceled)?;
        let read = self.upgrades.versions.take();
        Ok(read.unwrap_or_else(|| PackageVersions::of(&target.verdict, &target.texts)))
    }

    /// Sends the upgrades of a package that are known.
    fn send_first(&self, package: &PackageRef) {
        let Some(target) = &self.target else { return };
        let first = self.upgrades.first.get(package).map(|first| &first.shown);
        let all = || self.upgrades.by_package.get(package).map(|result| &result.fixes);
        let Some(fixes) = first.or_else(all).filter(|fixes| !fixes.is_empty()) else { return };
        let findings = target.verdict.findings.iter().enumerate();
        let about_it = findings.filter(|(_, finding)| upgraded_package(finding) == Some(package));
        let event = Event::FirstFixesFound {
            workspace: self.workspace.clone(),
            verdict: Arc::clone(&target.verdict),
            findings: about_it.map(|(index, _)| index).collect(),
            fixes: fixes.clone(),
        };
        let _ = self.events.send(event);
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
        let count = self.upgrades.count();
        let event = Event::UpgradesVerified {
            workspace: self.workspace.clone(),
            verdict: Arc::clone(&target.verdict),
            count,
        };
        let _ = self.events.send(event);
    }
}

/// Whether an upgrade is likely to clear a finding: its advisory names patched versions.
fn has_patched_version(finding: &Finding) -> bool {
    finding.advisory.as_ref().is_some_and(|advisory| !advisory.affected.patched().is_empty())
}

/// Other workspaces may use the changed manifests.
fn bring_lockfiles_along(
    verifier: &FixVerifier<'_>,
    target: &SearchTarget,
    fixes: &mut [Fix],
) -> Result<(), NotVerified> {
    fixes.iter_mut().try_for_each(|fix| verifier.bring_lockfiles_along(&target.texts, fix))
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
