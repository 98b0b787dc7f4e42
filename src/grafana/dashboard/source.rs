//! Where a dashboard's JSON comes from: inline, a file, an address, grafana.com. No request to Grafana.

use std::{borrow::Cow, fs, path::Path};

use percent_encoding::percent_decode_str;
use reqwest::Url;
use serde_json::{Map, Value};

use super::{
    found::FOLDER,
    options::DashboardOptions,
    spec::{PLAIN, SECOND},
};
use crate::{
    files,
    http::{Download, path},
    module::{Error, ErrorContext, ErrorKind, Result, secret},
};

/// A dashboard as it was found, out of its wrapping.
#[derive(Debug)]
pub struct Source {
    /// The API version that its spec is in.
    pub api: String,
    /// Its own uid.
    pub uid: Option<String>,
    /// Its content.
    pub spec: Map<String, Value>,
    /// What stood beside it, where it was wrapped as for `POST /api/dashboards/db`.
    pub folder_uid: Option<String>,
    /// The uid of the folder that it was in, where it was exported or is a resource.
    pub came_from: Option<String>,
    /// The message for the history.
    pub message: Option<String>,
    /// Whether it is written over what came between.
    pub overwrite: bool,
    /// What a resource has beside its content and is not written: its own labels and annotations.
    pub lost: Vec<String>,
}

/// The variable that names a mirror of grafana.com, as the option's documentation says.
const SOURCE_VARIABLE: &str = "GRAFANA_DASHBOARD_SOURCE_URL";

/// What names the JSON of a dashboard in a sentence, and its text or value.
enum Found<'o> {
    Value(Cow<'o, Value>),
    Text { from: String, bytes: Vec<u8> },
}

/// Reads the dashboard that the options name; `None` when they name none.
pub fn read(options: &DashboardOptions, download: &Download) -> Result<Option<Source>> {
    let found = match (&options.dashboard, &options.path, &options.dashboard_id) {
        (Some(Value::String(text)), _, _) => {
            Found::Text { from: "the option `dashboard`".to_owned(), bytes: text.as_bytes().to_vec() }
        }
        (Some(value), _, _) => Found::Value(Cow::Borrowed(value)),
        (_, Some(path), _) if is_address(path) => downloaded(path, download)?,
        (_, Some(path), _) => {
            let bytes = fs::read(path).map_err(|error| {
                Error::local(format!("Can't load json file {}", files::told(Path::new(path), &error)))
                    .hint("a path is one on the host where the module runs, which is not always the controller")
            })?;
            Found::Text { from: format!("Can't load json file `{path}`"), bytes }
        }
        (_, _, Some(id)) => {
            // For an item of a list the harness fills in no environment.
            let from = options.dashboard_source_url.clone().or_else(|| std::env::var(SOURCE_VARIABLE).ok());
            let base = from.filter(|base| !base.is_empty()).unwrap_or_else(|| "https://grafana.com".to_owned());
            let base = base.trim_end_matches('/');
            let revision = options.dashboard_revision.as_deref().unwrap_or("1");
            let address = format!("{base}{}", path(&["api", "dashboards", id, "revisions", revision, "download"]));
            downloaded(&address, download)?
        }
        (None, None, None) => return Ok(None),
    };
    match found {
        Found::Value(value) => unwrapped(value.into_owned()).map(Some),
        Found::Text { from, bytes } => {
            let value = parsed(&bytes).doing(|| from.clone())?;
            unwrapped(value).doing(|| from).map(Some)
        }
    }
}

/// Whether a `path` is an address.
pub fn is_address(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

fn downloaded(address: &str, download: &Download) -> Result<Found<'static>> {
    let shown = crate::http::without_credentials(address);
    let bytes = download.get(address).doing(|| format!("Unable to download grafana dashboard from url {shown}"))?;
    Ok(Found::Text { from: format!("what {shown} answered"), bytes })
}

/// Reads JSON; an error tells line and column.
fn parsed(bytes: &[u8]) -> Result<Value> {
    // Editors on Windows put a mark in front, which is no JSON.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| Error::bad_options(format!("it is not JSON: {error}")))
}

/// Takes a dashboard out of its wrapping: `{"dashboard": …}` as the API gives and takes it, or a resource
/// of `/apis`. The two schemas are told apart by the resource's `apiVersion`; a bare one by its layout.
fn unwrapped(value: Value) -> Result<Source> {
    let mut source = Source {
        api: PLAIN.to_owned(),
        uid: None,
        spec: Map::new(),
        folder_uid: None,
        came_from: None,
        message: None,
        overwrite: false,
        lost: Vec::new(),
    };
    let mut all = object(value)?;
    if let Some(inner) = all.shift_remove("dashboard") {
        let text = |key: &str| all.get(key).and_then(Value::as_str).map(str::to_owned);
        source.folder_uid = text("folderUid");
        source.came_from = all.get("meta").and_then(|meta| meta["folderUid"].as_str()).map(str::to_owned);
        source.message = text("message").filter(|text| !text.is_empty());
        source.overwrite = all.get("overwrite") == Some(&Value::Bool(true));
        all = object(inner)?;
    }
    let uid_of = |value: Option<&Value>| value.and_then(Value::as_str).map(str::trim).map(str::to_owned);
    let version = all.get("apiVersion").and_then(Value::as_str).map(str::to_owned);
    if let Some(version) = version.filter(|_| all.get("spec").is_some_and(Value::is_object)) {
        if all.get("kind").and_then(Value::as_str).is_none_or(|kind| !kind.starts_with("Dashboard")) {
            return Err(Error::bad_options(format!(
                "it is a resource of the kind {}, not a dashboard",
                shown(&all, "kind")
            )));
        }
        let is_second = is_second(&version)?;
        if is_second {
            source.api = version.rsplit('/').next().unwrap_or_default().to_owned();
        }
        let metadata = all.shift_remove("metadata").unwrap_or_default();
        source.uid = uid_of(metadata.get("name"));
        for (key, what) in [("labels", "the label"), ("annotations", "the annotation")] {
            let own = metadata[key].as_object().into_iter().flat_map(Map::keys);
            let own = own.filter(|name| !name.starts_with("grafana.app/") && !name.starts_with("kubectl."));
            source.lost.extend(own.map(|name| format!("{what} `{name}`")));
        }
        let folder = metadata["annotations"][FOLDER].as_str().map(str::to_owned);
        source.came_from = folder.or(source.came_from);
        all = object(all.shift_remove("spec").unwrap_or_default())?;
        let wrong = if is_second { !has_layout(&all) && all.contains_key("panels") } else { has_layout(&all) };
        if wrong {
            let has =
                if is_second { "`panels`, as the first schema has" } else { "`elements` and `layout`, as v2 has" };
            return Err(Error::bad_options(format!("its apiVersion is {version}, and it has {has}")));
        }
    } else if has_layout(&all) {
        // Saved bare by /api/dashboards/db it would be kept as a broken one of the first schema (fact 45).
        source.api = SECOND.to_owned();
    }
    source.came_from = source.came_from.filter(|uid| !uid.is_empty());
    source.uid = source.uid.or_else(|| uid_of(all.get("uid"))).filter(|uid| !uid.is_empty());
    source.spec = all;
    Ok(source)
}

/// Whether an `apiVersion` is one of the second schema; one that nobody knows would be saved broken.
fn is_second(version: &str) -> Result<bool> {
    let (group, api) = version.split_once('/').unwrap_or(("", version));
    let major = api.strip_prefix('v').map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    match (group, major) {
        ("dashboard.grafana.app", Some("0" | "1")) => Ok(false),
        ("dashboard.grafana.app", Some("2")) => Ok(true),
        _ => Err(Error::bad_options(format!("its apiVersion {version} is not known"))
            .hint("known are those of dashboard.grafana.app that begin with v0, v1 and v2")),
    }
}

/// Whether it looks like the second schema.
fn has_layout(all: &Map<String, Value>) -> bool {
    ["elements", "layout"].iter().all(|key| all.get(*key).is_some_and(Value::is_object))
}

/// Keeps a password in an address, and what stands in its query as a key or token, out of all output.
pub fn hide_secrets(address: &str) {
    let Some(url) = Some(address).filter(|address| is_address(address)).and_then(|address| Url::parse(address).ok())
    else {
        return;
    };
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    secret::hide(
        url.password()
            .into_iter()
            .flat_map(|password| [password.to_owned(), plain(password)])
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str),
    );
    for pair in url.query().unwrap_or_default().split('&') {
        let Some((name, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty()) else { continue };
        let name = name.to_lowercase();
        if ["token", "key", "secret", "passw", "signature", "auth"].iter().any(|word| name.contains(word))
            || name == "sig"
        {
            secret::hide([value, plain(value).as_str()]);
        }
    }
}

fn object(value: Value) -> Result<Map<String, Value>> {
    let what = match value {
        Value::Object(all) => return Ok(all),
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        _ => "a single value",
    };
    Err(Error::new(ErrorKind::BadOptions, format!("it is {what}, and a dashboard is a JSON object")))
}

fn shown(all: &Map<String, Value>, key: &str) -> String {
    all.get(key).map_or("nothing".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::http::Tls;

    fn from(value: Value) -> Result<Source> {
        let options = DashboardOptions { dashboard: Some(value), ..DashboardOptions::default() };
        let timeout = Duration::from_secs(1);
        let deadline = std::time::Instant::now() + timeout;
        let download = Download { tls: Tls::default(), use_proxy: false, timeout, retries: 0, deadline };
        read(&options, &download).map(|source| source.expect("there is one"))
    }

    #[test]
    fn each_wrapping_is_taken_off() {
        let spec = json!({"title": "A", "uid": "a"});
        let v2 = json!({"title": "A", "elements": {}, "layout": {"kind": "GridLayout"}});
        let resource = |api: &str, spec: &Value| {
            json!({"apiVersion": format!("dashboard.grafana.app/{api}"), "kind": "Dashboard",
                   "metadata": {"name": "a"}, "spec": spec})
        };
        for (given, api, uid) in [
            (spec.clone(), PLAIN, Some("a")),
            (json!(spec.to_string()), PLAIN, Some("a")),
            (json!({"dashboard": spec, "meta": {"folderUid": "x"}}), PLAIN, Some("a")),
            (resource("v1beta1", &spec), PLAIN, Some("a")),
            (resource("v2beta1", &v2), "v2beta1", Some("a")),
            (resource("v2alpha1", &v2), "v2alpha1", Some("a")),
            (json!({"dashboard": resource("v2beta1", &v2)}), "v2beta1", Some("a")),
            (v2.clone(), SECOND, None),
        ] {
            let source = from(given.clone()).expect("a dashboard");
            assert_eq!((source.api.as_str(), source.uid.as_deref()), (api, uid), "{given}");
            assert_eq!(source.spec["title"], "A");
            assert_eq!(source.folder_uid, None);
        }
    }

    #[test]
    fn what_stands_beside_a_wrapped_one_is_kept() {
        let source = from(json!({
            "dashboard": {"title": "A"}, "folderUid": "f", "message": "m", "overwrite": true
        }))
        .expect("a dashboard");
        assert_eq!(
            (source.folder_uid.as_deref(), source.message.as_deref(), source.overwrite),
            (Some("f"), Some("m"), true)
        );
    }

    #[test]
    fn what_is_not_kept_of_a_resource_is_named() {
        let metadata = json!({
            "name": "a", "labels": {"team": "net", "grafana.app/deprecatedInternalID": "5"},
            "annotations": {"own/note": "n", "grafana.app/folder": "f"}
        });
        let all = json!({"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": metadata,
                         "spec": {"title": "A"}});
        assert_eq!(from(all).expect("a dashboard").lost, ["the label `team`", "the annotation `own/note`"]);
    }

    #[test]
    fn an_unknown_or_wrong_version_is_refused() {
        let (one, two) = (json!({"title": "A", "panels": []}), json!({"title": "A", "elements": {}, "layout": {}}));
        for (api, spec, says) in [
            ("dashboard.grafana.app/v3alpha1", &one, "dashboard.grafana.app/v3alpha1 is not known"),
            ("dashboard.grafana.app/v20", &two, "v20 is not known"),
            ("other.example.com/v1", &one, "is not known"),
            ("dashboard.grafana.app/v1beta1", &two, "`elements` and `layout`"),
            ("dashboard.grafana.app/v2beta1", &one, "`panels`"),
        ] {
            let error = from(json!({"apiVersion": api, "kind": "Dashboard", "spec": spec})).expect_err("it is refused");
            assert!(error.to_string().contains(says), "{api}: {error}");
        }
    }

    #[test]
    fn what_is_secret_in_an_address_is_hidden() {
        hide_secrets("https://u:pw%21of-the-web@h/x.json?apiKey=key-of-the-web&raw=yes-it-is");
        let masked = secret::mask("pw%21of-the-web pw!of-the-web key-of-the-web yes-it-is");
        assert!(masked.ends_with(" yes-it-is") && !masked.contains("of-the-web"), "{masked}");
    }

    #[test]
    fn malformed_json_is_told_with_its_place() {
        let error = from(json!("{\n  \"title\": \"A\",\n  \"panels\": [,]\n}")).expect_err("it is malformed");
        assert!(error.to_string().contains("line 3 column 14"), "{error}");
        for wrong in [json!([1]), json!("[1]"), json!("\"x\""), json!("nul"), json!({"dashboard": []})] {
            assert!(from(wrong.clone()).is_err(), "{wrong} was taken");
        }
        let folder = json!({"apiVersion": "folder.grafana.app/v1beta1", "kind": "Folder", "metadata": {}, "spec": {}});
        assert!(from(folder).expect_err("a folder").to_string().contains("Folder"));
    }
}
