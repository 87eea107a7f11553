//! The device-model wrapper becomes QEMU, with all its arguments, whatever fails. The file is long because all its tests share
//! the scripts that stand in for QEMU and for xenclock.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use crate::common::{Lab, domain, packaged};

/// A place with a wrapper, and programs that it takes for xenclock and for QEMU.
struct Place {
    lab: Lab,
    arguments: Vec<&'static str>,
    path: String,
}

/// What libxl may start a device model with, and what no shell may change.
const ARGUMENTS: [&str; 12] = [
    "-xen-domid",
    "7",
    "",
    "-name",
    "a guest",
    "it's",
    "\"",
    "$HOME",
    "*",
    "\\",
    "two\nlines",
    "-xen-attach",
];

/// Writes down all that it is given, and uses it.
const QEMU: &str = r#"#!/bin/sh
cd "${0%/*}"
printf '%s\0' "$@" > arguments
/usr/bin/env -0 > environment
echo "$$" > process
while read -r line; do echo "read $line"; done
echo "to the fifth file" >&5
"#;

/// Where the wrapper takes QEMU from on Debian.
const DEBIANS: &str = "usr/libexec/xen-qemu-system-i386";

impl Place {
    fn new() -> Self {
        let lab = Lab::new();
        for dir in ["usr/bin", "usr/libexec", "usr/lib/xenclock", "etc/default", "var/log/xen"] {
            fs::create_dir_all(lab.path(dir)).unwrap();
        }
        let script = packaged("device-model");
        let here = format!("\nxenclock_root={}\n", lab.path("").display());
        assert_eq!(script.matches("\nxenclock_root=\n").count(), 1);
        let path = std::env::var("PATH").unwrap();
        let place = Place { lab, arguments: ARGUMENTS.to_vec(), path };
        place.program("usr/lib/xenclock/device-model", &script.replace("\nxenclock_root=\n", &here));
        place.program(DEBIANS, QEMU);
        place
    }

    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.lab.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn wrapper(&self) -> PathBuf {
        self.lab.path("usr/lib/xenclock/device-model")
    }

    /// With this for xenclock.
    fn xenclock(self, text: &str) -> Self {
        self.program("usr/bin/xenclock", text);
        self
    }

    fn defaults(self, text: &str) -> Self {
        self.lab.write("etc/default/xenclock", text);
        self
    }

    fn log(&self) -> String {
        fs::read_to_string(self.lab.path("var/log/xen/xenclock-device-model.log")).unwrap_or_default()
    }

    /// Runs a program as libxl would a device model; what it says on standard output and error, and by the fifth file.
    fn run(&self, program: &Path) -> (std::process::Output, String, u32) {
        let (mut fifth, end) = std::io::pipe().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec 5>&2 2>errors; exec \"$0\" \"$@\""]).arg(program).args(&self.arguments);
        command.current_dir(self.lab.path("")).env_clear().env("PATH", &self.path);
        command.env("TRICKY", "two\nlines and 'quotes'").env("status", "own").env("seconds", "own");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(end);
        let mut child = command.spawn().unwrap();
        // It keeps its end of the pipe otherwise.
        drop(command);
        child.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
        let process = child.id();
        let output = child.wait_with_output().unwrap();
        let mut said = String::new();
        fifth.read_to_string(&mut said).unwrap();
        (output, said, process)
    }

    /// Runs the wrapper, which must have become the QEMU of this name, with all that the wrapper was given, and in time.
    #[track_caller]
    fn becomes(&self, qemu: &str) {
        let read = |name: &str| fs::read_to_string(self.lab.path(qemu).with_file_name(name)).unwrap();
        let seen = || (read("arguments"), read("environment"));
        // A program that was just written may be busy: another test has forked while it was open.
        let is_done = || self.lab.path(qemu).with_file_name("arguments").exists();
        for _ in 0..50 {
            self.run(&self.lab.path(qemu));
            if is_done() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let wanted = seen();
        assert_eq!(wanted.0.split('\0').count(), self.arguments.len() + 1);
        for name in ["arguments", "environment", "process"] {
            fs::remove_file(self.lab.path(qemu).with_file_name(name)).unwrap();
        }
        let begun = Instant::now();
        let (output, fifth, process) = self.run(&self.wrapper());
        // Nobody has QEMU's files any more, or there would be no end of them.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "read one\nread two\n");
        assert_eq!(fifth, "to the fifth file\n");
        assert_eq!(seen(), wanted);
        assert_eq!(read("process").trim(), process.to_string(), "it is the same process");
    }
}

#[test]
fn the_wrapper_becomes_qemu_whatever_xenclock_does() {
    for (what, program, says) in [
        ("it does well", "#!/bin/sh\necho done", "done\n"),
        ("it fails", "#!/bin/sh\necho nothing works >&2\nexit 3", "xenclock ended with status 3"),
        ("it crashes", "#!/bin/sh\nkill -SEGV $$", "xenclock ended with status 139"),
        (
            "it is killed",
            "#!/bin/sh\nkill -KILL $$",
            "the guest starts with the clock that its toolstack set",
        ),
        ("it is no program", "\x7fELF", "xenclock ended with status 12"),
        ("it hangs", "#!/bin/sh\ntrap '' TERM INT HUP\nsleep 600", "xenclock was not done within 1 s"),
        ("it hangs and cannot be ended", "#!/bin/sh\nsetsid sleep 7\n", "xenclock was not done within 1 s"),
        ("it leaves others behind", "#!/bin/sh\nsleep 7 &\n", ""),
        ("it has a lot to say", "#!/bin/sh\nyes | head -c 1000000", "y\ny\ny\n"),
        ("it reads", "#!/bin/sh\ncat\necho nothing more", "nothing more\n"),
    ] {
        let place = Place::new().xenclock(program).defaults("XENCLOCK_WRAPPER_SECONDS=\"1\"\n");
        place.becomes(DEBIANS);
        assert!(place.log().contains(says), "{what}: {}", place.log());
    }
    let place = Place::new();
    place.becomes(DEBIANS);
    assert!(place.log().contains("xenclock ended with status 127"), "{}", place.log());
}

#[test]
fn the_wrapper_becomes_qemu_whatever_its_surroundings_are() {
    let working = "#!/bin/sh\necho worked";
    for broken in
        ["XENCLOCK_QEMU=\"", "exit 7", "return 1", "(", "no such command", "set -e; false", "\0\u{1}"]
    {
        Place::new().xenclock(working).defaults(broken).becomes(DEBIANS);
    }
    for seconds in ["", "0", "00", "soon", "-1", "1e9", "$(nothing)"] {
        let place =
            Place::new().xenclock(working).defaults(&format!("XENCLOCK_WRAPPER_SECONDS='{seconds}'\n"));
        place.becomes(DEBIANS);
        assert_eq!(place.log(), "worked\n", "{seconds}");
    }
    // No directory for the log, a log that is none, a full disk.
    let place = Place::new().xenclock(working);
    fs::remove_dir(place.lab.path("var/log/xen")).unwrap();
    place.becomes(DEBIANS);
    let errors = place.lab.read("errors");
    assert!(errors.contains("cannot be written") && errors.contains("worked"), "{errors}");
    let log = "var/log/xen/xenclock-device-model.log";
    let place = Place::new().xenclock(working);
    fs::create_dir(place.lab.path(log)).unwrap();
    place.becomes(DEBIANS);
    let place = Place::new().xenclock("#!/bin/sh\nexit 1");
    symlink("/dev/full", place.lab.path(log)).unwrap();
    place.becomes(DEBIANS);
    // FIFOs at which nobody is.
    let place = Place::new().xenclock(working);
    let fifo = |name: &str| mknodat(CWD, place.lab.path(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0);
    fifo(log).and_then(|()| fifo("etc/default/xenclock")).unwrap();
    place.becomes(DEBIANS);
    // No programs.
    let mut place = Place::new().xenclock(working);
    place.path = "/nonexistent".to_owned();
    place.becomes(DEBIANS);
    assert!(place.log().contains("xenclock ended with status 127"), "{}", place.log());
    // No arguments.
    let mut place = Place::new().xenclock(working);
    place.arguments = vec![];
    let (output, ..) = place.run(&place.wrapper());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_wrapper_finds_qemu_where_libxl_does_or_where_it_is_told() {
    for qemu in [
        DEBIANS,
        "usr/lib/xen-4.14/bin/qemu-system-i386",
        "usr/lib/xen/bin/qemu-system-i386",
        "usr/libexec/xen/bin/qemu-system-i386",
        "usr/local/lib/xen/bin/qemu-system-i386",
        "usr/bin/qemu-system-i386",
        "usr/bin/qemu-system-x86_64",
    ] {
        let place = Place::new().xenclock("#!/bin/sh\nexit 0");
        fs::remove_file(place.lab.path(DEBIANS)).unwrap();
        fs::create_dir_all(place.lab.path(qemu).parent().unwrap()).unwrap();
        place.program(qemu, QEMU);
        place.becomes(qemu);
    }
    let place = Place::new().xenclock("#!/bin/sh\nexit 0");
    fs::create_dir(place.lab.path("own qemu")).unwrap();
    let own = place.program("own qemu/program", QEMU);
    let place = place.defaults(&format!("XENCLOCK_QEMU=\"{}\"\n", own.display()));
    place.becomes("own qemu/program");
    // What is asked for and not there is said; the wrapper itself is none.
    for none in ["/nonexistent/qemu", "/etc/passwd", "/", "itself"] {
        let place = Place::new().xenclock("#!/bin/sh\nexit 0");
        let itself = place.wrapper().display().to_string();
        let none = if none == "itself" { &itself } else { none };
        let place = place.defaults(&format!("XENCLOCK_QEMU=\"{none}\"\n"));
        place.becomes(DEBIANS);
        let errors = place.lab.read("errors");
        assert!(errors.contains(&format!("XENCLOCK_QEMU is not a device model: {none}")), "{errors}");
    }
    fs::remove_file(place.lab.path("own qemu/program")).unwrap();
    fs::remove_file(place.lab.path(DEBIANS)).unwrap();
    let (output, ..) = place.run(&place.wrapper());
    assert_eq!(output.status.code(), Some(127));
    assert!(place.lab.read("errors").contains("no device model found"), "{}", place.lab.read("errors"));
}

#[test]
fn xenclock_is_told_all_words_by_the_wrapper_and_only_of_a_domain() {
    let tell = "#!/bin/sh\nprintf '%s\\0' \"$@\" > told\n";
    let place = Place::new().xenclock(tell).defaults("XENCLOCK_ARGS=\"--records  /etc/* -v\"\n");
    place.becomes(DEBIANS);
    let told = place.lab.read("told");
    let words: Vec<_> = told.split('\0').collect();
    let first = ["--records", "/etc/*", "-v", "tsc-helper", "--device-model"];
    let end = [""];
    let all: Vec<_> = first.iter().chain(&ARGUMENTS).chain(&end).copied().collect();
    assert_eq!(words, all);
    // libvirt asks a device model for its help, and wants it soon.
    let mut place = Place::new().xenclock(tell);
    place.arguments = vec!["-help"];
    place.becomes(DEBIANS);
    assert!(!place.lab.path("told").exists());
}

#[test]
fn a_guest_that_another_toolstack_starts_by_the_wrapper_has_its_clock() {
    let place = Place::new();
    let uuid = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
    let xml = domain("hvm", "").replace("<name>", &format!("<uuid>{uuid}</uuid><name>"));
    place.lab.write("guest.xml", xml);
    place.lab.write("mock.json", json!({"host": {"now": crate::common::NOW}}).to_string());
    place.lab.mock(["clock-set", uuid, "clock_offset=variable", "clock_adjustment=5400"]).ok();
    // Another toolstack knows nothing of our records.
    place.lab.run(["--backend", "mock:mock.json", "--records", "none", "create", "-qp", "guest.xml"]).ok();
    let offset = || place.lab.mock(["clock-show", "--json", "guest"]).json()["rtc"]["offset"].clone();
    assert_eq!(offset(), 0);
    symlink(env!("CARGO_BIN_EXE_xenclock"), place.lab.path("usr/bin/xenclock")).unwrap();
    let backend = format!("--backend mock:{}", place.lab.path("mock.json").display());
    let mut place = place.defaults(&format!("XENCLOCK_ARGS=\"{backend}\"\n"));
    place.arguments = vec!["-xen-domid", "1", "-no-shutdown"];
    place.becomes(DEBIANS);
    let event: serde_json::Value = serde_json::from_str(place.log().trim()).unwrap();
    assert_eq!((&event["event"], &event["offset"]), (&json!("clock-set"), &json!(5400)), "{event}");
    assert_eq!(place.lab.mock(["clock-show", "--json", "guest"]).json()["rtc"]["offset"], 5400);
}

const WRAPPER: &str = "/usr/lib/xenclock/device-model";

#[test]
fn the_wrapper_is_switched_on_per_guest() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", domain("hvm", ""));
    let lines = format!("device_model_version = \"qemu-xen\"\ndevice_model_override = \"{WRAPPER}\"\n");
    let run = lab.run(["convert", "--wrapper", "guest.xml"]);
    assert_eq!(run.err, "");
    let cfg = run.ok();
    assert!(cfg.contains(&lines), "{cfg}");
    assert_eq!(
        cfg.replace(&lines, "").replace("\n\n", "\n"),
        lab.run(["convert", "guest.xml"]).ok().replace("\n\n", "\n")
    );
    let config = lab.run(["convert", "--to", "json", "--wrapper", "guest.xml"]).json();
    assert_eq!(config["b_info"]["device_model"], WRAPPER);
    // And where our own create makes the domain.
    let plan = lab.mock(["create", "-n", "--json", "--wrapper", "guest.xml"]).json();
    assert_eq!(plan["config"]["b_info"]["device_model"], WRAPPER);
    let plan = lab.mock(["create", "-n", "--json", "guest.xml"]).json();
    assert_eq!(plan["config"]["b_info"]["device_model"], json!(null));
}

#[test]
fn what_the_wrapper_is_not_for_is_said() {
    let lab = Lab::with_host(json!({}));
    for kind in ["pv", "pvh"] {
        lab.write("guest.xml", domain(kind, ""));
        let run = lab.run(["convert", "--wrapper", "guest.xml"]);
        assert!(run.err.contains("only an HVM guest has a device model"), "{run:?}");
        assert_eq!(run.ok(), lab.run(["convert", "guest.xml"]).ok());
    }
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let run = lab.mock(["clock-set", "--wrapper", "guest"]);
    assert!(run.err.contains("only an HVM guest has a device model"), "{run:?}");
    assert!(!run.ok().contains("device_model_override"));
    // An emulator of one's own gives way, and that is said.
    lab.write("guest.xml", domain("hvm", "<devices><emulator>/opt/qemu</emulator></devices>"));
    let run = lab.run(["convert", "--wrapper", "guest.xml"]);
    assert!(run.err.contains("the wrapper replaces /opt/qemu and then runs it"), "{run:?}");
    let cfg = run.ok();
    assert!(
        cfg.contains(WRAPPER) && cfg.contains("device_model_args_hvm = [ \"XENCLOCK_QEMU=/opt/qemu\" ]"),
        "{cfg}"
    );
    // Again, it stays.
    lab.write("guest.cfg", &cfg);
    let again = lab.mock(["create", "-n", "--json", "--wrapper", "guest.cfg"]).json();
    assert_eq!(again["config"]["b_info"]["extra_hvm"], json!(["XENCLOCK_QEMU=/opt/qemu"]));
    assert_eq!(again["config"]["b_info"]["device_model"], WRAPPER);
    // The lines for a config that is not ours keep it as well.
    lab.mock(["destroy", "guest"]).ok();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let run = lab.mock(["clock-set", "--wrapper", "guest"]);
    let installed = std::path::Path::new(WRAPPER).exists();
    assert_eq!(run.err.contains("is not installed here"), !installed, "{run:?}");
    let said = run.ok();
    assert!(said.contains("device_model_args_hvm = [ \"XENCLOCK_QEMU=/opt/qemu\" ]"), "{said}");
    assert!(said.contains("<xen:arg value='XENCLOCK_QEMU=/opt/qemu'/>"), "{said}");
    lab.write("guest.xml", domain("hvm", &format!("<devices><emulator>{WRAPPER}</emulator></devices>")));
    let run = lab.run(["convert", "--wrapper", "guest.xml"]);
    assert_eq!(run.err, "");
    assert!(run.ok().contains(WRAPPER));
}

#[test]
fn with_a_stub_domain_the_service_is_offered() {
    let lab = Lab::with_host(json!({}));
    lab.write(
        "guest.cfg",
        "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\ndevice_model_stubdomain_override = 1\n",
    );
    lab.mock(["create", "-q", "guest.cfg"]).ok();
    for words in [
        &["create", "-n", "--json", "--wrapper", "guest.cfg"][..],
        &["convert", "--to", "json", "--wrapper", "guest.cfg"],
        &["clock-set", "--wrapper", "guest"],
        &["clock-set", "--wrapper", "guest", "clock_offset=utc"],
        &["clock-set", "--wrapper", "--from", "guest.cfg", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"],
    ] {
        let run = lab.mock(words.iter().copied());
        assert!(
            run.err.contains("stub domain") && run.err.contains("systemctl enable --now xenclock-watch"),
            "{run:?}"
        );
        assert!(!run.ok().contains(WRAPPER));
    }
}

#[test]
fn a_guest_keeps_a_device_model_of_its_own() {
    let mut place = Place::new().xenclock("#!/bin/sh\nprintf '%s\\0' \"$@\" > told\n");
    fs::create_dir(place.lab.path("own")).unwrap();
    let own = place.program("own/qemu", QEMU);
    let word: &'static str = Box::leak(format!("XENCLOCK_QEMU={}", own.display()).into_boxed_str());
    // Alone, and before the one for all guests.
    for all in ["", "XENCLOCK_QEMU=/nonexistent\n"] {
        let (before, after) = ARGUMENTS.split_at(5);
        let wanted = [before, after].concat();
        place = place.defaults(all);
        place.arguments = wanted.clone();
        place.run(&own);
        let expected = fs::read_to_string(place.lab.path("own/arguments")).unwrap();
        place.arguments = [before, &[word], after].concat();
        let (output, ..) = place.run(&place.wrapper());
        assert!(output.status.success(), "{output:?}");
        assert_eq!(fs::read_to_string(place.lab.path("own/arguments")).unwrap(), expected);
        let told = place.lab.read("told");
        assert!(!told.contains("XENCLOCK_QEMU") && told.contains("-xen-domid\x007\0"), "{told:?}");
    }
    // One that is not there is no reason for the guest not to start.
    fs::remove_file(&own).unwrap();
    let (output, ..) = place.run(&place.wrapper());
    assert!(output.status.success(), "{output:?}");
    assert!(place.lab.read("errors").contains("trying another"));
}

/// libxl passes texts of the guest's config as arguments of their own.
#[test]
fn no_text_of_a_guest_names_a_device_model() {
    let mut place = Place::new().xenclock("#!/bin/sh\n");
    let evil = place.program("evil", "#!/bin/sh\n: > evil-ran\n");
    let word: &'static str = Box::leak(format!("XENCLOCK_QEMU={}", evil.display()).into_boxed_str());
    for option in ["-name", "-append", "-kernel", "-initrd"] {
        place.arguments = [&ARGUMENTS[..], &[option, word, "-S"]].concat();
        place.becomes(DEBIANS);
    }
    assert!(!place.lab.path("evil-ran").exists());
}

#[test]
fn a_device_model_that_cannot_be_run_is_passed_over() {
    for (what, text) in [
        ("its interpreter is missing", "#!/nonexistent/interpreter\n"),
        ("it is no program", "\x7fELF\0\u{1}"),
        ("its library is missing", "#!/bin/sh\nexit 127\n"),
        ("it may not be run", "#!/bin/sh\nexit 126\n"),
        ("it crashes", "#!/bin/sh\nkill -SEGV $$\n"),
        ("it is empty", ""),
        ("it is a text", "<html>not found</html>\n"),
        ("it is anything", "\u{1}\u{2}QEMU"),
    ] {
        let place = Place::new().xenclock("#!/bin/sh\nexit 0");
        fs::create_dir(place.lab.path("own")).unwrap();
        let broken = place.program("own/qemu", text);
        let place = place.defaults(&format!("XENCLOCK_QEMU=\"{}\"\n", broken.display()));
        place.becomes(DEBIANS);
        let errors = place.lab.read("errors");
        assert!(
            errors.contains(&format!("XENCLOCK_QEMU is not a device model: {}", broken.display())),
            "{what}: {errors}"
        );
    }
    // So is one of those that libxl takes.
    let place = Place::new().xenclock("#!/bin/sh\nexit 0");
    place.program(DEBIANS, "#!/nonexistent/interpreter\n");
    fs::create_dir_all(place.lab.path("usr/lib/xen/bin")).unwrap();
    place.program("usr/lib/xen/bin/qemu-system-i386", QEMU);
    place.becomes("usr/lib/xen/bin/qemu-system-i386");
}

/// Whatever their numbers are. Who holds them may outlive xenclock, which may hang in a disk.
#[test]
fn nobody_but_qemu_has_qemus_files() {
    let place =
        Place::new().xenclock("#!/bin/sh\nls -l /proc/self/fd > files\nsetsid sleep 7 >/dev/null 2>&1 &\n");
    let mut command = Command::new("bash");
    let script = "exec 5>&1 11>&1 60>&1 200>&1 2>errors; exec \"$0\" \"$@\"";
    command
        .args(["-c", script])
        .arg(place.wrapper())
        .args(["-xen-domid", "7"])
        .current_dir(place.lab.path(""));
    place.program(DEBIANS, "#!/bin/bash\nfor file in 5 11 60 200; do echo \"to $file\" >&$file; done\n");
    let begun = Instant::now();
    let Ok(output) = command.stdin(Stdio::null()).output() else { return println!("skipped: no bash here") };
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "to 5\nto 11\nto 60\nto 200\n");
    let files = place.lab.read("files");
    // ls has opened one for the directory.
    let numbers =
        files.lines().filter_map(|line| line.split(" -> ").next()?.rsplit(' ').next()?.parse::<u32>().ok());
    assert!(numbers.filter(|number| *number > 2).count() <= 1, "{files}");
}

/// Not as `echo` has them.
#[test]
fn the_log_has_nothing_of_a_guests_words() {
    let mut place = Place::new().xenclock("#!/bin/sh\nexit 3");
    place.arguments = vec!["-xen-domid", "7", "-name", "\\033[2J\\n\u{1b}[2J\nforged", "\\c"];
    place.becomes(DEBIANS);
    let log = place.log();
    assert!(
        log.ends_with("xenclock ended with status 3; the guest starts with the clock that its toolstack set (domain 7)\n"),
        "{log:?}"
    );
    assert_eq!((log.lines().count(), log.contains("forged"), log.contains('\u{1b}')), (1, false, false));
}

/// libxl from 4.20 on asks a device model for its options before it starts it for a domain.
#[test]
fn a_probe_of_the_command_line_goes_to_qemu_at_once() {
    let mut place = Place::new().xenclock("#!/bin/sh\necho asked > told\n");
    place.arguments = vec![
        "-S",
        "-no-user-config",
        "-nodefaults",
        "-nographic",
        "-machine",
        "none,accel=xen",
        "-chardev",
        "socket,id=libxl-cmd,fd=5,server=on,wait=off",
        "-mon",
        "chardev=libxl-cmd,mode=control",
    ];
    place.becomes(DEBIANS);
    assert!(!place.lab.path("told").exists() && place.log().is_empty());
}
