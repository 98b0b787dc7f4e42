//! Paths with `~`, `$VAR` and `${VAR}`.

use std::{fs, os::unix::fs::MetadataExt};

use super::Env;

/// The path with variables and then the home directory put in. What is not known stays as it is written.
pub(super) fn expand(path: &str, env: Env) -> String {
    with_home(&with_variables(path, env), env)
}

fn with_variables(path: &str, env: Env) -> String {
    let mut done = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        done.push_str(&rest[..at]);
        rest = &rest[at..];
        let (name, len) = variable(&rest[1..]);
        match name.and_then(env) {
            Some(value) => done.push_str(&value),
            None => done.push_str(&rest[..=len]),
        }
        rest = &rest[1 + len..];
    }
    done + rest
}

/// The variable's name at the start of what follows a `$`, and how many bytes it takes.
fn variable(text: &str) -> (Option<&str>, usize) {
    if let Some(braced) = text.strip_prefix('{') {
        return match braced.find('}') {
            Some(end) => (Some(&braced[..end]), end + 2),
            None => (None, 0),
        };
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    ((end > 0).then(|| &text[..end]), end)
}

fn with_home(path: &str, env: Env) -> String {
    let Some(after) = path.strip_prefix('~') else { return path.to_owned() };
    let (user, rest) = after.split_at(after.find('/').unwrap_or(after.len()));
    let home = match user {
        "" => env("HOME").or_else(|| {
            let own = fs::metadata("/proc/self").ok()?.uid().to_string();
            home_in_passwd(|_, id| id == own)
        }),
        user => home_in_passwd(|name, _| name == user),
    };
    let Some(home) = home else { return path.to_owned() };
    let whole = format!("{}{rest}", home.trim_end_matches('/'));
    if whole.is_empty() { "/".to_owned() } else { whole }
}

/// The home directory of the first account whose name and id fit.
fn home_in_passwd(fits: impl Fn(&str, &str) -> bool) -> Option<String> {
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        (fits(fields.first()?, fields.get(2)?)).then(|| fields.get(5).map(|home| (*home).to_owned()))?
    })
}
