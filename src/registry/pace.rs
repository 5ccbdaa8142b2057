//! How fast one host may be asked: a host that says "too many requests" to one question is asked more slowly by all.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The time between two requests after the first "too many".
const FIRST_GAP: Duration = Duration::from_millis(50);
/// The longest time between two requests.
const LONGEST_GAP: Duration = Duration::from_secs(1);
/// Below this, requests go out as they come.
const SHORTEST_GAP: Duration = Duration::from_millis(2);

/// The pace of one host.
#[derive(Debug, Default)]
pub(super) struct Pace {
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// When the next request may go out.
    next: Option<Instant>,
    /// How far apart requests are.
    gap: Duration,
    /// When the pace was last slowed. What was sent before says nothing new.
    slowed: Option<Instant>,
}

impl Pace {
    /// When a request may go out; or how long the host wants to be left alone, where that is beyond `deadline`.
    pub fn turn(&self, deadline: Instant) -> Result<Instant, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = state.next.map_or(now, |next| next.max(now));
        if turn > now && turn >= deadline {
            return Err(turn - now);
        }
        state.next = (!state.gap.is_zero()).then(|| turn + state.gap);
        Ok(turn)
    }

    /// The host said "too many" to a request of the time `sent`, and wants to be left alone for `wait`. Requests will not be
    /// further apart than `longest_gap`, so that those who stand in line have their turn before their deadline.
    pub fn slow(&self, sent: Instant, wait: Duration, longest_gap: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(until) = now.checked_add(wait) {
            state.next = Some(state.next.map_or(until, |next| next.max(until)));
        }
        if state.slowed.is_none_or(|slowed| slowed < sent) {
            state.gap = (state.gap * 2)
                .max(FIRST_GAP)
                .min(LONGEST_GAP.min(longest_gap));
            state.slowed = Some(now);
        }
    }

    /// The host gave a good answer.
    pub fn ease(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.gap = state.gap / 8 * 7;
        if state.gap < SHORTEST_GAP {
            state.gap = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test]
    async fn nobody_waits_until_a_host_says_too_many() {
        let pace = Pace::default();
        for _ in 0..100 {
            assert!(pace.turn(far()).expect("a turn") <= Instant::now());
        }
    }

    #[tokio::test]
    async fn one_too_many_holds_back_all_and_spaces_them_out() {
        let pace = Pace::default();
        let begun = Instant::now();
        // A whole burst is told the same: it counts once.
        for _ in 0..64 {
            pace.slow(begun, Duration::from_secs(2), LONGEST_GAP);
        }
        let first = pace.turn(far()).expect("a turn");
        let second = pace.turn(far()).expect("a turn");
        assert!(first >= begun + Duration::from_secs(2));
        assert_eq!(second - first, FIRST_GAP);
        for _ in 0..40 {
            pace.ease();
        }
        assert_eq!(pace.state.lock().expect("unpoisoned").gap, Duration::ZERO);
    }

    #[tokio::test]
    async fn however_often_a_host_says_too_many_all_who_wait_have_their_turn() {
        let pace = Pace::default();
        let longest_gap = Duration::from_millis(40);
        for _ in 0..20 {
            pace.slow(Instant::now(), Duration::ZERO, longest_gap);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        for _ in 0..64 {
            assert!(pace.turn(deadline).expect("a turn") < deadline);
        }
    }

    #[tokio::test]
    async fn a_turn_beyond_the_deadline_is_told_at_once() {
        let pace = Pace::default();
        pace.slow(Instant::now(), Duration::from_hours(1), LONGEST_GAP);
        let wait = pace.turn(far()).expect_err("too late");
        assert!(wait > Duration::from_mins(59), "{wait:?}");
        pace.slow(Instant::now(), Duration::MAX, LONGEST_GAP);
    }
}
