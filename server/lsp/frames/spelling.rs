//! URIs of clients that do not percent-encode them.
//!
//! The protocol library only decodes URIs as RFC 3986 defines them, and drops a message with another
//! one. Some clients write paths as they are: with blanks, brackets or letters outside of ASCII. So such
//! a URI of a file is encoded before the library reads it, and the client's own spelling is kept in its
//! fragment, which URIs of files do not have ([`MARK`]). On the way out the spelling takes its place
//! ([`OwnSpelling`]): a client compares URIs as texts.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use serde_json::Value;
use tokio::io::AsyncWrite;
use tower_lsp::ls_types::Uri;

/// The start of a fragment with the client's spelling of a URI, in percent-encoding.
const MARK: &str = "supercargo-spelling=";

/// The keys whose values are URIs, in every message of the protocol.
const KEYS: [&str; 8] =
    ["uri", "rootUri", "scopeUri", "targetUri", "oldUri", "newUri", "baseUri", "href"];

/// Values that are no part of the protocol.
const FOREIGN: [&str; 3] = ["initializationOptions", "settings", "data"];

/// How much of a URI a log line shows, in characters.
const MAX_SHOWN: usize = 200;

/// The end of every one of [`KEYS`], in a message.
const KEY_ENDS: [&str; 3] = ["uri\"", "Uri\"", "href\""];

/// What a path may have besides letters and digits (RFC 3986, section 3.3).
const OTHERS: &[u8] = b"-._~/:@!$&'()*+,;=";

const SEPARATOR: &[u8] = b"\r\n\r\n";

/// A message in which the library can decode every URI, where that is possible. What it cannot decode is
/// logged, and left out of `initialize`, which has to succeed.
pub(super) fn decodable(json: &str) -> Cow<'_, str> {
    if !may_have_other_spelling(json) {
        return Cow::Borrowed(json);
    }
    let Ok(mut message) = serde_json::from_str::<Value>(json) else {
        return Cow::Borrowed(json);
    };
    let method = message["method"].as_str().unwrap_or("response").to_owned();
    let mut is_changed = false;
    for part in ["params", "result"] {
        if let Some(value) = message.get_mut(part) {
            is_changed |= repair(value, &method);
        }
    }
    if method == "initialize" {
        is_changed |= without_other_folders(&mut message["params"]);
    }
    if is_changed { Cow::Owned(message.to_string()) } else { Cow::Borrowed(json) }
}

/// The URI that the library gets for a URI of the client.
pub(super) fn encoded(uri: &str) -> Cow<'_, str> {
    match repaired(uri) {
        Repair::To(new) => Cow::Owned(new),
        Repair::None | Repair::Impossible => Cow::Borrowed(uri),
    }
}

/// A URI as the client spells it.
pub(in crate::lsp) fn spelled(uri: &Uri) -> Cow<'_, str> {
    let spelling = uri.fragment().and_then(|fragment| fragment.as_str().strip_prefix(MARK));
    spelling.and_then(percent_decoded).map_or(Cow::Borrowed(uri.as_str()), Cow::Owned)
}

/// Whether a message may have a URI that is changed: a quick look without parsing it.
fn may_have_other_spelling(json: &str) -> bool {
    let is_other = |rest: &str| {
        let Some(value) = rest.trim_start().strip_prefix(':') else { return false };
        let Some(value) = value.trim_start().strip_prefix('"') else { return false };
        // An escape ends the value too early, and is no part of a valid URI.
        let end = value.find('"').unwrap_or(value.len());
        !matches!(repaired(&value[..end]), Repair::None)
    };
    KEY_ENDS
        .iter()
        .any(|key| json.match_indices(key).any(|(at, found)| is_other(&json[at + found.len()..])))
}

/// Encodes all URIs; returns whether one has changed.
fn repair(value: &mut Value, method: &str) -> bool {
    match value {
        Value::Array(items) => {
            items.iter_mut().fold(false, |changed, item| repair(item, method) | changed)
        }
        Value::Object(fields) => {
            let mut is_changed = false;
            for (key, value) in fields {
                if FOREIGN.contains(&key.as_str()) {
                    continue;
                }
                let is_uri = KEYS.contains(&key.as_str());
                is_changed |= match value.as_str().filter(|_| is_uri).map(repaired) {
                    Some(Repair::To(new)) => {
                        *value = Value::String(new);
                        true
                    }
                    Some(Repair::Impossible) => {
                        let shown: String =
                            value.as_str().unwrap_or_default().chars().take(MAX_SHOWN).collect();
                        tracing::error!("message `{method}`: {shown:?} is not a URI");
                        false
                    }
                    Some(Repair::None) => false,
                    None => repair(value, method),
                };
            }
            is_changed
        }
        _ => false,
    }
}

/// Removes the folders whose URIs the library cannot decode.
fn without_other_folders(params: &mut Value) -> bool {
    let is_other =
        |uri: &Value| uri.as_str().is_some_and(|uri| matches!(repaired(uri), Repair::Impossible));
    let mut is_changed = false;
    if params.get("rootUri").is_some_and(is_other) {
        params["rootUri"] = Value::Null;
        is_changed = true;
    }
    if let Some(folders) = params.get_mut("workspaceFolders").and_then(Value::as_array_mut) {
        let before = folders.len();
        folders.retain(|folder| !is_other(&folder["uri"]));
        is_changed |= folders.len() < before;
    }
    is_changed
}

/// What has to be done with a URI.
#[derive(Debug, PartialEq)]
enum Repair {
    None,
    To(String),
    Impossible,
}

fn repaired(uri: &str) -> Repair {
    let Some((scheme, rest)) = uri.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Repair::Impossible;
    };
    let is_file = scheme.eq_ignore_ascii_case("file");
    let is_valid = uri.parse::<Uri>().is_ok();
    // A URI of a file has neither a query nor a fragment: these are characters of its path.
    let is_ours = uri.split_once('#').is_some_and(|(_, fragment)| fragment.starts_with(MARK));
    if is_valid && (!is_file || is_ours || !rest.contains(['#', '?'])) {
        return Repair::None;
    }
    let mut new = format!("{scheme}:");
    let mut at = 0;
    while let Some(byte) = rest.as_bytes().get(at) {
        let kept = match byte {
            b'%' => is_escape(&rest.as_bytes()[at..]),
            b'#' | b'?' => !is_file,
            byte => byte.is_ascii_alphanumeric() || OTHERS.contains(byte),
        };
        if kept {
            new.push(char::from(*byte));
        } else {
            escape(*byte, &mut new);
        }
        at += 1;
    }
    if is_file {
        new.push('#');
        new.push_str(MARK);
        for byte in uri.bytes() {
            if byte.is_ascii_alphanumeric() {
                new.push(char::from(byte));
            } else {
                escape(byte, &mut new);
            }
        }
    }
    if new.parse::<Uri>().is_ok() { Repair::To(new) } else { Repair::Impossible }
}

/// Whether this is a scheme and not the drive of a path (RFC 3986, section 3.1).
fn is_scheme(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(is_part)
}

fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

fn escape(byte: u8, to: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(to, "%{byte:02X}");
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if is_escape(rest) {
            let digits = std::str::from_utf8(&rest[1..3]).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// A message of the server in which URIs have the client's spelling.
fn with_own_spelling(json: &str) -> Cow<'_, str> {
    let mut new = String::new();
    // Up to where it has been copied.
    let mut copied = 0;
    for (at, _) in json.match_indices(MARK) {
        let Some(start) = json[copied..at].rfind('"').map(|quote| copied + quote) else { continue };
        let Some(end) = json[at..].find('"').map(|quote| at + quote + 1) else { continue };
        // A text that only contains such a URI is no URI.
        let Ok(uri) = json[start + 1..end - 1].parse::<Uri>() else { continue };
        if let Cow::Owned(spelling) = spelled(&uri) {
            new.push_str(&json[copied..start]);
            new.push_str(&Value::String(spelling).to_string());
            copied = end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    new.push_str(&json[copied..]);
    Cow::Owned(new)
}

/// The output of the library, with the client's spelling of URIs.
#[derive(Debug)]
pub(in crate::lsp) struct OwnSpelling<W> {
    inner: W,
    /// What the library has written of the next message.
    message: Vec<u8>,
    /// Whole messages, and how much of them has been written.
    ready: Vec<u8>,
    written: usize,
}

impl<W: AsyncWrite + Unpin> OwnSpelling<W> {
    pub(in crate::lsp) fn new(inner: W) -> Self {
        Self { inner, message: Vec::new(), ready: Vec::new(), written: 0 }
    }

    /// Moves the complete messages.
    fn take_messages(&mut self) {
        while let Some(header) = super::find(&self.message, SEPARATOR) {
            let body = header + SEPARATOR.len();
            let length = std::str::from_utf8(&self.message[..header]).ok().and_then(super::length);
            // The library writes valid headers only.
            let end = length.map_or(self.message.len(), |length| body + length);
            if self.message.len() < end {
                return;
            }
            match std::str::from_utf8(&self.message[body..end]).map(with_own_spelling) {
                Ok(Cow::Owned(json)) => {
                    let header = format!("Content-Length: {}\r\n\r\n", json.len());
                    self.ready.extend_from_slice(header.as_bytes());
                    self.ready.extend_from_slice(json.as_bytes());
                }
                Ok(Cow::Borrowed(_)) | Err(_) => {
                    self.ready.extend_from_slice(&self.message[..end]);
                }
            }
            self.message.drain(..end);
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.ready.len() {
            let rest = &self.ready[self.written..];
            match ready!(Pin::new(&mut self.inner).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        self.ready.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for OwnSpelling<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_ready(context))?;
        self.message.extend_from_slice(bytes);
        self.take_messages();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_ready(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_ready(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::convert::path_of;

    #[test]
    fn paths_that_are_not_encoded_are_read_and_written_as_they_are() {
        for path in [
            "/home/me/my project/Cargo.toml",
            "/home/me/[x] {y}/Cargo.toml",
            "/home/me/ü𝄞/Cargo.toml",
            "/home/me/C#/Cargo.toml",
            "/home/me/why?/Cargo.toml",
            "/home/me/100%/Cargo.toml",
            "/home/me/a\"b\\c^d`e|f<g>/Cargo.toml",
            "/home/me/line\nfeed/Cargo.toml",
        ] {
            let spelling = format!("file://{path}");
            let uri: Uri = encoded(&spelling).parse().expect("a URI");
            assert_eq!(path_of(&uri).expect("a file"), path);
            assert_eq!(spelled(&uri), spelling);
            assert_eq!(encoded(uri.as_str()), uri.as_str(), "it is encoded once");
            let sent = serde_json::json!({"uri": uri, "changes": {uri.as_str(): 1}}).to_string();
            let expected = serde_json::json!({"uri": spelling, "changes": {&spelling: 1}});
            assert_eq!(with_own_spelling(&sent), expected.to_string());
        }
    }

    #[test]
    fn what_is_encoded_stays_encoded() {
        for uri in
            ["file:///a%20b/Cargo.toml", "untitled:Untitled-1", "git:/a?b#c", "file:///c%3A/x"]
        {
            assert_eq!(encoded(uri), uri);
        }
        let mixed: Uri = encoded("file:///a%20b c/Cargo.toml").parse().expect("a URI");
        assert_eq!(path_of(&mixed).expect("a file"), "/a b c/Cargo.toml");
    }

    #[test]
    fn message_is_changed_only_where_it_has_other_uris() {
        let change = |uri: &str, text: &str| {
            let params = serde_json::json!({"textDocument": {"uri": uri}, "text": text});
            serde_json::json!({"method": "a", "params": params}).to_string()
        };
        let same = change("file:///a", "\"uri\": \"a b\", [\"uri\":\"a b\"]");
        assert!(matches!(decodable(&same), Cow::Borrowed(_)));
        let text = "\"uri\": \"file:///a b\"";
        let other = change("file:///a b", text);
        let decoded: Value = serde_json::from_str(&decodable(&other)).expect("JSON");
        assert_eq!(decoded["params"]["text"], text);
        assert_eq!(with_own_spelling(&decodable(&other)), other);
        let foreign = r#"{"method":"a","params":{"settings":{"uri":"a b"}}}"#;
        assert_eq!(decodable(foreign), foreign);
    }

    #[test]
    fn initialize_has_only_folders_that_can_be_decoded() {
        let params = r#"{"method":"initialize","params":{"rootUri":"/a","workspaceFolders":[{"uri":"C:\\a"},{"uri":"file:///a b"},{"uri":""}]}}"#;
        let decoded: Value = serde_json::from_str(&decodable(params)).expect("JSON");
        assert_eq!(decoded["params"]["rootUri"], Value::Null);
        let folders = decoded["params"]["workspaceFolders"].as_array().expect("folders");
        assert_eq!(folders.len(), 1);
        // Other messages keep what cannot be decoded, and the library refuses them.
        let hover = params.replace("initialize", "a");
        let decoded: Value = serde_json::from_str(&decodable(&hover)).expect("JSON");
        assert_eq!(decoded["params"]["rootUri"], "/a");
    }

    #[test]
    fn text_with_such_a_uri_is_no_uri() {
        let uri = encoded("file:///a b");
        let text = serde_json::json!({"text": format!("see {uri} there"), "n": 1}).to_string();
        assert_eq!(with_own_spelling(&text), text);
        assert_eq!(with_own_spelling(MARK), MARK);
    }

    #[tokio::test]
    async fn output_has_the_spelling_however_it_is_written() {
        use tokio::io::AsyncWriteExt as _;

        let body = serde_json::json!({"uri": encoded("file:///ü b")}).to_string();
        let plain = r#"{"a":1}"#;
        let framed = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let own = framed(r#"{"uri":"file:///ü b"}"#);
        let all = [framed(&body), framed(plain), framed(&body)].concat();
        let expected = [own.clone(), framed(plain), own].concat();
        for size in [1, 7, 40, all.len()] {
            let mut output = OwnSpelling::new(Vec::new());
            for part in all.as_bytes().chunks(size) {
                output.write_all(part).await.expect("written");
            }
            output.flush().await.expect("written");
            assert_eq!(String::from_utf8_lossy(&output.inner), expected, "{size}");
        }
    }
}
