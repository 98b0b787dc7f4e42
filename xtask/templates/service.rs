//! __Service__: what its kinds of objects share. Connection options and credentials, who the caller is, and what
//! its errors mean.

pub mod __kind__;

use std::time::Instant;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    http::{self, Auth, Base, Client},
    module::{Kind, Result, Secret, Task, common::Transport},
};

/// Options of the connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Connection {
    /// The address of __service__, with its sub-path if it has one.
    #[schemars(extend("x-env" = ["__SERVICE___URL"]))]
    pub __service___url: String,
    /// A token of the account that does the work. TODO which rights it needs.
    #[schemars(extend("x-env" = ["__SERVICE___TOKEN"]))]
    pub __service___token: Secret,
    /// The rest of the connection.
    #[serde(flatten)]
    pub transport: Transport,
}

/// What is known of the server and the caller.
#[derive(Clone, Debug)]
pub struct Session {}

/// The settings of the HTTP client.
pub fn client<K: Kind<Connection = Connection>>(task: &Task<K>) -> Result<http::Settings> {
    let connection = &task.connection;
    let base = Base::new(&connection.__service___url, "__service___url")?;
    let auth = Auth::Bearer(connection.__service___token.clone());
    // TODO which answers are faults that pass by themselves, beyond those that every service has.
    connection.transport.settings(base, auth, |_, _| false, Instant::now())
}

/// TODO Proves who the caller is by one request, before anything concurrent.
pub fn open<K: Kind<Connection = Connection>>(_task: &Task<K>, _client: &mut Client) -> Result<Session> {
    Ok(Session {})
}
