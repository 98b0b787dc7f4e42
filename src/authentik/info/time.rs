//! Times and spans of time as tasks and authentik write them, in seconds.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::module::{Error, Result};

/// A day.
pub const DAY: i64 = 86_400;

/// The present.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// `30d`, `24h`, `1h 30m`; a bare number is of days.
pub fn span(text: &str, option: &str) -> Result<i64> {
    let text = text.trim();
    if let Ok(days) = text.parse::<u32>() {
        return Ok(i64::from(days) * DAY);
    }
    match humantime::parse_duration(text) {
        Ok(span) => Ok(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)),
        Err(_) => Err(Error::bad_options(format!("{option} `{text}` is no span of time"))
            .hint("write a number and a unit, such as 24h, 30d or 4w")),
    }
}

/// A time as ISO 8601 has it: a date, or a date and a time, with `Z`, an offset or nothing behind, which is UTC.
pub fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let (text, offset) = match text.char_indices().rfind(|(_, character)| matches!(character, '+' | '-')) {
        Some((at, sign)) if at > 10 => {
            let digits: String = text[at + 1..].chars().filter(|character| *character != ':').collect();
            let (hours, minutes) = (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..).unwrap_or_default());
            let minutes = if minutes.is_empty() { 0 } else { minutes.parse::<i64>().ok()? };
            let seconds = hours * 3600 + minutes * 60;
            (&text[..at], if sign == '-' { -seconds } else { seconds })
        }
        _ => (text, 0),
    };
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let time = humantime::parse_rfc3339_weak(&whole).ok()?;
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs() as i64;
    Some(seconds - offset)
}

/// A time, or a span that counts back from now.
pub fn moment_or_ago(text: &str, option: &str, now: i64) -> Result<i64> {
    match moment(text) {
        Some(moment) => Ok(moment),
        None => span(text, option).map(|span| now.saturating_sub(span)).map_err(|_| {
            Error::bad_options(format!("{option} `{text}` is no time"))
                .hint("write 2026-11-25, 2026-11-25T18:00:00Z, or how long ago it was, such as 24h or 7d")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_and_authentik_write_them() {
        for text in [
            "2026-11-25T22:48:49Z",
            "2026-11-25T22:48:49.424420Z",
            "2026-11-25 22:48:49",
            "2026-11-25T23:48:49+01:00",
            "2026-11-25T17:48:49-0500",
        ] {
            assert_eq!(moment(text), Some(1_795_646_929), "{text}");
        }
        assert_eq!(moment("2026-11-25"), Some(1_795_564_800));
        for text in ["24h", "yesterday", "2026-13-01", "", "2026-11-25T10:00:00+xx"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn spans_are_of_days_where_they_have_no_unit() {
        for (text, seconds) in [("30d", 30 * DAY), ("30", 30 * DAY), ("24h", DAY), ("2w", 14 * DAY), ("1h 30m", 5400)] {
            assert_eq!(span(text, "ends_within").expect("a span"), seconds, "{text}");
        }
        let told = span("soon", "ends_within").expect_err("to be refused").to_string();
        assert!(told.starts_with("ends_within `soon` is no span of time"), "{told}");
        assert_eq!(moment_or_ago("24h", "since", 100_000).expect("a time"), 13_600);
        assert!(moment_or_ago("soon", "since", 0).is_err());
    }
}
