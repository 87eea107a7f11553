//! Commands that speak of the same guest agree: on the clock that it has, and on that of its next start.

use serde_json::{Value, json};

use crate::common::Lab;

const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A host in Berlin, in summer, with a guest of this config.
fn lab(config: &str) -> Lab {
    let lab = Lab::with_host(json!({"timezone": "Europe/Berlin", "cpu_khz": 2_600_000}));
    lab.write("guest.cfg", format!("name = \"guest\"\nuuid = \"{UUID}\"\nmemory = 64\n{config}\n"));
    lab.mock(["create", "-q", "guest.cfg"]).ok();
    lab
}

/// The same, of a guest of which xenclock has no record.
fn unrecorded(config: &str) -> Lab {
    let lab = lab(config);
    std::fs::remove_dir_all(lab.path("mock.json.clocks")).unwrap();
    lab
}

fn show(lab: &Lab) -> Value {
    lab.mock(["clock-show", "--json", "guest"]).json()
}

#[test]
fn a_clock_that_is_requested_for_a_guest_without_a_record_is_that_of_its_next_start() {
    let lab = unrecorded("type = \"hvm\"");
    let said = lab.mock(["clock-set", "guest", "rtc_timeoffset=60"]).ok();
    assert!(said.contains("next starts at UTC+00:01 (60 s)"), "{said}");
    assert_eq!(show(&lab)["rtc"]["next_start"], "another clock, requested since the last start");
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(show(&lab)["rtc"]["offset"], 60);
}

#[test]
fn the_timers_of_a_config_outlive_a_request_for_the_offset() {
    let lab = unrecorded("type = \"hvm\"\ntsc_mode = \"native\"\ntimer_mode = 2");
    lab.mock(["clock-set", "guest", "rtc_timeoffset=60"]).ok();
    lab.mock(["mock", "reboot", "guest"]).ok();
    let config: Value = lab.mock(["list", "-l", "guest"]).json();
    let build = &config[0]["config"]["b_info"];
    assert_eq!(
        (&build["tsc_mode"], &build["timer_mode"]),
        (&json!("native"), &json!("no_missed_ticks_pending"))
    );
}

#[test]
fn dumpxml_has_the_timers_of_the_config_whoever_follows_the_guest() {
    let lab = unrecorded("type = \"hvm\"\ntsc_mode = \"native\"\ntimer_mode = 2");
    for words in [&["dumpxml", "guest"][..], &["dumpxml", "--inactive", "guest"]] {
        let before = lab.mock(words.iter().copied()).ok();
        assert!(before.contains("tickpolicy='discard'") && before.contains("mode='native'"), "{before}");
    }
    lab.mock(["clock-watch", "--once"]).ok();
    for words in [&["dumpxml", "guest"][..], &["dumpxml", "--inactive", "guest"]] {
        let after = lab.mock(words.iter().copied()).ok();
        assert!(after.contains("tickpolicy='discard'") && after.contains("mode='native'"), "{after}");
    }
}

#[test]
fn a_dry_run_of_clock_set_says_what_the_next_start_will_be() {
    let lab = lab("type = \"hvm\"\nclock_offset = \"variable\"");
    lab.mock(["mock", "write-rtc", "guest", "+90"]).ok();
    let words = ["clock-set", "guest", "tsc_mode=native"];
    let dry = lab.mock(["-N"].into_iter().chain(words)).ok();
    assert!(dry.contains("UTC+00:01:30"), "{dry}");
    let set = lab.mock(words).ok();
    assert!(set.contains("next starts at UTC+00:01:30 (90 s)"), "{set}");
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(show(&lab)["rtc"]["offset"], 90);
}

#[test]
fn a_guest_that_is_started_again_without_a_record_is_said_to_be_where_it_is() {
    for (kind, more, words, offset) in [
        ("pv", "kernel = \"/boot/vmlinuz\"\nrtc_timeoffset = 3600", "UTC+01:00", 3600),
        ("hvm", "", "UTC", 0),
    ] {
        let lab = unrecorded(&format!("type = \"{kind}\"\n{more}"));
        let run = lab.mock(["mock", "reboot", "guest"]);
        let said = format!("{}{}", run.out, run.err);
        assert!(said.contains(&format!("its clock at {words}")), "{said}");
        assert_eq!(show(&lab)["rtc"]["offset"], offset);
    }
}

#[test]
fn the_offset_of_a_config_is_that_which_libxl_makes_of_it() {
    // The host's clock was in another year when the guest was started.
    let lab = Lab::with_host(json!({"now": "2050-07-01T12:00:00Z", "timezone": "Europe/Berlin"}));
    let config = "name = \"guest\"\ntype = \"pv\"\nkernel = \"/boot/vmlinuz\"\nmemory = 64\n".to_owned();
    lab.write("guest.cfg", config + "rtc_timeoffset = \"-2147483648\"");
    lab.mock(["create", "-q", "guest.cfg"]).ok();
    std::fs::remove_dir_all(lab.path("mock.json.clocks")).unwrap();
    lab.mock(["mock", "set", "now=2026-07-01T12:00:00Z"]).ok();
    assert_eq!(show(&lab)["rtc"]["offset"], -2_147_483_648_i64);
}

#[test]
fn a_request_for_a_domain_of_another_toolstack_takes_no_start_of_before_for_its_own() {
    let lab = lab("type = \"hvm\"\nrtc_timeoffset = 3600");
    lab.mock(["destroy", "guest"]).ok();
    lab.run([
        "--backend",
        "mock:mock.json",
        "--records",
        "other",
        "create",
        "-q",
        "guest.cfg",
        "rtc_timeoffset=0",
    ])
    .ok();
    let before = show(&lab);
    lab.mock(["clock-set", "guest", "clock_tsc_tolerance=5"]).ok();
    let after = show(&lab);
    for part in ["offset", "source", "changed_by_guest", "resolved_at"] {
        assert_eq!(after["rtc"][part], before["rtc"][part], "{part}");
    }
}

#[test]
fn a_report_of_the_guest_speaks_of_the_clock_that_its_next_start_takes() {
    for (config, words, follows) in [
        ("clock_offset = \"utc\"", "localtime=1", true),
        ("localtime = 1", "clock_offset=utc", false),
        ("rtc_timeoffset = 60", "localtime=1", true),
    ] {
        let lab = lab(&format!("type = \"hvm\"\n{config}"));
        lab.mock(["clock-set", "guest", words]).ok();
        let report = lab.mock(["host-info", "--json"]).json();
        assert_eq!(report["guests"][0]["follows_zone"], follows, "{config}, then {words}: {report:#}");
    }
}

#[test]
fn a_frequency_for_the_next_start_is_none_of_the_guest_that_moves() {
    let lab = lab("type = \"hvm\"");
    lab.write("there.json", json!({"host": {"now": crate::common::NOW, "cpu_khz": 2_600_001}}).to_string());
    lab.mock(["clock-set", "guest", "clock_tsc_frequency=3000000000", "clock_tsc_tolerance=250"]).ok();
    let there = format!("'{}' --backend mock:there.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
    let foretold = lab.mock(["preflight", "--json", "-s", "", "guest", &there]);
    lab.mock(["migrate", "-s", "", "guest", &there]).ok();
    let tsc =
        lab.run(["--backend", "mock:there.json", "clock-show", "--json", "guest"]).json()["tsc"].clone();
    assert_eq!((&tsc["behaviour"], &tsc["khz"]), (&json!("native"), &json!(2_600_001)), "{foretold:?}");
}

#[test]
fn a_tsc_that_is_set_while_the_guest_runs_does_not_change_the_frequency_that_it_was_born_with() {
    for lab in [lab("type = \"hvm\""), unrecorded("type = \"hvm\"")] {
        lab.mock(["-f", "clock-set", "--now", "guest", "clock_tsc_frequency=2000000000"]).ok();
        let tsc = show(&lab)["tsc"].clone();
        assert_eq!((&tsc["khz"], &tsc["birth_khz"]), (&json!(2_000_000), &json!(2_600_000)), "{tsc}");
    }
}

#[test]
fn a_config_for_another_host_may_have_the_frequency_of_that() {
    let lab = lab("type = \"hvm\"");
    let there = json!({"host": {"now": "2026-07-01T12:00:00Z", "timezone": "UTC", "cpu_khz": 3_000_000}});
    lab.write("there.json", there.to_string());
    let receive = format!("'{}' --backend mock:there.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
    lab.write(
        "native.cfg",
        format!(
            "name = \"guest\"\nuuid = \"{UUID}\"\ntype = \"hvm\"\nmemory = 64\ntsc_mode = \"native\"\n\
             clock_tsc_frequency = 3000000000\n"
        ),
    );
    lab.mock(["save", "guest", "saved", "native.cfg"]).fails(1);
    lab.mock(["migrate", "-C", "native.cfg", "-s", "", "guest", &receive]).ok();
    lab.run(["--backend", "mock:there.json", "mock", "reboot", "guest"]).ok();
    let tsc =
        lab.run(["--backend", "mock:there.json", "clock-show", "--json", "guest"]).json()["tsc"].clone();
    assert_eq!((&tsc["mode"], &tsc["khz"]), (&json!("native"), &json!(3_000_000)), "{tsc}");
}

#[test]
fn a_config_that_cannot_be_started_is_refused_before_its_guest_is_saved_or_moved() {
    let lab = lab("type = \"hvm\"\nrtc_timeoffset = 90");
    lab.write("there.json", json!({"host": {"now": "2026-07-01T12:00:00Z", "timezone": "UTC"}}).to_string());
    lab.mock(["save", "-c", "guest", "saved"]).ok();
    let there = format!("'{}' --backend mock:there.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
    for wrong in [
        "clock_timezone = \"Asia/Tokio\"",
        "tsc_mode = \"native\"\nclock_tsc_frequency = 1000000000",
        "serial = \"foo\"",
    ] {
        lab.write(
            "wrong.cfg",
            format!("name = \"guest\"\nuuid = \"{UUID}\"\ntype = \"hvm\"\nmemory = 64\n{wrong}\n"),
        );
        for words in [
            &["save", "guest", "again", "wrong.cfg"][..],
            &["migrate", "-C", "wrong.cfg", "-s", "", "guest", &there],
        ] {
            // Another host may have that frequency.
            if words[0] == "migrate" && wrong.contains("native") {
                continue;
            }
            let said = lab.mock(words.iter().copied()).fails(1);
            assert!(said.contains("wrong.cfg:5:") || said.contains("wrong.cfg:6:"), "{said}");
            assert!(
                said.contains(
                    "'guest' could not be started again, for the reasons above; nothing was done; -f goes on"
                ),
                "{said}"
            );
        }
        assert_eq!(show(&lab)["rtc"]["offset"], 90);
        lab.mock(["destroy", "guest"]).ok();
        lab.mock(["restore", "wrong.cfg", "saved"]).fails(1);
        lab.mock(["restore", "saved"]).ok();
    }
    assert!(!lab.path("again").exists());
}

#[test]
fn a_copy_beside_the_guest_that_was_saved_is_another_guest() {
    let lab = lab("type = \"hvm\"\nclock_offset = \"variable\"\nclock_adjustment = 90");
    lab.mock(["save", "-c", "guest", "saved"]).ok();
    lab.write("copy.cfg", "name = \"copy\"\ntype = \"hvm\"\nmemory = 64\nclock_timezone = \"Asia/Tokyo\"\n");
    lab.mock(["restore", "copy.cfg", "saved"]).ok();
    let shown = lab.mock(["clock-list", "--json"]).json();
    assert_ne!(shown[0]["uuid"], shown[1]["uuid"], "{shown}");
    assert_eq!(shown[1]["rtc"]["offset"], 90, "{shown}");
    for name in ["guest", "copy"] {
        lab.mock(["mock", "reboot", name]).ok();
    }
    let shown = lab.mock(["clock-list", "--json"]).json();
    assert_eq!(
        (&shown[0]["rtc"]["offset"], &shown[1]["rtc"]["offset"]),
        (&json!(90), &json!(32_400)),
        "{shown}"
    );
}

#[test]
fn a_guest_that_ends_meanwhile_hides_no_other_clock() {
    let lab = lab("type = \"hvm\"");
    lab.mock(["create", "-q", "/dev/null", "name=other", "type=hvm", "memory=64"]).ok();
    lab.mock(["mock", "fail", "rtc_record", "no_such_domain"]).ok();
    assert_eq!(lab.mock(["clock-list", "--json"]).json().as_array().map(Vec::len), Some(1));
}

#[test]
fn a_change_of_the_zone_that_is_past_is_told() {
    let lab = lab("type = \"hvm\"\nclock_timezone = \"Europe/Berlin\"");
    let text = lab.mock(["clock-show", "guest"]).ok();
    assert!(
        text.contains("Europe/Berlin goes from UTC+02:00 to UTC+01:00 at ")
            && text.contains("the RTC does not follow"),
        "{text}"
    );
    lab.mock(["mock", "set", "now=2026-12-01T12:00:00Z"]).ok();
    let text = lab.mock(["clock-show", "guest"]).ok();
    assert!(
        text.contains("Europe/Berlin went from UTC+02:00 to UTC+01:00 at ")
            && text.contains("the RTC did not follow"),
        "{text}"
    );
    assert_eq!(show(&lab)["rtc"]["zone_change"]["after"], 3600);
}

#[test]
fn a_guest_that_xenclock_does_not_know_has_not_moved_its_rtc_by_0() {
    let lab = unrecorded("type = \"hvm\"");
    lab.mock(["mock", "write-rtc", "guest", "+600"]).ok();
    let text = lab.mock(["clock-list", "--prometheus"]).ok();
    assert!(!text.contains("xenclock_rtc_moved_by_guest_seconds{"), "{text}");
}

#[test]
fn a_zone_that_is_requested_of_a_guest_has_the_same_remedy_as_in_a_file() {
    let lab = lab("type = \"hvm\"");
    for (zone, meant) in [
        ("Berlin", "Europe/Berlin"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("europe/paris", "Europe/Paris"),
    ] {
        let said = lab.mock(["clock-set", "guest", &format!("clock_timezone={zone}")]).fails(1);
        assert!(said.contains("instead: ") && said.contains(meant), "{said}");
    }
}

#[test]
fn a_tsc_that_is_requested_for_the_next_start_is_shown() {
    let lab = lab("type = \"hvm\"");
    assert!(!lab.mock(["clock-show", "guest"]).ok().contains("next TSC"));
    lab.mock(["clock-set", "guest", "tsc_mode=always_emulate"]).ok();
    let text = lab.mock(["clock-show", "guest"]).ok();
    assert!(text.contains("next TSC     mode always_emulate at the next start"), "{text}");
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert!(!lab.mock(["clock-show", "guest"]).ok().contains("next TSC"));
}

#[test]
fn a_fixed_start_that_could_not_be_had_is_not_shown_as_one() {
    let lab = Lab::with_host(json!({"now": "1970-01-01T00:00:10Z", "timezone": "Europe/Berlin"}));
    let config = format!(
        "name = \"guest\"\nuuid = \"{UUID}\"\ntype = \"hvm\"\nmemory = 64\nclock_start = 1893456000\n"
    );
    lab.write("guest.cfg", config);
    lab.mock(["create", "-q", "guest.cfg"]).ok();
    lab.mock(["mock", "set", "now=2026-07-01T12:00:00Z"]).ok();
    assert_eq!(
        show(&lab)["rtc"]["source"],
        "fixed start 2030-01-01T00:00:00Z, when the host's clock was not set"
    );
    let xml = lab.mock(["dumpxml", "guest"]).ok();
    assert!(xml.contains("offset='variable'") && !xml.contains("offset='absolute'"), "{xml}");
}

#[test]
fn a_guest_that_cannot_be_read_hides_no_other_clock() {
    let lab = lab("type = \"hvm\"");
    lab.mock(["create", "-q", "/dev/null", "name=other", "type=hvm", "memory=64"]).ok();
    for form in [&["--json"][..], &["--prometheus"], &[]] {
        lab.mock(["mock", "fail", "tsc_info", "permission", "1"]).ok();
        let run = lab.mock([&["clock-list"], form].concat());
        assert!(run.code == 1 && run.err.contains("permission denied"), "{run:?}");
        assert!(run.out.contains("other"), "{run:?}");
    }
}

#[test]
fn an_offset_of_a_host_whose_clock_is_not_set_is_kept_only_if_the_guest_has_set_its_rtc() {
    let next = |lab: &Lab| show(lab)["rtc"]["next_start"].as_str().map(str::to_owned).unwrap();
    for (moved, offset) in [(None, 7200), (Some("+5"), 3605)] {
        let lab = Lab::with_host(json!({"now": "1970-07-01T00:00:10Z", "timezone": "Europe/Berlin"}));
        let config = format!(
            "name = \"guest\"\nuuid = \"{UUID}\"\ntype = \"hvm\"\nmemory = 64\nclock_offset = \"variable\"\n\
             clock_basis = \"localtime\"\n"
        );
        lab.write("guest.cfg", config);
        lab.mock(["create", "-q", "guest.cfg"]).ok();
        assert_eq!(show(&lab)["rtc"]["offset"], 3600);
        assert_eq!(next(&lab), "resolved again at the next start, unless the guest sets its RTC");
        if let Some(by) = moved {
            lab.mock(["mock", "write-rtc", "guest", by]).ok();
        }
        lab.mock(["mock", "reboot", "guest"]).ok();
        assert_eq!(show(&lab)["rtc"]["offset"], if moved.is_some() { 3605 } else { 3600 });
        lab.mock(["mock", "set", "now=2026-07-15T12:00:00Z"]).ok();
        lab.mock(["mock", "reboot", "guest"]).ok();
        assert_eq!(show(&lab)["rtc"]["offset"], offset);
        assert_eq!(next(&lab), "the guest's changes are tracked for the next start");
        // From now on no zone moves it.
        lab.mock(["mock", "set", "now=2026-12-15T12:00:00Z"]).ok();
        lab.mock(["mock", "reboot", "guest"]).ok();
        assert_eq!(show(&lab)["rtc"]["offset"], offset);
    }
}

#[test]
fn a_next_start_that_is_refused_is_told_as_one() {
    let lab = lab("type = \"hvm\"\nclock_offset = \"variable\"\nclock_adjustment = 1500000000");
    lab.mock(["mock", "set", "now=2060-07-01T12:00:00Z"]).ok();
    let next = show(&lab)["rtc"]["next_start"].as_str().map(str::to_owned).unwrap();
    assert!(next.starts_with("refused: "), "{next}");
    assert_eq!(lab.mock(["mock", "reboot", "guest"]).code, 1);
}

#[test]
fn a_number_is_no_name_of_a_guest_that_has_a_record() {
    let lab = lab("type = \"hvm\"");
    lab.write("one.cfg", "name = \"1\"\ntype = \"hvm\"\nmemory = 64\n");
    lab.mock(["create", "-q", "one.cfg"]).ok();
    lab.mock(["destroy", "guest"]).ok();
    assert!(
        lab.mock(["clock-set", "1", "clock_offset=localtime"]).fails(1).contains("no domain has the ID 1")
    );
}
