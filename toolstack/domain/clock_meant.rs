//! The clock that is probably meant by a value that names no kind of clock or no zone.

use timers::UtcOffset;
use timers::zone::{self, ZoneSource};

use super::unresolvable::MILLISECONDS;
use crate::diag::number::{Unit, meant};

/// Other words for two kinds of clock.
const KINDS: [(&str, &[&str]); 2] = [
    ("utc", &["utc", "gmt", "z", "zulu", "universal", "ut", "etc/utc", "etc/gmt"]),
    ("localtime", &["localtime", "local", "local time", "local_time", "host", "system", "/etc/localtime"]),
];

/// An offset is less than this many seconds; what is more is a time.
const MOST_OFFSET: i64 = 10 * 366 * 86_400;

/// A clock that a value stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// A kind of clock, by its word.
    Kind(&'static str),
    /// The time of a zone.
    Zone(String),
    /// So many seconds from UTC.
    Seconds(i64),
    /// So many seconds from local time.
    Local(i64),
    /// A start, in seconds since 1970-01-01T00:00:00Z.
    Start(i64),
}

impl Meant {
    /// The clock of a value: a zone, seconds, a date or the word of a kind; `None` where nobody can know.
    pub(crate) fn by(text: &str, zones: &dyn ZoneSource) -> Option<Self> {
        let text = text.trim();
        // `+0200` is what a date ends in; other digits behind a sign are seconds.
        let names_zone = text.starts_with(|first: char| first.is_ascii_alphabetic())
            || (text.len() == 5 && (text.starts_with("+0") || text.starts_with("-0")));
        let zone = || of_zone(text, zones);
        kind(text)
            .or_else(|| shifted(text))
            .or_else(|| zone().filter(|_| names_zone))
            .or_else(|| seconds(text))
            .or_else(|| start(text).map(Meant::Start))
            .or_else(zone)
    }

    /// The attributes of a `<clock>` for it.
    pub(crate) fn attributes(&self) -> String {
        match self {
            Meant::Kind(kind) => format!("offset='{kind}'"),
            Meant::Zone(zone) => format!("offset='timezone' timezone='{zone}'"),
            Meant::Seconds(seconds) => format!("offset='variable' adjustment='{seconds}'"),
            Meant::Local(seconds) => {
                format!("offset='variable' basis='localtime' adjustment='{seconds}'")
            }
            Meant::Start(start) => format!("offset='absolute' start='{start}'"),
        }
    }
}

/// `localtime+1h`, `utc-90`: a kind of clock, and seconds; `UTC+3` is a zone.
fn shifted(text: &str) -> Option<Meant> {
    let sign = text.find(['+', '-'])?;
    let Some(Meant::Kind(kind)) = kind(text[..sign].trim_end()) else { return None };
    let by = text[sign..].replace(' ', "");
    let is_hours = by.len() <= 3 && by[1..].bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        "localtime" => meant(&by, Unit::Seconds).map(Meant::Local),
        _ if is_hours || by.contains(':') => None,
        _ => meant(&by, Unit::Seconds).map(Meant::Seconds),
    }
}

fn kind(text: &str) -> Option<Meant> {
    let lower = text.to_ascii_lowercase();
    let (kind, _) = KINDS.iter().find(|(_, words)| words.contains(&lower.as_str()))?;
    Some(Meant::Kind(kind))
}

/// A number, a length of time or an offset such as `+02:00`; a number that is too large for an offset is a time.
fn seconds(text: &str) -> Option<Meant> {
    let seconds = meant(text, Unit::Seconds)?;
    let start = start(text).filter(|_| seconds >= MOST_OFFSET);
    Some(start.map_or(Meant::Seconds(seconds), Meant::Start))
}

/// The time that a date, or a number of seconds or milliseconds since 1970, stands for.
pub(crate) fn start(text: &str) -> Option<i64> {
    // As `date` takes it, and with its unit.
    let text = text.trim();
    let text = text.strip_prefix('@').unwrap_or(text);
    let digits = text.strip_suffix(['s', 'S']).map_or(text, str::trim_end);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let time = meant(if is_number { digits } else { text }, Unit::Epoch)?;
    Some(if time.abs() < MILLISECONDS { time } else { time / 1000 })
}

fn of_zone(text: &str, zones: &dyn ZoneSource) -> Option<Meant> {
    if zones.zone(text).is_ok() {
        return Some(Meant::Zone(text.to_owned()));
    }
    match zone::suggest(text, zones)? {
        zone::Meant::Zones(zones) => zones.into_iter().next().map(Meant::Zone),
        zone::Meant::Offset { offset, .. } if offset == UtcOffset::ZERO => Some(Meant::Kind("utc")),
        zone::Meant::Offset { zone: Some(zone), .. } => Some(Meant::Zone(zone)),
        zone::Meant::Offset { offset, zone: None, .. } => Some(Meant::Seconds(offset.seconds().into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use timers::Zone;
    use timers::zone::ZoneError;

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
            ("UTC+3", Some("offset='timezone' timezone='Etc/GMT-3'")),
            ("GMT-5", Some("offset='timezone' timezone='Etc/GMT+5'")),
            ("UTC+5:30", Some("offset='variable' adjustment='19800'")),
            ("UTC+0", Some("offset='utc'")),
            ("europe/berlin", Some("offset='timezone' timezone='Europe/Berlin'")),
            ("Europe/Berlin", Some("offset='timezone' timezone='Europe/Berlin'")),
            ("(UTC+01:00) Amsterdam, Berlin", Some("offset='timezone' timezone='Europe/Berlin'")),
            ("GMT", Some("offset='utc'")),
            ("Local", Some("offset='localtime'")),
            ("3600", Some("offset='variable' adjustment='3600'")),
            ("+3600", Some("offset='variable' adjustment='3600'")),
            ("-3600", Some("offset='variable' adjustment='-3600'")),
            ("+1800", Some("offset='variable' adjustment='1800'")),
            ("+0300", Some("offset='timezone' timezone='Etc/GMT-3'")),
            ("-90 min", Some("offset='variable' adjustment='-5400'")),
            ("2026-01-01", Some("offset='absolute' start='1767225600'")),
            ("1767225600", Some("offset='absolute' start='1767225600'")),
            ("1767225600000", Some("offset='absolute' start='1767225600'")),
            ("localtime+1h", Some("offset='variable' basis='localtime' adjustment='3600'")),
            ("local - 90", Some("offset='variable' basis='localtime' adjustment='-90'")),
            ("utc+3600", Some("offset='variable' adjustment='3600'")),
            ("UTC-90min", Some("offset='variable' adjustment='-5400'")),
            ("@1767225600", Some("offset='absolute' start='1767225600'")),
            ("sundial", None),
            ("", None),
        ];
        for (text, expected) in table {
            let said = Meant::by(text, &Few).map(|meant| meant.attributes());
            assert_eq!(said.as_deref(), expected, "{text}");
        }
    }
}
