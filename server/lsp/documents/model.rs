//! Compares positions and edits with a model that counts the units of the client's encoding one by one.

use tower_lsp::ls_types::{Position, Range, TextDocumentContentChangeEvent, Uri};

use super::Documents;
use crate::{
    lsp::convert::{self, Encoding},
    text::SourceText,
};

/// Characters of one to four bytes, and all line endings.
const PIECES: [&str; 12] =
    ["a", "é", "\u{fffd}", "𝄞", "\r", "\n", "\r\n", "\n\r", "\r\r\n", "\u{2028}", "\u{feff}", " "];

const MARK: char = '\u{feff}';

/// Pseudorandom numbers, the same in every run (`SplitMix64`).
struct DocumentRng(u64);

impl DocumentRng {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit).expect("a small number");
        usize::try_from((mixed ^ (mixed >> 31)) % limit).expect("a small number")
    }

    fn text(&mut self, pieces: usize) -> String {
        (0..self.below(pieces + 1)).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }
}

/// A text of a client with this encoding, as single characters.
#[derive(Clone, Debug)]
struct Model {
    encoding: Encoding,
    text: Vec<char>,
}

impl Model {
    fn new(text: &str, encoding: Encoding) -> Self {
        Self { encoding, text: text.chars().collect() }.without_mark()
    }

    /// Spaces of the same length replace a byte order mark.
    fn without_mark(mut self) -> Self {
        if self.text.first() == Some(&MARK) {
            let width = usize::try_from(self.width(MARK)).expect("three at most");
            self.text.splice(..1, std::iter::repeat_n(' ', width));
        }
        self
    }

    fn width(&self, c: char) -> u32 {
        let width = match self.encoding {
            Encoding::Utf8 => c.len_utf8(),
            Encoding::Utf16 => c.len_utf16(),
        };
        u32::try_from(width).expect("four at most")
    }

    fn string(&self) -> String {
        self.text.iter().collect()
    }

    /// The start and end of each line, without its line ending.
    fn lines(&self) -> Vec<(usize, usize)> {
        let mut lines = Vec::new();
        let (mut start, mut at) = (0, 0);
        while at < self.text.len() {
            let ending = match (self.text[at], self.text.get(at + 1)) {
                ('\r', Some('\n')) => 2,
                ('\r' | '\n', _) => 1,
                _ => 0,
            };
            if ending > 0 {
                lines.push((start, at));
                start = at + ending;
            }
            at += ending.max(1);
        }
        lines.push((start, self.text.len()));
        lines
    }

    /// Every position between two characters, with the index of the second.
    fn positions(&self) -> Vec<(Position, usize)> {
        let mut positions = Vec::new();
        for (number, (start, end)) in self.lines().into_iter().enumerate() {
            let mut column = 0;
            for at in start..=end {
                let line = u32::try_from(number).expect("a few lines");
                positions.push((Position::new(line, column), at));
                column += self.text.get(at).map_or(0, |c| self.width(*c));
            }
        }
        positions
    }

    fn offset(&self, index: usize) -> usize {
        self.text[..index].iter().map(|c| c.len_utf8()).sum()
    }
}

#[test]
fn positions_equal_those_of_the_model() {
    let mut rng = DocumentRng(13);
    for round in 0..4000 {
        let text = rng.text(9);
        // `SourceText` has no byte order mark.
        let source = SourceText::new(&text);
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let model = Model { encoding, text: source.as_str().chars().collect() };
            let positions = model.positions();
            for (position, index) in &positions {
                let offset = model.offset(*index);
                assert_eq!(
                    convert::offset(&source, *position, encoding),
                    offset,
                    "{round} {text:?}"
                );
                assert_eq!(
                    convert::position(&source, offset, encoding),
                    *position,
                    "{round} {text:?}"
                );
            }
            // Every offset has a position of the model, and positions never decrease.
            let mut last = Position::new(0, 0);
            for offset in 0..source.as_str().len() + 2 {
                let position = convert::position(&source, offset, encoding);
                assert!(positions.iter().any(|(one, _)| *one == position), "{round} {text:?}");
                assert!(last <= position, "{round} {text:?}");
                last = position;
            }
        }
        // Columns for users are characters.
        let mut line = (1, 1);
        for (at, c) in source.as_str().char_indices() {
            let shown = source.line_column(at);
            assert_eq!((shown.line, shown.column), line, "{round} {text:?}");
            line = if c == '\n' { (line.0 + 1, 1) } else { (line.0, line.1 + 1) };
        }
    }
}

#[test]
fn edits_equal_those_of_the_model() {
    let uri: Uri = "file:///w/Cargo.toml".parse().expect("a URI");
    let mut rng = DocumentRng(7);
    for round in 0..600 {
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let text = rng.text(12);
            let mut model = Model::new(&text, encoding);
            let mut documents = Documents::default();
            let path = documents.open(uri.clone(), 0, &text, encoding).expect("ours");
            for version in 1..12 {
                let changes: Vec<_> =
                    (0..=rng.below(3)).map(|_| edit(&mut rng, &mut model)).collect();
                documents.change(&uri, version, changes.clone(), encoding);
                let document = documents.get(&path).expect("the text is known");
                let ours = document.text().as_str();
                assert_eq!(ours, model.string(), "{round} {encoding:?} {changes:?}");
            }
        }
    }
}

/// A random edit of the model, as the client's message.
fn edit(rng: &mut DocumentRng, model: &mut Model) -> TextDocumentContentChangeEvent {
    let new = rng.text(4);
    if rng.below(9) == 0 {
        *model = Model::new(&new, model.encoding);
        return TextDocumentContentChangeEvent { range: None, range_length: None, text: new };
    }
    let positions = model.positions();
    let (a, b) = (rng.below(positions.len()), rng.below(positions.len()));
    let (mut start, mut end) = (positions[a.min(b)], positions[a.max(b)]);
    let lines = model.lines();
    // Past the end of a line, and of the text.
    if rng.below(5) == 0 {
        let line = usize::try_from(end.0.line).expect("a few lines");
        end = (Position::new(end.0.line, u32::MAX), lines[line].1);
    }
    if rng.below(9) == 0 {
        end = (Position::new(u32::MAX, 0), model.text.len());
    }
    if rng.below(9) == 0 {
        let below = u32::try_from(lines.len()).expect("a few lines");
        start = (Position::new(below, 0), model.text.len());
        end = start;
    }
    model.text.splice(start.1..end.1, new.chars());
    *model = model.clone().without_mark();
    let range = Some(Range::new(start.0, end.0));
    TextDocumentContentChangeEvent { range, range_length: None, text: new }
}
