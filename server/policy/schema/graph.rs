//! `[graph]`: which packages are checked.

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
        "Enabled target features, for `cfg(target_feature = \"..\")`.",
    )
    .default("[]")
    .example(
        "[graph]\ntargets = [{ triple = \"wasm32-unknown-unknown\", features = [\"atomics\"] }]\n",
    ),
] };

pub(super) const TARGETS: SchemaKey = key(
    "targets",
    ValueType::List(&ValueType::Either(StringKind::Triple, &TARGET)),
    "The targets that you build for. Dependencies for other platforms are not checked. If empty, the dependencies for all \
     platforms are checked.",
)
.default("[]")
.example("[graph]\ntargets = [\"x86_64-unknown-linux-gnu\", \"aarch64-apple-darwin\"]\n");

pub(super) const EXCLUDE: SchemaKey = key(
    "exclude",
    ValueType::List(&ValueType::Text(StringKind::PackageId)),
    "Packages to remove from the graph, together with dependencies that only they need. No check sees them, so this \
     hides more than `bans.skip` or an ignored advisory.",
)
.default("[]")
.example("[graph]\nexclude = [\"some-tool\"]\n");

pub(super) const FEATURES: SchemaKey = key(
    "features",
    ValueType::List(&ValueType::Text(StringKind::OwnFeature)),
    "Enabled features of the workspace members, like `cargo --features`. Features on the command line replace them.",
)
.default("[]")
.example("[graph]\nfeatures = [\"tls\"]\n");

pub(super) const ALL_FEATURES: SchemaKey = key(
    "all-features",
    ValueType::Bool,
    "Enables all features of the workspace members, like `cargo --all-features`. The command line cannot disable it.",
)
.default("false")
.example("[graph]\nall-features = true\n");

pub(super) const NO_DEFAULT_FEATURES: SchemaKey = key(
    "no-default-features",
    ValueType::Bool,
    "Disables the default features of the workspace members, like `cargo --no-default-features`.",
)
.default("false")
.example("[graph]\nno-default-features = true\n");

pub(super) const EXCLUDE_DEV: SchemaKey =
    key("exclude-dev", ValueType::Bool, "Excludes development dependencies from all checks.")
        .default("false")
        .example("[graph]\nexclude-dev = true\n");

const EXCLUDE_UNPUBLISHED: SchemaKey = key(
    "exclude-unpublished",
    ValueType::Bool,
    "Excludes members with `publish = false`, and checks all other members, even if only one package is selected.",
)
.default("false")
.example("[graph]\nexclude-unpublished = true\n")
.since("0.16.2");
