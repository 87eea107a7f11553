//! Taking settings of a clock back.

use ::timers::{Basis, ClockOffset, GuestClock, Timer, TimerName};

/// A clock without a setting, as it would be had nobody written it; `None` if a clock has no such setting.
#[must_use]
pub fn without(mut clock: GuestClock, key: &str) -> Option<GuestClock> {
    match key {
        "clock_offset" => clock.offset = ClockOffset::default(),
        "clock_timezone" if matches!(clock.offset, ClockOffset::Timezone { .. }) => {
            clock.offset = ClockOffset::default();
        }
        "clock_start" if matches!(clock.offset, ClockOffset::Absolute { .. }) => {
            clock.offset = ClockOffset::default();
        }
        // A setting that the clock has not, in a clock of another kind.
        "clock_timezone" | "clock_start" => {}
        "localtime" => match &mut clock.offset {
            ClockOffset::Localtime { adjustment } => {
                clock.offset = ClockOffset::Utc { adjustment: *adjustment };
            }
            ClockOffset::Variable { basis, .. } => *basis = Basis::Utc,
            ClockOffset::Utc { .. } | ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => {}
        },
        "rtc_timeoffset" => match &mut clock.offset {
            ClockOffset::Variable { basis: Basis::Utc, .. } => clock.offset = ClockOffset::default(),
            ClockOffset::Variable { basis: Basis::Localtime, .. } => {
                clock.offset = ClockOffset::Localtime { adjustment: None };
            }
            ClockOffset::Utc { adjustment } | ClockOffset::Localtime { adjustment } => *adjustment = None,
            ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => {}
        },
        "clock_adjustment" => match &mut clock.offset {
            ClockOffset::Utc { adjustment } | ClockOffset::Localtime { adjustment } => *adjustment = None,
            ClockOffset::Variable { adjustment, .. } => *adjustment = 0,
            ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => {}
        },
        "clock_basis" => {
            if let ClockOffset::Variable { basis, .. } = &mut clock.offset {
                *basis = Basis::Utc;
            }
        }
        "tsc_mode" => clock.timers.iter_mut().for_each(|timer| timer.mode = None),
        "clock_tsc_frequency" => clock.timers.iter_mut().for_each(|timer| timer.frequency = None),
        "clock_tsc_tolerance" => clock.tsc_tolerance = None,
        "clock_timers" => clock.timers.clear(),
        _ => return None,
    }
    // A TSC of which nothing is left to say.
    clock.timers.retain(|timer| *timer != Timer::named(TimerName::Tsc));
    Some(clock)
}

/// True for a value with which somebody means that a key has none.
pub(super) fn is_none(value: &str) -> bool {
    let words = ["", "none", "default", "host", "auto", "off", "no", "unset", "0"];
    words.iter().any(|word| value.trim().eq_ignore_ascii_case(word))
}

/// The remedy for such a value; `then` is what the guest has without the key.
pub(super) fn leave_out(key: &str, then: &str) -> String {
    format!(
        "leave {key} out, and the guest has {then}; xenclock clock-set DOMAIN --unset {key} takes it back"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ::timers::Adjustment;

    #[test]
    fn what_a_clock_does_not_have_is_not_taken_from_it() {
        let variable = |adjustment, basis| ClockOffset::Variable { adjustment, basis };
        let zone = ClockOffset::Timezone { timezone: "Asia/Tokyo".to_owned() };
        let local = ClockOffset::Localtime { adjustment: None };
        let fixed = ClockOffset::Localtime { adjustment: Some(Adjustment::Reset) };
        let absolute = ClockOffset::Absolute { start: 5 };
        let utc = ClockOffset::default();
        let own = |offset: &ClockOffset| match offset {
            ClockOffset::Utc { .. } => vec!["rtc_timeoffset"],
            ClockOffset::Localtime { .. } => vec!["localtime"],
            ClockOffset::Timezone { .. } => vec!["clock_timezone"],
            ClockOffset::Variable { .. } => vec!["localtime", "rtc_timeoffset"],
            ClockOffset::Absolute { .. } => vec!["clock_start"],
        };
        for offset in [&zone, &local, &absolute, &utc] {
            let clock = GuestClock::new(offset.clone(), Vec::new());
            for key in ["clock_start", "clock_timezone", "localtime", "rtc_timeoffset"] {
                let left = without(clock.clone(), key).unwrap().offset;
                let expected = if own(offset).contains(&key) { &utc } else { offset };
                assert_eq!(left, *expected, "{offset:?} without {key}");
            }
        }
        for (offset, key, left) in [
            (variable(60, Basis::Localtime), "rtc_timeoffset", local.clone()),
            (variable(60, Basis::Localtime), "localtime", variable(60, Basis::Utc)),
            (variable(60, Basis::Utc), "rtc_timeoffset", utc.clone()),
            (variable(60, Basis::Utc), "clock_start", variable(60, Basis::Utc)),
            (fixed, "localtime", ClockOffset::Utc { adjustment: Some(Adjustment::Reset) }),
            (zone.clone(), "clock_offset", utc.clone()),
        ] {
            assert_eq!(without(GuestClock::new(offset, Vec::new()), key).unwrap().offset, left, "{key}");
        }
    }
}
