//! The messages of findings: one sentence with package and version, and a remedy.

use cargo_deny::diag::Diagnostic;

use super::{Code, Finding, PackageRef, ResolvedLabel, sanitize};
use crate::verdict::{
    AdvisoryKind,
    message_text::{join_with_and, quotes_to_backticks},
    sources::versions,
};

#[derive(Default)]
pub(super) struct Sentence {
    /// `None` keeps cargo-deny's message.
    pub(super) message: Option<String>,
    pub(super) remedy: Option<String>,
}

pub(super) fn check_message(
    finding: &Finding,
    deny_message: &str,
    labels: &[ResolvedLabel],
) -> Sentence {
    let Some(code) = finding.code else { return Sentence::default() };
    if let Some(sentence) = advisory(finding, None) {
        return sentence;
    }
    let package = finding.packages.first().map(name).unwrap_or_default();
    let local = finding.packages.first().is_some_and(|package| package.source.is_none());
    let sentence = |message: String| Sentence { message: Some(message), remedy: None };
    let with_remedy = |message: String, remedy: &str| Sentence {
        message: Some(message),
        remedy: Some(remedy.to_owned()),
    };
    match code {
        Code::Yanked => {
            let name = finding.packages.first().map_or("", |package| &package.name);
            with_remedy(
                format!("{package} is yanked"),
                &format!("run `cargo update {name}` to select a version that is not yanked"),
            )
        }
        Code::AdvisoryIgnored => {
            sentence(format!("the policy ignores {} for {package}", primary_text(labels)))
        }
        Code::IndexFailure => with_remedy(
            format!("could not determine whether {package} is yanked"),
            "run `cargo fetch` to update cargo's copy of the index",
        ),
        Code::AdvisoryNotDetected => with_remedy(
            format!("{} matches no crate in the graph", primary_text(labels)),
            "remove this `ignore` entry",
        ),
        Code::UnknownAdvisory => with_remedy(
            format!("{} is not in any advisory database", primary_text(labels)),
            "correct the id or remove this `ignore` entry",
        ),
        Code::YankedNotDetected => with_remedy(
            format!("ignored crate {} is not yanked or not in the graph", primary_text(labels)),
            "remove this `ignore` entry",
        ),
        Code::Banned => sentence(format!("{package} is banned by the policy")),
        Code::NotAllowed => {
            sentence(format!("{package} is not allowed: it is not listed in `bans.allow`"))
        }
        Code::Duplicate => {
            let versions: Vec<_> =
                versions(&finding.packages).iter().map(|version| sanitize(version)).collect();
            let mut distinct: Vec<_> = finding.packages.iter().map(|one| &one.version).collect();
            distinct.dedup();
            let name = finding.packages.first().map_or("", |package| &package.name);
            with_remedy(
                format!(
                    "found {} versions of `{name}`: {}",
                    versions.len(),
                    join_with_and(&versions)
                ),
                match distinct.len() {
                    1 => "depend on one source of it only",
                    2 => "upgrade the dependencies that require the older one",
                    _ => "upgrade the dependencies that require the older ones",
                },
            )
        }
        Code::Rejected => rejected(&package, local, labels),
        Code::Unlicensed if local => with_remedy(
            format!("could not determine the license of {package}"),
            "set `license` in its manifest",
        ),
        Code::Unlicensed => with_remedy(
            format!("could not determine the license of {package}"),
            "upgrade to a version that declares one, or add a `clarify` entry to the policy",
        ),
        Code::NoLicenseField => sentence(format!("{package} has no `license` field")),
        Code::EmptyLicenseField => sentence(format!("{package} has an empty `license` field")),
        Code::ParseError => {
            let reason =
                labels.iter().map(|label| label.message.as_str()).find(|text| !text.is_empty());
            sentence(format!(
                "the license of {package} is not a valid SPDX expression{}",
                reason.map(|reason| format!(": {reason}")).unwrap_or_default(),
            ))
        }
        Code::GatherFailure => {
            let reason =
                labels.iter().map(|label| label.message.as_str()).find(|text| !text.is_empty());
            sentence(format!(
                "could not identify a license text of {package}{}",
                reason.map(|reason| format!(": {}", one_line(reason))).unwrap_or_default(),
            ))
        }
        Code::LicenseNotEncountered => with_remedy(
            format!("unused license {}: no crate in the graph uses it", primary_text(labels)),
            "remove it from `allow`",
        ),
        Code::LicenseExceptionNotEncountered => with_remedy(
            format!(
                "unused license exception for {}: no crate in the graph needs it",
                primary_text(labels)
            ),
            "remove it from `exceptions`",
        ),
        Code::SourceNotAllowed => {
            let kind = match deny_message.split('\'').nth(1) {
                Some("git") => "git repository",
                Some(kind) => kind,
                None => "source",
            };
            let source = finding.packages.first().and_then(|package| package.source.as_deref());
            let url = source.map(|source| source.split_once('+').map_or(source, |(_, url)| url));
            with_remedy(
                match url {
                    Some(url) => format!("source not allowed: {package} comes from {kind} {url}"),
                    None => format!("source not allowed: {package} comes from a {kind}"),
                },
                "use an allowed source, or allow this one in the policy",
            )
        }
        Code::GitSourceUnderspecified => {
            let mut quoted = deny_message.split('\'').skip(3).step_by(2);
            let wanted = quoted.next().unwrap_or("rev");
            let found = match quoted.next() {
                Some("any") => ", but it names nothing".to_owned(),
                Some(found) => format!(", but it names a `{found}`"),
                None => String::new(),
            };
            Sentence {
                message: Some(format!(
                    "git source of {package} is underspecified: the policy requires a `{wanted}`{found}"
                )),
                remedy: Some(format!("add its `{wanted}`")),
            }
        }
        Code::UnmatchedSource => with_remedy(
            format!("unused source {}: no crate in the graph comes from it", primary_text(labels)),
            "remove it from the allowed sources",
        ),
        Code::UnmatchedOrganization => with_remedy(
            format!(
                "unused organization {}{}: no crate in the graph comes from it",
                primary_text(labels),
                deny_message
                    .split('\'')
                    .nth(1)
                    .map(|host| format!(" on {host}"))
                    .unwrap_or_default()
            ),
            "remove it from `allow-org`",
        ),
        Code::UnmatchedSkip => with_remedy(
            format!("`skip` entry {} matches no crate in the graph", primary_text(labels)),
            "remove this entry",
        ),
        Code::UnnecessarySkip => with_remedy(
            format!(
                "unnecessary `skip` entry {}: the graph has only one version",
                primary_text(labels)
            ),
            "remove this entry",
        ),
        Code::UnmatchedSkipRoot => with_remedy(
            format!("`skip-tree` entry {} matches no crate in the graph", primary_text(labels)),
            "remove this entry",
        ),
        Code::UnusedWrapper => with_remedy(
            format!("wrapper {} does not depend on the banned crate", primary_text(labels)),
            "remove it from `wrappers`",
        ),
        Code::UnresolvedWorkspaceDependency => {
            sentence(format!("could not resolve a workspace dependency of {package}"))
        }
        Code::UnusedWorkspaceDependency => {
            let name = primary_text(labels);
            let patched = labels.iter().any(|label| label.message.contains("and patched"));
            let what = if patched { "unused and patched" } else { "unused" };
            with_remedy(
                format!("{what} workspace dependency {name}: no member inherits it"),
                "remove it",
            )
        }
        Code::MissingClarificationFile => sentence(format!(
            "license file {} of this `clarify` entry does not exist",
            first_text(labels)
        )),
        _ => Sentence::default(),
    }
}

/// The labels of cargo-deny below which a policy gives a reason.
const REASONS: [&str; 2] = ["reason", "ignore reason"];

/// Findings that an entry of the policy causes or suppresses: its reason says why. For others, such as entries without
/// effect, it is a note.
fn needs_reason(code: Code) -> bool {
    matches!(
        code,
        Code::Banned
            | Code::Allowed
            | Code::UnmatchedWrapper
            | Code::AdvisoryIgnored
            | Code::YankedIgnored
            | Code::Skipped
            | Code::SkippedByRoot
    )
}

/// Adds what the policy says about its entry: the reason to the message, the replacement to the remedy, or both to the
/// notes.
pub(super) fn keep_reasons(finding: &mut Finding, labels: &[ResolvedLabel]) {
    let given = |words: &[&str]| {
        let label = labels.iter().find(|label| words.contains(&label.message.as_str()))?;
        Some(one_line(&label.text)).filter(|text| !text.is_empty())
    };
    let (mut reason, mut instead) = (given(&REASONS), given(&["use instead"]));
    if finding.code.is_some_and(needs_reason) {
        if let Some(reason) = reason.take() {
            finding.message.push_str(&format!(": {reason}"));
        }
        if finding.remedy.is_none() {
            finding.remedy = instead.take().map(|instead| format!("use `{instead}` instead"));
        }
    }
    finding.notes.extend(reason.map(|reason| format!("reason: {reason}")));
    finding.notes.extend(instead.map(|instead| format!("use instead: {instead}")));
}

/// How many dependencies a message names.
const MAX_NAMES: usize = 8;

/// The message for wildcard dependencies: their names, and whether each has a `path` or `git`.
pub(super) fn wildcards(
    finding: &Finding,
    deny_message: &str,
    dependencies: &[(String, bool)],
) -> Sentence {
    let package = finding.packages.first().map(name).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for (dependency, _) in dependencies {
        let dependency = format!("`{}`", sanitize(dependency));
        if !names.contains(&dependency) {
            names.push(dependency);
        }
    }
    // A dependency may be in several tables.
    let what = match names.len() {
        0 | 1 => "a wildcard dependency".to_owned(),
        count => format!("{count} wildcard dependencies"),
    };
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let names =
        if names.is_empty() { String::new() } else { format!(": {}", join_with_and(&names)) };
    // cargo-deny's explanation why `allow-wildcard-paths` is not enough.
    let explanation = deny_message.split_once(". ").map(|(_, explanation)| explanation);
    let explanation =
        explanation.map(|words| format!(" ({})", sanitize(words.trim_end_matches('.'))));
    let is_local = dependencies.iter().any(|(_, is_local)| *is_local);
    let remedy = match (is_local, &explanation) {
        (false, _) => "require the locked version",
        (true, Some(_)) => "add a `version` next to the `path` or `git`, or set `publish = false`",
        (true, None) => {
            "add a `version` next to the `path` or `git`, or set `publish = false` and `allow-wildcard-paths`"
        }
    };
    Sentence {
        message: Some(format!("{package} has {what}{names}{}", explanation.unwrap_or_default())),
        remedy: Some(remedy.to_owned()),
    }
}

/// The message of a diagnostic about the policy itself.
pub(super) fn policy_message(diagnostic: &Diagnostic, labels: &[ResolvedLabel]) -> String {
    let message = diagnostic.message.as_str();
    let words = labels.iter().map(|label| label.message.as_str()).find(|text| !text.is_empty());
    let keys: Vec<_> = labels.iter().map(|label| format!("`{}`", label.text)).collect();
    let first = keys.first().map_or("", String::as_str);
    let unknown_term = format!("{first} is not a license or exception in the SPDX list");
    let translate = |words| if words == "unknown term" { unknown_term.as_str() } else { words };
    let (message, words) = (translate(message), words.map(translate));
    let list = || -> Vec<String> {
        let names = names(message).or_else(|| names(words?)).unwrap_or_default();
        names.iter().map(|name| format!("`{name}`")).collect()
    };
    let message = match (diagnostic.code.as_deref(), message, words) {
        (Some("unexpected-keys"), ..) => {
            let s = if keys.len() == 1 { "" } else { "s" };
            format!(
                "unknown key{s} {}; expected one of {}",
                join_with_and(&keys),
                list().join(", ")
            )
        }
        (Some("unexpected-value"), ..) => {
            format!("unknown value {first}; expected one of {}", list().join(", "))
        }
        (Some("deprecated"), ..) => format!("{first}: {message}"),
        (_, "", words) => words.unwrap_or_default().to_owned(),
        (None, message, Some(words)) if labels.len() == 1 => format!("{message}: {words}"),
        (_, message, _) => message.to_owned(),
    };
    quotes_to_backticks(&sanitize(&message))
}

/// Further explanations of a diagnostic about the policy: its notes, and what it says about each of several places.
pub(super) fn policy_notes(diagnostic: &Diagnostic, labels: &[ResolvedLabel]) -> Vec<String> {
    let notes = diagnostic.notes.iter().map(|note| sanitize(note));
    let several = labels.iter().filter(|label| labels.len() > 1 && !label.message.is_empty());
    let labeled = several.map(|label| {
        format!("`{}`: {}", one_line(&label.text), quotes_to_backticks(&label.message))
    });
    notes.chain(labeled).collect()
}

/// A name that is at least this similar to a known one (Jaro-Winkler) is a typo of it.
const ALIKE: f64 = 0.85;

/// The names that cargo-deny lists as `['a', 'b']`.
fn names(text: &str) -> Option<Vec<&str>> {
    let (_, list) = text.split_once('[')?;
    let inside = list.trim_end_matches(['\'', ']']);
    Some(inside.split(", ").map(|name| name.trim_matches(['\'', '"'])).collect())
}

/// Suggests the most similar names for unknown keys and values.
pub(super) fn nearest(diagnostic: &Diagnostic, labels: &[ResolvedLabel]) -> Option<String> {
    if !matches!(diagnostic.code.as_deref(), Some("unexpected-keys" | "unexpected-value")) {
        return None;
    }
    let words = labels.iter().map(|label| label.message.as_str());
    let known = std::iter::once(diagnostic.message.as_str()).chain(words).find_map(names)?;
    let nearest_name = |written: &str| {
        let scored = known.iter().map(|name| (strsim::jaro_winkler(name, written), *name));
        let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
        (best.0 > ALIKE).then_some(best.1)
    };
    let suggestions: Vec<(String, &str)> = labels
        .iter()
        .filter_map(|label| Some((sanitize(&label.text), nearest_name(&label.text)?)))
        .collect();
    match suggestions.as_slice() {
        [] => None,
        [(_, name)] if labels.len() == 1 => Some(format!("use `{name}` instead")),
        several => {
            let each = several.iter().map(|(key, name)| format!("`{name}` instead of `{key}`"));
            Some(format!("use {}", join_with_and(&each.collect::<Vec<_>>())))
        }
    }
}

/// `package` names the package in place of the finding's.
pub(super) fn advisory(finding: &Finding, package: Option<String>) -> Option<Sentence> {
    let advisory = finding.advisory.as_ref()?;
    let package = package.or_else(|| finding.packages.first().map(name)).unwrap_or_default();
    let title = sanitize(&advisory.title);
    let message = match advisory.kind {
        AdvisoryKind::Unmaintained => format!("{package} is unmaintained: {title}"),
        AdvisoryKind::Unsound => format!("{package} is unsound: {title}"),
        AdvisoryKind::Notice => format!("{package} has a notice: {title}"),
        AdvisoryKind::Vulnerability => format!("{package} has a vulnerability: {title}"),
    };
    let remedy = match (advisory.patched_versions(), advisory.kind) {
        (Some(patched), _) => format!("upgrade to {patched}"),
        (None, AdvisoryKind::Unmaintained) => "replace it".to_owned(),
        (None, _) => "no patched version exists".to_owned(),
    };
    Some(Sentence { message: Some(message), remedy: Some(remedy) })
}

fn rejected(package: &str, local: bool, labels: &[ResolvedLabel]) -> Sentence {
    let mut terms: Vec<String> = Vec::new();
    let refused = |label: &&ResolvedLabel| label.primary && label.message.starts_with("rejected");
    for label in labels.iter().filter(refused) {
        let term = format!("`{}`", label.text);
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    // The first label covers the whole expression.
    let expression = labels.iter().find(|label| !label.primary);
    let obtained = expression
        .and_then(|label| label.message.strip_prefix("license expression retrieved via "))
        .map(|how| format!(" (according to {how})"))
        .unwrap_or_default();
    let expression = expression.map(|label| format!("`{}`", label.text)).unwrap_or_default();
    let what = match terms.as_slice() {
        [] => "which the policy does not allow".to_owned(),
        [only] if *only == expression => "which the policy does not allow".to_owned(),
        terms if expression.contains(" AND ") => {
            format!("but the policy does not allow {}", join_with_and(terms))
        }
        _ => "but the policy allows none of these".to_owned(),
    };
    Sentence {
        message: Some(format!("{package} is licensed under {expression}{obtained}, {what}")),
        remedy: Some(
            if local {
                "use a license that the policy allows, or add an exception for this package"
            } else {
                "replace this dependency, or add an exception for it"
            }
            .to_owned(),
        ),
    }
}

fn name(package: &PackageRef) -> String {
    format!("`{}` {}", package.name, package.version)
}

/// A text of several lines on one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The text under the first primary label, quoted.
fn primary_text(labels: &[ResolvedLabel]) -> String {
    let found = labels.iter().find(|label| label.primary).or(labels.first());
    found.map_or_else(|| "entry".to_owned(), |label| format!("`{}`", first_line(&label.text)))
}

fn first_text(labels: &[ResolvedLabel]) -> String {
    labels.first().map_or_else(String::new, |label| format!("`{}`", first_line(&label.text)))
}
