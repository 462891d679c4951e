//! Licenses that are allowed for every package and needed by one.

use std::collections::BTreeMap;

use spdx::{Expression, Licensee};

use super::Read;
use crate::{
    model::tree,
    policy::{
        licenses::{IN_POLICY, USUAL, is_satisfied, licensees, stated},
        spec::entry as spec,
    },
    verdict::{Code, Finding, PackageFacts, Severity},
};

/// In a graph with fewer packages from outside nearly every license is needed by one.
const CROWD: usize = 10;

/// Silent where a package's license is told by its texts: who needs which license is not known then.
pub(super) fn allowed(read: &Read<'_>) -> Vec<Finding> {
    let packages = &read.judged.graph.packages;
    let Some(section) = tree::table(read.parsed, "licenses") else { return Vec::new() };
    let entries = tree::strings(read.text, section, "allow");
    let from_outside = packages.iter().filter(|package| package.source.is_some()).count();
    if entries.is_empty() || from_outside < CROWD {
        return Vec::new();
    }
    let Ok(said) = read.text.parse::<toml::Table>() else { return Vec::new() };
    let list = |key: &str| -> &[toml::Value] {
        let list = said.get("licenses").and_then(|section| section.get(key));
        list.and_then(toml::Value::as_array).map_or(&[], Vec::as_slice)
    };
    let beside = beside(read);
    let Some(expressions) = expressions(packages, list("clarify")) else { return Vec::new() };
    let permitted: Vec<Option<Licensee>> =
        entries.iter().map(|entry| Licensee::parse_mode(&entry.value, IN_POLICY).ok()).collect();
    let mut all = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(licensee) = &permitted[index] else { continue };
        if USUAL.contains(&entry.value.as_str()) {
            continue;
        }
        let others = permitted.iter().enumerate().filter(|(other, _)| *other != index);
        let others: Vec<_> = others.filter_map(|(_, licensee)| licensee.as_ref()).collect();
        let in_need = expressions.iter().filter(|(expression, _)| {
            expression.requirements().any(|one| licensee.satisfies(&one.req))
                && !is_satisfied(expression, &others.iter().copied())
        });
        let in_need = in_need.flat_map(|(expression, packages)| {
            packages.iter().map(move |package| (expression, *package))
        });
        let mut in_need = in_need.filter(|(expression, package)| {
            let this = package.package();
            let all = list("exceptions").iter().chain(&beside);
            let exception = all.into_iter().find(|entry| spec::matches(entry, &this));
            let excepted = licensees(exception.and_then(|entry| entry.get("allow")));
            let permitted: Vec<&Licensee> = others.iter().copied().chain(&excepted).collect();
            !is_satisfied(expression, &permitted.iter().copied())
        });
        let (Some((_, package)), None) = (in_need.next(), in_need.next()) else { continue };
        if package.source.is_none() {
            continue;
        }
        let message = format!(
            "`{}` is allowed for every package, and only `{}` {} needs it",
            entry.value, package.name, package.version
        );
        let mut finding =
            read.said(Code::AllowedForOne, Severity::Help, entry.span.clone(), message);
        finding.remedy = Some("an exception for that package would do".to_owned());
        finding.packages = vec![package.package()];
        all.push(finding);
    }
    all
}

/// The exceptions of the file beside the policy.
fn beside(read: &Read<'_>) -> Vec<toml::Value> {
    let file = read.judged.policy.exceptions.as_ref();
    let said = file.and_then(|file| file.text()?.as_str().parse::<toml::Table>().ok());
    match said.and_then(|mut said| said.remove("exceptions")) {
        Some(toml::Value::Array(entries)) => entries,
        _ => Vec::new(),
    }
}

/// The packages by the expressions that they are judged by; `None` where one is not known.
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
    by_text.into_iter().map(|(text, packages)| Some((stated(text)?, packages))).collect()
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
    fn a_license_that_one_package_needs_is_said() {
        single("[licenses]\nallow = [\"MIT\", \"ISC\", \"Zlib\"]\n", &["ISC"]);
        single("[licenses]\nallow = ['MIT', 'Apache-2.0', 'Zlib', 'BSD-3-Clause']\n", &[]);
    }

    #[test]
    fn a_license_that_an_exception_covers_is_needed_by_nobody() {
        single(
            "[licenses]\nallow = [\"MIT\", \"ISC\"]\nexceptions = [{ crate = \"single\", allow = [\"ISC\"] }]\n",
            &[],
        );
    }

    #[test]
    fn an_exception_in_the_file_beside_the_policy_counts_too() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let file = temp.path().join("deny.exceptions.toml");
        let said = |exceptions: &str| {
            std::fs::write(&file, exceptions).expect("written");
            let file = file.clone().try_into().expect("UTF-8");
            let policy = "[licenses]\nallow = [\"MIT\", \"ISC\", \"Zlib\"]\n";
            let sample = Sample::new(policy).beside(ExceptionsFile::on_disk(file));
            sample.covered(Code::AllowedForOne, Severity::Help)
        };
        assert_eq!(said("exceptions = [{ crate = \"single\", allow = [\"ISC\"] }]\n"), [""; 0]);
        assert_eq!(said("exceptions = [{ crate = \"other\", allow = [\"ISC\"] }]\n"), ["ISC"]);
    }

    #[test]
    fn what_texts_tell_is_not_known() {
        let policy = "[licenses]\nallow = [\"ISC\"]\nclarify = [{ crate = \"single\", expression = \"Zlib\", \
                      license-files = [] }]\n";
        single(policy, &[]);
        single("[licenses]\nallow = [\"ISC\", \"MI", &[]);
    }
}
