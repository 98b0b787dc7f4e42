//! What authentik's API takes and answers, kind by kind, read from the data file beside the sources.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value};

/// One field of a kind.
#[derive(Debug, Default)]
pub(crate) struct Field {
    pub name: String,
    /// `str`, `bool`, `ref`, `refs`, `dict`, …
    pub kind: String,
    /// Not taken from a body.
    pub read: bool,
    /// Taken and never returned.
    pub write: bool,
    pub required: bool,
    pub null: bool,
    pub blank: bool,
    /// White space around a text is kept.
    pub raw: bool,
    /// A list may not be empty.
    pub filled: bool,
    pub longest: Option<u64>,
    pub most: Option<f64>,
    pub least: Option<f64>,
    pub choices: Vec<Value>,
    /// The model that it refers to, and by which field instead of the id.
    pub to: Option<String>,
    pub by: Option<String>,
    /// `CASCADE`, `SET_NULL`, `SET_DEFAULT`: what becomes of the object when the other is deleted.
    pub gone: Option<String>,
    pub source: Option<String>,
    pub default: Option<Value>,
    /// A PUT without the field sets the default (trap 12).
    pub fixed: bool,
    /// The server makes one up: a key, a time, an id.
    pub made: bool,
    /// Over which model the value is unique, and what a second one is told.
    pub unique: Option<String>,
    pub message: String,
    pub checks: Vec<String>,
    pub child: Option<Box<Field>>,
    pub fields: Vec<Field>,
}

/// A filter of a list.
#[derive(Debug)]
pub(crate) struct Filter {
    pub kind: String,
    pub field: String,
    pub lookup: String,
    /// Written by hand in the real one.
    pub special: bool,
}

/// One kind of object.
#[derive(Debug)]
pub(crate) struct Kind {
    pub path: String,
    pub model: String,
    pub bases: Vec<String>,
    pub verbose: [String; 2],
    /// The name of the class, as `No User matches the given query.` has it.
    pub object: String,
    pub component: String,
    /// The field that stands in the address.
    pub lookup: String,
    /// The field that references hold.
    pub id: String,
    /// Ids are numbers.
    pub numbered: bool,
    /// Ids are UUIDs.
    pub by_uuid: bool,
    /// It has the address of bindings apart from its own id.
    pub bound_apart: bool,
    pub actions: Vec<String>,
    pub http: Vec<String>,
    pub extra: Vec<String>,
    pub order: Vec<String>,
    pub search: Vec<String>,
    pub filters: BTreeMap<String, Filter>,
    pub shape: String,
    pub fields: Vec<Field>,
    pub together: Vec<(Vec<String>, String)>,
}

/// All of it.
pub(crate) struct Table {
    pub kinds: BTreeMap<String, Kind>,
    /// The fields of answers with their types, by the name of the schema.
    pub shapes: BTreeMap<String, Vec<(String, String)>>,
}

/// The base that policies are bound to.
pub(crate) const BOUND: &str = "authentik_policies.policybindingmodel";

impl Kind {
    /// A field by its name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether its objects are of that model, or of one that stands on it.
    pub fn is(&self, model: &str) -> bool {
        self.model == model || self.bases.iter().any(|base| base == model)
    }

    /// Whether it has a route such as `get used_by detail`.
    pub fn has(&self, action: &str) -> bool {
        self.actions.iter().any(|a| a == action)
    }

    /// Whether it is a list over several kinds.
    pub fn is_union(&self) -> bool {
        self.path.ends_with("/all") || self.path == "endpoints/connectors"
    }
}

/// The table, read once.
pub(crate) fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let text = include_str!("../../data/authentik-kinds.json");
        let all: Value = serde_json::from_str(text).expect("the data file is JSON");
        let empty = Map::new();
        let map = |value: &'_ Value| value.as_object().cloned().unwrap_or_else(|| empty.clone());
        let kinds = map(&all["kinds"]).iter().map(|(path, entry)| (path.clone(), kind(path, entry))).collect();
        let pairs = |fields: &Value| map(fields).iter().map(|(name, kind)| (name.clone(), text_of(kind))).collect();
        let shapes = map(&all["shapes"]).iter().map(|(name, fields)| (name.clone(), pairs(fields))).collect();
        Table { kinds, shapes }
    })
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text_of).collect()
}

fn kind(path: &str, entry: &Value) -> Kind {
    let fields: Vec<Field> =
        entry["fields"].as_object().into_iter().flatten().map(|(name, entry)| field(name, entry)).collect();
    let has = |name: &str| fields.iter().any(|field| field.name == name);
    let own = text_of(&entry["pk"]);
    let lookup = text_of(&entry["lookup"]);
    let candidates = ["pk", &own, "pbm_uuid", "connector_uuid", "id", &lookup];
    let id = candidates.into_iter().find(|name| has(name)).unwrap_or("pk").to_owned();
    let bases = texts(&entry["bases"]);
    let filter = |entry: &Value| Filter {
        kind: text_of(&entry[0]),
        field: text_of(&entry[1]),
        lookup: text_of(&entry[2]),
        special: !entry[3].is_null(),
    };
    Kind {
        path: path.to_owned(),
        model: text_of(&entry["model"]),
        bound_apart: bases.iter().any(|base| base == BOUND) && !own.starts_with("policybindingmodel_ptr"),
        bases,
        verbose: [text_of(&entry["verbose"][0]), text_of(&entry["verbose"][1])],
        object: text_of(&entry["object"]),
        component: text_of(&entry["component"]),
        by_uuid: text_of(&entry["pk_type"]) == "UUIDField",
        numbered: text_of(&entry["pk_type"]).contains("Auto"),
        lookup,
        id,
        actions: texts(&entry["actions"]),
        http: texts(&entry["http"]),
        extra: texts(&entry["extra"]),
        order: texts(&entry["order"]),
        search: texts(&entry["search"]),
        filters: entry["filters"].as_object().into_iter().flatten().map(|(k, v)| (k.clone(), filter(v))).collect(),
        shape: text_of(&entry["shape"]),
        fields,
        together: entry["together"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| (texts(&one[0]), text_of(&one[1])))
            .collect(),
    }
}

fn field(name: &str, entry: &Value) -> Field {
    let flag = |key: &str| entry[key] == true;
    let word = |key: &str| entry[key].as_str().map(str::to_owned);
    Field {
        name: name.to_owned(),
        kind: text_of(&entry["type"]),
        read: flag("read"),
        write: flag("write"),
        required: flag("required"),
        null: flag("null"),
        blank: flag("blank"),
        raw: flag("raw"),
        filled: flag("filled"),
        longest: entry["max"].as_u64(),
        most: entry["most"].as_f64(),
        least: entry["least"].as_f64(),
        choices: entry["choices"].as_array().cloned().unwrap_or_default(),
        to: word("to"),
        by: word("by"),
        gone: word("gone"),
        source: word("source"),
        default: entry.get("default").cloned(),
        fixed: flag("fixed"),
        made: entry.get("made").is_some(),
        unique: word("unique"),
        message: text_of(&entry["message"]),
        checks: texts(&entry["checks"]),
        child: entry.get("child").map(|child| Box::new(field("", child))),
        fields: entry["fields"].as_object().into_iter().flatten().map(|(name, entry)| field(name, entry)).collect(),
    }
}
