//! The shortest sequence that still fails.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::{
    Cargo,
    run::Run,
    steps::{Kind, Step},
};

/// How long a shortened sequence may take to reach the right findings.
const SOON: Duration = Duration::from_secs(4);

/// How many shortened sequences are tried.
const ATTEMPTS: usize = 40;

/// Runs `what`; a panic of the harness is a failure, too.
pub(super) fn attempt(what: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(what)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|&words| words.to_owned()));
        Err(words.unwrap_or_else(|| "a panic".to_owned()))
    })
}

/// Fails with the shortest failing sequence that it finds.
pub(super) fn fail(seed: u64, cargo: Cargo, done: &[Step], run: &Run, why: &str) -> ! {
    let mut shortest = done.to_vec();
    let mut shortest_failure = None;
    let mut attempts = 0;
    let mut fails = |steps: &[Step]| {
        attempts += 1;
        let mut again = Run::start(seed, cargo);
        again.limit = SOON;
        let failed = attempt(|| again.go(steps)).err();
        let failed = failed.map(|why| (again.log(), why));
        again.give_up();
        failed
    };
    let mut size = shortest.len();
    let mut left = ATTEMPTS;
    while size > 0 {
        let mut removed = false;
        let mut at = 0;
        while at < shortest.len() && left > 0 {
            let until = (at + size).min(shortest.len());
            let mut shortened = shortest.clone();
            shortened.drain(at..until);
            if shortened.last().is_none_or(|step| step.kind != Kind::Compare) {
                shortened.push(shortest[shortest.len() - 1]);
            }
            left -= 1;
            match fails(&shortened).filter(|_| shortened.len() < shortest.len()) {
                Some(failure) => {
                    (shortest, shortest_failure, removed) = (shortened, Some(failure), true);
                }
                None => at = until,
            }
        }
        if left == 0 {
            break;
        }
        if !removed || size > shortest.len() {
            size /= 2;
        }
    }
    let first = format!("{}\n{why}", run.log());
    match shortest_failure {
        Some((log, why)) => panic!(
            "SUPERCARGO_SEED={seed} fails; the shortest sequence that does, of {attempts} tried:\n\
             {log}\n{why}\n\nAt first it was:\n{first}"
        ),
        None => {
            panic!("SUPERCARGO_SEED={seed} fails, but not when repeated from the start:\n{first}")
        }
    }
}
