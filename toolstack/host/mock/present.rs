//! The present of a host, as passed to a hypercall.

use chrono::{DateTime, Utc};
use timers::tsc::TscHost;

/// The host at the time of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// The time of day.
    pub utc: DateTime<Utc>,
    /// Since the host booted. A step of the time of day does not step this.
    pub uptime_ns: u64,
    /// The host's TSC.
    pub tsc: TscHost,
}
