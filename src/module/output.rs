//! The one line on stdout: printed once, also when the module panics, and masked.

use std::{
    io::Write,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use super::secret;

static PRINTED: AtomicBool = AtomicBool::new(false);

/// Words of the result that a play branches on: never masked, whatever the secrets are.
const FIXED: [&str; 1] = ["action"];

/// Prints the result as one line, with every secret in it masked. Only the first call prints, and whoever makes
/// another one waits for the end of the process, which is the first one's to bring about.
pub fn print_once(mut result: Value) {
    if PRINTED.swap(true, Ordering::SeqCst) {
        loop {
            std::thread::park();
        }
    }
    mask_result(&mut result);
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
        print_once(json!({
            "failed": true,
            "changed": false,
            "msg": format!(
                "{module} ended by an error of its own{place}: {what}; hint: please report it; what was changed before is not known here: run again with --check --diff to see"
            ),
        }));
        std::process::exit(1);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

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
