//! Hover on a policy: the documentation of a key, the effect of an entry, and facts about the advisory,
//! license or package that it names.

use std::sync::Arc;

use camino::Utf8Path;

use super::{
    hover::{self, Hover},
    license,
    markup::Markup,
};
use crate::{
    gate::Verdict,
    policy::{
        cursor::{
            Cursor, CursorContext, HeaderContext, KeyContext, TypedToken, ValueContext, names,
        },
        effects::{Effect, Effects, counted, named, summary},
        entries::{PolicyEntry, PolicyList, entries},
        schema::{SchemaKey, SchemaTable, StringKind, TextPiece, ValueType, pieces},
    },
    text::{SourceText, Span},
    verdict::{AdvisoryFacts, Check, Finding, PackageFacts, PackageRef, Severity, sanitize},
};

/// The maximum number of versions of a package that are shown.
const MAX_VERSIONS: usize = 4;

/// The inputs of a hover.
pub(crate) struct Sources<'s> {
    pub(crate) file: &'s Utf8Path,
    /// The tables of the file: those of a policy, or of a file of exceptions.
    pub(crate) root: &'static SchemaTable,
    /// The current policy.
    pub(crate) text: &'s SourceText,
    /// The current verdicts.
    pub(crate) verdicts: &'s [Arc<Verdict>],
    /// The same, or the last verdicts that had a graph.
    pub(crate) graph_verdicts: &'s [Arc<Verdict>],
    /// The facts of an advisory of the opened databases.
    pub(crate) advisory: &'s dyn Fn(&str) -> Option<AdvisoryFacts>,
    /// Maps a span of the checked text to the current text, if its line still exists.
    pub(crate) moved: &'s dyn Fn(&SourceText, &Span) -> Option<Span>,
}

/// The hover at `offset` of the policy.
pub(crate) fn hover(sources: &Sources<'_>, offset: usize) -> Option<Hover> {
    let text = sources.text.as_str();
    let entries = entries(text);
    let cursor = Cursor::at(text, offset);
    let context = cursor.as_ref().map(|cursor| &cursor.context);
    let (mut text_so_far, mut span, entry) = match context {
        Some(CursorContext::Header(context)) => sources.header(context, &entries),
        Some(CursorContext::Key(context)) => sources.key(context, &entries),
        Some(CursorContext::Value(context)) => sources.value(context, offset, &entries),
        None => (Markup::default(), None, None),
    };
    let effect = entry.and_then(|entry| sources.effect(entry, &entries));
    let is_in_effect = |finding: &Finding| {
        finding.severity < Severity::Warning
            && effect.is_some()
            && !matches!(finding.check, Check::Supercargo | Check::Config)
    };
    let findings =
        hover::findings(sources.file, offset, sources.verdicts, sources.moved, &is_in_effect);
    if let Some(effect) = &effect {
        // An entry without effect has a finding, which is more precise.
        let is_reported = effect.is_nothing() && findings.is_some();
        if !is_reported {
            text_so_far = with_paragraph(text_so_far).text("→ ").text(sanitize(&effect.sentence()));
        }
    }
    if let Some(entry) = entry {
        text_so_far =
            append_paragraph(text_so_far, sources.subject(entry, effect.as_ref(), offset));
    }
    if let Some(findings) = findings {
        span.get_or_insert(findings.span);
        text_so_far = append_paragraph(text_so_far, Some(findings.text));
    }
    let span = span.filter(|_| !text_so_far.is_empty())?;
    Some(Hover { text: text_so_far, span })
}

/// The text about a token, its span, and the entry that it belongs to.
type TokenHover<'e> = (Markup, Option<Span>, Option<&'e PolicyEntry>);

impl Sources<'_> {
    fn header<'e>(&self, context: &HeaderContext, entries: &'e [PolicyEntry]) -> TokenHover<'e> {
        let path = with(&context.before, &self.token_text(&context.token));
        // `[[x]]` starts an entry.
        let entry = entries.iter().find(|entry| entry.span.start == context.span.start);
        (self.documented(&path), Some(context.token.span.clone()), entry)
    }

    fn key<'e>(&self, context: &KeyContext, entries: &'e [PolicyEntry]) -> TokenHover<'e> {
        let path = with(&names(&context.table), &self.token_text(&context.token));
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut text_so_far = self.documented(&path);
        let list = PolicyList::at(&steps).filter(|_| self.root.at(&steps).is_some());
        if let Some(words) = list.and_then(|list| summary(list, entries, &self.effects(entries))) {
            text_so_far = with_paragraph(text_so_far).text("→ ").text(sanitize(&words));
        }
        (text_so_far, Some(context.token.span.clone()), None)
    }

    fn value<'e>(
        &self,
        context: &ValueContext,
        offset: usize,
        entries: &'e [PolicyEntry],
    ) -> TokenHover<'e> {
        let span = Some(context.token.inside.clone()).filter(|span| !span.is_empty());
        let entry = entries
            .iter()
            .find(|entry| entry.subject.span.start <= offset && offset <= entry.subject.span.end);
        let path: Vec<&str> = context.path.iter().map(String::as_str).collect();
        let Some(key) = self.root.at(&path) else { return (Markup::default(), span, entry) };
        let text_so_far = match key.value {
            ValueType::Choice(_) => {
                let token_text = self.token_text(&context.token);
                match key.choice(&token_text) {
                    Some(choice) => {
                        own_text(Markup::default().strong(choice.value).text(" · "), choice.about)
                    }
                    None => self.documented(&context.path),
                }
            }
            ValueType::Bool | ValueType::Integer | ValueType::Float => {
                self.documented(&context.path)
            }
            ValueType::Text(StringKind::Expression) => {
                let found = license::at(self.text.as_str(), &context.token.inside, offset);
                let found = found.and_then(|(name, span)| Some((self.license(name)?, span)));
                if let Some((text_so_far, span)) = found {
                    return (text_so_far, Some(span), None);
                }
                Markup::default()
            }
            _ => Markup::default(),
        };
        (text_so_far, span, entry)
    }

    /// The documentation of a key.
    fn documented(&self, path: &[String]) -> Markup {
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        match self.root.at(&steps) {
            Some(key) => key_text(&path.join("."), key),
            None => Markup::default(),
        }
    }

    fn token_text(&self, token: &TypedToken) -> String {
        self.text.as_str().get(token.inside.clone()).unwrap_or_default().to_owned()
    }

    fn effect(&self, entry: &PolicyEntry, entries: &[PolicyEntry]) -> Option<Effect> {
        Effects::combined(&self.effects(entries), entry)
    }

    /// The effects of the entries in each workspace with this policy.
    fn effects(&self, entries: &[PolicyEntry]) -> Vec<Effects<'_>> {
        let verdicts_of_policy = self.verdicts_of_policy();
        verdicts_of_policy
            .map(|verdict| Effects::new(entries, self.file, verdict.effect_input(), self.moved))
            .collect()
    }

    fn verdicts_of_policy(&self) -> impl Iterator<Item = &Verdict> {
        let ours = |verdict: &&Verdict| verdict.uses_policy_file(self.file);
        self.graph_verdicts.iter().map(AsRef::as_ref).filter(ours)
    }

    /// Facts about the advisory, license or package that an entry names.
    fn subject(
        &self,
        entry: &PolicyEntry,
        effect: Option<&Effect>,
        offset: usize,
    ) -> Option<Markup> {
        let subject = entry.subject.value.as_str();
        if entry.is_advisory() {
            return (self.advisory)(subject).map(|facts| {
                let about = Markup::default().text("about ").code(sanitize(&facts.package));
                about.line().then(hover::facts(&facts))
            });
        }
        if entry.list.is_of_licenses() {
            let found = license::at(self.text.as_str(), &entry.subject.span, offset);
            let name = found.map_or(subject, |(name, _)| name);
            // The effect already lists the packages.
            return if effect.is_some() { license::about(name) } else { self.license(name) };
        }
        let name = entry.package()?.value;
        self.package(name)
    }

    /// A license with the packages that use it.
    fn license(&self, name: &str) -> Option<Markup> {
        let about = license::about(name)?;
        let naming = self.verdicts_of_policy().flat_map(|verdict| verdict.graph.with_license(name));
        let mut packages: Vec<PackageRef> = naming.map(PackageFacts::package).collect();
        packages.sort();
        packages.dedup();
        if packages.is_empty() {
            return Some(about);
        }
        let words = format!(
            "in the license expression of {}: {}",
            counted(packages.len(), "package"),
            named(&packages)
        );
        Some(about.paragraph().text(sanitize(&words)))
    }

    /// The versions of a package in the graph, with their dependency paths.
    fn package(&self, name: &str) -> Option<Markup> {
        let mut text_so_far: Vec<Markup> = Vec::new();
        let mut graphs = self
            .verdicts_of_policy()
            .map(|verdict| &verdict.graph)
            .filter(|graph| !graph.packages.is_empty())
            .peekable();
        graphs.peek()?;
        for graph in graphs {
            for package in graph.versions(name) {
                let path: Vec<_> = graph
                    .path(package)
                    .iter()
                    .map(|one| format!("{} {}", one.name, one.version))
                    .collect();
                let text = Markup::default()
                    .strong(sanitize(name))
                    .text(" ")
                    .text(package.version.to_string());
                let text = match &package.license {
                    Some(license) => text.text(" · ").text(sanitize(license)),
                    None => text.text(" · no license declared"),
                };
                let text = match &package.source {
                    Some(_) if package.is_from_crates_io() => text,
                    Some(source) => text.text(" · ").text(sanitize(source)),
                    None => text.text(" · local"),
                };
                let text = if path.len() > 1 {
                    text.line().text(sanitize(&path.join(" -> ")))
                } else {
                    text
                };
                if !text_so_far.contains(&text) {
                    text_so_far.push(text);
                }
            }
        }
        let more = text_so_far.len().saturating_sub(MAX_VERSIONS);
        text_so_far.truncate(MAX_VERSIONS);
        let all = text_so_far
            .into_iter()
            .fold(Markup::default(), |all, one| append_paragraph(all, Some(one)));
        Some(match more {
            _ if all.is_empty() => all.strong(sanitize(name)).text(" is not in the graph"),
            0 => all,
            more => all.paragraph().text(format!("and {}", counted(more, "more version"))),
        })
    }
}

pub(super) fn key_text(path: &str, key: &SchemaKey) -> Markup {
    let mut text = Markup::default().strong(path).text(" · ");
    text = own_text(text, &key.value.description());
    text = match (key.default, key.absent) {
        (Some(default), _) => text.text(" · default ").code(default),
        (None, Some(absent)) => own_text(text.text(" · if absent: "), absent),
        (None, None) if key.required => text.text(" · required"),
        (None, None) => text,
    };
    if let Some(status) = key.status_note() {
        text = own_text(text.paragraph(), &status);
    }
    text = own_text(text.paragraph(), key.about);
    let choices = key.value.choices();
    if !choices.is_empty() {
        text = text.paragraph();
        for (index, choice) in choices.iter().enumerate() {
            let line = if index == 0 { text } else { text.line() };
            text = own_text(line.code(choice.value).text(" · "), choice.about);
        }
    }
    if !key.example.is_empty() {
        text = text.paragraph().block(key.example);
    }
    text
}

/// Our own text, with the parts in backticks as code.
fn own_text(text: Markup, words: &str) -> Markup {
    pieces(words).fold(text, |text, piece| match piece {
        TextPiece::Text(words) => text.text(words),
        TextPiece::Code(code) => text.code(code),
    })
}

fn with(path: &[String], last: &str) -> Vec<String> {
    path.iter().cloned().chain([last.to_owned()]).collect()
}

fn with_paragraph(text: Markup) -> Markup {
    if text.is_empty() { text } else { text.paragraph() }
}

fn append_paragraph(text: Markup, more: Option<Markup>) -> Markup {
    match more.filter(|more| !more.is_empty()) {
        Some(more) => with_paragraph(text).then(more),
        None => text,
    }
}
