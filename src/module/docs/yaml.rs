//! As much of YAML as the sidecar needs, written the same way each time.

use std::fmt::Write;

use serde_json::Value;

/// Text that would reach beyond this column is folded.
const WIDTH: usize = 110;

/// A map as a YAML document without a start mark.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

/// What follows a key's colon or a list's dash, up to the end of its last line.
fn entry(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(out, value, indent + 2);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            block(out, value, indent + 2);
        }
        Value::String(text) => {
            out.push(' ');
            self::text(out, text, indent + 2);
        }
        other => {
            let _ = writeln!(out, " {other}");
        }
    }
}

fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let _ = write!(out, "{:indent$}{}:", "", scalar(key));
                entry(out, value, indent);
            }
        }
        Value::Array(list) => {
            for value in list {
                let _ = write!(out, "{:indent$}-", "");
                match value {
                    Value::Object(map) if !map.is_empty() => {
                        let mut inner = String::new();
                        block(&mut inner, value, indent + 2);
                        let _ = write!(out, " {}", inner.trim_start());
                    }
                    _ => entry(out, value, indent),
                }
            }
        }
        _ => {}
    }
}

/// Text after a colon or dash: on the line where it fits, literal where it has lines, else folded.
fn text(out: &mut String, text: &str, indent: usize) {
    let printable = text.chars().all(|c| c == '\n' || !c.is_control());
    let literal = text.ends_with('\n') && !text.starts_with([' ', '\n', '\t']) && !text.ends_with("\n\n");
    let foldable = !text.contains('\n') && !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ");
    if printable && literal {
        out.push_str("|\n");
        for line in text.lines() {
            let line = if line.is_empty() { String::new() } else { format!("{:indent$}{line}", "") };
            out.push_str(&line);
            out.push('\n');
        }
    } else if printable && foldable && indent + text.chars().count() > WIDTH && text.contains(' ') {
        out.push_str(">-\n");
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(out, "{:indent$}{line}", "");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(out, "{:indent$}{line}", "");
    } else {
        out.push_str(&scalar(text));
        out.push('\n');
    }
}

/// Text on one line: plain where nothing in it can mean anything else, else quoted.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // Control characters, and what YAML takes for the end of a line or of the text.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}
