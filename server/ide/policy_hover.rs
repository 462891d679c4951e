//! Hover on a policy: what a key is for, what an entry does now, and what is known of the advisory,
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

/// How many versions of a package are told.
const VERSIONS: usize = 4;

/// What a hover is made from.
pub(crate) struct Sources<'s> {
    pub(crate) file: &'s Utf8Path,
    /// The tables of the file: those of a policy, or of a file of exceptions.
    pub(crate) root: &'static SchemaTable,
    /// The policy as it is now.
    pub(crate) text: &'s SourceText,
    /// What is shown.
    pub(crate) verdicts: &'s [Arc<Verdict>],
    /// The same, from the last verdict that had a graph where there is none at the moment.
    pub(crate) known: &'s [Arc<Verdict>],
    /// The facts of an advisory of the opened databases.
    pub(crate) advisory: &'s dyn Fn(&str) -> Option<AdvisoryFacts>,
    /// Where a span of a judged text stands now, if its line is still there.
    pub(crate) moved: &'s dyn Fn(&SourceText, &Span) -> Option<Span>,
}

/// The hover at `offset` of the policy.
pub(crate) fn hover(sources: &Sources<'_>, offset: usize) -> Option<Hover> {
    let text = sources.text.as_str();
    let entries = entries(text);
    let cursor = Cursor::at(text, offset);
    let context = cursor.as_ref().map(|cursor| &cursor.context);
    let (mut told, mut span, entry) = match context {
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
        // What is for nothing is a finding, which says it better.
        let is_said = effect.is_nothing() && findings.is_some();
        if !is_said {
            told = apart(told).text("→ ").text(sanitize(&effect.sentence()));
        }
    }
    if let Some(entry) = entry {
        told = joined(told, sources.subject(entry, effect.as_ref(), offset));
    }
    if let Some(findings) = findings {
        span.get_or_insert(findings.span);
        told = joined(told, Some(findings.text));
    }
    let span = span.filter(|_| !told.is_empty())?;
    Some(Hover { text: told, span })
}

/// What is told of a place, where, and the entry that it stands in.
type Told<'e> = (Markup, Option<Span>, Option<&'e PolicyEntry>);

impl Sources<'_> {
    fn header<'e>(&self, context: &HeaderContext, entries: &'e [PolicyEntry]) -> Told<'e> {
        let path = with(&context.before, &self.said(&context.token));
        // `[[x]]` begins an entry.
        let entry = entries.iter().find(|entry| entry.span.start == context.span.start);
        (self.documented(&path), Some(context.token.span.clone()), entry)
    }

    fn key<'e>(&self, context: &KeyContext, entries: &'e [PolicyEntry]) -> Told<'e> {
        let path = with(&names(&context.table), &self.said(&context.token));
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut told = self.documented(&path);
        let list = PolicyList::at(&steps).filter(|_| self.root.at(&steps).is_some());
        if let Some(words) = list.and_then(|list| summary(list, entries, &self.effects(entries))) {
            told = apart(told).text("→ ").text(sanitize(&words));
        }
        (told, Some(context.token.span.clone()), None)
    }

    fn value<'e>(
        &self,
        context: &ValueContext,
        offset: usize,
        entries: &'e [PolicyEntry],
    ) -> Told<'e> {
        let span = Some(context.token.inside.clone()).filter(|span| !span.is_empty());
        let entry = entries
            .iter()
            .find(|entry| entry.subject.span.start <= offset && offset <= entry.subject.span.end);
        let path: Vec<&str> = context.path.iter().map(String::as_str).collect();
        let Some(key) = self.root.at(&path) else { return (Markup::default(), span, entry) };
        let told = match key.value {
            ValueType::Choice(_) => {
                let said = self.said(&context.token);
                match key.choice(&said) {
                    Some(choice) => {
                        prose(Markup::default().strong(choice.value).text(" · "), choice.about)
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
                if let Some((told, span)) = found {
                    return (told, Some(span), None);
                }
                Markup::default()
            }
            _ => Markup::default(),
        };
        (told, span, entry)
    }

    /// What the schema says of a key.
    fn documented(&self, path: &[String]) -> Markup {
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        match self.root.at(&steps) {
            Some(key) => key_text(&path.join("."), key),
            None => Markup::default(),
        }
    }

    fn said(&self, token: &TypedToken) -> String {
        self.text.as_str().get(token.inside.clone()).unwrap_or_default().to_owned()
    }

    fn effect(&self, entry: &PolicyEntry, entries: &[PolicyEntry]) -> Option<Effect> {
        Effects::combined(&self.effects(entries), entry)
    }

    /// What the entries do in each that is ruled by the file.
    fn effects(&self, entries: &[PolicyEntry]) -> Vec<Effects<'_>> {
        let ruled = self.ruled();
        ruled
            .map(|verdict| Effects::new(entries, self.file, verdict.effect_input(), self.moved))
            .collect()
    }

    fn ruled(&self) -> impl Iterator<Item = &Verdict> {
        let ours = |verdict: &&Verdict| verdict.uses_policy_file(self.file);
        self.known.iter().map(AsRef::as_ref).filter(ours)
    }

    /// What an entry names.
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
            // The effect has told which packages state it.
            return if effect.is_some() { license::about(name) } else { self.license(name) };
        }
        let name = entry.package()?.value;
        self.package(name)
    }

    /// A license with the packages that name it.
    fn license(&self, name: &str) -> Option<Markup> {
        let about = license::about(name)?;
        let naming = self.ruled().flat_map(|verdict| verdict.graph.with_license(name));
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

    /// The versions of a package that are there, and why.
    fn package(&self, name: &str) -> Option<Markup> {
        let mut told: Vec<Markup> = Vec::new();
        let mut graphs = self
            .ruled()
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
                let text =
                    Markup::default().strong(sanitize(name)).text(" ").text(&*package.version);
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
                if !told.contains(&text) {
                    told.push(text);
                }
            }
        }
        let more = told.len().saturating_sub(VERSIONS);
        told.truncate(VERSIONS);
        let all = told.into_iter().fold(Markup::default(), |all, one| joined(all, Some(one)));
        Some(match more {
            _ if all.is_empty() => all.strong(sanitize(name)).text(" is not in the graph"),
            0 => all,
            more => all.paragraph().text(format!("and {}", counted(more, "more version"))),
        })
    }
}

pub(super) fn key_text(path: &str, key: &SchemaKey) -> Markup {
    let mut text = Markup::default().strong(path).text(" · ");
    text = prose(text, &key.value.description());
    text = match (key.default, key.absent) {
        (Some(default), _) => text.text(" · default ").code(default),
        (None, Some(absent)) => prose(text.text(" · if absent: "), absent),
        (None, None) if key.required => text.text(" · required"),
        (None, None) => text,
    };
    if let Some(status) = key.status_note() {
        text = prose(text.paragraph(), &status);
    }
    text = prose(text.paragraph(), key.about);
    let choices = key.value.choices();
    if !choices.is_empty() {
        text = text.paragraph();
        for (index, choice) in choices.iter().enumerate() {
            let line = if index == 0 { text } else { text.line() };
            text = prose(line.code(choice.value).text(" · "), choice.about);
        }
    }
    if !key.example.is_empty() {
        text = text.paragraph().block(key.example);
    }
    text
}

/// Our own words, what stands between backticks as code.
fn prose(text: Markup, words: &str) -> Markup {
    pieces(words).fold(text, |text, piece| match piece {
        TextPiece::Text(words) => text.text(words),
        TextPiece::Code(code) => text.code(code),
    })
}

fn with(path: &[String], last: &str) -> Vec<String> {
    path.iter().cloned().chain([last.to_owned()]).collect()
}

fn apart(text: Markup) -> Markup {
    if text.is_empty() { text } else { text.paragraph() }
}

fn joined(text: Markup, more: Option<Markup>) -> Markup {
    match more.filter(|more| !more.is_empty()) {
        Some(more) => apart(text).then(more),
        None => text,
    }
}
