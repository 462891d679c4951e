//! The frames of messages, read more strictly than by editors: standard output may contain frames
//! only.

use std::{
    io::{BufRead, BufReader, Read},
    sync::mpsc,
    thread,
};

use serde_json::Value;

/// Output of the server.
#[derive(Debug)]
pub(crate) enum Incoming {
    Message(Value),
    /// Invalid output.
    #[expect(dead_code, reason = "shown in failures")]
    Garbage(String),
    End,
}

/// A message with its header.
pub(crate) fn frame(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Reads frames on another thread until the output ends.
pub(super) fn read_frames(output: impl Read + Send + 'static) -> mpsc::Receiver<Incoming> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let incoming = next(&mut output);
            let last = !matches!(incoming, Incoming::Message(_));
            if sender.send(incoming).is_err() || last {
                return;
            }
        }
    });
    receiver
}

fn next(output: &mut impl BufRead) -> Incoming {
    let mut header = String::new();
    match output.read_line(&mut header) {
        Ok(0) => return Incoming::End,
        Ok(_) => {}
        Err(error) => return Incoming::Garbage(error.to_string()),
    }
    let length = header.strip_prefix("Content-Length: ").and_then(|rest| rest.strip_suffix("\r\n"));
    let Some(length) = length.and_then(|digits| digits.parse::<usize>().ok()) else {
        return Incoming::Garbage(header);
    };
    let mut blank = String::new();
    if output.read_line(&mut blank).is_err() || blank != "\r\n" {
        return Incoming::Garbage(blank);
    }
    let mut body = vec![0; length];
    if let Err(error) = output.read_exact(&mut body) {
        return Incoming::Garbage(error.to_string());
    }
    match serde_json::from_slice(&body) {
        Ok(message) => Incoming::Message(message),
        Err(_) => Incoming::Garbage(String::from_utf8_lossy(&body).into_owned()),
    }
}
