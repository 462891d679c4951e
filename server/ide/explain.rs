//! Explains a code, key, license, advisory or package by name, with the texts of hovers.

use semver::Version;

use super::{hover, license, markup::Markup, policy_hover, untrusted_markdown};
use crate::{
    gate::Verdict,
    policy::{
        lints::CONVENTION,
        schema::{EXCEPTIONS, POLICY},
    },
    verdict::{
        AdvisoryFacts, Check, Code, Finding, GraphFacts, LocationRule, PackageFacts, PackageRef,
        Severity, join_with_and, sanitize,
    },
};

/// The maximum number of packages and findings that are listed.
const MAX_LISTED: usize = 20;

/// The minimum similarity of a suggestion to an unknown name, from 0 to 1.
const SIMILAR: f64 = 0.84;

/// A code of cargo-deny, or ours with or without its prefix.
pub(crate) fn code(word: &str) -> Option<Markup> {
    let ours = || Code::by_name(&format!("supercargo::{word}"));
    let code = Code::by_name(word).or_else(ours)?;
    let mut text = Markup::default().strong(code.name());
    text = match code.check() {
        Check::Supercargo => text.text(" · reported by supercargo itself"),
        check => text.text(" · ").text(check.name()),
    };
    text = text.paragraph().text(sentence(code.description()));
    text =
        text.line().text("Reported on ").text(plain(code.location_rule().description())).text(".");
    if code.check() == Check::Supercargo {
        let is_entry = code.location_rule() == LocationRule::Policy && code != Code::PolicySyntax;
        if is_entry {
            let counts = "It does not affect the exit code, except with check --strict.";
            text = text.line().text(counts).paragraph().text(plain(CONVENTION));
        }
        return Some(text);
    }
    Some(text.paragraph().link("cargo-deny's page", code.link()))
}

/// A key of the policy by its path (`licenses.allow`), or all keys with that name.
pub(crate) fn key(word: &str) -> Vec<Markup> {
    let wanted = word.trim_matches(['[', ']']);
    let mut found = Vec::new();
    for (path, key) in POLICY.walk().into_iter().chain(EXCEPTIONS.walk()) {
        let whole = path.join(".");
        if (whole == wanted || key.name == wanted)
            && !found.iter().any(|(similar, _)| *similar == whole)
        {
            found.push((whole, key));
        }
    }
    // A full path means only that key.
    if found.iter().any(|(path, _)| path == wanted) {
        found.retain(|(path, _)| path == wanted);
    }
    found.truncate(MAX_LISTED);
    found.into_iter().map(|(path, key)| policy_hover::key_text(&path, key)).collect()
}

/// A license or exception in the SPDX list, with the packages that use it.
pub(crate) fn spdx(word: &str, graph: Option<&GraphFacts>) -> Option<Markup> {
    let about = license::about(word)?;
    let Some(graph) = graph.filter(|graph| !graph.packages.is_empty()) else { return Some(about) };
    let is_exception = spdx::license_id(word).is_none();
    let packages: Vec<PackageRef> = if is_exception {
        let end = format!(" WITH {word}");
        let names = |one: &&PackageFacts| one.terms.iter().any(|term| term.ends_with(&end));
        graph.packages.iter().filter(names).map(PackageFacts::package).collect()
    } else {
        let names = |one: &&PackageFacts| {
            one.terms.iter().any(|term| term.split(" WITH ").next() == Some(word))
        };
        graph.packages.iter().filter(names).map(PackageFacts::package).collect()
    };
    let text = about.paragraph();
    if packages.is_empty() {
        return Some(text.text("No package in the graph uses it."));
    }
    Some(text.text(format!("In the license expression of {}.", some(&packages))))
}

/// An advisory.
pub(crate) fn advisory(facts: &AdvisoryFacts) -> Markup {
    let head = Markup::default().strong(sanitize(&facts.id)).text(" · about ");
    head.code(sanitize(&facts.package)).paragraph().then(hover::facts(facts))
}

/// The versions of a package, `name` or `name@version`: license, dependency paths, dependents and
/// findings.
pub(crate) fn package(word: &str, verdict: &Verdict) -> Vec<Markup> {
    let (name, wanted) =
        word.split_once('@').map_or((word, None), |(name, version)| (name, Some(version)));
    let versions = verdict.graph.versions(name).iter();
    let versions = versions
        .filter(|package| wanted.is_none_or(|wanted| package.version.to_string() == wanted));
    versions.map(|package| version(package, verdict)).collect()
}

fn version(package: &PackageFacts, verdict: &Verdict) -> Markup {
    let this = package.package();
    let mut text = Markup::default().strong(&this.name).text(" ").text(this.version.to_string());
    text = match &package.license {
        Some(license) => text.text(" · ").text(sanitize(license)),
        None => text.text(" · no license declared"),
    };
    text = match &package.source {
        Some(_) if package.is_from_crates_io() => text,
        Some(source) => text.text(" · ").text(sanitize(source)),
        None => text.text(" · local"),
    };
    let declared = verdict.declared.iter().find(|one| one.package == this);
    if let Some(description) = declared.and_then(|one| one.description.as_ref()) {
        text = text.paragraph().then(untrusted_markdown::paragraph(&hover::lead(description)));
    }
    text = text.paragraph();
    for path in paths(package, verdict) {
        text = text.text("dependency path: ").text(path).line();
    }
    text = text.text(match package.dependents {
        0 => "no package depends on it".to_owned(),
        1 => "1 package depends on it directly".to_owned(),
        count => format!("{count} packages depend on it directly"),
    });
    if !package.enabled.is_empty() {
        text = text.line().text("features: ").code(package.enabled.join(", "));
    }
    let about = verdict.findings.iter().filter(|finding| finding.packages.contains(&this));
    let mut shown: Vec<&Finding> = Vec::new();
    for finding in about.filter(|finding| is_listed(finding)) {
        let is_duplicate =
            shown.iter().any(|one| one.code == finding.code && one.message == finding.message);
        if !is_duplicate && shown.len() < MAX_LISTED {
            shown.push(finding);
        }
    }
    if shown.is_empty() {
        return text.paragraph().text("no findings");
    }
    shown.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in shown {
        text = text.paragraph().then(hover::finding_text(finding));
    }
    text
}

/// Whether a finding is listed: warnings, errors, and ignored advisories.
fn is_listed(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning || finding.advisory.is_some()
}

/// The dependency paths in the findings, one per direct dependency; else a shortest path.
fn paths(package: &PackageFacts, verdict: &Verdict) -> Vec<String> {
    let this = package.package();
    let shown = |path: Vec<(&str, &Version)>| {
        let steps = path.into_iter().map(|(name, version)| format!("{name} {version}"));
        steps.collect::<Vec<_>>().join(" -> ")
    };
    let paths_of_findings = verdict.findings.iter().flat_map(|finding| &finding.paths);
    let paths_of_findings = paths_of_findings.filter(|path| path.last() == Some(&this));
    let mut paths: Vec<String> = Vec::new();
    for path in paths_of_findings {
        let path = path.iter().map(|one| (one.name.as_str(), &one.version));
        let path = shown(path.collect());
        if !paths.contains(&path) && paths.len() < MAX_LISTED {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let path = verdict.graph.path(package).into_iter();
        let path: Vec<_> = path.map(|one| (&*one.name, &one.version)).collect();
        paths.extend((path.len() > 1).then(|| shown(path)));
    }
    paths
}

/// The most similar known names, the best first.
pub(crate) fn nearest(word: &str, graph: Option<&GraphFacts>) -> Vec<String> {
    let mut names: Vec<String> = Code::ALL.iter().map(|code| code.name().to_owned()).collect();
    for (path, key) in POLICY.walk() {
        names.push(path.join("."));
        names.push(key.name.to_owned());
    }
    names.extend(spdx::identifiers::LICENSES.iter().map(|similar| similar.name.to_owned()));
    names.extend(spdx::identifiers::EXCEPTIONS.iter().map(|similar| similar.name.to_owned()));
    let packages = graph.into_iter().flat_map(|graph| &graph.packages);
    names.extend(packages.map(|package| package.name.to_string()));
    names.sort_unstable();
    names.dedup();
    let lower = word.to_lowercase();
    let similarity = |name: &String| {
        let name = name.to_lowercase();
        let name = name.strip_prefix("supercargo::").unwrap_or(&name);
        strsim::jaro_winkler(&lower, name)
    };
    let mut similar: Vec<(f64, String)> = names
        .into_iter()
        .map(|name| (similarity(&name), name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .collect();
    similar.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    similar.truncate(3);
    similar.into_iter().map(|(_, name)| name).collect()
}

fn some(packages: &[PackageRef]) -> String {
    let shown = packages.iter().take(MAX_LISTED);
    let mut shown: Vec<_> =
        shown.map(|one| sanitize(&format!("{} {}", one.name, one.version))).collect();
    let more = packages.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    join_with_and(&shown)
}

/// A description in the table of codes, as a sentence.
fn sentence(words: &str) -> String {
    let words = plain(words);
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn plain(words: &str) -> String {
    words.replace('`', "")
}
