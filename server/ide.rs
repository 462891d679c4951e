//! What editors show: functions of verdicts, without types of the protocol.

pub(crate) mod completion;
pub(crate) mod entry_lens;
pub(crate) mod explain;
pub(crate) mod hints;
pub(crate) mod hover;
pub(crate) mod lens;
pub(crate) mod license;
pub(crate) mod links;
pub(crate) mod markup;
pub(crate) mod message;
pub(crate) mod navigation;
pub(crate) mod other_dependencies;
pub(crate) mod policy_hover;
pub(crate) mod symbols;
mod untrusted_markdown;
pub(crate) mod why;
