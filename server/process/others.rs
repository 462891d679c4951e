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

/// Waits until a process has ended. `false`, at once, where there is none of that id, as with one of
/// another machine or container, or where it cannot be told.
#[cfg(unix)]
pub(crate) fn wait_for_end_of(id: u32) -> bool {
    let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return false };
    if let Some(known) = told_by_the_system(id) {
        return known;
    }
    let is_there = || matches!(test_kill_process(id), Ok(()) | Err(Errno::PERM));
    if !is_there() {
        return false;
    }
    while is_there() {
        thread::sleep(ASKED_EVERY);
    }
    true
}

/// Waits until a process has ended. `false`, at once, where it cannot be told.
#[cfg(not(unix))]
pub(crate) fn wait_for_end_of(_: u32) -> bool {
    false
}

/// Whether the process has ended, or never was; `None` where the system does not tell.
#[cfg(target_os = "linux")]
fn told_by_the_system(id: Pid) -> Option<bool> {
    use rustix::{
        event::{PollFd, PollFlags, poll},
        process::{PidfdFlags, pidfd_open},
    };

    let process = match pidfd_open(id, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Some(false),
        Err(_) => return None,
    };
    loop {
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], None) {
            Ok(_) => return Some(true),
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn told_by_the_system(_: Pid) -> Option<bool> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_end_of_another_process_is_noticed() {
        let mut other = Command::new("/bin/sh").args(["-c", "exec sleep 600"]).spawn().expect("sh");
        let id = other.id();
        let waiting = thread::spawn(move || wait_for_end_of(id));
        assert!(!waiting.is_finished());
        other.kill().expect("killed");
        // On Linux also before somebody has waited for it.
        if cfg!(not(target_os = "linux")) {
            other.wait().expect("ended");
        }
        assert!(waiting.join().expect("no panic"));
        other.wait().expect("ended");
        assert!(!wait_for_end_of(id), "there is none any more");
    }

    #[test]
    fn what_is_no_process_is_not_waited_for() {
        for id in [0, u32::MAX, i32::MAX.unsigned_abs()] {
            assert!(!wait_for_end_of(id), "{id}");
        }
    }
}
