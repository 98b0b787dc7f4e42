//! How to reach an authentik: the options that all its modules share. Objects of authentik have fields called
//! `timeout`, `url` and `token`, so these carry the service's name.

use std::time::Instant;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    http::{Auth, Base, Settings},
    module::{
        Result, Secret,
        common::Transport,
        prefix::{Prefix, Prefixed},
    },
};

/// The prefix of the options of the connection.
pub struct Named;

impl Prefix for Named {
    const TEXT: &'static str = "authentik_";
}

/// Options of the connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Connection {
    /// The address of authentik, with its sub-path if it has one.
    #[schemars(extend("x-env" = ["AUTHENTIK_URL"]))]
    pub authentik_url: String,
    /// A token for the API: of an administrator, or of an account with the permissions that the task needs.
    #[schemars(extend("x-env" = ["AUTHENTIK_TOKEN"]))]
    pub authentik_token: Secret,
    /// The rest of the connection.
    #[serde(flatten)]
    pub transport: Prefixed<Transport, Named>,
}

impl Connection {
    /// The settings of the HTTP client; the harness sets deadline and number of writers.
    pub fn settings(&self) -> Result<Settings> {
        let base = Base::new(&self.authentik_url, "authentik_url")?;
        let mut settings = self.transport.settings(
            base,
            Auth::Bearer(self.authentik_token.clone()),
            super::passing,
            Instant::now(),
        )?;
        // Texts of errors follow it (trap 4).
        settings.headers.push(("Accept-Language".to_owned(), "en".to_owned()));
        Ok(settings)
    }
}
