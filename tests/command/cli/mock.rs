//! The commands of the mock host: time, facts, and a guest's changes to its clock.

use serde_json::{Value, json};

use crate::common::{Lab, domain};

/// A host in Berlin with one guest of this clock.
fn with_guest(kind: &str, clock: &str) -> Lab {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", domain(kind, clock));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab
}

fn show(lab: &Lab) -> Value {
    lab.mock(["clock-show", "--json", "guest"]).json()
}

fn rtc(lab: &Lab) -> (i64, String) {
    let rtc = &show(lab)["rtc"];
    (rtc["offset"].as_i64().unwrap(), rtc["time"].as_str().unwrap().to_owned())
}

const UTC: &str = "<clock offset='utc'/>";
const LOCAL: &str = "<clock offset='localtime'/>";
const VARIABLE: &str = "<clock offset='variable' adjustment='100' basis='localtime'/>";

#[test]
fn time_passes_when_told() {
    let lab = with_guest("hvm", UTC);
    assert_eq!(rtc(&lab), (0, "2026-07-01T12:00:00".to_owned()));
    lab.mock(["mock", "advance", "3600"]).ok();
    assert_eq!(rtc(&lab), (0, "2026-07-01T13:00:00".to_owned()));
    lab.mock(["mock", "set", "now=2026-12-24T18:00:00Z"]).ok();
    assert_eq!(rtc(&lab), (0, "2026-12-24T18:00:00".to_owned()));
}

#[test]
fn facts_are_set() {
    let lab = Lab::with_host(json!({}));
    let facts = [
        "timezone=Asia/Tokyo",
        "cpu_khz=3000000",
        "tsc_reliable=no",
        "tsc_scaling=unknown",
        "xen_version=4.20",
    ];
    lab.mock(["mock", "set"].into_iter().chain(facts)).ok();
    let info = lab.mock(["host-info", "--json"]).json();
    assert_eq!(
        (
            &info["timezone"],
            &info["cpu_khz"],
            &info["tsc_reliable"],
            &info["tsc_scaling"],
            &info["xen_version"]
        ),
        (&json!("Asia/Tokyo"), &json!(3_000_000), &json!(false), &Value::Null, &json!("4.20"))
    );
}

#[test]
fn no_change_of_the_host_moves_a_guest_that_runs() {
    let lab = with_guest("hvm", LOCAL);
    assert_eq!(rtc(&lab).0, 7200);
    lab.mock(["mock", "set", "timezone=Asia/Tokyo"]).ok();
    assert_eq!(rtc(&lab).0, 7200);
    lab.mock(["mock", "set", "now=2026-12-24T18:00:00Z"]).ok();
    assert_eq!(rtc(&lab).0, 7200);
}

#[test]
fn a_variable_clock_keeps_what_the_guest_made_of_it() {
    let lab = with_guest("hvm", VARIABLE);
    assert_eq!(rtc(&lab).0, 7300);
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    assert_eq!(rtc(&lab).0, 7320);
    assert_eq!(show(&lab)["rtc"]["changed_by_guest"], 20);
    // Berlin goes to winter time meanwhile, and that is no matter.
    lab.mock(["mock", "set", "now=2026-12-24T18:00:00Z"]).ok();
    let said = lab.mock(["mock", "reboot", "guest"]).ok();
    assert!(said.contains("domain 2"), "a reboot is a new domain: {said}");
    assert_eq!(rtc(&lab).0, 7320);
    assert_eq!(show(&lab)["rtc"]["tracked"], true);
    lab.mock(["mock", "write-rtc", "guest", "-7320"]).ok();
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(rtc(&lab).0, 0, "and so on");
    lab.mock(["mock", "write-rtc", "guest", "2026-12-24T20:00:00"]).ok();
    assert_eq!(rtc(&lab), (7200, "2026-12-24T20:00:00".to_owned()));
}

#[test]
fn any_other_clock_is_resolved_again_at_a_reboot() {
    for (clock, before, after) in [
        (LOCAL, 7200, 3600),
        (UTC, 0, 0),
        ("<clock offset='localtime' adjustment='reset'/>", 7200, 3600),
        ("<clock offset='timezone' timezone='America/New_York'/>", -14_400, -18_000),
    ] {
        let lab = with_guest("hvm", clock);
        assert_eq!(rtc(&lab).0, before, "{clock}");
        lab.mock(["mock", "write-rtc", "guest", "-33"]).ok();
        assert_eq!(rtc(&lab).0, before - 33, "{clock}");
        lab.mock(["mock", "set", "now=2026-12-24T18:00:00Z"]).ok();
        lab.mock(["mock", "reboot", "guest"]).ok();
        assert_eq!(rtc(&lab).0, after, "{clock}");
    }
}

#[test]
fn a_fixed_start_is_the_same_moment_again() {
    let lab = with_guest("hvm", "<clock offset='absolute' start='1904169600'/>");
    let started = rtc(&lab).1;
    lab.mock(["mock", "advance", "1000"]).ok();
    assert_ne!(rtc(&lab).1, started);
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(rtc(&lab).1, started);
}

#[test]
fn a_guest_without_rtc_has_nothing_to_write() {
    for kind in ["pv", "pvh"] {
        let lab = with_guest(kind, VARIABLE);
        assert_eq!(rtc(&lab).0, 7300);
        assert_eq!(show(&lab)["rtc"]["tracked"], false);
        lab.mock(["mock", "write-rtc", "guest", "+1"]).fails(1);
        lab.mock(["mock", "reboot", "guest"]).ok();
        assert_eq!(rtc(&lab).0, 7300, "{kind}");
    }
}

#[test]
fn a_tsc_is_the_same_after_a_reboot() {
    let lab = with_guest("hvm", "<clock offset='utc'><timer name='tsc' frequency='2000000000'/></clock>");
    let before = show(&lab)["tsc"].take();
    assert_eq!(before["khz"], 2_000_000);
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(show(&lab)["tsc"], before);
}

#[test]
fn what_becomes_of_a_guest_that_ends_is_in_its_config() {
    let ends = "<on_poweroff>preserve</on_poweroff><on_reboot>destroy</on_reboot>";
    let lab = with_guest("hvm", ends);
    assert!(lab.mock(["mock", "poweroff", "guest"]).ok().contains("preserved"));
    assert_eq!(lab.mock(["list", "--json"]).json().as_array().unwrap().len(), 1);
    let lab = with_guest("hvm", ends);
    assert!(lab.mock(["mock", "reboot", "guest"]).ok().contains("has ended"));
    assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
}

#[test]
fn a_state_file_that_is_none_is_refused_and_left_alone() {
    for content in [
        "not JSON",
        "[]",
        "{\"host\": {\"colour\": \"red\"}}",
        "{\"host\": {\"timezone\": \"Mars/Olympus\"}}",
    ] {
        let lab = Lab::new();
        lab.write("mock.json", content);
        lab.write("guest.xml", domain("hvm", UTC));
        let said = lab.mock(["create", "guest.xml"]).fails(1);
        assert!(said.contains("mock.json") || said.contains("Mars/Olympus"), "{content}: {said}");
        assert_eq!(lab.read("mock.json"), content);
    }
}

#[test]
fn a_file_that_is_empty_or_not_there_yet_is_a_new_host() {
    for empty in [true, false] {
        let lab = Lab::new();
        if empty {
            lab.write("mock.json", "");
        }
        lab.write("guest.xml", domain("hvm", UTC));
        lab.mock(["create", "-q", "guest.xml"]).ok();
        assert_eq!(lab.mock(["list", "--json"]).json().as_array().unwrap().len(), 1);
        serde_json::from_str::<Value>(&lab.read("mock.json")).unwrap();
    }
}

#[test]
fn the_kinds_and_calls_that_can_fail_are_listed() {
    let lab = with_guest("hvm", UTC);
    let said = lab.mock(["mock", "fail", "save", "tired"]).fails(2);
    assert!(said.contains("there is no kind of failure 'tired'; the kinds are no_such_domain, "), "{said}");
    let said = lab.mock(["mock", "fail", "sleep", "io"]).fails(1);
    assert!(said.contains("a host has no call 'sleep'; the calls are facts, "), "{said}");
    for kind in ["exists", "no_rtc", "not_supported", "wrong_state"] {
        lab.mock(["mock", "fail", "save", kind, "0"]).ok();
        assert!(lab.mock(["mock", "fail", "--help"]).ok().contains(kind), "{kind}");
    }
}

#[test]
fn a_state_is_a_regular_file_of_bearable_length() {
    let lab = Lab::new();
    for device in ["/dev/full", "/dev/zero"] {
        let host = format!("mock:{device}");
        let said = lab.run(["--backend", &host, "list"]).fails(1);
        assert!(said.contains("expected a regular file"), "{said}");
    }
    lab.write("long.json", " ".repeat((16 << 20) + 1));
    let said = lab.run(["--backend", "mock:long.json", "list"]).fails(1);
    assert!(said.contains("longer than"), "{said}");
}

#[test]
fn an_rtc_too_far_away_is_not_said_to_survive() {
    let lab = with_guest("hvm", VARIABLE);
    lab.mock(["mock", "write-rtc", "guest", "2099-12-31T23:59:59"]).ok();
    let shown = lab.mock(["clock-show", "guest"]).ok();
    assert!(shown.contains("UTC+26846d ") && shown.contains("tracked      no"), "{shown}");
    assert!(shown.contains("over 2147483647 s from UTC"), "{shown}");
}

#[test]
fn a_pending_clock_is_named() {
    let lab = with_guest("hvm", UTC);
    lab.mock(["clock-set", "guest", "clock_timezone=Asia/Tokyo"]).ok();
    let shown = lab.mock(["clock-show", "guest"]).ok();
    assert!(shown.contains("another clock, requested since the last start: timezone Asia/Tokyo"), "{shown}");
    let uuid = "6ba7b810-9dad-41d1-80b4-00c04fd430c9";
    let run = lab.mock(["clock-set", uuid, "localtime=1"]);
    assert!(run.err.contains(&format!("no guest {uuid} is known yet")), "{}", run.err);
    assert!(lab.mock(["clock-set", uuid, "localtime=0"]).err.is_empty());
}
