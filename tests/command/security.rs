//! Each defence in docs/security.md names a test that exists; and tests of defences that no other file tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use xenclock::host::DomId;
use xenclock::host::mock::Mock;
use xenclock::xl::savefile::Header;

use crate::common::{Lab, NOW, domain, root};

/// The names of all tests in the sources: functions behind `#[test]`, in `proptest!` too.
fn tests() -> BTreeSet<String> {
    fn below(dir: &Path, tests: &mut BTreeSet<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, tests);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                for after in text.split("#[test]").skip(1) {
                    let name = after.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
                    tests.extend(name.map(|(name, _)| name.to_owned()));
                }
            }
        }
    }
    let mut tests = BTreeSet::new();
    for dir in ["tests", "toolstack", "timers"] {
        below(&root().join(dir), &mut tests);
    }
    tests
}

#[test]
fn every_defence_names_tests_that_exist() {
    let tests = tests();
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let (mut rows, mut in_table) = (0, false);
    for line in page.lines() {
        if line.starts_with("| attack ") {
            in_table = true;
        } else if !line.starts_with('|') {
            in_table = false;
        } else if in_table && !line.starts_with("|---") {
            let named: Vec<_> = line.rsplit(" | ").next().unwrap().split('`').skip(1).step_by(2).collect();
            assert!(!named.is_empty(), "no test stands behind: {line}");
            let missing: Vec<_> = named.iter().filter(|name| !tests.contains(**name)).collect();
            assert!(missing.is_empty(), "no such test: {missing:?}");
            rows += 1;
        }
    }
    assert!(rows > 20, "{rows}");
    // Each table is followed by what is not defended.
    let tables = page.matches("| attack ").count();
    assert!(page.matches("**Not defended.**").count() >= tables, "each part says what it does not defend");
}

#[test]
fn a_guests_name_reaches_no_shell() {
    let lab = Lab::with_host(json!({}));
    lab.write("there.json", json!({"host": {"now": NOW, "timezone": "UTC"}}).to_string());
    for name in ["$(touch hit)", "`touch hit`", "a;touch hit", "a'; touch hit; '", "a\" && touch hit && \""] {
        let escaped = name.replace('&', "&amp;");
        lab.write("guest.xml", domain("hvm", "").replace("guest", &escaped));
        lab.mock(["create", "-q", "guest.xml"]).ok();
        let there = format!("'{}' --backend mock:there.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
        lab.mock(["migrate", "-s", "", name, &there]).ok();
        let arrived = lab.run(["--backend", "mock:there.json", "list", "--json"]).json();
        assert_eq!(arrived[0]["name"], name);
        lab.run(["--backend", "mock:there.json", "save", name, "saved"]).ok();
        lab.run(["--backend", "mock:there.json", "restore", "saved"]).ok();
        lab.run(["--backend", "mock:there.json", "destroy", name]).ok();
        assert!(!lab.path("hit").exists(), "{name}");
    }
}

/// A service in the background whose events go to a file.
struct Service {
    child: std::process::Child,
}

impl Service {
    fn start(lab: &Lab, period: &str) -> Self {
        let words = ["--backend", "mock:mock.json", "clock-watch", "--period", period, "--xml-dir", "xml"];
        let out = fs::File::create(lab.path("events")).unwrap();
        let mut command = lab.command(words);
        Service { child: command.stdout(out).stderr(Stdio::null()).spawn().unwrap() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn events(lab: &Lab) -> Vec<Value> {
    lab.read("events").lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[track_caller]
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_guest_that_writes_its_rtc_all_the_time_costs_one_event_a_period() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", domain("hvm", "<clock offset='variable' adjustment='0'/>"));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let _service = Service::start(&lab, "1");
    wait_for("it is followed", || events(&lab).iter().any(|event| event["event"] == "followed"));
    let begun = Instant::now();
    let mock = Mock::open(lab.path("mock.json"), Box::new(|| SystemTime::now().into())).unwrap();
    for _ in 0..200 {
        mock.guest_shift_rtc(DomId(1), 7).unwrap();
    }
    let changes =
        || -> Vec<_> { events(&lab).into_iter().filter(|event| event["event"] == "rtc-change").collect() };
    wait_for("the last is seen", || changes().last().is_some_and(|event| event["offset"] == 1400));
    let looks = begun.elapsed().as_secs() + 2;
    let changes = changes();
    assert!(changes.len() as u64 <= looks, "{} events at {looks} looks", changes.len());
    assert_eq!(changes[0]["before"], 0);
}

#[test]
fn a_fifo_among_the_xml_holds_the_service_up_nowhere() {
    let lab = Lab::with_host(json!({}));
    fs::create_dir(lab.path("xml")).unwrap();
    mknodat(CWD, lab.path("xml/a.xml"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    std::os::unix::fs::symlink("/dev/zero", lab.path("xml/b.xml")).unwrap();
    lab.write("guest.xml", domain("hvm", ""));
    lab.write("xml/guest.xml", domain("hvm", "<clock offset='variable' adjustment='60'/>"));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let mut service = Service::start(&lab, "0.1");
    wait_for("it is followed", || events(&lab).iter().any(|event| event["event"] == "followed"));
    let pid = rustix::process::Pid::from_child(&service.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(service.child.wait().unwrap().success(), "SIGTERM is heeded");
}

/// An RTC shows 2000 to 2099; Xen's offset has 32 bits.
#[test]
fn whatever_a_guest_makes_of_its_rtc_it_starts_again() {
    for (time, kept) in [
        ("2000-01-01T00:00:00", true),
        ("2026-02-28T23:59:59", true),
        ("2094-01-01T00:00:00", true),
        ("2099-12-31T23:59:59", false),
    ] {
        let lab = Lab::with_host(json!({}));
        lab.write("guest.xml", domain("hvm", "<clock offset='variable' adjustment='60'/>"));
        lab.mock(["create", "-q", "guest.xml"]).ok();
        lab.mock(["mock", "write-rtc", "guest", time]).ok();
        let watched = lab.mock(["clock-watch", "--once", "--xml-dir", "."]);
        let said = lab.mock(["mock", "reboot", "guest"]);
        let shown = lab.mock(["clock-show", "guest", "--json"]).json();
        let offset = shown["rtc"]["offset"].as_i64().unwrap();
        assert_eq!((watched.code, said.code), (0, 0), "{time}: {watched:?} {said:?}");
        assert_eq!(offset != 60, kept, "{time}: {shown} {said:?}");
    }
}

#[test]
fn a_guest_that_ends_while_it_is_read_costs_no_other_guest() {
    let lab = Lab::with_host(json!({}));
    for name in ["one", "two"] {
        lab.write(
            "guest.xml",
            domain("hvm", "<clock offset='variable' adjustment='0'/>").replace("guest", name),
        );
        lab.mock(["create", "-q", "guest.xml"]).ok();
    }
    let mock = Mock::open(lab.path("mock.json"), Box::new(|| SystemTime::now().into())).unwrap();
    mock.guest_shift_rtc(DomId(2), 7).unwrap();
    lab.mock(["mock", "fail", "rtc_record", "no_such_domain"]).ok();
    let said = lab.mock(["clock-watch", "--once", "--xml-dir", "."]).ok();
    assert!(said.contains("\"rtc-change\"") && said.contains("\"two\""), "{said}");
}

#[test]
fn a_header_full_of_empty_devices_is_refused_before_they_are_made() {
    let lab = Lab::with_host(json!({}));
    let refused = "entries (devices and their parts, each an object or a list in JSON), and no domain has more than 65536";
    for one in ["{}", "[]"] {
        let config = r#"{"c_info": {"type": "pvh", "name": "g"}, "b_info": {"type": "pvh"}, "nics": [NICS]}"#;
        let config = config.replace("NICS", &vec![one; 5_000_000].join(","));
        lab.write("g.json", &config);
        let mut file = Vec::new();
        Header::new(config, None).write(&mut file).unwrap();
        lab.write("g.save", &file);
        for words in [&["restore", "g.save"][..], &["-N", "restore", "g.save"], &["check", "g.json"]] {
            let said = lab.mock(words.iter().copied());
            assert_ne!(said.code, 0, "{words:?}");
            assert!([said.out, said.err].concat().contains(refused), "{words:?}");
        }
    }
    // As many as a domain may have are read.
    let config = r#"{"c_info": {"type": "pvh", "name": "g"}, "b_info": {"type": "pvh"}, "nics": [NICS]}"#;
    lab.write("g.json", config.replace("NICS", &vec!["{}"; 1000].join(",")));
    let said = lab.mock(["check", "g.json"]);
    assert!(!said.out.contains("json-entries") && !said.err.contains("json-entries"), "{said:?}");
}
