//! The differences of two texts, as replacements.

use similar::{DiffableStr, TextDiff};

use super::{Edit, Span};

/// Replacements that turn `old` into `new`, in order: one for each run of different lines, without the unchanged start and
/// end.
pub(crate) fn hunks(old: &str, new: &str) -> Vec<(Span, String)> {
    let difference = TextDiff::from_lines(old, new);
    let (old_starts, new_starts) = (line_starts(old), line_starts(new));
    let mut hunks = Vec::new();
    for operation in difference.ops() {
        let (of_old, of_new) = (operation.old_range(), operation.new_range());
        let span = old_starts[of_old.start]..old_starts[of_old.end];
        let replacement = &new[new_starts[of_new.start]..new_starts[of_new.end]];
        let replaced = &old[span.clone()];
        if replaced == replacement {
            continue;
        }
        let edit = Edit::between(replaced, replacement);
        let (mut from, mut until) = (edit.span.start, edit.span.end);
        let mut len = edit.len;
        // Equal bytes may be parts of different characters.
        while !replaced.is_char_boundary(from) || !replacement.is_char_boundary(from) {
            (from, len) = (from - 1, len + 1);
        }
        while !replaced.is_char_boundary(until) || !replacement.is_char_boundary(from + len) {
            (until, len) = (until + 1, len + 1);
        }
        let inserted = replacement[from..from + len].to_owned();
        hunks.push((span.start + from..span.start + until, inserted));
    }
    hunks
}

/// The start of each line, and the end. As in the diff, a lone carriage return ends a line too.
fn line_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    starts.extend(text.tokenize_lines().into_iter().scan(0, |at, line| {
        *at += line.len();
        Some(*at)
    }));
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expected: &[(Span, &str)]) {
        let hunks = hunks(old, new);
        let found: Vec<_> = hunks.iter().map(|(span, new)| (span.clone(), new.as_str())).collect();
        assert_eq!(found, expected);
        let mut text = old.to_owned();
        for (span, new) in hunks.into_iter().rev() {
            text.replace_range(span, &new);
        }
        assert_eq!(text, new);
    }

    #[test]
    fn unchanged_text_is_not_replaced() {
        check("a = 1\nb = 2\nc = 3\n", "a = 1\nb = 20\nc = 3\n", &[(11..11, "0")]);
        check("a\nb\nc\nd\n", "a\nB\nc\n", &[(2..3, "B"), (6..8, "")]);
        check("", "a\n", &[(0..0, "a\n")]);
        check("a\n", "", &[(0..2, "")]);
        check("a", "a\nb", &[(1..1, "\nb")]);
        check("a\r\nb\r\n", "a\r\nx\r\nb\r\n", &[(3..3, "x\r\n")]);
        check("same\n", "same\n", &[]);
        check("a\rb\rc\r\nd\n", "a\rB\rc\r\n", &[(2..3, "B"), (7..9, "")]);
        check("a\rb", "b", &[(0..2, "")]);
    }

    #[test]
    fn characters_are_not_cut() {
        check("a = \"é\"\n", "a = \"è\"\n", &[(5..7, "è")]);
        check("a = \"𝄞\"\n", "a = \"𝄢\"\n", &[(5..9, "𝄢")]);
    }
}
