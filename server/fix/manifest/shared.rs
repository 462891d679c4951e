//! One declaration under `[workspace.dependencies]` in place of several in members.
//!
//! What cargo lets a member say of its own stays with it: `features`, `optional`, `public`, and default
//! features that it wants where others do not (The Cargo Book, "Inheriting a dependency from a
//! workspace").

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use semver::{Comparator, Op, VersionReq};
use toml::{Table, Value as TomlValue};

use super::ManifestPlan;
use crate::{
    fix::{
        CheckedTexts,
        document::{
            EditedText, PathStep, TableForm, TextChange, TomlDocument,
            value::{Value, ValueStyle},
            value_at,
        },
    },
    gate::Texts as _,
    text::SourceText,
    verdict::{Finding, Role},
};

/// What is said once for the workspace and no more by a member. The first of them that a member says
/// becomes `workspace = true`.
const WORKSPACE_KEYS: [&str; 9] =
    ["version", "path", "git", "branch", "tag", "rev", "registry", "registry-index", "package"];

/// What a member may say beside `workspace = true`.
const MEMBER_KEYS: [&str; 4] = ["features", "optional", "public", "default-features"];

/// A declaration that shall inherit.
struct InheritingMember {
    file: Utf8PathBuf,
    /// The way to it.
    steps: Vec<PathStep>,
    says: Table,
}

/// Where a declaration has its package from, and which it is: everything of [`WORKSPACE_KEYS`] but the
/// version, with `path` from the root of the workspace.
type DependencySource = BTreeMap<&'static str, String>;

/// The plan for a package that several members declare.
///
/// # Errors
///
/// Where cargo would understand something else by it, or where it is not clear which requirement is
/// meant: a sentence without its end.
pub(super) fn plan(finding: &Finding, now: CheckedTexts<'_>) -> Result<ManifestPlan, String> {
    let root = now.verdict.workspace.root.join("Cargo.toml");
    let folder = &now.verdict.workspace.root;
    let named = |file: &Utf8Path| file.strip_prefix(folder).unwrap_or(file).to_string();
    let mut texts: BTreeMap<Utf8PathBuf, SourceText> = BTreeMap::new();
    let mut members = Vec::new();
    let mut keys = BTreeSet::new();
    for location in finding.locations.iter().filter(|location| location.role == Role::Primary) {
        // What stands elsewhere by now is judged again first.
        let text = now.texts.read(&location.file).ok().filter(|text| *text == location.text);
        let text = text.ok_or_else(|| format!("`{}` has changed", named(&location.file)))?;
        let unread = || format!("a declaration in `{}` is not understood", named(&location.file));
        let document = TomlDocument::read(text.as_str()).ok_or_else(unread)?;
        let steps = path_to_dependency(&document, location.span.start).ok_or_else(unread)?;
        let Some(PathStep::Key(key)) = steps.last() else { return Err(unread()) };
        keys.insert(key.clone());
        let said =
            value_at(&mut document.content.clone(), &steps).and_then(|said| dependency(said));
        let says = said.ok_or_else(unread)?;
        if says.contains_key("workspace") {
            continue;
        }
        members.push(InheritingMember { file: location.file.clone(), steps, says });
        texts.insert(location.file.clone(), text);
    }
    if keys.len() > 1 {
        let keys = Vec::from_iter(keys).join("` and `");
        return Err(format!("the members call it by different names, `{keys}`"));
    }
    let key = keys.pop_first().filter(|_| !members.is_empty());
    let key = key.ok_or("no member declares it with a requirement of its own")?;
    let unread = || format!("`{}` is not understood", named(&root));
    let root_text = now.texts.read(&root).map_err(|_| unread())?;
    let shared = TomlDocument::read(root_text.as_str()).ok_or_else(unread)?;
    if shared.value(&["workspace"]).is_none() {
        return Err(format!("`{}` has no `[workspace]`", named(&root)));
    }
    let known = shared.value(&["workspace", "dependencies", &key]);
    let known = known.map(|said| dependency(said).ok_or_else(unread)).transpose()?;

    let sources = members.iter().map(|one| source_of(&one.says, one.file.parent()?, folder));
    let workspace_source = known.iter().map(|said| source_of(said, folder, folder));
    let sources = sources.chain(workspace_source).collect::<Option<BTreeSet<_>>>();
    let sources = Vec::from_iter(sources.ok_or_else(unread)?);
    let [source_of] = <[DependencySource; 1]>::try_from(sources)
        .map_err(|_| "the members have it from different sources".to_owned())?;
    let all = || members.iter().map(|one| &one.says).chain(&known);
    let requirements: BTreeSet<&str> =
        all().filter_map(|said| said.get("version")?.as_str()).collect();
    let requirement = match requirements.len() {
        0 => None,
        _ => Some(narrowest(&requirements).ok_or_else(|| {
            let stated: Vec<_> = requirements.iter().copied().collect();
            let stated = stated.join("`, `");
            format!("no one of the requirements `{stated}` is sure to admit what all of them do")
        })?),
    };
    let wanted =
        |said: &Table| said.get("default-features").and_then(TomlValue::as_bool) != Some(false);
    let all_want = members.iter().all(|one| wanted(&one.says));
    let by_default = match &known {
        // A member cannot refuse what the workspace has turned on.
        Some(said) if wanted(said) && !all_want => {
            return Err(format!(
                "a member does without the default features that `{}` has turned on for all",
                named(&root)
            ));
        }
        Some(said) => wanted(said),
        None => all_want,
    };

    let no_edit = |file: &Utf8Path| format!("the edit of `{}` is not safe", named(file));
    for member in &members {
        let file = &member.file;
        let text = texts.get(file).ok_or_else(|| no_edit(file))?;
        let own_default = wanted(&member.says) && !by_default;
        let after = with_inheritance(text.as_str(), &member.steps, own_default);
        let after = after.ok_or_else(|| no_edit(file))?;
        texts.insert(file.clone(), SourceText::new(&after.text));
    }
    let text = texts.get(&root).unwrap_or(&root_text).clone();
    let no_edit = || no_edit(&root);
    let document = TomlDocument::read(text.as_str()).ok_or_else(no_edit)?;
    let mut then = String::new();
    let after = match &known {
        None => with_workspace_dependency(&document, &key, requirement, &source_of, by_default)
            .ok_or_else(no_edit)?,
        Some(said) => match (said.get("version").and_then(TomlValue::as_str), requirement) {
            (Some(old), Some(new)) if old != new => {
                then = format!(", which then requires {new}");
                raised(&document, &key, new).ok_or_else(no_edit)?
            }
            (None, Some(_)) => {
                return Err(format!("`{}` declares it without a requirement", named(&root)));
            }
            _ => text.as_str().to_owned(),
        },
    };
    texts.insert(root, SourceText::new(&after));
    let version = requirement.map(|version| format!(" {version}")).unwrap_or_default();
    let title = match known {
        Some(_) => format!("inherit the workspace dependency `{key}`{then}"),
        None => format!("make `{key}`{version} a workspace dependency and inherit it"),
    };
    Ok(ManifestPlan { title, after: texts })
}

/// The way to the declaration whose key stands at an offset: `dependencies.x`, or the same below
/// `target.x`.
fn path_to_dependency(document: &TomlDocument<'_>, offset: usize) -> Option<Vec<PathStep>> {
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
    let ways = targets
        .into_iter()
        .flat_map(|target| tables.map(|table| [target.clone(), vec![table.to_owned()]].concat()));
    ways.into_iter().find_map(|way| {
        let way: Vec<_> = way.into_iter().map(PathStep::Key).collect();
        let entries = document.at(&way)?.entries();
        let entry = entries.iter().find(|entry| {
            entry.key_span.contains(&offset)
                || entry.node.span.as_ref().is_some_and(|span| span.contains(&offset))
        })?;
        Some([way, vec![PathStep::Key(entry.key.clone())]].concat())
    })
}

/// What a declaration says, in its long form; `None` where it says what is not known here.
fn dependency(said: &TomlValue) -> Option<Table> {
    let mut table = match said {
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

fn source_of(said: &Table, folder: &Utf8Path, root: &Utf8Path) -> Option<DependencySource> {
    let mut source_of = DependencySource::new();
    for key in WORKSPACE_KEYS.into_iter().filter(|key| *key != "version") {
        let Some(value) = said.get(key) else { continue };
        let value = value.as_str()?;
        let value =
            if key == "path" { relative_path(root, &folder.join(value)) } else { value.into() };
        source_of.insert(key, value);
    }
    Some(source_of)
}

/// A path as it is written in a manifest in `folder`: with `/`, without what leads nowhere.
fn relative_path(folder: &Utf8Path, path: &Utf8Path) -> String {
    let (from, to) = (normalized(folder), normalized(path));
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..", from.len() - common);
    let way: Vec<_> = up.chain(to[common..].iter().copied()).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
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

/// The requirement that admits no more than any of these; `None` where that cannot be told by
/// comparing two versions.
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
        let line = match (major, minor, patch) {
            (0, Some(0), Some(patch)) => (0, 0, *patch),
            (0, Some(minor), _) => (0, *minor, 0),
            (0, None, _) => return None,
            (major, ..) => (*major, 0, 0),
        };
        let least = (*major, minor.unwrap_or(0), patch.unwrap_or(0));
        pre.is_empty().then_some((line, (least, *stated)))
    });
    let compatible = compatible.collect::<Option<Vec<_>>>()?;
    let (line, _) = compatible.first()?;
    let is_one_line = compatible.iter().all(|(other, _)| other == line);
    compatible.iter().filter(|_| is_one_line).map(|(_, least)| *least).max().map(|(_, one)| one)
}

/// The manifest with the declaration inheriting. With `default`, it asks for the default features
/// that the workspace leaves out.
fn with_inheritance(text: &str, steps: &[PathStep], default: bool) -> Option<EditedText> {
    let document = TomlDocument::read(text)?;
    let entry_of = |document: &TomlDocument<'_>, key: &str| {
        let node = document.at(steps)?;
        let entry = node.entry(key)?;
        Some((entry.key_span.clone(), entry.node.span.clone()?))
    };
    let node = document.at(steps)?;
    let mut said = document.content.clone();
    let inherits = TomlValue::Table(Table::from_iter([("workspace".to_owned(), true.into())]));
    let first = if node.form().is_none() {
        let [parents @ .., PathStep::Key(key)] = steps else { return None };
        let parent = document.at(parents)?;
        let entry = parent.entry(key)?;
        let value = entry.node.span.clone()?;
        *value_at(&mut said, steps)? = inherits;
        let between = document.text.get(entry.key_span.end..value.start)?;
        let piece = if parent.form() == Some(TableForm::Inline) || default {
            TextChange::replace(value, "{ workspace = true }")
        } else {
            TextChange::replace(entry.key_span.end..value.end, format!(".workspace{between}true"))
        };
        document.edited(vec![piece], &said)?
    } else {
        let stated = WORKSPACE_KEYS.into_iter().find(|key| node.entry(key).is_some())?;
        let (key, value) = entry_of(&document, stated)?;
        let table = value_at(&mut said, steps)?.as_table_mut()?;
        table.remove(stated);
        table.insert("workspace".to_owned(), true.into());
        let between = document.text.get(key.end..value.start)?;
        let piece = TextChange::replace(key.start..value.end, format!("workspace{between}true"));
        document.edited(vec![piece], &said)?
    };
    let gone = WORKSPACE_KEYS.into_iter().chain(["default-features", "default_features"]);
    let mut edited = first;
    for key in gone {
        let document = TomlDocument::read(&edited.text)?;
        if document.at(steps)?.entry(key).is_some() {
            let way = [steps, &[PathStep::Key(key.to_owned())]].concat();
            edited = document.without_key(&way)?;
        }
    }
    if !default {
        return Some(edited);
    }
    let mut path: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            PathStep::Key(key) => Some(key.as_str()),
            PathStep::Index(_) => None,
        })
        .collect();
    path.push("default-features");
    edited.then(|document| document.with_setting(&path, &Value::boolean(true)))
}

/// The root manifest with the declaration for all.
fn with_workspace_dependency(
    document: &TomlDocument<'_>,
    key: &str,
    requirement: Option<&str>,
    source_of: &DependencySource,
    by_default: bool,
) -> Option<String> {
    let version = requirement.map(|version| ("version", Value::text(version)));
    let source_of = source_of.iter().map(|(key, value)| (*key, Value::text(value)));
    let mut says: Vec<_> = version.into_iter().chain(source_of).collect();
    if !by_default {
        says.push(("default-features", Value::boolean(false)));
    }
    let value = match &says[..] {
        [("version", version)] => version.clone(),
        _ => Value::Table(says),
    };
    let path = ["workspace", "dependencies", key];
    Some(document.with_entry(&path, &value)?.text)
}

/// The root manifest with another requirement for all.
fn raised(document: &TomlDocument<'_>, key: &str, requirement: &str) -> Option<String> {
    let mut steps: Vec<_> =
        ["workspace", "dependencies", key].map(|key| PathStep::Key(key.to_owned())).into();
    if document.at(&steps)?.form().is_some() {
        steps.push(PathStep::Key("version".to_owned()));
    }
    let at = document.at(&steps)?.span.clone()?;
    let style = ValueStyle::of(document.text.get(at).into_iter());
    let text = Value::text(requirement).inline(style).text;
    Some(document.replaced(&steps, &text, requirement.into())?.text)
}

/// What holds of every declaration: for the tests and the fuzzer.
pub(super) fn check_invariants(text: &str, offset: usize) {
    let Some(document) = TomlDocument::read(text) else { return };
    let Some(steps) = path_to_dependency(&document, offset) else { return };
    let Some(PathStep::Key(key)) = steps.last() else { return };
    // One that says what is not known here is left alone.
    if value_at(&mut document.content.clone(), &steps).and_then(|said| dependency(said)).is_none() {
        return;
    }
    for default in [false, true] {
        let Some(after) = with_inheritance(text, &steps, default) else { continue };
        let Some(document) = TomlDocument::read(&after.text) else {
            panic!("inheriting breaks:\n{}", after.text)
        };
        let mut said = document.content.clone();
        let says = value_at(&mut said, &steps).and_then(|said| dependency(said));
        let inherits = says.is_some_and(|says| {
            let wants = says.get("default-features").and_then(TomlValue::as_bool);
            let mut others = says.keys().filter(|key| *key != "workspace");
            says.contains_key("workspace")
                && wants == default.then_some(true)
                && others.all(|key| MEMBER_KEYS.contains(&key.as_str()))
        });
        assert!(inherits, "{}", after.text);
        assert_eq!(with_inheritance(&after.text, &steps, default), None, "twice:\n{}", after.text);
        let source_of = DependencySource::from([("git", "https://example.org/x".to_owned())]);
        for requirement in [None, Some("1.2")] {
            let all = with_workspace_dependency(&document, key, requirement, &source_of, !default);
            assert!(all.is_none_or(|all| TomlDocument::read(&all).is_some()), "{}", after.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the declaration `x` of a member.
    fn check(before: &str, default: bool, after: &str) {
        let document = TomlDocument::read(before).expect("a manifest");
        let offset = before.find('x').expect("a declaration");
        let steps = path_to_dependency(&document, offset).expect("a way");
        let edited = with_inheritance(before, &steps, default).map(|edited| edited.text);
        assert_eq!(edited.as_deref(), Some(after));
    }

    #[test]
    fn what_is_a_requirement_alone_becomes_short() {
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
    fn features_and_optional_stay_with_the_member() {
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
    fn in_tables_of_their_own_and_with_dots() {
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
    fn the_requirement_that_admits_least_is_shared() {
        let narrowest = |all: &[&'static str]| narrowest(&all.iter().copied().collect());
        assert_eq!(narrowest(&["1", "1.2", "1.0.150"]), Some("1.2"));
        assert_eq!(narrowest(&["0.3", "^0.3.4"]), Some("^0.3.4"));
        assert_eq!(narrowest(&["0.3", "0.4"]), None);
        assert_eq!(narrowest(&["1", "=1.0.3"]), None);
        assert_eq!(narrowest(&["=1.0.3"]), Some("=1.0.3"));
        assert_eq!(narrowest(&["1", ">=1, <3"]), None);
    }

    #[test]
    fn paths_are_seen_from_the_root() {
        assert_eq!(relative_path("/w".into(), "/w/a/../near".into()), "near");
        assert_eq!(relative_path("/w".into(), "/w/a/../../near".into()), "../near");
        assert_eq!(relative_path("/w/deep".into(), "/w/./near".into()), "../near");
    }
}
