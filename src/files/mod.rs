//! Files on the host where the module runs: written whole or not at all.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use crate::module::{Error, Result};

/// Puts `bytes` into the file: written to a temporary file in the same folder, synced and renamed, so
/// that a kill at any point leaves the old content or the new one. A file that is there keeps its owner
/// and mode; a new one gets `mode`. A symbolic link is followed: its target is replaced, not the link.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    replace(path, bytes, mode, true)
}

/// The same for what only the owner may read: also a file that is there gets the mode 0600.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes, 0o600, false)
}

fn replace(path: &Path, bytes: &[u8], mode: u32, keep_mode: bool) -> Result<()> {
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let wrong = |doing: &str, error: std::io::Error| Error::local(format!("{} ({doing})", told(&target, &error)));
    let folder = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = target.file_name().ok_or_else(|| Error::local(format!("`{}` names no file", path.display())))?;
    let old = match std::fs::metadata(&target) {
        Ok(old) if old.is_file() => Some(old),
        Ok(_) => return Err(Error::local(format!("`{}` is there and is no file", target.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(wrong("looking at it", error)),
    };
    let (mut file, temporary) =
        Temporary::create(folder, &name.to_string_lossy()).map_err(|error| wrong("making a file beside it", error))?;
    let fill = |file: &mut File| {
        file.write_all(bytes)?;
        if let Some(old) = &old {
            let new = file.metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                fchown(&*file, Some(old.uid()), Some(old.gid()))?;
            }
        }
        let mode = old.as_ref().filter(|_| keep_mode).map_or(mode, |old| old.mode() & 0o7777);
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()
    };
    fill(&mut file).map_err(|error| wrong("writing it", error))?;
    temporary.rename_to(&target).map_err(|error| wrong("replacing it", error))?;
    // The rename itself is on disk only when the folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| wrong("syncing its folder", error))
}

/// The bits that new files of this process lack. The system call that tells them also sets them, for all threads.
pub fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let told = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    told.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0o022)
}

/// A failure as Ansible's own modules tell it, in words that plays look for:
/// `[Errno 2] No such file or directory: '/x'`.
pub fn told(path: &Path, error: &std::io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => {
            let text = text.strip_suffix(&format!(" (os error {number})")).unwrap_or(&text);
            format!("[Errno {number}] {text}: '{}'", path.display())
        }
        None => format!("{text}: '{}'", path.display()),
    }
}

/// A file beside the target, taken away unless it was renamed.
struct Temporary {
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    fn create(folder: &Path, name: &str) -> std::io::Result<(File, Temporary)> {
        for attempt in 0..100 {
            let path = folder.join(format!(".{name}.hearth-{}-{attempt}", std::process::id()));
            // Nobody but the owner may read it while it is being written: it may hold a secret.
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((file, Temporary { path, kept: false })),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    fn rename_to(mut self, target: &Path) -> std::io::Result<()> {
        std::fs::rename(&self.path, target)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            // It is of no use to anybody; if it cannot be removed, the failure told is the first one.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("hearth-files-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("it is there");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_new_file_gets_the_mode_and_an_old_one_keeps_its_own() {
        let folder = folder("mode");
        let path = folder.join("a.json");
        write(&path, b"one", 0o640).expect("written");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, 0o640);
        std::fs::set_permissions(&path, Permissions::from_mode(0o604)).expect("it is ours");
        write(&path, b"two", 0o640).expect("written");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, 0o604);
        assert_eq!(std::fs::read(&path).expect("there"), b"two");
        assert_eq!(names(&folder), ["a.json"]);
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_secret_is_for_its_owner_alone() {
        let folder = folder("secret");
        let path = folder.join("a.json");
        write(&path, b"one", 0o644).expect("written");
        write_secret(&path, b"two").expect("written");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);
        assert_eq!(std::fs::read(&path).expect("there"), b"two");
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn the_mask_is_that_of_the_process() {
        let folder = folder("mask");
        // A file that the standard library makes asks for 0666.
        File::create(folder.join("a")).expect("it can be made");
        let mode = std::fs::metadata(folder.join("a")).expect("there").mode() & 0o777;
        assert_eq!(mode, 0o666 & !umask());
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = folder("link");
        let (real, link) = (folder.join("real"), folder.join("link"));
        write(&real, b"one", 0o600).expect("written");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        write(&link, b"two", 0o600).expect("written");
        assert!(std::fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(std::fs::read(&real).expect("there"), b"two");
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_failure_leaves_the_old_content_and_nothing_beside_it() {
        let folder = folder("failure");
        let path = folder.join("taken");
        std::fs::create_dir(&path).expect("made");
        let error = write(&path, b"x", 0o600).expect_err("a folder is no file").to_string();
        assert!(error.contains("is no file"), "{error}");
        assert!(write(&folder.join("missing/a"), b"x", 0o600).is_err());
        assert_eq!(names(&folder), ["taken"]);
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
