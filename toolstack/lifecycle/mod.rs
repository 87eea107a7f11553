//! A guest's clock over the guest's whole life: what is kept of it, and what each happening makes of that. Pure.
//!
//! - [`record`]: what is kept, one record a domain, by its UUID.
//! - [`host_clock`]: the host's own clock and zone as they change.
//! - [`watched`]: how long services have watched the host.
//! - [`model`]: a happening is a function from a record to a record; and what is to be done with a domain that has come.
//! - [`event`]: what is told of it, as events.
//!
//! While a guest lives, the offset of its RTC is its own: a save, a restore, a migration, a soft reset never move it,
//! whatever its clock was asked to be. At a cold start a tracked clock goes on from the last offset, and any other is
//! resolved anew.

pub mod event;
pub mod host_clock;
pub mod model;
pub mod record;
pub mod watched;

pub use event::{ClockEvent, EventKind};
pub use record::ClockRecord;
pub use watched::Watched;
