//! `[licenses]`: what packages may be licensed under.

use super::{Form, Key, LEVEL, Standing, Table, Text, Value, key};

pub(super) const LICENSES: Table = Table {
    form: Form::Plain,
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

const EXPRESSIONS: Value = Value::List(&Value::Text(Text::License));

const ALLOW: Key = key(
    "allow",
    EXPRESSIONS,
    "The licenses that every package may have, as SPDX writes them, with an exception where it belongs to the \
     license (`Apache-2.0 WITH LLVM-exception`). Of `A OR B` one has to be allowed, of `A AND B` both.",
)
.default("[]")
.example("[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Unicode-3.0\"]\n");

const EXCEPTION: Table = Table { form: Form::Package, own: &[key(
        "allow",
        EXPRESSIONS,
        "The licenses that these packages may have besides those that all may have.",
    )
    .required()
    .example("[licenses]\nexceptions = [{ crate = \"webpki-roots\", allow = [\"CDLA-Permissive-2.0\"] }]\n")] };

pub(super) const EXCEPTIONS: Key = key(
    "exceptions",
    Value::List(&Value::Table(&EXCEPTION)),
    "Licenses that only some packages may have. Of several exceptions for a package the first one holds.",
)
.default("[]")
.example("[licenses]\nexceptions = [{ crate = \"webpki-roots@1.0.4\", allow = [\"CDLA-Permissive-2.0\"] }]\n");

const LICENSE_FILE: Table = Table { form: Form::Plain, own: &[
    key("path", Value::Text(Text::LicensePath), "The license text, below the package's folder.")
        .required()
        .example(RING),
    key(
        "hash",
        Value::Integer,
        "The hash of the text as cargo-deny computes it, mostly written as `0x` and eight digits. With \
         another text the clarification does not apply.",
    )
    .required()
    .example(RING),
] };

const RING: &str = "[[licenses.clarify]]\ncrate = \"ring@0.17.9\"\nexpression = \"MIT AND ISC AND OpenSSL\"\n\
                    license-files = [{ path = \"LICENSE\", hash = 0xbd0eed23 }]\n";

const CLARIFICATION: Table = Table { form: Form::Package, own: &[
        key(
            "expression",
            Value::Text(Text::Expression),
            "What the package is licensed under: an SPDX expression in its strict form, without names \
             that SPDX has given up.",
        )
        .required()
        .example(RING),
        key(
            "license-files",
            Value::List(&Value::Table(&LICENSE_FILE)),
            "The texts that say so, each with its hash. When one of them is missing or has changed, the \
             clarification does not apply. With an empty list it always does.",
        )
        .required()
        .example(RING),
    ] };

const CLARIFY: Key = key(
    "clarify",
    Value::List(&Value::Table(&CLARIFICATION)),
    "What packages are licensed under whose manifests do not say it and whose texts are not \
     recognized. The first entry that fits a package holds.",
)
.default("[]")
.example(RING);

const PRIVATE_TABLE: Table = Table { form: Form::Plain, own: &[
    key(
        "ignore",
        Value::Bool,
        "The licenses of packages that are not published, or only to `registries`, are not judged.",
    )
    .default("false")
    .example("[licenses.private]\nignore = true\n"),
    key(
        "ignore-sources",
        Value::List(&Value::Text(Text::Registry)),
        "Registries whose packages are private, by their URLs.",
    )
    .default("[]")
    .example("[licenses.private]\nignore = true\nignore-sources = [\"https://registry.example.org/index\"]\n"),
    key(
        "registries",
        Value::List(&Value::Text(Text::RegistryName)),
        "Registries that are private: a package that is only published to them is, too. They are named as in \
         `package.publish`.",
    )
    .default("[]")
    .example("[licenses.private]\nignore = true\nregistries = [\"company\"]\n"),
] };

const PRIVATE: Key = key(
    "private",
    Value::Table(&PRIVATE_TABLE),
    "Whose licenses are not judged, because they are your own.",
)
.absent("licenses of all packages are judged")
.example("[licenses]\nprivate = { ignore = true }\n");

const THRESHOLD: Key = key(
    "confidence-threshold",
    Value::Float,
    "How alike a text and a license have to be, from 0.0 to 1.0, for the text to be taken for that license. It is \
     asked only of packages whose manifests state none. It needs a decimal point.",
)
.default("0.8")
.example("[licenses]\nconfidence-threshold = 0.93\n");

const UNUSED_ALLOWED: Key = key(
    "unused-allowed-license",
    LEVEL,
    "How an entry of `allow` is reported that no package has.",
)
.default("\"warn\"")
.example("[licenses]\nunused-allowed-license = \"allow\"\n");

const UNUSED_EXCEPTION: Key = key(
    "unused-license-exception",
    LEVEL,
    "How an entry of `exceptions` is reported that no package needs.",
)
.default("\"warn\"")
.example("[licenses]\nunused-license-exception = \"deny\"\n");

const INCLUDE_DEV: Key =
    key("include-dev", Value::Bool, "The licenses of development dependencies are judged, too.")
        .default("false")
        .example("[licenses]\ninclude-dev = true\n");

const INCLUDE_BUILD: Key =
    key("include-build", Value::Bool, "The licenses of build dependencies are judged, too.")
        .default("true")
        .example("[licenses]\ninclude-build = false\n");

const VERSION: Key = key(
    "version",
    Value::Integer,
    "It used to choose between the old and the new meaning of this table.",
)
.standing(Standing::Idle { why: "there is one meaning since cargo-deny 0.16.0" })
.example("[licenses]\nversion = 2\n");

const ONLY_ALLOW: &str = "what is not in `licenses.allow` is an error";

const UNLICENSED: Key =
    key("unlicensed", Value::Anything, "It used to be the level of packages without a license.")
        .standing(Standing::Removed {
            since: "0.16.0",
            instead: "a package without a license is an error; state it in `licenses.clarify`",
        });

const OSI_FSF: Key = key(
    "allow-osi-fsf-free",
    Value::Anything,
    "It used to allow licenses that OSI or FSF approve of.",
)
.standing(Standing::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const COPYLEFT: Key =
    key("copyleft", Value::Anything, "It used to be the level of copyleft licenses.")
        .standing(Standing::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const DEFAULT: Key = key(
    "default",
    Value::Anything,
    "It used to be the level of licenses that nothing else spoke of.",
)
.standing(Standing::Removed { since: "0.16.0", instead: ONLY_ALLOW });

const DENY: Key =
    key("deny", Value::Anything, "It used to list licenses that no package may have.")
        .standing(Standing::Removed { since: "0.16.0", instead: ONLY_ALLOW });
