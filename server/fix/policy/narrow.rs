//! Entries that are broader than the graph needs: they are narrowed.

use std::collections::BTreeSet;

use super::{
    FixKind, PlanInput, PolicyPlan,
    document::{TextChange, TomlDocument, TomlStep},
    exception::with_exception,
    licenses::EXCEPTIONS,
    named, reasons, spec,
    value::{Value, ValueStyle},
};
use crate::{
    policy::{
        entries::is_id,
        lints::enabling_value,
        sources::{SourceEntry, owner},
    },
    verdict::sanitize,
};

/// Narrows an entry to the version in the graph.
pub(super) fn broad(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let (Some(package), Some(steps)) = (input.package(), reasons::entry(input)) else {
        return Vec::new();
    };
    let document = &input.document;
    let exact = spec::exactly(package);
    let key = |key: &str| [&steps[..], &[TomlStep::Key(key.to_owned())]].concat();
    let narrowed = |steps: &[TomlStep]| {
        let span = document.at(steps)?.span.clone()?;
        let style = ValueStyle::of(std::iter::once(&document.text[span.clone()]));
        let text = Value::text(exact.as_str()).inline(style).text;
        document.replaced(steps, &text, exact.as_str().into())
    };
    let edited = match document.value_at(&steps) {
        Some(toml::Value::String(_)) => narrowed(&steps),
        Some(toml::Value::Table(table)) if table.contains_key("crate") => narrowed(&key("crate")),
        Some(toml::Value::Table(table)) if !table.contains_key("version") => {
            let version = exact.split_once('@').map_or("", |(_, version)| version);
            document.with_key(&steps, "version", &Value::Text(format!("={version}")))
        }
        _ => None,
    };
    let title = format!("narrow the entry to {}", named(package));
    edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)).into_iter().collect()
}

/// Replaces a license in `allow` by an exception for the only package that needs it.
pub(super) fn allowed_for_one(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let (Some(package), Some(location)) = (input.package(), input.location()) else {
        return Vec::new();
    };
    let Some(steps) = input.document.steps_to(location.span.start) else { return Vec::new() };
    let Some(toml::Value::String(license)) = input.document.value_at(&steps) else {
        return Vec::new();
    };
    let exceptions = input.document.items(&EXCEPTIONS);
    let exception = exceptions.iter().position(|entry| spec::matches(entry, package));
    let edited = input.document.without_item(location.span.start).and_then(|edited| {
        edited.then(|document| {
            with_exception(document, exception, package, std::slice::from_ref(&license))
        })
    });
    let title = format!("allow `{}` for {} only", sanitize(&license), named(package));
    edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)).into_iter().collect()
}

/// Replaces an organization by its used repositories.
pub(super) fn organization(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(location) = input.location() else { return Vec::new() };
    let Some(steps) = input.document.steps_to(location.span.start) else { return Vec::new() };
    let [TomlStep::Key(_), TomlStep::Key(_), TomlStep::Key(host), ..] = steps.as_slice() else {
        return Vec::new();
    };
    let Some(toml::Value::String(organization)) = input.document.value_at(&steps) else {
        return Vec::new();
    };
    let sources = input.facts.packages.keys().filter_map(|package| package.source.as_deref());
    let mut used = BTreeSet::new();
    for permitted in sources.filter_map(SourceEntry::of) {
        let SourceEntry::Repository(url) = permitted else { continue };
        let is_of = owner(&url)
            .is_some_and(|(at, name)| at == host && name.eq_ignore_ascii_case(&organization));
        if is_of {
            used.insert(url.to_string());
        }
    }
    let listed: Vec<Value> = used
        .iter()
        .filter(|url| {
            let known = input.document.items(&["sources", "allow-git"]);
            known.iter().all(|entry| entry.as_str() != Some(url.as_str()))
        })
        .map(|url| Value::text(url.as_str()))
        .collect();
    let edited = input.document.without_item(location.span.start).and_then(|edited| {
        if listed.is_empty() {
            return Some(edited);
        }
        edited.then(|document| document.with_items(&["sources", "allow-git"], &listed, false))
    });
    let repositories = match used.len() {
        0 => return Vec::new(),
        1 => "repository",
        _ => "repositories",
    };
    let title = format!("allow only the used {repositories} of `{}`", sanitize(&organization));
    edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)).into_iter().collect()
}

/// Writes an id in capitals, or removes an entry that ignores nothing.
pub(super) fn ignores_nothing(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(location) = input.location() else { return Vec::new() };
    let what = input.document.text.get(location.span.clone()).unwrap_or_default();
    let capitals = what.to_ascii_uppercase();
    let steps = input.document.steps_to(location.span.start);
    let is_string =
        steps.as_ref().is_some_and(|steps| matches!(steps.last(), Some(TomlStep::Index(_))));
    let mut plans = Vec::new();
    let looks_like_id = ["RUSTSEC-", "CVE-", "GHSA-"].iter().any(|one| capitals.starts_with(one));
    if let Some(steps) = steps.filter(|_| is_string && looks_like_id && is_id(&capitals)) {
        let piece =
            TextChange { at: location.span.clone(), text: capitals.clone(), placeholder: None };
        let edited = input.document.with_value_at(vec![piece], &steps, capitals.as_str().into());
        let title = format!("change to `{}`", sanitize(&capitals));
        plans.extend(edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)));
    }
    let without = input.document.without_item(location.span.start);
    let title = format!("remove `{}`, which ignores nothing", sanitize(what));
    plans.extend(without.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)));
    plans
}

/// Sets a key that disables a check to its default.
pub(super) fn enable_check(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(location) = input.location() else { return Vec::new() };
    let Some(steps) = input.document.steps_to(location.span.start) else { return Vec::new() };
    let keys: Vec<&str> = steps
        .iter()
        .filter_map(|step| match step {
            TomlStep::Key(key) => Some(key.as_str()),
            TomlStep::Index(_) => None,
        })
        .collect();
    let Some(on) = enabling_value(&keys) else { return Vec::new() };
    let document: &TomlDocument<'_> = &input.document;
    let Some(span) = document.at(&steps).and_then(|node| node.span.clone()) else {
        return Vec::new();
    };
    let written = &document.text[span];
    let (text, says): (String, toml::Value) = match document.value_at(&steps) {
        Some(toml::Value::String(_)) => {
            let quote = if written.starts_with('\'') { '\'' } else { '"' };
            (format!("{quote}{on}{quote}"), on.into())
        }
        Some(toml::Value::Boolean(_)) => (on.to_owned(), (on == "true").into()),
        Some(toml::Value::Float(_)) => match on.parse::<f64>() {
            Ok(value) => (on.to_owned(), value.into()),
            Err(_) => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let edited = document.replaced(&steps, &text, says);
    let title = format!("set `{}` to `{on}`", keys.join("."));
    edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::{
        fix::policy::samples::{PolicySample, check},
        verdict::{Code, Finding},
    };

    /// The plans for a finding about these packages, located at the `$0`.
    fn about(policy: &str, code: Code, packages: &[&str], expected: &Expect) {
        let sample = PolicySample::new(policy);
        let mut finding = sample.finding(code, &[]);
        finding.packages = packages.iter().map(|one| super::super::samples::package(one)).collect();
        expected.assert_eq(&sample.shown(&finding));
    }

    #[test]
    fn entry_is_narrowed_to_the_locked_version() {
        let broad = |policy: &str, expected: &Expect| {
            about(policy, Code::BroadEntry, &["a 1.2.3+meta"], expected);
        };
        broad(
            "[bans]\nskip-tree = ['$0a'] # why\n",
            &expect![[r"
            Policy: narrow the entry to `a` 1.2.3+meta
              @@ -1,2 +1,2 @@
               [bans]
              -skip-tree = ['a'] # why
              +skip-tree = ['a@1.2.3'] # why
        "]],
        );
        broad(
            "[bans]\nskip-tree = [{ crate = \"$0a\", depth = 1 }]\n",
            &expect![[r#"
            Policy: narrow the entry to `a` 1.2.3+meta
              @@ -1,2 +1,2 @@
               [bans]
              -skip-tree = [{ crate = "a", depth = 1 }]
              +skip-tree = [{ crate = "a@1.2.3", depth = 1 }]
        "#]],
        );
        broad(
            "[licenses]\nexceptions = [{ name = \"$0a\", allow = [] }]\n",
            &expect![[r#"
            Policy: narrow the entry to `a` 1.2.3+meta
              @@ -1,2 +1,2 @@
               [licenses]
              -exceptions = [{ name = "a", allow = [] }]
              +exceptions = [{ name = "a", allow = [], version = "=1.2.3" }]
        "#]],
        );
        broad(
            "[[licenses.exceptions]]\nname = \"$0a\"\nallow = []\n",
            &expect![[r#"
            Policy: narrow the entry to `a` 1.2.3+meta
              @@ -3 +3,2 @@
               allow = []
              +version = "=1.2.3"
        "#]],
        );
    }

    #[test]
    fn license_of_one_package_becomes_an_exception() {
        let single = |policy: &str, expected: &Expect| {
            about(policy, Code::AllowedForOne, &["a 1.2.3"], expected);
        };
        single(
            "[licenses]\nallow = [\n    \"MIT\",\n    \"$0ISC\",\n]\n",
            &expect![[r#"
            Policy: allow `ISC` for `a` 1.2.3 only
              @@ -3,3 +3,5 @@
                   "MIT",
              -    "ISC",
               ]
              +exceptions = [
              +    { crate = "a@1.2.3", allow = ["ISC"] },
              +]
        "#]],
        );
        single(
            "[licenses]\nallow = [\"MIT\", \"$0ISC\"]\nexceptions = [{ crate = \"a\", allow = [\"Zlib\"] }]\n",
            &expect![[r#"
                Policy: allow `ISC` for `a` 1.2.3 only
                  @@ -1,3 +1,3 @@
                   [licenses]
                  -allow = ["MIT", "ISC"]
                  -exceptions = [{ crate = "a", allow = ["Zlib"] }]
                  +allow = ["MIT"]
                  +exceptions = [{ crate = "a", allow = ["Zlib", "ISC"] }]
            "#]],
        );
    }

    #[test]
    fn organization_becomes_its_used_repositories() {
        let policy = "[sources.allow-org]\ngithub = [\"$0one\", \"two\"]\n";
        let mut sample = PolicySample::new(policy);
        for (name, url) in [
            ("a", "git+https://github.com/One/a?branch=x#1"),
            ("b", "git+https://github.com/one/b#1"),
            ("c", "git+https://github.com/two/c#1"),
            ("d", "git+https://gitlab.com/one/d#1"),
        ] {
            let mut package = super::super::samples::package(&format!("{name} 1.0.0"));
            package.source = Some(url.to_owned());
            sample.packages.insert(package, crate::verdict::PackageFolder::default());
        }
        let finding: Finding = sample.finding(Code::WholeOrganization, &[]);
        expect![[r#"
            Policy: allow only the used repositories of `one`
              @@ -1,2 +1,5 @@
               [sources.allow-org]
              -github = ["one", "two"]
              +github = ["two"]
              +
              +[sources]
              +allow-git = ["https://github.com/One/a", "https://github.com/one/b"]
        "#]]
        .assert_eq(&sample.shown(&finding));
    }

    #[test]
    fn entry_that_ignores_nothing_is_corrected_or_removed() {
        check(
            "[advisories]\nignore = [\"$0rustsec-2020-0001\"]\n",
            Code::IgnoresNothing,
            &[],
            &expect![[r#"
                Policy: change to `RUSTSEC-2020-0001`
                  @@ -1,2 +1,2 @@
                   [advisories]
                  -ignore = ["rustsec-2020-0001"]
                  +ignore = ["RUSTSEC-2020-0001"]
                Policy: remove `rustsec-2020-0001`, which ignores nothing
                  @@ -1,2 +1,2 @@
                   [advisories]
                  -ignore = ["rustsec-2020-0001"]
                  +ignore = []
            "#]],
        );
        check(
            "[advisories]\nignore = [\"A-1\", { crate = \"$0time\" }]\n",
            Code::IgnoresNothing,
            &[],
            &expect![[r#"
                Policy: remove `time`, which ignores nothing
                  @@ -1,2 +1,2 @@
                   [advisories]
                  -ignore = ["A-1", { crate = "time" }]
                  +ignore = ["A-1"]
            "#]],
        );
    }

    #[test]
    fn disabled_check_is_enabled() {
        let off = |policy: &str, expected: &Expect| {
            check(policy, Code::CheckTurnedOff, &[], expected);
        };
        off(
            "[advisories]\nyanked = '$0allow'\n",
            &expect![[r"
            Policy: set `advisories.yanked` to `warn`
              @@ -1,2 +1,2 @@
               [advisories]
              -yanked = 'allow'
              +yanked = 'warn'
        "]],
        );
        off(
            "advisories.unsound = \"$0none\"\n",
            &expect![[r#"
            Policy: set `advisories.unsound` to `workspace`
              @@ -1 +1 @@
              -advisories.unsound = "none"
              +advisories.unsound = "workspace"
        "#]],
        );
        off(
            "[advisories]\ndisable-yank-checking = $0true\n",
            &expect![[r"
            Policy: set `advisories.disable-yank-checking` to `false`
              @@ -1,2 +1,2 @@
               [advisories]
              -disable-yank-checking = true
              +disable-yank-checking = false
        "]],
        );
        off(
            "bans = { wildcards = \"$0allow\" }\n",
            &expect![[r#"
            Policy: set `bans.wildcards` to `warn`
              @@ -1 +1 @@
              -bans = { wildcards = "allow" }
              +bans = { wildcards = "warn" }
        "#]],
        );
        check(
            "[licenses]\nconfidence-threshold = $00.3 # low\n",
            Code::LowConfidence,
            &[],
            &expect![[r"
                Policy: set `licenses.confidence-threshold` to `0.8`
                  @@ -1,2 +1,2 @@
                   [licenses]
                  -confidence-threshold = 0.3 # low
                  +confidence-threshold = 0.8 # low
            "]],
        );
        off(
            "[bans]\nwildcards = \"$0allow\nx",
            &expect![[r"
            no plan
        "]],
        );
    }
}
