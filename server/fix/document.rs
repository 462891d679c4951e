//! A policy or a manifest as a tree of spans, and the edits that change nothing but what they are for.
//!
//! Every edit is a few pieces that are put into the text. What comes out is read again, and has to
//! say exactly what was meant: an edit into a layout that is not understood is no edit.

mod placement;
mod removal;
pub(in crate::fix) mod value;

use toml_edit::{Item, TableLike, Value as TomlValue};

use crate::text::{Edit, Edits, Span};
use value::ValueStyle;

/// A value, a table or the tables of one name.
#[derive(Debug)]
pub(in crate::fix) struct TomlNode {
    /// A value with its quotes and brackets; the header of a table that has one.
    pub(in crate::fix) span: Option<Span>,
    pub(in crate::fix) kind: NodeKind,
}

#[derive(Debug)]
pub(in crate::fix) enum NodeKind {
    /// A string, a number, a truth, a date.
    Scalar,
    /// `[1, 2]`
    List(Vec<TomlNode>),
    Table(TableForm, Vec<TableEntry>),
    /// `[[x]]`, each a table.
    Tables(Vec<TomlNode>),
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fix) enum TableForm {
    /// The whole file.
    Root,
    /// `[x]` or one `[[x]]`
    Header,
    /// There is only a `[x.y]`.
    Implicit,
    /// `x.y = 1`
    Dotted,
    /// `{ y = 1 }`
    Inline,
}

#[derive(Debug)]
pub(in crate::fix) struct TableEntry {
    pub(in crate::fix) key: String,
    /// The last part of the key where it stands first.
    pub(in crate::fix) key_span: Span,
    pub(in crate::fix) node: TomlNode,
}

/// A part of the way to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) enum PathStep {
    Key(String),
    Index(usize),
}

/// A change of a text: what stands at a span becomes another text.
#[derive(Clone, Debug)]
pub(in crate::fix) struct TextChange {
    pub(in crate::fix) at: Span,
    pub(in crate::fix) text: String,
    /// What of the new text has to be filled in.
    pub(in crate::fix) placeholder: Option<Span>,
}

/// A changed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) struct EditedText {
    pub(in crate::fix) text: String,
    /// What of it has to be filled in.
    pub(in crate::fix) placeholder: Option<Span>,
}

/// A file that can be edited.
#[derive(Debug)]
pub(in crate::fix) struct TomlDocument<'t> {
    pub(in crate::fix) text: &'t str,
    pub(in crate::fix) root: TomlNode,
    /// What it says.
    pub(in crate::fix) content: toml::Table,
}

impl TextChange {
    pub(in crate::fix) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { at: at..at, text: text.into(), placeholder: None }
    }

    pub(in crate::fix) fn replace(at: Span, text: impl Into<String>) -> Self {
        Self { at, text: text.into(), placeholder: None }
    }

    pub(in crate::fix) fn remove(at: Span) -> Self {
        Self { at, text: String::new(), placeholder: None }
    }
}

impl EditedText {
    /// Another edit after this one. What has to be filled in is that of the last edit which has
    /// such.
    pub(in crate::fix) fn then(
        self,
        edit: impl FnOnce(&TomlDocument<'_>) -> Option<Self>,
    ) -> Option<Self> {
        let mut next = edit(&TomlDocument::read(&self.text)?)?;
        if let (Some(placeholder), None) = (&self.placeholder, &next.placeholder) {
            let mut edits = Edits::default();
            edits.push(Edit::between(&self.text, &next.text));
            next.placeholder = Some(edits.moved(placeholder));
        }
        Some(next)
    }
}

impl<'t> TomlDocument<'t> {
    /// Reads a file; `None` for a text that is broken.
    pub(in crate::fix) fn read(text: &'t str) -> Option<Self> {
        let parsed = toml_edit::Document::parse(text).ok()?;
        let root = TomlNode { span: None, kind: table(parsed.as_table(), TableForm::Root)? };
        Some(Self { text, root, content: text.parse().ok()? })
    }

    /// How lines end.
    pub(in crate::fix) fn newline(&self) -> &'static str {
        let first = self.text.find('\n');
        if first.is_some_and(|at| self.text[..at].ends_with('\r')) { "\r\n" } else { "\n" }
    }

    /// What the section says under these keys.
    pub(in crate::fix) fn value(&self, path: &[&str]) -> Option<&toml::Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.content.get(*first)?, |value, key| value.get(*key))
    }

    /// What the items of the list under these keys say; none where there is no such list.
    pub(in crate::fix) fn items(&self, path: &[&str]) -> &[toml::Value] {
        self.value(path).and_then(toml::Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The node under these keys.
    pub(in crate::fix) fn node(&self, path: &[&str]) -> Option<&TomlNode> {
        path.iter().try_fold(&self.root, |node, key| node.entry(key).map(|entry| &entry.node))
    }

    /// The way to what stands at an offset, as far down as it goes.
    pub(in crate::fix) fn steps_to(&self, offset: usize) -> Option<Vec<PathStep>> {
        let mut steps = Vec::new();
        self.root.steps_to(offset, &mut steps).then_some(steps)
    }

    /// The node at the end of a way.
    pub(in crate::fix) fn at(&self, steps: &[PathStep]) -> Option<&TomlNode> {
        steps.iter().try_fold(&self.root, |node, step| match step {
            PathStep::Key(key) => node.entry(key).map(|entry| &entry.node),
            PathStep::Index(index) => node.children()?.get(*index),
        })
    }

    /// The start of the line that holds `offset`.
    pub(in crate::fix) fn line_start(&self, offset: usize) -> usize {
        self.text[..offset].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The end of that line, before its line break.
    pub(in crate::fix) fn line_end(&self, offset: usize) -> usize {
        let end = self.text[offset..].find('\n').map_or(self.text.len(), |at| offset + at);
        if end > offset && self.text[..end].ends_with('\r') { end - 1 } else { end }
    }

    /// The start of the next line, or the end of the text.
    pub(in crate::fix) fn next_line(&self, offset: usize) -> usize {
        self.text[offset..].find('\n').map_or(self.text.len(), |at| offset + at + 1)
    }

    /// The blanks that the line of `offset` starts with.
    pub(in crate::fix) fn indent(&self, offset: usize) -> &'t str {
        let line = &self.text[self.line_start(offset)..offset];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Whether nothing but blanks stands before `offset` on its line.
    pub(in crate::fix) fn starts_line(&self, offset: usize) -> bool {
        self.text[self.line_start(offset)..offset].trim().is_empty()
    }

    /// How the file indents the items of its lists.
    pub(in crate::fix) fn unit(&self) -> &'t str {
        let mut lists = Vec::new();
        self.root.lists(&mut lists);
        let first = lists.into_iter().find_map(|list| {
            let start = list.children()?.first()?.span.clone()?.start;
            let indent = self.indent(start);
            let own = self.indent(list.span.as_ref()?.start);
            indent.strip_prefix(own).filter(|unit| !unit.is_empty() && self.starts_line(start))
        });
        first.unwrap_or("    ")
    }

    /// How the items of a list are written.
    pub(in crate::fix) fn style(&self, items: &[TomlNode]) -> ValueStyle {
        let spans = items.iter().filter(|item| !item.is_header()).filter_map(|item| {
            let span = item.span.clone()?;
            self.text.get(span)
        });
        ValueStyle::of(spans)
    }

    /// The text with the pieces in it, if it then says what it shall.
    pub(in crate::fix) fn edited(
        &self,
        mut pieces: Vec<TextChange>,
        expected_content: &toml::Table,
    ) -> Option<EditedText> {
        // Insertions at one place stay in their order.
        pieces.sort_by_key(|piece| (piece.at.start, piece.at.end));
        let mut edited =
            EditedText { text: String::with_capacity(self.text.len() + 128), placeholder: None };
        let mut done = 0;
        for piece in pieces {
            edited.text.push_str(self.text.get(done..piece.at.start)?);
            let shift = edited.text.len();
            if let Some(placeholder) = piece.placeholder {
                edited.placeholder = Some(placeholder.start + shift..placeholder.end + shift);
            }
            edited.text.push_str(&piece.text);
            done = piece.at.end;
        }
        edited.text.push_str(self.text.get(done..)?);
        let says: toml::Table = edited.text.parse().ok()?;
        (says == *expected_content).then_some(edited)
    }

    /// Another text for the value at the end of a way.
    pub(in crate::fix) fn replaced(
        &self,
        steps: &[PathStep],
        text: &str,
        says: toml::Value,
    ) -> Option<EditedText> {
        let at = self.at(steps)?.span.clone()?;
        let mut expected_content = self.content.clone();
        *value_at(&mut expected_content, steps)? = says;
        let piece = TextChange { at, text: text.to_owned(), placeholder: None };
        self.edited(vec![piece], &expected_content)
    }
}

impl TomlNode {
    /// The entry of a table.
    pub(in crate::fix) fn entry(&self, key: &str) -> Option<&TableEntry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a table.
    pub(in crate::fix) fn entries(&self) -> &[TableEntry] {
        match &self.kind {
            NodeKind::Table(_, entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list, the tables of one name.
    pub(in crate::fix) fn children(&self) -> Option<&[Self]> {
        match &self.kind {
            NodeKind::List(items) | NodeKind::Tables(items) => Some(items),
            _ => None,
        }
    }

    pub(in crate::fix) fn form(&self) -> Option<TableForm> {
        match self.kind {
            NodeKind::Table(form, _) => Some(form),
            _ => None,
        }
    }

    /// Its span is that of a header, not of a value.
    fn is_header(&self) -> bool {
        matches!(self.kind, NodeKind::Table(TableForm::Header, _) | NodeKind::Tables(_))
    }

    /// Everything of it that stands in the text: headers, and keys with their values.
    pub(in crate::fix) fn spans(&self, spans: &mut Vec<Span>) {
        match &self.kind {
            NodeKind::Table(form, entries) if *form != TableForm::Inline => {
                spans.extend(self.span.clone());
                for entry in entries {
                    match &entry.node.kind {
                        NodeKind::Table(form, _) if *form != TableForm::Inline => {
                            entry.node.spans(spans)
                        }
                        NodeKind::Tables(_) => entry.node.spans(spans),
                        _ => spans.extend(entry.statement()),
                    }
                }
            }
            NodeKind::Tables(tables) => tables.iter().for_each(|table| table.spans(spans)),
            _ => spans.extend(self.span.clone()),
        }
    }

    /// From its first byte to its last, with everything that stands between them.
    pub(in crate::fix) fn extent(&self) -> Option<Span> {
        let mut spans = Vec::new();
        self.spans(&mut spans);
        let start = spans.iter().map(|span| span.start).min()?;
        Some(start..spans.iter().map(|span| span.end).max()?)
    }

    /// The keys and values that stand below its own header, or between its braces, in the order of
    /// the text.
    pub(in crate::fix) fn statements(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        self.collect_statements(&mut spans);
        spans.sort_by_key(|span| span.start);
        spans
    }

    fn collect_statements(&self, spans: &mut Vec<Span>) {
        for entry in self.entries() {
            match entry.node.form() {
                Some(TableForm::Dotted) => entry.node.collect_statements(spans),
                Some(TableForm::Header | TableForm::Implicit | TableForm::Root) => {}
                _ if matches!(entry.node.kind, NodeKind::Tables(_)) => {}
                _ => spans.extend(entry.statement()),
            }
        }
    }

    fn lists<'n>(&'n self, lists: &mut Vec<&'n Self>) {
        if matches!(self.kind, NodeKind::List(_)) {
            lists.push(self);
        }
        for entry in self.entries() {
            entry.node.lists(lists);
        }
        for child in self.children().unwrap_or_default() {
            child.lists(lists);
        }
    }

    fn steps_to(&self, offset: usize, steps: &mut Vec<PathStep>) -> bool {
        let here = self.span.as_ref().is_some_and(|span| span.contains(&offset));
        let children = self.children().unwrap_or_default().iter().enumerate();
        for (index, child) in children {
            steps.push(PathStep::Index(index));
            if child.steps_to(offset, steps) {
                return true;
            }
            steps.pop();
        }
        for entry in self.entries() {
            steps.push(PathStep::Key(entry.key.clone()));
            if entry.key_span.contains(&offset) && !entry.node.is_spread()
                || entry.node.steps_to(offset, steps)
            {
                return true;
            }
            steps.pop();
        }
        here
    }

    /// Its key stands in a header or in several lines.
    fn is_spread(&self) -> bool {
        let spread = [Some(TableForm::Header), Some(TableForm::Implicit), Some(TableForm::Dotted)];
        matches!(self.kind, NodeKind::Tables(_)) || spread.contains(&self.form())
    }
}

impl TableEntry {
    /// From the last part of the key to the end of the value.
    pub(in crate::fix) fn statement(&self) -> Option<Span> {
        let value = self.node.span.clone()?;
        Some(self.key_span.start.min(value.start)..value.end)
    }
}

/// What a file says at the end of a way.
pub(in crate::fix) fn value_at<'v>(
    said: &'v mut toml::Table,
    steps: &[PathStep],
) -> Option<&'v mut toml::Value> {
    let (PathStep::Key(first), rest) = steps.split_first()? else { return None };
    rest.iter().try_fold(said.get_mut(first)?, |value, step| match step {
        PathStep::Key(key) => value.get_mut(key),
        PathStep::Index(index) => value.get_mut(*index),
    })
}

fn item(item: &Item) -> Option<TomlNode> {
    match item {
        Item::None => None,
        Item::Value(value) => node(value),
        Item::Table(inner) => {
            let form = match (inner.is_dotted(), inner.is_implicit()) {
                (true, _) => TableForm::Dotted,
                (_, true) => TableForm::Implicit,
                _ => TableForm::Header,
            };
            let span = inner.span().filter(|_| form == TableForm::Header);
            Some(TomlNode { span, kind: table(inner, form)? })
        }
        Item::ArrayOfTables(tables) => {
            let tables = tables.iter().map(|inner| {
                Some(TomlNode { span: inner.span(), kind: table(inner, TableForm::Header)? })
            });
            Some(TomlNode { span: None, kind: NodeKind::Tables(tables.collect::<Option<_>>()?) })
        }
    }
}

fn node(value: &TomlValue) -> Option<TomlNode> {
    let kind = match value {
        TomlValue::Array(items) => NodeKind::List(items.iter().map(node).collect::<Option<_>>()?),
        TomlValue::InlineTable(inner) if inner.is_dotted() => {
            return Some(TomlNode { span: None, kind: table(inner, TableForm::Dotted)? });
        }
        TomlValue::InlineTable(inner) => table(inner, TableForm::Inline)?,
        _ => NodeKind::Scalar,
    };
    Some(TomlNode { span: Some(value.span()?), kind })
}

fn table(inner: &dyn TableLike, form: TableForm) -> Option<NodeKind> {
    let mut entries = Vec::new();
    for (name, value) in inner.iter() {
        let Some(node) = item(value) else { continue };
        let key_span = inner.key(name)?.span()?;
        entries.push(TableEntry { key: name.to_owned(), key_span, node });
    }
    Some(NodeKind::Table(form, entries))
}
