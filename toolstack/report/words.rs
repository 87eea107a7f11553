//! Texts that the formats of a report share.

use chrono::DateTime;
use timers::{Basis, ClockOffset};

/// A number with its noun: `1 thing`, `3 things`.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The clock that a guest requests, in a few words.
#[must_use]
pub fn clock_words(clock: &ClockOffset, has_rtc: bool) -> String {
    match clock.effective() {
        ClockOffset::Utc { .. } => "UTC".to_owned(),
        ClockOffset::Localtime { .. } => "the host's local time".to_owned(),
        ClockOffset::Timezone { timezone } => format!("the time in {timezone}"),
        ClockOffset::Variable { adjustment, basis } => {
            let basis = match basis {
                Basis::Utc => "UTC",
                Basis::Localtime => "the host's local time",
            };
            let adjusted =
                if adjustment == 0 { basis.to_owned() } else { format!("{basis} {adjustment:+} s") };
            // A guest without an RTC cannot change its wallclock.
            if has_rtc { format!("{adjusted}, which the guest may change") } else { adjusted }
        }
        ClockOffset::Absolute { start } => match DateTime::from_timestamp(start, 0) {
            Some(start) => format!("{} at each start", start.format("%Y-%m-%dT%H:%M:%SZ")),
            None => "a fixed time at each start".to_owned(),
        },
    }
}
