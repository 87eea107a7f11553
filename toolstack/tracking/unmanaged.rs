//! Guests without a requested clock: they count as guests with a variable clock, which is the meaning of an xl.cfg's
//! keys, and their changes to their RTC are kept.

use timers::resolve::{Moment, ResolveError, offset_at};
use timers::zone::ZoneSource;
use timers::{Basis, ClockOffset, GuestClock, UtcOffset};
use uuid::Uuid;

use crate::domain::DomainConfig;
use crate::domain::project::{clock_of, clock_with_timers_of, offset_of};
use crate::host::HostFacts;
use crate::lifecycle::ClockRecord;
use crate::lifecycle::event::DomainRef;
use crate::lifecycle::model::Discovered;
use crate::lifecycle::record::{Request, RequestOrigin};

fn bare(offset: ClockOffset) -> GuestClock {
    GuestClock::new(offset, Vec::new())
}

/// True if a restore with this config overwrites the guest's own RTC.
pub(super) fn moves_rtc(config: &DomainConfig) -> bool {
    config.b_info.rtc_timeoffset != 0 || config.is_localtime()
}

/// The offset that it gives then. libxl sets no sum of 0, and so the guest's own stays.
pub(super) fn gives(config: &DomainConfig, facts: &HostFacts) -> Option<i64> {
    here(config, facts).ok().filter(|given| *given != 0)
}

/// The offset that a toolstack gives a domain with this config here and now, in seconds ahead of UTC.
pub(super) fn here(config: &DomainConfig, facts: &HostFacts) -> Result<i64, ResolveError> {
    Ok(offset_of(config, facts.now, &facts.zone)?.seconds().into())
}

/// The record of a guest of which nothing is known but its config.
#[must_use]
pub fn found_in(config: &DomainConfig, uuid: Uuid, name: &str) -> ClockRecord {
    ClockRecord::new(uuid, name, request(clock_of(config)))
}

/// The clock that is requested for a guest. Where nobody has requested one, its timers are in its config alone.
#[must_use]
pub fn requested(record: &ClockRecord, config: &DomainConfig) -> GuestClock {
    record.requested_beside(&clock_with_timers_of(config))
}

/// The record of a guest whose RTC stands at an offset.
pub(super) fn record(domain_ref: &DomainRef, offset: i64) -> ClockRecord {
    ClockRecord::new(domain_ref.uuid, &domain_ref.name, request(standing_at(offset)))
}

/// An offset that Xen cannot be told is dropped, as at the next start of any guest: a request for it would be refused.
fn standing_at(offset: i64) -> GuestClock {
    let adjustment = UtcOffset::new(offset).map_or(0, |offset| offset.seconds().into());
    bare(ClockOffset::Variable { adjustment, basis: Basis::Utc })
}

/// A clock that nobody asked for.
pub(super) fn request(clock: GuestClock) -> Request {
    Request::new(clock, RequestOrigin::Unmanaged)
}

/// The offset in a config without localtime, which is the only kind that xenclock writes.
pub(super) fn offset_in(config: &DomainConfig) -> Option<i64> {
    (!config.is_localtime()).then(|| UtcOffset::from_libxl(config.b_info.rtc_timeoffset).seconds().into())
}

/// Makes the config's clock the request, as soon as it can be read. The guest's own changes stay. A config that xenclock
/// has written says nothing of its toolstack's; that of a restored guest may have been written on another host.
pub(super) fn refine(record: &mut ClockRecord, config: &DomainConfig, is_restored: bool) {
    if record.request.from != RequestOrigin::Unmanaged {
        return;
    }
    match offset_in(config) {
        Some(offset) if record.config_offsets.contains(&offset) => {}
        Some(offset) if is_restored => record.config_written(offset),
        _ => record.request = request(clock_of(config)),
    }
}

/// A new domain of such a guest: where its toolstack has put its RTC elsewhere than the config known so far does, the
/// config has changed, and counts from here. What xenclock has written into it is no change.
pub(super) fn refound(
    record: &mut ClockRecord,
    found: &Discovered,
    facts: &HostFacts,
    zones: &dyn ZoneSource,
) {
    let (RequestOrigin::Unmanaged, Some(offset)) = (&record.request.from, found.offset) else { return };
    let at = Moment { now: facts.now, host_zone: &facts.zone, zones };
    let given = offset_at(&record.request.clock.offset, &at).ok().map(|given| given.seconds().into());
    let is_as_before = given == Some(offset) || record.config_offsets.contains(&offset);
    if !is_as_before {
        record.config_offsets.clear();
        record.set_request(standing_at(offset), RequestOrigin::Unmanaged, facts.now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use timers::zone::default_zones;
    use timers::{Adjustment, GuestKind};
    use uuid::Uuid;

    use super::*;
    use crate::domain::Defbool;
    use crate::host::mock::Mock;
    use crate::host::{DomId, Host};

    /// In Berlin, in winter.
    fn facts() -> HostFacts {
        let mock = Mock::in_memory(Box::new(|| "2026-01-10T12:00:00Z".parse().unwrap()));
        mock.set_fact("timezone", "Europe/Berlin").unwrap();
        mock.facts().unwrap()
    }

    fn config(seconds: i32, localtime: Option<Defbool>) -> DomainConfig {
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.b_info.rtc_timeoffset = UtcOffset::new(seconds.into()).unwrap().to_libxl();
        config.b_info.localtime = localtime;
        config
    }

    fn known(offset: i64) -> ClockRecord {
        let domain_ref = DomainRef { domid: DomId(1), uuid: Uuid::nil(), name: "guest".to_owned() };
        record(&domain_ref, offset)
    }

    fn found(offset: Option<i64>) -> Discovered {
        let (boot, domid, kind) = (String::new(), DomId(2), GuestKind::Hvm);
        Discovered { boot, domid, kind, offset, incarnation: 1, has_run: false, config_offset: None }
    }

    #[test]
    fn what_a_config_says_and_what_it_gives() {
        let localtime = |seconds| ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(seconds)) };
        let variable = |adjustment| ClockOffset::Variable { adjustment, basis: Basis::Utc };
        for (seconds, local, says, gives_here) in [
            (0, None, variable(0), None),
            (0, Some(Defbool::False), variable(0), None),
            (-18_000, None, variable(-18_000), Some(-18_000)),
            (0, Some(Defbool::True), localtime(0), Some(3600)),
            (600, Some(Defbool::True), localtime(600), Some(4200)),
            // Here and now the two make nothing, elsewhere they would.
            (-3600, Some(Defbool::True), localtime(-3600), None),
        ] {
            let config = config(seconds, local);
            assert_eq!(clock_of(&config).offset, says);
            assert_eq!(moves_rtc(&config), (seconds, local.is_some_and(Defbool::is_true)) != (0, false));
            assert_eq!(gives(&config, &facts()), gives_here);
        }
    }

    #[test]
    fn of_who_spoke_the_word_stands() {
        let mut record = known(5);
        record.request.from = RequestOrigin::Create;
        let before = record.clone();
        refine(&mut record, &config(3600, None), false);
        refound(&mut record, &found(Some(99)), &facts(), &*default_zones());
        assert_eq!(record, before);
    }

    #[test]
    fn a_config_that_was_edited_counts_and_one_that_was_not_leaves_the_guest_its_own() {
        let zones = default_zones();
        let mut record = known(3600);
        record.last = Some(crate::lifecycle::record::Seen::new(3620, facts().now));
        refine(&mut record, &config(0, Some(Defbool::True)), false);
        let tracked = |record: &ClockRecord| record.next_clock().offset;
        let goes_on = ClockOffset::Variable { adjustment: 3620, basis: Basis::Utc };
        // The toolstack has put it where the config does: nothing is new.
        refound(&mut record, &found(Some(3600)), &facts(), &*zones);
        assert_eq!((tracked(&record), record.offset_changed), (goes_on.clone(), false));
        // A guest without RTC shows nothing.
        refound(&mut record, &found(None), &facts(), &*zones);
        assert_eq!(tracked(&record), goes_on);
        refound(&mut record, &found(Some(60)), &facts(), &*zones);
        let edited = ClockOffset::Variable { adjustment: 60, basis: Basis::Utc };
        assert_eq!((tracked(&record), record.offset_changed), (edited, true));
    }

    #[test]
    fn a_config_that_xenclock_has_written_is_no_edited_one() {
        let zones = default_zones();
        let mut record = known(3600);
        record.last = Some(crate::lifecycle::record::Seen::new(3620, facts().now));
        let goes_on = ClockOffset::Variable { adjustment: 3620, basis: Basis::Utc };
        // Restored by xenclock, which takes the offset out of the config; and saved by it, which writes the guest's own.
        record.config_written(0);
        record.config_written(3620);
        for (seconds, is_restored) in [(0, false), (3620, true)] {
            refine(&mut record, &config(seconds, None), is_restored);
            assert_eq!(record.request, request(standing_at(3600)));
        }
        // What another host's xenclock has written comes with a restore only.
        refine(&mut record, &config(3590, None), true);
        for offset in [3600, 0, 3620, 3590] {
            refound(&mut record, &found(Some(offset)), &facts(), &*zones);
            assert_eq!(
                (record.next_clock().offset, record.offset_changed),
                (goes_on.clone(), false),
                "{offset}"
            );
        }
        refound(&mut record, &found(Some(60)), &facts(), &*zones);
        assert_eq!((record.next_clock().offset, record.offset_changed), (standing_at(60).offset, true));
        // From there it counts anew.
        assert_eq!(record.config_offsets, [0; 0]);
    }
}
