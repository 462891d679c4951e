//! Checks that are disabled without a comment that explains why.

use toml::de::DeValue;

use super::LintContext;
use crate::{
    model::tree,
    text::Span,
    verdict::{Code, Finding, Severity},
};

/// A key that can disable a check. `on` enables it again: the default, or the mildest level if the
/// default is off.
struct Switch {
    path: [&'static str; 2],
    off: &'static str,
    on: &'static str,
    /// The consequence, for the message.
    effect: &'static str,
    severity: Severity,
}

const fn switch(
    path: [&'static str; 2],
    [off, on]: [&'static str; 2],
    severity: Severity,
    effect: &'static str,
) -> Switch {
    Switch { path, off, on, effect, severity }
}

const SWITCHES: [Switch; 8] = [
    switch(
        ["advisories", "yanked"],
        ["allow", "warn"],
        Severity::Warning,
        "yanked crates are not reported",
    ),
    switch(
        ["advisories", "unmaintained"],
        ["none", "all"],
        Severity::Warning,
        "unmaintained crates are not reported",
    ),
    switch(
        ["advisories", "unsound"],
        ["none", "workspace"],
        Severity::Warning,
        "unsound crates are not reported",
    ),
    switch(
        ["advisories", "disable-yank-checking"],
        ["true", "false"],
        Severity::Warning,
        "yanked crates are not looked up",
    ),
    switch(
        ["bans", "multiple-versions"],
        ["allow", "warn"],
        Severity::Help,
        "duplicate versions are not reported",
    ),
    switch(
        ["bans", "wildcards"],
        ["allow", "warn"],
        Severity::Help,
        "wildcard requirements are not reported",
    ),
    switch(
        ["sources", "unknown-registry"],
        ["allow", "warn"],
        Severity::Warning,
        "crates from unknown registries are not reported",
    ),
    switch(
        ["sources", "unknown-git"],
        ["allow", "warn"],
        Severity::Warning,
        "crates from unknown git repositories are not reported",
    ),
];

/// cargo-deny's default of `confidence-threshold`.
const DEFAULT_THRESHOLD: f64 = 0.8;

const THRESHOLD: [&str; 2] = ["licenses", "confidence-threshold"];

/// The value that enables the check of a key again, in TOML without quotes; `None` if the key does
/// not disable a check.
pub(crate) fn enabling_value(path: &[&str]) -> Option<&'static str> {
    if path == THRESHOLD {
        return Some("0.8");
    }
    SWITCHES.iter().find(|switch| switch.path == path).map(|switch| switch.on)
}

pub(super) fn checks(context: &LintContext<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    for (switch, key, value) in disabled(context) {
        if context.comments.at(&[key.start]).iter().any(|comment| !comment.is_empty()) {
            continue;
        }
        let Switch { effect, on, .. } = switch;
        let message = format!("{effect}: this check is disabled");
        let mut finding = context.finding(Code::CheckTurnedOff, switch.severity, value, message);
        finding.remedy = Some(format!("set it to `{on}`, or explain why in a comment"));
        all.push(finding);
    }
    all.extend(threshold(context));
    all
}

/// The texts of the comments on disabled checks.
pub(super) fn comments(context: &LintContext<'_>) -> Vec<Span> {
    disabled(context).flat_map(|(_, key, _)| context.comments.at(&[key.start])).collect()
}

/// The switches that are off, with the spans of their keys and values.
fn disabled(context: &LintContext<'_>) -> impl Iterator<Item = (&'static Switch, Span, Span)> {
    SWITCHES.iter().filter_map(|switch| {
        let [section, key] = switch.path;
        let (key, value) = tree::entry(tree::table(context.parsed, section)?, key)?;
        let written = match value.get_ref() {
            DeValue::String(text) => text.as_ref(),
            DeValue::Boolean(true) => "true",
            _ => return None,
        };
        let span = tree::unquoted(context.text, value.span());
        (written == switch.off).then(|| (switch, key.span(), span))
    })
}

fn threshold(context: &LintContext<'_>) -> Option<Finding> {
    let [section, key] = THRESHOLD;
    let (key, node) = tree::entry(tree::table(context.parsed, section)?, key)?;
    let DeValue::Float(number) = node.get_ref() else { return None };
    let value: f64 = number.as_str().replace('_', "").parse().ok()?;
    let is_explained =
        context.comments.at(&[key.span().start]).iter().any(|comment| !comment.is_empty());
    if value >= DEFAULT_THRESHOLD || is_explained {
        return None;
    }
    let message = format!(
        "`confidence-threshold` {value} is below cargo-deny's default of {DEFAULT_THRESHOLD}: a text may be mistaken for another license"
    );
    let mut finding = context.finding(Code::LowConfidence, Severity::Warning, node.span(), message);
    finding.remedy = Some(
        "set it to `0.8`, and add a `clarify` entry for each license that is not recognized"
            .to_owned(),
    );
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{lints::samples::check, schema::POLICY};

    #[test]
    fn disabled_checks_are_reported() {
        let policy = "[advisories]\nyanked = \"allow\"\nunmaintained = 'none'\nunsound = \"none\"\n\
                      disable-yank-checking = true\n[bans]\nmultiple-versions = \"allow\"\nwildcards = \"allow\"\n\
                      [sources]\nunknown-git = \"allow\"\n";
        let warnings = ["allow", "none", "none", "true", "allow"];
        check(policy, Code::CheckTurnedOff, Severity::Warning, &warnings);
        check(policy, Code::CheckTurnedOff, Severity::Help, &["allow", "allow"]);
    }

    #[test]
    fn commented_and_enabled_checks_are_not_reported() {
        let policy = "[advisories]\nyanked = \"allow\" # the mirror has no index\n\
                      # all of them are vendored\nunmaintained = \"none\"\nunsound = \"all\"\n\
                      disable-yank-checking = false\n[bans]\nmultiple-versions = \"warn\"\n";
        check(policy, Code::CheckTurnedOff, Severity::Warning, &[]);
        check(policy, Code::CheckTurnedOff, Severity::Help, &[]);
        check("[advisories]\nyanked = \"allo", Code::CheckTurnedOff, Severity::Warning, &[]);
    }

    #[test]
    fn threshold_below_the_default_is_reported() {
        let low =
            |policy, expected| check(policy, Code::LowConfidence, Severity::Warning, expected);
        low("[licenses]\nconfidence-threshold = 0.79\n", &["0.79"]);
        low("[licenses]\nconfidence-threshold = 0.8\n", &[]);
        low("[licenses]\nconfidence-threshold = 0.5 # old texts\n", &[]);
        low("[licenses]\nconfidence-threshold = 0.", &[]);
    }

    #[test]
    fn each_key_accepts_its_off_and_on_value() {
        for switch in &SWITCHES {
            let key = POLICY.at(&switch.path).expect("a key");
            let accepts =
                |value: &str| key.choice(value).is_some() || ["true", "false"].contains(&value);
            assert!(accepts(switch.off) && accepts(switch.on), "{:?}", switch.path);
        }
        let threshold = POLICY.at(&THRESHOLD).expect("a key");
        assert_eq!(threshold.default, Some("0.8"));
    }
}
