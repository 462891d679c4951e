//! The kinds of fixes, in the order in which they are offered.

/// What a fix changes. Fixes are offered and tried in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FixKind {
    /// The lockfile, as the manifests require it.
    Lockfile,
    /// Another version of the package.
    Upgrade,
    /// A manifest: a more precise requirement, or one unused dependency less.
    Manifest,
    /// A dependency removed that the code may use.
    Removal,
    /// Another package under the same name in the code: a successor that the advisory names.
    Replacement,
    /// A `licenses.clarify` entry for a package, tied to its license files by their hashes.
    Clarify,
    /// The policy allows it for one package and version, or for one repository.
    Exception,
    /// The policy allows it for every package.
    Allow,
    /// Another entry of the policy: an entry without effect is removed, a deprecated key moved, a
    /// duplicate version skipped.
    Policy,
    /// The policy ignores the finding. Needs a reason.
    Ignore,
}

impl FixKind {
    /// Whether it is a decision of the team: the policy allows more than before, or a dependency is removed or
    /// replaced.
    pub fn needs_decision(self) -> bool {
        matches!(
            self,
            Self::Removal | Self::Replacement | Self::Exception | Self::Allow | Self::Ignore
        )
    }
}
