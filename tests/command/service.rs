//! The package's files beside the command: the service's unit and its settings.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::host::mock::Mock;
use xenclock::host::{Host, RunState};

use crate::common::{Lab, domain, finish, packaged, root};

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
    let program = fs::read_to_string(root().join("toolstack/cli/backend.rs")).unwrap();
    let program = program.split("#[cfg(test)]").next().unwrap_or_default();
    let readers = packaged("xenclock-watch.service") + &packaged("device-model") + program;
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
        // What a full disk does not take outlives the service.
        ("RuntimeDirectory", "xenclock"),
        ("RuntimeDirectoryMode", "0700"),
        ("RuntimeDirectoryPreserve", "yes"),
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
    // What protects /dev and /proc hides what is mounted in them, but for this.
    assert_eq!(unit("BindPaths"), ["-/dev/xen"]);
    assert_eq!(unit("BindReadOnlyPaths"), ["-/proc/xen"]);
    for too_much in ["ProcSubset", "User", "DynamicUser", "PrivateUsers", "RootDirectory"] {
        assert_eq!(unit(too_much), [""; 0], "{too_much}");
    }
}

#[test]
fn the_unit_waits_for_the_right_time_and_may_ask_how_good_it_is() {
    assert!(unit("After").iter().any(|units| units.split(' ').any(|unit| unit == "time-sync.target")));
    // Whoever keeps the time pulls it in; where nobody does, nothing waits.
    assert!(!unit("Wants").iter().any(|units| units.contains("time-sync")));
    // It forbids adjtimex; what it protects from is kept from the service by these.
    assert_eq!(unit("ProtectClock"), [""; 0]);
    assert_eq!((one("CapabilityBoundingSet").as_str(), one("PrivateDevices").as_str()), ("", "yes"));
    assert_eq!(unit("SystemCallFilter").last().unwrap(), "adjtimex clock_adjtime");
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
        return xentest::skip("no systemd-analyze", "apt-get install systemd");
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

/// The processes that this one has started.
fn children(pid: u32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn a_helper_that_is_stopped_holds_up_neither_the_service_nor_a_guest_for_long() {
    let lab = Lab::with_host(json!({}));
    let uuid = "6ba7b810-9dad-41d1-80b4-00c04fd43000";
    lab.mock(["clock-set", uuid, "clock_offset=utc", "clock_tsc_frequency=1000000000"]).ok();
    let socket = UnixDatagram::bind(lab.path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = lab.command(["--backend", "mock:mock.json", "clock-watch", "--period", "0.1"]);
    command.env("NOTIFY_SOCKET", lab.path("notify")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut service = command.spawn().unwrap();
    socket.recv(&mut [0; 4096]).unwrap();
    let stop = |helpers: Vec<i32>| {
        assert_eq!(helpers.len(), 1, "one helper");
        let pid = Pid::from_raw(helpers[0]).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        pid
    };

    // As stock xl starts a guest.
    stop(children(service.id()));
    let mock = Mock::open(lab.path("mock.json"), Box::new(|| SystemTime::now().into())).unwrap();
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some("stock".to_owned());
    config.c_info.uuid = Some(uuid.parse().unwrap());
    let domid = mock.create_paused(&config).unwrap();
    let begun = Instant::now();
    while mock.tsc_info(domid).unwrap().khz != 1_000_000 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the TSC is not set");
        std::thread::sleep(Duration::from_millis(50));
    }
    mock.unpause(domid).unwrap();
    while mock.domains().unwrap()[0].state != RunState::Running {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is paused");
        std::thread::sleep(Duration::from_millis(50));
    }

    let stopped = stop(children(service.id()));
    let begun = Instant::now();
    kill_process(Pid::from_child(&service), Signal::TERM).unwrap();
    while service.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the service does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
    // It goes on, has nothing to do, and ends. The kernel may have seen to that: it wakes whom nobody is left to wake.
    match kill_process(stopped, Signal::CONT) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_a_guest_did_before_it_was_started_again_is_told_afterwards() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.cfg", "name = \"guest\"\nuuid = \"6ba7b810-9dad-41d1-80b4-00c04fd43000\"\ntype = \"hvm\"\nmemory = 64\nclock_offset = \"variable\"\n");
    lab.mock(["create", "-q", "guest.cfg"]).ok();
    let socket = UnixDatagram::bind(lab.path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command =
        lab.command(["--backend", "mock:mock.json", "clock-watch", "--period", "1", "--xml-dir", "none"]);
    let out = fs::File::create(lab.path("events")).unwrap();
    command.env("NOTIFY_SOCKET", lab.path("notify")).stdout(out).stderr(Stdio::null());
    let mut service = command.spawn().unwrap();
    socket.recv(&mut [0; 4096]).unwrap();
    let pid = Pid::from_child(&service);
    kill_process(pid, Signal::STOP).unwrap();
    lab.mock(["mock", "write-rtc", "guest", "+50"]).ok();
    lab.mock(["mock", "reboot", "guest"]).ok();
    kill_process(pid, Signal::CONT).unwrap();
    let begun = Instant::now();
    while !lab.read("events").contains("\"ended\"") {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", lab.read("events"));
        std::thread::sleep(Duration::from_millis(50));
    }
    kill_process(pid, Signal::TERM).unwrap();
    service.wait().unwrap();
    let events = lab.read("events");
    assert!(events.contains("\"rtc-change\",\"before\":0,\"offset\":50"), "{events}");
    assert!(events.contains("\"ended\",\"reason\":\"reboot\",\"offset\":50"), "{events}");
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
        ("/etc/default/xenclock", "644"),
        ("/usr/share/man/man8/xenclock-watch.8", "644"),
    ] {
        assert!(has(path, mode), "{path}");
    }
    // Which brings the unit itself, too.
    let units = package.lines().find(|line| line.starts_with("systemd-units = ")).unwrap();
    assert!(
        units.contains("unit-name = \"xenclock-watch\"") && units.contains("\"toolstack/service\""),
        "{units}"
    );
    // The line that clock-set says is of the wrapper that is there.
    let lab = Lab::with_host(json!({}));
    let said = lab.mock(["clock-set", "--wrapper", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"]).ok();
    assert!(said.contains("device_model_override = \"/usr/lib/xenclock/device-model\""), "{said}");
    let mut syntax = Command::new("sh");
    syntax.arg("-n").arg(root().join("toolstack/service/device-model"));
    assert_eq!(finish(syntax, b"").err, "");
}

#[test]
fn the_package_has_a_changelog_of_this_version_and_all_licences() {
    let version = env!("CARGO_PKG_VERSION");
    let changelog = packaged("debian/changelog");
    assert!(changelog.starts_with(&format!("xenclock ({version}) ")), "{changelog}");
    let manifest = std::fs::read_to_string(crate::common::root().join("Cargo.toml")).unwrap();
    let maintainer = manifest.lines().find_map(|line| line.strip_prefix("maintainer = \"")).unwrap();
    assert!(changelog.contains(&format!(" -- {}  ", maintainer.trim_end_matches('"'))), "{changelog}");
    let copyright = packaged("debian/copyright");
    for text in [
        "License: MIT or Apache-2.0",
        "Permission is hereby granted",
        "/usr/share/common-licenses/Apache-2.0",
    ] {
        assert!(copyright.contains(text), "{text}");
    }
}
