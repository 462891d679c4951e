//! Moves a dependency of several members to `[workspace.dependencies]` and lets the members inherit it.
//!
//! A member keeps what cargo lets it set itself: `features`, `optional`, `public`, and default features that
//! other members do not enable (The Cargo Book, "Inheriting a dependency from a workspace").

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use semver::{Comparator, Op, VersionReq};
use toml::{Table, Value as TomlValue};

use super::ManifestPlan;
use crate::{
    fix::{
        CheckedTexts, FixKind, ManifestReason,
        document::{
            EditedText, TableForm, TextChange, TomlDocument, TomlStep,
            value::{Value, ValueStyle},
            value_at,
        },
    },
    gate::Texts as _,
    text::SourceText,
    verdict::{Finding, Role},
};

/// The keys of a dependency that move to the workspace. In a member, the first of them becomes
/// `workspace = true`.
const WORKSPACE_KEYS: [&str; 9] =
    ["version", "path", "git", "branch", "tag", "rev", "registry", "registry-index", "package"];

/// The keys that a member may set together with `workspace = true`.
const MEMBER_KEYS: [&str; 4] = ["features", "optional", "public", "default-features"];

/// A dependency of a member that will inherit.
struct InheritingMember {
    file: Utf8PathBuf,
    /// The path to it.
    steps: Vec<TomlStep>,
    /// Its content in the long form.
    table: Table,
}

/// The source of a dependency: all of [`WORKSPACE_KEYS`] but the version, with `path` relative to the root of
/// the workspace.
type DependencySource = BTreeMap<&'static str, String>;

/// The plan for a package that several members depend on.
///
/// # Errors
///
/// If cargo would read the result differently, or no single requirement fits.
pub(super) fn plan(
    finding: &Finding,
    current: CheckedTexts<'_>,
) -> Result<ManifestPlan, ManifestReason> {
    let root = current.verdict.workspace.root.join("Cargo.toml");
    let folder = &current.verdict.workspace.root;
    let named = |file: &Utf8Path| file.strip_prefix(folder).unwrap_or(file).to_string();
    let mut texts: BTreeMap<Utf8PathBuf, SourceText> = BTreeMap::new();
    let mut members = Vec::new();
    let mut keys = BTreeSet::new();
    for location in finding.locations.iter().filter(|location| location.role == Role::Primary) {
        // A changed text is checked again first.
        let text = current.texts.read(&location.file).ok().filter(|text| *text == location.text);
        let text = text.ok_or_else(|| ManifestReason::Changed(named(&location.file)))?;
        let unreadable = || ManifestReason::UnreadableDependency(named(&location.file));
        let document = TomlDocument::read(text.as_str()).ok_or_else(unreadable)?;
        let steps = path_to_dependency(&document, location.span.start).ok_or_else(unreadable)?;
        let Some(TomlStep::Key(key)) = steps.last() else { return Err(unreadable()) };
        keys.insert(key.clone());
        let table =
            value_at(&mut document.content.clone(), &steps).and_then(|value| long_form(value));
        let table = table.ok_or_else(unreadable)?;
        if table.contains_key("workspace") {
            continue;
        }
        members.push(InheritingMember { file: location.file.to_path_buf(), steps, table });
        texts.insert(location.file.to_path_buf(), text);
    }
    if keys.len() > 1 {
        return Err(ManifestReason::DifferentNames(keys.into_iter().collect()));
    }
    let key = keys.pop_first().filter(|_| !members.is_empty());
    let key = key.ok_or(ManifestReason::AllInherit)?;
    let unreadable = || ManifestReason::Unreadable(named(&root));
    let root_text = current.texts.read(&root).map_err(|_| unreadable())?;
    let root_document = TomlDocument::read(root_text.as_str()).ok_or_else(unreadable)?;
    if root_document.value(&["workspace"]).is_none() {
        return Err(ManifestReason::NoWorkspaceTable(named(&root)));
    }
    let existing = root_document.value(&["workspace", "dependencies", &key]);
    let existing = existing.map(|value| long_form(value).ok_or_else(unreadable)).transpose()?;

    let sources = members.iter().map(|one| source_of(&one.table, one.file.parent()?, folder));
    let workspace_source = existing.iter().map(|table| source_of(table, folder, folder));
    let sources = sources.chain(workspace_source).collect::<Option<BTreeSet<_>>>();
    let sources = Vec::from_iter(sources.ok_or_else(unreadable)?);
    let [source] =
        <[DependencySource; 1]>::try_from(sources).map_err(|_| ManifestReason::DifferentSources)?;
    let all = || members.iter().map(|one| &one.table).chain(&existing);
    let requirements: BTreeSet<&str> =
        all().filter_map(|table| table.get("version")?.as_str()).collect();
    let requirement = match requirements.len() {
        0 => None,
        _ => Some(narrowest(&requirements).ok_or_else(|| {
            let stated = requirements.iter().map(|&stated| stated.to_owned());
            ManifestReason::NoSingleRequirement(stated.collect())
        })?),
    };
    let enables_default =
        |table: &Table| table.get("default-features").and_then(TomlValue::as_bool) != Some(false);
    let all_enable_default = members.iter().all(|one| enables_default(&one.table));
    let by_default = match &existing {
        // A member cannot disable default features that the workspace enables.
        Some(table) if enables_default(table) && !all_enable_default => {
            return Err(ManifestReason::DefaultFeatures(named(&root)));
        }
        Some(table) => enables_default(table),
        None => all_enable_default,
    };

    let no_edit = |file: &Utf8Path| ManifestReason::Uneditable(named(file));
    for member in &members {
        let file = &member.file;
        let text = texts.get(file).ok_or_else(|| no_edit(file))?;
        let member_default = enables_default(&member.table) && !by_default;
        let after = with_inheritance(text.as_str(), &member.steps, member_default);
        let after = after.ok_or_else(|| no_edit(file))?;
        texts.insert(file.clone(), SourceText::new(&after.text));
    }
    let text = texts.get(&root).unwrap_or(&root_text).clone();
    let no_edit = || no_edit(&root);
    let document = TomlDocument::read(text.as_str()).ok_or_else(no_edit)?;
    let mut then = String::new();
    let after = match &existing {
        None => with_workspace_dependency(&document, &key, requirement, &source, by_default)
            .ok_or_else(no_edit)?,
        Some(table) => match (table.get("version").and_then(TomlValue::as_str), requirement) {
            (Some(old), Some(new)) if old != new => {
                then = format!(" and raise its requirement to {new}");
                raised(&document, &key, new).ok_or_else(no_edit)?
            }
            (None, Some(_)) => {
                return Err(ManifestReason::NoRequirement(named(&root)));
            }
            _ => text.as_str().to_owned(),
        },
    };
    texts.insert(root, SourceText::new(&after));
    let version = requirement.map(|version| format!(" {version}")).unwrap_or_default();
    let title = match existing {
        Some(_) => format!("inherit the workspace dependency `{key}`{then}"),
        None => format!("move `{key}`{version} to `[workspace.dependencies]` and inherit it"),
    };
    Ok(ManifestPlan { kind: FixKind::Manifest, title, after: texts })
}

/// The path to the dependency at an offset: `dependencies.x`, or the same below `target.x`.
pub(super) fn path_to_dependency(
    document: &TomlDocument<'_>,
    offset: usize,
) -> Option<Vec<TomlStep>> {
    let mut targets = vec![Vec::new()];
    if let Some(all) = document.root.entry("target") {
        let each = all.node.entries().iter();
        targets.extend(each.map(|one| vec!["target".to_owned(), one.key.clone()]));
    }
    let tables = [
        "dependencies",
        "dev-dependencies",
        "dev_dependencies",
        "build-dependencies",
        "build_dependencies",
    ];
    let paths = targets
        .into_iter()
        .flat_map(|target| tables.map(|table| [target.clone(), vec![table.to_owned()]].concat()));
    paths.into_iter().find_map(|path| {
        let path: Vec<_> = path.into_iter().map(TomlStep::Key).collect();
        let entries = document.at(&path)?.entries();
        let entry = entries.iter().find(|entry| {
            entry.key_span.contains(&offset)
                || entry.node.span.as_ref().is_some_and(|span| span.contains(&offset))
        })?;
        Some([path, vec![TomlStep::Key(entry.key.clone())]].concat())
    })
}

/// The content of a dependency in its long form; `None` if it has an unknown key.
fn long_form(value: &TomlValue) -> Option<Table> {
    let mut table = match value {
        TomlValue::String(version) => {
            Table::from_iter([("version".to_owned(), version.clone().into())])
        }
        TomlValue::Table(table) => table.clone(),
        _ => return None,
    };
    if let Some(old) = table.remove("default_features") {
        table.insert("default-features".to_owned(), old);
    }
    let is_known = |key: &String| {
        WORKSPACE_KEYS.contains(&key.as_str())
            || MEMBER_KEYS.contains(&key.as_str())
            || key == "workspace"
    };
    table.keys().all(is_known).then_some(table)
}

fn source_of(table: &Table, folder: &Utf8Path, root: &Utf8Path) -> Option<DependencySource> {
    let mut source = DependencySource::new();
    for key in WORKSPACE_KEYS.into_iter().filter(|key| *key != "version") {
        let Some(value) = table.get(key) else { continue };
        let value = value.as_str()?;
        let value =
            if key == "path" { relative_path(root, &folder.join(value)) } else { value.into() };
        source.insert(key, value);
    }
    Some(source)
}

/// `path` relative to `folder`, as it is written in a manifest: with `/` and without `.` components.
fn relative_path(folder: &Utf8Path, path: &Utf8Path) -> String {
    let (from, to) = (normalized(folder), normalized(path));
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..", from.len() - common);
    let path: Vec<_> = up.chain(to[common..].iter().copied()).collect();
    if path.is_empty() { ".".to_owned() } else { path.join("/") }
}

fn normalized(path: &Utf8Path) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => drop(parts.pop()),
            other => parts.push(other.as_str()),
        }
    }
    parts
}

/// The narrowest of the requirements, whose matches satisfy all of them; `None` if comparing two versions
/// does not determine it.
fn narrowest<'r>(requirements: &BTreeSet<&'r str>) -> Option<&'r str> {
    if requirements.len() == 1 {
        return requirements.first().copied();
    }
    let compatible = requirements.iter().map(|stated| {
        let parsed = VersionReq::parse(stated).ok()?;
        let [Comparator { op: Op::Caret, major, minor, patch, pre }] = &parsed.comparators[..]
        else {
            return None;
        };
        let range = match (major, minor, patch) {
            (0, Some(0), Some(patch)) => (0, 0, *patch),
            (0, Some(minor), _) => (0, *minor, 0),
            (0, None, _) => return None,
            (major, ..) => (*major, 0, 0),
        };
        let least = (*major, minor.unwrap_or(0), patch.unwrap_or(0));
        pre.is_empty().then_some((range, (least, *stated)))
    });
    let compatible = compatible.collect::<Option<Vec<_>>>()?;
    let (range, _) = compatible.first()?;
    let is_one_range = compatible.iter().all(|(other, _)| other == range);
    compatible.iter().filter(|_| is_one_range).map(|(_, least)| *least).max().map(|(_, one)| one)
}

/// The manifest with the dependency inherited. With `default`, it enables the default features that the
/// workspace disables.
fn with_inheritance(text: &str, steps: &[TomlStep], default: bool) -> Option<EditedText> {
    let document = TomlDocument::read(text)?;
    let entry_of = |document: &TomlDocument<'_>, key: &str| {
        let node = document.at(steps)?;
        let entry = node.entry(key)?;
        Some((entry.key_span.clone(), entry.node.span.clone()?))
    };
    let node = document.at(steps)?;
    let mut content = document.content.clone();
    let inherits = TomlValue::Table(Table::from_iter([("workspace".to_owned(), true.into())]));
    let first = if node.form().is_none() {
        let [parents @ .., TomlStep::Key(key)] = steps else { return None };
        let parent = document.at(parents)?;
        let entry = parent.entry(key)?;
        let value = entry.node.span.clone()?;
        *value_at(&mut content, steps)? = inherits;
        let between = document.text.get(entry.key_span.end..value.start)?;
        let piece = if parent.form() == Some(TableForm::Inline) || default {
            TextChange::replace(value, "{ workspace = true }")
        } else {
            TextChange::replace(entry.key_span.end..value.end, format!(".workspace{between}true"))
        };
        document.edited(vec![piece], &content)?
    } else {
        let stated = WORKSPACE_KEYS.into_iter().find(|key| node.entry(key).is_some())?;
        let (key, value) = entry_of(&document, stated)?;
        let table = value_at(&mut content, steps)?.as_table_mut()?;
        table.remove(stated);
        table.insert("workspace".to_owned(), true.into());
        let between = document.text.get(key.end..value.start)?;
        let piece = TextChange::replace(key.start..value.end, format!("workspace{between}true"));
        document.edited(vec![piece], &content)?
    };
    let gone = WORKSPACE_KEYS.into_iter().chain(["default-features", "default_features"]);
    let mut edited = first;
    for key in gone {
        let document = TomlDocument::read(&edited.text)?;
        if document.at(steps)?.entry(key).is_some() {
            let path = [steps, &[TomlStep::Key(key.to_owned())]].concat();
            edited = document.without_key(&path)?;
        }
    }
    if !default {
        return Some(edited);
    }
    let mut path: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            TomlStep::Key(key) => Some(key.as_str()),
            TomlStep::Index(_) => None,
        })
        .collect();
    path.push("default-features");
    edited.then(|document| document.with_setting(&path, &Value::boolean(true)))
}

/// The root manifest with the dependency in `[workspace.dependencies]`.
fn with_workspace_dependency(
    document: &TomlDocument<'_>,
    key: &str,
    requirement: Option<&str>,
    source: &DependencySource,
    by_default: bool,
) -> Option<String> {
    let version = requirement.map(|version| ("version", Value::text(version)));
    let source = source.iter().map(|(key, value)| (*key, Value::text(value)));
    let mut table: Vec<_> = version.into_iter().chain(source).collect();
    if !by_default {
        table.push(("default-features", Value::boolean(false)));
    }
    let value = match &table[..] {
        [("version", version)] => version.clone(),
        _ => Value::Table(table),
    };
    let path = ["workspace", "dependencies", key];
    Some(document.with_entry(&path, &value)?.text)
}

/// The root manifest with another requirement for the workspace dependency.
fn raised(document: &TomlDocument<'_>, key: &str, requirement: &str) -> Option<String> {
    let mut steps: Vec<_> =
        ["workspace", "dependencies", key].map(|key| TomlStep::Key(key.to_owned())).into();
    if document.at(&steps)?.form().is_some() {
        steps.push(TomlStep::Key("version".to_owned()));
    }
    let at = document.at(&steps)?.span.clone()?;
    let style = ValueStyle::of(document.text.get(at).into_iter());
    let text = Value::text(requirement).inline(style).text;
    Some(document.replaced(&steps, &text, requirement.into())?.text)
}

/// Asserts the invariants for a dependency: for the tests and the fuzzer.
pub(super) fn check_invariants(text: &str, offset: usize) {
    let Some(document) = TomlDocument::read(text) else { return };
    let Some(steps) = path_to_dependency(&document, offset) else { return };
    let Some(TomlStep::Key(key)) = steps.last() else { return };
    // A dependency with unknown keys is left alone.
    if value_at(&mut document.content.clone(), &steps).and_then(|value| long_form(value)).is_none()
    {
        return;
    }
    for default in [false, true] {
        let Some(after) = with_inheritance(text, &steps, default) else { continue };
        let Some(document) = TomlDocument::read(&after.text) else {
            panic!("inheriting breaks:\n{}", after.text)
        };
        let mut content = document.content.clone();
        let table = value_at(&mut content, &steps).and_then(|value| long_form(value));
        let inherits = table.is_some_and(|table| {
            let wants = table.get("default-features").and_then(TomlValue::as_bool);
            let mut others = table.keys().filter(|key| *key != "workspace");
            table.contains_key("workspace")
                && wants == default.then_some(true)
                && others.all(|key| MEMBER_KEYS.contains(&key.as_str()))
        });
        assert!(inherits, "{}", after.text);
        assert_eq!(with_inheritance(&after.text, &steps, default), None, "twice:\n{}", after.text);
        let source = DependencySource::from([("git", "https://example.org/x".to_owned())]);
        for requirement in [None, Some("1.2")] {
            let all = with_workspace_dependency(&document, key, requirement, &source, !default);
            assert!(all.is_none_or(|all| TomlDocument::read(&all).is_some()), "{}", after.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the changed manifest of a member with the dependency `x`.
    fn check(before: &str, default: bool, after: &str) {
        let document = TomlDocument::read(before).expect("a manifest");
        let offset = before.find('x').expect("a dependency");
        let steps = path_to_dependency(&document, offset).expect("a path");
        let edited = with_inheritance(before, &steps, default).map(|edited| edited.text);
        assert_eq!(edited.as_deref(), Some(after));
    }

    #[test]
    fn plain_requirement_becomes_workspace_true() {
        check(
            "[dependencies]\nx = \"1\" # why\n",
            false,
            "[dependencies]\nx.workspace = true # why\n",
        );
        check("[dependencies]\r\nx=\"1\"\r\n", false, "[dependencies]\r\nx.workspace=true\r\n");
        check(
            "dependencies = { x = '1' }\n",
            false,
            "dependencies = { x = { workspace = true } }\n",
        );
        check("dependencies.x = \"1\"\n", false, "dependencies.x.workspace = true\n");
        check(
            "[dependencies]\nx = \"1\"\n",
            true,
            "[dependencies]\nx = { workspace = true, default-features = true }\n",
        );
    }

    #[test]
    fn member_keeps_features_and_optional() {
        check(
            "[dependencies]\nx = { version = \"1\", registry = \"r\", features = [\"f\"], optional = true }\n",
            false,
            "[dependencies]\nx = { workspace = true, features = [\"f\"], optional = true }\n",
        );
        check(
            "[dependencies]\nx = { features = [\"f\"], git = \"https://e.org/x\", rev = \"1\", default-features = false }\n",
            false,
            "[dependencies]\nx = { features = [\"f\"], workspace = true }\n",
        );
    }

    #[test]
    fn tables_and_dotted_keys_inherit() {
        check(
            "[target.'cfg(unix)'.dev-dependencies.x]\n# the parser\npackage = \"y\"\nversion = \"1\" # old\nfeatures = [\"f\"]\n",
            false,
            "[target.'cfg(unix)'.dev-dependencies.x]\n# the parser\nworkspace = true # old\nfeatures = [\"f\"]\n",
        );
        check(
            "[dependencies]\nx.version = \"1\"\nx.features = [\"f\"]\n",
            true,
            "[dependencies]\nx.workspace = true\nx.features = [\"f\"]\nx.default-features = true\n",
        );
    }

    #[test]
    fn narrowest_requirement_is_shared() {
        let narrowest = |all: &[&'static str]| narrowest(&all.iter().copied().collect());
        assert_eq!(narrowest(&["1", "1.2", "1.0.150"]), Some("1.2"));
        assert_eq!(narrowest(&["0.3", "^0.3.4"]), Some("^0.3.4"));
        assert_eq!(narrowest(&["0.3", "0.4"]), None);
        assert_eq!(narrowest(&["1", "=1.0.3"]), None);
        assert_eq!(narrowest(&["=1.0.3"]), Some("=1.0.3"));
        assert_eq!(narrowest(&["1", ">=1, <3"]), None);
    }

    #[test]
    fn path_is_relative_to_the_root() {
        assert_eq!(relative_path("/w".into(), "/w/a/../near".into()), "near");
        assert_eq!(relative_path("/w".into(), "/w/a/../../near".into()), "../near");
        assert_eq!(relative_path("/w/deep".into(), "/w/./near".into()), "../near");
    }
}
