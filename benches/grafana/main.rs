//! How long the work takes: community.grafana in a loop, ours in a loop, ours in bulk, and a bare HTTP client.
//!
//! `cargo bench --bench grafana` runs on the stand-in at the speed of a real Grafana, and with `GRAFANA_URL` (and
//! `GRAFANA_USER`, `GRAFANA_PASSWORD`) on that server, where it makes objects whose uids begin with `hb` and its
//! process id, and deletes them again. It needs the environment that `tests/run/environment.sh` makes, and the
//! modules that `make build` puts into `library/`; `make bench` does both before it. It writes Markdown to stdout and
//! to `target/bench/grafana.md`, and ends within 40 minutes.
//!
//!     cargo bench --bench grafana -- [--quick] [--only datasource|folder|dashboard] [--minutes N]

mod ansible;
mod bare;
mod contest;
mod process;
mod report;
mod server;
mod subject;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use ansible::Ansible;
use contest::{Block, Contest, Who};
use report::{Table, median, seconds, times};
use server::Server;
use subject::{Kind, Step};

/// What the command line says.
struct Options {
    quick: bool,
    only: Option<Kind>,
    minutes: u64,
}

impl Options {
    fn read(args: &[String]) -> Result<Options, String> {
        let mut options = Options { quick: false, only: None, minutes: 40 };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--bench" => {}
                "--quick" => (options.quick, options.minutes) = (true, 2),
                "--minutes" => options.minutes = value()?.parse().map_err(|_| "--minutes needs a number".to_owned())?,
                "--only" => {
                    let name = value()?;
                    let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
                    options.only = Some(found.ok_or_else(|| format!("there is no kind {name}"))?);
                }
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == process::HELPER) {
        return end(process::helper(&args[1..]).map(|text| say(&mut std::io::stdout(), &text)));
    }
    if !args.iter().any(|arg| arg == "--bench") {
        // `cargo test --all-targets` starts it without; a benchmark is no test.
        return ExitCode::SUCCESS;
    }
    end(Options::read(&args).and_then(|options| bench(&options)))
}

fn end(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A line on what is going on.
fn tell(line: &str) {
    say(&mut std::io::stderr(), line);
}

fn say(to: &mut dyn Write, text: &str) {
    // Nobody is left to be told when the pipe is closed.
    let _ = writeln!(to, "{text}");
}

fn bench(options: &Options) -> Result<(), String> {
    let until = Instant::now() + Duration::from_secs(60 * options.minutes);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = place()?;
    let library = library(root)?;
    let ansible = Ansible::find(root, &library, &place)?;
    let server = Server::chosen()?;
    let mut out = String::from("# How long it takes\n\n");
    out.push_str(&format!("Measured against {}. By {}, on {}.\n\n", server.story, ansible.story, machine()));
    let starts: Result<Vec<f64>, String> = (0..3).map(|_| ansible.play(None, until)).collect();
    let start = median(&starts?).unwrap_or_default();
    out.push_str(&format!(
        "`ansible-playbook` with an empty play takes {start:.2} s; that is part of the first three columns.\n\n"
    ));
    tell(&out);
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| library.join(kind.module()).is_file() && options.only.is_none_or(|only| only == *kind))
        .collect();
    let costs = process::table(&library, &place, options.quick)?;
    let mut contest = Contest::new(&server, &ansible, &library, &place, until);
    for kind in &kinds {
        let (n, tried) = if options.quick { (10, &bare::WRITERS[..3]) } else { (100, &bare::WRITERS[..]) };
        contest.find_writers(*kind, n, tried);
    }
    for block in blocks(&kinds, options.quick) {
        contest.run(&block);
    }
    for kind in &kinds {
        out.push_str(&of_kind(&contest, *kind, start));
    }
    out.push_str(&format!(
        "## One process\n\nAgainst the stand-in, which answers at once here.\n\n{}",
        costs.markdown()
    ));
    if !contest.left_out.is_empty() {
        out.push_str(&format!("\n## Left out for want of time\n\n- {}\n", contest.left_out.join("\n- ")));
    }
    if !contest.failures.is_empty() {
        out.push_str(&format!("\n## What failed\n\n- {}\n", contest.failures.join("\n- ")));
    }
    out.push_str(&format!("\nThe load of the machine at the end, over 1, 5 and 15 minutes: {}.\n", load()));
    fs::write(place.join("grafana.md"), &out).map_err(|error| error.to_string())?;
    say(&mut std::io::stdout(), &out);
    match contest.failures.len() {
        0 => Ok(()),
        failed => Err(format!("{failed} parts failed; the report names them")),
    }
}

/// What is run, the most important first: what does not fit into the time is left out at the end.
fn blocks(kinds: &[Kind], quick: bool) -> Vec<Block> {
    use Who::*;
    let of = |n: usize, who: &[Who]| {
        kinds.iter().map(|kind| Block { kind: *kind, n, who: who.to_vec() }).collect::<Vec<_>>()
    };
    let (all, direct) = ([Peer, Looped, Bulk, Process, Bare], [Bulk, Process, Bare]);
    if quick {
        return of(10, &all);
    }
    let rounds = [
        of(10, &all),
        of(100, &all),
        of(1000, &direct),
        of(10, &all),
        of(100, &direct),
        of(10, &all),
        of(100, &direct),
        of(1000, &direct),
        of(1000, &direct),
        // A thousand in a loop take Ansible some minutes for each kind, on which no other number hangs.
        of(1000, &[Looped]),
        of(100, &[Looped, Peer]),
        of(100, &[Looped, Peer]),
    ];
    rounds.concat()
}

/// The tables of a kind.
fn of_kind(contest: &Contest, kind: Kind, start: f64) -> String {
    let cell = |n: usize, step: Step, who: Who| contest.measures.get(&(kind, n, step, who));
    let took = |n: usize, step: Step, who: Who| {
        median(&cell(n, step, who)?.iter().map(|measure| measure.seconds).collect::<Vec<_>>())
    };
    let asked = |n: usize, step: Step, who: Who| {
        let found = cell(n, step, who).and_then(|all| all.last()).and_then(|measure| measure.asked);
        found.map_or("–".to_owned(), |asked| format!("{} + {}", asked.reads, asked.writes))
    };
    let mut time = Table::new(&[
        "N",
        "step",
        "peer, looped",
        "ours, looped",
        "ours, in bulk",
        "ours, process",
        "bare client",
        "peer / bulk",
        "aim",
        "peer / looped",
        "process / bare",
        "runs",
    ]);
    let mut requests = Table::new(&["N", "step", "peer, looped", "ours, looped", "ours, in bulk", "bare client"]);
    for n in [10, 100, 1000] {
        for step in Step::ALL.into_iter().filter(|step| took(n, *step, Who::Bulk).is_some()) {
            use Who::*;
            let mark = if contest::leaves_alone(kind, step, Peer) { " ¹" } else { "" };
            let runs =
                [Peer, Looped, Bulk, Process, Bare].map(|who| cell(n, step, who).map_or(0, Vec::len).to_string());
            time.row([
                n.to_string(),
                step.name().into(),
                seconds(took(n, step, Peer)) + mark,
                seconds(took(n, step, Looped)),
                seconds(took(n, step, Bulk)),
                seconds(took(n, step, Process)),
                seconds(took(n, step, Bare)),
                times(took(n, step, Peer), took(n, step, Bulk)),
                aim(kind, n, step).into(),
                times(took(n, step, Peer), took(n, step, Looped)),
                times(took(n, step, Process), took(n, step, Bare)),
                runs.join(" "),
            ]);
            requests.row([
                n.to_string(),
                step.name().into(),
                asked(n, step, Peer) + mark,
                asked(n, step, Looped),
                asked(n, step, Bulk),
                asked(n, step, Bare),
            ]);
        }
    }
    let (create, delete) = contest.writers.get(&kind).copied().unwrap_or((1, 1));
    let note = match kind {
        Kind::Folder => "¹ community.grafana never changes a folder that is there: it only looks at each.\n\n",
        _ => "",
    };
    format!(
        "## {}s\n\nMedians. The bare client writes with {create} at once and deletes with {delete}, which was best. \
         The first three columns hold Ansible's own start of {start:.2} s, the others do not; the aim for \
         “process / bare” is 1.2.\n\n{}\nRequests at the server, reads + writes:\n\n{}\n{note}",
        kind.name(),
        time.markdown(),
        requests.markdown(),
    )
}

/// How many times faster than the peer's loop ours in bulk is to be.
fn aim(kind: Kind, n: usize, step: Step) -> &'static str {
    match (kind, n, step) {
        (Kind::Datasource, 100, Step::Create) => "≥ 15 ×",
        (_, 100, Step::Create) => "≥ 25 ×",
        (_, 100, Step::Unchanged) => "≥ 50 ×",
        _ => "",
    }
}

/// Where everything lies that this program writes: `bench` in the target folder.
fn place() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    // <target>/release/deps/grafana-<hash>
    let target = own.ancestors().nth(3).ok_or("this program lies in no target folder")?;
    let place = target.join("bench");
    fs::create_dir_all(&place).map_err(|error| format!("failed to make {}: {error}", place.display()))?;
    Ok(place)
}

/// Our modules as they are shipped: in `library/`, or in the folder that `HEARTH_LIBRARY` names.
fn library(root: &Path) -> Result<PathBuf, String> {
    let library = std::env::var_os("HEARTH_LIBRARY").map_or_else(|| root.join("library"), PathBuf::from);
    for module in hearth::registry::modules() {
        if !library.join(module.name).is_file() {
            return Err(format!("{} has no {}\nhint: make build", library.display(), module.name));
        }
    }
    Ok(library)
}

/// What it ran on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    format!("{cores} cores ({}); load at the start {}", name.unwrap_or("unknown"), load())
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(", ")
}
