//! Reading a document from any address: without the credentials and headers of a service, following
//! redirects to other hosts, since nothing secret goes with it.

use std::time::Duration;

use reqwest::{Url, blocking::Client, redirect::Policy};

use super::{
    failure::{connect_hint, story},
    retry::{pause_before, retry_after},
    tls::{self, Tls},
};
use crate::module::{
    error::{Error, ErrorKind, Result},
    secret,
    signal::interrupted,
};

/// So many bytes are read at most: no document that a module is meant to send on is longer.
const LONGEST: u64 = 64 * 1024 * 1024;

/// How documents are read.
#[derive(Clone, Debug)]
pub struct Download {
    /// TLS; a client certificate in it is not used.
    pub tls: Tls,
    /// Whether the proxy that the environment names is used.
    pub use_proxy: bool,
    /// The time for one request.
    pub timeout: Duration,
    /// How often a request that failed for a passing reason is repeated.
    pub retries: u32,
}

impl Download {
    /// The document at an address.
    pub fn get(&self, address: &str) -> Result<Vec<u8>> {
        let shown = without_credentials(address);
        let url =
            Url::parse(address).map_err(|error| Error::bad_options(format!("`{shown}` is not an address: {error}")))?;
        secret::hide(url.password());
        let tls = Tls { client_cert: None, client_key: None, ..self.tls.clone() };
        // Loading the system's roots takes milliseconds; a redirect may lead from http to https.
        let tls = tls::configure(&tls)?;
        let mut builder = Client::builder()
            .redirect(Policy::limited(5))
            .timeout(self.timeout)
            .user_agent(concat!("hearth/", env!("CARGO_PKG_VERSION")))
            .gzip(true)
            .tls_backend_preconfigured(tls);
        if !self.use_proxy {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|error| Error::local(format!("failed to set up the HTTP client: {}", story(&error))))?;
        let mut attempt = 0;
        loop {
            let (failure, asked) = match client.get(url.clone()).send() {
                Ok(answer) if answer.status().is_success() => {
                    if answer.content_length().is_some_and(|length| length > LONGEST) {
                        return Err(Error::new(ErrorKind::Rejected, format!("GET {shown} answered more than 64 MiB")));
                    }
                    match answer.bytes() {
                        Ok(bytes) => return Ok(bytes.to_vec()),
                        Err(error) => (
                            Error::new(ErrorKind::GaveUp, format!("GET {shown} lost its answer: {}", story(&error))),
                            None,
                        ),
                    }
                }
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let asked = retry_after(answer.headers());
                    let mut error = Error::new(ErrorKind::Rejected, format!("GET {shown} answered {status}"));
                    error.status = Some(status);
                    if !matches!(status, 429 | 500 | 502 | 503 | 504) {
                        return Err(error.hint("it is read without any credentials"));
                    }
                    (error, asked)
                }
                Err(error) => {
                    let told = story(&error);
                    let failure = Error::new(ErrorKind::CannotConnect, format!("GET {shown} failed: {told}"));
                    (failure.hint(connect_hint(&told)), None)
                }
            };
            attempt += 1;
            if attempt > self.retries || interrupted() {
                return Err(failure);
            }
            std::thread::sleep(asked.unwrap_or_else(|| pause_before(attempt)).min(self.timeout));
        }
    }
}

/// An address for sentences: a user name and a password in it are left out.
pub fn without_credentials(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            // Both only fail for addresses that cannot have any.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_an_address_are_not_told() {
        assert_eq!(without_credentials("https://u:secret@h/x.json"), "https://h/x.json");
        assert_eq!(without_credentials("http://h/x.json?a=b"), "http://h/x.json?a=b");
    }
}
