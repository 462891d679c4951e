//! The changes of `fix --dry-run` as a diff that `git apply` and `patch -p1` accept.

use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use similar::TextDiff;

use crate::{
    cli::terminal::escaped,
    fix::{FileChange, Overlay},
    workspace::{Workspace, relative},
};

/// The folder in which the diff of a change applies: the named folder of the workspace, or the folder above it that
/// contains all changed files.
pub(super) fn folder_of(texts: &Overlay, workspace: &Workspace) -> Utf8PathBuf {
    let mut folder = texts.named_folder_of(&workspace.root).unwrap_or(&workspace.root).to_owned();
    for path in texts.changes().keys() {
        let target = texts.target_of(path);
        while !target.starts_with(&folder) && folder.pop() {}
    }
    folder
}

/// The diff of all changed files, with paths relative to `folder`.
pub(super) fn diff(texts: &Overlay, folder: &Utf8Path) -> String {
    let mut text = String::new();
    for (path, change) in texts.changes() {
        let target = texts.target_of(path);
        text.push_str(&escaped(&diff_of_file(&relative(folder, &target), path, change)));
        text.push('\n');
    }
    text
}

fn diff_of_file(shown: &Utf8Path, path: &Utf8Path, change: &FileChange) -> String {
    // A byte order mark is not part of the texts, but of the lines on disk.
    let has_mark = !change.is_new
        && std::fs::read(path).is_ok_and(|bytes| bytes.starts_with("\u{feff}".as_bytes()));
    let with_mark = |text: &str| format!("{}{text}", if has_mark { "\u{feff}" } else { "" });
    let (before, after) = (with_mark(change.before.as_str()), with_mark(change.after.as_str()));
    let before = if change.is_new { "" } else { &before };
    let (old, new) = (quoted("a", shown), quoted("b", shown));
    let mut text = String::new();
    if change.is_new {
        let _ = writeln!(text, "diff --git {old} {new}\nnew file mode 100644");
    }
    let old = if change.is_new { "/dev/null" } else { &old };
    let lines = TextDiff::from_lines(before, &after);
    let lines = lines.unified_diff().header(old, &new).to_string();
    text.push_str(&lines);
    text
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
        assert_eq!(diff_of_file(path.into(), "/nowhere".into(), &change), expected);
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
}
