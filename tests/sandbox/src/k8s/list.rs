//! Lists of /apis: pages, selectors, tables, and the search (grafana.md facts 40 and 44).

use serde_json::{Value, json};

use super::meta;
use crate::call::Context;
use crate::dashboard_reads::{offset, token_for};
use crate::reply::{Answer, Reply, ok};

/// A page ends when it holds so much, whatever its limit (grafana.md fact 44).
const CUT: usize = 2 << 20;

/// What the query of a list asks for.
pub(super) struct Selection {
    pub start: usize,
    pub limit: usize,
    pub name: Option<String>,
    pub title: Option<String>,
    pub labels: Vec<(String, String)>,
}

impl Selection {
    /// Reads it; `titles` says whether spec.title is a field to select by.
    pub fn read(cx: &Context, group: &str, plural: &str, titles: bool) -> Result<Selection, Reply> {
        let call = cx.call;
        if call.query("watch") == Some("true") {
            let text = format!("watch is not supported on resources of kind \"{plural}.{group}\"");
            return Err(meta::failure(405, &text, "MethodNotAllowed", json!({ "group": group, "kind": plural })));
        }
        let start = match call.query("continue").filter(|t| !t.is_empty()) {
            None => 0,
            Some(token) => offset(token).ok_or_else(|| {
                let text = format!("get continue token (\"{token}\"): error decoding continue token");
                meta::bare_failure(500, &text)
            })?,
        };
        let limit = call.number("limit").filter(|n| *n > 0).unwrap_or(500) as usize;
        let (mut name, mut title) = (None, None);
        for part in call.query("fieldSelector").unwrap_or_default().split(',').filter(|p| !p.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim_start_matches('=').to_owned();
            match key {
                "metadata.name" => name = Some(value),
                "metadata.namespace" => {}
                "spec.title" if titles => title = Some(value),
                other => {
                    let text = format!(
                        "\"{other}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    );
                    return Err(meta::reasoned(400, &text, "BadRequest"));
                }
            }
        }
        let labels = call.query("labelSelector").unwrap_or_default().split(',').filter_map(|p| p.split_once('='));
        let labels = labels.map(|(k, v)| (k.to_owned(), v.trim_start_matches('=').to_owned())).collect();
        Ok(Selection { start, limit, name, title, labels })
    }

    /// Whether a label of the server's own is asked for, such as the trash.
    pub fn asks(&self, label: &str) -> bool {
        self.labels.iter().any(|(k, v)| k == label && v == "true")
    }

    /// Whether an object's labels are those asked for.
    pub fn fits(&self, labels: &serde_json::Map<String, Value>) -> bool {
        let special = |key: &str| key == "grafana.app/get-trash" || key == "grafana.app/get-history";
        self.labels.iter().all(|(k, v)| special(k) || labels.get(k).and_then(Value::as_str) == Some(v))
    }
}

/// Puts a list together from objects that are made one by one, until the page is full.
pub(super) fn page(
    cx: &Context,
    kind: &str,
    api: &str,
    selection: &Selection,
    total: usize,
    mut object: impl FnMut(usize) -> (Value, usize),
) -> Answer {
    let mut items = Vec::new();
    let (mut at, mut size) = (selection.start, 0);
    while at < total && items.len() < selection.limit && size < CUT {
        let (item, bytes) = object(at);
        items.push(item);
        (at, size) = (at + 1, size + bytes);
    }
    // A list of one by its name carries that one's version.
    let one = selection.name.as_ref().and(items.first()).and_then(|i| i["metadata"]["resourceVersion"].as_str());
    let mut metadata = json!({ "resourceVersion": one.map_or(cx.state.ids.latest().to_string(), str::to_owned) });
    if at < total {
        metadata["continue"] = json!(token_for(at, cx.state.ids.latest()));
    }
    let accept = cx.call.header("accept").unwrap_or_default();
    if accept.contains("as=Table") {
        return ok(table(metadata, items));
    }
    if accept.contains("as=PartialObjectMetadataList") {
        let kind = "PartialObjectMetadataList";
        let items: Vec<Value> = items.into_iter().map(partial).collect();
        return ok(json!({ "kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items }));
    }
    ok(json!({ "kind": kind, "apiVersion": api, "metadata": metadata, "items": items }))
}

fn partial(item: Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"] })
}

fn table(metadata: Value, items: Vec<Value>) -> Value {
    let column = |name: &str, format: &str, text: &str| json!({ "name": name, "type": "string", "format": format, "description": text, "priority": 0 });
    let columns = [
        column("Name", "name", "Name must be unique within a namespace."),
        column("Title", "string", "The display name"),
        column("Parent", "string", "Parent folder UID"),
    ];
    let rows: Vec<Value> = items
        .into_iter()
        .map(|item| {
            let parent = item["metadata"]["annotations"][meta::FOLDER].as_str().unwrap_or_default().to_owned();
            json!({ "cells": [item["metadata"]["name"], item["spec"]["title"], parent], "object": partial(item) })
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns,
        "rows": rows,
    })
}

/// `GET …/search`: dashboards and folders by title and tags; the scores are made up.
pub(super) fn search(cx: &mut Context) -> Answer {
    let call = cx.call;
    let query = call.query("query").unwrap_or_default().to_lowercase();
    let tags = call.queries("tag");
    let mut found: Vec<_> = cx
        .look()
        .dashboards
        .values()
        .filter(|d| cx.dashboard_level(d) >= 1 && d.title.to_lowercase().contains(&query))
        .filter(|d| tags.iter().all(|tag| d.tags().contains(tag)))
        .collect();
    found.sort_by_key(|d| (d.title.to_lowercase(), d.id));
    let limit = call.number("limit").filter(|n| *n > 0).unwrap_or(50) as usize;
    let total = found.len();
    let hits: Vec<Value> = found
        .into_iter()
        .take(limit)
        .map(|d| {
            let mut hit = json!({ "resource": "dashboards", "name": d.uid, "title": d.title, "tags": d.tags() });
            if !d.folder.is_empty() {
                hit["folder"] = json!(d.folder);
            }
            if !query.is_empty() {
                hit["score"] = json!(0.05);
            }
            hit
        })
        .collect();
    ok(json!({ "totalHits": total, "hits": hits, "queryCost": 6232, "maxScore": 0.05 }))
}
