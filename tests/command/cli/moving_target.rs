//! What the target host knows of a guest decides on its arrival, and is foretold: its clock record there, a domain with its
//! UUID, an older xenclock, none at all.

use serde_json::{Value, json};

use super::moving::{info, lab, migrate, on_other, there};
use crate::common::{Lab, Run};

/// The words of the effects that preflight foretells from this host's guest to the other one, and the exit status.
fn foretold(lab: &Lab, from: &str, there: &str) -> (i32, Vec<String>, Value) {
    let Run { code, out, err } =
        lab.run(["--backend", &format!("mock:{from}"), "preflight", "--json", "-s", "", "guest", there]);
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"));
    let moved = told["moves"][0].clone();
    let words = moved["effects"].as_array().unwrap().iter();
    (code, words.map(|one| one["effect"].as_str().unwrap().to_owned()).collect(), moved)
}

/// The command that leads back to this host.
fn back() -> String {
    there().replace("there.json", "mock.json")
}

#[test]
fn the_later_request_on_the_target_is_foretold() {
    for (setting, after) in [
        ("clock_tsc_tolerance=0", "emulated"),
        ("clock_timezone=Asia/Tokyo", "native"),
        ("clock_tsc_frequency=2600001000", "emulated"),
    ] {
        let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
        lab.mock(["clock-set", "guest", "clock_tsc_tolerance=50"]).ok();
        assert_eq!(migrate(&lab, &[]).code, 0);
        // Without a change the record here is that of the guest.
        let (code, words, _) = foretold(&lab, "there.json", &back());
        assert_eq!((code, words), (0, vec!["tsc-tolerated".to_owned()]), "{setting}");
        lab.mock(["mock", "advance", "100"]).ok();
        on_other(&lab, &["mock", "advance", "100"]).ok();
        lab.mock(["clock-set", "guest", setting]).ok();
        let (code, words, moved) = foretold(&lab, "there.json", &back());
        assert!(code == 3 && words.contains(&"request-there".to_owned()), "{setting}: {words:?}");
        assert_eq!(moved["tsc"]["after"]["behaviour"], after, "{setting}");
        // Two files foretell the same.
        info(&lab, "there.json", "from");
        info(&lab, "mock.json", "to");
        let files = lab.run(["preflight", "--json", "from", "to"]).out;
        assert_eq!(serde_json::from_str::<Value>(&files).unwrap()["moves"][0]["effects"], moved["effects"]);
        let Run { code, err, .. } = on_other(&lab, &["migrate", "-s", "", "guest", &back()]);
        assert!(code == 0 && err.contains("request-there"), "{err}");
        let tsc = lab.mock(["clock-show", "--json", "guest"]).json()["tsc"].clone();
        assert_eq!(
            (&tsc["behaviour"], &tsc["khz"]),
            (&json!(after), &moved["tsc"]["after"]["khz"]),
            "{setting}"
        );
    }
}

#[test]
fn the_remedy_for_a_request_on_the_target_makes_the_one_here_count() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    lab.mock(["clock-set", "guest", "clock_tsc_tolerance=50"]).ok();
    assert_eq!(migrate(&lab, &[]).code, 0);
    lab.mock(["mock", "advance", "100"]).ok();
    lab.mock(["clock-set", "guest", "clock_tsc_tolerance=0"]).ok();
    on_other(&lab, &["mock", "advance", "200"]).ok();
    on_other(&lab, &["clock-set", "guest", "clock_tsc_tolerance=60"]).ok();
    let (_, words, moved) = foretold(&lab, "there.json", &back());
    assert!(!words.contains(&"request-there".to_owned()), "{words:?}");
    assert_eq!(moved["tsc"]["after"]["behaviour"], "native");
}

#[test]
fn after_the_move_clock_set_decides_whatever_the_hosts_clocks_say() {
    let lab = lab("mode='auto'", json!({"now": "2026-07-01T12:00:00Z"}));
    lab.mock(["clock-set", "guest", "clock_offset=utc"]).ok();
    assert_eq!(migrate(&lab, &[]).code, 0);
    // The clock of the first host is ahead.
    lab.mock(["mock", "advance", "100000000"]).ok();
    lab.mock(["clock-set", "guest", "rtc_timeoffset=60"]).ok();
    let receiver = format!("{} --backend mock:mock.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
    let back = on_other(&lab, &["-f", "migrate", "-s", "", "guest", &receiver]);
    assert!(back.code == 0 && back.err.contains("request-there"), "{back:?}");
    lab.mock(["clock-set", "guest", "rtc_timeoffset=120"]).ok();
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(lab.mock(["clock-show", "--json", "guest"]).json()["rtc"]["offset"], 120);
}

#[test]
fn a_domain_with_the_same_uuid_on_the_target_is_found() {
    let lab = lab("mode='auto'", json!({}));
    let uuid = lab.mock(["list", "--json"]).json()[0]["uuid"].as_str().unwrap().to_owned();
    on_other(&lab, &["create", "-q", "guest.xml", "name=copy", &format!("uuid={uuid}")]).ok();
    let (code, words, _) = foretold(&lab, "mock.json", &there());
    assert_eq!((code, words), (4, vec!["uuid-there".to_owned()]));
    let Run { code, err, .. } = migrate(&lab, &[]);
    assert!(code == 1 && err.contains("because of uuid-there"), "{err}");
    // A move to the guest's own host finds the guest itself.
    assert_eq!(foretold(&lab, "mock.json", &back()).1, [""; 0]);
}

#[test]
fn of_an_older_xenclock_it_is_said_what_it_does_not_tell() {
    let lab = lab("mode='auto'", json!({}));
    info(&lab, "there.json", "report");
    let newer = |records: Value| {
        let mut report: Value = serde_json::from_str(&lab.read("report")).unwrap();
        match records {
            Value::Null => drop(report.as_object_mut().unwrap().remove("records")),
            records => report["records"] = records,
        }
        lab.write("answer", report.to_string());
        let script = format!("#!/bin/sh\nexec cat '{}'\n", lab.path("answer").display());
        format!("{} migrate-receive", lab.program("receiver", &script).display())
    };
    assert_eq!(foretold(&lab, "mock.json", &newer(json!([]))).1, [""; 0]);
    for records in [Value::Null, json!([{"version": 4, "of": "a newer xenclock"}])] {
        let (code, words, _) = foretold(&lab, "mock.json", &newer(records));
        assert_eq!((code, words), (3, vec!["target-release".to_owned()]));
    }
}

#[test]
fn nothing_is_foretold_of_a_host_without_xenclock() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 3_400_000}));
    let Run { code, out, err } = lab.mock(["-N", "migrate", "-s", "", "guest", "false migrate-receive"]);
    assert!(code == 0 && err.contains("is not known"), "{err}");
    assert_eq!(
        out,
        "guest (domain 1, hvm) from mock to another host: the effect on its clock is not known\n  \
         TSC       2600000 kHz, native -> not known\n"
    );
    // What depends on no host is refused all the same.
    lab.write("other.cfg", "name = \"other\"\ntype = \"hvm\"\nnomigrate = 1\n");
    lab.mock(["create", "-q", "other.cfg"]).ok();
    let Run { code, out, .. } = lab.mock(["-N", "migrate", "-s", "", "other", "false migrate-receive"]);
    assert!(code == 1 && out.contains("-> not known") && out.contains("nomigrate"), "{out}");
}

#[test]
fn an_option_without_effect_is_reported_in_each_form_of_a_command() {
    let lab = lab("mode='auto'", json!({}));
    info(&lab, "mock.json", "a");
    info(&lab, "there.json", "b");
    let there = there();
    let migrate = ["migrate", "-s", "", "guest", &there];
    let forced = there.replace("migrate-receive", "-f migrate-receive");
    let with = |option: &'static str| [&migrate[..1], &[option], &migrate[1..]].concat();
    for (words, option) in [
        (vec!["preflight", "-s", "ssh", "a", "b"], "-s"),
        (vec!["preflight", "-s", "", "--pool", "a", "b"], "-s"),
        (vec!["-f", "preflight", "a", "b"], "-f"),
        (vec!["-f", "clock-show", "guest"], "-f"),
        (vec!["-f", "save", "-c", "guest", "saved"], "-f"),
        (vec!["save", "-c", "-p", "guest", "saved"], "-c"),
        (vec!["unpause", "guest"], ""),
        ([&["-N"], &with("-p")[..]].concat(), "-p"),
        ([&["-N"], &with("-e")[..]].concat(), "-e"),
        ([&["-N"], &with("-F")[..]].concat(), "-F"),
        ([&["-N"], &with("--debug")[..]].concat(), "--debug"),
        (vec!["-f", "clock-set", "guest", "clock_offset=utc"], "-f"),
        (vec!["clock-set", "--now", "guest", "clock_tsc_tolerance=50"], "--now"),
        (vec!["preflight", "a", "b"], ""),
        (vec!["preflight", "-s", "", "guest", &there], ""),
        (vec!["clock-show", "guest"], ""),
        (vec!["clock-set", "--now", "guest", "clock_offset=utc"], ""),
        ([&["-N"], &migrate[..]].concat(), ""),
        (vec!["-N", "migrate", "-s", "", "guest", &forced], ""),
    ] {
        let told = lab.mock(words.clone());
        assert_eq!(told.code, 0, "{words:?}: {told:?}");
        let says = format!("warning: {option} has no effect here: ");
        let expected =
            if option.is_empty() { !told.err.contains("no effect") } else { told.err.contains(&says) };
        assert!(expected, "{words:?}: {told:?}");
    }
    // The remedy to the letter.
    let paused = format!("{there} -p");
    lab.mock(["migrate", "-s", "", "guest", &paused]).ok();
    assert_eq!(on_other(&lab, &["list", "--json"]).json()[0]["state"], "paused");
}

#[test]
fn a_dry_clock_set_prints_what_it_is_asked_to_print() {
    let lab = lab("mode='auto'", json!({}));
    let told = lab.mock(["-N", "clock-set", "--json", "guest", "rtc_timeoffset=60"]).json();
    assert_eq!(told["request"]["clock"]["offset"]["adjustment"], 60);
    let text = lab.mock(["-N", "clock-set", "--wrapper", "guest", "rtc_timeoffset=60"]).ok();
    assert!(text.contains("would next start") && text.contains("device_model_override"), "{text}");
    assert_eq!(lab.mock(["clock-show", "--json", "guest"]).json()["tsc"]["next_start"], Value::Null);
}
