//! Checks that are turned off, unless a comment says why.

use toml::de::DeValue;

use super::Read;
use crate::{
    model::tree,
    text::Span,
    verdict::{Code, Finding, Severity},
};

/// A key, what turns its check off, and what turns it on again: the default, or the mildest level
/// where the default is off.
struct Switch {
    path: [&'static str; 2],
    off: &'static str,
    on: &'static str,
    /// What is not seen.
    unseen: &'static str,
    severity: Severity,
}

const fn switch(
    path: [&'static str; 2],
    [off, on]: [&'static str; 2],
    severity: Severity,
    unseen: &'static str,
) -> Switch {
    Switch { path, off, on, unseen, severity }
}

const SWITCHES: [Switch; 8] = [
    switch(
        ["advisories", "yanked"],
        ["allow", "warn"],
        Severity::Warning,
        "versions that were withdrawn are not told",
    ),
    switch(
        ["advisories", "unmaintained"],
        ["none", "all"],
        Severity::Warning,
        "packages that nobody maintains are not told",
    ),
    switch(
        ["advisories", "unsound"],
        ["none", "workspace"],
        Severity::Warning,
        "unsound packages are not told",
    ),
    switch(
        ["advisories", "disable-yank-checking"],
        ["true", "false"],
        Severity::Warning,
        "versions that were withdrawn are not looked for",
    ),
    switch(
        ["bans", "multiple-versions"],
        ["allow", "warn"],
        Severity::Help,
        "packages that are there in several versions are not told",
    ),
    switch(
        ["bans", "wildcards"],
        ["allow", "warn"],
        Severity::Help,
        "requirements that accept any version are not told",
    ),
    switch(
        ["sources", "unknown-registry"],
        ["allow", "warn"],
        Severity::Warning,
        "packages may come from any registry",
    ),
    switch(
        ["sources", "unknown-git"],
        ["allow", "warn"],
        Severity::Warning,
        "packages may come from any git repository",
    ),
];

/// cargo-deny's default of `confidence-threshold`.
const CONFIDENT: f64 = 0.8;

const THRESHOLD: [&str; 2] = ["licenses", "confidence-threshold"];

/// What a key is to say instead, in TOML without quotes; `None` where it turns nothing off.
pub(crate) fn mended(path: &[&str]) -> Option<&'static str> {
    if path == THRESHOLD {
        return Some("0.8");
    }
    SWITCHES.iter().find(|switch| switch.path == path).map(|switch| switch.on)
}

pub(super) fn checks(read: &Read<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    for (switch, key, value) in off(read) {
        if read.comments(&[key.start]).iter().any(|comment| !comment.is_empty()) {
            continue;
        }
        let Switch { unseen, on, .. } = switch;
        let message = format!("{unseen}: this check is turned off");
        let mut finding = read.said(Code::CheckTurnedOff, switch.severity, value, message);
        finding.remedy = Some(format!("write `{on}`, or say in a comment why"));
        all.push(finding);
    }
    all.extend(threshold(read));
    all
}

/// The words of the comments that speak of checks that are turned off.
pub(super) fn comments(read: &Read<'_>) -> Vec<Span> {
    off(read).flat_map(|(_, key, _)| read.comments(&[key.start])).collect()
}

/// The switches that are off, with their keys and values.
fn off(read: &Read<'_>) -> impl Iterator<Item = (&'static Switch, Span, Span)> {
    SWITCHES.iter().filter_map(|switch| {
        let [section, key] = switch.path;
        let (key, value) = tree::entry(tree::table(read.parsed, section)?, key)?;
        let says = match value.get_ref() {
            DeValue::String(says) => says.as_ref(),
            DeValue::Boolean(true) => "true",
            _ => return None,
        };
        let span = tree::unquoted(read.text, value.span());
        (says == switch.off).then(|| (switch, key.span(), span))
    })
}

fn threshold(read: &Read<'_>) -> Option<Finding> {
    let [section, key] = THRESHOLD;
    let (key, value) = tree::entry(tree::table(read.parsed, section)?, key)?;
    let DeValue::Float(says) = value.get_ref() else { return None };
    let says: f64 = says.as_str().replace('_', "").parse().ok()?;
    let is_explained = read.comments(&[key.span().start]).iter().any(|comment| !comment.is_empty());
    if says >= CONFIDENT || is_explained {
        return None;
    }
    let message = format!(
        "a text is taken for a license that it has little in common with: {says} is below cargo-deny's {CONFIDENT}"
    );
    let mut finding = read.said(Code::LowConfidence, Severity::Warning, value.span(), message);
    finding.remedy = Some("write `0.8`, and state by `clarify` what is not recognized".to_owned());
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{lints::samples::check, schema::POLICY};

    #[test]
    fn what_is_turned_off_is_said() {
        let policy = "[advisories]\nyanked = \"allow\"\nunmaintained = 'none'\nunsound = \"none\"\n\
                      disable-yank-checking = true\n[bans]\nmultiple-versions = \"allow\"\nwildcards = \"allow\"\n\
                      [sources]\nunknown-git = \"allow\"\n";
        let loud = ["allow", "none", "none", "true", "allow"];
        check(policy, Code::CheckTurnedOff, Severity::Warning, &loud);
        check(policy, Code::CheckTurnedOff, Severity::Help, &["allow", "allow"]);
    }

    #[test]
    fn a_comment_says_why_and_other_levels_are_on() {
        let policy = "[advisories]\nyanked = \"allow\" # the mirror does not tell\n\
                      # nobody maintains anything here\nunmaintained = \"none\"\nunsound = \"all\"\n\
                      disable-yank-checking = false\n[bans]\nmultiple-versions = \"warn\"\n";
        check(policy, Code::CheckTurnedOff, Severity::Warning, &[]);
        check(policy, Code::CheckTurnedOff, Severity::Help, &[]);
        check("[advisories]\nyanked = \"allo", Code::CheckTurnedOff, Severity::Warning, &[]);
    }

    #[test]
    fn a_threshold_below_the_default_is_said() {
        let low =
            |policy, expected| check(policy, Code::LowConfidence, Severity::Warning, expected);
        low("[licenses]\nconfidence-threshold = 0.79\n", &["0.79"]);
        low("[licenses]\nconfidence-threshold = 0.8\n", &[]);
        low("[licenses]\nconfidence-threshold = 0.5 # old texts\n", &[]);
        low("[licenses]\nconfidence-threshold = 0.", &[]);
    }

    #[test]
    fn each_is_turned_on_by_a_value_that_its_key_takes() {
        for switch in &SWITCHES {
            let key = POLICY.at(&switch.path).expect("a key");
            let says =
                |value: &str| key.choice(value).is_some() || ["true", "false"].contains(&value);
            assert!(says(switch.off) && says(switch.on), "{:?}", switch.path);
        }
        let threshold = POLICY.at(&THRESHOLD).expect("a key");
        assert_eq!(threshold.default, Some("0.8"));
    }
}
