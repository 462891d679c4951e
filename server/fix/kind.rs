//! What may be done about a finding, from what everybody wants to what is done last.

/// A kind of remedy. The order is the one in which remedies are offered and tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FixKind {
    /// Another version of the package.
    Upgrade,
    /// The manifest states more precisely what is meant, or no longer what nothing uses.
    Manifest,
    /// The policy states more precisely what is so: a license told by hand, tied to its texts.
    Clarify,
    /// The policy permits it for one package and version, or for one repository.
    Exception,
    /// The policy permits it for every package.
    Allow,
    /// The policy says the same better, or leaves something out: an entry without effect, a key
    /// that has moved, a version that is no duplicate to speak of.
    Policy,
    /// The policy is silent about it. Needs a reason.
    Ignore,
}
