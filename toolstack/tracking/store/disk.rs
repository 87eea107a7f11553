//! A directory of records with its spill, where it has one: a record is in either, or in both.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use uuid::Uuid;

use super::directory::{Directory, Read};
use super::error::{RecordError, Result};
use crate::lifecycle::ClockRecord;

/// How long the lock is waited for. Nothing that holds it takes as long, unless it is stopped.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) dir: Directory,
    pub(super) spill: Option<Directory>,
}

impl Disk {
    pub(super) fn directories(&self) -> impl Iterator<Item = &Directory> {
        std::iter::once(&self.dir).chain(&self.spill)
    }

    pub(super) fn uuids(&self) -> Result<BTreeSet<Uuid>> {
        self.dir.check()?;
        let mut uuids = self.dir.uuids()?;
        if let Some(spill) = &self.spill {
            uuids.extend(spill.uuids()?);
        }
        Ok(uuids)
    }

    /// The record that was put elsewhere, where one was.
    fn spilled(&self, uuid: Uuid) -> Option<ClockRecord> {
        let spill = self.spill.as_ref()?;
        match spill.check().and_then(|()| spill.read(uuid)) {
            Ok(Read::Record(record)) => Some(*record),
            _ => None,
        }
    }

    pub(super) fn get(&self, uuid: Uuid) -> Result<Option<ClockRecord>> {
        self.dir.check()?;
        let spilled = self.spilled(uuid);
        let mut read = self.dir.read(uuid)?;
        // Without the lock it may have become another meanwhile, and then that one stays.
        let _lock = matches!(read, Read::Bad(_)).then(|| self.dir.lock(PATIENCE)).transpose()?;
        if _lock.is_some() {
            read = self.dir.read(uuid)?;
        }
        match read {
            Read::Record(record) => Ok(Some(beside(spilled.as_ref(), *record))),
            Read::Nothing => Ok(spilled),
            Read::Bad(why) => Err(self.dir.set_aside(uuid, why)?),
        }
    }

    pub(super) fn change<T>(&self, uuid: Uuid, change: impl Change<T>) -> Result<(Option<ClockRecord>, T)> {
        match (self.dir.lock(PATIENCE), &self.spill) {
            (Ok(_lock), _) => self.change_locked(uuid, change),
            (Err(error), Some(spill)) if error.may_pass() => self.change_in_spill(spill, error, uuid, change),
            (Err(error), _) => Err(error),
        }
    }

    pub(super) fn change_locked<T>(
        &self,
        uuid: Uuid,
        change: impl Change<T>,
    ) -> Result<(Option<ClockRecord>, T)> {
        let spill_lock = match &self.spill {
            Some(spill) if spill.path.exists() => Some(spill.lock(PATIENCE)?),
            _ => None,
        };
        let spilled = self.spilled(uuid);
        let (before, set_aside) = match self.dir.read(uuid)? {
            Read::Record(before) => (Some(beside(spilled.as_ref(), *before)), None),
            Read::Nothing => (spilled.clone(), None),
            Read::Bad(why) => (spilled.clone(), Some(self.dir.set_aside(uuid, why)?)),
        };
        let (after, answer) = change(before.clone(), set_aside);
        let after = match changed(before.clone(), after) {
            Changed::Nothing if spilled.is_none() => return Ok((before, answer)),
            Changed::Nothing => before,
            Changed::Gone => None,
            Changed::To(after) => Some(*after),
        };
        let written = match &after {
            Some(record) => self.dir.write(record),
            None => self.dir.remove(uuid),
        };
        match (written, &self.spill) {
            (Ok(()), Some(spill)) => {
                if spilled.is_some() {
                    spill.remove(uuid)?;
                }
                spill_lock.into_iter().for_each(|lock| spill.remove_if_empty(lock));
                Ok((after, answer))
            }
            (Ok(()), None) => Ok((after, answer)),
            (Err(error), Some(spill)) if error.may_pass() => {
                // A lock that was not needed before is needed now.
                let _lock = spill_lock.is_none().then(|| spill.lock(PATIENCE));
                Err(put_into(spill, error, after))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Without the directory's lock. Only the spill is changed, under its own lock.
    fn change_in_spill<T>(
        &self,
        spill: &Directory,
        error: RecordError,
        uuid: Uuid,
        change: impl Change<T>,
    ) -> Result<(Option<ClockRecord>, T)> {
        let Ok(_lock) = spill.lock(PATIENCE) else { return Err(error) };
        let spilled = self.spilled(uuid);
        let before = match self.dir.read(uuid) {
            Ok(Read::Record(before)) => Some(beside(spilled.as_ref(), *before)),
            Err(newer @ RecordError::Newer { .. }) => return Err(newer),
            // A bad one is set aside by whoever has the lock.
            Ok(Read::Nothing | Read::Bad(_)) | Err(_) => spilled,
        };
        let (after, answer) = change(before.clone(), None);
        match changed(before.clone(), after) {
            Changed::Nothing => Ok((before, answer)),
            Changed::Gone => Err(error),
            Changed::To(after) => Err(put_into(spill, error, Some(*after))),
        }
    }
}

/// Puts a record into the spill that could not be written because of this error, which is then told.
fn put_into(spill: &Directory, error: RecordError, record: Option<ClockRecord>) -> RecordError {
    match record {
        Some(record) if spill.make().and_then(|()| spill.write(&record)).is_ok() => {
            error.spilled(spill.file(record.uuid), record)
        }
        _ => error,
    }
}

/// A function from a record, or none, and from a record that was set aside, to a record.
pub(super) trait Change<T>:
    FnOnce(Option<ClockRecord>, Option<RecordError>) -> (Option<ClockRecord>, T)
{
}

impl<T, F> Change<T> for F where
    F: FnOnce(Option<ClockRecord>, Option<RecordError>) -> (Option<ClockRecord>, T)
{
}

/// The record that counts of the one in the directory and the one in its spill.
fn beside(spilled: Option<&ClockRecord>, in_dir: ClockRecord) -> ClockRecord {
    match spilled {
        Some(spilled) => spilled.beside(in_dir),
        None => in_dir,
    }
}

/// A name for a directory of records that no other has: its path, with `-` for each `/`.
pub(super) fn spill_name(dir: &Path) -> String {
    let path = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let mut name = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' => name.push('-'),
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'_' => name.push(char::from(*byte)),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    let name = name.trim_start_matches('-');
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    // FNV-1a tells long paths apart.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}-{}", &name[name.len() - LONGEST_NAME..])
}

/// A directory's name may have 255 bytes.
const LONGEST_NAME: usize = 200;

/// The change to a record's file.
pub(super) enum Changed {
    Nothing,
    Gone,
    To(Box<ClockRecord>),
}

/// The record to write is counted up, past the one before and past itself where it comes from elsewhere.
pub(super) fn changed(before: Option<ClockRecord>, after: Option<ClockRecord>) -> Changed {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tempfile::TempDir;
    use timers::{ClockOffset, GuestClock};

    use super::*;
    use crate::host::DomId;
    use crate::lifecycle::record::{Instance, Request, RequestOrigin};

    /// A record with this request, changed so many times, of a guest that is this domain.
    fn record(offset: ClockOffset, generation: u64, domid: u32) -> ClockRecord {
        let request = Request::new(GuestClock::new(offset, Vec::new()), RequestOrigin::Create);
        let mut record = ClockRecord::new(Uuid::nil(), "guest", request);
        let since = "2026-07-01T12:00:00Z".parse().unwrap();
        record.continued(Instance::followed("boot", DomId(domid), since), Some(domid.into()));
        record.generation = generation;
        record
    }

    #[test]
    fn a_record_that_was_begun_without_the_disk_has_the_later_domain() {
        let temp = TempDir::new().unwrap();
        let [dir, spill] = ["records", "spill"].map(|name| Directory::new(temp.path().join(name)));
        dir.make().unwrap();
        spill.make().unwrap();
        let asked = ClockOffset::Localtime { adjustment: None };
        dir.write(&record(asked.clone(), 10, 1)).unwrap();
        let disk = Disk { dir, spill: Some(spill) };
        let counts = |generation, domid| {
            let spilled = record(ClockOffset::Utc { adjustment: None }, generation, domid);
            disk.spill.as_ref().unwrap().write(&spilled).unwrap();
            let record = disk.get(Uuid::nil()).unwrap().unwrap();
            (
                record.request.clock.offset == asked,
                record.instance.unwrap().domid,
                record.last.unwrap().offset,
            )
        };
        assert_eq!(counts(11, 1), (false, DomId(1), 1), "it has changed more often");
        assert_eq!(counts(2, 1), (true, DomId(1), 1), "it is older");
        assert_eq!(counts(2, 3), (true, DomId(3), 3), "what was requested before is requested still");
        disk.change(Uuid::nil(), |record, _| (record, ())).unwrap();
        let spilled = disk.spill.as_ref().unwrap().uuids().unwrap();
        assert!(spilled.is_empty());
        let Read::Record(kept) = disk.dir.read(Uuid::nil()).unwrap() else { panic!("it is not written") };
        assert_eq!(kept.instance.unwrap().domid, DomId(3));
    }

    #[test]
    fn each_directory_has_a_spill_of_its_own() {
        let long = format!("/srv/{}", "long/".repeat(100));
        let names = [
            "/var/lib/xenclock",
            "/var-lib/xenclock",
            "/var/lib/xenclock2",
            "/a b",
            &long,
            &format!("{long}x"),
        ]
        .map(|dir| spill_name(Path::new(dir)));
        assert_eq!(names[0], "var-lib-xenclock");
        assert_eq!(names[1], "var%2dlib-xenclock");
        assert!(names.iter().all(|name| name.len() < 255 && !name.contains('/')));
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
