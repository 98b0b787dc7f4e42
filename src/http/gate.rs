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
    /// How often it was halved.
    halvings: u32,
}

/// A place; given back when dropped.
pub struct Place<'g> {
    gate: &'g Gate,
    halvings: u32,
}

impl Gate {
    /// A gate that begins at `start` and never exceeds `most`.
    pub fn new(start: usize, most: usize) -> Gate {
        let most = most.max(1);
        let state = State { limit: start.clamp(1, most), ceiling: most, under_way: 0, good: 0, halvings: 0 };
        Gate { state: Mutex::new(state), freed: Condvar::new() }
    }

    /// Waits for a place.
    pub fn enter(&self) -> Place<'_> {
        let mut state = self.state();
        while state.under_way >= state.limit {
            state = self.freed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.under_way += 1;
        Place { gate: self, halvings: state.halvings }
    }

    /// How many may be under way now.
    pub fn limit(&self) -> usize {
        self.state().limit
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Place<'_> {
    /// An answer came that shows no overload.
    pub fn went_well(&self) {
        let mut state = self.gate.state();
        state.good += 1;
        if state.good >= RAISE_AFTER && state.limit < state.ceiling {
            state.good = 0;
            state.limit += 1;
            self.gate.freed.notify_one();
        }
    }

    /// An answer came that shows overload: half as many from now on, and never again as many as now. Whoever
    /// was let in before the last halving says nothing about the number that came of it.
    pub fn was_too_much(&self) {
        let mut state = self.gate.state();
        state.good = 0;
        if self.halvings == state.halvings {
            state.ceiling = (state.limit - 1).clamp(1, state.ceiling);
            state.limit = (state.limit / 2).max(1);
            state.halvings += 1;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.state().under_way -= 1;
        self.gate.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_and_stays_below_what_was_too_much() {
        let gate = Gate::new(8, 32);
        gate.enter().was_too_much();
        assert_eq!(gate.limit(), 4);
        for _ in 0..1000 {
            gate.enter().went_well();
        }
        assert_eq!(gate.limit(), 7, "eight at once were too many");
        for _ in 0..10 {
            gate.enter().was_too_much();
        }
        assert_eq!(gate.limit(), 1);
        for _ in 0..1000 {
            gate.enter().went_well();
        }
        assert_eq!(gate.limit(), 1);
    }

    #[test]
    fn failures_of_one_moment_halve_it_once() {
        let gate = Gate::new(6, 32);
        let places: Vec<Place<'_>> = (0..6).map(|_| gate.enter()).collect();
        places.iter().for_each(Place::was_too_much);
        drop(places);
        assert_eq!(gate.limit(), 3);
        gate.enter().was_too_much();
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
