//! Guests of which nobody has said anything: they count as ones with a variable clock, which is what an xl.cfg means by
//! its keys, and what they do to their RTC is kept.

use timers::resolve::{Moment, resolve};
use timers::zone::ZoneSource;
use timers::{Adjustment, Basis, ClockOffset, GuestClock, UtcOffset};

use crate::domain::{Defbool, DomainConfig};
use crate::host::HostFacts;
use crate::life::ClockRecord;
use crate::life::model::Found;
use crate::life::notice::Whose;
use crate::life::record::{Wish, WishFrom};

/// The clock that libxl's config has keys for: localtime and an offset, which libxl adds up.
pub(super) fn clock_in(config: &DomainConfig) -> ClockOffset {
    let adjustment = UtcOffset::from_libxl(config.b_info.rtc_timeoffset).seconds().into();
    match moves_rtc_by_zone(config) {
        true => ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(adjustment)) },
        false => ClockOffset::Variable { adjustment, basis: Basis::Utc },
    }
}

fn moves_rtc_by_zone(config: &DomainConfig) -> bool {
    config.b_info.localtime.is_some_and(Defbool::is_true)
}

/// Whether a restore with this config overwrites the guest's own RTC.
pub(super) fn moves_rtc(config: &DomainConfig) -> bool {
    config.b_info.rtc_timeoffset != 0 || moves_rtc_by_zone(config)
}

/// The offset that it gives then.
pub(super) fn gives(config: &DomainConfig, facts: &HostFacts, zones: &dyn ZoneSource) -> Option<i64> {
    let at = Moment { now: facts.now, host_zone: &facts.zone, zones };
    let given = resolve(&clock_in(config), config.kind(), &at).ok()?.offset.seconds();
    moves_rtc(config).then(|| given.into())
}

/// The record of a guest whose RTC stands at an offset.
pub(super) fn record(whose: &Whose, offset: i64) -> ClockRecord {
    ClockRecord::new(
        whose.uuid,
        &whose.name,
        wish(ClockOffset::Variable { adjustment: offset, basis: Basis::Utc }),
    )
}

fn wish(offset: ClockOffset) -> Wish {
    Wish { clock: GuestClock { offset, timers: Vec::new() }, from: WishFrom::Found, wrapper: false }
}

/// What was asked is what the config says, as soon as that can be read. What the guest has made of it stays.
pub(super) fn refine(record: &mut ClockRecord, config: &DomainConfig) {
    if record.wish.from == WishFrom::Found {
        record.wish = wish(clock_in(config));
    }
}

/// A new domain of such a guest: where its toolstack has put its RTC elsewhere than the config known so far does, the
/// config has changed, and counts from here.
pub(super) fn refound(record: &mut ClockRecord, found: &Found, facts: &HostFacts, zones: &dyn ZoneSource) {
    let (WishFrom::Found, Some(offset)) = (&record.wish.from, found.offset) else { return };
    let at = Moment { now: facts.now, host_zone: &facts.zone, zones };
    let known =
        resolve(&record.wish.clock.offset, found.kind, &at).map(|known| i64::from(known.offset.seconds()));
    if known != Ok(offset) {
        record.asked(wish(ClockOffset::Variable { adjustment: offset, basis: Basis::Utc }));
    }
}
