//! Adds values in the layout of their neighbors.
//!
//! An array on one line stays on one line; an array with one item per line gets another line with the same
//! indentation and ending; `[[tables]]` get another table. A missing table or list is created where the file
//! would have it: in its parent as that is written, after the last related table, or at the end.

use super::{
    EditedText, NodeKind, TableForm, TextChange, TomlDocument, TomlNode, TomlStep,
    value::{ListLayout, RenderedValue, Value, ValueStyle, key},
    value_at,
};
use crate::text::Span;

/// The line width above which an empty array is spread over several lines.
const MAX_WIDTH: usize = 100;

impl TomlDocument<'_> {
    /// Adds items to the list under `path`, which is created if it does not exist: as `[[a table]]` if
    /// `as_tables` is set and that is possible.
    pub(in crate::fix) fn with_items(
        &self,
        path: &[&str],
        values: &[Value],
        as_tables: bool,
    ) -> Option<EditedText> {
        let (first, rest) = values.split_first()?;
        let lines = !rest.is_empty() && values.iter().any(|value| matches!(value, Value::Table(_)));
        let first = self.with_item_as(path, first, as_tables, lines)?;
        rest.iter().try_fold(first, |edited, value| {
            edited.then(|document| document.with_item(path, value, as_tables))
        })
    }

    /// Adds one item.
    pub(in crate::fix) fn with_item(
        &self,
        path: &[&str],
        value: &Value,
        as_tables: bool,
    ) -> Option<EditedText> {
        self.with_item_as(path, value, as_tables, false)
    }

    /// With `lines`, an empty list gets one line per item.
    fn with_item_as(
        &self,
        path: &[&str],
        value: &Value,
        as_tables: bool,
        lines: bool,
    ) -> Option<EditedText> {
        let (parents, rest) = self.existing_nodes(path);
        let node = *parents.last()?;
        let changes = match (&node.kind, rest) {
            (NodeKind::List(items), []) => {
                let inline = parents.iter().any(|parent| parent.form() == Some(TableForm::Inline));
                let width = if lines { 0 } else { MAX_WIDTH };
                self.in_list(node.span.clone()?, items, value, (!inline).then_some(width))
            }
            (NodeKind::Tables(tables), []) => vec![self.after_tables(tables, value)?],
            (NodeKind::Table(form, _), [_, ..]) => {
                let heads =
                    matches!(form, TableForm::Root | TableForm::Header | TableForm::Implicit);
                if as_tables && heads && matches!(value, Value::Table(_)) {
                    vec![self.first_of_tables(path, value)]
                } else {
                    let list = Value::List(vec![value.clone()]);
                    vec![self.statement(&parents, path, rest, &list)?]
                }
            }
            _ => return None,
        };
        let mut expected_content = self.content.clone();
        let items = value_under(&mut expected_content, path, || toml::Value::Array(Vec::new()))?;
        items.as_array_mut()?.push(value.to_toml());
        self.edited(changes, &expected_content)
    }

    /// Adds an item to the list at the end of a path.
    pub(in crate::fix) fn with_item_at(
        &self,
        steps: &[TomlStep],
        value: &Value,
    ) -> Option<EditedText> {
        let list = self.at(steps)?;
        let NodeKind::List(items) = &list.kind else { return None };
        let changes = self.in_list(list.span.clone()?, items, value, None);
        let mut expected_content = self.content.clone();
        value_at(&mut expected_content, steps)?.as_array_mut()?.push(value.to_toml());
        self.edited(changes, &expected_content)
    }

    /// Adds a key to the table at the end of a path, which is a list item.
    pub(in crate::fix) fn with_key(
        &self,
        steps: &[TomlStep],
        key: &'static str,
        value: &Value,
    ) -> Option<EditedText> {
        let table = self.at(steps)?;
        let change = match table.form()? {
            TableForm::Inline => self.in_braces(table, &[key], value)?,
            TableForm::Header => {
                let last = table.statements().last().cloned().or_else(|| table.span.clone())?;
                self.line_below(last, &RenderedValue::plain(key), value)
            }
            _ => return None,
        };
        let mut expected_content = self.content.clone();
        let table = value_at(&mut expected_content, steps)?.as_table_mut()?;
        table.insert(key.to_owned(), value.to_toml());
        self.edited(vec![change], &expected_content)
    }

    /// Adds a key that does not exist. A missing table gets a header of its own.
    pub(in crate::fix) fn with_entry(&self, path: &[&str], value: &Value) -> Option<EditedText> {
        let (_, table) = path.split_last()?;
        if self.node(table).is_some() {
            return self.with_setting(path, value);
        }
        let change = self.below_header(path, value)?;
        self.edited(vec![change], &self.content_with(path, value)?)
    }

    /// Adds a key that does not exist.
    pub(in crate::fix) fn with_setting(&self, path: &[&str], value: &Value) -> Option<EditedText> {
        let change = self.setting(path, value)?;
        self.edited(vec![change], &self.content_with(path, value)?)
    }

    fn content_with(&self, path: &[&str], value: &Value) -> Option<toml::Table> {
        let mut expected_content = self.content.clone();
        value_under(&mut expected_content, path, || value.to_toml())?;
        Some(expected_content)
    }

    /// The text change that adds a key that does not exist.
    pub(in crate::fix) fn setting(&self, path: &[&str], value: &Value) -> Option<TextChange> {
        let (parents, rest) = self.existing_nodes(path);
        if rest.is_empty() || parents.last()?.form().is_none() {
            return None;
        }
        self.statement(&parents, path, rest, value)
    }

    /// The existing nodes on a path, and the remaining keys.
    fn existing_nodes<'p, 'k>(&self, path: &'p [&'k str]) -> (Vec<&TomlNode>, &'p [&'k str]) {
        let mut parents = vec![&self.root];
        let mut rest = path;
        while let Some((first, after)) = rest.split_first()
            && let Some(entry) = parents.last().and_then(|parent| parent.entry(first))
        {
            parents.push(&entry.node);
            rest = after;
        }
        (parents, rest)
    }

    fn in_list(
        &self,
        list: Span,
        items: &[TomlNode],
        value: &Value,
        max_width: Option<usize>,
    ) -> Vec<TextChange> {
        let style = self.style(items);
        let entry = value.inline(style);
        let Some(last) = items.last().and_then(|item| item.span.clone()) else {
            return vec![self.in_empty_list(list, &entry, max_width)];
        };
        let comma = self.comma(last.end..list.end - 1);
        let anchor = comma.map_or(last.end, |comma| comma + 1);
        let mut changes = Vec::new();
        let mut with_item = RenderedValue::default();
        if self.starts_line(last.start) {
            let end = self.line_end(anchor);
            // The closing bracket may be on the same line.
            let at = if end < list.end { end } else { anchor };
            if comma.is_none() {
                changes.push(TextChange::insert(last.end, ","));
            }
            with_item.push_str(&format!("{}{}", self.newline(), self.indent(last.start)));
            with_item.push(&entry);
            with_item.push_str(if comma.is_some() { "," } else { "" });
            changes.push(TextChange {
                at: at..at,
                text: with_item.text,
                placeholder: with_item.placeholder,
            });
            return changes;
        }
        let gap = self.gap(items);
        with_item.push_str(if comma.is_some() { "" } else { "," });
        with_item.push_str(gap);
        with_item.push(&entry);
        with_item.push_str(if comma.is_some() { "," } else { "" });
        changes.push(TextChange {
            at: anchor..anchor,
            text: with_item.text,
            placeholder: with_item.placeholder,
        });
        changes
    }

    /// Keeps the item on the line of the list, unless the line would be wider than `max_width`.
    fn in_empty_list(
        &self,
        list: Span,
        entry: &RenderedValue,
        max_width: Option<usize>,
    ) -> TextChange {
        let inside = &self.text[list.start + 1..list.end - 1];
        let bracket = list.end - 1;
        let own = self.indent(list.start);
        let mut with_item = RenderedValue::default();
        if inside.contains('\n') {
            // After the comments in the list.
            let at = self.line_start(bracket);
            let comment = inside.find('#').map(|at| list.start + 1 + at);
            let comment = comment.filter(|at| self.starts_line(*at));
            let indent = match comment {
                Some(at) => self.indent(at).to_owned(),
                None => format!("{own}{}", self.unit()),
            };
            with_item.push_str(&indent);
            with_item.push(entry);
            with_item.push_str(&format!(",{}", self.newline()));
            return TextChange {
                at: at..at,
                text: with_item.text,
                placeholder: with_item.placeholder,
            };
        }
        let line = self.line_start(list.start)..self.line_end(list.end);
        let width = self.text[line].chars().count() + entry.text.chars().count();
        if max_width.is_some_and(|max_width| width > max_width) && inside.trim().is_empty() {
            let newline = self.newline();
            with_item.push_str(&format!("{newline}{own}{}", self.unit()));
            with_item.push(entry);
            with_item.push_str(&format!(",{newline}{own}"));
            return TextChange {
                at: list.start + 1..bracket,
                text: with_item.text,
                placeholder: with_item.placeholder,
            };
        }
        let at = list.start + 1;
        with_item.push_str(if inside.is_empty() { "" } else { " " });
        with_item.push(entry);
        TextChange { at: at..at, text: with_item.text, placeholder: with_item.placeholder }
    }

    /// The text between the items of a list on one line.
    fn gap(&self, items: &[TomlNode]) -> &str {
        let [.., before, last] = items else { return " " };
        let (Some(before), Some(last)) = (&before.span, &last.span) else { return " " };
        let gap = self.text[before.end..last.start].split_once(',').map_or(" ", |(_, gap)| gap);
        if gap.chars().all(|c| c == ' ') { gap } else { " " }
    }

    /// The first comma in a span that otherwise contains only whitespace and comments.
    pub(in crate::fix) fn comma(&self, span: Span) -> Option<usize> {
        let mut commented = false;
        for (at, c) in self.text[span.clone()].char_indices() {
            match c {
                '\n' => commented = false,
                '#' => commented = true,
                ',' if !commented => return Some(span.start + at),
                _ => {}
            }
        }
        None
    }

    /// Adds another `[[table]]` after the last one.
    fn after_tables(&self, tables: &[TomlNode], value: &Value) -> Option<TextChange> {
        let last = tables.last()?;
        let header = last.span.clone()?;
        let first = last.statements().first().cloned();
        let indent = first.as_ref().map_or("", |first| self.indent(first.start));
        let style = match first {
            Some(first) if !self.text[first.clone()].contains(" =") => {
                ValueStyle { spaced: false, ..ValueStyle::default() }
            }
            _ => ValueStyle::default(),
        };
        let head = format!("{}{}", self.indent(header.start), &self.text[header]);
        Some(self.below(last.extent()?.end, &head, value, style, indent))
    }

    /// Adds the first `[[table]]` of its name, after its related tables.
    fn first_of_tables(&self, path: &[&str], value: &Value) -> TextChange {
        let head = format!("[[{}]]", dotted(path));
        let end = self.end_of_related_tables(path);
        self.below(end, &head, value, ValueStyle::default(), "")
    }

    /// The end of the tables whose names start with the same key.
    fn end_of_related_tables(&self, path: &[&str]) -> usize {
        let related = path.first().and_then(|first| self.root.entry(first));
        let related = related.and_then(|entry| entry.node.extent());
        related.map_or(self.text.trim_end().len(), |extent| extent.end)
    }

    /// A header and its body, after the line that contains `end`.
    fn below(
        &self,
        end: usize,
        head: &str,
        value: &Value,
        style: ValueStyle,
        indent: &str,
    ) -> TextChange {
        let newline = self.newline();
        let mut block = RenderedValue::plain(format!("{head}{newline}"));
        block.push(&value.body(style, &ListLayout { indent, unit: self.unit(), newline }));
        self.block_below(end, &block)
    }

    /// `rest = value` in the last of `parents`, in its layout.
    fn statement(
        &self,
        parents: &[&TomlNode],
        path: &[&str],
        rest: &[&str],
        value: &Value,
    ) -> Option<TextChange> {
        let node = *parents.last()?;
        // A dotted table is part of another table, and its keys start there.
        let outer = parents.iter().rposition(|parent| parent.form() != Some(TableForm::Dotted))?;
        match parents[outer].form()? {
            TableForm::Inline => self.in_braces(parents[outer], &path[outer..], value),
            _ if node.form() == Some(TableForm::Dotted) => {
                let last = node.statements().last()?.clone();
                let keys = dotted(&path[outer..]);
                Some(self.line_below(last, &RenderedValue::plain(keys), value))
            }
            TableForm::Header => {
                let last = node.statements().last().cloned().or_else(|| node.span.clone())?;
                let (first, inner) = rest.split_first()?;
                Some(self.line_below(
                    last,
                    &RenderedValue::plain(key(first)),
                    &nested(inner, value),
                ))
            }
            _ => self.below_header(path, value),
        }
    }

    /// `[path]` with its last key and the value, after its related tables.
    fn below_header(&self, path: &[&str], value: &Value) -> Option<TextChange> {
        let (last, table) = path.split_last()?;
        let [_, ..] = table else { return None };
        let head = format!("[{}]", dotted(table));
        let layout = ListLayout { indent: "", unit: self.unit(), newline: self.newline() };
        let raw = Self::written(value, &layout);
        let mut body = RenderedValue::plain(format!("{head}{}{} = ", self.newline(), key(last)));
        body.push(&raw);
        Some(self.block_below(self.end_of_related_tables(path), &body))
    }

    /// A block of lines after the line that contains `end`, separated by blank lines.
    fn block_below(&self, end: usize, block: &RenderedValue) -> TextChange {
        let newline = self.newline();
        let end = self.line_end(end);
        let mut with_item = RenderedValue::default();
        if end > 0 {
            with_item.push_str(newline);
            with_item.push_str(newline);
        }
        with_item.push(block);
        let next = &self.text[self.next_line(end)..];
        if self.text[end..].is_empty() {
            with_item.push_str(if end == 0 { newline } else { "" });
        } else if !next.is_empty() && !next.starts_with(['\n', '\r']) {
            with_item.push_str(newline);
        }
        TextChange { at: end..end, text: with_item.text, placeholder: with_item.placeholder }
    }

    fn line_below(&self, last: Span, keys: &RenderedValue, value: &Value) -> TextChange {
        let at = self.line_end(last.end);
        let indent = self.indent(self.line_start_of(&last));
        let newline = self.newline();
        let mut with_item = RenderedValue::plain(format!("{newline}{indent}"));
        with_item.push(keys);
        with_item.push_str(" = ");
        with_item.push(&Self::written(value, &ListLayout { indent, unit: self.unit(), newline }));
        TextChange { at: at..at, text: with_item.text, placeholder: with_item.placeholder }
    }

    /// The first byte that is not whitespace on the line where a span starts.
    fn line_start_of(&self, span: &Span) -> usize {
        let start = self.line_start(span.start);
        let line = &self.text[start..span.start];
        start + line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// A value after its key: a list of tables has one line per table.
    fn written(value: &Value, layout: &ListLayout<'_>) -> RenderedValue {
        match value {
            Value::List(items) if items.iter().any(|item| matches!(item, Value::Table(_))) => {
                Value::lines(items, ValueStyle::default(), layout)
            }
            _ => value.inline(ValueStyle::default()),
        }
    }

    fn in_braces(&self, table: &TomlNode, keys: &[&str], value: &Value) -> Option<TextChange> {
        let span = table.span.clone()?;
        let mut with_item = RenderedValue::default();
        let last = table.statements().last().cloned();
        let at = match &last {
            Some(last) => {
                let comma = self.comma(last.end..span.end - 1);
                with_item.push_str(if comma.is_some() { "" } else { "," });
                comma.map_or(last.end, |comma| comma + 1)
            }
            None => span.start + 1,
        };
        with_item.push_str(&format!(" {} = ", dotted(keys)));
        with_item.push(&value.inline(ValueStyle::default()));
        let empty = last.is_none() && self.text[at..span.end].starts_with('}');
        with_item.push_str(if empty { " " } else { "" });
        Some(TextChange { at: at..at, text: with_item.text, placeholder: with_item.placeholder })
    }
}

/// The value under `path`, created if it does not exist.
pub(in crate::fix) fn value_under<'v>(
    content: &'v mut toml::Table,
    path: &[&str],
    empty: impl FnOnce() -> toml::Value,
) -> Option<&'v mut toml::Value> {
    let (last, parents) = path.split_last()?;
    let mut table = content;
    for parent in parents {
        let next = table.entry(*parent).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        table = next.as_table_mut()?;
    }
    Some(table.entry(*last).or_insert_with(empty))
}

/// `{ a = { b = value } }` for the keys `a` and `b`.
fn nested(keys: &[&str], value: &Value) -> Value {
    let Some((first, rest)) = keys.split_first() else { return value.clone() };
    let inner = nested(rest, value);
    let text = format!("{{ {} = {} }}", key(first), inner.inline(ValueStyle::default()).text);
    let content = toml::Table::from_iter([((*first).to_owned(), inner.to_toml())]);
    Value::Raw(text, toml::Value::Table(content))
}

fn dotted(keys: &[&str]) -> String {
    keys.iter().map(|part| key(part)).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Compares the policy with another ignored advisory.
    fn ignoring(policy: &str, expected: &Expect) {
        let document = TomlDocument::read(policy).expect("a policy");
        let entry = Value::Table(vec![("id", Value::text("X-1")), ("reason", Value::text("r"))]);
        let edited = document.with_item(&["advisories", "ignore"], &entry, false);
        let text = edited.map_or("nothing".to_owned(), |edited| edited.text);
        expected.assert_eq(&text.replace('\r', "␍"));
    }

    /// Compares the policy with another allowed license.
    fn allowing(policy: &str, expected: &Expect) {
        let document = TomlDocument::read(policy).expect("a policy");
        let edited = document.with_item(&["licenses", "allow"], &Value::text("ISC"), false);
        expected.assert_eq(&edited.map_or("nothing".to_owned(), |edited| edited.text));
    }

    #[test]
    fn missing_table_and_list_are_created() {
        ignoring(
            "",
            &expect![[r#"
            [advisories]
            ignore = [
                { id = "X-1", reason = "r" },
            ]
        "#]],
        );
        ignoring(
            "\n",
            &expect![[r#"
            [advisories]
            ignore = [
                { id = "X-1", reason = "r" },
            ]
        "#]],
        );
        ignoring(
            "# only a comment",
            &expect![[r#"
            # only a comment

            [advisories]
            ignore = [
                { id = "X-1", reason = "r" },
            ]"#]],
        );
        ignoring(
            "[licenses]\nallow = []\n\n",
            &expect![[r#"
            [licenses]
            allow = []

            [advisories]
            ignore = [
                { id = "X-1", reason = "r" },
            ]

        "#]],
        );
        ignoring(
            "[advisories]\n\n[licenses]\n",
            &expect![[r#"
            [advisories]
            ignore = [
                { id = "X-1", reason = "r" },
            ]

            [licenses]
        "#]],
        );
        ignoring(
            "[advisories] # a\n# b\nyanked = \"deny\" # c\n# d\n[licenses]\n",
            &expect![[r#"
            [advisories] # a
            # b
            yanked = "deny" # c
            ignore = [
                { id = "X-1", reason = "r" },
            ]
            # d
            [licenses]
        "#]],
        );
        ignoring(
            "# x\n  [advisories]\n  yanked = \"deny\"",
            &expect![[r#"
                # x
                  [advisories]
                  yanked = "deny"
                  ignore = [
                      { id = "X-1", reason = "r" },
                  ]"#]],
        );
        allowing(
            "[bans]\n[licenses.private]\nignore = true\n[sources]\n",
            &expect![[r#"
            [bans]
            [licenses.private]
            ignore = true

            [licenses]
            allow = ["ISC"]

            [sources]
        "#]],
        );
        allowing(
            "[[licenses.exceptions]]\ncrate = \"a\"\nallow = []\n",
            &expect![[r#"
            [[licenses.exceptions]]
            crate = "a"
            allow = []

            [licenses]
            allow = ["ISC"]
        "#]],
        );
    }

    #[test]
    fn dotted_keys_and_braces_are_kept() {
        ignoring(
            "advisories.yanked = \"deny\"\n[bans]\n",
            &expect![[r#"
            advisories.yanked = "deny"
            advisories.ignore = [
                { id = "X-1", reason = "r" },
            ]
            [bans]
        "#]],
        );
        ignoring(
            "advisories = {}\n",
            &expect![[r#"
            advisories = { ignore = [{ id = "X-1", reason = "r" }] }
        "#]],
        );
        ignoring(
            "advisories = { yanked = \"deny\" }\n",
            &expect![[r#"
            advisories = { yanked = "deny", ignore = [{ id = "X-1", reason = "r" }] }
        "#]],
        );
        ignoring(
            "advisories = { ignore = [] }\n",
            &expect![[r#"
            advisories = { ignore = [{ id = "X-1", reason = "r" }] }
        "#]],
        );
        ignoring(
            "advisories.ignore = []\n",
            &expect![[r#"
            advisories.ignore = [{ id = "X-1", reason = "r" }]
        "#]],
        );
        ignoring(
            "'advisories' . \"ignore\" = [\n  \"A-1\"\n]\n",
            &expect![[r#"
            'advisories' . "ignore" = [
              "A-1",
              { id = "X-1", reason = "r" }
            ]
        "#]],
        );
    }

    #[test]
    fn list_on_one_line_is_kept() {
        ignoring(
            "[advisories]\nignore = [ ]\n",
            &expect![[r#"
            [advisories]
            ignore = [ { id = "X-1", reason = "r" } ]
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [\"A-1\"]\n",
            &expect![[r#"
            [advisories]
            ignore = ["A-1", { id = "X-1", reason = "r" }]
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [ {id='A-1'} ] # x\n",
            &expect![[r#"
            [advisories]
            ignore = [ {id='A-1'}, {id="X-1", reason="r"} ] # x
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [\"A-1\",\"A-2\",]\n",
            &expect![[r#"
            [advisories]
            ignore = ["A-1","A-2",{ id = "X-1", reason = "r" },]
        "#]],
        );
        allowing(
            "[licenses]\nallow = ['MIT','Zlib']\n",
            &expect![[r"
            [licenses]
            allow = ['MIT','Zlib','ISC']
        "]],
        );
        allowing(
            "[licenses]\nallow = [\n  'MIT', 'Zlib', # two\n]\n",
            &expect![[r"
            [licenses]
            allow = [
              'MIT', 'Zlib', 'ISC', # two
            ]
        "]],
        );
    }

    #[test]
    fn list_with_lines_gets_another_line() {
        ignoring(
            "[advisories]\nignore = [\n  \"A-1\",\n]\n",
            &expect![[r#"
            [advisories]
            ignore = [
              "A-1",
              { id = "X-1", reason = "r" },
            ]
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [\n  \"A-1\" # last\n]\n",
            &expect![[r#"
            [advisories]
            ignore = [
              "A-1", # last
              { id = "X-1", reason = "r" }
            ]
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [\n\t\"A-1\", # last\n\t# \"A-2\",\n]\n",
            &expect![[r#"
            [advisories]
            ignore = [
            	"A-1", # last
            	{ id = "X-1", reason = "r" },
            	# "A-2",
            ]
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [\n    \"A-1\"]\n",
            &expect![[r#"
            [advisories]
            ignore = [
                "A-1",
                { id = "X-1", reason = "r" }]
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [\n    #\"A-1\",\n]\n",
            &expect![[r#"
            [advisories]
            ignore = [
                #"A-1",
                { id = "X-1", reason = "r" },
            ]
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [\n]\n",
            &expect![[r#"
            [advisories]
            ignore = [
                { id = "X-1", reason = "r" },
            ]
        "#]],
        );
        ignoring(
            "[advisories]\nignore = [\n    { id = \"A-1\" }\n    , # odd\n]\n",
            &expect![[r#"
            [advisories]
            ignore = [
                { id = "A-1" }
                , # odd
                { id = "X-1", reason = "r" },
            ]
        "#]],
        );
    }

    #[test]
    fn tables_get_another_table() {
        let policy = "[[advisories.ignore]]\nid = \"A-1\"\n";
        ignoring(
            policy,
            &expect![[r#"
            [[advisories.ignore]]
            id = "A-1"

            [[advisories.ignore]]
            id = "X-1"
            reason = "r"
        "#]],
        );
        ignoring(
            &format!("{policy}[bans]\n"),
            &expect![[r#"
            [[advisories.ignore]]
            id = "A-1"

            [[advisories.ignore]]
            id = "X-1"
            reason = "r"

            [bans]
        "#]],
        );
        ignoring(
            "  [[ advisories.ignore ]] # x\n    id=\"A-1\" # y\n\n[bans]\n",
            &expect![[r#"
                  [[ advisories.ignore ]] # x
                    id="A-1" # y

                  [[ advisories.ignore ]]
                    id="X-1"
                    reason="r"

                [bans]
            "#]],
        );
    }

    #[test]
    fn line_endings_are_kept() {
        ignoring(
            "[advisories]\r\nignore = [\r\n  \"A-1\",\r\n]\r\n",
            &expect![[r#"
            [advisories]␍
            ignore = [␍
              "A-1",␍
              { id = "X-1", reason = "r" },␍
            ]␍
        "#]],
        );
        ignoring(
            "[bans]\r\n",
            &expect![[r#"
            [bans]␍
            ␍
            [advisories]␍
            ignore = [␍
                { id = "X-1", reason = "r" },␍
            ]␍
        "#]],
        );
        ignoring(
            "[bans]",
            &expect![[r#"
            [bans]

            [advisories]
            ignore = [
                { id = "X-1", reason = "r" },
            ]"#]],
        );
        ignoring(
            "[advisories]\nignore = [\"A-1\"]",
            &expect![[r#"
            [advisories]
            ignore = ["A-1", { id = "X-1", reason = "r" }]"#]],
        );
    }

    #[test]
    fn too_long_line_is_spread() {
        let policy = format!("[advisories]\nignore = [] # {}\n", "x".repeat(80));
        ignoring(
            &policy,
            &expect![[r#"
            [advisories]
            ignore = [
                { id = "X-1", reason = "r" },
            ] # xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        "#]],
        );
    }

    #[test]
    fn value_that_is_not_a_list_is_kept() {
        ignoring("advisories = 1\n", &expect!["nothing"]);
        ignoring("[advisories]\nignore = \"A-1\"\n", &expect!["nothing"]);
        ignoring("[[advisories]]\n", &expect!["nothing"]);
    }
}
