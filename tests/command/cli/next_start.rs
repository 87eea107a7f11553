//! The next start of a guest whose requested clock this host cannot give: the guest arrives and runs, it is said at once that
//! its next start is refused, and what is said is what a reboot does.

use serde_json::json;

use super::moving::{info, migrate, on_other, there};
use crate::common::{Lab, NOW, Run, domain};

/// What this host gives and the other, at 3 GHz, does not.
const NATIVE: [&str; 2] = ["tsc_mode=native", "clock_tsc_frequency=2600000000"];
const REFUSED: &str = "TSC mode 'native' cannot give 2600000000 Hz: the guest reads the host's TSC, which runs at 3000000 kHz; \
                       instead: write tsc_mode = \"default\" (mode=auto in clock_timers) for 2600000000 Hz, or leave out the \
                       frequency";

/// A guest that moves its RTC by 40 s, on the first of two hosts.
fn lab() -> Lab {
    let lab = Lab::with_host(json!({"cpu_khz": 2_600_000}));
    let host = json!({"now": NOW, "timezone": "Europe/Berlin", "cpu_khz": 3_000_000});
    lab.write("there.json", json!({ "host": host }).to_string());
    let uuid = "<uuid>6ba7b810-9dad-41d1-80b4-00c04fd430c8</uuid>";
    let xml = |clock: &str| domain("hvm", &format!("{uuid}{clock}"));
    lab.write("guest.xml", xml("<clock offset='variable' adjustment='0'/>"));
    lab.write(
        "native.xml",
        xml("<clock offset='variable' adjustment='0'>\
             <timer name='tsc' mode='native' frequency='2600000000'/></clock>"),
    );
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+40"]).ok();
    lab
}

/// On the other host the guest runs with its RTC, and its next start is refused until another clock is requested.
fn is_refused_there(lab: &Lab, file: &str) {
    let shown = on_other(lab, &["clock-show", "guest"]).ok();
    assert!(shown.contains(&format!("  next start   refused: {REFUSED}\n")), "{shown}");
    for command in [&["clock-show", "--json", "guest"][..], &["clock-list", "--json"]] {
        let told = on_other(lab, command).json();
        let rtc = told.pointer("/rtc").or(told.pointer("/0/rtc")).unwrap();
        assert_eq!((&rtc["offset"], &rtc["next_start"]), (&json!(40), &json!(format!("refused: {REFUSED}"))));
    }
    let why = on_other(lab, &["mock", "reboot", "guest"]).fails(1);
    assert!(
        why.contains(&format!("'guest' was not restarted: {REFUSED}. The domain is still there")),
        "{why}"
    );
    // As the message says.
    on_other(lab, &["clock-set", "guest", "tsc_mode=default"]).ok();
    on_other(lab, &["destroy", "guest"]).ok();
    on_other(lab, &["create", "-q", file]).ok();
    let told = on_other(lab, &["clock-show", "--json", "guest"]).json();
    assert_eq!((&told["rtc"]["offset"], &told["tsc"]["khz"]), (&json!(40), &json!(2_600_000)));
    assert_eq!(told["rtc"]["next_start"], "the guest's changes are tracked for the next start");
}

fn is_warned(err: &str) {
    let warning = format!(
        "warning: the guest's next start on this host is refused: {REFUSED}. Until then xenclock clock-set"
    );
    assert!(err.contains(&warning), "{err}");
}

#[test]
fn a_clock_given_to_migrate_that_only_the_sender_has() {
    let lab = lab();
    let there = there();
    let Run { code, err, .. } = lab.mock(["migrate", "-C", "native.xml", "-s", "", "guest", &there]);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains(&format!("next-start-refused: its next start there is refused: {REFUSED}")),
        "{err}"
    );
    is_warned(&err);
    is_refused_there(&lab, "native.xml");
}

#[test]
fn a_clock_requested_before_a_migration_that_only_the_sender_has() {
    let lab = lab();
    lab.mock(["clock-set", "guest", NATIVE[0], NATIVE[1]]).ok();
    let there = there();
    let foreseen = lab.mock(["preflight", "--json", "-s", "", "guest", &there]);
    assert!(foreseen.code == 3 && foreseen.out.contains("\"next-start-refused\""), "{foreseen:?}");
    for (state, file) in [("mock.json", "a"), ("there.json", "b")] {
        info(&lab, state, file);
    }
    assert!(lab.run(["preflight", "a", "b"]).out.contains("next-start-refused"));
    let Run { code, err, .. } = migrate(&lab, &[]);
    assert_eq!(code, 0, "{err}");
    is_warned(&err);
    is_refused_there(&lab, "guest.xml");
}

#[test]
fn a_clock_given_to_save_that_only_the_sender_has() {
    let lab = lab();
    lab.mock(["save", "guest", "file", "native.xml"]).ok();
    is_warned(&on_other(&lab, &["-N", "restore", "file"]).err);
    let Run { code, err, .. } = on_other(&lab, &["restore", "file"]);
    assert_eq!(code, 0, "{err}");
    is_warned(&err);
    is_refused_there(&lab, "native.xml");
}

/// A clock that the date of this host allows, and not that of the other: said before the guest is sent, with the reason, as at
/// its reboot there.
#[test]
fn a_clock_that_only_the_senders_date_allows() {
    let host = json!({"now": "2090-07-01T12:00:00Z", "timezone": "Europe/Berlin", "cpu_khz": 2_600_000});
    let (far, near) = ("rtc_timeoffset=2000000000", "rtc_timeoffset=60");
    // The command with which the guest is started, what its RTC is moved by, and whether the next start is refused there.
    for (setting, moved, refused) in [
        (far, "+0", true),
        (far, "-1900000000", false),
        (near, "+0", false),
        // What the guest made of its RTC is dropped there, and its next start is as requested.
        (near, "+2000000000", false),
        ("clock_start=1000000000", "+0", true),
        ("clock_start=3600000000", "+0", false),
    ] {
        let lab = Lab::with_host(json!({"cpu_khz": 2_600_000}));
        lab.write("there.json", json!({ "host": host }).to_string());
        let uuid = "uuid=\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"";
        lab.write("guest.cfg", format!("type = \"hvm\"\nname = \"guest\"\nmemory = 64\n{uuid}\n{setting}\n"));
        lab.mock(["create", "-q", "guest.cfg"]).ok();
        lab.mock(["mock", "write-rtc", "guest", moved]).ok();
        let there = there();
        let told = |run: &Run| {
            let text = [&run.out[..], &run.err].concat();
            let line = text.lines().find(|line| line.contains("next-start-refused")).map(str::to_owned);
            line.and_then(|line| {
                Some(line.split_once("is refused: ")?.1.split_once(". Until then")?.0.to_owned())
            })
        };
        let preflight = told(&lab.mock(["preflight", "-s", "", "guest", &there]));
        let sent = told(&lab.mock(["-N", "migrate", "-s", "", "guest", &there]));
        for (state, file) in [("mock.json", "a"), ("there.json", "b")] {
            info(&lab, state, file);
        }
        let of_files = told(&lab.run(["preflight", "a", "b"]));
        migrate(&lab, &[]).ok();
        let rebooted = on_other(&lab, &["mock", "reboot", "guest"]);
        assert_eq!(rebooted.code, i32::from(refused), "{setting} {moved}: {rebooted:?}");
        for foreseen in [preflight, sent, of_files] {
            assert_eq!(foreseen.is_some(), refused, "{setting} {moved}: {foreseen:?}");
            let why = foreseen.unwrap_or_default();
            assert!(rebooted.err.contains(&why), "{why}\n{}", rebooted.err);
        }
    }
}

/// A host that was calibrated anew, at which nobody is told anything by a move.
#[test]
fn a_clock_that_this_host_no_longer_has() {
    let lab = lab();
    lab.mock(["clock-set", "guest", NATIVE[0], NATIVE[1]]).ok();
    let set = lab.mock(["clock-show", "guest"]).ok();
    assert!(!set.contains("refused"), "{set}");
    lab.mock(["mock", "set", "cpu_khz=2600001"]).ok();
    let set = lab.mock(["clock-show", "guest"]).ok();
    assert!(set.contains("next start   refused: TSC mode 'native' cannot give 2600000000 Hz"), "{set}");
}

/// A zone that the host's tz database no longer has is refused as well, with the reason.
#[test]
fn a_zone_that_this_host_does_not_have() {
    let lab = lab();
    lab.mock(["clock-set", "guest", "clock_timezone=Europe/Paris"]).ok();
    let gone = |word: &str| lab.mock([word, "guest"]);
    assert!(!gone("clock-show").ok().contains("refused"));
    let records = std::fs::read_dir(lab.path("mock.json.clocks")).unwrap();
    let is_record = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "json");
    let record = records.map(|entry| entry.unwrap().path()).find(is_record).unwrap();
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace("Europe/Paris", "Europe/Parys")).unwrap();
    let shown = gone("clock-show").ok();
    assert!(shown.contains("next start   refused: ") && shown.contains("Europe/Parys"), "{shown}");
}
