//! What a module's options are, read from the JSON schema of its Rust types.
//!
//! One struct with doc comments is the truth: schemars turns it into a JSON schema, and this file
//! turns the schema into a [`Spec`], from which come coercion, validation, the documentation and the
//! checks over the registry. What JSON schema cannot say stands in extensions, written on a field by
//! `#[schemars(extend("x-aliases" = ["grafana_url"]))]`:
//!
//! | key | on | meaning |
//! |---|---|---|
//! | `x-type` | field | Ansible's type where the Rust type does not say it: `path`, `json`, `raw`, … |
//! | `x-elements` | field | the same for the elements of a list |
//! | `x-aliases` | field | other names of the option |
//! | `x-no-log` | field | its value is a secret ([`crate::module::Secret`] has it by itself) |
//! | `x-env` | field | environment variables that stand in for it, first one set wins |
//! | `x-required` | field | must be given though the Rust type is an `Option` |
//! | `x-default` | field | the default of a single object; items of a list have none |
//! | `x-item-default` | field | the default counts for items of a list too (such as `state`) |
//! | `x-suboption-defaults` | field | a dict left out is filled with its suboptions' defaults |
//! | `x-required-if` | struct | `[[option, value, [options], any?], …]` |
//! | `x-required-together`, `x-required-one-of`, `x-mutually-exclusive` | struct | `[[option, …], …]` |
//! | `x-required-by` | struct | `{option: [options], …}` |

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

/// The type of an option, in Ansible's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// Text.
    #[default]
    Str,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// True or false, from all of Ansible's spellings.
    Bool,
    /// A list; `OptionSpec::elements` says of what.
    List,
    /// A map; with `OptionSpec::options` one of known keys.
    Dict,
    /// A path on the host where the module runs; `~` and `$VAR` are expanded.
    Path,
    /// Anything, as it came.
    Raw,
    /// JSON text, or a map or list that becomes JSON text.
    Json,
}

impl Type {
    /// The type's name in documentation and messages.
    pub fn name(self) -> &'static str {
        match self {
            Type::Str => "str",
            Type::Int => "int",
            Type::Float => "float",
            Type::Bool => "bool",
            Type::List => "list",
            Type::Dict => "dict",
            Type::Path => "path",
            Type::Raw => "raw",
            Type::Json => "json",
        }
    }

    /// The type of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Type> {
        Some(match name {
            "str" => Type::Str,
            "int" => Type::Int,
            "float" => Type::Float,
            "bool" => Type::Bool,
            "list" => Type::List,
            "dict" => Type::Dict,
            "path" => Type::Path,
            "raw" => Type::Raw,
            "json" | "jsonarg" => Type::Json,
            _ => return None,
        })
    }
}

/// One option.
#[derive(Clone, Debug, Default)]
pub struct OptionSpec {
    /// Its canonical name.
    pub name: String,
    /// Its doc comment: paragraphs separated by blank lines.
    pub description: String,
    /// Its type.
    pub kind: Type,
    /// The type of a list's elements.
    pub elements: Option<Type>,
    /// Whether it must be given.
    pub required: bool,
    /// What it is when it is not given.
    pub default: Option<Value>,
    /// Whether the default counts for the items of a list too.
    pub item_default: bool,
    /// The values it may have (a list: each of its elements); empty when free.
    pub choices: Vec<Value>,
    /// The least and the most that a whole number may be.
    pub range: Option<(i128, i128)>,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Whether its value is a secret.
    pub no_log: bool,
    /// Environment variables that stand in for it.
    pub env: Vec<String>,
    /// The options of a map, or of each map in a list.
    pub options: Option<Spec>,
    /// Whether a map that is left out is filled with its suboptions' defaults.
    pub suboption_defaults: bool,
    /// The part of the documentation that it belongs to.
    pub group: Group,
}

/// The parts of a module's options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// Of one object.
    #[default]
    Object,
    /// Of the run as a whole.
    Run,
    /// How to reach the service.
    Connection,
    /// Of every module.
    Common,
}

/// "If `option` is `value`, then `needs`".
#[derive(Clone, Debug)]
pub struct RequiredIf {
    /// The option looked at.
    pub option: String,
    /// Its value.
    pub value: Value,
    /// What is then required.
    pub needs: Vec<String>,
    /// Whether one of them is enough.
    pub any: bool,
}

/// A set of options and the rules between them.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// The options, in the order of the struct.
    pub options: Vec<OptionSpec>,
    /// Conditional requirements.
    pub required_if: Vec<RequiredIf>,
    /// All or none of each group.
    pub required_together: Vec<Vec<String>>,
    /// At least one of each group.
    pub required_one_of: Vec<Vec<String>>,
    /// At most one of each group.
    pub mutually_exclusive: Vec<Vec<String>>,
    /// "The first requires the others".
    pub required_by: Vec<(String, Vec<String>)>,
}

impl Spec {
    /// The spec of a Rust type.
    pub fn of<T: JsonSchema>() -> Spec {
        let mut settings = SchemaSettings::draft2020_12();
        settings.inline_subschemas = true;
        let schema = settings.into_generator().into_root_schema_for::<T>();
        Spec::from_schema(schema.as_value())
    }

    /// The spec that a JSON schema of an object describes.
    pub fn from_schema(schema: &Value) -> Spec {
        let required = names(schema.get("required"));
        let options = schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, property)| OptionSpec::from_schema(name, property, required.contains(name)))
            .collect();
        Spec {
            options,
            required_if: list(schema, "x-required-if").map(RequiredIf::from_value).collect(),
            required_together: groups(schema, "x-required-together"),
            required_one_of: groups(schema, "x-required-one-of"),
            mutually_exclusive: groups(schema, "x-mutually-exclusive"),
            required_by: schema
                .get("x-required-by")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(name, needs)| (name.clone(), names(Some(needs))))
                .collect(),
        }
    }

    /// This spec with another's options and rules behind its own.
    pub fn and(mut self, other: Spec) -> Spec {
        self.options.extend(other.options);
        self.required_if.extend(other.required_if);
        self.required_together.extend(other.required_together);
        self.required_one_of.extend(other.required_one_of);
        self.mutually_exclusive.extend(other.mutually_exclusive);
        self.required_by.extend(other.required_by);
        self
    }

    /// The option of that name or alias.
    pub fn find(&self, name: &str) -> Option<&OptionSpec> {
        self.options.iter().find(|option| option.name == name || option.aliases.iter().any(|alias| alias == name))
    }

    /// The same options without defaults and environment: for the items of a list, where only what is
    /// written counts. Requirements and rules stay.
    pub fn as_item(&self) -> Spec {
        let mut item = self.clone();
        for option in &mut item.options {
            option.default = option.default.take().filter(|_| option.item_default);
            option.env.clear();
        }
        item
    }

    /// The same options without requirements and rules between them: for what stands at the top level
    /// beside a list, as the default for each item.
    pub fn as_defaults(&self) -> Spec {
        let mut options = self.as_item().options;
        for option in &mut options {
            option.required = false;
            option.default = None;
        }
        Spec { options, ..Spec::default() }
    }

    /// The same options as a part of the documentation.
    pub fn in_group(mut self, group: Group) -> Spec {
        self.options.iter_mut().for_each(|option| option.group = group);
        self
    }
}

impl OptionSpec {
    fn from_schema(name: &str, schema: &Value, required: bool) -> OptionSpec {
        let core = without_null(schema);
        let kind = ansible_type(schema, "x-type").unwrap_or_else(|| type_of(&core));
        let items = core.get("items").map(without_null);
        let elements = (kind == Type::List)
            .then(|| ansible_type(schema, "x-elements").or_else(|| items.as_ref().map(type_of)).unwrap_or(Type::Raw));
        let inner = if kind == Type::List { items.as_ref() } else { Some(&core) };
        let options = inner.filter(|inner| inner.get("properties").is_some()).map(Spec::from_schema);
        let default = schema.get("x-default").or_else(|| schema.get("default")).filter(|value| !value.is_null());
        OptionSpec {
            name: name.to_owned(),
            description: text(schema, "description"),
            kind,
            elements,
            required: (required && default.is_none()) || schema.get("x-required") == Some(&Value::Bool(true)),
            default: default.cloned(),
            item_default: schema.get("x-item-default") == Some(&Value::Bool(true)),
            choices: inner.map(choices).unwrap_or_default(),
            range: if kind == Type::Int { range(&core) } else { None },
            aliases: names(schema.get("x-aliases")),
            no_log: [Some(schema), Some(&core), inner]
                .into_iter()
                .flatten()
                .any(|part| part.get("x-no-log") == Some(&Value::Bool(true))),
            env: names(schema.get("x-env")),
            options,
            suboption_defaults: schema.get("x-suboption-defaults") == Some(&Value::Bool(true)),
            group: Group::default(),
        }
    }
}

impl RequiredIf {
    fn from_value(rule: &Value) -> RequiredIf {
        RequiredIf {
            option: rule[0].as_str().unwrap_or_default().to_owned(),
            value: rule[1].clone(),
            needs: names(rule.get(2)),
            any: rule.get(3) == Some(&Value::Bool(true)),
        }
    }
}

/// The schema of `Option<T>` without the "or null" that schemars adds to it.
fn without_null(schema: &Value) -> Value {
    let is_null = |part: &Value| part.get("type").and_then(Value::as_str) == Some("null");
    if let Some(parts) = schema.get("anyOf").and_then(Value::as_array)
        && parts.iter().any(is_null)
        && let Some(inner) = parts.iter().find(|part| !is_null(part))
    {
        return inner.clone();
    }
    schema.clone()
}

fn type_of(schema: &Value) -> Type {
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(all)) => {
            all.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default()
        }
        _ if !choices(schema).is_empty() => "string",
        _ => "",
    };
    if let Some(kind) = ansible_type(schema, "x-type") {
        return kind;
    }
    match name {
        "string" => Type::Str,
        "integer" => Type::Int,
        "number" => Type::Float,
        "boolean" => Type::Bool,
        "array" => Type::List,
        "object" => Type::Dict,
        _ => Type::Raw,
    }
}

/// The values of an enum: `enum: [...]`, or `oneOf` constants where its variants have doc comments.
fn choices(schema: &Value) -> Vec<Value> {
    if let Some(all) = schema.get("enum").and_then(Value::as_array) {
        return all.iter().filter(|value| !value.is_null()).cloned().collect();
    }
    if let Some(one) = schema.get("const") {
        return vec![one.clone()];
    }
    list(schema, "oneOf").flat_map(choices).collect()
}

/// What the Rust type of a whole number holds, or less where its field says so.
fn range(schema: &Value) -> Option<(i128, i128)> {
    let (least, most) = match schema.get("format").and_then(Value::as_str)? {
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "int" | "int64" => (i64::MIN.into(), i64::MAX.into()),
        "uint" | "uint64" => (0, u64::MAX.into()),
        _ => return None,
    };
    let said = |key: &str, otherwise: i128| schema.get(key).and_then(Value::as_i64).map_or(otherwise, i128::from);
    Some((said("minimum", least), said("maximum", most)))
}

fn ansible_type(schema: &Value, key: &str) -> Option<Type> {
    schema.get(key).and_then(Value::as_str).and_then(Type::from_name)
}

fn text(schema: &Value, key: &str) -> String {
    schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn names(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn groups(schema: &Value, key: &str) -> Vec<Vec<String>> {
    list(schema, key).map(|group| names(Some(group))).collect()
}

/// A JSON object, as options and comparable forms are kept.
pub type Object = Map<String, Value>;
