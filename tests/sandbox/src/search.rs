//! `GET /api/search` (grafana.md facts 40 and 63).

use serde_json::{Value, json};

use crate::call::Context;
use crate::reply::{Answer, message, ok};
use crate::text::slug;

/// One thing that can be found.
struct Hit<'a> {
    folder: bool,
    id: i64,
    uid: &'a str,
    title: &'a str,
    parent: &'a str,
    tags: Vec<&'a str>,
    url: String,
}

/// Words that must come one after the other in a title, whole or not.
fn matches(title: &str, query: &str, old: bool) -> bool {
    let title = title.to_lowercase();
    if old {
        // One LIKE pattern, in which a percent sign is not escaped [11.5/search].
        return query == "%" || title.contains(&query.to_lowercase());
    }
    if query == "*" {
        return true;
    }
    let mut at = 0;
    query.to_lowercase().split_whitespace().all(|word| match title[at..].find(word) {
        Some(found) => {
            at += found + word.len();
            true
        }
        None => false,
    })
}

/// `GET /api/search`: found at once after a write; folders come first within a page.
pub(crate) fn search(cx: &mut Context) -> Answer {
    let call = cx.call;
    let kind = call.query("type").unwrap_or_default();
    let limit = call.number("limit").unwrap_or(0);
    if limit > 5000 {
        let text = "Limit is above maximum allowed (5000), use page parameter to access hits beyond limit";
        return Err(message(422, text));
    }
    if !cx.old() && !matches!(kind, "" | "dash-db" | "dash-folder" | "dash-annotation") {
        return Err(message(500, "Search failed"));
    }
    // Nothing is starred here, 12.4 no longer finds by folderIds, and 11.5 has nothing deleted to show.
    let nothing = call.query("starred") == Some("true")
        || call.query("folderIds").is_some_and(|ids| !cx.old() && !ids.is_empty())
        || cx.old() && call.query("deleted") == Some("true");
    if nothing {
        return ok(json!([]));
    }
    let wanted = if call.query("permission") == Some("Edit") { 2 } else { 1 };
    let mut hits = candidates(cx, kind, wanted);
    let query = call.query("query").unwrap_or_default();
    let tags: Vec<&str> = call.queries("tag").into_iter().filter(|t| !t.is_empty()).collect();
    let uids = call.queries("dashboardUIDs");
    let folders = call.queries("folderUIDs");
    let by_id = call.query("folderIds").and_then(|ids| ids.parse::<i64>().ok()).filter(|_| cx.old());
    hits.retain(|hit| {
        let inside = |folder: &&str| match *folder {
            "general" => hit.parent.is_empty(),
            // Empty means the root in 12.4 and nothing in 11.5 (grafana.md fact 63).
            "" => hit.parent.is_empty() && !cx.old(),
            other => hit.parent == other,
        };
        let parent_id = cx.look().folders.get(hit.parent).map_or(0, |f| f.id);
        matches(hit.title, query, cx.old())
            && tags.iter().all(|tag| hit.tags.contains(tag))
            && (uids.is_empty() || uids.contains(&hit.uid))
            && (folders.is_empty() || folders.iter().any(inside))
            && by_id.is_none_or(|id| id == parent_id || id == 0 && hit.folder)
    });
    if cx.old() {
        hits.sort_by(|a, b| (a.title, a.id).cmp(&(b.title, b.id)));
    } else {
        hits.sort_by_cached_key(|hit| (hit.title.to_lowercase(), hit.id));
    }
    if call.query("sort") == Some("alpha-desc") {
        hits.reverse();
    }
    let size = if limit <= 0 { 1000 } else { limit as usize };
    let page = call.number("page").unwrap_or(1).max(1) as usize;
    let mut page: Vec<Hit> = hits.into_iter().skip((page - 1) * size).take(size).collect();
    let sort = call.query("sort").unwrap_or_default();
    if matches!(sort, "" | "alpha-asc") || sort == "alpha-desc" && !cx.old() {
        page.sort_by_key(|hit| !hit.folder);
    }
    ok(page.iter().map(|hit| shown(cx, hit)).collect())
}

fn candidates<'a>(cx: &'a Context, kind: &str, level: i64) -> Vec<Hit<'a>> {
    let store = cx.look();
    let folders = store.folders.values().filter(|f| kind != "dash-db" && cx.folder_level(&f.uid) >= level).map(|f| {
        Hit { folder: true, id: f.id, uid: &f.uid, title: &f.title, parent: &f.parent, tags: Vec::new(), url: f.url() }
    });
    let dashboards = store.dashboards.values().filter(|d| kind != "dash-folder" && cx.dashboard_level(d) >= level);
    let dashboards = dashboards.map(|d| Hit {
        folder: false,
        id: d.id,
        uid: &d.uid,
        title: &d.title,
        parent: &d.folder,
        tags: d.tags(),
        url: d.url(),
    });
    folders.chain(dashboards).collect()
}

fn shown(cx: &Context, hit: &Hit) -> Value {
    let mut body = json!({
        "id": hit.id, "uid": hit.uid, "orgId": cx.org, "title": hit.title, "uri": format!("db/{}", slug(hit.title)),
        "url": hit.url, "slug": "", "type": if hit.folder { "dash-folder" } else { "dash-db" }, "tags": hit.tags,
        "isStarred": false,
    });
    if !hit.parent.is_empty() {
        let folder = cx.look().folders.get(hit.parent);
        let title = folder.map_or("", |f| &f.title);
        body["folderUid"] = json!(hit.parent);
        // A parent that is not there has neither id nor title; 11.5 tells of a folder's parent only the title, and
        // leaves that as it is in addresses.
        if let Some(folder) = folder {
            body["folderTitle"] = json!(title);
            if !(cx.old() && hit.folder) {
                body["folderId"] = json!(folder.id);
            }
        }
        if !(cx.old() && hit.folder) {
            let tail = if cx.old() { title.to_owned() } else { slug(title) };
            body["folderUrl"] = json!(format!("/dashboards/f/{}/{tail}", hit.parent));
        }
    }
    body["sortMeta"] = json!(0);
    body["isDeleted"] = json!(false);
    body
}

/// `GET /api/search/sorting`.
pub(crate) fn sorting() -> Answer {
    let option = |name: &str, way: &str, letters: &str| {
        let text = format!("Sort results in an alphabetically {way} order");
        json!({ "description": text, "displayName": format!("Alphabetically ({letters})"), "meta": "", "name": name })
    };
    ok(json!({ "sortOptions": [option("alpha-asc", "ascending", "A–Z"), option("alpha-desc", "descending", "Z–A")] }))
}
