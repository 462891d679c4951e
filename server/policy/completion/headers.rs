//! Headers of tables that are not there yet, and of one more table where there may be several.

use super::{
    CompletionBuilder,
    edit::Spot,
    item::{Suggestion, SuggestionKind, Rank, Snippet},
    keys::words,
    values,
};
use crate::policy::{
    cursor::{Definition, HeaderContext, TablePathStep},
    schema::{EntryForm, SchemaKey, SchemaTable, ValueType},
    rich_text::RichText,
};

impl CompletionBuilder<'_> {
    /// At a line where a header may begin.
    pub(super) fn headers(&mut self, spot: &InsertionPoint<'_>) {
        // Lists that may hold strings are better written in brackets.
        let is_meant = |key: &SchemaKey| !matches!(key.value, ValueType::List(ValueType::Either(..)));
        for (path, key) in self.possible().into_iter().filter(|(_, key)| is_meant(key)) {
            let (header, template) = self.written(&path, key);
            let item = spot.literal(template, &header).item(&header, SuggestionKind::Table, Rank::Usual);
            self.items.push(item.about(words(key)));
        }
    }

    /// Between the brackets of a header.
    pub(super) fn header(&mut self, context: &HeaderContext) {
        if !self.wanted.keys || context.has_statements || context.has_rest {
            return;
        }
        for (path, key) in self.possible() {
            let below = context
                .before
                .iter()
                .map(String::as_str)
                .eq(path[..path.len() - 1].iter().take(context.before.len()).copied());
            if !below || context.is_array && !matches!(key.value, ValueType::List(_)) {
                continue;
            }
            let (header, template) = self.written(&path, key);
            let rest = path[context.before.len()..].join(".");
            let start = &self.text[context.span.start..context.token.span.start];
            self.items.push(Suggestion {
                label: header,
                kind: SuggestionKind::Table,
                detail: String::new(),
                about: words(key),
                span: context.span.clone(),
                template,
                filter: format!("{start}{rest}"),
                rank: Rank::Usual,
                subject: None,
            });
        }
    }

    /// The tables that may be opened with a header here.
    fn possible(&self) -> Vec<(Vec<&'static str>, &'static SchemaKey)> {
        let definitions = &self.cursor.definitions;
        let may_be_opened = |path: &Vec<&'static str>, key: &'static SchemaKey| {
            if !key.value.has_header() {
                return false;
            }
            for end in 1..=path.len() {
                let Some(key) = self.wanted.root.at(&path[..end]) else { return false };
                if !key.is_current() {
                    return false;
                }
                let way: Vec<TablePathStep> =
                    path[..end].iter().map(|name| TablePathStep::Key((*name).to_owned())).collect();
                let is_list = matches!(key.value, ValueType::List(_));
                // Lists of tables within tables of lists are better written in braces.
                let fits = match definitions.defined(&way) {
                    _ if is_list && end < path.len() => false,
                    None | Some(Definition::Implicitly) => true,
                    Some(Definition::ByHeader) => end < path.len() && !is_list,
                    Some(Definition::ByHeaders) => is_list,
                    Some(Definition::ByDots | Definition::ByValue) => false,
                };
                if !fits {
                    return false;
                }
            }
            true
        };
        let all = self.wanted.root.walk().into_iter();
        all.filter(|(path, key)| may_be_opened(path, key)).collect()
    }

    /// A header, and what is written for it: with what its table has to say.
    fn written(&self, path: &[&str], key: &SchemaKey) -> (String, Snippet) {
        let way = path.join(".");
        let newline = self.newline();
        let Some(table) = key.value.table().filter(|_| matches!(key.value, ValueType::List(_))) else {
            let header = format!("[{way}]");
            let template = Snippet::from(header.as_str()).text(newline).end();
            return (header, template);
        };
        let header = format!("[[{way}]]");
        let mut template = Snippet::from(header.as_str());
        for key in needed(table) {
            template = template.text(newline).text(format!("{} = ", key.name));
            template = template.then(values::template(key.value, key.default));
        }
        (header, template)
    }
}

/// The keys without which a table is refused.
pub(super) fn needed(table: &'static SchemaTable) -> impl Iterator<Suggestion = &'static SchemaKey> {
    let which = match table.form {
        EntryForm::Plain => "",
        EntryForm::Ignore => "id",
        EntryForm::Package | EntryForm::PackageAndReason | EntryForm::PackageAlone => "crate",
    };
    table.keys().filter(move |key| key.required || key.name == which)
}

impl CompletionBuilder<'_> {
    /// `{ }` with what has to be in it.
    pub(super) fn empty_entry(&mut self, table: &'static SchemaTable, spot: &InsertionPoint<'_>) {
        let mut template = Snippet::from("{ ");
        let mut names = Vec::new();
        for key in needed(table) {
            let comma = if names.is_empty() { "" } else { ", " };
            template = template.text(format!("{comma}{} = ", key.name));
            template = template.then(values::template(key.value, key.default));
            names.push(key.name);
        }
        if names.is_empty() {
            return;
        }
        let label = format!("{{ {} }}", names.join(", "));
        let about = RichText::default().with_code("An entry that can say more than a string.");
        let edit = spot.literal(template.end().text(" }"), &label);
        self.items.push(edit.item(label, SuggestionKind::Table, Rank::Other).about(about));
    }
}
