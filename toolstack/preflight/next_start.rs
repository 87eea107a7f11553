//! The guest's next start on the target, where that refuses it: the guest moves all the same.

use std::borrow::Cow;

use timers::resolve::Moment;
use timers::zone::{Zone, ZoneSource};
use timers::{ClockOffset, GuestClock, Severity};

use super::effect::Effect;
use super::report::{GuestReport, HostReport};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::{Request, RequestOrigin};

/// The effect of a clock that the target cannot give; `record` is the one that the guest has there.
pub(super) fn refused(
    guest: &GuestReport,
    record: Option<ClockRecord>,
    to: &HostReport,
    zones: &dyn ZoneSource,
) -> Option<Effect> {
    let record = next_record(guest, record, to, zones)?;
    let zone = zone_of(to, zones);
    let at = Moment { now: to.now, host_zone: &zone, zones };
    let refusal = record.work_out_next(guest.kind, &at, &to.tsc()).err()?;
    Some(Effect {
        effect: "next-start-refused",
        severity: Severity::Change,
        text: format!(
            "its next start there is refused: {}. Until then xenclock clock-set can request another clock",
            refusal.with_remedies()
        ),
    })
}

/// The record from which the guest starts there next. `None` if nothing is known of its clock, as in a report of an older
/// program.
fn next_record(
    guest: &GuestReport,
    record: Option<ClockRecord>,
    to: &HostReport,
    zones: &dyn ZoneSource,
) -> Option<ClockRecord> {
    let mut record = match (record, &guest.config_clock) {
        (Some(record), _) => record,
        (None, Some(clock)) => {
            ClockRecord::new(guest.uuid, &guest.name, Request::new(clock.clone(), RequestOrigin::Unmanaged))
        }
        (None, None) => return None,
    };
    if let Some(clock) = &guest.config_clock {
        record.request.clock = record.requested_beside(clock);
    }
    // Its RTC arrives as it is, and is read there.
    if let Some(offset) = guest.offset {
        record.seen(offset, to.now);
    }
    if let Some(last) = &mut record.last {
        last.at = to.now;
    }
    record.request.clock = without_unknown_zone(&record.request.clock, zones).into_owned();
    Some(record)
}

/// What the tz database of the target knows is not known here: the rest of the clock is judged without its zone.
fn without_unknown_zone<'a>(clock: &'a GuestClock, zones: &dyn ZoneSource) -> Cow<'a, GuestClock> {
    match &clock.offset {
        ClockOffset::Timezone { timezone } if zones.zone(timezone).is_err() => {
            Cow::Owned(GuestClock { offset: ClockOffset::default(), ..clock.clone() })
        }
        _ => Cow::Borrowed(clock),
    }
}

/// The target's zone: by its name, if that gives the offset that the target has now; else of that offset.
fn zone_of(to: &HostReport, zones: &dyn ZoneSource) -> Zone {
    let named = zones.zone(&to.timezone).or_else(|_| Zone::from_posix(&to.timezone)).ok();
    let Some(offset) = to.utc_offset else { return named.unwrap_or_else(Zone::utc) };
    let agrees = |zone: &Zone| zone.offset_at(to.now) == Ok(offset);
    let (seconds, sign) = (offset.seconds().unsigned_abs(), if offset.seconds() < 0 { '+' } else { '-' });
    let fixed = || {
        let rule = format!("<HOST>{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        Zone::from_posix(&rule).unwrap_or_else(|_| Zone::utc())
    };
    named.filter(agrees).unwrap_or_else(fixed)
}
