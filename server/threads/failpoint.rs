//! Intentional panics, for tests of panic handling.
//!
//! Internal: `SUPERCARGO_PANIC_IN` names failpoints and how often each panics (once by default):
//! `watch` or `watch*9,owner`. Each panic is caught like any other, so the variable changes only the log
//! and the time. It comes from the user's own environment; a repository cannot set it.

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The failpoints that panic, with the number of panics left.
static FAILPOINTS: LazyLock<Vec<(String, AtomicUsize)>> =
    LazyLock::new(|| failpoints(&env::var("SUPERCARGO_PANIC_IN").unwrap_or_default()));

/// Panics if the environment names this failpoint.
pub(crate) fn failpoint(name: &str) {
    let Some((_, left)) = FAILPOINTS.iter().find(|(failpoints, _)| failpoints == name) else {
        return;
    };
    let one_less = |left: usize| left.checked_sub(1);
    let panics = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
    assert!(!panics, "panic on purpose in `{name}`");
}

fn failpoints(value: &str) -> Vec<(String, AtomicUsize)> {
    let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
    let parts = names.map(|name| match name.split_once('*') {
        Some((name, count)) => (name.to_owned(), count.parse().unwrap_or(1)),
        None => (name.to_owned(), 1),
    });
    parts.map(|(name, count)| (name, AtomicUsize::new(count))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_have_a_count() {
        let failpoints = failpoints("watch, owner*3,,");
        let counts: Vec<_> = failpoints
            .iter()
            .map(|(name, left)| (name.as_str(), left.load(Ordering::SeqCst)))
            .collect();
        assert_eq!(counts, [("watch", 1), ("owner", 3)]);
    }
}
