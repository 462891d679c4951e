//! The text of a script and the lines of the file that it comes from.

/// A script as it is run, without the indentation and quotes of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ScriptText {
    pub(super) text: String,
    /// Offsets with the line of the file that begins there, in order.
    pub(super) lines: Vec<(usize, u32)>,
}

impl ScriptText {
    /// A text whose first line is this one.
    pub(super) fn at(line: u32, text: &str) -> Self {
        Self { text: text.to_owned(), lines: vec![(0, line)] }
    }

    /// Lines as they are in the file, the first being `line`.
    pub(super) fn whole(line: u32, text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(starts);
        Self { text: text.to_owned(), lines: starts.zip(line..).collect() }
    }

    /// The line of an offset.
    pub(super) fn line(&self, offset: usize) -> u32 {
        let after = self.lines.partition_point(|(at, _)| *at <= offset);
        after.checked_sub(1).map_or(1, |index| self.lines[index].1)
    }

    /// A part of it.
    pub(super) fn part(&self, start: usize, text: &str) -> Self {
        let end = start + text.len();
        let mut part = Self::at(self.line(start), text);
        let inside = self.lines.iter().filter(|(at, _)| start < *at && *at < end);
        part.lines.extend(inside.map(|(at, line)| (at - start, *line)));
        part
    }

    /// Several scripts, one after the other.
    pub(super) fn joined(parts: &[Self]) -> Self {
        let mut all = Self::default();
        for part in parts {
            let start = all.text.len();
            all.lines.extend(part.lines.iter().map(|(at, line)| (start + at, *line)));
            all.text.push_str(&part.text);
            all.text.push('\n');
        }
        all
    }

    /// The same with the text from each `open` to the next `close` replaced by what `replace` makes of the text
    /// between them; `None` leaves it.
    pub(super) fn replaced(
        &self,
        [open, close]: [&str; 2],
        mut replace: impl FnMut(&str) -> Option<String>,
    ) -> Self {
        let mut result = Self::default();
        let mut lines = self.lines.iter().peekable();
        let mut from = 0;
        let mut copy = |result: &mut Self, from: usize, to: usize| {
            while let Some((at, line)) = lines.next_if(|(at, _)| *at < to) {
                let at = result.text.len() + at.saturating_sub(from);
                result.lines.push((at, *line));
            }
            result.text.push_str(&self.text[from..to]);
        };
        while let Some(start) = self.text[from..].find(open).map(|at| from + at) {
            let inside = start + open.len();
            let Some(length) = self.text[inside..].find(close) else { break };
            let end = inside + length + close.len();
            match replace(&self.text[inside..inside + length]) {
                Some(value) => {
                    copy(&mut result, from, start);
                    result.text.push_str(&value);
                }
                None => copy(&mut result, from, end),
            }
            from = end;
        }
        copy(&mut result, from, self.text.len());
        if result.lines.first().is_none_or(|(at, _)| *at > 0) {
            result.lines.insert(0, (0, self.line(0)));
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_text_keeps_its_lines() {
        let script = ScriptText::whole(5, "a {{x}}\nb {{y}} c\n{{z");
        let replaced = script.replaced(["{{", "}}"], |name| (name == "x").then(|| "long".into()));
        assert_eq!(replaced.text, "a long\nb {{y}} c\n{{z");
        let line = |word: &str| replaced.line(replaced.text.find(word).expect("the word"));
        assert_eq!([line("a "), line("b"), line("c"), line("{{z")], [5, 6, 6, 7]);
    }
}
