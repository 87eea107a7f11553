//! What the package brings beside the command: the unit, its settings, and the device-model wrapper.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{Lab, domain, finish, root};

/// A file of the package.
fn packaged(name: &str) -> String {
    fs::read_to_string(root().join("toolstack/service").join(name)).unwrap()
}

/// The values of a setting of the unit, in order.
fn unit(key: &str) -> Vec<String> {
    let text = packaged("xenclock-watch.service");
    let settings = text.lines().filter_map(|line| line.split_once('='));
    settings.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
}

#[track_caller]
fn one(key: &str) -> String {
    let values = unit(key);
    assert_eq!(values.len(), 1, "{key}: {values:?}");
    values[0].clone()
}

/// The settings that the defaults file proposes, taken as if they were set.
fn proposed() -> Vec<(String, String)> {
    let text = packaged("xenclock.default");
    let settings = text.lines().filter_map(|line| line.strip_prefix("#XENCLOCK_")?.split_once("=\""));
    settings
        .map(|(name, value)| (format!("XENCLOCK_{name}"), value.strip_suffix('"').unwrap().to_owned()))
        .collect()
}

/// The unit's command with these settings, without its program.
fn start_words(settings: &[(&str, &str)]) -> Vec<String> {
    let line = one("ExecStart");
    let mut words = line.split(' ');
    assert_eq!(words.next(), Some("/usr/bin/xenclock"));
    let set = |word: &str| match word.strip_prefix('$') {
        Some(name) => {
            let value = settings.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}"));
            value.1.split_whitespace().map(str::to_owned).collect()
        }
        None => vec![word.to_owned()],
    };
    words.flat_map(set).collect()
}

#[test]
fn the_units_command_is_one_and_so_are_the_settings_proposed() {
    let lab = Lab::with_host(json!({}));
    let backend = "--backend mock:mock.json";
    let bare = start_words(&[("XENCLOCK_ARGS", backend), ("XENCLOCK_WATCH_ARGS", "--once")]);
    lab.run(&bare).ok();
    let proposed = proposed();
    let value = |name: &str| proposed.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let (both, own) = (value("XENCLOCK_ARGS"), value("XENCLOCK_WATCH_ARGS"));
    let both = format!("{backend} {}", both.replace("/srv/", &format!("{}/", lab.path("").display())));
    let set = start_words(&[("XENCLOCK_ARGS", &both), ("XENCLOCK_WATCH_ARGS", &format!("{own} --once"))]);
    lab.run(&set).ok();
    assert!(lab.path("clocks/service").exists(), "the records are where the settings say");
}

#[test]
fn every_setting_proposed_is_read_and_every_one_read_is_proposed() {
    let names: BTreeSet<_> = proposed().into_iter().map(|(name, _)| name).collect();
    let readers = packaged("xenclock-watch.service") + &packaged("device-model");
    let read = |word: &str| word.starts_with("XENCLOCK_");
    let words = readers.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| read(word));
    assert_eq!(words.map(str::to_owned).collect::<BTreeSet<_>>(), names);
    // As systemd reads it: each line is empty, a comment or a setting.
    for line in packaged("xenclock.default").lines() {
        assert!(
            line.is_empty() || line.starts_with('#'),
            "nothing is set unless an administrator does: {line}"
        );
    }
}

#[test]
fn the_unit_keeps_to_what_the_service_relies_on() {
    for (key, value) in [
        // It says when it is ready, and that it goes on.
        ("Type", "notify"),
        // Its helper ends by itself.
        ("KillMode", "process"),
        // Where the command keeps clocks, for root alone.
        ("StateDirectory", "xenclock"),
        ("StateDirectoryMode", "0700"),
        ("ConditionPathExists", "/proc/xen/capabilities"),
        ("Restart", "on-failure"),
        // Of a wrong option.
        ("RestartPreventExitStatus", "2"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
    ] {
        assert_eq!(one(key), value, "{key}");
    }
    assert!(one("WatchdogSec").parse::<u64>().unwrap() > 10);
    // libxl's locks and configs.
    assert_eq!(unit("ReadWritePaths"), ["-/var/lib/xen"]);
    // These hide /dev/xen and /proc/xen.
    for hidden in ["PrivateDevices", "ProtectProc", "ProcSubset", "User", "DynamicUser", "PrivateUsers"] {
        assert_eq!(unit(hidden), [""; 0], "{hidden}");
    }
}

/// Runs systemd's own check, where there is one.
#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let lab = Lab::new();
    let there =
        packaged("xenclock-watch.service").replace("/usr/bin/xenclock", env!("CARGO_BIN_EXE_xenclock"));
    lab.write("xenclock-watch.service", there);
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--man=no", "verify"]).arg(lab.path("xenclock-watch.service"));
    let Ok(output) = verify.stdin(Stdio::null()).output() else {
        return println!("skipped: no systemd-analyze here (apt install systemd)");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // Of other units it may say what it likes.
    let ours: Vec<_> = said.lines().filter(|line| line.contains("xenclock")).collect();
    assert!(ours.is_empty(), "{said}");
}

#[test]
fn the_service_tells_systemd_how_it_is() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", domain("hvm", ""));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let socket = UnixDatagram::bind(lab.path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = lab.command(["--backend", "mock:mock.json", "clock-watch", "--period", "0.2"]);
    command.env("NOTIFY_SOCKET", lab.path("notify")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut service = command.spawn().unwrap();
    let hear = |wanted: &str| {
        let mut bytes = [0; 4096];
        loop {
            let length = socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{wanted}: {error}"));
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return text;
            }
        }
    };
    let signal = |word: &str| {
        let done = Command::new("kill").args([word, &service.id().to_string()]).status().unwrap();
        assert!(done.success());
    };
    assert!(hear("READY=1").contains("STATUS=1 domains are followed"));
    hear("WATCHDOG=1");
    signal("-HUP");
    assert!(hear("RELOADING=1").contains("MONOTONIC_USEC="));
    hear("READY=1");
    signal("-TERM");
    hear("STOPPING=1");
    assert!(service.wait().unwrap().success());
}

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
        self.run(&self.lab.path(qemu));
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
        ("it is killed", "#!/bin/sh\nkill -KILL $$", "the guest starts as its toolstack made it"),
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
        assert!(errors.contains(&format!("XENCLOCK_QEMU is no device model: {none}")), "{errors}");
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
    let first = ["--records", "/etc/*", "-v", "clock-birth", "--device-model"];
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

#[test]
fn the_package_has_what_is_said_of_it() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, package) = manifest.split_once("[package.metadata.deb]").unwrap();
    let assets: Vec<Vec<&str>> = package
        .lines()
        .filter(|line| line.starts_with("    [\""))
        .map(|line| line.split('"').skip(1).step_by(2).collect())
        .collect();
    let installed = |asset: &[&str]| match asset[1].strip_suffix('/') {
        Some(dir) => format!("/{dir}/{}", asset[0].rsplit('/').next().unwrap()),
        None => format!("/{}", asset[1]),
    };
    for asset in &assets {
        let built = asset[0].starts_with("target/");
        assert!(built || asset[0].contains('*') || root().join(asset[0]).is_file(), "{asset:?}");
    }
    let has =
        |path: &str, mode: &str| assets.iter().any(|asset| installed(asset) == path && asset[2] == mode);
    for (path, mode) in [
        ("/usr/bin/xenclock", "755"),
        ("/usr/lib/xenclock/device-model", "755"),
        ("/usr/lib/systemd/system/xenclock-watch.service", "644"),
        ("/etc/default/xenclock", "644"),
        ("/usr/share/man/man8/xenclock-watch.8", "644"),
    ] {
        assert!(has(path, mode), "{path}");
    }
    // The line that clock-set says is of the wrapper that is there.
    let lab = Lab::with_host(json!({}));
    let said = lab.mock(["clock-set", "--wrapper", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"]).ok();
    assert!(said.contains("device_model_override = \"/usr/lib/xenclock/device-model\""), "{said}");
    let mut syntax = Command::new("sh");
    syntax.arg("-n").arg(root().join("toolstack/service/device-model"));
    assert_eq!(finish(syntax, b"").err, "");
}
