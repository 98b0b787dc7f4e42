//! Secrets: a type that prints as stars, and the mask over everything that leaves the process.
//!
//! The controller masks nothing for a binary module, so the mask works by value on the finished
//! result: plain, base64 at its three alignments (which covers Basic headers), URL-encoded and
//! JSON-escaped. Keys are never masked. A value shorter than four characters is masked only where
//! it stands alone, since it would otherwise blacken half of every sentence.

use std::{borrow::Cow, collections::BTreeSet, fmt, sync::RwLock};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// What stands in the place of a secret.
pub const STARS: &str = "********";

/// Text that appears in no output. `expose` gives it to the request that needs it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the service and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(STARS)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(STARS)
    }
}

/// As stars: only `expose` gives the value, so a snapshot or a diff cannot carry it by accident.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(STARS)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "x-no-log": true})
    }

    fn inline_schema() -> bool {
        true
    }
}

/// The values to hide, for the whole process: the panic hook needs them too.
static VALUES: RwLock<Vec<Mask>> = RwLock::new(Vec::new());

/// One secret in all the forms in which it could leave.
#[derive(Clone)]
struct Mask {
    forms: Vec<String>,
    /// Shorter than four characters: hidden only where it stands alone.
    alone: bool,
}

/// From now on these values are hidden in everything that leaves the process.
pub fn hide<'a>(values: impl IntoIterator<Item = &'a str>) {
    let mut all = VALUES.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    for value in values {
        if !value.is_empty() && !all.iter().any(|mask| mask.forms[0] == value) {
            all.push(Mask { forms: forms(value), alone: value.chars().count() < 4 });
        }
        // A secret that spans lines (a key) may be quoted line by line.
        for line in value.lines().filter(|line| value.contains('\n') && line.trim().len() >= 16) {
            let line = line.trim();
            if !line.starts_with("-----") && !all.iter().any(|mask| mask.forms[0] == line) {
                all.push(Mask { forms: forms(line), alone: false });
            }
        }
    }
    // The longest first: a secret that contains another one must not leave its rest behind.
    all.sort_by_key(|mask| std::cmp::Reverse(mask.forms[0].len()));
}

/// The text with every secret in it replaced by stars.
pub fn mask(text: &str) -> String {
    let all = VALUES.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut masked = text.to_owned();
    for mask in all.iter() {
        for form in &mask.forms {
            if masked.contains(form.as_str()) {
                masked = if mask.alone { replace_alone(&masked, form) } else { masked.replace(form.as_str(), STARS) };
            }
        }
    }
    masked
}

/// The value with every secret in its texts and numbers replaced; keys stay.
pub fn mask_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            let masked = mask(text);
            if masked != *text {
                *text = masked;
            }
        }
        Value::Number(number) => {
            let text = number.to_string();
            let all = VALUES.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            if all.iter().any(|mask| !mask.alone && mask.forms[0] == text) {
                *value = Value::String(STARS.to_owned());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::Object(entries) => entries.values_mut().for_each(mask_value),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The forms of a secret, its plain one first.
fn forms(value: &str) -> Vec<String> {
    // `encodeURIComponent`, Rust's `url` and Python's `quote` leave different marks alone.
    const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    const JAVASCRIPT: &AsciiSet = &COMPONENT.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
    const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'&').add(b'+');
    const QUOTE: &AsciiSet = &COMPONENT.remove(b'/');
    const USERINFO: &AsciiSet = &QUERY
        .add(b'/')
        .add(b':')
        .add(b';')
        .add(b'=')
        .add(b'@')
        .add(b'[')
        .add(b'\\')
        .add(b']')
        .add(b'^')
        .add(b'|')
        .add(b'?')
        .add(b'`')
        .add(b'{')
        .add(b'}')
        .remove(b'&')
        .remove(b'+');
    let mut all = BTreeSet::new();
    for set in [COMPONENT, JAVASCRIPT, QUERY, QUOTE, USERINFO] {
        let encoded = utf8_percent_encode(value, set).to_string();
        all.insert(with_lowercase_hex(&encoded));
        all.insert(encoded.replace("%20", "+"));
        all.insert(encoded);
    }
    let escaped = json_escaped(value);
    all.insert(json_escaped(&escaped));
    all.insert(escaped.replace('/', "\\/"));
    all.insert(ascii_escaped(&escaped));
    all.insert(escaped);
    // Inside an error a value is often printed by Rust's or Python's debug form.
    all.insert(value.escape_debug().to_string());
    all.insert(value.replace('\\', "\\\\").replace('\'', "\\'"));
    if value.len() >= 4 {
        for encoded in base64_forms(value) {
            all.insert(encoded.replace('+', "-").replace('/', "_"));
            all.insert(utf8_percent_encode(&encoded, COMPONENT).to_string());
            all.insert(encoded);
        }
    }
    all.remove(value);
    all.remove("");
    let mut others: Vec<String> = all.into_iter().collect();
    others.sort_by_key(|form| std::cmp::Reverse(form.len()));
    let mut forms = vec![value.to_owned()];
    forms.append(&mut others);
    forms
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

/// `%2F` as `%2f`, the rest as it is.
fn with_lowercase_hex(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut hex = 0;
    for character in encoded.chars() {
        out.push(if hex > 0 { character.to_ascii_lowercase() } else { character });
        hex = if character == '%' { 2 } else { i32::max(hex - 1, 0) };
    }
    out
}

/// The text as it stands inside a JSON string.
fn json_escaped(value: &str) -> String {
    let quoted = Value::String(value.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The same with everything beyond ASCII as `\uXXXX`, as Python's json writes it.
fn ascii_escaped(value: &str) -> String {
    let mut out = String::new();
    for unit in value.chars() {
        if unit.is_ascii() {
            out.push(unit);
        } else {
            let mut units = [0u16; 2];
            out.extend(unit.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// Replaces `word` where no letter, digit or underscore touches it.
fn replace_alone(text: &str, word: &str) -> String {
    let joins = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, behind) = (&rest[..at], &rest[at + word.len()..]);
        out.push_str(before);
        let touched = joins(before.chars().next_back().or(out.chars().next_back().filter(|_| before.is_empty())))
            || joins(behind.chars().next());
        out.push_str(if touched { word } else { STARS });
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_masked() {
        let secret = "p@ss \"wörd\"/+&%";
        hide([secret]);
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("admin:{secret}"));
        for form in [
            secret.to_owned(),
            json_escaped(secret),
            json_escaped(&json_escaped(secret)),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            format!("{secret:?}"),
        ] {
            let masked = mask(&format!("before {form} behind"));
            assert!(!masked.contains("ss") && masked.contains(STARS), "{form} became {masked}");
        }
        assert!(mask(&format!("Authorization: Basic {basic}")).contains(STARS), "{basic}");
    }

    #[test]
    fn base64_is_masked_at_each_alignment() {
        let secret = "kR9-unlikely-value";
        hide([secret]);
        for before in ["", "a", "ab", "abc"] {
            for behind in ["", "x", "xy"] {
                let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{before}{secret}{behind}"));
                let masked = mask(&encoded);
                assert!(masked.contains(STARS), "{encoded} stayed");
                assert!(masked.len() - STARS.len() <= 10, "{masked} keeps more than its neighbours");
            }
        }
    }

    #[test]
    fn a_short_secret_hides_only_where_it_stands_alone() {
        hide(["zq1"]);
        assert_eq!(mask("user zq1 and zq1x, xzq1, (zq1)"), "user ******** and zq1x, xzq1, (********)");
    }

    #[test]
    fn keys_are_never_masked() {
        hide(["grafana-key"]);
        let mut value = serde_json::json!({"grafana-key": ["grafana-key", 1, null, {"a": "x grafana-key"}]});
        mask_value(&mut value);
        assert_eq!(value, serde_json::json!({"grafana-key": [STARS, 1, null, {"a": "x ********"}]}));
    }

    #[test]
    fn the_longer_secret_goes_first() {
        hide(["longer-value", "longer-value-still"]);
        assert_eq!(mask("longer-value-still"), STARS);
    }

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::new("never-shown-value");
        assert_eq!(format!("{secret} {secret:?}"), format!("{STARS} {STARS}"));
        assert_eq!(serde_json::to_string(&secret).expect("a string serialises"), format!("\"{STARS}\""));
    }
}
