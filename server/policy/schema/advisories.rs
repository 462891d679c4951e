//! `[advisories]`: vulnerabilities, unmaintained, unsound and yanked packages.

use super::{
    EntryForm, KeyStatus, LEVEL, SCOPE, SchemaKey, SchemaTable, StringKind, ValueType, key,
};

pub(super) const ADVISORIES: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
    own: &[
        IGNORE,
        UNMAINTAINED,
        UNSOUND,
        YANKED,
        UNUSED_IGNORED,
        DB_URLS,
        DB_PATH,
        STALENESS,
        DISABLE_YANK_CHECKING,
        GIT_CLI,
        VERSION,
        VULNERABILITY,
        NOTICE,
        SEVERITY,
    ],
};

const IGNORED: SchemaTable = SchemaTable { form: EntryForm::Ignore, own: &[] };

const IGNORE: SchemaKey = key(
    "ignore",
    ValueType::List(&ValueType::Either(StringKind::AdvisoryOrPackage, &IGNORED)),
    "Advisory ids and package specs. These advisories are not reported, and neither are yanked versions of \
     these packages. A table can have a `reason`.",
)
.default("[]")
.example(
    "[advisories]\nignore = [\n    { id = \"RUSTSEC-2023-0071\", reason = \"no RSA key is used\" },\n    \
     { crate = \"spin@0.9.6\", reason = \"yanked, and nothing newer is released\" },\n]\n",
);

const UNMAINTAINED: SchemaKey = key(
    "unmaintained",
    SCOPE,
    "The packages that are an error if an advisory calls them unmaintained.",
)
.default("\"all\"")
.example("[advisories]\nunmaintained = \"workspace\"\n")
.since("0.18.2");

const UNSOUND: SchemaKey =
    key("unsound", SCOPE, "The packages that are an error if an advisory calls them unsound.")
        .default("\"workspace\"")
        .example("[advisories]\nunsound = \"all\"\n")
        .since("0.19.0");

const YANKED: SchemaKey = key(
    "yanked",
    LEVEL,
    "The level for yanked versions, according to cargo's local copy of the index.",
)
.default("\"warn\"")
.example("[advisories]\nyanked = \"deny\"\n");

const UNUSED_IGNORED: SchemaKey =
    key("unused-ignored-advisory", LEVEL, "The level for `ignore` entries that match nothing.")
        .default("\"warn\"")
        .example("[advisories]\nunused-ignored-advisory = \"deny\"\n")
        .since("0.19.0");

const DB_URLS: SchemaKey = key(
    "db-urls",
    ValueType::List(&ValueType::Text(StringKind::DatabaseUrl)),
    "The git repositories of the advisory databases, in the layout of the RustSec database.",
)
.absent("`https://github.com/RustSec/advisory-db`")
.example("[advisories]\ndb-urls = [\"https://github.com/RustSec/advisory-db\"]\n");

const DB_PATH: SchemaKey = key(
    "db-path",
    ValueType::Text(StringKind::Folder),
    "The folder with the advisory databases. `~` and `$VARIABLE` are expanded.",
)
.absent("`$CARGO_HOME/advisory-dbs`")
.example("[advisories]\ndb-path = \"$CARGO_HOME/advisory-dbs\"\n");

const STALENESS: SchemaKey = key(
    "maximum-db-staleness",
    ValueType::Text(StringKind::Duration),
    "The maximum age of the advisory databases when they are not fetched; with older ones, the check fails. \
     An RFC 3339 duration: `P7D` is a week, `PT12H` half a day.",
)
.default("\"P90D\"")
.example("[advisories]\nmaximum-db-staleness = \"P30D\"\n");

const DISABLE_YANK_CHECKING: SchemaKey =
    key("disable-yank-checking", ValueType::Bool, "Disables the check for yanked versions.")
        .default("false")
        .example("[advisories]\ndisable-yank-checking = true\n");

const GIT_CLI: SchemaKey = key(
    "git-fetch-with-cli",
    ValueType::Bool,
    "Formerly chose between the `git` program and a library.",
)
.status(KeyStatus::NoEffect { why: "cargo-deny 0.19.1 and later always use the `git` program" })
.example("[advisories]\ngit-fetch-with-cli = true\n");

const VERSION: SchemaKey = key(
    "version",
    ValueType::Integer,
    "Formerly chose between the old and the new meaning of this table.",
)
.status(KeyStatus::NoEffect { why: "the table has only one meaning since cargo-deny 0.16.0" })
.example("[advisories]\nversion = 2\n");

const VULNERABILITY: SchemaKey =
    key("vulnerability", ValueType::Anything, "Formerly the level for vulnerabilities.").status(
        KeyStatus::Removed {
            since: "0.16.0",
            instead: "vulnerabilities are always errors; list exceptions in `advisories.ignore`",
        },
    );

const NOTICE: SchemaKey = key("notice", ValueType::Anything, "Formerly the level for notices.")
    .status(KeyStatus::Removed {
        since: "0.16.0",
        instead: "notices are always errors; list exceptions in `advisories.ignore`",
    });

const SEVERITY: SchemaKey = key(
    "severity-threshold",
    ValueType::Anything,
    "Formerly hid vulnerabilities with a low severity.",
)
.status(KeyStatus::Removed {
    since: "0.16.0",
    instead: "the severity has no effect; list exceptions in `advisories.ignore`",
});
