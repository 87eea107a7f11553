//! Claims: what a program does to a guest, and what is to become of the guest if that program is killed.
//!
//! A claim is a file that its holder keeps locked and removes when it is done. One that nobody holds is of a program that
//! was killed, and says what it has left half-done.

use std::fs::File;
use std::io;
use std::iter::repeat_n;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timers::UtcOffset;
use uuid::Uuid;

use crate::files::{FileLock, identity};
use crate::host::{DomId, TscInfo};

/// No note is longer.
const LONGEST: usize = 16 << 10;

/// A program's unfinished operation on a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The operation, for messages.
    pub doing: String,
    /// The host's boot.
    pub boot: String,
    /// The domain, as soon as that is known.
    pub domid: Option<DomId>,
    /// The remedy if this program is killed.
    pub then: Then,
}

impl Unfinished {
    /// How many pauses are to be ended.
    #[must_use]
    pub fn pauses(&self) -> u32 {
        match self.then {
            Then::EndPauses { pauses, .. } => pauses,
            _ => 0,
        }
    }
}

/// The remedy for a guest whose program was killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// A domain that has not run is destroyed: the guest can be started again from where it came.
    Destroy,
    /// A suspended guest goes on: it is nowhere else.
    Resume,
    /// A suspended guest is in this file if that is in its place, and its domain is destroyed; else it goes on.
    DestroyIfSaved(Saved),
    /// The guest is left as it is: it may be elsewhere, too.
    Leave,
    /// A domain is paused so many times by killed processes, at most, which set its TSC. A new one's is set to this, and
    /// the pauses are ended.
    EndPauses {
        /// The number of pauses.
        pauses: u32,
        /// The TSC of a domain that has not run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tsc: Option<TscInfo>,
    },
    /// A domain that was to be reset by its guest (kexec) goes on with these clocks. Without them libxl has not finished
    /// the reset, and the domain is destroyed.
    FinishReset(Option<Clocks>),
}

/// Both clocks of a guest before its domain is built anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// The RTC, for a guest that has one.
    pub offset: Option<UtcOffset>,
    /// The TSC.
    pub tsc: TscInfo,
}

/// A save file, by its name and what tells it from others of that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Saved {
    /// The file that will have this name.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn of(file: &File, path: &Path) -> io::Result<Self> {
        let found = file.metadata()?;
        let (device, inode) = identity(&found);
        Ok(Saved { path: std::path::absolute(path)?, device, inode })
    }

    /// True if the file is in its place.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        let found = std::fs::metadata(&self.path);
        found.is_ok_and(|found| identity(&found) == (self.device, self.inode))
    }
}

/// A claim on a guest, held as long as this value lives.
#[derive(Debug)]
pub struct Claim {
    lock: FileLock,
    uuid: Uuid,
    left: Option<Unfinished>,
}

impl Claim {
    /// The claim with what the program before has left in the file.
    pub(super) fn of(lock: FileLock, uuid: Uuid) -> Self {
        let left = lock.file().and_then(|file| {
            let mut bytes = vec![0; LONGEST];
            let length = file.read_at(&mut bytes, 0).ok()?;
            serde_json::from_slice(bytes.get(..length)?).ok()
        });
        Claim { lock, uuid, left }
    }

    /// The guest.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The operation that a killed program has left half-done.
    #[must_use]
    pub fn left(&self) -> Option<&Unfinished> {
        self.left.as_ref()
    }

    /// Takes the same, which is the caller's to put right from now on.
    pub fn take_left(&mut self) -> Option<Unfinished> {
        self.left.take()
    }

    /// How long ago the last note was made, as far as that can be told.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.lock.file()?.metadata().ok()?.modified().ok()?.elapsed().ok()
    }

    /// Gives the claim back with its note, as a killed process does.
    pub fn leave(mut self) {
        self.lock.keep();
    }

    /// Notes what is being done. A disk that does not take it is no reason not to do it.
    pub fn note(&self, unfinished: &Unfinished) {
        let Some(file) = self.lock.file() else { return };
        let Ok(mut text) = serde_json::to_string(unfinished) else { return };
        // In one write, so that no half of it is ever there; what is shorter than the note before covers that with spaces.
        let length = file.metadata().map_or(0, |found| usize::try_from(found.len()).unwrap_or(0));
        text.extend(repeat_n(' ', length.saturating_sub(text.len())));
        if text.len() <= LONGEST {
            let _ = file.write_at(text.as_bytes(), 0);
        }
    }
}
