//! The time that requests take, as measured on a Grafana 12.4.0 with SQLite on two cores (real-services.md,
//! grafana.md fact 53): switched on by `real_times`, for benchmarks.
//!
//! A write is worked on for some time and then needs the database for some more, which one writer has at a time:
//! so two writers gain something and more gain nothing. Reads take turns on two cores, and lists take longer the
//! more they hold. It is waiting and no work: the processor stays free for whoever is measured.

use std::time::Duration;

use serde_json::Value;
use tokio::{sync::Semaphore, time::sleep};

use crate::call::Call;
use crate::reply::{Content, Reply};

/// What takes turns.
pub(crate) struct Speed {
    database: Semaphore,
    cores: Semaphore,
}

impl Speed {
    /// A server at rest.
    pub fn new() -> Speed {
        Speed { database: Semaphore::new(1), cores: Semaphore::new(2) }
    }

    /// The time before a write is done.
    pub async fn write(&self, call: &Call) {
        let (alone, locked) = of_write(call);
        sleep(alone - locked).await;
        let _turn = self.database.acquire().await;
        sleep(locked).await;
    }

    /// The time before a read is answered.
    pub async fn read(&self, call: &Call, reply: &Reply) {
        let _turn = self.cores.acquire().await;
        sleep(of_read(call, reply)).await;
    }
}

/// For a write: the time when it is alone, and the part of it that is spent in the database.
///
/// By `/apis` a dashboard takes two thirds of the time (37 a second and not 24), but eight writers gain little
/// (44 a second): nearly all of it is spent in the database (measured/_core_speed.json). Its deletion and folders
/// there are scaled from the single requests of the recordings.
fn of_write(call: &Call) -> (Duration, Duration) {
    let by_apis = call.segments[0] == "apis";
    let (alone, locked) = match (call.kind(), by_apis, call.method.as_str()) {
        ("dashboards", true, "DELETE") => (13, 11),
        ("dashboards", true, _) => (19, 15),
        ("dashboards", false, "DELETE") => (19, 15),
        ("dashboards", false, _) => (29, 15),
        ("folders", true, "DELETE") => (15, 12),
        ("folders", true, _) => (14, 11),
        ("folders", false, "DELETE") => (27, 15),
        ("folders", false, _) => (20, 13),
        ("datasources", _, "DELETE") => (9, 7),
        ("datasources", _, _) => (17, 12),
        _ => (9, 7),
    };
    (Duration::from_millis(alone), Duration::from_millis(locked))
}

/// For a read: a fixed time, and for lists some for each item.
fn of_read(call: &Call, reply: &Reply) -> Duration {
    let items = match &reply.body {
        Content::Json(Value::Array(items)) => Some(items.len()),
        Content::Json(body) => body["items"].as_array().map(Vec::len),
        _ => None,
    };
    let (is_list, items) = (items.is_some(), items.unwrap_or(0) as u64);
    let has = |part: &str| call.segments.iter().any(|segment| segment == part);
    let (fixed, of_item) = match call.segments.first().map(String::as_str) {
        Some("apis") if has("dashboards") && is_list => (5_000, 500),
        Some("apis") if has("dashboards") => (10_000, 0),
        Some("apis") => (5_000, 60),
        _ if has("search") => (18_000, 600),
        _ if has("dashboards") => (10_000, 0),
        _ if has("folders") => (8_000, 50),
        _ if has("datasources") => (5_000, 80),
        _ if has("health") => (1_000, 0),
        _ => (4_000, 0),
    };
    Duration::from_micros(fixed + of_item * items)
}
