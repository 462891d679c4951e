//! What the owner does with verdicts: shows their findings, tells the state of the gate.

use std::{collections::BTreeSet, sync::Arc};

use camino::Utf8PathBuf;
use tower_lsp::ls_types::MessageType;

use super::{Owner, Published, disk::is_resolved_with};
use crate::{
    gate::Verdict,
    lsp::{
        convert::uri_of,
        fixes::Answers,
        progress::Progress,
        publish,
        status::{State, Status, StatusNotification},
    },
    threads,
    verdict::{Check, Code, Finding, Location, Severity},
    workspace::Workspace,
};

impl Owner {
    pub(super) fn doing(&mut self, workspace: &Workspace, message: String) {
        let shows = self.session.state().features.progress;
        let Some(busy) = self.workers.get_mut(workspace) else { return };
        if !shows {
            return;
        }
        let client = self.session.client.clone();
        let folder = workspace.folder().file_name().unwrap_or("workspace");
        let title = format!("supercargo: {folder}");
        busy.progress.get_or_insert_with(|| Progress::start(client, title)).tell(message);
    }

    pub(super) async fn judged(
        &mut self,
        workspace: &Workspace,
        answered: usize,
        verdict: Option<Arc<Verdict>>,
    ) {
        threads::failpoint("verdict");
        let Some(busy) = self.workers.get_mut(workspace) else { return };
        busy.wishes = busy.wishes.saturating_sub(answered);
        if busy.wishes == 0 {
            busy.progress = None;
        }
        let Some(verdict) = verdict else {
            let message = "could not check the workspace: internal error, see the server's log";
            self.tell_state(workspace, State::Failed, None, Some(message.to_owned())).await;
            return;
        };
        if breaks_policy(&verdict).is_none() {
            busy.counted.clone_from(&verdict.counts);
        }
        let shown = if verdict.packages > 0 {
            busy.good = Some(Arc::clone(&verdict));
            self.session.state().good.insert(workspace.clone(), Arc::clone(&verdict));
            Arc::clone(&verdict)
        } else {
            let before = self.session.state().verdicts.get(workspace).cloned();
            // A policy that cannot be used says nothing about the manifests: what stood there stays.
            let kept = before.filter(|_| ends_at_policy(&verdict)).or_else(|| busy.good.clone());
            Arc::new(with_last_good(&verdict, kept.as_deref()))
        };
        self.show(workspace, shown).await;
        for finding in &verdict.findings {
            if finding.check == Check::Supercargo
                && finding.severity == Severity::Error
                && finding.code == Some(Code::NoAdvisoryDatabase)
            {
                self.say(&format!("supercargo: {}", finding.message)).await;
            }
        }
        let failure = verdict.findings.iter().filter(|finding| !verdict.reached && is_own(finding));
        let message = failure.map(|finding| finding.message.clone()).next();
        let state = match (self.session.state().settings.trusted, verdict.reached) {
            (false, _) => State::Untrusted,
            (true, true) => State::Exact,
            (true, false) => State::Failed,
        };
        // What is about to be judged anew is not exact, unless an earlier run has judged it.
        if self.workers.get(workspace).is_some_and(|busy| busy.wishes > 0 && answered > 0) {
            return;
        }
        self.tell_state(workspace, state, Some(&verdict), message).await;
    }

    /// Shows what can be told while cargo resolves, unless that is what is shown.
    pub(super) async fn meanwhile(&mut self, workspace: &Workspace, verdict: Arc<Verdict>) {
        let Some(busy) = self.workers.get_mut(workspace) else { return };
        busy.counted.clone_from(&verdict.counts);
        self.show(workspace, Arc::clone(&verdict)).await;
        self.tell_state(workspace, State::Provisional, Some(&verdict), None).await;
    }

    pub(super) async fn resolving(&mut self, workspace: &Workspace) {
        if !self.session.state().verdicts.contains_key(workspace) {
            self.tell_state(workspace, State::Resolving, None, None).await;
        }
    }

    pub(super) async fn show(&mut self, workspace: &Workspace, shown: Arc<Verdict>) {
        let mut files: BTreeSet<_> = files_of(&shown);
        let (declared, counts) = (Arc::clone(&shown.declared), shown.counts.clone());
        let graph = Arc::clone(&shown.graph);
        let (before, has_more) = {
            let mut state = self.session.state();
            let after = Arc::clone(&shown);
            let known = state.answers.remove(workspace);
            let known = known.and_then(|known| known.carried_over_to(&shown));
            let answers = known.unwrap_or_else(|| Answers::none_yet(&shown));
            state.answers.insert(workspace.clone(), answers);
            let before = state.verdicts.insert(workspace.clone(), shown);
            // A package beside the workspace that only buffers name belongs to it by a verdict: one
            // that was open before was not read from its buffer.
            let is_new = |path: &Utf8PathBuf| {
                !is_resolved_with(workspace, path, &self.watch, before.as_deref())
                    && is_resolved_with(workspace, path, &self.watch, Some(&after))
            };
            let has_more = state.documents.paths().iter().any(is_new);
            (before, has_more)
        };
        if has_more {
            self.wish(workspace, false);
        }
        self.session.tell_answered();
        files.extend(before.iter().flat_map(|before| files_of(before)));
        self.publish(&files.into_iter().collect::<Vec<_>>()).await;
        let (declared_alike, counted_alike) = before.map_or((false, false), |before| {
            (before.declared == declared, before.counts == counts && before.graph == graph)
        });
        if !declared_alike {
            self.refresh_hints();
        }
        if !counted_alike {
            self.refresh_lenses();
        }
    }

    /// Tells the state of a workspace, when it is another one than the client knows.
    pub(super) async fn tell_state(
        &mut self,
        workspace: &Workspace,
        state: State,
        shown: Option<&Verdict>,
        message: Option<String>,
    ) {
        let Some(mut status) = Status::of(workspace, state, shown, message) else { return };
        let Some(busy) = self.workers.get_mut(workspace) else { return };
        if let Some(location) = shown.and_then(breaks_policy) {
            status = status.with_broken_policy(location, &busy.counted);
        }
        if busy.status.as_ref() != Some(&status) {
            busy.status = Some(status.clone());
            self.session.client.send_notification::<StatusNotification>(status).await;
        }
    }

    /// Publishes what has changed of the findings of these files.
    pub(super) async fn publish(&mut self, files: &[Utf8PathBuf]) {
        for file in files {
            let (version, uri, diagnostics) = {
                let state = self.session.state();
                (
                    // Findings of the file on disk are none of a version that nobody knows.
                    state.documents.get(file).map(|document| document.version),
                    state.documents.uri(file).or_else(|| uri_of(file)),
                    publish::diagnostics(file, &state),
                )
            };
            let Some(uri) = uri else { continue };
            let known = self.published.get(file);
            let same = known.is_some_and(|known| {
                known.diagnostics == diagnostics
                    && known.uri.as_ref() == Some(&uri)
                    // Opening a document asks for its findings with its version.
                    && known.version.is_some() == version.is_some()
            });
            if same || known.is_none() && diagnostics.is_empty() {
                continue;
            }
            self.session
                .client
                .publish_diagnostics(uri.clone(), diagnostics.clone(), version)
                .await;
            let published = Published { uri: Some(uri), version, diagnostics };
            self.published.insert(file.clone(), published);
        }
    }

    /// Shows a message, once.
    pub(super) async fn say(&mut self, message: &str) {
        if self.said.insert(message.to_owned()) {
            self.session.client.show_message(MessageType::WARNING, message).await;
        }
    }
}

/// Whether a finding says why there is no verdict.
pub(super) fn is_own(finding: &Finding) -> bool {
    finding.severity == Severity::Error
        && matches!(finding.check, Check::Supercargo | Check::Config)
}

/// Whether nothing but the policy was looked at.
pub(super) fn ends_at_policy(verdict: &Verdict) -> bool {
    let on_policy = |location: &Location| {
        [&verdict.policy, &verdict.exceptions]
            .iter()
            .any(|one| one.as_ref() == Some(&location.file))
    };
    verdict.findings.iter().all(|finding| finding.locations.first().is_some_and(on_policy))
}

/// Where what the policy says keeps a verdict from being reached, if it does.
fn breaks_policy(verdict: &Verdict) -> Option<&Location> {
    let nothing_judged = !verdict.reached && verdict.packages == 0 && ends_at_policy(verdict);
    let first = verdict.findings.iter().find(|finding| finding.severity == Severity::Error)?;
    let is_read = first.code != Some(Code::UnreadableFile);
    first.locations.first().filter(|_| nothing_judged && is_read)
}

/// A verdict that has no graph, with what the last one that had shows on other files.
pub(super) fn with_last_good(verdict: &Verdict, good: Option<&Verdict>) -> Verdict {
    let mut shown = verdict.clone();
    let Some(good) = good else { return shown };
    let broken: BTreeSet<_> = files_of(verdict);
    let policy = verdict.policy.as_ref();
    let kept = good.findings.iter().filter(|finding| {
        // A policy that cannot be used says so itself; its older findings would stand beside that.
        let on_policy = finding.locations.first().map(|location| &location.file) == policy;
        !(on_policy && policy.is_some_and(|policy| broken.contains(policy)))
    });
    shown.findings.extend(kept.cloned());
    shown.declared = Arc::clone(&good.declared);
    shown.graph = Arc::clone(&good.graph);
    shown
}

pub(super) fn files_of(verdict: &Verdict) -> BTreeSet<Utf8PathBuf> {
    let locations = verdict.findings.iter().flat_map(|finding| &finding.locations);
    locations.map(|location| location.file.clone()).collect()
}
