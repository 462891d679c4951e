//! Inlay hints beside requirements: the locked version where the requirement does not say it,
//! whether it was yanked, and the newest version that the requirement admits.

use camino::Utf8Path;

use crate::{
    gate::Verdict,
    model::manifest::Manifest,
    text::{SourceText, Span},
    verdict::{Releases, ResolvedDependency},
};

/// Which facts are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HintOptions {
    /// The locked version, where the requirement does not say it.
    pub(crate) locked_version: bool,
    /// That the locked version was yanked.
    pub(crate) yanked: bool,
    /// The newest version that the requirement admits, where it is newer than the locked one.
    pub(crate) newest: bool,
}

/// A hint and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The byte offset after which it is shown.
    pub(crate) at: usize,
    /// What it says: `1.2.3`, `1.2.3 yanked → 1.2.9`, `→ 1.2.9`.
    pub(crate) words: String,
    /// The same in sentences.
    pub(crate) explained: String,
}

/// The hints of `file`. `moved` tells where a span of a judged text stands now, `text` is that
/// text.
pub(crate) fn hints(
    file: &Utf8Path,
    text: &SourceText,
    verdict: &Verdict,
    options: HintOptions,
    moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
) -> Vec<Hint> {
    let manifest = Manifest::parse(text.as_str());
    let here = verdict.declared.iter().filter(|one| one.file == file);
    let hints = here.filter_map(|one| {
        let key = moved(&one.text, &one.key)?;
        let declared = manifest.all_dependencies().find(|declared| declared.key.span == key)?;
        let written = declared.requirement.as_ref()?;
        // What the index says is about the requirement that was judged.
        let judged = one.text.as_str().get(one.location.clone()) == Some(written.value.as_str());
        let releases = one.releases.as_ref().filter(|_| judged);
        let (words, explained) = told(one, &written.value, releases, options)?;
        // After the quote that closes the requirement.
        let end = written.span.end;
        let after = text.as_str()[end..].chars().next();
        let quote = after.filter(|c| matches!(c, '"' | '\'')).map_or(0, char::len_utf8);
        Some(Hint { at: end + quote, words, explained })
    });
    let mut hints: Vec<_> = hints.collect();
    hints.sort_by(|a, b| (a.at, &a.words).cmp(&(b.at, &b.words)));
    hints.dedup();
    hints
}

/// The short words and the sentences about one dependency; `None` when there is nothing to tell.
fn told(
    declared: &ResolvedDependency,
    requirement: &str,
    releases: Option<&Releases>,
    options: HintOptions,
) -> Option<(String, String)> {
    let (name, version) = (&declared.package.name, &declared.package.version);
    let says_it = requirement.trim_start_matches(['=', '^', '~', ' ']) == version;
    let locked = options.locked_version && !says_it;
    let yanked = options.yanked && releases.is_some_and(|releases| releases.yanked);
    let newest = releases.and_then(|releases| releases.newest.as_ref()).filter(|_| options.newest);
    let mut words = Vec::new();
    if locked {
        words.push(version.clone());
    }
    if yanked {
        words.push("yanked".to_owned());
    }
    words.extend(newest.map(|newest| format!("→ {newest}")));
    if words.is_empty() {
        return None;
    }
    let mut explained = format!("{name} {version} is locked");
    if yanked {
        explained.push_str(" and yanked");
    }
    if let Some(newest) = newest {
        explained.push_str(&format!(
            "; the newest version that satisfies the requirement is {newest}: \
             run `cargo update -p {name}@{version}` to upgrade"
        ));
    }
    if yanked || newest.is_some() {
        explained.push_str(" (according to cargo's copy of the index)");
    }
    Some((words.join(" "), explained))
}
