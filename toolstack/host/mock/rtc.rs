//! A domain's time of day: the offset from UTC that Xen keeps for every domain, and an HVM guest's CMOS clock.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::refusal::{Errno, Refusal};
use crate::host::RtcRecord;

/// Xen's `time_offset` of one domain, with its CMOS clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeOfDay {
    /// Seconds ahead of UTC.
    offset: i64,
    /// True if a toolstack has set it: then a restore does not take the stream's. A guest's own write leaves this.
    set: bool,
    /// The CMOS registers. They follow the clock only while the guest runs.
    cmos: NaiveDateTime,
}

impl TimeOfDay {
    /// A new domain's: UTC.
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        TimeOfDay { offset: 0, set: false, cmos: registers(now, 0) }
    }

    /// Seconds ahead of UTC: of the CMOS clock, and of the wallclock that PV drivers see.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// `settimeoffset`. The CMOS registers follow once the guest runs.
    pub(super) fn set_offset(&mut self, offset: i64) {
        self.offset = offset;
        self.set = true;
    }

    /// Loads a saved RTC. What a toolstack has set before wins over the saved offset.
    pub(super) fn load(&mut self, saved_offset: i64, now: DateTime<Utc>) {
        if !self.set {
            self.offset = saved_offset;
        }
        self.catch_up(now);
    }

    /// Brings the CMOS registers up to date, as a running guest's are.
    pub(super) fn catch_up(&mut self, now: DateTime<Utc>) {
        self.cmos = registers(now, self.offset);
    }

    /// The HVM save record.
    #[must_use]
    pub fn record(&self) -> RtcRecord {
        RtcRecord { offset: self.offset, cmos: self.cmos }
    }

    /// The guest sets its clock: the offset moves by the difference.
    pub(super) fn write(&mut self, to: NaiveDateTime, now: DateTime<Utc>) -> Result<(), Refusal> {
        if !(2000..2100).contains(&to.year()) {
            return Err(Refusal::new(
                Errno::Inval,
                format!("an RTC has two digits for the year, and {to} is outside 2000 to 2099"),
            ));
        }
        // Xen compares with the whole year that its clock stands at, not with the two digits the guest sees.
        self.offset = to.and_utc().timestamp() - now.timestamp();
        self.catch_up(now);
        Ok(())
    }

    /// The guest reads its clock and sets it this many seconds later.
    pub(super) fn shift(&mut self, seconds: i64, now: DateTime<Utc>) -> Result<(), Refusal> {
        let to = TimeDelta::try_seconds(seconds)
            .and_then(|delta| registers(now, self.offset).checked_add_signed(delta))
            .ok_or_else(|| {
                Refusal::new(Errno::Inval, format!("{seconds} seconds are more than an RTC can move"))
            })?;
        self.write(to, now)
    }
}

/// The registers of a CMOS clock: whole seconds, and a year of two digits that reads as 20xx.
fn registers(now: DateTime<Utc>, offset: i64) -> NaiveDateTime {
    let shown = now.timestamp().checked_add(offset).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let shown = shown.unwrap_or(DateTime::UNIX_EPOCH).naive_utc();
    // Only the last two digits of a year are there; 2000 to 2099 have a February 29 wherever they had one, so
    // the date exists.
    shown.with_year(2000 + shown.year().rem_euclid(100)).unwrap_or(shown)
}
