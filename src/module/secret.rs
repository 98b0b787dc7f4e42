//! Secrets: a type that prints as stars, and the mask over everything that leaves the process.
//!
//! The controller masks nothing for a binary module, so the mask works by value on the finished
//! result: plain, base64 at its three alignments (which covers Basic headers), and escaped as addresses,
//! forms, JSON and HTML do it, up to twice. Keys are never masked. A value shorter than four characters
//! is masked only where it stands alone, since it would otherwise blacken half of every sentence.

mod decoded;
mod matcher;

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use matcher::Matcher;

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
static HIDDEN: RwLock<Hidden> = RwLock::new(Hidden { values: BTreeSet::new(), matcher: None });

struct Hidden {
    values: BTreeSet<String>,
    /// Made when something is masked, since thousands of objects may each have secrets to hide.
    matcher: Option<Arc<Matcher>>,
}

/// From now on these values are hidden in everything that leaves the process.
pub fn hide<'a>(values: impl IntoIterator<Item = &'a str>) {
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    for value in values {
        // A secret that spans lines (a key) may be quoted line by line.
        let lines = value.lines().map(str::trim).filter(|line| value.contains('\n') && line.len() >= 16);
        for part in lines.filter(|line| !line.starts_with("-----")).chain([value]) {
            if !part.is_empty() && hidden.values.insert(part.to_owned()) {
                hidden.matcher = None;
            }
        }
    }
}

fn matcher() -> Arc<Matcher> {
    let values = {
        let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
        match &hidden.matcher {
            Some(matcher) => return Arc::clone(matcher),
            None => hidden.values.clone(),
        }
    };
    let matcher = Arc::new(Matcher::new(values.iter().map(String::as_str)));
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    if hidden.values.len() == values.len() {
        hidden.matcher = Some(Arc::clone(&matcher));
    }
    matcher
}

/// The text with every secret in it replaced by stars.
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for (from, to) in matcher().places(text) {
        masked.push_str(&text[done..from]);
        masked.push_str(STARS);
        done = to;
    }
    masked + &text[done..]
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
            let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
            if text.len() >= 4 && hidden.values.contains(&text) {
                *value = Value::String(STARS.to_owned());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::Object(entries) => entries.values_mut().for_each(mask_value),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    /// Each byte that `escaped` asks for as `%XX`, the rest as it is.
    fn percent(text: &str, lower: bool, escaped: impl Fn(u8) -> bool) -> String {
        let encode = |byte: u8| match (escaped(byte), lower) {
            (false, _) => vec![byte],
            (true, true) => format!("%{byte:02x}").into_bytes(),
            (true, false) => format!("%{byte:02X}").into_bytes(),
        };
        String::from_utf8(text.bytes().flat_map(encode).collect()).expect("what is beyond ASCII is escaped")
    }

    #[test]
    fn every_form_of_a_secret_is_masked() {
        let secret = "p-_.~@ss \"wörd\"/+&%<4>\\'n!*()$:;=?";
        hide([secret]);
        let json = |text: &str| {
            let quoted = Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let all = percent(secret, false, |byte| !byte.is_ascii_alphanumeric());
        let component = percent(secret, false, |byte| !unreserved(byte));
        let beyond = |text: &str, escape: &dyn Fn(char) -> String| -> String {
            text.chars().map(|c| if c.is_ascii() { c.to_string() } else { escape(c) }).collect()
        };
        let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let forms = [
            secret.to_owned(),
            // Addresses and forms.
            all.clone(),
            all.to_lowercase(),
            component.clone(),
            component.replace("%20", "+"),
            component.replace("%2F", "%2f"),
            percent(secret, false, |byte| !unreserved(byte) && !b"!*'()".contains(&byte)),
            percent(secret, true, |byte| !unreserved(byte) && byte != b'/'),
            // Go's path: these marks stay.
            percent(secret, false, |byte| !unreserved(byte) && !b"$&+:=@".contains(&byte)),
            // One that leaves the percent sign alone.
            percent(secret, false, |byte| b" \"#<>&".contains(&byte) || byte >= 128),
            percent(&component, false, |byte| !unreserved(byte)),
            // JSON, of Rust, Go and Python.
            json(secret),
            json(&json(secret)),
            json(secret).replace('/', "\\/"),
            json(secret).replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e"),
            beyond(&json(secret), &|c| format!("\\u{:04x}", u32::from(c))),
            beyond(&json(secret), &|c| format!("\\u{:04X}", u32::from(c))),
            format!("{secret:?}"),
            secret.replace('\\', "\\\\").replace('\'', "\\'"),
            // Pages.
            html.replace('"', "&#34;").replace('\'', "&#39;"),
            html.replace('"', "&quot;").replace('\'', "&#x27;"),
            json(&html.replace('"', "&quot;")),
        ];
        for form in forms {
            let masked = mask(&format!("before {form} behind"));
            assert!(masked.replace('"', "") == format!("before {STARS} behind"), "{form} became {masked}");
        }
        let basic = STANDARD.encode(format!("admin:{secret}"));
        assert!(mask(&format!("Authorization: Basic {basic}")).contains(STARS), "{basic}");
    }

    #[test]
    fn a_secret_that_looks_like_escapes_hides_itself_and_little_else() {
        hide(["%41%42", "++++", "a%41-unlikely b"]);
        assert_eq!(mask("AB %41%42 and    blanks, ++++"), format!("AB {STARS} and    blanks, {STARS}"));
        assert_eq!(mask("a%41-unlikely%20b a%2541-unlikely+b"), format!("{STARS} {STARS}"));
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_of_each_other() {
        hide(["overlap-one-mid", "mid-overlap-two"]);
        assert_eq!(mask("x overlap-one-mid-overlap-two y"), format!("x {STARS} y"));
    }

    #[test]
    fn many_secrets_in_a_long_text_are_found_at_once() {
        let secret = |number: u32| format!("glsa_{:08x}{:08x}", number.wrapping_mul(2_654_435_761), number);
        let secrets: Vec<String> = (0..500).map(secret).collect();
        let matcher = Matcher::new(secrets.iter().map(String::as_str));
        let mut text = r#"{"targets": [{"expr": "rate(x[5m]) \u003e 1 \\ up%20+"}]}, glsa_none "#.repeat(4_000);
        text.push_str(&secrets[321]);
        let started = std::time::Instant::now();
        assert_eq!(matcher.places(&text), [(text.len() - secrets[321].len(), text.len())]);
        // Without optimisation, and on a machine that does other things too: to walk over it for each secret
        // would take minutes.
        assert!(started.elapsed().as_secs() < 10, "it took {:?}", started.elapsed());
    }

    #[test]
    fn base64_is_masked_at_each_alignment() {
        let secret = "kR9-unlikely-value";
        hide([secret]);
        for before in ["", "a", "ab", "abc"] {
            for behind in ["", "x", "xy"] {
                let encoded = STANDARD.encode(format!("{before}{secret}{behind}"));
                let masked = mask(&encoded);
                assert!(masked.contains(STARS), "{encoded} stayed");
                assert!(masked.len() - STARS.len() <= 10, "{masked} keeps more than its neighbours");
            }
        }
    }

    #[test]
    fn a_short_secret_hides_only_where_it_stands_alone() {
        hide(["zq1", "q+7", "ßß"]);
        assert_eq!(mask("user zq1 and zq1x, xzq1, (zq1)"), "user ******** and zq1x, xzq1, (********)");
        assert_eq!(mask(r"ézq1 \u00e9zq1 “zq1” \nzq1"), r"ézq1 \u00e9zq1 “********” \n********");
        assert_eq!(
            mask("q+7, q%2b7, q+77, xßß, ßß, %C3%9F%C3%9Fx"),
            "********, ********, q+77, xßß, ********, %C3%9F%C3%9Fx"
        );
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
