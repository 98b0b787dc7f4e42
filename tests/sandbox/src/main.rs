//! The stand-in as a program: prints its URL on one line and serves until it is ended.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use sandbox::{Config, Profile};

const USAGE: &str =
    "usage: sandbox [--port N] [--profile 12.4|11.5|authentik] [--quiet] [--ready-file FILE] [--openapi FILE]
               [--latency-ms N] [--real-times] [--rights-cache-ms N] [--sqlite] [--anonymous] [--hide-version]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(std::io::stderr(), "{text}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut config = Config { log: true, ..Config::default() };
    let mut ready_file = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
        match arg.as_str() {
            "--port" => config.port = value()?.parse().map_err(|error| format!("--port: {error}"))?,
            "--profile" => {
                config.profile = match value()?.as_str() {
                    "12.4" => Profile::V12_4,
                    "11.5" => Profile::V11_5,
                    "authentik" => Profile::Authentik,
                    other => return Err(format!("no profile {other}")),
                }
            }
            "--quiet" => config.log = false,
            "--ready-file" => ready_file = Some(value()?),
            "--openapi" => config.openapi = Some(value()?.into()),
            "--latency-ms" => config.latency = Duration::from_millis(number(value()?)?),
            "--rights-cache-ms" => config.rights_cache = Duration::from_millis(number(value()?)?),
            "--real-times" => config.real_times = true,
            "--sqlite" => config.sqlite = true,
            "--anonymous" => config.anonymous = true,
            "--hide-version" => config.hide_version = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    let server = sandbox::start(config).map_err(|error| format!("failed to start: {error}"))?;
    let url = server.url();
    let mut out = std::io::stdout();
    writeln!(out, "{url}").and_then(|()| out.flush()).map_err(|error| format!("failed to print: {error}"))?;
    if let Some(file) = ready_file {
        std::fs::write(&file, format!("{url}\n")).map_err(|error| format!("failed to write {file}: {error}"))?;
    }
    loop {
        std::thread::park();
    }
}
