//! `workspace/executeCommand`.

use std::sync::Arc;

use camino::Utf8PathBuf;
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{
        Command, ExecuteCommandParams, LSPAny, Location, MessageType, Range, ShowDocumentParams,
        Uri,
    },
};

use crate::{
    compare::BaseRequest,
    fix::{Fix, FixReport, LockfileOutcome},
    lsp::{
        comparisons::BaseChoice,
        convert::{self, path_of, uri_of},
        edits::workspace_edit,
        event::Event,
        fix_all::fix_all_report,
        session::{Session, SessionState},
        settings::is_revision,
        why_graph,
    },
    threads::{self, Activity},
    verdict::sanitize,
    workspace::relative,
};

/// Applies all verified fixes of a workspace, whose folder is the argument.
pub(in crate::lsp) const FIX_ALL_COMMAND: &str = "supercargo.server.fixAll";

/// Selects the placeholder that a fix has written, or shows a message with its location where the client
/// cannot show documents. The argument is the location after the edit.
const SHOW_PLACEHOLDER: &str = "supercargo.server.fillIn";

/// Compares with another base until the setting changes. The arguments are a branch, tag or commit (empty or null: none), and
/// whether to compare with the commit at which the current branch has left it. Without arguments the comparison is turned on
/// or off.
const COMPARE_WITH_BASE: &str = "supercargo.server.compareWithBase";

/// Shows a dependency graph as a document, in clients that can. The argument is its address.
pub(in crate::lsp) const SHOW_WHY_GRAPH: &str = "supercargo.server.showWhyGraph";

/// What to compare with if neither the command nor the setting names a base: the default branch of the remote.
const DEFAULT_BASE: &str = "origin/HEAD";

/// All commands.
pub(in crate::lsp) const ALL: [&str; 4] =
    [FIX_ALL_COMMAND, SHOW_PLACEHOLDER, COMPARE_WITH_BASE, SHOW_WHY_GRAPH];

/// The command that shows the placeholder of a fix after its edit.
pub(in crate::lsp) fn fill_in(fix: &Fix, state: &SessionState) -> Option<Command> {
    let (path, span) = fix.placeholder.as_ref()?;
    let after = &fix.texts.changes().get(path)?.after;
    let uri = state.documents.uri(path).or_else(|| uri_of(path))?;
    let range = convert::range(after, span, state.features.encoding);
    let argument = serde_json::to_value(Location { uri, range }).ok()?;
    Some(Command {
        title: "show the placeholder".to_owned(),
        command: SHOW_PLACEHOLDER.to_owned(),
        arguments: Some(vec![argument]),
    })
}

pub(in crate::lsp) fn handle(session: &Arc<Session>, params: &ExecuteCommandParams) -> Result<()> {
    match params.command.as_str() {
        FIX_ALL_COMMAND => fix_all(session, &params.arguments),
        SHOW_PLACEHOLDER => show(session, &params.arguments),
        COMPARE_WITH_BASE => compare(session, &params.arguments),
        SHOW_WHY_GRAPH => show_why_graph(session, &params.arguments),
        other => Err(Error::invalid_params(format!("unknown command `{other}`"))),
    }
}

fn compare(session: &Session, arguments: &[LSPAny]) -> Result<()> {
    let state = session.snapshot();
    let settings = &state.settings;
    let merge_base = arguments.get(1).and_then(LSPAny::as_bool).unwrap_or(settings.merge_base);
    let named = |revision: &str| {
        BaseChoice::Named(BaseRequest { revision: revision.to_owned(), merge_base })
    };
    let choice = match arguments.first() {
        None if state.base().is_some() => BaseChoice::Off,
        None if settings.base.is_empty() => named(DEFAULT_BASE),
        None => BaseChoice::OfSettings,
        Some(LSPAny::Null) => BaseChoice::Off,
        Some(LSPAny::String(revision)) if revision.is_empty() => BaseChoice::Off,
        Some(LSPAny::String(revision)) if is_revision(revision) => named(revision),
        Some(_) => {
            return Err(Error::invalid_params("expected a branch, tag or commit as argument"));
        }
    };
    session.update(|state| state.base_choice = choice);
    session.send(Event::BaseChosen);
    Ok(())
}

fn show(session: &Arc<Session>, arguments: &[LSPAny]) -> Result<()> {
    let location = arguments.first().cloned();
    let location = location.and_then(|one| serde_json::from_value::<Location>(one).ok());
    let Some(Location { uri, range }) = location else {
        return Err(Error::invalid_params("expected a location as argument"));
    };
    let session = Arc::clone(session);
    // A handler never waits for the client.
    threads::task(Activity::just("showing the placeholder"), async move {
        let message = placeholder_message(&uri, range, &session.snapshot().folders);
        let params = ShowDocumentParams {
            uri,
            external: None,
            take_focus: Some(true),
            selection: Some(range),
        };
        let shows = session.snapshot().features.shows_documents;
        if !shows || !session.client.show_document(params).await.unwrap_or_default() {
            session.client.show_message(MessageType::INFO, message).await;
        }
    });
    Ok(())
}

fn show_why_graph(session: &Arc<Session>, arguments: &[LSPAny]) -> Result<()> {
    let address = arguments.first().and_then(LSPAny::as_str);
    let address = address.filter(|address| address.starts_with(why_graph::SCHEME));
    let Some(uri) = address.and_then(|address| address.parse::<Uri>().ok()) else {
        return Err(Error::invalid_params(
            "expected the address of a dependency graph as argument",
        ));
    };
    let session = Arc::clone(session);
    // A handler never waits for the client.
    threads::task(Activity::just("showing a dependency graph"), async move {
        let params =
            ShowDocumentParams { uri, external: None, take_focus: Some(true), selection: None };
        let features = &session.snapshot().features;
        let shows = features.shows_documents && features.virtual_documents;
        if !shows || !session.client.show_document(params).await.unwrap_or_default() {
            let message = "supercargo: this editor cannot show a dependency graph as a document";
            session.client.show_message(MessageType::INFO, message).await;
        }
    });
    Ok(())
}

/// Where the placeholder is, as a message.
fn placeholder_message(uri: &Uri, range: Range, folders: &[Utf8PathBuf]) -> String {
    let path = path_of(uri).unwrap_or_else(|| Utf8PathBuf::from(uri.as_str()));
    let below = folders.iter().filter_map(|folder| path.strip_prefix(folder).ok());
    let shown = below.min_by_key(|below| below.as_str().len()).unwrap_or(&path);
    let line = range.start.line + 1;
    format!("supercargo: write the reason in line {line} of `{shown}`")
}

/// What the fixes could not change, as a message.
fn left_message(report: &FixReport) -> Option<String> {
    let root = &report.verdict.workspace.root;
    let lockfiles = report.lockfiles.iter().filter_map(|lockfile| match &lockfile.outcome {
        LockfileOutcome::NoLongerFits(reason) => {
            let path = relative(root, &lockfile.path);
            Some(format!(
                "`{path}` no longer fits the manifests: {}",
                sanitize(&reason.to_string())
            ))
        }
        LockfileOutcome::Updated { .. } => None,
    });
    let left: Vec<_> = lockfiles.collect();
    (!left.is_empty()).then(|| format!("supercargo: {}", left.join("\n")))
}

fn fix_all(session: &Arc<Session>, arguments: &[LSPAny]) -> Result<()> {
    let folder = arguments.first().and_then(|folder| folder.as_str());
    let folder = folder.and_then(|uri| uri.parse::<Uri>().ok()).and_then(|uri| path_of(&uri));
    let workspace = {
        let state = session.snapshot();
        state
            .verdicts
            .keys()
            .find(|workspace| Some(workspace.folder()) == folder.as_deref())
            .cloned()
    };
    let Some(workspace) = workspace else {
        return Err(Error::invalid_params("expected the folder of a workspace as argument"));
    };
    let session = Arc::clone(session);
    // A handler never waits for the client.
    threads::task(Activity::just("applying all verified fixes"), async move {
        let message = match fix_all_report(&session, &workspace).await {
            None => "applied no fix: the workspace has changed meanwhile, try again",
            Some(report) if report.texts.changes().is_empty() => "no verified fix found",
            Some(report) => {
                let edit = workspace_edit(&report.texts, &session.snapshot());
                match edit {
                    Some(edit) => {
                        let _ = session.client.apply_edit(edit).await;
                        if let Some(left) = left_message(&report) {
                            session.client.show_message(MessageType::WARNING, left).await;
                        }
                        return;
                    }
                    None => "applied no fix: the workspace has changed meanwhile, try again",
                }
            }
        };
        session.client.show_message(MessageType::INFO, format!("supercargo: {message}")).await;
    });
    Ok(())
}
