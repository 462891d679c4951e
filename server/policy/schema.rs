//! The schema of a policy: every table and key that cargo-deny 0.20.2 accepts.
//!
//! Completion, hover, `explain`, the JSON Schema and the page `server/docs/deny-toml.md` are generated
//! from it. `schema/accepted.rs` tests it against cargo-deny. The descriptions are ours; text between
//! backticks is code ([`pieces`]).

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
mod probes;
mod root;
mod sources;

pub use json::json_schema;
pub use page::page;
pub use probes::{SchemaProbe, probes};
pub(crate) use root::{EXCEPTIONS, POLICY};

/// The version of cargo-deny that the schema describes.
pub(crate) const CARGO_DENY: &str = "0.20.2";

/// A table of the policy, or an entry of a list.
#[derive(Debug)]
pub(crate) struct SchemaTable {
    /// Its keys without those of its form
    own: &'static [SchemaKey],
    pub(crate) form: EntryForm,
}

/// The keys that all tables of a form have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryForm {
    /// None
    Plain,
    /// `crate`, or `name` and `version`
    Package,
    /// The same and `reason`; with a `reason`, cargo-deny ignores unknown keys
    PackageAndReason,
    /// The same as `Package`; cargo-deny ignores unknown keys
    PackageAlone,
    /// `id`, or the same as `Package`, and `reason`
    Ignore,
}

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaKey {
    pub(crate) name: &'static str,
    pub(crate) value: ValueType,
    /// The description, in full sentences
    pub(crate) about: &'static str,
    /// The default as a TOML value
    pub(crate) default: Option<&'static str>,
    /// The default in words, if it is not a value; a fragment
    pub(crate) absent: Option<&'static str>,
    /// A complete policy with this key
    pub(crate) example: &'static str,
    pub(crate) status: KeyStatus,
    /// Whether cargo-deny rejects the table without it
    pub(crate) required: bool,
    /// The first version of cargo-deny that accepts it with its present values; `None` if that is
    /// older than 0.14, or not known.
    pub(crate) since: Option<&'static str>,
}

/// Whether a key is still in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyStatus {
    Current,
    /// Accepted with a warning
    Moved {
        /// The version of cargo-deny that moved it.
        since: &'static str,
        /// The new path, with dots.
        to: &'static str,
    },
    /// Rejected
    Removed {
        /// The first version of cargo-deny that rejects it.
        since: &'static str,
        /// What to do instead, a fragment.
        instead: &'static str,
    },
    /// Accepted, but without effect
    NoEffect {
        /// The reason, a fragment.
        why: &'static str,
    },
}

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ValueType {
    Bool,
    Integer,
    /// A number with a decimal point; cargo-deny rejects integers
    Float,
    Text(StringKind),
    /// One of these strings
    Choice(&'static [SchemaChoice]),
    List(&'static ValueType),
    Table(&'static SchemaTable),
    /// A string, or a table with more keys
    Either(StringKind, &'static SchemaTable),
    /// Any value
    Anything,
}

/// A possible value of a key.
#[derive(Debug)]
pub(crate) struct SchemaChoice {
    pub(crate) value: &'static str,
    pub(crate) about: &'static str,
}

/// The meaning of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StringKind {
    /// Free text
    FreeText,
    /// `name`, `name@version`, `name:requirement`
    Package,
    PackageName,
    /// A requirement as in `Cargo.toml`.
    Requirement,
    /// An advisory id
    Advisory,
    /// An advisory id, or a package spec
    AdvisoryOrPackage,
    /// A package as `cargo pkgid` writes it.
    PackageId,
    /// A license, perhaps with an exception.
    License,
    /// An SPDX expression.
    Expression,
    Triple,
    TargetFeature,
    /// A feature of the workspace members
    OwnFeature,
    /// A feature of the package of the entry
    Feature,
    Registry,
    /// The name of a registry in cargo's configuration
    RegistryName,
    Git,
    /// A prefix of the URLs of git repositories
    GitPrefix,
    Organization(Host),
    DatabaseUrl,
    Folder,
    /// `P90D`
    Duration,
    RustVersion,
    /// The path of a license text in the package of the entry
    LicensePath,
    /// The path of a file in the package of the entry
    Path,
    /// A glob for such paths
    Glob,
    /// A file extension without the dot
    Extension,
    /// 64 hexadecimal digits
    Sha256,
}

/// The host of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    GitHub,
    GitLab,
    Bitbucket,
}

/// A part of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextPiece<'w> {
    Text(&'w str),
    Code(&'w str),
}

/// The levels of a check.
const LEVELS: &[SchemaChoice] = &[
    SchemaChoice { value: "allow", about: "Not reported, or only as a note." },
    SchemaChoice { value: "warn", about: "Reported as a warning; the check passes." },
    SchemaChoice { value: "deny", about: "Reported as an error; the check fails." },
];

const LEVEL: ValueType = ValueType::Choice(LEVELS);

/// The packages that are reported, by their dependents.
const SCOPES: &[SchemaChoice] = &[
    SchemaChoice { value: "all", about: "All packages in the graph." },
    SchemaChoice { value: "workspace", about: "Direct dependencies of workspace members." },
    SchemaChoice {
        value: "transitive",
        about: "Dependencies of packages that are not workspace members.",
    },
    SchemaChoice { value: "none", about: "No packages." },
];

const SCOPE: ValueType = ValueType::Choice(SCOPES);

const FREE_TEXT: ValueType = ValueType::Text(StringKind::FreeText);

/// Splits a description at its backticks.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = TextPiece<'_>> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(
        |(index, part)| if index % 2 == 0 { TextPiece::Text(part) } else { TextPiece::Code(part) },
    )
}

/// A key without a default and example.
const fn key(name: &'static str, value: ValueType, about: &'static str) -> SchemaKey {
    let status = KeyStatus::Current;
    SchemaKey {
        name,
        value,
        about,
        default: None,
        absent: None,
        example: "",
        status,
        required: false,
        since: None,
    }
}

impl SchemaKey {
    const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// Sets the default as a TOML value.
    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// Sets the default in words.
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

    /// Whether completion suggests it.
    pub(crate) fn is_current(&self) -> bool {
        self.status == KeyStatus::Current
    }

    /// The possible value with this name.
    pub(crate) fn choice(&self, value: &str) -> Option<&'static SchemaChoice> {
        self.value.choices().iter().find(|choice| choice.value == value)
    }

    /// What the user should know about the status of the key, a fragment.
    pub(crate) fn status_note(&self) -> Option<String> {
        match self.status {
            KeyStatus::Current => None,
            KeyStatus::Moved { since, to } => {
                Some(format!("deprecated since cargo-deny {since}: use `{to}`"))
            }
            KeyStatus::Removed { since, instead } => {
                Some(format!("removed in cargo-deny {since}: {instead}"))
            }
            KeyStatus::NoEffect { why } => Some(format!("has no effect: {why}")),
        }
    }
}

impl ValueType {
    /// The possible values.
    pub(crate) fn choices(self) -> &'static [SchemaChoice] {
        match self {
            Self::Choice(choices) => choices,
            _ => &[],
        }
    }

    /// The schema of the table, or of the tables in the list.
    pub(crate) fn table(self) -> Option<&'static SchemaTable> {
        match self {
            Self::Table(table) | Self::Either(_, table) => Some(table),
            Self::List(item) => item.table(),
            _ => None,
        }
    }

    /// Whether it can be written with a header: `[x]`, or `[[x]]` for a list.
    pub(crate) fn has_header(self) -> bool {
        match self {
            Self::Table(_) => true,
            Self::List(item) => item.table().is_some(),
            _ => false,
        }
    }

    /// The type in words, a fragment.
    pub(crate) fn description(self) -> String {
        self.describe(false)
    }

    fn describe(self, plural: bool) -> String {
        let one = |one: &str, more: &str| if plural { more.to_owned() } else { one.to_owned() };
        match self {
            Self::Bool => one("`true` or `false`", "`true` or `false`"),
            Self::Integer => one("an integer", "integers"),
            Self::Float => one("a number with a decimal point", "numbers with a decimal point"),
            Self::Text(text) => one(text.names().0, text.names().1),
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
            Self::List(item) => format!("{} of {}", one("a list", "lists"), item.describe(true)),
            Self::Table(_) => one("a table", "tables"),
            Self::Either(text, _) => {
                let names = text.names();
                format!("{} or {}", one(names.0, names.1), one("a table", "tables"))
            }
            Self::Anything => one("anything", "anything"),
        }
    }
}

impl StringKind {
    /// Singular and plural.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::FreeText => ("a string", "strings"),
            Self::Package => ("a package spec", "package specs"),
            Self::PackageName => ("a package name", "package names"),
            Self::Requirement => ("a version requirement", "version requirements"),
            Self::Advisory => ("an advisory id", "advisory ids"),
            Self::AdvisoryOrPackage => {
                ("an advisory id or a package spec", "advisory ids, package specs")
            }
            Self::PackageId => ("a package id", "package ids"),
            Self::License => ("an SPDX license", "SPDX licenses"),
            Self::Expression => ("an SPDX expression", "SPDX expressions"),
            Self::Triple => ("a target triple", "target triples"),
            Self::TargetFeature => ("a target feature", "target features"),
            Self::OwnFeature | Self::Feature => ("a feature", "features"),
            Self::Registry => ("a registry URL", "registry URLs"),
            Self::RegistryName => ("a registry name", "registry names"),
            Self::Git => ("a git repository URL", "git repository URLs"),
            Self::GitPrefix => ("a URL prefix", "URL prefixes"),
            Self::Organization(_) => ("an organization", "organizations"),
            Self::DatabaseUrl => ("an advisory database URL", "advisory database URLs"),
            Self::Folder => ("a folder", "folders"),
            Self::Duration => ("a duration", "durations"),
            Self::RustVersion => ("a Rust version", "Rust versions"),
            Self::LicensePath | Self::Path => ("a path in the package", "paths in the package"),
            Self::Glob => ("a glob", "globs"),
            Self::Extension => ("a file extension", "file extensions"),
            Self::Sha256 => ("a SHA-256 hash in hex", "SHA-256 hashes in hex"),
        }
    }
}

impl SchemaTable {
    /// Its keys, in reading order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static SchemaKey> {
        let (first, reason) = match self.form {
            EntryForm::Plain => (&[] as &[SchemaKey], &[] as &[SchemaKey]),
            EntryForm::Package | EntryForm::PackageAlone => (package::WHICH, &[] as &[SchemaKey]),
            EntryForm::PackageAndReason => (package::WHICH, package::REASON),
            EntryForm::Ignore => (package::IGNORED, package::REASON),
        };
        first.iter().chain(self.own).chain(reason)
    }

    /// The key with this name.
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
    fn path_can_pass_through_lists_of_tables() {
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
    fn descriptions_are_split_at_backticks() {
        let cut: Vec<_> = pieces("`a` and `b`.").collect();
        let code = TextPiece::Code;
        assert_eq!(cut, [code("a"), TextPiece::Text(" and "), code("b"), TextPiece::Text(".")]);
    }

    #[test]
    fn value_types_have_descriptions() {
        let description = |path: &[&str]| POLICY.at(path).expect("a key").value.description();
        assert_eq!(description(&["bans", "wildcards"]), "`\"allow\"`, `\"warn\"` or `\"deny\"`");
        assert_eq!(description(&["bans", "skip"]), "a list of package specs or tables");
        assert_eq!(description(&["licenses", "clarify"]), "a list of tables");
        assert_eq!(description(&["licenses", "allow"]), "a list of SPDX licenses");
    }

    #[test]
    fn every_key_and_choice_has_a_description() {
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
    fn moved_keys_have_a_current_path() {
        for (path, key) in POLICY.walk() {
            if let KeyStatus::Moved { to, .. } = key.status {
                let there: Vec<_> = to.split('.').collect();
                assert!(POLICY.at(&there).is_some_and(SchemaKey::is_current), "{path:?} to {to}");
            }
        }
    }
}
