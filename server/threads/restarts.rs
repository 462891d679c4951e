//! How often something that panics is started again.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The restarts of one thing: a few within a minute, each after a longer pause, then none.
#[derive(Debug, Default)]
pub(crate) struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// How many there are within a minute.
    pub(crate) const MOST: usize = 5;

    const WITHIN: Duration = Duration::from_secs(60);

    /// The pause before the second one; the first follows at once, each later one waits twice as
    /// long as the one before it.
    const PAUSE: Duration = Duration::from_millis(50);

    /// Something has panicked: how long to wait before it is started again. `None` when that was
    /// done too often.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        self.next_at(Instant::now())
    }

    fn next_at(&mut self, now: Instant) -> Option<Duration> {
        self.0.retain(|before| now.duration_since(*before) < Self::WITHIN);
        if self.0.len() >= Self::MOST {
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
    fn pauses_grow_until_nothing_is_started_for_a_minute() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        let pauses: Vec<_> = (0..6).map(|_| restarts.next_at(now)).collect();
        let expected = [Some(0), Some(50), Some(100), Some(200), Some(400), None];
        assert_eq!(pauses, expected.map(|pause| pause.map(Duration::from_millis)));
        assert_eq!(restarts.next_at(now + Restarts::WITHIN), Some(Duration::ZERO));
    }
}
