//! Bans: skips one version, or allows one package, wrapper or feature.

use semver::Version;

use super::{
    FixKind, PlanInput, PolicyPlan, REASON_PLACEHOLDER,
    document::{EditedText, NodeKind, TomlDocument, TomlStep},
    named, spec,
    value::Value,
};
use crate::verdict::{Code, PackageRef, join_with_and};

const DENY: [&str; 2] = ["bans", "deny"];
const SKIP: [&str; 2] = ["bans", "skip"];
const ALLOW: [&str; 2] = ["bans", "allow"];
const BUILD: [&str; 3] = ["bans", "build", "allow-build-scripts"];
const OLD_BUILD: [&str; 2] = ["bans", "allow-build-scripts"];

/// Skips the locked versions of a duplicate, except the newest.
pub(super) fn skip(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let all = input.finding.packages.iter().map(|package| (&package.version, package));
    let mut versions: Vec<(&Version, &PackageRef)> = all.collect();
    versions.sort();
    let newest = versions.pop();
    let skipped = input.document.items(&SKIP);
    let mut specs: Vec<(String, &Version)> = Vec::new();
    for (version, package) in &versions {
        let is_newest = newest.as_ref().is_some_and(|(newest, _)| newest == version);
        let known = skipped.iter().any(|entry| spec::matches(entry, package));
        let spec = spec::exactly(package);
        if !is_newest && !known && !specs.iter().any(|(other, _)| *other == spec) {
            specs.push((spec, version));
        }
    }
    let entries = specs.iter().map(|(spec, _)| {
        let reason = Value::Placeholder(REASON_PLACEHOLDER.to_owned());
        Value::Table(vec![("crate", Value::text(spec)), ("reason", reason)])
    });
    let edited = input.document.with_items(&SKIP, &entries.collect::<Vec<_>>(), false);
    let Some((edited, package)) = edited.zip(input.package()) else { return Vec::new() };
    let older: Vec<_> = specs.iter().map(|(_, version)| version.to_string()).collect();
    let title = format!(
        "add `{}` {} to `bans.skip` (asks for a reason)",
        package.name,
        join_with_and(&older)
    );
    vec![PolicyPlan::new(FixKind::Policy, title, edited)]
}

/// Adds a package to the list of allowed packages.
pub(super) fn allow(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    listing(input, package, &ALLOW, format!("add {} to `bans.allow`", named(package)))
}

/// Allows the build script of a package.
pub(super) fn build_script(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    let title = format!("allow the build script of {}", named(package));
    // Without `[bans.build]` the old key applies.
    let uses_old_key = input.document.value(&["bans", "build"]).is_none();
    listing(input, package, if uses_old_key { &OLD_BUILD } else { &BUILD }, title)
}

fn listing(
    input: &PlanInput<'_>,
    package: &PackageRef,
    path: &[&str],
    title: String,
) -> Vec<PolicyPlan> {
    let items = input.document.items(path);
    // Without a list everything is allowed.
    let Some(list) = input.document.node(path) else { return Vec::new() };
    if items.iter().any(|entry| spec::matches(entry, package)) {
        return Vec::new();
    }
    let tables = matches!(list.kind, NodeKind::Tables(_))
        || !items.is_empty() && items.iter().all(toml::Value::is_table);
    let spec = Value::Text(spec::exactly(package));
    let entry = if tables { Value::Table(vec![("crate", spec)]) } else { spec };
    let edited = input.document.with_item(path, &entry, false);
    edited.map(|edited| PolicyPlan::new(FixKind::Exception, title, edited)).into_iter().collect()
}

/// Adds a wrapper to a ban, only if the ban has wrappers already.
pub(super) fn wrapper(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    let users: Vec<String> = if input.finding.code == Some(Code::UnmatchedWrapper) {
        // "direct parent `user = 1.0.0` of banned crate .."
        let user = input.finding.message.split('`').nth(1);
        user.map(|user| user.split(" = ").next().unwrap_or(user).to_owned()).into_iter().collect()
    } else {
        let users = input.finding.paths.iter().filter(|path| path.last() == Some(package));
        users.filter_map(|path| Some(path.iter().rev().nth(1)?.name.clone())).collect()
    };
    let Some(index) = banned_at(input) else { return Vec::new() };
    let items = input.document.items(&DENY);
    let wrappers = items.get(index).and_then(|entry| entry.get("wrappers")?.as_array());
    let wrappers: Vec<_> = wrappers.into_iter().flatten().filter_map(toml::Value::as_str).collect();
    let mut missing: Vec<String> = Vec::new();
    for user in users {
        if !wrappers.contains(&user.as_str()) && !missing.contains(&user) {
            missing.push(user);
        }
    }
    if wrappers.is_empty() || missing.is_empty() {
        return Vec::new();
    }
    let steps = list_path(&DENY, index, "wrappers");
    let Some(edited) = input.document.with_texts(&steps, &missing) else { return Vec::new() };
    let shown: Vec<_> = missing.iter().map(|user| format!("`{user}`")).collect();
    let title =
        format!("allow {} to depend on the banned `{}`", join_with_and(&shown), package.name);
    vec![PolicyPlan::new(FixKind::Exception, title, edited)]
}

/// The index of the `deny` entry that cargo-deny reports.
fn banned_at(input: &PlanInput<'_>) -> Option<usize> {
    input.related().find_map(|location| {
        let steps = input.document.steps_to(location.span.start)?;
        match steps.as_slice() {
            [TomlStep::Key(bans), TomlStep::Key(deny), TomlStep::Index(index), ..]
                if bans == DENY[0] && deny == DENY[1] =>
            {
                Some(*index)
            }
            _ => None,
        }
    })
}

/// Allows another feature of a package.
pub(super) fn feature(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    // "feature `x` for crate .."
    let Some(feature) = input.finding.message.split('`').nth(1) else { return Vec::new() };
    let steps = input.related().find_map(|location| features_at(input, location.span.start));
    let Some(steps) = steps else { return Vec::new() };
    let allowed = input.document.items_at(&steps);
    if allowed.iter().any(|known| known == feature) {
        return Vec::new();
    }
    let edited = input.document.with_texts(&steps, &[feature.to_owned()]);
    let title = format!("allow the feature `{feature}` of `{}`", package.name);
    edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)).into_iter().collect()
}

/// Replaces the allowed features by the enabled ones.
pub(super) fn exact_features(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    let steps = input.related().find_map(|location| features_at(input, location.span.start));
    let Some(steps) = steps else { return Vec::new() };
    let Some(text) = input.document.at(&steps).and_then(|list| list.span.clone()) else {
        return Vec::new();
    };
    // Listed features that are not enabled have a related location each.
    let absent = input.related().filter(|location| text.contains(&location.span.start));
    let absent = absent.filter_map(|location| input.document.text.get(location.span.clone()));
    let absent: Vec<_> = absent.map(|text| text.trim_matches(['"', '\'']).to_owned()).collect();
    // "'x' feature was enabled but not explicitly allowed"
    let notes = input.finding.notes.iter();
    let enabled: Vec<_> =
        notes.filter_map(|note| note.split('\'').nth(1)).map(str::to_owned).collect();
    let mut edited = EditedText { text: input.document.text.to_owned(), placeholder: None };
    for feature in &absent {
        let Some(less) = edited.then(|document| {
            let index = document.items_at(&steps).iter().position(|known| known == feature)?;
            let item = document.at(&steps)?.children()?.get(index)?.span.clone()?;
            document.without_item(item.start)
        }) else {
            return Vec::new();
        };
        edited = less;
    }
    if !enabled.is_empty() {
        let Some(more) = edited.then(|document| {
            let known = document.items_at(&steps);
            let missing = enabled.iter().filter(|feature| !known.contains(feature)).cloned();
            document.with_texts(&steps, &missing.collect::<Vec<_>>())
        }) else {
            return Vec::new();
        };
        edited = more;
    }
    let title = format!("set the allowed features of `{}` to the enabled ones", package.name);
    vec![PolicyPlan::new(FixKind::Policy, title, edited)]
}

/// The path to the `allow` list of the `bans.features` entry that contains an offset.
fn features_at(input: &PlanInput<'_>, offset: usize) -> Option<Vec<TomlStep>> {
    let steps = input.document.steps_to(offset)?;
    let [TomlStep::Key(bans), TomlStep::Key(features), TomlStep::Index(index), ..] =
        steps.as_slice()
    else {
        return None;
    };
    let steps = list_path(&["bans", "features"], *index, "allow");
    let is_list = matches!(input.document.at(&steps)?.kind, NodeKind::List(_));
    (bans == "bans" && features == "features" && is_list).then_some(steps)
}

fn list_path(path: &[&str], index: usize, key: &str) -> Vec<TomlStep> {
    let mut steps: Vec<_> = path.iter().map(|key| TomlStep::Key((*key).to_owned())).collect();
    steps.extend([TomlStep::Index(index), TomlStep::Key(key.to_owned())]);
    steps
}

impl TomlDocument<'_> {
    /// The strings of a list.
    pub(super) fn items_at(&self, steps: &[TomlStep]) -> Vec<String> {
        let mut content = self.content.clone();
        let list = super::document::value_at(&mut content, steps);
        let list = list.and_then(|list| list.as_array().cloned()).unwrap_or_default();
        list.iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
    }

    /// Adds strings to a list.
    pub(super) fn with_texts(&self, steps: &[TomlStep], texts: &[String]) -> Option<EditedText> {
        let mut edited = EditedText { text: self.text.to_owned(), placeholder: None };
        for text in texts {
            edited = edited
                .then(|document| document.with_item_at(steps, &Value::text(text.as_str())))?;
        }
        Some(edited)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::fix::policy::samples::{PolicySample, check, check_none, package};

    use super::*;

    #[test]
    fn older_versions_are_skipped() {
        let versions = ["syn 2.0.1", "syn 1.0.9", "syn 1.0.10"];
        check(
            "[bans]\nskip = []\n",
            Code::Duplicate,
            &versions,
            &expect![[r#"
                Policy: add `syn` 1.0.9 and 1.0.10 to `bans.skip` (asks for a reason)
                  @@ -1,2 +1,5 @@
                   [bans]
                  -skip = []
                  +skip = [
                  +    { crate = "syn@1.0.9", reason = "TODO: why this is acceptable" },
                  +    { crate = "syn@1.0.10", reason = "«TODO: why this is acceptable»" },
                  +]
            "#]],
        );
        check(
            "[bans]\nskip = [\"syn@1.0.9\"]\n",
            Code::Duplicate,
            &versions,
            &expect![[r#"
            Policy: add `syn` 1.0.10 to `bans.skip` (asks for a reason)
              @@ -1,2 +1,2 @@
               [bans]
              -skip = ["syn@1.0.9"]
              +skip = ["syn@1.0.9", { crate = "syn@1.0.10", reason = "«TODO: why this is acceptable»" }]
        "#]],
        );
        check_none("[bans]\nskip = [\"syn@1\"]\n", Code::Duplicate, &versions);
        check_none(
            "[bans]\ndeny = [\"syn@1.0.9\"]\n",
            Code::Duplicate,
            &["syn 1.0.9", "syn 2.0.1"],
        );
    }

    #[test]
    fn allowed_package_keeps_the_style_of_the_list() {
        check(
            "[bans]\nallow = ['syn']\n",
            Code::NotAllowed,
            &["time 0.3.44"],
            &expect![[r"
            Exception: add `time` 0.3.44 to `bans.allow`
              @@ -1,2 +1,2 @@
               [bans]
              -allow = ['syn']
              +allow = ['syn', 'time@0.3.44']
        "]],
        );
        check(
            "[bans]\nallow = [{ name = \"syn\" }]\n",
            Code::NotAllowed,
            &["time 0.3.44"],
            &expect![[r#"
                Exception: add `time` 0.3.44 to `bans.allow`
                  @@ -1,2 +1,2 @@
                   [bans]
                  -allow = [{ name = "syn" }]
                  +allow = [{ name = "syn" }, { crate = "time@0.3.44" }]
            "#]],
        );
        check(
            "[[bans.allow]]\nname = \"syn\"\n",
            Code::NotAllowed,
            &["time 0.3.44"],
            &expect![[r#"
                Exception: add `time` 0.3.44 to `bans.allow`
                  @@ -2 +2,4 @@
                   name = "syn"
                  +
                  +[[bans.allow]]
                  +crate = "time@0.3.44"
            "#]],
        );
        check_none("[bans]\nallow = ['time']\n", Code::NotAllowed, &["time 0.3.44"]);
    }

    #[test]
    fn build_script_is_added_to_the_existing_list() {
        let ring = ["ring 0.17.9"];
        check(
            "[bans.build]\nallow-build-scripts = []\n",
            Code::BuildScriptNotAllowed,
            &ring,
            &expect![[r#"
                Exception: allow the build script of `ring` 0.17.9
                  @@ -1,2 +1,2 @@
                   [bans.build]
                  -allow-build-scripts = []
                  +allow-build-scripts = ["ring@0.17.9"]
            "#]],
        );
        check(
            "[bans]\nbuild.allow-build-scripts = [\"a\"]\n",
            Code::BuildScriptNotAllowed,
            &ring,
            &expect![[r#"
                Exception: allow the build script of `ring` 0.17.9
                  @@ -1,2 +1,2 @@
                   [bans]
                  -build.allow-build-scripts = ["a"]
                  +build.allow-build-scripts = ["a", "ring@0.17.9"]
            "#]],
        );
        check(
            "[bans]\nallow-build-scripts = [\"a\"]\n",
            Code::BuildScriptNotAllowed,
            &ring,
            &expect![[r#"
                Exception: allow the build script of `ring` 0.17.9
                  @@ -1,2 +1,2 @@
                   [bans]
                  -allow-build-scripts = ["a"]
                  +allow-build-scripts = ["a", "ring@0.17.9"]
            "#]],
        );
        check_none("[bans.build]\n", Code::BuildScriptNotAllowed, &ring);
    }

    fn sample_with_message(
        policy: &str,
        code: Code,
        package: &str,
        message: &str,
    ) -> (PolicySample, crate::verdict::Finding) {
        let sample = PolicySample::new(policy);
        let mut finding = sample.finding(code, &[package]);
        message.clone_into(&mut finding.message);
        (sample, finding)
    }

    #[test]
    fn wrapper_is_added_to_a_ban_with_wrappers() {
        let message =
            "direct parent `b = 2.0.0` of banned crate `a` 1.0.0 was not marked as a wrapper";
        let policy = "[bans]\ndeny = [{ crate = \"$0a\", wrappers = [\"c\"] }]\n";
        let (sample, finding) =
            sample_with_message(policy, Code::UnmatchedWrapper, "a 1.0.0", message);
        expect![[r#"
            Exception: allow `b` to depend on the banned `a`
              @@ -1,2 +1,2 @@
               [bans]
              -deny = [{ crate = "a", wrappers = ["c"] }]
              +deny = [{ crate = "a", wrappers = ["c", "b"] }]
        "#]]
        .assert_eq(&sample.shown(&finding));
        let (sample, mut finding) = sample_with_message(policy, Code::Banned, "a 1.0.0", "banned");
        finding.paths = vec![[package("m 1.0.0"), package("d 1.0.0"), package("a 1.0.0")].into()];
        expect![[r#"
            Exception: allow `d` to depend on the banned `a`
              @@ -1,2 +1,2 @@
               [bans]
              -deny = [{ crate = "a", wrappers = ["c"] }]
              +deny = [{ crate = "a", wrappers = ["c", "d"] }]
        "#]]
        .assert_eq(&sample.shown(&finding));
    }

    #[test]
    fn ban_without_wrappers_has_no_plan() {
        let (sample, mut finding) =
            sample_with_message("[bans]\ndeny = [\"$0a\"]\n", Code::Banned, "a 1.0.0", "banned");
        finding.paths = vec![[package("m 1.0.0"), package("a 1.0.0")].into()];
        assert_eq!(sample.shown(&finding), "no plan\n");
        check_none(
            "[bans]\nfeatures = [{ crate = \"a\", deny = [\"$0x\"] }]\n",
            Code::FeatureBanned,
            &["a 1.0.0"],
        );
    }

    #[test]
    fn feature_is_added_to_the_allowed_ones() {
        let policy = "[[bans.features]]\ncrate = \"a\"\nallow = $0[\n    \"std\",\n]\n";
        let message = "feature `derive` for crate `a` 1.0.0 was not explicitly allowed";
        let (sample, finding) =
            sample_with_message(policy, Code::FeatureNotExplicitlyAllowed, "a 1.0.0", message);
        expect![[r#"
            Policy: allow the feature `derive` of `a`
              @@ -4,2 +4,3 @@
                   "std",
              +    "derive",
               ]
        "#]]
        .assert_eq(&sample.shown(&finding));
    }

    #[test]
    fn allowed_features_become_the_enabled_ones() {
        let policy =
            "[bans]\nfeatures = [{ crate = \"a\", allow = [\"std\", \"$0rc\"], exact = $0true }]\n";
        let (sample, mut finding) =
            sample_with_message(policy, Code::ExactFeaturesMismatch, "a 1.0.0", "mismatch");
        finding.notes = vec!["'derive' feature was enabled but not explicitly allowed".to_owned()];
        expect![[r#"
            Policy: set the allowed features of `a` to the enabled ones
              @@ -1,2 +1,2 @@
               [bans]
              -features = [{ crate = "a", allow = ["std", "rc"], exact = true }]
              +features = [{ crate = "a", allow = ["std", "derive"], exact = true }]
        "#]]
        .assert_eq(&sample.shown(&finding));
    }
}
