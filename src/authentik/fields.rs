//! Which fields each kind of object takes, read from `fields.txt`.

use std::{collections::BTreeMap, sync::OnceLock};

/// One field that a kind of object takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a new object needs it.
    pub required: bool,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether it is taken and never returned.
    pub write_only: bool,
}

/// What a field holds: one of something, or a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// One.
    One(Type),
    /// A list.
    List(Type),
}

impl Kind {
    /// What one, or each of the list, is.
    pub fn item(self) -> Type {
        match self {
            Kind::One(item) | Kind::List(item) => item,
        }
    }
}

/// What one value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    /// Text, whose white space at both ends the service removes (trap 17).
    Str,
    /// True or false.
    Bool,
    /// A whole number, which may be an id.
    Int,
    /// A number.
    Float,
    /// An id.
    Uuid,
    /// A time.
    Time,
    /// A map, or anything.
    Json,
    /// One of these words, separated by `|`.
    Choice(&'static str),
}

/// The fields of the kind at that path, none if there is no such kind.
pub fn of(path: &str) -> &'static [Field] {
    static ALL: OnceLock<BTreeMap<&'static str, Vec<Field>>> = OnceLock::new();
    ALL.get_or_init(|| parse(include_str!("fields.txt"))).get(path).map_or(&[], Vec::as_slice)
}

/// One field of a kind.
pub fn find(path: &str, name: &str) -> Option<&'static Field> {
    of(path).iter().find(|field| field.name == name)
}

fn parse(text: &'static str) -> BTreeMap<&'static str, Vec<Field>> {
    let mut all: BTreeMap<&str, Vec<Field>> = BTreeMap::new();
    let mut here = "";
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(name), kind, flags) = (words.next(), words.next(), words.next().unwrap_or_default()) else {
            continue;
        };
        let Some(kind) = kind.filter(|_| line.starts_with(' ')) else {
            here = name;
            all.entry(here).or_default();
            continue;
        };
        all.entry(here).or_default().push(Field {
            name,
            kind: match kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
                Some(item) => Kind::List(type_of(item)),
                None => Kind::One(type_of(kind)),
            },
            required: flags.contains('!'),
            nullable: flags.contains('?'),
            write_only: flags.contains('*'),
        });
    }
    all
}

fn type_of(word: &'static str) -> Type {
    match word {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "float" => Type::Float,
        "uuid" => Type::Uuid,
        "time" => Type::Time,
        "json" => Type::Json,
        _ => word.strip_prefix("enum:").map_or(Type::Str, Type::Choice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        let name = find("crypto/certificatekeypairs", "certificate_data").expect("a field");
        assert!(name.required && name.write_only && name.kind == Kind::One(Type::Str));
        assert_eq!(find("core/groups", "users").map(|field| field.kind), Some(Kind::List(Type::Int)));
        assert!(matches!(find("core/tokens", "intent").map(|field| field.kind.item()), Some(Type::Choice(_))));
        assert!(of("core/nonsense").is_empty());
    }
}
