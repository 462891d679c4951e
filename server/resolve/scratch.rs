//! A copy of the manifests in which cargo may write a lockfile.
//!
//! The copy has the absolute paths of the originals below a temporary folder, so relative paths between manifests stay
//! valid and every path that cargo prints can be mapped back. Sources are not copied: the root of a target is an empty
//! file.
//!
//! Invariant: no path in the copy leads to the user's files. There are no links, only [`CopyWriter`] creates files, and what
//! cargo has to read elsewhere has an absolute path in the copy's configuration. So cargo and build scripts that write to
//! the copy change only the copy.

mod configuration;
#[cfg(all(test, unix))]
mod generated;
mod manifest;
mod packages;
mod writer;

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fs::Metadata,
    time::SystemTime,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::ResolveError;
use crate::{
    model::manifest::Manifest,
    process::{Children, TemporaryError, TemporaryFolder, create_folders_below},
    text::{read, read_to_string},
    workspace::{CONFIGURATION_NAMES, DecidingFiles, TOOLCHAIN_NAMES, Workspace},
};
pub use configuration::fuzz_configuration;
pub(super) use packages::{ListMembers, Members};
use writer::CopyWriter;
pub(super) use writer::{CopyResult, normalized};

/// The copy's path below its temporary folder. Cargo looks for a workspace's root in parent folders, and stops at a folder
/// of this name (`find_root_iter` in its `core::workspace`), so it ignores a manifest in the shared temporary folder.
const ROOT: &str = "target/package/root";

/// The name of cargo's target folder in the copy.
const TARGET: &str = ".supercargo-target";

/// The size limit of a license text in bytes; a longer one is not copied.
const MAX_LICENSE_SIZE: u64 = 1 << 20;

/// The size limit of all license texts together.
const MAX_LICENSES_SIZE: u64 = 64 << 20;

/// How many license texts of a package are copied.
const MAX_LICENSES_PER_PACKAGE: usize = 256;

pub(super) struct Scratch {
    writer: CopyWriter,
    /// The originals by the paths of the copies.
    copied: RefCell<BTreeMap<Utf8PathBuf, Utf8PathBuf>>,
    /// The manifests of the copied packages, as cargo names them, each with its `license-file`.
    packages: RefCell<BTreeMap<Utf8PathBuf, Option<Utf8PathBuf>>>,
    /// The names of copied files through links, by their real paths.
    aliases: RefCell<BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>>,
    /// The copied configurations; an included one may have any name.
    configurations: RefCell<BTreeSet<Utf8PathBuf>>,
    /// The copied license texts, by the paths of the copies.
    licenses: RefCell<BTreeMap<Utf8PathBuf, CopiedLicense>>,
    /// How many bytes of license texts may still be copied.
    licenses_left: Cell<u64>,
    /// Deleted last.
    _folder: TemporaryFolder,
}

/// A license text as it was when it was copied.
#[derive(Clone, PartialEq, Eq)]
struct CopiedLicense {
    original: Utf8PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// What to do if cargo fails for the workspace's own manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnError {
    Fail,
    Copy,
}

impl Scratch {
    /// Copies the workspace. If cargo fails for its manifest, that is an error, or the manifest is copied anyway, as an unsaved
    /// text may replace it.
    ///
    /// # Errors
    ///
    /// When cargo fails, a file cannot be copied, or the program ends.
    pub(super) fn of(
        children: &Children,
        workspace: &Workspace,
        on_error: OnError,
        list_members: ListMembers<'_>,
    ) -> Result<Self, ResolveError> {
        let scratch = Self::empty(children, workspace)?;
        let mut manifests = vec![workspace.manifest.clone()];
        manifests.extend(scratch.copy_configuration(workspace.folder())?);
        if let Err(error) = scratch.copy_packages(workspace, manifests, list_members) {
            if on_error == OnError::Fail || !matches!(error, ResolveError::Cargo { .. }) {
                return Err(error);
            }
            let manifests = DecidingFiles::of_workspace(workspace).files.into_iter();
            let manifests = manifests.filter(|path| path.file_name() == Some("Cargo.toml"));
            for manifest in manifests.filter(|path| path.is_file()) {
                scratch.copy_broken_package(&manifest)?;
            }
        }
        // A folder or a pipe of this name is an error.
        let lockfile = workspace.lockfile();
        if lockfile.exists() {
            scratch.copy(&lockfile)?;
        }
        Ok(scratch)
    }

    fn empty(children: &Children, workspace: &Workspace) -> Result<Self, ResolveError> {
        let folder = TemporaryFolder::new(children)
            .map_err(|error| ResolveError::temporary(error, &workspace.manifest))?;
        let failed = |source| ResolveError::Scratch { path: folder.path().join(ROOT), source };
        let root = create_folders_below(folder.path(), Utf8Path::new(ROOT)).map_err(failed)?;
        let writer = CopyWriter::new(root).map_err(failed)?;
        Ok(Self {
            writer,
            copied: RefCell::default(),
            packages: RefCell::default(),
            aliases: RefCell::default(),
            configurations: RefCell::default(),
            licenses: RefCell::default(),
            licenses_left: Cell::new(MAX_LICENSES_SIZE),
            _folder: folder,
        })
    }

    /// The only folder that a program in the copy needs to write to.
    pub(super) fn root(&self) -> &Utf8Path {
        self.writer.root()
    }

    /// Cargo's target folder in the copy. Cargo creates it when it builds.
    pub(super) fn target(&self) -> Utf8PathBuf {
        target_below(self.root())
    }

    /// The path of a file's copy.
    pub(super) fn path_in_copy(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.writer.path_in_copy(path)
    }

    /// Replaces the copy's paths in `text` by those of the originals.
    pub(super) fn map_back(&self, text: &str) -> String {
        text.replace(self.root().as_str(), "")
    }

    /// The originals of all copies.
    pub(super) fn originals(&self) -> BTreeMap<Utf8PathBuf, Utf8PathBuf> {
        self.copied.borrow().clone()
    }

    /// Whether the package with this manifest was copied.
    pub(super) fn has_package(&self, manifest: &Utf8Path) -> bool {
        self.packages.borrow().contains_key(manifest)
    }

    /// The names of a file for cargo: its real path, and those through links.
    pub(super) fn names_of(&self, real: &Utf8Path) -> Vec<Utf8PathBuf> {
        let aliases = self.aliases.borrow();
        let through_links = aliases.get(real).into_iter().flatten().cloned();
        [real.to_owned()].into_iter().chain(through_links).collect()
    }

    /// Writes another text than the original's to the copy.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(super) fn overlay(&self, path: &Utf8Path, text: &str) -> Result<(), ResolveError> {
        let copy = self.path_in_copy(path);
        self.copied.borrow_mut().insert(copy.clone(), path.to_owned());
        self.write(&copy, self.for_copy(path, text).as_bytes())
    }

    /// Restores the copy from the original, or deletes it if there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub(super) fn restore(&self, path: &Utf8Path) -> Result<(), ResolveError> {
        if path.is_file() {
            return self.copy(path);
        }
        self.remove(&self.path_in_copy(path))
    }

    /// Copies a source file under the name that cargo uses for it.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub(super) fn copy_source(
        &self,
        original: &Utf8Path,
        named: &Utf8Path,
        limit: u64,
    ) -> Result<CopyResult, ResolveError> {
        if is_deciding_file(named) {
            // It may have been replaced by a buffer.
            if !self.writer.has_entry(&self.path_in_copy(named)) {
                self.copy(named)?;
            }
            return Ok(CopyResult::Whole(0));
        }
        let copied = self.writer.copy(original, &self.path_in_copy(named), limit);
        copied.map_err(|source| ResolveError::Scratch { path: original.to_owned(), source })
    }

    /// Copies the configuration of cargo and the toolchain in the folder and its parents. Returns the manifests of the
    /// packages that it overrides others with.
    fn copy_configuration(&self, folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, ResolveError> {
        let home = cargo_home();
        let mut manifests = Vec::new();
        let mut configurations = Vec::new();
        for above in folder.ancestors() {
            for name in TOOLCHAIN_NAMES {
                self.copy_if_there(&above.join(name))?;
            }
            if home.as_deref() != Some(&above.join(".cargo")) {
                configurations.extend(CONFIGURATION_NAMES.map(|name| above.join(name)));
            }
        }
        while let Some(path) = configurations.pop() {
            let path = normalized(&path);
            if !path.is_file() || !self.configurations.borrow_mut().insert(path.clone()) {
                continue;
            }
            self.copy(&path)?;
            let text = read_to_string(&path).unwrap_or_default();
            manifests.extend(configuration::local_packages(&text, configuration::base_of(&path)));
            configurations.extend(configuration::included(&text, &path));
        }
        Ok(manifests)
    }

    fn copy_if_there(&self, path: &Utf8Path) -> Result<(), ResolveError> {
        if path.is_file() { self.copy(path) } else { Ok(()) }
    }

    fn copy(&self, path: &Utf8Path) -> Result<(), ResolveError> {
        let bytes =
            read(path).map_err(|source| ResolveError::Scratch { path: path.to_owned(), source })?;
        self.record(path);
        let copy = self.path_in_copy(path);
        match std::str::from_utf8(&bytes) {
            Ok(text) => self.write(&copy, self.for_copy(path, text).as_bytes()),
            Err(_) => self.write(&copy, &bytes),
        }
    }

    /// Records the original of a copy.
    fn record(&self, path: &Utf8Path) {
        self.copied.borrow_mut().insert(self.path_in_copy(path), path.to_owned());
        if let Ok(real) = path.canonicalize_utf8()
            && real != path
        {
            self.aliases.borrow_mut().entry(real).or_default().insert(path.to_owned());
        }
    }

    /// Copies a manifest and the license texts of its package.
    fn copy_package(&self, manifest: &Utf8Path) -> Result<(), ResolveError> {
        self.copy(manifest)?;
        let text = read_to_string(manifest).unwrap_or_default();
        let package = Manifest::parse(&text).package;
        let folder = manifest.parent().unwrap_or(manifest);
        let named = package.and_then(|package| Some(folder.join(package.license_file?.value)));
        self.packages.borrow_mut().insert(manifest.to_owned(), named.clone());
        self.copy_licenses(folder, named)
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
            self.copy_licenses(manifest.parent().unwrap_or(&manifest), named)?;
        }
        Ok(())
    }

    /// The license texts of a package, which cargo-deny looks for beside its manifest: files whose
    /// names begin with `MAX_LICENSE_SIZE` or `COPYING`, and the one that the manifest names.
    fn copy_licenses(
        &self,
        folder: &Utf8Path,
        named: Option<Utf8PathBuf>,
    ) -> Result<(), ResolveError> {
        let license_files =
            folder.read_dir_utf8().into_iter().flatten().flatten().filter(|entry| {
                entry.file_name().starts_with("LICENSE") || entry.file_name().starts_with("COPYING")
            });
        let license_files =
            license_files.map(|entry| entry.path().to_owned()).take(MAX_LICENSES_PER_PACKAGE);
        for original in named.into_iter().chain(license_files) {
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

    /// Creates an empty file for a source that exists.
    fn placeholder(&self, source: &Utf8Path) -> Result<(), ResolveError> {
        let copy = self.path_in_copy(source);
        if self.writer.has_entry(&copy) || !source.is_file() {
            return Ok(());
        }
        // A target may have the name of a manifest.
        if is_deciding_file(&copy) {
            self.copy(&normalized(source))
        } else {
            self.write(&copy, b"")
        }
    }

    /// The text of a file for the copy.
    fn for_copy<'t>(&self, original: &Utf8Path, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        let is_included = || self.configurations.borrow().contains(original);
        if configuration::is_configuration(original) || is_included() {
            let base = configuration::base_of(original);
            text = Cow::Owned(configuration::for_copy(&text, base));
        }
        if is_named(original, "Cargo.toml")
            && let Some(other) = manifest::for_copy(&text, original, &self.writer)
        {
            text = Cow::Owned(other);
        }
        text
    }

    fn remove(&self, path: &Utf8Path) -> Result<(), ResolveError> {
        self.writer
            .remove(path)
            .map_err(|source| ResolveError::Scratch { path: path.to_owned(), source })
    }

    fn write(&self, path: &Utf8Path, content: &[u8]) -> Result<(), ResolveError> {
        self.writer
            .write(path, content)
            .map_err(|source| ResolveError::Scratch { path: path.to_owned(), source })
    }
}

impl CopiedLicense {
    /// `None` where there is no regular file.
    fn of(original: &Utf8Path) -> Option<Self> {
        let data = original.metadata().ok().filter(Metadata::is_file)?;
        let (bytes, modified) = (data.len(), data.modified().ok());
        Some(Self { original: original.to_owned(), bytes, modified })
    }
}

/// Cargo's target folder in a copy.
pub(super) fn target_below(root: &Utf8Path) -> Utf8PathBuf {
    root.join(TARGET)
}

/// Whether cargo or rustup reads files of this name.
fn is_deciding_file(path: &Utf8Path) -> bool {
    ["Cargo.toml", "Cargo.lock"].iter().any(|name| is_named(path, name))
        || CONFIGURATION_NAMES.iter().chain(&TOOLCHAIN_NAMES).any(|name| path.ends_with(name))
}

/// Whether a file has this name. Some file systems are case-insensitive.
fn is_named(path: &Utf8Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file.eq_ignore_ascii_case(name))
}

pub(super) fn cargo_home() -> Option<Utf8PathBuf> {
    tame_index::utils::cargo_home().ok()
}

impl ResolveError {
    /// The error for a temporary folder that could not be created for `manifest`.
    pub(crate) fn temporary(error: TemporaryError, manifest: &Utf8Path) -> Self {
        match error {
            TemporaryError::Canceled => Self::Canceled { manifest: manifest.to_owned() },
            TemporaryError::Io(source) => Self::Scratch {
                path: Utf8PathBuf::from(std::env::temp_dir().to_string_lossy().into_owned()),
                source,
            },
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::{
        packages::{Member, PackageTarget},
        *,
    };

    struct Copied {
        _temp: tempfile::TempDir,
        folder: Utf8PathBuf,
        scratch: Scratch,
    }

    /// A copy of a package with these files.
    fn copied(files: &[(&str, &str)]) -> Copied {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let folder = temp.path().canonicalize().expect("it is there");
        let folder = Utf8PathBuf::from_path_buf(folder).expect("UTF-8");
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("written");
        }
        let workspace = Workspace::of_manifest(&folder.join("Cargo.toml"));
        let list_members = |manifest: &Utf8Path| {
            let targets = ["src/lib.rs", "src/gone.rs"];
            let targets = targets.map(|path| PackageTarget { src_path: folder.join(path) }).into();
            let manifest_path = manifest.to_owned();
            let member = Member { manifest_path, targets, dependencies: Vec::new() };
            Ok(Members { workspace_root: folder.clone(), packages: vec![member] })
        };
        let scratch = Scratch::of(&Children::default(), &workspace, OnError::Fail, &list_members);
        let scratch = scratch.expect("it is copied");
        Copied { _temp: temp, folder, scratch }
    }

    const PACKAGE: &str = "[package]\nname = \"m\"\nlicense-file = \"docs/terms\"\n";

    #[test]
    fn sources_are_empty_and_license_texts_complete() {
        let Copied { _temp, folder, scratch } = copied(&[
            ("Cargo.toml", PACKAGE),
            ("src/lib.rs", "pub fn m() {}"),
            ("docs/terms", "none"),
            ("LICENSE-MIT", "MIT"),
            ("LICENSE-LONG", &"x".repeat(1 + (1 << 20))),
            ("README.md", "read"),
        ]);
        let text = |path: &str| fs::read_to_string(scratch.path_in_copy(&folder.join(path))).ok();
        assert_eq!(text("Cargo.toml").as_deref(), Some(PACKAGE));
        assert_eq!(text("src/lib.rs").as_deref(), Some(""));
        assert_eq!(text("docs/terms").as_deref(), Some("none"));
        assert_eq!(text("LICENSE-MIT").as_deref(), Some("MIT"));
        for path in ["src/gone.rs", "LICENSE-LONG", "README.md", "Cargo.lock"] {
            assert_eq!(text(path), None, "{path}");
        }
    }

    #[test]
    fn changed_license_text_is_copied_again() {
        let Copied { _temp, folder, scratch } =
            copied(&[("Cargo.toml", PACKAGE), ("LICENSE", "old"), ("COPYING", "gone")]);
        fs::write(folder.join("LICENSE"), "newer").expect("written");
        fs::write(folder.join("LICENSE-NEW"), "new").expect("written");
        fs::create_dir(folder.join("docs")).expect("a folder");
        fs::write(folder.join("docs/terms"), "terms").expect("written");
        fs::remove_file(folder.join("COPYING")).expect("removed");
        scratch.update_licenses().expect("copied");
        let text = |path: &str| fs::read_to_string(scratch.path_in_copy(&folder.join(path))).ok();
        let texts = ["LICENSE", "LICENSE-NEW", "docs/terms", "COPYING"].map(text);
        let expected = [Some("newer"), Some("new"), Some("terms"), None];
        assert_eq!(texts, expected.map(|text| text.map(str::to_owned)));
        let left =
            MAX_LICENSES_SIZE - "newer".len() as u64 - "new".len() as u64 - "terms".len() as u64;
        assert_eq!(scratch.licenses_left.get(), left);
    }

    #[test]
    fn license_text_never_replaces_an_unsaved_manifest() {
        let text = "[package]\nname = \"m\"\nlicense-file = \"other/Cargo.toml\"\n";
        let Copied { _temp, folder, scratch } =
            copied(&[("Cargo.toml", text), ("other/Cargo.toml", "[package]\n")]);
        let other = folder.join("other/Cargo.toml");
        let copy = || fs::read_to_string(scratch.path_in_copy(&other)).expect("it is there");
        assert_eq!(copy(), "[package]\n");
        scratch.overlay(&other, "[package]\nname = \"unsaved\"\n").expect("written");
        scratch.update_licenses().expect("nothing to do");
        assert_eq!(copy(), "[package]\nname = \"unsaved\"\n");
        scratch.restore(&other).expect("written");
        assert_eq!(copy(), "[package]\n");
        assert_eq!(fs::read_to_string(&other).expect("the original"), "[package]\n");
    }
}
