//! Policies that the gate does not read.

use camino::{Utf8Path, Utf8PathBuf};

use super::head;
use crate::{
    text::SourceText,
    verdict::{Code, Finding, Location, PolicyText, Related, Role, Severity, own},
};

/// A policy besides the one that rules.
#[derive(Clone, Debug)]
pub(crate) enum Beside {
    /// In the same folder, under a name that is asked for later.
    Shadowed(Utf8PathBuf, SourceText),
    /// In the folder of a member.
    Below(Utf8PathBuf, SourceText),
}

/// A finding for each, on its own first line.
pub(crate) fn files(policy: &PolicyText, beside: &[Beside]) -> Vec<Finding> {
    let Some(rules) = &policy.path else { return Vec::new() };
    let said = beside.iter().map(|one| {
        let (code, severity, path, text, why) = match one {
            Beside::Shadowed(path, text) => {
                let why = "beside it is asked for first";
                (Code::ShadowedPolicy, Severity::Warning, path, text, why)
            }
            Beside::Below(path, text) => {
                let why = "rules the workspace that this folder is part of";
                (Code::UnreadPolicy, Severity::Help, path, text, why)
            }
        };
        let location = Location {
            file: path.clone(),
            text: text.clone(),
            span: head(text),
            role: Role::Mend,
            via: None,
        };
        let name = |path: &Utf8Path| {
            let common = rules.parent().and_then(|folder| path.strip_prefix(folder).ok());
            common.unwrap_or(path).to_string()
        };
        let message = format!("`{}` is not read: `{}` {why}", name(path), name(rules));
        let mut finding = own(code, severity, message, vec![location]);
        finding.remedy = Some("say in one file what shall hold, and remove the other".to_owned());
        let rules = policy.location(head(&policy.text));
        finding.related = vec![Related { location: rules, message: "this one rules".to_owned() }];
        finding
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_said_on_themselves() {
        let text = SourceText::new("# old\n[bans]\n");
        let policy = PolicyText {
            path: Some("/w/deny.toml".into()),
            text: SourceText::new("[bans]\n"),
            exceptions: None,
        };
        let beside = [
            Beside::Shadowed("/w/.deny.toml".into(), text.clone()),
            Beside::Below("/w/a/deny.toml".into(), text.clone()),
        ];
        let said = files(&policy, &beside);
        assert_eq!(
            said[0].message,
            "`.deny.toml` is not read: `deny.toml` beside it is asked for first"
        );
        assert_eq!(said[0].locations[0].span, 0..5);
        assert_eq!(
            said[1].message,
            "`a/deny.toml` is not read: `deny.toml` rules the workspace that this folder is part of"
        );
        assert!(files(&PolicyText::none(None), &beside).is_empty());
    }
}
