//! Where a span is in another version of a text whose edits are not known, by the text of its line.

use std::collections::HashMap;

use super::{Edit, Edits, SourceText, Span};

/// Where the lines of a text start, by what they have.
#[derive(Debug, Default)]
pub(super) struct LineStarts {
    /// By the line, without its line ending.
    by_line: HashMap<Box<str>, Vec<usize>>,
    /// By the text before the first `=`.
    by_key: HashMap<Box<str>, Vec<usize>>,
}

impl LineStarts {
    fn of(text: &str) -> Self {
        let mut starts = Self::default();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            // As `SourceText::line_span` cuts it.
            let ended = line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n'));
            let ended = ended.unwrap_or(line);
            starts.by_line.entry(ended.into()).or_default().push(start);
            if let Some(key) = key(ended) {
                starts.by_key.entry(key.into()).or_default().push(start);
            }
            start += line.len();
        }
        starts
    }
}

impl SourceText {
    /// Computed when a span has to be relocated.
    fn line_starts(&self) -> &LineStarts {
        self.line_starts.get_or_init(|| LineStarts::of(&self.text))
    }
}

/// The position of `span` of `old` in `new`, by its line: the same line, or the one with the same key. Of several such lines,
/// the one with the same number. `None` if there is none.
pub(crate) fn relocate(old: &SourceText, new: &SourceText, span: &Span) -> Option<Span> {
    let line = old.line_span(span.start);
    if span.end > line.end {
        let mut whole = Edits::default();
        whole.push(Edit::between(old.as_str(), new.as_str()));
        return whole.followed(0, span);
    }
    let text = &old.as_str()[line.clone()];
    let (before, after) = (old.line_starts(), new.line_starts());
    let same = || counterpart(before.by_line.get(text), after.by_line.get(text), line.start);
    let same_key = || {
        let key = key(text)?;
        counterpart(before.by_key.get(key), after.by_key.get(key), line.start)
    };
    let found = same().or_else(same_key)?;
    let other = &new.as_str()[new.line_span(found)];
    let inside = span.start - line.start..span.end - line.start;
    let moved = Edit::between(text, other).moved_span(&inside);
    Some(found + moved.start..found + moved.end)
}

/// The start of the line that corresponds to the one at `start`, of those that are alike before and after.
fn counterpart(
    before: Option<&Vec<usize>>,
    after: Option<&Vec<usize>>,
    start: usize,
) -> Option<usize> {
    let (before, after) = (before?, after?);
    let nth = before.iter().position(|line| *line == start)?;
    if before.len() == after.len() { after.get(nth).copied() } else { None }
}

/// The text before the first `=`.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    Some(key.trim()).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(old: &str, new: &str, word: &str) -> Option<String> {
        let at = old.rfind(word).expect("the old text contains the word");
        let span = at..at + word.len();
        let (old, new) = (SourceText::new(old), SourceText::new(new));
        relocate(&old, &new, &span).map(|span| new.as_str()[span].to_owned())
    }

    #[test]
    fn span_is_relocated_by_its_line_or_its_key() {
        assert_eq!(again("a = 1\nb = 2\n", "b = 2\na = 1\n", "2"), Some("2".to_owned()));
        assert_eq!(again("a = 1\nb = 22\n", "# x\nb = 23\n", "22"), Some("23".to_owned()));
        assert_eq!(again("a = 1\nb = 2\n", "a = 1\n", "2"), None);
        assert_eq!(again("a = 1\r\nb = 2\r\n", "b = 2\na = 1\n", "2"), Some("2".to_owned()));
        assert_eq!(again("[\n\"x\",\n]\n", "[\n\"y\",\n]\n", "x"), None);
    }

    #[test]
    fn second_of_two_equal_lines_stays_the_second() {
        let (old, new) = ("[a]\nt = 1\n[b]\nt = 1\n", "[a]\nt = 3\n\n[b]\nt = 4\n");
        assert_eq!(again(old, new, "1"), Some("4".to_owned()));
        assert_eq!(again(old, "[a]\nt = 3\n", "1"), None);
    }
}
