//! Halves of surrogate pairs: JSON and the UTF-8 of some programs may contain them, Rust's strings
//! cannot.

use std::borrow::Cow;

/// U+FFFD as JSON escapes it.
const ESCAPED: &str = r"\ufffd";

/// How long an escape of JSON is: `\u` and four digits.
const ESCAPE: usize = ESCAPED.len();

/// Bytes as text.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded<'b> {
    pub(super) text: Cow<'b, str>,
    /// It had bytes that are neither UTF-8 nor surrogates: how the writer counts them is unknown.
    pub(super) is_damaged: bool,
}

/// Bytes as text, with U+FFFD for every surrogate that is encoded like a character (three bytes for
/// three bytes), and for every other invalid byte.
pub(super) fn decoded(bytes: &[u8]) -> Decoded<'_> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: Cow::Borrowed(text), is_damaged: false };
    }
    let mut text = String::with_capacity(bytes.len());
    let mut is_damaged = false;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (valid, after) = match std::str::from_utf8(rest) {
            Ok(valid) => (valid, &[][..]),
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).unwrap_or_default(), after)
            }
        };
        text.push_str(valid);
        rest = match after {
            [] => after,
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] => {
                text.push(char::REPLACEMENT_CHARACTER);
                after
            }
            [_, after @ ..] => {
                is_damaged = true;
                text.push(char::REPLACEMENT_CHARACTER);
                after
            }
        };
    }
    Decoded { text: Cow::Owned(text), is_damaged }
}

/// JSON in which the escape of U+FFFD replaces every escape of half a surrogate pair.
pub(super) fn replaced(json: &str) -> Cow<'_, str> {
    let mut new = String::new();
    // Up to where it has been copied.
    let mut copied = 0;
    let mut at = 0;
    while let Some(backslash) = json[at..].find('\\').map(|found| at + found) {
        match unit(json, backslash) {
            // The character after the backslash belongs to the escape.
            None => {
                let escaped = json[backslash + 1..].chars().next().map_or(0, char::len_utf8);
                at = backslash + 1 + escaped;
            }
            Some(0xd800..0xdc00)
                if matches!(unit(json, backslash + ESCAPE), Some(0xdc00..0xe000)) =>
            {
                at = backslash + 2 * ESCAPE;
            }
            Some(0xd800..0xe000) => {
                new.push_str(&json[copied..backslash]);
                new.push_str(ESCAPED);
                at = backslash + ESCAPE;
                copied = at;
            }
            Some(_) => at = backslash + ESCAPE,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    new.push_str(&json[copied..]);
    Cow::Owned(new)
}

/// The unit of UTF-16 that is escaped at `at`.
fn unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    // `from_str_radix` accepts a sign.
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hexadecimal.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        assert_eq!(replaced(json), expected);
        let _: String = serde_json::from_str(&replaced(json)).expect("JSON");
    }

    #[test]
    fn only_halves_of_pairs_are_replaced() {
        check(r#""\ud800""#, r#""\ufffd""#);
        check(r#""\uDFFF\uD800\n\udc00""#, r#""\ufffd\ufffd\n\ufffd""#);
        check(r#""\ud800\ud83d\ude00\ude00""#, r#""\ufffd\ud83d\ude00\ufffd""#);
        check(r#""\ud83d\u0041""#, r#""\ufffd\u0041""#);
        for same in
            [r#""\\ud800""#, r#""\ud7ff\ue000é\\""#, r#""\\\\ud800\"""#, r#""\ud83d\ude00""#]
        {
            check(same, same);
            assert!(matches!(replaced(same), Cow::Borrowed(_)));
        }
        check(r#""\\\ud800""#, r#""\\\ufffd""#);
    }

    #[test]
    fn invalid_json_is_kept() {
        for same in ["\\", "\\u", "\\ud8", "\\u+123", "\\é", "\\ud8é\\ud80"] {
            assert_eq!(replaced(same), same);
        }
        assert_eq!(replaced("\\ud800\\"), "\\ufffd\\");
    }

    #[test]
    fn surrogates_in_utf_8_keep_their_length() {
        let check = |bytes: &[u8], text: &str, is_damaged| {
            assert_eq!(decoded(bytes), Decoded { text: text.into(), is_damaged });
        };
        check("aé𝄞".as_bytes(), "aé𝄞", false);
        check(b"a\xed\xa0\x80\xed\xbf\xbfb", "a\u{fffd}\u{fffd}b", false);
        check(b"a\xffb\xc3", "a\u{fffd}b\u{fffd}", true);
        check(b"\xed\xa0", "\u{fffd}\u{fffd}", true);
    }
}
