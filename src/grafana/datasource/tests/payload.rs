//! What is declared, as Grafana and community.grafana keep it.

use serde_json::{Value, json};

use super::*;

/// A form as the peer's payload has it, for a single data source of that type.
fn form_of(more: Value) -> Form {
    let task = task_of(
        json!({"name": "N", "ds_url": "http://x"})
            .as_object()
            .map(|base| {
                let mut all = base.clone();
                all.extend(more.as_object().cloned().expect("a map"));
                Value::Object(all)
            })
            .expect("a map"),
    )
    .expect("options");
    let desired = DatasourceKind::load(&task).expect("what is desired");
    plan::form(&desired[0], None)
}

#[test]
fn each_type_gets_what_the_peer_sends() {
    let tls = json!({"tlsAuth": false, "tlsAuthWithCACert": false});
    let cases = [
        (json!({"ds_type": "graphite"}), json!({})),
        (json!({"ds_type": "prometheus", "time_interval": "5s"}), json!({"timeInterval": "5s"})),
        (json!({"ds_type": "loki", "time_interval": "5s"}), json!({})),
        (
            json!({"ds_type": "elasticsearch", "es_version": 56, "interval": "Daily"}),
            json!({"maxConcurrentShardRequests": 256, "timeField": "@timestamp", "interval": "Daily", "esVersion": 56}),
        ),
        (
            json!({"ds_type": "elasticsearch"}),
            json!({"maxConcurrentShardRequests": 256, "timeField": "@timestamp", "esVersion": "7.10.0"}),
        ),
        (json!({"ds_type": "elasticsearch", "es_version": 5}), json!({"timeField": "@timestamp", "esVersion": 5})),
        (
            json!({"ds_type": "opentsdb", "tsdb_version": "3", "tsdb_resolution": "millisecond"}),
            json!({"tsdbVersion": 3, "tsdbResolution": 2}),
        ),
        (json!({"ds_type": "postgres"}), json!({"sslmode": "disable"})),
        (json!({"ds_type": "alertmanager"}), json!({"implementation": null, "handleGrafanaManagedAlerts": false})),
        (
            json!({"ds_type": "cloudwatch", "aws_custom_metrics_namespaces": "n1,n2"}),
            json!({"authType": "keys", "defaultRegion": "us-east-1", "customMetricsNamespaces": "n1,n2"}),
        ),
        (
            json!({"ds_type": "grafana-azure-monitor-datasource", "azure_tenant": "t"}),
            json!({"tenantId": "t", "clientId": null, "cloudName": "azuremonitor", "clientsecret": "clientsecret"}),
        ),
        (
            json!({"ds_type": "alexanderzobnin-zabbix-datasource", "zabbix_user": "z", "trends": true}),
            json!({"username": "z", "trends": true}),
        ),
    ];
    for (options, expected) in cases {
        let form = form_of(options.clone());
        let mut all = tls.clone();
        all.as_object_mut().expect("a map").extend(expected.as_object().cloned().expect("a map"));
        assert_eq!(Value::Object(form.json), all, "{options}");
    }
}

#[test]
fn credentials_and_certificates_become_what_the_peer_sends() {
    let cases = [
        (json!({"basic_auth_user": "u", "basic_auth_password": "secret-1"}), json!({}), vec!["basicAuthPassword"]),
        (
            json!({"tls_client_cert": "c", "tls_client_key": "k", "tls_ca_cert": "a", "tls_servername": "s"}),
            json!({"tlsAuth": true, "tlsAuthWithCACert": true, "serverName": "s"}),
            vec!["tlsCACert", "tlsClientCert", "tlsClientKey"],
        ),
        (
            json!({"tls_client_cert": "c", "tls_client_key": "k"}),
            json!({"tlsAuth": true, "serverName": null}),
            vec!["tlsClientCert", "tlsClientKey"],
        ),
        (json!({"tls_ca_cert": "a"}), json!({"tlsAuth": false, "tlsAuthWithCACert": true}), vec!["tlsCACert"]),
        (
            json!({"tls_skip_verify": true}),
            json!({"tlsAuth": false, "tlsAuthWithCACert": false, "tlsSkipVerify": true}),
            vec![],
        ),
        (json!({"password": "secret-1", "user": "u"}), json!({}), vec!["password"]),
    ];
    for (options, json, secrets) in cases {
        let mut all = options.clone();
        all["ds_type"] = json!("graphite");
        let form = form_of(all);
        if json != json!({}) {
            assert_eq!(Value::Object(form.json), json, "{options}");
        }
        assert_eq!(form.secrets.keys().collect::<Vec<_>>(), secrets, "{options}");
    }
    let lone = form_of(json!({"ds_type": "graphite", "basic_auth_user": "u"}));
    assert_eq!(lone.fields["basicAuth"], json!(false));
    assert!(lone.warnings[0].contains("basic_auth_password"), "{:?}", lone.warnings);
    for (options, part) in [
        (json!({"tls_client_cert": "c"}), "required together"),
        (json!({"tls_ca_cert": "a", "tls_skip_verify": false}), "mutually exclusive"),
        (json!({"enforce_secure_data": true, "update_secrets": "on_create"}), "mutually exclusive"),
    ] {
        let error = refused(single(options), &Snapshot::default());
        assert!(error.contains(part), "{error}");
    }
}

/// The peer lets the default of an option win over what was written in `additional_json_data`.
#[test]
fn an_option_that_is_not_written_does_not_win_over_additional_data() {
    let form = form_of(json!({"ds_type": "postgres", "json_data": {"sslmode": "require", "tlsSkipVerify": true}}));
    assert_eq!((&form.json["sslmode"], &form.json["tlsSkipVerify"]), (&json!("require"), &json!(true)));
    let form = form_of(json!({"ds_type": "postgres", "sslmode": "verify-ca", "json_data": {"sslmode": "require"}}));
    assert_eq!(form.json["sslmode"], "verify-ca");
}

/// The peer keeps it readable for everybody in the organisation.
#[test]
fn the_password_of_zabbix_is_a_secret_and_a_readable_one_goes() {
    let options = json!({"name": "Z", "ds_type": "alexanderzobnin-zabbix-datasource", "ds_url": "http://z", "zabbix_user": "u", "zabbix_password": "secret-1"});
    let json = json!({"tlsAuth": false, "tlsAuthWithCACert": false, "username": "u", "password": "secret-1"});
    let snapshot = there(&[stored(
        "z",
        "Z",
        json!({"type": "alexanderzobnin-zabbix-datasource", "url": "http://z", "jsonData": json}),
    )]);
    let plan = planned(options, &snapshot);
    assert_eq!(told(&plan), ["update Z jsonData.password,secureJsonFields.password"]);
    assert!(!plan[0].step.body.to_string().contains("secret-1"));
}
