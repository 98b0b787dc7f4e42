//! The table of all kinds of objects of authentik that can be written: where each lies, what it is known by, what it
//! refers to, and in what it departs from the rest. `fields.txt` beside it says which fields each takes; what is
//! measured of each kind stands in the comments of its row.
//!
//! `authentik_object` takes every row; the modules of one kind stand on theirs.

mod access;
mod core;
mod directory;
mod events;
mod flows;
mod left_out;
mod mappings;
mod policies;
mod providers;
mod references;
mod sources;
mod stages;

pub use left_out::LEFT_OUT;
pub use references::{Listing, listing, target};

/// One kind of object.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its collection below `/api/v3/`, without slashes around: `core/users`. Also its name in tasks.
    pub path: &'static str,
    /// What one is called in sentences.
    pub noun: &'static str,
    /// Its other names in tasks: that of Terraform's resource without `authentik_`.
    pub alias: &'static str,
    /// The field that stands in the address of one (trap 20).
    pub address: &'static str,
    /// The field by which others refer to one.
    pub id: &'static str,
    /// The field by which bindings of policies refer to one, where it is another.
    pub bound_as: &'static str,
    /// The fields that tell one from the others. Where there are several, references count by what they refer to.
    pub key: &'static [&'static str],
    /// The fields by which people name one in a reference, the surest first.
    pub names: &'static [&'static str],
    /// The filter that finds one exactly by the first field of its key; empty where there is none.
    pub filter: &'static str,
    /// A filter that every list is asked with (trap 11).
    pub query: &'static str,
    /// What fields refer to, where that differs from what fields of that name refer to elsewhere.
    pub references: &'static [(&'static str, &'static str)],
    /// Fields that are sent with every change: validators see only the body (traps 13, 15, 31).
    pub always: &'static [&'static str],
    /// Fields of which all are sent when one is (traps 15, 33, 36).
    pub together: &'static [&'static str],
    /// Fields that are sent as null with a new one when the task does not name them.
    pub blank: &'static [&'static str],
    /// Fields whose order the service does not keep, beside lists of references (traps 17, 41).
    pub sets: &'static [&'static str],
    /// Fields that the service never takes from the body, or moves by itself: never compared.
    pub moving: &'static [&'static str],
    /// Maps of which only the declared keys are compared and written; the others stay.
    pub merged: &'static [&'static str],
    /// Whether a change is sent by PUT with all that is stored, since PATCH cannot be used (trap 34).
    pub by_put: bool,
    /// Whether one can only be made and deleted.
    pub fixed: bool,
    /// Whether there is one of it, which is there always.
    pub single: bool,
    /// Whether only the server makes and deletes them.
    pub server_made: bool,
    /// Whether it needs a licence.
    pub enterprise: bool,
    /// Whether it was never seen on a real server: what is done with it comes from the API's document alone.
    pub by_schema: bool,
}

/// What most kinds are like.
const BASE: Row = Row {
    path: "",
    noun: "",
    alias: "",
    address: "pk",
    id: "pk",
    bound_as: "pk",
    key: &["name"],
    names: &["name"],
    filter: "name",
    query: "",
    references: &[],
    always: &[],
    together: &[],
    blank: &[],
    sets: &[],
    moving: &[],
    merged: &[],
    by_put: false,
    fixed: false,
    single: false,
    server_made: false,
    enterprise: false,
    by_schema: false,
};

impl Row {
    /// A kind that is known by its name.
    const fn of(path: &'static str, noun: &'static str, alias: &'static str) -> Row {
        Row { path, noun, alias, ..BASE }
    }

    /// Its collection's address.
    pub fn collection(&self) -> String {
        format!("/api/v3/{}/", self.path)
    }

    /// Whether a list of that name holds objects of this kind: its own, or `stages/all` and such.
    pub fn is_in(&self, listing: &str) -> bool {
        self.path == listing || listing.strip_suffix("all").is_some_and(|family| self.path.starts_with(family))
    }
}

/// All rows, by area.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [
        core::ROWS,
        directory::ROWS,
        flows::ROWS,
        stages::ROWS,
        policies::ROWS,
        mappings::ROWS,
        providers::ROWS,
        sources::ROWS,
        access::ROWS,
        events::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// The row of a path, or of Terraform's name with or without `authentik_`.
pub fn row(name: &str) -> Option<&'static Row> {
    let plain = name.trim_matches('/').trim_start_matches("api/v3/");
    let short = plain.strip_prefix("authentik_").unwrap_or(plain);
    rows().find(|row| row.path == plain || (!row.alias.is_empty() && row.alias == short))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::authentik::fields;

    #[test]
    fn each_row_has_its_fields_and_names_only_those() {
        let mut seen = BTreeSet::new();
        for row in rows() {
            assert!(seen.insert(row.path), "{} stands in the table twice", row.path);
            let known = fields::of(row.path);
            assert!(!known.is_empty(), "{} has no fields", row.path);
            let named = row
                .references
                .iter()
                .map(|(field, _)| field)
                .chain(row.always)
                .chain(row.together)
                .chain(row.blank)
                .chain(row.sets)
                .chain(row.merged)
                .chain(row.key);
            for field in named {
                let readable = row.server_made || row.by_schema;
                assert!(known.iter().any(|one| one.name == *field) || readable, "{}: no field {field}", row.path);
            }
        }
    }

    #[test]
    fn aliases_are_unique_and_every_reference_has_a_list() {
        let mut seen = BTreeSet::new();
        for row in rows().filter(|row| !row.alias.is_empty()) {
            assert!(seen.insert(row.alias), "{} names two kinds", row.alias);
            assert!(rows().all(|other| other.path != row.alias), "{} is a path too", row.alias);
        }
        for row in rows() {
            for field in fields::of(row.path) {
                if let Some(list) = target(row, field) {
                    assert!(listing(list).is_some(), "{}.{} refers to {list}", row.path, field.name);
                }
            }
        }
    }

    #[test]
    fn a_row_is_found_by_path_and_by_the_name_of_terraform() {
        for name in ["core/users", "/core/users/", "user", "authentik_user"] {
            assert_eq!(row(name).map(|row| row.path), Some("core/users"), "{name}");
        }
        assert!(row("core/nonsense").is_none());
    }
}
