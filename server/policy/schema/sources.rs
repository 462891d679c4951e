//! `[sources]`: where packages may come from.

use super::{
    EntryForm, Host, LEVEL, SchemaChoice, SchemaKey, SchemaTable, StringKind, ValueType, key,
};

pub(super) const SOURCES: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
    own: &[
        UNKNOWN_REGISTRY,
        UNKNOWN_GIT,
        REQUIRED_SPEC,
        ALLOW_REGISTRY,
        ALLOW_GIT,
        ALLOW_ORG,
        PRIVATE,
        UNUSED_SOURCE,
        UNUSED_ORG,
    ],
};

const UNKNOWN_REGISTRY: SchemaKey = key(
    "unknown-registry",
    LEVEL,
    "The level for packages from a registry that is not in `allow-registry`.",
)
.default("\"warn\"")
.example("[sources]\nunknown-registry = \"deny\"\n");

const UNKNOWN_GIT: SchemaKey = key(
    "unknown-git",
    LEVEL,
    "The level for packages from a git repository that is not in `allow-git`, `allow-org` or `private`.",
)
.default("\"warn\"")
.example("[sources]\nunknown-git = \"deny\"\n");

const SPECS: &[SchemaChoice] = &[
    SchemaChoice { value: "any", about: "No branch, tag or commit is required." },
    SchemaChoice { value: "branch", about: "Requires a branch, tag or commit." },
    SchemaChoice { value: "tag", about: "Requires a tag or commit." },
    SchemaChoice { value: "rev", about: "Requires a commit." },
];

const REQUIRED_SPEC: SchemaKey = key(
    "required-git-spec",
    ValueType::Choice(SPECS),
    "How precise the reference of a git dependency must be; a less precise one is an error.",
)
.absent("`\"any\"`")
.example("[sources]\nrequired-git-spec = \"rev\"\n");

const ALLOW_REGISTRY: SchemaKey = key(
    "allow-registry",
    ValueType::List(&ValueType::Text(StringKind::Registry)),
    "The registries that packages may come from: the URLs of their indexes. An empty list allows none, not even crates.io.",
)
.default("[\"https://github.com/rust-lang/crates.io-index\"]")
.example("[sources]\nallow-registry = [\"https://github.com/rust-lang/crates.io-index\"]\n");

const ALLOW_GIT: SchemaKey = key(
    "allow-git",
    ValueType::List(&ValueType::Text(StringKind::Git)),
    "The git repositories that packages may come from.",
)
.default("[]")
.example("[sources]\nallow-git = [\"https://github.com/EmbarkStudios/cargo-deny\"]\n");

const ORGANIZATIONS: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
    own: &[
        key(
            "github",
            ValueType::List(&ValueType::Text(StringKind::Organization(Host::GitHub))),
            "Organizations and users of `github.com`.",
        )
        .default("[]")
        .example("[sources.allow-org]\ngithub = [\"EmbarkStudios\"]\n"),
        key(
            "gitlab",
            ValueType::List(&ValueType::Text(StringKind::Organization(Host::GitLab))),
            "Groups and users of `gitlab.com`.",
        )
        .default("[]")
        .example("[sources.allow-org]\ngitlab = [\"gnome\"]\n"),
        key(
            "bitbucket",
            ValueType::List(&ValueType::Text(StringKind::Organization(Host::Bitbucket))),
            "Workspaces of `bitbucket.org`.",
        )
        .default("[]")
        .example("[sources.allow-org]\nbitbucket = [\"atlassian\"]\n"),
    ],
};

const ALLOW_ORG: SchemaKey = key(
    "allow-org",
    ValueType::Table(&ORGANIZATIONS),
    "Organizations whose git repositories are all allowed.",
)
.absent("no organization is allowed")
.example("[sources]\nallow-org = { github = [\"EmbarkStudios\"] }\n");

const PRIVATE: SchemaKey = key(
    "private",
    ValueType::List(&ValueType::Text(StringKind::GitPrefix)),
    "URL prefixes whose git repositories are all allowed.",
)
.default("[]")
.example("[sources]\nprivate = [\"https://git.example.org/team\"]\n");

const UNUSED_SOURCE: SchemaKey = key(
    "unused-allowed-source",
    LEVEL,
    "The level for allowed registries and git repositories that no package comes from.",
)
.default("\"warn\"")
.example("[sources]\nunused-allowed-source = \"allow\"\n")
.since("0.18.4");

const UNUSED_ORG: SchemaKey = key(
    "unused-allowed-org",
    LEVEL,
    "The level for allowed organizations that no package comes from.",
)
.default("\"warn\"")
.example("[sources]\nunused-allowed-org = \"allow\"\n")
.since("0.19.9");
