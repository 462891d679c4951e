//! `[graph]`: which packages are looked at.

use super::{EntryForm, SchemaKey, SchemaTable, StringKind, ValueType, key};

pub(super) const GRAPH: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
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

const TARGET: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key("triple", ValueType::Text(StringKind::Triple), "The target, as `rustc --print target-list` names it.")
        .required()
        .example("[graph]\ntargets = [{ triple = \"wasm32-unknown-unknown\" }]\n"),
    key(
        "features",
        ValueType::List(&ValueType::Text(StringKind::TargetFeature)),
        "Target features that are on when you build for it, so that `cfg(target_feature = \"..\")` holds.",
    )
    .default("[]")
    .example(
        "[graph]\ntargets = [{ triple = \"wasm32-unknown-unknown\", features = [\"atomics\"] }]\n",
    ),
] };

pub(super) const TARGETS: SchemaKey = key(
    "targets",
    ValueType::List(&ValueType::Either(StringKind::Triple, &TARGET)),
    "The targets that you build for. Dependencies for other platforms are left out of every check. \
     Without it the dependencies for all platforms are looked at.",
)
.default("[]")
.example("[graph]\ntargets = [\"x86_64-unknown-linux-gnu\", \"aarch64-apple-darwin\"]\n");

pub(super) const EXCLUDE: SchemaKey = key(
    "exclude",
    ValueType::List(&ValueType::Text(StringKind::PackageId)),
    "Packages that are cut out of the graph, together with everything that only they bring. No \
     check sees them any more, so that this hides more than `bans.skip` or an ignored advisory.",
)
.default("[]")
.example("[graph]\nexclude = [\"some-tool\"]\n");

pub(super) const FEATURES: SchemaKey = key(
    "features",
    ValueType::List(&ValueType::Text(StringKind::OwnFeature)),
    "Features of your own packages that are on, as with cargo's `--features`. Features on the command line \
     replace them.",
)
.default("[]")
.example("[graph]\nfeatures = [\"tls\"]\n");

pub(super) const ALL_FEATURES: SchemaKey = key(
    "all-features",
    ValueType::Bool,
    "All features of your own packages are on, as with cargo's `--all-features`. Once true, the command line \
     cannot turn it off.",
)
.default("false")
.example("[graph]\nall-features = true\n");

pub(super) const NO_DEFAULT_FEATURES: SchemaKey = key(
    "no-default-features",
    ValueType::Bool,
    "Default features of your own packages are off, as with cargo's `--no-default-features`.",
)
.default("false")
.example("[graph]\nno-default-features = true\n");

pub(super) const EXCLUDE_DEV: SchemaKey =
    key("exclude-dev", ValueType::Bool, "Development dependencies are left out of every check.")
        .default("false")
        .example("[graph]\nexclude-dev = true\n");

const EXCLUDE_UNPUBLISHED: SchemaKey = key(
    "exclude-unpublished",
    ValueType::Bool,
    "Members with `publish = false` are left out, and all other members are judged, also where \
     only one package would have been.",
)
.default("false")
.example("[graph]\nexclude-unpublished = true\n");
