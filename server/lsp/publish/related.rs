//! The related information of a diagnostic: the lock entry, what the policy says, and the other dependencies.

use tower_lsp::ls_types::DiagnosticRelatedInformation;

use super::lsp_location;
use crate::{
    ide::{message, other_dependencies},
    lsp::session::SessionState,
    verdict::{Finding, Location},
};

/// How many related locations are sent, so that a finding with hints stays below 3 KB. JSON has all of them.
const MAX_RELATED: usize = 8;

/// How many of these are about the lockfile and the policy, where there are other dependencies as well.
const MAX_EXPLAINED: usize = 4;

/// The related information of a finding that is shown at `shown`.
pub(super) fn of(
    finding: &Finding,
    shown: &Location,
    state: &SessionState,
) -> Vec<DiagnosticRelatedInformation> {
    let mut explained: Vec<(&Location, String)> = Vec::new();
    for related in &finding.related {
        let at = |location: &Location| location.text.line_column(location.span.start).line;
        // An entry of the policy, its reason and its replacement are on one line.
        let is_known = |known: &&(&Location, String)| {
            known.0.file == related.location.file && at(known.0) == at(&related.location)
        };
        if !explained.iter().any(|known| is_known(&known)) {
            explained.push((&related.location, related.message.clone()));
        }
    }
    // The rest of a long message, such as cargo's whole reason.
    let (_, unshown) = message::explanation(finding);
    explained.extend(unshown.into_iter().map(|line| (shown, line)));
    let others = finding.locations.iter().filter(|location| !location.is_at(shown));
    let others: Vec<_> =
        others.map(|location| (location, other_dependencies::related(finding, location))).collect();
    let most = if others.is_empty() { MAX_RELATED } else { MAX_EXPLAINED };
    let rest = explained.split_off(explained.len().min(most));
    let all: Vec<_> = explained.into_iter().chain(others).chain(rest).collect();
    // The last one says how many more there are.
    let more = all.len().saturating_sub(MAX_RELATED).checked_add(1).filter(|more| *more > 1);
    let shown = all.into_iter().enumerate().take(MAX_RELATED);
    let shown = shown.filter_map(|(index, (location, message))| {
        let message = match more {
            Some(more) if index + 1 == MAX_RELATED => format!("and {more} more"),
            _ => message,
        };
        Some(DiagnosticRelatedInformation { location: lsp_location(location, state)?, message })
    });
    shown.collect()
}
