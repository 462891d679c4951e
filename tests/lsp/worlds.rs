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
