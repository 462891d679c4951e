//! The inputs of a resolution. They are recorded, and cached with cargo's output, on a thread of their own while the graph
//! is built from it.

use std::{
    io, mem,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use crate::{
    cache::Inputs,
    threads::{self, Activity, Panic},
};

/// The inputs of a resolution, once they are recorded.
#[derive(Clone, Debug)]
pub(crate) struct RecordedInputs(Arc<Mutex<Recording>>);

#[derive(Debug)]
enum Recording {
    Running(JoinHandle<Result<Option<Inputs>, Panic>>),
    /// `None` if they are unknown: the resolution is not that of the files on disk.
    Done(Option<Inputs>),
}

impl RecordedInputs {
    /// There are none.
    pub(super) fn unknown() -> Self {
        Self::of(Recording::Done(None))
    }

    pub(super) fn known(inputs: Inputs) -> Self {
        Self::of(Recording::Done(Some(inputs)))
    }

    /// Those that `record` returns.
    ///
    /// # Errors
    ///
    /// When the system starts no thread.
    pub(super) fn start(
        doing: Activity,
        record: impl FnOnce() -> Option<Inputs> + Send + 'static,
    ) -> io::Result<Self> {
        threads::spawn("inputs", None, doing, record)
            .map(|thread| Self::of(Recording::Running(thread)))
    }

    fn of(recording: Recording) -> Self {
        Self(Arc::new(Mutex::new(recording)))
    }

    /// Waits until they are recorded; `None` if they are unknown.
    pub(crate) fn get(&self) -> Option<Inputs> {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = match mem::replace(&mut *recording, Recording::Done(None)) {
            // Both kinds of failures are in the log.
            Recording::Running(thread) => thread.join().ok().and_then(Result::ok).flatten(),
            Recording::Done(inputs) => inputs,
        };
        *recording = Recording::Done(recorded.clone());
        recorded
    }
}
