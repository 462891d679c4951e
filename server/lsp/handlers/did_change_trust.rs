//! `supercargo/didChangeTrust`: the user trusts the workspace, or no longer trusts it.

use serde::{Deserialize, Serialize};

use crate::lsp::{
    configuration::change_settings, event::Event, session::Session, settings::SettingsChange,
};

/// The parameters.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(in crate::lsp) struct DidChangeTrustParams {
    /// Whether programs may be started for the workspace.
    trusted: bool,
}

pub(in crate::lsp) fn handle(session: &Session, params: DidChangeTrustParams) {
    // Some settings of a repository count only when it is trusted.
    let change = change_settings(session, |sources, now| {
        let mut now = now.clone();
        now.trusted = params.trusted;
        sources.reapply(&now)
    });
    if change != SettingsChange::default() {
        session.send(Event::SettingsChanged(change));
    }
    session.send(Event::TrustChanged);
}
