//! Access to the service: a [`Reader`] for everybody, a [`Writer`] for the harness to hand out.

use std::ops::Deref;

use reqwest::Method;
use serde::Serialize;

use super::{client::Client, response::Response};
use crate::module::{
    error::{Error, Result},
    plan::{Applied, Progress},
};

/// Reading access to the service. It cannot write.
#[derive(Clone, Copy)]
pub struct Reader<'c> {
    client: &'c Client,
}

impl<'c> Reader<'c> {
    pub(super) fn new(client: &'c Client) -> Reader<'c> {
        Reader { client }
    }

    /// Reads; repeats on passing faults. Any status that is final comes back as an answer.
    pub fn get(&self, path: &str) -> Result<Response> {
        self.client.read(path)
    }

    /// The client behind it, for its settings and counts.
    pub fn client(&self) -> &'c Client {
        self.client
    }
}

/// Writing access to the service, and reading.
#[derive(Clone, Copy)]
pub struct Writer<'c> {
    reader: Reader<'c>,
    progress: &'c Progress,
}

impl<'c> Writer<'c> {
    pub(super) fn new(reader: Reader<'c>, progress: &'c Progress) -> Writer<'c> {
        Writer { reader, progress }
    }

    /// Keeps what a write left behind, so that a change of several writes can be undone when a later one
    /// fails.
    pub fn remember(&self, applied: Applied) {
        self.progress.remember(applied);
    }

    /// Creates or acts. A 5xx answer or a lost one is an error marked `uncertain`; other statuses
    /// come back as answers.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Response> {
        self.send(&Method::POST, path, Some(&encode(body)?))
    }

    /// Replaces; as [`Writer::post`].
    pub fn put(&self, path: &str, body: &impl Serialize) -> Result<Response> {
        self.send(&Method::PUT, path, Some(&encode(body)?))
    }

    /// Changes in part; as [`Writer::post`].
    pub fn patch(&self, path: &str, body: &impl Serialize) -> Result<Response> {
        self.send(&Method::PATCH, path, Some(&encode(body)?))
    }

    /// Deletes; as [`Writer::post`].
    pub fn delete(&self, path: &str) -> Result<Response> {
        self.send(&Method::DELETE, path, None)
    }

    fn send(&self, method: &Method, path: &str, body: Option<&[u8]>) -> Result<Response> {
        let answer = self.reader.client.write(method, path, body, !self.progress.has_begun());
        match &answer {
            Ok(answer) if answer.is_success() => self.progress.wrote(),
            Err(error) if error.uncertain => self.progress.perhaps_wrote(&error.message),
            _ => {}
        }
        answer
    }
}

impl<'c> Deref for Writer<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Reader<'c> {
        &self.reader
    }
}

fn encode(body: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(|error| Error::bad_options(format!("a value cannot be written as JSON: {error}")))
}
