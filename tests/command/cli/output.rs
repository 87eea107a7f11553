//! Output: data to standard output, messages to standard error, valid JSON.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::usage::lab;
use crate::common::{FIXED, Lab, domain, root};

#[test]
fn empty_lists_are_arrays() {
    let lab = Lab::with_host(json!({}));
    assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
    assert_eq!(lab.mock(["clock-list", "--json"]).json(), json!([]));
    // For people, the heading stays.
    assert_eq!(lab.mock(["list"]).ok().lines().count(), 2, "and Domain-0");
    assert_eq!(lab.mock(["clock-list"]).ok().lines().count(), 1);
}

#[test]
fn whatever_prints_data_prints_it_as_json_too() {
    let lab = lab();
    assert_eq!(lab.mock(["-N", "create", "--json", "guest.xml"]).json()["name"], "guest");
    let created = lab.mock(["create", "--json", "guest.xml"]).json();
    let shown = lab.mock(["clock-show", "--json", "guest"]).json();
    assert_eq!(created, shown);
    assert_eq!(lab.mock(["clock-show", "--json", "1"]).json(), shown, "by number");
    assert_eq!(lab.mock(["clock-list", "--json"]).json(), json!([shown]));
    let list = lab.mock(["list", "--json"]).json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!((&list[0]["name"], &list[0]["domid"]), (&json!("guest"), &json!(1)));
    let info = lab.mock(["host-info", "--json"]).json();
    assert_eq!((&info["timezone"], &info["now"]), (&json!("UTC"), &json!("2026-07-01T12:00:00Z")));
    assert_eq!((&info["cpu_khz"], &info["tsc_reliable"]), (&json!(2_600_000), &json!(true)));
}

#[test]
fn for_people_the_same_is_said_in_lines() {
    let lab = lab();
    let said = lab.mock(["create", "guest.xml"]).err;
    for word in ["domain 1 'guest' started", "RTC: shows 2026-07-01 12:00:00", "TSC: 2600000 kHz, native"] {
        assert!(said.contains(word), "{said}");
    }
    for (command, words) in [
        (&["clock-show", "guest"][..], &["guest (domain 1, hvm", "tracked", "incarnation"][..]),
        (&["clock-list"], &["guest", "2600000", "native"]),
        (&["list"], &["Domain-0", "guest", "r-----"]),
        (&["host-info"], &["4.17", "UTC", "2600000"]),
    ] {
        let said = lab.mock(command.iter().copied()).ok();
        words.iter().for_each(|word| assert!(said.contains(word), "{word}: {said}"));
    }
}

#[test]
fn messages_on_an_invalid_input_are_json_too() {
    let lab = Lab::new();
    lab.write("guest.xml", "<domain/>");
    let said = lab.run(["convert", "--diagnostics", "json", "guest.xml"]).fails(1);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&said[0]["verdict"], &said[0]["line"], &said[0]["file"]),
        (&json!("invalid"), &json!(1), &json!("guest.xml"))
    );
    lab.write("guest.json", "{}");
    let said: Value =
        serde_json::from_str(&lab.run(["convert", "--diagnostics", "json", "guest.json"]).fails(1)).unwrap();
    assert_eq!(said[0]["code"], "not-xml");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let lab = Lab::new();
    // More than a pipe holds.
    lab.write("guest.xml", domain("hvm", &format!("<description>{}</description>", "word\n".repeat(60_000))));
    let shell = "set -o pipefail; \"$0\" convert guest.xml | head -1";
    let mut command = Command::new("bash");
    command.args(["-c", shell, env!("CARGO_BIN_EXE_xenclock")]).current_dir(lab.path("."));
    let run = crate::common::finish(command, b"");
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(run.out, "# description: word\n");
}

#[test]
fn a_full_disk_is_a_failure() {
    let Ok(full) = std::fs::File::create("/dev/full") else {
        return xentest::skip("no /dev/full", "run the test on Linux");
    };
    let status = lab().command(["convert", "guest.xml"]).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

/// Runs a command on a terminal of its own; `None` where that cannot be had. What it says comes back as one text.
fn on_a_terminal(lab: &Lab, words: &str, environment: &[(&str, &str)]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_xenclock");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("'{program}' {words}"), "/dev/null"]);
    script
        .current_dir(lab.path("."))
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        // There anstream colours whatever the terminal says.
        .env_remove("CI")
        .envs(environment.iter().copied());
    let output = script.stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    const ESCAPE: char = '\u{1b}';
    let lab = Lab::new();
    lab.write("guest.xml", "<domain/>");
    let piped = lab.run(["convert", "guest.xml"]).fails(1);
    assert!(!piped.contains(ESCAPE), "{piped:?}");
    let Some(coloured) = on_a_terminal(&lab, "convert guest.xml", &[]) else {
        return xentest::skip("no script(1) for a terminal", "apt-get install bsdutils");
    };
    assert!(coloured.contains(ESCAPE), "{coloured:?}");
    for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let said = on_a_terminal(&lab, "convert guest.xml", &[plain]).unwrap();
        assert!(!said.contains(ESCAPE) && said.contains("invalid"), "{plain:?}: {said:?}");
    }
}

#[test]
fn a_conversion_says_the_same_each_time() {
    let lab = Lab::new();
    let example = root().join("docs/examples/windows.xml");
    let words: Vec<_> = ["convert"].into_iter().chain(FIXED).chain([example.to_str().unwrap()]).collect();
    let first = lab.run(&words);
    let second = lab.run(&words);
    assert_eq!((first.out, first.err), (second.out, second.err));
}
