//! A save that a signal ends, or that writes to an unusual path: no file is left, and the guest continues.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::common::{Lab, domain};

fn lab() -> Lab {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", domain("hvm", ""));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab
}

fn state(lab: &Lab) -> String {
    lab.mock(["list", "--json"]).json()[0]["state"].to_string()
}

/// A FIFO that takes nothing more, and who could read it.
fn full_fifo(lab: &Lab, name: &str) -> fs::File {
    mknodat(CWD, lab.path(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let flags = OFlags::NONBLOCK.bits() as i32;
    let mut fifo =
        fs::File::options().read(true).write(true).custom_flags(flags).open(lab.path(name)).unwrap();
    while fifo.write(&[0; 4096]).is_ok() {}
    while fifo.write(&[0]).is_ok() {}
    fifo
}

#[test]
fn a_save_that_a_signal_ends_lets_the_guest_go_on() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let lab = lab();
        let _fifo = full_fifo(&lab, "saved");
        let mut command = lab.command(["--backend", "mock:mock.json", "save", "guest", "saved"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        while state(&lab) != "{\"shutdown\":\"suspend\"}" {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", state(&lab));
            std::thread::sleep(Duration::from_millis(10));
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("'guest' was not saved and continues to run: saved: interrupted by a signal"),
            "{said}"
        );
        assert_eq!(state(&lab), "\"running\"");
        assert_eq!(lab.mock(["clock-show", "--json", "guest"]).json()["name"], "guest");
    }
}

#[test]
fn of_a_guest_that_does_not_run_nobody_says_that_it_continues_to_run() {
    let lab = lab();
    lab.mock(["pause", "guest"]).ok();
    for words in [&["save", "guest", "saved"][..], &["migrate", "-s", "", "guest", "false"]] {
        let said = lab.mock(words.iter().copied()).fails(1);
        assert!(said.contains("not saved") || said.contains("not migrated"), "{said}");
        assert!(!said.contains("continues to run"), "{said}");
    }
    assert_eq!(state(&lab), "\"paused\"");
    lab.mock(["unpause", "guest"]).ok();
    let said = lab.mock(["migrate", "-s", "", "guest", "false"]).fails(1);
    assert!(said.contains("continues to run here"), "{said}");
}

/// A limit on the size of files is an error like a full disk, and no end of the command in its midst.
#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let lab = lab();
    let before = state(&lab);
    for (words, told) in [
        ("clock-set guest clock_offset=localtime", "File too large"),
        ("save guest saved", "'guest' was not saved and continues to run: "),
    ] {
        let mut command = std::process::Command::new("sh");
        let run = format!("ulimit -f 1; exec \"$0\" --backend mock:mock.json {words}");
        command.args(["-c", &run, env!("CARGO_BIN_EXE_xenclock")]).current_dir(lab.path(""));
        let run = crate::common::finish(command, b"");
        assert!(run.code == 1 && run.err.contains(told), "{words}: {run:?}");
        assert!(!lab.path("saved").exists());
        assert_eq!(state(&lab), before, "{words}");
    }
}

/// At random moments: whatever the signal meets, there is the file or the guest, and nothing else.
#[test]
fn a_save_that_is_killed_leaves_no_file() {
    let lab = lab();
    fs::create_dir(lab.path("saves")).unwrap();
    let names = || {
        let names = fs::read_dir(lab.path("saves")).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    for round in 0..24_u64 {
        let signal = if round % 2 == 0 { Signal::TERM } else { Signal::KILL };
        let words = ["--backend", "mock:mock.json", "save", "guest", "saves/guest"];
        let mut child = lab.command(words).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(round * 1000));
        let _ = kill_process(Pid::from_child(&child), signal);
        child.wait().unwrap();
        let left = names();
        assert!(left.iter().all(|name| name == "guest"), "{signal:?} after {round} ms: {left:?}");
        if signal == Signal::TERM {
            let runs = lab.mock(["list", "--json"]).json().as_array().unwrap().len() == 1;
            assert!(runs != (left.len() == 1), "{round}: {left:?}, runs: {runs}");
        }
        // Begin anew.
        if !left.is_empty() {
            fs::remove_file(lab.path("saves/guest")).unwrap();
        }
        lab.mock(["destroy", "guest"]);
        lab.mock(["create", "-q", "guest.xml"]).ok();
    }
}

#[test]
fn a_save_sweeps_what_killed_ones_left() {
    let lab = lab();
    for left in [".xenclock-save-a1b2c3", ".xenclock-new-0123"] {
        lab.write(left, "a guest's memory");
    }
    lab.mock(["save", "-c", "guest", "saved"]).ok();
    assert_eq!(
        lab.files().iter().filter(|name| name.starts_with(".xenclock-")).count(),
        0,
        "{:?}",
        lab.files()
    );
    // The mock's own.
    lab.write(".xenclock-mock-a1b2c3", "{}");
    lab.mock(["list"]).ok();
    assert!(!lab.path(".xenclock-mock-a1b2c3").exists());
}

#[test]
fn a_save_onto_a_link_writes_where_it_points() {
    let lab = lab();
    fs::create_dir(lab.path("disk")).unwrap();
    symlink("disk/saved", lab.path("link")).unwrap();
    for _ in 0..2 {
        lab.mock(["save", "-c", "guest", "link"]).ok();
        assert!(fs::symlink_metadata(lab.path("link")).unwrap().is_symlink());
        assert_eq!(fs::metadata(lab.path("disk/saved")).unwrap().mode() & 0o777, 0o600);
    }
    lab.mock(["save", "guest", "link"]).ok();
    lab.mock(["restore", "link"]).ok();
    // Nothing is saved to where nothing can be.
    symlink("nowhere/saved", lab.path("lost")).unwrap();
    lab.mock(["save", "guest", "lost"]).fails(1);
    assert_eq!(state(&lab), "\"running\"");
}

#[test]
fn a_save_into_a_pipe_arrives() {
    let lab = lab();
    let script = format!(
        "{} --backend mock:mock.json save guest >(cat > copy); wait $!",
        env!("CARGO_BIN_EXE_xenclock")
    );
    let status = Command::new("bash").args(["-c", &script]).current_dir(lab.path("")).status();
    let Ok(status) = status else { return println!("skipped: no bash here") };
    assert!(status.success());
    let begun = Instant::now();
    while lab.mock(["restore", "copy"]).code != 0 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(state(&lab), "\"running\"");
}

#[test]
fn a_guest_with_a_long_config_is_saved_restored_and_migrated() {
    let lab = Lab::with_host(json!({}));
    let words: String = (0..4000).map(|number| format!("'word{number}\u{e9}',")).collect();
    let guests = [
        // Libxl's JSON of this one has 130 kB.
        ("pinned", "vcpus=96\ncpus='0-95'".to_owned()),
        ("words", format!("device_model_args=[{words}]")),
    ];
    for (name, settings) in guests {
        let cfg = format!("type='hvm'\nname='{name}'\nmemory=64\n{settings}\n");
        lab.write("long.cfg", cfg);
        lab.mock(["create", "-q", "long.cfg"]).ok();
        let before = lab.mock(["list", "-l", name]).json();
        lab.mock(["save", name, "saved"]).ok();
        lab.mock(["restore", "saved"]).ok();
        let receive = format!("{} --backend mock:other.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
        lab.mock(["migrate", "-s", "", name, &receive]).ok();
        let there = lab.run(["--backend", "mock:other.json", "list", "-l", name]).json();
        for field in ["device_model_args", "extra", "vcpu_hard_affinity"] {
            let of = |list: &serde_json::Value| list[0]["config"]["b_info"].get(field).cloned();
            assert_eq!(of(&there), of(&before), "{name} {field}");
        }
    }
}
