//! Reading a document from any address: without the credentials and headers of a service, following
//! redirects to other hosts, since nothing secret goes with it.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use reqwest::{
    Url,
    blocking::{Client, Response},
    redirect::Policy,
};

use super::{
    failure::{connect_hint, may_pass, story},
    retry::{pause_before, rest_until, retry_after},
    tls::{self, Tls},
};
use crate::module::{
    error::{Error, ErrorKind, Result},
    secret,
    signal::signalled,
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
    /// When the run has to be over.
    pub deadline: Instant,
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
            if let Some(reason) = signalled() {
                return Err(reason);
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let told = format!("GET {shown} was not tried, since the deadline of the run is over");
                return Err(Error::new(ErrorKind::NotTried, told).hint("raise `deadline`"));
            }
            let answer = client.get(url.clone()).timeout(self.timeout.min(left)).send();
            let (failure, asked) = match answer.map(|answer| read(answer, &shown)) {
                Ok(Ok(bytes)) => return Ok(bytes),
                Ok(Err(failure)) => failure,
                Err(error) => {
                    let told = story(&error);
                    let failure = Error::new(ErrorKind::CannotConnect, format!("GET {shown} failed: {told}"));
                    (failure.hint(connect_hint(&told)), None)
                }
            };
            attempt += 1;
            let wait = asked.unwrap_or_default().saturating_add(pause_before(attempt)).min(self.timeout);
            let end = Instant::now().checked_add(wait).filter(|end| *end < self.deadline);
            let passes = match failure.status {
                Some(status) => matches!(status, 429 | 500 | 502 | 503 | 504),
                None => may_pass(&failure),
            };
            if !passes || attempt > self.retries || !end.is_some_and(rest_until) {
                return Err(failure);
            }
        }
    }
}

/// The document in an answer, or why there is none and what pause the server asks for.
fn read(answer: Response, shown: &str) -> Result<Vec<u8>, (Error, Option<Duration>)> {
    let status = answer.status();
    if !status.is_success() {
        let asked = retry_after(answer.headers());
        let mut error = Error::new(ErrorKind::Rejected, format!("GET {shown} answered {}", status.as_u16()));
        error.status = Some(status.as_u16());
        return Err((error.hint("it is read without any credentials"), asked));
    }
    let mut bytes = Vec::new();
    if let Err(error) = answer.take(LONGEST + 1).read_to_end(&mut bytes) {
        let mut lost = Error::new(ErrorKind::GaveUp, format!("GET {shown} lost its answer: {error}"));
        lost.uncertain = true;
        return Err((lost, None));
    }
    if bytes.len() as u64 > LONGEST {
        return Err((Error::new(ErrorKind::Rejected, format!("GET {shown} answered more than 64 MiB")), None));
    }
    Ok(bytes)
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

    /// A server that answers each request with these bytes, so often as they are asked for.
    fn server(head: &'static str, body: usize) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let address = format!("http://{}/x", listener.local_addr().expect("it is bound"));
        std::thread::spawn(move || {
            use std::io::Write;
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let block = vec![b'x'; 1 << 20];
                let _ = stream.write_all(head.as_bytes());
                let _ = (0..body).try_for_each(|_| stream.write_all(&block));
            }
        });
        address
    }

    fn download(time: f64) -> Download {
        let deadline = Instant::now() + Duration::from_secs_f64(time);
        let timeout = Duration::from_secs(30);
        Download { tls: Tls { verify: false, ..Tls::default() }, use_proxy: false, timeout, retries: 1000, deadline }
    }

    #[test]
    fn a_document_without_a_stated_length_has_a_bound_too() {
        let address = server("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 65);
        let error = download(60.0).get(&address).expect_err("too long");
        assert!(error.message.contains("answered more than 64 MiB"), "{error}");
    }

    #[test]
    fn the_deadline_bounds_all_tries_together() {
        let address = server("HTTP/1.1 503 Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 0);
        let began = Instant::now();
        let error = download(1.0).get(&address).expect_err("no document");
        assert!(error.message.contains("answered 503"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
}
