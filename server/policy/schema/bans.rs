//! `[bans]`: which packages, versions and features may be in the graph.

mod build;

use super::{
    EntryForm, FREE_TEXT, KeyStatus, LEVEL, SCOPE, SchemaChoice, SchemaKey, SchemaTable,
    StringKind, ValueType, key,
};
use build::BUILD;

pub(super) const BANS: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
    own: &[
        MULTIPLE,
        MULTIPLE_DEV,
        WILDCARDS,
        WILDCARD_PATHS,
        DENY,
        ALLOW,
        ALLOW_WORKSPACE,
        SKIP,
        SKIP_TREE,
        FEATURES,
        EXTERNAL_DEFAULTS,
        WORKSPACE_DEFAULTS,
        WORKSPACE_DEPENDENCIES,
        STD_REPLACEMENTS,
        BUILD,
        HIGHLIGHT,
        ALLOW_BUILD_SCRIPTS,
    ],
};

const PACKAGE: SchemaTable = SchemaTable { form: EntryForm::PackageAndReason, own: &[] };

const PACKAGES: ValueType = ValueType::List(&ValueType::Either(StringKind::Package, &PACKAGE));

const MULTIPLE: SchemaKey =
    key("multiple-versions", LEVEL, "The level for packages with several versions in the graph.")
        .default("\"warn\"")
        .example("[bans]\nmultiple-versions = \"deny\"\n");

const MULTIPLE_DEV: SchemaKey = key(
    "multiple-versions-include-dev",
    ValueType::Bool,
    "Counts versions that only development dependencies need, too.",
)
.default("false")
.example("[bans]\nmultiple-versions-include-dev = true\n");

const WILDCARDS: SchemaKey = key(
    "wildcards",
    LEVEL,
    "The level for dependencies of local packages with the requirement `*` or without one.",
)
.default("\"allow\"")
.example("[bans]\nwildcards = \"deny\"\n");

const WILDCARD_PATHS: SchemaKey = key(
    "allow-wildcard-paths",
    ValueType::Bool,
    "Allows path dependencies without a version in unpublished packages, whatever `wildcards` is.",
)
.default("false")
.example("[bans]\nwildcards = \"deny\"\nallow-wildcard-paths = true\n");

const DENIED: SchemaTable = SchemaTable { form: EntryForm::Package, own: &[
        key(
            "wrappers",
            ValueType::List(&ValueType::Text(StringKind::PackageName)),
            "Packages that may depend on it directly. Other dependents are reported, and wrappers that do not depend on it.",
        )
        .absent("no package may depend on it")
        .example("[bans]\ndeny = [{ crate = \"openssl-sys\", wrappers = [\"openssl\"] }]\n"),
        key(
            "deny-multiple-versions",
            ValueType::Bool,
            "Allows the package, but only one version of it. Cannot be combined with `wrappers`.",
        )
        .default("false")
        .example("[bans]\ndeny = [{ crate = \"windows-sys\", deny-multiple-versions = true }]\n"),
        key("use-instead", FREE_TEXT, "The replacement: a package name or a URL.")
            .example("[bans]\ndeny = [{ crate = \"lazy_static\", use-instead = \"std::sync::LazyLock\" }]\n"),
        key("reason", FREE_TEXT, "Why it is banned; shown with the finding.")
            .example("[bans]\ndeny = [{ crate = \"openssl-sys\", reason = \"we use rustls\" }]\n"),
    ] };

const DENY: SchemaKey = key(
    "deny",
    ValueType::List(&ValueType::Either(StringKind::Package, &DENIED)),
    "Packages that are not allowed in the graph.",
)
.default("[]")
.example("[bans]\ndeny = [{ crate = \"openssl-sys\", wrappers = [\"openssl\"], reason = \"we use rustls\" }]\n");

const ALLOW: SchemaKey = key(
    "allow",
    PACKAGES,
    "The only packages that are allowed in the graph. If empty, all are allowed.",
)
.default("[]")
.example("[bans]\nallow = [\"serde\", { crate = \"time@0.3\", reason = \"reviewed\" }]\n");

const ALLOW_WORKSPACE: SchemaKey =
    key("allow-workspace", ValueType::Bool, "Allows workspace members that are not in `allow`.")
        .default("false")
        .example("[bans]\nallow = [\"serde\"]\nallow-workspace = true\n")
        .since("0.19.0");

const SKIP: SchemaKey = key(
    "skip",
    PACKAGES,
    "Versions to exclude from the check for `multiple-versions`.",
)
.default("[]")
.example(
    "[bans]\nskip = [{ crate = \"syn@1\", reason = \"until every derive macro uses syn 2\" }]\n",
);

const SKIPPED_TREE: SchemaTable = SchemaTable {
    form: EntryForm::Package,
    own: &[
        key(
            "depth",
            ValueType::Integer,
            "How many levels of dependencies are skipped; 0 skips only the package itself.",
        )
        .absent("all levels")
        .example("[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", depth = 1 }]\n"),
        key("reason", FREE_TEXT, "Why it is skipped.").example(
            "[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", reason = \"old tools\" }]\n",
        ),
    ],
};

const SKIP_TREE: SchemaKey = key(
    "skip-tree",
    ValueType::List(&ValueType::Either(StringKind::Package, &SKIPPED_TREE)),
    "Packages to exclude from the check for `multiple-versions`, together with their dependencies. Excludes more than \
     `skip`.",
)
.default("[]")
.example("[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", depth = 2, reason = \"old tools\" }]\n");

const FEATURE_BAN: SchemaTable = SchemaTable { form: EntryForm::Package, own: &[
        key(
            "allow",
            ValueType::List(&ValueType::Text(StringKind::Feature)),
            "The only features that are allowed. If empty, all are allowed.",
        )
        .default("[]")
        .example("[bans]\nfeatures = [{ crate = \"serde\", allow = [\"std\", \"derive\"] }]\n"),
        key("deny", ValueType::List(&ValueType::Text(StringKind::Feature)), "Features that are not allowed.")
            .default("[]")
            .example("[bans]\nfeatures = [{ crate = \"reqwest\", deny = [\"native-tls\"] }]\n"),
        key("exact", ValueType::Bool, "Requires every feature in `allow`.")
            .default("false")
            .example("[bans]\nfeatures = [{ crate = \"serde\", allow = [\"std\"], exact = true }]\n"),
        key("reason", FREE_TEXT, "Why; shown with the finding.")
            .example("[bans]\nfeatures = [{ crate = \"reqwest\", deny = [\"native-tls\"], reason = \"rustls\" }]\n"),
    ] };

const FEATURES: SchemaKey = key(
    "features",
    ValueType::List(&ValueType::Table(&FEATURE_BAN)),
    "The allowed features of packages.",
)
.default("[]")
.example(
    "[[bans.features]]\ncrate = \"reqwest\"\ndeny = [\"native-tls\"]\nreason = \"we use rustls\"\n",
);

const EXTERNAL_DEFAULTS: SchemaKey = key(
    "external-default-features",
    LEVEL,
    "The level for enabled default features of packages that are not workspace members.",
)
.absent("not reported")
.example("[bans]\nexternal-default-features = \"warn\"\n");

const WORKSPACE_DEFAULTS: SchemaKey = key(
    "workspace-default-features",
    LEVEL,
    "The level for enabled default features of workspace members.",
)
.absent("not reported")
.example("[bans]\nworkspace-default-features = \"warn\"\n");

const WORKSPACE_TABLE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key(
        "duplicates",
        LEVEL,
        "The level for dependencies that several members have but do not inherit from `[workspace.dependencies]`.",
    )
    .default("\"deny\"")
    .example("[bans.workspace-dependencies]\nduplicates = \"warn\"\n"),
    key("include-path-dependencies", ValueType::Bool, "Counts path dependencies as duplicates, too.")
        .default("true")
        .example("[bans.workspace-dependencies]\ninclude-path-dependencies = false\n"),
    key(
        "unused",
        LEVEL,
        "The level for dependencies in `[workspace.dependencies]` that no member inherits.",
    )
    .default("\"deny\"")
    .example("[bans.workspace-dependencies]\nunused = \"warn\"\n"),
] };

const WORKSPACE_DEPENDENCIES: SchemaKey = key(
    "workspace-dependencies",
    ValueType::Table(&WORKSPACE_TABLE),
    "Checks that members inherit shared dependencies. The check is enabled if this table exists.",
)
.absent("not checked")
.example("[bans.workspace-dependencies]\nduplicates = \"deny\"\nunused = \"warn\"\n")
.since("0.16.0");

const STD_TABLE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key("scope", SCOPE, "The packages that are reported, by their dependents.")
        .default("\"workspace\"")
        .example("[bans.std-replacements]\nscope = \"all\"\n"),
    key("level", LEVEL, "The level for these packages.")
        .default("\"deny\"")
        .example("[bans.std-replacements]\nlevel = \"warn\"\n"),
    key(
        "rust-version",
        ValueType::Text(StringKind::RustVersion),
        "Only replacements in this Rust version are considered. Write all three parts: cargo-deny drops the last part, \
         so `1.85` would mean 1.0.",
    )
    .absent("the `rust-version` of the packages")
    .example("[bans.std-replacements]\nrust-version = \"1.85.0\"\n"),
    key("ignore", PACKAGES, "Packages that are not reported.")
        .default("[]")
        .example("[bans.std-replacements]\nignore = [{ crate = \"lazy_static\", reason = \"in a macro\" }]\n"),
    key(
        "ignore-rust-version",
        SCOPE,
        "The packages for which the `rust-version` of their dependents is ignored.",
    )
    .default("\"none\"")
    .example("[bans.std-replacements]\nignore-rust-version = \"all\"\n"),
] };

const STD_REPLACEMENTS: SchemaKey = key(
    "std-replacements",
    ValueType::Table(&STD_TABLE),
    "Checks for packages that the standard library can replace. The check is enabled if this table exists.",
)
.absent("not checked")
.example("[bans.std-replacements]\nscope = \"workspace\"\nlevel = \"warn\"\n")
.since("0.20.0");

const HIGHLIGHTS: &[SchemaChoice] = &[
    SchemaChoice { value: "simplest-path", about: "The shortest path to a duplicate." },
    SchemaChoice { value: "lowest-version", about: "The path to the lowest version." },
    SchemaChoice { value: "all", about: "Both." },
];

const HIGHLIGHT: SchemaKey = key(
    "highlight",
    ValueType::Choice(HIGHLIGHTS),
    "What cargo-deny highlights in its graphs of duplicates. Has no effect on findings.",
)
.default("\"all\"")
.example("[bans]\nhighlight = \"simplest-path\"\n");

/// A package; cargo-deny ignores all other keys in the entry.
const BUILDER: SchemaTable = SchemaTable { form: EntryForm::PackageAlone, own: &[] };

const BUILDERS: ValueType = ValueType::List(&ValueType::Either(StringKind::Package, &BUILDER));

const ALLOW_BUILD_SCRIPTS: SchemaKey = key(
    "allow-build-scripts",
    BUILDERS,
    "The only packages that may have build scripts. Ignored if `[bans.build]` exists.",
)
.absent("all packages may have build scripts")
.status(KeyStatus::Moved { since: "0.14.2", to: "bans.build.allow-build-scripts" })
.example("[bans]\nallow-build-scripts = [\"ring\"]\n");
