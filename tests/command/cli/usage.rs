//! Exit codes and the order of arguments.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use crate::common::{Lab, domain};

/// A lab with a mock host and a file `guest.xml`.
pub fn lab() -> Lab {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    lab.write("guest.xml", domain("hvm", ""));
    lab
}

#[test]
fn wrong_usage_is_exit_2() {
    let lab = lab();
    for words in [
        &[][..],
        &["dance"],
        &["--backend"],
        &["--no-such-option", "list"],
        &["create"],
        &["convert"],
        &["convert", "--to", "toml", "guest.xml"],
        &["convert", "--now", "noon", "guest.xml"],
        &["convert", "a.xml", "b.xml"],
        &["clock-show"],
        &["mock"],
        &["mock", "advance"],
        &["mock", "advance", "soon"],
        &["mock", "set", "timezone"],
        &["mock", "write-rtc", "guest", "later"],
        &["mock", "fail", "unpause", "tired"],
        &["completion", "tcsh"],
        // A guest of the mock host has neither console nor screen.
        &["create", "-c", "guest.xml"],
        &["create", "-V", "guest.xml"],
        &["restore", "-A", "saved"],
    ] {
        let said = lab.mock(words.iter().copied()).fails(2);
        assert!(!said.is_empty(), "{words:?}");
    }
    assert!(!lab.mock(["list"]).ok().contains("guest"), "nothing was made");
    lab.run([] as [&str; 0]).fails(2);
}

#[test]
fn wrong_operands_of_xls_commands_are_answered_as_by_xl() {
    let lab = lab();
    for (code, words) in [
        (2, &["destroy"][..]),
        (2, &["pause"]),
        (2, &["save", "guest"]),
        (1, &["save", "a", "b", "c", "d"]),
        (2, &["restore"]),
        (1, &["restore", "a", "b", "c"]),
        (2, &["migrate", "guest"]),
        (1, &["migrate-receive", "a"]),
    ] {
        let run = lab.mock(words.iter().copied());
        assert_eq!(run.code, code, "{words:?}: {run:?}");
        assert!(run.out.contains("Usage: xenclock"), "{words:?}: {run:?}");
        assert!(run.err.lines().count() == 1 && !run.err.contains("Usage"), "{words:?}: {run:?}");
    }
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let run = lab.mock(["pause", "guest", "-x"]);
    assert!(run.code == 0 && run.err.contains("'-x' is ignored"), "{run:?}");
}

/// As in `TZ` and in the mock's `timezone`.
#[test]
fn the_hosts_zone_is_a_name_a_rule_or_a_file() {
    let lab = lab();
    // The smallest TZif file: one type, UTC+01:00.
    let counts = [0_u32, 0, 0, 0, 1, 4].map(u32::to_be_bytes).concat();
    let file = lab.write("zone", [b"TZif", &[0; 16][..], &counts, b"\0\0\x0e\x10\0\0AAA\0"].concat());
    let file = file.to_str().unwrap();
    for (word, code) in [
        ("Europe/Berlin", 0),
        ("CET-1CEST,M3.5.0,M10.5.0/3", 0),
        ("UTC", 0),
        (file, 0),
        ("/nowhere", 1),
        ("Mars", 1),
    ] {
        let convert = lab.run(["convert", "--host-timezone", word, "guest.xml"]);
        let set = lab.mock(["mock", "set", &format!("timezone={word}")]);
        assert_eq!((convert.code, set.code), (code, code), "{word}: {convert:?} {set:?}");
    }
}

#[test]
fn a_failure_is_exit_1_and_says_what_failed() {
    let lab = lab();
    for (words, says) in [
        (&["create", "missing.xml"][..], "missing.xml: No such file"),
        (&["convert", "missing.xml"], "missing.xml: No such file"),
        (&["convert", "."], ".: Is a directory"),
        (&["convert", "--host-timezone", "Mars/Olympus", "guest.xml"], "Mars/Olympus"),
        (&["clock-show", "nobody"], "no domain 'nobody'"),
        (&["list", "nobody"], "no domain 'nobody'"),
        (&["list", "-l", "7"], "no domain '7'"),
        (&["destroy", "7"], "no domain '7'"),
        (&["pause", "nobody"], "no domain 'nobody'"),
        (&["unpause", "nobody"], "no domain 'nobody'"),
        (&["shutdown", "nobody"], "no domain 'nobody'"),
        (&["mock", "reboot", "nobody"], "no domain 'nobody'"),
        (&["mock", "set", "colour=red"], "colour"),
        (&["mock", "set", "cpu_khz=fast"], "cpu_khz"),
        (&["mock", "advance", "--", "-5"], "5 seconds"),
        (&["mock", "fail", "dance", "io"], "dance"),
    ] {
        let said = lab.mock(words.iter().copied()).fails(1);
        assert!(said.contains(says), "{words:?}: {said}");
        assert_eq!(said.lines().count(), 1, "one message: {said}");
    }
}

#[test]
fn help_and_version_are_data() {
    let lab = Lab::new();
    assert!(lab.run(["--help"]).ok().contains("Usage: xenclock"));
    assert_eq!(lab.run(["--version"]).ok(), format!("xenclock {}\n", env!("CARGO_PKG_VERSION")));
    for command in ["create", "convert", "clock-show", "clock-list", "host-info", "list", "destroy", "mock"] {
        assert!(lab.run([command, "--help"]).ok().contains("Usage:"), "{command}");
    }
    assert!(lab.run(["completion", "bash"]).ok().contains("clock-show"));
}

#[test]
fn global_letters_stand_before_the_command_only() {
    let lab = lab();
    for words in [&["-v", "-N", "-f", "create", "guest.xml"][..], &["-vNf", "create", "guest.xml"]] {
        assert_eq!(lab.mock(words.iter().copied()).json()["c_info"]["name"], "guest");
    }
    for letter in ["-N", "-v"] {
        lab.mock(["create", letter, "guest.xml"]).fails(2);
        lab.mock(["pause", letter]).fails(2);
    }
    lab.run(["list", "--backend", "mock"]).fails(2);
    // xl's own letter for a dry run stands after the command.
    assert_eq!(lab.mock(["create", "-n", "guest.xml"]).json()["c_info"]["name"], "guest");
    lab.mock(["-n", "create", "guest.xml"]).fails(2);
}

#[test]
fn a_dry_run_changes_nothing() {
    let lab = lab();
    let before = lab.read("mock.json");
    for words in [
        &["-N", "create", "guest.xml"][..],
        &["create", "-n", "guest.xml"],
        &["-N", "create", "--json", "guest.xml"],
        &["plan", "guest.xml"],
    ] {
        lab.mock(words.iter().copied()).ok();
    }
    assert_eq!(lab.read("mock.json"), before);
    // Where a dry run has no meaning it is refused, rather than done in earnest.
    for words in [&["-N", "destroy", "guest"][..], &["-N", "mock", "advance", "5"]] {
        assert!(lab.mock(words.iter().copied()).fails(1).contains("-N"));
    }
    assert_eq!(lab.read("mock.json"), before);
}

#[test]
fn a_dry_run_of_a_save_says_what_becomes_of_the_clock() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let before = lab.read("mock.json");
    let said = lab.mock(["-N", "save", "guest", "saved"]).ok();
    assert!(said.contains("guest"), "{said}");
    assert_eq!((lab.read("mock.json"), lab.path("saved").exists()), (before, false));
    assert!(lab.mock(["-N", "save", "nobody", "saved"]).fails(1).contains("no domain 'nobody'"));
}

#[test]
fn progress_is_shown_where_it_is_asked_for() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    assert_eq!(lab.mock(["save", "-c", "guest", "saved"]).err, "");
    assert_eq!(lab.mock(["-t", "save", "-c", "guest", "saved"]).err, "mock: Frames: 1/1  100%\n");
    let said = lab.mock(["-v", "save", "guest", "saved"]).err;
    assert!(said.contains("mock: progress: Frames: 1/1  100%\n"), "{said}");
    assert_eq!(lab.mock(["-t", "restore", "saved"]).err, "mock: Frames: 1/1  100%\n");
    let said = lab.mock(["-T", "pause", "nobody"]).fails(1);
    assert!(
        said.starts_with("20") && said.contains(" UTC [") && said.contains("] xenclock: error: no"),
        "{said}"
    );
}

#[test]
fn hosts_that_there_are_not() {
    let lab = lab();
    for host in ["kvm", "mock:", "MOCK", "", "libxl:x"] {
        let said = lab.run(["--backend", host, "list"]).fails(2);
        assert!(said.contains("libxl, mock or mock:FILE"), "{said}");
    }
}

#[test]
#[cfg(not(feature = "libxl"))]
fn libxl_is_refused_where_it_is_not_built_in() {
    let said = lab().run(["--backend", "libxl", "list"]).fails(1);
    assert!(
        said.contains("does not include libxl")
            && said.contains("--features libxl")
            && said.contains("--backend mock"),
        "{said}"
    );
}

#[test]
fn without_xen_it_is_the_mock_and_says_so_in_one_line() {
    if std::path::Path::new("/proc/xen/capabilities").exists() {
        return xentest::skip("this is a dom0", "run the test outside of a dom0");
    }
    let run = lab().run(["create", "guest.xml"]);
    assert_eq!(run.code, 0);
    let said: Vec<_> = run.err.lines().collect();
    assert!(said[0].contains("mock host") && said[1] == "Parsing config from guest.xml", "{said:?}");
    assert_eq!((said[2], run.out.as_str()), ("domain 1 'guest' started", ""));
    // A conversion needs no host.
    assert_eq!(lab().run(["convert", "guest.xml"]).err, "");
}

#[test]
fn words_that_are_not_utf_8_are_no_panic() {
    let lab = Lab::new();
    let odd = OsStr::from_bytes(b"guest-\xff.xml");
    let run = lab.run([OsStr::new("convert"), odd]);
    assert!([1, 2].contains(&run.code), "{run:?}");
}

#[test]
fn global_letters_stand_behind_our_own_commands_too() {
    let lab = lab();
    let before = lab.run(["-v", "convert", "guest.xml"]);
    assert_eq!(lab.run(["convert", "-v", "guest.xml"]).err, before.err);
    assert_eq!(lab.run(["convert", "guest.xml", "-v"]).err, before.err);
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["clock-set", "guest", "localtime=1", "-N"]).ok();
    assert!(lab.mock(["clock-show", "guest"]).ok().contains("the same at the next start"));
    // xl's commands have letters of their own.
    let said = lab.mock(["pause", "-N", "guest"]).fails(2);
    assert!(said.contains("put -N before the command"), "{said}");
    assert!(lab.mock(["list", "-v"]).ok().contains("UUID"));
}

#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let lab = lab();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = lab.command(["--help"]).stdout(full).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("cannot write the help"));
}
