//! Plans that change a manifest without asking for another version: it states what is meant more
//! precisely, or no longer what nothing uses. Pure: texts in, texts out.

mod invariants;
mod shared;

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use toml::de::{DeTable, DeValue};

use super::{Judged, Remedy};
use crate::{
    gate::Texts as _,
    model::tree::{self, Entry},
    text::{SourceText, Span},
    verdict::{Code, Finding, PackageRef, Place, Role},
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
    pub(super) const REMEDY: Remedy = Remedy::Manifest;
}

/// The plans for a finding: one for each of its places, or one for all of them.
pub(super) fn plans(finding: &Finding, now: Judged<'_>) -> Vec<ManifestPlan> {
    let make: fn(&Case<'_>) -> Option<(String, String)> = match finding.code {
        Some(Code::Wildcard) => wildcard,
        Some(Code::GitSourceUnderspecified) => pinned,
        Some(Code::UnusedWorkspaceDependency) => unused,
        Some(Code::WorkspaceDuplicate) => return shared::plan(finding, now).into_iter().collect(),
        _ => return Vec::new(),
    };
    let here = finding.places.iter().filter(|place| place.role == Role::Mend);
    let plans = here.filter_map(|place| {
        let text = now.texts.read(&place.file).ok()?;
        // What stands elsewhere by now is judged again first.
        if text != place.text {
            return None;
        }
        let package = package_at(finding, place, now);
        let (title, after) =
            planned(make, &Case { text: text.as_str(), at: &place.span, package })?;
        let after = [(place.file.clone(), SourceText::new(&after))].into();
        Some(ManifestPlan { title, after })
    });
    plans.collect()
}

/// What the declaration at a place resolved to.
fn package_at<'n>(finding: &'n Finding, place: &Place, now: Judged<'n>) -> Option<&'n PackageRef> {
    let declared = now.verdict.declared.iter();
    let mut here = declared.filter(|one| one.file == place.file);
    let at_place = here.find(|one| {
        one.place == place.span
            || one.key.start <= place.span.start && place.span.end <= one.place.end
    });
    at_place.map(|one| &one.package).or_else(|| finding.packages.first())
}

/// A place in a manifest.
struct Case<'c> {
    text: &'c str,
    at: &'c Span,
    package: Option<&'c PackageRef>,
}

impl Case<'_> {
    fn replaced(&self, span: Span, by: &str) -> String {
        let mut text = self.text.to_owned();
        text.replace_range(span, by);
        text
    }
}

/// The title and the text of a plan that changes something and breaks nothing.
fn planned(
    make: fn(&Case<'_>) -> Option<(String, String)>,
    case: &Case<'_>,
) -> Option<(String, String)> {
    if !tree::parse(case.text).1.is_empty() {
        return None;
    }
    let (title, after) = make(case)?;
    let is_whole = tree::parse(&after).1.is_empty() && after != case.text;
    is_whole.then_some((title, after))
}

/// The locked version in place of any.
fn wildcard(case: &Case<'_>) -> Option<(String, String)> {
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
fn pinned(case: &Case<'_>) -> Option<(String, String)> {
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
        // `name.git = ".."`: the rest of the key is not ours to repeat.
        return None;
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

/// Without the line of what nothing uses.
fn unused(case: &Case<'_>) -> Option<(String, String)> {
    let (root, _) = tree::parse(case.text);
    let all = tree::table(tree::table(root.get_ref(), "workspace")?, "dependencies")?;
    let at = case.at;
    let (key, value) = all.iter().find(|(key, value)| {
        key.span().start <= at.start && at.end <= value.span().end.max(key.span().end)
    })?;
    let (start, end) = (key.span().start, value.span().end);
    let line = case.text[..start].rfind('\n').map_or(0, |at| at + 1);
    let rest = &case.text[end..];
    let until = rest.find('\n').map_or(rest.len(), |at| at + 1);
    let is_alone = case.text[line..start].trim().is_empty()
        && (rest[..until].trim().is_empty() || rest[..until].trim_start().starts_with('#'));
    // A table of its own, or several dotted keys, are more than one line.
    let is_one = case.text[start..end].matches('\n').count() == 0 || value.get_ref().is_array();
    let title = format!("remove the unused workspace dependency `{}`", key.get_ref());
    (is_alone && is_one && start < value.span().start)
        .then(|| (title, case.replaced(line..end + until, "")))
}
