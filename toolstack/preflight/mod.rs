//! Predicts the effect of a move to another host on a guest's clock.
//!
//! - [`report`]: the clock facts of a host and its guests, which `host-info --json` prints, and their parser.
//! - [`clocks`]: the clocks that a host can provide.
//! - [`mod@foresee`]: the effect of a move of one guest from one host to another. Pure.
//! - [`pool`]: one TSC frequency for many hosts, and its cost on each. Pure.
//!
//! The rule for the TSC itself is [`timers::tsc::MovingTsc`].

pub mod clocks;
mod effect;
pub mod foresee;
mod next_start;
pub mod pool;
mod records;
pub mod report;

pub use effect::{Effect, Taken};
pub use foresee::{Foresight, MoveKind, foresee};
pub use pool::{Recommendation, recommend};
pub use records::REQUEST_THERE;
pub use report::{GuestReport, HostReport, Sender, TscReport};
