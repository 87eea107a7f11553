//! What holds for every value, not only for those of a table.

#![allow(clippy::unwrap_used)]

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use timers::ticks::{self, MissedTicks};
use timers::tsc::{self, Behaviour, TscHost, TscMode, TscRequest};
use timers::{
    Adjustment, Basis, ClockOffset, GuestKind, Hertz, KiloHertz, Moment, NextStart, TickPolicy, Timer,
    TimerName, UtcOffset, Zone, ZoneError, ZoneSource, resolve,
};

/// Has one zone, by its rule.
struct OneZone;

const RULE: &str = "EST5EDT,M3.2.0,M11.1.0";

impl ZoneSource for OneZone {
    fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
        Zone::from_posix(name)
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn release(&self) -> Option<String> {
        None
    }
}

fn kinds() -> impl Strategy<Value = GuestKind> {
    prop::sample::select(&[GuestKind::Hvm, GuestKind::Pv, GuestKind::Pvh][..])
}

/// Any number, and the interesting ones often.
fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        any::<i32>().prop_map(i64::from),
        -100_000_i64..100_000,
        -3_000_000_000_i64..6_000_000_000,
        prop::sample::select(&[i64::MIN, i64::MAX, i32::MIN as i64 - 1, i32::MAX as i64 + 1][..]),
    ]
}

fn clocks() -> impl Strategy<Value = ClockOffset> {
    let basis = prop::sample::select(&[Basis::Utc, Basis::Localtime][..]);
    let adjustment = prop_oneof![
        Just(None),
        Just(Some(Adjustment::Reset)),
        seconds().prop_map(|seconds| Some(Adjustment::Seconds(seconds))),
    ];
    prop_oneof![
        adjustment.clone().prop_map(|adjustment| ClockOffset::Utc { adjustment }),
        adjustment.prop_map(|adjustment| ClockOffset::Localtime { adjustment }),
        Just(ClockOffset::Timezone { timezone: RULE.to_owned() }),
        Just(ClockOffset::Timezone { timezone: "Mars/Olympus".to_owned() }),
        (seconds(), basis).prop_map(|(adjustment, basis)| ClockOffset::Variable { adjustment, basis }),
        seconds().prop_map(|start| ClockOffset::Absolute { start }),
    ]
}

/// 1970 to 2200, to the nanosecond.
fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..7_258_118_400, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

fn hosts() -> impl Strategy<Value = TscHost> {
    (1_u32.., any::<bool>(), any::<Option<bool>>()).prop_map(|(khz, reliable, scaling)| TscHost {
        khz: KiloHertz(khz),
        reliable,
        scaling,
    })
}

proptest! {
    #[test]
    fn kilohertz_are_exact_in_hertz(khz in 1_u32..) {
        let hertz = KiloHertz(khz).to_hz();
        prop_assert!(hertz.is_whole_khz());
        prop_assert_eq!(hertz.to_khz(), Ok(KiloHertz(khz)));
    }

    #[test]
    fn hertz_are_rounded_by_half_a_kilohertz_at_most(hertz in 500_u64..4_294_967_295_500) {
        let khz = Hertz(hertz).to_khz().unwrap();
        prop_assert!(khz.to_hz().0.abs_diff(hertz) <= 500);
        prop_assert_eq!(khz.to_hz().0 == hertz, Hertz(hertz).is_whole_khz());
    }

    #[test]
    fn libxls_unsigned_offset_comes_back(seconds: i32, raw: u32) {
        prop_assert_eq!(UtcOffset::from_libxl(UtcOffset::from(seconds).to_libxl()).seconds(), seconds);
        prop_assert_eq!(UtcOffset::from_libxl(raw).to_libxl(), raw);
    }

    #[test]
    fn offsets_are_those_of_32_bits(seconds in seconds()) {
        match UtcOffset::new(seconds) {
            Ok(offset) => prop_assert_eq!(i64::from(offset.seconds()), seconds),
            Err(error) => prop_assert!(error.0 == seconds && i32::try_from(seconds).is_err()),
        }
    }

    #[test]
    fn printed_offsets_say_every_second(seconds: i32) {
        let text = UtcOffset::from(seconds).to_string();
        let rest = text.strip_prefix("UTC").unwrap();
        let (sign, rest) = if let Some(rest) = rest.strip_prefix('-') { (-1, rest) } else { (1, rest) };
        let (days, rest) = rest.trim_start_matches('+').split_once("d ").unwrap_or(("0", rest.trim_start_matches('+')));
        let clock = rest.split(':').zip([3600, 60, 1]).filter(|(part, _)| !part.is_empty());
        let clock: i64 = clock.map(|(part, unit)| part.parse::<i64>().unwrap() * unit).sum();
        prop_assert_eq!(sign * (days.parse::<i64>().unwrap() * 86_400 + clock), i64::from(seconds));
    }

    #[test]
    fn resolving_never_panics_and_is_in_range(clock in clocks(), kind in kinds(), now in moments()) {
        let host_zone = Zone::from_posix("<+0545>-5:45").unwrap();
        let at = Moment { now, host_zone: &host_zone, zones: &OneZone };
        match resolve(&clock, kind, &at) {
            Err(error) => prop_assert!(!error.to_string().ends_with('.')),
            Ok(resolved) => {
                let shown = timers::resolve::rtc_time(now, resolved.offset.seconds().into()).unwrap().and_utc().timestamp();
                let is_set = timers::resolve::is_clock_set(now);
                match kind {
                    _ if !is_set => {}
                    GuestKind::Hvm => prop_assert!((946_684_800..4_102_444_800).contains(&shown)),
                    GuestKind::Pv | GuestKind::Pvh => prop_assert!(shown >= 0),
                }
                if let ClockOffset::Absolute { start } = clock {
                    prop_assert_eq!(shown, if is_set { start } else { now.timestamp() });
                }
                prop_assert!(!resolved.tracked || kind == GuestKind::Hvm);
                let fixed = resolved.next_start == NextStart::Fixed;
                prop_assert!(!resolved.tracked || fixed != resolved.host_clock_unset);
                prop_assert_eq!(resolved.source.as_str(), clock.effective().as_str());
                prop_assert!(resolved.foresight.is_none_or(|change| change.at > now));
            }
        }
    }

    #[test]
    fn a_zones_next_change_is_one_and_the_next(now in moments()) {
        let zone = Zone::from_posix(RULE).unwrap();
        let change = zone.next_change(now).unwrap();
        let second = chrono::TimeDelta::seconds(1);
        prop_assert!(change.at > now && change.before != change.after);
        prop_assert_eq!(zone.offset_at(now).unwrap(), change.before);
        prop_assert_eq!(zone.offset_at(change.at - second).unwrap(), change.before);
        prop_assert_eq!(zone.offset_at(change.at).unwrap(), change.after);
    }

    #[test]
    fn decisions_are_what_xen_does(
        mode in prop::sample::select(TscMode::ALL),
        hertz in any::<Option<u64>>(),
        same in any::<bool>(),
        kind in kinds(),
        host in hosts(),
    ) {
        let frequency = if same { Some(host.khz.to_hz()) } else { hertz.map(|hertz| Hertz(hertz % 5_000_000_000_000)) };
        let Ok(decision) = tsc::decide(&TscRequest { mode, frequency }, kind, &host) else {
            let khz = frequency.unwrap().to_khz();
            prop_assert!(khz.is_err() || (mode == TscMode::Native && khz != Ok(host.khz)));
            return Ok(());
        };
        prop_assert_eq!(decision.mode, mode);
        // What is passed to Xen, by libxl (0) or after it.
        let passed = decision.set_khz.map_or(0, |khz| khz.0);
        let of = |scaling| {
            let set = tsc::set_info(mode.number(), passed, kind, &TscHost { scaling: Some(scaling), ..host }).unwrap();
            assert_eq!(set.tsc_khz.unwrap_or(host.khz), decision.khz);
            match (set.emulated, set.scaled) {
                (true, false) => Behaviour::Emulated,
                (false, true) => Behaviour::Scaled,
                (false, false) => Behaviour::Native,
                (true, true) => unreachable!("emulated reads are not scaled"),
            }
        };
        match host.scaling {
            Some(scaling) => prop_assert_eq!(decision.behaviour, of(scaling)),
            None if of(true) == of(false) => prop_assert_eq!(decision.behaviour, of(true)),
            None => prop_assert_eq!(decision.behaviour, Behaviour::ScaledOrEmulated),
        }
    }

    #[test]
    fn xen_has_three_modes(number: u32, khz: u32, kind in kinds(), host in hosts()) {
        prop_assert_eq!(tsc::set_info(number, khz, kind, &host).is_ok(), number <= 2);
        let _ = TscMode::from_number(number.into());
    }

    #[test]
    fn any_text_is_a_mode_or_an_error(text in ".{0,20}") {
        let _ = TscMode::from_name(&text);
        let _ = Zone::from_posix(&text);
    }

    #[test]
    fn any_bytes_are_a_zone_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Zone::from_tzif("x", &bytes);
        let _ = Zone::from_tzif("x", &[b"TZif2".as_slice(), &bytes].concat());
    }

    #[test]
    fn one_timer_decides_and_the_others_agree_or_are_overruled(
        asked in prop::collection::vec(
            (prop::sample::select(TimerName::ALL), prop::option::of(prop::sample::select(TickPolicy::ALL))),
            0..8,
        ),
    ) {
        let timers: Vec<_> =
            asked.into_iter().map(|(name, tickpolicy)| Timer { tickpolicy, ..Timer::named(name) }).collect();
        let decision = ticks::decide(&timers);
        prop_assert_eq!(decision.mode.is_some(), decision.decided_by.is_some());
        let ticking = [TimerName::Rtc, TimerName::Pit, TimerName::Hpet];
        for timer in timers.iter().filter(|timer| ticking.contains(&timer.name)) {
            if let Some(policy) = timer.tickpolicy {
                let wins = decision.mode == Some(MissedTicks::from(policy));
                prop_assert!(wins || decision.overruled.contains(&timer.name));
            }
        }
    }
}
