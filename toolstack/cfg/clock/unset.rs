//! Taking settings of a clock back.

use ::timers::{Basis, ClockOffset, GuestClock, Timer, TimerName};

/// A clock without a setting, as it would be had nobody written it; `None` if a clock has no such setting.
#[must_use]
pub fn without(mut clock: GuestClock, key: &str) -> Option<GuestClock> {
    match key {
        "clock_offset" | "clock_timezone" | "clock_start" | "localtime" | "rtc_timeoffset" => {
            clock.offset = ClockOffset::default();
        }
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
