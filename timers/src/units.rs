//! Units that must not be mixed: hertz, kilohertz, and seconds from UTC.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A frequency in hertz, as libvirt's `<timer frequency=>` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hertz(pub u64);

/// A frequency in kilohertz, as Xen's `XEN_DOMCTL_settscinfo` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KiloHertz(pub u32);

/// A frequency that Xen cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrequencyError {
    /// Xen takes 0 kHz to mean "the host's", so that is never what 0 Hz (or under 500 Hz) asks for.
    #[error("{0} is less than 1 kHz, the minimum that Xen can set")]
    TooSmall(Hertz),
    /// Xen holds the kHz in 32 bits.
    #[error("{0} is more than {max} kHz, the maximum that Xen can set", max = u32::MAX)]
    TooLarge(Hertz),
}

impl Hertz {
    /// Rounded to the nearest kHz, which is what Xen counts in; half a kHz goes up.
    ///
    /// # Errors
    /// When the result is 0 or does not fit Xen's 32 bits.
    pub fn to_khz(self) -> Result<KiloHertz, FrequencyError> {
        let khz = self.0 / 1000 + u64::from(self.0 % 1000 >= 500);
        match u32::try_from(khz) {
            Ok(0) => Err(FrequencyError::TooSmall(self)),
            Ok(khz) => Ok(KiloHertz(khz)),
            Err(_) => Err(FrequencyError::TooLarge(self)),
        }
    }

    /// True if this is a whole number of kHz, so that rounding changes nothing.
    #[must_use]
    pub fn is_whole_khz(self) -> bool {
        self.0.is_multiple_of(1000)
    }
}

impl KiloHertz {
    /// The same frequency in hertz, always exact.
    #[must_use]
    pub fn to_hz(self) -> Hertz {
        Hertz(u64::from(self.0) * 1000)
    }
}

impl fmt::Display for Hertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

impl fmt::Display for KiloHertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kHz", self.0)
    }
}

/// How far a frequency is off another, in parts per million; kept in thousandths of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ppm(i64);

impl Ppm {
    /// How far `to` is off `from`; positive where it is faster. Rounded to the nearest thousandth, but never to 0.
    #[must_use]
    pub fn between(from: KiloHertz, to: KiloHertz) -> Self {
        // Twice as many, to round.
        let twice = (i128::from(to.0) - i128::from(from.0)) * 2_000_000_000 / i128::from(from.0.max(1));
        let rounded = (twice + twice.signum()) / 2;
        let least = i128::from(to.0).cmp(&from.0.into()) as i128;
        // The largest, from 1 kHz to the last, is 4.3 * 10^18.
        Ppm(i64::try_from(if rounded == 0 { least } else { rounded }).unwrap_or(i64::MAX))
    }

    /// True if there is no difference.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Parts per million.
    #[must_use]
    pub fn ppm(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The drift of such a clock in a day: `gains 33 ms a day`, `loses 22 s a day`.
    #[must_use]
    pub fn in_a_day(self) -> String {
        let way = if self.0 < 0 { "loses" } else { "gains" };
        let seconds = self.ppm().abs() * 0.0864;
        match seconds {
            _ if seconds >= 10.0 => format!("{way} {seconds:.0} s a day"),
            _ if seconds >= 0.1 => format!("{way} {seconds:.1} s a day"),
            _ => format!("{way} {:.0} ms a day", seconds * 1000.0),
        }
    }
}

/// `+0.385 ppm`, `-250 ppm`, `0 ppm`.
impl fmt::Display for Ppm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 > 0 { "+" } else { "" };
        write!(f, "{sign}{} ppm", self.ppm())
    }
}

/// As a number of parts per million.
impl Serialize for Ppm {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.ppm())
    }
}

/// Seconds that a guest's RTC (or wallclock) is ahead of UTC; negative is behind.
///
/// Xen's `xc_domain_set_time_offset` takes 32 bits, so no other value can be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcOffset(i32);

/// More seconds than Xen's 32 bits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} seconds from UTC is outside the {min} to {max} that Xen accepts", min = i32::MIN, max = i32::MAX)]
pub struct OffsetError(pub i64);

impl UtcOffset {
    /// No difference from UTC.
    pub const ZERO: UtcOffset = UtcOffset(0);

    /// From seconds ahead of UTC, -2147483648 to 2147483647.
    ///
    /// # Errors
    /// When the seconds do not fit Xen's 32 bits.
    pub fn new(seconds: i64) -> Result<Self, OffsetError> {
        i32::try_from(seconds).map(Self).map_err(|_| OffsetError(seconds))
    }

    /// As Xen's `xc_domain_set_time_offset` takes it.
    #[must_use]
    pub fn seconds(self) -> i32 {
        self.0
    }

    /// As libxl's `b_info.rtc_timeoffset` holds it: the same 32 bits, read as unsigned.
    #[must_use]
    pub fn to_libxl(self) -> u32 {
        self.0.cast_unsigned()
    }

    /// From libxl's `b_info.rtc_timeoffset`, where 4294963696 means -3600.
    #[must_use]
    pub fn from_libxl(raw: u32) -> Self {
        Self(raw.cast_signed())
    }
}

impl From<i32> for UtcOffset {
    fn from(seconds: i32) -> Self {
        Self(seconds)
    }
}

/// `UTC`, `UTC+02:00`, `UTC-03:30`, `UTC+00:00:20`; whole days as in `UTC+52d 13:00`.
impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&from_utc(self.0.into()))
    }
}

/// Seconds from UTC as [`UtcOffset`] prints them, also those that do not fit into Xen's 32 bits.
#[must_use]
pub fn from_utc(seconds: i64) -> String {
    if seconds == 0 {
        return "UTC".to_owned();
    }
    let (sign, all) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let (days, hours, minutes, seconds) = (all / 86_400, all / 3600 % 24, all / 60 % 60, all % 60);
    let days = if days > 0 { format!("{days}d ") } else { String::new() };
    let seconds = if seconds > 0 { format!(":{seconds:02}") } else { String::new() };
    format!("UTC{sign}{days}{hours:02}:{minutes:02}{seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hertz_round_to_the_nearest_kilohertz() {
        let table = [
            (0, Err(FrequencyError::TooSmall(Hertz(0)))),
            (499, Err(FrequencyError::TooSmall(Hertz(499)))),
            (500, Ok(1)),
            (1499, Ok(1)),
            (1500, Ok(2)),
            (2_000_000_499, Ok(2_000_000)),
            (2_000_000_500, Ok(2_000_001)),
            (4_294_967_295_499, Ok(u32::MAX)),
            (4_294_967_295_500, Err(FrequencyError::TooLarge(Hertz(4_294_967_295_500)))),
            (u64::MAX, Err(FrequencyError::TooLarge(Hertz(u64::MAX)))),
        ];
        for (hertz, khz) in table {
            assert_eq!(Hertz(hertz).to_khz(), khz.map(KiloHertz));
        }
    }

    #[test]
    fn how_far_frequencies_are_apart() {
        let off = |from, to| Ppm::between(KiloHertz(from), KiloHertz(to)).to_string();
        assert_eq!(off(2_600_000, 2_600_001), "+0.385 ppm");
        assert_eq!(off(2_600_001, 2_600_000), "-0.385 ppm");
        assert_eq!(off(2_600_000, 3_400_000), "+307692.308 ppm");
        assert_eq!(off(2_000_000, 1_999_500), "-250 ppm");
        assert_eq!(off(7, 7), "0 ppm");
        // Never 0 for two that differ.
        assert_eq!(off(u32::MAX, u32::MAX - 1), "-0.001 ppm");
        assert!(!Ppm::between(KiloHertz(u32::MAX), KiloHertz(u32::MAX - 1)).is_zero());
        assert!(Ppm::between(KiloHertz(1), KiloHertz(u32::MAX)) > Ppm::between(KiloHertz(1), KiloHertz(2)));
        assert!(Ppm::between(KiloHertz(0), KiloHertz(u32::MAX)) > Ppm::default());
    }

    #[test]
    fn how_far_off_in_a_day() {
        let day = |from, to| Ppm::between(KiloHertz(from), KiloHertz(to)).in_a_day();
        assert_eq!(day(2_600_000, 2_600_001), "gains 33 ms a day");
        assert_eq!(day(2_600_000, 2_599_350), "loses 22 s a day");
        assert_eq!(day(1_000_000, 1_000_010), "gains 0.9 s a day");
    }

    #[test]
    fn libxl_holds_offsets_unsigned() {
        for (seconds, raw) in [(0, 0), (3600, 3600), (-3600, 4_294_963_696), (i32::MIN, 0x8000_0000)] {
            assert_eq!(UtcOffset::from(seconds).to_libxl(), raw);
            assert_eq!(UtcOffset::from_libxl(raw).seconds(), seconds);
        }
    }

    #[test]
    fn offsets_are_printed_as_people_write_them() {
        let table = [
            (0, "UTC"),
            (7200, "UTC+02:00"),
            (-12_600, "UTC-03:30"),
            (20, "UTC+00:00:20"),
            (-1, "UTC-00:00:01"),
            (52 * 86_400 + 13 * 3600, "UTC+52d 13:00"),
            (i32::MIN, "UTC-24855d 03:14:08"),
        ];
        for (seconds, text) in table {
            assert_eq!(UtcOffset::from(seconds).to_string(), text);
        }
    }
}
