//! The options that every module has, whatever it manages.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    error::{Error, Result},
    spec::Object,
};
use crate::http::{Auth, Base, Settings, Tls};

/// What to do with the other objects when one fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Apply no further change.
    #[default]
    Stop,
    /// Do what can be done and fail at the end with each object's error.
    Continue,
    /// Undo what this task did, newest first, from the values read before.
    Rollback,
}

/// Whether an object is to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum State {
    #[default]
    Present,
    Absent,
}

/// When a value that the service never shows is sent to an object that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum UpdateSecrets {
    #[default]
    OnCreate,
    Always,
}

/// Options of every module.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Common {
    /// What to do when a change fails: `stop` applies no further one, `continue` does what it can and
    /// fails at the end with each object's error, `rollback` undoes what this task did, newest first,
    /// and says what could not be undone.
    #[schemars(extend("x-default" = "stop"))]
    pub on_error: OnError,
    /// The time in seconds after which the run begins nothing new and reports what it did. By default
    /// 600, or less where Ansible's own task timeout is known from `ANSIBLE_TASK_TIMEOUT`.
    pub deadline: Option<f64>,
    /// A file on the host where the module runs that gets one line of JSON before and one after each
    /// change: time, module, server, object, action, and the fields with their values, secrets masked and
    /// long ones only measured. It is opened and locked before anything is changed, and a failure there
    /// fails the task.
    #[schemars(extend("x-type" = "path", "x-env" = ["HEARTH_AUDIT_LOG"]))]
    pub audit_log: Option<String>,
    /// Whether `objects` lists unchanged objects too: `auto` does so up to 300 of them, and gives only
    /// their number above that.
    #[schemars(extend("x-default" = "auto"))]
    pub list_unchanged: ListUnchanged,
}

/// The deadline of a run when the task gives none and Ansible's own is not known.
const DEADLINE: Duration = Duration::from_secs(600);

/// A deadline beyond ten years is none.
const LONGEST_DEADLINE: f64 = 10.0 * 365.0 * 24.0 * 3600.0;

impl Common {
    /// When a run that began then has to be over: after the task's own time, else a little before Ansible gives
    /// up, when that is known, so that the result is told first (Ansible leaves the process running).
    pub fn ends(&self, began: Instant) -> Result<Instant> {
        let known = || std::env::var("ANSIBLE_TASK_TIMEOUT").ok()?.trim().parse::<f64>().ok();
        let time = match (self.deadline, known().filter(|value| *value > 0.0)) {
            (Some(given), _) => seconds(given.min(LONGEST_DEADLINE), "deadline")?,
            (None, Some(value)) => {
                let least = Duration::try_from_secs_f64((value * 0.9).min(value - 1.0).max(1.0)).unwrap_or(DEADLINE);
                least.min(DEADLINE)
            }
            (None, None) => DEADLINE,
        };
        Ok(began + time)
    }
}

/// Whether the result lists unchanged objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListUnchanged {
    /// Up to a few hundred.
    Auto,
    /// All.
    Always,
    /// None.
    Never,
}

/// Options of every API module that say how to reach its service; the service adds its address and
/// credentials.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Transport {
    /// Whether the server's certificate is checked.
    #[schemars(extend("x-default" = true))]
    pub validate_certs: bool,
    /// A PEM file of certificates to trust beside the system's: a CA, or the server's own self-signed
    /// certificate, which is then trusted for itself with its host name still checked.
    #[schemars(extend("x-type" = "path"))]
    pub ca_path: Option<String>,
    /// A PEM file with the client's certificate; it may hold its key too.
    #[schemars(extend("x-type" = "path"))]
    pub client_cert: Option<String>,
    /// A PEM file with the client's key, where `client_cert` does not hold it.
    #[schemars(extend("x-type" = "path"))]
    pub client_key: Option<String>,
    /// Whether the proxy that `HTTP_PROXY` and `HTTPS_PROXY` name is used; `NO_PROXY` is respected.
    #[schemars(extend("x-default" = true))]
    pub use_proxy: bool,
    /// Headers sent with every request, such as those that a proxy in front of the service wants.
    /// Their values are treated as secrets.
    #[schemars(extend("x-no-log" = true))]
    pub headers: Option<Object>,
    /// The time in seconds for one request.
    #[schemars(extend("x-default" = 30.0))]
    pub timeout: f64,
    /// How often a request that failed for a passing reason is repeated. A write whose answer was lost
    /// is looked up before it is repeated.
    #[schemars(extend("x-default" = 4))]
    pub retries: u32,
    /// The most requests under way at once. Writes begin below it and adapt to what the server bears.
    #[schemars(range(min = 1, max = 64), extend("x-default" = 8))]
    pub concurrency: u32,
    /// The most requests a second; unlimited when left out.
    pub rate_limit: Option<f64>,
}

impl Transport {
    /// The settings that these options make, for any service.
    pub fn settings(
        &self,
        base: Base,
        auth: Auth,
        passing: fn(u16, &str) -> bool,
        deadline: Instant,
    ) -> Result<Settings> {
        let concurrency = self.concurrency as usize;
        if let Some(rate) = self.rate_limit.filter(|rate| !rate.is_finite() || *rate < SLOWEST) {
            return Err(Error::bad_options(format!(
                "rate_limit is {rate}, and a number of requests a second of at least {SLOWEST} is needed"
            ))
            .hint("leave it out for no limit"));
        }
        if let Auth::Bearer(token) = &auth
            && !token.expose().chars().all(|character| (' '..='~').contains(&character))
        {
            let ends = token.expose().ends_with(['\n', '\r']);
            let what = if ends { "ends with a line break" } else { "has a character that no header may have" };
            return Err(Error::bad_options(format!("the token {what}, and cannot be sent"))
                .hint("what was read from a file or a command often has one at its end: use the filter `trim`"));
        }
        Ok(Settings {
            base,
            auth,
            tls: Tls {
                verify: self.validate_certs,
                ca: self.ca_path.clone(),
                client_cert: self.client_cert.clone(),
                client_key: self.client_key.clone(),
            },
            use_proxy: self.use_proxy,
            headers: self
                .headers
                .iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
                .collect(),
            timeout: seconds(self.timeout, "timeout")?,
            retries: self.retries,
            concurrency,
            writers: concurrency,
            rate_limit: self.rate_limit,
            deadline,
            passing,
        })
    }
}

/// Fewer requests a second than this cannot be meant: one would take longer than a run.
const SLOWEST: f64 = 0.001;

/// A number of seconds as a duration; zero, negative and endless ones are refused.
pub fn seconds(value: f64, option: &str) -> Result<Duration> {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(Error::bad_options(format!("{option} is {value}, and a number of seconds above zero is needed"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::module::{
        Secret,
        coerce::{Checks, validate},
        spec::Spec,
    };

    fn transport(option: &str, value: Value) -> Result<Settings> {
        let mut options = json!({
            "validate_certs": true, "use_proxy": true, "timeout": 30.0, "retries": 4, "concurrency": 8,
        });
        options[option] = value;
        let options = options.as_object().cloned().unwrap_or_default();
        let coerced = validate(&Spec::of::<Transport>(), "m", &options, &|_| None, Checks::default());
        let mut values = coerced.map_err(Error::bad_options)?.values;
        values.retain(|_, value| !value.is_null());
        let read: Transport = serde_json::from_value(values.into()).expect("what was checked can be used");
        read.settings(Base::new("http://h", "url")?, Auth::None, |_, _| false, Instant::now())
    }

    #[test]
    fn numbers_that_cannot_be_meant_are_refused_by_name() {
        for (option, value) in [
            ("rate_limit", json!(0)),
            ("rate_limit", json!(-5)),
            ("rate_limit", json!(1e-9)),
            ("rate_limit", json!(1e-320)),
            ("concurrency", json!(0)),
            ("concurrency", json!(-1)),
            ("concurrency", json!(65)),
            ("retries", json!(-1)),
            ("retries", json!(1_i64 << 40)),
            ("retries", json!(u64::MAX)),
        ] {
            let told = transport(option, value.clone()).map(drop).expect_err("to be refused").to_string();
            assert!(told.starts_with(&format!("{option} is ")), "{option} {value}: {told}");
        }
        for (option, value) in
            [("rate_limit", json!(0.001)), ("concurrency", json!(1)), ("concurrency", json!(64)), ("retries", json!(0))]
        {
            assert!(transport(option, value.clone()).is_ok(), "{option} {value} was refused");
        }
    }

    #[test]
    fn a_number_that_its_option_cannot_hold_is_refused_by_name() {
        use crate::{grafana::folder::FolderKind, module::task};
        let refused = |args: Value| {
            let args = args.as_object().cloned().unwrap_or_default();
            let parsed = task::parse::<FolderKind>(&args, &task::Internal::default(), &|_| None);
            parsed.map(drop).expect_err("to be refused").to_string()
        };
        let told = refused(json!({"url": "http://h", "name": "x", "org_id": u64::MAX}));
        assert!(told.starts_with("org_id is 18446744073709551615, and a number from -9223372036854775808"), "{told}");
        let told = refused(json!({"url": "http://h", "folders": [], "prune": {"parent": "/", "limit": -1}}));
        assert!(told.starts_with("limit found in 'prune' is -1, and a number from 0"), "{told}");
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_refused_by_name() {
        let settings = |token: &str| {
            let options =
                json!({"validate_certs": true, "use_proxy": true, "timeout": 30.0, "retries": 4, "concurrency": 8});
            let read: Transport = serde_json::from_value(options).expect("options");
            read.settings(Base::new("http://h", "url")?, Auth::Bearer(Secret::new(token)), |_, _| false, Instant::now())
        };
        assert!(settings("glsa_a-token").is_ok());
        for (token, part) in [("glsa_a\n", "the token ends with a line break"), ("ü", "the token has a character")] {
            let told = settings(token).map(drop).expect_err("to be refused").to_string();
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn a_deadline_that_cannot_be_meant_is_refused_by_name() {
        let began = Instant::now();
        let ends = |deadline: f64| {
            let (on_error, list_unchanged) = (OnError::Stop, ListUnchanged::Auto);
            Common { on_error, deadline: Some(deadline), audit_log: None, list_unchanged }.ends(began)
        };
        for wrong in [0.0, -3.0, -1e300] {
            let told = ends(wrong).expect_err("to be refused").to_string();
            assert!(told.starts_with("deadline is "), "{wrong}: {told}");
        }
        assert_eq!(ends(2.5).expect("a time") - began, Duration::from_millis(2500));
        assert!(ends(1e300).expect("a long time") - began > DEADLINE * 1000);
    }
}
