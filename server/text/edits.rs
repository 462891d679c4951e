//! How spans move when a text is edited: findings stay on their lines while the user types.

use super::Span;

/// One replacement: `span` of the old text became `len` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) span: Span,
    pub(crate) len: usize,
}

impl Edit {
    /// The smallest single replacement that turns `old` into `new`.
    pub(crate) fn between(old: &str, new: &str) -> Self {
        let prefix = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
        let longest = old.len().min(new.len()) - prefix;
        let suffix = old
            .bytes()
            .rev()
            .zip(new.bytes().rev())
            .take(longest)
            .take_while(|(a, b)| a == b)
            .count();
        Self { span: prefix..old.len() - suffix, len: new.len() - suffix - prefix }
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

/// Replacements in the order they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Vec<Edit>);

impl Edits {
    /// Beyond this many, the owner replaces the list by one comparison of the two texts.
    pub(crate) const MANY: usize = 4096;

    pub(crate) fn push(&mut self, edit: Edit) {
        self.0.push(edit);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Where `span` of the text before all edits stands after them. A span that was edited inside
    /// grows or shrinks with the edit; one that was deleted becomes empty.
    pub(crate) fn moved(&self, span: &Span) -> Span {
        self.0.iter().fold(span.clone(), |span, edit| {
            let start = edit.moved(span.start, false);
            let end = edit.moved(span.end, true);
            start..end.max(start)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(old: &str, new: &str, word: &str) -> String {
        let start = old.find(word).expect("the word stands in the old text");
        let mut edits = Edits::default();
        edits.push(Edit::between(old, new));
        new[edits.moved(&(start..start + word.len()))].to_owned()
    }

    #[test]
    fn a_span_follows_lines_inserted_above_it() {
        assert_eq!(moved("time = 1\n", "# note\n\ntime = 1\n", "time"), "time");
    }

    #[test]
    fn a_span_does_not_move_for_what_comes_after_it() {
        assert_eq!(moved("time = 1\n", "time = 1\nserde = 2\n", "time"), "time");
        assert_eq!(moved("a = 1", "a = 1 # x", "1"), "1");
    }

    #[test]
    fn a_span_edited_inside_covers_what_it_became() {
        assert_eq!(moved("time = \"0.3.44\"", "time = \"0.3.47\"", "0.3.44"), "0.3.47");
    }

    #[test]
    fn a_deleted_span_becomes_empty() {
        assert_eq!(moved("a = 1\nb = 2\n", "b = 2\n", "a = 1"), "");
    }

    #[test]
    fn the_difference_of_equal_texts_is_empty() {
        assert_eq!(Edit::between("abc", "abc"), Edit { span: 3..3, len: 0 });
        assert_eq!(Edit::between("aa", "aaa"), Edit { span: 2..2, len: 1 });
    }
}
