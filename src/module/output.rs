//! The one line on stdout: printed once, also when the module panics, and masked.

use std::{
    io::Write,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use super::{secret, spec::Object};

static PRINTED: AtomicBool = AtomicBool::new(false);

/// Words of the result that a play branches on: never masked, whatever the secrets are.
const FIXED: [&str; 1] = ["action"];

/// The key of what a task asked to see unmasked.
pub const SECRET: &str = "secret";

/// Values that the service made and that a task asked for: they are put into the result behind the mask, each in
/// its place, and only under `no_log`, so that Ansible shows and logs none of it.
#[derive(Default)]
pub struct Shown(Vec<(String, Object)>);

impl Shown {
    /// Takes the places out of a result in which a number stands for each of these values: at the top level, and in
    /// the entries of `objects`.
    pub fn of(result: &mut Value, secrets: Vec<Object>) -> Shown {
        let entries = result["objects"].as_array().map_or(0, Vec::len);
        let places = (0..entries).map(|number| format!("/objects/{number}/{SECRET}")).chain([format!("/{SECRET}")]);
        let mut shown = Shown::default();
        for place in places.filter(|_| !secrets.is_empty()) {
            let Some(value) = result.pointer_mut(&place) else { continue };
            let number = std::mem::replace(value, secret::STARS.into());
            if let Some(secret) = number.as_u64().and_then(|number| secrets.get(number as usize)) {
                shown.0.push((place, secret.clone()));
            }
        }
        shown
    }

    fn put_into(self, masked: &mut Value) {
        for (place, secret) in self.0 {
            if let Some(value) = masked.pointer_mut(&place) {
                *value = Value::Object(secret);
            }
        }
    }
}

/// Prints the result as one line, with every secret in it masked but those that are shown. Only the first call prints, and whoever makes
/// another one waits for the end of the process, which is the first one's to bring about.
pub fn print_once(mut result: Value, shown: Shown) {
    if PRINTED.swap(true, Ordering::SeqCst) {
        loop {
            std::thread::park();
        }
    }
    mask_result(&mut result);
    shown.put_into(&mut result);
    let line = one_line(&result);
    let mut stdout = std::io::stdout().lock();
    // Nobody is left to tell when stdout is closed.
    let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
}

/// JSON takes these three as they are, but Ansible looks for the result by lines, which end at them in Python.
fn one_line(result: &Value) -> String {
    let mut line = String::new();
    for character in result.to_string().chars() {
        match character {
            '\u{85}' => line.push_str("\\u0085"),
            '\u{2028}' => line.push_str("\\u2028"),
            '\u{2029}' => line.push_str("\\u2029"),
            other => line.push(other),
        }
    }
    line.push('\n');
    line
}

fn mask_result(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (key, entry) in entries {
                if !(FIXED.contains(&key.as_str()) && entry.is_string()) {
                    mask_result(entry);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_result),
        other => secret::mask_value(other),
    }
}

/// From now on a panic prints a failed result instead of a text on stderr, and ends the process.
pub fn latch_panics(module: &'static str) {
    std::panic::set_hook(Box::new(move |info| {
        let what = info
            .payload()
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| info.payload().downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
        let told = json!({
            "failed": true,
            "changed": false,
            "msg": format!(
                "{module} ended by an error of its own{place}: {what}; hint: please report it; what was changed before is not known here: run again with --check --diff to see"
            ),
        });
        print_once(told, Shown::default());
        std::process::exit(1);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_its_place_and_nowhere_else() {
        secret::hide(["made-by-the-service"]);
        let made = json!({"key": "made-by-the-service"}).as_object().cloned().expect("a map");
        let mut result = json!({
            "msg": "made-by-the-service", "secret": 0, "objects": [{"name": "first-object"}, {"name": "made-by-the-service", "secret": 0}],
        });
        let shown = Shown::of(&mut result, vec![made.clone()]);
        mask_result(&mut result);
        shown.put_into(&mut result);
        let entry = json!({"name": "********", "secret": made});
        assert_eq!(result, json!({"msg": "********", "secret": made, "objects": [{"name": "first-object"}, entry]}));
        let mut result = json!({"secret": "made-by-the-service", "objects": []});
        let shown = Shown::of(&mut result, Vec::new());
        mask_result(&mut result);
        shown.put_into(&mut result);
        assert_eq!(result["secret"], "********", "what nobody asked for stays masked");
    }

    #[test]
    fn nothing_in_a_result_ends_a_line_for_python() {
        // What `str.splitlines` splits at.
        let text = "a\n\r\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}b";
        let line = one_line(&json!({ text: text }));
        assert!(line.trim_end_matches('\n').chars().all(|c| !c.is_control()), "{line}");
        assert!(!line.contains(['\u{85}', '\u{2028}', '\u{2029}']), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), json!({ text: text }));
    }
}
