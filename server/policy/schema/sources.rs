//! `[sources]`: where packages may come from.

use super::{SchemaChoice, EntryForm, Host, SchemaKey, LEVEL, SchemaTable, StringKind, ValueType, key};

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
    "How a package is reported from a registry that is not in `allow-registry`.",
)
.default("\"warn\"")
.example("[sources]\nunknown-registry = \"deny\"\n");

const UNKNOWN_GIT: SchemaKey = key(
    "unknown-git",
    LEVEL,
    "How a package is reported from a git repository that neither `allow-git` nor `allow-org` nor `private` \
     permits.",
)
.default("\"warn\"")
.example("[sources]\nunknown-git = \"deny\"\n");

const SPECS: &[SchemaChoice] = &[
    SchemaChoice { value: "any", about: "Nothing has to be said: the head of the repository will do." },
    SchemaChoice { value: "branch", about: "A branch, a tag or a commit has to be named." },
    SchemaChoice { value: "tag", about: "A tag or a commit has to be named." },
    SchemaChoice { value: "rev", about: "A commit has to be named." },
];

const REQUIRED_SPEC: SchemaKey = key(
    "required-git-spec",
    ValueType::Choice(SPECS),
    "How precisely a git dependency has to say what it means; less is an error.",
)
.absent("nothing has to be said")
.example("[sources]\nrequired-git-spec = \"rev\"\n");

const ALLOW_REGISTRY: SchemaKey = key(
    "allow-registry",
    ValueType::List(&ValueType::Text(StringKind::Registry)),
    "The registries that packages may come from, by the URLs of their indices. An empty list allows none, not even \
     crates.io.",
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

const ORGANISATIONS: SchemaTable = SchemaTable {
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
    ValueType::Table(&ORGANISATIONS),
    "Organizations of whose git repositories all may be used.",
)
.absent("no organization is allowed as a whole")
.example("[sources]\nallow-org = { github = [\"EmbarkStudios\"] }\n");

const PRIVATE: SchemaKey = key(
    "private",
    ValueType::List(&ValueType::Text(StringKind::GitPrefix)),
    "Hosts, or beginnings of paths on them, all of whose git repositories may be used.",
)
.default("[]")
.example("[sources]\nprivate = [\"https://git.example.org/team\"]\n");

const UNUSED_SOURCE: SchemaKey = key(
    "unused-allowed-source",
    LEVEL,
    "How an allowed registry or git repository is reported that no package comes from.",
)
.default("\"warn\"")
.example("[sources]\nunused-allowed-source = \"allow\"\n");

const UNUSED_ORG: SchemaKey = key(
    "unused-allowed-org",
    LEVEL,
    "How an allowed organization is reported that no package comes from.",
)
.default("\"warn\"")
.example("[sources]\nunused-allowed-org = \"allow\"\n");
