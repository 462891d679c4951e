//! `textDocument/codeAction`: the fixes that were proved for what is found on these lines.

mod unread;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{
        CodeAction, CodeActionDisabled, CodeActionKind, CodeActionOrCommand, CodeActionParams,
        CodeActionTriggerKind, Command, Diagnostic, Location, NumberOrString, Range,
    },
};

use crate::{
    fix::{FixResult, Fix, FixKind, is_about_manifests},
    gate::Verdict,
    lsp::{
        convert::{self, path_of},
        edits::{is_about_unknown, workspace_edit},
        fixes,
        handlers::{code_action_resolve::resolved_all, execute_command},
        owner::Event,
        publish,
        session::{Session, State},
        worker::Question,
    },
    verdict::Finding,
    workspace::Workspace,
};

/// All that can be proved, in one edit.
pub(in crate::lsp) const FIX_ALL: CodeActionKind = CodeActionKind::new("source.fixAll.supercargo");

/// How long a request waits for proofs. What is known by then is offered; the next request finds
/// the rest.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an action carries until its edit is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::lsp) struct Data {
    /// The manifest of the workspace.
    pub(in crate::lsp) manifest: Utf8PathBuf,
    /// Which fix; none stands for all.
    pub(in crate::lsp) fix: Option<String>,
}

pub(in crate::lsp) async fn handle(
    session: &Arc<Session>,
    params: CodeActionParams,
) -> Result<Option<Vec<CodeActionOrCommand>>> {
    let Some(path) = path_of(&params.text_document.uri) else { return Ok(None) };
    let wanted = Wanted::of(params.context.only.as_deref());
    let mut actions = Vec::new();
    if wanted.fixes {
        actions.extend(proved(session, &path, &params).await?);
    }
    if wanted.all {
        actions.extend(all(session, &path).await);
    }
    Ok(Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()))
}

/// Which kinds of actions are asked for.
struct Wanted {
    fixes: bool,
    all: bool,
}

impl Wanted {
    /// A kind stands for those that begin with it (LSP, "Code Action Request"). All is fixed only
    /// when somebody asks for just that: it takes a while.
    fn of(only: Option<&[CodeActionKind]>) -> Self {
        let Some(only) = only else { return Self { fixes: true, all: false } };
        let holds = |kind: &CodeActionKind| {
            only.iter().any(|asked| {
                let rest = kind.as_str().strip_prefix(asked.as_str());
                rest.is_some_and(|rest| {
                    asked.as_str().is_empty() || rest.is_empty() || rest.starts_with('.')
                })
            })
        };
        Self { fixes: holds(&CodeActionKind::QUICKFIX), all: holds(&FIX_ALL) }
    }
}

/// What is known, and whether that is all.
struct Known {
    actions: Vec<CodeAction>,
    is_all: bool,
}

async fn proved(
    session: &Arc<Session>,
    path: &Utf8Path,
    params: &CodeActionParams,
) -> Result<Vec<CodeAction>> {
    let mut answered = session.answered();
    let deadline = Instant::now() + PATIENCE;
    let version = session.state().documents.get(path).map(|document| document.version);
    let mut asked: Vec<Arc<Verdict>> = Vec::new();
    loop {
        answered.borrow_and_update();
        let (known, questions) = {
            let state = session.state();
            let now = state.documents.get(path).map(|document| document.version);
            if now != version {
                // Where things stand has changed: whoever asks again asks about the new text.
                return Err(Error::content_modified());
            }
            look(path, params, &state, &mut asked)
        };
        for (workspace, question) in questions {
            session.tell(Event::Asked(workspace, question));
        }
        if known.is_all || Instant::now() >= deadline || session.ends() {
            return Ok(known.actions);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let _ = tokio::time::timeout(left, answered.changed()).await;
    }
}

/// What is known for these lines, and what has to be asked. Each verdict is asked about once.
fn look(
    path: &Utf8Path,
    params: &CodeActionParams,
    state: &State,
    asked: &mut Vec<Arc<Verdict>>,
) -> (Known, Vec<(Workspace, Question)>) {
    let mut known = Known { actions: Vec::new(), is_all: true };
    let mut questions = Vec::new();
    if !state.settings.trusted || !state.features.action_literals {
        return (known, questions);
    }
    let mut offered: Vec<Offered<'_>> = Vec::new();
    let mut unclear: Vec<(&Finding, &FixResult)> = Vec::new();
    for (workspace, verdict) in &state.verdicts {
        let here = findings_on(path, params.range, verdict, state);
        if !verdict.reached || here.is_empty() {
            continue;
        }
        let answers = state.answers.get(workspace).filter(|answers| answers.are_of(verdict));
        let about = |finding: &usize| answers.and_then(|answers| answers.about(*finding));
        for (index, answer) in here.iter().filter_map(|index| Some((index, about(index)?))) {
            let finding = &verdict.findings[*index];
            unclear.push((finding, answer));
            for fix in &answer.fixes {
                let id = fixes::id(fix);
                match offered.iter_mut().find(|known| known.id == id) {
                    Some(known) => known.findings.push(finding),
                    None => offered.push(Offered { id, workspace, fix, findings: vec![finding] }),
                }
            }
        }
        let open: Vec<_> = here.into_iter().filter(|index| about(index).is_none()).collect();
        if !open.is_empty() {
            known.is_all = false;
            if !asked.iter().any(|one| Arc::ptr_eq(one, verdict)) {
                asked.push(Arc::clone(verdict));
                let question = Question::Fixes { of: Arc::clone(verdict), findings: open };
                questions.push((workspace.clone(), question));
            }
        }
    }
    offered.retain(|one| !is_about_unknown(&one.fix.texts, state));
    offered.sort_by_key(|one| (one.fix.kind, one.fix.introduces_findings()));
    known.actions = offered.iter().filter_map(|one| one.action(params, state)).collect();
    // What was proved for other texts: there will be another verdict.
    known.is_all &= known.actions.len() == offered.len();
    if let (Some(first), Some(action)) = (offered.first(), known.actions.first_mut()) {
        let is_good = first.fix.kind < FixKind::Ignore
            && !first.fix.introduces_findings()
            && first.fix.placeholder.is_none();
        action.is_preferred = is_good.then_some(true);
    }
    for (finding, _) in &unclear {
        let deleted = unread::deleted(finding, state);
        known.actions.extend(deleted.map(|action| CodeAction {
            diagnostics: Some(diagnostics(&[finding], params)).filter(|all| !all.is_empty()),
            ..action
        }));
    }
    let automatic = params.context.trigger_kind == Some(CodeActionTriggerKind::AUTOMATIC);
    if state.features.disabled_actions && !automatic {
        known.actions.extend(disabled(&unclear));
    }
    (known, questions)
}

/// The findings that are shown on these lines.
fn findings_on(path: &Utf8Path, range: Range, verdict: &Verdict, state: &State) -> Vec<usize> {
    let Some(document) = state.documents.get(path) else { return Vec::new() };
    let is_here = |finding: &Finding| {
        finding.locations.iter().filter(|location| location.file == path).any(|location| {
            let span = document.moved(&location.text, &location.span);
            let shown = span.filter(|_| publish::is_shown(finding, location, state));
            shown.is_some_and(|span| {
                let at = convert::range(document.text(), &span, state.features.encoding);
                at.start.line <= range.end.line && range.start.line <= at.end.line
            })
        })
    };
    let findings = verdict.findings.iter().enumerate();
    findings.filter(|(_, finding)| is_here(finding)).map(|(index, _)| index).collect()
}

/// A fix and the findings that it is an answer to.
struct Offered<'o> {
    id: String,
    workspace: &'o Workspace,
    fix: &'o Fix,
    findings: Vec<&'o Finding>,
}

impl Offered<'_> {
    /// `None` where the texts are no longer those that it was proved on.
    fn action(&self, params: &CodeActionParams, state: &State) -> Option<CodeAction> {
        let edit = workspace_edit(&self.fix.texts, state)?;
        let later = state.features.resolves_edits;
        let data = Data { manifest: self.workspace.manifest.clone(), fix: Some(self.id.clone()) };
        Some(CodeAction {
            title: self.fix.title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(diagnostics(&self.findings, params)).filter(|all| !all.is_empty()),
            edit: (!later).then_some(edit),
            command: self.fill_in(state),
            data: later.then(|| serde_json::to_value(data).ok()).flatten(),
            ..CodeAction::default()
        })
    }

    /// What the user is shown or told when the edit was made.
    fn fill_in(&self, state: &State) -> Option<Command> {
        let (path, span) = self.fix.placeholder.as_ref()?;
        let after = &self.fix.texts.changes().get(path)?.after;
        let uri = state.documents.uri(path);
        let location = Location {
            uri: uri.or_else(|| convert::uri_of(path))?,
            range: convert::range(after, span, state.features.encoding),
        };
        execute_command::fill_in(&location)
    }
}

/// The diagnostics of the request that are about these findings.
fn diagnostics(findings: &[&Finding], params: &CodeActionParams) -> Vec<Diagnostic> {
    let codes: BTreeSet<_> = findings.iter().filter_map(|finding| finding.shown_code()).collect();
    let about = |diagnostic: &&Diagnostic| matches!(&diagnostic.code, Some(NumberOrString::String(code)) if codes.contains(code.as_str()));
    params.context.diagnostics.iter().filter(about).cloned().collect()
}

/// Why no other version or declaration helps, said where a fix would be.
fn disabled(answers: &[(&Finding, &FixResult)]) -> Vec<CodeAction> {
    let mut said = BTreeSet::new();
    let reasons = answers.iter().filter_map(|(finding, answer)| {
        let (package, reason) = (finding.packages.first(), answer.none.as_ref()?);
        let title = match package {
            _ if is_about_manifests(finding) => {
                let about = package.map_or_else(String::new, |one| format!(" of `{}`", one.name));
                format!("no other declaration{about}")
            }
            Some(package) => format!("no upgrade of `{}` {}", package.name, package.version),
            None => return None,
        };
        said.insert(title.clone()).then(|| CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            disabled: Some(CodeActionDisabled { reason: reason.clone() }),
            ..CodeAction::default()
        })
    });
    reasons.collect()
}

/// One action for each workspace that the file belongs to.
async fn all(session: &Arc<Session>, path: &Utf8Path) -> Vec<CodeAction> {
    let (concerned, later) = {
        let state = session.state();
        let concerned: Vec<_> = state
            .verdicts
            .iter()
            .filter(|(_, verdict)| verdict.reached && state.settings.trusted)
            .filter(|(workspace, verdict)| {
                let is_declared = || verdict.declared.iter().any(|one| one.file == path);
                workspace.manifest == path
                    || verdict.policy.as_deref() == Some(path)
                    || is_declared()
            })
            .map(|(workspace, _)| workspace.clone())
            .collect();
        (concerned, state.features.resolves_edits)
    };
    let mut actions = Vec::new();
    for workspace in concerned {
        let data = Data { manifest: workspace.manifest.clone(), fix: None };
        let action = CodeAction {
            title: "fix all that is proved".to_owned(),
            kind: Some(FIX_ALL),
            data: serde_json::to_value(data).ok(),
            ..CodeAction::default()
        };
        if later {
            actions.push(action);
        } else if let Ok(edit) = resolved_all(session, &workspace).await
            && edit.is_some()
        {
            actions.push(CodeAction { edit, data: None, ..action });
        }
    }
    actions
}
