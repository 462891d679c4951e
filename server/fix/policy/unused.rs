//! Entries without effect: they are removed.

use super::{FixKind, PlanInput, PolicyPlan};
use crate::verdict::{Code, sanitize};

/// Whether findings with this code are about an entry without effect, also if its id may be a typing
/// error.
pub(super) fn is_without_effect(code: Option<Code>) -> bool {
    code.is_some_and(|code| code.is_without_effect() || code == Code::UnknownAdvisory)
}

pub(super) fn plans(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(location) = input.location() else { return Vec::new() };
    let Some(edited) = input.document.without_item(location.span.start) else { return Vec::new() };
    let what = input.document.text.get(location.span.clone()).unwrap_or_default();
    let what = sanitize(what.lines().next().unwrap_or_default());
    let title = format!("remove `{}`, which has no effect", what.trim_matches(['"', '\'']));
    vec![PolicyPlan::new(FixKind::Policy, title, edited)]
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::{
        fix::policy::samples::{check, check_none},
        verdict::Code,
    };

    #[test]
    fn string_is_removed_with_its_trailing_comment() {
        let policy = "[licenses]\nallow = [\n    # ours\n    \"MIT\",\n    \"$0Zlib\", # once\n    \"ISC\",\n]\n";
        check(
            policy,
            Code::LicenseNotEncountered,
            &[],
            &expect![[r#"
            Policy: remove `Zlib`, which has no effect
              @@ -4,3 +4,2 @@
                   "MIT",
              -    "Zlib", # once
                   "ISC",
        "#]],
        );
    }

    #[test]
    fn inline_table_is_removed() {
        let policy = "[advisories]\nignore = [\n    \"RUSTSEC-2020-0001\",\n    { id = \"$0RUSTSEC-2020-0002\", reason = \"x\" }\n]\n";
        check(
            policy,
            Code::AdvisoryNotDetected,
            &[],
            &expect![[r#"
            Policy: remove `RUSTSEC-2020-0002`, which has no effect
              @@ -2,4 +2,3 @@
               ignore = [
              -    "RUSTSEC-2020-0001",
              -    { id = "RUSTSEC-2020-0002", reason = "x" }
              +    "RUSTSEC-2020-0001"
               ]
        "#]],
        );
    }

    #[test]
    fn one_of_several_tables_is_removed() {
        let policy = "[[bans.skip]]\ncrate = \"a\"\n\n# why\n[[bans.skip]]\ncrate = \"$0b\"\nreason = \"r\"\n\n[sources]\n";
        check(
            policy,
            Code::UnmatchedSkip,
            &[],
            &expect![[r#"
            Policy: remove `b`, which has no effect
              @@ -4,5 +4,2 @@
               # why
              -[[bans.skip]]
              -crate = "b"
              -reason = "r"
   
        "#]],
        );
        let only = "[[bans.skip]]\ncrate = \"$0a\"\n";
        check(
            only,
            Code::UnnecessarySkip,
            &[],
            &expect![[r#"
            Policy: remove `a`, which has no effect
              @@ -1,2 +0,0 @@
              -[[bans.skip]]
              -crate = "a"
        "#]],
        );
    }

    #[test]
    fn innermost_entry_is_removed() {
        let policy = "[bans]\ndeny = [{ crate = \"a\", wrappers = [\"b\", \"$0c\"] }]\n";
        check(
            policy,
            Code::UnusedWrapper,
            &[],
            &expect![[r#"
            Policy: remove `c`, which has no effect
              @@ -1,2 +1,2 @@
               [bans]
              -deny = [{ crate = "a", wrappers = ["b", "c"] }]
              +deny = [{ crate = "a", wrappers = ["b"] }]
        "#]],
        );
        let policy = "[bans.build]\nbypass = [{ crate = \"a\", allow = [{ path = \"$0x.sh\" }], allow-globs = [\"*.sh\"] }]\n";
        check(
            policy,
            Code::UnmatchedPathBypass,
            &[],
            &expect![[r#"
            Policy: remove `x.sh`, which has no effect
              @@ -1,2 +1,2 @@
               [bans.build]
              -bypass = [{ crate = "a", allow = [{ path = "x.sh" }], allow-globs = ["*.sh"] }]
              +bypass = [{ crate = "a", allow = [], allow-globs = ["*.sh"] }]
        "#]],
        );
        let policy =
            "[bans.build]\nbypass = [{ crate = \"$0a\", allow = [{ path = \"x.sh\" }] }]\n";
        check(
            policy,
            Code::UnmatchedBypass,
            &[],
            &expect![[r#"
            Policy: remove `a`, which has no effect
              @@ -1,2 +1,2 @@
               [bans.build]
              -bypass = [{ crate = "a", allow = [{ path = "x.sh" }] }]
              +bypass = []
        "#]],
        );
    }

    #[test]
    fn sources_and_organizations_are_removed() {
        let policy =
            "[sources]\nallow-git = [\"$0https://example.org/a\", \"https://example.org/b\"]\n";
        check(
            policy,
            Code::UnmatchedSource,
            &[],
            &expect![[r#"
            Policy: remove `https://example.org/a`, which has no effect
              @@ -1,2 +1,2 @@
               [sources]
              -allow-git = ["https://example.org/a", "https://example.org/b"]
              +allow-git = ["https://example.org/b"]
        "#]],
        );
        let policy = "[sources.allow-org]\ngithub = [ \"$0one\" ]\n";
        check(
            policy,
            Code::UnmatchedOrganization,
            &[],
            &expect![[r#"
            Policy: remove `one`, which has no effect
              @@ -1,2 +1,2 @@
               [sources.allow-org]
              -github = [ "one" ]
              +github = []
        "#]],
        );
    }

    #[test]
    fn changed_text_and_plain_key_have_no_plan() {
        let moved =
            crate::fix::policy::samples::PolicySample::new("[licenses]\nallow = [\"$0MIT\"]\n");
        let finding = moved.finding(Code::LicenseNotEncountered, &[]);
        let now = crate::fix::policy::samples::PolicySample::new("[licenses]\nallow = [\"ISC\"]\n");
        assert_eq!(now.shown(&finding), "no plan\n");
        check_none("[bans]\n$0multiple-versions = \"deny\"\n", Code::UnmatchedSkip, &[]);
        check_none("[licenses]\nallow = [\"$0MIT\"\n", Code::LicenseNotEncountered, &[]);
    }
}
