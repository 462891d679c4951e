//! How an entry says which packages it is about.

use super::{SchemaKey, StringKind, ValueType, key};

/// `{ crate = ".." }`, or `{ name = "..", version = ".." }`.
pub(super) const WHICH: &[SchemaKey] = &[CRATE, NAME, VERSION];

/// The same, or the id of an advisory.
pub(super) const IGNORED: &[SchemaKey] = &[ID, CRATE, NAME, VERSION];

pub(super) const REASON: &[SchemaKey] = &[key(
    "reason",
    ValueType::Text(StringKind::Words),
    "Why the entry is there, shown with what it decides. It is text and decides nothing.",
)
.example(
    "[bans]\nskip = [{ crate = \"syn@1\", reason = \"until every derive macro uses syn 2\" }]\n",
)];

const ID: SchemaKey = key(
    "id",
    ValueType::Text(StringKind::Advisory),
    "The id of the advisory, as RustSec writes it. Aliases, such as a CVE number, match nothing.",
)
.example(
    "[advisories]\nignore = [{ id = \"RUSTSEC-2023-0071\", reason = \"no RSA key is used\" }]\n",
);

const CRATE: SchemaKey = key(
    "crate",
    ValueType::Text(StringKind::Package),
    "Which packages: `name` for every version, `name@1.2.3` for exactly that one, `name@1.2` for every \
     1.2.x, `name:^1.2` for a requirement as in `Cargo.toml`.",
)
.example("[bans]\nskip = [{ crate = \"syn@1.0.109\" }]\n");

const NAME: SchemaKey = key(
    "name",
    ValueType::Text(StringKind::PackageName),
    "The package's name, where `crate` does not say it. Names are compared letter by letter; `*` is \
     no wildcard.",
)
.example("[bans]\nskip = [{ name = \"syn\", version = \"1\" }]\n");

const VERSION: SchemaKey = key(
    "version",
    ValueType::Text(StringKind::Requirement),
    "Which versions of the package that `name` says, a requirement as in `Cargo.toml`: `1.2` means \
     every compatible one, `=1.2.3` exactly that one.",
)
.absent("every version")
.example("[bans]\nskip = [{ name = \"syn\", version = \"=1.0.109\" }]\n");
