//! Makes a member private: with `publish = false`, cargo-deny leaves it out of the license check
//! (`licenses.private.ignore`) and allows its path dependencies without a version
//! (`bans.allow-wildcard-paths`), once the policy says so.

use super::ManifestPlan;
use crate::{
    fix::{
        CheckedTexts, FixKind,
        document::{TomlDocument, TomlStep, value::Value},
    },
    gate::Texts as _,
    model::manifest::Manifest,
    text::SourceText,
    verdict::{Code, Finding},
};

const PUBLISH: [&str; 2] = ["package", "publish"];

/// A key of the policy about private members.
struct PolicyKey {
    path: &'static [&'static str],
    /// What it has to do with the member, for a title.
    effect: &'static str,
}

/// The key that clears a finding about a private member.
fn policy_key(finding: &Finding) -> Option<PolicyKey> {
    match finding.code? {
        Code::Unlicensed
        | Code::NoLicenseField
        | Code::EmptyLicenseField
        | Code::GatherFailure
        | Code::ParseError
        | Code::Rejected => Some(PolicyKey {
            path: &["licenses", "private", "ignore"],
            effect: "leave it out of the license check",
        }),
        Code::Wildcard => Some(PolicyKey {
            path: &["bans", "allow-wildcard-paths"],
            effect: "allow its path dependencies without a version",
        }),
        _ => None,
    }
}

/// The plan for a finding about a member.
pub(super) fn plan(finding: &Finding, current: CheckedTexts<'_>) -> Option<ManifestPlan> {
    let key = policy_key(finding)?;
    let package = finding.packages.first().filter(|package| package.source.is_none())?;
    let manifest = finding.locations.iter().find(|location| {
        let model = Manifest::parse(location.text.as_str());
        let name = model.package.and_then(|package| package.name);
        name.is_some_and(|name| name.value == package.name)
    })?;
    let policy = current.verdict.policy.as_ref()?;
    let manifest_text = current.texts.read(&manifest.file).ok()?;
    // A changed text is checked again first.
    if manifest_text != manifest.text {
        return None;
    }
    let root = current.verdict.workspace.root.join("Cargo.toml");
    let root = current.texts.read(&root).ok();
    let policy_text = current.texts.read(policy).ok()?;
    let private = made_private(manifest_text.as_str(), root.as_ref())?;
    let private = Some(private).filter(|after| after != manifest_text.as_str());
    let allowed = turned_on(policy_text.as_str(), key.path)?;
    let allowed = Some(allowed).filter(|after| after != policy_text.as_str());
    let (section, setting) = (key.path.split_last()?.1.join("."), key.path.last()?);
    let policy_key = format!("`{section}.{setting} = true`");
    let name = &package.name;
    let changes: Vec<String> = private
        .iter()
        .map(|_| "`publish = false`".to_owned())
        .chain(allowed.iter().map(|_| policy_key.clone()))
        .collect();
    let title = match (&private, &allowed) {
        (Some(_), _) => {
            format!("make `{name}` private and {} ({})", key.effect, changes.join(" and "))
        }
        (None, Some(_)) => {
            format!("`{name}` is private: {} ({})", key.effect, changes.join(" and "))
        }
        (None, None) => return None,
    };
    let private = private.map(|after| (manifest.file.to_path_buf(), SourceText::new(&after)));
    let allowed = allowed.map(|after| (policy.clone(), SourceText::new(&after)));
    let after = private.into_iter().chain(allowed).collect();
    Some(ManifestPlan { kind: FixKind::Exception, title, after })
}

/// The manifest with `publish = false`, unchanged where the package is private already. `None` where it names
/// registries to publish to, which is a decision that stays.
fn made_private(text: &str, root: Option<&SourceText>) -> Option<String> {
    let document = TomlDocument::read(text)?;
    let Some(stated) = document.value(&PUBLISH) else {
        return document.with_setting(&PUBLISH, &Value::boolean(false)).map(|edited| edited.text);
    };
    let is_private = |value: &toml::Value| match value {
        toml::Value::Boolean(publish) => !publish,
        toml::Value::Array(registries) => registries.is_empty(),
        _ => false,
    };
    if is_private(stated) {
        return Some(text.to_owned());
    }
    match stated {
        toml::Value::Boolean(_) => {
            let steps = PUBLISH.map(|key| TomlStep::Key(key.to_owned()));
            document.replaced(&steps, "false", false.into()).map(|edited| edited.text)
        }
        // `publish.workspace = true`
        toml::Value::Table(_) => {
            let root = TomlDocument::read(root?.as_str())?;
            let inherited = root.value(&["workspace", "package", "publish"])?;
            is_private(inherited).then(|| text.to_owned())
        }
        _ => None,
    }
}

/// The policy in which a key is `true`.
fn turned_on(text: &str, path: &[&str]) -> Option<String> {
    let document = TomlDocument::read(text)?;
    match document.value(path) {
        None => document
            .with_entry(path, &Value::boolean(true))
            .or_else(|| document.with_setting(path, &Value::boolean(true)))
            .map(|edited| edited.text),
        Some(toml::Value::Boolean(true)) => Some(text.to_owned()),
        Some(toml::Value::Boolean(false)) => {
            let steps: Vec<_> = path.iter().map(|key| TomlStep::Key((*key).to_owned())).collect();
            document.replaced(&steps, "true", true.into()).map(|edited| edited.text)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private(text: &str, root: Option<&str>) -> Option<String> {
        made_private(text, root.map(SourceText::new).as_ref())
    }

    #[test]
    fn package_is_made_private_in_every_layout() {
        let changed = |before: &str, after: &str| {
            assert_eq!(private(before, None), Some(after.to_owned()), "{before}");
        };
        changed(
            "[package]\nname = \"a\"\n\n[dependencies]\n",
            "[package]\nname = \"a\"\npublish = false\n\n[dependencies]\n",
        );
        changed("[package]\npublish = true # yes\n", "[package]\npublish = false # yes\n");
        changed("package.name = \"a\"\n", "package.name = \"a\"\npackage.publish = false\n");
        for same in ["[package]\npublish = false\n", "[package]\npublish = []\n"] {
            assert_eq!(private(same, None).as_deref(), Some(same), "{same}");
        }
        assert_eq!(private("[package]\npublish = [\"corp\"]\n", None), None);
        let inherits = "[package]\npublish.workspace = true\n";
        assert_eq!(
            private(inherits, Some("[workspace.package]\npublish = false\n")).as_deref(),
            Some(inherits)
        );
        assert_eq!(private(inherits, Some("[workspace.package]\npublish = true\n")), None);
        assert_eq!(private(inherits, None), None);
    }

    #[test]
    fn policy_key_is_turned_on_in_every_layout() {
        let path = ["licenses", "private", "ignore"];
        let changed = |before: &str, after: &str| {
            assert_eq!(turned_on(before, &path), Some(after.to_owned()), "{before}");
        };
        changed("[licenses.private]\nignore = false\n", "[licenses.private]\nignore = true\n");
        changed(
            "[licenses]\nprivate = { ignore = false }\n",
            "[licenses]\nprivate = { ignore = true }\n",
        );
        changed("[licenses.private]\nignore = true\n", "[licenses.private]\nignore = true\n");
        for before in [
            "",
            "[licenses]\nallow = []\n",
            "[licenses]\nallow = []\n[licenses.private]\nregistries = []\n[bans]\n",
        ] {
            let after = turned_on(before, &path).unwrap_or_else(|| panic!("{before}"));
            assert_ne!(after, before);
            assert_eq!(turned_on(&after, &path), Some(after), "{before}");
        }
    }
}
