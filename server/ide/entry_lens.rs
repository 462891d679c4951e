//! Lenses above the entries of a policy: what each entry does.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use crate::{
    gate::Verdict,
    policy::{
        effects::{Effects, summary, unmatched},
        entries::{PolicyEntry, PolicyList, entries, key},
    },
    text::{SourceText, Span},
    verdict::{PackageRef, sanitize},
};

/// The maximum number of entries on one line that are described individually.
const MAX_DESCRIBED: usize = 4;

/// The title above an entry, or above a line with several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryLens {
    pub(crate) span: Span,
    pub(crate) title: String,
    /// The packages that the entries match; none for allowed licenses.
    pub(crate) packages: BTreeSet<PackageRef>,
}

/// The lenses of the policy `file` with the current `text`. `moved` maps a span of the checked text to the current text.
pub(crate) fn lenses<'v>(
    file: &Utf8Path,
    text: &SourceText,
    verdicts: impl IntoIterator<Item = &'v Verdict>,
    moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
) -> Vec<EntryLens> {
    let entries = entries(text.as_str());
    let verdicts = verdicts.into_iter().filter(|verdict| verdict.uses_policy_file(file));
    let all: Vec<_> = verdicts
        .map(|verdict| Effects::new(&entries, file, verdict.effect_input(), moved))
        .collect();
    let mut lines: BTreeMap<u32, Vec<&PolicyEntry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_shown(entry.list)) {
        lines.entry(text.line_column(entry.span.start).line).or_default().push(entry);
    }
    let mut lenses: Vec<EntryLens> =
        lines.into_values().filter_map(|line| on_line(&line, &all)).collect();
    lenses.extend(licenses(text, &entries, &all));
    lenses.sort_by_key(|lens| lens.span.start);
    lenses
}

/// The lens above a line with these entries.
fn on_line(line: &[&PolicyEntry], all: &[Effects<'_>]) -> Option<EntryLens> {
    let effects = line.iter().filter_map(|entry| Some((*entry, Effects::combined(all, entry)?)));
    let effects: Vec<_> = effects.collect();
    let (first, effect) = effects.first()?;
    let title = match line.len() {
        1 => effect.short(),
        // With several on one line, name each.
        2..=MAX_DESCRIBED => {
            let each = effects.iter().map(|(entry, effect)| {
                format!("{}: {}", sanitize(&entry.subject.value), effect.short())
            });
            each.collect::<Vec<_>>().join(" · ")
        }
        many => {
            let unmatched_summary = unmatched(effects.iter().map(|(_, effect)| effect));
            format!(
                "{many} entries{}",
                unmatched_summary.map(|title| format!(", {title}")).unwrap_or_default()
            )
        }
    };
    let packages = effects.iter().flat_map(|(_, effect)| effect.packages.iter().cloned());
    Some(EntryLens { span: first.span.clone(), title, packages: packages.collect() })
}

/// Lists whose entries suppress findings or match packages. Entries of other lists explain themselves.
fn is_shown(list: PolicyList) -> bool {
    matches!(
        list,
        PolicyList::Ignore
            | PolicyList::Exception
            | PolicyList::Clarify
            | PolicyList::Deny
            | PolicyList::Skip
            | PolicyList::SkipTree
    )
}

/// One lens for all allowed licenses.
fn licenses(text: &SourceText, entries: &[PolicyEntry], all: &[Effects<'_>]) -> Option<EntryLens> {
    let span = key(text.as_str(), &["licenses", "allow"])?;
    let title = summary(PolicyList::License, entries, all)?;
    Some(EntryLens { span, title, packages: BTreeSet::new() })
}
