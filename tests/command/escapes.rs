//! Names and texts from outside, on a terminal: none of them moves the cursor, forges a line or hides another.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{Lab, Run, domain};

const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A name that clears the screen, begins a line of its own, turns the direction round and hides the rest.
const EVIL: &str = "evil\u{1b}[2J\nxenclock: error: FORGED\r\u{9b}8m\u{202e}gnp.\u{7}\u{200b}";

/// A host with two guests, one of which has that name, in the host's state and in its record.
fn lab() -> Lab {
    let lab = Lab::with_host(json!({}));
    let xml = domain(
        "hvm",
        "<clock offset='variable' adjustment='3600' basis='utc'/><on_reboot>restart</on_reboot>",
    );
    lab.write("guest.xml", xml.replace("<name>guest", &format!("<uuid>{UUID}</uuid><name>EVILNAME")));
    lab.mock(["create", "-q", "guest.xml"]).ok();
    let name = serde_json::to_string(EVIL).unwrap();
    for file in ["mock.json", &format!("mock.json.clocks/{UUID}.json")] {
        let text = lab.read(file);
        assert!(text.contains("\"EVILNAME\""), "{text}");
        lab.write(file, text.replace("\"EVILNAME\"", &name));
    }
    lab
}

/// That a run said nothing that a terminal acts upon, but for the ends of its own lines.
#[track_caller]
fn harmless(text: &str) {
    // The head of xl's list has tabs.
    let text = &text.replacen("VCPUs\tState\tTime(s)", "", 1);
    let acts = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{200b}'));
    assert!(!text.contains(acts), "{text:?}");
    assert!(
        !text.lines().any(|line| line.contains("FORGED") && line.starts_with("xenclock: error: FORGED")),
        "{text}"
    );
}

#[track_caller]
fn shows(run: &Run) {
    harmless(&run.out);
    harmless(&run.err);
    assert!((run.out.clone() + &run.err).contains("evil\\u{1b}[2J\\nxenclock"), "{run:?}");
}

#[test]
fn no_output_for_people_acts_on_a_terminal() {
    let lab = lab();
    let id = "1";
    for words in [
        &["list"][..],
        &["clock-list"],
        &["clock-show", id],
        &["clock-set", id, "clock_offset=utc"],
        &["clock-set", "--now", id, "clock_adjustment=60", "clock_offset=variable"],
        &["clock-set", "--now", id, "clock_tsc_frequency=1000000000"],
        &["preflight", "here", "there"],
        &["save", id, "/dev/full"],
    ] {
        lab.write("here", lab.mock(["host-info", "--json"]).ok());
        lab.write("there", lab.run(["--backend", "mock:there.json", "host-info", "--json"]).ok());
        shows(&lab.mock(words.iter().copied()));
    }
    // What does not say the name says nothing else from outside either.
    for words in [&["list", "--json"][..], &["mock", "reboot", id], &["save", "2", "saved"]] {
        let run = lab.mock(words.iter().copied());
        harmless(&run.err);
        assert_eq!(run.code, 0, "{run:?}");
        if !words.contains(&"--json") {
            harmless(&run.out);
        }
    }
}

/// JSON is for programs, and has the name's value; XML has what it has a place for. Both may reach a terminal.
#[test]
fn no_json_and_no_xml_acts_on_a_terminal() {
    let lab = lab();
    lab.write(
        "guest.cfg",
        "type='hvm'\nname='g\u{9b}\u{202e}'\nbootloader='\u{9b}'\nclock_timezone='\u{9b}'\n",
    );
    for (words, name) in [
        (&["list", "--json"][..], "/0/name"),
        (&["clock-list", "--json"], "/0/name"),
        (&["clock-show", "1", "--json"], "/name"),
        (&["clock-set", "1", "--json", "clock_offset=utc"], "/name"),
        (&["clock-watch", "--once"], "/name"),
    ] {
        let run = lab.mock(words.iter().copied());
        harmless(&run.out);
        let printed: serde_json::Value = serde_json::from_str(run.out.lines().next().unwrap())
            .or_else(|_| serde_json::from_str(&run.out))
            .unwrap_or_else(|error| panic!("{error}: {run:?}"));
        assert!(printed.pointer(name).is_none_or(|name| name == EVIL), "{words:?}: {printed}");
    }
    harmless(&lab.mock(["dumpxml", "1"]).out);
    for words in [
        &["check", "--json", "guest.cfg"][..],
        &["convert", "--diagnostics", "json", "-o", "out", "guest.cfg"],
        &["convert", "--diagnostics", "sarif", "-o", "out", "guest.cfg"],
        &["convert", "--to", "xml", "guest.cfg", "clock_timezone=UTC"],
    ] {
        let run = lab.mock(words.iter().copied());
        harmless(&run.out);
        harmless(&run.err);
    }
}

#[test]
fn a_word_of_the_command_line_acts_on_no_terminal() {
    let lab = lab();
    for words in [
        &["--\u{9b}2J\u{202e}"][..],
        &["create", "--\u{202e}"],
        &["convert", "--to", "\u{9b}", "guest.xml"],
        &["--backend", "\u{9b}", "list"],
    ] {
        let run = lab.run(words.iter().copied());
        assert_eq!(run.code, 2, "{run:?}");
        harmless(&run.err);
        assert!(run.err.starts_with("error: "), "{run:?}");
    }
}

#[test]
fn a_save_file_from_outside_forges_nothing() {
    let lab = lab();
    lab.mock(["save", "1", "saved"]).ok();
    let run = lab.mock(["restore", "-d", "saved"]);
    harmless(&run.err);
    run.ok();
    // Its name is taken.
    let run = lab.mock(["restore", "saved"]);
    assert_eq!(run.code, 1);
    shows(&run);
    // The same as a migration.
    let mut command = lab.command(["--backend", "mock:mock.json", "migrate-receive"]);
    command.stdin(fs::File::open(lab.path("saved")).unwrap()).stdout(Stdio::null());
    let output = command.output().unwrap();
    harmless(&String::from_utf8(output.stderr).unwrap());
    assert!(!output.status.success());
    let receive = format!("{} --backend mock:mock.json migrate-receive", env!("CARGO_BIN_EXE_xenclock"));
    let run = lab.mock(["migrate", "-s", "", "3", &receive]);
    harmless(&run.err);
    // What another side says that is no xl.
    let run = lab.mock(["migrate", "-s", "", "3", "printf '\\033[2Jlogin:\\r\\n'; cat >/dev/null"]);
    assert_eq!(run.code, 1, "{run:?}");
    harmless(&run.err);
}

#[test]
fn the_monitors_and_the_services_words_act_on_no_terminal() {
    let lab = lab();
    lab.mock(["save", "1", "saved"]).ok();
    let log = fs::File::create(lab.path("log")).unwrap();
    let mut command = lab.command(["--backend", "mock:mock.json", "restore", "-F", "saved"]);
    let mut monitor = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let begun = Instant::now();
    while !lab.read("log").contains("evil") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", lab.read("log"));
        std::thread::sleep(Duration::from_millis(20));
    }
    harmless(&lab.read("log"));
    monitor.kill().unwrap();
    monitor.wait().unwrap();
    // Trouble with a guest of that name.
    lab.mock(["mock", "fail", "rtc_record", "io", "9"]).ok();
    let run = lab.mock(["clock-watch", "--once"]);
    harmless(&run.err);
    for line in run.out.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["name"].is_null() || event["name"] == EVIL, "{event}");
    }
}

#[test]
fn a_diagnostic_shows_its_line_and_its_file_without_their_tricks() {
    let lab = Lab::with_host(json!({}));
    let name = "guest\u{1b}[2J\nx.xml";
    for content in [
        "<domain type='xen'>\u{9b}2J\u{202e}<name>a</name><bogus\u{85}/></domain>",
        "<domain\u{1b}[2J type='xen'/>",
        "name = \"a\"\nmemory = 64\nclock_offset = \"\u{1b}[2J\u{9b}\"\n",
        "memory = 64 \u{1b}[2J\u{202e}\n",
        "\u{1b}[2J",
        "{\u{1b}[2J",
    ] {
        lab.write(name, content);
        for command in ["create", "convert"] {
            let run = lab.mock([command, name]);
            assert_ne!(run.code, 0, "{run:?}");
            harmless(&run.err);
            assert!(run.err.contains("guest\\u{1b}[2J\\nx.xml"), "{run:?}");
        }
        let run = lab.mock(["clock-set", UUID, "--from", name]);
        harmless(&run.err);
    }
    // A caret stands below its place in what is shown.
    lab.write(
        "a.xml",
        "<domain type='xen'><!--\u{202e}\u{202e}--><name>a</name><memory>65536</memory><os><type>hvm</type></os><clock offset='never'/></domain>",
    );
    let err = lab.mock(["create", "a.xml"]).err;
    let lines: Vec<_> = err.lines().collect();
    let text =
        lines.iter().position(|line| line.contains("\\u{202e}\\u{202e}")).unwrap_or_else(|| panic!("{err}"));
    let (at, caret) = (lines[text].find("never").unwrap(), lines[text + 1].find('^').unwrap());
    assert!(caret <= at && at - caret <= "<clock offset='".len(), "{err}");
    // What is wrong with the words of the command line.
    let run = lab.mock(["create", "a.xml", "clock_offset=\u{1b}[2J"]);
    harmless(&run.err);
    let run = lab.mock(["mock", "set", "timezone=\u{1b}[2J\n"]);
    harmless(&run.err);
    let run = lab.mock(["clock-show", "\u{1b}[2J"]);
    harmless(&run.err);
}
