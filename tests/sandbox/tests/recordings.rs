//! Compares the stand-in with recordings of a real Grafana, by the replay tool beside the checkout.
//! Where that folder or python3 is missing it says so and passes: a user's clone has neither.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sandbox::{Config, Profile};
use serde_json::{Value, json};

/// What is imitated in part is judged in part: these paths answer 501.
const DEFAULT: &str = r"^(?!.*(GET /api/access-control/\w+/(?!description)[\w-]+$|/api/dashboards/home|/api/org/preferences|/api/admin/(settings|stats)|correlations|/api/datasources/proxy/|/resources/|/api/ds/query))";
/// Of the files about people and roles only what is imitated of them.
const PEOPLE: &str = r"^(GET /api/(user|org|orgs|users|teams/search|org/users|folders|datasources|users/lookup\S*)|POST /api/(orgs|folders|teams|serviceaccounts|admin/users|user/using/\d+|v1/provisioning/alert-rules)|(GET|PUT) /api/orgs/\d+|PUT /api/org|PATCH /api/org/users/\d+|(GET|PUT) /api/v1/provisioning/alert-rules(/ruid)?|PUT /api/admin/users/\d+/password|(GET|POST) /login)$";

/// One file, the server it needs, and the numbers of the requests that may differ, each with the reason.
struct Case {
    file: &'static str,
    only: &'static str,
    seed: Option<Value>,
    /// Needs answering upstreams on the ports 3191 and 3192.
    upstreams: bool,
    allowed: &'static [(usize, &'static str)],
}

/// A file that needs nothing special and agrees in everything.
fn plain(file: &'static str) -> Case {
    Case { file, only: DEFAULT, seed: None, upstreams: false, allowed: &[] }
}

fn cases() -> Vec<Case> {
    let provisioned = json!({ "datasources": [
        { "name": "prov", "uid": "prov", "type": "prometheus", "url": "http://127.0.0.1:3191", "isDefault": true },
        { "name": "prov-ed", "uid": "prov-ed", "type": "prometheus", "url": "http://127.0.0.1:3191", "editable": true },
    ] });
    let dashboards = json!({ "dashboards": [
        { "dashboard": { "uid": "p1", "title": "P1" }, "folder": "ProvF", "file": "p1.json" },
        { "dashboard": { "uid": "p2", "title": "P2" }, "file": "p2.json", "allowUiUpdates": true },
    ] });
    vec![
        plain("datasources.json"),
        Case { upstreams: true, ..plain("datasources_health.json") },
        Case { seed: Some(provisioned), ..plain("datasources_provisioned.json") },
        plain("datasources_update.json"),
        plain("datasources_update2.json"),
        plain("folders.json"),
        plain("folders_delete.json"),
        Case {
            allowed: &[(28, "the real one gives a resourceVersion at the first of two equal PUTs; why is unknown")],
            ..plain("folders_k8s.json")
        },
        plain("folders_permissions.json"),
        plain("dashboards.json"),
        plain("dashboards_import.json"),
        plain("dashboards_k8s.json"),
        plain("dashboards_permissions.json"),
        Case { seed: Some(dashboards), ..plain("dashboards_provisioned.json") },
        plain("dashboards_stored.json"),
        plain("dashboards_versions.json"),
        plain("library_elements.json"),
        plain("search.json"),
        plain("core_transport.json"),
        plain("http_behaviour.json"),
        plain("org_switch.json"),
        Case { upstreams: true, ..plain("token_flow.json") },
        Case { only: PEOPLE, ..plain("org_header.json") },
        Case { only: PEOPLE, ..plain("roles_forbidden.json") },
        Case { only: PEOPLE, ..plain("users_lockout.json") },
    ]
}

/// The same for 11.5: the 12.4 files with the answers put in that differ there.
fn old_cases() -> Vec<Case> {
    const META: &str = "the 11.5 files do not hold that meta.apiVersion is missing there (grafana.md fact 56)";
    vec![
        plain("core_transport.json"),
        Case {
            allowed: &[
                (5, META),
                (6, META),
                (24, META),
                (25, "the merged body names the version of 12.4, which 11.5 has moved past (fact 57)"),
                (32, META),
                (57, META),
                (59, META),
                (61, META),
                (65, META),
            ],
            ..plain("dashboards.json")
        },
        Case {
            allowed: &[(4, META), (6, META), (23, META), (25, META), (27, META)],
            ..plain("dashboards_import.json")
        },
        Case { allowed: &[(18, META)], ..plain("dashboards_permissions.json") },
        Case {
            allowed: &[
                (2, META),
                (4, META),
                (10, META),
                (12, META),
                (18, META),
                (20, META),
                (26, META),
                (28, META),
                (34, META),
            ],
            ..plain("dashboards_stored.json")
        },
        Case { allowed: &[(12, META)], ..plain("dashboards_versions.json") },
        Case {
            allowed: &[
                (31, "the merged list lacks the four that only 11.5 makes, so the tool learns wrong names from it"),
                (32, "as 31"),
                (41, "as 31"),
            ],
            ..plain("datasources.json")
        },
        plain("datasources_update.json"),
        plain("datasources_update2.json"),
        plain("folders.json"),
        plain("folders_delete.json"),
        plain("folders_permissions.json"),
        plain("search.json"),
        plain("org_switch.json"),
        Case { only: PEOPLE, ..plain("org_header.json") },
        Case { only: PEOPLE, ..plain("roles_forbidden.json") },
    ]
}

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
}

/// The shared folder, or none with a word about it.
fn available() -> Option<PathBuf> {
    let place = shared();
    if !place.join("tools/replay.py").is_file() {
        say(&format!("skipped: no replay tool in {}", place.display()));
        return None;
    }
    if Command::new("python3").arg("--version").output().is_err() {
        say("skipped: no python3");
        return None;
    }
    Some(place)
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Upstreams as the recordings name them: JSON on every path, and `/status/N` on the second.
/// False where the ports are taken.
fn upstreams() -> bool {
    [3191, 3192].into_iter().all(|port| {
        let Ok(listener) = std::net::TcpListener::bind(("127.0.0.1", port)) else { return false };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                let mut buffer = [0; 2048];
                let count = stream.read(&mut buffer).unwrap_or(0);
                let head = String::from_utf8_lossy(&buffer[..count]).into_owned();
                let status = head.split("/status/").nth(1).and_then(|rest| rest.get(..3)).unwrap_or("200");
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{{\"status\":\"success\"}}"
                );
            }
        });
        true
    })
}

/// Runs one case; gives the complaints and the line of figures.
fn run(place: &Path, server: &sandbox::Handle, case: &Case, file: &Path) -> (Vec<String>, String) {
    server.reset();
    if let Some(seed) = &case.seed {
        server.admin("POST", "seed", seed);
    }
    let output = Command::new("python3")
        .arg(place.join("tools/replay.py"))
        .args(["--url", &server.url(), "--only", case.only])
        .arg(file)
        .output()
        .expect("python3 was there a moment ago");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let prefix = format!("{}:", file.display());
    let mut complaints = Vec::new();
    let mut used = Vec::new();
    let mut figures = format!("no figures: {}", String::from_utf8_lossy(&output.stderr));
    for line in text.lines().filter_map(|line| line.strip_prefix(&prefix)) {
        match line.split(' ').next().and_then(|n| n.parse::<usize>().ok()) {
            Some(number) if case.allowed.iter().any(|(n, _)| *n == number) => used.push(number),
            Some(_) => complaints.push(line.to_owned()),
            None => figures = line.trim().to_owned(),
        }
    }
    if !figures.contains("judged") {
        complaints.push(figures.clone());
    }
    for (number, reason) in case.allowed.iter().filter(|(n, _)| !used.contains(n)) {
        complaints.push(format!("{number} agrees now: take the exception away ({reason})"));
    }
    (complaints, figures)
}

/// Runs all and fails with all complaints at once.
fn judge(place: &Path, server: &sandbox::Handle, cases: &[Case], file: impl Fn(&Case) -> PathBuf) {
    let mut report = String::new();
    let mut failed = false;
    let mut listening = None;
    for case in cases {
        if case.upstreams && !*listening.get_or_insert_with(upstreams) {
            let _ = writeln!(report, "{}: skipped, the ports 3191 and 3192 are taken", case.file);
            continue;
        }
        let (complaints, figures) = run(place, server, case, &file(case));
        let _ = writeln!(report, "{}: {figures}, {} excused", case.file, case.allowed.len());
        for complaint in complaints {
            failed = true;
            let _ = writeln!(report, "    {complaint}");
        }
    }
    say(&report);
    assert!(!failed, "the stand-in departs from the recordings:\n{report}");
}

#[test]
fn answers_as_the_recorded_12_4() {
    let Some(place) = available() else { return };
    let server = sandbox::start(Config::default()).expect("a loopback port is free");
    judge(&place, &server, &cases(), |case| place.join("recordings/grafana").join(case.file));
}

#[test]
fn answers_as_the_recorded_11_5() {
    let Some(place) = available() else { return };
    let server = sandbox::start(Config { profile: Profile::V11_5, ..Config::default() }).expect("a port is free");
    let folder = std::env::temp_dir().join(format!("sandbox-recordings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    judge(&place, &server, &old_cases(), |case| merged(&place, &folder, case.file));
    let _ = std::fs::remove_dir_all(&folder);
}

/// The 12.4 recording with the entries of 11.5 in their places: those files hold only what differs.
fn merged(place: &Path, folder: &Path, file: &str) -> PathBuf {
    let read = |path: PathBuf| -> Vec<Value> {
        let bytes = std::fs::read(&path).expect("the recording is there");
        serde_json::from_slice(&bytes).expect("a recording is a JSON list")
    };
    let own = place.join("recordings/grafana/11.5").join(file);
    let entries = read(own.clone());
    if !entries.iter().any(|entry| entry["note"].as_str().is_some_and(|note| note.starts_with("[no. "))) {
        // A few were recorded anew as a whole.
        return own;
    }
    let mut whole = read(place.join("recordings/grafana").join(file));
    for entry in entries {
        let note = entry["note"].as_str().unwrap_or_default();
        let number = note.strip_prefix("[no. ").and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        let number = number.expect("each note names the number of the request that it replaces");
        whole[number - 1] = entry;
    }
    let target = folder.join(file);
    std::fs::write(&target, json!(whole).to_string()).expect("the temporary folder can be written");
    target
}

#[test]
fn answers_as_recorded_with_other_settings() {
    let Some(place) = available() else { return };
    let file = |case: &Case| place.join("recordings/grafana").join(case.file);
    let server = sandbox::start(Config { anonymous: true, ..Config::default() }).expect("a port is free");
    let only = r"/api/(user|org|org/users|users|teams/search|teams|folders|datasources|v1/provisioning/alert-rules)$";
    judge(&place, &server, &[Case { only, ..plain("anonymous.json") }], file);
    let server = sandbox::start(Config { hide_version: true, ..Config::default() }).expect("a port is free");
    let only = "/api/(health|frontend/settings|admin/users)|/version";
    judge(&place, &server, &[Case { only, ..plain("core_hide_version.json") }], file);
}
