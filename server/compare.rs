//! Compares the verdict on a workspace with that on an earlier commit (its base): which findings are new, which are
//! fixed, and which were already there.
//!
//! Both sides are checked by the same gate, with the same options and the same advisories. The files of the base come
//! from git's objects into a folder of ours. A third check, with the base's policy, shows what only the changes of the
//! policy hide.

mod base;
mod base_files;
mod comparison;
mod error;
mod groups;
mod identity;
mod moved;
mod outside;
mod policy_changes;
mod repository;
mod revision;

pub use base::Base;
pub use comparison::{Comparison, LoosenedFinding, has_other_graph, has_other_policy, loosened};
pub use error::BaseError;
pub use groups::{Group, Matches, Side};
pub use identity::{FindingIdentity, fingerprints};
pub use moved::moved;
pub use policy_changes::PolicyChange;
pub use revision::{BaseRequest, files_deciding_base};
