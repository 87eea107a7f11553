//! Faults found in the field: small inputs, and the right result.

use std::fs;

use serde_json::{Value, json};

use crate::common::{Lab, domain};

const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// Two hosts, `a.json` and `b.json`, with these facts besides the tests' own.
fn hosts(a: &Value, b: &Value) -> Lab {
    let lab = Lab::new();
    for (name, facts) in [("a", a), ("b", b)] {
        let mut host = json!({"now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin"});
        host.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
        lab.write(&format!("{name}.json"), json!({"host": host}).to_string());
    }
    lab
}

fn on(lab: &Lab, host: &str, words: &[&str]) -> crate::common::Run {
    lab.run([&["--backend", &format!("mock:{host}.json")], words].concat())
}

/// A guest without a UUID of its own beside the one given, with this inside its XML.
fn write_guest(lab: &Lab, clock: &str) {
    let xml = domain("hvm", clock).replace("<name>", &format!("<uuid>{UUID}</uuid><name>"));
    lab.write("guest.xml", xml.replace("</domain>", "<on_reboot>restart</on_reboot></domain>"));
}

/// Mode, kHz, behaviour and reason of a guest's TSC, as JSON has them; the human form, the list and the metrics must agree.
fn tsc(lab: &Lab, host: &str) -> (String, u64, String, String) {
    let view = on(lab, host, &["clock-show", "--json", "guest"]).json();
    let text = |name: &str| view["tsc"][name].as_str().unwrap().to_owned();
    let (behaviour, why) = (text("behaviour"), text("why"));
    let shown = on(lab, host, &["clock-show", "guest"]).ok();
    assert!(shown.contains(&format!("kHz, {behaviour}\n")) && shown.contains(&why), "{shown}");
    let listed = on(lab, host, &["clock-list", "--json"]).json();
    assert_eq!(listed[0]["tsc"], view["tsc"]);
    let list = on(lab, host, &["clock-list"]).ok();
    assert!(list.trim_end().ends_with(&format!(" {behaviour}")), "{list}");
    let metrics = on(lab, host, &["clock-list", "--prometheus"]).ok();
    let emulated = metrics.lines().find(|line| line.starts_with("xenclock_tsc_emulated{"));
    let expected = (behaviour != "scaled-or-emulated").then_some(behaviour == "emulated");
    assert_eq!(emulated.map(|line| line.ends_with(" 1")), expected, "{metrics}");
    (text("mode"), view["tsc"]["khz"].as_u64().unwrap(), behaviour, why)
}

#[test]
fn what_is_said_of_a_tsc_is_the_present_hosts() {
    let host = |khz: u32| json!({"cpu_khz": khz});
    let at_2_ghz = "<clock offset='utc'><timer name='tsc' frequency='2000000000'/></clock>";
    for (clock, a, b, before, after, why) in [
        ("", host(2_000_000), host(3_000_000), "native", "emulated", "differs from the host's 3000000 kHz"),
        ("", host(3_000_000), host(2_000_000), "native", "emulated", "differs from the host's 2000000 kHz"),
        ("", host(2_600_000), host(2_600_001), "native", "emulated", "differs from the host's 2600001 kHz"),
        (at_2_ghz, host(2_600_000), host(2_000_000), "emulated", "native", "the host's TSC is reliable"),
        (
            "",
            host(2_600_000),
            json!({"cpu_khz": 3_000_000, "tsc_scaling": true}),
            "native",
            "scaled",
            "this host's CPU scales",
        ),
        (
            "",
            host(2_600_000),
            json!({"cpu_khz": 2_600_000, "tsc_reliable": false}),
            "native",
            "emulated",
            "does not trust the host's TSC",
        ),
        (
            at_2_ghz,
            json!({"cpu_khz": 2_600_000, "tsc_scaling": true}),
            json!({"cpu_khz": 2_600_000, "tsc_scaling": null}),
            "scaled",
            "scaled-or-emulated",
            "not known",
        ),
        (
            "<clock offset='utc'><timer name='tsc' mode='native'/></clock>",
            host(2_600_000),
            host(3_000_000),
            "native",
            "native",
            "which runs at 3000000 kHz",
        ),
    ] {
        let lab = hosts(&a, &b);
        write_guest(&lab, clock);
        on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
        assert_eq!(tsc(&lab, "a").2, before, "{a} {b}");
        on(&lab, "a", &["save", "guest", "guest.save"]).ok();
        // A clock that would go wrong takes force.
        on(&lab, "b", &["-f", "restore", "guest.save"]).ok();
        let (_, _, behaviour, reason) = tsc(&lab, "b");
        assert_eq!(behaviour, after, "{a} {b}");
        assert!(reason.contains(why), "{reason}");
    }
}

#[test]
fn the_same_host_measured_anew_is_another() {
    let lab = hosts(&json!({"cpu_khz": 2_600_000}), &json!({}));
    write_guest(&lab, "");
    on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
    on(&lab, "a", &["save", "guest", "guest.save"]).ok();
    on(&lab, "a", &["mock", "set", "cpu_khz=2600001"]).ok();
    on(&lab, "a", &["restore", "guest.save"]).ok();
    let (_, khz, behaviour, _) = tsc(&lab, "a");
    assert_eq!((khz, behaviour.as_str()), (2_600_000, "emulated"));
}

/// The sandbox's configs: local time in Tokyo, and New York's with an emulated TSC.
fn sandbox(uuid: &str, more: &str) -> String {
    format!(
        "<domain type='xen'><name>guest</name>{uuid}<memory unit='MiB'>64</memory><os><type>hvm</type></os>{more}\
         <on_reboot>restart</on_reboot></domain>"
    )
}

#[test]
fn a_config_given_on_the_way_is_requested_for_the_next_start() {
    let same = format!("<uuid>{UUID}</uuid>");
    let other = "<uuid>0f1e2d3c-4b5a-4697-8877-665544332211</uuid>".to_owned();
    let new_york =
        "<clock offset='timezone' timezone='America/New_York'><timer name='tsc' mode='emulate'/></clock>";
    for (way, uuid) in [
        ("restore", &same),
        ("restore", &other),
        ("restore", &String::new()),
        ("save", &same),
        ("save", &String::new()),
    ] {
        let lab = hosts(&json!({"timezone": "Asia/Tokyo"}), &json!({}));
        lab.write("first.xml", sandbox(&same, "<clock offset='localtime'/>"));
        lab.write("second.xml", sandbox(uuid, new_york));
        on(&lab, "a", &["create", "-q", "first.xml"]).ok();
        if way == "save" {
            on(&lab, "a", &["save", "guest", "guest.save", "second.xml"]).ok();
            on(&lab, "a", &["restore", "guest.save"]).ok();
        } else {
            on(&lab, "a", &["save", "guest", "guest.save"]).ok();
            on(&lab, "a", &["restore", "second.xml", "guest.save"]).ok();
        }
        let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
        assert_eq!(view["rtc"]["offset"], 32_400, "{way} {uuid}: the guest goes on where it was");
        assert_eq!(view["tsc"]["mode"], "default", "{way} {uuid}");
        let said = on(&lab, "a", &["mock", "reboot", "guest"]).ok();
        let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
        let now = (&view["rtc"]["offset"], &view["tsc"]["mode"]);
        assert_eq!(now, (&json!(-14_400), &json!("always_emulate")), "{way} {uuid}: {said}");
    }
}

#[test]
fn the_guests_own_changes_go_on_where_the_config_given_on_the_way_is_its_own() {
    let lab = hosts(&json!({}), &json!({}));
    write_guest(&lab, "<clock offset='variable' adjustment='60' basis='utc'/>");
    on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
    on(&lab, "a", &["mock", "write-rtc", "guest", "+30"]).ok();
    on(&lab, "a", &["save", "guest", "guest.save"]).ok();
    on(&lab, "a", &["restore", "guest.xml", "guest.save"]).ok();
    on(&lab, "a", &["mock", "reboot", "guest"]).ok();
    assert_eq!(on(&lab, "a", &["clock-show", "--json", "guest"]).json()["rtc"]["offset"], 90);
}

#[test]
fn the_tsc_of_a_running_guest_takes_force_however_it_is_spelled() {
    let lab = hosts(&json!({}), &json!({}));
    write_guest(&lab, "<clock offset='variable' adjustment='60' basis='utc'/>");
    on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
    for word in [
        "clock_offset=utc;tsc_mode=always_emulate",
        " tsc_mode = always_emulate",
        "clock_offset=utc; clock_tsc_frequency=1000000000",
        "tsc_mode=1",
        "clock_offset=utc; clock_timers=[ 'name=tsc,mode=emulate' ]",
        "clock_offset=utc; clock_timers=[ 'name=hpet,present=no', 'name=tsc,frequency=1000000000' ]",
    ] {
        let said = on(&lab, "a", &["clock-set", "--now", "guest", word]).fails(1);
        assert!(said.contains("-f"), "{word}: {said}");
        let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
        assert_eq!((&view["rtc"]["offset"], &view["tsc"]["mode"]), (&json!(60), &json!("default")), "{word}");
        assert_eq!(view["clock"]["offset"]["adjustment"], 60, "{word}: nothing is requested either");
    }
    on(&lab, "a", &["-f", "clock-set", "--now", "guest", "clock_offset=utc;tsc_mode=always_emulate"]).ok();
    let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
    assert_eq!((&view["rtc"]["offset"], &view["tsc"]["mode"]), (&json!(0), &json!("always_emulate")));
    // A list or a file without a TSC takes back the one that was requested.
    lab.write("plain.cfg", format!("name='guest'\nuuid='{UUID}'\ntype='hvm'\nmemory=64\n"));
    for words in [&["clock_timers=[ 'name=hpet,present=no' ]"][..], &["--from", "plain.cfg"]] {
        let words = ["clock-set", "--now", "guest"].iter().chain(words).copied();
        let said = on(&lab, "a", &words.collect::<Vec<_>>()).fails(1);
        assert!(said.contains("-f"), "{said}");
    }
}

#[test]
fn timers_of_a_running_guest_leave_its_rtc() {
    let lab = hosts(&json!({}), &json!({}));
    write_guest(&lab, "<clock offset='variable' adjustment='60' basis='utc'/>");
    on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
    on(&lab, "a", &["mock", "write-rtc", "guest", "+30"]).ok();
    let words = ["clock-set", "--now", "guest", "clock_timers=[ 'name=rtc,tickpolicy=catchup' ]"];
    let said = on(&lab, "a", &words);
    assert!(said.code == 0 && !said.err.contains("jumps"), "{said:?}");
    let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
    assert_eq!(view["rtc"]["offset"], 90);
    // The RTC jumps where it is asked for with a TSC, too.
    on(
        &lab,
        "a",
        &["-f", "clock-set", "--now", "guest", "clock_offset=variable;clock_adjustment=60;tsc_mode=1"],
    )
    .ok();
    let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
    assert_eq!((&view["rtc"]["offset"], &view["tsc"]["mode"]), (&json!(60), &json!("always_emulate")));
}

#[test]
fn a_clock_that_could_not_be_set_leaves_the_guests_own() {
    for (call, kind) in
        [("set_time_offset", "permission"), ("set_time_offset", "no_such_domain"), ("rtc_record", "io")]
    {
        let lab = hosts(&json!({}), &json!({}));
        write_guest(&lab, "<clock offset='variable' adjustment='60' basis='utc'/>");
        lab.write("plain.cfg", format!("name='guest'\nuuid='{UUID}'\ntype='hvm'\nmemory=64\n"));
        on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
        on(&lab, "a", &["mock", "write-rtc", "guest", "+30"]).ok();
        on(&lab, "a", &["mock", "poweroff", "guest"]).ok();
        // Another toolstack starts it, and the service cannot set its clock.
        let without = ["--records", "elsewhere", "create", "-q", "utc.xml"];
        lab.write("utc.xml", fs::read_to_string(lab.path("guest.xml")).unwrap().replace("'60'", "'0'"));
        on(&lab, "a", &without).ok();
        on(&lab, "a", &["mock", "fail", call, kind, "1"]).ok();
        lab.run(["--backend", "mock:a.json", "clock-watch", "--once", "--xml-dir", "none"]).ok();
        on(&lab, "a", &["destroy", "guest"]).ok();
        on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
        let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
        assert_eq!(view["rtc"]["offset"], 90, "{call} {kind}");
    }
}

#[test]
fn a_start_that_fails_leaves_the_record_as_it_was() {
    for call in ["create_paused", "set_time_offset", "rtc_record", "unpause"] {
        let lab = hosts(&json!({}), &json!({}));
        write_guest(&lab, "<clock offset='variable' adjustment='60' basis='utc'/>");
        on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
        on(&lab, "a", &["mock", "write-rtc", "guest", "+30"]).ok();
        on(&lab, "a", &["mock", "poweroff", "guest"]).ok();
        on(&lab, "a", &["mock", "fail", call, "io", "1"]).ok();
        on(&lab, "a", &["create", "-q", "guest.xml"]).fails(1);
        on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
        let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
        assert_eq!(view["rtc"]["offset"], 90, "{call}");
    }
}

#[test]
fn digits_are_a_number_and_anything_else_a_name() {
    let lab = hosts(&json!({}), &json!({}));
    for name in ["other", "1", "+1", "01x", "9"] {
        lab.write("guest.xml", domain("hvm", "").replace("guest", name));
        on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
    }
    let names = || {
        let listed = on(&lab, "a", &["list", "--json"]).json();
        let names =
            listed.as_array().unwrap().iter().map(|domain| domain["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    let said = on(&lab, "a", &["destroy", "1"]);
    assert!(said.code == 0 && said.err.contains("the domain named '1' has the ID 2"), "{said:?}");
    assert_eq!(names(), "1 +1 01x 9");
    on(&lab, "a", &["destroy", "+1"]).ok();
    on(&lab, "a", &["destroy", "002"]).ok();
    on(&lab, "a", &["destroy", "01x"]).ok();
    assert_eq!(names(), "9");
    let said = on(&lab, "a", &["destroy", "9"]).fails(1);
    assert!(said.contains("no domain has the ID 9; the domain named '9' has the ID 5"), "{said}");
}

#[test]
fn one_wrong_date_forgets_no_guest() {
    let lab = hosts(&json!({}), &json!({}));
    write_guest(&lab, "<clock offset='variable' adjustment='0' basis='utc'/>");
    on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
    on(&lab, "a", &["mock", "write-rtc", "guest", "+3600"]).ok();
    on(&lab, "a", &["mock", "poweroff", "guest"]).ok();
    let look = || lab.run(["--backend", "mock:a.json", "clock-watch", "--once", "--xml-dir", "none"]).ok();
    for date in
        ["2028-01-01T00:00:00Z", "2026-07-01T13:00:00Z", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]
    {
        on(&lab, "a", &["mock", "set", &format!("now={date}")]).ok();
        look();
    }
    on(&lab, "a", &["mock", "set", "now=2026-07-01T14:00:00Z"]).ok();
    on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
    assert_eq!(on(&lab, "a", &["clock-show", "--json", "guest"]).json()["rtc"]["offset"], 3600);
    on(&lab, "a", &["mock", "poweroff", "guest"]).ok();
    // A guest that is really gone is forgotten after 400 days of watching, of which all but a week are put down at once.
    let record = lab.path(format!("a.json.clocks/{UUID}.json"));
    let a_day_passes = || {
        look();
        on(&lab, "a", &["mock", "advance", "86400"]).ok();
        record.exists()
    };
    assert!((0..3).all(|_| a_day_passes()));
    let counter = lab.path("a.json.clocks/watched");
    let mut watched: Value = serde_json::from_str(&fs::read_to_string(&counter).unwrap()).unwrap();
    watched["seconds"] = json!(watched["seconds"].as_u64().unwrap() + 393 * 86_400);
    fs::write(&counter, watched.to_string()).unwrap();
    let kept = (0..20).take_while(|_| a_day_passes()).count();
    assert!((3..=6).contains(&kept), "{kept} more days");
}

#[test]
fn a_host_whose_clock_is_not_set_starts_its_guests() {
    for (clock, offset, warning) in [
        ("<clock offset='utc'/>", 0, None),
        ("<clock offset='variable' adjustment='-60' basis='utc'/>", -60, None),
        ("<clock offset='localtime'/>", 3600, Some("the host's clock is not set")),
        ("<clock offset='absolute' start='1904169600'/>", 0, Some("the guest starts at UTC")),
    ] {
        for now in ["1970-01-01T00:00:10Z", "2106-02-07T06:28:15Z"] {
            let lab = hosts(&json!({"now": now}), &json!({}));
            write_guest(&lab, clock);
            let started = on(&lab, "a", &["create", "guest.xml"]);
            let warned = warning.is_none_or(|warning| started.err.contains(warning));
            assert!(started.code == 0 && warned, "{now} {clock}: {started:?}");
            on(&lab, "a", &["mock", "reboot", "guest"]).ok();
            let view = on(&lab, "a", &["clock-show", "--json", "guest"]).json();
            assert_eq!(
                (&view["domid"], &view["rtc"]["offset"]),
                (&json!(2), &json!(offset)),
                "{now} {clock}"
            );
        }
    }
}

#[test]
fn a_mock_in_memory_is_in_this_machines_zone_whatever_its_form() {
    let lab = Lab::new();
    for (tz, zone) in [
        ("Asia/Tokyo", "UTC+09:00"),
        ("XYZ-3:30", "UTC+03:30"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "UTC+0"),
        (":/usr/share/zoneinfo/Asia/Kathmandu", "UTC+05:45"),
    ] {
        let mut command = lab.command(["--backend", "mock", "host-info"]);
        command.env("TZ", tz);
        let told = crate::common::finish(command, b"").ok();
        let line = told.lines().find(|line| line.starts_with("zone")).unwrap();
        assert!(line.contains(&format!(", {zone}")), "{tz}: {line}");
    }
    let mut command = lab.command(["--backend", "mock", "host-info"]);
    command.env("TZ", "nonsense");
    let said = crate::common::finish(command, b"").fails(1);
    assert!(said.contains("TZ: ") && said.contains("nonsense"), "{said}");
}

#[test]
fn the_documented_failure_makes_something_fail() {
    let lab = hosts(&json!({}), &json!({}));
    write_guest(&lab, "<clock offset='utc'><timer name='tsc' frequency='1000000000'/></clock>");
    on(&lab, "a", &["mock", "fail", "set_tsc_info", "permission"]).ok();
    let said = on(&lab, "a", &["create", "guest.xml"]).fails(1);
    assert!(said.contains("permission denied (injected)"), "{said}");
    on(&lab, "a", &["create", "-q", "guest.xml"]).ok();
}
