//! What a word means: the texts of hovers, for who asks by name.

use super::{hover, license, markup::Markup, policy_hover, prose};
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

/// How many packages and findings are told.
const MANY: usize = 20;

/// How alike names are that may be meant by a mistyped one, from 0 to 1.
const ALIKE: f64 = 0.84;

/// A code of a finding: cargo-deny's, or ours with its prefix or without.
pub(crate) fn code(word: &str) -> Option<Markup> {
    let ours = || Code::by_name(&format!("supercargo::{word}"));
    let code = Code::by_name(word).or_else(ours)?;
    let mut text = Markup::default().strong(code.name());
    text = match code.check() {
        Check::Supercargo => text.text(" · reported by supercargo itself"),
        check => text.text(" · ").text(check.name()),
    };
    text = text.paragraph().text(sentence(code.words()));
    text = text.line().text("Reported on ").text(plain(code.location_rule().words())).text(".");
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

/// A key of the policy by its path, `licenses.allow`, or by its name alone where several have it.
pub(crate) fn key(word: &str) -> Vec<Markup> {
    let wanted = word.trim_matches(['[', ']']);
    let mut found = Vec::new();
    for (path, key) in POLICY.walk().into_iter().chain(EXCEPTIONS.walk()) {
        let whole = path.join(".");
        if (whole == wanted || key.name == wanted)
            && !found.iter().any(|(known, _)| *known == whole)
        {
            found.push((whole, key));
        }
    }
    // Its whole path means that key alone.
    if found.iter().any(|(path, _)| path == wanted) {
        found.retain(|(path, _)| path == wanted);
    }
    found.truncate(MANY);
    found.into_iter().map(|(path, key)| policy_hover::key_text(&path, key)).collect()
}

/// A license or an exception of SPDX's list, with the packages that name it.
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

/// The versions of a package, `name` or `name@version`: its license, why it is there, who uses it and
/// what is found about it.
pub(crate) fn package(word: &str, verdict: &Verdict) -> Vec<Markup> {
    let (name, wanted) =
        word.split_once('@').map_or((word, None), |(name, version)| (name, Some(version)));
    let versions = verdict.graph.versions(name).iter();
    let versions =
        versions.filter(|package| wanted.is_none_or(|wanted| *package.version == *wanted));
    versions.map(|package| version(package, verdict)).collect()
}

fn version(package: &PackageFacts, verdict: &Verdict) -> Markup {
    let this = package.package();
    let mut text = Markup::default().strong(&this.name).text(" ").text(&this.version);
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
        text = text.paragraph().then(prose::paragraph(&hover::lead(description)));
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
    for finding in about.filter(|finding| is_told(finding)) {
        let is_said =
            shown.iter().any(|one| one.code == finding.code && one.message == finding.message);
        if !is_said && shown.len() < MANY {
            shown.push(finding);
        }
    }
    if shown.is_empty() {
        return text.paragraph().text("no findings");
    }
    shown.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in shown {
        text = text.paragraph().then(hover::told_of(finding));
    }
    text
}

/// What is worth a word: warnings, errors, and advisories that are ignored.
fn is_told(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning || finding.advisory.is_some()
}

/// The paths that findings tell, one for each declaration; else a shortest one.
fn paths(package: &PackageFacts, verdict: &Verdict) -> Vec<String> {
    let this = package.package();
    let shown = |path: Vec<(&str, &str)>| {
        let steps = path.into_iter().map(|(name, version)| format!("{name} {version}"));
        steps.collect::<Vec<_>>().join(" -> ")
    };
    let told = verdict.findings.iter().flat_map(|finding| &finding.paths);
    let told = told.filter(|path| path.last() == Some(&this));
    let mut paths: Vec<String> = Vec::new();
    for path in told {
        let path = path.iter().map(|one| (one.name.as_str(), one.version.as_str()));
        let path = shown(path.collect());
        if !paths.contains(&path) && paths.len() < MANY {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let path = verdict.graph.path(package).into_iter();
        let path: Vec<_> = path.map(|one| (&*one.name, &*one.version)).collect();
        paths.extend((path.len() > 1).then(|| shown(path)));
    }
    paths
}

/// The known names that are most like a word, the best first.
pub(crate) fn nearest(word: &str, graph: Option<&GraphFacts>) -> Vec<String> {
    let mut names: Vec<String> = Code::ALL.iter().map(|code| code.name().to_owned()).collect();
    for (path, key) in POLICY.walk() {
        names.push(path.join("."));
        names.push(key.name.to_owned());
    }
    names.extend(spdx::identifiers::LICENSES.iter().map(|known| known.name.to_owned()));
    names.extend(spdx::identifiers::EXCEPTIONS.iter().map(|known| known.name.to_owned()));
    let packages = graph.into_iter().flat_map(|graph| &graph.packages);
    names.extend(packages.map(|package| package.name.to_string()));
    names.sort_unstable();
    names.dedup();
    let lower = word.to_lowercase();
    let alike = |name: &String| {
        let name = name.to_lowercase();
        let name = name.strip_prefix("supercargo::").unwrap_or(&name);
        strsim::jaro_winkler(&lower, name)
    };
    let mut known: Vec<(f64, String)> = names
        .into_iter()
        .map(|name| (alike(&name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    known.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    known.truncate(3);
    known.into_iter().map(|(_, name)| name).collect()
}

fn some(packages: &[PackageRef]) -> String {
    let shown = packages.iter().take(MANY);
    let mut shown: Vec<_> =
        shown.map(|one| sanitize(&format!("{} {}", one.name, one.version))).collect();
    let more = packages.len().saturating_sub(MANY);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    join_with_and(&shown)
}

/// Words for the table of codes as a sentence.
fn sentence(words: &str) -> String {
    let words = plain(words);
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn plain(words: &str) -> String {
    words.replace('`', "")
}
