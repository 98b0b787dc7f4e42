//! Small texts that Grafana makes: times, slugs, hashes. No I/O.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970.
pub(crate) fn micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// The present as `2026-11-23T02:00:51Z`, as most of the API writes it.
pub(crate) fn now() -> String {
    format!("{}Z", civil(micros() / 1_000_000))
}

/// The present with nanoseconds, as library elements, rules and 11.5 folders write it.
pub(crate) fn now_nanos() -> String {
    let us = micros();
    format!("{}.{:06}451Z", civil(us / 1_000_000), us % 1_000_000)
}

/// Seconds since 1970 without a zone.
pub(crate) fn civil(secs: i64) -> String {
    let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    // Howard Hinnant's days-to-civil.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// The address part that Grafana makes of a title: a hash for an empty or a long one.
pub(crate) fn slug(title: &str) -> String {
    let mut out = String::new();
    for c in title.trim().to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            'ä' => out.push_str("ae"),
            'ö' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'á' | 'à' | 'â' | 'ã' | 'å' => out.push('a'),
            'é' | 'è' | 'ê' | 'ë' => out.push('e'),
            'í' | 'ì' | 'î' | 'ï' => out.push('i'),
            'ó' | 'ò' | 'ô' | 'õ' => out.push('o'),
            'ú' | 'ù' | 'û' => out.push('u'),
            'ç' => out.push('c'),
            'ñ' => out.push('n'),
            '&' => out.push_str("and"),
            ' ' | '-' | '_' | '.' | '/' | ',' | ':' | ';' | '(' | ')' | '[' | ']' | '|' | '\'' | '"' => dash(&mut out),
            other => {
                out.push_str(&format!("{:x}", u32::from(other)));
                dash(&mut out);
            }
        }
    }
    let made = out.trim_matches('-');
    if made.is_empty() || made.len() > 50 { sha1(title.trim().as_bytes())[..7].to_owned() } else { made.to_owned() }
}

fn dash(out: &mut String) {
    if !out.ends_with('-') {
        out.push('-');
    }
}

/// Hexadecimal SHA-1, which Grafana's slugs are cut from.
pub(crate) fn sha1(data: &[u8]) -> String {
    let mut h: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut message = data.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&(data.len() as u64 * 8).to_be_bytes());
    for chunk in message.chunks(64) {
        let mut w = [0u32; 80];
        for (i, word) in chunk.chunks(4).enumerate() {
            w[i] = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        }
        for i in 16..80 {
            w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = h;
        for (i, word) in w.iter().enumerate() {
            let (f, k) = match i / 20 {
                0 => ((b & c) | (!b & d), 0x5A82_7999),
                1 => (b ^ c ^ d, 0x6ED9_EBA1),
                2 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
                _ => (b ^ c ^ d, 0xCA62_C1D6),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (part, add) in h.iter_mut().zip([a, b, c, d, e]) {
            *part = part.wrapping_add(add);
        }
    }
    h.iter().map(|part| format!("{part:08x}")).collect()
}

/// The picture address of a login or e-mail; the real one is an MD5, ours only looks like it.
pub(crate) fn avatar(of: &str) -> String {
    format!("/avatar/{}", &sha1(of.as_bytes())[..32])
}

/// What is wrong with an object's uid, in Grafana's words; the limit is 40 characters.
pub(crate) fn uid_fault(uid: &str) -> Option<&'static str> {
    if uid.len() > 40 {
        Some("uid too long, max 40 characters")
    } else if !uid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        Some("uid contains illegal characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn slugs_are_those_of_the_recordings() {
        for (title, slug) in [
            ("Ünïcode / slash & <b>", "uenicode-slash-and-3c-b3e"),
            ("Beta (prod) [x] *", "beta-prod-x-2a"),
            ("Gamma-Delta_eps.zeta", "gamma-delta-eps-zeta"),
            ("", "da39a3e"),
        ] {
            assert_eq!(super::slug(title), slug);
        }
        assert_eq!(super::slug(&"t".repeat(300)), "b7ad23a");
    }
}
