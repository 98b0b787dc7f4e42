//! When a server counts as dead: several requests in a row gave up without any answer.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// So many requests in a row without an answer, and the server counts as dead for this run.
const DEAD_AFTER: u32 = 3;

/// Counts requests that gave up, not their tries: a server that starts anew is waited for as long as the
/// tries of a request last.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    in_a_row: u32,
    last: Option<Instant>,
}

impl Breaker {
    /// A whole answer came, whatever it says.
    pub fn heard(&self) {
        *self.state() = State::default();
    }

    /// A request that began then gave up. Those that fail together tell the same thing, and count once.
    pub fn silent(&self, began: Instant) {
        let mut state = self.state();
        if state.last.is_none_or(|last| began >= last) {
            state.in_a_row += 1;
            state.last = Some(Instant::now());
        }
    }

    /// Whether nothing more is to be sent.
    pub fn is_open(&self) -> bool {
        self.state().in_a_row >= DEAD_AFTER
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_one_moment_count_once_and_an_answer_ends_the_row() {
        let breaker = Breaker::default();
        let began = Instant::now();
        for _ in 0..8 {
            breaker.silent(began);
        }
        assert!(!breaker.is_open());
        breaker.silent(Instant::now());
        breaker.heard();
        breaker.silent(Instant::now());
        breaker.silent(Instant::now());
        assert!(!breaker.is_open());
        breaker.silent(Instant::now());
        assert!(breaker.is_open());
    }
}
