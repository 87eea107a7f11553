//! The clock records on disk: one file of JSON a domain, named by its UUID.
//!
//! A record is written whole or not at all: into a new file that is synced, renamed over the old one, and then the
//! directory is synced. Whoever changes one holds the lock of the directory from reading to writing, so that a service, a
//! monitor and a command lose nothing to each other. A file that cannot be understood is set aside under another name,
//! and the rest go on.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::host::DomId;
use crate::lifecycle::{ClockRecord, Watched};

/// Below the directory of the records: what is held while a domain is started, and by its monitor.
const STARTING: &str = "starting";
const MONITORS: &str = "monitors";

/// The file in which services keep how long they have watched.
const WATCHED: &str = "watched.json";

/// More than any record has.
const LONGEST: u64 = 1 << 20;

/// Where the records of a host are.
#[derive(Clone, Debug)]
pub struct RecordStore {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Dir(PathBuf),
    Memory(Arc<Mutex<BTreeMap<Uuid, ClockRecord>>>),
}

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system said no.
    #[error("cannot {doing} {}: {error}{}", path.display(), advice(error))]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What was said.
        error: io::Error,
    },
    /// What is there is no record; it has been set aside.
    #[error("the clock record {} is not understood and was set aside as {}: {why}", path.display(), aside.display())]
    SetAside {
        /// Where it was.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// What an administrator can do about it.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; make room there: until then the clock's state is in this program's memory only"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "; mount it writable, or name another directory by --records: until then the clock's state is in this \
             program's memory only"
        }
        ErrorKind::PermissionDenied => "; run as root, or name another directory by --records",
        _ => "",
    }
}

/// A lock, held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    file: Option<File>,
    /// A file that is there only while it is locked.
    goes: Option<PathBuf>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still locked: who waits for it sees that the name leads elsewhere, and begins anew.
        if let Some(path) = &self.goes {
            let _ = fs::remove_file(path);
        }
        drop(self.file.take());
    }
}

/// How long a moment is that another program may hold a claim for, just to look at it.
const A_MOMENT: Duration = Duration::from_millis(5);
const MOMENTS: usize = 20;

type Result<T> = std::result::Result<T, RecordError>;

impl RecordStore {
    /// In this directory, which is made when the first record is written.
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        RecordStore { place: Place::Dir(dir.into()) }
    }

    /// In memory, gone with the last value that uses them.
    #[must_use]
    pub fn in_memory() -> Self {
        RecordStore { place: Place::Memory(Arc::default()) }
    }

    /// The directory, where there is one.
    #[must_use]
    pub fn dir(&self) -> Option<&Path> {
        match &self.place {
            Place::Dir(dir) => Some(dir),
            Place::Memory(_) => None,
        }
    }

    /// A domain's record; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is none; then it was set aside.
    pub fn get(&self, uuid: Uuid) -> Result<Option<ClockRecord>> {
        match &self.place {
            Place::Memory(records) => Ok(locked(records).get(&uuid).cloned()),
            Place::Dir(dir) => {
                let mut found = read(dir, uuid)?;
                // Without the lock it may have become another meanwhile, and then that one stays.
                let _lock = matches!(found, Read::Bad(_)).then(|| lock(&dir.join("lock"))).transpose()?;
                if _lock.is_some() {
                    found = read(dir, uuid)?;
                }
                match found {
                    Read::Record(record) => Ok(Some(*record)),
                    Read::Nothing => Ok(None),
                    Read::Bad(why) => Err(set_aside(file(dir, uuid), why)?),
                }
            }
        }
    }

    /// Whether there is a record of a domain, whatever is in it. One that cannot be looked for counts as there.
    #[must_use]
    pub fn is_there(&self, uuid: Uuid) -> bool {
        match &self.place {
            Place::Memory(records) => locked(records).contains_key(&uuid),
            Place::Dir(dir) => file(dir, uuid).try_exists().unwrap_or(true),
        }
    }

    /// All records, and what is wrong with those that could not be read.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn all(&self) -> Result<(Vec<ClockRecord>, Vec<RecordError>)> {
        let dir = match &self.place {
            Place::Memory(records) => return Ok((locked(records).values().cloned().collect(), Vec::new())),
            Place::Dir(dir) => dir,
        };
        let (mut records, mut errors) = (Vec::new(), Vec::new());
        let failed = |error| io_error("list the clock records in", dir, error);
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((records, errors)),
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let uuid = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse().ok());
            match uuid.map(|uuid| self.get(uuid)) {
                Some(Ok(record)) => records.extend(record),
                Some(Err(error)) => errors.push(error),
                None => {}
            }
        }
        records.sort_by(|one, other| one.name.cmp(&other.name).then(one.uuid.cmp(&other.uuid)));
        Ok((records, errors))
    }

    /// Changes a domain's record while nobody else does. What `change` answers is written and synced before this
    /// returns; where it answers the same, nothing is written, and where it answers none, the record is taken away. Answers
    /// the record as it then stands.
    ///
    /// # Errors
    /// When it cannot be read or written. A record that is set aside counts as none for `change`, and the error is
    /// handed to it.
    pub fn change<T>(
        &self,
        uuid: Uuid,
        change: impl FnOnce(Option<ClockRecord>, Option<RecordError>) -> (Option<ClockRecord>, T),
    ) -> Result<(Option<ClockRecord>, T)> {
        let dir = match &self.place {
            Place::Memory(records) => {
                let mut records = locked(records);
                let before = records.get(&uuid).cloned();
                let (after, answer) = change(before.clone(), None);
                match changed(before, after) {
                    Changed::Nothing => {}
                    Changed::Gone => drop(records.remove(&uuid)),
                    Changed::To(after) => drop(records.insert(uuid, *after)),
                }
                return Ok((records.get(&uuid).cloned(), answer));
            }
            Place::Dir(dir) => dir,
        };
        make(dir)?;
        let _lock = lock(&dir.join("lock"))?;
        let (before, set_aside) = match read(dir, uuid)? {
            Read::Record(before) => (Some(*before), None),
            Read::Nothing => (None, None),
            Read::Bad(why) => (None, Some(set_aside(file(dir, uuid), why)?)),
        };
        let (after, answer) = change(before.clone(), set_aside);
        match changed(before.clone(), after) {
            Changed::Nothing => Ok((before, answer)),
            Changed::Gone => remove(dir, uuid).map(|()| (None, answer)),
            Changed::To(after) => write(dir, &after).map(|()| (Some(*after), answer)),
        }
    }

    /// A domain of this guest is gone: its record stays only where the guest may come again and find something in it.
    ///
    /// # Errors
    /// As [`RecordStore::change`].
    pub fn gone(&self, uuid: Uuid, boot: &str, domid: DomId, now: DateTime<Utc>) -> Result<()> {
        let changed = self.change(uuid, |record, _| match record {
            Some(mut record) if record.is_instance(boot, domid) => {
                record.gone(now);
                (Some(record).filter(ClockRecord::is_worth_keeping), ())
            }
            record => (record, ()),
        });
        changed.map(drop)
    }

    /// How long services have watched this host; nothing where that is not known.
    #[must_use]
    pub fn watched(&self) -> Watched {
        let bytes = self.dir().and_then(|dir| fs::read(dir.join(WATCHED)).ok());
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Keeps how long services have watched this host.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_watched(&self, watched: Watched) -> Result<()> {
        let Place::Dir(dir) = &self.place else { return Ok(()) };
        make(dir)?;
        // Two numbers are always JSON.
        write_whole(dir, &dir.join(WATCHED), &serde_json::to_vec(&watched).unwrap_or_default())
    }

    /// Says that this program starts the domain itself, as long as the answer is held: a service keeps off it
    /// meanwhile. `None` where another program is starting this guest.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn claim(&self, uuid: Uuid) -> Result<Option<Lock>> {
        self.hold(STARTING, uuid)
    }

    /// Says that this program is the domain's monitor, as long as the answer is held. `None` where another is.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn monitor(&self, uuid: Uuid) -> Result<Option<Lock>> {
        self.hold(MONITORS, uuid)
    }

    fn hold(&self, what: &str, uuid: Uuid) -> Result<Option<Lock>> {
        let Place::Dir(dir) = &self.place else { return Ok(Some(Lock { file: None, goes: None })) };
        let dir = dir.join(what);
        make(&dir)?;
        let path = dir.join(uuid.hyphenated().to_string());
        for _ in 0..MOMENTS {
            let file = open_lock(&path)?;
            match file.try_lock() {
                Ok(()) if leads_to(&path, &file) => {
                    return Ok(Some(Lock { file: Some(file), goes: Some(path) }));
                }
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(A_MOMENT),
                Err(fs::TryLockError::Error(error)) => return Err(io_error("lock", &path, error)),
            }
        }
        Ok(None)
    }

    /// Whether some program starts this domain just now.
    ///
    /// # Errors
    /// As [`RecordStore::claim`].
    pub fn is_claimed(&self, uuid: Uuid) -> Result<bool> {
        self.is_held(STARTING, uuid)
    }

    /// Whether the domain has a monitor.
    ///
    /// # Errors
    /// As [`RecordStore::claim`].
    pub fn is_monitored(&self, uuid: Uuid) -> Result<bool> {
        self.is_held(MONITORS, uuid)
    }

    fn is_held(&self, what: &str, uuid: Uuid) -> Result<bool> {
        let Place::Dir(dir) = &self.place else { return Ok(false) };
        let path = dir.join(what).join(uuid.hyphenated().to_string());
        match File::open(&path) {
            Ok(file) => Ok(matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io_error("open", &path, error)),
        }
    }

    /// The right to be the service of this host, as long as the answer is held; `None` where another is.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn serve(&self) -> Result<Option<Lock>> {
        let Place::Dir(dir) = &self.place else { return Ok(Some(Lock { file: None, goes: None })) };
        make(dir)?;
        let path = dir.join("service");
        let file = open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { file: Some(file), goes: None })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(io_error("lock", &path, error)),
        }
    }
}

fn locked(
    records: &Mutex<BTreeMap<Uuid, ClockRecord>>,
) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, ClockRecord>> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is to be done with a record's file.
enum Changed {
    Nothing,
    Gone,
    To(Box<ClockRecord>),
}

/// The record to write is counted up, past the one before and past itself where it comes from elsewhere.
fn changed(before: Option<ClockRecord>, after: Option<ClockRecord>) -> Changed {
    match (before, after) {
        (None, None) => Changed::Nothing,
        (Some(_), None) => Changed::Gone,
        (Some(before), Some(after)) if before == after => Changed::Nothing,
        (before, Some(mut after)) => {
            let before = before.map_or(0, |before| before.generation);
            after.generation = after.generation.max(before).saturating_add(1);
            Changed::To(Box::new(after))
        }
    }
}

fn remove(dir: &Path, uuid: Uuid) -> Result<()> {
    let path = file(dir, uuid);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(io_error("remove the clock record", &path, error))
        }
        _ => Ok(()),
    }
}

fn io_error(doing: &'static str, path: &Path, error: io::Error) -> RecordError {
    RecordError::Io { doing, path: path.to_owned(), error }
}

fn file(dir: &Path, uuid: Uuid) -> PathBuf {
    dir.join(format!("{}.json", uuid.hyphenated()))
}

/// Makes the directory, for root alone: what is in it decides over guests' clocks.
fn make(dir: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| io_error("make the directory", dir, error))
}

fn open_lock(path: &Path) -> Result<File> {
    let how = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).clone();
    how.open(path).map_err(|error| io_error("open", path, error))
}

/// The lock of the directory. On a file system without room or that is read-only the lock file, once there, still
/// opens for reading, which is enough to lock it.
fn lock(path: &Path) -> Result<Lock> {
    let file = open_lock(path).or_else(|error| File::open(path).map_err(|_| error))?;
    file.lock().map_err(|error| io_error("lock", path, error))?;
    Ok(Lock { file: Some(file), goes: None })
}

/// Whether this name leads to this file, and not to one that was put there since.
fn leads_to(path: &Path, file: &File) -> bool {
    let of = |found: io::Result<fs::Metadata>| found.map(|found| (found.dev(), found.ino())).ok();
    of(fs::metadata(path)) == of(file.metadata())
}

/// What a record's file has in it.
enum Read {
    Record(Box<ClockRecord>),
    Nothing,
    Bad(String),
}

fn read(dir: &Path, uuid: Uuid) -> Result<Read> {
    let path = file(dir, uuid);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Read::Nothing),
        Err(error) => return Err(io_error("read the clock record", &path, error)),
    }
    Ok(match ClockRecord::from_bytes(&bytes) {
        Ok(record) if record.uuid == uuid => Read::Record(Box::new(record)),
        Ok(record) => Read::Bad(format!("it is of {}", record.uuid)),
        Err(why) => Read::Bad(why),
    })
}

/// Puts a file out of the way, under the first name that is free.
fn set_aside(path: PathBuf, why: String) -> Result<RecordError> {
    let free = (1..1000)
        .map(|number| path.with_extension(format!("json.bad.{number}")))
        .find(|aside| !aside.exists());
    let full =
        || io_error("set aside", &path, io::Error::other("a thousand records have been set aside already"));
    let aside = free.ok_or_else(full)?;
    fs::rename(&path, &aside).map_err(|error| io_error("set aside", &path, error))?;
    Ok(RecordError::SetAside { path, aside, why })
}

fn write(dir: &Path, record: &ClockRecord) -> Result<()> {
    write_whole(dir, &file(dir, record.uuid), &record.to_bytes())
}

fn write_whole(dir: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| io_error("write the clock record", path, error);
    let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(dir).map_err(failed)?;
    new.write_all(bytes).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(path).map_err(|error| failed(error.error))?;
    // Without this the name may lead to the old file again after the power has failed.
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}
