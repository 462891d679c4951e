//! What is made once for a graph, whatever its manifests say besides.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
    time::Instant,
};

use camino::Utf8Path;
use cargo_deny::{Krates, licenses::LicenseStore};

use super::Ready;
use crate::{
    cache::{Input, Inputs, on_disk},
    verdict::{
        GraphFacts, PackageFolder, PackageRef,
        graph_facts::graph_facts,
        index::{self, CratesIo},
        license_files,
        license_limits::Refused,
        license_lines::LicenseLines,
    },
};

/// Everything that is made once for a graph.
pub(super) struct Linked<'g> {
    pub(super) krates: &'g Krates,
    /// What cargo's index says about each package, and [`Question::index`] when it was read.
    index: RefCell<Option<(u64, Result<index::Entries<'g>, String>)>>,
    /// What was read of it while the graph was built.
    read: Option<CratesIo>,
    /// The checks would read the same: cargo-deny looks for the configuration of the index upwards
    /// from the workspace's root.
    read_alike: bool,
    pub(super) license_lines: OnceLock<LicenseLines>,
    needs_texts: bool,
    /// What was taken out of it.
    pub(super) refused: Vec<Refused>,
    pub(super) folders: Arc<BTreeMap<PackageRef, PackageFolder>>,
    /// Made when first asked for.
    facts: OnceLock<Arc<GraphFacts>>,
}

impl<'g> Linked<'g> {
    pub(super) fn new(
        krates: &'g Krates,
        read: Option<CratesIo>,
        folder: &Utf8Path,
        refused: Vec<Refused>,
    ) -> Self {
        Self {
            krates,
            index: RefCell::new(None),
            read,
            read_alike: krates.workspace_root() == folder,
            license_lines: OnceLock::new(),
            needs_texts: krates.krates().any(|krate| needs_text(krate.license.as_deref())),
            folders: Arc::new(license_files::folders(krates)),
            facts: OnceLock::new(),
            refused,
        }
    }

    pub(super) fn ready(&self) -> Ready {
        let index_files = self.read.as_ref().and_then(CratesIo::files);
        Ready {
            packages: self.krates.len(),
            index_files: index_files.map(|files| files.stamps()).unwrap_or_default(),
            inputs: inputs(self.krates, self.read.as_ref()),
        }
    }

    pub(super) fn facts(&self) -> Arc<GraphFacts> {
        let gather = || {
            let began = Instant::now();
            let facts = Arc::new(graph_facts(self.krates));
            tracing::debug!("gathered {} packages in {:?}", facts.packages.len(), began.elapsed());
            facts
        };
        Arc::clone(self.facts.get_or_init(gather))
    }

    pub(super) fn index_entries(&self, state: u64) -> Result<index::Entries<'g>, String> {
        let known = self.index.take();
        let entries = match known {
            Some((read, entries)) if read == state => entries,
            // What was read for the graph holds until the index is said to have changed.
            known => {
                let read = self.read.as_ref().filter(|_| self.read_alike && known.is_none());
                index::entries(self.krates, read)
            }
        };
        self.index.replace(Some((state, entries.clone())));
        entries
    }

    /// The texts of all licenses take long to load and are needed only where a package states no
    /// license expression.
    pub(super) fn license_store(&self) -> Arc<LicenseStore> {
        static TEXTS: OnceLock<Arc<LicenseStore>> = OnceLock::new();
        if !self.needs_texts {
            return Arc::new(LicenseStore::default());
        }
        let load = || Arc::new(LicenseStore::from_cache().unwrap_or_default());
        Arc::clone(TEXTS.get_or_init(load))
    }
}

/// What the checks read besides manifests: cargo's index, and the license texts of local packages.
/// Those of others never change.
fn inputs(krates: &Krates, crates_io: Option<&CratesIo>) -> Option<Inputs> {
    let of_crates_io = |krate: &cargo_deny::Krate| {
        let source = krate.source.as_ref();
        source.is_none_or(|source| !source.is_registry() || source.is_crates_io())
    };
    if !krates.krates().all(of_crates_io) {
        return None;
    }
    let mut licenses = BTreeSet::new();
    for local in krates.krates().filter(|krate| krate.source.is_none()) {
        let folder = local.manifest_path.parent()?;
        licenses.insert(Input::Names(folder.to_owned()));
        licenses.extend(local.license_file.iter().map(|file| Input::Stamp(folder.join(file))));
        for entry in folder.read_dir_utf8().ok()?.flatten() {
            if entry.file_name().starts_with("LICENSE") || entry.file_name().starts_with("COPYING")
            {
                licenses.insert(Input::Stamp(entry.path().to_owned()));
            }
        }
    }
    Some(crates_io?.files()?.and(Inputs::now(licenses, &on_disk)))
}

/// Whether cargo-deny looks at a package's license texts: when its expression is absent or cannot
/// be parsed even laxly.
pub(in crate::verdict) fn needs_text(license: Option<&str>) -> bool {
    license
        .is_none_or(|license| spdx::Expression::parse_mode(license, spdx::ParseMode::LAX).is_err())
}
