//! A policy, parsed and validated by cargo-deny.

mod exceptions;
mod lists;
mod strings;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::{
    Deserialize, UnvalidatedConfig,
    advisories::{self, db::DEFAULT_URL},
    bans,
    cfg::ValidationContext,
    diag::{
        Diagnostic, FileId, Files, Label, Severity as DenySeverity,
        general::{Deprecated, DeprecationReason},
    },
    licenses,
    root_cfg::{GraphConfig, RootConfig},
    sources,
};
use toml_span::ErrorKind;
use url::Url;

pub use exceptions::ExceptionsFile;

use super::{
    Check, Code, Finding, GraphOptions, Location, Role, Severity,
    collect::{from_config, severity_of},
    own,
    words::{harmless, panic_message},
};
use crate::{
    limits,
    model::tree,
    resolve::MetadataOptions,
    text::{SourceText, read_to_string},
};

/// The name that cargo-deny gives to a policy that does not exist.
const NO_FILE: &str = "deny.default.toml";

/// How deep a policy may be nested; real ones are far from this.
const DEEPEST: usize = 64;

/// The remedy for a policy that cargo-deny cannot read.
const FIX_POLICY: &str = "the checks cannot run until the policy is fixed";

/// The text of a policy and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyText {
    /// The file, absolute; `None` where there is no policy.
    pub path: Option<Utf8PathBuf>,
    /// Its text, empty where there is none.
    pub text: SourceText,
    /// A file with further license exceptions.
    pub exceptions: Option<ExceptionsFile>,
}

/// What a policy says about advisory databases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DatabaseSettings {
    /// `advisories.db-path` or cargo-deny's default.
    pub root: Utf8PathBuf,
    /// `advisories.db-urls` or cargo-deny's default.
    pub urls: Vec<Url>,
    /// `advisories.maximum-db-staleness`.
    pub maximum_staleness: Duration,
    /// Nothing is ever fetched: the policy does not say so, its reader does.
    pub offline: bool,
}

/// What is known of a policy before any graph exists.
#[derive(Clone, Debug)]
pub struct LoadedPolicy {
    /// What it decides about the graph.
    pub graph: GraphOptions,
    /// Where its advisories come from.
    pub databases: DatabaseSettings,
    /// It wants `bans.std-replacements`, whose data is fetched.
    pub std_replacements: bool,
    /// The ids of the advisories that it ignores.
    pub ignored: Vec<String>,
    /// It wants `bans.build`, whose check reads the files of packages.
    pub build_scripts: bool,
    /// The checks that cannot be made, because a list of theirs is too long.
    pub left_out: Vec<Check>,
    /// What cargo-deny says about the policy itself.
    pub findings: Vec<Finding>,
}

/// The validated configuration, as cargo-deny's checks take it: once each.
pub(super) struct Config {
    pub(super) advisories: advisories::cfg::ValidConfig,
    pub(super) bans: bans::cfg::ValidConfig,
    pub(super) licenses: licenses::cfg::ValidConfig,
    pub(super) sources: sources::cfg::ValidConfig,
    pub(super) graph: GraphConfig,
}

/// A diagnostic about the policy and whether it forbids a verdict.
pub(super) struct Parsed {
    pub(super) config: Option<Config>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl PolicyText {
    /// No policy: cargo-deny's defaults.
    pub fn none(exceptions: Option<ExceptionsFile>) -> Self {
        Self { path: None, text: SourceText::new(""), exceptions }
    }

    /// The file, or the name that stands for none.
    pub fn name(&self) -> &Utf8Path {
        self.path.as_deref().unwrap_or(Utf8Path::new(NO_FILE))
    }

    /// Whether it and its exceptions stand so on disk.
    pub(crate) fn is_on_disk(&self) -> bool {
        let same = |path: &Utf8PathBuf| {
            read_to_string(path).is_ok_and(|on_disk| SourceText::new(&on_disk) == self.text)
        };
        self.path.as_ref().is_none_or(same)
            && self.exceptions.as_ref().is_none_or(ExceptionsFile::is_on_disk)
    }

    /// Reads the policy. `workspace` is the flag of the same name.
    ///
    /// # Errors
    ///
    /// The findings that forbid a verdict, when cargo-deny would refuse the policy.
    pub fn load(&self, workspace: bool) -> Result<LoadedPolicy, Vec<Finding>> {
        let mut files = Files::new();
        let id = files.add(self.name(), self.text.as_str());
        let parsed = match self.parse(id, &mut files) {
            Ok(parsed) => parsed,
            Err(finding) => return Err(vec![*finding]),
        };
        let mut findings = self.findings(&parsed.diagnostics, id, &files);
        let (long, left_out) = self.long_lists();
        findings.extend(long);
        let Some(config) = parsed.config else { return Err(findings) };
        let databases = DatabaseSettings {
            root: config.advisories.db_path.clone(),
            urls: {
                let mut urls: Vec<Url> =
                    config.advisories.db_urls.iter().map(|url| url.value.clone()).collect();
                if urls.is_empty() {
                    urls.extend(Url::parse(DEFAULT_URL));
                }
                urls
            },
            maximum_staleness: config.advisories.maximum_db_staleness.value,
            offline: false,
        };
        Ok(LoadedPolicy {
            graph: graph_options(config.graph, workspace),
            databases,
            std_replacements: config.bans.std_replacements.is_some(),
            ignored: ignored(self.text.as_str()),
            build_scripts: config.bans.build.is_some(),
            left_out,
            findings,
        })
    }

    /// cargo-deny's own way from a text to a configuration (`ValidConfig::load` of its binary).
    /// The error is the finding for a policy that is no TOML.
    pub(super) fn parse(&self, id: FileId, files: &mut Files) -> Result<Parsed, Box<Finding>> {
        self.refuse_harmful()?;
        let text = Arc::<str>::from(lists::without_long(self.text.as_str()).0);
        let mut root =
            toml_span::parse(&text).map_err(|error| Box::new(self.syntax_finding(&error)))?;
        if let Some(span) = strings::in_policy(&text) {
            return Err(Box::new(self.string_finding(span)));
        }
        let read = || {
            let config = match RootConfig::deserialize(&mut root) {
                Ok(config) => config,
                Err(error) => {
                    let diagnostics =
                        error.errors.iter().map(|error| error.to_diagnostic(id)).collect();
                    return Parsed { config: None, diagnostics };
                }
            };
            let mut diagnostics = Vec::new();
            let exceptions = self.exceptions.as_ref().filter(|file| {
                file.text().is_none_or(|text| lists::long(text.as_str()).is_empty())
            });
            let config = validate(config, id, exceptions, files, &mut diagnostics);
            let refused = diagnostics.iter().any(|diag| diag.severity >= DenySeverity::Error);
            Parsed { config: (!refused).then_some(config), diagnostics }
        };
        catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
            let why = panic_message(&*panic);
            let message = format!("cargo-deny panicked while it read the policy ({why})");
            let location = vec![self.location(0..0)];
            Box::new(own(Code::CheckFailed, Severity::Error, message, location))
        })
    }

    /// What is said of lists that are too long, and the checks that they belong to.
    fn long_lists(&self) -> (Vec<Finding>, Vec<Check>) {
        let mut left_out = Vec::new();
        let mut findings = Vec::new();
        let (emptied, long) = lists::without_long(self.text.as_str());
        if emptied.is_empty() && !long.is_empty() {
            left_out.extend(Check::JUDGED);
        }
        for list in long {
            let section = list.path.first().map(String::as_str).unwrap_or_default();
            let check = Check::JUDGED.into_iter().find(|check| check.name() == section);
            left_out.extend(check.map_or(Check::JUDGED.to_vec(), |check| vec![check]));
            let name = harmless(&list.path.join("."));
            findings.push(long_list(&name, list.count, check, self.location(list.location)));
        }
        let beside = self.exceptions.as_ref().and_then(|file| Some((file, file.text()?)));
        if let Some((file, text)) = beside {
            for list in lists::long(text.as_str()) {
                left_out.push(Check::Licenses);
                let (file, text, span) = (file.path.clone(), text.clone(), list.location);
                let location = Location { file, text, span, role: Role::Mend, via: None };
                let name = harmless(&list.path.join("."));
                findings.push(long_list(&name, list.count, Some(Check::Licenses), location));
            }
        }
        (findings, left_out)
    }

    /// A string stands for a table, and cargo-deny does not come back from it.
    fn string_finding(&self, span: crate::text::Span) -> Finding {
        let message = "expected a table, found a string".to_owned();
        let mut finding = own(Code::Wanted, Severity::Error, message, vec![self.location(span)]);
        finding.remedy = Some("use a table such as `{ crate = \"..\", .. }`".to_owned());
        finding
    }

    /// What cargo-deny's reader would not survive, or never come back from.
    fn refuse_harmful(&self) -> Result<(), Box<Finding>> {
        if let Some(at) = too_deep(self.text.as_str()) {
            let message = format!("the policy is nested deeper than {DEEPEST} levels");
            let line = self.text.line_span(at);
            let location = self.location(at..line.end.min(at + 1));
            let mut finding = own(Code::PolicySyntax, Severity::Error, message, vec![location]);
            finding.remedy = Some(FIX_POLICY.to_owned());
            return Err(Box::new(finding));
        }
        if let Some(at) = tree::too_many_values(self.text.as_str()) {
            let message = format!("the policy has more than {} values", limits::VALUES);
            let finding =
                own(Code::OverLimit, Severity::Error, message, vec![self.location(at..at)]);
            return Err(Box::new(finding));
        }
        let Some(exceptions) = &self.exceptions else { return Ok(()) };
        let path = &exceptions.path;
        let message = match exceptions.text() {
            Some(text) if too_deep(text.as_str()).is_some() => {
                format!("`{path}` is nested deeper than {DEEPEST} levels")
            }
            Some(text) if tree::too_many_values(text.as_str()).is_some() => {
                format!("`{path}` has more than {} values", limits::VALUES)
            }
            Some(text) if strings::in_exceptions(text.as_str()).is_some() => {
                format!("`{path}` has a string where cargo-deny expects a table")
            }
            _ => match exceptions.unread() {
                Some(why) => format!("could not read `{path}`: {why}"),
                None => return Ok(()),
            },
        };
        let text = SourceText::new("");
        let file = path.clone();
        let location = Location { file, text, span: 0..0, role: Role::Mend, via: None };
        let mut finding = own(Code::UnreadableFile, Severity::Error, message, vec![location]);
        finding.remedy = Some("the checks cannot run until this file is fixed".to_owned());
        Err(Box::new(finding))
    }

    fn findings(&self, diagnostics: &[Diagnostic], id: FileId, files: &Files) -> Vec<Finding> {
        diagnostics.iter().map(|diagnostic| from_config(diagnostic, self, id, files)).collect()
    }

    fn syntax_finding(&self, error: &toml_span::Error) -> Finding {
        let text = self.text.as_str();
        let on_its_line = |span: toml_span::Span| {
            let line = self.text.line_span(span.start);
            let on_line = span.start.min(text.len())..span.end.min(line.end);
            self.location(if on_line.is_empty() { line } else { on_line })
        };
        let mut locations = vec![on_its_line(error.span)];
        if let ErrorKind::DuplicateTable { first, .. }
        | ErrorKind::DuplicateKey { first, .. }
        | ErrorKind::DottedKeyInvalidType { first } = &error.kind
        {
            locations.push(on_its_line(*first));
        }
        Finding {
            check: Check::Supercargo,
            code: Some(Code::PolicySyntax),
            severity: Severity::Error,
            message: format!("the policy is not valid TOML: {error}"),
            remedy: Some(FIX_POLICY.to_owned()),
            packages: Vec::new(),
            advisory: None,
            locations,
            paths: Vec::new(),
            path_count: 0,
            notes: Vec::new(),
            related: Vec::new(),
        }
    }

    pub(crate) fn location(&self, span: crate::text::Span) -> Location {
        Location {
            file: self.name().to_owned(),
            text: self.text.clone(),
            span,
            role: Role::Mend,
            via: None,
        }
    }
}

fn long_list(name: &str, count: usize, check: Option<Check>, location: Location) -> Finding {
    let left_out = match check {
        Some(check) => format!("the {} check is not run", check.name()),
        None => "no check is run".to_owned(),
    };
    let limit = limits::LIST_ENTRIES;
    let message = format!("`{name}` has {count} entries, more than {limit}: {left_out}");
    let mut finding = own(Code::OverLimit, Severity::Error, message, vec![location]);
    finding.remedy = Some("remove entries that match nothing".to_owned());
    finding
}

fn validate(
    config: RootConfig,
    id: FileId,
    exceptions: Option<&ExceptionsFile>,
    files: &mut Files,
    diagnostics: &mut Vec<Diagnostic>,
) -> Config {
    macro_rules! validated {
        ($section:expr) => {
            $section.unwrap_or_default().validate(ValidationContext {
                cfg_id: id,
                files,
                diagnostics,
            })
        };
    }
    let advisories = validated!(config.advisories);
    let bans = validated!(config.bans);
    let mut licenses = validated!(config.licenses);
    if let Some(file) = exceptions {
        licenses::cfg::load_exceptions(&mut licenses, file.read_from(), files, diagnostics);
    }
    let sources = validated!(config.sources);
    for target in &config.graph.targets {
        if matches!(target.filter.value, krates::Target::Unknown(_)) {
            let label = Label::primary(id, target.filter.span).with_message(
                "the triple won't be evaluated against cfg() sections, just explicit triples",
            );
            diagnostics.push(
                Diagnostic::warning()
                    .with_message(format_args!(
                        "unknown target `{}` specified",
                        target.filter.value
                    ))
                    .with_labels(vec![label]),
            );
        }
    }
    let moved = |key, table| {
        Diagnostic::from(Deprecated { key, reason: DeprecationReason::Moved(table), file_id: id })
    };
    diagnostics.extend(config.graph_deprecated.into_iter().map(|key| moved(key, "graph")));
    diagnostics.extend(config.output_deprecated.map(|key| moved(key, "output")));
    Config { advisories, bans, licenses, sources, graph: config.graph }
}

fn graph_options(graph: GraphConfig, workspace: bool) -> GraphOptions {
    let targets: Vec<_> = graph
        .targets
        .into_iter()
        .map(|target| (target.filter.value.to_string(), target.features))
        .collect();
    let mut features = graph.features;
    features.sort();
    features.dedup();
    let platform = match targets.as_slice() {
        [(only, _)] => Some(only.clone()),
        _ => None,
    };
    GraphOptions {
        metadata: MetadataOptions {
            no_default_features: graph.no_default_features,
            all_features: graph.all_features,
            features,
            platform,
        },
        targets,
        exclude: graph.exclude,
        exclude_dev: graph.exclude_dev,
        exclude_unpublished: graph.exclude_unpublished,
        workspace,
    }
}

/// Where a text is nested deeper than any policy is, in brackets or in the parts of a key.
/// cargo-deny's reader calls itself for each level until its stack ends.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut parts) = (0_usize, 0_usize);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        let skipped = match c {
            '"' | '\'' => string_length(rest, c),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            _ => c.len_utf8(),
        };
        match c {
            '[' | '{' => (depth, parts) = (depth + 1, 0),
            ']' | '}' => (depth, parts) = (depth.saturating_sub(1), 0),
            '\n' | '=' | ',' => parts = 0,
            '.' => parts += 1,
            _ => {}
        }
        if depth.max(parts) > DEEPEST {
            return Some(at);
        }
        rest = &rest[skipped..];
    }
    None
}

/// How long the string is that `text` starts with, its quotes included.
fn string_length(text: &str, quote: char) -> usize {
    let triple = quote.to_string().repeat(3);
    let is_long = text.starts_with(&triple);
    let opening = if is_long { 3 } else { 1 };
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(opening) {
        let ends = if is_long { text[at..].starts_with(&triple) } else { c == quote };
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            _ if ends => return at + opening,
            // It does not end: its line does.
            '\n' if !is_long => return at,
            _ => {}
        }
    }
    text.len()
}

/// The severity of a diagnostic about the policy.
pub(super) fn config_severity(diagnostic: &Diagnostic) -> Severity {
    severity_of(diagnostic.severity)
}

/// The ids in `advisories.ignore`, each a string or a table; cargo-deny keeps its own reading of
/// them to itself.
fn ignored(policy: &str) -> Vec<String> {
    let Ok(policy) = policy.parse::<toml::Table>() else { return Vec::new() };
    let entries = policy.get("advisories").and_then(|section| section.get("ignore"));
    let entries = entries.and_then(toml::Value::as_array).into_iter().flatten();
    let ids = entries.filter_map(|entry| entry.as_str().or_else(|| entry.get("id")?.as_str()));
    ids.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_writes_is_too_deep() {
        for deep in ["[", "{a=", "a.", "\"a\" . "] {
            assert!(too_deep(&format!("a = {}", deep.repeat(DEEPEST + 1))).is_some(), "{deep}");
        }
        let many = "a.b = [1.5, { x = \"[[[\" }] # {{{\n".repeat(DEEPEST * 2);
        assert_eq!(too_deep(&many), None);
        let brackets = "[".repeat(DEEPEST * 2);
        for text in [
            format!("a = \"{brackets}\\\"{brackets}\""),
            format!("a = '{brackets}\\'"),
            format!("a = \"\"\"{brackets}\n\"{brackets}\"\"\""),
            format!("a = '''{brackets}'\n{brackets}'''"),
            format!("# {brackets}"),
        ] {
            assert_eq!(too_deep(&text), None, "{text}");
        }
        assert!(too_deep(&format!("a = \"not ended\nb = {brackets}")).is_some());
    }
}
