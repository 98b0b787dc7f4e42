//! What is read beside the dashboards themselves: data sources for inputs, permissions, and what an
//! export is to write.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, PoisonError},
};

use serde_json::{Value, json};

use super::{
    DashboardKind, Desired, Snapshot, Spec, State,
    found::FOLDER,
    inputs::DataSource,
    read::{Exported, Filled, permissions_address, resource},
    spec::{LEAST_REFRESH, is_second},
};
use crate::{
    files,
    grafana::{ok, permissions as rights},
    http::{Reader, path},
    module::{Context, Error, Result, parallel},
};

/// What depends on the server in what is declared: fills in inputs that name data sources, and puts the least
/// refresh where the server would. Once a run: what was sent is what is looked for afterwards.
pub fn fill(context: &Context<'_, DashboardKind>, reader: Reader<'_>) -> Result<Filled> {
    let mut done = context.session.filled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(filled) = &*done {
        return Ok(Arc::clone(filled));
    }
    let present = || context.desired.iter().enumerate().filter(|(_, desired)| desired.state == State::Present);
    let known =
        if present().any(|(_, desired)| desired.pending.is_some()) { data_sources(reader)? } else { Vec::new() };
    let mut all = BTreeMap::new();
    for (index, desired) in present() {
        let Some(pending) = &desired.pending else { continue };
        let mut warnings = Vec::new();
        let spec = pending.fill(&known, &mut warnings).map_err(|error| match desired.at.as_str() {
            "" => error,
            at => error.context(at),
        })?;
        all.insert(index, (Arc::new(spec), warnings));
    }
    let spec_of = |all: &BTreeMap<usize, (Arc<Spec>, Vec<String>)>, index: usize, desired: &Desired| {
        all.get(&index).map(|(spec, _)| spec).or(desired.spec.as_ref()).filter(|spec| spec.often).cloned()
    };
    let often: Vec<(usize, Arc<Spec>)> =
        present().filter_map(|(index, desired)| Some((index, spec_of(&all, index, desired)?))).collect();
    if !often.is_empty() {
        let least = least_refresh(reader)?;
        for (index, spec) in often {
            let mut warnings = Vec::new();
            if let Some(refreshed) = spec.refreshed(&least, &mut warnings) {
                let filled = all.entry(index).or_insert_with(|| (spec, Vec::new()));
                filled.0 = Arc::new(refreshed);
                filled.1.append(&mut warnings);
            }
        }
    }
    Ok(Arc::clone(done.insert(Arc::new(all))))
}

/// The least time between refreshes that the server takes [core_transport].
fn least_refresh(reader: Reader<'_>) -> Result<String> {
    let answer = reader.get("/api/frontend/settings")?;
    let told = answer.value()["minRefreshInterval"].as_str().filter(|_| answer.is_success()).map(str::to_owned);
    Ok(told.unwrap_or_else(|| LEAST_REFRESH.to_owned()))
}

/// All data sources. The list is for administrators (fact 10); editors find them in the settings.
fn data_sources(reader: Reader<'_>) -> Result<Vec<DataSource>> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let source =
        |value: &Value| DataSource { uid: text(value, "uid"), name: text(value, "name"), kind: text(value, "type") };
    let listed = reader.get("/api/datasources")?;
    if listed.status == 403 {
        let settings: Value = ok(reader.get("/api/frontend/settings")?)?.json()?;
        return Ok(settings["datasources"].as_object().into_iter().flatten().map(|(_, value)| source(value)).collect());
    }
    let listed: Vec<Value> = ok(listed)?.json()?;
    Ok(listed.iter().map(source).collect())
}

/// The permissions of those for which some are declared.
pub fn permissions(context: &Context<'_, DashboardKind>, reader: Reader<'_>, snapshot: &mut Snapshot) -> Result<()> {
    let wanted: Vec<String> = context
        .desired
        .iter()
        .enumerate()
        .filter(|(_, desired)| desired.permissions.is_some() && desired.state == State::Present)
        .flat_map(|(index, desired)| match (snapshot.uid(index, desired), snapshot.spec(index, desired)) {
            (Some(uid), _) => snapshot.found.get(uid).into_iter().collect::<Vec<_>>(),
            (None, Some(spec)) => snapshot.found.values().filter(|found| found.title == spec.title).collect(),
            (None, None) => Vec::new(),
        })
        .map(|found| found.uid.clone())
        .collect();
    let at_once = reader.client().settings().concurrency;
    let held = parallel::all(&wanted, at_once, |uid| match rights::read(reader, &permissions_address(uid)) {
        // Whoever may write a dashboard may not always read its permissions, and an editor loses that by setting
        // some that leave itself out.
        Err(error) if error.status == Some(403) => Ok(Err(())),
        held => held.map(Ok),
    })?;
    for (uid, held) in wanted.into_iter().zip(held) {
        match held {
            Err(()) => drop(snapshot.unreadable.insert(uid)),
            Ok(held) => snapshot.permissions.extend(held.map(|held| (uid, held))),
        }
    }
    Ok(())
}

/// What is to be exported, and what the files hold.
pub fn exports(context: &Context<'_, DashboardKind>, reader: Reader<'_>, snapshot: &mut Snapshot) -> Result<()> {
    let session = context.session;
    for (index, desired) in context.desired.iter().enumerate() {
        let (State::Export, Some(uid), Some(file)) = (desired.state, &desired.uid, &desired.path) else { continue };
        let Some(found) = snapshot.found.get(uid) else { continue };
        let content = if is_second(&found.stored) && session.by_apis() {
            // `/api` would show it converted to the first schema.
            let address = resource(&session.session.namespace(), &found.stored, uid);
            let item: Value = ok(reader.get(&address)?)?.json()?;
            let mut metadata = json!({"name": uid});
            if !found.folder.is_empty() {
                metadata["annotations"] = json!({FOLDER: found.folder});
            }
            json!({"apiVersion": item["apiVersion"], "kind": "Dashboard", "metadata": metadata, "spec": item["spec"]})
        } else {
            ok(reader.get(&path(&["api", "dashboards", "uid", uid]))?)?.json()?
        };
        let text = serde_json::to_string_pretty(&content)
            .map_err(|error| Error::local(format!("the dashboard cannot be written as JSON: {error}")))?;
        let before = match fs::read(file) {
            Ok(bytes) => Some(bytes.into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let told = files::told(Path::new(file), &error);
                return Err(Error::local(format!("Can't export dashboard : Can't write json file : {told}")));
            }
        };
        snapshot.exports.insert(index, Exported { text: (text + "\n").into(), before });
    }
    Ok(())
}
