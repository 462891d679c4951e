//! Missing keys, each with a default value.

use camino::Utf8PathBuf;

use super::{
    CompletionBuilder,
    edit::InsertionPoint,
    item::{Rank, Snippet, SuggestionKind},
    values::{self, Conflicts},
};
use crate::{
    policy::{
        cursor::{Definition, EnclosingTable, KeyContext, TablePathStep, WrittenValue},
        rich_text::RichText,
        schema::{EXCEPTIONS, EntryForm, SchemaKey, SchemaTable, ValueType},
    },
    text::SourceText,
    verdict::PolicyText,
};

impl CompletionBuilder<'_> {
    pub(super) fn keys(&mut self, context: &KeyContext) {
        if !self.request.keys {
            return;
        }
        if let Some(table) = self.table(context) {
            let conflicts = Conflicts::of(self.cursor.level());
            for key in table.keys().filter(|key| key.is_current()) {
                self.key(context, table, key, conflicts);
            }
        }
        let may_begin = !context.is_inline && context.dotted == 0 && !context.is_followed;
        if may_begin && context.token.quote.is_none() && !context.has_statements {
            self.headers(&InsertionPoint::of_key(context));
        }
    }

    fn key(
        &mut self,
        context: &KeyContext,
        table: &SchemaTable,
        key: &'static SchemaKey,
        conflicts: Conflicts,
    ) {
        if context.present.contains(key.name) || !belongs(table, key, self.cursor.level(), context)
        {
            return;
        }
        // The tables of the file are better written with headers.
        if context.table.is_empty()
            && matches!(key.value, ValueType::Table(_))
            && !context.is_followed
        {
            return;
        }
        if conflicts.forbid(key) {
            return;
        }
        let snippet = if context.is_followed {
            if !self.fits(context, key) {
                return;
            }
            Snippet::from(key.name)
        } else {
            let value = values::default_snippet(key.value, key.default);
            Snippet::from(key.name).text(" = ").then(value)
        };
        let rank = if key.required || identifies_entry(key) { Rank::Required } else { Rank::Usual };
        let insertion = InsertionPoint::of_key(context);
        let item = insertion.literal(snippet, key.name).item(key.name, SuggestionKind::Key, rank);
        let detail = key.value.description().replace('`', "");
        self.items.push(item.detail(detail).about(documentation(key)));
    }

    /// The table of the key at the cursor, if keys can be added to it here.
    fn table(&self, context: &KeyContext) -> Option<&'static SchemaTable> {
        let mut table = self.request.root;
        let mut steps = context.table.iter().peekable();
        while let Some(step) = steps.next() {
            let TablePathStep::Key(name) = step else { return None };
            let key = table.key(name)?;
            if !key.is_current() {
                return None;
            }
            // `[[x]]` for lists, `[x]` for tables; inline tables can be in both.
            let is_one = steps.next_if(|step| matches!(step, TablePathStep::Index(_))).is_some();
            if !context.is_inline && is_one != matches!(key.value, ValueType::List(_)) {
                return None;
            }
            table = key.value.table()?;
        }
        // A dotted key can only extend tables that dotted keys define.
        let start = context.table.len() - context.dotted.min(context.table.len());
        let mut paths = (start + 1..=context.table.len()).map(|end| &context.table[..end]);
        let extends = paths.all(|path| {
            context.is_inline
                || matches!(self.cursor.definitions.defined(path), None | Some(Definition::ByDots))
        });
        extends.then_some(table)
    }

    /// Whether cargo-deny accepts the existing value for a key.
    fn fits(&self, context: &KeyContext, key: &SchemaKey) -> bool {
        let rest: Vec<&str> = context.rest.iter().map(String::as_str).collect();
        if !rest.is_empty() && key.value.table().is_none_or(|table| table.at(&rest).is_none()) {
            return false;
        }
        let Some(value) = &context.value else { return true };
        let value = &self.text[value.clone()];
        let names: Vec<&str> = context
            .table
            .iter()
            .filter_map(|step| match step {
                TablePathStep::Key(name) => Some(name.as_str()),
                TablePathStep::Index(_) => None,
            })
            .collect();
        // In an entry, only compare the type of the value: the entry is incomplete.
        let in_entry = (1..=names.len()).any(|end| {
            let key = self.request.root.at(&names[..end]);
            key.is_some_and(|key| matches!(key.value, ValueType::List(_)))
        });
        if in_entry || std::ptr::eq(self.request.root, &raw const EXCEPTIONS) {
            return rest.is_empty() && values::has_type(key.value, value);
        }
        let mut text = names.join(".");
        if !text.is_empty() {
            text.push('.');
        }
        let parts: Vec<&str> = std::iter::once(key.name).chain(rest).collect();
        text.push_str(&format!("{} = {value}\n", parts.join(".")));
        let text = SourceText::new(&text);
        let path = Some(Utf8PathBuf::from("deny.toml"));
        PolicyText { path, text, exceptions: None }.load().is_ok()
    }
}

/// Whether a key fits the other keys of an entry: first the key that identifies the entry, then the rest.
fn belongs(
    table: &SchemaTable,
    key: &SchemaKey,
    level: Option<&EnclosingTable>,
    context: &KeyContext,
) -> bool {
    if table.form == EntryForm::Plain || context.dotted > 0 {
        return true;
    }
    let has = |name: &str| {
        context.present.contains(name) || level.is_some_and(|one| one.value(name).is_some())
    };
    let (id, spec, name, version) = (has("id"), has("crate"), has("name"), has("version"));
    match key.name {
        "id" | "crate" => !(id || spec || name || version),
        "name" => !(id || spec || name),
        "version" => name && !id,
        _ => id || spec || name,
    }
}

fn identifies_entry(key: &SchemaKey) -> bool {
    matches!(key.name, "id" | "crate")
}

/// The documentation of a key.
pub(super) fn documentation(key: &SchemaKey) -> RichText {
    let mut text = RichText::default().with_code(key.about);
    for choice in key.value.choices() {
        text = text.paragraph().code(choice.value).text(": ").with_code(choice.about);
    }
    if let Some(default) = key.default {
        text = text.paragraph().text("Default: ").code(default);
    } else if let Some(absent) = key.absent {
        text = text.paragraph().text("Default: ").with_code(absent);
    }
    if !key.example.is_empty() {
        text = text.paragraph().toml(key.example);
    }
    text
}

impl Conflicts {
    /// The keys of the entry around the cursor that exclude others.
    pub(super) fn of(level: Option<&EnclosingTable>) -> Self {
        let Some(level) = level else { return Self::default() };
        let is_true =
            |key| matches!(level.value(key), Some(WrittenValue::Other(text)) if text == "true");
        Self {
            one_version: is_true("deny-multiple-versions"),
            wrapped: !level.list("wrappers").is_empty(),
        }
    }

    /// Whether a key is excluded.
    fn forbid(self, key: &SchemaKey) -> bool {
        match key.name {
            "wrappers" => self.one_version,
            "deny-multiple-versions" => self.wrapped,
            _ => false,
        }
    }
}
