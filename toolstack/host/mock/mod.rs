//! A host without a hypervisor: a deterministic model of what Xen and libxl do to guests' clocks.
//!
//! - [`machine`]: Xen, pure and at the granularity of its hypercalls; `libxl.rs` builds and restores on it, and
//!   `ended.rs` does what becomes of a domain that has ended.
//! - `calls.rs`: the mock as a [`Host`](super::Host). `play.rs`: what only a mock can do, such as being the guest.
//! - `store.rs`: the state, in memory or in a file.
//!
//! # The state file
//! One JSON object. Written by hand it needs nothing but what differs from the defaults shown here, and an empty or
//! absent file is an empty machine:
//!
//! ```json
//! {
//!   "host": {
//!     "now": "2026-07-01T12:00:00Z",
//!     "timezone": "UTC",
//!     "cpu_khz": 2600000,
//!     "tsc_reliable": true,
//!     "tsc_scaling": false,
//!     "tsc_invariant": true,
//!     "clock_synchronised": true,
//!     "clock_error_us": 0,
//!     "xen_version": "4.17",
//!     "memory_mb": 65536
//!   },
//!   "faults": { "set_tsc_info": { "kind": "permission", "times": 1 } }
//! }
//! ```
//!
//! Without `now`, the time is the real one. `tsc_scaling` and the three after it may be `null`: not known. A fault makes a call of the host
//! fail, `times` times. The mock adds the domains under `xen`.

mod blob;
mod calls;
mod ended;
mod events;
mod facts;
mod faults;
mod file;
mod libxl;
pub mod machine;
mod play;
mod present;
mod refusal;
mod rtc;
mod state;
mod store;
mod stream;
mod tsc;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use self::faults::Call;
use self::machine::{Present, Refusal};
use self::state::{Change, State, StoreError};
use self::store::{Memory, Store};
use super::progress::ProgressListener;
use super::{ErrorKind, HostError, Result};

/// Tells the real time of day.
pub type Clock = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A host in memory or in a file. Every call is one transaction: it happens whole or not at all, whoever else uses the
/// same state at the same time. Only saving and restoring are two, with the stream between them.
///
/// ```
/// use xenclock::domain::DomainConfig;
/// use xenclock::host::{ErrorKind, Host, mock::Mock};
/// use xenclock::timers::GuestKind;
///
/// let now = "2026-07-01T12:00:00Z".parse()?;
/// let host = Mock::in_memory(Box::new(move || now));
/// let mut config = DomainConfig::new(GuestKind::Hvm);
/// config.c_info.name = Some("guest".to_owned());
///
/// host.inject("create_paused", ErrorKind::NoMemory, 1)?;
/// assert_eq!(host.create_paused(&config).unwrap_err().kind, ErrorKind::NoMemory);
/// let domid = host.create_paused(&config)?;
/// host.unpause(domid)?;
/// host.guest_shift_rtc(domid, 90)?;
/// assert_eq!(host.rtc_record(domid)?.offset, 90);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Mock {
    store: Store,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// The number of the last event that was given out.
    seen: Mutex<u64>,
    progress: ProgressListener,
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Mock {
    /// A host in this file, which need not exist yet.
    ///
    /// # Errors
    /// When the file cannot be read, or is no state of a mock; then the message says where.
    pub fn open(path: impl AsRef<Path>, clock: Clock) -> Result<Self> {
        let path = path.as_ref();
        let doing = format!("open the mock host {}", path.display());
        let store = Store::file(path).map_err(|error| error.while_doing(&doing))?;
        Self::on(store, clock.into()).map_err(|error| error.while_doing(doing))
    }

    /// A host in memory: empty, and gone with the last value that uses it.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        let store = Store::Memory(Arc::<Memory>::default());
        Mock { store, clock: clock.into(), seen: Mutex::new(0), progress: ProgressListener::default() }
    }

    /// With this listener, which hears of each save and restore.
    #[must_use]
    pub fn with_progress(self, progress: ProgressListener) -> Self {
        Mock { progress, ..self }
    }

    /// The same host seen by another: it has the same domains, and hears of the events from now on.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn reopen(&self) -> Result<Self> {
        Self::on(self.store.clone(), Arc::clone(&self.clock))
            .map(|host| host.with_progress(self.progress.clone()))
            .map_err(|error| error.while_doing("open the mock host again"))
    }

    fn on(
        store: Store,
        clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    ) -> std::result::Result<Self, StoreError> {
        let seen = store.read()?.xen.machine.events().latest();
        Ok(Mock { store, clock, seen: Mutex::new(seen), progress: ProgressListener::default() })
    }

    /// A call that changes nothing, so nothing is written.
    fn look<T>(
        &self,
        call: Call,
        doing: &str,
        look: impl FnOnce(&State, &Present) -> std::result::Result<T, Refusal>,
    ) -> Result<T> {
        let state = self.strike(call, doing)?;
        let present = self.present(&state);
        look(&state, &present).map_err(|refusal| refusal.while_doing(doing))
    }

    /// The state, or the fault that this call is to have, once.
    fn strike(&self, call: Call, doing: &str) -> Result<Arc<State>> {
        let state = self.read(doing)?;
        if !state.faults.waits_for(call) {
            return Ok(state);
        }
        // To count it, the state must be changed; another may have had the fault meanwhile.
        match self.store.change(|state| Change::Keep(state.faults.strike(call, doing))) {
            Ok(None) => self.read(doing),
            Ok(Some(error)) => Err(error),
            Err(error) => Err(error.while_doing(doing)),
        }
    }

    /// A call that changes something, or fails and changes nothing.
    fn act<T>(
        &self,
        call: Call,
        doing: &str,
        act: impl FnOnce(&mut State, &Present) -> std::result::Result<T, Refusal>,
    ) -> Result<T> {
        self.transact(doing, |state, real| match state.faults.strike(call, doing) {
            // It has struck once more.
            Some(error) => Change::Keep(Err(error)),
            None => changed(state, real, act, doing),
        })
    }

    /// A call that is none of a host's, so that no fault strikes it.
    fn play<T>(
        &self,
        doing: &str,
        play: impl FnOnce(&mut State, &Present) -> std::result::Result<T, Refusal>,
    ) -> Result<T> {
        self.transact(doing, |state, real| changed(state, real, play, doing))
    }

    /// A call that changes the mock itself.
    fn set<T>(
        &self,
        doing: &str,
        set: impl FnOnce(&mut State, DateTime<Utc>) -> std::result::Result<T, String>,
    ) -> Result<T> {
        self.transact(doing, |state, real| match set(state, real) {
            Ok(answer) => Change::Keep(Ok(answer)),
            // It says what it expects.
            Err(error) => Change::Discard(Err(HostError::new(ErrorKind::Invalid, doing, error))),
        })
    }

    fn transact<T>(
        &self,
        doing: &str,
        change: impl FnOnce(&mut State, DateTime<Utc>) -> Change<Result<T>>,
    ) -> Result<T> {
        self.store
            .change(|state| change(state, (self.clock)()))
            .unwrap_or_else(|error| Err(error.while_doing(doing)))
    }

    fn present(&self, state: &State) -> Present {
        state.host.present((self.clock)())
    }

    fn read(&self, doing: &str) -> Result<Arc<State>> {
        self.store.read().map_err(|error| error.while_doing(doing))
    }
}

/// Changes the state, or leaves it as it was.
fn changed<T>(
    state: &mut State,
    real: DateTime<Utc>,
    change: impl FnOnce(&mut State, &Present) -> std::result::Result<T, Refusal>,
    doing: &str,
) -> Change<Result<T>> {
    let present = state.host.present(real);
    state.host.settle_boot(real);
    match change(state, &present) {
        Ok(answer) => Change::Keep(Ok(answer)),
        Err(refusal) => Change::Discard(Err(refusal.while_doing(doing))),
    }
}
