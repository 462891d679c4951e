//! Plans for a package that something speaks against: another version of it, the smallest that
//! clears what is known, and of the packages that hold it back.
//!
//! [`Target`] is the package with everything that speaks against it, `clear` says which of its
//! versions would clear that, [`Search`] which other packages have to move for one of them, and
//! [`with_requirements`] what becomes of the manifests. Nothing is proved here and no program is
//! started: what cargo's index says is read from the disk.

mod clear;
mod economy;
mod features;
mod histories;
mod locked;
mod parents;
mod requirements;
mod target;
mod words;

use semver::{Version, VersionReq};

pub(super) use clear::Clear;
pub(super) use economy::{held_back, moves};
pub use features::Vanished;
pub(super) use histories::Histories;
pub(super) use locked::Locked;
pub(super) use parents::{Pick, Plan, Search, Step};
pub(super) use requirements::{Keep, PIN, Raised, with_requirements, without_pins};
pub(super) use target::{Scope, Target};
pub(super) use words::{alternatives, needs_rust};

/// Whether cargo takes `to` for compatible with `from`.
pub(super) fn is_compatible(from: &Version, to: &Version) -> bool {
    VersionReq::parse(&format!("^{from}")).is_ok_and(|line| line.matches(to))
}
