//! Untrusted texts in HTML: everything that could be markup is a character reference, and addresses are `https` only.

use crate::report::text;

/// The maximum number of characters of a text in a table or a graph.
const LONGEST_NAME: usize = 120;

/// A text on one line.
pub(super) fn escaped(text: &str) -> String {
    let text = text::line(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// A message of ours: names are in backticks.
pub(super) fn message(message: &str) -> String {
    text::names_as_code(message, escaped, code)
}

/// A name as code.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// A path, which may break after its slashes: a column of a table is as wide as its longest word.
pub(super) fn path_code(path: &str) -> String {
    format!("<code>{}</code>", escaped(path).replace('/', "/<wbr/>"))
}

/// A text with its last characters replaced by `…` if it is longer than so many.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// The name and version of a package.
pub(super) fn package(package: &crate::verdict::PackageRef) -> String {
    format!("{} {}", shortened(&package.name, LONGEST_NAME), package.version)
}

/// A link, or the label alone if the address is no plain `https` one. The label is markup.
pub(super) fn link(address: Option<&str>, label: &str) -> String {
    match address.filter(|address| is_web_address(address)) {
        Some(address) => {
            format!("<a href=\"{}\" rel=\"noreferrer\">{label}</a>", escaped(address))
        }
        None => label.to_owned(),
    }
}

fn is_web_address(address: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&*+,;=%".contains(c);
    address.starts_with("https://") && address.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_text() {
        assert_eq!(escaped("<b a='\"'>&\n\u{202e}"), "&lt;b a=&#39;&quot;&#39;&gt;&amp; \u{fffd}");
        assert_eq!(message("`<a>` is `b`"), "<code>&lt;a&gt;</code> is <code>b</code>");
        assert_eq!(message("`a` ` b"), "`a` ` b");
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüa", 3), "äö…");
    }

    #[test]
    fn only_plain_addresses_of_the_web_are_links() {
        let none = |address: &str| assert_eq!(link(Some(address), "x"), "x");
        none("javascript:alert(1)");
        none("http://x.org");
        none("https://x.org/\" onclick=\"x");
        none("https://x.org/<b>");
        assert_eq!(
            link(Some("https://x.org/?a=1&b"), "x"),
            "<a href=\"https://x.org/?a=1&amp;b\" rel=\"noreferrer\">x</a>"
        );
        assert_eq!(link(None, "x"), "x");
    }
}
