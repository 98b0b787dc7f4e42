//! The client: credentials, timeouts, retries, redirects, the circuit breaker, the rate limit.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Method,
    blocking::{Client as Reqwest, RequestBuilder},
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};

use super::{
    access::{Reader, Writer},
    breaker::Breaker,
    failure::{self, connect_hint, may_pass, story},
    gate::Gate,
    response::Response,
    retry::{pause_before, rest_until, retry_after},
    settings::{Auth, Settings, Stats},
    tls::{self, Tls},
};
use crate::module::{
    apply::MayWrite,
    error::{Error, ErrorKind, Result},
    plan::Progress,
    secret,
    signal::signalled,
};

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
    breaker: Breaker,
    /// A 401 was answered: nothing more is sent, since some services lock an account out.
    refused: AtomicBool,
    next_slot: Mutex<Instant>,
    /// No change begins; those that have begun go on.
    held_back: AtomicBool,
    /// The deadline was passed and a rollback is to be possible all the same.
    more_time: AtomicBool,
}

/// So much longer than its deadline a run may take to undo what it did.
const TIME_TO_UNDO: Duration = Duration::from_secs(60);
/// So much longer than the deadline a write that was sent before it is waited for: whoever cuts it off does
/// not know what became of it.
const TIME_TO_END: Duration = Duration::from_secs(5);
/// So much of a request's time may go by until there is a connection. Less than the whole, so that what
/// cannot be reached is told from what does not answer.
const TO_CONNECT: f64 = 0.8;

/// A request as it is asked for.
struct Asked<'a> {
    method: &'a Method,
    path: &'a str,
    body: Option<&'a [u8]>,
    /// Whether it is the first write of a change, which may be held back.
    begins: bool,
}

impl Asked<'_> {
    fn writes(&self) -> bool {
        *self.method != Method::GET
    }
}

impl Client {
    /// A client for these settings; nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Client> {
        let mut builder = Reqwest::builder()
            .redirect(Policy::none())
            .connect_timeout(settings.timeout.mul_f64(TO_CONNECT).min(Duration::from_secs(10)))
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
            breaker: Breaker::default(),
            refused: AtomicBool::new(false),
            next_slot: Mutex::new(Instant::now()),
            held_back: AtomicBool::new(false),
            more_time: AtomicBool::new(false),
            settings,
        })
    }

    /// From now on this header goes out with every request.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        insert(&mut self.headers, name, value)
    }

    /// From now on the deadline is a minute later and the server gets another chance: for undoing what was
    /// done.
    pub fn allow_more_time(&self) {
        self.more_time.store(true, SeqCst);
        self.hold_back(false);
        self.breaker.heard();
    }

    /// Whether the first write of a change is refused from now on, also where it waits for its turn already.
    /// What has begun goes on: half a change is worse than a whole one.
    pub fn hold_back(&self, held: bool) {
        self.held_back.store(held, SeqCst);
    }

    fn deadline(&self) -> Instant {
        let more = if self.more_time.load(SeqCst) { TIME_TO_UNDO } else { Duration::ZERO };
        self.settings.deadline + more
    }

    /// Counts writes that are tried again after a look.
    pub fn count_repetitions(&self, writes: usize) {
        self.retries.fetch_add(writes as u64, SeqCst);
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
        if self.breaker.is_open() {
            return Some(Error::new(
                ErrorKind::NotTried,
                format!("not tried, since {} cannot be reached", self.settings.base.as_str()),
            ));
        }
        None
    }

    /// Why this request is not sent, if so.
    fn refuses(&self, asked: &Asked<'_>) -> Option<Error> {
        let held = || {
            (asked.begins && self.held_back.load(SeqCst))
                .then(|| Error::new(ErrorKind::NotTried, "not tried, since another change failed before"))
        };
        signalled().or_else(|| self.is_dead()).or_else(held)
    }

    /// Reads, again on passing faults.
    pub(super) fn read(&self, path: &str) -> Result<Response> {
        let began = Instant::now();
        let outcome = self.try_to_read(path);
        self.count(&outcome, began);
        outcome
    }

    fn try_to_read(&self, path: &str) -> Result<Response> {
        let asked = Asked { method: &Method::GET, path, body: None, begins: false };
        let mut attempt = 0;
        loop {
            let outcome = self.once(&asked);
            let wait = match &outcome {
                Ok(response) if !self.passes(response) => return outcome,
                Ok(response) => retry_after(&response.headers),
                Err(error) if may_pass(error) => None,
                Err(_) => return outcome,
            };
            attempt += 1;
            if !self.pause(attempt, wait) {
                return gave_up(outcome, attempt);
            }
        }
    }

    /// Sends a write, again only while it certainly has not happened: no connection, or 429 and 503,
    /// which a server gives before it begins. Everything else that may have happened is `uncertain`.
    /// `begins` says that it is the first one of a change.
    pub(super) fn write(&self, method: &Method, path: &str, body: Option<&[u8]>, begins: bool) -> Result<Response> {
        let began = Instant::now();
        let outcome = self.try_to_write(&Asked { method, path, body, begins });
        self.count(&outcome, began);
        outcome
    }

    fn try_to_write(&self, asked: &Asked<'_>) -> Result<Response> {
        let mut attempt = 0;
        loop {
            let place = self.gate.enter();
            let outcome = self.once(asked);
            let wait = match &outcome {
                Ok(response) if matches!(response.status, 429 | 503) => {
                    place.was_too_much();
                    retry_after(&response.headers)
                }
                Ok(response) if response.status >= 500 => {
                    place.was_too_much();
                    let mut error = response.error();
                    error.uncertain = true;
                    return Err(error);
                }
                Ok(_) => {
                    place.went_well();
                    return outcome;
                }
                Err(error) if error.kind == ErrorKind::CannotConnect && may_pass(error) => None,
                Err(_) => return outcome,
            };
            drop(place);
            attempt += 1;
            if !self.pause(attempt, wait) {
                return gave_up(outcome, attempt);
            }
        }
    }

    /// Tells the breaker of a request that gave up without an answer; each answer told it already.
    fn count(&self, outcome: &Result<Response>, began: Instant) {
        let silent = |error: &Error| {
            error.status.is_none()
                && matches!(error.kind, ErrorKind::CannotConnect | ErrorKind::TimedOut | ErrorKind::GaveUp)
        };
        if outcome.as_ref().is_err_and(silent) {
            self.breaker.silent(began);
        }
    }

    fn passes(&self, response: &Response) -> bool {
        matches!(response.status, 429 | 502 | 503 | 504)
            || (response.status >= 400
                && (self.settings.passing)(response.status, &String::from_utf8_lossy(&response.body)))
    }

    /// Waits before another try; false when there is to be none. What the server asked for is the least: all
    /// who were told the same would else come back in the same moment.
    fn pause(&self, attempt: u32, asked: Option<Duration>) -> bool {
        let wait = asked.unwrap_or_default().saturating_add(pause_before(attempt));
        if attempt > self.settings.retries || self.is_dead().is_some() || !self.rest(wait) {
            return false;
        }
        self.retries.fetch_add(1, SeqCst);
        true
    }

    /// Waits so long; false, and at once, when a signal or the deadline comes before.
    pub fn rest(&self, wait: Duration) -> bool {
        let end = Instant::now().checked_add(wait).filter(|end| *end < self.deadline());
        end.is_some_and(rest_until)
    }

    /// One exchange; a redirect of a read within the same origin is followed.
    fn once(&self, asked: &Asked<'_>) -> Result<Response> {
        let mut address = self.settings.base.join(asked.path);
        for _ in 0..=REDIRECTS {
            let response = self.exchange(asked, &address)?;
            if !(300..400).contains(&response.status) || response.status == 304 {
                return Ok(response);
            }
            match failure::target(&response, &address) {
                Some(target) if !asked.writes() && self.settings.base.same_origin(&target) => {
                    address = target.to_string();
                }
                target => return Err(failure::redirected(&response, target)),
            }
        }
        let Asked { method, path, .. } = asked;
        Err(Error::new(ErrorKind::Rejected, format!("{method} {path} was redirected more than {REDIRECTS} times")))
    }

    /// One exchange, never repeated, whose redirect is an answer.
    pub(super) fn exchange_once(&self, method: &Method, path: &str, body: Option<&[u8]>) -> Result<Response> {
        self.exchange(&Asked { method, path, body, begins: false }, &self.settings.base.join(path))
    }

    /// Counts what another client sent for the same run.
    pub(super) fn add(&self, other: Stats) {
        self.requests.fetch_add(other.requests, SeqCst);
    }

    fn exchange(&self, asked: &Asked<'_>, address: &str) -> Result<Response> {
        // Before its turn, which may take long, and after it, when others may have learned something.
        self.refuses(asked).map_or(Ok(()), Err)?;
        self.wait_for_slot()?;
        self.refuses(asked).map_or(Ok(()), Err)?;
        let left = self.deadline().saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(too_late());
        }
        let until_deadline = if asked.writes() { left + TIME_TO_END } else { left };
        self.requests.fetch_add(1, SeqCst);
        let mut request: RequestBuilder = self
            .inner
            .request(asked.method.clone(), address)
            .headers(self.headers.clone())
            .timeout(self.settings.timeout.min(until_deadline));
        if let Some(body) = asked.body {
            request = request.header("content-type", "application/json").body(body.to_vec());
        }
        let failed = |error: reqwest::Error| self.failure(asked, &error, until_deadline < self.settings.timeout);
        let answer = request.send().map_err(failed)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if status == 401 {
            // Before the body is read, which may break: the password is wrong all the same.
            self.refused.store(true, SeqCst);
        }
        let body = match answer.bytes() {
            Ok(bytes) => bytes.to_vec(),
            Err(_) if status >= 400 => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        self.breaker.heard();
        Ok(Response { method: asked.method.to_string(), path: asked.path.to_owned(), status, headers, body })
    }

    fn failure(&self, asked: &Asked<'_>, error: &reqwest::Error, deadline_is_nearer: bool) -> Error {
        let (base, Asked { method, path, .. }) = (self.settings.base.as_str(), asked);
        let told = story(error);
        if error.is_connect() {
            let failure = Error::new(ErrorKind::CannotConnect, format!("failed to connect to {base}: {told}"));
            return failure.hint(connect_hint(&told));
        }
        if error.is_builder() {
            return Error::bad_options(format!("{method} {base}{path} cannot be sent: {told}"));
        }
        let mut failure = if error.is_timeout() && deadline_is_nearer {
            let told = format!("{method} {path} had no answer before the deadline of the run");
            Error::new(ErrorKind::TimedOut, told).hint("raise `deadline`, or look at the server's load")
        } else if error.is_timeout() {
            let seconds = self.settings.timeout.as_secs_f64();
            Error::new(ErrorKind::TimedOut, format!("{method} {path} had no answer within {seconds} s"))
                .hint("raise `timeout`, or look at the server's load")
        } else {
            let failure = Error::new(ErrorKind::GaveUp, format!("{method} {path} lost its answer: {told}"));
            if failure::wants_certificate(&told) { failure.hint(connect_hint(&told)) } else { failure }
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
        rest_until(mine);
        Ok(())
    }
}

fn gave_up(outcome: Result<Response>, attempts: u32) -> Result<Response> {
    let mut error = match outcome {
        Ok(response) => response.error(),
        Err(error) => error,
    };
    if attempts > 1 {
        error.message.push_str(&format!(" (after {attempts} tries)"));
    }
    Err(error)
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
