//! Commands with records that are locked, newer, damaged, in an unsafe directory or on a full disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{Lab, Run, domain};

const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A guest with a clock that is kept, and a TSC of its own.
const GUEST: &str = "<clock offset='variable' adjustment='3600' basis='utc'>\
                     <timer name='tsc' frequency='1000000000' mode='emulate'/></clock>\
                     <on_reboot>restart</on_reboot>";

fn lab() -> Lab {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", domain("hvm", GUEST).replace("<name>", &format!("<uuid>{UUID}</uuid><name>")));
    lab
}

fn record(lab: &Lab) -> PathBuf {
    lab.path(format!("mock.json.clocks/{UUID}.json"))
}

fn offset_and_khz(lab: &Lab) -> (i64, i64) {
    let shown = lab.mock(["clock-show", "--json", "guest"]).json();
    (shown["rtc"]["offset"].as_i64().unwrap(), shown["tsc"]["khz"].as_i64().unwrap())
}

fn states(lab: &Lab) -> Vec<String> {
    let guests = lab.mock(["list", "--json"]).json();
    guests.as_array().unwrap().iter().map(|guest| guest["state"].to_string()).collect()
}

/// As `flock DIR/lock sleep 60` holds it, by another process.
struct Held(std::process::Child);

impl Held {
    fn lock(lab: &Lab) -> Option<Self> {
        let lock = lab.path("mock.json.clocks/lock");
        let mut command = Command::new("flock");
        command.arg(&lock).args(["sh", "-c", "echo held; exec sleep 600"]).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            println!("skipped: no flock here (apt install util-linux)");
            return None;
        };
        let mut said = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        Some(Held(child))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The shell that it waits for has its lock too.
        let children =
            fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.0.id())).unwrap_or_default();
        for pid in children.split_whitespace() {
            let _ = Command::new("kill").args(["-KILL", pid]).status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nothing_is_begun_while_a_lock_is_held_and_nothing_is_held_up() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.write("other.xml", domain("hvm", "").replace("guest", "other"));
    lab.mock(["save", "-c", "guest", "saved"]).ok();
    let Some(held) = Held::lock(&lab) else { return };
    let begun = Instant::now();
    let refused = |run: Run| {
        let said = run.fails(1);
        assert!(
            said.contains("holds the lock; waited ") && said.contains("wait for that process, or end it"),
            "{said}"
        );
        assert!(
            said.contains(&format!("process {} (flock)", held.0.id()))
                || said.contains("(sh)")
                || said.contains("(sleep)"),
            "{said}"
        );
    };
    let told = std::thread::scope(|scope| {
        // Side by side: each waits for the lock as long as it may.
        let commands = [
            &["create", "-q", "other.xml"][..],
            &["clock-set", "guest", "clock_offset=utc"],
            &["clock-set", "--now", "guest", "clock_offset=utc"],
            &["save", "guest", "again"],
        ];
        let lab = &lab;
        let waiting = commands.map(|words| scope.spawn(move || lab.mock(words.iter().copied())));
        waiting.map(|run| run.join().unwrap())
    });
    assert!(told[0].err.contains("'other' was not started: cannot lock "), "{told:?}");
    told.into_iter().for_each(refused);
    assert_eq!(states(&lab), ["\"running\""], "the guest that runs runs on, and nothing is left paused");
    assert_eq!(offset_and_khz(&lab).0, 3600);
    // What is down is not kept down, and the lock is named once.
    let told = lab.mock(["mock", "reboot", "guest"]);
    assert!(told.code == 0 && told.err.matches("holds the lock").count() == 1, "{told:?}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(states(&lab), ["\"running\""]);
    let (offset, khz) = offset_and_khz(&lab);
    assert_eq!((offset, khz), (3600, 1_000_000));
    drop(held);
    lab.mock(["create", "-q", "other.xml"]).ok();
    assert_eq!(offset_and_khz(&lab), (offset, khz));
    assert!(!lab.path("again").exists());
    // The service puts the record where it belongs.
    let kept = || fs::read_to_string(record(&lab)).unwrap();
    assert!(!kept().contains("\"domid\": 2"));
    lab.mock(["clock-watch", "--once"]).ok();
    assert!(kept().contains("\"domid\": 2"), "{}", kept());
}

#[test]
fn a_record_of_a_newer_version_stays_and_is_named() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["clock-set", "guest", "clock_offset=localtime"]).ok();
    lab.mock(["destroy", "guest"]).ok();
    let newer =
        fs::read_to_string(record(&lab)).unwrap().replace("\"version\": 3", "\"version\": 7, \"new\": 1");
    assert!(newer.contains("7"));
    fs::write(record(&lab), &newer).unwrap();
    let names = |run: &Run| {
        let name = record(&lab).file_name().unwrap().to_str().unwrap().to_owned();
        assert!(run.err.contains(&name) && run.err.contains("version 7"), "{run:?}");
    };
    let run = lab.mock(["create", "-q", "guest.xml"]);
    names(&run);
    run.ok();
    let run = lab.mock(["clock-set", "guest", "clock_offset=utc"]);
    names(&run);
    run.fails(1);
    let run = lab.mock(["clock-show", "guest"]);
    names(&run);
    assert!(run.code == 1 && run.out.contains("tracked      unknown"), "{run:?}");
    assert_eq!(fs::read_to_string(record(&lab)).unwrap(), newer);
    for words in [
        &["mock", "write-rtc", "guest", "+20"][..],
        &["clock-watch", "--once"],
        &["mock", "reboot", "guest"],
        &["save", "guest", "saved"],
        &["restore", "saved"],
        &["destroy", "guest"],
    ] {
        lab.mock(words.iter().copied()).ok();
        assert_eq!(fs::read_to_string(record(&lab)).unwrap(), newer, "{words:?}");
    }
    // The newer program is there again.
    fs::write(record(&lab), newer.replace("\"version\": 7, \"new\": 1", "\"version\": 3")).unwrap();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    assert_eq!(offset_and_khz(&lab).0, 7200);
}

/// Makes a record unreadable or unwritable; answers a word of the message.
type Fault = fn(&Lab) -> &'static str;

#[test]
fn a_command_says_once_what_is_wrong_with_a_record() {
    let faults: [Fault; 4] = [
        |lab| {
            fs::write(record(lab), format!("{{\"version\": 9, \"uuid\": \"{UUID}\"}}")).unwrap();
            "has version 9"
        },
        |lab| {
            let _ = fs::remove_file(record(lab));
            fs::create_dir(record(lab)).unwrap();
            "is a directory; remove it"
        },
        |lab| {
            let lock = lab.path("mock.json.clocks/lock");
            fs::remove_file(&lock).unwrap();
            std::os::unix::fs::symlink("elsewhere", lock).unwrap();
            "it is a symbolic link, expected a regular file; remove it"
        },
        |lab| {
            fs::remove_dir_all(lab.path("mock.json.clocks")).unwrap();
            lab.write("mock.json.clocks", "");
            "a file is in its place; remove it, or name another directory with --records"
        },
    ];
    let commands = [
        &["create", "guest.xml"][..],
        &["destroy", "guest"],
        &["clock-set", "--now", "guest", "clock_offset=localtime"],
        &["save", "guest", "again"],
        &["restore", "saved"],
        &["mock", "reboot", "guest"],
        &["shutdown", "guest"],
        &["clock-watch", "--once"],
    ];
    for (fault, commands) in
        faults.into_iter().zip([&commands[..], &commands[..2], &commands, &commands[..3]])
    {
        for words in commands {
            let lab = lab();
            lab.mock(["create", "-q", "guest.xml"]).ok();
            lab.mock(["clock-set", "guest", "clock_offset=variable", "clock_adjustment=20"]).ok();
            match words[0] {
                "create" => drop(lab.mock(["destroy", "guest"]).ok()),
                "restore" => drop(lab.mock(["save", "guest", "saved"]).ok()),
                _ => {}
            }
            let told = fault(&lab);
            let before = lab.mock(["list", "--json"]).ok();
            let run = lab.mock(words.iter().copied());
            let times = run.err.matches(told).count();
            // Not every command needs the lock, or the record.
            assert!(times == 1 || (told.contains("symbolic") && times == 0), "{words:?}: {run:?}");
            // What is done all the same comes with a warning.
            assert!(
                run.code == 1 || !run.err.contains("xenclock: error: the clock record"),
                "{words:?}: {run:?}"
            );
            let jumps = run.err.contains(" jumps from ");
            assert!(!jumps || run.code == 0, "{words:?}: {run:?}");
            if run.code == 1 {
                assert_eq!(lab.mock(["list", "--json"]).ok(), before, "{words:?}: {run:?}");
            }
        }
    }
}

#[test]
fn the_service_tells_once_what_is_wrong_with_a_record() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    fs::write(record(&lab), format!("{{\"version\": 9, \"uuid\": \"{UUID}\"}}")).unwrap();
    let told = |run: Run| run.ok().lines().filter(|line| line.contains("has version 9")).count();
    assert_eq!(told(lab.mock(["clock-watch", "--once"])), 1, "of a guest that runs");
    lab.mock(["destroy", "guest"]).ok();
    assert_eq!(told(lab.mock(["clock-watch", "--once"])), 1, "of a guest that does not");
}

#[test]
fn a_directory_that_others_may_write_is_refused_before_anything_is_done() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    fs::set_permissions(lab.path("mock.json.clocks"), fs::Permissions::from_mode(0o777)).unwrap();
    lab.write("other.xml", domain("hvm", "").replace("guest", "other"));
    for words in [
        &["create", "-q", "other.xml"][..],
        &["clock-set", "guest", "clock_offset=utc"],
        &["clock-watch", "--once"],
        &["save", "guest", "saved"],
    ] {
        let said = lab.mock(words.iter().copied()).fails(1);
        assert!(
            said.contains("is writable by users other than its owner") && said.contains("chmod go-w"),
            "{said}"
        );
    }
    assert_eq!(states(&lab), ["\"running\""]);
}

#[test]
fn what_a_guest_made_of_its_rtc_survives_destroy() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+90"]).ok();
    lab.mock(["destroy", "guest"]).ok();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    assert_eq!(offset_and_khz(&lab).0, 3690);
    // Whatever cannot be read or written of it.
    lab.mock(["mock", "fail", "rtc_record", "io"]).ok();
    let said = lab.mock(["destroy", "guest"]);
    assert_eq!(said.code, 0);
    assert!(said.err.contains("warning: the RTC of 'guest' is not kept for its next start"), "{}", said.err);
    assert_eq!(states(&lab), [""; 0]);
}

/// The guest comes first: it is restored, as xl restores it, whatever has become of our part of its file.
#[test]
fn a_damaged_record_in_a_save_file_holds_no_guest_up() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+90"]).ok();
    lab.mock(["save", "guest", "saved"]).ok();
    let bytes = fs::read(lab.path("saved")).unwrap();
    let at = bytes.windows(8).position(|bytes| bytes == b"xenclock").unwrap();
    let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap());
    let with = |at: usize, put: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + put.len()].copy_from_slice(put);
        bytes
    };
    // That of another guest.
    let uuid = at + bytes[at..].windows(8).position(|bytes| bytes == b"\"uuid\":\"").unwrap();
    let another = with(uuid + 8, b"01234567");
    for damaged in [
        with(at + 12, b"x"),
        with(at + 8, &[0xff; 4]),
        with(at + 8, &(length - 1).to_le_bytes()),
        with(at + 8, &[0; 4]),
        with(at + 12, b"{\"version\":9,"),
        another,
        with(at + 12, "null".repeat(20).as_bytes()),
    ] {
        lab.write("saved", &damaged);
        lab.write("there.json", r#"{"host": {"now": "2026-07-02T12:00:00Z"}}"#);
        let _ = fs::remove_dir_all(lab.path("there.json.clocks"));
        let run = lab.run(["--backend", "mock:there.json", "restore", "saved"]);
        assert!(run.err.contains("the clock record in the stream cannot be used"), "{run:?}");
        run.ok();
        let shown = lab.run(["--backend", "mock:there.json", "clock-show", "--json", "guest"]).json();
        assert_eq!(shown["rtc"]["offset"], 3690);
    }
}

/// A small file system of its own; `None`, with a word, where none can be had.
struct Disk(PathBuf);

impl Disk {
    fn mount(lab: &Lab) -> Option<Self> {
        let path = lab.path("disk");
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&path).stderr(Stdio::null());
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(Disk(path));
        }
        println!("skipped: only root can mount a small file system");
        None
    }

    fn fill(&self) {
        let _ = fs::write(self.0.join("ballast"), vec![0; 1 << 20]);
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn what_a_full_disk_does_not_take_is_known_to_every_process_until_there_is_room() {
    let lab = lab();
    let Some(disk) = Disk::mount(&lab) else { return };
    if !Path::new("/run").is_dir() {
        return println!("skipped: no /run here");
    }
    let run = |words: &[&str]| {
        lab.run([&["--backend", "mock:mock.json", "--records", "disk/clocks"], words].concat())
    };
    let shown = || {
        let shown = run(&["clock-show", "--json", "guest"]).json();
        (shown["rtc"]["offset"].as_i64().unwrap(), shown["tsc"]["khz"].as_i64().unwrap())
    };
    let on_disk = disk.0.join(format!("clocks/{UUID}.json"));
    disk.fill();
    let told = run(&["create", "-q", "guest.xml"]);
    assert!(
        told.err.contains("'guest' runs, but its clock record was not written: cannot ")
            && told.err.contains("make room there: until then the record is in /run/xenclock/"),
        "{told:?}"
    );
    told.ok();
    assert!(!on_disk.exists());
    run(&["mock", "write-rtc", "guest", "+20"]).ok();
    run(&["mock", "reboot", "guest"]).ok();
    assert_eq!(shown(), (3620, 1_000_000), "nothing is lost by a reboot");
    // The service knows it, too, and tells once what is wrong.
    run(&["mock", "write-rtc", "guest", "+10"]).ok();
    let events = run(&["clock-watch", "--once"]).ok();
    assert!(events.contains("\"rtc-change\""), "{events}");
    run(&["mock", "reboot", "guest"]).ok();
    assert_eq!(shown(), (3630, 1_000_000));
    disk.make_room();
    run(&["clock-watch", "--once"]).ok();
    let record: serde_json::Value = serde_json::from_slice(&fs::read(&on_disk).unwrap()).unwrap();
    assert_eq!((&record["request"]["from"], &record["last"]["offset"]), (&json!("create"), &json!(3630)));
    run(&["mock", "reboot", "guest"]).ok();
    assert_eq!(shown(), (3630, 1_000_000));
    // Another guest meanwhile, which is gone before there is room.
    disk.fill();
    lab.write("other.xml", domain("hvm", "").replace("guest", "other"));
    assert!(run(&["create", "-q", "other.xml"]).err.contains("until then the record is in"));
    run(&["destroy", "other"]).ok();
    run(&["destroy", "guest"]).ok();
    disk.make_room();
    run(&["clock-watch", "--once"]).ok();
    run(&["create", "-q", "guest.xml"]).ok();
    assert_eq!(shown(), (3630, 1_000_000));
}

#[test]
fn records_that_cannot_be_read_are_not_said_to_be_none() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    for words in [&["clock-list"][..], &["clock-show", "guest"], &["clock-set", "guest", "localtime=1"]] {
        let run = lab.mock(["--records", "/dev/null"].into_iter().chain(words.iter().copied()));
        assert_eq!(run.err.matches("xenclock: error").count(), 1, "{words:?}: {run:?}");
        assert!(run.code == 1 && run.out.contains("unknown") != words.contains(&"clock-set"), "{run:?}");
    }
    fs::set_permissions(lab.path("mock.json.clocks"), fs::Permissions::from_mode(0o777)).unwrap();
    let run = lab.mock(["clock-list", "--json"]);
    assert_eq!(run.err.matches("is writable by users other than").count(), 1, "{run:?}");
    let listed: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert!(run.code == 1 && listed[0]["rtc"]["tracked"].is_null(), "{run:?}");
}

/// libxl takes a UUID of zeros for none, so no record is kept under it.
#[test]
fn a_uuid_of_zeros_is_none() {
    let lab = Lab::with_host(json!({}));
    let uuid = "00000000-0000-0000-0000-000000000000";
    lab.write("guest.xml", domain("hvm", &format!("<uuid>{uuid}</uuid>")));
    lab.write("guest.cfg", format!("type='hvm'\nname='other'\nmemory=64\nuuid='{uuid}'\n"));
    for file in ["guest.xml", "guest.cfg"] {
        lab.mock(["create", "-q", file]).ok();
    }
    let listed = lab.mock(["list", "--json"]).json();
    let uuids: Vec<_> =
        listed.as_array().unwrap().iter().map(|guest| guest["uuid"].as_str().unwrap()).collect();
    assert!(uuids.len() == 2 && !uuids.contains(&uuid) && uuids[0] != uuids[1], "{uuids:?}");
    let checked = lab.run(["check", "guest.xml"]);
    assert!(checked.code == 1 && checked.out.contains("[nil-uuid]"), "{checked:?}");
}
