//! Where an offset is from, in a word and in words.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use serde::{Serialize, Serializer};

/// Where an offset is from. Serialised as the word of `<clock offset=>` that the clock acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
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

impl Source {
    /// The word of `<clock offset=>` that the clock acts as.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Source::Utc => "utc",
            Source::Localtime { .. } => "localtime",
            Source::Timezone { .. } => "timezone",
            Source::FromUtc { .. } | Source::FromLocaltime { .. } => "variable",
            Source::Absolute { .. } => "absolute",
        }
    }

    /// The zone that the offset is of, where it is of one.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        match self {
            Source::Localtime { zone } | Source::Timezone { zone } | Source::FromLocaltime { zone, .. } => {
                Some(zone)
            }
            Source::Utc | Source::FromUtc { .. } | Source::Absolute { .. } => None,
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// The reason in words, such as `local time of Europe/Berlin` or `-3600 s from UTC`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Utc => f.write_str("UTC"),
            Source::Localtime { zone } => write!(f, "local time of {zone}"),
            Source::Timezone { zone } => write!(f, "time zone {zone}"),
            Source::FromUtc { seconds } => write!(f, "{seconds} s from UTC"),
            Source::FromLocaltime { seconds, zone } => write!(f, "{seconds} s from local time of {zone}"),
            Source::Absolute { start } => write!(f, "fixed start {}", Second(*start)),
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
            (Source::Utc, "UTC", "utc"),
            (Source::Localtime { zone: zone() }, "local time of Europe/Berlin", "localtime"),
            (Source::Timezone { zone: zone() }, "time zone Europe/Berlin", "timezone"),
            (Source::FromUtc { seconds: 3600 }, "3600 s from UTC", "variable"),
            (
                Source::FromLocaltime { seconds: -1, zone: zone() },
                "-1 s from local time of Europe/Berlin",
                "variable",
            ),
            (Source::Absolute { start: 1_904_169_600 }, "fixed start 2030-05-05T00:00:00Z", "absolute"),
        ];
        for (source, text, word) in table {
            assert_eq!((source.to_string().as_str(), source.word()), (text, word));
        }
    }

    #[test]
    fn seconds_beyond_the_calendar_are_printed_too() {
        assert_eq!(Second(i64::MIN).to_string(), "-9223372036854775808 seconds from 1970-01-01T00:00:00Z");
    }
}
