//! The last resort: an advisory or a withdrawn version that is known and accepted, with a reason.

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
    plan(input, ("id", id), format!("ignore `{id}` (a reason has to be given)"))
}

/// `{ crate, reason }` for exactly this version.
pub(super) fn yanked(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    if input.document.items(&IGNORE).iter().any(|entry| spec::matches(entry, package)) {
        return Vec::new();
    }
    let title = format!("ignore that {} was yanked (a reason has to be given)", named(package));
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
    fn an_advisory_is_ignored_last_and_with_a_reason_to_be_given() {
        check(
            "",
            Code::Vulnerability,
            TIME,
            &expect![[r#"
            Ignore: ignore `RUSTSEC-2024-0001` (a reason has to be given)
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
            Ignore: ignore `RUSTSEC-2024-0001` (a reason has to be given)
              @@ -2 +2,4 @@
               yanked = "deny"
              +ignore = [
              +    { id = "RUSTSEC-2024-0001", reason = "«TODO: why this is acceptable»" },
              +]
        "#]],
        );
    }

    #[test]
    fn a_withdrawn_version_is_ignored_as_that_version() {
        check(
            "[advisories]\nignore = []\n",
            Code::Yanked,
            TIME,
            &expect![[r#"
            Ignore: ignore that `time` 0.3.44 was yanked (a reason has to be given)
              @@ -1,2 +1,2 @@
               [advisories]
              -ignore = []
              +ignore = [{ crate = "time@0.3.44", reason = "«TODO: why this is acceptable»" }]
        "#]],
        );
    }

    #[test]
    fn what_is_ignored_already_is_not_ignored_again() {
        check_none("[advisories]\nignore = ['RUSTSEC-2024-0001']\n", Code::Notice, TIME);
        check_none("[advisories]\nignore = [{ id = 'RUSTSEC-2024-0001' }]\n", Code::Notice, TIME);
        check_none("[advisories]\nignore = ['time@0.3.44']\n", Code::Yanked, TIME);
        check_none("[advisories]\nignore = ['time']\n", Code::Yanked, TIME);
    }

    #[test]
    fn what_is_merely_told_needs_no_plan() {
        let sample = PolicySample::new("");
        let mut finding = sample.finding(Code::Vulnerability, TIME);
        finding.severity = Severity::Note;
        assert_eq!(sample.shown(&finding), "no plan\n");
    }

    #[test]
    fn a_broken_policy_is_not_edited() {
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
