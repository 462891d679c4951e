//! `[advisories]`: vulnerabilities, unmaintained, unsound and yanked packages.

use super::{EntryForm, SchemaKey, LEVEL, SCOPE, KeyStatus, SchemaTable, StringKind, ValueType, key};

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
    "Advisories that are not reported, by their ids, and yanked packages that are not, by package specs. \
     A table can give the reason.",
)
.default("[]")
.example(
    "[advisories]\nignore = [\n    { id = \"RUSTSEC-2023-0071\", reason = \"no RSA key is used\" },\n    \
     { crate = \"spin@0.9.6\", reason = \"yanked, and nothing newer is released\" },\n]\n",
);

const UNMAINTAINED: SchemaKey =
    key("unmaintained", SCOPE, "For which packages it is an error that nobody maintains them.")
        .default("\"all\"")
        .example("[advisories]\nunmaintained = \"workspace\"\n");

const UNSOUND: SchemaKey =
    key("unsound", SCOPE, "For which packages it is an error that an advisory calls them unsound.")
        .default("\"workspace\"")
        .example("[advisories]\nunsound = \"all\"\n");

const YANKED: SchemaKey = key(
    "yanked",
    LEVEL,
    "How a version is reported that its registry has yanked. What the registry says is read from cargo's \
     copy of the index.",
)
.default("\"warn\"")
.example("[advisories]\nyanked = \"deny\"\n");

const UNUSED_IGNORED: SchemaKey = key(
    "unused-ignored-advisory",
    LEVEL,
    "How an entry of `ignore` is reported that matches nothing any more.",
)
.default("\"warn\"")
.example("[advisories]\nunused-ignored-advisory = \"deny\"\n");

const DB_URLS: SchemaKey = key(
    "db-urls",
    ValueType::List(&ValueType::Text(StringKind::DatabaseUrl)),
    "The git repositories that advisories are fetched from, each with the layout of RustSec's.",
)
.absent("`https://github.com/RustSec/advisory-db`")
.example("[advisories]\ndb-urls = [\"https://github.com/RustSec/advisory-db\"]\n");

const DB_PATH: SchemaKey = key(
    "db-path",
    ValueType::Text(StringKind::Folder),
    "The folder in which the advisory databases are kept. `~` and `$VARIABLE` are replaced.",
)
.absent("`$CARGO_HOME/advisory-dbs`")
.example("[advisories]\ndb-path = \"$CARGO_HOME/advisory-dbs\"\n");

const STALENESS: SchemaKey = key(
    "maximum-db-staleness",
    ValueType::Text(StringKind::Duration),
    "How old the advisories may be where they are not fetched; with older ones nothing is judged. A \
     duration as in RFC 3339: `P7D` is a week, `PT12H` half a day.",
)
.default("\"P90D\"")
.example("[advisories]\nmaximum-db-staleness = \"P30D\"\n");

const DISABLE_YANK_CHECKING: SchemaKey = key(
    "disable-yank-checking",
    ValueType::Bool,
    "Whether a version was yanked is not looked up at all.",
)
.default("false")
.example("[advisories]\ndisable-yank-checking = true\n");

const GIT_CLI: SchemaKey = key(
    "git-fetch-with-cli",
    ValueType::Bool,
    "It used to choose between the program `git` and a library.",
)
.status(KeyStatus::NoEffect { why: "since cargo-deny 0.19.1 the program `git` always fetches" })
.example("[advisories]\ngit-fetch-with-cli = true\n");

const VERSION: SchemaKey = key(
    "version",
    ValueType::Integer,
    "It used to choose between the old and the new meaning of this table.",
)
.status(KeyStatus::NoEffect { why: "there is one meaning since cargo-deny 0.16.0" })
.example("[advisories]\nversion = 2\n");

const VULNERABILITY: SchemaKey =
    key("vulnerability", ValueType::Anything, "It used to be the level of vulnerabilities.").status(
        KeyStatus::Removed {
            since: "0.16.0",
            instead: "vulnerabilities are always errors; list exceptions in `advisories.ignore`",
        },
    );

const NOTICE: SchemaKey = key("notice", ValueType::Anything, "It used to be the level of notices.").status(
    KeyStatus::Removed {
        since: "0.16.0",
        instead: "notices are always errors; list exceptions in `advisories.ignore`",
    },
);

const SEVERITY: SchemaKey = key(
    "severity-threshold",
    ValueType::Anything,
    "It used to hide vulnerabilities with a low severity.",
)
.status(KeyStatus::Removed {
    since: "0.16.0",
    instead: "the severity is not looked at; list exceptions in `advisories.ignore`",
});
