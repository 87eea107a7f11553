//! The events of a service, compared with the state of the hosts at the time of each event.

use timers::{Adjustment, Basis, ClockOffset};
use xenclock::host::Host;
use xenclock::lifecycle::host_clock::StepEffect;
use xenclock::lifecycle::{ClockEvent, EventKind};

use crate::known::{Guest, What};
use crate::op::{By, ZONES};
use crate::world::{Told, World};

/// The words for where an offset is from: of the clock that was requested, or of one that the guest has moved.
pub fn is_source(said: &str, requested: &ClockOffset) -> bool {
    let said = said.strip_suffix(", when the host's clock was not set").unwrap_or(said);
    let by = |adjustment: &Option<Adjustment>| match adjustment {
        Some(Adjustment::Seconds(seconds)) => Some(*seconds),
        _ => None,
    };
    let local = |zone: &str, by: Option<i64>| match by {
        Some(by) => format!("{by} s from local time of {zone}"),
        None => format!("local time of {zone}"),
    };
    let in_any_zone = |by| ZONES.iter().any(|zone| said == local(zone, by));
    let moved = || {
        let seconds = said.strip_suffix(", set by clock-set").unwrap_or(said).strip_suffix(" s from UTC");
        seconds.is_some_and(|seconds| seconds.parse::<i64>().is_ok())
    };
    match requested {
        _ if said.ends_with("set by clock-set") => moved(),
        ClockOffset::Utc { adjustment } => match by(adjustment) {
            Some(_) => moved(),
            None => said == "UTC",
        },
        ClockOffset::Localtime { adjustment } => match by(adjustment) {
            Some(by) => in_any_zone(Some(by)) || moved(),
            None => in_any_zone(None),
        },
        ClockOffset::Timezone { timezone } => said == format!("time zone {timezone}"),
        ClockOffset::Variable { adjustment, basis: Basis::Localtime } => {
            in_any_zone(Some(*adjustment)) || moved()
        }
        ClockOffset::Variable { .. } => moved(),
        ClockOffset::Absolute { .. } => said.starts_with("fixed start 20"),
    }
}

impl World<'_> {
    /// What was told in one go, of domains that are still there: it leads to where each clock stands now.
    pub fn check_told(&mut self, site: usize, told: &[ClockEvent]) -> Told {
        let now = self.facts(site).now;
        let there = self.mock(site).domains().unwrap();
        for event in told {
            if event.time.timestamp_millis() != now.timestamp_millis() {
                return Err(format!("told at {now}: {event:?}"));
            }
            let Some(of) = &event.domain else { continue };
            let is_there = there.iter().any(|domain| domain.domid == of.domid);
            if is_there && event.kind == EventKind::Gone {
                return Err(format!("the domain is there: {event:?}"));
            }
            let lives = |guest: &Guest| guest.lives_as(site, of.domid);
            let Some(guest) = self.guests.iter().position(lives) else { continue };
            self.tally.told += 1;
            self.check_event(guest, site, event)?;
        }
        for guest in 0..self.guests.len() {
            let Some((_, domid)) = self.place(guest).filter(|(at, _)| *at == site) else { continue };
            let of = |event: &&ClockEvent| event.domain.as_ref().is_some_and(|of| of.domid == domid);
            let Some(last) = told.iter().filter(of).filter_map(|event| offset(&event.kind)).next_back()
            else {
                continue;
            };
            let is = self.offset(guest)?;
            if last != is {
                let name = &self.guests[guest].name;
                return Err(format!("the clock of {name} is told to be at {last} s, and is at {is} s"));
            }
        }
        Ok(())
    }

    fn check_event(&self, guest: usize, site: usize, event: &ClockEvent) -> Told {
        let Guest { spec, uuid, kept, .. } = &self.guests[guest];
        let has_rtc = spec.kind.has_rtc();
        let right = match &event.kind {
            EventKind::ClockSet { tsc_khz, source, .. } => {
                let rate = self.rate(guest)?;
                // The request that a record goes on with may be another's, where it was not known to be this guest's.
                let requested = match &kept[site].what {
                    What::Sure(_) => true,
                    What::Nothing => spec.by == By::Asked,
                    What::Doubt => false,
                };
                tsc_khz.is_none_or(|khz| khz == rate) && (!requested || is_source(source, &spec.offset))
            }
            EventKind::TooLate { tsc_khz_missed, .. } => {
                let rate = self.rate(guest)?;
                // A record in doubt may have another's request.
                let in_doubt = kept[site].what == What::Doubt;
                in_doubt
                    || tsc_khz_missed.is_none_or(|khz| khz != rate || spec.mode() != timers::TimerMode::Auto)
            }
            EventKind::RtcChange { before, offset } => has_rtc && before != offset,
            EventKind::Followed { offset, .. } => offset.is_some() == has_rtc,
            EventKind::PutRight { before, .. } => before.is_some() == has_rtc,
            EventKind::Ended { offset, .. } => offset.is_some() == has_rtc,
            // No service here has a tolerance.
            EventKind::TscNative { .. } | EventKind::TscLeft { .. } => false,
            EventKind::HostClockStep { effect, .. } => *effect == Some(StepEffect::on(spec.kind)),
            EventKind::HostZoneChange { offset_before, offset, .. } => offset_before != offset,
            EventKind::Gone
            | EventKind::RecordSetAside { .. }
            | EventKind::RecordRestored
            | EventKind::Failed { .. } => true,
            // One that these stories do not know.
            _ => false,
        };
        match right && event.domain.as_ref().is_some_and(|of| of.uuid == *uuid) {
            true => Ok(()),
            false => Err(format!("of {} this is told: {event:?}", self.guests[guest].name)),
        }
    }
}

/// Where a clock is told to be.
fn offset(kind: &EventKind) -> Option<i64> {
    match kind {
        EventKind::RtcChange { offset, .. }
        | EventKind::ClockSet { offset, .. }
        | EventKind::TooLate { offset, .. }
        | EventKind::PutRight { offset, .. } => Some(*offset),
        EventKind::Followed { offset, .. } | EventKind::Ended { offset, .. } => *offset,
        _ => None,
    }
}
