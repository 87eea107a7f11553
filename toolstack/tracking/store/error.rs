//! Why a clock record could not be read or written, and what an administrator can do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::files::LockError;
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::RecordFormatError;

/// The result of reading or writing records.
pub(super) type Result<T> = std::result::Result<T, RecordError>;

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file system refuses.
    #[error("cannot {doing} {}: {error}{}{}", path.display(), advice(error), consequence(error))]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The file system's error.
        #[source]
        error: io::Error,
    },
    /// Another process has held the lock for too long.
    #[error("cannot lock {}: {error}; wait for that process, or end it", path.display())]
    Held {
        /// The lock.
        path: PathBuf,
        /// The holder.
        #[source]
        error: LockError,
    },
    /// The file is no record; it has been set aside.
    #[error("the clock record {} is not understood and was set aside as {}: {why}", path.display(), aside.display())]
    SetAside {
        /// Its path.
        path: PathBuf,
        /// Its new path.
        aside: PathBuf,
        /// The fault.
        #[source]
        why: RecordFormatError,
    },
    /// A newer xenclock wrote the record; it is left as it is.
    #[error(
        "the clock record {} has version {version}, but this xenclock knows only versions up to {}: the file is not changed; install the newer xenclock again, or remove the file and with it the requests for this guest",
        path.display(),
        ClockRecord::VERSION
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The record's version.
        version: u32,
    },
    /// Somebody else could change the records.
    #[error("the directory of clock records {} {why}", path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// The record is longer than any record may be.
    #[error("the clock record {} would be longer than {} bytes", path.display(), ClockRecord::MAX_BYTES)]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The record could not be written where it belongs, and was put elsewhere: the change is made all the same.
    #[error("{}: until then the record is in {}", error.without_consequence(), spill.display())]
    Spilled {
        /// Why it could not be written where it belongs, and what to do.
        #[source]
        error: Box<RecordError>,
        /// Its path for now.
        spill: PathBuf,
        /// The record as it is now.
        record: Box<ClockRecord>,
    },
}

impl RecordError {
    /// The record, where its change is made in spite of this.
    #[must_use]
    pub fn record(&self) -> Option<&ClockRecord> {
        match self {
            RecordError::Spilled { record, .. } => Some(record),
            _ => None,
        }
    }

    /// The same for a record that was put elsewhere meanwhile.
    pub(super) fn spilled(self, spill: PathBuf, record: ClockRecord) -> Self {
        RecordError::Spilled { error: Box::new(self), spill, record: Box::new(record) }
    }

    /// The message without the consequence of a change that is kept nowhere.
    fn without_consequence(&self) -> String {
        match self {
            RecordError::Io { doing, path, error } => {
                format!("cannot {doing} {}: {error}{}", path.display(), advice(error))
            }
            other => other.to_string(),
        }
    }

    pub(super) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        RecordError::Io { doing, path: path.to_owned(), error }
    }

    /// True if nothing should be begun before it is dealt with: somebody holds the lock, or could change records.
    pub(super) fn is_in_the_way(&self) -> bool {
        match self {
            RecordError::Held { .. } | RecordError::Unsafe { .. } => true,
            RecordError::Io { error, .. } => is_another_thing(error),
            _ => false,
        }
    }

    /// True if it may go away without anybody changing a setting: the record is then kept elsewhere meanwhile.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            RecordError::Held { .. } => true,
            RecordError::Io { error, .. } => is_of_the_disk(error),
            _ => false,
        }
    }
}

/// True if the disk is full, read-only or broken.
pub(super) fn is_of_the_disk(error: &io::Error) -> bool {
    const EIO: i32 = rustix::io::Errno::IO.raw_os_error();
    let kinds = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::ReadOnlyFilesystem];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(EIO)
}

/// True if somebody has put something else in the place of a file.
fn is_another_thing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::IsADirectory)
}

/// The remedy for an administrator.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room there",
        ErrorKind::ReadOnlyFilesystem => "; mount it writable, or name another directory with --records",
        ErrorKind::PermissionDenied if rustix::process::geteuid().is_root() => {
            "; even root is refused: see lsattr for an immutable flag, or name another directory with --records"
        }
        ErrorKind::PermissionDenied => "; run as root, or name another directory with --records",
        _ if is_another_thing(error) => "; remove it",
        _ => "",
    }
}

/// The consequence, where nothing else keeps the change.
fn consequence(error: &io::Error) -> &'static str {
    if is_of_the_disk(error) { ": until then the change is lost" } else { "" }
}
