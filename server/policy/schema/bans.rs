//! `[bans]`: which packages, versions and features may be in the graph.

mod build;

use super::{Choice, Form, Key, LEVEL, SCOPE, Standing, Table, Text, Value, WORDS, key};
use build::BUILD;

pub(super) const BANS: Table = Table {
    form: Form::Plain,
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

const PACKAGE: Table = Table { form: Form::PackageAndReason, own: &[] };

const PACKAGES: Value = Value::List(&Value::Either(Text::Package, &PACKAGE));

const MULTIPLE: Key = key(
    "multiple-versions",
    LEVEL,
    "How it is reported that a package is in the graph in several versions.",
)
.default("\"warn\"")
.example("[bans]\nmultiple-versions = \"deny\"\n");

const MULTIPLE_DEV: Key = key(
    "multiple-versions-include-dev",
    Value::Bool,
    "Versions that only development dependencies bring count, too.",
)
.default("false")
.example("[bans]\nmultiple-versions-include-dev = true\n");

const WILDCARDS: Key = key(
    "wildcards",
    LEVEL,
    "How a dependency of your own packages is reported whose requirement is `*`, or which has none.",
)
.default("\"allow\"")
.example("[bans]\nwildcards = \"deny\"\n");

const WILDCARD_PATHS: Key = key(
    "allow-wildcard-paths",
    Value::Bool,
    "Path dependencies of packages that are not published need no version, whatever `wildcards` says.",
)
.default("false")
.example("[bans]\nwildcards = \"deny\"\nallow-wildcard-paths = true\n");

const DENIED: Table = Table { form: Form::Package, own: &[
        key(
            "wrappers",
            Value::List(&Value::Text(Text::PackageName)),
            "Packages that may depend on it all the same, directly. When others do, or none of these does, that is \
             reported.",
        )
        .absent("no package may depend on it")
        .example("[bans]\ndeny = [{ crate = \"openssl-sys\", wrappers = [\"openssl\"] }]\n"),
        key(
            "deny-multiple-versions",
            Value::Bool,
            "The package may be there, but only in one version. It excludes `wrappers`.",
        )
        .default("false")
        .example("[bans]\ndeny = [{ crate = \"windows-sys\", deny-multiple-versions = true }]\n"),
        key("use-instead", WORDS, "What to use instead: a package's name or a URL.")
            .example("[bans]\ndeny = [{ crate = \"lazy_static\", use-instead = \"std::sync::LazyLock\" }]\n"),
        key("reason", WORDS, "Why it is banned, shown with the finding.")
            .example("[bans]\ndeny = [{ crate = \"openssl-sys\", reason = \"we use rustls\" }]\n"),
    ] };

const DENY: Key = key(
    "deny",
    Value::List(&Value::Either(Text::Package, &DENIED)),
    "Packages that must not be in the graph.",
)
.default("[]")
.example("[bans]\ndeny = [{ crate = \"openssl-sys\", wrappers = [\"openssl\"], reason = \"we use rustls\" }]\n");

const ALLOW: Key =
    key("allow", PACKAGES, "The only packages that may be in the graph. Without entries all may.")
        .default("[]")
        .example("[bans]\nallow = [\"serde\", { crate = \"time@0.3\", reason = \"reviewed\" }]\n");

const ALLOW_WORKSPACE: Key = key(
    "allow-workspace",
    Value::Bool,
    "With a list in `allow`: the members of the workspace need not be in it.",
)
.default("false")
.example("[bans]\nallow = [\"serde\"]\nallow-workspace = true\n");

const SKIP: Key = key(
    "skip",
    PACKAGES,
    "Versions that do not count when a package is there in several.",
)
.default("[]")
.example(
    "[bans]\nskip = [{ crate = \"syn@1\", reason = \"until every derive macro uses syn 2\" }]\n",
);

const SKIPPED_TREE: Table = Table {
    form: Form::Package,
    own: &[
        key(
            "depth",
            Value::Integer,
            "How many steps below the package are skipped: 0 is the package alone.",
        )
        .absent("everything below it")
        .example("[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", depth = 1 }]\n"),
        key("reason", WORDS, "Why it is skipped.").example(
            "[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", reason = \"old tools\" }]\n",
        ),
    ],
};

const SKIP_TREE: Key = key(
    "skip-tree",
    Value::List(&Value::Either(Text::Package, &SKIPPED_TREE)),
    "Packages that do not count as another version, nor does anything that they depend on. It hides more than \
     `skip`.",
)
.default("[]")
.example("[bans]\nskip-tree = [{ crate = \"windows-sys@0.48\", depth = 2, reason = \"old tools\" }]\n");

const FEATURE_BAN: Table = Table { form: Form::Package, own: &[
        key(
            "allow",
            Value::List(&Value::Text(Text::Feature)),
            "The only features that may be on. Without entries all may.",
        )
        .default("[]")
        .example("[bans]\nfeatures = [{ crate = \"serde\", allow = [\"std\", \"derive\"] }]\n"),
        key("deny", Value::List(&Value::Text(Text::Feature)), "Features that must not be on.")
            .default("[]")
            .example("[bans]\nfeatures = [{ crate = \"reqwest\", deny = [\"native-tls\"] }]\n"),
        key("exact", Value::Bool, "Every feature in `allow` has to be on.")
            .default("false")
            .example("[bans]\nfeatures = [{ crate = \"serde\", allow = [\"std\"], exact = true }]\n"),
        key("reason", WORDS, "Why, shown with the finding.")
            .example("[bans]\nfeatures = [{ crate = \"reqwest\", deny = [\"native-tls\"], reason = \"rustls\" }]\n"),
    ] };

const FEATURES: Key = key(
    "features",
    Value::List(&Value::Table(&FEATURE_BAN)),
    "Which features of a package may be on.",
)
.default("[]")
.example(
    "[[bans.features]]\ncrate = \"reqwest\"\ndeny = [\"native-tls\"]\nreason = \"we use rustls\"\n",
);

const EXTERNAL_DEFAULTS: Key = key(
    "external-default-features",
    LEVEL,
    "How it is reported that the default features of a package are on that is no member of the workspace.",
)
.absent("it is not reported")
.example("[bans]\nexternal-default-features = \"warn\"\n");

const WORKSPACE_DEFAULTS: Key = key(
    "workspace-default-features",
    LEVEL,
    "How it is reported that the default features of a member of the workspace are on.",
)
.absent("it is not reported")
.example("[bans]\nworkspace-default-features = \"warn\"\n");

const WORKSPACE_TABLE: Table = Table { form: Form::Plain, own: &[
    key(
        "duplicates",
        LEVEL,
        "How it is reported that several members declare a dependency without inheriting it from \
         `[workspace.dependencies]`.",
    )
    .default("\"deny\"")
    .example("[bans.workspace-dependencies]\nduplicates = \"warn\"\n"),
    key("include-path-dependencies", Value::Bool, "Path dependencies count as duplicates, too.")
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

const WORKSPACE_DEPENDENCIES: Key = key(
    "workspace-dependencies",
    Value::Table(&WORKSPACE_TABLE),
    "Whether members inherit what they share. It is judged as soon as the table is there.",
)
.absent("it is not judged")
.example("[bans.workspace-dependencies]\nduplicates = \"deny\"\nunused = \"warn\"\n");

const STD_TABLE: Table = Table { form: Form::Plain, own: &[
    key("scope", SCOPE, "Which packages are reported, by who depends on them.")
        .default("\"workspace\"")
        .example("[bans.std-replacements]\nscope = \"all\"\n"),
    key("level", LEVEL, "How they are reported.")
        .default("\"deny\"")
        .example("[bans.std-replacements]\nlevel = \"warn\"\n"),
    key(
        "rust-version",
        Value::Text(Text::RustVersion),
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

const STD_REPLACEMENTS: Key = key(
    "std-replacements",
    Value::Table(&STD_TABLE),
    "Whether packages are there for which the standard library has a replacement. It is judged as soon as the \
     table is there.",
)
.absent("it is not judged")
.example("[bans.std-replacements]\nscope = \"workspace\"\nlevel = \"warn\"\n");

const HIGHLIGHTS: &[Choice] = &[
    Choice { value: "simplest-path", about: "The path to a duplicate with the fewest steps." },
    Choice { value: "lowest-version", about: "The path to the lowest version." },
    Choice { value: "all", about: "Both." },
];

const HIGHLIGHT: Key = key(
    "highlight",
    Value::Choice(HIGHLIGHTS),
    "What is marked in the graphs that cargo-deny draws of duplicates. It decides no finding.",
)
.default("\"all\"")
.example("[bans]\nhighlight = \"simplest-path\"\n");

/// Packages by themselves: cargo-deny passes over everything else in the entry.
const BUILDER: Table = Table { form: Form::PackageAlone, own: &[] };

const BUILDERS: Value = Value::List(&Value::Either(Text::Package, &BUILDER));

const ALLOW_BUILD_SCRIPTS: Key = key(
    "allow-build-scripts",
    BUILDERS,
    "The only packages that may have build scripts. It is passed over where `[bans.build]` is there.",
)
.absent("all packages may have build scripts")
.standing(Standing::Moved { since: "0.14.2", to: "bans.build.allow-build-scripts" })
.example("[bans]\nallow-build-scripts = [\"ring\"]\n");
