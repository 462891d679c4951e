//! How often an activity that panics is restarted.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The restarts of one activity: a few per minute, each after a longer pause, then none.
#[derive(Debug, Default)]
pub(crate) struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// How many restarts per minute.
    pub(crate) const MAX: usize = 5;

    const WITHIN: Duration = Duration::from_secs(60);

    /// The pause before the second restart. The first has none; each later pause is twice as long.
    const PAUSE: Duration = Duration::from_millis(50);

    /// How long to wait before the next restart. `None` after too many restarts.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        self.next_at(Instant::now())
    }

    fn next_at(&mut self, now: Instant) -> Option<Duration> {
        self.0.retain(|before| now.duration_since(*before) < Self::WITHIN);
        if self.0.len() >= Self::MAX {
            return None;
        }
        let doublings = u32::try_from(self.0.len()).unwrap_or(u32::MAX).checked_sub(1);
        self.0.push_back(now);
        Some(doublings.map_or(Duration::ZERO, |doublings| Self::PAUSE * 2_u32.pow(doublings)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_restarts_stop_for_a_minute() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        let pauses: Vec<_> = (0..6).map(|_| restarts.next_at(now)).collect();
        let expected = [Some(0), Some(50), Some(100), Some(200), Some(400), None];
        assert_eq!(pauses, expected.map(|pause| pause.map(Duration::from_millis)));
        assert_eq!(restarts.next_at(now + Restarts::WITHIN), Some(Duration::ZERO));
    }
}
