//! The entries of a policy's lists, with their subjects and spans. Broken entries are skipped, and so
//! are those that have no meaning for cargo-deny.

use super::{
    spec::{self, PackageSpec},
    syntax::{PolicyDocument, Statement, SyntaxLine, ValueKind, ValueNode},
};
use crate::text::{Span, Spanned};

/// A list of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PolicyList {
    /// `advisories.ignore`
    Ignore,
    /// `licenses.allow`
    License,
    /// `licenses.exceptions`
    Exception,
    /// `allow` of an exception
    ExceptionLicense,
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
    Organization,
}

impl PolicyList {
    /// The lists by their paths in the policy.
    const FIXED: [(Self, &[&str]); 18] = [
        (Self::Ignore, &["advisories", "ignore"]),
        (Self::License, &["licenses", "allow"]),
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
        (Self::Organization, &["sources", "allow-org", "github"]),
        (Self::Organization, &["sources", "allow-org", "gitlab"]),
        (Self::Organization, &["sources", "allow-org", "bitbucket"]),
    ];

    /// The list at a path of keys, if its items are entries.
    pub(crate) fn at(path: &[&str]) -> Option<Self> {
        // In `deny.exceptions.toml`, the list is at the top level.
        if path == ["exceptions"] {
            return Some(Self::Exception);
        }
        let found = Self::FIXED.iter().find(|(_, fixed)| *fixed == path);
        found.map(|(list, _)| *list)
    }

    /// The key of the list in the policy.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::ExceptionLicense => "allow",
            Self::Wrapper => "wrappers",
            _ => {
                let path = Self::FIXED.iter().find(|(list, _)| *list == self);
                path.and_then(|(_, path)| path.last()).copied().unwrap_or_default()
            }
        }
    }

    /// Whether its entries are about packages, by name and requirement.
    pub(crate) fn is_of_packages(self) -> bool {
        !matches!(
            self,
            Self::License
                | Self::ExceptionLicense
                | Self::Registry
                | Self::Git
                | Self::Organization
        )
    }

    /// Whether its entries are inside entries of another list.
    pub(super) fn is_inner(self) -> bool {
        matches!(self, Self::ExceptionLicense | Self::Wrapper)
    }

    /// Whether its entries are licenses.
    pub(crate) fn is_of_licenses(self) -> bool {
        matches!(self, Self::License | Self::ExceptionLicense)
    }
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyEntry {
    pub(crate) list: PolicyList,
    /// The whole entry: the string with its quotes, the inline table, or a `[[table]]` from its header
    /// to its last value.
    pub(crate) span: Span,
    /// An advisory id, a license, a package spec, a URL or a name.
    pub(crate) subject: Spanned<String>,
    /// The value of `version` next to `name`.
    pub(crate) version: Option<Spanned<String>>,
    /// `deny-multiple-versions = true` in an entry of `bans.deny`.
    pub(crate) about_duplicates: bool,
    /// The value of `reason`, and the span of its key.
    pub(crate) reason: Option<(Spanned<String>, Span)>,
    is_advisory: bool,
}

impl PolicyEntry {
    fn of(list: PolicyList, item: &ValueNode, subject: Spanned<String>) -> Self {
        let (version, about_duplicates, reason) = (None, false, None);
        let is_advisory = list == PolicyList::Ignore && is_id(&subject.value);
        let span = item.span.clone();
        Self { list, span, subject, version, about_duplicates, reason, is_advisory }
    }

    /// The name of its package; `None` if it is not about a package.
    pub(crate) fn package(&self) -> Option<Spanned<&str>> {
        if !self.list.is_of_packages() || self.is_advisory() {
            return None;
        }
        let name = spec::name(&self.subject.value);
        let start = self.subject.span.start;
        let span = start..(start + name.len()).min(self.subject.span.end);
        (!name.is_empty()).then_some(Spanned { value: name, span })
    }

    /// The package spec of the entry; `None` if it is not about a package or the spec is invalid.
    pub(crate) fn spec(&self) -> Option<PackageSpec> {
        self.package()?;
        match &self.version {
            Some(version) => PackageSpec::of(&self.subject.value, Some(&version.value)),
            None => PackageSpec::parse(&self.subject.value),
        }
    }

    /// Whether it is limited to certain versions of its package.
    pub(crate) fn is_versioned(&self) -> bool {
        let spec = &self.subject.value;
        self.version.is_some() || spec::name(spec).len() < spec.len()
    }

    /// Whether it is about an advisory: it has an `id`, or is a string that cargo-deny takes for an id.
    pub(crate) fn is_advisory(&self) -> bool {
        self.is_advisory
    }
}

/// Whether cargo-deny takes a string of `ignore` for an advisory id: only capitals before the first `-`
/// (`advisories::cfg`).
pub(crate) fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(kind, _)| kind.chars().all(|c| c.is_ascii_uppercase()))
}

/// All entries of a policy, ordered by their start; an entry comes before those inside of it.
pub(crate) fn entries(text: &str) -> Vec<PolicyEntry> {
    let document = PolicyDocument::read(text, None);
    let mut reader = EntryReader { text, found: Vec::new() };
    let mut header: Vec<&str> = Vec::new();
    // The current `[[table]]` with the path of its header.
    let mut open: Option<(Vec<&str>, EntryFields)> = None;
    for line in &document.lines {
        match line {
            SyntaxLine::Header(line) => {
                header = line.parts.iter().map(|part| part.name(text)).collect();
                // `[[licenses.clarify.license-files]]` is part of the entry above.
                let is_part = open
                    .as_ref()
                    .is_some_and(|(path, _)| header.len() > path.len() && header.starts_with(path));
                if is_part {
                    continue;
                }
                reader.close(open.take());
                if let Some(list) = PolicyList::at(&header).filter(|_| line.is_array) {
                    open = Some((header.clone(), EntryFields::new(list, line.span.clone())));
                }
            }
            SyntaxLine::Statement(statement) => match &mut open {
                Some((path, fields)) => {
                    fields.span.end = fields.span.end.max(statement.span.end);
                    if header == *path {
                        fields.take(text, statement);
                    }
                }
                None => reader.walk(&header, statement),
            },
        }
    }
    reader.close(open);
    let mut found = reader.found;
    found.sort_by_key(|entry| (entry.span.start, std::cmp::Reverse(entry.span.end)));
    found
}

/// The span of the first key with this path.
pub(crate) fn key(text: &str, path: &[&str]) -> Option<Span> {
    let document = PolicyDocument::read(text, None);
    let mut header: Vec<&str> = Vec::new();
    document.lines.iter().find_map(|line| match line {
        SyntaxLine::Header(line) => {
            header = line.parts.iter().map(|part| part.name(text)).collect();
            None
        }
        SyntaxLine::Statement(statement) => {
            let (below, own) = (header.iter(), statement.parts.iter().map(|part| part.name(text)));
            let is_it = below.copied().chain(own).eq(path.iter().copied());
            statement.parts.last().filter(|_| is_it).map(|part| part.span.clone())
        }
    })
}

/// The innermost entry of [`entries`] that holds `span`.
pub(crate) fn holding<'e>(entries: &'e [PolicyEntry], span: &Span) -> Option<&'e PolicyEntry> {
    let before = entries.partition_point(|entry| entry.span.start <= span.start);
    let holds = |entry: &&PolicyEntry| span.end <= entry.span.end;
    // Entries do not overlap, except for those inside of another.
    let last = entries[..before].iter().rposition(|entry| !entry.list.is_inner())?;
    entries[last..before].iter().rev().find(holds)
}

struct EntryReader<'t> {
    text: &'t str,
    found: Vec<PolicyEntry>,
}

impl<'t> EntryReader<'t> {
    /// Reads the lists in the value of a statement below `path`.
    fn walk(&mut self, path: &[&'t str], statement: &Statement) {
        let Some(value) = &statement.value else { return };
        let mut path = path.to_vec();
        path.extend(statement.parts.iter().map(|part| part.name(self.text)));
        match &value.kind {
            ValueKind::Array { items, .. } => {
                if let Some(list) = PolicyList::at(&path) {
                    for item in items {
                        self.item(list, item);
                    }
                }
            }
            ValueKind::Table { statements, .. } => {
                for statement in statements {
                    self.walk(&path, statement);
                }
            }
            ValueKind::Text(_) | ValueKind::Bare => {}
        }
    }

    fn item(&mut self, list: PolicyList, item: &ValueNode) {
        match &item.kind {
            ValueKind::Text(_) => {
                let entry =
                    string(self.text, item).map(|subject| PolicyEntry::of(list, item, subject));
                self.found.extend(entry);
            }
            ValueKind::Table { statements, .. } => {
                let mut fields = EntryFields::new(list, item.span.clone());
                for statement in statements {
                    fields.take(self.text, statement);
                }
                self.close(Some((Vec::new(), fields)));
            }
            ValueKind::Array { .. } | ValueKind::Bare => {}
        }
    }

    fn close(&mut self, open: Option<(Vec<&str>, EntryFields)>) {
        let Some((_, fields)) = open else { return };
        self.found.extend(fields.inside);
        let EntryFields { list, span, id, spec, name, version, about_duplicates, reason, .. } =
            fields;
        let is_advisory = id.is_some();
        let (subject, version) = match id.or(spec) {
            Some(subject) => (Some(subject), None),
            None => (name, version),
        };
        let entry = subject.map(|subject| PolicyEntry {
            list,
            span,
            subject,
            version,
            about_duplicates,
            reason,
            is_advisory,
        });
        self.found.extend(entry);
    }
}

/// The fields of a table in a list.
struct EntryFields {
    list: PolicyList,
    span: Span,
    id: Option<Spanned<String>>,
    spec: Option<Spanned<String>>,
    name: Option<Spanned<String>>,
    version: Option<Spanned<String>>,
    about_duplicates: bool,
    reason: Option<(Spanned<String>, Span)>,
    inside: Vec<PolicyEntry>,
}

impl EntryFields {
    fn new(list: PolicyList, span: Span) -> Self {
        let (id, spec, name, version) = (None, None, None, None);
        let (about_duplicates, reason, inside) = (false, None, Vec::new());
        Self { list, span, id, spec, name, version, about_duplicates, reason, inside }
    }

    fn take(&mut self, text: &str, statement: &Statement) {
        let [key] = &*statement.parts else { return };
        let Some(value) = &statement.value else { return };
        match (key.name(text), self.list) {
            ("id", PolicyList::Ignore) => self.id = string(text, value),
            ("crate", _) => self.spec = string(text, value),
            ("name", _) => self.name = string(text, value),
            ("version", _) => self.version = string(text, value),
            ("reason", _) => {
                let reason = string(text, value);
                self.reason = reason.map(|reason| (reason, key.span.clone()));
            }
            ("deny-multiple-versions", PolicyList::Deny) => {
                self.about_duplicates = text.get(value.span.clone()) == Some("true");
            }
            ("allow", PolicyList::Exception) => {
                self.take_inside(text, PolicyList::ExceptionLicense, value);
            }
            ("wrappers", PolicyList::Deny) => self.take_inside(text, PolicyList::Wrapper, value),
            _ => {}
        }
    }

    fn take_inside(&mut self, text: &str, list: PolicyList, value: &ValueNode) {
        let strings = value.items().iter();
        let strings = strings.filter_map(|item| Some((item, string(text, item)?)));
        self.inside.extend(strings.map(|(item, subject)| PolicyEntry::of(list, item, subject)));
    }
}

fn string(text: &str, value: &ValueNode) -> Option<Spanned<String>> {
    match &value.kind {
        ValueKind::Text(quoted) => {
            let content = text.get(quoted.inside.clone())?;
            Some(Spanned { value: content.to_owned(), span: quoted.inside.clone() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let shown = entries(text).into_iter().map(|entry| {
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
        assert_eq!(shown.collect::<Vec<_>>(), expected);
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
                "ExceptionLicense ISC in \"ISC\"",
                "Exception b in [[licenses.exceptions]]⏎allow = []⏎crate = \"b\"",
                "Deny c in { crate = \"c\", wrappers = [\"d\"] }",
                "Wrapper d in \"d\"",
            ],
        );
        check(
            "[sources]\nallow-git = [\"https://x.org/a\"]\n[sources.allow-org]\ngithub = [\"b\"]\n",
            &["Git https://x.org/a in \"https://x.org/a\"", "Organization b in \"b\""],
        );
        check(
            "exceptions = [{ crate = \"a\", allow = [] }]",
            &["Exception a in { crate = \"a\", allow = [] }"],
        );
    }

    #[test]
    fn broken_entries_do_not_hide_others() {
        check(
            "[advisories\nignore = [\"A-1\n\n[licenses]\nallow = [\"MIT\"]\n[bans]\nskip = [{ crate = }]\ndeny = [\"x\"]\n",
            &["Ignore A-1 in \"A-1", "License MIT in \"MIT\"", "Deny x in \"x\""],
        );
        check("[[bans.skip]\ncrate = \"a\"\n", &["Skip a in [[bans.skip]⏎crate = \"a\""]);
        check(
            "[[licenses.clarify]]\ncrate = \"a\"\n[[licenses.clarify.license-files]]\npath = \"L\"\n[bans]\ndeny.x = 1\n",
            &[
                "Clarify a in [[licenses.clarify]]⏎crate = \"a\"⏎[[licenses.clarify.license-files]]⏎path = \"L\"",
            ],
        );
        check("ignore", &[]);
        check("advisories = 1\nlicenses.allow = {}\n[bans]\nskip = [1, {}, [\"a\"]]", &[]);
    }

    #[test]
    fn package_name_ends_before_the_requirement() {
        let text = "[bans]\nskip = [\"a@1\", \"b:^2\", { name = \"c\" }]\n[advisories]\nignore = [\"A-1\", \"d\"]\n";
        let all = entries(text);
        let named = all.iter().filter_map(PolicyEntry::package);
        let named: Vec<_> = named.map(|name| (name.value, &text[name.span])).collect();
        assert_eq!(named, [("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    }
    #[test]
    fn id_is_an_advisory_and_crate_is_not() {
        let text =
            "[advisories]\nignore = [\"A-1\", { id = \"a-1\" }, { crate = \"A-1\" }, \"a-1\"]\n";
        let are_advisories: Vec<_> = entries(text).iter().map(PolicyEntry::is_advisory).collect();
        assert_eq!(are_advisories, [true, true, false, false]);
    }

    #[test]
    fn reasons_and_versions_are_read() {
        let text = "[bans]\nskip = [{ crate = \"a@1\", reason = \"why\" }, \"b:1\", { name = \"c\", version = \"1\" }, \"d\"]\n";
        let all = entries(text);
        let reasons: Vec<_> = all.iter().filter_map(|entry| entry.reason.as_ref()).collect();
        let (reason, key) = reasons[0];
        assert_eq!((reasons.len(), &*reason.value, &text[key.clone()]), (1, "why", "reason"));
        let versioned: Vec<_> = all.iter().map(PolicyEntry::is_versioned).collect();
        assert_eq!(versioned, [true, true, true, false]);
    }
}
