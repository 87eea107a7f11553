//! What guest clocks mean on Xen.
//!
//! Everything here is pure: the time, the zone and the host's facts come in as values, and nothing reads a clock
//! or the environment. The one thing read is the tz database, through [`zone::ZoneSource`].
//!
//! - [`clock`], [`timer`]: what is asked for, word for word (libvirt's `<clock>` and `<timer>`).
//! - [`mod@resolve`]: a clock at a moment on a host becomes one offset from UTC.
//! - [`zone`]: offsets of a zone and its next change.
//! - [`tsc`]: what Xen's `tsc_set_info` will do.
//! - [`ticks`]: tick policies of several timers become Xen's one `timer_mode`.
//! - [`hyperv`]: Hyper-V time sources as viridian groups.
//! - [`check`]: what no single timer shows: the same one twice.
//! - [`Severity`]: how bad something is for a guest's clock.
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
pub use resolve::{Moment, NextStart, OffsetSource, ResolveError, Resolved, resolve};
pub use severity::Severity;
pub use timer::{Catchup, TickPolicy, Timer, TimerMode, TimerName, Track};
pub use units::{Hertz, KiloHertz, Ppm, UtcOffset, from_utc};
pub use zone::{Zone, ZoneChange, ZoneError, ZoneSource};
