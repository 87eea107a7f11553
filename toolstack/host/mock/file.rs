//! A state in a file.
//!
//! The file is replaced atomically by renaming, so that a reader sees either the old or the new state and needs no
//! lock. A process that changes the file locks it.
//!
//! The parsed state is cached while the file is unchanged, so that a repeated read costs only a `stat`.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::state::{Change, State, StoreError};
use crate::files::{Access, FileLock, LockError, Replacement, follow_links, open_regular, sweep};
use crate::host::ErrorKind;

/// The kernel's clock for files goes in steps, and within one of them two writes look alike. None is longer.
const CLOCK_STEP: Duration = Duration::from_millis(20);

/// A state is a few kilobytes a domain.
const LONGEST: u64 = 16 << 20;

/// No process of ours holds the state for longer, unless it is stopped.
const PATIENCE: Duration = Duration::from_secs(30);

/// A state file, and what was in it when it was read last.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    mark: Mark,
    state: Arc<State>,
    /// True if it was changed so shortly before it was read that it may have been changed again without a sign.
    doubtful: bool,
    /// As long as it is open, no other file gets its number.
    _file: File,
}

/// The identity of a file, and of each of its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    file: (u64, u64),
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    fn of(file: &Metadata) -> Self {
        Mark {
            file: (file.dev(), file.ino()),
            length: file.len(),
            written: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

impl Known {
    /// The content of a file that had these times at this moment, before it was read, or was written since.
    fn new(file: &Metadata, at: SystemTime, state: &Arc<State>, open: File) -> Self {
        let settled = file
            .modified()
            .is_ok_and(|written| at.duration_since(written).is_ok_and(|since| since > CLOCK_STEP));
        Known { mark: Mark::of(file), state: Arc::clone(state), doubtful: !settled, _file: open }
    }

    /// The state, if it is that of this file.
    fn state_of(&self, file: &Metadata) -> Option<Arc<State>> {
        (!self.doubtful && self.mark == Mark::of(file)).then(|| Arc::clone(&self.state))
    }
}

impl StateFile {
    /// A file that need not exist yet. A link is followed now, for renaming would replace the link.
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let at = std::path::absolute(path).and_then(|path| follow_links(&path));
        let path = at.map_err(|error| failed("find", path, error))?;
        sweep(path.parent().unwrap_or(Path::new("/")), &[]);
        Ok(StateFile { path, known: Mutex::default() })
    }

    /// The state that is in the file now.
    pub(super) fn read(&self) -> Result<Arc<State>, StoreError> {
        let failed = |error| failed("read", &self.path, error);
        let mut known = self.known();
        let is_known = |file: &Metadata| known.as_ref().and_then(|known| known.state_of(file));
        let file = match fs::metadata(&self.path).map(|file| is_known(&file)) {
            Ok(Some(state)) => return Ok(state),
            Ok(None) => open_regular(&self.path),
            Err(error) => Err(error),
        };
        match file {
            Ok(file) => {
                let (before, at) = (file.metadata().map_err(failed)?, SystemTime::now());
                let state = Arc::new(load(&self.path, &file)?);
                *known = Some(Known::new(&before, at, &state, file));
                Ok(state)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Arc::default()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Changes the state; nobody else changes it meanwhile. It is written when it has become another.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> Change<T>) -> Result<T, StoreError> {
        let failed = |error| failed("write", &self.path, error);
        let lock = FileLock::wait_opened(&self.path, PATIENCE, &|| open(&self.path));
        let lock = lock.map_err(|error| failed(into_io(error)))?;
        // This lock has a file.
        let file = lock.file().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let metadata = file.metadata().map_err(failed)?;
        let known = self.known().as_ref().and_then(|known| known.state_of(&metadata));
        let before = match known {
            Some(state) => state,
            None => Arc::new(load(&self.path, file)?),
        };
        let mut after = State::clone(&before);
        match change(&mut after) {
            Change::Keep(answer) => {
                if after != *before {
                    let at = SystemTime::now();
                    let new = replace(&self.path, &after).map_err(failed)?;
                    let metadata = new.metadata().map_err(failed)?;
                    *self.known() = Some(Known::new(&metadata, at, &Arc::new(after), new));
                }
                // The lock ends after the new file is in its place.
                drop(lock);
                Ok(answer)
            }
            Change::Discard(answer) => Ok(answer),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> io::Result<File> {
    // A device or a FIFO is refused before it is opened.
    match open_regular(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn into_io(error: LockError) -> io::Error {
    match error {
        LockError::Io(error) => error,
        held @ LockError::Held { .. } => io::Error::new(io::ErrorKind::TimedOut, held),
    }
}

fn load(path: &Path, file: &File) -> Result<State, StoreError> {
    let mut json = String::new();
    file.take(LONGEST + 1).read_to_string(&mut json).map_err(|error| failed("read", path, error))?;
    if json.len() as u64 > LONGEST {
        let why = format!("it is longer than {LONGEST} bytes");
        return Err(failed("read", path, io::Error::new(io::ErrorKind::FileTooLarge, why)));
    }
    let at = |line: usize, column: usize, message: &str| StoreError {
        kind: ErrorKind::Io,
        detail: format!("{}:{line}:{column}: {message}", path.display()),
        source: None,
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
        let told = at(error.line(), error.column(), message.strip_suffix(&place).unwrap_or(&message));
        StoreError { source: Some(error.into()), ..told }
    })?;
    // A zone is looked up when it is used; a wrong one is better known of at once.
    state.host.zone().map_err(|error| StoreError {
        kind: ErrorKind::Io,
        detail: format!("{}: host.timezone: {error}", path.display()),
        source: None,
    })?;
    Ok(state)
}

/// Puts a file with this state in the place of the old one.
fn replace(path: &Path, state: &State) -> io::Result<File> {
    let mut json = serde_json::to_string_pretty(state)?;
    json.push('\n');
    let mut new = Replacement::begin_unswept(path, Access::AsBefore)?;
    new.file().write_all(json.as_bytes())?;
    new.commit_unsynced()
}

fn failed(what: &str, path: &Path, error: io::Error) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Permission,
        _ => ErrorKind::Io,
    };
    let detail = format!("cannot {what} the mock's state file {}: {error}", path.display());
    StoreError { kind, detail, source: Some(error) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_that_was_just_written_is_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.path().metadata().unwrap();
        let written = metadata.modified().unwrap();
        let known = |at| {
            let open = File::open(file.path()).unwrap();
            Known::new(&metadata, at, &Arc::default(), open).state_of(&metadata).is_some()
        };
        assert!(known(written + Duration::from_secs(1)));
        assert!(!known(written + CLOCK_STEP), "another write may look like this one");
        assert!(!known(written));
        assert!(!known(written - Duration::from_secs(3600)), "somebody has set the clock back");
    }

    #[test]
    fn a_file_is_another_by_its_number_length_or_times() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let mark = |text: &str| {
            std::thread::sleep(CLOCK_STEP);
            fs::write(&path, text).unwrap();
            Mark::of(&path.metadata().unwrap())
        };
        let (one, same_length, longer) = (mark("a"), mark("b"), mark("ab"));
        assert!(one.file == same_length.file && one != same_length && same_length != longer);
        let other = dir.path().join("other");
        fs::copy(&path, &other).unwrap();
        assert_ne!(longer.file, Mark::of(&other.metadata().unwrap()).file);
    }
}
