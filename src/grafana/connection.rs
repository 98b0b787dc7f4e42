//! How to reach a Grafana: the options that all its modules share.

use std::{collections::BTreeSet, time::Instant};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    http::{Auth, Base, Settings},
    module::{Result, Secret, common::Transport},
};

/// Options of the connection. Their names are those of `community.grafana`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("x-mutually-exclusive" = [["url_username", "token"], ["org_id", "org_name"]]))]
pub struct Connection {
    /// The address of Grafana, with its sub-path if it has one.
    #[schemars(extend("x-aliases" = ["grafana_url"], "x-env" = ["GRAFANA_URL"]))]
    pub url: String,
    /// The user to log in as, where no `token` is given.
    #[schemars(extend("x-aliases" = ["grafana_user"], "x-env" = ["GRAFANA_USER"], "x-default" = "admin"))]
    pub url_username: Option<String>,
    /// The user's password.
    #[schemars(extend("x-aliases" = ["grafana_password"], "x-env" = ["GRAFANA_PASSWORD"], "x-default" = "admin"))]
    pub url_password: Option<Secret>,
    /// A token of a service account. It works in its own organisation, with the rights of its role:
    /// data sources need the role Admin.
    #[schemars(extend("x-aliases" = ["grafana_api_key"], "x-env" = ["GRAFANA_TOKEN"]))]
    pub token: Option<Secret>,
    /// The organisation to work in, by its number. It is chosen by a header for each request; the user's
    /// own current organisation is not switched. With a `token` the header goes out only when this is
    /// written.
    #[schemars(extend("x-default" = 1))]
    pub org_id: Option<i64>,
    /// The organisation to work in, by its name.
    pub org_name: Option<String>,
    /// The rest of the connection.
    #[serde(flatten)]
    pub transport: Transport,
}

impl Connection {
    /// Whether the token is used: a user name or a password written in the task is nearer than a token from
    /// the environment.
    pub fn uses_token(&self, written: &BTreeSet<String>) -> bool {
        let given = self.token.as_ref().is_some_and(|token| !token.expose().is_empty());
        let by_password = ["url_username", "url_password"].iter().any(|option| written.contains(*option));
        given && (written.contains("token") || !by_password)
    }

    /// The settings of the HTTP client; the harness sets deadline and number of writers.
    pub fn settings(&self, written: &BTreeSet<String>) -> Result<Settings> {
        let auth = match &self.token {
            Some(token) if self.uses_token(written) => Auth::Bearer(token.clone()),
            _ => Auth::Basic(
                self.url_username.clone().unwrap_or_default(),
                self.url_password.clone().unwrap_or_else(|| Secret::new("")),
            ),
        };
        let base = Base::new(&self.url, "url")?;
        self.transport.settings(base, auth, super::passing, Instant::now())
    }
}
