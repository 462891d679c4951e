//! What the client writes, message by message.
//!
//! The protocol library stops reading at the first frame that it cannot decode, and leaves unknown
//! requests that start with `$/` without an answer. So everything passes through here first: only
//! messages go on to the library, and in place of what is none goes a request that it answers as
//! JSON-RPC wants it ([`REFUSED`]). After a wrong length, reading goes on at the next header.
//!
//! Strings of JavaScript may hold half a surrogate pair, which no string of Rust can: U+FFFD takes its
//! place, which counts as much in every encoding of positions (one unit of UTF-16; three bytes, as
//! encoders that must write something write it). Where what a document says may be lost with a
//! message, a notification says so in its place ([`LOST`]).

mod surrogates;

use std::{borrow::Cow, collections::VecDeque, ops::Range};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower_lsp::{
    jsonrpc::{Error, Request},
    ls_types::{
        DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    },
};

use crate::threads::{self, Doing};

/// The method of the request that stands for something that is no message. It has the id `null`,
/// and its parameter is the error code.
pub(super) const REFUSED: &str = "supercargo/refused";

/// The method of the notification that says of which documents a message was lost ([`Lost`]).
pub(super) const LOST: &str = "supercargo/lost";

/// A message beyond this is a wrong length.
const LONGEST: usize = 1 << 28;

/// A header beyond this is none.
const LONGEST_HEADER: usize = 1 << 12;

/// How much is passed on before the library has to read it.
const PIPE: usize = 1 << 16;

const FIELD: &[u8] = b"content-length";

/// How messages begin that say what a document is, in what is no message. JSON may escape a slash.
const ABOUT_DOCUMENTS: [&[u8]; 2] = [b"textDocument/did", b"textDocument\\/did"];

/// One less than the longest of them.
const SPLIT: usize = 16;

/// The messages of `input`, for the library to read.
pub(super) fn messages(mut input: impl AsyncRead + Send + Unpin + 'static) -> DuplexStream {
    let (mut writer, reader) = tokio::io::duplex(PIPE);
    threads::task(Doing::just("reading the client's messages"), async move {
        let mut frames = Frames::default();
        let mut bytes = vec![0; PIPE];
        while let Ok(read @ 1..) = input.read(&mut bytes).await {
            frames.buffer.extend_from_slice(&bytes[..read]);
            while let Some(frame) = frames.next() {
                if writer.write_all(&message(frame)).await.is_err() {
                    return;
                }
            }
        }
    });
    reader
}

/// The answer to a request that stands for no message.
pub(super) fn refusal(params: Refused) -> Error {
    if params.code == Error::invalid_request().code.code() {
        Error::invalid_request()
    } else {
        Error::parse_error()
    }
}

/// The parameters of [`REFUSED`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Refused {
    code: i64,
}

/// The parameters of [`LOST`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Lost {
    /// The documents; none are named where it may have been any.
    pub(super) uris: Vec<String>,
    /// What was wrong with the message.
    pub(super) why: String,
}

fn message(frame: Frame) -> Vec<u8> {
    let body = match frame {
        Frame::Message(body) => body,
        Frame::Lost(lost) => {
            let message = serde_json::json!({"jsonrpc": "2.0", "method": LOST, "params": lost});
            message.to_string().into_bytes()
        }
        Frame::Refused(error) => {
            let code = error.code.code();
            format!(
                r#"{{"jsonrpc":"2.0","id":null,"method":"{REFUSED}","params":{{"code":{code}}}}}"#
            )
            .into_bytes()
        }
    };
    let mut message = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    message.extend(body);
    message
}

#[derive(Clone, Debug, PartialEq)]
enum Frame {
    /// The body of a message.
    Message(Vec<u8>),
    Refused(Error),
    /// What a document says may be lost with what was refused, or with what was changed in the
    /// message before.
    Lost(Lost),
}

/// What was read and not passed on yet.
#[derive(Debug, Default)]
struct Frames {
    buffer: Vec<u8>,
    /// A damage was told, and no message was found since.
    lost: bool,
    /// The end of what was dropped since the last message: a name may be cut in two.
    dropped: Vec<u8>,
    /// What comes before the buffer.
    next: VecDeque<Frame>,
}

/// What the buffer starts with.
enum Header {
    /// A header; where the body is.
    Of(Range<usize>),
    /// No header up to here.
    Broken(usize),
}

impl Frames {
    /// The next frame, if it is there as a whole.
    fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.next.pop_front() {
                return Some(frame);
            }
            match self.header()? {
                Header::Broken(end) => {
                    self.skip(end);
                    // What follows from an earlier damage is not told again.
                    if !std::mem::replace(&mut self.lost, true) {
                        self.next.push_front(Frame::Refused(Error::parse_error()));
                    }
                }
                Header::Of(body) if body.end > self.buffer.len() => return None,
                Header::Of(body) => match understood(&self.buffer[body.clone()]) {
                    Ok((message, lost)) => {
                        self.buffer.drain(..body.end);
                        self.dropped.clear();
                        self.lost = false;
                        self.next.push_back(Frame::Message(message));
                        self.next.extend(lost.map(Frame::Lost));
                    }
                    Err(error) => {
                        self.skip(body.end);
                        self.lost = true;
                        self.next.push_front(Frame::Refused(error));
                    }
                },
            }
        }
    }

    fn header(&self) -> Option<Header> {
        let Some(end) = find(&self.buffer, b"\r\n\r\n") else {
            let too_long = self.buffer.len() > LONGEST_HEADER;
            return too_long.then_some(Header::Broken(self.buffer.len()));
        };
        let body = end + b"\r\n\r\n".len();
        let length = std::str::from_utf8(&self.buffer[..end]).ok().and_then(length);
        Some(match length.filter(|length| *length <= LONGEST) {
            Some(length) => Header::Of(body..body + length),
            None => Header::Broken(body),
        })
    }

    /// Drops what is no message: up to the next header in it, of which only the beginning may be
    /// there yet, else up to `end`.
    fn skip(&mut self, end: usize) {
        let is_header = |at: &usize| {
            let rest = &self.buffer[*at..end];
            let known = rest.len().min(FIELD.len());
            rest[..known].eq_ignore_ascii_case(&FIELD[..known])
        };
        let next = (1..end).find(is_header).unwrap_or(end);
        self.dropped.extend(self.buffer.drain(..next));
        if ABOUT_DOCUMENTS.iter().any(|name| find(&self.dropped, name).is_some()) {
            let uris = named(&self.dropped);
            let why = "a message could not be read".to_owned();
            self.next.push_back(Frame::Lost(Lost { uris, why }));
            self.dropped.clear();
        }
        let known = self.dropped.len().saturating_sub(SPLIT);
        self.dropped.drain(..known);
    }
}

/// The length in a header, whatever else is in it.
fn length(header: &str) -> Option<usize> {
    header.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.as_bytes().eq_ignore_ascii_case(FIELD).then(|| value.trim().parse().ok())?
    })
}

/// The body as the library decodes and answers it, and what is lost with it; or why it is no message.
fn understood(body: &[u8]) -> Result<(Vec<u8>, Option<Lost>), Error> {
    let text = surrogates::decoded(body);
    let (is_damaged, json) = (text.is_damaged, surrogates::replaced(&text.text));
    // An answer reads as a request without a method.
    let request: Request = serde_json::from_str(&json).map_err(|_| {
        match serde_json::from_str::<IgnoredAny>(&json) {
            Ok(_) if !is_damaged => Error::invalid_request(),
            _ => Error::parse_error(),
        }
    })?;
    if !json.trim_start().starts_with('{') {
        return Err(Error::invalid_request());
    }
    let lost = lost(&request, is_damaged);
    if is_damaged {
        tracing::error!(
            "a message `{}` is not UTF-8: U+FFFD stands for what is none",
            request.method()
        );
    }
    let message = match request.id() {
        Some(id) if request.method().starts_with("$/") => {
            let unknown = Request::build("supercargo/unknown").id(id.clone()).finish();
            unknown.to_string().into_bytes()
        }
        _ => match json {
            Cow::Borrowed(_) if !is_damaged => body.to_vec(),
            json => json.into_owned().into_bytes(),
        },
    };
    Ok((message, lost))
}

/// What is lost with a message about a document: all where the library will not read it, since it
/// drops notifications without a word; and what was edited where the client and we may count the
/// bytes that are no UTF-8 differently.
fn lost(request: &Request, is_damaged: bool) -> Option<Lost> {
    fn error<'p, P: Deserialize<'p>>(params: &'p Value) -> Option<String> {
        P::deserialize(params).err().map(|error| error.to_string())
    }
    let params = request.params().unwrap_or(&Value::Null);
    let why = match request.method() {
        "textDocument/didOpen" => error::<DidOpenTextDocumentParams>(params)?,
        "textDocument/didClose" => error::<DidCloseTextDocumentParams>(params)?,
        "textDocument/didChange" => match error::<DidChangeTextDocumentParams>(params) {
            Some(why) => why,
            None if is_damaged => "it is not UTF-8".to_owned(),
            None => return None,
        },
        _ => return None,
    };
    let uri = params["textDocument"]["uri"].as_str().filter(|_| !is_damaged);
    Some(Lost { uris: uri.map(str::to_owned).into_iter().collect(), why })
}

/// The URIs that are named in what is no message; none where one of them may be damaged.
fn named(bytes: &[u8]) -> Vec<String> {
    const KEY: &str = "\"uri\"";

    let text = String::from_utf8_lossy(bytes);
    let after_each = text.match_indices(KEY).map(|(at, _)| &text[at + KEY.len()..]);
    let values = after_each.map(|rest| {
        let value = rest.trim_start().strip_prefix(':')?.trim_start();
        // What follows it need be no JSON, but it has to be whole.
        let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
        let uri = values.next()?.ok()?;
        let is_whole = value[values.byte_offset()..].trim_start().starts_with([',', '}']);
        (is_whole && !uri.contains(char::REPLACEMENT_CHARACTER)).then_some(uri)
    });
    values.collect::<Option<_>>().unwrap_or_default()
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"jsonrpc":"2.0","method":"a"}"#;

    /// What comes out when these bytes come in one after the other, and all at once.
    fn read(bytes: &str) -> Vec<String> {
        let shown = |frame| match frame {
            Frame::Message(body) => String::from_utf8(body).expect("UTF-8"),
            Frame::Refused(error) => error.code.code().to_string(),
            Frame::Lost(lost) => format!("lost {}", lost.uris.join(" ")),
        };
        let mut frames = Frames::default();
        frames.buffer.extend(bytes.bytes());
        let at_once: Vec<_> = std::iter::from_fn(|| frames.next().map(shown)).collect();
        let mut frames = Frames::default();
        let mut one_by_one = Vec::new();
        for byte in bytes.bytes() {
            frames.buffer.push(byte);
            one_by_one.extend(std::iter::from_fn(|| frames.next().map(shown)));
        }
        assert_eq!(at_once, one_by_one, "{bytes}");
        at_once
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn messages_pass() {
        assert_eq!(read(&framed(MESSAGE).repeat(2)), [MESSAGE, MESSAGE]);
        let other = framed(MESSAGE).replace("Content-Length:", "X: y\r\ncontent-length:");
        assert_eq!(read(&other), [MESSAGE]);
    }

    #[test]
    fn any_wrong_length_costs_one_message() {
        for length in 0..MESSAGE.len() + 30 {
            let wrong = format!("Content-Length: {length}\r\n\r\n{MESSAGE}");
            let all = read(&format!("{wrong}{}{}", framed(MESSAGE), framed(MESSAGE)));
            let expected: &[&str] = if length == MESSAGE.len() {
                &[MESSAGE, MESSAGE, MESSAGE]
            } else {
                &["-32700", MESSAGE, MESSAGE]
            };
            assert_eq!(all, expected, "length {length}");
        }
    }

    #[test]
    fn every_damage_is_told_once() {
        let good = framed(MESSAGE);
        assert_eq!(read(&framed("{").repeat(2)), ["-32700", "-32700"]);
        assert_eq!(
            read(&format!("noise{good}noise\r\n\r\n{good}")),
            ["-32700", MESSAGE, "-32700", MESSAGE]
        );
        assert_eq!(read(&format!("{}{good}", framed("[]"))), ["-32600", MESSAGE]);
        assert_eq!(read(&format!("{}{good}", framed(r#"["2.0","exit"]"#))), ["-32600", MESSAGE]);
        let noise = "x".repeat(LONGEST_HEADER + 10);
        assert_eq!(read(&format!("{noise}{good}")), ["-32700", MESSAGE]);
    }

    #[test]
    fn requests_that_the_library_would_not_answer_are_renamed() {
        let request = r#"{"jsonrpc":"2.0","method":"$/a","id":"1"}"#;
        let renamed = r#"{"jsonrpc":"2.0","method":"supercargo/unknown","id":"1"}"#;
        assert_eq!(read(&framed(request)), [renamed]);
        let notification = r#"{"jsonrpc":"2.0","method":"$/a"}"#;
        assert_eq!(read(&framed(notification)), [notification]);
    }

    const CHANGE: &str = r#"{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///a","version":1},"contentChanges":[{"text":"x"}]}}"#;

    #[test]
    fn a_lost_edit_is_told_with_its_document() {
        assert_eq!(read(&framed(CHANGE)), [CHANGE]);
        let unread = |from: &str, to: &str| {
            let body = CHANGE.replace(from, to);
            read(&framed(&body)).into_iter().filter(|frame| *frame != body).collect::<Vec<_>>()
        };
        // Read by nobody: the version, the range, the brackets.
        assert_eq!(unread(":1}", ":99999999999}"), ["lost file:///a"]);
        assert_eq!(unread("\"text\"", "\"range\":{},\"text\""), ["lost file:///a"]);
        assert_eq!(unread("}]}}", "}]}"), ["-32700", "lost file:///a"]);
        assert_eq!(unread("file:///a\"", "file:///a"), ["-32700", "lost "]);
        assert_eq!(unread("textDocument/d", "textDocument\\/d"), Vec::<String>::new());
        assert_eq!(read(&framed(&format!("[{CHANGE}]"))), ["-32600", "lost file:///a"]);
        // About no document.
        assert_eq!(unread("didChange", "didSave"), Vec::<String>::new());
        assert_eq!(read(&framed(&CHANGE.replace("textDocument/did", "a")[1..])), ["-32700"]);
    }

    #[test]
    fn an_edit_is_told_to_be_lost_wherever_a_wrong_length_cuts_it() {
        for length in 0..CHANGE.len() {
            let wrong = format!("Content-Length: {length}\r\n\r\n{CHANGE}");
            let all = read(&format!("{wrong}{}", framed(MESSAGE)));
            let lost: Vec<_> = all.iter().filter(|frame| frame.starts_with("lost")).collect();
            assert!(!lost.is_empty(), "length {length}: {all:?}");
            assert_eq!(all.last().map(String::as_str), Some(MESSAGE), "length {length}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_no_damage() {
        let body = CHANGE.replace("\"x\"", r#""\ud800x""#);
        assert_eq!(read(&framed(&body)), [CHANGE.replace("\"x\"", r#""\ufffdx""#)]);
    }
}
