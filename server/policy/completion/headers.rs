//! Headers of missing tables, and of further `[[x]]` tables.

use super::{
    CompletionBuilder,
    edit::InsertionPoint,
    item::{Rank, Snippet, Suggestion, SuggestionKind},
    keys::documentation,
    values,
};
use crate::policy::{
    cursor::{Definition, HeaderContext, TablePathStep},
    rich_text::RichText,
    schema::{EntryForm, SchemaKey, SchemaTable, ValueType},
};

impl CompletionBuilder<'_> {
    /// Suggests headers on a line where one can start.
    pub(super) fn headers(&mut self, insertion: &InsertionPoint<'_>) {
        // Lists that can contain strings are better written as arrays.
        let has_only_tables =
            |key: &SchemaKey| !matches!(key.value, ValueType::List(ValueType::Either(..)));
        for (path, key) in
            self.possible_headers().into_iter().filter(|(_, key)| has_only_tables(key))
        {
            let (header, snippet) = self.header_snippet(&path, key);
            let item = insertion.literal(snippet, &header).item(
                &header,
                SuggestionKind::Table,
                Rank::Usual,
            );
            self.items.push(item.about(documentation(key)));
        }
    }

    /// Suggests headers between the brackets of a header.
    pub(super) fn header(&mut self, context: &HeaderContext) {
        if !self.request.keys || context.has_statements || context.has_rest {
            return;
        }
        for (path, key) in self.possible_headers() {
            let below = context
                .before
                .iter()
                .map(String::as_str)
                .eq(path[..path.len() - 1].iter().take(context.before.len()).copied());
            if !below || context.is_array && !matches!(key.value, ValueType::List(_)) {
                continue;
            }
            let (header, snippet) = self.header_snippet(&path, key);
            let rest = path[context.before.len()..].join(".");
            let start = &self.text[context.span.start..context.token.span.start];
            self.items.push(Suggestion {
                label: header,
                kind: SuggestionKind::Table,
                detail: String::new(),
                about: documentation(key),
                span: context.span.clone(),
                snippet,
                filter: format!("{start}{rest}"),
                rank: Rank::Usual,
                subject: None,
            });
        }
    }

    /// The tables that a header can open here.
    fn possible_headers(&self) -> Vec<(Vec<&'static str>, &'static SchemaKey)> {
        let definitions = &self.cursor.definitions;
        let can_be_opened = |path: &Vec<&'static str>, key: &'static SchemaKey| {
            if !key.value.has_header() {
                return false;
            }
            for end in 1..=path.len() {
                let Some(key) = self.request.root.at(&path[..end]) else { return false };
                if !key.is_current() {
                    return false;
                }
                let steps: Vec<TablePathStep> =
                    path[..end].iter().map(|name| TablePathStep::Key((*name).to_owned())).collect();
                let is_list = matches!(key.value, ValueType::List(_));
                // Lists inside of list entries are better written as inline tables.
                let fits = match definitions.defined(&steps) {
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
        let all = self.request.root.walk().into_iter();
        all.filter(|(path, key)| can_be_opened(path, key)).collect()
    }

    /// A header and its snippet, with the required keys of its table.
    fn header_snippet(&self, path: &[&str], key: &SchemaKey) -> (String, Snippet) {
        let path = path.join(".");
        let newline = self.newline();
        let Some(table) = key.value.table().filter(|_| matches!(key.value, ValueType::List(_)))
        else {
            let header = format!("[{path}]");
            let snippet = Snippet::from(header.as_str()).text(newline).end();
            return (header, snippet);
        };
        let header = format!("[[{path}]]");
        let mut snippet = Snippet::from(header.as_str());
        for key in required_keys(table) {
            snippet = snippet.text(newline).text(format!("{} = ", key.name));
            snippet = snippet.then(values::default_snippet(key.value, key.default));
        }
        (header, snippet)
    }
}

/// The required keys of a table.
pub(super) fn required_keys(
    table: &'static SchemaTable,
) -> impl Iterator<Item = &'static SchemaKey> {
    let which = match table.form {
        EntryForm::Plain => "",
        EntryForm::Ignore => "id",
        EntryForm::Package | EntryForm::PackageAndReason | EntryForm::PackageAlone => "crate",
    };
    table.keys().filter(move |key| key.required || key.name == which)
}

impl CompletionBuilder<'_> {
    /// Suggests an inline table with the required keys.
    pub(super) fn empty_entry(
        &mut self,
        table: &'static SchemaTable,
        insertion: &InsertionPoint<'_>,
    ) {
        let mut snippet = Snippet::from("{ ");
        let mut names = Vec::new();
        for key in required_keys(table) {
            let comma = if names.is_empty() { "" } else { ", " };
            snippet = snippet.text(format!("{comma}{} = ", key.name));
            snippet = snippet.then(values::default_snippet(key.value, key.default));
            names.push(key.name);
        }
        if names.is_empty() {
            return;
        }
        let label = format!("{{ {} }}", names.join(", "));
        let about = RichText::default().with_code("An entry as a table, which can have more keys.");
        let edit = insertion.literal(snippet.end().text(" }"), &label);
        self.items.push(edit.item(label, SuggestionKind::Table, Rank::Other).about(about));
    }
}
