//! The clock of a guest's next cold start, on any host: the one rule for the start itself, for what is said of it, and for what
//! preflight predicts.

use timers::resolve::{Moment, Resolved};
use timers::tsc::{TscDecision, TscHost};
use timers::{GuestClock, GuestKind};

use super::record::{ClockRecord, RequestOrigin};
use crate::plan::{Refusal, work_out_at};

/// A clock that a host can give at a moment.
#[derive(Clone, Debug)]
pub(crate) struct WorkedOut {
    /// The clock.
    pub clock: GuestClock,
    /// Its offset.
    pub rtc: Resolved,
    /// Its TSC.
    pub tsc: TscDecision,
    /// Why the guest's own changes are dropped, where they are.
    pub dropped: Option<Refusal>,
}

impl ClockRecord {
    /// Works out the next cold start: with what the guest made of its clock where that is tracked and can be had, else as
    /// requested.
    ///
    /// # Errors
    /// When the requested clock cannot be had there: the guest then stays down.
    pub(crate) fn work_out_next(
        &self,
        kind: GuestKind,
        at: &Moment<'_>,
        host: &TscHost,
    ) -> Result<WorkedOut, Refusal> {
        let clock = self.next_clock();
        match work_out_at(&clock, kind, at, host) {
            Ok((rtc, tsc)) => Ok(WorkedOut { clock, rtc, tsc, dropped: None }),
            Err(refusal) => {
                let clock = self.request.clock.clone();
                let (rtc, tsc) = work_out_at(&clock, kind, at, host)?;
                Ok(WorkedOut { clock, rtc, tsc, dropped: Some(refusal) })
            }
        }
    }

    /// The requested clock. Where nobody has requested one, its timers are in the guest's config alone, which has this clock.
    #[must_use]
    pub(crate) fn requested_beside(&self, in_config: &GuestClock) -> GuestClock {
        let clock = self.request.clock.clone();
        match self.request.from {
            RequestOrigin::Unmanaged => GuestClock { timers: in_config.timers.clone(), ..clock },
            _ => clock,
        }
    }
}
