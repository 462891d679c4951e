//! `[bans.build]`: what may run while the graph is built.

use super::{BUILDERS, EntryForm, SchemaKey, LEVEL, SchemaTable, StringKind, ValueType, key};

pub(super) const BUILD: SchemaKey = key(
    "build",
    ValueType::Table(&TABLE),
    "Which packages may run programs while they are built, and which programs may lie in them. It is judged as \
     soon as the table is there, by reading every file of such packages.",
)
.absent("it is not judged")
.example("[bans.build]\nexecutables = \"deny\"\ninterpreted = \"warn\"\n");

const TABLE: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[
    key("allow-build-scripts", BUILDERS, "The only packages that may have build scripts.")
        .absent("all packages may have build scripts")
        .example("[bans.build]\nallow-build-scripts = [\"ring\", \"libc@0.2\"]\n"),
    key(
        "executables",
        LEVEL,
        "How native programs are reported in packages that run something while they are built. In cargo-deny 0.20 \
         also `warn` is an error.",
    )
    .default("\"deny\"")
    .example("[bans.build]\nexecutables = \"deny\"\n"),
    key(
        "interpreted",
        LEVEL,
        "How scripts are reported in packages that run something while they are built.",
    )
    .default("\"allow\"")
    .example("[bans.build]\ninterpreted = \"warn\"\n"),
    key(
        "script-extensions",
        ValueType::List(&ValueType::Text(StringKind::Extension)),
        "File extensions, without the dot, that make a file a script.",
    )
    .default("[]")
    .example("[bans.build]\nscript-extensions = [\"cs\", \"lua\"]\n"),
    key(
        "enable-builtin-globs",
        ValueType::Bool,
        "Files with the extensions of common scripting languages are scripts.",
    )
    .default("false")
    .example("[bans.build]\nenable-builtin-globs = true\n"),
    key(
        "include-dependencies",
        ValueType::Bool,
        "Also the packages that those depend on which run something are looked at.",
    )
    .default("false")
    .example("[bans.build]\ninclude-dependencies = true\n"),
    key("include-workspace", ValueType::Bool, "Also the members of the workspace are looked at.")
        .default("false")
        .example("[bans.build]\ninclude-workspace = true\n"),
    key("include-archives", ValueType::Bool, "Archives count as native programs.")
        .default("false")
        .example("[bans.build]\ninclude-archives = true\n"),
    key(
        "bypass",
        ValueType::List(&ValueType::Table(&BYPASS)),
        "What may lie in a package all the same. The first entry that fits a package holds.",
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
            "The SHA-256 of the build script. When it is this one and none of `required-features` is on, the package is \
             not looked at.",
        )
        .absent("the build script is not compared")
        .example(EXAMPLE),
        key(
            "required-features",
            ValueType::List(&ValueType::Text(StringKind::Feature)),
            "Features with which the build script does run something: while one of them is on, the package is \
             looked at, whatever `build-script` says.",
        )
        .default("[]")
        .example(EXAMPLE),
        key(
            "allow-globs",
            ValueType::List(&ValueType::Text(StringKind::Glob)),
            "Patterns of paths below the package's folder that may be there whatever they hold.",
        )
        .default("[]")
        .example(EXAMPLE),
        key(
            "allow",
            ValueType::List(&ValueType::Table(&FILE)),
            "Files that may be there, best with their checksums.",
        )
        .default("[]")
        .example(EXAMPLE),
    ] };

const FILE: SchemaTable = SchemaTable {
    form: EntryForm::Plain,
    own: &[
        key("path", ValueType::Text(StringKind::Path), "The file, below the package's folder.")
            .required()
            .example(EXAMPLE),
        key(
            "checksum",
            ValueType::Text(StringKind::Sha256),
            "The SHA-256 of the file; another file is reported.",
        )
        .absent("the file's content is not compared")
        .example(EXAMPLE),
    ],
};
