//! Every table and key that cargo-deny 0.20.2 accepts in a policy, as data.
//!
//! Completion, hover, `explain`, the JSON Schema and the page `server/docs/deny-toml.md` are made
//! from these tables. `schema/accepted.rs` asks cargo-deny whether they say what it reads.
//! Words are ours; a part between backticks is code ([`pieces`]).

#[cfg(test)]
mod accepted;
mod advisories;
mod bans;
mod graph;
mod json;
mod licenses;
mod output;
mod package;
mod page;
mod root;
mod sources;

pub use json::json_schema;
pub use page::page;
pub(crate) use root::{EXCEPTIONS, POLICY};

/// The version of cargo-deny that the tables describe.
pub(crate) const CARGO_DENY: &str = "0.20.2";

/// A table, of the file or of an entry of a list.
#[derive(Debug)]
pub(crate) struct SchemaTable {
    /// What stands in it besides what its form brings.
    own: &'static [SchemaKey],
    pub(crate) form: EntryForm,
}

/// What a table says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryForm {
    /// Nothing in particular.
    Plain,
    /// Which packages it is about: `crate`, or `name` and `version`.
    Package,
    /// Which packages, and then keys that nobody knows are passed over as long as `reason` is
    /// among them, since that is all that cargo-deny looks for.
    PackageAndReason,
    /// Which packages, and every other key is passed over.
    PackageAlone,
    /// An advisory's `id`, or which packages with an optional `reason`.
    Ignore,
}

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaKey {
    pub(crate) name: &'static str,
    pub(crate) value: ValueType,
    /// What it does: whole sentences.
    pub(crate) about: &'static str,
    /// What holds where it is absent, in TOML; `None` where that is no value.
    pub(crate) default: Option<&'static str>,
    /// What holds where it is absent and that is no value, a fragment.
    pub(crate) absent: Option<&'static str>,
    /// A whole policy that has it.
    pub(crate) example: &'static str,
    pub(crate) status: KeyStatus,
    /// The table is refused without it.
    pub(crate) required: bool,
}

/// Whether a key should be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyStatus {
    Current,
    /// It works, with a warning.
    Moved {
        /// The version of cargo-deny that moved it.
        since: &'static str,
        /// Its path now, with dots.
        to: &'static str,
    },
    /// It is refused.
    Removed {
        /// The version of cargo-deny that refused it first.
        since: &'static str,
        /// What to write instead: the rest of a sentence.
        instead: &'static str,
    },
    /// It is read and does nothing.
    NoEffect {
        /// Why, the rest of a sentence.
        why: &'static str,
    },
}

/// What may stand behind a key or in a list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ValueType {
    Bool,
    Integer,
    /// A number with a decimal point: cargo-deny takes no integer for it.
    Float,
    Text(StringKind),
    /// One of these, in quotes.
    Choice(&'static [SchemaChoice]),
    List(&'static ValueType),
    Table(&'static SchemaTable),
    /// A string or a table that can say more.
    Either(StringKind, &'static SchemaTable),
    /// It is not looked at.
    Anything,
}

/// One of the values of a key.
#[derive(Debug)]
pub(crate) struct SchemaChoice {
    pub(crate) value: &'static str,
    pub(crate) about: &'static str,
}

/// What a string means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StringKind {
    /// Anything.
    Words,
    /// `name`, `name@version`, `name:requirement`
    Package,
    PackageName,
    /// A requirement as in `Cargo.toml`.
    Requirement,
    /// An advisory's id.
    Advisory,
    /// An advisory's id, or a package spec.
    AdvisoryOrPackage,
    /// A package as `cargo pkgid` writes it.
    PackageId,
    /// A license, perhaps with an exception.
    License,
    /// An SPDX expression.
    Expression,
    Triple,
    TargetFeature,
    /// A feature of the workspace's own packages.
    OwnFeature,
    /// A feature of the package that the entry names.
    Feature,
    Registry,
    /// The name of a registry in cargo's configuration.
    RegistryName,
    Git,
    /// The beginning of the URLs of git repositories.
    GitPrefix,
    Organization(Host),
    DatabaseUrl,
    Folder,
    /// `P90D`
    Duration,
    RustVersion,
    /// A license text in the package that the entry names.
    LicensePath,
    /// A file in the package that the entry names.
    Path,
    /// A pattern for such files.
    Glob,
    /// A file's ending without the dot.
    Extension,
    /// 64 hexadecimal digits.
    Sha256,
}

/// Who holds the repositories of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    GitHub,
    GitLab,
    Bitbucket,
}

/// A part of our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextPiece<'w> {
    Text(&'w str),
    Code(&'w str),
}

/// The levels of a lint.
const LEVELS: &[SchemaChoice] = &[
    SchemaChoice { value: "allow", about: "Nothing is reported, or only a note." },
    SchemaChoice { value: "warn", about: "It is reported as a warning; the check succeeds." },
    SchemaChoice { value: "deny", about: "It is reported as an error; the check fails." },
];

const LEVEL: ValueType = ValueType::Choice(LEVELS);

/// Which packages something is reported for, by who depends on them.
const SCOPES: &[SchemaChoice] = &[
    SchemaChoice { value: "all", about: "Wherever the package stands in the graph." },
    SchemaChoice {
        value: "workspace",
        about: "Where a member of the workspace depends on the package directly.",
    },
    SchemaChoice {
        value: "transitive",
        about: "Where a package that is no member of the workspace depends on it.",
    },
    SchemaChoice { value: "none", about: "Nowhere." },
];

const SCOPE: ValueType = ValueType::Choice(SCOPES);

const WORDS: ValueType = ValueType::Text(StringKind::Words);

/// Our words, cut at the backticks.
pub(crate) fn pieces(words: &str) -> impl Iterator<Item = TextPiece<'_>> {
    let parts = words.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(index, part)| if index % 2 == 0 { TextPiece::Text(part) } else { TextPiece::Code(part) })
}

/// A key with a value that is mostly left at its default.
const fn key(name: &'static str, value: ValueType, about: &'static str) -> SchemaKey {
    let status = KeyStatus::Current;
    SchemaKey { name, value, about, default: None, absent: None, example: "", status, required: false }
}

impl SchemaKey {
    /// What holds where it is absent, in TOML.
    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// What holds where it is absent, in words.
    const fn absent(mut self, absent: &'static str) -> Self {
        self.absent = Some(absent);
        self
    }

    const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn status(mut self, status: KeyStatus) -> Self {
        self.status = status;
        self
    }

    /// Whether somebody who writes a policy should be offered it.
    pub(crate) fn is_current(&self) -> bool {
        self.status == KeyStatus::Current
    }

    /// The value of that name, where it is one of several.
    pub(crate) fn choice(&self, value: &str) -> Option<&'static SchemaChoice> {
        self.value.choices().iter().find(|choice| choice.value == value)
    }

    /// What its standing means for who has written it, the end of a sentence.
    pub(crate) fn status_note(&self) -> Option<String> {
        match self.status {
            KeyStatus::Current => None,
            KeyStatus::Moved { since, to } => {
                Some(format!("deprecated since cargo-deny {since}: write `{to}`"))
            }
            KeyStatus::Removed { since, instead } => {
                Some(format!("refused since cargo-deny {since}: {instead}"))
            }
            KeyStatus::NoEffect { why } => Some(format!("has no effect: {why}")),
        }
    }
}

impl ValueType {
    /// The values it is one of.
    pub(crate) fn choices(self) -> &'static [SchemaChoice] {
        match self {
            Self::Choice(choices) => choices,
            _ => &[],
        }
    }

    /// The table that it is or may be, or of which it is a list.
    pub(crate) fn table(self) -> Option<&'static SchemaTable> {
        match self {
            Self::Table(table) | Self::Either(_, table) => Some(table),
            Self::List(item) => item.table(),
            _ => None,
        }
    }

    /// Whether a header of its own can hold it: `[x]`, or `[[x]]` for a list.
    pub(crate) fn has_header(self) -> bool {
        match self {
            Self::Table(_) => true,
            Self::List(item) => item.table().is_some(),
            _ => false,
        }
    }

    /// What may be written, a fragment; for several as a plural.
    pub(crate) fn words(self) -> String {
        self.said(false)
    }

    fn said(self, several: bool) -> String {
        let one = |one: &str, more: &str| if several { more.to_owned() } else { one.to_owned() };
        match self {
            Self::Bool => one("`true` or `false`", "`true` or `false`"),
            Self::Integer => one("an integer", "integers"),
            Self::Float => one("a number with a decimal point", "numbers with a decimal point"),
            Self::Text(text) => one(text.words().0, text.words().1),
            Self::Choice(choices) => {
                let mut words = String::new();
                for (index, choice) in choices.iter().enumerate() {
                    words.push_str(match index {
                        0 => "",
                        _ if index + 1 == choices.len() => " or ",
                        _ => ", ",
                    });
                    words.push_str(&format!("`\"{}\"`", choice.value));
                }
                words
            }
            Self::List(item) => format!("{} of {}", one("a list", "lists"), item.said(true)),
            Self::Table(_) => one("a table", "tables"),
            Self::Either(text, _) => {
                let words = text.words();
                format!("{} or {}", one(words.0, words.1), one("a table", "tables"))
            }
            Self::Anything => one("anything", "anything"),
        }
    }
}

impl StringKind {
    /// One of them and several.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Words => ("a string", "strings"),
            Self::Package => ("a package spec", "package specs"),
            Self::PackageName => ("a package's name", "package names"),
            Self::Requirement => ("a version requirement", "version requirements"),
            Self::Advisory => ("an advisory's id", "advisory ids"),
            Self::AdvisoryOrPackage => {
                ("an advisory's id or a package spec", "advisory ids, package specs")
            }
            Self::PackageId => ("a package id", "package ids"),
            Self::License => ("an SPDX license", "SPDX licenses"),
            Self::Expression => ("an SPDX expression", "SPDX expressions"),
            Self::Triple => ("a target triple", "target triples"),
            Self::TargetFeature => ("a target feature", "target features"),
            Self::OwnFeature | Self::Feature => ("a feature", "features"),
            Self::Registry => ("a registry's URL", "URLs of registries"),
            Self::RegistryName => ("a registry's name", "names of registries"),
            Self::Git => ("a git repository's URL", "URLs of git repositories"),
            Self::GitPrefix => ("the beginning of URLs", "beginnings of URLs"),
            Self::Organization(_) => ("an organization", "organizations"),
            Self::DatabaseUrl => ("an advisory database's URL", "URLs of advisory databases"),
            Self::Folder => ("a folder", "folders"),
            Self::Duration => ("a duration", "durations"),
            Self::RustVersion => ("a version of Rust", "versions of Rust"),
            Self::LicensePath | Self::Path => {
                ("a path below the package", "paths below the package")
            }
            Self::Glob => ("a glob", "globs"),
            Self::Extension => ("a file extension", "file extensions"),
            Self::Sha256 => ("a SHA-256 in hexadecimal digits", "SHA-256s in hexadecimal digits"),
        }
    }
}

impl SchemaTable {
    /// Its keys, in the order in which they are best read.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static SchemaKey> {
        let (first, reason) = match self.form {
            EntryForm::Plain => (&[] as &[SchemaKey], &[] as &[SchemaKey]),
            EntryForm::Package | EntryForm::PackageAlone => (package::WHICH, &[] as &[SchemaKey]),
            EntryForm::PackageAndReason => (package::WHICH, package::REASON),
            EntryForm::Ignore => (package::IGNORED, package::REASON),
        };
        first.iter().chain(self.own).chain(reason)
    }

    /// The key of that name.
    pub(crate) fn key(&self, name: &str) -> Option<&'static SchemaKey> {
        self.keys().find(|key| key.name == name)
    }

    /// The key at the end of a path, through lists of tables.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&'static SchemaKey> {
        let (first, rest) = path.split_first()?;
        let key = self.key(first)?;
        if rest.is_empty() { Some(key) } else { key.value.table()?.at(rest) }
    }

    /// Every key below, with the path to it.
    pub(crate) fn walk(&self) -> Vec<(Vec<&'static str>, &'static SchemaKey)> {
        let mut found = Vec::new();
        self.walk_below(&mut Vec::new(), &mut found);
        found
    }

    fn walk_below(
        &self,
        path: &mut Vec<&'static str>,
        found: &mut Vec<(Vec<&'static str>, &'static SchemaKey)>,
    ) {
        for key in self.keys() {
            path.push(key.name);
            found.push((path.clone(), key));
            if let Some(table) = key.value.table() {
                table.walk_below(path, found);
            }
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_lists_of_tables() {
        let path = ["licenses", "clarify", "license-files", "hash"];
        assert_eq!(POLICY.at(&path).map(|key| key.name), Some("hash"));
        assert_eq!(POLICY.at(&["bans", "skip", "name"]).map(|key| key.name), Some("name"));
        assert!(POLICY.at(&["bans", "skip", "depth"]).is_none());
        assert!(POLICY.at(&[]).is_none());
        let table = POLICY.at(&["advisories", "ignore"]).and_then(|key| key.value.table());
        let keys: Vec<_> = table.expect("a table").keys().map(|key| key.name).collect();
        assert_eq!(keys, ["id", "crate", "name", "version", "reason"]);
    }

    #[test]
    fn words_are_cut_at_backticks() {
        let cut: Vec<_> = pieces("`a` and `b`.").collect();
        let code = TextPiece::Code;
        assert_eq!(cut, [code("a"), TextPiece::Text(" and "), code("b"), TextPiece::Text(".")]);
    }

    #[test]
    fn values_are_told_in_words() {
        let words = |path: &[&str]| POLICY.at(path).expect("a key").value.words();
        assert_eq!(words(&["bans", "wildcards"]), "`\"allow\"`, `\"warn\"` or `\"deny\"`");
        assert_eq!(words(&["bans", "skip"]), "a list of package specs or tables");
        assert_eq!(words(&["licenses", "clarify"]), "a list of tables");
        assert_eq!(words(&["licenses", "allow"]), "a list of SPDX licenses");
    }

    #[test]
    fn every_key_is_described_and_its_choices_too() {
        for (path, key) in POLICY.walk().into_iter().chain(EXCEPTIONS.walk()) {
            assert!(key.about.ends_with('.'), "{path:?}: {}", key.about);
            assert_eq!(key.about.matches('`').count() % 2, 0, "{path:?}: {}", key.about);
            assert!(key.default.is_none() || key.absent.is_none(), "{path:?}");
            for choice in key.value.choices() {
                assert!(choice.about.ends_with('.'), "{path:?}: {}", choice.about);
            }
        }
    }

    #[test]
    fn what_has_moved_is_somewhere_else() {
        for (path, key) in POLICY.walk() {
            if let KeyStatus::Moved { to, .. } = key.status {
                let there: Vec<_> = to.split('.').collect();
                assert!(POLICY.at(&there).is_some_and(SchemaKey::is_current), "{path:?} to {to}");
            }
        }
    }
}
