//! The facts of the mock: those in its state file, and setting them by name.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use timers::KiloHertz;
use timers::tsc::TscHost;
use timers::zone::Zone;

use super::machine::Present;
use crate::host::{HostClock, HostFacts, XenVersion, zone};

/// The names that [`Facts::set`] takes, each with what it expects.
const NAMES: [(&str, &str); 10] = [
    ("now", "a moment such as 2026-07-01T12:00:00Z, or real"),
    (
        "timezone",
        "a name of the tz database such as Europe/Berlin, UTC, a POSIX rule or the path of a TZif file",
    ),
    ("cpu_khz", "kHz from 1 to 4294967295"),
    ("tsc_reliable", "yes or no"),
    ("tsc_scaling", "yes, no or unknown"),
    ("tsc_invariant", "yes, no or unknown"),
    ("clock_synchronised", "yes, no or unknown"),
    ("clock_error_us", "microseconds, or unknown"),
    ("xen_version", "a release such as 4.17"),
    ("memory_mb", "MiB for all guests together"),
];

/// A common CPU's.
const CPU_KHZ: NonZeroU32 = match NonZeroU32::new(2_600_000) {
    Some(khz) => khz,
    None => NonZeroU32::MIN,
};

/// How long a host has been up when nothing is known of it: an hour.
const BOOTED_BEFORE: TimeDelta = TimeDelta::hours(1);

/// The `host` section of a state file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Facts {
    /// A time of day that stands still; the real one where there is none.
    #[serde(with = "moment", skip_serializing_if = "Option::is_none")]
    now: Option<DateTime<Utc>>,
    /// Seconds that the mock is ahead of the real time of day.
    #[serde(skip_serializing_if = "is_zero")]
    ahead: i64,
    /// When the host booted, by its time of day.
    #[serde(with = "moment", skip_serializing_if = "Option::is_none")]
    booted: Option<DateTime<Utc>>,
    /// How often the host has booted anew.
    #[serde(skip_serializing_if = "is_none_of")]
    boots: u32,
    timezone: String,
    cpu_khz: NonZeroU32,
    tsc_reliable: bool,
    /// `null` in the file: not known.
    tsc_scaling: Option<bool>,
    /// `null` in the file: not known.
    tsc_invariant: Option<bool>,
    /// `null` in the file: not known.
    clock_synchronised: Option<bool>,
    clock_error_us: Option<u64>,
    #[serde(with = "release")]
    xen_version: XenVersion,
    /// Memory for all guests together.
    pub(super) memory_mb: u64,
}

impl Default for Facts {
    fn default() -> Self {
        Facts {
            now: None,
            ahead: 0,
            booted: None,
            boots: 0,
            timezone: "UTC".to_owned(),
            cpu_khz: CPU_KHZ,
            tsc_reliable: true,
            tsc_scaling: Some(false),
            tsc_invariant: Some(true),
            clock_synchronised: Some(true),
            clock_error_us: Some(0),
            xen_version: XenVersion { major: 4, minor: 17 },
            memory_mb: 65_536,
        }
    }
}

impl Facts {
    /// The time of day, given the real one.
    pub(super) fn now(&self, real: DateTime<Utc>) -> DateTime<Utc> {
        self.now.unwrap_or_else(|| {
            TimeDelta::try_seconds(self.ahead)
                .and_then(|ahead| real.checked_add_signed(ahead))
                .unwrap_or(real)
        })
    }

    /// The machine's present.
    pub(super) fn present(&self, real: DateTime<Utc>) -> Present {
        let utc = self.now(real);
        // A time of day that somebody has set back before the boot leaves no uptime.
        let up = utc.signed_duration_since(self.booted(real)).to_std().unwrap_or_default();
        let tsc = TscHost {
            khz: KiloHertz(self.cpu_khz.get()),
            reliable: self.tsc_reliable,
            scaling: self.tsc_scaling,
        };
        Present { utc, uptime_ns: u64::try_from(up.as_nanos()).unwrap_or(u64::MAX), tsc }
    }

    fn booted(&self, real: DateTime<Utc>) -> DateTime<Utc> {
        let now = self.now(real);
        let before = || now.checked_sub_signed(BOOTED_BEFORE).filter(|at| moment::is_writable(*at));
        self.booted.or_else(before).unwrap_or(now)
    }

    /// From here on, the uptime counts from one moment.
    pub(super) fn settle_boot(&mut self, real: DateTime<Utc>) {
        self.booted = Some(self.booted(real));
    }

    /// The host boots anew, now.
    pub(super) fn reboot(&mut self, real: DateTime<Utc>) {
        self.boots = self.boots.wrapping_add(1);
        self.booted = Some(self.now(real));
    }

    /// A UUID as a kernel has one for each boot; the first boot of every mock host has the same.
    fn boot_id(&self) -> String {
        let number = (u128::from(self.boots) + 1) << 64;
        uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid().hyphenated().to_string()
    }

    /// Time passes.
    pub(super) fn advance(&mut self, seconds: i64, real: DateTime<Utc>) -> Result<(), String> {
        if seconds < 0 {
            return Err(format!(
                "time cannot go back by {} seconds, expected 0 or more",
                seconds.unsigned_abs()
            ));
        }
        let too_far = || format!("{seconds} seconds later is beyond the latest representable time");
        let then = TimeDelta::try_seconds(seconds)
            .and_then(|delta| self.now(real).checked_add_signed(delta))
            .filter(|then| moment::is_writable(*then))
            .ok_or_else(too_far)?;
        self.settle_boot(real);
        match &mut self.now {
            Some(now) => *now = then,
            None => self.ahead = self.ahead.checked_add(seconds).ok_or_else(too_far)?,
        }
        Ok(())
    }

    /// Sets a fact by its name.
    pub(super) fn set(&mut self, name: &str, value: &str, real: DateTime<Utc>) -> Result<(), String> {
        let Some((_, expected)) = NAMES.iter().find(|(known, _)| *known == name) else {
            let known = NAMES.map(|(known, _)| known).join(", ");
            return Err(format!("unknown fact '{name}', expected one of {known}"));
        };
        let bad = || format!("'{value}' is not a value of {name}, expected {expected}");
        match name {
            "now" => {
                let now = match value {
                    "real" => None,
                    text => Some(moment::parse(text).ok_or_else(bad)?),
                };
                // The boot moves along, and has to be a moment that can be written, too.
                self.step(now, real).ok_or_else(bad)?;
            }
            "timezone" => {
                zone::of_word(value).map_err(|error| error.detail)?;
                self.timezone = value.to_owned();
            }
            "cpu_khz" => self.cpu_khz = value.parse().map_err(|_| bad())?,
            "tsc_reliable" => self.tsc_reliable = yes_or_no(value).ok_or_else(bad)?,
            "tsc_scaling" => self.tsc_scaling = perhaps(value, yes_or_no).ok_or_else(bad)?,
            "tsc_invariant" => self.tsc_invariant = perhaps(value, yes_or_no).ok_or_else(bad)?,
            "clock_synchronised" => self.clock_synchronised = perhaps(value, yes_or_no).ok_or_else(bad)?,
            "clock_error_us" => {
                self.clock_error_us = perhaps(value, |value| value.parse().ok()).ok_or_else(bad)?;
            }
            "xen_version" => self.xen_version = value.parse().map_err(|_| bad())?,
            _ => self.memory_mb = value.parse().map_err(|_| bad())?,
        }
        Ok(())
    }

    /// Sets the time of day. The host goes on running meanwhile, so its uptime stays what it was.
    fn step(&mut self, now: Option<DateTime<Utc>>, real: DateTime<Utc>) -> Option<()> {
        let up = self.now(real).signed_duration_since(self.booted(real));
        let booted = now.unwrap_or(real).checked_sub_signed(up).filter(|at| moment::is_writable(*at))?;
        (self.now, self.ahead, self.booted) = (now, 0, Some(booted));
        Some(())
    }

    /// The host's zone.
    pub(super) fn zone(&self) -> Result<Zone, String> {
        zone::of_word(&self.timezone).map_err(|error| error.detail)
    }

    /// As every host tells them.
    pub(super) fn tell(&self, present: &Present) -> Result<HostFacts, String> {
        Ok(HostFacts {
            now: present.utc,
            boot_id: self.boot_id(),
            zone: self.zone()?,
            xen_version: self.xen_version,
            cpu_khz: present.tsc.khz,
            tsc_reliable: present.tsc.reliable,
            tsc_scaling: present.tsc.scaling,
            tsc_invariant: self.tsc_invariant,
            uptime: Duration::from_nanos(present.uptime_ns),
            clock: HostClock {
                synchronised: self.clock_synchronised,
                estimated_error_us: self.clock_error_us,
                maximum_error_us: self.clock_error_us,
            },
        })
    }
}

/// A value, or that it is not known.
fn perhaps<T>(value: &str, known: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match value {
        "unknown" | "null" => Some(None),
        value => known(value).map(Some),
    }
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none_of(number: &u32) -> bool {
    *number == 0
}

/// A moment as RFC 3339 writes it.
mod moment {
    use chrono::Datelike;

    use super::{DateTime, Deserialize, Deserializer, Error, SecondsFormat, Serializer, Utc};

    pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc()).filter(|at| is_writable(*at))
    }

    /// RFC 3339 has four digits for the year.
    pub(super) fn is_writable(moment: DateTime<Utc>) -> bool {
        (0..=9999).contains(&moment.year())
    }

    // serde passes a reference.
    #[allow(clippy::ref_option)]
    pub(super) fn serialize<S: Serializer>(moment: &Option<DateTime<Utc>>, to: S) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => to.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| {
            D::Error::custom(format!("'{text}' is not a time, expected one such as 2026-07-01T12:00:00Z"))
        })
    }
}

/// A release as Xen writes it, `4.17`.
mod release {
    use super::{Deserialize, Deserializer, Error, Serializer, XenVersion};

    // serde passes a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(version: &XenVersion, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(version)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<XenVersion, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn real() -> DateTime<Utc> {
        "2026-07-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_empty_section_is_the_defaults() {
        let facts: Facts = serde_json::from_str("{}").unwrap();
        assert_eq!(facts, Facts::default());
        let told = facts.tell(&facts.present(real())).unwrap();
        assert_eq!((told.now, told.zone.name(), told.cpu_khz.0), (real(), "UTC", 2_600_000));
        assert_eq!((told.tsc_reliable, told.tsc_scaling), (true, Some(false)));
        assert_eq!(told.xen_version, XenVersion { major: 4, minor: 17 });
        assert_eq!(facts.memory_mb, 65_536);
    }

    #[test]
    fn what_is_kept_can_be_read_again_at_both_ends_of_time() {
        for now in ["0000-01-01T00:00:00Z", "0000-01-01T02:00:00Z", "9999-12-31T23:59:59Z"] {
            let mut set = Facts::default();
            let is_set = set.set("now", now, real()).is_ok();
            assert_eq!(is_set, now != "0000-01-01T00:00:00Z", "{now}");
            let mut given: Facts = serde_json::from_str(&format!("{{\"now\": \"{now}\"}}")).unwrap();
            given.settle_boot(real());
            for facts in [set, given] {
                let text = serde_json::to_string(&facts).unwrap();
                assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts, "{now}");
            }
        }
    }

    #[test]
    fn each_boot_has_a_name_of_its_own_and_keeps_it() {
        let mut facts = Facts::default();
        let first = facts.boot_id();
        facts.advance(3600, real()).unwrap();
        facts.set("now", "2030-01-01T00:00:00Z", real()).unwrap();
        assert_eq!(facts.boot_id(), first);
        facts.reboot(real());
        assert_ne!(facts.boot_id(), first);
        assert_eq!(facts.present(real()).uptime_ns, 0);
        assert!(uuid::Uuid::try_parse(&facts.boot_id()).is_ok());
    }

    #[test]
    fn scaling_null_is_unknown_and_absent_is_no() {
        let facts: Facts = serde_json::from_str(r#"{"tsc_scaling": null}"#).unwrap();
        assert_eq!(facts.tsc_scaling, None);
        let again: Facts = serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
        assert_eq!(again, facts);
    }

    #[test]
    fn every_fact_can_be_set_and_says_what_it_expects() {
        let mut facts = Facts::default();
        for (name, value) in [
            ("now", "2000-01-01T00:00:00+01:00"),
            ("timezone", "CET-1CEST,M3.5.0,M10.5.0/3"),
            ("timezone", "/usr/share/zoneinfo/UTC"),
            ("timezone", "Europe/Berlin"),
            ("cpu_khz", "4294967295"),
            ("tsc_reliable", "no"),
            ("tsc_scaling", "unknown"),
            ("tsc_invariant", "no"),
            ("clock_synchronised", "no"),
            ("clock_error_us", "1500"),
            ("xen_version", "4.22"),
            ("memory_mb", "0"),
        ] {
            facts.set(name, value, real()).unwrap();
        }
        let told = facts.tell(&facts.present(real())).unwrap();
        assert_eq!(told.now.to_rfc3339(), "1999-12-31T23:00:00+00:00");
        assert_eq!((told.zone.name(), told.cpu_khz.0), ("Europe/Berlin", u32::MAX));
        assert_eq!((told.tsc_reliable, told.tsc_scaling, facts.memory_mb), (false, None, 0));
        assert_eq!((told.tsc_invariant, told.clock.synchronised), (Some(false), Some(false)));
        assert_eq!(told.clock.estimated_error_us, Some(1500));

        let before = facts.clone();
        for (name, value, message) in [
            (
                "now",
                "noon",
                "'noon' is not a value of now, expected a moment such as 2026-07-01T12:00:00Z, or real",
            ),
            ("timezone", "Mars/Olympus", "unknown time zone 'Mars/Olympus'"),
            ("cpu_khz", "0", "'0' is not a value of cpu_khz, expected kHz from 1 to 4294967295"),
            ("cpu_khz", "4294967296", "'4294967296' is not a value of cpu_khz, expected kHz"),
            ("tsc_reliable", "unknown", "'unknown' is not a value of tsc_reliable, expected yes or no"),
            ("tsc_scaling", "maybe", "'maybe' is not a value of tsc_scaling, expected yes, no or unknown"),
            (
                "clock_synchronised",
                "",
                "'' is not a value of clock_synchronised, expected yes, no or unknown",
            ),
            (
                "clock_error_us",
                "-1",
                "'-1' is not a value of clock_error_us, expected microseconds, or unknown",
            ),
            ("xen_version", "4.1", "'4.1' is not a value of xen_version, expected a release such as 4.17"),
            ("xen_version", "4", "'4' is not a value of xen_version, expected a release such as 4.17"),
            ("xen_version", "4.+1", "'4.+1' is not a value of xen_version"),
            ("memory_mb", "-1", "'-1' is not a value of memory_mb, expected MiB"),
            ("colour", "red", "unknown fact 'colour', expected one of now, timezone, cpu_khz"),
        ] {
            let error = facts.set(name, value, real()).unwrap_err();
            assert!(error.starts_with(message), "{name}={value}: {error}");
        }
        assert_eq!(facts, before);
    }

    #[test]
    fn time_passes_on_a_still_clock_and_ahead_of_the_real_one() {
        let mut facts = Facts::default();
        let hour = TimeDelta::hours(1);
        facts.advance(3600, real()).unwrap();
        assert_eq!(facts.now(real()), real() + hour);
        assert_eq!(facts.now(real() + hour), real() + hour + hour);
        assert_eq!(facts.present(real()).uptime_ns, 7_200_000_000_000);

        facts.set("now", "2030-01-01T00:00:00Z", real()).unwrap();
        assert_eq!(facts.present(real()).uptime_ns, 7_200_000_000_000, "a step of the clock is no uptime");
        facts.advance(1, real()).unwrap();
        assert_eq!(facts.now(real()).to_rfc3339(), "2030-01-01T00:00:01+00:00");
        assert_eq!(facts.present(real()).uptime_ns, 7_201_000_000_000);

        facts.set("now", "real", real()).unwrap();
        assert_eq!(facts.now(real()), real());

        assert!(facts.advance(-1, real()).unwrap_err().contains("expected 0 or more"));
        assert!(facts.advance(i64::MAX, real()).is_err());
        assert!(facts.advance(8000 * 366 * 86_400, real()).is_err());
    }
}
