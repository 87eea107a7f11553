//! The semantics of guest clocks on Xen.
//!
//! Everything here is pure: the time, the zone and the host's facts are arguments, and no function reads a clock or the
//! environment. Only the tz database is read, through [`zone::ZoneSource`].
//!
//! - [`clock`], [`timer`]: the requested clock, as written (libvirt's `<clock>` and `<timer>`).
//! - [`mod@resolve`]: resolves a clock on a host, at a given time, to one offset from UTC.
//! - [`zone`]: offsets of a zone and its next change.
//! - [`tsc`]: the behaviour of Xen's `tsc_set_info`.
//! - [`ticks`]: combines the tick policies of several timers into Xen's one `timer_mode`.
//! - [`hyperv`]: Hyper-V time sources as viridian groups.
//! - [`check`]: checks across timers, such as the same timer twice.
//! - [`Severity`]: the severity of an effect on a guest's clock.
//! - [`units`]: hertz, kilohertz, offsets from UTC.

#![forbid(unsafe_code)]

pub mod check;
pub mod clock;
pub mod hyperv;
pub mod resolve;
mod severity;
pub mod ticks;
pub mod timer;
pub mod tsc;
pub mod units;
mod words;
pub mod zone;

pub use clock::{Adjustment, Basis, ClockOffset, GuestClock, GuestKind};
pub use resolve::{Moment, NextStart, OffsetSource, ResolveError, Resolved, offset_at, resolve};
pub use severity::Severity;
pub use timer::{Catchup, TickPolicy, Timer, TimerMode, TimerName, Track};
pub use units::{Hertz, KiloHertz, Ppm, UtcOffset, from_utc};
pub use zone::{Zone, ZoneChange, ZoneError, ZoneSource};
