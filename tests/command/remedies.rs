//! An input that is changed according to its remedy is accepted: wrong values of the clock, in XML and in xl.cfg.

use serde_json::json;

use crate::common::{FIXED, Lab, domain};

/// The value that a remedy says to write: the first in quotes, or behind `write KEY = `.
fn value(remedy: &str) -> Option<String> {
    let quoted = |text: &str| Some(text.split_once('\'')?.1.split_once('\'')?.0.to_owned());
    match remedy.rsplit_once(" = ") {
        Some((_, value)) => Some(value.split(" (").next()?.trim().to_owned()),
        None => quoted(remedy),
    }
}

/// Puts a value into a file and what the remedy says in its place, and has both converted and started.
#[track_caller]
fn follow(file: &str, with: impl Fn(&str) -> String, wrong: &str) -> String {
    let lab = Lab::with_host(json!({}));
    lab.write(file, with(wrong));
    let convert = || lab.run(["convert", file].into_iter().chain(FIXED));
    // xl passes over some words in silence; a start is refused in any case.
    let said = convert().err;
    let created = lab.mock(["create", file]).fails(1);
    let remedy = |said: &str| said.lines().find_map(|line| Some(line.split_once("instead: ")?.1.to_owned()));
    let instead = remedy(&said).unwrap_or_else(|| panic!("no remedy for {wrong}: {said}"));
    assert_eq!(remedy(&created), Some(instead.clone()), "{created}");
    let right = value(&instead).unwrap_or_else(|| panic!("{wrong}: {instead}"));
    lab.write(file, with(&right));
    convert().ok();
    lab.mock(["create", file]).ok();
    right
}

const ZONES: [(&str, &str); 12] = [
    ("europe/berlin", "Europe/Berlin"),
    ("America/New York", "America/New_York"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome", "Europe/Amsterdam"),
    ("PST", "America/Los_Angeles"),
    ("IST", "Asia/Kolkata"),
    ("UTC+3", "Etc/GMT-3"),
    ("GMT-5", "Etc/GMT+5"),
    ("Berlin", "Europe/Berlin"),
    ("Eurpoe/Berlin", "Europe/Berlin"),
    ("CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Berlin"),
];

#[test]
fn zones_that_there_are_not() {
    if timers::zone::default_zones().zone("Asia/Kolkata").is_err() {
        return xentest::skip("no tz database", "apt-get install tzdata");
    }
    let xml = |zone: &str| domain("hvm", &format!("<clock offset='timezone' timezone='{zone}'/>"));
    let cfg =
        |zone: &str| format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 64\nclock_timezone = \"{zone}\"\n");
    for (wrong, right) in ZONES {
        assert_eq!(follow("guest.xml", xml, wrong), right, "{wrong}");
        assert_eq!(follow("guest.cfg", cfg, wrong), right, "{wrong}");
    }
}

/// Values, each with the XML's attribute or the setting that takes it, and what it comes to.
const NUMBERS: [(&str, &str, &str); 9] = [
    ("start", "2024-01-01", "1704067200"),
    ("start", "2024-01-01T00:00:00Z", "1704067200"),
    ("start", "2024-01-01 01:00:00+01:00", "1704067200"),
    ("adjustment", "1h", "3600"),
    ("adjustment", "3600*2", "7200"),
    ("adjustment", "-90 min", "-5400"),
    ("adjustment", "+02:00", "7200"),
    ("frequency", "2.4GHz", "2400000000"),
    ("frequency", "2400 MHz", "2400000000"),
];

#[test]
fn numbers_that_are_worked_out() {
    for (attribute, wrong, right) in NUMBERS {
        let xml = |value: &str| {
            let clock = match attribute {
                "start" => format!("<clock offset='absolute' start='{value}'/>"),
                "frequency" => format!(
                    "<clock offset='utc'><timer name='tsc' mode='emulate' frequency='{value}'/></clock>"
                ),
                _ => format!("<clock offset='variable' adjustment='{value}'/>"),
            };
            domain("hvm", &clock)
        };
        assert_eq!(follow("guest.xml", xml, wrong), right, "{attribute} {wrong}");
        let keys: &[&str] = match attribute {
            "start" => &["clock_start"],
            "frequency" => &["clock_tsc_frequency"],
            _ => &["rtc_timeoffset", "clock_offset = \"variable\"\nclock_adjustment"],
        };
        for key in keys {
            let cfg = |value: &str| {
                // A remedy has its own quotes.
                let value = match value.starts_with('"') || value.parse::<u64>().is_ok() {
                    true => value.to_owned(),
                    false => format!("\"{value}\""),
                };
                format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 64\n{key} = {value}\n")
            };
            let right = if right.starts_with('-') { format!("\"{right}\"") } else { right.to_owned() };
            assert_eq!(follow("guest.cfg", cfg, wrong), right, "{key} {wrong}");
        }
    }
}
