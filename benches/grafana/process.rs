//! What one run of the process costs, without Ansible and with a server that answers at once: time, memory, size.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    ansible::options_in_bulk,
    report::{Table, median},
    server::Server,
    subject::{Kind, Objects, Step},
};

/// The word by which this program starts itself to measure another one: see [`measure`].
pub const HELPER: &str = "--measure";

/// So many dashboards are read from files.
const MANY: usize = 5000;

/// The table of costs, a line for each thing that was measured.
pub fn table(library: &Path, place: &Path, quick: bool) -> Result<Table, String> {
    let times = if quick { 10 } else { 40 };
    let mut table = Table::new(&["what", "median", "least", "most", "peak memory", "aim"]);
    let server = Server::stand_in(false)?;
    for kind in Kind::ALL.into_iter().filter(|kind| library.join(kind.module()).is_file()) {
        let module = library.join(kind.module());
        let size = fs::metadata(&module).map_err(|error| error.to_string())?.len();
        table.row([
            format!("`{}`: size of the binary", kind.module()),
            format!("{:.1} MB", size as f64 / 1e6),
            String::new(),
            String::new(),
            String::new(),
            "≤ 5 MB".into(),
        ]);
        let run = measure(times, &module, &["--version".into()])?;
        table.row(run.row(format!("`{} --version`", kind.module()), ""));
        let objects = Objects::new(kind, "one-", 1, &place.join("one")).map_err(|error| error.to_string())?;
        let args = |step: Step| -> Result<PathBuf, String> {
            let mut options = options_in_bulk(&server, &objects, step);
            let item = objects.item(0, step, false);
            if let Some(all) = options.as_object_mut() {
                all.remove(&kind.plural());
                all.extend(item);
            }
            let file = place.join(format!("one-{}.json", step.name().replace(' ', "-")));
            fs::write(&file, options.to_string()).map_err(|error| error.to_string())?;
            Ok(file)
        };
        measure(1, &module, &[args(Step::Create)?.display().to_string()])?;
        let run = measure(times, &module, &[args(Step::Unchanged)?.display().to_string()])?;
        table.row(run.row(format!("`{}`, one object, unchanged", kind.module()), "≤ 10 ms, ≤ 16 MB"));
    }
    if library.join(Kind::Dashboard.module()).is_file() && !quick {
        many_dashboards(library, place, &mut table)?;
    }
    Ok(table)
}

/// Thousands of dashboards from files, made and then found unchanged.
fn many_dashboards(library: &Path, place: &Path, table: &mut Table) -> Result<(), String> {
    let server = Server::stand_in(false)?;
    let place = place.join("many");
    let objects = Objects::new(Kind::Dashboard, "many-", MANY, &place).map_err(|error| error.to_string())?;
    let args = json!({
        "url": server.url, "url_username": server.user, "url_password": server.password,
        "dashboards": [{"from_directory": objects.folder(false)}],
    });
    let file = place.join("many.json");
    fs::write(&file, args.to_string()).map_err(|error| error.to_string())?;
    for what in ["made", "unchanged"] {
        let run = measure(1, &library.join(Kind::Dashboard.module()), &[file.display().to_string()])?;
        table.row(run.row(format!("{MANY} dashboards from files, {what}"), "≤ 200 MB"));
    }
    fs::remove_dir_all(&place).map_err(|error| error.to_string())
}

/// What some runs of a program took.
struct Runs {
    milliseconds: Vec<f64>,
    most_memory: f64,
}

impl Runs {
    fn row(&self, what: String, aim: &str) -> [String; 6] {
        let show = |value: f64| format!("{value:.1} ms");
        let least = self.milliseconds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.milliseconds.iter().copied().fold(0.0, f64::max);
        let middle = median(&self.milliseconds).unwrap_or_default();
        [what, show(middle), show(least), show(most), format!("{:.1} MB", self.most_memory), aim.to_owned()]
    }
}

/// Runs a program some times. It is a fresh process of this program that starts it and asks for its peak memory:
/// a process counts the memory of the one that it was started from as its own, and this one holds a server.
fn measure(times: usize, program: &Path, args: &[String]) -> Result<Runs, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(own)
        .args([HELPER, &times.to_string()])
        .arg(program)
        .args(args)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let told: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let milliseconds = told["milliseconds"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    Ok(Runs { milliseconds, most_memory: told["kilobytes"].as_f64().unwrap_or_default() * 1024.0 / 1e6 })
}

/// The fresh process: runs the program and prints what it took as JSON.
pub fn helper(args: &[String]) -> Result<String, String> {
    let [times, program, args @ ..] = args else { return Err("--measure TIMES PROGRAM [ARGUMENT …]".into()) };
    let mut milliseconds = Vec::new();
    for _ in 0..times.parse().unwrap_or(1) {
        let begun = Instant::now();
        let output = Command::new(program)
            .args(args)
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        milliseconds.push(begun.elapsed().as_secs_f64() * 1000.0);
        if !output.status.success() {
            return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stdout)));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(json!({"milliseconds": milliseconds, "kilobytes": most_memory_of_children()}).to_string())
}

/// The peak memory of the largest child so far, in kB.
#[allow(unsafe_code)]
fn most_memory_of_children() -> i64 {
    // SAFETY: all-zero bytes are a valid `rusage`, and the call only writes into it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live `rusage` of this function.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) };
    usage.ru_maxrss
}
