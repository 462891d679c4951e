//! The last resort: ignores an advisory or a yanked version, with a reason.

use super::{FixKind, PlanInput, PolicyPlan, REASON_PLACEHOLDER, named, spec, value::Value};

const IGNORE: [&str; 2] = ["advisories", "ignore"];

/// `{ id, reason }` for exactly this advisory.
pub(super) fn advisory(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(advisory) = &input.finding.advisory else { return Vec::new() };
    let id = advisory.id.as_str();
    let ignored = input.document.items(&IGNORE).iter().any(|entry| {
        entry.as_str() == Some(id) || entry.get("id").and_then(toml::Value::as_str) == Some(id)
    });
    if ignored {
        return Vec::new();
    }
    plan(input, ("id", id), format!("ignore `{id}` (asks for a reason)"))
}

/// `{ crate, reason }` for exactly this version.
pub(super) fn yanked(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    if input.document.items(&IGNORE).iter().any(|entry| spec::matches(entry, package)) {
        return Vec::new();
    }
    let title = format!("ignore the yanked {} (asks for a reason)", named(package));
    plan(input, ("crate", &spec::exactly(package)), title)
}

fn plan(
    input: &PlanInput<'_>,
    (key, what): (&'static str, &str),
    title: String,
) -> Vec<PolicyPlan> {
    let reason = Value::Placeholder(REASON_PLACEHOLDER.to_owned());
    let entry = Value::Table(vec![(key, Value::text(what)), ("reason", reason)]);
    let edited = input.document.with_item(&IGNORE, &entry, false);
    edited.map(|edited| PolicyPlan::new(FixKind::Ignore, title, edited)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::{
        fix::policy::samples::{PolicySample, check, check_none},
        verdict::{Code, Severity},
    };

    const TIME: &[&str] = &["time 0.3.44"];

    #[test]
    fn advisory_is_ignored_with_a_placeholder_reason() {
        check(
            "",
            Code::Vulnerability,
            TIME,
            &expect![[r#"
            Ignore: ignore `RUSTSEC-2024-0001` (asks for a reason)
              @@ -0,0 +1,4 @@
              +[advisories]
              +ignore = [
              +    { id = "RUSTSEC-2024-0001", reason = "«TODO: why this is acceptable»" },
              +]
        "#]],
        );
        check(
            "[advisories]\nyanked = \"deny\"\n",
            Code::Unsound,
            TIME,
            &expect![[r#"
            Ignore: ignore `RUSTSEC-2024-0001` (asks for a reason)
              @@ -2 +2,4 @@
               yanked = "deny"
              +ignore = [
              +    { id = "RUSTSEC-2024-0001", reason = "«TODO: why this is acceptable»" },
              +]
        "#]],
        );
    }

    #[test]
    fn yanked_version_is_ignored_for_that_version() {
        check(
            "[advisories]\nignore = []\n",
            Code::Yanked,
            TIME,
            &expect![[r#"
            Ignore: ignore the yanked `time` 0.3.44 (asks for a reason)
              @@ -1,2 +1,2 @@
               [advisories]
              -ignore = []
              +ignore = [{ crate = "time@0.3.44", reason = "«TODO: why this is acceptable»" }]
        "#]],
        );
    }

    #[test]
    fn ignored_advisory_has_no_plan() {
        check_none("[advisories]\nignore = ['RUSTSEC-2024-0001']\n", Code::Notice, TIME);
        check_none("[advisories]\nignore = [{ id = 'RUSTSEC-2024-0001' }]\n", Code::Notice, TIME);
        check_none("[advisories]\nignore = ['time@0.3.44']\n", Code::Yanked, TIME);
        check_none("[advisories]\nignore = ['time']\n", Code::Yanked, TIME);
    }

    #[test]
    fn note_has_no_plan() {
        let sample = PolicySample::new("");
        let mut finding = sample.finding(Code::Vulnerability, TIME);
        finding.severity = Severity::Note;
        assert_eq!(sample.shown(&finding), "no plan\n");
    }

    #[test]
    fn broken_policy_has_no_plan() {
        for broken in [
            "[advisories",
            "[advisories]\nignore = [\n",
            "[advisories]\nignore = 1\nignore = 2\n",
            "[advisories]\nignore = \"x\"\n",
            "ignore",
        ] {
            check_none(broken, Code::Vulnerability, TIME);
        }
    }
}
