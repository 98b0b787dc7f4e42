//! What follows the write of an object: a rotation step by step, and secrets that are put into a file.

use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use super::{
    credentials::{self, Source, content},
    plan::Step,
    read::address,
    rotation::{Dates, What},
    wanted::plain,
    write::checked,
};
use crate::{
    authentik::{Session, ok, optional, table::Row},
    files,
    http::Writer,
    module::{Error, Object, Result, secret},
};

/// As long as the keys of tokens that authentik makes.
const KEY: usize = 60;
/// As long as the secrets of clients that authentik makes.
const SECRET: usize = 128;

/// One step behind the write of an object.
#[derive(Clone, Debug)]
pub enum After {
    /// An object goes whose value was to work for a while only.
    Drop {
        /// Its kind.
        row: &'static Row,
        /// As it is.
        found: Value,
    },
    /// The key that is set now is given to another token, which works on.
    Keep {
        /// The other token's identifier.
        name: String,
        /// It, if it is there.
        there: Option<Value>,
        /// Its description, with its end.
        description: String,
    },
    /// A file of dates is shown to be writable.
    Reserve {
        /// The file.
        file: String,
    },
    /// A value is made anew.
    Renew(What),
    /// The value was made with the object.
    Renewed,
    /// These fields are sent too.
    Patch(Object),
    /// The date is put into a file.
    Note {
        /// The file.
        file: String,
        /// The server's address.
        server: String,
        /// What is noted.
        entry: Value,
    },
    /// Secrets are put into a file.
    Deliver(Delivery),
}

/// Secrets on their way into a file.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The file.
    pub file: String,
    /// The object's name.
    pub name: String,
    /// Where they are shown.
    pub source: Source,
}

/// Carries out what follows. `keep` is given what undoes each step, as soon as it is done.
pub fn run(
    session: &Session,
    writer: Writer<'_>,
    step: &Step,
    object: &mut Value,
    keep: &mut dyn FnMut(Value),
) -> Result<()> {
    let Some(row) = step.row else { return Ok(()) };
    for after in &step.after {
        let here = address(row, object);
        match after {
            After::Drop { row, found } => {
                optional(checked(writer.delete(&address(row, found))?)?)?;
                keep(json!({"gone": plain(&found[row.address])}));
            }
            After::Keep { name, there, description } => {
                // After a lost answer the key that is set now may be the new one already.
                let kept = format!("{} as {name}", step.key);
                if !session.memory.is_renewed(&kept) {
                    keep_former(writer, row, object, (name, there.as_ref(), description), keep)?;
                    session.memory.renew(&kept);
                }
            }
            After::Reserve { file } => drop(Dates::lock(file)?),
            After::Renew(What::Key) => {
                // Seen by who may undo it only.
                let old = credentials::key_of(&plain(&object[row.address]), *writer).ok();
                let key = random(KEY)?;
                ok(checked(writer.post(&format!("{here}set_key/"), &json!({"key": key}))?)?)?;
                session.memory.renew(&step.key);
                match old {
                    Some(old) => keep(json!({"post": format!("{here}set_key/"), "body": {"key": old}})),
                    None => keep(json!({"gone": "the former key"})),
                }
            }
            After::Renew(What::Field(name)) => {
                let value = random(SECRET)?;
                ok(checked(writer.patch(&here, &json!({*name: value}))?)?)?;
                session.memory.renew(&step.key);
                keep(json!({"patch": here, "body": {*name: object[*name]}}));
                object[*name] = value.into();
            }
            After::Renewed => session.memory.renew(&step.key),
            After::Patch(body) => {
                ok(checked(writer.patch(&here, body)?)?)?;
                let back: Object = body.keys().map(|name| (name.clone(), object[name.as_str()].clone())).collect();
                keep(json!({"patch": here, "body": back}));
                for (name, value) in body {
                    object[name.as_str()] = value.clone();
                }
            }
            After::Note { file, server, entry } => {
                let id = plain(&object[row.id]);
                let old = Dates::lock(file)?.note((server, row.path, &id), entry)?;
                keep(json!({"dates": file, "server": server, "path": row.path, "id": id, "entry": old}));
            }
            After::Deliver(delivery) => {
                let secrets = credentials::look(delivery.source, object, *writer)?;
                let content = content(&delivery.name, &object["pk"], &secrets);
                let path = Path::new(&delivery.file);
                let old = std::fs::read_to_string(path).ok();
                files::write_secret(path, format!("{content:#}\n").as_bytes()).map_err(|error| {
                    error.context(format_args!("failed to write the secret_file of `{}`", delivery.name))
                })?;
                keep(json!({"file": delivery.file, "content": old}));
            }
        }
    }
    Ok(())
}

/// Gives the key that is set now to another token of the same user, which is made or found.
fn keep_former(
    writer: Writer<'_>,
    row: &Row,
    object: &Value,
    (name, there, description): (&str, Option<&Value>, &str),
    keep: &mut dyn FnMut(Value),
) -> Result<()> {
    let key = credentials::key_of(&plain(&object[row.address]), *writer).map_err(|error| {
        error.context("the former key cannot be kept, since it is not shown").hint("leave `overlap` out")
    })?;
    // Owner and purpose go with every write (trap 13).
    let mut body = json!({"user": object["user"], "intent": object["intent"], "description": description});
    let other = match there {
        Some(there) => {
            ok(checked(writer.patch(&address(row, there), &body)?)?)?;
            let back = json!({"user": there["user"], "intent": there["intent"], "description": there["description"]});
            keep(json!({"patch": address(row, there), "body": back}));
            address(row, there)
        }
        None => {
            body["identifier"] = name.into();
            body["expiring"] = false.into();
            let made: Value = ok(checked(writer.post(&row.collection(), &body)?)?)?.json()?;
            keep(json!({"delete": address(row, &made)}));
            address(row, &made)
        }
    };
    ok(checked(writer.post(&format!("{other}set_key/"), &json!({"key": key}))?)?).map(drop)
}

/// Letters and digits by chance, hidden from now on.
fn random(length: usize) -> Result<String> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let source = SystemRandom::new();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0_u8; 64];
        source.fill(&mut bytes).map_err(|_| Error::local("the system gives no random numbers"))?;
        // Of 256 only the first 248 fall evenly on 62 characters.
        let even = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(ALPHABET[usize::from(*byte) % 62]));
        text.extend(even.take(length - text.len()));
    }
    secret::hide([text.as_str()]);
    Ok(text)
}

/// Undoes a step that touched a file, or that cannot be undone; whether it was one of those.
pub fn undo(kept: &Value) -> Result<bool> {
    if let Some(gone) = kept["gone"].as_str() {
        return Err(Error::local(format!("`{gone}` cannot be brought back")));
    }
    if let Some(file) = kept["file"].as_str() {
        match kept["content"].as_str() {
            Some(content) => files::write_secret(Path::new(file), content.as_bytes())?,
            None => std::fs::remove_file(file).map_err(|error| Error::local(files::told(Path::new(file), &error)))?,
        }
        return Ok(true);
    }
    if let Some(file) = kept["dates"].as_str() {
        let [server, path, id] = ["server", "path", "id"].map(|name| kept[name].as_str().unwrap_or_default());
        Dates::lock(file)?.note((server, path, id), &kept["entry"])?;
        return Ok(true);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_by_chance_is_long_plain_and_hidden() {
        let (one, other) = (random(KEY).expect("random"), random(SECRET).expect("random"));
        assert_eq!((one.len(), other.len()), (60, 128));
        assert!(one.chars().chain(other.chars()).all(|character| character.is_ascii_alphanumeric()));
        assert!(!other.starts_with(&one));
        assert_eq!(secret::mask(&format!("x {one} y")), "x ******** y");
    }
}
