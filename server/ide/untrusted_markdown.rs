//! Untrusted Markdown, from descriptions of advisories and packages, converted to [`Markup`]. Links become
//! text with a visible address, images their text. Unsupported syntax stays text.

use super::markup::Markup;

/// One paragraph.
pub(super) fn paragraph(text: &str) -> Markup {
    let lines: Vec<_> = text.trim().lines().map(str::trim).collect();
    let heading = lines.first().map(|line| line.trim_start_matches('#'));
    if let ([line], Some(rest)) = (lines.as_slice(), heading)
        && rest.len() < line.len()
        && rest.starts_with(' ')
    {
        return Markup::default().strong(plain_text(rest.trim()));
    }
    let mut markup = Markup::default();
    let mut sentence = String::new();
    for line in lines {
        let item = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark));
        if let Some(item) = item {
            markup = append_line(markup, &mut sentence);
            sentence.push_str("• ");
            sentence.push_str(item.trim_start());
        } else {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(line);
        }
    }
    append_line(markup, &mut sentence)
}

/// Appends the collected sentence as a line.
fn append_line(markup: Markup, sentence: &mut String) -> Markup {
    if sentence.is_empty() {
        return markup;
    }
    let line = inline(&std::mem::take(sentence));
    if markup.is_empty() { line } else { markup.line().then(line) }
}

/// A line without its markup.
pub(super) fn plain_text(text: &str) -> String {
    inline(text).plain()
}

/// Parses code, strong text, links and escapes in a line.
fn inline(text: &str) -> Markup {
    let mut markup = Markup::default();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let Some((piece, length)) = piece(rest) else {
            // A whole run of backticks, so that its second half does not start code.
            let length = if c == '`' { run(rest, '`') } else { c.len_utf8() };
            plain.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        };
        match piece {
            MarkdownPiece::Text(text) => plain.push_str(&text),
            MarkdownPiece::Code(code) => markup = append_text(markup, &mut plain).code(code),
            MarkdownPiece::Strong(text) => markup = append_text(markup, &mut plain).strong(text),
        }
        rest = &rest[length..];
    }
    append_text(markup, &mut plain)
}

fn append_text(markup: Markup, plain: &mut String) -> Markup {
    if plain.is_empty() { markup } else { markup.text(std::mem::take(plain)) }
}

enum MarkdownPiece {
    Text(String),
    Code(String),
    Strong(String),
}

/// The piece at the start of `rest` and its length.
fn piece(rest: &str) -> Option<(MarkdownPiece, usize)> {
    let marked = code(rest).or_else(|| strong(rest)).or_else(|| link(rest));
    marked.or_else(|| bracketed(rest)).or_else(|| escape(rest))
}

fn run(rest: &str, mark: char) -> usize {
    rest.len() - rest.trim_start_matches(mark).len()
}

/// Text between two runs of equally many backticks.
fn code(rest: &str) -> Option<(MarkdownPiece, usize)> {
    let fence = run(rest, '`');
    if fence == 0 {
        return None;
    }
    let mut from = fence;
    loop {
        let at = from + rest[from..].find('`')?;
        let found = run(&rest[at..], '`');
        if found == fence {
            let inside = rest[fence..at].trim();
            let code = || (MarkdownPiece::Code(inside.to_owned()), at + fence);
            return (!inside.is_empty()).then(code);
        }
        from = at + found;
    }
}

fn strong(rest: &str) -> Option<(MarkdownPiece, usize)> {
    let inside = rest.strip_prefix("**")?;
    let inside = &inside[..inside.find("**")?];
    let is_strong = !inside.is_empty() && inside.trim() == inside && !inside.contains('*');
    is_strong.then(|| (MarkdownPiece::Strong(plain_text(inside)), inside.len() + 4))
}

/// `[label](address)`, `![label](address)` and `<address>`.
fn link(rest: &str) -> Option<(MarkdownPiece, usize)> {
    if let Some(inside) = rest.strip_prefix('<') {
        let address = &inside[..inside.find('>')?];
        let is_link = is_web(address) && !address.contains(char::is_whitespace);
        return is_link.then(|| (MarkdownPiece::Text(address.to_owned()), address.len() + 2));
    }
    let inside = rest.strip_prefix("![").or_else(|| rest.strip_prefix('['))?;
    let (label, after) = inside.split_at(inside.find(['[', ']'])?);
    let address = after.strip_prefix("](")?;
    let address = &address[..address.find([')', '(', ' '])?];
    let end = rest.len() - after.len() + "](".len() + address.len();
    let end = rest[end..].starts_with(')').then_some(end + 1)?;
    let label = plain_text(label);
    let markup = if label == address || address.is_empty() {
        label
    } else if label.is_empty() {
        address.to_owned()
    } else {
        format!("{label} ({address})")
    };
    Some((MarkdownPiece::Text(markup), end))
}

/// `#![no_std]`, `#[derive(Debug)]`, `&[u8]` and the like, which authors forget to mark as code. As text
/// the bracket would need an escape, which Neovim shows.
fn bracketed(rest: &str) -> Option<(MarkdownPiece, usize)> {
    let before = ["#![", "#[", "&[", "["].iter().find(|before| rest.starts_with(**before))?;
    let inside = &rest[before.len()..];
    let inside = &inside[..inside.find(['[', ']', '\\', '`'])?];
    let length = before.len() + inside.len();
    let is_whole = rest[length..].starts_with(']') && !inside.is_empty();
    let is_code = before.starts_with('#') || !inside.contains(char::is_whitespace);
    let code = || (MarkdownPiece::Code(rest[..=length].to_owned()), length + 1);
    (is_whole && is_code).then(code)
}

fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// An escaped character.
fn escape(rest: &str) -> Option<(MarkdownPiece, usize)> {
    let mark = rest.strip_prefix('\\')?.chars().next()?;
    mark.is_ascii_punctuation().then(|| (MarkdownPiece::Text(mark.to_string()), 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_converted() {
        let check = |text: &str, markdown: &str, plain: &str| {
            let markup = paragraph(text);
            assert_eq!((markup.markdown().as_str(), markup.plain().as_str()), (markdown, plain));
        };
        check("Plain words.", "Plain words.", "Plain words.");
        check("a\n  b", "a b", "a b");
        check("use `a::b` or ``c`d``", "use `a::b` or `c'd`", "use a::b or c`d");
        check("**never** do", "**never** do", "never do");
        check("## Impact", "**Impact**", "Impact");
        check("#1 of all", "\\#1 of all", "#1 of all");
        check("- one\n- two\n  and more", "• one  \n• two and more", "• one\n• two and more");
        check("see:\n* `a`", "see:  \n• `a`", "see:\n• a");
        check(
            "[click](command:x) or ![pic](http://evil)",
            "click (command:x) or pic (http://evil)",
            "click (command:x) or pic (http://evil)",
        );
        check("[https://a.b](https://a.b)", "https://a.b", "https://a.b");
        check("<https://a.b>, <b>", "https://a.b, &lt;b>", "https://a.b, <b>");
        check("a\\_b\\*", "a_b\\*", "a_b*");
        check(
            "for #![no_std], &[u8] or v[0].",
            "for `#![no_std]`, `&[u8]` or v`[0]`.",
            "for #![no_std], &[u8] or v[0].",
        );
        check(
            "#[cfg(not (a))] [as said]",
            "`#[cfg(not (a))]` \\[as said]",
            "#[cfg(not (a))] [as said]",
        );
    }

    #[test]
    fn incomplete_markup_stays_text() {
        for same in
            ["a ` b", "```", "a ``b` c", "**a", "a ** b ** c", "v[0] [x] (y)", "![x](", "<", "\\"]
        {
            assert_eq!(paragraph(same).plain(), same);
        }
        assert_eq!(paragraph("[a b](b").markdown(), "\\[a b](b");
        assert_eq!(paragraph("").markdown(), "");
    }
}
