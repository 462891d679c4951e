//! Which check a diagnostic of cargo-deny comes from: its JSON does not say, but each code belongs to exactly one check.

const ADVISORIES: &[&str] = &[
    "vulnerability",
    "notice",
    "unmaintained",
    "unsound",
    "yanked",
    "advisory-ignored",
    "yanked-ignored",
    "index-failure",
    "index-cache-load-failure",
    "advisory-not-detected",
    "yanked-not-detected",
    "unknown-advisory",
];

const BANS: &[&str] = &[
    "banned",
    "allowed",
    "not-allowed",
    "duplicate",
    "skipped",
    "wildcard",
    "unmatched-skip",
    "unnecessary-skip",
    "allowed-by-wrapper",
    "unmatched-wrapper",
    "skipped-by-root",
    "unmatched-skip-root",
    "build-script-not-allowed",
    "exact-features-mismatch",
    "feature-not-explicitly-allowed",
    "feature-banned",
    "unknown-feature",
    "default-feature-enabled",
    "path-bypassed",
    "path-bypassed-by-glob",
    "checksum-match",
    "checksum-mismatch",
    "denied-by-extension",
    "detected-executable",
    "detected-executable-script",
    "unable-to-check-path",
    "features-enabled",
    "unmatched-bypass",
    "unmatched-path-bypass",
    "unmatched-glob",
    "unused-wrapper",
    "workspace-duplicate",
    "unresolved-workspace-dependency",
    "unused-workspace-dependency",
    "non-utf8-path",
    "non-root-path",
    "replaced-in-std",
    "unmatched-replacement-ignore",
];

const LICENSES: &[&str] = &[
    "accepted",
    "rejected",
    "unlicensed",
    "skipped-private-workspace-crate",
    "license-not-encountered",
    "license-exception-not-encountered",
    "missing-clarification-file",
    "parse-error",
    "empty-license-field",
    "no-license-field",
    "gather-failure",
];

const SOURCES: &[&str] = &[
    "git-source-underspecified",
    "allowed-source",
    "allowed-by-organization",
    "source-not-allowed",
    "unmatched-source",
    "unmatched-organization",
];

/// The check that issues `code`; `None` for the codes of the policy's parser and for unknown ones.
pub(crate) fn check_of(code: &str) -> Option<&'static str> {
    [("advisories", ADVISORIES), ("bans", BANS), ("licenses", LICENSES), ("sources", SOURCES)]
        .into_iter()
        .find_map(|(check, codes)| codes.contains(&code).then_some(check))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_67_codes_of_checks_and_one_of_the_policy() {
        let mut all = [ADVISORIES, BANS, LICENSES, SOURCES].concat();
        assert_eq!(all.len(), 67);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 67, "a code belongs to exactly one check");
        assert_eq!(check_of("deprecated"), None);
    }
}
