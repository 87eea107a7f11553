//! The RTC of an HVM guest: its save record, and the offset set by the toolstack.

use std::mem::size_of;
use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use timers::{GuestKind, UtcOffset};
use xen_sys::{HVM_SAVE_CODE_RTC, hvm_hw_rtc};

use super::Libxl;
use crate::host::{DomId, ErrorKind, HostError, Result, RtcRecord};

impl Libxl {
    /// The offset goes on from here at once; the CMOS registers follow when the guest runs.
    pub(super) fn write_time_offset(&self, domid: DomId, offset: UtcOffset, doing: &str) -> Result<()> {
        self.guest(domid, doing)?;
        // SAFETY: the handle is open.
        self.xc(doing, |xc| unsafe { xen_sys::xc_domain_set_time_offset(xc, domid.0, offset.seconds()) })?;
        Ok(())
    }

    pub(super) fn read_rtc(&self, domid: DomId, doing: &str) -> Result<RtcRecord> {
        let kind = self.guest(domid, doing)?.kind;
        let no_rtc = |name: &str| {
            let why = format!("domain {domid} is a {name} guest, and only HVM guests have an RTC");
            Err(HostError::new(ErrorKind::NoRtc, doing, why))
        };
        match kind {
            GuestKind::Hvm => {}
            GuestKind::Pv => return no_rtc("PV"),
            GuestKind::Pvh => return no_rtc("PVH"),
        }
        let mut record = hvm_hw_rtc { cmos_data: [0; 14], cmos_index: 0, pad0: 0, rtc_offset: 0 };
        self.xc(doing, |xc| {
            // SAFETY: the handle is open, and the buffer is as long as told; the record is made of numbers.
            unsafe {
                xen_sys::xc_domain_hvm_getcontext_partial(
                    xc,
                    domid.0,
                    HVM_SAVE_CODE_RTC,
                    0,
                    (&raw mut record).cast(),
                    size_of::<hvm_hw_rtc>() as u32,
                )
            }
        })?;
        let offset = record.rtc_offset;
        let cmos = shown(&record.cmos_data).unwrap_or_else(|| {
            tracing::warn!("the CMOS registers of domain {domid} hold no date: {:02x?}", record.cmos_data);
            stands_at(SystemTime::now().into(), offset)
        });
        Ok(RtcRecord { offset, cmos })
    }
}

/// Register B: numbers are binary, not BCD.
const BINARY: u8 = 0x04;
/// Register B: hours go from 0 to 23.
const HOURS_24: u8 = 0x02;
/// In the hours, where they go from 1 to 12: past noon.
const PM: u8 = 0x80;

/// The time in the registers of a CMOS clock; `None` when that is no date. The year has two digits, 2000 to 2099.
fn shown(cmos: &[u8; 14]) -> Option<NaiveDateTime> {
    let mode = cmos[0x0b];
    let number = |raw: u8| -> Option<u32> {
        match mode & BINARY {
            0 if raw & 0x0f > 9 || raw >> 4 > 9 => None,
            0 => Some(u32::from(raw >> 4) * 10 + u32::from(raw & 0x0f)),
            _ => Some(raw.into()),
        }
    };
    let hour = match mode & HOURS_24 {
        0 => match number(cmos[4] & !PM)? {
            hour @ 1..=12 => hour % 12 + if cmos[4] & PM == 0 { 0 } else { 12 },
            _ => return None,
        },
        _ => number(cmos[4])?,
    };
    let year = number(cmos[9]).filter(|year| *year < 100)?;
    NaiveDate::from_ymd_opt(2000 + year.cast_signed(), number(cmos[8])?, number(cmos[7])?)?.and_hms_opt(
        hour,
        number(cmos[2])?,
        number(cmos[0])?,
    )
}

/// The time of a clock with this offset, if its registers cannot say.
fn stands_at(now: DateTime<Utc>, offset: i64) -> NaiveDateTime {
    let seconds = now.timestamp().saturating_add(offset);
    DateTime::from_timestamp(seconds, 0).unwrap_or(now).naive_utc()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Seconds, minutes, hours, day, month, year and register B.
    fn cmos([second, minute, hour, day, month, year, mode]: [u8; 7]) -> [u8; 14] {
        // The alarm and the day of the week hold what is no time.
        let mut cmos = [0xff; 14];
        (cmos[0], cmos[2], cmos[4], cmos[7], cmos[8], cmos[9], cmos[0x0b]) =
            (second, minute, hour, day, month, year, mode);
        cmos
    }

    #[test]
    fn registers_that_show_a_time() {
        for (registers, text) in [
            // BCD, 24 hours: what hvmloader and most guests have.
            ([0x59, 0x34, 0x23, 0x31, 0x12, 0x26, 0x02], "2026-12-31T23:34:59"),
            ([0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x02], "2000-01-01T00:00:00"),
            ([0x00, 0x00, 0x00, 0x29, 0x02, 0x24, 0x02], "2024-02-29T00:00:00"),
            // Binary, 24 hours.
            ([59, 34, 23, 31, 12, 99, 0x06], "2099-12-31T23:34:59"),
            // BCD, 12 hours: midnight, morning, noon, evening.
            ([0, 0, 0x12, 1, 7, 0x26, 0], "2026-07-01T00:00:00"),
            ([0, 0, 0x11, 1, 7, 0x26, 0], "2026-07-01T11:00:00"),
            ([0, 0, 0x92, 1, 7, 0x26, 0], "2026-07-01T12:00:00"),
            ([0, 0, 0x91, 1, 7, 0x26, 0], "2026-07-01T23:00:00"),
            // Binary, 12 hours.
            ([0, 0, 12, 1, 7, 26, 0x04], "2026-07-01T00:00:00"),
            ([0, 0, 0x80 | 11, 1, 7, 26, 0x04], "2026-07-01T23:00:00"),
            // Other bits of register B are about interrupts.
            ([0x59, 0x34, 0x23, 0x31, 0x12, 0x26, 0xf3], "2026-12-31T23:34:59"),
        ] {
            assert_eq!(shown(&cmos(registers)), Some(text.parse().unwrap()), "{registers:02x?}");
        }
    }

    #[test]
    fn registers_that_show_none() {
        for registers in [
            [0, 0, 0, 0, 0, 0, 0x02],
            [0xff; 7],
            [0x60, 0, 0, 1, 1, 0, 0x02],
            [0x0a, 0, 0, 1, 1, 0, 0x02],
            [0, 0, 0x24, 1, 1, 0, 0x02],
            [0, 0, 0, 0x30, 2, 0x24, 0x02],
            [0, 0, 0, 1, 0x13, 0, 0x02],
            [0, 0, 0, 1, 1, 100, 0x06],
            // There is no hour 0 or 13 of 12.
            [0, 0, 0, 1, 1, 0, 0],
            [0, 0, 0x13, 1, 1, 0, 0],
        ] {
            assert_eq!(shown(&cmos(registers)), None, "{registers:02x?}");
        }
    }

    #[test]
    fn where_the_registers_fail_the_offset_is_left() {
        let now = "2026-07-01T12:00:00Z".parse().unwrap();
        assert_eq!(stands_at(now, -3600), "2026-07-01T11:00:00".parse().unwrap());
        assert_eq!(stands_at(now, i64::MAX), now.naive_utc());
        assert_eq!(stands_at(now, i64::MIN), now.naive_utc());
    }
}
