//! What the options of authentik's modules have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    engine::{Prune, Secrets, Send, Source, Wanted},
    table::{self, Row},
};
pub use crate::module::common::{State, UpdateSecrets};
use crate::module::{Error, Object, Result, Secret};

impl From<UpdateSecrets> for Send {
    fn from(option: UpdateSecrets) -> Send {
        match option {
            UpdateSecrets::OnCreate => Send::OnCreate,
            UpdateSecrets::Always => Send::Always,
        }
    }
}

/// How the task gets what authentik makes.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct SecretOptions {
    /// Whether the result holds, as `secret`, what authentik made or keeps. The task has to have `no_log: true`, else
    /// it is refused before anything is changed. Not in check mode.
    #[schemars(extend("x-default" = false))]
    pub return_secret: Option<bool>,
    /// A file on the host where the module runs that is to hold it, as JSON: `name`, `pk`, and what the result holds
    /// as `secret`. It is written whole or not at all, with the mode 0600, when it is missing or out of date. Its
    /// folder has to be there.
    #[schemars(extend("x-type" = "path"))]
    pub secret_file: Option<String>,
}

impl SecretOptions {
    /// The same for the engine.
    pub fn of(&self, source: Source) -> Option<Secrets> {
        let returned = self.return_secret == Some(true);
        (returned || self.secret_file.is_some()).then(|| Secrets { source, returned, file: self.secret_file.clone() })
    }
}

/// The names of these options, which are no fields of the API.
pub const SECRET_OPTIONS: [&str; 2] = ["return_secret", "secret_file"];

/// A length of time as people write it, such as `90d`, in seconds.
pub fn duration(wanted: &Wanted, name: &str, text: Option<&String>) -> Result<Option<u64>> {
    let Some(text) = text else { return Ok(None) };
    match humantime::parse_duration(text.trim()) {
        Ok(length) if length.as_secs() > 0 => Ok(Some(length.as_secs())),
        Ok(_) => Err(wanted.wrong(format_args!("{name} is `{text}`, and that is no time at all"))),
        Err(error) => Err(wanted
            .wrong(format_args!("{name} is `{text}`: {error}"))
            .hint("write a number with its unit, such as `24h`, `90d` or `3months`")),
    }
}

/// The options that are written, under their own names: what the API calls by the same name needs no more. Options
/// that are not fields of the API are named in `besides`; secrets are added by [`secret`].
pub fn fields(options: &impl Serialize, besides: &[&str]) -> Object {
    let mut fields = match serde_json::to_value(options) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => Object::new(),
    };
    fields.retain(|name, value| !value.is_null() && !besides.contains(&name.as_str()));
    fields
}

/// Adds a secret: it serialises as stars by itself.
pub fn secret(fields: &mut Object, name: &str, value: Option<&Secret>) {
    match value {
        Some(value) => drop(fields.insert(name.to_owned(), value.expose().into())),
        None => drop(fields.remove(name)),
    }
}

/// The object of that kind with these fields: what the table says it is known by is taken out of them.
pub fn wanted(row: &'static Row, at: &str, fields: Object, state: Option<State>) -> Wanted {
    let key = row.key.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone()))).collect();
    let mut wanted = Wanted::new(row, at, key);
    wanted.fields = fields;
    wanted.present = state != Some(State::Absent);
    wanted
}

/// The row of a path that stands in the table.
pub fn row(path: &'static str) -> Result<&'static Row> {
    table::row(path).ok_or_else(|| Error::local(format!("the table of kinds has no row {path}")))
}

/// Which objects `prune` looks at, of a kind that is known by its name alone.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct PrefixPrune {
    /// Those whose name (or slug, identifier or domain) begins so.
    pub name_prefix: String,
    /// The most objects that may be deleted; when there are more the task fails and changes nothing.
    #[schemars(extend("x-default" = 10))]
    pub limit: Option<usize>,
}

impl PrefixPrune {
    /// The same for the engine.
    pub fn of(&self, path: &'static str) -> Option<Prune> {
        Some(Prune {
            row: row(path).ok()?,
            fields: Object::new(),
            prefix: self.name_prefix.clone(),
            limit: self.limit.unwrap_or(10),
        })
    }
}
