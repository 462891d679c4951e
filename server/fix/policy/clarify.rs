//! `licenses.clarify` entries: the license of a package and version, tied to its license files by their
//! hashes; and new hashes for entries whose files have changed.

use camino::Utf8Path;
use spdx::Expression;

use super::{
    FixKind, PlanInput, PolicyPlan,
    document::{EditedText, TomlStep},
    exception::{shown, with_exception as with_license_exception},
    licenses::{self, AllowedLicenses, CLARIFY},
    named, spec,
    value::Value,
};
use crate::policy::LICENSE_PLACEHOLDER;
use crate::verdict::{
    LicenseFile, PackageFolder, PackageRef, Recognized, join_with_and, license_files, recognized,
};

pub(super) fn plans(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    let Some(folder) = input.facts.packages.get(package) else { return Vec::new() };
    if licenses::clarification(input, package).is_some() {
        return Vec::new();
    }
    let mut plans: Vec<_> = with_new_hashes(input, package).into_iter().collect();
    let files = license_files(folder);
    let license_guess = license_guess(folder, &files);
    let stated = match &license_guess {
        LicenseGuess::Certain(expression) => Value::text(expression.as_str()),
        LicenseGuess::Partial(expression) => Value::Placeholder(expression.clone()),
        LicenseGuess::Unknown => Value::Placeholder(LICENSE_PLACEHOLDER.to_owned()),
    };
    let hashes = files.iter().map(|file| {
        Value::Table(vec![
            ("path", Value::text(file.path.as_str())),
            ("hash", Value::Hash(file.hash)),
        ])
    });
    let entry = Value::Table(vec![
        ("crate", Value::Text(spec::exactly(package))),
        ("expression", stated),
        ("license-files", Value::List(hashes.collect())),
    ]);
    let Some(edited) = input.document.with_item(&CLARIFY, &entry, true) else { return plans };
    let who = named(package);
    let title = match &license_guess {
        LicenseGuess::Certain(expression) => {
            format!("clarify the license of {who} as `{expression}`")
        }
        LicenseGuess::Partial(expression) => format!(
            "clarify the license of {who} as `{expression}` (found in some of its license files; check the others)"
        ),
        LicenseGuess::Unknown => {
            format!("clarify the license of {who} (asks for the expression)")
        }
    };
    if let LicenseGuess::Certain(expression) | LicenseGuess::Partial(expression) = &license_guess {
        plans.extend(with_exception(input, package, expression, &title, edited.clone()));
    }
    plans.push(PolicyPlan::new(FixKind::Clarify, title, edited));
    plans
}

/// The same edit with an exception for the license, if the policy does not allow it.
fn with_exception(
    input: &PlanInput<'_>,
    package: &PackageRef,
    expression: &str,
    title: &str,
    clarified: EditedText,
) -> Option<PolicyPlan> {
    let allowed_licenses = AllowedLicenses::of(input, package);
    let missing_licenses =
        allowed_licenses.missing_licenses(&Expression::parse(expression).ok()?)?;
    if missing_licenses.is_empty() {
        return None;
    }
    let edited = clarified.then(|document| {
        with_license_exception(document, allowed_licenses.exception, package, &missing_licenses)
    })?;
    let title = format!("{title} and allow {} for it", shown(&missing_licenses));
    Some(PolicyPlan::new(FixKind::Exception, title, edited))
}

/// The license of a package, as far as its manifest and license files determine it.
enum LicenseGuess {
    Certain(String),
    Partial(String),
    Unknown,
}

fn license_guess(folder: &PackageFolder, files: &[LicenseFile]) -> LicenseGuess {
    if let Some(stated) = folder.license.as_deref().and_then(licenses::strict) {
        return LicenseGuess::Certain(stated);
    }
    let mut ids: Vec<String> = Vec::new();
    let mut sure = !files.is_empty();
    for recognized in recognized(files) {
        let found = match recognized {
            Recognized::One(id) => vec![id],
            Recognized::Several(ids) => ids,
            Recognized::Among(ids) => {
                sure = false;
                ids
            }
            Recognized::Perhaps(id) => {
                sure = false;
                vec![id]
            }
            Recognized::Unknown => {
                sure = false;
                Vec::new()
            }
        };
        for id in found {
            let Some(id) = licenses::strict(id) else {
                sure = false;
                continue;
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    let expression = ids.join(" AND ");
    match (ids.is_empty(), sure) {
        (true, _) => LicenseGuess::Unknown,
        (false, true) => LicenseGuess::Certain(expression),
        (false, false) => LicenseGuess::Partial(expression),
    }
}

/// New hashes for an entry whose license files have changed.
pub(super) fn updated_hashes(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(package) = input.package() else { return Vec::new() };
    if input.location().is_none() {
        return Vec::new();
    }
    with_new_hashes(input, package).into_iter().collect()
}

fn with_new_hashes(input: &PlanInput<'_>, package: &PackageRef) -> Option<PolicyPlan> {
    let entries = input.document.items(&CLARIFY);
    entries.iter().enumerate().find_map(|(index, entry)| {
        // An entry that applies to another package stays.
        let applies = |other: &PackageRef| {
            spec::matches(entry, other) && licenses::clarification(input, other) == Some(index)
        };
        if !spec::matches(entry, package) || input.facts.packages.keys().any(applies) {
            return None;
        }
        let mut edited = EditedText { text: input.document.text.to_owned(), placeholder: None };
        let mut changed: Vec<String> = Vec::new();
        for (at, (path, stated)) in licenses::files(entry).into_iter().enumerate() {
            let actual = licenses::actual(input, package, path)?;
            if actual == stated {
                continue;
            }
            let mut steps: Vec<_> = CLARIFY.map(|key| TomlStep::Key(key.to_owned())).to_vec();
            steps.extend([TomlStep::Index(index), TomlStep::Key("license-files".to_owned())]);
            steps.extend([TomlStep::Index(at), TomlStep::Key("hash".to_owned())]);
            edited = edited.then(|document| {
                document.replaced(&steps, &format!("0x{actual:08x}"), actual.into())
            })?;
            let name = Utf8Path::new(path).file_name().unwrap_or(path);
            changed.push(format!("`{name}`"));
        }
        if changed.is_empty() {
            return None;
        }
        let title = format!(
            "update the hash of {} in the clarification of {} (read the changed text first)",
            join_with_and(&changed),
            named(package)
        );
        Some(PolicyPlan::new(FixKind::Clarify, title, edited))
    })
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use expect_test::{Expect, expect};

    use crate::{
        fix::policy::samples::PolicySample,
        verdict::{Code, ISC, MIT},
    };

    /// The plans for a package with these license files.
    fn texts(policy: &str, code: Code, files: &[(&str, &str)], expected: &Expect) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let at = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
        let sample = PolicySample::new(policy).at("a 1.2.3", at);
        expected.assert_eq(&sample.shown(&sample.finding(code, &["a 1.2.3"])));
    }

    #[test]
    fn license_is_clarified_from_license_files() {
        let both = format!("{MIT}\n\n{ISC}");
        let allowed = "[licenses]\nallow = [\"MIT\", \"ISC\"]\n\n[bans]\n";
        texts(
            allowed,
            Code::Unlicensed,
            &[("LICENSE", &both)],
            &expect![[r#"
                Clarify: clarify the license of `a` 1.2.3 as `MIT AND ISC`
                  @@ -3,2 +3,7 @@

                  +[[licenses.clarify]]
                  +crate = "a@1.2.3"
                  +expression = "MIT AND ISC"
                  +license-files = [{ path = "LICENSE", hash = 0x39b17c91 }]
                  +
                   [bans]
            "#]],
        );
        texts(
            "",
            Code::GatherFailure,
            &[("LICENSE", ISC), ("COPYING", MIT)],
            &expect![[r#"
                Clarify: clarify the license of `a` 1.2.3 as `MIT AND ISC`
                  @@ -0,0 +1,7 @@
                  +[[licenses.clarify]]
                  +crate = "a@1.2.3"
                  +expression = "MIT AND ISC"
                  +license-files = [
                  +    { path = "COPYING", hash = 0xd61d7033 },
                  +    { path = "LICENSE", hash = 0x15389980 },
                  +]
                Exception: clarify the license of `a` 1.2.3 as `MIT AND ISC` and allow `MIT` and `ISC` for it
                  @@ -0,0 +1,12 @@
                  +[[licenses.clarify]]
                  +crate = "a@1.2.3"
                  +expression = "MIT AND ISC"
                  +license-files = [
                  +    { path = "COPYING", hash = 0xd61d7033 },
                  +    { path = "LICENSE", hash = 0x15389980 },
                  +]
                  +
                  +[licenses]
                  +exceptions = [
                  +    { crate = "a@1.2.3", allow = ["MIT", "ISC"] },
                  +]
            "#]],
        );
    }

    #[test]
    fn unknown_license_gets_a_placeholder() {
        let own = "Do as you like, but be kind.";
        texts(
            "",
            Code::Unlicensed,
            &[("LICENSE", own)],
            &expect![[r#"
            Clarify: clarify the license of `a` 1.2.3 (asks for the expression)
              @@ -0,0 +1,4 @@
              +[[licenses.clarify]]
              +crate = "a@1.2.3"
              +expression = "«LicenseRef-TODO»"
              +license-files = [{ path = "LICENSE", hash = 0x8a110a4b }]
        "#]],
        );
        texts(
            "",
            Code::Unlicensed,
            &[("LICENSE", own), ("LICENSE-ISC", ISC)],
            &expect![[r#"
                Clarify: clarify the license of `a` 1.2.3 as `ISC` (found in some of its license files; check the others)
                  @@ -0,0 +1,7 @@
                  +[[licenses.clarify]]
                  +crate = "a@1.2.3"
                  +expression = "«ISC»"
                  +license-files = [
                  +    { path = "LICENSE", hash = 0x8a110a4b },
                  +    { path = "LICENSE-ISC", hash = 0x15389980 },
                  +]
                Exception: clarify the license of `a` 1.2.3 as `ISC` (found in some of its license files; check the others) and allow `ISC` for it
                  @@ -0,0 +1,12 @@
                  +[[licenses.clarify]]
                  +crate = "a@1.2.3"
                  +expression = "«ISC»"
                  +license-files = [
                  +    { path = "LICENSE", hash = 0x8a110a4b },
                  +    { path = "LICENSE-ISC", hash = 0x15389980 },
                  +]
                  +
                  +[licenses]
                  +exceptions = [
                  +    { crate = "a@1.2.3", allow = ["ISC"] },
                  +]
            "#]],
        );
        texts(
            "",
            Code::NoLicenseField,
            &[],
            &expect![[r#"
            Clarify: clarify the license of `a` 1.2.3 (asks for the expression)
              @@ -0,0 +1,4 @@
              +[[licenses.clarify]]
              +crate = "a@1.2.3"
              +expression = "«LicenseRef-TODO»"
              +license-files = []
        "#]],
        );
    }

    #[test]
    fn license_field_is_normalized() {
        let sample = PolicySample::new("").licensed("a 1.2.3", "gpl-2.0 / Apache 2.0");
        let finding = sample.finding(Code::ParseError, &["a 1.2.3"]);
        expect![[r#"
            Clarify: clarify the license of `a` 1.2.3 as `GPL-2.0-only OR Apache-2.0`
              @@ -0,0 +1,4 @@
              +[[licenses.clarify]]
              +crate = "a@1.2.3"
              +expression = "GPL-2.0-only OR Apache-2.0"
              +license-files = []
            Exception: clarify the license of `a` 1.2.3 as `GPL-2.0-only OR Apache-2.0` and allow `Apache-2.0` for it
              @@ -0,0 +1,9 @@
              +[[licenses.clarify]]
              +crate = "a@1.2.3"
              +expression = "GPL-2.0-only OR Apache-2.0"
              +license-files = []
              +
              +[licenses]
              +exceptions = [
              +    { crate = "a@1.2.3", allow = ["Apache-2.0"] },
              +]
        "#]].assert_eq(&sample.shown(&finding));
    }

    const OTHER: &str = "[[licenses.clarify]]\ncrate = \"a\"\nexpression = \"ISC\"\nlicense-files = [{ path = \"LICENSE\", hash = $00x12345678 }]\n";

    #[test]
    fn clarification_with_old_hash_is_updated() {
        texts(
            OTHER,
            Code::ClarificationOutdated,
            &[("LICENSE", ISC)],
            &expect![[r#"
                Clarify: update the hash of `LICENSE` in the clarification of `a` 1.2.3 (read the changed text first)
                  @@ -3,2 +3,2 @@
                   expression = "ISC"
                  -license-files = [{ path = "LICENSE", hash = 0x12345678 }]
                  +license-files = [{ path = "LICENSE", hash = 0x15389980 }]
            "#]],
        );
        texts(
            OTHER,
            Code::ClarificationOutdated,
            &[],
            &expect![[r"
            no plan
        "]],
        );
    }

    #[test]
    fn valid_clarification_has_no_plan() {
        let hash = 0x02cc_5d05;
        let policy = OTHER.replace("$00x12345678", &format!("{hash}"));
        texts(
            &policy,
            Code::Unlicensed,
            &[("LICENSE", "")],
            &expect![[r"
            no plan
        "]],
        );
    }

    #[test]
    fn new_clarification_follows_the_others() {
        texts(
            "[[licenses.clarify]]\nname=\"b\"\nexpression=\"ISC\"\nlicense-files=[]\n[bans]\n",
            Code::Unlicensed,
            &[("LICENSE", ISC)],
            &expect![[r#"
                Clarify: clarify the license of `a` 1.2.3 as `ISC`
                  @@ -4,2 +4,8 @@
                   license-files=[]
                  +
                  +[[licenses.clarify]]
                  +crate="a@1.2.3"
                  +expression="ISC"
                  +license-files=[{ path="LICENSE", hash=0x15389980 }]
                  +
                   [bans]
                Exception: clarify the license of `a` 1.2.3 as `ISC` and allow `ISC` for it
                  @@ -4,2 +4,13 @@
                   license-files=[]
                  +
                  +[[licenses.clarify]]
                  +crate="a@1.2.3"
                  +expression="ISC"
                  +license-files=[{ path="LICENSE", hash=0x15389980 }]
                  +
                  +[licenses]
                  +exceptions = [
                  +    { crate = "a@1.2.3", allow = ["ISC"] },
                  +]
                  +
                   [bans]
            "#]],
        );
        texts(
            "licenses.clarify = []",
            Code::Unlicensed,
            &[("LICENSE", ISC)],
            &expect![[r#"
                Clarify: clarify the license of `a` 1.2.3 as `ISC`
                  @@ -1 +1,3 @@
                  -licenses.clarify = []
                  \ No newline at end of file
                  +licenses.clarify = [
                  +    { crate = "a@1.2.3", expression = "ISC", license-files = [{ path = "LICENSE", hash = 0x15389980 }] },
                  +]
                  \ No newline at end of file
                Exception: clarify the license of `a` 1.2.3 as `ISC` and allow `ISC` for it
                  @@ -1 +1,6 @@
                  -licenses.clarify = []
                  \ No newline at end of file
                  +licenses.clarify = [
                  +    { crate = "a@1.2.3", expression = "ISC", license-files = [{ path = "LICENSE", hash = 0x15389980 }] },
                  +]
                  +licenses.exceptions = [
                  +    { crate = "a@1.2.3", allow = ["ISC"] },
                  +]
                  \ No newline at end of file
            "#]],
        );
        texts(
            "licenses = { allow = ['ISC'] }\r\n",
            Code::Unlicensed,
            &[("LICENSE", ISC)],
            &expect![[r#"
                Clarify: clarify the license of `a` 1.2.3 as `ISC`
                  @@ -1 +1 @@
                  -licenses = { allow = ['ISC'] }
                  +licenses = { allow = ['ISC'], clarify = [{ crate = "a@1.2.3", expression = "ISC", license-files = [{ path = "LICENSE", hash = 0x15389980 }] }] }
            "#]],
        );
    }
}
