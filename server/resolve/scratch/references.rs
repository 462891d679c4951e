//! The files that a manifest refers to, as cargo reads it. A pure function of the text.
//!
//! Cargo removes `.` and `..` from paths before it looks at the disk and resolves no links (`normalize_path` in its
//! `cargo_util::paths`), and so do we.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use toml::de::DeTable;

use super::writer::normalized;
use crate::{
    model::{
        manifest::{Dependency, Manifest},
        tree,
    },
    text::Spanned,
};

/// The files that a manifest refers to. All paths are absolute.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct References {
    /// `[workspace]`.
    pub(super) workspace: Option<WorkspaceReferences>,
    /// The root manifest that `package.workspace` names.
    pub(super) root: Option<Utf8PathBuf>,
    /// The manifests of path dependencies.
    pub(super) dependencies: Vec<Utf8PathBuf>,
    /// The keys of the dependencies that are inherited.
    pub(super) inherited: Vec<String>,
    /// The manifests in `[patch]` and `[replace]`.
    pub(super) patches: Vec<Utf8PathBuf>,
    /// `package.license-file`.
    pub(super) license_file: Option<Utf8PathBuf>,
    /// `package.license-file.workspace = true`.
    pub(super) inherits_license_file: bool,
    /// The sources that targets have or may have; which of them exist decides.
    pub(super) sources: Vec<Utf8PathBuf>,
}

/// The files that `[workspace]` refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WorkspaceReferences {
    /// The entries of `members` and `default-members`.
    pub(super) members: Vec<Spanned<String>>,
    /// The manifests of the path dependencies that members may inherit, by their keys.
    dependencies: BTreeMap<String, Utf8PathBuf>,
    /// `workspace.package.license-file`.
    pub(super) license_file: Option<Utf8PathBuf>,
    /// The folders that `exclude` names, and those that `members` names. As cargo, without resolving `..` in them.
    excluded: Vec<Utf8PathBuf>,
    listed: Vec<Utf8PathBuf>,
}

impl WorkspaceReferences {
    /// Whether cargo leaves a manifest out of the workspace (`WorkspaceRootConfig::is_excluded`).
    pub(super) fn excludes(&self, manifest: &Utf8Path) -> bool {
        let is_below = |folder: &Utf8PathBuf| manifest.starts_with(folder);
        self.excluded.iter().any(is_below) && !self.listed.iter().any(is_below)
    }

    /// The manifests of the inherited path dependencies.
    pub(super) fn inherited<'w>(
        &'w self,
        keys: &'w [String],
    ) -> impl Iterator<Item = &'w Utf8PathBuf> {
        keys.iter().filter_map(|key| self.dependencies.get(key))
    }
}

impl References {
    /// Those of the manifest `manifest` with this text.
    pub(super) fn of(text: &str, manifest: &Utf8Path) -> Self {
        let folder = manifest.parent().unwrap_or(manifest);
        let manifest_at = |path: &str| normalized(&folder.join(path)).join("Cargo.toml");
        let named = |dependency: &Dependency| Some(manifest_at(&dependency.path.as_ref()?.value));
        let model = Manifest::parse(text);
        let (root, _) = tree::parse(text);
        let root = root.get_ref();
        let inherited =
            model.dependencies.iter().filter(|dependency| dependency.inherits.is_some());
        let package = model.package.as_ref();
        let pointer = package.and_then(|package| package.workspace.as_ref());
        let license_file = package.and_then(|package| package.license_file.as_ref());
        Self {
            workspace: tree::table(root, "workspace").map(|table| {
                let model = model.workspace.as_ref();
                let all = model.into_iter().flat_map(|model| &model.dependencies);
                let named = all.filter_map(|one| Some((one.key.value.clone(), named(one)?)));
                WorkspaceReferences::of(text, table, folder, named.collect())
            }),
            root: pointer.map(|path| manifest_at(&path.value)),
            dependencies: model.dependencies.iter().filter_map(named).collect(),
            inherited: inherited.map(|dependency| dependency.key.value.clone()).collect(),
            patches: model.patches.iter().filter_map(named).collect(),
            license_file: license_file.map(|path| folder.join(&path.value)),
            inherits_license_file: package_table(root)
                .and_then(|package| tree::table(package, "license-file"))
                .is_some_and(|value| value.contains_key("workspace")),
            sources: sources(text, root, folder),
        }
    }
}

impl WorkspaceReferences {
    fn of(
        text: &str,
        table: &DeTable<'_>,
        folder: &Utf8Path,
        dependencies: BTreeMap<String, Utf8PathBuf>,
    ) -> Self {
        let strings = |key| tree::strings(text, table, key);
        let folders = |entries: &[Spanned<String>]| {
            entries.iter().map(|entry| folder.join(&entry.value)).collect::<Vec<_>>()
        };
        let mut members = strings("members");
        let listed = folders(&members);
        members.extend(strings("default-members"));
        let package = tree::table(table, "package");
        let license_file = package.and_then(|package| tree::string(text, package, "license-file"));
        Self {
            members,
            dependencies,
            license_file: license_file.map(|path| folder.join(path.value)),
            excluded: folders(&strings("exclude")),
            listed,
        }
    }
}

fn package_table<'t, 'i>(root: &'t DeTable<'i>) -> Option<&'t DeTable<'i>> {
    tree::table(root, "package").or_else(|| tree::table(root, "project"))
}

/// The sources that the targets of a package name, and those that cargo looks for under their names, also as older editions
/// do (`core::util::toml::targets`). Those that it finds in folders are not here.
fn sources(text: &str, root: &DeTable<'_>, folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut sources = Vec::new();
    let package = package_table(root);
    let name = package.and_then(|package| tree::string(text, package, "name"));
    let name = name.map(|name| name.value);
    if let Some(package) = package {
        let build = tree::string(text, package, "build");
        sources.extend(build.into_iter().chain(tree::strings(text, package, "build")));
    }
    let lists = ["bin", "example", "test", "bench"].map(|key| tree::array(root, key));
    let listed = lists.into_iter().flatten().filter_map(|value| value.get_ref().as_table());
    let mut names = Vec::from_iter(name);
    for target in listed.chain(tree::table(root, "lib")) {
        sources.extend(tree::string(text, target, "path"));
        names.extend(tree::string(text, target, "name").map(|name| name.value));
    }
    let by_name = names.iter().flat_map(|name| {
        let name = name.replace('/', "_");
        [format!("src/{name}.rs"), format!("src/{}.rs", name.replace('-', "_"))]
    });
    let by_name = by_name.chain(["src/bench.rs".to_owned()]);
    let named = sources.into_iter().map(|path| path.value);
    let mut all: Vec<_> = named.chain(by_name).map(|path| folder.join(path)).collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<Utf8PathBuf> {
        paths.iter().map(Utf8PathBuf::from).collect()
    }

    #[test]
    fn paths_are_normalized_as_cargo_does() {
        let text = r#"
[package]
name = "a-b"
workspace = "../.."
license-file.workspace = true
build = "make/build.rs"
[dependencies]
one = { path = "../one/./x/.." }
two = { workspace = true }
[target.'cfg(unix)'.dev-dependencies]
three.path = "/three"
[patch.crates-io]
four = { path = "four" }
[replace]
"five:1.0.0" = { path = "../../../../five" }
[[bin]]
name = "tool"
path = "../tool.rs"
[lib]
name = "c"
"#;
        let found = References::of(text, "/w/crates/a/Cargo.toml".into());
        assert_eq!(found.root.as_deref(), Some(Utf8Path::new("/w/Cargo.toml")));
        assert_eq!(found.dependencies, paths(&["/w/crates/one/Cargo.toml", "/three/Cargo.toml"]));
        assert_eq!(found.inherited, ["two"]);
        assert_eq!(found.patches, paths(&["/w/crates/a/four/Cargo.toml", "/five/Cargo.toml"]));
        assert!(found.inherits_license_file && found.license_file.is_none());
        let sources =
            found.sources.iter().map(|path| path.strip_prefix("/w/crates/a").expect("in it"));
        let expected = [
            "../tool.rs",
            "make/build.rs",
            "src/a-b.rs",
            "src/a_b.rs",
            "src/bench.rs",
            "src/c.rs",
            "src/tool.rs",
        ];
        assert_eq!(sources.collect::<Vec<_>>(), expected);
        assert!(found.workspace.is_none());
    }

    #[test]
    fn exclusion_is_cargos() {
        let text = r#"
[workspace]
members = ["crates/*", "tools/kept"]
default-members = ["crates/a"]
exclude = ["crates/legacy", "tools", "./other/../gone"]
[workspace.dependencies]
near = { path = "near" }
far = "1"
[workspace.package]
license-file = "LICENSE"
"#;
        let found = References::of(text, "/w/Cargo.toml".into()).workspace.expect("a workspace");
        let excludes = |path: &str| found.excludes(&Utf8Path::new("/w").join(path));
        assert!(excludes("crates/legacy/Cargo.toml") && excludes("tools/x/Cargo.toml"));
        assert!(!excludes("crates/legacy2/Cargo.toml") && !excludes("tools/kept/Cargo.toml"));
        assert!(!excludes("gone/Cargo.toml"), "cargo does not resolve `..` in `exclude`");
        assert_eq!(found.members.len(), 3);
        let keys = ["near".to_owned(), "far".to_owned()];
        assert_eq!(found.inherited(&keys).collect::<Vec<_>>(), ["/w/near/Cargo.toml"]);
        assert_eq!(found.license_file.as_deref(), Some(Utf8Path::new("/w/LICENSE")));
    }
}
