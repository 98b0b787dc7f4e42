//! An answer, read whole.

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::module::{
    error::{Error, ErrorKind, Result},
    secret,
};

/// So much of an answer is quoted in an error.
const QUOTED: usize = 400;
/// So much of an answer that says nothing of its own is looked at for that: there are no such long ones, and
/// what is cut off here lies far behind what is quoted.
const LOOKED_AT: usize = 1024 * 1024;

/// An answer of a service, with the request that it answers.
#[derive(Clone, Debug)]
pub struct Response {
    /// The request's method.
    pub method: String,
    /// The request's path, as sent.
    pub path: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status says success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON of that type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::new(
                ErrorKind::Rejected,
                format!(
                    "{} {} answered {} with something else than JSON of the expected form: {error}; it begins: {}",
                    self.method,
                    self.path,
                    self.status,
                    self.quoted()
                ),
            )
            .hint("check that the address is that of the service itself, with its sub-path if it has one")
        })
    }

    /// The body as JSON, or null.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The answer if it is a success, else an error that quotes it.
    pub fn ok(self) -> Result<Response> {
        if self.is_success() { Ok(self) } else { Err(self.error()) }
    }

    /// The service's own message in its answer, if one can be told.
    pub fn message(&self) -> Option<String> {
        let value = self.value();
        ["message", "detail", "error", "non_field_errors", "reason"].iter().find_map(|key| match &value[*key] {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Array(items) => items.first().and_then(Value::as_str).map(str::to_owned),
            _ => None,
        })
    }

    /// The failure that this answer is.
    pub fn error(&self) -> Error {
        let said = self.message().unwrap_or_else(|| self.quoted());
        let said = if said.is_empty() { "nothing more".to_owned() } else { shorten(&said) };
        let kind = match self.status {
            401 | 403 => ErrorKind::Refused,
            404 => ErrorKind::NotFound,
            409 | 412 => ErrorKind::Conflict,
            408 | 504 => ErrorKind::TimedOut,
            429 | 502 | 503 => ErrorKind::GaveUp,
            _ => ErrorKind::Rejected,
        };
        let mut error = Error::new(kind, format!("{} {} answered {}: {said}", self.method, self.path, self.status));
        error.status = Some(self.status);
        match self.status {
            429 => error.hint("it is too much for the server: lower `concurrency`, or set `rate_limit`"),
            502..=504 => {
                error.hint("the server, or a proxy before it, is not ready: look at its log, or raise `retries`")
            }
            _ => error,
        }
    }

    /// The beginning of the body; of a page its title, which says more than its markup.
    fn quoted(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(LOOKED_AT)]);
        let title = text.trim_start().starts_with('<').then(|| title(&text)).flatten();
        shorten(title.unwrap_or(text.trim()))
    }
}

fn title(page: &str) -> Option<&str> {
    // Lower case in ASCII keeps each character's place.
    let lower = page.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let begin = tag + lower[tag..].find('>')? + 1;
    let end = begin + lower[begin..].find("</title")?;
    Some(page[begin..end].trim()).filter(|title| !title.is_empty())
}

/// Masked before it is shortened: of a secret that lies across the cut, or has blanks in a row, the mask would
/// later know nothing.
fn shorten(text: &str) -> String {
    let masked = secret::mask(text);
    let one_line = masked.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}… (shortened)", &one_line[..end]),
        None => one_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        let (method, path) = ("GET".to_owned(), "/x".to_owned());
        Response { method, path, status, headers: HeaderMap::new(), body: body.into() }
    }

    #[test]
    fn a_page_is_quoted_by_its_title() {
        for (body, told) in [
            (
                "<!DOCTYPE html>\n<html><head><TITLE lang=en> 502 Bad\nGateway </TITLE>",
                "answered 502: 502 Bad Gateway; hint",
            ),
            ("<html><body>no title", "answered 502: <html><body>no title; hint"),
            ("plain <title>text</title>", "answered 502: plain <title>text</title>; hint"),
        ] {
            let error = answer(502, body).error().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn another_form_than_the_expected_one_is_told() {
        let error = answer(200, "{}").json::<Vec<Value>>().expect_err("no list");
        assert!(error.message.contains("something else than JSON of the expected form"), "{error}");
    }

    #[test]
    fn secrets_are_masked_before_an_answer_is_shortened() {
        secret::hide(["two  blanks and\na line of it", "lies-across-the-cut-of-an-answer"]);
        let long = format!("{} lies-across-the-cut-of-an-answer is it", "x".repeat(QUOTED - 9));
        let json = serde_json::json!({"message": long}).to_string();
        for (body, part) in [
            ("<p>two  blanks and\na line of it</p>", "<p>********</p>"),
            (r#"{"message": "it was two  blanks and\na line of it"}"#, "it was ********"),
            (long.as_str(), "x ********… (shortened)"),
            (json.as_str(), "x ********… (shortened)"),
        ] {
            let (method, path, headers) = ("PUT".to_owned(), "/api".to_owned(), HeaderMap::new());
            let response = Response { method, path, status: 400, headers, body: body.as_bytes().to_vec() };
            let told = response.error().to_string();
            assert!(told.ends_with(part), "{told}");
        }
    }
}
