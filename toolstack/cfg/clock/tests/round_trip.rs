//! A written clock is read back unchanged.

use ::timers::{Catchup, UtcOffset};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::diag::{Report, Source};
use crate::domain::project::{self, OffsetIn};
use crate::domain::release::XenVersion;
use crate::domain::{Domain, DomainConfig};
use crate::write;

/// The clock as it is written and read back, where xl is given this offset for what it has no word for.
fn through_xl(clock: &GuestClock, kind: GuestKind, now: UtcOffset) -> (GuestClock, String) {
    let mut config = DomainConfig::new(kind);
    config.c_info.name = Some("guest".to_owned());
    let domain = Domain::new(config.clone(), clock.clone());
    project::clock(&mut config, clock, OffsetIn::Intent(now));
    let text =
        write::xl::write(&domain, &config, &Report::new(Source::new("-", String::new())), XenVersion::NEWEST)
            .text;
    let cfg = parse("written", text.as_bytes()).unwrap();
    assert_eq!(cfg.kind(), Some(kind));
    let back = read(&cfg, kind).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(back.report.losses().count(), 0, "{text}");
    (back.clock, text)
}

/// The common form of two ways to write the same: plain keys have one.
fn the_same(mut clock: GuestClock, kind: GuestKind) -> GuestClock {
    for timer in &mut clock.timers {
        timer.catchup = timer.catchup.filter(|catchup| *catchup != Catchup::default());
        let nothing_else = timer.track.is_none() && timer.tickpolicy.is_none() && timer.catchup.is_none();
        match timer.name {
            // A TSC is always there, and the hypervisor decides unless told otherwise.
            TimerName::Tsc if nothing_else => {
                timer.present = timer.present.filter(|present| !present);
                if timer.present.is_none() {
                    timer.mode = timer.mode.filter(|mode| *mode != TimerMode::Auto);
                }
            }
            // A timer that is named is there; a HPET has no frequency to set.
            TimerName::Hpet if nothing_else && timer.mode.is_none() && kind == GuestKind::Hvm => {
                timer.present.get_or_insert(true);
                timer.frequency = None;
            }
            _ => {}
        }
    }
    clock.timers.retain(|timer| *timer != Timer::named(TimerName::Tsc));
    clock.timers.sort_by_key(|timer| timer.name);
    clock
}

fn offset() -> impl Strategy<Value = ClockOffset> {
    let adjustment = || {
        proptest::option::of(prop_oneof![
            Just(Adjustment::Reset),
            any::<i32>().prop_map(|seconds| Adjustment::Seconds(seconds.into()))
        ])
    };
    prop_oneof![
        adjustment().prop_map(|adjustment| ClockOffset::Utc { adjustment }),
        adjustment().prop_map(|adjustment| ClockOffset::Localtime { adjustment }),
        "[^\\x00]{1,20}".prop_map(|timezone| ClockOffset::Timezone { timezone }),
        any::<i32>()
            .prop_map(|seconds| ClockOffset::Variable { adjustment: seconds.into(), basis: Basis::Utc }),
        any::<i64>().prop_map(|adjustment| ClockOffset::Variable { adjustment, basis: Basis::Localtime }),
        any::<i64>().prop_map(|start| ClockOffset::Absolute { start }),
    ]
}

fn timer() -> impl Strategy<Value = Timer> {
    let catchup = (any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<u32>>())
        .prop_map(|(threshold, slew, limit)| Catchup { threshold, slew, limit });
    (
        select(TimerName::ALL),
        any::<Option<bool>>(),
        proptest::option::of(select(Track::ALL)),
        proptest::option::of(select(TickPolicy::ALL)),
        proptest::option::of(catchup),
        any::<Option<u64>>(),
        proptest::option::of(select(TimerMode::ALL)),
    )
        .prop_map(|(name, present, track, tickpolicy, catchup, frequency, mode)| Timer {
            name,
            present,
            track,
            tickpolicy,
            catchup,
            frequency: frequency.map(Hertz),
            mode,
        })
}

fn clock() -> impl Strategy<Value = GuestClock> {
    let tolerance = proptest::option::of((0..=250_u32).prop_map(|ppm| Tolerance::new(ppm).unwrap()));
    (offset(), proptest::collection::vec(timer(), 0..5), tolerance).prop_map(
        |(offset, mut timers, tsc_tolerance)| {
            timers.sort_by_key(|timer| timer.name);
            timers.dedup_by_key(|timer| timer.name);
            GuestClock { offset, timers, tsc_tolerance }
        },
    )
}

proptest! {
    #[test]
    fn any_clock_is_read_back_from_the_xl_cfg_that_is_written(
        clock in clock(),
        kind in select(vec![GuestKind::Hvm, GuestKind::Pv, GuestKind::Pvh]),
        now in any::<i32>(),
    ) {
        // The clock's offset now, if that needs no zone.
        let now = match clock.offset.effective() {
            ClockOffset::Utc { .. } => UtcOffset::ZERO,
            ClockOffset::Variable { adjustment, basis: Basis::Utc } => UtcOffset::new(adjustment).unwrap(),
            _ => UtcOffset::from(now),
        };
        let (back, text) = through_xl(&clock, kind, now);
        prop_assert_eq!(the_same(back, kind), the_same(clock, kind), "{}", text);
    }
}
