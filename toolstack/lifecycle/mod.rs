//! A guest's clock over the guest's whole life: the record, and the effect of each event on it. Pure.
//!
//! - [`record`]: the record, one for each guest, by its UUID.
//! - [`host_clock`]: changes of the host's own clock and zone.
//! - [`watched`]: the time for which services have watched the host.
//! - [`model`]: an event is a function from a record to a record; and the action for a newly introduced domain.
//! - `next`: the clock of the next cold start.
//! - [`event`]: the reported events.
//!
//! While a guest runs, the offset of its RTC belongs to the guest: a save, a restore, a migration or a soft reset never
//! moves it, whatever clock was requested. At a cold start a tracked clock continues from the last offset, and any
//! other clock is resolved again.

pub mod event;
pub mod host_clock;
pub mod model;
pub(crate) mod next;
pub mod record;
pub mod watched;

pub use event::{ClockEvent, EventKind};
pub use record::ClockRecord;
pub use watched::Watched;
