//! Which of the data sources that are there is meant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Desired,
    check::LONGEST_NAME,
    compare::{canonical, text},
    listed::Listed,
    options::Prune,
};

/// How a declared data source was found.
pub enum Found<'s> {
    /// Under its uid, or without one under its name.
    There(&'s Value),
    /// Under its name, with another uid than the declared one.
    OtherUid(&'s Value),
    /// Under its name with another uid, while the one with its uid stands beside it: a replacement that came
    /// only half the way.
    HalfReplaced(&'s Value),
    /// Not at all.
    Missing,
}

impl<'s> Found<'s> {
    /// What was found, either way.
    pub fn stored(&self) -> Option<&'s Value> {
        match self {
            Found::There(stored) | Found::OtherUid(stored) | Found::HalfReplaced(stored) => Some(stored),
            Found::Missing => None,
        }
    }
}

/// The uids of declared data sources that are there. Whoever is declared with such a uid is meant, whatever its
/// name is now.
pub fn claimed<'d>(all: &'d [Desired], listed: &Listed) -> BTreeSet<&'d str> {
    all.iter().filter_map(|desired| desired.options.uid()).filter(|uid| listed.uid(uid).is_some()).collect()
}

/// The data source that is meant. The uid counts more than the name: so one can be renamed (fact 18), and the
/// name that it gives up be another one's. Both are compared exactly (fact 12).
pub fn find<'s>(desired: &Desired, claimed: &BTreeSet<&str>, listed: &'s Listed) -> Found<'s> {
    let (uid, name) = (desired.options.uid(), desired.options.name());
    if let Some(uid) = uid
        && let Some(stored) = listed.uid(uid)
    {
        let old = listed.name(name).filter(|other| !claimed.contains(text(other, "uid")));
        return match old.filter(|old| text(stored, "name") == name_beside(text(old, "uid"), uid)) {
            Some(old) if desired.options.is_present() => Found::HalfReplaced(old),
            _ => Found::There(stored),
        };
    }
    match listed.name(name) {
        Some(stored) if uid.is_some() && claimed.contains(text(stored, "uid")) => Found::Missing,
        Some(stored) if uid.is_some() => Found::OtherUid(stored),
        Some(stored) => Found::There(stored),
        None => Found::Missing,
    }
}

/// The name of the new one of a replacement, as long as the old one is there.
pub fn name_beside(old: &str, new: &str) -> String {
    let mut name = format!("{new} instead of {old}");
    while name.len() > LONGEST_NAME {
        name.pop();
    }
    name
}

/// Whether an entry of the list is in the scope of `prune`.
pub fn in_scope(prune: &Prune, stored: &Value) -> bool {
    // Grafana would refuse to delete one that it provisions (fact 22).
    stored["readOnly"] != json!(true)
        && prune.name_prefix.as_ref().is_none_or(|prefix| text(stored, "name").starts_with(prefix.as_str()))
        && prune.kind.as_ref().is_none_or(|kind| canonical(text(stored, "type")) == canonical(kind))
}
