//! Progress of a save, a restore or a migration.

use std::sync::OnceLock;

/// A step of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Who does it, such as `xc`.
    pub library: &'a str,
    /// The things that are counted, such as `Frames`.
    pub doing: &'a str,
    /// How much of it is done, in percent.
    pub percent: u32,
    /// How many are done.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// Who is told.
static LISTENER: OnceLock<fn(&Progress<'_>)> = OnceLock::new();

/// Has a function told of all progress in this process. Only the first one counts.
pub fn listen(listener: fn(&Progress<'_>)) {
    let _ = LISTENER.set(listener);
}

/// Tells of progress.
pub(super) fn tell(progress: &Progress<'_>) {
    if let Some(listener) = LISTENER.get() {
        listener(progress);
    }
}
