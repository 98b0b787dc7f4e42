//! Compares the stand-in with recordings of a real Grafana, by the replay tool beside the checkout.
//! Where that folder or python3 is missing it says so and passes: a user's clone has neither.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

mod replay;

use replay::{available, replay, say};
use sandbox::{Config, Profile};
use serde_json::{Value, json};

/// What is imitated in part is judged in part: these paths answer 501.
const DEFAULT: &str = r"^(?!.*(GET /api/access-control/\w+/(?!description)[\w-]+$|/api/dashboards/home|/api/org/preferences|/api/admin/(settings|stats)|correlations|/api/datasources/proxy/|/resources/|/api/ds/query|POST /login))";
/// Of the files about people and roles only what is imitated of them.
const PEOPLE: &str = r"^(GET /api/(user|org|orgs|users|teams/search|org/users|folders|datasources|users/lookup\S*)|POST /api/(orgs|folders|teams|serviceaccounts|admin/users|user/using/\d+|v1/provisioning/alert-rules)|(GET|PUT) /api/orgs/\d+|PUT /api/org|PATCH /api/org/users/\d+|(GET|PUT) /api/v1/provisioning/alert-rules(/ruid)?|PUT /api/admin/users/\d+/password|GET /login)$";
/// The endpoints that the modules use, and their tests to prepare something: judged in every file.
const USED: &str = concat!(
    r"^(GET (/version|/api/(health|frontend/settings|user|user/orgs|org|org/users/lookup|orgs/name/[^/]+|teams/search",
    r"|users/lookup|serviceaccounts/search|search))|\w+ /api/datasources(/(uid/|name/|id/)?(?!correlations)[^/]+)?",
    r"|GET /api/datasources/uid/[^/]+/health|\w+ /api/folders(/[^/]+)?(/(counts|move|permissions))?",
    r"|POST /api/dashboards/db|\w+ /api/dashboards/uid/[^/]+(/(permissions|versions))?",
    r"|\w+ /apis/(dashboard|folder)\.grafana\.app/.*",
    r"|POST /api/(admin/users|teams|serviceaccounts|orgs|serviceaccounts/\d+/tokens))/?(\?.*)?$"
);

/// Files that are not judged, by how their names begin.
const SKIPPED: [(&str, &str); 6] = [
    ("oidc_login_", "needs an OIDC provider"),
    ("auth_proxy_login", "needs an auth proxy"),
    ("serviceaccounts_limits", "needs a limit for tokens in the configuration"),
    ("users_password_policy", "needs the strict passwords of the configuration"),
    ("anonymous", "judged by a server of its own, with anonymous access"),
    ("core_hide_version", "judged by a server of its own, which hides its version"),
];

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

/// The provisioned dashboards that dashboards_provisioned.json names.
fn provisioned_dashboards() -> Value {
    json!({ "dashboards": [
        { "dashboard": { "uid": "p1", "title": "P1" }, "folder": "ProvF", "file": "p1.json" },
        { "dashboard": { "uid": "p2", "title": "P2" }, "file": "p2.json", "allowUiUpdates": true },
    ] })
}

fn cases() -> Vec<Case> {
    let provisioned = json!({ "datasources": [
        { "name": "prov", "uid": "prov", "type": "prometheus", "url": "http://127.0.0.1:3191", "isDefault": true },
        { "name": "prov-ed", "uid": "prov-ed", "type": "prometheus", "url": "http://127.0.0.1:3191", "editable": true },
    ] });
    let mut all = vec![
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
        Case { seed: Some(provisioned_dashboards()), ..plain("dashboards_provisioned.json") },
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
    ];
    all.extend(alike());
    all
}

/// Files that are judged alike in both versions.
fn alike() -> [Case; 4] {
    [
        Case { only: USED, allowed: &[(41, MEMBERS)], ..plain("org_users.json") },
        Case {
            only: USED,
            allowed: &[(16, "public dashboards are not imitated, nor the mark of one")],
            ..plain("public_dashboards.json")
        },
        Case { only: USED, allowed: &SINGLE_ACCOUNT, ..plain("serviceaccounts.json") },
        Case { only: USED, allowed: &OWN_PROFILE, ..plain("users.json") },
    ]
}

const FORM: &str = "sessions are not imitated: the login by the form is 501";
const MEMBERS: &str = "members are not taken out of organisations";
const SINGLE_ACCOUNT: [(usize, &str); 3] = [
    (82, "permissions on a single service account are not imitated: as a viewer it is 403"),
    (84, "as 82"),
    (87, "as 82"),
];
const OWN_PROFILE: [(usize, &str); 3] =
    [(73, FORM), (77, FORM), (107, "nobody changes an own password here, so the new one is wrong")];

/// The cases with a default one for each other file that has something on the endpoints in use.
fn whole(place: &Path, mut cases: Vec<Case>, folder: &str) -> Vec<Case> {
    let mut names: Vec<String> = std::fs::read_dir(place.join("recordings/grafana").join(folder))
        .expect("the recordings are there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".json") && SKIPPED.iter().all(|(begin, _)| !name.starts_with(begin)))
        .collect();
    names.sort();
    for name in names {
        if cases.iter().all(|case| case.file != name) {
            cases.push(Case { only: USED, ..plain(name.leak()) });
        }
    }
    cases
}

/// How many requests of each file are on endpoints in use, but for those whose bodies were shortened.
fn recorded(place: &Path) -> serde_json::Map<String, Value> {
    const SCRIPT: &str = "import glob, json, os, re, sys\n\
        of = lambda f: [e['request'] for e in json.load(open(f)) if 'shortened' not in json.dumps(e['request'].get('body'))]\n\
        count = lambda f: sum(bool(re.search(sys.argv[1], r['method'] + ' ' + r['path'])) for r in of(f))\n\
        print(json.dumps({os.path.basename(f): count(f) for f in glob.glob(sys.argv[2] + '/*.json')}))";
    let output = Command::new("python3")
        .args(["-c", SCRIPT, USED])
        .arg(place.join("recordings/grafana"))
        .output()
        .expect("python3 was there a moment ago");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The same for 11.5: the 12.4 files with the answers put in that differ there.
fn old_cases() -> Vec<Case> {
    const META: &str = "the 11.5 files do not hold that meta.apiVersion is missing there (grafana.md fact 56)";
    let mut all = vec![
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
        Case {
            seed: Some(provisioned_dashboards()),
            allowed: &[
                (2, META),
                (3, META),
                (15, "the folder's uid is of another run than in the 12.4 answers it is learned from"),
                (16, "as 15"),
                (20, META),
            ],
            ..plain("dashboards_provisioned.json")
        },
        Case { upstreams: true, ..plain("datasources_health.json") },
    ];
    all.extend(alike());
    all
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

/// One pair of them serves all tests here.
static LISTENING: LazyLock<bool> = LazyLock::new(upstreams);

/// Runs one case; gives the complaints and the line of figures.
fn run(place: &Path, server: &sandbox::Handle, case: &Case, file: &Path) -> (Vec<String>, String) {
    server.reset();
    if let Some(seed) = &case.seed {
        server.admin("POST", "seed", seed);
    }
    let only = format!("({})|({USED})", case.only);
    let (all, figures) = replay(place, &server.url(), &only, file);
    let (excused, different): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(number, _)| case.allowed.iter().any(|(allowed, _)| allowed == number));
    let mut complaints: Vec<String> = different.into_iter().map(|(_, line)| line).collect();
    if !figures.contains("judged") {
        complaints.push(figures.clone());
    }
    for (number, reason) in case.allowed.iter().filter(|(n, _)| excused.iter().all(|(there, _)| there != n)) {
        complaints.push(format!("{number} agrees now: take the exception away ({reason})"));
    }
    (complaints, figures)
}

/// Runs all and fails with all complaints at once.
fn judge(place: &Path, server: &sandbox::Handle, cases: &[Case], file: impl Fn(&Case) -> PathBuf) {
    let mut report = String::new();
    let mut failed = false;
    let recorded = recorded(place);
    let used = |name: &str| recorded.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (mut total, mut judged_used) = ([0; 3], 0);
    for case in cases.iter().filter(|case| case.only != USED || used(case.file) > 0) {
        if case.upstreams && !*LISTENING {
            let _ = writeln!(report, "{}: skipped, the ports 3191 and 3192 are taken", case.file);
            continue;
        }
        let (complaints, figures) = run(place, server, case, &file(case));
        let _ = writeln!(report, "{}: {figures}, {} excused", case.file, case.allowed.len());
        let numbers: Vec<u64> = figures.split(' ').filter_map(|word| word.parse().ok()).collect();
        total.iter_mut().zip(&numbers).for_each(|(sum, number)| *sum += number);
        judged_used += used(case.file);
        // A pattern that fits nothing any more judges nothing, and agrees in everything.
        if used(case.file) > 0 && numbers.first() == Some(&0) {
            failed = true;
            let _ = writeln!(report, "    nothing was judged");
        }
        for complaint in complaints {
            failed = true;
            let _ = writeln!(report, "    {complaint}");
        }
    }
    let all: u64 = recorded.values().filter_map(Value::as_u64).sum();
    let [judged, statuses, shapes] = total;
    let _ = writeln!(
        report,
        "in all: {judged} judged, {statuses} statuses and {shapes} shapes agree; on endpoints in use {judged_used} of \
         {all} recorded ones"
    );
    say(&report);
    assert!(!failed, "the stand-in departs from the recordings:\n{report}");
}

#[test]
fn answers_as_the_recorded_12_4() {
    let Some(place) = available() else { return };
    let server = sandbox::start(Config::default()).expect("a loopback port is free");
    judge(&place, &server, &whole(&place, cases(), ""), |case| place.join("recordings/grafana").join(case.file));
}

#[test]
fn answers_as_the_recorded_11_5() {
    let Some(place) = available() else { return };
    let server = sandbox::start(Config { profile: Profile::V11_5, ..Config::default() }).expect("a port is free");
    let folder = std::env::temp_dir().join(format!("sandbox-recordings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    judge(&place, &server, &whole(&place, old_cases(), "11.5"), |case| merged(&place, &folder, case.file));
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
