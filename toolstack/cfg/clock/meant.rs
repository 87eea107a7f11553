//! The setting that is probably meant by a value that names no kind of clock or no zone.

use ::timers::UtcOffset;
use ::timers::zone::{self, Meant, ZoneSource};

use crate::cfg::suggest;
use crate::diag::number::{Unit, meant};

/// Other words for two kinds of clock.
const KINDS: [(&str, &[&str]); 2] = [
    ("utc", &["utc", "gmt", "z", "zulu", "universal", "ut", "etc/utc", "etc/gmt"]),
    ("localtime", &["localtime", "local", "local time", "local_time", "host", "system", "/etc/localtime"]),
];

/// An offset is less than this many seconds; what is more is a time.
const MOST_OFFSET: i64 = 10 * 366 * 86_400;

/// Times before this many are in seconds, others in milliseconds.
const MOST_SECONDS: i64 = 100_000_000_000;

/// The setting, as it is written in place of one with this value: a zone, seconds, a date or the word of a kind;
/// `None` where nobody can know.
pub fn setting(text: &str, zones: &dyn ZoneSource) -> Option<String> {
    let text = text.trim();
    // `+0200` is what a date ends in; other digits behind a sign are seconds.
    let names_zone = text.starts_with(|first: char| first.is_ascii_alphabetic())
        || (text.len() == 5 && (text.starts_with("+0") || text.starts_with("-0")));
    let zone = || of_zone(text, zones);
    kind(text)
        .or_else(|| zone().filter(|_| names_zone))
        .or_else(|| seconds(text))
        .or_else(|| start(text).map(|start| format!("clock_start = {}", suggest::written(start))))
        .or_else(zone)
}

fn kind(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (kind, _) = KINDS.iter().find(|(_, words)| words.contains(&lower.as_str()))?;
    Some(format!("clock_offset = \"{kind}\""))
}

/// A number, a length of time or an offset such as `+02:00`; a number that is too large for an offset is a time.
fn seconds(text: &str) -> Option<String> {
    let seconds = meant(text, Unit::Seconds)?;
    match start(text).filter(|_| seconds >= MOST_OFFSET) {
        Some(start) => Some(format!("clock_start = {start}")),
        None => Some(of_offset(seconds)),
    }
}

fn of_offset(seconds: i64) -> String {
    format!("rtc_timeoffset = {}", suggest::written(seconds))
}

/// The time that a date, or a number of seconds or milliseconds since 1970, stands for.
pub fn start(text: &str) -> Option<i64> {
    let time = meant(text, Unit::Epoch)?;
    Some(if time.abs() < MOST_SECONDS { time } else { time / 1000 })
}

fn of_zone(text: &str, zones: &dyn ZoneSource) -> Option<String> {
    let named = |zone: &str| format!("clock_timezone = {}", suggest::quoted(zone));
    if zones.zone(text).is_ok() {
        return Some(named(text));
    }
    match zone::suggest(text, zones)? {
        Meant::Zones(zones) => zones.first().map(|zone| named(zone)),
        Meant::Offset { offset, .. } if offset == UtcOffset::ZERO => kind("utc"),
        Meant::Offset { zone: Some(zone), .. } => Some(named(&zone)),
        Meant::Offset { offset, zone: None, .. } => Some(of_offset(offset.seconds().into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::timers::Zone;
    use ::timers::zone::ZoneError;

    /// A database of a few zones.
    struct Few;

    impl ZoneSource for Few {
        fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
            match self.names().iter().any(|known| known == name) {
                true => Ok(Zone::utc()),
                false => Err(ZoneError::Unknown(name.to_owned())),
            }
        }

        fn names(&self) -> Vec<String> {
            ["Etc/GMT+5", "Etc/GMT-3", "Europe/Berlin", "UTC"].map(str::to_owned).to_vec()
        }

        fn release(&self) -> Option<String> {
            None
        }
    }

    #[test]
    fn a_value_of_another_key_is_recognised() {
        let table = [
            ("UTC+3", Some("clock_timezone = \"Etc/GMT-3\"")),
            ("GMT-5", Some("clock_timezone = \"Etc/GMT+5\"")),
            ("UTC+5:30", Some("rtc_timeoffset = 19800")),
            ("UTC+0", Some("clock_offset = \"utc\"")),
            ("europe/berlin", Some("clock_timezone = \"Europe/Berlin\"")),
            ("Europe/Berlin", Some("clock_timezone = \"Europe/Berlin\"")),
            ("(UTC+01:00) Amsterdam, Berlin", Some("clock_timezone = \"Europe/Berlin\"")),
            ("GMT", Some("clock_offset = \"utc\"")),
            ("Local", Some("clock_offset = \"localtime\"")),
            ("3600", Some("rtc_timeoffset = 3600")),
            ("+3600", Some("rtc_timeoffset = 3600")),
            ("-3600", Some("rtc_timeoffset = \"-3600\"")),
            ("+1800", Some("rtc_timeoffset = 1800")),
            ("+0300", Some("clock_timezone = \"Etc/GMT-3\"")),
            ("-90 min", Some("rtc_timeoffset = \"-5400\"")),
            ("2026-01-01", Some("clock_start = 1767225600")),
            ("1767225600", Some("clock_start = 1767225600")),
            ("1767225600000", Some("clock_start = 1767225600")),
            ("sundial", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(setting(text, &Few).as_deref(), expected, "{text}");
        }
    }
}
