//! Progress of a save, a restore or a migration.

use std::fmt;
use std::sync::Arc;

/// A step of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The library that does it, such as `xc`.
    pub library: &'a str,
    /// The things that are counted, such as `Frames`.
    pub doing: &'a str,
    /// The part that is done, in percent.
    pub percent: u32,
    /// The number that is done.
    pub done: u64,
    /// The number of all.
    pub total: u64,
}

/// The function that a host calls with its progress; the default listener ignores it.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use xenclock::domain::DomainConfig;
/// use xenclock::host::progress::ProgressListener;
/// use xenclock::host::{Host, SaveKind, mock::Mock};
/// use xenclock::timers::GuestKind;
///
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let percent = Arc::new(Mutex::new(0));
/// let seen = Arc::clone(&percent);
/// let listener = ProgressListener::new(move |progress| {
///     if let Ok(mut seen) = seen.lock() {
///         *seen = progress.percent;
///     }
/// });
/// let host = Mock::in_memory(Box::new(move || now)).with_progress(listener);
/// let mut config = DomainConfig::new(GuestKind::Hvm);
/// config.c_info.name = Some("guest".to_owned());
/// let domid = host.create_paused(&config)?;
/// host.unpause(domid)?;
/// host.save(domid, &mut tempfile::tempfile()?, SaveKind::Suspend)?;
/// assert_eq!(percent.lock().map(|percent| *percent).ok(), Some(100));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct ProgressListener(Option<Arc<Listener>>);

type Listener = dyn Fn(&Progress<'_>) + Send + Sync;

impl ProgressListener {
    /// A listener that calls this function.
    pub fn new(listener: impl Fn(&Progress<'_>) + Send + Sync + 'static) -> Self {
        ProgressListener(Some(Arc::new(listener)))
    }

    /// Passes progress on.
    pub(super) fn tell(&self, progress: &Progress<'_>) {
        if let Some(listener) = &self.0 {
            listener(progress);
        }
    }
}

impl fmt::Debug for ProgressListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProgressListener").field(&self.0.is_some()).finish()
    }
}
