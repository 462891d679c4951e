//! Policy files that are never used.

use camino::{Utf8Path, Utf8PathBuf};

use super::head;
use crate::{
    text::SourceText,
    verdict::{Code, Finding, Location, PolicyText, Related, Role, Severity, own_finding},
};

/// A policy file other than the one in use.
#[derive(Clone, Debug)]
pub(crate) enum SiblingPolicy {
    /// In the same folder, under a name with lower precedence.
    Shadowed(Utf8PathBuf, SourceText),
    /// In the folder of a workspace member.
    Below(Utf8PathBuf, SourceText),
}

/// A finding on the first line of each of these files.
pub(crate) fn files(policy: &PolicyText, siblings: &[SiblingPolicy]) -> Vec<Finding> {
    let Some(used) = &policy.path else { return Vec::new() };
    let findings = siblings.iter().map(|one| {
        let (code, severity, path, text, why) = match one {
            SiblingPolicy::Shadowed(path, text) => {
                let why = "in the same folder takes precedence";
                (Code::ShadowedPolicy, Severity::Warning, path, text, why)
            }
            SiblingPolicy::Below(path, text) => {
                let why = "applies to the whole workspace";
                (Code::UnreadPolicy, Severity::Help, path, text, why)
            }
        };
        let location = Location {
            file: path.into(),
            text: text.clone(),
            span: head(text),
            role: Role::Primary,
            via: None,
        };
        let name = |path: &Utf8Path| {
            let common = used.parent().and_then(|folder| path.strip_prefix(folder).ok());
            common.unwrap_or(path).to_string()
        };
        let message = format!("`{}` is not used: `{}` {why}", name(path), name(used));
        let mut finding = own_finding(code, severity, message, vec![location]);
        finding.remedy = Some("merge the two files and delete this one".to_owned());
        let used = policy.location(head(&policy.text));
        finding.related =
            vec![Related { location: used, message: "this policy is used".to_owned() }];
        finding
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_policies_are_reported_on_their_first_line() {
        let text = SourceText::new("# old\n[bans]\n");
        let policy = PolicyText {
            path: Some("/w/deny.toml".into()),
            text: SourceText::new("[bans]\n"),
            exceptions: None,
        };
        let siblings = [
            SiblingPolicy::Shadowed("/w/.deny.toml".into(), text.clone()),
            SiblingPolicy::Below("/w/a/deny.toml".into(), text.clone()),
        ];
        let findings = files(&policy, &siblings);
        assert_eq!(
            findings[0].message,
            "`.deny.toml` is not used: `deny.toml` in the same folder takes precedence"
        );
        assert_eq!(findings[0].locations[0].span, 0..5);
        assert_eq!(
            findings[1].message,
            "`a/deny.toml` is not used: `deny.toml` applies to the whole workspace"
        );
        assert!(files(&PolicyText::none(None), &siblings).is_empty());
    }
}
