//! Times as authentik reads and writes them, and its durations.

use crate::text::{civil, micros};

/// Now, with microseconds.
pub(crate) fn now() -> String {
    at(micros())
}

/// So many seconds from now.
pub(crate) fn later(seconds: i64) -> String {
    at(micros() + seconds * 1_000_000)
}

fn at(micros: i64) -> String {
    format!("{}.{:06}Z", civil(micros.div_euclid(1_000_000)), micros.rem_euclid(1_000_000))
}

/// Seconds since 1970 of an ISO time; none where it is no time.
pub(crate) fn read(text: &str) -> Option<i64> {
    let (date, rest) = text.trim().split_once(['T', ' '])?;
    let mut parts = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let (clock, offset) = match rest.find(['Z', '+', '-']) {
        Some(at) => (&rest[..at], &rest[at..]),
        None => (rest, "Z"),
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let second = parts.next().map_or(Some(0.0), |s| s.parse::<f64>().ok())? as i64;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    let shift = if offset == "Z" {
        0
    } else {
        let (sign, digits) = offset.split_at(1);
        let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
        let minutes =
            digits.get(..2)?.parse::<i64>().ok()? * 60 + digits.get(2..4).unwrap_or("00").parse::<i64>().ok()?;
        if sign == "-" { -minutes * 60 } else { minutes * 60 }
    };
    // Days since 1970 (Howard Hinnant).
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - shift)
}

/// A time that was read, in UTC, with the fraction that it had.
pub(crate) fn written(seconds: i64, text: &str) -> String {
    let fraction: String = text
        .split_once('.')
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect())
        .unwrap_or_default();
    let fraction = if fraction.is_empty() { fraction } else { format!(".{fraction:0<6.6}") };
    format!("{}{fraction}Z", civil(seconds))
}

/// Seconds of `hours=1;minutes=2`.
pub(crate) fn duration(text: &str) -> Option<i64> {
    text.split(';').filter(|part| !part.trim().is_empty()).try_fold(0, |sum, part| {
        let (unit, count) = part.split_once('=')?;
        let seconds = match unit.trim() {
            "weeks" => 604_800.0,
            "days" => 86_400.0,
            "hours" => 3600.0,
            "minutes" => 60.0,
            "seconds" => 1.0,
            "milliseconds" => 0.001,
            "microseconds" => 0.000_001,
            _ => return None,
        };
        Some(sum + (count.trim().parse::<f64>().ok()? * seconds) as i64)
    })
}
