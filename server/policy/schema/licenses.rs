//! `[licenses]`: which licenses packages may have.

use super::{EntryForm, KeyStatus, LEVEL, SchemaKey, SchemaTable, StringKind, ValueType, key};

pub(super) const LICENSES: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
    own: &[
        ALLOW,
        EXCEPTIONS,
        CLARIFY,
        PRIVATE,
        THRESHOLD,
        UNUSED_ALLOWED,
        UNUSED_EXCEPTION,
        INCLUDE_DEV,
        INCLUDE_BUILD,
        VERSION,
        UNLICENSED,
        OSI_FSF,
        COPYLEFT,
        DEFAULT,
        DENY,
    ],
};

const EXPRESSIONS: ValueType = ValueType::List(&ValueType::Text(StringKind::License));

const ALLOW: SchemaKey = key(
    "allow",
    EXPRESSIONS,
    "The licenses that all packages may have: SPDX ids, with an exception if the license has one \
     (`Apache-2.0 WITH LLVM-exception`). `A OR B` needs one of them, `A AND B` both.",
)
.default("[]")
.example("[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Unicode-3.0\"]\n");

const EXCEPTION: SchemaTable = SchemaTable { form: EntryForm::Package, own: &[key(
        "allow",
        EXPRESSIONS,
        "The licenses that these packages may have in addition to `licenses.allow`.",
    )
    .required()
    .example("[licenses]\nexceptions = [{ crate = \"webpki-roots\", allow = [\"CDLA-Permissive-2.0\"] }]\n")] };

pub(super) const EXCEPTIONS: SchemaKey = key(
    "exceptions",
    ValueType::List(&ValueType::Table(&EXCEPTION)),
    "Licenses that only some packages may have. If several exceptions match a package, the first one applies.",
)
.default("[]")
.example("[licenses]\nexceptions = [{ crate = \"webpki-roots@1.0.4\", allow = [\"CDLA-Permissive-2.0\"] }]\n");

const LICENSE_FILE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key("path", ValueType::Text(StringKind::LicensePath), "The license text, relative to the package folder.")
        .required()
        .example(RING),
    key(
        "hash",
        ValueType::Integer,
        "The hash of the text as cargo-deny computes it, usually written as `0x` and eight digits. If the text changes, the \
         clarification does not apply.",
    )
    .required()
    .example(RING),
] };

const RING: &str = "[[licenses.clarify]]\ncrate = \"ring@0.17.9\"\nexpression = \"MIT AND ISC AND OpenSSL\"\n\
                    license-files = [{ path = \"LICENSE\", hash = 0xbd0eed23 }]\n";

const CLARIFICATION: SchemaTable = SchemaTable { form: EntryForm::Package, own: &[
        key(
            "expression",
            ValueType::Text(StringKind::Expression),
            "The license of the package: a strict SPDX expression, without deprecated ids.",
        )
        .required()
        .example(RING),
        key(
            "license-files",
            ValueType::List(&ValueType::Table(&LICENSE_FILE)),
            "The license texts with their hashes. If one of them is missing or has changed, the clarification does not apply. With \
             an empty list, it always applies.",
        )
        .required()
        .example(RING),
    ] };

const CLARIFY: SchemaKey = key(
    "clarify",
    ValueType::List(&ValueType::Table(&CLARIFICATION)),
    "The licenses of packages without a license in the manifest and without a recognized license text. The first entry \
     that matches a package applies.",
)
.default("[]")
.example(RING);

const PRIVATE_TABLE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key(
        "ignore",
        ValueType::Bool,
        "Does not check the licenses of packages that are unpublished or only published to `registries`.",
    )
    .default("false")
    .example("[licenses.private]\nignore = true\n"),
    key(
        "ignore-sources",
        ValueType::List(&ValueType::Text(StringKind::Registry)),
        "The URLs of registries whose packages are private.",
    )
    .default("[]")
    .example("[licenses.private]\nignore = true\nignore-sources = [\"https://registry.example.org/index\"]\n"),
    key(
        "registries",
        ValueType::List(&ValueType::Text(StringKind::RegistryName)),
        "The names of private registries, as in `package.publish`. Packages that are only published to them are private.",
    )
    .default("[]")
    .example("[licenses.private]\nignore = true\nregistries = [\"company\"]\n"),
] };

const PRIVATE: SchemaKey = key(
    "private",
    ValueType::Table(&PRIVATE_TABLE),
    "Private packages, whose licenses are not checked.",
)
.absent("the licenses of all packages are checked")
.example("[licenses]\nprivate = { ignore = true }\n");

const THRESHOLD: SchemaKey = key(
    "confidence-threshold",
    ValueType::Float,
    "How similar a text must be to a license to be recognized, from 0.0 to 1.0. Only used for packages without a license in \
     the manifest. Needs a decimal point.",
)
.default("0.8")
.example("[licenses]\nconfidence-threshold = 0.93\n");

const UNUSED_ALLOWED: SchemaKey =
    key("unused-allowed-license", LEVEL, "The level for `allow` entries that no package uses.")
        .default("\"warn\"")
        .example("[licenses]\nunused-allowed-license = \"allow\"\n");

const UNUSED_EXCEPTION: SchemaKey = key(
    "unused-license-exception",
    LEVEL,
    "The level for `exceptions` entries that no package needs.",
)
.default("\"warn\"")
.example("[licenses]\nunused-license-exception = \"deny\"\n")
.since("0.18.6");

const INCLUDE_DEV: SchemaKey =
    key("include-dev", ValueType::Bool, "Checks the licenses of development dependencies, too.")
        .default("false")
        .example("[licenses]\ninclude-dev = true\n");

const INCLUDE_BUILD: SchemaKey =
    key("include-build", ValueType::Bool, "Checks the licenses of build dependencies, too.")
        .default("true")
        .example("[licenses]\ninclude-build = false\n")
        .since("0.19.0");

const VERSION: SchemaKey = key(
    "version",
    ValueType::Integer,
    "Formerly chose between the old and the new meaning of this table.",
)
.status(KeyStatus::NoEffect { why: "the table has only one meaning since cargo-deny 0.16.0" })
.example("[licenses]\nversion = 2\n");

const ONLY_ALLOW: &str = "licenses that are not in `licenses.allow` are errors";

const UNLICENSED: SchemaKey =
    key("unlicensed", ValueType::Anything, "Formerly the level for packages without a license.")
        .status(KeyStatus::Removed {
            since: "0.16.0",
            instead: "packages without a license are errors; add a `licenses.clarify` entry",
        });

const OSI_FSF: SchemaKey = key(
    "allow-osi-fsf-free",
    ValueType::Anything,
    "Formerly allowed licenses that OSI or FSF approve.",
)
.status(KeyStatus::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const COPYLEFT: SchemaKey =
    key("copyleft", ValueType::Anything, "Formerly the level for copyleft licenses.")
        .status(KeyStatus::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const DEFAULT: SchemaKey =
    key("default", ValueType::Anything, "Formerly the level for all other licenses.")
        .status(KeyStatus::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const DENY: SchemaKey =
    key("deny", ValueType::Anything, "Formerly the licenses that no package may have.")
        .status(KeyStatus::Removed { since: "0.16.0", instead: ONLY_ALLOW });
