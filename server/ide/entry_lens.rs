//! What the entries of a policy do, above them.

use camino::Utf8Path;

use crate::{
    gate::Verdict,
    model::tree,
    policy::{
        effects::{Does, Effects, counted},
        entries::{Entry, List, entries},
    },
    text::{SourceText, Span},
};

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
    let mut lenses: Vec<EntryLens> = Vec::new();
    let shown = entries.iter().filter(|entry| is_shown(entry.list));
    let mut line = usize::MAX;
    for (entry, effect) in shown.filter_map(|entry| Some((entry, Effects::of_all(&all, entry)?))) {
        let starts = text.line_span(entry.span.start).start;
        match lenses.last_mut().filter(|_| starts == line) {
            // Who reads several on one line has to know which is meant.
            Some(known) => {
                known.words =
                    format!("{} · {}: {}", known.words, entry.subject.value, effect.short());
            }
            None => {
                let shares = entries.iter().any(|other| {
                    other.subject.span != entry.subject.span
                        && is_shown(other.list)
                        && text.line_span(other.span.start).start == starts
                });
                let words = effect.short();
                let words =
                    if shares { format!("{}: {words}", entry.subject.value) } else { words };
                lenses.push(EntryLens { span: entry.span.clone(), words });
            }
        }
        line = starts;
    }
    lenses.extend(licences(text, &entries, &all));
    lenses.sort_by_key(|lens| lens.span.start);
    lenses
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
    let (root, _) = tree::parse(text.as_str());
    let licences = tree::table(root.get_ref(), "licenses")?;
    let span = tree::entry(licences, "allow")?.0.span();
    let listed: Vec<_> = entries.iter().filter(|entry| entry.list == List::Licence).collect();
    let effects: Vec<_> = listed.iter().filter_map(|entry| Effects::of_all(all, entry)).collect();
    if effects.is_empty() {
        return None;
    }
    let vain = effects.iter().filter(|effect| effect.does == Does::Nothing).count();
    let mut packages: Vec<_> = effects.iter().flat_map(|effect| &effect.packages).collect();
    packages.sort();
    packages.dedup();
    let mut words =
        format!("{} of {}", counted(listed.len(), "licence"), counted(packages.len(), "package"));
    if vain > 0 {
        let verb = if vain == 1 { "matches" } else { "match" };
        words.push_str(&format!(", {vain} {verb} nothing"));
    }
    Some(EntryLens { span, words })
}
