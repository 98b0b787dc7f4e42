//! A text without its escapes, each byte with the place where it came from: so a secret is found however it is
//! written, and there is one rule for all the ways of escaping instead of a list of what a library may write.

/// Text on which escapes were resolved.
pub(super) struct Decoded {
    /// The text; no UTF-8 where an escape stood for a lone byte.
    pub bytes: Vec<u8>,
    /// Where each byte begins in the original, and behind the last one the original's length.
    starts: Vec<usize>,
}

impl Decoded {
    /// A text as it is.
    pub fn new(text: &str) -> Decoded {
        Decoded { bytes: text.as_bytes().to_vec(), starts: (0..=text.len()).collect() }
    }

    /// The same with one layer of escapes less, or `None` when it has none.
    pub fn once_more(&self) -> Option<Decoded> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut starts = Vec::with_capacity(self.starts.len());
        let mut at = 0;
        let mut found = false;
        while let Some(byte) = self.bytes.get(at) {
            let length = match escape(&self.bytes[at..]) {
                Some((meant, length)) => {
                    found = true;
                    bytes.extend(meant.into_iter().map(folded));
                    length
                }
                None => {
                    bytes.push(*byte);
                    1
                }
            };
            starts.resize(bytes.len(), self.starts[at]);
            at += length;
        }
        starts.push(self.starts[at]);
        found.then_some(Decoded { bytes, starts })
    }

    /// The place in the original of the bytes from `from` up to `to`, with whole escapes.
    pub fn place(&self, from: usize, to: usize) -> (usize, usize) {
        let last = self.starts[to - 1];
        let end = self.starts[to..].iter().find(|start| **start != last);
        (self.starts[from], end.copied().unwrap_or(last))
    }
}

/// Whether there is anything that looks like an escape.
pub(super) fn may_have_escapes(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'%' | b'+' | b'\\' | b'&'))
}

/// A form writes a blank as `+`, and others leave a `+` as it is: without escapes both are a blank.
pub(super) fn folded(byte: u8) -> u8 {
    if byte == b'+' { b' ' } else { byte }
}

/// What the escape at the beginning of `rest` stands for, and how many bytes it takes.
fn escape(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    match rest.first()? {
        b'%' => Some((vec![u8::try_from(hex(rest.get(1..3)?)?).ok()?], 3)),
        b'+' => Some((vec![b' '], 1)),
        b'\\' => backslash(rest),
        b'&' => entity(rest),
        _ => None,
    }
}

/// The escapes of JSON, and what Rust, Go and Python write beside them.
fn backslash(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let one = |byte: u8| Some((vec![byte], 2));
    match rest.get(1)? {
        b'n' => one(b'\n'),
        b'r' => one(b'\r'),
        b't' => one(b'\t'),
        b'b' => one(8),
        b'f' => one(12),
        b'0' => one(0),
        byte @ (b'\\' | b'/' | b'"' | b'\'') => one(*byte),
        b'x' => character(hex(rest.get(2..4)?)?, 4),
        b'u' if rest.get(2) == Some(&b'{') => {
            let digits = rest[3..].iter().take(7).position(|byte| *byte == b'}')?;
            character(hex(&rest[3..3 + digits])?, digits + 4)
        }
        b'u' => {
            let unit = hex(rest.get(2..6)?)?;
            if !(0xD800..0xDC00).contains(&unit) {
                return character(unit, 6);
            }
            let low = rest.get(6..12).filter(|next| next.starts_with(b"\\u")).and_then(|next| hex(&next[2..]))?;
            let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
            character(0x10000 + ((unit - 0xD800) << 10) + low, 12)
        }
        _ => None,
    }
}

/// An entity of HTML: the five that have names, and those with numbers.
fn entity(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = rest.iter().take(10).position(|byte| *byte == b';')?;
    let code = match &rest[1..end] {
        b"amp" => u32::from(b'&'),
        b"lt" => u32::from(b'<'),
        b"gt" => u32::from(b'>'),
        b"quot" => u32::from(b'"'),
        b"apos" => u32::from(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => hex(digits)?,
        [b'#', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).ok()?.parse().ok()?
        }
        _ => return None,
    };
    character(code, end + 1)
}

fn character(code: u32, length: usize) -> Option<(Vec<u8>, usize)> {
    Some((char::from_u32(code)?.to_string().into_bytes(), length))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let mut value: u32 = 0;
    for digit in digits {
        value = value.checked_mul(16)? + char::from(*digit).to_digit(16)?;
    }
    (!digits.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_escaping_is_resolved() {
        for (text, meant) in [
            ("a%2Fb%2fc+d%2B", "a/b/c d "),
            (r#"\u00fc\u00FC\xfc\u{fc}\ud83d\ude00"#, "üüüü😀"),
            (r#"\n\t\\\/\"\'"#, "\n\t\\/\"'"),
            ("&amp;&lt;&gt;&quot;&#34;&#39;&#x27;&apos;", "&<>\"\"'''"),
        ] {
            let decoded = Decoded::new(text).once_more().expect("there are escapes");
            assert_eq!(String::from_utf8_lossy(&decoded.bytes), meant, "{text}");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in [r"%zz % %4 \q \u12 \ud800 \u{} \u{1234567890} &nothing; &#; &#x; & &;", "a%", "\\", ""] {
            assert!(Decoded::new(text).once_more().is_none(), "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_original() {
        let twice = Decoded::new("x%25%32%36y").once_more().and_then(|once| once.once_more()).expect("two layers");
        assert_eq!(twice.bytes, b"x&y");
        assert_eq!((twice.place(0, 1), twice.place(1, 2), twice.place(2, 3)), ((0, 1), (1, 10), (10, 11)));
        // Of an escape that stands for two bytes never half is taken.
        let wide = Decoded::new("\\u00fc").once_more().expect("an escape");
        assert_eq!((wide.place(0, 1), wide.place(1, 2)), ((0, 6), (0, 6)));
    }
}
