//! What Grafana knows about kinds of data sources: their names, which need a URL, and their health checks
//! (grafana.md facts 16, 20, 21).

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::{Value, json};

use crate::datasources::DataSource;
use crate::reply::{Answer, Reply, message, with_id};

/// The permissions that `?accesscontrol=true` lists for an admin.
pub(crate) const ACTIONS: [&str; 11] = [
    "alert.instances.external:read",
    "alert.instances.external:write",
    "alert.notifications.external:read",
    "alert.notifications.external:write",
    "alert.rules.external:read",
    "alert.rules.external:write",
    "datasources.id:read",
    "datasources:delete",
    "datasources:query",
    "datasources:read",
    "datasources:write",
];

/// Type, name, logo.
const PLUGINS: [(&str, &str, &str); 18] = [
    ("prometheus", "Prometheus", "img/prometheus_logo.svg"),
    ("loki", "Loki", "img/loki_icon.svg"),
    ("grafana-testdata-datasource", "TestData", "img/testdata.svg"),
    ("grafana-postgresql-datasource", "PostgreSQL", "img/postgresql_logo.svg"),
    ("influxdb", "InfluxDB", "img/influxdb_logo.svg"),
    ("mysql", "MySQL", "img/mysql_logo.svg"),
    ("mssql", "Microsoft SQL Server", "img/sql_server_logo.svg"),
    ("tempo", "Tempo", "img/tempo_logo.svg"),
    ("elasticsearch", "Elasticsearch", "img/elasticsearch.svg"),
    ("graphite", "Graphite", "img/graphite_logo.png"),
    ("alertmanager", "Alertmanager", "img/logo.svg"),
    ("jaeger", "Jaeger", "img/jaeger_logo.svg"),
    ("zipkin", "Zipkin", "img/zipkin-logo.svg"),
    ("opentsdb", "OpenTSDB", "img/opentsdb_logo.png"),
    ("cloudwatch", "CloudWatch", "img/amazon-web-services.png"),
    ("stackdriver", "Google Cloud Monitoring", "img/cloud_monitoring_logo.svg"),
    ("grafana-azure-monitor-datasource", "Azure Monitor", "img/azure_monitor_cropped.svg"),
    ("parca", "Parca", "img/logo-small.svg"),
];

/// The type under which an old name is stored (grafana.md fact 20).
pub(crate) fn canonical(kind: &str) -> &str {
    match kind {
        "postgres" => "grafana-postgresql-datasource",
        "testdata" => "grafana-testdata-datasource",
        other => other,
    }
}

fn plugin(kind: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    PLUGINS.iter().find(|p| p.0 == kind)
}

/// A type's name; an unknown type is its own.
pub(crate) fn title(kind: &str) -> &str {
    plugin(kind).map_or(kind, |p| p.1)
}

/// A type's logo.
pub(crate) fn logo(kind: &str) -> String {
    plugin(kind).map_or("public/img/icn-datasource.svg".to_owned(), |p| format!("public/plugins/{kind}/{}", p.2))
}

/// Types whose URL Grafana checks (api/datasource/validation.go).
const CHECKED: [&str; 13] = [
    "prometheus",
    "loki",
    "influxdb",
    "tempo",
    "elasticsearch",
    "graphite",
    "jaeger",
    "zipkin",
    "opentsdb",
    "mysql",
    "mssql",
    "grafana-postgresql-datasource",
    "alertmanager",
];

/// Refuses an empty or a broken URL for the types that need one.
pub(crate) fn check_url(kind: &str, url: &str) -> Result<(), Reply> {
    if !CHECKED.contains(&kind) {
        return Ok(());
    }
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let port = if host.ends_with(']') { None } else { host.rsplit_once(':').map(|(_, port)| port) };
    let bad = url.is_empty()
        || host.contains(' ')
        || url.chars().any(|c| c.is_control())
        || port.is_some_and(|p| !p.chars().all(|c| c.is_ascii_digit()));
    if bad { Err(message(400, "Validation error, invalid URL")) } else { Ok(()) }
}

fn bad(text: impl Into<String>, status: &str) -> Answer {
    Err(Reply::json(400, json!({ "message": text.into(), "status": status })))
}

fn fine(text: &str) -> Answer {
    Ok(Reply::json(200, json!({ "message": text, "status": "OK" })))
}

/// The answer of a health check: plain HTTP upstreams are really asked, databases are never reached.
pub(crate) fn health(source: &DataSource, old: bool) -> Answer {
    let get = |path: &str| ask(&source.url, "GET", path);
    match source.kind.as_str() {
        "prometheus" => {
            let tail = "There was an error returned querying the Prometheus API.";
            if source.url.is_empty() {
                return bad(format!("parse \"\": empty url - {tail}"), "ERROR");
            }
            match ask(&source.url, "POST", "/api/v1/query") {
                Ok((200, body)) if serde_json::from_str::<Value>(&body).is_ok() => {
                    let details = json!({ "application": "Prometheus", "features": { "rulerApiEnabled": false } });
                    let text = "Successfully queried the Prometheus API.";
                    Ok(Reply::json(200, json!({ "details": details, "message": text, "status": "OK" })))
                }
                Ok((status, _)) => bad(format!("{status} - {tail}"), "ERROR"),
                Err(error) => bad(format!("Post \"{}/api/v1/query\": {error} - {tail}", source.url), "ERROR"),
            }
        }
        "loki" => match get("/loki/api/v1/query") {
            Ok((200, _)) => fine("Data source successfully connected."),
            _ => bad("Unable to connect with Loki. Please check the server logs for more details.", "ERROR"),
        },
        "grafana-testdata-datasource" => fine("Data source is working"),
        "tempo" | "graphite" if old => Err(with_id(404, "plugin.notImplemented", "Method not implemented")),
        "elasticsearch" if old => Err(with_id(500, "plugin.healthCheck", "Plugin health check failed")),
        "jaeger" if old => Err(with_id(500, "plugin.unavailable", "Plugin unavailable")),
        "tempo" | "jaeger" => {
            let path = if source.kind == "tempo" { "/api/echo" } else { "/api/services" };
            match get(path) {
                Ok((200, _)) => fine("Data source is working"),
                Ok((status, _)) => bad(format!("unexpected status {status}"), "ERROR"),
                Err(error) => bad(format!("Get \"{}{path}\": {error}", source.url), "ERROR"),
            }
        }
        "elasticsearch" => bad("Health check failed: Failed to get data source info", "UNKNOWN"),
        "graphite" | "mysql" | "mssql" | "grafana-postgresql-datasource" => {
            let error = format!("dial tcp {}: connect: connection refused", source.url);
            let (mut details, text) =
                (json!({ "verboseMessage": error }), "Network error: Failed to connect to the server.");
            if source.kind == "graphite" {
                let text = "Graphite health check failed. See details below";
                return Err(Reply::json(400, json!({ "details": details, "message": text, "status": "ERROR" })));
            }
            details["errorDetailsLink"] = json!("https://grafana.com/docs/grafana/latest/datasources/");
            let text = format!("{text} Error message: connect: connection refused");
            Err(Reply::json(400, json!({ "details": details, "message": text, "status": "ERROR" })))
        }
        "influxdb" => bad("missing organization in datasource configuration error performing flux query", "ERROR"),
        kind if plugin(kind).is_some() => Err(with_id(500, "plugin.unavailable", "Plugin unavailable")),
        _ => Err(with_id(404, "plugin.notRegistered", "Plugin not registered")),
    }
}

/// One plain HTTP request to an upstream, done within half a second or not at all.
fn ask(url: &str, method: &str, path: &str) -> Result<(u16, String), String> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, base) = rest.split_once('/').map_or((rest, String::new()), |(h, p)| (h, format!("/{p}")));
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let wait = Duration::from_millis(500);
    let target = address.to_socket_addrs().ok().and_then(|mut all| all.next());
    let target = target.ok_or_else(|| format!("dial tcp: lookup {host}: no such host"))?;
    let refused = |_| format!("dial tcp {address}: connect: connection refused");
    let mut stream = TcpStream::connect_timeout(&target, wait).map_err(refused)?;
    let sent = (|| {
        stream.set_read_timeout(Some(wait))?;
        let base = base.trim_end_matches('/');
        let head = format!("{method} {base}{path} HTTP/1.1\r\nHost: {host}\r\n");
        // In one piece: a simple upstream reads once.
        stream.write_all(format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&text).into_owned())
    })();
    let text = sent.map_err(|error| error.to_string())?;
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or("malformed HTTP response")?;
    Ok((status, text.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned())))
}
