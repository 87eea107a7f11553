//! A directory of records: one file of JSON a guest, and the locks.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::error::{RecordError, Result};
use crate::files::{Access, FileLock, LockError, Replacement, check_unlinked, read_start_unlinked, sweep};
use crate::lifecycle::record::RecordFormatError;
use crate::lifecycle::{ClockRecord, Watched};

/// The directories in which processes hold their operations on a guest.
const HELD: [&str; 4] = [STARTING, LEAVING, HOLDING, MONITORS];
pub(super) const STARTING: &str = "starting";
pub(super) const LEAVING: &str = "leaving";
pub(super) const HOLDING: &str = "holding";
pub(super) const MONITORS: &str = "monitors";

/// The file in which services keep how long they have watched.
const WATCHED: &str = "watched";

/// The file that a process locks to change records.
const LOCK: &str = "lock";

/// A claim is held by another program for as long as this while it only looks at it.
const A_MOMENT: Duration = Duration::from_millis(100);

/// How records were called in version 0.1.0 that were not complete yet.
const OLD_UNFINISHED: &str = ".new-";

/// A file says it: nobody but root and its owner can write below its directory.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A directory of records.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    /// True once the leftovers of killed processes have been removed.
    swept: AtomicBool,
    /// How long the lock was waited for in vain, if it has not been had since: to wait again would hold up everything else.
    waited: Mutex<Option<Duration>>,
}

/// The content of a record's file.
pub(super) enum Read {
    Record(Box<ClockRecord>),
    Nothing,
    Bad(RecordFormatError),
}

impl Directory {
    pub(super) fn new(path: PathBuf) -> Self {
        Directory { path, swept: AtomicBool::new(false), waited: Mutex::new(None) }
    }

    pub(super) fn file(&self, uuid: Uuid) -> PathBuf {
        self.path.join(format!("{}.json", uuid.hyphenated()))
    }

    /// Refuses what is no directory, and one in which somebody else than root and this user could put records.
    pub(super) fn check(&self) -> Result<()> {
        let refused = |why: String| Err(RecordError::Unsafe { path: self.path.clone(), why });
        let found = match fs::metadata(&self.path) {
            Ok(found) => found,
            Err(_) if fs::read_link(&self.path).is_ok() => {
                let why = "is a symbolic link that does not lead to a directory; make the directory, or remove the link";
                return refused(why.to_owned());
            }
            // It is made later, or that fails with a better message.
            Err(_) => return Ok(()),
        };
        if !found.is_dir() {
            let why = "is not a directory: a file is in its place; remove it, or name another directory with --records";
            return refused(why.to_owned());
        }
        let euid = rustix::process::geteuid().as_raw();
        if found.uid() != 0 && found.uid() != euid {
            let owner = found.uid();
            return refused(format!(
                "belongs to user {owner}, who could change any clock; make root its owner (chown root)"
            ));
        }
        if found.mode() & WRITABLE_BY_OTHERS != 0 {
            return refused(format!(
                "is writable by users other than its owner (mode {:04o}), who could change any clock; run chmod go-w on it",
                found.mode() & 0o7777
            ));
        }
        Ok(())
    }

    /// Makes the directory, for root alone: its content decides over guests' clocks.
    pub(super) fn make(&self) -> Result<()> {
        self.check()?;
        make(&self.path)?;
        self.check()
    }

    /// The right to change records, once nobody else has it.
    pub(super) fn lock(&self, patience: Duration) -> Result<FileLock> {
        let path = self.path.join(LOCK);
        let mut before = self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = if before.is_some() { Duration::ZERO } else { patience };
        let mut lock = loop {
            self.make()?;
            match FileLock::wait(&path, patience) {
                // Another process has just removed the directory, which was empty.
                Err(LockError::Io(error)) if error.kind() == ErrorKind::NotFound && !self.path.exists() => {}
                done => break done,
            }
        };
        *before = match &mut lock {
            // The same lock in the same words, however often it is tried.
            Err(LockError::Held { waited, .. }) => {
                *waited += before.unwrap_or_default();
                Some(*waited)
            }
            _ => None,
        };
        drop(before);
        let lock = lock.map_err(|error| match error {
            LockError::Io(error) => RecordError::io("open", &path, error),
            held @ LockError::Held { .. } => RecordError::Held { path, error: held },
        })?;
        if !self.swept.swap(true, Ordering::Relaxed) {
            self.sweep();
        }
        Ok(lock)
    }

    /// Removes what killed processes left.
    fn sweep(&self) {
        sweep(&self.path, &[OLD_UNFINISHED]);
        for held in HELD {
            for entry in fs::read_dir(self.path.join(held)).into_iter().flatten().flatten() {
                let path = entry.path();
                // One that says what was left half-done is for whoever puts that right.
                if entry.metadata().is_ok_and(|found| found.is_file() && found.len() == 0)
                    && let Ok(Some(lock)) = FileLock::attempt(&path)
                {
                    drop(lock.removing(&path));
                }
            }
        }
    }

    /// The guests whose records are here.
    pub(super) fn uuids(&self) -> Result<BTreeSet<Uuid>> {
        let failed = |error| RecordError::io("list the clock records in", &self.path, error);
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut uuids = BTreeSet::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            uuids.extend(name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<Uuid>().ok()));
        }
        Ok(uuids)
    }

    pub(super) fn read(&self, uuid: Uuid) -> Result<Read> {
        let path = self.file(uuid);
        let bytes = match read_start_unlinked(&path, ClockRecord::MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Read::Nothing),
            Err(error) => return Err(RecordError::io("read the clock record", &path, error)),
        };
        Ok(match ClockRecord::from_bytes(&bytes) {
            Ok(record) if record.uuid == uuid => Read::Record(Box::new(record)),
            Ok(record) => Read::Bad(RecordFormatError::Another(record.uuid)),
            Err(RecordFormatError::Newer(version)) => return Err(RecordError::Newer { path, version }),
            Err(why) => Read::Bad(why),
        })
    }

    /// Moves a bad record out of the way, under the first name that is free.
    pub(super) fn set_aside(&self, uuid: Uuid, why: RecordFormatError) -> Result<RecordError> {
        let path = self.file(uuid);
        let free = (1..1000)
            .map(|number| path.with_extension(format!("json.bad.{number}")))
            .find(|aside| fs::symlink_metadata(aside).is_err());
        let full = || {
            RecordError::io(
                "set aside",
                &path,
                io::Error::other("a thousand records have already been set aside"),
            )
        };
        let aside = free.ok_or_else(full)?;
        fs::rename(&path, &aside).map_err(|error| RecordError::io("set aside", &path, error))?;
        Ok(RecordError::SetAside { path, aside, why })
    }

    pub(super) fn write(&self, record: &ClockRecord) -> Result<()> {
        let path = self.file(record.uuid);
        let bytes = record.to_bytes();
        if bytes.len() as u64 > ClockRecord::MAX_BYTES {
            return Err(RecordError::TooLong { path });
        }
        write_whole(&path, &bytes)
    }

    /// How long services have watched this host; nothing where that is not known.
    pub(super) fn watched(&self) -> Watched {
        let bytes = read_start_unlinked(&self.path.join(WATCHED), ClockRecord::MAX_BYTES).ok();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub(super) fn set_watched(&self, watched: Watched) -> Result<()> {
        self.make()?;
        // Two numbers are always JSON.
        write_whole(&self.path.join(WATCHED), &serde_json::to_vec(&watched).unwrap_or_default())
    }

    pub(super) fn remove(&self, uuid: Uuid) -> Result<()> {
        let path = self.file(uuid);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(RecordError::io("remove the clock record", &path, error))
            }
            _ => Ok(()),
        }
    }

    /// Removes the directory, whose lock this is, when no record is left in it and nothing is held.
    pub(super) fn remove_if_empty(&self, lock: FileLock) {
        if self.uuids().is_ok_and(|uuids| uuids.is_empty())
            && HELD.iter().all(|held| match fs::remove_dir(self.path.join(held)) {
                Ok(()) => true,
                Err(error) => error.kind() == ErrorKind::NotFound,
            })
        {
            drop(lock.removing(&self.path.join(LOCK)));
            let _ = fs::remove_dir(&self.path);
        }
    }

    /// Holds something of a guest; `None` where another process has it.
    pub(super) fn hold(&self, what: &str, uuid: Uuid) -> Result<Option<FileLock>> {
        self.make()?;
        let dir = self.path.join(what);
        make(&dir)?;
        let path = dir.join(uuid.hyphenated().to_string());
        match FileLock::wait(&path, A_MOMENT) {
            Ok(lock) => Ok(Some(lock.removing(&path))),
            Err(LockError::Held { .. }) => Ok(None),
            Err(LockError::Io(error)) => Err(RecordError::io("open", &path, error)),
        }
    }

    /// The guests of which something is or was held.
    pub(super) fn held(&self, what: &str) -> Vec<Uuid> {
        let entries = fs::read_dir(self.path.join(what)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }

    /// True if a process holds an operation on a guest.
    pub(super) fn is_held(&self, what: &str, uuid: Uuid) -> Result<bool> {
        let path = self.path.join(what).join(uuid.hyphenated().to_string());
        FileLock::is_held(&path).map_err(|error| RecordError::io("open", &path, error))
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = check_unlinked(path)
        .and_then(|()| Replacement::begin_unswept(path, Access::Private))
        .and_then(|mut new| {
            new.file().write_all(bytes)?;
            new.commit()
        });
    written.map(drop).map_err(|error| RecordError::io("write the clock record", path, error))
}

fn make(dir: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| RecordError::io("make the directory", dir, error))
}
