//! Compares the verdict on a workspace with that on an earlier commit (its base): which findings are new, which are
//! fixed, and which were already there.

mod groups;
mod identity;

pub use groups::{Group, Matches, Side};
pub use identity::{FindingIdentity, fingerprints};
