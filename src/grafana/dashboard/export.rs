//! Writing the file of an export, and taking it back.

use std::{io::ErrorKind, path::Path};

use crate::{
    files,
    module::{Error, ErrorContext, Result},
};

/// A new file is for everybody to read, as what people edit by hand: an export holds no secrets.
const MODE: u32 = 0o644;

/// Writes the file, whole or not at all.
pub fn write(path: &str, bytes: &[u8]) -> Result<()> {
    files::write(Path::new(path), bytes, MODE).doing(|| "Can't export dashboard : Can't write json file ").map_err(
        |error| error.hint("a path is one on the host where the module runs, which is not always the controller"),
    )
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
