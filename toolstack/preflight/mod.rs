//! The effect of a move to another host on a guest's clock, told before the move.
//!
//! - [`report`]: a host and its guests, as far as clocks go: what `host-info --json` prints, and what it is read from.
//! - [`clocks`]: the clocks that a host can give.
//! - [`mod@foresee`]: a guest, the host where it is and the one where it goes: what becomes of its clock. Pure.
//! - [`pool`]: one TSC frequency for many hosts, and what it costs on each. Pure.
//!
//! The TSC's rule itself is [`timers::tsc::MovingTsc`].

pub mod clocks;
pub mod foresee;
pub mod pool;
pub mod report;

pub use foresee::{Effect, Foresight, MoveKind, Taken, foresee};
pub use pool::{Recommendation, recommend};
pub use report::{GuestReport, HostReport, Sender, TscReport};
