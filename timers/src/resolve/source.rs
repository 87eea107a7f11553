//! The origin of an offset, as a code and as text.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use serde::{Serialize, Serializer};

/// The origin of an offset. Serialised as the word of `<clock offset=>` that the clock acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OffsetSource {
    /// UTC itself.
    Utc,
    /// The host's zone.
    Localtime {
        /// The host's zone.
        zone: String,
    },
    /// A named zone.
    Timezone {
        /// The zone.
        zone: String,
    },
    /// Seconds ahead of UTC.
    FromUtc {
        /// How many.
        seconds: i64,
    },
    /// Seconds ahead of the host's zone.
    FromLocaltime {
        /// How many.
        seconds: i64,
        /// The host's zone.
        zone: String,
    },
    /// One moment at every start.
    Absolute {
        /// The moment, in seconds since 1970-01-01T00:00:00Z.
        start: i64,
    },
}

impl OffsetSource {
    /// The word of `<clock offset=>` that the clock acts as.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            OffsetSource::Utc => "utc",
            OffsetSource::Localtime { .. } => "localtime",
            OffsetSource::Timezone { .. } => "timezone",
            OffsetSource::FromUtc { .. } | OffsetSource::FromLocaltime { .. } => "variable",
            OffsetSource::Absolute { .. } => "absolute",
        }
    }

    /// The zone that the offset is of, where it is of one.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        match self {
            OffsetSource::Localtime { zone }
            | OffsetSource::Timezone { zone }
            | OffsetSource::FromLocaltime { zone, .. } => Some(zone),
            OffsetSource::Utc | OffsetSource::FromUtc { .. } | OffsetSource::Absolute { .. } => None,
        }
    }
}

impl Serialize for OffsetSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The reason in words, such as `local time of Europe/Berlin` or `-3600 s from UTC`.
impl fmt::Display for OffsetSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OffsetSource::Utc => f.write_str("UTC"),
            OffsetSource::Localtime { zone } => write!(f, "local time of {zone}"),
            OffsetSource::Timezone { zone } => write!(f, "time zone {zone}"),
            OffsetSource::FromUtc { seconds } => write!(f, "{seconds} s from UTC"),
            OffsetSource::FromLocaltime { seconds, zone } => {
                write!(f, "{seconds} s from local time of {zone}")
            }
            OffsetSource::Absolute { start } => write!(f, "fixed start {}", Second(*start)),
        }
    }
}

/// A second since 1970, printed as a date where there is one.
pub(super) struct Second(pub(super) i64);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp(self.0, 0) {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true)),
            None => write!(f, "{} seconds from 1970-01-01T00:00:00Z", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_in_words() {
        let zone = || "Europe/Berlin".to_owned();
        let table = [
            (OffsetSource::Utc, "UTC", "utc"),
            (OffsetSource::Localtime { zone: zone() }, "local time of Europe/Berlin", "localtime"),
            (OffsetSource::Timezone { zone: zone() }, "time zone Europe/Berlin", "timezone"),
            (OffsetSource::FromUtc { seconds: 3600 }, "3600 s from UTC", "variable"),
            (
                OffsetSource::FromLocaltime { seconds: -1, zone: zone() },
                "-1 s from local time of Europe/Berlin",
                "variable",
            ),
            (OffsetSource::Absolute { start: 1_904_169_600 }, "fixed start 2030-05-05T00:00:00Z", "absolute"),
        ];
        for (source, text, word) in table {
            assert_eq!((source.to_string().as_str(), source.as_str()), (text, word));
        }
    }

    #[test]
    fn seconds_beyond_the_calendar_are_printed_too() {
        assert_eq!(Second(i64::MIN).to_string(), "-9223372036854775808 seconds from 1970-01-01T00:00:00Z");
    }
}
