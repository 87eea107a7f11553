//! What an administrator writes for moves between hosts: wrong files, options without effect, settings taken back.

use std::fs;

use serde_json::json;

use super::moving::{info, lab, migrate, on_other, there};
use crate::common::{Lab, NOW, Run};

#[test]
fn what_is_no_report_is_named_and_the_remedy_works() {
    let lab = lab("mode='auto'", json!({}));
    info(&lab, "mock.json", "a");
    lab.write("guest.cfg", "name = \"guest\"\n");
    lab.mock(["save", "-c", "guest", "guest.save"]).ok();
    let config = lab.run(["convert", "--to", "json", "guest.xml"]).ok();
    lab.write("guest.json", config);
    lab.write("empty", "");
    lab.write("object", "{}");
    lab.write("list", "[]");
    lab.write("cut", &lab.read("a")[..200]);
    lab.write("again", lab.read("a"));
    fs::create_dir(lab.path("dir")).unwrap();
    let remedy = "write a report on the host itself, with xenclock host-info --json > FILE";
    for (file, says, instead) in [
        ("guest.cfg", "guest.cfg: it is not the report of a host", remedy),
        ("guest.xml", "guest.xml: it is XML", remedy),
        ("guest.json", "guest.json: it is the config of a guest", remedy),
        ("guest.save", "guest.save: it is a save file", remedy),
        ("empty", "empty: it is empty", remedy),
        ("object", "object: it is JSON, but not the report", remedy),
        ("list", "list: it is JSON, but not the report", remedy),
        ("cut", "the report is damaged or cut off", remedy),
        ("mock.json", "it is the state of a mock host", "--backend 'mock:mock.json' host-info --json"),
        ("a", "a and a are the same report", "collect a report from each host"),
        ("again", "a and again are the same report", "collect a report from each host"),
    ] {
        for words in [&["preflight", "a", file][..], &["preflight", "--pool", "a", file]] {
            let error = lab.run(words).fails(1);
            assert!(error.contains(says) && error.contains(instead), "{file}: {error}");
        }
    }
    assert!(lab.run(["preflight", "--pool", "a", "dir"]).fails(1).contains("dir: is a directory"));
    assert!(
        lab.mock(["preflight", "dir", "a"]).fails(1).contains("if two files were meant, dir is a directory")
    );
    assert!(
        lab.mock(["preflight", "x/y", "z"]).fails(1).contains("if two files were meant, x/y does not exist")
    );
    assert!(!lab.mock(["preflight", "web", "tokyo"]).fails(1).contains("two files"));
}

#[test]
fn a_tolerance_on_the_side_that_does_not_decide_is_reported() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    let there = there();
    for words in [
        &["-N", "migrate", "-s", "", "guest", &there][..],
        &["preflight", "-s", "", "guest", &there],
        &["save", "-c", "guest", "saved"],
        &["clock-set", "guest", "clock_offset=utc"],
    ] {
        let told = lab.mock([&["--tsc-tolerance", "50"], words].concat());
        assert!(told.err.contains("--tsc-tolerance has no effect here"), "{words:?}: {told:?}");
        let told = lab.mock(words.iter().copied());
        assert!(!told.err.contains("tolerance"), "{words:?}: {told:?}");
    }
    lab.mock(["destroy", "guest"]).ok();
    let restored = on_other(&lab, &["--tsc-tolerance", "50", "restore", "saved"]);
    assert!(restored.code == 0 && !restored.err.contains("no effect"), "{restored:?}");
    assert!(restored.err.contains("is native at 2600001 kHz"), "{restored:?}");
}

#[test]
fn a_setting_is_taken_back() {
    let lab = lab("mode='auto'", json!({}));
    let set = |words: &[&str]| lab.mock([&["clock-set", "guest"], words].concat());
    let request = || {
        let clock = lab.mock(["clock-set", "--json", "guest", "clock_offset=utc"]).json();
        clock["request"]["clock"].clone()
    };
    let before = request();
    set(&["clock_tsc_frequency=2000000000", "clock_tsc_tolerance=50"]).ok();
    assert_ne!(request(), before);
    for (word, key) in [
        ("clock_tsc_frequency=none", "clock_tsc_frequency"),
        ("clock_tsc_frequency=host", "clock_tsc_frequency"),
        ("clock_tsc_frequency=0", "clock_tsc_frequency"),
        ("clock_tsc_tolerance=default", "clock_tsc_tolerance"),
        ("clock_timers=none", "clock_timers"),
    ] {
        let error = set(&[word]).fails(1);
        assert!(error.contains(&format!("xenclock clock-set DOMAIN --unset {key}")), "{word}: {error}");
    }
    assert!(set(&["clock_tsc_tolerance="]).fails(2).contains("--unset clock_tsc_tolerance"));
    assert!(set(&["--unset", "memory"]).fails(2).contains("expected one of clock_offset,"));
    // The remedies to the letter.
    set(&["--unset", "clock_tsc_frequency", "--unset", "clock_tsc_tolerance"]).ok();
    assert_eq!(request(), before);
    set(&["clock_offset=localtime", "clock_timers=[\"name=rtc,tickpolicy=catchup\"]"]).ok();
    let next = set(&["--unset", "clock_offset", "--unset", "clock_timers"]).ok();
    assert!(next.contains("UTC (0 s)"), "{next}");
    // The TSC of a running guest changes only by force, taken back or not.
    set(&["clock_tsc_frequency=2000000000"]).ok();
    assert!(set(&["--now", "--unset", "clock_tsc_frequency"]).fails(1).contains("-f changes its TSC"));
    lab.mock(["save", "-c", "guest", "saved"]).ok();
    let both = set(&["--from-save", "saved", "clock_offset=localtime"]).fails(2);
    assert!(both.contains("--from-save gives the offset"), "{both}");
}

/// A config that goes with a guest has its TSC from the next start on; until then the guest keeps its own.
#[test]
fn the_tsc_of_a_config_given_for_the_way_is_that_of_the_next_start() {
    let config =
        "name = \"g\"\ntype = \"hvm\"\nmemory = 64\nuuid = \"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"\n";
    for (setting, next) in [
        ("tsc_mode = \"native\"", "mode native, as requested"),
        ("tsc_mode = \"always_emulate\"", "mode always_emulate, as requested"),
        ("clock_tsc_frequency = 1300000000", "mode default at 1300000 kHz, as requested"),
        ("clock_tsc_frequency = 2600000000", ""),
        ("", ""),
    ] {
        let lab = lab("mode='auto'", json!({}));
        lab.write("g.cfg", config);
        lab.write("new.cfg", format!("{config}{setting}\n"));
        lab.mock(["create", "-q", "g.cfg"]).ok();
        let there = there();
        let says = |run: Run| {
            let stays =
                run.err.contains("stays as it is, mode default at 2600000 kHz, native, until its next start");
            let expected = if next.is_empty() { !stays } else { stays && run.err.contains(next) };
            assert!(run.code == 0 && expected, "{setting}: {run:?}");
        };
        says(lab.mock(["save", "-c", "g", "saved", "new.cfg"]));
        says(lab.mock(["-N", "save", "g", "saved", "new.cfg"]));
        says(lab.mock(["-N", "migrate", "-C", "new.cfg", "-s", "", "g", &there]));
        lab.mock(["save", "g", "saved"]).ok();
        says(lab.mock(["-N", "restore", "new.cfg", "saved"]));
        says(lab.mock(["restore", "new.cfg", "saved"]));
        lab.mock(["destroy", "g"]).ok();
        lab.mock(["restore", "saved"]).ok();
        says(lab.mock(["migrate", "-C", "new.cfg", "-s", "", "g", &there]));
        // What is said is what happens; clock-show has it too, as text and as JSON.
        let told = on_other(&lab, &["clock-show", "--json", "g"]).json()["tsc"].clone();
        let text = on_other(&lab, &["clock-show", "g"]).ok();
        assert_eq!(told["next_start"].is_null(), next.is_empty(), "{told}");
        assert_eq!(text.contains("next TSC"), !next.is_empty(), "{text}");
        on_other(&lab, &["mock", "reboot", "g"]).ok();
        let after = on_other(&lab, &["clock-show", "--json", "g"]).json()["tsc"].clone();
        if !next.is_empty() {
            let [mode, khz] = ["mode", "khz"].map(|field| (&after[field], &told["next_start"][field]));
            assert!(mode.0 == mode.1 && khz.0 == khz.1, "{after} {told}");
        }
    }
}

#[test]
fn timers_that_a_reboot_keeps_are_named_and_the_remedy_works() {
    let lab = lab("mode='auto'", json!({}));
    let timers =
        r#"clock_timers=["name=hpet,present=no","name=hypervclock,present=yes","name=rtc,tickpolicy=delay"]"#;
    let config =
        "name = \"win\"\ntype = \"hvm\"\nmemory = 64\nuuid = \"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"\n";
    lab.write("win.cfg", format!("{config}{timers}\n"));
    lab.mock(["create", "-q", "win.cfg"]).ok();
    let hvm = || {
        let told = lab.mock(["list", "-l", "win"]).json()[0]["config"]["b_info"]["type.hvm"].clone();
        (told.get("hpet").is_some(), told.get("viridian_enable").is_some())
    };
    let set = |words: &[&str]| lab.mock([&["clock-set", "win"], words].concat());
    assert!(!set(&["clock_offset=utc"]).err.contains("config keeps"));
    let Run { code, err, .. } = set(&["--unset", "clock_timers"]);
    assert!(code == 0 && err.contains("config keeps hpet and viridian of the timers"), "{err}");
    lab.mock(["mock", "reboot", "win"]).ok();
    assert_eq!(hvm(), (true, true));
    // The remedy to the letter.
    lab.mock(["destroy", "win"]).ok();
    lab.mock(["create", "-q", "win.cfg"]).ok();
    assert_eq!(hvm(), (false, false));
    // Another setting of a timer is in force after a reboot.
    set(&[timers]).ok();
    lab.mock(["mock", "reboot", "win"]).ok();
    let other = timers
        .replace("hpet,present=no", "hpet,present=yes")
        .replace("clock,present=yes", "clock,present=no");
    assert!(!set(&[&other]).err.contains("config keeps"));
    lab.mock(["mock", "reboot", "win"]).ok();
    let hvm = || lab.mock(["list", "-l", "win"]).json()[0]["config"]["b_info"]["type.hvm"].clone();
    assert_eq!(hvm()["hpet"], "True");
    assert_eq!(hvm().get("viridian_enable"), Some(&json!([0])), "{}", hvm());
}

#[test]
fn hypervclock_is_in_force_after_each_reboot_whatever_it_was_before() {
    let lab = lab("mode='auto'", json!({}));
    lab.write("win.cfg", "name = \"win\"\ntype = \"hvm\"\nmemory = 64\nviridian = 1\n");
    lab.mock(["create", "-q", "win.cfg"]).ok();
    for (present, enabled, disabled) in [
        ("no", json!(null), json!([2, 3])),
        ("yes", json!([0, 2, 3]), json!(null)),
        ("no", json!([0]), json!([2, 3])),
    ] {
        let timers = format!("clock_timers=[\"name=hypervclock,present={present}\"]");
        lab.mock(["clock-set", "win", &timers]).ok();
        lab.mock(["mock", "reboot", "win"]).ok();
        let hvm = lab.mock(["list", "-l", "win"]).json()[0]["config"]["b_info"]["type.hvm"].clone();
        assert_eq!(
            (&hvm["viridian_enable"], &hvm["viridian_disable"]),
            (&enabled, &disabled),
            "{present}: {hvm}"
        );
    }
}

#[test]
fn what_was_taken_back_before_is_set_now() {
    let lab = lab("mode='auto'", json!({}));
    let set = |words: &[&str]| lab.mock([&["-f", "clock-set", "guest"], words].concat()).ok();
    let show = || lab.mock(["clock-show", "--json", "guest"]).json();
    let born = show()["tsc"]["khz"].clone();
    set(&["--now", "rtc_timeoffset=3600", "clock_tsc_frequency=2000000000"]);
    set(&["--unset", "rtc_timeoffset", "--unset", "clock_tsc_frequency"]);
    assert_eq!((&show()["rtc"]["offset"], &show()["tsc"]["khz"]), (&json!(3600), &json!(2_000_000)));
    let text = lab.mock(["clock-show", "guest"]).ok();
    assert!(text.contains("next TSC     mode default at the host's 2600000 kHz at the next start"), "{text}");
    set(&["--now", "--unset", "rtc_timeoffset"]);
    assert_eq!((&show()["rtc"]["offset"], &show()["tsc"]["khz"]), (&json!(0), &json!(2_000_000)));
    set(&["--now", "--unset", "clock_tsc_frequency"]);
    assert_eq!(show()["tsc"]["khz"], born);
    assert!(!lab.mock(["clock-show", "guest"]).ok().contains("next TSC"));
    // A setting that it has not is not taken from it.
    set(&["clock_timezone=Asia/Tokyo"]);
    assert!(set(&["--unset", "rtc_timeoffset", "--unset", "clock_start"]).contains("Asia/Tokyo"));
}

#[test]
fn a_kernel_that_starts_in_a_soft_reset_counts_by_what_it_finds() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_600}));
    lab.mock(["clock-set", "guest", "clock_tsc_tolerance=250"]).ok();
    assert_eq!(migrate(&lab, &[]).code, 0);
    let show = || on_other(&lab, &["clock-show", "--json", "guest"]).json()["tsc"].clone();
    assert_eq!((&show()["khz"], &show()["birth_khz"]), (&json!(2_600_600), &json!(2_600_000)));
    on_other(&lab, &["mock", "soft-reset", "guest"]).ok();
    assert_eq!((&show()["khz"], &show()["birth_khz"]), (&json!(2_600_600), &json!(2_600_600)));
}

#[test]
fn cpuid_travels_from_xen_4_14_until_the_next_start() {
    let lab = Lab::with_host(json!({"xen_version": "4.14", "cpu_khz": 2_600_000}));
    lab.write("guest.cfg", "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\ncpuid = \"host,invtsc=1\"\n");
    lab.write(
        "there.json",
        json!({"host": {"now": NOW, "xen_version": "4.17", "cpu_khz": 2_600_000}}).to_string(),
    );
    lab.mock(["create", "-q", "guest.cfg", "uuid=6ba7b810-9dad-41d1-80b4-00c04fd430c8"]).ok();
    let seen = |run: Run| run.json()["tsc"]["invariant"].clone();
    assert_eq!(seen(lab.mock(["clock-show", "--json", "guest"]))["shown"], false);
    let Run { code, err, .. } = migrate(&lab, &[]);
    assert!(code == 0 && err.contains("invariant-next-start"), "{err}");
    let after = seen(on_other(&lab, &["clock-show", "--json", "guest"]));
    assert!(
        after["shown"] == false && after["why"].as_str().unwrap().contains("brought its CPUID along"),
        "{after}"
    );
    // Out of a file as well; and its next start has what its config says.
    on_other(&lab, &["save", "guest", "saved"]).ok();
    on_other(&lab, &["restore", "saved"]).ok();
    assert_eq!(seen(on_other(&lab, &["clock-show", "--json", "guest"]))["shown"], false);
    on_other(&lab, &["destroy", "guest"]).ok();
    on_other(&lab, &["create", "-q", "guest.cfg", "uuid=6ba7b810-9dad-41d1-80b4-00c04fd430c8"]).ok();
    assert_eq!(seen(on_other(&lab, &["clock-show", "--json", "guest"]))["shown"], true);
}

#[test]
fn a_config_with_another_uuid_gives_it_at_the_restore_alone() {
    let lab = lab("mode='auto'", json!({}));
    let config = |end: &str| {
        format!(
            "name = \"g\"\ntype = \"hvm\"\nmemory = 64\nuuid = \"6ba7b810-9dad-41d1-80b4-00c04fd430{end}\"\n"
        )
    };
    lab.write("g.cfg", config("c8"));
    lab.write("other.cfg", config("c9"));
    lab.mock(["create", "-q", "g.cfg"]).ok();
    let uuid = || lab.mock(["clock-show", "--json", "g"]).json()["uuid"].clone();
    let keeps = "the config has the UUID 6ba7b810-9dad-41d1-80b4-00c04fd430c9, and the guest keeps its own";
    for (file, other) in [("g.cfg", false), ("other.cfg", true)] {
        let saved = lab.mock(["save", "g", "saved", file]);
        assert_eq!((saved.code, saved.err.contains(keeps)), (0, other), "{saved:?}");
        lab.mock(["restore", "saved"]).ok();
        assert_eq!(uuid(), "6ba7b810-9dad-41d1-80b4-00c04fd430c8");
    }
    // The remedy to the letter.
    lab.mock(["save", "g", "saved"]).ok();
    lab.mock(["restore", "other.cfg", "saved"]).ok();
    assert_eq!(uuid(), "6ba7b810-9dad-41d1-80b4-00c04fd430c9");
}
