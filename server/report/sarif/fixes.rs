//! The verified fixes as replacements of lines (SARIF 2.1.0, 3.55 to 3.57).
//!
//! Only what a run has already searched is written, which is for a report in HTML.

use similar::{DiffTag, TextDiff};

use super::{
    model::{ArtifactChange, ArtifactContent, Message, Region, SarifFix, TextReplacement},
    uri::CheckoutUris,
};
use crate::{
    fix::{FileChange, Fix},
    report::{CheckedWorkspace, text::line},
    verdict::Finding,
};

/// The maximum length in bytes of the inserted lines of all fixes together: each result repeats the changes that it shares
/// with others.
const MAX_LENGTH: usize = 1_000_000;

/// What is counted for a replacement besides its text.
const REPLACEMENT_LENGTH: usize = 120;

/// Makes the fixes of the results.
pub(super) struct Fixes<'u> {
    uris: &'u CheckoutUris,
    room: usize,
}

impl<'u> Fixes<'u> {
    pub(super) fn new(uris: &'u CheckoutUris) -> Self {
        Self { uris, room: MAX_LENGTH }
    }

    /// The fix of a finding, if there is one and it has room. It includes those before it, on which it was verified.
    pub(super) fn of(
        &mut self,
        workspace: &CheckedWorkspace<'_>,
        finding: &Finding,
    ) -> Option<[SarifFix; 1]> {
        let report = &workspace.fixes?.found()?.report;
        let Fix { action, texts, .. } = &report.fixes[report.fix_of(finding)?];
        let changes = texts.changes().iter();
        let changes: Vec<_> = changes
            .map(|(file, change)| ArtifactChange {
                artifact_location: self.uris.of(file),
                replacements: replacements(change),
            })
            .collect();
        let all = changes.iter().flat_map(|change| &change.replacements);
        let length: usize = all.map(TextReplacement::length).sum();
        self.room = self.room.checked_sub(length)?;
        Some([SarifFix { description: Message::new(line(action)), artifact_changes: changes }])
    }
}

impl TextReplacement {
    fn length(&self) -> usize {
        let inserted = self.inserted_content.as_ref();
        REPLACEMENT_LENGTH + inserted.map_or(0, |content| content.text.len())
    }
}

/// The replaced lines of a file.
fn replacements(change: &FileChange) -> Vec<TextReplacement> {
    let before = if change.is_new { "" } else { change.before.as_str() };
    let diff = TextDiff::from_lines(before, change.after.as_str());
    let changed = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    let replacements = changed.map(|op| {
        let text: String = op.new_range().filter_map(|at| diff.new_slice(at)).collect();
        let (start, end) = (op.old_range().start, op.old_range().end);
        let last = end.checked_sub(1).filter(|_| end > start);
        let last = last.and_then(|at| diff.old_slice(at));
        let (end_line, end_column) = match last.filter(|last| !last.ends_with('\n')) {
            // The last line of the file has no end.
            Some(last) => (end, last.chars().count() + 1),
            None => (end + 1, 1),
        };
        TextReplacement {
            deleted_region: Region {
                start_line: number(start + 1),
                start_column: 1,
                end_line: number(end_line),
                end_column: number(end_column),
            },
            inserted_content: (!text.is_empty()).then_some(ArtifactContent { text }),
        }
    });
    replacements.collect()
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::SourceText;

    /// The lines after the replacements, made from the last one.
    fn replaced(before: &str, all: &[TextReplacement]) -> String {
        let mut text = before.to_owned();
        for TextReplacement { deleted_region: region, inserted_content } in all.iter().rev() {
            let offset = |line: u32, column: u32| {
                let lines = text.split_inclusive('\n').take(line as usize - 1);
                lines.map(str::len).sum::<usize>() + column as usize - 1
            };
            let span = offset(region.start_line, region.start_column)
                ..offset(region.end_line, region.end_column);
            let inserted = inserted_content.as_ref().map_or("", |content| &content.text);
            text.replace_range(span, inserted);
        }
        text
    }

    #[test]
    fn replacements_make_the_text_after_the_change() {
        let texts = ["", "a\nb\nc\n", "a\nb\nc", "b\nc\nd\n", "x\na\nc\ny", "a\n\nb\r\nc\n"];
        for before in texts {
            for after in texts {
                let [before, after] = [before, after].map(SourceText::new);
                let change =
                    FileChange { before: before.clone(), after: after.clone(), is_new: false };
                assert_eq!(replaced(before.as_str(), &replacements(&change)), after.as_str());
            }
        }
    }
}
