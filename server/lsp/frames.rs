//! What the client writes, message by message.
//!
//! The protocol library stops reading at the first frame that it cannot decode, and leaves unknown
//! requests that start with `$/` without an answer. So everything passes through here first: only
//! messages go on to the library, and in place of what is none goes a request that it answers as
//! JSON-RPC wants it ([`REFUSED`]). After a wrong length, reading goes on at the next header.

use std::ops::Range;

use serde::{Deserialize, Serialize, de::IgnoredAny};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower_lsp::jsonrpc::{Error, Request};

use crate::threads::{self, Doing};

/// The method of the request that stands for something that is no message. It has the id `null`,
/// and its parameter is the error code.
pub(super) const REFUSED: &str = "supercargo/refused";

/// A message beyond this is a wrong length.
const LONGEST: usize = 1 << 28;

/// A header beyond this is none.
const LONGEST_HEADER: usize = 1 << 12;

/// How much is passed on before the library has to read it.
const PIPE: usize = 1 << 16;

const FIELD: &[u8] = b"content-length";

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

fn message(frame: Frame) -> Vec<u8> {
    let body = match frame {
        Frame::Message(body) => body,
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
}

/// What was read and not passed on yet.
#[derive(Debug, Default)]
struct Frames {
    buffer: Vec<u8>,
    /// A damage was told, and no message was found since.
    lost: bool,
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
            match self.header()? {
                Header::Broken(end) => {
                    self.skip(end);
                    // What follows from an earlier damage is not told again.
                    if !std::mem::replace(&mut self.lost, true) {
                        return Some(Frame::Refused(Error::parse_error()));
                    }
                }
                Header::Of(body) if body.end > self.buffer.len() => return None,
                Header::Of(body) => match understood(&self.buffer[body.clone()]) {
                    Ok(message) => {
                        self.buffer.drain(..body.end);
                        self.lost = false;
                        return Some(Frame::Message(message));
                    }
                    Err(error) => {
                        self.skip(body.end);
                        self.lost = true;
                        return Some(Frame::Refused(error));
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
        self.buffer.drain(..next);
    }
}

/// The length in a header, whatever else is in it.
fn length(header: &str) -> Option<usize> {
    header.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.as_bytes().eq_ignore_ascii_case(FIELD).then(|| value.trim().parse().ok())?
    })
}

/// The body as the library decodes and answers it, or why it is no message.
fn understood(body: &[u8]) -> Result<Vec<u8>, Error> {
    let json = std::str::from_utf8(body).map_err(|_| Error::parse_error())?;
    // An answer reads as a request without a method.
    let request: Request =
        serde_json::from_str(json).map_err(|_| match serde_json::from_str::<IgnoredAny>(json) {
            Ok(_) => Error::invalid_request(),
            Err(_) => Error::parse_error(),
        })?;
    if !json.trim_start().starts_with('{') {
        return Err(Error::invalid_request());
    }
    match request.id() {
        Some(id) if request.method().starts_with("$/") => {
            let unknown = Request::build("supercargo/unknown").id(id.clone()).finish();
            Ok(unknown.to_string().into_bytes())
        }
        _ => Ok(body.to_vec()),
    }
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
}
