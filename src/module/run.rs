//! The run of a module from its arguments to its one line of result. Check mode is here and nowhere
//! else: the run ends after the plan.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    apply::{Execution, Outcome, Report},
    audit::Audit,
    coerce, docs,
    error::{Error, Result},
    kind::{Context, Kind, Task},
    output::{self, Shown},
    plan::{Action, Change},
    result, schema, secret, signal, sounding,
    spec::Object,
    task::{self, Internal},
};
use crate::http::Client;

/// So many bytes of arguments are read; more cannot be meant.
const LONGEST_ARGS: u64 = 512 * 1024 * 1024;

/// What Ansible (or a person) started the binary with.
pub struct Invocation {
    /// The command line, the program's own name first.
    pub argv: Vec<String>,
}

impl Invocation {
    /// That of this process.
    pub fn of_process() -> Invocation {
        Invocation { argv: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect() }
    }
}

/// The `main` of a module's binary. Returns the exit code.
pub fn main<K: Kind>(invocation: Invocation) -> i32 {
    match invocation.argv.get(1).map(String::as_str) {
        None | Some("--help" | "-h") => tell(&usage::<K>()),
        Some("--version") => tell(&format!("{} {}\n", K::NAME, env!("CARGO_PKG_VERSION"))),
        Some("--schema") => tell(&format!("{:#}\n", schema::of::<K>())),
        Some("--doc") => tell(&docs::sidecar(K::NAME, &K::about(), &task::spec::<K>())),
        Some(path) => {
            output::latch_panics(K::NAME);
            signal::catch();
            let (result, shown) = match read_args(path) {
                Ok(args) => run_shown::<K>(args),
                Err(error) => (failed(&error), Shown::default()),
            };
            let failed = result["failed"] == Value::Bool(true);
            output::print_once(result, shown);
            i32::from(failed)
        }
    }
}

/// For people: the only output that is not one line of JSON.
fn tell(text: &str) -> i32 {
    use std::io::Write;
    i32::from(std::io::stdout().lock().write_all(text.as_bytes()).is_err())
}

fn usage<K: Kind>() -> String {
    format!(
        "{name} {version}: {what}.\n\n\
         An Ansible module: Ansible runs it with the path of a JSON file of options.\n\n\
         usage: {name} ARGS_FILE   run with the options in that file, print one line of JSON\n\
         \x20      {name} --doc       print the documentation, as ansible-doc reads it\n\
         \x20      {name} --schema    print the JSON schema of the options\n\
         \x20      {name} --version   print the version\n",
        name = K::NAME,
        version = env!("CARGO_PKG_VERSION"),
        what = K::about().short_description,
    )
}

fn read_args(path: &str) -> Result<Object> {
    let wrong = |why: String| {
        Error::bad_options(format!("failed to read the options from `{path}`: {why}"))
            .hint("Ansible names a file with one JSON object; without any argument the binary prints its usage")
    };
    let length = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if length > LONGEST_ARGS {
        return Err(wrong(format!("it has {length} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    match serde_json::from_slice(&bytes) {
        Ok(args) => Ok(args),
        // Python writes and reads half a surrogate, which stands for a byte that is no text (in a file's name).
        Err(error) => serde_json::from_slice(&without_half_surrogates(&bytes)).map_err(|_| wrong(error.to_string())),
    }
}

/// JSON whose `\ud800` to `\udfff` without their other half are `\ufffd`.
fn without_half_surrogates(json: &[u8]) -> Vec<u8> {
    let mut mended = json.to_vec();
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut at = 0;
    while at < json.len() {
        match unit(at) {
            _ if json[at] != b'\\' => at += 1,
            Some(0xD800..0xDC00) if matches!(unit(at + 6), Some(0xDC00..0xE000)) => at += 12,
            Some(0xD800..0xE000) => {
                mended[at + 2..at + 6].copy_from_slice(b"fffd");
                at += 6;
            }
            _ => at += 2,
        }
    }
    mended
}

/// Runs a module with what Ansible sent, and returns its result, not yet masked.
pub fn run<K: Kind>(args: Object) -> Value {
    run_shown::<K>(args).0
}

/// The same, with the secrets that the task asked for beside it.
fn run_shown<K: Kind>(mut args: Object) -> (Value, Shown) {
    let started = Instant::now();
    let internal = match Internal::take(&mut args) {
        Ok(internal) => internal,
        Err(error) => return (failed(&error), Shown::default()),
    };
    let mut shown = Shown::default();
    let env = |name: &str| std::env::var(name).ok();
    // A list may be of thousands of objects: then it is repeated only for who wants to see everything.
    let short = args.get(K::PLURAL).is_none_or(Value::is_null);
    let repeated = (internal.inject_invocation && (short || internal.verbosity >= 3)).then(|| args.clone());
    // What the options are cannot be said of options that are refused: their secrets are guessed.
    let spec = task::spec::<K>();
    let guessed = sounding::sent(&args, &spec);
    let warnings = coerce::warnings(&spec, &args);
    if internal.ignore_unknown {
        secret::hide(guessed.iter().map(String::as_str));
    }
    let mut result = match task::parse_all::<K>(args, &internal, &env) {
        Err(error) => {
            secret::hide(guessed.iter().map(String::as_str));
            let mut result = failed(&error);
            if !warnings.is_empty() {
                result["warnings"] = json!(warnings);
            }
            result
        }
        Ok(mut parsed) => {
            let mut stats = Value::Null;
            let mut result = match attempt::<K>(&mut parsed.task, &internal, started, &mut stats) {
                Ok(result) => {
                    shown = result.1;
                    result.0
                }
                Err(error) => failed(&error),
            };
            if let Some(result) = result.as_object_mut() {
                if !parsed.warnings.is_empty() {
                    let all = result.entry("warnings").or_insert_with(|| json!([]));
                    if let Some(all) = all.as_array_mut() {
                        all.splice(0..0, parsed.warnings.into_iter().map(Value::String));
                    }
                }
                if !stats.is_null() {
                    result.insert("stats".into(), stats);
                }
            }
            result
        }
    };
    if let (Some(args), Some(result)) = (repeated, result.as_object_mut()) {
        result.insert("invocation".into(), json!({"module_args": args}));
    }
    (result, shown)
}

fn attempt<K: Kind>(
    task: &mut Task<K>,
    internal: &Internal,
    started: Instant,
    stats: &mut Value,
) -> Result<(Value, Shown)> {
    K::expand(task)?;
    let desired = K::load(task)?;
    let mut settings = K::client(task)?;
    settings.deadline = task.common.ends(started)?;
    settings.writers = settings.writers.min(K::WRITERS);
    let server = settings.base.as_str().to_owned();
    let mut client = Client::new(settings)?;
    let outcome = with_client::<K>(task, internal, &desired, &mut client, &server);
    let counted = client.stats();
    let seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    *stats = json!({"requests": counted.requests, "retries": counted.retries, "seconds": seconds});
    outcome
}

fn with_client<K: Kind>(
    task: &Task<K>,
    internal: &Internal,
    desired: &[K::Desired],
    client: &mut Client,
    server: &str,
) -> Result<(Value, Shown)> {
    let session = K::open(task, client)?;
    let context = Context { task, desired, session: &session };
    let snapshot = K::read(&context, client.reader()).map_err(|error| match error.message.starts_with("GET ") {
        true => error.context(format_args!("failed to read {}", K::PLURAL)),
        false => error,
    })?;
    let plan = K::plan(&context, &snapshot)?;
    within_prune_limit::<K>(task, &plan)?;
    // Where nothing changes, nothing is to be written of it.
    let writes = plan.iter().any(Change::is_change);
    let log = task.common.audit_log.as_deref().filter(|path| writes && !path.is_empty());
    let report = if internal.check_mode {
        log.map(Audit::could_open).transpose()?;
        let outcomes = plan.into_iter().map(Outcome::before).collect();
        Report { outcomes, snapshot, problem: None, checked: Vec::new(), secrets: Vec::new() }
    } else {
        let audit = log.map(|path| Audit::open(path, K::NAME, server, client.settings().deadline)).transpose()?;
        Execution { context: &context, client, audit: audit.as_ref() }.run(plan, snapshot)
    };
    Ok(finished(&context, internal, report))
}

fn within_prune_limit<K: Kind>(task: &Task<K>, plan: &[Change<K::Step>]) -> Result<()> {
    let pruned: Vec<&str> = plan
        .iter()
        .filter(|change| change.index.is_none() && change.action == Action::Delete)
        .map(|change| change.name.as_str())
        .collect();
    let limit = K::prune_limit(&task.settings);
    if pruned.len() <= limit {
        return Ok(());
    }
    let shown = pruned[..pruned.len().min(10)].join(", ");
    let more = if pruned.len() > 10 { ", …" } else { "" };
    Err(Error::bad_options(format!(
        "prune would delete {} {}, more than its limit of {limit}: {shown}{more}",
        pruned.len(),
        K::PLURAL,
    ))
    .hint("nothing was changed; raise the limit in `prune` if that is what you want"))
}

fn finished<K: Kind>(context: &Context<'_, K>, internal: &Internal, report: Report<K>) -> (Value, Shown) {
    let Report { outcomes, snapshot, problem, checked, secrets } = report;
    let check_mode = internal.check_mode;
    let changed =
        outcomes.iter().any(|outcome| if check_mode { outcome.change.is_change() } else { outcome.has_changed() });
    let mut out = Object::new();
    out.insert("changed".into(), changed.into());
    let extra = |outcome: &Outcome<K::Step>| {
        let index = outcome.change.index?;
        checked.iter().find(|(at, _)| *at == index).map(|(_, extra)| extra)
    };
    let mut entries: Vec<Object> = outcomes.iter().map(|outcome| result::entry(outcome, extra(outcome))).collect();
    for (entry, outcome) in entries.iter_mut().zip(&outcomes) {
        if let Some(at) = secrets.iter().position(|(index, _)| Some(*index) == outcome.change.index) {
            entry.insert(output::SECRET.into(), at.into());
        }
    }
    let mut warnings: Vec<Value> = Vec::new();
    for entry in &entries {
        for warning in entry.get("warnings").and_then(Value::as_array).into_iter().flatten() {
            let text =
                format!("{}: {}", entry["name"].as_str().unwrap_or_default(), warning.as_str().unwrap_or_default());
            warnings.push(text.into());
        }
    }
    let failure = result::failure(&outcomes, problem.as_ref());
    out.insert("msg".into(), result::sentence(&outcomes, check_mode).into());
    // The one that was declared: a folder on its way may stand before it.
    let one = outcomes.iter().position(|outcome| outcome.change.index.is_some()).unwrap_or(0);
    if let (true, Some(outcome)) = (context.task.single, outcomes.get(one)) {
        for (key, value) in &entries[one] {
            if !matches!(key.as_str(), "changed" | "warnings" | "failed" | "error") {
                out.insert(key.clone(), value.clone());
            }
        }
        if failure.is_none() {
            out.extend(K::single(context, &snapshot, &outcome.change, outcome.applied.as_ref(), check_mode));
        }
    }
    if let Some(failure) = failure {
        out.insert("failed".into(), true.into());
        let counts = result::sentence(&outcomes, check_mode);
        let told = if context.task.single { failure } else { format!("{failure} ({counts})") };
        out.insert("msg".into(), told.into());
    }
    if internal.diff {
        let changes: Vec<_> = outcomes
            .iter()
            .filter(|outcome| check_mode || outcome.has_changed())
            .map(|outcome| &outcome.change)
            .collect();
        if let Some(difference) = result::difference(K::NOUN, &changes, context.task.single) {
            out.insert("diff".into(), difference);
        }
    }
    let (listed, left_out) = result::listed(entries, context.task.common.list_unchanged);
    out.insert("objects".into(), json!(listed));
    if left_out > 0 {
        out.insert("unchanged_objects".into(), left_out.into());
    }
    if !warnings.is_empty() {
        out.insert("warnings".into(), Value::Array(warnings));
    }
    let mut out = Value::Object(out);
    let shown = Shown::of(&mut out, secrets.into_iter().map(|(_, secret)| secret).collect());
    (out, shown)
}

fn failed(error: &Error) -> Value {
    let mut out = json!({"failed": true, "changed": false, "msg": error.to_string()});
    if let (Some(status), Some(out)) = (error.status, out.as_object_mut()) {
        out.insert("status".into(), status.into());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_is_no_reason_to_take_no_options() {
        for (text, meant) in [
            (r#"{"a": "x\udc80y\ud800"}"#, "x\u{fffd}y\u{fffd}"),
            (r#"{"a": "\ud83d\ude00\ud83dx\\ud800"}"#, "\u{1f600}\u{fffd}x\\ud800"),
            (r#"{"a": "\ud800\ud83d\ude00"}"#, "\u{fffd}\u{1f600}"),
        ] {
            let mended: Value = serde_json::from_slice(&without_half_surrogates(text.as_bytes())).expect("JSON");
            assert_eq!(mended["a"], meant, "{text}");
        }
    }
}
