//! The top-level tables.

use super::{
    EntryForm, KeyStatus, SchemaKey, SchemaTable, ValueType, advisories::ADVISORIES, bans::BANS,
    graph, graph::GRAPH, key, licenses, licenses::LICENSES, output, output::OUTPUT,
    sources::SOURCES,
};

/// `deny.toml`
pub(crate) static POLICY: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key("graph", ValueType::Table(&GRAPH), "Which packages are checked.")
        .absent("all packages for all platforms")
        .example("[graph]\ntargets = [\"x86_64-unknown-linux-gnu\"]\n")
        .since("0.14.12"),
    key("output", ValueType::Table(&OUTPUT), "The format of cargo-deny's reports.")
        .absent("the defaults of its keys")
        .example("[output]\nfeature-depth = 1\n")
        .since("0.14.12"),
    key(
        "advisories",
        ValueType::Table(&ADVISORIES),
        "The checks for vulnerabilities and for unmaintained, unsound and yanked packages.",
    )
    .absent("the defaults of its keys")
    .example("[advisories]\nyanked = \"deny\"\n"),
    key("licenses", ValueType::Table(&LICENSES), "Which licenses packages may have.")
        .absent("no license is allowed")
        .example("[licenses]\nallow = [\"MIT\", \"Apache-2.0\"]\n"),
    key(
        "bans",
        ValueType::Table(&BANS),
        "Which packages, versions and features may be in the graph, and which packages may run code at build time.",
    )
    .absent("the defaults of its keys")
    .example("[bans]\nmultiple-versions = \"warn\"\n"),
    key("sources", ValueType::Table(&SOURCES), "Which registries and git repositories packages may come from.")
        .absent("the defaults of its keys")
        .example("[sources]\nunknown-git = \"deny\"\n"),
    moved(graph::TARGETS, "graph.targets", "targets = [\"x86_64-unknown-linux-gnu\"]\n"),
    moved(graph::EXCLUDE, "graph.exclude", "exclude = [\"some-tool\"]\n"),
    moved(graph::FEATURES, "graph.features", "features = [\"tls\"]\n"),
    moved(graph::ALL_FEATURES, "graph.all-features", "all-features = true\n"),
    moved(graph::NO_DEFAULT_FEATURES, "graph.no-default-features", "no-default-features = true\n"),
    moved(graph::EXCLUDE_DEV, "graph.exclude-dev", "exclude-dev = true\n"),
    moved(output::FEATURE_DEPTH, "output.feature-depth", "feature-depth = 2\n"),
] };

/// `deny.exceptions.toml`
pub(crate) static EXCEPTIONS: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
    own: &[SchemaKey {
        required: true,
        default: None,
        example: "exceptions = [{ crate = \"webpki-roots@1.0.4\", allow = [\"CDLA-Permissive-2.0\"] }]\n",
        ..licenses::EXCEPTIONS
    }],
};

const fn moved(key: SchemaKey, to: &'static str, example: &'static str) -> SchemaKey {
    SchemaKey { status: KeyStatus::Moved { since: "0.14.12", to }, example, ..key }
}
