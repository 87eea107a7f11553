//! What is said of a running guest is its clock now, not what is requested for its next start.

use std::fs::File;
use std::process::Stdio;

use serde_json::json;
use xenclock::domain::{Defbool, DomainConfig};
use xenclock::host::Host;
use xenclock::host::mock::Mock;
use xenclock::timers::GuestKind;

use crate::common::{Lab, domain};

const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A guest that runs on a host in Berlin.
fn lab(more: &str) -> Lab {
    let lab = Lab::with_host(
        json!({"now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin", "cpu_khz": 2_600_000}),
    );
    let cfg = format!("name = \"guest\"\nuuid = \"{UUID}\"\ntype = \"hvm\"\nmemory = 64\n{more}");
    lab.write("guest.cfg", cfg);
    lab.mock(["create", "-q", "guest.cfg"]).ok();
    lab
}

#[test]
fn dumpxml_shows_the_clock_that_the_guest_has() {
    let lab = lab("clock_offset = \"utc\"\n");
    let now = || lab.mock(["dumpxml", "guest"]).ok();
    assert!(now().contains("<clock offset='utc'>"), "{}", now());
    for request in [
        "clock_offset=localtime",
        "clock_timezone=Europe/Paris",
        "clock_offset=absolute clock_start=1782907200",
    ] {
        lab.mock(["clock-set", "guest"].into_iter().chain(request.split(' '))).ok();
        let text = now();
        assert!(text.contains("<clock offset='variable' adjustment='0' basis='utc'>"), "{request}: {text}");
    }
}

#[test]
fn dumpxml_shows_a_zone_only_while_the_rtc_shows_it() {
    let lab = lab("clock_offset = \"localtime\"\n");
    let now = || lab.mock(["dumpxml", "guest"]).ok();
    assert!(now().contains("<clock offset='localtime'>"), "{}", now());
    lab.mock(["mock", "set", "timezone=Asia/Tokyo"]).ok();
    assert!(now().contains("<clock offset='variable' adjustment='7200' basis='utc'>"), "{}", now());
}

/// Of a guest without a record only its config is known, which says nothing of an RTC that was set since.
#[test]
fn a_source_is_only_said_of_the_rtc_that_it_gives() {
    let since = "set since its start by the guest, a toolstack or a restore, and not as in the libxl config";
    let built = "libxl config: localtime (the host's zone when the domain was built)";
    for (seconds, localtime, moved, source) in [
        (0, None, "+0", "libxl config without offset: UTC".to_owned()),
        (0, None, "+7200", format!("{since} without offset: UTC")),
        (3600, None, "+0", "libxl config: rtc_timeoffset 3600".to_owned()),
        (3600, None, "-3600", format!("{since}: rtc_timeoffset 3600")),
        (0, Some(Defbool::True), "+0", built.to_owned()),
        (
            0,
            Some(Defbool::True),
            "+60",
            format!("{built}, or set since by the guest, a toolstack or a restore"),
        ),
    ] {
        let lab = Lab::with_host(json!({"now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin"}));
        // As a toolstack without records starts it.
        let mock =
            Mock::open(lab.path("mock.json"), Box::new(|| "2026-07-01T12:00:00Z".parse().unwrap())).unwrap();
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.c_info.name = Some("guest".to_owned());
        (config.b_info.rtc_timeoffset, config.b_info.localtime) = (seconds, localtime);
        mock.unpause(mock.create_paused(&config).unwrap()).unwrap();
        lab.mock(["mock", "write-rtc", "guest", moved]).ok();
        let told = lab.mock(["clock-show", "--json", "guest"]).json();
        assert_eq!(told["rtc"]["source"], source, "{seconds} {localtime:?} {moved}");
    }
}

#[test]
fn a_request_for_the_next_start_keeps_no_invariant_tsc() {
    let lab = lab("cpuid = \"host,invtsc=1\"\n");
    let facts = |khz: u32| json!({"host": {"now": "2026-07-01T12:00:00Z", "cpu_khz": khz}}).to_string();
    lab.write("other.json", facts(2_600_100));
    let other = lab.run(["--backend", "mock:other.json", "host-info", "--json"]).ok();
    lab.write("b.info", other);
    let preflight = || {
        lab.write("a.info", lab.mock(["host-info", "--json"]).ok());
        lab.run(["preflight", "a.info", "b.info"])
    };
    let before = preflight();
    assert!(before.code == 4 && before.out.contains("tsc-invariant"), "{before:?}");
    lab.mock(["clock-set", "guest", "clock_tsc_frequency=1000000000"]).ok();
    let after = preflight();
    assert!(after.code == 4 && after.out.contains("tsc-invariant"), "{after:?}");
}

#[test]
fn a_guest_without_a_uuid_is_told_what_that_means() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.cfg", "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\nclock_offset = \"variable\"\n");
    let run = lab.mock(["create", "guest.cfg"]);
    assert!(run.err.contains("survive reboots, but not another create"), "{run:?}");
    let shown = lab.mock(["clock-show", "guest"]).ok();
    assert!(shown.contains("survive reboots, but not another create"), "{shown}");
    let run = lab.mock(["clock-set", "guest", "clock_adjustment=60"]);
    let (_, rest) = run.err.split_once("add uuid = \"").expect("a remedy");
    let uuid = rest.split('"').next().unwrap();
    // The remedy works.
    lab.mock(["mock", "poweroff", "guest"]).ok();
    let with = format!("uuid={uuid}");
    let run = lab.mock(["create", "guest.cfg", &with, "clock_adjustment=60"]);
    assert!(run.err.contains("(60 s)") && run.err.contains("are tracked for the next start"), "{run:?}");
}

#[test]
fn events_that_nobody_gets_are_a_failure() {
    let lab = lab("clock_offset = \"variable\"\n");
    lab.mock(["mock", "write-rtc", "guest", "+5"]).ok();
    let mut command = lab.command(["--backend", "mock:mock.json", "clock-watch", "--once"]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left on device"), "{output:?}");
}

#[test]
fn a_check_knows_no_host_and_refuses_what_most_do() {
    let lab = Lab::with_host(json!({"cpu_khz": 2_600_000}));
    let native = |khz: u32| {
        let clock =
            format!("<clock offset='utc'><timer name='tsc' mode='native' frequency='{khz}000'/></clock>");
        domain("hvm", &clock)
    };
    lab.write("other.xml", native(1_000_000));
    lab.write("same.xml", native(2_600_000));
    for (file, anywhere, here) in [("other.xml", 2, 2), ("same.xml", 2, 0)] {
        assert_eq!(lab.run(["check", file]).code, anywhere, "{file}");
        assert_eq!(lab.mock(["check", file]).code, here, "{file}");
        let starts = lab.mock(["plan", file]).code == 0;
        assert_eq!(starts, here == 0, "{file}");
    }
    lab.write("pvh.xml", domain("pvh", "<clock offset='variable'/>"));
    let run = lab.run(["check", "pvh.xml"]);
    assert!(run.out.contains("clock: UTC; the same on Xen"), "{run:?}");
    lab.write("arm.xml", domain("hvm", "").replace("<type>", "<type arch='aarch64'>"));
    assert_eq!(lab.run(["check", "arm.xml"]).code, 2);
    lab.mock(["create", "-q", "arm.xml"]).fails(1);
}
