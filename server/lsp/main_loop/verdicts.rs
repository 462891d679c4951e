//! Verdicts in the main loop: their findings are published, their status is sent.

use std::{collections::BTreeSet, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::MessageType;

use super::{
    CheckReason, MainLoop, Published, StatusInput, WorkspaceState,
    bases::{compared_files, has_same_text},
    disk::is_resolved_with,
};
use crate::{
    gate::Verdict,
    lsp::{
        convert::uri_of,
        fix_results::FixResults,
        progress::ProgressBar,
        publish::{self, FileChange},
        status::{CheckState, Status, StatusNotification},
    },
    text::FilePath,
    threads,
    verdict::{Check, Code, Finding, Location, Severity},
    workspace::Workspace,
};

impl MainLoop {
    pub(super) fn report_progress(&mut self, workspace: &Workspace, message: String) {
        let shows = self.session.snapshot().features.progress;
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        if !shows || workspace_state.is_background {
            return;
        }
        let client = self.session.client.clone();
        let folder = workspace.folder().file_name().unwrap_or("workspace");
        let title = format!("supercargo: {folder}");
        workspace_state
            .progress
            .get_or_insert_with(|| ProgressBar::start(client, title))
            .show(message);
    }

    pub(super) async fn checked(
        &mut self,
        workspace: &Workspace,
        request_count: usize,
        verdict: Option<Arc<Verdict>>,
    ) {
        threads::failpoint("verdict");
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        workspace_state.pending_requests =
            workspace_state.pending_requests.saturating_sub(request_count);
        if workspace_state.pending_requests == 0 {
            workspace_state.progress = None;
        }
        let Some(verdict) = verdict else {
            let is_background = workspace_state.is_background;
            self.check_sharers();
            if is_background {
                return;
            }
            let message = "could not check the workspace: internal error, see the server's log";
            self.send_status(workspace, CheckState::Failed, None, Some(message.to_owned())).await;
            return;
        };
        self.note_policy_use(workspace, &verdict);
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        if workspace_state.is_background {
            return;
        }
        if policy_error(&verdict).is_none() {
            workspace_state.last_counts.clone_from(&verdict.counts);
        }
        let shown = if verdict.packages > 0 {
            workspace_state.complete_verdict = Some(Arc::clone(&verdict));
            let before = self.session.update(|state| {
                state.complete_verdicts.insert(workspace.clone(), Arc::clone(&verdict))
            });
            drop(before);
            Arc::clone(&verdict)
        } else {
            let before = self.session.snapshot().verdicts.get(workspace).cloned();
            // A broken policy says nothing about the manifests: their findings stay.
            let kept = before
                .filter(|_| is_only_about_policy(&verdict))
                .or_else(|| workspace_state.complete_verdict.clone());
            Arc::new(with_findings_of_last(&verdict, kept.as_deref()))
        };
        self.show(workspace, shown).await;
        for finding in &verdict.findings {
            if finding.check == Check::Supercargo
                && finding.severity == Severity::Error
                && finding.code == Some(Code::NoAdvisoryDatabase)
            {
                self.show_once(&format!("supercargo: {}", finding.message)).await;
            }
        }
        let failure = verdict
            .findings
            .iter()
            .filter(|finding| !verdict.complete && prevents_verdict(finding));
        let message = failure.map(|finding| finding.message.clone()).next();
        let state = match (self.session.snapshot().settings.trusted, verdict.complete) {
            (false, _) => CheckState::Untrusted,
            (true, true) => CheckState::Exact,
            (true, false) => CheckState::Failed,
        };
        // A verdict is not exact while another check is requested, unless it is from an earlier run.
        let is_pending = |state: &WorkspaceState| state.pending_requests > 0 && request_count > 0;
        if self.workers.get(workspace).is_some_and(is_pending) {
            return;
        }
        // A verdict of an earlier run comes before the first check.
        if request_count > 0 {
            self.check_base(workspace);
            self.refresh_graph_documents(workspace);
        }
        self.send_status(workspace, state, Some(&verdict), message).await;
    }

    /// Shows the findings that are known while cargo resolves.
    pub(super) async fn show_provisional(&mut self, workspace: &Workspace, verdict: Arc<Verdict>) {
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        if workspace_state.is_background {
            return;
        }
        workspace_state.last_counts.clone_from(&verdict.counts);
        self.show(workspace, Arc::clone(&verdict)).await;
        self.send_status(workspace, CheckState::Provisional, Some(&verdict), None).await;
    }

    pub(super) async fn send_resolving(&mut self, workspace: &Workspace) {
        let is_shown = self.workers.get(workspace).is_some_and(|state| !state.is_background);
        if is_shown && !self.session.snapshot().verdicts.contains_key(workspace) {
            self.send_status(workspace, CheckState::Resolving, None, None).await;
        }
    }

    pub(super) async fn show(&mut self, workspace: &Workspace, shown: Arc<Verdict>) {
        let (declared, counts) = (Arc::clone(&shown.declared), shown.counts.clone());
        let graph = Arc::clone(&shown.graph);
        let after = Arc::clone(&shown);
        let results = self.session.snapshot().fix_results.get(workspace).cloned();
        let results = results.map(|results| results.carried_over_to(&shown));
        let results = Arc::new(results.unwrap_or_else(|| FixResults::empty(&shown)));
        let comparison = self.comparison_of(workspace, &shown);
        let new = comparison.clone();
        let (before, compared_before) = self.session.update(|state| {
            state.fix_results.insert(workspace.clone(), results);
            let compared_before = match new {
                Some(new) => state.comparisons.insert(workspace.clone(), new),
                None => state.comparisons.remove(workspace),
            };
            (state.verdicts.insert(workspace.clone(), shown), compared_before)
        });
        // A package outside the workspace that only open documents name belongs to it since this
        // verdict: its own open document was not checked yet.
        let is_new = |path: &Utf8PathBuf| {
            !is_resolved_with(workspace, path, &self.watch, before.as_deref())
                && is_resolved_with(workspace, path, &self.watch, Some(&after))
        };
        if self.session.snapshot().documents.paths().iter().any(is_new) {
            self.request_check(workspace, CheckReason::Policy);
        }
        self.session.notify_subscribers();
        let changes = match &before {
            Some(before) => publish::changed_files(before, &after),
            None => after.files().map(|file| (file, FileChange::Any)).collect(),
        };
        let mut files = Vec::new();
        for (file, change) in changes {
            match change {
                FileChange::Any => files.push(file),
                FileChange::Links => _ = self.with_moved_links.insert(file),
            }
        }
        // Hints name lines of other files, which also move with texts that are not checked: half-typed ones.
        let has_hints = |(_, published): &(&FilePath, &Published)| {
            published.diagnostics.iter().any(publish::may_name_lines)
        };
        let with_hints = self.published.iter().filter(has_hints).map(|(file, _)| file);
        let with_hints: Vec<_> = with_hints.filter(|file| !files.contains(file)).cloned().collect();
        files.extend(with_hints);
        files.extend(compared_files(&after, compared_before.as_deref(), comparison.as_deref()));
        self.publish(files).await;
        let same_text = has_same_text(compared_before.as_deref(), comparison.as_deref());
        let (same_hints, same_lenses) = before.map_or((false, false), |before| {
            let same_graph = before.counts == counts && before.graph == graph;
            (before.declared == declared, same_graph && same_text)
        });
        if !same_hints {
            self.refresh_hints();
        }
        if !same_lenses {
            self.refresh_lenses();
        }
    }

    /// Sends the status of a workspace when it has changed.
    pub(super) async fn send_status(
        &mut self,
        workspace: &Workspace,
        state: CheckState,
        shown: Option<&Arc<Verdict>>,
        message: Option<String>,
    ) {
        if let Some(workspace_state) = self.workers.get_mut(workspace) {
            let shown = shown.cloned();
            workspace_state.status_input = Some(StatusInput { state, shown, message });
        }
        self.send_status_again(workspace).await;
    }

    /// Sends the status of a workspace when its comparison has changed.
    pub(super) async fn send_status_again(&mut self, workspace: &Workspace) {
        let input = self.workers.get(workspace).and_then(|one| one.status_input.clone());
        let Some(StatusInput { state, shown, message }) = input else { return };
        let shown = shown.as_deref();
        let comparison = self.comparison_state(workspace);
        let options = {
            let session = self.session.snapshot();
            session.settings.deny_options(workspace, &session.folders).shown()
        };
        let status = Status::of(workspace, state, shown, message, options, comparison.as_ref());
        let Some(mut status) = status else { return };
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        if let Some(location) = shown.and_then(policy_error) {
            status = status.with_broken_policy(location, &workspace_state.last_counts);
        }
        if workspace_state.status.as_ref() != Some(&status) {
            workspace_state.status = Some(status.clone());
            self.session.client.send_notification::<StatusNotification>(status).await;
        }
    }

    /// Publishes the diagnostics of these files where they have changed.
    pub(super) async fn publish(&mut self, files: impl IntoIterator<Item = FilePath>) {
        self.publish_files(files, false).await;
    }

    /// Publishes the files in which only the positions of related locations have changed.
    pub(super) async fn publish_moved_links(&mut self) {
        let files: Vec<_> = self.with_moved_links.iter().cloned().collect();
        self.publish_files(files, true).await;
    }

    /// Publishes what a file shows once more: editors that show that there are actions request them again.
    pub(super) async fn publish_again(&mut self, path: &Utf8Path) {
        let known = self
            .published
            .iter()
            .find(|(file, _)| *file == path)
            .filter(|(_, one)| !one.diagnostics.is_empty());
        let Some((file, Published { uri: Some(uri), version, diagnostics })) = known else {
            return;
        };
        let is_current = {
            let state = self.session.snapshot();
            state.documents.get(file).map(|document| document.version) == *version
        };
        if is_current {
            let (uri, diagnostics, version) = (uri.clone(), diagnostics.clone(), *version);
            self.session.client.publish_diagnostics(uri, diagnostics, version).await;
        }
    }

    async fn publish_files(&mut self, files: impl IntoIterator<Item = FilePath>, exactly: bool) {
        for file in files {
            let file = &file;
            let (version, uri, diagnostics) = {
                let state = self.session.snapshot();
                (
                    // Without a known text the findings are those of the file: no version.
                    state.documents.get(file).map(|document| document.version),
                    state.documents.uri(file).or_else(|| uri_of(file)),
                    publish::diagnostics(file, &state),
                )
            };
            let Some(uri) = uri else { continue };
            let published = self.published.get(file);
            let is_same = published.is_some_and(|published| {
                published.diagnostics == diagnostics
                    && published.uri.as_ref() == Some(&uri)
                    // When a document is opened, its diagnostics are published with its version.
                    && published.version.is_some() == version.is_some()
            });
            if is_same || published.is_none() && diagnostics.is_empty() {
                self.with_moved_links.remove(file);
                continue;
            }
            // Every line that is typed above the policy's lists moves the links of all findings to them.
            let only_links_moved = published.is_some_and(|published| {
                published.version.is_some() == version.is_some()
                    && publish::are_same_but_for_links(&published.diagnostics, &diagnostics)
            });
            if only_links_moved && !exactly {
                self.with_moved_links.insert(file.clone());
                continue;
            }
            self.with_moved_links.remove(file);
            self.session
                .client
                .publish_diagnostics(uri.clone(), diagnostics.clone(), version)
                .await;
            let published = Published { uri: Some(uri), version, diagnostics };
            self.published.insert(file.clone(), published);
        }
    }

    /// Shows a message, once per session.
    pub(super) async fn show_once(&mut self, message: &str) {
        if self.shown_messages.insert(message.to_owned()) {
            self.session.client.show_message(MessageType::WARNING, message).await;
        }
    }
}

/// Whether a finding is a reason why there is no verdict.
pub(super) fn prevents_verdict(finding: &Finding) -> bool {
    finding.severity == Severity::Error
        && matches!(finding.check, Check::Supercargo | Check::Config)
}

/// Whether all findings are in the policy: it could not be used.
pub(super) fn is_only_about_policy(verdict: &Verdict) -> bool {
    let on_policy = |location: &Location| {
        [&verdict.policy, &verdict.exceptions]
            .iter()
            .any(|one| one.as_ref().is_some_and(|one| location.file == *one))
    };
    verdict.findings.iter().all(|finding| finding.locations.first().is_some_and(on_policy))
}

/// Where the policy has the error because of which there is no verdict.
fn policy_error(verdict: &Verdict) -> Option<&Location> {
    let nothing_checked =
        !verdict.complete && verdict.packages == 0 && is_only_about_policy(verdict);
    let first = verdict.findings.iter().find(|finding| finding.severity == Severity::Error)?;
    let is_read = first.code != Some(Code::UnreadableFile);
    first.locations.first().filter(|_| nothing_checked && is_read)
}

/// A verdict without a graph, with the findings in other files of the last verdict that has one.
fn with_findings_of_last(verdict: &Verdict, last: Option<&Verdict>) -> Verdict {
    let mut shown = verdict.clone();
    let Some(last) = last else { return shown };
    let locations = verdict.findings.iter().flat_map(|finding| &finding.locations);
    let broken: BTreeSet<_> = locations.map(|location| &location.file).collect();
    let policy = verdict.policy.as_ref();
    let kept = last.findings.iter().filter(|finding| {
        // A broken policy has a new finding of its own, which replaces its older ones.
        let file = finding.locations.first().map(|location| &location.file);
        let on_policy = |file: &&FilePath| policy.is_some_and(|policy| **file == *policy);
        !file.filter(on_policy).is_some_and(|policy| broken.contains(policy))
    });
    shown.findings.extend(kept.cloned());
    shown.declared = Arc::clone(&last.declared);
    shown.graph = Arc::clone(&last.graph);
    shown
}

/// The files whose diagnostics a verdict decides: those with findings, and the manifests, whose findings name the workspace
/// if another one has them, too.
pub(super) fn files_of(verdict: &Verdict) -> BTreeSet<FilePath> {
    verdict.files().collect()
}
