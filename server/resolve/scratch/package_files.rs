//! Copies the files of a package that cargo and cargo-deny look for: the sources of targets as empty files, and license
//! texts.

use std::{collections::BTreeSet, fs::Metadata, time::SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    Scratch, is_deciding_file,
    references::References,
    writer::{CopyResult, normalized},
};
use crate::{limits, resolve::ResolveError};

/// The size limit of a license text in bytes; a longer one is not copied.
pub(super) const MAX_LICENSE_SIZE: u64 = 1 << 20;

/// The size limit of all license texts together.
pub(super) const MAX_LICENSES_SIZE: u64 = 64 << 20;

/// How many license texts of a package are copied.
const MAX_LICENSES_PER_PACKAGE: usize = 256;

/// The sources that cargo looks for in every package.
const SOURCES: [&str; 3] = ["build.rs", "src/lib.rs", "src/main.rs"];

/// The first of these that is a file is in cargo's output.
const READMES: [&str; 3] = ["README.md", "README.txt", "README"];

/// The folders in which cargo looks for targets (`infer_from_directory` in its `core::util::toml::targets`).
const TARGET_FOLDERS: [&str; 4] = ["src/bin", "examples", "tests", "benches"];

/// A license text as it was when it was copied.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct CopiedLicense {
    original: Utf8PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl CopiedLicense {
    /// `None` where there is no regular file.
    fn of(original: &Utf8Path) -> Option<Self> {
        let data = original.metadata().ok().filter(Metadata::is_file)?;
        let (bytes, modified) = (data.len(), data.modified().ok());
        Some(Self { original: original.to_owned(), bytes, modified })
    }
}

impl Scratch {
    /// Copies the files of the package with this manifest, if they have not been copied. `inherited` are the license files that
    /// it may inherit.
    pub(super) fn copy_package_files(
        &self,
        manifest: &Utf8Path,
        references: &References,
        inherited: &[Utf8PathBuf],
    ) -> Result<(), ResolveError> {
        let licenses = references.license_file.iter().chain(inherited);
        let licenses: BTreeSet<_> = licenses.cloned().collect();
        let known = self.packages.borrow().get(manifest).is_some_and(|all| licenses.is_subset(all));
        if known {
            return Ok(());
        }
        let folder = manifest.parent().unwrap_or(manifest);
        self.copy_licenses(folder, &licenses)?;
        self.packages.borrow_mut().insert(manifest.to_owned(), licenses);
        let sources = SOURCES.iter().map(|name| folder.join(name));
        let sources = sources.chain(references.sources.iter().cloned());
        let readmes = READMES.iter().map(|name| folder.join(name));
        let inferred = TARGET_FOLDERS.iter().flat_map(|name| inferred(&folder.join(name)));
        let all = sources.filter(|path| path.exists()).chain(readmes.filter(|path| path.is_file()));
        for original in all.chain(inferred) {
            self.placeholder(&original)?;
        }
        Ok(())
    }

    /// Copies license texts that have changed since they were copied.
    ///
    /// # Errors
    ///
    /// When one cannot be written.
    pub(super) fn update_licenses(&self) -> Result<(), ResolveError> {
        let licenses = self.licenses.borrow().clone();
        for (copy, _) in licenses.iter().filter(|(_, license)| !license.original.is_file()) {
            self.forget_license(copy)?;
        }
        let packages = self.packages.borrow().clone();
        for (manifest, named) in packages {
            self.copy_licenses(manifest.parent().unwrap_or(&manifest), &named)?;
        }
        Ok(())
    }

    /// The license texts of a package, which cargo-deny looks for beside its manifest: files whose
    /// names begin with `LICENSE` or `COPYING`, and those that the manifest names.
    fn copy_licenses(
        &self,
        folder: &Utf8Path,
        named: &BTreeSet<Utf8PathBuf>,
    ) -> Result<(), ResolveError> {
        let license_files =
            folder.read_dir_utf8().into_iter().flatten().flatten().filter(|entry| {
                entry.file_name().starts_with("LICENSE") || entry.file_name().starts_with("COPYING")
            });
        let license_files =
            license_files.map(|entry| entry.path().to_owned()).take(MAX_LICENSES_PER_PACKAGE);
        for original in named.iter().cloned().chain(license_files) {
            let copy = self.path_in_copy(&original);
            let Some(license) = CopiedLicense::of(&original) else { continue };
            let copied = self.licenses.borrow().get(&copy).cloned();
            // An existing file that is no license text is a manifest or lockfile, or a buffer's text.
            if copied.as_ref() == Some(&license) || copied.is_none() && self.writer.has_entry(&copy)
            {
                continue;
            }
            if is_deciding_file(&copy) {
                self.copy(&normalized(&original))?;
                continue;
            }
            self.forget_license(&copy)?;
            let left = self.licenses_left.get();
            match self.writer.copy(&original, &copy, MAX_LICENSE_SIZE.min(left)) {
                Ok(CopyResult::Whole(bytes)) => {
                    self.licenses_left.set(left - bytes);
                    self.licenses.borrow_mut().insert(copy, CopiedLicense { bytes, ..license });
                }
                Ok(left_out) => tracing::debug!("`{original}` is not copied: {left_out:?}"),
                // cargo-deny says that it is missing.
                Err(error) => tracing::debug!("`{original}` is not copied: {error}"),
            }
        }
        Ok(())
    }

    fn forget_license(&self, copy: &Utf8Path) -> Result<(), ResolveError> {
        let copied = self.licenses.borrow_mut().remove(copy);
        let Some(license) = copied else { return Ok(()) };
        self.licenses_left.set(self.licenses_left.get() + license.bytes);
        self.remove(copy)
    }

    /// Creates an empty file for one that exists.
    fn placeholder(&self, original: &Utf8Path) -> Result<(), ResolveError> {
        let copy = self.path_in_copy(original);
        let left = self.placeholders_left.get();
        if left == 0 || self.writer.has_entry(&copy) {
            return Ok(());
        }
        self.placeholders_left.set(left - 1);
        // A target may have the name of a manifest.
        if is_deciding_file(&copy) {
            self.copy(&normalized(original)).map(drop)
        } else {
            self.write(&copy, b"")
        }
    }
}

/// The sources that cargo finds in a folder of targets. It does not look where links lead.
fn inferred(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    let entries = entries.take(limits::GLOB_ENTRIES);
    let visible = entries.filter(|entry| !entry.file_name().starts_with('.'));
    let sources = visible.filter_map(|entry| {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            Some(entry.path().join("main.rs")).filter(|main| main.exists())
        } else {
            Some(entry.path().to_owned()).filter(|path| path.extension() == Some("rs"))
        }
    });
    sources.collect()
}
