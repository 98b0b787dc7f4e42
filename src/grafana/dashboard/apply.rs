//! Writing dashboards.
//!
//! From 12 on by `/apis`: a change that names the `resourceVersion` is refused when somebody was faster,
//! always, where `/api` lets two through at once (fact 52). Before that by `/api`, where a loss is found
//! afterwards by the version.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, PoisonError},
};

use serde_json::{Map, Value, json};

use super::{
    DashboardKind, Save, Step, export,
    found::{FOLDER, Found, GRANT, MESSAGE, Revision},
    placing::ids,
    read::{permissions_address, resource, resources},
    spec::Spec,
    undo::own_content,
};
use crate::{
    grafana::{folder_tree, ok, optional, permissions},
    http::{Reader, Writer, path},
    module::{Applied, Change, Context, ErrorKind, Result, common::OnError, kind::object},
};

/// What a run works with.
pub type Run<'r> = Context<'r, DashboardKind>;

/// Carries out one change.
pub fn apply(context: &Run<'_>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
    match &change.step {
        Step::Nothing => Ok(Applied::default()),
        Step::Folder { uid, title, parent } => folder(context, writer, uid, title, parent),
        Step::Save(save) => saved(context, writer, save),
        Step::Delete(found) => deleted(context, writer, found),
        Step::Export { path, text, .. } => {
            export::write(path, text.as_bytes())?;
            Ok(Applied::default())
        }
    }
}

fn saved(context: &Run<'_>, writer: Writer<'_>, save: &Save) -> Result<Applied> {
    let mut applied = match (&save.found, save.differs) {
        (Some(found), true) => update(context, writer, save, found)?,
        (Some(found), false) => Applied { ids: object([("uid", json!(found.uid))]), ..Applied::default() },
        (None, _) => {
            let uid = save.uid.clone().unwrap_or_else(|| uid_of_new(context, save));
            // Those that are declared replace all others, lost ones too.
            let asks = save.folder.is_empty() && save.permissions.is_none();
            let (spec, folder, message) = (&save.spec, save.folder.as_str(), save.message.as_deref());
            create(context, writer, &New { uid: &uid, spec, folder, message, revision: None, asks })?
        }
    };
    // Undoing needs what the save answered, if the permissions are refused.
    if save.found.is_none() || save.differs {
        remember(writer, &applied);
    }
    if let Some(body) = &save.permissions {
        let uid = applied.ids.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned();
        permissions::write(writer, &permissions_address(&uid), body)?;
    }
    let uid = applied.ids.get("uid").and_then(Value::as_str).map(str::to_owned);
    applied.ids.extend(ids(&context.task.connection.url, uid.as_deref(), &save.spec.title));
    Ok(applied)
}

fn remember(writer: Writer<'_>, applied: &Applied) {
    let (ids, answer, kept) = (applied.ids.clone(), applied.answer.clone(), applied.kept.clone());
    writer.remember(Applied { ids, answer, kept, warnings: Vec::new() });
}

/// A dashboard that is to be made.
pub struct New<'n> {
    /// Its uid.
    pub uid: &'n str,
    /// Its content.
    pub spec: &'n Spec,
    /// The uid of its folder; empty for the root.
    pub folder: &'n str,
    /// The message for the history.
    pub message: Option<&'n str>,
    /// The labels and annotations that it had.
    pub revision: Option<&'n Revision>,
    /// Whether it needs the permissions of one at the root, which the server may lose.
    pub asks: bool,
}

/// Makes a dashboard.
pub fn create(context: &Run<'_>, writer: Writer<'_>, new: &New<'_>) -> Result<Applied> {
    let uid = new.uid;
    let first = context.session.tried.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned());
    let made =
        if context.session.by_apis() { create_by_apis(context, writer, new) } else { create_by_api(writer, new) };
    let mut applied = match made {
        Err(error) if error.uncertain || (error.kind == ErrorKind::Conflict && !first) => {
            // Where that cannot be told either, the harness looks again.
            let Ok(Some(version)) = version_of(context, *writer, uid, new.spec) else { return Err(error) };
            let warnings =
                vec![format!("the service answered an error and had made it all the same: {}", error.message)];
            Applied { ids: written(uid, version), answer: Value::Null, warnings, ..Applied::default() }
        }
        made => made?,
    };
    if new.asks {
        remember(writer, &applied);
        applied.warnings.extend(mend(context, writer, uid)?);
    }
    Ok(applied)
}

fn create_by_apis(context: &Run<'_>, writer: Writer<'_>, new: &New<'_>) -> Result<Applied> {
    let New { uid, spec, folder, message, revision, .. } = *new;
    // What Grafana itself writes for a first save by `/api`; a message for it is lost there (fact 37).
    let mut annotations = annotations(revision, folder, Some(message.unwrap_or("Initial save")));
    // Without it nobody but administrators could see or change what is made at the root, not even its
    // maker (fact 42). Grafana's own pages send it with each new dashboard, in folders too.
    annotations.insert(GRANT.into(), json!("default"));
    let address = resources(&context.session.session.namespace(), &spec.api);
    let mut labels = revision.and_then(|revision| revision.labels.as_object()).cloned().unwrap_or_default();
    // Grafana's own one is the number of the dashboard, and a new one has another.
    labels.retain(|name, _| !name.starts_with("grafana.app/"));
    let send = |annotations: &Map<String, Value>| {
        let mut metadata = json!({"name": uid, "annotations": annotations});
        if !labels.is_empty() {
            metadata["labels"] = json!(labels);
        }
        let body = body(&spec.api, metadata, spec);
        writer.post(&address, &body).and_then(ok)?.json::<Value>()
    };
    let answer = match send(&annotations) {
        // The first versions that knew it refused it in folders, where it matters little.
        Err(error) if !folder.is_empty() && error.message.contains("only works for root folder") => {
            annotations.shift_remove(GRANT);
            send(&annotations)?
        }
        answer => answer?,
    };
    Ok(of_resource(&answer))
}

fn create_by_api(writer: Writer<'_>, new: &New<'_>) -> Result<Applied> {
    let New { uid, spec, folder, message, .. } = *new;
    let mut dashboard = spec.value();
    dashboard["uid"] = json!(uid);
    // A folder left out means the root all the same (fact 34); it is always written.
    let body = json!({"dashboard": dashboard, "folderUid": folder, "overwrite": false, "message": message});
    let answer: Value = ok(writer.post("/api/dashboards/db", &body)?)?.json()?;
    let version = answer["version"].as_i64().unwrap_or(1);
    let mut warnings = Vec::new();
    if version != 1 {
        warnings.push(format!(
            "somebody else made it at the same time: version {} was written over, and is in the history",
            version - 1
        ));
    }
    Ok(Applied { ids: written(uid, version), answer, warnings, ..Applied::default() })
}

/// The version of a dashboard that may have been made, if it is there with this content.
fn version_of(context: &Run<'_>, reader: Reader<'_>, uid: &str, spec: &Spec) -> Result<Option<i64>> {
    let found = if context.session.by_apis() {
        let there = optional(reader.get(&resource(&context.session.session.namespace(), &spec.api, uid))?)?;
        there.and_then(|there| Found::of_resource(&spec.api, there.value()))
    } else {
        optional(reader.get(&address(uid))?)?.and_then(|there| Found::of_answer(there.value()))
    };
    let exact = context.session.is_exact();
    Ok(found.filter(|found| spec.mark.same(&found.mark, exact)).map(|found| found.version))
}

/// Under load a dashboard at the root loses its permissions, without a word (facts 51, 65).
fn mend(context: &Run<'_>, writer: Writer<'_>, uid: &str) -> Result<Option<String>> {
    let address = permissions_address(uid);
    let held = match permissions::read(*writer, &address) {
        // Whoever makes one at the root administers it, unless that was lost.
        Err(error) if error.status == Some(403) => {
            return Ok(Some("its permissions cannot be looked at: the service may have lost them".to_owned()));
        }
        held => held?,
    };
    match held {
        Some(held) if held.compared.as_array().is_some_and(Vec::is_empty) => {
            permissions::write(writer, &address, &permissions::of_root(context.session.session.user_id))?;
            Ok(Some("the service had lost its permissions; they were set".to_owned()))
        }
        _ => Ok(None),
    }
}

fn update(context: &Run<'_>, writer: Writer<'_>, save: &Save, found: &Found) -> Result<Applied> {
    let own = own_content(context, *writer, found)?;
    // Only moved: what is stored stays as it is, to the letter.
    let moved;
    let same = save.spec.api == found.api && save.spec.mark.same(&found.mark, context.session.is_exact());
    let spec = if same {
        moved = spec_of(found, Some(&save.spec));
        &moved
    } else {
        &save.spec
    };
    let applied = match &found.revision {
        Some(revision) => {
            let resource = (!save.overwrite).then_some(revision.resource.as_str());
            put(context, writer, spec, found, resource, &save.folder, save.message.as_deref())
        }
        None => {
            let message = save.message.as_deref();
            post(writer, spec, found, (!save.overwrite).then_some(found.version), &save.folder, message)
        }
    }?;
    Ok(if own.is_null() { applied } else { Applied { kept: json!({"own": own}), ..applied } })
}

/// A change by `/apis`. Labels and annotations that are left out are lost, the folder too (fact 43).
pub fn put(
    context: &Run<'_>,
    writer: Writer<'_>,
    spec: &Spec,
    found: &Found,
    resource_version: Option<&str>,
    folder: &str,
    message: Option<&str>,
) -> Result<Applied> {
    let revision = found.revision.as_ref();
    let mut metadata = json!({"name": found.uid, "annotations": annotations(revision, folder, message)});
    if let Some(version) = resource_version {
        metadata["resourceVersion"] = json!(version);
    }
    if let Some(labels) = revision.map(|revision| &revision.labels).filter(|labels| labels.is_object()) {
        metadata["labels"] = labels.clone();
    }
    let address = resource(&context.session.session.namespace(), &spec.api, &found.uid);
    let answer = ok(writer.put(&address, &body(&spec.api, metadata, spec))?)?;
    let made = answer.status == 201;
    let mut applied = of_resource(&answer.json()?);
    if made {
        applied.warnings.push("somebody deleted it meanwhile; it was made anew".to_owned());
    }
    if made && folder.is_empty() {
        remember(writer, &applied);
        applied.warnings.extend(mend(context, writer, &found.uid)?);
    }
    Ok(applied)
}

/// A change by `/api`; `version` is the one that it is based on.
pub fn post(
    writer: Writer<'_>,
    spec: &Spec,
    found: &Found,
    version: Option<i64>,
    folder: &str,
    message: Option<&str>,
) -> Result<Applied> {
    let mut dashboard = spec.value();
    dashboard["uid"] = json!(found.uid);
    if let Some(version) = version {
        dashboard["version"] = json!(version);
    }
    let body = json!({"dashboard": dashboard, "folderUid": folder, "overwrite": version.is_none(), "message": message});
    let answer: Value = ok(writer.post("/api/dashboards/db", &body)?)?.json()?;
    let after = answer["version"].as_i64().unwrap_or(found.version + 1);
    let mut warnings = Vec::new();
    if let Some(before) = version
        // A server that finds nothing to change answers the version that it had (fact 33).
        && after > before + 1
    {
        // Two saves of one version may both be taken (fact 52).
        warnings.push(format!(
            "somebody else saved it at the same time, and that was written over: it is version {} in the history, and ours is {after}",
            after - 1
        ));
    }
    Ok(Applied { ids: written(&found.uid, after), answer, warnings, ..Applied::default() })
}

fn deleted(context: &Run<'_>, writer: Writer<'_>, found: &Found) -> Result<Applied> {
    let (mut kept, mut warnings) = (Value::Null, Vec::new());
    if context.task.common.on_error == OnError::Rollback {
        // They go with the dashboard, and would be missing if it came back.
        let held = match permissions::read(*writer, &permissions_address(&found.uid)) {
            Err(error) if error.status == Some(403) => {
                warnings.push("its permissions cannot be looked at, and would be missing if it came back".to_owned());
                None
            }
            held => held?,
        };
        let own = own_content(context, *writer, found)?;
        kept = json!({"permissions": held.map(|held| held.body), "own": own});
    }
    // 404: somebody else was faster.
    optional(writer.delete(&address(&found.uid))?)?;
    Ok(Applied { ids: object([("uid", json!(found.uid))]), kept, warnings, ..Applied::default() })
}

/// Makes a folder. Its uid is the same whoever makes it, so one that is there already is the one that was
/// wanted, and an answer that was lost can be looked up.
fn folder(context: &Run<'_>, writer: Writer<'_>, uid: &str, title: &str, parent: &str) -> Result<Applied> {
    let _one_at_a_time = context.session.folders.lock().unwrap_or_else(PoisonError::into_inner);
    let mut body = json!({"uid": uid, "title": title});
    if !parent.is_empty() {
        body["parentUid"] = json!(parent);
    }
    let done = Applied { ids: object([("uid", json!(uid))]), ..Applied::default() };
    let error = match writer.post("/api/folders", &body).map_err(folder_tree::too_deep) {
        Ok(answer) => match ok(answer).map_err(folder_tree::too_deep) {
            Ok(_) => return Ok(done),
            Err(error) if error.kind == ErrorKind::Conflict => error,
            Err(error) => return Err(error),
        },
        Err(error) if error.uncertain => error,
        Err(error) => return Err(error),
    };
    // Where that cannot be looked at either, what happened stays uncertain, and the harness looks again.
    let there = writer.get(&path(&["api", "folders", uid])).and_then(optional).ok().flatten();
    let there = there.map(|answer| answer.value()).unwrap_or_default();
    if there["title"] != title || there["parentUid"].as_str().unwrap_or_default() != parent {
        return Err(error);
    }
    if error.uncertain && parent.is_empty() {
        // The folder of a "database is locked" is there, without any permission (fact 50).
        let address = path(&["api", "folders", uid, "permissions"]);
        permissions::write(writer, &address, &permissions::of_root(context.session.session.user_id))?;
    }
    Ok(done)
}

/// The content of a dashboard as it was found; the declared one where it is equal and was not kept.
pub fn spec_of(found: &Found, equal: Option<&Arc<Spec>>) -> Spec {
    let text = found.text.clone().or_else(|| equal.map(|spec| Arc::clone(&spec.text))).unwrap_or_else(|| "{}".into());
    Spec { api: Arc::clone(&found.api), title: found.title.clone(), text, mark: found.mark, often: false }
}

fn annotations(revision: Option<&Revision>, folder: &str, message: Option<&str>) -> Map<String, Value> {
    let mut all = revision.map(|revision| revision.annotations.clone()).unwrap_or_default();
    if !folder.is_empty() {
        all.insert(FOLDER.into(), json!(folder));
    }
    if let Some(message) = message {
        all.insert(MESSAGE.into(), json!(message));
    }
    all
}

fn body(api: &str, metadata: Value, spec: &Spec) -> Value {
    let version = format!("dashboard.grafana.app/{api}");
    json!({"apiVersion": version, "kind": "Dashboard", "metadata": metadata, "spec": spec.value()})
}

fn of_resource(answer: &Value) -> Applied {
    let meta = &answer["metadata"];
    let uid = meta["name"].as_str().unwrap_or_default();
    Applied {
        ids: written(uid, meta["generation"].as_i64().unwrap_or(1)),
        // The content is not kept: of five thousand dashboards it would fill the memory.
        answer: json!({"metadata": {"resourceVersion": meta["resourceVersion"]}}),
        ..Applied::default()
    }
}

fn written(uid: &str, version: i64) -> crate::module::Object {
    object([("uid", json!(uid)), ("version", json!(version))])
}

/// The address of a dashboard in `/api`.
pub fn address(uid: &str) -> String {
    path(&["api", "dashboards", "uid", uid])
}

/// The uid of a new dashboard without any: a random UUID, as Grafana itself gives. It is chosen here and
/// once a run, so that a lost answer can be looked up and a repetition makes no second one (fact 32). The
/// standard library seeds its hashers from the system's random source.
fn uid_of_new(context: &Run<'_>, save: &Save) -> String {
    let random = || RandomState::new().build_hasher().finish();
    let mut chosen = context.session.chosen.lock().unwrap_or_else(PoisonError::into_inner);
    let uid = chosen.entry((save.spec.title.clone(), save.folder.clone())).or_insert_with(|| {
        let (one, other) = (random(), random());
        let (a, b, c) = (one >> 32, one >> 16 & 0xffff, one & 0xfff);
        let (d, e) = (other >> 48 & 0x3fff | 0x8000, other & 0xffff_ffff_ffff);
        format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
    });
    uid.clone()
}
