//! What is to be, in the words of the API.

use serde_json::Value;

use super::{credentials::Secrets, rotation::Rotation};
use crate::{
    authentik::{
        fields::{self, Type},
        table::Row,
    },
    module::{Error, Object, Result, coerce::boolean, nearest::did_you_mean, secret, sounding},
};

/// One object as it is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its kind.
    pub row: &'static Row,
    /// Where it stands in the task, for errors: `users[3]`, or empty for a single one.
    pub at: String,
    /// Whether it is to be there.
    pub present: bool,
    /// Whether what is protected may be changed and deleted.
    pub force: bool,
    /// What tells it from the others: fields with their values, references by name. `pk` finds it by its id.
    pub key: Object,
    /// The declared fields, references by name. Those of the key are among them unless `pk` finds it.
    pub fields: Object,
    /// How a new object is made, where not by sending its fields to the collection: the last part of the address, and
    /// what is sent beside its name.
    pub made_by: Option<(&'static str, Object)>,
    /// Fields that a new object gets where they are not declared.
    pub fresh: Object,
    /// Lists of references to which the declared ones are added: those that are there stay.
    pub appended: Vec<&'static str>,
    /// When write-only fields are sent to an object that is there.
    pub send: Send,
    /// What tells whether a write-only field differs.
    pub proofs: Vec<Proof>,
    /// What belongs to it and has objects of its own.
    pub parts: Vec<Part>,
    /// What is set by a request of its own.
    pub calls: Vec<Call>,
    /// What the service makes and the task wants to have.
    pub secrets: Option<Secrets>,
    /// What is made anew when it is old.
    pub rotation: Option<Rotation>,
    /// The name of the object that carries the value of before the last rotation while that still works.
    pub previous: Option<String>,
}

/// When write-only values are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Send {
    /// With a new object only.
    #[default]
    OnCreate,
    /// With every run.
    Always,
    /// When the user cannot log in with it.
    WhenWrong,
}

/// A write-only field that shows in another: a certificate in its fingerprint.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The write-only fields that are sent when it differs.
    pub fields: &'static [&'static str],
    /// The field that shows it.
    pub shown_as: &'static str,
    /// What that field shows when they are the declared ones.
    pub value: Value,
}

/// Objects of another kind that belong to one: the stages of a flow, who may open an application.
#[derive(Clone, Debug)]
pub struct Part {
    /// What they are called where a difference is shown.
    pub label: &'static str,
    /// Their kind.
    pub row: &'static Row,
    /// Their field that holds the owner's id.
    pub owner: &'static str,
    /// The owner's field with that id.
    pub owner_id: &'static str,
    /// The fields that tell them from each other.
    pub key: &'static [&'static str],
    /// They themselves, in the form of the API, references by name. The list is complete: others go.
    pub items: Vec<Object>,
}

/// A value that is set by a request of its own: a password, the key of a token.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it is called where it is shown: `password`.
    pub label: &'static str,
    /// The last part of the address: `set_password`.
    pub action: &'static str,
    /// The body.
    pub body: Object,
    /// When it is sent to an object that is there.
    pub send: Send,
    /// The last part of the address that shows the value that is set now, and the key of the answer: with it the
    /// value is compared.
    pub shown_by: Option<(&'static str, &'static str)>,
}

/// Which objects `prune` looks at.
#[derive(Clone, Debug)]
pub struct Prune {
    /// Their kind.
    pub row: &'static Row,
    /// Values that their fields have, references by name.
    pub fields: Object,
    /// How their name begins.
    pub prefix: String,
    /// The most that may be deleted.
    pub limit: usize,
}

impl Wanted {
    /// An object that is to be there, with no more than its kind and its key.
    pub fn new(row: &'static Row, at: &str, key: Object) -> Wanted {
        Wanted {
            row,
            at: at.to_owned(),
            present: true,
            force: false,
            fields: key.clone(),
            key,
            made_by: None,
            fresh: Object::new(),
            appended: Vec::new(),
            send: Send::OnCreate,
            proofs: Vec::new(),
            parts: Vec::new(),
            calls: Vec::new(),
            secrets: None,
            rotation: None,
            previous: None,
        }
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        if self.row.single {
            return self.row.noun.to_owned();
        }
        let words: Vec<String> = self.key.values().filter(|value| !value.is_null()).map(plain).collect();
        words.join(" / ")
    }

    /// The key of its change: how others of the same task refer to it.
    pub fn change_key(&self) -> String {
        format!("{}:{}", self.row.path, self.name())
    }

    /// An error about what is declared.
    pub fn wrong(&self, why: impl std::fmt::Display) -> Error {
        Error::bad_options(format!("{}{} `{}`: {why}", self.place(), self.row.noun, self.name()))
    }

    /// The same error, with the object in front that it is about.
    pub fn about(&self, error: Error) -> Error {
        Error { message: self.wrong(&error.message).message, ..error }
    }

    /// Refuses fields that the kind does not take, and brings values to their types: templates make texts of numbers.
    pub fn check(&mut self) -> Result<()> {
        if self.key.values().all(Value::is_null) && !self.row.single {
            let key = self.row.key.join(", ");
            return Err(Error::bad_options(format!("{}{} needs {key}", self.place(), self.row.noun))
                .hint("these are the fields by which it is found"));
        }
        for name in self.key.keys().filter(|name| *name != "pk" && *name != self.row.id) {
            if fields::find(self.row.path, name).is_none() && !self.row.server_made {
                return Err(self.unknown(name));
            }
        }
        let mut coerced = Object::new();
        for (name, value) in std::mem::take(&mut self.fields) {
            if name == "pk" || (name == self.row.id && fields::find(self.row.path, &name).is_none()) {
                continue;
            }
            let Some(field) = fields::find(self.row.path, &name) else { return Err(self.unknown(&name)) };
            let value = coerce(value, field.kind.item()).map_err(|why| self.wrong(format_args!("{name} {why}")))?;
            if let (Type::Choice(words), Value::String(text)) = (field.kind.item(), &value)
                && !words.split('|').any(|word| word == text)
                && !text.is_empty()
            {
                let words = words.replace('|', ", ");
                return Err(self.wrong(format_args!("{name} is `{text}`, and must be one of: {words}")));
            }
            coerced.insert(name, value);
        }
        self.fields = coerced;
        self.hide();
        Ok(())
    }

    /// Hides the values that sound like secrets, and those of fields that are never returned.
    fn hide(&self) {
        let mut all = Vec::new();
        for (name, value) in &self.fields {
            let write_only = fields::find(self.row.path, name).is_some_and(|field| field.write_only);
            sounding::collect(value, write_only || sounding::is_secret(name), &mut all);
        }
        for call in &self.calls {
            call.body.values().for_each(|value| sounding::collect(value, true, &mut all));
        }
        secret::hide(all.iter().map(String::as_str));
    }

    fn place(&self) -> String {
        if self.at.is_empty() { String::new() } else { format!("{}: ", self.at) }
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<&str> = fields::of(self.row.path).iter().map(|field| field.name).collect();
        let meant = did_you_mean(name, known.iter().copied(), 3);
        self.wrong(format_args!("there is no field `{name}`.{meant} A {} takes: {}", self.row.noun, known.join(", ")))
    }
}

/// A value as people write it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) => map.values().map(plain).collect::<Vec<_>>().join(" / "),
        other => other.to_string(),
    }
}

fn coerce(value: Value, to: Type) -> std::result::Result<Value, String> {
    let Value::String(text) = &value else { return Ok(value) };
    let word = text.trim();
    match to {
        Type::Bool => boolean(&value).map(Value::from).map_err(|_| format!("is `{text}`, and true or false is needed")),
        Type::Float => word.parse::<f64>().map(Value::from).map_err(|_| format!("is `{text}`, and a number is needed")),
        // An id may be written as text, and a name is one: what it is shows when it is looked up.
        Type::Int => Ok(word.parse::<i64>().map_or(value, Value::from)),
        _ => Ok(value),
    }
}
