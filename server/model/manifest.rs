//! Parses `Cargo.toml` into its dependencies and other entries with their locations.

use toml::de::{DeTable, DeValue};

use super::tree::{self, SyntaxError};
use crate::text::{Span, Spanned};

/// A manifest, as far as it can be parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// `[package]`.
    pub package: Option<PackageTable>,
    /// `[workspace]`.
    pub workspace: Option<WorkspaceTable>,
    /// All dependencies of the package, in the order of the file.
    pub dependencies: Vec<Dependency>,
    /// The key of `[dependencies]`, else of `[workspace.dependencies]`.
    pub dependencies_key: Option<Span>,
    /// `[patch.<registry>]` and `[replace]`.
    pub patches: Vec<Dependency>,
    /// The entries of all features in `[features]`, in the order of the file.
    pub enabled_features: Vec<Spanned<String>>,
    /// The syntax errors; the rest was parsed.
    pub errors: Vec<SyntaxError>,
}

/// `[package]` (or the old `[project]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageTable {
    /// The table's key, the location of findings about a package without a name.
    pub key: Span,
    /// `name`.
    pub name: Option<Spanned<String>>,
    /// `license`, where it is a string.
    pub license: Option<Spanned<String>>,
    /// `license-file`, where it is a string.
    pub license_file: Option<Spanned<String>>,
    /// `workspace = "path"`: the workspace root that the package names.
    pub workspace: Option<Spanned<String>>,
}

/// `[workspace]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceTable {
    /// The table's key.
    pub key: Span,
    /// `members`: paths and globs relative to the manifest's folder.
    pub members: Vec<Spanned<String>>,
    /// `exclude`: paths relative to the manifest's folder.
    pub exclude: Vec<Spanned<String>>,
    /// `[workspace.dependencies]`.
    pub dependencies: Vec<Dependency>,
}

/// The table of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyTable {
    /// `[dependencies]`.
    Normal,
    /// `[dev-dependencies]`.
    Dev,
    /// `[build-dependencies]`.
    Build,
    /// `[workspace.dependencies]`.
    Workspace,
    /// `[patch.<registry>]` or `[replace]`.
    Patch,
}

/// A dependency in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its key: the name used in code.
    pub key: Spanned<String>,
    /// The package name: `package = ".."`, else the key.
    pub package: String,
    /// The table that it is in.
    pub table: DependencyTable,
    /// The `cfg(..)` or triple of a `[target.<..>]` table, as written.
    pub target: Option<String>,
    /// The version requirement.
    pub requirement: Option<Spanned<String>>,
    /// The key `workspace` of `x.workspace = true`.
    pub inherits: Option<Span>,
    /// `git`.
    pub git: Option<Spanned<String>>,
    /// `path`.
    pub path: Option<Spanned<String>>,
    /// `features`, as far as they are strings.
    pub features: Vec<Spanned<String>>,
    /// `optional = true`.
    pub optional: bool,
}

impl Dependency {
    /// The location of findings about this dependency: its requirement, else its `git` or `path`, else the
    /// `workspace` key or the key itself.
    pub fn location(&self) -> Span {
        let value = self.requirement.as_ref().or(self.git.as_ref()).or(self.path.as_ref());
        value
            .map(|value| value.span.clone())
            .or_else(|| self.inherits.clone())
            .unwrap_or_else(|| self.key.span.clone())
    }

    /// The location of findings about its source: `git` or `path`, else as [`Self::location`].
    pub fn source_location(&self) -> Span {
        let value = self.git.as_ref().or(self.path.as_ref());
        value.map_or_else(|| self.location(), |value| value.span.clone())
    }
}

impl Manifest {
    /// Parses a manifest. Never fails: see [`Manifest::errors`].
    ///
    /// After a syntax error, the parser may lose the following lines, so a second pass without the broken lines
    /// adds those.
    pub fn parse(text: &str) -> Self {
        let mut manifest = Self::read(text);
        if let Some(cleaned) = tree::without_broken_lines(text, &manifest.errors) {
            manifest.complete_from(Self::read(&cleaned));
        }
        manifest
    }

    fn complete_from(&mut self, other: Self) {
        fn add(all: &mut Vec<Dependency>, more: Vec<Dependency>) {
            let more = more
                .into_iter()
                .filter(|new| all.iter().all(|old| old.key.span.start != new.key.span.start));
            let more: Vec<_> = more.collect();
            all.extend(more);
            all.sort_by_key(|dependency| dependency.key.span.start);
        }
        add(&mut self.dependencies, other.dependencies);
        add(&mut self.patches, other.patches);
        if self.dependencies_key.is_none() {
            self.dependencies_key = other.dependencies_key;
        }
        if self.package.is_none() {
            self.package = other.package;
        }
        match (&mut self.workspace, other.workspace) {
            (Some(known), Some(more)) => add(&mut known.dependencies, more.dependencies),
            (known @ None, more) => *known = more,
            _ => {}
        }
    }

    fn read(text: &str) -> Self {
        let (root, errors) = tree::parse(text);
        let root = root.get_ref();
        let reader = Reader { text };
        let mut dependencies = reader.tables(root, None);
        if let Some(targets) = tree::table(root, "target") {
            for (target, value) in targets {
                if let Some(table) = value.get_ref().as_table() {
                    dependencies.extend(reader.tables(table, Some(target.get_ref())));
                }
            }
        }
        dependencies.sort_by_key(|dependency| dependency.key.span.start);
        Self {
            package: reader.package(root),
            workspace: reader.workspace(root),
            dependencies,
            dependencies_key: dependencies_key(root)
                .or_else(|| dependencies_key(tree::table(root, "workspace")?)),
            patches: reader.patches(root),
            enabled_features: reader.enabled_features(root),
            errors,
        }
    }

    /// The location of findings about the whole package or workspace: the package's name, else the key of
    /// `[package]` or `[workspace]`, else the start of the file.
    pub fn head(&self) -> Span {
        let package = self.package.as_ref();
        package
            .map(|package| {
                package.name.as_ref().map_or(package.key.clone(), |name| name.span.clone())
            })
            .or_else(|| self.workspace.as_ref().map(|workspace| workspace.key.clone()))
            .unwrap_or(0..0)
    }

    /// The workspace dependency that `dependency` inherits from.
    pub fn inherited(&self, dependency: &Dependency) -> Option<&Dependency> {
        self.workspace
            .as_ref()?
            .dependencies
            .iter()
            .find(|candidate| candidate.key.value == dependency.key.value)
    }

    /// All dependencies of the file, with those of the workspace and the patches.
    pub fn all_dependencies(&self) -> impl Iterator<Item = &Dependency> {
        let workspace = self.workspace.iter().flat_map(|workspace| &workspace.dependencies);
        self.dependencies.iter().chain(workspace).chain(&self.patches)
    }
}

/// The key of `dependencies` in a table.
fn dependencies_key(table: &DeTable<'_>) -> Option<Span> {
    tree::entry(table, "dependencies").map(|(key, _)| key.span())
}

struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn package(&self, root: &DeTable<'_>) -> Option<PackageTable> {
        let (key, value) = tree::entry(root, "package").or_else(|| tree::entry(root, "project"))?;
        let table = value.get_ref().as_table()?;
        let string = |key| tree::string(self.text, table, key);
        Some(PackageTable {
            key: key.span(),
            name: string("name"),
            license: string("license"),
            license_file: string("license-file"),
            workspace: string("workspace"),
        })
    }

    fn workspace(&self, root: &DeTable<'_>) -> Option<WorkspaceTable> {
        let (key, value) = tree::entry(root, "workspace")?;
        let table = value.get_ref().as_table()?;
        let mut dependencies =
            self.dependencies(table, "dependencies", DependencyTable::Workspace, None);
        dependencies.sort_by_key(|dependency| dependency.key.span.start);
        Some(WorkspaceTable {
            key: key.span(),
            members: tree::strings(self.text, table, "members"),
            exclude: tree::strings(self.text, table, "exclude"),
            dependencies,
        })
    }

    fn enabled_features(&self, root: &DeTable<'_>) -> Vec<Spanned<String>> {
        let Some(features) = tree::table(root, "features") else { return Vec::new() };
        let lists = features.keys().map(|name| tree::strings(self.text, features, name.get_ref()));
        let mut all: Vec<_> = lists.flatten().collect();
        all.sort_by_key(|one| one.span.start);
        all
    }

    fn patches(&self, root: &DeTable<'_>) -> Vec<Dependency> {
        let mut patches = Vec::new();
        if let Some(registries) = tree::table(root, "patch") {
            for registry in registries.keys() {
                patches.extend(self.dependencies(
                    registries,
                    registry.get_ref(),
                    DependencyTable::Patch,
                    None,
                ));
            }
        }
        for mut replaced in self.dependencies(root, "replace", DependencyTable::Patch, None) {
            // A key of `[replace]` is a package id: `name:version`.
            let name = replaced.package.split([':', '@']).next().unwrap_or_default().to_owned();
            replaced.package = name;
            patches.push(replaced);
        }
        patches.sort_by_key(|dependency| dependency.key.span.start);
        patches
    }

    fn tables(&self, parent: &DeTable<'_>, target: Option<&str>) -> Vec<Dependency> {
        let tables = [
            ("dependencies", DependencyTable::Normal),
            ("dev-dependencies", DependencyTable::Dev),
            ("dev_dependencies", DependencyTable::Dev),
            ("build-dependencies", DependencyTable::Build),
            ("build_dependencies", DependencyTable::Build),
        ];
        tables
            .into_iter()
            .flat_map(|(name, table)| self.dependencies(parent, name, table, target))
            .collect()
    }

    fn dependencies(
        &self,
        parent: &DeTable<'_>,
        name: &str,
        table: DependencyTable,
        target: Option<&str>,
    ) -> Vec<Dependency> {
        let Some(declared) = tree::table(parent, name) else { return Vec::new() };
        declared
            .iter()
            .map(|(key, value)| {
                let key_value = key.get_ref().to_string();
                let mut dependency = Dependency {
                    package: key_value.clone(),
                    key: Spanned { value: key_value, span: tree::unquoted(self.text, key.span()) },
                    table,
                    target: target.map(str::to_owned),
                    requirement: None,
                    inherits: None,
                    git: None,
                    path: None,
                    features: Vec::new(),
                    optional: false,
                };
                match value.get_ref() {
                    DeValue::String(_) => {
                        dependency.requirement = tree::string_value(self.text, value);
                    }
                    DeValue::Table(fields) => self.fields(&mut dependency, fields),
                    _ => {}
                }
                dependency
            })
            .collect()
    }

    fn fields(&self, dependency: &mut Dependency, fields: &DeTable<'_>) {
        let string = |key| tree::string(self.text, fields, key);
        dependency.requirement = string("version");
        dependency.git = string("git");
        dependency.path = string("path");
        dependency.features = tree::strings(self.text, fields, "features");
        dependency.optional = tree::entry(fields, "optional")
            .is_some_and(|(_, value)| value.get_ref().as_bool() == Some(true));
        if let Some(package) = string("package") {
            dependency.package = package.value;
        }
        dependency.inherits = tree::entry(fields, "workspace")
            .filter(|(_, value)| value.get_ref().as_bool() == Some(true))
            .map(|(key, _)| key.span());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line for each dependency: table, key, package, and the text at its location.
    fn locations(text: &str) -> Vec<String> {
        let manifest = Manifest::parse(text);
        manifest
            .all_dependencies()
            .map(|dependency| {
                format!(
                    "{:?} {} {} {}{}",
                    dependency.table,
                    dependency.key.value,
                    dependency.package,
                    &text[dependency.location()],
                    dependency
                        .target
                        .as_ref()
                        .map(|target| format!(" [{target}]"))
                        .unwrap_or_default(),
                )
            })
            .collect()
    }

    #[test]
    fn every_kind_of_dependency_has_its_location() {
        let text = r#"
[package]
name = "m"
[dependencies]
plain = "1.0"
inline = { version = '2.0', features = ["x"] }
renamed = { package = "real", version = "3" }
dotted.version = "4"
inherited.workspace = true
table_inherited = { workspace = true, features = [] }
local = { path = "../local" }
forked = { git = "https://example.org/f", rev = "abc" }
[dependencies.full]
version = """5"""
optional = true
[dev-dependencies]
dev = "6"
[build-dependencies]
build = "7"
[target.'cfg(windows)'.dependencies]
win = "8"
[workspace.dependencies]
inherited = { version = "9" }
[patch.crates-io]
plain = { path = "../plain" }
"#;
        assert_eq!(
            locations(text),
            [
                "Normal plain plain 1.0",
                "Normal inline inline 2.0",
                "Normal renamed real 3",
                "Normal dotted dotted 4",
                "Normal inherited inherited workspace",
                "Normal table_inherited table_inherited workspace",
                "Normal local local ../local",
                "Normal forked forked https://example.org/f",
                "Normal full full 5",
                "Dev dev dev 6",
                "Build build build 7",
                "Normal win win 8 [cfg(windows)]",
                "Workspace inherited inherited 9",
                "Patch plain plain ../plain",
            ]
        );
    }

    #[test]
    fn half_typed_line_keeps_the_other_lines() {
        let text = "[dependencies]\nserde = \"1\"\ntim\n[dev-dependencies]\ninsta = \"2\"\n";
        let manifest = Manifest::parse(text);
        assert!(!manifest.errors.is_empty());
        let locations = locations(text);
        assert!(locations.contains(&"Normal serde serde 1".to_owned()), "{locations:?}");
        assert!(locations.contains(&"Dev insta insta 2".to_owned()), "{locations:?}");
    }

    #[test]
    fn unclosed_string_keeps_the_other_lines() {
        let locations = locations("[dependencies]\nserde = \"1\"\ntime = \"0.3\nlog = \"0.4\"\n");
        assert_eq!(locations.first().map(String::as_str), Some("Normal serde serde 1"));
        assert_eq!(locations.last().map(String::as_str), Some("Normal log log 0.4"));
    }

    #[test]
    fn parse_never_panics() {
        for text in ["", "[", "[[[[", "= = =", "\0", "a = {", "[dependencies]\nx = [1, {", "é = 'ü"]
        {
            let manifest = Manifest::parse(text);
            assert!(manifest.head().end <= text.len());
        }
    }

    #[test]
    fn head_is_the_package_name_or_its_substitute() {
        let at = |text: &str| text[Manifest::parse(text).head()].to_owned();
        assert_eq!(at("[package]\nname = \"m\"\n"), "m");
        assert_eq!(at("[package]\nversion = \"1\"\n"), "package");
        assert_eq!(at("[workspace]\nmembers = []\n"), "workspace");
        assert_eq!(at("# nothing\n"), "");
    }
}
