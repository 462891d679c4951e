//! The messages of the client, read from standard input.
//!
//! The protocol library stops at the first frame that it cannot decode, and does not reply to unknown
//! requests that start with `$/`. So all input passes through this filter: the library gets valid
//! messages only, and for an invalid one a request to which it replies with the error of JSON-RPC
//! ([`INVALID_MESSAGE`]). After a wrong length, reading continues at the next header.
//!
//! Strings of JavaScript may contain half a surrogate pair, which strings of Rust cannot. It is
//! replaced by U+FFFD, which has the same length in every encoding of positions (one unit of UTF-16;
//! three bytes, as in the output of encoders that write halves). Where an invalid message may have
//! changed a document, a notification replaces it ([`LOST_MESSAGE`]). URIs that are not percent-encoded
//! are encoded ([`spelling`]).

mod spelling;
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

use crate::threads::{self, Activity};
pub(super) use spelling::{OwnSpelling, spelled};

/// The method of the request that replaces an invalid message. It has the id `null`, and its
/// parameter is the error code.
pub(super) const INVALID_MESSAGE: &str = "supercargo/refused";

/// The method of the notification that names the documents of a lost message ([`LostMessage`]).
pub(super) const LOST_MESSAGE: &str = "supercargo/lost";

/// A larger length of a message is taken as wrong.
const MAX_MESSAGE: usize = 1 << 28;

/// A longer header is invalid.
const MAX_HEADER: usize = 1 << 12;

/// How many bytes are buffered for the library.
const PIPE_SIZE: usize = 1 << 16;

const FIELD: &[u8] = b"content-length";

/// The methods that change documents, to be found in an invalid message. JSON may escape a slash.
const DOCUMENT_METHODS: [&[u8]; 2] = [b"textDocument/did", b"textDocument\\/did"];

/// One less than the length of the longest one.
const MAX_SPLIT: usize = 16;

/// The messages of `input`, for the library to read.
pub(super) fn messages(mut input: impl AsyncRead + Send + Unpin + 'static) -> DuplexStream {
    let (mut writer, reader) = tokio::io::duplex(PIPE_SIZE);
    threads::task(Activity::just("reading the client's messages"), async move {
        let mut frames = Frames::default();
        let mut bytes = vec![0; PIPE_SIZE];
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

/// The error for an invalid message.
pub(super) fn error_of(params: InvalidMessage) -> Error {
    if params.code == Error::invalid_request().code.code() {
        Error::invalid_request()
    } else {
        Error::parse_error()
    }
}

/// The parameters of [`INVALID_MESSAGE`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct InvalidMessage {
    code: i64,
}

/// The parameters of [`LOST_MESSAGE`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct LostMessage {
    /// The documents; empty where it may have been any document.
    pub(super) uris: Vec<String>,
    /// What was wrong with the message.
    pub(super) why: String,
}

fn message(frame: Frame) -> Vec<u8> {
    let body = match frame {
        Frame::Message(body) => body,
        Frame::Lost(lost) => {
            let message =
                serde_json::json!({"jsonrpc": "2.0", "method": LOST_MESSAGE, "params": lost});
            message.to_string().into_bytes()
        }
        Frame::Invalid(error) => {
            let code = error.code.code();
            format!(
                r#"{{"jsonrpc":"2.0","id":null,"method":"{INVALID_MESSAGE}","params":{{"code":{code}}}}}"#
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
    Invalid(Error),
    /// A change of a document may be lost with an invalid message, or with damaged bytes in the
    /// message before.
    Lost(LostMessage),
}

/// The input that was read and not passed on yet.
#[derive(Debug, Default)]
struct Frames {
    buffer: Vec<u8>,
    /// An error was reported, and no valid message has come since.
    has_error: bool,
    /// The end of the input that was dropped since the last message: a name may be cut in two.
    dropped: Vec<u8>,
    /// Frames that come before the buffer.
    next: VecDeque<Frame>,
}

/// The start of the buffer.
enum Header {
    /// A header, and the range of the body.
    Of(Range<usize>),
    /// No header up to here.
    Broken(usize),
}

impl Frames {
    /// The next frame, if it is complete.
    fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.next.pop_front() {
                return Some(frame);
            }
            match self.header()? {
                Header::Broken(end) => {
                    self.skip(end);
                    // An error that follows from an earlier one is not reported again.
                    if !std::mem::replace(&mut self.has_error, true) {
                        self.next.push_front(Frame::Invalid(Error::parse_error()));
                    }
                }
                Header::Of(body) if body.end > self.buffer.len() => return None,
                Header::Of(body) => match decoded_message(&self.buffer[body.clone()]) {
                    Ok((message, lost)) => {
                        self.buffer.drain(..body.end);
                        self.dropped.clear();
                        self.has_error = false;
                        self.next.push_back(Frame::Message(message));
                        self.next.extend(lost.map(Frame::Lost));
                    }
                    Err(error) => {
                        self.skip(body.end);
                        self.has_error = true;
                        self.next.push_front(Frame::Invalid(error));
                    }
                },
            }
        }
    }

    fn header(&self) -> Option<Header> {
        let Some(end) = find(&self.buffer, b"\r\n\r\n") else {
            let too_long = self.buffer.len() > MAX_HEADER;
            return too_long.then_some(Header::Broken(self.buffer.len()));
        };
        let body = end + b"\r\n\r\n".len();
        let length = std::str::from_utf8(&self.buffer[..end]).ok().and_then(length);
        Some(match length.filter(|length| *length <= MAX_MESSAGE) {
            Some(length) => Header::Of(body..body + length),
            None => Header::Broken(body),
        })
    }

    /// Drops invalid input: up to the next header in it, which may be incomplete, else up to `end`.
    fn skip(&mut self, end: usize) {
        let is_header = |at: &usize| {
            let rest = &self.buffer[*at..end];
            let known = rest.len().min(FIELD.len());
            rest[..known].eq_ignore_ascii_case(&FIELD[..known])
        };
        let next = (1..end).find(is_header).unwrap_or(end);
        self.dropped.extend(self.buffer.drain(..next));
        if DOCUMENT_METHODS.iter().any(|name| find(&self.dropped, name).is_some()) {
            let uris = uris_in(&self.dropped);
            let why = "a message could not be read".to_owned();
            self.next.push_back(Frame::Lost(LostMessage { uris, why }));
            self.dropped.clear();
        }
        let known = self.dropped.len().saturating_sub(MAX_SPLIT);
        self.dropped.drain(..known);
    }
}

/// The length in a header, which may have other fields.
fn length(header: &str) -> Option<usize> {
    header.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.as_bytes().eq_ignore_ascii_case(FIELD).then(|| value.trim().parse().ok())?
    })
}

/// The body as the library decodes it, and what is lost with it; or why it is invalid.
fn decoded_message(body: &[u8]) -> Result<(Vec<u8>, Option<LostMessage>), Error> {
    let text = surrogates::decoded(body);
    let (is_damaged, json) = (text.is_damaged, surrogates::replaced(&text.text));
    let json = match spelling::decodable(&json) {
        Cow::Borrowed(_) => json,
        Cow::Owned(json) => Cow::Owned(json),
    };
    // A response is decoded as a request without a method.
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
            "message `{}` is not valid UTF-8: replaced invalid bytes by U+FFFD",
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

/// What is lost with a message about a document: the whole message where the library cannot decode it,
/// since it drops such notifications; an edit with invalid UTF-8, for which client and server may
/// count different columns.
fn lost(request: &Request, is_damaged: bool) -> Option<LostMessage> {
    fn error<'p, P: Deserialize<'p>>(params: &'p Value) -> Option<String> {
        P::deserialize(params).err().map(|error| error.to_string())
    }
    let params = request.params().unwrap_or(&Value::Null);
    let why = match request.method() {
        "textDocument/didOpen" => error::<DidOpenTextDocumentParams>(params)?,
        "textDocument/didClose" => error::<DidCloseTextDocumentParams>(params)?,
        "textDocument/didChange" => match error::<DidChangeTextDocumentParams>(params) {
            Some(why) => why,
            None if is_damaged => "the message is not valid UTF-8".to_owned(),
            None => return None,
        },
        _ => return None,
    };
    let uri = params["textDocument"]["uri"].as_str().filter(|_| !is_damaged);
    Some(LostMessage { uris: uri.map(str::to_owned).into_iter().collect(), why })
}

/// The URIs in an invalid message; empty where one of them may be damaged.
fn uris_in(bytes: &[u8]) -> Vec<String> {
    const KEY: &str = "\"uri\"";

    let text = String::from_utf8_lossy(bytes);
    let after_each = text.match_indices(KEY).map(|(at, _)| &text[at + KEY.len()..]);
    let values = after_each.map(|rest| {
        let value = rest.trim_start().strip_prefix(':')?.trim_start();
        // The rest need not be JSON, but the value has to be complete.
        let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
        let uri = values.next()?.ok()?;
        let is_whole = value[values.byte_offset()..].trim_start().starts_with([',', '}']);
        let is_known = is_whole && !uri.contains(char::REPLACEMENT_CHARACTER);
        is_known.then(|| spelling::encoded(&uri).into_owned())
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

    /// The frames of these bytes, whether they come one by one or all at once.
    fn read(bytes: &str) -> Vec<String> {
        let shown = |frame| match frame {
            Frame::Message(body) => String::from_utf8(body).expect("UTF-8"),
            Frame::Invalid(error) => error.code.code().to_string(),
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
    fn valid_messages_are_passed_on() {
        assert_eq!(read(&framed(MESSAGE).repeat(2)), [MESSAGE, MESSAGE]);
        let other = framed(MESSAGE).replace("Content-Length:", "X: y\r\ncontent-length:");
        assert_eq!(read(&other), [MESSAGE]);
    }

    #[test]
    fn wrong_length_loses_one_message() {
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
    fn every_error_is_reported_once() {
        let good = framed(MESSAGE);
        assert_eq!(read(&framed("{").repeat(2)), ["-32700", "-32700"]);
        assert_eq!(
            read(&format!("noise{good}noise\r\n\r\n{good}")),
            ["-32700", MESSAGE, "-32700", MESSAGE]
        );
        assert_eq!(read(&format!("{}{good}", framed("[]"))), ["-32600", MESSAGE]);
        assert_eq!(read(&format!("{}{good}", framed(r#"["2.0","exit"]"#))), ["-32600", MESSAGE]);
        let noise = "x".repeat(MAX_HEADER + 10);
        assert_eq!(read(&format!("{noise}{good}")), ["-32700", MESSAGE]);
    }

    #[test]
    fn unknown_dollar_requests_are_renamed() {
        let request = r#"{"jsonrpc":"2.0","method":"$/a","id":"1"}"#;
        let renamed = r#"{"jsonrpc":"2.0","method":"supercargo/unknown","id":"1"}"#;
        assert_eq!(read(&framed(request)), [renamed]);
        let notification = r#"{"jsonrpc":"2.0","method":"$/a"}"#;
        assert_eq!(read(&framed(notification)), [notification]);
    }

    const CHANGE: &str = r#"{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///a","version":1},"contentChanges":[{"text":"x"}]}}"#;

    #[test]
    fn lost_edit_is_reported_with_its_document() {
        assert_eq!(read(&framed(CHANGE)), [CHANGE]);
        let unread = |from: &str, to: &str| {
            let body = CHANGE.replace(from, to);
            read(&framed(&body)).into_iter().filter(|frame| *frame != body).collect::<Vec<_>>()
        };
        // Invalid version, range, brackets.
        assert_eq!(unread(":1}", ":99999999999}"), ["lost file:///a"]);
        assert_eq!(unread("\"text\"", "\"range\":{},\"text\""), ["lost file:///a"]);
        assert_eq!(unread("}]}}", "}]}"), ["-32700", "lost file:///a"]);
        assert_eq!(unread("file:///a\"", "file:///a"), ["-32700", "lost "]);
        assert_eq!(unread("textDocument/d", "textDocument\\/d"), Vec::<String>::new());
        assert_eq!(read(&framed(&format!("[{CHANGE}]"))), ["-32600", "lost file:///a"]);
        // Methods that change no document.
        assert_eq!(unread("didChange", "didSave"), Vec::<String>::new());
        assert_eq!(read(&framed(&CHANGE.replace("textDocument/did", "a")[1..])), ["-32700"]);
    }

    #[test]
    fn lost_edit_is_reported_wherever_a_wrong_length_cuts_it() {
        for length in 0..CHANGE.len() {
            let wrong = format!("Content-Length: {length}\r\n\r\n{CHANGE}");
            let all = read(&format!("{wrong}{}", framed(MESSAGE)));
            let lost: Vec<_> = all.iter().filter(|frame| frame.starts_with("lost")).collect();
            assert!(!lost.is_empty(), "length {length}: {all:?}");
            assert_eq!(all.last().map(String::as_str), Some(MESSAGE), "length {length}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_valid() {
        let body = CHANGE.replace("\"x\"", r#""\ud800x""#);
        assert_eq!(read(&framed(&body)), [CHANGE.replace("\"x\"", r#""\ufffdx""#)]);
    }
}
