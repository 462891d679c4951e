//! How many errors and warnings are shown for a workspace: the same numbers in the status, the lenses and the
//! output, and as many as an editor lists.

use std::collections::BTreeMap;

use crate::verdict::{Check, Counts, Finding, Severity};

/// The numbers of errors and warnings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Those that cargo-deny counts; they decide the gate.
    pub counted: Counts,
    /// Those that it does not count: our own, and its own about the policy itself or about its own defects
    /// (which it calls a `bug`).
    pub uncounted: Counts,
}

impl Totals {
    /// The totals of a verdict: cargo-deny's counts, and all other errors and warnings among its findings.
    pub(super) fn new(counts: &BTreeMap<Check, Counts>, findings: &[Finding]) -> Self {
        let Self { counted, .. } = Self::of_counts(counts);
        let of = |severity| {
            let all = findings.iter().filter(|finding| finding.severity == severity);
            u32::try_from(all.count()).unwrap_or(u32::MAX)
        };
        let uncounted = Counts {
            errors: of(Severity::Error).saturating_sub(counted.errors),
            warnings: of(Severity::Warning).saturating_sub(counted.warnings),
            ..Counts::default()
        };
        Self { counted, uncounted }
    }

    /// The totals of cargo-deny's counts alone.
    pub fn of_counts(counts: &BTreeMap<Check, Counts>) -> Self {
        let counted = Counts {
            errors: counts.values().map(|counts| counts.errors).sum(),
            warnings: counts.values().map(|counts| counts.warnings).sum(),
            ..Counts::default()
        };
        Self { counted, uncounted: Counts::default() }
    }

    /// `4 errors, 9 warnings, 1 of them not counted by cargo-deny`; `None` where all are 0.
    pub fn text(self) -> Option<String> {
        let Self { counted, uncounted } = self;
        let all = errors_and_warnings(
            counted.errors.saturating_add(uncounted.errors),
            counted.warnings.saturating_add(uncounted.warnings),
        )?;
        let more = uncounted.errors.saturating_add(uncounted.warnings);
        Some(match (counted.errors + counted.warnings, more) {
            (_, 0) => all,
            (0, _) => format!("{all}, not counted by cargo-deny"),
            (_, more) => format!("{all}, {more} of them not counted by cargo-deny"),
        })
    }
}

/// `4 errors, 1 warning`; `None` where both are 0.
pub fn errors_and_warnings(errors: u32, warnings: u32) -> Option<String> {
    let text = |(count, noun): (u32, &str)| match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{count} {noun}s")),
    };
    let parts: Vec<_> =
        [(errors, "error"), (warnings, "warning")].into_iter().filter_map(text).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Code, own_finding};

    #[test]
    fn text_has_all_errors_and_warnings_and_says_how_many_cargo_deny_does_not_count() {
        let text = |errors, warnings, own| {
            let counts = Counts { errors, warnings, notes: 3, helps: 1 };
            let warning =
                || own_finding(Code::MissingReason, Severity::Warning, String::new(), Vec::new());
            let of = |severity, count| (0..count).map(move |_| Finding { severity, ..warning() });
            let findings: Vec<_> = of(Severity::Error, errors)
                .chain(of(Severity::Warning, warnings + own))
                .chain(of(Severity::Note, 3))
                .collect();
            Totals::new(&[(Check::Bans, counts)].into(), &findings).text()
        };
        assert_eq!(text(0, 0, 0), None);
        assert_eq!(text(1, 1, 0).as_deref(), Some("1 error, 1 warning"));
        let both = "4 errors, 9 warnings, 1 of them not counted by cargo-deny";
        assert_eq!(text(4, 8, 1).as_deref(), Some(both));
        assert_eq!(text(0, 0, 2).as_deref(), Some("2 warnings, not counted by cargo-deny"));
    }
}
