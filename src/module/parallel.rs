//! Doing many things at once with a bound.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::error::{Error, ErrorKind, Result};

/// Calls `work` for each item on up to `at_once` threads; results in the order of the items.
pub fn each<T: Sync, R: Send>(items: &[T], at_once: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if items.len() <= 1 || at_once <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once.min(items.len()))
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        match items.get(index) {
                            Some(item) => mine.push((index, work(item))),
                            None => return mine,
                        }
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Calls `work` for each item as [`each`] does, and begins nothing more once one has failed. The error is that of the
/// first that was really tried: one that was held back because of another says nothing.
pub fn all<T: Sync, R: Send>(items: &[T], at_once: usize, work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let failed = AtomicBool::new(false);
    let results = each(items, at_once, |item| {
        if failed.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::NotTried, "not tried, since another one failed"));
        }
        work(item).inspect_err(|_| failed.store(true, Ordering::SeqCst))
    });
    let mut first: Option<Error> = None;
    let mut good = Vec::with_capacity(results.len());
    for result in results {
        match (result, &first) {
            (Ok(one), _) => good.push(one),
            (Err(error), None) => first = Some(error),
            (Err(error), Some(other)) if other.kind == ErrorKind::NotTried && error.kind != ErrorKind::NotTried => {
                first = Some(error);
            }
            (Err(_), Some(_)) => {}
        }
    }
    first.map_or(Ok(good), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<u32> = (0..500).collect();
        for at_once in [1, 2, 32, 1000] {
            assert_eq!(each(&items, at_once, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
        assert!(each(&[] as &[u32], 8, |item| *item).is_empty());
    }

    #[test]
    fn nothing_begins_after_a_failure_and_its_cause_is_told() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(all(&items, 8, |item| Ok(item * 2)).expect("all to go well").len(), 100);
        let begun = AtomicUsize::new(0);
        let error = all(&items, 2, |item| {
            begun.fetch_add(1, Ordering::SeqCst);
            match item {
                0 => {
                    while begun.load(Ordering::SeqCst) < 2 {
                        std::thread::yield_now();
                    }
                    std::thread::sleep(std::time::Duration::from_millis(20));
                    Err(Error::new(ErrorKind::NotTried, "held back"))
                }
                1 => Err(Error::new(ErrorKind::Refused, "answered 401")),
                _ => Ok(()),
            }
        });
        assert_eq!(error.expect_err("a failure").message, "answered 401");
        assert!(begun.into_inner() < 10);
    }
}
