//! The client: credentials, timeouts, retries, redirects, the circuit breaker, the rate limit.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Method,
    blocking::{Client as Reqwest, RequestBuilder},
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect::Policy,
};

use super::{
    access::{Reader, Writer},
    failure::{connect_hint, story},
    gate::Gate,
    response::Response,
    retry::{pause_before, retry_after},
    settings::{Auth, Settings, Stats},
    tls::{self, Tls},
};
use crate::module::{
    apply::MayWrite,
    error::{Error, ErrorKind, Result},
    plan::Progress,
    secret,
    signal::interrupted,
};

/// So many requests in a row without any connection, and the server counts as dead for this run.
const DEAD_AFTER: u32 = 3;
/// So many redirects of a read are followed.
const REDIRECTS: usize = 5;

/// One pooled client for a whole run, shared by its threads.
pub struct Client {
    inner: Reqwest,
    settings: Settings,
    headers: HeaderMap,
    /// Bounds writes; adapts to what the server bears.
    pub gate: Gate,
    requests: AtomicU64,
    retries: AtomicU64,
    /// Requests in a row that found no server.
    unreachable: AtomicU32,
    /// A 401 was answered: nothing more is sent, since some services lock an account out.
    refused: AtomicBool,
    next_slot: Mutex<Instant>,
    /// The deadline was passed and a rollback is to be possible all the same.
    more_time: AtomicBool,
}

/// So much longer than its deadline a run may take to undo what it did.
const TIME_TO_UNDO: Duration = Duration::from_secs(60);

impl Client {
    /// A client for these settings; nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Client> {
        let mut builder = Reqwest::builder()
            .redirect(Policy::none())
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
            .pool_max_idle_per_host(settings.concurrency)
            .user_agent(concat!("hearth/", env!("CARGO_PKG_VERSION")))
            .tcp_nodelay(true)
            .gzip(true);
        if !settings.use_proxy {
            builder = builder.no_proxy();
        }
        // Even for http: reqwest would otherwise load the system's roots for a TLS that is not used.
        let tls = if settings.base.is_https() {
            tls::configure(&settings.tls)?
        } else {
            tls::configure(&Tls { verify: false, ..Tls::default() })?
        };
        let inner = builder
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| Error::local(format!("failed to set up the HTTP client: {}", story(&error))))?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        match &settings.auth {
            Auth::None => {}
            Auth::Basic(user, password) => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
                // A default password is a secret only now that it is used; and one that is too short to be told
                // inside base64 is hidden with its user.
                let shown = if password.expose().is_empty() { "" } else { pair.trim_end_matches('=') };
                secret::hide([password.expose(), shown]);
                insert(&mut headers, "authorization", &format!("Basic {pair}"))?;
            }
            Auth::Bearer(token) => insert(&mut headers, "authorization", &format!("Bearer {}", token.expose()))?,
        }
        for (name, value) in &settings.headers {
            insert(&mut headers, name, value)?;
        }
        if let Some(value) = headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        Ok(Client {
            gate: Gate::new(settings.writers, settings.concurrency),
            inner,
            headers,
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            unreachable: AtomicU32::new(0),
            refused: AtomicBool::new(false),
            next_slot: Mutex::new(Instant::now()),
            more_time: AtomicBool::new(false),
            settings,
        })
    }

    /// From now on this header goes out with every request.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        insert(&mut self.headers, name, value)
    }

    /// From now on the deadline is a minute later: for undoing what was done.
    pub fn allow_more_time(&self) {
        self.more_time.store(true, SeqCst);
    }

    fn deadline(&self) -> Instant {
        let more = if self.more_time.load(SeqCst) { TIME_TO_UNDO } else { Duration::ZERO };
        self.settings.deadline + more
    }

    /// What was sent so far.
    pub fn stats(&self) -> Stats {
        Stats { requests: self.requests.load(SeqCst), retries: self.retries.load(SeqCst) }
    }

    /// The settings that it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Reading access, for anyone.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(self)
    }

    /// Writing access, for the harness alone: only it can make a [`MayWrite`].
    pub fn writer<'c>(&'c self, _: MayWrite, progress: &'c Progress) -> Writer<'c> {
        Writer::new(self.reader(), progress)
    }

    /// Whether nothing more can be done with this server, and why.
    pub fn is_dead(&self) -> Option<Error> {
        if self.refused.load(SeqCst) {
            return Some(Error::new(ErrorKind::NotTried, "not tried, since the service refused the credentials"));
        }
        if self.unreachable.load(SeqCst) >= DEAD_AFTER {
            return Some(Error::new(
                ErrorKind::NotTried,
                format!("not tried, since {} cannot be reached", self.settings.base.as_str()),
            ));
        }
        None
    }

    /// Reads, again on passing faults.
    pub(super) fn read(&self, path: &str) -> Result<Response> {
        let mut attempt = 0;
        loop {
            let outcome = self.once(&Method::GET, path, None);
            let wait = match &outcome {
                Ok(response) if !self.passes(response) => return outcome,
                Ok(response) => retry_after(&response.headers),
                Err(error)
                    if matches!(error.kind, ErrorKind::CannotConnect | ErrorKind::TimedOut) || error.uncertain =>
                {
                    None
                }
                Err(_) => return outcome,
            };
            attempt += 1;
            if !self.pause(attempt, wait) {
                return self.gave_up(outcome, attempt);
            }
        }
    }

    /// Sends a write, again only while it certainly has not happened: no connection, or 429 and 503,
    /// which a server gives before it begins. Everything else that may have happened is `uncertain`.
    pub(super) fn write(&self, method: &Method, path: &str, body: Option<&[u8]>) -> Result<Response> {
        let mut attempt = 0;
        loop {
            if interrupted() {
                return Err(Error::new(ErrorKind::NotTried, "not tried, since a signal ended the run"));
            }
            let place = self.gate.enter();
            let outcome = self.once(method, path, body);
            drop(place);
            let wait = match &outcome {
                Ok(response) if matches!(response.status, 429 | 503) => retry_after(&response.headers),
                Ok(response) if response.status >= 500 => {
                    self.gate.was_too_much();
                    let mut error = response.error();
                    error.uncertain = true;
                    return Err(error);
                }
                Ok(_) => {
                    self.gate.went_well();
                    return outcome;
                }
                Err(error) if error.kind == ErrorKind::CannotConnect => None,
                Err(_) => return outcome,
            };
            self.gate.was_too_much();
            attempt += 1;
            if !self.pause(attempt, wait) {
                return self.gave_up(outcome, attempt);
            }
        }
    }

    fn passes(&self, response: &Response) -> bool {
        matches!(response.status, 429 | 502 | 503 | 504)
            || (response.status >= 400
                && (self.settings.passing)(response.status, &String::from_utf8_lossy(&response.body)))
    }

    /// Waits before another try; false when there is to be none.
    fn pause(&self, attempt: u32, asked: Option<Duration>) -> bool {
        let wait = asked.unwrap_or_else(|| pause_before(attempt));
        if attempt > self.settings.retries
            || self.is_dead().is_some()
            || interrupted()
            || Instant::now() + wait >= self.deadline()
        {
            return false;
        }
        let end = Instant::now() + wait;
        while Instant::now() < end && !interrupted() {
            std::thread::sleep((end - Instant::now()).min(Duration::from_millis(100)));
        }
        self.retries.fetch_add(1, SeqCst);
        !interrupted()
    }

    fn gave_up(&self, outcome: Result<Response>, attempts: u32) -> Result<Response> {
        let after = if attempts > 1 { format!(" (after {attempts} tries)") } else { String::new() };
        match outcome {
            Ok(response) => {
                let mut error = response.error();
                error.message.push_str(&after);
                Err(error)
            }
            Err(mut error) => {
                error.message.push_str(&after);
                Err(error)
            }
        }
    }

    /// One exchange; a redirect of a read within the same origin is followed.
    fn once(&self, method: &Method, path: &str, body: Option<&[u8]>) -> Result<Response> {
        let mut address = self.settings.base.join(path);
        for _ in 0..=REDIRECTS {
            let response = self.exchange(method, &address, path, body)?;
            if !(300..400).contains(&response.status) || response.status == 304 {
                return Ok(response);
            }
            let target = response.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let from = reqwest::Url::parse(&address);
            let Some(target) = from.ok().and_then(|from| from.join(target).ok()) else {
                return Err(response.error());
            };
            if *method != Method::GET || !self.settings.base.same_origin(&target) {
                let mut error = Error::new(
                    ErrorKind::Rejected,
                    format!("{method} {path} answered {}: it points to {target}", response.status),
                );
                error.status = Some(response.status);
                let better = target.as_str().split(path).next().unwrap_or_default().trim_end_matches('/').to_owned();
                return Err(error.hint(format!("use the address {better}")));
            }
            address = target.to_string();
        }
        Err(Error::new(ErrorKind::Rejected, format!("{method} {path} was redirected more than {REDIRECTS} times")))
    }

    fn exchange(&self, method: &Method, address: &str, path: &str, body: Option<&[u8]>) -> Result<Response> {
        if let Some(dead) = self.is_dead() {
            return Err(dead);
        }
        self.wait_for_slot()?;
        let left = self.deadline().saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(too_late());
        }
        self.requests.fetch_add(1, SeqCst);
        let mut request: RequestBuilder = self
            .inner
            .request(method.clone(), address)
            .headers(self.headers.clone())
            .timeout(self.settings.timeout.min(left));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_vec());
        }
        let answer = request.send().and_then(|answer| {
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Ok((status, headers, answer.bytes()?))
        });
        match answer {
            Ok((status, headers, bytes)) => {
                self.unreachable.store(0, SeqCst);
                if status == 401 {
                    self.refused.store(true, SeqCst);
                }
                Ok(Response {
                    method: method.to_string(),
                    path: path.to_owned(),
                    status,
                    headers,
                    body: bytes.to_vec(),
                })
            }
            Err(error) => Err(self.failure(method, path, &error)),
        }
    }

    fn failure(&self, method: &Method, path: &str, error: &reqwest::Error) -> Error {
        let base = self.settings.base.as_str();
        let told = story(error);
        if error.is_connect() {
            self.unreachable.fetch_add(1, SeqCst);
            let failure = Error::new(ErrorKind::CannotConnect, format!("failed to connect to {base}: {told}"));
            return failure.hint(connect_hint(&told));
        }
        if error.is_builder() {
            return Error::bad_options(format!("{method} {base}{path} cannot be sent: {told}"));
        }
        let mut failure = if error.is_timeout() {
            let seconds = self.settings.timeout.as_secs_f64();
            Error::new(ErrorKind::TimedOut, format!("{method} {path} had no answer within {seconds} s"))
                .hint("raise `timeout`, or look at the server's load")
        } else {
            Error::new(ErrorKind::GaveUp, format!("{method} {path} lost its answer: {told}"))
        };
        failure.uncertain = true;
        failure
    }

    /// Waits for the turn that `rate_limit` gives this request: never past the deadline, and not after a
    /// signal.
    fn wait_for_slot(&self) -> Result<()> {
        let Some(rate) = self.settings.rate_limit.filter(|rate| *rate > 0.0) else { return Ok(()) };
        let deadline = self.deadline();
        let mine = {
            let mut next = self.next_slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let mine = (*next).max(Instant::now());
            if mine >= deadline {
                return Err(too_late());
            }
            let between = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX);
            *next = mine.checked_add(between).unwrap_or(deadline + TIME_TO_UNDO);
            mine
        };
        while let Some(left) = mine.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if interrupted() {
                return Err(Error::new(ErrorKind::NotTried, "not tried, since a signal ended the run"));
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
        Ok(())
    }
}

fn too_late() -> Error {
    Error::new(ErrorKind::NotTried, "not tried, since the deadline of the run is over").hint("raise `deadline`")
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let header = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::bad_options(format!("`{name}` cannot be the name of a header")))?;
    let value = HeaderValue::from_str(value).map_err(|_| {
        Error::bad_options(format!("the value of the header `{name}` has a character that no header may have"))
    })?;
    headers.insert(header, value);
    Ok(())
}
