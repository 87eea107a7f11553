//! Holding on to a clock when its guest starts again.
//!
//! On Xen a reboot is a new domain, made from the config; stock xl forgets what the guest made of its RTC and what
//! was set from outside. Here the old domain is read before it goes, and the new one is started from that.

use timers::zone::ZoneSource;
use timers::{Basis, ClockOffset, GuestClock};
use uuid::Uuid;

use crate::apply::{ApplyError, Outcome, apply};
use crate::domain::{Action, Domain, Notes, Part};
use crate::host::{DomId, Host, HostError, RtcRecord, ShutdownReason};
use crate::plan::plan;
use crate::record::{ClockRecord, USER_DATA};

/// Why a domain was not started again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestartError {
    /// The old domain could not be read or taken away.
    #[error(transparent)]
    Host(#[from] HostError),
    /// What was kept with it cannot be understood.
    #[error("the clock record of domain {0}: {1}")]
    Record(DomId, String),
    /// The clock cannot be had any more on this host.
    #[error("{1}")]
    Refused(Part, String),
    /// The new domain failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Starts a domain anew that has shut down: tracked clocks go on from what the guest made of its RTC, all others are
/// resolved again. A domain that xenclock did not start is started from its config alone, as xl does it.
///
/// # Errors
/// When the old domain cannot be read, or the new one not be made. The old one is gone only once all of it was read.
pub fn restart(host: &dyn Host, domid: DomId, zones: &dyn ZoneSource) -> Result<Outcome, RestartError> {
    let mut config = host.stored_config(domid)?;
    let record = host.user_data(domid, USER_DATA)?;
    let Some(record) = record else {
        host.destroy(domid)?;
        let fresh = host.create_paused(&config)?;
        host.unpause(fresh)?;
        return Ok(Outcome { domid: fresh, offset: Default::default() });
    };
    let record = ClockRecord::from_bytes(&record).map_err(|why| RestartError::Record(domid, why))?;
    let clock = if record.tracked { tracked(&record.clock, host.rtc_record(domid)?) } else { record.clock };
    // The plan puts the offset where it belongs.
    config.b_info.rtc_timeoffset = 0;
    config.b_info.localtime = None;
    let domain = Domain { config, clock, notes: Notes::default() };
    let plan = plan(&domain, &host.facts()?, zones, Uuid::new_v4())
        .map_err(|(part, finding)| RestartError::Refused(part, finding.reason))?;
    host.destroy(domid)?;
    Ok(apply(&plan, host, false, &mut |_| {})?)
}

/// The clock as the guest left it: from now on counted from UTC, so that no zone can move it.
fn tracked(clock: &GuestClock, rtc: RtcRecord) -> GuestClock {
    let offset = ClockOffset::Variable { adjustment: rtc.offset, basis: Basis::Utc };
    GuestClock { offset, timers: clock.timers.clone() }
}

/// What became of a domain that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is gone.
    Destroyed,
    /// It is a new domain.
    Restarted(Outcome),
    /// It is still there, for this reason.
    Kept(&'static str),
}

/// Does with a domain that has shut down what its config says: `on_poweroff`, `on_reboot` and their kin.
///
/// # Errors
/// As [`restart`].
pub fn ended(
    host: &dyn Host,
    domid: DomId,
    reason: ShutdownReason,
    zones: &dyn ZoneSource,
) -> Result<Ended, RestartError> {
    let config = host.stored_config(domid)?;
    let action = match reason {
        ShutdownReason::Poweroff => config.on_poweroff,
        ShutdownReason::Reboot => config.on_reboot,
        ShutdownReason::Crash => config.on_crash,
        ShutdownReason::Watchdog => config.on_watchdog,
        ShutdownReason::SoftReset => config.on_soft_reset,
        ShutdownReason::Suspend => Some(Action::Preserve),
    };
    match action.unwrap_or(Action::Destroy) {
        Action::Destroy => {
            host.destroy(domid)?;
            Ok(Ended::Destroyed)
        }
        Action::Restart => restart(host, domid, zones).map(Ended::Restarted),
        Action::Preserve => Ok(Ended::Kept("its config says so")),
        Action::RestartRename | Action::CoredumpDestroy | Action::CoredumpRestart | Action::SoftReset => {
            Ok(Ended::Kept("xenclock renames nothing and writes no core dumps; xl destroy takes it away"))
        }
    }
}
