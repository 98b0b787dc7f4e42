//! Finds all secrets of a process in a text, in one walk over it for each layer of escapes.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::decoded::{Decoded, folded, may_have_escapes};

/// So many layers of escapes are taken off a text: JSON in JSON, an address in an address, and one more for
/// secrets that hold escapes themselves.
const LAYERS: usize = 3;

/// The secrets in the forms that are looked for.
pub(super) struct Matcher {
    /// Sorted by their bytes; those of one byte are in `single`.
    patterns: Vec<Pattern>,
    /// For each pair of bytes the first pattern that does not begin below it.
    begin: Vec<u32>,
    /// Secrets of a single byte.
    single: [bool; 256],
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    bytes: Vec<u8>,
    /// Hidden only where it stands alone.
    alone: bool,
}

impl Matcher {
    /// A matcher for these values.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Matcher {
        let mut patterns = BTreeSet::new();
        let mut single = [false; 256];
        for value in values {
            match value.as_bytes() {
                [] => {}
                [byte] => single[usize::from(*byte)] = true,
                _ => add(value, &mut patterns),
            }
        }
        let patterns: Vec<Pattern> = patterns.into_iter().collect();
        let mut begin = vec![0; (1 << 16) + 1];
        for pattern in &patterns {
            begin[pair(&pattern.bytes) + 1] += 1;
        }
        for at in 1..begin.len() {
            begin[at] += begin[at - 1];
        }
        Matcher { patterns, begin, single }
    }

    /// Where secrets stand in the text: sorted, without overlaps.
    pub fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        self.search(text.as_bytes(), |from, to| places.push((from, to)));
        if may_have_escapes(text) {
            let mut layer = Decoded::new(text);
            for _ in 0..LAYERS {
                let Some(next) = layer.once_more() else { break };
                layer = next;
                self.search(&layer.bytes, |from, to| places.push(layer.place(from, to)));
            }
        }
        // The encoded bytes of a secret may begin inside a character.
        for (from, to) in &mut places {
            while !text.is_char_boundary(*from) {
                *from -= 1;
            }
            while !text.is_char_boundary(*to) {
                *to += 1;
            }
        }
        places.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::with_capacity(places.len());
        for (from, to) in places {
            match merged.last_mut() {
                Some(last) if from < last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        merged
    }

    fn search(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        for at in 0..text.len() {
            let rest = &text[at..];
            if self.single[usize::from(rest[0])] && stands_alone(text, at, at + 1) {
                found(at, at + 1);
            }
            if rest.len() < 2 {
                break;
            }
            let pair = pair(rest);
            let (first, end) = (self.begin[pair] as usize, self.begin[pair + 1] as usize);
            for pattern in &self.patterns[first..end] {
                let to = at + pattern.bytes.len();
                if rest.starts_with(&pattern.bytes) && (!pattern.alone || stands_alone(text, at, to)) {
                    found(at, to);
                }
            }
        }
    }
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// Adds what a value is looked for as: itself, and what is left of it when the marks in it are taken for escapes
/// (an encoder may leave `%` or `+` as they are). Likewise in base64, which covers Basic headers.
fn add(value: &str, patterns: &mut BTreeSet<Pattern>) {
    let short = value.chars().count() < 4;
    let mut encoded = BTreeSet::new();
    if value.len() >= 4 {
        for text in base64_forms(value) {
            encoded.insert(text.replace('+', "-").replace('/', "_"));
            encoded.insert(text);
        }
    }
    for form in encoded.iter().map(String::as_str).chain([value]) {
        let alone = short && form == value;
        patterns.insert(Pattern { bytes: form.as_bytes().to_vec(), alone });
        let folded = form.bytes().map(folded).collect();
        let once = Decoded::new(form).once_more();
        let twice = once.as_ref().and_then(Decoded::once_more);
        for bytes in [Some(folded), once.map(|once| once.bytes), twice.map(|twice| twice.bytes)].into_iter().flatten() {
            let characters = String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_whitespace()).count();
            // What little is left of `%41%42` or `++++` stands in every text.
            if characters >= if alone { 2 } else { 4 } {
                patterns.insert(Pattern { bytes, alone });
            }
        }
    }
}

/// What a value looks like inside a longer base64 text, whatever stands before and behind it: at
/// each of the three alignments, without the characters that its neighbours take part in.
fn base64_forms(value: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for offset in 0..3 {
        let mut bytes = vec![0u8; offset];
        bytes.extend_from_slice(value.as_bytes());
        let encoded = STANDARD_NO_PAD.encode(&bytes);
        let start = [0, 2, 3][offset];
        let end = if bytes.len() % 3 == 0 { encoded.len() } else { encoded.len() - 1 };
        if end > start + 3 {
            all.push(encoded[start..end].to_owned());
        }
    }
    all
}

/// Whether no letter, digit or underscore touches that part of the text.
fn stands_alone(text: &[u8], from: usize, to: usize) -> bool {
    let joins = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let before = String::from_utf8_lossy(&text[from.saturating_sub(4)..from]);
    let behind = String::from_utf8_lossy(&text[to..text.len().min(to + 4)]);
    !joins(before.chars().next_back()) && !joins(behind.chars().next())
}
