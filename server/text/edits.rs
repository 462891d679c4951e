//! How spans move when a text is edited: findings stay on their lines while the user types.

use super::Span;

/// One replacement: `span` of the old text became `len` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) span: Span,
    pub(crate) len: usize,
    /// The old bytes contain a line ending.
    removes_lines: bool,
    /// The new bytes contain a line ending.
    adds_lines: bool,
}

impl Edit {
    /// `span` of `old` became `new`, without the unchanged start and end.
    pub(crate) fn new(old: &str, span: Span, new: &str) -> Self {
        let (replaced, new) = (&old.as_bytes()[span.clone()], new.as_bytes());
        let prefix = replaced.iter().zip(new).take_while(|(a, b)| a == b).count();
        let longest = replaced.len().min(new.len()) - prefix;
        let both = replaced.iter().rev().zip(new.iter().rev());
        let suffix = both.take(longest).take_while(|(a, b)| a == b).count();
        let (removed, added) = (prefix..replaced.len() - suffix, prefix..new.len() - suffix);
        Self {
            span: span.start + removed.start..span.start + removed.end,
            len: added.len(),
            removes_lines: replaced[removed].iter().any(|byte| ends_line(*byte)),
            adds_lines: new[added].iter().any(|byte| ends_line(*byte)),
        }
    }

    /// The smallest single replacement that turns `old` into `new`.
    pub(crate) fn between(old: &str, new: &str) -> Self {
        Self::new(old, 0..old.len(), new)
    }

    pub(super) fn moved_span(&self, span: &Span) -> Span {
        if span.is_empty() && self.span == *span && !self.adds_lines {
            // Text that is typed in place of deleted text takes over its span.
            return span.start..span.start + self.len;
        }
        let start = self.moved(span.start, false);
        let end = self.moved(span.end, true);
        start..end.max(start)
    }

    /// Whether the span was replaced together with whole lines.
    fn swallows(&self, span: &Span) -> bool {
        let inside = self.span.start <= span.start && span.end <= self.span.end;
        let touched =
            span.is_empty() && (self.span.start == span.end || self.span.end == span.start);
        self.removes_lines && inside && !touched
    }

    fn moved(&self, offset: usize, is_end: bool) -> usize {
        let touches = if is_end { offset <= self.span.start } else { offset < self.span.start };
        if touches {
            offset
        } else if offset >= self.span.end {
            offset - self.span.end + self.span.start + self.len
        } else if is_end {
            self.span.start + self.len
        } else {
            self.span.start
        }
    }
}

/// Whether a byte ends a line, for a client (LSP, "Text Documents").
fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Replacements in the order they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Vec<Edit>);

impl Edits {
    /// The main loop keeps at most this many edits.
    pub(crate) const MAX_EDITS: usize = 4096;

    pub(crate) fn push(&mut self, edit: Edit) {
        self.0.push(edit);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Moves `span` of the text before all edits. A span that was edited inside grows or shrinks with the edit; one that was
    /// deleted becomes empty.
    pub(crate) fn moved(&self, span: &Span) -> Span {
        self.0.iter().fold(span.clone(), |span, edit| edit.moved_span(&span))
    }

    /// Moves `span` by all edits except the first `done`; `None` if its line was replaced together with others.
    pub(crate) fn followed(&self, done: usize, span: &Span) -> Option<Span> {
        let mut rest = self.0.iter().skip(done);
        rest.try_fold(span.clone(), |span, edit| {
            (!edit.swallows(&span)).then(|| edit.moved_span(&span))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(old: &str, new: &str, word: &str) -> String {
        let start = old.find(word).expect("the old text contains the word");
        let mut edits = Edits::default();
        edits.push(Edit::between(old, new));
        new[edits.moved(&(start..start + word.len()))].to_owned()
    }

    #[test]
    fn span_follows_lines_inserted_above_it() {
        assert_eq!(moved("time = 1\n", "# note\n\ntime = 1\n", "time"), "time");
    }

    #[test]
    fn span_does_not_move_for_edits_after_it() {
        assert_eq!(moved("time = 1\n", "time = 1\nserde = 2\n", "time"), "time");
        assert_eq!(moved("a = 1", "a = 1 # x", "1"), "1");
    }

    #[test]
    fn span_edited_inside_covers_the_new_text() {
        assert_eq!(moved("time = \"0.3.44\"", "time = \"0.3.47\"", "0.3.44"), "0.3.47");
    }

    #[test]
    fn deleted_span_becomes_empty() {
        assert_eq!(moved("a = 1\nb = 2\n", "b = 2\n", "a = 1"), "");
    }

    #[test]
    fn edit_between_equal_texts_is_empty() {
        assert_eq!(Edit::between("abc", "abc"), Edit::new("abc", 3..3, ""));
        assert_eq!(Edit::between("aa", "aaa"), Edit::new("aa", 2..2, "a"));
    }

    /// The position of `word` of `old` after these edits, each a replaced piece and its new text.
    fn followed(old: &str, edits: &[(&str, &str)], word: &str) -> Option<String> {
        let mut text = old.to_owned();
        let mut all = Edits::default();
        for (piece, new) in edits {
            let at = text.find(piece).expect("the text contains the piece");
            all.push(Edit::new(&text, at..at + piece.len(), new));
            text = text.replacen(piece, new, 1);
        }
        let at = old.find(word).expect("the old text contains the word");
        all.followed(0, &(at..at + word.len())).map(|span| text[span].to_owned())
    }

    #[test]
    fn span_is_gone_with_its_line() {
        assert_eq!(followed("a = 1\nb = 2\n", &[("b = 2\n", "")], "2"), None);
        assert_eq!(followed("a = 1\nb = 2\n", &[("1\nb = ", "")], "2"), Some("2".to_owned()));
        assert_eq!(followed("a = 1\nb = 2\n", &[("b = 2", "c")], "2"), Some("c".to_owned()));
    }

    #[test]
    fn span_of_deleted_text_covers_its_replacement() {
        let mut edits = Edits::default();
        edits.push(Edit::new("'0.3'", 1..4, ""));
        edits.push(Edit::new("''", 1..1, "1.2"));
        assert_eq!(edits.followed(0, &(1..4)), Some(1..4));
        edits.push(Edit::new("'1.2'", 0..0, "a = "));
        assert_eq!(edits.followed(0, &(1..4)), Some(5..8));
    }
}
