//! The replay tool beside the checkout, which judges both stand-ins.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder beside the checkout, or none with a word about it.
pub fn available() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
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

/// A line past the capture of the test runner.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Replays a file and judges what fits `only`; gives the complaints by number, and the figures, in which `judged`
/// stands unless the tool failed.
pub fn replay(place: &Path, url: &str, only: &str, file: &Path) -> (Vec<(usize, String)>, String) {
    let output = Command::new("python3")
        .arg(place.join("tools/replay.py"))
        .args(["--url", url, "--only", only])
        .arg(file)
        .output()
        .expect("python3 was there a moment ago");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let prefix = format!("{}:", file.display());
    let mut complaints = Vec::new();
    let mut figures = format!("no figures: {}", String::from_utf8_lossy(&output.stderr));
    for line in text.lines().filter_map(|line| line.strip_prefix(&prefix)) {
        match line.split(' ').next().and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => complaints.push((number, line.to_owned())),
            None => figures = line.trim().to_owned(),
        }
    }
    (complaints, figures)
}
