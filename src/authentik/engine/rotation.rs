//! What is made anew when it is old: when it is due, and where the date stands.
//!
//! The date of the last rotation stands in a text of the object where it has one (the description of a token), else in
//! a file of this host.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::wanted::Wanted;
use crate::{
    files,
    module::{Error, Object, Result},
};

/// How the date of the last rotation begins in a text.
pub const KEY_OF: &str = " [key of ";
/// How the time begins until which a former value still works.
pub const WORKS_UNTIL: &str = " [works until ";
/// So long another run's lock is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// A value that is made anew when it is old.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Which one.
    pub what: What,
    /// The age at which it is, in seconds.
    pub after: Option<u64>,
    /// Whether it is made anew with this run, whatever its age.
    pub now: bool,
    /// For how many seconds the former one still works, where the service can do that.
    pub overlap: Option<u64>,
    /// Where the date stands.
    pub noted: Noted,
}

/// What is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The key of a token, which requests of their own show and set.
    Key,
    /// A field, by its name.
    Field(&'static str),
}

impl What {
    /// Its name where it is shown.
    pub fn label(self) -> &'static str {
        match self {
            What::Key => "key",
            What::Field(name) => name,
        }
    }
}

/// Where the date of the last rotation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Behind the text of that field.
    Field(&'static str),
    /// In that file.
    File(String),
    /// Nowhere: it is made anew only when the task says so.
    Nowhere,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    No,
    /// Nobody knows its age: it counts from now on.
    Note,
    /// It is made anew.
    Renew,
}

/// What is to be done about a value of that date; `done` says that this run made it anew already.
pub fn due(rotation: &Rotation, date: Option<u64>, now: u64, done: bool) -> Due {
    match (rotation.after, date) {
        _ if done => Due::No,
        _ if rotation.now => Due::Renew,
        (Some(_), None) => Due::Note,
        (Some(after), Some(date)) if now >= date.saturating_add(after) => Due::Renew,
        _ => Due::No,
    }
}

/// The time, in seconds of the epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A time as it is written.
pub fn written(time: u64) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(time)).unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

fn read(text: &str) -> Option<u64> {
    Some(humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// A text without the time behind it, and that time.
pub fn split<'t>(text: &'t str, begin: &str) -> (&'t str, Option<u64>) {
    // The blank in front goes where there is no other text.
    let at = text.rfind(begin).or_else(|| text.starts_with(begin.trim_start()).then_some(0));
    let Some(at) = at else { return (text, None) };
    let inside = text[at..].trim_start().strip_prefix(begin.trim_start()).and_then(|rest| rest.strip_suffix(']'));
    match inside.and_then(read) {
        Some(time) => (&text[..at], Some(time)),
        None => (text, None),
    }
}

/// A text with a time behind it, in the place of one that is there.
pub fn with(text: &str, begin: &str, time: u64) -> String {
    format!("{}{begin}{}]", split(text, begin).0.trim_end(), written(time)).trim_start().to_owned()
}

/// The object as its fields are compared: without the date of its last rotation.
pub fn without_date(wanted: &Wanted, found: &Value) -> Value {
    let mut plain = found.clone();
    if let Some(Rotation { noted: Noted::Field(name), .. }) = wanted.rotation
        && let Some(text) = found[name].as_str()
    {
        plain[name] = split(text, KEY_OF).0.into();
    }
    plain
}

/// Keeps that date where the field it stands in is written anew.
pub fn keep_date(wanted: &Wanted, found: &Value, body: &mut Object) {
    let Some(Rotation { noted: Noted::Field(name), .. }) = wanted.rotation else { return };
    let date = split(found[name].as_str().unwrap_or_default(), KEY_OF).1;
    if let (Some(date), Some(text)) = (date, body.get(name).and_then(Value::as_str)) {
        let text = with(text, KEY_OF, date);
        body.insert(name.to_owned(), text.into());
    }
}

/// The date that a file of dates has of an object.
pub fn date_in(dates: &Value, server: &str, path: &str, id: &str) -> Option<u64> {
    read(dates[server][path][id]["rotated"].as_str()?)
}

/// What a file of dates holds; nothing if it is not there yet.
pub fn dates(file: &str) -> Result<Value> {
    let wrong = |why: String| {
        Error::local(format!("failed to read the dates of rotations: {why}"))
            .hint("nothing was changed; mend `rotation_state`, which this module writes by itself")
    };
    let path = Path::new(file);
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            folder_of(path).map_err(wrong)?;
            return Ok(json!({}));
        }
        Err(error) => return Err(wrong(files::told(path, &error))),
    };
    match serde_json::from_slice(&text) {
        Ok(Value::Object(dates)) => Ok(Value::Object(dates)),
        Ok(_) => Err(wrong(format!("`{file}` holds no map"))),
        Err(error) => Err(wrong(format!("`{file}` holds no JSON: {error}"))),
    }
}

/// Whether the folder of a file is there, since only then the file can be made.
pub fn folder_of(path: &Path) -> std::result::Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() { Ok(()) } else { Err(format!("there is no folder `{}`", folder.display())) }
}

/// A file of dates that this run alone may write, until it is dropped.
#[derive(Debug)]
pub struct Dates {
    file: String,
    _lock: File,
}

impl Dates {
    /// Waits for its turn. The lock is a file beside it, since the file itself is replaced with each write.
    pub fn lock(file: &str) -> Result<Dates> {
        let beside = format!("{file}.lock");
        let wrong = |why: String| Error::local(format!("failed to lock `{beside}`: {why}"));
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&beside);
        let lock = lock.map_err(|error| wrong(files::told(Path::new(&beside), &error)))?;
        let end = Instant::now() + LOCK_WAIT;
        while let Err(error) = lock.try_lock() {
            if Instant::now() >= end {
                return Err(wrong(format!("another run holds it ({error})")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Dates { file: file.to_owned(), _lock: lock })
    }

    /// Writes the entry of an object, or takes it away; the former one comes back.
    pub fn note(&self, (server, path, id): (&str, &str, &str), entry: &Value) -> Result<Value> {
        let mut all = dates(&self.file)?;
        let old = all[server][path][id].take();
        all[server][path][id] = entry.clone();
        if let (true, Some(of_kind)) = (entry.is_null(), all[server][path].as_object_mut()) {
            of_kind.remove(id);
        }
        files::write_secret(Path::new(&self.file), format!("{all:#}\n").as_bytes())?;
        Ok(old)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn dates_are_kept_by_server_kind_and_id() {
        let folder = std::env::temp_dir().join(format!("hearth-dates-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        let file = folder.join("state.json").to_string_lossy().into_owned();
        assert_eq!(dates(&file).expect("not there yet"), json!({}));
        let entry = json!({"name": "wiki", "rotated": "2026-11-25T00:00:00Z"});
        let note = &|id: &str, entry: &Value| {
            Dates::lock(&file).and_then(|dates| dates.note(("https://a", "providers/oauth2", id), entry))
        };
        assert_eq!(note("7", &entry).expect("written"), Value::Null);
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (10..18).map(|id| scope.spawn(move || note(&u8::to_string(&id), &json!({"rotated": "x"})))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        let stored = dates(&file).expect("a map");
        assert_eq!(date_in(&stored, "https://a", "providers/oauth2", "7"), Some(1_795_564_800));
        assert_eq!(stored["https://a"]["providers/oauth2"].as_object().map(Object::len), Some(9), "none was lost");
        assert_eq!(std::fs::metadata(&file).expect("there").mode() & 0o7777, 0o600);
        assert_eq!(note("7", &Value::Null).expect("written"), entry);
        assert_eq!(date_in(&dates(&file).expect("a map"), "https://a", "providers/oauth2", "7"), None);
        std::fs::write(&file, "[]").expect("written");
        assert!(dates(&file).is_err());
        assert!(dates(&folder.join("missing/state.json").to_string_lossy()).is_err());
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
