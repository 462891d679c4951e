//! Small worlds that several tests start from.

/// A package whose dependency brings a vulnerable one, and an unused entry in the policy.
pub(crate) const SMALL: &str = r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- crate: plain 1.5.0
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- advisory: RUSTSEC-2024-0436 plain unmaintained: No longer maintained
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
cookie = "0.18"
gpl = "1"
plain = "1.5"
#- deny.toml
[advisories]
ignore = []

[licenses]
allow = ["MIT", "Zlib"]
"#;

/// Codes of [`SMALL`].
pub(crate) const TIME: &str = "RUSTSEC-2026-0009";
pub(crate) const PLAIN: &str = "RUSTSEC-2024-0436";

/// A policy whose entries do something, and some that do nothing.
pub(crate) const ENTRIES: &str = r#"
#- crate: time 0.3.44
#- crate: time 0.2.0
#- crate: cookie 0.18.1 -> time 0.3
#- crate: old 1.0.0 -> time 0.2
#- crate: plain 1.5.0
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- advisory: RUSTSEC-2024-0436 plain unmaintained: No longer maintained
#- advisory: RUSTSEC-2020-0001 absent patched >=1.0.0: Somewhere else
#- Cargo.toml
[workspace]
members = ["app"]
resolver = "2"

[workspace.dependencies]
cookie = "0.18"
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
cookie.workspace = true
gpl = "1"
old = "1"
plain = "1.5"
#- deny.toml
[advisories]
yanked = "warn"
ignore = [
    "RUSTSEC-2026-0009",
    { id = "RUSTSEC-2020-0001", reason = "not ours" },
]

[licenses]
allow = ["MIT", "Zlib"]

[[licenses.exceptions]]
crate = "gpl"
allow = ["GPL-3.0-only"]

[bans]
multiple-versions = "deny"
skip = ["time@0.2"]
deny = [{ crate = "openssl" }, "plain"]
"#;
