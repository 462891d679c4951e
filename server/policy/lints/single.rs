//! Licenses that are allowed for all packages but needed by one.

use std::collections::BTreeMap;

use spdx::{Expression, Licensee};

use super::LintContext;
use crate::{
    model::tree,
    policy::{
        licenses::{
            COMMON_LICENSES, POLICY_PARSE_MODE, is_satisfied, parse_license_field, parse_licensees,
        },
        spec::entry as spec,
    },
    verdict::{Code, Finding, PackageFacts, Severity},
};

/// In a smaller graph, nearly every license is needed by one package only.
const MIN_EXTERNAL_PACKAGES: usize = 10;

/// Reports nothing if the license of a package is only known from its texts: then it is not known which
/// packages need which license.
pub(super) fn allowed(context: &LintContext<'_>) -> Vec<Finding> {
    let packages = &context.input.graph.packages;
    let Some(section) = tree::table(context.parsed, "licenses") else { return Vec::new() };
    let entries = tree::strings(context.text, section, "allow");
    let external = packages.iter().filter(|package| package.source.is_some()).count();
    if entries.is_empty() || external < MIN_EXTERNAL_PACKAGES {
        return Vec::new();
    }
    let Ok(policy) = context.text.parse::<toml::Table>() else { return Vec::new() };
    let list = |key: &str| -> &[toml::Value] {
        let list = policy.get("licenses").and_then(|section| section.get(key));
        list.and_then(toml::Value::as_array).map_or(&[], Vec::as_slice)
    };
    let in_file = exceptions_of_file(context);
    let Some(expressions) = expressions(packages, list("clarify")) else { return Vec::new() };
    let permitted: Vec<Option<Licensee>> = entries
        .iter()
        .map(|entry| Licensee::parse_mode(&entry.value, POLICY_PARSE_MODE).ok())
        .collect();
    let mut all = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(licensee) = &permitted[index] else { continue };
        // cargo-deny decides whether a license is used; a clarification may not apply, for example.
        let is_unused =
            context.with_code(Code::LicenseNotEncountered, &entry.span).next().is_some();
        if is_unused || COMMON_LICENSES.contains(&entry.value.as_str()) {
            continue;
        }
        let others = permitted.iter().enumerate().filter(|(other, _)| *other != index);
        let others: Vec<_> = others.filter_map(|(_, licensee)| licensee.as_ref()).collect();
        let needing = expressions.iter().filter(|(expression, _)| {
            expression.requirements().any(|one| licensee.satisfies(&one.req))
                && !is_satisfied(expression, &others.iter().copied())
        });
        let needing = needing.flat_map(|(expression, packages)| {
            packages.iter().map(move |package| (expression, *package))
        });
        let mut needing = needing.filter(|(expression, package)| {
            let this = package.package();
            let all = list("exceptions").iter().chain(&in_file);
            let exception = all.into_iter().find(|entry| spec::matches(entry, &this));
            let excepted = parse_licensees(exception.and_then(|entry| entry.get("allow")));
            let permitted: Vec<&Licensee> = others.iter().copied().chain(&excepted).collect();
            !is_satisfied(expression, &permitted.iter().copied())
        });
        let (Some((_, package)), None) = (needing.next(), needing.next()) else { continue };
        if package.source.is_none() {
            continue;
        }
        let message = format!(
            "`{}` is allowed for all crates, but only `{}` {} needs it",
            entry.value, package.name, package.version
        );
        let mut finding =
            context.finding(Code::AllowedForOne, Severity::Help, entry.span.clone(), message);
        finding.remedy = Some("allow it only for this crate in `exceptions`".to_owned());
        finding.packages = vec![package.package()];
        all.push(finding);
    }
    all
}

/// The exceptions in `deny.exceptions.toml`.
fn exceptions_of_file(context: &LintContext<'_>) -> Vec<toml::Value> {
    let file = context.input.policy.exceptions.as_ref();
    let table = file.and_then(|file| file.text()?.as_str().parse::<toml::Table>().ok());
    match table.and_then(|mut table| table.remove("exceptions")) {
        Some(toml::Value::Array(entries)) => entries,
        _ => Vec::new(),
    }
}

/// The packages by their license expression; `None` if the expression of one is not known.
fn expressions<'p>(
    packages: &'p [PackageFacts],
    clarify: &'p [toml::Value],
) -> Option<Vec<(Expression, Vec<&'p PackageFacts>)>> {
    let mut by_text: BTreeMap<&str, Vec<&PackageFacts>> = BTreeMap::new();
    for package in packages {
        let clarified = clarify.iter().find(|entry| {
            spec::name(entry).is_some_and(|(name, _)| name == *package.name)
                && spec::matches(entry, &package.package())
        });
        let license = match clarified {
            Some(entry) => entry.get("expression").and_then(toml::Value::as_str),
            None => package.license.as_deref().filter(|_| !package.needs_text),
        };
        by_text.entry(license?).or_default().push(package);
    }
    by_text
        .into_iter()
        .map(|(text, packages)| Some((parse_license_field(text)?, packages)))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        policy::lints::samples::{Sample, check},
        verdict::{Code, ExceptionsFile, Severity},
    };

    fn single(policy: &str, expected: &[&str]) {
        check(policy, Code::AllowedForOne, Severity::Help, expected);
    }

    #[test]
    fn license_needed_by_one_package_is_reported() {
        single("[licenses]\nallow = [\"MIT\", \"ISC\", \"Zlib\"]\n", &["ISC"]);
        single("[licenses]\nallow = ['MIT', 'Apache-2.0', 'Zlib', 'BSD-3-Clause']\n", &[]);
    }

    #[test]
    fn license_covered_by_an_exception_is_not_reported() {
        single(
            "[licenses]\nallow = [\"MIT\", \"ISC\"]\nexceptions = [{ crate = \"single\", allow = [\"ISC\"] }]\n",
            &[],
        );
    }

    #[test]
    fn exception_in_the_exceptions_file_counts_too() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let file = temp.path().join("deny.exceptions.toml");
        let reported = |exceptions: &str| {
            std::fs::write(&file, exceptions).expect("written");
            let file = file.clone().try_into().expect("UTF-8");
            let policy = "[licenses]\nallow = [\"MIT\", \"ISC\", \"Zlib\"]\n";
            let sample = Sample::new(policy).with_exceptions(ExceptionsFile::on_disk(file));
            sample.covered(Code::AllowedForOne, Severity::Help)
        };
        assert_eq!(reported("exceptions = [{ crate = \"single\", allow = [\"ISC\"] }]\n"), [""; 0]);
        assert_eq!(reported("exceptions = [{ crate = \"other\", allow = [\"ISC\"] }]\n"), ["ISC"]);
    }

    #[test]
    fn license_that_cargo_deny_calls_unused_is_not_reported_as_needed() {
        let sample = Sample::new("[licenses]\nallow = [\"$0ISC\"]\n");
        assert_eq!(sample.covered(Code::AllowedForOne, Severity::Help), ["ISC"]);
        let sample = sample.with(Code::LicenseNotEncountered, Severity::Warning, &[]);
        assert_eq!(sample.covered(Code::AllowedForOne, Severity::Help), [""; 0]);
    }

    #[test]
    fn license_known_only_from_texts_silences_the_lint() {
        let policy = "[licenses]\nallow = [\"ISC\"]\nclarify = [{ crate = \"single\", expression = \"Zlib\", \
                      license-files = [] }]\n";
        single(policy, &[]);
        single("[licenses]\nallow = [\"ISC\", \"MI", &[]);
    }
}
