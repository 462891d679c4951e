//! `[bans]`: which packages, versions and features may be in the graph.

mod build;

use super::{SchemaChoice, EntryForm, SchemaKey, LEVEL, SCOPE, KeyStatus, SchemaTable, StringKind, ValueType, WORDS, key};
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

const MULTIPLE: SchemaKey = key(
    "multiple-versions",
    LEVEL,
    "How it is reported that a package is in the graph in several versions.",
)
.default("\"warn\"")
.example("[bans]\nmultiple-versions = \"deny\"\n");

const MULTIPLE_DEV: SchemaKey = key(
    "multiple-versions-include-dev",
    ValueType::Bool,
    "Versions that only development dependencies bring count, too.",
)
.default("false")
.example("[bans]\nmultiple-versions-include-dev = true\n");

const WILDCARDS: SchemaKey = key(
    "wildcards",
    LEVEL,
    "How a dependency of your own packages is reported whose requirement is `*`, or which has none.",
)
.default("\"allow\"")
.example("[bans]\nwildcards = \"deny\"\n");

const WILDCARD_PATHS: SchemaKey = key(
    "allow-wildcard-paths",
    ValueType::Bool,
    "Path dependencies of packages that are not published need no version, whatever `wildcards` says.",
)
.default("false")
.example("[bans]\nwildcards = \"deny\"\nallow-wildcard-paths = true\n");

const DENIED: SchemaTable = SchemaTable { form: EntryForm::Package, own: &[
        key(
            "wrappers",
            ValueType::List(&ValueType::Text(StringKind::PackageName)),
            "Packages that may depend on it all the same, directly. When others do, or none of these does, that is \
             reported.",
        )
        .absent("no package may depend on it")
        .example("[bans]\ndeny = [{ crate = \"openssl-sys\", wrappers = [\"openssl\"] }]\n"),
        key(
            "deny-multiple-versions",
            ValueType::Bool,
            "The package may be there, but only in one version. It excludes `wrappers`.",
        )
        .default("false")
        .example("[bans]\ndeny = [{ crate = \"windows-sys\", deny-multiple-versions = true }]\n"),
        key("use-instead", WORDS, "What to use instead: a package's name or a URL.")
            .example("[bans]\ndeny = [{ crate = \"lazy_static\", use-instead = \"std::sync::LazyLock\" }]\n"),
        key("reason", WORDS, "Why it is banned, shown with the finding.")
            .example("[bans]\ndeny = [{ crate = \"openssl-sys\", reason = \"we use rustls\" }]\n"),
    ] };

const DENY: SchemaKey = key(
    "deny",
    ValueType::List(&ValueType::Either(StringKind::Package, &DENIED)),
    "Packages that must not be in the graph.",
)
.default("[]")
.example("[bans]\ndeny = [{ crate = \"openssl-sys\", wrappers = [\"openssl\"], reason = \"we use rustls\" }]\n");

const ALLOW: SchemaKey =
    key("allow", PACKAGES, "The only packages that may be in the graph. Without entries all may.")
        .default("[]")
        .example("[bans]\nallow = [\"serde\", { crate = \"time@0.3\", reason = \"reviewed\" }]\n");

const ALLOW_WORKSPACE: SchemaKey = key(
    "allow-workspace",
    ValueType::Bool,
    "With a list in `allow`: the members of the workspace need not be in it.",
)
.default("false")
.example("[bans]\nallow = [\"serde\"]\nallow-workspace = true\n");

const SKIP: SchemaKey = key(
    "skip",
    PACKAGES,
    "Versions that do not count when a package is there in several.",
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
            "How many steps below the package are skipped: 0 is the package alone.",
        )
        .absent("everything below it")
        .example("[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", depth = 1 }]\n"),
        key("reason", WORDS, "Why it is skipped.").example(
            "[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", reason = \"old tools\" }]\n",
        ),
    ],
};

const SKIP_TREE: SchemaKey = key(
    "skip-tree",
    ValueType::List(&ValueType::Either(StringKind::Package, &SKIPPED_TREE)),
    "Packages that do not count as another version, nor does anything that they depend on. It hides more than \
     `skip`.",
)
.default("[]")
.example("[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", depth = 2, reason = \"old tools\" }]\n");

const FEATURE_BAN: SchemaTable = SchemaTable { form: EntryForm::Package, own: &[
        key(
            "allow",
            ValueType::List(&ValueType::Text(StringKind::Feature)),
            "The only features that may be on. Without entries all may.",
        )
        .default("[]")
        .example("[bans]\nfeatures = [{ crate = \"serde\", allow = [\"std\", \"derive\"] }]\n"),
        key("deny", ValueType::List(&ValueType::Text(StringKind::Feature)), "Features that must not be on.")
            .default("[]")
            .example("[bans]\nfeatures = [{ crate = \"reqwest\", deny = [\"native-tls\"] }]\n"),
        key("exact", ValueType::Bool, "Every feature in `allow` has to be on.")
            .default("false")
            .example("[bans]\nfeatures = [{ crate = \"serde\", allow = [\"std\"], exact = true }]\n"),
        key("reason", WORDS, "Why, shown with the finding.")
            .example("[bans]\nfeatures = [{ crate = \"reqwest\", deny = [\"native-tls\"], reason = \"rustls\" }]\n"),
    ] };

const FEATURES: SchemaKey = key(
    "features",
    ValueType::List(&ValueType::Table(&FEATURE_BAN)),
    "Which features of a package may be on.",
)
.default("[]")
.example(
    "[[bans.features]]\ncrate = \"reqwest\"\ndeny = [\"native-tls\"]\nreason = \"we use rustls\"\n",
);

const EXTERNAL_DEFAULTS: SchemaKey = key(
    "external-default-features",
    LEVEL,
    "How it is reported that the default features of a package are on that is no member of the workspace.",
)
.absent("it is not reported")
.example("[bans]\nexternal-default-features = \"warn\"\n");

const WORKSPACE_DEFAULTS: SchemaKey = key(
    "workspace-default-features",
    LEVEL,
    "How it is reported that the default features of a member of the workspace are on.",
)
.absent("it is not reported")
.example("[bans]\nworkspace-default-features = \"warn\"\n");

const WORKSPACE_TABLE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key(
        "duplicates",
        LEVEL,
        "How it is reported that several members declare a dependency without inheriting it from \
         `[workspace.dependencies]`.",
    )
    .default("\"deny\"")
    .example("[bans.workspace-dependencies]\nduplicates = \"warn\"\n"),
    key("include-path-dependencies", ValueType::Bool, "Path dependencies count as duplicates, too.")
        .default("true")
        .example("[bans.workspace-dependencies]\ninclude-path-dependencies = false\n"),
    key(
        "unused",
        LEVEL,
        "How a dependency in `[workspace.dependencies]` is reported that no member inherits.",
    )
    .default("\"deny\"")
    .example("[bans.workspace-dependencies]\nunused = \"warn\"\n"),
] };

const WORKSPACE_DEPENDENCIES: SchemaKey = key(
    "workspace-dependencies",
    ValueType::Table(&WORKSPACE_TABLE),
    "Whether members inherit what they share. It is judged as soon as the table is there.",
)
.absent("it is not judged")
.example("[bans.workspace-dependencies]\nduplicates = \"deny\"\nunused = \"warn\"\n");

const STD_TABLE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key("scope", SCOPE, "Which packages are reported, by who depends on them.")
        .default("\"workspace\"")
        .example("[bans.std-replacements]\nscope = \"all\"\n"),
    key("level", LEVEL, "How they are reported.")
        .default("\"deny\"")
        .example("[bans.std-replacements]\nlevel = \"warn\"\n"),
    key(
        "rust-version",
        ValueType::Text(StringKind::RustVersion),
        "Only what this version of Rust has counts. Write all three parts: cargo-deny leaves the last one \
         out, so that `1.85` would mean 1.0.",
    )
    .absent("the `rust-version` of the packages")
    .example("[bans.std-replacements]\nrust-version = \"1.85.0\"\n"),
    key("ignore", PACKAGES, "Packages that are not reported.")
        .default("[]")
        .example("[bans.std-replacements]\nignore = [{ crate = \"lazy_static\", reason = \"in a macro\" }]\n"),
    key(
        "ignore-rust-version",
        SCOPE,
        "For which packages the `rust-version` of those that depend on them is not looked at.",
    )
    .default("\"none\"")
    .example("[bans.std-replacements]\nignore-rust-version = \"all\"\n"),
] };

const STD_REPLACEMENTS: SchemaKey = key(
    "std-replacements",
    ValueType::Table(&STD_TABLE),
    "Whether packages are there for which the standard library has a replacement. It is judged as soon as the \
     table is there.",
)
.absent("it is not judged")
.example("[bans.std-replacements]\nscope = \"workspace\"\nlevel = \"warn\"\n");

const HIGHLIGHTS: &[SchemaChoice] = &[
    SchemaChoice { value: "simplest-path", about: "The path to a duplicate with the fewest steps." },
    SchemaChoice { value: "lowest-version", about: "The path to the lowest version." },
    SchemaChoice { value: "all", about: "Both." },
];

const HIGHLIGHT: SchemaKey = key(
    "highlight",
    ValueType::Choice(HIGHLIGHTS),
    "What is marked in the graphs that cargo-deny draws of duplicates. It decides no finding.",
)
.default("\"all\"")
.example("[bans]\nhighlight = \"simplest-path\"\n");

/// Packages by themselves: cargo-deny passes over everything else in the entry.
const BUILDER: SchemaTable = SchemaTable { form: EntryForm::PackageAlone, own: &[] };

const BUILDERS: ValueType = ValueType::List(&ValueType::Either(StringKind::Package, &BUILDER));

const ALLOW_BUILD_SCRIPTS: SchemaKey = key(
    "allow-build-scripts",
    BUILDERS,
    "The only packages that may have build scripts. It is passed over where `[bans.build]` is there.",
)
.absent("all packages may have build scripts")
.status(KeyStatus::Moved { since: "0.14.2", to: "bans.build.allow-build-scripts" })
.example("[bans]\nallow-build-scripts = [\"ring\"]\n");
