//! Resolves a clock on a host, at a given time, to one offset from UTC.
//!
//! This is done once, when the domain starts, so that no later change of zone, host or summer time can move the guest's
//! clock. libvirt's QEMU driver does the same (`qemuBuildClockArgStr`); its libxl driver does not.

mod century;
mod source;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};

use crate::clock::{Basis, ClockOffset, GuestKind};
use crate::units::{OffsetError, UtcOffset};
use crate::zone::{Zone, ZoneChange, ZoneError, ZoneSource};

pub use century::meant_offset;
pub use source::OffsetSource;
use source::Second;

/// The moment and the place at which a clock is resolved.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The time on the host.
    pub now: DateTime<Utc>,
    /// The zone the host is in.
    pub host_zone: &'a Zone,
    /// The source of the zone of a timezone clock.
    pub zones: &'a dyn ZoneSource,
}

/// A resolved clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The distance of the guest's RTC (or wallclock) from UTC.
    pub offset: UtcOffset,
    /// True if what the guest does to its RTC is to be kept. Only an HVM guest has one.
    pub tracked: bool,
    /// The effect of the next cold start.
    pub next_start: NextStart,
    /// The origin of the offset.
    pub source: OffsetSource,
    /// When the zone that gave the offset will have another; the guest's RTC will not follow. `None` where no zone
    /// was used or it never changes.
    pub foresight: Option<ZoneChange>,
    /// The host's clock was not set when this was resolved, and the offset depends on the time; see [`Resolved::warning`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub host_clock_unset: bool,
}

impl Resolved {
    /// The warning for an offset that was resolved while the host's clock was not set.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let what = match &self.source {
            _ if !self.host_clock_unset => return None,
            OffsetSource::Absolute { .. } => {
                "the guest starts at UTC, because its fixed start cannot be calculated"
            }
            _ => "the guest starts with the zone's offset at this time, which may be that of another season",
        };
        let (first, end) = (Second(CLOCK_SET.start), Second(CLOCK_SET.end));
        Some(format!("the host's clock is not set: it is not between {first} and {end}; {what}"))
    }
}

/// The effect of the next cold start on the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextStart {
    /// It takes the same again, with what the guest made of it where that is tracked; from now on counted from UTC.
    Fixed,
    /// It resolves the clock again, and may come to another offset. A tracked clock's does so where the host's clock was not
    /// set, unless the guest sets its RTC.
    ResolvedAgain,
}

impl NextStart {
    /// The effect on a clock that was requested so.
    #[must_use]
    pub fn of(clock: &ClockOffset) -> Self {
        match clock.effective() {
            ClockOffset::Utc { .. } | ClockOffset::Variable { .. } => NextStart::Fixed,
            _ => NextStart::ResolvedAgain,
        }
    }
}

/// Why a clock cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A zone is unknown or has no offset now.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// The offset does not fit Xen's 32 bits.
    #[error(transparent)]
    Range(#[from] OffsetError),
    /// Xen's RTC has two digits for the year and stands in the century of 2000 (`rtc.c`), so a guest would see
    /// another year.
    #[error(
        "the guest's RTC would start at {}, expected a year from {first} to {last}, the only ones that Xen's RTC can show; \
         change the guest's offset or start, or the host's clock if that is wrong",
        Second(*shown),
        first = RTC_YEARS.start(),
        last = RTC_YEARS.end()
    )]
    RtcYear {
        /// The time that the RTC would show, in seconds since 1970-01-01T00:00:00.
        shown: i64,
    },
    /// The wallclock of a PV or PVH guest counts from 1970.
    #[error(
        "the guest's wallclock would start at {}, expected 1970-01-01T00:00:00Z or later; \
         change the guest's offset or start, or the host's clock if that is wrong",
        Second(*shown)
    )]
    BeforeEpoch {
        /// The time that the wallclock would show, in seconds since 1970-01-01T00:00:00.
        shown: i64,
    },
}

/// The years that Xen's RTC can show (`rtc_set_time` and `rtc_copy_date` in `xen/arch/x86/hvm/rtc.c`).
pub const RTC_YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;

/// 2000-01-01T00:00:00Z and the first second after 2099, in seconds since 1970.
const RTC_SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// No zone is further from UTC.
const DAY: i64 = 86_400;

/// The time that a host's clock shows once it is set, in seconds since 1970. One with an empty battery starts in 1970 or on
/// the first day of 2000, and is set by NTP later. The first and the last day that an RTC can show do not count: local time
/// may be another year there.
const CLOCK_SET: std::ops::Range<i64> = RTC_SECONDS.start + DAY..RTC_SECONDS.end - DAY;

/// True if a host's clock can be right: from 2000-01-02 to 2099-12-30.
#[must_use]
pub fn is_clock_set(now: DateTime<Utc>) -> bool {
    CLOCK_SET.contains(&now.timestamp())
}

/// Resolves a clock for a guest that starts at a moment.
///
/// While the host's clock is not set ([`is_clock_set`]) nothing is refused for the year that the guest would show: what
/// does not depend on the time starts as ever, a zone gives the offset that it has at the time shown, and an absolute
/// clock starts at UTC. [`Resolved::warning`] says so.
///
/// Utc and localtime with a number of seconds act as variable, which is libvirt's rule. An offset of a PV or PVH
/// guest moves its wallclock only.
///
/// # Errors
/// When a zone is unknown, when the offset does not fit Xen's 32 bits, or when the guest's RTC would have to show a
/// year that it cannot (HVM: 2000 to 2099; PV and PVH: from 1970).
///
/// ```
/// use timers::zone::{Zone, default_zones};
/// use timers::{ClockOffset, GuestKind, Moment, resolve};
///
/// let (utc, zones) = (Zone::utc(), default_zones());
/// let at = Moment { now: "2026-07-01T12:00:00Z".parse()?, host_zone: &utc, zones: &*zones };
/// let clock = ClockOffset::Variable { adjustment: 90, basis: timers::Basis::Utc };
/// let resolved = resolve(&clock, GuestKind::Hvm, &at)?;
/// assert_eq!(resolved.offset.seconds(), 90);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resolve(clock: &ClockOffset, kind: GuestKind, at: &Moment<'_>) -> Result<Resolved, ResolveError> {
    let now = at.now.timestamp();
    let is_set = is_clock_set(at.now);
    let Located { seconds, source, zone } = locate(clock, at)?;
    let shown = match source {
        OffsetSource::Absolute { start } => start,
        _ => now.saturating_add(seconds),
    };
    // That no RTC can show a start says more than how far away it is.
    if let OffsetSource::Absolute { .. } = source {
        check_shown(kind, shown)?;
    }
    let offset = UtcOffset::new(seconds)?;
    if is_set {
        check_shown(kind, shown)?;
    }
    let variable = matches!(source, OffsetSource::FromUtc { .. } | OffsetSource::FromLocaltime { .. });
    let host_clock_unset = !is_set && (zone.is_some() || matches!(source, OffsetSource::Absolute { .. }));
    Ok(Resolved {
        offset,
        tracked: variable && kind.has_rtc(),
        next_start: if host_clock_unset { NextStart::ResolvedAgain } else { NextStart::of(clock) },
        host_clock_unset,
        source,
        foresight: zone.and_then(|zone| zone.next_change(at.now)),
    })
}

/// The offset that libxl gives a guest with this clock at a moment. libxl does not check the year that the guest would show,
/// and its sums wrap around at 32 bits.
///
/// # Errors
/// When a zone is unknown.
///
/// ```
/// use timers::zone::{Zone, default_zones};
/// use timers::{Basis, ClockOffset, GuestKind, Moment, offset_at, resolve};
///
/// let (utc, zones) = (Zone::utc(), default_zones());
/// let at = Moment { now: "2000-02-01T00:00:00Z".parse()?, host_zone: &utc, zones: &*zones };
/// // No RTC can show 1997.
/// let clock = ClockOffset::Variable { adjustment: -74_009_000, basis: Basis::Utc };
/// assert!(resolve(&clock, GuestKind::Hvm, &at).is_err());
/// assert_eq!(offset_at(&clock, &at)?.seconds(), -74_009_000);
/// let clock = ClockOffset::Variable { adjustment: 2_147_483_648, basis: Basis::Utc };
/// assert_eq!(offset_at(&clock, &at)?.seconds(), -2_147_483_648);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn offset_at(clock: &ClockOffset, at: &Moment<'_>) -> Result<UtcOffset, ResolveError> {
    let low = locate(clock, at)?.seconds.rem_euclid(1 << 32);
    Ok(u32::try_from(low).map_or(UtcOffset::ZERO, UtcOffset::from_libxl))
}

/// A clock's offset at a moment, which may be beyond what Xen takes.
struct Located {
    seconds: i64,
    source: OffsetSource,
    /// The zone that it depends on.
    zone: Option<Zone>,
}

fn locate(clock: &ClockOffset, at: &Moment<'_>) -> Result<Located, ResolveError> {
    let (seconds, source, zone) = match clock.effective() {
        ClockOffset::Utc { .. } => (0, OffsetSource::Utc, None),
        ClockOffset::Localtime { .. } => {
            let zone = at.host_zone;
            (
                seconds_of(zone, at.now)?,
                OffsetSource::Localtime { zone: zone.name().to_owned() },
                Some(zone.clone()),
            )
        }
        ClockOffset::Timezone { timezone } => {
            let zone = at.zones.zone(&timezone)?;
            (seconds_of(&zone, at.now)?, OffsetSource::Timezone { zone: timezone }, Some(zone))
        }
        ClockOffset::Variable { adjustment, basis: Basis::Utc } => {
            (adjustment, OffsetSource::FromUtc { seconds: adjustment }, None)
        }
        ClockOffset::Variable { adjustment, basis: Basis::Localtime } => {
            let zone = at.host_zone;
            let source = OffsetSource::FromLocaltime { seconds: adjustment, zone: zone.name().to_owned() };
            (adjustment.saturating_add(seconds_of(zone, at.now)?), source, Some(zone.clone()))
        }
        // Saturated sums are far outside 32 bits, so they end as errors.
        ClockOffset::Absolute { start } => {
            let is_set = is_clock_set(at.now);
            let seconds = if is_set { start.saturating_sub(at.now.timestamp()) } else { 0 };
            (seconds, OffsetSource::Absolute { start }, None)
        }
    };
    Ok(Located { seconds, source, zone })
}

/// The time that a clock this many seconds ahead of UTC shows, in whole seconds; `None` where that is beyond all
/// calendars.
#[must_use]
pub fn rtc_time(now: DateTime<Utc>, seconds: i64) -> Option<NaiveDateTime> {
    now.naive_utc().with_nanosecond(0)?.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

fn seconds_of(zone: &Zone, now: DateTime<Utc>) -> Result<i64, ZoneError> {
    zone.offset_at(now).map(|offset| offset.seconds().into())
}

fn check_shown(kind: GuestKind, shown: i64) -> Result<(), ResolveError> {
    match kind.has_rtc() {
        true if !RTC_SECONDS.contains(&shown) => Err(ResolveError::RtcYear { shown }),
        false if shown < 0 => Err(ResolveError::BeforeEpoch { shown }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clock::Adjustment;
    use GuestKind::{Hvm, Pv, Pvh};

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";

    /// Knows New York only.
    struct Zones;

    impl ZoneSource for Zones {
        fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
            if name == "New_York" {
                Zone::from_posix(NEW_YORK)
            } else {
                Err(ZoneError::Unknown(name.to_owned()))
            }
        }

        fn names(&self) -> Vec<String> {
            Vec::new()
        }

        fn release(&self) -> Option<String> {
            None
        }
    }

    fn in_berlin(clock: &ClockOffset, kind: GuestKind, now: &str) -> Result<Resolved, ResolveError> {
        let host_zone = Zone::from_posix(BERLIN).unwrap();
        resolve(clock, kind, &Moment { now: now.parse().unwrap(), host_zone: &host_zone, zones: &Zones })
    }

    fn utc(adjustment: Option<Adjustment>) -> ClockOffset {
        ClockOffset::Utc { adjustment }
    }

    fn localtime(adjustment: Option<Adjustment>) -> ClockOffset {
        ClockOffset::Localtime { adjustment }
    }

    fn variable(adjustment: i64, basis: Basis) -> ClockOffset {
        ClockOffset::Variable { adjustment, basis }
    }

    fn zone(name: &str) -> ClockOffset {
        ClockOffset::Timezone { timezone: name.to_owned() }
    }

    #[test]
    fn every_kind_of_clock() {
        use Adjustment::{Reset, Seconds};
        use NextStart::{Fixed, ResolvedAgain};
        let start = 1_904_169_600;
        let table = [
            (utc(None), 0, false, Fixed, "UTC"),
            (utc(Some(Reset)), 0, false, Fixed, "UTC"),
            (utc(Some(Seconds(3600))), 3600, true, Fixed, "3600 s from UTC"),
            (localtime(None), 7200, false, ResolvedAgain, "local time of CET"),
            (localtime(Some(Reset)), 7200, false, ResolvedAgain, "local time of CET"),
            (localtime(Some(Seconds(-60))), 7140, true, Fixed, "-60 s from local time of CET"),
            (zone("New_York"), -14_400, false, ResolvedAgain, "time zone New_York"),
            (variable(0, Basis::Utc), 0, true, Fixed, "0 s from UTC"),
            (variable(0, Basis::Localtime), 7200, true, Fixed, "0 s from local time of CET"),
            (
                ClockOffset::Absolute { start },
                121_262_400,
                false,
                ResolvedAgain,
                "fixed start 2030-05-05T00:00:00Z",
            ),
        ];
        for (clock, seconds, tracked, next_start, source) in table {
            for kind in [Hvm, Pv, Pvh] {
                let resolved = in_berlin(&clock, kind, "2026-07-01T12:00:00Z").unwrap();
                assert_eq!(resolved.offset.seconds(), seconds, "{clock:?}");
                assert_eq!(resolved.tracked, tracked && kind == Hvm, "{clock:?} {kind:?}");
                assert_eq!(resolved.next_start, next_start, "{clock:?}");
                let text = resolved.source.to_string();
                assert_eq!(text.replace(BERLIN, "CET"), source);
                assert_eq!(resolved.source.as_str(), clock.effective().as_str());
            }
        }
    }

    #[test]
    fn foresight_is_of_the_zone_that_was_used() {
        let change = |clock: &ClockOffset| {
            let resolved = in_berlin(clock, Hvm, "2026-07-01T12:00:00Z").unwrap();
            resolved.foresight.map(|change| (change.at.to_rfc3339(), change.after.seconds()))
        };
        let berlin = Some(("2026-10-25T01:00:00+00:00".to_owned(), 3600));
        assert_eq!(change(&localtime(None)), berlin);
        assert_eq!(change(&variable(5, Basis::Localtime)), berlin);
        assert_eq!(change(&zone("New_York")), Some(("2026-11-01T06:00:00+00:00".to_owned(), -18_000)));
        for clock in [utc(None), variable(5, Basis::Utc), ClockOffset::Absolute { start: 1_904_169_600 }] {
            assert_eq!(change(&clock), None);
        }
    }

    #[test]
    fn an_unknown_zone_is_an_error() {
        let error = in_berlin(&zone("Mars/Olympus"), Hvm, "2026-07-01T12:00:00Z").unwrap_err();
        assert_eq!(error, ResolveError::Zone(ZoneError::Unknown("Mars/Olympus".to_owned())));
    }

    #[test]
    fn a_host_whose_clock_is_not_set_starts_its_guests() {
        let zoned = "the zone's offset at this time";
        for now in
            ["1970-01-01T00:00:10Z", "1999-12-31T23:59:59Z", "2000-01-01T12:00:00Z", "2106-02-07T06:28:15Z"]
        {
            for kind in [Hvm, Pv, Pvh] {
                for (clock, offset, warning) in [
                    (utc(None), 0, None),
                    (utc(Some(Adjustment::Seconds(60))), 60, None),
                    (variable(-60, Basis::Utc), -60, None),
                    (localtime(None), 3600, Some(zoned)),
                    (variable(60, Basis::Localtime), 3660, Some(zoned)),
                    (zone("New_York"), -18_000, Some(zoned)),
                    (ClockOffset::Absolute { start: 1_904_169_600 }, 0, Some("the guest starts at UTC")),
                ] {
                    let found = in_berlin(&clock, kind, now).unwrap();
                    assert_eq!(found.offset.seconds(), offset, "{clock:?} {now}");
                    match (found.warning(), warning) {
                        (None, None) => {}
                        (Some(text), Some(part)) => {
                            let times = "it is not between 2000-01-02T00:00:00Z and 2099-12-31T00:00:00Z; ";
                            assert!(text.contains(times) && text.contains(part), "{text}");
                        }
                        other => panic!("{clock:?} {now}: {other:?}"),
                    }
                }
                let unknown = in_berlin(&zone("Mars"), kind, now);
                assert!(matches!(unknown, Err(ResolveError::Zone(_))));
            }
        }
        assert_eq!(in_berlin(&localtime(None), Hvm, "2026-01-01T00:00:00Z").unwrap().warning(), None);
    }

    #[test]
    fn xens_32_bits_and_the_rtcs_century() {
        let first = RTC_SECONDS.start;
        let last = RTC_SECONDS.end - 1;
        let now = "2026-07-01T12:00:00Z";
        let at = now.parse::<DateTime<Utc>>().unwrap().timestamp();
        let table = [
            (variable(i32::MAX.into(), Basis::Utc), Hvm, now, "ok"),
            (variable(i64::from(i32::MAX) + 1, Basis::Utc), Hvm, now, "range"),
            (variable(i32::MAX.into(), Basis::Localtime), Hvm, now, "range"),
            (variable(i64::MAX, Basis::Localtime), Hvm, now, "range"),
            (variable(i64::MIN, Basis::Localtime), Pv, now, "range"),
            (variable(i32::MIN.into(), Basis::Utc), Hvm, now, "year"),
            (variable(i32::MIN.into(), Basis::Utc), Pvh, now, "epoch"),
            (variable(i64::from(i32::MIN) - 1, Basis::Utc), Pvh, now, "range"),
            (variable(first - at, Basis::Utc), Hvm, now, "ok"),
            (variable(first - at - 1, Basis::Utc), Hvm, now, "year"),
            (variable(-at, Basis::Utc), Pv, now, "ok"),
            (variable(-at - 1, Basis::Utc), Pv, now, "epoch"),
            (ClockOffset::Absolute { start: first }, Hvm, now, "ok"),
            (ClockOffset::Absolute { start: first - 1 }, Hvm, now, "year"),
            (ClockOffset::Absolute { start: 0 }, Hvm, now, "year"),
            (ClockOffset::Absolute { start: 0 }, Pvh, now, "ok"),
            (ClockOffset::Absolute { start: -1 }, Pvh, now, "epoch"),
            // 2099 is more than 68 years from 2026.
            (ClockOffset::Absolute { start: last }, Hvm, now, "range"),
            (ClockOffset::Absolute { start: last }, Hvm, "2060-01-01T00:00:00Z", "ok"),
            (ClockOffset::Absolute { start: last + 1 }, Hvm, "2060-01-01T00:00:00Z", "year"),
            (ClockOffset::Absolute { start: i64::MAX }, Hvm, now, "year"),
            (ClockOffset::Absolute { start: i64::MAX }, Pv, now, "range"),
            (ClockOffset::Absolute { start: i64::MIN }, Pv, now, "epoch"),
            (utc(None), Hvm, "1999-12-31T23:59:59Z", "ok"),
            (utc(None), Hvm, "2100-01-01T00:00:00Z", "ok"),
            (utc(None), Pv, "2100-01-01T00:00:00Z", "ok"),
            (localtime(None), Hvm, "1999-12-31T23:30:00Z", "ok"),
            (localtime(None), Hvm, "2099-12-31T23:30:00Z", "ok"),
            (localtime(None), Hvm, "2000-01-01T00:00:00Z", "ok"),
            (zone("New_York"), Hvm, "2000-01-01T00:00:00Z", "ok"),
        ];
        for (clock, kind, now, expected) in table {
            let found = match in_berlin(&clock, kind, now) {
                Ok(_) => "ok",
                Err(ResolveError::Range(_)) => "range",
                Err(ResolveError::RtcYear { .. }) => "year",
                Err(ResolveError::BeforeEpoch { .. }) => "epoch",
                Err(ResolveError::Zone(_)) => "zone",
            };
            assert_eq!(found, expected, "{clock:?} {kind:?} {now}");
        }
    }

    #[test]
    fn errors_say_what_is_possible() {
        let error = in_berlin(&ClockOffset::Absolute { start: 0 }, Hvm, "2026-07-01T12:00:00Z").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("1970-01-01T00:00:00Z") && text.contains("2000 to 2099"), "{text}");
        assert!(
            ResolveError::RtcYear { shown: i64::MAX }.to_string().contains("9223372036854775807 seconds")
        );
    }

    #[test]
    fn the_rtc_shows_local_time() {
        let shown =
            |now: &str, offset: i32| rtc_time(now.parse().unwrap(), offset.into()).map(|t| t.to_string());
        assert_eq!(shown("2026-07-01T12:00:00Z", -12_600).as_deref(), Some("2026-07-01 08:30:00"));
        assert_eq!(rtc_time(DateTime::<Utc>::MAX_UTC, 1), None);
        assert_eq!(rtc_time(DateTime::<Utc>::MIN_UTC, -1), None);
    }
}
