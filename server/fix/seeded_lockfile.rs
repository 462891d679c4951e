//! A lockfile with entries of another one, so that cargo selects the same versions in both workspaces.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::SourceText;

/// What identifies a lock entry: name, version, source.
type EntryId<'l> = (&'l str, &'l str, &'l str);

/// The entries of a lockfile, and the text before the first one.
struct LockEntries<'l> {
    head: &'l str,
    entries: BTreeMap<EntryId<'l>, &'l str>,
    tail: &'l str,
}

const START: &str = "[[package]]\n";

impl<'l> LockEntries<'l> {
    /// Splits the text of a lockfile that cargo has written, with line feeds.
    fn of(text: &'l str) -> Self {
        let (packages, tail) = match text.find("\n[[patch").or_else(|| text.find("\n[metadata]")) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let mut pieces = packages.split(START);
        let head = pieces.next().unwrap_or_default();
        let entries = pieces.filter_map(|piece| Some((id_of(piece)?, piece)));
        Self { head, entries: entries.collect(), tail }
    }

    fn ids(&self) -> BTreeSet<EntryId<'l>> {
        self.entries.keys().copied().collect()
    }

    fn text(&self) -> String {
        let mut text = self.head.to_owned();
        for entry in self.entries.values() {
            text.push_str(START);
            text.push_str(entry.trim_end());
            text.push_str("\n\n");
        }
        format!("{}\n{}", text.trim_end(), self.tail)
    }
}

fn id_of(entry: &str) -> Option<EntryId<'_>> {
    let value = |key: &str| {
        let line = entry.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line?.strip_suffix('"')
    };
    Some((value("name")?, value("version")?, value("source").unwrap_or_default()))
}

/// `locked` with the entries that `ours` has now, for those that cargo moves or adds in `plain` because of changed
/// manifests; `None` if that is the same. `before` and `ours` are the old and the new lockfile of the fixed workspace.
pub(super) fn seeded(
    locked: &SourceText,
    plain: &SourceText,
    before: &SourceText,
    ours: &SourceText,
) -> Option<SourceText> {
    let texts = [locked, plain, before, ours].map(|text| text.as_str().replace("\r\n", "\n"));
    let [locked, plain, before, ours] = texts.each_ref().map(|text| LockEntries::of(text));
    let came: BTreeSet<_> = plain.ids().difference(&locked.ids()).copied().collect();
    let gone: BTreeSet<_> = locked.ids().difference(&plain.ids()).copied().collect();
    let of_package = |ids: &BTreeSet<EntryId<'_>>, (name, _, source): EntryId<'_>| {
        ids.iter().any(|(other, _, from)| *other == name && *from == source)
    };
    // What the fixed workspace has had for long is no reason to move here.
    let new: Vec<_> = ours
        .entries
        .iter()
        .filter(|(id, _)| !before.entries.contains_key(*id) && of_package(&came, **id))
        .filter(|(id, _)| !id.2.is_empty())
        .collect();
    if new.iter().all(|(id, _)| plain.entries.contains_key(*id)) {
        return None;
    }
    let mut seeded = locked;
    for id in gone.iter().filter(|id| new.iter().any(|(one, _)| one.0 == id.0 && one.2 == id.2)) {
        seeded.entries.remove(id);
    }
    for (id, entry) in new {
        seeded.entries.entry(*id).or_insert(entry);
    }
    Some(SourceText::new(&seeded.text()))
}

/// How many entries differ.
pub(super) fn changed_entries(before: &SourceText, after: &SourceText) -> usize {
    let texts = [before, after].map(|text| text.as_str().replace("\r\n", "\n"));
    let [before, after] = texts.each_ref().map(|text| LockEntries::of(text).ids());
    before.symmetric_difference(&after).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(entries: &[&str]) -> SourceText {
        let mut text = "# generated\nversion = 4\n".to_owned();
        for entry in entries {
            let (name, version) = entry.split_once(' ').expect("a name and a version");
            let source = if name == "m" { "" } else { "source = \"registry+r\"\n" };
            text.push_str(&format!(
                "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}"
            ));
        }
        SourceText::new(&text)
    }

    #[test]
    fn moved_entries_get_the_version_of_the_other_lockfile() {
        let locked = lock(&["log 0.4.0", "m 0.1.0", "time 0.3.44"]);
        let plain = lock(&["log 0.4.0", "m 0.1.0", "num 1.1.0", "time 0.3.49"]);
        let before = lock(&["log 0.4.0", "time 0.3.44"]);
        let ours = lock(&["log 0.4.9", "num 1.0.0", "time 0.3.47"]);
        let seeded = seeded(&locked, &plain, &before, &ours).expect("it differs");
        let expected = lock(&["log 0.4.0", "m 0.1.0", "num 1.0.0", "time 0.3.47"]);
        assert_eq!(seeded.as_str(), expected.as_str());
        assert_eq!(changed_entries(&locked, &seeded), 3);
    }

    #[test]
    fn same_versions_need_no_other_lockfile() {
        let (locked, moved) =
            (lock(&["m 0.1.0", "time 0.3.44"]), lock(&["m 0.1.0", "time 0.3.47"]));
        assert!(
            seeded(&locked, &moved, &lock(&["time 0.3.44"]), &lock(&["time 0.3.47"])).is_none()
        );
    }
}
