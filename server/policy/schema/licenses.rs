//! `[licenses]`: what packages may be licensed under.

use super::{EntryForm, SchemaKey, LEVEL, KeyStatus, SchemaTable, StringKind, ValueType, key};

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
    "The licenses that every package may have, as SPDX writes them, with an exception where it belongs to the \
     license (`Apache-2.0 WITH LLVM-exception`). Of `A OR B` one has to be allowed, of `A AND B` both.",
)
.default("[]")
.example("[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Unicode-3.0\"]\n");

const EXCEPTION: SchemaTable = SchemaTable { form: EntryForm::Package, own: &[key(
        "allow",
        EXPRESSIONS,
        "The licenses that these packages may have besides those that all may have.",
    )
    .required()
    .example("[licenses]\nexceptions = [{ crate = \"webpki-roots\", allow = [\"CDLA-Permissive-2.0\"] }]\n")] };

pub(super) const EXCEPTIONS: SchemaKey = key(
    "exceptions",
    ValueType::List(&ValueType::Table(&EXCEPTION)),
    "Licenses that only some packages may have. Of several exceptions for a package the first one holds.",
)
.default("[]")
.example("[licenses]\nexceptions = [{ crate = \"webpki-roots@1.0.4\", allow = [\"CDLA-Permissive-2.0\"] }]\n");

const LICENSE_FILE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key("path", ValueType::Text(StringKind::LicensePath), "The license text, below the package's folder.")
        .required()
        .example(RING),
    key(
        "hash",
        ValueType::Integer,
        "The hash of the text as cargo-deny computes it, mostly written as `0x` and eight digits. With \
         another text the clarification does not apply.",
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
            "What the package is licensed under: an SPDX expression in its strict form, without names \
             that SPDX has given up.",
        )
        .required()
        .example(RING),
        key(
            "license-files",
            ValueType::List(&ValueType::Table(&LICENSE_FILE)),
            "The texts that say so, each with its hash. When one of them is missing or has changed, the \
             clarification does not apply. With an empty list it always does.",
        )
        .required()
        .example(RING),
    ] };

const CLARIFY: SchemaKey = key(
    "clarify",
    ValueType::List(&ValueType::Table(&CLARIFICATION)),
    "What packages are licensed under whose manifests do not say it and whose texts are not \
     recognized. The first entry that fits a package holds.",
)
.default("[]")
.example(RING);

const PRIVATE_TABLE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key(
        "ignore",
        ValueType::Bool,
        "The licenses of packages that are not published, or only to `registries`, are not judged.",
    )
    .default("false")
    .example("[licenses.private]\nignore = true\n"),
    key(
        "ignore-sources",
        ValueType::List(&ValueType::Text(StringKind::Registry)),
        "Registries whose packages are private, by their URLs.",
    )
    .default("[]")
    .example("[licenses.private]\nignore = true\nignore-sources = [\"https://registry.example.org/index\"]\n"),
    key(
        "registries",
        ValueType::List(&ValueType::Text(StringKind::RegistryName)),
        "Registries that are private: a package that is only published to them is, too. They are named as in \
         `package.publish`.",
    )
    .default("[]")
    .example("[licenses.private]\nignore = true\nregistries = [\"company\"]\n"),
] };

const PRIVATE: SchemaKey = key(
    "private",
    ValueType::Table(&PRIVATE_TABLE),
    "Whose licenses are not judged, because they are your own.",
)
.absent("licenses of all packages are judged")
.example("[licenses]\nprivate = { ignore = true }\n");

const THRESHOLD: SchemaKey = key(
    "confidence-threshold",
    ValueType::Float,
    "How alike a text and a license have to be, from 0.0 to 1.0, for the text to be taken for that license. It is \
     asked only of packages whose manifests state none. It needs a decimal point.",
)
.default("0.8")
.example("[licenses]\nconfidence-threshold = 0.93\n");

const UNUSED_ALLOWED: SchemaKey = key(
    "unused-allowed-license",
    LEVEL,
    "How an entry of `allow` is reported that no package has.",
)
.default("\"warn\"")
.example("[licenses]\nunused-allowed-license = \"allow\"\n");

const UNUSED_EXCEPTION: SchemaKey = key(
    "unused-license-exception",
    LEVEL,
    "How an entry of `exceptions` is reported that no package needs.",
)
.default("\"warn\"")
.example("[licenses]\nunused-license-exception = \"deny\"\n");

const INCLUDE_DEV: SchemaKey =
    key("include-dev", ValueType::Bool, "The licenses of development dependencies are judged, too.")
        .default("false")
        .example("[licenses]\ninclude-dev = true\n");

const INCLUDE_BUILD: SchemaKey =
    key("include-build", ValueType::Bool, "The licenses of build dependencies are judged, too.")
        .default("true")
        .example("[licenses]\ninclude-build = false\n");

const VERSION: SchemaKey = key(
    "version",
    ValueType::Integer,
    "It used to choose between the old and the new meaning of this table.",
)
.status(KeyStatus::NoEffect { why: "there is one meaning since cargo-deny 0.16.0" })
.example("[licenses]\nversion = 2\n");

const ONLY_ALLOW: &str = "what is not in `licenses.allow` is an error";

const UNLICENSED: SchemaKey =
    key("unlicensed", ValueType::Anything, "It used to be the level of packages without a license.")
        .status(KeyStatus::Removed {
            since: "0.16.0",
            instead: "a package without a license is an error; state it in `licenses.clarify`",
        });

const OSI_FSF: SchemaKey = key(
    "allow-osi-fsf-free",
    ValueType::Anything,
    "It used to allow licenses that OSI or FSF approve of.",
)
.status(KeyStatus::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const COPYLEFT: SchemaKey =
    key("copyleft", ValueType::Anything, "It used to be the level of copyleft licenses.")
        .status(KeyStatus::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const DEFAULT: SchemaKey = key(
    "default",
    ValueType::Anything,
    "It used to be the level of licenses that nothing else spoke of.",
)
.status(KeyStatus::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const DENY: SchemaKey =
    key("deny", ValueType::Anything, "It used to list licenses that no package may have.")
        .status(KeyStatus::Removed { since: "0.16.0", instead: ONLY_ALLOW });
