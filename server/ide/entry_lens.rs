//! What the entries of a policy do, above them.

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::{
    gate::Verdict,
    policy::{
        effects::{Effects, summary, unmatched},
        entries::{PolicyEntry, PolicyList, entries, key},
    },
    text::{SourceText, Span},
    verdict::sanitize,
};

/// How many entries of one line are told each by itself.
const SEVERAL: usize = 4;

/// The words above an entry, or above a line with several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryLens {
    pub(crate) span: Span,
    pub(crate) words: String,
}

/// The lenses of the policy `file`, whose text is `text` now. `moved` tells where a span of a judged
/// text stands now.
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
    let told = line.iter().filter_map(|entry| Some((*entry, Effects::combined(all, entry)?)));
    let told: Vec<_> = told.collect();
    let (first, effect) = told.first()?;
    let words = match line.len() {
        1 => effect.short(),
        // Who reads several on one line has to know which is meant.
        2..=SEVERAL => {
            let each = told.iter().map(|(entry, effect)| {
                format!("{}: {}", sanitize(&entry.subject.value), effect.short())
            });
            each.collect::<Vec<_>>().join(" · ")
        }
        many => {
            let nothing = unmatched(told.iter().map(|(_, effect)| effect));
            format!(
                "{many} entries{}",
                nothing.map(|words| format!(", {words}")).unwrap_or_default()
            )
        }
    };
    Some(EntryLens { span: first.span.clone(), words })
}

/// Lists whose entries look away or speak of packages. An entry of the others says itself what it is.
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
    let words = summary(PolicyList::License, entries, all)?;
    Some(EntryLens { span, words })
}
