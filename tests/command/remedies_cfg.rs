//! The remedy of each wrong line of an xl.cfg is the setting that was meant, and is accepted where it is followed.

use serde_json::json;

use crate::common::Lab;

const HEAD: &str = "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\n";

/// Has wrong lines checked: each gets its remedy, and the right one in its place is accepted without a word.
#[track_caller]
fn follow(table: &[(&str, &str, &str)]) {
    let lab = Lab::with_host(json!({"xen_version": "4.17", "tsc_scaling": true}));
    let mut wrongs = Vec::new();
    for (wrong, remedy, right) in table {
        let remedy = if remedy.is_empty() { format!("write {right}") } else { (*remedy).to_owned() };
        lab.write("guest.cfg", format!("{HEAD}{wrong}\n"));
        let said = lab.mock(["check", "guest.cfg"]);
        if said.code == 0 || !said.out.lines().any(|line| line.trim() == format!("instead: {remedy}")) {
            wrongs.push(format!("{wrong}: expected {remedy}\n{}", said.out));
        }
        lab.write("guest.cfg", format!("{HEAD}{right}\n"));
        let said = lab.mock(["check", "guest.cfg"]);
        if said.code != 0 {
            wrongs.push(format!("{right} is not accepted\n{}", said.out));
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

/// True where the tz database is there.
fn has_zones() -> bool {
    let there = timers::zone::default_zones().zone("Europe/Berlin").is_ok();
    if !there {
        xentest::skip("no tz database", "apt-get install tzdata");
    }
    there
}

#[test]
fn a_value_of_another_key_of_the_clock_gets_that_key() {
    if !has_zones() {
        return;
    }
    follow(&[
        ("clock_offset = \"UTC+3\"", "", "clock_timezone = \"Etc/GMT-3\""),
        ("clock_offset = \"GMT-5\"", "", "clock_timezone = \"Etc/GMT+5\""),
        ("clock_offset = \"UTC+5:30\"", "", "rtc_timeoffset = 19800"),
        ("clock_offset = \"Europe/Berlin\"", "", "clock_timezone = \"Europe/Berlin\""),
        ("clock_offset = \"W. Europe Standard Time\"", "", "clock_timezone = \"Europe/Berlin\""),
        ("clock_offset = \"+3600\"", "", "rtc_timeoffset = 3600"),
        ("clock_offset = 3600", "", "rtc_timeoffset = 3600"),
        ("clock_offset = \"-90 min\"", "", "rtc_timeoffset = \"-5400\""),
        ("clock_offset = \"2026-01-01\"", "", "clock_start = 1767225600"),
        ("clock_offset = \"GMT\"", "", "clock_offset = \"utc\""),
        ("clock_offset = \"local\"", "", "clock_offset = \"localtime\""),
        ("clock_timezone = \"local\"", "", "clock_offset = \"localtime\""),
        ("clock_timezone = 3600", "", "rtc_timeoffset = 3600"),
        ("clock_timezone = \"UTC+5:30\"", "", "rtc_timeoffset = 19800"),
        ("clock_timezone = \"Etc/GMT+15\"", "", "rtc_timeoffset = \"-54000\""),
        ("clock_start = 1767225600000", "", "clock_start = 1767225600"),
        ("timezone = \"UTC+3\"", "", "clock_timezone = \"Etc/GMT-3\""),
        ("timezone = \"W. Europe Standard Time\"", "", "clock_timezone = \"Europe/Berlin\""),
        ("timezone = 7200", "", "rtc_timeoffset = 7200"),
        ("rtc_offset = \"Asia/Tokyo\"", "", "clock_timezone = \"Asia/Tokyo\""),
        ("rtc = \"Asia/Tokyo\"", "", "clock_timezone = \"Asia/Tokyo\""),
        ("rtc_start = 1767225600000", "", "clock_start = 1767225600"),
        (
            "clock_basis = \"UTC+3\"\nclock_offset = \"variable\"",
            "write clock_basis = \"utc\" or \"localtime\"",
            "clock_basis = \"utc\"\nclock_offset = \"variable\"",
        ),
        (
            "clock_offset = \"zone\"\nclock_timezone = \"Asia/Tokyo\"",
            "write clock_offset = \"timezone\"",
            "clock_offset = \"timezone\"\nclock_timezone = \"Asia/Tokyo\"",
        ),
        (
            "clock_offset = \"local\"\nclock_adjustment = \"reset\"",
            "write clock_offset = \"localtime\"",
            "clock_offset = \"localtime\"\nclock_adjustment = \"reset\"",
        ),
    ]);
}

#[test]
fn a_timer_keeps_its_name() {
    let timers = |item: &str| format!("clock_timers = [ \"{item}\" ]");
    for (wrong, right) in [
        ("clock_timers = \"name=hpet,present=no\"", "name=hpet,present=no"),
        ("clock_timers = \"tsc\"", "name=tsc"),
        ("clock_timers = \"hpet=off\"", "name=hpet,present=no"),
    ] {
        follow(&[(wrong, "", &timers(right))]);
    }
    for (wrong, right) in [
        ("tsc", "name=tsc"),
        ("hpet=no", "name=hpet,present=no"),
        ("tsc=native", "name=tsc,mode=native"),
        ("tsc,mode=native", "name=tsc,mode=native"),
    ] {
        follow(&[(&timers(wrong), &format!("write \"{right}\""), &timers(right))]);
    }
    follow(&[
        (
            "clock_timers = [ \"name=hpet,present=false\" ]",
            "write present=no",
            &timers("name=hpet,present=no"),
        ),
        (
            "clock_timers = [ \"name=tsc,frequency=2.4GHz\" ]",
            "write frequency=2400000000",
            &timers("name=tsc,frequency=2400000000"),
        ),
        ("clock_tsc_tolerance = \"100ppm\"", "", "clock_tsc_tolerance = 100"),
        ("clock_tsc_tolerance = \"off\"", "", "clock_tsc_tolerance = 0"),
        ("clock_tsc_tolerance = 1000", "", "clock_tsc_tolerance = 250"),
    ]);
}

/// The lines of a file that its check names with a finding of this code.
fn lines(said: &str, code: &str) -> Vec<u32> {
    let ends = format!("[{code}]");
    let found = said.lines().filter(|line| line.ends_with(&ends));
    found.map(|line| line.split(':').nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn all_that_is_wrong_with_a_clock_is_said_at_once() {
    if !has_zones() {
        return;
    }
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for (text, code, expected) in [
        ("vga = \"std\"\nclock_timezone = \"UTC+3\"", "bad-zone", &[5][..]),
        ("memory = 2GB\nclock_timezone = \"UTC+3\"", "bad-zone", &[5]),
        ("vga = \"std\"\nclock_tsc_frequency = 0", "tsc-frequency", &[5]),
        (
            "clock_timers = [\n \"name=tsc,mode=x\",\n \"name=rtc,tickpolicy=x,\n track=y\",\n \"name=hpet\" ]",
            "cfg-lexical",
            &[6],
        ),
        (
            "clock_timers = [\n \"name=tsc,mode=x\",\n \"name=rtx,tickpolicy=x\",\n \"name=hpet\" ]",
            "bad-value",
            &[5, 6, 6],
        ),
        ("clock_offset = \"sundial\"\nclock_adjustment = \"1h\"", "bad-value", &[4, 5]),
        ("clock_offset = \"sundial\"\nclock_timezone = \"UTC+3\"", "bad-zone", &[5]),
        ("localtime = \"yes\"\nvga = \"std\"\ntimezone = \"UTC+3\"\nmemry = 5", "unknown-clock-key", &[6]),
        ("localtime = \"yes\"\nvga = std\ntimezone = \"UTC+3\"\nmemry = 5", "unknown-clock-key", &[6]),
        ("localtime = \"yes\"\nvga = std\nmemry = 5", "unknown-key", &[6]),
        ("localtime = \"yes\"\nvga = std\nmemry = 5", "no-number", &[4]),
    ] {
        lab.write("guest.cfg", format!("{HEAD}{text}\n"));
        let said = lab.mock(["check", "guest.cfg"]);
        assert_eq!(lines(&said.out, code), expected, "{text}: {}", said.out);
    }
}
