//! The clock records on disk: one file of JSON a domain, named by its UUID.
//!
//! A record is written whole or not at all, and synced. A process that changes one holds the lock of the directory from
//! reading to writing, so that a service, a monitor and a command lose nothing to each other; it waits for the lock for a
//! limited time. A file that is no record is set aside under another name, one of a newer version is left as it is, and
//! the other records go on.
//!
//! A record that cannot be written for now, because the disk is full, read-only or broken or because somebody does not
//! give the lock back, is put into a second directory, the *spill*, where there is one: on a file system in memory, such
//! as `/run`. It counts as the record until it is where it belongs, for every process.

mod claim;
mod directory;
mod disk;
mod error;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::claim::{Claim, Clocks, Saved, Then, Unfinished};
use self::directory::{Directory, HOLDING, LEAVING, MONITORS, STARTING};
use self::disk::{Changed, Disk, PATIENCE, changed, spill_name};
pub use self::error::RecordError;
use self::error::Result;
pub use crate::files::FileLock as Lock;
use crate::host::DomId;
use crate::lifecycle::{ClockRecord, Watched};

/// The clock records of a host.
///
/// ```
/// use xenclock::lifecycle::ClockRecord;
/// use xenclock::lifecycle::record::Request;
/// use xenclock::timers::GuestClock;
/// use xenclock::tracking::store::RecordStore;
///
/// let dir = tempfile::tempdir()?;
/// let records = RecordStore::in_dir(dir.path());
/// let uuid = uuid::Uuid::new_v4();
/// assert!(records.get(uuid)?.is_none());
///
/// // A change is a function from the record, if there is one, to the record; it is made under the lock of the directory.
/// let request = Request::of_file(&GuestClock::default());
/// let (record, ()) = records.change(uuid, |_, _| (Some(ClockRecord::new(uuid, "guest", request)), ()))?;
/// assert_eq!(records.get(uuid)?, record);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordStore {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Disk(Arc<Disk>),
    Memory(Arc<Mutex<BTreeMap<Uuid, ClockRecord>>>),
}

impl RecordStore {
    /// In this directory, which is made when the first record is written.
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self::on(Disk { dir: Directory::new(dir.into()), spill: None })
    }

    /// In this directory; what it does not take for now is below `spill` meanwhile, in a directory of its own.
    #[must_use]
    pub fn in_dir_with_spill(dir: impl Into<PathBuf>, spill: &Path) -> Self {
        let dir = dir.into();
        let spill = Directory::new(spill.join(spill_name(&dir)));
        Self::on(Disk { dir: Directory::new(dir), spill: Some(spill) })
    }

    fn on(disk: Disk) -> Self {
        RecordStore { place: Place::Disk(Arc::new(disk)) }
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
            Place::Disk(disk) => Some(&disk.dir.path),
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
            Place::Disk(disk) => disk.get(uuid),
        }
    }

    /// True if there is a record of a domain, whatever is in it. One that cannot be looked for counts as there.
    #[must_use]
    pub fn is_there(&self, uuid: Uuid) -> bool {
        match &self.place {
            Place::Memory(records) => locked(records).contains_key(&uuid),
            Place::Disk(disk) => disk.directories().any(|dir| dir.file(uuid).try_exists().unwrap_or(true)),
        }
    }

    /// All records, and what is wrong with those that could not be read.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn all(&self) -> Result<(Vec<ClockRecord>, Vec<RecordError>)> {
        let disk = match &self.place {
            Place::Memory(records) => return Ok((locked(records).values().cloned().collect(), Vec::new())),
            Place::Disk(disk) => disk,
        };
        let (mut records, mut errors) = (Vec::new(), Vec::new());
        for uuid in disk.uuids()? {
            match disk.get(uuid) {
                Ok(record) => records.extend(record),
                Err(error) => errors.push(error),
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
    /// handed to it. [`RecordError::Spilled`] says that the change is made, but is not yet where it belongs.
    pub fn change<T>(
        &self,
        uuid: Uuid,
        change: impl FnOnce(Option<ClockRecord>, Option<RecordError>) -> (Option<ClockRecord>, T),
    ) -> Result<(Option<ClockRecord>, T)> {
        match &self.place {
            Place::Disk(disk) => disk.change(uuid, change),
            Place::Memory(records) => {
                let mut records = locked(records);
                let before = records.get(&uuid).cloned();
                let (after, answer) = change(before.clone(), None);
                match changed(before, after) {
                    Changed::Nothing => {}
                    Changed::Gone => drop(records.remove(&uuid)),
                    Changed::To(after) => drop(records.insert(uuid, *after)),
                }
                Ok((records.get(&uuid).cloned(), answer))
            }
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
        match &self.place {
            Place::Disk(disk) => disk.dir.watched(),
            Place::Memory(_) => Watched::default(),
        }
    }

    /// Keeps how long services have watched this host.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn set_watched(&self, watched: Watched) -> Result<()> {
        match &self.place {
            Place::Disk(disk) => disk.dir.set_watched(watched),
            Place::Memory(_) => Ok(()),
        }
    }

    /// Waits until records can be changed, so that what is begun next need not wait in the middle of it. A disk that is
    /// full or read-only is no reason not to begin.
    ///
    /// # Errors
    /// When another process has held the lock for too long, or the directory is not safe.
    pub fn wait_until_free(&self) -> Result<()> {
        let Place::Disk(disk) = &self.place else { return Ok(()) };
        match disk.dir.lock(PATIENCE) {
            Err(error @ (RecordError::Held { .. } | RecordError::Unsafe { .. })) => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts the records where they belong that could not be written before. Answers those that are there now.
    pub fn settle(&self) -> Vec<Uuid> {
        let Place::Disk(disk) = &self.place else { return Vec::new() };
        let Some(spilled) = disk.spill.as_ref().and_then(|spill| spill.uuids().ok()) else {
            return Vec::new();
        };
        let settled = |uuid: &Uuid| {
            let lock = disk.dir.lock(Duration::ZERO);
            lock.and_then(|_lock| disk.change_locked(*uuid, |record, _| (record, ()))).is_ok()
        };
        spilled.into_iter().filter(settled).collect()
    }

    /// Says that this program starts the domain itself, as long as the answer is held: a service keeps off it
    /// meanwhile. `None` where another program is starting this guest.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn claim(&self, uuid: Uuid) -> Result<Option<Claim>> {
        Ok(self.hold(STARTING, uuid)?.map(|lock| Claim::of(lock, uuid)))
    }

    /// Says that this program saves the domain or sends it away, as long as the answer is held. `None` where another
    /// does.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn claim_leaving(&self, uuid: Uuid) -> Result<Option<Claim>> {
        Ok(self.hold(LEAVING, uuid)?.map(|lock| Claim::of(lock, uuid)))
    }

    /// Says that this program pauses the domain to set its TSC, as long as the answer is held. `None` where another does.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn claim_holding(&self, uuid: Uuid) -> Result<Option<Claim>> {
        Ok(self.hold(HOLDING, uuid)?.map(|lock| Claim::of(lock, uuid)))
    }

    /// The claims of programs that were killed, with what they have left half-done.
    pub fn unfinished(&self) -> Vec<Claim> {
        let Place::Disk(disk) = &self.place else { return Vec::new() };
        let mut claims = Vec::new();
        for dir in disk.directories().filter(|dir| dir.check().is_ok()) {
            for what in [STARTING, LEAVING, HOLDING] {
                let free =
                    dir.held(what).into_iter().filter(|uuid| matches!(dir.is_held(what, *uuid), Ok(false)));
                let held = free.filter_map(|uuid| Some((uuid, dir.hold(what, uuid).ok()??)));
                claims.extend(held.map(|(uuid, lock)| Claim::of(lock, uuid)));
            }
        }
        claims
    }

    /// Says that this program is the domain's monitor, as long as the answer is held. `None` where another is.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn monitor(&self, uuid: Uuid) -> Result<Option<Lock>> {
        self.hold(MONITORS, uuid)
    }

    fn hold(&self, what: &str, uuid: Uuid) -> Result<Option<Lock>> {
        let Place::Disk(disk) = &self.place else { return Ok(Some(Lock::none())) };
        match (disk.dir.hold(what, uuid), &disk.spill) {
            (Err(error), Some(spill)) if error.may_pass() => spill.hold(what, uuid),
            (held, _) => held,
        }
    }

    /// True if some program starts this domain just now.
    ///
    /// # Errors
    /// As [`RecordStore::claim`].
    pub fn is_claimed(&self, uuid: Uuid) -> Result<bool> {
        self.is_held(STARTING, uuid)
    }

    /// True if the domain has a monitor.
    ///
    /// # Errors
    /// As [`RecordStore::claim`].
    pub fn is_monitored(&self, uuid: Uuid) -> Result<bool> {
        self.is_held(MONITORS, uuid)
    }

    fn is_held(&self, what: &str, uuid: Uuid) -> Result<bool> {
        let Place::Disk(disk) = &self.place else { return Ok(false) };
        for dir in disk.directories() {
            if dir.is_held(what, uuid)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The right to be the service of this host, as long as the answer is held; `None` where another is.
    ///
    /// # Errors
    /// When the file system says no, or the directory is not safe.
    pub fn serve(&self) -> Result<Option<Lock>> {
        let Place::Disk(disk) = &self.place else { return Ok(Some(Lock::none())) };
        disk.dir.make()?;
        let path = disk.dir.path.join("service");
        Lock::attempt(&path).map_err(|error| RecordError::io("open", &path, error))
    }
}

fn locked(records: &Mutex<BTreeMap<Uuid, ClockRecord>>) -> MutexGuard<'_, BTreeMap<Uuid, ClockRecord>> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}
