//! Inlay hints: the locked version of a dependency whose requirement does not say it.

use camino::Utf8Path;

use crate::{
    gate::Verdict,
    model::manifest::Manifest,
    text::{SourceText, Span},
};

/// A hint and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The byte offset after which it is shown.
    pub(crate) at: usize,
    /// What it says.
    pub(crate) words: String,
}

/// The hints of `file`. `moved` tells where a span of a judged text stands now, `text` is that
/// text.
pub(crate) fn hints(
    file: &Utf8Path,
    text: &SourceText,
    verdict: &Verdict,
    moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
) -> Vec<Hint> {
    let manifest = Manifest::parse(text.as_str());
    let here = verdict.declared.iter().filter(|one| one.file == file);
    let hints = here.filter_map(|one| {
        let key = moved(&one.text, &one.key)?;
        let declared = manifest.all_declarations().find(|declared| declared.key.span == key)?;
        let written = declared.requirement.as_ref()?;
        let version = &one.package.version;
        if written.value.trim_start_matches(['=', '^', '~', ' ']) == version {
            return None;
        }
        // After the quote that closes the requirement.
        let end = written.span.end;
        let after = text.as_str()[end..].chars().next();
        let quote = after.filter(|c| matches!(c, '"' | '\'')).map_or(0, char::len_utf8);
        Some(Hint { at: end + quote, words: version.clone() })
    });
    let mut hints: Vec<_> = hints.collect();
    hints.sort_by(|a, b| (a.at, &a.words).cmp(&(b.at, &b.words)));
    hints.dedup();
    hints
}
