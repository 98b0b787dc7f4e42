//! When to try again, and how long to wait before.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, Instant, SystemTime},
};

use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::module::signal::interrupted;

/// The first pause is between nothing and this, the next one up to twice as long, and so on.
const FIRST: Duration = Duration::from_millis(200);
/// No pause that we choose ourselves is longer.
const LONGEST: Duration = Duration::from_secs(8);

/// A pause before try number `attempt` (1 is the first repetition): exponential with full jitter,
/// so that writers who failed together do not come back together.
pub fn pause_before(attempt: u32) -> Duration {
    let ceiling = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(8)).min(LONGEST);
    ceiling.mul_f64(random())
}

/// What the server asked for by `Retry-After`: seconds, or a date.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Waits until then; false, and at once, when a signal comes before.
pub(super) fn rest_until(end: Instant) -> bool {
    while !interrupted() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
    false
}

/// A number from 0 up to 1. The standard library seeds its hashers from the system's random source,
/// which is enough for jitter.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn pauses_grow_and_are_bounded() {
        for attempt in 1..40 {
            let pause = pause_before(attempt);
            assert!(pause <= LONGEST && pause <= FIRST * 2u32.saturating_pow(attempt - 1));
        }
        let different: std::collections::BTreeSet<Duration> = (0..20).map(|_| pause_before(5)).collect();
        assert!(different.len() > 10, "there is no jitter: {different:?}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"));
        assert_eq!(retry_after(&headers), Some(Duration::ZERO));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        assert_eq!(retry_after(&headers), None);
    }
}
