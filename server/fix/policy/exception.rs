//! A rejected license: permitted for this package and version; after it, for every package.

use super::{
    FixKind, PlanInput, PolicyPlan,
    document::{EditedText, PathStep, TomlDocument},
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
        excepted(&input.document, allowed_licenses.exception, package, &missing_licenses);
    let whom =
        match allowed_licenses.exception.and_then(|at| input.document.items(&EXCEPTIONS).get(at)) {
            Some(entry) if !spec::is_exact(entry, package) => {
                format!("the versions of `{}` that have an exception", package.name)
            }
            _ => format!("{} alone", named(package)),
        };
    let exception = exception.map(|edited| {
        PolicyPlan::new(FixKind::Exception, format!("allow {shown} for {whom}"), edited)
    });
    let everywhere = allowed(&input.document, &missing_licenses);
    let everywhere = everywhere.map(|edited| {
        PolicyPlan::new(FixKind::Allow, format!("allow {shown} for every package"), edited)
    });
    exception.into_iter().chain(everywhere).collect()
}

/// Licenses for one package. The first exception that fits a package is the only one that holds: it
/// is extended where there is one.
pub(super) fn excepted(
    document: &TomlDocument<'_>,
    exception: Option<usize>,
    package: &PackageRef,
    licenses: &[String],
) -> Option<EditedText> {
    if let Some(index) = exception {
        let mut steps: Vec<_> = EXCEPTIONS.map(|key| PathStep::Key(key.to_owned())).to_vec();
        steps.extend([PathStep::Index(index), PathStep::Key("allow".to_owned())]);
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
    fn one_package_is_excepted_before_all_are() {
        rejected(
            "[licenses]\nallow = [\"MIT\"]\n",
            "MPL-2.0",
            &expect![[r#"
            Exception: allow `MPL-2.0` for `a` 1.2.3 alone
              @@ -2 +2,4 @@
               allow = ["MIT"]
              +exceptions = [
              +    { crate = "a@1.2.3", allow = ["MPL-2.0"] },
              +]
            Allow: allow `MPL-2.0` for every package
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
            Exception: allow `MIT` for `a` 1.2.3 alone
              @@ -0,0 +1,4 @@
              +[licenses]
              +exceptions = [
              +    { crate = "a@1.2.3", allow = ["MIT"] },
              +]
            Allow: allow `MIT` for every package
              @@ -0,0 +1,2 @@
              +[licenses]
              +allow = ["MIT"]
        "#]],
        );
    }

    #[test]
    fn only_what_is_wanting_is_allowed() {
        let policy = "[licenses]\nallow = [\"MIT\"]\nexceptions = []\n";
        let choices = |license| {
            let sample = PolicySample::new(policy).licensed("a 1.2.3", license);
            let plans = sample.plans(&sample.finding(Code::Rejected, &["a 1.2.3"]));
            plans.first().map_or("none".to_owned(), |plan| plan.title.clone())
        };
        assert_eq!(choices("MIT AND ISC"), "allow `ISC` for `a` 1.2.3 alone");
        assert_eq!(choices("GPL-3.0-only OR BSL-1.0"), "allow `BSL-1.0` for `a` 1.2.3 alone");
        assert_eq!(
            choices("GPL-3.0-only OR (ISC AND Zlib)"),
            "allow `GPL-3.0-only` for `a` 1.2.3 alone"
        );
        assert_eq!(
            choices("(ISC OR Zlib) AND (Zlib OR BSL-1.0) AND MIT"),
            "allow `ISC` and `Zlib` for `a` 1.2.3 alone"
        );
        assert_eq!(
            choices("Apache-2.0 WITH LLVM-exception"),
            "allow `Apache-2.0 WITH LLVM-exception` for `a` 1.2.3 alone"
        );
        assert_eq!(
            choices("Apache-1.1+ AND GPL-2.0"),
            "allow `Apache-1.1` and `GPL-2.0` for `a` 1.2.3 alone"
        );
        assert_eq!(choices("LicenseRef-own"), "allow `LicenseRef-own` for `a` 1.2.3 alone");
        assert_eq!(choices("MIT"), "none");
        assert_eq!(choices("no license"), "none");
    }

    #[test]
    fn what_another_package_is_excepted_for_is_preferred() {
        let policy = "[licenses]\nexceptions = [{ crate = \"b\", allow = [\"Zlib\"] }]\n";
        rejected(
            policy,
            "ISC OR Zlib",
            &expect![[r#"
            Exception: allow `Zlib` for `a` 1.2.3 alone
              @@ -1,2 +1,2 @@
               [licenses]
              -exceptions = [{ crate = "b", allow = ["Zlib"] }]
              +exceptions = [{ crate = "b", allow = ["Zlib"] }, { crate = "a@1.2.3", allow = ["Zlib"] }]
            Allow: allow `Zlib` for every package
              @@ -2 +2,2 @@
               exceptions = [{ crate = "b", allow = ["Zlib"] }]
              +allow = ["Zlib"]
        "#]],
        );
    }

    #[test]
    fn the_first_exception_of_a_package_is_extended() {
        let policy = "[[licenses.exceptions]]\ncrate = \"a\"\nallow = [\"ISC\"]\n\n[[licenses.exceptions]]\ncrate = \"a@1.2.3\"\nallow = [\"Zlib\"]\n";
        rejected(
            policy,
            "ISC AND Zlib",
            &expect![[r#"
            Exception: allow `Zlib` for the versions of `a` that have an exception
              @@ -2,3 +2,3 @@
               crate = "a"
              -allow = ["ISC"]
              +allow = ["ISC", "Zlib"]
   
            Allow: allow `Zlib` for every package
              @@ -7 +7,4 @@
               allow = ["Zlib"]
              +
              +[licenses]
              +allow = ["Zlib"]
        "#]],
        );
    }

    #[test]
    fn a_clarification_says_what_is_rejected() {
        let policy =
            "[[licenses.clarify]]\ncrate = \"a\"\nexpression = \"ISC\"\nlicense-files = []\n";
        rejected(
            policy,
            "MIT",
            &expect![[r#"
            Exception: allow `ISC` for `a` 1.2.3 alone
              @@ -4 +4,6 @@
               license-files = []
              +
              +[licenses]
              +exceptions = [
              +    { crate = "a@1.2.3", allow = ["ISC"] },
              +]
            Allow: allow `ISC` for every package
              @@ -4 +4,4 @@
               license-files = []
              +
              +[licenses]
              +allow = ["ISC"]
        "#]],
        );
    }
}
