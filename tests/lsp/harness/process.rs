//! The server's process and its pipes.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    TEST_TIMEOUT, World,
    frames::{Incoming, frame, read_frames},
};

/// A running `supercargo lsp`. Dropping it kills the server and checks that its world is unchanged.
pub(crate) struct Process {
    world: World,
    child: Child,
    input: Option<ChildStdin>,
    output: mpsc::Receiver<Incoming>,
    log: Arc<Mutex<String>>,
}

impl Process {
    pub(crate) fn start(world: &World) -> Self {
        Self::start_with(world, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(world: &World, arguments: &[String]) -> Self {
        Self::start_under(world, &[], arguments)
    }

    /// The same, run by another program.
    pub(super) fn start_under(world: &World, program: &[String], arguments: &[String]) -> Self {
        world.watch();
        let own = env!("CARGO_BIN_EXE_supercargo").to_owned();
        let line: Vec<_> = program.iter().chain([&own]).collect();
        let mut child = Command::new(line[0])
            .args(&line[1..])
            .arg("lsp")
            .args(arguments)
            .env_clear()
            .envs(world.variables())
            .current_dir(world.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = read_frames(child.stdout.take().expect("standard output is a pipe"));
        let log = Arc::default();
        keep_log(child.stderr.take().expect("standard error is a pipe"), Arc::clone(&log));
        Self { world: world.clone(), input: child.stdin.take(), child, output, log }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &Value) {
        self.send_bytes(&frame(&message.to_string()));
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("standard input is open");
        let sent = input.write_all(bytes).and_then(|()| input.flush());
        if let Err(error) = sent {
            panic!("the server no longer reads ({error}); it wrote:\n{}", self.log());
        }
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// The next output of the server; `None` after the deadline.
    pub(crate) fn receive(&self, deadline: Instant) -> Option<Incoming> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.output.recv_timeout(left) {
            Ok(incoming) => Some(incoming),
            Err(mpsc::RecvTimeoutError::Timeout) => None,
            Err(mpsc::RecvTimeoutError::Disconnected) => Some(Incoming::End),
        }
    }

    /// The next message; fails on anything else.
    pub(crate) fn message(&self) -> Value {
        match self.receive(Instant::now() + TEST_TIMEOUT) {
            Some(Incoming::Message(message)) => message,
            other => panic!("expected a message, got {other:?}; the server wrote:\n{}", self.log()),
        }
    }

    /// Waits for the end, and returns the last messages.
    pub(crate) fn wait(&mut self) -> (ExitStatus, Vec<Value>) {
        self.wait_for_end(false)
    }

    /// Waits for a sudden end: the last message may be incomplete.
    pub(crate) fn wait_for_sudden_end(&mut self) -> (ExitStatus, Vec<Value>) {
        self.wait_for_end(true)
    }

    fn wait_for_end(&mut self, sudden: bool) -> (ExitStatus, Vec<Value>) {
        let deadline = Instant::now() + TEST_TIMEOUT;
        let mut messages = Vec::new();
        loop {
            match self.receive(deadline) {
                Some(Incoming::Message(message)) => messages.push(message),
                Some(Incoming::End) => break,
                Some(Incoming::Garbage(_)) if sudden => break,
                other => panic!("the server did not end but wrote {other:?}:\n{}", self.log()),
            }
        }
        loop {
            if let Some(status) = self.child.try_wait().expect("the server can be waited for") {
                return (status, messages);
            }
            assert!(Instant::now() < deadline, "the server closed its output but did not end");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether it still runs, as text; waits a moment for it to end.
    pub(crate) fn state(&mut self) -> String {
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.to_string();
            }
            thread::sleep(Duration::from_millis(1));
        }
        "it still runs".to_owned()
    }

    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !thread::panicking() {
            self.world.assert_untouched();
        }
    }
}

fn keep_log(mut errors: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = errors.read(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
            log.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        }
    });
}
