//! The entries of a policy's lists, each with what it is about and where it stands. Text in, values
//! out; what is broken is passed over, and so is what has no meaning to cargo-deny.

use toml::de::{DeTable, DeValue};

use crate::{
    model::tree,
    text::{Span, Spanned},
};

/// Which list an entry stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum List {
    /// `advisories.ignore`
    Ignore,
    /// `licenses.allow`
    Licence,
    /// `licenses.exceptions`
    Exception,
    /// `allow` of an exception
    ExceptionLicence,
    /// `licenses.clarify`
    Clarify,
    /// `bans.allow`
    Allow,
    /// `bans.deny`
    Deny,
    /// `wrappers` of an entry of `bans.deny`
    Wrapper,
    /// `bans.skip`
    Skip,
    /// `bans.skip-tree`
    SkipTree,
    /// `bans.features`
    Features,
    /// `bans.build.bypass`
    Bypass,
    /// `bans.build.allow-build-scripts`
    BuildScript,
    /// `bans.std-replacements.ignore`
    Replacement,
    /// `sources.allow-registry`
    Registry,
    /// `sources.allow-git`
    Git,
    /// `sources.allow-org.*`
    Organisation,
}

impl List {
    /// Those at a fixed path of the policy, with it.
    const FIXED: [(Self, &[&str]); 18] = [
        (Self::Ignore, &["advisories", "ignore"]),
        (Self::Licence, &["licenses", "allow"]),
        (Self::Exception, &["licenses", "exceptions"]),
        (Self::Clarify, &["licenses", "clarify"]),
        (Self::Allow, &["bans", "allow"]),
        (Self::Deny, &["bans", "deny"]),
        (Self::Skip, &["bans", "skip"]),
        (Self::SkipTree, &["bans", "skip-tree"]),
        (Self::Features, &["bans", "features"]),
        (Self::Bypass, &["bans", "build", "bypass"]),
        (Self::BuildScript, &["bans", "build", "allow-build-scripts"]),
        (Self::BuildScript, &["bans", "allow-build-scripts"]),
        (Self::Replacement, &["bans", "std-replacements", "ignore"]),
        (Self::Registry, &["sources", "allow-registry"]),
        (Self::Git, &["sources", "allow-git"]),
        (Self::Organisation, &["sources", "allow-org", "github"]),
        (Self::Organisation, &["sources", "allow-org", "gitlab"]),
        (Self::Organisation, &["sources", "allow-org", "bitbucket"]),
    ];

    /// Whether its entries are about packages, by name and requirement.
    pub(crate) fn is_of_packages(self) -> bool {
        !matches!(
            self,
            Self::Licence
                | Self::ExceptionLicence
                | Self::Registry
                | Self::Git
                | Self::Organisation
        )
    }

    /// Whether its entries stand in those of another list.
    fn is_inner(self) -> bool {
        matches!(self, Self::ExceptionLicence | Self::Wrapper)
    }

    /// Whether its entries are licences.
    pub(crate) fn is_of_licences(self) -> bool {
        matches!(self, Self::Licence | Self::ExceptionLicence)
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) list: List,
    /// All of it: the string with its quotes, the inline table, or from the header of a `[[table]]`
    /// to its last value.
    pub(crate) span: Span,
    /// What it is about: an advisory's id, a licence, a package spec, an address, a name.
    pub(crate) subject: Spanned<String>,
    /// The requirement that stands beside a `name`.
    pub(crate) version: Option<Spanned<String>>,
    /// An entry of `bans.deny` that speaks of several versions of one package.
    pub(crate) about_duplicates: bool,
}

impl Entry {
    fn shift(&mut self, by: usize) {
        let version = self.version.as_mut().map(|version| &mut version.span);
        for span in [&mut self.span, &mut self.subject.span].into_iter().chain(version) {
            *span = span.start + by..span.end + by;
        }
    }

    /// The name of the package that it is about, and where; `None` for what is about none.
    pub(crate) fn package(&self) -> Option<Spanned<&str>> {
        if !self.list.is_of_packages() || self.is_advisory() {
            return None;
        }
        let subject = self.subject.value.as_str();
        // cargo-deny looks for the `@` first.
        let end = subject.find('@').or_else(|| subject.find(':')).unwrap_or(subject.len());
        let span =
            self.subject.span.start..(self.subject.span.start + end).min(self.subject.span.end);
        (end > 0).then(|| Spanned { value: &subject[..end], span })
    }

    /// Whether it is about an advisory: the text before the first `-` has capitals only, as
    /// cargo-deny tells ids from packages.
    pub(crate) fn is_advisory(&self) -> bool {
        self.list == List::Ignore
            && self
                .subject
                .value
                .split_once('-')
                .is_some_and(|(kind, _)| kind.chars().all(|c| c.is_ascii_uppercase()))
    }
}

/// All entries of a policy, by where they start; an entry comes before those inside of it.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let (root, errors) = tree::parse(text);
    let mut found = Vec::new();
    if errors.is_empty() {
        read(text, root.get_ref(), &mut found);
    } else {
        // What is broken reaches no further than its table.
        for table in tables(text) {
            let mut inside = read_broken(&text[table.clone()]);
            inside.iter_mut().for_each(|entry| entry.shift(table.start));
            found.append(&mut inside);
        }
    }
    found.sort_by_key(|entry| (entry.span.start, std::cmp::Reverse(entry.span.end)));
    found
}

/// The entries of a part that may be broken: those of its whole lines, and then what else the
/// parser makes of it.
fn read_broken(text: &str) -> Vec<Entry> {
    let (root, errors) = tree::parse(text);
    let mut found = Vec::new();
    if let Some(mended) = tree::without_broken_lines(text, &errors) {
        read(&mended, tree::parse(&mended).0.get_ref(), &mut found);
    }
    let mut guessed = Vec::new();
    read(text, root.get_ref(), &mut guessed);
    let is_new = |new: &Entry| {
        let apart = |old: &Entry| new.span.end <= old.span.start || old.span.end <= new.span.start;
        found.iter().all(apart)
    };
    guessed.retain(is_new);
    found.extend(guessed);
    found
}

/// The spans from each line that looks like a header to the next.
fn tables(text: &str) -> Vec<Span> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        // `[` may begin a line of an array of arrays, of which a policy has none.
        if at > 0 && line.trim_start().starts_with('[') {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(text.len());
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// The innermost entry of [`entries`] that holds `span`.
pub(crate) fn holding<'e>(entries: &'e [Entry], span: &Span) -> Option<&'e Entry> {
    let before = entries.partition_point(|entry| entry.span.start <= span.start);
    let holds = |entry: &&Entry| span.end <= entry.span.end;
    // Entries stand beside each other, or one in another.
    let last = entries[..before].iter().rposition(|entry| !entry.list.is_inner())?;
    entries[last..before].iter().rev().find(holds)
}

fn read(text: &str, root: &DeTable<'_>, found: &mut Vec<Entry>) {
    for (list, path) in List::FIXED {
        let Some((last, tables)) = path.split_last() else { continue };
        let table = tables.iter().try_fold(root, |table, key| tree::table(table, key));
        for value in table.map_or(&[][..], |table| tree::array(table, last)) {
            read_entry(text, list, value, found);
        }
    }
    // A file of exceptions has them at its top.
    for value in tree::array(root, "exceptions") {
        read_entry(text, List::Exception, value, found);
    }
}

fn read_entry(text: &str, list: List, value: &toml::Spanned<DeValue<'_>>, found: &mut Vec<Entry>) {
    if let Some(subject) = string(text, value) {
        let (version, about_duplicates) = (None, false);
        found.push(Entry { list, span: value.span(), subject, version, about_duplicates });
        return;
    }
    let Some(table) = value.get_ref().as_table() else { return };
    let key = |key| string(text, table.get(key)?);
    let id = (list == List::Ignore).then(|| key("id")).flatten();
    let (subject, version) = match id.or_else(|| key("crate")) {
        Some(subject) => (Some(subject), None),
        None => (key("name"), key("version")),
    };
    if let Some(subject) = subject {
        let about_duplicates = list == List::Deny
            && table
                .get("deny-multiple-versions")
                .is_some_and(|value| value.get_ref().as_bool() == Some(true));
        let span = extent(value);
        found.push(Entry { list, span, subject, version, about_duplicates });
    }
    let inner = match list {
        List::Exception => Some(("allow", List::ExceptionLicence)),
        List::Deny => Some(("wrappers", List::Wrapper)),
        _ => None,
    };
    if let Some((key, list)) = inner {
        for value in tree::array(table, key) {
            read_entry(text, list, value, found);
        }
    }
}

/// A string, its span without quotes, also where the last one is not written yet.
fn string(text: &str, value: &toml::Spanned<DeValue<'_>>) -> Option<Spanned<String>> {
    let mut string = tree::string_value(text, value)?;
    let raw = text.get(value.span())?;
    // The parser makes strings of keys that it did not expect.
    if !raw.starts_with(['"', '\'']) {
        return None;
    }
    let raw = text.get(string.span.clone())?;
    if raw.len() == string.value.len() + 1 && raw.ends_with(string.value.as_str()) {
        string.span.start += 1;
    }
    Some(string)
}

/// A value with all that belongs to it: the parser's span of a `[[table]]` is its header.
fn extent(value: &toml::Spanned<DeValue<'_>>) -> Span {
    let mut span = value.span();
    if let Some(table) = value.get_ref().as_table() {
        for (key, value) in table {
            span.start = span.start.min(key.span().start);
            span.end = span.end.max(extent(value).end);
        }
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let told = entries(text).into_iter().map(|entry| {
            let version = entry.version.map(|version| format!(" version {}", version.value));
            let span = text[entry.span.clone()].replace('\n', "⏎");
            assert_eq!(text.get(entry.subject.span), Some(entry.subject.value.as_str()));
            format!(
                "{:?} {}{} in {span}",
                entry.list,
                entry.subject.value,
                version.unwrap_or_default()
            )
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_form_of_an_entry_is_read() {
        check(
            "[advisories]\nignore = [\"RUSTSEC-2020-0001\", { id = 'A-1', reason = \"x\" }, \"a@1\"]\n",
            &[
                "Ignore RUSTSEC-2020-0001 in \"RUSTSEC-2020-0001\"",
                "Ignore A-1 in { id = 'A-1', reason = \"x\" }",
                "Ignore a@1 in \"a@1\"",
            ],
        );
        check(
            "[[licenses.exceptions]]\nname = \"a\"\nversion = \"1\"\nallow = [\"ISC\"]\n\n[[licenses.exceptions]]\nallow = []\ncrate = \"b\"\n# x\n[bans]\ndeny = [{ crate = \"c\", wrappers = [\"d\"] }]\n",
            &[
                "Exception a version 1 in [[licenses.exceptions]]⏎name = \"a\"⏎version = \"1\"⏎allow = [\"ISC\"]",
                "ExceptionLicence ISC in \"ISC\"",
                "Exception b in [[licenses.exceptions]]⏎allow = []⏎crate = \"b\"",
                "Deny c in { crate = \"c\", wrappers = [\"d\"] }",
                "Wrapper d in \"d\"",
            ],
        );
        check(
            "[sources]\nallow-git = [\"https://x.org/a\"]\n[sources.allow-org]\ngithub = [\"b\"]\n",
            &["Git https://x.org/a in \"https://x.org/a\"", "Organisation b in \"b\""],
        );
        check(
            "exceptions = [{ crate = \"a\", allow = [] }]",
            &["Exception a in { crate = \"a\", allow = [] }"],
        );
    }

    #[test]
    fn what_is_broken_hides_nothing_else() {
        check(
            "[advisories]\nignore = [\"A-1\n\n[licenses]\nallow = [\"MIT\"]\n[bans]\nskip = [{ crate = }]\ndeny = [\"x\"]\n",
            &["Ignore A-1 in \"A-1", "Licence MIT in \"MIT\"", "Deny x in \"x\""],
        );
        check("[[bans.skip]\ncrate = \"a\"\n", &[]);
        check("ignore", &[]);
        check("advisories = 1\nlicenses.allow = {}\n[bans]\nskip = [1, {}, [\"a\"]]", &[]);
    }

    #[test]
    fn the_package_of_an_entry_is_named_before_its_requirement() {
        let text = "[bans]\nskip = [\"a@1\", \"b:^2\", { name = \"c\" }]\n[advisories]\nignore = [\"A-1\", \"d\"]\n";
        let all = entries(text);
        let named = all.iter().filter_map(Entry::package);
        let named: Vec<_> = named.map(|name| (name.value, &text[name.span])).collect();
        assert_eq!(named, [("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    }
}
