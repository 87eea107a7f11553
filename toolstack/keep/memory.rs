//! The records of guests that live, as a service knows them: what a disk loses or does not take is here still.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::records::{RecordError, Records};
use crate::life::ClockRecord;
use crate::life::notice::Said;

/// A record as it is known, and whether the disk has it.
#[derive(Clone, Debug)]
struct Known {
    record: ClockRecord,
    unsaved: bool,
}

/// The records, on disk and in memory.
#[derive(Debug)]
pub(super) struct Memory<'a> {
    records: &'a Records,
    known: BTreeMap<Uuid, Known>,
}

impl<'a> Memory<'a> {
    pub(super) fn of(records: &'a Records) -> Self {
        Memory { records, known: BTreeMap::new() }
    }

    pub(super) fn records(&self) -> &'a Records {
        self.records
    }

    /// A guest's record from disk, or from memory where the disk has lost it or is behind; and what is wrong. What was
    /// read is remembered.
    pub(super) fn get(&mut self, uuid: Uuid) -> (Option<ClockRecord>, Option<Said>) {
        let known = self.known.get(&uuid);
        let trouble = match self.records.get(uuid) {
            Ok(Some(record)) if !known.is_some_and(|known| known.is_ahead_of(&record)) => {
                self.known.insert(uuid, Known { record, unsaved: false });
                None
            }
            Ok(_) => None,
            Err(error) => Some(said(&error)),
        };
        (self.known.get(&uuid).map(|known| known.record.clone()), trouble)
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

    /// Changes a record on disk, or where that does not work in memory until it does. Says what an administrator should
    /// know: of a disk that does not take it once, not at each try.
    pub(super) fn change(&mut self, uuid: Uuid, mut with: impl FnMut(&mut ClockRecord)) -> Vec<Said> {
        let known = self.known.get(&uuid).cloned();
        let mut lost = false;
        let changed = self.records.change(uuid, |disk, trouble| {
            let before = match (disk, &known) {
                (Some(disk), Some(known)) if known.is_ahead_of(&disk) => Some(known.record.clone()),
                (Some(disk), _) => Some(disk),
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
            (after.filter(|record| record.life.is_some() || record.is_worth_keeping()), trouble)
        });
        match changed {
            Ok((record, trouble)) => {
                match record {
                    Some(record) => drop(self.known.insert(uuid, Known { record, unsaved: false })),
                    None => drop(self.known.remove(&uuid)),
                }
                let lost = lost.then_some(Said::RecordRestored);
                trouble.as_ref().map(said).into_iter().chain(lost).collect()
            }
            Err(error) => {
                // Perhaps it can be read, and another has changed it.
                self.get(uuid);
                let Some(known) = self.known.get_mut(&uuid) else { return vec![said(&error)] };
                with(&mut known.record);
                match std::mem::replace(&mut known.unsaved, true) {
                    true => Vec::new(),
                    false => vec![said(&error)],
                }
            }
        }
    }
}

impl Known {
    /// Whether the disk did not take what is known, and nobody has changed the disk's since.
    fn is_ahead_of(&self, disk: &ClockRecord) -> bool {
        self.unsaved && self.record.generation >= disk.generation
    }
}

/// What is told of it.
pub(super) fn said(error: &RecordError) -> Said {
    let why = error.to_string();
    match error {
        RecordError::SetAside { .. } => Said::RecordSetAside { why },
        RecordError::Io { .. } => Said::Failed { why },
    }
}
