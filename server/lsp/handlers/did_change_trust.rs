//! `supercargo/didChangeTrust`: the user has decided whether the workspace is trusted.

use serde::{Deserialize, Serialize};

use crate::lsp::{owner::Event, session::Session, settings::Change};

/// The parameters.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(in crate::lsp) struct Params {
    /// Whether programs may be started for the workspace.
    trusted: bool,
}

pub(in crate::lsp) fn handle(session: &Session, params: Params) {
    let change = {
        let mut state = session.state();
        let state = &mut *state;
        let before = state.settings.clone();
        state.settings.trusted = params.trusted;
        // Some settings are taken from a trusted repository only.
        let (settings, complaints) = state.layers.say_again(&state.settings);
        let change = Change::between(&before, &settings);
        state.settings = settings;
        state.complaints.extend(complaints);
        change
    };
    if change != Change::default() {
        session.tell(Event::Configured(change));
    }
    session.tell(Event::TrustChanged);
}
