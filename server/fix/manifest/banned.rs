//! Removes the dependency that is banned, or that brings a banned package. The code that uses it has to
//! change, too, so this is offered and never done unasked.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;

use super::{CheckedTexts, FixKind, ManifestPlan, shared::path_to_dependency};
use crate::{
    fix::document::{TomlDocument, TomlStep},
    gate::Texts as _,
    text::SourceText,
    verdict::{Finding, PackageRef, ResolvedDependency},
};

/// How many dependencies are tried: each is resolved by cargo.
const MAX_PLANS: usize = 8;

/// A manifest without a dependency.
struct RemovedDependency {
    file: Utf8PathBuf,
    after: SourceText,
    title: String,
}

/// The plans for a banned package: one for each dependency that brings it, and one for all.
pub(super) fn plans(finding: &Finding, current: CheckedTexts<'_>) -> Vec<ManifestPlan> {
    let Some(banned) = finding.packages.first() else { return Vec::new() };
    // The first package of a path is a member, the second its dependency.
    let direct = finding.paths.iter().filter_map(|path| path.get(1));
    let direct: BTreeSet<&PackageRef> = direct.chain([banned]).collect();
    let declared = current.verdict.declared.iter().filter(|one| direct.contains(&one.package));
    let mut removed: Vec<RemovedDependency> = Vec::new();
    for one in declared {
        if removed.len() < MAX_PLANS {
            removed.extend(without(one, banned, current));
        }
    }
    // A manifest is changed once.
    let mut files = BTreeSet::new();
    let is_one_each = removed.iter().all(|one| files.insert(&one.file));
    let all = (removed.len() > 1 && is_one_each).then(|| ManifestPlan {
        kind: FixKind::Removal,
        title: format!("remove every dependency that brings the banned `{}`", banned.name),
        after: removed.iter().map(|one| (one.file.clone(), one.after.clone())).collect(),
    });
    let each = removed.into_iter().map(|one| ManifestPlan {
        kind: FixKind::Removal,
        title: one.title,
        after: [(one.file, one.after)].into(),
    });
    each.chain(all).collect()
}

fn without(
    dependency: &ResolvedDependency,
    banned: &PackageRef,
    current: CheckedTexts<'_>,
) -> Option<RemovedDependency> {
    let text = current.texts.read(&dependency.file).ok();
    // A changed text is checked again first.
    let text = text.filter(|text| *text == dependency.text)?;
    let document = TomlDocument::read(text.as_str())?;
    let steps = path_to_dependency(&document, dependency.key.start)?;
    let Some(TomlStep::Key(key)) = steps.last() else { return None };
    // Members inherit it.
    if matches!(steps.first(), Some(TomlStep::Key(first)) if first == "workspace") {
        return None;
    }
    let after = SourceText::new(&document.without_key(&steps)?.text);
    let title = if dependency.package == *banned {
        format!("remove the banned dependency `{key}`")
    } else {
        format!("remove the dependency `{key}`, which brings the banned `{}`", banned.name)
    };
    Some(RemovedDependency { file: dependency.file.to_path_buf(), after, title })
}
