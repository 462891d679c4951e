//! Which of cargo-deny's checks are wanted.

use super::Check;

/// A set of the four checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckSet(u8);

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
        Check::JUDGED.into_iter().filter(move |check| self.contains(*check))
    }
}
