//! What is declared, in the names that Grafana keeps it under.
//!
//! For a single data source every option counts, its default too, as in community.grafana; in a list
//! only what is written does. An option that is not written never wins over the same setting in
//! `additional_json_data`: there community.grafana would set `sslmode: disable` over a written `require`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{compare::canonical, options::DatasourceOptions};
use crate::module::{Object, Secret};

/// What is declared of one data source.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Its fields but `jsonData`.
    pub fields: Object,
    /// Keys of `jsonData`.
    pub json: Object,
    /// Keys of `jsonData` that are to be off, whether by not being there or by being empty or false.
    pub off: BTreeSet<&'static str>,
    /// Its secrets; `None` is one that is to be removed.
    pub secrets: BTreeMap<String, Option<Secret>>,
    /// What is to be said of the options.
    pub warnings: Vec<String>,
}

impl Form {
    /// What these options declare for a data source of that type.
    pub fn of(options: &DatasourceOptions, written: &BTreeSet<String>, single: bool, kind: &str) -> Form {
        let more = options.additional_json_data.clone().unwrap_or_default();
        let mut form = Form { json: more.clone(), ..Form::default() };
        for (key, value) in options.additional_secure_json_data.iter().flatten() {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                // Grafana takes texts only; a map is a file of keys that a template turned into one.
                other => other.to_string(),
            };
            form.secrets.insert(key.clone(), Some(Secret::new(text)).filter(|secret| !secret.expose().is_empty()));
        }
        let mut maker = Maker { form, options, written, single, more };
        maker.fields();
        maker.basic_auth();
        maker.tls();
        maker.of_type(canonical(kind));
        maker.form
    }

    /// The secrets that are to be set.
    pub fn secrets_to_set(&self) -> BTreeMap<&str, &Secret> {
        self.secrets.iter().filter_map(|(key, secret)| Some((key.as_str(), secret.as_ref()?))).collect()
    }
}

struct Maker<'o> {
    form: Form,
    options: &'o DatasourceOptions,
    written: &'o BTreeSet<String>,
    single: bool,
    /// `additional_json_data`, as it was given.
    more: Object,
}

impl Maker<'_> {
    fn fields(&mut self) {
        let options = self.options;
        let fields = [
            ("name", options.name.as_ref().map(|name| json!(name))),
            ("uid", options.uid().map(|uid| json!(uid))),
            ("type", options.ds_type.as_ref().map(|kind| json!(kind))),
            ("access", options.access.as_ref().map(|access| json!(access))),
            ("url", options.ds_url.as_ref().map(|url| json!(url))),
            ("database", options.database.as_ref().map(|database| json!(database))),
            ("user", options.user.as_ref().map(|user| json!(user))),
            ("withCredentials", options.with_credentials.map(Value::Bool)),
            ("isDefault", options.is_default.map(Value::Bool)),
        ];
        self.form.fields.extend(fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        self.secret("password", &options.password);
    }

    fn basic_auth(&mut self) {
        let (user, password) = (self.options.basic_auth_user.as_deref(), given(&self.options.basic_auth_password));
        let named = user.is_some_and(|user| !user.is_empty());
        // The user alone is no basic authentication to the peer; in a list the password may be set already.
        let on = match (named, password.is_some()) {
            (true, true) => Some(true),
            (false, false) if user.is_none() && !self.single => None,
            (false, false) => Some(false),
            (true, false) if !self.single => Some(true),
            (false, true) if !self.single && user.is_none() => Some(true),
            (alone, _) => {
                let (there, missing) = if alone { ("user", "password") } else { ("password", "user") };
                self.form.warnings.push(format!(
                    "basic authentication is off, since basic_auth_{there} is given without basic_auth_{missing}"
                ));
                Some(false)
            }
        };
        if let Some(on) = on {
            self.form.fields.insert("basicAuth".into(), on.into());
        }
        if on == Some(true) {
            if let Some(user) = user {
                self.form.fields.insert("basicAuthUser".into(), user.into());
            }
            self.secret("basicAuthPassword", &self.options.basic_auth_password);
        }
    }

    fn tls(&mut self) {
        let options = self.options;
        let with_key = given(&options.tls_client_cert).is_some() && given(&options.tls_client_key).is_some();
        let authority = given(&options.tls_ca_cert).is_some();
        if self.single || options.tls_client_cert.is_some() {
            self.set("tls_client_cert", "tlsAuth", with_key);
        }
        match (self.single, with_key, authority) {
            (true, true, false) => self.off("tls_ca_cert", "tlsAuthWithCACert"),
            (true, _, _) => self.set("tls_ca_cert", "tlsAuthWithCACert", authority),
            (false, ..) if options.tls_ca_cert.is_some() => self.set("tls_ca_cert", "tlsAuthWithCACert", authority),
            (false, ..) => {}
        }
        if with_key {
            self.secret("tlsClientCert", &options.tls_client_cert);
            self.secret("tlsClientKey", &options.tls_client_key);
        }
        self.secret("tlsCACert", &options.tls_ca_cert);
        match &options.tls_servername {
            Some(name) => self.set("tls_servername", "serverName", name.as_str()),
            None if with_key => self.nothing("tls_servername", "serverName"),
            None => {}
        }
        self.flag("tls_skip_verify", "tlsSkipVerify", options.tls_skip_verify);
    }

    fn of_type(&mut self, kind: &str) {
        let options = self.options;
        if matches!(kind, "elasticsearch" | "influxdb" | "prometheus") {
            self.filled("time_interval", "timeInterval", &options.time_interval);
        }
        match kind {
            "alertmanager" => {
                self.or_nothing("alertmanager_implementation", "implementation", &options.alertmanager_implementation);
                let handles = options.alertmanager_handle_grafana_alerts;
                self.if_some("alertmanager_handle_grafana_alerts", "handleGrafanaManagedAlerts", handles);
            }
            "elasticsearch" => self.elasticsearch(),
            "opentsdb" => {
                self.if_some("tsdb_version", "tsdbVersion", options.tsdb_version);
                let resolution = options.tsdb_resolution.as_deref().map(|name| if name == "second" { 1 } else { 2 });
                self.if_some("tsdb_resolution", "tsdbResolution", resolution);
            }
            "grafana-postgresql-datasource" => self.if_some("sslmode", "sslmode", options.sslmode.clone()),
            "alexanderzobnin-zabbix-datasource" => {
                self.flag("trends", "trends", options.trends);
                self.or_nothing("zabbix_user", "username", &options.zabbix_user);
                self.secret("password", &options.zabbix_password);
                if given(&options.zabbix_password).is_some() {
                    // The peer keeps it readable; the plugin prefers the encrypted one.
                    self.form.off.insert("password");
                }
            }
            "grafana-azure-monitor-datasource" => {
                self.or_nothing("azure_tenant", "tenantId", &options.azure_tenant);
                self.or_nothing("azure_client", "clientId", &options.azure_client);
                self.if_some("azure_cloud", "cloudName", options.azure_cloud.clone());
                if self.single {
                    // No secret: the word itself marks for old versions of the plugin that there is one.
                    self.set("azure_secret", "clientsecret", "clientsecret");
                }
                self.secret("clientSecret", &options.azure_secret);
            }
            "cloudwatch" => self.cloudwatch(),
            _ => {}
        }
    }

    fn elasticsearch(&mut self) {
        let options = self.options;
        let shards = options.max_concurrent_shard_requests;
        self.if_some("max_concurrent_shard_requests", "maxConcurrentShardRequests", shards);
        self.if_some("time_field", "timeField", options.time_field.clone());
        self.filled("interval", "interval", &options.interval);
        let Some(version) = options.es_version.as_deref() else { return };
        let kept = match version {
            "7.7+" => json!("7.7.0"),
            "7.10+" => json!("7.10.0"),
            "8.0+" => json!("8.0.0"),
            number => number.parse::<i64>().map_or_else(|_| json!(number), |number| json!(number)),
        };
        if matches!(version, "2" | "5") {
            // They know no such setting.
            self.form.json.shift_remove("maxConcurrentShardRequests");
            self.form.off.insert("maxConcurrentShardRequests");
        }
        self.set("es_version", "esVersion", kept);
    }

    fn cloudwatch(&mut self) {
        let options = self.options;
        if let Some(profile) = options.aws_credentials_profile.as_deref().filter(|profile| !profile.is_empty()) {
            self.form.fields.insert("database".into(), profile.into());
        }
        self.if_some("aws_auth_type", "authType", options.aws_auth_type.clone());
        self.if_some("aws_default_region", "defaultRegion", options.aws_default_region.clone());
        let namespaces = &options.aws_custom_metrics_namespaces;
        self.filled("aws_custom_metrics_namespaces", "customMetricsNamespaces", namespaces);
        self.filled("aws_assume_role_arn", "assumeRoleArn", &options.aws_assume_role_arn);
        match (given(&options.aws_access_key).is_some(), given(&options.aws_secret_key).is_some()) {
            (true, true) => {
                self.secret("accessKey", &options.aws_access_key);
                self.secret("secretKey", &options.aws_secret_key);
            }
            (false, false) => {}
            _ => {
                let told = "neither of aws_access_key and aws_secret_key is used, since one of them is missing";
                self.form.warnings.push(told.to_owned());
            }
        }
    }

    /// Whether the key of `additional_json_data` wins, since the option was not written.
    fn yields(&self, option: &str, key: &str) -> bool {
        self.more.contains_key(key) && !self.written.contains(option)
    }

    fn set(&mut self, option: &str, key: &str, value: impl Into<Value>) {
        if !self.yields(option, key) {
            self.form.json.insert(key.to_owned(), value.into());
        }
    }

    fn if_some(&mut self, option: &str, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(option, key, value);
        }
    }

    /// A text that stands for itself; an empty one switches the setting off.
    fn filled(&mut self, option: &str, key: &'static str, value: &Option<String>) {
        match value.as_deref() {
            Some("") => self.off(option, key),
            Some(text) => self.set(option, key, text),
            None => {}
        }
    }

    /// For a single data source the peer declares null where nothing is given.
    fn or_nothing(&mut self, option: &str, key: &str, value: &Option<String>) {
        match value {
            Some(text) => self.set(option, key, text.as_str()),
            None => self.nothing(option, key),
        }
    }

    fn nothing(&mut self, option: &str, key: &str) {
        if self.single {
            self.set(option, key, Value::Null);
        }
    }

    fn off(&mut self, option: &str, key: &'static str) {
        if !self.yields(option, key) {
            self.form.json.shift_remove(key);
            self.form.off.insert(key);
        }
    }

    /// A flag that the peer writes only when it is on.
    fn flag(&mut self, option: &str, key: &'static str, value: Option<bool>) {
        match value {
            Some(true) => self.set(option, key, true),
            Some(false) => self.off(option, key),
            None => {}
        }
    }

    fn secret(&mut self, key: &str, value: &Option<Secret>) {
        if let Some(secret) = given(value) {
            self.form.secrets.insert(key.to_owned(), Some(secret.clone()));
        }
    }
}

/// A secret; an empty one is none.
fn given(secret: &Option<Secret>) -> Option<&Secret> {
    secret.as_ref().filter(|secret| !secret.expose().is_empty())
}
