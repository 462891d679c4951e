//! What reaches the main loop ([`Event`]) and what it asks of workers ([`CheckRequest`],
//! [`FixRequest`]).

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::oneshot;

use super::{
    base_check::{BaseOutcome, Cancellation, CheckedBase, HiddenFindings},
    settings::SettingsChange,
};
use crate::{
    ci::GateSearch,
    fix::{Fix, FixReport, FixResult},
    gate::{GateOptions, OnDisk, Texts, Verdict},
    text::SourceText,
    threads::PanicReport,
    verdict::DependencyGraph,
    workspace::{DiscoveryOptions, RuledWorkspaces, Workspace},
};

/// An event of the main loop: from a handler, a worker or a thread.
#[derive(Debug)]
pub(super) enum Event {
    /// The client has sent `initialized` and accepts messages.
    Initialized,
    /// The settings have changed.
    SettingsChanged(SettingsChange),
    /// Folders were added or removed.
    FoldersChanged,
    /// The user has trusted the workspace, or no longer trusts it.
    TrustChanged,
    /// A search for workspaces has ended: in the open folders, or for an opened file.
    WorkspacesFound {
        workspaces: Vec<Workspace>,
        /// The opened file that the search was for.
        for_file: Option<Utf8PathBuf>,
    },
    /// A worker has looked for the workspaces that a policy rules.
    RuledWorkspacesFound {
        policy: Utf8PathBuf,
        ruled: RuledWorkspaces,
    },
    /// The command has chosen another base.
    BaseChosen,
    /// A check of the base of a workspace has ended.
    BaseChecked {
        workspace: Workspace,
        cancellation: Arc<Cancellation>,
        /// `None` if it has panicked.
        outcome: Option<BaseOutcome>,
    },
    /// The findings of a verdict that only the changes of the policy since the base hide.
    HiddenFound {
        workspace: Workspace,
        base: Arc<CheckedBase>,
        hidden: HiddenFindings,
    },
    /// A search for the gates of a repository has ended.
    GatesFound {
        root: Utf8PathBuf,
        found: Arc<GateSearch>,
    },
    Opened(Utf8PathBuf),
    Edited(Utf8PathBuf),
    Closed(Utf8PathBuf),
    /// The client has written a document to disk.
    Saved(Utf8PathBuf),
    /// The client reports that files on disk were changed, created or deleted.
    FilesReported(Vec<Utf8PathBuf>),
    /// Files on disk were changed, created or deleted; some changes may be known already.
    FilesChanged(Vec<Utf8PathBuf>),
    /// A worker has begun something that may take long; the text describes it.
    ProgressMessage(Workspace, String),
    /// Findings that are known before cargo has resolved the workspace.
    ProvisionalVerdict(Workspace, Arc<Verdict>),
    /// A worker has handled `request_count` check requests. No verdict: the check panicked.
    Checked {
        workspace: Workspace,
        request_count: usize,
        verdict: Option<Arc<Verdict>>,
    },
    /// The fixes for one finding of a verdict.
    FixesFound {
        workspace: Workspace,
        verdict: Arc<Verdict>,
        finding: usize,
        result: Arc<FixResult>,
    },
    /// The best upgrades for some findings of a verdict, which come before [`Event::FixesFound`].
    FirstFixesFound {
        workspace: Workspace,
        verdict: Arc<Verdict>,
        findings: Vec<usize>,
        fixes: Vec<Fix>,
    },
    /// How many upgrades were verified for a verdict.
    UpgradesVerified {
        workspace: Workspace,
        verdict: Arc<Verdict>,
        count: usize,
    },
    /// There are more actions for a document than a request has returned.
    ActionsAdded(Utf8PathBuf),
    /// A handler needs fixes.
    FixesRequested(Workspace, FixRequest),
    /// A handler needs all dependencies of a workspace.
    GraphRequested(Workspace, GraphReply),
    /// A thread or a task has panicked.
    Panicked(PanicReport),
    ShutDown,
}

/// A request to check a workspace.
#[derive(Debug)]
pub(super) struct CheckRequest {
    /// Manifests or the lockfile have changed on disk.
    pub(super) renew_graph: bool,
    /// A manifest is being edited: requests within a short pause belong to the same edit.
    pub(super) typing: bool,
    /// Only cargo's index or the advisories may have changed. Cargo itself writes the index while
    /// fixes are verified, so this does not interrupt a verification.
    pub(super) facts_only: bool,
    /// Look for upgrades before a client requests them.
    pub(super) proves_when_idle: bool,
    /// How to look for other workspaces with the same policy, if it is not known which those are.
    pub(super) sharer_search: Option<DiscoveryOptions>,
    /// What to compare the policy with.
    pub(super) base: Option<Arc<CheckedBase>>,
    /// Programs may be started.
    pub(super) trusted: bool,
    /// The length of the pause after an edit.
    pub(super) pause: Duration,
    /// The open folders: fixes say what they change outside of them.
    pub(super) folders: Vec<Utf8PathBuf>,
    /// The open documents that belong to the workspace.
    pub(super) buffers: Buffers,
    pub(super) options: GateOptions,
}

/// Where a worker sends all dependencies of its workspace, or why there are none.
pub(super) type GraphReply = oneshot::Sender<Result<Arc<DependencyGraph>, String>>;

/// A request for fixes of the last verdict. It is dropped when there is a newer verdict.
#[derive(Debug)]
pub(super) enum FixRequest {
    /// The fixes of some findings, given by their index; the results come as
    /// [`Event::FixesFound`].
    Findings { verdict: Arc<Verdict>, findings: Vec<usize> },
    /// All verified fixes together.
    All { verdict: Arc<Verdict>, reply: oneshot::Sender<FixReport> },
}

/// The texts of open documents over the files on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(pub(super) HashMap<Utf8PathBuf, SourceText>);

impl Texts for Buffers {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        self.0.get(path).map_or_else(|| OnDisk.read(path), |text| Ok(text.clone()))
    }

    fn unsaved(&self) -> BTreeMap<Utf8PathBuf, SourceText> {
        let resolved =
            |path: &Utf8Path| matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock"));
        let relevant = self.0.iter().filter(|(path, _)| resolved(path));
        // A text that is equal to the file on disk is not unsaved.
        let unsaved =
            relevant.filter(|(path, text)| OnDisk.read(path).is_ok_and(|disk| disk != **text));
        unsaved.map(|(path, text)| (path.clone(), text.clone())).collect()
    }
}
