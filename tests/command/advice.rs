//! Advice on clocks that a guest's system misinterprets: one line, no loss, no change.

use crate::common::{FIXED, Lab, domain};
use serde_json::{Value, json};

const WINDOWS: &str = "http://microsoft.com/win/10";
const LINUX: &str = "http://debian.org/debian/12";
const BSD: &str = "http://openbsd.org/openbsd/7.4";

/// A domain that is said to run this system, with this clock.
fn guest(kind: &str, system: &str, clock: &str) -> String {
    let inside = format!(
        "<metadata><libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>\
         <libosinfo:os id='{system}'/></libosinfo:libosinfo></metadata>{clock}"
    );
    domain(kind, &inside)
}

/// The codes of the advice that `convert` gives to people.
fn codes(xml: &str) -> Vec<String> {
    let lab = Lab::new();
    lab.write("guest.xml", xml);
    let run = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED));
    assert_eq!(run.code, 0, "{run:?}");
    let advice = run.err.lines().filter(|line| line.contains(": advice: "));
    advice.map(|line| line.rsplit_once('[').unwrap().1.trim_end_matches(']').to_owned()).collect()
}

#[test]
fn a_clock_that_the_system_takes_for_another_gets_one_line() {
    let windows = Some("advice-windows-utc");
    let unix = Some("advice-unix-localtime");
    let pv = Some("advice-pv-localtime");
    for (kind, system, clock, expected) in [
        ("hvm", WINDOWS, "", windows),
        ("hvm", WINDOWS, "<clock offset='utc'/>", windows),
        ("hvm", WINDOWS, "<clock offset='variable' adjustment='0' basis='utc'/>", windows),
        ("hvm", WINDOWS, "<clock offset='timezone' timezone='Etc/UTC'/>", windows),
        ("hvm", WINDOWS, "<clock offset='localtime'/>", None),
        ("hvm", WINDOWS, "<clock offset='timezone' timezone='Asia/Tokyo'/>", None),
        ("hvm", WINDOWS, "<clock offset='absolute' start='1750000000'/>", None),
        // What the guest itself has made of its RTC.
        ("hvm", WINDOWS, "<clock offset='variable' adjustment='7200' basis='utc'/>", None),
        ("hvm", LINUX, "<clock offset='localtime'/>", unix),
        ("hvm", BSD, "<clock offset='timezone' timezone='Asia/Tokyo'/>", unix),
        ("hvm", LINUX, "<clock offset='utc'/>", None),
        ("hvm", BSD, "", None),
        ("pv", LINUX, "<clock offset='localtime'/>", pv),
        ("pvh", LINUX, "<clock offset='variable' basis='localtime'/>", pv),
        ("pv", LINUX, "<clock offset='utc'/>", None),
        // Systems that keep local time, or may.
        ("hvm", "http://microsoft.com/msdos/6.22", "<clock offset='utc'/>", None),
        ("hvm", "http://libosinfo.org/unknown", "<clock offset='localtime'/>", None),
    ] {
        let found = codes(&guest(kind, system, clock));
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(found, expected, "{kind} {system} {clock}");
    }
}

#[test]
fn advice_is_no_loss_and_changes_nothing() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    lab.write("guest.xml", guest("hvm", WINDOWS, "<clock offset='utc'/>"));
    lab.write("plain.xml", guest("hvm", WINDOWS, "<clock offset='localtime'/>"));
    let strict = lab.mock(["convert", "--strict", "guest.xml"]);
    assert_eq!(strict.code, 0, "{strict:?}");
    assert_eq!(strict.err.matches(": advice: ").count(), 1, "{}", strict.err);
    assert!(strict.err.contains("\n  instead: write <clock offset='localtime'/>, or set"), "{}", strict.err);
    let all = lab.mock(["convert", "--diagnostics", "json", "guest.xml"]);
    let all: Vec<Value> = serde_json::from_str(&all.err).unwrap();
    let advice: Vec<_> = all.iter().filter(|entry| entry["code"] == "advice-windows-utc").collect();
    let [advice] = advice[..] else { panic!("{advice:?}") };
    assert_eq!(advice["verdict"], "no-effect");
    assert_eq!(advice["node"], "/domain/metadata/libosinfo:libosinfo/libosinfo:os/@id");
    // In a format that loses the metadata it is told all the same.
    assert_eq!(lab.mock(["convert", "--to", "json", "guest.xml"]).err.matches(": advice: ").count(), 1);
    let created = lab.mock(["create", "guest.xml"]);
    assert_eq!((created.code, created.err.matches(": advice: ").count()), (0, 1), "{created:?}");
    let quiet = lab.mock(["create", "-q", "plain.xml", "name=other"]);
    assert!(!quiet.err.contains("advice"), "{quiet:?}");
}

#[test]
fn a_windows_guest_from_kvm_in_utc() {
    let Some(xml) = xentest::shared("cases/field/windows-utc.xml") else { return };
    assert_eq!(codes(&std::fs::read_to_string(xml).unwrap()), ["advice-windows-utc"]);
}

#[test]
fn a_card_that_takes_a_quarter_of_the_memory_gets_one_line() {
    let card =
        |kind: &str, more: &str| format!("<devices><video><model type='{kind}'{more}/></video></devices>");
    for (kind, devices, mib) in [
        ("hvm", card("qxl", " ram='65536' vram='65536'"), Some((128, 192))),
        ("hvm", card("vga", " vram='16384'"), Some((16, 80))),
        ("hvm", card("vga", " vram='32768'"), Some((32, 96))),
        ("hvm", card("cirrus", ""), None),
        ("hvm", card("none", ""), None),
        ("hvm", String::new(), None),
        ("pvh", String::new(), None),
    ] {
        let xml = domain(kind, &devices);
        let expected: Vec<_> = mib.iter().map(|_| "advice-video-memory").collect();
        assert_eq!(codes(&xml), expected, "{devices}");
        let Some((video, more)) = mib else { continue };
        let lab = Lab::new();
        lab.write("guest.xml", &xml);
        let said = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).err;
        assert!(said.contains(&format!("the {video} MiB of video memory")), "{said}");
        assert!(
            said.contains(&format!("write memory = {more} ")) || said.contains(&format!("'MiB'>{more}<")),
            "{said}"
        );
    }
}
