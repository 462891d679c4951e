//! A policy, parsed and validated by cargo-deny.

mod exceptions;
pub(super) mod lists;
mod strings;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::{
    Deserialize, UnvalidatedConfig, advisories, bans,
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
    Check, Code, Finding, GraphOptions, Location, Role, Severity, message_text::panic_message,
    own_finding,
};
use crate::{
    limits,
    model::tree,
    text::{SourceText, read_to_string},
};

/// cargo-deny's name for a policy that does not exist.
const NO_FILE: &str = "deny.default.toml";

/// How deep a policy may be nested; real ones are far from this.
const DEEPEST: usize = 64;

/// The remedy for a policy that cargo-deny cannot read.
const FIX_POLICY: &str = "the checks cannot run until the policy is fixed";

/// The text of a policy and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyText {
    /// The file, absolute; `None` if there is no policy.
    pub path: Option<Utf8PathBuf>,
    /// Its text, empty if there is no policy.
    pub text: SourceText,
    /// A file with further license exceptions.
    pub exceptions: Option<ExceptionsFile>,
}

/// The settings of a policy for advisory databases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DatabaseSettings {
    /// `advisories.db-path` or cargo-deny's default.
    pub root: Utf8PathBuf,
    /// `advisories.db-urls` or cargo-deny's default.
    pub urls: Vec<Url>,
    /// `advisories.maximum-db-staleness`.
    pub maximum_staleness: Duration,
    /// Never fetch. Set by the caller, not by the policy.
    pub offline: bool,
}

/// A policy that was read, before a graph exists.
#[derive(Clone, Debug)]
pub struct LoadedPolicy {
    /// Its options for the graph, with those of the command line once these are applied.
    pub graph: GraphOptions,
    /// Its settings for advisory databases.
    pub databases: DatabaseSettings,
    /// It enables `bans.std-replacements`, whose data is fetched.
    pub std_replacements: bool,
    /// The ids of the advisories that it ignores.
    pub ignored: Vec<String>,
    /// It enables `bans.build`, which reads the files of packages.
    pub build_scripts: bool,
    /// The checks that are not run, because one of their lists is too long.
    pub left_out: Vec<Check>,
    /// cargo-deny's findings about the policy itself.
    pub findings: Vec<Finding>,
}

/// The validated configuration of cargo-deny's checks.
pub(super) struct DenyConfig {
    pub(super) advisories: advisories::cfg::ValidConfig,
    pub(super) bans: bans::cfg::ValidConfig,
    pub(super) licenses: licenses::cfg::ValidConfig,
    pub(super) sources: sources::cfg::ValidConfig,
    pub(super) graph: GraphConfig,
}

/// The result of parsing a policy; no configuration if cargo-deny rejects it.
pub(super) struct ParsedPolicy {
    pub(super) config: Option<DenyConfig>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl PolicyText {
    /// No policy: cargo-deny's defaults.
    pub fn none(exceptions: Option<ExceptionsFile>) -> Self {
        Self { path: None, text: SourceText::new(""), exceptions }
    }

    /// The file, or a placeholder name if there is none.
    pub fn name(&self) -> &Utf8Path {
        self.path.as_deref().unwrap_or(Utf8Path::new(NO_FILE))
    }

    /// The key of the list of allowed licenses.
    pub(super) fn license_allow_list(&self) -> Option<Location> {
        self.path.as_ref()?;
        let (root, _) = tree::parse(self.text.as_str());
        let (key, _) = tree::entry(tree::table(root.get_ref(), "licenses")?, "allow")?;
        Some(self.location(key.span()))
    }

    /// Whether its text and its exceptions are those on disk.
    pub(crate) fn is_on_disk(&self) -> bool {
        let same = |path: &Utf8PathBuf| {
            read_to_string(path).is_ok_and(|on_disk| SourceText::new(&on_disk) == self.text)
        };
        self.path.as_ref().is_none_or(same)
            && self.exceptions.as_ref().is_none_or(ExceptionsFile::is_on_disk)
    }

    /// Parses and validates the policy (as `ValidConfig::load` of cargo-deny's binary does).
    /// The error is the finding for a policy that cannot be parsed.
    pub(super) fn parse(
        &self,
        id: FileId,
        files: &mut Files,
    ) -> Result<ParsedPolicy, Box<Finding>> {
        self.reject_unreadable()?;
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
                    return ParsedPolicy { config: None, diagnostics };
                }
            };
            let mut diagnostics = Vec::new();
            let exceptions = self.exceptions.as_ref().filter(|file| {
                file.text().is_none_or(|text| lists::long(text.as_str()).is_empty())
            });
            let config = validate(config, id, exceptions, files, &mut diagnostics);
            let refused = diagnostics.iter().any(|diag| diag.severity >= DenySeverity::Error);
            ParsedPolicy { config: (!refused).then_some(config), diagnostics }
        };
        catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
            let why = panic_message(&*panic);
            let message = format!("cargo-deny panicked while it read the policy ({why})");
            let location = vec![self.location(0..0)];
            Box::new(own_finding(Code::CheckFailed, Severity::Error, message, location))
        })
    }

    /// A string instead of a table, on which cargo-deny panics.
    fn string_finding(&self, span: crate::text::Span) -> Finding {
        let message = "expected a table, found a string".to_owned();
        let mut finding =
            own_finding(Code::Wanted, Severity::Error, message, vec![self.location(span)]);
        finding.remedy = Some("use a table such as `{ crate = \"..\", .. }`".to_owned());
        finding
    }

    /// Rejects policies on which cargo-deny's parser would crash or hang.
    fn reject_unreadable(&self) -> Result<(), Box<Finding>> {
        if let Some(at) = too_deep(self.text.as_str()) {
            let message = format!("the policy is nested deeper than {DEEPEST} levels");
            let line = self.text.line_span(at);
            let location = self.location(at..line.end.min(at + 1));
            let mut finding =
                own_finding(Code::PolicySyntax, Severity::Error, message, vec![location]);
            finding.remedy = Some(FIX_POLICY.to_owned());
            return Err(Box::new(finding));
        }
        if let Some(at) = tree::too_many_values(self.text.as_str()) {
            let message = format!("the policy has more than {} values", limits::VALUES);
            let finding =
                own_finding(Code::OverLimit, Severity::Error, message, vec![self.location(at..at)]);
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
            _ => match exceptions.unreadable_reason() {
                Some(why) => format!("could not read `{path}`: {why}"),
                None => return Ok(()),
            },
        };
        let text = SourceText::new("");
        let file = path.clone();
        let location =
            Location { file: file.into(), text, span: 0..0, role: Role::Primary, via: None };
        let mut finding =
            own_finding(Code::UnreadableFile, Severity::Error, message, vec![location]);
        finding.remedy = Some("the checks cannot run until this file is fixed".to_owned());
        Err(Box::new(finding))
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
            gates: Vec::new(),
            silent_gates: Vec::new(),
        }
    }

    pub(crate) fn location(&self, span: crate::text::Span) -> Location {
        Location {
            file: self.name().into(),
            text: self.text.clone(),
            span,
            role: Role::Primary,
            via: None,
        }
    }
}

fn validate(
    config: RootConfig,
    id: FileId,
    exceptions: Option<&ExceptionsFile>,
    files: &mut Files,
    diagnostics: &mut Vec<Diagnostic>,
) -> DenyConfig {
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
    DenyConfig { advisories, bans, licenses, sources, graph: config.graph }
}

/// The offset at which a text is nested too deep, in brackets or in the parts of a key. cargo-deny's
/// parser recurses for each level and would overflow its stack.
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

/// The length of the string that `text` starts with, including its quotes.
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
            // Unterminated: it ends with its line.
            '\n' if !is_long => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absurd_nesting_is_too_deep() {
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
