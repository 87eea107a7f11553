//! Time zones: a zone's offset at a given time, and the time of its next change.
//!
//! [`HostZones`] and related types are sources of zones.

mod remembered;
mod sources;
mod suggest;

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use tz::timezone::TransitionRule;
use tz::{TimeZone, TzError};

use crate::units::UtcOffset;

pub use remembered::Remembered;
#[cfg(feature = "embedded-tzdb")]
pub use sources::EmbeddedZones;
pub use sources::{FirstOf, HostZones, default_zones};
pub use suggest::{Meant, suggest};

/// A source of named zones.
pub trait ZoneSource {
    /// The zone of a name of the tz database such as `Europe/Paris`. Case matters, as in the database.
    ///
    /// # Errors
    /// When there is no such zone, or it cannot be read.
    fn zone(&self, name: &str) -> Result<Zone, ZoneError>;

    /// The names of all zones, in order; those of its copies under `posix/` and `right/` are left out. Empty where there
    /// is no list.
    fn names(&self) -> Vec<String>;

    /// The release of the tz database that zones come from, such as `2026a`; `None` where it does not say.
    fn release(&self) -> Option<String>;
}

/// Why there is no zone, or no offset in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// The database has no zone of that name.
    #[error("unknown time zone '{0}', expected a name of the tz database such as 'Europe/Paris'")]
    Unknown(String),
    /// The database has it, but it cannot be made sense of.
    #[error("time zone '{name}' cannot be read: {reason}; expected a TZif file, so reinstall package tzdata")]
    Unreadable {
        /// The zone.
        name: String,
        /// The error.
        reason: String,
    },
    /// There is no database at all.
    #[error(
        "time zone '{name}' cannot be looked up: there is no tz database in '{dir}', so install package tzdata"
    )]
    NoDatabase {
        /// The zone looked for.
        name: String,
        /// The directory of the database.
        dir: String,
    },
    /// Not a POSIX `TZ` rule.
    #[error(
        "'{rule}' is not a POSIX time zone rule ({reason}), expected one such as 'CET-1CEST,M3.5.0,M10.5.0/3'"
    )]
    BadRule {
        /// The rule as given.
        rule: String,
        /// The fault.
        reason: String,
    },
    /// The moment is too far away for the zone's rules.
    #[error("time zone '{zone}' has no offset at {at}, expected a time nearer to the present")]
    OutOfRange {
        /// The zone.
        zone: String,
        /// The moment, in seconds since 1970-01-01T00:00:00Z.
        at: i64,
    },
}

/// A time zone: its name, its past changes, and the rule for those to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    tz: TimeZone,
}

/// The moment at which local time is put forward or back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneChange {
    /// The zone's name.
    pub zone: String,
    /// The first moment of the new offset.
    pub at: DateTime<Utc>,
    /// The offset until then.
    pub before: UtcOffset,
    /// The offset from then on.
    pub after: UtcOffset,
}

/// `Europe/Berlin goes from UTC+01:00 to UTC+02:00 at 2026-03-29T01:00:00Z`
impl fmt::Display for ZoneChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words("goes"))
    }
}

impl ZoneChange {
    /// As it is said of a change that is past: `Europe/Berlin went from UTC+01:00 to UTC+02:00 at 2026-03-29T01:00:00Z`.
    #[must_use]
    pub fn past(&self) -> String {
        self.words("went")
    }

    fn words(&self, verb: &str) -> String {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("{} {verb} from {} to {} at {at}", self.zone, self.before, self.after)
    }
}

/// How far apart a rule is probed. A summer time shorter than this would be missed; there has never been one.
const PROBE: i64 = 86_400;

/// A rule says the same every year, so what does not come within one (and a leap day, and a probe) never comes.
const PROBES: i64 = 368;

/// The C library takes a rule with a shorter abbreviation for UTC.
const LEAST: usize = 3;

/// The abbreviations in a POSIX rule: of standard time, and of summer time where there is one.
fn abbreviations(rule: &str) -> impl Iterator<Item = &str> {
    let mut rest = rule.split(',').next().unwrap_or_default();
    (0..2).map_while(move |_| {
        let (word, after) = match rest.strip_prefix('<') {
            Some(quoted) => quoted.split_once('>')?,
            None => rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())),
        };
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | ':'));
        Some(word)
    })
}

impl Zone {
    /// The zone that never differs from UTC.
    #[must_use]
    pub fn utc() -> Self {
        Zone { name: "UTC".to_owned(), tz: TimeZone::utc() }
    }

    /// A zone from the bytes of a TZif file (RFC 8536), such as `/etc/localtime`, versions 1 to 3.
    ///
    /// # Errors
    /// When the bytes are no TZif file.
    pub fn from_tzif(name: impl Into<String>, bytes: &[u8]) -> Result<Zone, ZoneError> {
        let name = name.into();
        match TimeZone::from_tz_data(bytes) {
            Ok(tz) => Ok(Zone { name, tz }),
            Err(error) => Err(ZoneError::Unreadable { name, reason: error.to_string() }),
        }
    }

    /// A zone from a POSIX `TZ` rule such as `CET-1CEST,M3.5.0,M10.5.0/3`; the rule is also its name. Hours outside
    /// 0 to 24 are taken (-167 to 167), as in the footer of a TZif file.
    ///
    /// # Errors
    /// When it is no such rule. The name of a zone is none; [`ZoneSource::zone`] is for those.
    pub fn from_posix(rule: &str) -> Result<Zone, ZoneError> {
        let bad = |reason: &str| ZoneError::BadRule { rule: rule.to_owned(), reason: reason.to_owned() };
        if rule.is_empty() {
            return Err(bad("it is empty"));
        }
        if !rule.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad("it contains a character that is not an ASCII letter, digit or symbol"));
        }
        if let Some(short) = abbreviations(rule).find(|word| (1..LEAST).contains(&word.len())) {
            return Err(bad(&format!("the abbreviation '{short}' has fewer than three characters")));
        }
        // tz-rs reads a rule alone only after looking for a file of that name. As the footer of a file it is nothing
        // but a rule.
        match TimeZone::from_tz_data(&tzif_of_rule(rule)) {
            Ok(tz) => Ok(Zone { name: rule.to_owned(), tz }),
            Err(error) => Err(bad(&error.to_string())),
        }
    }

    /// The name it was asked for by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The zone's offset from UTC at a moment.
    ///
    /// # Errors
    /// When the moment is beyond what the zone's rule can be worked out for.
    pub fn offset_at(&self, at: DateTime<Utc>) -> Result<UtcOffset, ZoneError> {
        self.offset(at.timestamp())
    }

    /// The first moment later than `after` at which the offset becomes another; `None` when it never does. A change
    /// of the abbreviation only is none.
    #[must_use]
    pub fn next_change(&self, after: DateTime<Utc>) -> Option<ZoneChange> {
        let from = after.timestamp();
        let before = self.offset(from).ok()?;
        let (at, new) = self.next_listed(from, before).or_else(|| self.next_by_rule(from, before))?;
        let at = DateTime::from_timestamp(at, 0)?;
        Some(ZoneChange { zone: self.name.clone(), at, before, after: new })
    }

    fn offset(&self, at: i64) -> Result<UtcOffset, ZoneError> {
        match self.tz.find_local_time_type(at) {
            Ok(found) => Ok(found.ut_offset().into()),
            // A file without a rule says nothing about the time after its last change; it is taken to last.
            Err(TzError::NoAvailableLocalTimeType) => {
                self.listed().last().map(|(_, offset)| offset).ok_or(self.out_of_range(at))
            }
            Err(_) => Err(self.out_of_range(at)),
        }
    }

    fn out_of_range(&self, at: i64) -> ZoneError {
        ZoneError::OutOfRange { zone: self.name.clone(), at }
    }

    /// The changes that the file lists, as Unix time and the offset from then on, in order.
    fn listed(&self) -> impl DoubleEndedIterator<Item = (i64, UtcOffset)> {
        let zone = self.tz.as_ref();
        zone.transitions().iter().filter_map(move |transition| {
            let kind = zone.local_time_types().get(transition.local_time_type_index())?;
            let counted = transition.unix_leap_time();
            // The files under `right/` count leap seconds, Unix time does not.
            let leaps = zone.leap_seconds().iter().rev().find(|leap| leap.unix_leap_time() < counted);
            let at = counted.checked_sub(leaps.map_or(0, |leap| leap.correction().into()))?;
            Some((at, kind.ut_offset().into()))
        })
    }

    fn next_listed(&self, from: i64, before: UtcOffset) -> Option<(i64, UtcOffset)> {
        self.listed().find(|&(at, offset)| at > from && offset != before)
    }

    /// The first change by the rule that follows the list, given that the list has no change left.
    fn next_by_rule(&self, from: i64, before: UtcOffset) -> Option<(i64, UtcOffset)> {
        let Some(TransitionRule::Alternate(_)) = self.tz.as_ref().extra_rule() else {
            return None;
        };
        let changed = |at: i64| self.offset(at).map(|offset| offset != before);
        let mut low = self.listed().last().map_or(from, |(last, _)| last.max(from));
        for _ in 0..PROBES {
            let mut high = low.checked_add(PROBE)?;
            if changed(high).ok()? {
                while high - low > 1 {
                    let middle = low + (high - low) / 2;
                    if changed(middle).ok()? { high = middle } else { low = middle }
                }
                return Some((high, self.offset(high).ok()?));
            }
            low = high;
        }
        None
    }
}

/// The smallest TZif file (version 3) whose footer is this rule: RFC 8536's two blocks, each with one unused type.
fn tzif_of_rule(rule: &str) -> Vec<u8> {
    let mut block = b"TZif3".to_vec();
    block.extend([0; 15]);
    // UT indicators, standard indicators, leap seconds, changes, types, characters.
    for count in [0_u32, 0, 0, 0, 1, 4] {
        block.extend(count.to_be_bytes());
    }
    block.extend([0; 6]);
    block.extend(b"UTC\0");
    [&block, &block, b"\n".as_slice(), rule.as_bytes(), b"\n"].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_posix_rule_gives_offsets_and_changes() {
        let berlin = Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(berlin.name(), "CET-1CEST,M3.5.0,M10.5.0/3");
        for (at, seconds) in [
            ("2026-03-29T00:59:59Z", 3600),
            ("2026-03-29T01:00:00Z", 7200),
            ("2026-10-25T00:59:59Z", 7200),
            ("2026-10-25T01:00:00Z", 3600),
        ] {
            assert_eq!(berlin.offset_at(utc(at)).unwrap().seconds(), seconds, "{at}");
        }
        let change = berlin.next_change(utc("2026-03-29T00:59:59.999Z")).unwrap();
        assert_eq!(
            change.to_string(),
            format!("{} goes from UTC+01:00 to UTC+02:00 at 2026-03-29T01:00:00Z", berlin.name())
        );
        // At the moment itself the next change is the next one.
        let change = berlin.next_change(change.at).unwrap();
        assert_eq!((change.at, change.after.seconds()), (utc("2026-10-25T01:00:00Z"), 3600));
    }

    #[test]
    fn rules_that_only_files_may_have_are_taken() {
        let nuuk = Zone::from_posix("<-02>2<-01>,M3.5.0/-1,M10.5.0/0").unwrap();
        let change = nuuk.next_change(utc("2026-01-01T00:00:00Z")).unwrap();
        assert_eq!(change.at, utc("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn zones_that_never_change() {
        let start = utc("2026-01-01T00:00:00Z");
        for (zone, seconds) in [
            (Zone::utc(), 0),
            (Zone::from_posix("UTC0").unwrap(), 0),
            (Zone::from_posix("<+0545>-5:45").unwrap(), 20_700),
            (Zone::from_posix("ABC-1").unwrap(), 3_600),
            (Zone::from_posix("<+01>-1").unwrap(), 3_600),
            (Zone::from_posix("AAA3BBB3,M3.5.0,M10.5.0").unwrap(), -10_800),
        ] {
            assert_eq!(zone.offset_at(start).unwrap().seconds(), seconds);
            assert_eq!(zone.next_change(start), None, "{}", zone.name());
        }
    }

    #[test]
    fn what_is_no_rule_is_an_error_and_reads_no_file() {
        for rule in [
            "",
            "localtime",
            ":UTC",
            "Europe/Berlin",
            "/etc/localtime",
            "CET-1\nUTC0",
            "UTC0 ",
            "CET-1CEST",
            "A-1",
            "AB-1",
            "<A>-1",
            "<+1>-1",
            "CET-1A,M3.5.0,M10.5.0",
            "CET-1<+2>,M3.5.0,M10.5.0",
            "é",
        ] {
            let error = Zone::from_posix(rule).unwrap_err();
            assert!(matches!(error, ZoneError::BadRule { .. }), "{rule:?}: {error}");
        }
    }

    #[test]
    fn broken_files_are_errors() {
        let good = tzif_of_rule("CET-1CEST,M3.5.0,M10.5.0/3");
        assert!(Zone::from_tzif("x", &good).is_ok());
        // Cut anywhere within the two blocks or the rule; with the first newline only it reads as no rule.
        let blocks = good.iter().position(|&byte| byte == b'\n').unwrap();
        for end in (0..=blocks).chain(blocks + 2..good.len()) {
            assert!(Zone::from_tzif("x", &good[..end]).is_err(), "first {end} bytes");
        }
        let text = Zone::from_tzif("x", b"<html>").unwrap_err().to_string();
        assert!(text.starts_with("time zone 'x' cannot be read: "), "{text}");
    }

    #[test]
    fn a_file_without_a_rule_stays_as_it_ends() {
        // Version 1: one change, at second 1000, from type 0 (UTC) to type 1 (UTC+01:00).
        let mut file = b"TZif\0".to_vec();
        file.extend([0; 15]);
        for count in [0_u32, 0, 0, 1, 2, 4] {
            file.extend(count.to_be_bytes());
        }
        file.extend(1000_i32.to_be_bytes());
        file.push(1);
        file.extend([0, 0, 0, 0, 0, 0]);
        file.extend([0, 0, 0x0e, 0x10, 0, 0]);
        file.extend(b"AAA\0");
        let zone = Zone::from_tzif("old", &file).unwrap();
        let start = utc("1970-01-01T00:00:00Z");
        let change = zone.next_change(start).unwrap();
        assert_eq!((change.at.timestamp(), change.after.seconds()), (1000, 3600));
        assert_eq!(zone.offset_at(utc("2026-01-01T00:00:00Z")).unwrap().seconds(), 3600);
        assert_eq!(zone.next_change(change.at), None);
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        let zone = Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let _ = zone.offset_at(at);
            let _ = zone.next_change(at);
        }
    }
}
