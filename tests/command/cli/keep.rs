//! A clock over its guest's life, with commands on the mock: the kept state and the output.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::host::mock::Mock;
use xenclock::host::{DomId, Host};

use crate::common::{Lab, domain};

const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A guest with this clock.
fn lab(clock: &str) -> Lab {
    let lab = Lab::with_host(json!({"timezone": "Europe/Berlin", "cpu_khz": 2_600_000}));
    let xml = domain("hvm", clock).replace("<name>", &format!("<uuid>{UUID}</uuid><name>"));
    lab.write("guest.xml", xml.replace("</domain>", "<on_reboot>restart</on_reboot></domain>"));
    lab
}

const VARIABLE: &str = "<clock offset='variable' adjustment='3600' basis='utc'>\
                        <timer name='tsc' frequency='1000000000'/></clock>";

fn clock(lab: &Lab) -> Value {
    lab.mock(["clock-show", "--json", "guest"]).json()
}

fn offset(lab: &Lab) -> i64 {
    clock(lab)["rtc"]["offset"].as_i64().unwrap()
}

/// The service, in the background.
struct Service<'a> {
    child: Child,
    lab: &'a Lab,
}

impl<'a> Service<'a> {
    fn start(lab: &'a Lab, more: &[&str]) -> Self {
        let words = ["--backend", "mock:mock.json", "clock-watch", "--period", "0.05", "--xml-dir", "xml"];
        let out = fs::File::options().append(true).create(true).open(lab.path("events")).unwrap();
        let mut command = lab.command([&words, more].concat());
        let child = command.stdout(out).stderr(Stdio::null()).spawn().unwrap();
        let service = Service { child, lab };
        std::thread::sleep(Duration::from_millis(300));
        service
    }

    fn events(&self) -> Vec<Value> {
        self.lab.read("events").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The first event of this kind from one on; which must come.
    #[track_caller]
    fn event(&self, kind: &str, from: usize) -> Value {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if let Some(event) = self.events().into_iter().skip(from).find(|event| event["event"] == kind) {
                return event;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no event '{kind}' after {from} in {:#?}", self.events());
    }

    fn end(mut self, signal: rustix::process::Signal) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_second_start_goes_on_from_what_the_guest_made_of_it() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    lab.mock(["mock", "poweroff", "guest"]).ok();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    assert_eq!(offset(&lab), 3620);
    // A file that asks for something else is asked anew.
    lab.mock(["destroy", "guest"]).ok();
    let other = lab.read("guest.xml").replace("3600", "60");
    lab.write("guest.xml", other);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    assert_eq!(offset(&lab), 60);
}

#[test]
fn a_clock_that_is_not_tracked_is_resolved_again() {
    let lab = lab("<clock offset='localtime'/>");
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    lab.mock(["mock", "set", "now=2026-12-01T12:00:00Z"]).ok();
    assert_eq!(offset(&lab), 7220, "while it lives it is the guest's own");
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(offset(&lab), 3600);
}

#[test]
fn a_save_and_a_restore_elsewhere_leave_the_guests_clock_alone() {
    for clock in [VARIABLE, "<clock offset='localtime'/>"] {
        let lab = lab(clock);
        lab.mock(["create", "-q", "guest.xml"]).ok();
        lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
        let before = offset(&lab);
        lab.mock(["save", "guest", "saved"]).ok();
        assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
        // Another host, in another zone, which knows the guest by what came along.
        lab.write(
            "there.json",
            r#"{"host": {"timezone": "America/St_Johns", "now": "2026-07-02T00:00:00Z"}}"#,
        );
        let there = |words: &[&str]| lab.run([&["--backend", "mock:there.json"], words].concat());
        there(&["restore", "saved"]).ok();
        let shown = there(&["clock-show", "--json", "guest"]).json();
        assert_eq!(shown["rtc"]["offset"], before);
        assert_eq!(shown["clock"], self::clock_of(&lab, "there.json.clocks"));
        there(&["mock", "reboot", "guest"]).ok();
        let after = there(&["clock-show", "--json", "guest"]).json();
        let expected = if clock == VARIABLE { before } else { -9000 };
        assert_eq!(after["rtc"]["offset"], expected, "a cold start is the other host's");
    }
}

fn clock_of(lab: &Lab, dir: &str) -> Value {
    let text = lab.read(&format!("{dir}/{UUID}.json"));
    serde_json::from_str::<Value>(&text).unwrap()["request"]["clock"].clone()
}

#[test]
fn a_save_can_let_the_guest_go_on() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["save", "-c", "guest", "saved"]).ok();
    assert_eq!(lab.mock(["list", "--json"]).json()[0]["state"], "running");
    lab.mock(["save", "-p", "guest", "saved"]).ok();
    assert_eq!(lab.mock(["list", "--json"]).json()[0]["state"], "paused");
    let said = lab.mock(["save", "guest", "no/such/place"]).fails(1);
    assert!(said.contains("no/such/place"), "{said}");
    assert_eq!(lab.files().iter().filter(|name| name.contains("save-")).count(), 0, "{:?}", lab.files());
}

#[test]
fn what_is_no_save_file_is_said() {
    let lab = lab(VARIABLE);
    for (content, words) in [("", "save file"), ("<domain/>", "XML"), ("LibxlFmt0000", "header")] {
        lab.write("saved", content);
        let said = lab.mock(["restore", "saved"]).fails(1);
        assert!(said.contains("saved") && said.contains(words), "{said}");
    }
    let said = lab.mock(["restore", "nowhere"]).fails(1);
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn a_guest_that_another_program_starts_is_not_restored_beside_it() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["save", "guest", "saved"]).ok();
    fs::create_dir_all(lab.path("mock.json.clocks/starting")).unwrap();
    let claim = fs::File::create(lab.path(format!("mock.json.clocks/starting/{UUID}"))).unwrap();
    claim.lock().unwrap();
    for words in [&["restore", "saved"][..], &["create", "guest.xml"]] {
        let said = lab.mock(words.iter().copied()).fails(1);
        assert!(said.contains("another program is starting this guest"), "{words:?}: {said}");
        assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
    }
    drop(claim);
    lab.mock(["restore", "saved"]).ok();
}

#[test]
fn a_guest_moves_to_another_host() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    lab.write("there.json", r#"{"host": {"timezone": "Asia/Tokyo"}}"#);
    let receive = format!("'{}' --backend mock:there.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
    let said = lab.mock(["migrate", "-s", "", "guest", &receive]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
    let shown = lab.run(["--backend", "mock:there.json", "clock-show", "--json", "guest"]).json();
    assert_eq!((&shown["rtc"]["offset"], &shown["tsc"]["khz"]), (&json!(3620), &json!(1_000_000)));
    // Where it does not start, it goes on here.
    let back = format!("'{}' --backend mock:mock.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
    lab.mock(["mock", "fail", "unpause", "permission"]).ok();
    let failed = lab.run(["--backend", "mock:there.json", "migrate", "-s", "", "guest", &back]);
    assert_eq!(failed.code, 1);
    assert!(failed.err.contains("continues to run here"), "{failed:?}");
    assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
    let there = lab.run(["--backend", "mock:there.json", "list", "--json"]).json();
    assert_eq!((&there[0]["name"], &there[0]["state"]), (&json!("guest"), &json!("running")));
}

#[test]
fn the_service_tells_what_a_guest_does_and_what_becomes_of_it() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let service = Service::start(&lab, &[]);
    assert_eq!(service.event("followed", 0)["offset"], 3600);
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    let event = service.event("rtc-change", 0);
    assert_eq!(
        (&event["before"], &event["offset"], &event["name"]),
        (&json!(3600), &json!(3620), &json!("guest"))
    );
    let before = service.events().len();
    lab.mock(["mock", "reboot", "guest"]).ok();
    let ended = service.event("ended", before);
    assert_eq!((&ended["reason"], &ended["offset"]), (&json!("reboot"), &json!(3620)));
    assert_eq!(service.event("followed", before)["offset"], 3620);
    lab.mock(["destroy", "guest"]).ok();
    service.event("gone", before + 2);
    assert_eq!(service.end(rustix::process::Signal::TERM), Some(0));
}

#[test]
fn a_second_service_refuses() {
    let lab = lab(VARIABLE);
    let _service = Service::start(&lab, &[]);
    let said = lab.mock(["clock-watch"]).fails(1);
    assert!(said.contains("another clock-watch") && said.contains("mock.json.clocks"), "{said}");
}

#[test]
fn a_killed_service_leaves_nothing_held_and_another_goes_on() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let service = Service::start(&lab, &[]);
    service.event("followed", 0);
    assert_eq!(service.end(rustix::process::Signal::KILL), None);
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    let service = Service::start(&lab, &[]);
    assert_eq!(service.event("rtc-change", 0)["offset"], 3620);
    assert_eq!(lab.mock(["list", "--json"]).json()[0]["state"], "running");
}

#[test]
fn a_torn_record_is_set_aside_and_the_others_go_on() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let torn = lab.read(&format!("mock.json.clocks/{UUID}.json"));
    let path = format!("mock.json.clocks/{UUID}.json");
    lab.write(&path, &torn[..torn.len() / 2]);
    let service = Service::start(&lab, &[]);
    let event = service.event("record-set-aside", 0);
    assert!(event["why"].as_str().unwrap().contains("json.bad.1"), "{event}");
    // The guest is followed from where it stands.
    assert_eq!(service.event("followed", 0)["offset"], 3600);
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    service.event("rtc-change", 0);
    assert!(lab.path(format!("mock.json.clocks/{UUID}.json.bad.1")).exists());
}

#[test]
fn records_that_cannot_be_written_are_said_and_the_guest_runs() {
    let lab = lab(VARIABLE);
    lab.write("file", "");
    let run = lab.run(["--backend", "mock:mock.json", "--records", "file/clocks", "create", "guest.xml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.err.contains("its clock record was not written") && run.err.contains("file/clocks"),
        "{run:?}"
    );
}

#[test]
fn clock_set_is_for_the_next_start_or_for_now() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    let said = lab.mock(["clock-set", "guest", "clock_timezone=Asia/Tokyo"]).ok();
    assert!(said.contains("next starts at UTC+09:00") && said.contains("is not changed"), "{said}");
    assert_eq!(offset(&lab), 3620);
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(offset(&lab), 32_400);
    // The file, asked again as it was, does not undo it; another one does.
    lab.mock(["mock", "poweroff", "guest"]).ok();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    assert_eq!(offset(&lab), 32_400);
    let run = lab.mock(["clock-set", "--now", "guest", "rtc_timeoffset=-60"]);
    assert_eq!((run.code, offset(&lab)), (0, -60));
    assert!(run.err.contains("jumps from"), "{run:?}");
    lab.mock(["mock", "reboot", "guest"]).ok();
    assert_eq!(offset(&lab), -60);
}

#[test]
fn clock_set_refuses_what_cannot_be_had_and_changes_nothing() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let kept = lab.read(&format!("mock.json.clocks/{UUID}.json"));
    for (words, status, says) in [
        (&["clock-set", "guest"][..], 2, "nothing to set"),
        (&["clock-set", "guest", "memory=5"], 1, "memory"),
        (&["clock-set", "guest", "clock_timezone=Mars/Olympus"], 1, "Mars/Olympus"),
        (&["clock-set", "guest", "tsc_mode=native"], 1, "native"),
        (&["clock-set", "--now", "guest", "tsc_mode=always_emulate"], 1, "-f"),
        (&["clock-set", "nobody", "clock_offset=utc"], 1, "nobody"),
    ] {
        let said = lab.mock(words.iter().copied()).fails(status);
        assert!(said.contains(says), "{words:?}: {said}");
    }
    assert_eq!(lab.read(&format!("mock.json.clocks/{UUID}.json")), kept);
    lab.mock(["-N", "clock-set", "guest", "clock_offset=localtime"]).ok();
    assert_eq!(lab.read(&format!("mock.json.clocks/{UUID}.json")), kept, "a dry run");
}

#[test]
fn the_tsc_of_a_guest_that_runs_takes_force_and_leaves_its_rtc() {
    let lab = lab("<clock offset='localtime'/>");
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    let refused = lab.mock(["clock-set", "--now", "guest", "tsc_mode=always_emulate"]).fails(1);
    assert!(!refused.contains("jumps from"), "nothing jumps: {refused}");
    let done = lab.mock(["-f", "clock-set", "--now", "guest", "tsc_mode=always_emulate"]);
    assert!(done.err.contains("TSC of 'guest'") && !done.err.contains("jumps from"), "{done:?}");
    assert_eq!((&clock(&lab)["tsc"]["mode"], offset(&lab)), (&json!("always_emulate"), 7220));
    // What is asked of both is said of both.
    let both = lab.mock(["-f", "clock-set", "--now", "guest", "rtc_timeoffset=60", "tsc_mode=default"]);
    assert!(both.err.contains("TSC of 'guest'") && both.err.contains("jumps from"), "{both:?}");
    assert_eq!((&clock(&lab)["tsc"]["mode"], offset(&lab)), (&json!("default"), 60));
}

#[test]
fn the_wrapper_alone_is_said_and_changes_nothing() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let kept = lab.read(&format!("mock.json.clocks/{UUID}.json"));
    let said = lab.mock(["clock-set", "--wrapper", "guest"]).ok();
    assert!(said.contains("device_model_override"), "{said}");
    assert_eq!(lab.read(&format!("mock.json.clocks/{UUID}.json")), kept);
}

#[test]
fn a_guest_may_be_spoken_of_before_it_is_there() {
    let lab = lab(VARIABLE);
    lab.mock(["clock-set", UUID, "clock_offset=localtime"]).ok();
    lab.mock(["clock-set", UUID, "rtc_timeoffset=77"]).ok();
    let record: Value = serde_json::from_str(&lab.read(&format!("mock.json.clocks/{UUID}.json"))).unwrap();
    assert_eq!(record["request"]["clock"]["offset"]["adjustment"], 77);
}

#[test]
fn the_foreground_is_the_monitor() {
    let lab = lab(VARIABLE);
    let mut command = lab.command(["--backend", "mock:mock.json", "create", "-F", "guest.xml"]);
    let mut monitor = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let running = || {
        let guest = lab.mock(["list", "--json"]).json().get(0).cloned().unwrap_or_default();
        guest["domid"].as_i64().filter(|_| guest["state"] == "running")
    };
    while running().is_none() {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    let first = running();
    let said = lab.mock(["mock", "reboot", "guest"]).ok();
    assert!(said.contains("its monitor restarts it"), "{said}");
    while running() == first || running().is_none() {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    assert_eq!(offset(&lab), 3620);
    lab.mock(["destroy", "guest"]).ok();
    assert!(monitor.wait().unwrap().success());
}

#[test]
fn clocks_as_metrics() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    let text = lab.mock(["clock-list", "--prometheus"]).ok();
    for line in [
        "# TYPE xenclock_rtc_offset_seconds gauge".to_owned(),
        format!(
            "xenclock_rtc_offset_seconds{{domid=\"1\",name=\"guest\",type=\"hvm\",uuid=\"{UUID}\"}} 3620"
        ),
        "xenclock_host_tsc_khz 2600000".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert!(text.contains("xenclock_rtc_moved_by_guest_seconds{") && text.contains("} 20\n"), "{text}");
}

/// As stock xl makes a guest: without a word to anybody.
fn made_by_another(lab: &Lab) -> DomId {
    let mock = Mock::open(lab.path("mock.json"), Box::new(|| SystemTime::now().into())).unwrap();
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some("guest".to_owned());
    config.c_info.uuid = Some(UUID.parse().unwrap());
    let domid = mock.create_paused(&config).unwrap();
    mock.unpause(domid).unwrap();
    domid
}

#[test]
fn a_service_that_was_stopped_says_what_it_may_have_missed() {
    let lab = lab("");
    let domid = made_by_another(&lab);
    let service = Service::start(&lab, &[]);
    service.event("followed", 0);
    let signal = |signal| {
        rustix::process::kill_process(rustix::process::Pid::from_child(&service.child), signal).unwrap();
    };
    signal(rustix::process::Signal::STOP);
    std::thread::sleep(Duration::from_secs(3));
    let mock = Mock::open(lab.path("mock.json"), Box::new(|| SystemTime::now().into())).unwrap();
    mock.guest_shift_rtc(domid, 20).unwrap();
    mock.guest_reboot(domid).unwrap();
    mock.destroy(domid).unwrap();
    made_by_another(&lab);
    signal(rustix::process::Signal::CONT);
    let event = service.event("unwatched", 0);
    assert_eq!(event["domid"], domid.0);
    assert!(event["seconds"].as_u64().unwrap() >= 2, "{event}");
}

#[test]
fn the_service_tells_of_a_tsc_frequency_that_an_updated_config_drops_once() {
    let lab = lab(VARIABLE);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let mock = Mock::open(lab.path("mock.json"), Box::new(|| SystemTime::now().into())).unwrap();
    // As `xl config-update` leaves it.
    mock.set_user_data(DomId(1), "xl", b"name = \"guest\"\ntype = \"hvm\"\nmemory = 64\n").unwrap();
    // Nobody watches while the guest reboots.
    let said = lab.mock(["mock", "reboot", "guest"]);
    assert!(said.err.contains("clock_tsc_frequency = 1000000000"), "{said:?}");
    let service = Service::start(&lab, &[]);
    let event = service.event("tsc-dropped", 0);
    assert_eq!((&event["before_hz"], &event["domid"]), (&json!(1_000_000_000), &json!(2)), "{event}");
    assert!(event["why"].as_str().unwrap().contains("clock_tsc_frequency = 1000000000"), "{event}");
    assert_eq!(service.end(rustix::process::Signal::TERM), Some(0));
    let told = lab.mock(["clock-watch", "--once"]).ok();
    assert!(told.contains("already configured") && !told.contains("tsc-dropped"), "{told}");
}

#[test]
fn a_host_that_nobody_has_changed_yet_keeps_its_clock() {
    let lab = lab(VARIABLE);
    let service = Service::start(&lab, &[]);
    std::thread::sleep(Duration::from_millis(1500));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    service.event("followed", 0);
    std::thread::sleep(Duration::from_millis(200));
    assert!(
        service.events().iter().all(|event| event["event"] != "host-clock-step"),
        "{:#?}",
        service.events()
    );
}
