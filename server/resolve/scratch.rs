//! A copy of the manifests in which cargo may write a lockfile, with an editor's unsaved texts.
//!
//! The copy has the absolute paths of the originals below a temporary folder, so relative paths between manifests stay
//! valid and every path that cargo prints can be mapped back. Sources are not copied: the root of a target is an empty
//! file. Cargo resolves the copy as it would resolve the workspace: see [`packages`] for what is copied, [`manifest`] and
//! [`configuration`] for what has to be adapted.
//!
//! Invariant: no path in the copy leads to the user's files. There are no links, only [`CopyWriter`] creates files, and what
//! cargo has to read elsewhere has an absolute path in the copy's configuration. So cargo and build scripts that write to
//! the copy change only the copy.

mod configuration;
#[cfg(all(test, unix))]
mod faithful;
#[cfg(all(test, unix))]
mod generated;
mod manifest;
mod package_files;
mod packages;
mod references;
#[cfg(all(test, unix))]
mod test_folder;
mod writer;

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::ResolveError;
use crate::{
    limits,
    process::{Children, TemporaryError, TemporaryFolder, create_folders_below},
    text::{SourceText, read},
    workspace::{CONFIGURATION_NAMES, TOOLCHAIN_NAMES, Workspace},
};
pub use configuration::fuzz_configuration;
use package_files::{CopiedLicense, MAX_LICENSES_SIZE};
use references::References;
pub(crate) use writer::CopyWriter;
pub(super) use writer::{CopyResult, normalized};

/// The copy's path below its temporary folder. Cargo looks for a workspace's root in parent folders, and stops at a folder
/// of this name (`find_root_iter` in its `core::workspace`), so it ignores a manifest in the shared temporary folder.
const ROOT: &str = "target/package/root";

/// The names of the configuration in cargo's home; cargo takes the first one that is there.
const HOME_CONFIGURATION_NAMES: [&str; 2] = ["config", "config.toml"];

/// The name of cargo's target folder in the copy.
const TARGET: &str = ".supercargo-target";

pub(super) struct Scratch {
    writer: CopyWriter,
    /// The unsaved texts, by the real paths of their files.
    unsaved: RefCell<BTreeMap<Utf8PathBuf, SourceText>>,
    /// The originals by the paths of the copies.
    copied: RefCell<BTreeMap<Utf8PathBuf, Utf8PathBuf>>,
    /// The names under which files were copied, by their real paths, and the real paths by names.
    names: RefCell<BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>>,
    reals: RefCell<BTreeMap<Utf8PathBuf, Utf8PathBuf>>,
    /// The texts of the manifests that had to be adapted, by the paths of the copies.
    adapted: RefCell<BTreeMap<Utf8PathBuf, SourceText>>,
    /// What manifests refer to; `None` where there is none.
    references: RefCell<BTreeMap<Utf8PathBuf, Option<Arc<References>>>>,
    /// Cargo's home.
    home: Option<Utf8PathBuf>,
    /// The manifests of the packages that cargo's configuration names.
    configured: RefCell<Vec<Utf8PathBuf>>,
    /// The folders that cargo's configuration names in `paths`.
    overrides: RefCell<Vec<Utf8PathBuf>>,
    /// The manifests of the packages whose files were copied, each with the license files that it names.
    packages: RefCell<BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>>,
    /// The copied configurations; an included one may have any name.
    configurations: RefCell<BTreeSet<Utf8PathBuf>>,
    /// The copied license texts, by the paths of the copies.
    licenses: RefCell<BTreeMap<Utf8PathBuf, CopiedLicense>>,
    /// How many bytes of license texts may still be copied.
    licenses_left: Cell<u64>,
    /// How many sources may still be created.
    placeholders_left: Cell<usize>,
    /// Deleted last.
    _folder: TemporaryFolder,
}

impl Scratch {
    /// Copies the workspace, which has real paths, as it is on disk.
    ///
    /// # Errors
    ///
    /// When a file cannot be copied, or the program ends.
    pub(super) fn of(children: &Children, workspace: &Workspace) -> Result<Self, ResolveError> {
        let scratch = Self::empty(children, workspace)?;
        scratch.copy_configuration(workspace.folder())?;
        scratch.update(workspace, BTreeMap::new())?;
        Ok(scratch)
    }

    fn empty(children: &Children, workspace: &Workspace) -> Result<Self, ResolveError> {
        let folder = TemporaryFolder::new(children)
            .map_err(|error| ResolveError::temporary(error, &workspace.manifest))?;
        let failed = |source| ResolveError::Scratch { path: folder.path().join(ROOT), source };
        let root = create_folders_below(folder.path(), Utf8Path::new(ROOT)).map_err(failed)?;
        let writer = CopyWriter::new(root, children.clone()).map_err(failed)?;
        Ok(Self {
            writer,
            unsaved: RefCell::default(),
            copied: RefCell::default(),
            names: RefCell::default(),
            reals: RefCell::default(),
            adapted: RefCell::default(),
            references: RefCell::default(),
            home: cargo_home(),
            configured: RefCell::default(),
            overrides: RefCell::default(),
            packages: RefCell::default(),
            configurations: RefCell::default(),
            licenses: RefCell::default(),
            licenses_left: Cell::new(MAX_LICENSES_SIZE),
            placeholders_left: Cell::new(limits::COPIED_SOURCES),
            _folder: folder,
        })
    }

    /// Brings the copy to the state of the workspace with these texts instead of those on disk, by the real paths of the
    /// files. What changes on disk is not noticed, but for license texts and the lockfile.
    ///
    /// # Errors
    ///
    /// When a file cannot be copied.
    pub(super) fn update(
        &self,
        workspace: &Workspace,
        unsaved: BTreeMap<Utf8PathBuf, SourceText>,
    ) -> Result<(), ResolveError> {
        let before = self.unsaved.replace(unsaved);
        let changed: BTreeSet<_> = {
            let after = self.unsaved.borrow();
            let all = before.keys().chain(after.keys());
            all.filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
        };
        for path in changed {
            let names = self.names.borrow().get(&path).cloned();
            if names.is_none() {
                // It may be there now.
                self.references.borrow_mut().retain(|_, references| references.is_some());
            }
            for name in names.into_iter().flatten() {
                self.references.borrow_mut().remove(&name);
                self.packages.borrow_mut().remove(&name);
                self.copy(&name)?;
            }
        }
        self.update_licenses()?;
        let root = self.copy_packages(workspace)?;
        self.hide_links()?;
        // Start from the user's lockfile each time: an earlier edit may have removed entries, and cargo would select other
        // versions for them.
        for lockfile in BTreeSet::from([workspace.lockfile(), root.with_file_name("Cargo.lock")]) {
            self.copy_lockfile(&lockfile)?;
        }
        Ok(())
    }

    /// Hides the folders that are links from cargo's search for packages below the folders in `paths`. It does not follow
    /// links, and skips the clones of git repositories (`read_packages` in its `sources::path`).
    fn hide_links(&self) -> Result<(), ResolveError> {
        for searched in self.overrides.borrow().iter() {
            let copied = self.copied.borrow();
            let below = copied.values().filter(|path| path.starts_with(searched));
            let folders = below
                .flat_map(|path| path.ancestors().skip(1).take_while(|folder| folder != searched));
            for folder in folders.collect::<BTreeSet<_>>() {
                let mark = self.path_in_copy(&folder.join(".git"));
                if folder.is_symlink() && !self.writer.has_entry(&mark) {
                    self.write(&mark, b"")?;
                }
            }
        }
        Ok(())
    }

    fn copy_lockfile(&self, lockfile: &Utf8Path) -> Result<(), ResolveError> {
        if self.copy(lockfile)?.is_some() {
            return Ok(());
        }
        if lockfile.exists() {
            // A folder or a pipe.
            let why = read(lockfile).err().unwrap_or_else(|| std::io::ErrorKind::Other.into());
            return Err(ResolveError::Scratch { path: lockfile.to_owned(), source: why });
        }
        // Cargo may have written one.
        self.remove(&self.path_in_copy(lockfile))
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

    /// The texts of the manifests that were adapted, by the paths of the copies.
    pub(super) fn adapted_manifests(&self) -> BTreeMap<Utf8PathBuf, SourceText> {
        self.adapted.borrow().clone()
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

    /// Copies the configuration of cargo and the toolchain in the folder and its parents, and finds the packages that it
    /// overrides others with.
    fn copy_configuration(&self, folder: &Utf8Path) -> Result<(), ResolveError> {
        // Cargo reads its home last, under whichever name it comes to it (`GlobalContext::walk_tree`).
        let home = self.home.as_deref().map(real);
        let mut configurations = Vec::new();
        for above in folder.ancestors() {
            for name in TOOLCHAIN_NAMES {
                self.copy(&above.join(name))?;
            }
            if home.as_ref() != Some(&real(&above.join(".cargo"))) {
                configurations.extend(CONFIGURATION_NAMES.map(|name| above.join(name)));
            }
        }
        let mut configured = Vec::new();
        while let Some(path) = configurations.pop() {
            let path = normalized(&path);
            if !path.is_file() || !self.configurations.borrow_mut().insert(path.clone()) {
                continue;
            }
            let Some(text) = self.copy(&path)? else { continue };
            let base = configuration::base_of(&path);
            configured.extend(configuration::patches(&text, base));
            let overrides = configuration::overrides(&text, base);
            configured.extend(overrides.iter().flat_map(|folder| packages::packages_below(folder)));
            self.overrides.borrow_mut().extend(overrides);
            configurations.extend(configuration::included(&text, &path));
        }
        configured.extend(self.copy_patches_of_home()?);
        *self.configured.borrow_mut() = configured;
        Ok(())
    }

    /// Lets the copy use its own packages where the configuration in cargo's home, which cargo reads where it is, patches
    /// others with those. Returns their manifests.
    fn copy_patches_of_home(&self) -> Result<Vec<Utf8PathBuf>, ResolveError> {
        let Some(home) = &self.home else { return Ok(Vec::new()) };
        let mut configurations =
            HOME_CONFIGURATION_NAMES.iter().map(|name| normalized(&home.join(name)));
        let Some(path) = configurations.find(|path| path.is_file()) else { return Ok(Vec::new()) };
        let failed = |source| ResolveError::Scratch { path: path.clone(), source };
        // What is not UTF-8 cargo reports itself.
        let text = String::from_utf8(read(&path).map_err(failed)?).unwrap_or_default();
        let base = configuration::base_of(&path);
        // Cargo prefers what is nearer: that of the workspace, then this one above all of the copy, then its home.
        let copy = self.root().join(CONFIGURATION_NAMES[0]);
        let adapted_path = |path: &str| {
            let original = base.join(path);
            Some(self.writer.adapted_path(original.as_str(), base).unwrap_or(original))
        };
        let patches = configuration::patches_for_copy(&text, base, &adapted_path);
        let Some(patches) = patches.filter(|_| !self.writer.has_entry(&copy)) else {
            return Ok(Vec::new());
        };
        self.write(&copy, patches.as_bytes())?;
        Ok(configuration::patches(&text, base))
    }

    /// Copies a file with its unsaved text, or with that on disk, and returns the text. Deletes the copy and returns `None`
    /// where there is no such file.
    fn copy(&self, path: &Utf8Path) -> Result<Option<String>, ResolveError> {
        let real = real(path);
        let copy = self.path_in_copy(path);
        let text = self.unsaved.borrow().get(&real).map(|text| text.as_str().to_owned());
        let text = match text {
            Some(text) => text,
            None if path.is_file() => {
                let failed = |source| ResolveError::Scratch { path: path.to_owned(), source };
                match String::from_utf8(read(path).map_err(failed)?) {
                    Ok(text) => text,
                    Err(other) => {
                        self.record(path, real);
                        self.write(&copy, other.as_bytes())?;
                        return Ok(Some(String::new()));
                    }
                }
            }
            None => {
                if self.copied.borrow_mut().remove(&copy).is_some() {
                    self.remove(&copy)?;
                }
                return Ok(None);
            }
        };
        self.record(path, real);
        let adapted = self.adapted(path, &text);
        self.write(&copy, adapted.as_bytes())?;
        if is_named(path, "Cargo.toml") && adapted != text {
            self.adapted.borrow_mut().insert(copy, SourceText::new(&text));
        } else {
            self.adapted.borrow_mut().remove(&copy);
        }
        Ok(Some(text))
    }

    /// Records the original of a copy.
    fn record(&self, path: &Utf8Path, real: Utf8PathBuf) {
        self.copied.borrow_mut().insert(self.path_in_copy(path), path.to_owned());
        self.reals.borrow_mut().insert(path.to_owned(), real.clone());
        self.names.borrow_mut().entry(real).or_default().insert(path.to_owned());
    }

    /// The real path of a copied file.
    fn real_of(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.reals.borrow().get(path).cloned().unwrap_or_else(|| path.to_owned())
    }

    /// The text of a file for the copy.
    fn adapted<'t>(&self, original: &Utf8Path, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        let is_included = || self.configurations.borrow().contains(original);
        if configuration::is_configuration(original) || is_included() {
            let base = configuration::base_of(original);
            let adapted_path = |path: &str| self.writer.adapted_path(path, base);
            text = Cow::Owned(configuration::for_copy(&text, base, &adapted_path));
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

/// A path with the links in it resolved, as far as it exists.
pub(super) fn real(path: &Utf8Path) -> Utf8PathBuf {
    if let Ok(real) = path.canonicalize_utf8() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => real(folder).join(name),
        _ => path.to_owned(),
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

    use super::{package_files::MAX_LICENSES_SIZE, *};

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
        let scratch = Scratch::of(&Children::default(), &workspace);
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
        assert_eq!(text("README.md").as_deref(), Some(""));
        for path in ["src/gone.rs", "LICENSE-LONG", "Cargo.lock"] {
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
        let workspace = Workspace::of_manifest(&folder.join("Cargo.toml"));
        let unsaved = SourceText::new("[package]\nname = \"unsaved\"\n");
        let unsaved = BTreeMap::from([(other.clone(), unsaved)]);
        scratch.update(&workspace, unsaved).expect("written");
        scratch.update_licenses().expect("nothing to do");
        assert_eq!(copy(), "[package]\nname = \"unsaved\"\n");
        scratch.update(&workspace, BTreeMap::new()).expect("written");
        assert_eq!(copy(), "[package]\n");
        assert_eq!(fs::read_to_string(&other).expect("the original"), "[package]\n");
    }
}
