//! A rejected license: allows it for this package and version, or for every package.

use super::{
    FixKind, PlanInput, PolicyPlan,
    document::{EditedText, TomlDocument, TomlStep},
    licenses::{ALLOW, AllowedLicenses, EXCEPTIONS, expression},
    named, spec,
    value::Value,
};
use crate::verdict::{PackageRef, join_with_and};

pub(super) fn plans(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    let Some(expression) = expression(input, package) else { return Vec::new() };
    let allowed_licenses = AllowedLicenses::of(input, package);
    let missing_licenses = allowed_licenses
        .missing_licenses(&expression)
        .filter(|missing_licenses| !missing_licenses.is_empty());
    let Some(missing_licenses) = missing_licenses else { return Vec::new() };
    let shown = shown(&missing_licenses);
    let exception =
        with_exception(&input.document, allowed_licenses.exception, package, &missing_licenses);
    let scope =
        match allowed_licenses.exception.and_then(|at| input.document.items(&EXCEPTIONS).get(at)) {
            Some(entry) if !spec::is_exact(entry, package) => {
                format!("the versions of `{}` in its exception", package.name)
            }
            _ => format!("{} only", named(package)),
        };
    let exception = exception.map(|edited| {
        PolicyPlan::new(FixKind::Exception, format!("allow {shown} for {scope}"), edited)
    });
    let everywhere = allowed(&input.document, &missing_licenses);
    let everywhere = everywhere.map(|edited| {
        PolicyPlan::new(FixKind::Allow, format!("allow {shown} for every crate"), edited)
    });
    exception.into_iter().chain(everywhere).collect()
}

/// Adds licenses to the exception of a package. cargo-deny only looks at the first one that matches, so an
/// existing exception is extended.
pub(super) fn with_exception(
    document: &TomlDocument<'_>,
    exception: Option<usize>,
    package: &PackageRef,
    licenses: &[String],
) -> Option<EditedText> {
    if let Some(index) = exception {
        let mut steps: Vec<_> = EXCEPTIONS.map(|key| TomlStep::Key(key.to_owned())).to_vec();
        steps.extend([TomlStep::Index(index), TomlStep::Key("allow".to_owned())]);
        return document.with_texts(&steps, licenses);
    }
    let licenses = licenses.iter().map(|license| Value::text(license.as_str())).collect();
    let entry = Value::Table(vec![
        ("crate", Value::Text(spec::exactly(package))),
        ("allow", Value::List(licenses)),
    ]);
    document.with_item(&EXCEPTIONS, &entry, false)
}

fn allowed(document: &TomlDocument<'_>, licenses: &[String]) -> Option<EditedText> {
    let mut edited = EditedText { text: document.text.to_owned(), placeholder: None };
    for license in licenses {
        edited = edited
            .then(|document| document.with_item(&ALLOW, &Value::text(license.as_str()), false))?;
    }
    Some(edited)
}

pub(super) fn shown(licenses: &[String]) -> String {
    join_with_and(&licenses.iter().map(|license| format!("`{license}`")).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::{fix::policy::samples::PolicySample, verdict::Code};

    fn rejected(policy: &str, license: &str, expected: &Expect) {
        let sample = PolicySample::new(policy).licensed("a 1.2.3", license);
        expected.assert_eq(&sample.shown(&sample.finding(Code::Rejected, &["a 1.2.3"])));
    }

    #[test]
    fn exception_is_offered_before_every_crate() {
        rejected(
            "[licenses]\nallow = [\"MIT\"]\n",
            "MPL-2.0",
            &expect![[r#"
            Exception: allow `MPL-2.0` for `a` 1.2.3 only
              @@ -2 +2,4 @@
               allow = ["MIT"]
              +exceptions = [
              +    { crate = "a@1.2.3", allow = ["MPL-2.0"] },
              +]
            Allow: allow `MPL-2.0` for every crate
              @@ -1,2 +1,2 @@
               [licenses]
              -allow = ["MIT"]
              +allow = ["MIT", "MPL-2.0"]
        "#]],
        );
        rejected(
            "",
            "MIT",
            &expect![[r#"
            Exception: allow `MIT` for `a` 1.2.3 only
              @@ -0,0 +1,4 @@
              +[licenses]
              +exceptions = [
              +    { crate = "a@1.2.3", allow = ["MIT"] },
              +]
            Allow: allow `MIT` for every crate
              @@ -0,0 +1,2 @@
              +[licenses]
              +allow = ["MIT"]
        "#]],
        );
    }

    #[test]
    fn only_missing_licenses_are_allowed() {
        let policy = "[licenses]\nallow = [\"MIT\"]\nexceptions = []\n";
        let choices = |license| {
            let sample = PolicySample::new(policy).licensed("a 1.2.3", license);
            let plans = sample.plans(&sample.finding(Code::Rejected, &["a 1.2.3"]));
            plans.first().map_or("none".to_owned(), |plan| plan.title.clone())
        };
        assert_eq!(choices("MIT AND ISC"), "allow `ISC` for `a` 1.2.3 only");
        assert_eq!(choices("GPL-3.0-only OR BSL-1.0"), "allow `BSL-1.0` for `a` 1.2.3 only");
        assert_eq!(
            choices("GPL-3.0-only OR (ISC AND Zlib)"),
            "allow `GPL-3.0-only` for `a` 1.2.3 only"
        );
        assert_eq!(
            choices("(ISC OR Zlib) AND (Zlib OR BSL-1.0) AND MIT"),
            "allow `ISC` and `Zlib` for `a` 1.2.3 only"
        );
        assert_eq!(
            choices("Apache-2.0 WITH LLVM-exception"),
            "allow `Apache-2.0 WITH LLVM-exception` for `a` 1.2.3 only"
        );
        assert_eq!(
            choices("Apache-1.1+ AND GPL-2.0"),
            "allow `Apache-1.1` and `GPL-2.0` for `a` 1.2.3 only"
        );
        assert_eq!(choices("LicenseRef-own"), "allow `LicenseRef-own` for `a` 1.2.3 only");
        assert_eq!(choices("MIT"), "none");
        assert_eq!(choices("no license"), "none");
    }

    #[test]
    fn license_of_another_exception_is_preferred() {
        let policy = "[licenses]\nexceptions = [{ crate = \"b\", allow = [\"Zlib\"] }]\n";
        rejected(
            policy,
            "ISC OR Zlib",
            &expect![[r#"
            Exception: allow `Zlib` for `a` 1.2.3 only
              @@ -1,2 +1,2 @@
               [licenses]
              -exceptions = [{ crate = "b", allow = ["Zlib"] }]
              +exceptions = [{ crate = "b", allow = ["Zlib"] }, { crate = "a@1.2.3", allow = ["Zlib"] }]
            Allow: allow `Zlib` for every crate
              @@ -2 +2,2 @@
               exceptions = [{ crate = "b", allow = ["Zlib"] }]
              +allow = ["Zlib"]
        "#]],
        );
    }

    #[test]
    fn first_exception_of_a_package_is_extended() {
        let policy = "[[licenses.exceptions]]\ncrate = \"a\"\nallow = [\"ISC\"]\n\n[[licenses.exceptions]]\ncrate = \"a@1.2.3\"\nallow = [\"Zlib\"]\n";
        rejected(
            policy,
            "ISC AND Zlib",
            &expect![[r#"
            Exception: allow `Zlib` for the versions of `a` in its exception
              @@ -2,3 +2,3 @@
               crate = "a"
              -allow = ["ISC"]
              +allow = ["ISC", "Zlib"]
   
            Allow: allow `Zlib` for every crate
              @@ -7 +7,4 @@
               allow = ["Zlib"]
              +
              +[licenses]
              +allow = ["Zlib"]
        "#]],
        );
    }

    #[test]
    fn clarified_license_is_allowed() {
        let policy =
            "[[licenses.clarify]]\ncrate = \"a\"\nexpression = \"ISC\"\nlicense-files = []\n";
        rejected(
            policy,
            "MIT",
            &expect![[r#"
            Exception: allow `ISC` for `a` 1.2.3 only
              @@ -4 +4,6 @@
               license-files = []
              +
              +[licenses]
              +exceptions = [
              +    { crate = "a@1.2.3", allow = ["ISC"] },
              +]
            Allow: allow `ISC` for every crate
              @@ -4 +4,4 @@
               license-files = []
              +
              +[licenses]
              +allow = ["ISC"]
        "#]],
        );
    }
}
