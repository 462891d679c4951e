//! Keys that cargo-deny has moved or removed, and values that it has replaced.

use super::{FixKind, PlanInput, PolicyPlan, document::TomlStep, value::Value};
use crate::verdict::Code;

/// Keys that cargo-deny has moved from the root to a table.
const MOVED: [(&str, &str); 7] = [
    ("targets", "graph"),
    ("exclude", "graph"),
    ("features", "graph"),
    ("all-features", "graph"),
    ("no-default-features", "graph"),
    ("exclude-dev", "graph"),
    ("feature-depth", "output"),
];

pub(super) fn plans(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(location) = input.location() else { return Vec::new() };
    let Some(mut steps) = input.document.steps_to(location.span.start) else { return Vec::new() };
    // For a list item, the key of the list.
    let keys = steps.iter().take_while(|step| matches!(step, TomlStep::Key(_))).count();
    steps.truncate(keys);
    let keys = steps.iter().filter_map(|step| match step {
        TomlStep::Key(key) => Some(key.as_str()),
        TomlStep::Index(_) => None,
    });
    let keys: Vec<_> = keys.collect();
    let plan = if input.finding.code == Some(Code::Deprecated) {
        moved_or_removed(input, &steps, &keys)
    } else {
        with_new_value(input, &steps, &keys)
    };
    plan.into_iter().collect()
}

fn moved_or_removed(
    input: &PlanInput<'_>,
    steps: &[TomlStep],
    keys: &[&str],
) -> Option<PolicyPlan> {
    let [key] = keys else {
        let title = format!("remove `{}`, which cargo-deny no longer supports", keys.last()?);
        let edited = input.document.without_key(steps)?;
        return Some(PolicyPlan::new(FixKind::Policy, title, edited));
    };
    let (_, table) = MOVED.iter().find(|(moved, _)| moved == key)?;
    let value = as_written(input, keys)?;
    let moved = |value: &Value| input.document.moved(steps, &[table, key], value);
    // Moves the trailing comment along if possible.
    let edited = commented(input, keys, &value).and_then(|value| moved(&value));
    let edited = edited.or_else(|| moved(&value))?;
    Some(PolicyPlan::new(FixKind::Policy, format!("move `{key}` to `[{table}]`"), edited))
}

/// Replaces a value that cargo-deny no longer accepts.
fn with_new_value(input: &PlanInput<'_>, steps: &[TomlStep], keys: &[&str]) -> Option<PolicyPlan> {
    let value = input.document.value(keys)?;
    match (keys, value) {
        // The value was a severity and is now a scope.
        (["advisories", "unmaintained" | "unsound"], toml::Value::String(level)) => {
            let scope = match level.as_str() {
                "allow" => "none",
                "warn" | "deny" => "all",
                _ => return None,
            };
            let Value::Raw(written, _) = as_written(input, keys)? else { return None };
            let quote = if written.starts_with('\'') { '\'' } else { '"' };
            replaced(input, steps, &format!("{quote}{scope}{quote}"), scope.into())
        }
        (["licenses", "confidence-threshold"], toml::Value::Integer(whole)) => {
            let float: f64 = i32::try_from(*whole).ok()?.into();
            replaced(input, steps, &format!("{float:.1}"), float.into())
        }
        (["bans", "allow-build-scripts"], toml::Value::Array(_)) => {
            // The defaults that the old key implied (cargo-deny's `bans::cfg`).
            let listed = as_written(input, keys)?;
            let build = Value::Table(vec![
                ("allow-build-scripts", listed),
                ("executables", Value::text("allow")),
                ("interpreted", Value::text("warn")),
            ]);
            let edited = input.document.moved(steps, &["bans", "build"], &build)?;
            let title = "move `allow-build-scripts` to `bans.build` and keep its lint levels";
            Some(PolicyPlan::new(FixKind::Policy, title, edited))
        }
        _ => None,
    }
}

fn replaced(
    input: &PlanInput<'_>,
    steps: &[TomlStep],
    text: &str,
    says: toml::Value,
) -> Option<PolicyPlan> {
    let edited = input.document.replaced(steps, text, says)?;
    Some(PolicyPlan::new(
        FixKind::Policy,
        format!("change to `{}`", text.trim_matches(['"', '\''])),
        edited,
    ))
}

/// A value with its trailing comment.
fn commented(input: &PlanInput<'_>, keys: &[&str], value: &Value) -> Option<Value> {
    let end = input.document.node(keys)?.span.as_ref()?.end;
    let trailing = input.document.text.get(end..input.document.line_end(end))?;
    let Value::Raw(text, content) = value else { return None };
    trailing
        .contains('#')
        .then(|| Value::Raw(format!("{text}{}", trailing.trim_end()), content.clone()))
}

/// A value with its original text.
fn as_written(input: &PlanInput<'_>, keys: &[&str]) -> Option<Value> {
    let text = input.document.text.get(input.document.node(keys)?.span.clone()?)?;
    Some(Value::Raw(text.to_owned(), input.document.value(keys)?.clone()))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::{
        fix::policy::samples::{PolicySample, check},
        verdict::Code,
    };

    #[test]
    fn moved_keys_are_moved() {
        let policy = "$0targets = [\n    \"x86_64-unknown-linux-gnu\", # ours\n]\nexclude = []\n\n[licenses]\n";
        check(
            policy,
            Code::Deprecated,
            &[],
            &expect![[r"
            Policy: move `targets` to `[graph]`
              @@ -1 +1,6 @@
              +exclude = []
              +
              +[licenses]
              +
              +[graph]
               targets = [
              @@ -3,4 +8 @@
               ]
              -exclude = []
              -
              -[licenses]
        "]],
        );
        let policy = "$0all-features = true # all\n[graph]\nexclude = []\n";
        check(
            policy,
            Code::Deprecated,
            &[],
            &expect![[r"
                Policy: move `all-features` to `[graph]`
                  @@ -1,3 +1,3 @@
                  -all-features = true # all
                   [graph]
                   exclude = []
                  +all-features = true # all
            "]],
        );
        check(
            "\n$0features = [\"a\"] # one\n",
            Code::Deprecated,
            &[],
            &expect![[r#"
            Policy: move `features` to `[graph]`
              @@ -1,2 +1,3 @@

              +[graph]
               features = ["a"] # one
        "#]],
        );
        let policy = "graph = { exclude = [] }\n$0exclude-dev = true\n";
        check(
            policy,
            Code::Deprecated,
            &[],
            &expect![[r"
            Policy: move `exclude-dev` to `[graph]`
              @@ -1,2 +1 @@
              -graph = { exclude = [] }
              -exclude-dev = true
              +graph = { exclude = [], exclude-dev = true }
        "]],
        );
        let policy = "$0feature-depth = 2\noutput.feature-depth = 1\n";
        check(
            policy,
            Code::Deprecated,
            &[],
            &expect![[r"
            Policy: move `feature-depth` to `[output]`
              @@ -1,2 +1 @@
              -feature-depth = 2
              -output.feature-depth = 1
              +output.feature-depth = 2
        "]],
        );
    }

    #[test]
    fn removed_keys_are_removed() {
        let policy = "[advisories]\n$0vulnerability = \"deny\" # all\nyanked = \"warn\"\n";
        check(
            policy,
            Code::Deprecated,
            &[],
            &expect![[r#"
            Policy: remove `vulnerability`, which cargo-deny no longer supports
              @@ -1,3 +1,2 @@
               [advisories]
              -vulnerability = "deny" # all
               yanked = "warn"
        "#]],
        );
        let policy = "licenses = { allow = [\"MIT\"], $0copyleft = \"warn\" }\n";
        check(
            policy,
            Code::Deprecated,
            &[],
            &expect![[r#"
            Policy: remove `copyleft`, which cargo-deny no longer supports
              @@ -1 +1 @@
              -licenses = { allow = ["MIT"], copyleft = "warn" }
              +licenses = { allow = ["MIT"] }
        "#]],
        );
        let policy = "licenses.$0deny = [\n    \"MIT\",\n]\n";
        check(
            policy,
            Code::Deprecated,
            &[],
            &expect![[r#"
            Policy: remove `deny`, which cargo-deny no longer supports
              @@ -1,3 +0,0 @@
              -licenses.deny = [
              -    "MIT",
              -]
        "#]],
        );
    }

    fn with_new_value(policy: &str, expected: &Expect) {
        let sample = PolicySample::new(policy);
        expected.assert_eq(&sample.shown(&sample.about_policy()));
    }

    #[test]
    fn old_values_are_replaced() {
        with_new_value(
            "[advisories]\nunmaintained = \"$0warn\"\n",
            &expect![[r#"
            Policy: change to `all`
              @@ -1,2 +1,2 @@
               [advisories]
              -unmaintained = "warn"
              +unmaintained = "all"
        "#]],
        );
        with_new_value(
            "[advisories]\nunsound = '$0allow'\n",
            &expect![[r"
                Policy: change to `none`
                  @@ -1,2 +1,2 @@
                   [advisories]
                  -unsound = 'allow'
                  +unsound = 'none'
            "]],
        );
        with_new_value(
            "[licenses]\nconfidence-threshold = $01 # sure\n",
            &expect![[r"
            Policy: change to `1.0`
              @@ -1,2 +1,2 @@
               [licenses]
              -confidence-threshold = 1 # sure
              +confidence-threshold = 1.0 # sure
        "]],
        );
        with_new_value(
            "[bans]\nallow-build-scripts = $0[\"ring\"]\nskip = []\n",
            &expect![[r#"
            Policy: move `allow-build-scripts` to `bans.build` and keep its lint levels
              @@ -1,3 +1,3 @@
               [bans]
              -allow-build-scripts = ["ring"]
               skip = []
              +build = { allow-build-scripts = ["ring"], executables = "allow", interpreted = "warn" }
        "#]],
        );
        with_new_value(
            "[advisories]\nunmaintained = \"$0all\"\n",
            &expect![[r"
            no plan
        "]],
        );
    }
}
