//! The bare HTTP client: the requests that the work needs, and nothing else.
//!
//! It reads what is there as cheaply as it can be read, and writes what differs. Data sources and folders are
//! read by one list; dashboards by the list of `/apis`, or one by one where they are few, since that list holds
//! every dashboard of the organisation. Dashboards are written by `/apis` as well: that is faster than `/api`,
//! and what the module is measured with.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    server::{Server, address},
    subject::{Kind, Objects, Step},
};

/// Up to so many dashboards are read one by one.
const FEW: usize = 40;
/// Where folders are listed.
const FOLDERS: &str = "/apis/folder.grafana.app/v1beta1/namespaces/default/folders";
/// Where dashboards are read and written as they are, without being filled in.
const DASHBOARDS: &str = "/apis/dashboard.grafana.app/v0alpha1/namespaces/default/dashboards";
/// So many reads are under way at once.
const READERS: usize = 4;

/// Numbers of writers that are tried.
pub const WRITERS: [usize; 5] = [1, 2, 3, 4, 8];

/// Does one step. A write that fails ends it: with so many writers it is no way to work.
pub fn run(server: &Server, objects: &Objects, step: Step, writers: usize) -> Result<(), String> {
    let found = read(server, objects)?;
    let all = 0..objects.n;
    match step {
        Step::Create => {
            let missing: Vec<usize> = all.filter(|number| !found.contains(&objects.uid(*number))).collect();
            each(&missing, writers, |number| {
                let body = objects.body(number, false);
                server.ask(&Method::POST, collection(objects.kind), Some(&body)).map(drop)
            })
        }
        Step::Unchanged => Ok(()),
        Step::ChangeOne => change(server, objects),
        Step::Delete => {
            let there: Vec<usize> = all.filter(|number| found.contains(&objects.uid(*number))).collect();
            each(&there, writers, |number| server.ask(&Method::DELETE, &address(objects, number), None).map(drop))
        }
    }
}

/// What is there, by uid.
fn read(server: &Server, objects: &Objects) -> Result<Vec<String>, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match objects.kind {
        Kind::Datasource => {
            let all = server.ask(&Method::GET, "/api/datasources", None)?;
            Ok(all.as_array().into_iter().flatten().map(|one| text(&one["uid"])).collect())
        }
        Kind::Dashboard if objects.n <= FEW => {
            let numbers: Vec<usize> = (0..objects.n).collect();
            let found = Mutex::new(Vec::new());
            each(&numbers, READERS, |number| {
                match server.ask(&Method::GET, &resource(objects, number), None) {
                    Ok(answer) => {
                        found.lock().map_err(|error| error.to_string())?.push(text(&answer["metadata"]["name"]))
                    }
                    Err(error) if error.contains("answered 404") => {}
                    Err(error) => return Err(error),
                }
                Ok(())
            })?;
            found.into_inner().map_err(|error| error.to_string())
        }
        Kind::Folder => pages(server, FOLDERS),
        Kind::Dashboard => pages(server, DASHBOARDS),
    }
}

/// The names in all pages of a list.
fn pages(server: &Server, path: &str) -> Result<Vec<String>, String> {
    let (mut names, mut next) = (Vec::new(), String::new());
    loop {
        let page = server.ask(&Method::GET, &format!("{path}?limit=1000{next}"), None)?;
        names.extend(
            page["items"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| item["metadata"]["name"].as_str().map(str::to_owned)),
        );
        match page["metadata"]["continue"].as_str() {
            Some(more) if !more.is_empty() => next = format!("&continue={more}"),
            _ => return Ok(names),
        }
    }
}

/// The write of the one that is changed.
fn change(server: &Server, objects: &Objects) -> Result<(), String> {
    let mut body = objects.body(0, true);
    match objects.kind {
        Kind::Datasource => {
            // A write replaces, and the list does not show all that is to stay.
            let stored = server.ask(&Method::GET, &address(objects, 0), None)?;
            for (key, value) in stored.as_object().into_iter().flatten() {
                if body.get(key).is_none() {
                    body[key] = value.clone();
                }
            }
            server.ask(&Method::PUT, &address(objects, 0), Some(&body)).map(drop)
        }
        Kind::Folder => {
            let body = json!({"title": body["title"], "version": 1});
            server.ask(&Method::PUT, &address(objects, 0), Some(&body)).map(drop)
        }
        Kind::Dashboard => server.ask(&Method::PUT, &resource(objects, 0), Some(&body)).map(drop),
    }
}

/// The address of a dashboard in `/apis`.
fn resource(objects: &Objects, number: usize) -> String {
    format!("{DASHBOARDS}/{}", objects.uid(number))
}

/// Where objects of a kind are made.
fn collection(kind: Kind) -> &'static str {
    match kind {
        Kind::Datasource => "/api/datasources",
        Kind::Folder => "/api/folders",
        Kind::Dashboard => DASHBOARDS,
    }
}

/// Does something for each number, so many at once; the first error ends it.
fn each(numbers: &[usize], at_once: usize, what: impl Fn(usize) -> Result<(), String> + Sync) -> Result<(), String> {
    let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..at_once.clamp(1, numbers.len().max(1)) {
            scope.spawn(|| {
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = what(*number) {
                        next.store(numbers.len(), Ordering::Relaxed);
                        if let Ok(mut failure) = failure.lock() {
                            *failure = Some(error);
                        }
                    }
                }
            });
        }
    });
    failure.into_inner().map_err(|error| error.to_string())?.map_or(Ok(()), Err)
}
