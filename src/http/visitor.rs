//! A visitor: somebody without the caller's credentials, with cookies, who goes through a page for logging in.

use std::collections::BTreeMap;

use reqwest::{Method, header::SET_COOKIE};
use serde_json::Value;

use super::{access::Reader, client::Client, response::Response, settings::Auth};
use crate::module::error::Result;

/// Reaches the service as a browser would before anybody is logged in. It may send, also while nothing else may
/// write: it has no right to anything.
pub struct Visitor<'c> {
    client: Client,
    counted: &'c Client,
    cookies: BTreeMap<String, String>,
}

impl<'c> Visitor<'c> {
    /// One that reaches the same server as the reader, in the same way, with nothing of the caller's credentials.
    pub fn new(reader: Reader<'c>) -> Result<Visitor<'c>> {
        let counted = reader.client();
        let mut settings = counted.settings().clone();
        settings.auth = Auth::None;
        settings.headers.retain(|(name, _)| !["authorization", "cookie"].contains(&name.to_ascii_lowercase().as_str()));
        Ok(Visitor { client: Client::new(settings)?, counted, cookies: BTreeMap::new() })
    }

    /// Looks; a redirect is an answer.
    pub fn get(&mut self, path: &str) -> Result<Response> {
        self.send(&Method::GET, path, None)
    }

    /// Sends, once and never again; a redirect is an answer.
    pub fn post(&mut self, path: &str, body: &Value) -> Result<Response> {
        self.send(&Method::POST, path, Some(body.to_string().as_bytes()))
    }

    fn send(&mut self, method: &Method, path: &str, body: Option<&[u8]>) -> Result<Response> {
        let response = self.client.exchange_once(method, path, body)?;
        for header in response.headers.get_all(SET_COOKIE) {
            let text = header.to_str().unwrap_or_default();
            if let Some((name, value)) = text.split(';').next().unwrap_or_default().split_once('=') {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        let all: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !all.is_empty() {
            self.client.set_header("cookie", &all.join("; "))?;
        }
        Ok(response)
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        self.counted.add(self.client.stats());
    }
}
