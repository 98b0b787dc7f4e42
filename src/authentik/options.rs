//! What the options of authentik's modules have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::Send;
use crate::module::{Object, Secret};

/// Whether an object is to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum State {
    #[default]
    Present,
    Absent,
}

/// When a value that authentik never shows is sent to an object that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum UpdateSecrets {
    #[default]
    OnCreate,
    Always,
}

impl From<UpdateSecrets> for Send {
    fn from(option: UpdateSecrets) -> Send {
        match option {
            UpdateSecrets::OnCreate => Send::OnCreate,
            UpdateSecrets::Always => Send::Always,
        }
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

/// The fields that tell one object from the others, out of all that are declared.
pub fn key(fields: &Object, names: &[&str]) -> Object {
    names.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone()))).collect()
}

/// The row of a path that stands in the table.
pub fn row(path: &'static str) -> crate::module::Result<&'static super::table::Row> {
    super::table::row(path)
        .ok_or_else(|| crate::module::Error::local(format!("the table of kinds has no row {path}")))
}
