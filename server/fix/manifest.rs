//! Plans that change a manifest without asking for another version: it states what is meant more
//! precisely, or no longer what nothing uses. Pure: texts in, texts out.

mod invariants;
mod shared;

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use toml::de::{DeTable, DeValue};

use super::{
    CheckedTexts, FixKind,
    document::{PathStep, TomlDocument, value::Value},
};
use crate::{
    gate::Texts as _,
    model::tree::{self, Entry},
    text::{SourceText, Span},
    verdict::{Code, Finding, Location, PackageRef, Role},
};
#[doc(hidden)]
pub use invariants::fuzz_manifest;

/// A change of manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ManifestPlan {
    /// What it does, for a menu.
    pub(super) title: String,
    /// The manifests as they would be.
    pub(super) after: BTreeMap<Utf8PathBuf, SourceText>,
}

impl ManifestPlan {
    /// What kind of remedy all of them are.
    pub(super) const KIND: FixKind = FixKind::Manifest;
}

/// What makes a plan for one place: the title and the text.
type PlanFunction = fn(&DependencyLocation<'_>) -> Option<(String, String)>;

/// Whether a finding is about what manifests say, so that they may say it otherwise.
pub(crate) fn is_about_manifests(finding: &Finding) -> bool {
    finding.code == Some(Code::WorkspaceDuplicate) || make(finding).is_some()
}

fn make(finding: &Finding) -> Option<PlanFunction> {
    match finding.code? {
        Code::Wildcard => Some(wildcard),
        Code::GitSourceUnderspecified => Some(pinned),
        Code::UnusedWorkspaceDependency => Some(unused),
        _ => None,
    }
}

/// The plans for a finding: one for each of its places, or one for all of them.
///
/// # Errors
///
/// Why there is none, where that can be told: a sentence without its end.
pub(super) fn plans(finding: &Finding, now: CheckedTexts<'_>) -> Result<Vec<ManifestPlan>, String> {
    if finding.code == Some(Code::WorkspaceDuplicate) {
        return shared::plan(finding, now).map(|plan| vec![plan]);
    }
    let Some(make) = make(finding) else { return Ok(Vec::new()) };
    let here = finding.locations.iter().filter(|location| location.role == Role::Primary);
    let plans = here.filter_map(|location| {
        let text = now.texts.read(&location.file).ok()?;
        // What stands elsewhere by now is judged again first.
        if text != location.text {
            return None;
        }
        let package = package_at(finding, location, now);
        let (title, after) = planned(
            make,
            &DependencyLocation { text: text.as_str(), at: &location.span, package },
        )?;
        let after = [(location.file.clone(), SourceText::new(&after))].into();
        Some(ManifestPlan { title, after })
    });
    Ok(plans.collect())
}

/// What the declaration at a place resolved to.
fn package_at<'n>(
    finding: &'n Finding,
    location: &Location,
    now: CheckedTexts<'n>,
) -> Option<&'n PackageRef> {
    let declared = now.verdict.declared.iter();
    let mut here = declared.filter(|one| one.file == location.file);
    let at_place = here.find(|one| {
        one.location == location.span
            || one.key.start <= location.span.start && location.span.end <= one.location.end
    });
    at_place.map(|one| &one.package).or_else(|| finding.packages.first())
}

/// A place in a manifest.
struct DependencyLocation<'c> {
    text: &'c str,
    at: &'c Span,
    package: Option<&'c PackageRef>,
}

impl DependencyLocation<'_> {
    fn replaced(&self, span: Span, by: &str) -> String {
        let mut text = self.text.to_owned();
        text.replace_range(span, by);
        text
    }
}

/// The title and the text of a plan that changes something and breaks nothing.
fn planned(make: PlanFunction, case: &DependencyLocation<'_>) -> Option<(String, String)> {
    if !tree::parse(case.text).1.is_empty() {
        return None;
    }
    let (title, after) = make(case)?;
    let is_whole = tree::parse(&after).1.is_empty() && after != case.text;
    is_whole.then_some((title, after))
}

/// The locked version in place of any.
fn wildcard(case: &DependencyLocation<'_>) -> Option<(String, String)> {
    let stated = case.text.get(case.at.clone())?;
    let package = case.package?;
    if !stated.contains('*') || package.source.is_none() {
        return None;
    }
    let version = package.version.split('+').next()?;
    let title = format!("require `{}` {version} in place of any version", package.name);
    Some((title, case.replaced(case.at.clone(), version)))
}

/// The locked commit.
fn pinned(case: &DependencyLocation<'_>) -> Option<(String, String)> {
    let package = case.package?;
    let (url, commit) = package.source.as_deref()?.split_once('#')?;
    if !url.starts_with("git+") || commit.is_empty() {
        return None;
    }
    let (root, _) = tree::parse(case.text);
    let (git, others) = holder(root.get_ref(), case.at)?;
    let short = commit.get(..10).unwrap_or(commit);
    let title = format!("pin `{}` to the locked commit {short}", package.name);
    let rev = format!("rev = \"{commit}\"");
    // A branch or tag beside a commit is refused by cargo.
    let replaced = ["branch", "tag"].iter().find_map(|name| tree::entry(others, name));
    if let Some((key, value)) = replaced {
        return Some((title, case.replaced(key.span().start..value.span().end, &rev)));
    }
    let end = git.1.span().end;
    let line = case.text[..git.0.span().start].rfind('\n').map_or(0, |at| at + 1);
    let before = &case.text[line..git.0.span().start];
    let separator = if before.trim().is_empty() {
        let ends = if case.text.contains("\r\n") { "\r\n" } else { "\n" };
        format!("{ends}{before}")
    } else if before.contains('{') {
        ", ".to_owned()
    } else {
        // `name.git = ".."`
        return Some((title, with_rev(case, commit)?));
    };
    Some((title, case.replaced(end..end, &format!("{separator}{rev}"))))
}

/// The entry `git` whose value holds `span`, and the table that holds it.
fn holder<'t, 'i>(table: &'t DeTable<'i>, span: &Span) -> Option<(Entry<'t, 'i>, &'t DeTable<'i>)> {
    if let Some(git) = tree::entry(table, "git") {
        let value = git.1.span();
        if value.start <= span.start && span.end <= value.end {
            return Some((git, table));
        }
    }
    table.iter().find_map(|(_, value)| match value.get_ref() {
        DeValue::Table(inner) => holder(inner, span),
        _ => None,
    })
}

/// The text with a commit beside the `git` that is written with dots.
fn with_rev(case: &DependencyLocation<'_>, commit: &str) -> Option<String> {
    let document = TomlDocument::read(case.text)?;
    let mut steps = document.steps_to(case.at.start)?;
    *steps.last_mut()? = PathStep::Key("rev".to_owned());
    let path = steps.iter().map(|step| match step {
        PathStep::Key(key) => Some(key.as_str()),
        PathStep::Index(_) => None,
    });
    Some(document.with_setting(&path.collect::<Option<Vec<_>>>()?, &Value::text(commit))?.text)
}

/// Without what nothing uses.
fn unused(case: &DependencyLocation<'_>) -> Option<(String, String)> {
    let document = TomlDocument::read(case.text)?;
    let all = ["workspace", "dependencies"];
    let at = case.at;
    let entry = document.node(&all)?.entries().iter().find(|entry| {
        let value = entry.node.span.clone().unwrap_or_else(|| entry.key_span.clone());
        entry.key_span.start.min(value.start) <= at.start
            && at.end <= value.end.max(entry.key_span.end)
    })?;
    let steps = [&all[..], &[&entry.key]].concat();
    let steps: Vec<_> = steps.into_iter().map(|key| PathStep::Key(key.to_owned())).collect();
    let title = format!("remove the unused workspace dependency `{}`", entry.key);
    Some((title, document.without_key(&steps)?.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the plan about `at` makes of a manifest.
    fn check(make: PlanFunction, before: &str, at: &str, after: &str) {
        let start = before.find(at).expect("a place");
        let package = PackageRef {
            name: "x".to_owned(),
            version: "1.2.3+build".to_owned(),
            source: Some("git+https://example.org/x?branch=main#0123456789abcdef".to_owned()),
        };
        let at = start..start + at.len();
        let planned =
            planned(make, &DependencyLocation { text: before, at: &at, package: Some(&package) });
        assert_eq!(planned.map(|(_, text)| text).as_deref(), Some(after));
    }

    #[test]
    fn a_requirement_stands_in_place_of_any_version() {
        check(wildcard, "[dependencies]\nx = '*'\n", "*", "[dependencies]\nx = '1.2.3'\n");
    }

    #[test]
    fn a_commit_stands_beside_the_repository_however_that_is_written() {
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
    fn what_nothing_uses_goes_however_it_is_written() {
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
