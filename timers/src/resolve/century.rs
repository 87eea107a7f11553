//! The century that Xen's RTC, with its two digits for the year, puts a guest into.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};

use super::{RTC_SECONDS, rtc_time};
use crate::units::UtcOffset;

/// The offset of an RTC that stood at this offset at a moment, as its guest meant it.
///
/// An RTC has two digits for the year, and Xen takes them for one of this century (`rtc_set_time`). So where the host is in
/// another century, for its clock is not set, a guest that moves its RTC by a second is a century and a second ahead for
/// Xen. It meant the second.
///
/// ```
/// use timers::resolve::meant_offset;
///
/// let century = 36_525 * 86_400;
/// assert_eq!(meant_offset(century + 1, "1970-07-01T12:00:00Z".parse()?), 1);
/// assert_eq!(meant_offset(century + 1, "2026-07-01T12:00:00Z".parse()?), century + 1);
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn meant_offset(seconds: i64, at: DateTime<Utc>) -> i64 {
    let Some(shown) = rtc_time(at, seconds).filter(|_| UtcOffset::new(seconds).is_err()) else {
        return seconds;
    };
    if RTC_SECONDS.contains(&at.timestamp()) || !RTC_SECONDS.contains(&shown.and_utc().timestamp()) {
        return seconds;
    }
    let in_century = |years| shown.with_year(shown.year() + years);
    let off = |shown: NaiveDateTime| shown.and_utc().timestamp() - at.timestamp();
    [-100, 0, 100].into_iter().filter_map(in_century).map(off).min_by_key(|off| off.abs()).unwrap_or(seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::DAY;
    use super::*;

    #[test]
    fn what_a_guest_means_that_sets_its_rtc_on_a_host_in_another_century() {
        let (century, short) = (36_525 * DAY, 36_524 * DAY);
        for (at, seconds, meant) in [
            ("1970-01-01T00:00:10Z", century + 5, 5),
            ("1970-01-01T00:00:10Z", century - 20, -20),
            ("1999-12-31T23:59:59Z", century - 90, -90),
            // It was 2099 for it, and is 2000 now.
            ("1999-12-31T23:59:59Z", 61, 61),
            ("2106-02-07T06:28:15Z", -short, 0),
            ("2100-01-01T00:00:00Z", -1, -1),
            // What a guest can be given is meant.
            ("1999-12-31T23:59:50Z", i32::MAX.into(), i32::MAX.into()),
            ("1970-01-01T00:00:10Z", 3600, 3600),
            ("1970-01-01T00:00:10Z", -60 * 365 * DAY, -60 * 365 * DAY),
            ("2026-07-01T12:00:00Z", century, century),
            ("2026-07-01T12:00:00Z", -60, -60),
            ("1970-01-01T00:00:10Z", i64::MAX, i64::MAX),
        ] {
            assert_eq!(meant_offset(seconds, at.parse().unwrap()), meant, "{at} {seconds}");
        }
    }
}
