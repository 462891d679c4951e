//! Inlay hints after requirements: the locked version if it differs from the requirement, whether it is
//! yanked, and the newest version that satisfies the requirement.

use camino::Utf8Path;

use crate::{
    gate::Verdict,
    model::manifest::Manifest,
    text::{SourceText, Span},
    verdict::{PackageRef, Releases, ResolvedDependency, exact_spec},
};

/// Which facts are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HintOptions {
    /// The locked version, if it differs from the requirement.
    pub(crate) locked_version: bool,
    /// Whether the locked version is yanked.
    pub(crate) yanked: bool,
    /// The newest version that satisfies the requirement, if it is newer than the locked one.
    pub(crate) newest: bool,
}

/// A hint and its offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The byte offset after which it is shown.
    pub(crate) at: usize,
    /// The label: `1.2.3`, `1.2.3 yanked → 1.2.9`, `→ 1.2.9`.
    pub(crate) label: String,
    /// The tooltip, in sentences.
    pub(crate) tooltip: String,
}

/// The hints of `file` with the current `text`. `moved` maps a span of the checked text to the current text.
pub(crate) fn hints(
    file: &Utf8Path,
    text: &SourceText,
    verdict: &Verdict,
    options: HintOptions,
    moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
) -> Vec<Hint> {
    let manifest = Manifest::parse(text.as_str());
    let here = verdict.declared_in(file);
    let spec = |package: &PackageRef| exact_spec(package, verdict.folders.keys());
    let hints = here.filter_map(|one| {
        let key = moved(&one.text, &one.key)?;
        let declared = manifest.all_dependencies().find(|declared| declared.key.span == key)?;
        let requirement_now = declared.requirement.as_ref()?;
        // The versions in the index are known only for the requirement that was checked.
        let is_checked =
            one.text.as_str().get(one.location.clone()) == Some(requirement_now.value.as_str());
        let releases = one.releases.as_ref().filter(|_| is_checked);
        let (label, tooltip) =
            label_and_tooltip(one, &requirement_now.value, releases, &spec, options)?;
        // After the quote that closes the requirement.
        let end = requirement_now.span.end;
        let after = text.as_str()[end..].chars().next();
        let quote = after.filter(|c| matches!(c, '"' | '\'')).map_or(0, char::len_utf8);
        Some(Hint { at: end + quote, label, tooltip })
    });
    let mut hints: Vec<_> = hints.collect();
    hints.sort_by(|a, b| (a.at, &a.label).cmp(&(b.at, &b.label)));
    hints.dedup();
    hints
}

/// The label and tooltip of one dependency; `None` if there is nothing to show.
fn label_and_tooltip(
    declared: &ResolvedDependency,
    requirement: &str,
    releases: Option<&Releases>,
    spec: &dyn Fn(&PackageRef) -> String,
    options: HintOptions,
) -> Option<(String, String)> {
    let (name, version) = (&declared.package.name, declared.package.version.to_string());
    let is_in_requirement = requirement.trim_start_matches(['=', '^', '~', ' ']) == version;
    let locked = options.locked_version && !is_in_requirement;
    let yanked = options.yanked && releases.is_some_and(|releases| releases.yanked);
    let newest = releases.and_then(|releases| releases.newest.as_ref()).filter(|_| options.newest);
    let mut label = Vec::new();
    if locked {
        label.push(version.clone());
    }
    if yanked {
        label.push("yanked".to_owned());
    }
    label.extend(newest.map(|newest| format!("→ {newest}")));
    if label.is_empty() {
        return None;
    }
    let mut tooltip = format!("{name} {version} is locked");
    if yanked {
        tooltip.push_str(" and yanked");
    }
    if let Some(newest) = newest {
        tooltip.push_str(&format!(
            "; the newest version that satisfies the requirement is {newest}: \
             run `cargo update -p {}` to upgrade",
            spec(&declared.package)
        ));
    }
    if yanked || newest.is_some() {
        tooltip.push_str(" (according to cargo's copy of the index)");
    }
    Some((label.join(" "), tooltip))
}
