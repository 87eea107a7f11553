//! Files: read with a limit, replaced whole or not at all, and locked for a limited time.
//!
//! Every part of the program that reads a file that others put in a directory, replaces a file, or waits for a lock
//! does it by these functions, so that a FIFO, a full disk, a killed process or a lock that nobody gives back is
//! handled in one place.

mod lock;
mod read;
mod replace;

pub use lock::{FileLock, Holder, LockError};
pub use read::{is_same_file, open_regular, read_regular, read_start};
pub use replace::{Access, Replacement, follow_links, sweep};
