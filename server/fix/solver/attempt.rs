//! What one attempt of the solver may change.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    rc::Rc,
};

use semver::Version;

use super::{packages::CrateId, range::Range};

/// What is allowed in one attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempt {
    /// Requirements in manifests may change within their range.
    pub(super) raise: bool,
    /// Direct dependencies may move to another range, and upper bounds may be raised.
    pub(super) breaking: bool,
    /// Versions may require a newer Rust than the workspace states.
    pub(super) newer_rust: bool,
    /// Versions may be older than the locked ones.
    pub(super) downgrade: bool,
    /// The direct dependencies whose requirements stay as they are.
    pub(super) kept: BTreeSet<usize>,
    /// The direct dependencies that stay in their range.
    pub(super) unbroken: BTreeSet<usize>,
    /// The direct dependencies that move to a range.
    pub(super) moved: BTreeMap<usize, Range>,
    /// The locked packages that stay if they are needed.
    pub(super) frozen: BTreeSet<(CrateId, Version)>,
    /// More of them, for all attempts of a search.
    pub(super) far: Rc<HashSet<(CrateId, Version)>>,
    /// The newest versions are tried first after the locked one.
    pub(super) large_steps: bool,
    /// The package of which the newest version is tried first.
    pub(super) newest: Option<CrateId>,
}

impl Attempt {
    /// Whether a locked package stays if it is needed.
    pub(super) fn keeps(&self, id: CrateId, locked: &Version) -> bool {
        let package = (id, locked.clone());
        self.frozen.contains(&package) || self.far.contains(&package)
    }
}
