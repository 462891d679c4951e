//! `[graph]`: which packages are looked at.

use super::{Form, Key, Table, Text, Value, key};

pub(super) const GRAPH: Table = Table {
    form: Form::Plain,
    own: &[
        TARGETS,
        EXCLUDE,
        ALL_FEATURES,
        NO_DEFAULT_FEATURES,
        FEATURES,
        EXCLUDE_DEV,
        EXCLUDE_UNPUBLISHED,
    ],
};

const TARGET: Table = Table { form: Form::Plain, own: &[
    key("triple", Value::Text(Text::Triple), "The target, as `rustc --print target-list` names it.")
        .required()
        .example("[graph]\ntargets = [{ triple = \"wasm32-unknown-unknown\" }]\n"),
    key(
        "features",
        Value::List(&Value::Text(Text::TargetFeature)),
        "Target features that are on when you build for it, so that `cfg(target_feature = \"..\")` holds.",
    )
    .default("[]")
    .example(
        "[graph]\ntargets = [{ triple = \"wasm32-unknown-unknown\", features = [\"atomics\"] }]\n",
    ),
] };

pub(super) const TARGETS: Key = key(
    "targets",
    Value::List(&Value::Either(Text::Triple, &TARGET)),
    "The targets that you build for. Dependencies for other platforms are left out of every check. \
     Without it the dependencies for all platforms are looked at.",
)
.default("[]")
.example("[graph]\ntargets = [\"x86_64-unknown-linux-gnu\", \"aarch64-apple-darwin\"]\n");

pub(super) const EXCLUDE: Key = key(
    "exclude",
    Value::List(&Value::Text(Text::PackageId)),
    "Packages that are cut out of the graph, together with everything that only they bring. No \
     check sees them any more, so that this hides more than `bans.skip` or an ignored advisory.",
)
.default("[]")
.example("[graph]\nexclude = [\"some-tool\"]\n");

pub(super) const FEATURES: Key = key(
    "features",
    Value::List(&Value::Text(Text::OwnFeature)),
    "Features of your own packages that are on, as with cargo's `--features`. Features on the command line \
     replace them.",
)
.default("[]")
.example("[graph]\nfeatures = [\"tls\"]\n");

pub(super) const ALL_FEATURES: Key = key(
    "all-features",
    Value::Bool,
    "All features of your own packages are on, as with cargo's `--all-features`. Once true, the command line \
     cannot turn it off.",
)
.default("false")
.example("[graph]\nall-features = true\n");

pub(super) const NO_DEFAULT_FEATURES: Key = key(
    "no-default-features",
    Value::Bool,
    "Default features of your own packages are off, as with cargo's `--no-default-features`.",
)
.default("false")
.example("[graph]\nno-default-features = true\n");

pub(super) const EXCLUDE_DEV: Key =
    key("exclude-dev", Value::Bool, "Development dependencies are left out of every check.")
        .default("false")
        .example("[graph]\nexclude-dev = true\n");

const EXCLUDE_UNPUBLISHED: Key = key(
    "exclude-unpublished",
    Value::Bool,
    "Members with `publish = false` are left out, and all other members are judged, also where \
     only one package would have been.",
)
.default("false")
.example("[graph]\nexclude-unpublished = true\n");
