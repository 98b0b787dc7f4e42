//! Writing the file of an export, and taking it back.

use std::{io::ErrorKind, path::Path};

use crate::{
    files,
    module::{Error, ErrorContext, Result},
};

/// Writes the file, whole or not at all.
pub fn write(path: &str, bytes: &[u8]) -> Result<()> {
    // A new file has the mode that any program would give it: an export holds no secrets.
    files::write(Path::new(path), bytes, 0o666 & !files::umask())
        .doing(|| "Can't export dashboard : Can't write json file ")
        .map_err(|error| {
            error.hint("a path is one on the host where the module runs, which is not always the controller")
        })
}

/// Removes a file that was not there before.
pub fn remove(path: &str) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::local(format!("failed to remove `{path}`: {error}")))
        }
        _ => Ok(()),
    }
}
