//! `textDocument/codeAction`: the verified fixes of the findings on some lines.

mod delete_policy;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{
        CodeAction, CodeActionDisabled, CodeActionKind, CodeActionOrCommand, CodeActionParams,
        CodeActionTriggerKind, Diagnostic, NumberOrString, Range, Uri,
    },
};

use crate::{
    fix::{Fix, FixResult, is_about_manifests},
    gate::Verdict,
    lsp::{
        convert::{self, path_of},
        edits::{has_unknown_text, workspace_edit},
        event::{Event, FixRequest},
        fix_all::{FIX_ALL_KIND, fix_all_edit},
        fix_results,
        handlers::{code_action_resolve::ActionData, execute_command},
        publish,
        session::{Session, SessionState},
        shared_file,
    },
    threads::{self, Activity},
    verdict::{self, Finding, PackageRef, ResolvedDependency, Role},
    workspace::Workspace,
};

/// How long a request waits for verified fixes of the findings on its lines. It returns those that are known by
/// then; the next request finds the rest. It does not wait for those of findings that other lines show. A request
/// that only asks whether there are actions, as for the light bulb of VS Code, is answered with the first upgrade of its line.
const CODE_ACTION_TIMEOUT: Duration = Duration::from_secs(20);

pub(in crate::lsp) async fn handle(
    session: &Arc<Session>,
    params: CodeActionParams,
) -> Result<Option<Vec<CodeActionOrCommand>>> {
    let Some(path) = path_of(&params.text_document.uri) else { return Ok(None) };
    let requested = RequestedKinds::of(params.context.only.as_deref());
    let mut actions = Vec::new();
    if requested.quick_fixes {
        actions.extend(verified_fixes(session, &path, params).await?);
    }
    if requested.fix_all {
        actions.extend(fix_all_actions(session, &path).await);
    }
    Ok(Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()))
}

/// Which kinds of actions a request is for.
struct RequestedKinds {
    quick_fixes: bool,
    fix_all: bool,
}

impl RequestedKinds {
    /// A kind includes those that begin with it (LSP, "Code Action Request"). Fixing all takes a while,
    /// so the request has to name that kind.
    fn of(only: Option<&[CodeActionKind]>) -> Self {
        let Some(only) = only else { return Self { quick_fixes: true, fix_all: false } };
        let includes = |kind: &CodeActionKind| {
            only.iter().any(|prefix| {
                let rest = kind.as_str().strip_prefix(prefix.as_str());
                rest.is_some_and(|rest| {
                    prefix.as_str().is_empty() || rest.is_empty() || rest.starts_with('.')
                })
            })
        };
        Self { quick_fixes: includes(&CodeActionKind::QUICKFIX), fix_all: includes(&FIX_ALL_KIND) }
    }
}

/// The actions that are known so far.
struct KnownActions {
    actions: Vec<CodeAction>,
    /// There is nothing to wait for.
    is_complete: bool,
    /// There is an upgrade for a finding that the line shows itself.
    has_own_upgrade: bool,
}

async fn verified_fixes(
    session: &Arc<Session>,
    path: &Utf8Path,
    params: CodeActionParams,
) -> Result<Vec<CodeAction>> {
    let is_automatic = params.context.trigger_kind == Some(CodeActionTriggerKind::AUTOMATIC);
    let mut search = ActionSearch::new(session, path, params);
    if !is_automatic {
        return Ok(search.wait(session, |_| false).await?.actions);
    }
    let known = search.wait(session, |known| known.has_own_upgrade).await?;
    if !known.is_complete && known.has_own_upgrade {
        let (session, path, count) = (Arc::clone(session), path.to_owned(), known.actions.len());
        threads::task(Activity::to("looking for actions in", path.clone().as_str()), async move {
            // With an older text the editor has requested them again.
            if let Ok(all) = search.wait(&session, |_| false).await
                && all.actions.len() > count
            {
                session.send(Event::ActionsAdded(path));
            }
        });
    }
    Ok(known.actions)
}

/// The search for the actions of one request.
struct ActionSearch {
    path: Utf8PathBuf,
    params: Arc<CodeActionParams>,
    /// The version of the document.
    version: Option<i32>,
    deadline: Instant,
    /// The verdicts whose missing fixes were requested.
    requested: Vec<Arc<Verdict>>,
}

impl ActionSearch {
    fn new(session: &Session, path: &Utf8Path, params: CodeActionParams) -> Self {
        let deadline = Instant::now() + CODE_ACTION_TIMEOUT;
        let version = session.snapshot().documents.get(path).map(|document| document.version);
        let (path, params) = (path.to_owned(), Arc::new(params));
        Self { path, params, version, deadline, requested: Vec::new() }
    }

    /// Waits until all actions are known, or `is_enough`.
    async fn wait(
        &mut self,
        session: &Arc<Session>,
        is_enough: impl Fn(&KnownActions) -> bool,
    ) -> Result<KnownActions> {
        let mut results = session.subscribe();
        loop {
            results.borrow_and_update();
            let (path, params, version) =
                (self.path.clone(), Arc::clone(&self.params), self.version);
            let mut requested = std::mem::take(&mut self.requested);
            let actions = session.compute("listing actions", move |state| {
                if state.documents.get(&path).map(|document| document.version) != version {
                    // The positions of the request are of an older text.
                    return Err(Error::content_modified());
                }
                let (known, requests) = known_actions(&path, &params, state, &mut requested);
                Ok((known, requests, requested))
            });
            let (known, requests);
            (known, requests, self.requested) =
                actions.await.ok_or_else(Error::internal_error)??;
            for (workspace, request) in requests {
                session.send(Event::FixesRequested(workspace, request));
            }
            let is_over = Instant::now() >= self.deadline || session.is_ending();
            if known.is_complete || is_enough(&known) || is_over {
                return Ok(known);
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            let _ = tokio::time::timeout(left, results.changed()).await;
        }
    }
}

/// The actions that are known for these lines, and the requests for missing fixes: one per verdict.
fn known_actions(
    path: &Utf8Path,
    params: &CodeActionParams,
    state: &SessionState,
    requested: &mut Vec<Arc<Verdict>>,
) -> (KnownActions, Vec<(Workspace, FixRequest)>) {
    let mut known = KnownActions { actions: Vec::new(), is_complete: true, has_own_upgrade: false };
    let mut requests = Vec::new();
    if !state.settings.trusted || !state.features.action_literals {
        return (known, requests);
    }
    let mut offered: Vec<OfferedFix<'_>> = Vec::new();
    let cursor = Cursor { path, range: params.range, state };
    let mut with_result: Vec<(&Finding, &FixResult)> = Vec::new();
    let mut has_broken_manifest = false;
    for (workspace, verdict) in &state.verdicts {
        let here = findings_on(path, params.range, verdict, state);
        if !verdict.complete || here.is_empty() {
            continue;
        }
        let results = state.fix_results.get(workspace);
        let results = results.filter(|results| results.belong_to(verdict));
        let is_current =
            |result: &&Arc<FixResult>| result.fixes.iter().all(Fix::has_current_lockfiles);
        let result_of =
            |finding: &usize| results.and_then(|results| results.get(*finding)).filter(is_current);
        let first_of =
            |finding: usize| results.and_then(|results| results.first(finding)).filter(is_current);
        for index in &here {
            let finding = &verdict.findings[*index];
            let complete = result_of(index);
            with_result.extend(complete.map(|result| (finding, &**result)));
            for fix in complete.or_else(|| first_of(*index)).iter().flat_map(|one| &one.fixes) {
                let id = fix_results::id(fix);
                let distance = cursor.distance(verdict, finding, fix);
                match offered.iter_mut().find(|known| known.id == id) {
                    Some(known) => {
                        known.findings.push(finding);
                        known.distance = known.distance.min(distance);
                    }
                    None => offered.push(OfferedFix {
                        id,
                        workspace,
                        fix,
                        findings: vec![finding],
                        distance,
                    }),
                }
            }
        }
        if publish::has_broken_manifest(verdict, state) {
            has_broken_manifest = true;
            continue;
        }
        let is_shown_here = |index: &usize| !cursor.is_of_other_line(&verdict.findings[*index]);
        let has_own = here.iter().any(is_shown_here);
        let mut of_line = here.iter().filter(|index| !has_own || is_shown_here(index));
        known.has_own_upgrade |= of_line.any(|index| {
            let result = result_of(index).or_else(|| first_of(*index));
            result.is_some_and(|result| result.fixes.iter().any(|fix| fix.upgrade.is_some()))
        });
        let mut missing: Vec<_> =
            here.into_iter().filter(|index| result_of(index).is_none()).collect();
        missing.sort_by_key(|index| !is_shown_here(index));
        if missing.iter().any(|index| !has_own || is_shown_here(index)) {
            known.is_complete = false;
        }
        if !missing.is_empty() && !requested.iter().any(|one| Arc::ptr_eq(one, verdict)) {
            requested.push(Arc::clone(verdict));
            let request = FixRequest::Findings { verdict: Arc::clone(verdict), findings: missing };
            requests.push((workspace.clone(), request));
        }
    }
    offered.retain(|one| !has_unknown_text(&one.fix.texts, state));
    offered.sort_by_key(|one| (one.fix.kind, one.fix.introduces_findings(), one.distance));
    known.actions = offered.iter().filter_map(|one| one.action(params, state)).collect();
    // A fix that was verified for other texts gives no action: a new verdict will come, unless a manifest is broken.
    known.is_complete &= has_broken_manifest || known.actions.len() == offered.len();
    if let (Some(first), Some(action)) = (offered.first(), known.actions.first_mut()) {
        let is_good = !first.fix.kind.needs_decision()
            && !first.fix.introduces_findings()
            && first.fix.placeholder.is_none();
        action.is_preferred = is_good.then_some(true);
    }
    for (finding, _) in &with_result {
        let deleted = delete_policy::action(finding, state);
        known.actions.extend(deleted.map(|action| CodeAction {
            diagnostics: Some(diagnostics(&[finding], params)).filter(|all| !all.is_empty()),
            ..action
        }));
    }
    let automatic = params.context.trigger_kind == Some(CodeActionTriggerKind::AUTOMATIC);
    if state.features.disabled_actions && !automatic {
        known.actions.extend(disabled(&with_result));
    }
    (known, requests)
}

/// The location from the key of its dependency on.
fn with_key(location: &verdict::Location, verdict: &Verdict) -> verdict::Location {
    let is_it = |one: &&ResolvedDependency| {
        one.file == location.file && one.text == location.text && one.location == location.span
    };
    let key = verdict.declared_in(&location.file).find(is_it).map(|one| one.key.start);
    let start = key.map_or(location.span.start, |key| key.min(location.span.start));
    verdict::Location { span: start..location.span.end, ..location.clone() }
}

/// The findings that are shown on these lines.
fn findings_on(
    path: &Utf8Path,
    range: Range,
    verdict: &Verdict,
    state: &SessionState,
) -> Vec<usize> {
    let cursor = Cursor { path, range, state };
    let is_here = |finding: &Finding| {
        let mut locations = finding.locations.iter();
        locations.any(|one| cursor.is_on_line(one) && publish::is_shown(finding, one, state))
    };
    verdict
        .findings_in(path)
        .filter(|(_, finding)| is_here(finding))
        .map(|(index, _)| index)
        .collect()
}

/// A fix and the findings that it fixes.
struct OfferedFix<'o> {
    id: String,
    workspace: &'o Workspace,
    fix: &'o Fix,
    findings: Vec<&'o Finding>,
    distance: Distance,
}

/// How far a fix is from the cursor: those of the line at the cursor come before those that change another
/// line for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Distance {
    /// It upgrades a package that the dependency at the cursor does not bring.
    changes_other_package: bool,
    /// The finding has its first location on another line.
    is_of_other_line: bool,
    /// The cursor is on the line of the finding, but not in its text.
    is_next_to_it: bool,
}

/// Where actions are requested.
struct Cursor<'c> {
    path: &'c Utf8Path,
    range: Range,
    state: &'c SessionState,
}

impl Cursor<'_> {
    fn distance(&self, verdict: &Verdict, finding: &Finding, fix: &Fix) -> Distance {
        let here: Vec<_> = finding.locations.iter().filter(|one| self.is_on_line(one)).collect();
        let brings = |package: &PackageRef| {
            here.iter().any(|location| match location.via.and_then(|via| finding.paths.get(via)) {
                Some(path) => path.contains(package),
                None => finding.packages.contains(package),
            })
        };
        Distance {
            changes_other_package: fix
                .upgrade
                .as_ref()
                .is_some_and(|upgrade| !brings(&upgrade.package)),
            is_of_other_line: self.is_of_other_line(finding),
            is_next_to_it: !here
                .iter()
                .any(|location| self.is_inside(&with_key(location, verdict))),
        }
    }

    /// Whether another line shows the finding.
    fn is_of_other_line(&self, finding: &Finding) -> bool {
        let first = finding.locations.iter().find(|location| location.role == Role::Primary);
        first.is_some_and(|first| !self.is_on_line(first))
    }

    /// The present range of a location in the file of the cursor.
    fn range_of(&self, location: &verdict::Location) -> Option<Range> {
        let document = self.state.documents.get(self.path)?;
        let span = document.current_span(&location.text, &location.span);
        let span = span.filter(|_| location.file == self.path)?;
        Some(convert::range(document.text(), &span, self.state.features.encoding))
    }

    fn is_on_line(&self, location: &verdict::Location) -> bool {
        self.range_of(location).is_some_and(|at| {
            at.start.line <= self.range.end.line && self.range.start.line <= at.end.line
        })
    }

    fn is_inside(&self, location: &verdict::Location) -> bool {
        self.range_of(location)
            .is_some_and(|at| at.start <= self.range.end && self.range.start <= at.end)
    }
}

impl OfferedFix<'_> {
    /// The title; with the workspace, if the file belongs to several.
    fn title(&self, uri: &Uri, state: &SessionState) -> String {
        let file = path_of(uri);
        let is_shared =
            file.is_some_and(|file| !shared_file::workspaces_of(&file, state).is_empty());
        if !is_shared {
            return self.fix.title.clone();
        }
        let name = shared_file::name_of(self.workspace, state);
        format!("{} in workspace `{name}`", self.fix.title)
    }

    /// `None` where a text has changed since the verification.
    fn action(&self, params: &CodeActionParams, state: &SessionState) -> Option<CodeAction> {
        let edit = workspace_edit(&self.fix.texts, state)?;
        let resolves_later = state.features.resolves_edits;
        let data =
            ActionData { manifest: self.workspace.manifest.clone(), fix: Some(self.id.clone()) };
        Some(CodeAction {
            title: self.title(&params.text_document.uri, state),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(diagnostics(&self.findings, params)).filter(|all| !all.is_empty()),
            edit: (!resolves_later).then_some(edit),
            // Without its edit, as when a text has changed meanwhile, there is nothing to show.
            command: execute_command::fill_in(self.fix, state)
                .filter(|_| !state.features.resolves_commands),
            data: resolves_later.then(|| serde_json::to_value(data).ok()).flatten(),
            ..CodeAction::default()
        })
    }
}

/// The diagnostics of the request that are about these findings.
fn diagnostics(findings: &[&Finding], params: &CodeActionParams) -> Vec<Diagnostic> {
    let codes: BTreeSet<_> = findings.iter().filter_map(|finding| finding.shown_code()).collect();
    let names: Vec<_> = findings.iter().flat_map(|finding| &finding.packages).collect();
    let about = |diagnostic: &&Diagnostic| match &diagnostic.code {
        Some(NumberOrString::String(code)) => codes.contains(code.as_str()),
        Some(NumberOrString::Number(_)) => false,
        // The hint of another dependency has no code.
        None => {
            let is_ours = diagnostic.source.as_deref() == Some("supercargo");
            is_ours
                && names
                    .iter()
                    .any(|package| diagnostic.message.contains(&format!("`{}`", package.name)))
        }
    };
    params.context.diagnostics.iter().filter(about).cloned().collect()
}

/// Disabled actions that say why there is no fix.
fn disabled(results: &[(&Finding, &FixResult)]) -> Vec<CodeAction> {
    let mut titles = BTreeSet::new();
    let actions = results.iter().filter_map(|(finding, result)| {
        let (package, reason) = (finding.packages.first(), result.no_fix_reason.as_ref()?);
        let title = match package {
            _ if is_about_manifests(finding) => {
                let name = package.map_or_else(String::new, |one| format!(" `{}`", one.name));
                format!("no fix in the manifest for the dependency{name}")
            }
            Some(package) => format!("no upgrade of `{}` {}", package.name, package.version),
            None => return None,
        };
        titles.insert(title.clone()).then(|| CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            disabled: Some(CodeActionDisabled { reason: reason.to_string() }),
            ..CodeAction::default()
        })
    });
    actions.collect()
}

/// One action per workspace that the file belongs to.
async fn fix_all_actions(session: &Arc<Session>, path: &Utf8Path) -> Vec<CodeAction> {
    let (workspaces, resolves_later) = {
        let state = session.snapshot();
        let workspaces: Vec<_> = state
            .verdicts
            .iter()
            .filter(|(_, verdict)| verdict.complete && state.settings.trusted)
            .filter(|(workspace, verdict)| {
                let is_declared = || verdict.declares_in(path);
                workspace.manifest == path
                    || verdict.policy.as_deref() == Some(path)
                    || is_declared()
            })
            .map(|(workspace, _)| workspace.clone())
            .collect();
        (workspaces, state.features.resolves_edits)
    };
    let mut actions = Vec::new();
    for workspace in workspaces {
        let data = ActionData { manifest: workspace.manifest.clone(), fix: None };
        let action = CodeAction {
            title: "apply all verified fixes".to_owned(),
            kind: Some(FIX_ALL_KIND),
            data: serde_json::to_value(data).ok(),
            ..CodeAction::default()
        };
        if resolves_later {
            actions.push(action);
        } else if let Ok(edit) = fix_all_edit(session, &workspace).await
            && edit.is_some()
        {
            actions.push(CodeAction { edit, data: None, ..action });
        }
    }
    actions
}
