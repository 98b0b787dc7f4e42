//! The options of `grafana_datasource`. Names and defaults that community.grafana has are the same here.

use schemars::JsonSchema;
use serde::Deserialize;

pub use crate::module::common::{State, UpdateSecrets};
use crate::module::{Object, Secret};

/// Options of one data source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend(
    "x-required-together" = [["tls_client_cert", "tls_client_key"]],
    "x-mutually-exclusive" = [["tls_ca_cert", "tls_skip_verify"], ["enforce_secure_data", "update_secrets"]]
))]
pub struct DatasourceOptions {
    /// The name of the data source, exactly as Grafana has it: case and blanks count. It is looked up by
    /// this, unless `uid` finds it.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// The uid of the data source: 1 to 40 letters, digits, `-` or `_`. One that exists under another name
    /// is renamed. One that exists under another uid gets this one: from Grafana 12 on only by being made
    /// anew, for which the task has to give all its secrets.
    pub uid: Option<String>,
    /// Whether the data source is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// The type: the id of the plugin, such as `prometheus`, `loki`, `grafana-postgresql-datasource` (or
    /// `postgres`), `mixed`. Needed for a single data source that is to be present, and in a list where it
    /// has to be made.
    pub ds_type: Option<String>,
    /// The address of the data source, of at most 255 bytes. Needed for a single data source that is to be
    /// present (empty for types that have none), and in a list where it has to be made. Grafana empties none
    /// that is set.
    pub ds_url: Option<String>,
    /// Whether Grafana's server asks the data source (`proxy`) or the browser does (`direct`).
    #[schemars(extend("enum" = ["proxy", "direct"], "x-default" = "proxy"))]
    pub access: Option<String>,
    /// The database, or the index of Elasticsearch.
    #[schemars(extend("x-default" = ""))]
    pub database: Option<String>,
    /// The user at the database.
    #[schemars(extend("x-default" = ""))]
    pub user: Option<String>,
    /// The password of `user`.
    #[schemars(extend("x-default" = ""))]
    pub password: Option<Secret>,
    /// The user of HTTP basic authentication. For a single data source it is on only when
    /// `basic_auth_password` is given too.
    pub basic_auth_user: Option<String>,
    /// The password of `basic_auth_user`.
    pub basic_auth_password: Option<Secret>,
    /// Whether the browser sends cookies and such to the data source.
    #[schemars(extend("x-default" = false))]
    pub with_credentials: Option<bool>,
    /// The name that the certificate of the data source is checked for.
    pub tls_servername: Option<String>,
    /// The client's certificate as PEM text.
    pub tls_client_cert: Option<Secret>,
    /// The key of `tls_client_cert` as PEM text.
    pub tls_client_key: Option<Secret>,
    /// The certificate of the authority that signed the one of the data source, as PEM text.
    pub tls_ca_cert: Option<Secret>,
    /// Whether the certificate of the data source is left unchecked.
    #[schemars(extend("x-default" = false))]
    pub tls_skip_verify: Option<bool>,
    /// Whether this is the default data source of the organisation. It takes that from the one that had it;
    /// `false` takes it from this one and gives it to none.
    #[schemars(extend("x-default" = false))]
    pub is_default: Option<bool>,
    /// Elasticsearch: its version. `7.7+` and later are kept as `7.7.0` and so on.
    #[schemars(extend("enum" = ["2", "5", "56", "60", "70", "7.7+", "7.10+", "8.0+"], "x-default" = "7.10+"))]
    pub es_version: Option<String>,
    /// Elasticsearch from 5.6: how many shards one request asks at once.
    #[schemars(extend("x-default" = 256))]
    pub max_concurrent_shard_requests: Option<i64>,
    /// Elasticsearch: the field that holds the time.
    #[schemars(extend("x-default" = "@timestamp"))]
    pub time_field: Option<String>,
    /// Elasticsearch, InfluxDB, Prometheus: the shortest interval that values are grouped by, such as `30s`.
    pub time_interval: Option<String>,
    /// Elasticsearch: how often a new index begins; empty for one index.
    #[schemars(extend("enum" = ["", "Hourly", "Daily", "Weekly", "Monthly", "Yearly"], "x-default" = ""))]
    pub interval: Option<String>,
    /// OpenTSDB: its version; 1 stands for 2.1 and older, 2 for 2.2, 3 for 2.3.
    #[schemars(extend("enum" = [1, 2, 3], "x-default" = 1))]
    pub tsdb_version: Option<i64>,
    /// OpenTSDB: the resolution of its times.
    #[schemars(extend("enum" = ["second", "millisecond"], "x-default" = "second"))]
    pub tsdb_resolution: Option<String>,
    /// PostgreSQL: how TLS is used.
    #[schemars(extend("enum" = ["disable", "require", "verify-ca", "verify-full"], "x-default" = "disable"))]
    pub sslmode: Option<String>,
    /// Zabbix: whether trends are asked for instead of history.
    #[schemars(extend("x-default" = false))]
    pub trends: Option<bool>,
    /// Alertmanager: which one it is.
    #[schemars(extend("enum" = ["mimir", "cortex", "prometheus"]))]
    pub alertmanager_implementation: Option<String>,
    /// Alertmanager: whether Grafana sends its alerts there.
    #[schemars(extend("x-default" = false))]
    pub alertmanager_handle_grafana_alerts: Option<bool>,
    /// CloudWatch: how Grafana proves who it is at AWS.
    #[schemars(extend("enum" = ["keys", "credentials", "arn", "default"], "x-default" = "keys"))]
    pub aws_auth_type: Option<String>,
    /// CloudWatch: the region that is asked unless a query says otherwise, such as `eu-central-1`.
    #[schemars(extend("x-default" = "us-east-1"))]
    pub aws_default_region: Option<String>,
    /// CloudWatch: the access key, together with `aws_secret_key`.
    #[schemars(extend("x-default" = ""))]
    pub aws_access_key: Option<Secret>,
    /// CloudWatch: the secret key, together with `aws_access_key`.
    #[schemars(extend("x-default" = ""))]
    pub aws_secret_key: Option<Secret>,
    /// CloudWatch: the profile in the credentials file of Grafana's host; kept as the database.
    #[schemars(extend("x-default" = ""))]
    pub aws_credentials_profile: Option<String>,
    /// CloudWatch: the ARN of the role to take on.
    #[schemars(extend("x-default" = ""))]
    pub aws_assume_role_arn: Option<String>,
    /// CloudWatch: namespaces of custom metrics, separated by commas.
    pub aws_custom_metrics_namespaces: Option<String>,
    /// Azure Monitor: which of Azure's clouds.
    #[schemars(extend(
        "enum" = ["azuremonitor", "chinaazuremonitor", "govazuremonitor", "germanyazuremonitor"],
        "x-default" = "azuremonitor"
    ))]
    pub azure_cloud: Option<String>,
    /// Azure Monitor: the id of the directory (tenant).
    pub azure_tenant: Option<String>,
    /// Azure Monitor: the id of the registered application (client).
    pub azure_client: Option<String>,
    /// Azure Monitor: the secret of the registered application.
    pub azure_secret: Option<Secret>,
    /// Zabbix: the user of its API.
    pub zabbix_user: Option<String>,
    /// Zabbix: the password of `zabbix_user`. It is kept encrypted, where community.grafana keeps it
    /// readable for everybody in the organisation.
    pub zabbix_password: Option<Secret>,
    /// More settings of the type, in the names that Grafana keeps them under (`jsonData`). Keys that are
    /// there and not declared stay. An option of its own wins over the same setting here.
    #[schemars(extend("x-aliases" = ["json_data"], "x-default" = {}))]
    pub additional_json_data: Option<Object>,
    /// More secrets of the type, in the names that Grafana keeps them under (`secureJsonData`). An empty
    /// one is removed. An option of its own wins over the same secret here.
    #[schemars(extend("x-aliases" = ["secure_json_data"], "x-default" = {}, "x-no-log" = true))]
    pub additional_secure_json_data: Option<Object>,
    /// Whether secrets are sent though they are set already: the same as `update_secrets` `always`.
    #[schemars(extend("x-default" = false))]
    pub enforce_secure_data: Option<bool>,
    /// What is done with secrets that are set already. Nobody can read them, so `on_create` leaves them
    /// alone, and `always` sends them and reports a change at every run. One that is missing is always set.
    /// Where this is not written it is `on_create` in a list; for a single data source a change of anything
    /// else sends them, too, as with community.grafana.
    pub update_secrets: Option<UpdateSecrets>,
    /// Whether a fingerprint of the declared secrets is kept with the data source, so that they are sent
    /// exactly when they differ from those that were sent last. It is made by a slow function (Argon2id)
    /// with a salt of its own and lies in `jsonData.hearthSecretFingerprint`, which everybody who may read
    /// the data source sees: only for secrets that are too long to be guessed.
    #[schemars(extend("x-default" = false))]
    pub secret_fingerprint: Option<bool>,
    /// Whether Grafana tests the connection once everything stands as declared, changed or not. A test that
    /// fails fails the task; a type that Grafana cannot test is told as such.
    #[schemars(extend("x-default" = false))]
    pub test: Option<bool>,
    /// The time in seconds in which a failed test is repeated, for a server that is still coming up.
    #[schemars(extend("x-default" = 10.0))]
    pub test_timeout: Option<f64>,
}

impl DatasourceOptions {
    /// The name; the harness requires it.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// The uid; an empty one is none.
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref().filter(|uid| !uid.is_empty())
    }

    /// Whether it is to be there.
    pub fn is_present(&self) -> bool {
        self.state != Some(State::Absent)
    }

    /// Whether secrets that are set already are sent too.
    pub fn sends_always(&self) -> bool {
        self.enforce_secure_data == Some(true) || self.update_secrets == Some(UpdateSecrets::Always)
    }
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct DatasourceSettings {
    /// Deletes data sources in a stated scope that the task does not declare. Those that are read-only,
    /// as Grafana makes them from files, are never deleted by it.
    pub prune: Option<Prune>,
}

/// Which data sources `prune` looks at; with both options those that fit both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("x-required-one-of" = [["name_prefix", "type"]]))]
pub struct Prune {
    /// Those whose name begins so.
    pub name_prefix: Option<String>,
    /// Those of this type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The most data sources that may be deleted; when there are more the task fails and changes nothing.
    #[schemars(extend("x-default" = 10))]
    pub limit: Option<usize>,
}
