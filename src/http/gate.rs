//! How many requests may be under way at once: fewer when the server shows that it is too much.
//!
//! Grafana on SQLite answers "database is locked" from three or four writers on and gains nothing
//! from more (grafana.md fact 49), so the gate halves at each such answer, remembers the number that
//! was too many, and comes back up slowly below it.

use std::sync::{Condvar, Mutex, MutexGuard};

/// After so many good answers in a row one more request is let through at once.
const RAISE_AFTER: u32 = 24;

/// A bound that adapts.
pub struct Gate {
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    limit: usize,
    ceiling: usize,
    under_way: usize,
    good: u32,
}

/// A place; given back when dropped.
pub struct Place<'g>(&'g Gate);

impl Gate {
    /// A gate that begins at `start` and never exceeds `most`.
    pub fn new(start: usize, most: usize) -> Gate {
        let most = most.max(1);
        let state = State { limit: start.clamp(1, most), ceiling: most, under_way: 0, good: 0 };
        Gate { state: Mutex::new(state), freed: Condvar::new() }
    }

    /// Waits for a place.
    pub fn enter(&self) -> Place<'_> {
        let mut state = self.state();
        while state.under_way >= state.limit {
            state = self.freed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.under_way += 1;
        Place(self)
    }

    /// An answer came that shows no overload.
    pub fn went_well(&self) {
        let mut state = self.state();
        state.good += 1;
        if state.good >= RAISE_AFTER && state.limit < state.ceiling {
            state.good = 0;
            state.limit += 1;
            self.freed.notify_one();
        }
    }

    /// An answer came that shows overload: half as many from now on, and never again as many as now.
    pub fn was_too_much(&self) {
        let mut state = self.state();
        state.good = 0;
        state.ceiling = (state.limit - 1).clamp(1, state.ceiling);
        state.limit = (state.limit / 2).max(1);
    }

    /// How many may be under way now.
    pub fn limit(&self) -> usize {
        self.state().limit
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_and_stays_below_what_was_too_much() {
        let gate = Gate::new(8, 32);
        gate.was_too_much();
        assert_eq!(gate.limit(), 4);
        for _ in 0..1000 {
            gate.went_well();
        }
        assert_eq!(gate.limit(), 7, "eight at once were too many");
        for _ in 0..10 {
            gate.was_too_much();
        }
        assert_eq!(gate.limit(), 1);
        for _ in 0..1000 {
            gate.went_well();
        }
        assert_eq!(gate.limit(), 1);
    }

    #[test]
    fn no_more_than_the_limit_are_under_way() {
        let gate = Gate::new(2, 2);
        let most = std::sync::atomic::AtomicUsize::new(0);
        let now = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _place = gate.enter();
                    let here = now.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                    most.fetch_max(here, std::sync::atomic::Ordering::SeqCst);
                    std::thread::sleep(std::time::Duration::from_millis(2));
                    now.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
    }
}
