//! `clock-set --now`: what is said of a clock that a running guest was given is what is said of one that it was started with.

use serde_json::{Value, json};

use crate::common::{Lab, domain};

const HOST: &str = "Europe/Madrid";

/// A guest at UTC, in summer.
fn lab(now: &str) -> Lab {
    let lab = Lab::with_host(json!({"now": now, "timezone": HOST}));
    lab.write("guest.xml", domain("hvm", "<clock offset='utc'/>"));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab
}

/// What is said of the RTC and the clock of the domain XML.
fn said(lab: &Lab) -> (Value, String) {
    let rtc = lab.mock(["clock-show", "guest", "--json"]).json()["rtc"].clone();
    let xml = lab.mock(["dumpxml", "guest"]).ok();
    let clock = xml.lines().find(|line| line.contains("<clock")).unwrap().trim().to_owned();
    (rtc, clock)
}

#[test]
fn a_clock_of_a_zone_is_said_as_at_a_start() {
    let words = [
        ("clock_offset=localtime", "local time of Europe/Madrid", "<clock offset='localtime'>"),
        (
            "clock_timezone=Asia/Tokyo",
            "time zone Asia/Tokyo",
            "<clock offset='timezone' timezone='Asia/Tokyo'>",
        ),
    ];
    for (setting, source, clock) in words {
        let lab = lab("2026-07-01T12:00:00Z");
        lab.mock(["clock-set", "--now", "guest", setting]).ok();
        let (live, xml) = said(&lab);
        assert_eq!((&live["source"], xml.as_str()), (&json!(format!("{source}, set by clock-set")), clock));
        // As after a start with it.
        lab.mock(["mock", "reboot", "guest"]).ok();
        let (started, xml) = said(&lab);
        assert_eq!((&started["source"], xml.as_str()), (&json!(source), clock));
        for field in ["offset", "zone_change", "next_start", "tracked", "changed_by_guest"] {
            assert_eq!(live[field], started[field], "{field}");
        }
    }
    let lab = lab("2026-07-01T12:00:00Z");
    lab.mock(["clock-set", "--now", "guest", "clock_offset=localtime"]).ok();
    // The zone goes to winter time: the RTC no longer shows what was requested.
    lab.mock(["mock", "set", "now=2026-11-01T12:00:00Z"]).ok();
    let shown = lab.mock(["clock-show", "guest"]).ok();
    assert!(shown.contains("the RTC did not follow"), "{shown}");
    assert_eq!(said(&lab).1, "<clock offset='variable' adjustment='7200' basis='utc'>");
}

#[test]
fn an_offset_set_while_the_hosts_clock_is_not_set() {
    let lab = lab("1970-01-01T00:00:10Z");
    lab.mock(["clock-set", "--now", "guest", "clock_offset=variable", "clock_basis=localtime"]).ok();
    let (live, _) = said(&lab);
    lab.mock(["mock", "reboot", "guest"]).ok();
    let (started, _) = said(&lab);
    let source = started["source"].as_str().unwrap();
    assert!(source.ends_with(", when the host's clock was not set"), "{source}");
    assert_eq!(live["source"], format!("{source}, set by clock-set"));
    assert_eq!(live["next_start"], started["next_start"]);
}

/// A TSC that is requested for the next start changes nothing in the clock of now.
#[test]
fn another_tsc_for_the_next_start() {
    let lab = lab("2026-07-01T12:00:00Z");

    lab.mock(["clock-set", "--now", "guest", "clock_offset=localtime"]).ok();
    lab.mock(["clock-set", "guest", "tsc_mode=always_emulate"]).ok();
    assert_eq!(said(&lab).1, "<clock offset='localtime'>");
    lab.mock(["clock-set", "guest", "clock_offset=utc"]).ok();
    assert_eq!(said(&lab).1, "<clock offset='variable' adjustment='7200' basis='utc'>");
}

#[test]
fn a_word_that_sets_nothing_and_a_guest_named_like_an_id() {
    let lab = lab("2026-07-01T12:00:00Z");
    for words in [&["clock-set", "guest", "clock_offset"][..], &["plan", "guest.xml", "vcpus"]] {
        let why = lab.mock(words.iter().copied()).fails(2);
        assert!(why.contains("is not a setting, expected KEY=VALUE"), "{why}");
    }
    let uuid = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
    let named = domain("hvm", &format!("<uuid>{uuid}</uuid><clock offset='variable' adjustment='0'/>"));
    lab.write("42.xml", named.replace("<name>guest<", "<name>42<"));
    lab.mock(["create", "-q", "42.xml"]).ok();
    let id = lab.mock(["domid", "42"]).ok();
    lab.mock(["destroy", id.trim()]).ok();
    let why = lab.mock(["clock-set", "42", "clock_offset=utc"]).fails(1);
    assert!(why.contains("no domain has the ID 42") && why.contains(uuid), "{why}");
    lab.mock(["clock-set", uuid, "clock_offset=utc"]).ok();
}
