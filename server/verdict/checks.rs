//! The checks that findings come from.

use serde::{Deserialize, Serialize};

/// The check that a finding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Check {
    /// Vulnerabilities, unmaintained and yanked packages.
    Advisories,
    /// Banned and duplicate packages, features, build scripts.
    Bans,
    /// License expressions and texts.
    Licenses,
    /// Registries and git repositories.
    Sources,
    /// The policy itself.
    Config,
    /// Findings of our own.
    Supercargo,
}

impl Check {
    /// The four checks of cargo-deny, in the order in which they are reported.
    pub const CARGO_DENY: [Self; 4] = [Self::Advisories, Self::Bans, Self::Licenses, Self::Sources];

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advisories => "advisories",
            Self::Bans => "bans",
            Self::Licenses => "licenses",
            Self::Sources => "sources",
            Self::Config => "config",
            Self::Supercargo => "supercargo",
        }
    }

    /// The bit that this check sets in cargo-deny's exit code when it has an error.
    pub fn exit_bit(self) -> u8 {
        match self {
            Self::Advisories => 1,
            Self::Bans => 2,
            Self::Licenses => 4,
            Self::Sources => 8,
            Self::Config | Self::Supercargo => 0,
        }
    }
}

/// A set of the four checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Check>", into = "Vec<Check>")]
pub struct CheckSet(u8);

impl Default for CheckSet {
    fn default() -> Self {
        Self::ALL
    }
}

impl From<Vec<Check>> for CheckSet {
    fn from(checks: Vec<Check>) -> Self {
        Self::of(&checks)
    }
}

impl From<CheckSet> for Vec<Check> {
    fn from(checks: CheckSet) -> Self {
        checks.iter().collect()
    }
}

impl CheckSet {
    /// All four.
    pub const ALL: Self = Self(0b1111);

    /// Exactly these.
    pub fn of(checks: &[Check]) -> Self {
        Self(checks.iter().fold(0, |set, check| set | check.exit_bit()))
    }

    /// Whether `check` is in it.
    pub fn contains(self, check: Check) -> bool {
        self.0 & check.exit_bit() != 0
    }

    /// Without `check`.
    #[must_use]
    pub fn without(self, check: Check) -> Self {
        Self(self.0 & !check.exit_bit())
    }

    /// The checks in it, in their usual order.
    pub fn iter(self) -> impl Iterator<Item = Check> {
        Check::CARGO_DENY.into_iter().filter(move |check| self.contains(*check))
    }
}
