//! The texts of all licenses, with which cargo-deny recognizes license files. Loading them takes as long as a small workspace's
//! `cargo metadata` and 30 MB, so they are loaded only if a package states no license expression.

use std::sync::{Arc, OnceLock};

use cargo_deny::licenses::LicenseStore;

static STORE: OnceLock<Arc<LicenseStore>> = OnceLock::new();

/// The texts, loaded on first use.
pub(super) fn store() -> Arc<LicenseStore> {
    Arc::clone(STORE.get_or_init(|| Arc::new(LicenseStore::from_cache().unwrap_or_default())))
}
