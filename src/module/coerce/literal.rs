//! A map written as text: JSON, `key=value` pairs, or Python's notation, which is what a template
//! leaves in an argument written as `key={{ map }}`.

use serde_json::{Map, Number, Value};

use super::{Object, types::python_text};

/// How deep a map written as text may go.
const DEEPEST: usize = 64;

/// The map that a text stands for.
pub(super) fn dict(text: &str) -> Result<Object, String> {
    if text.starts_with('{') {
        return match serde_json::from_str(text).ok().or_else(|| python(text)) {
            Some(Value::Object(map)) => Ok(map),
            _ => Err("unable to evaluate string as dictionary".to_owned()),
        };
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".to_owned());
    }
    fields(text.trim())
        .into_iter()
        .map(|field| field.split_once('=').map(|(key, value)| (key.to_owned(), Value::from(value))))
        .collect::<Option<_>>()
        .ok_or_else(|| "unable to evaluate string in the \"key=value\" format as dictionary".to_owned())
}

/// The parts between commas and blanks; quotes hold a part together, a backslash takes the next character as it is.
fn fields(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        let field = match (c, quote) {
            ('\\', _) => escaped,
            ('\'' | '"', None) => {
                quote = Some(c);
                None
            }
            (c, Some(open)) if c == open => {
                quote = None;
                None
            }
            (',' | ' ', None) => {
                fields.push(String::new());
                None
            }
            (c, _) => Some(c),
        };
        if let (Some(c), Some(last)) = (field, fields.last_mut()) {
            last.push(c);
        }
    }
    fields.retain(|field| !field.is_empty());
    fields
}

/// The value that a Python literal of maps, lists, tuples, texts, numbers, True, False and None stands for.
fn python(text: &str) -> Option<Value> {
    let mut parser = Parser { rest: text };
    let value = parser.value(0)?;
    parser.blanks();
    parser.rest.is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        match self.rest.chars().next()? {
            '{' => self.map(depth),
            '[' => self.sequence("[", "]", depth).map(|(elements, _)| Value::Array(elements)),
            '(' => {
                let (mut elements, comma) = self.sequence("(", ")", depth)?;
                if elements.len() == 1 && !comma { elements.pop() } else { Some(Value::Array(elements)) }
            }
            '\'' | '"' => self.texts().map(Value::String),
            'u' if self.rest[1..].starts_with(['\'', '"']) => {
                self.rest = &self.rest[1..];
                self.texts().map(Value::String)
            }
            _ => self.word(),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        self.eat("{");
        while !self.eat("}") {
            let key = match self.value(depth + 1)? {
                Value::Array(_) | Value::Object(_) => return None,
                key => python_text(&key),
            };
            if !self.eat(":") {
                return None;
            }
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            if !self.eat(",") {
                return self.eat("}").then_some(Value::Object(map));
            }
        }
        Some(Value::Object(map))
    }

    /// The elements, and whether a comma came behind the last one.
    fn sequence(&mut self, open: &str, close: &str, depth: usize) -> Option<(Vec<Value>, bool)> {
        let mut elements = Vec::new();
        self.eat(open);
        while !self.eat(close) {
            elements.push(self.value(depth + 1)?);
            if !self.eat(",") {
                return self.eat(close).then_some((elements, false));
            }
        }
        Some((elements, true))
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-._".contains(c));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" => Some(Value::Null),
            _ if !word.contains(|c: char| c.is_ascii_digit()) => None,
            _ => {
                let based = [("0x", 16), ("0o", 8), ("0b", 2)]
                    .iter()
                    .find_map(|(prefix, base)| i64::from_str_radix(word.strip_prefix(prefix)?, *base).ok());
                match based.or_else(|| word.parse().ok()) {
                    Some(number) => Some(Value::from(number)),
                    None => word.parse().ok().and_then(Number::from_f64).map(Value::Number),
                }
            }
        }
    }

    /// Texts that stand one after the other are one.
    fn texts(&mut self) -> Option<String> {
        let mut text = String::new();
        while self.rest.starts_with(['\'', '"']) {
            text += &self.text()?;
            self.blanks();
        }
        Some(text)
    }

    fn text(&mut self) -> Option<String> {
        let mut chars = self.rest.chars();
        let quote = chars.next()?;
        let mut text = String::new();
        loop {
            match chars.next()? {
                c if c == quote => break,
                '\n' => return None,
                '\\' => match chars.next()? {
                    '\n' => {}
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'a' => text.push('\x07'),
                    'b' => text.push('\x08'),
                    'f' => text.push('\x0c'),
                    'v' => text.push('\x0b'),
                    '0' => text.push('\0'),
                    'x' => text.push(by_number(&mut chars, 2)?),
                    'u' => text.push(by_number(&mut chars, 4)?),
                    'U' => text.push(by_number(&mut chars, 8)?),
                    c @ ('\\' | '\'' | '"') => text.push(c),
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }
}

/// The character whose number stands in so many hexadecimal digits.
fn by_number(chars: &mut std::str::Chars, digits: usize) -> Option<char> {
    let number = (0..digits).try_fold(0_u32, |number, _| Some(number * 16 + chars.next()?.to_digit(16)?))?;
    char::from_u32(number)
}
