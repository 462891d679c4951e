//! Panics on purpose, for the tests of what becomes of panics.
//!
//! Internal: `SUPERCARGO_PANIC_IN` names places in the program, `watch` or `watch*9,owner`, and how
//! often each panics, once if nothing is said. Every such panic is caught like any other, so the
//! variable changes nothing but what is logged and how long things take. It comes from the user's
//! own environment; nothing that a repository can write sets it.

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The places that panic, with how often they still do.
static WANTED: LazyLock<Vec<(String, AtomicUsize)>> =
    LazyLock::new(|| wanted(&env::var("SUPERCARGO_PANIC_IN").unwrap_or_default()));

/// Panics if the environment asks for that at this place.
pub(crate) fn failpoint(name: &str) {
    let Some((_, left)) = WANTED.iter().find(|(wanted, _)| wanted == name) else { return };
    let one_less = |left: usize| left.checked_sub(1);
    let is_wanted = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
    assert!(!is_wanted, "panic on purpose in `{name}`");
}

fn wanted(value: &str) -> Vec<(String, AtomicUsize)> {
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
        let wanted = wanted("watch, owner*3,,");
        let told: Vec<_> = wanted
            .iter()
            .map(|(name, left)| (name.as_str(), left.load(Ordering::SeqCst)))
            .collect();
        assert_eq!(told, [("watch", 1), ("owner", 3)]);
    }
}
