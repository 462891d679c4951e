//! `[sources]`: where packages may come from.

use super::{Choice, Form, Host, Key, LEVEL, Table, Text, Value, key};

pub(super) const SOURCES: Table = Table {
    form: Form::Plain,
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

const UNKNOWN_REGISTRY: Key = key(
    "unknown-registry",
    LEVEL,
    "How a package is reported from a registry that is not in `allow-registry`.",
)
.default("\"warn\"")
.example("[sources]\nunknown-registry = \"deny\"\n");

const UNKNOWN_GIT: Key = key(
    "unknown-git",
    LEVEL,
    "How a package is reported from a git repository that neither `allow-git` nor `allow-org` nor `private` \
     permits.",
)
.default("\"warn\"")
.example("[sources]\nunknown-git = \"deny\"\n");

const SPECS: &[Choice] = &[
    Choice { value: "any", about: "Nothing has to be said: the head of the repository will do." },
    Choice { value: "branch", about: "A branch, a tag or a commit has to be named." },
    Choice { value: "tag", about: "A tag or a commit has to be named." },
    Choice { value: "rev", about: "A commit has to be named." },
];

const REQUIRED_SPEC: Key = key(
    "required-git-spec",
    Value::Choice(SPECS),
    "How precisely a git dependency has to say what it means; less is an error.",
)
.absent("nothing has to be said")
.example("[sources]\nrequired-git-spec = \"rev\"\n");

const ALLOW_REGISTRY: Key = key(
    "allow-registry",
    Value::List(&Value::Text(Text::Registry)),
    "The registries that packages may come from, by the URLs of their indices. An empty list allows none, not even \
     crates.io.",
)
.default("[\"https://github.com/rust-lang/crates.io-index\"]")
.example("[sources]\nallow-registry = [\"https://github.com/rust-lang/crates.io-index\"]\n");

const ALLOW_GIT: Key = key(
    "allow-git",
    Value::List(&Value::Text(Text::Git)),
    "The git repositories that packages may come from.",
)
.default("[]")
.example("[sources]\nallow-git = [\"https://github.com/EmbarkStudios/cargo-deny\"]\n");

const ORGANISATIONS: Table = Table {
    form: Form::Plain,
    own: &[
        key(
            "github",
            Value::List(&Value::Text(Text::Organization(Host::GitHub))),
            "Organizations and users of `github.com`.",
        )
        .default("[]")
        .example("[sources.allow-org]\ngithub = [\"EmbarkStudios\"]\n"),
        key(
            "gitlab",
            Value::List(&Value::Text(Text::Organization(Host::GitLab))),
            "Groups and users of `gitlab.com`.",
        )
        .default("[]")
        .example("[sources.allow-org]\ngitlab = [\"gnome\"]\n"),
        key(
            "bitbucket",
            Value::List(&Value::Text(Text::Organization(Host::Bitbucket))),
            "Workspaces of `bitbucket.org`.",
        )
        .default("[]")
        .example("[sources.allow-org]\nbitbucket = [\"atlassian\"]\n"),
    ],
};

const ALLOW_ORG: Key = key(
    "allow-org",
    Value::Table(&ORGANISATIONS),
    "Organizations of whose git repositories all may be used.",
)
.absent("no organization is allowed as a whole")
.example("[sources]\nallow-org = { github = [\"EmbarkStudios\"] }\n");

const PRIVATE: Key = key(
    "private",
    Value::List(&Value::Text(Text::GitPrefix)),
    "Hosts, or beginnings of paths on them, all of whose git repositories may be used.",
)
.default("[]")
.example("[sources]\nprivate = [\"https://git.example.org/team\"]\n");

const UNUSED_SOURCE: Key = key(
    "unused-allowed-source",
    LEVEL,
    "How an allowed registry or git repository is reported that no package comes from.",
)
.default("\"warn\"")
.example("[sources]\nunused-allowed-source = \"allow\"\n");

const UNUSED_ORG: Key = key(
    "unused-allowed-org",
    LEVEL,
    "How an allowed organization is reported that no package comes from.",
)
.default("\"warn\"")
.example("[sources]\nunused-allowed-org = \"allow\"\n");
