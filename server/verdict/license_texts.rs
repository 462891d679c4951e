//! The texts of all licenses, with which cargo-deny recognizes license files. Loading them takes as long as a small workspace's
//! `cargo metadata` and 30 MB, so they are loaded only if a package states no license expression, and while cargo runs.

use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::licenses::LicenseStore;
use regex::Regex;

use crate::{facts::unpacked_packages, model::lockfile::Lockfile, text::read_to_string};

static STORE: OnceLock<Arc<LicenseStore>> = OnceLock::new();

/// The texts, loaded on first use.
pub(super) fn store() -> Arc<LicenseStore> {
    Arc::clone(STORE.get_or_init(|| Arc::new(LicenseStore::from_cache().unwrap_or_default())))
}

/// Loads them if an unpacked package of a lockfile states no license expression. It only saves time: whether they are needed
/// is decided by the graph.
pub(crate) fn load_if_needed(lockfile: &Utf8Path) {
    if STORE.get().is_some() {
        return;
    }
    let Ok(text) = read_to_string(lockfile) else { return };
    let Ok(license) = Regex::new(r"(?m)^license\s*=") else { return };
    let has_no_license = |folder: &Utf8PathBuf| {
        read_to_string(&folder.join("Cargo.toml")).is_ok_and(|text| !license.is_match(&text))
    };
    let (packages, unpacked) = (Lockfile::entries(&text), unpacked_packages());
    let mut folders = packages.iter().filter(|one| one.source.is_some()).flat_map(|one| {
        let name = format!("{}-{}", one.name.value, one.version.value);
        unpacked.iter().map(move |all| all.join(&name))
    });
    if folders.any(|folder| has_no_license(&folder)) {
        store();
    }
}
