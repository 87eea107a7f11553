//! Save files that are restored more than once: the clock continues from each save every time, and `clock-set
//! --from-save` sets the offset of a save for a guest's next start.

use std::fs::{self, File};
use std::io::Read;

use serde_json::{Value, json};
use xenclock::xl::savefile::Header;

use crate::common::{Lab, Run, domain};

const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const CLOCK: &str = "<clock offset='variable' adjustment='3600' basis='utc'/>";

/// A guest an hour ahead of UTC, whose RTC it has set 20 s further; it is saved so in `saved`, and goes on.
fn lab(kind: &str) -> Lab {
    let lab = Lab::with_host(json!({}));
    let inside = format!("<uuid>{UUID}</uuid>{CLOCK}");
    lab.write("guest.xml", domain(kind, &inside));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    if kind == "hvm" {
        lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    }
    lab.mock(["save", "-c", "guest", "saved"]).ok();
    lab
}

/// The file as stock xl would have written it.
fn without_record(lab: &Lab) {
    change_record(lab, |_| None);
}

/// Puts another record into the file.
fn change_record(lab: &Lab, change: impl Fn(String) -> Option<Value>) {
    let mut saved = File::open(lab.path("saved")).unwrap();
    let header = Header::read(&mut saved).unwrap();
    let mut bytes = Vec::new();
    let record = change(String::from_utf8(header.ours.clone().unwrap()).unwrap());
    Header::new(header.config_json().unwrap().to_owned(), record).write(&mut bytes).unwrap();
    saved.read_to_end(&mut bytes).unwrap();
    fs::write(lab.path("saved"), bytes).unwrap();
}

fn offset(lab: &Lab) -> Value {
    lab.mock(["clock-show", "--json", "guest"]).json()["rtc"]["offset"].clone()
}

#[test]
fn a_guest_starts_again_with_the_offset_that_a_save_has() {
    for (record, from) in [(true, "the RTC in the save"), (false, "the RTC in the save")] {
        let lab = lab("hvm");
        if !record {
            without_record(&lab);
        }
        lab.mock(["mock", "write-rtc", "guest", "+1000"]).ok();
        lab.mock(["destroy", "guest"]).ok();
        let Run { code, err, .. } = lab.mock(["clock-set", "--from-save", "saved", UUID]);
        assert!(code == 0 && err.contains("(3620 s) is from") && err.contains(from), "{err}");
        lab.mock(["create", "-q", "guest.xml"]).ok();
        assert_eq!(offset(&lab), 3620);
        // Once more, after the guest has moved its RTC from there: the save counts anew.
        lab.mock(["mock", "write-rtc", "guest", "+7"]).ok();
        lab.mock(["clock-set", "--from-save", "saved", "guest"]).ok();
        assert_eq!(offset(&lab), 3627, "the running guest is not changed");
        lab.mock(["mock", "reboot", "guest"]).ok();
        assert_eq!(offset(&lab), 3620);
        // And what the guest does from then on is its own again.
        lab.mock(["mock", "write-rtc", "guest", "+5"]).ok();
        lab.mock(["mock", "reboot", "guest"]).ok();
        assert_eq!(offset(&lab), 3625);
        lab.mock(["clock-set", "--now", "--from-save", "saved", "guest"]).ok();
        assert_eq!(offset(&lab), 3620);
    }
}

#[test]
fn a_guest_without_an_rtc_has_what_the_record_or_the_config_says() {
    let lab = lab("pvh");
    let says = |lab: &Lab| lab.mock(["clock-set", "--from-save", "saved", "guest"]).err;
    let of_record = |lab: &Lab| says(lab).contains("(3600 s) is from the clock record in the save");
    assert!(of_record(&lab), "{}", says(&lab));
    // A record of another guest is passed over, as at a restore.
    let other = UUID.replace("6ba7", "7ba7");
    change_record(&lab, |record| serde_json::from_str(&record.replace(UUID, &other)).unwrap());
    assert!(!of_record(&lab), "{}", says(&lab));
    without_record(&lab);
    assert!(
        says(&lab).contains("(3600 s) is from the config in the save, which does not contain"),
        "{}",
        says(&lab)
    );
}

#[test]
fn the_save_of_another_guest_takes_force() {
    let lab = lab("hvm");
    lab.write("other.xml", domain("hvm", "").replace(">guest<", ">other<"));
    lab.mock(["create", "-q", "other.xml"]).ok();
    let refused = lab.mock(["clock-set", "--from-save", "saved", "other"]).fails(1);
    assert!(
        refused
            .contains(&format!("saved is the save file of another guest, 'guest' with UUID {UUID}; -f uses")),
        "{refused}"
    );
    let Run { code, err, .. } = lab.mock(["-f", "clock-set", "--from-save", "saved", "other"]);
    assert!(code == 0 && err.contains("warning: saved is the save file of another guest"), "{err}");
    for (file, says) in [("other.xml", "it looks like XML"), ("nothing", "No such file")] {
        let refused = lab.mock(["clock-set", "--from-save", file, "guest"]).fails(1);
        assert!(refused.contains(says), "{refused}");
    }
    lab.mock(["clock-set", "--from-save", "saved", "--from", "guest.xml", "guest"]).fails(2);
}

#[test]
fn a_save_is_restored_as_often_as_one_likes() {
    let lab = lab("hvm");
    lab.mock(["destroy", "guest"]).ok();
    for round in 1..=3 {
        lab.mock(["restore", "saved"]).ok();
        assert_eq!(offset(&lab), 3620, "round {round}");
        // A service that comes to it finds nothing to do.
        let events = lab.mock(["clock-watch", "--once"]).ok();
        assert!(!events.contains("put-right") && !events.contains("rtc-change"), "{events}");
        lab.mock(["mock", "write-rtc", "guest", "+100"]).ok();
        lab.mock(["destroy", "guest"]).ok();
    }
    // Without a save, the guest goes on from what it made of its RTC last.
    lab.mock(["create", "-q", "guest.xml"]).ok();
    assert_eq!(offset(&lab), 3720);
}
