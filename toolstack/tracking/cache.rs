//! The service's copy of the records of running guests, which it keeps if the disk loses or refuses them.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::store::{RecordError, RecordStore};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::event::EventKind;

/// A record as it is known, and whether the disk has it.
#[derive(Clone, Debug)]
struct Known {
    record: ClockRecord,
    unsaved: bool,
}

/// The records, on disk and in memory.
#[derive(Debug)]
pub(super) struct RecordCache<'a> {
    records: &'a RecordStore,
    known: BTreeMap<Uuid, Known>,
    /// The errors that have been told, until the record can be read and written again.
    told: BTreeMap<Uuid, String>,
}

impl<'a> RecordCache<'a> {
    pub(super) fn of(records: &'a RecordStore) -> Self {
        RecordCache { records, known: BTreeMap::new(), told: BTreeMap::new() }
    }

    pub(super) fn records(&self) -> &'a RecordStore {
        self.records
    }

    /// A guest's record from disk, or from memory where the disk has lost it or is behind; and what is wrong, once. What
    /// was read is remembered.
    pub(super) fn get(&mut self, uuid: Uuid) -> (Option<ClockRecord>, Option<EventKind>) {
        let trouble = match self.read(uuid) {
            Ok(()) => {
                self.told.remove(&uuid);
                None
            }
            Err(error) => self.is_new(uuid, &error).then(|| said(&error)),
        };
        (self.known.get(&uuid).map(|known| known.record.clone()), trouble)
    }

    fn read(&mut self, uuid: Uuid) -> Result<(), RecordError> {
        let known = self.known.get(&uuid);
        if let Some(disk) = self.records.get(uuid)? {
            let known = match known {
                Some(known) => known.beside(disk),
                None => Known { record: disk, unsaved: false },
            };
            self.known.insert(uuid, known);
        }
        Ok(())
    }

    /// True if this error has not been told of this guest yet. It counts as told then.
    fn is_new(&mut self, uuid: Uuid, error: &RecordError) -> bool {
        let text = error.to_string();
        self.told.insert(uuid, text.clone()) != Some(text)
    }

    /// True if this error has been told of a guest.
    pub(super) fn is_told(&self, error: &RecordError) -> bool {
        let text = error.to_string();
        self.told.values().any(|told| *told == text)
    }

    /// A record that is not on disk yet; the next change writes it.
    pub(super) fn put(&mut self, record: ClockRecord) {
        self.known.insert(record.uuid, Known { record, unsaved: true });
    }

    /// A guest that is gone needs no memory, once the disk has its record.
    pub(super) fn forget(&mut self, uuid: Uuid) {
        if self.known.get(&uuid).is_some_and(|known| !known.unsaved) {
            self.known.remove(&uuid);
        }
    }

    /// Those that the disk has not taken yet, or has lost.
    pub(super) fn unsaved(&self) -> Vec<Uuid> {
        let missing = |known: &&Known| known.unsaved || !self.records.is_there(known.record.uuid);
        self.known.values().filter(missing).map(|known| known.record.uuid).collect()
    }

    /// True if the disk has not taken it yet.
    pub(super) fn is_unsaved(&self, uuid: Uuid) -> bool {
        self.known.get(&uuid).is_some_and(|known| known.unsaved)
    }

    /// Changes a record on disk, or where that does not work in memory until it does. Says what an administrator should
    /// know: of a disk that does not take it once, not at each try.
    pub(super) fn change(&mut self, uuid: Uuid, mut with: impl FnMut(&mut ClockRecord)) -> Vec<EventKind> {
        let known = self.known.get(&uuid).cloned();
        let mut lost = false;
        let changed = self.records.change(uuid, |disk, trouble| {
            let before = match (disk, &known) {
                (Some(disk), Some(known)) => Some(known.beside(disk).record),
                (Some(disk), None) => Some(disk),
                (None, Some(known)) => {
                    lost = !known.unsaved;
                    Some(known.record.clone())
                }
                (None, None) => None,
            };
            let after = before.map(|mut record| {
                with(&mut record);
                record
            });
            let after = after.filter(|record| is_needed(record, lost));
            lost &= after.is_some();
            (after, trouble)
        });
        match changed {
            Ok((record, trouble)) => {
                self.told.remove(&uuid);
                match record {
                    Some(record) => drop(self.known.insert(uuid, Known { record, unsaved: false })),
                    None => drop(self.known.remove(&uuid)),
                }
                let lost = lost.then_some(EventKind::RecordRestored);
                trouble.as_ref().map(said).into_iter().chain(lost).collect()
            }
            Err(error) => {
                let known = match error {
                    // It is made all the same.
                    RecordError::Spilled { ref record, .. } => {
                        let record = ClockRecord::clone(record);
                        let before = self.known.insert(uuid, Known { record, unsaved: true });
                        return if before.is_some_and(|known| known.unsaved) {
                            Vec::new()
                        } else {
                            vec![said(&error)]
                        };
                    }
                    // Perhaps it can be read, and another has changed it.
                    _ => {
                        // What is wrong with it is told below.
                        drop(self.read(uuid));
                        self.known.get_mut(&uuid)
                    }
                };
                let event = match known {
                    None => said(&error),
                    Some(known) => {
                        with(&mut known.record);
                        if std::mem::replace(&mut known.unsaved, true) {
                            return Vec::new();
                        }
                        EventKind::Failed { why: format!("{error}; the service keeps the record in memory") }
                    }
                };
                self.is_new(uuid, &error).then_some(event).into_iter().collect()
            }
        }
    }
}

impl Known {
    /// What counts where the disk has this record. It is the disk's, unless the disk did not take what is known.
    fn beside(&self, disk: ClockRecord) -> Known {
        if !self.unsaved {
            return Known { record: disk, unsaved: false };
        }
        let record = self.record.beside(disk.clone());
        Known { unsaved: record != disk, record }
    }
}

/// True if a record has to be there. Whoever sees the end of a guest first, which may be its monitor or `destroy`, has taken
/// away one in which nothing is worth keeping: that one is not lost.
fn is_needed(record: &ClockRecord, is_missing: bool) -> bool {
    let has_ended = record.ended.is_some() && is_missing;
    record.instance.is_some() && !has_ended || record.is_worth_keeping()
}

/// The event for an error.
pub(super) fn said(error: &RecordError) -> EventKind {
    let why = error.to_string();
    match error {
        RecordError::SetAside { .. } => EventKind::RecordSetAside { why },
        _ => EventKind::Failed { why },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use tempfile::TempDir;
    use timers::{Basis, ClockOffset, GuestClock};

    use super::*;
    use crate::lifecycle::record::{Request, RequestOrigin};

    const UUID: Uuid = Uuid::from_u128(0x6ba7_b810_9dad_41d1_80b4_00c0_4fd4_30c8);

    fn record() -> ClockRecord {
        let offset = ClockOffset::Variable { adjustment: 0, basis: Basis::Utc };
        let clock = GuestClock::new(offset, Vec::new());
        ClockRecord::new(UUID, "guest", Request::new(clock, RequestOrigin::Create))
    }

    /// A directory with a record in it.
    struct Disk(TempDir, RecordStore);

    impl Disk {
        fn new() -> Self {
            let dir = TempDir::new().unwrap();
            let records = RecordStore::in_dir(dir.path());
            records.change(UUID, |_, _| (Some(record()), ())).unwrap();
            Disk(dir, records)
        }

        fn file(&self) -> std::path::PathBuf {
            self.0.path().join(format!("{UUID}.json"))
        }

        /// Nobody can write any more, or again.
        fn takes(&self, takes: bool) {
            let lock = self.0.path().join("lock");
            fs::remove_file(&lock).unwrap();
            match takes {
                true => fs::write(lock, "").unwrap(),
                false => std::os::unix::fs::symlink("/nowhere/at/all", lock).unwrap(),
            }
        }

        fn seen(&self) -> u64 {
            self.1.get(UUID).unwrap().unwrap().guest.seen
        }
    }

    fn count(memory: &mut RecordCache<'_>) -> Vec<EventKind> {
        memory.change(UUID, |record| record.guest.seen += 1)
    }

    fn seen(memory: &mut RecordCache<'_>) -> u64 {
        memory.get(UUID).0.unwrap().guest.seen
    }

    #[test]
    fn what_the_disk_does_not_take_is_here_and_is_tried_again() {
        let disk = Disk::new();
        let mut memory = RecordCache::of(&disk.1);
        assert_eq!(count(&mut memory), []);
        disk.takes(false);
        let said = count(&mut memory);
        assert!(matches!(&said[..], [EventKind::Failed { .. }]), "{said:?}");
        assert_eq!(count(&mut memory), [], "that is said once");
        assert_eq!((seen(&mut memory), disk.seen(), memory.unsaved()), (3, 1, vec![UUID]));
        memory.forget(UUID);
        assert_eq!(seen(&mut memory), 3, "it is needed still");
        disk.takes(true);
        assert_eq!(memory.change(UUID, |_| {}), []);
        assert_eq!((disk.seen(), memory.unsaved()), (3, vec![]));
        disk.takes(false);
        assert_eq!(count(&mut memory).len(), 1, "the next time it is said again");
    }

    #[test]
    fn a_record_that_was_only_read_is_kept_up_as_well() {
        let disk = Disk::new();
        disk.takes(false);
        let mut memory = RecordCache::of(&disk.1);
        assert_eq!(count(&mut memory).len(), 1);
        assert_eq!((seen(&mut memory), disk.seen()), (1, 0));
    }

    #[test]
    fn a_lost_record_is_written_again() {
        let disk = Disk::new();
        let mut memory = RecordCache::of(&disk.1);
        assert_eq!(seen(&mut memory), 0);
        fs::remove_file(disk.file()).unwrap();
        assert_eq!(seen(&mut memory), 0);
        assert_eq!(memory.unsaved(), [UUID]);
        assert_eq!(memory.change(UUID, |_| {}), [EventKind::RecordRestored]);
        assert_eq!((disk.seen(), memory.unsaved()), (0, vec![]));
        // A torn one is set aside before.
        fs::write(disk.file(), "{").unwrap();
        let said = count(&mut memory);
        assert!(
            matches!(&said[..], [EventKind::RecordSetAside { .. }, EventKind::RecordRestored]),
            "{said:?}"
        );
        assert_eq!(disk.seen(), 1);
        memory.forget(UUID);
        fs::remove_file(disk.file()).unwrap();
        assert_eq!((memory.get(UUID).0, memory.unsaved()), (None, vec![]), "its guest is gone");
    }

    #[test]
    fn another_programs_newer_change_wins() {
        let disk = Disk::new();
        let mut memory = RecordCache::of(&disk.1);
        count(&mut memory);
        let renames = |name: &str| {
            let renamed = |record: Option<ClockRecord>| {
                let mut record = record.unwrap();
                name.clone_into(&mut record.name);
                (Some(record), ())
            };
            disk.1.change(UUID, |record, _| renamed(record)).unwrap();
        };
        renames("renamed");
        assert_eq!(memory.get(UUID).0.unwrap().name, "renamed");
        count(&mut memory);
        let kept = disk.1.get(UUID).unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.guest.seen), ("renamed", 2));
        // A change that could not be written is made again to what another program has written meanwhile.
        renames("again");
        disk.takes(false);
        count(&mut memory);
        disk.takes(true);
        count(&mut memory);
        let kept = disk.1.get(UUID).unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.guest.seen), ("again", 4));
    }
}
