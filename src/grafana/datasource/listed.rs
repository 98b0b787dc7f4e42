//! The data sources of an organisation, found by uid and by name without going through all of them: a task may
//! declare a thousand.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compare::text;

/// The entries of Grafana's list. Both uids and names are unique in an organisation (fact 12).
#[derive(Clone, Debug, Default)]
pub struct Listed {
    by_uid: BTreeMap<String, Value>,
    uids: BTreeMap<String, String>,
}

impl Listed {
    /// The one of that uid.
    pub fn uid(&self, uid: &str) -> Option<&Value> {
        self.by_uid.get(uid)
    }

    /// The one of that name.
    pub fn name(&self, name: &str) -> Option<&Value> {
        self.by_uid.get(self.uids.get(name)?)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_uid.is_empty()
    }

    /// All of them, by uid.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.by_uid.values()
    }

    /// All of them, to change anything but uid and name.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.by_uid.values_mut()
    }

    /// Takes one out.
    pub fn remove(&mut self, uid: &str) {
        if let Some(gone) = self.by_uid.remove(uid)
            && self.uids.get(text(&gone, "name")).is_some_and(|other| other == uid)
        {
            self.uids.remove(text(&gone, "name"));
        }
    }

    /// Puts one in, in the place of what had its uid.
    pub fn insert(&mut self, stored: Value) {
        let uid = text(&stored, "uid").to_owned();
        self.remove(&uid);
        self.uids.insert(text(&stored, "name").to_owned(), uid.clone());
        self.by_uid.insert(uid, stored);
    }
}

impl FromIterator<Value> for Listed {
    fn from_iter<I: IntoIterator<Item = Value>>(all: I) -> Listed {
        let mut listed = Listed::default();
        all.into_iter().for_each(|stored| listed.insert(stored));
        listed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_follow_their_data_sources() {
        let mut listed: Listed =
            [json!({"uid": "a", "name": "A"}), json!({"uid": "b", "name": "B"})].into_iter().collect();
        // They change names one after the other.
        listed.insert(json!({"uid": "a", "name": "B"}));
        listed.insert(json!({"uid": "b", "name": "A"}));
        assert_eq!(listed.name("A").map(|one| text(one, "uid")), Some("b"));
        assert_eq!(listed.name("B").map(|one| text(one, "uid")), Some("a"));
        listed.remove("a");
        assert!(listed.name("B").is_none() && listed.uid("a").is_none() && listed.iter().count() == 1);
    }
}
