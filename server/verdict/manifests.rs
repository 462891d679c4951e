//! The manifests and the lockfile of a graph.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::{Krate, Krates};
use krates::NodeId;

use super::{
    Location, PackageRef, Related, Role,
    local_files::{LocalManifest, LockfileIndex},
    manifest_store::ManifestStore,
    message_text::sanitize,
};
use crate::{
    model::manifest::Dependency,
    resolve::Originals,
    text::{FilePath, SourceText, Span, read_to_string},
    workspace::Workspace,
};

/// The manifests of the local packages, and the lockfile.
pub(super) struct Manifests {
    by_node: HashMap<NodeId, Arc<LocalManifest>>,
    /// The root manifest, with inherited requirements and patches.
    root: Arc<LocalManifest>,
    /// The same for members of other workspaces, by the real path of their manifests.
    other_roots: HashMap<Utf8PathBuf, Arc<LocalManifest>>,
    /// The manifest that is checked.
    pub(super) checked: Arc<LocalManifest>,
    /// Members that are not in the graph.
    pub(super) unchecked: Vec<Arc<LocalManifest>>,
    /// All of them by the path that cargo uses and by that of the user.
    by_path: HashMap<String, Arc<LocalManifest>>,
    lock: Option<Arc<LockfileIndex>>,
    store: Arc<ManifestStore>,
}

/// Reads each manifest once.
struct ManifestReader<'r> {
    names: &'r UserPaths<'r>,
    store: &'r ManifestStore,
    /// By the path that cargo uses.
    read: RefCell<HashMap<Utf8PathBuf, Arc<LocalManifest>>>,
}

impl ManifestReader<'_> {
    fn read(&self, path: &Utf8Path) -> Arc<LocalManifest> {
        if let Some(known) = self.read.borrow().get(path) {
            return Arc::clone(known);
        }
        let (user_path, text) = self.names.path_and_text(path);
        let manifest = self.store.manifest(path, user_path.into(), text);
        self.read.borrow_mut().insert(path.to_owned(), Arc::clone(&manifest));
        manifest
    }
}

/// Converts between the paths of cargo and of the user.
pub(super) struct UserPaths<'n> {
    /// The originals of copies.
    originals: &'n Originals,
    /// The workspace's root without symbolic links, and as the user names it.
    real_root: Utf8PathBuf,
    root: &'n Utf8Path,
}

impl<'n> UserPaths<'n> {
    pub(super) fn new(workspace: &'n Workspace, originals: &'n Originals) -> Self {
        Self { originals, real_root: workspace.real().root, root: &workspace.root }
    }

    fn user_path(&self, path: &Utf8Path) -> Utf8PathBuf {
        let original = self.originals.paths.get(path).map_or(path, |original| original);
        match original.strip_prefix(&self.real_root) {
            Ok(rest) => self.root.join(rest),
            Err(_) => original.to_owned(),
        }
    }

    /// The file that was checked for one that the user names.
    fn checked(&self, user_path: &Utf8Path) -> Utf8PathBuf {
        let copy = self.originals.paths.keys().find(|copy| self.user_path(copy) == user_path);
        copy.cloned().unwrap_or_else(|| user_path.to_owned())
    }

    /// How the user names a file, and the text that is checked.
    fn path_and_text(&self, path: &Utf8Path) -> (Utf8PathBuf, SourceText) {
        let text = self.originals.texts.get(path).cloned();
        (
            self.user_path(path),
            text.unwrap_or_else(|| SourceText::new(&read_to_string(path).unwrap_or_default())),
        )
    }
}

/// The lockfile of the resolution, if it can be read.
pub(super) fn read_lockfile(
    workspace: &Workspace,
    names: &UserPaths<'_>,
    store: &ManifestStore,
) -> Option<Arc<LockfileIndex>> {
    let path = workspace.lockfile();
    let text = SourceText::new(&read_to_string(&names.checked(&path)).ok()?);
    Some(store.lockfile(path.into(), text))
}

impl Manifests {
    /// Reads the manifest of every local package.
    pub(super) fn read<'p>(
        krates: &Krates,
        workspace: &Workspace,
        names: &UserPaths<'_>,
        lock: Option<Arc<LockfileIndex>>,
        unchecked: impl Iterator<Item = &'p Utf8Path>,
        store: &Arc<ManifestStore>,
    ) -> Self {
        let reader = ManifestReader { names, store, read: RefCell::default() };
        let read = |path: &Utf8Path| reader.read(path);
        // Cargo says so: to look for the roots of a hundred members takes longer than all the rest.
        let members = krates.workspace_members().filter_map(|member| match member {
            krates::Node::Krate { id, .. } => Some(id),
            krates::Node::Feature { .. } => None,
        });
        let members: HashSet<_> = members.collect();
        let mut by_node = HashMap::new();
        let mut other_roots = HashMap::new();
        for krate in krates.krates().filter(|krate| krate.source.is_none()) {
            let Some(node) = krates.nid_for_kid(&krate.id) else { continue };
            let path = &krate.manifest_path;
            let manifest = read(path);
            let inherits = |declared: &Dependency| declared.inherits.is_some();
            if !members.contains(&krate.id) && manifest.model.dependencies.iter().any(inherits) {
                let root = Workspace::of_manifest(path).root;
                if root != *krates.workspace_root() {
                    other_roots.insert(path.clone(), read(&root.join("Cargo.toml")));
                }
            }
            by_node.insert(node, manifest);
        }
        let mut manifests = Self {
            by_node,
            root: read(&krates.workspace_root().join("Cargo.toml")),
            other_roots,
            checked: read(&names.checked(&workspace.manifest)),
            unchecked: unchecked.map(read).collect(),
            by_path: HashMap::new(),
            lock,
            store: Arc::clone(store),
        };
        manifests.index_paths();
        manifests
    }

    /// Whether the lockfile has the text that was read.
    pub(super) fn has_current_lock(&self, workspace: &Workspace, names: &UserPaths<'_>) -> bool {
        let now = read_to_string(&names.checked(&workspace.lockfile())).ok();
        let now = now.map(|text| SourceText::new(&text));
        self.lock.as_ref().map(|lock| &lock.text) == now.as_ref()
    }

    fn all(&self) -> impl Iterator<Item = &Arc<LocalManifest>> {
        let all = self.by_node.values().chain(self.other_roots.values());
        all.chain([&self.root, &self.checked]).chain(&self.unchecked)
    }

    fn index_paths(&mut self) {
        let mut by_path = HashMap::new();
        for manifest in self.all() {
            by_path.insert(manifest.path.to_string(), Arc::clone(manifest));
        }
        for manifest in self.all() {
            by_path.insert(manifest.real.to_string(), Arc::clone(manifest));
        }
        self.by_path = by_path;
    }

    /// Whether the manifests in `texts` have these texts.
    pub(super) fn match_texts(&self, texts: &BTreeMap<Utf8PathBuf, SourceText>) -> bool {
        self.all().all(|manifest| {
            texts.get(manifest.path.as_path()).is_none_or(|text| *text == manifest.text)
        })
    }

    /// Replaces texts that differ only in layout.
    pub(super) fn update_texts(&mut self, texts: &BTreeMap<Utf8PathBuf, SourceText>) {
        let all = self.by_node.values_mut().chain(self.other_roots.values_mut());
        let all = all.chain([&mut self.root, &mut self.checked]).chain(&mut self.unchecked);
        for manifest in all {
            let Some(text) = texts.get(manifest.path.as_path()) else { continue };
            if *text != manifest.text {
                let path = manifest.path.clone();
                *manifest = self.store.manifest(&manifest.real, path, text.clone());
            }
        }
        self.index_paths();
    }

    pub(super) fn of_node(&self, node: NodeId) -> Option<&LocalManifest> {
        self.by_node.get(&node).map(Arc::as_ref)
    }

    /// The manifests of the local packages.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeId, &LocalManifest)> {
        self.by_node.iter().map(|(node, manifest)| (*node, &**manifest))
    }

    /// The paths of all manifests, each once, in no order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &FilePath> {
        let all: HashSet<_> = self.all().map(|manifest| &manifest.path).collect();
        all.into_iter()
    }

    /// The path of the root manifest.
    pub(super) fn root_path(&self) -> &FilePath {
        &self.root.path
    }

    /// The manifest at `path`.
    pub(super) fn at(&self, path: &Utf8Path) -> Option<&LocalManifest> {
        self.by_path.get(path.as_str()).map(Arc::as_ref)
    }

    /// The workspace dependency that a member inherits, and its root manifest.
    pub(super) fn origin<'m>(
        &'m self,
        member: &LocalManifest,
        declared: &Dependency,
    ) -> Option<(&'m LocalManifest, &'m Dependency)> {
        declared.inherits.as_ref()?;
        let root = self.other_roots.get(&member.real).unwrap_or(&self.root);
        Some((root, root.model.inherited(declared)?))
    }

    /// The locations of a dependency. For an inherited one the primary location is in the root manifest,
    /// and the member's line is another one.
    pub(super) fn locations(&self, member: &LocalManifest, declared: &Dependency) -> Vec<Location> {
        match (self.origin(member, declared), &declared.inherits) {
            (Some((root, origin)), Some(pointer)) => vec![
                root.location(origin.location(), Role::Primary),
                member.location(pointer.clone(), Role::Inherited),
            ],
            _ => vec![member.location(declared.location(), Role::Primary)],
        }
    }

    /// The locations of the dependency whose value is `value`, or `value` itself.
    pub(super) fn dependency_locations_in(&self, value: Location) -> Vec<Location> {
        let found = self.at(&value.file).and_then(|manifest| {
            let declared = manifest.model.dependencies.iter().find(|one| has_value(one, &value))?;
            Some(self.locations(manifest, declared))
        });
        found.unwrap_or_else(|| vec![value])
    }

    /// The dependency whose value is `value`: its key, and whether it has a `path` or `git`, perhaps inherited.
    pub(super) fn dependency_in(&self, value: &Location) -> Option<(String, bool)> {
        let manifest = self.at(&value.file)?;
        let declared = manifest.model.dependencies.iter().find(|one| has_value(one, value))?;
        let origin = self.origin(manifest, declared).map_or(declared, |(_, origin)| origin);
        Some((declared.key.value.clone(), origin.path.is_some() || origin.git.is_some()))
    }

    /// The packages that inherit a dependency of the root manifest, by its key.
    pub(super) fn inheriting(&self, key: &str) -> Vec<String> {
        let inherits = |manifest: &&Arc<LocalManifest>| {
            !self.other_roots.contains_key(&manifest.real)
                && manifest
                    .model
                    .dependencies
                    .iter()
                    .any(|declared| declared.inherits.is_some() && declared.key.value == key)
        };
        let inheriting = self.by_node.values().chain(&self.unchecked).filter(inherits);
        let names = inheriting.filter_map(|manifest| {
            let name = &manifest.model.package.as_ref()?.name.as_ref()?.value;
            Some(format!("`{}`", sanitize(name)))
        });
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The name of the package of a dependency of the root manifest, by its key.
    pub(super) fn package_of(&self, key: &str) -> String {
        let workspace = self.root.model.workspace.as_ref();
        let mut all = workspace.into_iter().flat_map(|workspace| &workspace.dependencies);
        let declared = all.find(|declared| declared.key.value == key);
        declared.map_or_else(|| key.to_owned(), |declared| declared.package.clone())
    }

    /// The key of the inherited dependency whose value is at a location or contains it.
    pub(super) fn key_at(&self, at: &Location) -> Option<String> {
        let manifest = self.at(&at.file)?;
        let touches = |pointer: &Span| pointer.start <= at.span.end && at.span.start <= pointer.end;
        let mut all = manifest.model.dependencies.iter();
        let declared = all.find(|declared| {
            let inherits = |pointer| touches(pointer) || has_value(declared, at);
            declared.inherits.as_ref().is_some_and(inherits)
        })?;
        Some(declared.key.value.clone())
    }

    /// The locations for findings about the source of the package.
    pub(super) fn source_locations(
        &self,
        member: &LocalManifest,
        declared: &Dependency,
    ) -> Vec<Location> {
        let patch = self.root.model.patches.iter().find(|patch| patch.package == declared.package);
        if let Some(patch) = patch {
            return vec![self.root.location(patch.source_location(), Role::Primary)];
        }
        match self.origin(member, declared) {
            Some((_, origin)) => {
                let mut locations = self.locations(member, declared);
                locations[0].span = origin.source_location();
                locations
            }
            None => vec![member.location(declared.source_location(), Role::Primary)],
        }
    }

    /// The package's entry in the lockfile.
    pub(super) fn lock_entry(&self, package: &PackageRef) -> Option<Related> {
        self.lock.as_deref()?.entry(package)
    }
}

/// A package of the graph, as findings name it.
pub(super) fn package_ref(krate: &Krate) -> PackageRef {
    PackageRef {
        name: krate.name.clone(),
        version: krate.version.clone(),
        source: krate.source.as_ref().map(ToString::to_string),
    }
}
/// Whether a label is at the value of a dependency: cargo-deny's is at `true` where the dependency is written as
/// `name.workspace = true`.
fn has_value(declared: &Dependency, value: &Location) -> bool {
    let at = declared.location();
    let contains = value.span.start <= at.start && at.end <= value.span.end;
    let between = || value.text.as_str().get(at.end..value.span.start);
    contains || declared.inherits.is_some() && between().is_some_and(|text| text.trim() == "=")
}
