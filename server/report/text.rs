//! Parts that all formats have: texts without unsafe characters, relative paths, the lines below a message.

use camino::Utf8Path;

use super::ReportedFinding;
use crate::{
    text::LineColumn,
    verdict::{Finding, Location, is_unsafe_char, path_text},
};

/// A text of several lines, with U+FFFD in place of unsafe characters.
pub(super) fn lines(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => c,
        '\t' => ' ',
        _ if is_unsafe_char(c) => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

/// The same as one line.
pub(super) fn line(text: &str) -> String {
    lines(text).replace('\n', " ")
}

/// A path relative to the folder of the checkout, with `/`; absolute outside of it.
pub(super) fn relative_file(root: &Utf8Path, file: &Utf8Path) -> String {
    match file.strip_prefix(root) {
        Ok(inner) if inner.as_str().is_empty() => ".".to_owned(),
        Ok(inner) => inner.components().map(|one| one.as_str()).collect::<Vec<_>>().join("/"),
        Err(_) => file.as_str().to_owned(),
    }
}

/// The lines and columns of a location; `None` where the file could not be read.
pub(super) fn region(location: &Location) -> Option<(LineColumn, LineColumn)> {
    let text = &location.text;
    let at = |offset| text.line_column(offset);
    let is_there = !text.as_str().is_empty();
    is_there.then(|| (at(location.span.start), at(location.span.end.max(location.span.start))))
}

/// The first line of a location.
pub(super) fn first_line(location: &Location) -> u32 {
    region(location).map_or(1, |(start, _)| start.line)
}

/// The code to show; findings about the policy may have only the name of their check.
pub(super) fn code(finding: &Finding) -> &str {
    finding.shown_code().unwrap_or_else(|| finding.check.name())
}

/// A message of ours, in which names are in backticks: the text between them `escaped`, the names as `code`.
pub(super) fn names_as_code(
    message: &str,
    escaped: fn(&str) -> String,
    code: fn(&str) -> String,
) -> String {
    let parts: Vec<_> = message.split('`').collect();
    // Backticks that do not match are no quotes.
    if parts.len().is_multiple_of(2) {
        return escaped(message);
    }
    let shown = parts.iter().enumerate().map(|(at, part)| match at % 2 {
        0 => escaped(part),
        _ => code(part),
    });
    shown.collect()
}

/// The lines below the message: dependency paths, what hides it, gates, what to do, link.
pub(super) fn details(one: &ReportedFinding<'_>, paths: bool) -> Vec<String> {
    let finding = one.finding;
    let shortest = if paths { finding.shortest_paths() } else { Vec::new() };
    let mut all: Vec<_> = shortest.iter().map(|path| format!("via {}", line(path))).collect();
    all.extend(one.note.clone());
    all.extend(finding.gates_text().map(|gates| line(&gates)));
    all.extend(finding.remedy.as_ref().map(|remedy| format!("help: {}", line(remedy))));
    if finding.advisory.is_some() {
        all.extend(finding.link().map(|link| line(&link)));
    }
    all
}

/// The dependency path that starts at a location.
pub(super) fn path_through(finding: &Finding, location: &Location) -> Option<String> {
    let path = finding.paths.get(location.via?)?;
    Some(line(&path_text(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_no_unsafe_characters() {
        assert_eq!(line("a\u{1b}[2J\u{202e}\r\nb\tc"), "a\u{fffd}[2J\u{fffd} b c");
        assert_eq!(lines("a\nb\r"), "a\nb\u{fffd}");
    }

    #[test]
    fn paths_are_relative_to_the_checkout() {
        let of = |file: &str| relative_file(Utf8Path::new("/w"), Utf8Path::new(file));
        assert_eq!([of("/w"), of("/w/a/b"), of("/wx/a")], [".", "a/b", "/wx/a"]);
    }
}
