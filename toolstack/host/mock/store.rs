//! Where a mock's state is: in memory, or in a file that several processes share.
//!
//! A file is replaced whole, by renaming, so that a reader sees the old or the new and never half of one. Its lock is
//! on the file itself; as the lock goes with the file and not with the name, it counts only when, once taken, the name
//! still leads to the same file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::faults::Faults;
use super::libxl::Libxl;
use crate::host::ErrorKind;

/// All that a mock is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct State {
    pub host: Facts,
    #[serde(skip_serializing_if = "Faults::is_empty")]
    pub faults: Faults,
    pub xen: Libxl,
}

/// Why a state could not be read or written.
#[derive(Debug)]
pub(super) struct StoreError {
    pub kind: ErrorKind,
    pub detail: String,
}

/// Where the state is.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Memory(Arc<Mutex<State>>),
    File(PathBuf),
}

impl Store {
    /// A file that need not exist yet. A link is followed now, for renaming would replace the link.
    pub(super) fn file(path: &Path) -> Result<Self, StoreError> {
        let mut at = std::path::absolute(path).map_err(|error| failed("find", path, &error))?;
        // As many links as Linux follows.
        for _ in 0..40 {
            match fs::read_link(&at) {
                Ok(target) => at = at.parent().unwrap_or(Path::new("/")).join(target),
                // Not a link, or nothing there.
                Err(_) => return Ok(Store::File(at)),
            }
        }
        Err(StoreError {
            kind: ErrorKind::Io,
            detail: format!("{}: too many links, one to another", path.display()),
        })
    }

    /// The state as it is.
    pub(super) fn read(&self) -> Result<State, StoreError> {
        match self {
            Store::Memory(state) => Ok(state.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            Store::File(path) => match lock(path, OpenOptions::new().read(true), File::lock_shared) {
                Ok(file) => load(path, &file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
                Err(error) => Err(failed("read", path, &error)),
            },
        }
    }

    /// Changes the state; nobody else changes it meanwhile. It is written when it has become another.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        match self {
            Store::Memory(state) => Ok(change(&mut state.lock().unwrap_or_else(PoisonError::into_inner))),
            Store::File(path) => {
                let how = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
                let file = lock(path, &how, File::lock).map_err(|error| failed("write", path, &error))?;
                let before = load(path, &file)?;
                let mut after = before.clone();
                let answer = change(&mut after);
                if after != before {
                    replace(path, &file, &after).map_err(|error| failed("write", path, &error))?;
                }
                // The lock ends with the file, after the new one is in its place.
                drop(file);
                Ok(answer)
            }
        }
    }
}

/// Opens and locks the file that the path leads to once it is locked.
fn lock(path: &Path, how: &OpenOptions, take: fn(&File) -> io::Result<()>) -> io::Result<File> {
    loop {
        let file = how.open(path)?;
        take(&file)?;
        let mine = file.metadata()?;
        match fs::metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (mine.dev(), mine.ino()) => return Ok(file),
            // Somebody has put a new file there while this one was waited for.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

fn load(path: &Path, mut file: &File) -> Result<State, StoreError> {
    let mut json = String::new();
    file.read_to_string(&mut json).map_err(|error| failed("read", path, &error))?;
    let at = |line: usize, column: usize, message: &str| StoreError {
        kind: ErrorKind::Io,
        detail: format!("{}:{line}:{column}: {message}", path.display()),
    };
    match json.trim_start().chars().next() {
        None => return Ok(State::default()),
        Some('{') => {}
        // serde would take a list for the fields in their order.
        Some(_) => {
            let before = &json[..json.len() - json.trim_start().len()];
            let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
            return Err(at(
                before.matches('\n').count() + 1,
                column,
                "expected a JSON object, as in {\"host\": {}}",
            ));
        }
    }
    let state: State = serde_json::from_str(&json).map_err(|error| {
        // serde_json puts the place last, and here it comes first, as in a compiler's messages.
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        at(error.line(), error.column(), message.strip_suffix(&place).unwrap_or(&message))
    })?;
    // A zone is looked up when it is used; a wrong one is better known of at once.
    state.host.zone().map_err(|error| StoreError {
        kind: ErrorKind::Io,
        detail: format!("{}: host.timezone: {error}", path.display()),
    })?;
    Ok(state)
}

fn replace(path: &Path, old: &File, state: &State) -> io::Result<()> {
    let mut json = serde_json::to_string_pretty(state)?;
    json.push('\n');
    let mut new = tempfile::Builder::new()
        .prefix(".xenclock-mock-")
        .tempfile_in(path.parent().unwrap_or(Path::new("/")))?;
    new.write_all(json.as_bytes())?;
    let kept = old.metadata()?;
    // Only root can give a file away; for the others the file was theirs already, or it becomes theirs.
    let _ = std::os::unix::fs::fchown(new.as_file(), Some(kept.uid()), Some(kept.gid()));
    new.as_file().set_permissions(kept.permissions())?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Permission,
        _ => ErrorKind::Io,
    };
    StoreError { kind, detail: format!("cannot {what} the mock's state file {}: {error}", path.display()) }
}
