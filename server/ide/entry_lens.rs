//! What the entries of a policy do, above them.

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::{
    gate::Verdict,
    policy::{
        effects::{Effect, Effects, counted},
        entries::{Entry, List, entries, key},
    },
    text::{SourceText, Span},
    verdict::harmless,
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
    let verdicts = verdicts.into_iter().filter(|verdict| verdict.policy.as_deref() == Some(file));
    let all: Vec<_> =
        verdicts.map(|verdict| Effects::new(&entries, file, verdict.judged(), moved)).collect();
    let mut lines: BTreeMap<u32, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_shown(entry.list)) {
        lines.entry(text.line_column(entry.span.start).line).or_default().push(entry);
    }
    let mut lenses: Vec<EntryLens> =
        lines.into_values().filter_map(|line| on_line(&line, &all)).collect();
    lenses.extend(licences(text, &entries, &all));
    lenses.sort_by_key(|lens| lens.span.start);
    lenses
}

/// The lens above a line with these entries.
fn on_line(line: &[&Entry], all: &[Effects<'_>]) -> Option<EntryLens> {
    let told = line.iter().filter_map(|entry| Some((*entry, Effects::of_all(all, entry)?)));
    let told: Vec<_> = told.collect();
    let (first, effect) = told.first()?;
    let words = match line.len() {
        1 => effect.short(),
        // Who reads several on one line has to know which is meant.
        2..=SEVERAL => {
            let each = told.iter().map(|(entry, effect)| {
                format!("{}: {}", harmless(&entry.subject.value), effect.short())
            });
            each.collect::<Vec<_>>().join(" · ")
        }
        many => format!("{many} entries{}", vain(told.iter().map(|(_, effect)| effect))),
    };
    Some(EntryLens { span: first.span.clone(), words })
}

/// `, 2 match nothing`, if there are any.
fn vain<'e>(effects: impl Iterator<Item = &'e Effect>) -> String {
    match effects.filter(|effect| effect.is_nothing()).count() {
        0 => String::new(),
        1 => ", 1 matches nothing".to_owned(),
        many => format!(", {many} match nothing"),
    }
}

/// Lists whose entries look away or speak of packages. An entry of the others says itself what it is.
fn is_shown(list: List) -> bool {
    matches!(
        list,
        List::Ignore | List::Exception | List::Clarify | List::Deny | List::Skip | List::SkipTree
    )
}

/// One lens for all allowed licences.
fn licences(text: &SourceText, entries: &[Entry], all: &[Effects<'_>]) -> Option<EntryLens> {
    let span = key(text.as_str(), &["licenses", "allow"])?;
    let listed: Vec<_> = entries.iter().filter(|entry| entry.list == List::Licence).collect();
    let effects: Vec<_> = listed.iter().filter_map(|entry| Effects::of_all(all, entry)).collect();
    if effects.is_empty() {
        return None;
    }
    let mut packages: Vec<_> = effects.iter().flat_map(|effect| &effect.packages).collect();
    packages.sort();
    packages.dedup();
    let (listed, packages) = (counted(listed.len(), "licence"), counted(packages.len(), "package"));
    let words = format!("{listed} of {packages}{}", vain(effects.iter()));
    Some(EntryLens { span, words })
}
