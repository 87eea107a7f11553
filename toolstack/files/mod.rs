//! Files: bounded reads, atomic replacement, and locks with a limited waiting time.
//!
//! Every part of the program that reads a file from a shared directory, replaces a file, or waits for a lock uses these
//! functions, so that a FIFO, a full disk, a killed process or a lock that is never released is handled in one place.

mod lock;
mod read;
mod replace;

pub use lock::{FileLock, Holder, LockError};
pub use read::{
    check_unlinked, identity, is_same_file, open_regular, read_regular, read_start, read_start_unlinked,
};
pub use replace::{Access, Replacement, follow_links, sweep};
