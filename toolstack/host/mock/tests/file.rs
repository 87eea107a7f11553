//! The state file: its forms, its errors, and concurrent use.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use timers::GuestKind::Hvm;

use super::{Mock, clock, config, noon};
use crate::host::{ErrorKind, Host};

fn open(path: &Path) -> Mock {
    Mock::open(path, clock()).unwrap()
}

fn names(path: &Path) -> Vec<String> {
    open(path).domains().unwrap().into_iter().skip(1).map(|domain| domain.name).collect()
}

#[test]
fn absent_and_empty_files_are_empty_machines_and_reading_writes_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mock.json");
    let mock = open(&path);
    assert_eq!(mock.domains().unwrap().len(), 1);
    assert_eq!(mock.facts().unwrap().now, noon());
    assert_eq!(mock.next_event(Duration::ZERO).unwrap(), None);
    assert!(!path.exists());

    for text in ["", " \n", "{}", r#"{"host": {}}"#] {
        fs::write(&path, text).unwrap();
        assert!(names(&path).is_empty(), "{text:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    open(&path).create_paused(&config(Hvm, "g")).unwrap();
    assert_eq!(names(&path), ["g"]);
}

#[test]
fn a_host_written_by_hand_has_what_it_says_and_keeps_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mock.json");
    let text = r#"{"host": {"now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin", "cpu_khz": 3000000,
        "tsc_reliable": false, "tsc_scaling": null, "xen_version": "4.22"}}"#;
    fs::write(&path, text).unwrap();
    let mock = open(&path);
    mock.advance(60).unwrap();
    let facts = open(&path).facts().unwrap();
    assert_eq!(facts.now.to_rfc3339(), "2026-07-01T12:01:00+00:00");
    assert_eq!((facts.zone.name(), facts.cpu_khz.0), ("Europe/Berlin", 3_000_000));
    assert_eq!((facts.tsc_reliable, facts.tsc_scaling), (false, None));
    assert_eq!((facts.xen_version.major, facts.xen_version.minor), (4, 22));
}

#[test]
fn what_is_wrong_in_the_file_is_told_with_its_place() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mock.json");
    for (text, place, message) in [
        ("{\n  nonsense", "2:3", "key must be a string"),
        ("{\"host\": {\n \"colour\": 1}}", "2:9", "unknown field `colour`, expected one of `now`"),
        ("{\"hosts\": {}}", "1:8", "unknown field `hosts`, expected one of `host`, `faults`, `xen`"),
        ("{\"host\": {\"now\": \"noon\"}}", "1:24", "'noon' is not a time, expected one such as 2026-"),
        ("{\"host\": {\"cpu_khz\": 0}}", "1:22", "invalid value: integer `0`, expected a nonzero u32"),
        ("{\"host\": {\"xen_version\": \"x\"}}", "1:29", "'x' is not a Xen release"),
        ("{\"faults\": {\"sleep\": {\"kind\": \"io\"}}}", "1:19", "unknown variant `sleep`"),
        ("[]", "1:1", "expected a JSON object, as in {\"host\": {}}"),
        ("\n\n  text", "3:3", "expected a JSON object"),
        ("{} more", "1:4", "trailing characters"),
    ] {
        fs::write(&path, text).unwrap();
        let error = Mock::open(&path, clock()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Io, "{text}");
        let start = format!("{}:{place}: {message}", path.display());
        assert!(error.detail.starts_with(&start), "{text}: {} is not {start}", error.detail);
        assert!(!error.detail.contains(" at line "), "{}", error.detail);
    }
    fs::write(&path, r#"{"host": {"timezone": "Mars/Olympus"}}"#).unwrap();
    let error = Mock::open(&path, clock()).unwrap_err();
    assert!(error.detail.contains("host.timezone: unknown time zone 'Mars/Olympus'"), "{}", error.detail);
    // A file that breaks later is told of by the next call, and is left as it is.
    fs::write(&path, "{}").unwrap();
    let mock = open(&path);
    fs::write(&path, "{").unwrap();
    assert_eq!(mock.domains().unwrap_err().kind, ErrorKind::Io);
    assert_eq!(mock.create_paused(&config(Hvm, "g")).unwrap_err().kind, ErrorKind::Io);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{");
}

#[test]
fn places_that_cannot_be_are_refused() {
    let dir = TempDir::new().unwrap();
    assert_eq!(Mock::open(dir.path(), clock()).unwrap_err().kind, ErrorKind::Io);
    let below = dir.path().join("none/mock.json");
    assert_eq!(open(&below).create_paused(&config(Hvm, "g")).unwrap_err().kind, ErrorKind::Io);
    symlink("b", dir.path().join("a")).unwrap();
    symlink("a", dir.path().join("b")).unwrap();
    let error = Mock::open(dir.path().join("a"), clock()).unwrap_err();
    assert!(error.detail.ends_with("too many symbolic links"), "{}", error.detail);
}

#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    let dir = TempDir::new().unwrap();
    let real = dir.path().join("real.json");
    let link = dir.path().join("link.json");
    symlink("real.json", &link).unwrap();
    open(&link).create_paused(&config(Hvm, "one")).unwrap();
    assert_eq!(names(&real), ["one"]);

    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    open(&link).create_paused(&config(Hvm, "two")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(names(&link), ["one", "two"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else is left behind");
}

#[test]
fn a_refused_call_leaves_the_file_as_it_is() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mock.json");
    let mock = open(&path);
    mock.create_paused(&config(Hvm, "g")).unwrap();
    let before = fs::read_to_string(&path).unwrap();
    mock.create_paused(&config(Hvm, "g")).unwrap_err();
    mock.advance(-1).unwrap_err();
    mock.set_fact("cpu_khz", "fast").unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn many_threads_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mock.json");
    let watcher = open(&path);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || work(path, &format!("thread-{thread}")));
        }
    });
    assert_eq!(names(&path).len(), 8 * 5);
    let mut heard = 0;
    while watcher.next_event(Duration::ZERO).unwrap().is_some() {
        heard += 1;
    }
    assert_eq!(heard, 8 * 10 + 8 * 5 * 2);
}

/// Makes ten domains and takes every other away again, with the file opened anew or not.
fn work(path: &Path, who: &str) {
    let mock = open(path);
    for number in 0..10 {
        let domid = mock.create_paused(&config(Hvm, &format!("{who}-{number}"))).unwrap();
        open(path).set_user_data(domid, "who", who.as_bytes()).unwrap();
        if number % 2 == 0 {
            mock.unpause(domid).unwrap();
            mock.guest_reboot(domid).unwrap();
            mock.destroy(domid).unwrap();
        } else {
            assert_eq!(mock.user_data(domid, "who").unwrap().as_deref(), Some(who.as_bytes()));
        }
    }
}

const CHILD: &str = "XENCLOCK_TEST_MOCK_CHILD";

/// Not a test by itself: what [`many_processes_lose_nothing`] starts.
#[test]
fn one_process() {
    if let Some(path) = std::env::var_os(CHILD) {
        work(Path::new(&path), &format!("process-{}", std::process::id()));
    }
}

#[test]
fn many_processes_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mock.json");
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "host::mock::tests::file::one_process"])
                .env(CHILD, &path)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(names(&path).len(), 4 * 5);
}

#[test]
fn edits_by_hand_are_seen_however_fast_they_come() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mock.json");
    // All of them are as long, and many in the same step of the kernel's clock.
    let text = |khz: u32| format!("{{\"host\": {{\"cpu_khz\": {khz}}}}}");
    fs::write(&path, text(1_000_000)).unwrap();
    let mock = open(&path);
    let khz = || mock.facts().unwrap().cpu_khz.0;
    for number in 1_000_001..1_000_300 {
        match number % 3 {
            0 => fs::write(&path, text(number)).unwrap(),
            1 => {
                let new = dir.path().join("new.json");
                fs::write(&new, text(number)).unwrap();
                fs::rename(&new, &path).unwrap();
            }
            _ => open(&path).set_fact("cpu_khz", &number.to_string()).unwrap(),
        }
        assert_eq!((khz(), khz()), (number, number));
    }
    // And so is one that comes after a while.
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(khz(), 1_000_299);
    fs::write(&path, text(2_000_000)).unwrap();
    assert_eq!(khz(), 2_000_000);
    fs::remove_file(&path).unwrap();
    assert_eq!(khz(), 2_600_000, "without a file it is an empty machine");
}

#[test]
fn a_file_that_nobody_touches_is_read_once() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mock.json");
    let mock = open(&path);
    mock.create_paused(&config(Hvm, "g")).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let (once, again) = (mock.read("test").unwrap(), mock.read("test").unwrap());
    assert!(std::sync::Arc::ptr_eq(&once, &again));
    let domid = crate::host::DomId(1);
    mock.rtc_record(domid).unwrap();
    assert!(std::sync::Arc::ptr_eq(&once, &mock.read("test").unwrap()));
    open(&path).unpause(domid).unwrap();
    assert!(mock.domains().unwrap()[1].has_run);
}
