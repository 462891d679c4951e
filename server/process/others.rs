//! Processes that this program did not start.

#[cfg(unix)]
use std::{thread, time::Duration};

#[cfg(unix)]
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

/// How often to check whether a process is running, where the system sends no event.
#[cfg(unix)]
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The process that started this one; `None` if unknown.
#[cfg(unix)]
pub(crate) fn parent_process() -> Option<u32> {
    rustix::process::getppid().and_then(|id| u32::try_from(id.as_raw_nonzero().get()).ok())
}

/// The process that started this one; `None` if unknown.
#[cfg(not(unix))]
pub(crate) fn parent_process() -> Option<u32> {
    None
}

/// Waits until a process has ended.
pub(crate) type WaitForEnd = Box<dyn FnOnce() + Send>;

/// Returns a function that waits until a process has ended. `None` if there is no process with this id
/// (it may run on another machine or in another container), or if that cannot be determined.
#[cfg(unix)]
pub(crate) fn wait_for_process(id: u32) -> Option<WaitForEnd> {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{PidfdFlags, pidfd_open};

        match pidfd_open(id, PidfdFlags::empty()) {
            Ok(process) => return Some(Box::new(move || wait_for(&process, id))),
            Err(Errno::SRCH) => return None,
            // An old kernel.
            Err(_) => {}
        }
    }
    is_there(id).then(|| -> WaitForEnd { Box::new(move || poll_until_gone(id)) })
}

/// Not supported on this system.
#[cfg(not(unix))]
pub(crate) fn wait_for_process(_: u32) -> Option<WaitForEnd> {
    None
}

#[cfg(unix)]
fn is_there(id: Pid) -> bool {
    matches!(test_kill_process(id), Ok(()) | Err(Errno::PERM))
}

#[cfg(unix)]
fn poll_until_gone(id: Pid) {
    while is_there(id) {
        thread::sleep(POLL_INTERVAL);
    }
}

/// Waits for the event that a process descriptor sends when the process ends.
#[cfg(target_os = "linux")]
fn wait_for(process: &rustix::fd::OwnedFd, id: Pid) {
    use rustix::event::{PollFd, PollFlags, poll};

    loop {
        match poll(&mut [PollFd::new(process, PollFlags::IN)], None) {
            Ok(_) => return,
            Err(Errno::INTR) => {}
            Err(_) => return poll_until_gone(id),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn wait_returns_when_the_process_ends() {
        let mut other = Command::new("/bin/sh").args(["-c", "exec sleep 600"]).spawn().expect("sh");
        let id = other.id();
        let wait = wait_for_process(id).expect("it is there");
        let waiting = thread::spawn(wait);
        assert!(!waiting.is_finished());
        other.kill().expect("killed");
        other.wait().expect("ended");
        waiting.join().expect("no panic");
        assert!(wait_for_process(id).is_none(), "it has ended");
    }

    #[test]
    fn invalid_process_id_is_not_waited_for() {
        for id in [0, u32::MAX, i32::MAX.unsigned_abs()] {
            assert!(wait_for_process(id).is_none(), "{id}");
        }
    }
}
