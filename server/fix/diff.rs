//! Changes as diffs that `git apply` and `patch -p1` accept.

use std::{fmt::Write as _, ops::Range};

use camino::{Utf8Path, Utf8PathBuf};
use similar::{DiffTag, TextDiff};

use super::{FileChange, Overlay};
use crate::workspace::{Workspace, relative};

/// The change of one file.
#[derive(Clone, Debug)]
pub struct FileDiff {
    /// The file, as the checked workspace names it.
    pub file: Utf8PathBuf,
    /// Its path relative to the folder in which the diff applies.
    pub shown: Utf8PathBuf,
    before: String,
    after: String,
    is_new: bool,
}

/// Changed lines that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedLines {
    /// The lines in the file before the change, from 0; none for lines that are only added.
    pub lines: Range<usize>,
    /// The removed lines, then the added ones, each with its sign.
    pub text: String,
}

/// The folder in which the diff of changes applies: the named folder of the workspace, or the folder above it that
/// contains all changed files.
pub fn diff_folder(texts: &Overlay, workspace: &Workspace) -> Utf8PathBuf {
    let mut folder = texts.named_folder_of(&workspace.root).unwrap_or(&workspace.root).to_owned();
    for path in texts.changes().keys() {
        let target = texts.target_of(path);
        while !target.starts_with(&folder) && folder.pop() {}
    }
    folder
}

/// The diffs of all changed files, with paths relative to `folder`.
pub fn diffs(texts: &Overlay, folder: &Utf8Path) -> Vec<FileDiff> {
    let of_file = |(path, change): (&Utf8PathBuf, &FileChange)| {
        FileDiff::of(path, relative(folder, &texts.target_of(path)), change)
    };
    texts.changes().iter().map(of_file).collect()
}

impl FileDiff {
    pub(crate) fn of(path: &Utf8Path, shown: Utf8PathBuf, change: &FileChange) -> Self {
        // A byte order mark is not part of the texts, but of the lines on disk.
        let has_mark = !change.is_new
            && std::fs::read(path).is_ok_and(|bytes| bytes.starts_with("\u{feff}".as_bytes()));
        let with_mark = |text: &str| format!("{}{text}", if has_mark { "\u{feff}" } else { "" });
        let (before, after) = (with_mark(change.before.as_str()), with_mark(change.after.as_str()));
        let before = if change.is_new { String::new() } else { before };
        Self { file: path.to_owned(), shown, before, after, is_new: change.is_new }
    }

    /// The text before the change, as it is on disk; empty for a new file.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The diff, with the names of the file.
    pub fn text(&self) -> String {
        let (old, new) = (quoted("a", &self.shown), quoted("b", &self.shown));
        let mut text = String::new();
        if self.is_new {
            let _ = writeln!(text, "diff --git {old} {new}\nnew file mode 100644");
        }
        let old = if self.is_new { "/dev/null" } else { &old };
        let lines = TextDiff::from_lines(&self.before, &self.after);
        let lines = lines.unified_diff().header(old, &new).to_string();
        text.push_str(&lines);
        text
    }

    /// The changes one by one. Where as many lines are added as removed, each line is one.
    pub fn changed_lines(&self) -> Vec<ChangedLines> {
        let diff = TextDiff::from_lines(&self.before, &self.after);
        let change = |before: Range<usize>, after: Range<usize>| {
            let removed =
                before.clone().filter_map(|at| diff.old_slice(at)).map(|line| ('-', line));
            let added = after.filter_map(|at| diff.new_slice(at)).map(|line| ('+', line));
            let lines = removed.chain(added);
            let text = lines
                .map(|(sign, line)| format!("{sign}{}\n", line.trim_end_matches(['\r', '\n'])));
            ChangedLines { lines: before, text: text.collect() }
        };
        let mut all = Vec::new();
        for op in diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal) {
            let (before, after) = (op.old_range(), op.new_range());
            if before.len() == after.len() {
                let pairs = before.zip(after);
                all.extend(pairs.map(|(old, new)| change(old..old + 1, new..new + 1)));
            } else {
                all.push(change(before, after));
            }
        }
        all
    }
}

/// A path in a diff, quoted as git does it where that is necessary.
fn quoted(side: &str, path: &Utf8Path) -> String {
    let path = format!("{side}/{path}");
    if !path.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
        // A name that ends with a blank ends at a tab.
        return if path.contains(' ') { format!("{path}\t") } else { path };
    }
    let mut quoted = "\"".to_owned();
    for c in path.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(quoted, "\\{byte:03o}");
                }
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::SourceText;

    fn check(path: &str, before: Option<&str>, after: &str, expected: &str) {
        let change = FileChange {
            before: SourceText::new(before.unwrap_or_default()),
            after: SourceText::new(after),
            is_new: before.is_none(),
        };
        let diff = FileDiff::of("/nowhere".into(), path.into(), &change);
        assert_eq!(diff.text(), expected);
    }

    #[test]
    fn headers_are_those_of_git() {
        let line = "@@ -1 +1 @@\n-a\n+b\n";
        check("m/x", Some("a\n"), "b\n", &format!("--- a/m/x\n+++ b/m/x\n{line}"));
        check("m x", Some("a\n"), "b\n", &format!("--- a/m x\t\n+++ b/m x\t\n{line}"));
        check(
            "m\"\t",
            Some("a\n"),
            "b\n",
            &format!("--- \"a/m\\\"\\011\"\n+++ \"b/m\\\"\\011\"\n{line}"),
        );
        let new = "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n";
        check("x", None, "a\nb\n", &format!("{new}@@ -0,0 +1,2 @@\n+a\n+b\n"));
        let end = "\\ No newline at end of file\n";
        let line = format!("@@ -1 +1 @@\n-a\n{end}+b\n{end}");
        check("x", Some("a"), "b", &format!("--- a/x\n+++ b/x\n{line}"));
    }

    #[test]
    fn changed_lines_are_those_before_the_change() {
        let change = FileChange {
            before: SourceText::new("a\nb\nc\nd\ne\nf\n"),
            after: SourceText::new("a\nB\nC\nd\nnew\ne\n"),
            is_new: false,
        };
        let all = FileDiff::of("/nowhere".into(), "x".into(), &change).changed_lines();
        let shown: Vec<_> = all.iter().map(|one| (one.lines.clone(), &*one.text)).collect();
        assert_eq!(
            shown,
            [(1..2, "-b\n+B\n"), (2..3, "-c\n+C\n"), (4..4, "+new\n"), (5..6, "-f\n")]
        );
    }
}
