//! `<clock>`: exactly as requested, as far as libvirt's schema can express it.

use timers::{Adjustment, Catchup, ClockOffset, GuestClock, Timer, TimerName};

use super::element::{Element, yes_no};

pub(super) fn clock(clock: &GuestClock) -> Element {
    // libvirt has no word for the tolerance.
    let GuestClock { offset, timers, tsc_tolerance: _ } = clock;
    let element = Element::new("clock").with("offset", offset.as_str());
    let element = match offset {
        ClockOffset::Utc { adjustment } | ClockOffset::Localtime { adjustment } => {
            element.maybe("adjustment", adjustment.map(adjusted))
        }
        ClockOffset::Timezone { timezone } => element.with("timezone", timezone),
        ClockOffset::Variable { adjustment, basis } => {
            element.with("adjustment", adjustment).with("basis", basis.as_str())
        }
        ClockOffset::Absolute { start } => element.with("start", (*start).max(0)),
    };
    element.around(timers.iter().map(timer))
}

fn adjusted(adjustment: Adjustment) -> String {
    match adjustment {
        Adjustment::Reset => "reset".to_owned(),
        Adjustment::Seconds(seconds) => seconds.to_string(),
    }
}

fn timer(timer: &Timer) -> Element {
    let Timer { name, present, track, tickpolicy, catchup, frequency, mode } = timer;
    let tracks = matches!(name, TimerName::Rtc | TimerName::Platform);
    let ticks = !matches!(name, TimerName::Kvmclock | TimerName::Hypervclock);
    let is_tsc = *name == TimerName::Tsc;
    let policy = tickpolicy.filter(|_| ticks);
    let catchup = catchup.filter(|_| policy == Some(timers::TickPolicy::Catchup));
    Element::new("timer")
        .with("name", name)
        .maybe("present", present.map(yes_no))
        .maybe("track", track.filter(|_| tracks))
        .maybe("tickpolicy", policy)
        .maybe("frequency", frequency.filter(|_| is_tsc).map(|frequency| frequency.0))
        .maybe("mode", mode.filter(|_| is_tsc))
        .around(catchup.map(|Catchup { threshold, slew, limit }| {
            Element::new("catchup").maybe("threshold", threshold).maybe("slew", slew).maybe("limit", limit)
        }))
}
