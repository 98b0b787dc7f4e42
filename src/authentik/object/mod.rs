//! `authentik_object`: any kind of object of authentik, by the table.

mod about;

use super::{
    engine::{Declares, Prune, Wanted},
    fields,
    options::{State, UpdateSecrets},
    table::{self, Row},
};
use crate::module::{About, Declared, Error, Object, Result, nearest::did_you_mean};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind of object.
pub struct ObjectKind;

/// Options of one object. `identifiers` and `attrs` are what they are in authentik's own blueprints.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ObjectOptions {
    /// The kind: the path of its list in the API, such as `core/users` or `stages/password`, or the name of
    /// Terraform's resource, such as `stage_password`. The page of this module lists them all.
    #[schemars(extend("x-required" = true))]
    pub kind: Option<String>,
    /// What tells the object from others of its kind: its name, slug or what the table says. May be left out where
    /// `attrs` hold it. With `pk` an object is found by its id, and its name or slug can be changed.
    pub identifiers: Option<Object>,
    /// The fields of the object, named as in the API. What refers to another object is written by its name or slug
    /// (or its id), or as a map of one entry, the kind and the name, where it may be of several kinds. Only what is
    /// written is compared; of maps such as `attributes` only the keys that are written.
    pub attrs: Option<Object>,
    /// Whether the object is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// When fields that authentik never shows are sent: with a new object only, or with every run, which then cannot
    /// tell whether they differed.
    #[schemars(extend("x-default" = "on_create"))]
    pub update_secrets: Option<UpdateSecrets>,
    /// Whether what authentik manages itself, and what the caller stands on, may be deleted or weakened too.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ObjectSettings {
    /// Deletes objects of one kind in a stated scope that the task does not declare. What authentik manages itself,
    /// and what the caller stands on, always stays.
    pub prune: Option<PruneOptions>,
}

/// Which objects `prune` looks at.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("x-required-one-of" = [["name_prefix", "attrs"]]))]
pub struct PruneOptions {
    /// Their kind, as the option `kind` has it.
    pub kind: String,
    /// Those whose name (or slug, or user name) begins so.
    pub name_prefix: Option<String>,
    /// Those whose fields have these values; of lists those that hold them.
    pub attrs: Option<Object>,
    /// The most objects that may be deleted; when there are more the task fails and changes nothing.
    #[schemars(extend("x-default" = 10))]
    pub limit: Option<usize>,
}

impl Declares for ObjectKind {
    const NAME: &'static str = "authentik_object";
    const NOUN: &'static str = "object";
    const PLURAL: &'static str = "objects";

    type Object = ObjectOptions;
    type Settings = ObjectSettings;

    fn about() -> About {
        about::about()
    }

    fn wanted(declared: &Declared<ObjectOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let row = row(options.kind.as_deref().unwrap_or_default(), &declared.at)?;
        let attrs = options.attrs.clone().unwrap_or_default();
        let identifiers = options.identifiers.clone().unwrap_or_default();
        let by_id = ["pk", row.id].iter().any(|id| identifiers.get(*id).is_some_and(|value| !value.is_null()));
        let mut key = identifiers.clone();
        if !by_id {
            for name in row.key {
                if let Some(value) = attrs.get(*name) {
                    key.entry(*name).or_insert_with(|| value.clone());
                }
            }
        }
        let mut wanted = Wanted::new(row, &declared.at, key);
        if by_id {
            wanted.fields = Object::new();
        }
        wanted.fields.extend(attrs);
        wanted.fields.retain(|name, _| name != "pk");
        wanted.present = options.state != Some(State::Absent);
        wanted.force = options.force == Some(true);
        wanted.send = options.update_secrets.unwrap_or_default().into();
        Ok(wanted)
    }

    fn prune(settings: &ObjectSettings) -> Option<Prune> {
        let prune = settings.prune.as_ref()?;
        Some(Prune {
            row: table::row(&prune.kind)?,
            fields: prune.attrs.clone().unwrap_or_default(),
            prefix: prune.name_prefix.clone().unwrap_or_default(),
            limit: prune.limit.unwrap_or(10),
        })
    }

    fn check_settings(settings: &ObjectSettings) -> Result<()> {
        let Some(prune) = &settings.prune else { return Ok(()) };
        let row = row(&prune.kind, "prune")?;
        let attrs = prune.attrs.as_ref().is_some_and(|attrs| !attrs.is_empty());
        if prune.name_prefix.as_deref().unwrap_or_default().is_empty() && !attrs {
            return Err(Error::bad_options("prune: neither `name_prefix` nor `attrs` says anything")
                .hint("without a scope every object of the kind would be deleted"));
        }
        for name in prune.attrs.iter().flat_map(Object::keys) {
            if fields::find(row.path, name).is_none() {
                return Err(Error::bad_options(format!("prune: a {} has no field `{name}`", row.noun)));
            }
        }
        Ok(())
    }
}

fn row(name: &str, at: &str) -> Result<&'static Row> {
    table::row(name).ok_or_else(|| {
        let at = if at.is_empty() { String::new() } else { format!("{at}: ") };
        if let Some((_, why)) = table::LEFT_OUT.iter().find(|(path, _)| *path == name.trim_matches('/')) {
            return Error::bad_options(format!("{at}kind `{name}` is not managed here: {why}"));
        }
        let meant = did_you_mean(name, table::rows().flat_map(|row| [row.path, row.alias]), usize::MAX);
        let all: Vec<&str> = table::rows().map(|row| row.path).collect();
        Error::bad_options(format!("{at}there is no kind `{name}`.{meant} The kinds are: {}", all.join(", ")))
    })
}
