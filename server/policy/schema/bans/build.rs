//! `[bans.build]`: what may run at build time.

use super::{BUILDERS, EntryForm, LEVEL, SchemaKey, SchemaTable, StringKind, ValueType, key};

pub(super) const BUILD: SchemaKey = key(
    "build",
    ValueType::Table(&TABLE),
    "Checks which packages may run code at build time, and which executables they may contain. The check is enabled if \
     this table exists; it reads every file of these packages.",
)
.absent("not checked")
.example("[bans.build]\nexecutables = \"deny\"\ninterpreted = \"warn\"\n");

const TABLE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key("allow-build-scripts", BUILDERS, "The only packages that may have build scripts.")
        .absent("all packages may have build scripts")
        .example("[bans.build]\nallow-build-scripts = [\"ring\", \"libc@0.2\"]\n"),
    key(
        "executables",
        LEVEL,
        "The level for native executables in packages that run code at build time. In cargo-deny 0.20, `warn` is an error, too.",
    )
    .default("\"deny\"")
    .example("[bans.build]\nexecutables = \"deny\"\n"),
    key(
        "interpreted",
        LEVEL,
        "The level for scripts in packages that run code at build time.",
    )
    .default("\"allow\"")
    .example("[bans.build]\ninterpreted = \"warn\"\n"),
    key(
        "script-extensions",
        ValueType::List(&ValueType::Text(StringKind::Extension)),
        "File extensions of scripts, without the dot.",
    )
    .default("[]")
    .example("[bans.build]\nscript-extensions = [\"cs\", \"lua\"]\n"),
    key(
        "enable-builtin-globs",
        ValueType::Bool,
        "Treats files with the extensions of common scripting languages as scripts.",
    )
    .default("false")
    .example("[bans.build]\nenable-builtin-globs = true\n"),
    key(
        "include-dependencies",
        ValueType::Bool,
        "Checks the dependencies of packages that run code at build time, too.",
    )
    .default("false")
    .example("[bans.build]\ninclude-dependencies = true\n"),
    key("include-workspace", ValueType::Bool, "Checks workspace members, too.")
        .default("false")
        .example("[bans.build]\ninclude-workspace = true\n"),
    key("include-archives", ValueType::Bool, "Treats archives as native executables.")
        .default("false")
        .example("[bans.build]\ninclude-archives = true\n"),
    key(
        "bypass",
        ValueType::List(&ValueType::Table(&BYPASS)),
        "Exceptions for packages. The first entry that matches a package applies.",
    )
    .default("[]")
    .example(EXAMPLE),
] };

const EXAMPLE: &str = "[[bans.build.bypass]]\ncrate = \"protoc-bin@3\"\n\
    build-script = \"5392f0e58ad06e089462d93304dfe82337acbbefb87a0749a7dc2ed32af04af7\"\n\
    required-features = [\"vendored\"]\nallow-globs = [\"scripts/*.py\"]\n\
    allow = [{ path = \"bin/protoc\", checksum = \
    \"5392f0e58ad06e089462d93304dfe82337acbbefb87a0749a7dc2ed32af04af7\" }]\n";

const BYPASS: SchemaTable = SchemaTable { form: EntryForm::Package, own: &[
        key(
            "build-script",
            ValueType::Text(StringKind::Sha256),
            "The SHA-256 hash of the build script. If it matches and none of `required-features` is enabled, the package is not \
             checked.",
        )
        .absent("the build script is not compared")
        .example(EXAMPLE),
        key(
            "required-features",
            ValueType::List(&ValueType::Text(StringKind::Feature)),
            "Features that make the build script run code: if one of them is enabled, the package is checked, \
             whatever `build-script` is.",
        )
        .default("[]")
        .example(EXAMPLE),
        key(
            "allow-globs",
            ValueType::List(&ValueType::Text(StringKind::Glob)),
            "Globs of allowed files, relative to the package folder.",
        )
        .default("[]")
        .example(EXAMPLE),
        key(
            "allow",
            ValueType::List(&ValueType::Table(&FILE)),
            "Allowed files, preferably with their checksums.",
        )
        .default("[]")
        .example(EXAMPLE),
    ] };

const FILE: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
    own: &[
        key("path", ValueType::Text(StringKind::Path), "The file, relative to the package folder.")
            .required()
            .example(EXAMPLE),
        key(
            "checksum",
            ValueType::Text(StringKind::Sha256),
            "The SHA-256 hash of the file; a different file is reported.",
        )
        .absent("the content is not compared")
        .example(EXAMPLE),
    ],
};
