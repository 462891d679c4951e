//! The keys that select the packages of an entry.

use super::{SchemaKey, StringKind, ValueType, key};

/// `{ crate = ".." }`, or `{ name = "..", version = ".." }`.
pub(super) const WHICH: &[SchemaKey] = &[CRATE, NAME, VERSION];

/// The same, or the id of an advisory.
pub(super) const IGNORED: &[SchemaKey] = &[ID, CRATE, NAME, VERSION];

pub(super) const REASON: &[SchemaKey] = &[key(
    "reason",
    ValueType::Text(StringKind::FreeText),
    "Why the entry exists; shown with its findings. Has no effect on the check.",
)
.example(
    "[bans]\nskip = [{ crate = \"syn@1\", reason = \"until every derive macro uses syn 2\" }]\n",
)
.since("0.14.12")];

const ID: SchemaKey = key(
    "id",
    ValueType::Text(StringKind::Advisory),
    "The RustSec id of the advisory. Aliases such as CVE numbers match nothing.",
)
.example(
    "[advisories]\nignore = [{ id = \"RUSTSEC-2023-0071\", reason = \"no RSA key is used\" }]\n",
);

const CRATE: SchemaKey = key(
    "crate",
    ValueType::Text(StringKind::Package),
    "A package spec: `name` for every version, `name@1.2.3` for exactly this version, `name@1.2` for every 1.2.x, \
     `name:^1.2` for a requirement as in `Cargo.toml`.",
)
.example("[bans]\nskip = [{ crate = \"syn@1.0.109\" }]\n")
.since("0.14.12");

const NAME: SchemaKey = key(
    "name",
    ValueType::Text(StringKind::PackageName),
    "The package name, if there is no `crate`. It must match exactly; `*` is not a wildcard.",
)
.example("[bans]\nskip = [{ name = \"syn\", version = \"1\" }]\n");

const VERSION: SchemaKey = key(
    "version",
    ValueType::Text(StringKind::Requirement),
    "The version requirement for `name`, as in `Cargo.toml`: `1.2` matches every compatible version, `=1.2.3` only this one.",
)
.absent("every version")
.example("[bans]\nskip = [{ name = \"syn\", version = \"=1.0.109\" }]\n");
