//! Comparing what was declared with what is there, and showing the difference.

use serde_json::{Value, json};

use super::secret;

/// Above so many characters one side of one object's difference is shortened.
const LONGEST_SIDE: usize = 64 * 1024;
/// Above so many characters in all, later objects' differences are left out.
const LONGEST_DIFF: usize = 512 * 1024;

/// The paths at which two values differ (`json_data.httpMethod`, `panels[3].title`), sorted.
pub fn differing(before: &Value, after: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    walk(before, after, String::new(), &mut paths);
    paths
}

fn walk(before: &Value, after: &Value, path: String, paths: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let null = Value::Null;
                match (one.get(key), other.get(key)) {
                    (Some(a), Some(b)) => walk(a, b, here, paths),
                    (a, b) if a.unwrap_or(&null) == b.unwrap_or(&null) => {}
                    _ => paths.push(here),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() && !one.is_empty() => {
            for (index, (a, b)) in one.iter().zip(other).enumerate() {
                walk(a, b, format!("{path}[{index}]"), paths);
            }
        }
        _ if before == after => {}
        _ => paths.push(path),
    }
}

/// One object's entry in the result's `diff`. Long sides are shortened, saying so.
pub fn entry(noun: &str, name: &str, before: &Value, after: &Value) -> Value {
    // Ansible itself writes "before: " and "after: " in front of these.
    let header = format!("{noun} {name}");
    json!({
        "before": side(before),
        "after": side(after),
        "before_header": header,
        "after_header": header,
    })
}

/// The entries that fit; what was left out is said in a last entry.
pub fn bounded(entries: Vec<Value>) -> Vec<Value> {
    let total = entries.len();
    let mut length = 0;
    let mut kept: Vec<Value> = entries
        .into_iter()
        .take_while(|entry| {
            length += entry.to_string().len();
            length <= LONGEST_DIFF
        })
        .collect();
    if kept.len() < total {
        let note = format!(
            "… the differences of {} more objects are left out here: `objects` names them\n",
            total - kept.len()
        );
        kept.push(json!({"prepared": note}));
    }
    kept
}

fn side(value: &Value) -> Value {
    if value.is_null() {
        return json!({});
    }
    let text = value.to_string();
    if text.len() <= LONGEST_SIDE {
        return value.clone();
    }
    let mut masked = value.clone();
    // Of what is cut off nobody could tell later that it was a secret.
    secret::mask_value(&mut masked);
    let shown: String = serde_json::to_string_pretty(&masked).unwrap_or_default().chars().take(LONGEST_SIDE).collect();
    Value::String(format!("{shown}\n… shortened, it is longer than {LONGEST_SIDE} characters\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_each_place_that_differs() {
        let before = json!({"a": 1, "b": {"c": [1, {"d": 2}], "same": true}, "gone": 1, "null": null});
        let after = json!({"a": 2, "b": {"c": [1, {"d": 3}], "same": true}, "new": 1});
        assert_eq!(differing(&before, &after), ["a", "b.c[1].d", "gone", "new"]);
        assert!(differing(&after, &after).is_empty());
    }

    #[test]
    fn a_long_difference_is_masked_before_it_is_shortened() {
        secret::hide(["lies-across-the-cut-of-a-side"]);
        let long = json!({"text": format!("{}lies-across-the-cut-of-a-side{}", "x".repeat(LONGEST_SIDE - 24), "y".repeat(99))});
        let side = side(&long);
        assert!(side.as_str().is_some_and(|text| text.contains("x****") && !text.contains("lies")), "cut in a secret");
    }

    #[test]
    fn a_long_difference_is_shortened_and_says_so() {
        let long = json!({"text": "x".repeat(LONGEST_SIDE)});
        let entry = entry("dashboard", "Big", &Value::Null, &long);
        assert_eq!(entry["before"], json!({}));
        assert!(entry["after"].as_str().is_some_and(|text| text.contains("shortened")));
        let many = bounded((0..2000).map(|_| json!({"before": "y".repeat(1000)})).collect());
        assert!(many.len() < 2000 && many.last().is_some_and(|last| last.get("prepared").is_some()));
    }
}
