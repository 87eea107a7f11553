#![allow(clippy::unwrap_used)]

use super::super::{ZoneError, default_zones};
use super::*;

/// A database of a few names, all of them UTC.
struct Few(&'static [&'static str]);

impl ZoneSource for Few {
    fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
        match self.0.contains(&name) {
            true => Ok(Zone::utc()),
            false => Err(ZoneError::Unknown(name.to_owned())),
        }
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|name| (*name).to_owned()).collect()
    }

    fn release(&self) -> Option<String> {
        None
    }
}

const FEW: Few = Few(&[
    "America/Argentina/Buenos_Aires",
    "America/Chicago",
    "America/Havana",
    "America/Indiana/Indianapolis",
    "America/Los_Angeles",
    "America/New_York",
    "America/Panama",
    "America/Port-au-Prince",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Atlantic/Havana",
    "Etc/GMT+3",
    "Etc/GMT+5",
    "Etc/GMT-3",
    "Etc/GMT-5",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Kiev",
    "Europe/London",
    "Europe/Paris",
    "Europe/Warsaw",
    "UTC",
]);

#[test]
fn names_that_are_none() {
    let table = [
        ("europe/berlin", "write 'Europe/Berlin'"),
        ("America/Havna", "write 'America/Havana'"),
        ("Z", "write 'UTC'"),
        (" EUROPE/BERLIN ", "write 'Europe/Berlin'"),
        ("America/New York", "write 'America/New_York'"),
        ("Europe\\Paris", "write 'Europe/Paris'"),
        ("/usr/share/zoneinfo/Asia/Tokyo", "write 'Asia/Tokyo'"),
        ("utc", "write 'UTC'"),
        ("W. Europe Standard Time", "write 'Europe/Berlin'"),
        ("w. europe daylight time", "write 'Europe/Berlin'"),
        ("Pacific Standard Time", "write 'America/Los_Angeles'"),
        ("FLE Standard Time", "write 'Europe/Kiev'"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern", "write 'Europe/Berlin'"),
        ("CET", "write 'Europe/Berlin'"),
        ("PST", "write 'America/Los_Angeles' or 'Asia/Manila'"),
        ("IST", "write 'Asia/Kolkata', 'Asia/Jerusalem' or 'Europe/Dublin'"),
        ("est", "write 'America/New_York' or 'America/Panama'"),
        (
            "UTC+3",
            "write 'Etc/GMT-3' for UTC+03:00 (these names count towards the west); QEMU reads it as POSIX does, as 'Etc/GMT+3' for UTC-03:00",
        ),
        (
            "GMT-5",
            "write 'Etc/GMT+5' for UTC-05:00 (these names count towards the west); QEMU reads it as POSIX does, as 'Etc/GMT-5' for UTC+05:00",
        ),
        (
            "GMT+03:00",
            "write 'Etc/GMT-3' for UTC+03:00 (these names count towards the west); QEMU reads it as POSIX does, as 'Etc/GMT+3' for UTC-03:00",
        ),
        ("+0300", "write 'Etc/GMT-3' for UTC+03:00 (these names count towards the west)"),
        ("UTC+0", "write 'UTC'"),
        (
            "UTC+5:30",
            "write a variable clock with an adjustment of 19800 for UTC+05:30, or the name of a zone",
        ),
        ("UTC-8", "write a variable clock with an adjustment of -28800 for UTC-08:00, or the name of a zone"),
        ("Berlin", "write 'Europe/Berlin'"),
        ("new york", "write 'America/New_York'"),
        ("Asia/Berlin", "write 'Europe/Berlin'"),
        ("Munich", "write 'Europe/Berlin'"),
        ("America/Buenos_Aires", "write 'America/Argentina/Buenos_Aires'"),
        ("US/Pacific", "write 'America/Los_Angeles'"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "write 'Europe/Berlin'"),
        ("EST5EDT", "write 'America/New_York' or 'America/Panama'"),
        ("Europe/Berln", "write 'Europe/Berlin'"),
        ("Europe/Brelin", "write 'Europe/Berlin'"),
        ("Eurpoe/Pariss", "write 'Europe/Paris'"),
        ("Warshaw", "write 'Europe/Warsaw'"),
    ];
    for (name, expected) in table {
        let meant = suggest(name, &FEW).map(|meant| meant.to_string());
        assert_eq!(meant.as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn nothing_is_made_up() {
    for name in ["", " ", "Mars/Olympus", "x", "/", "+", "UTC+99", "\u{0}", &"Berlin".repeat(10_000), "é"] {
        assert_eq!(suggest(name, &FEW), None, "{name:?}");
    }
    assert_eq!(suggest("CET", &Few(&[])), None);
}

/// Each suggestion for a spoilt name is a name of the database, and mostly the one that was spoilt.
#[test]
fn the_hosts_own_names_are_found_again() {
    let zones = default_zones();
    let names = zones.names();
    if names.is_empty() {
        return xentest::skip("no tz database", "apt-get install tzdata");
    }
    let known = Known { names: names.clone(), zones: &*zones };
    let (mut right, mut all) = (0, 0);
    for name in names.iter().filter(|name| name.contains('/')).step_by(7) {
        let swapped = {
            let mut letters: Vec<char> = name.chars().collect();
            let middle = letters.len() / 2;
            letters.swap(middle, middle + 1);
            letters.into_iter().collect::<String>()
        };
        for spoilt in [name.to_uppercase(), name.replace('_', " "), swapped] {
            if zones.zone(&spoilt).is_ok() {
                continue;
            }
            all += 1;
            match known.suggest(&spoilt) {
                Some(Meant::Zones(found)) => {
                    for zone in &found {
                        assert!(zones.zone(zone).is_ok(), "{spoilt}: {zone}");
                    }
                    right += usize::from(found.contains(name));
                }
                // Etc/GMT+3 in another spelling.
                Some(Meant::Offset { .. }) => {}
                None => panic!("{spoilt}"),
            }
        }
    }
    assert!(right * 100 >= all * 95, "{right} of {all}");
}

#[test]
fn what_the_tables_name_is_there() {
    let zones = default_zones();
    if zones.zone("Europe/Berlin").is_err() {
        return xentest::skip("no tz database", "apt-get install tzdata");
    }
    let known = Known { names: zones.names(), zones: &*zones };
    let words = [ABBREVIATIONS, CITIES].into_iter().flatten().flat_map(|(_, zones)| *zones);
    for zone in words.copied().chain(WINDOWS.iter().map(|(_, zone)| *zone)) {
        assert!(known.present(zone).is_some(), "{zone}");
    }
}
