//! Plans that change a manifest without changing versions: a more precise requirement, a pinned commit, an
//! unused dependency removed, a shared dependency inherited. Pure functions from text to text.

mod banned;
mod invariants;
mod private;
mod shared;
pub(super) mod successor;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use camino::Utf8PathBuf;
use toml::de::{DeTable, DeValue};

use super::{
    CheckedTexts, FixKind, ManifestReason,
    document::{TomlDocument, TomlStep, value::Value},
};
use crate::{
    gate::Texts as _,
    model::{
        tree::{self, TomlEntry},
        versions::without_build,
    },
    text::{SourceText, Span},
    verdict::{Code, Finding, Location, PackageRef, Role, join_with_and},
};
#[doc(hidden)]
pub use invariants::fuzz_manifest;

/// How many dependencies a title names.
const MOST_NAMED: usize = 3;

/// A change of manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ManifestPlan {
    /// What kind of change it is: some need a change of the policy, too.
    pub(super) kind: FixKind,
    /// What it changes, for a menu.
    pub(super) title: String,
    /// The changed manifests, and the policy.
    pub(super) after: BTreeMap<Utf8PathBuf, SourceText>,
}

/// Makes a plan for one location: the title and the changed text.
type PlanFunction = fn(&DependencyLocation<'_>) -> Option<(String, String)>;

/// Whether a change of manifests may clear a finding.
pub(crate) fn is_about_manifests(finding: &Finding) -> bool {
    finding.code == Some(Code::WorkspaceDuplicate) || plan_function(finding).is_some()
}

fn plan_function(finding: &Finding) -> Option<PlanFunction> {
    match finding.code? {
        Code::Wildcard => Some(wildcard),
        Code::GitSourceUnderspecified => Some(pinned),
        Code::UnusedWorkspaceDependency => Some(unused),
        _ => None,
    }
}

/// The plans for a finding: one for each of its locations, or one for all; and one that makes its package
/// private.
///
/// # Errors
///
/// Why there is none, if that is known.
pub(super) fn plans(
    finding: &Finding,
    current: CheckedTexts<'_>,
) -> Result<Vec<ManifestPlan>, ManifestReason> {
    if finding.code == Some(Code::WorkspaceDuplicate) {
        return shared::plan(finding, current).map(|plan| vec![plan]);
    }
    if finding.code == Some(Code::Banned) {
        return Ok(banned::plans(finding, current));
    }
    let private = private::plan(finding, current);
    let Some(plan_function) = plan_function(finding) else {
        return Ok(private.into_iter().collect());
    };
    let primary = finding.locations.iter().filter(|location| location.role == Role::Primary);
    let primary: Vec<&Location> = primary.collect();
    // A finding about several wildcards is cleared when none of them is left.
    if finding.code == Some(Code::Wildcard) && primary.len() > 1 {
        let all = wildcards(finding, &primary, current);
        return Ok(all.into_iter().chain(private).collect());
    }
    let plans = primary.into_iter().filter_map(|location| {
        let text = unchanged_text(location, current)?;
        let package = package_at(finding, location, current);
        let (title, after) = valid_plan(
            plan_function,
            &DependencyLocation { text: text.as_str(), span: &location.span, package },
        )?;
        let after = [(location.file.to_path_buf(), SourceText::new(&after))].into();
        Some(ManifestPlan { kind: FixKind::Manifest, title, after })
    });
    Ok(plans.chain(private).collect())
}

/// The text of the file of a location. A changed text is checked again first.
fn unchanged_text(location: &Location, current: CheckedTexts<'_>) -> Option<SourceText> {
    current.texts.read(&location.file).ok().filter(|text| *text == location.text)
}

/// The plan that requires the locked version of each of several wildcard dependencies.
fn wildcards(
    finding: &Finding,
    locations: &[&Location],
    current: CheckedTexts<'_>,
) -> Option<ManifestPlan> {
    let mut after: BTreeMap<Utf8PathBuf, SourceText> = BTreeMap::new();
    let mut names = BTreeSet::new();
    // From the end of each file, so that the spans before stay the same.
    let mut locations = locations.to_vec();
    locations.sort_by_key(|location| Reverse(location.span.start));
    for location in locations {
        let text = match after.get(location.file.as_path()) {
            Some(changed) => changed.clone(),
            None => unchanged_text(location, current)?,
        };
        let package = package_at(finding, location, current)?;
        let dependency = DependencyLocation {
            text: text.as_str(),
            span: &location.span,
            package: Some(package),
        };
        let (_, changed) = valid_plan(wildcard, &dependency)?;
        after.insert(location.file.to_path_buf(), SourceText::new(&changed));
        names.insert(format!("`{}`", package.name));
    }
    let mut names: Vec<String> = names.into_iter().collect();
    let more = names.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        names.truncate(MOST_NAMED);
        names.push(format!("{more} more"));
    }
    let title = format!("require the locked versions of {}", join_with_and(&names));
    Some(ManifestPlan { kind: FixKind::Manifest, title, after })
}

/// The package that the dependency at a location resolved to.
fn package_at<'n>(
    finding: &'n Finding,
    location: &Location,
    current: CheckedTexts<'n>,
) -> Option<&'n PackageRef> {
    let declared = current.verdict.declared.iter();
    let mut in_file = declared.filter(|one| one.file == location.file);
    let at_location = in_file.find(|one| {
        one.location == location.span
            || one.key.start <= location.span.start && location.span.end <= one.location.end
    });
    // The package of a wildcard finding is the one that has the dependency.
    let is_of_dependent = finding.code == Some(Code::Wildcard);
    let other = || finding.packages.first().filter(|_| !is_of_dependent);
    at_location.map(|one| &one.package).or_else(other)
}

/// A location in a manifest, with the package that its dependency resolved to.
struct DependencyLocation<'c> {
    text: &'c str,
    span: &'c Span,
    package: Option<&'c PackageRef>,
}

impl DependencyLocation<'_> {
    fn replaced(&self, span: Span, by: &str) -> String {
        let mut text = self.text.to_owned();
        text.replace_range(span, by);
        text
    }
}

/// The plan, if it changes something and the result is valid TOML.
fn valid_plan(
    plan_function: PlanFunction,
    dependency: &DependencyLocation<'_>,
) -> Option<(String, String)> {
    if !tree::parse(dependency.text).1.is_empty() {
        return None;
    }
    let (title, after) = plan_function(dependency)?;
    let is_valid = tree::parse(&after).1.is_empty() && after != dependency.text;
    is_valid.then_some((title, after))
}

/// Replaces `*` by the locked version, or adds it next to a `path` or `git`.
fn wildcard(dependency: &DependencyLocation<'_>) -> Option<(String, String)> {
    let stated = dependency.text.get(dependency.span.clone())?;
    let package = dependency.package?;
    let version = &*without_build(&package.version).to_string();
    let (root, _) = tree::parse(dependency.text);
    let source = ["path", "git"].iter().find_map(|key| {
        let (entry, table) = find_source(root.get_ref(), dependency.span, key)?;
        // `version = "*"` is replaced.
        table.get("version").is_none().then_some((key, entry))
    });
    if let Some((key, entry)) = source {
        let title = format!("require `{}` {version} next to its `{key}`", package.name);
        return Some((title, with_added_key(dependency, &entry, "version", version)?));
    }
    if !stated.contains('*') {
        return None;
    }
    let title = format!("require `{}` {version} instead of any version", package.name);
    Some((title, dependency.replaced(dependency.span.clone(), version)))
}

/// Adds the locked commit.
fn pinned(dependency: &DependencyLocation<'_>) -> Option<(String, String)> {
    let package = dependency.package?;
    let (url, commit) = package.source.as_deref()?.split_once('#')?;
    if !url.starts_with("git+") || commit.is_empty() {
        return None;
    }
    let (root, _) = tree::parse(dependency.text);
    let (git, git_table) = find_source(root.get_ref(), dependency.span, "git")?;
    let short = commit.get(..10).unwrap_or(commit);
    let title = format!("pin `{}` to the locked commit {short}", package.name);
    let rev = format!("rev = \"{commit}\"");
    // cargo rejects a branch or tag together with a commit.
    let replaced = ["branch", "tag"].iter().find_map(|name| tree::entry(git_table, name));
    if let Some((key, value)) = replaced {
        return Some((title, dependency.replaced(key.span().start..value.span().end, &rev)));
    }
    Some((title, with_added_key(dependency, &git, "rev", commit)?))
}

/// The entry `source` (`git` or `path`) whose value contains `span`, and its table.
fn find_source<'t, 'i>(
    table: &'t DeTable<'i>,
    span: &Span,
    source: &str,
) -> Option<(TomlEntry<'t, 'i>, &'t DeTable<'i>)> {
    if let Some(entry) = tree::entry(table, source) {
        let value = entry.1.span();
        if value.start <= span.start && span.end <= value.end {
            return Some((entry, table));
        }
    }
    table.iter().find_map(|(_, value)| match value.get_ref() {
        DeValue::Table(inner) => find_source(inner, span, source),
        _ => None,
    })
}

/// The text with another key after an entry of a dependency, in the layout of that entry.
fn with_added_key(
    dependency: &DependencyLocation<'_>,
    entry: &TomlEntry<'_, '_>,
    key: &str,
    value: &str,
) -> Option<String> {
    let end = entry.1.span().end;
    let line = dependency.text[..entry.0.span().start].rfind('\n').map_or(0, |at| at + 1);
    let before = &dependency.text[line..entry.0.span().start];
    let separator = if before.trim().is_empty() {
        let ends = if dependency.text.contains("\r\n") { "\r\n" } else { "\n" };
        format!("{ends}{before}")
    } else if before.contains('{') {
        ", ".to_owned()
    } else {
        // `name.git = ".."`
        return with_dotted_key(dependency, key, value);
    };
    Some(dependency.replaced(end..end, &format!("{separator}{key} = \"{value}\"")))
}

/// The text with another key for a dependency that is written with dotted keys.
fn with_dotted_key(dependency: &DependencyLocation<'_>, key: &str, value: &str) -> Option<String> {
    let document = TomlDocument::read(dependency.text)?;
    let mut steps = document.steps_to(dependency.span.start)?;
    *steps.last_mut()? = TomlStep::Key(key.to_owned());
    let path = steps.iter().map(|step| match step {
        TomlStep::Key(key) => Some(key.as_str()),
        TomlStep::Index(_) => None,
    });
    Some(document.with_setting(&path.collect::<Option<Vec<_>>>()?, &Value::text(value))?.text)
}

/// Removes an unused dependency.
fn unused(dependency: &DependencyLocation<'_>) -> Option<(String, String)> {
    let document = TomlDocument::read(dependency.text)?;
    let all = ["workspace", "dependencies"];
    let at = dependency.span;
    let entry = document.node(&all)?.entries().iter().find(|entry| {
        let value = entry.node.span.clone().unwrap_or_else(|| entry.key_span.clone());
        entry.key_span.start.min(value.start) <= at.start
            && at.end <= value.end.max(entry.key_span.end)
    })?;
    let steps = [&all[..], &[&entry.key]].concat();
    let steps: Vec<_> = steps.into_iter().map(|key| TomlStep::Key(key.to_owned())).collect();
    let title = format!("remove the unused workspace dependency `{}`", entry.key);
    Some((title, document.without_key(&steps)?.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the changed manifest of the plan for the text `at`.
    fn check(plan_function: PlanFunction, before: &str, at: &str, after: &str) {
        let start = before.find(at).expect("a location");
        let package = PackageRef {
            name: "x".to_owned(),
            version: "1.2.3+build".parse().expect("a version"),
            source: Some("git+https://example.org/x?branch=main#0123456789abcdef".to_owned()),
        };
        let at = start..start + at.len();
        let valid_plan = valid_plan(
            plan_function,
            &DependencyLocation { text: before, span: &at, package: Some(&package) },
        );
        assert_eq!(valid_plan.map(|(_, text)| text).as_deref(), Some(after));
    }

    #[test]
    fn wildcard_becomes_the_locked_version() {
        check(wildcard, "[dependencies]\nx = '*'\n", "*", "[dependencies]\nx = '1.2.3'\n");
    }

    #[test]
    fn version_is_added_next_to_a_path_or_git_in_every_layout() {
        check(
            wildcard,
            "[dependencies]\nx = { path = \"../x\", features = [] }\n",
            "../x",
            "[dependencies]\nx = { path = \"../x\", version = \"1.2.3\", features = [] }\n",
        );
        check(
            wildcard,
            "[workspace.dependencies.x]\ngit = \"https://example.org/x\" # a fork\n",
            "https://example.org/x",
            "[workspace.dependencies.x]\ngit = \"https://example.org/x\"\nversion = \"1.2.3\" # a fork\n",
        );
        check(
            wildcard,
            "[dependencies]\nx.path = \"x\"\ny = \"1\"\n",
            "\"x\"",
            "[dependencies]\nx.path = \"x\"\nx.version = \"1.2.3\"\ny = \"1\"\n",
        );
        check(
            wildcard,
            "[dependencies]\nx = { version = \"*\", path = \"x\" }\n",
            "*",
            "[dependencies]\nx = { version = \"1.2.3\", path = \"x\" }\n",
        );
    }

    #[test]
    fn commit_is_added_in_every_layout() {
        let url = "\"https://example.org/x\"";
        let rev = "rev = \"0123456789abcdef\"";
        check(
            pinned,
            &format!("[dependencies]\nx = {{ git = {url}, features = [\"f\"] }}\n"),
            url,
            &format!("[dependencies]\nx = {{ git = {url}, {rev}, features = [\"f\"] }}\n"),
        );
        check(
            pinned,
            &format!("[dependencies.x]\ngit = {url} # a fork\nbranch = \"main\"\n"),
            url,
            &format!("[dependencies.x]\ngit = {url} # a fork\n{rev}\n"),
        );
        check(
            pinned,
            &format!("[dependencies]\nx.git = {url}\ny = \"1\"\n"),
            url,
            &format!("[dependencies]\nx.git = {url}\nx.{rev}\ny = \"1\"\n"),
        );
    }

    #[test]
    fn unused_dependency_is_removed_in_every_layout() {
        let rest = "y = \"1\" # why\n";
        let all = "[workspace.dependencies]\n";
        check(unused, &format!("{all}x = \"1\"\n{rest}"), "x", &format!("{all}{rest}"));
        check(
            unused,
            &format!("{all}x = {{ version = \"1\", features = [\n  \"f\",\n] }}\n{rest}"),
            "x",
            &format!("{all}{rest}"),
        );
        check(
            unused,
            &format!("{all}{rest}\n[workspace.dependencies.x]\nversion = \"1\"\n"),
            "x",
            &format!("{all}{rest}"),
        );
        check(
            unused,
            &format!("{all}x.version = \"1\"\nx.features = [\"f\"]\n{rest}"),
            "x",
            &format!("{all}{rest}"),
        );
        check(
            unused,
            &format!("[workspace]\ndependencies = {{ x = \"1\", {} }}\n", "y = \"1\""),
            "x",
            "[workspace]\ndependencies = { y = \"1\" }\n",
        );
    }
}
