//! Findings that entries of a policy have no effect, which are withheld because other workspaces have the same policy.

use serde::{Deserialize, Serialize};

use super::Finding;

/// A finding about an entry that is withheld because of other workspaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithheldFinding {
    /// Its index among all findings of the workspace.
    pub index: usize,
    /// The finding.
    pub finding: Finding,
    /// Why it is withheld.
    pub reason: WithheldReason,
}

/// Why a finding about an entry is withheld.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WithheldReason {
    /// These gates of the same workspace need the entry.
    NeededByGates(Vec<String>),
    /// These workspaces need the entry; their folders, relative to the policy's.
    NeededBy(Vec<String>),
    /// No checked workspace needs it, but not all were checked.
    NotAllChecked {
        /// How many were checked.
        checked: usize,
        /// How many the policy rules; at least this many.
        all: usize,
    },
}

impl WithheldReason {
    /// ``needed by `fuzz` ``, `not needed by the 2 of 3 workspaces checked`.
    pub fn text(&self) -> String {
        match self {
            Self::NeededBy(names) | Self::NeededByGates(names) => {
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                format!("needed by {}", names.join(", "))
            }
            Self::NotAllChecked { checked, all } => {
                format!("not needed by the {checked} of {all} workspaces checked")
            }
        }
    }
}
