//! Entries that suppress findings: a placeholder for a missing reason, a readable date, and the removal of
//! expired entries.

use super::{
    FixKind, PlanInput, PolicyPlan, REASON_PLACEHOLDER,
    document::{EditedText, TextChange, TomlDocument, TomlStep},
    value::{Value, ValueStyle},
};
use crate::{
    policy::{entries::is_id, lints::rewritten},
    text::Span,
};

/// Adds a placeholder for a missing reason: as a comment if the entry has no key for it.
pub(super) fn missing(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(steps) = entry(input) else { return Vec::new() };
    let document = &input.document;
    let Some(node) = document.at(&steps) else { return Vec::new() };
    let is_exception = is_in(&steps, "exceptions");
    let value = document.value_at(&steps);
    let edited = match (value, is_exception) {
        // The entry has a placeholder already.
        (Some(toml::Value::Table(table)), _) if table.contains_key("reason") => None,
        (_, true) => document.commented(&steps),
        (Some(toml::Value::Table(_)), false) => {
            document.with_key(&steps, "reason", &Value::Placeholder(REASON_PLACEHOLDER.to_owned()))
        }
        (Some(toml::Value::String(spec)), false) => {
            let key = if is_in(&steps, "ignore") && is_id(&spec) { "id" } else { "crate" };
            let entry = Value::Table(vec![
                (key, Value::text(spec.as_str())),
                ("reason", Value::Placeholder(REASON_PLACEHOLDER.to_owned())),
            ]);
            let span = node.span.clone();
            span.and_then(|span| {
                let style = ValueStyle::of(std::iter::once(&document.text[span.clone()]));
                let rendered = entry.inline(style);
                let piece =
                    TextChange { at: span, text: rendered.text, placeholder: rendered.placeholder };
                document.with_value_at(vec![piece], &steps, entry.to_toml())
            })
        }
        _ => None,
    };
    let title = if is_exception { "add a comment with a reason" } else { "add a reason" };
    let title = format!("{title} (asks for the text)");
    edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)).into_iter().collect()
}

/// Removes an expired entry.
pub(super) fn past_due(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(location) = input.location() else { return Vec::new() };
    let document = &input.document;
    let day = document.text.get(location.span.clone()).unwrap_or_default();
    // The date is in the entry, or in a comment on its line or above it.
    let mut offsets =
        std::iter::once(location.span.start).chain(document.offsets_near(location.span.start));
    let entry = offsets.find_map(|at| Some((at, entry_of(document.steps_to(at)?)?)));
    let Some((at, _)) = entry else { return Vec::new() };
    let without = document.without_item(at).and_then(|edited| {
        // A comment above the entry is removed as well.
        let comment = document.comment_lines(location.span.start).filter(|lines| lines.end <= at);
        let Some(lines) = comment else { return Some(edited) };
        edited.then(|document| document.edited(vec![TextChange::remove(lines)], &document.content))
    });
    let Some(edited) = without else { return Vec::new() };
    let title = format!("remove the entry that expired on {}", crate::verdict::sanitize(day));
    vec![PolicyPlan::new(FixKind::Policy, title, edited)]
}

/// Removes an entry that an upgrade makes unnecessary; verified together with the upgrade.
pub(super) fn unneeded(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(location) = input.location() else { return Vec::new() };
    let Some(edited) = input.document.without_item(location.span.start) else { return Vec::new() };
    let what = input.document.text.get(location.span.clone()).unwrap_or_default();
    let title = format!("remove `{}`", crate::verdict::sanitize(what));
    vec![PolicyPlan::new(FixKind::Policy, title, edited)]
}

/// Writes a date in the ISO format.
pub(super) fn unreadable_date(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let Some(location) = input.location() else { return Vec::new() };
    let document = &input.document;
    let Some(day) = document.text.get(location.span.clone()).and_then(rewritten) else {
        return Vec::new();
    };
    let piece = TextChange { at: location.span.clone(), text: day.clone(), placeholder: None };
    let title = format!("change the date to `{day}`");
    // A comment does not change the content of the policy.
    let edited = match document
        .steps_to(location.span.start)
        .filter(|steps| matches!(steps.last(), Some(TomlStep::Key(key)) if key == "reason"))
    {
        Some(steps) => {
            let mut after = document.text.to_owned();
            after.replace_range(location.span.clone(), &day);
            let value = TomlDocument::read(&after).and_then(|after| after.value_at(&steps));
            value.and_then(|value| document.with_value_at(vec![piece], &steps, value))
        }
        None => document.edited(vec![piece], &document.content),
    };
    edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited)).into_iter().collect()
}

/// The path to the entry of a finding.
pub(super) fn entry(input: &PlanInput<'_>) -> Option<Vec<TomlStep>> {
    entry_of(input.document.steps_to(input.location()?.span.start)?)
}

/// Whether an entry is in the list of that name.
fn is_in(steps: &[TomlStep], list: &str) -> bool {
    matches!(steps, [.., TomlStep::Key(key), TomlStep::Index(_)] if key == list)
}

fn entry_of(mut steps: Vec<TomlStep>) -> Option<Vec<TomlStep>> {
    while matches!(steps.last()?, TomlStep::Key(_)) {
        steps.pop();
    }
    // An exceptions file has them at the top level.
    let is_entry = match &steps[..] {
        [TomlStep::Key(list), TomlStep::Index(_)] => list == "exceptions",
        _ => steps.len() == 3,
    };
    is_entry.then_some(steps)
}

impl TomlDocument<'_> {
    /// The value at the end of a path.
    pub(super) fn value_at(&self, steps: &[TomlStep]) -> Option<toml::Value> {
        let mut content = self.content.clone();
        super::document::value_at(&mut content, steps).cloned()
    }

    /// Applies changes that set the value at the end of a path to `value`, and nothing else.
    pub(super) fn with_value_at(
        &self,
        pieces: Vec<TextChange>,
        steps: &[TomlStep],
        value: toml::Value,
    ) -> Option<EditedText> {
        let mut expected_content = self.content.clone();
        *super::document::value_at(&mut expected_content, steps)? = value;
        self.edited(pieces, &expected_content)
    }

    /// Adds a comment with a placeholder at the end of the entry's line. `None` if there is a comment.
    fn commented(&self, steps: &[TomlStep]) -> Option<EditedText> {
        let node = self.at(steps)?;
        // For a `[[table]]` that is the line of the header.
        let end = node.span.clone()?.end;
        let at = self.line_end(end);
        if self.text[end..at].contains('#') {
            return None;
        }
        let text = format!(" # {REASON_PLACEHOLDER}");
        let placeholder = Some(" # ".len()..text.len());
        self.edited(vec![TextChange { at: at..at, text, placeholder }], &self.content)
    }

    /// The lines around an offset that contain only comments.
    fn comment_lines(&self, offset: usize) -> Option<Span> {
        let is_comment =
            |start: usize| self.text[start..].trim_start_matches([' ', '\t']).starts_with('#');
        let mut lines = self.line_start(offset)..self.next_line(offset);
        is_comment(lines.start).then_some(())?;
        while let Some(before) = lines.start.checked_sub(1).map(|at| self.line_start(at)) {
            if !is_comment(before) {
                break;
            }
            lines.start = before;
        }
        while lines.end < self.text.len() && is_comment(lines.end) {
            lines.end = self.next_line(lines.end);
        }
        Some(lines)
    }

    /// The offsets at which the entry of a comment may start: on the same line, or on the next line that is
    /// not a comment.
    fn offsets_near(&self, comment: usize) -> Vec<usize> {
        let mut start = self.line_start(comment);
        loop {
            let line = &self.text[start..self.line_end(start)];
            let code = line.trim_start();
            if !code.starts_with('#') {
                let first = start + line.len() - code.len();
                // The last value on the line is next to the comment.
                let quotes = line.char_indices().filter(|(_, c)| matches!(c, '"' | '\''));
                let mut offsets: Vec<_> = quotes.map(|(at, _)| start + at).collect();
                offsets.retain(|at| *at < comment || comment < start);
                offsets.reverse();
                offsets.push(first);
                return offsets;
            }
            let next = self.next_line(start);
            if next == start || next >= self.text.len() {
                return Vec::new();
            }
            start = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::{fix::policy::samples::check, verdict::Code};

    fn reason(policy: &str, expected: &Expect) {
        check(policy, Code::MissingReason, &[], expected);
    }

    #[test]
    fn a_reason_is_added_in_the_layout_of_the_entry() {
        reason(
            "[advisories]\nignore = [\"$0RUSTSEC-2020-0001\"]\n",
            &expect![[r#"
            Policy: add a reason (asks for the text)
              @@ -1,2 +1,2 @@
               [advisories]
              -ignore = ["RUSTSEC-2020-0001"]
              +ignore = [{ id = "RUSTSEC-2020-0001", reason = "«TODO: why this is acceptable»" }]
        "#]],
        );
        reason(
            "[bans]\nskip = [\n  '$0a@1', # why not\n  'b',\n]\n",
            &expect![[r"
            Policy: add a reason (asks for the text)
              @@ -2,3 +2,3 @@
               skip = [
              -  'a@1', # why not
              +  { crate = 'a@1', reason = '«TODO: why this is acceptable»' }, # why not
                 'b',
        "]],
        );
        reason(
            "[bans]\nskip-tree = [{ crate = \"$0a\", depth = 3 }]\n",
            &expect![[r#"
            Policy: add a reason (asks for the text)
              @@ -1,2 +1,2 @@
               [bans]
              -skip-tree = [{ crate = "a", depth = 3 }]
              +skip-tree = [{ crate = "a", depth = 3, reason = "«TODO: why this is acceptable»" }]
        "#]],
        );
        reason(
            "[[bans.skip]]\nname = \"$0a\"\nversion = \"1\"\n\n[sources]\n",
            &expect![[r#"
            Policy: add a reason (asks for the text)
              @@ -3,2 +3,3 @@
               version = "1"
              +reason = "«TODO: why this is acceptable»"

        "#]],
        );
    }

    #[test]
    fn exception_gets_a_comment() {
        reason(
            "[licenses]\nexceptions = [\n  { crate = \"$0a\", allow = [\"ISC\"] },\n  { crate = \"b\", allow = [] },\n]\n",
            &expect![[r#"
                Policy: add a comment with a reason (asks for the text)
                  @@ -2,3 +2,3 @@
                   exceptions = [
                  -  { crate = "a", allow = ["ISC"] },
                  +  { crate = "a", allow = ["ISC"] }, # «TODO: why this is acceptable»
                     { crate = "b", allow = [] },
            "#]],
        );
        reason(
            "[[licenses.exceptions]]\ncrate = \"$0a\"\nallow = []\n",
            &expect![[r#"
            Policy: add a comment with a reason (asks for the text)
              @@ -1,2 +1,2 @@
              -[[licenses.exceptions]]
              +[[licenses.exceptions]] # «TODO: why this is acceptable»
               crate = "a"
        "#]],
        );
    }

    #[test]
    fn placeholder_reason_has_no_plan() {
        reason(
            "[advisories]\nignore = [{ id = \"A-1\", reason = \"$0TODO\" }]\n",
            &expect![[r"
                no plan
            "]],
        );
        reason(
            "[advisories]\nignore = [\"$0A-1\"\n",
            &expect![[r"
            no plan
        "]],
        );
    }

    #[test]
    fn expired_entry_is_removed() {
        let past = |policy: &str, expected: &Expect| check(policy, Code::PastDue, &[], expected);
        past(
            "[advisories]\nignore = [\n    { id = \"A-1\", reason = \"until $02024-01-01\" },\n    \"A-2\",\n]\n",
            &expect![[r#"
                Policy: remove the entry that expired on 2024-01-01
                  @@ -2,3 +2,2 @@
                   ignore = [
                  -    { id = "A-1", reason = "until 2024-01-01" },
                       "A-2",
            "#]],
        );
        past(
            "[bans]\nskip = [\n    \"a\", # until $02024-01-01\n    \"b\",\n]\n",
            &expect![[r#"
                Policy: remove the entry that expired on 2024-01-01
                  @@ -2,3 +2,2 @@
                   skip = [
                  -    "a", # until 2024-01-01
                       "b",
            "#]],
        );
        past(
            "[bans]\nskip = [\n    # until $02024-01-01\n    { crate = \"a\" },\n    \"b\",\n]\n",
            &expect![[r#"
                Policy: remove the entry that expired on 2024-01-01
                  @@ -2,4 +2,2 @@
                   skip = [
                  -    # until 2024-01-01
                  -    { crate = "a" },
                       "b",
            "#]],
        );
        past(
            "[advisories]\nyanked = \"allow\" # until $02024-01-01\n",
            &expect![[r"
            no plan
        "]],
        );
    }

    #[test]
    fn date_is_rewritten() {
        let day = |policy: &str, expected: &Expect| {
            check(policy, Code::UnreadableDate, &[], expected);
        };
        day(
            "[bans]\nskip = [{ crate = \"a\", reason = \"until $02026/3/1\" }]\n",
            &expect![[r#"
                Policy: change the date to `2026-03-01`
                  @@ -1,2 +1,2 @@
                   [bans]
                  -skip = [{ crate = "a", reason = "until 2026/3/1" }]
                  +skip = [{ crate = "a", reason = "until 2026-03-01" }]
            "#]],
        );
        day(
            "[bans]\nskip = [\"a\"] # until $001.03.2026\n",
            &expect![[r#"
            Policy: change the date to `2026-03-01`
              @@ -1,2 +1,2 @@
               [bans]
              -skip = ["a"] # until 01.03.2026
              +skip = ["a"] # until 2026-03-01
        "#]],
        );
        day(
            "[bans]\nskip = [\"a\"] # until $02026-13-01\n",
            &expect![[r"
            no plan
        "]],
        );
    }
}
