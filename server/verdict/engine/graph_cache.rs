//! Data that is computed once per graph, whatever else changes in the manifests.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
    time::Instant,
};

use camino::Utf8Path;
use cargo_deny::{Krates, licenses::LicenseStore};

use super::EngineReady;
use crate::{
    cache::{Input, Inputs, on_disk},
    process::WaitReports,
    verdict::{
        GraphFacts, PackageFolder, PackageRef,
        graph_facts::graph_facts,
        index::{self, CratesIo, IndexError},
        license_files::{self, has_changing_files, needs_text},
        license_limits::RefusedLicenseFile,
        license_lines::LicenseLines,
        license_texts,
    },
};

/// Data that is computed once per graph.
pub(super) struct GraphCache<'g> {
    pub(super) krates: &'g Krates,
    /// The index entries of the packages, and [`EngineRequest::index`] when they were read.
    index: RefCell<Option<(u64, Result<index::Entries<'g>, IndexError>)>>,
    /// The index entries that were read while the graph was built.
    crates_io: Option<CratesIo>,
    /// The checks would read the same entries: cargo-deny looks for the configuration of the index
    /// upwards from the workspace's root.
    same_index: bool,
    pub(super) license_lines: OnceLock<LicenseLines>,
    needs_license_store: bool,
    /// License files that were removed from the metadata.
    pub(super) refused: Vec<RefusedLicenseFile>,
    pub(super) folders: Arc<BTreeMap<PackageRef, PackageFolder>>,
    /// Computed on first use.
    facts: OnceLock<Arc<GraphFacts>>,
}

impl<'g> GraphCache<'g> {
    pub(super) fn new(
        krates: &'g Krates,
        crates_io: Option<CratesIo>,
        folder: &Utf8Path,
        refused: Vec<RefusedLicenseFile>,
    ) -> Self {
        Self {
            krates,
            index: RefCell::new(None),
            crates_io,
            same_index: krates.workspace_root() == folder,
            license_lines: OnceLock::new(),
            needs_license_store: krates.krates().any(|krate| needs_text(krate.license.as_deref())),
            folders: Arc::new(license_files::folders(krates)),
            facts: OnceLock::new(),
            refused,
        }
    }

    pub(super) fn ready(&self) -> EngineReady {
        let index_files = self.crates_io.as_ref().and_then(CratesIo::files);
        EngineReady {
            packages: self.krates.len(),
            index_files: index_files.map(|files| files.stamps()).unwrap_or_default(),
            inputs: inputs(self.krates, self.crates_io.as_ref()),
            needs_license_store: self.needs_license_store,
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

    pub(super) fn index_entries(
        &self,
        state: u64,
        waits: &WaitReports,
    ) -> Result<index::Entries<'g>, IndexError> {
        let entries = match self.index.take() {
            Some((read, entries)) if read == state => entries,
            // The entries that were read for the graph are valid until the index changes.
            previous => {
                let crates_io =
                    self.crates_io.as_ref().filter(|_| self.same_index && previous.is_none());
                index::entries(self.krates, crates_io, waits)
            }
        };
        self.index.replace(Some((state, entries.clone())));
        entries
    }

    /// The texts of all licenses. They are slow to load, and needed only if a package has no license
    /// expression.
    pub(super) fn license_store(&self) -> Arc<LicenseStore> {
        if self.needs_license_store {
            license_texts::store()
        } else {
            Arc::new(LicenseStore::default())
        }
    }
}

/// The files that the checks read besides manifests: cargo's index, and the license texts of packages whose files may
/// change.
fn inputs(krates: &Krates, crates_io: Option<&CratesIo>) -> Option<Inputs> {
    let of_crates_io = |krate: &cargo_deny::Krate| {
        let source = krate.source.as_ref();
        source.is_none_or(|source| !source.is_registry() || source.is_crates_io())
    };
    if !krates.krates().all(of_crates_io) {
        return None;
    }
    let mut licenses = BTreeSet::new();
    for local in krates.krates().filter(|krate| has_changing_files(krate)) {
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
