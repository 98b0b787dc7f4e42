//! What `grafana_datasource` says of itself.

use crate::module::{About, Return};

const EXAMPLES: &str = r#"- name: Make Prometheus the default data source
  grafana_datasource:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    name: Prometheus
    uid: prometheus
    ds_type: prometheus
    ds_url: http://prometheus.example.com:9090
    is_default: true
    time_interval: 30s
    json_data:
      httpMethod: POST

- name: Add Loki behind basic authentication, and wait until Grafana reaches it
  grafana_datasource:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    name: Loki
    uid: loki
    ds_type: loki
    ds_url: https://loki.example.com
    basic_auth_user: grafana
    basic_auth_password: "{{ loki_password }}"
    test: true
    test_timeout: 60

- name: Declare several at once, with what they share above them
  grafana_datasource:
    url: http://grafana.example.com:3000
    url_username: admin
    url_password: "{{ grafana_password }}"
    access: proxy
    datasources:
      - name: Metrics
        uid: metrics
        ds_type: prometheus
        ds_url: http://prometheus.example.com:9090
      - name: Traces
        uid: traces
        ds_type: tempo
        ds_url: http://tempo.example.com:3200
      - name: Demo
        ds_type: testdata
    prune:
      type: tempo

- name: Add PostgreSQL, and send its password whenever it is another one
  grafana_datasource:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    name: Books
    uid: books
    ds_type: grafana-postgresql-datasource
    ds_url: postgres.example.com:5432
    user: grafana
    sslmode: verify-full
    json_data:
      database: books
      postgresVersion: 1500
    secure_json_data:
      password: "{{ books_password }}"
    secret_fingerprint: true

- name: Delete a data source
  grafana_datasource:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    name: Loki
    state: absent
"#;

/// The text of the documentation.
pub fn about() -> About {
    About {
        short_description: "Manage data sources of Grafana",
        description: &[
            "Makes, changes, renames and deletes data sources of any type, and has Grafana test their connections.",
            "Takes one data source or a list of them. In a list only what is written is compared and changed: \
             settings that nobody declared stay as they are.",
            "Is a drop-in for `community.grafana.grafana_datasource`: all its options have the same meaning and \
             default. Settings that it would reset or report as changed at each run stay as they are.",
        ],
        notes: &[
            "Grafana tells nobody the value of a secret, only whether it is set. So one that is set and differs is \
             no change by itself: it is sent again as `update_secrets` or `secret_fingerprint` say, and the result \
             says that it was sent, not that it differed.",
            "The first data source of an organisation becomes its default. For a single data source `is_default` is \
             `false` unless it is written, and takes that back.",
            "An option that is not written never wins over the same setting in `additional_json_data`.",
            "Data sources that Grafana provisions from files can be changed only there.",
        ],
        requirements: &["Grafana 11 or later.", "The role Admin in the organisation."],
        examples: EXAMPLES,
        returns: &[
            Return {
                name: "datasource",
                description: "The data source as Grafana has it after the task; null when it is not there. In check \
                              mode, where something would change, as it would be.",
                kind: "dict",
                returned: "for a single data source",
                sample: r#"{"id": 1, "uid": "loki", "orgId": 1, "name": "Loki", "type": "loki", "access": "proxy", "url": "https://loki.example.com", "user": "", "database": "", "basicAuth": true, "basicAuthUser": "grafana", "withCredentials": false, "isDefault": false, "jsonData": {"tlsAuth": false, "tlsAuthWithCACert": false}, "secureJsonFields": {"basicAuthPassword": true}, "version": 1, "readOnly": false}"#,
            },
            Return {
                name: "test",
                description: "What the test of the connection came to: `status` is `ok`, `failed`, or `no_check` for \
                              a type that Grafana cannot test, and `message` is what Grafana said. In a list each \
                              entry of `objects` has it.",
                kind: "dict",
                returned: "with `test` and not in check mode",
                sample: r#"{"status": "ok", "message": "Data source successfully connected."}"#,
            },
        ],
    }
}
