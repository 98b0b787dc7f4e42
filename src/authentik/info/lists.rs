//! Lists that were read in this run: each is asked for once, whichever queries need it.

use std::{collections::BTreeMap, rc::Rc};

use serde_json::Value;

use crate::{
    authentik,
    http::{Reader, with_query},
    module::{Error, ErrorKind, Result},
};

/// The most objects of a page (trap 9).
const PAGE: usize = 100;

/// The lists.
pub struct Lists<'c> {
    /// Access to the service.
    pub reader: Reader<'c>,
    read: BTreeMap<String, Rc<Vec<Value>>>,
}

impl<'c> Lists<'c> {
    /// None read yet.
    pub fn new(reader: Reader<'c>) -> Lists<'c> {
        Lists { reader, read: BTreeMap::new() }
    }

    /// A whole list.
    pub fn whole(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Rc<Vec<Value>>> {
        let key = with_query(path, query);
        if let Some(known) = self.read.get(&key) {
            return Ok(Rc::clone(known));
        }
        let list = Rc::new(authentik::list(self.reader, path, query)?);
        self.read.insert(key, Rc::clone(&list));
        Ok(list)
    }

    /// All applications: without the filter the list is cached, whatever else is asked (trap 11).
    pub fn applications(&mut self) -> Result<Rc<Vec<Value>>> {
        self.whole("core/applications", &[("superuser_full_list", "true")])
    }

    /// All users, without the objects of their groups and roles.
    pub fn users(&mut self) -> Result<Rc<Vec<Value>>> {
        self.whole("core/users", &[("include_groups", "false"), ("include_roles", "false")])
    }

    /// All groups, without the objects of their users.
    pub fn groups(&mut self) -> Result<Rc<Vec<Value>>> {
        self.whole("core/groups", &[("include_users", "false")])
    }
}

/// Reads a list page by page, as long as `take` wants more. A list that moves meanwhile may show one twice.
pub fn until(
    reader: Reader<'_>,
    path: &str,
    query: &[(&str, &str)],
    most: usize,
    mut take: impl FnMut(Value) -> bool,
) -> Result<()> {
    let address = format!("/api/v3/{path}/");
    let size = most.clamp(1, PAGE).to_string();
    let mut seen = std::collections::BTreeSet::new();
    let mut page = 1;
    loop {
        let number = page.to_string();
        let mut query = query.to_vec();
        query.extend([("page_size", size.as_str()), ("page", number.as_str())]);
        let mut answer: Value = authentik::ok(reader.get(&with_query(&address, &query))?)?.json()?;
        let Value::Array(found) = answer["results"].take() else {
            return Err(Error::new(ErrorKind::Rejected, format!("GET {address} answered 200 without a list")));
        };
        for object in found {
            let fresh = object.get("pk").is_none_or(|pk| seen.insert(pk.to_string()));
            if fresh && !take(object) {
                return Ok(());
            }
        }
        page = answer["pagination"]["next"].as_u64().unwrap_or(0);
        if page == 0 {
            return Ok(());
        }
    }
}
