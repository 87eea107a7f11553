//! `key=value` arguments after the file.

use serde_json::{Value, json};

use super::usage::lab;
use crate::common::{Lab, domain, finish};

/// The clock that `create` gives with these settings.
fn created(settings: &[&str]) -> Value {
    lab().mock(["create", "--json", "guest.xml"].iter().chain(settings).copied()).json()
}

/// The config that `create` would give libxl with these settings.
fn planned(settings: &[&str]) -> Value {
    lab().mock(["-N", "create", "--json", "guest.xml"].iter().chain(settings).copied()).json()["config"]
        .take()
}

#[test]
fn settings_take_the_place_of_the_files() {
    let config =
        planned(&["name=other", "memory=512", "maxmem=1024", "vcpus=2", "maxvcpus=4", "on_crash=preserve"]);
    assert_eq!(config["c_info"]["name"], "other");
    assert_eq!(config["b_info"]["target_memkb"], 512 * 1024);
    assert_eq!(config["b_info"]["max_memkb"], 1024 * 1024);
    assert_eq!(config["b_info"]["avail_vcpus"], json!([0, 1]));
    assert_eq!(config["b_info"]["max_vcpus"], 4);
    assert_eq!(config["on_crash"], "preserve");
    let uuid = "6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11";
    assert_eq!(planned(&[&format!("uuid={uuid}")])["c_info"]["uuid"], uuid);
}

#[test]
fn settings_are_read_as_xl_reads_them() {
    for settings in [
        &["name=\"other\""][..],
        &["name = 'other'"],
        &["name=first", "name=other"],
        &["memory=64; name=other ;"],
    ] {
        assert_eq!(planned(settings)["c_info"]["name"], "other", "{settings:?}");
    }
}

#[test]
fn the_clock_can_be_set_by_words() {
    for (settings, offset, tracked) in [
        (&["rtc_timeoffset=-3600"][..], -3600, true),
        (&["rtc_timeoffset=4294963696"], -3600, true),
        (&["clock_offset=variable", "clock_adjustment=90"], 90, true),
        (&["clock_offset=utc"], 0, false),
        (&["clock_timezone=Asia/Kathmandu"], 20_700, false),
        (&["clock_start=1904169600"], 121_262_400, false),
        (&["localtime=1"], 0, false),
    ] {
        let rtc = &created(settings)["rtc"];
        assert_eq!((&rtc["offset"], &rtc["tracked"]), (&json!(offset), &json!(tracked)), "{settings:?}");
    }
    for (settings, mode, khz) in [
        (&["tsc_mode=native"][..], "native", 2_600_000),
        (&["tsc_mode=1"], "always_emulate", 2_600_000),
        (&["clock_tsc_frequency=2000000000"], "default", 2_000_000),
    ] {
        let tsc = &created(settings)["tsc"];
        assert_eq!((&tsc["mode"], &tsc["khz"]), (&json!(mode), &json!(khz)), "{settings:?}");
    }
}

#[test]
fn wrong_settings_are_named_and_nothing_is_started() {
    let lab = lab();
    for (setting, says) in [
        ("memory=much", "memory 'much'"),
        ("memory=512M", "write memory = 512"),
        ("vcpus=\"-1\"", "vcpus is -1"),
        ("vcpus=3;maxvcpus=2", "maxvcpus is 2"),
        ("uuid=1", "uuid is '1'"),
        ("name=", "found the end of the line"),
        ("localtime=yes", "write localtime = 1"),
        ("rtc_timeoffset=soon", "rtc_timeoffset 'soon'"),
        ("tsc_mode=warp", "tsc_mode is 'warp'"),
        ("tsc_mode=emulate", "write tsc_mode = \"always_emulate\""),
        ("on_reboot=dance", "on_reboot is 'dance'"),
        ("clock_basis=utc", "clock_basis"),
        ("type=pv", "the domain is hvm"),
    ] {
        let said = lab.mock(["create", "guest.xml", setting]).fails(1);
        assert!(said.contains(says), "{setting}: {said}");
    }
    // What is invalid only as a clock.
    for setting in [
        "clock_timezone=Mars/Olympus",
        "rtc_timeoffset=99999999999",
        "clock_start=1",
        "clock_tsc_frequency=0",
    ] {
        let said = lab.mock(["create", "guest.xml", setting]).fails(1);
        assert!(said.starts_with("command line:1:1:"), "{setting}: {said}");
    }
    assert!(lab.mock(["create", "guest.xml", "dance"]).fails(2).contains("'dance' is not a setting"));
    assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
    // xl passes over a key that it does not know, and so do we, with a word.
    let run = lab.mock(["create", "guest.xml", "colour=red"]);
    assert!(run.err.contains("command line:1:1: unsupported: xl does not know the key colour"), "{run:?}");
    run.ok();
}

/// A clock of utc or localtime with seconds acts as a variable one, so a word is laid over it as over that one.
#[test]
fn a_plain_word_adds_to_the_seconds_of_any_clock() {
    let lab = Lab::with_host(json!({}));
    for (clock, word, offset) in [
        ("offset='variable' adjustment='3600' basis='utc'", "localtime=1", 3600 + 7200),
        ("offset='utc' adjustment='3600'", "localtime=1", 3600 + 7200),
        ("offset='localtime' adjustment='60'", "localtime=0", 60),
        ("offset='localtime' adjustment='60'", "rtc_timeoffset=30", 30 + 7200),
    ] {
        lab.write("guest.xml", domain("hvm", &format!("<clock {clock}/>")));
        lab.run(["-f", "convert", "-o", "guest.cfg", "guest.xml"]).ok();
        lab.run(["edit", "-o", "edited.xml", "guest.xml", word]).ok();
        lab.run(["edit", "-o", "edited.cfg", "guest.cfg", word]).ok();
        for words in [&["guest.xml", word][..], &["guest.cfg", word], &["edited.xml"], &["edited.cfg"]] {
            let created = lab.mock([&["create", "--json"], words].concat()).json();
            let rtc = (&created["rtc"]["offset"], &created["rtc"]["tracked"]);
            assert_eq!(rtc, (&json!(offset), &json!(true)), "{clock} {words:?}");
            lab.mock(["destroy", "guest"]).ok();
        }
    }
}

/// In a file, as a word, as an option and in the environment.
#[test]
fn a_tolerance_is_one_number_everywhere() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    for (text, ppm) in [("010", 8), ("0x10", 16), ("250", 250), ("0", 0)] {
        lab.mock(["clock-set", "guest", &format!("clock_tsc_tolerance={text}")]).ok();
        let of_guest = lab.mock(["clock-show", "--json", "guest"]).json()["clock"]["tsc_tolerance"].take();
        let host = lab.mock(["--tsc-tolerance", text, "host-info", "--json"]).json();
        let mut command = lab.command(["--backend", "mock:mock.json", "host-info", "--json"]);
        command.env("XENCLOCK_TSC_TOLERANCE", text);
        let told = finish(command, b"").json();
        let all = [of_guest, host["tsc_tolerance"].clone(), told["tsc_tolerance"].clone()];
        assert_eq!(all, [json!(ppm), json!(ppm), json!(ppm)], "{text}");
    }
    for wrong in ["251", "1.5", "08", "1 ppm", "-1"] {
        let said = lab.mock([&format!("--tsc-tolerance={wrong}"), "host-info"]).fails(2);
        assert!(said.contains("whole parts per million from 0 (off) to 250"), "{said}");
        lab.mock(["clock-set", "guest", &format!("clock_tsc_tolerance={wrong}")]).fails(1);
    }
}

/// As xl reads the line that a word is.
#[test]
fn a_comment_may_follow_a_number() {
    let lab = lab();
    for word in ["vcpus=2#two", "vcpus=2 # two"] {
        let plan = lab.mock(["plan", "--json", "guest.xml", word]).json();
        assert_eq!(plan["config"]["b_info"]["max_vcpus"], 2, "{word}");
    }
}
