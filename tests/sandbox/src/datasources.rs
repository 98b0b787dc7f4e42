//! Data sources (grafana.md facts 11-22 and 59).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::auth::Role;
use crate::call::{Context, flag, integer, sorted, text};
use crate::plugins;
use crate::reply::{Answer, Reply, bad_request, message, ok, with_id};

/// A data source as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct DataSource {
    pub id: i64,
    pub uid: String,
    pub name: String,
    pub kind: String,
    pub access: String,
    pub url: String,
    pub user: String,
    pub database: String,
    pub basic_auth: bool,
    pub basic_auth_user: String,
    pub with_credentials: bool,
    pub is_default: bool,
    pub json_data: Value,
    pub secrets: BTreeMap<String, String>,
    pub version: i64,
    pub read_only: bool,
}

/// So long a health check goes on with the settings that it once read, whatever is written meanwhile, unless the
/// request says `X-Grafana-NoCache: true` (Grafana's services/datasources/service/cache.go).
const CACHED: Duration = Duration::from_secs(5);

/// How one is named in a path.
pub(crate) enum By<'a> {
    Uid(&'a str),
    Name(&'a str),
    Id(&'a str),
}

/// What a POST and a PUT may say; everything else in a body is ignored (id, orgId, readOnly …).
struct Wanted {
    name: String,
    uid: String,
    kind: String,
    access: String,
    url: String,
    user: String,
    database: String,
    basic_auth: bool,
    basic_auth_user: String,
    with_credentials: bool,
    is_default: bool,
    json_data: Value,
    secrets: Map<String, Value>,
    version: i64,
}

impl Wanted {
    fn read(body: &Map<String, Value>) -> Result<Wanted, Reply> {
        let object = |key: &str| match body.get(key) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(_) => Err(bad_request()),
        };
        let mut json_data = object("jsonData")?;
        // A list of headers for teams is an Enterprise thing and is dropped.
        json_data.shift_remove("teamHttpHeaders");
        let secrets = object("secureJsonData")?;
        if secrets.values().any(|v| !v.is_string() && !v.is_null()) {
            return Err(bad_request());
        }
        let wanted = Wanted {
            name: text(body, "name")?,
            uid: text(body, "uid")?,
            kind: plugins::canonical(&text(body, "type")?).to_owned(),
            access: text(body, "access")?,
            url: text(body, "url")?,
            user: text(body, "user")?,
            database: text(body, "database")?,
            basic_auth: flag(body, "basicAuth")?,
            basic_auth_user: text(body, "basicAuthUser")?,
            with_credentials: flag(body, "withCredentials")?,
            is_default: flag(body, "isDefault")?,
            json_data: sorted(Value::Object(json_data)),
            secrets,
            version: integer(body, "version")?,
        };
        if wanted.kind.is_empty() || wanted.access.is_empty() {
            return Err(bad_request());
        }
        Ok(wanted)
    }
}

impl DataSource {
    /// What reads by uid, id and name give.
    pub fn full(&self, org: i64) -> Value {
        let secure: Map<String, Value> = self.secrets.keys().map(|k| (k.clone(), json!(true))).collect();
        json!({
            "id": self.id, "uid": self.uid, "orgId": org, "name": self.name, "type": self.kind,
            "typeLogoUrl": plugins::logo(&self.kind), "access": self.access, "url": self.url, "user": self.user,
            "database": self.database, "basicAuth": self.basic_auth, "basicAuthUser": self.basic_auth_user,
            "withCredentials": self.with_credentials, "isDefault": self.is_default, "jsonData": self.json_data,
            "secureJsonFields": secure, "version": self.version, "readOnly": self.read_only, "apiVersion": "",
        })
    }

    /// An entry of the list, which lacks four fields (grafana.md fact 11).
    fn listed(&self, org: i64) -> Value {
        json!({
            "id": self.id, "uid": self.uid, "orgId": org, "name": self.name, "type": self.kind,
            "typeName": plugins::title(&self.kind), "typeLogoUrl": plugins::logo(&self.kind), "access": self.access,
            "url": self.url, "user": self.user, "database": self.database, "basicAuth": self.basic_auth,
            "isDefault": self.is_default, "jsonData": self.json_data, "readOnly": self.read_only,
        })
    }
}

/// Finds the uid of the data source that a path names.
fn find(cx: &Context, by: &By) -> Result<String, Reply> {
    let sources = &cx.look().datasources;
    let found = match by {
        By::Uid(uid) => sources.get(*uid),
        By::Name(name) => sources.values().find(|d| d.name == *name),
        By::Id(id) => {
            let id: i64 = id.parse().map_err(|_| message(400, "id is invalid"))?;
            sources.values().find(|d| d.id == id)
        }
    };
    found.map(|d| d.uid.clone()).ok_or_else(|| message(404, "Data source not found"))
}

/// `GET /api/datasources`: all of them by name, whatever the query says.
pub(crate) fn list(cx: &mut Context) -> Answer {
    cx.need(Role::Viewer, "datasources:read")?;
    let mut all: Vec<&DataSource> = cx.look().datasources.values().collect();
    all.sort_by_key(|d| (d.name.to_lowercase(), d.name.clone()));
    ok(all.into_iter().map(|d| d.listed(cx.org)).collect())
}

/// `GET /api/datasources/{uid/:uid, name/:name, :id}`.
pub(crate) fn get(cx: &mut Context, by: By) -> Answer {
    cx.need(Role::Viewer, "datasources:read")?;
    let uid = find(cx, &by)?;
    let mut body = cx.look().datasources[&uid].full(cx.org);
    if cx.call.query("accesscontrol") == Some("true") {
        let writes = cx.who.role == Role::Admin;
        let actions = plugins::ACTIONS.iter().filter(|a| writes || !a.ends_with(":write") && !a.ends_with(":delete"));
        body["accessControl"] = actions.map(|a| ((*a).to_owned(), json!(true))).collect::<Map<_, _>>().into();
    }
    ok(body)
}

/// `GET /api/datasources/id/:name`.
pub(crate) fn id_by_name(cx: &mut Context, name: &str) -> Answer {
    cx.need(Role::Viewer, "datasources.id:read")?;
    let uid = find(cx, &By::Name(name))?;
    ok(json!({ "id": cx.look().datasources[&uid].id }))
}

/// `POST /api/datasources`.
pub(crate) fn create(cx: &mut Context) -> Answer {
    cx.need(Role::Admin, "datasources:create")?;
    let mut wanted = Wanted::read(&cx.call.object()?)?;
    if !wanted.url.is_empty() {
        plugins::check_url(&wanted.kind, &wanted.url)?;
    }
    if wanted.name.is_empty() {
        wanted.name = wanted.kind.clone();
    }
    check_lengths(&wanted)?;
    // 11.5 takes any text (grafana.md fact 59).
    if !is_uid(&wanted.uid) && !cx.old() {
        return Err(with_id(400, "datasource.uidInvalid", "Invalid datasource UID."));
    }
    if cx.look().datasources.values().any(|d| d.name == wanted.name) {
        return Err(message(409, "data source with the same name already exists"));
    }
    if cx.look().datasources.contains_key(&wanted.uid) {
        return Err(message(409, "data source with the same uid already exists"));
    }
    let uid = if wanted.uid.is_empty() { cx.state.ids.uid() } else { wanted.uid.clone() };
    // The first of an organisation becomes the default (grafana.md fact 13).
    let first = cx.look().datasources.is_empty();
    let made = DataSource {
        id: cx.state.ids.next("datasource"),
        uid: uid.clone(),
        name: wanted.name,
        kind: wanted.kind,
        access: wanted.access,
        url: wanted.url,
        user: wanted.user,
        database: wanted.database,
        basic_auth: wanted.basic_auth,
        basic_auth_user: wanted.basic_auth_user,
        with_credentials: wanted.with_credentials,
        is_default: wanted.is_default || first,
        json_data: wanted.json_data,
        secrets: BTreeMap::new(),
        version: 1,
        read_only: false,
    };
    ok(store(cx, made, &wanted.secrets, "Datasource added"))
}

/// Grafana counts bytes, not characters (services/datasources/service/datasource.go).
fn check_lengths(wanted: &Wanted) -> Result<(), Reply> {
    if wanted.name.len() > 190 {
        return Err(with_id(400, "datasource.nameInvalid", "Invalid datasource name."));
    }
    if wanted.url.len() > 255 {
        return Err(with_id(400, "datasource.urlInvalid", "Invalid datasource url."));
    }
    Ok(())
}

fn is_uid(uid: &str) -> bool {
    uid.len() <= 40 && uid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Puts a data source in its place, merges its secrets and takes the default from the others.
fn store(cx: &mut Context, mut source: DataSource, secrets: &Map<String, Value>, text: &str) -> Value {
    for (key, value) in secrets {
        match value.as_str() {
            // "" and null take a secret away (grafana.md fact 17).
            None | Some("") => source.secrets.remove(key),
            Some(secret) => source.secrets.insert(key.clone(), secret.to_owned()),
        };
    }
    let sources = &mut cx.store().datasources;
    if source.is_default {
        sources.values_mut().for_each(|d| d.is_default = false);
    }
    sources.insert(source.uid.clone(), source.clone());
    json!({ "datasource": source.full(cx.org), "id": source.id, "message": text, "name": source.name })
}

/// `PUT /api/datasources/{uid/:uid, :id}`: a replace that keeps secrets and basicAuthUser (grafana.md facts 14-18).
pub(crate) fn update(cx: &mut Context, by: By) -> Answer {
    cx.need(Role::Admin, "datasources:write")?;
    let body = cx.call.object()?;
    let wanted = Wanted::read(&body)?;
    if wanted.name.is_empty() {
        return Err(bad_request());
    }
    plugins::check_url(&wanted.kind, &wanted.url)?;
    let uid = find(cx, &by)?;
    let old = cx.look().datasources[&uid].clone();
    if old.read_only {
        return Err(message(403, "Cannot update read-only data source"));
    }
    check_lengths(&wanted)?;
    if cx.look().datasources.values().any(|d| d.name == wanted.name && d.uid != uid) {
        return Err(message(409, "Failed to update datasource: data source with the same name already exists"));
    }
    let moved = !wanted.uid.is_empty() && wanted.uid != uid;
    // 12 checks it though it may be the one that the data source has from 11 (sqlstore, UpdateDataSource).
    let odd = !is_uid(&wanted.uid) && !cx.old();
    if odd || moved && (!cx.old() || cx.look().datasources.contains_key(&wanted.uid)) {
        return Err(message(500, "Failed to update datasource"));
    }
    // No version, or 0: no check, and it falls back to 1 (grafana.md fact 14).
    if wanted.version != 0 && wanted.version < old.version {
        let text = "Datasource has already been updated by someone else. Please reload and try again";
        return Err(message(409, text));
    }
    // What is empty is not written, unless its column is named (grafana.md fact 15; sqlstore, UpdateDataSource).
    let kept = |new: String, old: String| if new.is_empty() { old } else { new };
    let source = DataSource {
        id: old.id,
        uid: if moved { wanted.uid } else { uid.clone() },
        name: wanted.name,
        kind: wanted.kind,
        access: wanted.access,
        url: kept(wanted.url, old.url),
        user: wanted.user,
        database: wanted.database,
        basic_auth: wanted.basic_auth,
        basic_auth_user: kept(wanted.basic_auth_user, old.basic_auth_user),
        with_credentials: wanted.with_credentials,
        is_default: wanted.is_default,
        json_data: wanted.json_data,
        secrets: old.secrets,
        version: wanted.version + 1,
        read_only: false,
    };
    cx.store().datasources.remove(&uid);
    ok(store(cx, source, &wanted.secrets, "Datasource updated"))
}

/// `DELETE /api/datasources/{uid/:uid, name/:name, :id}`: nobody becomes the default instead.
pub(crate) fn delete(cx: &mut Context, by: By) -> Answer {
    cx.need(Role::Admin, "datasources:delete")?;
    let uid = find(cx, &by)?;
    if cx.look().datasources[&uid].read_only {
        return Err(message(403, "Cannot delete read-only data source"));
    }
    let gone = cx.store().datasources.remove(&uid).expect("was just found");
    match by {
        By::Id(_) => ok(json!({ "message": "Data source deleted" })),
        _ => ok(json!({ "id": gone.id, "message": "Data source deleted" })),
    }
}

/// `GET /api/datasources/uid/:uid/health`.
pub(crate) fn health(cx: &mut Context, uid: &str) -> Answer {
    cx.need(Role::Viewer, "datasources:query")?;
    let (old, fresh) = (cx.old(), cx.call.header("x-grafana-nocache") == Some("true"));
    let store = cx.store();
    let known = store.tested.get(uid).filter(|(since, _)| !fresh && since.elapsed() < CACHED);
    if let Some((_, source)) = known {
        return plugins::health(source, old);
    }
    let Some(source) = store.datasources.get(uid).cloned() else {
        return Err(message(500, "Unable to load datasource metadata"));
    };
    let answer = plugins::health(&source, old);
    store.tested.insert(uid.to_owned(), (Instant::now(), source));
    answer
}
