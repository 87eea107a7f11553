//! The `clock_*` keys of an xl.cfg: the parts of a clock that libxl cannot express. Stock xl ignores them.

use timers::{Adjustment, Catchup, ClockOffset, GuestClock, GuestKind, Timer, TimerMode, TimerName};

use super::value::Value;

/// The keys for what plain keys of xl do not say of this clock.
#[must_use]
pub fn keys(clock: &GuestClock, kind: GuestKind) -> Vec<(&'static str, Value)> {
    let mut keys = offset_keys(&clock.offset);
    if let Some(frequency) = clock.tsc_frequency() {
        keys.push(("clock_tsc_frequency", Value::from(frequency.0)));
    }
    if let Some(tolerance) = clock.tsc_tolerance {
        keys.push(("clock_tsc_tolerance", Value::from(i64::from(tolerance.ppm()))));
    }
    let timers: Vec<_> = clock
        .timers
        .iter()
        .filter(|timer| !said_by_plain_keys(timer, kind))
        .map(|timer| Value::from(words(timer)))
        .collect();
    if !timers.is_empty() {
        keys.push(("clock_timers", Value::List(timers)));
    }
    keys
}

fn offset_keys(offset: &ClockOffset) -> Vec<(&'static str, Value)> {
    let mut keys = Vec::new();
    let mut name = true;
    match offset {
        ClockOffset::Utc { adjustment: None } | ClockOffset::Localtime { adjustment: None } => name = false,
        ClockOffset::Utc { adjustment: Some(adjustment) }
        | ClockOffset::Localtime { adjustment: Some(adjustment) } => {
            keys.push((
                "clock_adjustment",
                match adjustment {
                    Adjustment::Reset => Value::from("reset"),
                    Adjustment::Seconds(seconds) => Value::from(*seconds),
                },
            ));
        }
        ClockOffset::Timezone { timezone } => keys.push(("clock_timezone", Value::from(timezone.as_str()))),
        ClockOffset::Variable { adjustment, basis } => {
            keys.push(("clock_adjustment", Value::from(*adjustment)));
            keys.push(("clock_basis", Value::from(basis.as_str())));
        }
        ClockOffset::Absolute { start } => keys.push(("clock_start", Value::from(*start))),
    }
    if name {
        keys.insert(0, ("clock_offset", Value::from(offset.as_str())));
    }
    keys
}

/// True if `tsc_mode`, `clock_tsc_frequency` or `hpet` say all that the timer says.
fn said_by_plain_keys(timer: &Timer, kind: GuestKind) -> bool {
    let Timer { name, present, track, tickpolicy, catchup, frequency: _, mode } = timer;
    let nothing_else = track.is_none() && tickpolicy.is_none() && catchup.is_none();
    match name {
        TimerName::Tsc => {
            let plain = matches!(mode, None | Some(TimerMode::Auto | TimerMode::Native | TimerMode::Emulate));
            nothing_else && plain && *present != Some(false)
        }
        TimerName::Hpet => nothing_else && mode.is_none() && kind == GuestKind::Hvm,
        _ => false,
    }
}

/// A timer as `key=value,key=value`.
fn words(timer: &Timer) -> String {
    let yes_no = |yes| if yes { "yes" } else { "no" }.to_owned();
    let Catchup { threshold, slew, limit } = timer.catchup.unwrap_or_default();
    let frequency = timer.frequency.filter(|_| timer.name != TimerName::Tsc);
    let all = [
        ("name", Some(timer.name.to_string())),
        ("present", timer.present.map(yes_no)),
        ("track", timer.track.map(|track| track.to_string())),
        ("tickpolicy", timer.tickpolicy.map(|policy| policy.to_string())),
        ("threshold", threshold.map(|number| number.to_string())),
        ("slew", slew.map(|number| number.to_string())),
        ("limit", limit.map(|number| number.to_string())),
        ("frequency", frequency.map(|frequency| frequency.0.to_string())),
        ("mode", timer.mode.map(|mode| mode.to_string())),
    ];
    let given: Vec<_> =
        all.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))).collect();
    given.join(",")
}
