//! Processes that this program has not started.

#[cfg(unix)]
use std::{thread, time::Duration};

#[cfg(unix)]
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

/// How often it is asked where the system does not tell.
#[cfg(unix)]
const ASKED_EVERY: Duration = Duration::from_millis(200);

/// The process that has started this one; `None` where that cannot be told.
#[cfg(unix)]
pub(crate) fn parent() -> Option<u32> {
    rustix::process::getppid().and_then(|id| u32::try_from(id.as_raw_nonzero().get()).ok())
}

/// The process that has started this one; `None` where that cannot be told.
#[cfg(not(unix))]
pub(crate) fn parent() -> Option<u32> {
    None
}

/// Waits until a process has ended.
pub(crate) type WaitForEnd = Box<dyn FnOnce() + Send>;

/// What waits until a process has ended, which is looked for at once. `None` where there is none of
/// that id, as with one of another machine or container, or where it cannot be told.
#[cfg(unix)]
pub(crate) fn end_of(id: u32) -> Option<WaitForEnd> {
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
    is_there(id).then(|| -> WaitForEnd { Box::new(move || ask_until_gone(id)) })
}

/// It cannot be told.
#[cfg(not(unix))]
pub(crate) fn end_of(_: u32) -> Option<WaitForEnd> {
    None
}

#[cfg(unix)]
fn is_there(id: Pid) -> bool {
    matches!(test_kill_process(id), Ok(()) | Err(Errno::PERM))
}

#[cfg(unix)]
fn ask_until_gone(id: Pid) {
    while is_there(id) {
        thread::sleep(ASKED_EVERY);
    }
}

/// The system tells of the end of what a descriptor stands for.
#[cfg(target_os = "linux")]
fn wait_for(process: &rustix::fd::OwnedFd, id: Pid) {
    use rustix::event::{PollFd, PollFlags, poll};

    loop {
        match poll(&mut [PollFd::new(process, PollFlags::IN)], None) {
            Ok(_) => return,
            Err(Errno::INTR) => {}
            Err(_) => return ask_until_gone(id),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_end_of_another_process_is_noticed() {
        let mut other = Command::new("/bin/sh").args(["-c", "exec sleep 600"]).spawn().expect("sh");
        let id = other.id();
        let wait = end_of(id).expect("it is there");
        let waiting = thread::spawn(wait);
        assert!(!waiting.is_finished());
        other.kill().expect("killed");
        other.wait().expect("ended");
        waiting.join().expect("no panic");
        assert!(end_of(id).is_none(), "there is none any more");
    }

    #[test]
    fn what_is_no_process_is_not_waited_for() {
        for id in [0, u32::MAX, i32::MAX.unsigned_abs()] {
            assert!(end_of(id).is_none(), "{id}");
        }
    }
}
