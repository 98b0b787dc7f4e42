//! The audit log: one line of JSON before and one after each change.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use rustix::fs::{Access, access};
use serde_json::{Value, json};

use super::{
    apply::at_path,
    error::{Error, Result},
    plan::{Action, Change},
    secret,
    signal::signalled,
    spec::Object,
};

/// So long another run's lock is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// An open and locked audit log; other runs wait for it.
pub struct Audit {
    file: Mutex<File>,
    path: String,
    module: &'static str,
    server: String,
}

impl Audit {
    /// Opens the file for appending (mode 0600 when it is new) and locks it, which another run may have to be waited
    /// for: some seconds, never past the deadline, and not after a signal.
    pub fn open(path: &str, module: &'static str, server: &str, deadline: Instant) -> Result<Audit> {
        let wrong = |why: String| {
            Error::local(format!("failed to open the audit log `{path}`: {why}"))
                .hint("nothing was changed; mend the path or its permissions, or leave `audit_log` out")
        };
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| wrong(error.to_string()))?;
        let end = deadline.min(Instant::now() + LOCK_WAIT);
        while let Err(error) = file.try_lock() {
            if let Some(stopped) = signalled() {
                return Err(stopped);
            }
            if Instant::now() >= end {
                let held = format!("failed to lock the audit log `{path}`: another run holds it ({error})");
                return Err(Error::local(held)
                    .hint("nothing was changed; let that run end, or give this one an audit log of its own"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Audit { file: Mutex::new(file), path: path.to_owned(), module, server: server.to_owned() })
    }

    /// Whether it could be opened, for a run that is to change nothing: the file is not made, and not locked.
    pub fn could_open(path: &str) -> Result<()> {
        let wrong = |why: String| {
            Error::local(format!("the audit log `{path}` could not be opened: {why}"))
                .hint("mend the path or its permissions, or leave `audit_log` out")
        };
        let file = Path::new(path);
        if file.exists() {
            return OpenOptions::new().append(true).open(file).map(drop).map_err(|error| wrong(error.to_string()));
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(wrong(format!("there is no folder `{}`", folder.display())));
        }
        access(folder, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|error| wrong(format!("nothing may be made in `{}`: {error}", folder.display())))
    }

    /// Writes one line and has it on disk when it returns. `event` is `intent` or `outcome`.
    pub fn write(&self, event: &str, object: &str, action: &str, details: Value) -> Result<()> {
        let mut line = json!({
            "time": humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            "event": event,
            "module": self.module,
            "server": self.server,
            "object": object,
            "action": action,
        });
        if let (Some(line), Value::Object(details)) = (line.as_object_mut(), details) {
            line.extend(details);
        }
        // These four are of no person's making, and what somebody filters the log by.
        let fixed = |key: &str| ["time", "event", "module", "action"].contains(&key);
        for (_, value) in line.as_object_mut().into_iter().flatten().filter(|(key, _)| !fixed(key)) {
            secret::mask_value(value);
        }
        let mut file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let text = format!("{line}\n");
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(|error| Error::local(format!("failed to write to the audit log `{}`: {error}", self.path)))
    }
}

/// Long values are only measured: a log is no place for a whole dashboard.
fn brief(value: &Value) -> Value {
    let length = value.to_string().chars().count();
    if length > 200 { Value::String(format!("({length} characters)")) } else { value.clone() }
}

/// The fields that go back, with the values that they had; of an object that was deleted all that are known.
pub fn fields_before<S>(change: &Change<S>) -> Value {
    match (&change.action, &change.before) {
        (Action::Delete, Value::Object(before)) => {
            Value::Object(before.iter().map(|(name, value)| (name.clone(), brief(value))).collect())
        }
        _ => {
            let old = |path: &String| (path.clone(), at_path(&change.before, path).map_or(Value::Null, brief));
            Value::Object(change.fields.iter().map(old).collect())
        }
    }
}

/// The fields that change, with their new values; of a new object all that are declared.
pub fn fields_for_audit<S>(change: &Change<S>) -> Value {
    let fields: Object = match (&change.action, &change.after) {
        (Action::Create, Value::Object(after)) => {
            after.iter().map(|(name, value)| (name.clone(), brief(value))).collect()
        }
        _ => change
            .fields
            .iter()
            .map(|path| (path.clone(), at_path(&change.after, path).map_or(Value::Null, brief)))
            .collect(),
    };
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_and_masked() {
        let path = std::env::temp_dir().join(format!("hearth-audit-{}", std::process::id()));
        let path = path.to_str().expect("a temporary path is text");
        secret::hide(["audit-secret-value", "audit_module_name"]);
        {
            let audit = Audit::open(path, "audit_module_name", "http://audit_module_name", Instant::now() + LOCK_WAIT)
                .expect("the file can be made");
            audit
                .write("intent", "Infra", "create", json!({"fields": ["title"], "x": "audit-secret-value"}))
                .expect("written");
            audit.write("outcome", "Infra", "create", json!({"ok": true})).expect("written");
        }
        let text = std::fs::read_to_string(path).expect("it is there");
        std::fs::remove_file(path).expect("it can be removed");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["x"], secret::STARS);
        assert_eq!(
            (&lines[0]["module"], &lines[0]["server"]),
            (&json!("audit_module_name"), &json!("http://********"))
        );
        assert_eq!((&lines[1]["event"], &lines[1]["ok"]), (&json!("outcome"), &json!(true)));
    }
}
