//! Removes an item of a list, one of several `[[tables]]`, or a key with its value; with its trailing
//! comment and nothing else.

use super::{
    EditedText, NodeKind, TableForm, TextChange, TomlDocument, TomlNode, TomlStep,
    placement::value_under,
    value::{Value, ValueStyle},
    value_at,
};
use crate::text::Span;

impl TomlDocument<'_> {
    /// Removes the innermost list item that contains `offset`.
    pub(in crate::fix) fn without_item(&self, offset: usize) -> Option<EditedText> {
        let mut steps = self.steps_to(offset)?;
        while matches!(steps.last()?, TomlStep::Key(_)) {
            steps.pop();
        }
        let Some(TomlStep::Index(index)) = steps.pop() else { return None };
        let list = self.at(&steps)?;
        let changes = match &list.kind {
            NodeKind::List(items) => {
                let spans = items.iter().map(|item| item.span.clone());
                self.removed_from_row(
                    list.span.clone()?,
                    &spans.collect::<Option<Vec<_>>>()?,
                    index,
                )?
            }
            NodeKind::Tables(tables) => vec![self.table_removal(&tables[index])?],
            _ => return None,
        };
        let mut expected_content = self.content.clone();
        let items = value_at(&mut expected_content, &steps)?.as_array_mut()?;
        items.remove(index);
        if items.is_empty() && matches!(list.kind, NodeKind::Tables(_)) {
            self.remove_value(&mut expected_content, &steps)?;
        }
        self.edited(changes, &expected_content)
    }

    /// Removes the key at the end of a path, with its value.
    pub(in crate::fix) fn without_key(&self, steps: &[TomlStep]) -> Option<EditedText> {
        let changes = self.key_removal(steps)?;
        let mut expected_content = self.content.clone();
        self.remove_value(&mut expected_content, steps)?;
        self.edited(changes, &expected_content)
    }

    /// Moves the key at the end of a path to `path`, with its `value`. Replaces an existing value.
    pub(in crate::fix) fn moved(
        &self,
        steps: &[TomlStep],
        path: &[&str],
        value: &Value,
    ) -> Option<EditedText> {
        let mut changes = self.key_removal(steps)?;
        let change = match self.node(path) {
            Some(node) => {
                let text = value.inline(ValueStyle::default()).text;
                TextChange { at: node.span.clone()?, text, placeholder: None }
            }
            None => self.setting(path, value)?,
        };
        // If the new key would follow the removed lines, it replaces them.
        match changes.iter_mut().find(|removed| removed.at.contains(&change.at.start)) {
            Some(removed) => {
                let end =
                    if self.text[removed.at.clone()].ends_with('\n') { self.newline() } else { "" };
                removed.text = format!("{}{end}", change.text.trim_start_matches(['\r', '\n']));
            }
            None => changes.push(change),
        }
        let mut expected_content = self.content.clone();
        self.remove_value(&mut expected_content, steps)?;
        *value_under(&mut expected_content, path, || value.to_toml())? = value.to_toml();
        self.edited(changes, &expected_content)
    }

    fn key_removal(&self, steps: &[TomlStep]) -> Option<Vec<TextChange>> {
        let (last, parents) = steps.split_last()?;
        let TomlStep::Key(key) = last else { return None };
        let entry = self.at(parents)?.entry(key)?;
        match &entry.node.kind {
            NodeKind::Tables(_) | NodeKind::Table(TableForm::Header | TableForm::Implicit, _) => {
                return Some(vec![self.table_removal(&entry.node)?]);
            }
            NodeKind::Table(TableForm::Dotted, _) => {
                let lines = entry.node.statements();
                let lines = lines.iter().map(|one| Some(TextChange::remove(self.lines_of(one)?)));
                return lines.collect();
            }
            _ => {}
        }
        let statement = entry.statement()?;
        let braces = (0..=parents.len()).rev().find_map(|depth| {
            let node = self.at(&parents[..depth])?;
            (node.form() != Some(TableForm::Dotted)).then_some(node)
        })?;
        if braces.form() == Some(TableForm::Inline) {
            let statements = braces.statements();
            let index = statements.iter().position(|other| *other == statement)?;
            return self.removed_from_row(braces.span.clone()?, &statements, index);
        }
        Some(vec![TextChange::remove(self.lines_of(&statement)?)])
    }

    /// The whole lines of a span, if nothing else but a trailing comment is on them.
    fn lines_of(&self, span: &Span) -> Option<Span> {
        let rest = self.text[span.end..self.line_end(span.end)].trim_start_matches([' ', '\t']);
        (rest.is_empty() || rest.starts_with('#'))
            .then(|| self.line_start(span.start)..self.next_line(span.end))
    }

    /// Removes one of the comma-separated items between brackets or braces.
    fn removed_from_row(&self, row: Span, items: &[Span], index: usize) -> Option<Vec<TextChange>> {
        let item = items.get(index)?.clone();
        let next = items.get(index + 1);
        let comma = self.comma(item.end..next.map_or(row.end - 1, |next| next.start));
        let end = comma.map_or(item.end, |comma| comma + 1);
        let before = index.checked_sub(1).and_then(|before| items.get(before));
        let comma_before = before.and_then(|before| self.comma(before.end..item.start));
        let blank = |span: Span| self.text[span].chars().all(|c| matches!(c, ' ' | '\t'));
        let alone = self.starts_line(item.start)
            && self.line_start(item.start) > row.start
            && self.line_end(end) < row.end;
        if alone && let Some(lines) = self.lines_of(&(item.start..end)) {
            let mut changes = vec![TextChange::remove(lines)];
            // The last item of a list without a trailing comma.
            if comma.is_none() {
                changes.extend(comma_before.map(|at| TextChange::remove(at..at + 1)));
            }
            return Some(changes);
        }
        if items.len() == 1 && blank(row.start + 1..item.start) && blank(end..row.end - 1) {
            return Some(vec![TextChange::remove(row.start + 1..row.end - 1)]);
        }
        if let Some(next) = next {
            let end = if blank(end..next.start) { next.start } else { end };
            return Some(vec![TextChange::remove(item.start..end)]);
        }
        let Some(at) = comma_before else { return Some(vec![TextChange::remove(item.start..end)]) };
        let is_adjacent = blank(at + 1..item.start);
        Some(match (comma, is_adjacent) {
            (Some(_), true) => vec![TextChange::remove(at + 1..end)],
            (Some(_), false) => vec![TextChange::remove(item.start..end)],
            (None, true) => vec![TextChange::remove(at..end)],
            (None, false) => {
                vec![TextChange::remove(at..at + 1), TextChange::remove(item.start..end)]
            }
        })
    }

    /// Removes a `[[table]]` with its subtables.
    fn table_removal(&self, table: &TomlNode) -> Option<TextChange> {
        let extent = table.extent()?;
        let mut lines = self.lines_of(&extent)?;
        // Something else may be between its parts.
        let (mut all, mut own) = (Vec::new(), Vec::new());
        self.root.spans(&mut all);
        table.spans(&mut own);
        let inside = all.iter().filter(|span| span.start < lines.end && lines.start < span.end);
        if inside.count() != own.len() {
            return None;
        }
        // Merges the blank lines around it.
        let (before, after) = (&self.text[..lines.start], &self.text[lines.end..]);
        if after.is_empty() || after.starts_with(['\n', '\r']) {
            let kept = before.trim_end_matches(['\n', '\r', ' ', '\t']).len();
            if kept == 0 {
                lines = 0..self.text.len() - after.trim_start_matches(['\n', '\r']).len();
            } else {
                lines.start = self.next_line(kept).min(lines.start);
            }
        }
        Some(TextChange::remove(lines))
    }

    /// Removes the value at the end of a path from `content`. A table without a header is removed with its
    /// last value.
    fn remove_value(&self, content: &mut toml::Table, steps: &[TomlStep]) -> Option<()> {
        let (TomlStep::Key(last), parents) = steps.split_last()? else { return None };
        if parents.is_empty() {
            content.remove(last)?;
            return Some(());
        }
        let table = value_at(content, parents)?.as_table_mut()?;
        table.remove(last)?;
        let headless = [Some(TableForm::Dotted), Some(TableForm::Implicit)];
        if table.is_empty() && headless.contains(&self.at(parents)?.form()) {
            self.remove_value(content, parents)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Compares the policy without the entry at `$0`.
    fn without(policy: &str, expected: &Expect) {
        let at = policy.find("$0").expect("a mark");
        let policy = policy.replacen("$0", "", 1);
        let document = TomlDocument::read(&policy).expect("a policy");
        let edited = document.without_item(at);
        expected.assert_eq(&edited.map_or("nothing".to_owned(), |edited| edited.text));
    }

    #[test]
    fn item_on_one_line_is_removed() {
        without(
            "a = [$01, 2, 3]\n",
            &expect![[r"
            a = [2, 3]
        "]],
        );
        without(
            "a = [1, $02, 3]\n",
            &expect![[r"
            a = [1, 3]
        "]],
        );
        without(
            "a = [1, 2, $03]\n",
            &expect![[r"
            a = [1, 2]
        "]],
        );
        without(
            "a = [1, $02, ]\n",
            &expect![[r"
            a = [1, ]
        "]],
        );
        without(
            "a = [ $01 ]\n",
            &expect![[r"
            a = []
        "]],
        );
        without(
            "a = [$01,]\n",
            &expect![[r"
            a = []
        "]],
        );
        without(
            "a = [ $01, 2 ]\n",
            &expect![[r"
            a = [ 2 ]
        "]],
        );
    }

    #[test]
    fn item_on_its_own_line_is_removed() {
        without(
            "a = [\n  1,\n  $02, # two\n  3,\n]\n",
            &expect![[r"
            a = [
              1,
              3,
            ]
        "]],
        );
        without(
            "a = [\n  1, # one\n  $02\n]\n",
            &expect![[r"
            a = [
              1 # one
            ]
        "]],
        );
        without(
            "a = [\n  # one\n  $01,\n]\n",
            &expect![[r"
            a = [
              # one
            ]
        "]],
        );
        without(
            "a = [\n  1,\n  $02]\n",
            &expect![[r"
            a = [
              1
              ]
        "]],
        );
        without(
            "a = [1, # one\n  $02, # two\n]\n",
            &expect![[r"
            a = [1, # one
            ]
        "]],
        );
        without(
            "a = [\n  { b = [\n    1,\n  ], c = $02 },\n  3,\n]\n",
            &expect![[r"
            a = [
              3,
            ]
        "]],
        );
    }

    #[test]
    fn one_of_several_tables_is_removed() {
        without(
            "[[a]]\nb = 1\n\n[[a]]\nb = $02\n",
            &expect![[r"
            [[a]]
            b = 1
        "]],
        );
        without(
            "[[a]]\nb = $01\n\n[[a]]\nb = 2\n",
            &expect![[r"
                [[a]]
                b = 2
            "]],
        );
        without(
            "x = 1\n\n[[a]]\n# c\nb = $01 # d\n[a.e]\nf = 1\n# g\n\n[z]\n",
            &expect![[r"
            x = 1

            # g

            [z]
        "]],
        );
    }

    #[test]
    fn table_that_contains_others_is_kept() {
        without("[[a]]\nb = $01\n[x]\n[a.e]\nf = 1\n", &expect!["nothing"]);
    }

    #[test]
    fn key_is_removed_with_its_line() {
        let without = |policy: &str, expected: &Expect| {
            let at = policy.find("$0").expect("a mark");
            let policy = policy.replacen("$0", "", 1);
            let document = TomlDocument::read(&policy).expect("a policy");
            let edited = document.without_key(&document.steps_to(at).expect("a key"));
            expected.assert_eq(&edited.map_or("nothing".to_owned(), |edited| edited.text));
        };
        without(
            "[a]\n$0b = 1 # c\nd = 2\n",
            &expect![[r"
            [a]
            d = 2
        "]],
        );
        without("a.$0b = 1", &expect![[""]]);
        without(
            "a = { $0b = 1, c = 2 }\n",
            &expect![[r"
            a = { c = 2 }
        "]],
        );
        without(
            "a = { c.d = 2, $0b = 1 }\n",
            &expect![[r"
            a = { c.d = 2 }
        "]],
        );
        without(
            "a = { $0b = 1 }\n",
            &expect![[r"
            a = {}
        "]],
        );
    }
}
