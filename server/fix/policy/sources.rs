//! Sources that are not allowed: allows the repository or registry, or the whole organization.

use url::Url;

use super::{FixKind, PlanInput, PolicyPlan, value::Value};
use crate::{
    policy::sources::{CRATES_IO, SourceEntry, owner as owner_of},
    verdict::sanitize,
};

pub(super) fn plans(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let source = input.package().and_then(|package| package.source.as_deref());
    let plans = match source.and_then(SourceEntry::of) {
        Some(SourceEntry::Repository(url)) => [repository(input, &url), owner(input, &url)],
        Some(SourceEntry::Registry(url)) => [registry(input, &url), None],
        None => [None, None],
    };
    plans.into_iter().flatten().collect()
}

fn repository(input: &PlanInput<'_>, url: &Url) -> Option<PolicyPlan> {
    let path = ["sources", "allow-git"];
    let listed = lists(input, &path, url.as_str());
    let edited =
        (!listed).then(|| input.document.with_item(&path, &Value::text(url.as_str()), false))??;
    let title = format!("allow the git repository {}", sanitize(url.as_str()));
    Some(PolicyPlan::new(FixKind::Exception, title, edited))
}

fn registry(input: &PlanInput<'_>, url: &str) -> Option<PolicyPlan> {
    let path = ["sources", "allow-registry"];
    if lists(input, &path, url) {
        return None;
    }
    let with_item =
        |document: &super::TomlDocument<'_>| document.with_item(&path, &Value::text(url), false);
    let edited = if input.document.value(&path).is_some() {
        with_item(&input.document)?
    } else {
        let first = input.document.with_item(&path, &Value::text(CRATES_IO), false)?;
        first.then(with_item)?
    };
    let title = format!("allow the registry {}", sanitize(url));
    Some(PolicyPlan::new(FixKind::Exception, title, edited))
}

fn owner(input: &PlanInput<'_>, url: &Url) -> Option<PolicyPlan> {
    let (name, owner) = owner_of(url)?;
    let path = ["sources", "allow-org", name];
    let listed = input.document.items(&path).iter().filter_map(toml::Value::as_str);
    if listed.into_iter().any(|other| other.eq_ignore_ascii_case(owner)) {
        return None;
    }
    let edited = input.document.with_item(&path, &Value::text(owner), false)?;
    let title = format!("allow every repository of `{}` on {}", sanitize(owner), url.host_str()?);
    Some(PolicyPlan::new(FixKind::Allow, title, edited))
}

fn lists(input: &PlanInput<'_>, path: &[&str], text: &str) -> bool {
    input.document.items(path).iter().any(|entry| entry.as_str() == Some(text))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::{fix::policy::samples::PolicySample, verdict::Code};

    fn from(policy: &str, source: &str, expected: &Expect) {
        let sample = PolicySample::new(policy);
        let mut finding = sample.finding(Code::SourceNotAllowed, &["a 1.0.0"]);
        finding.packages[0].source = Some(source.to_owned());
        expected.assert_eq(&sample.shown(&finding));
    }

    #[test]
    fn repository_is_offered_before_organization() {
        from(
            "[sources]\nunknown-git = \"deny\"\n",
            "git+https://user:secret@github.com/one/two?rev=abc#abcdef",
            &expect![[r#"
                Exception: allow the git repository https://github.com/one/two
                  @@ -2 +2,2 @@
                   unknown-git = "deny"
                  +allow-git = ["https://github.com/one/two"]
                Allow: allow every repository of `one` on github.com
                  @@ -2 +2,2 @@
                   unknown-git = "deny"
                  +allow-org = { github = ["one"] }
            "#]],
        );
        from(
            "",
            "git+https://example.org/two",
            &expect![[r#"
            Exception: allow the git repository https://example.org/two
              @@ -0,0 +1,2 @@
              +[sources]
              +allow-git = ["https://example.org/two"]
        "#]],
        );
        from(
            "[sources]\nallow-git = [\"https://github.com/one/two\"]\n[sources.allow-org]\ngithub = [\"One\"]\n",
            "git+https://github.com/one/two#abcdef",
            &expect![[r"
                no plan
            "]],
        );
    }

    #[test]
    fn crates_io_stays_allowed_with_another_registry() {
        from(
            "",
            "registry+https://example.org/index",
            &expect![[r#"
            Exception: allow the registry https://example.org/index
              @@ -0,0 +1,2 @@
              +[sources]
              +allow-registry = ["https://github.com/rust-lang/crates.io-index", "https://example.org/index"]
        "#]],
        );
        from(
            "[sources]\nallow-registry = []\n",
            "sparse+https://example.org/index/",
            &expect![[r#"
                Exception: allow the registry sparse+https://example.org/index/
                  @@ -1,2 +1,2 @@
                   [sources]
                  -allow-registry = []
                  +allow-registry = ["sparse+https://example.org/index/"]
            "#]],
        );
    }

    #[test]
    fn local_package_has_no_plan() {
        let sample = PolicySample::new("");
        let mut finding = sample.finding(Code::SourceNotAllowed, &["a 1.0.0"]);
        finding.packages[0].source = None;
        assert_eq!(sample.shown(&finding), "no plan\n");
    }
}
