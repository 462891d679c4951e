//! One file for each method of the protocol.

pub(super) mod code_action;
pub(super) mod code_action_resolve;
pub(super) mod code_lens;
pub(super) mod completion;
pub(super) mod definition;
pub(super) mod did_change;
pub(super) mod did_change_configuration;
pub(super) mod did_change_trust;
pub(super) mod did_change_watched_files;
pub(super) mod did_change_workspace_folders;
pub(super) mod did_close;
pub(super) mod did_open;
pub(super) mod did_save;
pub(super) mod document_link;
pub(super) mod document_symbol;
pub(super) mod execute_command;
pub(super) mod folding_range;
pub(super) mod hover;
pub(super) mod initialize;
pub(super) mod initialized;
pub(super) mod inlay_hint;
pub(super) mod lost_message;
pub(super) mod references;
pub(super) mod shutdown;
pub(super) mod text_document_content;
pub(super) mod why_graph;
