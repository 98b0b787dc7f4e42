//! Any kind of object, by filters. A filter that the server does not know gives everything (trap 8), so each is looked
//! up before it is sent, and what comes back is compared with it.

use serde_json::{Value, json};

use super::{
    conceal::conceal,
    filters::{self, Form, Readable},
    lists::{self, Lists},
};
use crate::{
    authentik::{
        self,
        engine::{Names, plain},
        fields,
        table::{self, Row},
    },
    http::with_query,
    module::{Error, Object, Result, coerce, nearest::did_you_mean},
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Wanted {
    readable: &'static Readable,
    row: Option<&'static Row>,
    sent: Vec<(String, String)>,
    /// What results are compared with.
    looked_at: Vec<Look>,
    limit: Option<usize>,
}

/// A filter that results are compared with.
#[derive(Clone, Debug)]
struct Look {
    name: String,
    values: Vec<Value>,
    /// Whether the server filters by it too: it may then compare parts of a text, or without case.
    sent: bool,
}

impl Wanted {
    /// Checks what the task asks for.
    pub fn of(kind: &str, filters: &Object, search: Option<&str>, limit: Option<usize>) -> Result<Wanted> {
        let readable = filters::find(kind).ok_or_else(|| unknown_kind(kind))?;
        let row = table::row(readable.path);
        let (mut sent, mut looked_at) = (Vec::new(), Vec::new());
        if let Some((name, value)) = row.and_then(|row| row.query.split_once('=')) {
            sent.push((name.to_owned(), value.to_owned()));
        }
        for (name, value) in filters.iter().filter(|(_, value)| !value.is_null()) {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let kind = readable.filter(name);
            let mut compared = Vec::with_capacity(values.len());
            for value in values {
                let (text, value) = spelt(name, kind, &value)?;
                if kind.is_some() {
                    sent.push((name.clone(), text));
                }
                compared.push(value);
            }
            // Times are written in several ways, and maps are searched in.
            if !matches!(kind, Some("time" | "json")) {
                looked_at.push(Look { name: name.clone(), values: compared, sent: kind.is_some() });
            }
        }
        if let Some(text) = search {
            if readable.filter("search").is_none() {
                return Err(Error::bad_options(format!("search: {} cannot be searched", readable.path)));
            }
            sent.push(("search".to_owned(), text.to_owned()));
        }
        Ok(Wanted { readable, row, sent, looked_at, limit })
    }

    /// Its path.
    pub fn path(&self) -> &'static str {
        self.readable.path
    }

    /// Reads the objects, and says whether there are more than `limit`.
    pub fn read(&self, lists: &mut Lists<'_>) -> Result<(Vec<Value>, bool)> {
        let path = self.readable.path;
        let query: Vec<(&str, &str)> = self.sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut objects = match (self.readable.form, self.limit) {
            (Form::Pages, None) => authentik::list(lists.reader, path, &query)?,
            (Form::Pages, Some(limit)) => {
                // One more than wanted tells whether there are more. What is filtered here needs whole pages.
                let page =
                    if self.looked_at.iter().all(|look| look.sent) { limit.saturating_add(1) } else { usize::MAX };
                let mut found = Vec::new();
                lists::until(lists.reader, path, &query, page, |object| {
                    if self.fits(&object) {
                        found.push(object);
                    }
                    found.len() <= limit
                })?;
                found
            }
            (form, _) => {
                let answer = lists.reader.get(&with_query(&format!("/api/v3/{path}/"), &query))?;
                match (form, authentik::ok(answer)?.json()?) {
                    (_, Value::Array(found)) => found,
                    (_, single) => vec![single],
                }
            }
        };
        self.check(&objects)?;
        objects.retain(|object| self.fits(object));
        let more = objects.len() > limit;
        objects.truncate(limit);
        let names = match self.row {
            Some(row) => named(row, &objects, lists)?,
            None => Vec::new(),
        };
        for object in &mut objects {
            conceal(path, object);
        }
        for (object, names) in objects.iter_mut().zip(names) {
            if let (Value::Object(entries), false) = (object, names.is_empty()) {
                entries.insert("names".to_owned(), Value::Object(names));
            }
        }
        Ok((objects, more))
    }

    /// Refuses a filter that neither the server nor any object knows.
    fn check(&self, objects: &[Value]) -> Result<()> {
        let path = self.readable.path;
        for look in self.looked_at.iter().filter(|look| !look.sent) {
            let known = fields::find(path, &look.name).is_some_and(|field| !field.write_only);
            if known || objects.is_empty() || objects.iter().any(|object| object.get(&look.name).is_some()) {
                continue;
            }
            let mut all: Vec<&str> = self.readable.filters.iter().map(|(name, _)| *name).collect();
            all.retain(|name| !matches!(*name, "ordering" | "search"));
            let near = did_you_mean(&look.name, all.iter().copied(), 3);
            let error =
                Error::bad_options(format!("filters: {path} has neither a filter nor a field `{}`.{near}", look.name));
            return Err(error.hint(match all.is_empty() {
                true => "its filters are its fields".to_owned(),
                false => format!("its filters are {}, and its fields", all.join(", ")),
            }));
        }
        Ok(())
    }

    fn fits(&self, object: &Value) -> bool {
        self.looked_at.iter().all(|look| match object.get(&look.name) {
            // A filter of the server need not be a field.
            None => look.sent,
            Some(value) => look.values.iter().any(|wanted| is_like(value, wanted, look.sent)),
        })
    }
}

/// Whether a field has the value that is wanted. A list has it when it holds it.
fn is_like(value: &Value, wanted: &Value, roughly: bool) -> bool {
    match (value, wanted) {
        (Value::Array(items), _) => items.iter().any(|item| is_like(item, wanted, roughly)),
        // The server looks into a map in its own way.
        (Value::Object(_), _) => roughly || value == wanted,
        (Value::String(text), wanted) if roughly => text.to_lowercase().contains(&plain(wanted).to_lowercase()),
        _ => value == wanted || plain(value) == plain(wanted),
    }
}

/// A filter's value as it is sent and as it is compared. A bad boolean is ignored by the server, so it is refused here.
fn spelt(name: &str, kind: Option<&str>, value: &Value) -> Result<(String, Value)> {
    match (kind, value) {
        (Some("bool"), value) => match coerce::boolean(value) {
            Ok(flag) => Ok((flag.to_string(), json!(flag))),
            Err(why) => Err(Error::bad_options(format!("filters: `{name}` cannot be used: {why}"))),
        },
        (_, Value::Object(_) | Value::Array(_)) => Ok((value.to_string(), value.clone())),
        _ => Ok((plain(value), value.clone())),
    }
}

fn unknown_kind(kind: &str) -> Error {
    let plain = kind.trim_matches('/').trim_start_matches("api/v3/");
    let aliases = table::rows().map(|row| row.alias).filter(|alias| !alias.is_empty());
    let meant = did_you_mean(plain, filters::all().iter().map(|one| one.path).chain(aliases), usize::MAX);
    Error::bad_options(format!("there is no kind `{kind}`.{meant}"))
        .hint("a kind is the path of a list in authentik's API, such as `core/users` or `providers/all`")
}

/// Beside the ids in the objects the names of what they refer to: field by field, as far as an object carries them or
/// one list tells them.
fn named(row: &'static Row, objects: &[Value], lists: &mut Lists<'_>) -> Result<Vec<Object>> {
    let mut names = Names::default();
    let mut all = vec![Object::new(); objects.len()];
    for field in fields::of(row.path) {
        let Some(list) = table::target(row, field) else { continue };
        let is_set = |value: &Value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
        if !objects.iter().any(|object| is_set(&object[field.name])) {
            continue;
        }
        let beside = format!("{}_obj", field.name);
        for object in objects {
            if !object[beside.as_str()].is_null() {
                names.learn_beside(list, &object[beside.as_str()]);
            }
        }
        let show = |names: &Names, value: &Value| match value {
            Value::Array(ids) => Value::Array(ids.iter().map(|id| names.show(list, id)).collect()),
            id => names.show(list, id),
        };
        let plain_list = list.split('#').next().unwrap_or(list);
        let unknown =
            |object: &Value| is_set(&object[field.name]) && show(&names, &object[field.name]) == object[field.name];
        // Users may be thousands: they are not read for their names alone.
        if objects.iter().any(unknown) && !names.has(list) && plain_list != "core/users" {
            let query: Vec<(&str, &str)> =
                table::listing(list).and_then(|list| list.query.split_once('=')).into_iter().collect();
            // Whoever may not see the list still gets the ids.
            if let Ok(found) = lists.whole(plain_list, &query) {
                names.learn(list, found.to_vec());
            }
        }
        for (object, into) in objects.iter().zip(&mut all) {
            let value = &object[field.name];
            let shown = show(&names, value);
            if is_set(value) && shown != *value {
                into.insert(field.name.to_owned(), shown);
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(kind: &str, filters: Value) -> Result<Wanted> {
        Wanted::of(kind, filters.as_object().expect("a map"), None, None)
    }

    #[test]
    fn filters_that_the_server_knows_are_sent_and_looked_at() {
        let users =
            wanted("user", json!({"is_active": "no", "groups_by_name": ["a", "b"], "path": "users"})).expect("ok");
        let sent: Vec<String> = users.sent.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(sent, ["is_active=false", "groups_by_name=a", "groups_by_name=b", "path=users"]);
        assert!(users.fits(&json!({"is_active": false, "path": "users", "groups": []})));
        assert!(!users.fits(&json!({"is_active": true, "path": "users"})), "the server ignored a filter");
        // Applications are cached without it, whatever the filter.
        let applications = wanted("application", json!({"slug": "wiki"})).expect("ok");
        assert!(applications.sent.contains(&("superuser_full_list".to_owned(), "true".to_owned())));
        assert!(!applications.fits(&json!({"slug": "files"})));
    }

    #[test]
    fn what_the_server_would_ignore_is_refused_or_filtered_here() {
        let told = wanted("core/users", json!({"is_active": "perhaps"})).expect_err("to be refused").to_string();
        assert!(told.starts_with("filters: `is_active` cannot be used"), "{told}");
        // No filter of the server's, and a field: compared here, exactly.
        let tokens = wanted("core/tokens", json!({"user": 6})).expect("ok");
        assert!(tokens.sent.is_empty());
        assert!(tokens.fits(&json!({"user": 6})) && !tokens.fits(&json!({"user": 66})));
        assert!(tokens.check(&[json!({"user": 6})]).is_ok());
        let misspelt = wanted("core/users", json!({"usrname": "ann"})).expect("known only when objects are there");
        let told = misspelt.check(&[json!({"username": "ann"})]).expect_err("to be refused").to_string();
        assert!(told.contains("Did you mean `username`?") && told.contains("is_superuser"), "{told}");
        assert!(misspelt.check(&[]).is_ok());
    }

    #[test]
    fn kinds_that_do_not_exist_are_refused_with_the_nearest() {
        let told = wanted("core/user", json!({})).expect_err("to be refused").to_string();
        assert!(told.contains("Did you mean `core/users`?"), "{told}");
        let told =
            Wanted::of("admin/settings", &Object::new(), Some("x"), None).expect_err("to be refused").to_string();
        assert!(told.contains("cannot be searched"), "{told}");
    }
}
