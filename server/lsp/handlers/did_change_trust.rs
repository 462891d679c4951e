//! `supercargo/didChangeTrust`: the user trusts the workspace, or no longer trusts it.

use serde::{Deserialize, Serialize};

use crate::lsp::{event::Event, session::Session, settings::SettingsChange};

/// The parameters.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(in crate::lsp) struct DidChangeTrustParams {
    /// Whether programs may be started for the workspace.
    trusted: bool,
}

pub(in crate::lsp) fn handle(session: &Session, params: DidChangeTrustParams) {
    let change = {
        let mut state = session.state();
        let state = &mut *state;
        let before = state.settings.clone();
        state.settings.trusted = params.trusted;
        // Some settings of a repository count only when it is trusted.
        let (settings, errors) = state.settings_sources.reapply(&state.settings);
        let change = SettingsChange::between(&before, &settings);
        state.settings = settings;
        state.setting_errors.extend(errors);
        change
    };
    if change != SettingsChange::default() {
        session.send(Event::SettingsChanged(change));
    }
    session.send(Event::TrustChanged);
}
