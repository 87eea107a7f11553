//! Moves between two mock hosts: the effect on a clock is reported before, and a move that breaks the clock is refused.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use serde_json::{Value, json};
use xenclock::xl::savefile::Header;

use crate::common::{Lab, NOW, Run, domain, finish};

/// Two hosts, `mock.json` and `there.json`; the other one has these facts.
fn hosts(there: Value) -> Lab {
    let lab = Lab::with_host(json!({"cpu_khz": 2_600_000}));
    let mut host = json!({"now": NOW, "timezone": "Europe/Berlin", "cpu_khz": 2_600_000});
    host.as_object_mut().unwrap().extend(there.as_object().unwrap().clone());
    lab.write("there.json", json!({ "host": host }).to_string());
    lab
}

/// With a guest on the first, whose TSC timer says this.
pub(super) fn lab(tsc: &str, there: Value) -> Lab {
    let lab = hosts(there);
    lab.write("guest.xml", domain("hvm", &format!("<clock offset='utc'><timer name='tsc' {tsc}/></clock>")));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab
}

/// The command that leads to the other host.
pub(super) fn there() -> String {
    format!("'{}' --backend mock:there.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"))
}

pub(super) fn on_other(lab: &Lab, words: &[&str]) -> Run {
    lab.run([&["--backend", "mock:there.json"], words].concat())
}

pub(super) fn migrate(lab: &Lab, before: &[&str]) -> Run {
    let there = there();
    lab.mock([before, &["migrate", "-s", "", "guest", &there]].concat())
}

/// The words of the effects in JSON of preflight.
fn effects(told: &Value) -> Vec<&str> {
    let all = told["moves"].as_array().unwrap().iter();
    all.flat_map(|one| one["effects"].as_array().unwrap())
        .map(|one| one["effect"].as_str().unwrap())
        .collect()
}

pub(super) fn info(lab: &Lab, state: &str, file: &str) {
    let report = lab.run(["--backend", &format!("mock:{state}"), "host-info", "--json"]).ok();
    lab.write(file, report);
}

#[test]
fn preflight_asks_the_other_host_over_migrates_line() {
    let lab = lab(
        "mode='auto'",
        json!({"cpu_khz": 2_600_001, "now": "2026-07-01T12:01:30Z", "xen_version": "4.16"}),
    );
    let there = there();
    let Run { code, out, err } = lab.mock(["preflight", "--json", "-s", "", "guest", &there]);
    assert_eq!((code, err.as_str()), (4, ""));
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["severity"], "harm");
    assert_eq!(effects(&told), ["tsc-slower", "hosts-apart", "xen-older"]);
    let moved = &told["moves"][0];
    assert_eq!(
        (&moved["from"], &moved["to"], &moved["name"]),
        (&json!("mock"), &json!("there"), &json!("guest"))
    );
    assert_eq!(moved["tsc"]["before"]["behaviour"], "native");
    assert_eq!(
        (&moved["tsc"]["after"]["behaviour"], &moved["tsc"]["after"]["khz"]),
        (&json!("emulated"), &json!(2_600_000))
    );

    let Run { code, out, .. } = lab.mock(["preflight", "-s", "", "guest", &there]);
    assert_eq!(code, 4);
    for words in [
        "guest (domain 1, hvm) from mock to there: refused without -f",
        "2600000 kHz, native -> 2600000 kHz, emulated",
        "moves 90 s forward",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
}

#[test]
fn preflight_of_two_files_and_of_a_pool() {
    let lab = lab("mode='native'", json!({"cpu_khz": 2_600_001}));
    lab.write(
        "third.json",
        json!({"host": {"now": NOW, "cpu_khz": 3_000_000, "tsc_scaling": true}}).to_string(),
    );
    for (state, file) in [("mock.json", "a"), ("there.json", "b"), ("third.json", "c")] {
        info(&lab, state, file);
    }
    let Run { code, out, .. } = lab.run(["preflight", "--json", "a", "b"]);
    assert_eq!(code, 4);
    assert_eq!(effects(&serde_json::from_str(&out).unwrap()), ["tsc-runs-off"]);
    // Nobody lives on the others, so nothing moves.
    assert_eq!(lab.run(["preflight", "--json", "b", "a"]).json()["moves"], json!([]));

    let Run { code, out, .. } = lab.run(["preflight", "--json", "--pool", "a", "b", "c"]);
    assert_eq!(code, 4);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["moves"].as_array().unwrap().len(), 2);
    assert_eq!(told["pool"]["clock_tsc_frequency"], 2_600_000_000_u64);
    let behaviours: Vec<_> =
        told["pool"]["hosts"].as_array().unwrap().iter().map(|host| &host["behaviour"]).collect();
    assert_eq!(behaviours, ["native", "emulated", "scaled"]);
    let Run { out, .. } = lab.run(["preflight", "--pool", "a", "b"]);
    assert!(out.contains("clock_tsc_frequency=2600000000") && out.contains("clock_tsc_tolerance=1"), "{out}");
}

#[test]
fn preflight_used_wrongly() {
    let lab = lab("mode='auto'", json!({}));
    info(&lab, "mock.json", "a");
    lab.write("other.txt", "hello");
    let broken = lab.run(["preflight", "a", "other.txt"]).fails(1);
    assert!(broken.contains("other.txt:") && broken.contains("host-info --json"), "{broken}");
    assert!(lab.run(["preflight", "--pool", "a"]).fails(2).contains("two hosts or more"));
    assert!(lab.mock(["preflight", "guest"]).fails(2).contains("DOMAIN HOST"));
    let nobody = lab.mock(["preflight", "-s", "false", "guest", "host"]).fails(1);
    assert!(nobody.contains("is xenclock installed there?"), "{nobody}");
    let script = lab.mock(["preflight", "-s", "", "guest", "my-script"]).fails(1);
    assert!(script.contains("migrate-receive"), "{script}");
}

#[test]
fn a_migration_says_first_what_it_does() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    let dry = migrate(&lab, &["-N"]);
    assert!(dry.code == 0 && dry.out.contains("tsc-slower"), "{dry:?}");
    assert_eq!(on_other(&lab, &["list", "--json"]).json(), json!([]), "nothing was sent");
    let Run { code, err, .. } = migrate(&lab, &[]);
    assert_eq!(code, 0, "{err}");
    let (told, sent) = (err.find("tsc-slower").unwrap(), err.find("migration sender").unwrap());
    assert!(told < sent && err.matches("tsc-slower").count() == 1, "{err}");
    let clock = on_other(&lab, &["clock-show", "--json", "guest"]).json();
    assert_eq!(clock["tsc"]["khz"], 2_600_000);
}

#[test]
fn a_migration_that_breaks_the_clock_takes_force() {
    let lab = lab("mode='native'", json!({"cpu_khz": 3_400_000}));
    let Run { code, out, err } = migrate(&lab, &["-N"]);
    assert!(code == 1 && out.contains("tsc-runs-off") && err.contains("-f"), "{out}{err}");
    let refused = migrate(&lab, &[]).fails(1);
    assert!(refused.contains("+307692.308 ppm") && !refused.contains("migration sender"), "{refused}");
    assert_eq!(lab.mock(["list", "--json"]).json()[0]["state"], "running");
    migrate(&lab, &["-f"]).ok();
    assert_eq!(on_other(&lab, &["list", "--json"]).json()[0]["name"], "guest");
}

#[test]
fn what_is_not_known_of_the_other_host_is_said_and_it_checks_itself() {
    let lab = lab("mode='native'", json!({"cpu_khz": 3_400_000}));
    // It receives, and answers nothing else.
    let receiver = lab.program("receiver", &format!("#!/bin/sh\nexec {}\n", there()));
    let receiver = receiver.display().to_string();
    let Run { code, err, .. } = lab.mock(["migrate", "-s", "", "guest", &receiver]);
    assert_eq!(code, 1);
    assert!(
        err.contains("is not known") && err.contains("tsc-runs-off") && err.contains("continues to run here"),
        "{err}"
    );
    assert_eq!(lab.mock(["list", "--json"]).json()[0]["state"], "running");
    lab.mock(["-f", "migrate", "-s", "", "guest", &receiver]).ok();
    assert_eq!(on_other(&lab, &["list", "--json"]).json()[0]["name"], "guest");
}

#[test]
fn a_report_that_is_invalid_or_endless_leaves_the_host_unknown() {
    let lab = lab("mode='native'", json!({"cpu_khz": 3_400_000}));
    for answer in
        ["yes", "cat /dev/zero", "printf '{\"host\": '", "printf '[1]'", "printf '\\377\\376'", "exit 3"]
    {
        let script = format!("#!/bin/sh\ncase $* in *host-info*) {answer}; exit;; esac\nexec {}\n", there());
        let receiver = format!("{} migrate-receive", lab.program("receiver", &script).display());
        let Run { code, err, .. } = lab.mock(["migrate", "-s", "", "guest", &receiver]);
        assert!(code == 1 && err.contains("is not known") && err.len() < 2000, "{answer}: {err}");
        assert_eq!(lab.mock(["list", "--json"]).json()[0]["state"], "running", "{answer}");
        lab.mock(["preflight", "-s", "", "guest", &receiver]).fails(1);
    }
}

/// An ssh to the other host, where only this program is installed; it writes down what it is asked to run.
fn ssh_to(lab: &Lab, program: &str) -> String {
    let (said, xenclock) = (lab.path("said"), env!("CARGO_BIN_EXE_xenclock"));
    let script = format!(
        "#!/bin/sh\nshift\necho \"$@\" >> '{}'\n[ \"$1\" = {program} ] || exit 127\nshift\nexec '{xenclock}' --backend \
         mock:there.json \"$@\"\n",
        said.display()
    );
    format!("'{}'", lab.program("ssh", &script).display())
}

#[test]
fn a_target_that_has_xenclock_receives_with_it() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    lab.mock(["clock-set", "guest", "clock_tsc_tolerance=1"]).ok();
    let ssh = ssh_to(&lab, "xenclock");
    let Run { code, err, .. } = lab.mock(["-v", "migrate", "-e", "-s", &ssh, "guest", "there"]);
    assert!(code == 0 && err.contains("is native at 2600001 kHz"), "{err}");
    assert_eq!(lab.read("said"), "xenclock host-info --json\nxenclock -v migrate-receive -e\n");
}

#[test]
fn a_target_that_has_only_xl_receives_with_it() {
    let lab = lab("mode='auto'", json!({}));
    let ssh = ssh_to(&lab, "xl");
    lab.mock(["migrate", "-s", &ssh, "guest", "there"]).ok();
    assert_eq!(lab.read("said"), "xenclock host-info --json\nxl migrate-receive\n");
}

#[test]
fn each_message_is_one_write() {
    // Both ends of a migration write to one terminal.
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let mut command = lab.command(["--backend", "mock:mock.json", "migrate", "-s", "", "guest", &there()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(OwnedFd::from(theirs));
    assert!(command.status().unwrap().success());
    ours.set_nonblocking(true).unwrap();
    let mut written = [0; 4096];
    let mut count = 0;
    while let Ok(length) = ours.recv(&mut written) {
        let text = String::from_utf8_lossy(&written[..length]);
        assert!(text.ends_with('\n'), "{text}");
        count += 1;
    }
    assert!(count > 5, "{count}");
}

#[test]
fn a_restore_says_what_it_does_and_takes_force() {
    let lab = lab("mode='native'", json!({"cpu_khz": 2_600_001}));
    lab.mock(["save", "guest", "saved"]).ok();
    let dry = on_other(&lab, &["-N", "restore", "saved"]);
    assert!(dry.code == 1 && dry.out.contains("tsc-runs-off"), "{dry:?}");
    let refused = on_other(&lab, &["restore", "saved"]).fails(1);
    assert!(refused.contains("was not restored") && refused.contains("-f"), "{refused}");
    assert_eq!(on_other(&lab, &["list", "--json"]).json(), json!([]));
    on_other(&lab, &["-f", "restore", "saved"]).ok();
    // Where it was it goes on without a word.
    let same = self::lab("mode='native'", json!({}));
    same.mock(["save", "guest", "saved"]).ok();
    let Run { code, err, .. } = same.mock(["restore", "saved"]);
    assert_eq!((code, err.as_str()), (0, ""));
}

/// A file as stock xl writes it: without what is ours, and with this in the config besides.
fn as_xl_saves(lab: &Lab, file: &str, b_info: &Value) {
    let mut saved = File::open(lab.path(file)).unwrap();
    let header = Header::read(&mut saved).unwrap();
    let mut config: Value = serde_json::from_str(header.config_json().unwrap()).unwrap();
    config["b_info"].as_object_mut().unwrap().extend(b_info.as_object().unwrap().clone());
    let mut bytes = Vec::new();
    Header::new(config.to_string(), None).write(&mut bytes).unwrap();
    saved.read_to_end(&mut bytes).unwrap();
    fs::write(lab.path(file), bytes).unwrap();
}

#[test]
fn a_guest_of_stock_xl_is_checked_when_it_arrives() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    lab.mock(["save", "guest", "saved"]).ok();
    as_xl_saves(&lab, "saved", &json!({}));
    let Run { code, err, .. } = on_other(&lab, &["restore", "saved"]);
    assert!(code == 0 && err.contains("tsc-slower"), "{err}");
    on_other(&lab, &["destroy", "guest"]).ok();
    // What its config says is known before it comes.
    as_xl_saves(&lab, "saved", &json!({"disable_migrate": "True"}));
    let receive = lab.command(["--backend", "mock:there.json", "migrate-receive"]);
    let Run { code, err, .. } = finish(receive, &fs::read(lab.path("saved")).unwrap());
    assert!(code == 1 && err.contains("nomigrate") && err.contains("xl -f migrate-receive"), "{err}");
    assert_eq!(on_other(&lab, &["list", "--json"]).json(), json!([]));
}

#[test]
fn a_native_guest_of_stock_xl_is_refused_at_another_frequency() {
    for (khz, refused) in [(5_200_000, true), (2_600_001, true), (2_600_000, false)] {
        let lab = lab("mode='native'", json!({ "cpu_khz": khz }));
        lab.mock(["save", "guest", "saved"]).ok();
        as_xl_saves(&lab, "saved", &json!({}));
        let Run { code, err, .. } = on_other(&lab, &["restore", "saved"]);
        assert_eq!(
            (code != 0, err.contains("tsc-runs-off: its TSC mode is native")),
            (refused, refused),
            "{err}"
        );
        assert!(!refused || err.contains("guest (domain") && err.contains("instead of 2600000 kHz"), "{err}");
    }
}

#[test]
fn a_native_guest_that_comes_back_to_its_frequency_is_let_in() {
    let lab = lab("mode='native'", json!({"cpu_khz": 2_600_001}));
    migrate(&lab, &["-f"]).ok();
    // On a third host like the second it stays off, and that is said.
    for (state, file) in [("mock.json", "a"), ("there.json", "b")] {
        info(&lab, state, file);
    }
    let mut third: Value = serde_json::from_str(&lab.read("b")).unwrap();
    (third["host"], third["guests"]) = (json!("third"), json!([]));
    lab.write("c", third.to_string());
    let stays = lab.run(["preflight", "b", "c"]).ok();
    assert!(
        stays.contains("tsc-stays-off: its TSC runs at 2600001 kHz, +0.385 ppm from its initial"),
        "{stays}"
    );
    let back = format!("'{}' --backend mock:mock.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
    let Run { code, err, .. } = on_other(&lab, &["-v", "migrate", "-s", "", "guest", &back]);
    assert!(code == 0 && err.contains("tsc-runs-right"), "{err}");
    assert_eq!(lab.mock(["clock-show", "--json", "guest"]).json()["tsc"]["khz"], 2_600_000);
}

/// What is said before a move is what the machine does with the config that goes with the guest.
#[test]
fn a_config_given_for_the_move_decides() {
    let settings = |ppm: u32| format!("clock_tsc_tolerance={ppm}");
    for (own, given) in [(0, 250), (250, 0)] {
        let lab = hosts(json!({"cpu_khz": 2_600_001}));
        lab.write("guest.xml", domain("hvm", "<clock offset='utc'/>"));
        lab.mock(["create", "-q", "guest.xml", &settings(own)]).ok();
        let cfg = lab.run(["convert", "guest.xml"]).ok();
        lab.write("other.cfg", format!("{cfg}\nclock_tsc_tolerance = {given}\n"));
        let native = |run: &Run| {
            let clock =
                on_other(&lab, &["clock-show", "--json", "guest"]).json()["tsc"]["behaviour"] == "native";
            let said = (run.err.contains("tsc-tolerated"), run.err.contains("tsc-slower"));
            assert_eq!(said, (clock, !clock), "{run:?}");
            clock
        };
        let there = there();
        let moved = lab.mock(["migrate", "-s", "", "-C", "other.cfg", "guest", &there]);
        assert_eq!((moved.code, native(&moved)), (0, given == 250), "{moved:?}");
        on_other(&lab, &["destroy", "guest"]).ok();
        lab.mock(["create", "-q", "guest.xml", &settings(own)]).ok();
        lab.mock(["save", "guest", "saved"]).ok();
        let restored = on_other(&lab, &["restore", "other.cfg", "saved"]);
        assert_eq!((restored.code, native(&restored)), (0, given == 250), "{restored:?}");
    }
}

#[test]
fn an_emulated_tsc_alone_does_not_keep_a_guest_of_xen_4_14() {
    let old = json!({"xen_version": "4.14", "tsc_reliable": false, "cpu_khz": 2_600_000});
    let lab = Lab::with_host(old.clone());
    lab.write("guest.xml", domain("hvm", "<clock offset='utc'/>"));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.write("there.json", json!({ "host": old }).to_string());
    migrate(&lab, &[]).ok();
}

#[test]
fn why_a_tolerance_does_not_apply_is_said() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_700_000}));
    lab.mock(["clock-set", "guest", "clock_tsc_tolerance=250"]).ok();
    let told = lab.mock(["preflight", "-s", "", "guest", &there()]);
    assert!(
        told.out.contains("slower; its tolerance does not apply: its TSC would be +38461.538 ppm off"),
        "{told:?}"
    );
}

#[test]
fn hosts_of_one_name_are_told_apart_by_their_files() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    info(&lab, "mock.json", "a");
    lab.write("b", lab.read("a").replace("2600000", "2600001"));
    let told = lab.run(["preflight", "--pool", "a", "b"]);
    assert!(told.out.contains("from mock (a) to mock (b)"), "{told:?}");
    lab.write("zero", lab.read("a").replace("\"cpu_khz\": 2600000", "\"cpu_khz\": 0"));
    assert!(lab.run(["preflight", "a", "zero"]).fails(1).contains("zero: a TSC frequency of 0 kHz"));
}
