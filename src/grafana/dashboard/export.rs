//! Writing a file so that nobody sees half of it.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::module::{Error, Result};

/// Writes a file by way of another one beside it, which then takes its place. Its mode stays; a link is
/// followed.
pub fn write(path: &str, bytes: &[u8]) -> Result<()> {
    let wrong = |error: io::Error| {
        Error::local(format!("Can't export dashboard : Can't write json file `{path}`: {error}"))
            .hint("a path is one on the host where the module runs, which is not always the controller")
    };
    let target = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let name = target.file_name().ok_or_else(|| wrong(io::ErrorKind::InvalidInput.into()))?.to_string_lossy();
    let beside = target.with_file_name(format!(".{name}.hearth-{}", std::process::id()));
    let result = replace(&target, &beside, bytes);
    if result.is_err() {
        // It may not have been made at all.
        let _ = fs::remove_file(&beside);
    }
    result.map_err(wrong)
}

fn replace(target: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(beside)?;
    file.write_all(bytes)?;
    if let Ok(is) = fs::metadata(target) {
        file.set_permissions(fs::Permissions::from_mode(is.permissions().mode()))?;
    }
    file.sync_all()?;
    fs::rename(beside, target)
}

/// Removes a file that was not there before.
pub fn remove(path: &str) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::local(format!("failed to remove `{path}`: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_mode_and_through_links() {
        let root = std::env::temp_dir().join(format!("hearth-export-{}", std::process::id()));
        fs::create_dir_all(&root).expect("it can be made");
        let (file, link) = (root.join("a.json"), root.join("link.json"));
        let text = |path: &Path| path.display().to_string();
        write(&text(&file), b"one").expect("it is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
        std::os::unix::fs::symlink(&file, &link).expect("it can be made");
        write(&text(&link), b"two").expect("it is written");
        assert_eq!(fs::read(&file).expect("it is there"), b"two");
        assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(&root).expect("it is there").count(), 2, "something was left behind");
        assert!(write(&text(&root.join("no/such.json")), b"").is_err());
        remove(&text(&file)).expect("it is there");
        remove(&text(&file)).expect("that it is gone is no error");
        fs::remove_dir_all(&root).expect("it can be removed");
    }
}
