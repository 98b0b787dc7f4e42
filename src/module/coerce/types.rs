//! One value brought to one type.

use serde_json::{Number, Value};

use super::{Env, Type, literal, paths};

/// The name of a value's type in messages.
pub(super) fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Brings a value to a type, or says why that cannot be. A secret is not repeated in the reason.
pub(super) fn convert(kind: Type, value: Value, secret: bool, env: Env) -> Result<Value, String> {
    match kind {
        Type::Str => text(value).map(Value::String),
        Type::Path => text(value).map(|text| Value::String(paths::expand(&text, env))),
        Type::Bool => boolean(&value, secret).map(Value::Bool),
        Type::Int => whole(&value, secret).map(Value::Number),
        Type::Float => float(&value).map(Value::Number),
        Type::List => list(value).map(Value::Array),
        Type::Dict => dict(value),
        Type::Raw => Ok(value),
        Type::Json => json(value).map(Value::String),
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("a {} is not text; write it as text, for example with the filter to_json", name(&value)))
        }
        Value::Number(number)
            if number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= TWO_TO_THE_64) =>
        {
            Err("a number this large has lost digits; put it in quotes".to_owned())
        }
        scalar => Ok(python_text(&scalar)),
    }
}

/// The first whole number that is read as a float.
const TWO_TO_THE_64: f64 = 18_446_744_073_709_551_616.0;

/// The spellings of true and false, for messages.
const BOOLS: &str = "true, t, yes, y, on, 1, false, f, no, n, off, 0";

/// What a word means as a boolean, written exactly so.
pub(super) fn bool_of_word(word: &str) -> Option<bool> {
    match word {
        "y" | "yes" | "on" | "1" | "true" | "t" => Some(true),
        "n" | "no" | "off" | "0" | "false" | "f" => Some(false),
        _ => None,
    }
}

pub(super) fn boolean(value: &Value, secret: bool) -> Result<bool, String> {
    let found = match value {
        Value::Bool(is) => Some(*is),
        Value::String(text) => bool_of_word(text.to_lowercase().trim()),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        _ => return Err(format!("{} cannot be converted to a bool", name(value))),
    };
    found.ok_or_else(|| {
        let shown = if secret { "********".to_owned() } else { python_text(value) };
        format!("The value '{shown}' is not a valid boolean. Valid booleans include: {BOOLS}")
    })
}

fn whole(value: &Value, secret: bool) -> Result<Number, String> {
    let found = match value {
        Value::Bool(is) => Some(Number::from(u8::from(*is))),
        Value::Number(number) if !number.is_f64() => Some(number.clone()),
        Value::Number(number) => whole_of_decimal(&number.to_string()),
        Value::String(text) => whole_of_decimal(text),
        _ => return Err(format!("{} cannot be converted to an int", name(value))),
    };
    found.ok_or_else(|| {
        let shown = match value {
            Value::String(_) if secret => "'********'".to_owned(),
            _ if secret => "********".to_owned(),
            Value::String(text) => format!("'{text}'"),
            other => python_text(other),
        };
        format!("\"{shown}\" cannot be converted to an int")
    })
}

/// The whole number that a decimal notation (`12`, `1_000`, `1.0`, `2e3`) stands for, if it is one
/// and fits 64 bits.
fn whole_of_decimal(text: &str) -> Option<Number> {
    let text = text.trim().replace('_', "");
    let (negative, text) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text.as_str()),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some(Number::from(0));
    }
    let cut = digits.len() - digits.trim_end_matches('0').len();
    let zeros = exponent.checked_add(i64::try_from(cut).ok()?)?.checked_sub(i64::try_from(after.len()).ok()?)?;
    let zeros = usize::try_from(zeros).ok()?;
    if significant.len().checked_add(zeros)? > 20 {
        return None;
    }
    let number: i128 = format!("{significant}{}", "0".repeat(zeros)).parse().ok()?;
    let number = if negative { -number } else { number };
    i64::try_from(number).map(Number::from).or_else(|_| u64::try_from(number).map(Number::from)).ok()
}

fn float(value: &Value) -> Result<Number, String> {
    let found = match value {
        Value::Bool(is) => Some(f64::from(u8::from(*is))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => float_of_text(text),
        _ => None,
    };
    found.and_then(Number::from_f64).ok_or_else(|| format!("{} cannot be converted to a float", name(value)))
}

fn float_of_text(text: &str) -> Option<f64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let misplaced = |(at, byte): (usize, &u8)| *byte == b'_' && !(digit(at.checked_sub(1)) && digit(Some(at + 1)));
    if bytes.iter().enumerate().any(misplaced) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

fn list(value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(elements) => Ok(elements),
        Value::String(text) => Ok(text.split(',').map(Value::from).collect()),
        Value::Null | Value::Object(_) => Err(format!("{} cannot be converted to a list", name(&value))),
        scalar => Ok(vec![Value::String(python_text(&scalar))]),
    }
}

fn dict(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(_) => Ok(value),
        Value::String(text) => literal::dict(&text).map(Value::Object),
        _ => Err(format!("{} cannot be converted to a dict", name(&value))),
    }
}

fn json(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Array(_) | Value::Object(_) => Ok(value.to_string()),
        _ => Err(format!("{} cannot be converted to a json string", name(&value))),
    }
}

/// A value as Python's `str` shows it; of a map or list only what it is.
pub(super) fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => python_float(float),
            None => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a dict".to_owned(),
    }
}

/// The shortest digits that give the number back, with an exponent where Python writes one.
fn python_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => format!("{number:?}"),
    }
}

/// Whether Python takes two values for equal: a number equals one of another type, and a bool 0 or 1.
pub(super) fn python_equal(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(is) => Some(f64::from(u8::from(*is))),
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
